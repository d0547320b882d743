/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A compiled policy of one NF under construction: its bytes, and its rules' names.
 */
#ifndef SL_POLICY_SINGLE_H
#define SL_POLICY_SINGLE_H

#include "base/bytes.h"
#include "policy/policy.h"

struct pol_single {
    struct sl_policy policy;
    struct sl_writer w; /**< the NF's own bytes go here */
    size_t size_off;
    uint32_t rule_room;
};

/** Starts a bundle for @p nf of at most @p size_max bytes of policy.
 * @retval SL_OK, SL_NO_MEMORY, SL_IO (the clock, which numbers versions) */
sl_rc pol_single_init(struct pol_single *single, const char *nf, const char *kind,
                      const char *source, size_t size_max, struct sl_err *err) SL_MUST_CHECK;
/** Names the next rule; texts are copied.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc pol_single_rule(struct pol_single *single, uint32_t line, const char *text,
                      const char *action, struct sl_err *err) SL_MUST_CHECK;
/** Closes the bundle.
 * @param default_action  what becomes of packets that no rule has
 * @retval SL_OK     @p ret_policy is the caller's
 * @retval SL_RANGE  more bytes than promised; then, and where anything else fails, call done */
sl_rc pol_single_finish(struct pol_single *single, const char *default_action,
                        struct sl_policy *ret_policy, struct sl_err *err) SL_MUST_CHECK;
void pol_single_done(struct pol_single *single);

#endif
