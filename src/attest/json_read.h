/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A forward reader of signed JSON (RFC 8259), stricter than the RFC where a signature is at stake:
 * what is judged must be the bytes that were signed, read in one way only. So there is no tree, and
 * no escapes in strings (a member could be named twice), printable ASCII only, numbers that are
 * plain non-negative integers wherever one is asked for, and a bound on depth. Intel's collateral
 * never uses what is refused here.
 *
 * Errors stick, as in struct sl_reader, and say which member and what was expected.
 */
#ifndef SL_ATTEST_JSON_READ_H
#define SL_ATTEST_JSON_READ_H

#include "safelib/attest.h"

enum { SL_JSON_DEPTH_MAX = 16, SL_JSON_WHY_SIZE = 192 };

struct sl_json_reader {
    struct sl_blob in;
    size_t off;
    sl_rc rc;
    unsigned int depth;
    uint32_t filled;    /**< bit per depth: a member or element was read there */
    struct sl_blob key; /**< last member's name, for messages */
    char why[SL_JSON_WHY_SIZE];
};

void sl_json_reader_init(struct sl_json_reader *r, struct sl_blob in);

void sl_json_read_object(struct sl_json_reader *r);
/** Next member of the object entered last: true with its name, false behind the last one or after a
 * failure. The caller must read its value. */
bool sl_json_read_key(struct sl_json_reader *r, struct sl_blob *ret_key);
void sl_json_read_array(struct sl_json_reader *r);
bool sl_json_read_element(struct sl_json_reader *r);

/** A string, without its quotes; points into the input. Empty on failure. */
struct sl_blob sl_json_read_string(struct sl_json_reader *r);
/** An integer from 0 to @p max; 0 on failure. */
uint32_t sl_json_read_uint(struct sl_json_reader *r, uint32_t max);
/** A string of exactly 2 * @p size hex digits; zeroes on failure. */
void sl_json_read_hex(struct sl_json_reader *r, uint8_t *out, size_t size);
/** A string "YYYY-MM-DDThh:mm:ssZ", as UNIX time; 0 on failure. */
int64_t sl_json_read_time(struct sl_json_reader *r);
/** Any value, read as strictly as if it were wanted. */
void sl_json_read_skip(struct sl_json_reader *r);
/** An object's bytes as they came, found by its brackets and strings alone: whoever takes the span
 * reads it strictly, with a reader of its own. */
void sl_json_read_span(struct sl_json_reader *r, struct sl_blob *ret_span);
/** Nothing but white space is left. */
void sl_json_read_end(struct sl_json_reader *r);

/** Records a failure of meaning, unless there is one. */
void sl_json_reader_fail(struct sl_json_reader *r, sl_rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool sl_blob_is(struct sl_blob blob, const char *text);
/** @retval SL_OK, SL_MALFORMED (form, or no such day) */
sl_rc sl_time_parse(struct sl_blob text, int64_t *ret_time_s) SL_MUST_CHECK;

/** Intel's envelope: {"NAME":{...},"signature":"128 hex digits"} and nothing else. */
struct sl_signed_json {
    struct sl_blob object;
    uint8_t signature[64];
};
/** @retval SL_OK, SL_MALFORMED, SL_RANGE (size, depth); @p ret_why says what */
sl_rc sl_signed_json_read(struct sl_blob in, const char *name, struct sl_signed_json *ret_signed,
                          char ret_why[SL_JSON_WHY_SIZE]) SL_MUST_CHECK;

#endif
