/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Writes JSON text (RFC 8259) into memory that grows: all the status needs, nothing that parses.
 */
#ifndef SL_IMAGE_JSON_H
#define SL_IMAGE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safelib/rc.h"

/** Zero-initialise. `text` is malloc'd and not terminated. Errors are sticky. */
struct sl_json {
    char *text;
    size_t size;
    size_t room;
    bool needs_comma;
    sl_rc rc; /**< SL_NO_MEMORY, or SL_RANGE past the size limit */
};
enum { SL_JSON_SIZE_MAX = 8 << 20 };

void sl_json_done(struct sl_json *json);
/** `key` is NULL inside an array and at the top. */
void sl_json_open(struct sl_json *json, const char *key, char bracket);
void sl_json_close(struct sl_json *json, char bracket);
void sl_json_u64(struct sl_json *json, const char *key, uint64_t value);
void sl_json_bool(struct sl_json *json, const char *key, bool value);
void sl_json_null(struct sl_json *json, const char *key);
/** Any bytes: control characters, quotes, backslashes and bytes above 126 are escaped. */
void sl_json_string(struct sl_json *json, const char *key, const char *value);

#endif
