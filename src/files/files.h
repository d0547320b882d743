/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Small files: read bounded, written so that a reader sees the old bytes or the new ones.
 */
#ifndef SL_FILES_FILES_H
#define SL_FILES_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Reads a whole file (or pipe) of at most @p size_max bytes.
 * @param[out] ret_data  one byte longer than @p ret_size, that byte 0, so that text is terminated
 * @retval SL_OK
 * @retval SL_NOT_FOUND  no such file
 * @retval SL_RANGE      longer than @p size_max
 * @retval SL_IO         a directory, not readable
 * @retval SL_NO_MEMORY
 * @owner caller frees @p ret_data with free(); err names the path */
sl_rc sl_file_read(const char *path, size_t size_max, uint8_t **ret_data, size_t *ret_size,
                   struct sl_err *err) SL_MUST_CHECK;

/** Writes a file of mode @p mode beside @p path, forces it to the disk and renames it into place.
 * @retval SL_OK, SL_RANGE (path too long), SL_IO (then nothing is changed) */
sl_rc sl_file_write(const char *path, unsigned mode, const void *data, size_t size,
                    struct sl_err *err) SL_MUST_CHECK;

#endif
