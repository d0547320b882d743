/* SPDX-License-Identifier: Apache-2.0 */
/* Which image it is: known, new, rolled back, forked. */
#include "gateway/instance.h"

#include <string.h>

static const struct {
    const char *word;
    bool is_taken;
} verdicts[] = {
#define ROW(name, word, taken, text) {word, taken},
    SL_INSTANCE_VERDICT_TABLE(ROW)
#undef ROW
};

const char *sl_instance_verdict_word(enum sl_instance_verdict verdict)
{
    return verdicts[verdict].word;
}

bool sl_instance_is_taken(enum sl_instance_verdict verdict)
{
    return verdicts[verdict].is_taken;
}

enum sl_instance_verdict sl_instance_judge(const struct sl_durable *durable,
                                           const struct sl_msg_instance *told, bool is_other_alive)
{
    bool is_same = durable->has_instance &&
                   memcmp(durable->instance, told->instance, sizeof(told->instance)) == 0;
    if (told->epoch == 0) {
        /* what was provisioned has sealed that it was */
        return !is_same         ? SL_INSTANCE_FRESH
               : is_other_alive ? SL_INSTANCE_FORK
                                : SL_INSTANCE_ROLLED_BACK;
    }
    if (told->epoch > durable->epoch) {
        return SL_INSTANCE_AHEAD;
    }
    /* a provisioning that broke off may not have reached the image */
    if (is_same && (told->epoch == durable->epoch || told->epoch == durable->epoch_done)) {
        return SL_INSTANCE_KNOWN;
    }
    return is_other_alive ? SL_INSTANCE_FORK
           : is_same      ? SL_INSTANCE_ROLLED_BACK
                          : SL_INSTANCE_SUPERSEDED;
}
