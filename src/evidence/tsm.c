/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of a TDX or SEV-SNP guest by Linux's configfs-tsm (Documentation/ABI/testing/
 * configfs-tsm-report): one entry per request, and never an answer to somebody else's question. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "evidence/producers.h"
#include "evidence/tsm_table.h"

enum {
    PATH_SIZE = 1024,
    NAME_TRIES_MAX = 16,
    TRIES_MAX = 50,
    TRY_PAUSE_NS = 20000000,
    DEADLINE_MS = 8000,  /* the image waits ten seconds */
    BLOB_MAX = 64 << 10, /* twice what the kernel allows */
    TEXT_SIZE = 64,
    SNP_REPORT_SIZE = 1184,
    SNP_DATA_OFF = 0x50,
    TDX_BODY_DATA_OFF = 520,
    TDX_HEADER_SIZE = 48,
};

struct tsm {
    char root[PATH_SIZE];
};

/* One request: its folder, and what was read there. */
struct entry {
    char path[PATH_SIZE];
    uint8_t out[BLOB_MAX], aux[BLOB_MAX];
    size_t out_size, aux_size;
    char provider[TEXT_SIZE];
};

static uint64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

static int attribute_open(const struct entry *entry, const char *name, int flags)
{
    char path[PATH_SIZE + TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", entry->path, name);
    return open(path, flags | O_CLOEXEC);
}

/* What tells "once more" from "no". The kernel says EBUSY where it was written to without a read in
 * between, EAGAIN where the report is not made yet. */
static sl_rc attribute_error(const struct entry *entry, const char *name, const char *what,
                             int error, struct sl_err *err)
{
    sl_rc rc = error == EBUSY || error == EAGAIN || error == EINTR ? SL_AGAIN
               : error == ENOENT                                   ? SL_NOT_FOUND
                                                                   : SL_IO;
    return sl_err_set(err, rc, "tsm: %s/%s: cannot %s: %s", entry->path, name, what,
                      strerror(error));
}

/* @retval SL_OK, SL_AGAIN, SL_NOT_FOUND, SL_RANGE (more than @p size), SL_IO */
static sl_rc attribute_read(const struct entry *entry, const char *name, uint8_t *out, size_t size,
                            size_t *ret_size, struct sl_err *err)
{
    size_t have = 0;
    int fd = attribute_open(entry, name, O_RDONLY);
    if (fd < 0) {
        return attribute_error(entry, name, "open", errno, err);
    }
    sl_rc rc = SL_OK;
    for (;;) {
        uint8_t over;
        ssize_t got = have < size ? read(fd, out + have, size - have) : read(fd, &over, 1);
        if (got < 0) {
            rc = attribute_error(entry, name, "read", errno, err);
        } else if (got > 0 && have == size) {
            rc = sl_err_set(err, SL_RANGE, "tsm: %s/%s: more than %zu bytes", entry->path, name,
                            size);
        }
        if (got <= 0 || rc != SL_OK) {
            break;
        }
        have += (size_t)got;
    }
    (void)close(fd);
    *ret_size = have;
    return rc;
}

/* A line of text, without its end. */
static sl_rc text_read(const struct entry *entry, const char *name, char out[TEXT_SIZE],
                       struct sl_err *err)
{
    size_t size = 0;
    sl_rc rc = attribute_read(entry, name, (uint8_t *)out, TEXT_SIZE - 1, &size, err);
    out[rc == SL_OK ? size : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return rc;
}

static sl_rc number_read(const struct entry *entry, const char *name, uint64_t *ret_number,
                         struct sl_err *err)
{
    char text[TEXT_SIZE];
    char *end = NULL;
    sl_rc rc = text_read(entry, name, text, err);
    if (rc == SL_OK) {
        errno = 0;
        *ret_number = strtoull(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0') {
            rc = sl_err_set(err, SL_IO, "tsm: %s/%s: expected a number", entry->path, name);
        }
    }
    return rc;
}

static sl_rc attribute_write(const struct entry *entry, const char *name, const void *data,
                             size_t size, struct sl_err *err)
{
    int fd = attribute_open(entry, name, O_WRONLY);
    if (fd < 0) {
        return attribute_error(entry, name, "open", errno, err);
    }
    sl_rc rc = SL_OK;
    ssize_t put = write(fd, data, size);
    if (put < 0) {
        rc = attribute_error(entry, name, "write", errno, err);
    } else if ((size_t)put != size) {
        rc = sl_err_set(err, SL_IO, "tsm: %s/%s: took %zd of %zu bytes", entry->path, name, put,
                        size);
    }
    /* a binary attribute of configfs is handed over at the last close */
    if (close(fd) != 0 && rc == SL_OK) {
        rc = attribute_error(entry, name, "write", errno, err);
    }
    return rc;
}

/* Below VMPL 0 a guest must say for which level it asks. @p io_writes counts what was written. */
static sl_rc privlevel_set(const struct entry *entry, uint64_t *io_writes, struct sl_err *err)
{
    uint64_t floor = 0;
    char text[TEXT_SIZE];
    sl_rc rc = number_read(entry, "privlevel_floor", &floor, err);
    if (rc == SL_NOT_FOUND) { /* TDX knows no such thing */
        return SL_OK;
    }
    if (rc != SL_OK || floor == 0) {
        return rc;
    }
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)floor);
    rc = attribute_write(entry, "privlevel", text, strlen(text), err);
    *io_writes += rc == SL_OK;
    return rc;
}

/* Where the report repeats what was asked. NULL: no such report. */
static const uint8_t *data_find(const struct entry *entry, enum sl_attest_type type)
{
    size_t off = SNP_DATA_OFF;
    if (type == SL_ATTEST_TDX) {
        uint16_t version = entry->out_size >= 2 ? sl_le16_get(entry->out) : 0;
        off = TDX_HEADER_SIZE + TDX_BODY_DATA_OFF + (version >= 5 ? 6u : 0u);
    } else if (entry->out_size != SNP_REPORT_SIZE) {
        return NULL;
    }
    return off + SL_EVIDENCE_DATA_SIZE <= entry->out_size ? entry->out + off : NULL;
}

static sl_rc type_of(const struct entry *entry, enum sl_attest_type *ret_type, struct sl_err *err)
{
    if (strcmp(entry->provider, "tdx_guest") == 0) {
        *ret_type = SL_ATTEST_TDX;
        return SL_OK;
    }
    if (strcmp(entry->provider, "sev_guest") == 0) {
        *ret_type = SL_ATTEST_SNP;
        return SL_OK;
    }
    return sl_err_set(err, SL_UNSUPPORTED,
                      "tsm: %s: provider '%.40s': expected tdx_guest or sev_guest", entry->path,
                      entry->provider);
}

/* One attempt. ABI: "Userspace can detect conflicts by checking generation before writing to any
 * attribute and making sure the number of writes matches expectations after reading @outblob". */
static sl_rc attempt(struct entry *entry, const uint8_t *report_data, enum sl_attest_type *ret_type,
                     struct sl_err *err)
{
    uint64_t before = 0;
    uint64_t after = 0;
    uint64_t writes = 1;
    sl_rc rc = number_read(entry, "generation", &before, err);
    rc = rc != SL_OK ? rc : privlevel_set(entry, &writes, err);
    rc = rc != SL_OK ? rc
                     : attribute_write(entry, "inblob", report_data, SL_EVIDENCE_DATA_SIZE, err);
    rc = rc != SL_OK ? rc
                     : attribute_read(entry, "outblob", entry->out, sizeof(entry->out),
                                      &entry->out_size, err);
    if (rc == SL_OK) {
        rc =
            attribute_read(entry, "auxblob", entry->aux, sizeof(entry->aux), &entry->aux_size, err);
        if (rc == SL_NOT_FOUND) {
            entry->aux_size = 0;
            rc = SL_OK;
        }
    }
    rc = rc != SL_OK ? rc : text_read(entry, "provider", entry->provider, err);
    rc = rc != SL_OK ? rc : number_read(entry, "generation", &after, err);
    rc = rc != SL_OK ? rc : type_of(entry, ret_type, err);
    if (rc != SL_OK) {
        return rc;
    }
    const uint8_t *data = data_find(entry, *ret_type);
    if (data == NULL) {
        return sl_err_set(err, SL_IO, "tsm: %s/outblob: %zu bytes are no report of %s", entry->path,
                          entry->out_size, entry->provider);
    }
    if (after != before + writes || memcmp(data, report_data, SL_EVIDENCE_DATA_SIZE) != 0) {
        return sl_err_set(err, SL_AGAIN, "tsm: %s: somebody else writes to this entry",
                          entry->path);
    }
    return SL_OK;
}

/* A folder that nobody else has. */
static sl_rc entry_make(const struct tsm *tsm, struct entry *entry, struct sl_err *err)
{
    static atomic_uint serial;
    for (int i = 0; i < NAME_TRIES_MAX; i++) {
        unsigned number = atomic_fetch_add(&serial, 1);
        int used = snprintf(entry->path, sizeof(entry->path), "%s/safelib-%d-%u", tsm->root,
                            (int)getpid(), number);
        if (used < 0 || (size_t)used >= sizeof(entry->path)) {
            return sl_err_set(err, SL_IO, "tsm: %s: the path is too long", tsm->root);
        }
        if (mkdir(entry->path, 0700) == 0) {
            return SL_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return sl_err_set(err, SL_IO, "tsm: %s: cannot be made: %s%s", entry->path, strerror(errno),
                      errno == ENXIO ? " (no provider: load tdx-guest or sev-guest)" : "");
}

/* A report to what was asked here, or why not. */
static sl_rc entry_ask(struct entry *entry, const uint8_t *report_data,
                       enum sl_attest_type *ret_type, struct sl_err *err)
{
    const struct timespec pause = {.tv_nsec = TRY_PAUSE_NS};
    uint64_t begin_ms = now_ms();
    for (int i = 0; i < TRIES_MAX && now_ms() - begin_ms < DEADLINE_MS; i++) {
        sl_rc rc = attempt(entry, report_data, ret_type, err);
        if (rc != SL_AGAIN) {
            /* an attribute that must be there is not: a fault of the device */
            return rc == SL_NOT_FOUND || rc == SL_RANGE ? SL_IO : rc;
        }
        (void)nanosleep(&pause, NULL);
    }
    err->rc = SL_TIMEOUT;
    return sl_err_prefix(err, "gave up after %llu ms", (unsigned long long)(now_ms() - begin_ms));
}

static sl_rc evidence_make(struct entry *entry, enum sl_attest_type type,
                           struct sl_evidence *ret_evidence, struct sl_err *err)
{
    struct sl_evidence evidence = {
        .type = type, .binding = SL_BINDING_REPORT_DATA, .evidence = {entry->out, entry->out_size}};
    uint8_t *chain = NULL;
    sl_rc rc = SL_OK;
    if (type == SL_ATTEST_SNP && entry->aux_size > 0) {
        rc = sl_tsm_table_read(entry->aux, entry->aux_size, &evidence.collateral, &chain, err);
    }
    if (rc == SL_OK) {
        rc = sl_evidence_copy(&evidence, ret_evidence);
        if (rc != SL_OK) {
            (void)sl_err_set(err, rc, "tsm: the evidence is larger than %d bytes, or no memory",
                             SL_EVIDENCE_SIZE_MAX);
        }
    }
    free(chain);
    return rc;
}

static sl_rc target_info(void *ctx, uint8_t ret_target[512], struct sl_err *err)
{
    (void)ctx;
    (void)ret_target;
    return sl_err_set(err, SL_UNSUPPORTED,
                      "tsm: the whole guest is measured: report_data alone, no REPORT");
}

static sl_rc produce(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                     const uint8_t *report, struct sl_evidence *ret_evidence, struct sl_err *err)
{
    struct sl_err local = {0};
    if (report != NULL) {
        return sl_err_set(err, SL_INVALID, "tsm: expected no REPORT of an enclave");
    }
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "tsm: out of memory");
    }
    /* what was tried in vain on the way to success is nobody's business */
    sl_rc rc = entry_make(ctx, entry, &local);
    if (rc == SL_OK) {
        enum sl_attest_type type = SL_ATTEST_SNP;
        rc = entry_ask(entry, report_data, &type, &local);
        rc = rc != SL_OK ? rc : evidence_make(entry, type, ret_evidence, &local);
        (void)rmdir(entry->path); /* configfs: takes its attributes with it */
    }
    free(entry);
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "%s", local.text);
}

sl_rc sl_evidence_tsm_open(const char *root, struct sl_evidence_producer *ret_producer,
                           struct sl_err *err)
{
    struct stat st;
    if (stat(root, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return sl_err_set(err, SL_NOT_FOUND,
                          "tsm: %s is no folder: a TDX or SEV-SNP guest with Linux 6.7 or later "
                          "has it, with configfs mounted and tdx-guest or sev-guest loaded",
                          root);
    }
    struct tsm *tsm = calloc(1, sizeof(*tsm));
    if (tsm == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "tsm: out of memory");
    }
    (void)snprintf(tsm->root, sizeof(tsm->root), "%s", root);
    *ret_producer = (struct sl_evidence_producer){
        .name = "tsm", .ctx = tsm, .target_info = target_info, .produce = produce, .free = free};
    return SL_OK;
}
