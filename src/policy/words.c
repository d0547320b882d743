/* SPDX-License-Identifier: Apache-2.0 */
/* Lines into words, and faults that name line and word. */
#include "policy/words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

sl_rc pol_words_open(struct pol_words *words, const char *path, struct sl_err *err)
{
    *words = (struct pol_words){.path = path, .file = fopen(path, "r")};
    if (words->file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    return SL_OK;
}

void pol_words_close(struct pol_words *words)
{
    if (words->file != NULL) {
        (void)fclose(words->file);
    }
    words->file = NULL;
}

static bool is_mark(char c)
{
    return c == '{' || c == '}' || c == ',';
}

/* Cuts `text` into `split`. False: too many words. */
static bool cut(struct pol_words *words)
{
    const char *at = words->text;
    char *out = words->split;
    words->count = 0;
    for (;;) {
        at += strspn(at, " \t");
        if (*at == '\0') {
            return true;
        }
        if (words->count == POL_WORDS_MAX) {
            return false;
        }
        size_t size = is_mark(*at) ? 1 : strcspn(at, " \t{},");
        words->columns[words->count] = (uint32_t)(at - words->text) + 1;
        words->words[words->count++] = out;
        memcpy(out, at, size);
        out[size] = '\0';
        out += size + 1;
        at += size;
    }
}

/* The line in `text` without end, comment and trailing blanks. False: bytes that are no text. */
static bool tidy(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\0' || (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            return false;
        }
    }
    text[strcspn(text, "#\r\n")] = '\0';
    size_t length = strlen(text);
    while (length > 0 && isblank((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
    return true;
}

sl_rc pol_words_next(struct pol_words *words, bool *ret_has, struct sl_err *err)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    sl_rc rc = SL_OK;
    words->count = 0;
    while (words->count == 0 && rc == SL_OK && (size = getline(&line, &room, words->file)) >= 0) {
        words->line++;
        const char *what = NULL;
        bool is_text = tidy(line, (size_t)size);
        if (!is_text) {
            what = "a byte that is no text";
        } else if (strlen(line) >= sizeof(words->text)) {
            what = "the line is too long";
        } else {
            memcpy(words->text, line, strlen(line) + 1);
            what = cut(words) ? NULL : "too many words";
        }
        if (what != NULL) {
            rc = sl_err_set(err, SL_MALFORMED, "%s:%u: %s", words->path, words->line, what);
        }
    }
    free(line);
    if (rc == SL_OK && words->count == 0 && ferror(words->file) != 0) {
        rc = sl_err_set(err, SL_IO, "%s: cannot be read", words->path);
    }
    *ret_has = words->count != 0;
    return rc;
}

bool pol_words_is(const struct pol_words *words, uint32_t index, const char *text)
{
    return index < words->count && strcmp(words->words[index], text) == 0;
}

void pol_words_record(const struct pol_words *words, uint32_t index, sl_rc rc, struct sl_err *err,
                      const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (index >= words->count) {
        sl_err_record(err, rc, "%s:%u: end of line: %s", words->path, words->line, text);
    } else {
        sl_err_record(err, rc, "%s:%u:%u: `%.64s`: %s", words->path, words->line,
                      words->columns[index], words->words[index], text);
    }
}

/* A decimal number without sign. */
static bool number_of(const char *text, uint64_t *ret_number)
{
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

const char *pol_prefix_parse(const char *text, struct pol_prefix *ret_prefix)
{
    struct pol_prefix prefix = {.version = strchr(text, ':') != NULL ? 6 : 4};
    uint32_t full = prefix.version == 4 ? 32 : 128;
    uint64_t length = full;
    char addr[64];
    size_t size = strcspn(text, "/");
    if (size >= sizeof(addr)) {
        return "expected an address or a prefix";
    }
    memcpy(addr, text, size);
    addr[size] = '\0';
    if (inet_pton(prefix.version == 4 ? AF_INET : AF_INET6, addr, prefix.addr) != 1) {
        return "expected an address or a prefix, as 10.0.0.0/8 or 2001:db8::/32";
    }
    if (text[size] == '/' && (!number_of(text + size + 1, &length) || length > full)) {
        return prefix.version == 4 ? "the prefix length is not 0 to 32"
                                   : "the prefix length is not 0 to 128";
    }
    prefix.length = (uint8_t)length;
    for (uint32_t bit = prefix.length; bit < full; bit++) {
        if ((prefix.addr[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return "has bits behind its prefix length";
        }
    }
    *ret_prefix = prefix;
    return NULL;
}

sl_rc pol_words_prefix(const struct pol_words *words, uint32_t index, struct pol_prefix *ret_prefix,
                       struct sl_err *err)
{
    if (index >= words->count) {
        return pol_words_fault(words, index, SL_MALFORMED, err, "expected an address or a prefix");
    }
    const char *what = pol_prefix_parse(words->words[index], ret_prefix);
    return what == NULL ? SL_OK : pol_words_fault(words, index, SL_MALFORMED, err, "%s", what);
}

sl_rc pol_words_number(const struct pol_words *words, uint32_t index, uint64_t max,
                       uint64_t *ret_number, struct sl_err *err)
{
    uint64_t number;
    if (index >= words->count || !number_of(words->words[index], &number)) {
        return pol_words_fault(words, index, SL_MALFORMED, err, "expected a number");
    }
    if (number > max) {
        return pol_words_fault(words, index, SL_RANGE, err, "at most %llu",
                               (unsigned long long)max);
    }
    *ret_number = number;
    return SL_OK;
}
