/* SPDX-License-Identifier: Apache-2.0 */
/* State directories of runc and crun, and what /proc says of a container's first process. */
#include "agent/containers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "files/files.h"

enum { STATE_MAX = 4 << 20, PROC_MAX = 64 << 10, PATH_ROOM = 1024 };

bool sl_agent_container_is_id(const char *id)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strlen(id);
    return length > 0 && length < SL_AGENT_ID_MAX && strspn(id, good) == length && id[0] != '.' &&
           id[0] != '-';
}

sl_rc sl_agent_containers_init(struct sl_agent_containers *ret_all, struct sl_err *err)
{
    ret_all->count = 0;
    ret_all->list = calloc(SL_AGENT_CONTAINERS_MAX, sizeof(*ret_all->list));
    return ret_all->list != NULL ? SL_OK
                                 : sl_err_set(err, SL_NO_MEMORY, "no memory for containers");
}

void sl_agent_containers_done(struct sl_agent_containers *all)
{
    free(all->list);
    memset(all, 0, sizeof(*all));
}

static void text_set(char *out, size_t size, const char *value)
{
    if (value != NULL) {
        (void)snprintf(out, size, "%s", value);
    }
}
#define SET(out, value) text_set((out), sizeof(out), (value))

/* Labels of runc's state.json are "key=value": annotations of the bundle. */
static const char *label_find(const json_t *labels, const char *key)
{
    size_t i, length = strlen(key);
    json_t *label;
    json_array_foreach(labels, i, label)
    {
        const char *text = json_string_value(label);
        if (text != NULL && strncmp(text, key, length) == 0 && text[length] == '=') {
            return text + length + 1;
        }
    }
    return NULL;
}

static void image_set(struct sl_agent_container *c,
                      const char *(*find)(const json_t *, const char *), const json_t *from)
{
    static const char *const keys[] = {
        "org.opencontainers.image.digest", "io.kubernetes.cri-o.ImageRef",
        "io.kubernetes.cri.image-name", "org.opencontainers.image.ref.name"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && c->image[0] == '\0'; i++) {
        SET(c->image, find(from, keys[i]));
    }
}

static void uid_set(struct sl_agent_container *c, const json_t *mapping, const char *host)
{
    uint64_t first = (uint64_t)json_integer_value(json_object_get(mapping, host));
    uint64_t count = (uint64_t)json_integer_value(json_object_get(mapping, "size"));
    if (count > 0 && first + count <= UINT64_C(1) << 32) {
        c->uid_first = first;
        c->uid_count = count;
    }
}

void sl_agent_container_runc(const json_t *state, struct sl_agent_container *c)
{
    const json_t *config = json_object_get(state, "config");
    c->pid = (int32_t)json_integer_value(json_object_get(state, "init_process_pid"));
    SET(c->rootfs, json_string_value(json_object_get(config, "rootfs")));
    image_set(c, label_find, json_object_get(config, "labels"));
    uid_set(c, json_array_get(json_object_get(config, "uid_mappings"), 0), "host_id");
    uid_set(c, json_array_get(json_object_get(config, "uidMappings"), 0), "hostID");
    const json_t *cgroups = json_object_get(config, "cgroups");
    SET(c->cgroup, json_string_value(json_object_get(cgroups, "path")));
    SET(c->cgroup, json_string_value(json_object_get(cgroups, "Path")));
}

void sl_agent_container_crun(const json_t *status, struct sl_agent_container *c)
{
    c->pid = (int32_t)json_integer_value(json_object_get(status, "pid"));
    SET(c->rootfs, json_string_value(json_object_get(status, "rootfs")));
    SET(c->cgroup, json_string_value(json_object_get(status, "cgroup-path")));
}

static char *text_read(const char *dir, const char *name)
{
    char path[PATH_ROOM];
    uint8_t *data = NULL;
    size_t size;
    int length = snprintf(path, sizeof(path), "%s/%s", dir, name);
    return length > 0 && (size_t)length < sizeof(path) &&
                   sl_file_read(path, PROC_MAX, &data, &size, NULL) == SL_OK
               ? (char *)data
               : NULL;
}

static char *proc_read(int32_t pid, const char *name)
{
    char dir[64];
    (void)snprintf(dir, sizeof(dir), "/proc/%d", pid);
    return text_read(dir, name);
}

/* The range is the host's side of the whole map; no map of its own: all of the host's users. */
static void proc_uids(struct sl_agent_container *c)
{
    char *map = proc_read(c->pid, "uid_map");
    char *at = map;
    uint64_t inside_first_count[3] = {0}; /* user inside, user of the host, how many */
    for (unsigned i = 0; at != NULL && i < 3; i++) {
        inside_first_count[i] = strtoull(at, &at, 10);
    }
    if (inside_first_count[2] > 0) {
        c->uid_first = inside_first_count[1];
        c->uid_count = inside_first_count[2];
    }
    free(map);
}

static void proc_cgroup(struct sl_agent_container *c)
{
    char *text = proc_read(c->pid, "cgroup");
    char *line = text != NULL ? strstr(text, "0::") : NULL;
    if (line != NULL) {
        line[strcspn(line, "\n")] = '\0';
        SET(c->cgroup, line + 3);
    }
    free(text);
}

static bool is_frozen(const struct sl_agent_container *c)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s", c->cgroup);
    char *events = text_read(path, "cgroup.events");
    bool is = events != NULL && strstr(events, "frozen 1") != NULL;
    free(events);
    if (!is) { /* runc on the first version of control groups */
        (void)snprintf(path, sizeof(path), "/sys/fs/cgroup/freezer%s", c->cgroup);
        char *state = text_read(path, "freezer.state");
        is = state != NULL && strncmp(state, "FROZEN", 6) == 0;
        free(state);
    }
    return is;
}

static void proc_look(struct sl_agent_container *c)
{
    char path[64];
    struct stat st;
    (void)snprintf(path, sizeof(path), "/proc/%d", c->pid);
    if (c->pid <= 0 || stat(path, &st) != 0) {
        c->pid = 0;
        SET(c->state, "stopped");
    } else {
        proc_uids(c);
        proc_cgroup(c);
        SET(c->state, is_frozen(c) ? "paused" : "running");
    }
    (void)snprintf(path, sizeof(path), "/proc/%d/root", c->pid);
    if ((c->pid > 0 && stat(path, &st) == 0) || stat(c->rootfs, &st) == 0) {
        (void)snprintf(c->root_device, sizeof(c->root_device), "%u:%u", major(st.st_dev),
                       minor(st.st_dev));
    }
}

/* podman: [{"id", "image": digest of the image's configuration, in hex}] */
static void image_podman(struct sl_agent_container *c)
{
    json_t *all = json_load_file(c->runtime->images, JSON_REJECT_DUPLICATES, NULL), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        const char *id = json_string_value(json_object_get(one, "id"));
        const char *image = json_string_value(json_object_get(one, "image"));
        if (id != NULL && image != NULL && strcmp(id, c->id) == 0) {
            (void)snprintf(c->image, sizeof(c->image), "sha256:%s", image);
        }
    }
    json_decref(all);
}

static sl_rc container_read(const struct sl_agent_runtime *runtime, const char *id,
                            struct sl_agent_container *c, struct sl_err *err)
{
    char path[PATH_ROOM];
    uint8_t *data = NULL;
    size_t size;
    (void)snprintf(path, sizeof(path), "%s/%s/%s", runtime->state, id,
                   runtime->kind == SL_AGENT_CRUN ? "status" : "state.json");
    sl_rc rc = sl_file_read(path, STATE_MAX, &data, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    json_t *state = json_loadb((char *)data, size, 0, NULL);
    free(data);
    if (state == NULL) {
        return sl_err_set(err, SL_MALFORMED, "%s: no JSON", path);
    }
    memset(c, 0, sizeof(*c));
    SET(c->id, id);
    c->runtime = runtime;
    if (runtime->kind == SL_AGENT_CRUN) {
        sl_agent_container_crun(state, c);
    } else {
        sl_agent_container_runc(state, c);
    }
    json_decref(state);
    if (runtime->images[0] != '\0' && c->image[0] == '\0') {
        image_podman(c);
    }
    proc_look(c);
    return SL_OK;
}

static struct sl_agent_container *slot_find(struct sl_agent_containers *all, const char *id)
{
    for (unsigned i = 0; i < all->count; i++) {
        if (strcmp(all->list[i].id, id) == 0) {
            return &all->list[i];
        }
    }
    return all->count < SL_AGENT_CONTAINERS_MAX ? &all->list[all->count] : NULL;
}

static unsigned runtime_poll(struct sl_agent_containers *all,
                             const struct sl_agent_runtime *runtime, struct sl_err *err)
{
    DIR *dir = opendir(runtime->state);
    struct dirent *at;
    unsigned failed = 0;
    /* no directory: the runtime has not run yet */
    while (dir != NULL && (at = readdir(dir)) != NULL) {
        struct sl_agent_container c, *slot;
        if (!sl_agent_container_is_id(at->d_name)) {
            continue;
        }
        if (container_read(runtime, at->d_name, &c, err) != SL_OK) {
            failed++;
        } else if ((slot = slot_find(all, c.id)) == NULL) {
            (void)sl_err_set(err, SL_NO_SPACE, "more than %d containers", SL_AGENT_CONTAINERS_MAX);
            failed++;
        } else {
            all->count += slot == &all->list[all->count] ? 1 : 0;
            *slot = c;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return failed;
}

unsigned sl_agent_containers_poll(struct sl_agent_containers *all,
                                  const struct sl_agent_config *config, struct sl_err *err)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < all->count; i++) {
        SET(all->list[i].state, "stopped");
        all->list[i].pid = 0;
    }
    for (unsigned i = 0; i < config->runtime_count; i++) {
        failed += runtime_poll(all, &config->runtimes[i], err);
    }
    return failed;
}

void sl_agent_containers_told(struct sl_agent_containers *all)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < all->count; i++) {
        if (strcmp(all->list[i].state, "stopped") != 0) {
            all->list[kept++] = all->list[i];
        }
    }
    all->count = kept;
}

const struct sl_agent_container *sl_agent_containers_find(const struct sl_agent_containers *all,
                                                          const char *id)
{
    for (unsigned i = 0; i < all->count; i++) {
        if (strcmp(all->list[i].id, id) == 0) {
            return &all->list[i];
        }
    }
    return NULL;
}

json_t *sl_agent_containers_json(const struct sl_agent_containers *all)
{
    json_t *out = json_array();
    for (unsigned i = 0; out != NULL && i < all->count; i++) {
        const struct sl_agent_container *c = &all->list[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:i}", "id", c->id, "runtime",
                      c->runtime->name, "image", c->image, "cgroup", c->cgroup, "uid_first",
                      (json_int_t)c->uid_first, "uid_count", (json_int_t)c->uid_count,
                      "root_device", c->root_device, "state", c->state, "pid", c->pid);
        /* NULL: a name that is not UTF-8 */
        if (one == NULL || json_array_append_new(out, one) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}
