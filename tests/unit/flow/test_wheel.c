/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel: comes by every slot once a second, and finds what is due. */
#include "flow/record.h"
#include "flow/wheel.h"
#include "unit.h"

static void test_wheel_turns_once_a_second_however_it_is_called(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 7, 1000, 65536, 2000000};
    for (uint32_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct sl_flow_wheel wheel = {0};
        uint64_t now_ms = 0;
        uint64_t seen = 0;
        for (uint32_t step = 0; now_ms < 10000; step++) {
            now_ms += step % 13;
            seen += sl_flow_wheel_turn(&wheel, now_ms, counts[c], UINT32_MAX);
        }
        uint64_t want = now_ms * counts[c] / SL_FLOW_TURN_MS;
        assert_true(seen == want);
    }
}

static void test_wheel_does_no_more_than_it_may_and_owes_the_rest(void **state)
{
    (void)state;
    struct sl_flow_wheel wheel = {0};
    assert_int_equal(sl_flow_wheel_turn(&wheel, 1000, 10000, 100), 100);
    uint32_t seen = 100;
    while (seen < 10000) {
        assert_int_equal(sl_flow_wheel_turn(&wheel, 1000, 10000, 100), 100);
        seen += 100;
    }
    assert_int_equal(sl_flow_wheel_turn(&wheel, 1000, 10000, 100), 0);
    /* a day later it owes one turn, not 86,400 */
    seen = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        seen += sl_flow_wheel_turn(&wheel, 86401000, 10000, 100);
    }
    assert_int_equal(seen, 10000);
}

static void test_wheel_finds_what_is_due_and_in_use(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct sl_flow_slot slots[COUNT] = {0};
    const uint32_t ticks[] = {100, 0x7ffffff0, 0xfffffff0};
    for (uint32_t t = 0; t < 3; t++) { /* also where ticks wrap */
        uint32_t now = ticks[t];
        for (uint32_t i = 0; i < COUNT; i++) {
            slots[i].generation = 1;
            sl_flow_set_due(&slots[i], now + 1 + i, i % 2 == 0);
        }
        assert_int_equal(sl_flow_wheel_next(slots, 0, COUNT, now), COUNT);
        sl_flow_set_due(&slots[37], now, true);
        sl_flow_set_due(&slots[99], now - 1000, false);
        assert_int_equal(sl_flow_wheel_next(slots, 0, COUNT, now), 37);
        assert_int_equal(sl_flow_wheel_next(slots, 38, COUNT, now), 99);
        assert_int_equal(sl_flow_wheel_next(slots, 38, 99, now), 99);
        slots[37].generation = 2;
        assert_int_equal(sl_flow_wheel_next(slots, 0, COUNT, now), 99);
        assert_true(sl_flow_is_assured(&slots[0]) && !sl_flow_is_assured(&slots[1]));
    }
}

/* Whatever is due or not assured, in order, in as many calls as it takes. */
static void test_wheel_finds_who_may_give_way(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct sl_flow_slot slots[COUNT] = {0};
    const uint32_t tick = 0xfffffff0;
    for (uint32_t i = 0; i < COUNT; i++) {
        slots[i].generation = i % 5 == 0 ? 2 : 1; /* a fifth is free */
        sl_flow_set_due(&slots[i], tick + 50, true);
    }
    uint32_t weak[COUNT];
    uint32_t at = 0;
    assert_int_equal(sl_flow_wheel_weak(slots, COUNT, tick, COUNT, &at, weak), 0);
    assert_int_equal(at, COUNT);
    sl_flow_set_due(&slots[3], tick + 50, false);
    sl_flow_set_due(&slots[5], tick + 50, false); /* free */
    sl_flow_set_due(&slots[17], tick, true);      /* due */
    sl_flow_set_due(&slots[99], tick + 50, false);
    for (uint32_t most = 1; most <= 4; most++) {
        uint32_t found = 0;
        for (at = 0; at < COUNT;) {
            found += sl_flow_wheel_weak(slots, COUNT, tick, most, &at, weak + found);
        }
        assert_int_equal(found, 3);
        assert_int_equal(weak[0], 3);
        assert_int_equal(weak[1], 17);
        assert_int_equal(weak[2], 99);
    }
    at = 4;
    assert_int_equal(sl_flow_wheel_weak(slots, 99, tick, 9, &at, weak), 1);
    assert_int_equal(weak[0], 17);
}

static void test_idle_packs_without_ending_early(void **state)
{
    (void)state;
    for (uint32_t ticks = 1; ticks < 0x7000000; ticks += 1 + ticks / 999) {
        uint32_t back = sl_flow_idle_unpack(sl_flow_idle_pack(ticks));
        assert_true(back >= ticks && back - ticks <= ticks / 2048 + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wheel_turns_once_a_second_however_it_is_called),
        cmocka_unit_test(test_wheel_does_no_more_than_it_may_and_owes_the_rest),
        cmocka_unit_test(test_wheel_finds_what_is_due_and_in_use),
        cmocka_unit_test(test_wheel_finds_who_may_give_way),
        cmocka_unit_test(test_idle_packs_without_ending_early),
    };
    return cmocka_run_group_tests_name("flow/wheel", tests, NULL, NULL);
}
