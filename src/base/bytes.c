/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reader and writer, hex. */
#include "base/bytes.h"

void sl_reader_init(struct sl_reader *r, const void *data, size_t size)
{
    *r = (struct sl_reader){.data = data, .size = size, .off = 0, .rc = SL_OK};
}

size_t sl_reader_left(const struct sl_reader *r)
{
    return r->rc == SL_OK ? r->size - r->off : 0;
}

void sl_reader_fail(struct sl_reader *r, sl_rc rc)
{
    if (r->rc == SL_OK) {
        r->rc = rc;
    }
}

const uint8_t *sl_reader_bytes(struct sl_reader *r, size_t size)
{
    if (r->rc != SL_OK) {
        return NULL;
    }
    if (size > r->size - r->off) {
        r->rc = SL_TRUNCATED;
        return NULL;
    }
    const uint8_t *at = r->data + r->off;
    r->off += size;
    return at;
}

uint8_t sl_reader_u8(struct sl_reader *r)
{
    const uint8_t *at = sl_reader_bytes(r, 1);
    return at != NULL ? *at : 0;
}

uint16_t sl_reader_be16(struct sl_reader *r)
{
    const uint8_t *at = sl_reader_bytes(r, 2);
    return at != NULL ? sl_be16_get(at) : 0;
}

uint32_t sl_reader_be32(struct sl_reader *r)
{
    const uint8_t *at = sl_reader_bytes(r, 4);
    return at != NULL ? sl_be32_get(at) : 0;
}

uint64_t sl_reader_be64(struct sl_reader *r)
{
    const uint8_t *at = sl_reader_bytes(r, 8);
    return at != NULL ? sl_be64_get(at) : 0;
}

void sl_reader_copy(struct sl_reader *r, void *out, size_t size)
{
    const uint8_t *at = sl_reader_bytes(r, size);
    if (at != NULL) {
        memcpy(out, at, size);
    } else {
        memset(out, 0, size);
    }
}

void sl_reader_string(struct sl_reader *r, char *out, size_t out_size)
{
    out[0] = '\0';
    size_t size = sl_reader_be16(r);
    const uint8_t *at = sl_reader_bytes(r, size);
    if (at == NULL) {
        return;
    }
    if (size >= out_size) {
        sl_reader_fail(r, SL_RANGE);
    } else if (memchr(at, '\0', size) != NULL) {
        sl_reader_fail(r, SL_MALFORMED);
    } else {
        memcpy(out, at, size);
        out[size] = '\0';
    }
}

sl_rc sl_reader_end(const struct sl_reader *r)
{
    if (r->rc != SL_OK) {
        return r->rc;
    }
    return r->off == r->size ? SL_OK : SL_MALFORMED;
}

void sl_writer_init(struct sl_writer *w, void *data, size_t size)
{
    *w = (struct sl_writer){.data = data, .size = size, .off = 0, .rc = SL_OK};
}

uint8_t *sl_writer_reserve(struct sl_writer *w, size_t size)
{
    if (w->rc != SL_OK) {
        return NULL;
    }
    if (size > w->size - w->off) {
        w->rc = SL_NO_SPACE;
        return NULL;
    }
    uint8_t *at = w->data + w->off;
    w->off += size;
    return at;
}

void sl_writer_u8(struct sl_writer *w, uint8_t v)
{
    sl_writer_bytes(w, &v, 1);
}

void sl_writer_be16(struct sl_writer *w, uint16_t v)
{
    uint8_t *at = sl_writer_reserve(w, 2);
    if (at != NULL) {
        sl_be16_put(at, v);
    }
}

void sl_writer_be32(struct sl_writer *w, uint32_t v)
{
    uint8_t *at = sl_writer_reserve(w, 4);
    if (at != NULL) {
        sl_be32_put(at, v);
    }
}

void sl_writer_be64(struct sl_writer *w, uint64_t v)
{
    uint8_t *at = sl_writer_reserve(w, 8);
    if (at != NULL) {
        sl_be64_put(at, v);
    }
}

void sl_writer_bytes(struct sl_writer *w, const void *data, size_t size)
{
    uint8_t *at = sl_writer_reserve(w, size);
    if (at != NULL && size > 0) {
        memcpy(at, data, size);
    }
}

void sl_writer_string(struct sl_writer *w, const char *text)
{
    size_t size = strlen(text);
    if (size > UINT16_MAX) {
        w->rc = w->rc == SL_OK ? SL_RANGE : w->rc;
        return;
    }
    sl_writer_be16(w, (uint16_t)size);
    sl_writer_bytes(w, text, size);
}

void sl_hex_encode(const uint8_t *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * size] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

sl_rc sl_hex_decode(const char *text, uint8_t *out, size_t size)
{
    if (strlen(text) != 2 * size) {
        return SL_MALFORMED;
    }
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return SL_MALFORMED;
        }
        out[i] = (uint8_t)((high << 4) | low);
    }
    return SL_OK;
}
