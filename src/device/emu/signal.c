/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Signals. Every handler the host program has installed is put behind switch.S's stub, so that a
 * signal that comes while a thread is inside an enclave first makes an asynchronous exit, and the
 * handler runs in the host's world. Faults that the enclave causes become exceptions of enter().
 */
#include "device/emu/emu.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    SIGNAL_COUNT = 64,
    CODE_USER_DISPATCH = 2, /* SYS_USER_DISPATCH */
    DISPATCH = 59,          /* PR_SET_SYSCALL_USER_DISPATCH */
    RESTORER_FLAG = 0x04000000,
    ARCH_GET_CPUID_CODE = 0x1011,
    INSN_MAX = 15,
};

/* struct kernel_sigaction of x86-64 */
struct action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static struct action g_previous[SIGNAL_COUNT + 1];

static const int g_faults[] = {SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP, SIGSYS};

static bool is_fault_signal(int signo)
{
    for (size_t i = 0; i < sizeof(g_faults) / sizeof(g_faults[0]); i++) {
        if (g_faults[i] == signo) {
            return true;
        }
    }
    return false;
}

static void mask_set(uint64_t mask)
{
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

static uint64_t bit_of(int signo)
{
    return 1ull << (signo - 1);
}

static long action_set(int signo, const struct action *act, struct action *old)
{
    return syscall(SYS_rt_sigaction, signo, act, old, sizeof(uint64_t));
}

static void adopt(int signo)
{
    struct action old;
    if (action_set(signo, NULL, &old) != 0 || old.handler == (void *)sl_emu_signal_stub) {
        return;
    }
    const bool has_handler = old.handler != (void *)SIG_DFL && old.handler != (void *)SIG_IGN;
    if (!has_handler && !is_fault_signal(signo)) {
        return; /* the kernel acts alone */
    }
    const unsigned long kept = SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT;
    const struct action stub = {
        .handler = (void *)sl_emu_signal_stub,
        .flags = (old.flags & kept) | SA_SIGINFO | SA_ONSTACK | RESTORER_FLAG,
        .restorer = (void *)(uintptr_t)sl_emu_restorer,
        .mask = ~0ull,
    };
    g_previous[signo] = old;
    (void)action_set(signo, &stub, NULL);
}

void sl_emu_signals_adopt(void)
{
    (void)pthread_mutex_lock(&g_lock);
    for (int signo = 1; signo <= SIGNAL_COUNT; signo++) {
        if (signo != SIGKILL && signo != SIGSTOP) {
            adopt(signo);
        }
    }
    (void)pthread_mutex_unlock(&g_lock);
}

/* The kernel kills a process that faults while the fault's signal is blocked, as many threads of
 * libraries have it. */
void sl_emu_signals_unblock(void)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < sizeof(g_faults) / sizeof(g_faults[0]); i++) {
        mask |= bit_of(g_faults[i]);
    }
    (void)syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof(mask));
}

/* OpenSSL may ask CPUID, which faults here: let that signal in while it runs. */
void sl_emu_crypto_begin(void)
{
    mask_set(~0ull & ~bit_of(SIGSEGV));
}

void sl_emu_crypto_end(void)
{
    mask_set(~0ull);
}

static void take_default(int signo, const siginfo_t *info)
{
    const struct action act = {.handler = (void *)SIG_DFL};
    (void)action_set(signo, &act, NULL);
    if (info->si_code <= 0) {
        /* Sent by somebody: send it again. A fault comes again by itself. */
        (void)syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo);
    }
}

static void host_handler_run(int signo, siginfo_t *info, ucontext_t *uc)
{
    const struct action act = g_previous[signo];
    uint64_t mask;
    if (act.handler == (void *)SIG_IGN && info->si_code <= 0) {
        return;
    }
    if (act.handler == (void *)SIG_DFL || act.handler == (void *)SIG_IGN) {
        take_default(signo, info);
        return;
    }
    if ((act.flags & (unsigned)SA_RESETHAND) != 0) {
        g_previous[signo].handler = (void *)SIG_DFL;
    }
    memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
    mask_set(mask | act.mask | ((act.flags & SA_NODEFER) != 0 ? 0 : bit_of(signo)));
    if ((act.flags & SA_SIGINFO) != 0) {
        ((void (*)(int, siginfo_t *, void *))(uintptr_t)act.handler)(signo, info, uc);
    } else {
        ((void (*)(int))(uintptr_t)act.handler)(signo);
    }
    mask_set(~0ull);
}

/* --- instructions that fault -------------------------------------------------------------- */

/* The instruction at rip without its prefixes, at most two opcode bytes and one more. Only bytes
 * on pages of the enclave are read. */
static size_t insn_read(const struct emu_thread *thread, uint64_t rip, uint8_t out[INSN_MAX])
{
    const struct emu_enclave *enclave = thread->enclave;
    size_t count = 0;
    sl_emu_pkru_open(thread);
    while (count < INSN_MAX) {
        const uint64_t off = rip + count - (uint64_t)enclave->common.base;
        if (off >= enclave->common.size ||
            (enclave->pages[off / SL_SGX_PAGE_SIZE] & SL_SECINFO_X) == 0) {
            break;
        }
        out[count] = enclave->common.base[off];
        count++;
    }
    sl_emu_pkru_close(thread);
    return count;
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65 ||
           (byte & 0xf0) == 0x40;
}

/* Instructions that raise #UD in an enclave but #GP (or something else) outside of one: SDM vol.
 * 3D, table "Illegal instructions inside an enclave". */
static bool is_illegal_inside(const uint8_t *insn, size_t size)
{
    /* RDTSC, RDPMC, SYSENTER, GETSEC, CPUID, SYSCALL */
    static const uint8_t second[] = {0x31, 0x33, 0x34, 0x37, 0xa2, 0x05};
    size_t i = 0;
    while (i < size && is_prefix(insn[i])) {
        i++;
    }
    const size_t left = size - i;
    if (left == 0) {
        return false;
    }
    switch (insn[i]) {
    case 0xcd: /* INT n */
    case 0xcf: /* IRET */
    case 0xca: /* RET far */
    case 0xcb:
    case 0x6c: /* INS, OUTS, IN, OUT */
    case 0x6d:
    case 0x6e:
    case 0x6f:
    case 0xe4:
    case 0xe5:
    case 0xe6:
    case 0xe7:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
        return true;
    case 0x0f:
        if (left >= 2 && memchr(second, insn[i + 1], sizeof(second)) != NULL) {
            return true;
        }
        return left >= 3 && insn[i + 1] == 0x01 && insn[i + 2] == 0xf9; /* RDTSCP */
    default:
        return false;
    }
}

static bool is_enclu(const uint8_t *insn, size_t size)
{
    return size >= 3 && insn[0] == 0x0f && insn[1] == 0x01 && insn[2] == 0xd7;
}

/* The exception that SGX would raise. Trap numbers are the kernel's word for the vector. */
static struct emu_fault classify(const struct emu_thread *thread, int signo, const siginfo_t *info,
                                 ucontext_t *uc, bool *ret_is_enclu)
{
    greg_t *g = uc->uc_mcontext.gregs;
    uint8_t insn[INSN_MAX];
    struct emu_fault fault = {.vector = (uint32_t)g[REG_TRAPNO]};
    *ret_is_enclu = false;
    if (signo == SIGSYS) {
        g[REG_RIP] -= 2; /* the kernel reports behind SYSCALL or INT 0x80 */
        fault.vector = EMU_UD;
        return fault;
    }
    if (!sl_emu_contains(thread->enclave, (uint64_t)g[REG_RIP])) {
        fault.vector = EMU_GP; /* code fetch outside the enclave's range */
        return fault;
    }
    switch (fault.vector) {
    case EMU_PF:
        fault.error = (uint32_t)g[REG_ERR] & 0xffff;
        fault.addr = (uint64_t)g[REG_CR2] & ~(uint64_t)(SL_SGX_PAGE_SIZE - 1);
        break;
    case EMU_UD:
    case EMU_GP: {
        const size_t size = insn_read(thread, (uint64_t)g[REG_RIP], insn);
        *ret_is_enclu = is_enclu(insn, size);
        if (fault.vector == EMU_GP && is_illegal_inside(insn, size)) {
            fault.vector = EMU_UD;
        } else if (fault.vector == EMU_GP) {
            fault.error = (uint32_t)g[REG_ERR] & 0xffff;
        }
        break;
    }
    default:
        break;
    }
    (void)info;
    return fault;
}

/* --- inside ------------------------------------------------------------------------------- */

static bool in_switch_code(const struct emu_thread *thread, uint64_t rip)
{
    return (rip >= (uint64_t)(uintptr_t)sl_emu_text_begin &&
            rip < (uint64_t)(uintptr_t)sl_emu_text_end) ||
           sl_emu_stub_contains(rip) ||
           rip - (uint64_t)thread->enclave->trampolines < SL_SGX_PAGE_SIZE;
}

/* A signal that is not the enclave's doing: AEX, the host's handler, and ERESUME as the code at the
 * AEP would. The kernel's vDSO delivers #DB and #BP this way, too. */
static bool interrupt(struct emu_thread *thread, int signo, siginfo_t *info, ucontext_t *uc,
                      const struct emu_fault *fault)
{
    struct emu_fault refused;
    const bool is_tsc_off = thread->enclave->is_rdtsc_trapped;
    sl_emu_aex(thread, uc, fault);
    if (is_tsc_off) {
        (void)prctl(PR_SET_TSC, PR_TSC_ENABLE);
    }
    host_handler_run(signo, info, uc);
    if (is_tsc_off) {
        (void)prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
    }
    if (sl_emu_eresume(thread, uc, &refused)) {
        return true;
    }
    sl_emu_leave_fault(thread, uc, SL_ERESUME, &refused);
    return false;
}

static bool fault_inside(struct emu_thread *thread, int signo, siginfo_t *info, ucontext_t *uc)
{
    bool is_leaf;
    const struct emu_fault fault = classify(thread, signo, info, uc, &is_leaf);
    if (is_leaf) {
        return sl_emu_leaf_enclu(thread, uc);
    }
    if (fault.vector == EMU_DB || fault.vector == EMU_BP) {
        return interrupt(thread, signo, info, uc, &fault);
    }
    sl_emu_aex(thread, uc, &fault);
    sl_emu_leave_fault(thread, uc, SL_ERESUME, &fault);
    return false;
}

/* Entry or exit itself failed. EENTER's store to an SSA frame is the enclave's fault; at the exit,
 * it came with another RSP or through the stub of a thread that does not exist. */
static void switch_fault(struct emu_thread *thread, ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    const uint64_t rip = (uint64_t)g[REG_RIP];
    if (rip == (uint64_t)(uintptr_t)sl_emu_lost || rip == (uint64_t)(uintptr_t)sl_emu_exit) {
        sl_emu_leave_end(thread, uc, EMU_END_PROTOCOL);
        return;
    }
    const struct emu_fault fault = {
        .vector = EMU_PF, .addr = (uint64_t)g[REG_CR2] & ~(uint64_t)(SL_SGX_PAGE_SIZE - 1)};
    sl_emu_leave_fault(thread, uc, SL_EENTER, &fault);
}

static bool signal_inside(struct emu_thread *thread, int signo, siginfo_t *info, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    const uint64_t rip = (uint64_t)g[REG_RIP];
    const bool is_fault = is_fault_signal(signo) && info->si_code > 0;
    if (!sl_emu_contains(thread->enclave, rip) && in_switch_code(thread, rip)) {
        const uint64_t origin = sl_emu_patch_origin(thread->enclave, rip);
        if (is_fault && origin != 0) {
            /* Another leaf than EEXIT cannot return to the site: it is a jump now. */
            g[REG_RAX] = (uint32_t)g[REG_RAX] == SL_EEXIT ? SL_EEXIT : UINT32_MAX;
            g[REG_RIP] = (greg_t)origin;
            return sl_emu_leaf_enclu(thread, uc);
        }
        if (is_fault) {
            switch_fault(thread, uc);
            return false;
        }
        const uint64_t fs = thread->sig_fs, gs = thread->sig_gs;
        host_handler_run(signo, info, uc);
        thread->sig_fs = fs;
        thread->sig_gs = gs;
        return true;
    }
    if (is_fault) {
        return fault_inside(thread, signo, info, uc);
    }
    return interrupt(thread, signo, info, uc, NULL);
}

/* --- outside ------------------------------------------------------------------------------ */

/* CPUID faults on threads that have entered an enclave, whoever runs it: do it for the host. */
static bool cpuid_for_host(ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    uint32_t a = (uint32_t)g[REG_RAX], b, c = (uint32_t)g[REG_RCX], d;
    const uint8_t *insn = (const uint8_t *)(uintptr_t)g[REG_RIP];
    if (g[REG_TRAPNO] != EMU_GP || syscall(SYS_arch_prctl, ARCH_GET_CPUID_CODE, 0) != 0 ||
        insn[0] != 0x0f || insn[1] != 0xa2) {
        return false;
    }
    sl_emu_cpuid_fault_set(false);
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    sl_emu_cpuid_fault_set(true);
    g[REG_RAX] = a;
    g[REG_RBX] = b;
    g[REG_RCX] = c;
    g[REG_RDX] = d;
    g[REG_RIP] += 2;
    return true;
}

int sl_emu_signal(int signo, siginfo_t *info, ucontext_t *uc, struct emu_thread *thread,
                  int was_inside)
{
    greg_t *g = uc->uc_mcontext.gregs;
    if (was_inside != 0) {
        return signal_inside(thread, signo, info, uc);
    }
    if (info->si_code > 0 && thread != NULL && (signo == SIGILL || signo == SIGSEGV) &&
        g[REG_RIP] == (greg_t)(uintptr_t)sl_emu_enclu) {
        return sl_emu_leaf_enter(thread, uc);
    }
    if (info->si_code > 0 && signo == SIGSEGV && cpuid_for_host(uc)) {
        return 0;
    }
    if (signo == SIGSYS && info->si_code == CODE_USER_DISPATCH) {
        /* The range of an enclave that is gone belongs to somebody else now: stop watching. */
        (void)prctl(DISPATCH, 0, 0, 0, 0);
        if (thread != NULL) {
            thread->dispatch_generation = 0;
        }
        g[REG_RIP] -= 2;
        return 0;
    }
    host_handler_run(signo, info, uc);
    return 0;
}
