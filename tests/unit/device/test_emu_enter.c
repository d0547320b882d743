/* SPDX-License-Identifier: Apache-2.0 */
/* Entry and exit of the emulator in both speeds, and of the device bare. */
#include "unit.h"

#include <errno.h>

#include "emu_rig.h"

static const struct rig_params g_params[] = {
    {.is_trap = true},
    {.is_trap = false},
    {.is_trap = false, .is_unlisted = true},
    {.device = "bare"},
};
enum { PARAMS_COUNT = sizeof(g_params) / sizeof(g_params[0]) };

static void test_enter_add_returns_registers(void **state)
{
    for (size_t i = 0; i < PARAMS_COUNT; i++) {
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &g_params[i]);
        for (int n = 0; n < 100; n++) {
            assert_int_equal(rig_enter(&rig, 0, emu_code_add, 40, 2, &regs, &run), 0);
            assert_int_equal(run.function, SL_EEXIT);
            assert_int_equal(regs.rdi, 42);
            assert_int_equal(regs.rsi, 0); /* CSSA */
            assert_int_equal(regs.rdx, 2);
        }
        rig_free(&rig);
    }
    (void)state;
}

RIG_LABEL(insn_syscall);

static void test_enter_syscall_raises_ud(void **state)
{
    for (size_t i = 0; i < PARAMS_COUNT; i++) {
        struct rig rig;
        struct sl_enter_regs regs;
        struct sgx_enclave_run run;
        rig_create(&rig, &g_params[i]);
        rig_call_faults(&rig, emu_code_syscall_result, 0, 0, 6);
        rig_handle(&rig, 2);
        assert_int_equal(rig_resume(&rig, 0, &regs, &run), 0);
        assert_int_equal(run.function, SL_EEXIT);
        assert_int_equal(regs.rdi, 39);
        rig_free(&rig);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enter_add_returns_registers),
        cmocka_unit_test(test_enter_syscall_raises_ud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
