/* SPDX-License-Identifier: Apache-2.0 */
/* Software keys and arrays in place of a TPM and a kernel. */
#include "../unit.h"

#include "rig.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "safelib/bytes.h"

static const uint32_t QUOTED = 0x3ff | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 14;

/* ---- keys ---- */

size_t rig_public(EVP_PKEY *key, uint32_t attributes, uint8_t out[256])
{
    uint8_t point[65];
    size_t point_size = 0;
    struct sl_writer w;
    const bool is_ek = (attributes & 1u << 17) != 0;

    assert_int_equal(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                     sizeof(point), &point_size),
                     1);
    assert_int_equal(point_size, 65);
    sl_writer_init(&w, out, 256);
    sl_writer_be16(&w, 0);
    sl_writer_be16(&w, 0x0023);
    sl_writer_be16(&w, SL_TPM_ALG_SHA256);
    sl_writer_be32(&w, attributes);
    sl_writer_be16(&w, 0);
    sl_writer_be16(&w, is_ek ? 0x0006 : 0x0010); /* AES-128-CFB, or none */
    if (is_ek) {
        sl_writer_be16(&w, 128);
        sl_writer_be16(&w, 0x0043);
    }
    sl_writer_be16(&w, is_ek ? 0x0010 : 0x0018);
    if (!is_ek) {
        sl_writer_be16(&w, SL_TPM_ALG_SHA256);
    }
    sl_writer_be16(&w, 0x0003);
    sl_writer_be16(&w, 0x0010);
    sl_writer_be16(&w, 32);
    sl_writer_bytes(&w, point + 1, 32);
    sl_writer_be16(&w, 32);
    sl_writer_bytes(&w, point + 33, 32);
    assert_ok(w.rc);
    sl_be16_put(out, (uint16_t)(w.off - 2));
    return w.off;
}

static void le32(struct sl_writer *w, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                              (uint8_t)(v >> 24)};

    sl_writer_bytes(w, bytes, 4);
}

static void le16(struct sl_writer *w, uint16_t v)
{
    const uint8_t bytes[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

    sl_writer_bytes(w, bytes, 2);
}

/* ---- boot log: a Spec ID event, then one separator in each of PCRs 0 to 9 ---- */

static void bootlog_make(struct rig *rig)
{
    static const uint8_t SPEC[] = {'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ', 'E', 'v', 'e',
                                   'n', 't', '0', '3', 0,   0,   0,   0,   0,   0,   2,
                                   0,   2,   1,   0,   0,   0,   0xb, 0,   32,  0,   0};
    struct sl_writer w;
    uint8_t digest[32];

    sl_writer_init(&w, rig->bootlog, sizeof(rig->bootlog));
    le32(&w, 0);
    le32(&w, 3);
    for (int i = 0; i < 20; i++) {
        sl_writer_u8(&w, 0);
    }
    le32(&w, sizeof(SPEC));
    sl_writer_bytes(&w, SPEC, sizeof(SPEC));
    for (uint32_t pcr = 0; pcr < 10; pcr++) {
        const uint8_t data[4] = {0};

        assert_int_equal(EVP_Digest(data, 4, digest, NULL, EVP_sha256(), NULL), 1);
        le32(&w, pcr);
        le32(&w, 4);
        le32(&w, 1);
        le16(&w, SL_TPM_ALG_SHA256);
        sl_writer_bytes(&w, digest, 32);
        le32(&w, 4);
        sl_writer_bytes(&w, data, 4);
    }
    assert_ok(w.rc);
    rig->bootlog_size = w.off;
}

static void extend(uint8_t pcr[32], const uint8_t digest[32])
{
    uint8_t both[64];

    memcpy(both, pcr, 32);
    memcpy(both + 32, digest, 32);
    assert_int_equal(EVP_Digest(both, 64, pcr, NULL, EVP_sha256(), NULL), 1);
}

/* ---- the kernel's list ---- */

void rig_list_add(struct rig *rig, uint32_t pcr, const char *template, const uint8_t *data,
                  size_t size, bool is_violation)
{
    uint8_t sha1[20] = {0}, digest[32];
    struct sl_writer w;

    assert_true(rig->entries < RIG_ENTRIES_MAX);
    sl_writer_init(&w, rig->list, sizeof(rig->list));
    w.off = rig->ends[rig->entries];
    memset(digest, 0xff, 32);
    if (!is_violation) {
        assert_int_equal(EVP_Digest(data, size, sha1, NULL, EVP_sha1(), NULL), 1);
        assert_int_equal(EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL), 1);
    }
    le32(&w, pcr);
    sl_writer_bytes(&w, sha1, 20);
    le32(&w, (uint32_t)strlen(template));
    sl_writer_bytes(&w, template, strlen(template));
    le32(&w, (uint32_t)size);
    sl_writer_bytes(&w, data, size);
    assert_ok(w.rc);
    memcpy(rig->pcrs[rig->entries + 1], rig->pcrs[rig->entries], sizeof(rig->pcrs[0]));
    rig->entries++;
    rig->ends[rig->entries] = w.off;
    extend(rig->pcrs[rig->entries][pcr], digest);
}

static size_t ng_data(const uint8_t digest[32], const char *path, const char *group, uint8_t *out,
                      size_t room)
{
    struct sl_writer w;

    sl_writer_init(&w, out, room);
    if (group != NULL) {
        le32(&w, 5);
        sl_writer_bytes(&w, "runc", 5);
        le32(&w, (uint32_t)strlen(group) + 1);
        sl_writer_bytes(&w, group, strlen(group) + 1);
    }
    le32(&w, 40);
    sl_writer_bytes(&w, "sha256:", 8);
    sl_writer_bytes(&w, digest, 32);
    le32(&w, (uint32_t)strlen(path) + 1);
    sl_writer_bytes(&w, path, strlen(path) + 1);
    assert_ok(w.rc);
    return w.off;
}

void rig_measure(struct rig *rig, uint32_t pcr, const char *path)
{
    uint8_t digest[32], data[1024];

    assert_int_equal(EVP_Digest(path, strlen(path), digest, NULL, EVP_sha256(), NULL), 1);
    rig_list_add(rig, pcr, "ima-ng", data, ng_data(digest, path, NULL, data, sizeof(data)), false);
}

void rig_measure_group(struct rig *rig, const char *group, const char *path)
{
    uint8_t digest[32], data[1024];

    assert_int_equal(EVP_Digest(path, strlen(path), digest, NULL, EVP_sha256(), NULL), 1);
    rig_list_add(rig, 10, "dep|cgn|d-ng|n-ng", data,
                 ng_data(digest, path, group, data, sizeof(data)), false);
}

void rig_violate(struct rig *rig, uint32_t pcr, const char *path)
{
    uint8_t digest[32] = {0}, data[1024];

    rig_list_add(rig, pcr, "ima-ng", data, ng_data(digest, path, NULL, data, sizeof(data)), true);
}

void rig_boot(struct rig *rig)
{
    uint8_t zero[4] = {0}, digest[32], data[128];

    rig->entries = 0;
    rig->resets++;
    rig->events_size = rig->event_ends[0] = 0;
    rig->event_count = 0;
    memset(rig->event_pcr, 0, sizeof(rig->event_pcr));
    rig->clock += 5;
    memset(rig->pcrs[0], 0, sizeof(rig->pcrs[0]));
    assert_int_equal(EVP_Digest(zero, 4, digest, NULL, EVP_sha256(), NULL), 1);
    for (int pcr = 0; pcr < 10; pcr++) {
        extend(rig->pcrs[0][pcr], digest);
    }
    assert_int_equal(EVP_Digest(rig->pcrs[0], 320, digest, NULL, EVP_sha256(), NULL), 1);
    rig_list_add(rig, 10, "ima-ng", data,
                 ng_data(digest, "boot_aggregate", NULL, data, sizeof(data)), false);
}

/* ---- quotes ---- */

static void quote_make(struct rig *rig, size_t entries, uint8_t *out, size_t room, size_t *ret_size)
{
    uint8_t all[24 * 32], digest[32];
    size_t size = 0;
    struct sl_writer w;

    for (int pcr = 0; pcr < 24; pcr++) {
        if ((QUOTED >> pcr & 1) != 0) {
            memcpy(all + size, pcr == 14 ? rig->event_pcr : rig->pcrs[entries][pcr], 32);
            size += 32;
        }
    }
    assert_int_equal(EVP_Digest(all, size, digest, NULL, EVP_sha256(), NULL), 1);
    sl_writer_init(&w, out, room);
    sl_writer_be32(&w, 0xff544347);
    sl_writer_be16(&w, 0x8018);
    sl_writer_be16(&w, 0);
    sl_writer_be16(&w, SL_MONITOR_NONCE_SIZE);
    sl_writer_bytes(&w, rig->nonce, SL_MONITOR_NONCE_SIZE);
    sl_writer_be64(&w, ++rig->clock);
    sl_writer_be32(&w, rig->resets);
    sl_writer_be32(&w, 0);
    sl_writer_u8(&w, 1);
    sl_writer_be64(&w, rig->firmware);
    sl_writer_be32(&w, 1);
    sl_writer_be16(&w, SL_TPM_ALG_SHA256);
    sl_writer_u8(&w, 3);
    sl_writer_u8(&w, (uint8_t)QUOTED);
    sl_writer_u8(&w, (uint8_t)(QUOTED >> 8));
    sl_writer_u8(&w, (uint8_t)(QUOTED >> 16));
    sl_writer_be16(&w, 32);
    sl_writer_bytes(&w, digest, 32);
    assert_ok(w.rc);
    *ret_size = w.off;
}

static size_t quote_sign(EVP_PKEY *key, const uint8_t *quote, size_t quote_size, uint8_t *out,
                         size_t room)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t raw[128];
    size_t size = sizeof(raw);
    const uint8_t *at = raw;
    ECDSA_SIG *sig;
    struct sl_writer w;

    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA2-256", NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, raw, &size, quote, quote_size), 1);
    EVP_MD_CTX_free(ctx);
    sig = d2i_ECDSA_SIG(NULL, &at, (long)size);
    assert_non_null(sig);
    sl_writer_init(&w, out, room);
    sl_writer_be16(&w, 0x0018);
    sl_writer_be16(&w, SL_TPM_ALG_SHA256);
    for (int i = 0; i < 2; i++) {
        uint8_t number[32];

        assert_int_equal(
            BN_bn2binpad(i == 0 ? ECDSA_SIG_get0_r(sig) : ECDSA_SIG_get0_s(sig), number, 32), 32);
        sl_writer_be16(&w, 32);
        sl_writer_bytes(&w, number, 32);
    }
    ECDSA_SIG_free(sig);
    assert_ok(w.rc);
    return w.off;
}

json_t *rig_evidence(struct rig *rig, size_t quoted, size_t shown)
{
    uint8_t quote[512], signature[256];
    size_t quote_size, signature_size;
    const size_t start = rig->ends[rig->from];
    json_t *list = shown > rig->from
                       ? sl_json_bytes_new(rig->list + start, rig->ends[shown] - start)
                       : json_string("");

    quote_make(rig, quoted, quote, sizeof(quote), &quote_size);
    signature_size = quote_sign(rig->ak, quote, quote_size, signature, sizeof(signature));
    json_t *evidence = json_pack(
        "{s:o, s:o, s:o, s:{s:I, s:o}, s:O}", "quote", sl_json_bytes_new(quote, quote_size),
        "signature", sl_json_bytes_new(signature, signature_size), "bootlog",
        sl_json_bytes_new(rig->bootlog, rig->bootlog_size), "ima", "from", (json_int_t)rig->from,
        "data", list, "containers", rig->containers);
    if (rig->has_events) {
        const size_t at = rig->event_ends[rig->events_from];
        const size_t more = rig->events_size - at;

        (void)json_object_set_new(
            evidence, "events",
            json_pack("{s:I, s:o}", "from", (json_int_t)rig->events_from, "data",
                      more > 0 ? sl_json_bytes_new(rig->events + at, more) : json_string("")));
    }
    return evidence;
}

void rig_event(struct rig *rig, struct sl_node_event event)
{
    uint8_t digest[32];
    size_t size = 0;

    event.number = ++rig->event_count;
    event.time_ms = 1700000000000 + event.number;
    if (event.type == SL_NODE_AGENT && event.ima_count == 0) {
        event.ima_count = rig->entries;
        memcpy(event.ima_pcr, rig->pcrs[rig->entries][10], 32);
    }
    if (event.type == SL_NODE_EXEC) {
        assert_int_equal(
            EVP_Digest(event.path, strlen(event.path), event.digest, NULL, EVP_sha256(), NULL), 1);
    }
    assert_ok(sl_node_event_write(&event, rig->events + rig->events_size,
                                  sizeof(rig->events) - rig->events_size, &size));
    assert_int_equal(
        EVP_Digest(rig->events + rig->events_size, size, digest, NULL, EVP_sha256(), NULL), 1);
    extend(rig->event_pcr, digest);
    rig->events_size += size;
    rig->event_ends[rig->event_count] = rig->events_size;
    rig->has_events = true;
}

/* ---- the monitor's side ---- */

static const char *known_find(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                              const char *const *sets, size_t set_count)
{
    const struct rig *rig = ctx;

    for (size_t i = 0; strcmp(alg, "sha256") == 0 && size == 32 && i < rig->known_count; i++) {
        const char *colon = strchr(rig->known[i], ':');
        uint8_t known[32];

        assert_int_equal(EVP_Digest(colon + 1, strlen(colon + 1), known, NULL, EVP_sha256(), NULL),
                         1);
        for (size_t j = 0; memcmp(known, digest, 32) == 0 && j < set_count; j++) {
            if (strncmp(sets[j], rig->known[i], (size_t)(colon - rig->known[i])) == 0) {
                return sets[j];
            }
        }
    }
    return NULL;
}

static void sets_put(struct sl_policy_sets *sets, const char *name)
{
    (void)snprintf(sets->texts[sets->count], SL_POLICY_NAME_MAX, "%s", name);
    sets->names[sets->count] = sets->texts[sets->count];
    sets->count++;
}

static struct sl_monitor_policy *policy_make(void)
{
    struct sl_monitor_policy *policy = calloc(1, sizeof(*policy));

    assert_non_null(policy);
    (void)snprintf(policy->name, sizeof(policy->name), "test");
    memset(policy->tag, 7, sizeof(policy->tag));
    policy->insecure_any_ek = true;
    policy->pcrs.count = 1;
    policy->pcrs.banks[0].alg = SL_TPM_ALG_SHA256;
    policy->pcrs.banks[0].mask = QUOTED;
    policy->is_bootlog_required = true;
    (void)snprintf(policy->any_boot_why, sizeof(policy->any_boot_why), "a test");
    policy->has_ima = true;
    policy->ima_pcr = 10;
    sets_put(&policy->host_sets, "host");
    policy->unknown_verdict = SL_VERDICT_UNTRUSTED;
    policy->violation_verdict = SL_VERDICT_UNTRUSTED;
    policy->slot_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        policy->slots[i].pcr = 11 + i;
        policy->slots[i].has_uid = true;
        policy->slots[i].uid_first = 100000 * (i + 1);
        sets_put(&policy->slots[i].sets, i == 0 ? "web" : "db");
    }
    policy->image_count = 1;
    (void)snprintf(policy->images[0].image, sizeof(policy->images[0].image), "*/cache:*");
    sets_put(&policy->images[0].sets, "cache");
    policy->max_wait_s = 60;
    policy->lease_ms = 60000;
    return policy;
}

struct rig *rig_make(void)
{
    static const char *const KNOWN[] = {"host:/sbin/init",
                                        "host:/bin/sh",
                                        "web:/usr/sbin/nginx",
                                        "db:/usr/bin/db",
                                        "cache:/bin/kv",
                                        "cache:/bin/kv2",
                                        "agent:/usr/sbin/safelib-agent",
                                        "host:/usr/sbin/safelib-agent"};
    struct rig *rig = calloc(1, sizeof(*rig));
    uint8_t ek[256], ak[256];
    size_t ek_size, ak_size;

    assert_non_null(rig);
    rig->ek = EVP_EC_gen("P-256");
    rig->ak = EVP_EC_gen("P-256");
    ek_size = rig_public(rig->ek, 0x000300b2, ek); /* TCG EK template */
    ak_size = rig_public(rig->ak, 0x00050072, ak);
    rig->registration = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", "node", "class", "test",
                                  "driver", "tpm-ima", "ek_public", sl_json_bytes_new(ek, ek_size),
                                  "ak_public", sl_json_bytes_new(ak, ak_size));
    for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
        rig->known[rig->known_count++] = KNOWN[i];
    }
    rig->refvals = (struct sl_refvals){rig, known_find};
    rig->policy = policy_make();
    rig->firmware = 7;
    rig->containers = json_array();
    memset(rig->nonce, 0x5a, sizeof(rig->nonce));
    bootlog_make(rig);
    rig_boot(rig);
    return rig;
}

void rig_free(struct rig *rig)
{
    EVP_PKEY_free(rig->ek);
    EVP_PKEY_free(rig->ak);
    json_decref(rig->registration);
    json_decref(rig->containers);
    sl_monitor_policy_done(rig->policy);
    free(rig->policy);
    free(rig);
}

void rig_judge(struct rig *rig, json_t *evidence, bool is_kept, struct sl_appraisal *appraisal)
{
    const struct sl_appraisal_input input = {
        .registration = rig->registration,
        .state = rig->has_state ? rig->state : NULL,
        .state_size = rig->state_size,
        .nonce = rig->nonce,
        .evidence = evidence,
        .policy = rig->policy,
        .refvals = &rig->refvals,
        .time_s = 1700000000 + (int64_t)rig->clock,
    };

    assert_ok(sl_driver_find("tpm-ima")->appraise(&input, appraisal));
    json_decref(evidence);
    assert_true(appraisal->state_size <= SL_NODE_STATE_MAX);
    if (is_kept) {
        memcpy(rig->state, appraisal->state, appraisal->state_size);
        rig->state_size = appraisal->state_size;
        rig->has_state = true;
    }
}

void rig_round(struct rig *rig, struct sl_appraisal *appraisal)
{
    json_t *asked = sl_driver_find("tpm-ima")->challenge(
        rig->registration, rig->has_state ? rig->state : NULL, rig->state_size, rig->policy);

    rig->from =
        (uint64_t)json_integer_value(json_object_get(json_object_get(asked, "ima"), "from"));
    rig->events_from =
        (size_t)json_integer_value(json_object_get(json_object_get(asked, "events"), "from"));
    json_decref(asked);
    if (rig->events_from > rig->event_count) {
        rig->events_from = 0;
    }
    if (rig->from > rig->entries) {
        rig->from = 0; /* the agent knows that it booted */
    }
    rig_judge(rig, rig_evidence(rig, rig->entries, rig->entries), true, appraisal);
}

void rig_container(struct rig *rig, const char *id, const char *image, uint32_t uid_first,
                   const char *state)
{
    (void)json_array_append_new(
        rig->containers, json_pack("{s:s, s:s, s:s, s:I, s:i, s:s}", "id", id, "runtime", "runc",
                                   "image", image, "uid_first", (json_int_t)uid_first, "uid_count",
                                   uid_first == 0 ? 0 : 65536, "state", state));
}

const struct sl_subject *rig_subject(const struct sl_appraisal *appraisal,
                                     enum sl_subject_kind kind, const char *id)
{
    for (size_t i = 0; i < appraisal->subject_count; i++) {
        if (appraisal->subjects[i].kind == kind && strcmp(appraisal->subjects[i].id, id) == 0) {
            return &appraisal->subjects[i];
        }
    }
    rig_show(appraisal);
    fail_msg("no subject %s", id);
    return NULL;
}

const json_t *rig_reason(const struct sl_subject *subject, const char *code)
{
    for (size_t i = 0; i < json_array_size(subject->reasons); i++) {
        const json_t *reason = json_array_get(subject->reasons, i);

        if (strcmp(json_string_value(json_object_get(reason, "code")), code) == 0) {
            return reason;
        }
    }
    return NULL;
}

void rig_show(const struct sl_appraisal *appraisal)
{
    for (size_t i = 0; i < appraisal->subject_count; i++) {
        const struct sl_subject *subject = &appraisal->subjects[i];
        char *text = json_dumps(subject->reasons, JSON_INDENT(1));

        print_message("%s %s: %s %s\n", sl_subject_kind_text(subject->kind), subject->id,
                      sl_verdict_text(subject->verdict), text);
        free(text);
    }
}
