/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/policies.h"

#include <unistd.h>

#include "nf/chain.h"

static sl_rc compile(const char *text, struct sl_policy *policy, struct sl_err *err)
{
    return policy_compile("route", text, policy, err);
}

static void test_compile_takes_what_ip_route_prints(void **state)
{
    (void)state;
    static const char text[] = "# as `ip route` and `ip -6 route` print it\n"
                               "\n"
                               "default dev wan proto static metric 100\n"
                               "10.0.0.0/8 dev lan proto kernel scope link # office\n"
                               "10.1.2.3 dev wan\n"
                               "unicast 172.16.0.0/12 dev lan\n"
                               "ip route add unreachable 192.0.2.0/24\n"
                               "ip -6 route add default dev wan\n"
                               "blackhole 2001:db8:dead::/48\n"
                               "local 10.0.0.254 dev lan\n"
                               "local 2001:db8::fe dev wan\n"
                               "icmp rate 200 burst 20\n";
    struct sl_policy policy;
    struct sl_err err;
    assert_ok(compile(text, &policy, &err));
    assert_int_equal(policy.count, 9);
    assert_string_equal(policy.kind, "route");
    assert_null(policy.note);
    struct sl_chain *chain = NULL;
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    sl_chain_free(chain);
    /* numbers are places in the sorted table; each leads to its line */
    assert_int_equal(policy.rules[0].line, 3);
    assert_string_equal(policy.rules[1].text, "10.0.0.0/8 dev lan proto kernel scope link");
    assert_int_equal(policy.rules[2].line, 10);
    assert_string_equal(policy.rules[2].action, "local");
    assert_string_equal(policy.rules[4].action, "dev lan");
    sl_policy_done(&policy);
}

static void test_compile_lowest_metric_wins(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err;
    assert_ok(compile("10.0.0.0/8 dev lan metric 5\n10.0.0.0/8 dev wan metric 1\n", &policy, &err));
    assert_int_equal(policy.count, 1);
    assert_string_equal(policy.rules[0].action, "dev wan");
    sl_policy_done(&policy);
}

static void test_compile_faults_name_line_and_word(void **state)
{
    (void)state;
    static const struct policy_fault faults[] = {
        {"10.0.0.0/8 dev eth0\n", SL_MALFORMED, ":1:16: `eth0`", "lan or wan"},
        {"\n10.0.0.1/8 dev lan\n", SL_MALFORMED, ":2:1: `10.0.0.1/8`", "behind its prefix"},
        {"10.0.0.0/33 dev lan\n", SL_MALFORMED, ":1:1: `10.0.0.0/33`", "0 to 32"},
        {"2001:db8::/129 dev lan\n", SL_MALFORMED, ":1:1: `2001:db8::/129`", "0 to 128"},
        {"default via 10.0.0.1 dev wan\n", SL_UNSUPPORTED, ":1:9: `via`", "neighbour"},
        {"10.0.0.0/8\n", SL_MALFORMED, ":1: end of line", "dev lan"},
        {"throw 10.0.0.0/8\n", SL_MALFORMED, ":1:1: `throw`", "address or a prefix"},
        {"10.0.0.0/8 dev lan mtu 1400\n", SL_UNSUPPORTED, ":1:20: `mtu`", "metric"},
        {"10.0.0.0/8 dev lan metric x\n", SL_MALFORMED, ":1:27: `x`", "number"},
        {"10.0.0.0/8 dev lan metric 9999999999\n", SL_RANGE, ":1:27:", "at most"},
        {"unreachable 10.0.0.0/8 dev lan\n", SL_MALFORMED, ":1:24: `dev`", "no device"},
        {"local 10.0.0.0/8 dev lan\n", SL_MALFORMED, ":1:7: `10.0.0.0/8`", "single"},
        {"10.0.0.0/8 dev lan\n10.0.0.0/8 dev wan\n", SL_MALFORMED, ":2:", "line 1"},
        {"ip -6 route add 10.0.0.0/8 dev lan\n", SL_MALFORMED, ":1:17:", "IPv6"},
        {"icmp speed 3\n", SL_MALFORMED, ":1:6: `speed`", "icmp rate"},
        {"icmp rate 3\nicmp rate 4\n", SL_MALFORMED, ":2:1: `icmp`", "already"},
        {"icmp rate 3 burst 4 5\n", SL_MALFORMED, ":1:21: `5`", "end of the line"},
        {"10.0.0.0/8 dev lan \x01\n", SL_MALFORMED, ":1:", "no text"},
    };
    policy_faults_check("route", faults, sizeof(faults) / sizeof(faults[0]));
    struct sl_policy policy;
    struct sl_err err;
    assert_rc(sl_policy_compile_route("/nonexistent", &policy, &err), SL_IO);
}

static void test_compile_takes_the_example_of_the_documentation(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    const char *path = doc_example("policy-router.md");
    sl_rc rc = sl_policy_compile_route(path, &policy, &err);
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
        cmocka_unit_test(test_compile_takes_what_ip_route_prints),
        cmocka_unit_test(test_compile_lowest_metric_wins),
        cmocka_unit_test(test_compile_faults_name_line_and_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
