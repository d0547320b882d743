/* SPDX-License-Identifier: Apache-2.0 */
/* The flow store with an honest host: whatever was written is what comes back. */
#include "store_bed.h"

/* Under ASan too, a request for all the memory there is fails as it does elsewhere. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static uint64_t random_state = 1;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((random_state >> 33) % below);
}

static void test_create_params_refused(void **state)
{
    static uint8_t outside[64];
    static const struct {
        struct sl_flow_store_params params;
        sl_rc rc;
    } cases[] = {
        {{.record_size = 0, .count = 1, .inside_count = 1}, SL_RANGE},
        {{.record_size = 12, .count = 1, .inside_count = 1}, SL_RANGE},
        {{.record_size = SL_FLOW_RECORD_MAX + 8, .count = 1, .inside_count = 1}, SL_RANGE},
        {{.record_size = 8, .count = 0, .inside_count = 1}, SL_RANGE},
        {{.record_size = 8, .count = UINT32_MAX, .inside_count = 1}, SL_RANGE},
        {{.record_size = 8, .count = 5000, .inside_count = 100}, SL_NO_SPACE},
        {{.record_size = 8, .count = 5000, .outside = outside, .outside_size = 64}, SL_NO_SPACE},
        {{.record_size = 8, .count = 5000, .outside = outside + 1, .outside_size = 5000 * 64},
         SL_RANGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_flow_store *store = NULL;
        struct sl_err err = {0};
        assert_rc(sl_flow_store_create(&cases[i].params, &store, &err), cases[i].rc);
        assert_null(store);
        assert_true(strlen(err.text) > 0);
    }
}

static void test_create_more_than_memory_fails(void **state)
{
    struct sl_flow_store_params params = {
        .record_size = 320, .count = UINT32_MAX - 1, .inside_count = UINT32_MAX};
    struct sl_flow_store *store = NULL;
    struct sl_err err = {0};
    assert_true(sl_flow_store_inside_size(&params) > (size_t)320 * (UINT32_MAX - 1));
    assert_rc(sl_flow_store_create(&params, &store, &err), SL_NO_MEMORY);
    assert_non_null(strstr(err.text, "KiB"));
}

static void test_sizes_say_the_sum(void **state)
{
    struct sl_flow_store_params params = {
        .record_size = 48, .count = 2000000, .inside_count = 100000};
    assert_int_equal(sl_flow_store_outside_size(&params), 2000000ull * 64);
    size_t inside = sl_flow_store_inside_size(&params);
    /* 8 bytes per slot; the cache: 48 of record and 17 beside it, and who is on trial */
    assert_true(inside >= 2000000ull * 8 + 100000ull * 65);
    assert_true(inside < 2000000ull * 8 + 100000ull * 66 + 65536);
    params.inside_count = params.count;
    assert_int_equal(sl_flow_store_outside_size(&params), 0);
}

/* The same questions to a store with all inside, one with nearly nothing inside, and an array. */
static void random_walk(struct sl_flow_store *store, uint32_t count)
{
    uint64_t *versions = calloc(count, sizeof(*versions)); /* 0: not taken */
    uint8_t expected[BED_RECORD];
    uint8_t peeked[BED_RECORD];
    uint32_t taken = 0;
    assert_non_null(versions);
    for (uint32_t step = 1; step < 120000; step++) {
        uint32_t slot = next_random(count);
        void *record = NULL;
        if (next_random(5) == 0 && taken < count) {
            assert_ok(sl_flow_store_take(store, &slot, &record));
            assert_int_equal(versions[slot], 0);
            memset(expected, 0, sizeof(expected));
            assert_memory_equal(record, expected, BED_RECORD);
            versions[slot] = step;
            store_bed_pattern(record, step);
            taken++;
        } else if (versions[slot] != 0 && next_random(12) == 0) {
            sl_flow_store_give(store, slot);
            versions[slot] = 0;
            taken--;
        } else if (versions[slot] != 0) {
            bool will_write = next_random(2) == 0;
            store_bed_pattern(expected, versions[slot]);
            sl_flow_store_prefetch_place(store, slot);
            sl_flow_store_prefetch(store, slot, BED_RECORD);
            assert_ok(sl_flow_store_peek(store, slot, peeked));
            assert_memory_equal(peeked, expected, BED_RECORD);
            assert_ok(sl_flow_store_pin(store, slot, will_write, &record));
            assert_memory_equal(record, expected, BED_RECORD);
            if (will_write) {
                versions[slot] = step;
                store_bed_pattern(record, step);
            }
        }
        if (next_random(40) == 0) {
            sl_flow_store_unpin(store);
        }
        if (step % 200 == 0) {
            sl_flow_store_unpin(store);
        }
    }
    free(versions);
}

static void test_random_walk_keeps_what_was_written(void **state)
{
    struct store_bed bed;
    store_bed_init(&bed);
    random_walk(bed.store, BED_COUNT);
    struct sl_flow_store_counters counters = store_bed_counters(&bed);
    assert_true(counters.fetches > 1000 && counters.writes > 1000 && counters.hits > 1000);
    assert_int_equal(counters.damaged, 0);
    store_bed_done(&bed);
}

static void test_random_walk_all_inside(void **state)
{
    struct sl_flow_store_params params = {
        .record_size = BED_RECORD, .count = BED_COUNT, .inside_count = BED_COUNT};
    struct sl_flow_store *store = NULL;
    assert_ok(sl_flow_store_create(&params, &store, NULL));
    random_walk(store, BED_COUNT);
    struct sl_flow_store_counters counters;
    sl_flow_store_counters(store, &counters);
    assert_true(counters.hits > 1000);
    assert_int_equal(counters.fetches + counters.writes, 0);
    sl_flow_store_free(store);
}

static void test_take_all_slots_then_no_space(void **state)
{
    struct store_bed bed;
    uint32_t slot = 0;
    void *record = NULL;
    store_bed_init(&bed);
    store_bed_fill(&bed);
    assert_rc(sl_flow_store_take(bed.store, &slot, &record), SL_NO_SPACE);
    sl_flow_store_give(bed.store, 77);
    assert_ok(sl_flow_store_take(bed.store, &slot, &record));
    assert_int_equal(slot, 77);
    store_bed_done(&bed);
}

static void test_pin_as_many_as_may_be_then_no_space(void **state)
{
    struct store_bed bed;
    void *first = NULL;
    void *record = NULL;
    uint32_t slot = 0;
    store_bed_init(&bed);
    store_bed_fill(&bed);
    sl_flow_store_give(bed.store, BED_COUNT - 1);
    for (uint32_t i = 0; i < SL_FLOW_PIN_MAX; i++) {
        assert_ok(sl_flow_store_pin(bed.store, i, false, &record));
        first = i == 0 ? record : first;
    }
    assert_rc(sl_flow_store_pin(bed.store, SL_FLOW_PIN_MAX, false, &record), SL_NO_SPACE);
    assert_rc(sl_flow_store_take(bed.store, &slot, &record), SL_NO_SPACE);
    assert_ok(sl_flow_store_pin(bed.store, 0, true, &record)); /* a pinned one is no further one */
    assert_ptr_equal(record, first);
    sl_flow_store_unpin(bed.store);
    assert_ok(sl_flow_store_pin(bed.store, SL_FLOW_PIN_MAX, false, &record));
    store_bed_done(&bed);
}

static void test_unwritten_records_are_not_written_again(void **state)
{
    struct store_bed bed;
    store_bed_init(&bed);
    store_bed_fill(&bed);
    store_bed_push_out(&bed, 0); /* every record goes outside once */
    store_bed_push_out(&bed, 1);
    struct sl_flow_store_counters before = store_bed_counters(&bed);
    store_bed_push_out(&bed, 2);
    struct sl_flow_store_counters after = store_bed_counters(&bed);
    assert_true(after.fetches > before.fetches + BED_COUNT);
    assert_true(after.writes <= BED_COUNT); /* each once, however often it came in */
    store_bed_done(&bed);
}

static void test_peek_leaves_the_cache_as_it_is(void **state)
{
    struct store_bed bed;
    uint8_t record[BED_RECORD];
    uint8_t expected[BED_RECORD];
    store_bed_init(&bed);
    store_bed_fill(&bed);
    uint32_t outside = store_bed_find_outside(&bed, 0);
    struct sl_flow_store_counters before = store_bed_counters(&bed);
    for (uint32_t slot = 0; slot < BED_COUNT; slot++) {
        assert_ok(sl_flow_store_peek(bed.store, slot, record));
        store_bed_pattern(expected, slot);
        assert_memory_equal(record, expected, BED_RECORD);
    }
    assert_int_equal(store_bed_counters(&bed).writes, before.writes);
    assert_true(store_bed_is_outside(&bed, outside));
    store_bed_done(&bed);
}

/* The same record written again is other bytes outside: its number went up. */
static void test_writes_of_one_record_differ_outside(void **state)
{
    struct store_bed bed;
    void *record = NULL;
    store_bed_init(&bed);
    store_bed_fill(&bed);
    uint32_t slot = store_bed_find_outside(&bed, 0);
    uint8_t first[BED_RECORD];
    uint8_t plain[BED_RECORD];
    memcpy(first, bed.outside + slot * bed.stride, BED_RECORD);
    store_bed_pattern(plain, slot);
    assert_memory_not_equal(first, plain, BED_RECORD);
    assert_ok(sl_flow_store_pin(bed.store, slot, true, &record));
    sl_flow_store_unpin(bed.store);
    store_bed_push_out(&bed, slot);
    assert_true(store_bed_is_outside(&bed, slot));
    assert_memory_not_equal(bed.outside + slot * bed.stride, first, BED_RECORD);
    store_bed_done(&bed);
}

/* What was only looked at goes without a write, and is on its way back in what it was; what was
 * written to after all is written. */
static void test_dirty_decides_what_is_written(void **state)
{
    struct store_bed bed;
    void *record = NULL;
    uint8_t first[BED_RECORD];
    (void)state;
    store_bed_init(&bed);
    store_bed_fill(&bed);
    for (int is_dirty = 0; is_dirty < 2; is_dirty++) {
        uint32_t slot = store_bed_find_outside(&bed, 0);
        memcpy(first, bed.outside + slot * bed.stride, BED_RECORD);
        assert_ok(sl_flow_store_pin(bed.store, slot, false, &record));
        if (is_dirty != 0) {
            sl_flow_store_dirty(bed.store, slot);
            store_bed_pattern(record, 7777);
        }
        sl_flow_store_unpin(bed.store);
        store_bed_push_out(&bed, slot);
        assert_true(store_bed_is_outside(&bed, slot));
        bool is_same = memcmp(bed.outside + slot * bed.stride, first, BED_RECORD) == 0;
        assert_int_equal(is_same, is_dirty == 0);
        assert_ok(sl_flow_store_pin(bed.store, slot, false, &record));
        store_bed_pattern(first, is_dirty != 0 ? 7777 : slot);
        assert_memory_equal(record, first, BED_RECORD);
        sl_flow_store_unpin(bed.store);
    }
    store_bed_done(&bed);
}

/* A hot tenth is read ten times as often as the rest: it stays. */
static void test_hot_records_stay_inside(void **state)
{
    struct store_bed bed;
    store_bed_init(&bed);
    store_bed_fill(&bed);
    struct sl_flow_store_counters before = {0};
    for (uint32_t i = 0; i < 200000; i++) {
        void *record = NULL;
        uint32_t slot = next_random(10) != 0 ? next_random(BED_INSIDE / 2) : next_random(BED_COUNT);
        before = i == 100000 ? store_bed_counters(&bed) : before;
        assert_ok(sl_flow_store_pin(bed.store, slot, true, &record));
        if (i % 32 == 0) {
            sl_flow_store_unpin(bed.store);
        }
    }
    struct sl_flow_store_counters after = store_bed_counters(&bed);
    /* 90 % hot and what of the rest is inside anyway; a random victim would make it 75 % */
    assert_true((after.hits - before.hits) * 100 >
                (after.hits - before.hits + after.fetches - before.fetches) * 85);
    store_bed_done(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_params_refused),
        cmocka_unit_test(test_create_more_than_memory_fails),
        cmocka_unit_test(test_sizes_say_the_sum),
        cmocka_unit_test(test_random_walk_keeps_what_was_written),
        cmocka_unit_test(test_random_walk_all_inside),
        cmocka_unit_test(test_take_all_slots_then_no_space),
        cmocka_unit_test(test_pin_as_many_as_may_be_then_no_space),
        cmocka_unit_test(test_unwritten_records_are_not_written_again),
        cmocka_unit_test(test_peek_leaves_the_cache_as_it_is),
        cmocka_unit_test(test_writes_of_one_record_differ_outside),
        cmocka_unit_test(test_dirty_decides_what_is_written),
        cmocka_unit_test(test_hot_records_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
