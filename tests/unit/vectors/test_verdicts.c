/* SPDX-License-Identifier: Apache-2.0 */
/* Every published vector gets its verdict (cases.c): the status and exactly the failures stated. */
#include "load.h"

static void tell(const struct vector_case *c, const struct sl_attest_result *result)
{
    print_message("%s: %s, %s\n", c->name, sl_attest_status_text(sl_attest_result_status(result)),
                  sl_tcb_status_text(sl_attest_result_tcb_status(result)));
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        print_message("  %d [%s] %s\n", f->severity, f->code, f->text);
    }
}

/* Each failure is one that the table states, and each that it states is there. */
static bool failures_are(const struct sl_attest_result *result, const char *stated)
{
    char text[256];
    char *rest = text;
    (void)snprintf(text, sizeof(text), "%s", stated);
    for (const char *code; (code = strsep(&rest, " ")) != NULL;) {
        if (code[0] != '\0' && !vector_has(result, code)) {
            return false;
        }
    }
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        char word[64];
        (void)snprintf(text, sizeof(text), " %s ", stated);
        (void)snprintf(word, sizeof(word), " %s ", f->code);
        if (f->severity == SL_ATTEST_FAILURE && strstr(text, word) == NULL) {
            return false;
        }
    }
    return true;
}

static void test_vectors_get_their_verdicts(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < vector_case_count; i++) {
        const struct vector_case *c = &vector_cases[i];
        struct loaded l;
        vector_load(c, &l);
        struct sl_attest_result *result = vector_judge(&l);
        bool is_accepted = sl_attest_result_is_accepted(result);
        if (is_accepted != (c->failures[0] == '\0') ||
            sl_attest_result_tcb_status(result) != c->status ||
            !failures_are(result, c->failures)) {
            tell(c, result);
            wrong++;
        }
        sl_attest_result_free(result);
        vector_done(&l);
    }
    print_message("%zu vectors, %u judged wrongly\n", vector_case_count, wrong);
    assert_int_equal(wrong, 0);
}

/* Open Enclave's TCB infos: in place of the platform's own one, each is refused, and the sentence
 * says what is wrong with it. */
static const struct {
    const char *file, *words;
} tcb_infos[] = {
    {"tcbInfo.json", "has version 1, which Intel withdrew"},
    {"tcbInfo_with_pceid.json", "has version 1, which Intel withdrew"},
    {"tcbInfoNegativeSignature.json", "128 hex digits are expected, 123 characters found"},
    {"tcbInfoNegativeInvalidNextUpdate.json",
     "\"nextUpdate\": \"2018-16-06T10:12:17Z\" is no time"},
    {"tcbInfoNegativePropertyMissingLevel0.json",
     "\"SIGNATURE\": only \"tcbInfo\" and \"signature\""},
    {"tcbInfoNegativePropertyMissingLevel1.json", "\"version\" is missing"},
    {"tcbInfoNegativePropertyMissingLevel2.json", "\"tcb\" is missing"},
    {"tcbInfoNegativePropertyMissingLevel3.json", "lacks components or \"pcesvn\""},
    {"tcbInfoNegativePropertyWrongTypeLevel0.json", "\"signature\": '\"' expected"},
    {"tcbInfoNegativePropertyWrongTypeLevel1.json", "\"fmspc\": '\"' expected"},
    {"tcbInfoNegativePropertyWrongTypeLevel2.json", "\"status\": '\"' expected"},
    {"tcbInfoNegativePropertyWrongTypeLevel3.json",
     "\"sgxtcbcomp06svn\": an integer from 0 to 255"},
    {"tcbInfoNegativeStringEscape.json", "byte 0x5c in a string"},
    {"tcbInfoNegativeCompSvn.json", "\"sgxtcbcomp01svn\": 257 is out of range"},
    {"tcbInfoNegativeFloat.json", "\"version\": an integer is expected, not a fraction"},
    {"tcbInfoNegativeIntegerWithSign.json", "\"version\": an integer from 0"},
    {"tcbInfoNegativePceSvn.json", "\"pcesvn\": 65537 is out of range"},
    {"tcbInfoNegativeIntegerOverflow.json", "10000000000000000000000000000000000 is out of range"},
    {"tcbInfoNegativeInvalidIssueDate.json", "\"issueDate\": \"2018-16-06T10:12:17Z\" is no time"},
    {"tcbInfoNegativeMissingNextUpdate.json", "\"nextUpdate\" is missing"},
};

static bool says(const struct sl_attest_result *result, const char *code, const char *words)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *f = sl_attest_result_finding(result, i);
        if (f->severity == SL_ATTEST_FAILURE && strcmp(f->code, code) == 0 &&
            strncmp(f->text, "tcb_info", 8) == 0 && strstr(f->text, words) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_open_enclave_tcb_infos_are_refused_with_reason(void **state)
{
    (void)state;
    unsigned wrong = 0;
    const struct vector_case *c = NULL;
    for (size_t i = 0; i < vector_case_count && c == NULL; i++) {
        c = strcmp(vector_cases[i].name, "SGX, phala") == 0 ? &vector_cases[i] : NULL;
    }
    assert_non_null(c);
    for (size_t i = 0; i < sizeof(tcb_infos) / sizeof(tcb_infos[0]); i++) {
        char path[128];
        struct loaded l;
        (void)snprintf(path, sizeof(path), "sgx/openenclave/tests/report/data/%s",
                       tcb_infos[i].file);
        vector_load(c, &l);
        struct sl_blob info = vector_read(path);
        assert_ok(sl_collateral_put(&l.collateral, SL_COLLATERAL_tcb_info, info.data, info.size));
        free((void *)(uintptr_t)info.data);
        struct sl_attest_result *result = vector_judge(&l);
        if (sl_attest_result_is_accepted(result) ||
            !says(result, "collateral-format", tcb_infos[i].words)) {
            print_message("%s\n", tcb_infos[i].file);
            tell(c, result);
            wrong++;
        }
        sl_attest_result_free(result);
        vector_done(&l);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_get_their_verdicts),
        cmocka_unit_test(test_open_enclave_tcb_infos_are_refused_with_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
