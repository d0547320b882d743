/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The table of one flow NF on one shard: made and moved by the chain, filled by bursts.
 *
 * Per flow inside: a slot's deadline and generation (8 bytes), an entry of the index, and the
 * record, which the store may keep outside. docs/adr/0030-flow-tables.md adds it up.
 */
#ifndef SL_FLOW_TABLE_H
#define SL_FLOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/options.h"
#include "flow/spill.h"
#include "flow/store.h"
#include "safelib/flow.h"

#define SL_FLOW_COUNTER_TABLE(X)                                                                   \
    X(flows, "flows now")                                                                          \
    X(created, "flows that began")                                                                 \
    X(ended_idle, "flows that were idle for too long")                                             \
    X(ended_closed, "flows that were closed")                                                      \
    X(ended_evicted, "unanswered flows that gave way to others")                                   \
    X(ended_lost, "flows whose record the host damaged")                                           \
    X(forgotten, "new flows whose packets were dropped")                                           \
    X(full, "packets of new flows without room")                                                   \
    X(invalid, "packets of no flow")                                                               \
    X(restored, "flows that came back from a snapshot")                                            \
    X(moved, "flows taken over from the chain before")                                             \
    X(not_moved, "flows of the chain before that found no room")

struct sl_flow_counters {
#define SL_FLOW_COUNTER(name, text) uint64_t name;
    SL_FLOW_COUNTER_TABLE(SL_FLOW_COUNTER)
#undef SL_FLOW_COUNTER
};

/** The NF behind the table; its state may be replaced (sl_flow_table_bind). */
struct sl_flow_table_params {
    const struct sl_flow_spec *spec;
    struct sl_flow_options options;
    /** where records go that are not inside; outlives the table. NULL: all are inside */
    struct sl_flow_spill *spill;
};

/** @retval SL_OK, SL_RANGE, SL_NO_MEMORY, SL_NO_SPACE (outside), SL_CRYPTO
 * @context control thread  @owner caller frees */
sl_rc sl_flow_table_create(const struct sl_flow_table_params *params,
                           struct sl_flow_table **ret_table, struct sl_err *err) SL_MUST_CHECK;
void sl_flow_table_free(struct sl_flow_table *table);

/** The NF's state, for its callbacks. */
void sl_flow_table_bind(struct sl_flow_table *table, void *nf_state);

/** Whether flows of a table made for one can live in a table made for the other as they lie. */
bool sl_flow_table_is_same_shape(const struct sl_flow_table *table, const struct sl_flow_spec *spec,
                                 const struct sl_flow_options *options);
/** Takes new timeouts and the NF of a new version of the chain; the shape must be the same. */
void sl_flow_table_retune(struct sl_flow_table *table, const struct sl_flow_spec *spec,
                          const struct sl_flow_options *options);
/** Ends every flow with SL_FLOW_END_UNLOAD. @context packet path, as far as the NF's callback is */
void sl_flow_table_unload(struct sl_flow_table *table);
/** Takes over the flows of a table of another shape, if the NF's bytes mean the same: each when its
 * next packet comes, the others as time goes by (sl_flow_table_advance). Handles change.
 * @return false where they cannot come: counted (not_moved), @p from stays the caller's
 * @owner on true @p from is the table's
 * @context packet path, between bursts, once per table */
bool sl_flow_table_take_over(struct sl_flow_table *table, struct sl_flow_table *from);

/** The clock; does nothing else. Never back. */
void sl_flow_table_set_now(struct sl_flow_table *table, uint64_t now_ms);
/** Ends flows that are due: looks at so many slots that all are seen once a second, ends at most
 * @p limit flows. @context packet path, between bursts */
void sl_flow_table_advance(struct sl_flow_table *table, uint32_t limit);

/** Finds or makes the flows of a burst.
 * @param count  <= SL_BURST_MAX
 * @return how many of the packets make up the burst, from the first on; the rest come after
 * sl_flow_table_end, as they end flows that this burst holds. At least one. */
uint32_t sl_flow_table_begin(struct sl_flow_table *table, struct sl_packet *const *packets,
                             struct sl_flow *flows, uint32_t count) SL_MUST_CHECK;
/** After the NF: forgets new flows of dropped packets, ends what was closed, lets go of records. */
void sl_flow_table_end(struct sl_flow_table *table, struct sl_packet *const *packets,
                       const struct sl_flow *flows, uint32_t count);

/** Ends what was closed outside of a burst (tick), and lets go of records. */
void sl_flow_table_settle(struct sl_flow_table *table);

/** @context any thread: values may lag, never tear */
void sl_flow_table_counters(const struct sl_flow_table *table,
                            struct sl_flow_counters *ret_counters);
void sl_flow_table_store_counters(const struct sl_flow_table *table,
                                  struct sl_flow_store_counters *ret_counters);
/** Enclave memory of the table for so many flows, the NF's bytes with it. */
size_t sl_flow_table_inside_bytes(const struct sl_flow_table *table);

#endif
