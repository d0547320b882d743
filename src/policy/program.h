/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A firewall program under construction: matches as sets per dimension, and the flat list of rules.
 */
#ifndef SL_POLICY_PROGRAM_H
#define SL_POLICY_PROGRAM_H

#include "base/err.h"
#include "firewall/format.h"
#include "policy/policy.h"
#include "policy/set.h"

/** What a rule asks for; a set that is NULL asks nothing. */
struct pol_match {
    uint8_t families; /**< SL_FW_IP4 | SL_FW_IP6 */
    bool is_th;       /**< asks for ports of whatever protocol: PROTO must say which */
    const struct pol_set *sets[SL_FW_DIM_COUNT];
};

struct pol_rule {
    struct pol_match match;
    uint8_t action; /**< enum sl_fw_action */
    uint8_t code4, code6;
    uint32_t skip_to;
    uint32_t line;
    const char *text;
    const char *chain;
};

struct pol_program {
    struct pol_arena arena;
    struct pol_rule *rules;
    uint32_t count, room;
    uint64_t interval_count;
    uint8_t default_action;
};

pol_key pol_dim_max(uint32_t dim);
uint32_t pol_dim_width(uint32_t dim);
struct pol_match pol_match_all(void);
/** Narrows @p match in one dimension.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc pol_match_narrow(struct pol_program *program, struct pol_match *match, uint32_t dim,
                       const struct pol_set *set) SL_MUST_CHECK;
/** @p match becomes what both ask. */
sl_rc pol_match_meet(struct pol_program *program, struct pol_match *match,
                     const struct pol_match *other) SL_MUST_CHECK;
/** True where ports are asked for (th) and the protocol may be one without ports, whose bytes the
 * kernel would then read as ports. */
bool pol_match_is_th_open(const struct pol_match *match);
/** True where no packet can match. */
bool pol_match_is_never(const struct pol_match *match);

/** Appends a rule; its number is count - 1 afterwards.
 * @retval SL_OK, SL_NO_MEMORY, SL_RANGE (SL_FW_RULES_MAX, SL_FW_INTERVALS_MAX) */
sl_rc pol_program_add(struct pol_program *program, const struct pol_rule *rule,
                      struct sl_err *err) SL_MUST_CHECK;
/** Makes the bundle and the names. @p source and @p kind are copied. */
sl_rc pol_program_finish(const struct pol_program *program, const char *source, const char *kind,
                         struct sl_policy *ret_policy, struct sl_err *err) SL_MUST_CHECK;
void pol_program_done(struct pol_program *program);

#endif
