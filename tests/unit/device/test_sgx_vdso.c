/* SPDX-License-Identifier: Apache-2.0 */
/* The vDSO parser on this machine's vDSO, whole, cut and damaged. */
#include "unit.h"

#include <time.h>

#include "device/sgx/vdso.h"

static const uint8_t *vdso;
static size_t vdso_size;

static int setup(void **state)
{
    (void)state;
    return sl_vdso_self(&vdso, &vdso_size) == SL_OK ? 0 : -1;
}

static void test_find_clock_gettime_is_callable(void **state)
{
    (void)state;
    uint64_t off = 0;
    assert_ok(sl_vdso_find(vdso, vdso_size, "__vdso_clock_gettime", "LINUX_2.6", &off));
    assert_true(off > 0 && off < vdso_size);
    int (*gettime)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))((uintptr_t)vdso + off);
    struct timespec by_vdso;
    struct timespec by_libc;
    assert_ok(gettime(CLOCK_REALTIME, &by_vdso));
    assert_ok(clock_gettime(CLOCK_REALTIME, &by_libc));
    assert_true(by_libc.tv_sec - by_vdso.tv_sec <= 1);
}

static void test_find_unknown_name_or_version_is_not_found(void **state)
{
    (void)state;
    uint64_t off = 77;
    assert_rc(sl_vdso_find(vdso, vdso_size, "__vdso_no_such", "LINUX_2.6", &off), SL_NOT_FOUND);
    assert_rc(sl_vdso_find(vdso, vdso_size, "__vdso_clock_gettime", "LINUX_9.9", &off),
              SL_NOT_FOUND);
    assert_rc(sl_vdso_find(vdso, vdso_size, "", "LINUX_2.6", &off), SL_NOT_FOUND);
    assert_int_equal(off, 77);
}

/* Kernels with CONFIG_X86_SGX have it, others do not: both are an answer. */
static void test_find_sgx_entry_is_answered(void **state)
{
    (void)state;
    uint64_t off = 0;
    sl_rc rc = sl_vdso_find(vdso, vdso_size, "__vdso_sgx_enter_enclave", "LINUX_2.6", &off);
    assert_true(rc == SL_OK || rc == SL_NOT_FOUND);
    print_message("__vdso_sgx_enter_enclave: %s\n", rc == SL_OK ? "present" : "absent");
}

static void test_find_not_an_image_is_malformed(void **state)
{
    (void)state;
    uint64_t off = 0;
    const uint8_t zeros[4096] = {0};
    assert_rc(sl_vdso_find(zeros, sizeof(zeros), "x", "y", &off), SL_MALFORMED);
    assert_rc(sl_vdso_find(zeros, 0, "x", "y", &off), SL_MALFORMED);
}

/* Heap copies of exactly the given size, so that AddressSanitizer sees a read too far. */
static void test_find_truncated_image_stays_inside(void **state)
{
    (void)state;
    for (size_t size = 0; size < vdso_size; size += size < 1024 ? 1 : 61) {
        uint8_t *copy = malloc(size + 1);
        uint64_t off = 0;
        assert_non_null(copy);
        memcpy(copy, vdso, size);
        sl_rc rc = sl_vdso_find(copy, size, "__vdso_clock_gettime", "LINUX_2.6", &off);
        assert_true(rc != SL_OK || off < size);
        free(copy);
    }
}

static void test_find_flipped_bytes_stay_inside(void **state)
{
    (void)state;
    uint8_t *copy = malloc(vdso_size);
    assert_non_null(copy);
    memcpy(copy, vdso, vdso_size);
    /* headers, hash, symbols, strings, versions and the dynamic section lie in the first 2 KiB
       or so; the rest is code */
    size_t end = vdso_size < 4096 ? vdso_size : 4096;
    for (size_t i = 0; i < end; i++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            uint64_t off = 0;
            copy[i] ^= (uint8_t)(1u << bit);
            sl_rc rc = sl_vdso_find(copy, vdso_size, "__vdso_clock_gettime", "LINUX_2.6", &off);
            assert_true(rc != SL_OK || off < vdso_size);
            copy[i] ^= (uint8_t)(1u << bit);
        }
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_clock_gettime_is_callable),
        cmocka_unit_test(test_find_unknown_name_or_version_is_not_found),
        cmocka_unit_test(test_find_sgx_entry_is_answered),
        cmocka_unit_test(test_find_not_an_image_is_malformed),
        cmocka_unit_test(test_find_truncated_image_stays_inside),
        cmocka_unit_test(test_find_flipped_bytes_stay_inside),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
