/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a limiter's policy, and matches packets against its rules. */
#include "limiter/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

struct reading {
    struct sl_reader r;
    uint32_t buckets;
    uint32_t flow_rules;
};

static void mask_of(uint32_t length, uint64_t *ret_hi, uint64_t *ret_lo)
{
    *ret_hi = length == 0 ? 0 : length >= 64 ? ~0ull : ~0ull << (64 - length);
    *ret_lo = length <= 64 ? 0 : length >= 128 ? ~0ull : ~0ull << (128 - length);
}

/* A prefix; false where it is none of the rule's one family. */
static bool read_prefix(struct sl_reader *r, const struct lm_rule *rule, bool is_wanted,
                        struct lm_prefix *ret_prefix)
{
    uint8_t bytes[16];
    sl_reader_copy(r, bytes, sizeof(bytes));
    uint32_t length = sl_reader_u8(r);
    struct lm_prefix prefix = {.hi = sl_be64_get(bytes), .lo = sl_be64_get(bytes + 8)};
    mask_of(length, &prefix.mask_hi, &prefix.mask_lo);
    *ret_prefix = prefix;
    if (!is_wanted) {
        return length == 0 && prefix.hi == 0 && prefix.lo == 0;
    }
    uint32_t most = rule->families == SL_LM_IP4 ? 32 : rule->families == SL_LM_IP6 ? 128 : 0;
    return length <= most && (prefix.hi & ~prefix.mask_hi) == 0 &&
           (prefix.lo & ~prefix.mask_lo) == 0 && most != 0;
}

/* What a rule matches. NULL, or what is wrong. */
static const char *read_match(struct sl_reader *r, struct lm_rule *rule)
{
    rule->id = sl_reader_be32(r);
    rule->ports = sl_reader_u8(r);
    rule->families = sl_reader_u8(r);
    rule->proto = sl_reader_u8(r);
    rule->has = sl_reader_u8(r);
    bool is_good = rule->id != 0 && rule->ports >= 1 && rule->ports <= 3 && rule->families >= 1 &&
                   rule->families <= 3 && rule->has < 16;
    is_good &= read_prefix(r, rule, (rule->has & SL_LM_HAS_SOURCE) != 0, &rule->source);
    is_good &= read_prefix(r, rule, (rule->has & SL_LM_HAS_DESTINATION) != 0, &rule->destination);
    for (uint32_t i = 0; i < 2; i++) {
        rule->sport[i] = sl_reader_be16(r);
    }
    for (uint32_t i = 0; i < 2; i++) {
        rule->dport[i] = sl_reader_be16(r);
    }
    is_good &= rule->sport[0] <= rule->sport[1] && rule->dport[0] <= rule->dport[1];
    return is_good ? NULL : "matches what no packet can be";
}

/* How many buckets a rule has, of what each shard has in all. */
static const char *count_buckets(struct reading *in, struct lm_rule *rule)
{
    bool has_table = rule->key == SL_LM_PER_SOURCE || rule->key == SL_LM_PER_DESTINATION;
    bool is_power = rule->buckets >= SL_LM_BUCKETS_MIN && rule->buckets <= SL_LM_BUCKETS_MAX &&
                    (rule->buckets & (rule->buckets - 1)) == 0;
    if (has_table ? !is_power : rule->buckets != 0) {
        return "number of buckets out of range, no power of two, or without a key";
    }
    in->buckets += rule->buckets;
    if (rule->key == SL_LM_PER_FLOW) {
        rule->flow_slot = (uint8_t)in->flow_rules++;
    }
    return NULL;
}

/* How it counts and what it does. */
static const char *read_limit(struct reading *in, struct lm_rule *rule)
{
    struct sl_reader *r = &in->r;
    rule->key = sl_reader_u8(r);
    rule->length4 = sl_reader_u8(r);
    rule->length6 = sl_reader_u8(r);
    rule->unit = sl_reader_u8(r);
    rule->buckets = sl_reader_be32(r);
    rule->rate.week = sl_reader_be64(r);
    rule->rate.burst = sl_reader_be64(r);
    rule->action = sl_reader_u8(r);
    rule->dscp = sl_reader_u8(r);
    if (rule->key >= SL_LM_KEY_COUNT || rule->unit >= SL_LM_UNIT_COUNT ||
        rule->action >= SL_LM_ACTION_COUNT || rule->dscp > 63 || rule->length4 > 32 ||
        rule->length6 > 128) {
        return "unknown key, unit, action, DSCP or prefix length";
    }
    if (rule->rate.week > SL_LM_RATE_MAX || rule->rate.burst == 0 ||
        rule->rate.burst > SL_LM_BURST_MAX) {
        return "rate or burst out of range";
    }
    return count_buckets(in, rule);
}

static sl_rc read_rules(struct reading *in, struct lm_rules *rules, char *reason,
                        size_t reason_size)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        struct lm_rule *rule = &rules->list[i];
        const char *what = read_match(&in->r, rule);
        what = what == NULL ? read_limit(in, rule) : what;
        if (in->r.rc != SL_OK) {
            what = "the policy ends here";
        }
        if (what != NULL) {
            (void)snprintf(reason, reason_size, "rule %u: %s", i + 1, what);
            return in->r.rc != SL_OK ? in->r.rc : SL_MALFORMED;
        }
        if (in->buckets > SL_LM_BUCKETS_MAX || in->flow_rules > SL_LM_FLOW_RULES_MAX) {
            (void)snprintf(reason, reason_size,
                           "rule %u: more than %d buckets by address or %d rules per flow in all",
                           i + 1, SL_LM_BUCKETS_MAX, SL_LM_FLOW_RULES_MAX);
            return SL_RANGE;
        }
    }
    if (sl_reader_end(&in->r) != SL_OK) {
        (void)snprintf(reason, reason_size, "%zu bytes after the last rule",
                       sl_reader_left(&in->r));
        return SL_MALFORMED;
    }
    return SL_OK;
}

sl_rc lm_rules_read(const void *policy, size_t size, struct lm_rules **ret_rules, char *reason,
                    size_t reason_size)
{
    struct reading in = {0};
    sl_reader_init(&in.r, policy, size);
    uint32_t magic = sl_reader_be32(&in.r);
    uint16_t format = sl_reader_be16(&in.r);
    uint16_t count = sl_reader_be16(&in.r);
    const char *what = NULL;
    sl_rc rc = in.r.rc;
    if (rc != SL_OK) {
        what = "the policy ends within its header";
    } else if (magic != SL_LM_MAGIC) {
        rc = SL_MALFORMED;
        what = "no policy of a limiter";
    } else if (format != SL_LM_FORMAT) {
        rc = SL_UNSUPPORTED;
        what = "a policy of another format";
    } else if (count > SL_LM_RULES_MAX) {
        rc = SL_RANGE;
        what = "too many rules";
    }
    if (what != NULL) {
        (void)snprintf(reason, reason_size, "%s", what);
        return rc;
    }
    struct lm_rules *rules = calloc(1, sizeof(*rules) + count * sizeof(rules->list[0]));
    if (rules == NULL) {
        return SL_NO_MEMORY;
    }
    rules->references = 1;
    rules->count = count;
    rc = read_rules(&in, rules, reason, reason_size);
    if (rc != SL_OK) {
        lm_rules_drop(rules);
        return rc;
    }
    *ret_rules = rules;
    return SL_OK;
}

void lm_rules_drop(struct lm_rules *rules)
{
    if (rules != NULL && --rules->references == 0) {
        free(rules);
    }
}

/* ---- packets ---- */

static void address_of(const struct sl_packet *packet, bool is_source, uint64_t *ret_hi,
                       uint64_t *ret_lo)
{
    const uint8_t *addr = is_source ? packet->src : packet->dst;
    if (packet->ip_version == 4) {
        *ret_hi = (uint64_t)sl_be32_get(addr) << 32;
        *ret_lo = 0;
    } else {
        *ret_hi = sl_be64_get(addr);
        *ret_lo = sl_be64_get(addr + 8);
    }
}

static bool holds(const struct lm_prefix *prefix, const struct sl_packet *packet, bool is_source)
{
    uint64_t hi;
    uint64_t lo;
    address_of(packet, is_source, &hi, &lo);
    return (hi & prefix->mask_hi) == prefix->hi && (lo & prefix->mask_lo) == prefix->lo;
}

static bool has_ports_of(const struct lm_rule *rule, const struct sl_packet *packet)
{
    return (packet->has & SL_PKT_HAS_PORTS) != 0 && packet->sport >= rule->sport[0] &&
           packet->sport <= rule->sport[1] && packet->dport >= rule->dport[0] &&
           packet->dport <= rule->dport[1];
}

bool lm_rule_matches(const struct lm_rule *rule, const struct sl_packet *packet)
{
    uint32_t family = packet->ip_version == 4 ? SL_LM_IP4 : SL_LM_IP6;
    uint32_t port = packet->port_in == SL_PORT_LAN ? 1 : 2;
    if ((rule->families & family) == 0 || (rule->ports & port) == 0) {
        return false;
    }
    if ((rule->has & SL_LM_HAS_PROTO) != 0 && rule->proto != packet->proto) {
        return false;
    }
    if ((rule->has & SL_LM_HAS_SOURCE) != 0 && !holds(&rule->source, packet, true)) {
        return false;
    }
    if ((rule->has & SL_LM_HAS_DESTINATION) != 0 && !holds(&rule->destination, packet, false)) {
        return false;
    }
    return (rule->has & SL_LM_HAS_PORTS) == 0 || has_ports_of(rule, packet);
}

void lm_rule_address(const struct lm_rule *rule, const struct sl_packet *packet,
                     uint8_t ret_addr[16])
{
    uint64_t hi;
    uint64_t lo;
    uint64_t mask_hi;
    uint64_t mask_lo;
    bool is_v4 = packet->ip_version == 4;
    address_of(packet, rule->key == SL_LM_PER_SOURCE, &hi, &lo);
    mask_of(is_v4 ? rule->length4 : rule->length6, &mask_hi, &mask_lo);
    hi &= mask_hi;
    lo &= mask_lo;
    if (is_v4) { /* ::ffff:0:0/96: no IPv6 source on the wire is one of these */
        lo = 0xffff00000000ull | hi >> 32;
        hi = 0;
    }
    sl_be64_put(ret_addr, hi);
    sl_be64_put(ret_addr + 8, lo);
}
