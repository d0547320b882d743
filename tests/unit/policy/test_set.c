/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "policy/set.h"

static struct pol_arena arena;

static struct pol_set *make(const uint32_t (*pairs)[2], uint32_t count)
{
    struct pol_set *set = pol_set_new(&arena, 1);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(pol_set_add(&arena, set, pairs[i][0], pairs[i][1]));
    }
    pol_set_normalise(set);
    return set;
}

static void assert_set(const struct pol_set *set, const uint32_t (*pairs)[2], uint32_t count)
{
    assert_int_equal(set->count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(set->intervals[i].lo == pairs[i][0] && set->intervals[i].hi == pairs[i][1]);
    }
}

static void test_set_normalise_sorts_and_merges(void **state)
{
    (void)state;
    const uint32_t in[][2] = {{50, 60}, {1, 5}, {6, 9}, {55, 70}, {3, 4}, {80, 80}};
    const uint32_t out[][2] = {{1, 9}, {50, 70}, {80, 80}};
    assert_set(make(in, 6), out, 3);
}

static void test_set_complement_of_edges(void **state)
{
    (void)state;
    const uint32_t edges[][2] = {{0, 9}, {20, 255}};
    const uint32_t gap[][2] = {{10, 19}};
    assert_set(pol_set_complement(&arena, make(edges, 2), 255), gap, 1);
    assert_set(pol_set_complement(&arena, make(gap, 1), 255), edges, 2);
    const uint32_t all[][2] = {{0, 255}};
    assert_set(pol_set_complement(&arena, make(all, 1), 255), NULL, 0);
    assert_set(pol_set_complement(&arena, make(NULL, 0), 255), all, 1);
}

static void test_set_complement_of_all_bits(void **state)
{
    (void)state;
    struct pol_set *set = pol_set_new(&arena, 1);
    assert_true(pol_set_add(&arena, set, 5, ~(pol_key)0));
    struct pol_set *rest = pol_set_complement(&arena, set, ~(pol_key)0);
    assert_int_equal(rest->count, 1);
    assert_true(rest->intervals[0].lo == 0 && rest->intervals[0].hi == 4);
}

static void test_set_meet(void **state)
{
    (void)state;
    const uint32_t a[][2] = {{0, 10}, {20, 30}, {40, 50}};
    const uint32_t b[][2] = {{5, 25}, {30, 41}, {60, 70}};
    const uint32_t both[][2] = {{5, 10}, {20, 25}, {30, 30}, {40, 41}};
    assert_set(pol_set_meet(&arena, make(a, 3), make(b, 3)), both, 4);
    assert_set(pol_set_meet(&arena, make(a, 3), make(NULL, 0)), NULL, 0);
}

static int done(void **state)
{
    (void)state;
    pol_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_normalise_sorts_and_merges),
        cmocka_unit_test(test_set_complement_of_edges),
        cmocka_unit_test(test_set_complement_of_all_bits),
        cmocka_unit_test(test_set_meet),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
