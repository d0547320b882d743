/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/bytes.h"
#include "safelib/checksum.h"
#include "safelib/reply.h"

enum { ROOM = 2048 };

static uint8_t data[ROOM];

/* An IPv4 or IPv6 packet of `size` bytes from 192.0.2.1 / 2001:db8::1 to .2 / ::2. */
static struct sl_packet make(uint8_t version, uint8_t proto, uint32_t size)
{
    memset(data, 0, sizeof(data));
    if (version == 4) {
        data[0] = 0x45;
        sl_be16_put(data + 2, (uint16_t)size);
        data[9] = proto;
        memcpy(data + 12, (uint8_t[]){192, 0, 2, 1, 192, 0, 2, 2}, 8);
    } else {
        data[0] = 0x60;
        sl_be16_put(data + 4, (uint16_t)(size - 40));
        data[6] = proto;
        memcpy(data + 8, (uint8_t[]){0x20, 1, 0x0d, 0xb8}, 4);
        memcpy(data + 24, data + 8, 4);
        data[23] = 1;
        data[39] = 2;
    }
    uint8_t *l4 = data + (version == 4 ? 20 : 40);
    sl_be16_put(l4, 1234);
    sl_be16_put(l4 + 2, 80);
    if (proto == 6) {
        l4[12] = 0x50;
    }
    return (struct sl_packet){.data = data, .size = size, .room = ROOM};
}

static void parse(struct sl_packet *packet)
{
    assert_ok(sl_packet_parse(packet));
}

/* Sum over the upper layer with its pseudo-header: zero where the checksum is right. */
static uint16_t l4_check(const struct sl_packet *packet, bool has_pseudo)
{
    bool is_v4 = packet->ip_version == 4;
    uint64_t sum = has_pseudo ? sl_checksum_pseudo(packet->src, packet->dst, is_v4 ? 4 : 16,
                                                   packet->proto, packet->size - packet->l4_off)
                              : 0;
    return sl_checksum_fold(
        sl_checksum_add(sum, packet->data + packet->l4_off, packet->size - packet->l4_off));
}

static void test_reply_unreachable4_quotes_the_packet(void **state)
{
    (void)state;
    struct sl_packet packet = make(4, 17, 1400);
    parse(&packet);
    assert_ok(sl_packet_reply_unreachable(&packet, 13, 1));
    assert_int_equal(packet.size, 576);
    parse(&packet);
    assert_int_equal(packet.proto, 1);
    assert_int_equal(packet.icmp_type, 3);
    assert_int_equal(packet.icmp_code, 13);
    assert_memory_equal(packet.src, ((uint8_t[]){192, 0, 2, 2}), 4);
    assert_memory_equal(packet.dst, ((uint8_t[]){192, 0, 2, 1}), 4);
    assert_int_equal(sl_checksum_fold(sl_checksum_add(0, data, 20)), 0);
    assert_int_equal(l4_check(&packet, false), 0);
    assert_int_equal(sl_be16_get(data + 28 + 2), 1400);
    assert_int_equal(sl_be16_get(data + 28 + 20), 1234);
}

static void test_reply_unreachable6_quotes_the_packet(void **state)
{
    (void)state;
    struct sl_packet packet = make(6, 17, 1500);
    parse(&packet);
    assert_ok(sl_packet_reply_unreachable(&packet, 13, 1));
    assert_int_equal(packet.size, 1280);
    parse(&packet);
    assert_int_equal(packet.proto, 58);
    assert_int_equal(packet.icmp_type, 1);
    assert_int_equal(packet.icmp_code, 1);
    assert_int_equal(packet.src[15], 2);
    assert_int_equal(packet.dst[15], 1);
    assert_int_equal(l4_check(&packet, true), 0);
}

static void test_reply_reset_answers_syn_and_ack(void **state)
{
    (void)state;
    for (uint8_t version = 4; version <= 6; version += 2) {
        uint8_t *l4 = data + (version == 4 ? 20 : 40);
        uint32_t headers = version == 4 ? 40 : 60;
        struct sl_packet packet = make(version, 6, headers);
        l4[13] = 0x02;
        sl_be32_put(l4 + 4, 1000);
        parse(&packet);
        assert_ok(sl_packet_reply_reset(&packet));
        parse(&packet);
        assert_int_equal(packet.size, headers);
        assert_int_equal(packet.tcp_flags, 0x14);
        assert_int_equal(packet.sport, 80);
        assert_int_equal(packet.dport, 1234);
        assert_int_equal(sl_be32_get(l4 + 8), 1001);
        assert_int_equal(l4_check(&packet, true), 0);

        packet = make(version, 6, headers + 100);
        l4[13] = 0x10;
        sl_be32_put(l4 + 8, 7777);
        parse(&packet);
        assert_ok(sl_packet_reply_reset(&packet));
        parse(&packet);
        assert_int_equal(packet.size, headers);
        assert_int_equal(packet.tcp_flags, 0x04);
        assert_int_equal(sl_be32_get(l4 + 4), 7777);
    }
}

static void test_reply_is_denied_where_rfc1122_forbids(void **state)
{
    (void)state;
    static const struct {
        uint8_t version, proto;
        uint32_t off;
        uint8_t value;
        const char *why;
    } cases[] = {
        {4, 1, 20, 3, "ICMP error"},
        {4, 1, 20, 11, "time exceeded"},
        {4, 17, 7, 1, "later fragment"},
        {4, 17, 16, 224, "to multicast"},
        {4, 17, 16, 255, "to broadcast"},
        {4, 17, 12, 0, "from 0.0.0.0/8"},
        {4, 17, 12, 127, "from loopback"},
        {6, 58, 40, 1, "ICMPv6 error"},
        {6, 17, 24, 0xff, "to IPv6 multicast"},
        {6, 17, 8, 0xff, "from IPv6 multicast"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_packet packet = make(cases[i].version, cases[i].proto, 100);
        data[cases[i].off] = cases[i].value;
        uint8_t before[100];
        memcpy(before, data, sizeof(before));
        parse(&packet);
        if (sl_packet_reply_unreachable(&packet, 13, 1) != SL_DENIED) {
            fail_msg("%s was answered", cases[i].why);
        }
        assert_memory_equal(data, before, sizeof(before));
    }
}

static void test_reply_reset_denied_for_reset_fragment_and_udp(void **state)
{
    (void)state;
    struct sl_packet packet = make(4, 6, 40);
    data[33] = 0x04;
    parse(&packet);
    assert_rc(sl_packet_reply_reset(&packet), SL_DENIED);
    packet = make(4, 6, 40);
    data[7] = 1;
    parse(&packet);
    assert_rc(sl_packet_reply_reset(&packet), SL_DENIED);
    packet = make(4, 17, 40);
    parse(&packet);
    assert_rc(sl_packet_reply_reset(&packet), SL_DENIED);
}

static void test_reply_without_room_is_refused(void **state)
{
    (void)state;
    for (uint8_t version = 4; version <= 6; version += 2) {
        struct sl_packet packet = make(version, 17, 100);
        packet.room = 110;
        parse(&packet);
        assert_rc(sl_packet_reply_unreachable(&packet, 13, 1), SL_NO_SPACE);
        assert_int_equal(packet.size, 100);
    }
}

static void test_reply_icmp_has_type_info_and_source(void **state)
{
    (void)state;
    static const uint8_t router4[4] = {198, 51, 100, 7};
    static const uint8_t router6[16] = {0x20, 1, 0x0d, 0xb8, 9, [15] = 7};
    const struct sl_icmp_error error4 = {.type = 3, .code = 4, .info = 1400, .src = router4};
    const struct sl_icmp_error error6 = {.type = 2, .code = 0, .info = 1280, .src = router6};
    struct sl_packet packet = make(4, 17, 600);
    parse(&packet);
    assert_ok(sl_packet_reply_icmp(&packet, &error4));
    parse(&packet);
    assert_memory_equal(packet.src, router4, 4);
    assert_int_equal(packet.icmp_code, 4);
    assert_int_equal(sl_be32_get(data + 24), 1400);
    assert_int_equal(l4_check(&packet, false), 0);
    packet = make(6, 17, 600);
    parse(&packet);
    assert_ok(sl_packet_reply_icmp(&packet, &error6));
    parse(&packet);
    assert_memory_equal(packet.src, router6, 16);
    assert_int_equal(packet.icmp_type, 2);
    assert_int_equal(sl_be32_get(data + 44), 1280);
    assert_int_equal(l4_check(&packet, true), 0);
    packet = make(4, 1, 60); /* nothing about an error */
    data[20] = 11;
    parse(&packet);
    assert_rc(sl_packet_reply_icmp(&packet, &error4), SL_DENIED);
    packet = make(4, 17, 400);
    packet.room = 400;
    parse(&packet);
    assert_rc(sl_packet_reply_icmp(&packet, &error4), SL_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_icmp_has_type_info_and_source),
        cmocka_unit_test(test_reply_unreachable4_quotes_the_packet),
        cmocka_unit_test(test_reply_unreachable6_quotes_the_packet),
        cmocka_unit_test(test_reply_reset_answers_syn_and_ack),
        cmocka_unit_test(test_reply_is_denied_where_rfc1122_forbids),
        cmocka_unit_test(test_reply_reset_denied_for_reset_fragment_and_udp),
        cmocka_unit_test(test_reply_without_room_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
