/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One line of an audit log:
 *
 *   {"seq":7,"time":"2026-11-22T06:10:53.123456789Z","event":"provision","outcome":"ok",
 *    "detail":{...},"prev":"64 hex digits","hash":"64 hex digits"}
 *
 * `hash` is SHA-256("SafeLib audit 1" ‖ 0 ‖ the line's bytes before `,"hash":`), as they stand in
 * the file: nothing is parsed or normalised to check it. `prev` is the hash of the line before, 64
 * zeros for seq 1.
 */
#ifndef SL_AUDIT_LINE_H
#define SL_AUDIT_LINE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SL_AUDIT_HASH_SIZE = 32,
    SL_AUDIT_LINE_MAX = 16384, /**< with its newline */
    SL_AUDIT_DETAIL_MAX = 12000,
};

/** Where a log ends: what has to be remembered elsewhere to notice that its end was cut off. */
struct sl_audit_head {
    uint64_t seq; /**< of the last line; 0: none yet */
    uint8_t hash[SL_AUDIT_HASH_SIZE];
};

/** Writes the line that follows @p head.
 * @param[in]  detail  object; larger than SL_AUDIT_DETAIL_MAX as text, its hash stands for it
 * @param[out] ret_line  SL_AUDIT_LINE_MAX bytes; ends in a newline and a zero
 * @param[out] ret_head  the head after this line
 * @retval SL_OK, SL_INVALID (@p detail is no object), SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_audit_line_write(const struct sl_audit_head *head, uint64_t time_ns, const char *event,
                          const char *outcome, const json_t *detail,
                          char ret_line[SL_AUDIT_LINE_MAX], size_t *ret_size,
                          struct sl_audit_head *ret_head) SL_MUST_CHECK;

/** A line as it claims to be, and what it really hashes to. */
struct sl_audit_line {
    struct sl_audit_head stated;      /**< its seq and hash as written */
    uint8_t hash[SL_AUDIT_HASH_SIZE]; /**< of its bytes */
    uint8_t prev[SL_AUDIT_HASH_SIZE];
    json_t *root; /**< the whole line, the caller's to json_decref */
};

/** Takes one line apart, without newline; does not judge the hashes.
 * @retval SL_OK         @p ret_line filled
 * @retval SL_MALFORMED  not a line of an audit log
 * @retval SL_CRYPTO */
sl_rc sl_audit_line_read(const char *text, size_t size,
                         struct sl_audit_line *ret_line) SL_MUST_CHECK;

#endif
