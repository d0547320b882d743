/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inside of an appraisal's result: what the verifiers of the evidence types fill in, and what the
 * JSON and the EAR are made of.
 */
#ifndef SL_ATTEST_RESULT_H
#define SL_ATTEST_RESULT_H

#include <jansson.h>

#include "attest/findings.h"
#include "safelib/attest.h"

enum { SL_POLICY_ID_SIZE = 96 };

struct sl_attest_result {
    enum sl_attest_type type;
    struct sl_findings findings;
    enum sl_attest_status status;   /**< set by sl_result_conclude */
    struct sl_attest_vector vector; /**< 2 where a verifier affirmed a claim, then lowered by
                                         sl_result_conclude for each finding */
    enum sl_tcb_status tcb_status;  /**< SL_TCB_UNKNOWN until judged */
    bool is_emulated;
    json_t *tcb;       /**< object: date, evaluation number, advisories of the level that matched */
    json_t *claims;    /**< object: every field of the evidence */
    json_t *appraised; /**< object: what was judged beside the evidence (certificate, collateral) */
    int64_t time_s;    /**< at which it was judged */
    int64_t not_before_s, not_after_s; /**< everything that was used is valid in [from, until] */
    uint8_t report_data[64];
    bool has_report_data;
    /* What an EAR names beside the verdict. */
    uint8_t *evidence; /**< a copy: only an EAR needs its hash, which costs more than the copy */
    size_t evidence_size;
    uint8_t
        nonce[64]; /**< that the caller expected, or the report_data it did; nonce_size 0: none */
    size_t nonce_size;
    char policy_id[SL_POLICY_ID_SIZE];
};

/** @return NULL: out of memory */
struct sl_attest_result *sl_result_create(const struct sl_attest_input *input);

/** Narrows the interval in which the verdict holds. */
void sl_result_validity_narrow(struct sl_attest_result *result, int64_t not_before_s,
                               int64_t not_after_s);

/** Draws status and vector from the findings. The last step of every verification. */
void sl_result_conclude(struct sl_attest_result *result);

/** The result as a JSON object; new reference, NULL: out of memory. */
json_t *sl_result_to_json(const struct sl_attest_result *result);

/** The vector with the claim names of draft-ietf-rats-ar4si; claims of 0 are left out. */
json_t *sl_result_vector_json(const struct sl_attest_vector *vector);

/** Compares the evidence's report_data with what the caller expects (input->report_data or nonce);
 * affirms `sourced_data` where it does. */
void sl_result_check_report_data(struct sl_attest_result *result,
                                 const struct sl_attest_input *input,
                                 const uint8_t report_data[64]);

/** Claims that every EAR has: profile, verifier, time. @return new reference; NULL: no memory */
json_t *sl_ear_claims(int64_t time_s);
/** Signs claims as a JWT by ES256, with the key and its thumbprint in the header (RFC 7515, 7518
 * 3.4, 7517, 7638).
 * @param[in] key_pem  P-256 private key, not encrypted
 * @retval SL_OK      @p ret_jwt is the caller's to free
 * @retval SL_INVALID no such key  @retval SL_CRYPTO, SL_NO_MEMORY */
sl_rc sl_ear_sign(const json_t *claims, struct sl_blob key_pem, char **ret_jwt) SL_MUST_CHECK;
/** The public half as a JWK, with kid, alg and use. @retval as sl_ear_sign */
sl_rc sl_ear_jwk(struct sl_blob key_pem, json_t **ret_jwk) SL_MUST_CHECK;

/** A URN with the hash of everything a policy says. */
void sl_policy_id(const struct sl_attest_policy *policy, char out[SL_POLICY_ID_SIZE]);

/** Small helpers of the inspectors: hex string, RFC 3339 UTC. New references. */
json_t *sl_json_hex(const uint8_t *data, size_t size);
json_t *sl_json_time(int64_t time_s);
/** Steals @p value; a NULL value or object is remembered by *io_rc = SL_NO_MEMORY. */
void sl_json_put(json_t *object, const char *key, json_t *value, sl_rc *io_rc);

enum { SL_TIME_TEXT_SIZE = 32 };
/** "2025-05-14T00:00:00Z" of a UNIX time. */
void sl_time_text(int64_t time_s, char out[SL_TIME_TEXT_SIZE]);

#endif
