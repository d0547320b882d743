/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA P-256 on OpenSSL's curve arithmetic. The interface below EVP is deprecated, not removed,
 * and the only one that verifies without fetching and decoding through providers. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "attest/p256.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

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

sl_rc sl_p256_key_create(const struct sl_p256 *curve, const uint8_t xy[64],
                         struct sl_p256_key **ret_key)
{
    uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
    EC_KEY *key = EC_KEY_new();
    memcpy(point + 1, xy, 64);
    ERR_set_mark();
    if (key == NULL || EC_KEY_set_group(key, (const EC_GROUP *)(const void *)curve) != 1) {
        ERR_pop_to_mark();
        EC_KEY_free(key);
        return SL_NO_MEMORY;
    }
    int is_point = EC_KEY_oct2key(key, point, sizeof(point), NULL); /* checks the equation */
    ERR_pop_to_mark();
    if (is_point != 1) {
        EC_KEY_free(key);
        return SL_MALFORMED;
    }
    *ret_key = (struct sl_p256_key *)(void *)key;
    return SL_OK;
}

void sl_p256_key_free(struct sl_p256_key *key)
{
    EC_KEY_free(key_of(key));
}

sl_rc sl_p256_verify(struct sl_p256_key *key, const uint8_t signature[64], struct sl_blob data)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL);
    BIGNUM *s = BN_bin2bn(signature + 32, 32, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return SL_NO_MEMORY;
    }
    /* SHA256() of OpenSSL 3 fetches the algorithm by its name anew: 3 us each time */
    SHA256_CTX hash;
    (void)SHA256_Init(&hash);
    (void)SHA256_Update(&hash, data.data, data.size);
    (void)SHA256_Final(digest, &hash);
    ERR_set_mark();
    /* 1 good, 0 wrong, -1 failed: r or s out of range, which is wrong as well */
    int verdict = ECDSA_do_verify(digest, sizeof(digest), pair, key_of(key));
    ERR_pop_to_mark();
    ECDSA_SIG_free(pair);
    return verdict == 1 ? SL_OK : SL_AUTH;
}
