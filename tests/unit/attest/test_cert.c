/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of Intel's certificates, CRLs and PEM, and the P-256 signatures below them. */
#include "unit.h"

#include <openssl/x509v3.h>

#include "attest/cert.h"
#include "attest/p256.h"
#include "pki.h"

static struct pki_spec leaf_spec(void)
{
    return (struct pki_spec){.name = "leaf", .serial = 77, .usage = "digitalSignature"};
}

/* One certificate by its specification; the caller frees. */
static struct sl_blob make(const struct pki_spec *spec, enum pki_key kind)
{
    EVP_PKEY *key = pki_key_make(kind);
    X509 *cert = pki_cert_make(spec, key, NULL, NULL);
    struct sl_blob der = pki_certs_der(&cert, 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    return der;
}

static void test_fields(void **state)
{
    struct pki_spec spec = leaf_spec();
    struct sl_blob der = make(&spec, PKI_P256);
    struct sl_cert cert;
    char why[SL_CERT_WHY_SIZE];
    assert_ok(sl_cert_parse(der, &cert, why));
    assert_string_equal(cert.name, "leaf");
    assert_int_equal(cert.serial.size, 1);
    assert_int_equal(cert.serial.data[0], 77);
    assert_int_equal(cert.not_before_s, PKI_NOW - PKI_DAY);
    assert_true(cert.not_after_s > PKI_NOW);
    assert_false(cert.is_ca);
    assert_true(cert.has_key_usage);
    assert_int_equal(cert.key_usage, SL_CERT_USE_SIGN);
    assert_true(sl_blob_equal(cert.issuer, cert.subject));
    assert_null(cert.sgx_extension.data);
    pki_blob_free(der);

    spec = (struct pki_spec){.name = "ca",
                             .is_ca = true,
                             .has_path_length = true,
                             .path_length = 3,
                             .usage = "keyCertSign, cRLSign",
                             .until_s = 2600000000}; /* 2052: GeneralizedTime */
    der = make(&spec, PKI_P256);
    assert_ok(sl_cert_parse(der, &cert, why));
    assert_true(cert.is_ca);
    assert_int_equal(cert.path_length, 3);
    assert_int_equal(cert.key_usage, SL_CERT_USE_CERT_SIGN | SL_CERT_USE_CRL_SIGN);
    assert_int_equal(cert.not_after_s, 2600000000);
    pki_blob_free(der);
}

static void test_outside_of_the_profile_refused(void **state)
{
    static const uint8_t NULL_VALUE[] = {0x05, 0x00};
    static const uint8_t KEY_USAGE[] = {0x03, 0x02, 0x07, 0x80};
    struct sl_cert cert;
    char why[SL_CERT_WHY_SIZE];
    for (int i = 0; i < 6; i++) {
        struct pki_spec spec = leaf_spec();
        enum pki_key kind = PKI_P256;
        if (i == 0) {
            kind = PKI_P384;
        } else if (i == 1) {
            kind = PKI_RSA2048;
        } else if (i == 2) {
            spec.is_version_1 = true;
        } else if (i == 3) {
            spec.digest = "SHA384";
        } else if (i == 4) { /* unknown and critical */
            spec.extensions[0] = (struct pki_extension){"1.2.3.4", NULL_VALUE, 2, true};
        } else { /* key usage twice */
            spec.extensions[0] =
                (struct pki_extension){"2.5.29.15", KEY_USAGE, sizeof(KEY_USAGE), true};
        }
        struct sl_blob der = make(&spec, kind);
        sl_rc rc = sl_cert_parse(der, &cert, why);
        if (rc != (i < 5 ? SL_UNSUPPORTED : SL_MALFORMED) || why[0] == '\0') {
            fail_msg("%d: %d %s", i, (int)rc, why);
        }
        pki_blob_free(der);
    }
}

/* Whatever is taken after a change must not verify any more, or differ outside of what is signed.
 */
static void test_cut_and_flip_never_pass(void **state)
{
    struct pki_spec spec = leaf_spec();
    struct sl_blob der = make(&spec, PKI_P256);
    struct sl_cert cert;
    char why[SL_CERT_WHY_SIZE];
    struct sl_p256 *curve = sl_p256_create();
    struct sl_p256_key *key;
    uint8_t point[64];
    assert_ok(sl_cert_parse(der, &cert, why));
    memcpy(point, cert.point, sizeof(point));
    assert_ok(sl_p256_key_create(curve, point, &key));
    assert_ok(sl_p256_verify(key, cert.signature, cert.tbs));
    uint8_t *copy = malloc(der.size);
    assert_non_null(copy);
    memcpy(copy, der.data, der.size);
    for (size_t size = 0; size < der.size; size++) {
        assert_int_not_equal(sl_cert_parse((struct sl_blob){copy, size}, &cert, why), SL_OK);
    }
    for (size_t bit = 0; bit < 8 * der.size; bit++) {
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (sl_cert_parse((struct sl_blob){copy, der.size}, &cert, why) == SL_OK) {
            assert_rc(sl_p256_verify(key, cert.signature, cert.tbs), SL_AUTH);
        } else {
            assert_true(why[0] != '\0');
        }
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    free(copy);
    sl_p256_key_free(key);
    sl_p256_free(curve);
    pki_blob_free(der);
}

static struct sl_blob blob_of(const char *text)
{
    return (struct sl_blob){(const uint8_t *)text, strlen(text)};
}

static void test_lists(void **state)
{
    struct pki_spec spec = leaf_spec();
    EVP_PKEY *key = pki_key_make(PKI_P256);
    X509 *certs[SL_CERT_LIST_MAX + 1];
    char why[SL_CERT_WHY_SIZE];
    for (size_t i = 0; i <= SL_CERT_LIST_MAX; i++) {
        spec.serial = 100 + (long)i;
        certs[i] = pki_cert_make(&spec, key, NULL, NULL);
    }
    struct sl_blob forms[] = {pki_certs_pem(certs, 3), pki_certs_der(certs, 3)};
    for (size_t i = 0; i < 2; i++) {
        struct sl_cert_list list = {0};
        assert_ok(sl_cert_list_add(&list, forms[i], false, why));
        assert_int_equal(list.count, 3);
        assert_ok(sl_cert_list_add(&list, forms[1 - i], false, why)); /* all known */
        assert_int_equal(list.count, 3);
        sl_cert_list_done(&list);
    }
    struct sl_cert_list list = {0};
    struct sl_blob many = pki_certs_pem(certs, SL_CERT_LIST_MAX + 1);
    assert_rc(sl_cert_list_add(&list, many, false, why), SL_RANGE);
    sl_cert_list_done(&list);
    assert_rc(sl_cert_list_add(&list, blob_of(""), false, why), SL_TRUNCATED);
    assert_rc(sl_cert_list_add(&list, blob_of(" \n"), false, why), SL_TRUNCATED);
    assert_rc(sl_cert_list_add(&list, blob_of("text"), false, why), SL_MALFORMED);
    assert_rc(sl_cert_list_add(&list, blob_of("text"), true, why), SL_TRUNCATED);

    char *text;
    assert_true(asprintf(&text, "comment\n%.*s", (int)forms[0].size, (const char *)forms[0].data) >
                0);
    assert_rc(sl_cert_list_add(&list, blob_of(text), false, why), SL_MALFORMED);
    assert_ok(sl_cert_list_add(&list, blob_of(text), true, why));
    sl_cert_list_done(&list);
    free(text);
    for (size_t i = 0; i <= SL_CERT_LIST_MAX; i++) {
        X509_free(certs[i]);
    }
    pki_blob_free(many);
    pki_blob_free(forms[0]);
    pki_blob_free(forms[1]);
    EVP_PKEY_free(key);
}

static void test_pem_has_one_form(void **state)
{
    static const struct {
        const char *text;
        sl_rc rc;
    } ROWS[] = {
        {"-----BEGIN X-----\nAAEC\n-----END X-----\n", SL_OK},
        {"-----BEGIN X-----\r\nAA\r\nEC\r\n-----END X-----", SL_OK},
        {"-----BEGIN X-----\nAAE=\n-----END X-----\n", SL_OK},
        {"-----BEGIN X-----\nAAECA\n-----END X-----\n", SL_MALFORMED},
        {"-----BEGIN X-----\nAA=C\n-----END X-----\n", SL_MALFORMED},
        {"-----BEGIN X-----\nAAF=\n-----END X-----\n", SL_MALFORMED},
        {"-----BEGIN X-----\nAA-C\n-----END X-----\n", SL_MALFORMED},
        {"-----BEGIN X-----\n-----END X-----\n", SL_MALFORMED},
        {"-----BEGIN X-----\nAAEC\n", SL_MALFORMED},
        {"x\n-----BEGIN X-----\nAAEC\n-----END X-----\n", SL_MALFORMED},
        {"-----BEGIN Y-----\nAAEC\n-----END Y-----\n", SL_MALFORMED},
        {"", SL_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct sl_blob in = blob_of(ROWS[i].text);
        struct sl_blob der;
        sl_rc rc = sl_pem_next(&in, "X", false, &der);
        bool is_pad = strstr(ROWS[i].text, "AAE=") != NULL;
        if (rc != ROWS[i].rc) {
            fail_msg("%s: %d", ROWS[i].text, (int)rc);
        }
        if (rc == SL_OK) {
            assert_int_equal(der.size, is_pad ? 2 : 3);
            assert_int_equal(der.data[1], 1);
            pki_blob_free(der);
        }
    }
}

static void test_crls(void **state)
{
    struct pki_spec spec = {
        .name = "ca", .serial = 5, .is_ca = true, .usage = "keyCertSign, cRLSign"};
    EVP_PKEY *key = pki_key_make(PKI_P256);
    X509 *ca = pki_cert_make(&spec, key, NULL, NULL);
    char why[SL_CERT_WHY_SIZE];
    for (int i = 0; i < 6; i++) {
        struct pki_crl_spec crl_spec = {.is_without_next = i == 2,
                                        .is_without_number = i == 3,
                                        .has_critical = i == 4,
                                        .has_critical_entry = i == 5,
                                        .revoked = i == 1 || i == 5 ? ca : NULL};
        X509_CRL *made = pki_crl_make(&crl_spec, ca, key);
        struct sl_blob der = pki_crl_der(made);
        struct sl_crl crl;
        int64_t when_s = 0;
        uint8_t serial = 5;
        uint8_t other = 6;
        sl_rc rc = sl_crl_read(der, &crl, why);
        if ((rc == SL_OK) != (i < 2)) {
            fail_msg("%d: %d %s", i, (int)rc, why);
        }
        if (rc == SL_OK) {
            assert_int_equal(sl_crl_holds(&crl, (struct sl_blob){&serial, 1}, &when_s), i == 1);
            assert_false(sl_crl_holds(&crl, (struct sl_blob){&other, 1}, &when_s));
            sl_crl_done(&crl);
            uint8_t *copy = malloc(der.size);
            assert_non_null(copy);
            memcpy(copy, der.data, der.size);
            for (size_t size = 0; size < der.size; size++) {
                assert_int_not_equal(sl_crl_read((struct sl_blob){copy, size}, &crl, why), SL_OK);
            }
            free(copy);
        } else {
            assert_true(why[0] != '\0');
        }
        X509_CRL_free(made);
        pki_blob_free(der);
    }
    X509_free(ca);
    EVP_PKEY_free(key);
}

static void test_p256(void **state)
{
    struct sl_p256 *curve = sl_p256_create();
    struct sl_p256_key *key;
    uint8_t point[64] = {1};
    assert_non_null(curve);
    assert_rc(sl_p256_key_create(curve, point, &key), SL_MALFORMED);
    memset(point, 0, sizeof(point));
    assert_rc(sl_p256_key_create(curve, point, &key), SL_MALFORMED);
    struct pki_spec spec = leaf_spec();
    struct sl_blob der = make(&spec, PKI_P256);
    struct sl_cert cert;
    char why[SL_CERT_WHY_SIZE];
    assert_ok(sl_cert_parse(der, &cert, why));
    assert_ok(sl_p256_key_create(curve, cert.point, &key));
    uint8_t zero[64] = {0};
    uint8_t all[64];
    memset(all, 0xff, sizeof(all));
    assert_rc(sl_p256_verify(key, zero, cert.tbs), SL_AUTH);
    assert_rc(sl_p256_verify(key, all, cert.tbs), SL_AUTH);
    assert_ok(sl_p256_verify(key, cert.signature, cert.tbs));
    sl_p256_key_free(key);
    sl_p256_free(curve);
    pki_blob_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_outside_of_the_profile_refused),
        cmocka_unit_test(test_cut_and_flip_never_pass),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_pem_has_one_form),
        cmocka_unit_test(test_crls),
        cmocka_unit_test(test_p256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
