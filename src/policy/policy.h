/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Policies on the tenant's side: rules that people write (nftables, ClassBench), compiled into the
 * bundle that the image loads, and the names that lead back from a rule's number to its text.
 * Only the bundle goes to the enclave; the names stay here (OUT.rules.json).
 */
#ifndef SL_POLICY_POLICY_H
#define SL_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** One compiled rule, for people. */
struct sl_policy_rule {
    uint32_t line; /**< in the source file; 0 where it cannot be told (included files) */
    char *text;    /**< as written, or as nft lists it */
    char *chain;   /**< nftables chain, or NULL */
    char *action;  /**< accept, drop, reject, continue */
};

/** One NF of a chain, for people. */
struct sl_policy_nf {
    char *source; /**< path of its policy's file */
    char *default_action;
    uint32_t first, count; /**< its rules among all */
};

struct sl_policy {
    uint8_t *bundle; /**< what sl_chain_create takes */
    size_t size;
    uint64_t version;
    char *source; /**< path of the file it was compiled from */
    char *kind;   /**< as sl_policy_kind_at names it */
    char *default_action;
    uint32_t nf_count;        /**< 0: a policy of one NF, whose names are the members here */
    struct sl_policy_nf *nfs; /**< of a chain: one each, in order */
    uint32_t count;
    struct sl_policy_rule *rules;
    char *note; /**< what the operator should know though nothing is wrong, or NULL */
};

/** Compiles a file of nftables rules, by loading it into a throw-away network namespace with nft(8)
 * and reading it back. docs/policy-nftables.md has the subset.
 * @retval SL_OK           @p ret_policy is the caller's (sl_policy_done)
 * @retval SL_IO           the file cannot be read, or nft or the namespace is not to be had
 * @retval SL_MALFORMED    nft refuses the file: its own message
 * @retval SL_UNSUPPORTED  a rule cannot be honoured; the sentence quotes it with its line
 * @retval SL_RANGE        too many rules or intervals
 * @context runs two children; blocks */
sl_rc sl_policy_compile_nftables(const char *path, struct sl_policy *ret_policy,
                                 struct sl_err *err) SL_MUST_CHECK;

/** Compiles a ClassBench filter set: first match, every rule accepts, what no rule covers is
 * dropped.
 * @retval SL_OK, SL_IO, SL_MALFORMED (quotes the line), SL_RANGE */
sl_rc sl_policy_compile_classbench(const char *path, struct sl_policy *ret_policy,
                                   struct sl_err *err) SL_MUST_CHECK;

/** Compiles routes in iproute2's words into the policy of a router; docs/policy-router.md.
 * @retval SL_OK, SL_IO
 * @retval SL_MALFORMED, SL_UNSUPPORTED  the sentence names line, column and word
 * @retval SL_RANGE  too many routes */
sl_rc sl_policy_compile_route(const char *path, struct sl_policy *ret_policy,
                              struct sl_err *err) SL_MUST_CHECK;

/** Compiles limits in nft's words into the policy of a rate limiter; docs/policy-limiter.md.
 * @retval SL_OK, SL_IO
 * @retval SL_MALFORMED, SL_UNSUPPORTED, SL_RANGE  the sentence names line, column and word */
sl_rc sl_policy_compile_limit(const char *path, struct sl_policy *ret_policy,
                              struct sl_err *err) SL_MUST_CHECK;
/** Compiles the flow monitor's settings (docs/policy-monitor.md).
 * @retval SL_OK, SL_IO, SL_MALFORMED, SL_RANGE (each names line and word) */
sl_rc sl_policy_compile_monitor(const char *path, struct sl_policy *ret_policy,
                                struct sl_err *err) SL_MUST_CHECK;
/** Compiles a NAT's policy (YAML, docs/policy-nat.md). What is wrong between values that are each
 * right, the NF's own loader says.
 * @retval SL_OK, SL_IO, SL_NOT_FOUND
 * @retval SL_MALFORMED, SL_RANGE, SL_UNSUPPORTED  the sentence names line, column and word */
sl_rc sl_policy_compile_nat(const char *path, struct sl_policy *ret_policy,
                            struct sl_err *err) SL_MUST_CHECK;

/** Compiles services and backends in YAML into the policy of a balancer; docs/policy-balancer.md.
 * @retval SL_OK, SL_NOT_FOUND, SL_IO
 * @retval SL_MALFORMED, SL_RANGE  the sentence names line, column and word */
sl_rc sl_policy_compile_balancer(const char *path, struct sl_policy *ret_policy,
                                 struct sl_err *err) SL_MUST_CHECK;

/** Compiles a chain: a YAML file that names its NFs and their policies; docs/policy-chain.md.
 * @retval SL_OK, SL_IO, SL_NOT_FOUND
 * @retval SL_MALFORMED, SL_RANGE, SL_UNSUPPORTED  the sentence names line, column and word of this
 * file, or of the policy that is at fault */
sl_rc sl_policy_compile_chain(const char *path, struct sl_policy *ret_policy,
                              struct sl_err *err) SL_MUST_CHECK;

/** Writes the bundle to @p path and the names to @p path.rules.json.
 * @retval SL_OK, SL_IO */
sl_rc sl_policy_write(const struct sl_policy *policy, const char *path,
                      struct sl_err *err) SL_MUST_CHECK;

/** Reads a bundle, and its names where they are there and belong to it (by SHA-256).
 * @retval SL_OK         count is 0 and note says so where there are no names
 * @retval SL_IO         no such file
 * @retval SL_MALFORMED  not a bundle */
sl_rc sl_policy_read(const char *path, struct sl_policy *ret_policy,
                     struct sl_err *err) SL_MUST_CHECK;

/** Name of the @p index-th NF of the chain, as the bundle says.
 * @param[out] ret_name  SL_NF_NAME_MAX bytes of room; "" where the chain has no such NF */
void sl_policy_nf_name(const struct sl_policy *policy, uint32_t index, char *ret_name);
/** Gives the policy another version: the same rules under a new number. */
void sl_policy_version_set(struct sl_policy *policy, uint64_t version);
void sl_policy_done(struct sl_policy *policy);

/** The rule of the @p nf-th NF with this number, or NULL (no names, or the default policy decided).
 */
const struct sl_policy_rule *sl_policy_rule(const struct sl_policy *policy, uint32_t nf,
                                            uint32_t rule);
/** The file of that NF's policy, and what becomes of packets without a rule; "" where unknown. */
const char *sl_policy_source(const struct sl_policy *policy, uint32_t nf);
const char *sl_policy_default(const struct sl_policy *policy, uint32_t nf);

#endif
