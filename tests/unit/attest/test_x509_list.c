/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and CRLs from PEM and DER: bounds and form. */
#include "chain_rig.h"

static void test_list_read_der_and_pem_gives_the_same_certificates(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509 *const certs[] = {chain.ca, chain.leaf, chain.root};
    struct sl_blob der = pki_certs_der(certs, 3), pem = pki_certs_pem(certs, 3);
    struct sl_x509_list a, b;
    assert_ok(sl_x509_list_read(der, &a));
    assert_ok(sl_x509_list_read(pem, &b));
    assert_int_equal(a.count, 3);
    assert_int_equal(b.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(X509_cmp(a.certs[i], certs[i]), 0);
        assert_int_equal(X509_cmp(b.certs[i], certs[i]), 0);
    }
    int64_t from_s = INT64_MIN, until_s = INT64_MAX;
    sl_x509_validity(&a, &from_s, &until_s);
    assert_int_equal(from_s, PKI_NOW - PKI_DAY);
    assert_int_equal(until_s, PKI_NOW + 365 * PKI_DAY);
    sl_x509_list_done(&a);
    sl_x509_list_done(&b);
    pki_blob_free(der);
    pki_blob_free(pem);
    chain_done(&chain);
}

static void test_list_read_truncated_anywhere_is_refused(void **state)
{
    X509 *root = pki_cert_make(&good_root, root_key, NULL, NULL);
    struct sl_blob der = pki_certs_der(&root, 1), pem = pki_certs_pem(&root, 1);
    struct sl_x509_list list;
    assert_rc(sl_x509_list_read((struct sl_blob){NULL, 0}, &list), SL_TRUNCATED);
    assert_rc(sl_x509_list_read((struct sl_blob){der.data, 0}, &list), SL_TRUNCATED);
    for (size_t size = 2; size < der.size; size++) {
        assert_rc(sl_x509_list_read((struct sl_blob){der.data, size}, &list), SL_MALFORMED);
        assert_int_equal(list.count, 0);
    }
    for (size_t size = 1; size < pem.size - 1; size++) { /* the last line feed may be missing */
        assert_int_not_equal(sl_x509_list_read((struct sl_blob){pem.data, size}, &list), SL_OK);
    }
    assert_rc(sl_x509_list_read((struct sl_blob){(const uint8_t *)"text", 4}, &list), SL_TRUNCATED);
    pki_blob_free(der);
    pki_blob_free(pem);
    X509_free(root);
}

static void test_list_read_beyond_its_bounds_is_refused(void **state)
{
    X509 *root = pki_cert_make(&good_root, root_key, NULL, NULL);
    X509 *const many[] = {root, root, root, root, root, root, root, root, root};
    struct sl_blob der = pki_certs_der(many, 9);
    struct sl_x509_list list;
    assert_rc(sl_x509_list_read(der, &list), SL_RANGE);
    pki_blob_free(der);
    uint8_t *large = calloc(1, SL_X509_SIZE_MAX + 1);
    assert_non_null(large);
    assert_rc(sl_x509_list_read((struct sl_blob){large, SL_X509_SIZE_MAX + 1}, &list), SL_RANGE);
    free(large);
    X509_free(root);
}

static void test_list_read_other_bytes_are_refused(void **state)
{
    X509 *root = pki_cert_make(&good_root, root_key, NULL, NULL);
    struct sl_blob der = pki_certs_der(&root, 1);
    struct sl_x509_list list;
    uint8_t *tail = malloc(der.size + 1);
    assert_non_null(tail);
    memcpy(tail, der.data, der.size);
    tail[der.size] = 0;
    assert_rc(sl_x509_list_read((struct sl_blob){tail, der.size + 1}, &list), SL_MALFORMED);
    /* The same certificate with its outer length in a longer form is BER, not DER (X.690 10.1). */
    uint8_t *longer = malloc(der.size + 1);
    assert_non_null(longer);
    longer[0] = 0x30;
    longer[1] = 0x83;
    longer[2] = 0;
    memcpy(longer + 3, der.data + 2, der.size - 2);
    assert_rc(sl_x509_list_read((struct sl_blob){longer, der.size + 1}, &list), SL_MALFORMED);
    static const char encrypted[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                                    "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END CERTIFICATE-----\n";
    assert_rc(sl_x509_list_read((struct sl_blob){(const uint8_t *)encrypted, sizeof(encrypted) - 1},
                                &list),
              SL_MALFORMED);
    free(tail);
    free(longer);
    pki_blob_free(der);
    X509_free(root);
}

static void test_crl_read_bounds_and_form(void **state)
{
    struct chain chain = chain_make(&good_root, &good_ca, &good_leaf);
    X509_CRL *crl = pki_crl_make(&(struct pki_crl_spec){.revoked = chain.leaf}, chain.ca, ca_key);
    struct sl_blob der = pki_crl_der(crl);
    X509_CRL *again = NULL;
    assert_ok(sl_x509_crl_read(der, &again));
    X509_CRL_free(again);
    assert_rc(sl_x509_crl_read((struct sl_blob){NULL, 0}, &again), SL_TRUNCATED);
    assert_rc(sl_x509_crl_read((struct sl_blob){(const uint8_t *)"no CRL", 6}, &again),
              SL_TRUNCATED);
    assert_rc(sl_x509_crl_read((struct sl_blob){der.data, SL_X509_CRL_SIZE_MAX + 1}, &again),
              SL_RANGE);
    for (size_t size = 2; size < der.size; size++) {
        assert_rc(sl_x509_crl_read((struct sl_blob){der.data, size}, &again), SL_MALFORMED);
        assert_null(again);
    }
    uint8_t *twice = malloc(2 * der.size);
    assert_non_null(twice);
    memcpy(twice, der.data, der.size);
    memcpy(twice + der.size, der.data, der.size);
    assert_rc(sl_x509_crl_read((struct sl_blob){twice, 2 * der.size}, &again), SL_MALFORMED);
    free(twice);
    pki_blob_free(der);
    X509_CRL_free(crl);
    chain_done(&chain);
}

/* RFC 4055 4: the key of an EK may be marked for OAEP alone. OpenSSL's own reader knows no such
 * key. */
static void test_x509_key_marked_for_oaep_is_an_rsa_key(void **state)
{
    const struct pki_spec spec = {.name = "EK", .usage = "keyEncipherment"};
    EVP_PKEY *key = EVP_RSA_gen(2048), *read;
    X509 *cert = pki_cert_make(&spec, key, NULL, NULL);
    X509_PUBKEY *pub = X509_get_X509_PUBKEY(cert);
    const unsigned char *bits;
    unsigned char *copy;
    int size;

    assert_int_equal(X509_PUBKEY_get0_param(NULL, &bits, &size, NULL, pub), 1);
    copy = OPENSSL_memdup(bits, (size_t)size);
    assert_int_equal(
        X509_PUBKEY_set0_param(pub, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_NULL, NULL, copy, size), 1);
    read = sl_x509_key(cert);
    assert_non_null(read);
    assert_int_equal(EVP_PKEY_eq(read, key), 1);
    EVP_PKEY_free(read);
    EVP_PKEY_free(key);
    X509_free(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x509_key_marked_for_oaep_is_an_rsa_key),
        cmocka_unit_test(test_list_read_der_and_pem_gives_the_same_certificates),
        cmocka_unit_test(test_list_read_truncated_anywhere_is_refused),
        cmocka_unit_test(test_list_read_beyond_its_bounds_is_refused),
        cmocka_unit_test(test_list_read_other_bytes_are_refused),
        cmocka_unit_test(test_crl_read_bounds_and_form),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
