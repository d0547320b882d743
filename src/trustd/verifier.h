/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The verifier: a process without keys, tokens or database that judges each job in a child of its
 * own, as many at a time as are asked for. A job that crashes it, loops or eats memory costs that
 * job alone: its result is "failed", and the daemon tells UNKNOWN.
 */
#ifndef SL_TRUSTD_VERIFIER_H
#define SL_TRUSTD_VERIFIER_H

#include <pthread.h>
#include <sys/types.h>

#include "trustd/judge.h"

/** Jobs that a verifier judges at once; more wait. */
enum { SL_VERIFIER_JOBS_MAX = 64 };

struct sl_verifier {
    int fd;    /**< where jobs are handed over */
    pid_t pid; /**< of the first verifier; those after a reload are children of the one before */
    pthread_mutex_t lock;
    uint32_t seconds_max;
    char refvals[65]; /**< digest of the reference values that it judges by; "": none */
};

/** Starts it; call before any thread is made and before any key is read.
 * @param[in] refvals  path of the reference values, which the verifier opens; NULL: none
 * @retval SL_OK
 * @retval SL_IO  no process
 * @retval SL_INVALID  the reference values cannot be read; @p err says why */
sl_rc sl_verifier_start(const struct sl_monitor_backend *backend, const char *refvals,
                        uint32_t seconds_max, struct sl_verifier *ret_verifier,
                        struct sl_err *err) SL_MUST_CHECK;
/** Jobs that are under way are brought to their end by their own callers first. */
void sl_verifier_stop(struct sl_verifier *verifier);

/** Judges one job; waits for it. Any thread.
 * @param[in] job  text, without its zero
 * @retval SL_OK      @p ret_result is a result, perhaps {"failed": ...}; caller frees
 * @retval SL_CLOSED  the verifier itself is gone: the daemon must end
 * @retval SL_RANGE   job too large  @retval SL_NO_MEMORY */
sl_rc sl_verifier_judge(struct sl_verifier *verifier, const char *job, size_t size,
                        char **ret_result) SL_MUST_CHECK;

/** A verifier with the reference values as they are on the disk now, beside the old one.
 * Jobs go to the old one until sl_verifier_replace.
 * @retval as sl_verifier_start, SL_CLOSED */
sl_rc sl_verifier_renew(struct sl_verifier *verifier, const char *refvals, int *ret_fd,
                        char ret_refvals[65], struct sl_err *err) SL_MUST_CHECK;
/** From now on jobs go to the new one; what the old one has begun, it ends. */
void sl_verifier_replace(struct sl_verifier *verifier, int fd, const char refvals[65]);

#endif
