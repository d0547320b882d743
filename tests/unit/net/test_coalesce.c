/* SPDX-License-Identifier: Apache-2.0 */
/* Coalescing is right where cutting its output again gives exactly what went in, in flow order. */
#include "unit.h"

#include "net/coalesce.h"
#include "packets.h"

enum { STREAM_MAX = 400, FLOWS = 24 };

struct packet {
    uint8_t *data;
    uint32_t size;
    uint16_t flow;
};

static uint8_t in_bytes[STREAM_MAX][2048], in_copy[STREAM_MAX][2048];
static struct packet in[STREAM_MAX];
static uint8_t out_bytes[STREAM_MAX][2048];
static struct packet out[STREAM_MAX];
static uint32_t out_count, super_count;

static uint16_t flow_of(const uint8_t *p, uint32_t size)
{
    uint32_t l4 = p[0] >> 4 == 4 ? 20 : 40;
    return size >= l4 + 2 ? (uint16_t)get16(p + l4) : 0;
}

/* Cuts each emitted packet again, as the kernel would. */
static void emit_cut(void *ctx, const struct sl_vnet *vnet, const struct iovec *slices,
                     uint32_t count, uint32_t size)
{
    (void)ctx;
    static uint8_t flat[70000];
    uint32_t at = 0, got = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(flat + at, slices[i].iov_base, slices[i].iov_len);
        at += (uint32_t)slices[i].iov_len;
    }
    assert_int_equal(at, size);
    assert_true(count == 1 || vnet->gso_type != SL_VNET_GSO_NONE);
    super_count += count > 1;
    struct sl_segmenter seg;
    sl_rc rc = sl_segmenter_init(&seg, vnet, flat, size, 70000);
    if (rc != SL_OK) { /* not IP at all: passed as it came */
        assert_int_equal(count, 1);
        memcpy(out_bytes[out_count], flat, size);
        got = size;
        out[out_count] = (struct packet){out_bytes[out_count], got, flow_of(flat, got)};
        out_count++;
        return;
    }
    while (sl_segmenter_next(&seg, out_bytes[out_count], 2048, &got) == SL_OK) {
        out[out_count] =
            (struct packet){out_bytes[out_count], got, flow_of(out_bytes[out_count], got)};
        out_count++;
    }
}

/* Each flow's packets come out as they went in, in its order. */
static void stream_compare(uint32_t count)
{
    static uint32_t next[UINT16_MAX + 1]; /* per flow: where its next packet is looked for */
    memset(next, 0, sizeof(next));
    assert_int_equal(out_count, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *o = &next[in[i].flow];
        while (*o < out_count && out[*o].flow != in[i].flow) {
            (*o)++;
        }
        assert_true(*o < out_count);
        assert_int_equal(out[*o].size, in[i].size);
        assert_memory_equal(out[*o].data, in_copy[i], in[i].size);
        (*o)++;
    }
}

struct flow {
    struct shape shape;
};

/* The next packet of a flow: mostly a follower, sometimes something that must not be joined. */
static void flow_next(struct shape *s, uint32_t mss)
{
    s->payload = random_next() % 8 == 0 ? random_next() % 1400 : mss;
    s->flags = SL_TCP_ACK;
    switch (random_next() % 24) {
    case 0:
        s->flags |= SL_TCP_PSH;
        break;
    case 1:
        s->flags |= SL_TCP_FIN;
        break;
    case 2:
        s->flags = SL_TCP_SYN;
        break;
    case 3:
        s->flags |= SL_TCP_ECE;
        break;
    case 4:
        s->flags |= SL_TCP_CWR;
        break;
    case 5:
        s->flags |= SL_TCP_URG;
        break;
    case 6:
        s->seq += 17;
        break;
    case 7:
        s->id = (uint16_t)(s->id + 5);
        break;
    case 8:
        s->tos ^= 3;
        break;
    default:
        break;
    }
}

static void stream_make(uint32_t count, struct shape *flows, bool is_broken)
{
    uint32_t l4_off, header;
    for (uint32_t i = 0; i < count; i++) {
        struct shape *s = &flows[random_next() % FLOWS];
        flow_next(s, 400 + (uint32_t)(s - flows) * 40);
        in[i].data = in_bytes[i];
        in[i].size = packet_make(in[i].data, s, &l4_off, &header);
        in[i].flow = s->sport;
        s->seq += s->payload;
        s->id++;
        if (is_broken && random_next() % 10 == 0) {
            in[i].data[l4_off + 4 + random_next() % (in[i].size - l4_off - 4)] ^= 0x10;
        }
        memcpy(in_copy[i], in[i].data, in[i].size);
    }
}

static void run_rounds(bool is_broken, bool is_udp_joined)
{
    static struct sl_coalesce c;
    uint32_t supers = 0;
    for (uint32_t round = 0; round < 300; round++) {
        struct shape flows[FLOWS];
        for (uint32_t f = 0; f < FLOWS; f++) {
            flows[f] = (struct shape){.version = f % 2 == 0 ? 4 : 6,
                                      .is_udp = f % 5 == 0,
                                      .option_size = f % 3 * 4,
                                      .id = (uint16_t)random_next(),
                                      .seq = random_next() << 8,
                                      .sport = (uint16_t)(30000 + f)};
        }
        uint32_t count = random_next() % STREAM_MAX + 1;
        stream_make(count, flows, is_broken);
        out_count = 0;
        super_count = 0;
        sl_coalesce_init(&c, true, is_udp_joined, emit_cut, NULL);
        for (uint32_t i = 0; i < count; i++) {
            sl_coalesce_add(&c, in[i].data, in[i].size);
        }
        sl_coalesce_flush(&c);
        stream_compare(count);
        assert_int_equal(c.counters.super_packets, super_count);
        supers += super_count;
    }
    assert_true(supers > 300);
}

static void test_coalesce_then_segment_is_identity(void **state)
{
    (void)state;
    run_rounds(false, true);
    run_rounds(false, false);
}

static void test_coalesce_broken_packets_stay_broken(void **state)
{
    (void)state;
    run_rounds(true, true);
}

static void test_coalesce_bulk_stream_becomes_one_super_packet(void **state)
{
    (void)state;
    static struct sl_coalesce c;
    uint32_t l4_off, header;
    struct shape s = {.version = 4, .payload = 1400, .flags = SL_TCP_ACK, .option_size = 12};
    out_count = 0;
    super_count = 0;
    sl_coalesce_init(&c, true, true, emit_cut, NULL);
    for (uint32_t i = 0; i < 46; i++) {
        in[i].size = packet_make(in_bytes[i], &s, &l4_off, &header);
        sl_coalesce_add(&c, in_bytes[i], in[i].size);
        s.seq += s.payload;
        s.id++;
    }
    sl_coalesce_flush(&c);
    assert_int_equal(super_count, 1);
    assert_int_equal(out_count, 46);
    assert_int_equal(c.counters.joined, 46);
}

static void test_coalesce_bad_checksum_is_counted_and_passed_alone(void **state)
{
    (void)state;
    static struct sl_coalesce c;
    uint32_t l4_off, header;
    struct shape s = {.version = 6, .payload = 100, .flags = SL_TCP_ACK};
    out_count = 0;
    super_count = 0;
    sl_coalesce_init(&c, true, true, emit_cut, NULL);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t size = packet_make(in_bytes[i], &s, &l4_off, &header);
        in_bytes[i][header] ^= (uint8_t)(i == 1);
        sl_coalesce_add(&c, in_bytes[i], size);
        s.seq += 100;
    }
    sl_coalesce_flush(&c);
    assert_int_equal(c.counters.bad_checksum, 1);
    assert_int_equal(super_count, 0);
    assert_int_equal(out_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coalesce_then_segment_is_identity),
        cmocka_unit_test(test_coalesce_broken_packets_stay_broken),
        cmocka_unit_test(test_coalesce_bulk_stream_becomes_one_super_packet),
        cmocka_unit_test(test_coalesce_bad_checksum_is_counted_and_passed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
