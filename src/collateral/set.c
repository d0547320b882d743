/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral in a folder: one file per part. */
#include "collateral/set.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"

static_assert(sizeof(struct sl_attest_collateral) ==
                  SL_COLLATERAL_PART_COUNT * sizeof(struct sl_blob),
              "the table names every member");
#define SL_COLLATERAL_CHECK(name, kind, text)                                                      \
    static_assert(offsetof(struct sl_attest_collateral, name) ==                                   \
                      SL_COLLATERAL_##name * sizeof(struct sl_blob),                               \
                  "the table has the members' order");
SL_COLLATERAL_TABLE(SL_COLLATERAL_CHECK)

static const struct {
    const char *name, *text;
    enum sl_collateral_kind kind;
} parts[SL_COLLATERAL_PART_COUNT] = {
#define SL_COLLATERAL_ROW(name, kind, text) {#name, text, SL_COLLATERAL_##kind},
    SL_COLLATERAL_TABLE(SL_COLLATERAL_ROW)
#undef SL_COLLATERAL_ROW
};
/* In the order of preference. */
static const char *const endings[][3] = {
    [SL_COLLATERAL_JSON] = {".json"},
    [SL_COLLATERAL_CERTS] = {".pem", ".der"},
    [SL_COLLATERAL_CRL] = {".der", ".pem"},
};

const char *sl_collateral_name(enum sl_collateral_part part)
{
    return parts[part].name;
}

enum sl_collateral_kind sl_collateral_kind(enum sl_collateral_part part)
{
    return parts[part].kind;
}

const char *sl_collateral_text(enum sl_collateral_part part)
{
    return parts[part].text;
}

static struct sl_blob *part_at(struct sl_collateral_set *set, enum sl_collateral_part part)
{
    return (struct sl_blob *)&set->parts + part;
}

struct sl_blob sl_collateral_part(const struct sl_collateral_set *set, enum sl_collateral_part part)
{
    return ((const struct sl_blob *)&set->parts)[part];
}

bool sl_collateral_is_empty(const struct sl_collateral_set *set)
{
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        if (sl_collateral_part(set, i).data != NULL) {
            return false;
        }
    }
    return true;
}

void sl_collateral_done(struct sl_collateral_set *set)
{
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        free(set->memory[i]);
    }
    *set = (struct sl_collateral_set){0};
}

static void adopt(struct sl_collateral_set *set, enum sl_collateral_part part, uint8_t *data,
                  size_t size)
{
    free(set->memory[part]);
    set->memory[part] = data;
    *part_at(set, part) = (struct sl_blob){data, size};
}

sl_rc sl_collateral_put(struct sl_collateral_set *set, enum sl_collateral_part part,
                        const void *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL) {
        return SL_NO_MEMORY;
    }
    memcpy(copy, data, size);
    copy[size] = 0;
    adopt(set, part, copy, size);
    return SL_OK;
}

enum sl_collateral_part sl_collateral_part_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        size_t length = strlen(parts[i].name);
        if (strncmp(name, parts[i].name, length) != 0) {
            continue;
        }
        const char *const *ending = endings[parts[i].kind];
        for (; *ending != NULL; ending++) {
            if (strcmp(name + length, *ending) == 0) {
                return i;
            }
        }
    }
    return SL_COLLATERAL_PART_COUNT;
}

static sl_rc load_part(const char *path, enum sl_collateral_part part,
                       struct sl_collateral_set *set, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, SL_COLLATERAL_FILE_MAX, &data, &size, err);
    if (rc == SL_OK) {
        adopt(set, part, data, size);
    }
    return rc;
}

static sl_rc load_folder(const char *folder, struct sl_collateral_set *set, struct sl_err *err)
{
    unsigned found = 0;
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        const char *const *ending = endings[parts[i].kind];
        for (; *ending != NULL; ending++) {
            char path[PATH_MAX];
            int length = snprintf(path, sizeof(path), "%s/%s%s", folder, parts[i].name, *ending);
            if (length < 0 || (size_t)length >= sizeof(path)) {
                return sl_err_set(err, SL_IO, "%.40s...: path too long", folder);
            }
            sl_rc rc = load_part(path, i, set, err);
            if (rc == SL_OK) {
                found++;
                break;
            }
            if (rc != SL_NOT_FOUND) {
                return rc;
            }
        }
    }
    if (found == 0) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s: holds none of tcb_info.json, qe_identity.json, pck_crl.der, "
                          "vcek.der, cert_chain.pem ... (man safelib-attest lists the names)",
                          folder);
    }
    return SL_OK;
}

static sl_rc load_bundle(const char *path, struct sl_collateral_set *set, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, SL_COLLATERAL_BUNDLE_MAX, &data, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_collateral_bundle_read((const char *)data, size, set, err);
    free(data);
    if (rc != SL_OK && err != NULL) {
        return sl_err_prefix(err, "%s", path);
    }
    return rc;
}

sl_rc sl_collateral_load(const char *path, struct sl_collateral_set *io_set, struct sl_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                          strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return load_folder(path, io_set, err);
    }
    enum sl_collateral_part part = sl_collateral_part_of_file(path);
    return part < SL_COLLATERAL_PART_COUNT ? load_part(path, part, io_set, err)
                                           : load_bundle(path, io_set, err);
}

static bool is_pem(struct sl_blob blob)
{
    return memmem(blob.data, blob.size, "-----BEGIN ", 11) != NULL;
}

sl_rc sl_collateral_folder_write(const struct sl_collateral_set *set, const char *folder,
                                 struct sl_err *err)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return sl_err_set(err, SL_IO, "%s: %s", folder, strerror(errno));
    }
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        struct sl_blob blob = sl_collateral_part(set, i);
        if (blob.data == NULL) {
            continue;
        }
        const char *ending = parts[i].kind == SL_COLLATERAL_JSON ? ".json"
                             : is_pem(blob)                      ? ".pem"
                                                                 : ".der";
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%s/%s%s", folder, parts[i].name, ending);
        if (length < 0 || (size_t)length >= sizeof(path)) {
            return sl_err_set(err, SL_RANGE, "%.40s...: path too long", folder);
        }
        sl_rc rc = sl_file_write(path, 0600, blob.data, blob.size, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}
