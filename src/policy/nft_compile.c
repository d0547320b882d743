/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles what nft listed: chains are put in place of their jumps, verdicts become actions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/nft_match.h"
#include "policy/nft_ruleset.h"
#include "policy/policy.h"
#include "policy/program.h"

enum {
    DEPTH_MAX = 16, /* the kernel's own NFT_JUMP_STACK_SIZE */
};

/* Rules that skip, to be pointed behind the chain that they leave. */
struct skips {
    uint32_t *rules;
    uint32_t count, room;
};

struct compile {
    struct pol_program program;
    struct nft_ruleset ruleset;
    const struct nft_chain *base; /* the one that is being put in place */
    uint8_t later;                /* families that meet another base chain behind it */
    struct skips accepts;         /* what it accepts goes on there */
};

/* One chain being put in place. */
struct place {
    const struct nft_chain *chain;
    uint32_t depth;
    struct skips returns;
};

static sl_rc cannot(const struct compile *c, const struct nft_rule_text *rule, sl_rc rc,
                    const char *why)
{
    return nft_ruleset_cannot(&c->ruleset, rule, rc, why);
}

/* ---- sets ---- */

struct set_scope {
    struct compile *c;
    const struct nft_chain *chain;
};

/* Why a named set or map cannot be honoured, or NULL. */
static const char *set_fault(const json_t *set)
{
    const json_t *flags = json_object_get(set, "flags");
    const char *name;
    json_t *value;
    for (size_t f = 0; f < json_array_size(flags); f++) {
        const char *flag = json_string_value(json_array_get(flags, f));
        if (flag != NULL && (strcmp(flag, "timeout") == 0 || strcmp(flag, "dynamic") == 0)) {
            return "sets that change by themselves (timeout, dynamic) need state";
        }
    }
    const json_t *statements = json_object_get(set, "stmt");
    for (size_t i = 0; i < json_array_size(statements); i++) {
        json_object_foreach(json_array_get(statements, i), name, value)
        {
            if (strcmp(name, "counter") != 0) {
                return "sets whose elements limit or count by state (limit, quota, ct count) "
                       "need state";
            }
        }
    }
    return NULL;
}

static const json_t *find_set(const void *ctx, const char *name, const char **ret_why)
{
    const struct set_scope *scope = ctx;
    static const char *const kinds[] = {"set", "map"};
    for (size_t i = 0; i < json_array_size(scope->c->ruleset.listing.json); i++) {
        const json_t *item = json_array_get(scope->c->ruleset.listing.json, i);
        for (size_t k = 0; k < 2; k++) {
            const json_t *set = json_object_get(item, kinds[k]);
            if (set == NULL || strcmp(nft_text_of(set, "name"), name) != 0 ||
                strcmp(nft_text_of(set, "table"), scope->chain->table) != 0 ||
                strcmp(nft_text_of(set, "family"), scope->chain->family) != 0) {
                continue;
            }
            const char *fault = set_fault(set);
            if (fault != NULL) {
                *ret_why = fault;
                return NULL;
            }
            static json_t *empty;
            if (empty == NULL) {
                empty = json_array();
            }
            const json_t *elements = json_object_get(set, "elem");
            return elements != NULL ? elements : empty;
        }
    }
    return NULL;
}

/* ---- verdicts ---- */

static sl_rc put_chain(struct compile *c, struct place *place, const struct pol_match *match);

static sl_rc skips_add(struct skips *skips, uint32_t rule)
{
    if (skips->count == skips->room) {
        uint32_t room = skips->room == 0 ? 16 : skips->room * 2;
        uint32_t *rules = realloc(skips->rules, room * sizeof(*rules));
        if (rules == NULL) {
            return SL_NO_MEMORY;
        }
        skips->rules = rules;
        skips->room = room;
    }
    skips->rules[skips->count++] = rule;
    return SL_OK;
}

static void skips_land(struct compile *c, struct skips *skips)
{
    for (uint32_t i = 0; i < skips->count; i++) {
        c->program.rules[skips->rules[i]].skip_to = c->program.count;
    }
    free(skips->rules);
    *skips = (struct skips){0};
}

static sl_rc add_action(struct compile *c, const struct nft_rule_text *rule,
                        const struct pol_match *match, struct pol_rule out)
{
    if (pol_match_is_th_open(match)) {
        return cannot(
            c, rule, SL_UNSUPPORTED,
            "th ports need meta l4proto { tcp, udp, sctp, dccp, udplite } before them: of "
            "other protocols the kernel would read other bytes as ports");
    }
    out.match = *match;
    out.line = rule->line;
    out.text = rule->text;
    out.chain = rule->chain->name;
    struct sl_err why = {0};
    sl_rc rc = pol_program_add(&c->program, &out, &why);
    return rc == SL_OK ? SL_OK : cannot(c, rule, rc, why.text);
}

/* Behind the chain: a skip whose target is known later. */
static sl_rc add_skip(struct compile *c, struct skips *skips, const struct nft_rule_text *rule,
                      const struct pol_match *match)
{
    sl_rc rc = add_action(c, rule, match, (struct pol_rule){.action = SL_FW_SKIP});
    return rc == SL_OK ? skips_add(skips, c->program.count - 1) : rc;
}

/* What one base chain accepts, the next one sees, as in the kernel. */
static sl_rc add_accept(struct compile *c, const struct nft_rule_text *rule,
                        const struct pol_match *match)
{
    struct pol_match on = *match;
    struct pol_match out = *match;
    on.families &= c->later;
    out.families &= (uint8_t)~c->later;
    sl_rc rc = on.families != 0 ? add_skip(c, &c->accepts, rule, &on) : SL_OK;
    if (rc == SL_OK && out.families != 0) {
        rc = add_action(c, rule, &out, (struct pol_rule){.action = SL_FW_ACCEPT});
    }
    return rc;
}

static sl_rc put_jump(struct compile *c, struct place *place, const struct nft_rule_text *rule,
                      const struct pol_match *match, const char *target, bool is_goto)
{
    struct nft_chain *chain =
        nft_ruleset_chain(&c->ruleset, place->chain->family, place->chain->table, target);
    if (chain == NULL || place->depth + 1 >= DEPTH_MAX) {
        return cannot(c, rule, SL_UNSUPPORTED, "chains are jumped to at most 16 deep");
    }
    if (pol_match_is_never(match)) {
        return SL_OK;
    }
    struct place inner = {.chain = chain, .depth = place->depth + 1};
    sl_rc rc = put_chain(c, &inner, match);
    skips_land(c, &inner.returns);
    if (rc == SL_OK && is_goto) {
        /* what falls out of a goto goes on behind the chain that it was in */
        rc = add_skip(c, &place->returns, rule, match);
    }
    return rc;
}

/* RFC 792, RFC 1812 5.2.7.1; RFC 4443 3.1 */
static bool icmp_codes(const char *type, json_int_t number, struct pol_rule *out,
                       uint8_t *ret_families)
{
    static const uint8_t x4[] = {0, 3, 1, 13}; /* nft's icmpx: no-route, port, host, admin */
    static const uint8_t x6[] = {0, 4, 3, 1};
    *ret_families = SL_FW_IP4 | SL_FW_IP6;
    if (number < 0 || number > 255) {
        return false;
    }
    if (strcmp(type, "icmpx") == 0) {
        if (number > 3) {
            return false;
        }
        out->code4 = x4[number];
        out->code6 = x6[number];
        return true;
    }
    out->code4 = (uint8_t)number;
    out->code6 = (uint8_t)number;
    *ret_families = strcmp(type, "icmp") == 0 ? SL_FW_IP4 : SL_FW_IP6;
    return strcmp(type, "icmp") == 0 || strcmp(type, "icmpv6") == 0;
}

static sl_rc put_reject(struct compile *c, const struct nft_rule_text *rule,
                        const struct pol_match *match, const json_t *reject)
{
    const char *type = nft_text_of(reject, "type");
    struct pol_match narrowed = *match;
    struct pol_rule out = {.action = SL_FW_REJECT_ICMP};
    if (strcmp(type, "tcp reset") == 0) {
        struct pol_set *tcp = pol_set_new(&c->program.arena, 1);
        if (tcp == NULL) {
            return cannot(c, rule, SL_NO_MEMORY, "out of memory");
        }
        tcp->intervals[tcp->count++] = (struct pol_interval){6, 6};
        out.action = SL_FW_REJECT_RESET;
        if (pol_match_narrow(&c->program, &narrowed, SL_FW_DIM_PROTO, tcp) != SL_OK) {
            return cannot(c, rule, SL_NO_MEMORY, "out of memory");
        }
        return add_action(c, rule, &narrowed, out);
    }
    /* bare `reject` is port unreachable of the packet's family */
    json_int_t number = 1;
    uint8_t families = 0;
    const json_t *expr = json_object_get(reject, "expr");
    if (type[0] != '\0') {
        number = json_is_integer(expr) ? json_integer_value(expr) : -1;
    }
    if (!icmp_codes(type[0] != '\0' ? type : "icmpx", number, &out, &families)) {
        return cannot(c, rule, SL_UNSUPPORTED, "it does not know this kind of reject");
    }
    narrowed.families &= families;
    return add_action(c, rule, &narrowed, out);
}

/* accept, drop, return, continue, jump, goto, reject: as an object of one member. */
static sl_rc put_verdict(struct compile *c, struct place *place, const struct nft_rule_text *rule,
                         const struct pol_match *match, const json_t *verdict)
{
    const json_t *jump = json_object_get(verdict, "jump");
    const json_t *go = json_object_get(verdict, "goto");
    const json_t *reject = json_object_get(verdict, "reject");
    if (jump != NULL || go != NULL) {
        return put_jump(c, place, rule, match, nft_text_of(jump != NULL ? jump : go, "target"),
                        go != NULL);
    }
    if (reject != NULL) {
        return put_reject(c, rule, match, reject);
    }
    if (json_object_get(verdict, "accept") != NULL) {
        return add_accept(c, rule, match);
    }
    if (json_object_get(verdict, "drop") != NULL) {
        return add_action(c, rule, match, (struct pol_rule){.action = SL_FW_DROP});
    }
    if (json_object_get(verdict, "return") != NULL) {
        return add_skip(c, &place->returns, rule, match);
    }
    /* continue: counted, then the next rule */
    return add_action(c, rule, match,
                      (struct pol_rule){.action = SL_FW_SKIP, .skip_to = c->program.count + 1});
}

static bool is_verdict(const json_t *statement)
{
    static const char *const names[] = {"accept", "drop",   "return",  "jump",
                                        "goto",   "reject", "continue"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (json_object_get(statement, names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* key vmap { value : verdict, ... }: one after the other, for the values are disjoint */
static sl_rc put_vmap(struct compile *c, struct place *place, const struct nft_rule_text *rule,
                      const struct nft_scope *scope, const struct pol_match *match,
                      const json_t *vmap)
{
    const json_t *data = json_object_get(vmap, "data");
    const json_t *elements = json_object_get(data, "set");
    const char *name = json_string_value(data);
    const char *fault = "it cannot read this verdict map";
    if (name != NULL && name[0] == '@') {
        fault = "there is no such map";
        elements = scope->find_set(scope->ctx, name + 1, &fault);
    }
    if (elements == NULL) {
        return cannot(c, rule, SL_UNSUPPORTED, fault);
    }
    for (size_t i = 0; i < json_array_size(elements); i++) {
        const json_t *pair = json_array_get(elements, i);
        struct pol_match own;
        struct sl_err own_err = {0};
        sl_rc rc = nft_match_key(scope, json_object_get(vmap, "key"), json_array_get(pair, 0), &own,
                                 &own_err);
        if (rc != SL_OK) {
            return cannot(c, rule, rc, own_err.text);
        }
        rc = pol_match_meet(&c->program, &own, match);
        if (rc == SL_OK) {
            rc = put_verdict(c, place, rule, &own, json_array_get(pair, 1));
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

/* ---- rules ---- */

static sl_rc refuse_statement(struct compile *c, const struct nft_rule_text *rule,
                              const json_t *statement)
{
    static const struct {
        const char *name, *why;
    } known[] = {
        {"log", "log: nothing leaves the enclave on the packet path; count with `counter` instead"},
        {"limit",
         "limit: rates are the NF `limiter`'s: give the rule to it (docs/policy-limiter.md)"},
        {"quota", "quota: the firewall keeps no amounts; rates are the NF `limiter`'s"},
        {"ct", "ct: needs connection tracking, which this firewall does not keep"},
        {"snat", "snat: this firewall does not translate addresses"},
        {"dnat", "dnat: this firewall does not translate addresses"},
        {"masquerade", "masquerade: this firewall does not translate addresses"},
        {"redirect", "redirect: this firewall does not translate addresses"},
        {"mangle", "it does not change packets"},
        {"queue", "queue: there is no program to hand packets to inside the enclave"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (json_object_get(statement, known[i].name) != NULL) {
            return cannot(c, rule, SL_UNSUPPORTED, known[i].why);
        }
    }
    return cannot(c, rule, SL_UNSUPPORTED, "it does not know this statement");
}

/* Multiplies the alternatives so far with those of one more match. */
static sl_rc cross(struct compile *c, struct nft_matches *so_far, const struct nft_matches *more)
{
    uint64_t count = (uint64_t)so_far->count * more->count;
    if (count > SL_FW_RULES_MAX) {
        return SL_RANGE;
    }
    struct pol_match *items = pol_alloc(&c->program.arena, (count + 1) * sizeof(*items));
    if (items == NULL) {
        return SL_NO_MEMORY;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < so_far->count; i++) {
        for (uint32_t k = 0; k < more->count; k++, at++) {
            items[at] = so_far->items[i];
            sl_rc rc = pol_match_meet(&c->program, &items[at], &more->items[k]);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    *so_far = (struct nft_matches){.count = at, .items = items};
    return SL_OK;
}

static sl_rc put_statement(struct compile *c, struct place *place, const struct nft_rule_text *rule,
                           const struct nft_scope *scope, struct nft_matches *matches,
                           const json_t *statement, bool *has_counter, bool *is_decided)
{
    sl_rc rc = SL_OK;
    const json_t *match = json_object_get(statement, "match");
    const json_t *vmap = json_object_get(statement, "vmap");
    if (match != NULL) {
        struct nft_matches more;
        struct sl_err why = {0};
        rc = nft_match_read(scope, match, &more, &why);
        if (rc != SL_OK) {
            return cannot(c, rule, rc, why.text);
        }
        rc = cross(c, matches, &more);
        return rc == SL_OK ? SL_OK : cannot(c, rule, rc, sl_rc_text(rc));
    }
    if (json_object_get(statement, "counter") != NULL) {
        *has_counter = true;
        return SL_OK;
    }
    if (vmap == NULL && !is_verdict(statement)) {
        return refuse_statement(c, rule, statement);
    }
    *is_decided = true;
    for (uint32_t i = 0; rc == SL_OK && i < matches->count; i++) {
        rc = vmap != NULL ? put_vmap(c, place, rule, scope, &matches->items[i], vmap)
                          : put_verdict(c, place, rule, &matches->items[i], statement);
    }
    return rc;
}

static sl_rc put_rule(struct compile *c, struct place *place, uint32_t index,
                      const struct pol_match *match)
{
    struct nft_rule_text rule = nft_ruleset_describe(&c->ruleset, place->chain, index);
    struct set_scope sets = {.c = c, .chain = place->chain};
    struct nft_scope scope = {
        .program = &c->program, .find_set = find_set, .ctx = &sets, .hook = c->base->hook};
    struct pol_match own = *match;
    struct nft_matches matches = {.count = 1, .items = &own};
    const json_t *statements = json_object_get(place->chain->rules[index], "expr");
    bool has_counter = false;
    bool is_decided = false;
    for (size_t i = 0; i < json_array_size(statements); i++) {
        sl_rc rc = put_statement(c, place, &rule, &scope, &matches, json_array_get(statements, i),
                                 &has_counter, &is_decided);
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (has_counter && !is_decided) {
        static const json_t *none;
        for (uint32_t i = 0; i < matches.count; i++) {
            sl_rc rc = put_verdict(c, place, &rule, &matches.items[i], none);
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return SL_OK;
}

static sl_rc put_chain(struct compile *c, struct place *place, const struct pol_match *match)
{
    for (uint32_t i = 0; i < place->chain->count; i++) {
        sl_rc rc = put_rule(c, place, i, match);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

/* The policy of a base chain. Of the last one it is what becomes of all that is left. */
static sl_rc put_policy(struct compile *c, const struct nft_chain *base,
                        const struct pol_match *match, bool is_last)
{
    bool is_accept = strcmp(nft_text_of(base->object, "policy"), "accept") == 0;
    struct nft_rule_text rule = {.chain = base,
                                 .text = is_accept ? "policy accept" : "policy drop"};
    struct pol_match out = *match;
    if (is_last && match->families == (SL_FW_IP4 | SL_FW_IP6)) {
        c->program.default_action = is_accept ? SL_FW_ACCEPT : SL_FW_DROP;
        return SL_OK;
    }
    out.families &= is_accept ? (uint8_t)~c->later : (uint8_t)0xff;
    if (out.families == 0) {
        return SL_OK;
    }
    return add_action(c, &rule, &out,
                      (struct pol_rule){.action = is_accept ? SL_FW_ACCEPT : SL_FW_DROP});
}

/* Base chains one behind the other. Of a family that has none nothing is said, and nothing passes.
 */
static sl_rc put_bases(struct compile *c)
{
    for (uint32_t i = 0; i < c->ruleset.base_count; i++) {
        const struct nft_chain *base = c->ruleset.bases[i];
        struct pol_match match = pol_match_all();
        match.families = base->families;
        c->base = base;
        c->later = 0;
        for (uint32_t k = i + 1; k < c->ruleset.base_count; k++) {
            c->later |= c->ruleset.bases[k]->families;
        }
        struct place place = {.chain = base};
        sl_rc rc = put_chain(c, &place, &match);
        skips_land(c, &place.returns);
        if (rc == SL_OK) {
            rc = put_policy(c, base, &match, i + 1 == c->ruleset.base_count);
        }
        skips_land(c, &c->accepts);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static void put_note(const struct compile *c, struct sl_policy *policy)
{
    char note[512];
    if (c->ruleset.left_out[0] != '\0') {
        (void)snprintf(note, sizeof(note),
                       "left out, as no packet that passes through meets them (hooks input and "
                       "output): %s",
                       c->ruleset.left_out);
        policy->note = strdup(note);
    }
}

sl_rc sl_policy_compile_nftables(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct compile c = {0};
    sl_rc rc = nft_ruleset_read(&c.ruleset, path, err);
    if (rc == SL_OK) {
        rc = put_bases(&c);
    }
    if (rc == SL_OK) {
        rc = pol_program_finish(&c.program, path, "nftables", ret_policy, err);
    }
    if (rc == SL_OK) {
        put_note(&c, ret_policy);
    }
    pol_program_done(&c.program);
    nft_ruleset_done(&c.ruleset);
    return rc;
}
