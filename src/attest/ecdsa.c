/* SPDX-License-Identifier: Apache-2.0 */
/* Raw ECDSA signatures, as quotes, reports, collateral and JWTs carry them. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "attest/x509.h"

enum { COORD_MAX = 66, DER_MAX = 2 * COORD_MAX + 16 };

/* The size of a coordinate, or 0 where the key is not on that curve. */
static size_t coord_size(EVP_PKEY *key, const char *curve)
{
    char group[32];
    if (key == NULL || !EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
        strcmp(group, curve) != 0) {
        return 0;
    }
    return ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
}

/* SEC 1 C.5: SEQUENCE { r INTEGER, s INTEGER }. */
static int encode_signature(const uint8_t *raw, size_t coord, uint8_t out[DER_MAX])
{
    int size = -1;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)coord, NULL);
    BIGNUM *s = BN_bin2bn(raw + coord, (int)coord, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        goto out;
    }
    unsigned char *p = out;
    size = i2d_ECDSA_SIG(pair, &p);
out:
    ECDSA_SIG_free(pair);
    return size;
}

sl_rc sl_ecdsa_verify(EVP_PKEY *key, const char *curve, const char *digest,
                      const uint8_t *signature, size_t signature_size, const void *data,
                      size_t size)
{
    size_t coord = coord_size(key, curve);
    if (coord == 0 || coord > COORD_MAX || signature_size != 2 * coord) {
        return SL_MALFORMED;
    }
    uint8_t der[DER_MAX];
    int der_size = encode_signature(signature, coord, der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    sl_rc rc = SL_NO_MEMORY;
    ERR_set_mark();
    if (der_size > 0 && ctx != NULL &&
        EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1) {
        rc = EVP_DigestVerify(ctx, der, (size_t)der_size, data, size) == 1 ? SL_OK : SL_AUTH;
    }
    ERR_pop_to_mark();
    EVP_MD_CTX_free(ctx);
    return rc;
}

EVP_PKEY *sl_ecdsa_p256_key(const uint8_t xy[64])
{
    char curve[] = "prime256v1";
    uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
    memcpy(point + 1, xy, 64);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    ERR_set_mark();
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    ERR_pop_to_mark();
    EVP_PKEY_CTX_free(ctx);
    return key;
}
