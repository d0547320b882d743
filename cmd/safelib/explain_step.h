/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What one NF did with one packet, in words and as JSON: by which rule, in which state of which
 * flow, and what the packet became.
 */
#ifndef SL_CMD_SAFELIB_EXPLAIN_STEP_H
#define SL_CMD_SAFELIB_EXPLAIN_STEP_H

#include <jansson.h>

#include "nf/chain.h"
#include "policy/policy.h"

enum { EXPLAIN_TUPLE_MAX = 160 };

/** Whose steps they are. */
struct explain_chain {
    const struct sl_policy *policy;
    const struct sl_chain *chain;
};

const char *explain_verdict(uint8_t verdict);
/** "tcp 10.0.0.5:1234 > 192.0.2.1:443", or "".
 * @param out  EXPLAIN_TUPLE_MAX bytes */
const char *explain_tuple(const struct sl_flow_tuple *tuple, char *out);
void explain_step_show(const struct explain_chain *in, const struct sl_chain_step *step);
json_t *explain_step_json(const struct explain_chain *in, const struct sl_chain_step *step);

#endif
