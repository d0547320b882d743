/* SPDX-License-Identifier: Apache-2.0 */
/* Which image it is, by what it says and what the gateway remembers. */
#include "unit.h"

#include "gateway/instance.h"

static void test_instance_judge(void **state)
{
    static const struct {
        const char *what;
        uint8_t known, told; /* instances; 0: none known */
        uint64_t epoch, done, told_epoch;
        bool is_other_alive;
        enum sl_instance_verdict verdict;
    } table[] = {
        {"first contact", 0, 1, 0, 0, 0, false, SL_INSTANCE_FRESH},
        {"first contact, another gateway had it", 0, 1, 0, 0, 7, false, SL_INSTANCE_AHEAD},
        {"a new one instead of ours", 1, 2, 5, 5, 0, false, SL_INSTANCE_FRESH},
        {"ours", 1, 1, 5, 5, 5, false, SL_INSTANCE_KNOWN},
        {"ours, restarted at once", 1, 1, 5, 5, 5, true, SL_INSTANCE_KNOWN},
        {"ours, the last epoch did not reach it", 1, 1, 6, 5, 5, false, SL_INSTANCE_KNOWN},
        {"ours, it did, and we broke off", 1, 1, 6, 5, 6, false, SL_INSTANCE_KNOWN},
        {"ours, another gateway had it meanwhile", 1, 1, 5, 5, 8, false, SL_INSTANCE_AHEAD},
        {"another's, later than ours", 1, 2, 5, 5, 8, false, SL_INSTANCE_AHEAD},
        {"older state", 1, 1, 5, 5, 4, false, SL_INSTANCE_ROLLED_BACK},
        {"older by two, broken off", 1, 1, 7, 6, 5, false, SL_INSTANCE_ROLLED_BACK},
        {"provisioned, and says never", 1, 1, 5, 5, 0, false, SL_INSTANCE_ROLLED_BACK},
        {"clone", 1, 1, 5, 5, 4, true, SL_INSTANCE_FORK},
        {"clone that says never", 1, 1, 5, 5, 0, true, SL_INSTANCE_FORK},
        {"replaced, comes back", 2, 1, 5, 5, 4, false, SL_INSTANCE_SUPERSEDED},
        {"replaced, comes back while its heir lives", 2, 1, 5, 5, 5, true, SL_INSTANCE_FORK},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sl_durable durable = {.has_instance = table[i].known != 0,
                                     .epoch = table[i].epoch,
                                     .epoch_done = table[i].done};
        struct sl_msg_instance told = {.epoch = table[i].told_epoch};
        memset(durable.instance, table[i].known, sizeof(durable.instance));
        memset(told.instance, table[i].told, sizeof(told.instance));
        enum sl_instance_verdict verdict =
            sl_instance_judge(&durable, &told, table[i].is_other_alive);
        if (verdict != table[i].verdict) {
            fail_msg("%s: %s", table[i].what, sl_instance_verdict_word(verdict));
        }
        assert_int_equal(sl_instance_is_taken(verdict), verdict <= SL_INSTANCE_AHEAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_instance_judge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
