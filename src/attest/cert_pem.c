/* SPDX-License-Identifier: Apache-2.0 */
/* PEM (RFC 7468), strict: base64 with its padding, one way to write a block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/cert.h"

enum { PEM_SIZE_MAX = 1 << 20 };

/* Value of a base64 digit plus one; 0: none. */
static const uint8_t DIGITS[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* As many whole groups of four digits as stand at @p off, where a group may begin: most of a line.
 * @return how many characters they are */
static size_t decode_quads(const struct sl_blob *text, size_t off, unsigned int held, size_t pads,
                           uint8_t *out, size_t *io_size, size_t *io_digits)
{
    size_t at = off;
    size_t size = *io_size;
    if (held != 0 || pads != 0) {
        return 0;
    }
    for (; text->size - at >= 4; at += 4) {
        const uint8_t *c = text->data + at;
        uint32_t a = DIGITS[c[0]], b = DIGITS[c[1]], d = DIGITS[c[2]], e = DIGITS[c[3]];
        if (a == 0 || b == 0 || d == 0 || e == 0) {
            break;
        }
        uint32_t bits = (a - 1) << 18 | (b - 1) << 12 | (d - 1) << 6 | (e - 1);
        out[size++] = (uint8_t)(bits >> 16);
        out[size++] = (uint8_t)(bits >> 8);
        out[size++] = (uint8_t)bits;
    }
    *io_size = size;
    *io_digits += at - off;
    return at - off;
}

/* @return false: not base64 in its one form (RFC 4648 3.5: pad bits are zero) */
static bool decode(struct sl_blob text, uint8_t *out, size_t *ret_size)
{
    uint32_t bits = 0;
    unsigned int held = 0;
    size_t digits = 0;
    size_t pads = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        i += decode_quads(&text, i, held, pads, out, &size, &digits);
        if (i == text.size) {
            break;
        }
        uint8_t c = text.data[i];
        uint8_t digit = DIGITS[c];
        if (digit != 0 && pads == 0) {
            digits++;
            bits = bits << 6 | (digit - 1U);
            held += 6;
            if (held >= 8) {
                held -= 8;
                out[size++] = (uint8_t)(bits >> held);
            }
        } else if (c == '=') {
            pads++;
        } else if (!is_space(c)) {
            return false;
        }
    }
    *ret_size = size;
    return (digits + pads) % 4 == 0 && pads < 3 && digits % 4 != 1 &&
           (bits & ((1U << held) - 1)) == 0 && size > 0;
}

sl_rc sl_pem_next(struct sl_blob *io_in, const char *label, bool is_text_allowed,
                  struct sl_blob *ret_der)
{
    char begin[64];
    char end[64];
    int begin_size = snprintf(begin, sizeof(begin), "-----BEGIN %s-----", label);
    int end_size = snprintf(end, sizeof(end), "-----END %s-----", label);
    if (io_in->size > PEM_SIZE_MAX || begin_size <= 0 || end_size <= 0) {
        return SL_MALFORMED;
    }
    const uint8_t *start = memmem(io_in->data, io_in->size, begin, (size_t)begin_size);
    size_t before = start != NULL ? (size_t)(start - io_in->data) : io_in->size;
    for (size_t i = 0; i < before && !is_text_allowed; i++) {
        /* a terminator may follow the last block */
        if (!is_space(io_in->data[i]) && !(start == NULL && io_in->data[i] == '\0')) {
            return SL_MALFORMED;
        }
    }
    if (start == NULL) {
        return SL_NOT_FOUND;
    }
    struct sl_blob body = {start + begin_size, io_in->size - before - (size_t)begin_size};
    const uint8_t *stop = memmem(body.data, body.size, end, (size_t)end_size);
    if (stop == NULL) {
        return SL_MALFORMED;
    }
    size_t left = body.size - (size_t)(stop - body.data) - (size_t)end_size;
    body.size = (size_t)(stop - body.data);
    uint8_t *der = malloc(body.size + 1);
    if (der == NULL) {
        return SL_NO_MEMORY;
    }
    size_t size;
    if (!decode(body, der, &size)) {
        free(der);
        return SL_MALFORMED;
    }
    *ret_der = (struct sl_blob){der, size};
    *io_in = (struct sl_blob){stop + end_size, left};
    return SL_OK;
}
