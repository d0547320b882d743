/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/bytes.h"

static void test_reader_reads_forward(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 2, 'h', 'i'};
    struct sl_reader r;
    char text[3];
    sl_reader_init(&r, data, sizeof(data));
    assert_int_equal(sl_reader_u8(&r), 1);
    assert_int_equal(sl_reader_be16(&r), 0x0203);
    assert_int_equal(sl_reader_be32(&r), 0x04050607);
    assert_true(sl_reader_be64(&r) == 0x08090a0b0c0d0e0full);
    sl_reader_string(&r, text, sizeof(text));
    assert_string_equal(text, "hi");
    assert_ok(sl_reader_end(&r));
}

static void test_reader_truncated_at_every_length_is_sticky(void **state)
{
    (void)state;
    const uint8_t data[15] = {0};
    for (size_t size = 0; size < sizeof(data); size++) {
        struct sl_reader r;
        sl_reader_init(&r, data, size);
        (void)sl_reader_u8(&r);
        (void)sl_reader_be16(&r);
        (void)sl_reader_be32(&r);
        (void)sl_reader_be64(&r);
        assert_rc(sl_reader_end(&r), SL_TRUNCATED);
        assert_int_equal(sl_reader_left(&r), 0);
        assert_null(sl_reader_bytes(&r, 0));
    }
}

static void test_reader_copy_truncated_zeroes_output(void **state)
{
    (void)state;
    const uint8_t data[2] = {1, 2};
    uint8_t out[3] = {9, 9, 9};
    struct sl_reader r;
    sl_reader_init(&r, data, sizeof(data));
    sl_reader_copy(&r, out, sizeof(out));
    assert_rc(r.rc, SL_TRUNCATED);
    assert_memory_equal(out, "\0\0\0", 3);
}

static void test_reader_end_with_rest_is_malformed(void **state)
{
    (void)state;
    struct sl_reader r;
    sl_reader_init(&r, "ab", 2);
    (void)sl_reader_u8(&r);
    assert_rc(sl_reader_end(&r), SL_MALFORMED);
}

static void test_reader_string_bad_is_refused(void **state)
{
    (void)state;
    char out[3];
    struct sl_reader r;
    sl_reader_init(&r, "\0\003abc", 5);
    sl_reader_string(&r, out, sizeof(out));
    assert_rc(r.rc, SL_RANGE);
    assert_string_equal(out, "");
    sl_reader_init(&r, "\0\002a\0", 4);
    sl_reader_string(&r, out, sizeof(out));
    assert_rc(r.rc, SL_MALFORMED);
    assert_string_equal(out, "");
}

static void test_writer_round_trip_and_bound(void **state)
{
    (void)state;
    uint8_t buf[19];
    struct sl_writer w;
    sl_writer_init(&w, buf, sizeof(buf));
    sl_writer_u8(&w, 1);
    sl_writer_be16(&w, 0x0203);
    sl_writer_be32(&w, 0x04050607);
    sl_writer_be64(&w, 0x08090a0b0c0d0e0full);
    sl_writer_string(&w, "hi");
    assert_ok(w.rc);
    assert_int_equal(w.off, sizeof(buf));
    assert_memory_equal(buf, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\0\2hi", sizeof(buf));
    sl_writer_u8(&w, 1);
    assert_rc(w.rc, SL_NO_SPACE);
    assert_null(sl_writer_reserve(&w, 0));
}

static void test_hex_round_trip_and_refusals(void **state)
{
    (void)state;
    uint8_t out[2];
    char text[5];
    assert_ok(sl_hex_decode("aBcD", out, 2));
    sl_hex_encode(out, 2, text);
    assert_string_equal(text, "abcd");
    assert_rc(sl_hex_decode("abc", out, 2), SL_MALFORMED);
    assert_rc(sl_hex_decode("abcg", out, 2), SL_MALFORMED);
    assert_rc(sl_hex_decode("abcdef", out, 2), SL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_reads_forward),
        cmocka_unit_test(test_reader_truncated_at_every_length_is_sticky),
        cmocka_unit_test(test_reader_copy_truncated_zeroes_output),
        cmocka_unit_test(test_reader_end_with_rest_is_malformed),
        cmocka_unit_test(test_reader_string_bad_is_refused),
        cmocka_unit_test(test_writer_round_trip_and_bound),
        cmocka_unit_test(test_hex_round_trip_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
