/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Turns a packet into the answer that refuses it, in place. For NFs that reject.
 */
#ifndef SAFELIB_REPLY_H
#define SAFELIB_REPLY_H

#include "safelib/packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Rewrites @p packet into an ICMP (IPv4) or ICMPv6 "destination unreachable" to its sender, from
 * the address it was sent to. The packet's parsed fields are stale afterwards.
 * @param[in] code4,code6  ICMP code for an IPv4, ICMPv6 code for an IPv6 packet
 * @retval SL_OK        size is the answer's; the caller sets SL_VERDICT_REPLY
 * @retval SL_DENIED    none may be sent: to an ICMP error, a later fragment, a multicast,
 *                      broadcast, loopback or unspecified address; packet unchanged
 * @retval SL_NO_SPACE  the answer does not fit packet->room; packet unchanged
 * @context packet path
 * @spec RFC 792; RFC 1122 3.2.2; RFC 1812 4.3.2.3 (at most 576 bytes); RFC 4443 2.4 (1280) */
sl_rc sl_packet_reply_unreachable(struct sl_packet *packet, uint8_t code4,
                                  uint8_t code6) SL_MUST_CHECK;

/** An ICMP or ICMPv6 error, for the packet's own version. */
struct sl_icmp_error {
    uint8_t type;
    uint8_t code;
    uint32_t info;      /**< bytes 4 to 7 of the message: pointer, MTU; host order */
    const uint8_t *src; /**< whose address it comes from, 4 or 16 bytes; NULL: the packet's
                             destination */
};

/** The same with any error in the place of "unreachable".
 * @retval SL_OK, SL_DENIED, SL_NO_SPACE  as sl_packet_reply_unreachable
 * @context packet path
 * @spec RFC 792; RFC 1812 4.3.2; RFC 4443 2.4, 3 */
sl_rc sl_packet_reply_icmp(struct sl_packet *packet,
                           const struct sl_icmp_error *error) SL_MUST_CHECK;

/** Rewrites a TCP segment into the reset that a closed port answers.
 * @retval SL_OK       size is the answer's
 * @retval SL_DENIED   not TCP (so: not a later fragment), itself a reset, or an address as above
 * @context packet path
 * @spec RFC 9293 3.10.7.1 */
sl_rc sl_packet_reply_reset(struct sl_packet *packet) SL_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
