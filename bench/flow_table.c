/* SPDX-License-Identifier: Apache-2.0 */
/* ns per packet of a flow NF's chain beside that of a stateless one, and bytes per flow.
 *   bench-flow-table [FLOWS...] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "flow/table.h"
#include "measure.h"
#include "nf/chain.h"
#include "safelib/checksum.h"

enum { SIZE = 64, BUNDLE_MAX = 512, WINDOW = 16384 };

struct bed {
    struct sl_chain *chain;
    uint32_t flows, next;
};

static uint64_t seed = 88172645463325252u;

static void make_packet(uint8_t *data, uint32_t flow)
{
    memset(data, 0, SIZE);
    data[0] = 0x45;
    data[3] = SIZE - 14 - 4;
    data[8] = 64;
    data[9] = 17;
    sl_be32_put(data + 12, 0x0a000000u + flow / 50);
    sl_be32_put(data + 16, 0xc0000201u);
    sl_be16_put(data + 20, (uint16_t)(1024 + flow % 50));
    sl_be16_put(data + 22, 53);
    sl_be16_put(data + 24, (uint16_t)(SIZE - 14 - 4 - 20));
    uint64_t sum = sl_checksum_pseudo(data + 12, data + 16, 4, 17, SIZE - 38);
    sl_be16_put(data + 26, sl_checksum_fold(sl_checksum_add(sum, data + 20, SIZE - 38)));
}

static struct sl_chain *load(const char *nf, const uint8_t *policy, uint32_t size, uint32_t flows)
{
    uint8_t bundle[BUNDLE_MAX];
    uint8_t options[SL_FLOW_OPTIONS_MAX];
    size_t options_size = 0;
    struct sl_flow_options set;
    struct sl_writer w;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    sl_flow_options_default(&set);
    set.flows = flows;
    set.flows6 = 0;
    if (flows != 0 &&
        sl_flow_options_write(&set, options, sizeof(options), &options_size) != SL_OK) {
        bench_die("options");
    }
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 2);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, nf);
    sl_writer_be32(&w, (uint32_t)options_size);
    sl_writer_bytes(&w, options, options_size);
    sl_writer_be32(&w, size);
    sl_writer_bytes(&w, policy, size);
    if (sl_chain_create(bundle, w.off, &chain, &err) != SL_OK) {
        bench_die("%s", err.text);
    }
    return chain;
}

/* One burst. Its packets are in the first cache, as after decryption. @return ns in the chain */
static uint64_t run_burst(struct bed *bed, bool is_uniform)
{
    static uint8_t data[SL_BURST_MAX][SIZE];
    struct sl_packet packets[SL_BURST_MAX];
    struct sl_packet *list[SL_BURST_MAX];
    for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
        make_packet(data[i],
                    is_uniform ? (uint32_t)(bench_random(&seed) % bed->flows) : bed->next++);
        packets[i] = (struct sl_packet){.data = data[i], .size = SIZE - 14, .room = SIZE};
        list[i] = &packets[i];
        if (sl_packet_parse(&packets[i]) != SL_OK) {
            bench_die("parse");
        }
    }
    uint64_t start = bench_now_ns();
    sl_chain_run(bed->chain, list, SL_BURST_MAX);
    return bench_now_ns() - start;
}

static uint64_t measure(void *ctx, uint64_t count)
{
    uint64_t ns = 0;
    for (uint64_t i = 0; i < count; i += SL_BURST_MAX) {
        ns += run_burst(ctx, true);
    }
    return ns;
}

static void one_size(uint32_t flows)
{
    static const uint8_t most[4] = {0xff, 0xff, 0xff, 0xff};
    static const uint8_t least[1] = {1};
    struct bed stateless = {.chain = load("example_ttl", least, 1, 0), .flows = flows};
    struct bed stateful = {.chain = load("example_flow", most, 4, flows), .flows = flows};
    for (uint32_t i = 0; i < flows; i += SL_BURST_MAX) {
        (void)run_burst(&stateful, false);
    }
    struct bench_stat stats[2];
    const struct bench_case cases[2] = {
        {.name = "stateless", .run = measure, .ctx = &stateless, .count = WINDOW},
        {.name = "flows", .run = measure, .ctx = &stateful, .count = WINDOW},
    };
    bench_interleave(cases, 2, 60, stats);
    struct sl_nf_counter counter;
    sl_chain_nf_counter_get(stateful.chain, 0, 0, &counter);
    printf(
        "%8u flows (%llu live): stateless %.1f ns, with flows %.1f ns (p10 %.1f), more: %.1f ns\n",
        flows, (unsigned long long)counter.value, stats[0].min, stats[1].min, stats[1].p10,
        stats[1].min - stats[0].min);
    sl_chain_free(stateless.chain);
    sl_chain_free(stateful.chain);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        one_size(100000);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        one_size((uint32_t)strtoul(argv[i], NULL, 10));
    }
    return 0;
}
