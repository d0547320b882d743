/* SPDX-License-Identifier: Apache-2.0 */
/* Time inside: RDTSC since the start, plus a wall clock that is the host's claim until an
 * authenticated one is set. libc's clock functions are replaced here, so that they never trap. */
#include "runtime/private.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#include "boundary/area.h"

enum { SHIFT = 32, NS = 1000000000 };

static struct {
    uint64_t start_tsc;
    uint64_t mult; /* ns per tick, times 2^SHIFT */
    uint64_t ticks_per_ms;
    uint64_t real_start_ns; /* wall clock at now = 0; atomic */
    bool is_authenticated;
} clock_state;

static uint64_t rdtsc(void)
{
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Where RDTSC traps: the host's clock in the header, as far as it moves forward. */
static uint64_t coarse_ns(void)
{
    const struct sl_area_header *header =
        (const struct sl_area_header *)(const void *)rt_state.area;
    uint64_t now = __atomic_load_n(&header->host_time_ns, __ATOMIC_RELAXED);
    uint64_t start = clock_state.start_tsc;
    return now > start ? now - start : 0;
}

void rt_clock_init(uint32_t tsc_khz, uint64_t host_time_ns)
{
    clock_state.ticks_per_ms = tsc_khz;
    clock_state.mult = ((uint64_t)1000000 << SHIFT) / tsc_khz;
    clock_state.real_start_ns = host_time_ns;
    clock_state.start_tsc = host_time_ns; /* what coarse_ns() counts from */
    uint64_t tsc = rdtsc();               /* traps here first, where it does */
    if (!__atomic_load_n(&rt_state.is_rdtsc_trapped, __ATOMIC_RELAXED)) {
        clock_state.start_tsc = tsc;
    }
}

uint64_t rt_clock_now_ns(struct rt_block *block)
{
    uint64_t now;
    if (__builtin_expect(rt_state.is_rdtsc_trapped, 0)) {
        now = coarse_ns();
    } else {
        uint64_t ticks = rdtsc() - clock_state.start_tsc;
        now = (uint64_t)((unsigned __int128)ticks * clock_state.mult >> SHIFT);
    }
    /* a counter that was set back stands still instead */
    if (now < block->last_ns || now - block->last_ns > UINT64_MAX / 2) {
        now = block->last_ns;
    }
    block->last_ns = now;
    return now;
}

uint64_t rt_clock_real_ns(struct rt_block *block)
{
    return __atomic_load_n(&clock_state.real_start_ns, __ATOMIC_RELAXED) + rt_clock_now_ns(block);
}

/* What a trapped RDTSC answers. */
uint64_t rt_clock_tsc(struct rt_block *block)
{
    if (clock_state.mult == 0 || rt_state.area == NULL) {
        return 0;
    }
    return rt_clock_now_ns(block) / 1000 * clock_state.ticks_per_ms / 1000;
}

uint64_t sl_rt_now_ns(void)
{
    return rt_clock_now_ns(rt_block_self());
}

uint64_t sl_rt_unix_ns(void)
{
    return rt_clock_real_ns(rt_block_self());
}

void sl_rt_time_set(uint64_t realtime_ns)
{
    uint64_t now = rt_clock_now_ns(rt_block_self());
    __atomic_store_n(&clock_state.real_start_ns, realtime_ns - now, __ATOMIC_RELAXED);
    __atomic_store_n(&clock_state.is_authenticated, true, __ATOMIC_RELEASE);
}

bool sl_rt_is_time_authenticated(void)
{
    return __atomic_load_n(&clock_state.is_authenticated, __ATOMIC_ACQUIRE);
}

/* libc's names, visible to the whole image */
#define REPLACES_LIBC __attribute__((visibility("default")))

REPLACES_LIBC int clock_gettime(clockid_t id, struct timespec *ts)
{
    struct rt_block *block = rt_block_self();
    bool is_real = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
    uint64_t now = is_real ? rt_clock_real_ns(block) : rt_clock_now_ns(block);
    ts->tv_sec = (time_t)(now / NS);
    ts->tv_nsec = (long)(now % NS);
    return 0;
}

REPLACES_LIBC int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    uint64_t now = rt_clock_real_ns(rt_block_self());
    tv->tv_sec = (time_t)(now / NS);
    tv->tv_usec = (suseconds_t)(now % NS / 1000);
    return 0;
}

REPLACES_LIBC time_t time(time_t *ret_time)
{
    time_t now = (time_t)(rt_clock_real_ns(rt_block_self()) / NS);
    if (ret_time != NULL) {
        *ret_time = now;
    }
    return now;
}
