/* SPDX-License-Identifier: Apache-2.0 */
/* Plain linear reference of the firewall, random rules and random packets. */
#include "reference.h"

#include <stdio.h>
#include <string.h>

uint32_t ref_width(uint32_t dim)
{
    static const uint8_t width[SL_FW_DIM_COUNT] = {4, 4, 16, 16, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    return width[dim];
}

uint64_t ref_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

static uint32_t below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(ref_random(state) >> 33) % bound;
}

size_t ref_policy_write(const struct ref_rule *rules, uint32_t count, uint8_t default_action,
                        uint8_t *out, size_t size)
{
    struct sl_writer w;
    sl_writer_init(&w, out, size);
    sl_writer_be32(&w, SL_FW_MAGIC);
    sl_writer_be16(&w, SL_FW_FORMAT);
    sl_writer_u8(&w, default_action);
    sl_writer_u8(&w, 0);
    sl_writer_be32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct ref_rule *rule = &rules[i];
        sl_writer_u8(&w, rule->action);
        sl_writer_u8(&w, rule->code4);
        sl_writer_u8(&w, rule->code6);
        sl_writer_u8(&w, rule->families);
        sl_writer_be32(&w, rule->skip_to);
        uint8_t dims = 0;
        for (uint32_t d = 0; d < SL_FW_DIM_COUNT; d++) {
            dims = (uint8_t)(dims + (rule->count[d] != 0));
        }
        sl_writer_u8(&w, dims);
        for (uint32_t d = 0; d < SL_FW_DIM_COUNT; d++) {
            if (rule->count[d] == 0) {
                continue;
            }
            sl_writer_u8(&w, (uint8_t)d);
            sl_writer_be32(&w, rule->count[d]);
            for (uint32_t k = 0; k < rule->count[d]; k++) {
                sl_writer_bytes(&w, rule->intervals[d][k].lo, ref_width(d));
                sl_writer_bytes(&w, rule->intervals[d][k].hi, ref_width(d));
            }
        }
    }
    return w.rc == SL_OK ? w.off : 0;
}

size_t ref_bundle_write(const uint8_t *policy, size_t policy_size, uint64_t version, uint8_t *out,
                        size_t size)
{
    struct sl_writer w;
    sl_writer_init(&w, out, size);
    sl_writer_be32(&w, 0x534c4342);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, version);
    sl_writer_string(&w, "firewall");
    sl_writer_be32(&w, (uint32_t)policy_size);
    sl_writer_bytes(&w, policy, policy_size);
    return w.rc == SL_OK ? w.off : 0;
}

/* The packet's value of a dimension, big-endian into `out`; false where it has none. */
static bool value_of(const struct sl_packet *packet, uint32_t dim, uint8_t *out)
{
    bool is_v4 = packet->ip_version == 4;
    switch (dim) {
    case SL_FW_DIM_SRC4:
    case SL_FW_DIM_SRC6:
        memcpy(out, packet->src, is_v4 ? 4 : 16);
        return is_v4 == (dim == SL_FW_DIM_SRC4);
    case SL_FW_DIM_DST4:
    case SL_FW_DIM_DST6:
        memcpy(out, packet->dst, is_v4 ? 4 : 16);
        return is_v4 == (dim == SL_FW_DIM_DST4);
    case SL_FW_DIM_SPORT:
        sl_be16_put(out, packet->sport);
        return (packet->has & SL_PKT_HAS_PORTS) != 0;
    case SL_FW_DIM_DPORT:
        sl_be16_put(out, packet->dport);
        return (packet->has & SL_PKT_HAS_PORTS) != 0;
    case SL_FW_DIM_PROTO:
        out[0] = packet->proto;
        return true;
    case SL_FW_DIM_TCP_FLAGS:
        out[0] = packet->tcp_flags;
        return (packet->has & SL_PKT_HAS_TCP) != 0;
    case SL_FW_DIM_ICMP_TYPE:
        out[0] = packet->icmp_type;
        return (packet->has & SL_PKT_HAS_ICMP) != 0;
    case SL_FW_DIM_ICMP_CODE:
        out[0] = packet->icmp_code;
        return (packet->has & SL_PKT_HAS_ICMP) != 0;
    case SL_FW_DIM_PORT_IN:
        out[0] = packet->port_in;
        return true;
    case SL_FW_DIM_FRAGMENT:
        out[0] = (uint8_t)((packet->has & SL_PKT_FRAGMENT ? SL_FW_FRAGMENT : 0) |
                           (packet->has & SL_PKT_LATER_FRAGMENT ? SL_FW_LATER_FRAGMENT : 0) |
                           (packet->has & SL_PKT_MORE_FRAGMENTS ? SL_FW_MORE_FRAGMENTS : 0) |
                           (packet->has & SL_PKT_FRAGMENT_HEADER ? SL_FW_FRAGMENT_HEADER : 0));
        return true;
    default:
        out[0] = packet->data[6];
        return !is_v4;
    }
}

static bool matches(const struct ref_rule *rule, const struct sl_packet *packet)
{
    if ((rule->families & (packet->ip_version == 4 ? SL_FW_IP4 : SL_FW_IP6)) == 0) {
        return false;
    }
    for (uint32_t d = 0; d < SL_FW_DIM_COUNT; d++) {
        if (rule->count[d] == 0) {
            continue;
        }
        uint8_t value[16];
        bool is_inside = false;
        if (value_of(packet, d, value)) {
            for (uint32_t k = 0; k < rule->count[d] && !is_inside; k++) {
                const struct ref_interval *in = &rule->intervals[d][k];
                is_inside = memcmp(value, in->lo, ref_width(d)) >= 0 &&
                            memcmp(value, in->hi, ref_width(d)) <= 0;
            }
        }
        if (!is_inside) {
            return false;
        }
    }
    return true;
}

uint32_t ref_decide(const struct ref_rule *rules, uint32_t count, const struct sl_packet *packet)
{
    for (uint32_t i = 0; i < count;) {
        if (!matches(&rules[i], packet)) {
            i++;
        } else if (rules[i].action == SL_FW_SKIP) {
            i = rules[i].skip_to;
        } else {
            return i;
        }
    }
    return SL_RULE_DEFAULT;
}

/* Few distinct leading bytes, so that rules overlap and packets hit. */
static void random_value(uint64_t *state, uint32_t width, uint8_t *out)
{
    for (uint32_t i = 0; i < width; i++) {
        out[i] = (uint8_t)(i + 2 < width ? below(state, 2) : ref_random(state) >> 40);
    }
}

static void random_interval(uint64_t *state, uint32_t dim, struct ref_interval *out)
{
    static const uint8_t protos[] = {1, 6, 17, 58, 132, 47, 6, 17};
    uint32_t width = ref_width(dim);
    random_value(state, width, out->lo);
    if (dim == SL_FW_DIM_PROTO) {
        out->lo[0] = protos[below(state, sizeof(protos))];
    }
    memcpy(out->hi, out->lo, width);
    if (width > 1 && below(state, 2) == 0) {
        uint32_t bits = 1 + below(state, 8 * width); /* a prefix */
        for (uint32_t i = bits; i < 8 * width; i++) {
            out->lo[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
            out->hi[i / 8] |= (uint8_t)(0x80 >> i % 8);
        }
    } else if (below(state, 2) == 0) {
        random_value(state, width, out->hi); /* any range */
        if (memcmp(out->lo, out->hi, width) > 0) {
            struct ref_interval swapped;
            memcpy(swapped.lo, out->hi, width);
            memcpy(swapped.hi, out->lo, width);
            *out = swapped;
        }
    }
}

/* Ascending and disjoint, as the format demands: what overlaps is left out. */
static void add_interval(struct ref_rule *rule, uint32_t dim, const struct ref_interval *interval)
{
    uint32_t width = ref_width(dim);
    uint32_t at = 0;
    for (; at < rule->count[dim]; at++) {
        const struct ref_interval *other = &rule->intervals[dim][at];
        if (memcmp(interval->hi, other->lo, width) < 0) {
            break;
        }
        if (memcmp(interval->lo, other->hi, width) <= 0) {
            return;
        }
    }
    memmove(&rule->intervals[dim][at + 1], &rule->intervals[dim][at],
            (rule->count[dim] - at) * sizeof(*interval));
    rule->intervals[dim][at] = *interval;
    rule->count[dim]++;
}

void ref_rule_random(uint64_t *state, uint32_t index, uint32_t count, struct ref_rule *ret_rule)
{
    *ret_rule = (struct ref_rule){.families = (uint8_t)below(state, 4)};
    ret_rule->action = (uint8_t)below(state, 8);
    if (ret_rule->action >= SL_FW_REJECT_ICMP) {
        ret_rule->action = ret_rule->action == SL_FW_SKIP ? SL_FW_SKIP : SL_FW_ACCEPT;
    }
    if (ret_rule->action == SL_FW_SKIP) {
        ret_rule->skip_to = index + 1 + below(state, count - index);
    }
    for (uint32_t dim = 0; dim < SL_FW_DIM_CT_STATE;
         dim++) { /* the kernel is the reference of connections */
        if (below(state, 4) != 0) {
            continue;
        }
        for (uint32_t k = 1 + below(state, REF_INTERVALS - 1); k > 0; k--) {
            struct ref_interval interval = {0};
            random_interval(state, dim, &interval);
            add_interval(ret_rule, dim, &interval);
        }
    }
}

/* A value from a bound of a rule of that dimension, or any. */
static void pick_value(uint64_t *state, const struct ref_rule *rules, uint32_t count, uint32_t dim,
                       uint8_t *out)
{
    const struct ref_rule *rule = count != 0 ? &rules[below(state, count)] : NULL;
    if (rule == NULL || rule->count[dim] == 0 || below(state, 8) == 0) {
        random_value(state, ref_width(dim), out);
        return;
    }
    const struct ref_interval *in = &rule->intervals[dim][below(state, rule->count[dim])];
    memcpy(out, below(state, 2) ? in->lo : in->hi, ref_width(dim));
    if (below(state, 4) == 0) { /* just past the bound, often */
        out[ref_width(dim) - 1] = (uint8_t)(out[ref_width(dim) - 1] + 1);
    }
}

static void put_l4(uint64_t *state, const struct ref_rule *rules, uint32_t count, uint8_t proto,
                   uint8_t *l4)
{
    memset(l4, 0, 24);
    if (proto == 1 || proto == 58) {
        pick_value(state, rules, count, SL_FW_DIM_ICMP_TYPE, l4);
        pick_value(state, rules, count, SL_FW_DIM_ICMP_CODE, l4 + 1);
        return;
    }
    pick_value(state, rules, count, SL_FW_DIM_SPORT, l4);
    pick_value(state, rules, count, SL_FW_DIM_DPORT, l4 + 2);
    l4[12] = 0x50;
    pick_value(state, rules, count, SL_FW_DIM_TCP_FLAGS, l4 + 13);
}

static uint32_t put_ip6(uint64_t *state, const struct ref_rule *rules, uint32_t count,
                        uint8_t proto, uint8_t *data)
{
    uint32_t off = 40;
    data[0] = 0x60;
    data[6] = proto;
    pick_value(state, rules, count, SL_FW_DIM_SRC6, data + 8);
    pick_value(state, rules, count, SL_FW_DIM_DST6, data + 24);
    uint32_t shape = below(state, 6);
    if (shape == 0) { /* destination options in front */
        data[6] = 60;
        data[40] = proto;
        off = 48;
    } else if (shape == 1) { /* fragment header: whole, first or later */
        data[6] = 44;
        data[40] = proto;
        sl_be16_put(data + 42, (uint16_t)(below(state, 2) * 64 + below(state, 2)));
        off = 48;
    }
    put_l4(state, rules, count, proto, data + off);
    sl_be16_put(data + 4, (uint16_t)(off + 24 - 40));
    return off + 24;
}

static uint32_t put_ip4(uint64_t *state, const struct ref_rule *rules, uint32_t count,
                        uint8_t proto, uint8_t *data)
{
    data[0] = 0x45;
    data[9] = proto;
    if (below(state, 6) == 0) {
        sl_be16_put(data + 6, (uint16_t)(below(state, 2) * 0x2000 + below(state, 2) * 8));
    }
    pick_value(state, rules, count, SL_FW_DIM_SRC4, data + 12);
    pick_value(state, rules, count, SL_FW_DIM_DST4, data + 16);
    put_l4(state, rules, count, proto, data + 20);
    sl_be16_put(data + 2, 44);
    return 44;
}

void ref_packet_random(uint64_t *state, const struct ref_rule *rules, uint32_t count, uint8_t *data,
                       uint32_t room, struct sl_packet *ret_packet)
{
    static const uint8_t protos[] = {1, 6, 17, 58, 132, 47, 6, 17};
    memset(data, 0, room < 128 ? room : 128);
    uint8_t proto = protos[below(state, sizeof(protos))];
    *ret_packet = (struct sl_packet){.data = data, .room = room};
    ret_packet->port_in = (uint8_t)below(state, 2);
    ret_packet->size = below(state, 2) ? put_ip4(state, rules, count, proto, data)
                                       : put_ip6(state, rules, count, proto, data);
}

/* One line "@a.b.c.d/len a.b.c.d/len lo : hi lo : hi proto/mask ..." */
static bool read_line(const char *line, struct ref_rule *rule)
{
    unsigned a[4], b[4], alen, blen, slo, shi, dlo, dhi, proto, mask;
    if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &a[0], &a[1], &a[2],
               &a[3], &alen, &b[0], &b[1], &b[2], &b[3], &blen, &slo, &shi, &dlo, &dhi, &proto,
               &mask) != 16) {
        return false;
    }
    unsigned *addr[2] = {a, b};
    unsigned len[2] = {alen, blen};
    for (uint32_t d = SL_FW_DIM_SRC4; d <= SL_FW_DIM_DST4; d++) {
        uint32_t value = addr[d][0] << 24 | addr[d][1] << 16 | addr[d][2] << 8 | addr[d][3];
        uint32_t host = len[d] == 0 ? 0xffffffff : (uint32_t)(((uint64_t)1 << (32 - len[d])) - 1);
        rule->count[d] = len[d] != 0;
        sl_be32_put(rule->intervals[d][0].lo, value & ~host);
        sl_be32_put(rule->intervals[d][0].hi, value | host);
    }
    rule->count[SL_FW_DIM_SPORT] = slo != 0 || shi != 65535;
    sl_be16_put(rule->intervals[SL_FW_DIM_SPORT][0].lo, (uint16_t)slo);
    sl_be16_put(rule->intervals[SL_FW_DIM_SPORT][0].hi, (uint16_t)shi);
    rule->count[SL_FW_DIM_DPORT] = dlo != 0 || dhi != 65535;
    sl_be16_put(rule->intervals[SL_FW_DIM_DPORT][0].lo, (uint16_t)dlo);
    sl_be16_put(rule->intervals[SL_FW_DIM_DPORT][0].hi, (uint16_t)dhi);
    rule->count[SL_FW_DIM_PROTO] = mask != 0;
    rule->intervals[SL_FW_DIM_PROTO][0].lo[0] = (uint8_t)proto;
    rule->intervals[SL_FW_DIM_PROTO][0].hi[0] = (uint8_t)proto;
    return true;
}

uint32_t ref_classbench_read(const char *path, struct ref_rule *ret_rules, uint32_t max)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    char line[512];
    uint32_t count = 0;
    while (count < max && fgets(line, sizeof(line), file) != NULL) {
        struct ref_rule rule = {.families = SL_FW_IP4};
        rule.action = count % 2 == 0 ? SL_FW_ACCEPT : SL_FW_DROP;
        if (read_line(line, &rule)) {
            ret_rules[count++] = rule;
        }
    }
    (void)fclose(file);
    return count;
}
