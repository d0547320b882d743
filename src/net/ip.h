/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the edge needs to know about an inner IP packet: where its parts are, whether it may be
 * fragmented, and a hash that is the same for both directions of a flow. Pure functions over
 * hostile bytes.
 */
#ifndef SL_NET_IP_H
#define SL_NET_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "safelib/packet.h"
#include "safelib/rc.h"

enum {
    SL_IP_PROTO_ICMP = 1,
    SL_IP_PROTO_TCP = 6,
    SL_IP_PROTO_UDP = 17,
    SL_IP_PROTO_ICMP6 = 58,
    SL_IP4_HEADER = 20,
    SL_IP6_HEADER = 40,
    SL_TCP_HEADER = 20,
    SL_UDP_HEADER = 8,
    SL_IP6_MTU_MIN = 1280, /**< RFC 8200 5 */
};

struct sl_ip {
    uint8_t version;   /**< 4 or 6 */
    uint8_t proto;     /**< upper-layer protocol after IPv6 extension headers */
    uint16_t l4_off;   /**< offset of the upper-layer header */
    uint32_t size;     /**< by the IP header, at most what was given */
    uint8_t addr_off;  /**< offset of the source address; the destination follows it */
    uint8_t addr_size; /**< 4 or 16 */
    bool is_plain;     /**< no IPv4 options, no IPv6 extension headers */
    bool is_df;        /**< may not be fragmented on the way: IPv4 DF, and every IPv6 packet */
    bool is_fragment;  /**< part of a fragmented datagram: ports must not be looked for */
};

/** @param size bytes there; trailing bytes beyond the IP header's length are ignored
 * @retval SL_OK, SL_TRUNCATED (header or length past @p size), SL_MALFORMED (version, lengths) */
sl_rc sl_ip_parse(const uint8_t *packet, uint32_t size, struct sl_ip *ret_ip) SL_MUST_CHECK;

/** Bytes of the TCP header, or 0 where it is not whole or its data offset is below 5. */
uint32_t sl_ip_tcp_header(const uint8_t *packet, const struct sl_ip *ip);

/** The same for a packet and its answer: addresses, protocol, and ports where there are any. */
uint32_t sl_ip_flow_hash(const uint8_t *packet, const struct sl_ip *ip);

/** Writes the IPv4 header checksum. */
void sl_ip4_checksum_set(uint8_t *packet, uint32_t header_size);

#endif
