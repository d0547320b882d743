/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/policies.h"

#include <unistd.h>

#include "nf/chain.h"

static sl_rc compile(const char *text, struct sl_policy *policy, struct sl_err *err)
{
    return policy_compile("monitor", text, policy, err);
}

static void test_compile_is_loaded_by_the_monitor(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "collector 192.0.2.10 from 10.0.0.1\n",
        "# all settings\ncollector 2001:db8::1 port 2055 from 2001:db8::2 source-port 99 dev wan\n"
        "observation-domain 7\nactive-timeout 5m\nidle-timeout 90\ntemplate-refresh 1h\n"
        "packet-max 9000\ntalkers 0\n",
        "collector 192.0.2.10 from 10.0.0.1\nidle-timeout 1500ms\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sl_policy policy;
        struct sl_err err;
        struct sl_chain *chain = NULL;
        if (compile(texts[i], &policy, &err) != SL_OK ||
            sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK) {
            fail_msg("%s: %s", texts[i], err.text);
        }
        assert_string_equal(sl_chain_nf_name(chain, 0), "flow_monitor");
        sl_chain_free(chain);
        sl_policy_done(&policy);
    }
}

static void test_compile_faults_name_line_and_word(void **state)
{
    (void)state;
    static const struct policy_fault faults[] = {
        {"", SL_MALFORMED, "no collector", "from ADDRESS"},
        {"collector 192.0.2.10\n", SL_MALFORMED, ":1: end of line", "from ADDRESS"},
        {"collector 192.0.2.0/24 from 10.0.0.1\n", SL_MALFORMED, ":1:11: `192.0.2.0/24`",
         "network"},
        {"collector 192.0.2.10 from 2001:db8::1\n", SL_MALFORMED, ":1: end of line", "family"},
        {"collector 192.0.2.10 from 10.0.0.1 dev eth0\n", SL_MALFORMED, ":1:40: `eth0`",
         "lan or wan"},
        {"collector 192.0.2.10 port 0 from 10.0.0.1\n", SL_RANGE, ":1:27: `0`", "1 to 65535"},
        {"collector 192.0.2.10 via 10.0.0.1\n", SL_MALFORMED, ":1:22: `via`", "port"},
        {"collector 192.0.2.10 from 10.0.0.1\n\ncollector 192.0.2.11 from 10.0.0.1\n", SL_MALFORMED,
         ":3:1: `collector`", "already"},
        {"active-timeout 0s\n", SL_RANGE, ":1:16: `0s`", "24 h"},
        {"active-timeout 9999999999s\n", SL_MALFORMED, ":1:16:", "time"},
        {"active-timeout 5 minutes\n", SL_MALFORMED, ":1:18: `minutes`", "end of the line"},
        {"idle-timeout\n", SL_MALFORMED, ":1: end of line", "time"},
        {"packet-max 100\n", SL_RANGE, ":1:12: `100`", "576"},
        {"talkers 33\n", SL_RANGE, ":1:9: `33`", "at most"},
        {"sampling 10\n", SL_MALFORMED, ":1:1: `sampling`", "observation-domain"},
    };
    policy_faults_check("monitor", faults, sizeof(faults) / sizeof(faults[0]));
}

static void test_kinds_are_listed_and_found_by_their_nf(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    assert_rc(sl_policy_compile("none", "/dev/null", &policy, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "nftables"));
    assert_non_null(strstr(err.text, "monitor"));
    assert_string_equal(sl_policy_kind_find("flow_monitor")->name, "monitor");
    assert_null(sl_policy_kind_find("none"));
    assert_null(sl_policy_kind_at(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compile_is_loaded_by_the_monitor),
        cmocka_unit_test(test_compile_faults_name_line_and_word),
        cmocka_unit_test(test_kinds_are_listed_and_found_by_their_nf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
