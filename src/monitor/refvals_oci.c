/* SPDX-License-Identifier: Apache-2.0 */
/* OCI images (image-spec 1.1): layers laid over each other, as a runtime would, so that only what
 * a container can really execute becomes a reference digest. */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"
#include "monitor/refvals_archive.h"
#include "safelib/bytes.h"

enum {
    JSON_MAX = 4 << 20,
    LAYERS_MAX = 256,
    DEPTH_MAX = 3,
    PATH_SIZE = 4096,
    ALL = SL_REFVALS_ALGS_MAX * SL_REFVALS_DIGEST_MAX
};

struct image {
    struct sl_import *import;
    const char *root;     /* folder of the layout */
    const char *platform; /* "linux/amd64" */
    json_t *files;        /* path: digests in hex, all of them in a row */
};

/* ---- blobs ---- */

static sl_rc blob_path(const struct image *image, const json_t *descriptor, char *out, size_t size,
                       const char **ret_hex, struct sl_err *err)
{
    const char *digest = json_string_value(json_object_get(descriptor, "digest"));

    if (digest == NULL || strncmp(digest, "sha256:", 7) != 0 || strlen(digest) != 71 ||
        strspn(digest + 7, "0123456789abcdef") != 64) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "a descriptor's digest must be sha256: and 64 hex "
                          "digits");
    }
    *ret_hex = digest + 7;
    (void)snprintf(out, size, "%s/blobs/sha256/%s", image->root, digest + 7);
    return SL_OK;
}

/* Every blob is hashed before a byte of it is believed. */
static sl_rc blob_check(const char *path, const char *hex, struct sl_err *err)
{
    FILE *file = fopen(path, "re");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t chunk[16 << 10], digest[32];
    char found[65];
    size_t got;
    bool is_done = ctx != NULL && file != NULL && EVP_DigestInit_ex2(ctx, EVP_sha256(), NULL) == 1;

    if (file == NULL) {
        EVP_MD_CTX_free(ctx);
        return sl_err_set(err, SL_NOT_FOUND, "blob %s is missing", hex);
    }
    while (is_done && (got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        is_done = EVP_DigestUpdate(ctx, chunk, got) == 1;
    }
    is_done = is_done && ferror(file) == 0 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    (void)fclose(file);
    EVP_MD_CTX_free(ctx);
    if (!is_done) {
        return sl_err_set(err, SL_IO, "blob %s cannot be read", hex);
    }
    sl_hex_encode(digest, sizeof(digest), found);
    return strcmp(found, hex) == 0
               ? SL_OK
               : sl_err_set(err, SL_MISMATCH, "blob %s has digest %s: it was changed", hex, found);
}

static sl_rc json_read(const char *path, json_t **ret_json, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, JSON_MAX, &data, &size, err);

    *ret_json = NULL;
    if (rc == SL_OK) {
        *ret_json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
        rc = json_is_object(*ret_json) ? SL_OK
                                       : sl_err_set(err, SL_MALFORMED, "%s: no JSON object", path);
    }
    if (rc != SL_OK) {
        json_decref(*ret_json);
        *ret_json = NULL;
    }
    free(data);
    return rc;
}

static sl_rc blob_json(const struct image *image, const json_t *descriptor, json_t **ret_json,
                       struct sl_err *err)
{
    char path[PATH_SIZE];
    const char *hex = NULL;
    sl_rc rc = blob_path(image, descriptor, path, sizeof(path), &hex, err);

    *ret_json = NULL;
    rc = rc == SL_OK ? blob_check(path, hex, err) : rc;
    return rc == SL_OK ? json_read(path, ret_json, err) : rc;
}

/* ---- layers ---- */

/* Removes a path and everything below it. */
static void tree_remove(struct image *image, const char *path, bool is_itself)
{
    const size_t length = strlen(path);
    const char *key;
    json_t *value;
    void *next;

    if (is_itself) {
        (void)json_object_del(image->files, path);
    }
    json_object_foreach_safe(image->files, next, key, value)
    {
        if (strncmp(key, path, length) == 0 && (key[length] == '/' || strcmp(path, "/") == 0)) {
            (void)json_object_del(image->files, key);
        }
    }
}

/* image-spec layer.md, "Whiteouts": ".wh.NAME" removes NAME of the layers below, ".wh..wh..opq" all
 * that they have in its folder. @return whether the entry is one */
static bool whiteout_take(struct image *image, const char *path)
{
    char target[PATH_SIZE];
    const char *slash = strrchr(path, '/');

    if (strncmp(slash + 1, ".wh.", 4) != 0) {
        return false;
    }
    if (strcmp(slash + 1, ".wh..wh..opq") == 0) {
        (void)snprintf(target, sizeof(target), "%.*s", slash == path ? 1 : (int)(slash - path),
                       path);
        tree_remove(image, target, false);
    } else {
        (void)snprintf(target, sizeof(target), "%.*s/%s", (int)(slash - path), path, slash + 5);
        tree_remove(image, target, true);
    }
    return true;
}

static sl_rc file_put(struct image *image, const char *path,
                      const uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX])
{
    char hex[2 * ALL + 1];

    sl_hex_encode(&digests[0][0], ALL, hex);
    return json_object_set_new_nocheck(image->files, path, json_string(hex)) == 0 ? SL_OK
                                                                                  : SL_NO_MEMORY;
}

static sl_rc entry_take(struct image *image, struct archive_entry *entry,
                        struct sl_archive_file *file, const char *path, struct sl_err *err)
{
    uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX];
    const char *link = archive_entry_hardlink(entry);
    char target[PATH_SIZE];
    sl_rc rc = SL_OK;

    if (link != NULL) {
        const json_t *same = sl_archive_path(link, target, sizeof(target))
                                 ? json_object_get(image->files, target)
                                 : NULL;

        if (same != NULL) {
            rc = json_object_set_new_nocheck(image->files, path,
                                             json_copy((json_t *)(uintptr_t)same)) == 0
                     ? SL_OK
                     : SL_NO_MEMORY;
        }
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
        rc = sl_import_digest(image->import, sl_archive_chunk, file, digests, err);
        rc = rc == SL_OK ? file_put(image, path, digests) : rc;
    } else if (archive_entry_filetype(entry) != AE_IFDIR) {
        tree_remove(image, path, true); /* a link or device takes the place */
    } else {
        (void)json_object_del(image->files, path);
    }
    return rc;
}

/* Whiteouts hide what lies below and never what the same layer brings, wherever they stand in it:
 * so they go first. */
static sl_rc layer_pass(struct image *image, const char *path, bool is_whiteouts,
                        struct sl_err *err)
{
    struct archive *tar = sl_archive_tar_new();
    struct sl_archive_file *file = malloc(sizeof(*file));
    char name[PATH_SIZE];
    struct archive_entry *entry;
    int status = ARCHIVE_OK;
    sl_rc rc = tar != NULL && file != NULL ? SL_OK : SL_NO_MEMORY;

    if (rc == SL_OK && archive_read_open_filename(tar, path, sizeof(file->chunk)) != ARCHIVE_OK) {
        rc = sl_err_set(err, SL_MALFORMED, "layer: %s", archive_error_string(tar));
    }
    while (rc == SL_OK && (status = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
        const char *raw = archive_entry_pathname(entry);

        if (raw == NULL || !sl_archive_path(raw, name, sizeof(name))) {
            rc = sl_err_set(err, SL_MALFORMED, "layer: a path that leaves the root");
            continue;
        }
        file->archive = tar;
        if (strncmp(strrchr(name, '/') + 1, ".wh.", 4) == 0) {
            if (is_whiteouts) {
                (void)whiteout_take(image, name);
            }
        } else if (!is_whiteouts) {
            rc = entry_take(image, entry, file, name, err);
        }
    }
    if (rc == SL_OK && status != ARCHIVE_EOF) {
        rc = sl_err_set(err, SL_MALFORMED, "layer: %s", archive_error_string(tar));
    }
    (void)archive_read_free(tar);
    free(file);
    return rc;
}

static sl_rc manifest_read(struct image *image, const json_t *manifest, struct sl_err *err)
{
    const json_t *layers = json_object_get(manifest, "layers");
    sl_rc rc = SL_OK;

    if (!json_is_array(layers) || json_array_size(layers) == 0 ||
        json_array_size(layers) > LAYERS_MAX) {
        return sl_err_set(err, SL_MALFORMED, "the manifest has no layers, or more than %d",
                          LAYERS_MAX);
    }
    for (size_t i = 0; rc == SL_OK && i < json_array_size(layers); i++) {
        char path[PATH_SIZE];
        const char *hex = NULL;

        rc = blob_path(image, json_array_get(layers, i), path, sizeof(path), &hex, err);
        rc = rc == SL_OK ? blob_check(path, hex, err) : rc;
        rc = rc == SL_OK ? layer_pass(image, path, true, err) : rc;
        rc = rc == SL_OK ? layer_pass(image, path, false, err) : rc;
    }
    return rc;
}

/* ---- indexes ---- */

static bool is_platform(const struct image *image, const json_t *descriptor)
{
    const json_t *platform = json_object_get(descriptor, "platform");
    const char *os = json_string_value(json_object_get(platform, "os"));
    const char *arch = json_string_value(json_object_get(platform, "architecture"));
    char name[128];

    if (platform == NULL || os == NULL || arch == NULL) {
        return true;
    }
    (void)snprintf(name, sizeof(name), "%s/%s", os, arch);
    return strcmp(name, image->platform) == 0;
}

/* All images of the platform that an index names. */
static sl_rc index_read(struct image *image, const json_t *index, int depth, size_t *io_images,
                        struct sl_err *err)
{
    const json_t *list = json_object_get(index, "manifests");
    sl_rc rc = SL_OK;

    if (!json_is_array(list) || depth > DEPTH_MAX) {
        return sl_err_set(err, SL_MALFORMED, "an index without manifests, or too deep");
    }
    for (size_t i = 0; rc == SL_OK && i < json_array_size(list); i++) {
        const json_t *descriptor = json_array_get(list, i);
        json_t *blob = NULL;

        if (!is_platform(image, descriptor)) {
            continue;
        }
        rc = blob_json(image, descriptor, &blob, err);
        if (rc == SL_OK && json_object_get(blob, "manifests") != NULL) {
            rc = index_read(image, blob, depth + 1, io_images, err);
        } else if (rc == SL_OK) {
            (*io_images)++;
            json_decref(image->files); /* images are beside each other, not over each other */
            image->files = json_object();
            rc = image->files != NULL ? manifest_read(image, blob, err) : SL_NO_MEMORY;
            const char *path;
            json_t *value;
            json_object_foreach(image->files, path, value)
            {
                uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX];

                if (rc == SL_OK) {
                    rc = sl_hex_decode(json_string_value(value), &digests[0][0], ALL);
                }
                rc = rc == SL_OK ? sl_import_add(image->import, digests, path) : rc;
            }
        }
        json_decref(blob);
    }
    return rc;
}

static sl_rc layout_read(struct sl_import *import, const char *root, const char *platform,
                         struct sl_err *err)
{
    struct image image = {.import = import, .root = root, .platform = platform};
    char path[PATH_SIZE];
    json_t *index = NULL;
    size_t images = 0;
    sl_rc rc;

    (void)snprintf(path, sizeof(path), "%s/index.json", root);
    rc = json_read(path, &index, err);
    rc = rc == SL_OK ? index_read(&image, index, 0, &images, err) : rc;
    if (rc == SL_OK && images == 0) {
        rc = sl_err_set(err, SL_NOT_FOUND, "no image for platform %s", platform);
    }
    json_decref(index);
    json_decref(image.files);
    return rc;
}

/* ---- archives of a layout ---- */

/* Only what a layout is made of is unpacked: index.json and blobs by their hex names. */
static bool is_layout_file(const char *path)
{
    static const char BLOBS[] = "/blobs/sha256/";

    return strcmp(path, "/index.json") == 0 ||
           (strncmp(path, BLOBS, sizeof(BLOBS) - 1) == 0 &&
            strlen(path) == sizeof(BLOBS) - 1 + 64 &&
            strspn(path + sizeof(BLOBS) - 1, "0123456789abcdef") == 64);
}

static sl_rc member_unpack(struct sl_import *import, struct archive *tar, const char *root,
                           const char *path, struct sl_err *err)
{
    struct sl_archive_file *file = malloc(sizeof(*file));
    const uint64_t limit = import->size_max != 0 ? import->size_max : 64ull << 30;
    char to[PATH_SIZE];
    FILE *out;
    size_t size = 1;
    const void *data;
    sl_rc rc = file != NULL ? SL_OK : SL_NO_MEMORY;

    (void)snprintf(to, sizeof(to), "%s%s", root, path);
    out = rc == SL_OK ? fopen(to, "wex") : NULL;
    if (out == NULL) {
        free(file);
        return sl_err_set(err, SL_IO, "%s: %s", to, strerror(errno));
    }
    file->archive = tar;
    while (rc == SL_OK && (rc = sl_archive_chunk(file, &data, &size, err)) == SL_OK && size > 0) {
        import->size_used += size;
        if (import->size_used > limit || fwrite(data, 1, size, out) != size) {
            rc = sl_err_set(err, SL_RANGE, "unpacks to more than fits");
        }
    }
    if (fclose(out) != 0 && rc == SL_OK) {
        rc = sl_err_set(err, SL_IO, "%s: %s", to, strerror(errno));
    }
    free(file);
    return rc;
}

static sl_rc archive_unpack(struct sl_import *import, const char *path, const char *root,
                            struct sl_err *err)
{
    struct archive *tar = sl_archive_tar_new();
    struct archive_entry *entry;
    char name[PATH_SIZE];
    int status = ARCHIVE_OK;
    sl_rc rc = tar != NULL ? SL_OK : SL_NO_MEMORY;

    if (rc == SL_OK && archive_read_open_filename(tar, path, 64 << 10) != ARCHIVE_OK) {
        rc = sl_err_set(err, SL_IO, "no OCI archive: %s", archive_error_string(tar));
    }
    while (rc == SL_OK && (status = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
        if (archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == NULL &&
            archive_entry_pathname(entry) != NULL &&
            sl_archive_path(archive_entry_pathname(entry), name, sizeof(name)) &&
            is_layout_file(name)) {
            rc = member_unpack(import, tar, root, name, err);
        }
    }
    if (rc == SL_OK && status != ARCHIVE_EOF) {
        rc = sl_err_set(err, SL_MALFORMED, "no OCI archive: %s", archive_error_string(tar));
    }
    (void)archive_read_free(tar);
    return rc;
}

static void layout_remove(const char *root)
{
    char path[PATH_SIZE];
    DIR *folder;
    const struct dirent *entry;

    (void)snprintf(path, sizeof(path), "%s/blobs/sha256", root);
    folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
    (void)snprintf(path, sizeof(path), "%s/blobs", root);
    (void)rmdir(path);
    (void)snprintf(path, sizeof(path), "%s/index.json", root);
    (void)unlink(path);
    (void)rmdir(root);
}

static sl_rc archive_import(struct sl_import *import, const char *path, const char *platform,
                            struct sl_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char root[PATH_SIZE - 256], folder[PATH_SIZE];
    bool is_made;
    sl_rc rc;

    (void)snprintf(root, sizeof(root), "%s/safelib-oci-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(root) == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", root, strerror(errno));
    }
    (void)snprintf(folder, sizeof(folder), "%s/blobs", root);
    is_made = mkdir(folder, 0700) == 0;
    (void)snprintf(folder, sizeof(folder), "%s/blobs/sha256", root);
    is_made = is_made && mkdir(folder, 0700) == 0;
    rc = is_made ? archive_unpack(import, path, root, err)
                 : sl_err_set(err, SL_IO, "%s: %s", folder, strerror(errno));
    rc = rc == SL_OK ? layout_read(import, root, platform, err) : rc;
    layout_remove(root);
    return rc;
}

sl_rc sl_import_oci(struct sl_import *import, const char *path, const char *platform,
                    struct sl_err *err)
{
    struct stat st;
    sl_rc rc;

    if (stat(path, &st) != 0) {
        return sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                          strerror(errno));
    }
    rc = S_ISDIR(st.st_mode) ? layout_read(import, path, platform, err)
                             : archive_import(import, path, platform, err);
    return rc != SL_OK && err != NULL && err->rc == rc ? sl_err_prefix(err, "%s", path) : rc;
}
