/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A token bucket in whole numbers: nothing is rounded, so nothing drifts.
 *
 * A level counts units times the milliseconds of a week: what a rate of R units a week brings in a
 * millisecond is then R, exactly.
 */
#ifndef SL_NF_LIMITER_BUCKET_H
#define SL_NF_LIMITER_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "limiter/format.h"

_Static_assert(SL_LM_BURST_MAX *SL_LM_SHARDS_MAX <= UINT64_MAX / SL_LM_WEEK_MS, "levels fit");

struct lm_rate {
    uint64_t week;  /**< units a week, <= SL_LM_RATE_MAX */
    uint64_t burst; /**< units, <= SL_LM_BURST_MAX * SL_LM_SHARDS_MAX */
};

static inline uint64_t lm_bucket_full(const struct lm_rate *rate)
{
    return rate->burst * SL_LM_WEEK_MS;
}

/** The level after @p gone_ms. A level above the burst (the rate was lowered) is cut to it. */
static inline uint64_t lm_bucket_level(const struct lm_rate *rate, uint64_t level, uint64_t gone_ms)
{
    uint64_t full = lm_bucket_full(rate);
    if (level >= full) {
        return full;
    }
    /* a product that could overflow is above what is missing */
    if (rate->week != 0 && gone_ms > (full - level) / rate->week) {
        return full;
    }
    return level + gone_ms * rate->week;
}

/** Takes @p amount units where they are there.
 * @param share  shards among which the rate is dealt out: each unit costs so much
 * @return false: too few, nothing taken */
static inline bool lm_bucket_take(uint64_t *level, uint64_t amount, uint32_t share)
{
    uint64_t cost = amount * share * SL_LM_WEEK_MS;
    if (*level < cost) {
        return false;
    }
    *level -= cost;
    return true;
}

#endif
