/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a compiled policy: hostile input, checked as though no compiler had. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/policy.h"
#include "safelib/bytes.h"

enum { PROTO_TCP = 6, PROTO_UDP = 17, TIMEOUT_MAX_MS = 7 * 24 * 3600 * 1000 };

struct input {
    struct sl_reader r;
    char *reason;
    size_t reason_size;
};

__attribute__((format(printf, 3, 4))) static sl_rc refuse(struct input *in, sl_rc rc,
                                                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(in->reason, in->reason_size, format, args);
    va_end(args);
    return rc;
}

/* What the reader noticed, or @p rc. */
static sl_rc end_of(struct input *in, const char *what)
{
    return in->r.rc == SL_OK
               ? SL_OK
               : refuse(in, in->r.rc, "%s: %s at byte %zu", what, sl_rc_text(in->r.rc), in->r.off);
}

static bool is_cut(const struct nat_addr *addr, uint32_t bits)
{
    for (uint32_t bit = bits; bit < 128; bit++) {
        if ((addr->b[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

/* RFC 6052 2.2: 32, 40, 48, 56, 64 or 96 bits, and octet 8 zero. */
static sl_rc read_prefix64(struct input *in, struct nat_policy *policy)
{
    static const uint8_t well_known[16] = {0, 0x64, 0xff, 0x9b};
    uint8_t bits = sl_reader_u8(&in->r);
    sl_reader_copy(&in->r, policy->prefix64, 16);
    struct nat_addr addr;
    memcpy(addr.b, policy->prefix64, 16);
    bool is_known = bits == 0 || bits == 32 || bits == 40 || bits == 48 || bits == 56 ||
                    bits == 64 || bits == 96;
    if (!is_known || !is_cut(&addr, bits) || addr.b[8] != 0) {
        return refuse(in, SL_RANGE,
                      "NAT64 prefix of %u bits: expected 32, 40, 48, 56, 64 or 96, "
                      "the rest and octet 8 zero (RFC 6052 2.2)",
                      bits);
    }
    policy->prefix64_bits = bits;
    policy->is_wkp = bits == 96 && memcmp(policy->prefix64, well_known, 16) == 0;
    return SL_OK;
}

static sl_rc check_limits(struct input *in, const struct nat_policy *policy)
{
    if (policy->mappings == 0 || policy->mappings > SL_NAT_MAPPINGS_MAX ||
        policy->subscribers == 0 || policy->subscribers > SL_NAT_SUBSCRIBERS_MAX) {
        return refuse(in, SL_RANGE,
                      "room for %u mappings of %u subscribers: expected 1 to %u of "
                      "1 to %u",
                      policy->mappings, policy->subscribers, SL_NAT_MAPPINGS_MAX,
                      SL_NAT_SUBSCRIBERS_MAX);
    }
    return SL_OK;
}

static sl_rc read_ports(struct input *in, struct nat_policy *policy)
{
    policy->port_first = sl_reader_be16(&in->r);
    policy->port_last = sl_reader_be16(&in->r);
    policy->block_size = sl_reader_be32(&in->r);
    policy->blocks_per_subscriber = sl_reader_be32(&in->r);
    for (uint32_t i = 0; i < NAT_SPACE_COUNT; i++) {
        policy->mappings_per_subscriber[i] = sl_reader_be32(&in->r);
    }
    policy->mappings = sl_reader_be32(&in->r);
    policy->subscribers = sl_reader_be32(&in->r);
    policy->sessions_per_mapping = sl_reader_be32(&in->r);
    if (in->r.rc != SL_OK) {
        return end_of(in, "header");
    }
    if (policy->port_first == 0 || policy->port_first > policy->port_last) {
        return refuse(in, SL_RANGE, "ports %u-%u: expected 1 to 65535", policy->port_first,
                      policy->port_last);
    }
    uint32_t count = (uint32_t)(policy->port_last - policy->port_first) + 1;
    if (policy->allocation != SL_NAT_DYNAMIC &&
        (policy->block_size < SL_NAT_BLOCK_MIN || policy->block_size > SL_NAT_BLOCK_MAX ||
         policy->block_size > count)) {
        return refuse(in, SL_RANGE,
                      "port blocks of %u: expected %u to %u, and no more than the "
                      "%u ports",
                      policy->block_size, SL_NAT_BLOCK_MIN, SL_NAT_BLOCK_MAX, count);
    }
    if (policy->allocation == SL_NAT_BLOCK &&
        (policy->blocks_per_subscriber == 0 || policy->blocks_per_subscriber > SL_NAT_BLOCKS_MAX)) {
        return refuse(in, SL_RANGE, "%u port blocks per subscriber: expected 1 to %u",
                      policy->blocks_per_subscriber, SL_NAT_BLOCKS_MAX);
    }
    policy->slots_per_address =
        policy->allocation == SL_NAT_DYNAMIC ? 0 : count / policy->block_size;
    return check_limits(in, policy);
}

static sl_rc read_timeouts(struct input *in, struct nat_policy *policy)
{
    uint32_t *const timeouts[] = {&policy->udp_ms, &policy->tcp_established_ms,
                                  &policy->tcp_transitory_ms, &policy->icmp_ms};
    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        uint32_t ms = sl_reader_be32(&in->r);
        if (in->r.rc == SL_OK && (ms < 1000 || ms > TIMEOUT_MAX_MS)) {
            return refuse(in, SL_RANGE, "timeout of %u ms: expected 1 s to 7 days", ms);
        }
        *timeouts[i] = ms;
    }
    policy->mtu6 = sl_reader_be16(&in->r);
    policy->subscriber4_bits = sl_reader_u8(&in->r);
    policy->subscriber6_bits = sl_reader_u8(&in->r);
    if (in->r.rc != SL_OK) {
        return end_of(in, "header");
    }
    if (policy->mtu6 < SL_NAT_MTU6_MIN || policy->subscriber4_bits > 32 ||
        policy->subscriber6_bits > 128) {
        return refuse(in, SL_RANGE, "MTU %u or subscriber prefixes of %u and %u bits: out of range",
                      policy->mtu6, policy->subscriber4_bits, policy->subscriber6_bits);
    }
    return SL_OK;
}

static sl_rc read_header(struct input *in, struct nat_policy *policy)
{
    uint32_t magic = sl_reader_be32(&in->r);
    uint16_t format = sl_reader_be16(&in->r);
    policy->flags = sl_reader_be16(&in->r);
    policy->mapping = sl_reader_u8(&in->r);
    policy->filtering = sl_reader_u8(&in->r);
    policy->allocation = sl_reader_u8(&in->r);
    if (in->r.rc != SL_OK) {
        return end_of(in, "header");
    }
    if (magic != SL_NAT_MAGIC) {
        return refuse(in, SL_MALFORMED, "starts with %08x, expected \"SLNT\"", magic);
    }
    if (format != SL_NAT_FORMAT) {
        return refuse(in, SL_UNSUPPORTED, "format %u, this image reads %u", format, SL_NAT_FORMAT);
    }
    if ((policy->flags & ~SL_NAT_FLAGS_ALL) != 0 || policy->mapping >= SL_NAT_DEPENDENCE_COUNT ||
        policy->filtering >= SL_NAT_DEPENDENCE_COUNT ||
        policy->allocation >= SL_NAT_ALLOCATION_COUNT) {
        return refuse(in, SL_UNSUPPORTED,
                      "flags %04x, mapping %u, filtering %u, allocation %u: "
                      "not all known",
                      policy->flags, policy->mapping, policy->filtering, policy->allocation);
    }
    sl_rc rc = read_prefix64(in, policy);
    rc = rc == SL_OK ? read_ports(in, policy) : rc;
    return rc == SL_OK ? read_timeouts(in, policy) : rc;
}

/* Numbers the subscribers of a prefix. */
static sl_rc count_subscribers(struct input *in, const struct nat_policy *policy,
                               struct nat_prefix *prefix, uint64_t *total)
{
    uint32_t bits =
        nat_addr_is4(&prefix->addr) ? policy->subscriber4_bits + 96u : policy->subscriber6_bits;
    prefix->first_subscriber = *total;
    if (bits < prefix->bits || bits - prefix->bits > 32) {
        return policy->allocation != SL_NAT_DETERMINISTIC
                   ? SL_OK
                   : refuse(in, SL_RANGE,
                            "deterministic: a prefix of %u bits does not hold whole "
                            "subscribers of %u bits, at most 2^32 of them",
                            prefix->bits, bits);
    }
    *total += 1ull << (bits - prefix->bits);
    return SL_OK;
}

/* Prefix @p index, which must be above and beside those before it. */
static sl_rc read_prefix(struct input *in, struct nat_policy *policy, uint32_t index,
                         uint64_t *subscribers)
{
    struct nat_prefix *prefix = &policy->inside[index];
    prefix->bits = sl_reader_u8(&in->r);
    sl_reader_copy(&in->r, prefix->addr.b, 16);
    if (in->r.rc != SL_OK) {
        return end_of(in, "inside prefixes");
    }
    bool is_whole = prefix->bits <= 128 && is_cut(&prefix->addr, prefix->bits) &&
                    (!nat_addr_is4(&prefix->addr) || prefix->bits >= 96);
    if (!is_whole || nat_policy_inside(policy, &prefix->addr) ||
        (index > 0 && memcmp(&prefix[-1].addr, &prefix->addr, 16) >= 0)) {
        return refuse(in, SL_MALFORMED,
                      "inside prefix %u: expected ascending, disjoint prefixes without host bits",
                      index);
    }
    if (!nat_addr_is4(&prefix->addr) && policy->prefix64_bits == 0) {
        return refuse(in, SL_MALFORMED, "inside prefix %u is IPv6 and there is no NAT64 prefix",
                      index);
    }
    return count_subscribers(in, policy, prefix, subscribers);
}

static sl_rc read_inside(struct input *in, struct nat_policy *policy, uint64_t *ret_subscribers)
{
    *ret_subscribers = 0;
    uint32_t count = sl_reader_be16(&in->r);
    if (in->r.rc == SL_OK && (count == 0 || count > SL_NAT_INSIDE_MAX)) {
        return refuse(in, SL_RANGE, "%u inside prefixes: expected 1 to %u", count,
                      SL_NAT_INSIDE_MAX);
    }
    policy->inside = calloc(count + 1, sizeof(*policy->inside));
    sl_rc rc = policy->inside != NULL ? end_of(in, "inside prefixes") : SL_NO_MEMORY;
    for (uint32_t i = 0; i < count && rc == SL_OK; i++) {
        policy->inside_count = i;
        rc = read_prefix(in, policy, i, ret_subscribers);
    }
    policy->inside_count = count;
    return rc;
}

static sl_rc read_outside(struct input *in, struct nat_policy *policy, uint64_t subscribers)
{
    uint32_t count = sl_reader_be16(&in->r);
    if (in->r.rc == SL_OK && (count == 0 || count > SL_NAT_OUTSIDE_MAX)) {
        return refuse(in, SL_RANGE, "%u outside ranges: expected 1 to %u", count,
                      SL_NAT_OUTSIDE_MAX);
    }
    policy->outside = calloc(count + 1, sizeof(*policy->outside));
    if (policy->outside == NULL) {
        return SL_NO_MEMORY;
    }
    policy->outside_count = count;
    uint64_t total = 0;
    for (uint32_t i = 0; i < count && in->r.rc == SL_OK; i++) {
        struct nat_range *range = &policy->outside[i];
        range->first = sl_reader_be32(&in->r);
        range->last = sl_reader_be32(&in->r);
        range->before = (uint32_t)total;
        if (in->r.rc != SL_OK) {
            break;
        }
        if (range->first > range->last || (i > 0 && range[-1].last >= range->first)) {
            return refuse(in, SL_MALFORMED, "outside range %u: expected ascending, disjoint ranges",
                          i);
        }
        total += (uint64_t)range->last - range->first + 1;
        if (total > SL_NAT_OUTSIDE_MAX) {
            return refuse(in, SL_RANGE, "more than %u outside addresses", SL_NAT_OUTSIDE_MAX);
        }
    }
    policy->address_count = (uint32_t)total;
    if (policy->allocation == SL_NAT_DETERMINISTIC &&
        subscribers > total * policy->slots_per_address) {
        return refuse(in, SL_RANGE,
                      "deterministic: %llu subscribers and room for %llu (%u on each "
                      "outside address)",
                      (unsigned long long)subscribers,
                      (unsigned long long)(total * policy->slots_per_address),
                      policy->slots_per_address);
    }
    return end_of(in, "outside ranges");
}

static int by_inside(const void *a, const void *b)
{
    const struct nat_forward *x = a;
    const struct nat_forward *y = b;
    int order = memcmp(&x->inside, &y->inside, sizeof(x->inside));
    order = order != 0 ? order : (int)x->proto - (int)y->proto;
    return order != 0 ? order : (int)x->inside_port - (int)y->inside_port;
}

static bool is_after(const struct nat_forward *f, const struct nat_forward *before)
{
    if (f->outside != before->outside) {
        return f->outside > before->outside;
    }
    if (f->proto != before->proto) {
        return f->proto > before->proto;
    }
    return f->proto != 0 && f->outside_port >= before->outside_port + before->count;
}

static bool is_disjoint_inside(const struct nat_forward *sorted, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct nat_forward *f = &sorted[i];
        bool is_same = memcmp(&f->inside, &f[-1].inside, 16) == 0 && f->proto == f[-1].proto;
        if (is_same && (f->proto == 0 || f->inside_port < f[-1].inside_port + f[-1].count)) {
            return false;
        }
    }
    return true;
}

static void read_forward(struct sl_reader *r, struct nat_forward *ret_forward)
{
    ret_forward->proto = sl_reader_u8(r);
    ret_forward->outside = sl_reader_be32(r);
    ret_forward->outside_port = sl_reader_be16(r);
    ret_forward->count = sl_reader_be16(r);
    sl_reader_copy(r, ret_forward->inside.b, 16);
    ret_forward->inside_port = sl_reader_be16(r);
}

static bool is_forward_whole(const struct nat_policy *policy, const struct nat_forward *f)
{
    if (!nat_policy_inside(policy, &f->inside)) {
        return false;
    }
    if (f->proto == 0) { /* a host's own address: not one that others share */
        return f->outside_port == 0 && f->inside_port == 0 && f->count == 0 &&
               nat_policy_ordinal(policy, f->outside) == UINT32_MAX;
    }
    return (f->proto == PROTO_TCP || f->proto == PROTO_UDP) && f->count > 0 &&
           f->outside_port > 0 && f->inside_port > 0 && f->outside_port + f->count <= 65536 &&
           f->inside_port + f->count <= 65536 &&
           nat_policy_ordinal(policy, f->outside) != UINT32_MAX;
}

static sl_rc read_forwards(struct input *in, struct nat_policy *policy)
{
    uint32_t count = sl_reader_be16(&in->r);
    if (in->r.rc == SL_OK && count > SL_NAT_FORWARDS_MAX) {
        return refuse(in, SL_RANGE, "%u forwards: expected at most %u", count, SL_NAT_FORWARDS_MAX);
    }
    policy->forwards = calloc(count + 1, sizeof(*policy->forwards));
    policy->by_inside = calloc(count + 1, sizeof(*policy->by_inside));
    if (policy->forwards == NULL || policy->by_inside == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count && in->r.rc == SL_OK; i++) {
        struct nat_forward *f = &policy->forwards[i];
        read_forward(&in->r, f);
        if (in->r.rc != SL_OK) {
            break;
        }
        if (!is_forward_whole(policy, f)) {
            return refuse(in, SL_MALFORMED,
                          "forward %u: expected TCP or UDP ports of an outside "
                          "address, or all of an address that is not one, to an "
                          "inside address",
                          i);
        }
        if (i > 0 && !is_after(f, &f[-1])) {
            return refuse(in, SL_MALFORMED, "forward %u: expected ascending, disjoint", i);
        }
        policy->by_inside[i] = *f;
    }
    policy->forward_count = count;
    if (in->r.rc != SL_OK) {
        return end_of(in, "forwards");
    }
    qsort(policy->by_inside, count, sizeof(*policy->by_inside), by_inside);
    return is_disjoint_inside(policy->by_inside, count)
               ? SL_OK
               : refuse(in, SL_MALFORMED, "two forwards lead to one inside endpoint");
}

sl_rc nat_policy_read(const void *data, size_t size, struct nat_policy *ret_policy, char *reason,
                      size_t reason_size)
{
    struct input in = {.reason = reason, .reason_size = reason_size};
    struct nat_policy policy = {0};
    uint64_t subscribers = 0;
    sl_reader_init(&in.r, data, size);
    sl_rc rc = read_header(&in, &policy);
    rc = rc == SL_OK ? read_inside(&in, &policy, &subscribers) : rc;
    rc = rc == SL_OK ? read_outside(&in, &policy, subscribers) : rc;
    rc = rc == SL_OK ? read_forwards(&in, &policy) : rc;
    if (rc == SL_OK && sl_reader_end(&in.r) != SL_OK) {
        rc = refuse(&in, SL_MALFORMED, "%zu bytes after the last forward", sl_reader_left(&in.r));
    }
    if (rc != SL_OK) {
        nat_policy_done(&policy);
        return rc;
    }
    *ret_policy = policy;
    return SL_OK;
}
