/* SPDX-License-Identifier: Apache-2.0 */
/* The index: entries come, move to make room, and go. */
#include "flow/index.h"

#include <stdlib.h>
#include <string.h>

enum { FULL_PERCENT = 85 };

sl_rc sl_flow_index_init(struct sl_flow_index *index, uint64_t key_count)
{
    uint64_t count =
        (key_count * 100 / FULL_PERCENT + SL_FLOW_BUCKET_ENTRIES - 1) / SL_FLOW_BUCKET_ENTRIES + 1;
    if (count > UINT32_MAX / 2) {
        return SL_NO_MEMORY;
    }
    struct sl_flow_bucket *buckets = aligned_alloc(64, (size_t)count * sizeof(*buckets));
    if (buckets == NULL) {
        return SL_NO_MEMORY;
    }
    memset(buckets, 0, (size_t)count * sizeof(*buckets));
    *index = (struct sl_flow_index){.buckets = buckets, .count = (uint32_t)count};
    return SL_OK;
}

void sl_flow_index_done(struct sl_flow_index *index)
{
    free(index->buckets);
    *index = (struct sl_flow_index){0};
}

static void put(struct sl_flow_bucket *bucket, uint32_t at, uint16_t tag, uint32_t id)
{
    bucket->tags[at] = tag;
    bucket->ids[at] = id;
}

/* Moves one entry of `bucket` to its other bucket. @return its place, or the entries' count */
static uint32_t make_room(struct sl_flow_index *index, uint32_t bucket)
{
    struct sl_flow_bucket *from = &index->buckets[bucket];
    for (uint32_t i = 0; i < SL_FLOW_BUCKET_ENTRIES; i++) {
        uint32_t other = sl_flow_bucket_other(index, from->tags[i], bucket);
        struct sl_flow_bucket *to = &index->buckets[other];
        uint32_t room = sl_flow_bucket_match(to, 0);
        if (other != bucket && room != 0) {
            put(to, (uint32_t)__builtin_ctz(room), from->tags[i], from->ids[i]);
            from->tags[i] = 0;
            return i;
        }
    }
    return SL_FLOW_BUCKET_ENTRIES;
}

sl_rc sl_flow_index_insert(struct sl_flow_index *index, uint64_t hash, uint32_t id)
{
    uint16_t tag = sl_flow_tag(hash);
    uint32_t first = sl_flow_bucket_first(index, hash);
    uint32_t other = sl_flow_bucket_other(index, tag, first);
    uint32_t room = sl_flow_bucket_match(&index->buckets[first], 0);
    uint32_t other_room = sl_flow_bucket_match(&index->buckets[other], 0);
    /* the emptier of two: then few are ever full */
    bool is_other = __builtin_popcount(other_room) > __builtin_popcount(room);
    uint32_t chosen = is_other ? other : first;
    room = is_other ? other_room : room;
    if (room != 0) {
        put(&index->buckets[chosen], (uint32_t)__builtin_ctz(room), tag, id);
        return SL_OK;
    }
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t at = make_room(index, i == 0 ? first : other);
        if (at < SL_FLOW_BUCKET_ENTRIES) {
            put(&index->buckets[i == 0 ? first : other], at, tag, id);
            return SL_OK;
        }
    }
    return SL_NO_SPACE;
}

bool sl_flow_index_remove(struct sl_flow_index *index, uint64_t hash, uint32_t id)
{
    uint16_t tag = sl_flow_tag(hash);
    uint32_t at = sl_flow_bucket_first(index, hash);
    for (uint32_t i = 0; i < 2; i++) {
        struct sl_flow_bucket *bucket = &index->buckets[at];
        for (uint32_t bits = sl_flow_bucket_match(bucket, tag); bits != 0; bits &= bits - 1) {
            uint32_t entry = (uint32_t)__builtin_ctz(bits);
            if (bucket->ids[entry] == id) {
                put(bucket, entry, 0, 0);
                return true;
            }
        }
        at = sl_flow_bucket_other(index, tag, at);
    }
    return false;
}
