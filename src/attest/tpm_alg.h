/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Hash algorithms by their three names: TPM_ALG_ID (TCG Algorithm Registry), the kernel's name
 * (crypto/hash_info.c) and OpenSSL's.
 */
#ifndef SL_ATTEST_TPM_ALG_H
#define SL_ATTEST_TPM_ALG_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_TPM_PCR_COUNT = 24, SL_TPM_DIGEST_MAX = 64 };

/** TPM_ALG_ID of the hashes a PCR bank can have. */
enum sl_tpm_alg {
    SL_TPM_ALG_SHA1 = 0x0004,
    SL_TPM_ALG_SHA256 = 0x000b,
    SL_TPM_ALG_SHA384 = 0x000c,
    SL_TPM_ALG_SHA512 = 0x000d,
    SL_TPM_ALG_SM3_256 = 0x0012,
};

struct sl_tpm_hash {
    uint16_t alg;     /**< TPM_ALG_ID; 0 where no TPM has such a bank */
    const char *name; /**< the kernel's: "sha256" */
    const char *openssl;
    size_t size; /**< of a digest, bytes */
};

/** @return NULL for an algorithm that no PCR bank has */
const struct sl_tpm_hash *sl_tpm_hash_by_alg(uint16_t alg);
/** By the kernel's name, @p size characters of @p name; also finds hashes that only files have.
 * @return NULL where unknown */
const struct sl_tpm_hash *sl_tpm_hash_by_name(const char *name, size_t size);
/** For walking all of them. @return NULL at the end */
const struct sl_tpm_hash *sl_tpm_hash_at(size_t index);

/** Hash of @p a followed by @p b.
 * @param[out] ret_digest  hash->size bytes; may be @p a or @p b
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  the library has no such hash: never for SHA-1, SHA-256, 384 and 512
 * @retval SL_CRYPTO */
sl_rc sl_tpm_hash_two(const struct sl_tpm_hash *hash, const void *a, size_t a_size, const void *b,
                      size_t b_size, uint8_t *ret_digest) SL_MUST_CHECK;

#endif
