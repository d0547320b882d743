/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a router must not forward, whatever its routes say (RFC 1812 5.2, 5.3; RFC 4291).
 */
#ifndef SL_NF_ROUTER_CHECKS_H
#define SL_NF_ROUTER_CHECKS_H

#include "safelib/packet.h"

enum rt_check {
    RT_GOOD,
    RT_BAD_CHECKSUM, /**< of the IPv4 header */
    RT_MARTIAN,      /**< source or destination that no router forwards */
    RT_MULTICAST,    /**< there is no multicast routing */
    RT_SOURCE_ROUTE, /**< an IPv4 source route: refused (RFC 7126 4.3, 4.4) */
    RT_BAD_OPTION,   /**< an IPv4 option breaks its format */
};

/** @param[out] ret_pointer  of RT_BAD_OPTION: its offset in the header
 * @context packet path */
enum rt_check rt_check_packet(const struct sl_packet *packet, uint8_t *ret_pointer);

#endif
