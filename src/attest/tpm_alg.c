/* SPDX-License-Identifier: Apache-2.0 */
/* Hash algorithms by TPM_ALG_ID and by the kernel's names. */
#include "attest/tpm_alg.h"

#include <string.h>

#include "attest/digest.h"

/* TCG Algorithm Registry 1.34, table 3; Linux crypto/hash_info.c */
static const struct sl_tpm_hash HASHES[] = {
    {SL_TPM_ALG_SHA1, "sha1", "SHA1", 20},
    {SL_TPM_ALG_SHA256, "sha256", "SHA2-256", 32},
    {SL_TPM_ALG_SHA384, "sha384", "SHA2-384", 48},
    {SL_TPM_ALG_SHA512, "sha512", "SHA2-512", 64},
    {SL_TPM_ALG_SM3_256, "sm3", "SM3", 32},
    {SL_TPM_ALG_SM3_256, "sm3-256", "SM3", 32},
    {SL_TPM_ALG_SM3_256, "sm3_256", "SM3", 32},
    {0x0027, "sha3-256", "SHA3-256", 32},
    {0x0028, "sha3-384", "SHA3-384", 48},
    {0x0029, "sha3-512", "SHA3-512", 64},
    {0, "md5", "MD5", 16},
    {0, "sha224", "SHA2-224", 28},
    {0, "rmd160", "RIPEMD160", 20},
    {0, "wp256", NULL, 32},
    {0, "wp384", NULL, 48},
    {0, "wp512", NULL, 64},
    {0, "tgr128", NULL, 16},
    {0, "tgr160", NULL, 20},
    {0, "tgr192", NULL, 24},
    {0, "streebog256", NULL, 32},
    {0, "streebog512", NULL, 64},
};

const struct sl_tpm_hash *sl_tpm_hash_at(size_t index)
{
    return index < sizeof(HASHES) / sizeof(HASHES[0]) ? &HASHES[index] : NULL;
}

const struct sl_tpm_hash *sl_tpm_hash_by_alg(uint16_t alg)
{
    const struct sl_tpm_hash *hash;

    for (size_t i = 0; alg != 0 && (hash = sl_tpm_hash_at(i)) != NULL; i++) {
        if (hash->alg == alg) {
            return hash;
        }
    }
    return NULL;
}

const struct sl_tpm_hash *sl_tpm_hash_by_name(const char *name, size_t size)
{
    const struct sl_tpm_hash *hash;

    for (size_t i = 0; (hash = sl_tpm_hash_at(i)) != NULL; i++) {
        if (strlen(hash->name) == size && memcmp(hash->name, name, size) == 0) {
            return hash;
        }
    }
    return NULL;
}

static sl_rc other_hash(const struct sl_tpm_hash *hash, const void *a, size_t a_size, const void *b,
                        size_t b_size, uint8_t *ret_digest)
{
    EVP_MD *md = hash->openssl != NULL ? EVP_MD_fetch(NULL, hash->openssl, NULL) : NULL;
    EVP_MD_CTX *ctx = md != NULL ? EVP_MD_CTX_new() : NULL;
    const bool is_done = ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
                         EVP_DigestUpdate(ctx, a, a_size) == 1 &&
                         EVP_DigestUpdate(ctx, b, b_size) == 1 &&
                         EVP_DigestFinal_ex(ctx, ret_digest, NULL) == 1;
    const sl_rc rc = md == NULL ? SL_UNSUPPORTED : is_done ? SL_OK : SL_CRYPTO;

    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return rc;
}

sl_rc sl_tpm_hash_two(const struct sl_tpm_hash *hash, const void *a, size_t a_size, const void *b,
                      size_t b_size, uint8_t *ret_digest)
{
    struct sl_sha sha;

    if (!sl_sha_init(&sha, hash->alg)) {
        return other_hash(hash, a, a_size, b, b_size, ret_digest);
    }
    sl_sha_add(&sha, a, a_size);
    sl_sha_add(&sha, b, b_size);
    sl_sha_end(&sha, ret_digest);
    return SL_OK;
}
