/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <sys/stat.h>

#include "agent/containers.h"

static struct sl_agent_config config;

static void put(const char *id, const char *file, const char *text)
{
    char name[128];
    (void)mkdir(scratch_path(id), 0700);
    (void)snprintf(name, sizeof(name), "%s/%s", id, file);
    (void)scratch_text(name, text);
}

static void setup(enum sl_agent_runtime_kind kind)
{
    memset(&config, 0, sizeof(config));
    config.runtime_count = 1;
    config.runtimes[0].kind = kind;
    (void)snprintf(config.runtimes[0].name, sizeof(config.runtimes[0].name), "r");
    (void)snprintf(config.runtimes[0].state, sizeof(config.runtimes[0].state), "%s", scratch);
}

static void test_runc_running_then_gone(void **state)
{
    struct sl_agent_containers all;
    struct sl_err err = {0};
    char text[512];
    (void)state;
    setup(SL_AGENT_RUNC);
    (void)snprintf(text, sizeof(text),
                   "{\"init_process_pid\": %d, \"config\": {\"rootfs\": \"/\", \"labels\": "
                   "[\"org.opencontainers.image.digest=sha256:ab\"]}}",
                   (int)getpid());
    put("web", "state.json", text);
    put("bad", "state.json", "{");
    put("-rf", "state.json", text); /* no id */
    assert_ok(sl_agent_containers_init(&all, &err));
    assert_int_equal(sl_agent_containers_poll(&all, &config, &err), 1);
    assert_non_null(strstr(err.text, "no JSON"));
    assert_int_equal(all.count, 1);
    const struct sl_agent_container *c = sl_agent_containers_find(&all, "web");
    assert_non_null(c);
    assert_string_equal(c->image, "sha256:ab");
    assert_string_equal(c->state, "running");
    assert_true(c->uid_count > 0);
    assert_non_null(strchr(c->root_device, ':'));
    /* gone, but told once */
    assert_int_equal(remove(scratch_path("web/state.json")), 0);
    assert_int_equal(remove(scratch_path("web")), 0);
    (void)sl_agent_containers_poll(&all, &config, &err);
    assert_string_equal(sl_agent_containers_find(&all, "web")->state, "stopped");
    json_t *json = sl_agent_containers_json(&all);
    assert_int_equal(json_array_size(json), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "state")),
                        "stopped");
    json_decref(json);
    sl_agent_containers_told(&all);
    assert_null(sl_agent_containers_find(&all, "web"));
    sl_agent_containers_done(&all);
}

static void test_states_of_both_runtimes(void **state)
{
    struct sl_agent_container c = {.pid = 0};
    (void)state;
    json_t *json = json_pack("{s:i, s:{s:s, s:[{s:i, s:i, s:i}], s:{s:s}}}", "init_process_pid", 5,
                             "config", "rootfs", "/r", "uid_mappings", "container_id", 0, "host_id",
                             100000, "size", 65536, "cgroups", "path", "/c");
    sl_agent_container_runc(json, &c);
    json_decref(json);
    assert_int_equal(c.pid, 5);
    assert_int_equal(c.uid_first, 100000);
    assert_int_equal(c.uid_count, 65536);
    assert_string_equal(c.rootfs, "/r");
    assert_string_equal(c.cgroup, "/c");
    memset(&c, 0, sizeof(c));
    json = json_pack("{s:i, s:s, s:s}", "pid", 7, "rootfs", "/q", "cgroup-path", "/d");
    sl_agent_container_crun(json, &c);
    json_decref(json);
    assert_int_equal(c.pid, 7);
    assert_string_equal(c.rootfs, "/q");
    assert_string_equal(c.cgroup, "/d");
}

static void test_ids(void **state)
{
    char longest[SL_AGENT_ID_MAX + 1];
    (void)state;
    assert_true(sl_agent_container_is_id("web-1_a.b"));
    assert_false(sl_agent_container_is_id(""));
    assert_false(sl_agent_container_is_id("-rf"));
    assert_false(sl_agent_container_is_id(".."));
    assert_false(sl_agent_container_is_id("a/b"));
    assert_false(sl_agent_container_is_id("a b"));
    memset(longest, 'a', SL_AGENT_ID_MAX);
    longest[SL_AGENT_ID_MAX] = '\0';
    assert_false(sl_agent_container_is_id(longest));
    assert_true(sl_agent_container_is_id(longest + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runc_running_then_gone),
        cmocka_unit_test(test_states_of_both_runtimes),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
