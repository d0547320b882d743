/* SPDX-License-Identifier: Apache-2.0 */
/* NAT64: RFC 6052, 6146 and 7915. */
#include <arpa/inet.h>

#include "bed.h"
#include "nat/nat.h"
#include "nat/translate.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN };

#define PLAIN                                                                                      \
    "inside: [\"2001:db8:1::/48\", 10.0.0.0/8]\n"                                                  \
    "outside: {addresses: [192.0.2.1]}\n"                                                          \
    "nat64: {prefix: \"2001:db8:64::/96\"}\n"

static const struct flow_spec query = {.src = "2001:db8:1::5",
                                       .sport = 4000,
                                       .dst = "2001:db8:64::198.51.100.1",
                                       .dport = 53,
                                       .proto = 17,
                                       .payload = 31};
static const struct flow_spec answer = {.src = "198.51.100.1",
                                        .sport = 53,
                                        .dst = "192.0.2.1",
                                        .dport = 4000,
                                        .proto = 17,
                                        .payload = 31};

/* RFC 6052 2.4, its own table. */
static void test_addr64_embed_and_extract_by_the_table_of_rfc_6052(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *address;
        uint8_t bits;
    } table[] = {
        {"2001:db8::", "2001:db8:c000:221::", 32},
        {"2001:db8:100::", "2001:db8:1c0:2:21::", 40},
        {"2001:db8:122::", "2001:db8:122:c000:2:2100::", 48},
        {"2001:db8:122:300::", "2001:db8:122:3c0:0:221::", 56},
        {"2001:db8:122:344::", "2001:db8:122:344:c0:2:2100::", 64},
        {"2001:db8:122:344::", "2001:db8:122:344::c000:221", 96},
    };
    const uint8_t addr4[4] = {192, 0, 2, 33};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct nat_policy policy = {.prefix64_bits = table[i].bits};
        uint8_t want[16];
        uint8_t got[16];
        uint8_t back[4];
        assert_int_equal(inet_pton(AF_INET6, table[i].prefix, policy.prefix64), 1);
        assert_int_equal(inet_pton(AF_INET6, table[i].address, want), 1);
        nat_addr64_embed(&policy, addr4, got);
        assert_memory_equal(got, want, 16);
        assert_true(nat_addr64_extract(&policy, want, back));
        assert_memory_equal(back, addr4, 4);
        want[0] ^= 1;
        assert_false(nat_addr64_extract(&policy, want, back));
    }
}

static void test_nat64_translates_both_ways(void **state)
{
    (void)state;
    struct flow_rig rig;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
    assert_string_equal(nat_bed_destination(&rig), "198.51.100.1:53");
    assert_int_equal(rig.packet.data[8], 63);
    assert_int_equal(rig.packet.size, 20 + 8 + 31);
    assert_int_equal(sl_be16_get(rig.packet.data + 6), 0); /* RFC 7915 5.1: up to 1260 no DF */
    nat_bed_pass(&rig, WAN, &answer);
    assert_string_equal(nat_bed_source(&rig), "[2001:db8:64::c633:6401]:53");
    assert_string_equal(nat_bed_destination(&rig), "[2001:db8:1::5]:4000");
    assert_int_equal(rig.packet.data[7], 63);
    struct flow_spec big = query;
    big.payload = 1300;
    nat_bed_pass(&rig, LAN, &big);
    assert_int_equal(sl_be16_get(rig.packet.data + 6), 0x4000);
    /* RFC 7915 4.5: a checksum that IPv4 had not is computed */
    struct flow_spec bare = answer;
    bare.has_no_checksum = true;
    nat_bed_pass(&rig, WAN, &bare);
    assert_int_not_equal(sl_be16_get(rig.packet.data + 46), 0);
    /* and IPv4 inside is NAT44, from the same pool */
    const struct flow_spec four = {
        .src = "10.0.0.1", .sport = 4000, .dst = "198.51.100.1", .dport = 53, .proto = 17};
    nat_bed_pass(&rig, LAN, &four);
    assert_int_not_equal(nat_bed_sport(&rig), 4000);
    flow_rig_done(&rig);
}

static void test_nat64_tcp_and_echo(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec syn = query;
    struct flow_spec ping = query;
    syn.proto = 6;
    syn.flags = FLOW_SYN;
    ping.proto = 58;
    ping.icmp_type = 128;
    ping.sport = 99;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &syn);
    assert_int_equal(rig.packet.proto, 6);
    nat_bed_pass(&rig, LAN, &ping);
    assert_int_equal(rig.packet.proto, 1);
    assert_int_equal(rig.packet.icmp_type, 8);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:99");
    const struct flow_spec pong = {.src = "198.51.100.1",
                                   .sport = 99,
                                   .dst = "192.0.2.1",
                                   .proto = 1,
                                   .icmp_type = 0,
                                   .payload = 7};
    nat_bed_pass(&rig, WAN, &pong);
    assert_int_equal(rig.packet.proto, 58);
    assert_int_equal(rig.packet.icmp_type, 129);
    assert_string_equal(nat_bed_destination(&rig), "[2001:db8:1::5]:99");
    flow_rig_done(&rig);
}

static void test_nat64_lets_in_by_its_filter(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec other = answer;
    other.sport = 77;
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    nat_bed_pass(&rig, WAN, &other);
    assert_string_equal(nat_bed_destination(&rig), "[2001:db8:1::5]:4000");
    struct flow_spec back = query;
    back.dport = 77;
    nat_bed_pass(&rig, LAN, &back);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
    assert_string_equal(nat_bed_destination(&rig), "198.51.100.1:77");
    other.src = "198.51.100.2";
    assert_int_equal(flow_rig_send(&rig, WAN, &other), SL_VERDICT_DROP);
    assert_int_equal(rig.packet.rule, NAT_filtered);
    flow_rig_done(&rig);
}

static void test_nat64_hairpins(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec server = query;
    struct flow_spec client = query;
    server.src = "2001:db8:1::9";
    server.sport = 5000;
    client.dst = "2001:db8:64::192.0.2.1";
    client.dport = 5000;
    nat_bed_init(&rig, PLAIN "filtering: endpoint_independent\n");
    nat_bed_pass(&rig, LAN, &server);
    nat_bed_pass(&rig, LAN, &client);
    assert_string_equal(nat_bed_source(&rig), "[2001:db8:64::c000:201]:4000");
    assert_string_equal(nat_bed_destination(&rig), "[2001:db8:1::9]:5000");
    flow_rig_done(&rig);
}

#define WELL_KNOWN                                                                                 \
    "inside: [\"2001:db8:1::/48\"]\noutside: {addresses: [192.0.2.1]}\n"                           \
    "nat64: {prefix: \"64:ff9b::/96\"}\n"

/* RFC 6052 3.1: "Address translators MUST NOT translate packets in which an address is composed of
 * the Well-Known Prefix and a non-global IPv4 address; they MUST drop these packets", with the list
 * of RFC 5735 3 and what has been added since (RFC 6598): first and last address of each range, and
 * those that are next to it. */
static void test_nat64_addresses_that_are_not_global_under_the_well_known_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *addr;
        bool is_global;
    } table[] = {
        {"0.0.0.0", false},         {"0.255.255.255", false},   {"1.0.0.0", true},
        {"9.255.255.255", true},    {"10.0.0.0", false},        {"10.255.255.255", false},
        {"11.0.0.0", true},         {"100.63.255.255", true},   {"100.64.0.0", false},
        {"100.127.255.255", false}, {"100.128.0.0", true},      {"126.255.255.255", true},
        {"127.0.0.0", false},       {"127.255.255.255", false}, {"128.0.0.0", true},
        {"169.253.255.255", true},  {"169.254.0.0", false},     {"169.254.255.255", false},
        {"169.255.0.0", true},      {"172.15.255.255", true},   {"172.16.0.0", false},
        {"172.31.255.255", false},  {"172.32.0.0", true},       {"191.255.255.255", true},
        {"192.0.0.0", false},       {"192.0.0.255", false},     {"192.0.1.0", true},
        {"192.0.1.255", true},      {"192.0.2.0", false},       {"192.0.2.255", false},
        {"192.0.3.0", true},        {"192.88.98.255", true},    {"192.88.99.0", false},
        {"192.88.99.255", false},   {"192.88.100.0", true},     {"192.167.255.255", true},
        {"192.168.0.0", false},     {"192.168.255.255", false}, {"192.169.0.0", true},
        {"198.17.255.255", true},   {"198.18.0.0", false},      {"198.19.255.255", false},
        {"198.20.0.0", true},       {"198.51.99.255", true},    {"198.51.100.0", false},
        {"198.51.100.255", false},  {"198.51.101.0", true},     {"203.0.112.255", true},
        {"203.0.113.0", false},     {"203.0.113.255", false},   {"203.0.114.0", true},
        {"223.255.255.255", true},  {"224.0.0.0", false},       {"239.255.255.255", false},
        {"240.0.0.0", false},       {"255.255.255.255", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint8_t addr[4];
        assert_int_equal(inet_pton(AF_INET, table[i].addr, addr), 1);
        if (nat_addr4_is_global(addr) != table[i].is_global) {
            fail_msg("%s", table[i].addr);
        }
    }
    static const char *const ranges[] = {"192.168.1.1",  "192.0.0.1",   "192.0.2.77",
                                         "198.51.100.1", "203.0.113.1", "198.18.0.1"};
    struct flow_rig rig;
    nat_bed_init(&rig, WELL_KNOWN "forwards: [{protocol: udp, outside: \"192.0.2.1:80\", inside: "
                                  "\"[2001:db8:1::5]:80\"}]\n");
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "64:ff9b::%s", ranges[i]);
        struct flow_spec out = query;
        struct flow_spec in = answer;
        out.dst = text;
        in.src = ranges[i];
        in.dport = 80;
        nat_bed_refused(&rig, LAN, &out, NAT_not_global);
        nat_bed_refused(&rig, WAN, &in, NAT_not_global);
    }
    assert_int_equal(nat_bed_mappings(&rig), 0);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 0);
    flow_rig_done(&rig);
    struct flow_spec to_private = query;
    to_private.dst = "64:ff9b::192.168.1.1";
    nat_bed_init(&rig, "inside: [\"2001:db8:1::/48\"]\noutside: {addresses: [192.0.2.1]}\n"
                       "nat64: {prefix: \"64:ff9b::/96\", private_addresses: true}\n");
    nat_bed_pass(&rig, LAN, &to_private);
    struct flow_spec known = query;
    known.dst = "64:ff9b::198.51.100.1";
    nat_bed_pass(&rig, LAN, &known);
    /* a policy that no longer has them ends what goes on, both ways */
    struct flow_spec back = answer;
    back.src = "192.168.1.1";
    nat_bed_pass(&rig, WAN, &back);
    nat_bed_reload(&rig, WELL_KNOWN);
    nat_bed_refused(&rig, LAN, &to_private, NAT_reload_ended);
    nat_bed_refused(&rig, WAN, &answer, NAT_reload_ended);
    flow_rig_done(&rig);
    nat_bed_init(&rig, PLAIN);
    to_private.dst = "2001:db8:64::192.168.1.1";
    nat_bed_pass(&rig, LAN, &to_private);
    flow_rig_done(&rig);
}

/* 3.1 again: an error comes from a router on the way, whose address has to be represented too. */
static void test_nat64_errors_of_routers_that_are_not_global(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec out = query;
    const struct flow_spec sent = {
        .src = "192.0.2.1", .sport = 4000, .dst = "9.9.9.9", .dport = 53, .proto = 17};
    struct flow_spec error = {
        .src = "10.1.1.1", .dst = "192.0.2.1", .proto = 1, .icmp_type = 11, .about = &sent};
    out.dst = "64:ff9b::9.9.9.9";
    nat_bed_init(&rig, WELL_KNOWN);
    nat_bed_pass(&rig, LAN, &out);
    nat_bed_refused(&rig, WAN, &error, NAT_not_global);
    error.src = "9.9.9.1";
    nat_bed_pass(&rig, WAN, &error);
    assert_int_equal(nat_bed_mappings(&rig), 1);
    flow_rig_done(&rig);
}

/* RFC 7915 4.2: type, code and MTU of IPv4 errors, and what they quote. */
static void test_nat64_errors_inbound(void **state)
{
    (void)state;
    static const struct {
        uint8_t type4, code4, type6, code6;
        bool is_dropped;
    } table[] = {
        {3, 0, 1, 0, false},  {3, 1, 1, 0, false},  {3, 2, 4, 1, false},  {3, 3, 1, 4, false},
        {3, 4, 2, 0, false},  {3, 9, 1, 1, false},  {3, 10, 1, 1, false}, {3, 13, 1, 1, false},
        {3, 14, 0, 0, true},  {3, 15, 1, 1, false}, {4, 0, 0, 0, true},   {11, 0, 3, 0, false},
        {11, 1, 3, 1, false}, {12, 0, 4, 0, false}, {12, 1, 0, 0, true},
    };
    struct flow_rig rig;
    struct flow_spec sent = {.src = "192.0.2.1",
                             .sport = 4000,
                             .dst = "198.51.100.1",
                             .dport = 53,
                             .proto = 17,
                             .payload = 31,
                             .ttl = 63};
    uint8_t original[256];
    struct flow_spec as_sent = query;
    as_sent.ttl = 63;
    uint32_t size = flow_packet_write(&as_sent, original, sizeof(original));
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_spec error = {.src = "203.0.113.9",
                                  .dst = "192.0.2.1",
                                  .proto = 1,
                                  .icmp_type = table[i].type4,
                                  .icmp_code = table[i].code4,
                                  .about = &sent};
        if (table[i].is_dropped) {
            assert_int_equal(flow_rig_send(&rig, WAN, &error), SL_VERDICT_DROP);
            continue;
        }
        nat_bed_pass(&rig, WAN, &error);
        assert_int_equal(rig.packet.data[40], table[i].type6);
        assert_int_equal(rig.packet.data[41], table[i].code6);
        assert_int_equal(rig.packet.size, 48 + size);
        assert_memory_equal(rig.packet.data + 48, original, size);
        if (table[i].type4 == 3 && table[i].code4 == 4) {
            assert_int_equal(sl_be32_get(rig.packet.data + 44),
                             1280); /* MTU 0: plateau, at least */
        }
    }
    flow_rig_done(&rig);
}

/* RFC 7915 5.2. */
static void test_nat64_errors_outbound(void **state)
{
    (void)state;
    static const struct {
        uint8_t type6, code6, type4, code4;
    } table[] = {{1, 0, 3, 1}, {1, 1, 3, 10}, {1, 2, 3, 1},  {1, 3, 3, 1},
                 {1, 4, 3, 3}, {2, 0, 3, 4},  {3, 0, 11, 0}, {3, 1, 11, 1}};
    struct flow_rig rig;
    struct flow_spec got = {.src = "2001:db8:64::198.51.100.1",
                            .sport = 53,
                            .dst = "2001:db8:1::5",
                            .dport = 4000,
                            .proto = 17,
                            .payload = 31};
    uint8_t original[256];
    uint32_t size = flow_packet_write(&answer, original, sizeof(original));
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_spec error = {.src = "2001:db8:1::5",
                                  .dst = "2001:db8:64::198.51.100.1",
                                  .proto = 58,
                                  .icmp_type = table[i].type6,
                                  .icmp_code = table[i].code6,
                                  .about = &got};
        nat_bed_pass(&rig, LAN, &error);
        assert_int_equal(rig.packet.data[20], table[i].type4);
        assert_int_equal(rig.packet.data[21], table[i].code4);
        assert_int_equal(rig.packet.size, 28 + size);
        assert_memory_equal(rig.packet.data + 28, original, size);
    }
    flow_rig_done(&rig);
}

static void test_icmp_error_pointers_by_the_tables_of_rfc_7915(void **state)
{
    (void)state;
    static const int to6[24] = {0, 1, 4, 4, -1, -1, -1, -1, 7,  6,  -1, -1,
                                8, 8, 8, 8, 24, 24, 24, 24, -1, -1, -1, -1};
    for (int i = 0; i < 24; i++) {
        uint8_t icmp[8] = {12, 0, 0, 0, (uint8_t)i};
        bool is_known = nat_icmp_error_4to6(icmp, 100, 1500);
        assert_int_equal(is_known, to6[i] >= 0);
        assert_true(!is_known || (icmp[0] == 4 && (int)sl_be32_get(icmp + 4) == to6[i]));
    }
    for (uint32_t i = 0; i < 44; i++) {
        uint8_t icmp[8] = {4, 0};
        sl_be32_put(icmp + 4, i);
        int want = i == 0 ? 0 : i == 1 ? 1 : i < 4 ? -1 : i < 6 ? 2 : i == 6 ? 9 : i == 7 ? 8 : 0;
        want = i < 8 ? want : i < 24 ? 12 : i < 40 ? 16 : -1;
        bool is_known = nat_icmp_error_6to4(icmp, 1500);
        assert_int_equal(is_known, want >= 0);
        assert_true(!is_known || (icmp[0] == 12 && icmp[4] == want));
    }
}

static void test_icmp_error_mtu(void **state)
{
    (void)state;
    static const struct {
        uint32_t mtu4, packet, mtu6, want;
    } table[] = {
        {1400, 1500, 1500, 1420}, /* 20 more for the larger header */
        {1500, 1500, 1500, 1500}, /* not above the IPv6 side's */
        {576, 1500, 1500, 1280},  /* IPv6 goes no lower */
        {0, 1500, 9000, 1512},    /* RFC 1191 5: the plateau below 1500, and 20 */
    };
    for (size_t i = 0; i < 4; i++) {
        uint8_t icmp[8] = {3, 4};
        sl_be16_put(icmp + 6, (uint16_t)table[i].mtu4);
        assert_true(nat_icmp_error_4to6(icmp, (uint16_t)table[i].packet, (uint16_t)table[i].mtu6));
        assert_int_equal(sl_be32_get(icmp + 4), table[i].want);
    }
    /* 20 less; the IPv6 side's at most, however large; 68 at least (RFC 791) */
    static const uint32_t back[][2] = {{1300, 1280},       {1500, 1480}, {9000, 1480},
                                       {UINT32_MAX, 1480}, {40, 68},     {0, 68}};
    for (size_t i = 0; i < 6; i++) {
        uint8_t icmp[8] = {2, 0};
        sl_be32_put(icmp + 4, back[i][0]);
        assert_true(nat_icmp_error_6to4(icmp, 1500));
        assert_int_equal(sl_be32_get(icmp + 4), back[i][1]);
    }
}

static void test_nat64_too_big_and_no_hops_are_answered(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec big = answer;
    struct flow_spec last = query;
    uint8_t bytes[2048];
    nat_bed_init(&rig, PLAIN);
    nat_bed_pass(&rig, LAN, &query);
    big.payload = 1500 - 28;
    struct sl_packet packet;
    struct sl_packet *list[1] = {&packet};
    flow_packet_make(&big, WAN, bytes, sizeof(bytes), &packet);
    bytes[6] = 0x40; /* DF */
    sl_be16_put(bytes + 10, 0);
    sl_be16_put(bytes + 10, sl_checksum_fold(sl_checksum_add(0, bytes, 20)));
    flow_rig_burst(&rig, list, 1);
    assert_int_equal(packet.verdict, SL_VERDICT_REPLY);
    assert_int_equal(bytes[20], 3);
    assert_int_equal(bytes[21], 4);
    assert_int_equal(sl_be16_get(bytes + 26), 1480);
    assert_true(flow_packet_is_sound(&packet));
    last.ttl = 1;
    assert_int_equal(flow_rig_send(&rig, LAN, &last), SL_VERDICT_REPLY);
    assert_int_equal(rig.packet.data[40], 3);
    assert_true(flow_packet_is_sound(&rig.packet));
    flow_rig_done(&rig);
}

/* RFC 7915 4.1: without DF what is larger than the IPv6 side takes "SHOULD be fragmented": whole or
 * already a fragment, it gets a fragment header and is marked for the runtime to cut. */
static void test_nat64_large_without_df_is_to_be_cut(void **state)
{
    (void)state;
    static const struct {
        uint32_t size4;
        uint16_t field;
        bool is_cut, is_replied;
    } table[] = {{1480, 0, false, false},      {1481, 0, true, false},
                 {1500, 0, true, false},       {1472, 0x2000, false, false},
                 {1476, 0x2000, true, false},  {1500, 0x2000, true, false},
                 {1480, 0x4000, false, false}, {1500, 0x4000, false, true}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_rig rig;
        uint8_t bytes[2048];
        struct flow_spec big = answer;
        struct sl_packet packet;
        struct sl_packet *list[1] = {&packet};
        nat_bed_init(&rig, PLAIN);
        nat_bed_pass(&rig, LAN, &query);
        big.payload = table[i].size4 - 28;
        flow_packet_make(&big, WAN, bytes, sizeof(bytes), &packet);
        sl_be16_put(bytes + 4, 0x1234);
        sl_be16_put(bytes + 6, table[i].field);
        sl_be16_put(bytes + 10, 0);
        sl_be16_put(bytes + 10, sl_checksum_fold(sl_checksum_add(0, bytes, 20)));
        assert_ok(sl_packet_parse(&packet));
        flow_rig_burst(&rig, list, 1);
        assert_int_equal(packet.verdict, table[i].is_replied ? SL_VERDICT_REPLY : SL_VERDICT_PASS);
        assert_int_equal((packet.has & SL_PKT_CUT) != 0, table[i].is_cut);
        if (!table[i].is_replied) {
            bool has_header = table[i].is_cut || (table[i].field & 0x2000) != 0;
            uint32_t head = has_header ? 48 : 40;
            assert_int_equal(packet.size, table[i].size4 - 20 + head);
            assert_int_equal(bytes[6], has_header ? 44 : 17);
            assert_true(!has_header || (sl_be16_get(bytes + 42) == table[i].field >> 13 &&
                                        sl_be32_get(bytes + 44) == 0x1234));
            assert_int_equal(packet.l4_off, head);
        }
        flow_rig_done(&rig);
    }
}

/* Inserts 8 bytes of extension behind the IPv6 header. */
static void insert_extension(struct sl_packet *packet, uint8_t type, const uint8_t *bytes)
{
    memmove(packet->data + 48, packet->data + 40, packet->size - 40);
    memcpy(packet->data + 40, bytes, 8);
    packet->data[40] = packet->data[6];
    packet->data[6] = type;
    packet->size += 8;
    sl_be16_put(packet->data + 4, (uint16_t)(packet->size - 40));
    assert_ok(sl_packet_parse(packet));
}

static void test_nat64_extensions_and_fragments(void **state)
{
    (void)state;
    struct flow_rig rig;
    uint8_t bytes[512];
    struct sl_packet packet;
    struct sl_packet *list[1] = {&packet};
    const uint8_t fragment[8] = {0, 0, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd};
    const uint8_t options[8] = {0, 0, 1, 4};
    const uint8_t routing[8] = {0, 0, 0, 1};
    nat_bed_init(&rig, PLAIN);
    flow_packet_make(&query, LAN, bytes, sizeof(bytes), &packet);
    insert_extension(&packet, 60, options);
    flow_rig_burst(&rig, list, 1);
    assert_int_equal(packet.verdict, SL_VERDICT_PASS);
    assert_int_equal(packet.size, 59);
    assert_true(flow_packet_is_sound(&packet));
    flow_packet_make(&query, LAN, bytes, sizeof(bytes), &packet);
    insert_extension(&packet, 44, fragment);
    flow_rig_burst(&rig, list, 1);
    assert_int_equal(packet.verdict, SL_VERDICT_PASS);
    assert_int_equal(sl_be16_get(bytes + 4), 0xccdd);
    assert_int_equal(sl_be16_get(bytes + 6), 0x2000);
    flow_packet_make(&query, LAN, bytes, sizeof(bytes), &packet);
    insert_extension(&packet, 43, routing);
    flow_rig_burst(&rig, list, 1);
    assert_int_equal(packet.verdict, SL_VERDICT_REPLY);
    assert_int_equal(bytes[40], 4);
    assert_int_equal(sl_be32_get(bytes + 44), 43);
    /* and back: a fragment of IPv4 gets a header of its own */
    flow_packet_make(&answer, WAN, bytes, sizeof(bytes), &packet);
    sl_be16_put(bytes + 4, 0x1234);
    sl_be16_put(bytes + 6, 0x2000);
    sl_be16_put(bytes + 10, 0);
    sl_be16_put(bytes + 10, sl_checksum_fold(sl_checksum_add(0, bytes, 20)));
    assert_ok(sl_packet_parse(&packet));
    flow_rig_burst(&rig, list, 1);
    assert_int_equal(packet.verdict, SL_VERDICT_PASS);
    assert_int_equal(bytes[6], 44);
    assert_int_equal(packet.size, 48 + 8 + 31);
    assert_int_equal(sl_be16_get(bytes + 42), 1);
    assert_int_equal(sl_be32_get(bytes + 44), 0x1234);
    flow_rig_done(&rig);
}

/* ---- RFC 6146 3.5 ---- */

#define OPEN PLAIN "filtering: endpoint_independent\n"

static const struct flow_spec tcp6 = {.src = "2001:db8:1::5",
                                      .sport = 1234,
                                      .dst = "2001:db8:64::198.51.100.1",
                                      .dport = 80,
                                      .proto = 6};
static const struct flow_spec tcp4 = {
    .src = "198.51.100.1", .sport = 80, .dst = "192.0.2.1", .dport = 1234, .proto = 6};

static void say(struct flow_rig *rig, uint8_t port, uint8_t flags)
{
    struct flow_spec s = port == LAN ? nat_bed_segment(&tcp6, flags, 101, 501)
                                     : nat_bed_segment(&tcp4, flags, 501, 101);
    if ((flags & FLOW_SYN) != 0) {
        s.seq--;
    }
    nat_bed_pass(rig, port, &s);
}

/* 3.5.2.2: by what was said of a connection, how long it lasts. "TCP_EST" and then "TCP_TRANS" are
 * 2 hours and 4 minutes together: no probe is sent between them. */
static void test_nat64_tcp_lifetimes(void **state)
{
    (void)state;
    enum { S = FLOW_SYN, A = FLOW_ACK, F = FLOW_FIN, R = FLOW_RST, EST = 7440, TRANS = 240 };
    static const struct {
        const char *name;
        struct {
            uint8_t port, flags;
        } said[8];
        uint32_t lasts_s;
    } table[] = {
        {"V6 INIT", {{LAN, S}}, TRANS},
        {"V4 INIT", {{WAN, S}}, TRANS},
        {"established", {{LAN, S}, {WAN, S | A}, {LAN, A}}, EST},
        {"established from outside", {{WAN, S}, {LAN, S | A}, {WAN, A}}, EST},
        {"both at once", {{LAN, S}, {WAN, S}, {LAN, S | A}, {WAN, S | A}, {LAN, A}}, EST},
        {"V4 FIN RCV", {{LAN, S}, {WAN, S | A}, {LAN, A}, {WAN, F | A}}, EST},
        {"V6 FIN RCV", {{LAN, S}, {WAN, S | A}, {LAN, A}, {LAN, F | A}}, EST},
        {"V4 FIN + V6 FIN RCV",
         {{LAN, S}, {WAN, S | A}, {LAN, A}, {LAN, F | A}, {WAN, F | A}},
         TRANS},
        {"TRANS", {{LAN, S}, {WAN, S | A}, {LAN, A}, {LAN, R}}, TRANS},
        {"data in TRANS", {{LAN, S}, {WAN, S | A}, {LAN, A}, {WAN, R}, {LAN, A}}, EST},
        {"refused", {{LAN, S}, {WAN, R | A}}, TRANS},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_rig rig;
        struct flow_spec elsewhere = nat_bed_segment(&tcp6, FLOW_SYN, 1, 0);
        elsewhere.dst = "2001:db8:64::198.51.100.9";
        nat_bed_init(&rig, OPEN);
        nat_bed_pass(&rig, LAN, &elsewhere); /* the binding, without which nothing comes in */
        for (size_t k = 0; k < 8 && table[i].said[k].flags != 0; k++) {
            say(&rig, table[i].said[k].port, table[i].said[k].flags);
        }
        flow_rig_wait(&rig, (table[i].lasts_s - 2) * 1000);
        uint64_t before = nat_bed_mappings(&rig);
        flow_rig_wait(&rig, 6000);
        if (before != 1 || nat_bed_mappings(&rig) != 0) {
            fail_msg("%s: does not last for %u s", table[i].name, table[i].lasts_s);
        }
        flow_rig_done(&rig);
    }
}

/* 3.5.2.2: a SYN from IPv4 that nothing is known of "is silently discarded" where the policy has it
 * so, as here always; the binding that the filter guards does not change that. */
static void test_nat64_unsolicited_syn_is_never_answered(void **state)
{
    (void)state;
    for (int has_mapping = 0; has_mapping < 2; has_mapping++) {
        struct flow_rig rig;
        struct flow_spec syn = nat_bed_segment(&tcp4, FLOW_SYN, 500, 0);
        nat_bed_init(&rig, PLAIN);
        if (has_mapping) {
            struct flow_spec elsewhere = nat_bed_segment(&tcp6, FLOW_SYN, 1, 0);
            elsewhere.dst = "2001:db8:64::198.51.100.9";
            nat_bed_pass(&rig, LAN, &elsewhere);
        }
        nat_bed_refused(&rig, WAN, &syn, has_mapping ? NAT_filtered : NAT_no_mapping);
        flow_rig_wait(&rig, 5000);
        say(&rig, LAN, FLOW_SYN); /* within TCP_INCOMING_SYN: the first one stays dropped */
        flow_rig_wait(&rig, 10000);
        assert_int_equal(rig.emitted_count, 0);
        nat_bed_pass(&rig, WAN, &syn);
        flow_rig_done(&rig);
    }
}

/* 3.5.1 and 3.5.3: five minutes for UDP, one for ICMP queries. */
static void test_nat64_udp_and_query_lifetimes(void **state)
{
    (void)state;
    for (int is_echo = 0; is_echo < 2; is_echo++) {
        struct flow_rig rig;
        struct flow_spec spec = query;
        if (is_echo) {
            spec.proto = 58;
            spec.icmp_type = 128;
        }
        nat_bed_init(&rig, PLAIN);
        nat_bed_pass(&rig, LAN, &spec);
        flow_rig_wait(&rig, is_echo ? 59000 : 299000);
        assert_int_equal(nat_bed_mappings(&rig), 1);
        flow_rig_wait(&rig, 3000);
        assert_int_equal(nat_bed_mappings(&rig), 0);
        flow_rig_done(&rig);
    }
}

/* 3.5.1.1: without a port "an ICMPv6 Destination Unreachable [...] Code 3 (Address Unreachable)".
 */
static void test_nat64_exhaustion_is_answered(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec spec = query;
    nat_bed_init(&rig, "inside: [\"2001:db8:1::/48\"]\n"
                       "outside: {addresses: [192.0.2.1], ports: 1024-1087}\n"
                       "nat64: {prefix: \"2001:db8:64::/96\"}\n");
    for (spec.sport = 2000; spec.sport < 2064; spec.sport++) {
        nat_bed_pass(&rig, LAN, &spec);
    }
    assert_int_equal(flow_rig_send(&rig, LAN, &spec), SL_VERDICT_REPLY);
    assert_int_equal(rig.packet.rule, NAT_port_exhausted);
    assert_int_equal(rig.packet.data[6], 58);
    assert_int_equal(rig.packet.data[40], 1);
    assert_int_equal(rig.packet.data[41], 3);
    assert_true(flow_packet_is_sound(&rig.packet));
    flow_rig_done(&rig);
}

/* 3.5: what has a source under the prefix could go round in circles (5.4); 3.4: what is
 * neither TCP, UDP nor ICMP is dropped. */
static void test_nat64_drops_its_own_prefix_and_other_protocols(void **state)
{
    (void)state;
    struct flow_rig rig;
    struct flow_spec circle = query;
    struct flow_spec gre = query;
    const struct flow_spec gre4 = {
        .src = "198.51.100.1", .dst = "192.0.2.1", .proto = 47, .payload = 40};
    circle.src = "2001:db8:64::192.0.2.1";
    circle.dst = "2001:db8:64::198.51.100.1";
    gre.dst = "2001:db8:64::198.51.100.1";
    gre.proto = 47;
    nat_bed_init(&rig, "inside: [\"2001:db8::/32\"]\noutside: {addresses: [192.0.2.1]}\n"
                       "nat64: {prefix: \"2001:db8:64::/96\"}\n");
    nat_bed_refused(&rig, LAN, &circle, NAT_unmatched);
    nat_bed_refused(&rig, LAN, &gre, NAT_unsupported);
    nat_bed_refused(&rig, WAN, &gre4, NAT_no_mapping);
    assert_int_equal(nat_bed_mappings(&rig), 0);
    flow_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addr64_embed_and_extract_by_the_table_of_rfc_6052),
        cmocka_unit_test(test_nat64_translates_both_ways),
        cmocka_unit_test(test_nat64_tcp_and_echo),
        cmocka_unit_test(test_nat64_lets_in_by_its_filter),
        cmocka_unit_test(test_nat64_hairpins),
        cmocka_unit_test(test_nat64_addresses_that_are_not_global_under_the_well_known_prefix),
        cmocka_unit_test(test_nat64_errors_of_routers_that_are_not_global),
        cmocka_unit_test(test_nat64_errors_inbound),
        cmocka_unit_test(test_nat64_errors_outbound),
        cmocka_unit_test(test_icmp_error_pointers_by_the_tables_of_rfc_7915),
        cmocka_unit_test(test_icmp_error_mtu),
        cmocka_unit_test(test_nat64_too_big_and_no_hops_are_answered),
        cmocka_unit_test(test_nat64_large_without_df_is_to_be_cut),
        cmocka_unit_test(test_nat64_extensions_and_fragments),
        cmocka_unit_test(test_nat64_tcp_lifetimes),
        cmocka_unit_test(test_nat64_unsolicited_syn_is_never_answered),
        cmocka_unit_test(test_nat64_udp_and_query_lifetimes),
        cmocka_unit_test(test_nat64_exhaustion_is_answered),
        cmocka_unit_test(test_nat64_drops_its_own_prefix_and_other_protocols),
    };
    return cmocka_run_group_tests_name("nat/nat64", tests, NULL, NULL);
}
