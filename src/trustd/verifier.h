/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The verifier: a process without keys, tokens or database that judges each job in a child of its
 * own. A job that crashes it, loops or eats memory costs that job alone: its result is "failed",
 * and the daemon tells UNKNOWN.
 */
#ifndef SL_TRUSTD_VERIFIER_H
#define SL_TRUSTD_VERIFIER_H

#include <sys/types.h>

#include "trustd/judge.h"

struct sl_verifier {
    int fd;
    pid_t pid;
};

/** Starts it; call before any thread is made.
 * @param[in] refvals  loaded already: shared by all children
 * @retval SL_OK, SL_IO */
sl_rc sl_verifier_start(const struct sl_monitor_backend *backend,
                        const struct sl_loaded_refvals *refvals, uint32_t seconds_max,
                        struct sl_verifier *ret_verifier, struct sl_err *err) SL_MUST_CHECK;
void sl_verifier_stop(struct sl_verifier *verifier);

/** Judges one job; waits for it.
 * @param[in] job  text, without its zero
 * @retval SL_OK      @p ret_result is a result, perhaps {"failed": ...}; caller frees
 * @retval SL_CLOSED  the verifier itself is gone: the daemon must end
 * @retval SL_RANGE   job too large  @retval SL_NO_MEMORY */
sl_rc sl_verifier_judge(struct sl_verifier *verifier, const char *job, size_t size,
                        char **ret_result) SL_MUST_CHECK;

#endif
