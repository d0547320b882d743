/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "agent/action.h"
#include "agent/containers.h"

static struct sl_agent_config config;

static void setup(const char *command)
{
    memset(&config, 0, sizeof(config));
    config.runtime_count = 1;
    config.runtimes[0].actions = SL_AGENT_PAUSE | SL_AGENT_RESUME;
    (void)snprintf(config.runtimes[0].state, sizeof(config.runtimes[0].state), "/s");
    (void)snprintf(config.runtimes[0].command, sizeof(config.runtimes[0].command), "%s", command);
}

static void test_commands(void **state)
{
    const char *argv[8];
    char id[SL_AGENT_ID_MAX] = "web";
    (void)state;
    setup("/usr/sbin/runc");
    assert_ok(sl_agent_action_command(&config, 0, SL_AGENT_PAUSE, id, argv));
    assert_string_equal(argv[1], "--root");
    assert_string_equal(argv[2], "/s");
    assert_string_equal(argv[3], "pause");
    assert_string_equal(argv[4], "web");
    assert_null(argv[5]);
    setup("/usr/bin/podman");
    assert_ok(sl_agent_action_command(&config, 0, SL_AGENT_RESUME, id, argv));
    assert_string_equal(argv[1], "unpause");
    assert_string_equal(argv[2], "web");
    assert_null(argv[3]);
    assert_int_equal(sl_agent_action_find("kill"), SL_AGENT_KILL);
    assert_int_equal(sl_agent_action_find("exec"), 0);
}

static void test_refused(void **state)
{
    const char *argv[8];
    char id[SL_AGENT_ID_MAX] = "web", bad[SL_AGENT_ID_MAX] = "--root", endless[SL_AGENT_ID_MAX];
    (void)state;
    setup("/usr/sbin/runc");
    memset(endless, 'a', sizeof(endless));
    assert_rc(sl_agent_action_command(&config, 0, SL_AGENT_KILL, id, argv), SL_DENIED);
    assert_rc(sl_agent_action_command(&config, 0, 8, id, argv), SL_DENIED);
    assert_rc(sl_agent_action_command(&config, 1, SL_AGENT_PAUSE, id, argv), SL_DENIED);
    assert_rc(sl_agent_action_command(&config, 0, SL_AGENT_PAUSE, bad, argv), SL_DENIED);
    assert_rc(sl_agent_action_command(&config, 0, SL_AGENT_PAUSE, endless, argv), SL_DENIED);
}

static void test_helper(void **state)
{
    struct sl_agent_actor actor;
    (void)state;
    setup("/bin/true");
    assert_ok(sl_agent_actor_start(&config, &actor, NULL));
    assert_ok(sl_agent_actor_do(&actor, 0, SL_AGENT_PAUSE, "web", NULL));
    assert_rc(sl_agent_actor_do(&actor, 0, SL_AGENT_KILL, "web", NULL), SL_DENIED);
    assert_rc(sl_agent_actor_do(&actor, 0, SL_AGENT_PAUSE, "a b", NULL), SL_DENIED);
    sl_agent_actor_stop(&actor);
    setup("/bin/false");
    assert_ok(sl_agent_actor_start(&config, &actor, NULL));
    assert_rc(sl_agent_actor_do(&actor, 0, SL_AGENT_PAUSE, "web", NULL), SL_IO);
    sl_agent_actor_stop(&actor);
    config.runtimes[0].actions = 0;
    assert_ok(sl_agent_actor_start(&config, &actor, NULL));
    assert_rc(sl_agent_actor_do(&actor, 0, SL_AGENT_PAUSE, "web", NULL), SL_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
