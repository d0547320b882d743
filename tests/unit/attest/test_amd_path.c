/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's profile of certificates and CRLs: what is outside of it signs nothing, and a changed byte
 * never goes unnoticed. */
#include <stdlib.h>

#include "attest/amd_path.h"
#include "base/bytes.h"
#include "snp_judge.h"

static const uint8_t NULL_DER[] = {5, 0};

static void test_amd_path_each_fault_has_its_finding(void **state)
{
    struct {
        const char *what;
        enum sl_attest_check check;
        struct snp_spec spec;
    } rows[16];
    size_t count = 0;
#define ROW(text, code)                                                                            \
    rows[count].what = text;                                                                       \
    rows[count].check = code;                                                                      \
    rows[count].spec = snp_spec_make(SL_SNP_MILAN, false);                                         \
    for (struct snp_spec *s = &rows[count++].spec; s != NULL; s = NULL)
    ROW("VCEK with its usage", SL_ATTEST_CHECK_COUNT)
    {
        s->leaf.usage = "digitalSignature";
    }
    ROW("VCEK for key agreement", SL_CHECK_CERT_USAGE)
    {
        s->leaf.usage = "keyAgreement";
    }
    ROW("VCEK is a CA", SL_CHECK_CERT_USAGE)
    {
        s->leaf.is_ca = true;
    }
    ROW("PKCS #1 v1.5 on the VCEK", SL_CHECK_CERT_SIGNATURE)
    {
        s->leaf.is_plain_rsa = true;
    }
    ROW("PKCS #1 v1.5 on the ASK", SL_CHECK_CERT_SIGNATURE)
    {
        s->issuer.is_plain_rsa = true;
    }
    ROW("SHA-256 on the ASK", SL_CHECK_CERT_SIGNATURE)
    {
        s->issuer.digest = "SHA256";
    }
    ROW("SHA-512 on the ASK", SL_CHECK_CERT_SIGNATURE)
    {
        s->issuer.digest = "SHA512";
    }
    ROW("ARK may not sign certificates", SL_CHECK_CERT_USAGE)
    {
        s->root.usage = "cRLSign";
    }
    ROW("ARK is no CA", SL_CHECK_CERT_USAGE)
    {
        s->root.is_ca = false;
    }
    ROW("ARK allows no CA below", SL_CHECK_CERT_USAGE)
    {
        s->root.has_path_length = true;
    }
    ROW("ARK expired", SL_CHECK_CERT_EXPIRED)
    {
        s->root.until_s = PKI_NOW - 1;
    }
    ROW("VCEK of version 1", SL_CHECK_CERT_FORMAT)
    {
        s->leaf.is_version_1 = true;
    }
    ROW("critical extension on the ASK", SL_CHECK_CERT_FORMAT)
    {
        s->issuer.extensions[0] =
            (struct pki_extension){"1.2.3.4", NULL_DER, sizeof(NULL_DER), true};
    }
    ROW("one extension twice", SL_CHECK_CERT_FORMAT)
    {
        s->issuer.extensions[0] = s->issuer.extensions[1] =
            (struct pki_extension){"1.2.3.4", NULL_DER, sizeof(NULL_DER), false};
    }
    ROW("basic constraints not in their form", SL_CHECK_CERT_FORMAT)
    {
        s->leaf.extensions[0] =
            (struct pki_extension){"2.5.29.19", NULL_DER, sizeof(NULL_DER), false};
    }
#undef ROW
    for (size_t i = 0; i < count; i++) {
        struct test_case t;
        case_init(&t, &rows[i].spec);
        print_message("%s\n", rows[i].what);
        judge(&t);
        assert_failure(t.result, rows[i].check);
        case_done(&t);
    }
}

static void test_amd_path_every_changed_byte_is_refused(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    X509 *const chain[] = {t.rig->ask, t.rig->ark};
    struct sl_blob ders[] = {t.rig->leaf_der, pki_certs_der(chain, 2)};
    for (size_t i = 0; i < 2; i++) {
        uint8_t *copy = malloc(ders[i].size);
        assert_non_null(copy);
        memcpy(copy, ders[i].data, ders[i].size);
        struct sl_blob changed = {copy, ders[i].size};
        t.collateral.vcek = i == 0 ? changed : ders[0];
        t.collateral.cert_chain = i == 1 ? changed : ders[1];
        judge(&t);
        assert_failure(t.result, SL_ATTEST_CHECK_COUNT);
        for (size_t off = 0; off < changed.size; off++) {
            copy[off] ^= (uint8_t)(1u << (off % 8));
            judge(&t);
            assert_true(has_failure(t.result));
            copy[off] ^= (uint8_t)(1u << (off % 8));
        }
        for (changed.size = 0; changed.size < ders[i].size; changed.size += 7) {
            t.collateral.vcek = i == 0 ? changed : ders[0];
            t.collateral.cert_chain = i == 1 ? changed : ders[1];
            judge(&t);
            assert_int_equal(has_failure(t.result), true);
        }
        free(copy);
    }
    pki_blob_free(ders[1]);
    case_done(&t);
}

static void test_amd_path_each_crl_fault_has_its_finding(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct test_case t;
    case_init(&t, &spec);
    const struct {
        struct pki_crl_spec spec;
        bool is_by_ask;
        enum sl_attest_check check;
    } rows[] = {
        {{.revoked = t.rig->leaf}, false, SL_ATTEST_CHECK_COUNT}, /* serial 0, of the ARK's */
        {{.is_without_number = true}, false, SL_ATTEST_CHECK_COUNT},
        {{.is_without_next = true}, false, SL_CHECK_CERT_FORMAT},
        {{.has_critical = true}, false, SL_CHECK_CERT_FORMAT},
        {{.revoked = t.rig->leaf, .has_critical_entry = true}, false, SL_CHECK_CERT_FORMAT},
        {{.from_s = 0}, true, SL_CHECK_CRL_SIGNATURE},
        {{.revoked = t.rig->ask}, false, SL_CHECK_CERT_REVOKED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        X509_CRL *crl = pki_crl_make(&rows[i].spec, t.rig->ark,
                                     rows[i].is_by_ask ? t.rig->ask_key : t.rig->ark_key);
        struct sl_blob der = pki_crl_der(crl);
        t.collateral.amd_crl = der;
        judge(&t);
        assert_failure(t.result, rows[i].check);
        for (size_t size = 1; size < der.size; size++) {
            t.collateral.amd_crl = (struct sl_blob){der.data, size};
            judge(&t);
            assert_failure(t.result, SL_CHECK_COLLATERAL_FORMAT);
        }
        X509_CRL_free(crl);
        pki_blob_free(der);
    }
    case_done(&t);
}

static void authority_read(const uint8_t *value, size_t size, sl_rc expected,
                           struct sl_cert_amd *ret_amd, struct sl_blob *ret_key_id)
{
    struct sl_reader errors;
    sl_reader_init(&errors, NULL, 0);
    *ret_amd = (struct sl_cert_amd){0};
    *ret_key_id = (struct sl_blob){0};
    sl_cert_amd_read_authority((struct sl_blob){value, size}, ret_amd, ret_key_id, &errors);
    assert_rc(errors.rc, expected);
}

/* RFC 5280 4.2.1.1: key identifier, issuer and serial number, each of which must fit. */
static void test_amd_key_id_fits_all_that_is_said(void **state)
{
    static const uint8_t value[] = {0x30, 0x12, 0x80, 0x02, 0x11, 0x22, 0xa1, 0x09, 0x82, 0x01,
                                    'x',  0xa4, 0x04, 0x30, 0x02, 0x31, 0x00, 0x82, 0x01, 0x05};
    uint8_t longer[sizeof(value) + 2] = {0};
    struct sl_cert_amd amd;
    struct sl_blob key_id;
    authority_read(value, sizeof(value), SL_OK, &amd, &key_id);
    struct sl_cert issuer = {
        .subject_key_id = {value + 4, 2}, .issuer = {value + 13, 4}, .serial = {value + 19, 1}};
    assert_true(sl_amd_key_id_fits(key_id, &amd, &issuer));
    issuer.subject_key_id.data = value;
    assert_false(sl_amd_key_id_fits(key_id, &amd, &issuer));
    issuer.subject_key_id = (struct sl_blob){0};
    assert_true(sl_amd_key_id_fits(key_id, &amd, &issuer));
    issuer.issuer.data = value;
    assert_false(sl_amd_key_id_fits(key_id, &amd, &issuer));
    issuer.issuer.data = value + 13;
    issuer.serial.data = value;
    assert_false(sl_amd_key_id_fits(key_id, &amd, &issuer));

    memcpy(longer, value, sizeof(value));
    for (size_t size = 0; size < sizeof(longer); size++) { /* cut, or with more behind */
        if (size != sizeof(value)) {
            authority_read(longer, size, SL_MALFORMED, &amd, &key_id);
        }
    }
    longer[1] += 2; /* something unknown inside */
    authority_read(longer, sizeof(longer), SL_MALFORMED, &amd, &key_id);
}

static int teardown(void **state)
{
    snp_keys_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amd_path_each_fault_has_its_finding),
        cmocka_unit_test(test_amd_path_every_changed_byte_is_refused),
        cmocka_unit_test(test_amd_path_each_crl_fault_has_its_finding),
        cmocka_unit_test(test_amd_key_id_fits_all_that_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
