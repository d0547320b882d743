/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/packets.h"

#include <unistd.h>

#include "flow/cuts.h"

#include "nf/chain.h"
#include "policy/policy.h"

static const struct sl_nf *router_nf(void)
{
    for (uint32_t i = 0; i < sl_nf_registered_count(); i++) {
        if (strcmp(sl_nf_registered(i)->name, "router") == 0) {
            return sl_nf_registered(i);
        }
    }
    fail();
    return NULL;
}

static const char routes[] = "10.0.0.0/8 dev lan\n"
                             "default dev wan metric 10\n"
                             "unreachable 192.0.2.0/24\n"
                             "prohibit 198.51.100.0/24\n"
                             "blackhole 203.0.113.0/24\n"
                             "local 10.0.0.254 dev lan\n"
                             "local 172.16.0.254 dev wan\n"
                             "2001:db8:1::/48 dev lan\n"
                             "2001:db8:2::/48 dev wan\n"
                             "unreachable 2001:db8:3::/48\n"
                             "prohibit 2001:db8:4::/48\n"
                             "local 2001:db8:1::fe dev lan\n"
                             "icmp rate 10 burst 5\n";

/* The NF's part of a compiled text. */
static void *load(const char *text)
{
    struct sl_policy policy;
    struct sl_err err = {0};
    const char *path = policy_file(text);
    sl_rc rc = sl_policy_compile_route(path, &policy, &err);
    (void)unlink(path);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    void *state = NULL;
    char reason[256] = "";
    assert_ok(
        router_nf()->load(policy.bundle + 28, policy.size - 28, &state, reason, sizeof(reason)));
    sl_policy_done(&policy);
    return state;
}

static uint64_t counter(const void *state, const char *name)
{
    struct sl_nf_counter value;
    for (uint32_t i = 0; i < router_nf()->counter_count(state); i++) {
        router_nf()->counter_get(state, i, &value);
        if (strcmp(value.name, name) == 0) {
            return value.value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

static uint8_t run(void *state, struct test_packet *p, enum sl_port port)
{
    struct sl_packet *list[1] = {&p->packet};
    p->packet.port_in = (uint8_t)port;
    p->packet.verdict = SL_VERDICT_DROP;
    router_nf()->burst(state, list, 1);
    if (p->packet.verdict != SL_VERDICT_DROP) {
        packet_parse(p);
        assert_true(packet_is_right(p));
    }
    return p->packet.verdict;
}

static uint8_t ttl(const struct test_packet *p)
{
    return p->data[p->packet.ip_version == 4 ? 8 : 7];
}

static void test_burst_forwards_and_counts_down(void **state)
{
    (void)state;
    void *router = load(routes);
    struct test_packet p;
    packet_make(&p, "10.1.1.1", "8.8.8.8", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_PASS);
    assert_int_equal(ttl(&p), 63);
    assert_int_equal(p.packet.rule, 0); /* the default route sorts first */
    packet_make(&p, "8.8.8.8", "10.1.1.1", 6, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_PASS);
    packet_make(&p, "2001:db8:1::1", "2001:db8:2::1", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_PASS);
    assert_int_equal(ttl(&p), 63);
    assert_int_equal(counter(router, "to_wan"), 2);
    assert_int_equal(counter(router, "to_lan"), 1);
    router_nf()->unload(router);
}

static void test_burst_route_out_of_the_same_port_turns_round(void **state)
{
    (void)state;
    void *router = load(routes);
    struct test_packet p;
    packet_make(&p, "10.1.1.1", "10.2.2.2", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_TURN);
    assert_int_equal(ttl(&p), 64);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_PASS); /* as the chain then does */
    assert_int_equal(ttl(&p), 63);
    assert_memory_equal(p.packet.dst, ((uint8_t[]){10, 2, 2, 2}), 4);
    assert_int_equal(counter(router, "hairpinned"), 1);
    assert_int_equal(counter(router, "to_lan"), 1);
    router_nf()->unload(router);
}

/* Every refusal's ICMP type and code, from the address of the port it goes out of. */
static void test_burst_refusals_answer_as_routers_do(void **state)
{
    (void)state;
    static const struct {
        const char *src, *dst;
        uint8_t port, type, code;
        const char *from, *counter;
    } cases[] = {
        {"10.1.1.1", "192.0.2.9", SL_PORT_LAN, 3, 1, "10.0.0.254", "unreachable"},
        {"8.8.8.8", "198.51.100.9", SL_PORT_WAN, 3, 13, "172.16.0.254", "prohibited"},
        {"2001:db8:1::1", "2001:db8:3::1", SL_PORT_LAN, 1, 3, "2001:db8:1::fe", "unreachable"},
        {"2001:db8:1::1", "2001:db8:4::1", SL_PORT_LAN, 1, 1, "2001:db8:1::fe", "prohibited"},
        {"2001:db8:2::1", "2001:db8:9::1", SL_PORT_WAN, 1, 0, "2001:db8:1::fe", "no_route"},
    };
    void *router = load(routes);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_packet p;
        struct test_packet from;
        packet_make(&p, cases[i].src, cases[i].dst, 17, 1, 2, 100);
        assert_int_equal(run(router, &p, cases[i].port), SL_VERDICT_REPLY);
        assert_int_equal(p.packet.icmp_type, cases[i].type);
        assert_int_equal(p.packet.icmp_code, cases[i].code);
        packet_make(&from, cases[i].from, cases[i].src, 17, 1, 2, 100);
        uint32_t size = p.packet.ip_version == 4 ? 4 : 16;
        assert_memory_equal(p.packet.src, from.packet.src, size);
        assert_memory_equal(p.packet.dst, from.packet.dst, size);
        assert_true(counter(router, cases[i].counter) > 0);
    }
    struct test_packet p;
    packet_make(&p, "10.1.1.1", "203.0.113.1", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    assert_int_equal(counter(router, "blackholed"), 1);
    router_nf()->unload(router);
}

static void test_burst_ttl_used_up_answers_time_exceeded(void **state)
{
    (void)state;
    void *router = load(routes);
    for (uint8_t left = 0; left < 2; left++) {
        struct test_packet p;
        packet_make(&p, "10.1.1.1", "8.8.8.8", 17, 1, 2, 100);
        p.data[8] = left;
        packet_sums(&p);
        assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_REPLY);
        assert_int_equal(p.packet.icmp_type, 11);
        assert_int_equal(p.packet.icmp_code, 0);
        packet_make(&p, "2001:db8:1::1", "2001:db8:2::1", 17, 1, 2, 100);
        p.data[7] = left;
        assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_REPLY);
        assert_int_equal(p.packet.icmp_type, 3);
        assert_int_equal(p.packet.icmp_code, 0);
    }
    assert_int_equal(counter(router, "expired"), 4);
    router_nf()->unload(router);
}

static void test_burst_no_error_about_errors_and_later_fragments(void **state)
{
    (void)state;
    void *router = load(routes);
    struct test_packet p;
    packet_make(&p, "10.1.1.1", "192.0.2.9", 1, 1, 2, 100);
    p.data[20] = 3; /* destination unreachable */
    packet_sums(&p);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    packet_make(&p, "10.1.1.1", "192.0.2.9", 17, 1, 2, 100);
    sl_be16_put(p.data + 6, 100);
    sl_be16_put(p.data + 10, 0);
    sl_be16_put(p.data + 10, sl_checksum_fold(sl_checksum_add(0, p.data, 20)));
    packet_parse(&p);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    assert_int_equal(counter(router, "icmp_withheld"), 2);
    router_nf()->unload(router);
}

static void test_burst_martians_never_pass(void **state)
{
    (void)state;
    static const struct {
        const char *src, *dst;
    } cases[] = {
        {"0.1.1.1", "8.8.8.8"},
        {"127.0.0.1", "8.8.8.8"},
        {"224.0.0.1", "8.8.8.8"},
        {"240.0.0.1", "8.8.8.8"},
        {"255.255.255.255", "8.8.8.8"},
        {"169.254.1.1", "8.8.8.8"},
        {"10.1.1.1", "0.0.0.0"},
        {"10.1.1.1", "127.0.0.1"},
        {"10.1.1.1", "255.255.255.255"},
        {"10.1.1.1", "169.254.9.9"},
        {"::", "2001:db8:2::1"},
        {"::1", "2001:db8:2::1"},
        {"ff02::1", "2001:db8:2::1"},
        {"fe80::1", "2001:db8:2::1"},
        {"2001:db8:1::1", "::1"},
        {"2001:db8:1::1", "fe80::1"},
        {"::ffff:10.0.0.1", "2001:db8:2::1"},
    };
    void *router = load(routes);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_packet p;
        packet_make(&p, cases[i].src, cases[i].dst, 17, 1, 2, 100);
        assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
        assert_int_equal(counter(router, "martian"), i + 1);
    }
    struct test_packet p;
    packet_make(&p, "10.1.1.1", "239.1.1.1", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    packet_make(&p, "2001:db8:1::1", "ff0e::1", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    assert_int_equal(counter(router, "multicast"), 2);
    packet_make(&p, "10.1.1.1", "8.8.8.8", 17, 1, 2, 100);
    p.data[10] ^= 1;
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    assert_int_equal(counter(router, "bad_checksum"), 1);
    router_nf()->unload(router);
}

/* A UDP packet with eight bytes of options. */
static void make_options(struct test_packet *p, const uint8_t *options)
{
    packet_make(p, "10.1.1.1", "8.8.8.8", 17, 1, 2, 100);
    memmove(p->data + 28, p->data + 20, 80);
    memcpy(p->data + 20, options, 8);
    p->data[0] = 0x47;
    sl_be16_put(p->data + 2, 108);
    p->packet.size = 108;
    packet_sums(p);
}

static void test_burst_options_source_routes_are_refused(void **state)
{
    (void)state;
    void *router = load(routes);
    struct test_packet p;
    make_options(&p, (const uint8_t[]){1, 148, 4, 0, 0, 1, 1, 0}); /* router alert */
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_PASS);
    make_options(&p, (const uint8_t[]){1, 131, 7, 4, 1, 2, 3, 4});
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    make_options(&p, (const uint8_t[]){1, 137, 7, 4, 1, 2, 3, 4});
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    assert_int_equal(counter(router, "source_route"), 2);
    make_options(&p, (const uint8_t[]){1, 7, 9, 0, 0, 0, 0, 0}); /* longer than the header */
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_type, 12);
    assert_int_equal(p.data[24], 22);
    make_options(&p, (const uint8_t[]){1, 1, 1, 1, 1, 1, 1, 7}); /* no length at all */
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_REPLY);
    assert_int_equal(p.data[24], 27);
    router_nf()->unload(router);
}

static void test_burst_own_address_answers_ping_and_nothing_else(void **state)
{
    (void)state;
    void *router = load(routes);
    struct test_packet p;
    packet_make(&p, "8.8.8.8", "10.0.0.254", 1, 77, 1, 100);
    p.data[8] = 1; /* the last hop is good enough */
    packet_sums(&p);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_type, 0);
    assert_int_equal(sl_be16_get(p.data + 24), 77);
    assert_memory_equal(p.packet.dst, ((uint8_t[]){8, 8, 8, 8}), 4);
    assert_int_equal(ttl(&p), 64);
    packet_make(&p, "2001:db8:2::1", "2001:db8:1::fe", 58, 78, 1, 100);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_type, 129);
    assert_int_equal(counter(router, "echoes"), 2);
    packet_make(&p, "8.8.8.8", "10.0.0.254", 17, 7, 53, 100);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_code, 3);
    packet_make(&p, "8.8.8.8", "10.0.0.254", 6, 7, 22, 60);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.tcp_flags, 0x14);
    packet_make(&p, "8.8.8.8", "10.0.0.254", 47, 0, 0, 60);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_code, 2);
    packet_make(&p, "2001:db8:2::1", "2001:db8:1::fe", 47, 0, 0, 80);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_type, 4);
    assert_int_equal(p.packet.icmp_code, 1);
    assert_int_equal(sl_be32_get(p.data + 44), 6);
    /* behind options and an authentication header: RFC 4443 3.4 points at who names it */
    packet_make(&p, "2001:db8:2::1", "2001:db8:1::fe", 47, 0, 0, 100);
    p.data[6] = 60;
    memset(p.data + 40, 0, 24);
    memcpy(p.data + 40, (uint8_t[]){51, 0, 1, 4}, 4);
    memcpy(p.data + 48, (uint8_t[]){47, 2}, 2);
    packet_parse(&p);
    assert_int_equal(p.packet.proto, 47);
    assert_int_equal(run(router, &p, SL_PORT_WAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_code, 1);
    assert_int_equal(sl_be32_get(p.data + 44), 48);
    router_nf()->unload(router);
}

/* A fragment of a ping as the router has it: where the chain keeps flows its datagram is whole, and
 * a later one has the type of the first. @param known_type  -1: nothing is known */
static void make_piece(struct cut *cut, bool is_v6, const uint8_t *ping, uint32_t begin,
                       uint32_t end, bool is_more, int known_type)
{
    assert_ok(cut_make(cut, is_v6, 0x77, is_v6 ? 58 : 1, ping, begin, end, is_more));
    cut->packet.port_in = SL_PORT_LAN;
    cut->packet.verdict = SL_VERDICT_DROP;
    if (begin != 0 && known_type >= 0) {
        cut->packet.has |= SL_PKT_HAS_ICMP;
        cut->packet.icmp_type = (uint8_t)known_type;
    } else if (known_type >= 0) {
        cut->packet.more = 1;
    }
}

/* RFC 1812 4.3.3.6: a router "MUST be prepared to receive, reassemble and echo an ICMP Echo Request
 * datagram at least as large as the maximum of 576 and the MTUs of all the connected networks". */
static void test_burst_own_address_answers_pings_in_fragments(void **state)
{
    (void)state;
    enum { SIZE = 4008, EACH = 1352 };
    static uint8_t ping[SIZE];
    static uint8_t pong[SIZE];
    static uint8_t want[SIZE];
    for (uint32_t i = 0; i < 2; i++) {
        bool is_v6 = i != 0;
        void *router = load("local 10.0.0.2 dev lan\nlocal 2000::2 dev lan\n");
        cut_payload(ping, SIZE, is_v6, is_v6 ? 58 : 1);
        memcpy(want, ping, SIZE);
        want[0] = is_v6 ? 129 : 0; /* and the sum is less by what the type is less */
        sl_be16_put(want + 2, sl_checksum_update16(sl_be16_get(want + 2), sl_be16_get(ping),
                                                   sl_be16_get(want)));
        for (uint32_t begin = 0; begin < SIZE; begin += EACH) {
            struct cut piece;
            uint32_t end = begin + EACH < SIZE ? begin + EACH : SIZE;
            struct sl_packet *list[1] = {&piece.packet};
            make_piece(&piece, is_v6, ping, begin, end, end < SIZE, is_v6 ? 128 : 8);
            uint8_t before[48];
            memcpy(before, piece.data, sizeof(before));
            router_nf()->burst(router, list, 1);
            assert_int_equal(piece.packet.verdict, SL_VERDICT_REPLY);
            uint32_t header = is_v6 ? 48 : 20;
            uint32_t at = is_v6 ? 8 : 12;
            uint32_t addr = is_v6 ? 16 : 4;
            assert_int_equal(piece.packet.size, header + end - begin);
            assert_memory_equal(piece.data + at, before + at + addr, addr);
            assert_memory_equal(piece.data + at + addr, before + at, addr);
            assert_int_equal(piece.data[is_v6 ? 7 : 8], 64);
            /* place and identification stay */
            assert_memory_equal(piece.data + (is_v6 ? 40 : 4), before + (is_v6 ? 40 : 4), 4);
            assert_true(is_v6 || sl_checksum_fold(sl_checksum_add(0, piece.data, 20)) == 0);
            memcpy(pong + begin, piece.data + header, end - begin);
        }
        assert_memory_equal(pong, want, SIZE);
        assert_int_equal(counter(router, "echoes"), 1);
        router_nf()->unload(router);
    }
}

/* What is known to be no ping is not sent back, nor is anything but ICMP. */
static void test_burst_own_address_sends_no_other_fragment_back(void **state)
{
    (void)state;
    static uint8_t payload[512];
    void *router = load("local 10.0.0.2 dev lan\nlocal 2000::2 dev lan\nicmp rate 0\n");
    for (uint32_t i = 0; i < 4; i++) {
        bool is_v6 = i % 2 != 0;
        struct cut piece;
        struct sl_packet *list[1] = {&piece.packet};
        cut_payload(payload, sizeof(payload), is_v6, is_v6 ? 58 : 1);
        payload[0] = is_v6 ? 129 : 0;
        bool is_later = i / 2 != 0;
        make_piece(&piece, is_v6, payload, is_later ? 256 : 0, is_later ? 512 : 256, !is_later,
                   is_v6 ? 129 : 0);
        router_nf()->burst(router, list, 1);
        assert_int_equal(piece.packet.verdict, SL_VERDICT_DROP);
        cut_payload(payload, sizeof(payload), is_v6, 17);
        assert_ok(cut_make(&piece, is_v6, 0x78, 17, payload, 256, 512, false));
        router_nf()->burst(router, list, 1);
        assert_int_equal(piece.packet.verdict, SL_VERDICT_DROP);
    }
    assert_int_equal(counter(router, "local_refused"), 8);
    assert_int_equal(counter(router, "echoes"), 0);
    router_nf()->unload(router);
}

/* Of a datagram that nobody has put together nothing is sent back: the rest of an answer that a
 * stranger sends in another router's name would go back and forth between the two for ever. */
static void test_burst_own_address_sends_no_unknown_fragment_back(void **state)
{
    (void)state;
    static uint8_t ping[512];
    void *router = load("local 10.0.0.2 dev lan\nlocal 2000::2 dev lan\nicmp rate 0\n");
    for (uint32_t i = 0; i < 4; i++) {
        bool is_v6 = i % 2 != 0;
        bool is_later = i / 2 != 0;
        struct cut piece;
        struct sl_packet *list[1] = {&piece.packet};
        cut_payload(ping, sizeof(ping), is_v6, is_v6 ? 58 : 1);
        make_piece(&piece, is_v6, ping, is_later ? 256 : 0, is_later ? 512 : 256, !is_later, -1);
        router_nf()->burst(router, list, 1);
        assert_int_equal(piece.packet.verdict, SL_VERDICT_DROP);
    }
    assert_int_equal(counter(router, "local_refused"), 4);
    assert_int_equal(counter(router, "echoes"), 0);
    router_nf()->unload(router);
}

/* Sends `count` packets to an unreachable place; how many were answered. */
static uint32_t provoke(void *router, uint32_t count)
{
    uint32_t answered = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct test_packet p;
        packet_make(&p, "10.1.1.1", "192.0.2.9", 17, 1, 2, 100);
        answered += run(router, &p, SL_PORT_LAN) == SL_VERDICT_REPLY;
    }
    return answered;
}

static void test_burst_icmp_errors_are_limited(void **state)
{
    (void)state;
    void *router = load(routes); /* 10 a second, 5 at once */
    void *after = NULL;
    router_nf()->tick(router, 1000, 0, NULL);
    assert_int_equal(provoke(router, 20), 5);
    assert_int_equal(counter(router, "icmp_limited"), 15);
    router_nf()->tick(router, 1100, 0, NULL);
    assert_int_equal(provoke(router, 20), 1);
    router_nf()->tick(router, 1250, 0, NULL);
    assert_int_equal(provoke(router, 20), 1);
    router_nf()->tick(router, 1300, 0, NULL); /* what was left of 150 ms counts */
    assert_int_equal(provoke(router, 20), 1);
    uint32_t sum = 0;
    for (uint64_t ms = 1307; ms <= 101300; ms += 7) { /* no drift: 100 s are 1000 */
        router_nf()->tick(router, ms, 0, NULL);
        sum += provoke(router, 2);
    }
    assert_in_range(sum, 998, 1000);
    /* a reload is no way round it, and a second shard has half of it */
    assert_ok(router_nf()->share(router, &after));
    router_nf()->place(after, 0, 2);
    router_nf()->adopt(after, router);
    assert_in_range(provoke(after, 20), 0, 1);
    router_nf()->tick(after, 200000, 0, NULL);
    assert_int_equal(provoke(after, 20), 2);
    router_nf()->unload(router);
    assert_int_equal(provoke(after, 20), 0);
    router_nf()->unload(after);
}

static void test_burst_without_own_address_uses_the_dummy(void **state)
{
    (void)state;
    void *router = load("10.0.0.0/8 dev lan\n2001:db8::/32 dev lan\n");
    struct test_packet p;
    packet_make(&p, "10.1.1.1", "8.8.8.8", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_REPLY);
    assert_int_equal(p.packet.icmp_code, 0);
    assert_memory_equal(p.packet.src, ((uint8_t[]){192, 0, 0, 8}), 4);
    packet_make(&p, "2001:db8::1", "2001:db9::1", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    assert_int_equal(counter(router, "icmp_withheld"), 1);
    router_nf()->unload(router);
    router = load("icmp rate 0\n");
    packet_make(&p, "10.1.1.1", "8.8.8.8", 17, 1, 2, 100);
    assert_int_equal(run(router, &p, SL_PORT_LAN), SL_VERDICT_DROP);
    router_nf()->unload(router);
}

/* Every policy that is not one: cut at every length, and each fault by itself. */
static void test_load_refuses_what_is_malformed(void **state)
{
    (void)state;
    static const uint8_t good[] = {'S', 'L', 'R', 'T', 0, 1, 0, 0, 0, 0, 0, 9,  0,  0, 0,    9, 0,
                                   0,   0,   2,   0,   0, 0, 1, 0, 1, 8, 0, 10, 16, 0, 0x20, 1};
    static const struct {
        uint8_t at, value;
        sl_rc rc;
    } cases[] = {
        {0, 'X', SL_MALFORMED}, {5, 2, SL_UNSUPPORTED}, {6, 1, SL_MALFORMED},
        {8, 1, SL_RANGE},       {12, 1, SL_RANGE},      {16, 1, SL_RANGE},
        {19, 9, SL_TRUNCATED},  {26, 33, SL_MALFORMED}, {27, 7, SL_MALFORMED},
        {26, 0, SL_MALFORMED},  {26, 6, SL_MALFORMED},  {27, SL_PORT_COUNT + 3, SL_MALFORMED},
        {29, 7, SL_MALFORMED},
    };
    char reason[256];
    void *router = NULL;
    assert_ok(router_nf()->load(good, sizeof(good), &router, reason, sizeof(reason)));
    router_nf()->unload(router);
    for (size_t size = 0; size < sizeof(good); size++) {
        reason[0] = '\0';
        assert_rc(router_nf()->load(good, size, &router, reason, sizeof(reason)), SL_TRUNCATED);
        assert_int_not_equal(reason[0], '\0');
    }
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bad[sizeof(good)];
        memcpy(bad, good, sizeof(good));
        bad[cases[i].at] = cases[i].value;
        reason[0] = '\0';
        sl_rc rc = router_nf()->load(bad, sizeof(bad), &router, reason, sizeof(reason));
        if (rc != cases[i].rc) {
            fail_msg("case %u: %s, expected %s", i, sl_rc_name(rc), sl_rc_name(cases[i].rc));
        }
        assert_int_not_equal(reason[0], '\0');
    }
    uint8_t more[sizeof(good) + 1] = {0};
    memcpy(more, good, sizeof(good));
    assert_rc(router_nf()->load(more, sizeof(more), &router, reason, sizeof(reason)), SL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_forwards_and_counts_down),
        cmocka_unit_test(test_burst_route_out_of_the_same_port_turns_round),
        cmocka_unit_test(test_burst_refusals_answer_as_routers_do),
        cmocka_unit_test(test_burst_ttl_used_up_answers_time_exceeded),
        cmocka_unit_test(test_burst_no_error_about_errors_and_later_fragments),
        cmocka_unit_test(test_burst_martians_never_pass),
        cmocka_unit_test(test_burst_options_source_routes_are_refused),
        cmocka_unit_test(test_burst_own_address_answers_ping_and_nothing_else),
        cmocka_unit_test(test_burst_own_address_answers_pings_in_fragments),
        cmocka_unit_test(test_burst_own_address_sends_no_other_fragment_back),
        cmocka_unit_test(test_burst_own_address_sends_no_unknown_fragment_back),
        cmocka_unit_test(test_burst_icmp_errors_are_limited),
        cmocka_unit_test(test_burst_without_own_address_uses_the_dummy),
        cmocka_unit_test(test_load_refuses_what_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
