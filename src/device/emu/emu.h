/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside the emulator: its enclaves, their TCSs, and the host threads that enter them.
 */
#ifndef SL_DEVICE_EMU_EMU_H
#define SL_DEVICE_EMU_EMU_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "device/device.h"
#include "device/emu/offsets.h"
#include "device/keys.h"
#include "device/measure.h"
#include "device/sigstruct.h"

enum {
    EMU_TCS_MAX = 256,
    EMU_PAGE_ADDED = 1 << 3, /* beside SL_SECINFO_R, W, X in a page's byte */
    EMU_PAGE_TCS = 1 << 4,
    EMU_RULES_MAX = 16,
    EMU_TRAMPOLINE_SIZE = 64,
};

/* Exception vectors (SDM vol. 3A 6.15). */
enum { EMU_DE = 0, EMU_DB = 1, EMU_BP = 3, EMU_UD = 6, EMU_GP = 13, EMU_PF = 14 };

struct emu_fault {
    uint32_t vector;
    uint32_t error;
    uint64_t addr;
};

/* What hardware keeps of a TCS where software cannot reach it. */
struct emu_tcs {
    uint64_t off;
    uint64_t ossa, oentry, ofs_base, ogs_base;
    uint32_t nssa;
    uint32_t cssa;
    _Atomic uint32_t is_busy;
};

struct emu_enclave {
    struct sl_enclave common; /* first: struct sl_enclave * is a struct emu_enclave * */
    struct sl_secs secs;
    bool is_bare;
    bool is_init;
    bool is_direct;
    bool is_rdtsc_trapped;
    int pkey;                /* -1: none */
    uint32_t pkru_mask;      /* bits of PKRU that are clear while inside */
    uint64_t generation;     /* never reused, unlike the address */
    uint64_t entry_cost_tsc; /* half of the pair */
    uint8_t *pages;          /* one byte per page: SECINFO R, W, X and EMU_PAGE_* */
    struct sl_measure measure;
    struct sl_machine machine;
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
    uint32_t xsave_size; /* of XFRM */
    uint64_t ssa_frame_size;
    uint8_t *reserved; /* the whole reservation: range, then trampolines */
    size_t reserved_size;
    uint8_t *trampolines; /* one page after the range */
    uint64_t sites[8];    /* patched EEXITs, offsets; 0 = none */
    uint32_t tcs_count;
    struct emu_tcs tcs[EMU_TCS_MAX];
    const char *rules[EMU_RULES_MAX];
};

/* How a step ended. */
enum emu_end { EMU_END_EXIT, EMU_END_FAULT, EMU_END_PROTOCOL };

/* A host thread that has entered an enclave; lies at the bottom of its slot, below its signal
 * stack. The first fields are known to switch.S. */
struct emu_thread {
    uint32_t is_inside;
    uint8_t selector; /* Syscall User Dispatch: 1 = block */
    uint8_t has_pkey;
    uint8_t selector_inside; /* 1 where dispatch is exclusive (kernel < 6.17) */
    uint8_t pad;
    uint64_t host_rsp, host_rbp, host_fs, host_gs;
    uint32_t host_pkru, enclave_pkru;
    uint64_t sig_fs, sig_gs; /* bases to go on with after a signal */
    struct sl_enter_regs in;
    uint64_t tcs_addr;
    uint64_t rax; /* leaf, or CSSA in direct mode */
    uint64_t aep;
    uint64_t enclave_fs, enclave_gs;
    uint64_t oentry;
    uint64_t ssa_gpr;
    uint64_t out_rdi, out_rsi, out_rdx, out_rsp, out_rbp;
    /* from here on for C only */
    struct emu_enclave *enclave;
    struct emu_tcs *tcs;
    bool is_tcs_held;
    enum emu_end end;
    uint32_t function; /* run->function after a fault */
    struct emu_fault fault;
    uint64_t dispatch_generation; /* enclave whose range Syscall User Dispatch watches */
    bool is_cpuid_faulting;
    stack_t old_stack;
    uint32_t index;
};

#define EMU_ASSERT_OFF(field, off)                                                                 \
    _Static_assert(offsetof(struct emu_thread, field) == (off), "offsets.h: " #field)
EMU_ASSERT_OFF(is_inside, EMU_T_INSIDE);
EMU_ASSERT_OFF(selector, EMU_T_SELECTOR);
EMU_ASSERT_OFF(has_pkey, EMU_T_HAS_PKEY);
EMU_ASSERT_OFF(selector_inside, EMU_T_SEL_INSIDE);
EMU_ASSERT_OFF(host_rsp, EMU_T_HOST_RSP);
EMU_ASSERT_OFF(host_rbp, EMU_T_HOST_RBP);
EMU_ASSERT_OFF(host_fs, EMU_T_HOST_FS);
EMU_ASSERT_OFF(host_gs, EMU_T_HOST_GS);
EMU_ASSERT_OFF(host_pkru, EMU_T_HOST_PKRU);
EMU_ASSERT_OFF(enclave_pkru, EMU_T_ENCLAVE_PKRU);
EMU_ASSERT_OFF(sig_fs, EMU_T_SIG_FS);
EMU_ASSERT_OFF(sig_gs, EMU_T_SIG_GS);
EMU_ASSERT_OFF(in, EMU_T_IN_RDI);
EMU_ASSERT_OFF(in.r9, EMU_T_IN_R9);
EMU_ASSERT_OFF(tcs_addr, EMU_T_TCS);
EMU_ASSERT_OFF(rax, EMU_T_RAX);
EMU_ASSERT_OFF(aep, EMU_T_AEP);
EMU_ASSERT_OFF(enclave_fs, EMU_T_ENCLAVE_FS);
EMU_ASSERT_OFF(enclave_gs, EMU_T_ENCLAVE_GS);
EMU_ASSERT_OFF(oentry, EMU_T_OENTRY);
EMU_ASSERT_OFF(ssa_gpr, EMU_T_SSA_GPR);
EMU_ASSERT_OFF(out_rdi, EMU_T_OUT_RDI);
EMU_ASSERT_OFF(out_rsi, EMU_T_OUT_RSI);
EMU_ASSERT_OFF(out_rdx, EMU_T_OUT_RDX);
EMU_ASSERT_OFF(out_rsp, EMU_T_OUT_RSP);
EMU_ASSERT_OFF(out_rbp, EMU_T_OUT_RBP);
_Static_assert(offsetof(struct sl_ssa_gpr, ursp) == EMU_SSA_URSP, "offsets.h");
_Static_assert(offsetof(struct sl_ssa_gpr, urbp) == EMU_SSA_URBP, "offsets.h");

/* switch.S */
extern const uint8_t sl_emu_text_begin[], sl_emu_text_end[], sl_emu_enclu[], sl_emu_exit[];
extern const uint8_t sl_emu_lost[], sl_emu_leave[], sl_emu_restorer[], sl_emu_restorer_end[];
void sl_emu_switch(struct emu_thread *thread, int is_trap);
void sl_emu_signal_stub(int signo, siginfo_t *info, void *context);

/* Memory of all slots; switch.S compares the stack pointer with it. */
struct emu_region {
    uint8_t *base;
    uint64_t size;
};
extern struct emu_region sl_emu_region;

/* thread.c: the calling thread's slot, made at its first entry; signals adopted, traps armed. */
sl_rc sl_emu_thread_get(struct emu_enclave *enclave, struct emu_thread **ret_thread);
bool sl_emu_region_init(void);
bool sl_emu_has_dispatch(void);
bool sl_emu_has_cpuid_fault(void);
bool sl_emu_stub_contains(uint64_t addr);
uint64_t sl_emu_stub_base(void);
void sl_emu_cpuid_fault_set(bool is_faulting);
extern bool sl_emu_is_dispatch_exclusive_forced;

/* signal.c */
void sl_emu_signals_adopt(void);
void sl_emu_signals_unblock(void);
int sl_emu_signal(int signo, siginfo_t *info, ucontext_t *uc, struct emu_thread *thread,
                  int was_inside);
void sl_emu_crypto_begin(void);
void sl_emu_crypto_end(void);

/* leaf.c: true = go on inside with what the frame holds; false = the frame leads to the host. */
bool sl_emu_leaf_enclu(struct emu_thread *thread, ucontext_t *uc);
bool sl_emu_leaf_enter(struct emu_thread *thread, ucontext_t *uc);
bool sl_emu_eenter_prepare(struct emu_thread *thread, struct emu_fault *ret_fault);

/* aex.c */
void sl_emu_aex(struct emu_thread *thread, ucontext_t *uc, const struct emu_fault *fault);
bool sl_emu_eresume(struct emu_thread *thread, ucontext_t *uc, struct emu_fault *ret_fault);
void sl_emu_leave_fault(struct emu_thread *thread, ucontext_t *uc, uint32_t function,
                        const struct emu_fault *fault);
void sl_emu_leave_end(struct emu_thread *thread, ucontext_t *uc, enum emu_end end);
void sl_emu_frame_pkru(ucontext_t *uc, uint32_t pkru);
void sl_emu_pkru_open(const struct emu_thread *thread);
void sl_emu_pkru_close(const struct emu_thread *thread);

/* xstate.c: sizes of XSAVE components in the standard format, asked of CPUID once. */
struct emu_xstate {
    uint64_t xcr0;
    uint32_t off[64];
    uint32_t size[64];
    uint32_t mxcsr_mask;
};
const struct emu_xstate *sl_emu_xstate(void);
uint32_t sl_emu_xsave_size(uint64_t xfrm);
void sl_emu_xsave_store(uint8_t *ssa, const uint8_t *frame, uint64_t xfrm);
/* False where XRSTOR would raise #GP: then nothing is written. */
bool sl_emu_xsave_load(uint8_t *frame, const uint8_t *ssa, uint64_t xfrm);
void sl_emu_xsave_reset(uint8_t *frame);
void sl_emu_xsave_pkru(uint8_t *frame, uint32_t pkru);

/* patch.c: EEXIT without a signal. */
sl_rc sl_emu_patch(struct emu_enclave *enclave, struct sl_err *err);
/* The enclave address that a trampoline's ENCLU stands for, or 0. */
uint64_t sl_emu_patch_origin(const struct emu_enclave *enclave, uint64_t rip);

/* create.c and build.c */
bool sl_emu_is_zero(const void *data, size_t size);
sl_rc sl_emu_create(const struct sl_device_options *options, const struct sl_secs *secs,
                    bool is_bare, struct sl_enclave **ret_enclave, struct sl_err *err);
sl_rc sl_emu_add_pages(struct sl_enclave *enclave, uint64_t off, const uint8_t *content,
                       uint64_t size, uint64_t secinfo_flags, bool is_measured, struct sl_err *err);
sl_rc sl_emu_init(struct sl_enclave *enclave, const struct sl_sigstruct *sigstruct,
                  struct sl_err *err);
int sl_emu_enter(struct sl_enclave *enclave, struct sl_enter_regs *regs, unsigned leaf,
                 struct sgx_enclave_run *run);
void sl_emu_destroy(struct sl_enclave *enclave);
const char *const *sl_emu_unenforced(const struct sl_enclave *enclave);

extern const struct sl_device_ops sl_device_emu, sl_device_bare;

static inline bool sl_emu_contains(const struct emu_enclave *enclave, uint64_t addr)
{
    return addr - (uint64_t)enclave->common.base < enclave->common.size;
}

#endif
