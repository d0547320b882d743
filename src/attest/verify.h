/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a verifier of one evidence type offers to attest.c. It fills in findings, tcb, claims and
 * the validity, sets the claims it affirms in the vector to SL_AR4SI_AFFIRMING, and does not
 * conclude.
 */
#ifndef SL_ATTEST_VERIFY_H
#define SL_ATTEST_VERIFY_H

#include "attest/result.h"

enum { SL_AR4SI_AFFIRMING = 2 };

/** @retval SL_OK         judged: the findings say how
 *  @retval SL_NO_MEMORY  not judged */
sl_rc sl_attest_sgx_verify(const struct sl_attest_input *input,
                           struct sl_attest_result *result) SL_MUST_CHECK;
sl_rc sl_attest_tdx_verify(const struct sl_attest_input *input,
                           struct sl_attest_result *result) SL_MUST_CHECK;
sl_rc sl_attest_snp_verify(const struct sl_attest_input *input,
                           struct sl_attest_result *result) SL_MUST_CHECK;

/** Every field as a JSON object. @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED,
 * SL_NO_MEMORY */
sl_rc sl_attest_sgx_inspect(struct sl_blob evidence, json_t **ret_json) SL_MUST_CHECK;
sl_rc sl_attest_tdx_inspect(struct sl_blob evidence, json_t **ret_json) SL_MUST_CHECK;
sl_rc sl_attest_snp_inspect(struct sl_blob evidence, json_t **ret_json) SL_MUST_CHECK;

#endif
