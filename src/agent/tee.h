/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Evidence of the NF images on this node, from safelib-host's evidence sockets. It is signed by the
 * hardware for a monitor's nonce; here it is only carried.
 */
#ifndef SL_AGENT_TEE_H
#define SL_AGENT_TEE_H

#include <jansson.h>

#include "agent/config.h"

/** @return the configured images' ids, for the challenge; NULL: no memory */
json_t *sl_agent_tee_ids(const struct sl_agent_config *config);
/** Asks each image that the challenge names and that is configured; one that gives no evidence is
 * logged and left out, and the monitor calls it unknown.
 * @param[in] asked  the challenge's "tee"
 * @return array for the evidence message; NULL: no memory */
json_t *sl_agent_tee_collect(const struct sl_agent_config *config, const json_t *asked,
                             void (*log)(const char *line));

#endif
