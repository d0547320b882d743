/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of a job, and that nothing doubtful comes out as trust. */
#include "unit.h"

#include "jobs.h"
#include "trustd_backend.h"

static char *judge(json_t *job)
{
    char *result = NULL;
    assert_ok(sl_job_judge(&test_backend, NULL, job, &result));
    json_decref(job);
    return result;
}

static void test_job_judge_table(void **state)
{
    static const struct {
        const char *driver, *what, *policy, *expected;
    } table[] = {
        {"tpm-ima", "good", "lease_ms: 900", "\"verdict\":\"trusted\""},
        {"tpm-ima", "bad", "lease_ms: 900", "\"verdict\":\"untrusted\""},
        {"tpm-ima", "good", NULL, "policy-missing"},
        {"tpm-ima", "good", "nonsense", "policy-unreadable"},
        {"none", "good", "lease_ms: 900", "driver-unknown"},
        {"tpm-ima", "fail", "lease_ms: 900", "{\"failed\":"},
        {"tpm-ima", "nothing", "lease_ms: 900", "{\"failed\":"},
        {"tpm-ima", "silent", "lease_ms: 900", "{\"failed\":"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *first = judge(job_make(table[i].driver, table[i].what, table[i].policy));
        char *again = judge(job_make(table[i].driver, table[i].what, table[i].policy));
        assert_string_equal(first, again);
        if (strstr(first, table[i].expected) == NULL) {
            fail_msg("%s %s: %s", table[i].driver, table[i].what, first);
        }
        assert_true(i == 0 || strstr(first, "\"verdict\":\"trusted\"") == NULL);
        free(first);
        free(again);
    }
}

static void test_job_judge_other_refvals_fail(void **state)
{
    json_t *job = job_make("tpm-ima", "good", "lease_ms: 900");
    (void)json_object_set_new(job, "refvals", json_string("aa"));
    char *result = judge(job);
    assert_non_null(strstr(result, "failed"));
    free(result);
}

static void test_job_judge_bad_nonce_fails(void **state)
{
    json_t *job = job_make("tpm-ima", "good", "lease_ms: 900");
    (void)json_object_set_new(job, "nonce", json_string("aa"));
    char *result = judge(job);
    assert_non_null(strstr(result, "failed"));
    free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_job_judge_table),
        cmocka_unit_test(test_job_judge_other_refvals_fail),
        cmocka_unit_test(test_job_judge_bad_nonce_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
