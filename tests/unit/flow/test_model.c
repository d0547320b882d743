/* SPDX-License-Identifier: Apache-2.0 */
/* A flow table against an array, by random operations. tests/fuzz/fuzz_flow_table.c goes on. */
#include "model.h"
#include "unit.h"

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void test_table_does_what_an_array_does(void **state)
{
    (void)state;
    enum { RUNS = 300, SIZE = 6000 };
    static uint8_t data[SIZE];
    struct model_counts counts = {0};
    uint64_t seed = 88172645463325252u;
    for (uint32_t run = 0; run < RUNS; run++) {
        for (uint32_t i = 0; i < SIZE; i++) {
            data[i] = (uint8_t)(next_random(&seed) >> 20);
        }
        model_run(data, SIZE, &counts);
    }
    print_message("%llu packets: %llu flows, %llu established, %llu related, %llu invalid, %llu "
                  "full, %llu evicted, %llu idle, %llu closed, %llu forgotten, %llu rekeyed, %llu "
                  "bursts split\n",
                  (unsigned long long)counts.packets, (unsigned long long)counts.created,
                  (unsigned long long)counts.established, (unsigned long long)counts.related,
                  (unsigned long long)counts.invalid, (unsigned long long)counts.full,
                  (unsigned long long)counts.evicted, (unsigned long long)counts.idle,
                  (unsigned long long)counts.closed, (unsigned long long)counts.forgotten,
                  (unsigned long long)counts.rekeyed, (unsigned long long)counts.split);
    assert_true(counts.created > 1000 && counts.established > 1000 && counts.related > 100);
    assert_true(counts.full > 0 && counts.evicted > 100 && counts.idle > 100 &&
                counts.closed > 100);
    assert_true(counts.forgotten > 100 && counts.rekeyed > 100 && counts.split > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table_does_what_an_array_does)};
    return cmocka_run_group_tests_name("flow/model", tests, NULL, NULL);
}
