/* SPDX-License-Identifier: Apache-2.0 */
/* Debian packages: an ar archive of control.tar.* and data.tar.*, both by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/refvals_archive.h"

enum { BLOCK = 64 << 10, NAME_MAX_DEB = 128 };

/* ---- what archives share ---- */

sl_rc sl_archive_chunk(void *ctx, const void **ret_data, size_t *ret_size, struct sl_err *err)
{
    struct sl_archive_file *file = ctx;
    const la_ssize_t got = archive_read_data(file->archive, file->chunk, sizeof(file->chunk));

    if (got < 0) {
        return sl_err_set(err, SL_MALFORMED, "%s", archive_error_string(file->archive));
    }
    *ret_data = file->chunk;
    *ret_size = (size_t)got;
    return SL_OK;
}

struct archive *sl_archive_tar_new(void)
{
    struct archive *archive = archive_read_new();

    if (archive != NULL) {
        (void)archive_read_support_filter_gzip(archive);
        (void)archive_read_support_filter_xz(archive);
        (void)archive_read_support_filter_zstd(archive);
        (void)archive_read_support_filter_bzip2(archive);
        (void)archive_read_support_filter_none(archive);
        (void)archive_read_support_format_tar(archive);
        (void)archive_read_support_format_empty(archive);
    }
    return archive;
}

/* "./usr/bin/x" and "usr/bin/x" are "/usr/bin/x". False: a path that leaves the root. */
bool sl_archive_path(const char *name, char *out, size_t size)
{
    int length;

    while (name[0] == '.' && name[1] == '/') {
        name += 2;
    }
    while (name[0] == '/') {
        name++;
    }
    if (strcmp(name, ".") == 0) {
        name = "";
    }
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += part[0] == '/' ? 1 : 0;
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) {
            return false;
        }
    }
    length = snprintf(out, size, "/%s", name);
    if (length < 0 || (size_t)length >= size) {
        return false;
    }
    while (length > 1 && out[length - 1] == '/') {
        out[--length] = '\0';
    }
    return true;
}

/* ---- the package ---- */

struct package {
    struct sl_import *import;
    struct archive *ar;
    char name[NAME_MAX_DEB]; /* of the package, from the file's name */
    uint8_t block[BLOCK];
};

static la_ssize_t member_read(struct archive *tar, void *ctx, const void **ret_block)
{
    struct package *package = ctx;
    const la_ssize_t got = archive_read_data(package->ar, package->block, sizeof(package->block));

    if (got < 0) {
        archive_set_error(tar, EIO, "%s", archive_error_string(package->ar));
    }
    *ret_block = package->block;
    return got;
}

/* Where dpkg puts a maintainer script; NULL: it is none. */
static bool script_path(const struct package *package, const char *path, char *out, size_t size)
{
    static const char *const SCRIPTS[] = {"/preinst", "/postinst", "/prerm", "/postrm", "/config"};

    for (size_t i = 0; i < sizeof(SCRIPTS) / sizeof(SCRIPTS[0]); i++) {
        if (strcmp(path, SCRIPTS[i]) == 0) {
            (void)snprintf(out, size, "/var/lib/dpkg/info/%s.%s", package->name, SCRIPTS[i] + 1);
            return true;
        }
    }
    return false;
}

static bool is_file(struct archive_entry *entry)
{
    /* a hard link's file is in the same archive */
    return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == NULL &&
           archive_entry_pathname(entry) != NULL;
}

static sl_rc tar_read(struct package *package, bool is_control, struct sl_err *err)
{
    struct archive *tar = sl_archive_tar_new();
    struct sl_archive_file *file = malloc(sizeof(*file));
    uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX];
    char path[4096], script[4096];
    struct archive_entry *entry;
    int status = ARCHIVE_OK;
    sl_rc rc = tar != NULL && file != NULL ? SL_OK : SL_NO_MEMORY;

    if (rc == SL_OK && archive_read_open(tar, package, NULL, member_read, NULL) != ARCHIVE_OK) {
        rc = sl_err_set(err, SL_MALFORMED, "%s", archive_error_string(tar));
    }
    while (rc == SL_OK && (status = archive_read_next_header(tar, &entry)) == ARCHIVE_OK) {
        if (!is_file(entry)) {
            continue;
        }
        if (!sl_archive_path(archive_entry_pathname(entry), path, sizeof(path))) {
            rc = sl_err_set(err, SL_MALFORMED, "a path that leaves the root");
            continue;
        }
        if (is_control && !script_path(package, path, script, sizeof(script))) {
            continue;
        }
        file->archive = tar;
        rc = sl_import_digest(package->import, sl_archive_chunk, file, digests, err);
        rc = rc == SL_OK ? sl_import_add(package->import, digests, is_control ? script : path) : rc;
    }
    if (rc == SL_OK && status != ARCHIVE_EOF) {
        rc = sl_err_set(err, SL_MALFORMED, "%s", archive_error_string(tar));
    }
    (void)archive_read_free(tar);
    free(file);
    return rc;
}

static sl_rc members_read(struct package *package, struct sl_err *err)
{
    struct archive_entry *entry;
    bool has_data = false;
    int status = ARCHIVE_OK;
    sl_rc rc = SL_OK;

    while (rc == SL_OK && (status = archive_read_next_header(package->ar, &entry)) == ARCHIVE_OK) {
        const char *name = archive_entry_pathname(entry);

        if (name != NULL && strncmp(name, "data.tar", 8) == 0) {
            has_data = true;
            rc = tar_read(package, false, err);
        } else if (name != NULL && strncmp(name, "control.tar", 11) == 0) {
            rc = tar_read(package, true, err);
        }
    }
    if (rc == SL_OK && status != ARCHIVE_EOF) {
        rc = sl_err_set(err, SL_MALFORMED, "no Debian package: %s",
                        archive_error_string(package->ar));
    } else if (rc == SL_OK && !has_data) {
        rc = sl_err_set(err, SL_MALFORMED, "no Debian package: it has no data.tar");
    }
    return rc;
}

sl_rc sl_import_deb(struct sl_import *import, const char *path, struct sl_err *err)
{
    struct package *package = calloc(1, sizeof(*package));
    const char *slash = strrchr(path, '/');
    sl_rc rc = SL_OK;

    if (package == NULL || (package->ar = archive_read_new()) == NULL) {
        free(package);
        return SL_NO_MEMORY;
    }
    package->import = import;
    (void)snprintf(package->name, sizeof(package->name), "%s", slash != NULL ? slash + 1 : path);
    package->name[strcspn(package->name, "_")] = '\0';
    (void)archive_read_support_format_ar(package->ar);
    if (archive_read_open_filename(package->ar, path, BLOCK) != ARCHIVE_OK) {
        rc = sl_err_set(err, SL_IO, "no Debian package: %s", archive_error_string(package->ar));
    } else {
        rc = members_read(package, err);
    }
    (void)archive_read_free(package->ar);
    free(package);
    return rc != SL_OK && err != NULL && err->rc == rc ? sl_err_prefix(err, "%s", path) : rc;
}
