/* SPDX-License-Identifier: Apache-2.0 */
/* An image's identity over restarts, its log, its clock. */
#include "image/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "control/frame.h"
#include "image/provision.h"
#include "image/seal.h"

static const char purpose[] = "image state";

enum {
    STATE_FORMAT = 1,
    STATE_SIZE = 1 + SL_INSTANCE_SIZE + 8 + 1 + 8 + SL_PROVISION_HASH_SIZE,
};
_Static_assert(STATE_SIZE + SL_SEAL_OVERHEAD <= SL_SEALED_MAX, "fits its frame");

/* ---- the log ---- */

static void record_append(struct sl_life *life, struct sl_image_record *record)
{
    struct sl_life_log *log = &life->log;
    uint8_t bytes[SL_IMAGE_LOG_RECORD_MAX];
    struct sl_writer w;
    record->seq = log->seq + 1;
    sl_writer_init(&w, bytes, sizeof(bytes));
    sl_image_record_write(&w, record);
    if (w.rc != SL_OK || sl_image_record_hash(log->hash, bytes, w.off, log->hash) != SL_OK) {
        memset(log->hash, 0xff, sizeof(log->hash)); /* whoever checks the chain sees that it ends */
    }
    log->seq++;
    log->records[log->seq % SL_LIFE_LOG_COUNT] = *record;
}

static void record_time(const struct sl_life *life, uint64_t own_ns, struct sl_image_record *record)
{
    record->is_time_authentic = life->has_time;
    record->time_ns =
        life->has_time ? life->time_gateway_ns + (own_ns - life->time_own_ns) : own_ns;
}

static void repeats_note(struct sl_life *life, uint64_t own_ns)
{
    if (life->log.repeats > 0) {
        struct sl_image_record record = {.event = SL_IMAGE_REPEATED, .number = life->log.repeats};
        record_time(life, own_ns, &record);
        life->log.repeats = 0;
        record_append(life, &record);
    }
}

void sl_life_note(struct sl_life *life, uint64_t own_ns, enum sl_image_event event, sl_rc rc,
                  uint64_t number, const char *text)
{
    struct sl_image_record record = {
        .event = (uint16_t)event, .rc = (uint16_t)rc, .number = number};
    const struct sl_image_record *last = &life->log.records[life->log.seq % SL_LIFE_LOG_COUNT];
    (void)snprintf(record.text, sizeof(record.text), "%s", text != NULL ? text : "");
    if (life->log.seq > 0 && last->event == record.event && last->rc == record.rc &&
        last->number == number && strcmp(last->text, record.text) == 0) {
        life->log.repeats++;
        return;
    }
    repeats_note(life, own_ns);
    record_time(life, own_ns, &record);
    record_append(life, &record);
}

void sl_life_log_write(struct sl_life *life, uint64_t seq, struct sl_writer *w)
{
    const struct sl_life_log *log = &life->log;
    uint64_t first = log->seq > SL_LIFE_LOG_COUNT ? log->seq - SL_LIFE_LOG_COUNT + 1 : 1;
    uint16_t count = 0;
    first = seq >= first && seq < UINT64_MAX ? seq + 1 : first;
    uint8_t *place = sl_writer_reserve(w, 2);
    for (uint64_t at = first; place != NULL && at <= log->seq; at++) {
        const struct sl_image_record *record = &log->records[at % SL_LIFE_LOG_COUNT];
        if (w->size - w->off < 2 + SL_IMAGE_LOG_RECORD_MAX) {
            break; /* the rest is asked for again */
        }
        uint8_t *size = sl_writer_reserve(w, 2);
        size_t begin = w->off;
        sl_image_record_write(w, record);
        sl_be16_put(size, (uint16_t)(w->off - begin));
        count++;
    }
    if (place != NULL) {
        sl_be16_put(place, count);
    }
}

/* ---- identity ---- */

static sl_rc state_read(const uint8_t *data, size_t size, struct sl_life *life,
                        struct sl_provision *provision)
{
    struct sl_reader r;
    uint8_t hash[SL_PROVISION_HASH_SIZE];
    uint8_t instance[SL_INSTANCE_SIZE];
    sl_reader_init(&r, data, size);
    uint8_t format = sl_reader_u8(&r);
    sl_reader_copy(&r, instance, sizeof(instance));
    uint64_t epoch = sl_reader_be64(&r);
    uint8_t has_policy = sl_reader_u8(&r);
    uint64_t version = sl_reader_be64(&r);
    sl_reader_copy(&r, hash, sizeof(hash));
    if (r.rc == SL_OK && (format != STATE_FORMAT || has_policy > 1)) {
        sl_reader_fail(&r, SL_MALFORMED);
    }
    sl_rc rc = sl_reader_end(&r);
    if (rc == SL_OK) {
        memcpy(life->instance, instance, sizeof(instance));
        life->epoch = epoch;
        provision->has_floor = has_policy == 1;
        provision->floor_version = version;
        memcpy(provision->floor_hash, hash, sizeof(hash));
    }
    return rc;
}

static bool restore(struct sl_life *life, const uint8_t *sealed, size_t size,
                    struct sl_provision *provision)
{
    uint8_t state[STATE_SIZE];
    size_t state_size = 0;
    struct sl_err err = {0};
    sl_rc rc = sl_unseal(SL_SEAL_MRENCLAVE, purpose, sealed, size, state, sizeof(state),
                         &state_size, &err);
    if (rc == SL_MISMATCH) {
        rc = sl_unseal(SL_SEAL_MRSIGNER, purpose, sealed, size, state, sizeof(state), &state_size,
                       &err);
    }
    rc = rc == SL_OK ? state_read(state, state_size, life, provision) : rc;
    if (rc != SL_OK) {
        (void)snprintf(life->refusal, sizeof(life->refusal), "%.150s",
                       err.text[0] != '\0' ? err.text : sl_rc_text(rc));
    }
    return rc == SL_OK;
}

sl_rc sl_life_init(struct sl_life *life, const uint8_t *sealed, size_t size,
                   enum sl_seal_policy seal_policy, struct sl_provision *provision, uint64_t now_ns)
{
    struct sl_err err = {0};
    *life = (struct sl_life){.origin = SL_ORIGIN_FRESH, .seal_policy = seal_policy};
    if (RAND_bytes(life->instance, sizeof(life->instance)) != 1) {
        return SL_CRYPTO;
    }
    if (sealed != NULL) {
        life->origin =
            restore(life, sealed, size, provision) ? SL_ORIGIN_RESTORED : SL_ORIGIN_REFUSED;
    }
    sl_rc rc = sl_life_seal(life, provision, &err); /* shows whether this device can */
    life->sealed_size = 0;                          /* nothing to keep before the first epoch */
    if (rc != SL_OK) {
        life->origin = SL_ORIGIN_UNSEALABLE;
    }
    sl_life_note(life, now_ns, SL_IMAGE_START, SL_OK, life->origin, life->refusal);
    return SL_OK;
}

sl_rc sl_life_seal(struct sl_life *life, const struct sl_provision *provision, struct sl_err *err)
{
    uint8_t state[STATE_SIZE];
    uint8_t blob[SL_SEALED_MAX];
    size_t size = 0;
    struct sl_writer w;
    if (life->origin == SL_ORIGIN_UNSEALABLE) {
        return SL_OK;
    }
    sl_writer_init(&w, state, sizeof(state));
    sl_writer_u8(&w, STATE_FORMAT);
    sl_writer_bytes(&w, life->instance, sizeof(life->instance));
    sl_writer_be64(&w, life->epoch);
    sl_writer_u8(&w, provision->has_floor);
    sl_writer_be64(&w, provision->floor_version);
    sl_writer_bytes(&w, provision->floor_hash, sizeof(provision->floor_hash));
    sl_rc rc = sl_seal(life->seal_policy, purpose, state, w.off, blob, sizeof(blob), &size, err);
    if (rc == SL_OK) {
        memcpy(life->sealed, blob, size);
        life->sealed_size = (uint16_t)size;
    }
    return rc;
}

sl_rc sl_life_epoch_set(struct sl_life *life, const struct sl_provision *provision,
                        const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch, uint64_t now_ns,
                        struct sl_err *err)
{
    sl_rc rc = SL_OK;
    if (memcmp(instance, life->instance, sizeof(life->instance)) != 0) {
        rc = sl_err_set(err, SL_MISMATCH, "epoch %llu is for another instance than this one",
                        (unsigned long long)epoch);
    } else if (epoch <= life->epoch) {
        rc = sl_err_set(err, SL_STALE, "epoch %llu is not above the present %llu",
                        (unsigned long long)epoch, (unsigned long long)life->epoch);
    }
    if (rc == SL_OK) {
        uint64_t before = life->epoch;
        life->epoch = epoch;
        rc = sl_life_seal(life, provision, err);
        life->epoch = rc == SL_OK ? epoch : before;
    }
    sl_life_note(life, now_ns, SL_IMAGE_EPOCH, rc, epoch, NULL);
    return rc;
}

bool sl_life_flush(struct sl_life *life, struct sl_byte_ring *out)
{
    if (life->sealed_size > 0) {
        if (sl_frame_write_sealed(out, life->sealed, life->sealed_size) != SL_OK) {
            return false;
        }
        life->sealed_size = 0;
        life->seals++;
    }
    return true;
}

void sl_life_tell(struct sl_life *life, const struct sl_provision *provision,
                  struct sl_msg_instance *ret_instance)
{
    struct sl_msg_instance told = {.epoch = life->epoch,
                                   .origin = (uint8_t)life->origin,
                                   .has_policy = provision->has_floor,
                                   .policy_version = provision->floor_version,
                                   .log_seq = life->log.seq};
    memcpy(told.instance, life->instance, sizeof(told.instance));
    memcpy(told.policy_hash, provision->floor_hash, sizeof(told.policy_hash));
    memcpy(told.log_hash, life->log.hash, sizeof(told.log_hash));
    *ret_instance = told;
}

/* ---- the clock ---- */

static int64_t clamp(int64_t value, int64_t most)
{
    return value > most ? most : value < -most ? -most : value;
}

bool sl_life_time(struct sl_life *life, uint64_t gateway_ns, uint64_t own_ns)
{
    const int64_t most = INT64_MAX / 4;
    bool is_good = true;
    int64_t theirs = clamp((int64_t)(gateway_ns - life->time_gateway_ns), most);
    int64_t ours = clamp((int64_t)(own_ns - life->time_own_ns), most);
    if (life->has_time && (theirs >= (int64_t)SL_LIFE_CLOCK_INTERVAL_MIN_NS ||
                           ours >= (int64_t)SL_LIFE_CLOCK_INTERVAL_MIN_NS || theirs < 0)) {
        int64_t off = ours - theirs;
        int64_t span = theirs > 0 ? theirs : 0;
        int64_t bound = span / 100 * SL_LIFE_CLOCK_SLACK_PERCENT + (int64_t)SL_LIFE_CLOCK_SLACK_NS;
        is_good = off <= bound && -off <= bound;
        life->clock_checks++;
        life->clock_warps += !is_good;
        if (llabs(off) > llabs(life->clock_worst_ns)) {
            life->clock_worst_ns = off;
        }
        if (!is_good) {
            sl_life_note(life, own_ns, SL_IMAGE_CLOCK, SL_MISMATCH, (uint64_t)llabs(off),
                         off < 0 ? "the image's clock is behind the gateway's"
                                 : "the image's clock runs ahead of the gateway's");
        }
    }
    life->has_time = true;
    life->time_gateway_ns = gateway_ns;
    life->time_own_ns = own_ns;
    return is_good;
}
