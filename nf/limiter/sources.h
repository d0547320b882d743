/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Buckets per address, in a table of fixed size: sets of eight under a keyed hash, so that
 * strangers cannot aim at one. In a full set the bucket gives way that says least: one that is full
 * again, else the one not used for longest.
 */
#ifndef SL_NF_LIMITER_SOURCES_H
#define SL_NF_LIMITER_SOURCES_H

#include "limiter/bucket.h"
#include "safelib/rc.h"

enum { LM_WAYS = 8 };

struct lm_source {
    uint8_t addr[16]; /**< masked; IPv4 as ::ffff:0:0/96 */
    uint64_t level;
    uint64_t used_ms; /**< plus 1; 0: free */
};

struct lm_sources {
    uint32_t count;   /**< a power of two, >= LM_WAYS */
    uint64_t evicted; /**< buckets that gave way though they were not full */
    struct lm_source entries[];
};

/** @retval SL_OK, SL_NO_MEMORY  @owner caller frees with free() */
sl_rc lm_sources_create(uint32_t count, struct lm_sources **ret_sources) SL_MUST_CHECK;
/** The bucket of an address, its level brought up to @p now_ms; made full where it is new.
 * @param hash  keyed, of the address
 * @context packet path */
uint64_t *lm_sources_find(struct lm_sources *sources, const struct lm_rate *rate,
                          const uint8_t addr[16], uint64_t hash, uint64_t now_ms);

#endif
