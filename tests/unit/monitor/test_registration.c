/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment: which keys and certificates are a TPM's; and the drivers of TEEs where nothing is. */
#include "../unit.h"

#include <openssl/pem.h>

#include <openssl/ec.h>

#include "../attest/pki.h"
#include "attest/tpm_public.h"
#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "rig.h"

static void enrol_expect(const struct rig *rig, sl_rc rc, const char *field)
{
    struct sl_err err = {0};
    const sl_rc found =
        sl_driver_find("tpm-ima")->register_node(rig->registration, rig->policy, PKI_NOW, &err);

    if (found != rc || (field != NULL && strncmp(err.text, field, strlen(field)) != 0)) {
        fail_msg("%s: %s, expected %s in %s", sl_rc_name(found), err.text, sl_rc_name(rc), field);
    }
}

static void key_put(struct rig *rig, const char *field, EVP_PKEY *key, uint32_t attributes)
{
    uint8_t area[256];
    const size_t size = rig_public(key, attributes, area);

    (void)json_object_set_new(rig->registration, field, sl_json_bytes_new(area, size));
}

static void test_only_a_tpms_keys_are_accepted(void **state)
{
    struct rig *rig = rig_make();

    enrol_expect(rig, SL_OK, NULL);
    key_put(rig, "ak_public", rig->ak, 0x00040072); /* not restricted: signs what anybody likes */
    enrol_expect(rig, SL_AUTH, "ak_public");
    key_put(rig, "ak_public", rig->ak, 0x00050070); /* not fixedTPM: can be taken elsewhere */
    enrol_expect(rig, SL_AUTH, "ak_public");
    key_put(rig, "ak_public", rig->ak, 0x00050072);
    key_put(rig, "ek_public", rig->ek, 0x000200b2);
    enrol_expect(rig, SL_AUTH, "ek_public");
    (void)json_object_set_new(rig->registration, "ek_public", json_string("AAAA"));
    enrol_expect(rig, SL_MALFORMED, "ek_public");
    (void)json_object_del(rig->registration, "ek_public");
    enrol_expect(rig, SL_MALFORMED, "ek_public");
    rig_free(rig);
}

static void certificate_put(struct rig *rig, X509 *cert)
{
    const struct sl_blob der = pki_certs_der(&cert, 1);

    (void)json_object_set_new(rig->registration, "ek_certificate",
                              sl_json_bytes_new(der.data, der.size));
    pki_blob_free(der);
}

static void test_ek_certificate_must_lead_to_the_policys_roots(void **state)
{
    static const uint8_t NAME[] = {0x30, 0x03, 0x82, 0x01, 'x'};
    const struct pki_spec root_spec = {
        .name = "TPM maker", .is_ca = true, .usage = "keyCertSign, cRLSign"};
    struct pki_spec spec = {.name = "EK",
                            .usage = "keyAgreement",
                            .extensions = {{"2.5.29.17", NAME, sizeof(NAME), true}}};
    EVP_PKEY *root_key = pki_key_make(PKI_P256), *other_key = pki_key_make(PKI_P256);
    X509 *root = pki_cert_make(&root_spec, root_key, NULL, NULL);
    struct rig *rig = rig_make();
    X509 *good = pki_cert_make(&spec, rig->ek, root, root_key);
    X509 *other = pki_cert_make(&spec, other_key, root, root_key);
    X509 *self = pki_cert_make(&spec, rig->ek, NULL, NULL);
    X509 *signer;
    struct sl_blob pem = pki_certs_pem(&root, 1);

    spec.usage = "digitalSignature";
    signer = pki_cert_make(&spec, rig->ek, root, root_key);
    rig->policy->insecure_any_ek = false;
    enrol_expect(rig, SL_AUTH, "ek_certificate: missing");
    certificate_put(rig, good);
    enrol_expect(rig, SL_AUTH, "ek_certificate: the policy names no ek.roots");
    rig->policy->ek_roots = malloc(pem.size);
    memcpy(rig->policy->ek_roots, pem.data, pem.size);
    rig->policy->ek_roots_size = pem.size;
    enrol_expect(rig, SL_OK, NULL);
    certificate_put(rig, other);
    enrol_expect(rig, SL_AUTH, "ek_certificate: it is for another key");
    certificate_put(rig, self);
    enrol_expect(rig, SL_AUTH, "ek_certificate");
    certificate_put(rig, signer);
    enrol_expect(rig, SL_AUTH, "ek_certificate");
    (void)json_object_set_new(rig->registration, "ek_certificate", json_string("AAAA"));
    enrol_expect(rig, SL_MALFORMED, "ek_certificate");
    X509_free(root);
    X509_free(good);
    X509_free(other);
    X509_free(self);
    X509_free(signer);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(other_key);
    pki_blob_free(pem);
    rig_free(rig);
}

/* DER of an extended key usage: tcg-kp-EKCertificate, or clientAuth. */
static void test_ek_certificates_extended_key_usage_is_that_of_an_ek(void **state)
{
    static const uint8_t EK[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01};
    static const uint8_t CLIENT[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
                                     0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    static const uint8_t BROKEN[] = {0x30, 0x20, 0x06};
    const struct {
        const uint8_t *der;
        size_t size;
        bool is_critical;
        sl_rc rc;
    } ROWS[] = {{EK, sizeof(EK), false, SL_OK},
                {EK, sizeof(EK), true, SL_OK},
                {CLIENT, sizeof(CLIENT), false, SL_AUTH},
                {BROKEN, sizeof(BROKEN), false, SL_AUTH}};
    const struct pki_spec root_spec = {
        .name = "TPM maker", .is_ca = true, .usage = "keyCertSign, cRLSign"};
    EVP_PKEY *root_key = pki_key_make(PKI_P256);
    X509 *root = pki_cert_make(&root_spec, root_key, NULL, NULL);
    struct rig *rig = rig_make();
    struct sl_blob pem = pki_certs_pem(&root, 1);

    rig->policy->insecure_any_ek = false;
    rig->policy->ek_roots = malloc(pem.size);
    memcpy(rig->policy->ek_roots, pem.data, pem.size);
    rig->policy->ek_roots_size = pem.size;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct pki_spec spec = {
            .name = "EK",
            .usage = "keyAgreement",
            .extensions = {{"2.5.29.37", ROWS[i].der, ROWS[i].size, ROWS[i].is_critical}}};
        X509 *cert = pki_cert_make(&spec, rig->ek, root, root_key);

        certificate_put(rig, cert);
        enrol_expect(rig, ROWS[i].rc, ROWS[i].rc == SL_OK ? NULL : "ek_certificate: its extended");
        X509_free(cert);
    }
    X509_free(root);
    EVP_PKEY_free(root_key);
    pki_blob_free(pem);
    rig_free(rig);
}

/* The vendors' roots, all of them, with ours behind: more than any path can have. */
static void test_roots_may_be_all_vendors(void **state)
{
    const struct pki_spec root_spec = {
        .name = "TPM maker", .is_ca = true, .usage = "keyCertSign, cRLSign"};
    /* as ST's: critical policies */
    static const uint8_t POLICIES[] = {0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x20, 0x00};
    const struct pki_spec spec = {.name = "EK",
                                  .usage = "keyAgreement",
                                  .extensions = {{"2.5.29.32", POLICIES, sizeof(POLICIES), true}}};
    EVP_PKEY *root_key = pki_key_make(PKI_P256);
    X509 *root = pki_cert_make(&root_spec, root_key, NULL, NULL);
    struct rig *rig = rig_make();
    X509 *cert = pki_cert_make(&spec, rig->ek, root, root_key);
    struct sl_blob pem = pki_certs_pem(&root, 1);
    enum { BUNDLE_MAX = 128 << 10 };
    char path[512];
    FILE *file;
    size_t size;

    vector_path("tpm/tpm-ca-certificates/MIRROR.tpm-ca-certificates.pem", path, sizeof(path));
    file = fopen(path, "rb");
    assert_non_null(file);
    rig->policy->insecure_any_ek = false;
    rig->policy->ek_roots = malloc(BUNDLE_MAX + pem.size);
    assert_non_null(rig->policy->ek_roots);
    size = fread(rig->policy->ek_roots, 1, BUNDLE_MAX, file);
    (void)fclose(file);
    rig->policy->ek_roots_size = size;
    certificate_put(rig, cert);
    enrol_expect(rig, SL_AUTH, "ek_certificate: EK chain");
    memcpy(rig->policy->ek_roots + size, pem.data, pem.size);
    rig->policy->ek_roots_size += pem.size;
    enrol_expect(rig, SL_OK, NULL);
    X509_free(cert);
    X509_free(root);
    EVP_PKEY_free(root_key);
    pki_blob_free(pem);
    rig_free(rig);
}

static void roots_put(struct rig *rig, X509 *root, X509_CRL *crl)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    if (crl != NULL) { /* in front: order is free */
        assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
    }
    assert_int_equal(PEM_write_bio_X509(bio, root), 1);
    size = BIO_get_mem_data(bio, &text);
    free(rig->policy->ek_roots);
    rig->policy->ek_roots = malloc((size_t)size);
    assert_non_null(rig->policy->ek_roots);
    memcpy(rig->policy->ek_roots, text, (size_t)size);
    rig->policy->ek_roots_size = (size_t)size;
    BIO_free(bio);
}

static void test_revoked_ek_is_refused(void **state)
{
    const struct pki_spec root_spec = {
        .name = "TPM maker", .is_ca = true, .usage = "keyCertSign, cRLSign"};
    const struct pki_spec spec = {.name = "EK", .serial = 7, .usage = "keyAgreement"};
    struct pki_crl_spec crl_spec = {0};
    EVP_PKEY *root_key = pki_key_make(PKI_P256);
    X509 *root = pki_cert_make(&root_spec, root_key, NULL, NULL);
    struct rig *rig = rig_make();
    X509 *ek = pki_cert_make(&spec, rig->ek, root, root_key);
    X509_CRL *empty = pki_crl_make(&crl_spec, root, root_key), *revoked, *old;

    crl_spec.revoked = ek;
    revoked = pki_crl_make(&crl_spec, root, root_key);
    crl_spec = (struct pki_crl_spec){.from_s = PKI_NOW - 20, .until_s = PKI_NOW - 10};
    old = pki_crl_make(&crl_spec, root, root_key);
    rig->policy->insecure_any_ek = false;
    certificate_put(rig, ek);
    roots_put(rig, root, NULL);
    enrol_expect(rig, SL_OK, NULL);
    rig->policy->is_ek_crl_required = true;
    enrol_expect(rig, SL_AUTH, "ek_certificate");
    roots_put(rig, root, empty);
    enrol_expect(rig, SL_OK, NULL);
    roots_put(rig, root, revoked);
    enrol_expect(rig, SL_AUTH, "ek_certificate: EK chain: certificate \"EK\" was revoked");
    rig->policy->is_ek_crl_required = false;
    enrol_expect(rig, SL_AUTH, "ek_certificate: EK chain: certificate \"EK\" was revoked");
    roots_put(rig, root, old);
    rig->policy->is_ek_crl_required = true;
    enrol_expect(rig, SL_AUTH, "ek_certificate");
    rig->policy->ek_roots[40] = '!'; /* within the CRL's base64 */
    enrol_expect(rig, SL_AUTH, "ek_certificate");
    X509_CRL_free(empty);
    X509_CRL_free(revoked);
    X509_CRL_free(old);
    X509_free(root);
    X509_free(ek);
    EVP_PKEY_free(root_key);
    rig_free(rig);
}

/* The key of an EK on P-256 must serve key agreement, with its point in the form that KDFe takes.
 */
static void test_credential_for_an_ek_on_p256_is_made(void **state)
{
    static const uint8_t secret[16] = {1};
    struct rig *rig = rig_make();
    uint8_t area[256], blob[256], wrapped[256], name[34] = {0, 0xb};
    size_t blob_size = sizeof(blob), wrapped_size = sizeof(wrapped);
    const size_t size = rig_public(rig->ek, 0x000300b2, area);
    struct sl_tpm_public ek;
    struct sl_err err = {0};

    assert_ok(sl_tpm_public_read((struct sl_blob){area, size}, &ek, &err));
    if (sl_tpm_credential_make(&ek, (struct sl_blob){name, sizeof(name)}, secret, sizeof(secret),
                               blob, &blob_size, wrapped, &wrapped_size, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(wrapped_size, 2 + 2 * (2 + 32));
    sl_tpm_public_done(&ek);
    rig_free(rig);
}

static void test_tee_without_policy_evidence_or_sense_is_not_trusted(void **state)
{
    static const struct {
        const char *evidence;
        enum sl_verdict verdict;
        const char *code;
    } ROWS[] = {
        {"[]", SL_VERDICT_UNKNOWN, "evidence-missing"},
        {"{}", SL_VERDICT_UNKNOWN, "evidence-missing"},
        {"[{\"id\":\"nf-1\",\"type\":\"tdx\",\"bundle\":\"AAAA\"}]", SL_VERDICT_UNKNOWN,
         "evidence-missing"},
        {"[{\"id\":\"nf-1\",\"type\":\"sgx\"}]", SL_VERDICT_UNTRUSTED, "evidence-malformed"},
        {"[{\"id\":\"nf-1\",\"type\":\"sgx\",\"bundle\":\"AAAA\"}]", SL_VERDICT_UNTRUSTED,
         "evidence-malformed"},
        /* a bundle whose evidence is one byte */
        {"[{\"id\":\"nf-1\",\"type\":\"sgx\",\"bundle\":\"AAEAAQABAAEAAAABAA==\"}]",
         SL_VERDICT_UNTRUSTED, NULL},
    };
    json_t *registration = json_loads("{\"tee\":[{\"id\":\"nf-1\",\"type\":\"sgx\"}]}", 0, NULL);
    struct sl_monitor_policy *policy = calloc(1, sizeof(*policy));
    const struct sl_driver *driver = sl_driver_find("sgx");
    uint8_t nonce[SL_MONITOR_NONCE_SIZE] = {0};
    struct sl_appraisal_input input = {.registration = registration, .nonce = nonce};
    struct sl_appraisal appraisal;
    struct sl_err err = {0};

    assert_rc(driver->register_node(registration, policy, 0, &err), SL_AUTH);
    assert_ok(driver->appraise(&input, &appraisal));
    assert_int_equal(appraisal.subjects[0].verdict, SL_VERDICT_UNKNOWN);
    sl_appraisal_done(&appraisal);
    policy->has_tee = true;
    policy->tee.is_any_identity = true;
    assert_ok(driver->register_node(registration, policy, 0, &err));
    assert_rc(sl_driver_find("tdx")->register_node(registration, policy, 0, &err), SL_MALFORMED);
    input.policy = policy;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        json_t *evidence = json_loads(ROWS[i].evidence, 0, NULL);

        input.evidence = evidence;
        assert_ok(driver->appraise(&input, &appraisal));
        assert_int_equal(appraisal.subject_count, 1);
        assert_int_equal(appraisal.subjects[0].verdict, ROWS[i].verdict);
        if (ROWS[i].code != NULL) {
            assert_non_null(rig_reason(&appraisal.subjects[0], ROWS[i].code));
        }
        sl_appraisal_done(&appraisal);
        json_decref(evidence);
    }
    free(policy);
    json_decref(registration);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_tpms_keys_are_accepted),
        cmocka_unit_test(test_ek_certificate_must_lead_to_the_policys_roots),
        cmocka_unit_test(test_ek_certificates_extended_key_usage_is_that_of_an_ek),
        cmocka_unit_test(test_roots_may_be_all_vendors),
        cmocka_unit_test(test_revoked_ek_is_refused),
        cmocka_unit_test(test_credential_for_an_ek_on_p256_is_made),
        cmocka_unit_test(test_tee_without_policy_evidence_or_sense_is_not_trusted),
    };
    return cmocka_run_group_tests_name("monitor/registration", tests, NULL, NULL);
}
