/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bytes in JSON: base64 (RFC 4648 4), one way to write each value.
 */
#ifndef SL_MONITOR_JSON_BYTES_H
#define SL_MONITOR_JSON_BYTES_H

#include <jansson.h>

#include "base/err.h"
#include "safelib/attest.h"

/** A member's bytes.
 * @param[out] ret_data  NULL unless SL_OK
 * @retval SL_OK
 * @retval SL_NOT_FOUND  no such member
 * @retval SL_MALFORMED  no string, or not base64 in its one form
 * @retval SL_RANGE      more than @p size_max bytes, or none
 * @retval SL_NO_MEMORY
 * @owner  caller frees @p ret_data; @p err names the member */
sl_rc sl_json_bytes(const json_t *object, const char *key, size_t size_max, uint8_t **ret_data,
                    size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;
/** The same of a string by itself. */
sl_rc sl_json_bytes_of(const json_t *text, const char *name, size_t size_max, uint8_t **ret_data,
                       size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;
/** @return new reference, or NULL: no memory */
json_t *sl_json_bytes_new(const void *data, size_t size);

#endif
