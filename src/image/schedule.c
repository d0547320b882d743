/* SPDX-License-Identifier: Apache-2.0 */
/* When a worker works and when it gives the processor back: batch and polling. */
#include "image/worker.h"

#include "runtime/runtime.h"

enum {
    BATCH_PASSES_MAX = 256, /* then the host gets a turn, whatever it keeps adding */
    SPIN_NS = 50000,        /* empty for so long: polling starts to sleep */
    SLEEP_FIRST_NS = 50000,
    SLEEP_MAX_NS = 5000000, /* an entry and exit costs 4-14 us: below 0.3 % of a core */
    HANDED_SOON_NS = 200000,
    HANDED_NS = 5000000,
    HANDED_POLLING_NS = 1000000,
    EMPTY_PASSES_PER_LOOK = 256, /* looks at the clock (which may trap) this seldom */
};

/* How long a worker without packets may be away: NFs keep time, a new chain or a snapshot may wait
 * for it, and nothing of the image's own can wake it. */
static uint64_t rest_ns(struct sl_worker *worker)
{
    if (sl_snapshot_job_is_active(&worker->job)) {
        return 1;
    }
    if (worker->shard_count < 2) {
        return SL_CHAIN_TICK_MS * 1000000ull;
    }
    /* what another shard hands over must not wait for long, least of all where more came just now
     */
    uint64_t rest = worker->took ? HANDED_SOON_NS : HANDED_NS;
    worker->took = false;
    return rest;
}

/* Run to completion, then let the host move packets on this same core. */
static void run_batch(struct sl_worker *worker)
{
    while (!atomic_load_explicit(&worker->is_stopped, memory_order_relaxed)) {
        for (uint32_t i = 0; i < BATCH_PASSES_MAX && sl_worker_pass(worker) > 0; i++) {
        }
        worker->waits++;
        sl_rt_wait(SL_RT_WAIT_SHARD, worker->shard, rest_ns(worker));
    }
}

/* Sleeps with growing bounds until a packet comes. */
static void sleep_until_busy(struct sl_worker *worker)
{
    uint64_t sleep_ns = SLEEP_FIRST_NS;
    /* no doorbell rings for what another shard hands over */
    const uint64_t most_ns = worker->shard_count > 1 ? HANDED_POLLING_NS : SLEEP_MAX_NS;
    while (!atomic_load_explicit(&worker->is_stopped, memory_order_relaxed)) {
        worker->waits++;
        sl_rt_wait(SL_RT_WAIT_SHARD, worker->shard, sleep_ns);
        if (sl_worker_pass(worker) > 0) {
            return;
        }
        sleep_ns = sleep_ns * 2 < most_ns ? sleep_ns * 2 : most_ns;
    }
}

/* Stay inside and spin; host I/O runs on another core. */
static void run_polling(struct sl_worker *worker)
{
    uint32_t empty = 0;
    uint64_t empty_since_ns = 0;
    while (!atomic_load_explicit(&worker->is_stopped, memory_order_relaxed)) {
        if (sl_worker_pass(worker) > 0) {
            empty = 0;
            empty_since_ns = 0;
            continue;
        }
        __builtin_ia32_pause();
        if (++empty % EMPTY_PASSES_PER_LOOK != 0) {
            continue;
        }
        uint64_t now_ns = sl_rt_now_ns();
        if (empty_since_ns == 0) {
            empty_since_ns = now_ns;
        } else if (now_ns - empty_since_ns > SPIN_NS) {
            sleep_until_busy(worker);
            empty = 0;
            empty_since_ns = 0;
        }
    }
}

void sl_worker_run(struct sl_worker *worker, bool is_polling)
{
    if (is_polling) {
        run_polling(worker);
    } else {
        run_batch(worker);
    }
}
