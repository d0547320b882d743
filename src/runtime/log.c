/* SPDX-License-Identifier: Apache-2.0 */
/* The shared area as seen inside, once libc is up: geometry adopted once; log lines to the host. */
#include "runtime/private.h"

#include "boundary/ring.h"

static struct sl_rt_area area;
static struct sl_byte_ring log_ring;
static struct sl_boundary_counters log_counters;
static struct rt_lock log_lock;

/* Before main, after libc: the boundary's code uses libc's memcpy. The header is looked at here,
 * once, and never again. */
__attribute__((constructor(101))) static void adopt_area(void)
{
    struct sl_rt_area adopted = {.base = rt_state.area};
    if (sl_area_adopt(rt_state.area, rt_state.area_size, rt_base(), rt_layout()->enclave_size,
                      &adopted.geometry, &adopted.layout) != SL_OK) {
        rt_die(rt_block_self(), SL_ABI_DEAD_AREA, 0);
    }
    area = adopted;
    sl_byte_ring_init(&log_ring, area.base, &area.layout.log, area.geometry.log_size,
                      &log_counters);
    __atomic_store_n(&rt_state.is_area_ready, true, __ATOMIC_RELEASE);
}

const struct sl_rt_area *sl_rt_area(void)
{
    return &area;
}

/* All or nothing: a line is never cut by a full ring. @return bytes taken, as write(2) */
uint64_t rt_log_write(const void *data, uint64_t size)
{
    if (size == 0) {
        return 0;
    }
    if (!__atomic_load_n(&rt_state.is_area_ready, __ATOMIC_ACQUIRE)) {
        rt_count(&rt_state.counters.log_dropped);
        return size;
    }
    rt_lock(&log_lock);
    bool has_room = size <= sl_byte_ring_writable(&log_ring);
    if (has_room) {
        (void)sl_byte_ring_write(&log_ring, data, (uint32_t)size);
    }
    rt_unlock(&log_lock);
    if (!has_room) {
        rt_count(&rt_state.counters.log_dropped);
    }
    return size;
}
