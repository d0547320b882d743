/* SPDX-License-Identifier: Apache-2.0 */
/* An NF of flows that lets its table do all there is to do. */
#ifndef SL_TESTS_FLOW_NO_BURST_H
#define SL_TESTS_FLOW_NO_BURST_H

#include "safelib/flow.h"

static inline void no_burst(void *state, struct sl_flow_table *table,
                            struct sl_packet *const *packets, struct sl_flow *flows, uint32_t count)
{
    (void)state;
    (void)table;
    (void)packets;
    (void)flows;
    (void)count;
}

#endif
