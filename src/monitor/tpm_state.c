/* SPDX-License-Identifier: Apache-2.0 */
/* A node's state as bytes: big-endian, one version byte in front. */
#include "monitor/tpm_state.h"

#include <string.h>

#include "attest/digest.h"
#include "safelib/bytes.h"

enum {
    VERSION = 4,
    HAS_QUOTE = 1,
    IS_RESTART = 2,
    IS_FULL = 4,
    HAS_BOOTLOG = 8,
    CLOCK_SAFE = 16,
    HAS_PENDING = 32,
    FLAGS_ALL = 63,
    RECORD_FIXED = 1 + 1 + 1 + 2 + 8 + 1 + 4 + 2 + 1 + 2 + 1, /* without its texts and digest */
    EVENTS_HAS_AGENT = 1,
    EVENTS_IS_FULL = 2,
    EVENT_CONTAINER_SIZE = SL_EVENT_TAG_SIZE + 1 + SL_EVENT_NAME_MAX + 4 + 1 + 1 + 1,
    HEAD_SIZE = 320, /* more than everything but PCRs and records */
};

const char *sl_record_code(enum sl_record_why why)
{
    static const char *const codes[] = {
#define ROW(name, code) code,
        SL_RECORD_TABLE(ROW)
#undef ROW
    };
    return why < SL_RECORD_WHY_COUNT ? codes[why] : "unknown";
}

const char *sl_attribution_text(enum sl_attribution by)
{
    static const char *const texts[] = {
#define ROW(name, text) text,
        SL_ATTRIBUTION_TABLE(ROW)
#undef ROW
    };
    return by < SL_ATTRIBUTION_COUNT ? texts[by] : "unknown";
}

const char *sl_distrust_text(enum sl_distrust why)
{
    static const char *const texts[] = {
#define ROW(name, text) text,
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): texts of more than one line */
        SL_DISTRUST_TABLE(ROW)
#undef ROW
    };
    return why < SL_DISTRUST_COUNT ? texts[why] : "unknown";
}

static size_t digest_size(uint16_t alg)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(alg);

    return hash != NULL ? hash->size : 0;
}

/* ---- out ---- */

static void pcrs_write(struct sl_writer *w, const struct sl_tpm_pcrs *pcrs)
{
    sl_writer_u8(w, (uint8_t)pcrs->count);
    for (uint32_t i = 0; i < pcrs->count; i++) {
        const size_t size = digest_size(pcrs->banks[i].alg);

        sl_writer_be16(w, pcrs->banks[i].alg);
        sl_writer_be32(w, pcrs->banks[i].mask);
        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            if ((pcrs->banks[i].mask >> pcr & 1) != 0) {
                sl_writer_bytes(w, pcrs->banks[i].value[pcr], size);
            }
        }
    }
}

static void record_write(struct sl_writer *w, const struct sl_tpm_record *record)
{
    sl_writer_u8(w, (uint8_t)record->kind);
    sl_writer_u8(w, (uint8_t)record->why);
    sl_writer_u8(w, (uint8_t)record->by);
    sl_writer_string(w, record->id);
    sl_writer_be64(w, record->entry);
    sl_writer_u8(w, (uint8_t)record->pcr);
    sl_writer_be32(w, record->more);
    sl_writer_string(w, record->alg);
    sl_writer_u8(w, (uint8_t)record->digest_size);
    sl_writer_bytes(w, record->digest, record->digest_size);
    sl_writer_string(w, record->path);
    sl_writer_u8(w, record->is_path_cut ? 1 : 0);
}

static void events_write(struct sl_writer *w, const struct sl_tpm_events *events)
{
    sl_writer_be64(w, events->count);
    sl_writer_be32(w, events->measured);
    sl_writer_be64(w, events->complete);
    sl_writer_u8(w, (uint8_t)((events->has_agent ? EVENTS_HAS_AGENT : 0) |
                              (events->is_full ? EVENTS_IS_FULL : 0)));
    sl_writer_u8(w, (uint8_t)events->distrust);
    sl_writer_u8(w, (uint8_t)events->container_count);
    for (uint32_t i = 0; i < events->container_count; i++) {
        const struct sl_tpm_event_container *c = &events->containers[i];

        sl_writer_bytes(w, c->tag, sizeof(c->tag));
        sl_writer_string(w, c->name);
        sl_writer_be32(w, c->start);
        sl_writer_u8(w, c->has_gap ? 1 : 0);
        sl_writer_u8(w, (uint8_t)c->slot);
        sl_writer_u8(w, (uint8_t)c->image_rule);
    }
}

sl_rc sl_tpm_state_write(const struct sl_tpm_state *state, uint8_t *out, size_t size,
                         size_t *ret_size)
{
    struct sl_writer w;

    sl_writer_init(&w, out, size);
    sl_writer_u8(&w, VERSION);
    sl_writer_u8(
        &w, (uint8_t)((state->has_quote ? HAS_QUOTE : 0) | (state->is_restart ? IS_RESTART : 0) |
                      (state->is_full ? IS_FULL : 0) | (state->has_bootlog ? HAS_BOOTLOG : 0) |
                      (state->clock.is_safe ? CLOCK_SAFE : 0) |
                      (state->pending != 0 ? HAS_PENDING : 0)));
    sl_writer_be64(&w, state->clock.clock_ms);
    sl_writer_be32(&w, state->clock.reset_count);
    sl_writer_be32(&w, state->clock.restart_count);
    sl_writer_be64(&w, state->firmware);
    sl_writer_bytes(&w, state->policy_tag, sizeof(state->policy_tag));
    sl_writer_bytes(&w, state->bootlog_digest, sizeof(state->bootlog_digest));
    sl_writer_be64(&w, state->entries);
    sl_writer_be64(&w, state->seen);
    sl_writer_be64(&w, (uint64_t)state->behind_since_s);
    sl_writer_be32(&w, state->touched);
    sl_writer_be32(&w, state->images_seen);
    sl_writer_be32(&w, state->named);
    sl_writer_u8(&w, (uint8_t)state->template_count);
    sl_writer_bytes(&w, state->templates, state->template_count * sizeof(state->templates[0]));
    events_write(&w, &state->events);
    pcrs_write(&w, &state->pcrs);
    sl_writer_u8(&w, (uint8_t)state->record_count);
    for (uint32_t i = 0; i < state->record_count; i++) {
        record_write(&w, &state->records[i]);
    }
    if (state->pending != 0) {
        sl_writer_be64(&w, state->pending);
        pcrs_write(&w, &state->pending_pcrs);
    }
    *ret_size = w.off;
    return w.rc;
}

/* ---- in ---- */

static void pcrs_read(struct sl_reader *r, struct sl_tpm_pcrs *pcrs)
{
    const uint8_t count = sl_reader_u8(r);

    for (uint32_t i = 0; i < count && r->rc == SL_OK; i++) {
        const uint16_t alg = sl_reader_be16(r);
        const uint32_t mask = sl_reader_be32(r);
        const size_t size = digest_size(alg);

        if (size == 0 || mask >> SL_TPM_PCR_COUNT != 0) {
            sl_reader_fail(r, SL_MALFORMED);
            return;
        }
        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint8_t *value = (mask >> pcr & 1) != 0 ? sl_reader_bytes(r, size) : NULL;

            if (value != NULL && sl_tpm_pcrs_put(pcrs, alg, pcr, value) != SL_OK) {
                sl_reader_fail(r, SL_MALFORMED);
            }
        }
    }
}

static void record_read(struct sl_reader *r, struct sl_tpm_record *record)
{
    const uint8_t kind = sl_reader_u8(r), why = sl_reader_u8(r), by = sl_reader_u8(r);

    memset(record, 0, sizeof(*record));
    sl_reader_string(r, record->id, sizeof(record->id));
    record->entry = sl_reader_be64(r);
    record->pcr = sl_reader_u8(r);
    record->more = sl_reader_be32(r);
    sl_reader_string(r, record->alg, sizeof(record->alg));
    record->digest_size = sl_reader_u8(r);
    if (kind > SL_SUBJECT_TEE || why >= SL_RECORD_WHY_COUNT || by >= SL_ATTRIBUTION_COUNT ||
        record->digest_size > SL_TPM_DIGEST_MAX || record->pcr >= SL_TPM_PCR_COUNT) {
        sl_reader_fail(r, SL_MALFORMED);
        return;
    }
    record->kind = (enum sl_subject_kind)kind;
    record->why = (enum sl_record_why)why;
    record->by = (enum sl_attribution)by;
    sl_reader_copy(r, record->digest, record->digest_size);
    sl_reader_string(r, record->path, sizeof(record->path));
    record->is_path_cut = sl_reader_u8(r) != 0;
}

static void events_read(struct sl_reader *r, struct sl_tpm_events *events)
{
    uint8_t flags, distrust;

    events->count = sl_reader_be64(r);
    events->measured = sl_reader_be32(r);
    events->complete = sl_reader_be64(r);
    flags = sl_reader_u8(r);
    distrust = sl_reader_u8(r);
    events->container_count = sl_reader_u8(r);
    if ((flags & ~(EVENTS_HAS_AGENT | EVENTS_IS_FULL)) != 0 || distrust >= SL_DISTRUST_COUNT ||
        events->container_count > SL_EVENT_CONTAINERS_MAX) {
        events->container_count = 0;
        sl_reader_fail(r, SL_MALFORMED);
        return;
    }
    events->has_agent = (flags & EVENTS_HAS_AGENT) != 0;
    events->is_full = (flags & EVENTS_IS_FULL) != 0;
    events->distrust = (enum sl_distrust)distrust;
    for (uint32_t i = 0; i < events->container_count; i++) {
        struct sl_tpm_event_container *c = &events->containers[i];

        sl_reader_copy(r, c->tag, sizeof(c->tag));
        sl_reader_string(r, c->name, sizeof(c->name));
        c->start = sl_reader_be32(r);
        c->has_gap = sl_reader_u8(r) != 0;
        c->slot = (int8_t)sl_reader_u8(r);
        c->image_rule = (int8_t)sl_reader_u8(r);
        if (c->slot < -1 || c->slot >= SL_POLICY_SLOTS_MAX || c->image_rule < -1 ||
            c->image_rule >= SL_POLICY_IMAGES_MAX) {
            sl_reader_fail(r, SL_MALFORMED);
        }
    }
}

sl_rc sl_tpm_state_read(const uint8_t *data, size_t size, struct sl_tpm_state *ret_state)
{
    struct sl_reader r;
    uint8_t version, flags;

    memset(ret_state, 0, offsetof(struct sl_tpm_state, records));
    if (data == NULL) {
        return SL_OK;
    }
    sl_reader_init(&r, data, size);
    version = sl_reader_u8(&r);
    if (version == 0 || version > VERSION) {
        return size == 0 ? SL_TRUNCATED : SL_UNSUPPORTED;
    }
    flags = sl_reader_u8(&r);
    if ((flags & ~FLAGS_ALL) != 0) {
        return SL_MALFORMED;
    }
    ret_state->has_quote = (flags & HAS_QUOTE) != 0;
    ret_state->is_restart = (flags & IS_RESTART) != 0;
    ret_state->is_full = (flags & IS_FULL) != 0;
    ret_state->has_bootlog = (flags & HAS_BOOTLOG) != 0;
    ret_state->clock.is_safe = (flags & CLOCK_SAFE) != 0;
    ret_state->clock.clock_ms = sl_reader_be64(&r);
    ret_state->clock.reset_count = sl_reader_be32(&r);
    ret_state->clock.restart_count = sl_reader_be32(&r);
    ret_state->firmware = sl_reader_be64(&r);
    sl_reader_copy(&r, ret_state->policy_tag, sizeof(ret_state->policy_tag));
    sl_reader_copy(&r, ret_state->bootlog_digest, sizeof(ret_state->bootlog_digest));
    ret_state->entries = sl_reader_be64(&r);
    ret_state->seen = sl_reader_be64(&r);
    ret_state->behind_since_s = (int64_t)sl_reader_be64(&r);
    ret_state->touched = sl_reader_be32(&r);
    ret_state->images_seen = sl_reader_be32(&r);
    if (version >= 3) {
        ret_state->named = sl_reader_be32(&r);
    }
    if (version >= 4) { /* 3 forgot them at the end of a round */
        ret_state->template_count = sl_reader_u8(&r);
        if (ret_state->template_count > SL_TEMPLATES_MAX) {
            return SL_MALFORMED;
        }
        sl_reader_copy(&r, ret_state->templates,
                       ret_state->template_count * sizeof(ret_state->templates[0]));
    }
    if (version >= 2) { /* 1 knew no events */
        events_read(&r, &ret_state->events);
    }
    pcrs_read(&r, &ret_state->pcrs);
    ret_state->record_count = sl_reader_u8(&r);
    if (ret_state->record_count > SL_RECORDS_MAX) {
        return SL_MALFORMED;
    }
    for (uint32_t i = 0; i < ret_state->record_count; i++) {
        record_read(&r, &ret_state->records[i]);
    }
    if ((flags & HAS_PENDING) != 0) {
        ret_state->pending = sl_reader_be64(&r);
        pcrs_read(&r, &ret_state->pending_pcrs);
    }
    return sl_reader_end(&r);
}

/* ---- containers that a template named ---- */

static void template_tag(const char *id, uint8_t tag[SL_EVENT_TAG_SIZE])
{
    uint8_t digest[32];

    sl_sha256((struct sl_blob){(const uint8_t *)id, strlen(id)}, digest);
    memcpy(tag, digest, SL_EVENT_TAG_SIZE);
}

bool sl_tpm_state_has_template(const struct sl_tpm_state *state, const char *id)
{
    uint8_t begin[SL_EVENT_TAG_SIZE];

    template_tag(id, begin);
    for (uint32_t i = 0; i < state->template_count; i++) {
        if (memcmp(state->templates[i], begin, sizeof(begin)) == 0) {
            return true;
        }
    }
    return false;
}

void sl_tpm_state_template(struct sl_tpm_state *state, const char *id)
{
    if (sl_tpm_state_has_template(state, id)) {
        return;
    }
    if (state->template_count == SL_TEMPLATES_MAX) {
        memmove(state->templates[0], state->templates[1],
                sizeof(state->templates) - sizeof(state->templates[0]));
        state->template_count--;
    }
    template_tag(id, state->templates[state->template_count++]);
}

/* ---- records ---- */

static size_t record_size(const struct sl_tpm_record *record)
{
    return RECORD_FIXED + strlen(record->id) + strlen(record->alg) + record->digest_size +
           strlen(record->path);
}

static size_t state_size(const struct sl_tpm_state *state)
{
    size_t size = HEAD_SIZE;

    /* room for every PCR of the banks that a policy can ask for, quoted already or not */
    size += SL_POLICY_BANKS_MAX * (6 + SL_TPM_PCR_COUNT * 48) /* SHA-512, 384 and 256 */;
    size += sizeof(state->templates);
    size += state->events.container_count * (size_t)EVENT_CONTAINER_SIZE;
    for (uint32_t i = 0; i < state->record_count; i++) {
        size += record_size(&state->records[i]);
    }
    return size;
}

void sl_tpm_state_record(struct sl_tpm_state *state, const struct sl_tpm_record *record)
{
    if (state->record_count < SL_RECORDS_MAX &&
        state_size(state) + record_size(record) <= SL_NODE_STATE_MAX) {
        state->records[state->record_count++] = *record;
        return;
    }
    for (uint32_t i = state->record_count; i-- > 0;) {
        struct sl_tpm_record *other = &state->records[i];

        if (other->kind == record->kind && strcmp(other->id, record->id) == 0) {
            other->more += other->more < UINT32_MAX ? 1 : 0;
            return;
        }
    }
    state->is_full = true;
}

struct sl_tpm_event_container *sl_tpm_state_container(struct sl_tpm_state *state)
{
    struct sl_tpm_events *events = &state->events;

    if (events->container_count >= SL_EVENT_CONTAINERS_MAX ||
        state_size(state) + EVENT_CONTAINER_SIZE > SL_NODE_STATE_MAX) {
        events->is_full = true;
        return NULL;
    }
    return &events->containers[events->container_count++];
}
