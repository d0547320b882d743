/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to shards, by the hash of their flow or of their datagram. */
#include "flow/steer.h"

#include "flow/fragments.h"
#include "flow/tuple_inline.h"

/* As of the tuple of a packet of IPv4 with ports, which need not be built. */
SL_FLOW_USES_AES static uint64_t hash_ports4(const struct sl_flow_hash_key *key,
                                             const struct sl_packet *packet)
{
    const struct sl_flow_key4 own =
        key4_make(packet->src, packet->sport, packet->dst, packet->dport, packet->proto);
    return key4_hash(key, &own, 0);
}

uint32_t sl_flow_steer(const struct sl_flow_hash_key *key, const struct sl_packet *packet,
                       uint32_t shards)
{
    uint64_t hash;
    if (sl_fragments_wants(packet)) {
        uint8_t name[SL_FRAGMENTS_KEY];
        uint32_t size = sl_fragments_key(packet, name);
        hash = sl_flow_hash_bytes(key, name, size);
    } else if (packet->ip_version == 4 && (packet->has & SL_PKT_HAS_PORTS) != 0) {
        hash = hash_ports4(key, packet);
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
