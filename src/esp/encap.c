/* SPDX-License-Identifier: Apache-2.0 */
/* Outer headers, UDP encapsulation, and what a tunnel does to DSCP, ECN and DF. */
#include "esp/encap.h"

#include <string.h>

#include "base/bytes.h"
#include "esp/esp.h"
#include "safelib/checksum.h"

enum {
    IPV4_SIZE = 20,
    IPV6_SIZE = 40,
    UDP_SIZE = 8,
    PROTO_UDP = 17,
    PROTO_ESP = 50,
    PROTO_HOP_BY_HOP = 0,
    PROTO_DEST_OPTIONS = 60,
    IPV6_OPTION_HEADERS_MAX = 4,
    IPV4_DF = 0x4000,
    IPV4_FRAGMENT = 0x3fff, /* more fragments, or an offset */
    ECN_NOT_ECT = 0,
    ECN_ECT1 = 1,
    ECN_ECT0 = 2,
    ECN_CE = 3,
    ECN_DROP = 0xff,
};

enum sl_udp_payload sl_udp_payload_classify(const uint8_t *data, uint32_t size)
{
    if (size == 1 && data[0] == 0xff) {
        return SL_UDP_PAYLOAD_KEEPALIVE;
    }
    if (size < SL_ESP_HEADER_SIZE) {
        return SL_UDP_PAYLOAD_INVALID;
    }
    return sl_be32_get(data) == 0 ? SL_UDP_PAYLOAD_IKE : SL_UDP_PAYLOAD_ESP;
}

uint32_t sl_outer_size(const struct sl_outer *outer)
{
    return (outer->ip_version == 4 ? IPV4_SIZE : IPV6_SIZE) +
           (outer->framing == SL_ESP_FRAMING_UDP ? UDP_SIZE : 0u);
}

static void ipv4_write(const struct sl_outer *outer, uint8_t tos, uint16_t id, uint8_t proto,
                       uint16_t total, uint8_t *out)
{
    out[0] = 0x45;
    out[1] = tos;
    sl_be16_put(out + 2, total);
    sl_be16_put(out + 4, id);
    sl_be16_put(out + 6, outer->is_df ? IPV4_DF : 0);
    out[8] = outer->hop_limit;
    out[9] = proto;
    sl_be16_put(out + 10, 0);
    memcpy(out + 12, outer->src, 4);
    memcpy(out + 16, outer->dst, 4);
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, IPV4_SIZE)));
}

static void ipv6_write(const struct sl_outer *outer, uint8_t tos, uint8_t proto,
                       uint16_t payload_size, uint8_t *out)
{
    sl_be32_put(out, 6u << 28 | (uint32_t)tos << 20);
    sl_be16_put(out + 4, payload_size);
    out[6] = proto;
    out[7] = outer->hop_limit;
    memcpy(out + 8, outer->src, 16);
    memcpy(out + 24, outer->dst, 16);
}

sl_rc sl_outer_write(const struct sl_outer *outer, uint8_t tos, uint16_t ipv4_id, uint32_t esp_size,
                     uint8_t *out, uint32_t out_size)
{
    uint32_t header_size = sl_outer_size(outer);
    uint32_t udp_size = outer->framing == SL_ESP_FRAMING_UDP ? UDP_SIZE + esp_size : 0;
    uint32_t limit = outer->ip_version == 4 ? UINT16_MAX : UINT16_MAX + (uint32_t)IPV6_SIZE;
    if (esp_size > UINT16_MAX || header_size + esp_size > limit) {
        return SL_RANGE;
    }
    if (out_size < header_size) {
        return SL_NO_SPACE;
    }
    uint8_t proto = udp_size != 0 ? PROTO_UDP : PROTO_ESP;
    uint8_t *udp = out + IPV4_SIZE;
    if (outer->ip_version == 4) {
        ipv4_write(outer, tos, ipv4_id, proto, (uint16_t)(header_size + esp_size), out);
    } else {
        ipv6_write(outer, tos, proto, (uint16_t)(header_size - IPV6_SIZE + esp_size), out);
        udp = out + IPV6_SIZE;
    }
    if (udp_size != 0) {
        sl_be16_put(udp, outer->sport);
        sl_be16_put(udp + 2, outer->dport);
        sl_be16_put(udp + 4, (uint16_t)udp_size);
        sl_be16_put(udp + 6, 0); /* RFC 3948 2.1, RFC 6935 5 */
    }
    return SL_OK;
}

/* What the IP header said about the rest of the packet. */
struct ip_rest {
    uint32_t off;
    uint32_t end;
    uint8_t proto;
};

static sl_rc ipv4_parse(const uint8_t *packet, uint32_t size, struct sl_outer *outer, uint8_t *tos,
                        struct ip_rest *rest)
{
    if (size < IPV4_SIZE) {
        return SL_TRUNCATED;
    }
    uint32_t header_size = (packet[0] & 0xfu) * 4;
    uint32_t total = sl_be16_get(packet + 2);
    if (header_size < IPV4_SIZE || total < header_size) {
        return SL_MALFORMED;
    }
    if (total > size) {
        return SL_TRUNCATED;
    }
    if (sl_checksum_fold(sl_checksum_add(0, packet, header_size)) != 0) {
        return SL_MALFORMED;
    }
    uint16_t fragment = sl_be16_get(packet + 6);
    if ((fragment & IPV4_FRAGMENT) != 0) {
        return SL_UNSUPPORTED;
    }
    outer->ip_version = 4;
    outer->is_df = (fragment & IPV4_DF) != 0;
    outer->hop_limit = packet[8];
    memcpy(outer->src, packet + 12, 4);
    memcpy(outer->dst, packet + 16, 4);
    *tos = packet[1];
    *rest = (struct ip_rest){.off = header_size, .end = total, .proto = packet[9]};
    return SL_OK;
}

static sl_rc ipv6_parse(const uint8_t *packet, uint32_t size, struct sl_outer *outer, uint8_t *tos,
                        struct ip_rest *rest)
{
    if (size < IPV6_SIZE) {
        return SL_TRUNCATED;
    }
    uint32_t end = IPV6_SIZE + sl_be16_get(packet + 4);
    if (end > size) {
        return SL_TRUNCATED;
    }
    uint8_t proto = packet[6];
    uint32_t off = IPV6_SIZE;
    for (int i = 0; i < IPV6_OPTION_HEADERS_MAX; i++) {
        if (proto != PROTO_HOP_BY_HOP && proto != PROTO_DEST_OPTIONS) {
            break;
        }
        if (end - off < 8 || end - off < 8u + 8u * packet[off + 1]) {
            return SL_TRUNCATED;
        }
        proto = packet[off];
        off += 8u + 8u * packet[off + 1];
    }
    outer->ip_version = 6;
    outer->is_df = true; /* RFC 8200 5: routers never fragment */
    outer->hop_limit = packet[7];
    memcpy(outer->src, packet + 8, 16);
    memcpy(outer->dst, packet + 24, 16);
    *tos = (uint8_t)(packet[0] << 4 | packet[1] >> 4);
    *rest = (struct ip_rest){.off = off, .end = end, .proto = proto};
    return SL_OK;
}

/* The UDP checksum is not looked at: RFC 3948 2.1 lets it be anything, and the ICV covers more. */
static sl_rc udp_parse(const uint8_t *packet, struct sl_outer *outer, struct ip_rest *rest)
{
    if (rest->end - rest->off < UDP_SIZE) {
        return SL_TRUNCATED;
    }
    const uint8_t *udp = packet + rest->off;
    uint32_t udp_size = sl_be16_get(udp + 4);
    if (udp_size < UDP_SIZE) {
        return SL_MALFORMED;
    }
    if (udp_size > rest->end - rest->off) {
        return SL_TRUNCATED;
    }
    outer->framing = SL_ESP_FRAMING_UDP;
    outer->sport = sl_be16_get(udp);
    outer->dport = sl_be16_get(udp + 2);
    rest->end = rest->off + udp_size;
    rest->off += UDP_SIZE;
    switch (sl_udp_payload_classify(udp + UDP_SIZE, rest->end - rest->off)) {
    case SL_UDP_PAYLOAD_ESP:
        return SL_OK;
    case SL_UDP_PAYLOAD_KEEPALIVE:
        return SL_AGAIN;
    case SL_UDP_PAYLOAD_IKE:
        return SL_UNSUPPORTED;
    case SL_UDP_PAYLOAD_INVALID:
    default:
        return SL_MALFORMED;
    }
}

sl_rc sl_outer_parse(const uint8_t *packet, uint32_t size, struct sl_outer *ret_outer,
                     uint8_t *ret_tos, uint32_t *ret_esp_off, uint32_t *ret_esp_size)
{
    struct sl_outer outer = {0};
    struct ip_rest rest = {0};
    uint8_t tos = 0;
    if (size == 0) {
        return SL_TRUNCATED;
    }
    sl_rc rc = SL_MALFORMED;
    if (packet[0] >> 4 == 4) {
        rc = ipv4_parse(packet, size, &outer, &tos, &rest);
    } else if (packet[0] >> 4 == 6) {
        rc = ipv6_parse(packet, size, &outer, &tos, &rest);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (rest.proto == PROTO_UDP) {
        rc = udp_parse(packet, &outer, &rest);
    } else if (rest.proto == PROTO_ESP) {
        outer.framing = SL_ESP_FRAMING_NATIVE;
        rc = rest.end - rest.off < SL_ESP_HEADER_SIZE ? SL_TRUNCATED : SL_OK;
    } else {
        rc = SL_UNSUPPORTED;
    }
    if (rc != SL_OK) {
        return rc;
    }
    *ret_outer = outer;
    *ret_tos = tos;
    *ret_esp_off = rest.off;
    *ret_esp_size = rest.end - rest.off;
    return SL_OK;
}

uint8_t sl_tunnel_tos_out(uint8_t inner_tos, bool is_dscp_copied)
{
    /* RFC 6040 4.1, normal mode: ECN is copied, CE included */
    return is_dscp_copied ? inner_tos : (uint8_t)(inner_tos & ECN_CE);
}

uint8_t sl_tunnel_inner_tos(const uint8_t *inner)
{
    return inner[0] >> 4 == 4 ? inner[1] : (uint8_t)(inner[0] << 4 | inner[1] >> 4);
}

bool sl_tunnel_inner_is_df(const uint8_t *inner)
{
    return inner[0] >> 4 == 6 || (sl_be16_get(inner + 6) & IPV4_DF) != 0;
}

sl_rc sl_tunnel_ecn_in(uint8_t outer_ecn, uint8_t *inner, uint32_t inner_size)
{
    /* RFC 6040 figure 4: [inner][outer] -> outgoing */
    static const uint8_t table[4][4] = {
        [ECN_NOT_ECT] = {ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, ECN_DROP},
        [ECN_ECT1] = {ECN_ECT1, ECN_ECT1, ECN_ECT1, ECN_CE},
        [ECN_ECT0] = {ECN_ECT0, ECN_ECT1, ECN_ECT0, ECN_CE},
        [ECN_CE] = {ECN_CE, ECN_CE, ECN_CE, ECN_CE},
    };
    if (inner_size < IPV4_SIZE) {
        return SL_TRUNCATED;
    }
    uint8_t before = sl_tunnel_inner_tos(inner) & ECN_CE;
    uint8_t after = table[before][outer_ecn & ECN_CE];
    if (after == before) {
        return SL_OK;
    }
    if (after == ECN_DROP) {
        return SL_DENIED;
    }
    if (inner[0] >> 4 == 4) {
        uint16_t old = sl_be16_get(inner);
        inner[1] = (uint8_t)((inner[1] & ~ECN_CE) | after);
        sl_be16_put(inner + 10,
                    sl_checksum_update16(sl_be16_get(inner + 10), old, sl_be16_get(inner)));
    } else {
        inner[1] = (uint8_t)((inner[1] & ~(ECN_CE << 4)) | after << 4);
    }
    return SL_OK;
}
