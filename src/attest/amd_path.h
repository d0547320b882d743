/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Path building and validation for AMD's chains (RFC 5280 6.1), on certificates of AMD's profile.
 */
#ifndef SL_ATTEST_AMD_PATH_H
#define SL_ATTEST_AMD_PATH_H

#include "attest/amd_key.h"
#include "attest/findings.h"

/** A path that was found: leaf first, root last; borrowed from the lists. */
struct sl_amd_chain {
    const struct sl_cert *certs[SL_CERT_LIST_MAX + 1];
    size_t count;
};

/** What a path is checked against. Every certificate is checked for signature, validity at the
 * given time, basic constraints, key usage, path length and unknown critical extensions; the anchor
 * must be one of the roots, byte for byte. */
struct sl_amd_path {
    const char *name;                    /**< in sentences: "VCEK chain" */
    const struct sl_cert_list *lists[2]; /**< in any order; may hold others that the path's issuers
                                              signed: AMD's ASVK beside its ASK */
    const struct sl_cert_list *roots;    /**< trust anchors */
    const struct sl_cert *leaf;
    const struct sl_crl *crl; /**< of any issuer in the path; NULL: none */
    int64_t time_s;
    uint64_t max_crl_age_s; /**< 0: until nextUpdate */
    struct sl_attest_cache *cache;
};

/** Every failure becomes a finding.
 * @param[out] ret_chain  count 0 where none was found
 * @return whether the path, apart from times and revocation, holds; false: findings say why */
bool sl_amd_path_find(const struct sl_amd_path *path, struct sl_findings *findings,
                      struct sl_amd_chain *ret_chain);

/* amd_crl.c */
/** RFC 5280 6.3.3: whether @p subject is revoked by @p issuer, where the CRL is its. */
void sl_amd_revocation_check(const struct sl_amd_path *path, struct sl_amd_keys *keys,
                             const struct sl_cert *issuer, const struct sl_cert *subject,
                             struct sl_findings *findings);
/** Names, of whoever says it, and serial number fit the authority key identifier. */
bool sl_amd_key_id_fits(struct sl_blob key_id, const struct sl_cert_amd *authority,
                        const struct sl_cert *issuer);

#endif
