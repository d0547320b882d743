/* SPDX-License-Identifier: Apache-2.0 */
/* What a subscriber and a mapping may have at most: RFC 6888 REQ-4, REQ-5. */
#include "bed.h"
#include "nat/nat.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN };

#define PLAIN "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1]}\n"
#define OPEN  PLAIN "filtering: endpoint_independent\n"

static const struct flow_spec query = {.src = "10.0.0.1",
                                       .sport = 4000,
                                       .dst = "198.51.100.1",
                                       .dport = 53,
                                       .proto = 17,
                                       .payload = 40};
static const struct flow_spec ping = {.src = "10.0.0.1",
                                      .sport = 77,
                                      .dst = "198.51.100.1",
                                      .proto = 1,
                                      .icmp_type = 8,
                                      .payload = 20};

/* RFC 6888 REQ-4: "limiting the number of external ports [...] that are assigned per subscriber",
 * b) by protocol. */
static void test_limits_of_a_subscriber_by_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *limits;
        uint32_t most[3]; /* TCP, UDP, ICMP */
    } table[] = {
        {"{mappings_per_subscriber: 3}", {3, 3, 3}},
        {"{mappings_per_subscriber: 3, udp_mappings_per_subscriber: 5}", {3, 5, 3}},
        {"{tcp_mappings_per_subscriber: 2, icmp_mappings_per_subscriber: 1}", {2, 9, 1}},
        {"{mappings_per_subscriber: 2, icmp_mappings_per_subscriber: 0}", {2, 2, 9}},
    };
    static const uint8_t protos[3] = {6, 17, 1};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct flow_rig rig;
        char yaml[256];
        (void)snprintf(yaml, sizeof(yaml), PLAIN "exhausted: drop\nlimits: %s\n", table[i].limits);
        nat_bed_init(&rig, yaml);
        for (uint32_t host = 1; host < 3; host++) {
            for (uint32_t k = 0; k < 3; k++) {
                for (uint32_t n = 0; n < 9; n++) {
                    char src[32];
                    struct flow_spec spec = protos[k] == 1 ? ping : query;
                    (void)snprintf(src, sizeof(src), "10.0.0.%u", host);
                    spec.src = src;
                    spec.proto = protos[k];
                    spec.flags = FLOW_SYN;
                    spec.sport = (uint16_t)(2000 + n);
                    if (n < table[i].most[k]) {
                        nat_bed_pass(&rig, LAN, &spec);
                    } else {
                        nat_bed_refused(&rig, LAN, &spec, NAT_subscriber_limit);
                    }
                }
            }
        }
        flow_rig_done(&rig);
    }
}

/* RFC 6888 REQ-5: "limiting the amount of state memory allocated per mapping [...] This may include
 * limiting the number of sessions". What has a session keeps it; strangers get half. */
static void test_sessions_of_a_mapping_are_limited(void **state)
{
    (void)state;
    static const char *const remotes[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3",
                                          "198.51.100.4", "198.51.100.5"};
    struct flow_rig rig;
    struct flow_spec out = query;
    struct flow_spec in = nat_bed_answer(&query, 4000);
    nat_bed_init(&rig, OPEN "limits: {sessions_per_mapping: 4}\n");
    nat_bed_pass(&rig, LAN, &out);
    in.sport = 99;
    nat_bed_pass(&rig, WAN, &in); /* a stranger */
    in.sport = 100;
    nat_bed_refused(&rig, WAN, &in, NAT_session_limit);
    for (uint32_t i = 1; i < 3; i++) {
        out.dst = remotes[i];
        nat_bed_pass(&rig, LAN, &out);
    }
    out.dst = remotes[3];
    assert_int_equal(flow_rig_send(&rig, LAN, &out), SL_VERDICT_REPLY);
    assert_int_equal(rig.packet.rule, NAT_session_limit);
    assert_int_equal(rig.packet.data[20], 3);
    assert_int_equal(rig.packet.data[21], 13);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 4);
    /* what is there goes on, and so does another endpoint */
    nat_bed_pass(&rig, LAN, &query);
    in.sport = 53;
    nat_bed_pass(&rig, WAN, &in);
    out.sport = 4001;
    nat_bed_pass(&rig, LAN, &out);
    assert_int_equal(nat_bed_mappings(&rig), 2);
    /* and what is over makes room */
    flow_rig_wait(&rig, 200000);
    nat_bed_pass(&rig, LAN, &query);
    flow_rig_wait(&rig, 200000);
    out.sport = 4000;
    nat_bed_pass(&rig, LAN, &out);
    assert_string_equal(nat_bed_source(&rig), "192.0.2.1:4000");
    flow_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_of_a_subscriber_by_protocol),
        cmocka_unit_test(test_sessions_of_a_mapping_are_limited),
    };
    return cmocka_run_group_tests_name("nat/limits", tests, NULL, NULL);
}
