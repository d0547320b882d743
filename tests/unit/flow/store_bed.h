/* SPDX-License-Identifier: Apache-2.0 */
/* A small store whose records are mostly outside, for the tests of it. */
#ifndef SL_TESTS_FLOW_STORE_BED_H
#define SL_TESTS_FLOW_STORE_BED_H

#include "unit.h"

#include "flow/store.h"

enum { BED_COUNT = 8192, BED_INSIDE = SL_FLOW_INSIDE_MIN, BED_RECORD = 72 };

struct store_bed {
    struct sl_flow_store *store;
    uint8_t *outside;
    size_t outside_size;
    size_t stride;
};

static inline void store_bed_init(struct store_bed *bed)
{
    struct sl_flow_store_params params = {
        .record_size = BED_RECORD, .count = BED_COUNT, .inside_count = BED_INSIDE};
    struct sl_err err = {0};
    bed->outside_size = sl_flow_store_outside_size(&params);
    bed->stride = bed->outside_size / BED_COUNT;
    bed->outside = aligned_alloc(SL_FLOW_OUTSIDE_ALIGN, bed->outside_size);
    assert_non_null(bed->outside);
    memset(bed->outside, 0, bed->outside_size);
    params.outside = bed->outside;
    params.outside_size = bed->outside_size;
    assert_ok(sl_flow_store_create(&params, &bed->store, &err));
}

static inline void store_bed_done(struct store_bed *bed)
{
    sl_flow_store_free(bed->store);
    free(bed->outside);
}

static inline struct sl_flow_store_counters store_bed_counters(const struct store_bed *bed)
{
    struct sl_flow_store_counters counters;
    sl_flow_store_counters(bed->store, &counters);
    return counters;
}

/* What record number `seed` looks like. */
static inline void store_bed_pattern(uint8_t record[BED_RECORD], uint64_t seed)
{
    for (size_t i = 0; i < BED_RECORD; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        record[i] = (uint8_t)(seed >> 56);
    }
}

/* Takes every slot; the record of each is the pattern of its number. */
static inline void store_bed_fill(struct store_bed *bed)
{
    for (uint32_t i = 0; i < BED_COUNT; i++) {
        uint32_t slot = 0;
        void *record = NULL;
        assert_ok(sl_flow_store_take(bed->store, &slot, &record));
        store_bed_pattern(record, slot);
        sl_flow_store_unpin(bed->store);
    }
}

/* Whether the record is in untrusted memory at present: reading it there is a fetch. */
static inline bool store_bed_is_outside(struct store_bed *bed, uint32_t slot)
{
    uint8_t record[BED_RECORD];
    struct sl_flow_store_counters before = store_bed_counters(bed);
    assert_ok(sl_flow_store_peek(bed->store, slot, record));
    return store_bed_counters(bed).fetches > before.fetches;
}

/* The first slot from `from` on whose record is outside. */
static inline uint32_t store_bed_find_outside(struct store_bed *bed, uint32_t from)
{
    while (!store_bed_is_outside(bed, from)) {
        from++;
    }
    return from;
}

/* Looks at all other slots, twice, so that this one's record goes outside. */
static inline void store_bed_push_out(struct store_bed *bed, uint32_t slot)
{
    for (uint32_t i = 0; i < 2 * BED_COUNT; i++) {
        void *record = NULL;
        if (i % BED_COUNT != slot &&
            sl_flow_store_pin(bed->store, i % BED_COUNT, false, &record) != SL_AUTH) {
            assert_non_null(record);
        }
        sl_flow_store_unpin(bed->store);
    }
}

#endif
