/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: one TCS each, stacks from the layout with a hole below. */
#include "runtime/private.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>

enum { FIRST_TID = 1000, THREAD_OVER = 3 };

static uint32_t stacks_used = 1; /* bit per thread's stack; main has the first */
static uint32_t stacks_dirty = 1;

/* glibc maps a thread's stack with its guard pages below, and asks for PROT_NONE first: that is a
 * hole and a stack of the layout. */
uint64_t rt_stack_map(uint64_t size)
{
    const struct sl_layout *layout = rt_layout();
    if (size > layout->stack_size + SL_LAYOUT_HOLE_SIZE) {
        return 0;
    }
    for (uint32_t i = 1; i < layout->thread_count; i++) {
        uint32_t bit = 1u << i;
        if ((__atomic_fetch_or(&stacks_used, bit, __ATOMIC_ACQUIRE) & bit) == 0) {
            uint64_t stack = rt_base() + layout->thread[i].stack_off;
            /* a new mapping is zero */
            if ((__atomic_fetch_or(&stacks_dirty, bit, __ATOMIC_RELAXED) & bit) != 0) {
                rt_memset((void *)(uintptr_t)stack, 0, layout->stack_size);
            }
            return stack - SL_LAYOUT_HOLE_SIZE;
        }
    }
    return 0;
}

/* Which stack, hole included, holds the range; 0 where none (0 is main's). */
static uint32_t stack_of(uint64_t addr, uint64_t size)
{
    const struct sl_layout *layout = rt_layout();
    for (uint32_t i = 1; i < layout->thread_count; i++) {
        uint64_t low = rt_base() + layout->thread[i].stack_off - SL_LAYOUT_HOLE_SIZE;
        uint64_t all = layout->stack_size + SL_LAYOUT_HOLE_SIZE;
        if (addr >= low && addr - low < all && size <= all - (addr - low)) {
            return i;
        }
    }
    return 0;
}

bool rt_stack_contains(uint64_t addr, uint64_t size)
{
    return stack_of(addr, size) != 0;
}

bool rt_stack_unmap(uint64_t addr, uint64_t size)
{
    uint32_t index = stack_of(addr, size);
    uint32_t bit = 1u << index;
    return index != 0 && (__atomic_fetch_and(&stacks_used, ~bit, __ATOMIC_RELEASE) & bit) != 0;
}

/* clone() as pthread_create calls it: flags, stack, parent_tid, child_tid, tls. */
uint64_t rt_clone(const struct rt_call_frame *frame)
{
    const uint64_t need = CLONE_VM | CLONE_THREAD | CLONE_SETTLS | CLONE_SIGHAND;
    if ((frame->arg[0] & need) != need || frame->arg[1] == 0) {
        return (uint64_t)-ENOSYS;
    }
    const struct sl_layout *layout = rt_layout();
    for (uint32_t i = 1; i < layout->thread_count; i++) {
        struct rt_block *child = rt_block_of(i);
        uint32_t expected = RT_THREAD_FREE;
        /* held by the intermediate state until it is filled */
        if (!__atomic_compare_exchange_n(&child->state, &expected, THREAD_OVER, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            continue;
        }
        uint32_t tid = FIRST_TID + i;
        child->start_rip = frame->gpr->rip;
        child->start_rsp = frame->arg[1];
        child->start_fs = frame->arg[4];
        child->clear_tid = (frame->arg[0] & CLONE_CHILD_CLEARTID) ? frame->arg[3] : 0;
        child->is_in_handler = 0;
        if ((frame->arg[0] & CLONE_PARENT_SETTID) != 0) {
            *(uint32_t *)(uintptr_t)frame->arg[2] = tid;
        }
        rt_count(&rt_state.counters.threads);
        __atomic_store_n(&child->state, RT_THREAD_ASKED, __ATOMIC_SEQ_CST);
        if (rt_call(frame->block, SL_ABI_EXIT_THREAD, i, 0) == 0) {
            return tid;
        }
        /* the host says it cannot; where it entered the TCS all the same, the thread lives */
        expected = RT_THREAD_ASKED;
        if (!__atomic_compare_exchange_n(&child->state, &expected, RT_THREAD_FREE, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            return tid;
        }
        (void)__atomic_fetch_sub(&rt_state.counters.threads, 1, __ATOMIC_RELAXED);
        return (uint64_t)-EAGAIN;
    }
    return (uint64_t)-EAGAIN;
}

/* exit(): the thread's stack may be given away as soon as its tid is cleared, so it goes on, at
 * level 0, on memory of its own TCS, and leaves from there. */
void rt_thread_exit(const struct rt_call_frame *frame)
{
    struct rt_block *block = frame->block;
    uint64_t clear = block->clear_tid;
    if (__atomic_fetch_sub(&rt_state.counters.threads, 1, __ATOMIC_SEQ_CST) == 1) {
        rt_end(block, frame->arg[0] & 0xff);
    }
    frame->gpr->rip = (uint64_t)rt_end_trampoline;
    if (clear != 0) {
        block->clear_tid = 0;
        __atomic_store_n((uint32_t *)(uintptr_t)clear, 0, __ATOMIC_SEQ_CST);
        (void)rt_futex_wake(block, clear, 1, UINT32_MAX);
    }
}

_Noreturn void rt_thread_end(struct rt_block *block)
{
    uint32_t next = block->index == 0 ? THREAD_OVER : RT_THREAD_FREE;
    __atomic_store_n(&block->state, next, __ATOMIC_SEQ_CST);
    rt_leave_level0(SL_ABI_EXIT_THREAD_END, 0, 0);
}
