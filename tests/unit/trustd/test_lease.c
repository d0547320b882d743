/* SPDX-License-Identifier: Apache-2.0 */
/* When a verdict holds. */
#include "unit.h"

#include "trustd/lease.h"

static void test_lease_verdict_table(void **state)
{
    static const struct {
        const char *verdict;
        int64_t judged, end, now;
        enum sl_verdict expected;
        const char *why;
    } table[] = {
        {"trusted", 1000, 9000, 2000, SL_VERDICT_TRUSTED, NULL},
        {"trusted", 1000, 9000, 8999, SL_VERDICT_TRUSTED, NULL},
        {"trusted", 1000, 9000, 9000, SL_VERDICT_UNKNOWN, "lease-expired"},
        {"degraded", 1000, 9000, 1000, SL_VERDICT_DEGRADED, NULL},
        {"untrusted", 1000, 9000, 5000, SL_VERDICT_UNTRUSTED, NULL},
        {"untrusted", 1000, 9000, 9001, SL_VERDICT_UNKNOWN, "lease-expired"},
        {"unknown", 1000, 9000, 5000, SL_VERDICT_UNKNOWN, NULL},
        {"TRUSTED", 1000, 9000, 5000, SL_VERDICT_UNKNOWN, NULL},
        {NULL, 1000, 9000, 5000, SL_VERDICT_UNKNOWN, NULL},
        {"trusted", 0, 9000, 5000, SL_VERDICT_UNKNOWN, "never-judged"},
        {"trusted", 100000, 160000, 97999, SL_VERDICT_UNKNOWN, "clock-went-back"},
        {"trusted", 100000, 160000, 98000, SL_VERDICT_TRUSTED, NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *why = "";
        assert_int_equal(
            sl_lease_verdict(table[i].verdict, table[i].judged, table[i].end, table[i].now, &why),
            table[i].expected);
        if (table[i].why == NULL) {
            assert_null(why);
        } else {
            assert_string_equal(why, table[i].why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lease_verdict_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
