/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the rules that a connection's state alone leads to. */
#include "firewall/shortcut.h"

struct fw_ct fw_ct_of(const struct sl_flow *flow)
{
    static const uint8_t states[FW_STATES] = {
        [SL_FLOW_INVALID] = SL_FW_CT_INVALID,         [SL_FLOW_NEW] = SL_FW_CT_NEW,
        [SL_FLOW_ESTABLISHED] = SL_FW_CT_ESTABLISHED, [SL_FLOW_RELATED] = SL_FW_CT_RELATED,
        [SL_FLOW_UNTRACKED] = SL_FW_CT_UNTRACKED,
    };
    return (struct fw_ct){.state = states[flow->relation],
                          .direction = flow->direction,
                          .has_direction = flow->handle != SL_FLOW_NONE};
}

/* Whether the rule lets a value of a dimension pass. @param has  false: a packet without one */
static bool has_value(const struct fw_rules *rules, const struct fw_rule *rule, uint32_t dim,
                      bool has, uint8_t value)
{
    const struct fw_interval *intervals = &rules->intervals[rule->first[dim]];
    for (uint32_t i = 0; has && i < rule->count[dim]; i++) {
        if (value >= intervals[i].lo && value <= intervals[i].hi) {
            return true;
        }
    }
    return rule->count[dim] == 0;
}

static bool asks_for_more(const struct fw_rule *rule)
{
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        if (rule->count[dim] != 0 && dim != SL_FW_DIM_CT_STATE && dim != SL_FW_DIM_CT_DIRECTION) {
            return true;
        }
    }
    return false;
}

/* The first rule that such a packet may come to, if it surely does. */
static uint32_t find(const struct fw_rules *rules, uint8_t family, const struct fw_ct *ct)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct fw_rule *rule = &rules->rules[i];
        if ((rule->families & family) == 0 ||
            !has_value(rules, rule, SL_FW_DIM_CT_STATE, true, ct->state) ||
            !has_value(rules, rule, SL_FW_DIM_CT_DIRECTION, ct->has_direction, ct->direction)) {
            continue;
        }
        return rule->action == SL_FW_SKIP || asks_for_more(rule) ? (uint32_t)SL_RULE_DEFAULT : i;
    }
    return SL_RULE_DEFAULT;
}

void fw_shortcuts_find(const struct fw_rules *rules, uint8_t family,
                       struct fw_shortcuts *ret_shortcuts)
{
    for (uint32_t state = 0; state < FW_STATES; state++) {
        for (uint32_t way = 0; way < FW_WAYS; way++) {
            const struct sl_flow flow = {.handle = way == FW_NO_WAY ? SL_FLOW_NONE : 1,
                                         .relation = (uint8_t)state,
                                         .direction = way == FW_NO_WAY ? 0 : (uint8_t)way};
            const struct fw_ct ct = fw_ct_of(&flow);
            ret_shortcuts->rules[state][way] = find(rules, family, &ct);
        }
    }
}
