/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_rig.h"

static void start(struct flow_rig *rig, const char *text)
{
    policy_rig_start(rig, "limit", "flows=4096", text);
}

static void reload(struct flow_rig *rig, const char *text)
{
    policy_rig_reload(rig, "limit", "flows=4096", text);
}

static uint32_t udp_send(struct flow_rig *rig, const char *src, uint16_t sport, uint32_t count)
{
    const struct flow_spec spec = {.src = src,
                                   .dst = strchr(src, ':') != NULL ? "2001:db8::9" : "198.51.100.1",
                                   .sport = sport,
                                   .dport = 53,
                                   .proto = 17,
                                   .payload = strchr(src, ':') != NULL ? 952 : 972};
    uint32_t passed = 0;
    for (uint32_t i = 0; i < count; i++) { /* 1000 bytes each */
        passed += flow_rig_send(rig, SL_PORT_LAN, &spec) == SL_VERDICT_PASS;
    }
    return passed;
}

static void test_rule_counts_bytes_of_all_together(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, "ip saddr 10.0.0.0/8 limit rate over 10000 bytes/second burst 5000 bytes drop\n");
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 3) + udp_send(&rig, "10.0.0.2", 1, 5), 5);
    assert_int_equal(udp_send(&rig, "192.0.2.1", 1, 5), 5); /* not of the rule */
    flow_rig_wait(&rig, 300);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 9), 3);
    flow_rig_wait(&rig, 3000);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 9), 5);
    assert_int_equal(flow_rig_counter(&rig, "rule.1.packets"), 26);
    assert_int_equal(flow_rig_counter(&rig, "rule.1.over"), 13);
    assert_int_equal(flow_rig_counter(&rig, "rule.1.over_bytes"), 13000);
    flow_rig_done(&rig);
}

static void test_source_has_a_bucket_of_its_own(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, "limit rate 1/second burst 3 packets per source prefix 24 48\n");
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 2) + udp_send(&rig, "10.0.0.2", 2, 5), 3);
    assert_int_equal(udp_send(&rig, "10.0.1.1", 1, 5), 3);
    assert_int_equal(
        udp_send(&rig, "2001:db8:1:1::1", 1, 2) + udp_send(&rig, "2001:db8:1:2::1", 2, 5), 3);
    assert_int_equal(udp_send(&rig, "2001:db8:2::1", 1, 5), 3);
    flow_rig_wait(&rig, 2000);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 5), 2);
    flow_rig_done(&rig);
}

static void test_flow_has_a_bucket_of_its_own(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, "udp dport 53 limit rate 1000 bytes/second burst 3000 bytes per flow\n"
                "limit rate 1000/second burst 8 packets\n");
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 5), 3);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 2, 5), 3);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 3, 5), 2); /* both rules hold */
    flow_rig_wait(&rig, 1000);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 5), 1);
    flow_rig_done(&rig);
}

static void test_mark_sets_dscp_and_goes_on(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, "limit rate over 1/second burst 1 packets ip dscp set af11\n"
                "limit rate over 1/second burst 3 packets drop\n");
    static const struct flow_spec specs[] = {
        {.src = "10.0.0.1", .dst = "10.0.0.2", .sport = 1, .dport = 2, .proto = 17, .payload = 9},
        {.src = "2001:db8::1", .dst = "2001:db8::2", .sport = 1, .dport = 2, .proto = 6},
    };
    for (uint32_t i = 0; i < 2; i++) {
        bool is_v4 = i == 0;
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &specs[i]), SL_VERDICT_PASS);
        uint32_t first = is_v4 ? rig.packet.data[1] : (sl_be16_get(rig.packet.data) >> 4) & 0xff;
        assert_int_equal(first, 0);
        assert_int_equal(flow_rig_send(&rig, SL_PORT_WAN, &specs[i]), SL_VERDICT_PASS);
        uint32_t second = is_v4 ? rig.packet.data[1] : (sl_be16_get(rig.packet.data) >> 4) & 0xff;
        assert_int_equal(second, 10 << 2);
        assert_int_equal(rig.packet.rule, 0);
        assert_true(flow_packet_is_sound(&rig.packet));
        flow_rig_wait(&rig, 10000);
    }
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 5), 3);
    assert_int_equal(rig.packet.rule, 1);
    flow_rig_done(&rig);
}

static void test_adopt_reload_keeps_buckets(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, "limit rate 1/minute burst 4 packets\n"
                "limit rate 1/minute burst 3 packets per source\n"
                "limit rate 1/minute burst 2 packets per flow\n");
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 2), 2);
    /* other rates, another order, a rule more: what was used stays used */
    reload(&rig, "tcp dport 80 limit rate 1/second\n"
                 "limit rate 2/minute burst 3 packets per source\n"
                 "limit rate 1/minute burst 2 packets per flow\n"
                 "limit rate 1/minute burst 4 packets\n");
    assert_int_equal(udp_send(&rig, "10.0.0.1", 1, 2), 0); /* the flow's bucket is empty */
    reload(&rig, "limit rate 1/minute burst 3 packets per source\n");
    assert_int_equal(udp_send(&rig, "10.0.0.1", 2, 3),
                     0); /* the source's paid for those two as well */
    assert_int_equal(udp_send(&rig, "10.0.9.1", 2, 5), 3);
    flow_rig_wait(&rig, 60000);
    assert_int_equal(udp_send(&rig, "10.0.0.1", 2, 3), 1);
    flow_rig_done(&rig);
}

static void test_flow_rule_without_flow_uses_one_bucket(void **state)
{
    (void)state;
    struct flow_rig rig;
    start(&rig, "limit rate 1/second burst 2 packets per flow\n");
    const struct flow_spec spec = {
        .src = "10.0.0.1", .dst = "224.0.0.9", .sport = 1, .dport = 2, .proto = 17};
    uint32_t passed = 0;
    for (uint32_t i = 0; i < 5; i++) {
        passed += flow_rig_send(&rig, SL_PORT_LAN, &spec) == SL_VERDICT_PASS;
    }
    assert_int_equal(passed, 2);
    flow_rig_done(&rig);
}

/* Policies cut anywhere, and each byte changed: refused with a sentence, or loaded; never worse. */
static void test_load_hostile_policies(void **state)
{
    (void)state;
    struct policy_nf policy =
        policy_nf_make("limit", "flows=4096",
                       "ip saddr 10.0.0.0/8 tcp dport 80-90 limit rate 10/second per "
                       "source\nlimit rate 1 mbytes/second per flow\n");
    const struct sl_nf *nf = NULL;
    for (uint32_t i = 0; i < sl_nf_registered_count(); i++) {
        nf = strcmp(sl_nf_registered(i)->name, "limiter") == 0 ? sl_nf_registered(i) : nf;
    }
    assert_non_null(nf);
    uint8_t bytes[256];
    char reason[256];
    void *loaded = NULL;
    assert_true(policy.nf.size < sizeof(bytes));
    for (uint32_t size = 0; size < policy.nf.size; size++) {
        reason[0] = '\0';
        assert_rc(nf->load(policy.nf.policy, size, &loaded, reason, sizeof(reason)), SL_TRUNCATED);
        assert_int_not_equal(reason[0], '\0');
    }
    for (uint32_t at = 0; at < policy.nf.size; at++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            memcpy(bytes, policy.nf.policy, policy.nf.size);
            bytes[at] ^= (uint8_t)(1 << bit);
            reason[0] = '\0';
            sl_rc rc = nf->load(bytes, policy.nf.size, &loaded, reason, sizeof(reason));
            assert_true(rc == SL_OK || reason[0] != '\0');
            if (rc == SL_OK) {
                nf->unload(loaded);
            }
        }
    }
    memcpy(bytes, policy.nf.policy, policy.nf.size);
    bytes[5] = 9;
    assert_rc(nf->load(bytes, policy.nf.size, &loaded, reason, sizeof(reason)), SL_UNSUPPORTED);
    bytes[5] = SL_OK + 1;
    bytes[6] = 0xff;
    assert_rc(nf->load(bytes, policy.nf.size, &loaded, reason, sizeof(reason)), SL_RANGE);
    sl_policy_done(&policy.compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_counts_bytes_of_all_together),
        cmocka_unit_test(test_source_has_a_bucket_of_its_own),
        cmocka_unit_test(test_flow_has_a_bucket_of_its_own),
        cmocka_unit_test(test_mark_sets_dscp_and_goes_on),
        cmocka_unit_test(test_adopt_reload_keeps_buckets),
        cmocka_unit_test(test_flow_rule_without_flow_uses_one_bucket),
        cmocka_unit_test(test_load_hostile_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
