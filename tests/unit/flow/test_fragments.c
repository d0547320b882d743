/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments: whole datagrams come out as they were, nothing else does; bounds and time. */
#include "unit.h"

#include "cuts.h"
#include "flow/fragments.h"
#include "flow/tuple.h"

enum { PAYLOAD_MAX = 65536 };

static uint32_t tag; /* of the fragment taken last */

static uint8_t payload[PAYLOAD_MAX];
static struct cut cut;

static struct sl_fragments *make_pool(uint32_t blocks, uint32_t datagrams, uint32_t share)
{
    const struct sl_fragments_limits limits = {
        .blocks = blocks, .datagrams = datagrams, .source_share = share};
    struct sl_fragments *pool = NULL;
    assert_ok(sl_fragments_create(&limits, &pool));
    return pool;
}

static sl_rc add(struct sl_fragments *pool, bool is_v6, uint32_t id, uint8_t proto, uint32_t begin,
                 uint32_t end, bool is_more)
{
    assert_ok(cut_make(&cut, is_v6, id, proto, payload, begin, end, is_more));
    assert_true(sl_fragments_wants(&cut.packet));
    return sl_fragments_add(pool, &cut.packet, 0);
}

static struct sl_fragments_counters counters_of(const struct sl_fragments *pool)
{
    struct sl_fragments_counters counters;
    sl_fragments_counters(pool, &counters);
    return counters;
}

/* Takes the next fragment and checks that its payload is what lies in `payload` there. */
static struct sl_packet take(struct sl_fragments *pool, bool is_v6, uint32_t begin, uint32_t end)
{
    static uint8_t out[4096];
    struct sl_packet packet;
    uint32_t header = is_v6 ? 48 : 20;
    assert_ok(sl_fragments_take(pool, out, sizeof(out), &packet, &tag));
    assert_int_equal(packet.size, header + end - begin);
    assert_memory_equal(packet.data + header, payload + begin, end - begin);
    assert_ptr_equal(packet.data, out);
    assert_ptr_equal(packet.src, out + (is_v6 ? 8 : 12));
    assert_ptr_equal(packet.dst, out + (is_v6 ? 24 : 16));
    assert_false(sl_fragments_wants(&packet));
    return packet;
}

/* ---- what comes out ---- */

static void check_whole(bool is_v6, uint8_t proto, uint16_t has, const uint32_t order[3])
{
    static const uint32_t cuts[4] = {0, 600, 1200, 1333};
    struct sl_fragments *pool = make_pool(64, 4, 64);
    cut_payload(payload, 1333, is_v6, proto);
    for (uint32_t i = 0; i < 3; i++) {
        assert_false(sl_fragments_is_ready(pool));
        assert_ok(add(pool, is_v6, 7, proto, cuts[order[i]], cuts[order[i] + 1], order[i] != 2));
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(sl_fragments_is_ready(pool));
        struct sl_packet packet = take(pool, is_v6, cuts[i], cuts[i + 1]);
        bool is_icmp = (has & SL_PKT_HAS_ICMP) != 0;
        assert_int_equal(packet.has & has, has); /* what the first one's header says, all say */
        assert_int_equal(packet.has & SL_PKT_HAS_TCP, has & SL_PKT_HAS_TCP);
        assert_int_equal(packet.more, i == 0 ? 1333 - 600 : 0);
        assert_int_equal(packet.has & SL_FLOW_PKT_BAD_CHECKSUM, 0);
        assert_int_equal(packet.proto, proto);
        struct sl_flow_tuple tuple;
        bool is_error;
        assert_ok(sl_flow_tuple_of(&packet, &tuple, &is_error));
        assert_int_equal(tuple.sport, 1000);
        assert_int_equal(tuple.dport, is_icmp ? 1000 : 2000);
        assert_int_equal(tuple.icmp_type, is_icmp ? (is_v6 ? 128 : 8) : 0);
    }
    assert_false(sl_fragments_is_ready(pool));
    assert_int_equal(counters_of(pool).held, 0);
    assert_int_equal(counters_of(pool).released, 3);
    struct sl_packet packet;
    assert_rc(sl_fragments_take(pool, payload, sizeof(payload), &packet, &tag), SL_NOT_FOUND);
    sl_fragments_free(pool);
}

static void test_whole(void **state)
{
    static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        for (uint32_t is_v6 = 0; is_v6 < 2; is_v6++) {
            check_whole(is_v6, 17, SL_PKT_HAS_PORTS, orders[i]);
            check_whole(is_v6, 6, SL_PKT_HAS_PORTS | SL_PKT_HAS_TCP, orders[i]);
            check_whole(is_v6, is_v6 ? 58 : 1, SL_PKT_HAS_ICMP, orders[i]);
        }
    }
}

static void test_checksum_of_the_whole(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 4, 64);
    for (uint32_t broken = 0; broken < 1333; broken += 211) {
        cut_payload(payload, 1333, false, 17);
        payload[broken] ^= 4;
        assert_ok(add(pool, false, broken, 17, 0, 600, true));
        assert_ok(add(pool, false, broken, 17, 600, 1333, false));
        assert_true((take(pool, false, 0, 600).has & SL_FLOW_PKT_BAD_CHECKSUM) != 0);
        assert_true((take(pool, false, 600, 1333).has & SL_FLOW_PKT_BAD_CHECKSUM) != 0);
    }
    /* UDP without a checksum is right as it is; with a length past the datagram it is not */
    cut_payload(payload, 1333, false, 17);
    sl_be16_put(payload + 6, 0);
    assert_ok(add(pool, false, 1, 17, 0, 600, true));
    assert_ok(add(pool, false, 1, 17, 600, 1333, false));
    struct sl_packet first = take(pool, false, 0, 600);
    assert_int_equal(first.has & SL_FLOW_PKT_BAD_CHECKSUM, 0);
    /* and who has to give it one knows the sum of the rest */
    assert_int_equal(first.more_sum,
                     (uint16_t)~sl_checksum_fold(sl_checksum_add(0, payload + 600, 733)));
    assert_int_equal(take(pool, false, 600, 1333).more_sum, 0);
    sl_be16_put(payload + 4, 1334);
    assert_ok(add(pool, false, 2, 17, 0, 600, true));
    assert_ok(add(pool, false, 2, 17, 600, 1333, false));
    assert_true((take(pool, false, 0, 600).has & SL_FLOW_PKT_BAD_CHECKSUM) != 0);
    sl_fragments_free(pool);
}

/* RFC 6946 4: "MUST process that packet in isolation"; whole packets are no fragments either. */
static void test_atomic_is_no_fragment(void **state)
{
    (void)state;
    cut_payload(payload, 100, true, 17);
    assert_ok(cut_make(&cut, true, 1, 17, payload, 0, 100, false));
    assert_false(sl_fragments_wants(&cut.packet));
    assert_ok(cut_make(&cut, false, 1, 17, payload, 0, 100, false));
    assert_false(sl_fragments_wants(&cut.packet));
}

/* ---- what does not ---- */

/* Fragments [0, 600) and [600, 1200) of one that ends at 1333, then one that cannot be. */
static void check_poison(bool is_v6, uint32_t begin, uint32_t end, bool is_more)
{
    struct sl_fragments *pool = make_pool(64, 4, 64);
    cut_payload(payload, 1333, is_v6, 17);
    assert_ok(add(pool, is_v6, 7, 17, 0, 600, true));
    assert_ok(add(pool, is_v6, 7, 17, 600, 1200, true));
    assert_rc(add(pool, is_v6, 7, 17, begin, end, is_more), SL_STATE);
    assert_int_equal(counters_of(pool).overlap, 1);
    assert_int_equal(counters_of(pool).dropped, 3);
    assert_int_equal(sl_fragments_dropped(pool, SL_PORT_LAN), 3);
    assert_rc(add(pool, is_v6, 7, 17, 1200, 1333, false), SL_STATE);
    assert_rc(add(pool, is_v6, 7, 17, 0, 600, true), SL_STATE);
    assert_int_equal(counters_of(pool).poisoned, 2);
    assert_int_equal(counters_of(pool).held, 0);
    assert_false(sl_fragments_is_ready(pool));
    /* once its time is over the identification is free again */
    sl_fragments_set_now(pool, is_v6 ? 60000 : 30000);
    assert_ok(add(pool, is_v6, 7, 17, 0, 600, true));
    assert_ok(add(pool, is_v6, 7, 17, 600, 1333, false));
    assert_true(sl_fragments_is_ready(pool));
    sl_fragments_free(pool);
}

static void test_overlaps(void **state)
{
    (void)state;
    for (uint32_t is_v6 = 0; is_v6 < 2; is_v6++) {
        check_poison(is_v6, 8, 16, true);       /* within: RFC 1858 4 rewrites ports so */
        check_poison(is_v6, 592, 608, true);    /* across */
        check_poison(is_v6, 0, 592, true);      /* the same begin */
        check_poison(is_v6, 608, 1200, true);   /* the same end */
        check_poison(is_v6, 600, 1200, false);  /* the same, but now it is the last */
        check_poison(is_v6, 600, 1000, false);  /* an end before what is there */
        check_poison(is_v6, 1192, 1333, false); /* across the end */
    }
}

static void test_end_is_the_end(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 4, 64);
    cut_payload(payload, 1333, false, 17);
    assert_ok(add(pool, false, 1, 17, 600, 1000, false));
    assert_rc(add(pool, false, 1, 17, 1000, 1008, true), SL_STATE); /* behind the last */
    assert_ok(add(pool, false, 2, 17, 600, 1000, false));
    assert_rc(add(pool, false, 2, 17, 1000, 1008, false), SL_STATE); /* a second last */
    sl_fragments_free(pool);
}

static void test_duplicates(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 4, 64);
    cut_payload(payload, 1333, false, 17);
    for (uint32_t i = 0; i < 3; i++) {
        assert_rc(add(pool, false, 1, 17, 0, 600, true), i == 0 ? SL_OK : SL_EXISTS);
    }
    assert_ok(add(pool, false, 1, 17, 1200, 1333, false));
    assert_rc(add(pool, false, 1, 17, 1200, 1333, false), SL_EXISTS);
    assert_ok(add(pool, false, 1, 17, 600, 1200, true));
    assert_int_equal(counters_of(pool).duplicate, 3);
    (void)take(pool, false, 0, 600);
    (void)take(pool, false, 600, 1200);
    (void)take(pool, false, 1200, 1333);
    /* the same place, other bytes: that is no duplicate */
    assert_ok(add(pool, false, 2, 17, 0, 600, true));
    payload[599] ^= 1;
    assert_rc(add(pool, false, 2, 17, 0, 600, true), SL_STATE);
    sl_fragments_free(pool);
}

static void test_malformed(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 4, 64);
    cut_payload(payload, 1333, false, 17);
    for (uint32_t is_v6 = 0; is_v6 < 2; is_v6++) {
        assert_rc(add(pool, is_v6, 1, 17, 0, 601, true), SL_MALFORMED);   /* no multiple of 8 */
        assert_rc(add(pool, is_v6, 1, 17, 600, 600, true), SL_MALFORMED); /* empty */
    }
    assert_rc(add(pool, false, 1, 17, 65504, 65528, false), SL_MALFORMED); /* with a header: more */
    assert_int_equal(counters_of(pool).malformed, 5);
    assert_int_equal(counters_of(pool).held, 0);
    sl_fragments_free(pool);
}

/* ---- ICMP errors ---- */

/* An error about a UDP packet of host 2 (the destination of cuts), or of its IPv6 self. */
static void error_payload(uint8_t *out, uint32_t size, bool is_v6)
{
    uint8_t head[48];
    cut_payload(out, size, is_v6, is_v6 ? 58 : 1);
    out[0] = is_v6 ? 1 : 3;
    out[1] = is_v6 ? 4 : 3;
    memset(out + 4, 0, 4);
    uint8_t *quote = out + 8;
    if (is_v6) {
        memset(quote, 0, 40);
        quote[0] = 0x60;
        quote[6] = 17;
        quote[8] = quote[24] = 0x20;
        quote[23] = 2;
        quote[39] = 1;
    } else {
        memset(quote, 0, 20);
        quote[0] = 0x45;
        quote[9] = 17;
        quote[12] = quote[16] = 10;
        quote[15] = 2;
        quote[19] = 1;
    }
    sl_be16_put(quote + (is_v6 ? 40 : 20), 7);
    sl_be16_put(quote + (is_v6 ? 42 : 22), 9);
    sl_be16_put(out + 2, 0);
    (void)cut_header(head, is_v6, 0, 58, 0, 8, false);
    uint64_t sum = is_v6 ? sl_checksum_pseudo(head + 8, head + 24, 16, 58, size) : 0;
    sl_be16_put(out + 2, sl_checksum_fold(sl_checksum_add(sum, out, size)));
}

/* RFC 792, RFC 4443: what it quotes lies across fragments, and still says which flow it is about.
 */
static void check_error(bool is_v6, const uint32_t order[3])
{
    static const uint32_t cuts[4] = {0, 16, 32, 500};
    struct sl_fragments *pool = make_pool(64, 4, 64);
    uint8_t out[2048];
    struct sl_packet packet;
    struct sl_flow_tuple tuple;
    bool is_error;
    error_payload(payload, 500, is_v6);
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(cut_make(&cut, is_v6, 7, is_v6 ? 58 : 1, payload, cuts[order[i]],
                           cuts[order[i] + 1], order[i] != 2));
        assert_ok(sl_fragments_add(pool, &cut.packet, 10 + order[i]));
    }
    assert_rc(sl_fragments_take(pool, out, 500 + (is_v6 ? 47 : 19), &packet, &tag), SL_NO_SPACE);
    assert_ok(sl_fragments_take(pool, out, sizeof(out), &packet, &tag));
    assert_false(sl_fragments_is_ready(pool));
    assert_int_equal(tag, 10);
    assert_int_equal(packet.size, 500 + (is_v6 ? 40 : 20));
    assert_memory_equal(packet.data + packet.l4_off, payload, 500);
    struct sl_packet again = {.data = packet.data, .size = packet.size, .room = packet.room};
    assert_ok(sl_packet_parse(&again));
    assert_int_equal(again.has, packet.has & 0xfff);
    assert_int_equal(again.l4_off, packet.l4_off);
    assert_int_equal(packet.has & SL_FLOW_PKT_BAD_CHECKSUM, 0);
    if (!is_v6) {
        assert_int_equal(sl_checksum_fold(sl_checksum_add(0, out, 20)), 0);
    }
    assert_ok(sl_flow_tuple_of(&packet, &tuple, &is_error));
    assert_true(is_error);
    assert_int_equal(tuple.proto, 17);
    assert_int_equal(tuple.sport, 9); /* turned */
    assert_int_equal(tuple.dport, 7);
    struct sl_fragments_counters counters = counters_of(pool);
    assert_int_equal(counters.released, 3);
    assert_int_equal(counters.held, 0);
    assert_int_equal(counters.dropped, 0);
    sl_fragments_free(pool);
}

static void test_errors_leave_as_one_packet(void **state)
{
    static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        check_error(false, orders[i]);
        check_error(true, orders[i]);
    }
}

/* RFC 4443 2.4 (c): none is longer than 1280 bytes. */
static void test_long_errors(void **state)
{
    (void)state;
    for (uint32_t is_v6 = 0; is_v6 < 2; is_v6++) {
        uint32_t most = 1280 - (is_v6 != 0 ? 40 : 20);
        for (uint32_t more = 0; more < 2; more++) {
            struct sl_fragments *pool = make_pool(64, 4, 64);
            error_payload(payload, most + more, is_v6);
            assert_ok(add(pool, is_v6, 1, is_v6 ? 58 : 1, 0, 600, true));
            assert_rc(add(pool, is_v6, 1, is_v6 ? 58 : 1, 600, most + more, false),
                      more != 0 ? SL_STATE : SL_OK);
            assert_int_equal(sl_fragments_is_ready(pool), more == 0);
            assert_int_equal(counters_of(pool).long_error, more);
            assert_int_equal(counters_of(pool).dropped, 2 * more);
            sl_fragments_free(pool);
        }
    }
}

/* ---- what is told ---- */

static void test_progress(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 4, 64);
    struct sl_fragments_progress progress;
    static const struct {
        uint32_t begin, end, holes; /* RFC 815 */
    } steps[] = {{200, 400, 2}, {0, 200, 1}, {600, 800, 2}, {1000, 1333, 2}, {400, 600, 1}};
    cut_payload(payload, 1333, false, 17);
    for (uint32_t i = 0; i < 5; i++) {
        assert_ok(cut_make(&cut, false, 1, 17, payload, steps[i].begin, steps[i].end,
                           steps[i].end != 1333));
        assert_rc(sl_fragments_progress(pool, &cut.packet, &progress),
                  i == 0 ? SL_NOT_FOUND : SL_OK);
        assert_ok(sl_fragments_add(pool, &cut.packet, i));
        assert_ok(sl_fragments_progress(pool, &cut.packet, &progress));
        assert_int_equal(progress.fragments, i + 1);
        assert_int_equal(progress.holes, steps[i].holes);
    }
    assert_rc(add(pool, false, 1, 17, 8, 16, true), SL_STATE);
    assert_rc(sl_fragments_progress(pool, &cut.packet, &progress), SL_STATE);
    sl_fragments_clear(pool);
    assert_rc(sl_fragments_progress(pool, &cut.packet, &progress), SL_NOT_FOUND);
    sl_fragments_free(pool);
}

static void test_place(void **state)
{
    (void)state;
    struct sl_fragments_place place;
    for (uint32_t is_v6 = 0; is_v6 < 2; is_v6++) {
        assert_ok(cut_make(&cut, is_v6, 0x1234, 17, payload, 600, 1200, true));
        assert_true(sl_fragments_place_of(&cut.packet, &place));
        assert_int_equal(place.id, 0x1234);
        assert_int_equal(place.begin, 600);
        assert_int_equal(place.end, 1200);
        assert_int_equal(place.payload, is_v6 != 0 ? 48 : 20);
        assert_true(place.is_more);
    }
}

static uint32_t fates[SL_FRAGMENT_FATES];

static void on_fate(void *ctx, uint32_t number, enum sl_fragments_fate fate)
{
    assert_ptr_equal(ctx, fates);
    assert_true(number < 100);
    fates[fate]++;
}

static void test_fates_are_told(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 2, 5);
    sl_fragments_watch(pool, on_fate, fates);
    cut_payload(payload, 1333, false, 17);
    assert_ok(add(pool, false, 1, 17, 0, 600, true));
    assert_rc(add(pool, false, 1, 17, 0, 600, true), SL_EXISTS);
    assert_rc(add(pool, false, 1, 17, 8, 16, true), SL_STATE);
    assert_rc(add(pool, false, 1, 17, 600, 608, true), SL_STATE);
    assert_rc(add(pool, false, 1, 17, 0, 601, true), SL_MALFORMED);
    assert_ok(add(pool, false, 2, 17, 0, 600, true));
    assert_rc(add(pool, false, 2, 17, 600, 1333 - 5, true), SL_NO_SPACE);
    assert_ok(
        add(pool, true, 3, 17, 0, 200, true)); /* the first, which is no datagram, gives way */
    assert_ok(add(pool, true, 4, 17, 0, 200, true)); /* and the second */
    sl_fragments_set_now(pool, 60000);
    error_payload(payload, 500, false);
    assert_ok(add(pool, false, 1, 1, 0, 200, true));
    assert_ok(add(pool, false, 1, 1, 200, 500, false));
    assert_ok(sl_fragments_take(pool, payload, sizeof(payload), &cut.packet, &tag));
    static const uint32_t want[SL_FRAGMENT_FATES] = {
        [SL_FRAGMENT_DUPLICATE] = 1, [SL_FRAGMENT_OVERLAP] = 2, [SL_FRAGMENT_POISONED] = 1,
        [SL_FRAGMENT_MALFORMED] = 1, [SL_FRAGMENT_SHARE] = 1,   [SL_FRAGMENT_EVICTED] = 1,
        [SL_FRAGMENT_TIMEOUT] = 2,   [SL_FRAGMENT_JOINED] = 1};
    for (uint32_t i = 0; i < SL_FRAGMENT_FATES; i++) {
        if (fates[i] != want[i]) {
            fail_msg("fate %u: told %u times, expected %u", i, fates[i], want[i]);
        }
    }
    sl_fragments_free(pool);
}

/* ---- bounds ---- */

static void test_timeouts(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 8, 64);
    cut_payload(payload, 1333, false, 17);
    sl_fragments_set_now(pool, 1000);
    assert_ok(add(pool, false, 1, 17, 0, 600, true));
    assert_ok(add(pool, true, 1, 17, 0, 600, true));
    sl_fragments_set_now(pool, 30999);
    assert_ok(add(pool, false, 1, 17, 600, 1200, true)); /* does not make it wait for longer */
    assert_int_equal(counters_of(pool).held, 3);
    sl_fragments_set_now(pool, 31000);
    assert_int_equal(counters_of(pool).held, 1);
    sl_fragments_set_now(pool, 60999);
    assert_int_equal(counters_of(pool).held, 1);
    sl_fragments_set_now(pool, 61000);
    assert_int_equal(counters_of(pool).held, 0);
    assert_int_equal(counters_of(pool).timeout, 2);
    sl_fragments_set_now(pool, 5); /* never back */
    assert_ok(add(pool, false, 2, 17, 0, 600, true));
    sl_fragments_set_now(pool, 90999);
    assert_int_equal(counters_of(pool).held, 1);
    sl_fragments_free(pool);
}

static void test_oldest_gives_way(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 4, 64);
    cut_payload(payload, 1333, false, 17);
    for (uint32_t id = 0; id < 4; id++) {
        sl_fragments_set_now(pool, id);
        assert_ok(add(pool, id % 2 == 0, id, 17, 0, 600, true));
    }
    assert_ok(add(pool, false, 9, 17, 0, 600, true));
    assert_int_equal(counters_of(pool).evicted, 1);
    assert_ok(add(pool, false, 1, 17, 600, 1333, false)); /* the second is still there */
    assert_true(sl_fragments_is_ready(pool));
    sl_fragments_free(pool);
}

static void test_share_and_size(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(64, 32, 8);
    cut_payload(payload, 1333, false, 17);
    assert_ok(add(pool, false, 1, 17, 0, 1000, true));              /* 4 blocks */
    assert_ok(add(pool, false, 2, 17, 0, 1000, true));              /* 8 */
    assert_rc(add(pool, false, 3, 17, 0, 1000, true), SL_NO_SPACE); /* its share is used up */
    assert_ok(add(pool, true, 3, 17, 0, 1000, true));               /* another source's is not */
    assert_int_equal(counters_of(pool).share, 1);
    struct sl_packet packet;
    sl_fragments_set_now(pool, 60000);
    assert_ok(add(pool, false, 1, 17, 0, 600, true));
    assert_ok(add(pool, false, 1, 17, 600, 1200, false));
    assert_rc(sl_fragments_take(pool, payload, 619, &packet, &tag), SL_NO_SPACE);
    sl_fragments_free(pool);
    /* a fragment larger than a pool has room for */
    pool = make_pool(64, 32, 64);
    static uint8_t big[64 * 256 + 512];
    memset(big, 0, sizeof(big));
    (void)cut_header(big, false, 1, 17, 0, 64 * 256 + 8 - 20 + 12, true);
    struct sl_packet large = {.data = big, .size = sizeof(big), .room = sizeof(big)};
    assert_ok(sl_packet_parse(&large));
    assert_rc(sl_fragments_add(pool, &large, 0), SL_NO_SPACE);
    assert_int_equal(counters_of(pool).held, 0);
    sl_fragments_free(pool);
    const struct sl_fragments_limits bad[] = {{.blocks = 63, .datagrams = 1},
                                              {.blocks = 65535, .datagrams = 1},
                                              {.blocks = 64, .datagrams = 0},
                                              {.blocks = 64, .datagrams = 65535}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_rc(sl_fragments_create(&bad[i], &pool), SL_RANGE);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(512, 4, 512);
    cut_payload(payload, 2048, false, 17);
    for (uint32_t i = 0; i < SL_FRAGMENTS_OF_DATAGRAM; i++) {
        assert_ok(add(pool, false, 1, 17, 8 + 8 * i, 16 + 8 * i, true));
    }
    assert_rc(add(pool, false, 1, 17, 0, 8, true), SL_STATE);
    assert_int_equal(counters_of(pool).too_many, 1);
    assert_int_equal(counters_of(pool).held, 0);
    sl_fragments_free(pool);
}

/* ---- random ---- */

static uint64_t seed;

static uint32_t roll(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

/* What a datagram's fragments say, byte by byte. */
struct reference {
    uint8_t seen[2048];
    uint32_t begin[64], end[64], count; /* those that are kept, for exact duplicates */
    bool is_last[64];
    uint32_t total;
    bool is_bad;
};

/* @return what the pool is to say */
static sl_rc reference_add(struct reference *ref, uint32_t begin, uint32_t end, bool is_more)
{
    if (ref->is_bad) {
        return SL_STATE;
    }
    for (uint32_t i = 0; i < ref->count; i++) {
        if (ref->begin[i] == begin && ref->end[i] == end && ref->is_last[i] == !is_more) {
            return SL_EXISTS;
        }
    }
    bool is_bad = end > ref->total || (!is_more && ref->total != UINT32_MAX);
    for (uint32_t i = begin; i < sizeof(ref->seen) && (i < end || !is_more); i++) {
        is_bad |= ref->seen[i] != 0; /* behind a last one there may be nothing either */
    }
    if (is_bad) {
        ref->is_bad = true;
        return SL_STATE;
    }
    memset(ref->seen + begin, 1, end - begin);
    ref->begin[ref->count] = begin;
    ref->end[ref->count] = end;
    ref->is_last[ref->count++] = !is_more;
    ref->total = is_more ? ref->total : end;
    return SL_OK;
}

static bool reference_is_whole(const struct reference *ref)
{
    if (ref->is_bad || ref->total == UINT32_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < ref->total; i++) {
        if (ref->seen[i] == 0) {
            return false;
        }
    }
    return true;
}

/* Takes a whole datagram out and checks that its bytes are all there once, in order. */
static void take_whole(struct sl_fragments *pool, bool is_v6, uint32_t total)
{
    static uint8_t out[4096];
    uint32_t header = is_v6 ? 48 : 20;
    uint32_t at = 0;
    while (at < total) {
        struct sl_packet packet;
        assert_ok(sl_fragments_take(pool, out, sizeof(out), &packet, &tag));
        assert_memory_equal(packet.data + header, payload + at, packet.size - header);
        at += packet.size - header;
        assert_int_equal((packet.has & SL_PKT_MORE_FRAGMENTS) != 0, at < total);
    }
    assert_int_equal(at, total);
}

static void one_datagram(struct sl_fragments *pool, uint32_t id)
{
    bool is_v6 = roll(2) == 0;
    uint32_t size = 64 + roll(1500);
    uint32_t cuts[64] = {0};
    uint32_t pieces = 0;
    struct reference ref = {.total = UINT32_MAX};
    cut_payload(payload, size, is_v6, 17);
    while (cuts[pieces] < size && pieces < 62) {
        uint32_t next = cuts[pieces] + 8 * (1 + roll(40));
        cuts[++pieces] = next < size ? next : size;
    }
    bool is_wild = roll(4) == 0;
    for (uint32_t step = 0; step < pieces * 12 && !reference_is_whole(&ref); step++) {
        uint32_t piece = roll(pieces);
        uint32_t begin = cuts[piece];
        uint32_t end = cuts[piece + 1];
        bool is_more = piece + 1 < pieces;
        if (is_wild && roll(10) == 0) {
            begin = begin > 8 && roll(2) == 0 ? begin - 8 : begin;
            end = end + 8 < size && is_more ? end + 8 * roll(2) : end;
            is_more = roll(8) != 0 ? is_more : (end - begin) % 8 == 0 && !is_more;
        }
        if (end > size || end <= begin || (begin == 0 && !is_more)) {
            continue;
        }
        assert_int_equal(add(pool, is_v6, id, 17, begin, end, is_more),
                         reference_add(&ref, begin, end, is_more));
        assert_int_equal(sl_fragments_is_ready(pool), reference_is_whole(&ref));
    }
    if (reference_is_whole(&ref)) {
        take_whole(pool, is_v6, ref.total);
    }
    assert_false(sl_fragments_is_ready(pool));
}

static void test_random(void **state)
{
    (void)state;
    struct sl_fragments *pool = make_pool(1024, 64, 1024);
    uint64_t now_ms = 0;
    seed = 1;
    for (uint32_t i = 0; i < 4000; i++) {
        one_datagram(pool, i);
        now_ms += 700;
        sl_fragments_set_now(pool, now_ms);
    }
    struct sl_fragments_counters counters = counters_of(pool);
    assert_true(counters.datagrams > 2000);
    assert_true(counters.overlap > 300);
    assert_true(counters.duplicate > 1000);
    assert_int_equal(counters.fragments, counters.released + counters.dropped + counters.held);
    sl_fragments_set_now(pool, now_ms + 60000);
    assert_int_equal(counters_of(pool).held, 0);
    sl_fragments_free(pool);
}

/* Sources without number begin datagrams and never end them; whoever sends whole ones is served. */
static void test_flood(void **state)
{
    (void)state;
    const struct sl_fragments_limits limits = sl_fragments_limits_default();
    struct sl_fragments *pool = NULL;
    assert_ok(sl_fragments_create(&limits, &pool));
    assert_true(sl_fragments_bytes(pool) < 2u << 20);
    uint32_t served = 0;
    cut_payload(payload, 1333, false, 17);
    for (uint32_t i = 0; i < 200000; i++) {
        assert_ok(cut_make(&cut, false, i, 17, payload, 0, 600, true));
        sl_be32_put(cut.data + 12, 0x0b000000 + i);
        (void)!sl_fragments_add(pool, &cut.packet, 0);
        if (i % 1000 == 0) {
            assert_ok(add(pool, false, i, 17, 600, 1333, false));
            (void)!sl_fragments_add(pool, &cut.packet, 0);
            assert_ok(add(pool, false, i, 17, 0, 600, true));
            (void)take(pool, false, 0, 600);
            (void)take(pool, false, 600, 1333);
            served++;
        }
    }
    assert_int_equal(served, 200);
    assert_true(counters_of(pool).evicted > 100000);
    sl_fragments_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_checksum_of_the_whole),
        cmocka_unit_test(test_atomic_is_no_fragment),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_end_is_the_end),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_errors_leave_as_one_packet),
        cmocka_unit_test(test_long_errors),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_fates_are_told),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_oldest_gives_way),
        cmocka_unit_test(test_share_and_size),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
