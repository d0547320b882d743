/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and their files: read whole, kept in the journal, compared. */
#include "trustd/material.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "files/files.h"
#include "trustd/api_private.h"

enum { POLICY_BYTES_MAX = 1 << 20 };
static const char suffix[] = ".yaml";

static void class_done(const struct sl_monitor_backend *backend, struct sl_material_class *class)
{
    free(class->text);
    if (class->policy != NULL) {
        backend->policy_free(class->policy);
    }
    json_decref(class->files);
    json_decref(class->roots);
}

/* Over the policy and the files that it names, each with its name. */
static sl_rc class_hash(struct sl_material_class *class)
{
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    json_t *all = json_pack("{s:s, s:O, s:O}", "policy", class->text, "files", class->files,
                            "roots", class->roots);
    char *text = all != NULL ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    sl_rc rc = text != NULL ? sl_trustd_sha256(text, strlen(text), hash) : SL_NO_MEMORY;
    if (rc == SL_OK) {
        sl_hex_encode(hash, sizeof(hash), class->hash);
    }
    free(text);
    json_decref(all);
    return rc;
}

static sl_rc class_load(const struct sl_monitor_backend *backend, const char *folder,
                        const char *file, struct sl_material_class *class, struct sl_err *err)
{
    char path[1024];
    size_t size = 0;
    size_t name_size = strlen(file) - (sizeof(suffix) - 1);
    if (name_size >= sizeof(class->name)) {
        return sl_err_set(err, SL_RANGE, "%s/%s: a class has at most %zu characters", folder, file,
                          sizeof(class->name) - 1);
    }
    memcpy(class->name, file, name_size);
    class->name[name_size] = '\0';
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (!sl_is_name(class->name, sizeof(class->name) - 1)) {
        return sl_err_set(err, SL_INVALID,
                          "%s: expected letters, digits, \".\", \"_\" or \"-\" before .yaml", path);
    }
    sl_rc rc = sl_file_read(path, POLICY_BYTES_MAX, (uint8_t **)&class->text, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    json_t *text = strlen(class->text) == size ? json_string(class->text) : NULL;
    bool is_text = text != NULL; /* jansson takes nothing but UTF-8 */
    json_decref(text);
    if (!is_text) {
        return sl_err_set(err, SL_MALFORMED, "%s: is no UTF-8 text", path);
    }
    rc = backend->policy_open(class->text, size, folder, &class->policy, &class->files,
                              &class->roots, err);
    rc = rc == SL_OK ? class_hash(class) : rc;
    if (rc != SL_OK) {
        (void)sl_err_prefix(err, "%s", path);
    }
    return rc;
}

static int is_policy(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && size > sizeof(suffix) - 1 &&
           strcmp(entry->d_name + size - (sizeof(suffix) - 1), suffix) == 0;
}

sl_rc sl_material_load(const struct sl_monitor_backend *backend, const char *folder,
                       struct sl_material **ret_material, struct sl_err *err)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_policy, alphasort);
    if (count < 0 && errno != ENOENT) {
        return sl_err_set(err, SL_IO, "policy_dir: %s: %s", folder, strerror(errno));
    }
    count = count < 0 ? 0 : count;
    struct sl_material *material = calloc(1, sizeof(*material));
    struct sl_material_class *classes = calloc((size_t)count + 1, sizeof(*classes));
    sl_rc rc = material == NULL || classes == NULL ? sl_err_set(err, SL_NO_MEMORY, "no memory")
               : count > SL_MATERIAL_CLASSES_MAX
                   ? sl_err_set(err, SL_RANGE, "policy_dir: %s: more than %d policies", folder,
                                SL_MATERIAL_CLASSES_MAX)
                   : SL_OK;
    if (material != NULL) {
        *material = (struct sl_material){.backend = backend, .refs = 1, .classes = classes};
    }
    for (int i = 0; i < count; i++) {
        if (rc == SL_OK) {
            material->count++;
            rc = class_load(backend, folder, names[i]->d_name, &classes[i], err);
        }
        free(names[i]);
    }
    free(names);
    if (rc != SL_OK) {
        if (material == NULL) {
            free(classes);
        }
        sl_material_unref(material);
        return rc;
    }
    *ret_material = material;
    return SL_OK;
}

struct sl_material *sl_material_ref(struct sl_material *material)
{
    material->refs++;
    return material;
}

void sl_material_unref(struct sl_material *material)
{
    if (material == NULL || --material->refs > 0) {
        return;
    }
    for (size_t i = 0; i < material->count; i++) {
        class_done(material->backend, &material->classes[i]);
    }
    free(material->classes);
    free(material);
}

const struct sl_material_class *sl_material_find(const struct sl_material *material,
                                                 const char *class_name)
{
    for (size_t i = 0; i < material->count; i++) {
        if (strcmp(material->classes[i].name, class_name) == 0) {
            return &material->classes[i];
        }
    }
    return NULL;
}

static void changes_add(const struct sl_material *from, const struct sl_material *to,
                        bool is_both_ways, json_t *list)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct sl_material_class *class = &from->classes[i];
        const struct sl_material_class *other = sl_material_find(to, class->name);
        if (other == NULL || (is_both_ways && strcmp(other->hash, class->hash) != 0)) {
            (void)json_array_append_new(list, json_string(class->name));
        }
    }
}

json_t *sl_material_changes(const struct sl_material *before, const struct sl_material *after)
{
    json_t *list = json_array();
    changes_add(before, after, true, list);
    changes_add(after, before, false, list);
    return list;
}

/* {name: text} as {name: SHA-256}, each text a blob. */
static json_t *files_keep(const json_t *files, struct sl_journal *journal, struct sl_err *err)
{
    const char *name;
    json_t *text;
    json_t *list = json_object();
    char blob[SL_BLOB_NAME_SIZE];
    json_object_foreach((json_t *)(uintptr_t)files, name, text)
    {
        if (sl_journal_blob_put(journal, json_string_value(text), json_string_length(text), blob,
                                err) != SL_OK) {
            json_decref(list);
            return NULL;
        }
        (void)json_object_set_new(list, name, json_string(blob));
    }
    return list;
}

static sl_rc class_keep(const struct sl_material_class *class, struct sl_journal *journal,
                        json_t *classes, struct sl_err *err)
{
    char blob[SL_BLOB_NAME_SIZE];
    sl_rc rc = sl_journal_blob_put(journal, class->text, strlen(class->text), blob, err);
    json_t *files = rc == SL_OK ? files_keep(class->files, journal, err) : NULL;
    json_t *roots = files != NULL ? files_keep(class->roots, journal, err) : NULL;
    if (roots == NULL) {
        json_decref(files);
        return rc != SL_OK ? rc : SL_IO;
    }
    return json_object_set_new(classes, class->name,
                               json_pack("{s:s, s:s, s:o, s:o}", "policy", class->hash, "text",
                                         blob, "files", files, "roots", roots)) == 0
               ? SL_OK
               : sl_err_set(err, SL_NO_MEMORY, "no memory");
}

sl_rc sl_material_keep(const struct sl_material *material, const char *refvals,
                       struct sl_journal *journal, char ret_name[SL_BLOB_NAME_SIZE],
                       struct sl_err *err)
{
    sl_rc rc = SL_OK;
    json_t *classes = json_object();
    for (size_t i = 0; rc == SL_OK && i < material->count; i++) {
        rc = class_keep(&material->classes[i], journal, classes, err);
    }
    json_t *all = json_pack("{s:o, s:s}", "classes", classes, "refvals", refvals);
    char *text = all != NULL ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (rc == SL_OK) {
        rc = text != NULL ? sl_journal_blob_put(journal, text, strlen(text), ret_name, err)
                          : sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    free(text);
    json_decref(all);
    return rc;
}
