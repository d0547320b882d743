/* SPDX-License-Identifier: Apache-2.0 */
/* The books of a shard's untrusted memory: parts never overlap, and come back. */
#include "unit.h"

#include "flow/spill.h"
#include "flow/store.h"

enum { SIZE = 1 << 16 };
static _Alignas(64) uint8_t memory[SIZE];

static void test_take_until_full_then_null(void **state)
{
    struct sl_flow_spill spill;
    sl_flow_spill_init(&spill, memory, SIZE);
    assert_int_equal(sl_flow_spill_left(&spill), SIZE);
    uint8_t *a = sl_flow_spill_take(&spill, 1);
    uint8_t *b = sl_flow_spill_take(&spill, SIZE - 64);
    assert_ptr_equal(a, memory);
    assert_ptr_equal(b, memory + 64);
    assert_null(sl_flow_spill_take(&spill, 1));
    assert_int_equal(sl_flow_spill_left(&spill), 0);
    sl_flow_spill_give(&spill, a);
    assert_int_equal(sl_flow_spill_left(&spill), 64);
    assert_null(sl_flow_spill_take(&spill, 65));
    assert_ptr_equal(sl_flow_spill_take(&spill, 64), memory);
}

static void test_take_nothing_or_of_nothing_is_null(void **state)
{
    struct sl_flow_spill spill;
    sl_flow_spill_init(&spill, NULL, SIZE);
    assert_null(sl_flow_spill_take(&spill, 1));
    assert_int_equal(sl_flow_spill_left(&spill), 0);
    sl_flow_spill_init(&spill, memory, SIZE);
    assert_null(sl_flow_spill_take(&spill, 0));
    assert_null(sl_flow_spill_take(&spill, SIZE_MAX));
    sl_flow_spill_give(&spill, NULL);
}

static void test_random_parts_never_overlap(void **state)
{
    struct sl_flow_spill spill;
    uint8_t *parts[SL_FLOW_SPILL_PARTS + 1] = {0};
    size_t sizes[SL_FLOW_SPILL_PARTS + 1] = {0};
    uint64_t random = 7;
    uint32_t refused = 0;
    sl_flow_spill_init(&spill, memory, SIZE);
    for (uint32_t step = 0; step < 20000; step++) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t at = (uint32_t)(random >> 33) % (SL_FLOW_SPILL_PARTS + 1);
        if (parts[at] != NULL) {
            for (size_t i = 0; i < sizes[at]; i++) {
                assert_int_equal(parts[at][i], at);
            }
            sl_flow_spill_give(&spill, parts[at]);
            parts[at] = NULL;
            continue;
        }
        sizes[at] = 1 + (random >> 40) % 2500;
        parts[at] = sl_flow_spill_take(&spill, sizes[at]);
        refused += parts[at] == NULL;
        if (parts[at] != NULL) {
            assert_int_equal((uintptr_t)parts[at] % SL_FLOW_OUTSIDE_ALIGN, 0);
            assert_true(parts[at] >= memory && parts[at] + sizes[at] <= memory + SIZE);
            memset(parts[at], (int)at, sizes[at]);
        }
    }
    assert_true(refused > 10);
    for (uint32_t at = 0; at <= SL_FLOW_SPILL_PARTS; at++) {
        sl_flow_spill_give(&spill, parts[at]);
    }
    assert_int_equal(sl_flow_spill_left(&spill), SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_until_full_then_null),
        cmocka_unit_test(test_take_nothing_or_of_nothing_is_null),
        cmocka_unit_test(test_random_parts_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
