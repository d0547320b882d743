/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as sets per dimension, and their compiled form (nf/firewall/format.h). */
#include "policy/program.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "nf/chain.h"

uint32_t pol_dim_width(uint32_t dim)
{
    static const uint8_t width[SL_FW_DIM_COUNT] = {
#define DIM_WIDTH(name, width, text) width,
        SL_FW_DIM_TABLE(DIM_WIDTH)
#undef DIM_WIDTH
    };
    return width[dim];
}

pol_key pol_dim_max(uint32_t dim)
{
    return ~(pol_key)0 >> (128 - 8 * pol_dim_width(dim));
}

struct pol_match pol_match_all(void)
{
    return (struct pol_match){.families = SL_FW_IP4 | SL_FW_IP6};
}

sl_rc pol_match_narrow(struct pol_program *program, struct pol_match *match, uint32_t dim,
                       const struct pol_set *set)
{
    if (match->sets[dim] != NULL) {
        set = pol_set_meet(&program->arena, match->sets[dim], set);
        if (set == NULL) {
            return SL_NO_MEMORY;
        }
    }
    match->sets[dim] = set;
    return SL_OK;
}

sl_rc pol_match_meet(struct pol_program *program, struct pol_match *match,
                     const struct pol_match *other)
{
    match->families &= other->families;
    match->is_th |= other->is_th;
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        if (other->sets[dim] == NULL) {
            continue;
        }
        sl_rc rc = pol_match_narrow(program, match, dim, other->sets[dim]);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

bool pol_match_is_th_open(const struct pol_match *match)
{
    static const uint8_t with_ports[] = {6, 17, 33, 132, 136};
    const struct pol_set *protos = match->sets[SL_FW_DIM_PROTO];
    if (!match->is_th || protos == NULL) {
        return match->is_th;
    }
    for (uint32_t i = 0; i < protos->count; i++) {
        for (pol_key value = protos->intervals[i].lo; value <= protos->intervals[i].hi; value++) {
            if (memchr(with_ports, (int)value, sizeof(with_ports)) == NULL) {
                return true;
            }
        }
    }
    return false;
}

bool pol_match_is_never(const struct pol_match *match)
{
    if (match->families == 0) {
        return true;
    }
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        if (match->sets[dim] != NULL && match->sets[dim]->count == 0) {
            return true;
        }
    }
    return false;
}

sl_rc pol_program_add(struct pol_program *program, const struct pol_rule *rule, struct sl_err *err)
{
    if (program->count == SL_FW_RULES_MAX) {
        return sl_err_set(err, SL_RANGE,
                          "more than %u rules once chains are put in place of their jumps",
                          SL_FW_RULES_MAX);
    }
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT; dim++) {
        program->interval_count += rule->match.sets[dim] != NULL ? rule->match.sets[dim]->count : 0;
    }
    if (program->interval_count > SL_FW_INTERVALS_MAX) {
        return sl_err_set(err, SL_RANGE, "more than %u values and ranges in all rules together",
                          SL_FW_INTERVALS_MAX);
    }
    if (program->count == program->room) {
        uint32_t room = program->room == 0 ? 64 : program->room * 2;
        struct pol_rule *rules = realloc(program->rules, room * sizeof(*rules));
        if (rules == NULL) {
            return sl_err_set(err, SL_NO_MEMORY, "out of memory for %u rules", room);
        }
        program->rules = rules;
        program->room = room;
    }
    program->rules[program->count++] = *rule;
    return SL_OK;
}

static void put_key(struct sl_writer *w, pol_key key, uint32_t width)
{
    for (uint32_t i = width; i > 0; i--) {
        sl_writer_u8(w, (uint8_t)(key >> (8 * (i - 1))));
    }
}

static void put_set(struct sl_writer *w, uint32_t dim, const struct pol_set *set)
{
    sl_writer_u8(w, (uint8_t)dim);
    sl_writer_be32(w, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        put_key(w, set->intervals[i].lo, pol_dim_width(dim));
        put_key(w, set->intervals[i].hi, pol_dim_width(dim));
    }
}

static void put_rule(struct sl_writer *w, const struct pol_rule *rule)
{
    /* a rule that nothing matches keeps its number, and asks for no family */
    bool is_never = pol_match_is_never(&rule->match);
    sl_writer_u8(w, rule->action);
    sl_writer_u8(w, rule->code4);
    sl_writer_u8(w, rule->code6);
    sl_writer_u8(w, is_never ? 0 : rule->match.families);
    sl_writer_be32(w, rule->skip_to);
    uint8_t count = 0;
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT && !is_never; dim++) {
        count = (uint8_t)(count + (rule->match.sets[dim] != NULL));
    }
    sl_writer_u8(w, count);
    for (uint32_t dim = 0; dim < SL_FW_DIM_COUNT && !is_never; dim++) {
        if (rule->match.sets[dim] != NULL) {
            put_set(w, dim, rule->match.sets[dim]);
        }
    }
}

/* Bundle of one firewall (nf/chain.h) around the policy (firewall/format.h). */
static size_t put_bundle(const struct pol_program *program, uint64_t version, uint8_t *out,
                         size_t size)
{
    struct sl_writer w;
    sl_writer_init(&w, out, size);
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, version);
    sl_writer_string(&w, "firewall");
    uint8_t *policy_size = sl_writer_reserve(&w, 4);
    size_t start = w.off;
    sl_writer_be32(&w, SL_FW_MAGIC);
    sl_writer_be16(&w, SL_FW_FORMAT);
    sl_writer_u8(&w, program->default_action);
    sl_writer_u8(&w, 0);
    sl_writer_be32(&w, program->count);
    for (uint32_t i = 0; i < program->count; i++) {
        put_rule(&w, &program->rules[i]);
    }
    if (w.rc != SL_OK) {
        return 0;
    }
    sl_be32_put(policy_size, (uint32_t)(w.off - start));
    return w.off;
}

static const char *action_name(uint8_t action)
{
    static const char *const names[SL_FW_ACTION_COUNT] = {
        [SL_FW_DROP] = "drop",           [SL_FW_ACCEPT] = "accept", [SL_FW_REJECT_ICMP] = "reject",
        [SL_FW_REJECT_RESET] = "reject", [SL_FW_SKIP] = "continue",
    };
    return names[action];
}

static bool put_names(const struct pol_program *program, struct sl_policy *policy)
{
    policy->rules = calloc((size_t)program->count + 1, sizeof(*policy->rules));
    if (policy->rules == NULL) {
        return false;
    }
    policy->count = program->count;
    for (uint32_t i = 0; i < program->count; i++) {
        const struct pol_rule *from = &program->rules[i];
        struct sl_policy_rule *to = &policy->rules[i];
        to->line = from->line;
        to->text = strdup(from->text != NULL ? from->text : "");
        to->chain = from->chain != NULL ? strdup(from->chain) : NULL;
        to->action = strdup(action_name(from->action));
        if (to->text == NULL || to->action == NULL || (from->chain != NULL && to->chain == NULL)) {
            return false;
        }
    }
    return true;
}

sl_rc pol_program_finish(const struct pol_program *program, const char *source, const char *kind,
                         struct sl_policy *ret_policy, struct sl_err *err)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    /* the version only grows: seconds with milliseconds below */
    struct sl_policy policy = {.version =
                                   (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000};
    size_t room = 64 + (size_t)program->count * (13 + 5 * SL_FW_DIM_COUNT) +
                  (size_t)program->interval_count * 32;
    policy.bundle = malloc(room);
    policy.source = strdup(source);
    policy.kind = strdup(kind);
    policy.default_action = strdup(action_name(program->default_action));
    if (policy.bundle == NULL || policy.source == NULL || policy.kind == NULL ||
        policy.default_action == NULL || !put_names(program, &policy)) {
        sl_policy_done(&policy);
        return sl_err_set(err, SL_NO_MEMORY, "%s: out of memory", source);
    }
    policy.size = put_bundle(program, policy.version, policy.bundle, room);
    if (policy.size == 0) {
        sl_policy_done(&policy);
        return sl_err_set(err, SL_INTERNAL, "%s: the compiled policy outgrew its buffer", source);
    }
    *ret_policy = policy;
    return SL_OK;
}

void pol_program_done(struct pol_program *program)
{
    free(program->rules);
    pol_arena_done(&program->arena);
    *program = (struct pol_program){0};
}
