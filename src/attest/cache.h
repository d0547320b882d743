/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Remembers signatures that verified, so that the certificates and collateral of a platform seen
 * before cost no signature operation again. Only that one fact is kept ("this key signed these
 * bytes"): names, times, revocation and everything else are judged anew on every use.
 */
#ifndef SL_ATTEST_CACHE_H
#define SL_ATTEST_CACHE_H

#include "safelib/attest.h"

enum { SL_CACHE_KEY_SIZE = 32 };

/** Key of "@p signer (SubjectPublicKeyInfo, DER, or the raw point) signed @p data, and the
 * signature is @p signature" (which may be empty where @p data holds it, as a certificate does). */
void sl_attest_cache_key(const char *kind, struct sl_blob signer, struct sl_blob data,
                         struct sl_blob signature, uint8_t ret_key[SL_CACHE_KEY_SIZE]);
/** @return true: it verified before; false also for a NULL @p cache */
bool sl_attest_cache_has(struct sl_attest_cache *cache, const uint8_t key[SL_CACHE_KEY_SIZE]);
/** Call only after the signature verified. Drops the entry used longest ago where it is full. */
void sl_attest_cache_put(struct sl_attest_cache *cache, const uint8_t key[SL_CACHE_KEY_SIZE]);

#endif
