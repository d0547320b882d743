/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that leave in fragments are, put together again, what they were. */
#include "nf/cut.h"

#include "safelib/bytes.h"
#include "unit.h"

enum { ROOM = SL_PACKET_MAX };

static uint8_t bytes[ROOM];

static void make(struct sl_packet *packet, uint32_t size, uint16_t place)
{
    memset(bytes, 0, SL_CUT_HEAD);
    bytes[0] = 0x62;
    sl_be16_put(bytes + 4, (uint16_t)(size - 40));
    bytes[6] = 44;
    bytes[7] = 63;
    bytes[23] = 1;
    bytes[39] = 2;
    bytes[40] = 17;
    sl_be16_put(bytes + 42, place);
    sl_be32_put(bytes + 44, 0x1234);
    for (uint32_t i = SL_CUT_HEAD; i < size; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
    *packet = (struct sl_packet){.data = bytes, .size = size, .room = ROOM};
}

/* Whole ones, first, middle and last fragments: offsets go on from their own, and only the last
 * piece of a last one says that no more come. */
static void test_cut_next_gives_fragments_that_fit_together(void **state)
{
    (void)state;
    static const uint16_t places[] = {0, 1, 1480 | 1, 2960};
    static const uint32_t sizes[] = {1281, 1288, 1500, 1528, 2512, 2513, 9000, ROOM};
    for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            static uint8_t whole[ROOM];
            static uint8_t again[ROOM];
            struct sl_packet packet;
            struct sl_cut cut;
            uint32_t off = 0;
            make(&packet, sizes[s], places[p]);
            memcpy(whole, bytes, sizes[s]);
            assert_true(sl_cut_begin(&packet, &cut));
            while (sl_cut_next(&cut, &packet)) {
                uint16_t field = sl_be16_get(packet.data + 42);
                uint32_t part = packet.size - SL_CUT_HEAD;
                bool is_last = off + part == sizes[s] - SL_CUT_HEAD;
                assert_true(packet.size <= SL_CUT_MTU && packet.size <= packet.room);
                assert_true(packet.data + packet.room == bytes + ROOM);
                assert_int_equal(sl_be16_get(packet.data + 4), packet.size - 40);
                assert_int_equal(field & 0xfff8, (places[p] & 0xfff8u) + off);
                assert_int_equal(field & 7, is_last ? places[p] & 1 : 1);
                assert_true(is_last || part % 8 == 0);
                assert_memory_equal(packet.data, whole, 4);
                assert_memory_equal(packet.data + 6, whole + 6, 36);
                assert_memory_equal(packet.data + 44, whole + 44, 4);
                memcpy(again + off, packet.data + SL_CUT_HEAD, part);
                uint32_t room = packet.room - packet.size;
                memset(packet.data + packet.size, 0xee,
                       room < SL_CUT_BEHIND ? room : SL_CUT_BEHIND);
                off += part;
            }
            assert_int_equal(off, sizes[s] - SL_CUT_HEAD);
            assert_memory_equal(again, whole + SL_CUT_HEAD, off);
        }
    }
}

static void test_cut_begin_leaves_what_needs_no_cutting(void **state)
{
    (void)state;
    struct sl_packet packet;
    struct sl_cut cut;
    make(&packet, SL_CUT_MTU, 0);
    assert_false(sl_cut_begin(&packet, &cut));
    make(&packet, 1500, 0);
    bytes[6] = 17;
    assert_false(sl_cut_begin(&packet, &cut));
    bytes[6] = 44;
    bytes[0] = 0x45;
    assert_false(sl_cut_begin(&packet, &cut));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_next_gives_fragments_that_fit_together),
        cmocka_unit_test(test_cut_begin_leaves_what_needs_no_cutting),
    };
    return cmocka_run_group_tests_name("nf/cut", tests, NULL, NULL);
}
