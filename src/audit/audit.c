/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: appends, syncs, rotates, and picks up after a crash. */
#include "audit/audit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/walk.h"
#include "base/bytes.h"

enum { PATH_SIZE = 512, SIZE_MAX_DEFAULT = 16 << 20, TORN_SHOWN = 512, SEQ_DIGITS = 12 };

struct sl_audit {
    pthread_mutex_t lock;
    char path[PATH_SIZE];
    int fd;
    uint64_t size;
    uint64_t size_max;
    struct sl_audit_head head;
    uint64_t failures;
    /* the last line, for repeats */
    enum sl_audit_event event;
    enum sl_audit_outcome outcome;
    json_t *detail;
    uint64_t written_ns;
    uint64_t repeats;
};

static const char *const event_names[] = {
#define EVENT_NAME(name, text, help) text,
    SL_AUDIT_EVENT_TABLE(EVENT_NAME)
#undef EVENT_NAME
};
static const char *const outcome_names[] = {"ok", "refused", "lost"};

static uint64_t real_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Of the folder, so that a new name survives a crash as well. */
static void folder_sync(const char *path)
{
    char copy[PATH_SIZE];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd); /* some file systems cannot: the data itself is synced in any case */
        (void)close(fd);
    }
}

/* ---- one line ---- */

/* Whole or not at all. */
static sl_rc bytes_append(struct sl_audit *audit, const char *data, size_t size, struct sl_err *err)
{
    ssize_t put = write(audit->fd, data, size);
    int error = put < 0 ? errno : ENOSPC;
    if (put == (ssize_t)size && fdatasync(audit->fd) == 0) {
        audit->size += size;
        return SL_OK;
    }
    error = put == (ssize_t)size ? errno : error;
    if (ftruncate(audit->fd, (off_t)audit->size) != 0) {
        error = errno; /* the next open finds a torn line */
    }
    return sl_err_set(err, SL_IO, "audit log %s: %s", audit->path, strerror(error));
}

static sl_rc line_append(struct sl_audit *audit, enum sl_audit_event event,
                         enum sl_audit_outcome outcome, const json_t *detail, struct sl_err *err)
{
    char line[SL_AUDIT_LINE_MAX];
    size_t size = 0;
    struct sl_audit_head next;
    sl_rc rc = sl_audit_line_write(&audit->head, real_ns(), event_names[event],
                                   outcome_names[outcome], detail, line, &size, &next);
    rc = rc == SL_OK ? bytes_append(audit, line, size, err)
                     : sl_err_set(err, rc, "audit log: cannot make a line: %s", sl_rc_text(rc));
    if (rc == SL_OK) {
        audit->head = next;
    } else {
        audit->failures++;
    }
    return rc;
}

/* ---- what is there already ---- */

struct first_fault {
    char text[400];
};

static void fault_note(void *ctx, const char *file, uint64_t number, enum sl_audit_fault fault,
                       const char *text)
{
    struct first_fault *first = ctx;
    if (first->text[0] == '\0') {
        (void)snprintf(first->text, sizeof(first->text), "line %llu: %s (%s)",
                       (unsigned long long)number, text, sl_audit_fault_name(fault));
    }
}

/* Checks the file that is there; where it does not begin with seq 1 a known head may lie before. */
static sl_rc file_check(const char *path, const struct sl_audit_head *known, FILE *file,
                        struct sl_audit_walk *walk, struct sl_err *err)
{
    struct first_fault first = {0};
    *walk = (struct sl_audit_walk){.known = known, .ctx = &first, .on_fault = fault_note};
    sl_rc rc = sl_audit_walk_file(walk, file, path, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (known != NULL && walk->lines > 0 && known->seq <= walk->start.seq) {
        walk->is_known_met = true; /* it is in a rotated file, or is where this one begins */
    }
    sl_audit_walk_end(walk, path);
    if (walk->faults > 0) {
        return sl_err_set(err, SL_MISMATCH,
                          "audit log %s: %s; `safelib audit verify %s` shows all; move the file "
                          "away to go on with a new one that says so",
                          path, first.text, path);
    }
    return SL_OK;
}

/* The last rotated file of this log: PATH.SEQ. @return false where there is none */
static bool rotated_find(const char *path, char *ret_path, size_t size)
{
    char folder[PATH_SIZE];
    char base[PATH_SIZE];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    (void)snprintf(base, sizeof(base), "%s", path);
    const char *name = basename(base);
    size_t name_size = strlen(name);
    char best[SEQ_DIGITS + 1] = "";
    DIR *dir = opendir(dirname(folder));
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        const char *end = e->d_name + name_size + 1;
        if (strncmp(e->d_name, name, name_size) == 0 && e->d_name[name_size] == '.' &&
            strspn(end, "0123456789") == SEQ_DIGITS && end[SEQ_DIGITS] == '\0' &&
            strcmp(end, best) > 0) {
            (void)snprintf(best, sizeof(best), "%s", end);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return best[0] != '\0' && snprintf(ret_path, size, "%s.%s", path, best) < (int)size;
}

/* Where a new file begins: after the last rotated one, after the head that was remembered, or at
 * the very beginning. */
static sl_rc start_find(struct sl_audit *audit, const struct sl_audit_head *known,
                        struct sl_err *err)
{
    char path[PATH_SIZE + SEQ_DIGITS + 2];
    struct sl_audit_walk walk;
    if (rotated_find(audit->path, path, sizeof(path))) {
        FILE *file = fopen(path, "rbe");
        if (file == NULL) {
            return sl_err_set(err, SL_IO, "audit log %s: %s", path, strerror(errno));
        }
        sl_rc rc = file_check(path, NULL, file, &walk, err);
        (void)fclose(file);
        if (rc != SL_OK) {
            return rc;
        }
        audit->head = walk.head;
    }
    if (known != NULL && known->seq > audit->head.seq) {
        audit->head = *known; /* the lines in between are gone: the first line says so */
    }
    return SL_OK;
}

/* Keeps what a crash left of a line, then takes it off the file. */
static sl_rc torn_take(struct sl_audit *audit, FILE *file, uint64_t torn_size, struct sl_err *err)
{
    uint8_t bytes[TORN_SHOWN];
    char hex[2 * TORN_SHOWN + 1];
    size_t got = 0;
    if (fseeko(file, (off_t)audit->size, SEEK_SET) == 0) {
        got = fread(bytes, 1, sizeof(bytes), file);
    }
    if (ftruncate(audit->fd, (off_t)audit->size) != 0) {
        return sl_err_set(err, SL_IO, "audit log %s: %s", audit->path, strerror(errno));
    }
    sl_hex_encode(bytes, got, hex);
    json_t *detail = json_pack("{s:I, s:s}", "size", (json_int_t)torn_size, "begin", hex);
    sl_rc rc = detail != NULL ? line_append(audit, SL_AUDIT_TORN, SL_AUDIT_LOST, detail, err)
                              : sl_err_set(err, SL_NO_MEMORY, "no memory");
    json_decref(detail);
    return rc;
}

static sl_rc fd_open(struct sl_audit *audit, struct sl_err *err)
{
    audit->fd = open(audit->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (audit->fd < 0) {
        return sl_err_set(err, SL_IO, "audit log %s: %s", audit->path, strerror(errno));
    }
    struct stat stat;
    if (fstat(audit->fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        return sl_err_set(err, SL_IO, "audit log %s: expected a plain file", audit->path);
    }
    if (flock(audit->fd, LOCK_EX | LOCK_NB) != 0) {
        return sl_err_set(err, SL_EXISTS, "audit log %s: another process writes it", audit->path);
    }
    return SL_OK;
}

static sl_rc log_open(struct sl_audit *audit, const struct sl_audit_head *known, struct sl_err *err)
{
    struct sl_audit_walk walk;
    sl_rc rc = fd_open(audit, err);
    int copy = rc == SL_OK ? dup(audit->fd) : -1;
    FILE *file = copy >= 0 ? fdopen(copy, "rb") : NULL;
    if (rc == SL_OK && file == NULL) {
        rc = sl_err_set(err, SL_IO, "audit log %s: %s", audit->path, strerror(errno));
    }
    if (rc != SL_OK) {
        goto out;
    }
    rc = fseeko(file, 0, SEEK_END) == 0 ? SL_OK : SL_IO;
    bool is_new = rc == SL_OK && ftello(file) == 0;
    rewind(file);
    if (is_new) {
        rc = start_find(audit, known, err);
        folder_sync(audit->path);
        goto out;
    }
    rc = file_check(audit->path, known, file, &walk, err);
    if (rc != SL_OK) {
        goto out;
    }
    audit->size = walk.good_size;
    audit->head = walk.head;
    if (walk.torn_size > 0) {
        rc = torn_take(audit, file, walk.torn_size, err);
    }
out:
    if (file != NULL) {
        (void)fclose(file);
    } else if (copy >= 0) {
        (void)close(copy);
    }
    return rc;
}

static void audit_free(struct sl_audit *audit)
{
    if (audit->fd >= 0) {
        (void)close(audit->fd);
    }
    json_decref(audit->detail);
    (void)pthread_mutex_destroy(&audit->lock);
    free(audit);
}

sl_rc sl_audit_open(const struct sl_audit_options *options, struct sl_audit **ret_audit,
                    struct sl_err *err)
{
    struct sl_audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for an audit log");
    }
    (void)pthread_mutex_init(&audit->lock, NULL);
    audit->fd = -1;
    audit->size_max = options->size_max != 0 ? options->size_max : SIZE_MAX_DEFAULT;
    int size = snprintf(audit->path, sizeof(audit->path), "%s", options->path);
    sl_rc rc = size < (int)sizeof(audit->path)
                   ? log_open(audit, options->known, err)
                   : sl_err_set(err, SL_INVALID, "audit log: path of %d characters", size);
    const struct sl_audit_head before = audit->head;
    json_t *detail = json_pack("{s:s, s:I}", "version", SL_VERSION, "pid", (json_int_t)getpid());
    if (rc == SL_OK && before.seq > 0 && audit->size == 0) {
        (void)json_object_set_new(detail, "continues_after_seq",
                                  json_integer((json_int_t)before.seq));
    }
    rc = rc == SL_OK ? line_append(audit, SL_AUDIT_OPEN, SL_AUDIT_DONE, detail, err) : rc;
    json_decref(detail);
    if (rc != SL_OK) {
        audit_free(audit);
        return rc;
    }
    *ret_audit = audit;
    return SL_OK;
}

/* ---- writing ---- */

static sl_rc rotate(struct sl_audit *audit, struct sl_err *err)
{
    char old[PATH_SIZE + SEQ_DIGITS + 2];
    json_t *detail = json_pack("{s:s}", "to", audit->path);
    sl_rc rc = detail != NULL ? line_append(audit, SL_AUDIT_ROTATE, SL_AUDIT_DONE, detail, err)
                              : sl_err_set(err, SL_NO_MEMORY, "no memory");
    json_decref(detail);
    if (rc != SL_OK) {
        return rc;
    }
    (void)snprintf(old, sizeof(old), "%s.%0*llu", audit->path, SEQ_DIGITS,
                   (unsigned long long)audit->head.seq);
    if (rename(audit->path, old) != 0) {
        return sl_err_set(err, SL_IO, "audit log %s: %s", old, strerror(errno));
    }
    (void)close(audit->fd);
    audit->size = 0;
    rc = fd_open(audit, err);
    folder_sync(audit->path);
    detail = json_pack("{s:s}", "continues", old);
    rc = rc == SL_OK ? line_append(audit, SL_AUDIT_OPEN, SL_AUDIT_DONE, detail, err) : rc;
    json_decref(detail);
    return rc;
}

static sl_rc repeats_write(struct sl_audit *audit, struct sl_err *err)
{
    if (audit->repeats == 0) {
        return SL_OK;
    }
    json_t *detail = json_pack("{s:s, s:I}", "event", event_names[audit->event], "count",
                               (json_int_t)audit->repeats);
    sl_rc rc = detail != NULL ? line_append(audit, SL_AUDIT_REPEATED, audit->outcome, detail, err)
                              : sl_err_set(err, SL_NO_MEMORY, "no memory");
    json_decref(detail);
    if (rc == SL_OK) {
        audit->repeats = 0;
    }
    return rc;
}

static sl_rc write_locked(struct sl_audit *audit, enum sl_audit_event event,
                          enum sl_audit_outcome outcome, json_t *detail, struct sl_err *err)
{
    uint64_t now_ns = real_ns();
    bool is_repeat = audit->detail != NULL && event == audit->event && outcome == audit->outcome &&
                     now_ns - audit->written_ns < SL_AUDIT_REPEAT_NS &&
                     json_equal(detail, audit->detail);
    if (is_repeat) {
        audit->repeats++;
        return SL_OK;
    }
    sl_rc rc = repeats_write(audit, err);
    rc = rc == SL_OK && audit->size >= audit->size_max ? rotate(audit, err) : rc;
    rc = rc == SL_OK ? line_append(audit, event, outcome, detail, err) : rc;
    if (rc == SL_OK) {
        json_decref(audit->detail);
        audit->detail = json_incref(detail);
        audit->event = event;
        audit->outcome = outcome;
        audit->written_ns = now_ns;
    }
    return rc;
}

sl_rc sl_audit_write(struct sl_audit *audit, enum sl_audit_event event,
                     enum sl_audit_outcome outcome, json_t *detail, struct sl_err *err)
{
    if (audit == NULL) {
        json_decref(detail);
        return SL_OK;
    }
    detail = detail != NULL ? detail : json_object();
    (void)pthread_mutex_lock(&audit->lock);
    sl_rc rc = write_locked(audit, event, outcome, detail, err);
    (void)pthread_mutex_unlock(&audit->lock);
    json_decref(detail);
    return rc;
}

void sl_audit_close(struct sl_audit *audit)
{
    if (audit == NULL) {
        return;
    }
    sl_rc rc = repeats_write(audit, NULL);
    (void)rc; /* the lines that matter are on the disk */
    audit_free(audit);
}

void sl_audit_head(struct sl_audit *audit, struct sl_audit_head *ret_head)
{
    *ret_head = (struct sl_audit_head){0};
    if (audit != NULL) {
        (void)pthread_mutex_lock(&audit->lock);
        *ret_head = audit->head;
        (void)pthread_mutex_unlock(&audit->lock);
    }
}

uint64_t sl_audit_failures(struct sl_audit *audit)
{
    if (audit == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&audit->lock);
    uint64_t failures = audit->failures;
    (void)pthread_mutex_unlock(&audit->lock);
    return failures;
}
