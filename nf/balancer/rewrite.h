/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Ends of packets rewritten in place, checksums with them, the parsed fields kept true; and IP in
 * IP.
 */
#ifndef SL_NF_BALANCER_REWRITE_H
#define SL_NF_BALANCER_REWRITE_H

#include "balancer/pool.h"

/** One end as it shall be, of the packet's own family. */
struct lb_end {
    const uint8_t *addr; /**< 4 or 16 bytes; NULL: stays */
    uint16_t port;       /**< 0: stays */
};

/** Rewrites source and destination. A later fragment has addresses only; a UDP checksum of 0 stays
 * 0; what has no port or checksum that is known here keeps its upper layer.
 * @context packet path */
void lb_rewrite(struct sl_packet *packet, const struct lb_end *src, const struct lb_end *dst);

/** The same for an ICMP error: its own addresses, and ends of the packet that it quotes.
 * @param src, dst              of the error itself; ports mean nothing
 * @param quoted_src, quoted_dst of the packet inside
 * @retval SL_OK
 * @retval SL_TRUNCATED  less than a header and 8 bytes is quoted; unchanged
 * @retval SL_MISMATCH   its checksum is wrong, or the family inside is another; unchanged
 * @context packet path */
sl_rc lb_rewrite_error(struct sl_packet *packet, const struct lb_end *src, const struct lb_end *dst,
                       const struct lb_end *quoted_src,
                       const struct lb_end *quoted_dst) SL_MUST_CHECK;

/** Puts the packet into another one (RFC 2003, RFC 2473, RFC 4213). DSCP and ECN are copied (RFC
 * 6040 4.1), and what DF says.
 * @param src, dst  of the outer header, both of one family
 * @param mtu       largest outer packet, or 0
 * @param id        of an outer IPv4 header that may be fragmented
 * @retval SL_OK        fields are those of the outer packet
 * @retval SL_RANGE     larger than @p mtu and may not be fragmented; unchanged
 * @retval SL_NO_SPACE  no room for it to grow; unchanged
 * @context packet path */
sl_rc lb_encapsulate(struct sl_packet *packet, const struct lb_addr *src, const struct lb_addr *dst,
                     uint32_t mtu, uint16_t id) SL_MUST_CHECK;
/** Bytes that encapsulation in a family adds. */
uint32_t lb_encapsulation_size(uint8_t version);

#endif
