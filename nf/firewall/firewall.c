/* SPDX-License-Identifier: Apache-2.0 */
/* The range-match firewall: first match over addresses, ports, protocol, flags, ICMP, fragments,
 * and, where a rule asks for it, the state of the connection. Without such a rule it keeps no
 * flows. */
#include <stdio.h>
#include <stdlib.h>

#include "firewall/classifier.h"
#include "firewall/shortcut.h"
#include "safelib/flow.h"
#include "safelib/packet.h"
#include "safelib/reply.h"

struct counter {
    uint64_t packets;
    uint64_t bytes;
};

/* What a rule does, kept from the policy. */
struct action {
    uint8_t kind; /* enum sl_fw_action */
    uint8_t code4;
    uint8_t code6;
    uint32_t skip_to; /* rule where SL_FW_SKIP goes on */
};

enum { TABLE4 = 0, TABLE6 = 1 };

/* The compiled policy, megabytes: never written once it is built, so the shards share it. */
struct program {
    uint32_t references; /* counted on the control thread only */
    uint32_t rule_count;
    uint8_t default_action;
    bool is_stateful;
    struct fw_table tables[2];
    struct fw_shortcuts shortcuts[2];
    struct action *actions; /* per rule */
};

/* One shard's state. */
struct firewall {
    struct program *program;
    struct counter
        *counters; /* per rule, then the default's, then of packets without room for their flow */
};

static void program_drop(struct program *program)
{
    if (program == NULL || --program->references > 0) {
        return;
    }
    fw_table_done(&program->tables[TABLE4]);
    fw_table_done(&program->tables[TABLE6]);
    free(program->actions);
    free(program);
}

static void firewall_unload(void *state)
{
    struct firewall *firewall = state;
    if (firewall == NULL) {
        return;
    }
    program_drop(firewall->program);
    free(firewall->counters);
    free(firewall);
}

static sl_rc build_actions(struct program *program, const struct fw_rules *rules)
{
    program->actions = calloc((size_t)rules->count + 1, sizeof(*program->actions));
    if (program->actions == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct fw_rule *rule = &rules->rules[i];
        struct action *action = &program->actions[i];
        action->kind = rule->action;
        action->code4 = rule->code4;
        action->code6 = rule->code6;
        action->skip_to = rule->skip_to;
    }
    program->rule_count = rules->count;
    program->default_action = rules->default_action;
    return SL_OK;
}

static sl_rc program_build(const struct fw_rules *rules, struct program **ret_program)
{
    struct program *program = calloc(1, sizeof(*program));
    if (program == NULL) {
        return SL_NO_MEMORY;
    }
    program->references = 1;
    sl_rc rc = fw_table_build(rules, SL_FW_IP4, &program->tables[TABLE4]);
    if (rc == SL_OK) {
        rc = fw_table_build(rules, SL_FW_IP6, &program->tables[TABLE6]);
    }
    if (rc == SL_OK) {
        rc = build_actions(program, rules);
    }
    for (int t = TABLE4; rc == SL_OK && t <= TABLE6; t++) {
        program->is_stateful |= fw_table_has(&program->tables[t], SL_FW_DIM_CT_STATE) ||
                                fw_table_has(&program->tables[t], SL_FW_DIM_CT_DIRECTION);
        fw_shortcuts_find(rules, t == TABLE4 ? SL_FW_IP4 : SL_FW_IP6, &program->shortcuts[t]);
    }
    if (rc != SL_OK) {
        program_drop(program);
        return rc;
    }
    *ret_program = program;
    return SL_OK;
}

/* A shard's state over a program, of which it takes one reference. */
static sl_rc firewall_over(struct program *program, void **ret_state)
{
    struct firewall *firewall = calloc(1, sizeof(*firewall));
    struct counter *counters = calloc((size_t)program->rule_count + 2, sizeof(*counters));
    if (firewall == NULL || counters == NULL) {
        free(firewall);
        free(counters);
        return SL_NO_MEMORY;
    }
    firewall->program = program;
    firewall->counters = counters;
    *ret_state = firewall;
    return SL_OK;
}

static sl_rc firewall_load(const void *policy, size_t size, void **ret_state, char *reason,
                           size_t reason_size)
{
    struct fw_rules rules;
    struct program *program = NULL;
    sl_rc rc = fw_rules_read(policy, size, &rules, reason, reason_size);
    if (rc != SL_OK) {
        return rc;
    }
    rc = program_build(&rules, &program);
    fw_rules_done(&rules);
    if (rc == SL_OK) {
        rc = firewall_over(program, ret_state);
    }
    if (rc != SL_OK) {
        (void)snprintf(reason, reason_size, "classifier of the rules: %s (it may take %u MiB)",
                       sl_rc_text(rc), FW_MEMORY_MAX >> 20);
        program_drop(program);
    }
    return rc;
}

static sl_rc firewall_share(void *state, void **ret_state)
{
    struct firewall *firewall = state;
    sl_rc rc = firewall_over(firewall->program, ret_state);
    if (rc == SL_OK) {
        firewall->program->references++;
    }
    return rc;
}

/* One thread writes, another may read: relaxed, so that a value never tears. */
static void count_packet(struct counter *counter, uint32_t size)
{
    __atomic_store_n(&counter->packets, counter->packets + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&counter->bytes, counter->bytes + size, __ATOMIC_RELAXED);
}

static uint8_t apply(const struct action *action, struct sl_packet *packet)
{
    switch (action->kind) {
    case SL_FW_ACCEPT:
        return SL_VERDICT_PASS;
    case SL_FW_REJECT_ICMP:
        return sl_packet_reply_unreachable(packet, action->code4, action->code6) == SL_OK
                   ? SL_VERDICT_REPLY
                   : SL_VERDICT_DROP;
    case SL_FW_REJECT_RESET:
        return sl_packet_reply_reset(packet) == SL_OK ? SL_VERDICT_REPLY : SL_VERDICT_DROP;
    default:
        return SL_VERDICT_DROP;
    }
}

/* The packet has come to a rule. @return false: it goes on behind it */
static bool obey(struct firewall *firewall, uint32_t rule, struct sl_packet *packet)
{
    const struct action *action = &firewall->program->actions[rule];
    count_packet(&firewall->counters[rule], packet->size);
    if (action->kind == SL_FW_SKIP) {
        return false;
    }
    packet->rule = rule;
    packet->verdict = apply(action, packet);
    return true;
}

static void decide(struct firewall *firewall, const struct fw_table *table,
                   const struct fw_rows *rows, uint32_t index, struct sl_packet *packet)
{
    const struct program *program = firewall->program;
    uint32_t rule = fw_table_match(table, rows, index, 0);
    while (rule != SL_RULE_DEFAULT) {
        if (obey(firewall, rule, packet)) {
            return;
        }
        rule = fw_table_match(table, rows, index, program->actions[rule].skip_to);
    }
    count_packet(&firewall->counters[program->rule_count], packet->size);
    packet->rule = SL_RULE_DEFAULT;
    packet->verdict = program->default_action == SL_FW_ACCEPT ? SL_VERDICT_PASS : SL_VERDICT_DROP;
}

/* Packets of one family. @p cts: one for each packet, or NULL */
static void decide_family(struct firewall *firewall, int family, struct sl_packet *const *packets,
                          const struct fw_ct *cts, uint32_t count)
{
    const struct fw_table *table = &firewall->program->tables[family];
    struct fw_rows rows;
    fw_table_rows(table, (const struct sl_packet *const *)packets, cts, count, &rows);
    for (uint32_t i = 0; i < count; i++) {
        decide(firewall, table, &rows, i, packets[i]);
    }
}

/* The same for both families. */
static void decide_all(struct firewall *firewall, struct sl_packet *const *packets,
                       const struct fw_ct *cts, uint32_t count)
{
    struct sl_packet *own[SL_BURST_MAX];
    struct fw_ct own_cts[SL_BURST_MAX];
    uint32_t count6 = 0;
    for (uint32_t i = 0; i < count; i++) {
        count6 += packets[i]->ip_version == 6;
    }
    if (count6 == 0 || count6 == count) { /* as most bursts are */
        decide_family(firewall, count6 == 0 ? TABLE4 : TABLE6, packets, cts, count);
        return;
    }
    for (int t = TABLE4; t <= TABLE6; t++) {
        uint32_t own_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            own[own_count] = packets[i];
            if (cts != NULL) {
                own_cts[own_count] = cts[i];
            }
            own_count += (packets[i]->ip_version == 6) == (t == TABLE6);
        }
        decide_family(firewall, t, own, cts != NULL ? own_cts : NULL, own_count);
    }
}

static void firewall_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    decide_all(state, packets, NULL, count);
}

/* ---- with connections ---- */

/* A packet whose flow finds no room is dropped whatever the rules say: what it would be in the next
 * rule, nobody could tell. */
static void firewall_flow_burst(void *state, struct sl_flow_table *table,
                                struct sl_packet *const *packets, struct sl_flow *flows,
                                uint32_t count)
{
    struct firewall *firewall = state;
    const struct program *program = firewall->program;
    struct sl_packet *known[SL_BURST_MAX];
    struct fw_ct cts[SL_BURST_MAX];
    uint32_t known_count = 0;
    bool is_any_first = false;
    for (uint32_t i = 0; i < count; i++) {
        is_any_first |= flows[i].is_first;
        if (flows[i].relation == SL_FLOW_FULL) {
            count_packet(&firewall->counters[program->rule_count + 1], packets[i]->size);
            continue;
        }
        int family = packets[i]->ip_version == 6 ? TABLE6 : TABLE4;
        uint32_t rule = fw_shortcut(&program->shortcuts[family], &flows[i]);
        if (rule != SL_RULE_DEFAULT) {
            (void)obey(firewall, rule, packets[i]);
            continue;
        }
        known[known_count] = packets[i];
        cts[known_count++] = fw_ct_of(&flows[i]);
    }
    if (known_count > 0) {
        decide_all(firewall, known, cts, known_count);
    }
    /* a connection that is refused is none, answer or not */
    for (uint32_t i = 0; is_any_first && i < count; i++) {
        if (flows[i].is_first && packets[i]->verdict == SL_VERDICT_REPLY) {
            (void)!sl_flow_close(table, flows[i].handle);
        }
    }
}

static bool firewall_is_stateful(const void *state)
{
    return ((const struct firewall *)state)->program->is_stateful;
}

/* Two counters per rule, numbered from 1 as for people, two of the default policy, and where the
 * firewall is stateful two of packets without room for their flow. */
static uint32_t firewall_counter_count(const void *state)
{
    const struct firewall *firewall = state;
    return 2 * (firewall->program->rule_count + (firewall->program->is_stateful ? 2 : 1));
}

static void firewall_counter_get(const void *state, uint32_t index,
                                 struct sl_nf_counter *ret_counter)
{
    const struct firewall *firewall = state;
    uint32_t rule = index / 2;
    const struct counter *counter = &firewall->counters[rule];
    const uint64_t *value = index % 2 == 0 ? &counter->packets : &counter->bytes;
    const char *unit = index % 2 == 0 ? "packets" : "bytes";
    if (rule == firewall->program->rule_count) {
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "default.%s", unit);
    } else if (rule > firewall->program->rule_count) {
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "no_room.%s", unit);
    } else {
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "rule.%u.%s", rule + 1, unit);
    }
    ret_counter->value = __atomic_load_n(value, __ATOMIC_RELAXED);
}

static const struct sl_flow_spec firewall_flow = {
    .version = 1, .flags = SL_FLOW_SPEC_TCP_STRICT, .burst = firewall_flow_burst};

static const struct sl_nf firewall_nf = {
    .name = "firewall",
    .load = firewall_load,
    .share = firewall_share,
    .burst = firewall_burst,
    .flow = &firewall_flow,
    .is_stateful = firewall_is_stateful,
    .unload = firewall_unload,
    .counter_count = firewall_counter_count,
    .counter_get = firewall_counter_get,
};
SL_NF_REGISTER(firewall_nf);
