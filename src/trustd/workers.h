/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Threads that do what would keep the server's own thread from its clients.
 */
#ifndef SL_TRUSTD_WORKERS_H
#define SL_TRUSTD_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_WORKERS_MAX = 64 };

/** Part of whatever is to be done; stays the caller's until `run` returns. */
struct sl_work {
    void (*run)(struct sl_work *work);
    struct sl_work *next;
};
struct sl_workers;

/** @param[in] count  1 to SL_WORKERS_MAX
 * @retval SL_OK, SL_NO_MEMORY, SL_IO (no thread) */
sl_rc sl_workers_start(uint32_t count, struct sl_workers **ret_workers,
                       struct sl_err *err) SL_MUST_CHECK;
/** First in, first out. @return false: they are being stopped */
bool sl_workers_submit(struct sl_workers *workers, struct sl_work *work);
/** What was submitted is done first. */
void sl_workers_stop(struct sl_workers *workers);

#endif
