/* SPDX-License-Identifier: Apache-2.0 */
/* What every NF of a chain did with one packet, written down for people. */
#include <string.h>

#include "nf/private.h"

static struct sl_flow_tuple tuple_of(const struct sl_packet *packet)
{
    struct sl_flow_tuple tuple;
    bool is_error;
    return sl_flow_tuple_of(packet, &tuple, &is_error) == SL_OK ? tuple : (struct sl_flow_tuple){0};
}

static struct sl_chain_step *last_step(struct sl_chain_trace *trace)
{
    return trace->count > 0 ? &trace->steps[trace->count - 1] : NULL;
}

void chain_trace_begin(struct sl_chain_trace *trace, uint32_t nf, const struct sl_packet *packet)
{
    if (trace->count < SL_CHAIN_STEPS_MAX) {
        trace->steps[trace->count++] =
            (struct sl_chain_step){.nf = nf, .port = packet->port_in, .before = tuple_of(packet)};
    }
}

void chain_trace_flow(struct sl_chain_trace *trace, struct sl_flow_table *table,
                      const struct sl_flow *flow)
{
    struct sl_chain_step *step = last_step(trace);
    if (step == NULL) {
        return;
    }
    step->has_flow_table = true;
    step->flow = *flow;
    step->flow.state = NULL;
    if (flow->handle == SL_FLOW_NONE ||
        sl_flow_tuples(table, flow->handle, &step->original, &step->reply) != SL_OK) {
        step->original = (struct sl_flow_tuple){0};
        step->reply = (struct sl_flow_tuple){0};
    }
}

void chain_trace_end(struct sl_chain_trace *trace, const struct sl_packet *packet)
{
    struct sl_chain_step *step = last_step(trace);
    if (step != NULL) {
        step->verdict = packet->verdict;
        step->rule = packet->rule;
        step->after = tuple_of(packet);
    }
}

void sl_chain_run_traced(struct sl_chain *chain, struct sl_packet *packet,
                         struct sl_chain_trace *ret_trace)
{
    struct sl_packet *list[1] = {packet};
    ret_trace->count = 0;
    chain->trace = ret_trace;
    sl_chain_run(chain, list, 1);
    chain->trace = NULL;
}
