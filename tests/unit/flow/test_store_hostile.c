/* SPDX-License-Identifier: Apache-2.0 */
/* The flow store with a host that does what it likes to the memory outside: each damage costs the
 * record it was done to, is counted, and nothing else than what was written is ever handed out. */
#include <pthread.h>

#include "store_bed.h"

struct damaged {
    struct store_bed bed;
    uint32_t slot;
    uint8_t *at; /* its bytes outside */
};

static void begin(struct damaged *d)
{
    store_bed_init(&d->bed);
    store_bed_fill(&d->bed);
    d->slot = store_bed_find_outside(&d->bed, 0);
    d->at = d->bed.outside + d->slot * d->bed.stride;
}

/* The record is lost, once counted, stays lost, and its slot works again when given back. */
static void expect_lost(struct damaged *d)
{
    void *record = NULL;
    uint32_t slot = 0;
    uint64_t before = store_bed_counters(&d->bed).damaged;
    assert_rc(sl_flow_store_pin(d->bed.store, d->slot, true, &record), SL_AUTH);
    assert_null(record);
    assert_int_equal(store_bed_counters(&d->bed).damaged, before + 1);
    assert_rc(sl_flow_store_pin(d->bed.store, d->slot, true, &record), SL_AUTH);
    assert_int_equal(store_bed_counters(&d->bed).damaged, before + 1);
    sl_flow_store_unpin(d->bed.store);
    sl_flow_store_give(d->bed.store, d->slot);
    assert_ok(sl_flow_store_take(d->bed.store, &slot, &record));
    assert_int_equal(slot, d->slot);
    static const uint8_t zero[BED_RECORD];
    assert_memory_equal(record, zero, BED_RECORD);
    sl_flow_store_unpin(d->bed.store);
}

/* All others are as they were. */
static void expect_rest_good(struct damaged *d, uint32_t except)
{
    uint8_t record[BED_RECORD];
    uint8_t expected[BED_RECORD];
    for (uint32_t slot = 0; slot < BED_COUNT; slot++) {
        if (slot != d->slot && slot != except) {
            assert_ok(sl_flow_store_peek(d->bed.store, slot, record));
            store_bed_pattern(expected, slot);
            assert_memory_equal(record, expected, BED_RECORD);
        }
    }
}

static void test_every_flipped_byte_is_noticed(void **state)
{
    struct damaged d;
    begin(&d);
    for (size_t byte = 0; byte < BED_RECORD + 16; byte++) {
        uint8_t record[BED_RECORD];
        d.slot = store_bed_find_outside(&d.bed, d.slot + 1);
        uint8_t *at = d.bed.outside + d.slot * d.bed.stride;
        at[byte] ^= (uint8_t)(1u << (byte % 8));
        assert_rc(sl_flow_store_peek(d.bed.store, d.slot, record), SL_AUTH);
        static const uint8_t zero[BED_RECORD];
        assert_memory_equal(record, zero, BED_RECORD);
    }
    assert_int_equal(store_bed_counters(&d.bed).damaged, BED_RECORD + 16);
    store_bed_done(&d.bed);
}

static void test_tampered_record_is_lost(void **state)
{
    struct damaged d;
    begin(&d);
    d.at[3] ^= 0x10;
    expect_lost(&d);
    expect_rest_good(&d, d.slot);
    store_bed_done(&d.bed);
}

static void test_two_slots_swapped_both_are_lost(void **state)
{
    struct damaged d;
    uint8_t kept[1024];
    begin(&d);
    uint32_t other = store_bed_find_outside(&d.bed, d.slot + 1);
    uint8_t *there = d.bed.outside + other * d.bed.stride;
    memcpy(kept, d.at, d.bed.stride);
    memcpy(d.at, there, d.bed.stride);
    memcpy(there, kept, d.bed.stride);
    expect_rest_good(&d, other);
    expect_lost(&d);
    d.slot = other;
    expect_lost(&d);
    store_bed_done(&d.bed);
}

static void test_older_write_replayed_is_lost(void **state)
{
    struct damaged d;
    uint8_t old[1024];
    void *record = NULL;
    begin(&d);
    memcpy(old, d.at, d.bed.stride);
    assert_ok(sl_flow_store_pin(d.bed.store, d.slot, true, &record));
    ((uint8_t *)record)[0]++;
    sl_flow_store_unpin(d.bed.store);
    store_bed_push_out(&d.bed, d.slot);
    assert_true(store_bed_is_outside(&d.bed, d.slot));
    memcpy(d.at, old, d.bed.stride);
    expect_lost(&d);
    expect_rest_good(&d, d.slot);
    store_bed_done(&d.bed);
}

/* What was in the slot before its flow ended, put back under the next flow there. */
static void test_write_of_the_flow_before_replayed_is_lost(void **state)
{
    struct damaged d;
    uint8_t old[1024];
    uint32_t slot = 0;
    void *record = NULL;
    begin(&d);
    memcpy(old, d.at, d.bed.stride);
    sl_flow_store_give(d.bed.store, d.slot);
    assert_ok(sl_flow_store_take(d.bed.store, &slot, &record));
    assert_int_equal(slot, d.slot);
    sl_flow_store_unpin(d.bed.store);
    store_bed_push_out(&d.bed, d.slot);
    assert_true(store_bed_is_outside(&d.bed, d.slot));
    memcpy(d.at, old, d.bed.stride);
    expect_lost(&d);
    store_bed_done(&d.bed);
}

static void test_all_deleted_all_outside_is_lost(void **state)
{
    struct damaged d;
    uint8_t record[BED_RECORD];
    uint8_t expected[BED_RECORD];
    uint32_t lost = 0;
    begin(&d);
    memset(d.bed.outside, 0, d.bed.outside_size);
    for (uint32_t slot = 0; slot < BED_COUNT; slot++) {
        sl_rc rc = sl_flow_store_peek(d.bed.store, slot, record);
        store_bed_pattern(expected, slot);
        if (rc == SL_OK) {
            assert_memory_equal(record, expected, BED_RECORD);
        } else {
            assert_rc(rc, SL_AUTH);
            lost++;
        }
    }
    assert_int_equal(lost, store_bed_counters(&d.bed).damaged);
    assert_in_range(lost, BED_COUNT - BED_INSIDE, BED_COUNT);
    store_bed_done(&d.bed);
}

/* A whole older state of the memory outside: what was not written since is as good as ever. */
static void test_all_rolled_back_newer_writes_are_lost(void **state)
{
    struct damaged d;
    uint8_t record[BED_RECORD];
    uint8_t expected[BED_RECORD];
    uint32_t lost = 0;
    begin(&d);
    uint8_t *old = malloc(d.bed.outside_size);
    assert_non_null(old);
    memcpy(old, d.bed.outside, d.bed.outside_size);
    for (uint32_t slot = 0; slot < BED_COUNT; slot++) {
        void *pinned = NULL;
        assert_ok(sl_flow_store_pin(d.bed.store, slot, true, &pinned));
        store_bed_pattern(pinned, slot + BED_COUNT);
        sl_flow_store_unpin(d.bed.store);
    }
    memcpy(d.bed.outside, old, d.bed.outside_size);
    for (uint32_t slot = 0; slot < BED_COUNT; slot++) {
        store_bed_pattern(expected, slot + BED_COUNT);
        if (sl_flow_store_peek(d.bed.store, slot, record) == SL_OK) {
            assert_memory_equal(record, expected, BED_RECORD); /* was inside: the new one */
        } else {
            lost++;
        }
    }
    assert_in_range(lost, BED_COUNT - BED_INSIDE, BED_COUNT);
    free(old);
    store_bed_done(&d.bed);
}

struct meddler {
    uint8_t *bytes;
    size_t size;
    int stop;
};

/* Changes bytes outside and changes them back, as fast as it can: between the store's fetch and
 * its opening what it looked at is another. */
static void *meddle(void *arg)
{
    struct meddler *meddler = arg;
    uint64_t random = 12345;
    while (__atomic_load_n(&meddler->stop, __ATOMIC_RELAXED) == 0) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        uint8_t *at = meddler->bytes + (random >> 20) % meddler->size;
        __atomic_fetch_xor(at, 1, __ATOMIC_RELAXED);
        __atomic_fetch_xor(at, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void test_memory_that_changes_while_it_is_read(void **state)
{
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    skip(); /* races are the point of this one */
#endif
#endif
    struct damaged d;
    pthread_t thread;
    uint8_t record[BED_RECORD];
    uint8_t expected[BED_RECORD];
    begin(&d);
    struct meddler meddler = {.bytes = d.bed.outside, .size = d.bed.outside_size};
    assert_int_equal(pthread_create(&thread, NULL, meddle, &meddler), 0);
    uint32_t good = 0;
    for (uint32_t i = 0; i < 12 * BED_COUNT; i++) {
        uint32_t slot = (i * 7919u) % BED_COUNT;
        memset(record, 0xee, sizeof(record));
        sl_rc rc = sl_flow_store_peek(d.bed.store, slot, record);
        if (rc == SL_OK) {
            store_bed_pattern(expected, slot);
            good++;
        } else {
            assert_rc(rc, SL_AUTH);
            memset(expected, 0, sizeof(expected));
        }
        assert_memory_equal(record, expected, BED_RECORD);
    }
    __atomic_store_n(&meddler.stop, 1, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(good > BED_INSIDE / 2);
    store_bed_done(&d.bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_flipped_byte_is_noticed),
        cmocka_unit_test(test_tampered_record_is_lost),
        cmocka_unit_test(test_two_slots_swapped_both_are_lost),
        cmocka_unit_test(test_older_write_replayed_is_lost),
        cmocka_unit_test(test_write_of_the_flow_before_replayed_is_lost),
        cmocka_unit_test(test_all_deleted_all_outside_is_lost),
        cmocka_unit_test(test_all_rolled_back_newer_writes_are_lost),
        cmocka_unit_test(test_memory_that_changes_while_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
