/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <cpuid.h>

#include "runtime/private.h"

static struct sl_params all_ones(void)
{
    struct sl_params params = {.header = {.cpuid_count = 4}};
    const uint32_t leaves[4][2] = {{1, 0}, {7, 0}, {0xd, 1}, {0x80000001, 0}};
    for (int i = 0; i < 4; i++) {
        params.cpuid[i] = (struct sl_params_cpuid){leaves[i][0], leaves[i][1], UINT32_MAX,
                                                   UINT32_MAX,   UINT32_MAX,   UINT32_MAX};
    }
    return params;
}

static void test_init_without_demanded_features_is_refused(void **state)
{
    (void)state;
    const uint32_t demanded[] = {bit_SSE3,   bit_PCLMUL, bit_SSSE3, bit_SSE4_1,
                                 bit_SSE4_2, bit_AES,    bit_RDRND};
    for (size_t i = 0; i < sizeof(demanded) / sizeof(demanded[0]); i++) {
        struct sl_params params = all_ones();
        params.cpuid[0].ecx &= ~demanded[i];
        assert_false(rt_cpuid_init(&params, 0xe7));
    }
    struct sl_params params = all_ones();
    params.header.cpuid_count = 1;
    assert_false(rt_cpuid_init(&params, 0xe7));
    params.header.cpuid_count = 0;
    assert_false(rt_cpuid_init(&params, 0xe7));
    params = all_ones();
    assert_true(rt_cpuid_init(&params, 0xe7));
}

static void test_features_follow_xfrm(void **state)
{
    (void)state;
    struct sl_params params = all_ones();
    uint32_t regs[4];
    assert_true(rt_cpuid_init(&params, 0xe7));
    rt_cpuid(1, 0, regs);
    assert_true((regs[2] & bit_AVX) != 0 && (regs[2] & bit_FMA) != 0);
    rt_cpuid(7, 0, regs);
    assert_true((regs[1] & bit_AVX2) != 0 && (regs[1] & bit_AVX512F) != 0);
    rt_cpuid(0xd, 0, regs);
    assert_int_equal(regs[0], 0xe7);
    assert_int_equal(regs[1], 2688);
    assert_true(rt_cpuid_init(&params, 0x7));
    rt_cpuid(7, 0, regs);
    assert_true((regs[1] & bit_AVX2) != 0 && (regs[1] & bit_AVX512F) == 0);
    assert_true((regs[2] & (bit_AVX512VBMI | bit_AVX512VNNI)) == 0);
    rt_cpuid(0xd, 0, regs);
    assert_int_equal(regs[1], 832);
    assert_true(rt_cpuid_init(&params, 0x3));
    rt_cpuid(1, 0, regs);
    assert_true((regs[2] & (bit_AVX | bit_FMA | bit_F16C)) == 0);
    rt_cpuid(7, 0, regs);
    assert_true((regs[1] & bit_AVX2) == 0 && (regs[2] & (bit_VAES | bit_VPCLMULQDQ)) == 0);
    rt_cpuid(0xd, 0, regs);
    assert_int_equal(regs[1], 576);
}

/* What no enclave may use, whatever the host claims: TSX, AMX, CET, PKU, SGX, MONITOR, VMX. */
static void test_forbidden_features_are_cut(void **state)
{
    (void)state;
    struct sl_params params = all_ones();
    uint32_t regs[4];
    assert_true(rt_cpuid_init(&params, 0xe7));
    rt_cpuid(1, 0, regs);
    assert_int_equal(regs[2] & (1u << 3 | 1u << 5 | 1u << 6 | 1u << 31), 0);
    rt_cpuid(7, 0, regs);
    assert_int_equal(regs[0], 0);
    assert_int_equal(regs[1] & (1u << 2 | 1u << 4 | 1u << 11 | 1u << 14), 0);
    assert_int_equal(regs[2] & (1u << 3 | 1u << 4 | 1u << 5 | 1u << 7), 0);
    assert_int_equal(regs[3] & (1u << 20 | 1u << 22 | 1u << 24 | 1u << 25), 0);
    rt_cpuid(0xd, 1, regs);
    assert_int_equal(regs[0] & 8, 0); /* XSAVES */
}

/* Sizes and topology are constants: the host cannot choose libc's thresholds. */
static void test_topology_is_constant(void **state)
{
    (void)state;
    struct sl_params params = all_ones();
    uint32_t regs[4];
    assert_true(rt_cpuid_init(&params, 0xe7));
    rt_cpuid(0, 0, regs);
    assert_int_equal(regs[0], 0x16);
    assert_memory_equal(&regs[1], "Genu", 4);
    rt_cpuid(4, 0, regs); /* 32 KiB: ways * partitions * line * sets */
    assert_int_equal(((regs[1] >> 22) + 1) * ((regs[1] & 0xfff) + 1) * (regs[2] + 1), 32768);
    rt_cpuid(4, 4, regs);
    assert_int_equal(regs[0] & 0x1f, 0);
    rt_cpuid(0xb, 1, regs);
    assert_int_equal(regs[1], 1);
    rt_cpuid(0xb, 2, regs);
    assert_int_equal(regs[2], 0);
    rt_cpuid(0x40000000, 0, regs);
    assert_int_equal(regs[0] | regs[1] | regs[2] | regs[3], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_without_demanded_features_is_refused),
        cmocka_unit_test(test_features_follow_xfrm),
        cmocka_unit_test(test_forbidden_features_are_cut),
        cmocka_unit_test(test_topology_is_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
