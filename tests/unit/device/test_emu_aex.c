/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous exit and ERESUME: state survives signals, a spoilt SSA frame never hurts the host.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "device/emu/emu.h"
#include "emu_rig.h"

RIG_LABEL(insn_ud2);
RIG_LABEL(insn_nops);
RIG_LABEL(insn_divide);
RIG_LABEL(insn_hlt);

enum { PAGE = 4096, GPR = PAGE - 184, XSTATE_BV = 512, XCOMP_BV = 520, MXCSR = 24, STORM = 150 };

static uint64_t ssa(const struct rig *rig, uint32_t index, uint64_t off)
{
    return rig_addr(rig, RIG_THREAD0 + RIG_SSA + (uint64_t)index * PAGE + off);
}

/* --- timer storm -------------------------------------------------------------------------- */

static volatile uint64_t g_flag __attribute__((aligned(64)));
static volatile sig_atomic_t g_ticks, g_errors, g_inside;
static pthread_t g_main;
static __thread int g_tls = 4711; /* needs the host's FS base */

static void on_tick(int signo, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    const struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    double x = 1.0 + (double)g_ticks; /* spoils vector registers */
    if (g_tls != 4711 || signo != SIGALRM || info->si_signo != SIGALRM || !(x > 0.5)) {
        g_errors = g_errors + 1;
    }
    /* Interrupted inside (RIP is the AEP): nothing of the enclave is in what the host gets to see.
     * Not so after EEXIT, where scrubbing is the enclave's own affair. */
    const bool is_aex =
        g_flag == 0 && sl_emu_stub_contains((uint64_t)uc->uc_mcontext.gregs[REG_RIP]);
    for (int i = 0; is_aex && i < 16; i++) {
        if (fp->_xmm[i].element[1] == 0x5afe11b0) {
            g_errors = g_errors + 1;
        }
    }
    g_inside = g_inside + (is_aex ? 1 : 0);
    g_ticks = g_ticks + 1;
    if (g_ticks >= STORM) {
        g_flag = 1;
    }
}

static void timer_set(long interval_us)
{
    const struct itimerval timer = {.it_interval = {.tv_usec = interval_us},
                                    .it_value = {.tv_usec = interval_us}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void storm(const struct rig_params *params, const uint8_t *label)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART}, old;
    struct rig rig;
    action.sa_sigaction = on_tick;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    rig_create(&rig, params); /* adopts the handler */
    g_flag = 0;
    g_ticks = 0;
    g_errors = 0;
    g_inside = 0;
    timer_set(1000);
    assert_int_equal(rig_call(&rig, label, (uint64_t)(uintptr_t)&g_flag, rig_addr(&rig, RIG_DATA)),
                     0);
    timer_set(0);
    assert_true(g_ticks >= STORM);
    assert_true(g_inside > STORM / 2);
    assert_int_equal(g_errors, 0);
    rig_free(&rig);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

static void test_aex_sse_state_survives_1_khz(void **state)
{
    storm(&(struct rig_params){.is_trap = true, .xfrm = 3}, emu_code_storm_sse);
    storm(&(struct rig_params){.is_trap = false, .xfrm = 3}, emu_code_storm_sse);
    storm(&(struct rig_params){.device = "bare", .xfrm = 3}, emu_code_storm_sse);
    (void)state;
}

static void test_aex_avx512_state_survives_1_khz(void **state)
{
    if (!rig_has_avx512()) {
        skip();
    }
    storm(&(struct rig_params){.is_trap = true}, emu_code_storm_avx512);
    storm(&(struct rig_params){.is_trap = false}, emu_code_storm_avx512);
    storm(&(struct rig_params){.is_trap = false, .is_rdtsc_trapped = true}, emu_code_storm_avx512);
    (void)state;
}

/* Entries and exits under a storm: a signal may hit every instruction of the switch. */
static void test_aex_signals_during_entry_and_exit(void **state)
{
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART}, old;
        struct rig rig;
        action.sa_sigaction = on_tick;
        assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
        rig_create(&rig, &params);
        g_flag = 0;
        g_ticks = 0;
        g_errors = 0;
        timer_set(300);
        uint64_t count = 0;
        while (g_ticks < STORM || count <= STORM) {
            assert_int_equal(rig_call(&rig, emu_code_add, count, 1), count + 1);
            assert_int_equal(g_tls, 4711);
            count++;
        }
        timer_set(0);
        assert_int_equal(g_errors, 0);
        rig_free(&rig);
        assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    }
    (void)state;
}

/* Signals that a thread of the host program gets while another one is inside. */
static void *other_thread(void *data)
{
    const pthread_t target = *(const pthread_t *)data;
    for (int i = 0; i < STORM || g_ticks <= 10; i++) {
        const struct timespec pause = {.tv_nsec = 200000};
        (void)pthread_kill(target, SIGUSR1);
        (void)nanosleep(&pause, NULL);
    }
    g_flag = 1;
    return NULL;
}

static void on_usr1(int signo)
{
    g_ticks = g_ticks + 1;
    if (!pthread_equal(pthread_self(), g_main) || signo != SIGUSR1) {
        g_errors = g_errors + 1;
    }
}

static void test_aex_signals_of_other_threads(void **state)
{
    struct sigaction action = {.sa_handler = on_usr1}, old;
    struct rig rig;
    pthread_t other;
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    rig_create(&rig, &(struct rig_params){.xfrm = 3});
    g_flag = 0;
    g_ticks = 0;
    g_errors = 0;
    g_main = pthread_self();
    assert_int_equal(pthread_create(&other, NULL, other_thread, &g_main), 0);
    assert_int_equal(
        rig_call(&rig, emu_code_storm_sse, (uint64_t)(uintptr_t)&g_flag, rig_addr(&rig, RIG_DATA)),
        0);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_true(g_ticks > 10);
    assert_int_equal(g_errors, 0);
    rig_free(&rig);
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
    (void)state;
}

/* --- SSA ---------------------------------------------------------------------------------- */

static void test_aex_exit_info_tells_the_vector(void **state)
{
    static const struct {
        const uint8_t *label;
        uint64_t rsi;
        uint32_t exit_info, exit_info_exinfo;
        uint64_t exinfo_addr_off; /* 0: none */
    } rows[] = {
        {emu_code_insn_ud2, 0, 0x80000306, 0x80000306, 0},
        {emu_code_insn_divide, 0, 0x80000300, 0x80000300, 0},
        {emu_code_insn_hlt, 0, 0, 0x8000030d, 0},
        {emu_code_read, RIG_HOLE + 8, 0, 0x8000030e, RIG_HOLE},
    };
    for (int has_exinfo = 0; has_exinfo < 2; has_exinfo++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            const struct rig_params params = {.has_exinfo = has_exinfo != 0};
            struct rig rig;
            struct sl_enter_regs regs;
            struct sgx_enclave_run run;
            rig_create(&rig, &params);
            const uint64_t rsi = rows[i].rsi == 0 ? 0 : rig_addr(&rig, rows[i].rsi);
            assert_int_equal(rig_enter(&rig, 0, rows[i].label, rsi, 0, &regs, &run), 0);
            assert_int_equal(run.function, SL_ERESUME);
            const uint64_t info =
                rig_call(&rig, emu_code_read, ssa(&rig, 0, PAGE - 24), 0) & UINT32_MAX;
            assert_int_equal(info, has_exinfo != 0 ? rows[i].exit_info_exinfo : rows[i].exit_info);
            if (has_exinfo != 0 && rows[i].exinfo_addr_off != 0) {
                assert_int_equal(rig_call(&rig, emu_code_read, ssa(&rig, 0, GPR - 16), 0),
                                 rig_addr(&rig, rows[i].exinfo_addr_off));
            }
            rig_free(&rig);
        }
    }
    (void)state;
}

/* One exception, and one in its handler: CSSA reaches NSSA, and no entry is left. */
static void test_aex_cssa_ends_at_nssa(void **state)
{
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &params);
        rig_call_faults(&rig, emu_code_insn_ud2, 0, 0, 6);
        assert_int_equal(rig_enter(&rig, 0, emu_code_add, 1, 1, &regs, &run), 0);
        assert_int_equal(regs.rsi, 1); /* CSSA */
        rig_call_faults(&rig, emu_code_insn_ud2, 0, 0, 6);
        assert_int_equal(rig_enter(&rig, 0, emu_code_add, 1, 1, &regs, &run), 0);
        assert_int_equal(run.function, SL_EENTER);
        assert_int_equal(run.exception_vector, 13);
        /* ERESUME goes back level by level; each faults again at its ud2 */
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        assert_int_equal(run.function, SL_ERESUME);
        assert_int_equal(run.exception_vector, 6);
        assert_int_equal(((const struct emu_enclave *)rig.enclave)->tcs[0].cssa, 2);
        rig_free(&rig);
    }
    (void)state;
}

static void test_eresume_without_exception_is_gp(void **state)
{
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &params);
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        assert_int_equal(run.function, SL_ERESUME);
        assert_int_equal(run.exception_vector, 13);
        assert_int_equal(rig_call(&rig, emu_code_add, 1, 2), 3);
        rig_free(&rig);
    }
    (void)state;
}

/* What XRSTOR and ERESUME refuse: #GP at ERESUME, and the host goes on. */
static void test_eresume_spoilt_ssa_is_gp(void **state)
{
    static const struct {
        uint64_t off, value;
    } rows[] = {
        {XSTATE_BV, 1ull << 9},          /* PKRU: not in XFRM */
        {XSTATE_BV, 1ull << 63},         /* reserved */
        {XSTATE_BV, ~0ull},              /* everything */
        {XCOMP_BV, 1ull << 63},          /* compacted */
        {XCOMP_BV, 1},                   /* reserved */
        {XCOMP_BV + 8, 1},               /* reserved bytes of the header */
        {XCOMP_BV + 48, 0xff},           /* the last of them */
        {MXCSR, 0xffffffffull},          /* reserved bits of MXCSR */
        {MXCSR, 0x1f80 | 1ull << 16},    /* the lowest of them */
        {GPR + 136, 0},                  /* RIP outside the range */
        {GPR + 136, 0x8000000000000000}, /* not canonical */
        {GPR + 168, 0x8000000000000000}, /* FS base not canonical */
        {GPR + 176, 0xffff800000000000}, /* GS base in the kernel's half */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &(struct rig_params){0});
        rig_call_faults(&rig, emu_code_insn_ud2, 0, 0, 6);
        (void)rig_call(&rig, emu_code_write, ssa(&rig, 0, rows[i].off), rows[i].value);
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        if (run.function != SL_ERESUME || run.exception_vector != 13) {
            fail_msg("row %zu: function %u vector %u", i, run.function, run.exception_vector);
        }
        /* The frame is still there: CSSA has not moved. */
        assert_int_equal(rig_enter(&rig, 0, emu_code_add, 1, 1, &regs, &run), 0);
        assert_int_equal(regs.rsi, 1);
        rig_free(&rig);
    }
    (void)state;
}

/* Any bytes at all: ERESUME either refuses them or enters, and the enclave faults or exits. */
static void test_eresume_random_ssa_never_hurts_the_host(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15ull;
    struct rig rig;
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    rig_create(&rig, &(struct rig_params){0});
    for (int round = 0; round < 300; round++) {
        rig_call_faults(&rig, emu_code_insn_nops, 0, 0, 6);
        for (int i = 0; i < 6; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            const uint64_t off = (seed >> 33) % 700 / 8 * 8;
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            (void)rig_call(&rig, emu_code_write, ssa(&rig, 0, off), seed >> (seed >> 58));
        }
        rig_handle(&rig, (uint64_t)(emu_code_leave - emu_code_insn_nops) - 1);
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        if (run.function == SL_ERESUME) {
            /* refused: put a sane frame there and end the exception */
            assert_int_equal(run.exception_vector, 13);
            (void)rig_call(&rig, emu_code_write, ssa(&rig, 0, MXCSR), 0x1f80);
            for (uint64_t at = XSTATE_BV; at < XSTATE_BV + 64; at += 8) {
                (void)rig_call(&rig, emu_code_write, ssa(&rig, 0, at), 0);
            }
            assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        }
        assert_int_equal(run.function, SL_EEXIT);
    }
    rig_free(&rig);
    (void)state;
}

/* FS and GS base are saved at AEX, restored at ERESUME, and the host's are its own all the while.
 */
static void test_aex_segment_bases_survive(void **state)
{
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0};
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &params);
        assert_int_equal(rig_enter(&rig, 0, emu_code_bases, 0, 0, &regs, &run), 0);
        assert_int_equal(regs.rdi, rig_addr(&rig, RIG_THREAD0 + RIG_BASES));
        assert_int_equal(regs.rsi, rig_addr(&rig, RIG_THREAD0 + RIG_BASES));
        rig_call_faults(&rig, emu_code_bases_set, 0x123456789000, 0x7abc, 6);
        assert_int_equal(g_tls, 4711);
        rig_handle(&rig, 2);
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        assert_int_equal(run.function, SL_EEXIT);
        assert_int_equal(regs.rdi, 0x123456789000);
        assert_int_equal(regs.rsi, 0x7abc);
        assert_int_equal(g_tls, 4711);
        rig_free(&rig);
    }
    (void)state;
}

static volatile int g_nested_result;
static const struct rig *g_nested_rig;

static void on_nested(int signo)
{
    struct sl_enter_regs regs;
    struct sgx_enclave_run run;
    g_nested_result = rig_enter(g_nested_rig, 1, emu_code_add, 1, 1, &regs, &run);
    g_flag = 1;
    (void)signo;
}

static void test_enter_from_a_signal_handler_is_refused(void **state)
{
    struct sigaction action = {.sa_handler = on_nested}, old;
    struct rig rig;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    rig_create(&rig, &(struct rig_params){.xfrm = 3});
    g_nested_rig = &rig;
    g_nested_result = 0;
    g_flag = 0;
    (void)ualarm(2000, 0);
    assert_int_equal(
        rig_call(&rig, emu_code_storm_sse, (uint64_t)(uintptr_t)&g_flag, rig_addr(&rig, RIG_DATA)),
        0);
    assert_int_equal(g_nested_result, -EBUSY);
    rig_free(&rig);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    (void)state;
}

static sigjmp_buf g_escape;

static void on_escape(int signo)
{
    siglongjmp(g_escape, signo);
}

/* A handler that never comes back: the enclave thread stays where AEX left it. */
static void test_aex_handler_jumps_away(void **state)
{
    struct sigaction action = {.sa_handler = on_escape}, old;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    for (int is_trap = 0; is_trap < 2; is_trap++) {
        const struct rig_params params = {.is_trap = is_trap != 0, .xfrm = 3};
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &params);
        g_flag = 0;
        if (sigsetjmp(g_escape, 1) == 0) {
            (void)ualarm(3000, 0);
            (void)rig_call(&rig, emu_code_storm_sse, (uint64_t)(uintptr_t)&g_flag,
                           rig_addr(&rig, RIG_DATA));
            fail();
        }
        assert_int_equal(g_tls, 4711);
        assert_int_equal(rig_enter(&rig, 0, emu_code_add, 1, 1, &regs, &run), 0);
        assert_int_equal(regs.rsi, 1); /* CSSA */
        g_flag = 1;
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        assert_int_equal(run.function, SL_EEXIT);
        assert_int_equal(regs.rdi, 0); /* no register was lost */
        rig_free(&rig);
    }
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aex_sse_state_survives_1_khz),
        cmocka_unit_test(test_aex_avx512_state_survives_1_khz),
        cmocka_unit_test(test_aex_signals_during_entry_and_exit),
        cmocka_unit_test(test_aex_signals_of_other_threads),
        cmocka_unit_test(test_aex_exit_info_tells_the_vector),
        cmocka_unit_test(test_aex_cssa_ends_at_nssa),
        cmocka_unit_test(test_eresume_without_exception_is_gp),
        cmocka_unit_test(test_eresume_spoilt_ssa_is_gp),
        cmocka_unit_test(test_eresume_random_ssa_never_hurts_the_host),
        cmocka_unit_test(test_aex_segment_bases_survive),
        cmocka_unit_test(test_aex_handler_jumps_away),
        cmocka_unit_test(test_enter_from_a_signal_handler_is_refused),
    };
    return cmocka_run_group_tests(tests, rig_group_setup, rig_group_teardown);
}
