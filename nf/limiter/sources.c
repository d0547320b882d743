/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets per address, in a table of fixed size. */
#include "limiter/sources.h"

#include <stdlib.h>
#include <string.h>

sl_rc lm_sources_create(uint32_t count, struct lm_sources **ret_sources)
{
    struct lm_sources *sources =
        calloc(1, sizeof(*sources) + (size_t)count * sizeof(sources->entries[0]));
    if (sources == NULL) {
        return SL_NO_MEMORY;
    }
    sources->count = count;
    *ret_sources = sources;
    return SL_OK;
}

static uint64_t gone(const struct lm_source *entry, uint64_t now_ms)
{
    return now_ms + 1 > entry->used_ms ? now_ms + 1 - entry->used_ms : 0;
}

/* The entry of a full set that says least. */
static struct lm_source *victim(struct lm_sources *sources, struct lm_source *set,
                                const struct lm_rate *rate, uint64_t now_ms)
{
    uint64_t full = lm_bucket_full(rate);
    struct lm_source *oldest = set;
    for (uint32_t i = 0; i < LM_WAYS; i++) {
        if (set[i].used_ms == 0 ||
            lm_bucket_level(rate, set[i].level, gone(&set[i], now_ms)) == full) {
            return &set[i];
        }
        oldest = set[i].used_ms < oldest->used_ms ? &set[i] : oldest;
    }
    __atomic_store_n(&sources->evicted, sources->evicted + 1, __ATOMIC_RELAXED);
    return oldest;
}

uint64_t *lm_sources_find(struct lm_sources *sources, const struct lm_rate *rate,
                          const uint8_t addr[16], uint64_t hash, uint64_t now_ms)
{
    uint32_t sets = sources->count / LM_WAYS;
    struct lm_source *set = &sources->entries[(hash & (sets - 1)) * LM_WAYS];
    for (uint32_t i = 0; i < LM_WAYS; i++) {
        if (set[i].used_ms != 0 && memcmp(set[i].addr, addr, sizeof(set[i].addr)) == 0) {
            set[i].level = lm_bucket_level(rate, set[i].level, gone(&set[i], now_ms));
            set[i].used_ms = now_ms + 1;
            return &set[i].level;
        }
    }
    struct lm_source *entry = victim(sources, set, rate, now_ms);
    memcpy(entry->addr, addr, sizeof(entry->addr));
    entry->level = lm_bucket_full(rate);
    entry->used_ms = now_ms + 1;
    return &entry->level;
}
