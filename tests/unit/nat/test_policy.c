/* SPDX-License-Identifier: Apache-2.0 */
/* The NAT's policy: what a person is told of a wrong file, and what the image takes of any bytes.
 */
#include "bed.h"
#include "files/yaml_file.h"
#include "nat/policy.h"
#include "nat/store.h"
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
    "limits: {mappings: 1000, subscribers: 100, mappings_per_subscriber: 10, "
    "udp_mappings_per_subscriber: 20, icmp_mappings_per_subscriber: 0, sessions_per_mapping: 30}\n"
    "timeouts: {udp: 2m, tcp_established: 2h4m, tcp_transitory: 240s, icmp: 61}\n"
    "port_preservation: false\nport_parity: false\nport_range_preservation: true\n"
    "hairpinning: false\ninbound_refresh: true\npooling: arbitrary\nunmatched: pass\n"
    "ttl: decrement\nexhausted: drop\n"
    "forwards:\n"
    "  - {protocol: tcp, outside: \"192.0.2.1:80\", inside: \"[2001:db8::5]:8080\"}\n"
    "  - {protocol: udp, outside: \"192.0.2.1:5000-5009\", inside: \"10.0.0.6:6000-6009\"}\n"
    "  - {outside: 100.64.0.1, inside: 10.0.0.7}\n"
    "identification: own\n";

static void test_policy_of_every_key(void **state)
{
    (void)state;
    static uint8_t bytes[NAT_BED_POLICY_MAX];
    struct nat_policy p;
    char reason[200] = "";
    uint32_t size = nat_bed_compile(full, bytes, sizeof(bytes));
    assert_ok(nat_policy_read(bytes, size, &p, reason, sizeof(reason)));
    assert_int_equal(p.flags, SL_NAT_PORT_RANGE | SL_NAT_INBOUND_REFRESH | SL_NAT_PASS_UNMATCHED |
                                  SL_NAT_DECREMENT_TTL | SL_NAT_ANY_ADDRESS64 | SL_NAT_OWN_ID);
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
    assert_int_equal(p.mappings_per_subscriber[NAT_TCP], 10);
    assert_int_equal(p.mappings_per_subscriber[NAT_UDP], 20);
    assert_int_equal(p.mappings_per_subscriber[NAT_ICMP], 0);
    assert_int_equal(p.sessions_per_mapping, 30);
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

static void test_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct sl_policy policy;
    struct sl_err err = {0};
    assert_int_not_equal(sl_policy_compile_nat("/nonexistent/x", &policy, &err), SL_OK);
    assert_non_null(strstr(err.text, "/nonexistent/x"));
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
        cmocka_unit_test(test_file_that_is_not_there_is_told),
        cmocka_unit_test(test_read_of_cut_and_changed_bytes),
        cmocka_unit_test(test_deterministic_allocation_by_hand),
        cmocka_unit_test(test_where_finds_values),
    };
    return cmocka_run_group_tests_name("nat/policy", tests, NULL, NULL);
}
