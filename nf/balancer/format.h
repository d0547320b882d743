/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The balancer's compiled policy, big-endian: what the tenant's compiler writes and the balancer in
 * the image loads.
 *
 *   u32 magic "SLLB", u16 format, u8 what becomes of other traffic (enum sl_lb_other), u8 0
 *   16 bytes key of the hash that chooses backends
 *   u16 MTU behind the tunnel (0: not known), u8 has (1: IPv4, 2: IPv6), 4 and 16 bytes: the
 *   addresses that tunnels come from
 *   u16 service count; per service:
 *     string name, address, u8 protocol (0: any), u16 port (0: any), u8 enum sl_lb_forward,
 *     u8 enum sl_lb_hash, u8 enum sl_lb_when_down, u8 is_reset_when_marked_down
 *     u8 count of source addresses, the addresses, u16 first and last source port
 *     u16 backend count; per backend:
 *       string name, address, u16 port (0: as it came), u16 weight, u8 enum sl_lb_state, u8 port
 *       (enum sl_port) that it is behind
 *
 * An address is u8 version and 16 bytes, IPv4 in the first 4.
 */
#ifndef SL_NF_BALANCER_FORMAT_H
#define SL_NF_BALANCER_FORMAT_H

#include <stdint.h>

#define SL_LB_MAGIC 0x534c4c42u

enum {
    SL_LB_FORMAT = 1,
    SL_LB_KEY_SIZE = 16,
    SL_LB_SERVICES_MAX = 128,
    SL_LB_BACKENDS_MAX = 4096, /**< of all services together */
    SL_LB_SOURCES_MAX = 8,
    SL_LB_NAME_MAX = 20, /**< with terminator */
    SL_LB_WEIGHT_MAX = 65535,
};

enum sl_lb_other {
    SL_LB_OTHER_PASS = 0,
    SL_LB_OTHER_DROP = 1,
};

/** How packets reach a backend; ipvsadm's word. */
enum sl_lb_forward {
    SL_LB_NAT = 0,     /**< -m: destination rewritten; answers come back this way */
    SL_LB_FULLNAT = 1, /**< source rewritten as well */
    SL_LB_TUNNEL = 2,  /**< -i: IP in IP; the backend answers the client itself */
    SL_LB_FORWARD_COUNT = 3,
};

enum sl_lb_hash {
    SL_LB_HASH_TUPLE = 0,  /**< addresses, ports, protocol */
    SL_LB_HASH_SOURCE = 1, /**< source address: a client stays with its backend */
    SL_LB_HASH_COUNT = 2,
};

/** What a client hears where no backend is there. */
enum sl_lb_when_down {
    SL_LB_DOWN_REFUSE = 0, /**< TCP reset, ICMP unreachable */
    SL_LB_DOWN_DROP = 1,
    SL_LB_DOWN_COUNT = 2,
};

enum sl_lb_state {
    SL_LB_READY = 0,
    SL_LB_DRAIN = 1, /**< keeps its flows, gets no new ones */
    SL_LB_MAINT = 2, /**< gets nothing: its flows end */
    SL_LB_STATE_COUNT = 3,
};

#endif
