/* SPDX-License-Identifier: Apache-2.0 */
/* The rate limiter: token buckets per rule, per source or destination, per flow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limiter/rules.h"
#include "limiter/sources.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "safelib/flow.h"

/* name, meaning; per rule */
#define COUNTER_TABLE(X)                                                                           \
    X(packets, "packets it matched")                                                               \
    X(bytes, "their bytes")                                                                        \
    X(over, "of these, packets above the limit")                                                   \
    X(over_bytes, "their bytes")                                                                   \
    X(evicted, "buckets by address that gave way to others while they were not full")

struct counters {
#define COUNTER_FIELD(name, text) uint64_t name;
    COUNTER_TABLE(COUNTER_FIELD)
#undef COUNTER_FIELD
};
#define COUNTER_NAME(name, text) #name,
static const char *const counter_names[] = {COUNTER_TABLE(COUNTER_NAME)};
#undef COUNTER_NAME
enum { COUNTER_COUNT = sizeof(counter_names) / sizeof(counter_names[0]) };

/* A rule's part of a shard's state. */
struct place {
    struct lm_rate rate; /* the rule's, its burst times the shards: see limiter_place */
    uint64_t level;      /* per rule; of a rule per flow: for packets that have none */
    uint64_t used_ms;    /* plus 1; 0: never */
    struct lm_sources *sources;
    struct counters counters;
};

/* One shard's state. */
struct limiter {
    struct lm_rules *rules;
    uint32_t share; /* shards that a rule's rate is dealt out among */
    struct place places[];
};

/* What a flow keeps: a bucket for each rule per flow. */
struct flow_bucket {
    uint64_t level;
    uint32_t rule;    /* its id; 0: not used yet */
    uint32_t used_ms; /* the low half of the clock: flows do not idle for 49 days */
};
struct flow_state {
    struct flow_bucket buckets[SL_LM_FLOW_RULES_MAX];
};
_Static_assert(sizeof(struct flow_state) <= SL_FLOW_STATE_MAX, "a flow's state");

/* ---- state ---- */

static void limiter_unload(void *state)
{
    struct limiter *limiter = state;
    if (limiter == NULL) {
        return;
    }
    for (uint32_t i = 0; i < limiter->rules->count; i++) {
        free(limiter->places[i].sources);
    }
    lm_rules_drop(limiter->rules);
    free(limiter);
}

/* The rate is dealt out among the shards by what a unit costs, each of which may have the whole
 * burst: a share of it could be less than a packet. */
static void limiter_place(void *state, uint32_t shard, uint32_t shard_count)
{
    struct limiter *limiter = state;
    limiter->share = shard_count < SL_LM_SHARDS_MAX ? shard_count : SL_LM_SHARDS_MAX;
    for (uint32_t i = 0; i < limiter->rules->count; i++) {
        struct place *place = &limiter->places[i];
        place->rate = limiter->rules->list[i].rate;
        place->rate.burst *= limiter->share;
        place->level = lm_bucket_full(&place->rate);
    }
}

/* A shard's state over rules, of which it takes the caller's reference, also where it fails. */
static sl_rc limiter_over(struct lm_rules *rules, void **ret_state)
{
    struct limiter *limiter =
        calloc(1, sizeof(*limiter) + rules->count * sizeof(limiter->places[0]));
    if (limiter == NULL) {
        lm_rules_drop(rules);
        return SL_NO_MEMORY;
    }
    limiter->rules = rules;
    limiter_place(limiter, 0, 1);
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct lm_rule *rule = &rules->list[i];
        if (rule->buckets != 0 &&
            lm_sources_create(rule->buckets, &limiter->places[i].sources) != SL_OK) {
            limiter_unload(limiter);
            return SL_NO_MEMORY;
        }
    }
    *ret_state = limiter;
    return SL_OK;
}

static sl_rc limiter_load(const void *policy, size_t size, void **ret_state, char *reason,
                          size_t reason_size)
{
    struct lm_rules *rules = NULL;
    sl_rc rc = lm_rules_read(policy, size, &rules, reason, reason_size);
    return rc == SL_OK ? limiter_over(rules, ret_state) : rc;
}

static sl_rc limiter_share(void *state, void **ret_state)
{
    struct limiter *limiter = state;
    limiter->rules->references++;
    return limiter_over(limiter->rules, ret_state);
}

/* Buckets of rules that mean the same go on: a changed rate is taken from now on. */
static void limiter_adopt(void *state, void *old)
{
    struct limiter *limiter = state;
    struct limiter *before = old;
    for (uint32_t i = 0; i < limiter->rules->count; i++) {
        const struct lm_rule *rule = &limiter->rules->list[i];
        for (uint32_t k = 0; k < before->rules->count; k++) {
            const struct lm_rule *same = &before->rules->list[k];
            if (same->id != rule->id || same->buckets != rule->buckets) {
                continue;
            }
            limiter->places[i].level = before->places[k].level;
            limiter->places[i].used_ms = before->places[k].used_ms;
            if (rule->buckets != 0) {
                struct lm_sources *empty = limiter->places[i].sources;
                limiter->places[i].sources = before->places[k].sources;
                before->places[k].sources = empty;
            }
            break;
        }
    }
}

/* ---- packets ---- */

/* One thread writes, another may read: relaxed, so that a value never tears. */
static void add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

static uint64_t *rule_bucket(struct place *place, uint64_t now_ms)
{
    uint64_t gone_ms = place->used_ms != 0 ? now_ms + 1 - place->used_ms : 0;
    place->level = lm_bucket_level(&place->rate, place->level, gone_ms);
    place->used_ms = now_ms + 1;
    return &place->level;
}

static uint64_t *flow_bucket(const struct lm_rule *rule, struct flow_state *state, uint64_t now_ms)
{
    struct flow_bucket *bucket = &state->buckets[rule->flow_slot];
    if (bucket->rule != rule->id) {
        bucket->rule = rule->id;
        bucket->level = lm_bucket_full(&rule->rate);
    } else {
        uint32_t gone_ms = (uint32_t)now_ms - bucket->used_ms;
        bucket->level = lm_bucket_level(&rule->rate, bucket->level, gone_ms);
    }
    bucket->used_ms = (uint32_t)now_ms;
    return &bucket->level;
}

/* The bucket that pays for a packet, and among how many shards it is dealt out: flows, and so
 * their buckets, live in one; addresses come to all. */
static uint64_t *bucket_of(struct limiter *limiter, uint32_t index, struct sl_flow_table *table,
                           const struct sl_packet *packet, const struct sl_flow *flow,
                           uint32_t *ret_share)
{
    const struct lm_rule *rule = &limiter->rules->list[index];
    struct place *place = &limiter->places[index];
    uint64_t now_ms = sl_flow_now_ms(table);
    *ret_share = limiter->share;
    if (rule->key == SL_LM_PER_FLOW && flow->state != NULL) {
        *ret_share = 1;
        return flow_bucket(rule, flow->state, now_ms);
    }
    if (place->sources != NULL) {
        uint8_t addr[16];
        lm_rule_address(rule, packet, addr);
        return lm_sources_find(place->sources, &place->rate, addr,
                               sl_flow_hash(table, addr, sizeof(addr)), now_ms);
    }
    return rule_bucket(place, now_ms);
}

static void set_dscp(struct sl_packet *packet, uint8_t dscp)
{
    uint8_t *data = packet->data;
    if (packet->ip_version == 6) { /* RFC 8200 3: traffic class, across two bytes */
        uint16_t word = sl_be16_get(data);
        sl_be16_put(data, (uint16_t)((word & 0xf03f) | dscp << 6));
        return;
    }
    uint16_t before = sl_be16_get(data);
    data[1] = (uint8_t)((data[1] & 3) | dscp << 2); /* ECN stays (RFC 3168 5) */
    uint16_t check = sl_checksum_update16(sl_be16_get(data + 10), before, sl_be16_get(data));
    sl_be16_put(data + 10, check);
}

static void decide(struct limiter *limiter, struct sl_flow_table *table, struct sl_packet *packet,
                   const struct sl_flow *flow)
{
    packet->verdict = SL_VERDICT_PASS;
    packet->rule = SL_RULE_DEFAULT;
    for (uint32_t i = 0; i < limiter->rules->count; i++) {
        const struct lm_rule *rule = &limiter->rules->list[i];
        struct counters *counters = &limiter->places[i].counters;
        if (!lm_rule_matches(rule, packet)) {
            continue;
        }
        uint32_t share;
        uint64_t *level = bucket_of(limiter, i, table, packet, flow, &share);
        add(&counters->packets, 1);
        add(&counters->bytes, packet->size);
        if (lm_bucket_take(level, rule->unit == SL_LM_BYTES ? packet->size : 1, share)) {
            continue;
        }
        add(&counters->over, 1);
        add(&counters->over_bytes, packet->size);
        packet->rule = i;
        if (rule->action == SL_LM_DROP) {
            packet->verdict = SL_VERDICT_DROP;
            return;
        }
        set_dscp(packet, rule->dscp);
    }
}

static void limiter_burst(void *state, struct sl_flow_table *table,
                          struct sl_packet *const *packets, struct sl_flow *flows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        decide(state, table, packets[i], &flows[i]);
    }
}

/* ---- counters ---- */

static uint32_t limiter_counter_count(const void *state)
{
    const struct limiter *limiter = state;
    return limiter->rules->count * COUNTER_COUNT;
}

static void limiter_counter_get(const void *state, uint32_t index,
                                struct sl_nf_counter *ret_counter)
{
    const struct limiter *limiter = state;
    uint32_t rule = index / COUNTER_COUNT;
    const struct place *place = &limiter->places[rule];
    const uint64_t *values = (const uint64_t *)(const void *)&place->counters;
    const uint64_t *value = &values[index % COUNTER_COUNT];
    if (index % COUNTER_COUNT == COUNTER_COUNT - 1 && place->sources != NULL) {
        value = &place->sources->evicted;
    }
    (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "rule.%u.%s", rule + 1,
                   counter_names[index % COUNTER_COUNT]);
    ret_counter->value = __atomic_load_n(value, __ATOMIC_RELAXED);
}

static const struct sl_flow_spec limiter_flow = {
    .state_size = sizeof(struct flow_state),
    .version = 1,
    .burst = limiter_burst,
};

static const struct sl_nf limiter_nf = {
    .name = "limiter",
    .load = limiter_load,
    .share = limiter_share,
    .place = limiter_place,
    .flow = &limiter_flow,
    .adopt = limiter_adopt,
    .unload = limiter_unload,
    .counter_count = limiter_counter_count,
    .counter_get = limiter_counter_get,
};
SL_NF_REGISTER(limiter_nf);
