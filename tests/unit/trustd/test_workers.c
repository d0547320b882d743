/* SPDX-License-Identifier: Apache-2.0 */
/* Work is done once each, all of it before they stop, none after. */
#include "unit.h"

#include <stdatomic.h>
#include <unistd.h>

#include "trustd/workers.h"

enum { WORKS = 500 };
struct counted {
    struct sl_work work;
    atomic_uint runs;
};
static struct counted works[WORKS];

static void count(struct sl_work *work)
{
    (void)atomic_fetch_add(&((struct counted *)work)->runs, 1);
    (void)usleep(100);
}

static void test_workers_do_all_once(void **state)
{
    struct sl_workers *workers = NULL;
    struct sl_err err = {0};
    assert_ok(sl_workers_start(4, &workers, &err));
    for (size_t i = 0; i < WORKS; i++) {
        works[i].work.run = count;
        assert_true(sl_workers_submit(workers, &works[i].work));
    }
    sl_workers_stop(workers);
    for (size_t i = 0; i < WORKS; i++) {
        assert_int_equal(atomic_load(&works[i].runs), 1);
    }
    sl_workers_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_workers_do_all_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
