/* SPDX-License-Identifier: Apache-2.0 */
/* What records beyond enclave memory cost: the flow store with a cache of a share of its records
 * against the same store with all inside, by uniform and by Zipf access, in bursts, every access
 * writing; alone, and beside the crypto that each bounced packet costs at least.
 *
 *   bench-flow-store [--count N] [--cache PERCENT] [--record BYTES] [--rounds N] [--out FILE] */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "esp/aead.h"
#include "flow/store.h"
#include "measure.h"

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
} options = {2000000, 5, 128, 40, NULL};

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void *make(size_t count, size_t size)
{
    void *made = calloc(count, size);
    if (made == NULL) {
        bench_die("no memory for %zu times %zu bytes", count, size);
    }
    return made;
}

static uint32_t *make_uniform(void)
{
    uint32_t *slots = make(TRACE, sizeof(*slots));
    for (size_t i = 0; i < TRACE; i++) {
        slots[i] = (uint32_t)(next_random() % options.count);
    }
    return slots;
}

/* Rank r with probability proportional to 1 / r; which record has which rank is shuffled. */
static uint32_t *make_zipf(void)
{
    uint32_t n = options.count;
    double *sums = make(n, sizeof(*sums));
    uint32_t *order = make(n, sizeof(*order));
    uint32_t *slots = make(TRACE, sizeof(*slots));
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += 1.0 / (i + 1);
        sums[i] = sum;
        order[i] = i;
    }
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t other = (uint32_t)(next_random() % (i + 1));
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < TRACE; i++) {
        double wanted = (double)(next_random() >> 11) * 0x1p-53 * sum;
        uint32_t low = 0;
        uint32_t high = n - 1;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (sums[middle] < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        slots[i] = order[low];
    }
    free(sums);
    free(order);
    return slots;
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
    static uint8_t packet[PACKET + SL_AEAD_TAG_SIZE];
    for (uint64_t done = 0; done < count; done += BURST) {
        uint32_t slots[BURST];
        for (uint32_t i = 0; i < BURST; i++) {
            slots[i] = subject->slot_of[subject->access->slots[subject->at++ % TRACE]];
        }
        sl_flow_store_prefetch(subject->store, slots, BURST);
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
    return 0;
}

static struct sl_flow_store *make_store(uint32_t inside_count, uint32_t *slot_of)
{
    struct sl_flow_store_params params = {
        .record_size = options.record_size, .count = options.count, .inside_count = inside_count};
    struct sl_flow_store *store = NULL;
    struct sl_err err = {0};
    params.outside_size = sl_flow_store_outside_size(&params);
    if (params.outside_size > 0) {
        params.outside = aligned_alloc(2 << 20, (params.outside_size + (2 << 20) - 1) &
                                                    ~(size_t)((2 << 20) - 1));
        if (params.outside == NULL) {
            bench_die("no memory");
        }
        (void)madvise(params.outside, params.outside_size, MADV_HUGEPAGE);
        memset(params.outside, 0, params.outside_size);
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

static double hit_share(const struct sl_flow_store *store, struct sl_flow_store_counters *before)
{
    struct sl_flow_store_counters now;
    sl_flow_store_counters(store, &now);
    double hits = (double)(now.hits - before->hits);
    double fetches = (double)(now.fetches - before->fetches);
    *before = now;
    return hits / (hits + fetches);
}

int main(int argc, char **argv)
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
    uint32_t *slot_of = make(options.count, sizeof(*slot_of));
    uint32_t cached = (uint32_t)((uint64_t)options.count * options.cache_percent / 100);
    struct sl_flow_store *inside = make_store(options.count, slot_of);
    struct sl_flow_store *spilled = make_store(cached, slot_of);
    struct access uniform = {.slots = make_uniform()};
    struct access zipf = {.slots = make_zipf()};
    static struct sl_aead aead;
    static const uint8_t key[16] = {1};
    if (sl_aead_init(&aead, SL_ESP_AES_128_GCM_16, key, SL_AEAD_LEVEL_AUTO) != SL_OK) {
        bench_die("no AES-GCM");
    }
    json_t *body = json_pack("{s:i,s:i,s:i}", "flows", (int)options.count, "cache_percent",
                             (int)options.cache_percent, "record_bytes", (int)options.record_size);
    for (int part = 0; part < 4; part++) {
        struct access *access = part % 2 == 0 ? &zipf : &uniform;
        struct sl_aead *work = part < 2 ? NULL : &aead;
        struct subject a = {inside, access, slot_of, work, 0};
        struct subject b = {spilled, access, slot_of, work, 0};
        struct bench_case cases[] = {{"inside", run, &a, WINDOW, 0},
                                     {"spilled", run, &b, WINDOW, 0}};
        struct bench_stat stats[2];
        struct sl_flow_store_counters before;
        (void)run(&b, (uint64_t)options.count * 2 / BURST * BURST); /* the cache settles */
        (void)hit_share(spilled, &before);
        bench_interleave(cases, 2, options.rounds, stats);
        printf("%-8s %-12s inside %6.1f ns  spilled %6.1f ns  rate %.3f  hits %.3f\n",
               part % 2 == 0 ? "zipf" : "uniform", work ? "with packet" : "store alone",
               stats[0].median, stats[1].median, 1 / stats[1].ratio, hit_share(spilled, &before));
    }
    if (options.out != NULL) {
        bench_result_write(options.out, "flow_store", body);
    }
    return 0;
}
