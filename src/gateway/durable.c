/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's durable state: read with suspicion, written whole. */
#include "gateway/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "files/files.h"

enum { FILE_MAX = 4096, FORMAT = 1, HEX_SIZE = 2 * SL_DURABLE_HASH_SIZE + 1 };

/* ---- form ---- */

/* SHA-256 over the members in their order: against damage, not against who may write here. */
static bool sum_make(json_t *root, char ret_hex[HEX_SIZE])
{
    uint8_t hash[SL_DURABLE_HASH_SIZE];
    (void)json_object_del(root, "sha256");
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    bool is_good =
        text != NULL && EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) == 1;
    free(text);
    if (is_good) {
        sl_hex_encode(hash, sizeof(hash), ret_hex);
    }
    return is_good;
}

static json_t *hex_json(const uint8_t *data, size_t size)
{
    char hex[HEX_SIZE];
    sl_hex_encode(data, size, hex);
    return json_string(hex);
}

static json_t *form_make(const struct sl_durable *d)
{
    char hex[HEX_SIZE];
    json_t *root = json_pack(
        "{s:i, s:o, s:o, s:I, s:I, s:I, s:o, s:I, s:o}", "format", FORMAT, "policy_version",
        d->has_policy ? json_integer((json_int_t)d->policy_version) : json_null(), "policy_sha256",
        hex_json(d->policy_hash, sizeof(d->policy_hash)), "epoch", (json_int_t)d->epoch,
        "epoch_done", (json_int_t)d->epoch_done, "snapshot_epoch", (json_int_t)d->snapshot_epoch,
        "instance", d->has_instance ? hex_json(d->instance, sizeof(d->instance)) : json_null(),
        "audit_seq", (json_int_t)d->audit.seq, "audit_hash",
        hex_json(d->audit.hash, sizeof(d->audit.hash)));
    if (root == NULL || !sum_make(root, hex)) {
        json_decref(root);
        return NULL;
    }
    (void)json_object_set_new(root, "sha256", json_string(hex));
    return root;
}

static bool hex_take(const json_t *root, const char *name, uint8_t *out, size_t size)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text != NULL && sl_hex_decode(text, out, size) == SL_OK;
}

static bool number_take(const json_t *root, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(root, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool form_take(const json_t *root, struct sl_durable *d)
{
    uint64_t format = 0;
    d->has_policy = json_is_integer(json_object_get(root, "policy_version"));
    d->has_instance = json_is_string(json_object_get(root, "instance"));
    return number_take(root, "format", &format) && format == FORMAT &&
           (d->has_policy ? number_take(root, "policy_version", &d->policy_version)
                          : json_is_null(json_object_get(root, "policy_version"))) &&
           hex_take(root, "policy_sha256", d->policy_hash, sizeof(d->policy_hash)) &&
           number_take(root, "epoch", &d->epoch) &&
           number_take(root, "epoch_done", &d->epoch_done) &&
           (json_object_get(root, "snapshot_epoch") == NULL || /* of before there were any */
            number_take(root, "snapshot_epoch", &d->snapshot_epoch)) &&
           (d->has_instance ? hex_take(root, "instance", d->instance, sizeof(d->instance))
                            : json_is_null(json_object_get(root, "instance"))) &&
           number_take(root, "audit_seq", &d->audit.seq) &&
           hex_take(root, "audit_hash", d->audit.hash, sizeof(d->audit.hash));
}

/* ---- file ---- */

static sl_rc damaged(const struct sl_durable *d, const char *what, struct sl_err *err)
{
    return sl_err_set(err, SL_MALFORMED,
                      "state_dir: %s is damaged (%s): put it back from a backup; without it an "
                      "older policy or a rolled-back image could not be told from a new one",
                      d->path, what);
}

static sl_rc text_take(const uint8_t *data, size_t size, struct sl_durable *d, struct sl_err *err)
{
    char hex[HEX_SIZE];
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const char *stated = json_string_value(json_object_get(root, "sha256"));
    char *copy = stated != NULL ? strdup(stated) : NULL;
    sl_rc rc = SL_OK;
    if (copy == NULL || !sum_make(root, hex)) {
        rc = damaged(d, "it cannot be read as JSON with a checksum", err);
    } else if (strcmp(hex, copy) != 0) {
        rc = damaged(d, "its checksum does not fit", err);
    } else if (!form_take(root, d)) {
        rc = damaged(d, "members are missing or wrong", err);
    }
    free(copy);
    json_decref(root);
    return rc;
}

static sl_rc mode_check(const struct sl_durable *d, struct sl_err *err)
{
    struct stat stat;
    if (lstat(d->path, &stat) != 0) {
        return errno == ENOENT
                   ? SL_OK
                   : sl_err_set(err, SL_IO, "state_dir: %s: %s", d->path, strerror(errno));
    }
    if (!S_ISREG(stat.st_mode) || (stat.st_mode & 077) != 0) {
        return sl_err_set(err, SL_IO, "state_dir: %s: expected a plain file of mode 0600", d->path);
    }
    return SL_OK;
}

static sl_rc file_take(struct sl_durable *d, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    struct sl_err ignored = {0};
    sl_rc rc = mode_check(d, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_file_read(d->path, FILE_MAX, &data, &size, &ignored);
    if (rc == SL_NOT_FOUND && access(d->audit_path, F_OK) == 0) {
        return sl_err_set(
            err, SL_NOT_FOUND,
            "state_dir: %s is gone, though %s is there: put it back from a backup, or "
            "move the log away to begin anew (policy versions and image epochs then "
            "start over)",
            d->path, d->audit_path);
    }
    if (rc == SL_NOT_FOUND) {
        return SL_OK;
    }
    if (rc == SL_RANGE) {
        return damaged(d, "it is too long", err);
    }
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "state_dir: %s", ignored.text);
    }
    rc = text_take(data, size, d, err);
    free(data);
    return rc;
}

static sl_rc paths_make(const char *folder, struct sl_durable *d, struct sl_err *err)
{
    int a = snprintf(d->path, sizeof(d->path), "%s/gateway.state", folder);
    int b = snprintf(d->audit_path, sizeof(d->audit_path), "%s/audit.log", folder);
    return a < (int)sizeof(d->path) && b < (int)sizeof(d->audit_path)
               ? SL_OK
               : sl_err_set(err, SL_IO, "state_dir: the path is too long");
}

static sl_rc folder_lock(const char *folder, struct sl_durable *d, struct sl_err *err)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return sl_err_set(err, SL_IO, "state_dir: %s: %s", folder, strerror(errno));
    }
    d->lock_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->lock_fd < 0) {
        return sl_err_set(err, SL_IO, "state_dir: %s: %s", folder, strerror(errno));
    }
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return sl_err_set(err, SL_EXISTS,
                          "state_dir: another gateway uses %s; each needs a folder of its own",
                          folder);
    }
    return SL_OK;
}

sl_rc sl_durable_open(const char *folder, struct sl_durable *ret_durable, struct sl_err *err)
{
    struct sl_durable d = {.lock_fd = -1};
    sl_rc rc = paths_make(folder, &d, err);
    rc = rc == SL_OK ? folder_lock(folder, &d, err) : rc;
    rc = rc == SL_OK ? file_take(&d, err) : rc;
    if (rc != SL_OK) {
        sl_durable_close(&d);
        return rc;
    }
    *ret_durable = d;
    return SL_OK;
}

sl_rc sl_durable_look(const char *folder, struct sl_durable *ret_durable, struct sl_err *err)
{
    struct sl_durable d = {.lock_fd = -1};
    sl_rc rc = paths_make(folder, &d, err);
    rc = rc == SL_OK ? file_take(&d, err) : rc;
    if (rc == SL_OK) {
        *ret_durable = d;
    }
    return rc;
}

void sl_durable_close(struct sl_durable *durable)
{
    if (durable->lock_fd >= 0) {
        (void)close(durable->lock_fd);
        durable->lock_fd = -1;
    }
}

sl_rc sl_durable_save(struct sl_durable *durable, struct sl_err *err)
{
    json_t *root = form_make(durable);
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    if (text == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "state_dir: no memory");
    }
    sl_rc rc = sl_file_write(durable->path, 0600, text, strlen(text), err);
    free(text);
    return rc == SL_OK ? rc : sl_err_prefix(err, "state_dir");
}

sl_rc sl_durable_policy_check(const struct sl_durable *durable, const char *path, uint64_t version,
                              const uint8_t hash[SL_DURABLE_HASH_SIZE], struct sl_err *err)
{
    if (!durable->has_policy || version > durable->policy_version) {
        return SL_OK;
    }
    if (version < durable->policy_version) {
        return sl_err_set(err, SL_STALE,
                          "%s has version %llu; images have had %llu already, and policies only go "
                          "forward: `safelib policy renew %s` gives these rules the next number",
                          path, (unsigned long long)version,
                          (unsigned long long)durable->policy_version, path);
    }
    /* forbidden: waived, hashes of policies */
    if (memcmp(hash, durable->policy_hash, SL_DURABLE_HASH_SIZE) != 0) {
        return sl_err_set(err, SL_STALE,
                          "%s has version %llu, which images have had with other contents: "
                          "`safelib policy renew %s` gives these the next number",
                          path, (unsigned long long)version, path);
    }
    return SL_OK;
}
