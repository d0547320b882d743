/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/rewrite.h"
#include "packets.h"

static uint8_t packet[10000], out[10000];

static uint32_t syn_make(int version, const uint8_t *options, uint32_t option_size,
                         struct sl_ip *ret_ip)
{
    struct shape s = {
        .version = version, .option_size = option_size, .flags = SL_TCP_SYN, .sport = 99};
    uint32_t l4_off, header;
    uint32_t size = packet_make(packet, &s, &l4_off, &header);
    memcpy(packet + l4_off + 20, options, option_size);
    put16(packet + l4_off + 16, 0);
    put16(packet + l4_off + 16,
          0xffff & ~slow_sum(slow_pseudo(packet, l4_off, size), packet + l4_off, size - l4_off));
    assert_ok(sl_ip_parse(packet, size, ret_ip));
    return size;
}

static void test_mss_clamp_lowers_and_keeps_checksum(void **state)
{
    (void)state;
    static const struct {
        uint8_t options[12];
        uint32_t value_off;
    } cases[] = {
        {{2, 4, 0x22, 0x98, 1, 1, 4, 2, 1, 3, 3, 7}, 2},
        {{1, 2, 4, 0x22, 0x98, 1, 1, 1, 1, 1, 1, 1}, 3}, /* straddles words of the sum */
        {{1, 3, 3, 7, 1, 2, 4, 0x22, 0x98, 0, 0, 0}, 7},
    };
    for (int version = 4; version <= 6; version += 2) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct sl_ip ip;
            uint32_t size = syn_make(version, cases[i].options, 12, &ip);
            assert_true(sl_mss_clamp(packet, &ip, 1438));
            assert_int_equal(get16(packet + ip.l4_off + 20 + cases[i].value_off),
                             1438 - (version == 4 ? 40 : 60));
            assert_true(slow_l4_right(packet, ip.l4_off, size));
            assert_false(sl_mss_clamp(packet, &ip, 1438)); /* low enough now */
            assert_false(sl_mss_clamp(packet, &ip, 9000)); /* never raised */
        }
    }
}

static void test_mss_clamp_leaves_others_alone(void **state)
{
    (void)state;
    static const uint8_t broken[][4] = {{2, 3, 9, 9}, {2, 0, 9, 9}, {5, 40, 0, 0}, {0, 2, 4, 9}};
    struct sl_ip ip;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        (void)syn_make(4, broken[i], 4, &ip);
        assert_false(sl_mss_clamp(packet, &ip, 1000));
    }
    static const uint8_t mss[4] = {2, 4, 0x22, 0x98};
    (void)syn_make(4, mss, 4, &ip);
    packet[ip.l4_off + 13] = SL_TCP_ACK;
    assert_false(sl_mss_clamp(packet, &ip, 1000));
}

static void test_too_big_is_a_right_icmp_message(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        struct shape s = {.version = version, .is_udp = true, .payload = 3000};
        uint32_t l4_off, header, got = 0;
        struct sl_ip ip, answer;
        uint32_t size = packet_make(packet, &s, &l4_off, &header);
        assert_ok(sl_ip_parse(packet, size, &ip));
        assert_ok(sl_too_big_write(packet, &ip, 1438, out, &got));
        assert_true(got <= (version == 4 ? SL_ICMP4_SIZE_MAX : SL_ICMP6_SIZE_MAX));
        assert_ok(sl_ip_parse(out, got, &answer));
        assert_int_equal(answer.size, got);
        const uint8_t *icmp = out + answer.l4_off;
        if (version == 4) {
            assert_int_equal(answer.proto, SL_IP_PROTO_ICMP);
            assert_int_equal(icmp[0], 3);
            assert_int_equal(icmp[1], 4);
            assert_int_equal(get16(icmp + 6), 1438);
            assert_int_equal(slow_sum(0, out, 20), 0xffff);
            assert_int_equal(slow_sum(0, icmp, got - 20), 0xffff);
            assert_memory_equal(out + 12, packet + 16, 4);
            assert_memory_equal(out + 16, packet + 12, 4);
        } else {
            assert_int_equal(answer.proto, SL_IP_PROTO_ICMP6);
            assert_int_equal(icmp[0], 2);
            assert_int_equal(get32(icmp + 4), 1438);
            assert_true(slow_l4_right(out, 40, got));
            assert_memory_equal(out + 24, packet + 8, 16);
        }
        assert_memory_equal(icmp + 8, packet, got - answer.l4_off - 8);
    }
}

static void test_too_big_is_refused_where_rfc_forbids_it(void **state)
{
    (void)state;
    struct shape s = {.version = 4, .is_udp = true, .payload = 3000};
    uint32_t l4_off, header, got = 0;
    struct sl_ip ip;
    uint32_t size = packet_make(packet, &s, &l4_off, &header);
    assert_ok(sl_ip_parse(packet, size, &ip));
    assert_rc(sl_too_big_write(packet, &ip, 67, out, &got), SL_RANGE);
    packet[16] = 224; /* to a group */
    assert_rc(sl_too_big_write(packet, &ip, 1438, out, &got), SL_DENIED);
    packet[16] = 192;
    packet[7] = 9; /* a later fragment */
    assert_rc(sl_too_big_write(packet, &ip, 1438, out, &got), SL_DENIED);
    packet[7] = 0;
    ip.proto = SL_IP_PROTO_ICMP;
    packet[20] = 3; /* an ICMP error */
    assert_rc(sl_too_big_write(packet, &ip, 1438, out, &got), SL_DENIED);
    packet[20] = 8; /* an echo request may be answered */
    assert_ok(sl_too_big_write(packet, &ip, 1438, out, &got));
    s.version = 6;
    size = packet_make(packet, &s, &l4_off, &header);
    assert_ok(sl_ip_parse(packet, size, &ip));
    assert_rc(sl_too_big_write(packet, &ip, 1279, out, &got), SL_RANGE);
    packet[8] = 0xff; /* from a group */
    assert_rc(sl_too_big_write(packet, &ip, 1438, out, &got), SL_DENIED);
}

static void test_fragments_join_to_the_original(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        static uint8_t joined[10000];
        struct shape s = {.version = 4, .is_udp = true, .payload = random_next() % 8000 + 1};
        uint32_t l4_off, header, got = 0, off = 0, end = 0;
        struct sl_ip ip;
        uint32_t mtu = 68 + random_next() % 3000;
        uint32_t size = packet_make(packet, &s, &l4_off, &header);
        packet[6] = 0;
        sl_ip4_checksum_set(packet, 20);
        assert_ok(sl_ip_parse(packet, size, &ip));
        bool is_more = true;
        while (sl_ip4_fragment_next(packet, &ip, mtu, &off, out, &got) == SL_OK) {
            assert_true(is_more && got <= mtu);
            assert_int_equal(slow_sum(0, out, 20), 0xffff);
            assert_int_equal(get16(out + 2), got);
            uint32_t at = (get16(out + 6) & 0x1fff) * 8;
            is_more = (get16(out + 6) & 0x2000) != 0;
            assert_int_equal(at, end);
            assert_true(!is_more || (got - 20) % 8 == 0);
            memcpy(joined + at, out + 20, got - 20);
            end = at + got - 20;
        }
        assert_false(is_more);
        assert_int_equal(end, size - 20);
        assert_memory_equal(joined, packet + 20, end);
    }
}

static void test_fragment_of_a_fragment_keeps_offset_and_more(void **state)
{
    (void)state;
    struct shape s = {.version = 4, .is_udp = true, .payload = 1000};
    uint32_t l4_off, header, got = 0, off = 0;
    struct sl_ip ip;
    uint32_t size = packet_make(packet, &s, &l4_off, &header);
    put16(packet + 6, 0x2000 | 100);
    assert_ok(sl_ip_parse(packet, size, &ip));
    assert_ok(sl_ip4_fragment_next(packet, &ip, 620, &off, out, &got));
    assert_int_equal(get16(out + 6), 0x2000 | 100);
    assert_ok(sl_ip4_fragment_next(packet, &ip, 620, &off, out, &got));
    assert_int_equal(get16(out + 6), 0x2000 | (100 + 75));
    assert_rc(sl_ip4_fragment_next(packet, &ip, 620, &off, out, &got), SL_NOT_FOUND);
    off = 0;
    assert_rc(sl_ip4_fragment_next(packet, &ip, 67, &off, out, &got), SL_RANGE);
    packet[6] |= 0x40;
    assert_ok(sl_ip_parse(packet, size, &ip));
    assert_rc(sl_ip4_fragment_next(packet, &ip, 620, &off, out, &got), SL_DENIED);
}

static void test_flow_hash_is_the_same_both_ways(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        struct shape s = {.version = version, .payload = 10, .sport = 40000};
        uint32_t l4_off, header;
        struct sl_ip ip;
        uint8_t swap[16];
        uint32_t size = packet_make(packet, &s, &l4_off, &header);
        assert_ok(sl_ip_parse(packet, size, &ip));
        uint32_t there = sl_ip_flow_hash(packet, &ip);
        memcpy(swap, packet + ip.addr_off, ip.addr_size);
        memcpy(packet + ip.addr_off, packet + ip.addr_off + ip.addr_size, ip.addr_size);
        memcpy(packet + ip.addr_off + ip.addr_size, swap, ip.addr_size);
        put16(packet + l4_off, 443);
        put16(packet + l4_off + 2, 40000);
        assert_int_equal(sl_ip_flow_hash(packet, &ip), there);
        put16(packet + l4_off + 2, 40001);
        assert_int_not_equal(sl_ip_flow_hash(packet, &ip), there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mss_clamp_lowers_and_keeps_checksum),
        cmocka_unit_test(test_mss_clamp_leaves_others_alone),
        cmocka_unit_test(test_too_big_is_a_right_icmp_message),
        cmocka_unit_test(test_too_big_is_refused_where_rfc_forbids_it),
        cmocka_unit_test(test_fragments_join_to_the_original),
        cmocka_unit_test(test_fragment_of_a_fragment_keeps_offset_and_more),
        cmocka_unit_test(test_flow_hash_is_the_same_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
