/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of what is imported, and the importer of folders. */
#include "monitor/refvals_import.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/tpm_alg.h"

enum { CHUNK = 64 << 10 };
#define SIZE_MAX_DEFAULT (64ull << 30)

static sl_rc contexts_make(const struct sl_import *import, EVP_MD_CTX *ctxs[SL_REFVALS_ALGS_MAX],
                           struct sl_err *err)
{
    for (size_t i = 0; i < import->alg_count; i++) {
        const struct sl_tpm_hash *hash =
            sl_tpm_hash_by_name(import->algs[i], strlen(import->algs[i]));
        EVP_MD *md =
            hash != NULL && hash->openssl != NULL ? EVP_MD_fetch(NULL, hash->openssl, NULL) : NULL;

        ctxs[i] = EVP_MD_CTX_new();
        if (md == NULL || ctxs[i] == NULL || EVP_DigestInit_ex2(ctxs[i], md, NULL) != 1) {
            EVP_MD_free(md);
            return sl_err_set(err, SL_UNSUPPORTED, "digest algorithm %s", import->algs[i]);
        }
        EVP_MD_free(md);
    }
    return SL_OK;
}

sl_rc sl_import_digest(struct sl_import *import, sl_import_source source, void *ctx,
                       uint8_t out[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX], struct sl_err *err)
{
    const uint64_t limit = import->size_max != 0 ? import->size_max : SIZE_MAX_DEFAULT;
    EVP_MD_CTX *ctxs[SL_REFVALS_ALGS_MAX] = {NULL};
    sl_rc rc = contexts_make(import, ctxs, err);
    const void *data;
    size_t size;

    memset(out, 0, (size_t)SL_REFVALS_ALGS_MAX * SL_REFVALS_DIGEST_MAX);
    while (rc == SL_OK && (rc = source(ctx, &data, &size, err)) == SL_OK && size > 0) {
        import->size_used += size;
        if (import->size_used > limit) {
            rc = sl_err_set(err, SL_RANGE, "unpacks to more than %llu bytes",
                            (unsigned long long)limit);
        }
        for (size_t i = 0; rc == SL_OK && i < import->alg_count; i++) {
            rc = EVP_DigestUpdate(ctxs[i], data, size) == 1 ? SL_OK : SL_CRYPTO;
        }
    }
    for (size_t i = 0; i < import->alg_count; i++) {
        if (rc == SL_OK && EVP_DigestFinal_ex(ctxs[i], out[i], NULL) != 1) {
            rc = SL_CRYPTO;
        }
        EVP_MD_CTX_free(ctxs[i]);
    }
    return rc;
}

sl_rc sl_import_add(struct sl_import *import,
                    const uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX],
                    const char *path)
{
    sl_rc rc = SL_OK;

    for (size_t i = 0; rc == SL_OK && i < import->alg_count; i++) {
        const struct sl_tpm_hash *hash =
            sl_tpm_hash_by_name(import->algs[i], strlen(import->algs[i]));

        rc = hash != NULL
                 ? sl_refset_add(import->builder, import->algs[i], digests[i], hash->size, path)
                 : SL_UNSUPPORTED;
    }
    return rc;
}

/* ---- folders ---- */

struct file_source {
    int fd;
    uint8_t chunk[CHUNK];
};

static sl_rc file_chunk(void *ctx, const void **ret_data, size_t *ret_size, struct sl_err *err)
{
    struct file_source *file = ctx;
    ssize_t got;

    do {
        got = read(file->fd, file->chunk, sizeof(file->chunk));
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return sl_err_set(err, SL_IO, "reading: %s", strerror(errno));
    }
    *ret_data = file->chunk;
    *ret_size = (size_t)got;
    return SL_OK;
}

static sl_rc file_import(struct sl_import *import, const char *from, const char *name,
                         struct sl_err *err)
{
    uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX];
    struct file_source *file = malloc(sizeof(*file));
    sl_rc rc;

    if (file == NULL) {
        return SL_NO_MEMORY;
    }
    file->fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file->fd < 0) {
        free(file);
        return sl_err_set(err, SL_IO, "%s: %s", from, strerror(errno));
    }
    rc = sl_import_digest(import, file_chunk, file, digests, err);
    (void)close(file->fd);
    free(file);
    if (rc != SL_OK) {
        return err != NULL && err->rc == rc ? sl_err_prefix(err, "%s", from) : rc;
    }
    return sl_import_add(import, digests, name);
}

static bool is_unreadable(const FTSENT *entry)
{
    return entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR;
}

sl_rc sl_import_dir(struct sl_import *import, const char *path, struct sl_err *err)
{
    char *roots[2] = {strdup(path), NULL};
    const size_t length = strlen(path);
    FTS *tree =
        roots[0] != NULL ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL) : NULL;
    FTSENT *entry;
    sl_rc rc = tree != NULL ? SL_OK : sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));

    while (rc == SL_OK && (errno = 0, entry = fts_read(tree)) != NULL) {
        const char *name = entry->fts_path + length;

        if (is_unreadable(entry)) {
            rc = sl_err_set(err, entry->fts_errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s",
                            entry->fts_path, strerror(entry->fts_errno));
        } else if (entry->fts_info == FTS_F && S_ISREG(entry->fts_statp->st_mode) &&
                   entry->fts_statp->st_size > 0) {
            rc =
                file_import(import, entry->fts_path, name[0] != '\0' ? name : entry->fts_path, err);
        }
    }
    if (rc == SL_OK && errno != 0) {
        rc = sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    if (tree != NULL) {
        (void)fts_close(tree);
    }
    free(roots[0]);
    return rc;
}
