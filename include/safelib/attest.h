/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Appraisal of hardware evidence: SGX and TDX quotes, SEV-SNP reports. Evidence, collateral, trust
 * roots, the time and a policy go in; a result with a status, a trustworthiness vector and an
 * explanation for every failed check comes out (RFC 9334 "verifier").
 *
 * Nothing here opens a file or a socket, reads a clock or keeps global state; a call may run on any
 * thread. Every failed check is reported, not only the first. What is missing is a failure: absence
 * of evidence is never trust.
 */
#ifndef SAFELIB_ATTEST_H
#define SAFELIB_ATTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safelib/rc.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that belong to somebody else. `data` NULL: absent. */
struct sl_blob {
    const uint8_t *data;
    size_t size;
};

enum sl_attest_type {
    SL_ATTEST_SGX = 1, /**< ECDSA quote v3 */
    SL_ATTEST_TDX = 2, /**< ECDSA quote v4, v5 */
    SL_ATTEST_SNP = 3, /**< attestation report v2 to v5 */
};

/** Everything a vendor says about a platform, as served: text and signatures untouched.
 * Certificates and CRLs are PEM or DER, told apart by their first bytes. The caller keeps it. */
struct sl_attest_collateral {
    struct sl_blob tcb_info;          /**< JSON {"tcbInfo":{...},"signature":"..."} */
    struct sl_blob qe_identity;       /**< JSON {"enclaveIdentity":{...},"signature":"..."} */
    struct sl_blob tcb_signing_chain; /**< of tcb_info and qe_identity; any order */
    struct sl_blob pck_chain;         /**< where the quote does not carry it */
    struct sl_blob pck_crl;
    struct sl_blob pck_crl_issuer_chain;
    struct sl_blob root_crl;
    struct sl_blob vcek;       /**< SNP: chip's key */
    struct sl_blob vlek;       /**< SNP: cloud provider's key, where used */
    struct sl_blob cert_chain; /**< SNP: ASK or ASVK, and ARK */
    struct sl_blob amd_crl;    /**< SNP: CRL of the ARK; optional */
};

/** Trust anchors. Zero-initialised, the pinned vendor roots hold (Intel SGX Root CA, AMD ARKs). A
 * root given here replaces them: only it is trusted then. */
struct sl_attest_roots {
    struct sl_blob pem; /**< one or more certificates */
};

/** TCB status of Intel's PCS; SNP uses UP_TO_DATE, OUT_OF_DATE. */
#define SL_TCB_STATUS_TABLE(X)                                                                     \
    X(UP_TO_DATE, "UpToDate")                                                                      \
    X(SW_HARDENING_NEEDED, "SWHardeningNeeded")                                                    \
    X(CONFIGURATION_NEEDED, "ConfigurationNeeded")                                                 \
    X(CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded")                  \
    X(OUT_OF_DATE, "OutOfDate")                                                                    \
    X(OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded")                            \
    X(REVOKED, "Revoked")                                                                          \
    X(NO_MATCHING_LEVEL, "NoMatchingLevel")                                                        \
    X(UNKNOWN, "Unknown")
enum sl_tcb_status {
#define SL_TCB_STATUS_ENUM(name, text) SL_TCB_##name,
    SL_TCB_STATUS_TABLE(SL_TCB_STATUS_ENUM)
#undef SL_TCB_STATUS_ENUM
        SL_TCB_STATUS_COUNT
};
const char *sl_tcb_status_text(enum sl_tcb_status status);

/** One acceptable identity. Every field that is set must match; at least one `has_` of identity
 * (mrenclave, mrsigner, mrtd, measurement, id_key_digest) must be set. */
struct sl_attest_reference {
    /* SGX */
    bool has_mrenclave, has_mrsigner;
    uint8_t mrenclave[32], mrsigner[32];
    bool has_isv_prod_id;
    uint16_t isv_prod_id;
    uint16_t min_isv_svn;
    /* TDX */
    bool has_mrtd, has_rtmr[4];
    uint8_t mrtd[48], rtmr[4][48];
    /* SEV-SNP */
    bool has_measurement, has_host_data, has_id_key_digest;
    uint8_t measurement[48], host_data[32], id_key_digest[48];
    uint32_t min_guest_svn;
};

enum { SL_ATTEST_REFERENCES_MAX = 32 };

/** AMD's products: their TCB versions count separately. Genoa is also Bergamo and Siena. */
enum sl_snp_product { SL_SNP_MILAN, SL_SNP_GENOA, SL_SNP_TURIN, SL_SNP_PRODUCT_COUNT };
/** The components of a platform's TCB, whatever their order in the report; fmc is Turin's only. */
struct sl_snp_tcb {
    uint8_t fmc, bootloader, tee, snp, microcode;
};

/** What the relying party accepts. Zero-initialised it accepts only UpToDate platforms, and any
 * identity only where `is_any_identity` says so: no references and no `is_any_identity` is a
 * rejection. Debug is a rejection always, but for `insecure_allow_debug`. */
struct sl_attest_policy {
    uint32_t reference_count;
    struct sl_attest_reference references[SL_ATTEST_REFERENCES_MAX];
    bool is_any_identity;          /**< the command line's default: judge the platform only */
    uint32_t tcb_accepted;         /**< bit 1 << enum sl_tcb_status; UP_TO_DATE is always in.
                                        REVOKED, NO_MATCHING_LEVEL, UNKNOWN never are */
    uint32_t min_tcb_evaluation;   /**< tcbEvaluationDataNumber; 0: any */
    uint64_t max_collateral_age_s; /**< since issueDate or thisUpdate; 0: until its own expiry */
    struct sl_snp_tcb min_snp_tcb[SL_SNP_PRODUCT_COUNT]; /**< lower bounds of the reported and
                                                            launch TCB; 0: any */
    uint8_t max_vmpl;                                    /**< SNP */
    bool is_smt_refused;                                 /**< SNP: guest policy that allows SMT */
    bool
        is_migration_refused; /**< SNP: guest policy that allows a migration agent; TDX: likewise */
    bool is_amd_crl_required; /**< SNP: no verdict without the ARK's CRL */
    bool insecure_allow_emulated; /**< SafeLib's own emulator, which protects nothing */
    bool insecure_allow_debug;
};

struct sl_attest_input {
    enum sl_attest_type type;
    struct sl_blob evidence;
    const struct sl_attest_collateral *collateral; /**< NULL: none */
    const struct sl_attest_roots *roots;           /**< NULL: the pinned ones */
    const struct sl_attest_policy *policy;         /**< required */
    int64_t time_s;             /**< UNIX time at which everything must be valid */
    struct sl_blob report_data; /**< 64 bytes expected, or absent: not compared */
    struct sl_blob nonce;       /**< expected at the start of report_data, rest zero; or absent */
    struct sl_blob ccel;        /**< TDX: CCEL event log to replay against the RTMRs */
    struct sl_attest_cache *cache; /**< NULL, or chains that verified before; one thread */
};

/** How a check ended. */
enum sl_attest_severity {
    SL_ATTEST_NOTE = 0,    /**< worth knowing */
    SL_ATTEST_WARNING = 1, /**< accepted by policy, and not as it should be */
    SL_ATTEST_FAILURE = 2, /**< rejected */
};

struct sl_attest_finding {
    const char *code; /**< stable, e.g. "tcb-out-of-date"; safelib/attest_checks.h lists all */
    enum sl_attest_severity severity;
    char text[512]; /**< what was found, what was expected, what to do */
};

/** EAR status (draft-ietf-rats-ear; AR4SI tiers). */
enum sl_attest_status {
    SL_ATTEST_NONE = 0,
    SL_ATTEST_AFFIRMING = 2,
    SL_ATTEST_WARNED = 32,
    SL_ATTEST_CONTRAINDICATED = 96,
};
const char *sl_attest_status_text(enum sl_attest_status status);

/** AR4SI trustworthiness vector (draft-ietf-rats-ar4si 2.3): -128 to 127, 0 = no claim. */
struct sl_attest_vector {
    int8_t instance_identity, configuration, executables, file_system, hardware, runtime_opaque,
        storage_opaque, sourced_data;
};

struct sl_attest_result;

/** Judges.
 * @param[out] ret_result  set wherever SL_OK is returned; whether the evidence is accepted is told
 *                         by sl_attest_result_status(): SL_OK alone means nothing
 * @retval SL_OK         judged (accepted or not)
 * @retval SL_INVALID    type unknown, policy missing, report_data not of 64 bytes, both report_data
 *                       and nonce given
 * @retval SL_NO_MEMORY
 * @owner caller frees with sl_attest_result_free
 * @context any thread; allocates */
sl_rc sl_attest_verify(const struct sl_attest_input *input,
                       struct sl_attest_result **ret_result) SL_MUST_CHECK;
void sl_attest_result_free(struct sl_attest_result *result);

/** AFFIRMING or WARNED: no failure was found. Everything else must be refused. */
enum sl_attest_status sl_attest_result_status(const struct sl_attest_result *result);
/** The one question of a relying party. */
bool sl_attest_result_is_accepted(const struct sl_attest_result *result);
struct sl_attest_vector sl_attest_result_vector(const struct sl_attest_result *result);
enum sl_tcb_status sl_attest_result_tcb_status(const struct sl_attest_result *result);
size_t sl_attest_result_finding_count(const struct sl_attest_result *result);
/** @return NULL at or above the count; lives as long as the result */
const struct sl_attest_finding *sl_attest_result_finding(const struct sl_attest_result *result,
                                                         size_t index);
/** The whole result: status, vector, tcb, claims (every field of the evidence), findings, validity.
 * @param[out] ret_text  terminated UTF-8, the caller's to free */
sl_rc sl_attest_result_json(const struct sl_attest_result *result, char **ret_text) SL_MUST_CHECK;
/** The result as an EAR (JWT, ES256, key in the header's "jwk").
 * @param[in] key_pem    EC P-256 private key of the verifier
 * @retval SL_OK, SL_INVALID (key), SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_attest_result_ear(const struct sl_attest_result *result, struct sl_blob key_pem,
                           char **ret_jwt) SL_MUST_CHECK;

/** Every field of the evidence as JSON, without judging.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (version), SL_NO_MEMORY */
sl_rc sl_attest_inspect(enum sl_attest_type type, struct sl_blob evidence,
                        char **ret_json) SL_MUST_CHECK;

/** Keeps what verified, keyed by the hash of its bytes, so that the next quote of the same platform
 * costs its own signatures only. Times and revocation are checked again on every use. */
sl_rc sl_attest_cache_create(size_t entries_max, struct sl_attest_cache **ret_cache) SL_MUST_CHECK;
void sl_attest_cache_free(struct sl_attest_cache *cache);

#ifdef __cplusplus
}
#endif
#endif
