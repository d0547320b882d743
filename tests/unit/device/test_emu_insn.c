/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that an enclave may not execute, and memory that it may not touch: which exception
 * comes out, in both speeds. SDM vol. 3D, table "Illegal instructions inside an enclave". */
#include "unit.h"

#include <cpuid.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/emu/emu.h"
#include "emu_rig.h"

#define INSN_TABLE(X)                                                                              \
    X(ud2, 6)                                                                                      \
    X(syscall, 6)                                                                                  \
    X(int80, 6)                                                                                    \
    X(int21, 6)                                                                                    \
    X(cpuid, 6)                                                                                    \
    X(rdpmc, 6)                                                                                    \
    X(in, 6)                                                                                       \
    X(out, 6)                                                                                      \
    X(outsb, 6)                                                                                    \
    X(hlt, 13)                                                                                     \
    X(cli, 13)                                                                                     \
    X(wrmsr, 13)                                                                                   \
    X(divide, 0)                                                                                   \
    X(noncanonical, 13)
#define INSN_LABEL(name, vector) RIG_LABEL(insn_##name);
INSN_TABLE(INSN_LABEL)
RIG_LABEL(insn_int3);
RIG_LABEL(insn_rdtsc);
RIG_LABEL(insn_rdtscp);
RIG_LABEL(insn_nops);

enum { PAGE = 4096 };

static uint64_t saved_rip(const struct rig *rig)
{
    const uint64_t at = rig_addr(rig, RIG_THREAD0 + RIG_SSA + PAGE) - 184 + 136;
    return rig_call(rig, emu_code_read, at, 0);
}

/* The fault is reported at the instruction itself: nothing of it has happened. */
static void faults_at(const struct rig *rig, const char *name, const uint8_t *label,
                      uint32_t vector)
{
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    assert_int_equal(rig_enter(rig, 0, label, 0, 0x8000000000000000ull, &regs, &run), 0);
    if (run.function != SL_ERESUME || run.exception_vector != vector) {
        fail_msg("%s: function %u vector %u", name, run.function, run.exception_vector);
    }
    assert_int_equal(run.exception_addr, 0);
    assert_int_equal(saved_rip(rig), rig_code(rig, label));
    /* end the exception: go on at the exit */
    rig_handle(rig, (uint64_t)(emu_code_leave - label));
    assert_int_equal(rig_resume(rig, 0, &regs, &run), 0);
    assert_int_equal(run.function, SL_EEXIT);
}

static void test_insn_illegal_ones_fault(void **state)
{
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        rig_create(&rig, &params);
#define INSN_FAULTS(name, vector) faults_at(&rig, #name, emu_code_insn_##name, vector);
        INSN_TABLE(INSN_FAULTS)
#undef INSN_FAULTS
        rig_free(&rig);
    }
    (void)state;
}

static void test_insn_syscall_faults_with_old_kernels_dispatch(void **state)
{
    sl_emu_is_dispatch_exclusive_forced = true;
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        rig_create(&rig, &params);
        for (int i = 0; i < 10; i++) {
            faults_at(&rig, "syscall", emu_code_insn_syscall, 6);
            assert_true(getppid() > 0); /* and the host's own go through */
            faults_at(&rig, "int80", emu_code_insn_int80, 6);
        }
        rig_free(&rig);
    }
    sl_emu_is_dispatch_exclusive_forced = false;
    (void)state;
}

static void test_insn_rdtsc_follows_the_option(void **state)
{
    struct rig rig;
    rig_create(&rig, &(struct rig_params){.is_rdtsc_trapped = false});
    const uint64_t low = rig_call(&rig, emu_code_rdtsc_value, 0, 0);
    assert_true(low != rig_call(&rig, emu_code_rdtsc_value, 0, 0));
    rig_free(&rig);
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0, .is_rdtsc_trapped = true};
        rig_create(&rig, &params);
        faults_at(&rig, "rdtsc", emu_code_insn_rdtsc, 6);
        faults_at(&rig, "rdtscp", emu_code_insn_rdtscp, 6);
        assert_true(__builtin_ia32_rdtsc() != 0); /* not so outside */
        rig_free(&rig);
    }
    (void)state;
}

/* The thread keeps CPUID faulting on outside, too; the host's CPUID is answered all the same. */
static void test_insn_cpuid_of_the_host_still_works(void **state)
{
    uint32_t before[4], after[4];
    struct rig rig;
    rig_create(&rig, &(struct rig_params){0});
    __cpuid_count(0, 0, before[0], before[1], before[2], before[3]);
    (void)rig_call(&rig, emu_code_add, 1, 2);
    __cpuid_count(0, 0, after[0], after[1], after[2], after[3]);
    assert_memory_equal(before, after, sizeof(before));
    assert_true(before[1] != 0);
    rig_free(&rig);
    (void)state;
}

static volatile sig_atomic_t g_trap_count;
static volatile uintptr_t g_trap_rip;

static void on_trap(int signo, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    g_trap_rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    g_trap_count = g_trap_count + 1;
    (void)signo;
    (void)info;
}

/* The vDSO "never fixes up" #DB and #BP: they reach the host as signals, at the AEP. */
static void test_insn_int3_is_a_signal_of_the_host(void **state)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO}, old;
    action.sa_sigaction = on_trap;
    assert_int_equal(sigaction(SIGTRAP, &action, &old), 0);
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        rig_create(&rig, &params);
        g_trap_count = 0;
        /* INT3 is a trap: it resumes behind itself, at ud2 */
        rig_call_faults(&rig, emu_code_insn_int3, 0, 0, 6);
        assert_int_equal(g_trap_count, 1);
        assert_false(g_trap_rip - (uintptr_t)rig.enclave->base < RIG_SIZE);
        rig_free(&rig);
    }
    assert_int_equal(sigaction(SIGTRAP, &old, NULL), 0);
    (void)state;
}

/* --- memory ------------------------------------------------------------------------------- */

static void test_memory_rights_are_those_of_secinfo(void **state)
{
    static const struct {
        uint64_t off;
        bool is_readable, is_writable;
    } rows[] = {
        {RIG_LAYOUT, true, false},
        {RIG_CODE, true, false},
        {RIG_DATA + 0x1008, true, true},
        {RIG_RODATA, true, false},
        {RIG_THREAD0 + RIG_TCS, false, false}, /* not even by the enclave */
        {RIG_HOLE, false, false},

    };
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0, .has_exinfo = true};
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct rig rig;
            struct sl_enter_regs regs;
            struct sgx_enclave_run run;
            rig_create(&rig, &params);
            const uint64_t addr = rig_addr(&rig, rows[i].off);
            assert_int_equal(rig_enter(&rig, 0, emu_code_read, addr, 0, &regs, &run), 0);
            assert_int_equal(run.function, rows[i].is_readable ? SL_EEXIT : SL_ERESUME);
            assert_int_equal(rig_enter(&rig, 0, emu_code_write, addr + 0x10, 1, &regs, &run), 0);
            assert_int_equal(run.function, rows[i].is_writable ? SL_EEXIT : SL_ERESUME);
            if (!rows[i].is_writable) {
                assert_int_equal(run.exception_vector, 14);
                /* SGX hides the offset in the page from the host */
                assert_int_equal(run.exception_addr, addr & ~(uint64_t)(PAGE - 1));
            }
            rig_free(&rig);
        }
    }
    (void)state;
}

static void test_memory_data_is_not_executable(void **state)
{
    struct rig rig;
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    rig_create(&rig, &(struct rig_params){0});
    assert_int_equal(rig_enter(&rig, 0, emu_code_jump, rig_addr(&rig, RIG_DATA), 0, &regs, &run),
                     0);
    assert_int_equal(run.function, SL_ERESUME);
    assert_int_equal(run.exception_vector, 14);
    assert_int_equal(run.exception_error_code & 0x10, 0x10); /* instruction fetch */
    assert_int_equal(run.exception_addr, rig_addr(&rig, RIG_DATA));
    rig_free(&rig);
    (void)state;
}

static void test_memory_fetch_outside_the_range_is_gp(void **state)
{
    struct rig rig;
    rig_create(&rig, &(struct rig_params){0});
    rig_call_faults(&rig, emu_code_jump, 0, 0, 13);
    rig_free(&rig);
    (void)state;
}

static sigjmp_buf g_escape;

static void on_segv(int signo)
{
    siglongjmp(g_escape, signo);
}

/* The host's reads and writes of enclave memory fault, outside and after each way out. */
static bool host_reads(const struct rig *rig, uint64_t off)
{
    if (sigsetjmp(g_escape, 1) != 0) {
        return false;
    }
    (void)*(volatile const uint8_t *)(uintptr_t)rig_addr(rig, off);
    return true;
}

static bool host_writes(const struct rig *rig, uint64_t off)
{
    if (sigsetjmp(g_escape, 1) != 0) {
        return false;
    }
    *(volatile uint8_t *)(uintptr_t)rig_addr(rig, off) = 1;
    return true;
}

static void test_memory_host_access_faults(void **state)
{
    struct sigaction action = {.sa_handler = on_segv}, old;
    struct rig rig;
    const int key = pkey_alloc(0, 0);
    if (key < 0) {
        skip();
    }
    (void)pkey_free(key);
    assert_int_equal(sigaction(SIGSEGV, &action, &old), 0);
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        rig_create(&rig, &params);
        for (int i = 0; i < 3; i++) {
            assert_false(host_reads(&rig, RIG_DATA));
            assert_false(host_writes(&rig, RIG_DATA));
            assert_false(host_reads(&rig, RIG_CODE));
            assert_false(host_reads(&rig, RIG_THREAD0 + RIG_TCS));
            if (i == 0) {
                (void)rig_call(&rig, emu_code_write, rig_addr(&rig, RIG_DATA), 7);
            } else {
                rig_call_faults(&rig, emu_code_insn_ud2, 0, 0, 6);
            }
        }
        rig_free(&rig);
    }
    assert_int_equal(sigaction(SIGSEGV, &old, NULL), 0);
    (void)state;
}

/* Two enclaves in one process are strangers to each other. */
static void test_memory_of_another_enclave_faults(void **state)
{
    struct rig a, b;
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    rig_create(&a, &(struct rig_params){0});
    rig_create(&b, &(struct rig_params){.is_trap = true});
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_call(&a, emu_code_add, 1, 2), 3);
        assert_int_equal(rig_call(&b, emu_code_add, 3, 4), 7);
    }
    faults_at(&a, "syscall", emu_code_insn_syscall, 6); /* dispatch follows the enclave */
    faults_at(&b, "syscall", emu_code_insn_syscall, 6);
    if (((const struct emu_enclave *)a.enclave)->pkey >= 0) {
        assert_int_equal(rig_enter(&a, 0, emu_code_read, rig_addr(&b, RIG_DATA), 0, &regs, &run),
                         0);
        assert_int_equal(run.function, SL_ERESUME);
        assert_int_equal(run.exception_vector, 14);
    }
    rig_free(&a);
    rig_free(&b);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insn_illegal_ones_fault),
        cmocka_unit_test(test_insn_syscall_faults_with_old_kernels_dispatch),
        cmocka_unit_test(test_insn_rdtsc_follows_the_option),
        cmocka_unit_test(test_insn_cpuid_of_the_host_still_works),
        cmocka_unit_test(test_insn_int3_is_a_signal_of_the_host),
        cmocka_unit_test(test_memory_rights_are_those_of_secinfo),
        cmocka_unit_test(test_memory_data_is_not_executable),
        cmocka_unit_test(test_memory_fetch_outside_the_range_is_gp),
        cmocka_unit_test(test_memory_host_access_faults),
        cmocka_unit_test(test_memory_of_another_enclave_faults),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
