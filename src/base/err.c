/* SPDX-License-Identifier: Apache-2.0 */
/* Errors with a sentence. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sl_err_record(struct sl_err *err, sl_rc rc, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        err->rc = rc;
    }
}

sl_rc sl_err_prefix(struct sl_err *err, const char *format, ...)
{
    char old[sizeof(err->text)];
    memcpy(old, err->text, sizeof(old));
    va_list args;
    va_start(args, format);
    int used = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (used < 0 || (size_t)used + 2 >= sizeof(err->text)) {
        return err->rc;
    }
    size_t off = (size_t)used;
    memcpy(err->text + off, ": ", 2);
    off += 2;
    size_t size = strnlen(old, sizeof(err->text) - 1 - off);
    memcpy(err->text + off, old, size);
    err->text[off + size] = '\0';
    return err->rc;
}
