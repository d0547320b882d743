/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Which shard a packet belongs to where no NF says.
 */
#ifndef SL_FLOW_STEER_H
#define SL_FLOW_STEER_H

#include "flow/hash.h"
#include "safelib/packet.h"

/** The shard of a parsed packet's flow, the same for both directions; of a fragment that of its
 * datagram, which is made whole there.
 * @param shards  at least 1
 * @return less than @p shards, or SL_STEER_ANY for what is of no flow */
uint32_t sl_flow_steer(const struct sl_flow_hash_key *key, const struct sl_packet *packet,
                       uint32_t shards);

#endif
