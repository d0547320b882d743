/* SPDX-License-Identifier: Apache-2.0 */
/* The cache on disk: what is put is got, whole or not at all, and nothing else is ever opened. */
#include "sample.h"

#include <sys/stat.h>

#include "collateral/cache.h"
#include "files/files.h"

static void test_cache_put_get_list_remove(void **state)
{
    (void)state;
    char folder[32];
    char deep[64];
    char path[256];
    char key[SL_PLATFORM_KEY_SIZE];
    char **keys = NULL;
    size_t count = 7;
    struct stat st;
    struct sl_err err = {0};
    struct sl_collateral_set out;
    struct sl_collateral_set in = {0};
    sample_folder_make(folder);
    sample_make(&out);
    (void)snprintf(deep, sizeof(deep), "%s/a/b", folder);
    assert_ok(sl_collateral_cache_list(deep, &keys, &count, &err)); /* absent: empty */
    assert_int_equal(count, 0);
    assert_ok(sl_collateral_cache_put(deep, &out, key, &err));
    assert_string_equal(key, SAMPLE_KEY);
    assert_ok(sl_collateral_cache_put(deep, &out, NULL, &err));
    (void)snprintf(path, sizeof(path), "%s/%s.json", deep, SAMPLE_KEY);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    memset(key, 0, sizeof(key));
    assert_ok(sl_collateral_cache_get(deep, "sgx-534c", &in, key, &err));
    assert_string_equal(key, SAMPLE_KEY);
    assert_true(sample_is_same(&in, &out));
    assert_ok(sl_collateral_cache_list(deep, &keys, &count, &err));
    assert_int_equal(count, 1); /* one file and nothing half-written beside it */
    assert_string_equal(keys[0], SAMPLE_KEY);
    sl_collateral_cache_list_free(keys, count);
    assert_ok(sl_collateral_cache_remove(deep, SAMPLE_KEY, &err));
    assert_rc(sl_collateral_cache_remove(deep, SAMPLE_KEY, &err), SL_NOT_FOUND);
    sl_collateral_done(&in);
    sl_collateral_done(&out);
    sample_folder_remove(folder);
}

static void test_cache_refused_set_changes_nothing(void **state)
{
    (void)state;
    char folder[32];
    struct sl_err err = {0};
    struct sl_collateral_set set;
    struct sl_collateral_set in = {0};
    sample_folder_make(folder);
    sample_make(&set);
    assert_ok(sl_collateral_cache_put(folder, &set, NULL, &err));
    assert_ok(sl_collateral_put(&set, SL_COLLATERAL_root_crl, "broken", 6));
    assert_rc(sl_collateral_cache_put(folder, &set, NULL, &err), SL_MALFORMED);
    assert_ok(sl_collateral_cache_get(folder, SAMPLE_KEY, &in, NULL, &err));
    assert_true(in.parts.root_crl.size > 6);
    sl_collateral_done(&in);
    sl_collateral_done(&set);
    sample_folder_remove(folder);
}

static void test_cache_keys_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const keys[] = {"../x", "a/b", ".", "..", "", "A", "a b", "a*"};
    struct sl_err err = {0};
    struct sl_collateral_set in = {0};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_rc(sl_collateral_cache_get("/tmp", keys[i], &in, NULL, &err), SL_NOT_FOUND);
    }
}

static void test_cache_ambiguous_and_broken_are_told(void **state)
{
    (void)state;
    char folder[32];
    char path[128];
    struct sl_err err = {0};
    struct sl_collateral_set in = {0};
    sample_folder_make(folder);
    static const char *const names[] = {"sgx-aa", "sgx-ab", "sgx-aa-more"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s.json", folder, names[i]);
        assert_ok(sl_file_write(path, 0600, "{", 1, &err));
    }
    assert_rc(sl_collateral_cache_get(folder, "sgx-a", &in, NULL, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "3 platforms begin with sgx-a"));
    assert_rc(sl_collateral_cache_get(folder, "sgx-aa", &in, NULL, &err), SL_MALFORMED);
    assert_non_null(strstr(err.text, "sgx-aa.json"));
    sl_collateral_done(&in);
    sample_folder_remove(folder);
}

static void test_cache_default_place(void **state)
{
    (void)state;
    char path[128];
    assert_int_equal(setenv("SAFELIB_COLLATERAL", "/somewhere", 1), 0);
    assert_true(sl_collateral_cache_default(path, sizeof(path)));
    assert_string_equal(path, "/somewhere");
    assert_false(sl_collateral_cache_default(path, 4));
    assert_int_equal(unsetenv("SAFELIB_COLLATERAL"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache_put_get_list_remove),
        cmocka_unit_test(test_cache_refused_set_changes_nothing),
        cmocka_unit_test(test_cache_keys_lead_nowhere_else),
        cmocka_unit_test(test_cache_ambiguous_and_broken_are_told),
        cmocka_unit_test(test_cache_default_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
