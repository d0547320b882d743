/* SPDX-License-Identifier: Apache-2.0 */
/* Received runs to rx rings: guesses, mixed trains, junk, full rings; through the memory backend.
 */
#include "unit.h"

#include "base/bytes.h"
#include "fake_image.h"
#include "host/demux.h"

struct rig {
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    uint8_t *area;
    struct sl_host_ring in[2];
    struct sl_rx rx[2];
    struct sl_boundary_counters boundary;
    struct sl_host_counters counters;
    struct sl_demux demux;
    struct sl_io *io;
    uint32_t spis[256]; /* of the datagrams that the source gives out, in one train */
    uint32_t count, segment_size, last_size;
};

static bool source(void *ctx, struct sl_io_rx *buf)
{
    struct rig *r = ctx;
    if (r->count == 0) {
        return false;
    }
    buf->size = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t size = i + 1 == r->count && r->last_size != 0 ? r->last_size : r->segment_size;
        assert_true(buf->size + size <= buf->room);
        memset(buf->data + buf->size, (int)i, size);
        if (size >= 4) {
            sl_be32_put(buf->data + buf->size, r->spis[i]);
        }
        buf->size += size;
    }
    buf->segment_size = buf->size < r->segment_size ? buf->size : r->segment_size;
    buf->peer = 5;
    buf->tos = 0xb9;
    r->count = 0;
    return true;
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    r->geometry = (struct sl_area_geometry){1, 64, 256 << 10, 16 << 10, 4 << 10, 0};
    r->area = fake_area(&r->geometry, &r->layout);
    for (uint32_t port = 0; port < 2; port++) {
        const struct sl_area_ring_off *off = &r->layout.queue[0][port].rx;
        assert_ok(sl_host_ring_init(&r->in[port], r->area, off, &r->geometry));
        sl_rx_init(&r->rx[port], r->area, off, &r->geometry, &r->boundary);
    }
    r->demux = (struct sl_demux){.rings = r->in, .counters = &r->counters};
    assert_ok(sl_io_memory_open(source, NULL, r, 65535, &r->io));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    r->io->ops->close(r->io);
    sl_host_ring_done(&r->in[0]);
    sl_host_ring_done(&r->in[1]);
    (void)munmap(r->area, r->layout.size);
    free(r);
    return 0;
}

static uint32_t train(struct rig *r, const uint32_t *spis, uint32_t count, uint32_t size,
                      uint32_t last_size)
{
    struct sl_io_rx bufs[8];
    memcpy(r->spis, spis, count * sizeof(*spis));
    r->count = count;
    r->segment_size = size;
    r->last_size = last_size;
    uint32_t made = sl_demux_buffers(&r->demux, bufs, 8, r->io->room);
    assert_true(made > 0);
    return sl_demux_commit(&r->demux, bufs, r->io->ops->receive(r->io, bufs, made));
}

static void test_demux_mixed_train_split_by_spi(void **state)
{
    struct rig *r = *state;
    const uint32_t spis[] = {0x1000, 0x1000, 0x1001, 0x1001, 0x1001, 0x1000};
    struct sl_run runs[8];
    assert_int_equal(train(r, spis, 6, 100, 60), 3);
    assert_int_equal(sl_rx_take(&r->rx[0], runs, 8), 2);
    assert_int_equal(runs[0].size, 200);
    assert_int_equal(runs[0].peer, 5);
    assert_int_equal(runs[0].flags, 0xb9);
    assert_int_equal(runs[1].size, 60);
    assert_int_equal(runs[1].data[59], 5);
    assert_int_equal(sl_rx_take(&r->rx[1], runs, 8), 1);
    assert_int_equal(runs[0].size, 300);
    assert_int_equal(runs[0].data[299], 4);
    assert_int_equal(r->counters.rx_copied, 1);
    assert_int_equal(r->counters.rx_datagrams, 6);
    assert_int_equal(r->boundary.violation_desc, 0);
}

static void test_demux_guess_follows_traffic(void **state)
{
    struct rig *r = *state;
    const uint32_t spi = 0x77770001;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(train(r, &spi, 1, 1400, 0), 1);
    }
    assert_int_equal(r->counters.rx_copied, 1); /* the first guess only */
}

static void test_demux_acknowledgement_does_not_turn_the_guess(void **state)
{
    struct rig *r = *state;
    const uint32_t data[4] = {0x77770000, 0x77770000, 0x77770000, 0x77770000};
    const uint32_t mixed[5] = {0x77770000, 0x77770000, 0x77770000, 0x77770000, 0x77770001};
    struct sl_run runs[8];
    assert_int_equal(train(r, mixed, 5, 1400, 100), 2);
    assert_int_equal(train(r, mixed + 4, 1, 100, 0), 1);
    assert_int_equal(r->counters.rx_copied, 2); /* the acknowledgements */
    assert_int_equal(train(r, data, 4, 1400, 0), 1);
    assert_int_equal(r->counters.rx_copied, 2); /* the data was received in place */
    assert_int_equal(sl_rx_take(&r->rx[0], runs, 8), 2);
    assert_int_equal(sl_rx_take(&r->rx[1], runs, 8), 2);
}

static void test_demux_long_train_cut_at_64(void **state)
{
    struct rig *r = *state;
    uint32_t spis[150];
    struct sl_run runs[8];
    for (uint32_t i = 0; i < 150; i++) {
        spis[i] = 0x1000;
    }
    assert_int_equal(train(r, spis, 150, 64, 0), 3);
    assert_int_equal(sl_rx_take(&r->rx[0], runs, 8), 3);
    assert_int_equal(runs[0].size, 64 * 64);
    assert_int_equal(runs[2].size, 22 * 64);
    assert_int_equal(r->boundary.violation_desc, 0);
}

static void test_demux_junk_within_train_dropped(void **state)
{
    struct rig *r = *state;
    const uint32_t spis[] = {0x1000, 0, 0x1000, 0x80, 0x1002, 0x1000};
    struct sl_run runs[8];
    assert_int_equal(train(r, spis, 6, 100, 20), 2);
    assert_int_equal(sl_rx_take(&r->rx[0], runs, 8), 2);
    assert_int_equal(runs[1].data[99], 2);
    assert_int_equal(r->counters.rx_ike, 1);
    assert_int_equal(r->counters.rx_short, 2); /* the reserved SPI, and the last: too short */
    assert_int_equal(r->counters.rx_no_queue, 1);
}

static void test_demux_full_ring_stops(void **state)
{
    struct rig *r = *state;
    const uint32_t spi = 0x1000;
    struct sl_io_rx bufs[8];
    uint32_t put = 0;
    while (sl_demux_buffers(&r->demux, bufs, 8, r->io->room) > 0) {
        put += train(r, &spi, 1, 1400, 0);
        assert_true(put <= 64);
    }
    assert_int_equal(put, 64); /* every slot; the data region is not wasted on short runs */
    const uint32_t other = 0x1001;
    struct sl_run runs[64];
    assert_int_equal(sl_rx_take(&r->rx[0], runs, 64), 64);
    sl_rx_release(&r->rx[0]);
    assert_int_equal(train(r, &other, 1, 1400, 0), 1); /* drained: goes on */
}

static void test_demux_other_ring_full_counted(void **state)
{
    struct rig *r = *state;
    uint32_t spis[130];
    for (uint32_t i = 0; i < 130; i++) {
        spis[i] = 0x1000 + (i & 1); /* each datagram a run of its own */
    }
    assert_int_equal(train(r, spis, 130, 100, 0), 128);
    assert_int_equal(r->counters.rx_full, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_demux_mixed_train_split_by_spi),
        T(test_demux_guess_follows_traffic),
        T(test_demux_acknowledgement_does_not_turn_the_guess),
        T(test_demux_long_train_cut_at_64),
        T(test_demux_junk_within_train_dropped),
        T(test_demux_full_ring_stops),
        T(test_demux_other_ring_full_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
