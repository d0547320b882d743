/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol Buffers' fields, nested as AESM nests them: bytes lie inside, the walk ends, and what
 * was read can be written again to the same value. */
#include <stdlib.h>
#include <string.h>

#include "evidence/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

static void again(const struct sl_pb_field *field)
{
    uint8_t out[32];
    struct sl_writer w;
    struct sl_reader r;
    struct sl_pb_field read;
    sl_writer_init(&w, out, sizeof(out));
    sl_pb_put_number(&w, field->number, field->value);
    sl_reader_init(&r, out, w.off);
    expect(w.rc == SL_OK && sl_pb_next(&r, &read) == SL_OK && read.number == field->number &&
           read.value == field->value && sl_reader_left(&r) == 0);
}

static void walk(const uint8_t *data, size_t size, int depth)
{
    struct sl_reader r;
    struct sl_pb_field field;
    sl_reader_init(&r, data, size);
    for (size_t fields = 0; sl_pb_next(&r, &field) == SL_OK && field.number != 0; fields++) {
        expect(fields < size);
        if (field.bytes.data != NULL) {
            expect(field.bytes.data >= data && field.bytes.size <= size &&
                   (size_t)(field.bytes.data - data) <= size - field.bytes.size);
            if (depth > 0) {
                walk(field.bytes.data, field.bytes.size, depth - 1);
            }
        } else {
            again(&field);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(data, size, 3);
    return 0;
}
