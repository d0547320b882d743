/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * ENCLU leaves, as the signal handler carries them out on the kernel's signal frame: from the host
 * EENTER and ERESUME, from the enclave EEXIT, EREPORT and EGETKEY (SDM vol. 3D, chapter 41).
 */
#include "device/emu/emu.h"

#include <string.h>

#include "base/secret.h"

enum {
    RFLAGS_CF = 1 << 0,
    RFLAGS_PF = 1 << 2,
    RFLAGS_AF = 1 << 4,
    RFLAGS_ZF = 1 << 6,
    RFLAGS_SF = 1 << 7,
    RFLAGS_OF = 1 << 11,
    ENCLU_SIZE = 3,
};

static struct emu_tcs *tcs_find(struct emu_enclave *enclave, uint64_t addr)
{
    const uint64_t off = addr - (uint64_t)enclave->common.base;
    if (off >= enclave->common.size ||
        (enclave->pages[off / SL_SGX_PAGE_SIZE] & EMU_PAGE_TCS) == 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < enclave->tcs_count; i++) {
        if (enclave->tcs[i].off == off) {
            return &enclave->tcs[i];
        }
    }
    return NULL;
}

static bool has_page(const struct emu_enclave *enclave, uint64_t off, uint8_t flags)
{
    return off < enclave->common.size &&
           (enclave->pages[off / SL_SGX_PAGE_SIZE] & (flags | EMU_PAGE_TCS)) == flags;
}

/* Every page of SSA[index] must be there, readable and writable. */
static bool is_ssa_usable(const struct emu_enclave *enclave, const struct emu_tcs *tcs,
                          uint32_t index, struct emu_fault *ret_fault)
{
    const uint64_t off = tcs->ossa + (uint64_t)index * enclave->ssa_frame_size;
    for (uint64_t at = 0; at < enclave->ssa_frame_size; at += SL_SGX_PAGE_SIZE) {
        if (!has_page(enclave, off + at, SL_SECINFO_R | SL_SECINFO_W | EMU_PAGE_ADDED)) {
            *ret_fault = (struct emu_fault){EMU_PF, 0, (uint64_t)enclave->common.base + off + at};
            return false;
        }
    }
    return true;
}

/* What EENTER and ERESUME check alike; sets thread->tcs. */
static bool tcs_check(struct emu_thread *thread, struct emu_fault *ret_fault)
{
    struct emu_enclave *enclave = thread->enclave;
    *ret_fault = (struct emu_fault){.vector = EMU_GP};
    if (thread->tcs_addr % SL_SGX_PAGE_SIZE != 0) {
        return false;
    }
    thread->tcs = tcs_find(enclave, thread->tcs_addr);
    if (thread->tcs == NULL) {
        /* "IF (EPCM(DS:RBX).VALID = 0 or PT != PT_TCS) THEN #PF(DS:RBX)" */
        *ret_fault = (struct emu_fault){EMU_PF, 0, thread->tcs_addr};
        return false;
    }
    return enclave->is_init;
}

bool sl_emu_eenter_prepare(struct emu_thread *thread, struct emu_fault *ret_fault)
{
    struct emu_enclave *enclave = thread->enclave;
    const uint64_t base = (uint64_t)enclave->common.base;
    uint32_t idle = 0;
    if (!tcs_check(thread, ret_fault)) {
        return false;
    }
    struct emu_tcs *tcs = thread->tcs;
    if (!atomic_compare_exchange_strong_explicit(&tcs->is_busy, &idle, 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return false; /* #GP: the TCS is in use */
    }
    if (tcs->cssa >= tcs->nssa || !is_ssa_usable(enclave, tcs, tcs->cssa, ret_fault)) {
        atomic_store_explicit(&tcs->is_busy, 0, memory_order_release);
        return false;
    }
    thread->is_tcs_held = true;
    thread->enclave_fs = base + tcs->ofs_base;
    thread->enclave_gs = base + tcs->ogs_base;
    thread->oentry = base + tcs->oentry;
    thread->ssa_gpr = base + tcs->ossa + (uint64_t)(tcs->cssa + 1) * enclave->ssa_frame_size -
                      sizeof(struct sl_ssa_gpr);
    return true;
}

bool sl_emu_leaf_enter(struct emu_thread *thread, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    struct emu_fault fault;
    const uint32_t leaf = (uint32_t)g[REG_RAX];
    if (leaf == SL_ERESUME) {
        if (tcs_check(thread, &fault) && sl_emu_eresume(thread, uc, &fault)) {
            return true;
        }
        sl_emu_leave_fault(thread, uc, SL_ERESUME, &fault);
        return false;
    }
    if (!sl_emu_eenter_prepare(thread, &fault)) {
        sl_emu_leave_fault(thread, uc, SL_EENTER, &fault);
        return false;
    }
    struct sl_ssa_gpr *gpr = (struct sl_ssa_gpr *)(uintptr_t)thread->ssa_gpr;
    sl_emu_pkru_open(thread);
    gpr->ursp = (uint64_t)g[REG_RSP];
    gpr->urbp = (uint64_t)g[REG_RBP];
    sl_emu_pkru_close(thread);
    g[REG_RAX] = (greg_t)thread->tcs->cssa;
    g[REG_RIP] = (greg_t)thread->oentry;
    thread->sig_fs = thread->enclave_fs;
    thread->sig_gs = thread->enclave_gs;
    sl_emu_frame_pkru(uc, thread->enclave_pkru);
    return true;
}

static bool leaf_eexit(struct emu_thread *thread, ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    thread->out_rdi = (uint64_t)g[REG_RDI];
    thread->out_rsi = (uint64_t)g[REG_RSI];
    thread->out_rdx = (uint64_t)g[REG_RDX];
    thread->out_rsp = (uint64_t)g[REG_RSP];
    thread->out_rbp = (uint64_t)g[REG_RBP];
    sl_emu_leave_end(thread, uc,
                     (uint64_t)g[REG_RBX] == thread->aep ? EMU_END_EXIT : EMU_END_PROTOCOL);
    return false;
}

static bool fault_inside(struct emu_thread *thread, ucontext_t *uc, uint32_t vector, uint64_t addr)
{
    const struct emu_fault fault = {.vector = vector,
                                    .addr = addr & ~(uint64_t)(SL_SGX_PAGE_SIZE - 1)};
    sl_emu_aex(thread, uc, &fault);
    sl_emu_leave_fault(thread, uc, SL_ERESUME, &fault);
    return false;
}

struct operand {
    uint64_t addr;
    uint32_t align;
    uint8_t flags;
};

/* Operands are aligned to more than their size, so each lies in one page. */
static bool operands_check(const struct emu_enclave *enclave, const struct operand *operand,
                           size_t count, struct emu_fault *ret_fault)
{
    for (size_t i = 0; i < count; i++) {
        if (operand[i].addr % operand[i].align != 0 || !sl_emu_contains(enclave, operand[i].addr)) {
            *ret_fault = (struct emu_fault){.vector = EMU_GP};
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!has_page(enclave, operand[i].addr - (uint64_t)enclave->common.base,
                      operand[i].flags | EMU_PAGE_ADDED)) {
            *ret_fault = (struct emu_fault){.vector = EMU_PF, .addr = operand[i].addr};
            return false;
        }
    }
    return true;
}

static void result_set(greg_t *g, uint32_t rax, bool has_rax)
{
    g[REG_EFL] &= ~(greg_t)(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF);
    if (has_rax) {
        g[REG_RAX] = rax;
        g[REG_EFL] |= rax != 0 ? RFLAGS_ZF : 0;
    }
    g[REG_RIP] += ENCLU_SIZE;
}

static struct sl_identity identity_of(const struct emu_enclave *enclave)
{
    return (struct sl_identity){.secs = &enclave->secs,
                                .isv_family_id = enclave->isv_family_id,
                                .isv_ext_prod_id = enclave->isv_ext_prod_id};
}

static bool leaf_ereport(struct emu_thread *thread, ucontext_t *uc)
{
    const struct emu_enclave *enclave = thread->enclave;
    greg_t *g = uc->uc_mcontext.gregs;
    const struct operand operand[] = {
        {(uint64_t)g[REG_RBX], 512, SL_SECINFO_R},
        {(uint64_t)g[REG_RCX], 128, SL_SECINFO_R},
        {(uint64_t)g[REG_RDX], 512, SL_SECINFO_R | SL_SECINFO_W},
    };
    struct sl_target_info target;
    struct sl_report report;
    uint8_t data[64];
    struct emu_fault fault;
    if (!operands_check(enclave, operand, 3, &fault)) {
        return fault_inside(thread, uc, fault.vector, fault.addr);
    }
    sl_emu_pkru_open(thread);
    memcpy(&target, (const void *)operand[0].addr, sizeof(target));
    memcpy(data, (const void *)operand[1].addr, sizeof(data));
    sl_emu_pkru_close(thread);
    const struct sl_identity identity = identity_of(enclave);
    sl_emu_crypto_begin();
    sl_rc rc = sl_machine_ereport(&enclave->machine, &identity, &target, data, &report);
    sl_emu_crypto_end();
    if (rc != SL_OK) {
        return fault_inside(thread, uc, EMU_GP, 0);
    }
    sl_emu_pkru_open(thread);
    memcpy((void *)operand[2].addr, &report, sizeof(report));
    sl_emu_pkru_close(thread);
    result_set(g, 0, false);
    return true;
}

static bool leaf_egetkey(struct emu_thread *thread, ucontext_t *uc)
{
    const struct emu_enclave *enclave = thread->enclave;
    greg_t *g = uc->uc_mcontext.gregs;
    const struct operand operand[] = {
        {(uint64_t)g[REG_RBX], 512, SL_SECINFO_R},
        {(uint64_t)g[REG_RCX], 16, SL_SECINFO_R | SL_SECINFO_W},
    };
    struct sl_key_request request;
    uint8_t key[SL_KEY_SIZE];
    uint32_t error = 0;
    struct emu_fault fault;
    if (!operands_check(enclave, operand, 2, &fault)) {
        return fault_inside(thread, uc, fault.vector, fault.addr);
    }
    sl_emu_pkru_open(thread);
    memcpy(&request, (const void *)operand[0].addr, sizeof(request));
    sl_emu_pkru_close(thread);
    const struct sl_identity identity = identity_of(enclave);
    sl_emu_crypto_begin();
    sl_rc rc = sl_machine_egetkey(&enclave->machine, &identity, &request, key, &error);
    sl_emu_crypto_end();
    if (rc == SL_INVALID || (rc != SL_OK && error == 0)) {
        return fault_inside(thread, uc, EMU_GP, 0);
    }
    if (rc == SL_OK) {
        sl_emu_pkru_open(thread);
        memcpy((void *)operand[1].addr, key, sizeof(key));
        sl_emu_pkru_close(thread);
        sl_wipe(key, sizeof(key));
    }
    result_set(g, error, true);
    return true;
}

bool sl_emu_leaf_enclu(struct emu_thread *thread, ucontext_t *uc)
{
    const uint32_t leaf = (uint32_t)uc->uc_mcontext.gregs[REG_RAX];
    if (thread->enclave->is_bare && (leaf == SL_EREPORT || leaf == SL_EGETKEY)) {
        return fault_inside(thread, uc, EMU_UD, 0); /* no identity and no keys: no such leaf */
    }
    switch (leaf) {
    case SL_EEXIT:
        return leaf_eexit(thread, uc);
    case SL_EREPORT:
        return leaf_ereport(thread, uc);
    case SL_EGETKEY:
        return leaf_egetkey(thread, uc);
    default: /* EENTER and ERESUME from inside, SGX2's leaves, unknown ones */
        return fault_inside(thread, uc, EMU_GP, 0);
    }
}
