/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/policies.h"

#include <unistd.h>

#include "limiter/rules.h"

static sl_rc compile(const char *text, struct sl_policy *policy, struct sl_err *err)
{
    return policy_compile("limit", text, policy, err);
}

static struct lm_rules *rules_of(const char *text)
{
    struct sl_policy policy;
    struct sl_err err;
    struct lm_rules *rules = NULL;
    char reason[256] = "";
    sl_rc rc = compile(text, &policy, &err);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    uint32_t size;
    const uint8_t *bytes = bundle_policy(policy.bundle, policy.size, &size);
    assert_ok(lm_rules_read(bytes, size, &rules, reason, sizeof(reason)));
    sl_policy_done(&policy);
    return rules;
}

static void test_compile_rates_and_bursts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t unit;
        uint64_t week, burst;
    } cases[] = {
        {"limit rate 10/second", SL_LM_PACKETS, 6048000, 5},
        {"limit rate over 400/minute burst 20 packets drop", SL_LM_PACKETS, 4032000, 20},
        {"limit rate 3 packets/week", SL_LM_PACKETS, 3, 5},
        {"limit rate 100 mbytes/second burst 1 mbytes", SL_LM_BYTES, 104857600ull * 604800,
         1 << 20},
        {"limit rate 8 kbytes/hour", SL_LM_BYTES, 8192 * 168, 65536},
        {"limit rate 1500 bytes/day burst 9000 bytes", SL_LM_BYTES, 10500, 9000},
        {"limit rate 1000 mbytes/second", SL_LM_BYTES, 1048576000ull * 604800, 10485770},
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lm_rules *rules = rules_of(cases[i].text);
        assert_int_equal(rules->list[0].unit, cases[i].unit);
        assert_int_equal(rules->list[0].rate.week, cases[i].week);
        assert_int_equal(rules->list[0].rate.burst, cases[i].burst);
        lm_rules_drop(rules);
    }
}

static void test_compile_matches_and_keys(void **state)
{
    (void)state;
    struct lm_rules *rules = rules_of(
        "iifname \"wan\" ip saddr 10.0.0.0/8 ip daddr 192.0.2.1 tcp dport 80-90 limit rate "
        "10/second per source prefix 24 size 1000 drop comment \"no more, please\"\n"
        "ip6 saddr 2001:db8::/32 meta l4proto icmpv6 limit rate 1/second per source prefix 56\n"
        "udp sport 53 limit rate 1/second per destination ip dscp set cs1\n"
        "limit rate 1/second per flow\n");
    assert_int_equal(rules->count, 4);
    struct test_packet p;
    packet_make(&p, "10.1.2.3", "192.0.2.1", 6, 5, 85, 60);
    p.packet.port_in = SL_PORT_WAN;
    assert_true(lm_rule_matches(&rules->list[0], &p.packet));
    uint8_t addr[16];
    lm_rule_address(&rules->list[0], &p.packet, addr);
    assert_memory_equal(addr + 10, ((uint8_t[]){0xff, 0xff, 10, 1, 2, 0}), 6);
    assert_int_equal(rules->list[0].buckets, 1024);
    p.packet.port_in = SL_PORT_LAN;
    assert_false(lm_rule_matches(&rules->list[0], &p.packet));
    packet_make(&p, "10.1.2.3", "192.0.2.1", 6, 5, 91, 60);
    p.packet.port_in = SL_PORT_WAN;
    assert_false(lm_rule_matches(&rules->list[0], &p.packet));
    packet_make(&p, "2001:db8:1:2ff::1", "2001:db9::1", 58, 5, 1, 60);
    assert_true(lm_rule_matches(&rules->list[1], &p.packet));
    lm_rule_address(&rules->list[1], &p.packet, addr);
    assert_memory_equal(addr, ((uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 1, 2, 0, 0}), 9);
    assert_false(lm_rule_matches(&rules->list[2], &p.packet));
    assert_int_equal(rules->list[2].action, SL_LM_MARK);
    assert_int_equal(rules->list[2].dscp, 8);
    assert_int_equal(rules->list[3].key, SL_LM_PER_FLOW);
    lm_rules_drop(rules);
}

static void test_compile_id_is_of_the_match_not_of_the_rate(void **state)
{
    (void)state;
    struct lm_rules *a =
        rules_of("tcp dport 80 limit rate 1/second\nlimit rate 5/second\nlimit rate 6/second\n");
    struct lm_rules *b =
        rules_of("limit rate 9/second\ntcp dport 80 limit rate 7/minute burst 9 packets\n");
    assert_int_equal(a->list[0].id, b->list[1].id);
    assert_int_equal(a->list[1].id, b->list[0].id);
    assert_int_not_equal(a->list[1].id, a->list[2].id);
    lm_rules_drop(a);
    lm_rules_drop(b);
}

static void test_compile_faults_name_line_and_word(void **state)
{
    (void)state;
    static const struct policy_fault faults[] = {
        {"ip saddr 10.0.0.0/8\n", SL_MALFORMED, ":1: end of line", "limit rate"},
        {"limit rate 10/fortnight\n", SL_MALFORMED, ":1:12: `10/fortnight`", "second"},
        {"limit rate ten/second\n", SL_MALFORMED, ":1:12: `ten/second`", "rate"},
        {"limit rate 0/second\n", SL_MALFORMED, ":1:12:", "rate"},
        {"limit rate 10 gbytes/second\n", SL_MALFORMED, ":1:15: `gbytes/second`", "mbytes"},
        {"limit rate 10/second burst 5 mbytes\n", SL_MALFORMED, ":1:30: `mbytes`", "packets"},
        {"limit rate 10 bytes/second burst 100 bytes\n", SL_RANGE, ":1:34: `100`", "1500"},
        {"limit rate 10 mbytes/second burst 5 kbytes\n", SL_RANGE, ":1:35: `5`", "10486"},
        {"limit rate 9/second burst 999999999 packets\n", SL_RANGE, ":1:27:", "at most"},
        {"limit quota 10/second\n", SL_MALFORMED, ":1:7: `quota`", "rate"},
        {"limit rate 1/second limit rate 2/second\n", SL_MALFORMED, ":1:21:", "already"},
        {"limit rate 1/second per gallon\n", SL_MALFORMED, ":1:25: `gallon`", "source"},
        {"limit rate 1/second per source prefix 33\n", SL_RANGE, ":1:39: `33`", "at most 32"},
        {"limit rate 1/second per source size 999999\n", SL_RANGE, ":1:37:", "at most"},
        {"ip saddr 2001:db8::/32 limit rate 1/second\n", SL_MALFORMED, ":1:10:", "other family"},
        {"ip saddr 10.0.0.1/8 limit rate 1/second\n", SL_MALFORMED, ":1:10:", "behind"},
        {"ip saddr 10.0.0.1 ip6 daddr ::1 limit rate 1/second\n", SL_MALFORMED, ":1:19: `ip6`",
         "both"},
        {"ip saddr 10.0.0.1 ip saddr 10.0.0.2 limit rate 1/second\n", SL_MALFORMED,
         ":1:22:", "already"},
        {"ip ttl 3 limit rate 1/second\n", SL_UNSUPPORTED, ":1:4: `ttl`", "saddr"},
        {"tcp dport 80-70 limit rate 1/second\n", SL_MALFORMED, ":1:11: `80-70`", "range"},
        {"tcp flags syn limit rate 1/second\n", SL_UNSUPPORTED, ":1:5: `flags`", "dport"},
        {"tcp dport 80 udp dport 80 limit rate 1/second\n", SL_MALFORMED, ":1:14: `udp`",
         "already"},
        {"meta l4proto tipc limit rate 1/second\n", SL_MALFORMED, ":1:14: `tipc`", "protocol"},
        {"iifname eth0 limit rate 1/second\n", SL_MALFORMED, ":1:9: `eth0`", "lan or wan"},
        {"limit rate 1/second ip dscp set xx\n", SL_MALFORMED, ":1:33: `xx`", "af11"},
        {"limit rate 1/second ip dscp cs1\n", SL_UNSUPPORTED, ":1:29: `cs1`", "set"},
        {"limit rate 1/second ip dscp set cs1 drop\n", SL_MALFORMED, ":1:37: `drop`", "marks"},
        {"\nlimit rate 1/second accept\n", SL_UNSUPPORTED, ":2:21: `accept`", "expected"},
        {"limit rate 1/second per flow\nlimit rate 1/second per flow\nlimit rate 1/second per "
         "flow\n"
         "limit rate 1/second per flow\nlimit rate 1/second per flow\n",
         SL_RANGE, ":5:", "per flow"},
        {"limit rate 1/second per source size 262144\nlimit rate 1/second per source\n", SL_RANGE,
         ":2:", "size"},
    };
    policy_faults_check("limit", faults, sizeof(faults) / sizeof(faults[0]));
    struct sl_policy policy;
    struct sl_err err;
    assert_rc(sl_policy_compile_limit("/nonexistent", &policy, &err), SL_IO);
}

static void test_compile_takes_the_example_of_the_documentation(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    const char *path = doc_example("policy-limiter.md");
    sl_rc rc = sl_policy_compile_limit(path, &policy, &err);
    (void)unlink(path);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_true(policy.count >= 4);
    sl_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compile_takes_the_example_of_the_documentation),
        cmocka_unit_test(test_compile_rates_and_bursts),
        cmocka_unit_test(test_compile_matches_and_keys),
        cmocka_unit_test(test_compile_id_is_of_the_match_not_of_the_rate),
        cmocka_unit_test(test_compile_faults_name_line_and_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
