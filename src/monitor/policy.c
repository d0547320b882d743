/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/policy.h"

#include <stdlib.h>
#include <string.h>

void sl_monitor_policy_done(struct sl_monitor_policy *policy)
{
    free(policy->ek_roots);
    free(policy->tee_roots);
    memset(policy, 0, sizeof(*policy));
}
