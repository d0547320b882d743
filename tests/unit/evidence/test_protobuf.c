/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol Buffers' wire format: the encoding of the documentation's examples, and lies. */
#include "unit.h"

#include "evidence/protobuf.h"

static void test_put_number_as_documented(void **state)
{
    (void)state;
    uint8_t out[16];
    struct sl_writer w;
    sl_writer_init(&w, out, sizeof(out));
    sl_pb_put_number(&w, 1, 150); /* protobuf.dev, "A Simple Message" */
    assert_ok(w.rc);
    assert_int_equal(w.off, 3);
    assert_memory_equal(out, "\x08\x96\x01", 3);
}

static void test_put_bytes_as_documented(void **state)
{
    (void)state;
    uint8_t out[16];
    struct sl_writer w;
    sl_writer_init(&w, out, sizeof(out));
    sl_pb_put_bytes(&w, 2, "testing", 7);
    assert_int_equal(w.off, 9);
    assert_memory_equal(out, "\x12\x07testing", 9);
}

static void test_next_reads_what_put_wrote(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint8_t out[32];
        struct sl_writer w;
        struct sl_reader r;
        struct sl_pb_field field;
        sl_writer_init(&w, out, sizeof(out));
        sl_pb_put_number(&w, 22, values[i]);
        sl_pb_put_bytes(&w, 3, "ab", 2);
        sl_reader_init(&r, out, w.off);
        assert_ok(sl_pb_next(&r, &field));
        assert_int_equal(field.number, 22);
        assert_true(field.value == values[i]);
        assert_null(field.bytes.data);
        assert_ok(sl_pb_next(&r, &field));
        assert_int_equal(field.number, 3);
        assert_int_equal(field.bytes.size, 2);
        assert_ok(sl_pb_next(&r, &field));
        assert_int_equal(field.number, 0); /* the end */
    }
}

static void test_next_passes_over_fixed_sizes(void **state)
{
    (void)state;
    static const uint8_t in[] = {0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4, 0x08, 5};
    struct sl_reader r;
    struct sl_pb_field field;
    sl_reader_init(&r, in, sizeof(in));
    assert_ok(sl_pb_next(&r, &field));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.value, 5);
}

static void test_next_lies_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[14];
        size_t size;
        sl_rc rc;
    } rows[] = {
        {{0x08}, 1, SL_TRUNCATED},
        {{0x08, 0x80}, 2, SL_TRUNCATED},
        {{0x12, 3, 'a', 'b'}, 4, SL_TRUNCATED},
        {{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f}, 6, SL_TRUNCATED},
        {{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 11, SL_TRUNCATED},
        {{0x09, 1, 2}, 3, SL_TRUNCATED},
        {{0x00, 1}, 2, SL_MALFORMED}, /* field 0 */
        {{0x0b}, 1, SL_MALFORMED},    /* a group */
        {{0x0e}, 1, SL_MALFORMED},
        {{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 11, SL_MALFORMED},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 11, SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_reader r;
        struct sl_pb_field field;
        sl_reader_init(&r, rows[i].bytes, rows[i].size);
        sl_rc rc = sl_pb_next(&r, &field);
        if (rc != rows[i].rc) {
            fail_msg("row %zu: %s", i, sl_rc_name(rc));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_number_as_documented),
        cmocka_unit_test(test_put_bytes_as_documented),
        cmocka_unit_test(test_next_reads_what_put_wrote),
        cmocka_unit_test(test_next_passes_over_fixed_sizes),
        cmocka_unit_test(test_next_lies_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
