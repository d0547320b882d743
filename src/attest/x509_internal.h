/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the x509_*.c files: words for findings, times, and what a signature may be made with.
 */
#ifndef SL_ATTEST_X509_INTERNAL_H
#define SL_ATTEST_X509_INTERNAL_H

#include "attest/result.h"
#include "attest/x509_key.h"

enum { SL_X509_NAME_SIZE = 64 };

/* Common name of a subject or issuer in printable ASCII; "(no name)". The bytes are hostile. */
void sl_x509_name_text(const X509_NAME *name, char out[SL_X509_NAME_SIZE]);
/* RFC 5280 4.1.2.5: UTCTime or GeneralizedTime in their Zulu forms with seconds, nothing else.
 * false: another form. */
bool sl_x509_time_read(const ASN1_TIME *time, int64_t *ret_time_s);
/* Whether @p issuer's key, being sound, signed it by a sound algorithm: ECDSA, RSA or RSA-PSS with
 * SHA-2 of at least 256 bits. The key is made only where the cache does not know the answer. */
bool sl_x509_cert_is_signed(struct sl_attest_cache *cache, struct sl_x509_keys *keys, X509 *cert,
                            X509 *issuer);
bool sl_x509_crl_is_signed(struct sl_attest_cache *cache, struct sl_x509_keys *keys, X509_CRL *crl,
                           X509 *issuer);

/* RFC 5280 6.3.3: whether @p subject is revoked by @p issuer. Every CRL of that issuer is checked
 * for signature, dates, number and critical extensions; findings tell what is wrong. */
void sl_x509_revocation_check(const struct sl_x509_path *path, struct sl_x509_keys *keys,
                              X509 *issuer, X509 *subject, struct sl_findings *findings);

#endif
