/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/policy.h"

#include <stdlib.h>
#include <string.h>

void sl_monitor_policy_done(struct sl_monitor_policy *policy)
{
    free(policy->ek_roots);
    free(policy->tee_roots);
    free(policy->ima_keys);
    sl_ima_keyring_free(policy->ima_keyring);
    memset(policy, 0, sizeof(*policy));
}
