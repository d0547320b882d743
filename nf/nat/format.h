/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The NAT's compiled policy, big-endian: what the tenant's compiler writes and the NAT in the image
 * loads, and checks again.
 *
 *   u32 magic "SLNT", u16 format, u16 flags (SL_NAT_*),
 *   u8 mapping, u8 filtering, u8 allocation, u8 prefix64 length (0: no NAT64), 16 bytes prefix64,
 *   u16 first port, u16 last port,
 *   u32 block size, u32 blocks per subscriber,
 *   u32 mappings per subscriber of TCP, of UDP, of ICMP (0: no limit),
 *   u32 mappings, u32 subscribers (both per shard), u32 sessions of a mapping (0: no limit),
 *   u32 timeouts in ms: UDP, TCP established, TCP transitory, ICMP,
 *   u16 MTU of the IPv6 side, u8 bits of an IPv4 address that name a subscriber, u8 of an IPv6 one,
 *   u16 count of inside prefixes, each: u8 bits, 16 bytes (IPv4 as ::ffff:a.b.c.d, bits + 96);
 *     ascending, disjoint
 *   u16 count of outside ranges, each: u32 first, u32 last; ascending, disjoint
 *   u16 count of forwards, each: u8 protocol (6, 17; 0: all of an address), u32 outside address,
 *     u16 outside port, u16 count of ports (0 for all of an address), 16 bytes inside address,
 *     u16 inside port; ascending by outside address, protocol and port, disjoint on both sides
 */
#ifndef SL_NF_NAT_FORMAT_H
#define SL_NF_NAT_FORMAT_H

#include <stdint.h>

#define SL_NAT_MAGIC 0x534c4e54u

enum {
    SL_NAT_FORMAT = 2,
    SL_NAT_INSIDE_MAX = 256,
    SL_NAT_OUTSIDE_MAX = 256,   /**< addresses, of all ranges together */
    SL_NAT_FORWARDS_MAX = 4096, /**< port forwards and 1:1 hosts */
    SL_NAT_MAPPINGS_MAX = 4 << 20,
    SL_NAT_SUBSCRIBERS_MAX = 1 << 20,
    SL_NAT_BLOCK_MIN = 16,
    SL_NAT_BLOCK_MAX = 32768,
    SL_NAT_BLOCKS_MAX = 8, /**< per subscriber */
    SL_NAT_MTU6_MIN = 1280,
};

/** Where the mapping and the filter look beyond the inside endpoint; the words of RFC 4787 4.1, 5.
 */
enum sl_nat_dependence {
    SL_NAT_ENDPOINT_INDEPENDENT = 0,
    SL_NAT_ADDRESS_DEPENDENT = 1,
    SL_NAT_ADDRESS_AND_PORT_DEPENDENT = 2,
    SL_NAT_DEPENDENCE_COUNT = 3,
};

enum sl_nat_allocation {
    SL_NAT_DYNAMIC = 0,       /**< any free port of the subscriber's outside address */
    SL_NAT_BLOCK = 1,         /**< from blocks that a subscriber holds while it has mappings */
    SL_NAT_DETERMINISTIC = 2, /**< from the range that RFC 7422's arithmetic gives a subscriber */
    SL_NAT_ALLOCATION_COUNT = 3,
};

enum {
    SL_NAT_PORT_PRESERVATION = 1u << 0,
    SL_NAT_PORT_PARITY = 1u << 1,     /**< RFC 4787 4.2.2, UDP */
    SL_NAT_PORT_RANGE = 1u << 2,      /**< RFC 4787 REQ-3: below 1024 stays below 1024 */
    SL_NAT_PAIRED = 1u << 3,          /**< RFC 4787 REQ-2 */
    SL_NAT_HAIRPIN = 1u << 4,         /**< RFC 4787 REQ-9 */
    SL_NAT_INBOUND_REFRESH = 1u << 5, /**< RFC 4787 REQ-6: packets from outside keep a mapping */
    SL_NAT_PASS_UNMATCHED = 1u << 6,  /**< what is no affair of the NAT passes unchanged */
    SL_NAT_DECREMENT_TTL = 1u << 7,   /**< NAT44 takes one hop; NAT64 always does */
    SL_NAT_ANSWER = 1u << 8,          /**< RFC 5508 REQ-8: says so where nothing can be allocated */
    SL_NAT_ANY_ADDRESS64 = 1u << 9,   /**< the well-known prefix: addresses that are not global */
    SL_NAT_OWN_ID = 1u << 10,         /**< RFC 6864 5.3.1: also whole IPv4 packets without DF */
    SL_NAT_FLAGS_ALL = (1u << 11) - 1,
};

#endif
