/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into jansson's tree: structure and plain strings here, escapes, UTF-8 and fractions there.
 */
#include "monitor/json_load.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct source {
    const char *text;
    size_t size, off;
    unsigned depth;
    sl_rc rc;
};

static json_t *fail(struct source *s, sl_rc rc)
{
    s->rc = s->rc == SL_OK ? rc : s->rc;
    return NULL;
}

static json_t *value_read(struct source *s);

/* The next byte behind white space, not taken; 0 at the end, where no byte of JSON is 0. */
static char peek(struct source *s)
{
    while (s->off < s->size) {
        const char c = s->text[s->off];

        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return c;
        }
        s->off++;
    }
    return 0;
}

/* A scalar by jansson's own rules. */
static json_t *span_load(struct source *s, size_t from)
{
    json_error_t error;
    json_t *json = json_loadb(s->text + from, s->off - from, JSON_DECODE_ANY, &error);

    return json != NULL ? json : fail(s, SL_MALFORMED);
}

/* Eight bytes of a string at once: are they printable ASCII without quote and backslash? */
static bool is_plain_word(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word, quote, slash;

    memcpy(&word, at, 8);
    quote = word ^ ones * '"';
    slash = word ^ ones * '\\';
    /* a top bit is set where a byte is above 0x7e, below 0x20, or zero in one of the two; the bytes
     * above 0x7f among those that borrow are found by the first term */
    return ((word | (word + ones) | (word - ones * 0x20) | (quote - ones) | (slash - ones)) &
            tops) == 0;
}

/* Takes a string with its quotes. @return whether it is printable ASCII without escapes */
static bool string_scan(struct source *s)
{
    bool is_plain = true;

    s->off++;
    while (s->size - s->off >= 8 && is_plain_word(s->text + s->off)) {
        s->off += 8;
    }
    for (; s->off < s->size && s->text[s->off] != '"'; s->off++) {
        const unsigned char c = (unsigned char)s->text[s->off];

        if (c == '\\') {
            s->off++;
        }
        is_plain = is_plain && c != '\\' && c >= 0x20 && c < 0x7f;
    }
    if (s->off >= s->size) {
        s->off = s->size;
        (void)fail(s, SL_MALFORMED);
        return false;
    }
    s->off++;
    return is_plain;
}

static json_t *string_read(struct source *s)
{
    const size_t from = s->off;
    const bool is_plain = string_scan(s);
    json_t *json;

    if (s->rc != SL_OK) {
        return NULL;
    }
    if (!is_plain) {
        return span_load(s, from);
    }
    json = json_stringn_nocheck(s->text + from + 1, s->off - from - 2);
    return json != NULL ? json : fail(s, SL_NO_MEMORY);
}

/* -12, 3.4e5, true, null: everything up to what can follow a value. */
static json_t *word_read(struct source *s)
{
    static const char ends[] = " \n\r\t,:]}[{\"";
    const size_t from = s->off;
    size_t size;

    while (s->off < s->size && memchr(ends, s->text[s->off], sizeof(ends) - 1) == NULL) {
        s->off++;
    }
    size = s->off - from;
    if (size >= 1 && size <= 15 && s->text[from] >= '1' && s->text[from] <= '9') {
        json_int_t number = 0;
        size_t i = 0;

        while (i < size && s->text[from + i] >= '0' && s->text[from + i] <= '9') {
            number = number * 10 + (s->text[from + i++] - '0');
        }
        if (i == size) {
            json_t *json = json_integer(number);

            return json != NULL ? json : fail(s, SL_NO_MEMORY);
        }
    }
    return size > 0 ? span_load(s, from) : fail(s, SL_MALFORMED);
}

/* One "name": value into the object. */
static bool member_read(struct source *s, json_t *object)
{
    json_t *name = peek(s) == '"' ? string_read(s) : fail(s, SL_MALFORMED);
    json_t *value = NULL;
    const char *key;
    size_t size;

    if (name == NULL) {
        return false;
    }
    key = json_string_value(name);
    size = json_string_length(name);
    if (peek(s) != ':' || json_object_getn(object, key, size) != NULL) {
        (void)fail(s, SL_MALFORMED);
    } else {
        s->off++;
        value = value_read(s);
    }
    if (value != NULL && json_object_setn_new_nocheck(object, key, size, value) != 0) {
        (void)fail(s, SL_NO_MEMORY);
    }
    json_decref(name);
    return s->rc == SL_OK;
}

static bool element_read(struct source *s, json_t *array)
{
    json_t *value = value_read(s);

    if (value != NULL && json_array_append_new(array, value) != 0) {
        (void)fail(s, SL_NO_MEMORY);
    }
    return s->rc == SL_OK;
}

/* Object or array, behind its bracket. */
static json_t *items_read(struct source *s, bool is_object)
{
    const char close = is_object ? '}' : ']';
    json_t *json = is_object ? json_object() : json_array();

    if (json == NULL) {
        return fail(s, SL_NO_MEMORY);
    }
    if (peek(s) == close) {
        s->off++;
        return json;
    }
    while (is_object ? member_read(s, json) : element_read(s, json)) {
        const char next = peek(s);

        if (next == close) {
            s->off++;
            return json;
        }
        if (next != ',') {
            break;
        }
        s->off++;
    }
    json_decref(json);
    return fail(s, SL_MALFORMED);
}

/* Recursion is bounded by SL_JSON_LOAD_DEPTH_MAX. */
static json_t *value_read(struct source *s)
{
    const char c = peek(s);
    json_t *json;

    if (c == '"') {
        return string_read(s);
    }
    if (c != '{' && c != '[') {
        return word_read(s);
    }
    if (s->depth == SL_JSON_LOAD_DEPTH_MAX) {
        return fail(s, SL_RANGE);
    }
    s->depth++;
    s->off++;
    json = items_read(s, c == '{');
    s->depth--;
    return json;
}

sl_rc sl_json_load(const char *text, size_t size, json_t **ret_json, struct sl_err *err)
{
    struct source s = {.text = text, .size = size};
    const char first = peek(&s);
    json_t *json = first == '{' || first == '[' ? value_read(&s) : fail(&s, SL_MALFORMED);

    *ret_json = NULL;
    if (json != NULL && (peek(&s) != 0 || s.off < s.size)) {
        (void)fail(&s, SL_MALFORMED);
    }
    if (s.rc != SL_OK) {
        json_decref(json);
        return sl_err_set(err, s.rc, "%s at byte %zu",
                          s.rc == SL_MALFORMED ? "not JSON (RFC 8259), or a name twice,"
                          : s.rc == SL_RANGE   ? "nested too deep"
                                               : "no memory",
                          s.off);
    }
    *ret_json = json;
    return SL_OK;
}
