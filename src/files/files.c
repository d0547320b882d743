/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out, bounded and atomic. */
#include "files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

/* Reads to the end; SL_RANGE past size_max. A pipe tells no size, so the buffer grows. */
static sl_rc read_all(int fd, size_t size_max, uint8_t **io_data, size_t *ret_size)
{
    size_t size = 0;
    size_t room = 0;
    for (;;) {
        if (size == room) {
            room = room + CHUNK < size_max + 1 ? room + CHUNK : size_max + 1;
            uint8_t *more = realloc(*io_data, room + 1);
            if (more == NULL) {
                return SL_NO_MEMORY;
            }
            *io_data = more;
        }
        ssize_t got = read(fd, *io_data + size, room - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return SL_IO;
        }
        if (got == 0) {
            (*io_data)[size] = 0;
            *ret_size = size;
            return SL_OK;
        }
        size += (size_t)got;
        if (size > size_max) {
            return SL_RANGE;
        }
    }
}

sl_rc sl_file_read(const char *path, size_t size_max, uint8_t **ret_data, size_t *ret_size,
                   struct sl_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                          strerror(errno));
    }
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = read_all(fd, size_max, &data, &size);
    int saved = errno;
    (void)close(fd);
    if (rc == SL_OK) {
        *ret_data = data;
        *ret_size = size;
        return SL_OK;
    }
    free(data);
    switch (rc) {
    case SL_RANGE:
        return sl_err_set(err, rc, "%s: longer than the %zu bytes that are read", path, size_max);
    case SL_NO_MEMORY:
        return sl_err_set(err, rc, "%s: out of memory", path);
    default:
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(saved));
    }
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        data += put;
        size -= (size_t)put;
    }
    return true;
}

/* The name itself is on the disk only once its folder is. */
static bool folder_sync(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    (void)snprintf(folder, sizeof(folder), "%.*s", length, slash == NULL ? "." : path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_good = fsync(fd) == 0 || errno == EINVAL;
    (void)close(fd);
    return is_good;
}

sl_rc sl_file_write(const char *path, unsigned mode, const void *data, size_t size,
                    struct sl_err *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof(temporary)) {
        return sl_err_set(err, SL_RANGE, "%.40s...: path too long", path);
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", temporary, strerror(errno));
    }
    bool is_good =
        write_all(fd, data, size) && fchmod(fd, (mode_t)mode & 07777) == 0 && fsync(fd) == 0;
    int saved = errno;
    is_good = close(fd) == 0 && is_good;
    if (is_good && rename(temporary, path) == 0) {
        (void)folder_sync(path);
        return SL_OK;
    }
    saved = saved != 0 ? saved : errno;
    (void)unlink(temporary);
    return sl_err_set(err, SL_IO, "%s: %s", path, strerror(saved));
}
