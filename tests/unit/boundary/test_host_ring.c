/* SPDX-License-Identifier: Apache-2.0 */
/* The host's ends: a broken image costs its packets, not the host. */
#include "unit.h"

#include "fixture.h"

struct rig {
    struct fixture f;
    struct sl_host_ring in, out;
};

static int setup(void **state)
{
    const struct sl_area_geometry g = FIXTURE_GEOMETRY;
    struct rig *r = calloc(1, sizeof(*r));
    fixture_init(&r->f, &g);
    assert_ok(sl_host_ring_init(&r->in, r->f.area, &r->f.layout.queue[0][1].rx, &g));
    assert_ok(sl_host_ring_init(&r->out, r->f.area, &r->f.layout.queue[0][1].tx, &g));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    sl_host_ring_done(&r->in);
    sl_host_ring_done(&r->out);
    fixture_done(&r->f);
    free(r);
    return 0;
}

static void test_host_rx_several_commits_per_reservation(void **state)
{
    struct rig *r = *state;
    uint8_t *place = sl_host_rx_reserve(&r->in, 65535);
    assert_non_null(place);
    assert_true(sl_host_rx_commit(&r->in, 300, 100, 1, 0));
    sl_host_rx_skip(&r->in, 200);
    assert_true(sl_host_rx_commit(&r->in, 50, 100 - 50, 2, 0));
    struct sl_area_desc *slots = slots_at(&r->f, &r->f.layout.queue[0][1].rx);
    assert_int_equal(slots[0].offset, 0);
    assert_int_equal(slots[0].size, 300);
    assert_int_equal(slots[1].offset, 500);
    assert_int_equal(slots[1].size, 50);
    assert_int_equal(index_at(&r->f, &r->f.layout.queue[0][1].rx)->producer, 2);
    /* the next reservation lies behind, on a line of its own */
    assert_ptr_equal(sl_host_rx_reserve(&r->in, 100), place + 576);
}

static void test_host_rx_bad_run_refused(void **state)
{
    struct rig *r = *state;
    assert_null(sl_host_rx_reserve(&r->in, 0));
    assert_null(sl_host_rx_reserve(&r->in, 65537));
    assert_false(sl_host_rx_commit(&r->in, 1, 1, 0, 0)); /* nothing reserved */
    const struct {
        uint32_t size, segment_size;
    } bad[] = {{0, 0}, {0, 1}, {100, 0}, {100, 101}, {101, 50}, {65, 1}, {100, 0x10064}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_non_null(sl_host_rx_reserve(&r->in, 100));
        assert_false(sl_host_rx_commit(&r->in, bad[i].size, bad[i].segment_size, 0, 0));
    }
    assert_int_equal(r->in.local, 0);
}

static void test_host_rx_full_returns_null(void **state)
{
    struct rig *r = *state;
    uint32_t put = 0;
    while (sl_host_rx_reserve(&r->in, 64) != NULL) {
        assert_true(sl_host_rx_commit(&r->in, 64, 64, 0, 0));
        put++;
        assert_true(put <= 64);
    }
    assert_int_equal(put, 64);
    struct sl_area_index *index = index_at(&r->f, &r->f.layout.queue[0][1].rx);
    index->consumer = 65; /* an image that claims more than it was given */
    assert_null(sl_host_rx_reserve(&r->in, 64));
    assert_int_equal(r->in.violations, 1);
    index->consumer = 63;
    assert_non_null(sl_host_rx_reserve(&r->in, 64));
    for (put = 0; sl_host_rx_commit(&r->in, 1, 1, 0, 0); put++) {
    }
    assert_int_equal(put, 63); /* commits stop at the slots, too */
}

static void test_host_tx_broken_image_skipped_and_counted(void **state)
{
    struct rig *r = *state;
    struct sl_area_ring_off *off = &r->f.layout.queue[0][1].tx;
    struct sl_run runs[64];
    index_at(&r->f, off)->producer = 65;
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 64), 0);
    assert_int_equal(r->out.violations, 1);
    slots_at(&r->f, off)[0] = (struct sl_area_desc){65000, 2000, 100, 1, 0};
    slots_at(&r->f, off)[1] = (struct sl_area_desc){1000, 2000, 100, 3, 1};
    index_at(&r->f, off)->producer = 2;
    assert_true(sl_host_tx_is_pending(&r->out));
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 64), 2);
    assert_int_equal(runs[0].size, 0);
    assert_int_equal(runs[1].size, 2000);
    assert_int_equal(runs[1].peer, 3);
    assert_int_equal(r->out.violations, 2);
    sl_host_tx_release(&r->out, 2);
    assert_false(sl_host_tx_is_pending(&r->out));
    assert_int_equal(index_at(&r->f, off)->consumer, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_host_rx_several_commits_per_reservation),
        T(test_host_rx_bad_run_refused),
        T(test_host_rx_full_returns_null),
        T(test_host_tx_broken_image_skipped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
