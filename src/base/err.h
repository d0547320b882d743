/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A result code with a sentence: what, where, what was expected. For configuration, files and
 * commands; the packet path uses bare codes and counters.
 */
#ifndef SL_BASE_ERR_H
#define SL_BASE_ERR_H

#include "safelib/rc.h"

/** Caller-owned; `text` is always terminated. Zero-initialise. */
struct sl_err {
    sl_rc rc;
    char text[480];
};

/** Sets @p err (may be NULL) and returns @p rc, so that a function can end in `return
 * sl_err_set(...)`. The text is cut at the buffer's end. */
sl_rc sl_err_set(struct sl_err *err, sl_rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts "prefix: " in front of the text already there; returns err->rc. */
sl_rc sl_err_prefix(struct sl_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
