/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/policies.h"

#include <unistd.h>

#include "nf/chain.h"

static void test_compile_takes_the_example_of_the_documentation(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    struct sl_chain *chain = NULL;
    const char *path = doc_example("policy-balancer.md");
    sl_rc rc = sl_policy_compile_balancer(path, &policy, &err);
    (void)unlink(path);
    if (rc != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(policy.count, 3);
    assert_int_equal(policy.rules[1].line, 10);
    assert_string_equal(policy.rules[1].action, "fullnat");
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    sl_chain_free(chain);
    sl_policy_done(&policy);
}

#define SERVICE  "services:\n- name: web\n  address: 192.0.2.1\n"
#define BACKENDS "  backends:\n  - {name: a, address: 10.0.0.1}\n"

static void test_compile_faults_name_line_and_word(void **state)
{
    (void)state;
    static const struct policy_fault faults[] = {
        {"services:\n- name: we b\n  address: 192.0.2.1\n  backends: []\n", SL_MALFORMED,
         ":2:9: `we b`", "letters"},
        {"services:\n- name: a-name-of-more-than-nineteen\n  address: 192.0.2.1\n  backends: []\n",
         SL_RANGE, ":2:9:", "19"},
        {"services:\n- name: web\n  address: 192.0.2.0/24\n  backends: []\n", SL_MALFORMED,
         ":3:12: `192.0.2.0/24`", "address"},
        {SERVICE "  port: 80\n" BACKENDS, SL_MALFORMED, ":4:9: `80`", "protocol"},
        {SERVICE "  protocol: sctp\n" BACKENDS, SL_MALFORMED, "line: 4", "sctp"},
        {SERVICE "  colour: red\n" BACKENDS, SL_MALFORMED, "colour", "line: 4"},
        {SERVICE, SL_MALFORMED, "backends", ""},
        {SERVICE "  backends:\n  - {name: a, address: '::1'}\n", SL_MALFORMED, ":5:24: `::1`",
         "family"},
        {SERVICE
         "  backends:\n  - {name: a, address: 10.0.0.1}\n  - {name: a, address: 10.0.0.2}\n",
         SL_MALFORMED, ":6:12: `a`", "already"},
        {SERVICE "  backends:\n  - {name: a, address: 10.0.0.1, port: 8}\n", SL_MALFORMED,
         ":5:40: `8`", "all ports"},
        {SERVICE "  forward: tunnel\n" BACKENDS, SL_MALFORMED, ":6:24: `10.0.0.1`",
         "tunnel_addresses"},
        {SERVICE "  forward: fullnat\n" BACKENDS, SL_MALFORMED, ":4:12: `fullnat`", "protocol"},
        {SERVICE "  forward: fullnat\n  protocol: tcp\n" BACKENDS, SL_MALFORMED, ":2:3",
         "source_addresses"},
        {SERVICE "  source_addresses: [10.0.0.9]\n" BACKENDS, SL_MALFORMED, ":4:21", "go together"},
        {SERVICE "  forward: fullnat\n  protocol: tcp\n  source_addresses: ['::9']\n" BACKENDS,
         SL_MALFORMED, ":6:22: `::9`", "family"},
        {SERVICE "  forward: fullnat\n  protocol: tcp\n  source_addresses: [10.0.0.9]\n"
                 "  source_ports: [5000, 5100]\n" BACKENDS,
         SL_RANGE, ":7:17", "256"},
        {SERVICE "  backends: []\n- name: web\n  address: 192.0.2.2\n  backends: []\n",
         SL_MALFORMED, ":5:9: `web`", "name"},
        {SERVICE "  backends: []\n- name: two\n  address: 192.0.2.1\n  backends: []\n",
         SL_MALFORMED, ":6:12: `192.0.2.1`", "service web"},
        {"services: []\ntunnel_addresses: [10.0.0.1, 10.0.0.2]\n", SL_MALFORMED,
         ":2:30: `10.0.0.2`", "already"},
        {"services: []\ntunnel_mtu: 100\n", SL_RANGE, ":2:13: `100`", "576"},
    };
    policy_faults_check("balancer", faults, sizeof(faults) / sizeof(faults[0]));
    struct sl_policy policy;
    struct sl_err err;
    assert_rc(sl_policy_compile_balancer("/nonexistent", &policy, &err), SL_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compile_takes_the_example_of_the_documentation),
        cmocka_unit_test(test_compile_faults_name_line_and_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
