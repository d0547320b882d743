/* SPDX-License-Identifier: Apache-2.0 */
/* The SEV-SNP verifier as a whole: platforms made here, and real Milan reports. Genoa, Turin and
 * VLEK reports are made here only: untested on real ones, of which none is public with its
 * certificates. */
#include "snp_judge.h"

#include "attest/snp_cert.h"
#include "attest/x509.h"
#include "base/bytes.h"

static void test_snp_verify_each_product_version_and_key_is_accepted(void **state)
{
    for (int product = 0; product < SL_SNP_PRODUCT_COUNT; product++) {
        for (uint32_t version = 2; version <= 5; version++) {
            for (int is_vlek = 0; is_vlek < 2; is_vlek++) {
                struct snp_spec spec = snp_spec_make((enum sl_snp_product)product, is_vlek != 0);
                spec.version = version;
                struct test_case t;
                case_init(&t, &spec);
                judge(&t);
                assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
                assert_int_equal(sl_attest_result_status(t.result), SL_ATTEST_AFFIRMING);
                assert_int_equal(sl_attest_result_tcb_status(t.result), SL_TCB_UP_TO_DATE);
                struct sl_attest_vector vector = sl_attest_result_vector(t.result);
                assert_int_equal(vector.hardware, 2);
                assert_int_equal(vector.instance_identity, 2);
                assert_int_equal(vector.configuration, 2);
                assert_int_equal(vector.executables, 0);
                json_t *claims = t.result->claims;
                assert_int_equal(json_integer_value(json_object_get(
                                     json_object_get(claims, "reported_tcb"), "microcode")),
                                 product == SL_SNP_TURIN ? 130 : 219);
                assert_string_equal(
                    json_string_value(json_object_get(t.result->appraised, "signed_by")),
                    is_vlek != 0 ? "VLEK" : "VCEK");
                case_done(&t);
            }
        }
    }
}

static void test_snp_verify_trailing_bytes_are_noted(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    uint8_t longer[SL_SNP_REPORT_SIZE + 70] = {0};
    memcpy(longer, t.rig->report, SL_SNP_REPORT_SIZE);
    t.input.evidence = (struct sl_blob){longer, sizeof(longer)};
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_true(sl_findings_has(&t.result->findings, SL_CHECK_EVIDENCE_TRAILING));
    case_done(&t);
}

static void test_snp_verify_masked_chip_id_is_noted(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_GENOA, false);
    struct test_case t;
    case_init(&t, &spec);
    memset(t.rig->report + 0x1a0, 0, 64);
    snp_rig_sign(t.rig);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    assert_true(sl_findings_has(&t.result->findings, SL_CHECK_CHIP_ID));
    case_done(&t);
}

static struct sl_blob file_read(const char *name)
{
    char path[512];
    vector_path(name, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *data = malloc(16384);
    assert_non_null(data);
    size_t size = fread(data, 1, 16384, file);
    (void)fclose(file);
    return (struct sl_blob){data, size};
}

static void real_judge(struct sl_blob report, struct sl_blob vcek, struct sl_blob chain,
                       int64_t time_s, bool is_debug_allowed, enum sl_attest_check check)
{
    struct sl_attest_policy policy = {.is_any_identity = true,
                                      .insecure_allow_debug = is_debug_allowed};
    struct sl_attest_collateral collateral = {.vcek = vcek, .cert_chain = chain};
    struct sl_attest_input input = {.type = SL_ATTEST_SNP,
                                    .evidence = report,
                                    .collateral = &collateral,
                                    .policy = &policy,
                                    .time_s = time_s};
    struct sl_attest_result *result = NULL;
    assert_ok(sl_attest_verify(&input, &result));
    assert_failure(result, check);
    sl_attest_result_free(result);
}

static void test_snp_verify_real_milan_reports(void **state)
{
#define VIRTEE "snp/virtee-sev/tests/certs_data/"
#define GUEST  "snp/go-sev-guest/verify/"
    struct sl_blob hex = file_read(VIRTEE "report_milan.hex");
    struct sl_blob vcek = file_read(VIRTEE "vcek_milan.der");
    struct sl_blob chain = file_read(VIRTEE "cert_chain_milan");
    uint8_t bytes[SL_SNP_REPORT_SIZE];
    char *text = strndup((const char *)hex.data, hex.size);
    text[strcspn(text, "\r\n")] = '\0';
    assert_ok(sl_hex_decode(text, bytes, sizeof(bytes)));
    free(text);
    struct sl_blob report = {bytes, sizeof(bytes)};
    const int64_t from_s = 1680549823, until_s = 1901474623; /* of the VCEK */
    real_judge(report, vcek, chain, 1700000000, false, SL_ATTEST_CHECK_COUNT);
    real_judge(report, vcek, chain, from_s, false, SL_ATTEST_CHECK_COUNT);
    real_judge(report, vcek, chain, from_s - 1, false, SL_CHECK_CERT_NOT_YET);
    real_judge(report, vcek, chain, until_s, false, SL_ATTEST_CHECK_COUNT);
    real_judge(report, vcek, chain, until_s + 1, false, SL_CHECK_CERT_EXPIRED);
    bytes[0x90] ^= 1;
    real_judge(report, vcek, chain, 1700000000, false, SL_CHECK_SIGNATURE);
    pki_blob_free(hex);

    /* go-sev-guest's was taken from a guest that may be debugged: refused, unless one insists. */
    struct sl_blob other = file_read(GUEST "testdata/attestation.bin");
    struct sl_blob other_vcek = file_read(GUEST "testdata/vcek.testcer");
    struct sl_blob other_chain = file_read(GUEST "trust/ask_ark_milan.pem");
    real_judge(other, other_vcek, other_chain, 1700000000, false, SL_CHECK_DEBUG);
    real_judge(other, other_vcek, other_chain, 1700000000, true, SL_ATTEST_CHECK_COUNT);
    /* A chain with the ASVK in place of the ASK does not lead to the root. */
    struct sl_blob vlek_chain = file_read(GUEST "trust/ask_ark_milan_vlek.pem");
    real_judge(other, other_vcek, vlek_chain, 1700000000, true, SL_CHECK_CERT_PATH);
    pki_blob_free(vlek_chain);
    pki_blob_free(other);
    pki_blob_free(other_vcek);
    pki_blob_free(other_chain);
    pki_blob_free(vcek);
    pki_blob_free(chain);
}

static void test_snp_cert_read_real_turin_vcek(void **state)
{
    struct sl_blob der = file_read(VIRTEE "vcek_turin.der");
    struct sl_cert_list list = {.profile = SL_CERT_AMD};
    char text[SL_CERT_WHY_SIZE];
    assert_ok(sl_cert_list_add(&list, der, false, text));
    struct sl_snp_cert cert;
    const char *why = NULL;
    assert_ok(sl_snp_cert_read(&list.certs[0], SL_SNP_SIGNER_VCEK, &cert, &why));
    assert_int_equal(cert.product, SL_SNP_TURIN);
    assert_string_equal(cert.product_name, "Turin");
    assert_int_equal(cert.hwid_size, 8);
    static const uint8_t hwid[] = {0x1e, 0x55, 0x0a, 0x8e, 0xe5, 0xcf, 0x9f, 0x4d};
    assert_memory_equal(cert.hwid, hwid, 8);
    static const uint8_t tcb[] = {0, 0, 0, 0, 0, 0, 0, 9};
    assert_memory_equal(cert.tcb, tcb, 8);
    sl_cert_list_done(&list);
    pki_blob_free(der);
}

static int teardown(void **state)
{
    snp_keys_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snp_verify_each_product_version_and_key_is_accepted),
        cmocka_unit_test(test_snp_verify_trailing_bytes_are_noted),
        cmocka_unit_test(test_snp_verify_masked_chip_id_is_noted),
        cmocka_unit_test(test_snp_verify_real_milan_reports),
        cmocka_unit_test(test_snp_cert_read_real_turin_vcek),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
