/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's judgement of entries, without its TPM. */
#include "monitor/offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/tpm_ima.h"

struct sl_offline {
    struct sl_appraisal_input input;
    struct sl_tpm_round round;
    struct sl_tpm_state state;
    struct sl_appraisal appraisal;
    struct sl_tpm_container containers[SL_POLICY_SLOTS_MAX];
};

struct sl_offline *sl_offline_create(const struct sl_monitor_policy *policy,
                                     const struct sl_refvals *refvals)
{
    struct sl_offline *offline = calloc(1, sizeof(*offline));

    if (offline == NULL) {
        return NULL;
    }
    offline->input = (struct sl_appraisal_input){.policy = policy, .refvals = refvals};
    offline->round = (struct sl_tpm_round){
        .input = &offline->input,
        .policy = policy,
        .appraisal = &offline->appraisal,
        .state = &offline->state,
        .containers = offline->containers,
    };
    offline->round.host = sl_appraisal_subject(&offline->appraisal, SL_SUBJECT_HOST, "host");
    /* every slot is held by a container of its name: nobody lists them here */
    for (uint32_t i = 0; i < policy->slot_count; i++) {
        struct sl_tpm_container *container = &offline->containers[i];

        container->slot = (int)i;
        container->image_rule = -1;
        (void)snprintf(container->id, sizeof(container->id), "slot-%u", policy->slots[i].pcr);
    }
    offline->round.container_count = policy->slot_count;
    offline->state.images_seen = UINT32_MAX; /* containers of any image may have run */
    /* what the policy quotes is taken as quoted, but for the boot PCRs, whose values are not here
     */
    offline->round.quote.selection = policy->pcrs;
    for (uint32_t i = 0; i < policy->pcrs.count; i++) {
        offline->round.quote.selection.banks[i].mask &= ~0x3ffu;
    }
    if (offline->round.host == NULL) {
        sl_offline_free(offline);
        return NULL;
    }
    return offline;
}

void sl_offline_free(struct sl_offline *offline)
{
    if (offline != NULL) {
        sl_appraisal_done(&offline->appraisal);
        free(offline);
    }
}

void sl_offline_entry(struct sl_offline *offline, const struct sl_ima_entry *entry,
                      bool is_hash_good)
{
    sl_tpm_entry_judge(&offline->round, entry, is_hash_good);
}

sl_rc sl_offline_finish(struct sl_offline *offline, struct sl_appraisal *ret_appraisal)
{
    struct sl_tpm_round *round = &offline->round;
    sl_rc rc;

    for (uint32_t i = 0; i < round->state->record_count; i++) {
        if (round->state->records[i].kind == SL_SUBJECT_HOST) {
            sl_tpm_record_tell(round, round->host, &round->state->records[i]);
        }
    }
    rc = sl_tpm_containers_judge(round);
    *ret_appraisal = offline->appraisal;
    memset(&offline->appraisal, 0, sizeof(offline->appraisal));
    return rc;
}
