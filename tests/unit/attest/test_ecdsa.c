/* SPDX-License-Identifier: Apache-2.0 */
/* Raw ECDSA signatures against what OpenSSL signs. */
#include "unit.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "attest/x509.h"
#include "pki.h"

static void sign(EVP_PKEY *key, const char *digest, const char *text, uint8_t *raw, size_t coord)
{
    uint8_t der[160];
    size_t size = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &size, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    const unsigned char *p = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &p, (long)size);
    assert_non_null(pair);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)coord), coord);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + coord, (int)coord), coord);
    ECDSA_SIG_free(pair);
}

static void test_ecdsa_verify_each_curve_and_every_bit(void **state)
{
    static const struct {
        enum pki_key kind;
        const char *curve, *digest;
        size_t coord;
    } rows[] = {{PKI_P256, "prime256v1", "SHA256", 32}, {PKI_P384, "secp384r1", "SHA384", 48}};
    static const char text[] = "what was signed";
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key = pki_key_make(rows[i].kind);
        size_t size = 2 * rows[i].coord;
        uint8_t raw[96] = {0};
        sign(key, rows[i].digest, text, raw, rows[i].coord);
        assert_ok(sl_ecdsa_verify(key, rows[i].curve, rows[i].digest, raw, size, text, 15));
        assert_rc(sl_ecdsa_verify(key, rows[i].curve, rows[i].digest, raw, size, text, 14),
                  SL_AUTH);
        for (size_t bit = 0; bit < size * 8; bit += 7) {
            raw[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            assert_rc(sl_ecdsa_verify(key, rows[i].curve, rows[i].digest, raw, size, text, 15),
                      SL_AUTH);
            raw[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
        memset(raw, 0, sizeof(raw)); /* r = s = 0: CVE-2022-21449 in other verifiers */
        assert_rc(sl_ecdsa_verify(key, rows[i].curve, rows[i].digest, raw, size, text, 15),
                  SL_AUTH);
        memset(raw, 0xff, sizeof(raw));
        assert_rc(sl_ecdsa_verify(key, rows[i].curve, rows[i].digest, raw, size, text, 15),
                  SL_AUTH);
        EVP_PKEY_free(key);
    }
}

static void test_ecdsa_verify_other_kinds_are_malformed(void **state)
{
    EVP_PKEY *p256 = pki_key_make(PKI_P256), *rsa = pki_key_make(PKI_RSA1024);
    uint8_t raw[96] = {0};
    assert_rc(sl_ecdsa_verify(p256, "secp384r1", "SHA384", raw, 96, "x", 1), SL_MALFORMED);
    assert_rc(sl_ecdsa_verify(rsa, "prime256v1", "SHA256", raw, 64, "x", 1), SL_MALFORMED);
    assert_rc(sl_ecdsa_verify(p256, "prime256v1", "SHA256", raw, 63, "x", 1), SL_MALFORMED);
    assert_rc(sl_ecdsa_verify(p256, "prime256v1", "SHA256", raw, 96, "x", 1), SL_MALFORMED);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(rsa);
}

static void test_ecdsa_p256_key_takes_points_only(void **state)
{
    EVP_PKEY *made = pki_key_make(PKI_P256);
    uint8_t point[80], raw[64];
    size_t size = 0;
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(made, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &size),
        1);
    assert_int_equal(size, 65);
    EVP_PKEY *key = sl_ecdsa_p256_key(point + 1);
    assert_non_null(key);
    sign(made, "SHA256", "text", raw, 32);
    assert_ok(sl_ecdsa_verify(key, "prime256v1", "SHA256", raw, 64, "text", 4));
    EVP_PKEY_free(key);
    for (size_t i = 1; i < 65; i += 9) {
        point[i] ^= 1;
        assert_null(sl_ecdsa_p256_key(point + 1));
        point[i] ^= 1;
    }
    memset(point + 1, 0, 64);
    assert_null(sl_ecdsa_p256_key(point + 1));
    EVP_PKEY_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecdsa_verify_each_curve_and_every_bit),
        cmocka_unit_test(test_ecdsa_verify_other_kinds_are_malformed),
        cmocka_unit_test(test_ecdsa_p256_key_takes_points_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
