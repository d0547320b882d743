/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The node's TPM by ESAPI: endorsement key from its default template (TCG EK Credential Profile
 * 2.3, B.3.3 RSA 2048 and B.3.4 ECC P-256), an attestation key below it, credential activation,
 * quotes. Every call waits while the TPM is busy.
 */
#ifndef SL_AGENT_TPM_H
#define SL_AGENT_TPM_H

#include <stdbool.h>
#include <tss2/tss2_esys.h>

#include "base/err.h"

enum {
    SL_AGENT_BLOB_MAX = 2048,    /**< of a key, marshalled */
    SL_AGENT_CERT_MAX = 8 << 10, /**< of an EK certificate */
    SL_AGENT_SELECTIONS_MAX = 4, /**< banks in one quote */
};

/** Bytes with their size. */
struct sl_agent_blob {
    uint8_t data[SL_AGENT_BLOB_MAX];
    size_t size;
};

struct sl_agent_tpm {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR ek, ak;
    bool is_ecc;
    struct sl_agent_blob ek_public; /**< TPM2B_PUBLIC */
};

/** PCRs of one bank. */
struct sl_agent_selection {
    uint16_t alg;  /**< TPM_ALG_ID */
    uint32_t mask; /**< bit per PCR, 0 to 23 */
};

/** Opens the TPM and makes its EK.
 * @param[in] tcti  as of tpm2-tools: "device:/dev/tpmrm0", "swtpm:path=/run/swtpm.sock"
 * @retval SL_OK
 * @retval SL_IO  no such TPM, or it refuses; err has the TPM's words
 * @owner caller calls sl_agent_tpm_close, also after a failure */
sl_rc sl_agent_tpm_open(const char *tcti, bool is_ecc, struct sl_agent_tpm *ret_tpm,
                        struct sl_err *err) SL_MUST_CHECK;
void sl_agent_tpm_close(struct sl_agent_tpm *tpm);

/** The EK's certificate (DER, cut to its own length) from its NV index (profile 2.2.1.4).
 * @retval SL_OK, SL_NOT_FOUND (the TPM has none), SL_RANGE (longer than @p size_max), SL_MALFORMED
 * (no DER sequence), SL_IO */
sl_rc sl_agent_tpm_ek_cert(struct sl_agent_tpm *tpm, uint8_t *out, size_t size_max,
                           size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;

/** A new AK (ECC P-256, ECDSA with SHA-256, restricted) below the EK; not loaded.
 * @param[out] ret_private  wrapped by the TPM: of use to no other
 * @retval SL_OK, SL_IO */
sl_rc sl_agent_tpm_ak_create(struct sl_agent_tpm *tpm, struct sl_agent_blob *ret_public,
                             struct sl_agent_blob *ret_private, struct sl_err *err) SL_MUST_CHECK;
/** @retval SL_OK, SL_MALFORMED (blob), SL_IO (of another TPM, or its owner has changed) */
sl_rc sl_agent_tpm_ak_load(struct sl_agent_tpm *tpm, const struct sl_agent_blob *public,
                           const struct sl_agent_blob *private, struct sl_err *err) SL_MUST_CHECK;

/** TPM2_ActivateCredential with the loaded AK.
 * @param[in] blob    TPM2B_ID_OBJECT
 * @param[in] wrapped TPM2B_ENCRYPTED_SECRET
 * @retval SL_OK, SL_MALFORMED, SL_IO (not for this EK and AK) */
sl_rc sl_agent_tpm_activate(struct sl_agent_tpm *tpm, const struct sl_agent_blob *blob,
                            const struct sl_agent_blob *wrapped, struct sl_agent_blob *ret_secret,
                            struct sl_err *err) SL_MUST_CHECK;

/** @param[out] ret_quote  TPMS_ATTEST
 * @param[out] ret_signature  TPMT_SIGNATURE
 * @retval SL_OK, SL_RANGE (nonce over 64 bytes, nothing selected), SL_IO (a bank it has not) */
sl_rc sl_agent_tpm_quote(struct sl_agent_tpm *tpm, const uint8_t *nonce, size_t nonce_size,
                         const struct sl_agent_selection *selections, size_t count,
                         struct sl_agent_blob *ret_quote, struct sl_agent_blob *ret_signature,
                         struct sl_err *err) SL_MUST_CHECK;

/** SHA-256 bank. @retval SL_OK, SL_NOT_FOUND (the TPM has not this bank), SL_IO */
sl_rc sl_agent_tpm_pcr_read(struct sl_agent_tpm *tpm, uint32_t pcr, uint8_t ret_value[32],
                            struct sl_err *err) SL_MUST_CHECK;
/** TPM2_PCR_Event: extends each bank with its hash of the data.
 * @param[in] size  at most 1024
 * @retval SL_OK, SL_RANGE, SL_IO */
sl_rc sl_agent_tpm_pcr_event(struct sl_agent_tpm *tpm, uint32_t pcr, const void *data, size_t size,
                             struct sl_err *err) SL_MUST_CHECK;

#endif
