/* SPDX-License-Identifier: Apache-2.0 */
/* The file that stands for a processor's fuses on the emulator. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "device/keys.h"

/* $XDG_STATE_HOME/safelib/emulated-fuses, with the folders above it made. */
static sl_rc default_path(char *ret_path, size_t size, struct sl_err *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int used;
    /* XDG Base Directory Specification: "All paths set in these environment variables must be
       absolute. If an implementation encounters a relative path ... it should ... ignore it." */
    if (state != NULL && state[0] == '/') {
        used = snprintf(ret_path, size, "%s/safelib/emulated-fuses", state);
    } else if (home != NULL && home[0] == '/') {
        used = snprintf(ret_path, size, "%s/.local/state/safelib/emulated-fuses", home);
    } else {
        return sl_err_set(err, SL_NOT_FOUND,
                          "no place for the emulator's fuse file: set XDG_STATE_HOME or HOME");
    }
    if (used < 0 || (size_t)used >= size) {
        return sl_err_set(err, SL_IO, "the path of the emulator's fuse file is too long");
    }
    for (char *at = strchr(ret_path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(ret_path, 0700) != 0 && errno != EEXIST) {
            return sl_err_set(err, SL_IO, "%s: %s", ret_path, strerror(errno));
        }
        *at = '/';
    }
    return SL_OK;
}

static sl_rc fuse_read(const char *path, int fd, uint8_t ret_fuse[SL_FUSE_SIZE], struct sl_err *err)
{
    struct stat st;
    uint8_t data[SL_FUSE_SIZE + 1];
    if (fstat(fd, &st) != 0) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        return sl_err_set(err, SL_DENIED,
                          "%s: the emulator's fuse file must be a plain file of this user with "
                          "mode 0600",
                          path);
    }
    ssize_t size = read(fd, data, sizeof(data));
    if (size < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    if (size != SL_FUSE_SIZE) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s: must hold %d bytes, not %zd; remove it to start as a new machine "
                          "(what the old one sealed is then lost)",
                          path, SL_FUSE_SIZE, size);
    }
    memcpy(ret_fuse, data, SL_FUSE_SIZE);
    sl_wipe(data, sizeof(data));
    return SL_OK;
}

/* Complete or not there at all, also when two processes start at once: link() is the decision. */
static sl_rc fuse_make(const char *path, const uint8_t fuse[SL_FUSE_SIZE], struct sl_err *err)
{
    char temp[PATH_MAX];
    int used = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
    if (used < 0 || (size_t)used >= sizeof(temp)) {
        return sl_err_set(err, SL_IO, "%s: the path is too long", path);
    }
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", temp, strerror(errno));
    }
    bool is_ok = write(fd, fuse, SL_FUSE_SIZE) == SL_FUSE_SIZE && fsync(fd) == 0 &&
                 (link(temp, path) == 0 || errno == EEXIST);
    int error = errno;
    (void)close(fd);
    (void)unlink(temp);
    return is_ok ? SL_OK : sl_err_set(err, SL_IO, "%s: %s", path, strerror(error));
}

sl_rc sl_machine_open(const char *path, struct sl_machine *ret_machine, struct sl_err *err)
{
    char buf[PATH_MAX];
    if (path == NULL) {
        sl_rc rc = default_path(buf, sizeof(buf), err);
        if (rc != SL_OK) {
            return rc;
        }
        path = buf;
    }
    struct sl_machine machine;
    sl_rc rc = sl_machine_init_transient(&machine);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "no randomness for the emulator's fuses");
    }
    /* O_NONBLOCK: a FIFO in its place must not hang the start. */
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags);
    if (fd < 0 && errno == ENOENT) {
        rc = fuse_make(path, machine.fuse, err);
        if (rc != SL_OK) {
            goto out;
        }
        fd = open(path, flags);
    }
    if (fd < 0) {
        rc = errno == ELOOP
                 ? sl_err_set(err, SL_DENIED, "%s: the fuse file must not be a link", path)
                 : sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
        goto out;
    }
    rc = fuse_read(path, fd, machine.fuse, err);
    (void)close(fd);
    if (rc == SL_OK) {
        machine.is_persistent = true;
        *ret_machine = machine;
    }
out:
    sl_machine_done(&machine);
    return rc;
}
