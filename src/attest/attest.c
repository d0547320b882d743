/* SPDX-License-Identifier: Apache-2.0 */
/* Entry to the verifiers: checks the call itself, hands over to the verifier of the evidence's
 * type, and concludes. */
#include <stdlib.h>

#include "attest/verify.h"

static bool is_input_valid(const struct sl_attest_input *input)
{
    if (input == NULL || input->policy == NULL || input->evidence.data == NULL) {
        return false;
    }
    if (input->policy->reference_count > SL_ATTEST_REFERENCES_MAX) {
        return false;
    }
    bool has_report_data = input->report_data.data != NULL;
    bool has_nonce = input->nonce.data != NULL;
    if (has_report_data && has_nonce) {
        return false;
    }
    if (has_report_data && input->report_data.size != 64) {
        return false;
    }
    return !has_nonce || (input->nonce.size > 0 && input->nonce.size <= 64);
}

sl_rc sl_attest_verify(const struct sl_attest_input *input, struct sl_attest_result **ret_result)
{
    if (!is_input_valid(input)) {
        return SL_INVALID;
    }
    sl_rc (*verify)(const struct sl_attest_input *, struct sl_attest_result *) = NULL;
    switch (input->type) {
    case SL_ATTEST_SGX:
        verify = sl_attest_sgx_verify;
        break;
    case SL_ATTEST_TDX:
        verify = sl_attest_tdx_verify;
        break;
    case SL_ATTEST_SNP:
        verify = sl_attest_snp_verify;
        break;
    }
    if (verify == NULL) {
        return SL_INVALID;
    }
    struct sl_attest_result *result = sl_result_create(input);
    if (result == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = verify(input, result);
    if (rc != SL_OK) {
        sl_attest_result_free(result);
        return rc;
    }
    sl_result_conclude(result);
    *ret_result = result;
    return SL_OK;
}

sl_rc sl_attest_inspect(enum sl_attest_type type, struct sl_blob evidence, char **ret_json)
{
    if (evidence.data == NULL) {
        return SL_TRUNCATED;
    }
    json_t *json = NULL;
    sl_rc rc = SL_UNSUPPORTED;
    switch (type) {
    case SL_ATTEST_SGX:
        rc = sl_attest_sgx_inspect(evidence, &json);
        break;
    case SL_ATTEST_TDX:
        rc = sl_attest_tdx_inspect(evidence, &json);
        break;
    case SL_ATTEST_SNP:
        rc = sl_attest_snp_inspect(evidence, &json);
        break;
    }
    if (rc != SL_OK) {
        return rc;
    }
    char *text = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (text == NULL) {
        return SL_NO_MEMORY;
    }
    *ret_json = text;
    return SL_OK;
}
