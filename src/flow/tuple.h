/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Tuples inside the flow level: of packets, compared, and hashed the same for both directions.
 */
#ifndef SL_FLOW_TUPLE_H
#define SL_FLOW_TUPLE_H

#include "flow/hash.h"
#include "safelib/flow.h"

enum {
    SL_FLOW_ICMP = 1,
    SL_FLOW_TCP = 6,
    SL_FLOW_UDP = 17,
    SL_FLOW_ICMP6 = 58,
    SL_FLOW_UDPLITE = 136,
};

/** Bits of struct sl_packet, has, that the runtime keeps for itself: an NF turned it around; the
 * checksum of the upper layer was looked at, and is wrong. One look serves all NFs of a chain. A
 * fragment of a datagram that is whole (flow/fragments.h). */
enum {
    SL_FLOW_PKT_WHOLE = 1u << 12,
    SL_FLOW_PKT_TURNED = 1u << 13,
    SL_FLOW_PKT_CHECKED = 1u << 14,
    SL_FLOW_PKT_BAD_CHECKSUM = 1u << 15,
};

/** The hash of a tuple under @p key; its other direction has the same. */
uint64_t sl_flow_tuple_hash(const struct sl_flow_hash_key *key, const struct sl_flow_tuple *tuple);

/** Whether a query of that type may make a flow. */
bool sl_flow_icmp_is_request(uint8_t proto, uint8_t type);

/** Whether a message of that type is an error, about a packet that it quotes. */
bool sl_flow_icmp_is_error(uint8_t proto, uint8_t type);

/** Whether the checksum and the lengths of the upper layer are right, as far as the protocol has
 * them and the packet is whole. Remembered in the packet. */
bool sl_flow_checksum_is_good(struct sl_packet *packet);

#endif
