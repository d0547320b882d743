/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SHA-1 and SHA-2 without the fetch by name that SHA256() of OpenSSL 3 does anew each time (3 us),
 * and without the allocation of an EVP_MD_CTX.
 */
#ifndef SL_ATTEST_DIGEST_H
#define SL_ATTEST_DIGEST_H

#include <openssl/sha.h>
#include <stdbool.h>

#include "safelib/attest.h"

void sl_sha256(struct sl_blob data, uint8_t ret_hash[32]);

/** A hash under way. Plain memory: a copy goes on from where it was copied. */
struct sl_sha {
    uint16_t alg;
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
        SHA512_CTX sha512;
    } u;
};

/** @param alg  TPM_ALG_ID
 * @return false: neither SHA-1 nor SHA-256, SHA-384, SHA-512 */
bool sl_sha_init(struct sl_sha *sha, uint16_t alg) SL_MUST_CHECK;
void sl_sha_add(struct sl_sha *sha, const void *data, size_t size);
/** @param[out] ret_hash  20, 32, 48 or 64 bytes */
void sl_sha_end(struct sl_sha *sha, uint8_t *ret_hash);

#endif
