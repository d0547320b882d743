/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Addresses and ports rewritten in place, checksums with them, and the packet's parsed fields kept
 * true. IPv4 to IPv4 here, between the families in translate.h.
 */
#ifndef SL_NF_NAT_REWRITE_H
#define SL_NF_NAT_REWRITE_H

#include "nat/policy.h"

enum {
    NAT_PROTO_ICMP = 1,
    NAT_PROTO_TCP = 6,
    NAT_PROTO_UDP = 17,
    NAT_PROTO_DCCP = 33,
    NAT_PROTO_ICMP6 = 58,
    NAT_PROTO_UDPLITE = 136,
    NAT_IP4_SIZE = 20,
    NAT_IP6_SIZE = 40,
    NAT_ICMP_SIZE = 8,
};

/** One end of a packet, as it shall be. */
struct nat_end {
    struct nat_addr addr;
    uint16_t port; /* or query identifier */
};

/** Writes an IPv4 packet's source (or destination). Query identifiers and ports only in what has an
 * upper-layer header; a UDP checksum of 0 stays 0. */
void nat_rewrite4(struct sl_packet *packet, bool is_source, const struct nat_end *end);

/** An ICMP error about a packet of a session: rewrites the packet inside and the addresses outside.
 * @param is_inbound  the error goes inside: @p end becomes the quoted packet's source and the
 *                    error's destination; else: the quoted destination, and the error's source
 * @retval SL_OK
 * @retval SL_MISMATCH   RFC 5508 REQ-3: checksum of the error, or of the quoted header, is wrong
 * @retval SL_TRUNCATED  less than a header and 8 bytes is quoted
 * packet unchanged unless SL_OK */
sl_rc nat_rewrite4_error(struct sl_packet *packet, bool is_inbound,
                         const struct nat_end *end) SL_MUST_CHECK;

/** Takes one hop. @return false: none is left, packet unchanged */
bool nat_take_hop4(struct sl_packet *packet);

/** Rewrites ports or identifier and the checksum of an upper-layer header of which @p size bytes
 * are there. @p delta is what the addresses changed (not for ICMP). */
void nat_rewrite_l4(uint8_t *l4, uint32_t size, uint8_t proto, bool is_source, uint16_t port,
                    uint64_t delta);

#endif
