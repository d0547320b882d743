/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and what roles may do. */
#include "unit.h"

#include "trustd/token.h"

static void test_token_make_hashes_to_itself(void **state)
{
    char a[SL_TOKEN_TEXT_SIZE];
    char b[SL_TOKEN_TEXT_SIZE];
    uint8_t hash_a[SL_TOKEN_HASH_SIZE];
    uint8_t hash_b[SL_TOKEN_HASH_SIZE];
    uint8_t again[SL_TOKEN_HASH_SIZE];
    assert_ok(sl_token_make(a, hash_a));
    assert_ok(sl_token_make(b, hash_b));
    assert_string_not_equal(a, b);
    assert_ok(sl_token_hash(a, again));
    assert_memory_equal(again, hash_a, sizeof(again));
    assert_memory_not_equal(hash_a, hash_b, sizeof(again));
    for (size_t size = 0; size < SL_TOKEN_TEXT_SIZE - 1; size++) {
        char cut[SL_TOKEN_TEXT_SIZE];
        memcpy(cut, a, size);
        cut[size] = '\0';
        assert_rc(sl_token_hash(cut, again), SL_MALFORMED);
    }
    a[10] = 'x';
    assert_rc(sl_token_hash(a, again), SL_MALFORMED);
}

static void test_role_may_table(void **state)
{
    static const bool may[SL_ROLE_COUNT][SL_ROLE_COUNT] = {
        [SL_ROLE_VIEWER] = {[SL_ROLE_VIEWER] = true},
        [SL_ROLE_OPERATOR] = {[SL_ROLE_VIEWER] = true, [SL_ROLE_OPERATOR] = true},
        [SL_ROLE_ENROLLER] = {[SL_ROLE_ENROLLER] = true},
    };
    for (int has = 0; has < SL_ROLE_COUNT; has++) {
        for (int needed = 0; needed < SL_ROLE_COUNT; needed++) {
            assert_int_equal(sl_role_may((enum sl_role)has, (enum sl_role)needed),
                             may[has][needed]);
        }
        assert_int_equal(sl_role_find(sl_role_text((enum sl_role)has)), has);
    }
    assert_int_equal(sl_role_find("root"), SL_ROLE_NONE);
    assert_int_equal(sl_role_find(NULL), SL_ROLE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_make_hashes_to_itself),
        cmocka_unit_test(test_role_may_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
