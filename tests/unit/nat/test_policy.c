/* SPDX-License-Identifier: Apache-2.0 */
/* The NAT's policy: what a person is told of a wrong file, and what the image takes of any bytes.
 */
#include <unistd.h>

#include "bed.h"
#include "files/yaml_file.h"
#include "nat/policy.h"
#include "policy/nat_file.h"
#include "policy/policy.h"
#include "safelib/bytes.h"
#include "unit.h"

#define PLAIN "inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1]}\n"

static const char *const full =
    "inside: [10.0.0.0/16, \"2001:db8::/32\"]\n"
    "outside: {addresses: [192.0.2.0/30, 198.51.100.7, 203.0.113.1-203.0.113.9], ports: "
    "1024-65535}\n"
    "mapping: address_dependent\n"
    "filtering: address_and_port_dependent\n"
    "nat64: {prefix: \"2001:db8:64::/96\", mtu: 1400, private_addresses: true}\n"
    "allocation: {method: port_block, block_size: 256, blocks_per_subscriber: 2}\n"
    "subscriber: {ipv4: 30, ipv6: 56}\n"
    "limits: {mappings: 1000, subscribers: 100, mappings_per_subscriber: 10}\n"
    "timeouts: {udp: 2m, tcp_established: 2h4m, tcp_transitory: 240s, icmp: 61}\n"
    "port_preservation: false\nport_parity: false\nport_range_preservation: true\n"
    "hairpinning: false\ninbound_refresh: true\npooling: arbitrary\nunmatched: pass\n"
    "ttl: decrement\nexhausted: drop\n"
    "forwards:\n"
    "  - {protocol: tcp, outside: \"192.0.2.1:80\", inside: \"[2001:db8::5]:8080\"}\n"
    "  - {protocol: udp, outside: \"192.0.2.1:5000-5009\", inside: \"10.0.0.6:6000-6009\"}\n"
    "  - {outside: 100.64.0.1, inside: 10.0.0.7}\n";

static void test_policy_of_every_key(void **state)
{
    (void)state;
    static uint8_t bytes[NAT_BED_POLICY_MAX];
    struct nat_policy p;
    char reason[200] = "";
    uint32_t size = nat_bed_compile(full, bytes, sizeof(bytes));
    assert_ok(nat_policy_read(bytes, size, &p, reason, sizeof(reason)));
    assert_int_equal(p.flags, SL_NAT_PORT_RANGE | SL_NAT_INBOUND_REFRESH | SL_NAT_PASS_UNMATCHED |
                                  SL_NAT_DECREMENT_TTL | SL_NAT_ANY_ADDRESS64);
    assert_int_equal(p.mapping, SL_NAT_ADDRESS_DEPENDENT);
    assert_int_equal(p.filtering, SL_NAT_ADDRESS_AND_PORT_DEPENDENT);
    assert_int_equal(p.allocation, SL_NAT_BLOCK);
    assert_int_equal(p.prefix64_bits, 96);
    assert_false(p.is_wkp);
    assert_int_equal(p.mtu6, 1400);
    assert_int_equal(p.block_size, 256);
    assert_int_equal(p.slots_per_address, 252);
    assert_int_equal(p.udp_ms, 120000);
    assert_int_equal(p.tcp_established_ms, 7440000);
    assert_int_equal(p.tcp_transitory_ms, 240000);
    assert_int_equal(p.icmp_ms, 61000);
    assert_int_equal(p.address_count, 4 + 1 + 9);
    assert_int_equal(p.subscriber4_bits, 30);
    assert_int_equal(p.forward_count, 3);
    assert_int_equal(nat_policy_ordinal(&p, 0xcb007105), 9);
    assert_int_equal(nat_policy_address(&p, 9), 0xcb007105);
    assert_true(nat_policy_owns(&p, 0x64400001));
    assert_false(nat_policy_owns(&p, 0x64400002));
    assert_int_equal(nat_forward_outside(&p, 17, 0xc0000201, 5009)->inside_port, 6000);
    assert_null(nat_forward_outside(&p, 17, 0xc0000201, 5010));
    assert_null(nat_forward_outside(&p, 6, 0xc0000201, 5000));
    nat_policy_done(&p);
    /* RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2: what is usual */
    size = nat_bed_compile(PLAIN, bytes, sizeof(bytes));
    assert_ok(nat_policy_read(bytes, size, &p, reason, sizeof(reason)));
    assert_int_equal(p.udp_ms, 300000);
    assert_int_equal(p.filtering, SL_NAT_ADDRESS_DEPENDENT);
    assert_int_equal(p.mapping, SL_NAT_ENDPOINT_INDEPENDENT);
    nat_policy_done(&p);
}

static void test_file_faults_name_line_column_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *want;
    } table[] = {
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.300]}\n",
         "line 2, column 23: outside.addresses[0]: `192.0.2.300`"},
        {"inside: [10.0.0.1/8]\noutside: {addresses: [192.0.2.1]}\n",
         "line 1, column 10: inside[0]: `10.0.0.1/8`"},
        {"inside: [\"2001:db8::/32\"]\noutside: {addresses: [192.0.2.1]}\n", "is IPv6"},
        {PLAIN "mapping: symmetric\n", "line: 3"},
        {PLAIN "nothing: x\n", "nothing"},
        {PLAIN "timeouts: {udp: 1m}\n", "RFC 4787 REQ-5: not below 120 s"},
        {PLAIN "timeouts: {udp: soon}\n", "line 3, column 17: timeouts.udp: `soon`"},
        {PLAIN "nat64: {prefix: \"64:ff9b::/95\"}\n", "expected an IPv6 prefix of 32"},
        {PLAIN "nat64: {prefix: \"64:ff9b::/96\", mtu: 1000}\n", "expected 1280 to 65535"},
        {PLAIN "allocation: {block_size: 64}\n", "means nothing with method dynamic"},
        {PLAIN "allocation: {method: port_block, block_size: 8}\n", "expected 16 to 32768"},
        {PLAIN "allocation: {method: port_block, blocks_per_subscriber: 9}\n", "expected 1 to 8"},
        {PLAIN "limits: {mappings: 99999999}\n", "expected at most"},
        {PLAIN "limits: {subscribers: 99999999}\n", "expected at most"},
        {PLAIN "subscriber: {ipv4: 33}\n", "expected 0 to 32 bits"},
        {PLAIN "subscriber: {ipv6: 129}\n", "expected 0 to 128 bits"},
        {PLAIN "forwards: [{protocol: sctp, outside: \"192.0.2.1:1\", inside: \"10.0.0.1:1\"}]\n",
         "`sctp`: expected tcp or udp"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1\", inside: \"10.0.0.1:1\"}]\n",
         "expected an IPv4 address with ports"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1-2\", inside: \"10.0.0.1:1\"}]\n",
         "expected as many ports as outside (2)"},
        {PLAIN "forwards:\n- {protocol: tcp, outside: \"192.0.2.1:1-5\", inside: "
               "\"10.0.0.1:1-5\"}\n- {protocol: tcp, outside: \"192.0.2.1:5\", inside: "
               "\"10.0.0.1:9\"}\n",
         "line 5, column 28: forwards[1].outside: `192.0.2.1:5`: is forwarded already"},
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/24, 192.0.3.0]}\n",
         "with it there are 257 addresses"},
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.0/30, 192.0.2.3]}\n",
         "overlaps `192.0.2.0/30`"},
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.9-192.0.2.3]}\n", "not below"},
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1], ports: 0-9}\n",
         "expected ports from 1 to 65535"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.9:1\", inside: \"10.0.0.1:1\"}]\n",
         "line 3, column 37: forwards[0].outside: `192.0.2.9:1`: is none of outside.addresses"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1\", inside: \"11.0.0.1:1\"}]\n",
         "forwards[0].inside: `11.0.0.1:1`: is in none of the prefixes of `inside`"},
        {PLAIN "forwards: [{outside: 192.0.2.1, inside: 10.0.0.1}]\n",
         "forwards[0].outside: `192.0.2.1`: is one of outside.addresses"},
        {"outside: {addresses: [192.0.2.1]}\n", "inside"},
        {"", "empty"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char path[] = "/tmp/nat_policy_XXXXXX";
        int file = mkstemp(path);
        struct sl_policy policy;
        struct sl_err err = {0};
        assert_true(file >= 0);
        size_t size = strlen(table[i].yaml);
        assert_int_equal(write(file, table[i].yaml, size), size);
        (void)close(file);
        sl_rc rc = sl_policy_compile_nat(path, &policy, &err);
        (void)unlink(path);
        assert_int_not_equal(rc, SL_OK);
        if (strstr(err.text, table[i].want) == NULL || strstr(err.text, path) == NULL) {
            fail_msg("%zu: \"%s\" has no \"%s\"", i, err.text, table[i].want);
        }
    }
    struct sl_policy policy;
    struct sl_err err = {0};
    assert_int_not_equal(sl_policy_compile_nat("/nonexistent/x", &policy, &err), SL_OK);
}

/* Refused by the image's own loader, which sees both values. */
static void test_read_refuses_what_does_not_fit_together(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *want;
        sl_rc rc;
    } table[] = {
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1]}\n"
         "allocation: {method: deterministic, block_size: 1024}\n",
         "16777216 subscribers and room for 63", SL_RANGE},
        {"inside: [10.0.0.0/8, 10.1.0.0/16]\noutside: {addresses: [192.0.2.1]}\n", "disjoint",
         SL_MALFORMED},
        {"inside: [10.0.0.0/8]\noutside: {addresses: [192.0.2.1], ports: 1024-1100}\n"
         "allocation: {method: port_block, block_size: 128}\n",
         "port blocks of 128", SL_RANGE},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1\", inside: \"10.0.0.1:1\"},\n"
               " {protocol: tcp, outside: \"192.0.2.1:2\", inside: \"10.0.0.1:1\"}]\n",
         "one inside endpoint", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        static uint8_t bytes[NAT_BED_POLICY_MAX];
        struct nat_policy p;
        char reason[200] = "";
        uint32_t size = nat_bed_compile(table[i].yaml, bytes, sizeof(bytes));
        assert_rc(nat_policy_read(bytes, size, &p, reason, sizeof(reason)), table[i].rc);
        if (strstr(reason, table[i].want) == NULL) {
            fail_msg("\"%s\" has no \"%s\"", reason, table[i].want);
        }
    }
}

static void test_read_of_cut_and_changed_bytes(void **state)
{
    (void)state;
    static uint8_t bytes[NAT_BED_POLICY_MAX];
    static uint8_t changed[NAT_BED_POLICY_MAX];
    struct nat_policy p;
    char reason[200];
    uint32_t size = nat_bed_compile(full, bytes, sizeof(bytes));
    for (uint32_t cut = 0; cut < size; cut++) {
        assert_rc(nat_policy_read(bytes, cut, &p, reason, sizeof(reason)), SL_TRUNCATED);
    }
    bytes[size] = 0;
    assert_rc(nat_policy_read(bytes, size + 1, &p, reason, sizeof(reason)), SL_MALFORMED);
    uint32_t refused = 0;
    for (uint32_t at = 0; at < size; at++) {
        memcpy(changed, bytes, size);
        changed[at] ^= 0xff;
        if (nat_policy_read(changed, size, &p, reason, sizeof(reason)) == SL_OK) {
            nat_policy_done(&p);
        } else {
            refused++;
        }
    }
    assert_true(refused > size / 4);
    changed[0] = 'X';
    assert_rc(nat_policy_read(changed, size, &p, reason, sizeof(reason)), SL_MALFORMED);
    memcpy(changed, bytes, size);
    changed[5] = 9;
    assert_rc(nat_policy_read(changed, size, &p, reason, sizeof(reason)), SL_UNSUPPORTED);
}

/* RFC 7422: the arithmetic is one that a person can do. */
static void test_deterministic_allocation_by_hand(void **state)
{
    (void)state;
    static uint8_t bytes[NAT_BED_POLICY_MAX];
    struct nat_policy p;
    char reason[200];
    uint32_t size = nat_bed_compile("inside: [10.0.0.0/24]\n"
                                    "outside: {addresses: [192.0.2.0/29]}\n"
                                    "allocation: {method: deterministic, block_size: 1024}\n",
                                    bytes, sizeof(bytes));
    assert_ok(nat_policy_read(bytes, size, &p, reason, sizeof(reason)));
    assert_int_equal(p.slots_per_address, 63);
    for (uint32_t n = 0; n < 256; n++) {
        const uint8_t addr[4] = {10, 0, 0, (uint8_t)n};
        struct nat_addr inside = nat_addr4(addr);
        uint32_t outside;
        uint16_t first;
        assert_true(nat_deterministic(&p, &inside, &outside, &first));
        assert_int_equal(outside, 0xc0000200 + n / 63);
        assert_int_equal(first, 1024 + n % 63 * 1024);
        struct nat_addr back;
        assert_true(nat_deterministic_subscriber(&p, outside, (uint16_t)(first + n), &back));
        assert_memory_equal(&back, &inside, sizeof(back));
    }
    struct nat_addr nobody;
    assert_false(nat_deterministic_subscriber(&p, 0xc0000200, 1023, &nobody));
    assert_false(nat_deterministic_subscriber(&p, 0xc0000204, 1024 + 4 * 1024, &nobody));
    assert_false(nat_deterministic_subscriber(&p, 0xc0000208, 1024, &nobody));
    nat_policy_done(&p);
}

static void test_where_finds_values(void **state)
{
    (void)state;
    uint32_t line = 0;
    uint32_t column = 0;
    assert_true(sl_yaml_where(full, strlen(full), "forwards[2].inside", &line, &column));
    assert_int_equal(line, 22);
    assert_int_equal(column, 35);
    assert_true(sl_yaml_where(full, strlen(full), "nat64.mtu", &line, &column));
    assert_int_equal(line, 5);
    assert_false(sl_yaml_where(full, strlen(full), "forwards[3]", &line, &column));
    assert_false(sl_yaml_where(full, strlen(full), "nothing.here", &line, &column));
    assert_false(sl_yaml_where("{", 1, "a", &line, &column));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_of_every_key),
        cmocka_unit_test(test_file_faults_name_line_column_and_word),
        cmocka_unit_test(test_read_refuses_what_does_not_fit_together),
        cmocka_unit_test(test_read_of_cut_and_changed_bytes),
        cmocka_unit_test(test_deterministic_allocation_by_hand),
        cmocka_unit_test(test_where_finds_values),
    };
    return cmocka_run_group_tests_name("nat/policy", tests, NULL, NULL);
}
