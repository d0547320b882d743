/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * TPM 2.0 quotes (TPM 2.0 Library part 2, 10.12.8 TPMS_ATTEST; part 3, 18.4 TPM2_Quote): reading,
 * signature, and the judgement of one quote against what a verifier asked for and remembers.
 */
#ifndef SL_ATTEST_TPM_QUOTE_H
#define SL_ATTEST_TPM_QUOTE_H

#include <openssl/evp.h>

#include "attest/findings.h"
#include "attest/tpm_alg.h"
#include "base/err.h"

enum { SL_TPM_BANKS_MAX = 16 };

/** TPML_PCR_SELECTION. */
struct sl_tpm_selection {
    uint32_t count;
    struct {
        uint16_t alg;  /**< TPM_ALG_ID of the bank */
        uint32_t mask; /**< bit per PCR, 0 to 23 */
    } banks[SL_TPM_BANKS_MAX];
};

/** TPMS_CLOCK_INFO. */
struct sl_tpm_clock {
    uint64_t clock_ms;
    uint32_t reset_count;   /**< grows with every TPM Reset (reboot) */
    uint32_t restart_count; /**< grows with every resume */
    bool is_safe;
};

/** A quote's TPMS_ATTEST; pointers into its bytes. */
struct sl_tpm_quote {
    struct sl_blob signer; /**< qualified name of the AK */
    struct sl_blob nonce;  /**< extraData */
    struct sl_tpm_clock clock;
    uint64_t firmware_version;
    struct sl_tpm_selection selection;
    struct sl_blob pcr_digest;
};

/** @retval SL_OK, SL_TRUNCATED
 * @retval SL_MALFORMED    magic is not TPM_GENERATED_VALUE, a length is impossible, or bytes are
 * left
 * @retval SL_UNSUPPORTED  an attestation that is no quote */
sl_rc sl_tpm_quote_read(struct sl_blob attest, struct sl_tpm_quote *ret_quote,
                        struct sl_err *err) SL_MUST_CHECK;

/** Checks TPMT_SIGNATURE (RSASSA, RSAPSS, ECDSA), or a plain signature (RSA octets, ECDSA DER) over
 * SHA-256, as tpm2_quote -f plain writes it.
 * @param[out] ret_alg  TPM_ALG_ID of the signature's hash: the PCR digest is made with it
 * @retval SL_OK, SL_AUTH, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED (scheme, hash; SHA-1),
 *         SL_MISMATCH (key of another kind), SL_NO_MEMORY */
sl_rc sl_tpm_signature_verify(EVP_PKEY *ak, struct sl_blob attest, struct sl_blob signature,
                              uint16_t *ret_alg, struct sl_err *err) SL_MUST_CHECK;

/** Values of PCRs in banks. */
struct sl_tpm_pcrs {
    uint32_t count;
    struct {
        uint16_t alg;
        uint32_t mask; /**< which of `value` are known */
        uint8_t value[SL_TPM_PCR_COUNT][SL_TPM_DIGEST_MAX];
    } banks[SL_TPM_BANKS_MAX];
};
const uint8_t *sl_tpm_pcrs_find(const struct sl_tpm_pcrs *pcrs, uint16_t alg, uint32_t pcr);
/** @retval SL_OK, SL_RANGE (PCR, too many banks), SL_UNSUPPORTED (bank) */
sl_rc sl_tpm_pcrs_put(struct sl_tpm_pcrs *pcrs, uint16_t alg, uint32_t pcr,
                      const uint8_t *value) SL_MUST_CHECK;

/** TPM2_Quote's digest: hash over the values of the selection, in its order.
 * @retval SL_OK, SL_NOT_FOUND (a selected value is not known), SL_UNSUPPORTED, SL_CRYPTO */
sl_rc sl_tpm_pcr_digest(const struct sl_tpm_selection *selection, const struct sl_tpm_pcrs *pcrs,
                        uint16_t alg, uint8_t out[SL_TPM_DIGEST_MAX],
                        size_t *ret_size) SL_MUST_CHECK;

/** What a verifier asks of a quote. Zero or NULL: not asked. */
struct sl_tpm_expectation {
    struct sl_blob nonce;
    struct sl_tpm_selection required; /**< the quote's selection must contain it */
    const struct sl_tpm_pcrs *pcrs;   /**< must hash to the quoted digest */
    bool has_previous;
    struct sl_tpm_clock previous; /**< of the last accepted quote of this AK */
    uint64_t previous_firmware;
};

/** Judges a quote; every failure becomes a finding. A selection of nothing is refused always.
 * @param[out] ret_quote      as read, where the bytes are a quote; zeroed otherwise
 * @param[out] ret_is_reboot  resetCount has grown since `previous`
 * @retval SL_OK  judged: see @p findings  @retval SL_NO_MEMORY */
sl_rc sl_tpm_quote_check(EVP_PKEY *ak, struct sl_blob attest, struct sl_blob signature,
                         const struct sl_tpm_expectation *expected, struct sl_findings *findings,
                         struct sl_tpm_quote *ret_quote, bool *ret_is_reboot) SL_MUST_CHECK;

#endif
