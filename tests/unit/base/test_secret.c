/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/secret.h"

static void test_equal_ct_differs_at_every_position(void **state)
{
    (void)state;
    uint8_t a[16] = {0};
    uint8_t b[16] = {0};
    assert_true(sl_equal_ct(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 0x80;
        assert_false(sl_equal_ct(a, b, sizeof(a)));
        b[i] = 0;
    }
}

static void test_secret_done_wipes(void **state)
{
    (void)state;
    struct sl_secret secret = {.size = 3, .bytes = {1, 2, 3}};
    const struct sl_secret zero = {0};
    sl_secret_done(&secret);
    assert_memory_equal(&secret, &zero, sizeof(zero));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ct_differs_at_every_position),
        cmocka_unit_test(test_secret_done_wipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
