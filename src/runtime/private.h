/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the runtime: what its files share. Names begin with rt_ and stay hidden in the image.
 *
 * This code runs before the ELF file has relocated itself and before libc has thread-local storage:
 * no libc call, no errno, no tables of pointers, and memcpy or memset that the compiler emits go to
 * the runtime's own.
 */
#ifndef SL_RUNTIME_PRIVATE_H
#define SL_RUNTIME_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/sgx_arch.h"
#include "runtime/abi.h"
#include "runtime/block.h"
#include "runtime/layout.h"
#include "runtime/params.h"
#include "runtime/runtime.h"

#ifdef SL_RT_INSIDE
__asm__(".hidden rt_memcpy, rt_memset\n\t.set memcpy, rt_memcpy\n\t.set memset, rt_memset\n");
#endif

/* memory.c */
void *rt_memcpy(void *to, const void *from, size_t size);
void *rt_memset(void *to, int byte, size_t size);
bool rt_equal(const void *a, const void *b, size_t size);

/* enclave_entry.S */
uint64_t rt_call_level0(uint64_t code, uint64_t arg0, uint64_t arg1);
uint64_t rt_call_level1(uint64_t code, uint64_t arg0, uint64_t arg1);
_Noreturn void rt_leave_level0(uint64_t code, uint64_t arg0, uint64_t arg1);
_Noreturn void rt_leave_level1(uint64_t code, uint64_t arg0, uint64_t arg1);
_Noreturn void rt_begin(uint64_t rip, uint64_t rsp, uint64_t fs_base);
void rt_end_trampoline(void);
uint64_t rt_ereport(const void *target_info, const void *report_data, void *report);
uint64_t rt_egetkey(const void *key_request, void *key);
extern const uint8_t rt_critical_begin[], rt_critical_end[], rt_not_yet[];

/* start.c: called by enclave_entry.S */
_Noreturn void rt_enter(uint64_t kind, uint64_t arg0, uint64_t arg1, struct rt_block *block);
_Noreturn void rt_thread_end(struct rt_block *block);
void rt_exception(struct rt_block *block, uint64_t base);

/** Not 0 once the image is dead or done; enclave_entry.S refuses every entry from then on. */
extern uint32_t rt_gone;
/** Marks the image dead and leaves. */
_Noreturn void rt_die(struct rt_block *block, uint64_t reason, uint64_t rip);
_Noreturn void rt_end(struct rt_block *block, uint64_t exit_code);

extern const uint8_t rt_ehdr_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
static inline uint64_t rt_base(void)
{
    return (uint64_t)rt_ehdr_start - SL_LAYOUT_ELF_OFF;
}
static inline const struct sl_layout *rt_layout(void)
{
    return (const struct sl_layout *)(uintptr_t)rt_base();
}
static inline struct rt_block *rt_block_of(uint32_t index)
{
    return (struct rt_block *)(uintptr_t)(rt_base() + rt_layout()->thread[index].block_off);
}
/** What the processor stored of a thread's normal code when an exception interrupted it. */
static inline struct sl_ssa_gpr *rt_ssa_gpr(const struct rt_block *block)
{
    uint64_t end = rt_layout()->thread[block->index].ssa_off +
                   SL_LAYOUT_SSA_FRAME_PAGES * (uint64_t)SL_SGX_PAGE_SIZE;
    return (struct sl_ssa_gpr *)(uintptr_t)(rt_base() + end - sizeof(struct sl_ssa_gpr));
}
static inline struct rt_block *rt_block_self(void)
{
    uint64_t base;
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    return (struct rt_block *)(uintptr_t)base;
}

/** Calls to the host; from the exception handler where the block says so. */
uint64_t rt_call(struct rt_block *block, uint64_t code, uint64_t arg0, uint64_t arg1);
uint64_t rt_wait(struct rt_block *block, uint32_t kind, uint32_t arg, uint64_t timeout_ns);

/** Locks of the runtime: held for a few hundred instructions, never across a call to the host and
 * never while an exception can come. A host that stops the holder stops the image: availability
 * only.
 */
struct rt_lock {
    uint32_t word;
};
void rt_lock(struct rt_lock *lock);
void rt_unlock(struct rt_lock *lock);

/* counters */
struct rt_state {
    struct sl_rt_counters counters;
    uint8_t *area; /**< as given at start, checked to lie outside; NULL before */
    uint64_t area_size;
    bool is_area_ready; /**< geometry adopted, log ring usable */
    bool is_polling;
    bool is_rdtsc_trapped;
    bool is_enclu_missing; /**< device bare */
    struct sl_attributes attributes;
    struct sl_params params;
    uint32_t refused[512]; /**< per system call number; the last for all above */
};
extern struct rt_state rt_state;
static inline void rt_count(uint64_t *counter)
{
    (void)__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* syscall.c */
struct rt_call_frame {
    struct rt_block *block;
    struct sl_ssa_gpr *gpr;
    uint64_t arg[6];
};
uint64_t rt_syscall(struct rt_block *block, struct sl_ssa_gpr *gpr);

/* heap.c: pages of the enclave heap; every page handed out is zero */
void rt_heap_init(uint8_t *base, uint64_t size);
uint64_t rt_heap_map(uint64_t size);
int rt_heap_unmap(uint64_t addr, uint64_t size);
uint64_t rt_heap_brk(uint64_t addr);
bool rt_heap_contains(uint64_t addr, uint64_t size);

/* thread.c */
uint64_t rt_clone(const struct rt_call_frame *frame);
void rt_thread_exit(const struct rt_call_frame *frame);
uint64_t rt_stack_map(uint64_t size);
bool rt_stack_unmap(uint64_t addr, uint64_t size);
bool rt_stack_contains(uint64_t addr, uint64_t size);

/* futex.c */
uint64_t rt_futex(const struct rt_call_frame *frame);
uint64_t rt_futex_wake(struct rt_block *block, uint64_t addr, uint64_t count, uint32_t bits);
uint64_t rt_sleep_until(struct rt_block *block, uint64_t deadline_ns);

/* cpuid.c */
bool rt_cpuid_init(const struct sl_params *params, uint64_t xfrm);
void rt_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4]);

/* clock.c */
void rt_clock_init(uint32_t tsc_khz, uint64_t host_time_ns);
uint64_t rt_clock_now_ns(struct rt_block *block);
uint64_t rt_clock_real_ns(struct rt_block *block);
uint64_t rt_clock_tsc(struct rt_block *block);

/* random.c: RDRAND; does not come back where it fails */
void rt_random(struct rt_block *block, void *out, size_t size);

/* log.c */
uint64_t rt_log_write(const void *data, uint64_t size);

#endif
