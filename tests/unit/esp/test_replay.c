/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "esp/replay.h"

enum { W = 64 };

/* One numbered step: offer a sequence number, expect it taken or refused. */
struct step {
    uint64_t seq;
    bool is_accepted;
};

static void steps_run(struct sl_replay *replay, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_fresh = sl_replay_is_fresh(replay, steps[i].seq);
        if (is_fresh != steps[i].is_accepted) {
            fail_msg("step %zu: sequence number %llu %s", i + 1, (unsigned long long)steps[i].seq,
                     is_fresh ? "accepted" : "refused");
        }
        if (is_fresh) {
            (void)sl_replay_accept(replay, steps[i].seq);
        }
    }
}

static void test_replay_table(void **state)
{
    (void)state;
    const struct step steps[] = {
        /*  1 */ {0, false},
        /*  2 */ {1, true},
        /*  3 */ {1, false},
        /*  4 */ {0, false},
        /*  5 */ {9, true},
        /*  6 */ {8, true},
        /*  7 */ {7, true},
        /*  8 */ {7, false},
        /*  9 */ {W, true},
        /* 10 */ {W - 1, true},
        /* 11 */ {W - 1, false},
        /* 12 */ {W - 2, true},
        /* 13 */ {2, true},
        /* 14 */ {2, false},
        /* 15 */ {W + 16, true},
        /* 16 */ {3, false},
        /* 17 */ {W + 16, false},
        /* 18 */ {W * 4, true},
        /* 19 */ {W * 4 - (W - 1), true},
        /* 20 */ {10, false},
        /* 21 */ {W * 4 - W, false},
        /* 22 */ {W * 4 - (W + 1), false},
        /* 23 */ {W * 4 - (W - 2), true},
        /* 24 */ {W * 4 + 1 - W, false},
        /* 25 */ {0, false},
        /* 26 */ {UINT64_C(0xffffffff), true},
        /* 27 */ {UINT64_C(0x100000000), true},
        /* 28 */ {UINT64_C(0xffffffff), false},
        /* 29 */ {UINT64_C(0xfffffffe), true},
        /* 30 */ {UINT64_MAX - 1, true},
        /* 31 */ {UINT64_MAX, true},
        /* 32 */ {UINT64_MAX, false},
        /* 33 */ {UINT64_MAX - 1, false},
        /* 34 */ {UINT64_MAX - 2, true},
        /* 35 */ {UINT64_MAX - W, false},
        /* 36 */ {2, false},
    };
    struct sl_replay replay;
    sl_replay_init(&replay, W, 0);
    steps_run(&replay, steps, sizeof(steps) / sizeof(steps[0]));
}

/* Bulk: for every window, forwards, backwards, and in a window filled from its middle. */
static void test_replay_fill_takes_each_number_once(void **state)
{
    (void)state;
    for (uint32_t window = SL_ESP_WINDOW_MIN; window <= SL_ESP_WINDOW_MAX; window *= 2) {
        struct sl_replay replay;
        sl_replay_init(&replay, window, 0);
        for (uint64_t seq = 1; seq <= window; seq++) {
            assert_true(sl_replay_is_fresh(&replay, seq));
            assert_int_equal(sl_replay_accept(&replay, seq), 0);
        }
        for (uint64_t seq = 0; seq <= window; seq++) {
            assert_false(sl_replay_is_fresh(&replay, seq));
        }
        sl_replay_init(&replay, window, 0);
        for (uint64_t seq = window; seq >= 1; seq--) {
            assert_true(sl_replay_is_fresh(&replay, seq));
            (void)sl_replay_accept(&replay, seq);
        }
        assert_false(sl_replay_is_fresh(&replay, 0));
        (void)sl_replay_accept(&replay, window + 1);
        assert_false(sl_replay_is_fresh(&replay, 1));
        assert_true(sl_replay_is_fresh(&replay, window + 2));
    }
}

static void test_replay_start_counts_older_as_received(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay, 128, 1000);
    for (uint64_t seq = 0; seq <= 1000; seq++) {
        assert_false(sl_replay_is_fresh(&replay, seq));
    }
    for (uint64_t seq = 1001; seq < 1300; seq++) {
        assert_true(sl_replay_is_fresh(&replay, seq));
    }
}

/* Model: a set of all numbers; random walk with jumps of all sizes, every window. */
static void test_replay_random_walk_agrees_with_set(void **state)
{
    (void)state;
    enum { SPAN = 1 << 18 };
    uint8_t *seen = calloc(SPAN, 1);
    assert_non_null(seen);
    for (uint32_t window = SL_ESP_WINDOW_MIN; window <= SL_ESP_WINDOW_MAX; window *= 2) {
        memset(seen, 0, SPAN);
        uint32_t random = window;
        uint64_t top = 0;
        uint64_t lost = 0;
        struct sl_replay replay;
        sl_replay_init(&replay, window, 0);
        for (int i = 0; i < 20000; i++) {
            random = random * 1664525u + 1013904223u;
            uint64_t jump = (random >> 8) % ((random >> 28) == 0 ? 3 * window : 40);
            uint64_t seq = top + 20 > jump ? top + 20 - jump : 0;
            if ((random >> 28) == 1) {
                seq = top + jump + window * ((random >> 27) & 1u);
            }
            if (seq >= SPAN) {
                break;
            }
            bool want = seq != 0 && (seq > top || top - seq < window) && seen[seq] == 0;
            assert_int_equal(sl_replay_is_fresh(&replay, seq), want);
            if (want) {
                lost += sl_replay_accept(&replay, seq);
                seen[seq] = 1;
                top = seq > top ? seq : top;
            }
        }
        assert_int_equal(replay.top, top);
        /* gaps are counted when their block of 64 has left the window as a whole */
        uint64_t counted = top / 64 * 64 > window ? top / 64 * 64 - window : 0;
        uint64_t want_lost = 0;
        for (uint64_t seq = 1; seq < counted; seq++) {
            want_lost += seen[seq] == 0;
        }
        assert_int_equal(lost, want_lost);
    }
    free(seen);
}

static void test_replay_accept_far_jump_counts_all_skipped(void **state)
{
    (void)state;
    struct sl_replay replay;
    sl_replay_init(&replay, 64, 0);
    assert_int_equal(sl_replay_accept(&replay, 1), 0);
    /* block 10000 is entered: blocks up to 9998 are gone, of which only number 1 was received */
    assert_int_equal(sl_replay_accept(&replay, 640000), 9999 * 64 - 2);
}

/* RFC 4303 A2.2: top, window, number on the wire, expected 64-bit number (0: none). */
static void test_replay_infer_table(void **state)
{
    (void)state;
    const struct {
        uint64_t top;
        uint32_t low;
        uint64_t want;
    } rows[] = {
        {0, 1, 1},
        {0, 0xffffffff, 0},             /* case B, before the first number */
        {63, 0, UINT64_C(0)},           /* case A: bottom is 0; number 0 itself */
        {64, 0, UINT64_C(0x100000000)}, /* left of the window: the next subspace */
        {1000, 1001, 1001},
        {1000, 937, 937},                   /* bottom */
        {1000, 936, UINT64_C(0x1000003a8)}, /* just below */
        {UINT64_C(0xffffffff), 0, UINT64_C(0x100000000)},
        {UINT64_C(0xffffffff), 0xffffffc0, UINT64_C(0xffffffc0)},
        {UINT64_C(0xffffffff), 0xffffffbf, UINT64_C(0x1ffffffbf)},
        {UINT64_C(0x100000000), 0, UINT64_C(0x100000000)},
        {UINT64_C(0x100000000), 0xffffffff, UINT64_C(0xffffffff)}, /* case B */
        {UINT64_C(0x100000000), 0xffffffc1, UINT64_C(0xffffffc1)},
        {UINT64_C(0x100000000), 0xffffffc0, UINT64_C(0x1ffffffc0)},
        {UINT64_C(0x10000003e), 0xffffffff, UINT64_C(0xffffffff)},
        {UINT64_C(0x10000003f), 0xffffffff, UINT64_C(0x1ffffffff)}, /* case A again */
        {UINT64_C(0x500000005), 7, UINT64_C(0x500000007)},
        {UINT64_C(0xffffffff00001000), 1, 0}, /* past the last number */
        {UINT64_C(0xffffffff00001000), 0xffffffff, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_replay replay;
        sl_replay_init(&replay, W, rows[i].top);
        uint64_t seq = 0;
        bool is_some = sl_replay_infer(&replay, rows[i].low, &seq);
        if ((is_some ? seq : 0) != rows[i].want) {
            fail_msg("row %zu: %llx", i + 1, (unsigned long long)seq);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_table),
        cmocka_unit_test(test_replay_fill_takes_each_number_once),
        cmocka_unit_test(test_replay_start_counts_older_as_received),
        cmocka_unit_test(test_replay_random_walk_agrees_with_set),
        cmocka_unit_test(test_replay_accept_far_jump_counts_all_skipped),
        cmocka_unit_test(test_replay_infer_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
