/* SPDX-License-Identifier: Apache-2.0 */
/* Boot event logs, event by event. */
#include "attest/tcg_log.h"

#include <string.h>

#include "base/bytes.h"

/* TCG PC Client Platform Firmware Profile 10.4.5.1 */
static const char SPEC_ID[16] = "Spec ID Event03";

enum { SHA1_SIZE = 20, SPEC_ID_HEAD = 24 /* signature, class, versions, errata, uintn size */ };

static uint16_t read_le16(struct sl_reader *r)
{
    const uint8_t *p = sl_reader_bytes(r, 2);
    return p != NULL ? sl_le16_get(p) : 0;
}

static uint32_t read_le32(struct sl_reader *r)
{
    const uint8_t *p = sl_reader_bytes(r, 4);
    return p != NULL ? sl_le32_get(p) : 0;
}

/* Register, type, SHA-1, data: the form of the first event, and of all where it is no Spec ID. */
static void read_sha1_event(struct sl_reader *r, struct sl_tcg_event *event)
{
    event->mr = read_le32(r);
    event->type = read_le32(r);
    event->digests[0] =
        (struct sl_tcg_digest){SL_TPM_ALG_SHA1, SHA1_SIZE, sl_reader_bytes(r, SHA1_SIZE)};
    event->digest_count = 1;
    event->size = read_le32(r);
    event->data = sl_reader_bytes(r, event->size);
}

static const struct sl_tcg_digest *algorithm_find(const struct sl_tcg_log *log, uint16_t alg)
{
    for (size_t i = 0; i < log->algorithm_count; i++) {
        if (log->algorithms[i].alg == alg) {
            return &log->algorithms[i];
        }
    }
    return NULL;
}

static sl_rc spec_id_read(struct sl_tcg_log *log, const struct sl_tcg_event *event,
                          struct sl_err *err)
{
    struct sl_reader r;
    sl_reader_init(&r, event->data, event->size);
    (void)sl_reader_bytes(&r, SPEC_ID_HEAD);
    uint32_t count = read_le32(&r);
    if (r.rc == SL_OK && (count == 0 || count > SL_TCG_ALGORITHMS_MAX)) {
        return sl_err_set(err, count == 0 ? SL_MALFORMED : SL_RANGE,
                          "event log: %u algorithms announced, 1 to %d are read", count,
                          SL_TCG_ALGORITHMS_MAX);
    }
    for (uint32_t i = 0; i < count && r.rc == SL_OK; i++) {
        struct sl_tcg_digest *row = &log->algorithms[i];
        row->alg = read_le16(&r);
        row->size = read_le16(&r);
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(row->alg);
        if (algorithm_find(log, row->alg) != NULL || row->size == 0 ||
            (hash != NULL && hash->size != row->size)) {
            return sl_err_set(err, SL_MALFORMED,
                              "event log: algorithm 0x%04x announced twice or with digests of %u "
                              "bytes",
                              row->alg, row->size);
        }
        if (row->size > SL_TPM_DIGEST_MAX) {
            return sl_err_set(err, SL_RANGE, "event log: digests of %u bytes, at most %d are read",
                              row->size, SL_TPM_DIGEST_MAX);
        }
        log->algorithm_count++;
    }
    uint8_t vendor_size = sl_reader_u8(&r);
    if (r.rc == SL_OK && sl_reader_left(&r) == 0) {
        /* some firmware leaves its information out of the event's size, and appends it */
        log->appended_size = vendor_size;
    } else {
        (void)sl_reader_bytes(&r, vendor_size);
    }
    if (sl_reader_end(&r) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED,
                          "event log: the Spec ID event of %zu bytes does not hold its table of %u "
                          "algorithms and vendor information, or more than that",
                          event->size, count);
    }
    return SL_OK;
}

static bool is_padding(const struct sl_tcg_log *log)
{
    const uint8_t *p = log->data.data + log->off;
    size_t size = log->data.size - log->off;
    if (size == 0) {
        return true;
    }
    return (p[0] == 0xff || p[0] == 0) && memcmp(p, p + 1, size - 1) == 0;
}

sl_rc sl_tcg_log_init(struct sl_tcg_log *log, struct sl_blob data, struct sl_err *err)
{
    *log = (struct sl_tcg_log){.data = data};
    if (data.data == NULL || data.size == 0) {
        return sl_err_set(err, SL_TRUNCATED, "event log: empty");
    }
    if (is_padding(log)) {
        return sl_err_set(err, SL_MALFORMED, "event log: no event, only padding");
    }
    struct sl_reader r;
    sl_reader_init(&r, data.data, data.size);
    struct sl_tcg_event first = {.number = 0};
    read_sha1_event(&r, &first);
    if (r.rc != SL_OK) {
        return sl_err_set(err, SL_TRUNCATED, "event log: %zu bytes end inside the first event",
                          data.size);
    }
    if (first.type != SL_TCG_EV_NO_ACTION || first.size < sizeof(SPEC_ID) ||
        memcmp(first.data, SPEC_ID, sizeof(SPEC_ID)) != 0) {
        log->is_sha1_only = true;
        log->algorithms[0] = (struct sl_tcg_digest){SL_TPM_ALG_SHA1, SHA1_SIZE, NULL};
        log->algorithm_count = 1;
        return SL_OK;
    }
    return spec_id_read(log, &first, err);
}

static sl_rc read_digests(const struct sl_tcg_log *log, struct sl_reader *r,
                          struct sl_tcg_event *event, struct sl_err *err)
{
    uint32_t count = read_le32(r);
    if (r->rc == SL_OK && (count == 0 || count > log->algorithm_count)) {
        return sl_err_set(err, SL_MALFORMED,
                          "event log: event %llu at byte %zu has %u digests, %zu algorithms were "
                          "announced",
                          (unsigned long long)event->number, event->off, count,
                          log->algorithm_count);
    }
    for (uint32_t i = 0; i < count && r->rc == SL_OK; i++) {
        uint16_t alg = read_le16(r);
        const struct sl_tcg_digest *row = algorithm_find(log, alg);
        if (r->rc == SL_OK && (row == NULL || sl_tcg_event_digest(event, alg) != NULL)) {
            return sl_err_set(err, SL_MALFORMED,
                              "event log: event %llu at byte %zu has a digest of algorithm 0x%04x, "
                              "which is there twice or was not announced",
                              (unsigned long long)event->number, event->off, alg);
        }
        if (row != NULL) {
            event->digests[event->digest_count++] =
                (struct sl_tcg_digest){alg, row->size, sl_reader_bytes(r, row->size)};
        }
    }
    return SL_OK;
}

sl_rc sl_tcg_log_next(struct sl_tcg_log *log, struct sl_tcg_event *ret_event, struct sl_err *err)
{
    if (is_padding(log)) {
        return SL_NOT_FOUND;
    }
    struct sl_reader r;
    sl_reader_init(&r, log->data.data + log->off, log->data.size - log->off);
    struct sl_tcg_event event = {.number = log->number, .off = log->off};
    if (log->is_sha1_only || log->number == 0) {
        read_sha1_event(&r, &event);
        (void)sl_reader_bytes(&r, log->number == 0 ? log->appended_size : 0);
    } else {
        event.mr = read_le32(&r);
        event.type = read_le32(&r);
        sl_rc rc = read_digests(log, &r, &event, err);
        if (rc != SL_OK) {
            return rc;
        }
        event.size = read_le32(&r);
        event.data = sl_reader_bytes(&r, event.size);
    }
    if (r.rc != SL_OK) {
        return sl_err_set(err, SL_TRUNCATED,
                          "event log: %zu bytes end inside event %llu, which starts at byte %zu",
                          log->data.size, (unsigned long long)event.number, event.off);
    }
    log->off += r.off;
    log->number++;
    *ret_event = event;
    return SL_OK;
}

const uint8_t *sl_tcg_event_digest(const struct sl_tcg_event *event, uint16_t alg)
{
    for (size_t i = 0; i < event->digest_count; i++) {
        if (event->digests[i].alg == alg) {
            return event->digests[i].data;
        }
    }
    return NULL;
}
