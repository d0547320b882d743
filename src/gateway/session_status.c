/* SPDX-License-Identifier: Apache-2.0 */
/* What the image says of itself, and what the session says of both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "gateway/session.h"

enum { RULES_SHOWN = 10, RULE_OF_DEFAULT = 0 };

static const char *const port_names[SL_PORT_COUNT] = {"lan", "wan"};

static uint64_t member(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static json_t *lane_of(const json_t *root, uint32_t shard, int port)
{
    json_t *shards = json_object_get(root, "shards");
    return json_object_get(json_array_get(shards, shard), port_names[port]);
}

/* As sample_add() of the tunnel does for our own SAs. */
static void totals_add(struct sl_offload_sample *totals, const json_t *sa)
{
    uint64_t arrived = member(sa, "ok") + member(sa, "probe") + member(sa, "dummy") +
                       member(sa, "bad_padding") + member(sa, "bad_inner");
    uint64_t seen = arrived + member(sa, "bad_icv");
    uint64_t highest = member(sa, "seq");
    totals->good += arrived;
    totals->bad += member(sa, "bad_icv");
    totals->lost += highest > seen ? highest - seen : 0;
}

static void totals_learn(struct sl_session *session, const json_t *root)
{
    struct sl_offload_sample totals = {0};
    for (uint32_t i = 0; i < json_array_size(json_object_get(root, "shards")); i++) {
        for (int port = 0; port < SL_PORT_COUNT; port++) {
            const json_t *lane = lane_of(root, i, port);
            totals_add(&totals, json_object_get(lane, "sa_in"));
            totals_add(&totals, json_object_get(lane, "sa_in_previous"));
        }
    }
    sl_watch_image_totals(session->watch, &totals);
}

static bool is_spi(const json_t *sa, const struct sl_esp_sa *own)
{
    const json_t *spi = json_object_get(sa, "spi");
    return own != NULL && json_is_integer(spi) &&
           (uint32_t)json_integer_value(spi) == sl_esp_sa_spi(own);
}

/* Whose SAs the image has: it names the SPIs it reads, which are those we write. Where a request
 * was cut off on its way back, ours is the one before its present one. */
static enum sl_session_holder holder_of(struct sl_session *session, const json_t *root)
{
    bool is_ours = true;
    bool is_any = false;
    for (uint32_t i = 0; i < session->tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &session->tunnel->slots[i / SL_PORT_COUNT][i % SL_PORT_COUNT];
        const json_t *lane = lane_of(root, slot->shard, (int)slot->port);
        const json_t *present = json_object_get(lane, "sa_in");
        (void)pthread_mutex_lock(&slot->tx_lock);
        is_ours = is_ours && (is_spi(present, slot->out) ||
                              is_spi(json_object_get(lane, "sa_in_previous"), slot->out));
        (void)pthread_mutex_unlock(&slot->tx_lock);
        is_any = is_any || json_is_integer(json_object_get(present, "spi"));
    }
    if (is_ours) {
        return SL_HOLDER_US;
    }
    return is_any ? SL_HOLDER_OTHER : SL_HOLDER_NOBODY;
}

/* ---- rules ---- */

struct rule_count {
    uint32_t rule; /* numbered from 1, as in its counter's name; RULE_OF_DEFAULT */
    uint64_t packets, bytes;
};

static int by_packets(const void *a, const void *b)
{
    const struct rule_count *left = a;
    const struct rule_count *right = b;
    if (left->packets != right->packets) {
        return left->packets < right->packets ? 1 : -1;
    }
    return left->rule < right->rule ? -1 : left->rule > right->rule;
}

/* "rule.N.packets" or "default.packets". */
static bool rule_parse(const char *name, uint32_t *ret_rule)
{
    unsigned rule = 0;
    int end = 0;
    if (strcmp(name, "default.packets") == 0) {
        *ret_rule = RULE_OF_DEFAULT;
        return true;
    }
    /* NOLINTNEXTLINE(cert-err34-c): the width is bounded, so that nothing overflows */
    if (sscanf(name, "rule.%9u.packets%n", &rule, &end) != 1 || end == 0 || name[end] != '\0' ||
        rule == 0) {
        return false;
    }
    *ret_rule = rule;
    return true;
}

static json_t *rule_json(const struct sl_session *session, uint32_t nf,
                         const struct rule_count *count)
{
    json_t *out = json_pack("{s:I, s:I}", "packets", (json_int_t)count->packets, "bytes",
                            (json_int_t)count->bytes);
    const struct sl_policy_rule *rule = count->rule != RULE_OF_DEFAULT
                                            ? sl_policy_rule(&session->policy, nf, count->rule - 1)
                                            : NULL;
    (void)json_object_set_new(
        out, "rule",
        count->rule == RULE_OF_DEFAULT ? json_null() : json_integer((json_int_t)count->rule));
    if (rule != NULL) {
        (void)json_object_set_new(out, "line", json_integer((json_int_t)rule->line));
        (void)json_object_set_new(out, "text", json_string(rule->text));
        (void)json_object_set_new(out, "source",
                                  json_string(sl_policy_source(&session->policy, nf)));
    } else if (count->rule == RULE_OF_DEFAULT) {
        (void)json_object_set_new(out, "text",
                                  json_string(sl_policy_default(&session->policy, nf)));
    }
    return out;
}

/* The rules that most packets met, with the text that only the tenant's side knows. */
static json_t *rules_make(const struct sl_session *session, uint32_t nf, json_t *counters)
{
    const char *name;
    json_t *value;
    char bytes_name[48];
    uint32_t count = 0;
    json_t *out = json_array();
    struct rule_count *all = calloc(json_object_size(counters) + 1, sizeof(*all));
    json_object_foreach(counters, name, value)
    {
        if (all != NULL && rule_parse(name, &all[count].rule)) {
            (void)snprintf(bytes_name, sizeof(bytes_name), "%.*sbytes",
                           (int)(strlen(name) - strlen("packets")), name);
            all[count].packets = (uint64_t)json_integer_value(value);
            all[count].bytes = member(counters, bytes_name);
            count++;
        }
    }
    if (all != NULL) {
        qsort(all, count, sizeof(*all), by_packets);
    }
    for (uint32_t i = 0; all != NULL && i < count && i < RULES_SHOWN; i++) {
        (void)json_array_append_new(out, rule_json(session, nf, &all[i]));
    }
    free(all);
    return out;
}

static json_t *firewall_counters(const json_t *root, uint32_t *ret_nf)
{
    json_t *nf;
    size_t i;
    json_array_foreach(json_object_get(root, "chain"), i, nf)
    {
        const char *name = json_string_value(json_object_get(nf, "nf"));
        if (name != NULL && strcmp(name, "firewall") == 0) {
            *ret_nf = (uint32_t)i;
            return json_object_get(nf, "counters");
        }
    }
    return NULL;
}

void sl_session_image_learn(struct sl_session *session, const char *text,
                            enum sl_session_holder *ret_holder)
{
    json_t *root = json_loads(text, 0, NULL);
    *ret_holder = SL_HOLDER_US;
    if (root == NULL) {
        return; /* what cannot be read changes nothing; the last status stays */
    }
    totals_learn(session, root);
    *ret_holder = holder_of(session, root);
    uint32_t nf = 0;
    json_t *counters = firewall_counters(root, &nf);
    json_t *rules = rules_make(session, nf, counters);
    (void)pthread_mutex_lock(&session->lock);
    json_decref(session->image_status);
    json_decref(session->rules);
    session->image_status = root;
    session->rules = rules;
    (void)pthread_mutex_unlock(&session->lock);
}

void sl_session_status(struct sl_session *session, json_t *out)
{
    char hex[65];
    char key_exchange[SL_KEY_EXCHANGE_TEXT_MAX];
    json_t *attestation = sl_gw_attest_status(&session->attest);
    const char *attested = json_string_value(json_object_get(attestation, "state"));
    bool is_attested = attested != NULL && strcmp(attested, "verified") == 0;
    (void)json_object_set_new(attestation, "reattest_s",
                              json_integer((json_int_t)session->config->reattest_seconds));
    (void)json_object_set_new(out, "attestation", attestation);
    json_t *health = session->health != NULL ? sl_health_status(session->health) : NULL;
    if (health != NULL) {
        (void)json_object_set_new(out, "health", health);
    }
    (void)pthread_mutex_lock(&session->lock);
    sl_key_exchange_text(session->key_exchange, key_exchange);
    (void)json_object_set_new(out, "state", json_string(sl_gw_state_text(session->state)));
    (void)json_object_set_new(out, "reason", json_string(session->reason));
    (void)json_object_set_new(
        out, "session",
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "connects", (json_int_t)session->connects,
                  "provisions", (json_int_t)session->provisions, "resumes",
                  (json_int_t)session->resumes, "rekeys", (json_int_t)session->rekeys,
                  "image_restarts", (json_int_t)session->restarts));
    (void)json_object_set_new(json_object_get(out, "session"), "key_exchange",
                              json_string(key_exchange));
    if (session->has_hello) {
        sl_hex_encode(session->image_key, sizeof(session->image_key), hex);
        json_t *image =
            json_pack("{s:s, s:s, s:s, s:b, s:I}", "version", session->hello.version, "device_hint",
                      session->hello.device, "key_sha256", hex, "is_attested", (int)is_attested,
                      "shards", (json_int_t)session->hello.shard_count);
        (void)json_object_set_new(image, "status",
                                  session->image_status != NULL ? json_incref(session->image_status)
                                                                : json_null());
        sl_session_instance_status(session, image);
        (void)json_object_set_new(image, "snapshot", sl_session_snapshot_status(session));
        (void)json_object_set_new(image, "clock", sl_session_clock_status(session));
        if (session->tunnel->shard_count > 1) {
            (void)json_object_set_new(out, "steering", sl_session_steering_status(session));
        }
        (void)json_object_set_new(out, "image", image);
    }
    if (session->provisions > 0) {
        sl_hex_encode(session->policy_hash, sizeof(session->policy_hash), hex);
        (void)json_object_set_new(out, "policy",
                                  json_pack("{s:s, s:I, s:s}", "path", session->config->policy,
                                            "version", (json_int_t)session->policy_version,
                                            "sha256", hex));
        (void)json_object_set_new(json_object_get(out, "policy"), "rules",
                                  session->rules != NULL ? json_incref(session->rules)
                                                         : json_array());
    }
    (void)pthread_mutex_unlock(&session->lock);
    struct sl_audit_head head;
    char hash[2 * SL_AUDIT_HASH_SIZE + 1];
    sl_audit_head(session->audit, &head);
    sl_hex_encode(head.hash, sizeof(head.hash), hash);
    (void)json_object_set_new(out, "audit",
                              json_pack("{s:I, s:s, s:I}", "seq", (json_int_t)head.seq, "sha256",
                                        hash, "failures",
                                        (json_int_t)sl_audit_failures(session->audit)));
}
