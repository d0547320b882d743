/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One step of an enclave thread: what __vdso_sgx_enter_enclave() does on hardware.
 */
#include "device/emu/emu.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <x86intrin.h>

static inline uint32_t pkru_read(void)
{
    uint32_t value;
    __asm__ volatile("rdpkru" : "=a"(value) : "c"(0) : "rdx");
    return value;
}

static bool is_run_valid(const struct sgx_enclave_run *run, unsigned leaf)
{
    uint64_t any = 0;
    _Static_assert(sizeof(run->reserved) % 8 == 0, "whole words");
    for (size_t i = 0; i < sizeof(run->reserved); i += 8) {
        uint64_t word;
        memcpy(&word, run->reserved + i, sizeof(word));
        any |= word;
    }
    return any == 0 && run->user_handler == 0 && (leaf == SL_EENTER || leaf == SL_ERESUME);
}

static void spin_until(uint64_t tsc)
{
    while ((int64_t)(__rdtsc() - tsc) < 0) {
        __builtin_ia32_pause();
    }
}

/* The enclave must bring RSP and RBP back, as the vDSO's frame hangs on them: on hardware anything
 * else ends in a crash of the host. */
static int result_take(struct emu_thread *thread, struct sl_enter_regs *regs,
                       struct sgx_enclave_run *run)
{
    if (thread->end == EMU_END_FAULT) {
        run->function = thread->function;
        run->exception_vector = (uint16_t)thread->fault.vector;
        run->exception_error_code = (uint16_t)thread->fault.error;
        run->exception_addr = thread->fault.addr;
        return 0;
    }
    if (thread->end == EMU_END_PROTOCOL || thread->out_rsp != thread->host_rsp ||
        thread->out_rbp != thread->host_rbp) {
        return -EPROTO;
    }
    run->function = SL_EEXIT;
    regs->rdi = thread->out_rdi;
    regs->rsi = thread->out_rsi;
    regs->rdx = thread->out_rdx;
    return 0;
}

static void step(struct emu_enclave *enclave, struct emu_thread *thread, unsigned leaf)
{
    thread->end = EMU_END_EXIT;
    if (leaf == SL_EENTER && enclave->is_direct) {
        struct emu_fault fault;
        if (!sl_emu_eenter_prepare(thread, &fault)) {
            thread->end = EMU_END_FAULT;
            thread->function = SL_EENTER;
            thread->fault = fault;
            return;
        }
        thread->rax = thread->tcs->cssa;
        sl_emu_switch(thread, 0);
    } else {
        thread->rax = leaf;
        sl_emu_switch(thread, 1);
    }
    if (thread->is_tcs_held) {
        thread->is_tcs_held = false;
        atomic_store_explicit(&thread->tcs->is_busy, 0, memory_order_release);
    }
}

int sl_emu_enter(struct sl_enclave *common, struct sl_enter_regs *regs, unsigned leaf,
                 struct sgx_enclave_run *run)
{
    struct emu_enclave *enclave = (struct emu_enclave *)common;
    struct emu_thread *thread;
    const uint64_t cost = enclave->entry_cost_tsc;
    const uint64_t start = cost != 0 ? __rdtsc() : 0;
    if (!is_run_valid(run, leaf)) {
        return -EINVAL;
    }
    if (sl_emu_thread_get(enclave, &thread) != SL_OK) {
        return -ENOMEM;
    }
    if ((uint64_t)__builtin_frame_address(0) - (uint64_t)thread < EMU_SLOT_SIZE) {
        return -EBUSY; /* from a signal handler, on the signal stack that the entry needs */
    }
    thread->enclave = enclave;
    thread->tcs_addr = run->tcs;
    thread->in = *regs;
    thread->has_pkey = enclave->pkey >= 0;
    if (thread->has_pkey != 0) {
        thread->host_pkru = pkru_read();
        thread->enclave_pkru = thread->host_pkru & ~enclave->pkru_mask;
    }
    if (cost != 0) {
        spin_until(start + cost);
    }
    if (enclave->is_rdtsc_trapped) {
        (void)prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
    }
    step(enclave, thread, leaf);
    if (enclave->is_rdtsc_trapped) {
        (void)prctl(PR_SET_TSC, PR_TSC_ENABLE);
    }
    if (cost != 0) {
        spin_until(__rdtsc() + cost);
    }
    return result_take(thread, regs, run);
}
