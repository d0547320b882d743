/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * JSON from the network (RFC 8259) into jansson's tree. Evidence is a few long strings of base64,
 * over which jansson's reader goes byte by byte through four functions (15 ns each); here they are
 * scanned and copied once. Whatever is not plain, jansson itself decodes, so that there is one
 * meaning of each text.
 */
#ifndef SL_MONITOR_JSON_LOAD_H
#define SL_MONITOR_JSON_LOAD_H

#include <jansson.h>

#include "base/err.h"

enum { SL_JSON_LOAD_DEPTH_MAX = 64 };

/** Reads an object or an array, as json_loadb with JSON_REJECT_DUPLICATES does.
 * @param[out] ret_json  new reference; NULL unless SL_OK
 * @retval SL_OK
 * @retval SL_MALFORMED  not JSON, a name twice, a NUL in a string, or bytes behind the end: @p err
 *                       says at which byte
 * @retval SL_RANGE      nested deeper than SL_JSON_LOAD_DEPTH_MAX
 * @retval SL_NO_MEMORY */
sl_rc sl_json_load(const char *text, size_t size, json_t **ret_json,
                   struct sl_err *err) SL_MUST_CHECK;

#endif
