/* SPDX-License-Identifier: Apache-2.0 */
/* How an image's shards scale: one and two threads that make packets, steer them and run a chain
 * with a flow table over them, as the workers of one image do; nothing comes from a host. In the
 * third case half of the packets belong to the other shard, and go there through the rings. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "image/handover.h"
#include "measure.h"
#include "nf/chain.h"

enum {
    SHARDS = 2,
    FLOWS = 100000,
    WINDOW = 512 * SL_BURST_MAX, /* packets of each thread */
    ROUNDS = 40,
    SIZE = 64, /* of a frame: 50 bytes of IP */
};

struct shard {
    struct team *team;
    struct sl_chain *chain;
    uint32_t *own; /* flows that belong here */
    uint32_t own_count;
    uint64_t random;
    uint64_t packets; /* through this shard's chain */
    uint64_t cpu_ns;
    uint64_t begin_ns, end_ns; /* of its last window */
    uint32_t index;
};

/* Threads that work at once. */
struct team {
    struct shard shards[SHARDS];
    uint32_t count;
    bool is_mixed;
    _Atomic uint32_t done;
    pthread_barrier_t start;
    struct sl_handover rings[SHARDS]; /* to each */
};

static void make_packet(uint8_t *out, uint32_t flow)
{
    static const uint8_t head[28] = {0x45, 0, 0, SIZE - 14, 0, 0, 0, 0, 64, 17};
    memcpy(out, head, sizeof(head));
    sl_be32_put(out + 12, 0x0a000000 + flow);
    sl_be32_put(out + 16, 0xc0000201);
    sl_be16_put(out + 20, 4000);
    sl_be16_put(out + 22, 443);
    sl_be16_put(out + 24, SIZE - 14 - 20);
}

static void read_packet(uint8_t *data, uint32_t flow, struct sl_packet *packet)
{
    make_packet(data, flow);
    *packet = (struct sl_packet){.data = data, .size = SIZE - 14, .room = SIZE};
    if (sl_packet_parse(packet) != SL_OK) {
        bench_die("parse");
    }
}

static uint64_t cpu_now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t next_flow(struct shard *shard)
{
    shard->random = shard->random * 6364136223846793005u + 1442695040888963407u;
    uint32_t number = (uint32_t)(shard->random >> 33);
    return shard->team->is_mixed ? number % FLOWS : shard->own[number % shard->own_count];
}

/* What the other shard handed over. @return packets */
static uint32_t run_handed(struct shard *shard)
{
    struct sl_packet *list[SL_BURST_MAX];
    struct sl_handover *ring = &shard->team->rings[shard->index];
    struct sl_handed *handed;
    uint32_t count = 0;
    while (count < SL_BURST_MAX && (handed = sl_handover_peek(ring)) != NULL) {
        list[count++] = &handed->packet;
    }
    if (count > 0) {
        sl_chain_run(shard->chain, list, count);
        sl_handover_release(ring);
        shard->packets += count;
    }
    return count;
}

/* A burst of its own. */
static void run_burst(struct shard *shard)
{
    uint8_t data[SL_BURST_MAX][SIZE];
    struct sl_packet packets[SL_BURST_MAX];
    struct sl_packet *list[SL_BURST_MAX];
    struct team *team = shard->team;
    uint32_t count = 0;
    for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
        read_packet(data[i], next_flow(shard), &packets[i]);
        uint32_t to = team->count > 1 ? sl_chain_steer(shard->chain, &packets[i]) : shard->index;
        if (to == shard->index) {
            list[count++] = &packets[i];
            continue;
        }
        while (sl_handover_put(&team->rings[to], &packets[i], 0) != SL_OK) {
            if (run_handed(shard) == 0) { /* nothing is dropped here: it waits */
                (void)sched_yield();
            }
        }
    }
    sl_chain_run(shard->chain, list, count);
    shard->packets += count;
}

static void *work(void *arg)
{
    struct shard *shard = arg;
    struct team *team = shard->team;
    (void)pthread_barrier_wait(&team->start);
    shard->begin_ns = bench_now_ns();
    uint64_t cpu_ns = cpu_now_ns();
    for (uint32_t made = 0; made < WINDOW; made += SL_BURST_MAX) {
        run_burst(shard);
        if (team->is_mixed) {
            (void)run_handed(shard);
        }
    }
    shard->cpu_ns += cpu_now_ns() - cpu_ns;
    (void)atomic_fetch_add(&team->done, 1);
    while (atomic_load(&team->done) < team->count) {
        (void)run_handed(shard);
    }
    (void)run_handed(shard);
    shard->end_ns = bench_now_ns();
    return NULL;
}

/* @return packets per second of one window, by the wall's clock; also by the processors' */
static double window(struct team *team, double *ret_cpu_rate)
{
    pthread_t threads[SHARDS];
    uint64_t before = 0;
    uint64_t after = 0;
    uint64_t cpu_ns = 0;
    (void)pthread_barrier_init(&team->start, NULL, team->count + 1);
    team->done = 0;
    for (uint32_t i = 0; i < team->count; i++) {
        before += team->shards[i].packets;
        team->shards[i].cpu_ns = 0;
        if (pthread_create(&threads[i], NULL, work, &team->shards[i]) != 0) {
            bench_die("no thread");
        }
    }
    (void)pthread_barrier_wait(&team->start);
    uint64_t start = UINT64_MAX;
    uint64_t end = 0;
    for (uint32_t i = 0; i < team->count; i++) {
        (void)pthread_join(threads[i], NULL);
        after += team->shards[i].packets;
        cpu_ns += team->shards[i].cpu_ns;
        start = team->shards[i].begin_ns < start ? team->shards[i].begin_ns : start;
        end = team->shards[i].end_ns > end ? team->shards[i].end_ns : end;
    }
    (void)pthread_barrier_destroy(&team->start);
    *ret_cpu_rate = (double)(after - before) * team->count * 1e9 / (double)cpu_ns;
    return (double)(after - before) * 1e9 / (double)(end - start);
}

static void load(struct team *team)
{
    uint8_t bundle[128];
    struct sl_writer w;
    struct sl_err err = {0};
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, SL_CHAIN_FORMAT_OPTIONS);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, "example_flow");
    sl_writer_be32(&w, 6);
    sl_writer_be16(&w, 1); /* flows */
    sl_writer_be32(&w, FLOWS + FLOWS / 4);
    sl_writer_be32(&w, 4);
    sl_writer_be32(&w, UINT32_MAX);
    for (uint32_t i = 0; i < team->count; i++) {
        struct shard *shard = &team->shards[i];
        const struct sl_chain_place place = {
            .first = i > 0 ? team->shards[0].chain : NULL, .shard = i, .shard_count = team->count};
        if (sl_chain_create_at(bundle, w.off, &place, &shard->chain, &err) != SL_OK ||
            sl_handover_init(&team->rings[i], 1 << 18) != SL_OK) {
            bench_die("%s", err.text);
        }
        shard->team = team;
        shard->index = i;
        shard->random = i + 1;
        shard->own = calloc(FLOWS, sizeof(*shard->own));
        if (shard->own == NULL) {
            bench_die("no memory");
        }
    }
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
        uint8_t data[SIZE];
        struct sl_packet packet;
        read_packet(data, flow, &packet);
        uint32_t to = sl_chain_steer(team->shards[0].chain, &packet);
        struct shard *shard = &team->shards[to == SL_STEER_ANY ? 0 : to];
        shard->own[shard->own_count++] = flow;
    }
}

struct rates {
    double wall[ROUNDS], cpu[ROUNDS];
};

int main(void)
{
    static struct team teams[3] = {
        {.count = 1}, {.count = SHARDS}, {.count = SHARDS, .is_mixed = true}};
    static const char *const names[3] = {"one shard", "two shards", "two, half handed over"};
    static struct rates rates[3];
    for (uint32_t i = 0; i < 3; i++) {
        load(&teams[i]);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < 3; i++) {
            rates[i].wall[round] = window(&teams[i], &rates[i].cpu[round]);
        }
    }
    for (uint32_t i = 0; i < 3; i++) {
        bench_sort(rates[i].wall, ROUNDS);
        bench_sort(rates[i].cpu, ROUNDS);
        double best = rates[i].wall[ROUNDS - 1];
        double cpu = bench_percentile(rates[i].cpu, ROUNDS, 0.5);
        printf("%-22s best %.2f Mpps (%.2f x), median %.2f; by processor time %.2f Mpps (%.2f x)\n",
               names[i], best / 1e6, best / rates[0].wall[ROUNDS - 1],
               bench_percentile(rates[i].wall, ROUNDS, 0.5) / 1e6, cpu / 1e6,
               cpu / bench_percentile(rates[0].cpu, ROUNDS, 0.5));
    }
    return 0;
}
