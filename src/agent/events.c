/* SPDX-License-Identifier: Apache-2.0 */
/* File: "SLEVT001" | the PCR's value before the first event (32 bytes) | records. */
#include "agent/events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attest/ima_replay.h"

static const char MAGIC[8] = "SLEVT001";
enum { HEAD_SIZE = 40, RESERVE = 128 /* for the record that says that the log is full */ };

/* ---- memory ---- */

static sl_rc room_make(struct sl_agent_events *e, size_t more, struct sl_err *err)
{
    if (e->size + more > e->room) {
        size_t room = 2 * (e->size + more);
        uint8_t *data = realloc(e->data, room);
        if (data == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", e->path);
        }
        e->data = data;
        e->room = room;
    }
    if (e->count == e->ends_room) {
        size_t room = e->ends_room == 0 ? 256 : 2 * e->ends_room;
        size_t *ends = realloc(e->ends, room * sizeof(*ends));
        if (ends == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "%s: no memory", e->path);
        }
        e->ends = ends;
        e->ends_room = room;
    }
    return SL_OK;
}

static uint64_t *seen_slot(uint64_t *seen, size_t room, uint64_t key)
{
    size_t at = key & (room - 1);
    while (seen[at] != 0 && seen[at] != key) {
        at = (at + 1) & (room - 1);
    }
    return &seen[at];
}

static bool seen_grow(struct sl_agent_events *e)
{
    size_t room = e->seen_room == 0 ? 1024 : 2 * e->seen_room;
    uint64_t *seen = calloc(room, sizeof(*seen));
    if (seen == NULL) {
        return false;
    }
    for (size_t i = 0; i < e->seen_room; i++) {
        if (e->seen[i] != 0) {
            *seen_slot(seen, room, e->seen[i]) = e->seen[i];
        }
    }
    free(e->seen);
    e->seen = seen;
    e->seen_room = room;
    return true;
}

/* Is this program on record? It is remembered as such: 64 bits of SHA-256 over who, where, what.
 * Whoever looks for a collision finds one after 2^32 programs that he ran and were recorded. */
static bool is_seen(struct sl_agent_events *e, const struct sl_node_event *event, bool is_kept)
{
    uint8_t text[sizeof(event->id) + sizeof(event->path) + sizeof(event->digest)] = {0};
    uint8_t digest[32];
    uint64_t key;
    memcpy(text, event->id, sizeof(event->id));
    memcpy(text + sizeof(event->id), event->path, sizeof(event->path));
    memcpy(text + sizeof(event->id) + sizeof(event->path), event->digest, sizeof(event->digest));
    if (EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha256(), NULL) != 1) {
        return false;
    }
    memcpy(&key, digest, sizeof(key));
    key = key != 0 ? key : 1;
    if (2 * e->seen_count >= e->seen_room && !seen_grow(e)) {
        return false;
    }
    uint64_t *slot = seen_slot(e->seen, e->seen_room, key);
    bool was = *slot == key;
    if (!was && is_kept) {
        *slot = key;
        e->seen_count++;
    }
    return was;
}

static sl_rc value_extend(uint8_t value[32], const uint8_t *record, size_t size)
{
    uint8_t both[64];
    memcpy(both, value, 32);
    return EVP_Digest(record, size, both + 32, NULL, EVP_sha256(), NULL) == 1 &&
                   EVP_Digest(both, sizeof(both), value, NULL, EVP_sha256(), NULL) == 1
               ? SL_OK
               : SL_CRYPTO;
}

/* ---- the file ---- */

static sl_rc bytes_put(const struct sl_agent_events *e, const void *data, size_t size,
                       struct sl_err *err)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t put = write(e->fd, at, size);
        if (put < 0 && errno != EINTR) {
            return sl_err_set(err, SL_IO, "%s: %s", e->path, strerror(errno));
        }
        at += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return fdatasync(e->fd) == 0 ? SL_OK
                                 : sl_err_set(err, SL_IO, "%s: %s", e->path, strerror(errno));
}

static void others_forget(const char *state_dir, const char *boot_id)
{
    DIR *dir = opendir(state_dir);
    struct dirent *at;
    while (dir != NULL && (at = readdir(dir)) != NULL) {
        if (strncmp(at->d_name, "events-", 7) == 0 && strcmp(at->d_name + 7, boot_id) != 0) {
            (void)unlinkat(dirfd(dir), at->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

/* Takes whole records; what a crash cut is taken back. @param[out] ret_before  the PCR before the
 * last */
static sl_rc records_take(struct sl_agent_events *e, const uint8_t *data, size_t size,
                          uint8_t ret_before[32], struct sl_err *err)
{
    struct sl_node_event event;
    size_t off = 0;
    sl_rc rc = SL_OK, read;
    memcpy(ret_before, e->value, 32);
    while ((read = sl_node_event_read(data, size, &off, &event, err)) == SL_OK && rc == SL_OK) {
        rc = room_make(e, event.record_size, err);
        if (rc != SL_OK) {
            break;
        }
        memcpy(e->data + e->size, event.record, event.record_size);
        e->size += event.record_size;
        e->ends[e->count++] = e->size;
        memcpy(ret_before, e->value, 32);
        rc = value_extend(e->value, event.record, event.record_size);
        e->is_full =
            event.type == SL_NODE_LOST && e->size + SL_NODE_EVENT_SIZE_MAX + RESERVE > e->size_max;
        if (event.type == SL_NODE_EXEC) {
            (void)is_seen(e, &event, true);
        }
    }
    if (rc == SL_OK && read != SL_CLOSED && read != SL_TRUNCATED) {
        rc = read;
    }
    if (rc == SL_OK && ftruncate(e->fd, (off_t)(HEAD_SIZE + e->size)) != 0) {
        rc = sl_err_set(err, SL_IO, "%s: %s", e->path, strerror(errno));
    }
    return rc;
}

static sl_rc file_load(struct sl_agent_events *e, struct sl_agent_tpm *tpm, struct sl_err *err)
{
    uint8_t head[HEAD_SIZE], now[32], before[32];
    struct stat st;
    uint8_t *data = NULL;
    sl_rc rc = sl_agent_tpm_pcr_read(tpm, e->pcr, now, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (fstat(e->fd, &st) != 0 || st.st_size > (off_t)(HEAD_SIZE + e->size_max)) {
        return sl_err_set(err, SL_RANGE, "%s: longer than %zu bytes", e->path, e->size_max);
    }
    if (st.st_size < HEAD_SIZE) { /* the first in this boot, or not even begun */
        memcpy(head, MAGIC, sizeof(MAGIC));
        memcpy(head + sizeof(MAGIC), now, 32);
        memcpy(e->value, now, 32);
        return ftruncate(e->fd, 0) == 0
                   ? bytes_put(e, head, sizeof(head), err)
                   : sl_err_set(err, SL_IO, "%s: %s", e->path, strerror(errno));
    }
    size_t size = (size_t)st.st_size - HEAD_SIZE;
    if (pread(e->fd, head, HEAD_SIZE, 0) != HEAD_SIZE || memcmp(head, MAGIC, sizeof(MAGIC)) != 0) {
        return sl_err_set(err, SL_MALFORMED, "%s: no log of events", e->path);
    }
    memcpy(e->value, head + sizeof(MAGIC), 32);
    data = malloc(size + 1);
    if (data == NULL || pread(e->fd, data, size, HEAD_SIZE) != (ssize_t)size) {
        free(data);
        return sl_err_set(err, SL_IO, "%s: cannot be read", e->path);
    }
    rc = records_take(e, data, size, before, err);
    free(data);
    if (rc != SL_OK || memcmp(e->value, now, 32) == 0) {
        return rc;
    }
    if (e->count > 0 && memcmp(before, now, 32) == 0) { /* on disk, and not in the PCR yet */
        size_t start = e->count > 1 ? e->ends[e->count - 2] : 0;
        return sl_agent_tpm_pcr_event(tpm, e->pcr, e->data + start, e->size - start, err);
    }
    return sl_err_set(
        err, SL_AUTH,
        "PCR %u has a value that %s does not explain: something else writes to it, or "
        "the file is old; container events are off until the node boots",
        e->pcr, e->path);
}

sl_rc sl_agent_events_open(const char *state_dir, const char *boot_id, uint32_t pcr,
                           size_t size_max, struct sl_agent_tpm *tpm,
                           struct sl_agent_events *ret_events, struct sl_err *err)
{
    struct sl_agent_events *e = ret_events;
    memset(e, 0, sizeof(*e));
    e->pcr = pcr;
    e->size_max = size_max;
    (void)snprintf(e->path, sizeof(e->path), "%s/events-%s", state_dir, boot_id);
    others_forget(state_dir, boot_id);
    e->fd = open(e->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (e->fd < 0) {
        return sl_err_set(err, SL_IO, "%s: %s", e->path, strerror(errno));
    }
    return file_load(e, tpm, err);
}

void sl_agent_events_close(struct sl_agent_events *e)
{
    if (e->path[0] != '\0' && e->fd >= 0) {
        (void)close(e->fd);
    }
    free(e->data);
    free(e->ends);
    free(e->seen);
    memset(e, 0, sizeof(*e));
    e->fd = -1;
}

/* ---- recording ---- */

static sl_rc record_put(struct sl_agent_events *e, struct sl_agent_tpm *tpm,
                        struct sl_node_event *event, struct sl_err *err)
{
    uint8_t record[SL_NODE_EVENT_SIZE_MAX];
    struct timespec now;
    size_t size = 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    event->number = e->count + 1;
    event->time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    sl_rc rc = sl_node_event_write(event, record, sizeof(record), &size);
    if (rc != SL_OK) {
        return sl_err_set(err, SL_INVALID, "an event of type %d cannot be written: %s",
                          (int)event->type, sl_rc_text(rc));
    }
    rc = room_make(e, size, err);
    rc = rc == SL_OK ? bytes_put(e, record, size, err) : rc;
    rc = rc == SL_OK ? sl_agent_tpm_pcr_event(tpm, e->pcr, record, size, err) : rc;
    if (rc != SL_OK) { /* is it in the PCR? The next start finds out. */
        e->is_on = false;
        return rc;
    }
    memcpy(e->data + e->size, record, size);
    e->size += size;
    e->ends[e->count++] = e->size;
    return value_extend(e->value, record, size);
}

sl_rc sl_agent_events_add(struct sl_agent_events *e, struct sl_agent_tpm *tpm,
                          struct sl_node_event *event, struct sl_err *err)
{
    if (e->is_full) {
        return sl_err_set(err, SL_NO_SPACE, "%s is full", e->path);
    }
    if (!e->is_on && event->type != SL_NODE_AGENT) {
        return sl_err_set(err, SL_CLOSED, "container events are off");
    }
    if (event->type == SL_NODE_EXEC && is_seen(e, event, false)) {
        return SL_OK;
    }
    if (e->size + SL_NODE_EVENT_SIZE_MAX + RESERVE > e->size_max) {
        struct sl_node_event lost = {.type = SL_NODE_LOST, .lost = 1};
        e->is_full = true;
        sl_rc rc = record_put(e, tpm, &lost, err);
        return rc != SL_OK ? rc
                           : sl_err_set(err, SL_NO_SPACE,
                                        "%s: %zu bytes are full: no container event is recorded "
                                        "until the node boots, and the monitor is told",
                                        e->path, e->size_max);
    }
    sl_rc rc = record_put(e, tpm, event, err);
    if (rc == SL_OK && event->type == SL_NODE_EXEC) {
        (void)is_seen(e, event, true);
    }
    return rc;
}

/* After which entry has PCR 10 this value? */
static sl_rc prefix_find(const struct sl_agent_ima *ima, const uint8_t value[32],
                         uint64_t *ret_count, struct sl_err *err)
{
    const uint16_t alg = SL_TPM_ALG_SHA256;
    struct sl_ima_replay replay;
    struct sl_ima_log log = {0};
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    bool is_found = false;
    sl_rc rc = sl_ima_replay_init(&replay, &alg, 1, SL_IMA_EXTEND_HASH);
    if (entry == NULL || rc != SL_OK) {
        rc = entry == NULL ? SL_NO_MEMORY : rc;
    } else {
        rc = sl_ima_log_init(&log, (struct sl_blob){ima->data, ima->size}, SL_IMA_BINARY, err);
    }
    while (rc == SL_OK && !is_found && (rc = sl_ima_log_next(&log, entry, err)) == SL_OK) {
        rc = sl_ima_replay_add(&replay, entry, NULL);
        is_found = rc == SL_OK && memcmp(sl_ima_replay_pcr(&replay, alg, 10), value, 32) == 0;
        *ret_count = entry->number;
    }
    sl_ima_log_done(&log);
    free(entry);
    return is_found ? SL_OK
           : rc == SL_NO_MEMORY
               ? rc
               : sl_err_set(
                     err, SL_NOT_FOUND,
                     "PCR 10 is at no entry of the measurement list: container events cannot "
                     "be tied to it, and are off");
}

sl_rc sl_agent_events_begin(struct sl_agent_events *e, struct sl_agent_tpm *tpm,
                            struct sl_agent_ima *ima, struct sl_err *err)
{
    struct sl_node_event event = {.type = SL_NODE_AGENT};
    (void)snprintf(event.version, sizeof(event.version), "%s", SL_VERSION);
    /* the value first: the list that is read then has at least what it stands for */
    sl_rc rc = sl_agent_tpm_pcr_read(tpm, 10, event.ima_pcr, err);
    rc = rc == SL_OK ? sl_agent_ima_poll(ima, err) : rc;
    rc = rc == SL_OK ? prefix_find(ima, event.ima_pcr, &event.ima_count, err) : rc;
    rc = rc == SL_OK ? sl_agent_events_add(e, tpm, &event, err) : rc;
    e->is_on = rc == SL_OK;
    return rc;
}

const uint8_t *sl_agent_events_from(const struct sl_agent_events *e, uint64_t from,
                                    size_t *ret_size)
{
    *ret_size = 0;
    if (from > e->count) {
        return NULL;
    }
    size_t off = from == 0 ? 0 : e->ends[from - 1];
    *ret_size = e->size - off;
    return e->data != NULL ? e->data + off : (const uint8_t *)"";
}
