/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-256 on OpenSSL's curve arithmetic. The interface below EVP is deprecated, not removed,
 * and the only one that verifies without fetching and decoding through providers. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "attest/p256.h"

#include <pthread.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#include "attest/digest.h"

/* Both structures are OpenSSL's own, under a name of ours: nothing is kept beside them. */
static EC_GROUP *group_of(struct sl_p256 *curve)
{
    return (EC_GROUP *)(void *)curve;
}

static EC_KEY *key_of(struct sl_p256_key *key)
{
    return (EC_KEY *)(void *)key;
}

struct sl_p256 *sl_p256_create(void)
{
    return (struct sl_p256 *)(void *)EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

void sl_p256_free(struct sl_p256 *curve)
{
    EC_GROUP_free(group_of(curve));
}

/* OpenSSL's public point of a key on @p group. */
static EC_KEY *point_key(const EC_GROUP *group, const uint8_t xy[64], sl_rc *ret_rc)
{
    uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
    EC_KEY *key = EC_KEY_new();

    memcpy(point + 1, xy, 64);
    *ret_rc = SL_NO_MEMORY;
    ERR_set_mark();
    if (key != NULL && group != NULL && EC_KEY_set_group(key, group) == 1) {
        /* checks the equation */
        *ret_rc = EC_KEY_oct2key(key, point, sizeof(point), NULL) == 1 ? SL_OK : SL_MALFORMED;
    }
    ERR_pop_to_mark();
    if (*ret_rc != SL_OK) {
        EC_KEY_free(key);
        return NULL;
    }
    return key;
}

sl_rc sl_p256_key_create(const struct sl_p256 *curve, const uint8_t xy[64],
                         struct sl_p256_key **ret_key)
{
    sl_rc rc;
    EC_KEY *key = point_key((const EC_GROUP *)(const void *)curve, xy, &rc);
    if (key == NULL) {
        return rc;
    }
    *ret_key = (struct sl_p256_key *)(void *)key;
    return SL_OK;
}

void sl_p256_key_free(struct sl_p256_key *key)
{
    EC_KEY_free(key_of(key));
}

/* @param key  not const in OpenSSL, which does not write it */
static sl_rc pair_verify(EC_KEY *key, struct sl_blob r, struct sl_blob s, struct sl_blob data)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r_bn = BN_bin2bn(r.data, (int)r.size, NULL);
    BIGNUM *s_bn = BN_bin2bn(s.data, (int)s.size, NULL);
    if (pair == NULL || r_bn == NULL || s_bn == NULL || ECDSA_SIG_set0(pair, r_bn, s_bn) != 1) {
        BN_free(r_bn);
        BN_free(s_bn);
        ECDSA_SIG_free(pair);
        return SL_NO_MEMORY;
    }
    sl_sha256(data, digest);
    ERR_set_mark();
    /* 1 good, 0 wrong, -1 failed: r or s out of range, which is wrong as well */
    int verdict = ECDSA_do_verify(digest, sizeof(digest), pair, key);
    ERR_pop_to_mark();
    ECDSA_SIG_free(pair);
    return verdict == 1 ? SL_OK : SL_AUTH;
}

sl_rc sl_p256_verify(struct sl_p256_key *key, const uint8_t signature[64], struct sl_blob data)
{
    return pair_verify(key_of(key), (struct sl_blob){signature, 32},
                       (struct sl_blob){signature + 32, 32}, data);
}

/* The curve does not change: made once for the process, as its precomputation takes 30 us. */
static EC_GROUP *g_group;
static void group_make(void)
{
    g_group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
}

EVP_PKEY *sl_p256_pkey_create(const uint8_t xy[64])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    EVP_PKEY *key = EVP_PKEY_new();
    sl_rc rc = SL_NO_MEMORY;
    EC_KEY *point = pthread_once(&once, group_make) == 0 ? point_key(g_group, xy, &rc) : NULL;

    if (key == NULL || point == NULL || EVP_PKEY_assign_EC_KEY(key, point) != 1) {
        EC_KEY_free(point);
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

sl_rc sl_p256_pkey_verify(const EVP_PKEY *key, struct sl_blob r, struct sl_blob s,
                          struct sl_blob data)
{
    EC_KEY *point = NULL;

    /* a key of a provider would be converted, which takes longer than the signature */
    if (EVP_PKEY_get0_provider(key) == NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        point = (EC_KEY *)(uintptr_t)EVP_PKEY_get0_EC_KEY(key);
    }
    if (point == NULL || r.size == 0 || r.size > 32 || s.size == 0 || s.size > 32 ||
        EC_GROUP_get_curve_name(EC_KEY_get0_group(point)) != NID_X9_62_prime256v1) {
        return SL_UNSUPPORTED;
    }
    return pair_verify(point, r, s, data);
}
