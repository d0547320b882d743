/* SPDX-License-Identifier: Apache-2.0 */
/* A whole flow-level network function: of each flow, no more than so many packets a second pass,
 * either way. Its policy is that number, four bytes big-endian. nf/README.md walks through it. */
#include <stdlib.h>

#include "safelib/bytes.h"
#include "safelib/flow.h"

struct limiter {
    uint32_t per_second;
    uint64_t refused; /* packets */
};

struct limiter_flow { /* what is kept of each flow; all zero in a new one */
    uint64_t second;
    uint32_t count;
};

static sl_rc limiter_load(const void *policy, size_t size, void **ret_state, char *reason,
                          size_t reason_size)
{
    struct sl_reader r;
    sl_reader_init(&r, policy, size);
    uint32_t per_second = sl_reader_be32(&r);
    sl_rc rc = sl_reader_end(&r);
    struct limiter *limiter = rc == SL_OK ? calloc(1, sizeof(*limiter)) : NULL;
    if (limiter == NULL) {
        return rc != SL_OK ? rc : SL_NO_MEMORY;
    }
    limiter->per_second = per_second;
    *ret_state = limiter;
    return SL_OK;
}

static void limiter_burst(void *state, struct sl_flow_table *table,
                          struct sl_packet *const *packets, struct sl_flow *flows, uint32_t count)
{
    struct limiter *limiter = state;
    uint64_t second = sl_flow_now_ms(table) / 1000;
    for (uint32_t i = 0; i < count; i++) {
        struct limiter_flow *flow = flows[i].state;
        if (flow == NULL) {
            continue; /* invalid, untracked, or no room: a verdict that is not written is a drop */
        }
        flow->count = flow->second == second ? flow->count + 1 : 1;
        flow->second = second;
        bool is_within = flow->count <= limiter->per_second;
        limiter->refused += !is_within;
        packets[i]->verdict = is_within ? SL_VERDICT_PASS : SL_VERDICT_DROP;
    }
}

static const struct sl_flow_spec limiter_spec = {
    .state_size = sizeof(struct limiter_flow), .version = 1, .burst = limiter_burst};
static const struct sl_nf limiter_nf = {
    .name = "example_flow", .load = limiter_load, .flow = &limiter_spec, .unload = free};
SL_NF_REGISTER(limiter_nf);
