/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "safelib/rc.h"

static void test_rc_text_every_code_has_one(void **state)
{
    (void)state;
    for (int i = 0; i < SL_RC_COUNT; i++) {
        assert_non_null(sl_rc_text((sl_rc)i));
        assert_string_not_equal(sl_rc_text((sl_rc)i), "unknown result");
        assert_string_not_equal(sl_rc_name((sl_rc)i), "UNKNOWN");
    }
    assert_int_equal(SL_OK, 0);
}

static void test_rc_text_outside_enum_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(sl_rc_text((sl_rc)SL_RC_COUNT), "unknown result");
    assert_string_equal(sl_rc_name((sl_rc)-1), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rc_text_every_code_has_one),
        cmocka_unit_test(test_rc_text_outside_enum_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
