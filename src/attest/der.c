/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of DER elements. */
#include "attest/der.h"

static size_t read_length(struct sl_reader *r)
{
    uint8_t first = sl_reader_u8(r);
    if (first < 0x80) {
        return first;
    }
    /* X.690 10.1: "The definite form of length encoding shall be used, encoded in the minimum
     * number of octets." Two octets hold all that a certificate can. */
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
