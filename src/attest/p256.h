/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * ECDSA with P-256 and SHA-256, without the set-up costs that make a verification of nine
 * signatures five times dearer than the signatures (measured with OpenSSL 3.0: 0.3 ms to decode one
 * certificate's key, 30 us to make a key from its point; here 4 us).
 */
#ifndef SL_ATTEST_P256_H
#define SL_ATTEST_P256_H

#include <openssl/evp.h>

#include "safelib/attest.h"

struct sl_p256;     /**< the curve; one per verification */
struct sl_p256_key; /**< a public key */

/** @return NULL: out of memory */
struct sl_p256 *sl_p256_create(void);
void sl_p256_free(struct sl_p256 *curve);

/** @retval SL_OK
 *  @retval SL_MALFORMED  no point of the curve
 *  @retval SL_NO_MEMORY
 *  @owner  caller frees by sl_p256_key_free */
sl_rc sl_p256_key_create(const struct sl_p256 *curve, const uint8_t xy[64],
                         struct sl_p256_key **ret_key) SL_MUST_CHECK;
void sl_p256_key_free(struct sl_p256_key *key);

/** @param signature  r and s, big-endian
 *  @retval SL_OK
 *  @retval SL_AUTH  not by this key over these bytes
 *  @retval SL_NO_MEMORY */
sl_rc sl_p256_verify(struct sl_p256_key *key, const uint8_t signature[64],
                     struct sl_blob data) SL_MUST_CHECK;

/** The same for a TPM's attestation key, which other code knows as EVP_PKEY. Only to verify: its
 *  parameters are not those of a key that OpenSSL's providers made (its point comes compressed).
 *  @return NULL: no point of the curve, or no memory  @owner caller frees by EVP_PKEY_free */
EVP_PKEY *sl_p256_pkey_create(const uint8_t xy[64]);
/** @param key  of sl_p256_pkey_create
 *  @param r, s  big-endian, 1 to 32 bytes
 *  @retval SL_OK
 *  @retval SL_AUTH  not by this key over these bytes
 *  @retval SL_UNSUPPORTED  a key that was made otherwise
 *  @retval SL_NO_MEMORY */
sl_rc sl_p256_pkey_verify(const EVP_PKEY *key, struct sl_blob r, struct sl_blob s,
                          struct sl_blob data) SL_MUST_CHECK;

#endif
