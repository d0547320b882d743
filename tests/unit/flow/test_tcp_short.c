/* SPDX-License-Identifier: Apache-2.0 */
/* TCP's short way comes to the same as the long one, or changes nothing: random segments near and
 * beyond the windows of random connections. */
#include "base/bytes.h"
#include "flow/tcp.h"
#include "unit.h"

enum { IP = 20, TCP = 20, ROOM = 1600, CONNECTIONS = 400, SEGMENTS = 500 };

static uint64_t seed = 88172645463325252u;

static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 32) * below >> 32);
}

struct peer {
    uint32_t next, acked; /* what it sends next, what it has told the other that it has */
};

struct segment {
    uint8_t bytes[ROOM];
    struct sl_packet packet;
};

/* @param options  bytes of them: 0, or 12 with timestamps, or 4 of another kind */
static void segment_make(struct segment *s, uint8_t flags, uint32_t seq, uint32_t ack,
                         uint16_t window, uint32_t options, uint32_t payload)
{
    uint8_t *tcp = s->bytes + IP;
    memset(s->bytes, 0, IP + TCP + options);
    sl_be32_put(tcp + 4, seq);
    sl_be32_put(tcp + 8, ack);
    tcp[12] = (uint8_t)((TCP + options) / 4 << 4);
    tcp[13] = flags;
    sl_be16_put(tcp + 14, window);
    if (options == 12) {
        sl_be32_put(tcp + TCP, 0x0101080a);
    } else if (options == 4) {
        sl_be32_put(tcp + TCP, 0x03030700 | rnd(256)); /* a scale, of a SYN */
    }
    s->packet = (struct sl_packet){.data = s->bytes,
                                   .size = IP + TCP + options + payload,
                                   .ip_version = 4,
                                   .proto = 6,
                                   .l4_off = IP,
                                   .tcp_flags = flags,
                                   .has = SL_PKT_HAS_PORTS | SL_PKT_HAS_TCP};
}

struct connection {
    struct sl_flow_head head;
    struct sl_flow_tcp_windows windows;
    bool has_windows;
};

static struct sl_flow_tcp_windows *windows_of(struct connection *c)
{
    return c->has_windows ? &c->windows : NULL;
}

static uint32_t mode_of(const struct connection *c)
{
    return c->has_windows ? SL_FLOW_TCP_STRICT : SL_FLOW_TCP_COMPACT;
}

static enum sl_flow_tcp_result first(const struct sl_flow_options *options, struct connection *c,
                                     const struct segment *s)
{
    uint32_t timeout_s;
    return sl_flow_tcp_first(options, mode_of(c), &c->head, windows_of(c), &s->packet, &timeout_s);
}

static enum sl_flow_tcp_result go(const struct sl_flow_options *options, struct connection *c,
                                  const struct segment *s, uint8_t way, uint32_t *ret_timeout_s)
{
    enum sl_flow_tcp_result result = sl_flow_tcp_next(options, mode_of(c), &c->head, windows_of(c),
                                                      &s->packet, way, ret_timeout_s);
    c->head.bits |= way == SL_FLOW_REPLY ? SL_FLOW_BIT_SEEN_REPLY : 0;
    return result;
}

/* Its handshake; or it is picked up in the middle. */
static void connection_open(const struct sl_flow_options *options, struct connection *c,
                            struct peer peers[2])
{
    struct segment s;
    uint32_t timeout_s;
    bool is_picked_up = rnd(8) == 0;
    *c = (struct connection){.head = {.proto = 6}, .has_windows = rnd(5) != 0};
    for (uint32_t i = 0; i < 2; i++) {
        peers[i].next = rnd(UINT32_MAX);
    }
    peers[0].acked = peers[1].next;
    peers[1].acked = peers[0].next;
    if (is_picked_up) {
        segment_make(&s, SL_TCP_ACK, peers[0].next, peers[0].acked, (uint16_t)rnd(65536), 0, 0);
        (void)first(options, c, &s);
        return;
    }
    uint32_t scale = rnd(2) * 4;
    segment_make(&s, SL_TCP_SYN, peers[0].next++, 0, (uint16_t)rnd(65536), scale, 0);
    assert_int_equal(first(options, c, &s), SL_FLOW_TCP_ACCEPT);
    peers[1].acked = peers[0].next;
    segment_make(&s, SL_TCP_SYN | SL_TCP_ACK, peers[1].next++, peers[1].acked, (uint16_t)rnd(65536),
                 scale, 0);
    assert_int_equal(go(options, c, &s, SL_FLOW_REPLY, &timeout_s), SL_FLOW_TCP_ACCEPT);
    peers[0].acked = peers[1].next;
}

/* Mostly what comes next, sometimes what came before, lies far away or closes. */
static void segment_next(struct segment *s, struct peer peers[2], uint8_t way)
{
    struct peer *own = &peers[way];
    const struct peer *other = &peers[way ^ 1];
    uint32_t payload = rnd(3) == 0 ? 0 : 1 + rnd(1400);
    uint8_t flags = SL_TCP_ACK | (rnd(4) == 0 ? 0x08 : 0);
    uint32_t seq = own->next;
    own->acked = rnd(3) == 0 ? own->acked : other->next;
    uint32_t ack = own->acked;
    switch (rnd(12)) {
    case 0:
        seq += rnd(200000) - 100000;
        break;
    case 1:
        ack += rnd(200000) - 100000;
        break;
    case 2:
        seq -= payload; /* again */
        break;
    case 3:
        flags = (uint8_t)(1u << rnd(5));
        break;
    default:
        own->next += payload;
        break;
    }
    static const uint32_t sizes[] = {0, 0, 0, 12, 4};
    segment_make(s, flags, seq, ack, rnd(10) == 0 ? 0 : (uint16_t)rnd(65536), sizes[rnd(5)],
                 payload);
}

static void test_short_way_comes_to_the_same(void **state)
{
    struct sl_flow_options options;
    uint32_t passes = 0;
    (void)state;
    sl_flow_options_default(&options);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        struct connection c;
        struct peer peers[2];
        connection_open(&options, &c, peers);
        for (uint32_t k = 0; k < SEGMENTS; k++) {
            struct segment s;
            uint8_t way = (uint8_t)rnd(2);
            uint32_t short_s = 0;
            uint32_t long_s = 0;
            segment_next(&s, peers, way);
            struct connection quick = c;
            bool is_passed = sl_flow_tcp_pass(&options, &quick.head, windows_of(&quick), &s.packet,
                                              way, &short_s);
            if (!is_passed) {
                assert_memory_equal(&quick, &c, sizeof(c));
            }
            struct connection before = c;
            enum sl_flow_tcp_result result = go(&options, &c, &s, way, &long_s);
            if (is_passed) {
                quick.head.bits |= way == SL_FLOW_REPLY ? SL_FLOW_BIT_SEEN_REPLY : 0;
                assert_int_equal(result, SL_FLOW_TCP_ACCEPT);
                assert_memory_equal(&quick, &c, sizeof(c));
                assert_int_equal(short_s, long_s);
                passes++;
            }
            if (c.head.upper != SL_FLOW_TCP_ESTABLISHED) {
                c = rnd(4) == 0 ? c : before; /* some close, most go on */
            }
        }
    }
    print_message("%u of %u segments went the short way\n", passes, CONNECTIONS * SEGMENTS);
    assert_true(passes > CONNECTIONS * SEGMENTS / 10);
}

/* A SYN that begins a flow is not asked what the others are: it comes to the same. */
static void test_first_syn_comes_to_the_same(void **state)
{
    struct sl_flow_options options;
    (void)state;
    sl_flow_options_default(&options);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        struct segment s;
        struct connection quick = {.head = {.proto = 6}, .has_windows = rnd(3) != 0};
        uint32_t size = rnd(2) * 4;
        uint32_t payload = rnd(4) == 0 ? rnd(1400) : 0;
        segment_make(&s, SL_TCP_SYN, rnd(UINT32_MAX), 0, (uint16_t)rnd(65536), size, payload);
        struct connection other = quick;
        struct sl_flow_segment segment = {.seq = sl_be32_get(s.bytes + IP + 4),
                                          .window = sl_be16_get(s.bytes + IP + 14),
                                          .flags = SL_TCP_SYN,
                                          .kind = SL_FLOW_KIND_SYN,
                                          .direction = SL_FLOW_ORIGINAL,
                                          .options = s.bytes + IP + TCP,
                                          .option_size = (uint8_t)size};
        segment.end = segment.seq + 1 + payload;
        other.head.upper = SL_FLOW_TCP_NONE;
        other.head.tcp_last = SL_FLOW_KIND_NONE;
        if (other.has_windows) {
            sl_flow_window_begin(&other.windows, &segment, true);
        }
        uint32_t quick_s = 0;
        uint32_t other_s = 0;
        assert_int_equal(sl_flow_tcp_first(&options, mode_of(&quick), &quick.head,
                                           windows_of(&quick), &s.packet, &quick_s),
                         SL_FLOW_TCP_ACCEPT);
        assert_int_equal(go(&options, &other, &s, SL_FLOW_ORIGINAL, &other_s), SL_FLOW_TCP_ACCEPT);
        assert_memory_equal(&quick, &other, sizeof(quick));
        assert_int_equal(quick_s, other_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_short_way_comes_to_the_same),
                                       cmocka_unit_test(test_first_syn_comes_to_the_same)};
    return cmocka_run_group_tests_name("flow/tcp_short", tests, NULL, NULL);
}
