/* SPDX-License-Identifier: Apache-2.0 */
/* Errors with a sentence. */
#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A text that fills its buffer may have been cut within a character (RFC 3629 3): drops its rest,
 * so that whoever shows the text need not. */
static void drop_cut_character(char *text, size_t room)
{
    size_t size = strnlen(text, room);
    size_t lead = size;
    while (size == room - 1 && lead > 0 && lead + 4 > size) {
        uint8_t byte = (uint8_t)text[--lead];
        if ((byte & 0xc0) != 0x80) {
            size_t wants = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
            text[wants > size - lead ? lead : size] = '\0';
            return;
        }
    }
}

void sl_err_record(struct sl_err *err, sl_rc rc, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        drop_cut_character(err->text, sizeof(err->text));
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
    drop_cut_character(err->text, sizeof(err->text));
    return err->rc;
}
