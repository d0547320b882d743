/* SPDX-License-Identifier: Apache-2.0 */
/* RSA-PSS and ECDSA P-384 on OpenSSL's arithmetic. The interface below EVP is deprecated, not
 * removed; measured with OpenSSL 3.0, it takes 20 us more than the bare operation, EVP 100. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "attest/amd_key.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "attest/cache.h"

enum { RSA_BYTES_MAX = 1024, SALT_SIZE = 48, COORD = SL_P384_SIGNATURE_SIZE / 2 };

/* OpenSSL's own structure under a name of ours. */
static RSA *rsa_of(struct sl_amd_key *key)
{
    return (RSA *)(void *)key;
}

/* SHA384() of OpenSSL 3 fetches the algorithm by its name anew each time. */
static void digest(struct sl_blob data, uint8_t out[SHA384_DIGEST_LENGTH])
{
    SHA512_CTX hash;
    (void)SHA384_Init(&hash);
    (void)SHA384_Update(&hash, data.data, data.size);
    (void)SHA384_Final(out, &hash);
}

static struct sl_amd_key *key_make(const struct sl_cert_amd *cert)
{
    RSA *rsa = RSA_new();
    BIGNUM *n = BN_bin2bn(cert->modulus.data, (int)cert->modulus.size, NULL);
    BIGNUM *e = BN_bin2bn(cert->exponent.data, (int)cert->exponent.size, NULL);
    if (rsa == NULL || n == NULL || e == NULL || RSA_set0_key(rsa, n, e, NULL) != 1) {
        BN_free(n);
        BN_free(e);
        RSA_free(rsa);
        return NULL;
    }
    return (struct sl_amd_key *)(void *)rsa;
}

/* NULL: not RSA, or out of memory. */
static struct sl_amd_key *key_get(struct sl_amd_keys *keys, const struct sl_cert_amd *cert)
{
    if (cert->key_kind != SL_CERT_KEY_RSA) {
        return NULL;
    }
    for (size_t i = 0; i < keys->count; i++) {
        if (sl_blob_equal(keys->keys[i].modulus, cert->modulus) &&
            sl_blob_equal(keys->keys[i].exponent, cert->exponent)) {
            return keys->keys[i].key;
        }
    }
    if (keys->count == SL_AMD_KEYS_MAX) { /* lists are bounded: it cannot be */
        return NULL;
    }
    struct sl_amd_key *key = key_make(cert);
    if (key != NULL) {
        keys->keys[keys->count].modulus = cert->modulus;
        keys->keys[keys->count].exponent = cert->exponent;
        keys->keys[keys->count++].key = key;
    }
    return key;
}

void sl_amd_keys_done(struct sl_amd_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        RSA_free(rsa_of(keys->keys[i].key));
    }
    keys->count = 0;
}

/* RFC 8017 8.1.2. */
static bool pss_verify(struct sl_amd_key *key, struct sl_blob tbs, struct sl_blob signature)
{
    uint8_t encoded[RSA_BYTES_MAX];
    uint8_t hash[SHA384_DIGEST_LENGTH];
    int size = RSA_size(rsa_of(key));
    if (size <= 0 || (size_t)size != signature.size || signature.size > sizeof(encoded)) {
        return false;
    }
    digest(tbs, hash);
    ERR_set_mark();
    bool is_good =
        RSA_public_decrypt(size, signature.data, encoded, rsa_of(key), RSA_NO_PADDING) == size &&
        RSA_verify_PKCS1_PSS_mgf1(rsa_of(key), hash, EVP_sha384(), EVP_sha384(), encoded,
                                  SALT_SIZE) == 1;
    ERR_pop_to_mark();
    return is_good;
}

bool sl_amd_is_signed(struct sl_amd_keys *keys, const char *kind, const struct sl_cert *issuer,
                      struct sl_blob tbs, struct sl_blob signature)
{
    uint8_t known[SL_CACHE_KEY_SIZE];
    if (signature.data == NULL || issuer->amd.key_kind != SL_CERT_KEY_RSA) {
        return false;
    }
    if (keys->cache != NULL) {
        sl_attest_cache_key(kind, issuer->amd.key, tbs, signature, known);
        if (sl_attest_cache_has(keys->cache, known)) {
            return true;
        }
    }
    struct sl_amd_key *key = key_get(keys, &issuer->amd);
    if (key == NULL || !pss_verify(key, tbs, signature)) {
        return false;
    }
    if (keys->cache != NULL) {
        sl_attest_cache_put(keys->cache, known);
    }
    return true;
}

/* SL_MALFORMED: no point of the curve. */
static sl_rc p384_key(struct sl_blob point, EC_KEY **ret_key)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_secp384r1);
    if (key == NULL) {
        return SL_NO_MEMORY;
    }
    if (EC_KEY_oct2key(key, point.data, point.size, NULL) != 1) { /* checks the equation */
        EC_KEY_free(key);
        return SL_MALFORMED;
    }
    *ret_key = key;
    return SL_OK;
}

sl_rc sl_amd_p384_verify(const struct sl_cert *signer,
                         const uint8_t signature[SL_P384_SIGNATURE_SIZE], struct sl_blob data)
{
    uint8_t hash[SHA384_DIGEST_LENGTH];
    EC_KEY *key = NULL;
    if (signer->amd.key_kind != SL_CERT_KEY_P384) {
        return SL_MALFORMED;
    }
    ERR_set_mark();
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, COORD, NULL);
    BIGNUM *s = BN_bin2bn(signature + COORD, COORD, NULL);
    sl_rc rc = p384_key(signer->amd.key, &key);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        rc = SL_NO_MEMORY;
    }
    if (rc == SL_OK) {
        digest(data, hash);
        /* 1 good, 0 wrong, -1 failed: r or s out of range, which is wrong as well */
        rc = ECDSA_do_verify(hash, sizeof(hash), pair, key) == 1 ? SL_OK : SL_AUTH;
    }
    ERR_pop_to_mark();
    ECDSA_SIG_free(pair);
    EC_KEY_free(key);
    return rc;
}
