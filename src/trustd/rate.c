/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket per node. */
#include "trustd/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MILLI = 1000, MINUTE_MS = 60000, ROOM_FIRST = 64 };

static struct sl_rate_bucket *slot_of(struct sl_rate_bucket *buckets, size_t room, const char *id)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a; ids are random and ours */
    for (const char *at = id; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    }
    size_t i = (size_t)hash & (room - 1);
    while (buckets[i].id[0] != '\0' && strcmp(buckets[i].id, id) != 0) {
        i = (i + 1) & (room - 1);
    }
    return &buckets[i];
}

static sl_rc grow(struct sl_rate *rate)
{
    size_t room = rate->room != 0 ? 2 * rate->room : ROOM_FIRST;
    struct sl_rate_bucket *buckets = calloc(room, sizeof(*buckets));
    if (buckets == NULL) {
        return SL_NO_MEMORY;
    }
    for (size_t i = 0; i < rate->room; i++) {
        if (rate->buckets[i].id[0] != '\0') {
            *slot_of(buckets, room, rate->buckets[i].id) = rate->buckets[i];
        }
    }
    free(rate->buckets);
    rate->buckets = buckets;
    rate->room = room;
    return SL_OK;
}

sl_rc sl_rate_take(struct sl_rate *rate, const char *id, int64_t now_ms, int64_t *ret_wait_ms)
{
    const int64_t full = (int64_t)rate->per_minute * MILLI;
    if (2 * (rate->count + 1) > rate->room && grow(rate) != SL_OK) {
        return SL_NO_MEMORY;
    }
    struct sl_rate_bucket *bucket = slot_of(rate->buckets, rate->room, id);
    if (bucket->id[0] == '\0') {
        (void)snprintf(bucket->id, sizeof(bucket->id), "%s", id);
        bucket->tokens_milli = full;
        bucket->filled_ms = now_ms;
        rate->count++;
    }
    int64_t passed = now_ms - bucket->filled_ms;
    passed = passed < 0 ? 0 : passed > MINUTE_MS ? MINUTE_MS : passed;
    bucket->tokens_milli += passed * full / MINUTE_MS;
    bucket->tokens_milli = bucket->tokens_milli > full ? full : bucket->tokens_milli;
    bucket->filled_ms = now_ms;
    if (bucket->tokens_milli < MILLI) {
        *ret_wait_ms = (MILLI - bucket->tokens_milli) * MINUTE_MS / full + 1;
        return SL_AGAIN;
    }
    bucket->tokens_milli -= MILLI;
    return SL_OK;
}

void sl_rate_done(struct sl_rate *rate)
{
    free(rate->buckets);
    rate->buckets = NULL;
    rate->count = rate->room = 0;
}
