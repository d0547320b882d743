/* SPDX-License-Identifier: Apache-2.0 */
/* The NF in a chain, under virtual time. */
#include "policy_rig.h"

#include "cuts.h"
#include "nf/eval.h"
#include "safelib/bytes.h"

static const char settings[] =
    "collector 192.0.2.10 from 10.0.0.1\nactive-timeout 10s\nidle-timeout 5s\n";

static void start(struct flow_rig *rig)
{
    policy_rig_start(rig, "monitor", "flows=1024", settings);
    rig->unix_ms = 1700000000000;
}

static const struct flow_spec dns = {.src = "10.0.0.5",
                                     .sport = 4000,
                                     .dst = "198.51.100.1",
                                     .dport = 53,
                                     .proto = 17,
                                     .payload = 10};

static void test_monitor_tells_of_a_flow_when_it_is_idle(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig);
    struct flow_spec answer = flow_spec_turn(&dns);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_LAN, &dns), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &answer), SL_VERDICT_PASS);
    flow_rig_wait(&rig, 4000);
    assert_int_equal(flow_rig_counter(&rig, "ipfix.records"), 0);
    flow_rig_wait(&rig, 3000);
    assert_int_equal(flow_rig_counter(&rig, "ipfix.records"), 2); /* one a direction */
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 0);
    flow_rig_done(&rig);
}

static void test_monitor_tells_of_a_long_flow_while_it_goes_on(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig);
    for (uint32_t i = 0; i < 25; i++) {
        (void)flow_rig_send(&rig, SL_PORT_LAN, &dns);
        flow_rig_wait(&rig, 1000);
    }
    assert_int_equal(flow_rig_counter(&rig, "ipfix.records"), 2); /* after 10 s and after 20 s */
    flow_rig_done(&rig);
}

static void test_monitor_errors_and_multicast_are_in_no_record(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig);
    struct flow_spec error = {.src = "198.51.100.1",
                              .dst = "10.0.0.5",
                              .proto = 1,
                              .icmp_type = 3,
                              .icmp_code = 1,
                              .about = &dns};
    (void)flow_rig_send(&rig, SL_PORT_LAN, &dns);
    assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &error), SL_VERDICT_PASS);
    assert_int_equal(flow_rig_counter(&rig, "no_flow.packets"), 1);
    flow_rig_done(&rig);
}

static void test_monitor_reload_keeps_flows_and_what_waits(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig);
    rig.unix_ms = 0; /* nobody has told the time: records wait */
    (void)flow_rig_send(&rig, SL_PORT_LAN, &dns);
    flow_rig_wait(&rig, 7000);
    assert_int_equal(flow_rig_counter(&rig, "ipfix.waiting"), 1);
    (void)flow_rig_send(&rig, SL_PORT_LAN, &dns);
    policy_rig_reload(&rig, "monitor", "flows=1024",
                      "collector 192.0.2.99 from 10.0.0.1\nidle-timeout 5s\ntalkers 3\n");
    rig.unix_ms = 1700000000000;
    assert_int_equal(flow_rig_counter(&rig, "ipfix.waiting"), 1);
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 1);
    flow_rig_wait(&rig, 7000);
    assert_int_equal(flow_rig_counter(&rig, "ipfix.records"), 2);
    const struct flow_rig_emitted *last = &rig.emitted[(rig.emitted_count - 1) % 16];
    assert_int_equal(last->data[19], 99); /* to the new collector */
    flow_rig_done(&rig);
}

static void test_monitor_closed_connection_is_told_soon(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig);
    struct flow_spec out = {.src = "10.0.0.5",
                            .sport = 5000,
                            .dst = "198.51.100.1",
                            .dport = 80,
                            .proto = 6,
                            .flags = FLOW_SYN,
                            .seq = 1};
    struct flow_spec in = flow_spec_turn(&out);
    (void)flow_rig_send(&rig, SL_PORT_LAN, &out);
    in.flags = FLOW_RST | FLOW_ACK;
    in.seq = 0;
    in.ack = 2;
    (void)flow_rig_send(&rig, SL_PORT_WAN, &in);
    flow_rig_wait(&rig, 2500);
    assert_int_equal(flow_rig_counter(&rig, "ipfix.records"), 2);
    flow_rig_done(&rig);
}

/* RFC 5102 5.10.1, octetDeltaCount: bytes of packets with their IP headers, so every fragment
 * counts. */
static void test_monitor_counts_every_fragment(void **state)
{
    (void)state;
    enum { SIZE = 3000, STEP = 1200, HEADERS = 3 * 20 };
    static uint8_t payload[SIZE];
    static struct cut cuts[3];
    struct flow_rig rig = {0};
    struct sl_policy policy;
    struct sl_err err = {0};
    struct sl_eval *eval = NULL;
    assert_ok(policy_compile("monitor", settings, &policy, &err));
    assert_ok(sl_chain_create(policy.bundle, policy.size, &rig.chain, &err));
    assert_ok(sl_eval_create(rig.chain, false, &eval));
    sl_eval_set_now(eval, 1000);
    cut_payload(payload, SIZE, false, 17);
    static const uint32_t order[3] = {1, 2, 0};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t begin = order[i] * STEP;
        uint32_t end = order[i] == 2 ? SIZE : begin + STEP;
        assert_ok(cut_make(&cuts[i], false, 9, 17, payload, begin, end, order[i] != 2));
        const struct sl_eval_packet packet = {
            .data = cuts[i].data, .size = cuts[i].packet.size, .port = SL_PORT_LAN};
        sl_eval_run(eval, &packet, 1);
    }
    sl_eval_set_now(eval, 3000); /* talkers are told now and then */
    assert_int_equal(flow_rig_counter(&rig, "flow table: flows"), 1);
    assert_int_equal(flow_rig_counter(&rig, "top.10.0.0.1"), SIZE + HEADERS);
    sl_eval_free(eval);
    sl_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monitor_tells_of_a_flow_when_it_is_idle),
        cmocka_unit_test(test_monitor_tells_of_a_long_flow_while_it_goes_on),
        cmocka_unit_test(test_monitor_errors_and_multicast_are_in_no_record),
        cmocka_unit_test(test_monitor_reload_keeps_flows_and_what_waits),
        cmocka_unit_test(test_monitor_closed_connection_is_told_soon),
        cmocka_unit_test(test_monitor_counts_every_fragment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
