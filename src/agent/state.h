/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the agent keeps between starts: STATE_DIR/node.json.
 */
#ifndef SL_AGENT_STATE_H
#define SL_AGENT_STATE_H

#include "agent/tpm.h"

enum { SL_AGENT_TOKEN_MAX = 512, SL_AGENT_NODE_MAX = 128, SL_AGENT_BOOT_ID_MAX = 40 };

struct sl_agent_state {
    char node[SL_AGENT_NODE_MAX];               /**< as the monitor calls us; "": not enrolled */
    char token[SL_AGENT_TOKEN_MAX];             /**< lets us talk, not lie */
    char boot_id[SL_AGENT_BOOT_ID_MAX];         /**< of the last round that the monitor took */
    struct sl_agent_blob ak_public, ak_private; /**< wrapped by the TPM */
};

/** @retval SL_OK
 * @retval SL_NOT_FOUND  never enrolled
 * @retval SL_IO, SL_MALFORMED, SL_RANGE */
sl_rc sl_agent_state_load(const char *dir, struct sl_agent_state *ret_state,
                          struct sl_err *err) SL_MUST_CHECK;
/** Mode 0600, old or new after a crash.
 * @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_agent_state_save(const char *dir, const struct sl_agent_state *state,
                          struct sl_err *err) SL_MUST_CHECK;

#endif
