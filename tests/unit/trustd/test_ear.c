/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's key, and verdicts in the words of EAR. */
#include "folder.h"

#include <sys/stat.h>

#include "files/files.h"
#include "trustd/ear.h"

static void test_key_load_makes_it_once(void **state)
{
    char folder[32], path[64];
    char *first = NULL, *second = NULL;
    struct stat st;
    struct sl_err err = {0};
    folder_make(folder, sizeof(folder));
    (void)snprintf(path, sizeof(path), "%s/ear-key.pem", folder);
    assert_ok(sl_ear_key_load(folder, &first, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(sl_ear_key_load(folder, &second, &err));
    assert_string_equal(first, second);
    free(first);
    free(second);
    folder_remove(folder);
}

static void test_key_load_refuses_what_is_no_key(void **state)
{
    char folder[32], path[64];
    char *pem = NULL;
    struct sl_err err = {0};
    folder_make(folder, sizeof(folder));
    (void)snprintf(path, sizeof(path), "%s/ear-key.pem", folder);
    assert_ok(sl_file_write(path, 0600, "no key", 6, &err));
    assert_rc(sl_ear_key_load(folder, &pem, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "ear-key.pem"));
    assert_rc(sl_ear_key_load("/does/not/exist", &pem, &err), SL_IO);
    folder_remove(folder);
}

static void test_submod_add_has_the_tier_of_its_verdict(void **state)
{
    static const struct {
        const char *verdict, *code, *said, *status;
        int identity, executables;
    } rows[] = {
        {"trusted", "attribution", "trusted", "affirming", 2, 2},
        {"degraded", "boot-unreferenced", "degraded", "warning", 2, 32},
        {"untrusted", "digest-unknown", "untrusted", "contraindicated", 2, 96},
        {"untrusted", "tpm-nonce", "untrusted", "contraindicated", 96, 2},
        {"untrusted", "signature", "untrusted", "contraindicated", 96, 2},
        {"untrusted", "made-up", "trusted", "contraindicated", 2, 96},
        {"unknown", "lease-expired", NULL, "none", 0, 0},
        {"made-up", "x", "x", "none", 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *submods = json_object();
        json_t *subject =
            json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:[{s:s, s:s?}]}", "kind", "container", "id",
                      "web", "verdict", rows[i].verdict, "round", 3, "judged", "then", "lease_end",
                      "soon", "reasons", "code", rows[i].code, "verdict", rows[i].said);
        assert_ok(sl_ear_submod_add(submods, subject, "aa"));
        const json_t *submod = json_object_get(submods, "container/web");
        const json_t *vector = json_object_get(submod, "ear.trustworthiness-vector");
        assert_string_equal(json_string_value(json_object_get(submod, "ear.status")),
                            rows[i].status);
        assert_int_equal(json_integer_value(json_object_get(vector, "instance-identity")),
                         rows[i].identity);
        assert_int_equal(json_integer_value(json_object_get(vector, "executables")),
                         rows[i].executables);
        assert_string_equal(json_string_value(json_object_get(submod, "ear.appraisal-policy-id")),
                            "urn:safelib:monitor-policy:sha256:aa");
        json_decref(subject);
        json_decref(submods);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_load_makes_it_once),
        cmocka_unit_test(test_key_load_refuses_what_is_no_key),
        cmocka_unit_test(test_submod_add_has_the_tier_of_its_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
