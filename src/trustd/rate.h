/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How often each node may come: a bucket of a minute's requests per node that refills evenly. Only
 * nodes that showed their token have one, so there are never more buckets than nodes.
 */
#ifndef SL_TRUSTD_RATE_H
#define SL_TRUSTD_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sl_rate_bucket {
    char id[20];
    int64_t tokens_milli, filled_ms;
};
struct sl_rate {
    uint32_t per_minute;
    size_t count, room; /**< room: a power of two, at most half full; 0: none yet */
    struct sl_rate_bucket *buckets;
};

/** Takes one request of @p id (at most 19 characters).
 * @param[out] ret_wait_ms  until one more is allowed; only where SL_AGAIN
 * @retval SL_OK, SL_AGAIN, SL_NO_MEMORY */
sl_rc sl_rate_take(struct sl_rate *rate, const char *id, int64_t now_ms,
                   int64_t *ret_wait_ms) SL_MUST_CHECK;
void sl_rate_done(struct sl_rate *rate);

#endif
