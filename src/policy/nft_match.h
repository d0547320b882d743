/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One match of nft's JSON as sets per dimension. nft must have listed numerically (-n).
 */
#ifndef SL_POLICY_NFT_MATCH_H
#define SL_POLICY_NFT_MATCH_H

#include <jansson.h>

#include "policy/nft_ruleset.h"
#include "policy/program.h"

/** Finds a named set or map: its "elem" array, or NULL. */
typedef const json_t *nft_find_set_fn(const void *ctx, const char *name, const char **ret_why);

struct nft_scope {
    struct pol_program *program;
    nft_find_set_fn *find_set;
    const void *ctx;
    enum nft_hook hook; /**< of the base chain: not everywhere are both ports known */
};

/** A disjunction: the rule is there once for each (more than one only for concatenations). */
struct nft_matches {
    uint32_t count;
    struct pol_match *items;
};

/** @p match is the object behind "match".
 * @retval SL_OK, SL_NO_MEMORY
 * @retval SL_UNSUPPORTED  @p why says what cannot be honoured */
sl_rc nft_match_read(const struct nft_scope *scope, const json_t *match,
                     struct nft_matches *ret_matches, struct sl_err *why) SL_MUST_CHECK;
/** What a key asks for when it has the value or set @p right (of verdict maps). */
sl_rc nft_match_key(const struct nft_scope *scope, const json_t *key, const json_t *right,
                    struct pol_match *ret_match, struct sl_err *why) SL_MUST_CHECK;

#endif
