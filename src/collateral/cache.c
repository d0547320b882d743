/* SPDX-License-Identifier: Apache-2.0 */
/* One bundle a platform in a folder. */
#include "collateral/cache.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"

static const char ending[] = ".json";
enum { ENDING_LENGTH = sizeof(ending) - 1 };

bool sl_collateral_cache_default(char *ret_path, size_t size)
{
    const char *given = getenv("SAFELIB_COLLATERAL");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int length = -1;
    if (given != NULL && given[0] != '\0') {
        length = snprintf(ret_path, size, "%s", given);
    } else if (geteuid() == 0) {
        length = snprintf(ret_path, size, "/var/lib/safelib/collateral");
    } else if (cache != NULL && cache[0] == '/') {
        length = snprintf(ret_path, size, "%s/safelib/collateral", cache);
    } else if (home != NULL && home[0] == '/') {
        length = snprintf(ret_path, size, "%s/.cache/safelib/collateral", home);
    }
    return length > 0 && (size_t)length < size;
}

/* Keys become file names: what platform.c makes, and nothing that leads elsewhere. */
static bool is_key(const char *key, size_t length)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz-.";
    return length > 0 && length < SL_PLATFORM_KEY_SIZE && key[0] != '.' &&
           strspn(key, allowed) >= length;
}

static sl_rc entry_path(const char *folder, const char *key, char ret_path[PATH_MAX],
                        struct sl_err *err)
{
    int length = snprintf(ret_path, PATH_MAX, "%s/%s%s", folder, key, ending);
    return length > 0 && length < PATH_MAX
               ? SL_OK
               : sl_err_set(err, SL_RANGE, "%.40s...: path too long", folder);
}

/* mkdir -p with mode 0700. */
static sl_rc folder_make(const char *folder, struct sl_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s", folder) >= (int)sizeof(path)) {
        return sl_err_set(err, SL_RANGE, "%.40s...: path too long", folder);
    }
    for (char *at = path + 1;; at++) {
        char saved = *at;
        if (saved != '/' && saved != '\0') {
            continue;
        }
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
        }
        *at = saved;
        if (saved == '\0') {
            return SL_OK;
        }
    }
}

sl_rc sl_collateral_cache_put(const char *folder, const struct sl_collateral_set *set,
                              char ret_key[SL_PLATFORM_KEY_SIZE], struct sl_err *err)
{
    char key[SL_PLATFORM_KEY_SIZE];
    char path[PATH_MAX];
    char *text = NULL;
    sl_rc rc = sl_platform_of_set(set, key, err);
    rc = rc == SL_OK ? folder_make(folder, err) : rc;
    rc = rc == SL_OK ? entry_path(folder, key, path, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    if (sl_collateral_bundle_write(set, key, &text) != SL_OK) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    rc = sl_file_write(path, 0600, text, strlen(text), err);
    free(text);
    if (rc == SL_OK && ret_key != NULL) {
        memcpy(ret_key, key, sizeof(key));
    }
    return rc;
}

static bool entry_is(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > ENDING_LENGTH && strcmp(entry->d_name + length - ENDING_LENGTH, ending) == 0 &&
           is_key(entry->d_name, length - ENDING_LENGTH);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static sl_rc list_add(char ***io_keys, size_t *io_count, const char *name)
{
    if (*io_count >= SL_COLLATERAL_CACHE_MAX) {
        return SL_RANGE;
    }
    char **more = realloc(*io_keys, (*io_count + 1) * sizeof(*more));
    if (more == NULL) {
        return SL_NO_MEMORY;
    }
    *io_keys = more;
    more[*io_count] = strndup(name, strlen(name) - ENDING_LENGTH);
    if (more[*io_count] == NULL) {
        return SL_NO_MEMORY;
    }
    (*io_count)++;
    return SL_OK;
}

sl_rc sl_collateral_cache_list(const char *folder, char ***ret_keys, size_t *ret_count,
                               struct sl_err *err)
{
    char **keys = NULL;
    size_t count = 0;
    sl_rc rc = SL_OK;
    DIR *dir = opendir(folder);
    if (dir == NULL && errno != ENOENT) {
        return sl_err_set(err, SL_IO, "%s: %s", folder, strerror(errno));
    }
    for (struct dirent *entry; dir != NULL && rc == SL_OK && (entry = readdir(dir)) != NULL;) {
        rc = entry_is(entry) ? list_add(&keys, &count, entry->d_name) : SL_OK;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    if (rc != SL_OK) {
        sl_collateral_cache_list_free(keys, count);
        return sl_err_set(err, rc, "%s: %s", folder,
                          rc == SL_RANGE ? "more platforms than can be listed" : "out of memory");
    }
    if (count > 0) {
        qsort(keys, count, sizeof(*keys), by_name);
    }
    *ret_keys = keys;
    *ret_count = count;
    return SL_OK;
}

void sl_collateral_cache_list_free(char **keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(keys[i]);
    }
    free(keys);
}

/* The one key that is @p key or begins so. */
static sl_rc key_find(const char *folder, const char *key, char ret_key[SL_PLATFORM_KEY_SIZE],
                      struct sl_err *err)
{
    char **keys = NULL;
    size_t count = 0;
    const char *found = NULL;
    unsigned hits = 0;
    if (!is_key(key, strlen(key))) {
        return sl_err_set(err, SL_NOT_FOUND, "\"%s\" is no platform's key", key);
    }
    sl_rc rc = sl_collateral_cache_list(folder, &keys, &count, err);
    if (rc != SL_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], key) == 0) {
            found = keys[i];
            hits = 1;
            break;
        }
        if (strncmp(keys[i], key, strlen(key)) == 0) {
            found = keys[i];
            hits++;
        }
    }
    if (hits == 1) {
        (void)snprintf(ret_key, SL_PLATFORM_KEY_SIZE, "%s", found);
    } else if (hits == 0) {
        rc = sl_err_set(err, SL_NOT_FOUND, "%s: holds nothing for %s", folder, key);
    } else {
        rc = sl_err_set(err, SL_INVALID, "%s: %u platforms begin with %s", folder, hits, key);
    }
    sl_collateral_cache_list_free(keys, count);
    return rc;
}

sl_rc sl_collateral_cache_get(const char *folder, const char *key, struct sl_collateral_set *io_set,
                              char ret_key[SL_PLATFORM_KEY_SIZE], struct sl_err *err)
{
    char whole[SL_PLATFORM_KEY_SIZE];
    char path[PATH_MAX];
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = key_find(folder, key, whole, err);
    rc = rc == SL_OK ? entry_path(folder, whole, path, err) : rc;
    rc = rc == SL_OK ? sl_file_read(path, SL_COLLATERAL_BUNDLE_MAX, &data, &size, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_collateral_bundle_read((const char *)data, size, io_set, err);
    free(data);
    if (rc != SL_OK) {
        if (err != NULL) {
            (void)sl_err_prefix(err, "%s", path);
        }
        return rc;
    }
    if (ret_key != NULL) {
        memcpy(ret_key, whole, sizeof(whole));
    }
    return SL_OK;
}

sl_rc sl_collateral_cache_remove(const char *folder, const char *key, struct sl_err *err)
{
    char whole[SL_PLATFORM_KEY_SIZE];
    char path[PATH_MAX];
    sl_rc rc = key_find(folder, key, whole, err);
    rc = rc == SL_OK ? entry_path(folder, whole, path, err) : rc;
    if (rc == SL_OK && unlink(path) != 0) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    return rc;
}
