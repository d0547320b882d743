/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One end of a packet rewritten in place, checksums with it: what a NAT or a balancer does to most
 * packets, in one go.
 */
#ifndef SAFELIB_REWRITE_H
#define SAFELIB_REWRITE_H

#include <string.h>

#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "safelib/packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Gives a TCP or UDP packet over IPv4 that is no fragment another source or destination. A UDP
 * checksum of 0 says "none" (RFC 768) and stays, and none comes about. The packet's parsed fields
 * follow.
 * @param is_source  the source, else the destination
 * @param addr       4 bytes, network order
 * @param port       host order
 * @return false: it is another kind of packet, and unchanged
 * @context packet path */
static inline bool sl_rewrite_end4(struct sl_packet *packet, bool is_source, const uint8_t *addr,
                                   uint16_t port)
{
    enum { TCP = 6, UDP = 17 };
    const uint16_t bits = SL_PKT_HAS_PORTS | SL_PKT_FRAGMENT;
    if (packet->ip_version != 4 || (packet->has & bits) != SL_PKT_HAS_PORTS ||
        (packet->proto != TCP && packet->proto != UDP)) {
        return false;
    }
    uint8_t *at = packet->data + (is_source ? 12 : 16);
    uint8_t *l4 = packet->data + packet->l4_off;
    uint8_t *check = l4 + (packet->proto == TCP ? 16 : 6);
    /* RFC 1624 eqn. 3 on words as they lie there: the byte order does not matter (RFC 1071 2 B) */
    uint32_t addrs[2]; /* before, now */
    uint16_t ports[2];
    uint16_t sums[2];
    memcpy(&addrs[0], at, 4);
    memcpy(&addrs[1], addr, 4);
    memcpy(at, addr, 4);
    uint64_t delta = (uint64_t)(uint32_t)~addrs[0] + addrs[1];
    memcpy(sums, packet->data + 10, 2);
    sums[0] = sl_checksum_fold((uint16_t)~sums[0] + delta);
    memcpy(packet->data + 10, sums, 2);
    l4 += is_source ? 0 : 2;
    memcpy(&ports[0], l4, 2);
    sl_be16_put(l4, port);
    memcpy(&ports[1], l4, 2);
    delta += (uint64_t)(uint16_t)~ports[0] + ports[1];
    memcpy(&sums[1], check, 2);
    if (packet->proto == TCP || sums[1] != 0) {
        sums[1] = sl_checksum_fold((uint16_t)~sums[1] + delta);
        sums[1] = packet->proto == UDP && sums[1] == 0 ? 0xffff : sums[1];
        memcpy(check, &sums[1], 2);
    }
    if (is_source) {
        packet->sport = port;
    } else {
        packet->dport = port;
    }
    return true;
}

#ifdef __cplusplus
}
#endif
#endif
