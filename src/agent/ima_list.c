/* SPDX-License-Identifier: Apache-2.0 */
/* seq_file goes on where it ended: an open descriptor gives only what is new. */
#include "agent/ima_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/ima_log.h"

enum { CHUNK = 64 << 10 };

static sl_rc room_make(struct sl_agent_ima *list, size_t more, struct sl_err *err)
{
    size_t need = list->size + list->tail + more;
    if (need > SL_AGENT_IMA_MAX) {
        return sl_err_set(err, SL_RANGE, "%s: longer than %d MiB", list->source,
                          SL_AGENT_IMA_MAX >> 20);
    }
    if (need > list->room) {
        size_t room = 2 * need;
        uint8_t *data = realloc(list->data, room);
        if (data == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", list->source);
        }
        list->data = data;
        list->room = room;
    }
    return SL_OK;
}

static sl_rc end_add(struct sl_agent_ima *list, size_t end, struct sl_err *err)
{
    if (list->count == list->ends_room) {
        size_t room = list->ends_room == 0 ? 1024 : 2 * list->ends_room;
        size_t *ends = realloc(list->ends, room * sizeof(*ends));
        if (ends == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", list->source);
        }
        list->ends = ends;
        list->ends_room = room;
    }
    list->ends[list->count++] = end;
    return SL_OK;
}

/* Whole entries of the tail become part of the list; what is cut within an entry stays tail. */
static sl_rc tail_split(struct sl_agent_ima *list, struct sl_err *err)
{
    struct sl_ima_log log;
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    const size_t start = list->size;
    if (entry == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", list->source);
    }
    sl_rc rc =
        sl_ima_log_init(&log, (struct sl_blob){list->data + start, list->tail}, SL_IMA_BINARY, err);
    while (rc == SL_OK) {
        rc = sl_ima_log_next(&log, entry, err);
        if (rc == SL_OK) {
            rc = end_add(list, start + log.off, err);
            list->size = start + log.off;
        }
    }
    sl_ima_log_done(&log);
    free(entry);
    list->tail -= list->size - start;
    return rc == SL_CLOSED || rc == SL_TRUNCATED ? SL_OK : rc;
}

static sl_rc drain(struct sl_agent_ima *list, struct sl_err *err)
{
    for (;;) {
        sl_rc rc = room_make(list, CHUNK, err);
        if (rc != SL_OK) {
            return rc;
        }
        ssize_t got = read(list->source_fd, list->data + list->size + list->tail, CHUNK);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sl_err_set(err, SL_IO, "%s: %s", list->source, strerror(errno));
        }
        if (got == 0) {
            return list->tail > 0 ? tail_split(list, err) : SL_OK;
        }
        list->tail += (size_t)got;
        list->source_off += (uint64_t)got;
    }
}

static sl_rc archive_append(struct sl_agent_ima *list, size_t from, struct sl_err *err)
{
    while (from < list->size) {
        ssize_t put = write(list->archive_fd, list->data + from, list->size - from);
        if (put < 0 && errno != EINTR) {
            return sl_err_set(err, SL_IO, "%s: %s", list->archive, strerror(errno));
        }
        from += put > 0 ? (size_t)put : 0;
    }
    if (fdatasync(list->archive_fd) != 0) {
        return sl_err_set(err, SL_IO, "%s: %s", list->archive, strerror(errno));
    }
    return SL_OK;
}

/* Where what was just read from a list's start, at `size` on, repeats the end of what we hold: the
 * longest such end, at an entry's border. The repeated part is dropped. */
static size_t overlap_find(const struct sl_agent_ima *list, size_t held, size_t held_count,
                           size_t fresh)
{
    for (size_t i = 0; i <= held_count; i++) {
        size_t start = i == 0 ? 0 : list->ends[i - 1];
        size_t length = held - start;
        if (length <= fresh && memcmp(list->data + start, list->data + held, length) == 0) {
            return length;
        }
    }
    return 0;
}

static sl_rc source_reopen(struct sl_agent_ima *list, struct sl_err *err)
{
    const size_t held = list->size, held_count = list->count;
    if (list->source_fd >= 0) {
        (void)close(list->source_fd);
    }
    list->tail = 0;
    list->source_off = 0;
    list->source_fd = open(list->source, O_RDONLY | O_CLOEXEC);
    if (list->source_fd < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", list->source, strerror(errno));
    }
    sl_rc rc = drain(list, err);
    if (rc != SL_OK || held == 0) {
        return rc;
    }
    size_t fresh = list->size - held;
    size_t repeated = overlap_find(list, held, held_count, fresh);
    list->has_gap = list->has_gap || (repeated == 0 && fresh > 0);
    /* entries again from the border on: what was repeated goes */
    memmove(list->data + held, list->data + held + repeated, fresh - repeated + list->tail);
    list->tail += fresh - repeated;
    list->size = held;
    list->count = held_count;
    return list->tail > 0 ? tail_split(list, err) : SL_OK;
}

/* A list that is shorter than what was read of it, or another file, was trimmed. */
static bool is_source_new(const struct sl_agent_ima *list)
{
    struct stat open_file, file;
    if (list->source_fd < 0 || fstat(list->source_fd, &open_file) != 0) {
        return true;
    }
    if (stat(list->source, &file) != 0) {
        return false;
    }
    return file.st_ino != open_file.st_ino || file.st_dev != open_file.st_dev ||
           (file.st_size > 0 && (uint64_t)file.st_size < list->source_off);
}

/* The kernel says how many entries it holds; fewer than we hold: trimmed. */
static bool is_kernel_trimmed(const struct sl_agent_ima *list)
{
    char path[300], text[32] = "";
    const char *slash = strrchr(list->source, '/');
    if (slash == NULL || strncmp(list->source, "/sys/", 5) != 0) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%.*s/runtime_measurements_count",
                   (int)(slash - list->source), list->source);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return got > 0 && strtoull(text, NULL, 10) < list->count;
}

sl_rc sl_agent_ima_poll(struct sl_agent_ima *list, struct sl_err *err)
{
    const size_t held = list->size;
    bool is_reopen = is_source_new(list) || is_kernel_trimmed(list);
    sl_rc rc = is_reopen ? source_reopen(list, err) : drain(list, err);
    sl_rc kept = list->size > held ? archive_append(list, held, err) : SL_OK;
    return rc != SL_OK ? rc : kept;
}

static void archives_forget(const char *state_dir, const char *boot_id)
{
    DIR *dir = opendir(state_dir);
    struct dirent *at;
    while (dir != NULL && (at = readdir(dir)) != NULL) {
        if (strncmp(at->d_name, "ima-", 4) == 0 && strcmp(at->d_name + 4, boot_id) != 0) {
            (void)unlinkat(dirfd(dir), at->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static sl_rc archive_load(struct sl_agent_ima *list, struct sl_err *err)
{
    list->archive_fd = open(list->archive, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (list->archive_fd < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", list->archive, strerror(errno));
    }
    int source = list->source_fd;
    list->source_fd = list->archive_fd;
    sl_rc rc = drain(list, err);
    list->source_fd = source;
    list->source_off = 0;
    /* a write that a crash cut within an entry is taken back */
    list->tail = 0;
    if (rc == SL_OK && ftruncate(list->archive_fd, (off_t)list->size) != 0) {
        rc = sl_err_set(err, SL_IO, "%s: %s", list->archive, strerror(errno));
    }
    return rc;
}

sl_rc sl_agent_ima_open(const char *source, const char *state_dir, const char *boot_id,
                        struct sl_agent_ima *ret_list, struct sl_err *err)
{
    memset(ret_list, 0, sizeof(*ret_list));
    ret_list->source_fd = ret_list->archive_fd = -1;
    (void)snprintf(ret_list->source, sizeof(ret_list->source), "%s", source);
    (void)snprintf(ret_list->archive, sizeof(ret_list->archive), "%s/ima-%s", state_dir, boot_id);
    archives_forget(state_dir, boot_id);
    return archive_load(ret_list, err);
}

void sl_agent_ima_close(struct sl_agent_ima *list)
{
    if (list->source_fd >= 0) {
        (void)close(list->source_fd);
    }
    if (list->archive_fd >= 0) {
        (void)close(list->archive_fd);
    }
    free(list->data);
    free(list->ends);
    memset(list, 0, sizeof(*list));
    list->source_fd = list->archive_fd = -1;
}

const uint8_t *sl_agent_ima_from(const struct sl_agent_ima *list, uint64_t from, size_t *ret_size)
{
    if (from > list->count) {
        *ret_size = 0;
        return NULL;
    }
    size_t off = from == 0 ? 0 : list->ends[from - 1];
    *ret_size = list->size - off;
    return list->data != NULL ? list->data + off : (const uint8_t *)"";
}

size_t sl_agent_ima_piece(const struct sl_agent_ima *list, uint64_t from, size_t size_max)
{
    const size_t start = from == 0 ? 0 : list->ends[from - 1];
    size_t low = (size_t)from, high = list->count; /* ends[low - 1] fits, or nothing does */
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (list->ends[middle - 1] - start <= size_max) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    if (low == from && low < list->count) {
        low++;
    }
    return low == from ? 0 : list->ends[low - 1] - start;
}
