/* SPDX-License-Identifier: Apache-2.0 */
/* The image's sealed state in a file. */
#include "host/sealed.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "files/files.h"

sl_rc sl_sealed_load(const char *path, char ret_hex[2 * SL_SEALED_MAX + 1], struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    ret_hex[0] = '\0';
    sl_rc rc = sl_file_read(path, SL_SEALED_MAX, &data, &size, err);
    if (rc == SL_NOT_FOUND) {
        return SL_OK;
    }
    if (rc == SL_RANGE) {
        return sl_err_set(err, rc,
                          "state: %s is longer than an image's sealed state (%d bytes): is it "
                          "another file? Without it the image starts as a new instance",
                          path, SL_SEALED_MAX);
    }
    if (rc != SL_OK) {
        return sl_err_prefix(err, "state");
    }
    sl_hex_encode(data, size, ret_hex);
    free(data);
    return SL_OK;
}

void sl_sealed_keep(void *ctx, const uint8_t *data, uint32_t size)
{
    const struct sl_sealed_file *file = ctx;
    struct sl_err err = {0};
    if (sl_file_write(file->path, 0600, data, size, &err) != SL_OK && file->log != NULL) {
        (void)sl_err_prefix(&err, "the image's sealed state was not kept");
        file->log(err.text);
    }
}
