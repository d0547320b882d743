/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "safelib/checksum.h"

static void test_checksum_rfc1071_example(void **state)
{
    (void)state;
    /* RFC 1071 section 3: the sum of these words is ddf2 */
    const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(sl_checksum_fold(sl_checksum_add(0, data, sizeof(data))), 0xffff & ~0xddf2);
}

static void test_checksum_odd_size_pads_with_zero(void **state)
{
    (void)state;
    const uint8_t odd[] = {1, 2, 3};
    const uint8_t even[] = {1, 2, 3, 0};
    assert_int_equal(sl_checksum_add(0, odd, 3) % 0xffff, sl_checksum_add(0, even, 4) % 0xffff);
}

static void test_checksum_update_equals_recomputation(void **state)
{
    (void)state;
    uint8_t data[20];
    for (int i = 0; i < 20; i++) {
        data[i] = (uint8_t)(i * 37 + 11);
    }
    uint16_t before = sl_checksum_fold(sl_checksum_add(0, data, sizeof(data)));
    uint16_t old = (uint16_t)(data[6] << 8 | data[7]);
    data[6] = 0xbe;
    data[7] = 0xef;
    uint16_t after = sl_checksum_fold(sl_checksum_add(0, data, sizeof(data)));
    assert_int_equal(sl_checksum_update16(before, old, 0xbeef), after);
}

/* RFC 1071, word by word, for every size and alignment that the fast path splits differently. */
static void test_checksum_any_size_and_offset_equals_word_by_word(void **state)
{
    (void)state;
    static uint8_t data[2100];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(data); i++) {
        seed = seed * 1664525u + 1013904223u;
        data[i] = i % 700 < 300 ? 0xff : (uint8_t)(seed >> 24);
    }
    for (size_t off = 0; off < 17; off++) {
        for (size_t size = 0; size <= 2048; size += size < 200 ? 1 : 37) {
            uint32_t slow = 0;
            for (size_t i = 0; i < size; i++) {
                slow += i % 2 == 0 ? (uint32_t)data[off + i] << 8 : data[off + i];
                slow = (slow & 0xffff) + (slow >> 16);
            }
            assert_int_equal(sl_checksum_fold(sl_checksum_add(0, data + off, size)),
                             (uint16_t)~slow);
        }
    }
}

static void test_checksum_change_equals_a_new_sum(void **state)
{
    (void)state;
    uint64_t seed = 99;
    for (uint32_t run = 0; run < 2000; run++) {
        uint8_t data[64];
        uint8_t now[64];
        for (uint32_t i = 0; i < sizeof(data); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            data[i] = (uint8_t)(seed >> 56);
        }
        memcpy(now, data, sizeof(now));
        size_t at = (seed >> 20) % 16 * 2;
        size_t size = 2 + (seed >> 30) % 16 * 2;
        for (size_t i = 0; i < size; i++) {
            now[at + i] ^= (uint8_t)(seed >> (i % 8 * 8));
        }
        uint16_t before = sl_checksum_fold(sl_checksum_add(0, data, sizeof(data)));
        uint16_t after = sl_checksum_fold(sl_checksum_add(0, now, sizeof(now)));
        uint8_t wire[2];
        uint64_t delta = 0;
        sl_be16_put(wire, before);
        /* the same difference, taken and added, or while it is written */
        uint64_t taken = sl_checksum_add(sl_checksum_take(0, data + at, size), now + at, size);
        sl_checksum_replace(&delta, data + at, now + at, size);
        assert_memory_equal(data, now, sizeof(now));
        assert_int_equal(taken % 0xffff, delta % 0xffff);
        sl_checksum_change(wire, delta);
        /* 0 and all ones are both zero */
        uint16_t got = sl_be16_get(wire);
        assert_true(got == after || (got % 0xffff == 0 && after % 0xffff == 0));
    }
}

/* RFC 768: 0 says that there is none. */
static void test_checksum_change_udp_keeps_none_and_makes_none(void **state)
{
    (void)state;
    uint8_t field[2] = {0, 0};
    sl_checksum_change_udp(field, 0x1234);
    assert_int_equal(sl_be16_get(field), 0);
    sl_be16_put(field, 0x1234); /* ~HC is 0xedcb: the sum comes to all ones */
    sl_checksum_change_udp(field, 0x1234);
    assert_int_equal(sl_be16_get(field), 0xffff);
    sl_be16_put(field, 0x1234);
    sl_checksum_change_udp(field, 1);
    assert_int_equal(sl_be16_get(field), 0x1233);
}

static void test_checksum_off_is_known_of_what_has_ports(void **state)
{
    (void)state;
    for (uint32_t proto = 0; proto < 256; proto++) {
        uint32_t want = proto == 6 ? 16 : proto == 17 || proto == 33 || proto == 136 ? 6 : 0;
        assert_int_equal(sl_checksum_off((uint8_t)proto), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum_rfc1071_example),
        cmocka_unit_test(test_checksum_odd_size_pads_with_zero),
        cmocka_unit_test(test_checksum_any_size_and_offset_equals_word_by_word),
        cmocka_unit_test(test_checksum_update_equals_recomputation),
        cmocka_unit_test(test_checksum_change_equals_a_new_sum),
        cmocka_unit_test(test_checksum_change_udp_keeps_none_and_makes_none),
        cmocka_unit_test(test_checksum_off_is_known_of_what_has_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
