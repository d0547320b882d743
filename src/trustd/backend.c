/* SPDX-License-Identifier: Apache-2.0 */
/* The product's drivers, policy files and reference values. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "files/files.h"
#include "monitor/policy_file.h"
#include "monitor/refvals.h"
#include "trustd/judge.h"
#include "trustd/token.h"

enum { LEASE_MS = 60000, NEXT_MS = 10000, SETS_MAX = 256 };

/* A file that a policy names, beside the policies. */
static sl_rc file_load(const char *folder, const char *name, json_t *files, struct sl_err *err)
{
    char path[SL_POLICY_TEXT_MAX + 512];
    uint8_t *data = NULL;
    size_t size = 0;
    if (name[0] == '\0') {
        return SL_OK;
    }
    (void)snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : folder,
                   name[0] == '/' ? "" : "/", name);
    sl_rc rc = sl_file_read(path, SL_POLICY_ROOTS_SIZE_MAX, &data, &size, err);
    json_t *text = rc == SL_OK ? json_stringn((const char *)data, size) : NULL;
    if (rc == SL_OK && text == NULL) {
        rc = sl_err_set(err, SL_MALFORMED, "%s: expected certificates as PEM", path);
    }
    free(data);
    return rc == SL_OK && json_object_set_new(files, name, text) != 0 ? SL_NO_MEMORY : rc;
}

/* From what was loaded into the policy. A name that is not there is a failure, not "none". */
static sl_rc file_take(const json_t *files, const char *name, uint8_t **ret_data, size_t *ret_size,
                       struct sl_err *err)
{
    const json_t *text = json_object_get(files, name);
    if (name[0] == '\0') {
        return SL_OK;
    }
    if (!json_is_string(text)) {
        return sl_err_set(err, SL_NOT_FOUND, "%s: is not in the job", name);
    }
    free(*ret_data);
    *ret_data = (uint8_t *)strndup(json_string_value(text), json_string_length(text));
    *ret_size = json_string_length(text);
    return *ret_data != NULL ? SL_OK : sl_err_set(err, SL_NO_MEMORY, "no memory");
}

/* Keys for files on the host, as one text, whatever they lie in. */
static sl_rc keys_load(const char *folder, const char *name, json_t *files, struct sl_err *err)
{
    char path[SL_POLICY_TEXT_MAX + 512];
    uint8_t *pem = NULL;
    size_t size = 0;
    if (name[0] == '\0') {
        return SL_OK;
    }
    (void)snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : folder,
                   name[0] == '/' ? "" : "/", name);
    sl_rc rc = sl_monitor_keys_read(path, &pem, &size, err);
    if (rc == SL_OK &&
        json_object_set_new(files, name, json_stringn((const char *)pem, size)) != 0) {
        rc = sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    free(pem);
    return rc;
}

static sl_rc keys_take(const json_t *files, struct sl_monitor_policy *policy, struct sl_err *err)
{
    uint8_t *pem = NULL;
    size_t size = 0;
    sl_rc rc = file_take(files, policy->ima_keys_path, &pem, &size, err);
    return rc == SL_OK && pem != NULL ? sl_monitor_policy_keys_set(policy, pem, size, err) : rc;
}

static sl_rc policy_read(const char *text, size_t size, const json_t *files,
                         struct sl_monitor_policy **ret_policy, struct sl_err *err)
{
    struct sl_monitor_policy *policy = NULL;
    sl_rc rc = sl_monitor_policy_read(text, size, &policy, err);
    if (rc != SL_OK) {
        return rc;
    }
    /* EK roots are for enrolment alone: policy_open */
    rc = file_take(files, policy->tee_roots_path, &policy->tee_roots, &policy->tee_roots_size, err);
    rc = rc == SL_OK ? keys_take(files, policy, err) : rc;
    if (rc != SL_OK) {
        sl_monitor_policy_free(policy);
        return rc;
    }
    *ret_policy = policy;
    return SL_OK;
}

static sl_rc policy_open(const char *text, size_t size, const char *folder,
                         struct sl_monitor_policy **ret_policy, json_t **ret_files,
                         json_t **ret_roots, struct sl_err *err)
{
    struct sl_monitor_policy *policy = NULL;
    json_t *files = json_object();
    json_t *roots = json_object();
    sl_rc rc = sl_monitor_policy_read(text, size, &policy, err);
    if (rc == SL_OK) {
        rc = file_load(folder, policy->tee_roots_path, files, err);
        rc = rc == SL_OK ? file_load(folder, policy->ek_roots_path, roots, err) : rc;
        rc = rc == SL_OK ? keys_load(folder, policy->ima_keys_path, files, err) : rc;
        rc = rc == SL_OK ? keys_take(files, policy, err) : rc;
        rc = rc == SL_OK ? file_take(files, policy->tee_roots_path, &policy->tee_roots,
                                     &policy->tee_roots_size, err)
                         : rc;
        rc = rc == SL_OK ? file_take(roots, policy->ek_roots_path, &policy->ek_roots,
                                     &policy->ek_roots_size, err)
                         : rc;
    }
    if (rc != SL_OK) {
        json_decref(files);
        json_decref(roots);
        sl_monitor_policy_free(policy);
        return rc;
    }
    *ret_policy = policy;
    *ret_files = files;
    *ret_roots = roots;
    return SL_OK;
}

static void policy_times(const struct sl_monitor_policy *policy, int64_t *ret_lease_ms,
                         int64_t *ret_next_ms)
{
    *ret_lease_ms = policy->lease_ms > 0 ? policy->lease_ms : LEASE_MS;
    *ret_next_ms = policy->interval_ms > 0 ? policy->interval_ms : NEXT_MS;
}

static int set_filter(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    size_t suffix = strlen(SL_REFVALS_SUFFIX);
    return size > suffix && strcmp(entry->d_name + size - suffix, SL_REFVALS_SUFFIX) == 0;
}

/* Over names and contents of all sets, in the order of their names. */
static sl_rc folder_digest(const char *folder, char ret_digest[65], struct sl_err *err)
{
    struct dirent **names = NULL;
    uint8_t hashes[SETS_MAX * 2 * SL_TOKEN_HASH_SIZE];
    size_t used = 0;
    sl_rc rc = SL_OK;
    int count = scandir(folder, &names, set_filter, alphasort);
    if (count < 0) {
        return sl_err_set(err, SL_IO, "refvals: %s: cannot be read", folder);
    }
    if (count > SETS_MAX) {
        rc = sl_err_set(err, SL_RANGE, "refvals: more than %d sets", SETS_MAX);
    }
    for (int i = 0; i < count; i++) {
        char path[1024];
        uint8_t *data = NULL;
        size_t size = 0;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        rc = rc == SL_OK ? sl_file_read(path, SL_REFVALS_FILE_MAX, &data, &size, err) : rc;
        rc = rc == SL_OK
                 ? sl_trustd_sha256(names[i]->d_name, strlen(names[i]->d_name), hashes + used)
                 : rc;
        rc = rc == SL_OK ? sl_trustd_sha256(data, size, hashes + used + SL_TOKEN_HASH_SIZE) : rc;
        used += rc == SL_OK ? 2 * SL_TOKEN_HASH_SIZE : 0;
        free(data);
        free(names[i]);
    }
    free(names);
    uint8_t all[SL_TOKEN_HASH_SIZE];
    rc = rc == SL_OK ? sl_trustd_sha256(hashes, used, all) : rc;
    if (rc == SL_OK) {
        sl_hex_encode(all, sizeof(all), ret_digest);
    }
    return rc;
}

/* One store for a process: the daemon's, which its verifier inherits. */
static struct sl_refstore *store;

static sl_rc refvals_open(const char *path, struct sl_refvals *ret_refvals, char ret_digest[65],
                          struct sl_err *err)
{
    sl_rc rc = sl_refstore_open(path, &store, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = folder_digest(path, ret_digest, err);
    if (rc != SL_OK) {
        sl_refstore_close(store);
        store = NULL;
        return rc;
    }
    *ret_refvals = sl_refstore_refvals(store);
    return SL_OK;
}

static void refvals_close(struct sl_refvals *refvals)
{
    sl_refstore_close(store);
    store = NULL;
    *refvals = (struct sl_refvals){0};
}

const struct sl_monitor_backend sl_monitor_backend_product = {
    .driver_find = sl_driver_find,
    .policy_open = policy_open,
    .policy_read = policy_read,
    .policy_free = sl_monitor_policy_free,
    .policy_times = policy_times,
    .refvals_open = refvals_open,
    .refvals_close = refvals_close,
};
