/* SPDX-License-Identifier: Apache-2.0 */
/* A key and its self-signed certificate. */
#include "control/identity.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

sl_rc sl_spki_hash(EVP_PKEY *key, uint8_t ret_hash[SL_SPKI_HASH_SIZE], uint8_t **ret_der,
                   size_t *ret_der_size)
{
    uint8_t *der = NULL;
    uint8_t hash[SL_SPKI_HASH_SIZE];
    int size = i2d_PUBKEY(key, &der);
    if (size <= 0) {
        return SL_CRYPTO;
    }
    if (EVP_Digest(der, (size_t)size, hash, NULL, EVP_sha256(), NULL) != 1) {
        OPENSSL_free(der);
        return SL_CRYPTO;
    }
    for (size_t i = 0; i < sizeof(hash); i++) {
        ret_hash[i] = hash[i];
    }
    if (ret_der != NULL) {
        *ret_der = der;
        *ret_der_size = (size_t)size;
    } else {
        OPENSSL_free(der);
    }
    return SL_OK;
}

static bool set_serial(X509 *x)
{
    uint64_t number = 0;
    return RAND_bytes((uint8_t *)&number, sizeof(number)) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number >> 1) == 1;
}

/* A certificate is only the envelope that TLS demands around a key. It bears no time of its own:
 * the image has no clock to trust, so RFC 5280 4.1.2.5's "no well-defined expiration date". */
static X509 *self_signed(EVP_PKEY *key, const char *name, X509_EXTENSION *extension)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_NAME_new();
    bool is_good = x != NULL && subject != NULL && set_serial(x) &&
                   X509_set_version(x, X509_VERSION_3) == 1 &&
                   ASN1_TIME_set_string(X509_getm_notBefore(x), "20000101000000Z") == 1 &&
                   ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z") == 1 &&
                   X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name,
                                              -1, -1, 0) == 1 &&
                   X509_set_subject_name(x, subject) == 1 &&
                   X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1;
    is_good = is_good && (extension == NULL || X509_add_ext(x, extension, -1) == 1);
    /* Ed25519 takes no digest of its own. */
    const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    is_good = is_good && X509_sign(x, key, md) > 0;
    X509_NAME_free(subject);
    if (!is_good) {
        X509_free(x);
        return NULL;
    }
    return x;
}

sl_rc sl_identity_from_key(EVP_PKEY *key, const char *name, struct sl_identity **ret_identity)
{
    struct sl_identity *identity = calloc(1, sizeof(*identity));
    if (identity == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_spki_hash(key, identity->spki_hash, NULL, NULL);
    if (rc == SL_OK) {
        identity->certificate = self_signed(key, name, NULL);
        rc = identity->certificate != NULL ? SL_OK : SL_CRYPTO;
    }
    if (rc != SL_OK) {
        free(identity);
        return rc;
    }
    identity->key = key;
    *ret_identity = identity;
    return SL_OK;
}

sl_rc sl_identity_extend(struct sl_identity *identity, const char *name, const char *oid,
                         const uint8_t *value, size_t size)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    X509 *certificate = NULL;
    if (object != NULL && octets != NULL && size <= INT_MAX &&
        ASN1_OCTET_STRING_set(octets, value, (int)size) == 1) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
    }
    if (extension != NULL) {
        certificate = self_signed(identity->key, name, extension);
    }
    if (certificate != NULL) {
        X509_free(identity->certificate); /* connections hold references of their own */
        identity->certificate = certificate;
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return certificate != NULL ? SL_OK : SL_CRYPTO;
}

sl_rc sl_identity_generate(const char *name, struct sl_identity **ret_identity)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) {
        return SL_CRYPTO;
    }
    sl_rc rc = sl_identity_from_key(key, name, ret_identity);
    if (rc != SL_OK) {
        EVP_PKEY_free(key);
    }
    return rc;
}

void sl_identity_free(struct sl_identity *identity)
{
    if (identity != NULL) {
        EVP_PKEY_free(identity->key);
        X509_free(identity->certificate);
        free(identity);
    }
}
