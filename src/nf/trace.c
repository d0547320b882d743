/* SPDX-License-Identifier: Apache-2.0 */
/* What every NF of a chain did with the packets of a burst, written down for people. */
#include <string.h>

#include "nf/private.h"

static struct sl_flow_tuple tuple_of(const struct sl_packet *packet)
{
    struct sl_flow_tuple tuple;
    bool is_error;
    return sl_flow_tuple_of(packet, &tuple, &is_error) == SL_OK ? tuple : (struct sl_flow_tuple){0};
}

static struct sl_chain_trace *trace_of(const struct sl_chain *chain, const struct sl_packet *packet)
{
    uint32_t i = 0;
    while (i + 1 < chain->trace_count && chain->traces[i].packet != packet) {
        i++;
    }
    return &chain->traces[i];
}

static struct sl_chain_step *last_step(struct sl_chain_trace *trace)
{
    return trace->count > 0 ? &trace->steps[trace->count - 1] : NULL;
}

void chain_trace_begin(const struct sl_chain *chain, uint32_t nf, struct sl_packet *const *packets,
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sl_chain_trace *trace = trace_of(chain, packets[i]);
        if (trace->count < SL_CHAIN_STEPS_MAX) {
            trace->steps[trace->count++] = (struct sl_chain_step){
                .nf = nf, .port = packets[i]->port_in, .before = tuple_of(packets[i])};
        }
    }
}

static void note_flow(struct sl_chain_step *step, struct sl_flow_table *table,
                      const struct sl_flow *flow)
{
    step->has_flow_table = true;
    step->flow = *flow;
    step->flow.state = NULL;
    if (flow->handle == SL_FLOW_NONE ||
        sl_flow_tuples(table, flow->handle, &step->original, &step->reply) != SL_OK) {
        step->original = (struct sl_flow_tuple){0};
        step->reply = (struct sl_flow_tuple){0};
    }
}

void chain_trace_flows(const struct sl_chain *chain, struct sl_flow_table *table,
                       struct sl_packet *const *packets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sl_chain_step *step = last_step(trace_of(chain, packets[i]));
        if (step != NULL) {
            note_flow(step, table, &chain->flows[i]);
        }
    }
}

void chain_trace_end(const struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sl_chain_step *step = last_step(trace_of(chain, packets[i]));
        if (step != NULL) {
            step->verdict = packets[i]->verdict;
            step->rule = packets[i]->rule;
            step->after = tuple_of(packets[i]);
        }
    }
}

void sl_chain_run_traced(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count,
                         struct sl_chain_trace *ret_traces)
{
    for (uint32_t i = 0; i < count; i++) {
        ret_traces[i].packet = packets[i];
        ret_traces[i].count = 0;
    }
    chain->traces = ret_traces;
    chain->trace_count = count;
    sl_chain_run(chain, packets, count);
    chain->traces = NULL;
}
