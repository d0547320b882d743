/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles what nft listed: chains are put in place of their jumps, verdicts become actions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/nft_match.h"
#include "policy/nft_read.h"
#include "policy/nft_source.h"
#include "policy/policy.h"
#include "policy/program.h"

enum {
    DEPTH_MAX = 16, /* the kernel's own NFT_JUMP_STACK_SIZE */
    BASES_MAX = 2,
};

struct chain {
    const char *family, *table, *name;
    const json_t *object;
    const json_t **rules; /* in order */
    uint32_t count, room;
    char full_table[160]; /* "family table" */
};

struct compile {
    const char *path;
    struct pol_program program;
    struct nft_listing listing;
    struct nft_lines source; /* the operator's file */
    struct nft_lines listed; /* nft's listing of it */
    struct chain *chains;
    uint32_t chain_count;
    struct chain *bases[BASES_MAX];
    uint32_t base_count;
    struct sl_err *err;
};

/* One chain being put in place: rules that return from it, to be pointed behind it. */
struct place {
    struct chain *chain;
    uint32_t depth;
    uint32_t *returns;
    uint32_t count, room;
};

/* What a rule's statements come to. */
struct rule_text {
    const struct chain *chain;
    uint32_t index;
    uint32_t line;
    const char *text;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static struct chain *find_chain(struct compile *c, const char *family, const char *table,
                                const char *name)
{
    for (uint32_t i = 0; i < c->chain_count; i++) {
        struct chain *chain = &c->chains[i];
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): add_chain fills all three */
        if (strcmp(chain->name, name) == 0 && strcmp(chain->table, table) == 0 &&
            strcmp(chain->family, family) == 0) {
            return chain;
        }
    }
    return NULL;
}

static struct rule_text describe(struct compile *c, const struct chain *chain, uint32_t index)
{
    struct rule_text rule = {.chain = chain, .index = index, .text = "?"};
    const struct nft_line *line =
        nft_lines_find(&c->source, chain->full_table, chain->name, index, chain->count);
    if (line != NULL) {
        rule.line = line->line;
        rule.text = line->text;
        return rule;
    }
    line = nft_lines_find(&c->listed, chain->full_table, chain->name, index, chain->count);
    rule.text = line != NULL ? line->text : "?";
    return rule;
}

/* "FILE:LINE: chain C: cannot honour `RULE`: why" */
static sl_rc cannot(struct compile *c, const struct rule_text *rule, sl_rc rc, const char *why)
{
    if (rule->line != 0) {
        return sl_err_set(c->err, rc, "%s:%u: chain %s: cannot honour `%s`: %s", c->path,
                          rule->line, rule->chain->name, rule->text, why);
    }
    return sl_err_set(c->err, rc, "%s: chain %s, rule %u: cannot honour `%s`: %s", c->path,
                      rule->chain->name, rule->index + 1, rule->text, why);
}

/* ---- sets ---- */

struct set_scope {
    struct compile *c;
    const struct chain *chain;
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
    for (size_t i = 0; i < json_array_size(scope->c->listing.json); i++) {
        const json_t *item = json_array_get(scope->c->listing.json, i);
        for (size_t k = 0; k < 2; k++) {
            const json_t *set = json_object_get(item, kinds[k]);
            if (set == NULL || strcmp(text_of(set, "name"), name) != 0 ||
                strcmp(text_of(set, "table"), scope->chain->table) != 0 ||
                strcmp(text_of(set, "family"), scope->chain->family) != 0) {
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

static sl_rc add_return(struct place *place, uint32_t rule)
{
    if (place->count == place->room) {
        uint32_t room = place->room == 0 ? 16 : place->room * 2;
        uint32_t *returns = realloc(place->returns, room * sizeof(*returns));
        if (returns == NULL) {
            return SL_NO_MEMORY;
        }
        place->returns = returns;
        place->room = room;
    }
    place->returns[place->count++] = rule;
    return SL_OK;
}

static void land_returns(struct compile *c, struct place *place)
{
    for (uint32_t i = 0; i < place->count; i++) {
        c->program.rules[place->returns[i]].skip_to = c->program.count;
    }
    free(place->returns);
    place->returns = NULL;
    place->count = 0;
}

static sl_rc add_action(struct compile *c, const struct rule_text *rule,
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

/* Back to where the chain was jumped from: a skip whose target is known later. */
static sl_rc add_return_rule(struct compile *c, struct place *place, const struct rule_text *rule,
                             const struct pol_match *match)
{
    sl_rc rc = add_action(c, rule, match, (struct pol_rule){.action = SL_FW_SKIP});
    return rc == SL_OK ? add_return(place, c->program.count - 1) : rc;
}

static sl_rc put_jump(struct compile *c, struct place *place, const struct rule_text *rule,
                      const struct pol_match *match, const char *target, bool is_goto)
{
    struct chain *chain = find_chain(c, place->chain->family, place->chain->table, target);
    if (chain == NULL || place->depth + 1 >= DEPTH_MAX) {
        return cannot(c, rule, SL_UNSUPPORTED, "chains are jumped to at most 16 deep");
    }
    if (pol_match_is_never(match)) {
        return SL_OK;
    }
    struct place inner = {.chain = chain, .depth = place->depth + 1};
    sl_rc rc = put_chain(c, &inner, match);
    land_returns(c, &inner);
    if (rc == SL_OK && is_goto) {
        /* what falls out of a goto goes on behind the chain that it was in */
        rc = add_return_rule(c, place, rule, match);
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

static sl_rc put_reject(struct compile *c, const struct rule_text *rule,
                        const struct pol_match *match, const json_t *reject)
{
    const char *type = text_of(reject, "type");
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
static sl_rc put_verdict(struct compile *c, struct place *place, const struct rule_text *rule,
                         const struct pol_match *match, const json_t *verdict)
{
    const json_t *jump = json_object_get(verdict, "jump");
    const json_t *go = json_object_get(verdict, "goto");
    const json_t *reject = json_object_get(verdict, "reject");
    if (jump != NULL || go != NULL) {
        return put_jump(c, place, rule, match, text_of(jump != NULL ? jump : go, "target"),
                        go != NULL);
    }
    if (reject != NULL) {
        return put_reject(c, rule, match, reject);
    }
    if (json_object_get(verdict, "accept") != NULL) {
        return add_action(c, rule, match, (struct pol_rule){.action = SL_FW_ACCEPT});
    }
    if (json_object_get(verdict, "drop") != NULL) {
        return add_action(c, rule, match, (struct pol_rule){.action = SL_FW_DROP});
    }
    if (json_object_get(verdict, "return") != NULL) {
        return add_return_rule(c, place, rule, match);
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
static sl_rc put_vmap(struct compile *c, struct place *place, const struct rule_text *rule,
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

static sl_rc refuse_statement(struct compile *c, const struct rule_text *rule,
                              const json_t *statement)
{
    static const struct {
        const char *name, *why;
    } known[] = {
        {"log", "log: nothing leaves the enclave on the packet path; count with `counter` instead"},
        {"limit", "limit: rates need state, which this firewall does not keep"},
        {"quota", "quota: needs state, which this firewall does not keep"},
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

static sl_rc put_statement(struct compile *c, struct place *place, const struct rule_text *rule,
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
    struct rule_text rule = describe(c, place->chain, index);
    struct set_scope sets = {.c = c, .chain = place->chain};
    struct nft_scope scope = {.program = &c->program, .find_set = find_set, .ctx = &sets};
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

/* ---- the ruleset ---- */

/* "FILE:LINE: cannot honour `DECLARATION`: why", for what is wrong with a chain or table itself. */
static sl_rc cannot_declare(struct compile *c, const char *table, const char *chain,
                            const char *fallback, const char *why)
{
    const struct nft_line *line = nft_lines_declared(&c->source, table, chain);
    if (line == NULL) {
        return sl_err_set(c->err, SL_UNSUPPORTED, "%s: table %s%s%s: cannot honour `%s`: %s",
                          c->path, table, chain[0] != '\0' ? ", chain " : "", chain, fallback, why);
    }
    return sl_err_set(c->err, SL_UNSUPPORTED, "%s:%u: table %s%s%s: cannot honour `%s`: %s",
                      c->path, line->line, table, chain[0] != '\0' ? ", chain " : "", chain,
                      line->text, why);
}

static sl_rc add_table(struct compile *c, const json_t *object)
{
    char table[160];
    const char *family = text_of(object, "family");
    (void)snprintf(table, sizeof(table), "%s %s", family, text_of(object, "name"));
    if (strcmp(family, "inet") != 0 && strcmp(family, "ip") != 0 && strcmp(family, "ip6") != 0) {
        return cannot_declare(c, table, "", "table", "tables here are inet, ip or ip6");
    }
    /* nft 1.0 lists flags by a letter that says nothing; the only one of a file is dormant */
    if (json_object_get(object, "flags") != NULL) {
        return cannot_declare(c, table, "", "table",
                              "its `flags` (dormant: filters nothing) are not for a firewall that "
                              "is in force as soon as it is loaded");
    }
    return SL_OK;
}

/* At most one base chain sees a packet. */
static sl_rc add_base(struct compile *c, struct chain *chain)
{
    for (uint32_t i = 0; i < c->base_count; i++) {
        const struct chain *other = c->bases[i];
        bool is_inet = strcmp(chain->family, "inet") == 0 || strcmp(other->family, "inet") == 0;
        if (is_inet || strcmp(chain->family, other->family) == 0) {
            char why[512];
            (void)snprintf(why, sizeof(why),
                           "chain %s of table %s and this one both stand at hook forward; write "
                           "one base chain that jumps to the others",
                           other->name, other->full_table);
            return cannot_declare(c, chain->full_table, chain->name, "type filter hook forward",
                                  why);
        }
    }
    c->bases[c->base_count++] = chain;
    return SL_OK;
}

static sl_rc add_chain(struct compile *c, const json_t *object)
{
    struct chain *chain = &c->chains[c->chain_count++];
    *chain = (struct chain){.family = text_of(object, "family"),
                            .table = text_of(object, "table"),
                            .name = text_of(object, "name"),
                            .object = object};
    (void)snprintf(chain->full_table, sizeof(chain->full_table), "%s %s", chain->family,
                   chain->table);
    const char *hook = text_of(object, "hook");
    const char *type = text_of(object, "type");
    if (hook[0] == '\0') {
        return SL_OK;
    }
    if (strcmp(hook, "forward") != 0 || strcmp(type, "filter") != 0) {
        char said[128];
        (void)snprintf(said, sizeof(said), "type %s hook %s", type, hook);
        return cannot_declare(c, chain->full_table, chain->name, said,
                              "packets only pass through here, so base chains are `type filter "
                              "hook forward`");
    }
    return add_base(c, chain);
}

static sl_rc add_rule(struct compile *c, const json_t *object)
{
    struct chain *chain = find_chain(c, text_of(object, "family"), text_of(object, "table"),
                                     text_of(object, "chain"));
    if (chain == NULL) {
        return sl_err_set(c->err, SL_INTERNAL, "%s: a rule without its chain", c->path);
    }
    if (chain->count == chain->room) {
        uint32_t room = chain->room == 0 ? 64 : chain->room * 2;
        const json_t **rules = realloc(chain->rules, room * sizeof(*rules));
        if (rules == NULL) {
            return sl_err_set(c->err, SL_NO_MEMORY, "%s: out of memory", c->path);
        }
        chain->rules = rules;
        chain->room = room;
    }
    chain->rules[chain->count++] = object;
    return SL_OK;
}

static sl_rc collect(struct compile *c)
{
    size_t count = json_array_size(c->listing.json);
    c->chains = calloc(count + 1, sizeof(*c->chains));
    if (c->chains == NULL) {
        return sl_err_set(c->err, SL_NO_MEMORY, "%s: out of memory", c->path);
    }
    static const char *const unknown[] = {"flowtable", "ct helper", "synproxy", "secmark"};
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(c->listing.json, i);
        const json_t *chain = json_object_get(item, "chain");
        const json_t *rule = json_object_get(item, "rule");
        const json_t *table = json_object_get(item, "table");
        sl_rc rc = table != NULL ? add_table(c, table) : SL_OK;
        if (rc == SL_OK && chain != NULL) {
            rc = add_chain(c, chain);
        }
        if (rc == SL_OK && rule != NULL) {
            rc = add_rule(c, rule);
        }
        for (size_t k = 0; k < sizeof(unknown) / sizeof(unknown[0]) && rc == SL_OK; k++) {
            if (json_object_get(item, unknown[k]) != NULL) {
                rc = sl_err_set(c->err, SL_UNSUPPORTED, "%s: cannot honour a %s", c->path,
                                unknown[k]);
            }
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (c->base_count == 0) {
        return sl_err_set(c->err, SL_UNSUPPORTED,
                          "%s: no chain `type filter hook forward`: nothing would be filtered",
                          c->path);
    }
    return SL_OK;
}

/* A base chain of one family ends in its own policy; of the other family nothing is said, and
 * nothing passes. */
static sl_rc put_base(struct compile *c, struct chain *base)
{
    bool is_accept = strcmp(text_of(base->object, "policy"), "accept") == 0;
    struct pol_match match = pol_match_all();
    if (strcmp(base->family, "inet") == 0) {
        c->program.default_action = is_accept ? SL_FW_ACCEPT : SL_FW_DROP;
    } else {
        match.families = strcmp(base->family, "ip") == 0 ? SL_FW_IP4 : SL_FW_IP6;
    }
    struct place place = {.chain = base};
    sl_rc rc = put_chain(c, &place, &match);
    land_returns(c, &place);
    if (rc == SL_OK && match.families != (SL_FW_IP4 | SL_FW_IP6)) {
        struct rule_text rule = {.chain = base,
                                 .text = is_accept ? "policy accept" : "policy drop"};
        rc = add_action(c, &rule, &match,
                        (struct pol_rule){.action = is_accept ? SL_FW_ACCEPT : SL_FW_DROP});
    }
    return rc;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    size_t room = 1 << 16;
    size_t size = 0;
    char *text = malloc(room);
    while (text != NULL) {
        size += fread(text + size, 1, room - size - 1, file);
        if (size < room - 1) {
            break;
        }
        room *= 2;
        char *grown = realloc(text, room);
        if (grown == NULL) {
            free(text);
        }
        text = grown;
    }
    if (text != NULL) {
        nft_text_clean(text, size);
        text[size] = '\0';
    }
    (void)fclose(file);
    return text;
}

/* Lines of the file as written, and as nft lists it. */
static sl_rc scan_texts(struct compile *c)
{
    char *text = read_text(c->path);
    bool is_good = text != NULL && nft_lines_scan(&c->program.arena, text, &c->source) &&
                   nft_lines_scan(&c->program.arena, c->listing.text, &c->listed);
    free(text);
    return is_good ? SL_OK : sl_err_set(c->err, SL_IO, "%s: cannot be read again", c->path);
}

static sl_rc put_bases(struct compile *c)
{
    for (uint32_t i = 0; i < c->base_count; i++) {
        sl_rc rc = put_base(c, c->bases[i]);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

sl_rc sl_policy_compile_nftables(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    struct compile c = {.path = path, .err = err};
    sl_rc rc = nft_read(path, &c.listing, err);
    if (rc == SL_OK) {
        rc = scan_texts(&c);
    }
    if (rc == SL_OK) {
        rc = collect(&c);
    }
    if (rc == SL_OK) {
        rc = put_bases(&c);
    }
    if (rc == SL_OK) {
        rc = pol_program_finish(&c.program, path, "nftables", ret_policy, err);
    }
    for (uint32_t i = 0; i < c.chain_count; i++) {
        free(c.chains[i].rules);
    }
    free(c.chains);
    nft_lines_done(&c.source);
    nft_lines_done(&c.listed);
    nft_listing_done(&c.listing);
    pol_program_done(&c.program);
    return rc;
}
