/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The agent: enrolment, then rounds of challenge and evidence (docs/trust-protocol.md).
 */
#ifndef SL_AGENT_AGENT_H
#define SL_AGENT_AGENT_H

#include "agent/action.h"
#include "agent/config.h"
#include "agent/containers.h"
#include "agent/http.h"
#include "agent/ima_list.h"
#include "agent/message.h"
#include "agent/observe.h"
#include "agent/state.h"
#include "agent/tpm.h"

struct sl_agent {
    struct sl_agent_config config;
    struct sl_agent_state state;
    struct sl_agent_tpm tpm;
    struct sl_agent_http *http;
    struct sl_agent_ima ima;
    struct sl_agent_observer observer;
    struct sl_agent_actor actor;
    char boot_id[SL_AGENT_BOOT_ID_MAX];
    void (*log)(const char *line);
};

/** Opens TPM, connection, state and archive by agent->config. With @p is_enrolled, the AK is loaded
 * and SL_NOT_FOUND says that there is none.
 * @retval SL_OK, and those of what it opens
 * @owner caller calls sl_agent_close, also after a failure */
sl_rc sl_agent_open(struct sl_agent *agent, bool is_enrolled, struct sl_err *err) SL_MUST_CHECK;
void sl_agent_close(struct sl_agent *agent);

/** Makes an AK, proves to the monitor that it lives in the TPM of the EK, keeps node and token.
 * @param[in] token  of role enroller
 * @retval SL_OK, and those of the TPM and of sl_agent_http_post */
sl_rc sl_agent_enroll(struct sl_agent *agent, const char *token, struct sl_err *err) SL_MUST_CHECK;

/** How a round ended. */
struct sl_agent_outcome {
    json_t *verdicts; /**< the monitor's, for the log; caller: json_decref */
    uint32_t next_ms; /**< when it wants the next round; 0: did not say */
};
/** One round: challenge, quote, logs, containers, evidence, actions.
 * @retval SL_OK         the monitor took the evidence; its verdicts may be bad
 * @retval SL_AGAIN      no network, or a busy monitor: try later
 * @retval SL_AUTH, SL_NOT_FOUND  the monitor does not know this node
 * @retval others        what failed here; err says it */
sl_rc sl_agent_round(struct sl_agent *agent, struct sl_agent_outcome *ret_outcome,
                     struct sl_err *err) SL_MUST_CHECK;

#endif
