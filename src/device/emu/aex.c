/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Asynchronous exit and ERESUME: processor state between the kernel's signal frame and SSA[CSSA]
 * (SDM vol. 3D, chapter 40 "Asynchronous enclave exit"), and the ways back to the host.
 */
#include "device/emu/emu.h"

#include <string.h>

/* RFLAGS that user code may set; the kernel masks the same way at sigreturn. */
#define RFLAGS_USER 0x254dd5ull

/* MISC region with MISCSELECT.EXINFO, just below GPRSGX (SDM 38.9.2.1) */
struct exinfo {
    uint64_t addr;
    uint32_t error;
    uint32_t reserved;
} __attribute__((packed));

static inline void pkru_write(uint32_t value)
{
    __asm__ volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

void sl_emu_pkru_open(const struct emu_thread *thread)
{
    if (thread->has_pkey != 0) {
        pkru_write(thread->enclave_pkru);
    }
}

void sl_emu_pkru_close(const struct emu_thread *thread)
{
    if (thread->has_pkey != 0) {
        pkru_write(thread->host_pkru);
    }
}

static uint8_t *frame_xsave(const ucontext_t *uc)
{
    return (uint8_t *)uc->uc_mcontext.fpregs;
}

void sl_emu_frame_pkru(ucontext_t *uc, uint32_t pkru)
{
    sl_emu_xsave_pkru(frame_xsave(uc), pkru);
}

static uint8_t *ssa_frame(const struct emu_thread *thread, uint32_t index)
{
    const struct emu_enclave *enclave = thread->enclave;
    return enclave->common.base + thread->tcs->ossa + (uint64_t)index * enclave->ssa_frame_size;
}

static void gpr_store(struct sl_ssa_gpr *gpr, const greg_t *g)
{
    gpr->rax = (uint64_t)g[REG_RAX];
    gpr->rcx = (uint64_t)g[REG_RCX];
    gpr->rdx = (uint64_t)g[REG_RDX];
    gpr->rbx = (uint64_t)g[REG_RBX];
    gpr->rsp = (uint64_t)g[REG_RSP];
    gpr->rbp = (uint64_t)g[REG_RBP];
    gpr->rsi = (uint64_t)g[REG_RSI];
    gpr->rdi = (uint64_t)g[REG_RDI];
    gpr->r8 = (uint64_t)g[REG_R8];
    gpr->r9 = (uint64_t)g[REG_R9];
    gpr->r10 = (uint64_t)g[REG_R10];
    gpr->r11 = (uint64_t)g[REG_R11];
    gpr->r12 = (uint64_t)g[REG_R12];
    gpr->r13 = (uint64_t)g[REG_R13];
    gpr->r14 = (uint64_t)g[REG_R14];
    gpr->r15 = (uint64_t)g[REG_R15];
    gpr->rflags = (uint64_t)g[REG_EFL];
    gpr->rip = (uint64_t)g[REG_RIP];
}

static void gpr_load(greg_t *g, const struct sl_ssa_gpr *gpr)
{
    g[REG_RAX] = (greg_t)gpr->rax;
    g[REG_RCX] = (greg_t)gpr->rcx;
    g[REG_RDX] = (greg_t)gpr->rdx;
    g[REG_RBX] = (greg_t)gpr->rbx;
    g[REG_RSP] = (greg_t)gpr->rsp;
    g[REG_RBP] = (greg_t)gpr->rbp;
    g[REG_RSI] = (greg_t)gpr->rsi;
    g[REG_RDI] = (greg_t)gpr->rdi;
    g[REG_R8] = (greg_t)gpr->r8;
    g[REG_R9] = (greg_t)gpr->r9;
    g[REG_R10] = (greg_t)gpr->r10;
    g[REG_R11] = (greg_t)gpr->r11;
    g[REG_R12] = (greg_t)gpr->r12;
    g[REG_R13] = (greg_t)gpr->r13;
    g[REG_R14] = (greg_t)gpr->r14;
    g[REG_R15] = (greg_t)gpr->r15;
    g[REG_EFL] = (greg_t)((gpr->rflags & RFLAGS_USER) | 0x202);
    g[REG_RIP] = (greg_t)gpr->rip;
}

/* SDM 38.9.1.1: #PF and #GP are reported only where MISCSELECT.EXINFO is set. */
static uint32_t exit_info(const struct emu_enclave *enclave, const struct emu_fault *fault)
{
    const bool has_exinfo = (enclave->secs.misc_select & 1) != 0;
    const uint32_t type = fault->vector == EMU_BP ? 6 : 3; /* software or hardware exception */
    switch (fault->vector) {
    case EMU_GP:
    case EMU_PF:
        if (!has_exinfo) {
            return 0;
        }
        break;
    case 0:  /* #DE */
    case 1:  /* #DB */
    case 3:  /* #BP */
    case 5:  /* #BR */
    case 6:  /* #UD */
    case 16: /* #MF */
    case 17: /* #AC */
    case 19: /* #XM */
        break;
    default:
        return 0;
    }
    return SL_EXITINFO_VALID | type << 8 | fault->vector;
}

/* The frame as the host sees it after AEX (SDM 40.3 "Synthetic state"). */
static void synthetic_state(struct emu_thread *thread, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    for (int i = REG_R8; i <= REG_RCX; i++) { /* all sixteen but RSP, see below */
        g[i] = 0;
    }
    g[REG_RAX] = SL_ERESUME;
    g[REG_RBX] = (greg_t)thread->tcs_addr;
    g[REG_RCX] = (greg_t)thread->aep;
    g[REG_RSP] = (greg_t)thread->host_rsp;
    g[REG_RBP] = (greg_t)thread->host_rbp;
    g[REG_RIP] = (greg_t)thread->aep;
    g[REG_EFL] = 0x202;
    sl_emu_xsave_reset(frame_xsave(uc));
    sl_emu_frame_pkru(uc, thread->host_pkru);
}

void sl_emu_aex(struct emu_thread *thread, ucontext_t *uc, const struct emu_fault *fault)
{
    struct emu_enclave *enclave = thread->enclave;
    struct emu_tcs *tcs = thread->tcs;
    uint8_t *frame = ssa_frame(thread, tcs->cssa);
    struct sl_ssa_gpr *gpr =
        (struct sl_ssa_gpr *)(frame + enclave->ssa_frame_size - sizeof(struct sl_ssa_gpr));
    sl_emu_pkru_open(thread);
    sl_emu_xsave_store(frame, frame_xsave(uc), enclave->secs.attributes.xfrm);
    gpr_store(gpr, uc->uc_mcontext.gregs);
    gpr->fs_base = thread->sig_fs;
    gpr->gs_base = thread->sig_gs;
    gpr->exit_info = fault != NULL ? exit_info(enclave, fault) : 0;
    gpr->reserved = 0;
    if (fault != NULL && (enclave->secs.misc_select & 1) != 0 &&
        (fault->vector == EMU_GP || fault->vector == EMU_PF)) {
        struct exinfo *info = (struct exinfo *)((uint8_t *)gpr - sizeof(*info));
        info->addr = fault->vector == EMU_PF ? fault->addr : 0;
        info->error = fault->error;
        info->reserved = 0;
    }
    sl_emu_pkru_close(thread);
    tcs->cssa++;
    thread->is_tcs_held = false;
    atomic_store_explicit(&tcs->is_busy, 0, memory_order_release);
    synthetic_state(thread, uc);
}

bool sl_emu_eresume(struct emu_thread *thread, ucontext_t *uc, struct emu_fault *ret_fault)
{
    struct emu_enclave *enclave = thread->enclave;
    struct emu_tcs *tcs = thread->tcs;
    struct sl_ssa_gpr gpr;
    bool is_ok = false;
    uint32_t idle = 0;
    *ret_fault = (struct emu_fault){.vector = EMU_GP};
    if (!atomic_compare_exchange_strong(&tcs->is_busy, &idle, 1)) {
        return false;
    }
    if (tcs->cssa != 0) {
        uint8_t *frame = ssa_frame(thread, tcs->cssa - 1);
        sl_emu_pkru_open(thread);
        memcpy(&gpr, frame + enclave->ssa_frame_size - sizeof(gpr), sizeof(gpr));
        /* Code outside the range cannot be executed from inside: refused here, at once. */
        is_ok = sl_emu_contains(enclave, gpr.rip) && (gpr.fs_base >> 47) == 0 &&
                (gpr.gs_base >> 47) == 0 &&
                sl_emu_xsave_load(frame_xsave(uc), frame, enclave->secs.attributes.xfrm);
        if (is_ok) { /* the next AEX may come before any EENTER */
            struct sl_ssa_gpr *out =
                (struct sl_ssa_gpr *)(frame + enclave->ssa_frame_size - sizeof(gpr));
            out->ursp = thread->host_rsp;
            out->urbp = thread->host_rbp;
        }
        sl_emu_pkru_close(thread);
    }
    if (!is_ok) {
        atomic_store_explicit(&tcs->is_busy, 0, memory_order_release);
        return false;
    }
    gpr_load(uc->uc_mcontext.gregs, &gpr);
    sl_emu_frame_pkru(uc, thread->enclave_pkru);
    thread->sig_fs = gpr.fs_base;
    thread->sig_gs = gpr.gs_base;
    thread->is_tcs_held = true;
    tcs->cssa--;
    return true;
}

void sl_emu_leave_end(struct emu_thread *thread, ucontext_t *uc, enum emu_end end)
{
    greg_t *g = uc->uc_mcontext.gregs;
    thread->end = end;
    g[REG_RIP] = (greg_t)(uintptr_t)sl_emu_leave;
    g[REG_R11] = (greg_t)(uintptr_t)thread;
    g[REG_RSP] = (greg_t)thread->host_rsp;
    g[REG_EFL] = 0x202;
    sl_emu_frame_pkru(uc, thread->host_pkru);
}

void sl_emu_leave_fault(struct emu_thread *thread, ucontext_t *uc, uint32_t function,
                        const struct emu_fault *fault)
{
    thread->function = function;
    thread->fault = *fault;
    sl_emu_leave_end(thread, uc, EMU_END_FAULT);
}
