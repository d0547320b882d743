/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The languages that policies are written in: one line in kinds.c for each.
 */
#ifndef SL_POLICY_KINDS_H
#define SL_POLICY_KINDS_H

#include "policy/policy.h"

struct sl_policy_kind {
    const char *name;  /**< as in --kind */
    const char *nf;    /**< the NF that loads what it compiles to */
    const char *about; /**< a few words for --help */
    sl_rc (*compile)(const char *path, struct sl_policy *ret_policy, struct sl_err *err);
};

/** By index, NULL past the last. */
const struct sl_policy_kind *sl_policy_kind_at(uint32_t index);
/** The first kind whose name, or whose NF's name, is @p name; NULL where there is none. */
const struct sl_policy_kind *sl_policy_kind_find(const char *name);

/** Compiles @p path as @p kind.
 * @retval SL_INVALID  no such kind: the sentence lists them
 * @retval of the kind's compiler */
sl_rc sl_policy_compile(const char *kind, const char *path, struct sl_policy *ret_policy,
                        struct sl_err *err) SL_MUST_CHECK;

/** What a gateway, `replay` and `explain` take: a compiled policy, a chain (FILE.yaml, FILE.yml),
 * or nftables rules (any other text), which are compiled now.
 * @param[out] ret_is_compiled  it was compiled before: its version is its own
 * @retval SL_OK, SL_NOT_FOUND, SL_IO
 * @retval as sl_policy_read, sl_policy_compile_chain, sl_policy_compile_nftables */
sl_rc sl_policy_load(const char *path, struct sl_policy *ret_policy, bool *ret_is_compiled,
                     struct sl_err *err) SL_MUST_CHECK;

#endif
