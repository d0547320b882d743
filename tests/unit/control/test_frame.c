/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "control/frame.h"

enum { RING = 16384 };

struct wire {
    uint8_t area[4096 + RING] __attribute__((aligned(4096)));
    struct sl_byte_ring w;
    struct sl_byte_ring r;
    struct sl_boundary_counters counters;
    struct sl_frame_reader reader;
};

static struct wire *wire_new(void)
{
    struct sl_area_ring_off off = {.index = 0, .slots = 4096};
    struct wire *wire = aligned_alloc(4096, (sizeof(*wire) + 4095) / 4096 * 4096);
    assert_non_null(wire);
    memset(wire, 0, sizeof(*wire));
    sl_byte_ring_init(&wire->w, wire->area, &off, RING, NULL);
    sl_byte_ring_init(&wire->r, wire->area, &off, RING, &wire->counters);
    return wire;
}

static void test_frames_round_trip(void **state)
{
    (void)state;
    struct wire *wire = wire_new();
    struct sl_frame frame;
    size_t taken;
    assert_rc(sl_frame_read(&wire->reader, &wire->r, &frame), SL_AGAIN);
    assert_ok(sl_frame_write_event(&wire->w, 7, SL_FRAME_OPEN));
    assert_ok(sl_frame_write_data(&wire->w, 7, (const uint8_t *)"hello", 5, &taken));
    assert_ok(sl_frame_write_event(&wire->w, 7, SL_FRAME_CLOSE));
    assert_ok(sl_frame_read(&wire->reader, &wire->r, &frame));
    assert_int_equal(frame.kind, SL_FRAME_OPEN);
    assert_int_equal(frame.connection, 7);
    assert_ok(sl_frame_read(&wire->reader, &wire->r, &frame));
    assert_int_equal(frame.size, 5);
    assert_memory_equal(frame.data, "hello", 5);
    assert_ok(sl_frame_read(&wire->reader, &wire->r, &frame));
    assert_int_equal(frame.kind, SL_FRAME_CLOSE);
    free(wire);
}

static void test_frame_in_pieces_waits(void **state)
{
    (void)state;
    struct wire *wire = wire_new();
    struct sl_frame frame;
    const uint8_t bytes[] = {0, 0, 0, 1, 0, 2, 0, 3, 'a', 'b', 'c'};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_rc(sl_frame_read(&wire->reader, &wire->r, &frame), SL_AGAIN);
        assert_int_equal(sl_byte_ring_write(&wire->w, bytes + i, 1), 1);
    }
    assert_ok(sl_frame_read(&wire->reader, &wire->r, &frame));
    assert_memory_equal(frame.data, "abc", 3);
    free(wire);
}

static void test_bad_frames_are_skipped_by_their_size(void **state)
{
    (void)state;
    const uint8_t bad[][8] = {
        {0, 0, 0, 1, 0, 9, 0, 2},       /* unknown kind */
        {0, 0, 0, 1, 0, 2, 0, 0},       /* data without bytes */
        {0, 0, 0, 1, 0, 1, 0, 2},       /* open with bytes */
        {0, 0, 0, 1, 0, 2, 0xff, 0xff}, /* data too large */
    };
    struct wire *wire = wire_new();
    struct sl_frame frame;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t filler[4096] = {0};
        uint32_t left = sl_be16_get(bad[i] + 6);
        sl_rc rc = SL_AGAIN;
        assert_int_equal(sl_byte_ring_write(&wire->w, bad[i], 8), 8);
        while (left > 0) {
            uint32_t step = left < sizeof(filler) ? left : (uint32_t)sizeof(filler);
            assert_int_equal(sl_byte_ring_write(&wire->w, filler, step), step);
            left -= step;
            rc = sl_frame_read(&wire->reader, &wire->r, &frame);
            assert_rc(rc, left > 0 ? SL_AGAIN : SL_MALFORMED);
        }
        if (rc == SL_AGAIN) {
            assert_rc(sl_frame_read(&wire->reader, &wire->r, &frame), SL_MALFORMED);
        }
        assert_ok(sl_frame_write_event(&wire->w, 5, SL_FRAME_OPEN));
        assert_ok(sl_frame_read(&wire->reader, &wire->r, &frame));
        assert_int_equal(frame.connection, 5);
    }
    free(wire);
}

static void test_write_is_cut_to_the_room_or_refused(void **state)
{
    (void)state;
    static const uint8_t data[RING * 2];
    struct wire *wire = wire_new();
    struct sl_frame frame;
    size_t taken = 0;
    assert_ok(sl_frame_write_data(&wire->w, 1, data, sizeof(data), &taken));
    assert_int_equal(taken, RING - SL_FRAME_HEADER_SIZE);
    assert_rc(sl_frame_write_data(&wire->w, 1, data, sizeof(data), &taken), SL_AGAIN);
    assert_rc(sl_frame_write_event(&wire->w, 1, SL_FRAME_CLOSE), SL_AGAIN);
    assert_ok(sl_frame_read(&wire->reader, &wire->r, &frame));
    assert_int_equal(frame.size, RING - SL_FRAME_HEADER_SIZE);
    assert_ok(sl_frame_write_event(&wire->w, 1, SL_FRAME_CLOSE));
    free(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_round_trip),
        cmocka_unit_test(test_frame_in_pieces_waits),
        cmocka_unit_test(test_bad_frames_are_skipped_by_their_size),
        cmocka_unit_test(test_write_is_cut_to_the_room_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
