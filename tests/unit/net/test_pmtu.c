/* SPDX-License-Identifier: Apache-2.0 */
/* The search against simulated paths, in virtual time. */
#include "unit.h"

#include "net/pmtu.h"

#define MS 1000000ull

struct path {
    uint32_t mtu;       /* larger probes vanish */
    uint32_t interface; /* larger probes cannot leave; 0: no such limit */
    uint32_t loss;      /* of 100, whatever the size */
    bool is_dead;
    uint32_t seed;
};

static uint32_t next(struct path *path)
{
    path->seed = path->seed * 1664525u + 1013904223u;
    return path->seed >> 16;
}

/* Runs the machine until `until_ns`; answers come 1 ms later. */
static void run(struct sl_pmtu *p, struct path *path, uint64_t *now_ns, uint64_t until_ns)
{
    for (; *now_ns < until_ns; *now_ns += 5 * MS) {
        uint32_t count = sl_pmtu_poll(p, *now_ns);
        struct sl_pmtu_probe sent[SL_PMTU_PROBES_MAX];
        assert_true(count <= SL_PMTU_PROBES_MAX);
        memcpy(sent, p->probes, sizeof(sent));
        for (uint32_t i = 0; i < count; i++) {
            if (path->interface != 0 && sent[i].size > path->interface) {
                sl_pmtu_refused(p, sent[i].size);
            } else if (!path->is_dead && sent[i].size <= path->mtu &&
                       next(path) % 100 >= path->loss) {
                assert_true(sl_pmtu_answer(p, sent[i].id, sent[i].size, *now_ns + MS));
            }
        }
    }
}

static void test_pmtu_finds_every_size_exactly_in_seconds(void **state)
{
    (void)state;
    for (uint32_t mtu = 1218; mtu <= 9154; mtu += 124) {
        struct sl_pmtu p;
        struct path path = {.mtu = mtu, .seed = mtu};
        uint64_t now = 1;
        sl_pmtu_init(&p, 1218, 9154, 77, now);
        run(&p, &path, &now, 5000 * MS);
        assert_int_equal(p.state, SL_PMTU_COMPLETE);
        assert_in_range(p.mtu, mtu - SL_PMTU_GRANULARITY, mtu);
    }
}

static void test_pmtu_finds_size_despite_loss(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed < 50; seed++) {
        struct sl_pmtu p;
        struct path path = {.mtu = 1438, .loss = 10, .seed = seed};
        uint64_t now = 1;
        sl_pmtu_init(&p, 1218, 9154, 77, now);
        run(&p, &path, &now, 30000 * MS);
        assert_in_range(p.mtu, 1218, 1438);
    }
}

static void test_pmtu_interface_limit_ends_search(void **state)
{
    (void)state;
    struct sl_pmtu p;
    struct path path = {.mtu = 9154, .interface = 1438};
    uint64_t now = 1;
    sl_pmtu_init(&p, 1218, 9154, 77, now);
    run(&p, &path, &now, 3000 * MS);
    assert_int_equal(p.mtu, 1438);
    assert_int_equal(p.state, SL_PMTU_COMPLETE);
}

static void test_pmtu_black_hole_is_found_and_left(void **state)
{
    (void)state;
    struct sl_pmtu p;
    struct path path = {.mtu = 8938};
    uint64_t now = 1;
    sl_pmtu_init(&p, 1218, 9154, 77, now);
    run(&p, &path, &now, 5000 * MS);
    assert_in_range(p.mtu, 8934, 8938);
    path.mtu = 1338;
    run(&p, &path, &now, 25000 * MS);
    assert_in_range(p.mtu, 1334, 1338);
    assert_int_equal(p.black_holes, 1);
    path.mtu = 1438; /* found at the next raise, ten minutes later */
    run(&p, &path, &now, 700000 * MS);
    assert_in_range(p.mtu, 1434, 1438);
}

static void test_pmtu_silence_is_not_taken_for_a_small_mtu(void **state)
{
    (void)state;
    struct sl_pmtu p;
    struct path path = {.mtu = 1438};
    uint64_t now = 1;
    sl_pmtu_init(&p, 1218, 9154, 77, now);
    run(&p, &path, &now, 5000 * MS);
    path.is_dead = true;
    run(&p, &path, &now, 60000 * MS);
    assert_int_equal(p.state, SL_PMTU_SILENT);
    assert_int_equal(p.black_holes, 0);
    assert_in_range(p.mtu, 1434, 1438);
    path.is_dead = false;
    run(&p, &path, &now, 90000 * MS);
    assert_int_equal(p.state, SL_PMTU_COMPLETE);
    assert_in_range(p.mtu, 1434, 1438);
}

static void test_pmtu_path_below_base_is_an_error_until_it_widens(void **state)
{
    (void)state;
    struct sl_pmtu p;
    struct path path = {.mtu = 1000};
    uint64_t now = 1;
    sl_pmtu_init(&p, 1218, 9154, 77, now);
    run(&p, &path, &now, 8000 * MS);
    assert_int_equal(p.state, SL_PMTU_ERROR);
    assert_int_equal(p.mtu, 1218);
    path.mtu = 1438;
    run(&p, &path, &now, 30000 * MS);
    assert_int_equal(p.state, SL_PMTU_COMPLETE);
    assert_in_range(p.mtu, 1434, 1438);
}

static void test_pmtu_fixed_is_never_searched(void **state)
{
    (void)state;
    struct sl_pmtu p;
    struct path path = {.mtu = 9000};
    uint64_t now = 1;
    sl_pmtu_init(&p, 1400, 1400, 77, now);
    run(&p, &path, &now, 20000 * MS);
    assert_int_equal(p.state, SL_PMTU_COMPLETE);
    assert_int_equal(p.mtu, 1400);
}

static void test_pmtu_forged_or_late_answers_change_nothing(void **state)
{
    (void)state;
    struct sl_pmtu p;
    uint64_t now = 1;
    sl_pmtu_init(&p, 1218, 9154, 77, now);
    uint32_t count = sl_pmtu_poll(&p, now);
    assert_true(count > 1);
    uint64_t id = p.probes[0].id;
    uint32_t size = p.probes[0].size;
    assert_false(sl_pmtu_answer(&p, id + 1000, size, now));
    assert_false(sl_pmtu_answer(&p, id, size + 4, now));
    assert_true(sl_pmtu_answer(&p, id, size, now));
    assert_false(sl_pmtu_answer(&p, id, size, now));
}

/* As run(), with answers that take long: they come in order, perhaps when their round is over. */
static void run_slow(struct sl_pmtu *p, uint32_t mtu, uint64_t delay_ns, uint64_t *now_ns,
                     uint64_t until_ns)
{
    static struct sl_pmtu_probe on_way[4096];
    uint32_t first = 0;
    uint32_t end = 0;
    for (; *now_ns < until_ns; *now_ns += 5 * MS) {
        for (; first < end && *now_ns >= on_way[first].sent_ns + delay_ns; first++) {
            (void)sl_pmtu_answer(p, on_way[first].id, on_way[first].size, *now_ns);
        }
        uint32_t count = sl_pmtu_poll(p, *now_ns);
        for (uint32_t i = 0; i < count; i++) {
            if (p->probes[i].size <= mtu) {
                assert_true(end < 4096);
                on_way[end++] = p->probes[i];
            }
        }
    }
}

static void test_pmtu_slow_path_is_neither_silent_nor_narrow(void **state)
{
    (void)state;
    for (uint64_t delay = 100; delay <= 2500; delay += 100) {
        struct sl_pmtu p;
        uint64_t now = 1;
        sl_pmtu_init(&p, 1218, 9154, 77, now);
        run_slow(&p, 1438, MS, &now, 5000 * MS);
        assert_int_equal(p.mtu, 1438);
        /* queues fill under way: many times the round trip that was seen before */
        run_slow(&p, 1438, delay * MS, &now, 60000 * MS);
        assert_int_equal(p.state, SL_PMTU_COMPLETE);
        assert_int_equal(p.mtu, 1438);
        assert_int_equal(p.black_holes, 0);
        if (delay <= 1500) { /* a path that stands still for longer is silent until it moves */
            assert_int_equal(p.searches, 1);
        }
        /* and it is still found where it narrows */
        run_slow(&p, 1338, delay * MS, &now, 150000 * MS);
        assert_int_equal(p.state, SL_PMTU_COMPLETE);
        assert_in_range(p.mtu, 1334, 1338);
        assert_int_equal(p.black_holes, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pmtu_finds_every_size_exactly_in_seconds),
        cmocka_unit_test(test_pmtu_finds_size_despite_loss),
        cmocka_unit_test(test_pmtu_interface_limit_ends_search),
        cmocka_unit_test(test_pmtu_black_hole_is_found_and_left),
        cmocka_unit_test(test_pmtu_silence_is_not_taken_for_a_small_mtu),
        cmocka_unit_test(test_pmtu_path_below_base_is_an_error_until_it_widens),
        cmocka_unit_test(test_pmtu_fixed_is_never_searched),
        cmocka_unit_test(test_pmtu_forged_or_late_answers_change_nothing),
        cmocka_unit_test(test_pmtu_slow_path_is_neither_silent_nor_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
