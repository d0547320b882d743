/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Leads from a rule that nft listed back to the line that the operator wrote: only for messages;
 * where the file is too clever for it (includes, scripted adds), it says so with line 0. And cuts a
 * file that is too long for one transaction into parts that mean the same one after the other.
 */
#ifndef SL_POLICY_NFT_SOURCE_H
#define SL_POLICY_NFT_SOURCE_H

#include <stdint.h>

#include "policy/set.h"

enum { NFT_LINE_DECLARED = UINT32_MAX };

/** One rule found in a text: the n-th of its chain; or where a table or base chain is declared. */
struct nft_line {
    const char *table; /**< "family name" */
    const char *chain; /**< "" for the declaration of a table */
    uint32_t index;    /**< within the chain, or NFT_LINE_DECLARED */
    uint32_t line;
    const char *text;
};

/** A statement or block that must not stand in every part. */
struct nft_piece {
    size_t off, size;
    bool is_rule; /**< stands in one part, in its order; else in the first */
};

struct nft_lines {
    struct nft_line *items;
    uint32_t count, room;
    bool is_reordered; /**< by insert, replace, delete ...: lines of rules cannot be told */
    bool has_include;
    struct nft_piece *pieces;
    uint32_t piece_count, piece_room;
};

/** Puts `?` for bytes that are no UTF-8 and for control characters other than tab and newline: what
 * a file holds is quoted on terminals and in JSON. */
void nft_text_clean(char *text, size_t size);
/** Scans rules written in nft syntax: a file, or nft's own listing (whose "# handle N" is cut off).
 * False where memory is out. */
bool nft_lines_scan(struct pol_arena *arena, const char *text, struct nft_lines *ret_lines);
/** The rule, or NULL. @p count is how many rules the chain is known to have: where the text shows
 * another number, lines cannot be told. */
const struct nft_line *nft_lines_find(const struct nft_lines *lines, const char *table,
                                      const char *chain, uint32_t index, uint32_t count);
/** Where a base chain says its type and hook, or (@p chain "") a table begins; or NULL. */
const struct nft_line *nft_lines_declared(const struct nft_lines *lines, const char *table,
                                          const char *chain);
/** How many rules (and `add element` commands) can be spread over parts; 0 where the order of other
 * commands counts, or a file is included. */
uint32_t nft_parts_rules(const struct nft_lines *lines);
/** A part of the scanned text with the rules [@p from, @p to): all else that it declares, every
 * definition, and for what is left out blanks, so that lines and columns stay. The parts from 0 to
 * nft_parts_rules(), each a transaction, leave the ruleset that the whole would.
 * @param[in,out] text  a copy of what was scanned */
void nft_part_cut(const struct nft_lines *lines, uint32_t from, uint32_t to, char *text);
void nft_lines_done(struct nft_lines *lines);

#endif
