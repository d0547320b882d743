/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "agent/config.h"

#define GOOD "monitor: {url: \"https://m:1/\", ca: /ca}\nname: n\nclass: c\n"

static void load(const char *text, sl_rc rc, const char *words)
{
    struct sl_agent_config config;
    struct sl_err err = {0};
    assert_rc(sl_agent_config_load(scratch_text("agent.yaml", text), &config, &err), rc);
    if (words != NULL) {
        assert_non_null(strstr(err.text, words));
    }
}

static void test_defaults(void **state)
{
    struct sl_agent_config c;
    (void)state;
    assert_ok(sl_agent_config_load(scratch_text("agent.yaml", GOOD), &c, NULL));
    assert_string_equal(c.url, "https://m:1");
    assert_string_equal(c.tcti, "device:/dev/tpmrm0");
    assert_string_equal(c.state_dir, "/var/lib/safelib-agent");
    assert_true(c.is_confined);
    assert_false(c.is_ecc);
    assert_int_equal(c.runtime_count, 0);
}

static void test_runtime_with_actions(void **state)
{
    struct sl_agent_config c;
    (void)state;
    assert_ok(sl_agent_config_load(
        scratch_text("agent.yaml", GOOD "runtimes: [{name: r, kind: crun, state: /s, command: /c, "
                                        "actions: [pause, kill]}]\n"),
        &c, NULL));
    assert_int_equal(c.runtime_count, 1);
    assert_int_equal(c.runtimes[0].kind, SL_AGENT_CRUN);
    assert_int_equal(c.runtimes[0].actions, SL_AGENT_PAUSE | SL_AGENT_KILL);
}

static void test_wrong_values_name_their_key(void **state)
{
    struct sl_agent_config c;
    struct sl_err err = {0};
    (void)state;
    assert_rc(sl_agent_config_load("/nowhere/agent.yaml", &c, &err), SL_NOT_FOUND);
    load("monitor: {url: \"http://m\", ca: /ca}\nname: n\nclass: c\n", SL_INVALID, "monitor.url");
    load("name: n\nclass: c\n", SL_MALFORMED, "monitor");
    load(GOOD "nonsense: 1\n", SL_MALFORMED, "nonsense");
    load(GOOD "tpm: {ek: dsa}\n", SL_MALFORMED, "ek");
    load(GOOD "runtimes: [{name: r, state: s}]\n", SL_INVALID, "absolute");
    load(GOOD "runtimes: [{name: r, state: /s, actions: [kill]}]\n", SL_INVALID, "needs a command");
    load(GOOD "runtimes: [{name: r, state: /s, command: /c, actions: [erase]}]\n", SL_MALFORMED,
         "actions");
}

static void test_events_and_images(void **state)
{
    struct sl_agent_config c;
    (void)state;
    assert_ok(sl_agent_config_load(scratch_text("agent.yaml", GOOD), &c, NULL));
    assert_false(c.events.is_on);
    assert_ok(sl_agent_config_load(
        scratch_text("agent.yaml", GOOD "events: {exec: false}\ntee: [{id: fw, socket: /s}]\n"), &c,
        NULL));
    assert_true(c.events.is_on);
    assert_false(c.events.is_exec);
    assert_int_equal(c.events.pcr, 14);
    assert_int_equal(c.tee_count, 1);
    assert_string_equal(c.tees[0].socket, "/s");
    load(GOOD "events: {pcr: 10}\n", SL_RANGE, "events.pcr: 10");
    load(GOOD "events: {pcr: 16}\n", SL_RANGE, "reset by anybody");
    load(GOOD "tee: [{id: fw, socket: s}]\n", SL_INVALID, "tee[0]");
    load(GOOD "tee: [{id: \"-\", socket: /s}]\n", SL_INVALID, "tee[0]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_runtime_with_actions),
        cmocka_unit_test(test_events_and_images),
        cmocka_unit_test(test_wrong_values_name_their_key),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
