/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The router's compiled policy, big-endian: what the tenant's compiler writes and the router in
 * the image loads.
 *
 *   u32 magic "SLRT", u16 format, u16 0
 *   u32 ICMP errors a second (0: none is ever sent), u32 ICMP errors in a burst
 *   u32 count of IPv4 routes, u32 count of IPv6 routes
 *   per route, IPv4 before IPv6:
 *     u8 prefix length, u8 enum sl_rt_action, the prefix' leading (length + 7) / 8 bytes
 *
 * The routes of a family ascend strictly by (address, length), bits behind the length are zero.
 * A route's number everywhere is its index here, IPv6 counted on behind IPv4.
 */
#ifndef SL_NF_ROUTER_FORMAT_H
#define SL_NF_ROUTER_FORMAT_H

#define SL_RT_MAGIC 0x534c5254u

enum {
    SL_RT_FORMAT = 1,
    SL_RT_ROUTES_MAX = 1 << 20, /**< of each family */
    SL_RT_ICMP_RATE_MAX = 1000000,
};

/** Where a route leads. */
enum sl_rt_action {
    SL_RT_LAN = 0, /**< enum sl_port */
    SL_RT_WAN = 1,
    SL_RT_UNREACHABLE = 2, /**< refused: host unreachable */
    SL_RT_BLACKHOLE = 3,   /**< dropped without a word */
    SL_RT_PROHIBIT = 4,    /**< refused: administratively prohibited */
    SL_RT_LOCAL_LAN = 5,   /**< an address of the router's own, on that port */
    SL_RT_LOCAL_WAN = 6,
    SL_RT_ACTION_COUNT = 7,
};

#endif
