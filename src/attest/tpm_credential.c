/* SPDX-License-Identifier: Apache-2.0 */
/* TPM2_MakeCredential in software: TPM 2.0 part 1, 24 (credential protection) and B.10.4, C.6.4
 * (how the seed travels), 11.4.10 (KDFa, KDFe). */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/tpm_public.h"
#include "attest/tpm_wire.h"
#include "base/secret.h"

enum { TPM_ALG_RSA = 0x0001, TPM_ALG_AES = 0x0006, TPM_ALG_ECC = 0x0023, POINT_MAX = 66 };

struct seal {
    const struct sl_tpm_public *ek;
    const struct sl_tpm_hash *hash;
    EVP_MD *md;
    uint8_t seed[SL_TPM_DIGEST_MAX];
};

/* 11.4.10.2 KDFa: HMAC in counter mode, SP 800-108: [i] ‖ label ‖ 00 ‖ contextU ‖ contextV ‖ bits.
 * OpenSSL's KBKDF writes the same. */
static bool kdf_a(const struct seal *seal, const char *label, struct sl_blob context, size_t size,
                  uint8_t *out)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    char mac[] = "HMAC", mode[] = "counter", digest[32], salt[16];
    uint8_t info[SL_TPM_NAME_MAX];
    OSSL_PARAM params[7], *at = params;
    bool is_done;

    EVP_KDF_free(kdf);
    if (ctx == NULL || context.size > sizeof(info)) {
        EVP_KDF_CTX_free(ctx);
        return false;
    }
    (void)snprintf(digest, sizeof(digest), "%s", seal->hash->openssl);
    (void)snprintf(salt, sizeof(salt), "%s", label);
    if (context.size > 0) {
        memcpy(info, context.data, context.size);
    }
    *at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0);
    *at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0);
    *at++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)seal->seed,
                                              seal->hash->size);
    *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, strlen(salt));
    *at++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, context.size);
    *at = OSSL_PARAM_construct_end();
    is_done = EVP_KDF_derive(ctx, out, size, params) == 1;
    EVP_KDF_CTX_free(ctx);
    return is_done;
}

/* B.10.4: the seed by OAEP under the EK with the label "IDENTITY" and its NUL */
static sl_rc seed_to_rsa(struct seal *seal, struct sl_writer *wrapped)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, seal->ek->key, NULL);
    char *label = OPENSSL_strdup("IDENTITY");
    uint8_t out[512];
    size_t size = sizeof(out);
    sl_rc rc = SL_CRYPTO;

    if (ctx != NULL && label != NULL && RAND_bytes(seal->seed, (int)seal->hash->size) == 1 &&
        EVP_PKEY_encrypt_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, seal->md) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, seal->md) == 1 &&
        EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof("IDENTITY")) == 1) {
        label = NULL; /* ctx's now */
        if (EVP_PKEY_encrypt(ctx, out, &size, seal->seed, seal->hash->size) == 1) {
            sl_tpm_blob_write(wrapped, out, size);
            rc = wrapped->rc;
        }
    }
    OPENSSL_free(label);
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

static bool point_of(EVP_PKEY *key, uint8_t *out, size_t *ret_size)
{
    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out,
                                           1 + 2 * POINT_MAX, ret_size) == 1 &&
           *ret_size > 1 && out[0] == 4;
}

/* 11.4.10.3 KDFe, one round: H(1 ‖ Z ‖ "IDENTITY" 00 ‖ x of the sender ‖ x of the EK) */
static bool kdf_e(const struct seal *seal, const uint8_t *z, size_t z_size, const uint8_t *u,
                  const uint8_t *v, size_t size, uint8_t *out)
{
    static const uint8_t COUNTER[4] = {0, 0, 0, 1};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool is_done = ctx != NULL && EVP_DigestInit_ex2(ctx, seal->md, NULL) == 1 &&
                         EVP_DigestUpdate(ctx, COUNTER, sizeof(COUNTER)) == 1 &&
                         EVP_DigestUpdate(ctx, z, z_size) == 1 &&
                         EVP_DigestUpdate(ctx, "IDENTITY", sizeof("IDENTITY")) == 1 &&
                         EVP_DigestUpdate(ctx, u, size) == 1 &&
                         EVP_DigestUpdate(ctx, v, size) == 1 &&
                         EVP_DigestFinal_ex(ctx, out, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return is_done;
}

/* C.6.4: the seed from ECDH with a key of one use, whose point travels */
static sl_rc seed_to_ecc(struct seal *seal, struct sl_writer *wrapped)
{
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_pkey(NULL, seal->ek->key, NULL), *ctx = NULL;
    EVP_PKEY *once = NULL;
    uint8_t mine[1 + 2 * POINT_MAX], theirs[1 + 2 * POINT_MAX], z[POINT_MAX];
    size_t mine_size, theirs_size, z_size = sizeof(z), half;
    sl_rc rc = SL_CRYPTO;

    if (maker != NULL && EVP_PKEY_keygen_init(maker) == 1 && EVP_PKEY_generate(maker, &once) == 1 &&
        (ctx = EVP_PKEY_CTX_new_from_pkey(NULL, once, NULL)) != NULL &&
        EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, seal->ek->key) == 1 &&
        EVP_PKEY_derive(ctx, z, &z_size) == 1 && point_of(once, mine, &mine_size) &&
        point_of(seal->ek->key, theirs, &theirs_size) && mine_size == theirs_size) {
        half = (mine_size - 1) / 2;
        if (kdf_e(seal, z, z_size, mine + 1, theirs + 1, half, seal->seed)) {
            sl_writer_be16(wrapped, (uint16_t)(2 * (2 + half)));
            sl_tpm_blob_write(wrapped, mine + 1, half);
            sl_tpm_blob_write(wrapped, mine + 1 + half, half);
            rc = wrapped->rc;
        }
    }
    sl_wipe(z, sizeof(z));
    EVP_PKEY_free(once);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_CTX_free(maker);
    return rc;
}

/* 24.4: encIdentity = CFB_KDFa(seed, "STORAGE", name)(TPM2B of the secret), IV of zeros */
static bool identity_encrypt(const struct seal *seal, struct sl_blob name, const uint8_t *secret,
                             size_t size, uint8_t *out)
{
    static const uint8_t IV[16] = {0};
    const size_t key_size = seal->ek->symmetric_bits / 8;
    const EVP_CIPHER *cipher = key_size == 16   ? EVP_aes_128_cfb128()
                               : key_size == 32 ? EVP_aes_256_cfb128()
                                                : NULL;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[32], plain[2 + SL_TPM_SECRET_MAX];
    int done = 0;
    bool is_done;

    sl_be16_put(plain, (uint16_t)size);
    memcpy(plain + 2, secret, size);
    is_done = cipher != NULL && ctx != NULL && kdf_a(seal, "STORAGE", name, key_size, key) &&
              EVP_EncryptInit_ex(ctx, cipher, NULL, key, IV) == 1 &&
              EVP_EncryptUpdate(ctx, out, &done, plain, (int)(2 + size)) == 1 &&
              done == (int)(2 + size);
    sl_wipe(key, sizeof(key));
    sl_wipe(plain, sizeof(plain));
    EVP_CIPHER_CTX_free(ctx);
    return is_done;
}

/* 24.5: outerHMAC = HMAC(KDFa(seed, "INTEGRITY"), encIdentity ‖ name) */
static sl_rc blob_write(const struct seal *seal, struct sl_blob name, const uint8_t *secret,
                        size_t size, struct sl_writer *w)
{
    uint8_t sealed[2 + SL_TPM_SECRET_MAX + SL_TPM_NAME_MAX], key[SL_TPM_DIGEST_MAX];
    uint8_t mac[SL_TPM_DIGEST_MAX];
    unsigned mac_size = 0;
    bool is_done = identity_encrypt(seal, name, secret, size, sealed) &&
                   kdf_a(seal, "INTEGRITY", (struct sl_blob){NULL, 0}, seal->hash->size, key);

    if (is_done) {
        memcpy(sealed + 2 + size, name.data, name.size);
        is_done = HMAC(seal->md, key, (int)seal->hash->size, sealed, 2 + size + name.size, mac,
                       &mac_size) != NULL;
    }
    sl_wipe(key, sizeof(key));
    if (!is_done) {
        return SL_CRYPTO;
    }
    sl_writer_be16(w, (uint16_t)(2 + mac_size + 2 + size));
    sl_tpm_blob_write(w, mac, mac_size);
    sl_writer_bytes(w, sealed, 2 + size);
    return w->rc;
}

sl_rc sl_tpm_credential_make(const struct sl_tpm_public *ek, struct sl_blob ak_name,
                             const uint8_t *secret, size_t size, uint8_t *ret_blob,
                             size_t *ret_blob_size, uint8_t *ret_wrapped, size_t *ret_wrapped_size,
                             struct sl_err *err)
{
    struct seal seal = {.ek = ek, .hash = sl_tpm_hash_by_alg(ek->name_alg)};
    struct sl_writer blob, wrapped;
    sl_rc rc;

    if (size == 0 || size > SL_TPM_SECRET_MAX || ak_name.size == 0 ||
        ak_name.size > SL_TPM_NAME_MAX) {
        return sl_err_set(err, SL_RANGE, "a secret of %zu bytes for a name of %zu", size,
                          ak_name.size);
    }
    if (ek->symmetric != TPM_ALG_AES || seal.hash == NULL || seal.hash->openssl == NULL ||
        (ek->type != TPM_ALG_RSA && ek->type != TPM_ALG_ECC)) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "an EK of type %04x with cipher %04x: RSA or ECC "
                          "with AES are known",
                          ek->type, ek->symmetric);
    }
    seal.md = EVP_MD_fetch(NULL, seal.hash->openssl, NULL);
    sl_writer_init(&blob, ret_blob, *ret_blob_size);
    sl_writer_init(&wrapped, ret_wrapped, *ret_wrapped_size);
    rc = seal.md == NULL           ? SL_CRYPTO
         : ek->type == TPM_ALG_RSA ? seed_to_rsa(&seal, &wrapped)
                                   : seed_to_ecc(&seal, &wrapped);
    if (rc == SL_OK) {
        rc = blob_write(&seal, ak_name, secret, size, &blob);
    }
    sl_wipe(seal.seed, sizeof(seal.seed));
    EVP_MD_free(seal.md);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "the credential cannot be made: %s", sl_rc_text(rc));
    }
    *ret_blob_size = blob.off;
    *ret_wrapped_size = wrapped.off;
    return SL_OK;
}
