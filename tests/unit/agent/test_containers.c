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
    json_t *json = sl_agent_containers_json(&all, false);
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

static void dir_make(const char *name)
{
    assert_int_equal(mkdir(scratch_path(name), 0700), 0);
}

static void runtime_set(struct sl_agent_config *all, enum sl_agent_runtime_kind kind,
                        const char *name, const char *state, const char *images)
{
    struct sl_agent_runtime *r = &all->runtimes[all->runtime_count++];
    r->kind = kind;
    (void)snprintf(r->name, sizeof(r->name), "%s", name);
    (void)snprintf(r->state, sizeof(r->state), "%s", scratch_path(state));
    (void)snprintf(r->images, sizeof(r->images), "%s",
                   images[0] != '\0' ? scratch_path(images) : "");
}

#define ID_A "3f2a81c5d0e94b6fa7c1b2d3e4f5061728394a5b6c7d8e9f00112233445566aa"
#define ID_B "7b1e0c2d3f4a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f0011223344"
#define ID_C "c0ffee00d0e94b6fa7c1b2d3e4f5061728394a5b6c7d8e9f0011223344556677"

/* The folders of podman with crun, CRI-O with crun, and containerd with runc, as those make them */
static void test_layouts_of_podman_crio_and_containerd(void **state)
{
    struct sl_agent_containers all;
    struct sl_err err = {0};
    char text[1024];
    (void)state;
    memset(&config, 0, sizeof(config));
    dir_make("crun"); /* /run/crun, rootless /run/user/UID/crun */
    dir_make("crun/" ID_A);
    (void)snprintf(text, sizeof(text),
                   "{\"pid\": %d, \"cgroup-path\": \"/machine.slice/libpod-" ID_A ".scope\", "
                   "\"rootfs\": \"/var/lib/containers/storage/overlay/x/merged\", "
                   "\"systemd-cgroup\": true, \"bundle\": \"/var/lib/none\", \"detached\": true}",
                   (int)getpid());
    (void)scratch_text("crun/" ID_A "/status", text);
    dir_make("bundle");
    (void)scratch_text(
        "bundle/config.json",
        "{\"annotations\": {\"io.kubernetes.cri-o.ImageRef\": \"registry/db@sha256:bb\"}}");
    dir_make("crun/" ID_B);
    (void)snprintf(text, sizeof(text), "{\"pid\": 999999999, \"bundle\": \"%s\"}",
                   scratch_path("bundle"));
    (void)scratch_text("crun/" ID_B "/status", text);
    dir_make("crun/" ID_C); /* being made: no status yet */
    (void)scratch_text("containers.json",
                       "[{\"id\": \"" ID_A
                       "\", \"names\": [\"web\"], \"image\": \"aa11\", \"layer\": \"l\"}]");
    dir_make("containerd"); /* /run/containerd/runc/k8s.io */
    dir_make("containerd/" ID_C);
    (void)scratch_text(
        "containerd/" ID_C "/state.json",
        "{\"id\": \"" ID_C "\", \"init_process_pid\": 999999998, \"config\": {\"rootfs\": "
        "\"/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_C "/rootfs\", \"labels\": ["
        "\"io.kubernetes.cri.image-name=docker.io/library/dns:1\", \"bundle=/b\"], \"cgroups\": {"
        "\"path\": \"/kubepods/besteffort/pod1/" ID_C "\"}}}");
    runtime_set(&config, SL_AGENT_CRUN, "podman", "crun", "containers.json");
    runtime_set(&config, SL_AGENT_RUNC, "containerd", "containerd", "");
    runtime_set(&config, SL_AGENT_RUNC, "moby", "not-there-yet", "");
    assert_ok(sl_agent_containers_init(&all, &err));
    assert_int_equal(sl_agent_containers_poll(&all, &config, &err), 0);
    assert_int_equal(all.count, 3);
    const struct sl_agent_container *a = sl_agent_containers_find(&all, ID_A);
    assert_string_equal(a->image, "sha256:aa11");
    assert_string_equal(a->state, "running");
    assert_string_equal(a->runtime->name, "podman");
    assert_string_equal(sl_agent_containers_find(&all, ID_B)->image, "registry/db@sha256:bb");
    const struct sl_agent_container *c = sl_agent_containers_find(&all, ID_C);
    assert_string_equal(c->image, "docker.io/library/dns:1");
    assert_string_equal(c->cgroup, "/kubepods/besteffort/pod1/" ID_C);
    assert_string_equal(c->state, "stopped");
    sl_agent_containers_done(&all);
}

static void test_what_stopped_is_kept_over_a_restart_until_it_was_told(void **state)
{
    struct sl_agent_containers all, again;
    struct sl_err err = {0};
    uint64_t hash = 0;
    char text[64];
    (void)state;
    memset(&config, 0, sizeof(config));
    dir_make("kept");
    dir_make("kept/web");
    (void)snprintf(text, sizeof(text), "{\"init_process_pid\": %d, \"config\": {}}", (int)getpid());
    (void)scratch_text("kept/web/state.json", text);
    runtime_set(&config, SL_AGENT_RUNC, "runc", "kept", "");
    assert_ok(sl_agent_containers_init(&all, &err));
    (void)snprintf(all.boot_id, sizeof(all.boot_id), "boot-1");
    assert_int_equal(sl_agent_containers_poll(&all, &config, &err), 0);
    assert_ok(sl_agent_containers_save(&all, scratch, &hash, &err));
    assert_rc(sl_agent_containers_save(&all, "/nonexistent", &hash, &err), SL_OK); /* no change */
    hash = 0;
    assert_rc(sl_agent_containers_save(&all, "/nonexistent", &hash, &err), SL_IO);
    sl_agent_containers_done(&all);
    assert_int_equal(remove(scratch_path("kept/web/state.json")),
                     0); /* it goes; we are not there */
    assert_int_equal(remove(scratch_path("kept/web")), 0);

    assert_ok(sl_agent_containers_init(&again, &err));
    sl_agent_containers_load(&again, &config, scratch, "boot-2");
    assert_int_equal(again.count, 0); /* another boot's */
    sl_agent_containers_load(&again, &config, scratch, "boot-1");
    assert_int_equal(sl_agent_containers_poll(&again, &config, &err), 0);
    assert_string_equal(sl_agent_containers_find(&again, "web")->state, "stopped");
    sl_agent_containers_told(&again); /* of a list without it */
    assert_int_equal(again.count, 1);
    json_decref(sl_agent_containers_json(&again, true));
    sl_agent_containers_told(&again);
    assert_int_equal(again.count, 0);
    sl_agent_containers_done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runc_running_then_gone),
        cmocka_unit_test(test_states_of_both_runtimes),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_layouts_of_podman_crio_and_containerd),
        cmocka_unit_test(test_what_stopped_is_kept_over_a_restart_until_it_was_told),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
