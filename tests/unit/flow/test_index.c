/* SPDX-License-Identifier: Apache-2.0 */
/* The index: what is put in is found, what is taken out is not, and it holds what it was made for.
 */
#include "flow/hash.h"
#include "flow/index.h"
#include "unit.h"

static uint64_t hash_of(uint32_t i)
{
    static const struct sl_flow_hash_key key = {.k0 = 1, .k1 = 2};
    return sl_flow_hash_bytes(&key, &i, sizeof(i));
}

static bool has(const struct sl_flow_index *index, uint32_t i)
{
    uint32_t ids[SL_FLOW_CANDIDATES_MAX];
    uint32_t count = sl_flow_index_find(index, hash_of(i), ids);
    for (uint32_t k = 0; k < count; k++) {
        if (ids[k] == i) {
            return true;
        }
    }
    return false;
}

static void test_index_holds_what_it_was_made_for(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 7, 100, 5000, 200000};
    for (uint32_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct sl_flow_index index;
        assert_ok(sl_flow_index_init(&index, counts[c]));
        for (uint32_t i = 0; i < counts[c]; i++) {
            assert_ok(sl_flow_index_insert(&index, hash_of(i), i));
        }
        uint64_t candidates = 0;
        for (uint32_t i = 0; i < counts[c]; i++) {
            uint32_t ids[SL_FLOW_CANDIDATES_MAX];
            assert_true(has(&index, i));
            candidates += sl_flow_index_find(&index, hash_of(i + 0x10000000), ids);
        }
        /* what is not there touches a record seldom: less than once in a thousand */
        assert_true(candidates <= 2 + counts[c] / 1000);
        if (counts[c] >= 5000) {
            assert_true(sl_flow_index_bytes(&index) < counts[c] * 77 / 10);
        }
        sl_flow_index_done(&index);
    }
}

static void test_index_of_random_comings_and_goings_is_an_array(void **state)
{
    (void)state;
    enum { KEYS = 3000, STEPS = 400000, CAPACITY = 2000 };
    static bool is_in[KEYS];
    struct sl_flow_index index;
    uint32_t count = 0;
    uint64_t seed = 17;
    assert_ok(sl_flow_index_init(&index, CAPACITY));
    for (uint32_t step = 0; step < STEPS; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t i = (uint32_t)(seed >> 40) % KEYS;
        if (is_in[i]) {
            assert_true(has(&index, i));
            assert_true(sl_flow_index_remove(&index, hash_of(i), i));
            count--;
            is_in[i] = false;
        } else if (count < CAPACITY) {
            assert_ok(sl_flow_index_insert(&index, hash_of(i), i));
            count++;
            is_in[i] = true;
        }
        uint32_t other = (uint32_t)(seed >> 20) % KEYS;
        assert_int_equal(has(&index, other), is_in[other]);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_int_equal(sl_flow_index_remove(&index, hash_of(i), i), is_in[i]);
    }
    for (uint32_t b = 0; b < index.count; b++) {
        assert_int_equal(sl_flow_bucket_match(&index.buckets[b], 0), 0x3ff);
        assert_int_equal(index.buckets[b].away, 0);
    }
    sl_flow_index_done(&index);
}

static void test_index_of_equal_hashes_fills_two_buckets_and_no_more(void **state)
{
    (void)state;
    struct sl_flow_index index;
    uint32_t count = 0;
    assert_ok(sl_flow_index_init(&index, 10000));
    while (count < 100 && sl_flow_index_insert(&index, 0x123456789abcdef0, count) == SL_OK) {
        count++;
    }
    assert_int_equal(count, SL_FLOW_CANDIDATES_MAX);
    assert_rc(sl_flow_index_insert(&index, 0x123456789abcdef0, 1000), SL_NO_SPACE);
    uint32_t ids[SL_FLOW_CANDIDATES_MAX];
    assert_int_equal(sl_flow_index_find(&index, 0x123456789abcdef0, ids), SL_FLOW_CANDIDATES_MAX);
    sl_flow_index_done(&index);
    assert_rc(sl_flow_index_init(&index, UINT64_MAX / 200), SL_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_holds_what_it_was_made_for),
        cmocka_unit_test(test_index_of_random_comings_and_goings_is_an_array),
        cmocka_unit_test(test_index_of_equal_hashes_fills_two_buckets_and_no_more),
    };
    return cmocka_run_group_tests_name("flow/index", tests, NULL, NULL);
}
