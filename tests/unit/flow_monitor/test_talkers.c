/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "flow_monitor/talkers.h"
#include "safelib/bytes.h"

static struct fm_talkers talkers;
static uint64_t random_state = 12345;

static uint32_t below(uint32_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % bound;
}

static uint64_t hash_of(uint32_t sender)
{
    return (sender + 1) * 0x9e3779b97f4a7c15u >> 20;
}

static void add(uint32_t sender, uint64_t bytes)
{
    uint8_t address[4];
    sl_be32_put(address, sender);
    fm_talkers_add(&talkers, hash_of(sender), address, 4, bytes);
}

static void test_talkers_few_are_exact_and_sorted(void **state)
{
    (void)state;
    memset(&talkers, 0, sizeof(talkers));
    for (uint32_t i = 0; i < 20; i++) {
        add(i, 100 * (i + 1));
        add(i, 1);
    }
    fm_talkers_sort(&talkers, 5);
    for (uint32_t i = 0; i < 5; i++) {
        struct fm_talker talker;
        assert_true(fm_talkers_get(&talkers, i, &talker));
        assert_int_equal(sl_be32_get(talker.address), 19 - i);
        assert_int_equal(talker.bytes, 100 * (20 - i) + 1);
    }
    struct fm_talker none;
    assert_false(fm_talkers_get(&talkers, 5, &none));
    assert_false(fm_talkers_get(&talkers, SL_FM_TALKERS_MAX, &none));
}

/* Space-Saving's promise, set by set: no count is too low, and who has more than a place's share of
 * the set is in it. */
static void test_talkers_heavy_ones_are_never_missed(void **state)
{
    (void)state;
    enum { SENDERS = 20000, HEAVY = 8 };
    static uint64_t truth[SENDERS];
    memset(&talkers, 0, sizeof(talkers));
    memset(truth, 0, sizeof(truth));
    for (uint32_t i = 0; i < 400000; i++) {
        uint32_t sender = below(10) < 5 ? below(HEAVY) : below(SENDERS);
        uint64_t bytes = 40 + below(1400);
        truth[sender] += bytes;
        add(sender, bytes);
    }
    fm_talkers_sort(&talkers, HEAVY);
    for (uint32_t i = 0; i < HEAVY; i++) {
        struct fm_talker talker;
        assert_true(fm_talkers_get(&talkers, i, &talker));
        uint32_t sender = sl_be32_get(talker.address);
        assert_true(sender < HEAVY);
        assert_true(talker.bytes >= truth[sender]);
        assert_true(talker.bytes <= truth[sender] + truth[sender] / 4);
    }
}

static void test_talkers_families_are_kept_apart(void **state)
{
    (void)state;
    uint8_t address[16] = {1, 2, 3, 4};
    memset(&talkers, 0, sizeof(talkers));
    fm_talkers_add(&talkers, 7, address, 4, 10);
    fm_talkers_add(&talkers, 7, address, 6, 20);
    fm_talkers_sort(&talkers, 4);
    struct fm_talker talker;
    assert_true(fm_talkers_get(&talkers, 0, &talker));
    assert_int_equal(talker.ip_version, 6);
    assert_int_equal(talker.bytes, 20);
    assert_true(fm_talkers_get(&talkers, 1, &talker));
    assert_int_equal(talker.bytes, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talkers_few_are_exact_and_sorted),
        cmocka_unit_test(test_talkers_heavy_ones_are_never_missed),
        cmocka_unit_test(test_talkers_families_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
