/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Packets between the families: RFC 7915, with the addresses of RFC 6052.
 */
#ifndef SL_NF_NAT_TRANSLATE_H
#define SL_NF_NAT_TRANSLATE_H

#include "nat/rewrite.h"

/** RFC 6052 2.2: an IPv4 address under the prefix. */
void nat_addr64_embed(const struct nat_policy *policy, const uint8_t *addr4, uint8_t *ret_addr6);
/** @return false: not under the prefix, or octet 8 is not zero */
bool nat_addr64_extract(const struct nat_policy *policy, const uint8_t *addr6, uint8_t *ret_addr4);
/** Neither private nor for any other special purpose (RFC 5735 3, RFC 6598). */
bool nat_addr4_is_global(const uint8_t *addr4);
/** RFC 6052 3.1: the well-known prefix "MUST NOT be used to represent non-global IPv4 addresses",
 * unless the policy has it so. */
bool nat_addr64_may_be(const struct nat_policy *policy, const uint8_t *addr4);

/** What a translation came to. SL_OK: translated. Else the packet is unchanged, unless it is for no
 * one to see any more:
 * SL_UNSUPPORTED  RFC 7915 has it dropped silently
 * SL_DENIED       an unexpired source route or routing header: to be answered
 * SL_RANGE        larger than the IPv6 side's MTU, and may not be fragmented: to be answered
 * SL_OVERFLOW     no hop left: to be answered
 * SL_NO_SPACE     no room for it to grow
 * SL_MISMATCH, SL_TRUNCATED  an ICMP error as in nat_rewrite4_error */

/** IPv6 to IPv4: from @p source (the outside endpoint) to the address under the prefix. */
sl_rc nat_translate_6to4(const struct nat_policy *policy, struct sl_packet *packet,
                         const struct nat_end *source, uint16_t id) SL_MUST_CHECK;
/** IPv4 to IPv6: to @p destination (the inside endpoint), from the source under the prefix. */
sl_rc nat_translate_4to6(const struct nat_policy *policy, struct sl_packet *packet,
                         const struct nat_end *destination) SL_MUST_CHECK;

/** Offset of the Segments Left field of an IPv6 packet's routing header; 0: has none. */
uint32_t nat_segments_left_off(const uint8_t *ip6, uint32_t size);

/* ---- translate_icmp.c ---- */

/** Type, code and the word behind the checksum of an ICMP error in the other family.
 * @param[in,out] icmp   8 bytes of header
 * @param packet_size    total length of the quoted packet, where the MTU is not told
 * @param mtu6           of the IPv6 side: no MTU that is told is larger
 * @return false: not to be translated */
bool nat_icmp_error_6to4(uint8_t *icmp, uint16_t mtu6);
bool nat_icmp_error_4to6(uint8_t *icmp, uint16_t packet_size, uint16_t mtu6);

#endif
