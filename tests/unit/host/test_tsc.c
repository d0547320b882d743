/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "host/tsc.h"

enum { CALL_NS = 20, KHZ = 2500000 };

/* A machine whose thread loses its core for `stall_ns`, right after the call `stall_at` has read
 * its clock. */
static uint64_t at_ns, calls, stall_at, stall_ns;

static uint64_t read_clock(void)
{
    uint64_t read = at_ns += CALL_NS;
    if (calls++ == stall_at) {
        at_ns += stall_ns;
    }
    return read;
}

static uint64_t fake_tsc(void)
{
    return read_clock() * KHZ / 1000000;
}

static const struct sl_tsc_clocks fake = {fake_tsc, read_clock};

static uint64_t run(uint64_t at, uint64_t for_ns)
{
    at_ns = 1000000007;
    calls = 0;
    stall_at = at;
    stall_ns = for_ns;
    uint32_t khz = sl_tsc_khz(&fake);
    assert_in_range(khz, KHZ - KHZ / 1000, KHZ + KHZ / 1000);
    return calls;
}

/* Once a host that lost its core between two readings told an image a wrong clock for life. */
static void test_a_stall_at_any_moment_bends_nothing(void **state)
{
    (void)state;
    uint64_t count = run(UINT64_MAX, 0);
    static const uint64_t stalls_ns[] = {4000000, 19999000, 3000000000u};
    for (size_t s = 0; s < sizeof(stalls_ns) / sizeof(stalls_ns[0]); s++) {
        for (uint64_t i = 0; i < 200; i++) {
            (void)run(i, stalls_ns[s]);
            (void)run(count - 1 - i, stalls_ns[s]);
        }
    }
}

/* The end of the window itself falls into the stall. */
static void test_a_stall_over_the_end_bends_nothing(void **state)
{
    (void)state;
    uint64_t count = run(UINT64_MAX, 0);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t at = count / 2 + i;
        uint64_t more = run(at, 15000000);
        for (uint64_t last = 0; last < 30 && last < more; last++) {
            (void)run(at - last, 15000000 + last);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stall_at_any_moment_bends_nothing),
        cmocka_unit_test(test_a_stall_over_the_end_bends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
