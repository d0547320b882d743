/* SPDX-License-Identifier: Apache-2.0 */
/* A datagram in fragments becomes what it becomes whole: NAT44 and NAT64, both ways, in any order,
 * queries, UDP without a checksum, and ICMP errors. */
#include "bed.h"
#include "nf/eval.h"
#include "safelib/bytes.h"
#include "safelib/checksum.h"
#include "unit.h"

enum { LAN = SL_PORT_LAN, WAN = SL_PORT_WAN, PIECES = 4, ROOM = 2048 };

#define NAT64                                                                                      \
    "inside: [\"2001:db8:1::/48\", 10.0.0.0/8]\n"                                                  \
    "outside: {addresses: [192.0.2.1]}\n"                                                          \
    "nat64: {prefix: \"2001:db8:64::/96\"}\n"
#define NAT44                                                                                      \
    "inside: [10.0.0.0/8]\n"                                                                       \
    "outside: {addresses: [192.0.2.1]}\n"

/* What came out of one datagram: headers of the first packet, and the upper layer of all. */
struct result {
    uint8_t head[48];
    uint8_t upper[ROOM];
    uint32_t size; /* of the upper layer */
    uint32_t id;   /* of the fragments */
    uint32_t packets;
    uint32_t dropped;
};
static struct result out;

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    (void)ctx;
    if (result->fate != SL_EVAL_DECIDED) {
        return;
    }
    const struct sl_packet *packet = result->packet;
    if (packet->verdict != SL_VERDICT_PASS) {
        out.dropped++;
        return;
    }
    struct sl_packet again = {.data = packet->data, .size = packet->size, .room = packet->room};
    assert_ok(sl_packet_parse(&again));
    assert_int_equal(again.size, packet->size);
    assert_int_equal(again.l4_off, packet->l4_off);
    assert_int_equal(again.proto, packet->proto);
    bool is_v6 = packet->ip_version == 6;
    if (!is_v6) {
        assert_int_equal(sl_checksum_fold(sl_checksum_add(0, packet->data, 20)), 0);
    }
    /* IPv4 counts in eights at byte 6, IPv6 in bytes behind its fragment header */
    uint32_t at =
        is_v6
            ? ((packet->has & SL_PKT_FRAGMENT) != 0 ? sl_be16_get(packet->data + 42) & 0xfff8u : 0)
            : (sl_be16_get(packet->data + 6) & 0x1fffu) * 8;
    uint32_t header = is_v6 ? ((packet->has & SL_PKT_FRAGMENT_HEADER) != 0 ? 48 : 40) : 20;
    assert_int_equal(at, out.size); /* in order, none missing */
    uint32_t id = is_v6 ? sl_be32_get(packet->data + header - 4) : sl_be16_get(packet->data + 4);
    assert_true(out.packets == 0 || out.id == id);
    out.id = id;
    if (out.packets++ == 0) {
        memcpy(out.head, packet->data, is_v6 ? 40 : 20);
    } else { /* the NFs after this one see what the first one is */
        assert_int_equal(packet->has & SL_PKT_LATER_FRAGMENT, SL_PKT_LATER_FRAGMENT);
        struct sl_flow_tuple tuple;
        bool is_error;
        assert_ok(sl_flow_tuple_of(packet, &tuple, &is_error));
    }
    memcpy(out.upper + out.size, packet->data + header, packet->size - header);
    out.size += packet->size - header;
}

static struct sl_eval *make(const char *yaml)
{
    static uint8_t policy[NAT_BED_POLICY_MAX];
    static uint8_t bundle[NAT_BED_POLICY_MAX + 256];
    const struct flow_rig_nf nf = {.name = nat_bed_nf(yaml),
                                   .policy = policy,
                                   .size = nat_bed_compile(yaml, policy, sizeof(policy)),
                                   .options = "flows=1000 flows6=1000"};
    uint32_t size = flow_bundle_write(1, &nf, 1, bundle, sizeof(bundle));
    struct sl_chain *chain = NULL;
    struct sl_eval *eval = NULL;
    struct sl_err err = {0};
    assert_ok(sl_chain_create(bundle, size, &chain, &err));
    assert_ok(sl_eval_create(chain, false, &eval));
    sl_eval_listen(eval, on_result, NULL);
    sl_eval_set_now(eval, 1000);
    return eval;
}

/* Bytes [begin, end) of a whole packet's upper layer as a fragment. */
static uint32_t cut(const uint8_t *whole, uint32_t size, uint32_t begin, uint32_t end,
                    uint8_t *piece)
{
    bool is_v6 = whole[0] >> 4 == 6;
    uint32_t header = is_v6 ? 40 : 20;
    bool is_more = header + end < size;
    memcpy(piece, whole, header);
    if (!is_v6) {
        sl_be16_put(piece + 2, (uint16_t)(20 + end - begin));
        sl_be16_put(piece + 4, 0x4321);
        sl_be16_put(piece + 6, (uint16_t)(begin / 8 | (is_more ? 0x2000u : 0)));
        sl_be16_put(piece + 10, 0);
        sl_be16_put(piece + 10, sl_checksum_fold(sl_checksum_add(0, piece, 20)));
    } else {
        sl_be16_put(piece + 4, (uint16_t)(8 + end - begin));
        piece[6] = 44;
        piece[40] = whole[6];
        piece[41] = 0;
        sl_be16_put(piece + 42, (uint16_t)(begin | is_more));
        sl_be32_put(piece + 44, 0x87654321);
        header = 48;
    }
    memcpy(piece + header, whole + (is_v6 ? 40 : 20) + begin, end - begin);
    return header + end - begin;
}

/* Sends a packet whole, then in fragments: the same must come out.
 * @param turn  how far the order of the fragments is turned */
static void check(struct sl_eval *eval, uint8_t port, const struct flow_spec *spec, uint32_t turn)
{
    static uint8_t whole[ROOM];
    static uint8_t pieces[PIECES][ROOM];
    struct sl_eval_packet packets[PIECES];
    uint32_t size = flow_packet_write(spec, whole, sizeof(whole));
    uint32_t upper = size - (whole[0] >> 4 == 6 ? 40 : 20);
    const struct sl_eval_packet packet = {.data = whole, .size = size, .port = port};
    memset(&out, 0, sizeof(out));
    sl_eval_run(eval, &packet, 1);
    struct result want = out;
    assert_int_equal(want.packets, 1);
    uint32_t each = upper / PIECES / 8 * 8;
    for (uint32_t i = 0; i < PIECES; i++) {
        uint32_t piece = (i + turn) % PIECES;
        uint32_t end = piece + 1 < PIECES ? (piece + 1) * each : upper;
        packets[i] = (struct sl_eval_packet){.data = pieces[i],
                                             .size = cut(whole, size, piece * each, end, pieces[i]),
                                             .port = port};
    }
    memset(&out, 0, sizeof(out));
    sl_eval_run(eval, packets, PIECES);
    assert_int_equal(out.dropped, 0);
    assert_int_equal(out.packets, spec->about != NULL ? 1 : PIECES);
    assert_int_equal(out.size, want.size);
    assert_memory_equal(out.upper, want.upper, want.size);
    uint32_t addrs = out.head[0] >> 4 == 6 ? 8 : 12;
    assert_memory_equal(out.head + addrs, want.head + addrs, addrs == 8 ? 32 : 8);
}

static void test_nat64_fragments(void **state)
{
    (void)state;
    struct sl_eval *eval = make(NAT64);
    for (uint32_t turn = 0; turn < PIECES; turn++) {
        for (uint32_t i = 0; i < 4; i++) {
            static const uint8_t protos[4] = {17, 17, 6, 58};
            bool is_echo = protos[i] == 58;
            struct flow_spec query = {.src = "2001:db8:1::5",
                                      .sport = (uint16_t)(4000 + i),
                                      .dst = "2001:db8:64::198.51.100.1",
                                      .dport = is_echo ? 0 : 53,
                                      .proto = protos[i],
                                      .flags = FLOW_SYN,
                                      .icmp_type = is_echo ? 128 : 0,
                                      .payload = 901 + turn};
            struct flow_spec answer = {.src = "198.51.100.1",
                                       .sport = is_echo ? (uint16_t)(4000 + i) : 53,
                                       .dst = "192.0.2.1",
                                       .dport = (uint16_t)(4000 + i),
                                       .proto = is_echo ? 1 : protos[i],
                                       .flags = FLOW_SYN | FLOW_ACK,
                                       .ack = 1,
                                       .has_no_checksum = i == 1,
                                       .payload = 801 + turn};
            check(eval, LAN, &query, turn);
            check(eval, WAN, &answer, turn);
        }
    }
    sl_eval_free(eval);
}

static void test_nat44_fragments(void **state)
{
    (void)state;
    struct sl_eval *eval = make(NAT44);
    for (uint32_t turn = 0; turn < PIECES; turn++) {
        for (uint32_t i = 0; i < 4; i++) {
            static const uint8_t protos[4] = {17, 17, 6, 1};
            bool is_echo = protos[i] == 1;
            struct flow_spec query = {.src = "10.0.0.5",
                                      .sport = (uint16_t)(4000 + i),
                                      .dst = "198.51.100.1",
                                      .dport = is_echo ? 0 : 53,
                                      .proto = protos[i],
                                      .flags = FLOW_SYN,
                                      .icmp_type = is_echo ? 8 : 0,
                                      .has_no_checksum = i == 1,
                                      .payload = 901 + turn};
            struct flow_spec answer = {.src = "198.51.100.1",
                                       .sport = is_echo ? (uint16_t)(4000 + i) : 53,
                                       .dst = "192.0.2.1",
                                       .dport = (uint16_t)(4000 + i),
                                       .proto = protos[i],
                                       .flags = FLOW_SYN | FLOW_ACK,
                                       .ack = 1,
                                       .has_no_checksum = i == 1,
                                       .payload = 801 + turn};
            check(eval, LAN, &query, turn);
            check(eval, WAN, &answer, turn);
        }
    }
    sl_eval_free(eval);
}

/* RFC 7857 10, RFC 6864 5.3.1: datagrams of several hosts, which all chose one identification,
 * leave under different ones, each under one. */
static void test_nat44_fragments_have_identifications_of_their_own(void **state)
{
    (void)state;
    enum { HOSTS = 40 };
    struct sl_eval *eval = make(NAT44);
    uint32_t ids[HOSTS];
    for (uint32_t i = 0; i < HOSTS; i++) {
        char src[32];
        (void)snprintf(src, sizeof(src), "10.0.0.%u", i + 1);
        const struct flow_spec query = {.src = src,
                                        .sport = 4000,
                                        .dst = "198.51.100.1",
                                        .dport = 53,
                                        .proto = 17,
                                        .payload = 900};
        check(eval, LAN, &query, i % PIECES);
        ids[i] = out.id;
        for (uint32_t k = 0; k < i; k++) {
            assert_int_not_equal(ids[k], ids[i]);
        }
    }
    sl_eval_free(eval);
}

/* Errors leave as one packet, with what they quote translated. */
static void test_errors_in_fragments(void **state)
{
    (void)state;
    for (uint32_t turn = 0; turn < PIECES; turn++) {
        for (int is_nat64 = 0; is_nat64 < 2; is_nat64++) {
            struct sl_eval *eval = make(is_nat64 ? NAT64 : NAT44);
            const struct flow_spec query = {.src = is_nat64 ? "2001:db8:1::5" : "10.0.0.5",
                                            .sport = 4000,
                                            .dst = is_nat64 ? "2001:db8:64::198.51.100.1"
                                                            : "198.51.100.1",
                                            .dport = 53,
                                            .proto = 17,
                                            .payload = 400};
            const struct flow_spec sent = {.src = "192.0.2.1",
                                           .sport = 4000,
                                           .dst = "198.51.100.1",
                                           .dport = 53,
                                           .proto = 17,
                                           .payload = 400};
            const struct flow_spec error = {.src = "203.0.113.9",
                                            .dst = "192.0.2.1",
                                            .proto = 1,
                                            .icmp_type = 11,
                                            .about = &sent};
            check(eval, LAN, &query, turn);
            check(eval, WAN, &error, turn);
            sl_eval_free(eval);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nat64_fragments),
        cmocka_unit_test(test_nat44_fragments),
        cmocka_unit_test(test_nat44_fragments_have_identifications_of_their_own),
        cmocka_unit_test(test_errors_in_fragments),
    };
    return cmocka_run_group_tests_name("nat/fragments", tests, NULL, NULL);
}
