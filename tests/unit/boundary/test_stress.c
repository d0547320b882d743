/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads, two rings, both keeping the rules: every datagram arrives once, in order, intact.
 * Under ThreadSanitizer it proves the ordering, too. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "fixture.h"

enum { DATAGRAMS = 60000, CONTROL_BYTES = 1 << 20 };

struct rig {
    struct fixture f;
    struct sl_rx rx;
    struct sl_tx tx;
    uint64_t run_end[64];
    struct sl_host_ring in, out;
    struct sl_byte_ring control_in, control_out, host_in, host_out;
    uint32_t echoed;
};

static uint32_t size_of(uint32_t number)
{
    return 4 + (number * 2654435761u >> 20) % 1500;
}

static void fill(uint8_t *at, uint32_t number, uint32_t size)
{
    memset(at, (int)(number & 0xff), size);
    memcpy(at, &number, sizeof(number));
}

static bool is_intact(const uint8_t *at, uint32_t number, uint32_t size)
{
    uint32_t found;
    memcpy(&found, at, sizeof(found));
    for (uint32_t i = sizeof(found); i < size; i++) {
        if (at[i] != (uint8_t)number) {
            return false;
        }
    }
    return found == number;
}

/* The image: bounces everything, in order; drops nothing, as it waits where tx is full. */
static void *image_main(void *ctx)
{
    struct rig *r = ctx;
    uint32_t bounced = 0;
    while (bounced < DATAGRAMS || r->echoed < CONTROL_BYTES) {
        struct sl_run runs[8];
        uint8_t bytes[700];
        uint32_t count = sl_rx_take(&r->rx, runs, 8);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t *out;
            while ((out = sl_tx_reserve(&r->tx, runs[i].size, runs[i].peer, 0)) == NULL) {
                sl_tx_flush(&r->tx);
                (void)sched_yield();
            }
            memcpy(out, runs[i].data, runs[i].size);
            sl_tx_commit(&r->tx, runs[i].size);
            bounced++;
        }
        sl_rx_release(&r->rx);
        sl_tx_flush(&r->tx);
        uint32_t room = sl_byte_ring_writable(&r->control_out);
        uint32_t size = sl_byte_ring_read(&r->control_in, bytes,
                                          room < sizeof(bytes) ? room : (uint32_t)sizeof(bytes));
        (void)sl_byte_ring_write(&r->control_out, bytes, size);
        r->echoed += size;
        if (count == 0 && size == 0) {
            (void)sched_yield();
        }
    }
    return NULL;
}

static uint32_t host_send(struct rig *r, uint32_t next)
{
    uint8_t *place = next < DATAGRAMS ? sl_host_rx_reserve(&r->in, size_of(next)) : NULL;
    if (place == NULL) {
        return next;
    }
    fill(place, next, size_of(next));
    assert_true(sl_host_rx_commit(&r->in, size_of(next), size_of(next), 3, 0));
    return next + 1;
}

static uint32_t host_receive(struct rig *r, uint32_t next)
{
    struct sl_run runs[8];
    uint32_t count = sl_host_tx_peek(&r->out, runs, 8);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t off = 0; off < runs[i].size; off += runs[i].segment_size, next++) {
            uint32_t left = runs[i].size - off;
            uint32_t size = left < runs[i].segment_size ? left : runs[i].segment_size;
            assert_int_equal(size, size_of(next));
            assert_true(is_intact(runs[i].data + off, next, size));
        }
    }
    sl_host_tx_release(&r->out, count);
    return next;
}

static void test_stress_everything_arrives_in_order(void **state)
{
    const struct sl_area_geometry g = FIXTURE_GEOMETRY;
    struct rig *r = calloc(1, sizeof(*r));
    fixture_init(&r->f, &g);
    const struct sl_area_queue_off *q = &r->f.layout.queue[0][0];
    struct sl_boundary_counters control_counters = {0};
    sl_rx_init(&r->rx, r->f.area, &q->rx, &g, &r->f.counters);
    sl_tx_init(&r->tx, r->f.area, &q->tx, &g, r->run_end, &r->f.counters);
    assert_ok(sl_host_ring_init(&r->in, r->f.area, &q->rx, &g));
    assert_ok(sl_host_ring_init(&r->out, r->f.area, &q->tx, &g));
    const struct sl_area_layout *l = &r->f.layout;
    sl_byte_ring_init(&r->control_in, r->f.area, &l->control_in, g.control_size, &control_counters);
    sl_byte_ring_init(&r->control_out, r->f.area, &l->control_out, g.control_size,
                      &control_counters);
    sl_byte_ring_init(&r->host_in, r->f.area, &l->control_in, g.control_size, NULL);
    sl_byte_ring_init(&r->host_out, r->f.area, &l->control_out, g.control_size, NULL);
    pthread_t thread;
    assert_ok(pthread_create(&thread, NULL, image_main, r));
    uint32_t sent = 0, received = 0, put = 0, got = 0;
    while (received < DATAGRAMS || got < CONTROL_BYTES) {
        uint8_t bytes[600];
        sent = host_send(r, sent);
        received = host_receive(r, received);
        uint32_t want =
            CONTROL_BYTES - put < sizeof(bytes) ? CONTROL_BYTES - put : (uint32_t)sizeof(bytes);
        for (uint32_t i = 0; i < want; i++) {
            bytes[i] = (uint8_t)((put + i) * 31 >> 3);
        }
        put += sl_byte_ring_write(&r->host_in, bytes, want);
        uint32_t back = sl_byte_ring_read(&r->host_out, bytes, sizeof(bytes));
        for (uint32_t i = 0; i < back; i++, got++) {
            assert_int_equal(bytes[i], (uint8_t)(got * 31 >> 3));
        }
    }
    (void)pthread_join(thread, NULL);
    assert_int_equal(r->f.counters.violation_index, 0);
    assert_int_equal(r->f.counters.violation_desc, 0);
    assert_int_equal(control_counters.violation_control, 0);
    sl_host_ring_done(&r->in);
    sl_host_ring_done(&r->out);
    fixture_done(&r->f);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stress_everything_arrives_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
