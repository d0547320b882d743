/* SPDX-License-Identifier: Apache-2.0 */
/* A light scan of nft syntax for where its rules stand. */
#include "policy/nft_source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENT_MAX = 4096, NAME_MAX_SIZE = 160 };

/* Where the scan is: inside which table and chain, and the statement being collected. */
struct scan {
    struct pol_arena *arena;
    struct nft_lines *lines;
    char table[NAME_MAX_SIZE];
    char chain[NAME_MAX_SIZE];
    uint32_t depth;       /* open braces that hold tables, chains, sets */
    uint32_t value_depth; /* open braces inside a statement: anonymous sets */
    bool is_other_block;  /* a set, map or the like */
    const char *text;     /* all of it */
    const char *at;       /* where the scan is in it */
    size_t statement_off;
    size_t block_off; /* of the other block */
    uint32_t line;
    uint32_t statement_line;
    size_t size;
    char statement[STATEMENT_MAX];
    bool is_good;
};

static uint32_t rules_so_far(const struct nft_lines *lines, const char *table, const char *chain)
{
    for (uint32_t i = lines->count; i > 0; i--) {
        const struct nft_line *line = &lines->items[i - 1];
        if (line->index != NFT_LINE_DECLARED && strcmp(line->table, table) == 0 &&
            strcmp(line->chain, chain) == 0) {
            return line->index + 1;
        }
    }
    return 0;
}

static void add_line(struct scan *scan, const char *table, const char *chain, uint32_t index,
                     const char *text)
{
    struct nft_lines *lines = scan->lines;
    if (lines->count == lines->room) {
        uint32_t room = lines->room == 0 ? 256 : lines->room * 2;
        struct nft_line *items = realloc(lines->items, room * sizeof(*items));
        if (items == NULL) {
            scan->is_good = false;
            return;
        }
        lines->items = items;
        lines->room = room;
    }
    struct nft_line line = {
        .table = pol_strdup(scan->arena, table),
        .chain = pol_strdup(scan->arena, chain),
        .index = index,
        .line = scan->statement_line,
        .text = pol_strdup(scan->arena, text),
    };
    if (line.table == NULL || line.chain == NULL || line.text == NULL) {
        scan->is_good = false;
        return;
    }
    lines->items[lines->count++] = line;
}

/* From `off` to where the scan is. */
static void add_piece(struct scan *scan, size_t off, bool is_rule)
{
    struct nft_lines *lines = scan->lines;
    if (lines->piece_count == lines->piece_room) {
        uint32_t room = lines->piece_room == 0 ? 256 : lines->piece_room * 2;
        struct nft_piece *pieces = realloc(lines->pieces, room * sizeof(*pieces));
        if (pieces == NULL) {
            scan->is_good = false;
            return;
        }
        lines->pieces = pieces;
        lines->piece_room = room;
    }
    lines->pieces[lines->piece_count++] = (struct nft_piece){
        .off = off, .size = (size_t)(scan->at - scan->text) - off, .is_rule = is_rule};
}

static void add_rule(struct scan *scan, const char *table, const char *chain, const char *text)
{
    add_line(scan, table, chain, rules_so_far(scan->lines, table, chain), text);
}

static bool starts_with(const char *text, const char *word)
{
    size_t size = strlen(word);
    return strncmp(text, word, size) == 0 && (text[size] == '\0' || isspace((uint8_t)text[size]));
}

static bool starts_with_any(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (starts_with(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* "[family] table chain" at *text, which moves behind them. */
static bool read_place(const char **text, char table[NAME_MAX_SIZE], char chain[64])
{
    char family[32];
    char name[64];
    int used = 0;
    if (sscanf(*text, " %31s %n", family, &used) != 1) {
        return false;
    }
    bool has_family = strcmp(family, "ip") == 0 || strcmp(family, "ip6") == 0 ||
                      strcmp(family, "inet") == 0 || strcmp(family, "arp") == 0 ||
                      strcmp(family, "bridge") == 0 || strcmp(family, "netdev") == 0;
    const char *at = *text + (has_family ? used : 0);
    if (sscanf(at, " %63s %63s %n", name, chain, &used) != 2) {
        return false;
    }
    (void)snprintf(table, NAME_MAX_SIZE, "%s %s", has_family ? family : "ip", name);
    *text = at + used;
    return true;
}

/* A command at the top level: "add rule ...", "add chain ...", or one that changes what stands. */
static void add_command(struct scan *scan, const char *text)
{
    static const char *const movers[] = {"insert", "replace"};
    static const char *const removers[] = {"delete", "destroy", "flush", "rename"};
    static const char *const positions[] = {"index", "position", "handle"};
    char table[NAME_MAX_SIZE];
    char chain[64];
    const char *whole = text;
    if (starts_with_any(text, movers, 2) ||
        (starts_with_any(text, removers, 4) && scan->lines->count > 0)) {
        scan->lines->is_reordered = true;
    }
    if (starts_with(text, "add") || starts_with(text, "create")) {
        text += strcspn(text, " \t");
        text += strspn(text, " \t");
    }
    bool is_chain = starts_with(text, "chain");
    if (!is_chain && !starts_with(text, "rule")) {
        return;
    }
    text += is_chain ? 5 : 4;
    if (!read_place(&text, table, chain)) {
        return;
    }
    if (is_chain) {
        add_line(scan, table, chain, NFT_LINE_DECLARED, whole);
        return;
    }
    scan->lines->is_reordered |= starts_with_any(text, positions, 3);
    add_rule(scan, table, chain, text);
}

/* Where a statement belongs once the file is cut into parts. Definitions and what tables and chains
 * say about themselves belong everywhere. */
static void add_statement_piece(struct scan *scan, const char *text, bool is_property)
{
    static const char *const definitions[] = {"define", "redefine", "undefine"};
    static const char *const verbs[] = {"add", "rule", "element"};
    scan->lines->has_include |= starts_with(text, "include");
    if (starts_with_any(text, definitions, 3) || scan->depth == 1 ||
        (scan->depth == 2 && is_property)) {
        return;
    }
    bool is_rule = scan->depth == 2;
    if (scan->depth == 0 && starts_with_any(text, verbs, 3)) {
        const char *object = text;
        if (starts_with(text, "add")) {
            object += strcspn(text, " ") + 1;
        }
        is_rule = starts_with_any(object, verbs + 1, 2);
    }
    add_piece(scan, scan->statement_off, is_rule);
}

/* Ends the statement collected so far. */
static void end_statement(struct scan *scan)
{
    while (scan->size > 0 && isspace((uint8_t)scan->statement[scan->size - 1])) {
        scan->size--;
    }
    scan->statement[scan->size] = '\0';
    const char *text = scan->statement;
    if (scan->size == 0 || scan->is_other_block) {
        scan->size = 0;
        return;
    }
    /* what a chain says about itself is no rule */
    bool is_property = starts_with(text, "type") || starts_with(text, "policy") ||
                       starts_with(text, "comment") || starts_with(text, "flags") ||
                       starts_with(text, "devices");
    add_statement_piece(scan, text, is_property);
    if (scan->depth == 2 && starts_with(text, "type")) {
        add_line(scan, scan->table, scan->chain, NFT_LINE_DECLARED, text);
    } else if (scan->depth == 2 && !is_property) {
        add_rule(scan, scan->table, scan->chain, text);
    } else if (scan->depth == 0) {
        add_command(scan, text);
    }
    scan->size = 0;
}

/* An opening brace: of a block (after "table ...", "chain ...", "set ..."), or of a value. */
static bool open_block(struct scan *scan)
{
    char *text = scan->statement;
    while (scan->size > 0 && text[scan->size - 1] == ' ') {
        scan->size--;
    }
    text[scan->size] = '\0';
    if (starts_with(text, "add")) {
        text += strspn(text + 3, " \t") + 3;
    }
    char first[64] = "";
    char second[64] = "";
    char third[64] = "";
    int words = sscanf(text, "%63s %63s %63s", first, second, third);
    if (scan->depth == 0 && strcmp(first, "table") == 0 && words >= 2) {
        (void)snprintf(scan->table, sizeof(scan->table), "%s %s", words == 3 ? second : "ip",
                       words == 3 ? third : second);
        add_line(scan, scan->table, "", NFT_LINE_DECLARED, text);
    } else if (scan->depth == 1 && strcmp(first, "chain") == 0 && words >= 2) {
        (void)snprintf(scan->chain, sizeof(scan->chain), "%s", second);
    } else if (scan->depth == 1) {
        add_line(scan, scan->table, text, NFT_LINE_DECLARED, text);
        scan->is_other_block = true;
        scan->block_off = scan->statement_off;
    } else {
        return false;
    }
    scan->depth++;
    scan->size = 0;
    return true;
}

static void put(struct scan *scan, char c)
{
    if (scan->size == 0) {
        if (isspace((uint8_t)c)) {
            return;
        }
        scan->statement_line = scan->line;
        scan->statement_off = (size_t)(scan->at - scan->text);
    }
    if (isspace((uint8_t)c)) {
        c = ' ';
        if (scan->statement[scan->size - 1] == ' ') {
            return;
        }
    }
    if (scan->size < STATEMENT_MAX - 1) {
        scan->statement[scan->size++] = c;
    }
}

static void close_brace(struct scan *scan)
{
    if (scan->value_depth > 0) {
        scan->value_depth--;
        put(scan, '}');
        return;
    }
    end_statement(scan);
    if (scan->depth > 0) {
        scan->depth--;
    }
    if (scan->is_other_block) {
        scan->at++; /* the brace belongs to it */
        add_piece(scan, scan->block_off, false);
    }
    scan->is_other_block = false;
}

static void open_brace(struct scan *scan)
{
    if (scan->value_depth > 0 || scan->is_other_block || !open_block(scan)) {
        put(scan, ' ');
        put(scan, '{');
        scan->value_depth++;
    }
}

/* A string goes through as it is; returns its last character. */
static const char *take_string(struct scan *scan, const char *at)
{
    put(scan, *at++);
    while (*at != '\0' && *at != '"' && *at != '\n') {
        put(scan, *at++);
    }
    if (*at == '"') {
        put(scan, '"');
        return at;
    }
    return at - 1;
}

static const char *take_char(struct scan *scan, const char *at)
{
    switch (*at) {
    case '#':
        while (at[1] != '\0' && at[1] != '\n') {
            at++;
        }
        break;
    case '"':
        return take_string(scan, at);
    case '{':
        open_brace(scan);
        break;
    case '}':
        close_brace(scan);
        break;
    case '\\':
        if (at[1] == '\n') {
            scan->line++;
            put(scan, ' ');
            return at + 1;
        }
        put(scan, '\\');
        break;
    case '\n':
    case ';':
        if (scan->value_depth == 0) {
            end_statement(scan);
        } else {
            put(scan, *at == '\n' ? ' ' : ';');
        }
        scan->line += *at == '\n';
        break;
    default:
        put(scan, *at);
        break;
    }
    return at;
}

/* RFC 3629 4: bytes of the character at `at`, or 0 where it is none. */
static size_t utf8_size(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first_lo, first_hi, second_lo, second_hi, size;
    } forms[] = {
        {0x20, 0x7e, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (at[0] == '\n' || at[0] == '\t') {
        return 1;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (at[0] < forms[i].first_lo || at[0] > forms[i].first_hi || forms[i].size > left) {
            continue;
        }
        bool is_good =
            forms[i].size == 1 || (at[1] >= forms[i].second_lo && at[1] <= forms[i].second_hi);
        for (size_t k = 2; k < forms[i].size; k++) {
            is_good = is_good && (at[k] & 0xc0) == 0x80;
        }
        return is_good ? forms[i].size : 0;
    }
    return 0;
}

void nft_text_clean(char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t step = utf8_size((const uint8_t *)text + at, size - at);
        if (step == 0) {
            text[at] = '?';
            step = 1;
        }
        at += step;
    }
}

bool nft_lines_scan(struct pol_arena *arena, const char *text, struct nft_lines *ret_lines)
{
    struct scan *scan = calloc(1, sizeof(*scan));
    if (scan == NULL) {
        return false;
    }
    *ret_lines = (struct nft_lines){0};
    scan->arena = arena;
    scan->lines = ret_lines;
    scan->line = 1;
    scan->is_good = true;
    scan->text = scan->at = text;
    for (const char *at = text; *at != '\0' && scan->is_good; at++) {
        scan->at = at;
        at = take_char(scan, at);
    }
    scan->at = text + strlen(text);
    end_statement(scan);
    bool is_good = scan->is_good;
    free(scan);
    return is_good;
}

const struct nft_line *nft_lines_find(const struct nft_lines *lines, const char *table,
                                      const char *chain, uint32_t index, uint32_t count)
{
    if (lines->is_reordered || rules_so_far(lines, table, chain) != count) {
        return NULL;
    }
    for (uint32_t i = 0; i < lines->count; i++) {
        const struct nft_line *line = &lines->items[i];
        if (line->index == index && strcmp(line->table, table) == 0 &&
            strcmp(line->chain, chain) == 0) {
            return line;
        }
    }
    return NULL;
}

const struct nft_line *nft_lines_declared(const struct nft_lines *lines, const char *table,
                                          const char *chain)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        const struct nft_line *line = &lines->items[i];
        if (line->index == NFT_LINE_DECLARED && strcmp(line->table, table) == 0 &&
            strcmp(line->chain, chain) == 0) {
            return line;
        }
    }
    return NULL;
}

uint32_t nft_parts_rules(const struct nft_lines *lines)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < lines->piece_count; i++) {
        count += lines->pieces[i].is_rule;
    }
    return lines->is_reordered || lines->has_include ? 0 : count;
}

void nft_part_cut(const struct nft_lines *lines, uint32_t from, uint32_t to, char *text)
{
    uint32_t rule = 0;
    for (uint32_t i = 0; i < lines->piece_count; i++) {
        const struct nft_piece *piece = &lines->pieces[i];
        bool is_here = piece->is_rule ? rule >= from && rule < to : from == 0;
        rule += piece->is_rule;
        for (size_t off = piece->off; !is_here && off < piece->off + piece->size; off++) {
            text[off] = text[off] == '\n' ? '\n' : ' ';
        }
    }
}

void nft_lines_done(struct nft_lines *lines)
{
    free(lines->items);
    free(lines->pieces);
    *lines = (struct nft_lines){0};
}
