/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for people: aligned names, grouped hex, sections. */
#include <string.h>

#include "attest.h"

enum {
    INDENT = 2,
    HEX_GROUP = 8,
    HEX_LINE = 64,
    HEX_MIN = 16,
    DEPTH_MAX = 16,
    NAME_WIDTH_MAX = 32
};

static void show(FILE *out, const json_t *value, int depth, int column);

static bool is_hex(const char *text, size_t length)
{
    return length >= HEX_MIN && length % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") == length;
}

static void show_hex(FILE *out, const char *text, size_t length, int column)
{
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && i % HEX_LINE == 0) {
            fprintf(out, "\n%*s", column, "");
        } else if (i > 0 && i % HEX_GROUP == 0) {
            fputc(' ', out);
        }
        fputc(text[i], out);
    }
}

/* Outside bytes may steer a terminal: only printable ASCII goes out. Further lines are indented. */
static void show_text(FILE *out, const char *text, size_t length, int column)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            if (i + 1 < length) {
                fprintf(out, "\n%*s", column, "");
            }
        } else {
            fputc(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?', out);
        }
    }
}

static bool is_section(const json_t *value)
{
    if (json_is_object(value)) {
        return json_object_size(value) > 0;
    }
    if (!json_is_array(value) || json_array_size(value) == 0) {
        return false;
    }
    const json_t *first = json_array_get(value, 0);
    return json_is_object(first) || json_is_array(first) ||
           (json_is_string(first) && is_hex(json_string_value(first), json_string_length(first)));
}

static void show_scalar(FILE *out, const json_t *value, int column)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    switch (json_typeof(value)) {
    case JSON_STRING:
        if (is_hex(text, length)) {
            show_hex(out, text, length, column);
        } else {
            show_text(out, text, length, column);
        }
        break;
    case JSON_INTEGER:
        fprintf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(out, "%g", json_real_value(value));
        break;
    case JSON_TRUE:
        fputs("yes", out);
        break;
    case JSON_FALSE:
        fputs("no", out);
        break;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_NULL:
        fputs("none", out);
        break;
    }
}

static int name_width(const json_t *object)
{
    const char *name = NULL;
    const json_t *value = NULL;
    size_t width = 0;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t length = strlen(name);
        if (!is_section(value) && length > width && length <= NAME_WIDTH_MAX) {
            width = length;
        }
    }
    return (int)width;
}

static void show_object(FILE *out, const json_t *object, int depth)
{
    const char *name = NULL;
    const json_t *value = NULL;
    int width = name_width(object);
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        fprintf(out, "%*s%s", depth * INDENT, "", is_section(value) ? tone(out, TONE_STRONG) : "");
        show_text(out, name, strlen(name), 0);
        if (is_section(value)) {
            fprintf(out, "%s\n", tone(out, TONE_PLAIN));
            show(out, value, depth + 1, 0);
            continue;
        }
        int length = (int)strlen(name);
        int pad = length < width ? width - length + 2 : 2;
        fprintf(out, "%*s", pad, "");
        show(out, value, depth, depth * INDENT + (length < width ? width : length) + 2);
        fputc('\n', out);
    }
}

static void show_array(FILE *out, const json_t *array, int depth, int column)
{
    size_t i = 0;
    const json_t *value = NULL;
    bool is_lines = is_section(array);
    json_array_foreach((json_t *)(uintptr_t)array, i, value)
    {
        if (!is_lines) {
            fputs(i > 0 ? " " : "", out);
            show(out, value, depth, column);
            continue;
        }
        char label[32];
        int length = snprintf(label, sizeof(label), "[%zu]", i);
        fprintf(out, "%*s%s", depth * INDENT, "", label);
        if (is_section(value)) {
            fputc('\n', out);
            show(out, value, depth + 1, 0);
        } else {
            fputs("  ", out);
            show(out, value, depth, depth * INDENT + length + 2);
            fputc('\n', out);
        }
    }
}

static void show(FILE *out, const json_t *value, int depth, int column)
{
    if (depth > DEPTH_MAX) {
        fputs("...", out);
    } else if (json_is_object(value) && json_object_size(value) > 0) {
        show_object(out, value, depth);
    } else if (json_is_array(value) && json_array_size(value) > 0) {
        show_array(out, value, depth, column);
    } else {
        show_scalar(out, value, column);
    }
}

void attest_show_json(FILE *out, const json_t *value)
{
    show(out, value, 0, 0);
}
