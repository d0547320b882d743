/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, chains and rules as nft listed them, in the order that a packet meets them. */
#include "policy/nft_ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/format.h"

const char *nft_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

struct nft_chain *nft_ruleset_chain(const struct nft_ruleset *ruleset, const char *family,
                                    const char *table, const char *name)
{
    for (uint32_t i = 0; i < ruleset->chain_count; i++) {
        struct nft_chain *chain = &ruleset->chains[i];
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): add_chain fills all three */
        if (strcmp(chain->name, name) == 0 && strcmp(chain->table, table) == 0 &&
            strcmp(chain->family, family) == 0) {
            return chain;
        }
    }
    return NULL;
}

struct nft_rule_text nft_ruleset_describe(const struct nft_ruleset *ruleset,
                                          const struct nft_chain *chain, uint32_t index)
{
    struct nft_rule_text rule = {.chain = chain, .index = index, .text = "?"};
    const struct nft_line *line =
        nft_lines_find(&ruleset->source, chain->full_table, chain->name, index, chain->count);
    if (line != NULL) {
        rule.line = line->line;
        rule.text = line->text;
        return rule;
    }
    line = nft_lines_find(&ruleset->listed, chain->full_table, chain->name, index, chain->count);
    rule.text = line != NULL ? line->text : "?";
    return rule;
}

sl_rc nft_ruleset_cannot(const struct nft_ruleset *ruleset, const struct nft_rule_text *rule,
                         sl_rc rc, const char *why)
{
    if (rule->line != 0) {
        return sl_err_set(ruleset->err, rc, "%s:%u: chain %s: cannot honour `%s`: %s",
                          ruleset->path, rule->line, rule->chain->name, rule->text, why);
    }
    return sl_err_set(ruleset->err, rc, "%s: chain %s, rule %u: cannot honour `%s`: %s",
                      ruleset->path, rule->chain->name, rule->index + 1, rule->text, why);
}

/* ---- what a file declares ---- */

/* "FILE:LINE: cannot honour `DECLARATION`: why", for what is wrong with a chain or table itself. */
static sl_rc cannot_declare(const struct nft_ruleset *r, const char *table, const char *kind,
                            const char *name, const char *fallback, const char *why)
{
    const struct nft_line *line = nft_lines_declared(&r->source, table, name);
    if (line == NULL) {
        return sl_err_set(r->err, SL_UNSUPPORTED, "%s: table %s%s%s: cannot honour `%s`: %s",
                          r->path, table, kind, name, fallback, why);
    }
    return sl_err_set(r->err, SL_UNSUPPORTED, "%s:%u: table %s%s%s: cannot honour `%s`: %s",
                      r->path, line->line, table, kind, name, line->text, why);
}

static sl_rc add_table(const struct nft_ruleset *r, const json_t *object)
{
    char table[160];
    const char *family = nft_text_of(object, "family");
    (void)snprintf(table, sizeof(table), "%s %s", family, nft_text_of(object, "name"));
    if (strcmp(family, "inet") != 0 && strcmp(family, "ip") != 0 && strcmp(family, "ip6") != 0) {
        return cannot_declare(r, table, "", "", "table", "tables here are inet, ip or ip6");
    }
    /* nft 1.0 lists flags by a letter that says nothing; the only one of a file is dormant */
    if (json_object_get(object, "flags") != NULL) {
        return cannot_declare(r, table, "", "", "table",
                              "its `flags` (dormant: filters nothing) are not for a firewall that "
                              "is in force as soon as it is loaded");
    }
    return SL_OK;
}

static void add_chain(struct nft_ruleset *r, const json_t *object)
{
    struct nft_chain *chain = &r->chains[r->chain_count++];
    *chain = (struct nft_chain){.family = nft_text_of(object, "family"),
                                .table = nft_text_of(object, "table"),
                                .name = nft_text_of(object, "name"),
                                .object = object,
                                .families = SL_FW_IP4 | SL_FW_IP6};
    (void)snprintf(chain->full_table, sizeof(chain->full_table), "%s %s", chain->family,
                   chain->table);
    if (strcmp(chain->family, "inet") != 0) {
        chain->families = strcmp(chain->family, "ip") == 0 ? SL_FW_IP4 : SL_FW_IP6;
    }
}

static sl_rc add_rule(struct nft_ruleset *r, const json_t *object)
{
    struct nft_chain *chain =
        nft_ruleset_chain(r, nft_text_of(object, "family"), nft_text_of(object, "table"),
                          nft_text_of(object, "chain"));
    if (chain == NULL) {
        return sl_err_set(r->err, SL_INTERNAL, "%s: a rule without its chain", r->path);
    }
    if (chain->count == chain->room) {
        uint32_t room = chain->room == 0 ? 64 : chain->room * 2;
        const json_t **rules = realloc(chain->rules, room * sizeof(*rules));
        if (rules == NULL) {
            return sl_err_set(r->err, SL_NO_MEMORY, "%s: out of memory", r->path);
        }
        chain->rules = rules;
        chain->room = room;
    }
    chain->rules[chain->count++] = object;
    return SL_OK;
}

static sl_rc refuse_object(const struct nft_ruleset *r, const json_t *item)
{
    static const struct {
        const char *kind, *why;
    } unknown[] = {
        {"flowtable", "there is no path around the rules: established connections are found in the "
                      "flow table, write `ct state established accept`"},
        {"ct helper",
         "connections have no helpers: let in what is `related` by ICMP, and open ports "
         "by rules"},
        {"ct timeout", "timeouts are options of the flow table (`flows:` in the chain's YAML)"},
        {"ct expectation", "connections that are expected need helpers, which there are not"},
        {"synproxy", "it answers no SYN for others"},
        {"secmark", "packets have no security marks here"}};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        const json_t *object = json_object_get(item, unknown[i].kind);
        if (object != NULL) {
            char table[160];
            char name[128];
            (void)snprintf(table, sizeof(table), "%s %s", nft_text_of(object, "family"),
                           nft_text_of(object, "table"));
            (void)snprintf(name, sizeof(name), "%s %s", unknown[i].kind,
                           nft_text_of(object, "name"));
            return cannot_declare(r, table, ", ", name, name, unknown[i].why);
        }
    }
    return SL_OK;
}

/* ---- base chains ---- */

static sl_rc cannot_base(const struct nft_ruleset *r, const struct nft_chain *chain,
                         const char *why)
{
    char said[128];
    (void)snprintf(said, sizeof(said), "type %s hook %s", nft_text_of(chain->object, "type"),
                   nft_text_of(chain->object, "hook"));
    return cannot_declare(r, chain->full_table, ", chain ", chain->name, said, why);
}

static void leave_out(struct nft_ruleset *r, const struct nft_chain *chain)
{
    const struct nft_line *line = nft_lines_declared(&r->source, chain->full_table, chain->name);
    size_t used = strlen(r->left_out);
    (void)snprintf(r->left_out + used, sizeof(r->left_out) - used, "%s%s (line %u)",
                   used > 0 ? ", " : "", chain->name, line != NULL ? line->line : 0);
}

/* Chains of one hook are met by their priority; those of one priority as nft lists them. */
static sl_rc add_base(struct nft_ruleset *r, struct nft_chain *chain)
{
    if (r->base_count == NFT_BASES_MAX) {
        return cannot_base(r, chain, "a packet would meet more than 32 base chains");
    }
    uint32_t at = r->base_count++;
    while (at > 0 && (r->bases[at - 1]->hook > chain->hook ||
                      (r->bases[at - 1]->hook == chain->hook &&
                       r->bases[at - 1]->priority > chain->priority))) {
        r->bases[at] = r->bases[at - 1];
        at--;
    }
    r->bases[at] = chain;
    return SL_OK;
}

/* What a packet that is sent on meets: prerouting, forward, postrouting. */
static sl_rc place_base(struct nft_ruleset *r, struct nft_chain *chain)
{
    static const char *const hooks[] = {"prerouting", "forward", "postrouting"};
    enum { CONNTRACK_PRIORITY = -200 }; /* linux/netfilter_ipv4.h: NF_IP_PRI_CONNTRACK */
    const char *hook = nft_text_of(chain->object, "hook");
    const char *type = nft_text_of(chain->object, "type");
    bool is_accept = strcmp(nft_text_of(chain->object, "policy"), "accept") == 0;
    if (strcmp(hook, "input") == 0 || strcmp(hook, "output") == 0) {
        leave_out(r, chain); /* of packets to and from the machine itself, which there are none */
        return SL_OK;
    }
    uint32_t number = 0;
    while (number < 3 && strcmp(hooks[number], hook) != 0) {
        number++;
    }
    if (number == 3) {
        return cannot_base(r, chain,
                           "packets pass through here: hooks are prerouting, forward, postrouting");
    }
    if (chain->count == 0 && is_accept && number != NFT_FORWARD) {
        return SL_OK;
    }
    if (strcmp(type, "filter") != 0) {
        return cannot_base(r, chain,
                           "addresses are translated by the NF `nat` of the chain, and "
                           "the route is the gateway's: `type filter` it must be");
    }
    chain->hook = (enum nft_hook)number;
    chain->priority = (int)json_integer_value(json_object_get(chain->object, "prio"));
    if (number == NFT_PREROUTING && chain->priority <= CONNTRACK_PRIORITY) {
        return cannot_base(r, chain,
                           "nothing comes before connection tracking: use priority "
                           "mangle (-150) or later, or hook forward");
    }
    return add_base(r, chain);
}

static sl_rc place_bases(struct nft_ruleset *r)
{
    bool has_forward = false;
    for (uint32_t i = 0; i < r->chain_count; i++) {
        struct nft_chain *chain = &r->chains[i];
        const char *hook = nft_text_of(chain->object, "hook");
        if (hook[0] == '\0') {
            continue;
        }
        sl_rc rc = place_base(r, chain);
        if (rc != SL_OK) {
            return rc;
        }
        has_forward |= strcmp(hook, "forward") == 0;
    }
    if (!has_forward) {
        bool is_some = r->left_out[0] != '\0';
        return sl_err_set(r->err, SL_UNSUPPORTED,
                          "%s: no chain `type filter hook forward`: nothing would be filtered%s%s",
                          r->path, is_some ? "; packets that pass through do not meet " : "",
                          r->left_out);
    }
    return SL_OK;
}

/* ---- all of it ---- */

static sl_rc collect(struct nft_ruleset *r)
{
    size_t count = json_array_size(r->listing.json);
    r->chains = calloc(count + 1, sizeof(*r->chains));
    if (r->chains == NULL) {
        return sl_err_set(r->err, SL_NO_MEMORY, "%s: out of memory", r->path);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(r->listing.json, i);
        const json_t *chain = json_object_get(item, "chain");
        const json_t *rule = json_object_get(item, "rule");
        const json_t *table = json_object_get(item, "table");
        sl_rc rc = table != NULL ? add_table(r, table) : refuse_object(r, item);
        if (chain != NULL) {
            add_chain(r, chain);
        }
        if (rc == SL_OK && rule != NULL) {
            rc = add_rule(r, rule);
        }
        if (rc != SL_OK) {
            return rc;
        }
    }
    return place_bases(r);
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
static sl_rc scan_texts(struct nft_ruleset *r)
{
    char *text = read_text(r->path);
    bool is_good = text != NULL && nft_lines_scan(&r->arena, text, &r->source) &&
                   nft_lines_scan(&r->arena, r->listing.text, &r->listed);
    free(text);
    return is_good ? SL_OK : sl_err_set(r->err, SL_IO, "%s: cannot be read again", r->path);
}

sl_rc nft_ruleset_read(struct nft_ruleset *ruleset, const char *path, struct sl_err *err)
{
    *ruleset = (struct nft_ruleset){.path = path, .err = err};
    sl_rc rc = nft_read(path, &ruleset->listing, err);
    if (rc == SL_OK) {
        rc = scan_texts(ruleset);
    }
    return rc == SL_OK ? collect(ruleset) : rc;
}

void nft_ruleset_done(struct nft_ruleset *ruleset)
{
    for (uint32_t i = 0; i < ruleset->chain_count; i++) {
        free(ruleset->chains[i].rules);
    }
    free(ruleset->chains);
    nft_lines_done(&ruleset->source);
    nft_lines_done(&ruleset->listed);
    nft_listing_done(&ruleset->listing);
    pol_arena_done(&ruleset->arena);
}
