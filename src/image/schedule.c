/* SPDX-License-Identifier: Apache-2.0 */
/* When a worker works and when it gives the processor back: batch and polling. */
#include "image/worker.h"

#include "runtime/runtime.h"

enum {
    BATCH_PASSES_MAX = 256, /* then the host gets a turn, whatever it keeps adding */
    SPIN_NS = 50000,        /* empty for so long: polling starts to sleep */
    SLEEP_FIRST_NS = 50000,
    SLEEP_MAX_NS = 5000000,      /* an entry and exit costs 4-14 us: below 0.3 % of a core */
    EMPTY_PASSES_PER_LOOK = 256, /* looks at the clock (which may trap) this seldom */
};

/* How long a worker without packets may be away: NFs keep time, a new chain or a snapshot may wait
 * for it, and nothing of the image's own can wake it. */
static uint64_t rest_ns(struct sl_worker *worker)
{
    if (sl_snapshot_job_is_active(&worker->job)) {
        return 1;
    }
    return SL_CHAIN_TICK_MS * 1000000ull;
}

/* Gives the processor back: for a moment only where another shard has just handed something over,
 * and whoever does so later wakes this one. A host that does not pass that on delays packets; it
 * cannot do more. */
static void rest(struct sl_worker *worker, uint64_t ns)
{
    bool is_idle = sl_worker_rest_begin(worker);
    worker->waits++;
    sl_rt_wait(SL_RT_WAIT_SHARD, worker->shard, is_idle ? ns : 1);
    sl_worker_rest_end(worker);
}

/* Run to completion, then let the host move packets on this same core. */
static void run_batch(struct sl_worker *worker)
{
    while (!atomic_load_explicit(&worker->is_stopped, memory_order_relaxed)) {
        for (uint32_t i = 0; i < BATCH_PASSES_MAX && sl_worker_pass(worker) > 0; i++) {
        }
        rest(worker, rest_ns(worker));
    }
}

/* Sleeps with growing bounds until a packet comes. */
static void sleep_until_busy(struct sl_worker *worker)
{
    uint64_t sleep_ns = SLEEP_FIRST_NS;
    while (!atomic_load_explicit(&worker->is_stopped, memory_order_relaxed)) {
        rest(worker, sleep_ns);
        if (sl_worker_pass(worker) > 0) {
            return;
        }
        sleep_ns = sleep_ns * 2 < SLEEP_MAX_NS ? sleep_ns * 2 : SLEEP_MAX_NS;
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
    worker->thread = sl_rt_thread(); /* before its first rest, which is what says to read it */
    if (is_polling) {
        run_polling(worker);
    } else {
        run_batch(worker);
    }
}
