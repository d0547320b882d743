/* SPDX-License-Identifier: Apache-2.0 */
/* What the paper claims of the table: balance and disruption (NSDI 2016, 3.4 and 5.3). */
#include "unit.h"

#include "balancer/maglev.h"

enum { MEMBERS_MAX = 1000 };

static uint16_t table[LB_TABLE_SIZE];
static uint16_t other[LB_TABLE_SIZE];
static struct lb_member members[MEMBERS_MAX];

static void make(uint32_t count, uint32_t weight)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[32];
        int size = snprintf(name, sizeof(name), "web/backend-%u", i);
        members[i] = (struct lb_member){.key = lb_name_key(LB_NAME_KEY_START, name, (size_t)size),
                                        .weight = weight,
                                        .index = (uint16_t)i};
    }
}

static void count_entries(const uint16_t *entries, uint32_t *counts)
{
    memset(counts, 0, MEMBERS_MAX * sizeof(*counts));
    for (uint32_t i = 0; i < LB_TABLE_SIZE; i++) {
        assert_int_not_equal(entries[i], LB_NOBODY);
        counts[entries[i]]++;
    }
}

static uint32_t differing(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < LB_TABLE_SIZE; i++) {
        count += table[i] != other[i];
    }
    return count;
}

/* Equal members take turns: their entries differ by one at most. The paper asks for less than 1 %
 * over the even share. */
static void test_fill_equal_members_are_even(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 10, 100, 1000};
    static uint32_t counts[MEMBERS_MAX];
    for (uint32_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        make(sizes[s], 100);
        assert_ok(lb_maglev_fill(members, sizes[s], table));
        count_entries(table, counts);
        for (uint32_t i = 0; i < sizes[s]; i++) {
            assert_in_range(counts[i], LB_TABLE_SIZE / sizes[s], LB_TABLE_SIZE / sizes[s] + 1);
        }
    }
}

static void test_fill_weights_are_shares(void **state)
{
    (void)state;
    static uint32_t counts[MEMBERS_MAX];
    static const uint32_t weights[] = {1, 2, 3, 50, 100, 0, 1000};
    make(7, 0);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 7; i++) {
        members[i].weight = weights[i];
        sum += weights[i];
    }
    assert_ok(lb_maglev_fill(members, 7, table));
    count_entries(table, counts);
    for (uint32_t i = 0; i < 7; i++) {
        double want = (double)LB_TABLE_SIZE * weights[i] / sum;
        assert_true(counts[i] + 2.0 > want && counts[i] < want + 7.0);
    }
    assert_int_equal(counts[5], 0);
}

static void test_fill_nobody_has_weight(void **state)
{
    (void)state;
    make(3, 0);
    assert_ok(lb_maglev_fill(members, 3, table));
    for (uint32_t i = 0; i < LB_TABLE_SIZE; i++) {
        assert_int_equal(table[i], LB_NOBODY);
    }
    assert_ok(lb_maglev_fill(members, 0, table));
    assert_int_equal(table[77], LB_NOBODY);
}

/* The order of the members, as a file lists them, changes nothing. */
static void test_fill_does_not_depend_on_order(void **state)
{
    (void)state;
    make(50, 7);
    members[9].weight = 20;
    assert_ok(lb_maglev_fill(members, 50, table));
    for (uint32_t i = 0; i < 25; i++) {
        struct lb_member swap = members[i];
        members[i] = members[49 - i];
        members[49 - i] = swap;
    }
    assert_ok(lb_maglev_fill(members, 50, other));
    assert_int_equal(differing(), 0);
}

/* Figure 12: with a table of 65537 for 1000 backends, of which one fails, about 1 % of the entries
 * of the others change, and fewer for fewer. A plain hash modulo N would move nearly all of them.
 */
static void test_fill_member_lost_disrupts_few(void **state)
{
    (void)state;
    static const struct {
        uint32_t count;
        double most; /* share of entries of survivors that change */
    } cases[] = {{10, 0.05}, {100, 0.03}, {1000, 0.02}};
    for (uint32_t c = 0; c < 3; c++) {
        uint32_t lost = cases[c].count / 3;
        make(cases[c].count, 100);
        assert_ok(lb_maglev_fill(members, cases[c].count, table));
        members[lost].weight = 0;
        assert_ok(lb_maglev_fill(members, cases[c].count, other));
        uint32_t moved = 0;
        uint32_t own = 0;
        for (uint32_t i = 0; i < LB_TABLE_SIZE; i++) {
            own += table[i] == lost;
            moved += table[i] != lost && table[i] != other[i];
        }
        double share = (double)moved / (LB_TABLE_SIZE - own);
        print_message("%u backends, one lost: %.2f %% of the entries of the others change\n",
                      cases[c].count, share * 100);
        assert_true(share < cases[c].most);
    }
}

/* One of N + 1 that comes takes 1 / (N + 1), and hardly anything moves between the others. */
static void test_fill_member_gained_takes_its_share(void **state)
{
    (void)state;
    make(21, 100);
    assert_ok(lb_maglev_fill(members, 20, table));
    assert_ok(lb_maglev_fill(members, 21, other));
    uint32_t taken = 0;
    uint32_t moved = 0;
    for (uint32_t i = 0; i < LB_TABLE_SIZE; i++) {
        taken += other[i] == 20;
        moved += other[i] != 20 && other[i] != table[i];
    }
    assert_in_range(taken, LB_TABLE_SIZE / 21 - 1, LB_TABLE_SIZE / 21 + 2);
    assert_true(moved < LB_TABLE_SIZE / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_equal_members_are_even),
        cmocka_unit_test(test_fill_weights_are_shares),
        cmocka_unit_test(test_fill_nobody_has_weight),
        cmocka_unit_test(test_fill_does_not_depend_on_order),
        cmocka_unit_test(test_fill_member_lost_disrupts_few),
        cmocka_unit_test(test_fill_member_gained_takes_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
