/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Fewer rights: another user with the one capability that reading the kernel's logs takes, no way
 * to run a program or change the system (seccomp), writing below the state directory only
 * (Landlock).
 */
#ifndef SL_AGENT_CONFINE_H
#define SL_AGENT_CONFINE_H

#include "agent/config.h"

/** Makes the state directory (mode 0700), as the agent's user owns it.
 * @retval SL_OK, SL_NOT_FOUND (no such user), SL_IO */
sl_rc sl_agent_state_dir_make(const struct sl_agent_config *config,
                              struct sl_err *err) SL_MUST_CHECK;
/** Becomes the configured user and keeps CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE (for /proc/PID/root
 * alone: ptrace itself is refused by the filter). Nothing where no user is configured.
 * @retval SL_OK, SL_NOT_FOUND (no such user), SL_IO */
sl_rc sl_agent_user_become(const struct sl_agent_config *config, struct sl_err *err) SL_MUST_CHECK;
/** @param[in] log  told where the kernel has no Landlock
 * @retval SL_OK, SL_IO (the kernel refuses) */
sl_rc sl_agent_confine(const struct sl_agent_config *config, void (*log)(const char *line),
                       struct sl_err *err) SL_MUST_CHECK;

/** The same for the helper that watches containers: CAP_SYS_ADMIN besides, for fanotify; no file is
 * written.
 * @retval SL_OK, SL_NOT_FOUND (no such user), SL_IO */
sl_rc sl_agent_watch_confine(const struct sl_agent_config *config,
                             struct sl_err *err) SL_MUST_CHECK;

#endif
