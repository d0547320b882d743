/* SPDX-License-Identifier: Apache-2.0 */
/* What is on its way. */
#include "safelib/attest.h"

sl_rc sl_attest_result_ear(const struct sl_attest_result *result, struct sl_blob key_pem,
                           char **ret_jwt)
{
    return SL_UNSUPPORTED;
}
