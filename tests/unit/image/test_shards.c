/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever steers, and however wrong: no flow is split, and its packets stay in order. */
#include "unit.h"

#include <pthread.h>

#include "../flow/cuts.h"
#include "native_runtime.h"
#include "shards_bed.h"

enum {
    FLOWS = 200,
    ROUNDS = 5, /* packets of each flow and direction */
    PIECES_MAX = 3,
    PAYLOAD = 256,
};

/* How the gateway chooses an SA, and the host a ring. */
enum steering {
    ALL_TO_FIRST,
    ROUND_ROBIN,
    BY_FLOW, /* one shard for all packets of a flow: wrong, but always the same */
    SPI_SWAPPED,
};

static uint32_t next_shard(const struct shards_bed *bed, enum steering steering, uint32_t flow)
{
    static uint32_t round;
    switch (steering) {
    case ALL_TO_FIRST:
        return 0;
    case BY_FLOW:
        return flow % bed->count;
    default:
        return round++ % bed->count;
    }
}

struct piece {
    uint8_t data[1600];
    uint32_t size;
};

static void swap(uint8_t *a, uint8_t *b, uint32_t size)
{
    uint8_t kept[16];
    memcpy(kept, a, size);
    memcpy(a, b, size);
    memcpy(b, kept, size);
}

static uint8_t proto_of(uint32_t flow)
{
    static const uint8_t protos[2][3] = {{17, 6, 1}, {17, 6, 58}};
    return protos[flow % 2][flow % 3];
}

/* The upper layer: its ports and identifier say the flow, its last 4 bytes are `number`. */
static void make_upper(uint32_t flow, uint32_t number, bool is_reply, uint8_t payload[PAYLOAD])
{
    bool is_v6 = flow % 2 != 0;
    uint8_t proto = proto_of(flow);
    bool is_icmp = proto != 17 && proto != 6;
    cut_payload(payload, PAYLOAD, is_v6, proto);
    sl_be16_put(payload + (is_icmp ? 4 : is_reply ? 2 : 0), (uint16_t)(3000 + flow));
    if (!is_icmp) {
        sl_be16_put(payload + (is_reply ? 0 : 2), 2000);
    } else if (is_reply) {
        payload[0] = is_v6 ? 129 : 0;
    }
    if (proto == 6) { /* an exchange that is under way, picked up */
        sl_be32_put(payload + 4, 1000);
        sl_be32_put(payload + 8, 1000);
        payload[13] = 0x10;
    }
    sl_be32_put(payload + PAYLOAD - 4, number);
    uint32_t off = sl_checksum_off(proto);
    uint8_t *check = payload + (off != 0 ? off : 2);
    sl_be16_put(check, 0);
    uint8_t head[48];
    (void)cut_header(head, is_v6, 0, proto, 0, 8, false);
    uint64_t sum = proto == 1
                       ? 0
                       : sl_checksum_pseudo(head + (is_v6 ? 8 : 12), head + (is_v6 ? 24 : 16),
                                            is_v6 ? 16 : 4, proto, PAYLOAD);
    sl_be16_put(check, sl_checksum_fold(sl_checksum_add(sum, payload, PAYLOAD)));
}

/* A datagram of a flow: UDP, ICMP echo or TCP by its number, IPv4 or IPv6; each fifth flow's in two
 * fragments. @return pieces */
static uint32_t make(uint32_t flow, uint32_t number, bool is_reply, struct piece *pieces)
{
    uint8_t payload[PAYLOAD];
    struct cut cut;
    bool is_v6 = flow % 2 != 0;
    uint32_t count = flow % 5 == 0 ? 2 : 1;
    uint32_t size = PAYLOAD / count;
    make_upper(flow, number, is_reply, payload);
    for (uint32_t i = 0; i < count; i++) {
        assert_ok(cut_make(&cut, is_v6, flow << 8 | number << 1 | is_reply, proto_of(flow), payload,
                           i * size, (i + 1) * size, i + 1 < count));
        if (is_reply) {
            swap(cut.data + (is_v6 ? 8 : 12), cut.data + (is_v6 ? 24 : 16), is_v6 ? 16 : 4);
        }
        memcpy(pieces[i].data, cut.data, cut.packet.size);
        pieces[i].size = cut.packet.size;
    }
    return count;
}

/* Sends one datagram, as the steering says; `settle` is called where a ring is full. */
static void send(struct shards_bed *bed, enum steering steering, uint32_t flow, uint32_t number,
                 bool is_reply, void (*settle)(struct shards_bed *))
{
    struct piece pieces[PIECES_MAX];
    uint32_t count = make(flow, number, is_reply, pieces);
    uint32_t port = is_reply ? SL_PORT_WAN : SL_PORT_LAN;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shard = next_shard(bed, steering, flow);
        while (!shards_bed_send(bed, shard, shard, port, pieces[i].data, pieces[i].size)) {
            settle(bed);
        }
        if (steering == SPI_SWAPPED && i == 0 && flow % 4 == 0) {
            /* one more, sealed for one shard and given to another */
            (void)shards_bed_send(bed, shard, (shard + 1) % bed->count, port, pieces[i].data,
                                  pieces[i].size);
        }
    }
}

static void send_all(struct shards_bed *bed, enum steering steering,
                     void (*settle)(struct shards_bed *))
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t is_reply = 0; is_reply < 2; is_reply++) {
            for (uint32_t flow = 0; flow < FLOWS; flow++) {
                send(bed, steering, flow, round, is_reply, settle);
            }
            settle(bed);
        }
    }
}

static void check(struct shards_bed *bed, enum steering steering)
{
    struct shards_seen seen = shards_bed_seen(bed);
    uint64_t packets = ROUNDS * 2ull * (FLOWS + FLOWS / 5);
    assert_int_equal(seen.created, FLOWS);
    assert_int_equal(seen.packets, packets);
    assert_int_equal(seen.replies, packets / 2);
    assert_int_equal(seen.invalid, 0);
    assert_int_equal(seen.disordered, 0);
    assert_int_equal(bed->sent, packets);
    assert_int_equal(SHARDS_SUM(bed, passed), packets);
    assert_int_equal(SHARDS_SUM(bed, handed), SHARDS_SUM(bed, taken));
    assert_int_equal(SHARDS_SUM(bed, drop_handover), 0);
    assert_int_equal(SHARDS_SUM(bed, drop_fragment), 0);
    assert_int_equal(SHARDS_SUM(bed, drop_spi),
                     steering == SPI_SWAPPED && bed->count > 1 ? FLOWS / 4 * ROUNDS * 2 : 0);
    for (uint32_t i = 0; i < bed->count; i++) {
        assert_true(seen.after[i] > FLOWS / bed->count / 2); /* and none stands idle */
    }
    if (bed->count > 1) {
        assert_true(SHARDS_SUM(bed, handed) > packets / 4);
    } else {
        assert_int_equal(SHARDS_SUM(bed, handed), 0);
    }
}

static void test_no_flow_is_split(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= BED_SHARDS_MAX; count++) {
        for (uint32_t steering = ALL_TO_FIRST; steering <= SPI_SWAPPED; steering++) {
            struct shards_bed bed;
            if (count == 1 && steering == SPI_SWAPPED) {
                continue; /* there is no other ring */
            }
            shards_bed_init(&bed, count);
            send_all(&bed, steering, shards_bed_settle);
            check(&bed, steering);
            shards_bed_done(&bed);
        }
    }
}

/* ---- in threads of their own ---- */

static void *work(void *arg)
{
    struct sl_worker *worker = arg;
    while (!atomic_load_explicit(&worker->is_stopped, memory_order_relaxed)) {
        if (sl_worker_pass(worker) == 0) {
            (void)sched_yield();
        }
    }
    return NULL;
}

/* Until as many packets left as were sent. The rounds are not to overlap: only then is there an
 * order that the shards could break. */
static uint64_t expected;
static void wait_sent(struct shards_bed *bed)
{
    for (uint32_t i = 0; bed->sent < expected && i < 20000000; i++) {
        shards_bed_drain(bed);
        (void)sched_yield();
    }
    assert_int_equal(bed->sent, expected);
}

static void test_threads(void **state)
{
    (void)state;
    for (uint32_t steering = ALL_TO_FIRST; steering <= BY_FLOW; steering++) {
        struct shards_bed bed;
        pthread_t threads[BED_SHARDS_MAX];
        shards_bed_init(&bed, 3);
        expected = 0;
        for (uint32_t i = 0; i < bed.count; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, work, &bed.workers[i]), 0);
        }
        for (uint32_t round = 0; round < ROUNDS * 2; round++) {
            for (uint32_t flow = 0; flow < FLOWS; flow++) {
                send(&bed, steering, flow, round / 2, round % 2 != 0, shards_bed_drain);
            }
            expected += FLOWS + FLOWS / 5;
            wait_sent(&bed);
        }
        for (uint32_t i = 0; i < bed.count; i++) {
            atomic_store(&bed.workers[i].is_stopped, true);
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        check(&bed, steering);
        shards_bed_done(&bed);
    }
}

/* ---- bounds ---- */

/* A shard that stands still costs its own packets, counted, and nobody else's. */
static void test_full_ring(void **state)
{
    struct shards_bed bed;
    struct piece pieces[PIECES_MAX];
    (void)state;
    shards_bed_init(&bed, 2);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t flow = i % FLOWS;
        flow += flow % 5 == 0;
        (void)make(flow, 0, false, pieces);
        while (!shards_bed_send(&bed, 0, 0, SL_PORT_LAN, pieces[0].data, pieces[0].size)) {
            (void)sl_worker_pass(&bed.workers[0]);
            shards_bed_drain(&bed);
        }
    }
    while (sl_worker_pass(&bed.workers[0]) > 0) {
        shards_bed_drain(&bed);
    }
    uint64_t own = bed.sent;
    uint64_t dropped = SHARDS_SUM(&bed, drop_handover);
    uint64_t handed = SHARDS_SUM(&bed, handed);
    assert_true(own > 5000);
    assert_true(dropped > 1000);
    assert_true(handed > 100);
    assert_int_equal(own + dropped + handed, 20000);
    shards_bed_settle(&bed);
    assert_int_equal(bed.sent, own + handed);
    shards_bed_done(&bed);
}

/* Who hands over to a shard that rests wakes it, once; a shard that was handed something does not
 * rest. */
static void test_resting_shard_is_woken(void **state)
{
    struct shards_bed bed;
    struct piece pieces[PIECES_MAX];
    (void)state;
    shards_bed_init(&bed, 2);
    assert_true(sl_worker_rest_begin(&bed.workers[1]));
    uint64_t woken = native_runtime_wakes();
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t flow = 1; flow < 20; flow += flow % 5 == 4 ? 2 : 1) {
            (void)make(flow, round, false, pieces);
            assert_true(shards_bed_send(&bed, 0, 0, SL_PORT_LAN, pieces[0].data, pieces[0].size));
        }
        while (sl_worker_pass(&bed.workers[0]) > 0) {
        }
        assert_int_equal(native_runtime_wakes(), woken + 1);
        assert_int_equal(bed.workers[0].wakes, 1);
        assert_false(sl_worker_rest_begin(&bed.workers[1]));
    }
    sl_worker_rest_end(&bed.workers[1]);
    shards_bed_settle(&bed);
    assert_true(sl_worker_rest_begin(&bed.workers[1]));
    shards_bed_done(&bed);
}

static void test_ring(void **state)
{
    (void)state;
    struct sl_handover ring;
    static uint8_t data[2000] = {0x45};
    assert_rc(sl_handover_init(&ring, 4096), SL_RANGE);
    assert_rc(sl_handover_init(&ring, 65537), SL_RANGE);
    assert_ok(sl_handover_init(&ring, 65536));
    assert_null(sl_handover_peek(&ring));
    uint32_t in = 0;
    uint32_t out = 0;
    while (out < 100000) {
        struct sl_packet packet = {
            .data = data, .size = 20 + in * 37 % 1900, .ip_version = 4, .rule = in};
        sl_be32_put(data + 16, in);
        if (sl_handover_put(&ring, &packet, in & 1) == SL_OK) {
            in++;
            if (in % 3 != 0) {
                continue;
            }
        }
        struct sl_handed *handed;
        assert_null(sl_handover_peek(&ring)); /* not shown yet */
        assert_false(sl_handover_is_waiting(&ring));
        assert_true(sl_handover_publish(&ring));
        assert_false(sl_handover_publish(&ring));
        assert_true(sl_handover_is_waiting(&ring));
        while ((handed = sl_handover_peek(&ring)) != NULL) {
            assert_int_equal(handed->packet.rule, out);
            assert_int_equal(handed->packet.size, 20 + out * 37 % 1900);
            assert_int_equal(sl_be32_get(handed->packet.dst), out);
            assert_int_equal(handed->origin, out & 1);
            assert_true(handed->packet.room >= handed->packet.size + SL_WORKER_GROWTH);
            out++;
        }
        sl_handover_release(&ring);
    }
    while (true) { /* until it is full */
        struct sl_packet packet = {.data = data, .size = 2000, .ip_version = 4};
        sl_rc rc = sl_handover_put(&ring, &packet, 0);
        if (rc != SL_OK) {
            assert_rc(rc, SL_AGAIN);
            break;
        }
    }
    sl_handover_done(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_no_flow_is_split),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_resting_shard_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
