/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 to IPv4: header, upper layer, and what ICMP errors quote. */
#include "nat/rewrite.h"

#include "safelib/bytes.h"
#include "safelib/checksum.h"

void nat_rewrite_l4(uint8_t *l4, uint32_t size, uint8_t proto, bool is_source, uint16_t port,
                    uint64_t delta)
{
    bool is_icmp = proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMP6;
    uint32_t check_off = is_icmp ? 2 : sl_checksum_off(proto);
    if (check_off == 0) {
        return;
    }
    uint32_t port_off = is_icmp ? 4 : is_source ? 0 : 2;
    if (proto == NAT_PROTO_ICMP) {
        delta = 0; /* RFC 792: no pseudo-header */
    }
    if (port_off + 2 <= size) {
        uint8_t bytes[2];
        sl_be16_put(bytes, port);
        sl_checksum_replace(&delta, l4 + port_off, bytes, sizeof(bytes));
    }
    if (check_off + 2 > size) {
        return;
    }
    if (proto == NAT_PROTO_UDP) {
        sl_checksum_change_udp(l4 + check_off, delta);
    } else {
        sl_checksum_change(l4 + check_off, delta);
    }
}

/* Writes an address into an IPv4 header; returns what it changed. */
static uint64_t rewrite_addr(uint8_t *ip, bool is_source, const struct nat_end *end)
{
    uint64_t delta = 0;
    sl_checksum_replace(&delta, ip + (is_source ? 12 : 16), end->addr.b + 12, 4);
    sl_checksum_change(ip + 10, delta);
    return delta;
}

void nat_rewrite4(struct sl_packet *packet, bool is_source, const struct nat_end *end)
{
    uint64_t delta = rewrite_addr(packet->data, is_source, end);
    if ((packet->has & SL_PKT_HAS_PORTS) != 0) {
        uint16_t *field = is_source ? &packet->sport : &packet->dport;
        /* a 1:1 host's SCTP keeps its ports: CRC32c covers them (RFC 9260 6.8) */
        *field = sl_checksum_off(packet->proto) != 0 ? end->port : *field;
    }
    if ((packet->has & SL_PKT_LATER_FRAGMENT) != 0 && (packet->has & SL_PKT_HAS_ICMP) != 0) {
        packet->sport = packet->dport = end->port; /* the identifier, which only the first has */
    }
    if ((packet->has & SL_PKT_LATER_FRAGMENT) == 0) {
        nat_rewrite_l4(packet->data + packet->l4_off, packet->size - packet->l4_off, packet->proto,
                       is_source, end->port, delta);
    }
}

sl_rc nat_rewrite4_error(struct sl_packet *packet, bool is_inbound, const struct nat_end *end)
{
    uint8_t *icmp = packet->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    if (size < NAT_ICMP_SIZE + NAT_IP4_SIZE) {
        return SL_TRUNCATED;
    }
    uint8_t *inner = icmp + NAT_ICMP_SIZE;
    uint32_t left = size - NAT_ICMP_SIZE;
    uint32_t header = (uint32_t)(inner[0] & 0xf) * 4;
    if (header < NAT_IP4_SIZE || left < header + 8) {
        return SL_TRUNCATED;
    }
    if (sl_checksum_fold(sl_checksum_add(0, icmp, size)) != 0 ||
        sl_checksum_fold(sl_checksum_add(0, inner, header)) != 0) {
        return SL_MISMATCH;
    }
    uint64_t delta = rewrite_addr(inner, is_inbound, end);
    nat_rewrite_l4(inner + header, left - header, inner[9], is_inbound, end->port, delta);
    sl_be16_put(icmp + 2, 0);
    sl_be16_put(icmp + 2, sl_checksum_fold(sl_checksum_add(0, icmp, size)));
    (void)rewrite_addr(packet->data, !is_inbound, end);
    return SL_OK;
}

bool nat_take_hop4(struct sl_packet *packet)
{
    if (packet->data[8] <= 1) {
        return false;
    }
    const uint8_t less[2] = {(uint8_t)(packet->data[8] - 1), packet->data[9]};
    uint64_t delta = 0;
    sl_checksum_replace(&delta, packet->data + 8, less, sizeof(less));
    sl_checksum_change(packet->data + 10, delta);
    return true;
}
