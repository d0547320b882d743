/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and ports rewritten, and IP in IP. */
#include "balancer/rewrite.h"

#include <string.h>

#include "safelib/bytes.h"
#include "safelib/checksum.h"

enum {
    IP4_SIZE = 20,
    IP6_SIZE = 40,
    ICMP_SIZE = 8,
    PROTO_ICMP = 1,
    PROTO_IP4 = 4,
    PROTO_UDP = 17,
    PROTO_IP6 = 41,
    PROTO_ICMP6 = 58,
    TUNNEL_TTL = 64,
};

/* Ports are written where the checksum over them can be put right. */
static bool has_ports(uint8_t proto)
{
    return sl_checksum_off(proto) != 0;
}

/* The upper layer, of which `size` bytes are there. `delta` is what the addresses changed. */
static void rewrite_upper(uint8_t *l4, uint32_t size, uint8_t proto, uint16_t sport, uint16_t dport,
                          uint64_t delta)
{
    const uint16_t ports[2] = {sport, dport};
    for (uint32_t i = 0; i < 2 && has_ports(proto); i++) {
        uint8_t port[2];
        sl_be16_put(port, ports[i]);
        if (size >= i * 2 + 2 && ports[i] != 0) {
            sl_checksum_replace(&delta, l4 + i * 2, port, 2);
        }
    }
    /* ICMP has no pseudo-header */
    uint32_t off = proto == PROTO_ICMP6 ? 2 : sl_checksum_off(proto);
    if (off == 0 || off + 2 > size) {
        return;
    }
    if (proto == PROTO_UDP) {
        sl_checksum_change_udp(l4 + off, delta);
    } else {
        sl_checksum_change(l4 + off, delta);
    }
}

/* The addresses of a header, and its own checksum. @return what they changed */
static uint64_t rewrite_addrs(uint8_t *ip, uint8_t version, const uint8_t *src, const uint8_t *dst)
{
    uint32_t size = version == 4 ? 4 : 16;
    uint8_t *at = ip + (version == 4 ? 12 : 8);
    uint64_t delta = 0;
    if (src != NULL) {
        sl_checksum_replace(&delta, at, src, size);
    }
    if (dst != NULL) {
        sl_checksum_replace(&delta, at + size, dst, size);
    }
    if (version == 4) {
        sl_checksum_change(ip + 10, delta);
    }
    return delta;
}

void lb_rewrite(struct sl_packet *packet, const struct lb_end *src, const struct lb_end *dst)
{
    uint64_t delta = rewrite_addrs(packet->data, packet->ip_version, src->addr, dst->addr);
    if ((packet->has & SL_PKT_LATER_FRAGMENT) == 0) {
        rewrite_upper(packet->data + packet->l4_off, packet->size - packet->l4_off, packet->proto,
                      src->port, dst->port, delta);
    }
    if ((packet->has & SL_PKT_HAS_PORTS) != 0 && has_ports(packet->proto)) {
        packet->sport = src->port != 0 ? src->port : packet->sport;
        packet->dport = dst->port != 0 ? dst->port : packet->dport;
    }
}

/* Where the quoted packet's upper layer begins, and which it is. Extension headers are not walked:
 * then the quoted ports stay, as behind a later fragment. */
static sl_rc quoted_upper(const uint8_t *ip, uint32_t size, uint8_t version, uint32_t *ret_off,
                          uint8_t *ret_proto)
{
    uint32_t header = version == 4 ? (uint32_t)(ip[0] & 15) * 4 : IP6_SIZE;
    if (size < IP4_SIZE || header < IP4_SIZE || size < header + 8) {
        return SL_TRUNCATED;
    }
    if (ip[0] >> 4 != version) {
        return SL_MISMATCH;
    }
    bool is_later = version == 4 && (sl_be16_get(ip + 6) & 0x1fff) != 0;
    *ret_off = header;
    *ret_proto = is_later ? 0 : ip[version == 4 ? 9 : 6];
    return SL_OK;
}

static uint16_t icmp_sum(const struct sl_packet *packet)
{
    const uint8_t *icmp = packet->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    uint64_t sum = packet->ip_version == 4
                       ? 0
                       : sl_checksum_pseudo(packet->src, packet->dst, 16, PROTO_ICMP6, size);
    return sl_checksum_fold(sl_checksum_add(sum, icmp, size));
}

sl_rc lb_rewrite_error(struct sl_packet *packet, const struct lb_end *src, const struct lb_end *dst,
                       const struct lb_end *quoted_src, const struct lb_end *quoted_dst)
{
    uint8_t *icmp = packet->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    uint32_t off;
    uint8_t proto;
    if (size < ICMP_SIZE) {
        return SL_TRUNCATED;
    }
    uint8_t *quoted = icmp + ICMP_SIZE;
    sl_rc rc = quoted_upper(quoted, size - ICMP_SIZE, packet->ip_version, &off, &proto);
    if (rc != SL_OK) {
        return rc;
    }
    if (icmp_sum(packet) != 0) {
        return SL_MISMATCH;
    }
    uint64_t delta = rewrite_addrs(quoted, packet->ip_version, quoted_src->addr, quoted_dst->addr);
    rewrite_upper(quoted + off, size - ICMP_SIZE - off, proto, quoted_src->port, quoted_dst->port,
                  delta);
    (void)rewrite_addrs(packet->data, packet->ip_version, src->addr, dst->addr);
    sl_be16_put(icmp + 2, 0);
    sl_be16_put(icmp + 2, icmp_sum(packet));
    return SL_OK;
}

uint32_t lb_encapsulation_size(uint8_t version)
{
    return version == 4 ? IP4_SIZE : IP6_SIZE;
}

static void put_outer4(uint8_t *out, const struct sl_packet *packet, const struct lb_addr *src,
                       const struct lb_addr *dst, uint8_t traffic_class, bool is_whole, uint16_t id)
{
    memset(out, 0, IP4_SIZE);
    out[0] = 0x45;
    out[1] = traffic_class;
    sl_be16_put(out + 2, (uint16_t)(packet->size + IP4_SIZE));
    sl_be16_put(out + 4, is_whole ? 0 : id); /* RFC 6864 4.1 */
    sl_be16_put(out + 6, is_whole ? 0x4000 : 0);
    out[8] = TUNNEL_TTL;
    out[9] = packet->ip_version == 4 ? PROTO_IP4 : PROTO_IP6;
    memcpy(out + 12, src->bytes, 4);
    memcpy(out + 16, dst->bytes, 4);
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, IP4_SIZE)));
}

static void put_outer6(uint8_t *out, const struct sl_packet *packet, const struct lb_addr *src,
                       const struct lb_addr *dst, uint8_t traffic_class)
{
    memset(out, 0, IP6_SIZE);
    sl_be16_put(out, (uint16_t)(0x6000 | traffic_class << 4));
    sl_be16_put(out + 4, (uint16_t)packet->size);
    out[6] = packet->ip_version == 4 ? PROTO_IP4 : PROTO_IP6;
    out[7] = TUNNEL_TTL;
    memcpy(out + 8, src->bytes, 16);
    memcpy(out + 24, dst->bytes, 16);
}

sl_rc lb_encapsulate(struct sl_packet *packet, const struct lb_addr *src, const struct lb_addr *dst,
                     uint32_t mtu, uint16_t id)
{
    uint32_t more = lb_encapsulation_size(dst->version);
    bool is_v4 = packet->ip_version == 4;
    /* RFC 2003 3.1: "if the 'Don't Fragment' bit is set in the inner IP header, it MUST be set in
     * the outer"; IPv6 is never fragmented on its way */
    bool is_whole = !is_v4 || (packet->data[6] & 0x40) != 0;
    uint8_t traffic_class =
        is_v4 ? packet->data[1] : (uint8_t)(sl_be16_get(packet->data) >> 4 & 0xff);
    if (mtu != 0 && packet->size + more > mtu && (is_whole || dst->version == 6)) {
        return SL_RANGE;
    }
    if (packet->size + more > packet->room || packet->size + more > UINT16_MAX) {
        return SL_NO_SPACE;
    }
    memmove(packet->data + more, packet->data, packet->size);
    if (dst->version == 4) {
        put_outer4(packet->data, packet, src, dst, traffic_class, is_whole, id);
    } else {
        put_outer6(packet->data, packet, src, dst, traffic_class);
    }
    packet->size += more;
    uint16_t own = packet->has & SL_PKT_RUNTIME;
    sl_rc rc = sl_packet_parse(packet);
    packet->has |= own;
    return rc;
}
