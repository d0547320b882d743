/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * State of one appraisal of an SGX or TDX quote, and its steps, in the order in which intel.c takes
 * them. A step that cannot be taken leaves a finding and lets the next ones run as far as they can,
 * so that everything that is wrong is told at once.
 */
#ifndef SL_ATTEST_INTEL_H
#define SL_ATTEST_INTEL_H

#include "attest/cert.h"
#include "attest/p256.h"
#include "attest/pck.h"
#include "attest/quote.h"
#include "attest/tcb_info.h"
#include "attest/verify.h"

enum { SL_INTEL_KEYS_MAX = 24, SL_INTEL_CHAIN_MAX = 5 };

/** A path that was found: leaf first, root last; borrowed from the lists. */
struct sl_intel_chain {
    const struct sl_cert *certs[SL_INTEL_CHAIN_MAX];
    size_t count;
};

/** A CRL, and what is known of its signature. */
struct sl_intel_crl {
    struct sl_crl crl;
    bool is_checked, is_good; /**< signature and dates, told once */
};

struct sl_intel {
    const struct sl_attest_input *input;
    const struct sl_attest_collateral *collateral; /**< never NULL */
    struct sl_attest_result *result;
    struct sl_findings *findings; /**< of result */
    struct sl_quote quote;
    /* keys: one each, however often it signs */
    struct sl_p256 *curve;
    struct {
        uint8_t point[64];
        struct sl_p256_key *key;
    } signers[SL_INTEL_KEYS_MAX];
    size_t signer_count;
    /* certificates */
    struct sl_cert_list roots;
    struct sl_cert_list pck_certs;
    struct sl_cert_list signing_certs;
    struct sl_intel_crl crls[2];
    size_t crl_count;
    const struct sl_cert *pck_leaf; /**< also where its path does not hold (findings say so) */
    const struct sl_cert *signing_leaf;
    const struct sl_cert *pck_root; /**< NULL: no path */
    const struct sl_cert *signing_root;
    bool has_pck;
    struct sl_pck pck;
    /* collateral */
    bool has_info;
    struct sl_tcb_info info;
    bool has_qe_identity;
    struct sl_qe_identity qe_identity;
    /* verdicts */
    enum sl_tcb_status platform_status, qe_status, module_status;
    const struct sl_tcb_level *level;    /**< of info, that matched; or NULL */
    const struct sl_isv_level *qe_level; /**< likewise */
    const struct sl_isv_level *module_level;
};

/* intel_chain.c */
/** Anchors, CRLs, both chains; the PCK extension. @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_intel_check_chains(struct sl_intel *v) SL_MUST_CHECK;
void sl_intel_chains_done(struct sl_intel *v);

/* intel_collateral.c */
/** Signature, dates and addressee of TCB info and QE identity. */
sl_rc sl_intel_check_collateral(struct sl_intel *v) SL_MUST_CHECK;

/* intel_key.c */
/** ECDSA P-256 with SHA-256 by the key @p point.
 * @param kind  of signature, for the cache; NULL: not to be remembered
 * @retval SL_OK, SL_AUTH, SL_MALFORMED (no point of the curve), SL_NO_MEMORY */
sl_rc sl_intel_verify(struct sl_intel *v, const char *kind, const uint8_t point[64],
                      struct sl_blob data, const uint8_t signature[64]) SL_MUST_CHECK;
void sl_intel_keys_done(struct sl_intel *v);

/* intel_path.c */
/** Finds and checks the path from @p leaf to a root: signatures, dates, roles, revocation (RFC 5280
 * 6.1 for certificates without policies and name constraints). Every failure becomes a finding.
 * @param name   of the chain, in sentences
 * @param certs  must all be part of the path, or be roots
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_intel_check_path(struct sl_intel *v, const char *name, const struct sl_cert *leaf,
                          const struct sl_cert_list *certs,
                          struct sl_intel_chain *ret_chain) SL_MUST_CHECK;

/* intel_quote.c */
/** Quote signature, QE report signature and binding, QE identity. */
sl_rc sl_intel_check_quote(struct sl_intel *v) SL_MUST_CHECK;

/* intel_tcb.c */
/** Levels of platform, TDX module and quoting enclave, and their combination. */
sl_rc sl_intel_check_tcb(struct sl_intel *v) SL_MUST_CHECK;

/* intel_module.c */
/** TDX: the module's signer, attributes and level. Sets module_status. */
void sl_intel_check_module(struct sl_intel *v);
/** Whether a relaunch of the TD alone would bring it up to date (TD report 1.5). */
bool sl_intel_is_relaunch_enough(const struct sl_intel *v);
/** SL_TCB_OUT_OF_DATE and SL_TCB_REVOKED of a part lower the status of the whole. */
enum sl_tcb_status sl_intel_converge(enum sl_tcb_status whole, enum sl_tcb_status part);

/* intel_policy.c */
/** Debug, attributes, references. */
void sl_intel_check_policy(struct sl_intel *v);

/* quote_json.c */
/** Every field of a quote. @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_quote_to_json(const struct sl_quote *quote, json_t *object) SL_MUST_CHECK;
/** Fields of the SGX extension. New reference, NULL: out of memory. */
json_t *sl_pck_to_json(const struct sl_pck *pck);

/* intel_root.c */
/** "Intel SGX Root CA", PEM. Static. */
struct sl_blob sl_intel_root(void);

#endif
