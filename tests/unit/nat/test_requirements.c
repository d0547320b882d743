/* SPDX-License-Identifier: Apache-2.0 */
/* What RFC 4787, 5382, 5508 and 7857 ask of a NAT44 beyond what test_nat.c shows: connections and
 * their timers, what keeps a mapping and what does not, protocols apart, ICMP. */
#include "bed.h"
#include "nat/nat.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN, EST_S = 7440, TRANS_S = 240 };

#define INSIDE "inside: [10.0.0.0/8]\n"
#define PLAIN  INSIDE "outside: {addresses: [192.0.2.1]}\n"
#define OPEN   PLAIN "filtering: endpoint_independent\n"
#define STRICT PLAIN "filtering: address_and_port_dependent\n"

static const struct flow_spec query = {.src = "10.0.0.1",
                                       .sport = 4000,
                                       .dst = "198.51.100.1",
                                       .dport = 53,
                                       .proto = 17,
                                       .payload = 40};
static const struct flow_spec tcp_out = {
    .src = "10.0.0.1", .sport = 1234, .dst = "198.51.100.1", .dport = 80, .proto = 6};
static const struct flow_spec tcp_in = {
    .src = "198.51.100.1", .sport = 80, .dst = "192.0.2.1", .dport = 1234, .proto = 6};
static const struct flow_spec ping = {.src = "10.0.0.1",
                                      .sport = 77,
                                      .dst = "198.51.100.1",
                                      .proto = 1,
                                      .icmp_type = 8,
                                      .payload = 20};
static const struct flow_spec pong = {
    .src = "198.51.100.1", .sport = 77, .dst = "192.0.2.1", .proto = 1, .payload = 20};

/* One segment of the connection of tcp_out, from that side, which has to pass. */
static void say(struct flow_rig *rig, uint8_t port, uint8_t flags, uint32_t seq, uint32_t ack)
{
    struct flow_spec s = nat_bed_segment(port == LAN ? &tcp_out : &tcp_in, flags, seq, ack);
    nat_bed_pass(rig, port, &s);
}

/* The inside begins at 100, the outside at 500. */
static void handshake(struct flow_rig *rig)
{
    say(rig, LAN, FLOW_SYN, 100, 0);
    say(rig, WAN, FLOW_SYN | FLOW_ACK, 500, 101);
    say(rig, LAN, FLOW_ACK, 101, 501);
}

/* A mapping of the inside endpoint of tcp_out, by another connection. */
static void map_elsewhere(struct flow_rig *rig)
{
    struct flow_spec syn = nat_bed_segment(&tcp_out, FLOW_SYN, 1, 0);
    syn.dst = "198.51.100.9";
    nat_bed_pass(rig, LAN, &syn);
}

/* ---- TCP ---- */

/* RFC 5382 REQ-4: "A NAT MUST NOT respond to an unsolicited inbound SYN packet for at least 6
 * seconds"; it never does (REQ-4 a), and the SYN leaves no trace that an outbound one could meet.
 */
static void test_unsolicited_syn_is_never_answered(void **state)
{
    (void)state;
    for (int has_mapping = 0; has_mapping < 2; has_mapping++) {
        struct flow_rig rig;
        struct flow_spec syn = nat_bed_segment(&tcp_in, FLOW_SYN, 500, 0);
        enum nat_reason reason = has_mapping ? NAT_filtered : NAT_no_mapping;
        nat_bed_init(&rig, STRICT);
        if (has_mapping) {
            map_elsewhere(&rig);
        }
        for (int i = 0; i < 4; i++) { /* its retransmissions */
            nat_bed_refused(&rig, WAN, &syn, reason);
            flow_rig_wait(&rig, 1000u << i);
        }
        assert_int_equal(rig.emitted_count, 0);
        assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), has_mapping);
        /* "If during this interval the NAT receives and translates an outbound SYN for the
         * connection the NAT MUST silently drop the original unsolicited inbound SYN packet" */
        nat_bed_refused(&rig, WAN, &syn, reason);
        flow_rig_wait(&rig, 3000);
        say(&rig, LAN, FLOW_SYN, 100, 0);
        assert_string_equal(nat_bed_source(&rig), "192.0.2.1:1234");
        flow_rig_wait(&rig, 10000);
        assert_int_equal(rig.emitted_count, 0);
        say(&rig, WAN, FLOW_SYN, 500, 0);
        say(&rig, LAN, FLOW_SYN | FLOW_ACK, 100, 501);
        say(&rig, WAN, FLOW_ACK, 501, 101);
        flow_rig_done(&rig);
    }
}

/* RFC 5382 REQ-2: "all valid sequences of TCP packets [...] for connections initiated both
 * internally as well as externally when the connection is permitted by the NAT". */
static void test_tcp_begins_on_either_side(void **state)
{
    (void)state;
    static const struct {
        uint8_t port, flags;
        uint32_t seq, ack;
    } talks[][6] = {
        {{LAN, FLOW_SYN, 100, 0}, {WAN, FLOW_SYN | FLOW_ACK, 500, 101}, {LAN, FLOW_ACK, 101, 501}},
        {{WAN, FLOW_SYN, 500, 0}, {LAN, FLOW_SYN | FLOW_ACK, 100, 501}, {WAN, FLOW_ACK, 501, 101}},
        /* both at once: RFC 9293 3.5, figure 7 */
        {{LAN, FLOW_SYN, 100, 0},
         {WAN, FLOW_SYN, 500, 0},
         {LAN, FLOW_SYN | FLOW_ACK, 100, 501},
         {WAN, FLOW_SYN | FLOW_ACK, 500, 101}},
        {{WAN, FLOW_SYN, 500, 0},
         {LAN, FLOW_SYN, 100, 0},
         {WAN, FLOW_SYN | FLOW_ACK, 500, 101},
         {LAN, FLOW_SYN | FLOW_ACK, 100, 501}},
    };
    for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
        struct flow_rig rig;
        nat_bed_init(&rig, OPEN);
        map_elsewhere(&rig);
        for (size_t k = 0; k < 6 && talks[i][k].flags != 0; k++) {
            say(&rig, talks[i][k].port, talks[i][k].flags, talks[i][k].seq, talks[i][k].ack);
        }
        say(&rig, WAN, FLOW_ACK, 501, 101);
        say(&rig, LAN, FLOW_ACK, 101, 501);
        assert_string_equal(nat_bed_source(&rig), "192.0.2.1:1234");
        /* REQ-5: it is established */
        flow_rig_wait(&rig, (EST_S - 2) * 1000);
        assert_int_equal(nat_bed_mappings(&rig), 1);
        flow_rig_wait(&rig, 6000);
        assert_int_equal(nat_bed_mappings(&rig), 0);
        flow_rig_done(&rig);
    }
}

/* RFC 5382 REQ-5, RFC 6146 3.5.2.2: a connection that one side has closed lasts as an established
 * one, one that both have closed for four minutes. */
static void test_tcp_closes_when_both_sides_have(void **state)
{
    (void)state;
    for (int is_lan_first = 0; is_lan_first < 2; is_lan_first++) {
        struct flow_rig rig;
        uint8_t one = is_lan_first ? LAN : WAN;
        uint8_t two = is_lan_first ? WAN : LAN;
        uint32_t seq = is_lan_first ? 101 : 501;
        uint32_t ack = is_lan_first ? 501 : 101;
        nat_bed_init(&rig, PLAIN);
        handshake(&rig);
        say(&rig, one, FLOW_FIN | FLOW_ACK, seq, ack);
        say(&rig, two, FLOW_ACK, ack, seq + 1);
        flow_rig_wait(&rig, 7000000);
        assert_int_equal(nat_bed_mappings(&rig), 1);
        say(&rig, two, FLOW_FIN | FLOW_ACK, ack, seq + 1);
        say(&rig, one, FLOW_ACK, seq + 1, ack + 1);
        flow_rig_wait(&rig, (TRANS_S - 2) * 1000);
        assert_int_equal(nat_bed_mappings(&rig), 1);
        flow_rig_wait(&rig, 6000);
        assert_int_equal(nat_bed_mappings(&rig), 0);
        flow_rig_done(&rig);
    }
}

/* RFC 7857 2.2: "the NAT SHOULD wait for 4 minutes before deleting the session": a
 * refusal ends no mapping, so that the next SYN has the same port. */
static void test_tcp_refused_keeps_its_mapping_for_four_minutes(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN "port_preservation: false\n");
    struct flow_spec syn = nat_bed_segment(&tcp_out, FLOW_SYN, 100, 0);
    nat_bed_pass(&rig, LAN, &syn);
    uint16_t port = nat_bed_sport(&rig);
    struct flow_spec reset = nat_bed_segment(&tcp_in, FLOW_RST | FLOW_ACK, 0, 101);
    reset.dport = port;
    nat_bed_pass(&rig, WAN, &reset);
    flow_rig_wait(&rig, 1000);
    nat_bed_pass(&rig, LAN, &syn);
    assert_int_equal(nat_bed_sport(&rig), port);
    nat_bed_pass(&rig, WAN, &reset);
    flow_rig_wait(&rig, (TRANS_S - 2) * 1000);
    assert_int_equal(nat_bed_mappings(&rig), 1);
    nat_bed_pass(&rig, LAN, &syn);
    assert_int_equal(nat_bed_sport(&rig), port);
    struct flow_spec syn_ack = nat_bed_segment(&tcp_in, FLOW_SYN | FLOW_ACK, 500, 101);
    syn_ack.dport = port;
    nat_bed_pass(&rig, WAN, &syn_ack);
    struct flow_spec ack = nat_bed_segment(&tcp_out, FLOW_ACK, 101, 501);
    nat_bed_pass(&rig, LAN, &ack);
    assert_int_equal(nat_bed_sport(&rig), port);
    flow_rig_wait(&rig, 7000000);
    assert_int_equal(nat_bed_mappings(&rig), 1);
    flow_rig_done(&rig);
}

/* RFC 7857 2 (figure 1), RFC 6146 3.5.2.2: data after a reset, which was none of the ends', brings
 * an established connection back; what never was established, it does not. */
static void test_tcp_goes_on_after_a_reset_that_was_forged(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN);
    handshake(&rig);
    say(&rig, WAN, FLOW_RST, 501, 0);
    flow_rig_wait(&rig, 200000);
    say(&rig, LAN, FLOW_ACK, 101, 501);
    say(&rig, WAN, FLOW_ACK, 501, 101);
    flow_rig_wait(&rig, 7000000);
    assert_int_equal(nat_bed_mappings(&rig), 1);
    say(&rig, WAN, FLOW_ACK, 501, 101);
    say(&rig, WAN, FLOW_RST, 501, 0);
    flow_rig_wait(&rig, (TRANS_S + 4) * 1000);
    assert_int_equal(nat_bed_mappings(&rig), 0);
    /* closed by both, then reset */
    handshake(&rig);
    say(&rig, LAN, FLOW_FIN | FLOW_ACK, 101, 501);
    say(&rig, WAN, FLOW_FIN | FLOW_ACK, 501, 102);
    say(&rig, WAN, FLOW_RST, 502, 0);
    say(&rig, LAN, FLOW_ACK, 102, 502);
    flow_rig_wait(&rig, (TRANS_S + 4) * 1000);
    assert_int_equal(nat_bed_mappings(&rig), 0);
    flow_rig_done(&rig);
}

/* RFC 5382 REQ-8: "A NAT MUST support 'hairpinning' for TCP", a) "External source IP address and
 * port". */
static void test_tcp_hairpins(void **state)
{
    (void)state;
    struct flow_rig rig;
    const struct flow_spec client = {
        .src = "10.0.0.2", .sport = 5000, .dst = "192.0.2.1", .dport = 1234, .proto = 6};
    const struct flow_spec server = {
        .src = "10.0.0.1", .sport = 1234, .dst = "192.0.2.1", .dport = 5000, .proto = 6};
    nat_bed_init(&rig, OPEN);
    map_elsewhere(&rig);
    struct flow_spec s = nat_bed_segment(&client, FLOW_SYN, 100, 0);
    nat_bed_pass(&rig, LAN, &s);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:5000");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:1234");
    s = nat_bed_segment(&server, FLOW_SYN | FLOW_ACK, 500, 101);
    nat_bed_pass(&rig, LAN, &s);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:1234");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.2:5000");
    s = nat_bed_segment(&client, FLOW_ACK, 101, 501);
    nat_bed_pass(&rig, LAN, &s);
    assert_int_equal(flow_rig_counter(&rig, "hairpinned"), 3);
    flow_rig_done(&rig);
}

/* RFC 5382 REQ-10: "Receipt of any sort of ICMP message MUST NOT terminate the NAT mapping or TCP
 * connection for which the ICMP was generated"; REQ-9: it is translated. */
static void test_tcp_outlives_icmp_errors(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec sent = nat_bed_segment(&tcp_out, FLOW_ACK, 101, 501);
    sent.src = "192.0.2.1";
    nat_bed_init(&rig, PLAIN);
    handshake(&rig);
    for (uint8_t code = 0; code < 16; code++) {
        struct flow_spec error = {.src = "203.0.113.9",
                                  .dst = "192.0.2.1",
                                  .proto = 1,
                                  .icmp_type = 3,
                                  .icmp_code = code,
                                  .about = &sent};
        nat_bed_pass(&rig, WAN, &error);
        assert_int_equal(rig.packet.rule, NAT_error_translated);
    }
    flow_rig_wait(&rig, 7000000);
    assert_int_equal(nat_bed_mappings(&rig), 1);
    say(&rig, WAN, FLOW_ACK, 501, 101);
    say(&rig, LAN, FLOW_ACK, 101, 501);
    flow_rig_done(&rig);
}

/* ---- what keeps a mapping ---- */

/* RFC 7857 7.1: "ICMP Errors or TCP RST outbound packets sent as a response to inbound packets
 * SHOULD NOT refresh the mapping", else a stranger would. */
static void test_errors_that_inside_sends_keep_no_udp_mapping(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec in = nat_bed_answer(&query, 4000);
    nat_bed_init(&rig, OPEN);
    nat_bed_pass(&rig, LAN, &query);
    for (in.sport = 1000; in.sport < 1005; in.sport++) {
        flow_rig_wait(&rig, 59000);
        nat_bed_pass(&rig, WAN, &in);
        struct flow_spec got = in;
        got.dst = "10.0.0.1";
        const struct flow_spec error = {.src = "10.0.0.1",
                                        .dst = "198.51.100.1",
                                        .proto = 1,
                                        .icmp_type = 3,
                                        .icmp_code = 3,
                                        .about = &got};
        nat_bed_pass(&rig, LAN, &error);
        assert_int_equal(rig.packet.rule, NAT_error_translated);
    }
    flow_rig_wait(&rig, 10000);
    nat_bed_refused(&rig, WAN, &in, NAT_expired);
    flow_rig_done(&rig);
}

static void test_resets_that_inside_sends_keep_no_tcp_mapping(void **state)
{
    (void)state;
    struct flow_rig rig;
    uint32_t waited_s = 0;
    nat_bed_init(&rig, OPEN);
    map_elsewhere(&rig);
    struct flow_spec syn = nat_bed_segment(&tcp_in, FLOW_SYN, 500, 0);
    for (syn.sport = 1000; waited_s < EST_S; syn.sport++, waited_s += 200) {
        flow_rig_wait(&rig, 200000);
        nat_bed_pass(&rig, WAN, &syn);
        struct flow_spec reset = nat_bed_segment(&tcp_out, FLOW_RST | FLOW_ACK, 0, 501);
        reset.dport = syn.sport;
        nat_bed_pass(&rig, LAN, &reset);
        if (waited_s + 400 > EST_S) {
            break;
        }
    }
    flow_rig_wait(&rig, 239000);
    nat_bed_refused(&rig, WAN, &syn, NAT_expired);
    flow_rig_wait(&rig, 10000);
    assert_int_equal(nat_bed_mappings(&rig), 0);
    flow_rig_done(&rig);
}

/* RFC 7857 7: "inbound packets that match an EIF mapping but do not create a new session due to a
 * security policy": they "SHOULD NOT refresh the mapping"; nor does what the filter stops. */
static void test_what_the_filter_stops_keeps_no_mapping(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec stranger = nat_bed_answer(&query, 4000);
    stranger.sport = 99;
    nat_bed_init(&rig, STRICT "inbound_refresh: true\n");
    nat_bed_pass(&rig, LAN, &query);
    for (int i = 0; i < 5; i++) {
        flow_rig_wait(&rig, 59000);
        nat_bed_refused(&rig, WAN, &stranger, NAT_filtered);
    }
    flow_rig_wait(&rig, 10000);
    nat_bed_refused(&rig, WAN, &stranger, NAT_no_mapping);
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-2: 60 seconds at least; RFC 7857 11: the mapping ends with its last session. */
static void test_queries_last_a_minute(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &ping);
    flow_rig_wait(&rig, 59000);
    nat_bed_pass(&rig, WAN, &pong);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &ping);
    flow_rig_wait(&rig, 62000);
    assert_int_equal(nat_bed_mappings(&rig), 0);
    nat_bed_refused(&rig, WAN, &pong, NAT_invalid); /* an answer to nothing */
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-6: an error about a query "MUST NOT refresh or delete the NAT Session". */
static void test_errors_neither_keep_nor_end_a_query(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec sent = ping;
    sent.src = "192.0.2.1";
    const struct flow_spec error = {
        .src = "203.0.113.9", .dst = "192.0.2.1", .proto = 1, .icmp_type = 3, .about = &sent};
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &ping);
    nat_bed_pass(&rig, WAN, &error);
    nat_bed_pass(&rig, WAN, &pong);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &ping);
    for (int i = 0; i < 2; i++) {
        flow_rig_wait(&rig, 25000);
        nat_bed_pass(&rig, WAN, &error);
    }
    flow_rig_wait(&rig, 12000);
    assert_int_equal(nat_bed_mappings(&rig), 0);
    nat_bed_refused(&rig, WAN, &error, NAT_invalid); /* REQ-4: no mapping, dropped */
    flow_rig_done(&rig);
}

/* ---- mappings, ports, addresses ---- */

/* RFC 7857 5, 6: mapping and filter are a protocol's own. */
static void test_protocols_are_apart(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, OPEN);
    struct flow_spec udp = query;
    udp.sport = 1234;
    nat_bed_pass(&rig, LAN, &udp);
    struct flow_spec syn = nat_bed_segment(&tcp_in, FLOW_SYN, 500, 0);
    nat_bed_refused(&rig, WAN, &syn, NAT_no_mapping);
    say(&rig, LAN, FLOW_SYN, 100, 0);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:1234");
    struct flow_spec echo = ping;
    echo.sport = 1234;
    nat_bed_pass(&rig, LAN, &echo);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:1234");
    assert_int_equal(nat_bed_mappings(&rig), 3);
    flow_rig_done(&rig);
}

/* RFC 7857 4: "new sessions from a host that already has a mapping associated with an external IP
 * that ran out of ports SHOULD be dropped"; with `pooling: arbitrary` another address is taken. */
static void test_paired_address_that_is_full_gets_no_other(void **state)
{
    (void)state;
    for (int is_arbitrary = 0; is_arbitrary < 2; is_arbitrary++) {
        struct flow_rig rig;
        char yaml[200];
        uint32_t most = is_arbitrary ? 128 : 64;
        struct flow_spec spec = query;
        (void)snprintf(yaml, sizeof(yaml),
                       INSIDE "outside: {addresses: [192.0.2.0/31], ports: 1024-1087}\n"
                              "exhausted: drop\npooling: %s\n",
                       is_arbitrary ? "arbitrary" : "paired");
        nat_bed_init(&rig, yaml);
        for (uint32_t i = 0; i < most; i++) {
            spec.sport = (uint16_t)(2000 + i);
            nat_bed_pass(&rig, LAN, &spec);
        }
        spec.sport = 3000;
        nat_bed_refused(&rig, LAN, &spec, NAT_port_exhausted);
        assert_int_equal(nat_bed_mappings(&rig), most);
        flow_rig_done(&rig);
    }
}

/* RFC 7857 9, RFC 6056 4: a port that must change is not to be guessed; its parity stays. */
static void test_ports_that_change_are_random(void **state)
{
    (void)state;
    enum { HOSTS = 60 };
    uint16_t ports[2][HOSTS];
    for (int run = 0; run < 2; run++) {
        struct flow_rig rig;
        uint32_t near = 0;
        nat_bed_init(&rig, PLAIN);
        nat_bed_pass(&rig, LAN, &query); /* it has the port that all of them want */
        for (uint32_t i = 0; i < HOSTS; i++) {
            char src[32];
            struct flow_spec spec = query;
            (void)snprintf(src, sizeof(src), "10.0.1.%u", i);
            spec.src = src;
            nat_bed_pass(&rig, LAN, &spec);
            ports[run][i] = nat_bed_sport(&rig);
            assert_int_equal(ports[run][i] % 2, 0);
            near += i > 0 && abs(ports[run][i] - ports[run][i - 1]) < 64;
        }
        assert_true(near < HOSTS / 4);
        flow_rig_done(&rig);
    }
    assert_memory_not_equal(ports[0], ports[1], sizeof(ports[0]));
}

/* A packet from inside with that identification and that flag; @return under which it leaves */
static uint16_t send_with_id(struct flow_rig *rig, const struct flow_spec *spec, uint16_t id,
                             bool has_df)
{
    struct sl_packet *list[1] = {&rig->packet};
    uint8_t *ip = rig->buffer;
    flow_packet_make(spec, LAN, rig->buffer, sizeof(rig->buffer), &rig->packet);
    sl_be16_put(ip + 4, id);
    sl_be16_put(ip + 6, has_df ? 0x4000 : 0);
    sl_be16_put(ip + 10, 0);
    sl_be16_put(ip + 10, sl_checksum_fold(sl_checksum_add(0, ip, 20)));
    assert_ok(sl_packet_parse(&rig->packet));
    flow_rig_burst(rig, list, 1);
    assert_int_equal(rig->packet.verdict, SL_VERDICT_PASS);
    assert_true(flow_packet_is_sound(&rig->packet));
    assert_int_equal(sl_be16_get(rig->packet.data + 6), has_df ? 0x4000 : 0);
    return sl_be16_get(rig->packet.data + 4);
}

/* RFC 7857 10, RFC 6864 5.3.1: "as if the datagram were sourced by that device": with
 * `identification: own` packets of hosts that chose the same, which routers may cut, leave under
 * different ones; those with DF are no part of it (RFC 6864 4.1), and by default none is. */
static void test_packets_without_df_have_identifications_of_their_own(void **state)
{
    (void)state;
    enum { HOSTS = 40, PACKETS = 3, SAME = 0x1234, ALL = HOSTS * PACKETS * 3 };
    static uint16_t ids[ALL];
    for (int is_own = 0; is_own < 2; is_own++) {
        struct flow_rig rig;
        uint32_t count = 0;
        nat_bed_init(&rig, is_own ? OPEN "identification: own\n" : OPEN);
        for (uint32_t i = 0; i < HOSTS * PACKETS; i++) {
            static const uint8_t protos[] = {17, 6, 1};
            for (uint32_t k = 0; k < 3; k++) {
                char src[32];
                struct flow_spec spec = protos[k] == 1 ? ping : query;
                (void)snprintf(src, sizeof(src), "10.0.0.%u", i % HOSTS + 1);
                spec.src = src;
                spec.proto = protos[k];
                spec.flags = FLOW_SYN;
                assert_int_equal(send_with_id(&rig, &spec, SAME, true), SAME);
                uint16_t id = send_with_id(&rig, &spec, SAME, false);
                for (uint32_t n = 0; is_own && n < count; n++) {
                    assert_int_not_equal(ids[n], id);
                }
                assert_true(is_own || id == SAME);
                ids[count++] = id;
            }
        }
        /* what comes in was given them by who sent it */
        struct flow_spec in = nat_bed_answer(&query, 4000);
        nat_bed_pass(&rig, WAN, &in);
        assert_int_equal(sl_be16_get(rig.packet.data + 4), 0);
        flow_rig_done(&rig);
    }
}

/* ---- ICMP ---- */

/* RFC 5508 REQ-1: queries, of which echo is one. */
static void test_timestamp_queries_pass(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec request = ping;
    struct flow_spec reply = pong;
    request.icmp_type = 13;
    request.payload = 12;
    reply.icmp_type = 14;
    reply.payload = 12;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &request);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:77");
    nat_bed_pass(&rig, WAN, &reply);
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:77");
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-7, RFC 7857 12: queries to a 1:1 host by its outside address, from inside. */
static void test_queries_hairpin_to_1to1_hosts(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec request = ping;
    request.dst = "192.0.2.99";
    const struct flow_spec reply = {
        .src = "10.0.0.7", .sport = 77, .dst = "192.0.2.1", .proto = 1, .payload = 20};
    nat_bed_init(&rig, PLAIN "forwards: [{outside: 192.0.2.99, inside: 10.0.0.7}]\n");
    nat_bed_pass(&rig, LAN, &request);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:77");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.7:77");
    assert_int_equal(rig.packet.port_in, WAN);
    nat_bed_pass(&rig, LAN, &reply);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.99:77");
    assert_string_equal(nat_bed_destination(&rig), "10.0.0.1:77");
    flow_rig_done(&rig);
}

/* RFC 5508 REQ-5 c: "If the NAT enforces Basic NAT function [...] and the NAT has active mapping
 * for the IP address that sent the ICMP Error, translate the source IP address of the ICMP Error
 * packet with the public IP address in the mapping. In all other cases [...] with its own", which
 * is the session's. */
static void test_errors_of_1to1_routers_come_from_their_own_address(void **state)
{
    (void)state;
    static const struct {
        const char *router, *inside, *remote;
        uint8_t own; /* last byte of the source that is seen outside */
    } table[] = {
        {"10.0.0.7", "10.0.0.1", "198.51.100.1", 99},
        {"10.0.0.8", "10.0.0.1", "198.51.100.1", 1},
        {"10.0.0.7", "10.0.0.7", "198.51.100.1", 99},
        {"10.0.0.8", "10.0.0.7", "198.51.100.1", 99},
        {"10.0.0.9", "10.0.0.1", "198.51.100.1", 1}, /* of a port of its own only */
        {"2001:db8:1::7", "2001:db8:1::1", "2001:db8:64::198.51.100.1", 98},
        {"2001:db8:1::8", "2001:db8:1::1", "2001:db8:64::198.51.100.1", 1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_rig rig;
        bool is4 = strchr(table[i].router, '.') != NULL;
        struct flow_spec out = query;
        out.src = table[i].inside;
        out.dst = table[i].remote;
        const struct flow_spec got = flow_spec_turn(&out);
        const struct flow_spec error = {.src = table[i].router,
                                        .dst = table[i].remote,
                                        .proto = is4 ? 1 : 58,
                                        .icmp_type = is4 ? 11 : 3,
                                        .about = &got};
        nat_bed_init(&rig, "inside: [10.0.0.0/8, \"2001:db8:1::/48\"]\n"
                           "outside: {addresses: [192.0.2.1]}\n"
                           "nat64: {prefix: \"2001:db8:64::/96\"}\n"
                           "forwards:\n"
                           "  - {outside: 192.0.2.99, inside: 10.0.0.7}\n"
                           "  - {outside: 192.0.2.98, inside: \"2001:db8:1::7\"}\n"
                           "  - {protocol: udp, outside: \"192.0.2.1:99\", inside: "
                           "\"10.0.0.9:99\"}\n");
        nat_bed_pass(&rig, LAN, &out);
        nat_bed_pass(&rig, LAN, &error);
        const uint8_t own[4] = {192, 0, 2, table[i].own};
        const uint8_t remote[4] = {198, 51, 100, 1};
        assert_int_equal(rig.packet.rule, NAT_error_translated);
        assert_memory_equal(rig.packet.src, own, 4);
        assert_memory_equal(rig.packet.dst, remote, 4);
        assert_int_equal(rig.packet.icmp_type, 11);
        flow_rig_done(&rig);
    }
}

/* The same on its way from inside to inside. */
static void test_errors_of_1to1_routers_hairpin_from_their_own_address(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec client = query;
    struct flow_spec server = query;
    server.src = "10.0.0.5";
    server.sport = 5000;
    client.dst = "192.0.2.1";
    client.dport = 5000;
    const struct flow_spec got = {
        .src = "192.0.2.1", .sport = 4000, .dst = "10.0.0.5", .dport = 5000, .proto = 17};
    const struct flow_spec error = {
        .src = "10.0.0.7", .dst = "192.0.2.1", .proto = 1, .icmp_type = 11, .about = &got};
    nat_bed_init(&rig, OPEN "forwards: [{outside: 192.0.2.99, inside: 10.0.0.7}]\n");
    nat_bed_pass(&rig, LAN, &server);
    nat_bed_pass(&rig, LAN, &client);
    nat_bed_pass(&rig, LAN, &error);
    const uint8_t own[4] = {192, 0, 2, 99};
    const uint8_t to[4] = {10, 0, 0, 1};
    assert_memory_equal(rig.packet.src, own, 4);
    assert_memory_equal(rig.packet.dst, to, 4);
    flow_rig_done(&rig);
}

/* An inbound error whose quote has options, or is cut to what RFC 792 has of it. */
static void error_send(struct flow_rig *rig, const struct flow_spec *error, bool has_options,
                       uint32_t quoted)
{
    struct sl_packet *list[1] = {&rig->packet};
    uint8_t *ip = rig->buffer;
    uint8_t *quote = ip + 28;
    flow_packet_make(error, WAN, rig->buffer, sizeof(rig->buffer), &rig->packet);
    if (has_options) {
        memmove(quote + 24, quote + 20, rig->packet.size - 48);
        memset(quote + 20, 1, 4); /* no-operation */
        quote[0] = 0x46;
        sl_be16_put(quote + 2, (uint16_t)(sl_be16_get(quote + 2) + 4));
        sl_be16_put(quote + 10, 0);
        sl_be16_put(quote + 10, sl_checksum_fold(sl_checksum_add(0, quote, 24)));
        rig->packet.size += 4;
    }
    rig->packet.size = quoted != 0 ? 28 + quoted : rig->packet.size;
    sl_be16_put(ip + 2, (uint16_t)rig->packet.size);
    sl_be16_put(ip + 10, 0);
    sl_be16_put(ip + 10, sl_checksum_fold(sl_checksum_add(0, ip, 20)));
    sl_be16_put(ip + 22, 0);
    sl_be16_put(ip + 22, sl_checksum_fold(sl_checksum_add(0, ip + 20, rig->packet.size - 20)));
    assert_ok(sl_packet_parse(&rig->packet));
    flow_rig_burst(rig, list, 1);
}

/* RFC 5508 REQ-3: the quoted header's options are stepped over (b), the quote's transport checksum
 * is not looked at (c), as there may not be enough of it; REQ-4: type and code stay, both headers
 * and the destination become the inside's. */
static void test_errors_quote_what_they_will(void **state)
{
    (void)state;
    static const struct {
        uint32_t quoted;
        bool has_options, is_bad;
    } table[] = {{0, false, false}, {28, false, false}, {0, true, false},
                 {32, true, false}, {0, false, true},   {50, false, true}};
    const uint8_t host[4] = {10, 0, 0, 1};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_rig rig;
        struct flow_spec sent = query;
        struct flow_spec error = {.src = "203.0.113.9",
                                  .dst = "192.0.2.1",
                                  .proto = 1,
                                  .icmp_type = 3,
                                  .icmp_code = 1,
                                  .about = &sent};
        nat_bed_init(&rig, PLAIN "port_preservation: false\n");
        nat_bed_pass(&rig, LAN, &query);
        sent.src = "192.0.2.1";
        sent.sport = nat_bed_sport(&rig);
        sent.is_checksum_bad = table[i].is_bad;
        error_send(&rig, &error, table[i].has_options, table[i].quoted);
        assert_int_equal(rig.packet.verdict, SL_VERDICT_PASS);
        assert_int_equal(rig.packet.rule, NAT_error_translated);
        assert_true(flow_packet_is_sound(&rig.packet));
        const uint8_t *quote = rig.packet.data + 28;
        uint32_t header = (quote[0] & 15u) * 4;
        assert_int_equal(rig.packet.data[20], 3);
        assert_int_equal(rig.packet.data[21], 1);
        assert_memory_equal(rig.packet.data + 16, host, 4);
        assert_memory_equal(quote + 12, host, 4);
        assert_int_equal(sl_checksum_fold(sl_checksum_add(0, quote, header)), 0);
        assert_int_equal(sl_be16_get(quote + header), 4000);
        flow_rig_done(&rig);
    }
}

/* RFC 5508 REQ-11: what is neither query nor error is dropped. */
static void test_other_icmp_is_dropped(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &ping);
    for (uint8_t type = 9; type < 11; type++) { /* router advertisement, solicitation */
        struct flow_spec out = ping;
        struct flow_spec in = pong;
        out.icmp_type = type;
        in.icmp_type = type;
        nat_bed_refused(&rig, LAN, &out, NAT_invalid);
        nat_bed_refused(&rig, WAN, &in, NAT_invalid);
    }
    assert_int_equal(nat_bed_mappings(&rig), 1);
    flow_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsolicited_syn_is_never_answered),
        cmocka_unit_test(test_tcp_begins_on_either_side),
        cmocka_unit_test(test_tcp_closes_when_both_sides_have),
        cmocka_unit_test(test_tcp_refused_keeps_its_mapping_for_four_minutes),
        cmocka_unit_test(test_tcp_goes_on_after_a_reset_that_was_forged),
        cmocka_unit_test(test_tcp_hairpins),
        cmocka_unit_test(test_tcp_outlives_icmp_errors),
        cmocka_unit_test(test_errors_that_inside_sends_keep_no_udp_mapping),
        cmocka_unit_test(test_resets_that_inside_sends_keep_no_tcp_mapping),
        cmocka_unit_test(test_what_the_filter_stops_keeps_no_mapping),
        cmocka_unit_test(test_queries_last_a_minute),
        cmocka_unit_test(test_errors_neither_keep_nor_end_a_query),
        cmocka_unit_test(test_protocols_are_apart),
        cmocka_unit_test(test_paired_address_that_is_full_gets_no_other),
        cmocka_unit_test(test_ports_that_change_are_random),
        cmocka_unit_test(test_packets_without_df_have_identifications_of_their_own),
        cmocka_unit_test(test_timestamp_queries_pass),
        cmocka_unit_test(test_queries_hairpin_to_1to1_hosts),
        cmocka_unit_test(test_errors_of_1to1_routers_come_from_their_own_address),
        cmocka_unit_test(test_errors_of_1to1_routers_hairpin_from_their_own_address),
        cmocka_unit_test(test_errors_quote_what_they_will),
        cmocka_unit_test(test_other_icmp_is_dropped),
    };
    return cmocka_run_group_tests_name("nat/requirements", tests, NULL, NULL);
}
