/* SPDX-License-Identifier: Apache-2.0 */
/* futex(2) inside: who waits for which address is known here only. The host just parks threads: a
 * lost or invented wake-up costs time, never a wrong return. */
#include "runtime/private.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <time.h>

#include "boundary/area.h"

#define FOREVER UINT64_MAX

enum {
    SPINS = 200,
    LOCK_SPINS = 1000,
    NS = 1000000000,
    PARK_MAX_MS =
        1000, /* the thread looks again by itself: a host that forgets it only delays it */
};

static struct rt_lock waiters_lock;
static uint64_t next_seq = 1;

void rt_lock(struct rt_lock *lock)
{
    uint32_t spins = 0;
    while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) != 0) {
            __builtin_ia32_pause();
            if (++spins % LOCK_SPINS == 0) {
                /* the holder was interrupted: let it run */
                (void)rt_wait(rt_block_self(), SL_RT_WAIT_YIELD, 0, 0);
            }
        }
    }
}

void rt_unlock(struct rt_lock *lock)
{
    __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

/* The doorbell is untrusted; its value only tells the host whether there was a ring meanwhile. */
static uint32_t doorbell(const struct rt_block *block)
{
    const struct sl_area_header *header =
        (const struct sl_area_header *)(const void *)rt_state.area;
    return __atomic_load_n(&header->doorbell[block->index], __ATOMIC_ACQUIRE);
}

/* Gives the processor away until the doorbell rings, the deadline, or the host's mood. */
static void park(struct rt_block *block, uint32_t seen, uint64_t deadline_ns)
{
    uint64_t left = (uint64_t)PARK_MAX_MS * 1000000;
    if (deadline_ns != FOREVER) {
        uint64_t now = rt_clock_now_ns(block);
        uint64_t until = deadline_ns > now ? deadline_ns - now : 0;
        left = until < left ? until : left;
    }
    (void)rt_wait(block, SL_RT_WAIT_THREAD, seen, left);
}

uint64_t rt_sleep_until(struct rt_block *block, uint64_t deadline_ns)
{
    while (rt_clock_now_ns(block) < deadline_ns) {
        park(block, doorbell(block), deadline_ns);
    }
    return 0;
}

static bool is_waiting(const struct rt_block *block)
{
    return __atomic_load_n(&block->wait_addr, __ATOMIC_ACQUIRE) != 0;
}

/* Takes the thread off the list. @return false where a waker did so already */
static bool withdraw(struct rt_block *block)
{
    rt_lock(&waiters_lock);
    bool was_waiting = is_waiting(block);
    block->wait_addr = 0;
    rt_unlock(&waiters_lock);
    return was_waiting;
}

static uint64_t futex_wait(struct rt_block *block, uint64_t addr, uint32_t expected,
                           uint64_t deadline_ns, uint32_t bits)
{
    rt_lock(&waiters_lock);
    if (__atomic_load_n((const uint32_t *)(uintptr_t)addr, __ATOMIC_SEQ_CST) != expected) {
        rt_unlock(&waiters_lock);
        return (uint64_t)-EAGAIN;
    }
    block->wait_seq = next_seq++;
    block->wait_bits = bits;
    block->is_outside = 0;
    __atomic_store_n(&block->wait_addr, addr, __ATOMIC_RELEASE);
    rt_unlock(&waiters_lock);

    for (uint32_t i = 0; i < SPINS; i++) {
        if (!is_waiting(block)) {
            return 0;
        }
        __builtin_ia32_pause();
    }
    for (;;) {
        /* read before the last look: a ring after it changes the value, and the host returns */
        uint32_t seen = doorbell(block);
        __atomic_store_n(&block->is_outside, 1, __ATOMIC_SEQ_CST);
        if (!is_waiting(block)) {
            return 0;
        }
        if (deadline_ns != FOREVER && rt_clock_now_ns(block) >= deadline_ns) {
            return withdraw(block) ? (uint64_t)-ETIMEDOUT : 0;
        }
        park(block, seen, deadline_ns);
    }
}

/* The waiter of `addr` that came first, or NULL. */
static struct rt_block *first_waiter(uint64_t addr, uint32_t bits)
{
    struct rt_block *first = NULL;
    uint32_t count = rt_layout()->thread_count;
    for (uint32_t i = 0; i < count; i++) {
        struct rt_block *block = rt_block_of(i);
        if (block->wait_addr == addr && (block->wait_bits & bits) != 0 &&
            (first == NULL || block->wait_seq < first->wait_seq)) {
            first = block;
        }
    }
    return first;
}

uint64_t rt_futex_wake(struct rt_block *block, uint64_t addr, uint64_t count, uint32_t bits)
{
    uint32_t to_ring = 0;
    uint64_t woken = 0;
    rt_lock(&waiters_lock);
    for (; woken < count; woken++) {
        struct rt_block *waiter = first_waiter(addr, bits);
        if (waiter == NULL) {
            break;
        }
        __atomic_store_n(&waiter->wait_addr, 0, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&waiter->is_outside, __ATOMIC_SEQ_CST) != 0) {
            to_ring |= 1u << waiter->index;
        }
    }
    rt_unlock(&waiters_lock);
    while (to_ring != 0) {
        uint32_t index = (uint32_t)__builtin_ctz(to_ring);
        to_ring &= to_ring - 1;
        (void)rt_call(block, SL_ABI_EXIT_WAKE, index, 0);
    }
    return woken;
}

/* Wakes up to `wake` and moves up to `move` of the rest to another address. */
static uint64_t futex_requeue(struct rt_block *block, uint64_t addr, uint64_t wake, uint64_t move,
                              uint64_t other)
{
    uint64_t count = rt_futex_wake(block, addr, wake, UINT32_MAX);
    rt_lock(&waiters_lock);
    for (uint64_t i = 0; i < move; i++) {
        struct rt_block *waiter = first_waiter(addr, UINT32_MAX);
        if (waiter == NULL) {
            break;
        }
        __atomic_store_n(&waiter->wait_addr, other, __ATOMIC_SEQ_CST);
        count++;
    }
    rt_unlock(&waiters_lock);
    return count;
}

/* Deadline on the image's own clock. FUTEX_WAIT's timeout is relative, FUTEX_WAIT_BITSET's absolute
 * on the clock that the operation names. */
static uint64_t deadline_of(struct rt_block *block, int op, uint64_t timeout)
{
    if (timeout == 0) {
        return FOREVER;
    }
    const struct timespec *ts = (const struct timespec *)(uintptr_t)timeout;
    uint64_t ns = (uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec;
    uint64_t now = rt_clock_now_ns(block);
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT) {
        return now + ns;
    }
    if ((op & FUTEX_CLOCK_REALTIME) != 0) {
        uint64_t real = rt_clock_real_ns(block);
        return ns > real ? now + (ns - real) : now;
    }
    return ns;
}

uint64_t rt_futex(const struct rt_call_frame *frame)
{
    const uint64_t *arg = frame->arg;
    int op = (int)arg[1];
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return futex_wait(frame->block, arg[0], (uint32_t)arg[2],
                          deadline_of(frame->block, op, arg[3]), UINT32_MAX);
    case FUTEX_WAIT_BITSET:
        return futex_wait(frame->block, arg[0], (uint32_t)arg[2],
                          deadline_of(frame->block, op, arg[3]), (uint32_t)arg[5]);
    case FUTEX_WAKE:
        return rt_futex_wake(frame->block, arg[0], arg[2], UINT32_MAX);
    case FUTEX_WAKE_BITSET:
        return rt_futex_wake(frame->block, arg[0], arg[2], (uint32_t)arg[5]);
    case FUTEX_CMP_REQUEUE:
        if (__atomic_load_n((const uint32_t *)(uintptr_t)arg[0], __ATOMIC_SEQ_CST) !=
            (uint32_t)arg[5]) {
            return (uint64_t)-EAGAIN;
        }
        return futex_requeue(frame->block, arg[0], arg[2], arg[3], arg[4]);
    case FUTEX_REQUEUE:
        return futex_requeue(frame->block, arg[0], arg[2], arg[3], arg[4]);
    default:
        return (uint64_t)-ENOSYS;
    }
}
