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
        if (other == bucket || room == 0) {
            continue;
        }
        if ((from->ids[i] & SL_FLOW_IN_OTHER) != 0) {
            to->away--; /* it comes home */
        } else {
            from->away++;
        }
        put(to, (uint32_t)__builtin_ctz(room), from->tags[i], from->ids[i] ^ SL_FLOW_IN_OTHER);
        from->tags[i] = 0;
        return i;
    }
    return SL_FLOW_BUCKET_ENTRIES;
}

sl_rc sl_flow_index_insert(struct sl_flow_index *index, uint64_t hash, uint32_t id)
{
    uint16_t tag = sl_flow_tag(hash);
    uint32_t first = sl_flow_bucket_first(index, hash);
    uint32_t other = sl_flow_bucket_other(index, tag, first);
    uint32_t room = sl_flow_bucket_match(&index->buckets[first], 0);
    if (room != 0) {
        put(&index->buckets[first], (uint32_t)__builtin_ctz(room), tag, id);
        return SL_OK;
    }
    room = other != first ? sl_flow_bucket_match(&index->buckets[other], 0) : 0;
    uint32_t at = room != 0 ? (uint32_t)__builtin_ctz(room) : SL_FLOW_BUCKET_ENTRIES;
    if (at == SL_FLOW_BUCKET_ENTRIES) {
        at = make_room(index, first);
        if (at < SL_FLOW_BUCKET_ENTRIES) {
            put(&index->buckets[first], at, tag, id);
            return SL_OK;
        }
        at = other != first ? make_room(index, other) : at;
    }
    if (at == SL_FLOW_BUCKET_ENTRIES) {
        return SL_NO_SPACE;
    }
    put(&index->buckets[other], at, tag, id | SL_FLOW_IN_OTHER);
    index->buckets[first].away++;
    return SL_OK;
}

bool sl_flow_index_remove(struct sl_flow_index *index, uint64_t hash, uint32_t id)
{
    uint16_t tag = sl_flow_tag(hash);
    uint32_t first = sl_flow_bucket_first(index, hash);
    uint32_t at = first;
    for (uint32_t i = 0; i < 2; i++) {
        struct sl_flow_bucket *bucket = &index->buckets[at];
        uint32_t want = i == 0 ? id : id | SL_FLOW_IN_OTHER;
        for (uint32_t bits = sl_flow_bucket_match(bucket, tag); bits != 0; bits &= bits - 1) {
            uint32_t entry = (uint32_t)__builtin_ctz(bits);
            if (bucket->ids[entry] == want) {
                put(bucket, entry, 0, 0);
                index->buckets[first].away -= i;
                return true;
            }
        }
        at = sl_flow_bucket_other(index, tag, at);
    }
    return false;
}
