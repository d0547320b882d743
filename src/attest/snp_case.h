/* SPDX-License-Identifier: Apache-2.0 */
/* One appraisal of a SEV-SNP report: what its steps (snp.c, snp_chain.c, snp_policy.c) share. */
#ifndef SL_ATTEST_SNP_CASE_H
#define SL_ATTEST_SNP_CASE_H

#include "attest/cert.h"
#include "attest/result.h"
#include "attest/snp_cert.h"
#include "attest/snp_report.h"

struct sl_snp_case {
    const struct sl_attest_input *input;
    struct sl_attest_result *result;
    struct sl_findings *findings;
    struct sl_snp_report report;
    bool has_product; /* by CPUID, or else by the certificate */
    enum sl_snp_product product;
    struct sl_cert_list leaf_certs, issuers, roots;
    const struct sl_cert *leaf; /* VCEK or VLEK: given, not yet trusted; one of leaf_certs */
    bool has_cert;
    struct sl_snp_cert cert;
};

/* "VCEK" or "VLEK" */
const char *sl_snp_signer_text(const struct sl_snp_case *c);

/* Reads certificates, chain and CRL, judges the path to AMD's root and the roles in it. Sets leaf,
 * cert and, where CPUID did not tell it, product. Every failure is a finding.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_snp_chain_check(struct sl_snp_case *c) SL_MUST_CHECK;

void sl_snp_chain_done(struct sl_snp_case *c);

/* Certificate against report: product, TCB, chip. */
void sl_snp_cert_check(struct sl_snp_case *c);
/* TCB versions of the report against each other and the policy's minimum. */
void sl_snp_tcb_check(struct sl_snp_case *c);
/* Guest policy, VMPL. */
void sl_snp_policy_check(struct sl_snp_case *c);
/* Measurement, ID key, host data, SVN against the references. */
void sl_snp_identity_check(struct sl_snp_case *c);

#endif
