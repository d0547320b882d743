/* SPDX-License-Identifier: Apache-2.0 */
#include "nf/policies.h"

#include <sys/stat.h>
#include <unistd.h>

#include "nf/chain.h"
#include "policy/kinds.h"

/* A folder with the policies that chains name. */
static char folder[64];

static void put_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/sl-chain-XXXXXX");
    assert_non_null(mkdtemp(folder));
    put_file("limits", "limit rate 10/second drop\n");
    put_file("routes", "10.0.0.0/8 dev lan\ndefault dev wan\n");
    put_file("monitor", "collector 192.0.2.10 from 10.0.0.1\n");
    put_file("bad", "collector nowhere\n");
    put_file("raw", "\001");
    return 0;
}

static int drop_folder(void **state)
{
    static const char *const names[] = {"routes", "monitor",         "bad",   "raw",
                                        "limits", "c.yaml",          "c.slp", "c.slp.rules.json",
                                        "r.slp",  "r.slp.rules.json"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static sl_rc compile(const char *text, struct sl_policy *policy, struct sl_err *err)
{
    char path[128];
    *err = (struct sl_err){0};
    put_file("c.yaml", text);
    (void)snprintf(path, sizeof(path), "%s/c.yaml", folder);
    return sl_policy_compile_chain(path, policy, err);
}

#define CHAIN "chain:\n- {nf: router, policy: routes}\n- {nf: flow_monitor, policy: monitor}\n"

static void test_compile_names_every_nf_and_its_rules(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_policy back;
    struct sl_err err;
    struct sl_chain *chain = NULL;
    char out[128];
    assert_ok(compile("version: 7\n" CHAIN "- {nf: router, policy: routes}\n", &policy, &err));
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    assert_int_equal(sl_chain_version(chain), 7);
    assert_int_equal(sl_chain_nf_count(chain), 3);
    assert_string_equal(sl_chain_nf_name(chain, 1), "flow_monitor");
    (void)snprintf(out, sizeof(out), "%s/c.slp", folder);
    assert_ok(sl_policy_write(&policy, out, &err));
    assert_ok(sl_policy_read(out, &back, &err));
    assert_int_equal(back.nf_count, 3);
    assert_int_equal(back.count, policy.count);
    for (uint32_t nf = 0; nf < 3; nf++) {
        assert_string_equal(sl_policy_source(&back, nf), sl_policy_source(&policy, nf));
        assert_string_equal(sl_policy_default(&back, nf), sl_policy_default(&policy, nf));
    }
    assert_int_equal(sl_policy_rule(&back, 0, 0)->line, 2);
    assert_int_equal(sl_policy_rule(&back, 2, 0)->line, 2);
    assert_non_null(strstr(sl_policy_source(&back, 2), "/routes"));
    assert_null(sl_policy_rule(&back, 1, 0));
    assert_null(sl_policy_rule(&back, 0, policy.nfs[0].count));
    assert_null(sl_policy_rule(&back, 3, 0));
    sl_policy_done(&back);
    sl_policy_done(&policy);
    sl_chain_free(chain);
}

static void test_compile_takes_what_was_compiled_and_nfs_without_a_language(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err;
    char in[128];
    char out[128];
    (void)snprintf(in, sizeof(in), "%s/routes", folder);
    (void)snprintf(out, sizeof(out), "%s/r.slp", folder);
    assert_ok(sl_policy_compile("route", in, &policy, &err));
    assert_ok(sl_policy_write(&policy, out, &err));
    sl_policy_done(&policy);
    assert_ok(compile("chain:\n- {nf: router, policy: r.slp}\n- {nf: example_ttl, policy: raw}\n",
                      &policy, &err));
    assert_int_equal(sl_policy_rule(&policy, 0, 0)->line, 2);
    assert_string_equal(sl_policy_source(&policy, 0), in);
    char name[SL_NF_NAME_MAX];
    sl_policy_nf_name(&policy, 1, name);
    assert_string_equal(name, "example_ttl");
    assert_int_equal(policy.bundle[policy.size - 1], 1); /* its file as it is */
    sl_policy_done(&policy);
    assert_int_equal(compile("chain:\n- {nf: limiter, policy: r.slp}\n", &policy, &err),
                     SL_INVALID);
    assert_non_null(
        strstr(err.text, ":2:25: `r.slp`: is compiled for 1 NFs, the first is `router`"));
}

/* Options arrive in the image: what they say is what its table does. */
static void test_compile_hands_on_options_of_the_flow_table(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err;
    struct sl_chain *chain = NULL;
    uint32_t created = 0;
    assert_ok(compile("chain:\n- nf: flow_monitor\n  policy: monitor\n  flows: {max: 5, max6: 0}\n",
                      &policy, &err));
    assert_ok(sl_chain_create(policy.bundle, policy.size, &chain, &err));
    for (uint16_t i = 0; i < 9; i++) {
        struct test_packet p;
        struct sl_packet *list[1] = {&p.packet};
        packet_make(&p, "10.0.0.1", "192.0.2.1", 17, (uint16_t)(1000 + i), 53, 60);
        sl_chain_run(chain, list, 1);
        for (uint32_t c = 0; c < sl_chain_nf_counter_count(chain, 0); c++) {
            struct sl_nf_counter counter;
            sl_chain_nf_counter_get(chain, 0, c, &counter);
            if (strcmp(counter.name, "flow table: flows") == 0) {
                created = (uint32_t)counter.value;
            }
        }
    }
    assert_int_equal(created, 5);
    sl_chain_free(chain);
    sl_policy_done(&policy);
}

static void test_compile_faults_name_line_and_word(void **state)
{
    (void)state;
#define NF "chain:\n- nf: flow_monitor\n  policy: monitor\n"
    static const struct policy_fault faults[] = {
        {"chain: []\n", SL_MALFORMED, "chain", ""},
        {"chain:\n- {nf: router}\n", SL_MALFORMED, "policy", ""},
        {"chain:\n- {nf: router, policy: routes, colour: red}\n", SL_MALFORMED, "colour",
         "line: 2"},
        {"chain:\n- {nf: router, policy: nothing}\n", SL_IO, ":2:24: `nothing`", "No such file"},
        {"chain:\n- {nf: mine, policy: nothing}\n", SL_NOT_FOUND, "nothing", "No such file"},
        {"chain:\n- {nf: router, policy: routes, kind: flemish}\n", SL_INVALID, ":2:38: `flemish`",
         "no language"},
        {"chain:\n- {nf: chain, policy: c.yaml}\n", SL_INVALID, ":2:8: `chain`", "part of a chain"},
        {"chain:\n- {nf: ruoter, policy: routes}\n", SL_INVALID, ":2:8: `ruoter`",
         "is it `router`?"},
        {"chain:\n- {nf: firewal, policy: x}\n", SL_INVALID, ":2:8: `firewal`", "`firewall`"},
        {"version: -1\nchain:\n- {nf: router, policy: routes}\n", SL_RANGE, ":1:10: `-1`",
         "versions only go up"},
        {"chain:\n- {nf: flow_monitor, policy: bad}\n", SL_MALFORMED, "bad:1:", "nowhere"},
        {NF "  flows: {max: 0}\n", SL_RANGE, ":4:16: `0`", "expected 1 to"},
        {NF "  flows: {inside: 1}\n", SL_RANGE, ":4:19: `1`", "64"},
        {NF "  flows: {tcp: lax}\n", SL_MALFORMED, "lax", "line: 4"},
        {NF "  flows: {pick_up: maybe}\n", SL_MALFORMED, "maybe", "line: 4"},
        {NF "  flows:\n    timeouts: {udp: 0}\n", SL_RANGE, ":5:21: `0`", "udp"},
        {NF "  flows:\n    timeouts: {tcp: 7}\n", SL_MALFORMED, "tcp", "line: 5"},
        {NF "  flows: {max: many}\n", SL_MALFORMED, "many", "line: 4"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct sl_policy policy;
        struct sl_err err;
        policy_fault_check(&faults[i], compile(faults[i].text, &policy, &err), &err);
    }
}

static const char *example(const char *name)
{
    static char path[1024];
    const char *root = getenv("SL_SOURCE_ROOT");
    (void)snprintf(path, sizeof(path), "%s/packaging/examples/%s", root != NULL ? root : ".", name);
    return path;
}

/* All but the firewall of the example, whose rules need nft(8): tests/system/cli has the whole. */
static void test_compile_takes_the_examples(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *file, *nf;
    } cases[] = {{"nat", "nat.yaml", "nat44"},
                 {"balancer", "balancer.yaml", "balancer"},
                 {"monitor", "monitor.conf", "flow_monitor"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_policy policy;
        struct sl_err err = {0};
        struct sl_chain *chain = NULL;
        if (sl_policy_compile(cases[i].kind, example(cases[i].file), &policy, &err) != SL_OK ||
            sl_chain_create(policy.bundle, policy.size, &chain, &err) != SL_OK) {
            fail_msg("%s: %s", cases[i].file, err.text);
        }
        assert_string_equal(sl_chain_nf_name(chain, 0), cases[i].nf);
        sl_chain_free(chain);
        sl_policy_done(&policy);
    }
}

static void test_load_tells_compiled_policies_from_chains(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    bool is_compiled = true;
    char path[128];
    assert_ok(compile(CHAIN, &policy, &err));
    (void)snprintf(path, sizeof(path), "%s/c.slp", folder);
    assert_ok(sl_policy_write(&policy, path, &err));
    sl_policy_done(&policy);
    assert_ok(sl_policy_load(path, &policy, &is_compiled, &err));
    assert_true(is_compiled);
    sl_policy_done(&policy);
    (void)snprintf(path, sizeof(path), "%s/c.yaml", folder);
    assert_ok(sl_policy_load(path, &policy, &is_compiled, &err));
    assert_false(is_compiled);
    assert_int_equal(policy.nf_count, 2);
    sl_policy_done(&policy);
    (void)snprintf(path, sizeof(path), "%s/none", folder);
    assert_int_equal(sl_policy_load(path, &policy, &is_compiled, &err), SL_NOT_FOUND);
    assert_int_equal(sl_policy_load(folder, &policy, &is_compiled, &err), SL_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compile_names_every_nf_and_its_rules),
        cmocka_unit_test(test_compile_takes_what_was_compiled_and_nfs_without_a_language),
        cmocka_unit_test(test_compile_hands_on_options_of_the_flow_table),
        cmocka_unit_test(test_compile_faults_name_line_and_word),
        cmocka_unit_test(test_compile_takes_the_examples),
        cmocka_unit_test(test_load_tells_compiled_policies_from_chains),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
