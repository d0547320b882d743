/* SPDX-License-Identifier: Apache-2.0 */
/* What records beyond enclave memory cost: a cache of a share of the records against all of them
 * inside, by uniform and by Zipf access, in bursts, every access writing.
 *
 *   store   the flow store alone
 *   chain   packets of known flows through a chain with a flow NF (nf/example_flow): parsed, looked
 *           up, followed, decided
 *   bounce  the same with the two AES-128-GCM passes that each bounced packet costs at least
 *
 *   bench-flow-store [--count N] [--cache PERCENT] [--record BYTES] [--rounds N] [--out FILE] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/bytes.h"
#include "esp/aead.h"
#include "flow/spill.h"
#include "flow/store.h"
#include "measure.h"
#include "nf/chain.h"
#include "zipf.h"

enum { BURST = 64, TRACE = 1 << 22, WINDOW = BURST * 256, PACKET = 64 };

struct access {
    uint32_t *slots; /* TRACE of them, round and round */
    size_t at;
};

struct subject {
    struct sl_flow_store *store;
    struct access *access;
    uint32_t *slot_of; /* the store's number for record i */
    struct sl_aead *work;
    size_t at;
};

static struct {
    uint32_t count;
    uint32_t cache_percent;
    uint32_t record_size;
    unsigned rounds;
    const char *out;
} options = {2000000, 5, 64, 40, NULL};

static uint64_t random_state = 88172645463325252ull;

static void *make(size_t count, size_t size)
{
    void *made = calloc(count, size);
    if (made == NULL) {
        bench_die("no memory for %zu times %zu bytes", count, size);
    }
    return made;
}

static uint32_t *make_trace(double exponent)
{
    struct bench_zipf *zipf = bench_zipf_new(options.count, exponent);
    uint32_t *slots = make(TRACE, sizeof(*slots));
    for (size_t i = 0; i < TRACE; i++) {
        slots[i] = bench_zipf_next(zipf, &random_state);
    }
    bench_zipf_free(zipf);
    return slots;
}

/* Time that this thread had a processor: what others get on a busy machine is not counted. */
static uint64_t cpu_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Opening and sealing a packet: what every bounced one costs. */
static void packet_work(struct sl_aead *aead, uint8_t *packet)
{
    uint8_t nonce[SL_AEAD_NONCE_SIZE] = {1};
    uint8_t tag[SL_AEAD_TAG_SIZE];
    if (sl_aead_decrypt(aead, nonce, nonce, 8, packet, PACKET, packet, packet + PACKET)) {
        packet[0]++;
    }
    sl_aead_encrypt(aead, nonce, nonce, 8, packet, PACKET, packet, tag);
}

static uint64_t run(void *ctx, uint64_t count)
{
    struct subject *subject = ctx;
    uint64_t begin_ns = cpu_now_ns();
    static uint8_t packet[PACKET + SL_AEAD_TAG_SIZE];
    for (uint64_t done = 0; done < count; done += BURST) {
        uint32_t slots[BURST];
        for (uint32_t i = 0; i < BURST; i++) {
            slots[i] = subject->slot_of[subject->access->slots[subject->at++ % TRACE]];
        }
        for (uint32_t i = 0; i < BURST; i++) {
            sl_flow_store_prefetch_place(subject->store, slots[i]);
        }
        for (uint32_t i = 0; i < BURST; i++) {
            sl_flow_store_prefetch(subject->store, slots[i], options.record_size);
        }
        for (uint32_t i = 0; i < BURST; i++) {
            void *record = NULL;
            if (subject->work != NULL) {
                packet_work(subject->work, packet);
            }
            if (sl_flow_store_pin(subject->store, slots[i], true, &record) != SL_OK) {
                bench_die("a record was lost");
            }
            ((uint64_t *)record)[1]++;
        }
        sl_flow_store_unpin(subject->store);
    }
    return cpu_now_ns() - begin_ns;
}

static uint8_t *make_outside(size_t size)
{
    const size_t huge = 2 << 20; /* as src/host maps it */
    size = (size + huge - 1) / huge * huge;
    uint8_t *outside = aligned_alloc(huge, size);
    if (outside == NULL) {
        bench_die("no memory");
    }
    (void)madvise(outside, size, MADV_HUGEPAGE);
    memset(outside, 0, size);
    return outside;
}

static struct sl_flow_store *make_store(uint32_t inside_count, uint32_t *slot_of)
{
    struct sl_flow_store_params params = {
        .record_size = options.record_size, .count = options.count, .inside_count = inside_count};
    struct sl_flow_store *store = NULL;
    struct sl_err err = {0};
    params.outside_size = sl_flow_store_outside_size(&params);
    if (params.outside_size > 0) {
        params.outside = make_outside(params.outside_size);
    }
    if (sl_flow_store_create(&params, &store, &err) != SL_OK) {
        bench_die("%s", err.text);
    }
    for (uint32_t i = 0; i < options.count; i++) {
        void *record = NULL;
        if (sl_flow_store_take(store, &slot_of[i], &record) != SL_OK) {
            bench_die("no slot");
        }
        memset(record, (int)i, options.record_size);
        if (i % BURST == 0) {
            sl_flow_store_unpin(store);
        }
    }
    sl_flow_store_unpin(store);
    return store;
}

/* ---- packets through a chain ---- */

struct packets {
    struct sl_chain *chain;
    struct access *access;
    struct sl_aead *work;
    size_t at;
    uint8_t data[BURST][PACKET];
    uint8_t scratch[PACKET + SL_AEAD_TAG_SIZE];
};

/* IPv4 and UDP without a checksum; the flow's number is in addresses and ports. */
static void packet_write(uint8_t *data, uint32_t number)
{
    static const uint8_t head[PACKET] = {0x45, 0, 0, PACKET, 0, 0, 0, 0, 64, 17};
    memcpy(data, head, sizeof(head));
    sl_be32_put(data + 12, 0x0a000000u + number / 4);
    sl_be32_put(data + 16, 0xc0000201u);
    sl_be16_put(data + 20, (uint16_t)(1024 + number % 4));
    sl_be16_put(data + 22, 443);
    sl_be16_put(data + 24, PACKET - 20);
}

static uint64_t chain_counter(const struct sl_chain *chain, const char *name)
{
    for (uint32_t i = 0; i < sl_chain_nf_counter_count(chain, 0); i++) {
        struct sl_nf_counter counter;
        sl_chain_nf_counter_get(chain, 0, i, &counter);
        if (strcmp(counter.name, name) == 0) {
            return counter.value;
        }
    }
    bench_die("no counter %s", name);
}

static uint64_t run_packets(void *ctx, uint64_t count)
{
    struct packets *subject = ctx;
    uint64_t begin_ns = cpu_now_ns();
    for (uint64_t done = 0; done < count; done += BURST) {
        struct sl_packet packets[BURST];
        struct sl_packet *list[BURST];
        for (uint32_t i = 0; i < BURST; i++) {
            packet_write(subject->data[i], subject->access->slots[subject->at++ % TRACE]);
            packets[i] = (struct sl_packet){
                .data = subject->data[i], .size = PACKET, .room = PACKET, .port_in = SL_PORT_LAN};
            list[i] = &packets[i];
            if (subject->work != NULL) {
                packet_work(subject->work, subject->scratch);
            }
            if (sl_packet_parse(&packets[i]) != SL_OK) {
                bench_die("a packet of ours is malformed");
            }
        }
        sl_chain_run(subject->chain, list, BURST);
        for (uint32_t i = 0; i < BURST; i++) {
            if (packets[i].verdict != SL_VERDICT_PASS) {
                bench_die("a packet was dropped; %llu flows, %llu times no room, %llu damaged",
                          (unsigned long long)chain_counter(subject->chain, "flow table: flows"),
                          (unsigned long long)chain_counter(subject->chain, "flow table: full"),
                          (unsigned long long)chain_counter(subject->chain, "flow table: damaged"));
            }
        }
    }
    return cpu_now_ns() - begin_ns;
}

static struct sl_chain *make_chain(uint32_t inside_count, struct sl_flow_spill *spill)
{
    static const uint8_t policy[4] = {0xff, 0xff, 0xff, 0xff};
    uint8_t bundle[128];
    struct sl_writer w;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    const struct sl_chain_place place = {.spill = spill};
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 2);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, "example_flow");
    sl_writer_be32(&w, 4 * 6);
    const struct {
        uint16_t number;
        uint32_t value;
    } table[] = {{1, options.count + options.count / 16}, {2, 0}, {3, inside_count}, {32, 2592000}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        sl_writer_be16(&w, table[i].number);
        sl_writer_be32(&w, table[i].value);
    }
    sl_writer_be32(&w, sizeof(policy));
    sl_writer_bytes(&w, policy, sizeof(policy));
    if (w.rc != SL_OK || sl_chain_create_at(bundle, w.off, &place, &chain, &err) != SL_OK) {
        bench_die("%s", err.text);
    }
    sl_chain_set_now(chain, 1000000);
    return chain;
}

static void fill_chain(struct packets *subject, struct access *order)
{
    struct access *access = subject->access;
    subject->access = order;
    subject->at = 0;
    (void)run_packets(subject, (options.count + BURST - 1) / BURST * BURST);
    subject->access = access;
}

/* ---- both ---- */

static double hit_share(const struct sl_flow_store *store, struct sl_flow_store_counters *before)
{
    struct sl_flow_store_counters now;
    sl_flow_store_counters(store, &now);
    double hits = (double)(now.hits - before->hits);
    double fetches = (double)(now.fetches - before->fetches);
    *before = now;
    return hits / (hits + fetches);
}

static void report(json_t *body, const char *what, const char *access,
                   const struct bench_stat stats[2], double hits)
{
    char key[64];
    printf("%-7s %-8s inside %6.1f ns  spilled %6.1f ns  rate %.3f (best %.3f)  hits %.3f\n", what,
           access, stats[0].p10, stats[1].p10, 1 / stats[1].ratio, 1 / stats[1].ratio_min, hits);
    (void)snprintf(key, sizeof(key), "%s_%s", what, access);
    (void)json_object_set_new(
        body, key,
        json_pack("{s:o, s:o, s:f, s:f}", "inside", bench_stat_json(&stats[0]), "spilled",
                  bench_stat_json(&stats[1]), "rate", 1 / stats[1].ratio, "hits", hits));
}

static void bench_store(json_t *body, struct access *zipf, struct access *uniform)
{
    uint32_t cached = (uint32_t)((uint64_t)options.count * options.cache_percent / 100);
    uint32_t *slot_of = make(options.count, sizeof(*slot_of));
    struct sl_flow_store *inside = make_store(options.count, slot_of);
    struct sl_flow_store *spilled = make_store(cached, slot_of);
    for (int part = 0; part < 2; part++) {
        struct access *access = part == 0 ? zipf : uniform;
        struct subject a = {inside, access, slot_of, NULL, 0};
        struct subject b = {spilled, access, slot_of, NULL, 0};
        struct bench_case cases[] = {{"inside", run, &a, WINDOW, 0},
                                     {"spilled", run, &b, WINDOW, 0}};
        struct bench_stat stats[2];
        struct sl_flow_store_counters before = {0};
        (void)run(&b, (uint64_t)options.count * 2 / BURST * BURST); /* the cache settles */
        (void)hit_share(spilled, &before);
        bench_interleave(cases, 2, options.rounds, stats);
        report(body, "store", part == 0 ? "zipf" : "uniform", stats, hit_share(spilled, &before));
    }
    sl_flow_store_free(inside);
    sl_flow_store_free(spilled);
    free(slot_of);
}

static void bench_chain(json_t *body, struct access *zipf, struct access *uniform)
{
    static struct sl_aead aead;
    static const uint8_t key[16] = {1};
    uint32_t cached = (uint32_t)((uint64_t)options.count * options.cache_percent / 100);
    struct sl_flow_spill spill;
    struct access order = {.slots = make(TRACE, sizeof(uint32_t))};
    struct packets *a = make(1, sizeof(*a));
    struct packets *b = make(1, sizeof(*b));
    for (uint32_t i = 0; i < TRACE; i++) {
        order.slots[i] = i % options.count;
    }
    if (sl_aead_init(&aead, SL_ESP_AES_128_GCM_16, key, SL_AEAD_LEVEL_AUTO) != SL_OK) {
        bench_die("no AES-GCM");
    }
    size_t outside = (size_t)(options.count + options.count / 16) * 128;
    sl_flow_spill_init(&spill, make_outside(outside), outside);
    a->chain = make_chain(UINT32_MAX, NULL);
    b->chain = make_chain(cached, &spill);
    fill_chain(a, &order);
    fill_chain(b, &order);
    for (int part = 0; part < 4; part++) {
        a->access = b->access = part % 2 == 0 ? zipf : uniform;
        a->work = b->work = part < 2 ? NULL : &aead;
        struct bench_case cases[] = {{"inside", run_packets, a, WINDOW, 0},
                                     {"spilled", run_packets, b, WINDOW, 0}};
        struct bench_stat stats[2];
        (void)run_packets(b, (uint64_t)options.count * 2 / BURST * BURST);
        uint64_t hits = chain_counter(b->chain, "flow table: hits");
        uint64_t fetches = chain_counter(b->chain, "flow table: fetches");
        bench_interleave(cases, 2, options.rounds, stats);
        hits = chain_counter(b->chain, "flow table: hits") - hits;
        fetches = chain_counter(b->chain, "flow table: fetches") - fetches;
        report(body, part < 2 ? "chain" : "bounce", part % 2 == 0 ? "zipf" : "uniform", stats,
               (double)hits / (double)(hits + fetches));
    }
    if (chain_counter(b->chain, "flow table: flows") != options.count) {
        bench_die("flows were lost");
    }
    sl_chain_free(a->chain);
    sl_chain_free(b->chain);
}

static int options_read(int argc, char **argv)
{
    static const struct option longs[] = {{"count", 1, NULL, 'n'},  {"cache", 1, NULL, 'c'},
                                          {"record", 1, NULL, 'r'}, {"rounds", 1, NULL, 'R'},
                                          {"out", 1, NULL, 'o'},    {NULL, 0, NULL, 0}};
    int letter = 0;
    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        unsigned long value = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;
        switch (letter) {
        case 'n':
            options.count = (uint32_t)value;
            break;
        case 'c':
            options.cache_percent = (uint32_t)value;
            break;
        case 'r':
            options.record_size = (uint32_t)value;
            break;
        case 'R':
            options.rounds = (unsigned)value;
            break;
        case 'o':
            options.out = optarg;
            break;
        default:
            return 2;
        }
    }
    return options.count >= 4096 && options.count < TRACE ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (options_read(argc, argv) != 0) {
        return 2;
    }
    struct access uniform = {.slots = make_trace(0)};
    struct access zipf = {.slots = make_trace(1)};
    struct bench_case calibration = bench_calibration_case();
    struct bench_stat quiet;
    bench_interleave(&calibration, 1, options.rounds, &quiet);
    printf("calibration %.0f ns; %u flows, cache of %u %%\n", quiet.p10, options.count,
           options.cache_percent);
    json_t *body = json_pack("{s:i,s:i,s:i,s:o}", "flows", (int)options.count, "cache_percent",
                             (int)options.cache_percent, "record_bytes", (int)options.record_size,
                             "calibration", bench_stat_json(&quiet));
    bench_store(body, &zipf, &uniform);
    bench_chain(body, &zipf, &uniform);
    if (options.out != NULL) {
        bench_result_write(options.out, "flow_store", body);
    } else {
        json_decref(body);
    }
    return 0;
}
