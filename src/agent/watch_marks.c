/* SPDX-License-Identifier: Apache-2.0 */
/* Where a container executes from, which file that was, and whose process did it. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/watch.h"
#include "files/files.h"

enum { CACHE_SIZE = 256, CHUNK = 128 << 10, MOUNTS_MAX = 1 << 20, HASHED_MAX = 1 << 30 };
enum { MAGIC_OVERLAY = 0x794c7630, MAGIC_TMPFS = 0x01021994, MAGIC_FUSE = 0x65735546 };

/* ---- marks ---- */

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* A file system of the container's own is marked whole, so that mounts made later count as well;
 * one that the host shares (a directory as root) by its mount only. */
static int path_mark(int fanotify, const char *path)
{
    struct statfs fs;
    bool is_own = statfs(path, &fs) == 0 && (fs.f_type == MAGIC_OVERLAY ||
                                             fs.f_type == MAGIC_TMPFS || fs.f_type == MAGIC_FUSE);
    unsigned what = FAN_MARK_ADD | (unsigned)(is_own ? FAN_MARK_FILESYSTEM : FAN_MARK_MOUNT);
    return fanotify_mark(fanotify, what, FAN_OPEN_EXEC_PERM, AT_FDCWD, path);
}

static bool holds_programs(const char *fs_type, const char *options)
{
    static const char *const without[] = {"proc",   "sysfs",      "cgroup",   "cgroup2", "devpts",
                                          "mqueue", "securityfs", "debugfs",  "tracefs", "bpf",
                                          "pstore", "efivarfs",   "configfs", "autofs"};
    const char *noexec = strstr(options, "noexec");
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        if (strcmp(fs_type, without[i]) == 0) {
            return false;
        }
    }
    return noexec == NULL || (noexec[6] != ',' && noexec[6] != '\0');
}

/* mountinfo: ID parent major:minor root MOUNT options [optional...] - TYPE source options; octal
 * for what is no plain letter, which no runtime makes: such a mount is left out. */
static void mounts_mark(int fanotify, int32_t pid)
{
    char path[64];
    uint8_t *text = NULL;
    size_t size;
    (void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
    if (sl_file_read(path, MOUNTS_MAX, &text, &size, NULL) != SL_OK) {
        return;
    }
    char *rest = NULL;
    for (char *line = strtok_r((char *)text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char mount[512], options[256], type[64], full[640];
        const char *dash = strstr(line, " - ");
        if (dash == NULL || sscanf(line, "%*s %*s %*s %*s %511s %255s", mount, options) != 2 ||
            sscanf(dash + 3, "%63s", type) != 1 || strcmp(mount, "/") == 0 ||
            !holds_programs(type, options)) {
            continue;
        }
        (void)snprintf(full, sizeof(full), "/proc/%d/root%s", pid, mount);
        (void)path_mark(fanotify, full);
    }
    free(text);
}

int sl_agent_marks_set(int fanotify, const struct sl_agent_container *container)
{
    char root[64], ns[64];
    (void)snprintf(root, sizeof(root), "/proc/%d/root", container->pid);
    (void)snprintf(ns, sizeof(ns), "/proc/%d/ns/mnt", container->pid);
    /* while the runtime still prepares it, its root is ours */
    if (is_same_file(root, "/") || is_same_file(ns, "/proc/self/ns/mnt")) {
        return 0;
    }
    if (path_mark(fanotify, root) != 0) {
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    }
    mounts_mark(fanotify, container->pid);
    return 1;
}

/* ---- digests ---- */

static struct cached {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed, written;
    uint8_t digest[32];
} cache[CACHE_SIZE];

static bool is_cached(const struct cached *row, const struct stat *st)
{
    return row->size > 0 && row->dev == st->st_dev && row->ino == st->st_ino &&
           row->size == st->st_size && row->changed.tv_sec == st->st_ctim.tv_sec &&
           row->changed.tv_nsec == st->st_ctim.tv_nsec &&
           row->written.tv_sec == st->st_mtim.tv_sec && row->written.tv_nsec == st->st_mtim.tv_nsec;
}

static bool hash_compute(int fd, off_t size, uint8_t ret_digest[32])
{
    static uint8_t chunk[CHUNK];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx != NULL && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) == 1;
    off_t off = 0;
    ssize_t got = 1;
    while (is_good && off < size && got > 0) {
        got = pread(fd, chunk, sizeof(chunk), off);
        is_good = got > 0 && EVP_DigestUpdate(ctx, chunk, (size_t)got) == 1;
        off += got > 0 ? got : 0;
    }
    is_good = is_good && EVP_DigestFinal_ex(ctx, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return is_good;
}

bool sl_agent_watch_hash(int fd, uint8_t ret_digest[32])
{
    struct stat before, after;
    memset(ret_digest, 0, 32);
    if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode) || before.st_size > HASHED_MAX) {
        return false;
    }
    struct cached *row = &cache[(before.st_ino ^ before.st_dev) % CACHE_SIZE];
    if (is_cached(row, &before)) {
        memcpy(ret_digest, row->digest, 32);
        return true;
    }
    if (!hash_compute(fd, before.st_size, ret_digest) || fstat(fd, &after) != 0) {
        memset(ret_digest, 0, 32);
        return false;
    }
    *row = (struct cached){.dev = after.st_dev,
                           .ino = after.st_ino,
                           .size = after.st_size,
                           .changed = after.st_ctim,
                           .written = after.st_mtim};
    memcpy(row->digest, ret_digest, 32);
    if (!is_cached(row, &before)) { /* written to meanwhile */
        row->size = 0;
        memset(ret_digest, 0, 32);
        return false;
    }
    return true;
}

/* ---- owners ---- */

static bool is_below(const char *path, const char *top)
{
    size_t length = strlen(top);
    return length > 1 && strncmp(path, top, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static bool is_same_ns(int32_t a, int32_t b, const char *kind)
{
    char one[64], other[64];
    (void)snprintf(one, sizeof(one), "/proc/%d/ns/%s", a, kind);
    (void)snprintf(other, sizeof(other), "/proc/%d/ns/%s", b, kind);
    return is_same_file(one, other);
}

const char *sl_agent_watch_owner(const struct sl_agent_containers *all, int32_t pid)
{
    static const char *const kinds[] = {"mnt", "pid"};
    struct sl_agent_container process = {.pid = pid};
    sl_agent_container_cgroup(&process);
    for (unsigned i = 0; i < all->count; i++) {
        if (all->list[i].pid > 0 && is_below(process.cgroup, all->list[i].cgroup)) {
            return all->list[i].id;
        }
    }
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        char own[64];
        (void)snprintf(own, sizeof(own), "/proc/self/ns/%s", kinds[k]);
        for (unsigned i = 0; i < all->count; i++) {
            char of[64];
            (void)snprintf(of, sizeof(of), "/proc/%d/ns/%s", all->list[i].pid, kinds[k]);
            if (all->list[i].pid > 0 && is_same_ns(all->list[i].pid, pid, kinds[k]) &&
                !is_same_file(of, own)) {
                return all->list[i].id;
            }
        }
    }
    return NULL;
}
