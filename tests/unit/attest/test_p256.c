/* SPDX-License-Identifier: Apache-2.0 */
/* Verification on P-256 against what OpenSSL signs by the interface above. */
#include "unit.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "attest/p256.h"

static const char TEXT[] = "what was signed";

static struct sl_blob text_of(size_t size)
{
    return (struct sl_blob){(const uint8_t *)TEXT, size};
}

struct pair {
    EVP_PKEY *key;
    uint8_t point[65]; /* 4, x, y */
    uint8_t signature[64];
};

static int pair_make(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[80];
    const uint8_t *at = der;
    size_t size = sizeof(der), point_size = 0;
    ECDSA_SIG *sig;

    assert_non_null(pair);
    pair->key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_get_octet_string_param(pair->key, OSSL_PKEY_PARAM_PUB_KEY,
                                                     pair->point, sizeof(pair->point), &point_size),
                     1);
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pair->key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, der, &size, (const uint8_t *)TEXT, sizeof(TEXT)), 1);
    EVP_MD_CTX_free(ctx);
    sig = d2i_ECDSA_SIG(NULL, &at, (long)size);
    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), pair->signature, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), pair->signature + 32, 32), 32);
    ECDSA_SIG_free(sig);
    *state = pair;
    return 0;
}

static int pair_free(void **state)
{
    struct pair *pair = *state;

    EVP_PKEY_free(pair->key);
    free(pair);
    return 0;
}

/* Both interfaces at once. */
static sl_rc verify(const struct pair *pair, const uint8_t signature[64], size_t size)
{
    struct sl_p256 *curve = sl_p256_create();
    EVP_PKEY *pkey = sl_p256_pkey_create(pair->point + 1);
    struct sl_p256_key *key = NULL;
    sl_rc rc;

    assert_non_null(curve);
    assert_non_null(pkey);
    assert_ok(sl_p256_key_create(curve, pair->point + 1, &key));
    rc = sl_p256_verify(key, signature, text_of(size));
    assert_rc(sl_p256_pkey_verify(pkey, (struct sl_blob){signature, 32},
                                  (struct sl_blob){signature + 32, 32}, text_of(size)),
              rc);
    sl_p256_key_free(key);
    sl_p256_free(curve);
    EVP_PKEY_free(pkey);
    return rc;
}

static void test_p256_verify_good_and_every_bit(void **state)
{
    struct pair *pair = *state;
    uint8_t signature[64];

    memcpy(signature, pair->signature, 64);
    assert_ok(verify(pair, signature, sizeof(TEXT)));
    assert_rc(verify(pair, signature, sizeof(TEXT) - 1), SL_AUTH);
    for (size_t bit = 0; bit < 512; bit += 5) {
        signature[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_rc(verify(pair, signature, sizeof(TEXT)), SL_AUTH);
        signature[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    memset(signature, 0, sizeof(signature)); /* r = s = 0: CVE-2022-21449 in other verifiers */
    assert_rc(verify(pair, signature, sizeof(TEXT)), SL_AUTH);
    memset(signature, 0xff, sizeof(signature));
    assert_rc(verify(pair, signature, sizeof(TEXT)), SL_AUTH);
}

static void test_p256_key_off_the_curve_is_malformed(void **state)
{
    struct pair *pair = *state;
    struct sl_p256 *curve = sl_p256_create();
    struct sl_p256_key *key = NULL;

    for (size_t at = 1; at < sizeof(pair->point); at += 9) {
        pair->point[at] ^= 1;
        assert_rc(sl_p256_key_create(curve, pair->point + 1, &key), SL_MALFORMED);
        assert_null(sl_p256_pkey_create(pair->point + 1));
        pair->point[at] ^= 1;
    }
    sl_p256_free(curve);
}

static void test_p256_pkey_serves_openssl_and_refuses_other_keys(void **state)
{
    struct pair *pair = *state;
    const struct sl_blob r = {pair->signature, 32}, s = {pair->signature + 32, 32};
    EVP_PKEY *pkey = sl_p256_pkey_create(pair->point + 1), *rsa = EVP_RSA_gen(2048);

    assert_int_equal(EVP_PKEY_eq(pkey, pair->key), 1);
    assert_rc(sl_p256_pkey_verify(pair->key, r, s, text_of(sizeof(TEXT))), SL_UNSUPPORTED);
    assert_rc(sl_p256_pkey_verify(rsa, r, s, text_of(sizeof(TEXT))), SL_UNSUPPORTED);
    assert_rc(
        sl_p256_pkey_verify(pkey, (struct sl_blob){pair->signature, 33}, s, text_of(sizeof(TEXT))),
        SL_UNSUPPORTED);
    EVP_PKEY_free(pkey);
    EVP_PKEY_free(rsa);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_make, pair_free)
    const struct CMUnitTest tests[] = {
        TEST(test_p256_verify_good_and_every_bit),
        TEST(test_p256_key_off_the_curve_is_malformed),
        TEST(test_p256_pkey_serves_openssl_and_refuses_other_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
