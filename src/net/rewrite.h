/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a tunnel does to packets that might not fit it: MSS clamping, "too big" messages towards the
 * sender, IPv4 fragmentation. Pure functions.
 */
#ifndef SL_NET_REWRITE_H
#define SL_NET_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"
#include "safelib/rc.h"

enum {
    SL_ICMP4_SIZE_MAX = 576, /**< RFC 1812 4.3.2.3 */
    SL_ICMP6_SIZE_MAX = 1280,
    SL_FRAGMENT_MTU_MIN = 68, /**< RFC 791 3.2 */
};

/** Lowers the MSS option of a TCP SYN so that full segments fit @p mtu (RFC 879, RFC 6691: the
 * value excludes options); never raises it. Checksum updated. @return true where changed */
bool sl_mss_clamp(uint8_t *packet, const struct sl_ip *ip, uint32_t mtu);

/** Makes the ICMP "fragmentation needed" (RFC 1191) or ICMPv6 "packet too big" (RFC 4443 3.2) for a
 * packet that does not fit, from its destination to its source.
 * @param mtu  next-hop MTU to report; for IPv6 at least 1280
 * @param[out] out  SL_ICMP6_SIZE_MAX bytes
 * @retval SL_OK        @p ret_size bytes in @p out
 * @retval SL_DENIED    no error may answer this packet (RFC 1122 3.2.2, RFC 4443 2.4 e): an ICMP
 *                      error, a later fragment, to or from a multicast or unspecified address
 * @retval SL_RANGE     mtu below 1280 for IPv6, below 68 for IPv4 */
sl_rc sl_too_big_write(const uint8_t *packet, const struct sl_ip *ip, uint32_t mtu, uint8_t *out,
                       uint32_t *ret_size) SL_MUST_CHECK;

/** Cuts an IPv4 packet without DF into fragments (RFC 791 3.2), one per call.
 * @param[in,out] off  payload bytes already cut; start with 0
 * @param[out] out     at least @p mtu bytes
 * @retval SL_OK         @p ret_size bytes of the next fragment
 * @retval SL_NOT_FOUND  no more
 * @retval SL_DENIED     DF is set, or not IPv4
 * @retval SL_RANGE      mtu below 68, or not above the header by 8 */
sl_rc sl_ip4_fragment_next(const uint8_t *packet, const struct sl_ip *ip, uint32_t mtu,
                           uint32_t *off, uint8_t *out, uint32_t *ret_size) SL_MUST_CHECK;

#endif
