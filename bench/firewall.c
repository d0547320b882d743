/* SPDX-License-Identifier: Apache-2.0 */
/* ns per packet of the firewall alone: ClassBench sets as they are and multiplied to 10,000 rules,
 * packets sampled from the rules. Per burst the least of 30 runs, so that a noisy machine disturbs
 * little. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "nf/chain.h"
#include "reference.h"

enum { PACKETS = 16384, SIZE = 64, RUNS = 30, RULES = 10000, POLICY_MAX = 8 << 20 };

static uint64_t seed = 99;

static double now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A value of one dimension inside the rule. */
static uint32_t sample(const struct ref_rule *rule, uint32_t dim, uint32_t max)
{
    uint32_t lo = 0;
    uint32_t hi = max;
    if (rule->count[dim] != 0) {
        const struct ref_interval *in = &rule->intervals[dim][0];
        lo = max == 0xffff ? sl_be16_get(in->lo) : sl_be32_get(in->lo);
        hi = max == 0xffff ? sl_be16_get(in->hi) : sl_be32_get(in->hi);
    }
    return lo + (uint32_t)(ref_random(&seed) % ((uint64_t)hi - lo + 1));
}

static void make_packet(const struct ref_rule *rule, uint8_t *data)
{
    memset(data, 0, SIZE);
    data[0] = 0x45;
    data[3] = 44;
    data[9] = rule->count[SL_FW_DIM_PROTO] ? rule->intervals[SL_FW_DIM_PROTO][0].lo[0] : 6;
    sl_be32_put(data + 12, sample(rule, SL_FW_DIM_SRC4, 0xffffffff));
    sl_be32_put(data + 16, sample(rule, SL_FW_DIM_DST4, 0xffffffff));
    sl_be16_put(data + 20, (uint16_t)sample(rule, SL_FW_DIM_SPORT, 0xffff));
    sl_be16_put(data + 22, (uint16_t)sample(rule, SL_FW_DIM_DPORT, 0xffff));
    data[32] = 0x50;
}

/* Further copies of the set with other middle bytes in their addresses. */
static uint32_t multiply(struct ref_rule *rules, uint32_t base)
{
    for (uint32_t i = base; i < RULES; i++) {
        uint32_t change = (i / base * 0x9e3779b1u) & 0x00ffff00;
        rules[i] = rules[i % base];
        for (uint32_t dim = SL_FW_DIM_SRC4; dim <= SL_FW_DIM_DST4; dim++) {
            struct ref_interval *in = &rules[i].intervals[dim][0];
            uint32_t host = sl_be32_get(in->lo) ^ sl_be32_get(in->hi);
            uint32_t lo = (sl_be32_get(in->lo) ^ change) & ~host;
            sl_be32_put(in->lo, lo);
            sl_be32_put(in->hi, lo | host);
        }
    }
    return RULES;
}

static void measure(const char *name, const struct ref_rule *rules, uint32_t count)
{
    static uint8_t data[PACKETS][SIZE];
    static double least[PACKETS / SL_BURST_MAX];
    struct sl_chain *chain = NULL;
    struct sl_err err = {0};
    uint8_t *policy = malloc(POLICY_MAX);
    uint8_t *bundle = malloc(POLICY_MAX);
    if (policy == NULL || bundle == NULL) {
        return;
    }
    size_t size = ref_policy_write(rules, count, SL_FW_DROP, policy, POLICY_MAX);
    size = ref_bundle_write(policy, size, 1, bundle, POLICY_MAX);
    double start = now_ns();
    if (sl_chain_create(bundle, size, &chain, &err) != SL_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double load_ms = (now_ns() - start) / 1e6;
    for (uint32_t i = 0; i < PACKETS; i++) {
        make_packet(&rules[ref_random(&seed) % count], data[i]);
    }
    for (uint32_t run = 0; run < RUNS; run++) {
        for (uint32_t b = 0; b < PACKETS / SL_BURST_MAX; b++) {
            struct sl_packet packets[SL_BURST_MAX];
            struct sl_packet *list[SL_BURST_MAX];
            for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
                packets[i] = (struct sl_packet){
                    .data = data[b * SL_BURST_MAX + i], .size = 44, .room = SIZE};
                list[i] = &packets[i];
                if (sl_packet_parse(&packets[i]) != SL_OK) {
                    exit(1);
                }
            }
            start = now_ns();
            sl_chain_run(chain, list, SL_BURST_MAX);
            double took = now_ns() - start;
            least[b] = run == 0 || took < least[b] ? took : least[b];
        }
    }
    double sum = 0;
    for (uint32_t b = 0; b < PACKETS / SL_BURST_MAX; b++) {
        sum += least[b];
    }
    printf("%-10s %6u rules  %6.1f ns per packet  loaded in %.0f ms\n", name, count, sum / PACKETS,
           load_ms);
    sl_chain_free(chain);
    free(policy);
    free(bundle);
}

int main(int argc, char **argv)
{
    static struct ref_rule rules[RULES];
    for (int i = 1; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');
        const char *name = slash != NULL ? slash + 1 : argv[i];
        uint32_t count = ref_classbench_read(argv[i], rules, RULES);
        if (count == 0) {
            fprintf(stderr, "%s: no ClassBench set\n", argv[i]);
            return 1;
        }
        measure(name, rules, 1);
        measure(name, rules, count);
        measure(name, rules, multiply(rules, count));
    }
    return argc > 1 ? 0 : 2;
}
