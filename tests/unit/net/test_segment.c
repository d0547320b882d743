/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/segment.h"
#include "packets.h"

static uint8_t super[70000], out[70000];

static struct shape shape_random(void)
{
    return (struct shape){
        .version = random_next() % 2 == 0 ? 4 : 6,
        .is_udp = random_next() % 3 == 0,
        .option_size = random_next() % 4 * 4,
        .payload = random_next() % 60000 + 1,
        .id = (uint16_t)random_next(),
        .seq = 0xffff0000u + random_next() % 0x20000,
        .flags = (uint8_t)(SL_TCP_ACK | (random_next() & (SL_TCP_PSH | SL_TCP_FIN | SL_TCP_CWR))),
        .tos = (uint8_t)random_next(),
        .sport = (uint16_t)random_next(),
    };
}

static struct sl_vnet vnet_for(const struct shape *s, uint32_t l4_off, uint32_t header,
                               uint32_t gso_size)
{
    uint8_t type = s->version == 4 ? SL_VNET_GSO_TCPV4 : SL_VNET_GSO_TCPV6;
    return (struct sl_vnet){.flags = SL_VNET_NEEDS_CSUM,
                            .gso_type = s->is_udp ? SL_VNET_GSO_UDP_L4 : type,
                            .hdr_len = (uint16_t)header,
                            .gso_size = (uint16_t)gso_size,
                            .csum_start = (uint16_t)l4_off,
                            .csum_offset = s->is_udp ? 6 : 16};
}

static void check_segment(const struct shape *s, uint32_t index, uint32_t off, uint32_t size,
                          uint32_t l4_off, uint32_t header)
{
    bool is_last = off + size - header == s->payload;
    assert_memory_equal(out + header, super + header + off, size - header);
    assert_true(slow_l4_right(out, l4_off, size));
    if (s->version == 4) {
        assert_int_equal(get16(out + 2), size);
        assert_int_equal(get16(out + 4), (uint16_t)(s->id + index));
        assert_int_equal(slow_sum(0, out, 20), 0xffff);
    } else {
        assert_int_equal(get16(out + 4), size - 40);
    }
    if (s->is_udp) {
        assert_int_equal(get16(out + l4_off + 4), size - l4_off);
        return;
    }
    assert_int_equal(get32(out + l4_off + 4), s->seq + off);
    uint8_t flags = s->flags;
    flags &= (uint8_t)(is_last ? 0xff : ~(SL_TCP_PSH | SL_TCP_FIN));
    flags &= (uint8_t)(index == 0 ? 0xff : ~SL_TCP_CWR);
    assert_int_equal(out[l4_off + 13], flags);
}

static void test_segment_random_super_packets_are_right_packets(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct shape s = shape_random();
        uint32_t l4_off, header;
        uint32_t size = packet_make(super, &s, &l4_off, &header);
        packet_make_partial(super, l4_off, size, s.is_udp);
        uint32_t gso = random_next() % 1500 + 1;
        struct sl_vnet vnet = vnet_for(&s, l4_off, header, gso);
        struct sl_segmenter seg;
        uint32_t mtu = s.is_udp || random_next() % 2 == 0 ? 9000 : 600;
        assert_ok(sl_segmenter_init(&seg, &vnet, super, size, mtu));
        gso = gso > mtu - header ? mtu - header : gso;
        uint32_t off = 0, index = 0, got = 0;
        while (sl_segmenter_next(&seg, out, sizeof(out), &got) == SL_OK) {
            assert_true(got <= sl_segmenter_size_max(&seg) || index == 0 || off + gso > s.payload);
            check_segment(&s, index, off, got, l4_off, header);
            off += got - header;
            index++;
        }
        assert_int_equal(off, s.payload);
        assert_int_equal(index, (s.payload + gso - 1) / gso);
    }
}

static void test_segment_partial_checksum_is_completed(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct shape s = shape_random();
        s.payload %= 1400;
        uint32_t l4_off, header, got;
        uint32_t size = packet_make(super, &s, &l4_off, &header);
        memcpy(out + 20000, super, size);
        packet_make_partial(super, l4_off, size, s.is_udp);
        struct sl_vnet vnet = vnet_for(&s, l4_off, header, 0);
        vnet.gso_type = SL_VNET_GSO_NONE;
        struct sl_segmenter seg;
        assert_ok(sl_segmenter_init(&seg, &vnet, super, size, 1500));
        assert_ok(sl_segmenter_next(&seg, out, sizeof(out), &got));
        assert_int_equal(got, size);
        assert_memory_equal(out, out + 20000, size);
        assert_rc(sl_segmenter_next(&seg, out, sizeof(out), &got), SL_NOT_FOUND);
    }
}

static void test_segment_plain_packet_passes_unchanged(void **state)
{
    (void)state;
    struct shape s = {.version = 4, .payload = 100, .flags = SL_TCP_SYN};
    uint32_t l4_off, header, got;
    uint32_t size = packet_make(super, &s, &l4_off, &header);
    super[size] = 0xee; /* padding past the IP length is cut */
    struct sl_vnet vnet = {0};
    struct sl_segmenter seg;
    assert_ok(sl_segmenter_init(&seg, &vnet, super, size + 1, 1500));
    assert_rc(sl_segmenter_next(&seg, out, size - 1, &got), SL_NO_SPACE);
    assert_ok(sl_segmenter_next(&seg, out, size, &got));
    assert_int_equal(got, size);
    assert_memory_equal(out, super, size);
}

static void test_segment_bad_input_is_refused(void **state)
{
    (void)state;
    struct shape s = {.version = 4, .payload = 5000, .flags = SL_TCP_ACK};
    uint32_t l4_off, header;
    uint32_t size = packet_make(super, &s, &l4_off, &header);
    struct sl_vnet good = vnet_for(&s, l4_off, header, 1000);
    struct sl_segmenter seg;
    struct sl_vnet bad = good;
    bad.gso_type = 9;
    assert_rc(sl_segmenter_init(&seg, &bad, super, size, 1500), SL_UNSUPPORTED);
    bad = good;
    bad.gso_size = 0;
    assert_rc(sl_segmenter_init(&seg, &bad, super, size, 1500), SL_MALFORMED);
    bad = good;
    bad.gso_type = SL_VNET_GSO_TCPV6;
    assert_rc(sl_segmenter_init(&seg, &bad, super, size, 1500), SL_MALFORMED);
    bad = good;
    bad.gso_type = SL_VNET_GSO_UDP_L4;
    assert_rc(sl_segmenter_init(&seg, &bad, super, size, 1500), SL_MALFORMED);
    bad = good;
    bad.gso_type = SL_VNET_GSO_NONE;
    bad.csum_start = (uint16_t)size;
    assert_rc(sl_segmenter_init(&seg, &bad, super, size, 1500), SL_MALFORMED);
    bad.csum_start = 4;
    assert_rc(sl_segmenter_init(&seg, &bad, super, size, 1500), SL_MALFORMED);
    assert_rc(sl_segmenter_init(&seg, &good, super, 19, 1500), SL_TRUNCATED);
    assert_rc(sl_segmenter_init(&seg, &good, super, 0, 1500), SL_TRUNCATED);
    assert_rc(sl_segmenter_init(&seg, &good, super, size - 1, 1500), SL_TRUNCATED);
    super[0] = 0x75;
    assert_rc(sl_segmenter_init(&seg, &good, super, size, 1500), SL_MALFORMED);
    super[0] = 0x44;
    assert_rc(sl_segmenter_init(&seg, &good, super, size, 1500), SL_MALFORMED);
    super[0] = 0x45;
    super[l4_off + 12] = 0x40; /* TCP data offset 4 */
    assert_rc(sl_segmenter_init(&seg, &good, super, size, 1500), SL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_random_super_packets_are_right_packets),
        cmocka_unit_test(test_segment_partial_checksum_is_completed),
        cmocka_unit_test(test_segment_plain_packet_passes_unchanged),
        cmocka_unit_test(test_segment_bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
