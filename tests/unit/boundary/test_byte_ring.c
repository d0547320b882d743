/* SPDX-License-Identifier: Apache-2.0 */
/* Byte rings: order, wrap, and indices that cannot be. */
#include "unit.h"

#include "fixture.h"

static void test_byte_ring_stream_kept_over_wraps(void **state)
{
    const struct sl_area_geometry g = FIXTURE_GEOMETRY;
    struct fixture f;
    fixture_init(&f, &g);
    struct sl_byte_ring writer, reader;
    sl_byte_ring_init(&writer, f.area, &f.layout.log, g.log_size, &f.counters);
    sl_byte_ring_init(&reader, f.area, &f.layout.log, g.log_size, NULL);
    writer.local = reader.local = writer.peer = reader.peer =
        0xfffffc00; /* the 32-bit index wraps, too */
    index_at(&f, &f.layout.log)->producer = index_at(&f, &f.layout.log)->consumer = 0xfffffc00;
    uint32_t seed = 7;
    uint8_t out = 0, in = 0;
    for (uint32_t turn = 0; turn < 2000; turn++) {
        uint8_t buf[5000];
        seed = seed * 1103515245 + 12345;
        uint32_t want = (seed >> 16) % 5000;
        for (uint32_t i = 0; i < want; i++) {
            buf[i] = (uint8_t)(out + i);
        }
        uint32_t room = sl_byte_ring_writable(&writer);
        uint32_t count = sl_byte_ring_write(&writer, buf, want);
        assert_int_equal(count, want < room ? want : room);
        out = (uint8_t)(out + count);
        uint32_t ready = sl_byte_ring_readable(&reader);
        uint32_t ask = (seed >> 8) % 5000;
        count = sl_byte_ring_read(&reader, buf, ask);
        assert_int_equal(count, ask < ready ? ask : ready);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(buf[i], in++);
        }
    }
    assert_int_equal(f.counters.violation_control, 0);
    fixture_done(&f);
}

static void test_byte_ring_impossible_index_counted(void **state)
{
    const struct sl_area_geometry g = FIXTURE_GEOMETRY;
    struct fixture f;
    fixture_init(&f, &g);
    struct sl_byte_ring in, out, plain;
    uint8_t buf[64] = {0};
    sl_byte_ring_init(&in, f.area, &f.layout.control_in, g.control_size, &f.counters);
    sl_byte_ring_init(&out, f.area, &f.layout.control_out, g.control_size, &f.counters);
    sl_byte_ring_init(&plain, f.area, &f.layout.control_in, g.control_size, NULL);
    const uint32_t bad[] = {(16 << 10) + 1, 0x7fffffff, 0x80000000, 0xffffffff};
    for (uint32_t i = 0; i < 4; i++) {
        index_at(&f, &f.layout.control_in)->producer = bad[i];
        assert_int_equal(sl_byte_ring_read(&in, buf, sizeof(buf)), 0);
        assert_int_equal(sl_byte_ring_read(&plain, buf, sizeof(buf)), 0);
        index_at(&f, &f.layout.control_out)->consumer = bad[i];
        assert_int_equal(sl_byte_ring_writable(&out), 16 << 10); /* nothing believed */
        assert_int_equal(f.counters.violation_control, 2 * (i + 1));
    }
    index_at(&f, &f.layout.control_in)->producer = 16 << 10; /* full is fine */
    assert_int_equal(sl_byte_ring_readable(&in), 16 << 10);
    index_at(&f, &f.layout.control_out)->consumer = 0;
    assert_int_equal(sl_byte_ring_write(&out, buf, sizeof(buf)), sizeof(buf));
    assert_int_equal(f.counters.violation_control, 8);
    index_at(&f, &f.layout.control_out)->consumer = 40;
    assert_int_equal(sl_byte_ring_writable(&out), (16 << 10) - 24);
    index_at(&f, &f.layout.control_out)->consumer = 39; /* back again */
    assert_int_equal(sl_byte_ring_writable(&out), (16 << 10) - 24);
    index_at(&f, &f.layout.control_in)->producer = 100; /* back, too */
    assert_int_equal(sl_byte_ring_readable(&in), 16 << 10);
    assert_int_equal(f.counters.violation_control, 10);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_ring_stream_kept_over_wraps),
        cmocka_unit_test(test_byte_ring_impossible_index_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
