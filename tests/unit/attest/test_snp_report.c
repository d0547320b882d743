/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a SEV-SNP report: truncated, flipped, and each field with its finding. */
#include "snp_judge.h"

static void test_snp_verify_truncated_at_every_length_is_refused(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    for (size_t size = 0; size < SL_SNP_REPORT_SIZE; size++) {
        t.input.evidence.size = size;
        judge(&t);
        assert_failure(t.result, SL_CHECK_EVIDENCE_FORMAT);
        char *json = NULL;
        assert_rc(sl_attest_inspect(SL_ATTEST_SNP, t.input.evidence, &json), SL_TRUNCATED);
    }
    case_done(&t);
}

static void test_snp_verify_every_bit_flipped_is_refused(void **state)
{
    static const uint32_t versions[] = {2, 5};
    for (size_t v = 0; v < 2; v++) {
        struct snp_spec spec = snp_spec_make(v == 0 ? SL_SNP_MILAN : SL_SNP_TURIN, v == 1);
        spec.version = versions[v];
        struct test_case t;
        case_init(&t, &spec);
        struct sl_attest_cache *cache = NULL;
        assert_ok(sl_attest_cache_create(8, &cache));
        t.input.cache = cache; /* only the report changes */
        for (size_t i = 0; i < SL_SNP_REPORT_SIZE; i += v == 1 ? 1 : 5) {
            /* Every bit of the fields that have bits, one of each byte elsewhere. */
            bool is_all = v == 1 && (i < 0x10 || (i >= 0x30 && i < 0x50) ||
                                     (i >= 0x188 && i < 0x18b) || (i >= 0x1e8 && i < 0x1f0));
            for (unsigned int bit = is_all ? 0 : i % 8; bit < 8; bit += is_all ? 1 : 8) {
                t.rig->report[i] ^= (uint8_t)(1U << bit);
                judge(&t);
                if (!has_failure(t.result)) {
                    fail_msg("byte 0x%zx bit %u may be changed", i, bit);
                }
                t.rig->report[i] ^= (uint8_t)(1U << bit);
            }
        }
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        sl_attest_cache_free(cache);
        case_done(&t);
    }
}

/* A change of the report's bytes that its maker signed, and what must come of it. */
struct change {
    const char *what;
    enum sl_attest_check check;
    size_t off;
    size_t size;
    uint8_t value[8];
    bool is_vlek;
    uint32_t version;
    enum sl_snp_product product;
};

/* Long, for it is a table: a row for each field of the report; the loop behind it is short. */
static void test_snp_verify_each_field_has_its_finding(void **state)
{
    static const struct change rows[] = {
        {.what = "version 1",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0,
         .size = 1,
         .value = {1}},
        {.what = "version 6",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0,
         .size = 1,
         .value = {6}},
        {.what = "version 258",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0,
         .size = 2,
         .value = {2, 1}},
        {.what = "debug", .check = SL_CHECK_DEBUG, .off = 0x0a, .size = 1, .value = {0x0b}},
        {.what = "reserved one of the policy is 0",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x0a,
         .size = 1,
         .value = {0x01}},
        {.what = "reserved bit 26 of the policy",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x0b,
         .size = 1,
         .value = {0x04}},
        {.what = "policy's ABI above the firmware's",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x08,
         .size = 2,
         .value = {56, 1}},
        {.what = "policy without SMT on a platform with it",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x0a,
         .size = 1,
         .value = {0x02}},
        {.what = "policy demands RAPL off",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x0a,
         .size = 1,
         .value = {0x83}},
        {.what = "policy demands ciphertext hiding",
         .check = SL_CHECK_SNP_POLICY,
         .off = 0x0b,
         .size = 1,
         .value = {0x01}},
        {.what = "policy with what needs nothing of the platform",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x0a,
         .size = 2,
         .value = {0x73, 0x02}},
        {.what = "VMPL 1", .check = SL_CHECK_VMPL, .off = 0x30, .size = 1, .value = {1}},
        {.what = "VMPL 4", .check = SL_CHECK_EVIDENCE_FORMAT, .off = 0x30, .size = 1, .value = {4}},
        {.what = "asked for by the host",
         .check = SL_CHECK_VMPL,
         .off = 0x30,
         .size = 4,
         .value = {255, 255, 255, 255}},
        {.what = "signature algorithm 0",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x34,
         .size = 1,
         .value = {0}},
        {.what = "platform info bit 6",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x40,
         .size = 1,
         .value = {0x41}},
        {.what = "platform info bit 8",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x41,
         .size = 1,
         .value = {1}},
        {.what = "platform info all known bits",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x40,
         .size = 1,
         .value = {0xbf}},
        {.what = "key info reserved",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x48,
         .size = 1,
         .value = {0x20}},
        {.what = "not signed",
         .check = SL_CHECK_SIGNATURE,
         .off = 0x48,
         .size = 1,
         .value = {0x1c}},
        {.what = "unknown signer",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x48,
         .size = 1,
         .value = {0x08}},
        {.what = "author key's digest without author key",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x110,
         .size = 1,
         .value = {1}},
        {.what = "author key",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x48,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x4c",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x4c,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x18b",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x18b,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x19f",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x19f,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x188 in version 2",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x188,
         .size = 1,
         .value = {1},
         .version = 2},
        {.what = "reserved 0x1eb",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x1eb,
         .size = 1,
         .value = {1}},
        {.what = "reserved 0x1ef",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x1ef,
         .size = 1,
         .value = {1}},
        {.what = "mitigations in version 4",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x1f8,
         .size = 1,
         .value = {1},
         .version = 4},
        {.what = "mitigations in version 5",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x1f8,
         .size = 1,
         .value = {1},
         .version = 5},
        {.what = "reserved 0x208",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x208,
         .size = 1,
         .value = {1},
         .version = 5},
        {.what = "reserved 0x29f",
         .check = SL_CHECK_EVIDENCE_FORMAT,
         .off = 0x29f,
         .size = 1,
         .value = {1}},
        {.what = "CPUID of another product",
         .check = SL_CHECK_COLLATERAL_MISMATCH,
         .off = 0x189,
         .size = 1,
         .value = {0x11}},
        {.what = "Bergamo has Genoa's keys",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x189,
         .size = 1,
         .value = {0xa0},
         .product = SL_SNP_GENOA},
        {.what = "CPUID of no product",
         .check = SL_CHECK_EVIDENCE_VERSION,
         .off = 0x188,
         .size = 1,
         .value = {0x17}},
        {.what = "chip id of another",
         .check = SL_CHECK_CHIP_ID,
         .off = 0x1a0,
         .size = 1,
         .value = {1}},
        {.what = "chip id longer than Turin's",
         .check = SL_CHECK_CHIP_ID,
         .off = 0x1a8,
         .size = 1,
         .value = {1},
         .product = SL_SNP_TURIN},
        {.what = "chip id does not matter to a VLEK",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x1a0,
         .size = 1,
         .value = {1},
         .is_vlek = true},
        {.what = "current TCB below the committed",
         .check = SL_CHECK_SNP_TCB_ORDER,
         .off = 0x38,
         .size = 1,
         .value = {3}},
        {.what = "current TCB above the committed",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x38,
         .size = 1,
         .value = {5}},
        {.what = "committed firmware above the current",
         .check = SL_CHECK_SNP_TCB_ORDER,
         .off = 0x1ec,
         .size = 1,
         .value = {11}},
        {.what = "launch TCB may be any",
         .check = SL_ATTEST_CHECK_COUNT,
         .off = 0x1f0,
         .size = 1,
         .value = {0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snp_spec spec = snp_spec_make(rows[i].product, rows[i].is_vlek);
        spec.version = rows[i].version != 0 ? rows[i].version : 3;
        struct test_case t;
        case_init(&t, &spec);
        memcpy(t.rig->report + rows[i].off, rows[i].value, rows[i].size);
        snp_rig_sign(t.rig);
        print_message("%s\n", rows[i].what);
        judge(&t);
        if (rows[i].check == SL_CHECK_COLLATERAL_MISMATCH) { /* the root is another's as well */
            assert_true(sl_findings_has(&t.result->findings, rows[i].check));
            assert_true(has_failure(t.result));
        } else {
            assert_failure(t.result, rows[i].check);
        }
        case_done(&t);
    }
}

static void test_snp_verify_reported_tcb_differs_from_certificate(void **state)
{
    static const enum sl_snp_product products[] = {SL_SNP_MILAN, SL_SNP_TURIN};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < 8; i++) {
            struct snp_spec spec = snp_spec_make(products[p], false);
            struct test_case t;
            case_init(&t, &spec);
            if (t.rig->report[0x180 + i] > 0) { /* below: allowed by the order, not certified */
                t.rig->report[0x180 + i]--;
                snp_rig_sign(t.rig);
                judge(&t);
                assert_failure(t.result, SL_CHECK_VCEK_TCB);
                t.rig->report[0x180 + i]++;
            }
            t.rig->report[0x180 + i]++;
            snp_rig_sign(t.rig);
            judge(&t);
            assert_true(sl_findings_has(&t.result->findings, SL_CHECK_VCEK_TCB));
            assert_true(sl_findings_has(&t.result->findings, SL_CHECK_SNP_TCB_ORDER));
            case_done(&t);
        }
    }
}

static void test_snp_verify_signature_field(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    memset(t.rig->report + 0x2a0, 0, 144);
    judge(&t);
    assert_failure(t.result, SL_CHECK_SIGNATURE);
    snp_rig_sign(t.rig);
    t.rig->report[0x2a0 + 48] = 1; /* r above 384 bits */
    judge(&t);
    assert_failure(t.result, SL_CHECK_EVIDENCE_FORMAT);
    t.rig->report[0x2a0 + 48] = 0;
    t.rig->report[SL_SNP_REPORT_SIZE - 1] = 1;
    judge(&t);
    assert_failure(t.result, SL_CHECK_EVIDENCE_FORMAT);
    case_done(&t);
}

static void test_snp_inspect_shows_without_judging(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_TURIN, false);
    spec.version = 5;
    struct test_case t;
    case_init(&t, &spec);
    t.rig->report[0x29f] = 1; /* judged elsewhere */
    char *text = NULL;
    assert_ok(sl_attest_inspect(SL_ATTEST_SNP, t.input.evidence, &text));
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "product")), "Turin");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "launch_tcb"), "fmc")), 1);
    assert_true(json_is_true(json_object_get(json_object_get(json, "policy"), "smt")));
    json_decref(json);
    free(text);
    t.rig->report[0] = 6;
    assert_rc(sl_attest_inspect(SL_ATTEST_SNP, t.input.evidence, &text), SL_UNSUPPORTED);
    case_done(&t);
}

static int teardown(void **state)
{
    snp_keys_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snp_verify_truncated_at_every_length_is_refused),
        cmocka_unit_test(test_snp_verify_every_bit_flipped_is_refused),
        cmocka_unit_test(test_snp_verify_each_field_has_its_finding),
        cmocka_unit_test(test_snp_verify_reported_tcb_differs_from_certificate),
        cmocka_unit_test(test_snp_verify_signature_field),
        cmocka_unit_test(test_snp_inspect_shows_without_judging),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
