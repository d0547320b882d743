/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of certificates. OpenSSL 3.0 decodes the key of every certificate as it reads it,
 * through a search over all its decoders, which takes several times as long as a P-256 signature.
 * So certificates are read in a library context that has no decoder, and the few keys that are
 * needed are made here, of the kinds that may sign here. */
#include "attest/x509_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>

#include "attest/der.h"

enum { RSA_BYTES_MIN = 256, RSA_BYTES_MAX = 1024, TAG_INTEGER = 0x02, TAG_SEQUENCE = 0x30 };

/* A constant made on first use: it holds nothing and never changes. */
static OSSL_LIB_CTX *empty;
static CRYPTO_ONCE empty_once = CRYPTO_ONCE_STATIC_INIT;

static void empty_make(void)
{
    OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    if (ctx != NULL && OSSL_PROVIDER_load(ctx, "null") != NULL) {
        empty = ctx;
    } else {
        OSSL_LIB_CTX_free(ctx); /* the default context does as well, slower */
    }
}

X509 *sl_x509_empty(void)
{
    return CRYPTO_THREAD_run_once(&empty_once, empty_make) == 1 ? X509_new_ex(empty, NULL) : NULL;
}

/* What a SubjectPublicKeyInfo says; pointers into it. */
struct public_key {
    const char *group; /* NULL: RSA */
    struct sl_blob point, n, e;
};

static const char *group_name(const X509_ALGOR *algorithm)
{
    const void *value = NULL;
    int type = 0;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type != V_ASN1_OBJECT) {
        return NULL; /* RFC 5480 2.1.1: named curves only */
    }
    switch (OBJ_obj2nid((const ASN1_OBJECT *)value)) {
    case NID_X9_62_prime256v1:
        return "prime256v1";
    case NID_secp384r1:
        return "secp384r1";
    case NID_secp521r1:
        return "secp521r1";
    default:
        return NULL;
    }
}

/* A positive INTEGER without its sign octet. */
static struct sl_blob read_integer(struct sl_reader *r)
{
    struct sl_reader content;
    sl_der_read(r, TAG_INTEGER, &content);
    size_t size = sl_reader_left(&content);
    const uint8_t *p = sl_reader_bytes(&content, size);
    if (p == NULL || size == 0 || (p[0] & 0x80) != 0) {
        sl_reader_fail(r, SL_MALFORMED);
        return (struct sl_blob){NULL, 0};
    }
    return p[0] == 0 ? (struct sl_blob){p + 1, size - 1} : (struct sl_blob){p, size};
}

/* RFC 8017 A.1.1. */
static bool rsa_read(const uint8_t *data, size_t size, struct public_key *key)
{
    struct sl_reader outer, r;
    sl_reader_init(&outer, data, size);
    sl_der_read(&outer, TAG_SEQUENCE, &r);
    key->n = read_integer(&r);
    key->e = read_integer(&r);
    if (sl_reader_end(&r) != SL_OK || sl_reader_end(&outer) != SL_OK) {
        return false;
    }
    /* An exponent of more than 32 bits only serves to make verification slow. */
    return key->n.size >= RSA_BYTES_MIN && key->n.size <= RSA_BYTES_MAX &&
           (key->n.data[0] & 0x80) != 0 && key->e.size >= 1 && key->e.size <= 4;
}

static bool spki_read(X509 *cert, struct public_key *ret_key)
{
    ASN1_OBJECT *object = NULL;
    const unsigned char *data = NULL;
    int size = 0;
    X509_ALGOR *algorithm = NULL;
    *ret_key = (struct public_key){.group = NULL};
    if (X509_PUBKEY_get0_param(&object, &data, &size, &algorithm, X509_get_X509_PUBKEY(cert)) !=
            1 ||
        data == NULL || size <= 0) {
        return false;
    }
    switch (OBJ_obj2nid(object)) {
    case NID_X9_62_id_ecPublicKey:
        ret_key->group = group_name(algorithm);
        ret_key->point = (struct sl_blob){data, (size_t)size};
        return ret_key->group != NULL;
    case NID_rsaEncryption:
    case NID_rsaesOaep: /* RFC 4055 4: EKs of some TPMs */
        return rsa_read(data, (size_t)size, ret_key);
    default:
        return false;
    }
}

bool sl_x509_key_is_sound(X509 *cert)
{
    struct public_key key;
    return spki_read(cert, &key);
}

static OSSL_PARAM *params_make(const struct public_key *key)
{
    OSSL_PARAM *params = NULL;
    BIGNUM *n = NULL, *e = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    bool is_ok = build != NULL;
    if (is_ok && key->group != NULL) {
        is_ok = OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, key->group, 0) ==
                    1 &&
                OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, key->point.data,
                                                 key->point.size) == 1;
    } else if (is_ok) {
        n = BN_bin2bn(key->n.data, (int)key->n.size, NULL);
        e = BN_bin2bn(key->e.data, (int)key->e.size, NULL);
        is_ok = n != NULL && e != NULL &&
                OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
                OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1;
    }
    if (is_ok) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return params;
}

EVP_PKEY *sl_x509_key(X509 *cert)
{
    struct public_key key;
    EVP_PKEY *pkey = NULL;
    if (cert == NULL || !spki_read(cert, &key)) {
        return NULL;
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, key.group != NULL ? "EC" : "RSA", NULL);
    OSSL_PARAM *params = params_make(&key);
    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

EVP_PKEY *sl_x509_keys_get(struct sl_x509_keys *keys, X509 *cert)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->certs[i] == cert) {
            return keys->keys[i];
        }
    }
    EVP_PKEY *key = sl_x509_key(cert);
    if (keys->count == SL_X509_KEYS_MAX) { /* lists are bounded: it cannot be */
        EVP_PKEY_free(key);
        return NULL;
    }
    keys->certs[keys->count] = cert;
    keys->keys[keys->count++] = key;
    return key;
}

void sl_x509_keys_done(struct sl_x509_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        EVP_PKEY_free(keys->keys[i]);
    }
    keys->count = 0;
}

bool sl_x509_is_same(const X509 *a, const X509 *b)
{
    if (a == b) {
        return true;
    }
    const ASN1_BIT_STRING *signature[2] = {NULL, NULL};
    const X509_ALGOR *algorithm[2] = {NULL, NULL};
    X509_get0_signature(&signature[0], &algorithm[0], a);
    X509_get0_signature(&signature[1], &algorithm[1], b);
    /* X509_cmp compares what is signed; the rest is told apart here. */
    return ASN1_STRING_cmp(signature[0], signature[1]) == 0 &&
           (signature[0]->flags & 7) == (signature[1]->flags & 7) &&
           X509_ALGOR_cmp(algorithm[0], algorithm[1]) == 0 && X509_cmp(a, b) == 0;
}
