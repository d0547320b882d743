/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a compiled policy: every count and bound is checked before it is used. */
#include "firewall/rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "safelib/bytes.h"

uint32_t fw_dim_width(uint32_t dim)
{
    static const uint8_t width[SL_FW_DIM_COUNT] = {
#define DIM_WIDTH(name, width, text) width,
        SL_FW_DIM_TABLE(DIM_WIDTH)
#undef DIM_WIDTH
    };
    return width[dim];
}

fw_key fw_dim_max(uint32_t dim)
{
    return ~(fw_key)0 >> (128 - 8 * fw_dim_width(dim));
}

static fw_key read_key(struct sl_reader *r, uint32_t width)
{
    const uint8_t *at = sl_reader_bytes(r, width);
    fw_key key = 0;
    for (uint32_t i = 0; at != NULL && i < width; i++) {
        key = key << 8 | at[i];
    }
    return key;
}

static sl_rc read_intervals(struct fw_rules *rules, struct fw_rule *rule, uint32_t dim,
                            uint32_t count, struct sl_reader *r)
{
    uint32_t width = fw_dim_width(dim);
    if (count == 0) {
        return SL_MALFORMED;
    }
    if (count > SL_FW_INTERVALS_MAX - rules->interval_count) {
        return SL_RANGE;
    }
    if (sl_reader_left(r) / (2 * width) < count) {
        return SL_TRUNCATED;
    }
    rule->first[dim] = rules->interval_count;
    rule->count[dim] = count;
    struct fw_interval *out = rules->intervals + rules->interval_count;
    for (uint32_t i = 0; i < count; i++) {
        out[i].lo = read_key(r, width);
        out[i].hi = read_key(r, width);
        if (out[i].lo > out[i].hi || (i > 0 && out[i].lo <= out[i - 1].hi)) {
            return SL_MALFORMED;
        }
    }
    rules->interval_count += count;
    return r->rc;
}

static sl_rc read_rule(struct fw_rules *rules, uint32_t index, struct sl_reader *r)
{
    struct fw_rule *rule = &rules->rules[index];
    rule->action = sl_reader_u8(r);
    rule->code4 = sl_reader_u8(r);
    rule->code6 = sl_reader_u8(r);
    rule->families = sl_reader_u8(r);
    rule->skip_to = sl_reader_be32(r);
    uint8_t dim_count = sl_reader_u8(r);
    if (r->rc != SL_OK) {
        return r->rc;
    }
    if (rule->action >= SL_FW_ACTION_COUNT || rule->families > (SL_FW_IP4 | SL_FW_IP6)) {
        return SL_MALFORMED;
    }
    /* only forward, so that a packet meets each rule at most once */
    bool is_skip = rule->action == SL_FW_SKIP;
    if (is_skip ? rule->skip_to <= index || rule->skip_to > rules->count : rule->skip_to != 0) {
        return SL_MALFORMED;
    }
    int last = -1;
    for (uint8_t i = 0; i < dim_count; i++) {
        uint8_t dim = sl_reader_u8(r);
        uint32_t count = sl_reader_be32(r);
        if (r->rc != SL_OK) {
            return r->rc;
        }
        if (dim >= SL_FW_DIM_COUNT || dim <= last) {
            return SL_MALFORMED;
        }
        last = dim;
        sl_rc rc = read_intervals(rules, rule, dim, count, r);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static sl_rc refuse(sl_rc rc, char *reason, size_t size, const char *what)
{
    (void)snprintf(reason, size, "%s: %s", what, sl_rc_text(rc));
    return rc;
}

static sl_rc read_header(struct fw_rules *rules, struct sl_reader *r, char *reason, size_t size)
{
    uint32_t magic = sl_reader_be32(r);
    uint16_t format = sl_reader_be16(r);
    rules->default_action = sl_reader_u8(r);
    uint8_t zero = sl_reader_u8(r);
    rules->count = sl_reader_be32(r);
    if (r->rc != SL_OK) {
        return refuse(r->rc, reason, size, "header of the firewall policy");
    }
    if (magic != SL_FW_MAGIC) {
        return refuse(SL_MALFORMED, reason, size, "not a compiled firewall policy");
    }
    if (format != SL_FW_FORMAT) {
        return refuse(SL_UNSUPPORTED, reason, size, "format of the firewall policy");
    }
    if (rules->default_action > SL_FW_ACCEPT || zero != 0) {
        return refuse(SL_MALFORMED, reason, size, "default action of the firewall policy");
    }
    if (rules->count > SL_FW_RULES_MAX) {
        return refuse(SL_RANGE, reason, size, "number of rules");
    }
    return SL_OK;
}

/* Most intervals that `size` bytes can hold, so that memory is bounded by the input's own size. */
static uint32_t interval_bound(size_t size)
{
    return size / 2 < SL_FW_INTERVALS_MAX ? (uint32_t)(size / 2) : SL_FW_INTERVALS_MAX;
}

sl_rc fw_rules_read(const void *policy, size_t size, struct fw_rules *ret_rules, char *reason,
                    size_t reason_size)
{
    struct fw_rules rules = {0};
    struct sl_reader r;
    sl_reader_init(&r, policy, size);
    sl_rc rc = read_header(&rules, &r, reason, reason_size);
    if (rc != SL_OK) {
        return rc;
    }
    if (rules.count > sl_reader_left(&r)) {
        return refuse(SL_TRUNCATED, reason, reason_size, "rules");
    }
    rules.rules = calloc((size_t)rules.count + 1, sizeof(*rules.rules));
    rules.intervals = malloc(((size_t)interval_bound(size) + 1) * sizeof(*rules.intervals));
    if (rules.rules == NULL || rules.intervals == NULL) {
        rc = refuse(SL_NO_MEMORY, reason, reason_size, "reading the rules");
        goto out;
    }
    for (uint32_t i = 0; i < rules.count; i++) {
        rc = read_rule(&rules, i, &r);
        if (rc != SL_OK) {
            (void)snprintf(reason, reason_size, "rule %u at byte %zu: %s", i + 1, r.off,
                           sl_rc_text(rc));
            goto out;
        }
    }
    rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        rc = refuse(rc, reason, reason_size, "bytes after the last rule");
        goto out;
    }
    *ret_rules = rules;
    return SL_OK;
out:
    fw_rules_done(&rules);
    return rc;
}

void fw_rules_done(struct fw_rules *rules)
{
    free(rules->rules);
    free(rules->intervals);
    *rules = (struct fw_rules){0};
}
