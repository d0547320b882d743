/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "esp/encap.h"

static const struct sl_outer outers[] = {
    {.framing = SL_ESP_FRAMING_UDP,
     .ip_version = 4,
     .src = {192, 0, 2, 1},
     .dst = {198, 51, 100, 2},
     .sport = 40001,
     .dport = 4500,
     .hop_limit = 64,
     .is_df = true},
    {.framing = SL_ESP_FRAMING_NATIVE,
     .ip_version = 4,
     .src = {192, 0, 2, 1},
     .dst = {198, 51, 100, 2},
     .hop_limit = 63},
    {.framing = SL_ESP_FRAMING_UDP,
     .ip_version = 6,
     .src = {0x20, 1, 0xd, 0xb8, [15] = 1},
     .dst = {0x20, 1, 0xd, 0xb8, [15] = 2},
     .sport = 4500,
     .dport = 4500,
     .hop_limit = 64,
     .is_df = true},
    {.framing = SL_ESP_FRAMING_NATIVE,
     .ip_version = 6,
     .src = {0x20, 1, 0xd, 0xb8, [15] = 1},
     .dst = {0x20, 1, 0xd, 0xb8, [15] = 2},
     .hop_limit = 1,
     .is_df = true},
};
enum { OUTERS = sizeof(outers) / sizeof(outers[0]), ESP = 60 };

/* Outer headers in front of ESP bytes that start with an SPI; returns the packet's size. */
static uint32_t packet_make(const struct sl_outer *outer, uint8_t tos, uint8_t *out, uint32_t size)
{
    uint32_t header = sl_outer_size(outer);
    assert_ok(sl_outer_write(outer, tos, 0x1234, ESP, out, size));
    for (uint32_t i = 0; i < ESP; i++) {
        out[header + i] = (uint8_t)(i + 1);
    }
    return header + ESP;
}

static void test_outer_written_parses_back(void **state)
{
    (void)state;
    const uint32_t sizes[OUTERS] = {28, 20, 48, 40};
    for (size_t i = 0; i < OUTERS; i++) {
        uint8_t packet[256] = {0};
        struct sl_outer back;
        uint8_t tos;
        uint32_t off;
        uint32_t size;
        assert_int_equal(sl_outer_size(&outers[i]), sizes[i]);
        uint32_t total = packet_make(&outers[i], 0xb9, packet, sizeof(packet));
        /* what follows the IP packet (Ethernet padding) is not part of it */
        assert_ok(sl_outer_parse(packet, total + 9, &back, &tos, &off, &size));
        assert_int_equal(tos, 0xb9);
        assert_int_equal(off, sizes[i]);
        assert_int_equal(size, ESP);
        assert_int_equal(back.framing, outers[i].framing);
        assert_int_equal(back.ip_version, outers[i].ip_version);
        assert_memory_equal(back.src, outers[i].src, 16);
        assert_memory_equal(back.dst, outers[i].dst, 16);
        assert_int_equal(back.sport, outers[i].sport);
        assert_int_equal(back.dport, outers[i].dport);
        assert_int_equal(back.hop_limit, outers[i].hop_limit);
        assert_int_equal(back.is_df, outers[i].is_df);
        if (outers[i].ip_version == 4) {
            assert_int_equal(sl_checksum_fold(sl_checksum_add(0, packet, 20)), 0);
            assert_int_equal(sl_be16_get(packet + 4), 0x1234);
        }
    }
}

static void test_outer_write_out_of_bounds_refused(void **state)
{
    (void)state;
    static uint8_t packet[70000];
    for (size_t i = 0; i < OUTERS; i++) {
        uint32_t header = sl_outer_size(&outers[i]);
        uint32_t udp = outers[i].framing == SL_ESP_FRAMING_UDP ? 8 : 0;
        uint32_t most = 65535 - (outers[i].ip_version == 4 ? header : udp);
        assert_rc(sl_outer_write(&outers[i], 0, 0, 100, packet, header - 1), SL_NO_SPACE);
        assert_ok(sl_outer_write(&outers[i], 0, 0, most, packet, sizeof(packet)));
        assert_rc(sl_outer_write(&outers[i], 0, 0, most + 1, packet, sizeof(packet)), SL_RANGE);
        assert_rc(sl_outer_write(&outers[i], 0, 0, UINT32_MAX, packet, sizeof(packet)), SL_RANGE);
    }
}

static void test_outer_parse_truncated_at_every_length_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < OUTERS; i++) {
        uint8_t packet[256];
        uint32_t total = packet_make(&outers[i], 0, packet, sizeof(packet));
        for (uint32_t size = 0; size < total; size++) {
            uint8_t *cut = malloc(size + 1);
            assert_non_null(cut);
            memcpy(cut + 1, packet, size);
            struct sl_outer back;
            uint8_t tos;
            uint32_t off;
            uint32_t esp_size;
            assert_rc(sl_outer_parse(cut + 1, size, &back, &tos, &off, &esp_size), SL_TRUNCATED);
            free(cut);
        }
    }
}

static void checksum_set(uint8_t *packet)
{
    uint32_t header = (packet[0] & 0xfu) * 4;
    sl_be16_put(packet + 10, 0);
    if (header >= 20) {
        sl_be16_put(packet + 10, sl_checksum_fold(sl_checksum_add(0, packet, header)));
    }
}

static void test_outer_parse_hostile_refused(void **state)
{
    (void)state;
    const struct {
        size_t outer;
        uint32_t at;
        uint8_t value;
        sl_rc want;
    } rows[] = {
        {0, 0, 0x45, SL_OK},
        {0, 0, 0x55, SL_MALFORMED},
        {0, 0, 0x44, SL_MALFORMED},
        {0, 3, 19, SL_MALFORMED},
        {0, 2, 1, SL_TRUNCATED},
        {0, 6, 0x20, SL_UNSUPPORTED},
        {0, 7, 1, SL_UNSUPPORTED},
        {0, 9, 6, SL_UNSUPPORTED},
        {0, 9, 1, SL_UNSUPPORTED},
        {0, 25, 7, SL_MALFORMED},
        {0, 24, 1, SL_TRUNCATED},
        {0, 25, 9, SL_MALFORMED},
        {0, 3, 27, SL_TRUNCATED},
        {1, 3, 27, SL_TRUNCATED},
        {1, 3, 28, SL_OK},
        {2, 6, 44, SL_UNSUPPORTED},
        {2, 6, 58, SL_UNSUPPORTED},
        {2, 6, 43, SL_UNSUPPORTED},
        {2, 5, 7, SL_TRUNCATED},
        {2, 4, 1, SL_TRUNCATED},
        {2, 45, 7, SL_MALFORMED},
        {3, 6, 60, SL_UNSUPPORTED /* option header 1, 8 + 8 * 2 bytes, then protocol 1 */},
        {3, 5, 7, SL_TRUNCATED},
        {3, 0, 0x70, SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t packet[256] = {0};
        struct sl_outer back;
        uint8_t tos;
        uint32_t off;
        uint32_t size;
        uint32_t total = packet_make(&outers[rows[i].outer], 0, packet, sizeof(packet));
        packet[rows[i].at] = rows[i].value;
        if (packet[0] >> 4 == 4) {
            checksum_set(packet);
        }
        sl_rc rc = sl_outer_parse(packet, total, &back, &tos, &off, &size);
        if (rc != rows[i].want) {
            fail_msg("row %zu: %s", i + 1, sl_rc_name(rc));
        }
    }
    uint8_t packet[256];
    struct sl_outer back;
    uint8_t tos;
    uint32_t off;
    uint32_t size;
    uint32_t total = packet_make(&outers[0], 0, packet, sizeof(packet));
    packet[10] ^= 1; /* header checksum */
    assert_rc(sl_outer_parse(packet, total, &back, &tos, &off, &size), SL_MALFORMED);
}

static void test_outer_parse_ipv6_options_skipped(void **state)
{
    (void)state;
    uint8_t packet[256] = {0};
    struct sl_outer back;
    uint8_t tos;
    uint32_t off;
    uint32_t size;
    uint32_t total = packet_make(&outers[3], 0, packet, sizeof(packet));
    memmove(packet + 40 + 24, packet + 40, total - 40);
    memset(packet + 40, 0, 24);
    packet[6] = 0;   /* hop-by-hop, 16 bytes */
    packet[40] = 60; /* then destination options, 8 bytes */
    packet[41] = 1;
    packet[56] = 50;
    sl_be16_put(packet + 4, ESP + 24);
    assert_ok(sl_outer_parse(packet, total + 24, &back, &tos, &off, &size));
    assert_int_equal(off, 64);
    assert_int_equal(size, ESP);
    packet[57] = 0xff; /* an option header that runs past the end */
    assert_rc(sl_outer_parse(packet, total + 24, &back, &tos, &off, &size), SL_TRUNCATED);
}

static void test_outer_parse_keepalive_and_ike_told_apart(void **state)
{
    (void)state;
    uint8_t packet[256] = {0};
    struct sl_outer back;
    uint8_t tos;
    uint32_t off;
    uint32_t size;
    assert_ok(sl_outer_write(&outers[0], 0, 0, 1, packet, sizeof(packet)));
    packet[28] = 0xff;
    assert_rc(sl_outer_parse(packet, 29, &back, &tos, &off, &size), SL_AGAIN);
    packet[28] = 0xfe;
    assert_rc(sl_outer_parse(packet, 29, &back, &tos, &off, &size), SL_MALFORMED);
    assert_ok(sl_outer_write(&outers[0], 0, 0, 32, packet, sizeof(packet)));
    memset(packet + 28, 0, 32);
    assert_rc(sl_outer_parse(packet, 60, &back, &tos, &off, &size), SL_UNSUPPORTED);
}

static void test_classify_table(void **state)
{
    (void)state;
    const uint8_t esp[12] = {0, 0, 1, 0};
    const uint8_t ike[12] = {0, 0, 0, 0, 1};
    const uint8_t keepalive[1] = {0xff};
    const uint8_t other[1] = {0};
    assert_int_equal(sl_udp_payload_classify(esp, 12), SL_UDP_PAYLOAD_ESP);
    assert_int_equal(sl_udp_payload_classify(ike, 12), SL_UDP_PAYLOAD_IKE);
    assert_int_equal(sl_udp_payload_classify(keepalive, 1), SL_UDP_PAYLOAD_KEEPALIVE);
    assert_int_equal(sl_udp_payload_classify(other, 1), SL_UDP_PAYLOAD_INVALID);
    assert_int_equal(sl_udp_payload_classify(esp, 0), SL_UDP_PAYLOAD_INVALID);
    assert_int_equal(sl_udp_payload_classify(esp, 7), SL_UDP_PAYLOAD_INVALID);
}

/* RFC 6040 figures 3 (normal mode) and 4, every cell, IPv4 and IPv6. */
static void test_ecn_full_table(void **state)
{
    (void)state;
    enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DROP = 4 };
    static const uint8_t decapsulated[4][4] = {
        /* outer:    Not-ECT ECT(1) ECT(0) CE      inner: */
        [NOT] = {NOT, NOT, NOT, DROP},
        [ECT1] = {ECT1, ECT1, ECT1, CE},
        [ECT0] = {ECT0, ECT1, ECT0, CE},
        [CE] = {CE, CE, CE, CE},
    };
    for (uint8_t inner_ecn = 0; inner_ecn < 4; inner_ecn++) {
        const uint8_t dscp = 0xb8;
        assert_int_equal(sl_tunnel_tos_out(dscp | inner_ecn, false), inner_ecn);
        assert_int_equal(sl_tunnel_tos_out(dscp | inner_ecn, true), dscp | inner_ecn);
        for (uint8_t outer_ecn = 0; outer_ecn < 4; outer_ecn++) {
            uint8_t want = decapsulated[inner_ecn][outer_ecn];
            for (uint8_t version = 4; version <= 6; version += 2) {
                uint8_t packet[60];
                uint8_t before[60];
                inner_make(packet, version, sizeof(packet));
                if (version == 4) {
                    packet[1] = dscp | inner_ecn;
                    checksum_set(packet);
                } else {
                    packet[0] = 0x60 | dscp >> 4;
                    packet[1] = (uint8_t)((dscp | inner_ecn) << 4) | 0x5;
                }
                memcpy(before, packet, sizeof(before));
                assert_int_equal(sl_tunnel_inner_tos(packet), dscp | inner_ecn);
                sl_rc rc = sl_tunnel_ecn_in(outer_ecn | 0xf0, packet, sizeof(packet));
                if (want == DROP) {
                    assert_rc(rc, SL_DENIED);
                    assert_memory_equal(packet, before, sizeof(before));
                    continue;
                }
                assert_ok(rc);
                assert_int_equal(sl_tunnel_inner_tos(packet), dscp | want);
                if (version == 4) {
                    assert_int_equal(sl_checksum_fold(sl_checksum_add(0, packet, 20)), 0);
                } else {
                    assert_int_equal(packet[1] & 0xf, 0x5); /* the flow label stays */
                }
            }
        }
    }
    uint8_t packet[20] = {0x45};
    assert_rc(sl_tunnel_ecn_in(3, packet, 19), SL_TRUNCATED);
}

static void test_inner_df_read(void **state)
{
    (void)state;
    uint8_t packet[60];
    inner_make(packet, 4, sizeof(packet));
    assert_false(sl_tunnel_inner_is_df(packet));
    packet[6] = 0x40;
    assert_true(sl_tunnel_inner_is_df(packet));
    inner_make(packet, 6, sizeof(packet));
    assert_true(sl_tunnel_inner_is_df(packet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outer_written_parses_back),
        cmocka_unit_test(test_outer_write_out_of_bounds_refused),
        cmocka_unit_test(test_outer_parse_truncated_at_every_length_refused),
        cmocka_unit_test(test_outer_parse_hostile_refused),
        cmocka_unit_test(test_outer_parse_ipv6_options_skipped),
        cmocka_unit_test(test_outer_parse_keepalive_and_ike_told_apart),
        cmocka_unit_test(test_classify_table),
        cmocka_unit_test(test_ecn_full_table),
        cmocka_unit_test(test_inner_df_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
