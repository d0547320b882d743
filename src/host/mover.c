/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a shard between backend and rings, and who sleeps when there are none. */
#include "host/mover.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BURST_LARGE = 4, /* buffers of 64 KiB: trains */
    BURST_SMALL = SL_IO_BURST_MAX,
    ROOM_LARGE = 32 << 10,
    FLUSH_RUNS = 32,
    SLOW_WAIT_NS = 20000,
    SLOW_WAIT_MAX_NS = 10000000,
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

sl_rc sl_mover_init(struct sl_mover *mover, uint8_t *area, const struct sl_area_layout *layout,
                    const struct sl_area_geometry *geometry, uint32_t shard, struct sl_io *io,
                    const atomic_bool *is_stopping)
{
    memset(mover, 0, sizeof(*mover));
    mover->event_fd = -1;
    mover->io = io;
    mover->header = (struct sl_area_header *)(void *)area;
    mover->is_stopping = is_stopping;
    atomic_store(&mover->worker, UINT32_MAX);
    for (uint32_t port = 0; port < SL_AREA_PORTS; port++) {
        const struct sl_area_queue_off *queue = &layout->queue[shard][port];
        if (sl_host_ring_init(&mover->in[port], area, &queue->rx, geometry) != SL_OK ||
            sl_host_ring_init(&mover->out[port], area, &queue->tx, geometry) != SL_OK) {
            sl_mover_done(mover);
            return SL_NO_MEMORY;
        }
    }
    mover->demux =
        (struct sl_demux){.rings = mover->in, .shard = shard, .counters = &mover->counters};
    mover->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (mover->event_fd < 0) {
        sl_mover_done(mover);
        return SL_IO;
    }
    return SL_OK;
}

void sl_mover_done(struct sl_mover *mover)
{
    for (uint32_t port = 0; port < SL_AREA_PORTS; port++) {
        sl_host_ring_done(&mover->in[port]);
        sl_host_ring_done(&mover->out[port]);
    }
    if (mover->event_fd >= 0) {
        (void)close(mover->event_fd);
        mover->event_fd = -1;
    }
}

static void tx_count(struct sl_host_counters *counters, struct sl_run *runs, uint32_t *count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (runs[i].size == 0) {
            counters->tx_bad++;
            continue;
        }
        counters->tx_runs++;
        counters->tx_datagrams += (runs[i].size + runs[i].segment_size - 1) / runs[i].segment_size;
        runs[kept++] = runs[i];
    }
    *count = kept;
}

uint32_t sl_mover_flush(struct sl_mover *mover)
{
    uint32_t total = 0;
    for (uint32_t port = 0; port < SL_AREA_PORTS; port++) {
        struct sl_run runs[FLUSH_RUNS];
        /* bounded, so that an image that never stops producing does not starve receiving */
        for (uint32_t turn = 0; turn < 8; turn++) {
            uint32_t taken = sl_host_tx_peek(&mover->out[port], runs, FLUSH_RUNS);
            if (taken == 0) {
                break;
            }
            uint32_t count = taken;
            tx_count(&mover->counters, runs, &count);
            mover->io->ops->send(mover->io, runs, count, &mover->counters);
            sl_host_tx_release(&mover->out[port], taken);
            total += taken;
        }
    }
    return total;
}

uint32_t sl_mover_receive(struct sl_mover *mover, bool *ret_full)
{
    struct sl_io_rx bufs[SL_IO_BURST_MAX];
    uint32_t max = mover->io->room > ROOM_LARGE ? BURST_LARGE : BURST_SMALL;
    uint32_t count = sl_demux_buffers(&mover->demux, bufs, max, mover->io->room);
    *ret_full = count == 0;
    if (count == 0) {
        return 0;
    }
    uint32_t filled = mover->io->ops->receive(mover->io, bufs, count);
    return sl_demux_commit(&mover->demux, bufs, filled);
}

static bool is_rx_pending(const struct sl_mover *mover)
{
    return sl_host_rx_is_pending(&mover->in[0]) || sl_host_rx_is_pending(&mover->in[1]);
}

static bool is_tx_pending(const struct sl_mover *mover)
{
    return sl_host_tx_is_pending(&mover->out[0]) || sl_host_tx_is_pending(&mover->out[1]);
}

static bool is_stopping(const struct sl_mover *mover)
{
    return atomic_load_explicit(mover->is_stopping, memory_order_relaxed);
}

void sl_mover_wake(struct sl_mover *mover)
{
    uint64_t one = 1;
    (void)!write(mover->event_fd, &one, sizeof(one));
    uint32_t worker = atomic_load(&mover->worker);
    if (worker != UINT32_MAX) {
        sl_doorbell_ring(mover->header, worker);
    }
}

/* Sleeps until a socket or an event descriptor of these movers has something, at most `ns`. */
static void poll_wait(struct sl_mover *movers, uint32_t count, uint64_t ns)
{
    struct pollfd fds[2 * SL_AREA_SHARDS_MAX];
    struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000u),
                          .tv_nsec = (long)(ns % 1000000000u)};
    for (uint32_t i = 0; i < count; i++) {
        fds[2 * i] = (struct pollfd){.fd = movers[i].io->fd, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = movers[i].event_fd, .events = POLLIN};
    }
    if (ppoll(fds, 2 * count, &ts, NULL) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t events;
            if (fds[2 * i + 1].revents != 0) {
                (void)!read(movers[i].event_fd, &events, sizeof(events));
            }
        }
    }
}

static uint64_t sleep_limit(uint64_t left_ns)
{
    uint64_t most = (uint64_t)SL_MOVER_SLEEP_MAX_MS * 1000000u;
    return left_ns < most ? left_ns : most;
}

/* ---- batch ---- */

/* Rings count from the last return on: one that comes between two waits ends the second at once. */
static bool is_rung(struct sl_mover *mover, uint32_t thread)
{
    uint32_t now = sl_doorbell_get(mover->header, thread);
    bool is_new = now != mover->seen;
    mover->seen = now;
    return is_new;
}

bool sl_mover_wait_batch(struct sl_mover *mover, uint32_t thread, uint64_t timeout_ns)
{
    uint64_t deadline =
        timeout_ns == 0 ? UINT64_MAX : 0; /* the clock is read only before a sleep */
    atomic_store_explicit(&mover->worker, thread, memory_order_relaxed);
    mover->counters.waits++;
    while (!is_stopping(mover)) {
        bool is_full = false;
        uint32_t sent = sl_mover_flush(mover);
        if (sl_mover_receive(mover, &is_full) > 0 || is_full || is_rx_pending(mover) ||
            is_rung(mover, thread)) {
            return true;
        }
        if (sent > 0) {
            continue;
        }
        uint64_t now = now_ns();
        deadline = deadline == 0 ? now + timeout_ns : deadline;
        if (now >= deadline) {
            return true;
        }
        mover->counters.sleeps++;
        poll_wait(mover, 1, sleep_limit(deadline - now));
    }
    return false;
}

/* ---- polling ---- */

bool sl_mover_wait_polling(struct sl_mover *mover, uint32_t thread, uint64_t timeout_ns)
{
    atomic_store(&mover->worker, thread);
    atomic_store(&mover->is_worker_asleep, true);
    atomic_thread_fence(memory_order_seq_cst);
    /* What the worker made just before it went to wait may have been missed by a mover asleep. */
    if (is_tx_pending(mover) && atomic_load(&mover->is_mover_asleep)) {
        uint64_t one = 1;
        (void)!write(mover->event_fd, &one, sizeof(one));
    }
    if (!is_rung(mover, thread) && !is_rx_pending(mover) && !is_stopping(mover)) {
        sl_doorbell_wait(mover->header, thread, mover->seen, timeout_ns);
    }
    atomic_store(&mover->is_worker_asleep, false);
    return !is_stopping(mover);
}

static void worker_ring(struct sl_mover *mover)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&mover->is_worker_asleep, memory_order_relaxed)) {
        mover->counters.rings++;
        sl_doorbell_ring(mover->header, atomic_load(&mover->worker));
    }
}

/* One look at every shard. Returns whether there was work. */
static bool poll_round(struct sl_mover *movers, uint32_t count, bool *ret_full)
{
    bool is_busy = false;
    *ret_full = false;
    for (uint32_t i = 0; i < count; i++) {
        bool is_full = false;
        is_busy |= sl_mover_flush(&movers[i]) > 0;
        uint32_t received = sl_mover_receive(&movers[i], &is_full);
        if (received > 0 || is_full) {
            worker_ring(&movers[i]);
        }
        is_busy |= received > 0;
        *ret_full |= is_full;
    }
    return is_busy;
}

/* Sleeps for want of work. `wait_ns` bounds it where packets lie with a worker that is slow. */
static void poll_sleep(struct sl_mover *movers, uint32_t count, uint64_t wait_ns)
{
    bool is_tx = false;
    bool is_rx = false;
    for (uint32_t i = 0; i < count; i++) {
        atomic_store(&movers[i].is_mover_asleep, true);
    }
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < count; i++) {
        is_tx |= is_tx_pending(&movers[i]);
        if (is_rx_pending(&movers[i])) {
            is_rx = true;
            worker_ring(&movers[i]);
        }
    }
    if (!is_tx && !is_stopping(movers)) {
        movers->counters.sleeps++;
        poll_wait(movers, count, is_rx ? wait_ns : sleep_limit(UINT64_MAX));
    }
    for (uint32_t i = 0; i < count; i++) {
        atomic_store(&movers[i].is_mover_asleep, false);
    }
}

void sl_mover_poll(struct sl_mover *movers, uint32_t count)
{
    uint64_t idle_since = now_ns();
    uint64_t wait_ns = SLOW_WAIT_NS;
    while (!is_stopping(movers)) {
        bool is_full = false;
        if (poll_round(movers, count, &is_full)) {
            idle_since = now_ns();
            wait_ns = SLOW_WAIT_NS;
            continue;
        }
        if (!is_full && now_ns() - idle_since < SL_MOVER_SPIN_NS) {
            __builtin_ia32_pause();
            continue;
        }
        if (is_full) {
            /* the socket is readable, and poll would return at once */
            struct timespec ts = {.tv_nsec = (long)wait_ns};
            (void)nanosleep(&ts, NULL);
        } else {
            poll_sleep(movers, count, wait_ns);
        }
        wait_ns = wait_ns < SLOW_WAIT_MAX_NS ? wait_ns * 2 : wait_ns;
    }
}
