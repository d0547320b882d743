/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Is the image that was just attested the one that this gateway knows? Attestation says what runs;
 * this says which. An image makes a random instance at its first start and seals it together with
 * the epoch, a count of provisionings that the gateway remembers durably and raises each time.
 */
#ifndef SL_GATEWAY_INSTANCE_H
#define SL_GATEWAY_INSTANCE_H

#include <stdbool.h>

#include "control/message.h"
#include "gateway/durable.h"

/** name, word, is it taken, what it means */
#define SL_INSTANCE_VERDICT_TABLE(X)                                                               \
    X(FRESH, "fresh", true, "never provisioned")                                                   \
    X(KNOWN, "known", true, "the one that this gateway provisioned last")                          \
    X(AHEAD, "ahead", true, "provisioned since by another gateway of this tenant")                 \
    X(ROLLED_BACK, "rolled_back", false, "its sealed state is older than its last provisioning")   \
    X(FORK, "fork", false, "a second one claims the identity of one that is still alive")          \
    X(SUPERSEDED, "superseded", false, "another instance was provisioned after it")

enum sl_instance_verdict {
#define SL_INSTANCE_VERDICT_ENUM(name, word, taken, text) SL_INSTANCE_##name,
    SL_INSTANCE_VERDICT_TABLE(SL_INSTANCE_VERDICT_ENUM)
#undef SL_INSTANCE_VERDICT_ENUM
};
const char *sl_instance_verdict_word(enum sl_instance_verdict verdict);
bool sl_instance_is_taken(enum sl_instance_verdict verdict);

/** @param[in] durable  what this gateway remembers
 * @param[in] told      what the image said of itself
 * @param[in] is_other_alive  an image with another key has our SAs, and its lease is not over */
enum sl_instance_verdict sl_instance_judge(const struct sl_durable *durable,
                                           const struct sl_msg_instance *told, bool is_other_alive);

#endif
