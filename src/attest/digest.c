/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by the interface below EVP, which is deprecated, not removed. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "attest/digest.h"

#include <openssl/sha.h>

void sl_sha256(struct sl_blob data, uint8_t ret_hash[32])
{
    SHA256_CTX hash;
    (void)SHA256_Init(&hash);
    (void)SHA256_Update(&hash, data.data, data.size);
    (void)SHA256_Final(ret_hash, &hash);
}
