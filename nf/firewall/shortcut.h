/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the state of the connection alone decides. Most policies begin with "ct state
 * established,related accept": nothing else of such a packet needs to be looked at.
 */
#ifndef SL_NF_FIREWALL_SHORTCUT_H
#define SL_NF_FIREWALL_SHORTCUT_H

#include "firewall/classifier.h"
#include "safelib/flow.h"

enum {
    FW_STATES = SL_FLOW_FULL, /**< FULL is nothing that rules know */
    FW_WAYS = 3,              /**< both directions, and packets of no flow */
    FW_NO_WAY = 2,
};

/** Rules by state (enum sl_flow_class, below FW_STATES) and way; SL_RULE_DEFAULT: it takes more to
 * decide. */
struct fw_shortcuts {
    uint32_t rules[FW_STATES][FW_WAYS];
};

/** What connection tracking says, in the words of rules. */
struct fw_ct fw_ct_of(const struct sl_flow *flow);

/** @param family  SL_FW_IP4 or SL_FW_IP6 */
void fw_shortcuts_find(const struct fw_rules *rules, uint8_t family,
                       struct fw_shortcuts *ret_shortcuts);

/** The rule that decides, or SL_RULE_DEFAULT. */
static inline uint32_t fw_shortcut(const struct fw_shortcuts *shortcuts, const struct sl_flow *flow)
{
    uint32_t way = flow->handle != SL_FLOW_NONE ? flow->direction : (uint32_t)FW_NO_WAY;
    return shortcuts->rules[flow->relation][way];
}

#endif
