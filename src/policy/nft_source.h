/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Leads from a rule that nft listed back to the line that the operator wrote. Only for messages:
 * where the file is too clever for it (includes, scripted adds), it says so with line 0.
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

struct nft_lines {
    struct nft_line *items;
    uint32_t count, room;
    bool is_reordered; /**< by insert, replace, delete ...: lines of rules cannot be told */
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
void nft_lines_done(struct nft_lines *lines);

#endif
