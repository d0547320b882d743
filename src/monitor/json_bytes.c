/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 in JSON. */
#include "monitor/json_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "safelib/bytes.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0 to 63; 64: no digit */
static void values_make(uint8_t values[256])
{
    memset(values, 64, 256);
    for (uint8_t i = 0; i < 64; i++) {
        values[(uint8_t)DIGITS[i]] = i;
    }
}

/* The last group, which may be padded. */
static sl_rc last_decode(const uint8_t values[256], const char *text, uint8_t *out)
{
    const unsigned pad = text[3] == '=' ? (text[2] == '=' ? 2u : 1u) : 0u;
    uint32_t group = 0;

    for (size_t j = 0; j < 4 - pad; j++) {
        const uint8_t value = values[(uint8_t)text[j]];

        if (value == 64) {
            return SL_MALFORMED;
        }
        group |= (uint32_t)value << (18 - 6 * j);
    }
    /* RFC 4648 3.5: pad bits are zero, or one value had several texts */
    if ((pad == 2 && (group & 0xffff) != 0) || (pad == 1 && (group & 0xff) != 0)) {
        return SL_MALFORMED;
    }
    for (size_t j = 0; j < 3 - pad; j++) {
        out[j] = (uint8_t)(group >> (16 - 8 * j));
    }
    return SL_OK;
}

static sl_rc decode(const char *text, size_t size, uint8_t *out)
{
    enum { BAD = 1 << 24 };
    uint8_t values[256];
    uint32_t parts[4][256], seen = 0;

    /* what each digit adds to its group, by its place in it */
    values_make(values);
    for (size_t i = 0; i < 256; i++) {
        for (size_t j = 0; j < 4; j++) {
            parts[j][i] = values[i] == 64 ? BAD : (uint32_t)values[i] << (18 - 6 * j);
        }
    }
    for (; size > 4; size -= 4, text += 4, out += 3) {
        const uint32_t group = parts[0][(uint8_t)text[0]] | parts[1][(uint8_t)text[1]] |
                               parts[2][(uint8_t)text[2]] | parts[3][(uint8_t)text[3]];

        seen |= group;
        sl_be32_put(out, group << 8); /* one byte more, which the next group overwrites */
    }
    return seen < BAD ? last_decode(values, text, out) : SL_MALFORMED;
}

sl_rc sl_json_bytes_of(const json_t *text, const char *name, size_t size_max, uint8_t **ret_data,
                       size_t *ret_size, struct sl_err *err)
{
    const char *from = json_string_value(text);
    const size_t length = json_string_length(text);
    size_t size;
    uint8_t *data;

    *ret_data = NULL;
    *ret_size = 0;
    if (text == NULL || json_is_null(text)) {
        return sl_err_set(err, SL_NOT_FOUND, "%s: missing", name);
    }
    if (from == NULL || length % 4 != 0) {
        return sl_err_set(err, SL_MALFORMED, "%s: expected a string of base64", name);
    }
    size = length == 0 ? 0
                       : length / 4 * 3 - (from[length - 1] == '=' ? 1u : 0u) -
                             (from[length - 2] == '=' ? 1u : 0u);
    if (size == 0 || size > size_max) {
        return sl_err_set(err, SL_RANGE, "%s: %zu bytes, expected 1 to %zu", name, size, size_max);
    }
    data = malloc(size + 1);
    if (data == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "%s: no memory for %zu bytes", name, size);
    }
    if (decode(from, length, data) != SL_OK) {
        free(data);
        return sl_err_set(err, SL_MALFORMED, "%s: not base64 (RFC 4648 4, with padding)", name);
    }
    *ret_data = data;
    *ret_size = size;
    return SL_OK;
}

sl_rc sl_json_bytes(const json_t *object, const char *key, size_t size_max, uint8_t **ret_data,
                    size_t *ret_size, struct sl_err *err)
{
    return sl_json_bytes_of(json_object_get(object, key), key, size_max, ret_data, ret_size, err);
}

json_t *sl_json_bytes_new(const void *data, size_t size)
{
    const uint8_t *from = data;
    const size_t length = (size + 2) / 3 * 4;
    char *text = malloc(length + 1);
    json_t *json;

    if (text == NULL) {
        return NULL;
    }
    for (size_t i = 0, at = 0; i < size; i += 3, at += 4) {
        const size_t left = size - i;
        const uint32_t group = (uint32_t)from[i] << 16 |
                               (left > 1 ? (uint32_t)from[i + 1] << 8 : 0u) |
                               (left > 2 ? from[i + 2] : 0u);

        text[at] = DIGITS[group >> 18];
        text[at + 1] = DIGITS[group >> 12 & 63];
        text[at + 2] = left > 1 ? DIGITS[group >> 6 & 63] : '=';
        text[at + 3] = left > 2 ? DIGITS[group & 63] : '=';
    }
    json = json_stringn_nocheck(text, length);
    free(text);
    return json;
}
