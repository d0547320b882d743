/* SPDX-License-Identifier: Apache-2.0 */
/* A job that crashes or never ends costs itself alone. */
#include "unit.h"

#include <signal.h>
#include <time.h>

#include "jobs.h"
#include "trustd/verifier.h"
#include "trustd_backend.h"

/* Also of a good job on a machine that stops for seconds. */
enum { LIMIT_S = 4 };

static char *judge(struct sl_verifier *verifier, const char *what)
{
    json_t *job = job_make("tpm-ima", what, "lease_ms: 900");
    char *text = json_dumps(job, JSON_COMPACT);
    char *result = NULL;
    assert_ok(sl_verifier_judge(verifier, text, strlen(text), &result));
    free(text);
    json_decref(job);
    return result;
}

static void test_verifier_judge_survives(void **state)
{
    static const struct {
        const char *what, *expected;
    } table[] = {
        {"good", "\"verdict\":\"trusted\""}, {"crash", "crashed (signal 9)"},
        {"loop", "took more than 4 s"},      {"fail", "failed"},
        {"good", "\"verdict\":\"trusted\""},
    };
    struct sl_verifier verifier;
    struct sl_err err = {0};
    assert_ok(sl_verifier_start(&test_backend, NULL, LIMIT_S, &verifier, &err));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *result = judge(&verifier, table[i].what);
        if (strstr(result, table[i].expected) == NULL) {
            fail_msg("%s: %s", table[i].what, result);
        }
        free(result);
    }
    sl_verifier_stop(&verifier);
}

static void test_verifier_judge_gone_is_closed(void **state)
{
    struct sl_verifier verifier;
    struct sl_err err = {0};
    char *result = NULL;
    assert_ok(sl_verifier_start(&test_backend, NULL, LIMIT_S, &verifier, &err));
    assert_rc(sl_verifier_judge(&verifier, "{}", (size_t)SL_JOB_SIZE_MAX + 1, &result), SL_RANGE);
    assert_int_equal(kill(verifier.pid, SIGKILL), 0);
    assert_rc(sl_verifier_judge(&verifier, "{}", 2, &result), SL_CLOSED);
    sl_verifier_stop(&verifier);
}

static void *judge_slowly(void *ctx)
{
    char *result = judge(ctx, "loop");
    assert_non_null(strstr(result, "took more than 4 s"));
    free(result);
    return NULL;
}

/* Others are judged while one takes its whole time. */
static void test_verifier_judge_side_by_side(void **state)
{
    pthread_t slow[4];
    struct sl_verifier verifier;
    struct sl_err err = {0};
    struct timespec begin;
    struct timespec end;
    assert_ok(sl_verifier_start(&test_backend, NULL, LIMIT_S, &verifier, &err));
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&slow[i], NULL, judge_slowly, &verifier), 0);
    }
    for (size_t i = 0; i < 10; i++) {
        char *result = judge(&verifier, "good");
        assert_non_null(strstr(result, "\"verdict\":\"trusted\""));
        free(result);
    }
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(slow[i], NULL);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec <
                4 * LIMIT_S); /* one after the other they take as long */
    sl_verifier_stop(&verifier);
}

static void test_verifier_renew_takes_over(void **state)
{
    struct sl_verifier verifier;
    struct sl_err err = {0};
    char refvals[65];
    int fd = -1;
    assert_ok(sl_verifier_start(&test_backend, NULL, LIMIT_S, &verifier, &err));
    assert_ok(sl_verifier_renew(&verifier, NULL, &fd, refvals, &err));
    assert_int_equal(kill(verifier.pid, 0), 0);
    sl_verifier_replace(&verifier, fd, refvals);
    char *result = judge(&verifier, "good");
    assert_non_null(strstr(result, "trusted"));
    free(result);
    sl_verifier_stop(&verifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verifier_judge_survives),
        cmocka_unit_test(test_verifier_judge_gone_is_closed),
        cmocka_unit_test(test_verifier_judge_side_by_side),
        cmocka_unit_test(test_verifier_renew_takes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
