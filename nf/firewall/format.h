/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The firewall's compiled policy, big-endian: what the tenant's compiler writes and the firewall
 * in the image loads.
 *
 *   u32 magic "SLFW", u16 format, u8 default action (drop or accept), u8 0, u32 rule count
 *   per rule:
 *     u8 action, u8 ICMP code, u8 ICMPv6 code, u8 families (SL_FW_IP4 | SL_FW_IP6; 0: never),
 *     u32 skip target (0 unless the action is skip), u8 count of constrained dimensions, then for
 *     each, in ascending order of the dimension:
 *       u8 dimension, u32 interval count (at least 1), per interval lo and hi, both inclusive,
 *       each as wide as the dimension; ascending and disjoint
 *
 * A rule matches a packet of one of its families whose value lies, for every constrained
 * dimension, in one of the intervals; a packet without the value (ports of a later fragment) does
 * not match. Rules are tried in order; the first that accepts, drops or rejects decides; skip goes
 * on at its target, a later rule, or at the default where the target is the rule count. A rule's
 * number everywhere is its index here.
 */
#ifndef SL_NF_FIREWALL_FORMAT_H
#define SL_NF_FIREWALL_FORMAT_H

#include <stdint.h>

#define SL_FW_MAGIC 0x534c4657u

enum {
    SL_FW_FORMAT = 1,
    SL_FW_RULES_MAX = 16384,
    SL_FW_INTERVALS_MAX = 131072, /**< of all rules together */
    SL_FW_IP4 = 1,
    SL_FW_IP6 = 2,
};

enum sl_fw_action {
    SL_FW_DROP = 0,
    SL_FW_ACCEPT = 1,
    SL_FW_REJECT_ICMP = 2, /**< with the rule's codes */
    SL_FW_REJECT_RESET = 3,
    SL_FW_SKIP = 4, /**< count, then go on at the skip target */
    SL_FW_ACTION_COUNT = 5,
};

/** name, bytes of a value, meaning */
#define SL_FW_DIM_TABLE(X)                                                                         \
    X(SRC4, 4, "IPv4 source")                                                                      \
    X(DST4, 4, "IPv4 destination")                                                                 \
    X(SRC6, 16, "IPv6 source")                                                                     \
    X(DST6, 16, "IPv6 destination")                                                                \
    X(SPORT, 2, "source port")                                                                     \
    X(DPORT, 2, "destination port")                                                                \
    X(PROTO, 1, "upper-layer protocol")                                                            \
    X(TCP_FLAGS, 1, "TCP flags")                                                                   \
    X(ICMP_TYPE, 1, "ICMP or ICMPv6 type")                                                         \
    X(ICMP_CODE, 1, "ICMP or ICMPv6 code")                                                         \
    X(PORT_IN, 1, "port the packet came in by")                                                    \
    X(FRAGMENT, 1, "fragment bits")                                                                \
    X(NEXT_HEADER, 1, "next header of the IPv6 header")                                            \
    X(CT_STATE, 1, "state of the connection")                                                      \
    X(CT_DIRECTION, 1, "direction in the connection")

enum sl_fw_dim {
#define SL_FW_DIM_ENUM(name, width, text) SL_FW_DIM_##name,
    SL_FW_DIM_TABLE(SL_FW_DIM_ENUM)
#undef SL_FW_DIM_ENUM
        SL_FW_DIM_COUNT
};

/** Bits of SL_FW_DIM_FRAGMENT: SL_PKT_FRAGMENT and its followers, moved down to bit 0. */
enum {
    SL_FW_FRAGMENT = 1,
    SL_FW_LATER_FRAGMENT = 2,
    SL_FW_MORE_FRAGMENTS = 4,
    SL_FW_FRAGMENT_HEADER = 8,
    SL_FW_FRAGMENT_SHIFT = 3, /**< (packet->has >> shift) & 15 */
};

/** Values of SL_FW_DIM_CT_STATE, one bit each; numbers as in nftables. A policy with a rule that
 * asks for the state or the direction makes the firewall stateful. */
enum {
    SL_FW_CT_INVALID = 1,
    SL_FW_CT_ESTABLISHED = 2,
    SL_FW_CT_RELATED = 4,
    SL_FW_CT_NEW = 8,
    SL_FW_CT_UNTRACKED = 64,
};

#endif
