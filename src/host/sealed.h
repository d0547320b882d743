/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Keeps what an image seals, in a file, and hands it back at the next start. To the host it is
 * bytes: it can lose them or keep older ones, and the gateway notices.
 */
#ifndef SL_HOST_SEALED_H
#define SL_HOST_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "control/message.h"

struct sl_sealed_file {
    const char *path;
    void (*log)(const char *line);
};

/** Reads what was kept, as hex for the image's start parameter.
 * @param[out] ret_hex  "" where nothing was kept yet; 2 * SL_SEALED_MAX + 1 bytes
 * @retval SL_OK
 * @retval SL_RANGE  longer than any sealed state
 * @retval SL_IO     cannot be read */
sl_rc sl_sealed_load(const char *path, char ret_hex[2 * SL_SEALED_MAX + 1],
                     struct sl_err *err) SL_MUST_CHECK;

/** Replaces the file, mode 0600, on the disk when it returns; for sl_relay_sealed.
 * @param ctx struct sl_sealed_file */
void sl_sealed_keep(void *ctx, const uint8_t *data, uint32_t size);

#endif
