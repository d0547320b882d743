/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the enclave heap behind mmap and brk: one bit per page. The bitmap lies at the start of
 * the heap itself. Heap pages are not measured, so none is read, or handed out, before it was
 * cleared.
 *
 * brk grows from the bottom, mappings come first-fit from the top. */
#include "runtime/private.h"

#include <errno.h>

#define PAGE ((uint64_t)SL_SGX_PAGE_SIZE)

static struct {
    struct rt_lock lock;
    uint8_t *base;
    uint64_t page_count;
    uint64_t *used;     /* one bit per page */
    uint64_t brk_first; /* page */
    uint64_t brk_size;  /* bytes behind it in use */
} heap;

static bool is_used(uint64_t page)
{
    return (heap.used[page / 64] >> page % 64 & 1) != 0;
}

static void mark(uint64_t first, uint64_t count, bool is_set)
{
    for (uint64_t page = first; page < first + count; page++) {
        uint64_t bit = 1ull << page % 64;
        heap.used[page / 64] = is_set ? heap.used[page / 64] | bit : heap.used[page / 64] & ~bit;
    }
    struct sl_rt_counters *c = &rt_state.counters;
    c->heap_bytes = is_set ? c->heap_bytes + count * PAGE : c->heap_bytes - count * PAGE;
    if (c->heap_bytes > c->heap_peak_bytes) {
        c->heap_peak_bytes = c->heap_bytes;
    }
}

void rt_heap_init(uint8_t *base, uint64_t size)
{
    uint64_t pages = size / PAGE;
    uint64_t bitmap = ((pages + 63) / 64 * 8 + PAGE - 1) / PAGE;
    heap.base = base;
    heap.page_count = pages;
    heap.used = (uint64_t *)(void *)base;
    rt_memset(base, 0, bitmap * PAGE);
    heap.brk_first = bitmap;
    heap.brk_size = 0;
    for (uint64_t page = 0; page < bitmap; page++) {
        heap.used[page / 64] |= 1ull << page % 64;
    }
}

/* First page of the highest free run of `count` pages, or 0 (the bitmap's own page). */
static uint64_t find(uint64_t count)
{
    uint64_t run = 0;
    for (uint64_t page = heap.page_count; page-- > heap.brk_first;) {
        if (page % 64 == 63 && heap.used[page / 64] == UINT64_MAX) {
            page -= 63;
            run = 0;
            continue;
        }
        run = is_used(page) ? 0 : run + 1;
        if (run == count) {
            return page;
        }
    }
    return 0;
}

uint64_t rt_heap_map(uint64_t size)
{
    uint64_t count = size / PAGE + (size % PAGE != 0);
    rt_lock(&heap.lock);
    uint64_t page = count == 0 || count > heap.page_count ? 0 : find(count);
    if (page == 0) {
        rt_count(&rt_state.counters.heap_refused);
    } else {
        mark(page, count, true);
    }
    rt_unlock(&heap.lock);
    if (page == 0) {
        return (uint64_t)-ENOMEM;
    }
    rt_memset(heap.base + page * PAGE, 0, count * PAGE);
    return (uint64_t)(heap.base + page * PAGE);
}

bool rt_heap_contains(uint64_t addr, uint64_t size)
{
    uint64_t off = addr - (uint64_t)heap.base;
    uint64_t all = heap.page_count * PAGE;
    return off < all && size <= all - off;
}

int rt_heap_unmap(uint64_t addr, uint64_t size)
{
    if (addr % PAGE != 0 || size == 0 || size > heap.page_count * PAGE ||
        !rt_heap_contains(addr, size)) {
        return -EINVAL;
    }
    uint64_t first = (addr - (uint64_t)heap.base) / PAGE;
    uint64_t count = (size + PAGE - 1) / PAGE;
    int result = 0;
    rt_lock(&heap.lock);
    if (first < heap.brk_first + (heap.brk_size + PAGE - 1) / PAGE) {
        result = -EINVAL; /* the bitmap, or brk's part */
    } else {
        for (uint64_t page = first; page < first + count; page++) {
            if (is_used(page)) {
                mark(page, 1, false);
            }
        }
    }
    rt_unlock(&heap.lock);
    return result;
}

/* brk(2): the new end, or the old one where it cannot be. */
static uint64_t brk_locked(uint64_t addr)
{
    uint64_t start = (uint64_t)(heap.base + heap.brk_first * PAGE);
    uint64_t now = start + heap.brk_size;
    uint64_t max = (heap.page_count - heap.brk_first) * PAGE;
    if (addr < start) {
        return now;
    }
    if (addr - start > max) {
        rt_count(&rt_state.counters.heap_refused);
        return now;
    }
    uint64_t have = heap.brk_first + (heap.brk_size + PAGE - 1) / PAGE;
    uint64_t want = heap.brk_first + (addr - start + PAGE - 1) / PAGE;
    for (uint64_t page = have; page < want; page++) {
        if (is_used(page)) {
            rt_count(&rt_state.counters.heap_refused);
            return now;
        }
    }
    if (want > have) {
        mark(have, want - have, true);
        rt_memset(heap.base + have * PAGE, 0, (want - have) * PAGE);
    } else {
        mark(want, have - want, false);
    }
    if (addr < now) {
        /* what lies behind the end in its page must be zero when it grows again */
        rt_memset((void *)(uintptr_t)addr, 0, (PAGE - addr % PAGE) % PAGE);
    }
    heap.brk_size = addr - start;
    return addr;
}

uint64_t rt_heap_brk(uint64_t addr)
{
    rt_lock(&heap.lock);
    uint64_t end = brk_locked(addr);
    rt_unlock(&heap.lock);
    return end;
}
