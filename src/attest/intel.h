/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * State of one appraisal of an SGX or TDX quote, and its steps, in the order in which intel.c takes
 * them. A step that cannot be taken leaves a finding and lets the next ones run as far as they can,
 * so that everything that is wrong is told at once.
 */
#ifndef SL_ATTEST_INTEL_H
#define SL_ATTEST_INTEL_H

#include "attest/pck.h"
#include "attest/quote.h"
#include "attest/tcb_info.h"
#include "attest/verify.h"
#include "attest/x509.h"

struct sl_intel {
    const struct sl_attest_input *input;
    const struct sl_attest_collateral *collateral; /**< never NULL */
    struct sl_attest_result *result;
    struct sl_findings *findings; /**< of result */
    struct sl_quote quote;
    /* certificates */
    struct sl_x509_list roots;
    struct sl_x509_list pck_certs;
    struct sl_x509_list signing_certs;
    X509_CRL *crls[2];
    size_t crl_count;
    X509 *pck_leaf; /**< borrowed; also where its path does not hold (findings say so) */
    X509 *signing_leaf;
    X509 *pck_root; /**< borrowed; NULL: no path */
    X509 *signing_root;
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
/** ECDSA P-256 by the key of @p cert, through the cache. */
sl_rc sl_intel_verify_by_cert(const struct sl_intel *v, X509 *cert, const char *kind,
                              struct sl_blob data, const uint8_t signature[64]) SL_MUST_CHECK;

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
