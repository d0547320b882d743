/* SPDX-License-Identifier: Apache-2.0 */
/* Types whose verifiers are on their way: everything is refused until then. A verifier that arrives
 * takes its functions out of here. */
#include "attest/verify.h"

static sl_rc refuse(struct sl_attest_result *result)
{
    sl_finding_add(&result->findings, SL_CHECK_EVIDENCE_VERSION,
                   "this build has no verifier of this evidence type: nothing is accepted");
    return SL_OK;
}

sl_rc sl_attest_snp_verify(const struct sl_attest_input *input, struct sl_attest_result *result)
{
    return refuse(result);
}
sl_rc sl_attest_snp_inspect(struct sl_blob evidence, json_t **ret_json)
{
    return SL_UNSUPPORTED;
}
sl_rc sl_attest_result_ear(const struct sl_attest_result *result, struct sl_blob key_pem,
                           char **ret_jwt)
{
    return SL_UNSUPPORTED;
}
