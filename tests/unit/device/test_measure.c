/* SPDX-License-Identifier: Apache-2.0 */
/* Results and refusals; the digests themselves are checked by tests/interop/mrenclave.py. */
#include "unit.h"

#include "base/bytes.h"
#include "device/measure.h"

enum { SIZE = 4 * SL_SGX_PAGE_SIZE, RW = SL_SECINFO_R | SL_SECINFO_W | SL_SECINFO_PT_REG };

/* hashlib.sha256(b"ECREATE\0" + struct.pack("<IQ", 1, 16384) + bytes(44)) */
static const char EMPTY[] = "1ae08d565db91bba3113eb03c476049ee802c1df05465ddf7cbebfd256e60114";

static void digest_of(struct sl_measure *m, uint8_t digest[32])
{
    assert_ok(sl_measure_final(m, digest));
    sl_measure_done(m);
}

static void test_ecreate_bad_sizes_are_invalid(void **state)
{
    (void)state;
    struct sl_measure m = {0};
    assert_rc(sl_measure_ecreate(&m, 0, 1), SL_INVALID);
    assert_rc(sl_measure_ecreate(&m, SL_SGX_PAGE_SIZE, 1), SL_INVALID);
    assert_rc(sl_measure_ecreate(&m, 3 * SL_SGX_PAGE_SIZE, 1), SL_INVALID);
    assert_rc(sl_measure_ecreate(&m, SIZE, 0), SL_INVALID);
    sl_measure_done(&m);
}

static void test_eadd_refusals(void **state)
{
    (void)state;
    struct sl_measure m = {0};
    assert_rc(sl_measure_eadd(&m, 0, RW), SL_STATE);
    assert_ok(sl_measure_ecreate(&m, SIZE, 1));
    assert_rc(sl_measure_eadd(&m, 1, RW), SL_RANGE);
    assert_rc(sl_measure_eadd(&m, SIZE, RW), SL_RANGE);
    assert_rc(sl_measure_eadd(&m, 0, SL_SECINFO_W | SL_SECINFO_PT_REG), SL_INVALID);
    assert_rc(sl_measure_eadd(&m, 0, SL_SECINFO_PT_SECS), SL_INVALID);
    assert_rc(sl_measure_eadd(&m, 0, RW | 1ull << 40), SL_INVALID);
    assert_rc(sl_measure_pages(&m, 0, NULL, 100, RW, true), SL_INVALID);
    assert_rc(sl_measure_pages(&m, 0, NULL, 2ull * SIZE, RW, false), SL_RANGE);
    sl_measure_done(&m);
}

static void test_eextend_refusals(void **state)
{
    (void)state;
    uint8_t chunk[SL_EEXTEND_SIZE] = {0};
    uint8_t digest[32];
    struct sl_measure m = {0};
    assert_rc(sl_measure_eextend(&m, 0, chunk), SL_STATE);
    assert_rc(sl_measure_final(&m, digest), SL_STATE);
    assert_ok(sl_measure_ecreate(&m, SIZE, 1));
    assert_rc(sl_measure_eextend(&m, 128, chunk), SL_RANGE);
    assert_rc(sl_measure_eextend(&m, SIZE, chunk), SL_RANGE);
    assert_ok(sl_measure_final(&m, digest));
    assert_rc(sl_measure_final(&m, digest), SL_STATE);
    assert_rc(sl_measure_eadd(&m, 0, RW), SL_STATE);
    sl_measure_done(&m);
}

/* SDM EADD forces R, W, X, DBGOPTIN, CSSA, AEP and STATE of a TCS to 0 before measuring. */
static void test_pages_tcs_is_measured_as_eadd_leaves_it(void **state)
{
    (void)state;
    uint8_t digest[2][32];
    for (int i = 0; i < 2; i++) {
        struct sl_tcs tcs = {.ossa = 0x1000, .nssa = 2, .flags = 2};
        if (i == 1) {
            tcs.stage = 1;
            tcs.flags |= 1;
            tcs.cssa = 1;
            tcs.aep = 0x1234;
        }
        struct sl_measure m = {0};
        assert_ok(sl_measure_ecreate(&m, SIZE, 1));
        assert_ok(sl_measure_pages(&m, 0, (const uint8_t *)&tcs, sizeof(tcs),
                                   SL_SECINFO_PT_TCS | (i == 1 ? SL_SECINFO_R : 0), true));
        digest_of(&m, digest[i]);
    }
    assert_memory_equal(digest[0], digest[1], 32);
}

static void test_pages_null_content_is_zero_pages(void **state)
{
    (void)state;
    static const uint8_t zeros[2 * SL_SGX_PAGE_SIZE];
    uint8_t digest[2][32];
    for (int i = 0; i < 2; i++) {
        struct sl_measure m = {0};
        assert_ok(sl_measure_ecreate(&m, SIZE, 1));
        assert_ok(sl_measure_pages(&m, 0, i == 0 ? zeros : NULL, sizeof(zeros), RW, true));
        digest_of(&m, digest[i]);
    }
    assert_memory_equal(digest[0], digest[1], 32);
}

/* Every input moves the digest: order, offset, flags, content, whether it is measured. */
static void test_pages_each_input_counts(void **state)
{
    (void)state;
    static uint8_t page[SL_SGX_PAGE_SIZE];
    static const struct {
        uint64_t off, flags;
        uint32_t ssa;
        bool is_measured;
        int flip;
    } cases[] = {
        {0, RW, 1, true, -1},    {0x1000, RW, 1, true, -1},
        {0, RW, 2, true, -1},    {0, SL_SECINFO_R | SL_SECINFO_PT_REG, 1, true, -1},
        {0, RW, 1, false, -1},   {0, RW, 1, true, 0},
        {0, RW, 1, true, 0xfff},
    };
    enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
    uint8_t digest[COUNT][32];
    for (size_t i = 0; i < COUNT; i++) {
        struct sl_measure m = {0};
        memset(page, 0, sizeof(page));
        if (cases[i].flip >= 0) {
            page[cases[i].flip] = 1;
        }
        assert_ok(sl_measure_ecreate(&m, SIZE, cases[i].ssa));
        assert_ok(sl_measure_pages(&m, cases[i].off, page, sizeof(page), cases[i].flags,
                                   cases[i].is_measured));
        digest_of(&m, digest[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(digest[i], digest[j], 32);
        }
    }
}

static void test_image_measure_equals_steps_and_names_the_bad_range(void **state)
{
    (void)state;
    static uint8_t page[SL_SGX_PAGE_SIZE] = {7};
    struct sl_image_range ranges[2] = {
        {.off = 0,
         .size = sizeof(page),
         .secinfo_flags = RW,
         .content = page,
         .is_measured = true,
         .name = "data"},
        {.off = 0x1000, .size = 0x2000, .secinfo_flags = RW, .name = "heap"},
    };
    struct sl_image image = {.size = SIZE, .ssa_frame_size = 1, .ranges = ranges, .range_count = 2};
    struct sl_err err = {0};
    uint8_t whole[32];
    uint8_t steps[32];
    assert_ok(sl_image_measure(&image, whole, &err));
    struct sl_measure m = {0};
    assert_ok(sl_measure_ecreate(&m, SIZE, 1));
    assert_ok(sl_measure_pages(&m, 0, page, sizeof(page), RW, true));
    assert_ok(sl_measure_eadd(&m, 0x1000, RW));
    assert_ok(sl_measure_eadd(&m, 0x2000, RW));
    digest_of(&m, steps);
    assert_memory_equal(whole, steps, 32);

    ranges[1].secinfo_flags = SL_SECINFO_W | SL_SECINFO_PT_REG;
    assert_rc(sl_image_measure(&image, whole, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "\"heap\""));
    image.size = 5000;
    assert_rc(sl_image_measure(&image, whole, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "ECREATE"));
}

static void test_range_measure_tells_ranges_apart(void **state)
{
    (void)state;
    static uint8_t page[SL_SGX_PAGE_SIZE] = {7};
    struct sl_image_range range = {.off = 0,
                                   .size = sizeof(page),
                                   .secinfo_flags = RW,
                                   .content = page,
                                   .is_measured = true,
                                   .name = "data"};
    struct sl_image image = {.size = SIZE, .ssa_frame_size = 1, .ranges = &range, .range_count = 1};
    uint8_t a[32];
    uint8_t b[32];
    assert_ok(sl_image_range_measure(&image, &range, a));
    page[9] = 1;
    assert_ok(sl_image_range_measure(&image, &range, b));
    assert_memory_not_equal(a, b, 32);
}

/* One digest computed by hand: echo of the record through sha256sum. */
static void test_ecreate_alone_known_digest(void **state)
{
    (void)state;
    struct sl_measure m = {0};
    uint8_t digest[32];
    char hex[65];
    assert_ok(sl_measure_ecreate(&m, SIZE, 1));
    digest_of(&m, digest);
    sl_hex_encode(digest, 32, hex);
    assert_string_equal(hex, EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecreate_bad_sizes_are_invalid),
        cmocka_unit_test(test_eadd_refusals),
        cmocka_unit_test(test_eextend_refusals),
        cmocka_unit_test(test_pages_tcs_is_measured_as_eadd_leaves_it),
        cmocka_unit_test(test_pages_null_content_is_zero_pages),
        cmocka_unit_test(test_pages_each_input_counts),
        cmocka_unit_test(test_image_measure_equals_steps_and_names_the_bad_range),
        cmocka_unit_test(test_range_measure_tells_ranges_apart),
        cmocka_unit_test(test_ecreate_alone_known_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
