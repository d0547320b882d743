/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "boundary/area.h"
#include "runtime/params.h"

static uint8_t area[SL_AREA_PARAMS_SIZE];
static struct sl_params params;
static const struct sl_params_cpuid cpuid[2] = {{.leaf = 1, .eax = 7}, {.leaf = 7, .ecx = 9}};

static void write_good(void)
{
    const char *argv[] = {"image", "", "--polling"};
    uint32_t size = 0;
    memset(area, 0xee, sizeof(area));
    assert_ok(sl_params_write(area, 3, argv, cpuid, 2, 2500000, &size));
    assert_int_equal(size, sizeof(struct sl_params_header) + sizeof(cpuid) + 6 + 1 + 10);
}

static void test_write_then_adopt_is_the_same(void **state)
{
    (void)state;
    write_good();
    assert_ok(sl_params_adopt(area, &params));
    assert_int_equal(params.header.argc, 3);
    assert_memory_equal(params.argv, "image\0\0--polling", 17);
    assert_memory_equal(params.cpuid, cpuid, sizeof(cpuid));
    assert_int_equal(params.header.tsc_khz, 2500000);
}

static void test_adopt_bad_header_is_refused(void **state)
{
    (void)state;
    const struct {
        size_t off;
        uint32_t value;
        sl_rc rc;
    } cases[] = {
        {offsetof(struct sl_params_header, magic), 0, SL_MALFORMED},
        {offsetof(struct sl_params_header, argc), 0, SL_RANGE},
        {offsetof(struct sl_params_header, argc), SL_PARAMS_ARGC_MAX + 1, SL_RANGE},
        {offsetof(struct sl_params_header, argc), 2, SL_MALFORMED},
        {offsetof(struct sl_params_header, argc), 4, SL_MALFORMED},
        {offsetof(struct sl_params_header, argv_size), 0, SL_MALFORMED},
        {offsetof(struct sl_params_header, argv_size), 16, SL_MALFORMED},
        {offsetof(struct sl_params_header, argv_size), SL_PARAMS_ARGV_SIZE_MAX + 1, SL_RANGE},
        {offsetof(struct sl_params_header, argv_size), UINT32_MAX, SL_RANGE},
        {offsetof(struct sl_params_header, cpuid_count), SL_PARAMS_CPUID_MAX + 1, SL_RANGE},
        {offsetof(struct sl_params_header, tsc_khz), SL_PARAMS_TSC_KHZ_MIN - 1, SL_RANGE},
        {offsetof(struct sl_params_header, tsc_khz), SL_PARAMS_TSC_KHZ_MAX + 1, SL_RANGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_good();
        memcpy(area + cases[i].off, &cases[i].value, sizeof(cases[i].value));
        assert_rc(sl_params_adopt(area, &params), cases[i].rc);
    }
}

static void test_adopt_junk_never_reads_outside(void **state)
{
    (void)state;
    /* the area ends where the allocation does, for AddressSanitizer */
    uint8_t *exact = malloc(SL_AREA_PARAMS_SIZE);
    uint32_t seed = 1;
    assert_non_null(exact);
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < 64; i++) {
            seed = seed * 1664525u + 1013904223u;
            exact[i] = (uint8_t)(seed >> 24);
        }
        if (round % 2 == 0) {
            const struct sl_params_header header = {.magic = SL_PARAMS_MAGIC,
                                                    .argc = seed >> 26,
                                                    .argv_size = seed >> 18,
                                                    .cpuid_count = seed >> 28,
                                                    .tsc_khz = 1000000};
            memcpy(exact, &header, sizeof(header));
        }
        sl_rc rc = sl_params_adopt(exact, &params);
        assert_true(rc == SL_OK || rc == SL_MALFORMED || rc == SL_RANGE);
    }
    free(exact);
}

static void test_write_too_much_is_refused(void **state)
{
    (void)state;
    static const char text[SL_PARAMS_ARGV_SIZE_MAX + 1] = {[0 ... SL_PARAMS_ARGV_SIZE_MAX - 1] =
                                                               'a'};
    const char *argv[SL_PARAMS_ARGC_MAX + 1];
    uint32_t size = 0;
    for (int i = 0; i <= SL_PARAMS_ARGC_MAX; i++) {
        argv[i] = "x";
    }
    assert_rc(sl_params_write(area, 0, argv, cpuid, 2, 1, &size), SL_RANGE);
    assert_rc(sl_params_write(area, SL_PARAMS_ARGC_MAX + 1, argv, cpuid, 2, 1, &size), SL_RANGE);
    argv[0] = text;
    assert_rc(sl_params_write(area, 1, argv, cpuid, 2, 1, &size), SL_RANGE);
    assert_rc(sl_params_write(area, 2, argv + 1, cpuid, SL_PARAMS_CPUID_MAX + 1, 1, &size),
              SL_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_then_adopt_is_the_same),
        cmocka_unit_test(test_adopt_bad_header_is_refused),
        cmocka_unit_test(test_adopt_junk_never_reads_outside),
        cmocka_unit_test(test_write_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
