/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/err.h"

static void test_err_set_and_prefix(void **state)
{
    (void)state;
    struct sl_err err = {0};
    assert_rc(sl_err_set(&err, SL_RANGE, "mtu is %d, expected 1280..9000", 5), SL_RANGE);
    assert_rc(sl_err_prefix(&err, "%s:%d", "gw.yaml", 7), SL_RANGE);
    assert_string_equal(err.text, "gw.yaml:7: mtu is 5, expected 1280..9000");
    assert_rc(sl_err_set(NULL, SL_IO, "dropped"), SL_IO);
}

static void test_err_long_text_is_cut(void **state)
{
    (void)state;
    struct sl_err err = {0};
    char big[2000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    (void)sl_err_set(&err, SL_IO, "%s", big);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    (void)sl_err_prefix(&err, "%s", big);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_err_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x94\x92"};
    for (size_t c = 0; c < sizeof(characters) / sizeof(characters[0]); c++) {
        size_t size = strlen(characters[c]);
        for (size_t shift = 0; shift < 8; shift++) {
            struct sl_err err = {0};
            char big[600] = "yyyyyyyy";
            for (size_t at = shift; at + size < sizeof(big); at += size) {
                memcpy(big + at, characters[c], size + 1);
            }
            size_t whole = (sizeof(err.text) - 1 - shift) / size * size + shift;
            (void)sl_err_set(&err, SL_IO, "%s", big);
            assert_int_equal(strlen(err.text), whole);
            assert_memory_equal(err.text, big, whole);
            (void)sl_err_prefix(&err, "z");
            whole = (sizeof(err.text) - 1 - shift - 3) / size * size + shift + 3;
            assert_int_equal(strlen(err.text), whole);
            assert_memory_equal(err.text + 3, big, whole - 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_set_and_prefix),
        cmocka_unit_test(test_err_long_text_is_cut),
        cmocka_unit_test(test_err_long_text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
