/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the parts of an inner packet. */
#include "net/ip.h"

#include <string.h>

#include "base/bytes.h"
#include "safelib/checksum.h"

enum {
    EXT_HOP = 0,
    EXT_ROUTING = 43,
    EXT_FRAGMENT = 44,
    EXT_DESTINATION = 60,
    EXT_MAX = 8,
    IP4_DF = 0x4000,
    IP4_MF_OFFSET = 0x3fff,
};

static sl_rc parse4(const uint8_t *packet, uint32_t size, struct sl_ip *ip)
{
    if (size < SL_IP4_HEADER) {
        return SL_TRUNCATED;
    }
    uint32_t header = (uint32_t)(packet[0] & 0x0f) * 4;
    uint32_t total = sl_be16_get(packet + 2);
    if (header < SL_IP4_HEADER || total < header) {
        return SL_MALFORMED;
    }
    if (total > size) {
        return SL_TRUNCATED;
    }
    uint16_t frag = sl_be16_get(packet + 6);
    *ip = (struct sl_ip){
        .version = 4,
        .proto = packet[9],
        .l4_off = (uint16_t)header,
        .size = total,
        .addr_off = 12,
        .addr_size = 4,
        .is_plain = header == SL_IP4_HEADER,
        .is_df = (frag & IP4_DF) != 0,
        .is_fragment = (frag & IP4_MF_OFFSET) != 0,
    };
    return SL_OK;
}

static sl_rc parse6(const uint8_t *packet, uint32_t size, struct sl_ip *ip)
{
    if (size < SL_IP6_HEADER) {
        return SL_TRUNCATED;
    }
    uint32_t total = SL_IP6_HEADER + (uint32_t)sl_be16_get(packet + 4);
    if (total > size) {
        return SL_TRUNCATED;
    }
    uint8_t next = packet[6];
    uint32_t off = SL_IP6_HEADER;
    bool is_fragment = false;
    for (int i = 0; i < EXT_MAX && (next == EXT_HOP || next == EXT_ROUTING ||
                                    next == EXT_FRAGMENT || next == EXT_DESTINATION);
         i++) {
        if (off + 8 > total) {
            return SL_MALFORMED;
        }
        bool is_frag_header = next == EXT_FRAGMENT;
        uint32_t ext = is_frag_header ? 8 : ((uint32_t)packet[off + 1] + 1) * 8;
        is_fragment = is_fragment || is_frag_header;
        next = packet[off];
        off += ext;
        if (off > total) {
            return SL_MALFORMED;
        }
    }
    *ip = (struct sl_ip){
        .version = 6,
        .proto = next,
        .l4_off = (uint16_t)off,
        .size = total,
        .addr_off = 8,
        .addr_size = 16,
        .is_plain = off == SL_IP6_HEADER,
        .is_df = true,
        .is_fragment = is_fragment,
    };
    return SL_OK;
}

sl_rc sl_ip_parse(const uint8_t *packet, uint32_t size, struct sl_ip *ret_ip)
{
    if (size == 0) {
        return SL_TRUNCATED;
    }
    switch (packet[0] >> 4) {
    case 4:
        return parse4(packet, size, ret_ip);
    case 6:
        return parse6(packet, size, ret_ip);
    default:
        return SL_MALFORMED;
    }
}

uint32_t sl_ip_tcp_header(const uint8_t *packet, const struct sl_ip *ip)
{
    uint32_t left = ip->size - ip->l4_off;
    if (ip->proto != SL_IP_PROTO_TCP || ip->is_fragment || left < SL_TCP_HEADER) {
        return 0;
    }
    uint32_t header = (uint32_t)(packet[ip->l4_off + 12] >> 4) * 4;
    return header < SL_TCP_HEADER || header > left ? 0 : header;
}

uint32_t sl_ip_flow_hash(const uint8_t *packet, const struct sl_ip *ip)
{
    uint64_t hash = ip->proto;
    for (uint32_t i = 0; i < ip->addr_size; i += 4) {
        /* xor of both ends: the same for both directions */
        uint32_t a = sl_be32_get(packet + ip->addr_off + i);
        uint32_t b = sl_be32_get(packet + ip->addr_off + ip->addr_size + i);
        hash = (hash ^ (a ^ b)) * 0x9e3779b97f4a7c15ull;
        hash += (uint64_t)a + b;
    }
    bool has_ports = ip->proto == SL_IP_PROTO_TCP || ip->proto == SL_IP_PROTO_UDP;
    if (has_ports && !ip->is_fragment && ip->size - ip->l4_off >= 4) {
        uint32_t a = sl_be16_get(packet + ip->l4_off);
        uint32_t b = sl_be16_get(packet + ip->l4_off + 2);
        hash = (hash ^ (((a ^ b) << 17) + a + b)) * 0x9e3779b97f4a7c15ull;
    }
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9ull;
    return (uint32_t)(hash >> 32);
}

void sl_ip4_checksum_set(uint8_t *packet, uint32_t header_size)
{
    sl_be16_put(packet + 10, 0);
    sl_be16_put(packet + 10, sl_checksum_fold(sl_checksum_add(0, packet, header_size)));
}
