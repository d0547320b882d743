/* SPDX-License-Identifier: Apache-2.0 */
/* Which platform evidence and collateral speak of, and until when a set is good. */
#include "sample.h"

#include "collateral/expiry.h"
#include "collateral/platform.h"
#include "files/files.h"

static void test_platform_of_set_and_quote_agree(void **state)
{
    (void)state;
    struct sl_collateral_set set;
    struct sl_platform_keys keys;
    struct sl_err err = {0};
    char key[SL_PLATFORM_KEY_SIZE];
    struct sl_blob quote = sample_quote();
    sample_make(&set);
    assert_ok(sl_platform_of_set(&set, key, &err));
    assert_string_equal(key, SAMPLE_KEY);
    assert_int_equal(sl_platform_guess(quote), SL_ATTEST_SGX);
    assert_ok(sl_platform_of_evidence(SL_ATTEST_SGX, quote, &keys, &err));
    assert_int_equal(keys.count, 1);
    assert_string_equal(keys.key[0], SAMPLE_KEY);
    for (size_t size = 0; size < quote.size; size++) { /* no overread (ASan), no crash */
        struct sl_blob cut = {quote.data, size};
        (void)sl_platform_guess(cut);
        sl_rc rc = sl_platform_of_evidence(SL_ATTEST_SGX, cut, &keys, &err);
        assert_true(rc != SL_OK || keys.count == 1);
    }
    struct sl_blob none = {quote.data, 64};
    assert_rc(sl_platform_of_evidence(SL_ATTEST_SGX, none, &keys, &err), SL_NOT_FOUND);
    none.size = 4;
    assert_rc(sl_platform_of_evidence(SL_ATTEST_TDX, none, &keys, &err), SL_TRUNCATED);
    free((void *)(uintptr_t)quote.data);
    sl_collateral_done(&set);
}

static void test_platform_of_set_refuses_by_name(void **state)
{
    (void)state;
    static const struct {
        enum sl_collateral_part part; /* takes this in place of what is there; NULL: away */
        const char *text, *expected;
        sl_rc rc;
    } cases[] = {
        {SL_COLLATERAL_tcb_info, NULL, "tcb_info.json is missing", SL_INVALID},
        {SL_COLLATERAL_pck_crl, NULL, "pck_crl.der is missing", SL_INVALID},
        {SL_COLLATERAL_tcb_info, "{}", "tcb_info: expected JSON", SL_MALFORMED},
        {SL_COLLATERAL_tcb_info,
         "{\"tcbInfo\":{\"issueDate\":\"2025-01-01T00:00:00Z\",\"nextUpdate\":\"2025-02-01T00:00:"
         "00Z\",\"fmspc\":\"00\"},\"signature\":\"\"}",
         "fmspc", SL_MALFORMED},
        {SL_COLLATERAL_qe_identity, "x", "qe_identity: expected JSON", SL_MALFORMED},
        {SL_COLLATERAL_pck_crl, "x", "pck_crl: expected a CRL", SL_MALFORMED},
        {SL_COLLATERAL_tcb_signing_chain, "x", "tcb_signing_chain: expected", SL_MALFORMED},
        {SL_COLLATERAL_vcek, "x", "vcek: expected certificates", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_collateral_set set;
        struct sl_err err = {0};
        char key[SL_PLATFORM_KEY_SIZE];
        sample_make(&set);
        if (cases[i].text != NULL) {
            assert_ok(sl_collateral_put(&set, cases[i].part, cases[i].text, strlen(cases[i].text)));
        } else {
            ((struct sl_blob *)&set.parts)[cases[i].part] = (struct sl_blob){0};
        }
        sl_rc rc = sl_platform_of_set(&set, key, &err);
        if (rc != cases[i].rc || strstr(err.text, cases[i].expected) == NULL) {
            fail_msg("%zu: %s \"%s\"", i, sl_rc_text(rc), err.text);
        }
        sl_collateral_done(&set);
    }
}

static void test_platform_of_set_mixed_vendors_refused(void **state)
{
    (void)state;
    struct sl_collateral_set set;
    struct sl_err err = {0};
    char key[SL_PLATFORM_KEY_SIZE];
    sample_make(&set);
    struct sl_blob chain = set.parts.tcb_signing_chain; /* certificates, though of no chip */
    assert_ok(sl_collateral_put(&set, SL_COLLATERAL_vcek, chain.data, chain.size));
    assert_rc(sl_platform_of_set(&set, key, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "Intel's and AMD's"));
    sl_collateral_done(&set);
}

static void snp_report(uint8_t report[1184], unsigned version, unsigned family, unsigned model)
{
    static const uint8_t tcb[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    memset(report, 0, 1184);
    report[0] = (uint8_t)version;
    report[0x188] = (uint8_t)family;
    report[0x189] = (uint8_t)model;
    memcpy(report + 0x180, tcb, sizeof(tcb));
    memset(report + 0x1a0, 0xab, 64);
}

static void test_platform_of_snp_reports(void **state)
{
    (void)state;
    uint8_t report[1184];
    struct sl_platform_keys keys;
    struct sl_err err = {0};
    struct sl_blob blob = {report, sizeof(report)};
    snp_report(report, 2, 0, 0);
    assert_int_equal(sl_platform_guess(blob), SL_ATTEST_SNP);
    assert_ok(sl_platform_of_evidence(SL_ATTEST_SNP, blob, &keys, &err));
    assert_int_equal(keys.count, 2); /* version 2 does not say which */
    assert_memory_equal(keys.key[0], "snp-milan-abab", 14);
    assert_non_null(strstr(keys.key[0], "-1.2.7.8"));
    assert_memory_equal(keys.key[1], "snp-genoa-abab", 14);
    snp_report(report, 3, 0x19, 0x11);
    assert_ok(sl_platform_of_evidence(SL_ATTEST_SNP, blob, &keys, &err));
    assert_int_equal(keys.count, 1);
    assert_memory_equal(keys.key[0], "snp-genoa-abab", 14);
    snp_report(report, 5, 0x1a, 0x02);
    assert_ok(sl_platform_of_evidence(SL_ATTEST_SNP, blob, &keys, &err));
    assert_string_equal(keys.key[0], "snp-turin-abababababababab-1.2.3.4.8");
    report[0x48] = 1 << 2;
    assert_ok(sl_platform_of_evidence(SL_ATTEST_SNP, blob, &keys, &err));
    assert_string_equal(keys.key[0], "snp-turin-vlek-1.2.3.4.8");
    snp_report(report, 5, 0x17, 0x02);
    assert_rc(sl_platform_of_evidence(SL_ATTEST_SNP, blob, &keys, &err), SL_NOT_FOUND);
    blob.size--;
    assert_rc(sl_platform_of_evidence(SL_ATTEST_SNP, blob, &keys, &err), SL_TRUNCATED);
}

static void read_vector(const char *name, enum sl_collateral_part part,
                        struct sl_collateral_set *set)
{
    char path[512];
    uint8_t *data = NULL;
    size_t size = 0;
    struct sl_err err = {0};
    vector_path(name, path, sizeof(path));
    assert_ok(sl_file_read(path, 1 << 20, &data, &size, &err));
    assert_ok(sl_collateral_put(set, part, data, size));
    free(data);
}

static void test_platform_of_real_vceks(void **state)
{
    (void)state;
    struct sl_collateral_set set = {0};
    struct sl_err err = {0};
    char key[SL_PLATFORM_KEY_SIZE];
    read_vector("snp/virtee-sev/tests/certs_data/vcek_milan.der", SL_COLLATERAL_vcek, &set);
    assert_ok(sl_platform_of_set(&set, key, &err));
    assert_memory_equal(key, "snp-milan-d49554ec717f4e5b", 26);
    assert_string_equal(key + strlen(key) - 10, "-3.0.8.115");
    read_vector("snp/virtee-sev/tests/certs_data/vcek_turin.der", SL_COLLATERAL_vcek, &set);
    assert_ok(sl_platform_of_set(&set, key, &err));
    assert_memory_equal(key, "snp-turin-", 10);
    read_vector("snp/virtee-sev/tests/certs_data/cert_chain_milan", SL_COLLATERAL_vcek, &set);
    assert_rc(sl_platform_of_set(&set, key, &err), SL_MALFORMED); /* an ASK is no VCEK */
    sl_collateral_done(&set);
}

static void test_expiry_is_the_first_of_all(void **state)
{
    (void)state;
    struct sl_collateral_set set;
    struct sl_expiry expiry;
    struct sl_err err = {0};
    int64_t first = INT64_MAX;
    sample_make(&set);
    assert_ok(sl_expiry_of(&set, &expiry, &err));
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        assert_int_equal(expiry.parts[i].has, sl_collateral_part(&set, i).data != NULL);
        if (expiry.parts[i].has) {
            assert_true(expiry.parts[i].not_before_s <= SAMPLE_NOW);
            assert_true(expiry.parts[i].not_after_s > SAMPLE_NOW);
            first = expiry.parts[i].not_after_s < first ? expiry.parts[i].not_after_s : first;
        }
    }
    assert_int_equal(expiry.first_s, first);
    sl_collateral_done(&set);
}

static void test_expiry_time_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_s;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T12:34:56Z", 1709210096},
        {"2024-02-29T12:34:56.789Z", 1709210096},
        {"2024-02-29T14:34:56+02:00", 1709210096},
        {"2024-02-29T11:04:56-01:30", 1709210096},
        {"2024-02-29t12:34:56z", 1709210096},
        {"0001-01-01T00:00:00Z", -62135596800},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    static const char *const bad[] = {
        "",
        "2024",
        "2024-02-29",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00ZZ",
        "2024-01-01T00:00:00+1:00",
        "2024-01-01T00:00:00+24:00",
        " 2024-01-01T00:00:00Z",
        "2024-1-01T00:00:00Z",
        "-024-01-01T00:00:00Z",
    };
    int64_t time_s = 0;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(sl_expiry_time(good[i].text, &time_s));
        assert_int_equal(time_s, good[i].time_s);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (sl_expiry_time(bad[i], &time_s)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platform_of_set_and_quote_agree),
        cmocka_unit_test(test_platform_of_set_refuses_by_name),
        cmocka_unit_test(test_platform_of_set_mixed_vendors_refused),
        cmocka_unit_test(test_platform_of_snp_reports),
        cmocka_unit_test(test_platform_of_real_vceks),
        cmocka_unit_test(test_expiry_is_the_first_of_all),
        cmocka_unit_test(test_expiry_time_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
