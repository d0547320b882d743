/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where reference digests come from: Debian packages, OCI images, folders, measurement lists that a
 * PCR proves, checksum files. Every function adds to a builder; the input may be hostile: it is
 * read bounded, and nothing of it is written outside a temporary folder.
 */
#ifndef SL_MONITOR_REFVALS_IMPORT_H
#define SL_MONITOR_REFVALS_IMPORT_H

#include "monitor/refvals.h"

/** Which digests are taken of each file, by the kernel's names. */
struct sl_import {
    struct sl_refset_builder *builder;
    const char *algs[SL_REFVALS_ALGS_MAX];
    size_t alg_count;
    uint64_t size_max; /**< of all unpacked bytes; 0: 64 GiB */
    uint64_t size_used;
};

/** A .deb: its files, and its maintainer scripts where dpkg puts them.
 * @retval SL_OK, SL_MALFORMED (no package), SL_RANGE (unpacks to more than size_max), SL_IO,
 *         SL_NOT_FOUND, SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_import_deb(struct sl_import *import, const char *path, struct sl_err *err) SL_MUST_CHECK;
/** An OCI image: a layout's folder, or an archive of one. Layers are laid over each other,
 * whiteouts respected; blobs must have the digests that they are named by.
 * @param[in] platform  "linux/amd64": which of several images
 * @retval as above; SL_MISMATCH a blob of another digest; SL_UNSUPPORTED an algorithm or media type
 */
sl_rc sl_import_oci(struct sl_import *import, const char *path, const char *platform,
                    struct sl_err *err) SL_MUST_CHECK;
/** A folder's files, not following links nor leaving its file system. */
sl_rc sl_import_dir(struct sl_import *import, const char *path, struct sl_err *err) SL_MUST_CHECK;
/** A measurement list, up to the entry after which PCR 10 of a bank has a value that a quote
 * proved.
 * @retval SL_MISMATCH  it never has */
sl_rc sl_import_ima(struct sl_import *import, const char *path, const char *alg,
                    const uint8_t *pcr10, size_t size, struct sl_err *err) SL_MUST_CHECK;
/** Lines of "digest  path", as sha256sum and its like write them. */
sl_rc sl_import_sums(struct sl_import *import, const char *path, struct sl_err *err) SL_MUST_CHECK;

/* ---- between the importers ---- */

/** Reads a file's bytes: *ret_size 0 at the end. */
typedef sl_rc (*sl_import_source)(void *ctx, const void **ret_data, size_t *ret_size,
                                  struct sl_err *err);
/** Digests of a source, one after another in @p out, each SL_REFVALS_DIGEST_MAX wide. */
sl_rc sl_import_digest(struct sl_import *import, sl_import_source source, void *ctx,
                       uint8_t out[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX],
                       struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_import_add(struct sl_import *import,
                    const uint8_t digests[SL_REFVALS_ALGS_MAX][SL_REFVALS_DIGEST_MAX],
                    const char *path) SL_MUST_CHECK;

#endif
