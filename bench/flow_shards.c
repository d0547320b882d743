/* SPDX-License-Identifier: Apache-2.0 */
/* How an image's shards scale: one and two threads that make packets, steer them and run a chain
 * with a flow table over them, as the workers of one image do; nothing comes from a host. In the
 * third case half of the packets belong to the other shard, and go there through the rings. In
 * turns with them, what the machine itself gives a second core: the bare cipher, and bare loads of
 * random lines from as much memory as the flows take. */
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
    WINDOW = 2048 * SL_BURST_MAX, /* packets of each thread */
    ROUNDS = 40,
    SIZE = 64, /* of a frame: 50 bytes of IP */
    LINE = 64,
    /* Bare loads: lines of all threads together, and loads of each in a window. */
    LINES = FLOWS * 2,
    LOADS = 1 << 16,
    LOADS_AT_ONCE = 64,
    CIPHERS = 4000,
};

struct shard {
    _Alignas(128) struct team *team;
    struct sl_chain *chain;
    uint32_t *own; /* flows that belong here */
    uint32_t own_count;
    uint64_t random;
    uint64_t packets; /* through this shard's chain; or operations of a calibration */
    uint64_t cpu_ns;
    uint64_t begin_ns, end_ns; /* of its last window */
    uint32_t index;
};

/* Threads that work at once. */
struct team {
    struct shard shards[SHARDS];
    uint32_t count;
    bool is_mixed;
    void *(*work)(void *shard);
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
            (void)sl_handover_publish(&team->rings[to]);
            if (run_handed(shard) == 0) { /* nothing is dropped here: it waits */
                (void)sched_yield();
            }
        }
    }
    if (team->is_mixed) {
        (void)sl_handover_publish(&team->rings[shard->index ^ 1]);
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
        if (run_handed(shard) == 0) {
            (void)sched_yield();
        }
    }
    (void)run_handed(shard);
    shard->end_ns = bench_now_ns();
    return NULL;
}

/* ---- what the machine gives ---- */

static void *work_cipher(void *arg)
{
    struct shard *shard = arg;
    struct bench_case cipher = bench_cipher_case(shard->index);
    (void)pthread_barrier_wait(&shard->team->start);
    shard->begin_ns = bench_now_ns();
    uint64_t cpu_ns = cpu_now_ns();
    (void)cipher.run(cipher.ctx, CIPHERS);
    shard->cpu_ns += cpu_now_ns() - cpu_ns;
    shard->packets += CIPHERS;
    shard->end_ns = bench_now_ns();
    return NULL;
}

/* Loads that do not wait for one another, as those of a burst of lookups. */
static void *work_loads(void *arg)
{
    static uint64_t lines[LINES][LINE / sizeof(uint64_t)] __attribute__((aligned(4096)));
    struct shard *shard = arg;
    struct team *team = shard->team;
    const uint32_t part = LINES / team->count;
    uint64_t(*own)[LINE / sizeof(uint64_t)] = lines + (size_t)part * shard->index;
    (void)pthread_barrier_wait(&team->start);
    shard->begin_ns = bench_now_ns();
    uint64_t cpu_ns = cpu_now_ns();
    for (uint32_t made = 0; made < LOADS; made += LOADS_AT_ONCE) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < LOADS_AT_ONCE; i++) {
            shard->random = shard->random * 6364136223846793005u + 1442695040888963407u;
            sum += own[(uint32_t)(shard->random >> 33) % part][0];
        }
        own[(uint32_t)shard->random % part][0] = sum | 1; /* so that they are made */
    }
    shard->cpu_ns += cpu_now_ns() - cpu_ns;
    shard->packets += LOADS;
    shard->end_ns = bench_now_ns();
    return NULL;
}

/* ---- windows ---- */

/* Each thread on a processor of its own, if there are as many. */
static void start_thread(struct shard *shard, pthread_t *ret_thread)
{
    pthread_attr_t attr;
    cpu_set_t all;
    cpu_set_t one;
    uint32_t wanted = shard->index;
    (void)pthread_attr_init(&attr);
    (void)sched_getaffinity(0, sizeof(all), &all);
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE && (uint32_t)CPU_COUNT(&all) > shard->index; cpu++) {
        if (CPU_ISSET(cpu, &all) && wanted-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
            break;
        }
    }
    if (pthread_create(ret_thread, &attr, shard->team->work, shard) != 0) {
        bench_die("no thread");
    }
    (void)pthread_attr_destroy(&attr);
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
        start_thread(&team->shards[i], &threads[i]);
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

/* The bundle of a chain of one NF that only counts packets of flows. */
static size_t make_bundle(uint8_t bundle[128])
{
    struct sl_writer w;
    sl_writer_init(&w, bundle, 128);
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
    return w.off;
}

static void load(struct team *team)
{
    uint8_t bundle[128];
    struct sl_err err = {0};
    size_t size = make_bundle(bundle);
    for (uint32_t i = 0; i < team->count; i++) {
        struct shard *shard = &team->shards[i];
        const struct sl_chain_place place = {
            .first = i > 0 ? team->shards[0].chain : NULL, .shard = i, .shard_count = team->count};
        if (sl_chain_create_at(bundle, size, &place, &shard->chain, &err) != SL_OK ||
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

/* ---- cases ---- */

struct rates {
    double wall[ROUNDS], of_base[ROUNDS], cpu_of_base[ROUNDS];
};

struct scaling_case {
    const char *name;
    struct team team;
    uint32_t base; /* the case that it is compared with */
};

static struct scaling_case cases[] = {
    {"bare cipher, one core", {.count = 1, .work = work_cipher}, 0},
    {"bare cipher, two cores", {.count = SHARDS, .work = work_cipher}, 0},
    {"bare loads, one core", {.count = 1, .work = work_loads}, 2},
    {"bare loads, two cores", {.count = SHARDS, .work = work_loads}, 2},
    {"one shard", {.count = 1, .work = work}, 4},
    {"two shards, steered right", {.count = SHARDS, .work = work}, 4},
    {"two shards, half handed over", {.count = SHARDS, .is_mixed = true, .work = work}, 4},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };
static struct rates rates[CASES];

static void measure(uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        double cpu[CASES];
        for (uint32_t i = 0; i < CASES; i++) {
            uint32_t base = cases[i].base;
            rates[i].wall[round] = window(&cases[i].team, &cpu[i]);
            rates[i].of_base[round] = rates[i].wall[round] / rates[base].wall[round];
            rates[i].cpu_of_base[round] = cpu[i] / cpu[base];
        }
    }
    for (uint32_t i = 0; i < CASES; i++) {
        bench_sort(rates[i].wall, rounds);
        bench_sort(rates[i].of_base, rounds);
        bench_sort(rates[i].cpu_of_base, rounds);
    }
}

static json_t *row(uint32_t i, uint32_t rounds)
{
    const struct rates *own = &rates[i];
    double best = own->wall[rounds - 1];
    double of_best = best / rates[cases[i].base].wall[rounds - 1];
    double median = bench_percentile(own->of_base, rounds, 0.5);
    double cpu = bench_percentile(own->cpu_of_base, rounds, 0.5);
    printf("%-29s best %.2f M/s, median %.2f; of one core: side by side %.2f (%.2f to %.2f), best "
           "%.2f, by processor time %.2f\n",
           cases[i].name, best / 1e6, bench_percentile(own->wall, rounds, 0.5) / 1e6, median,
           bench_percentile(own->of_base, rounds, 0.1), bench_percentile(own->of_base, rounds, 0.9),
           of_best, cpu);
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "case", cases[i].name, "best_mps",
                     best / 1e6, "median_mps", bench_percentile(own->wall, rounds, 0.5) / 1e6,
                     "of_one", median, "of_one_p10", bench_percentile(own->of_base, rounds, 0.1),
                     "of_one_p90", bench_percentile(own->of_base, rounds, 0.9), "of_one_best",
                     of_best, "of_one_cpu", cpu);
}

/* Whether the machine says that both are threads of one core: it need not say so. */
static bool is_one_core(void)
{
    char line[64] = "";
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "r");
    bool is_read = file != NULL && fgets(line, sizeof(line), file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_read && strpbrk(line, ",-") != NULL;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    unsigned rounds = ROUNDS;
    double load_before = 0;
    double load_after = 0;
    cpu_set_t all;
    bench_args(argc, argv, &rounds, &path);
    if (rounds == 0 || rounds > ROUNDS) {
        bench_die("--rounds: 1 to %d", ROUNDS);
    }
    if (sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < SHARDS) {
        printf("skipped: fewer than %d cores\n", SHARDS);
        return 77;
    }
    for (uint32_t i = 0; i < CASES; i++) {
        load(&cases[i].team);
        double unused;
        (void)window(&cases[i].team, &unused); /* pages, flows */
    }
    (void)getloadavg(&load_before, 1);
    measure(rounds);
    (void)getloadavg(&load_after, 1);
    json_t *list = json_array();
    for (uint32_t i = 0; i < CASES; i++) {
        (void)json_array_append_new(list, row(i, rounds));
    }
    if (path != NULL) {
        bench_result_write(path, "flow_shards",
                           json_pack("{s:i, s:i, s:b, s:[f,f], s:o}", "flows", FLOWS, "rounds",
                                     rounds, "is_one_core", is_one_core(), "load", load_before,
                                     load_after, "rows", list));
    } else {
        json_decref(list);
    }
    return 0;
}
