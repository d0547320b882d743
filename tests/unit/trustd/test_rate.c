/* SPDX-License-Identifier: Apache-2.0 */
/* How often a node may come. */
#include "unit.h"

#include "trustd/rate.h"

static void test_rate_take_refills_evenly(void **state)
{
    struct sl_rate rate = {.per_minute = 60};
    int64_t wait_ms = 0;
    for (int i = 0; i < 60; i++) {
        assert_ok(sl_rate_take(&rate, "a", 1000, &wait_ms));
    }
    assert_rc(sl_rate_take(&rate, "a", 1000, &wait_ms), SL_AGAIN);
    assert_in_range(wait_ms, 1000, 1001);
    assert_ok(sl_rate_take(&rate, "b", 1000, &wait_ms)); /* others are not held up */
    assert_ok(sl_rate_take(&rate, "a", 2000, &wait_ms));
    assert_rc(sl_rate_take(&rate, "a", 2000, &wait_ms), SL_AGAIN);
    assert_rc(sl_rate_take(&rate, "a", 500, &wait_ms), SL_AGAIN); /* a clock that went back */
    sl_rate_done(&rate);
}

static void test_rate_take_many_nodes(void **state)
{
    struct sl_rate rate = {.per_minute = 1};
    int64_t wait_ms = 0;
    char id[20];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 3000; i++) {
            (void)snprintf(id, sizeof(id), "%016d", i);
            assert_rc(sl_rate_take(&rate, id, 1000, &wait_ms), pass == 0 ? SL_OK : SL_AGAIN);
        }
    }
    assert_int_equal(rate.count, 3000);
    sl_rate_done(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_take_refills_evenly),
        cmocka_unit_test(test_rate_take_many_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
