/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The inside of a chain, shared by bundle.c (made), chain.c (run) and adopt.c (replaced).
 */
#ifndef SL_NF_PRIVATE_H
#define SL_NF_PRIVATE_H

#include <stdbool.h>

#include "flow/table.h"
#include "flow/tuple.h"
#include "nf/chain.h"

struct chain_entry {
    const struct sl_nf *nf;
    void *state;
    const struct sl_flow_spec *flow; /* NULL: this policy needs no flows */
    /* Of a flow NF; written by the shard's thread when it adopts, read by status: atomic. NULL
     * until then where the chain before has one to take over. */
    struct sl_flow_table *table;
    struct sl_flow_options options;
    struct sl_chain_nf_totals totals;
};

struct sl_chain {
    uint64_t version;
    uint32_t count;
    uint32_t shard, shard_count;
    bool wants_time;
    struct sl_flow_hash_key steer_key; /* one for all shards, and all versions */
    /* NULL but for sl_chain_run_traced: one for each packet of its burst */
    struct sl_chain_trace *traces;
    uint32_t trace_count;
    struct chain_entry entries[SL_CHAIN_NF_MAX];
    struct sl_flow flows[SL_BURST_MAX];
};

static inline struct sl_flow_table *chain_table(const struct chain_entry *entry)
{
    return __atomic_load_n(&entry->table, __ATOMIC_ACQUIRE);
}

static inline void chain_table_set(struct chain_entry *entry, struct sl_flow_table *table)
{
    __atomic_store_n(&entry->table, table, __ATOMIC_RELEASE);
}

/* The entry of `chain` that is what entry `index` of `of` is: the same NF, and as many of it come
 * before. NULL: none. */
struct chain_entry *chain_counterpart(struct sl_chain *chain, const struct sl_chain *of,
                                      uint32_t index);

/* The traces of a burst (trace.c): before an NF, while its flows are at hand, and after it. */
void chain_trace_begin(const struct sl_chain *chain, uint32_t nf, struct sl_packet *const *packets,
                       uint32_t count);
void chain_trace_flows(const struct sl_chain *chain, struct sl_flow_table *table,
                       struct sl_packet *const *packets, uint32_t count);
void chain_trace_end(const struct sl_chain *chain, struct sl_packet *const *packets,
                     uint32_t count);

#endif
