/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 and SHA-2 by the interface below EVP, which is deprecated, not removed. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "attest/digest.h"

#include "attest/tpm_alg.h"

void sl_sha256(struct sl_blob data, uint8_t ret_hash[32])
{
    SHA256_CTX hash;
    (void)SHA256_Init(&hash);
    (void)SHA256_Update(&hash, data.data, data.size);
    (void)SHA256_Final(ret_hash, &hash);
}

bool sl_sha_init(struct sl_sha *sha, uint16_t alg)
{
    sha->alg = alg;
    switch (alg) {
    case SL_TPM_ALG_SHA1:
        return SHA1_Init(&sha->u.sha1) == 1;
    case SL_TPM_ALG_SHA256:
        return SHA256_Init(&sha->u.sha256) == 1;
    case SL_TPM_ALG_SHA384:
        return SHA384_Init(&sha->u.sha512) == 1;
    case SL_TPM_ALG_SHA512:
        return SHA512_Init(&sha->u.sha512) == 1;
    default:
        return false;
    }
}

void sl_sha_add(struct sl_sha *sha, const void *data, size_t size)
{
    if (sha->alg == SL_TPM_ALG_SHA1) {
        (void)SHA1_Update(&sha->u.sha1, data, size);
    } else if (sha->alg == SL_TPM_ALG_SHA256) {
        (void)SHA256_Update(&sha->u.sha256, data, size);
    } else {
        (void)SHA512_Update(&sha->u.sha512, data, size); /* SHA-384 differs in its start */
    }
}

void sl_sha_end(struct sl_sha *sha, uint8_t *ret_hash)
{
    if (sha->alg == SL_TPM_ALG_SHA1) {
        (void)SHA1_Final(ret_hash, &sha->u.sha1);
    } else if (sha->alg == SL_TPM_ALG_SHA256) {
        (void)SHA256_Final(ret_hash, &sha->u.sha256);
    } else {
        (void)SHA512_Final(ret_hash, &sha->u.sha512); /* knows how much of it is asked for */
    }
}
