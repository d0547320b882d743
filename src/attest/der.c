/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of DER elements. */
#include "attest/der.h"

#include "attest/json_read.h"

static size_t read_length(struct sl_reader *r)
{
    uint8_t first = sl_reader_u8(r);
    if (first < 0x80) {
        return first;
    }
    /* X.690 10.1: "The definite form of length encoding shall be used, encoded in the minimum
     * number of octets." Three octets hold all that is read here. */
    size_t length = 0;
    if (first == 0x81) {
        length = sl_reader_u8(r);
        if (length < 0x80) {
            sl_reader_fail(r, SL_MALFORMED);
        }
    } else if (first == 0x82) {
        length = sl_reader_be16(r);
        if (length < 0x100) {
            sl_reader_fail(r, SL_MALFORMED);
        }
    } else if (first == 0x83) {
        length = (size_t)sl_reader_u8(r) << 16;
        length |= sl_reader_be16(r);
        if (length < 0x10000) {
            sl_reader_fail(r, SL_MALFORMED);
        }
    } else {
        sl_reader_fail(r, SL_MALFORMED);
    }
    return length;
}

void sl_der_read(struct sl_reader *r, uint8_t tag, struct sl_reader *ret_content)
{
    sl_reader_init(ret_content, NULL, 0);
    if (r->rc == SL_OK && sl_reader_u8(r) != tag) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    size_t length = read_length(r);
    const uint8_t *content = sl_reader_bytes(r, length);
    if (content == NULL) {
        ret_content->rc = r->rc;
        return;
    }
    sl_reader_init(ret_content, content, length);
}

uint32_t sl_der_read_uint(struct sl_reader *r, uint8_t tag, uint32_t max)
{
    struct sl_reader content;
    sl_der_read(r, tag, &content);
    size_t size = sl_reader_left(&content);
    if (r->rc != SL_OK || size == 0) {
        sl_reader_fail(r, SL_MALFORMED);
        return 0;
    }
    const uint8_t *p = content.data;
    /* X.690 8.3.2: the first nine bits are never all alike. */
    if (size > 1 && ((p[0] == 0 && p[1] < 0x80) || (p[0] == 0xff && p[1] >= 0x80))) {
        sl_reader_fail(r, SL_MALFORMED);
        return 0;
    }
    if (p[0] >= 0x80 || size > 5) {
        sl_reader_fail(r, SL_RANGE);
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | p[i];
    }
    if (value > max) {
        sl_reader_fail(r, SL_RANGE);
        return 0;
    }
    return (uint32_t)value;
}

bool sl_der_read_bool(struct sl_reader *r)
{
    struct sl_reader content;
    sl_der_read(r, SL_DER_BOOLEAN, &content);
    uint8_t value = sl_reader_u8(&content);
    if (r->rc == SL_OK && (sl_reader_end(&content) != SL_OK || (value != 0 && value != 0xff))) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    return value == 0xff;
}

int sl_der_peek(const struct sl_reader *r)
{
    return sl_reader_left(r) > 0 ? r->data[r->off] : -1;
}

struct sl_blob sl_der_read_raw(struct sl_reader *r, uint8_t tag, struct sl_reader *ret_content)
{
    size_t start = r->off;
    sl_der_read(r, tag, ret_content);
    if (r->rc != SL_OK) {
        return (struct sl_blob){0};
    }
    return (struct sl_blob){.data = r->data + start, .size = r->off - start};
}

void sl_der_read_exact(struct sl_reader *r, const uint8_t *expected, size_t size)
{
    const uint8_t *found = sl_reader_bytes(r, size);
    if (found != NULL && memcmp(found, expected, size) != 0) {
        sl_reader_fail(r, SL_UNSUPPORTED);
    }
}

struct sl_blob sl_der_read_serial(struct sl_reader *r)
{
    struct sl_reader content;
    sl_der_read(r, SL_DER_INTEGER, &content);
    size_t size = sl_reader_left(&content);
    const uint8_t *p = content.data;
    /* RFC 5280 4.1.2.2: positive, at most 20 octets (and a sign octet). */
    if (r->rc == SL_OK &&
        (size == 0 || size > 21 || p[0] >= 0x80 || (size > 1 && p[0] == 0 && p[1] < 0x80))) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    return r->rc == SL_OK ? (struct sl_blob){.data = p, .size = size} : (struct sl_blob){0};
}

int64_t sl_der_read_time(struct sl_reader *r)
{
    struct sl_reader content;
    int64_t time_s = 0;
    bool is_long = sl_der_peek(r) == SL_DER_GENERALIZED_TIME;
    size_t size = is_long ? 15 : 13;
    sl_der_read(r, is_long ? SL_DER_GENERALIZED_TIME : SL_DER_UTC_TIME, &content);
    const uint8_t *p = content.data;
    if (r->rc != SL_OK || sl_reader_left(&content) != size || p[size - 1] != 'Z') {
        sl_reader_fail(r, SL_MALFORMED);
        return 0;
    }
    /* In the form that sl_time_parse takes, which checks digits and ranges. */
    uint8_t text[20] = "yyyy-mm-ddThh:mm:ssZ";
    const uint8_t *rest = p + (is_long ? 4 : 2);
    if (is_long) {
        memcpy(text, p, 4);
    } else {
        /* RFC 5280 4.1.2.5.1: "Where YY is greater than or equal to 50, the year SHALL be
         * interpreted as 19YY" */
        text[0] = p[0] >= '5' ? '1' : '2';
        text[1] = p[0] >= '5' ? '9' : '0';
        memcpy(text + 2, p, 2);
    }
    for (size_t i = 0; i < 5; i++) {
        memcpy(text + 5 + 3 * i, rest + 2 * i, 2);
    }
    if (sl_time_parse((struct sl_blob){text, sizeof(text)}, &time_s) != SL_OK) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    return time_s;
}

static void read_scalar(struct sl_reader *r, uint8_t out[32])
{
    struct sl_blob value = {0};
    struct sl_reader content;
    sl_der_read(r, SL_DER_INTEGER, &content);
    value.size = sl_reader_left(&content);
    value.data = content.data;
    if (r->rc == SL_OK && value.size > 1 && value.data[0] == 0 && value.data[1] >= 0x80) {
        value.data++;
        value.size--;
    } else if (r->rc == SL_OK && (value.size == 0 || value.data[0] >= 0x80 ||
                                  (value.size > 1 && value.data[0] == 0))) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    if (value.size > 32) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    memset(out, 0, 32);
    if (r->rc == SL_OK) {
        memcpy(out + 32 - value.size, value.data, value.size);
    }
}

void sl_der_read_ecdsa(struct sl_reader *r, uint8_t signature[64])
{
    struct sl_reader bits;
    struct sl_reader pair;
    sl_der_read(r, SL_DER_BIT_STRING, &bits);
    if (sl_reader_u8(&bits) != 0) {
        sl_reader_fail(&bits, SL_MALFORMED); /* unused bits */
    }
    sl_der_read(&bits, SL_DER_SEQUENCE, &pair);
    read_scalar(&pair, signature);
    read_scalar(&pair, signature + 32);
    if (sl_reader_end(&pair) != SL_OK || sl_reader_end(&bits) != SL_OK) {
        sl_reader_fail(r, SL_MALFORMED);
    }
}
