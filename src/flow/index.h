/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * From a hash to the records that may have it: buckets of one cache line, each entry 16 bits of
 * the hash and a record's number. A key lies in the first of two buckets, or where that is full in
 * the second, and a bucket counts those that are away; where both are full, an entry moves. So a
 * key costs one cache line, mostly, whether it is there or not, and with 10 or 20 entries against
 * 16 bits a record is looked at in vain once in some 5,000 times.
 *
 * Both buckets follow from the tag and one another (their numbers add up to a hash of the tag), so
 * that entries move without their keys.
 */
#ifndef SL_FLOW_INDEX_H
#define SL_FLOW_INDEX_H

#include <emmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_FLOW_BUCKET_ENTRIES = 10, SL_FLOW_CANDIDATES_MAX = 2 * SL_FLOW_BUCKET_ENTRIES };

struct sl_flow_bucket {
    _Alignas(64) uint16_t tags[SL_FLOW_BUCKET_ENTRIES]; /* 0: free */
    uint32_t ids[SL_FLOW_BUCKET_ENTRIES]; /* SL_FLOW_IN_OTHER: in the second of its buckets */
    uint32_t away; /* keys whose first bucket this is and that lie in their other one */
};
_Static_assert(sizeof(struct sl_flow_bucket) == 64, "one cache line");

#define SL_FLOW_IN_OTHER 0x80000000u

struct sl_flow_index {
    struct sl_flow_bucket *buckets;
    uint32_t count; /* of buckets */
};

/** @param key_count  keys that must find room; the index is 85 % full then
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_flow_index_init(struct sl_flow_index *index, uint64_t key_count) SL_MUST_CHECK;
void sl_flow_index_done(struct sl_flow_index *index);
static inline size_t sl_flow_index_bytes(const struct sl_flow_index *index)
{
    return (size_t)index->count * sizeof(struct sl_flow_bucket);
}

static inline uint32_t sl_flow_scale(uint32_t x, uint32_t count)
{
    return (uint32_t)((uint64_t)x * count >> 32);
}

static inline uint16_t sl_flow_tag(uint64_t hash)
{
    uint16_t tag = (uint16_t)(hash >> 48);
    return tag != 0 ? tag : 1;
}

static inline uint32_t sl_flow_bucket_first(const struct sl_flow_index *index, uint64_t hash)
{
    return sl_flow_scale((uint32_t)hash, index->count);
}

static inline uint32_t sl_flow_bucket_other(const struct sl_flow_index *index, uint16_t tag,
                                            uint32_t bucket)
{
    uint32_t sum = sl_flow_scale(tag * 0x9e3779b1u, index->count);
    return sum >= bucket ? sum - bucket : sum + index->count - bucket;
}

/** The line that most lookups come to. */
static inline void sl_flow_index_prefetch(const struct sl_flow_index *index, uint64_t hash)
{
    __builtin_prefetch(&index->buckets[sl_flow_bucket_first(index, hash)]);
}

/** One bit for each entry of the bucket that has the tag. */
static inline uint32_t sl_flow_bucket_match(const struct sl_flow_bucket *bucket, uint16_t tag)
{
    const __m128i want = _mm_set1_epi16((short)tag);
    const uint8_t *tags = (const uint8_t *)bucket->tags;
    __m128i low = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)(const void *)tags), want);
    __m128i high =
        _mm_cmpeq_epi16(_mm_loadl_epi64((const __m128i *)(const void *)(tags + 16)), want);
    uint32_t bits = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
    return bits & ((1u << SL_FLOW_BUCKET_ENTRIES) - 1);
}

/** Ids that the hash may stand for.
 * @return how many, at most SL_FLOW_CANDIDATES_MAX */
static inline uint32_t sl_flow_index_find(const struct sl_flow_index *index, uint64_t hash,
                                          uint32_t *ret_ids)
{
    uint16_t tag = sl_flow_tag(hash);
    uint32_t first = sl_flow_bucket_first(index, hash);
    uint32_t count = 0;
    const struct sl_flow_bucket *bucket = &index->buckets[first];
    for (uint32_t bits = sl_flow_bucket_match(bucket, tag); bits != 0; bits &= bits - 1) {
        ret_ids[count++] = bucket->ids[__builtin_ctz(bits)] & ~SL_FLOW_IN_OTHER;
    }
    uint32_t other =
        __builtin_expect(bucket->away == 0, 1) ? first : sl_flow_bucket_other(index, tag, first);
    if (other != first) {
        bucket = &index->buckets[other];
        for (uint32_t bits = sl_flow_bucket_match(bucket, tag); bits != 0; bits &= bits - 1) {
            ret_ids[count++] = bucket->ids[__builtin_ctz(bits)] & ~SL_FLOW_IN_OTHER;
        }
    }
    return count;
}

/** The id that the hash most likely stands for: the first of its first bucket that has the tag, and
 * only where none has, of the other one. A guess, for one line instead of two; UINT32_MAX: none. */
static inline uint32_t sl_flow_index_guess(const struct sl_flow_index *index, uint64_t hash)
{
    uint16_t tag = sl_flow_tag(hash);
    uint32_t at = sl_flow_bucket_first(index, hash);
    const struct sl_flow_bucket *bucket = &index->buckets[at];
    uint32_t bits = sl_flow_bucket_match(bucket, tag);
    if (__builtin_expect(bits == 0 && bucket->away != 0, 0)) {
        bucket = &index->buckets[sl_flow_bucket_other(index, tag, at)];
        bits = sl_flow_bucket_match(bucket, tag);
    }
    return bits == 0 ? UINT32_MAX : bucket->ids[__builtin_ctz(bits)] & ~SL_FLOW_IN_OTHER;
}

/** @retval SL_OK
 * @retval SL_NO_SPACE  both buckets are full, and all that their entries could move to */
sl_rc sl_flow_index_insert(struct sl_flow_index *index, uint64_t hash, uint32_t id) SL_MUST_CHECK;
/** Takes one entry out. @return false where it is not there */
bool sl_flow_index_remove(struct sl_flow_index *index, uint64_t hash, uint32_t id);

#endif
