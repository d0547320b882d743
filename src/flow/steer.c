/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to shards, by the hash of their flow or of their datagram. */
#include "flow/steer.h"

#include "flow/fragments.h"
#include "flow/tuple.h"

uint32_t sl_flow_steer(const struct sl_flow_hash_key *key, const struct sl_packet *packet,
                       uint32_t shards)
{
    uint64_t hash;
    if (sl_fragments_wants(packet)) {
        uint8_t name[SL_FRAGMENTS_KEY];
        uint32_t size = sl_fragments_key(packet, name);
        hash = sl_flow_hash_bytes(key, name, size);
    } else {
        struct sl_flow_tuple tuple;
        bool is_error;
        if (sl_flow_tuple_of(packet, &tuple, &is_error) != SL_OK) {
            return SL_STEER_ANY;
        }
        hash = sl_flow_tuple_hash(key, &tuple);
    }
    return (uint32_t)((hash >> 32) * shards >> 32);
}
