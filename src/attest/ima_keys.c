/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign files: from PEM or DER to a ring that finds them by id. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "attest/ima_sig.h"
#include "safelib/bytes.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, IDS_MAX = 2 };

/* A key is named by the last four bytes of its subject key identifier: of the certificate's, which
 * the kernel compares (crypto/asymmetric_keys/x509_public_key.c), and of the SHA-1 of the key
 * itself, which evmctl writes (RFC 5280 4.2.1.2, method 1). Mostly they are the same. */
struct key {
    EVP_PKEY *key;
    uint32_t ids[IDS_MAX];
    unsigned id_count;
};

struct sl_ima_keyring {
    struct key keys[SL_IMA_KEYS_MAX];
    size_t count;
};

/* ---- files to text ---- */

static sl_rc text_add(const char *name, const uint8_t *der, size_t size, char **io_text,
                      size_t *io_size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL, *grown;
    long count = 0;
    sl_rc rc = SL_NO_MEMORY;

    if (bio == NULL || PEM_write_bio(bio, name, "", der, (long)size) <= 0 ||
        (count = BIO_get_mem_data(bio, &bytes)) <= 0) {
        goto out;
    }
    if ((size_t)count > SL_IMA_KEYS_SIZE_MAX - *io_size) {
        rc = SL_RANGE;
        goto out;
    }
    grown = realloc(*io_text, *io_size + (size_t)count + 1);
    if (grown == NULL) {
        goto out;
    }
    memcpy(grown + *io_size, bytes, (size_t)count);
    *io_size += (size_t)count;
    grown[*io_size] = '\0';
    *io_text = grown;
    rc = SL_OK;
out:
    BIO_free(bio);
    return rc;
}

static sl_rc der_append(const uint8_t *data, size_t size, char **io_text, size_t *io_size)
{
    const uint8_t *at = data;
    sl_rc rc = size > 0 ? SL_OK : SL_TRUNCATED;

    while (rc == SL_OK && at < data + size) {
        const uint8_t *const begin = at, *end = at;
        const long left = (long)(data + size - at);
        X509 *cert = d2i_X509(NULL, &end, left);
        X509_PUBKEY *key = NULL;

        if (cert == NULL) {
            end = begin;
            key = d2i_X509_PUBKEY(NULL, &end, left);
        }
        rc = cert != NULL || key != NULL
                 ? text_add(cert != NULL ? PEM_STRING_X509 : PEM_STRING_PUBLIC, begin,
                            (size_t)(end - begin), io_text, io_size)
                 : SL_MALFORMED;
        X509_free(cert);
        X509_PUBKEY_free(key);
        at = end;
    }
    return rc;
}

static bool is_key_name(const char *name)
{
    return strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0 ||
           strcmp(name, PEM_STRING_PUBLIC) == 0;
}

/* Calls for the DER of each certificate or public key in PEM text; anything else is skipped. */
static sl_rc pem_each(struct sl_blob pem, sl_rc (*take)(void *, const char *, struct sl_blob),
                      void *ctx)
{
    BIO *bio = pem.size > 0 ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
    sl_rc rc = bio != NULL ? SL_OK : pem.size > 0 ? SL_NO_MEMORY : SL_TRUNCATED;
    size_t count = 0;

    while (rc == SL_OK) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long size = 0;

        if (PEM_read_bio(bio, &name, &header, &der, &size) != 1) {
            rc = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? SL_CLOSED
                                                                              : SL_MALFORMED;
        } else if (is_key_name(name)) {
            rc = take(ctx, name, (struct sl_blob){der, (size_t)size});
            count++;
        }
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(bio);
    ERR_clear_error();
    return rc != SL_CLOSED ? rc : count > 0 ? SL_OK : SL_TRUNCATED;
}

struct text {
    char **text;
    size_t *size;
};

static sl_rc take_text(void *ctx, const char *name, struct sl_blob der)
{
    struct text *to = ctx;
    const size_t before = *to->size;
    sl_rc rc = der_append(der.data, der.size, to->text, to->size);

    (void)name;
    /* one object in each block */
    return rc == SL_OK && strstr(*to->text + before + 1, "-----BEGIN") != NULL ? SL_MALFORMED : rc;
}

sl_rc sl_ima_keys_append(struct sl_blob file, char **io_text, size_t *io_size, struct sl_err *err)
{
    static const char BEGIN[] = "-----BEGIN ";
    struct text to = {io_text, io_size};
    sl_rc rc;

    if (file.size > SL_IMA_KEYS_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "longer than %d bytes", SL_IMA_KEYS_SIZE_MAX);
    }
    rc = file.size > 0 && file.data[0] == 0x30 ? der_append(file.data, file.size, io_text, io_size)
         : memmem(file.data, file.size, BEGIN, sizeof(BEGIN) - 1) != NULL
             ? pem_each(file, take_text, &to)
             : SL_TRUNCATED;
    ERR_clear_error();
    return rc == SL_OK
               ? SL_OK
               : sl_err_set(err, rc,
                            rc == SL_RANGE ? "too many keys"
                                           : "expected certificates or public keys, as PEM or DER");
}

/* ---- text to ring ---- */

static bool is_sound(EVP_PKEY *key)
{
    char group[32] = "";
    size_t size = 0;

    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        const int bits = EVP_PKEY_get_bits(key);

        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
    }
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), &size) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 ||
            strcmp(group, "secp521r1") == 0);
}

static void id_add(struct key *key, const uint8_t *bytes, size_t size)
{
    if (size >= 4) {
        key->ids[key->id_count++] = sl_be32_get(bytes + size - 4);
    }
}

static sl_rc key_make(struct sl_blob der, struct key *key)
{
    const uint8_t *at = der.data;
    X509 *cert = d2i_X509(NULL, &at, (long)der.size);
    const ASN1_OCTET_STRING *skid = cert != NULL ? X509_get0_subject_key_id(cert) : NULL;
    X509_PUBKEY *spki = NULL;
    const unsigned char *bits = NULL;
    uint8_t digest[SHA_DIGEST_LENGTH];
    int size = 0;
    sl_rc rc = SL_MALFORMED;

    if (cert != NULL) {
        spki = X509_get_X509_PUBKEY(cert);
    } else {
        at = der.data;
        spki = d2i_X509_PUBKEY(NULL, &at, (long)der.size);
    }
    if (spki == NULL || at != der.data + der.size ||
        X509_PUBKEY_get0_param(NULL, &bits, &size, NULL, spki) != 1 || size <= 0) {
        goto out;
    }
    key->key = X509_PUBKEY_get(spki);
    if (key->key == NULL || !is_sound(key->key)) {
        rc = SL_UNSUPPORTED;
        goto out;
    }
    if (EVP_Digest(bits, (size_t)size, digest, NULL, EVP_sha1(), NULL) != 1) {
        rc = SL_NO_MEMORY;
        goto out;
    }
    id_add(key, digest, sizeof(digest));
    if (skid != NULL) {
        id_add(key, ASN1_STRING_get0_data(skid), (size_t)ASN1_STRING_length(skid));
    }
    rc = SL_OK;
out:
    if (cert == NULL) {
        X509_PUBKEY_free(spki);
    }
    X509_free(cert);
    return rc;
}

static sl_rc take_key(void *ctx, const char *name, struct sl_blob der)
{
    struct sl_ima_keyring *keyring = ctx;

    (void)name;
    if (keyring->count == SL_IMA_KEYS_MAX) {
        return SL_RANGE;
    }
    return key_make(der, &keyring->keys[keyring->count++]);
}

sl_rc sl_ima_keyring_create(struct sl_blob pem, struct sl_ima_keyring **ret_keyring,
                            struct sl_err *err)
{
    struct sl_ima_keyring *keyring;
    sl_rc rc = SL_RANGE;

    *ret_keyring = NULL;
    keyring = calloc(1, sizeof(*keyring));
    if (keyring == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a keyring");
    }
    if (pem.size <= SL_IMA_KEYS_SIZE_MAX) {
        rc = pem_each(pem, take_key, keyring);
    }
    if (rc != SL_OK) {
        rc = sl_err_set(err, rc, "key %zu: %s", keyring->count,
                        rc == SL_UNSUPPORTED ? "expected RSA of 2048 to 8192 bits or EC on P-256, "
                                               "P-384, P-521"
                        : rc == SL_RANGE     ? "too many or too long"
                                             : "expected a certificate or a public key");
        sl_ima_keyring_free(keyring);
        return rc;
    }
    *ret_keyring = keyring;
    return SL_OK;
}

void sl_ima_keyring_free(struct sl_ima_keyring *keyring)
{
    for (size_t i = 0; keyring != NULL && i < keyring->count; i++) {
        EVP_PKEY_free(keyring->keys[i].key);
    }
    free(keyring);
}

EVP_PKEY *sl_ima_keyring_find(const struct sl_ima_keyring *keyring, uint32_t id, size_t *io_at)
{
    for (; *io_at < keyring->count; (*io_at)++) {
        const struct key *key = &keyring->keys[*io_at];

        for (unsigned i = 0; i < key->id_count; i++) {
            if (key->ids[i] == id) {
                (*io_at)++;
                return key->key;
            }
        }
    }
    return NULL;
}
