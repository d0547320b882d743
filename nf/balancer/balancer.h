/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One shard of the balancer: its state and what its packets count.
 */
#ifndef SL_NF_BALANCER_BALANCER_H
#define SL_NF_BALANCER_BALANCER_H

#include "balancer/pool.h"

/** name, meaning */
#define LB_COUNTER_TABLE(X)                                                                        \
    X(no_service, "packets to a service's address at no service")                                  \
    X(other, "packets of other traffic")                                                           \
    X(no_backend, "new flows without a backend that takes any")                                    \
    X(collided, "new flows whose translation another flow has: no free source port")               \
    X(full, "new flows without room in the flow table")                                            \
    X(ended, "flows ended: their backend went away")                                               \
    X(invalid, "packets to a service that are of no flow")                                         \
    X(errors, "ICMP errors translated")                                                            \
    X(bad_errors, "ICMP errors that quote too little, or whose checksum is wrong")                 \
    X(too_big, "packets too big for the tunnel")                                                   \
    X(damaged, "flows that the host damaged: by as many the backends' active are too high at "     \
               "most")

struct lb_counters {
#define LB_COUNTER_FIELD(name, text) uint64_t name;
    LB_COUNTER_TABLE(LB_COUNTER_FIELD)
#undef LB_COUNTER_FIELD
};

/** name, meaning; per backend */
#define LB_BACKEND_COUNTER_TABLE(X)                                                                \
    X(flows, "flows that it was given")                                                            \
    X(active, "of these, flows now")                                                               \
    X(packets, "packets, both ways")                                                               \
    X(bytes, "their bytes, as they came")

struct lb_backend_counters {
#define LB_COUNTER_FIELD(name, text) uint64_t name;
    LB_BACKEND_COUNTER_TABLE(LB_COUNTER_FIELD)
#undef LB_COUNTER_FIELD
};

struct lb {
    struct lb_pool *pool;
    uint32_t shard, shard_count;
    uint16_t ip_id;
    struct lb_counters counters;
    struct lb_backend_counters backends[]; /**< as the pool's */
};

enum {
    LB_FLOW_OTHER = 0, /**< none of the balancer's: also what a restored flow of old may say */
    LB_FLOW_BALANCED = 1,
};

/** What a flow keeps. */
struct lb_flow {
    uint32_t backend_id;
    uint16_t index; /**< of the backend, where the policy has not changed */
    uint8_t kind : 4;
    uint8_t is_counted : 4; /**< among the backend's active flows */
    uint8_t client_side;    /**< enum sl_port */
};

/** One thread writes, another may read: relaxed, so that a value never tears. */
static inline void lb_add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}
static inline void lb_count(uint64_t *counter)
{
    lb_add(counter, 1);
}

/** struct sl_flow_spec, burst. */
void lb_burst(void *state, struct sl_flow_table *table, struct sl_packet *const *packets,
              struct sl_flow *flows, uint32_t count);
/** struct sl_nf, steer. */
uint32_t lb_steer(const void *state, const struct sl_packet *packet, uint32_t shard_count);

#endif
