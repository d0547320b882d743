/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The ruleset that nft listed: its tables, chains and rules, which base chains a packet meets in
 * which order, and where each stands in the operator's file.
 */
#ifndef SL_POLICY_NFT_RULESET_H
#define SL_POLICY_NFT_RULESET_H

#include "policy/nft_read.h"
#include "policy/nft_source.h"
#include "policy/set.h"

enum { NFT_BASES_MAX = 32 };

/** Hooks that a packet passes which is sent on, in this order. */
enum nft_hook { NFT_PREROUTING, NFT_FORWARD, NFT_POSTROUTING };

struct nft_chain {
    const char *family, *table, *name;
    const json_t *object;
    const json_t **rules; /**< in order */
    uint32_t count, room;
    char full_table[160]; /**< "family table" */
    enum nft_hook hook;   /**< of a base chain */
    int priority;
    uint8_t families; /**< SL_FW_IP4 | SL_FW_IP6 */
};

struct nft_ruleset {
    const char *path;
    struct pol_arena arena;
    struct nft_listing listing;
    struct nft_lines source; /**< the operator's file */
    struct nft_lines listed; /**< nft's listing of it */
    struct nft_chain *chains;
    uint32_t chain_count;
    struct nft_chain *bases[NFT_BASES_MAX]; /**< in the order that a packet meets them */
    uint32_t base_count;
    char left_out[256]; /**< base chains that no such packet meets, for people */
    struct sl_err *err;
};

/** Where a rule stands, and how it is written. */
struct nft_rule_text {
    const struct nft_chain *chain;
    uint32_t index;
    uint32_t line; /**< 0 where it cannot be told */
    const char *text;
};

/** Has nft read @p path. @p ruleset must be done also after a fault.
 * @retval SL_OK, SL_IO, SL_MALFORMED
 * @retval SL_UNSUPPORTED  a table or chain cannot be honoured: file, line and declaration are named
 */
sl_rc nft_ruleset_read(struct nft_ruleset *ruleset, const char *path,
                       struct sl_err *err) SL_MUST_CHECK;
void nft_ruleset_done(struct nft_ruleset *ruleset);

/** A member of a JSON object, "" where there is none. */
const char *nft_text_of(const json_t *object, const char *key);
struct nft_chain *nft_ruleset_chain(const struct nft_ruleset *ruleset, const char *family,
                                    const char *table, const char *name);
struct nft_rule_text nft_ruleset_describe(const struct nft_ruleset *ruleset,
                                          const struct nft_chain *chain, uint32_t index);
/** Says "FILE:LINE: chain C: cannot honour `RULE`: why". @return rc */
sl_rc nft_ruleset_cannot(const struct nft_ruleset *ruleset, const struct nft_rule_text *rule,
                         sl_rc rc, const char *why);

#endif
