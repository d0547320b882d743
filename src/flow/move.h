/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * From a table to one that is made differently. Inside src/flow.
 */
#ifndef SL_FLOW_MOVE_H
#define SL_FLOW_MOVE_H

#include "flow/private.h"

#define FLOW_ELSEWHERE 0xfffffffeu /* flow_find in an NF's call: in the table before */
enum { FLOW_MOVE_LOOKS = 1024 /* slots looked at in one go */ };

/* The flow in the table before, which comes over if @p is_between.
 * @return as flow_find, or FLOW_ELSEWHERE */
uint32_t flow_find_before(struct sl_flow_table *table, const struct sl_flow_tuple *tuple,
                          bool is_between, void **ret_record, uint8_t *ret_direction);
/* Brings over at most @p limit flows. @return how many it had to do with */
uint32_t flow_move_some(struct sl_flow_table *table, uint32_t limit);

#endif
