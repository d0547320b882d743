/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_rig.h"

/* client 203.0.113.x on the WAN, 192.0.2.10 the service, backends 10.0.0.1 to .3 on the LAN */
static const char three[] = "services:\n"
                            "- name: web\n"
                            "  address: 192.0.2.10\n"
                            "  protocol: tcp\n"
                            "  port: 80\n"
                            "  backends:\n"
                            "  - {name: a, address: 10.0.0.1, port: 8080}\n"
                            "  - {name: b, address: 10.0.0.2}\n"
                            "  - {name: c, address: 10.0.0.3, port: 8080}\n"
                            "- name: dns\n"
                            "  address: 192.0.2.10\n"
                            "  protocol: udp\n"
                            "  port: 53\n"
                            "  backends:\n"
                            "  - {name: a, address: 10.0.0.1}\n"
                            "  - {name: b, address: 10.0.0.2}\n"
                            "- name: web6\n"
                            "  address: 2001:db8::10\n"
                            "  backends:\n"
                            "  - {name: a, address: 2001:db8:1::1}\n"
                            "  - {name: b, address: 2001:db8:1::2}\n"
                            "other: pass\n";

static void start(struct flow_rig *rig, const char *text)
{
    policy_rig_start(rig, "balancer", "flows=8192", text);
}

static void reload(struct flow_rig *rig, const char *text)
{
    policy_rig_reload(rig, "balancer", "flows=8192", text);
}

static void command(struct flow_rig *rig, const char *text)
{
    char answer[256];
    sl_rc rc = sl_chain_command(rig->chain, "balancer", text, answer, sizeof(answer));
    if (rc != SL_OK) {
        fail_msg("%s", answer);
    }
}

/* A text with `from` replaced by `to`. */
static const char *edited(const char *text, const char *from, const char *to)
{
    static char out[4096];
    const char *at = strstr(text, from);
    assert_non_null(at);
    (void)snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static struct flow_spec syn(uint16_t sport)
{
    return (struct flow_spec){.src = "203.0.113.5",
                              .dst = "192.0.2.10",
                              .sport = sport,
                              .dport = 80,
                              .proto = 6,
                              .flags = FLOW_SYN,
                              .seq = 1000};
}

/* Last byte of the packet's destination (source). */
static uint8_t to(const struct flow_rig *rig)
{
    return rig->packet.dst[rig->packet.ip_version == 4 ? 3 : 15];
}
static uint8_t from(const struct flow_rig *rig)
{
    return rig->packet.src[rig->packet.ip_version == 4 ? 3 : 15];
}

static const char *const backends[] = {"", "10.0.0.1", "10.0.0.2", "10.0.0.3"};

/* SYN, SYN/ACK, ACK. @return the backend's number, 0 where the SYN was not let through */
static uint8_t establish(struct flow_rig *rig, uint16_t sport)
{
    struct flow_spec out = syn(sport);
    if (flow_rig_send(rig, SL_PORT_WAN, &out) != SL_VERDICT_PASS) {
        return 0;
    }
    uint8_t backend = to(rig);
    struct flow_spec back = {.src = backends[backend],
                             .dst = "203.0.113.5",
                             .sport = rig->packet.dport,
                             .dport = sport,
                             .proto = 6,
                             .flags = FLOW_SYN | FLOW_ACK,
                             .seq = 5000,
                             .ack = 1001};
    assert_int_equal(flow_rig_send(rig, SL_PORT_LAN, &back), SL_VERDICT_PASS);
    out.flags = FLOW_ACK;
    out.seq = 1001;
    out.ack = 5001;
    assert_int_equal(flow_rig_send(rig, SL_PORT_WAN, &out), SL_VERDICT_PASS);
    assert_int_equal(to(rig), backend);
    return backend;
}

/* A segment of the client in an established connection. */
static uint8_t push(struct flow_rig *rig, uint16_t sport)
{
    struct flow_spec out = syn(sport);
    out.flags = FLOW_ACK | FLOW_PSH;
    out.seq = 1001;
    out.ack = 5001;
    out.payload = 10;
    return flow_rig_send(rig, SL_PORT_WAN, &out);
}

static void test_nat_translates_both_ways(void **state)
{
    (void)state;
    struct flow_rig rig;
    uint32_t seen = 0;
    start(&rig, three);
    for (uint16_t sport = 2000; sport < 2030; sport++) {
        struct flow_spec out = syn(sport);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_PASS);
        assert_true(flow_packet_is_sound(&rig.packet));
        uint8_t backend = to(&rig);
        uint16_t dport = backend == 2 ? 80 : 8080;
        seen |= 1u << backend;
        assert_int_equal(rig.packet.dport, dport);
        assert_int_equal(rig.packet.rule, 0);
        struct flow_spec back = {.src = backends[backend],
                                 .dst = "203.0.113.5",
                                 .sport = dport,
                                 .dport = sport,
                                 .proto = 6,
                                 .flags = FLOW_SYN | FLOW_ACK,
                                 .seq = 9,
                                 .ack = 1001};
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &back), SL_VERDICT_PASS);
        assert_true(flow_packet_is_sound(&rig.packet));
        assert_memory_equal(rig.packet.src, ((uint8_t[]){192, 0, 2, 10}), 4);
        assert_int_equal(rig.packet.sport, 80);
        assert_int_equal(rig.packet.dport, sport);
    }
    assert_int_equal(seen, 0xe);
    assert_int_equal(flow_rig_counter(&rig, "web/a.flows") + flow_rig_counter(&rig, "web/b.flows") +
                         flow_rig_counter(&rig, "web/c.flows"),
                     30);
    flow_rig_done(&rig);
}

static void test_nat_udp_icmp_and_ip6(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, three);
    struct flow_spec dns = {.src = "203.0.113.5",
                            .dst = "192.0.2.10",
                            .sport = 5,
                            .dport = 53,
                            .proto = 17,
                            .payload = 20,
                            .has_no_checksum = true};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &dns), SL_VERDICT_PASS);
    assert_int_equal(rig.packet.rule, 1);
    assert_int_equal(sl_be16_get(rig.packet.data + 26), 0); /* none stays none */
    dns.has_no_checksum = false;
    dns.sport = 6;
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &dns), SL_VERDICT_PASS);
    assert_true(flow_packet_is_sound(&rig.packet));
    /* any protocol, any port: all of it, pings too */
    struct flow_spec ping = {.src = "2001:db8:9::5",
                             .dst = "2001:db8::10",
                             .sport = 77,
                             .proto = 58,
                             .icmp_type = 128,
                             .payload = 20};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &ping), SL_VERDICT_PASS);
    assert_true(flow_packet_is_sound(&rig.packet));
    uint8_t backend = to(&rig);
    assert_in_range(backend, 1, 2);
    struct flow_spec pong = {.src = backend == 1 ? "2001:db8:1::1" : "2001:db8:1::2",
                             .dst = "2001:db8:9::5",
                             .sport = 77,
                             .proto = 58,
                             .icmp_type = 129,
                             .payload = 20};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &pong), SL_VERDICT_PASS);
    assert_int_equal(from(&rig), 0x10);
    assert_true(flow_packet_is_sound(&rig.packet));
    struct flow_spec web = {.src = "2001:db8:9::5",
                            .dst = "2001:db8::10",
                            .sport = 99,
                            .dport = 443,
                            .proto = 6,
                            .flags = FLOW_SYN};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &web), SL_VERDICT_PASS);
    assert_int_equal(rig.packet.dport, 443);
    assert_true(flow_packet_is_sound(&rig.packet));
    flow_rig_done(&rig);
}

/* Shares of many flows are those of the weights, within five standard deviations. */
static void test_choose_follows_weights(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, edited(three, "10.0.0.2}", "10.0.0.2, weight: 300}"));
    uint32_t counts[4] = {0};
    for (uint16_t sport = 0; sport < 5000; sport++) {
        struct flow_spec out = syn((uint16_t)(1000 + sport));
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_PASS);
        counts[to(&rig)]++;
    }
    assert_in_range(counts[1], 1000 - 142, 1000 + 142);
    assert_in_range(counts[2], 3000 - 174, 3000 + 174);
    assert_in_range(counts[3], 1000 - 142, 1000 + 142);
    flow_rig_done(&rig);
}

static void test_hash_source_keeps_a_client_together(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, edited(three, "  port: 80\n", "  port: 80\n  hash: source\n"));
    struct flow_spec out = syn(1);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_PASS);
    uint8_t backend = to(&rig);
    for (uint16_t sport = 2; sport < 50; sport++) {
        out = syn(sport);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_PASS);
        assert_int_equal(to(&rig), backend);
    }
    flow_rig_done(&rig);
}

/* A backend marked down: new flows go elsewhere, and only those that were its own move. */
static void test_command_down_moves_only_its_flows(void **state)
{
    (void)state;
    enum { FLOWS = 300 };
    struct flow_rig before;
    struct flow_rig after;
    uint32_t counts[4] = {0};
    start(&before, three);
    start(&after, three);
    command(&after, "backend web/b down");
    for (uint16_t i = 0; i < FLOWS; i++) {
        struct flow_spec out = syn((uint16_t)(3000 + i));
        assert_int_equal(flow_rig_send(&before, SL_PORT_WAN, &out), SL_VERDICT_PASS);
        assert_int_equal(flow_rig_send(&after, SL_PORT_WAN, &out), SL_VERDICT_PASS);
        assert_int_not_equal(to(&after), 2);
        if (to(&before) != 2) {
            assert_int_equal(to(&after), to(&before));
        } else {
            counts[to(&after)]++;
        }
    }
    assert_true(counts[1] > 25 && counts[3] > 25); /* its share went to both */
    assert_int_equal(flow_rig_counter(&after, "web/b.down"), 1);
    assert_int_equal(flow_rig_counter(&after, "web/a.down"), 0);
    command(&after, "backend web/b up");
    struct flow_spec out = syn(60000);
    uint32_t found = 0;
    for (uint16_t i = 0; i < 50; i++) {
        out.sport++;
        assert_int_equal(flow_rig_send(&after, SL_PORT_WAN, &out), SL_VERDICT_PASS);
        found += to(&after) == 2;
    }
    assert_true(found > 0);
    flow_rig_done(&before);
    flow_rig_done(&after);
}

/* Established connections stay with a backend that is down; those that it never answered, and
 * datagrams, begin anew elsewhere. */
static void test_down_keeps_established_and_moves_the_rest(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, three);
    uint16_t sport = 4000;
    while (establish(&rig, sport) != 2) {
        sport++;
    }
    struct flow_spec waiting = syn(7000);
    do {
        waiting.sport++;
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &waiting), SL_VERDICT_PASS);
    } while (to(&rig) != 2);
    struct flow_spec dns = {
        .src = "203.0.113.5", .dst = "192.0.2.10", .sport = 100, .dport = 53, .proto = 17};
    do {
        dns.sport++;
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &dns), SL_VERDICT_PASS);
    } while (to(&rig) != 2);
    command(&rig, "backend web/b down");
    command(&rig, "backend dns/b down");
    assert_int_equal(push(&rig, sport), SL_VERDICT_PASS);
    assert_int_equal(to(&rig), 2);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &waiting), SL_VERDICT_DROP);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &waiting), SL_VERDICT_PASS);
    assert_int_not_equal(to(&rig), 2);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &dns), SL_VERDICT_DROP);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &dns), SL_VERDICT_PASS);
    assert_int_equal(to(&rig), 1);
    assert_int_equal(flow_rig_counter(&rig, "ended"), 2);
    /* unless the service wants its sessions shut down */
    reload(&rig,
           edited(three, "  port: 80\n", "  port: 80\n  on_marked_down: shutdown-sessions\n"));
    assert_int_equal(push(&rig, sport), SL_VERDICT_REPLY);
    assert_int_equal(rig.packet.data[33] & FLOW_RST, FLOW_RST);
    flow_rig_done(&rig);
}

static void test_drain_keeps_flows_and_takes_no_new(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, three);
    uint16_t sports[4] = {0};
    for (uint16_t sport = 4000; sports[1] == 0 || sports[2] == 0 || sports[3] == 0; sport++) {
        sports[establish(&rig, sport)] = sport;
    }
    command(&rig, "backend web/a drain");
    reload(&rig, edited(three, "10.0.0.2}", "10.0.0.2, state: drain}")); /* marks live on */
    for (uint8_t i = 1; i <= 3; i++) {
        assert_int_equal(push(&rig, sports[i]), SL_VERDICT_PASS);
        assert_int_equal(to(&rig), i);
    }
    for (uint16_t sport = 9000; sport < 9040; sport++) {
        assert_int_equal(establish(&rig, sport), 3);
    }
    assert_int_equal(flow_rig_counter(&rig, "web/a.draining"), 1);
    assert_int_equal(flow_rig_counter(&rig, "web/b.draining"), 1);
    assert_true(flow_rig_counter(&rig, "web/b.active") > 0);
    command(&rig, "backend web/a ready");
    assert_int_equal(flow_rig_counter(&rig, "web/a.draining"), 0);
    flow_rig_done(&rig);
}

static void test_reload_keeps_flows_where_they_are(void **state)
{
    (void)state;
    struct flow_rig rig;
    uint8_t was[40];
    start(&rig, three);
    for (uint16_t i = 0; i < 40; i++) {
        was[i] = establish(&rig, (uint16_t)(5000 + i));
    }
    /* another order, another backend, other weights; one is gone */
    reload(&rig, "services:\n"
                 "- name: new\n"
                 "  address: 192.0.2.11\n"
                 "  backends: []\n"
                 "- name: web\n"
                 "  address: 192.0.2.10\n"
                 "  protocol: tcp\n"
                 "  port: 80\n"
                 "  backends:\n"
                 "  - {name: d, address: 10.0.0.4, weight: 60000}\n"
                 "  - {name: c, address: 10.0.0.3, port: 8080}\n"
                 "  - {name: a, address: 10.0.0.1, port: 8080}\n");
    for (uint16_t i = 0; i < 40; i++) {
        uint8_t verdict = push(&rig, (uint16_t)(5000 + i));
        assert_int_equal(verdict, was[i] == 2 ? SL_VERDICT_REPLY : SL_VERDICT_PASS);
        if (was[i] == 2) { /* its backend is gone: the client is told */
            assert_int_equal(rig.packet.data[33] & FLOW_RST, FLOW_RST);
        } else {
            assert_int_equal(to(&rig), was[i]);
        }
    }
    assert_true(flow_rig_counter(&rig, "web/c.active") > 0);
    flow_rig_done(&rig);
}

static void test_maintenance_ends_flows(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, three);
    uint16_t sport = 4000;
    while (establish(&rig, sport) != 2) {
        sport++;
    }
    reload(&rig, edited(three, "10.0.0.2}", "10.0.0.2, state: maint}"));
    assert_int_equal(push(&rig, sport), SL_VERDICT_REPLY);
    assert_int_not_equal(establish(&rig, sport), 2);
    flow_rig_done(&rig);
}

static void test_all_down_refuses_or_drops(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec out = syn(1);
    struct flow_spec dns = {
        .src = "203.0.113.5", .dst = "192.0.2.10", .sport = 100, .dport = 53, .proto = 17};
    start(&rig, three);
    command(&rig, "backend web/a down");
    command(&rig, "backend web/b drain");
    command(&rig, "backend web/c down");
    command(&rig, "backend dns/a down");
    command(&rig, "backend dns/b down");
    for (int i = 0; i < 2; i++) { /* it is forgotten, so the next is refused as well */
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_REPLY);
        assert_int_equal(rig.packet.data[33], FLOW_RST | FLOW_ACK);
        assert_memory_equal(rig.packet.data + 12, ((uint8_t[]){192, 0, 2, 10}), 4);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &dns), SL_VERDICT_REPLY);
        assert_int_equal(rig.packet.data[20], 3);
        assert_int_equal(rig.packet.data[21], 3);
    }
    assert_int_equal(flow_rig_counter(&rig, "no_backend"), 4);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 0);
    reload(&rig, edited(three, "  port: 80\n", "  port: 80\n  when_down: drop\n"));
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_DROP);
    flow_rig_done(&rig);
}

static void test_other_traffic_passes_or_drops(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec closed = syn(1);
    struct flow_spec foreign = syn(2);
    struct flow_spec own = {.src = "10.0.0.1",
                            .dst = "203.0.113.77",
                            .sport = 9,
                            .dport = 25,
                            .proto = 6,
                            .flags = FLOW_SYN};
    closed.dport = 81;
    foreign.dst = "192.0.2.99";
    for (int i = 0; i < 2; i++) {
        uint8_t verdict = i == 0 ? SL_VERDICT_PASS : SL_VERDICT_DROP;
        start(&rig, i == 0 ? three : edited(three, "other: pass", "other: drop"));
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &closed), verdict);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &foreign), verdict);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &own), SL_VERDICT_PASS);
        assert_int_equal(from(&rig), 1); /* a backend's own flows are not translated */
        struct flow_spec answer = flow_spec_turn(&own);
        answer.flags = FLOW_SYN | FLOW_ACK;
        answer.ack = 1;
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &answer), SL_VERDICT_PASS);
        struct flow_spec direct = syn(3);
        direct.dst = "10.0.0.1"; /* past the service */
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &direct), verdict);
        assert_int_equal(flow_rig_counter(&rig, "no_service"), 1);
        assert_int_equal(flow_rig_counter(&rig, "other"), 2);
        flow_rig_done(&rig);
    }
}

static void test_fullnat_rewrites_the_source_too(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, edited(three, "  port: 80\n",
                       "  port: 80\n  forward: fullnat\n"
                       "  source_addresses: [10.0.0.250, 10.0.0.251]\n"
                       "  source_ports: [20000, 20255]\n"));
    static bool used[2][256];
    uint32_t full = 0;
    for (uint16_t i = 0; i < 1700; i++) { /* 512 ends of ours for each backend */
        struct flow_spec out = syn((uint16_t)(1000 + i));
        if (flow_rig_send(&rig, SL_PORT_WAN, &out) != SL_VERDICT_PASS) {
            full++;
            continue;
        }
        assert_true(flow_packet_is_sound(&rig.packet));
        assert_in_range(from(&rig), 250, 251);
        assert_in_range(rig.packet.sport, 20000, 20255);
        if (to(&rig) == 1) {
            bool *mine = &used[from(&rig) - 250][rig.packet.sport - 20000];
            assert_false(*mine);
            *mine = true;
        }
        struct flow_spec back = {.src = backends[to(&rig)],
                                 .dst = from(&rig) == 250 ? "10.0.0.250" : "10.0.0.251",
                                 .sport = rig.packet.dport,
                                 .dport = rig.packet.sport,
                                 .proto = 6,
                                 .flags = FLOW_SYN | FLOW_ACK,
                                 .seq = 7,
                                 .ack = 1001};
        assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &back), SL_VERDICT_PASS);
        assert_memory_equal(rig.packet.src, ((uint8_t[]){192, 0, 2, 10}), 4);
        assert_memory_equal(rig.packet.dst, ((uint8_t[]){203, 0, 113, 5}), 4);
        assert_int_equal(rig.packet.dport, 1000 + i);
        assert_true(flow_packet_is_sound(&rig.packet));
    }
    assert_true(full > 100 && full < 400); /* exhaustion is counted, nothing is shared */
    assert_int_equal(flow_rig_counter(&rig, "collided"), full);
    flow_rig_done(&rig);
}

/* A service through a tunnel, of either family to either. */
static const char tunnel[] = "services:\n"
                             "- name: t4\n"
                             "  address: 192.0.2.10\n"
                             "  forward: tunnel\n"
                             "  backends:\n"
                             "  - {name: a, address: BACKEND}\n"
                             "- name: t6\n"
                             "  address: 2001:db8::10\n"
                             "  forward: tunnel\n"
                             "  backends:\n"
                             "  - {name: a, address: BACKEND}\n"
                             "tunnel_addresses: [10.0.0.254, '2001:db8:1::fe']\n"
                             "tunnel_mtu: 1400\n";

static void test_tunnel_wraps_and_leaves_answers(void **state)
{
    (void)state;
    static const char *const ends[] = {"10.0.0.1", "2001:db8:1::1"};
    for (int o = 0; o < 2; o++) {
        struct flow_rig rig;
        char text[1024];
        (void)snprintf(text, sizeof(text), "%s", edited(tunnel, "BACKEND", ends[o]));
        start(&rig, edited(text, "BACKEND", ends[o]));
        for (int i = 0; i < 2; i++) {
            struct flow_spec out = {.src = i == 0 ? "203.0.113.5" : "2001:db8:9::5",
                                    .dst = i == 0 ? "192.0.2.10" : "2001:db8::10",
                                    .sport = 5,
                                    .dport = 80,
                                    .proto = 17,
                                    .payload = 100};
            uint8_t plain[256];
            uint32_t size = flow_packet_write(&out, plain, sizeof(plain));
            assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out), SL_VERDICT_PASS);
            uint32_t more = o == 0 ? 20 : 40;
            assert_int_equal(rig.packet.size, size + more);
            assert_int_equal(rig.packet.proto, i == 0 ? 4 : 41);
            assert_int_equal(to(&rig), 1);
            assert_int_equal(from(&rig), o == 0 ? 254 : 0xfe);
            assert_true(flow_packet_is_sound(&rig.packet));
            assert_memory_equal(rig.packet.data + more, plain, size);
            /* the backend answers the client itself; where that comes by here it passes */
            struct flow_spec back = flow_spec_turn(&out);
            assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &back), SL_VERDICT_PASS);
            assert_int_equal(from(&rig), i == 0 ? 10 : 0x10);
            /* too big: the client is told what fits */
            out.payload = 1390;
            assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &out),
                             i == 0 && o == 0 ? SL_VERDICT_PASS : SL_VERDICT_REPLY);
            if (i == 1) {
                assert_int_equal(rig.packet.data[40], 2);
                assert_int_equal(sl_be32_get(rig.packet.data + 44), 1400 - more);
            }
        }
        flow_rig_done(&rig);
    }
}

/* ICMP errors find the flow's backend, or its client, and quote what each of them knows. */
static void test_errors_are_translated(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, three);
    uint16_t sport = 4000;
    while (establish(&rig, sport) != 1) {
        sport++;
    }
    /* from a router before the client, about an answer */
    struct flow_spec answer = {.src = "192.0.2.10",
                               .dst = "203.0.113.5",
                               .sport = 80,
                               .dport = sport,
                               .proto = 6,
                               .flags = FLOW_ACK,
                               .payload = 40};
    struct flow_spec error = {.src = "198.51.100.1",
                              .dst = "192.0.2.10",
                              .proto = 1,
                              .icmp_type = 3,
                              .icmp_code = 4,
                              .about = &answer};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &error), SL_VERDICT_PASS);
    assert_int_equal(to(&rig), 1);
    assert_int_equal(from(&rig), 1); /* 198.51.100.1 */
    assert_true(flow_packet_is_sound(&rig.packet));
    struct sl_packet quoted = {
        .data = rig.packet.data + 28, .size = rig.packet.size - 28, .room = 1000};
    assert_true(flow_packet_is_sound(&quoted));
    assert_memory_equal(quoted.data + 12, ((uint8_t[]){10, 0, 0, 1, 203, 0, 113, 5}), 8);
    assert_int_equal(sl_be16_get(quoted.data + 20), 8080);
    /* from the backend, about what the client sent */
    struct flow_spec sent = {.src = "203.0.113.5",
                             .dst = "10.0.0.1",
                             .sport = sport,
                             .dport = 8080,
                             .proto = 6,
                             .flags = FLOW_ACK,
                             .payload = 40};
    error = (struct flow_spec){.src = "10.0.0.1",
                               .dst = "203.0.113.5",
                               .proto = 1,
                               .icmp_type = 3,
                               .icmp_code = 1,
                               .about = &sent};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &error), SL_VERDICT_PASS);
    assert_memory_equal(rig.packet.src, ((uint8_t[]){192, 0, 2, 10}), 4);
    assert_true(flow_packet_is_sound(&rig.packet));
    quoted.data = rig.packet.data + 28;
    quoted.size = rig.packet.size - 28;
    assert_true(flow_packet_is_sound(&quoted));
    assert_memory_equal(quoted.data + 16, ((uint8_t[]){192, 0, 2, 10}), 4);
    assert_int_equal(sl_be16_get(quoted.data + 22), 80);
    assert_int_equal(flow_rig_counter(&rig, "errors"), 2);
    /* about no flow */
    answer.dport = 9;
    error = (struct flow_spec){.src = "198.51.100.1",
                               .dst = "192.0.2.10",
                               .proto = 1,
                               .icmp_type = 3,
                               .icmp_code = 4,
                               .about = &answer};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &error), SL_VERDICT_DROP);
    flow_rig_done(&rig);
}

/* Client and backend behind one port: out of it again. */
static void test_same_side_goes_back_out(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, three);
    struct flow_spec out = syn(1);
    out.src = "10.0.7.7";
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &out), SL_VERDICT_REPLY);
    assert_true(flow_packet_is_sound(&rig.packet));
    struct flow_spec back = {.src = backends[to(&rig)],
                             .dst = "10.0.7.7",
                             .sport = sl_be16_get(rig.packet.data + 22),
                             .dport = 1,
                             .proto = 6,
                             .flags = FLOW_SYN | FLOW_ACK,
                             .ack = 1001};
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &back), SL_VERDICT_REPLY);
    assert_memory_equal(rig.packet.src, ((uint8_t[]){192, 0, 2, 10}), 4);
    flow_rig_done(&rig);
}

static const struct sl_nf *balancer_nf(void)
{
    for (uint32_t i = 0; i < sl_nf_registered_count(); i++) {
        if (strcmp(sl_nf_registered(i)->name, "balancer") == 0) {
            return sl_nf_registered(i);
        }
    }
    fail();
    return NULL;
}

/* Both directions of every flow come to one shard, and flows spread over all. */
static void test_steer_both_directions_to_one_shard(void **state)
{
    (void)state;
    struct policy_nf policy = policy_nf_make("balancer", "flows=8192", three);
    void *lb = NULL;
    char reason[256];
    uint32_t counts[4] = {0};
    assert_ok(balancer_nf()->load(policy.nf.policy, policy.nf.size, &lb, reason, sizeof(reason)));
    for (uint16_t sport = 1; sport < 400; sport++) {
        struct test_packet p;
        packet_make(&p, "203.0.113.5", "192.0.2.10", 6, sport, 80, 60);
        uint32_t shard = balancer_nf()->steer(lb, &p.packet, 4);
        assert_in_range(shard, 0, 3);
        counts[shard]++;
        for (uint32_t i = 1; i <= 3; i++) {
            packet_make(&p, backends[i], "203.0.113.5", 6, 8080, sport, 60);
            assert_int_equal(balancer_nf()->steer(lb, &p.packet, 4), shard);
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(counts[i] > 50);
    }
    struct test_packet p;
    packet_make(&p, "198.51.100.1", "198.51.100.2", 6, 1, 80, 60);
    assert_true(balancer_nf()->steer(lb, &p.packet, 4) == SL_STEER_ANY);
    balancer_nf()->unload(lb);
    sl_policy_done(&policy.compiled);
}

/* A command that is none, or of nobody; a policy cut anywhere, and with every bit turned. */
static void test_command_and_load_refuse(void **state)
{
    (void)state;
    struct policy_nf policy = policy_nf_make("balancer", "flows=8192",
                                             edited(three, "  port: 80\n",
                                                    "  port: 80\n  forward: fullnat\n"
                                                    "  source_addresses: [10.0.0.250]\n"));
    void *lb = NULL;
    char text[256];
    uint8_t bytes[1024];
    assert_ok(balancer_nf()->load(policy.nf.policy, policy.nf.size, &lb, text, sizeof(text)));
    assert_rc(balancer_nf()->command(lb, "backend web/z up", text, sizeof(text)), SL_NOT_FOUND);
    assert_rc(balancer_nf()->command(lb, "backend web/a sideways", text, sizeof(text)), SL_INVALID);
    assert_rc(balancer_nf()->command(lb, "frontend", text, sizeof(text)), SL_INVALID);
    assert_rc(balancer_nf()->command(lb, "", text, sizeof(text)), SL_INVALID);
    balancer_nf()->unload(lb);
    assert_true(policy.nf.size < sizeof(bytes));
    for (uint32_t size = 0; size < policy.nf.size; size++) {
        text[0] = '\0';
        assert_rc(balancer_nf()->load(policy.nf.policy, size, &lb, text, sizeof(text)),
                  SL_TRUNCATED);
        assert_int_not_equal(text[0], '\0');
    }
    for (uint32_t at = 0; at < policy.nf.size; at++) {
        memcpy(bytes, policy.nf.policy, policy.nf.size);
        bytes[at] ^= (uint8_t)(1 << at % 8);
        text[0] = '\0';
        sl_rc rc = balancer_nf()->load(bytes, policy.nf.size, &lb, text, sizeof(text));
        assert_true(rc == SL_OK || text[0] != '\0');
        if (rc == SL_OK) {
            balancer_nf()->unload(lb);
        }
    }
    memcpy(bytes, policy.nf.policy, policy.nf.size);
    bytes[5] = 9;
    assert_rc(balancer_nf()->load(bytes, policy.nf.size, &lb, text, sizeof(text)), SL_UNSUPPORTED);
    bytes[5] = 1;
    bytes[47] = 0xff;
    assert_rc(balancer_nf()->load(bytes, policy.nf.size, &lb, text, sizeof(text)), SL_RANGE);
    sl_policy_done(&policy.compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nat_translates_both_ways),
        cmocka_unit_test(test_nat_udp_icmp_and_ip6),
        cmocka_unit_test(test_choose_follows_weights),
        cmocka_unit_test(test_hash_source_keeps_a_client_together),
        cmocka_unit_test(test_command_down_moves_only_its_flows),
        cmocka_unit_test(test_down_keeps_established_and_moves_the_rest),
        cmocka_unit_test(test_drain_keeps_flows_and_takes_no_new),
        cmocka_unit_test(test_reload_keeps_flows_where_they_are),
        cmocka_unit_test(test_maintenance_ends_flows),
        cmocka_unit_test(test_all_down_refuses_or_drops),
        cmocka_unit_test(test_other_traffic_passes_or_drops),
        cmocka_unit_test(test_fullnat_rewrites_the_source_too),
        cmocka_unit_test(test_tunnel_wraps_and_leaves_answers),
        cmocka_unit_test(test_errors_are_translated),
        cmocka_unit_test(test_same_side_goes_back_out),
        cmocka_unit_test(test_steer_both_directions_to_one_shard),
        cmocka_unit_test(test_command_and_load_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
