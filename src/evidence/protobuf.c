/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol Buffers' wire format (protobuf.dev, "Encoding"), as much as AESM speaks. */
#include "evidence/protobuf.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5, VARINT_MAX = 10 };

static void varint_put(struct sl_writer *w, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        sl_writer_u8(w, (uint8_t)(value | 0x80));
    }
    sl_writer_u8(w, (uint8_t)value);
}

static uint64_t varint_get(struct sl_reader *r)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MAX; i++) {
        uint8_t byte = sl_reader_u8(r);
        if (i == VARINT_MAX - 1 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    sl_reader_fail(r, SL_MALFORMED);
    return 0;
}

void sl_pb_put_number(struct sl_writer *w, uint32_t field, uint64_t value)
{
    varint_put(w, (uint64_t)field << 3 | WIRE_VARINT);
    varint_put(w, value);
}

void sl_pb_put_bytes(struct sl_writer *w, uint32_t field, const void *data, size_t size)
{
    varint_put(w, (uint64_t)field << 3 | WIRE_BYTES);
    varint_put(w, size);
    sl_writer_bytes(w, data, size);
}

sl_rc sl_pb_next(struct sl_reader *r, struct sl_pb_field *ret_field)
{
    struct sl_pb_field field = {0};
    while (sl_reader_left(r) > 0 && field.number == 0) {
        uint64_t key = varint_get(r);
        uint64_t size = 0;
        switch (key & 7) {
        case WIRE_VARINT:
            field.value = varint_get(r);
            field.number = (uint32_t)(key >> 3);
            break;
        case WIRE_BYTES:
            size = varint_get(r);
            field.bytes.size = size <= sl_reader_left(r) ? (size_t)size : sl_reader_left(r) + 1;
            field.bytes.data = sl_reader_bytes(r, field.bytes.size);
            field.number = (uint32_t)(key >> 3);
            break;
        case WIRE_64:
        case WIRE_32:
            (void)sl_reader_bytes(r, (key & 7) == WIRE_64 ? 8 : 4);
            break;
        default:
            sl_reader_fail(r, SL_MALFORMED);
            break;
        }
        if (r->rc == SL_OK && (key >> 3 == 0 || key >> 3 > 0x1fffffff)) {
            sl_reader_fail(r, SL_MALFORMED);
        }
        if (r->rc != SL_OK) {
            return r->rc;
        }
    }
    *ret_field = field;
    return r->rc;
}
