/* SPDX-License-Identifier: Apache-2.0 */
/* The image's clock against ours: what is bent is noticed, what is slow is not. */
#include "unit.h"

#include "gateway/clock.h"

#define MS   1000000ll
#define HOUR (3600000 * MS)

/* Statuses every half second; each takes `delay` each way; the image's clock is at `rate` percent
 * and jumps by `jump` before the last one. */
static uint64_t warps_after(int64_t seconds, int64_t delay, int64_t rate, int64_t jump)
{
    struct sl_gw_clock clock = {0};
    int64_t off;
    const int64_t start = 100 * HOUR;
    for (int64_t t = 0; t <= seconds * 1000; t += 500) {
        int64_t sent = start + t * MS;
        int64_t image = 50 * HOUR + (t * MS + delay) / 100 * rate;
        image += t == seconds * 1000 ? jump : 0;
        (void)sl_gw_clock_sample(&clock, (uint64_t)sent, (uint64_t)(sent + 2 * delay),
                                 (uint64_t)image, &off);
    }
    return clock.warps;
}

static void test_gw_clock_sample_bent_is_noticed(void **state)
{
    static const struct {
        const char *what;
        int64_t seconds, delay_ms, rate, jump;
        bool is_noticed;
    } table[] = {
        {"in pace", 60, 1, 100, 0, false},
        {"a slow network", 60, 2000, 100, 0, false},
        {"one percent", 60, 1, 99, 0, false},
        {"a tenth slower", 12, 1, 90, 0, true},
        {"a tenth faster", 12, 1, 110, 0, true},
        {"stands still", 2, 1, 0, 0, true},
        {"an hour back", 5, 1, 100, -HOUR, true},
        {"an hour on", 5, 1, 100, HOUR, true},
        {"an hour back, over a slow network", 5, 2000, 100, -HOUR, true},
        {"0.4 s back", 5, 1, 100, -400 * MS, false},
        {"0.8 s back", 5, 1, 100, -800 * MS, true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t warps =
            warps_after(table[i].seconds, table[i].delay_ms * MS, table[i].rate, table[i].jump);
        if ((warps > 0) != table[i].is_noticed) {
            fail_msg("%s: %llu", table[i].what, (unsigned long long)warps);
        }
    }
}

static void test_gw_clock_reset_begins_anew(void **state)
{
    struct sl_gw_clock clock = {0};
    int64_t off;
    assert_true(sl_gw_clock_sample(&clock, 1000, 2000, 500, &off));
    sl_gw_clock_reset(&clock);
    assert_true(sl_gw_clock_sample(&clock, 3000, 4000, (uint64_t)HOUR, &off));
    assert_int_equal(off, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gw_clock_sample_bent_is_noticed),
        cmocka_unit_test(test_gw_clock_reset_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
