/* SPDX-License-Identifier: Apache-2.0 */
/* VCEK, VLEK and what stands above them: each fault with its finding. */
#include "snp_judge.h"

static void test_snp_verify_collateral_missing_or_malformed(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    t.input.collateral = NULL;
    t.input.policy = &t.policy;
    assert_ok(sl_attest_verify(&t.input, &t.result));
    assert_failure(t.result, SL_CHECK_COLLATERAL_MISSING);
    t.collateral.vcek = (struct sl_blob){NULL, 0};
    judge(&t);
    assert_failure(t.result, SL_CHECK_COLLATERAL_MISSING);
    t.collateral.vlek = t.rig->leaf_der; /* under the wrong name */
    judge(&t);
    assert_failure(t.result, SL_CHECK_COLLATERAL_MISSING);
    t.collateral.vcek = (struct sl_blob){t.rig->leaf_der.data, 100};
    judge(&t);
    assert_failure(t.result, SL_CHECK_CERT_FORMAT);
    t.collateral.vcek = t.rig->chain_pem;
    judge(&t);
    assert_failure(t.result, SL_CHECK_CERT_USAGE);
    t.collateral.vcek = t.rig->leaf_der;
    t.collateral.amd_crl = (struct sl_blob){(const uint8_t *)"0\x82", 2};
    judge(&t);
    assert_failure(t.result, SL_CHECK_COLLATERAL_FORMAT);
    t.collateral.amd_crl = (struct sl_blob){NULL, 0};
    t.roots.pem = (struct sl_blob){(const uint8_t *)"no root", 7};
    judge(&t);
    assert_failure(t.result, SL_CHECK_CERT_PATH);
    case_done(&t);
}

static void test_snp_verify_pinned_roots_refuse_others(void **state)
{
    for (int product = 0; product < SL_SNP_PRODUCT_COUNT; product++) {
        struct snp_spec spec = snp_spec_make((enum sl_snp_product)product, false);
        struct test_case t;
        case_init(&t, &spec);
        t.roots.pem = (struct sl_blob){NULL, 0};
        judge(&t);
        assert_failure(t.result, SL_CHECK_CERT_PATH);
        case_done(&t);
    }
}

static void test_snp_verify_each_certificate_fault_has_its_finding(void **state)
{
    struct {
        const char *what;
        enum sl_attest_check check;
        struct snp_spec spec;
    } rows[24];
    size_t count = 0;
#define ROW(text, code, is_vlek)                                                                   \
    rows[count].what = text;                                                                       \
    rows[count].check = code;                                                                      \
    rows[count].spec = snp_spec_make(SL_SNP_MILAN, is_vlek);                                       \
    for (struct snp_spec *s = &rows[count++].spec; s != NULL; s = NULL)
    ROW("VCEK under an ASVK", SL_CHECK_CERT_USAGE, false)
    {
        s->names[1] = "SEV-VLEK-Milan";
    }
    ROW("VLEK under an ASK", SL_CHECK_CERT_USAGE, true)
    {
        s->names[1] = "SEV-Milan";
    }
    ROW("ASK of another product", SL_CHECK_CERT_USAGE, false)
    {
        s->names[1] = "SEV-Genoa";
    }
    ROW("ARK of another product", SL_CHECK_CERT_USAGE, false)
    {
        s->names[2] = "ARK-Genoa";
    }
    ROW("leaf of another name", SL_CHECK_CERT_USAGE, false)
    {
        s->names[0] = "SEV-VLEK";
    }
    ROW("ASK is no CA", SL_CHECK_CERT_USAGE, false)
    {
        s->issuer.is_ca = false;
    }
    ROW("ASK may not sign certificates", SL_CHECK_CERT_USAGE, false)
    {
        s->issuer.usage = "cRLSign";
    }
    ROW("VCEK expired", SL_CHECK_CERT_EXPIRED, false)
    {
        s->leaf.until_s = PKI_NOW - 1;
    }
    ROW("ASK not valid yet", SL_CHECK_CERT_NOT_YET, false)
    {
        s->issuer.from_s = PKI_NOW + 1;
    }
    ROW("key on P-256", SL_CHECK_CERT_FORMAT, false)
    {
        s->is_p256 = true;
    }
    ROW("product name unknown", SL_CHECK_CERT_FORMAT, false)
    {
        s->product_name = "Venice-A0";
    }
    ROW("product name longer than a product", SL_CHECK_CERT_FORMAT, false)
    {
        s->product_name = "Milano";
    }
    ROW("no structure version", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.1";
    }
    ROW("no product", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.2";
    }
    ROW("no microcode SPL", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.3.8";
    }
    ROW("no chip id", SL_CHECK_CERT_FORMAT, false)
    {
        s->without = "1.3.6.1.4.1.3704.1.4";
    }
    ROW("VLEK without a provider", SL_CHECK_CERT_FORMAT, true)
    {
        s->without = "1.3.6.1.4.1.3704.1.5";
    }
    ROW("TCB of another level", SL_CHECK_VCEK_TCB, true)
    {
        s->version = 3;
    }
#undef ROW
    for (size_t i = 0; i < count; i++) {
        struct test_case t;
        case_init(&t, &rows[i].spec);
        if (rows[i].check == SL_CHECK_VCEK_TCB) {
            t.rig->report[0x186]--;
            snp_rig_sign(t.rig);
        }
        print_message("%s\n", rows[i].what);
        judge(&t);
        assert_failure(t.result, rows[i].check);
        case_done(&t);
    }
}

static void test_snp_verify_ask_and_asvk_in_one_file(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_GENOA, true);
    struct test_case t;
    case_init(&t, &spec);
    struct pki_spec ask = {.name = "SEV-Genoa",
                           .serial = 9,
                           .is_ca = true,
                           .has_path_length = true,
                           .usage = "keyCertSign"};
    X509 *other = pki_cert_make(&ask, t.rig->leaf_key, t.rig->ark, t.rig->ark_key);
    X509 *const all[] = {t.rig->ark, other, t.rig->ask};
    struct sl_blob pem = pki_certs_pem(all, 3);
    t.collateral.cert_chain = pem;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    X509_free(other);
    pki_blob_free(pem);
    case_done(&t);
}

static void test_snp_verify_crl_of_the_ark(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    const struct {
        struct pki_crl_spec spec;
        uint64_t max_age_s;
        enum sl_attest_check check;
    } rows[] = {
        {{.from_s = 0}, 0, SL_ATTEST_CHECK_COUNT},
        {{.revoked = t.rig->ask}, 0, SL_CHECK_CERT_REVOKED},
        {{.until_s = PKI_NOW - 1}, 0, SL_CHECK_CRL_EXPIRED},
        {{.from_s = PKI_NOW + 1}, 0, SL_CHECK_CRL_NOT_YET},
        {{.from_s = PKI_NOW - 100}, 99, SL_CHECK_COLLATERAL_TOO_OLD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        X509_CRL *crl = pki_crl_make(&rows[i].spec, t.rig->ark, t.rig->ark_key);
        struct sl_blob der = pki_crl_der(crl);
        t.collateral.amd_crl = der;
        t.policy.max_collateral_age_s = rows[i].max_age_s;
        judge(&t);
        assert_failure(t.result, rows[i].check);
        X509_CRL_free(crl);
        pki_blob_free(der);
    }
    case_done(&t);
}

static void test_snp_verify_without_the_crl_is_a_note_or_refused(void **state)
{
    (void)state;
    struct snp_spec spec = snp_spec_make(SL_SNP_TURIN, true);
    struct test_case t;
    case_init(&t, &spec);
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    t.policy.is_amd_crl_required = true;
    judge(&t);
    assert_failure(t.result, SL_CHECK_CRL_MISSING);
    struct pki_crl_spec crl_spec = {.from_s = 0};
    X509_CRL *crl = pki_crl_make(&crl_spec, t.rig->ark, t.rig->ark_key);
    struct sl_blob der = pki_crl_der(crl);
    t.collateral.amd_crl = der;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    X509_CRL_free(crl);
    pki_blob_free(der);
    /* of somebody else than the ARK */
    const struct pki_spec other_spec = {
        .name = "ARK-Milan", .is_ca = true, .usage = "keyCertSign, cRLSign"};
    X509 *other = pki_cert_make(&other_spec, t.rig->ark_key, NULL, t.rig->ark_key);
    crl = pki_crl_make(&crl_spec, other, t.rig->ark_key);
    X509_free(other);
    der = pki_crl_der(crl);
    t.collateral.amd_crl = der;
    judge(&t);
    assert_failure(t.result, SL_CHECK_CRL_MISSING);
    t.policy.is_amd_crl_required = false;
    judge(&t);
    assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
    X509_CRL_free(crl);
    pki_blob_free(der);
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
        cmocka_unit_test(test_snp_verify_collateral_missing_or_malformed),
        cmocka_unit_test(test_snp_verify_pinned_roots_refuse_others),
        cmocka_unit_test(test_snp_verify_each_certificate_fault_has_its_finding),
        cmocka_unit_test(test_snp_verify_ask_and_asvk_in_one_file),
        cmocka_unit_test(test_snp_verify_crl_of_the_ark),
        cmocka_unit_test(test_snp_verify_without_the_crl_is_a_note_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
