/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The one structure that all of TPM 2.0 is made of: TPM2B, a u16 size and that many bytes.
 */
#ifndef SL_ATTEST_TPM_WIRE_H
#define SL_ATTEST_TPM_WIRE_H

#include "safelib/attest.h"
#include "safelib/bytes.h"

static inline struct sl_blob sl_tpm_blob_read(struct sl_reader *r)
{
    struct sl_blob blob;

    blob.size = sl_reader_be16(r);
    blob.data = sl_reader_bytes(r, blob.size);
    if (blob.data == NULL) {
        blob.size = 0;
    }
    return blob;
}

static inline void sl_tpm_blob_write(struct sl_writer *w, const void *data, size_t size)
{
    if (size > UINT16_MAX) {
        w->rc = w->rc == SL_OK ? SL_RANGE : w->rc;
        return;
    }
    sl_writer_be16(w, (uint16_t)size);
    sl_writer_bytes(w, data, size);
}

#endif
