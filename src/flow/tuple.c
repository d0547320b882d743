/* SPDX-License-Identifier: Apache-2.0 */
/* Tuples of packets, also of those that ICMP errors are about; checksums. */
#include "flow/tuple.h"

#include <string.h>

#include "base/bytes.h"
#include "flow/tuple_inline.h"
#include "safelib/checksum.h"

enum {
    IP4_MIN = 20,
    IP6_SIZE = 40,
    ICMP_HEADER = 8,
    ERROR_L4_MIN = 8, /* RFC 792: "the first 64 bits of the original datagram's data" */
    EXTENSION_MAX = 8,
    DCCP = 33,
    SCTP = 132,
    /* RFC 4443, RFC 2710, RFC 3810, RFC 4861 */
    ICMP6_ERROR_END = 128,
    MLD_QUERY = 130,
    MLD_DONE = 132,
    ROUTER_SOLICITATION = 133,
    NEIGHBOUR_ADVERTISEMENT = 136,
    MLD2_REPORT = 143,
    TYPE_NONE = 0xff,
};

static bool has_ports(uint8_t proto)
{
    return proto == SL_FLOW_TCP || proto == SL_FLOW_UDP || proto == SL_FLOW_UDPLITE ||
           proto == SCTP || proto == DCCP;
}

/* The other direction's type of an ICMP query or its answer; TYPE_NONE for others. */
static uint8_t icmp_type_turn(uint8_t proto, uint8_t type)
{
    if (proto == SL_FLOW_ICMP) {
        switch (type) {
        case 0: /* echo */
            return 8;
        case 8:
            return 0;
        case 13: /* timestamp, information, address mask: request odd, reply even */
        case 15:
        case 17:
            return (uint8_t)(type + 1);
        case 14:
        case 16:
        case 18:
            return (uint8_t)(type - 1);
        default:
            return TYPE_NONE;
        }
    }
    switch (type) {
    case 128: /* echo */
        return 129;
    case 129:
        return 128;
    case 139: /* node information */
        return 140;
    case 140:
        return 139;
    default:
        return TYPE_NONE;
    }
}

bool sl_flow_icmp_is_request(uint8_t proto, uint8_t type)
{
    return proto == SL_FLOW_ICMP ? type == 8 || type == 13 || type == 15 || type == 17
                                 : type == 128 || type == 139;
}

bool sl_flow_icmp_is_error(uint8_t proto, uint8_t type)
{
    if (proto == SL_FLOW_ICMP) {
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    }
    return type < ICMP6_ERROR_END;
}

/* Multicast listeners and neighbours: of a link, not of a flow. */
static bool is_of_link(uint8_t proto, uint8_t type)
{
    return proto == SL_FLOW_ICMP6 &&
           ((type >= MLD_QUERY && type <= MLD_DONE) ||
            (type >= ROUTER_SOLICITATION && type <= NEIGHBOUR_ADVERTISEMENT) ||
            type == MLD2_REPORT);
}

struct sl_flow_tuple sl_flow_turn(const struct sl_flow_tuple *tuple)
{
    struct sl_flow_tuple turned = *tuple;
    memcpy(turned.src, tuple->dst, sizeof(turned.src));
    memcpy(turned.dst, tuple->src, sizeof(turned.dst));
    turned.sport = tuple->dport;
    turned.dport = tuple->sport;
    if (tuple->proto == SL_FLOW_ICMP || tuple->proto == SL_FLOW_ICMP6) {
        turned.icmp_type = icmp_type_turn(tuple->proto, tuple->icmp_type);
    }
    return turned;
}

/* What lies at `l4`, `size` bytes of it. */
static sl_rc fill_l4(struct sl_flow_tuple *tuple, const uint8_t *l4, uint32_t size)
{
    if (has_ports(tuple->proto)) {
        if (size < 4) {
            return SL_TRUNCATED;
        }
        tuple->sport = sl_be16_get(l4);
        tuple->dport = sl_be16_get(l4 + 2);
    } else if (tuple->proto == SL_FLOW_ICMP || tuple->proto == SL_FLOW_ICMP6) {
        if (size < ICMP_HEADER) {
            return SL_TRUNCATED;
        }
        if (icmp_type_turn(tuple->proto, l4[0]) == TYPE_NONE) {
            return SL_MALFORMED; /* an error about an error, or no query */
        }
        tuple->icmp_type = l4[0];
        tuple->sport = sl_be16_get(l4 + 4);
        tuple->dport = tuple->sport;
    }
    return SL_OK;
}

static sl_rc inner_ip4(const uint8_t *data, uint32_t size, struct sl_flow_tuple *tuple)
{
    if (size < IP4_MIN) {
        return SL_TRUNCATED;
    }
    uint32_t header = (uint32_t)(data[0] & 0xf) * 4;
    if (data[0] >> 4 != 4 || header < IP4_MIN) {
        return SL_MALFORMED;
    }
    if ((sl_be16_get(data + 6) & 0x1fff) != 0) {
        return SL_MALFORMED; /* no ports in a later fragment */
    }
    if (size < header + ERROR_L4_MIN) {
        return SL_TRUNCATED;
    }
    tuple->ip_version = 4;
    tuple->proto = data[9];
    memcpy(tuple->src, data + 12, 4);
    memcpy(tuple->dst, data + 16, 4);
    return fill_l4(tuple, data + header, size - header);
}

static bool is_extension(uint8_t next)
{
    return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

static sl_rc inner_ip6(const uint8_t *data, uint32_t size, struct sl_flow_tuple *tuple)
{
    if (size < IP6_SIZE) {
        return SL_TRUNCATED;
    }
    if (data[0] >> 4 != 6) {
        return SL_MALFORMED;
    }
    uint8_t next = data[6];
    uint32_t off = IP6_SIZE;
    for (uint32_t count = 0; is_extension(next); count++) {
        if (count == EXTENSION_MAX) {
            return SL_MALFORMED;
        }
        if (size - off < 8) {
            return SL_TRUNCATED;
        }
        uint32_t length = next == 44   ? 8
                          : next == 51 ? (uint32_t)(data[off + 1] + 2) * 4
                                       : (uint32_t)(data[off + 1] + 1) * 8;
        if (next == 44 && (sl_be16_get(data + off + 2) & 0xfff8) != 0) {
            return SL_MALFORMED;
        }
        if (length > size - off) {
            return SL_TRUNCATED;
        }
        next = data[off];
        off += length;
    }
    if (size - off < ERROR_L4_MIN) {
        return SL_TRUNCATED;
    }
    tuple->ip_version = 6;
    tuple->proto = next;
    memcpy(tuple->src, data + 8, 16);
    memcpy(tuple->dst, data + 24, 16);
    return fill_l4(tuple, data + off, size - off);
}

/* The flow that an ICMP error is about. */
static sl_rc tuple_of_error(const struct sl_packet *packet, struct sl_flow_tuple *ret_tuple)
{
    struct sl_flow_tuple tuple = {0};
    uint32_t off = packet->l4_off + (uint32_t)ICMP_HEADER;
    if (packet->size < off) {
        return SL_TRUNCATED;
    }
    const uint8_t *inner = packet->data + off;
    uint32_t size = packet->size - off;
    sl_rc rc = packet->proto == SL_FLOW_ICMP ? inner_ip4(inner, size, &tuple)
                                             : inner_ip6(inner, size, &tuple);
    if (rc != SL_OK) {
        return rc;
    }
    /* an error goes to whom sent what it is about; anything else was made up */
    if (memcmp(packet->dst, tuple.src, tuple.ip_version == 4 ? 4 : 16) != 0) {
        return SL_MALFORMED;
    }
    *ret_tuple = sl_flow_turn(&tuple);
    return SL_OK;
}

/* An ICMP message that is no error: of a link, a query, or its answer. */
static sl_rc tuple_of_query(const struct sl_packet *packet, struct sl_flow_tuple *tuple)
{
    if ((packet->has & SL_PKT_HAS_ICMP) != 0 && is_of_link(packet->proto, packet->icmp_type)) {
        return SL_UNSUPPORTED;
    }
    const uint16_t later = SL_PKT_LATER_FRAGMENT | SL_FLOW_PKT_WHOLE | SL_PKT_HAS_ICMP;
    if ((packet->has & later) == later &&
        icmp_type_turn(packet->proto, packet->icmp_type) != TYPE_NONE) {
        tuple->icmp_type = packet->icmp_type;
        tuple->sport = packet->sport;
        tuple->dport = packet->sport;
        return SL_OK;
    }
    if (packet->l4_off + (uint32_t)ICMP_HEADER > packet->size) {
        return SL_TRUNCATED;
    }
    return fill_l4(tuple, packet->data + packet->l4_off, packet->size - packet->l4_off);
}

sl_rc sl_flow_tuple_of(const struct sl_packet *packet, struct sl_flow_tuple *ret_tuple,
                       bool *ret_is_error)
{
    struct sl_flow_tuple *tuple = ret_tuple;
    uint32_t addr_size = packet->ip_version == 4 ? 4 : 16;
    *ret_is_error = false;
    *tuple = (struct sl_flow_tuple){.proto = packet->proto, .ip_version = packet->ip_version};
    memcpy(tuple->src, packet->src, addr_size);
    memcpy(tuple->dst, packet->dst, addr_size);
    if ((packet->has & SL_PKT_HAS_PORTS) != 0) {
        tuple->sport = packet->sport;
        tuple->dport = packet->dport;
        return SL_OK;
    }
    if (packet->proto == (packet->ip_version == 4 ? SL_FLOW_ICMP : SL_FLOW_ICMP6)) {
        if ((packet->has & SL_PKT_HAS_ICMP) != 0 &&
            sl_flow_icmp_is_error(packet->proto, packet->icmp_type)) {
            *ret_is_error = true;
            return tuple_of_error(packet, tuple);
        }
        return tuple_of_query(packet, tuple);
    }
    return has_ports(packet->proto) ? SL_MALFORMED /* a later fragment that nobody reassembled */
                                    : SL_OK;
}

/* ---- hash ---- */

/* The same for both directions of an ICMP query. */
static uint8_t request_type(const struct sl_flow_tuple *tuple)
{
    uint8_t type = tuple->icmp_type;
    if ((tuple->proto == SL_FLOW_ICMP || tuple->proto == SL_FLOW_ICMP6) &&
        !sl_flow_icmp_is_request(tuple->proto, type)) {
        type = icmp_type_turn(tuple->proto, type);
    }
    return type;
}

SL_FLOW_USES_AES uint64_t sl_flow_tuple_hash(const struct sl_flow_hash_key *key,
                                             const struct sl_flow_tuple *tuple)
{
    uint8_t type = request_type(tuple);
    if (tuple->ip_version == 4) {
        const struct sl_flow_key4 own =
            key4_make(tuple->src, tuple->sport, tuple->dst, tuple->dport, tuple->proto);
        return key4_hash(key, &own, type);
    }
    uint64_t upper = (uint64_t)tuple->proto << 48 | (uint64_t)type << 56;
    int order = memcmp(tuple->src, tuple->dst, sizeof(tuple->src));
    bool is_turned = order > 0 || (order == 0 && tuple->sport > tuple->dport);
    const uint8_t *first = is_turned ? tuple->dst : tuple->src;
    const uint8_t *second = is_turned ? tuple->src : tuple->dst;
    uint64_t ports = is_turned ? (uint64_t)tuple->dport << 16 | tuple->sport
                               : (uint64_t)tuple->sport << 16 | tuple->dport;
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)first);
    block = _mm_xor_si128(block, round_key(key, 0));
    block = four_rounds(key, block);
    block = _mm_xor_si128(block, _mm_loadu_si128((const __m128i *)(const void *)second));
    block = four_rounds(key, block);
    block = _mm_xor_si128(block, _mm_set_epi64x(6, (long long)(ports | upper)));
    return (uint64_t)_mm_cvtsi128_si64(four_rounds(key, block));
}

/* ---- checksums ---- */

/* Bytes that the checksum covers; 0 where there is none to check, UINT32_MAX where the lengths are
 * wrong already. */
static uint32_t checked_size(const struct sl_packet *packet, const uint8_t *l4, uint32_t size)
{
    uint32_t length;
    switch (packet->proto) {
    case SL_FLOW_TCP:
    case SL_FLOW_ICMP:
    case SL_FLOW_ICMP6:
        return size;
    case SL_FLOW_UDP:
        length = sl_be16_get(l4 + 4);
        if (length < 8 || length > size) {
            return UINT32_MAX;
        }
        return sl_be16_get(l4 + 6) == 0 ? 0 : length;
    default:
        return 0;
    }
}

static bool is_sum_good(const struct sl_packet *packet, const uint8_t *l4, uint32_t size)
{
    bool has_pseudo = packet->proto != SL_FLOW_ICMP;
    size_t addr_size = packet->ip_version == 4 ? 4 : 16;
    if (size > SL_FLOW_CHECKED_SHORT) {
        uint64_t sum = has_pseudo ? sl_checksum_pseudo(packet->src, packet->dst, addr_size,
                                                       packet->proto, size)
                                  : 0;
        return sl_checksum_fold(sl_checksum_add(sum, l4, size)) == 0;
    }
    uint64_t sum = sum_short(l4, size);
    if (has_pseudo) {
        sum = add_around(sum, sum_short(packet->src, (uint32_t)addr_size));
        sum = add_around(sum, sum_short(packet->dst, (uint32_t)addr_size));
        sum = add_around(sum, __builtin_bswap16(packet->proto));
        sum = add_around(sum, __builtin_bswap16((uint16_t)size));
    }
    return sl_checksum_fold(sum) == 0;
}

bool sl_flow_checksum_is_good(struct sl_packet *packet)
{
    const uint16_t needed = SL_PKT_HAS_PORTS | SL_PKT_HAS_ICMP;
    if ((packet->has & SL_FLOW_PKT_CHECKED) != 0) {
        return (packet->has & SL_FLOW_PKT_BAD_CHECKSUM) == 0;
    }
    packet->has |= SL_FLOW_PKT_CHECKED;
    if ((packet->has & SL_PKT_FRAGMENT) != 0 || (packet->has & needed) == 0) {
        return true; /* what reassembles looks at the whole */
    }
    const uint8_t *l4 = packet->data + packet->l4_off;
    uint32_t size = checked_size(packet, l4, packet->size - packet->l4_off);
    bool is_good = size == 0 || (size != UINT32_MAX && is_sum_good(packet, l4, size));
    if (!is_good) {
        packet->has |= SL_FLOW_PKT_BAD_CHECKSUM;
    }
    return is_good;
}
