/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures on certificates and CRLs: which keys and algorithms may sign at all, and the cache of
 * what verified before. */
#include <openssl/asn1t.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/cache.h"
#include "attest/x509_internal.h"

static bool digest_is_sound(int nid)
{
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

static bool pss_is_sound(int type, const void *value)
{
    if (type != V_ASN1_SEQUENCE) {
        return false;
    }
    RSA_PSS_PARAMS *pss =
        ASN1_item_unpack((const ASN1_STRING *)value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    /* RFC 4055 3.1: an absent hash means SHA-1. */
    bool is_sound = pss != NULL && pss->hashAlgorithm != NULL &&
                    digest_is_sound(OBJ_obj2nid(pss->hashAlgorithm->algorithm));
    RSA_PSS_PARAMS_free(pss);
    return is_sound;
}

static bool algorithm_is_sound(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    const void *value = NULL;
    int type = 0;
    X509_ALGOR_get0(&object, &type, &value, algorithm);
    switch (OBJ_obj2nid(object)) {
    case NID_ecdsa_with_SHA256:
    case NID_ecdsa_with_SHA384:
    case NID_ecdsa_with_SHA512:
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption:
        return true;
    case NID_rsassaPss:
        return pss_is_sound(type, value);
    default:
        return false;
    }
}

/* Key of the cache for one signed object. false: no cache, the issuer's key may not sign, or the
 * object cannot be encoded. Frees @p der. */
static bool cache_key(struct sl_attest_cache *cache, X509 *issuer, unsigned char *der, int size,
                      uint8_t ret_key[SL_CACHE_KEY_SIZE])
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(issuer);
    bool is_made =
        cache != NULL && der != NULL && size > 0 && bits != NULL && sl_x509_key_is_sound(issuer);
    if (is_made) {
        struct sl_blob signer = {ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits)};
        sl_attest_cache_key("x509", signer, (struct sl_blob){der, (size_t)size},
                            (struct sl_blob){NULL, 0}, ret_key);
    }
    OPENSSL_free(der);
    return is_made;
}

/* The signature is over the certificate's body as it came. i2d_re_X509_tbs() would encode it anew,
 * and a body that is not DER (a tag without its "constructed" bit, say) would pass as if it were.
 */
static bool body_of(struct sl_blob der, struct sl_blob *ret_body)
{
    const unsigned char *at = der.data;
    long size = 0;
    int tag = 0;
    int class = 0;
    if ((ASN1_get_object(&at, &size, &tag, &class, (long)der.size) & 0x81) != 0) {
        return false; /* 0x80: failed; 1: a length that is not stated */
    }
    const unsigned char *start = at;
    if ((ASN1_get_object(&at, &size, &tag, &class, size) & 0x81) != 0) {
        return false;
    }
    *ret_body = (struct sl_blob){start, (size_t)(at - start) + (size_t)size};
    return true;
}

/* X509_verify would fetch its algorithms from the certificate's own, empty context. */
static bool tbs_verify(X509 *cert, const X509_ALGOR *algorithm, const ASN1_BIT_STRING *signature,
                       EVP_PKEY *key)
{
    unsigned char *der = NULL;
    struct sl_blob body = {0};
    int size = i2d_X509(cert, &der); /* with the body's own bytes, which OpenSSL keeps */
    ASN1_STRING *signed_part = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    bool is_ok = false;
    if (size > 0 && signed_part != NULL && body_of((struct sl_blob){der, (size_t)size}, &body) &&
        ASN1_STRING_set(signed_part, body.data, (int)body.size) == 1) {
        is_ok = ASN1_item_verify_ex(ASN1_ITEM_rptr(ASN1_SEQUENCE), algorithm, signature,
                                    signed_part, NULL, key, NULL, NULL) == 1;
    }
    ASN1_STRING_free(signed_part);
    OPENSSL_free(der);
    return is_ok;
}

bool sl_x509_cert_is_signed(struct sl_attest_cache *cache, struct sl_x509_keys *keys, X509 *cert,
                            X509 *issuer)
{
    const X509_ALGOR *algorithm = NULL;
    const ASN1_BIT_STRING *signature = NULL;
    X509_get0_signature(&signature, &algorithm, cert);
    /* RFC 5280 4.1.1.2: the algorithm outside "MUST" be the one that was signed. */
    if (!algorithm_is_sound(algorithm) ||
        X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(cert)) != 0) {
        return false;
    }
    uint8_t known[SL_CACHE_KEY_SIZE];
    unsigned char *der = NULL;
    int size = cache != NULL ? i2d_X509(cert, &der) : -1;
    bool is_cached = cache_key(cache, issuer, der, size, known);
    if (is_cached && sl_attest_cache_has(cache, known)) {
        return true;
    }
    EVP_PKEY *key = sl_x509_keys_get(keys, issuer);
    if (key == NULL || !tbs_verify(cert, algorithm, signature, key)) {
        return false;
    }
    if (is_cached) {
        sl_attest_cache_put(cache, known);
    }
    return true;
}

bool sl_x509_crl_is_signed(struct sl_attest_cache *cache, struct sl_x509_keys *keys, X509_CRL *crl,
                           X509 *issuer)
{
    const X509_ALGOR *algorithm = NULL;
    X509_CRL_get0_signature(crl, NULL, &algorithm);
    if (!algorithm_is_sound(algorithm)) {
        return false;
    }
    uint8_t known[SL_CACHE_KEY_SIZE];
    unsigned char *der = NULL;
    int size = cache != NULL ? i2d_X509_CRL(crl, &der) : -1;
    bool is_cached = cache_key(cache, issuer, der, size, known);
    if (is_cached && sl_attest_cache_has(cache, known)) {
        return true;
    }
    EVP_PKEY *key = sl_x509_keys_get(keys, issuer);
    if (key == NULL || X509_CRL_verify(crl, key) != 1) {
        return false;
    }
    if (is_cached) {
        sl_attest_cache_put(cache, known);
    }
    return true;
}
