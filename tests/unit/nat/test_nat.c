/* SPDX-License-Identifier: Apache-2.0 */
/* NAT44 by the requirements of RFC 4787, 5382 and 5508, one after another. */
#include "bed.h"
#include "nat/nat.h"
#include "safelib/bytes.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN };

#define INSIDE "inside: [10.0.0.0/8]\n"
#define PLAIN  INSIDE "outside: {addresses: [192.0.2.1]}\n"

static const struct flow_spec query = {.src = "10.0.0.1",
                                       .sport = 4000,
                                       .dst = "198.51.100.1",
                                       .dport = 53,
                                       .proto = 17,
                                       .payload = 9};

static void test_nat_translates_both_ways(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
    assert_string_equal(nat_bed_destination(&rig), "198.51.100.1:53");
    struct flow_spec answer = nat_bed_answer(&query, 4000);
    nat_bed_pass(&rig, WAN, &answer);
    assert_string_equal(nat_bed_source(&rig), "198.51.100.1:53");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:4000");
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    assert_int_equal(flow_rig_counter(&rig, "preserved"), 1);
    assert_int_equal(flow_rig_counter(&rig, "outside.192.0.2.1.udp"), 1);
    flow_rig_done(&rig);
}

static void test_nat_udp_without_checksum_keeps_none(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec bare = query;
    bare.has_no_checksum = true;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &bare);
    assert_int_equal(sl_be16_get(rig.packet.data + 26), 0);
    flow_rig_done(&rig);
}

static void test_nat_tcp_and_icmp_queries(void **state)
{
    (void)state;
    struct flow_rig rig;
    const struct flow_spec syn = {.src = "10.0.0.1",
                                  .sport = 1234,
                                  .dst = "198.51.100.1",
                                  .dport = 80,
                                  .proto = 6,
                                  .flags = FLOW_SYN};
    const struct flow_spec ping = {.src = "10.0.0.1",
                                   .sport = 77,
                                   .dst = "198.51.100.1",
                                   .proto = 1,
                                   .icmp_type = 8,
                                   .payload = 20};
    struct flow_spec ping2 = ping;
    ping2.src = "10.0.0.2";
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &syn);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:1234");
    struct flow_spec syn_ack = nat_bed_answer(&syn, 1234);
    syn_ack.flags = FLOW_SYN | FLOW_ACK;
    syn_ack.ack = 1;
    nat_bed_pass(&rig, WAN, &syn_ack);
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:1234");
    nat_bed_pass(&rig, LAN, &ping);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:77");
    nat_bed_pass(&rig, LAN, &ping2);
    uint16_t id = nat_bed_sport(&rig);
    assert_int_not_equal(id, 77);
    struct flow_spec pong = nat_bed_answer(&ping2, id);
    nat_bed_pass(&rig, WAN, &pong);
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.2:77");
    flow_rig_done(&rig);
}

/* RFC 4787 REQ-1: the same outside endpoint whatever the destination; and the other two. */
static void test_nat_mapping_behaviours(void **state)
{
    (void)state;
    static const struct {
        const char *mapping;
        bool is_same_other_port, is_same_other_address;
    } table[] = {
        {"endpoint_independent", true, true},
        {"address_dependent", true, false},
        {"address_and_port_dependent", false, false},
    };
    for (size_t i = 0; i < 3; i++) {
        struct flow_rig rig;
        char yaml[256];
        struct flow_spec other_port = query;
        struct flow_spec other_address = query;
        other_port.dport = 54;
        other_address.dst = "198.51.100.2";
        (void)snprintf(yaml, sizeof(yaml), PLAIN "mapping: %s\n", table[i].mapping);
        nat_bed_init(&rig, yaml);
        nat_bed_pass(&rig, LAN, &query);
        uint16_t first = nat_bed_sport(&rig);
        nat_bed_pass(&rig, LAN, &other_port);
        assert_int_equal(nat_bed_sport(&rig) == first, table[i].is_same_other_port);
        nat_bed_pass(&rig, LAN, &other_address);
        assert_int_equal(nat_bed_sport(&rig) == first, table[i].is_same_other_address);
        flow_rig_done(&rig);
    }
}

/* RFC 4787 REQ-8, RFC 5382 REQ-3. */
static void test_nat_filtering_behaviours(void **state)
{
    (void)state;
    static const struct {
        const char *filtering;
        bool lets_other_port, lets_other_address;
    } table[] = {
        {"endpoint_independent", true, true},
        {"address_dependent", true, false},
        {"address_and_port_dependent", false, false},
    };
    for (size_t i = 0; i < 3; i++) {
        struct flow_rig rig;
        char yaml[256];
        struct flow_spec other_port = nat_bed_answer(&query, 4000);
        struct flow_spec other_address = other_port;
        other_port.sport = 99;
        other_address.src = "198.51.100.2";
        (void)snprintf(yaml, sizeof(yaml), PLAIN "filtering: %s\n", table[i].filtering);
        nat_bed_init(&rig, yaml);
        nat_bed_pass(&rig, LAN, &query);
        if (table[i].lets_other_port) {
            nat_bed_pass(&rig, WAN, &other_port);
            assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:4000");
            struct flow_spec back = query;
            back.dport = 99;
            nat_bed_pass(&rig, LAN, &back);
            assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
        } else {
            nat_bed_refused(&rig, WAN, &other_port, NAT_filtered);
        }
        if (table[i].lets_other_address) {
            nat_bed_pass(&rig, WAN, &other_address);
        } else {
            nat_bed_refused(&rig, WAN, &other_address, NAT_filtered);
        }
        flow_rig_done(&rig);
    }
}

static void test_nat_lets_nothing_in_unasked(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec in = nat_bed_answer(&query, 4000);
    const struct flow_spec ping = {
        .src = "198.51.100.1", .sport = 1, .dst = "192.0.2.1", .proto = 1, .icmp_type = 8};
    const struct flow_spec elsewhere = {
        .src = "198.51.100.1", .sport = 1, .dst = "203.0.113.1", .dport = 2, .proto = 17};
    const struct flow_spec not_inside = {
        .src = "172.16.0.1", .sport = 1, .dst = "203.0.113.1", .dport = 2, .proto = 17};
    const struct flow_spec gre = {
        .src = "10.0.0.1", .dst = "203.0.113.1", .proto = 47, .payload = 40};
    nat_bed_init(&rig, PLAIN);
    nat_bed_refused(&rig, WAN, &in, NAT_no_mapping);
    nat_bed_refused(&rig, WAN, &ping, NAT_no_mapping);
    nat_bed_refused(&rig, WAN, &elsewhere, NAT_unmatched);
    nat_bed_refused(&rig, LAN, &not_inside, NAT_unmatched);
    nat_bed_refused(&rig, LAN, &gre, NAT_unsupported);
    /* an inside source that comes from outside is not the session's */
    nat_bed_pass(&rig, LAN, &query);
    nat_bed_refused(&rig, WAN, &query, NAT_spoofed);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN "unmatched: pass\n");
    nat_bed_pass(&rig, WAN, &elsewhere);
    nat_bed_pass(&rig, LAN, &not_inside);
    nat_bed_refused(&rig, WAN, &in, NAT_no_mapping);
    flow_rig_done(&rig);
}

/* RFC 4787 REQ-9 a: hairpinning is of type "External source IP address and port". */
static void test_nat_hairpins_with_the_outside_source(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec server = query;
    struct flow_spec to_server = query;
    server.src = "10.0.0.2";
    server.sport = 5000;
    to_server.dst = "192.0.2.1";
    to_server.dport = 5000;
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\n");
    nat_bed_pass(&rig, LAN, &server);
    nat_bed_pass(&rig, LAN, &to_server);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.2:5000");
    assert_int_equal(rig.packet.port_in, WAN); /* so it leaves by the LAN */
    struct flow_spec back = {
        .src = "10.0.0.2", .sport = 5000, .dst = "192.0.2.1", .dport = 4000, .proto = 17};
    nat_bed_pass(&rig, LAN, &back);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:5000");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:4000");
    assert_int_equal(flow_rig_counter(&rig, "hairpinned"), 2);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\nhairpinning: false\n");
    nat_bed_pass(&rig, LAN, &server);
    nat_bed_refused(&rig, LAN, &to_server, NAT_no_hairpin);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-7: an error about a hairpinned packet goes back by the hairpin, to who sent it, with
 * what it sent in it, from the outside address of who tells it. */
static void test_nat_hairpins_icmp_errors(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec server = query;
    struct flow_spec to_server = query;
    server.src = "10.0.0.2";
    server.sport = 5000;
    to_server.dst = "192.0.2.1";
    to_server.dport = 5000;
    struct flow_spec got = to_server;
    got.src = "192.0.2.1";
    got.dst = "10.0.0.2";
    const struct flow_spec error = {.src = "10.0.0.2",
                                    .dst = "192.0.2.1",
                                    .proto = 1,
                                    .icmp_type = 3,
                                    .icmp_code = 3,
                                    .about = &got};
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\n");
    nat_bed_pass(&rig, LAN, &server);
    nat_bed_pass(&rig, LAN, &to_server);
    nat_bed_pass(&rig, LAN, &error);
    assert_int_equal(rig.packet.port_in, WAN); /* so it leaves by the LAN */
    const uint8_t teller[4] = {192, 0, 2, 1};
    const uint8_t host[4] = {10, 0, 0, 1};
    assert_memory_equal(rig.packet.data + 12, teller, 4);
    assert_memory_equal(rig.packet.data + 16, host, 4);
    uint8_t whole[128];
    uint32_t size = flow_packet_write(&to_server, whole, sizeof(whole));
    assert_int_equal(rig.packet.size, 28 + size);
    assert_memory_equal(rig.packet.data + 28, whole, size);
    /* RFC 4787 REQ-12: it ends neither mapping */
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 2);
    nat_bed_pass(&rig, LAN, &to_server);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
    flow_rig_done(&rig);
}

/* RFC 4787 REQ-3 a, REQ-4: ranges and parity; REQ-3: never one endpoint for two. */
static void test_nat_ports_keep_range_and_parity_and_are_never_shared(void **state)
{
    (void)state;
    struct flow_rig rig;
    static uint8_t seen[65536];
    memset(seen, 0, sizeof(seen));
    nat_bed_init(&rig, PLAIN);
    for (uint32_t host = 1; host < 60; host++) {
        static const uint16_t ports[] = {53, 54, 1023, 1024, 4000, 4001, 65535};
        for (size_t i = 0; i < 7; i++) {
            char src[32];
            struct flow_spec spec = query;
            (void)snprintf(src, sizeof(src), "10.0.0.%u", host);
            spec.src = src;
            spec.sport = ports[i];
            nat_bed_pass(&rig, LAN, &spec);
            uint16_t port = nat_bed_sport(&rig);
            assert_int_equal(port < 1024, ports[i] < 1024);
            assert_int_equal(port % 2, ports[i] % 2);
            assert_int_equal(seen[port], 0);
            seen[port] = 1;
            if (host == 1) {
                assert_int_equal(port, ports[i]);
            }
        }
    }
    flow_rig_done(&rig);
}

/* RFC 4787 REQ-5: not before two minutes; here the default of five. REQ-6: outbound refreshes, and
 * inbound does not. */
static void test_nat_udp_mapping_is_kept_by_what_goes_out(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec in = nat_bed_answer(&query, 4000);
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    for (int i = 0; i < 4; i++) {
        flow_rig_wait(&rig, 290000);
        nat_bed_pass(&rig, LAN, &query);
    }
    flow_rig_wait(&rig, 200000);
    nat_bed_pass(&rig, WAN, &in);
    flow_rig_wait(&rig, 110000);
    nat_bed_refused(&rig, WAN, &in, NAT_expired);
    flow_rig_wait(&rig, 2000);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 0);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN "inbound_refresh: true\n");
    nat_bed_pass(&rig, LAN, &query);
    for (int i = 0; i < 4; i++) {
        flow_rig_wait(&rig, 290000);
        nat_bed_pass(&rig, WAN, &in);
    }
    flow_rig_wait(&rig, 310000);
    nat_bed_refused(&rig, WAN, &in, NAT_no_mapping);
    flow_rig_done(&rig);
}

/* What goes out is noted now and then only: a mapping lasts for all of its time all the same, and a
 * 64th of it longer at most. */
static void test_nat_mapping_lasts_from_the_last_packet_out(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec in = nat_bed_answer(&query, 4000);
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\n");
    nat_bed_pass(&rig, LAN, &query);
    for (in.sport = 1000; in.sport < 1007; in.sport++) {
        flow_rig_wait(&rig, 1000);
        nat_bed_pass(&rig, WAN, &in);
        nat_bed_pass(&rig, LAN, &query);
    }
    flow_rig_wait(&rig, 299000);
    nat_bed_pass(&rig, WAN, &in);
    flow_rig_wait(&rig, 6000);
    in.sport++;
    nat_bed_refused(&rig, WAN, &in, NAT_expired);
    flow_rig_done(&rig);
}

/* A stranger who is let in cannot keep a mapping alive by sending from ever new ports. */
static void test_nat_strangers_do_not_keep_a_mapping(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec in = nat_bed_answer(&query, 4000);
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\n");
    nat_bed_pass(&rig, LAN, &query);
    for (in.sport = 1000; in.sport < 1005; in.sport++) {
        flow_rig_wait(&rig, 59000);
        nat_bed_pass(&rig, WAN, &in);
    }
    flow_rig_wait(&rig, 10000);
    nat_bed_refused(&rig, WAN, &in, NAT_expired);
    flow_rig_done(&rig);
}

/* RFC 5382 REQ-5: established 2 h 4 min, else 4 min. */
static void test_nat_tcp_timeouts(void **state)
{
    (void)state;
    struct flow_rig rig;
    const struct flow_spec out = {
        .src = "10.0.0.1", .sport = 1234, .dst = "198.51.100.1", .dport = 80, .proto = 6};
    struct flow_spec in = nat_bed_answer(&out, 1234);
    struct flow_spec s = nat_bed_segment(&out, FLOW_SYN, 100, 0);
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &s);
    flow_rig_wait(&rig, 239000);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    flow_rig_wait(&rig, 4000);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 0);
    nat_bed_pass(&rig, LAN, &s);
    s = nat_bed_segment(&in, FLOW_SYN | FLOW_ACK, 500, 101);
    nat_bed_pass(&rig, WAN, &s);
    s = nat_bed_segment(&out, FLOW_ACK, 101, 501);
    nat_bed_pass(&rig, LAN, &s);
    flow_rig_wait(&rig, 7439000);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    nat_bed_pass(&rig, LAN, &s);
    /* RFC 7857 2.2: a reset leaves it for four minutes */
    s = nat_bed_segment(&in, FLOW_RST, 501, 0);
    nat_bed_pass(&rig, WAN, &s);
    flow_rig_wait(&rig, 230000);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    flow_rig_wait(&rig, 14000);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 0);
    flow_rig_done(&rig);
}

/* RFC 5382 REQ-2: both sides open at once. */
static void test_nat_tcp_simultaneous_open(void **state)
{
    (void)state;
    struct flow_rig rig;
    const struct flow_spec out = {
        .src = "10.0.0.1", .sport = 1234, .dst = "198.51.100.1", .dport = 80, .proto = 6};
    struct flow_spec in = nat_bed_answer(&out, 1234);
    struct flow_spec s = nat_bed_segment(&out, FLOW_SYN, 100, 0);
    nat_bed_init(&rig, PLAIN "filtering: address_and_port_dependent\n");
    nat_bed_pass(&rig, LAN, &s);
    s = nat_bed_segment(&in, FLOW_SYN, 500, 0);
    nat_bed_pass(&rig, WAN, &s);
    s = nat_bed_segment(&out, FLOW_SYN | FLOW_ACK, 100, 501);
    nat_bed_pass(&rig, LAN, &s);
    s = nat_bed_segment(&in, FLOW_ACK, 501, 101);
    nat_bed_pass(&rig, WAN, &s);
    flow_rig_done(&rig);
}

static void test_nat_tcp_no_session_without_syn_from_outside(void **state)
{
    (void)state;
    struct flow_rig rig;
    const struct flow_spec out = {.src = "10.0.0.1",
                                  .sport = 1234,
                                  .dst = "198.51.100.1",
                                  .dport = 80,
                                  .proto = 6,
                                  .flags = FLOW_SYN};
    struct flow_spec in = nat_bed_answer(&out, 1234);
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\n");
    nat_bed_pass(&rig, LAN, &out);
    in.sport = 81;
    in.flags = FLOW_ACK;
    assert_int_equal(flow_rig_send(&rig, WAN, &in), SL_VERDICT_DROP);
    in.sport = 82;
    in.flags = FLOW_SYN;
    nat_bed_pass(&rig, WAN, &in);
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-3 to REQ-5: an error finds its host, and what it quotes is what that host sent. */
static void test_nat_icmp_error_inbound(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec sent = query;
    struct flow_spec error = {
        .src = "203.0.113.9", .dst = "192.0.2.1", .proto = 1, .icmp_type = 11, .about = &sent};
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    sent.src = "192.0.2.1";
    nat_bed_pass(&rig, WAN, &error);
    assert_int_equal(rig.packet.rule, NAT_error_translated);
    const uint8_t host[4] = {10, 0, 0, 1};
    const uint8_t router[4] = {203, 0, 113, 9};
    assert_memory_equal(rig.packet.data + 12, router, 4);
    assert_memory_equal(rig.packet.data + 16, host, 4);
    const uint8_t *inner = rig.packet.data + 28;
    uint8_t whole[128];
    uint32_t size = flow_packet_write(&query, whole, sizeof(whole));
    assert_int_equal(rig.packet.size, 28 + size);
    assert_memory_equal(inner, whole, size); /* all of it, checksums too */
    error.is_checksum_bad = true;
    assert_int_equal(flow_rig_send(&rig, WAN, &error), SL_VERDICT_DROP);
    error.is_checksum_bad = false;
    sent.sport = 4001;
    assert_int_equal(flow_rig_send(&rig, WAN, &error), SL_VERDICT_DROP);
    flow_rig_done(&rig);
}

static void test_nat_icmp_error_outbound_hides_inside_routers(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec answer = nat_bed_answer(&query, 4000);
    struct flow_spec got = answer;
    struct flow_spec error = {
        .src = "10.0.0.1", .dst = "198.51.100.1", .proto = 1, .icmp_type = 3, .icmp_code = 3};
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    nat_bed_pass(&rig, WAN, &answer);
    got.dst = "10.0.0.1";
    error.about = &got;
    for (int i = 0; i < 2; i++) {
        nat_bed_pass(&rig, LAN, &error);
        const uint8_t outside[4] = {192, 0, 2, 1};
        uint8_t whole[128];
        uint32_t size = flow_packet_write(&answer, whole, sizeof(whole));
        assert_memory_equal(rig.packet.data + 12, outside, 4);
        assert_memory_equal(rig.packet.data + 28, whole, size);
        error.src = "10.9.9.9"; /* a router on the way */
    }
    flow_rig_done(&rig);
}

/* Fragments come with the ports of the first; only that one has a header to change. */
static void test_nat_fragments(void **state)
{
    (void)state;
    struct flow_rig rig;
    uint8_t whole[512];
    struct flow_spec big = query;
    big.payload = 232;
    nat_bed_init(&rig, PLAIN "port_preservation: false\n");
    uint32_t size = flow_packet_write(&big, whole, sizeof(whole));
    uint8_t first[256];
    uint8_t second[256];
    memcpy(first, whole, 20 + 120);
    memcpy(second, whole, 20);
    memcpy(second + 20, whole + 140, size - 140);
    sl_be16_put(first + 2, 140);
    sl_be16_put(first + 6, 0x2000);
    sl_be16_put(second + 2, (uint16_t)(size - 120));
    sl_be16_put(second + 6, 120 / 8);
    for (int i = 0; i < 2; i++) {
        uint8_t *ip = i == 0 ? first : second;
        ip[10] = 0;
        ip[11] = 0;
        uint64_t sum = 0;
        for (int at = 0; at < 20; at += 2) {
            sum += sl_be16_get(ip + at);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sl_be16_put(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
    }
    struct sl_packet packets[2] = {
        {.data = first, .size = 140, .room = sizeof(first), .port_in = LAN},
        {.data = second, .size = size - 120, .room = sizeof(second), .port_in = LAN}};
    struct sl_packet *list[2] = {&packets[0], &packets[1]};
    assert_ok(sl_packet_parse(&packets[0]));
    assert_ok(sl_packet_parse(&packets[1]));
    packets[1].sport = packets[0].sport; /* as the runtime does once the datagram is whole */
    packets[1].dport = packets[0].dport;
    packets[1].has |= SL_PKT_HAS_PORTS;
    flow_rig_burst(&rig, list, 2);
    assert_int_equal(packets[0].verdict, SL_VERDICT_PASS);
    assert_int_equal(packets[1].verdict, SL_VERDICT_PASS);
    assert_int_equal(packets[1].sport, packets[0].sport);
    assert_int_not_equal(packets[0].sport, 4000);
    /* put together again, the datagram is whole */
    memcpy(whole, first, 140);
    memcpy(whole + 140, second + 20, size - 140);
    sl_be16_put(whole + 2, (uint16_t)size);
    sl_be16_put(whole + 6, 0);
    sl_be16_put(whole + 10, 0);
    uint64_t sum = 0;
    for (int at = 0; at < 20; at += 2) {
        sum += sl_be16_get(whole + at);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sl_be16_put(whole + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
    struct sl_packet again = {.data = whole, .size = size, .room = sizeof(whole)};
    assert_true(flow_packet_is_sound(&again));
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-8: who gets nothing is told; who has something keeps it. */
static void test_nat_exhaustion(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec spec = query;
    nat_bed_init(&rig, INSIDE "outside: {addresses: [192.0.2.1], ports: 1024-1087}\n");
    for (spec.sport = 2000; spec.sport < 2064; spec.sport++) {
        nat_bed_pass(&rig, LAN, &spec);
    }
    assert_int_equal(flow_rig_send(&rig, LAN, &spec), SL_VERDICT_REPLY);
    assert_int_equal(rig.packet.rule, NAT_port_exhausted);
    assert_int_equal(rig.packet.data[20], 3);
    assert_int_equal(rig.packet.data[21], 13);
    assert_true(flow_packet_is_sound(&rig.packet));
    for (int i = 0; i < 200; i++) { /* RFC 1812 4.3.2.8: not for each of them */
        (void)flow_rig_send(&rig, LAN, &spec);
    }
    assert_int_equal(rig.packet.verdict, SL_VERDICT_DROP);
    spec.sport = 2000;
    nat_bed_pass(&rig, LAN, &spec);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 64);
    flow_rig_wait(&rig, 310000);
    spec.sport = 3000;
    nat_bed_pass(&rig, LAN, &spec);
    flow_rig_done(&rig);
    static const char *const limits[] = {"{mappings: 3}", "{mappings_per_subscriber: 3}",
                                         "{subscribers: 3}"};
    static const enum nat_reason reasons[] = {NAT_mapping_exhausted, NAT_subscriber_limit,
                                              NAT_subscriber_exhausted};
    for (size_t i = 0; i < 3; i++) {
        char yaml[256];
        (void)snprintf(yaml, sizeof(yaml), PLAIN "exhausted: drop\nlimits: %s\n", limits[i]);
        nat_bed_init(&rig, yaml);
        for (uint16_t n = 1; n <= 4; n++) {
            char src[32];
            (void)snprintf(src, sizeof(src), "10.0.0.%u", i == 2 ? n : 1u);
            spec.src = src;
            spec.sport = (uint16_t)(100 + n);
            if (n < 4) {
                nat_bed_pass(&rig, LAN, &spec);
            } else {
                nat_bed_refused(&rig, LAN, &spec, reasons[i]);
            }
        }
        flow_rig_done(&rig);
    }
}

/* RFC 4787 REQ-2: all of a subscriber's sessions have one outside address. */
static void test_nat_pairs_addresses(void **state)
{
    (void)state;
    struct flow_rig rig;
    char seen[4] = {0};
    nat_bed_init(&rig, INSIDE "outside: {addresses: [192.0.2.0/30]}\n");
    for (uint32_t host = 1; host < 40; host++) {
        uint8_t last = 0;
        for (uint16_t i = 0; i < 5; i++) {
            char src[32];
            struct flow_spec spec = query;
            (void)snprintf(src, sizeof(src), "10.0.0.%u", host);
            spec.src = src;
            spec.sport = (uint16_t)(1000 + i);
            spec.proto = i % 2 == 0 ? 17 : 6;
            spec.flags = FLOW_SYN;
            nat_bed_pass(&rig, LAN, &spec);
            assert_true(i == 0 || rig.packet.data[15] == last);
            last = rig.packet.data[15];
        }
        seen[last] = 1;
    }
    assert_int_equal(seen[0] + seen[1] + seen[2] + seen[3], 4);
    flow_rig_done(&rig);
}

static void test_nat_forwards_ports_and_hosts(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN "forwards:\n"
                             "  - {protocol: tcp, outside: 192.0.2.1:80, inside: 10.0.0.5:8080}\n"
                             "  - {protocol: udp, outside: 192.0.2.1:5000-5009, inside: "
                             "10.0.0.6:6000-6009}\n"
                             "  - {outside: 192.0.2.99, inside: 10.0.0.7}\n");
    struct flow_spec in = {.src = "198.51.100.1",
                           .sport = 999,
                           .dst = "192.0.2.1",
                           .dport = 80,
                           .proto = 6,
                           .flags = FLOW_SYN};
    nat_bed_pass(&rig, WAN, &in);
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.5:8080");
    struct flow_spec out = {.src = "10.0.0.5",
                            .sport = 8080,
                            .dst = "198.51.100.1",
                            .dport = 999,
                            .proto = 6,
                            .flags = FLOW_SYN | FLOW_ACK,
                            .ack = 1};
    nat_bed_pass(&rig, LAN, &out);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:80");
    in.proto = 17;
    in.dport = 5003;
    nat_bed_pass(&rig, WAN, &in);
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.6:6003");
    const struct flow_spec ping = {
        .src = "198.51.100.1", .sport = 5, .dst = "192.0.2.99", .proto = 1, .icmp_type = 8};
    nat_bed_pass(&rig, WAN, &ping);
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.7:5");
    const struct flow_spec gre = {
        .src = "10.0.0.7", .dst = "198.51.100.1", .proto = 47, .payload = 40};
    nat_bed_pass(&rig, LAN, &gre);
    const uint8_t own[4] = {192, 0, 2, 99};
    assert_memory_equal(rig.packet.src, own, 4);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 0);
    /* what is forwarded is not handed out */
    for (uint16_t i = 0; i < 20; i++) {
        struct flow_spec spec = query;
        spec.sport = (uint16_t)(5000 + i);
        nat_bed_pass(&rig, LAN, &spec);
        uint16_t port = nat_bed_sport(&rig);
        assert_true(port < 5000 || port > 5009);
    }
    flow_rig_done(&rig);
}

/* A reload keeps every mapping whose place is still there, with its sessions; the others end. */
static void test_nat_reload_keeps_what_it_can(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec other = query;
    other.sport = 4001;
    nat_bed_init(&rig, INSIDE "outside: {addresses: [192.0.2.1]}\nport_preservation: false\n");
    nat_bed_pass(&rig, LAN, &query);
    uint16_t port = nat_bed_sport(&rig);
    struct flow_spec in = nat_bed_answer(&query, port);
    nat_bed_pass(&rig, WAN, &in);
    nat_bed_reload(&rig, INSIDE "outside: {addresses: [192.0.2.1, 192.0.2.7]}\n");
    nat_bed_pass(&rig, WAN, &in);
    nat_bed_pass(&rig, LAN, &query);
    assert_int_equal(nat_bed_sport(&rig), port);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    assert_int_equal(flow_rig_counter(&rig, "translated_out"), 2);
    nat_bed_reload(&rig, INSIDE "outside: {addresses: [192.0.2.7]}\n");
    nat_bed_refused(&rig, WAN, &in, NAT_reload_ended);
    nat_bed_pass(&rig, LAN, &query);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.7:4000");
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    /* another way of allocating: everything anew */
    nat_bed_reload(&rig, INSIDE "outside: {addresses: [192.0.2.7]}\nmapping: address_dependent\n");
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 0);
    nat_bed_refused(&rig, LAN, &query, NAT_reload_ended);
    nat_bed_pass(&rig, LAN, &query);
    nat_bed_pass(&rig, LAN, &other);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 2);
    flow_rig_done(&rig);
}

static void test_nat_ttl_is_kept_or_taken(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec last = query;
    last.ttl = 1;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &last);
    assert_int_equal(rig.packet.data[8], 1);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN "ttl: decrement\n");
    nat_bed_pass(&rig, LAN, &query);
    assert_int_equal(rig.packet.data[8], 63);
    last.sport = 4009;
    assert_int_equal(flow_rig_send(&rig, LAN, &last), SL_VERDICT_REPLY);
    assert_int_equal(rig.packet.data[20], 11);
    assert_int_equal(flow_rig_counter(&rig, "mappings"), 1);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 1);
    flow_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nat_translates_both_ways),
        cmocka_unit_test(test_nat_udp_without_checksum_keeps_none),
        cmocka_unit_test(test_nat_tcp_and_icmp_queries),
        cmocka_unit_test(test_nat_mapping_behaviours),
        cmocka_unit_test(test_nat_filtering_behaviours),
        cmocka_unit_test(test_nat_lets_nothing_in_unasked),
        cmocka_unit_test(test_nat_hairpins_with_the_outside_source),
        cmocka_unit_test(test_nat_hairpins_icmp_errors),
        cmocka_unit_test(test_nat_ports_keep_range_and_parity_and_are_never_shared),
        cmocka_unit_test(test_nat_udp_mapping_is_kept_by_what_goes_out),
        cmocka_unit_test(test_nat_mapping_lasts_from_the_last_packet_out),
        cmocka_unit_test(test_nat_strangers_do_not_keep_a_mapping),
        cmocka_unit_test(test_nat_tcp_timeouts),
        cmocka_unit_test(test_nat_tcp_simultaneous_open),
        cmocka_unit_test(test_nat_tcp_no_session_without_syn_from_outside),
        cmocka_unit_test(test_nat_icmp_error_inbound),
        cmocka_unit_test(test_nat_icmp_error_outbound_hides_inside_routers),
        cmocka_unit_test(test_nat_fragments),
        cmocka_unit_test(test_nat_exhaustion),
        cmocka_unit_test(test_nat_pairs_addresses),
        cmocka_unit_test(test_nat_forwards_ports_and_hosts),
        cmocka_unit_test(test_nat_reload_keeps_what_it_can),
        cmocka_unit_test(test_nat_ttl_is_kept_or_taken),
    };
    return cmocka_run_group_tests_name("nat/nat", tests, NULL, NULL);
}
