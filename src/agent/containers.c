/* SPDX-License-Identifier: Apache-2.0 */
/* State directories of runc and crun, and what /proc says of a container's first process. */
#include "agent/containers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/bolt.h"
#include "files/files.h"

enum { STATE_MAX = 4 << 20, PROC_MAX = 64 << 10, BOLT_MAX = 64 << 20, PATH_ROOM = 1024 };

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

/* Lines are "number:controllers:path". The unified hierarchy's where the process is in one of it,
 * else any that is not the root: on hosts with the first version, 0:: is "/" for all. */
void sl_agent_container_cgroup(struct sl_agent_container *c)
{
    char *text = proc_read(c->pid, "cgroup"), *rest = NULL;
    bool has_unified = false;
    for (char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL;
         line != NULL && !has_unified; line = strtok_r(NULL, "\n", &rest)) {
        const char *path = strchr(line, ':');
        path = path != NULL ? strchr(path + 1, ':') : NULL;
        if (path != NULL && strcmp(path, ":/") != 0) {
            SET(c->cgroup, path + 1);
            has_unified = strncmp(line, "0::", 3) == 0;
        }
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
        sl_agent_container_cgroup(c);
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

static bool text_take(struct sl_blob value, char *out, size_t size)
{
    if (value.size == 0 || value.size >= size || memchr(value.data, 0, value.size) != NULL) {
        return false;
    }
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
    return true;
}

/* containerd: v1/NAMESPACE/containers/ID/image is a name, v1/NAMESPACE/images/NAME/target/digest
 * what it stands for now; the namespace is the last part of the runtime's state directory. Gives
 * "name@digest". */
static void image_containerd(struct sl_agent_container *c)
{
    const char *slash = strrchr(c->runtime->state, '/');
    const char *space = slash != NULL ? slash + 1 : c->runtime->state;
    const char *const image_keys[] = {"v1", space, "containers", c->id, "image"};
    char name[sizeof(c->image)] = "", digest[sizeof(c->image)];
    const char *const digest_keys[] = {"v1", space, "images", name, "target", "digest"};
    struct sl_blob file = {0}, value;
    uint8_t *data = NULL;
    size_t size;
    int length;
    if (sl_file_read(c->runtime->images, BOLT_MAX, &data, &size, NULL) != SL_OK) {
        return;
    }
    file = (struct sl_blob){data, size};
    if (sl_bolt_find(file, image_keys, 5, &value) == SL_OK &&
        text_take(value, name, sizeof(name)) &&
        sl_bolt_find(file, digest_keys, 6, &value) == SL_OK &&
        text_take(value, digest, sizeof(digest))) {
        length = snprintf(c->image, sizeof(c->image), "%s@%s", name, digest);
        if (length < 0 || (size_t)length >= sizeof(c->image)) {
            SET(c->image, digest); /* a digest alone says more than a name alone */
        }
    }
    free(data);
}

/* Where the runtime's own files do not say it. */
static void image_look(struct sl_agent_container *c)
{
    if (c->runtime->kind == SL_AGENT_CONTAINERD) {
        image_containerd(c);
    } else if (c->runtime->images[0] != '\0' && c->image[0] == '\0') {
        image_podman(c);
    }
}

static const char *member_find(const json_t *annotations, const char *key)
{
    return json_string_value(json_object_get(annotations, key));
}

/* crun keeps no annotations in its state; the bundle has them (CRI-O with crun). */
static void image_bundle(struct sl_agent_container *c, const char *bundle)
{
    char path[PATH_ROOM];
    uint8_t *data = NULL;
    size_t size;
    if (bundle == NULL || bundle[0] != '/') {
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/config.json", bundle);
    if (sl_file_read(path, STATE_MAX, &data, &size, NULL) != SL_OK) {
        return;
    }
    json_t *config = json_loadb((char *)data, size, 0, NULL);
    free(data);
    image_set(c, member_find, json_object_get(config, "annotations"));
    json_decref(config);
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
    if (runtime->kind == SL_AGENT_CRUN) {
        image_bundle(c, json_string_value(json_object_get(state, "bundle")));
    }
    json_decref(state);
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

/* A container's image is looked for once for each start: later its name may stand for another. */
static void image_keep(struct sl_agent_container *c, const struct sl_agent_container *was)
{
    if (was != NULL && was->runtime == c->runtime && was->image_pid != 0 &&
        (was->image_pid == c->pid || c->pid == 0)) {
        SET(c->image, was->image);
        c->image_pid = was->image_pid;
    } else {
        image_look(c);
        c->image_pid = c->image[0] != '\0' ? c->pid : 0;
    }
}

static unsigned runtime_poll(struct sl_agent_containers *all,
                             const struct sl_agent_runtime *runtime, struct sl_err *err)
{
    DIR *dir = opendir(runtime->state);
    struct dirent *at;
    unsigned failed = 0;
    if (dir == NULL && errno != ENOENT) { /* no directory: the runtime has not run yet */
        (void)sl_err_set(err, SL_IO, "runtimes: %s: %s: %s", runtime->name, runtime->state,
                         strerror(errno));
        failed = 1;
    }
    while (dir != NULL && (at = readdir(dir)) != NULL) {
        struct sl_agent_container c, *slot;
        if (!sl_agent_container_is_id(at->d_name)) {
            continue;
        }
        sl_rc rc = container_read(runtime, at->d_name, &c, err);
        if (rc != SL_OK) {
            failed += rc == SL_NOT_FOUND ? 0 : 1; /* comes, or goes, at this moment */
        } else if ((slot = slot_find(all, c.id)) == NULL) {
            (void)sl_err_set(err, SL_NO_SPACE, "more than %d containers", SL_AGENT_CONTAINERS_MAX);
            failed++;
        } else {
            const bool is_new = slot == &all->list[all->count];
            image_keep(&c, is_new ? NULL : slot);
            c.announced_pid = is_new ? 0 : slot->announced_pid;
            all->count += is_new ? 1 : 0;
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

static bool is_stopped(const struct sl_agent_container *c)
{
    return strcmp(c->state, "stopped") == 0;
}

static void keep(struct sl_agent_containers *all,
                 bool (*is_gone)(const struct sl_agent_container *))
{
    unsigned kept = 0;
    for (unsigned i = 0; i < all->count; i++) {
        if (!is_gone(&all->list[i])) {
            all->list[kept++] = all->list[i];
        }
    }
    all->count = kept;
}

static bool is_told(const struct sl_agent_container *c)
{
    return is_stopped(c) && c->is_sent;
}

void sl_agent_containers_told(struct sl_agent_containers *all)
{
    keep(all, is_told);
}

void sl_agent_containers_drop(struct sl_agent_containers *all)
{
    keep(all, is_stopped);
}

struct sl_agent_container *sl_agent_containers_slot(struct sl_agent_containers *all, const char *id)
{
    struct sl_agent_container *c = slot_find(all, id);
    return c == &all->list[all->count] ? NULL : c;
}

struct sl_agent_container *sl_agent_containers_add(struct sl_agent_containers *all, const char *id,
                                                   const char *runtime,
                                                   const struct sl_agent_config *config)
{
    struct sl_agent_container *c = slot_find(all, id);
    if (c != &all->list[all->count]) {
        return c;
    }
    for (unsigned i = 0; c != NULL && i < config->runtime_count; i++) {
        if (strcmp(config->runtimes[i].name, runtime) == 0) {
            memset(c, 0, sizeof(*c));
            SET(c->id, id);
            SET(c->state, "stopped");
            c->runtime = &config->runtimes[i];
            all->count++;
            return c;
        }
    }
    return NULL;
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

static json_t *container_json(const struct sl_agent_container *c)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:i}", "id", c->id, "runtime",
                     c->runtime->name, "image", c->image, "cgroup", c->cgroup, "uid_first",
                     (json_int_t)c->uid_first, "uid_count", (json_int_t)c->uid_count, "root_device",
                     c->root_device, "state", c->state, "pid", c->pid);
}

json_t *sl_agent_containers_json(struct sl_agent_containers *all, bool is_announced_only)
{
    json_t *out = json_array();
    for (unsigned i = 0; out != NULL && i < all->count; i++) {
        struct sl_agent_container *c = &all->list[i];
        if (is_announced_only && !is_stopped(c) && c->announced_pid == 0) {
            continue;
        }
        c->is_sent = is_stopped(c);
        /* NULL: a name that is not UTF-8 */
        json_t *one = container_json(c);
        if (one == NULL || json_array_append_new(out, one) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

/* ---- between starts ---- */

static void path_make(const char *state_dir, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/containers.json", state_dir);
}

static uint64_t text_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

sl_rc sl_agent_containers_save(const struct sl_agent_containers *all, const char *state_dir,
                               uint64_t *hash, struct sl_err *err)
{
    char path[PATH_ROOM];
    json_t *list = json_array();
    for (unsigned i = 0; i < all->count; i++) {
        (void)json_array_append_new(list, container_json(&all->list[i]));
    }
    json_t *root = json_pack("{s:s, s:o}", "boot_id", all->boot_id, "containers", list);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (text == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "containers: no memory, or a name is not UTF-8");
    }
    uint64_t now = text_hash(text);
    sl_rc rc = SL_OK;
    if (now != *hash) {
        path_make(state_dir, path, sizeof(path));
        rc = sl_file_write(path, 0600, text, strlen(text), err);
        *hash = rc == SL_OK ? now : *hash;
    }
    free(text);
    return rc;
}

static void container_load(struct sl_agent_containers *all, const struct sl_agent_config *config,
                           const json_t *from)
{
    const char *id = json_string_value(json_object_get(from, "id"));
    const char *runtime = json_string_value(json_object_get(from, "runtime"));
    struct sl_agent_container *c = id != NULL && runtime != NULL && sl_agent_container_is_id(id)
                                       ? sl_agent_containers_add(all, id, runtime, config)
                                       : NULL;
    if (c != NULL) {
        SET(c->image, json_string_value(json_object_get(from, "image")));
        SET(c->cgroup, json_string_value(json_object_get(from, "cgroup")));
        SET(c->root_device, json_string_value(json_object_get(from, "root_device")));
        c->uid_first = (uint64_t)json_integer_value(json_object_get(from, "uid_first"));
        c->uid_count = (uint64_t)json_integer_value(json_object_get(from, "uid_count"));
    }
}

void sl_agent_containers_load(struct sl_agent_containers *all, const struct sl_agent_config *config,
                              const char *state_dir, const char *boot_id)
{
    char path[PATH_ROOM];
    uint8_t *data = NULL;
    size_t size = 0, i;
    json_t *one;
    path_make(state_dir, path, sizeof(path));
    if (sl_file_read(path, STATE_MAX, &data, &size, NULL) != SL_OK) {
        return;
    }
    json_t *root = json_loadb((char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const char *boot = json_string_value(json_object_get(root, "boot_id"));
    free(data);
    if (boot != NULL && strcmp(boot, boot_id) == 0) {
        json_array_foreach(json_object_get(root, "containers"), i, one)
        {
            container_load(all, config, one);
        }
    }
    json_decref(root);
}
