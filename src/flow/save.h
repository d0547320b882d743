/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Flows as a snapshot holds them: taken from a table a few at a time while it works on, put back
 * into one that has begun nothing.
 *
 * A block, big-endian: u16 format | u32 spec version | u32 state size | u8 plane | u16 record size
 * | u16 where the NF's bytes begin | u16 count; then per flow: u32 ms until it is idle for too
 * long, u8 assured, the record as it lies (flow/record.h), its times made relative.
 */
#ifndef SL_FLOW_SAVE_H
#define SL_FLOW_SAVE_H

#include "base/bytes.h"
#include "flow/table.h"

/** How far saving has come. Zero: begins. */
struct sl_flow_cursor {
    uint32_t plane;
    uint32_t slot;
    bool is_end; /**< all flows have been seen */
};

/** Writes the next flows as one block: as many as fit and lie within the next @p looks slots. A
 * flow whose record the host damaged is left out; whoever looks it up next ends it.
 * @param[out] ret_flows  how many; 0: nothing was written
 * @retval SL_OK
 * @retval SL_NO_SPACE  not one fits: nothing was written, the cursor stands
 * @context packet path, between bursts */
sl_rc sl_flow_table_save(struct sl_flow_table *table, struct sl_flow_cursor *cursor, uint32_t looks,
                         struct sl_writer *w, uint32_t *ret_flows) SL_MUST_CHECK;

/** What became of saved flows. */
struct sl_flow_restored {
    uint64_t flows;
    uint64_t refused; /**< of another version or shape, no room, there already, or not wanted */
};

/** Puts the flows of a block back. Those that cannot be are counted, not an error.
 * @param[in,out] sum  is added to
 * @retval SL_OK
 * @retval SL_TRUNCATED, SL_MALFORMED  not a block
 * @context packet path, before the first burst */
sl_rc sl_flow_table_restore(struct sl_flow_table *table, struct sl_reader *r,
                            struct sl_flow_restored *sum) SL_MUST_CHECK;
/** The same where there is no table for them: all are refused. */
sl_rc sl_flow_block_skip(struct sl_reader *r, struct sl_flow_restored *sum) SL_MUST_CHECK;

#endif
