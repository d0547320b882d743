/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the importers of packages and of images share on top of libarchive.
 */
#ifndef SL_MONITOR_REFVALS_ARCHIVE_H
#define SL_MONITOR_REFVALS_ARCHIVE_H

#include <archive.h>

#include "monitor/refvals_import.h"

/** A member being read. */
struct sl_archive_file {
    struct archive *archive;
    uint8_t chunk[64 << 10];
};
/** An sl_import_source over struct sl_archive_file. */
sl_rc sl_archive_chunk(void *ctx, const void **ret_data, size_t *ret_size, struct sl_err *err);
/** A reader of tar, compressed or not. */
struct archive *sl_archive_tar_new(void);
/** A member's name as an absolute path. @return false: too long, or it leaves the root */
bool sl_archive_path(const char *name, char *out, size_t size);

#endif
