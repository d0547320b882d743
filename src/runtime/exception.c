/* SPDX-License-Identifier: Apache-2.0 */
/* Second-level exception entry. The only exceptions that an image may raise are the instructions
 * that an enclave may not execute: SYSCALL, CPUID, RDTSC where it traps, and ENCLU where there is
 * none.
 *
 * Not re-entrant (SmashEx, CVE-2021-0186): own stack, entered only where the processor itself
 * recorded a vector in the SSA, never while entry or exit code was interrupted; a second exception
 * is death. */
#include "runtime/private.h"

enum {
    VECTOR_MASK = 0xff,
    VECTOR_UD = 6,
    RFLAGS_USER = 0x8d5, /* CF PF AF ZF SF OF */
};

static bool is_at(const uint8_t *rip, uint8_t b0, uint8_t b1)
{
    return rip[0] == b0 && rip[1] == b1;
}

static void answer_syscall(struct rt_block *block, struct sl_ssa_gpr *gpr)
{
    rt_count(&rt_state.counters.syscalls);
    gpr->rip += 2;
    uint64_t result = rt_syscall(block, gpr);
    /* as the instruction leaves them (SDM vol. 2, SYSCALL) */
    gpr->rcx = gpr->rip;
    gpr->r11 = gpr->rflags;
    gpr->rax = result;
}

static void answer_cpuid(struct sl_ssa_gpr *gpr)
{
    uint32_t regs[4];
    rt_cpuid((uint32_t)gpr->rax, (uint32_t)gpr->rcx, regs);
    gpr->rax = regs[0];
    gpr->rbx = regs[1];
    gpr->rcx = regs[2];
    gpr->rdx = regs[3];
    gpr->rip += 2;
}

static void answer_rdtsc(struct rt_block *block, struct sl_ssa_gpr *gpr, uint32_t size)
{
    __atomic_store_n(&rt_state.is_rdtsc_trapped, true, __ATOMIC_RELAXED);
    rt_count(&rt_state.counters.rdtsc_trapped);
    uint64_t tsc = rt_clock_tsc(block);
    gpr->rax = tsc & 0xffffffff;
    gpr->rdx = tsc >> 32;
    gpr->rip += size;
}

/* An ENCLU of ours that raised #UD: this device has none (bare). On SGX it cannot happen. */
static bool answer_enclu(struct sl_ssa_gpr *gpr)
{
    const struct sl_layout *layout = rt_layout();
    for (uint32_t i = 0; i < layout->site_count; i++) {
        if (gpr->rip == rt_base() + layout->site[i].off && layout->site[i].leaf != SL_EEXIT) {
            __atomic_store_n(&rt_state.is_enclu_missing, true, __ATOMIC_RELAXED);
            gpr->rax = (uint64_t)-1;
            gpr->rip += 3;
            return true;
        }
    }
    return false;
}

static bool answer(struct rt_block *block, struct sl_ssa_gpr *gpr)
{
    const uint8_t *rip = (const uint8_t *)(uintptr_t)gpr->rip;
    if (is_at(rip, 0x0f, 0x05)) {
        answer_syscall(block, gpr);
    } else if (is_at(rip, 0x0f, 0xa2)) {
        answer_cpuid(gpr);
    } else if (is_at(rip, 0x0f, 0x31)) {
        answer_rdtsc(block, gpr, 2);
    } else if (is_at(rip, 0x0f, 0x01) && rip[2] == 0xf9) {
        answer_rdtsc(block, gpr, 3);
        gpr->rcx = block->index;
    } else if (is_at(rip, 0x0f, 0x01) && rip[2] == 0xd7) {
        return answer_enclu(gpr);
    } else {
        return false;
    }
    return true;
}

void rt_exception(struct rt_block *block, uint64_t base)
{
    const struct sl_layout *layout = rt_layout();
    struct sl_ssa_gpr *gpr = rt_ssa_gpr(block);
    bool was_in_handler = block->is_in_handler != 0;
    block->is_in_handler = 1;
    uint64_t rip = gpr->rip;
    if (was_in_handler) {
        rt_die(block, SL_ABI_DEAD_NESTED, rip);
    }
    /* "VALID: 1 where the exception is one that is reported" (SDM 38.9.1.1); an interrupt, a page
     * fault or the host's invention has none */
    if ((gpr->exit_info & SL_EXITINFO_VALID) == 0) {
        rt_die(block, SL_ABI_DEAD_SPURIOUS, rip);
    }
    uint32_t vector = gpr->exit_info & VECTOR_MASK;
    gpr->exit_info = 0; /* answered once */
    uint64_t elf = base + layout->elf_off;
    if (rip >= (uint64_t)rt_critical_begin && rip < (uint64_t)rt_critical_end) {
        rt_die(block, SL_ABI_DEAD_CRITICAL, rip);
    }
    if (vector != VECTOR_UD || rip < elf || rip - elf > layout->elf_size - 3 ||
        !answer(block, gpr)) {
        rt_die(block, vector, rip);
    }
    rt_count(&rt_state.counters.exceptions);
    block->is_in_handler = 0;
}
