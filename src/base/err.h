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

/** Records @p rc and its sentence in @p err (may be NULL). The text is cut at the buffer's end. */
void sl_err_record(struct sl_err *err, sl_rc rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** sl_err_record() with the value of @p rc, so that a function can end in `return sl_err_set(...)`.
 * A macro, so that static analysis sees which code comes back. */
#define sl_err_set(err, rc, ...)                                                                   \
    ({                                                                                             \
        const sl_rc sl_err_set_rc = (rc);                                                          \
        sl_err_record((err), sl_err_set_rc, __VA_ARGS__);                                          \
        sl_err_set_rc;                                                                             \
    })

/** Puts "prefix: " in front of the text already there; returns err->rc. */
sl_rc sl_err_prefix(struct sl_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
