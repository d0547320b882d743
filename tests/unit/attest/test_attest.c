/* SPDX-License-Identifier: Apache-2.0 */
/* The public entry: what a call may be, what a result tells, findings, cache. */
#include "unit.h"

#include <jansson.h>

#include "attest/cache.h"
#include "attest/result.h"
#include "forge.h"

static const struct sl_attest_policy ANY = {.is_any_identity = true};

static void test_verify_wrong_calls_invalid(void **state)
{
    static const uint8_t DATA[65];
    struct sl_attest_result *result = NULL;
    struct sl_attest_input good = {
        .type = SL_ATTEST_SGX, .evidence = {DATA, 1}, .policy = &ANY, .time_s = PKI_NOW};
    struct sl_attest_policy crowded = {.reference_count = SL_ATTEST_REFERENCES_MAX + 1};
    struct sl_attest_input bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = good;
    }
    bad[0].type = (enum sl_attest_type)0;
    bad[1].policy = NULL;
    bad[2].evidence.data = NULL;
    bad[3].report_data = (struct sl_blob){DATA, 63};
    bad[4].nonce = (struct sl_blob){DATA, 65};
    bad[5].nonce = (struct sl_blob){DATA, 0};
    bad[6].report_data = (struct sl_blob){DATA, 64};
    bad[6].nonce = (struct sl_blob){DATA, 8};
    bad[7].policy = &crowded;
    for (size_t i = 0; i < 8; i++) {
        assert_rc(sl_attest_verify(&bad[i], &result), SL_INVALID);
        assert_null(result);
    }
    assert_rc(sl_attest_verify(NULL, &result), SL_INVALID);
    assert_ok(sl_attest_verify(&good, &result));
    assert_false(sl_attest_result_is_accepted(result));
    sl_attest_result_free(result);
    assert_false(sl_attest_result_is_accepted(NULL));
    assert_int_equal(sl_attest_result_status(NULL), SL_ATTEST_NONE);
    sl_attest_result_free(NULL);
}

static void test_no_collateral_names_all_that_is_missing(void **state)
{
    struct forge_spec spec = forge_default(false);
    struct forge forge;
    struct sl_attest_result *result;
    forge_make(&spec, &forge);
    struct sl_attest_roots roots = {.pem = forge.root_pem};
    struct sl_attest_input input = {.type = SL_ATTEST_SGX,
                                    .evidence = forge.evidence,
                                    .roots = &roots,
                                    .policy = &ANY,
                                    .time_s = PKI_NOW};
    assert_ok(sl_attest_verify(&input, &result));
    static const char *const NAMES[] = {"tcb_info", "qe_identity", "tcb_signing_chain", "pck_crl",
                                        "root_crl"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        bool is_told = false;
        for (size_t k = 0; k < sl_attest_result_finding_count(result); k++) {
            is_told =
                is_told || strstr(sl_attest_result_finding(result, k)->text, NAMES[i]) != NULL;
        }
        if (!is_told) {
            fail_msg("%s is not told", NAMES[i]);
        }
    }
    assert_null(sl_attest_result_finding(result, sl_attest_result_finding_count(result)));
    sl_attest_result_free(result);
    forge_done(&forge);
}

static void test_json_of_a_result(void **state)
{
    struct forge_spec spec = forge_default(true);
    struct forge forge;
    struct sl_attest_result *result;
    char *text;
    spec.levels[0].status = "ConfigurationNeeded";
    spec.levels[0].advisories = "[\"INTEL-SA-00289\"]";
    forge_make(&spec, &forge);
    struct sl_attest_roots roots = {.pem = forge.root_pem};
    struct sl_attest_input input = {.type = SL_ATTEST_TDX,
                                    .evidence = forge.evidence,
                                    .collateral = &forge.collateral,
                                    .roots = &roots,
                                    .policy = &ANY,
                                    .time_s = PKI_NOW};
    assert_ok(sl_attest_verify(&input, &result));
    assert_ok(sl_attest_result_json(result, &text));
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "type")), "tdx");
    assert_string_equal(json_string_value(json_object_get(json, "status")), "contraindicated");
    assert_true(json_is_false(json_object_get(json, "accepted")));
    json_t *tcb = json_object_get(json, "tcb");
    assert_string_equal(json_string_value(json_object_get(tcb, "status")), "ConfigurationNeeded");
    assert_int_equal(json_integer_value(json_object_get(tcb, "evaluation")), 17);
    assert_string_equal(json_string_value(json_array_get(json_object_get(tcb, "advisories"), 0)),
                        "INTEL-SA-00289");
    json_t *finding = json_array_get(json_object_get(json, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(finding, "code")), "tcb-status");
    assert_string_equal(json_string_value(json_object_get(finding, "severity")), "failure");
    /* valid until the first part of it expires: TCB info, on 2023-12-10 */
    json_t *validity = json_object_get(json, "validity");
    assert_string_equal(json_string_value(json_object_get(validity, "not_after")),
                        "2023-12-10T00:00:00Z");
    assert_non_null(json_object_get(json_object_get(json, "claims"), "td_report"));
    assert_non_null(json_object_get(json_object_get(json, "appraised"), "pck"));
    json_decref(json);
    free(text);
    sl_attest_result_free(result);
    forge_done(&forge);
}

static void test_inspect(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct forge_spec spec = forge_default(i == 1);
        struct forge forge;
        char *text = NULL;
        enum sl_attest_type right = i == 1 ? SL_ATTEST_TDX : SL_ATTEST_SGX;
        enum sl_attest_type wrong = i == 1 ? SL_ATTEST_SGX : SL_ATTEST_TDX;
        forge_make(&spec, &forge);
        assert_ok(sl_attest_inspect(right, forge.evidence, &text));
        assert_non_null(strstr(text, i == 1 ? "mrtd" : "mrenclave"));
        free(text);
        assert_rc(sl_attest_inspect(wrong, forge.evidence, &text), SL_UNSUPPORTED);
        assert_rc(sl_attest_inspect(right, (struct sl_blob){forge.evidence.data, 100}, &text),
                  SL_TRUNCATED);
        assert_rc(sl_attest_inspect(right, (struct sl_blob){0}, &text), SL_TRUNCATED);
        assert_rc(sl_attest_inspect((enum sl_attest_type)9, forge.evidence, &text), SL_UNSUPPORTED);
        forge_done(&forge);
    }
}

/* More than fit: counted, and still a failure. */
static void test_findings_lost_still_refuse(void **state)
{
    struct sl_attest_input input = {.type = SL_ATTEST_SGX, .policy = &ANY};
    struct sl_attest_result *result = sl_result_create(&input);
    assert_non_null(result);
    for (int i = 0; i < SL_FINDINGS_MAX; i++) {
        sl_finding_add_as(&result->findings, SL_ATTEST_NOTE, SL_CHECK_EVIDENCE_TRAILING, "%d", i);
    }
    sl_result_conclude(result);
    assert_true(sl_attest_result_is_accepted(result));
    sl_finding_add(&result->findings, SL_CHECK_SIGNATURE, "does not fit");
    sl_result_conclude(result);
    assert_int_equal(sl_attest_result_finding_count(result), SL_FINDINGS_MAX);
    assert_int_equal(result->findings.lost, 1);
    assert_false(sl_attest_result_is_accepted(result));
    assert_false(sl_findings_has(&result->findings, SL_CHECK_SIGNATURE));
    assert_true(sl_findings_has(&result->findings, SL_CHECK_EVIDENCE_TRAILING));
    sl_attest_result_free(result);
}

static void test_cache_keeps_the_latest(void **state)
{
    struct sl_attest_cache *cache;
    uint8_t keys[4][SL_CACHE_KEY_SIZE];
    assert_rc(sl_attest_cache_create(0, &cache), SL_RANGE);
    assert_rc(sl_attest_cache_create(1 << 20, &cache), SL_RANGE);
    assert_ok(sl_attest_cache_create(2, &cache));
    for (uint8_t i = 0; i < 4; i++) {
        struct sl_blob data = {&i, 1};
        sl_attest_cache_key("test", data, data, data, keys[i]);
        assert_false(sl_attest_cache_has(cache, keys[i]));
    }
    sl_attest_cache_put(cache, keys[0]);
    sl_attest_cache_put(cache, keys[1]);
    assert_true(sl_attest_cache_has(cache, keys[0]));
    sl_attest_cache_put(cache, keys[2]); /* drops 1, which was used longer ago */
    assert_true(sl_attest_cache_has(cache, keys[0]));
    assert_false(sl_attest_cache_has(cache, keys[1]));
    assert_true(sl_attest_cache_has(cache, keys[2]));
    assert_false(sl_attest_cache_has(NULL, keys[0]));
    sl_attest_cache_put(NULL, keys[0]);
    /* the split of the bytes counts */
    uint8_t bytes[2] = {1, 2};
    sl_attest_cache_key("k", (struct sl_blob){bytes, 1}, (struct sl_blob){bytes + 1, 1},
                        (struct sl_blob){0}, keys[0]);
    sl_attest_cache_key("k", (struct sl_blob){bytes, 2}, (struct sl_blob){0}, (struct sl_blob){0},
                        keys[1]);
    assert_memory_not_equal(keys[0], keys[1], SL_CACHE_KEY_SIZE);
    sl_attest_cache_free(cache);
    sl_attest_cache_free(NULL);
}

static void test_texts(void **state)
{
    char text[SL_TIME_TEXT_SIZE];
    assert_string_equal(sl_tcb_status_text(SL_TCB_OUT_OF_DATE), "OutOfDate");
    assert_string_equal(sl_tcb_status_text((enum sl_tcb_status)99), "Unknown");
    assert_string_equal(sl_attest_status_text(SL_ATTEST_WARNED), "warning");
    assert_string_equal(sl_attest_status_text((enum sl_attest_status)7), "none");
    sl_time_text(PKI_NOW, text);
    assert_string_equal(text, "2023-11-14T22:13:20Z");
    sl_time_text(INT64_MAX, text);
    assert_int_equal(text[0], '@');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_wrong_calls_invalid),
        cmocka_unit_test(test_no_collateral_names_all_that_is_missing),
        cmocka_unit_test(test_json_of_a_result),
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_findings_lost_still_refuse),
        cmocka_unit_test(test_cache_keeps_the_latest),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
