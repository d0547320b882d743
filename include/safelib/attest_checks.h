/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Every check of an appraisal: its stable code, the claim of the AR4SI vector that its failure
 * contradicts, and what it means. Codes never change their meaning; new ones are added at the end
 * of their group.
 */
#ifndef SAFELIB_ATTEST_CHECKS_H
#define SAFELIB_ATTEST_CHECKS_H

/** name, code, AR4SI claim, meaning. A row's failure is SL_ATTEST_FAILURE unless the policy makes
 * it less (TCB status) or sl_finding_add_as says so. */
#define SL_ATTEST_CHECK_TABLE(X)                                                                   \
    X(EVIDENCE_FORMAT, "evidence-format", hardware, "evidence breaks its format")                  \
    X(EVIDENCE_VERSION, "evidence-version", hardware, "version or type is not supported")          \
    X(EVIDENCE_TRAILING, "evidence-trailing-bytes", hardware, "bytes behind the evidence")         \
    X(SIGNATURE, "signature", hardware, "the evidence's own signature does not verify")            \
    X(COLLATERAL_MISSING, "collateral-missing", hardware, "a file that the check needs is absent") \
    X(COLLATERAL_FORMAT, "collateral-format", hardware, "collateral breaks its format")            \
    X(COLLATERAL_SIGNATURE, "collateral-signature", hardware, "collateral's signature is wrong")   \
    X(COLLATERAL_EXPIRED, "collateral-expired", hardware, "collateral's nextUpdate has passed")    \
    X(COLLATERAL_NOT_YET, "collateral-not-yet-valid", hardware, "issued after the given time")     \
    X(COLLATERAL_TOO_OLD, "collateral-too-old", hardware, "older than the policy allows")          \
    X(COLLATERAL_MISMATCH, "collateral-mismatch", hardware, "collateral of another platform")      \
    X(TCB_EVALUATION, "tcb-evaluation-number", hardware,                                           \
      "older evaluation than the policy allows")                                                   \
    X(CERT_FORMAT, "cert-format", instance_identity,                                               \
      "a certificate or its extension is malformed")                                               \
    X(CERT_PATH, "cert-path", instance_identity, "no path from the leaf to a trusted root")        \
    X(CERT_SIGNATURE, "cert-signature", instance_identity, "a certificate's signature is wrong")   \
    X(CERT_EXPIRED, "cert-expired", instance_identity, "a certificate has expired")                \
    X(CERT_NOT_YET, "cert-not-yet-valid", instance_identity, "a certificate is not valid yet")     \
    X(CERT_USAGE, "cert-usage", instance_identity, "constraints or key usage forbid this role")    \
    X(CERT_REVOKED, "cert-revoked", instance_identity, "revoked by its issuer's CRL")              \
    X(CRL_MISSING, "crl-missing", instance_identity, "no CRL of an issuer in the path")            \
    X(CRL_SIGNATURE, "crl-signature", instance_identity, "a CRL's signature is wrong")             \
    X(CRL_EXPIRED, "crl-expired", instance_identity, "a CRL's nextUpdate has passed")              \
    X(CRL_NOT_YET, "crl-not-yet-valid", instance_identity,                                         \
      "a CRL was issued after the given time")                                                     \
    X(QE_REPORT, "qe-report", hardware, "the quoting enclave's report does not vouch for the key") \
    X(QE_IDENTITY, "qe-identity", hardware, "the quoting enclave is not the vendor's")             \
    X(QE_TCB, "qe-tcb", hardware, "the quoting enclave's TCB status is below the policy")          \
    X(TCB_STATUS, "tcb-status", hardware, "the platform's TCB status is below the policy")         \
    X(TCB_NO_LEVEL, "tcb-no-matching-level", hardware, "no TCB level matches the platform")        \
    X(TCB_REVOKED, "tcb-revoked", hardware, "the platform's TCB is revoked")                       \
    X(TDX_MODULE, "tdx-module", hardware, "the TDX module is not the vendor's, or is too old")     \
    X(VCEK_TCB, "vcek-tcb", hardware, "certificate and report disagree about the platform's TCB")  \
    X(CHIP_ID, "chip-id", hardware, "certificate and report disagree about the chip")              \
    X(SNP_TCB, "snp-tcb", hardware, "the platform's TCB is below the policy")                      \
    X(SNP_TCB_ORDER, "snp-tcb-order", hardware, "the report's TCB versions contradict each other") \
    X(EMULATED, "emulated", hardware, "the emulator signed it: nothing is protected")              \
    X(DEBUG, "debug", configuration, "debugging is on: the host can read everything")              \
    X(ATTRIBUTES, "attributes", configuration, "attributes forbid it")                             \
    X(SNP_POLICY, "snp-policy", configuration, "the guest's policy allows what ours refuses")      \
    X(VMPL, "vmpl", configuration, "the report comes from a less privileged level")                \
    X(POLICY_EMPTY, "policy-empty", executables, "the policy names no acceptable identity")        \
    X(IDENTITY, "identity", executables, "no acceptable identity matches")                         \
    X(SVN, "svn", executables, "security version below the policy")                                \
    X(REPORT_DATA, "report-data", sourced_data, "bound to something else: replayed or diverted")   \
    X(CCEL_FORMAT, "ccel-format", executables, "the event log breaks its format")                  \
    X(CCEL_REPLAY, "ccel-replay", executables, "the event log does not replay to the RTMRs")       \
    X(TPM_NONCE, "tpm-nonce", sourced_data, "the quote answers another challenge")                 \
    X(TPM_SELECTION, "tpm-selection", hardware, "PCRs that the policy requires are not quoted")    \
    X(TPM_CLOCK, "tpm-clock", instance_identity, "the TPM's clock or counters went back")          \
    X(TPM_FIRMWARE, "tpm-firmware", hardware, "the TPM's firmware changed without a reset")        \
    X(TPM_PCRS, "tpm-pcrs", executables, "PCR values do not fit the quoted digest")                \
    X(TPM_KEY, "tpm-key", instance_identity, "the key is not a restricted signing key of a TPM")   \
    X(INTERNAL, "internal", hardware, "the verifier could not finish; nothing is accepted")

enum sl_attest_check {
#define SL_ATTEST_CHECK_ENUM(name, code, claim, text) SL_CHECK_##name,
    SL_ATTEST_CHECK_TABLE(SL_ATTEST_CHECK_ENUM)
#undef SL_ATTEST_CHECK_ENUM
        SL_ATTEST_CHECK_COUNT
};

#endif
