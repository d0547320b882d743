/* SPDX-License-Identifier: Apache-2.0 */
/* Strict forward reader of signed JSON. */
#include "attest/json_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"

void sl_json_reader_init(struct sl_json_reader *r, struct sl_blob in)
{
    *r = (struct sl_json_reader){.in = in};
}

void sl_json_reader_fail(struct sl_json_reader *r, sl_rc rc, const char *format, ...)
{
    if (r->rc != SL_OK) {
        return;
    }
    r->rc = rc;
    int used = snprintf(r->why, sizeof(r->why), "byte %zu", r->off);
    if (r->key.size > 0) {
        used += snprintf(r->why + used, sizeof(r->why) - (size_t)used, ", \"%.*s\"",
                         (int)(r->key.size < 40 ? r->key.size : 40), (const char *)r->key.data);
    }
    used += snprintf(r->why + used, sizeof(r->why) - (size_t)used, ": ");
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r->why + used, sizeof(r->why) - (size_t)used, format, args);
    va_end(args);
}

/* Next byte after white space, not taken; -1 at the end or after a failure. */
static int peek(struct sl_json_reader *r)
{
    while (r->rc == SL_OK && r->off < r->in.size) {
        uint8_t c = r->in.data[r->off];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return c;
        }
        r->off++;
    }
    return -1;
}

static void expect(struct sl_json_reader *r, char c)
{
    if (r->rc == SL_OK && r->off < r->in.size && r->in.data[r->off] == (uint8_t)c) {
        r->off++; /* as nearly always: no white space in front of it */
        return;
    }
    int found = peek(r);
    if (r->rc != SL_OK) {
        return;
    }
    if (found != c) {
        if (found < 0) {
            sl_json_reader_fail(r, SL_MALFORMED, "ends where '%c' was expected", c);
        } else {
            sl_json_reader_fail(r, SL_MALFORMED, "'%c' expected, byte 0x%02x found", c,
                                (unsigned int)found);
        }
        return;
    }
    r->off++;
}

static void enter(struct sl_json_reader *r, char c)
{
    expect(r, c);
    if (r->rc != SL_OK) {
        return;
    }
    if (r->depth == SL_JSON_DEPTH_MAX) {
        sl_json_reader_fail(r, SL_RANGE, "nested deeper than %d", SL_JSON_DEPTH_MAX);
        return;
    }
    r->depth++;
    r->filled &= ~(1U << r->depth);
}

/* Whether another member or element follows; takes the comma or the closing bracket. */
static bool follows(struct sl_json_reader *r, char close)
{
    int c = peek(r);
    if (r->rc != SL_OK) {
        return false;
    }
    bool is_first = (r->filled & 1U << r->depth) == 0;
    if (c == close) {
        r->off++;
        r->depth--;
        return false;
    }
    if (!is_first) {
        expect(r, ',');
    }
    r->filled |= 1U << r->depth;
    return r->rc == SL_OK;
}

void sl_json_read_object(struct sl_json_reader *r)
{
    enter(r, '{');
}

bool sl_json_read_key(struct sl_json_reader *r, struct sl_blob *ret_key)
{
    *ret_key = (struct sl_blob){0};
    if (!follows(r, '}')) {
        return false;
    }
    struct sl_blob key = sl_json_read_string(r);
    expect(r, ':');
    if (r->rc != SL_OK) {
        return false;
    }
    r->key = key;
    *ret_key = key;
    return true;
}

void sl_json_read_array(struct sl_json_reader *r)
{
    enter(r, '[');
}

bool sl_json_read_element(struct sl_json_reader *r)
{
    return follows(r, ']');
}

struct sl_blob sl_json_read_string(struct sl_json_reader *r)
{
    expect(r, '"');
    size_t start = r->off;
    size_t at = start;
    const uint8_t *data = r->in.data;
    if (r->rc != SL_OK) {
        return (struct sl_blob){0};
    }
    while (at < r->in.size && data[at] >= 0x20 && data[at] <= 0x7e && data[at] != '"' &&
           data[at] != '\\') {
        at++;
    }
    r->off = at;
    if (at < r->in.size && data[at] == '"') {
        r->off++;
        return (struct sl_blob){.data = data + start, .size = at - start};
    }
    if (at < r->in.size) {
        sl_json_reader_fail(r, SL_MALFORMED,
                            "byte 0x%02x in a string: escapes and what is not printable ASCII "
                            "are refused in signed data",
                            data[at]);
    }
    sl_json_reader_fail(r, SL_MALFORMED, "a string does not end");
    return (struct sl_blob){0};
}

static bool is_digit(const struct sl_json_reader *r, size_t off)
{
    return off < r->in.size && r->in.data[off] >= '0' && r->in.data[off] <= '9';
}

/* RFC 8259 6: int = zero / ( digit1-9 *DIGIT ) */
static void take_digits(struct sl_json_reader *r, bool is_int)
{
    size_t start = r->off;
    while (is_digit(r, r->off)) {
        r->off++;
    }
    if (r->off == start) {
        sl_json_reader_fail(r, SL_MALFORMED, "a digit is missing");
    } else if (is_int && r->in.data[start] == '0' && r->off - start > 1) {
        sl_json_reader_fail(r, SL_MALFORMED, "a number starts with zero");
    }
}

/* Is the byte at the reader @p a or @p b? */
static bool is_at(const struct sl_json_reader *r, char a, char b)
{
    return r->rc == SL_OK && r->off < r->in.size &&
           (r->in.data[r->off] == (uint8_t)a || r->in.data[r->off] == (uint8_t)b);
}

static void skip_number(struct sl_json_reader *r)
{
    if (is_at(r, '-', '-')) {
        r->off++;
    }
    take_digits(r, true);
    if (is_at(r, '.', '.')) {
        r->off++;
        take_digits(r, false);
    }
    if (is_at(r, 'e', 'E')) {
        r->off++;
        if (is_at(r, '+', '-')) {
            r->off++;
        }
        take_digits(r, false);
    }
}

uint32_t sl_json_read_uint(struct sl_json_reader *r, uint32_t max)
{
    (void)peek(r);
    size_t start = r->off;
    if (r->rc != SL_OK || !is_digit(r, start)) {
        sl_json_reader_fail(r, SL_MALFORMED, "an integer from 0 to %u is expected", max);
        return 0;
    }
    take_digits(r, true);
    if (is_at(r, '.', '.') || is_at(r, 'e', 'E')) {
        sl_json_reader_fail(r, SL_MALFORMED, "an integer is expected, not a fraction");
    }
    uint64_t value = 0;
    for (size_t i = start; r->rc == SL_OK && i < r->off; i++) {
        value = value * 10 + (uint64_t)(r->in.data[i] - '0');
        if (value > max) {
            size_t size = r->off - start;
            sl_json_reader_fail(r, SL_RANGE, "%.*s is out of range, at most %u",
                                (int)(size < 40 ? size : 40), (const char *)r->in.data + start,
                                max);
        }
    }
    return r->rc == SL_OK ? (uint32_t)value : 0;
}

void sl_json_read_hex(struct sl_json_reader *r, uint8_t *out, size_t size)
{
    struct sl_blob text = sl_json_read_string(r);
    if (r->rc == SL_OK && text.size != 2 * size) {
        sl_json_reader_fail(r, SL_MALFORMED, "%zu hex digits are expected, %zu characters found",
                            2 * size, text.size);
    }
    memset(out, 0, size);
    for (size_t i = 0; r->rc == SL_OK && i < size; i++) {
        char pair[3] = {(char)text.data[2 * i], (char)text.data[2 * i + 1], '\0'};
        if (sl_hex_decode(pair, &out[i], 1) != SL_OK) {
            sl_json_reader_fail(r, SL_MALFORMED, "\"%s\" is no hex digit pair", pair);
        }
    }
}

static bool take_number(const uint8_t *p, size_t count, unsigned int *ret_value)
{
    *ret_value = 0;
    for (size_t i = 0; i < count; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }
        *ret_value = *ret_value * 10 + (unsigned int)(p[i] - '0');
    }
    return true;
}

/* Days from 1970-01-01 of a date in the proleptic Gregorian calendar, from year 1 on. */
static int64_t days_of(unsigned int year, unsigned int month, unsigned int day)
{
    static const unsigned int BEFORE[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = (int64_t)year - 1;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 + BEFORE[month - 1] + day - 1;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days + (is_leap && month > 2 ? 1 : 0) - 719162;
}

sl_rc sl_time_parse(struct sl_blob text, int64_t *ret_time_s)
{
    static const unsigned int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char FORM[] = "0000-00-00T00:00:00Z";
    static const struct {
        size_t off, count;
        unsigned int min, max;
    } FIELDS[] = {{0, 4, 1970, 9999}, {5, 2, 1, 12},  {8, 2, 1, 31},
                  {11, 2, 0, 23},     {14, 2, 0, 59}, {17, 2, 0, 59}};
    enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FIELD_COUNT };
    unsigned int value[FIELD_COUNT];
    if (text.size != sizeof(FORM) - 1) {
        return SL_MALFORMED;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (FORM[i] != '0' && text.data[i] != (uint8_t)FORM[i]) {
            return SL_MALFORMED;
        }
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!take_number(text.data + FIELDS[i].off, FIELDS[i].count, &value[i]) ||
            value[i] < FIELDS[i].min || value[i] > FIELDS[i].max) {
            return SL_MALFORMED;
        }
    }
    unsigned int year = value[YEAR];
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (value[DAY] > LENGTHS[value[MONTH] - 1] + (value[MONTH] == 2 && is_leap ? 1U : 0U)) {
        return SL_MALFORMED;
    }
    *ret_time_s = days_of(year, value[MONTH], value[DAY]) * 86400 + value[HOUR] * 3600 +
                  value[MINUTE] * 60 + value[SECOND];
    return SL_OK;
}

int64_t sl_json_read_time(struct sl_json_reader *r)
{
    struct sl_blob text = sl_json_read_string(r);
    int64_t time_s = 0;
    if (r->rc == SL_OK && sl_time_parse(text, &time_s) != SL_OK) {
        sl_json_reader_fail(r, SL_MALFORMED, "\"%.*s\" is no time of the form YYYY-MM-DDThh:mm:ssZ",
                            (int)(text.size < 40 ? text.size : 40), (const char *)text.data);
    }
    return time_s;
}

static void skip_word(struct sl_json_reader *r)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        size_t size = strlen(WORDS[i]);
        if (r->in.size - r->off >= size && memcmp(r->in.data + r->off, WORDS[i], size) == 0) {
            r->off += size;
            return;
        }
    }
    sl_json_reader_fail(r, SL_MALFORMED, "a value is expected");
}

/* Recursion is bounded: `enter` refuses below SL_JSON_DEPTH_MAX. */
void sl_json_read_skip(struct sl_json_reader *r)
{
    struct sl_blob key;
    int c = peek(r);
    if (c == '{') {
        sl_json_read_object(r);
        while (sl_json_read_key(r, &key)) {
            sl_json_read_skip(r);
        }
    } else if (c == '[') {
        sl_json_read_array(r);
        while (sl_json_read_element(r)) {
            sl_json_read_skip(r);
        }
    } else if (c == '"') {
        (void)sl_json_read_string(r);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        skip_number(r);
    } else if (c >= 0) {
        skip_word(r);
    } else {
        sl_json_reader_fail(r, SL_MALFORMED, "ends where a value was expected");
    }
}

/* Offset behind the bracket that closes the one at @p off, or 0. A string has no escapes here. */
static size_t span_end(struct sl_blob in, size_t off)
{
    size_t depth = 0;
    for (size_t i = off; i < in.size; i++) {
        const uint8_t c = in.data[i];
        if (c == '"') {
            const uint8_t *end = memchr(in.data + i + 1, '"', in.size - i - 1);
            if (end == NULL) {
                return 0;
            }
            i = (size_t)(end - in.data);
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

void sl_json_read_span(struct sl_json_reader *r, struct sl_blob *ret_span)
{
    *ret_span = (struct sl_blob){0};
    if (peek(r) != '{' || r->rc != SL_OK) {
        sl_json_reader_fail(r, SL_MALFORMED, "an object is expected");
        return;
    }
    const size_t end = span_end(r->in, r->off);
    if (end == 0) {
        sl_json_reader_fail(r, SL_MALFORMED, "ends within an object");
        return;
    }
    *ret_span = (struct sl_blob){.data = r->in.data + r->off, .size = end - r->off};
    if (memchr(ret_span->data, '\\', ret_span->size) != NULL) {
        sl_json_reader_fail(r, SL_MALFORMED,
                            "byte 0x5c in a string: escapes and what is not printable ASCII are "
                            "refused in signed data");
        *ret_span = (struct sl_blob){0};
        return;
    }
    r->off = end;
}

void sl_json_read_end(struct sl_json_reader *r)
{
    if (peek(r) >= 0) {
        sl_json_reader_fail(r, SL_MALFORMED, "bytes behind the end");
    }
}

bool sl_blob_is(struct sl_blob blob, const char *text)
{
    return blob.size == strlen(text) && memcmp(blob.data, text, blob.size) == 0;
}
