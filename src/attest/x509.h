/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Certificates and paths of any profile (RFC 5280), by OpenSSL's reader: ECDSA, RSA, RSA-PSS. What
 * verifies evidence reads the vendors' profiles faster by attest/cert.h. Order of the certificates
 * does not matter; every one is
 * checked for signature, validity at the given time, basic constraints, key usage, path length and
 * unknown critical extensions; the anchor must be one of the roots, byte for byte.
 */
#ifndef SL_ATTEST_X509_H
#define SL_ATTEST_X509_H

#include <openssl/x509.h>

#include "attest/findings.h"
#include "safelib/attest.h"

enum {
    SL_X509_CHAIN_MAX = 8,
    SL_X509_SIZE_MAX = 64 << 10,
    SL_X509_CRL_SIZE_MAX = 8 << 20, /**< Intel's PCK CRLs grow with every revoked platform */
};

/** Certificates as they came, PEM (any text around) or DER (one, or several in a row). */
struct sl_x509_list {
    X509 *certs[SL_X509_CHAIN_MAX];
    size_t count;
};
/** Reads certificates; each must be canonical DER, so that a changed byte never goes unnoticed.
 * @param[out] ret_list  empty unless SL_OK
 * @retval SL_OK
 * @retval SL_TRUNCATED  nothing in it
 * @retval SL_MALFORMED  not a certificate, not DER, or other bytes between or behind
 * @retval SL_RANGE      more than SL_X509_CHAIN_MAX, or above SL_X509_SIZE_MAX bytes
 * @retval SL_NO_MEMORY
 * @owner  caller frees by sl_x509_list_done */
sl_rc sl_x509_list_read(struct sl_blob in, struct sl_x509_list *ret_list) SL_MUST_CHECK;
void sl_x509_list_done(struct sl_x509_list *list);

/** Reads one CRL, PEM or DER.
 * @param[out] ret_crl  NULL unless SL_OK
 * @retval SL_OK
 * @retval SL_TRUNCATED  nothing in it
 * @retval SL_MALFORMED  not a CRL, not DER, or bytes behind it
 * @retval SL_RANGE      above SL_X509_CRL_SIZE_MAX bytes
 * @retval SL_NO_MEMORY
 * @owner  caller frees by X509_CRL_free */
sl_rc sl_x509_crl_read(struct sl_blob in, X509_CRL **ret_crl) SL_MUST_CHECK;

/** What the leaf of a path must be. */
enum sl_x509_role {
    SL_X509_SIGNER = 0,    /**< signs evidence or collateral: not a CA */
    SL_X509_CA = 1,        /**< issues certificates or CRLs; may be a root itself */
    SL_X509_DECRYPTOR = 2, /**< holds a key that secrets are encrypted to: a TPM's EK. Its subject
                                alternative name may be critical (TCG EK profile 3.2.9); its
                                extended key usage, too, which the caller checks, and policies of
                                any certificate in the path, each of which is acceptable */
};

/** A path that was found: leaf first, root last; borrowed from the lists. */
struct sl_x509_chain {
    X509 *certs[SL_X509_CHAIN_MAX + 1];
    size_t count;
};

/** What a path is checked against. */
struct sl_x509_path {
    const char *name;                 /**< in sentences: "PCK chain" */
    const struct sl_x509_list *certs; /**< any order; holds leaf and intermediates, root or not */
    const struct sl_x509_list *roots; /**< trust anchors */
    X509 *leaf; /**< one of certs, which may then hold others that the path's issuers signed; NULL:
                     the one that issued no other, and every certificate must be part of the path */
    enum sl_x509_role role;
    X509_CRL *const *crls; /**< of any issuer in the path */
    size_t crl_count;
    bool is_crl_required; /**< every certificate but the root needs its issuer's CRL */
    int64_t time_s;
    uint64_t max_crl_age_s; /**< 0: until nextUpdate */
    /** Asked before and told after each signature (attest/cache.h): kind "x509", signer the
     * issuer's SubjectPublicKeyInfo, data the certificate or CRL. NULL: none. */
    struct sl_attest_cache *cache;
};

/** Finds and checks the path from the leaf to a root (RFC 5280 6.1, without policies and name
 * constraints: a certificate that has them as critical is refused). Every failure becomes a
 * finding.
 * @return leaf (borrowed from certs) where the path, apart from times and revocation, holds;
 *         otherwise NULL: findings say why
 * @context any thread; allocates */
X509 *sl_x509_path_check(const struct sl_x509_path *path, struct sl_findings *findings);
/** The same, and tells the path.
 * @param[out] ret_chain  count 0 where none was found */
X509 *sl_x509_path_find(const struct sl_x509_path *path, struct sl_findings *findings,
                        struct sl_x509_chain *ret_chain);

/** Earliest notAfter and latest notBefore over a list, for the result's validity. */
void sl_x509_validity(const struct sl_x509_list *list, int64_t *io_not_before,
                      int64_t *io_not_after);

/** The key of a certificate, which X509_get0_pubkey does not know here: sl_x509_list_read leaves it
 * undecoded, because few are needed and each costs more than a signature.
 * @return NULL: not RSA of 2048 to 8192 bits nor EC on P-256, P-384, P-521, or out of memory
 * @owner caller frees by EVP_PKEY_free */
EVP_PKEY *sl_x509_key(X509 *cert);
/** Byte for byte the same certificate, signature included (which X509_cmp does not promise). */
bool sl_x509_is_same(const X509 *a, const X509 *b);

#endif
