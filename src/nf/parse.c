/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the headers of one inner packet apart: IPv4, IPv6 with extensions, fragments, ports. */
#include "base/bytes.h"
#include "safelib/packet.h"

enum {
    IP4_HEADER_MIN = 20,
    IP6_HEADER_SIZE = 40,
    DATAGRAM_MAX = 65535,
    /* no real packet has more; RFC 9288 3.1: a filter may have to limit how deep it looks */
    EXTENSION_MAX = 8,

    PROTO_HOP_BY_HOP = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_DCCP = 33,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_AH = 51,
    PROTO_ICMP6 = 58,
    PROTO_DEST_OPTIONS = 60,
    PROTO_SCTP = 132,
    PROTO_UDPLITE = 136,
};

/* Smallest upper-layer header; a packet that claims the protocol and is shorter is refused. */
static uint32_t l4_header_min(uint8_t proto)
{
    switch (proto) {
    case PROTO_TCP:
        return 20;
    case PROTO_UDP:
    case PROTO_UDPLITE:
    case PROTO_ICMP:
        return 8;
    case PROTO_SCTP:
    case PROTO_DCCP:
        return 12;
    case PROTO_ICMP6:
        return 4;
    default:
        return 0;
    }
}

static sl_rc parse_l4(struct sl_packet *packet, uint32_t off)
{
    const uint8_t *l4 = packet->data + off;
    uint32_t left = packet->size - off;
    /* a first fragment without the whole header is the tiny fragment attack of RFC 1858 3 */
    if (left < l4_header_min(packet->proto)) {
        return SL_TRUNCATED;
    }
    packet->l4_off = (uint16_t)off;
    switch (packet->proto) {
    case PROTO_TCP: {
        uint32_t header = (uint32_t)(l4[12] >> 4) * 4;
        if (header < 20) {
            return SL_MALFORMED;
        }
        if (header > left) {
            return SL_TRUNCATED;
        }
        packet->tcp_flags = l4[13];
        packet->has |= SL_PKT_HAS_TCP;
    }
        __attribute__((fallthrough));
    case PROTO_UDP:
    case PROTO_UDPLITE:
    case PROTO_SCTP:
    case PROTO_DCCP:
        packet->sport = sl_be16_get(l4);
        packet->dport = sl_be16_get(l4 + 2);
        packet->has |= SL_PKT_HAS_PORTS;
        break;
    case PROTO_ICMP:
    case PROTO_ICMP6:
        packet->icmp_type = l4[0];
        packet->icmp_code = l4[1];
        packet->has |= SL_PKT_HAS_ICMP;
        break;
    default:
        break;
    }
    return SL_OK;
}

/* `units` in 8 bytes, `left` bytes of payload: notes the fragment, refuses one past 65535 bytes. */
static sl_rc note_fragment(struct sl_packet *packet, uint32_t units, bool is_more, uint32_t left)
{
    if (units * 8 + left > DATAGRAM_MAX) {
        return SL_MALFORMED;
    }
    if (units != 0 || is_more) {
        packet->has |= SL_PKT_FRAGMENT;
    }
    if (is_more) {
        packet->has |= SL_PKT_MORE_FRAGMENTS;
    }
    if (units != 0) {
        packet->has |= SL_PKT_LATER_FRAGMENT;
    }
    return SL_OK;
}

static sl_rc parse_ip4(struct sl_packet *packet)
{
    const uint8_t *data = packet->data;
    if (packet->size < IP4_HEADER_MIN) {
        return SL_TRUNCATED;
    }
    uint32_t header = (uint32_t)(data[0] & 0xf) * 4;
    uint32_t total = sl_be16_get(data + 2);
    if (header < IP4_HEADER_MIN || total < header) {
        return SL_MALFORMED;
    }
    if (total > packet->size) {
        return SL_TRUNCATED;
    }
    packet->size = total;
    packet->proto = data[9];
    packet->src = data + 12;
    packet->dst = data + 16;
    uint16_t field = sl_be16_get(data + 6);
    sl_rc rc = note_fragment(packet, field & 0x1fff, (field & 0x2000) != 0, total - header);
    if (rc != SL_OK) {
        return rc;
    }
    if (packet->has & SL_PKT_LATER_FRAGMENT) {
        packet->l4_off = (uint16_t)total;
        return SL_OK;
    }
    return parse_l4(packet, header);
}

/* One fragment header at `off`; the caller checked that it is there. */
static sl_rc parse_fragment_header(struct sl_packet *packet, uint32_t off)
{
    if (packet->has & SL_PKT_FRAGMENT_HEADER) {
        return SL_MALFORMED; /* RFC 8200 4.1: "Each extension header should occur at most once" */
    }
    packet->has |= SL_PKT_FRAGMENT_HEADER;
    uint16_t field = sl_be16_get(packet->data + off + 2);
    return note_fragment(packet, field >> 3, (field & 1) != 0, packet->size - off - 8);
}

uint32_t sl_packet_extension_size(uint8_t kind, const uint8_t *at)
{
    switch (kind) {
    case PROTO_HOP_BY_HOP:
    case PROTO_ROUTING:
    case PROTO_DEST_OPTIONS:
        return (uint32_t)(at[1] + 1) * 8;
    case PROTO_AH: /* RFC 4302 2.2: in 4-byte units, minus 2 */
        return (uint32_t)(at[1] + 2) * 4;
    case PROTO_FRAGMENT:
        return 8;
    default:
        return 0;
    }
}

static bool is_extension(uint8_t next)
{
    return next == PROTO_HOP_BY_HOP || next == PROTO_ROUTING || next == PROTO_DEST_OPTIONS ||
           next == PROTO_AH || next == PROTO_FRAGMENT;
}

static sl_rc parse_ip6(struct sl_packet *packet)
{
    const uint8_t *data = packet->data;
    if (packet->size < IP6_HEADER_SIZE) {
        return SL_TRUNCATED;
    }
    uint32_t total = IP6_HEADER_SIZE + (uint32_t)sl_be16_get(data + 4);
    if (total > packet->size) {
        return SL_TRUNCATED;
    }
    if (total > DATAGRAM_MAX) {
        return SL_MALFORMED; /* offsets are 16 bits; far beyond SL_PACKET_MAX anyway */
    }
    packet->size = total;
    packet->src = data + 8;
    packet->dst = data + 24;
    uint8_t next = data[6];
    uint32_t off = IP6_HEADER_SIZE;
    for (uint32_t count = 0; is_extension(next); count++) {
        /* RFC 8200 4.1: hop-by-hop options "restricted to appear immediately after an IPv6 header"
         */
        if (count == EXTENSION_MAX || (next == PROTO_HOP_BY_HOP && count > 0)) {
            return SL_MALFORMED;
        }
        if (total - off < 8) {
            return SL_TRUNCATED;
        }
        uint32_t size = sl_packet_extension_size(next, data + off);
        if (size > total - off) {
            return SL_TRUNCATED;
        }
        if (next == PROTO_FRAGMENT) {
            sl_rc rc = parse_fragment_header(packet, off);
            if (rc != SL_OK) {
                return rc;
            }
        }
        next = data[off];
        off += size;
        if (packet->has & SL_PKT_LATER_FRAGMENT) {
            packet->proto = next;
            packet->l4_off = (uint16_t)total;
            return SL_OK;
        }
    }
    packet->proto = next;
    return parse_l4(packet, off);
}

sl_rc sl_packet_parse(struct sl_packet *packet)
{
    packet->ip_version = 0;
    packet->proto = 0;
    packet->tcp_flags = 0;
    packet->l4_off = 0;
    packet->has = 0;
    packet->sport = 0;
    packet->dport = 0;
    packet->icmp_type = 0;
    packet->icmp_code = 0;
    packet->more = 0;
    packet->src = NULL;
    packet->dst = NULL;
    if (packet->size == 0) {
        return SL_TRUNCATED;
    }
    packet->ip_version = packet->data[0] >> 4;
    switch (packet->ip_version) {
    case 4:
        return parse_ip4(packet);
    case 6:
        return parse_ip6(packet);
    default:
        return SL_MALFORMED;
    }
}
