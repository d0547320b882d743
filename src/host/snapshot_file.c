/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps an image's snapshot, and gives it back. */
#include "host/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

enum { SIZE_SIZE = 4, ROOM = SIZE_SIZE + SL_SNAPSHOT_CHUNK_MAX };

sl_rc sl_snapshot_file_init(struct sl_snapshot_file *file, const char *state_path,
                            void (*log)(const char *line))
{
    *file = (struct sl_snapshot_file){.fd = -1, .read_fd = -1, .log = log};
    int a = snprintf(file->path, sizeof(file->path), "%s.flows", state_path);
    int b = snprintf(file->new_path, sizeof(file->new_path), "%s.flows.new", state_path);
    return a < (int)sizeof(file->path) && b < (int)sizeof(file->new_path) ? SL_OK : SL_RANGE;
}

static void close_both(struct sl_snapshot_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
        (void)unlink(file->new_path); /* was not ended */
    }
    if (file->read_fd >= 0) {
        (void)close(file->read_fd);
    }
    file->fd = file->read_fd = -1;
}

void sl_snapshot_file_done(struct sl_snapshot_file *file)
{
    close_both(file);
}

static void complain(struct sl_snapshot_file *file, const char *what)
{
    char text[SL_SNAPSHOT_PATH_MAX + 128];
    if (!file->is_bad && file->log != NULL) {
        (void)snprintf(text, sizeof(text), "the image's snapshot was not kept: %s %s: %s", what,
                       file->new_path, strerror(errno));
        file->log(text);
    }
    file->is_bad = true;
}

static void put(struct sl_snapshot_file *file, uint32_t index, const uint8_t *data, uint32_t size)
{
    uint8_t room[ROOM] = {0};
    sl_be32_put(room, size);
    memcpy(room + SIZE_SIZE, data, size);
    if (file->fd < 0 || file->is_bad || index != file->count ||
        pwrite(file->fd, room, ROOM, (off_t)index * ROOM) != ROOM) {
        complain(file, "cannot write");
        return;
    }
    file->count++;
}

static void begin(struct sl_snapshot_file *file)
{
    close_both(file);
    file->count = 0;
    file->is_bad = false;
    file->fd = open(file->new_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file->fd < 0) {
        complain(file, "cannot make");
    }
}

static sl_rc end(struct sl_snapshot_file *file, uint32_t count)
{
    bool is_good = file->fd >= 0 && !file->is_bad && count == file->count && fsync(file->fd) == 0 &&
                   rename(file->new_path, file->path) == 0;
    if (!is_good) {
        complain(file, "cannot finish");
        close_both(file);
        return SL_IO;
    }
    (void)close(file->fd);
    file->fd = -1;
    return SL_OK;
}

static uint32_t get(struct sl_snapshot_file *file, uint32_t index, uint8_t *out)
{
    uint8_t room[ROOM];
    if (file->read_fd < 0) {
        file->read_fd = open(file->path, O_RDONLY | O_CLOEXEC);
    }
    if (file->read_fd < 0 || pread(file->read_fd, room, ROOM, (off_t)index * ROOM) != ROOM) {
        return 0;
    }
    uint32_t size = sl_be32_get(room);
    if (size > SL_SNAPSHOT_CHUNK_MAX) {
        return 0;
    }
    memcpy(out, room + SIZE_SIZE, size);
    return size;
}

uint32_t sl_snapshot_file_serve(struct sl_snapshot_file *file, const uint8_t *frame, uint32_t size,
                                uint8_t *answer)
{
    uint32_t index = sl_be32_get(frame + 1);
    const uint8_t *data = frame + SL_SNAPSHOT_FRAME_HEADER;
    uint32_t data_size = size - SL_SNAPSHOT_FRAME_HEADER;
    uint8_t *body = answer + SL_SNAPSHOT_FRAME_HEADER;
    memcpy(answer, frame, SL_SNAPSHOT_FRAME_HEADER);
    switch (frame[0]) {
    case SL_SNAPSHOT_BEGIN:
        if (file != NULL) {
            begin(file);
            put(file, 0, data, data_size);
        }
        return 0;
    case SL_SNAPSHOT_PUT:
        if (file != NULL) {
            put(file, index, data, data_size);
        }
        return 0;
    case SL_SNAPSHOT_END:
        sl_be16_put(body, (uint16_t)(file != NULL ? end(file, index) : SL_UNSUPPORTED));
        return SL_SNAPSHOT_FRAME_HEADER + 2;
    case SL_SNAPSHOT_GET:
        return SL_SNAPSHOT_FRAME_HEADER + (file != NULL ? get(file, index, body) : 0);
    default:
        return 0;
    }
}
