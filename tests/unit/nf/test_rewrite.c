/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "safelib/rewrite.h"

enum { IP4 = 20, SIZE = 61, TCP = 6, UDP = 17 };

static uint32_t seed = 1;

static uint8_t random_byte(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint8_t)(seed >> 24);
}

static uint8_t *check_of(uint8_t *data, uint8_t proto)
{
    return data + IP4 + (proto == TCP ? 16 : 6);
}

static uint16_t upper_sum(const uint8_t *data)
{
    uint64_t sum = sl_checksum_pseudo(data + 12, data + 16, 4, data[9], SIZE - IP4);
    return sl_checksum_fold(sl_checksum_add(sum, data + IP4, SIZE - IP4));
}

/* A packet of random bytes, many of them ff, so that sums wrap. */
static void packet_make(uint8_t *data, uint8_t proto, struct sl_packet *packet)
{
    for (uint32_t i = 0; i < SIZE; i++) {
        data[i] = (seed >> 16 & 3) == 0 ? 0xff : random_byte();
        (void)random_byte();
    }
    data[0] = 0x45;
    sl_be16_put(data + 2, SIZE);
    sl_be16_put(data + 6, 0);
    data[9] = proto;
    data[IP4 + 12] = 0x50;
    sl_be16_put(data + 10, 0);
    sl_be16_put(data + 10, sl_checksum_fold(sl_checksum_add(0, data, IP4)));
    if (proto == UDP) {
        sl_be16_put(data + IP4 + 4, SIZE - IP4);
    }
    sl_be16_put(check_of(data, proto), 0);
    uint16_t sum = upper_sum(data);
    sl_be16_put(check_of(data, proto), proto == UDP && sum == 0 ? 0xffff : sum);
    *packet = (struct sl_packet){.data = data, .size = SIZE, .room = SIZE};
    assert_int_equal(sl_packet_parse(packet), SL_OK);
}

static void test_rewrite_end4_checksums_are_those_of_the_new_packet(void **state)
{
    (void)state;
    uint8_t data[SIZE];
    struct sl_packet packet;
    for (uint32_t i = 0; i < 20000; i++) {
        const uint8_t proto = i % 2 == 0 ? TCP : UDP;
        const bool is_source = i % 4 < 2;
        const uint8_t addr[4] = {random_byte(), random_byte(), 0xff, random_byte()};
        const uint16_t port = i % 8 == 7 ? 0xffff : (uint16_t)(random_byte() << 8 | random_byte());
        packet_make(data, proto, &packet);
        assert_true(sl_rewrite_end4(&packet, is_source, addr, port));
        assert_memory_equal(data + (is_source ? 12 : 16), addr, 4);
        assert_int_equal(sl_be16_get(data + IP4 + (is_source ? 0 : 2)), port);
        assert_int_equal(is_source ? packet.sport : packet.dport, port);
        assert_int_equal(sl_checksum_fold(sl_checksum_add(0, data, IP4)), 0);
        assert_int_equal(upper_sum(data), 0);
        assert_true(proto == TCP || sl_be16_get(check_of(data, UDP)) != 0);
    }
}

/* RFC 768: "An all zero transmitted checksum value means that the transmitter generated no
 * checksum", and one that comes to zero "is transmitted as all ones" */
static void test_rewrite_end4_udp_none_stays_none_and_none_comes_about(void **state)
{
    (void)state;
    uint8_t data[SIZE];
    struct sl_packet packet;
    const uint8_t addr[4] = {192, 0, 2, 1};
    packet_make(data, UDP, &packet);
    sl_be16_put(check_of(data, UDP), 0);
    assert_true(sl_rewrite_end4(&packet, true, addr, 7));
    assert_int_equal(sl_be16_get(check_of(data, UDP)), 0);
    uint32_t ones = 0;
    for (uint32_t port = 0; port < 65536; port++) { /* for one of them the sum comes to zero */
        packet_make(data, UDP, &packet);
        assert_true(sl_rewrite_end4(&packet, false, addr, (uint16_t)port));
        ones += sl_be16_get(check_of(data, UDP)) == 0xffff;
        assert_int_not_equal(sl_be16_get(check_of(data, UDP)), 0);
        seed = 1;
    }
    assert_true(ones > 0);
}

static void test_rewrite_end4_other_packets_are_unchanged(void **state)
{
    (void)state;
    uint8_t data[SIZE];
    uint8_t before[SIZE];
    struct sl_packet packet;
    const uint8_t addr[4] = {192, 0, 2, 1};
    for (uint32_t i = 0; i < 4; i++) {
        packet_make(data, TCP, &packet);
        packet.proto = i == 0 ? 132 : TCP;
        packet.ip_version = i == 1 ? 6 : 4;
        packet.has |= i == 2 ? SL_PKT_FRAGMENT : 0;
        packet.has &= (uint16_t)(i == 3 ? ~SL_PKT_HAS_PORTS : 0xffff);
        const struct sl_packet was = packet;
        memcpy(before, data, sizeof(before));
        assert_false(sl_rewrite_end4(&packet, true, addr, 7));
        assert_memory_equal(data, before, sizeof(before));
        assert_memory_equal(&packet, &was, sizeof(was));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewrite_end4_checksums_are_those_of_the_new_packet),
        cmocka_unit_test(test_rewrite_end4_udp_none_stays_none_and_none_comes_about),
        cmocka_unit_test(test_rewrite_end4_other_packets_are_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
