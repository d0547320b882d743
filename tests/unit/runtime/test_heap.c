/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>

#include "runtime/private.h"

enum { PAGES = 256, PAGE = 4096 };

static uint8_t memory[PAGES * PAGE] __attribute__((aligned(4096)));

static int setup(void **state)
{
    (void)state;
    memset(memory, 0xdd, sizeof(memory)); /* what a host may have put there */
    memset(&rt_state.counters, 0, sizeof(rt_state.counters));
    rt_heap_init(memory, sizeof(memory));
    return 0;
}

static bool is_error(uint64_t value)
{
    return value >= (uint64_t)-4095;
}

static bool is_zero(uint64_t addr, size_t size)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)addr;
    for (size_t i = 0; i < size; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static void test_map_is_zero_and_inside(void **state)
{
    (void)state;
    uint64_t a = rt_heap_map(5000);
    assert_false(is_error(a));
    assert_true(rt_heap_contains(a, 8192) && a % PAGE == 0);
    assert_true(is_zero(a, 8192));
    assert_int_equal(rt_state.counters.heap_bytes, 8192);
    memset((void *)(uintptr_t)a, 1, 8192);
    assert_int_equal(rt_heap_unmap(a, 5000), 0);
    uint64_t b = rt_heap_map(8192);
    assert_int_equal(a, b);
    assert_true(is_zero(b, 8192));
}

static void test_map_until_full_then_enomem_and_again(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        uint64_t maps[PAGES];
        int count = 0;
        while (!is_error(maps[count] = rt_heap_map(3 * PAGE))) {
            count++;
        }
        assert_int_equal(maps[count], (uint64_t)-ENOMEM);
        assert_int_equal(count, (PAGES - 1) / 3);
        for (int i = 0; i < count; i++) {
            assert_int_equal(rt_heap_unmap(maps[i], 3 * PAGE), 0);
        }
        assert_int_equal(rt_state.counters.heap_bytes, 0);
    }
    assert_int_equal(rt_state.counters.heap_refused, 2);
    assert_int_equal(rt_state.counters.heap_peak_bytes, (PAGES - 1) / 3 * 3 * PAGE);
}

static void test_map_impossible_sizes_are_enomem(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, UINT64_MAX, UINT64_MAX - 4094, (uint64_t)PAGES * PAGE, 1ull << 63};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(rt_heap_map(sizes[i]), (uint64_t)-ENOMEM);
    }
}

static void test_unmap_what_was_not_mapped_is_einval(void **state)
{
    (void)state;
    uint64_t base = (uint64_t)(uintptr_t)memory;
    assert_int_equal(rt_heap_unmap(base, PAGE), -EINVAL); /* the bitmap */
    assert_int_equal(rt_heap_unmap(base + PAGE + 1, PAGE), -EINVAL);
    assert_int_equal(rt_heap_unmap(base - PAGE, PAGE), -EINVAL);
    assert_int_equal(rt_heap_unmap(base + PAGE, 0), -EINVAL);
    assert_int_equal(rt_heap_unmap(base + PAGE, UINT64_MAX), -EINVAL);
    assert_int_equal(rt_heap_unmap(base + (PAGES - 1) * PAGE, 2 * PAGE), -EINVAL);
    uint64_t end = rt_heap_brk(rt_heap_brk(0) + 5 * PAGE);
    assert_int_equal(rt_heap_unmap(end - 2 * PAGE, PAGE), -EINVAL); /* brk's */
}

static void test_brk_grows_shrinks_and_is_zero(void **state)
{
    (void)state;
    uint64_t start = rt_heap_brk(0);
    assert_int_equal(rt_heap_brk(start + 100), start + 100);
    assert_true(is_zero(start, PAGE));
    memset((void *)(uintptr_t)start, 1, 100);
    assert_int_equal(rt_heap_brk(start + 10), start + 10);
    assert_int_equal(rt_heap_brk(start + 3 * PAGE), start + 3 * PAGE);
    assert_true(is_zero(start + 10, 3 * PAGE - 10));
    assert_int_equal(rt_heap_brk(start - 1), start + 3 * PAGE);
    assert_int_equal(rt_heap_brk(UINT64_MAX), start + 3 * PAGE);
    assert_int_equal(rt_heap_brk(start), start);
    assert_int_equal(rt_state.counters.heap_bytes, 0);
}

static void test_brk_stops_at_a_mapping(void **state)
{
    (void)state;
    uint64_t start = rt_heap_brk(0);
    uint64_t map = rt_heap_map(PAGE);
    assert_int_equal(rt_heap_brk(map), map);
    assert_int_equal(rt_heap_brk(map + 1), map);
    assert_int_equal(rt_heap_map(PAGE), (uint64_t)-ENOMEM);
    assert_int_equal(rt_heap_brk(start), start);
    assert_false(is_error(rt_heap_map(PAGE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_map_is_zero_and_inside, setup),
        cmocka_unit_test_setup(test_map_until_full_then_enomem_and_again, setup),
        cmocka_unit_test_setup(test_map_impossible_sizes_are_enomem, setup),
        cmocka_unit_test_setup(test_unmap_what_was_not_mapped_is_einval, setup),
        cmocka_unit_test_setup(test_brk_grows_shrinks_and_is_zero, setup),
        cmocka_unit_test_setup(test_brk_stops_at_a_mapping, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
