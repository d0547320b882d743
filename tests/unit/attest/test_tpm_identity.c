/* SPDX-License-Identifier: Apache-2.0 */
/* What EK certificates say of their TPM. */
#include "../unit.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "attest/tpm_identity.h"

struct attribute {
    const char *oid;
    const char *value;
};

/* A certificate with these attributes in its alternative name. @return its size */
static int cert_make(const struct attribute *attributes, size_t count, uint8_t **ret_der)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    X509_NAME *directory = X509_NAME_new();
    int size;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(X509_NAME_add_entry_by_txt(directory, attributes[i].oid, MBSTRING_UTF8,
                                                    (const uint8_t *)attributes[i].value, -1, -1,
                                                    0),
                         1);
    }
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, directory);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 1, 0), 1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    *ret_der = NULL;
    size = i2d_X509(cert, ret_der);
    assert_true(size > 0);
    GENERAL_NAMES_free(names);
    X509_free(cert);
    EVP_PKEY_free(key);
    return size;
}

static void test_read_names_maker_model_and_version(void **state)
{
    static const struct {
        struct attribute attributes[3];
        size_t count;
        const char *manufacturer, *model, *version;
    } CASES[] = {
        {{{"2.23.133.2.1", "id:494E5443"}, {"2.23.133.2.2", "ADL"}, {"2.23.133.2.3", "id:0001"}},
         3,
         "INTC (id:494E5443)",
         "ADL",
         "id:0001"},
        {{{"2.23.133.2.1", "id:414D4400"}}, 1, "AMD (id:414D4400)", "", ""},
        {{{"2.23.133.2.1", "id:53544D20"}}, 1, "STM (id:53544D20)", "", ""},
        {{{"2.23.133.2.1", "id:00001014"}}, 1, "id:00001014", "", ""}, /* no letters */
        {{{"2.23.133.2.1", "id:1b5b326a"}}, 1, "id:1b5b326a", "", ""}, /* steers a terminal */
        {{{"2.23.133.2.2", "a\x1b[2Jb"}}, 1, "", "a?[2Jb", ""},
        {{{"2.23.133.2.1", "id:49"}, {"2.23.133.2.2", "caf\xc3\xa9"}}, 2, "id:49", "caf??", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct sl_tpm_identity identity;
        uint8_t *der;
        const int size = cert_make(CASES[i].attributes, CASES[i].count, &der);

        assert_ok(sl_tpm_identity_read((struct sl_blob){der, (size_t)size}, &identity));
        assert_string_equal(identity.manufacturer, CASES[i].manufacturer);
        assert_string_equal(identity.model, CASES[i].model);
        assert_string_equal(identity.version, CASES[i].version);
        OPENSSL_free(der);
    }
}

static void test_read_without_them_not_found(void **state)
{
    const struct attribute other[] = {{"2.5.4.3", "EK"}};
    struct sl_tpm_identity identity;
    uint8_t *der;
    const int size = cert_make(other, 1, &der);

    (void)state;
    assert_rc(sl_tpm_identity_read((struct sl_blob){der, (size_t)size}, &identity), SL_NOT_FOUND);
    for (int cut = 0; cut < size; cut++) {
        assert_rc(sl_tpm_identity_read((struct sl_blob){der, (size_t)cut}, &identity),
                  SL_MALFORMED);
    }
    OPENSSL_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_names_maker_model_and_version),
        cmocka_unit_test(test_read_without_them_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
