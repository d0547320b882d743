/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A key and its self-signed certificate: what one end of the control channel shows to the other.
 * Trust comes from the key's hash (tenant) or from evidence about it (image), never from a name or
 * a date in the certificate.
 */
#ifndef SL_CONTROL_IDENTITY_H
#define SL_CONTROL_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_SPKI_HASH_SIZE = 32 };

struct ssl_st;
struct evp_pkey_st;
struct x509_st;

struct sl_identity {
    struct evp_pkey_st *key;
    struct x509_st *certificate;
    uint8_t spki_hash[SL_SPKI_HASH_SIZE]; /**< SHA-256 of the SubjectPublicKeyInfo, DER */
};

/** Makes a new P-256 key and a certificate for it.
 * @param name  common name: says what it is to a person, e.g. "SafeLib NF image"
 * @retval SL_OK, SL_CRYPTO, SL_NO_MEMORY
 * @owner  caller frees with sl_identity_free */
sl_rc sl_identity_generate(const char *name, struct sl_identity **ret_identity) SL_MUST_CHECK;

/** Wraps a private key that the caller has (takes it over on SL_OK only).
 * @retval SL_OK, SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_identity_from_key(struct evp_pkey_st *key, const char *name,
                           struct sl_identity **ret_identity) SL_MUST_CHECK;

/** Puts an extension into the certificate, in place of the one there is; the key stays.
 * @param oid    "2.23.133.5.4.9"
 * @param value  the extension's content
 * @retval SL_OK, SL_CRYPTO (nothing changed) */
sl_rc sl_identity_extend(struct sl_identity *identity, const char *name, const char *oid,
                         const uint8_t *value, size_t size) SL_MUST_CHECK;
void sl_identity_free(struct sl_identity *identity);

/** SHA-256 of a key's SubjectPublicKeyInfo, and the DER itself where @p ret_der is not NULL
 * (caller frees with OPENSSL_free).
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_spki_hash(struct evp_pkey_st *key, uint8_t ret_hash[SL_SPKI_HASH_SIZE], uint8_t **ret_der,
                   size_t *ret_der_size) SL_MUST_CHECK;

#endif
