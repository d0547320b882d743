/* SPDX-License-Identifier: Apache-2.0 */
/* The image's ends of the packet rings, against a host that keeps the rules and one that does not.
 */
#include "unit.h"

#include "fixture.h"

struct rig {
    struct fixture f;
    struct sl_rx rx;
    struct sl_tx tx;
    struct sl_host_ring in, out;
    uint64_t run_end[64];
};

static int setup(void **state)
{
    const struct sl_area_geometry g = FIXTURE_GEOMETRY;
    struct rig *r = calloc(1, sizeof(*r));
    fixture_init(&r->f, &g);
    const struct sl_area_queue_off *q = &r->f.layout.queue[0][0];
    sl_rx_init(&r->rx, r->f.area, &q->rx, &g, &r->f.counters);
    sl_tx_init(&r->tx, r->f.area, &q->tx, &g, r->run_end, &r->f.counters);
    assert_ok(sl_host_ring_init(&r->in, r->f.area, &q->rx, &g));
    assert_ok(sl_host_ring_init(&r->out, r->f.area, &q->tx, &g));
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

static bool host_put(struct rig *r, uint32_t size, uint32_t segment_size, uint8_t fill)
{
    uint8_t *place = sl_host_rx_reserve(&r->in, size);
    if (place == NULL) {
        return false;
    }
    memset(place, fill, size);
    return sl_host_rx_commit(&r->in, size, segment_size, fill, fill & 3);
}

static void test_rx_take_runs_arrive_in_order(void **state)
{
    struct rig *r = *state;
    struct sl_run runs[8];
    assert_int_equal(sl_rx_take(&r->rx, runs, 8), 0);
    assert_true(host_put(r, 100, 100, 1));
    assert_true(host_put(r, 250, 100, 2));
    assert_int_equal(sl_rx_take(&r->rx, runs, 8), 2);
    assert_int_equal(runs[0].size, 100);
    assert_int_equal(runs[0].segment_size, 100);
    assert_int_equal(runs[1].size, 250);
    assert_int_equal(runs[1].peer, 2);
    assert_int_equal(runs[1].flags, 2);
    assert_int_equal(runs[1].data[249], 2);
    assert_int_equal(r->f.counters.rx_runs, 2);
    assert_int_equal(r->f.counters.rx_datagrams, 4);
    assert_true(sl_host_rx_is_pending(&r->in));
    sl_rx_release(&r->rx);
    assert_false(sl_host_rx_is_pending(&r->in));
}

static void test_rx_take_at_most_max(void **state)
{
    struct rig *r = *state;
    struct sl_run runs[8];
    for (uint8_t i = 0; i < 5; i++) {
        assert_true(host_put(r, 10, 10, i));
    }
    assert_int_equal(sl_rx_take(&r->rx, runs, 2), 2);
    assert_int_equal(sl_rx_take(&r->rx, runs, 8), 3);
    assert_int_equal(runs[2].peer, 4);
}

static void test_rx_take_bad_descriptor_counted_and_skipped(void **state)
{
    static const struct {
        uint32_t offset, size;
        uint16_t segment_size;
    } bad[] = {
        {0, 0, 1},
        {0, 0, 0},
        {0, 100, 0},
        {0, 100, 101},
        {0, 65536, 1400},
        {65536, 1, 1},
        {65535, 2, 2},
        {65537, 1, 1},
        {0xffffffff, 1, 1},
        {0, 0xffffffff, 1},
        {0xffffff00, 256, 256},
        {0x80000000, 64, 64},
        {1, 65535 + 1, 1024},
        {0, 65, 1},
        {0, 1000, 15},
        {32768, 32769, 32768},
    };
    struct rig *r = *state;
    struct sl_area_ring_off *off = &r->f.layout.queue[0][0].rx;
    uint32_t count = sizeof(bad) / sizeof(bad[0]);
    for (uint32_t i = 0; i < count; i++) {
        slots_at(&r->f, off)[i] = (struct sl_area_desc){
            .offset = bad[i].offset, .size = bad[i].size, .segment_size = bad[i].segment_size};
    }
    /* a sound one behind them, with every unknown flag set, and one at the very end */
    slots_at(&r->f, off)[count] = (struct sl_area_desc){0, 65535, 1024, 9, 0xffffffff};
    slots_at(&r->f, off)[count + 1] = (struct sl_area_desc){65535, 1, 1, 0, 0};
    index_at(&r->f, off)->producer = count + 2;
    struct sl_run runs[64];
    assert_int_equal(sl_rx_take(&r->rx, runs, 64), 2);
    assert_int_equal(r->f.counters.violation_desc, count);
    assert_int_equal(r->f.counters.violation_index, 0);
    assert_int_equal(runs[0].flags, SL_DESC_FLAGS_MASK);
    assert_ptr_equal(runs[1].data, r->f.area + off->data + 65535);
}

static void test_rx_take_index_beyond_ring_counted(void **state)
{
    struct rig *r = *state;
    struct sl_area_index *index = index_at(&r->f, &r->f.layout.queue[0][0].rx);
    struct sl_run runs[64];
    const uint32_t bad[] = {65, 66, 0x7fffffff, 0x80000000, 0xffffffff};
    for (uint32_t i = 0; i < 5; i++) {
        index->producer = bad[i];
        assert_int_equal(sl_rx_take(&r->rx, runs, 64), 0);
        assert_int_equal(r->f.counters.violation_index, i + 1);
    }
    index->producer = 0;
    assert_true(host_put(r, 10, 10, 1)); /* the rules kept again: the ring lives */
    assert_int_equal(sl_rx_take(&r->rx, runs, 64), 1);
    index->producer = 66; /* 65 more while one slot is still held */
    assert_int_equal(sl_rx_take(&r->rx, runs, 64), 0);
    assert_int_equal(r->f.counters.violation_index, 6);
}

static void test_rx_consumer_word_never_read(void **state)
{
    struct rig *r = *state;
    struct sl_run runs[4];
    assert_true(host_put(r, 10, 10, 1));
    assert_true(host_put(r, 10, 10, 2));
    assert_int_equal(sl_rx_take(&r->rx, runs, 1), 1);
    index_at(&r->f, &r->f.layout.queue[0][0].rx)->consumer = 0xdeadbeef;
    assert_int_equal(sl_rx_take(&r->rx, runs, 1), 1);
    assert_int_equal(runs[0].peer, 2);
    sl_rx_release(&r->rx);
    assert_int_equal(index_at(&r->f, &r->f.layout.queue[0][0].rx)->consumer, 2);
}

static void image_put(struct rig *r, uint32_t size, uint16_t peer, uint32_t flags, uint8_t fill)
{
    uint8_t *place = sl_tx_reserve(&r->tx, size, peer, flags);
    assert_non_null(place);
    memset(place, fill, size);
    sl_tx_commit(&r->tx, size);
}

static void test_tx_equal_sizes_pack_into_runs(void **state)
{
    static const struct {
        const char *what;
        struct {
            uint32_t size;
            uint16_t peer;
            uint32_t flags;
        } put[6];
        uint32_t puts;
        uint32_t sizes[6]; /* of the runs expected */
        uint32_t runs;
    } table[] = {
        {"equal", {{100, 1, 0}, {100, 1, 0}, {100, 1, 0}}, 3, {300}, 1},
        {"shorter last closes", {{100, 1, 0}, {60, 1, 0}, {60, 1, 0}}, 3, {160, 60}, 2},
        {"longer starts", {{100, 1, 0}, {101, 1, 0}}, 2, {100, 101}, 2},
        {"other peer starts", {{100, 1, 0}, {100, 2, 0}, {100, 2, 0}}, 3, {100, 200}, 2},
        {"other flags start", {{100, 1, 0}, {100, 1, 2}, {100, 1, 0}}, 3, {100, 100, 100}, 3},
        {"one", {{1, 0, 0}}, 1, {1}, 1},
    };
    struct rig *r = *state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (uint32_t k = 0; k < table[i].puts; k++) {
            image_put(r, table[i].put[k].size, table[i].put[k].peer, table[i].put[k].flags,
                      (uint8_t)k);
        }
        struct sl_run runs[8];
        assert_int_equal(sl_host_tx_peek(&r->out, runs, 8), 0); /* nothing before the flush */
        sl_tx_flush(&r->tx);
        uint32_t count = sl_host_tx_peek(&r->out, runs, 8);
        if (count != table[i].runs) {
            fail_msg("%s: %u runs", table[i].what, count);
        }
        uint32_t put = 0;
        for (uint32_t k = 0; k < count; k++) {
            assert_int_equal(runs[k].size, table[i].sizes[k]);
            for (uint32_t off = 0; off < runs[k].size; off += runs[k].segment_size, put++) {
                assert_int_equal(runs[k].data[off], put);
                assert_int_equal(runs[k].peer, table[i].put[put].peer);
                assert_int_equal(runs[k].flags, table[i].put[put].flags);
            }
        }
        assert_int_equal(put, table[i].puts);
        sl_host_tx_release(&r->out, count);
    }
}

static void test_tx_publish_keeps_the_open_run(void **state)
{
    struct rig *r = *state;
    struct sl_run runs[8];
    for (uint32_t i = 0; i < 70; i++) {
        image_put(r, 64, 0, 0, 0);
    }
    sl_tx_publish(&r->tx);
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 8), 1);
    assert_int_equal(runs[0].size, 64 * 64);
    image_put(r, 64, 0, 0, 0);
    sl_tx_publish(&r->tx);
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 8), 1);
    sl_tx_flush(&r->tx);
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 8), 2);
    assert_int_equal(runs[1].size, 7 * 64);
    sl_host_tx_release(&r->out, 2);
}

static void test_tx_run_holds_64_segments_at_most(void **state)
{
    struct rig *r = *state;
    for (uint32_t i = 0; i < 130; i++) {
        image_put(r, 64, 0, 0, 0);
    }
    sl_tx_flush(&r->tx);
    struct sl_run runs[8];
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 8), 3);
    assert_int_equal(runs[0].size, 64 * 64);
    assert_int_equal(runs[1].size, 64 * 64);
    assert_int_equal(runs[2].size, 2 * 64);
    assert_int_equal(r->f.counters.tx_runs, 3);
    assert_int_equal(r->f.counters.tx_datagrams, 130);
}

static void test_tx_run_holds_65487_bytes_at_most(void **state)
{
    struct rig *r = *state;
    image_put(r, 32744, 0, 0, 1);
    image_put(r, 32743, 0, 0, 2);
    sl_tx_flush(&r->tx);
    struct sl_run runs[2];
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 2), 1);
    assert_int_equal(runs[0].size, SL_RUN_TX_SIZE_MAX);
    sl_host_tx_release(&r->out, 1);
    image_put(r, 32744, 0, 0, 1);
    image_put(r, 32700, 0, 0, 2);
    sl_tx_flush(&r->tx);
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 2), 1);
    sl_host_tx_release(&r->out, 1);
    image_put(r, 32744, 0, 0, 1);
    image_put(r, 32744, 0, 0, 2); /* one byte too many: a run of its own */
    sl_tx_flush(&r->tx);
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 2), 2);
}

static void test_tx_bad_sizes_refused(void **state)
{
    struct rig *r = *state;
    assert_null(sl_tx_reserve(&r->tx, 0, 0, 0));
    assert_null(sl_tx_reserve(&r->tx, SL_RUN_TX_SIZE_MAX + 1, 0, 0));
    assert_null(sl_tx_reserve(&r->tx, 0xffffffff, 0, 0));
    assert_int_equal(r->f.counters.tx_oversize, 3);
    assert_non_null(sl_tx_reserve(&r->tx, SL_RUN_TX_SIZE_MAX, 0, 0));
    sl_tx_commit(&r->tx, SL_RUN_TX_SIZE_MAX + 1);
    sl_tx_commit(&r->tx, 0);
    sl_tx_flush(&r->tx);
    assert_int_equal(r->tx.producer, 0); /* nothing was committed */
    sl_tx_commit(&r->tx, 5);             /* and a flush ends a reservation */
    sl_tx_flush(&r->tx);
    assert_int_equal(r->tx.producer, 0);
}

static void test_tx_commit_shorter_than_reserved(void **state)
{
    struct rig *r = *state;
    assert_non_null(sl_tx_reserve(&r->tx, 200, 0, 0));
    sl_tx_commit(&r->tx, 150);
    image_put(r, 150, 0, 0, 7);
    assert_non_null(sl_tx_reserve(&r->tx, 150, 0, 0));
    sl_tx_commit(&r->tx, 20);
    sl_tx_flush(&r->tx);
    struct sl_run runs[4];
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 4), 1);
    assert_int_equal(runs[0].size, 320);
    assert_int_equal(runs[0].segment_size, 150);
    assert_int_equal(runs[0].data[150], 7);
}

static void test_tx_full_dropped_and_counted(void **state)
{
    struct rig *r = *state;
    uint32_t put = 0;
    while (sl_tx_reserve(&r->tx, 1000 + put, 0, 0) != NULL) { /* growing: one run each */
        sl_tx_commit(&r->tx, 1000 + put);
        put++;
        assert_true(put < 100);
    }
    assert_int_equal(r->f.counters.tx_full, 1); /* by space */
    sl_tx_flush(&r->tx);
    struct sl_run runs[64];
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 64), put);
    sl_host_tx_release(&r->out, put);
    for (put = 0; sl_tx_reserve(&r->tx, 10 + put, 0, 0) != NULL; put++) {
        sl_tx_commit(&r->tx, 10 + put);
    }
    assert_int_equal(put, 64); /* by slots */
    assert_int_equal(r->f.counters.tx_full, 2);
    assert_int_equal(r->f.counters.violation_index, 0);
}

static void test_tx_full_while_joining_dropped(void **state)
{
    struct rig *r = *state;
    image_put(r, 40000, 0, 0, 1);
    sl_tx_flush(&r->tx);
    image_put(r, 8000, 0, 0, 2);
    image_put(r, 8000, 0, 0, 3);
    assert_null(sl_tx_reserve(&r->tx, 10000, 0, 0)); /* 56000 used, and the first is not free */
    assert_int_equal(r->f.counters.tx_full, 1);
    sl_tx_flush(&r->tx);
    sl_host_tx_release(&r->out, 1);
    image_put(r, 10000, 0, 0, 4); /* wraps into the first's place */
    sl_tx_flush(&r->tx);
    struct sl_run runs[4];
    assert_int_equal(sl_host_tx_peek(&r->out, runs, 4), 2);
    assert_int_equal(runs[0].size, 16000);
    assert_int_equal(runs[0].data[8000], 3);
    assert_int_equal(runs[1].data[9999], 4);
    assert_ptr_equal(runs[1].data, r->out.data);
}

static void test_tx_host_index_beyond_published_counted(void **state)
{
    struct rig *r = *state;
    struct sl_area_index *index = index_at(&r->f, &r->f.layout.queue[0][0].tx);
    image_put(r, 60000, 0, 0, 1);
    sl_tx_flush(&r->tx);
    const uint32_t bad[] = {2, 64, 0x80000000, 0xffffffff};
    for (uint32_t i = 0; i < 4; i++) {
        index->consumer = bad[i];
        assert_null(sl_tx_reserve(&r->tx, 60000, 0, 0));
        assert_int_equal(r->f.counters.violation_index, i + 1);
        assert_int_equal(r->f.counters.tx_full, i + 1);
    }
    index->consumer = 1;
    assert_non_null(sl_tx_reserve(&r->tx, 60000, 0, 0));
}

static void test_tx_host_frees_unpublished_counted(void **state)
{
    struct rig *r = *state;
    image_put(r, 30000, 0, 0, 1);
    image_put(r, 30001, 0, 0, 1); /* closes the first, which stays unpublished */
    index_at(&r->f, &r->f.layout.queue[0][0].tx)->consumer = 1;
    assert_null(sl_tx_reserve(&r->tx, 30002, 0, 0));
    assert_int_equal(r->f.counters.violation_index, 1);
}

/* Random traffic through both rings for several turns of the indices and the data regions. */
static void test_rings_random_traffic_kept_intact(void **state)
{
    struct rig *r = *state;
    uint32_t seed = 1, sent = 0, seen = 0;
    r->in.local = r->in.released = r->rx.consumer = r->rx.released = 0xfffffff0; /* wrap soon */
    struct sl_area_index *index = index_at(&r->f, &r->f.layout.queue[0][0].rx);
    index->producer = index->consumer = 0xfffffff0;
    for (uint32_t turn = 0; turn < 20000; turn++) {
        seed = seed * 1103515245 + 12345;
        uint32_t size = 1 + (seed >> 16) % 3000;
        uint8_t *place = (seed >> 30) != 0 ? sl_host_rx_reserve(&r->in, size) : NULL;
        if (place != NULL) {
            memset(place, (int)(sent & 0xff), size);
            assert_true(sl_host_rx_commit(&r->in, size, size, (uint16_t)sent, 0));
            sent++;
        }
        struct sl_run runs[16];
        uint32_t count = (seed >> 29 & 1) != 0 ? sl_rx_take(&r->rx, runs, 16) : 0;
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(runs[i].peer, (uint16_t)seen);
            assert_int_equal(runs[i].data[0], seen & 0xff);
            assert_int_equal(runs[i].data[runs[i].size - 1], seen & 0xff);
            seen++;
        }
        sl_rx_release(&r->rx);
    }
    assert_true(sent > 10000);
    assert_in_range(seen, sent - 64, sent);
    assert_int_equal(r->f.counters.violation_index + r->f.counters.violation_desc, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_rx_take_runs_arrive_in_order),
        T(test_rx_take_at_most_max),
        T(test_rx_take_bad_descriptor_counted_and_skipped),
        T(test_rx_take_index_beyond_ring_counted),
        T(test_rx_consumer_word_never_read),
        T(test_tx_equal_sizes_pack_into_runs),
        T(test_tx_publish_keeps_the_open_run),
        T(test_tx_run_holds_64_segments_at_most),
        T(test_tx_run_holds_65487_bytes_at_most),
        T(test_tx_bad_sizes_refused),
        T(test_tx_commit_shorter_than_reserved),
        T(test_tx_full_dropped_and_counted),
        T(test_tx_full_while_joining_dropped),
        T(test_tx_host_index_beyond_published_counted),
        T(test_tx_host_frees_unpublished_counted),
        T(test_rings_random_traffic_kept_intact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
