/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/bytes.h"
#include "safelib/packet.h"

/* One packet by its bytes, and what must come out. */
struct parse_case {
    const char *name;
    const char *hex;
    sl_rc rc;
    uint8_t proto;
    uint16_t l4_off, has, sport, dport;
};

#define IP4(total, frag, proto)                                                                    \
    "4500" total "0000" frag "40" proto "0000"                                                     \
    "0a000001"                                                                                     \
    "c0000201"
#define IP6(payload, next)                                                                         \
    "60000000" payload next "40"                                                                   \
    "20010db8000000000000000000000001"                                                             \
    "20010db8000000000000000000000002"
#define TCP                                                                                        \
    "04d201bb"                                                                                     \
    "00000001"                                                                                     \
    "00000000"                                                                                     \
    "50020000"                                                                                     \
    "00000000"
#define UDP                                                                                        \
    "04d20035"                                                                                     \
    "00080000"

enum {
    PORTS = SL_PKT_HAS_PORTS,
    TCP_PORTS = SL_PKT_HAS_PORTS | SL_PKT_HAS_TCP,
    FIRST = SL_PKT_FRAGMENT | SL_PKT_MORE_FRAGMENTS,
    LATER = SL_PKT_FRAGMENT | SL_PKT_LATER_FRAGMENT,
    HEADER = SL_PKT_FRAGMENT_HEADER,
};

static const struct parse_case cases[] = {
    {"tcp", IP4("0028", "4000", "06") TCP, SL_OK, 6, 20, TCP_PORTS, 1234, 443},
    {"udp", IP4("001c", "0000", "11") UDP, SL_OK, 17, 20, PORTS, 1234, 53},
    {"udp with Ethernet padding", IP4("001c", "0000", "11") UDP "0000000000", SL_OK, 17, 20, PORTS,
     1234, 53},
    {"options",
     "4600"
     "0020"
     "0000"
     "0000"
     "40"
     "11"
     "0000"
     "0a000001"
     "c0000201"
     "01010100" UDP,
     SL_OK, 17, 24, PORTS, 1234, 53},
    {"sctp",
     IP4("0020", "0000", "84") "04d201bb"
                               "0000000000000000",
     SL_OK, 132, 20, PORTS, 1234, 443},
    {"icmp",
     IP4("001c", "0000", "01") "0801"
                               "000000000000",
     SL_OK, 1, 20, SL_PKT_HAS_ICMP, 0, 0},
    {"gre", IP4("0018", "0000", "2f") "00000800", SL_OK, 47, 20, 0, 0, 0},
    {"first fragment", IP4("001c", "2000", "11") UDP, SL_OK, 17, 20, PORTS | FIRST, 1234, 53},
    {"later fragment", IP4("001c", "0001", "11") UDP, SL_OK, 17, 28, LATER, 0, 0},
    {"fragment past 65535", IP4("001c", "1fff", "11") UDP, SL_MALFORMED, 0, 0, 0, 0, 0},
    {"tiny first fragment", IP4("001c", "2000", "06") UDP, SL_TRUNCATED, 0, 0, 0, 0, 0},
    {"empty", "", SL_TRUNCATED, 0, 0, 0, 0, 0},
    {"version 5",
     "5500"
     "0014",
     SL_MALFORMED, 0, 0, 0, 0, 0},
    {"header length 4",
     "4400"
     "0014"
     "00000000"
     "40060000"
     "0a000001"
     "c0000201",
     SL_MALFORMED, 0, 0, 0, 0, 0},
    {"total below header", IP4("0013", "0000", "06"), SL_MALFORMED, 0, 0, 0, 0, 0},
    {"total past the end", IP4("0029", "0000", "06") TCP, SL_TRUNCATED, 0, 0, 0, 0, 0},
    {"tcp data offset 4",
     IP4("0028", "0000", "06") "04d201bb"
                               "0000000100000000"
                               "40020000"
                               "00000000",
     SL_MALFORMED, 0, 0, 0, 0, 0},
    {"tcp options past the end",
     IP4("0028", "0000", "06") "04d201bb"
                               "0000000100000000"
                               "60020000"
                               "00000000",
     SL_TRUNCATED, 0, 0, 0, 0, 0},
    {"ip6 tcp", IP6("0014", "06") TCP, SL_OK, 6, 40, TCP_PORTS, 1234, 443},
    {"ip6 icmp", IP6("0004", "3a") "80000000", SL_OK, 58, 40, SL_PKT_HAS_ICMP, 0, 0},
    {"ip6 hop-by-hop, destination",
     IP6("0018", "00") "3c00010400000000"
                       "1100010400000000" UDP,
     SL_OK, 17, 56, PORTS, 1234, 53},
    {"ip6 hop-by-hop second",
     IP6("0018", "3c") "0000010400000000"
                       "1100010400000000" UDP,
     SL_MALFORMED, 0, 0, 0, 0, 0},
    {"ip6 authentication header", IP6("0014", "33") "110100000000000000000000" UDP, SL_OK, 17, 52,
     PORTS, 1234, 53},
    {"ip6 first fragment", IP6("0010", "2c") "1100000100000000" UDP, SL_OK, 17, 48,
     PORTS | FIRST | HEADER, 1234, 53},
    {"ip6 atomic fragment", IP6("0010", "2c") "1100000000000000" UDP, SL_OK, 17, 48, PORTS | HEADER,
     1234, 53},
    {"ip6 later fragment", IP6("0010", "2c") "1100000800000000" UDP, SL_OK, 17, 56, LATER | HEADER,
     0, 0},
    {"ip6 two fragment headers",
     IP6("0018", "2c") "2c00000000000000"
                       "1100000000000000" UDP,
     SL_MALFORMED, 0, 0, 0, 0, 0},
    {"ip6 no next header", IP6("0000", "3b"), SL_OK, 59, 40, 0, 0, 0},
    {"ip6 extension past the end", IP6("0008", "3c") "1101010400000000", SL_TRUNCATED, 0, 0, 0, 0,
     0},
    {"ip6 nine extensions",
     IP6("0050", "3c") "3c00010400000000"
                       "3c00010400000000"
                       "3c00010400000000"
                       "3c00010400000000"
                       "3c00010400000000"
                       "3c00010400000000"
                       "3c00010400000000"
                       "3c00010400000000"
                       "1100010400000000" UDP,
     SL_MALFORMED, 0, 0, 0, 0, 0},
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = strlen(hex) / 2;
    assert_ok(sl_hex_decode(hex, out, size));
    return size;
}

static void test_packet_parse_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct parse_case *c = &cases[i];
        uint8_t data[256];
        struct sl_packet packet = {.data = data, .room = sizeof(data)};
        packet.size = (uint32_t)unhex(c->hex, data);
        sl_rc rc = sl_packet_parse(&packet);
        if (rc != c->rc) {
            fail_msg("%s: %s, expected %s", c->name, sl_rc_name(rc), sl_rc_name(c->rc));
        }
        if (rc != SL_OK) {
            continue;
        }
        if (packet.proto != c->proto || packet.l4_off != c->l4_off || packet.has != c->has ||
            packet.sport != c->sport || packet.dport != c->dport) {
            fail_msg("%s: proto %u, l4 %u, has %#x, %u -> %u", c->name, packet.proto, packet.l4_off,
                     packet.has, packet.sport, packet.dport);
        }
    }
}

static void test_packet_parse_cuts_padding_and_reads_fields(void **state)
{
    (void)state;
    uint8_t data[64];
    struct sl_packet packet = {.data = data, .room = sizeof(data)};
    packet.size = (uint32_t)unhex(IP4("0028", "4000", "06") TCP "0000", data);
    assert_ok(sl_packet_parse(&packet));
    assert_int_equal(packet.size, 40);
    assert_int_equal(packet.ip_version, 4);
    assert_int_equal(packet.tcp_flags, 2);
    assert_ptr_equal(packet.src, data + 12);
    assert_ptr_equal(packet.dst, data + 16);
}

/* Every prefix of every case lies in memory of exactly its size, where ASan watches its end. */
static void test_packet_parse_truncated_anywhere_stays_inside(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t data[256];
        size_t size = unhex(cases[i].hex, data);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut + 1);
            memcpy(copy, data, cut);
            struct sl_packet packet = {.data = copy, .size = (uint32_t)cut, .room = (uint32_t)cut};
            sl_rc rc = sl_packet_parse(&packet);
            assert_true(rc == SL_TRUNCATED || rc == SL_MALFORMED ||
                        (rc == SL_OK && packet.size <= cut));
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packet_parse_table),
        cmocka_unit_test(test_packet_parse_cuts_padding_and_reads_fields),
        cmocka_unit_test(test_packet_parse_truncated_anywhere_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
