/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Signatures by AMD's keys: RSA-PSS of ARK, ASK and ASVK on certificates and CRLs, ECDSA P-384 of
 * VCEK and VLEK on reports. Without the set-up costs of OpenSSL's providers, as p256.h.
 */
#ifndef SL_ATTEST_AMD_KEY_H
#define SL_ATTEST_AMD_KEY_H

#include "attest/cert.h"

enum { SL_AMD_KEYS_MAX = 3 * SL_CERT_LIST_MAX, SL_P384_SIGNATURE_SIZE = 96 };

struct sl_amd_key; /**< an RSA public key */

/** RSA keys made during one appraisal, each once. */
struct sl_amd_keys {
    struct {
        struct sl_blob modulus, exponent;
        struct sl_amd_key *key;
    } keys[SL_AMD_KEYS_MAX];
    size_t count;
    struct sl_attest_cache *cache; /**< asked before and told after each signature; or NULL */
};
void sl_amd_keys_done(struct sl_amd_keys *keys);

/** Whether the key of @p issuer, being RSA, made @p signature over @p tbs: RSA-PSS with SHA-384,
 * MGF1 with SHA-384 and a salt of 48 octets. @p kind: of signature, for the cache. */
bool sl_amd_is_signed(struct sl_amd_keys *keys, const char *kind, const struct sl_cert *issuer,
                      struct sl_blob tbs, struct sl_blob signature);

/** @p signature: r and s, big-endian, over the SHA-384 of @p data by the key of @p signer.
 * @retval SL_OK
 * @retval SL_AUTH       another key or other data
 * @retval SL_MALFORMED  no key on P-384
 * @retval SL_NO_MEMORY */
sl_rc sl_amd_p384_verify(const struct sl_cert *signer,
                         const uint8_t signature[SL_P384_SIGNATURE_SIZE],
                         struct sl_blob data) SL_MUST_CHECK;

#endif
