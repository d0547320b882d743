/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the monitor may have done to a container, by a helper process that is split off before the
 * agent gives up its rights, knows nothing but its list, and does nothing that is not on it.
 */
#ifndef SL_AGENT_ACTION_H
#define SL_AGENT_ACTION_H

#include <sys/types.h>

#include "agent/config.h"

struct sl_agent_actor {
    int fd; /**< -1: no helper */
    pid_t pid;
};

/** Splits the helper off. Nothing happens where no runtime of @p config allows anything.
 * @retval SL_OK, SL_IO */
sl_rc sl_agent_actor_start(const struct sl_agent_config *config, struct sl_agent_actor *ret_actor,
                           struct sl_err *err) SL_MUST_CHECK;
void sl_agent_actor_stop(struct sl_agent_actor *actor);

/** @return the action's bit; 0: no such action */
unsigned sl_agent_action_find(const char *name);

/** Runs `COMMAND [--root STATE] ACTION ID` and waits, at most 20 s.
 * @param[in] runtime  index in the configuration
 * @retval SL_OK
 * @retval SL_DENIED  not allowed for this runtime, or no container's id
 * @retval SL_IO      the command failed, or the helper is gone */
sl_rc sl_agent_actor_do(struct sl_agent_actor *actor, unsigned runtime, unsigned action,
                        const char *id, struct sl_err *err) SL_MUST_CHECK;

/* internal: what the helper runs; @p ret_argv has room for 8 */
sl_rc sl_agent_action_command(const struct sl_agent_config *config, unsigned runtime,
                              unsigned action, const char *id, const char **ret_argv);

#endif
