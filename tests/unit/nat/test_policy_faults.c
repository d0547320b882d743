/* SPDX-License-Identifier: Apache-2.0 */
/* Every fault of a NAT policy: in a file it is told with line, column, key and word; in compiled
 * bytes with which item it is, and its value. */
#include <unistd.h>

#include "bed.h"
#include "nat/policy.h"
#include "policy/nat_file.h"
#include "policy/policy.h"
#include "safelib/bytes.h"
#include "unit.h"

#define INSIDE "inside: [10.0.0.0/8]\n"
#define PLAIN  INSIDE "outside: {addresses: [192.0.2.1]}\n"
#define FORWARD                                                                                    \
    PLAIN "forwards:\n- {protocol: tcp, outside: \"192.0.2.1:1-5\", inside: \"10.0.0.1:1-5\"}\n"

static void compile(const char *yaml, const char *want)
{
    char path[] = "/tmp/nat_policy_XXXXXX";
    int file = mkstemp(path);
    struct sl_policy policy;
    struct sl_err err = {0};
    size_t size = strlen(yaml);
    assert_true(file >= 0);
    assert_int_equal(write(file, yaml, size), size);
    (void)close(file);
    sl_rc rc = sl_policy_compile_nat(path, &policy, &err);
    (void)unlink(path);
    if (rc == SL_OK) {
        sl_policy_done(&policy);
        fail_msg("taken: %s", yaml);
    }
    if (strncmp(err.text, path, strlen(path)) != 0 || strstr(err.text, want) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", err.text, want);
    }
}

/* What nat.yaml's own values are wrong with. */
static void test_values_are_told_with_line_column_key_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *want;
    } table[] = {
        {"inside: [10.0.0.1/8]\noutside: {addresses: [192.0.2.1]}\n",
         "line 1, column 10: inside[0]: `10.0.0.1/8`: "},
        {"inside: [10.0.0.0/8, ten]\noutside: {addresses: [192.0.2.1]}\n",
         "line 1, column 22: inside[1]: `ten`: "},
        {"inside: [\"2001:db8::/32\"]\noutside: {addresses: [192.0.2.1]}\n",
         "line 1, column 10: inside[0]: `2001:db8::/32`: is IPv6: expected `nat64:"},
        {"inside: [10.0.0.0/8, 10.1.0.0/16]\noutside: {addresses: [192.0.2.1]}\n",
         "line 1, column 22: inside[1]: `10.1.0.0/16`: overlaps `10.0.0.0/8`"},
        {"inside: [10.1.0.0/16, 10.0.0.0/8]\noutside: {addresses: [192.0.2.1]}\n",
         "line 1, column 23: inside[1]: `10.0.0.0/8`: overlaps `10.1.0.0/16`"},
        {INSIDE "outside: {addresses: [192.0.2.300]}\n",
         "line 2, column 23: outside.addresses[0]: `192.0.2.300`: "},
        {INSIDE "outside: {addresses: [\"2001:db8::1\"]}\n",
         "line 2, column 23: outside.addresses[0]: `2001:db8::1`: expected IPv4"},
        {INSIDE "outside: {addresses: [192.0.2-192.0.2.3]}\n",
         "line 2, column 23: outside.addresses[0]: `192.0.2-192.0.2.3`: expected an IPv4 address "
         "before the dash"},
        {INSIDE "outside: {addresses: [192.0.2.9-192.0.2.3]}\n",
         "line 2, column 23: outside.addresses[0]: `192.0.2.9-192.0.2.3`: expected an IPv4 address "
         "behind the dash, not below the first"},
        {INSIDE "outside: {addresses: [192.0.2.0/24, 192.0.3.0]}\n",
         "line 2, column 37: outside.addresses[1]: `192.0.3.0`: with it there are 257 addresses"},
        {INSIDE "outside: {addresses: [192.0.2.0/30, 192.0.2.3]}\n",
         "line 2, column 37: outside.addresses[1]: `192.0.2.3`: overlaps `192.0.2.0/30`"},
        {INSIDE "outside: {addresses: [192.0.2.1], ports: 0-9}\n",
         "line 2, column 42: outside.ports: `0-9`: expected ports from 1 to 65535"},
        {INSIDE "outside: {addresses: [192.0.2.1], ports: 9-8}\n",
         "line 2, column 42: outside.ports: `9-8`: expected ports from 1 to 65535"},
        {PLAIN "nat64: {prefix: \"64:ff9b::/95\"}\n",
         "line 3, column 17: nat64.prefix: `64:ff9b::/95`: expected an IPv6 prefix of 32"},
        {PLAIN "nat64: {prefix: \"64:ff9b::1/96\"}\n",
         "line 3, column 17: nat64.prefix: `64:ff9b::1/96`: "},
        {PLAIN "nat64: {prefix: \"64:ff9b::/96\", mtu: 1000}\n",
         "line 3, column 38: nat64.mtu: `1000`: expected 1280 to 65535 (RFC 8200 5)"},
        {PLAIN "nat64: {prefix: \"64:ff9b::/96\", mtu: 0}\n",
         "line 3, column 38: nat64.mtu: `0`: expected 1280 to 65535"},
        {PLAIN "timeouts: {udp: soon}\n",
         "line 3, column 17: timeouts.udp: `soon`: expected a time of 1 s to 7 days"},
        {PLAIN "timeouts: {icmp: 8d}\n",
         "line 3, column 18: timeouts.icmp: `8d`: expected a time of 1 s to 7 days"},
        {PLAIN "timeouts: {udp: 1m}\n",
         "line 3, column 17: timeouts.udp: `1m`: RFC 4787 REQ-5: not below 120 s"},
        {PLAIN "timeouts: {tcp_established: 2h}\n",
         "line 3, column 29: timeouts.tcp_established: `2h`: RFC 5382 REQ-5: not below 7440 s"},
        {PLAIN "timeouts: {tcp_transitory: 6s}\n",
         "line 3, column 28: timeouts.tcp_transitory: `6s`: RFC 5382 REQ-5: not below 240 s"},
        {PLAIN "timeouts: {icmp: 59}\n",
         "line 3, column 18: timeouts.icmp: `59`: RFC 5508 REQ-2: not below 60 s"},
        {PLAIN "limits: {mappings: 99999999}\n",
         "line 3, column 20: limits.mappings: `99999999`: expected 1 to 4194304"},
        {PLAIN "limits: {mappings: 0}\n", "line 3, column 20: limits.mappings: `0`: expected 1 to"},
        {PLAIN "limits: {subscribers: 99999999}\n",
         "line 3, column 23: limits.subscribers: `99999999`: expected 1 to 1048576"},
        {PLAIN "limits: {subscribers: 0}\n",
         "line 3, column 23: limits.subscribers: `0`: expected 1 to 1048576"},
        {PLAIN "subscriber: {ipv4: 33}\n",
         "line 3, column 20: subscriber.ipv4: `33`: expected 0 to 32 bits"},
        {PLAIN "subscriber: {ipv6: 129}\n",
         "line 3, column 20: subscriber.ipv6: `129`: expected 0 to 128 bits"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        compile(table[i].yaml, table[i].want);
    }
}

/* What only the whole shows: keys that do not fit together. */
static void test_contradictions_are_told_with_line_column_key_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *want;
    } table[] = {
        {PLAIN "allocation: {block_size: 64}\n",
         "line 3, column 26: allocation.block_size: `64`: means nothing with method dynamic"},
        {PLAIN "allocation: {blocks_per_subscriber: 2}\n",
         "line 3, column 37: allocation.blocks_per_subscriber: `2`: means something with method "
         "port_block only"},
        {PLAIN "allocation:\n  method: deterministic\n  blocks_per_subscriber: 2\n",
         "line 5, column 26: allocation.blocks_per_subscriber: `2`: means something with"},
        {PLAIN "allocation: {method: port_block, block_size: 8}\n",
         "line 3, column 46: allocation.block_size: `8`: expected 16 to 32768 ports"},
        {PLAIN "allocation: {method: port_block, block_size: 0}\n",
         "line 3, column 46: allocation.block_size: `0`: expected 16 to 32768 ports"},
        {PLAIN "allocation: {method: port_block, blocks_per_subscriber: 9}\n",
         "line 3, column 57: allocation.blocks_per_subscriber: `9`: expected 1 to 8"},
        {PLAIN "allocation: {method: port_block, blocks_per_subscriber: 0}\n",
         "line 3, column 57: allocation.blocks_per_subscriber: `0`: expected 1 to 8"},
        {INSIDE "outside: {addresses: [192.0.2.1], ports: 1024-1100}\n"
                "allocation: {method: port_block, block_size: 128}\n",
         "line 3, column 46: allocation.block_size: `128`: more than the 77 ports of an address"},
        {INSIDE "outside: {addresses: [192.0.2.1], ports: 1024-1100}\n"
                "allocation: {method: port_block}\n",
         "line 2, column 42: outside.ports: `1024-1100`: 77 ports: no block of 512"},
        {PLAIN "allocation:\n  block_size: 1024\n  method: deterministic\n",
         "line 5, column 11: allocation.method: `deterministic`: 16777216 subscribers and room for "
         "63 (63 on each of 1 outside addresses)"},
        {"inside: [10.0.0.0/24, 10.1.0.0/30]\noutside: {addresses: [192.0.2.1]}\n"
         "subscriber: {ipv4: 28}\nallocation: {method: deterministic}\n",
         "line 1, column 23: inside[1]: `10.1.0.0/30`: with method deterministic: expected 1 to "
         "2^32 whole subscribers of /28"},
        {"inside: [\"2001:db8::/29\"]\noutside: {addresses: [192.0.2.1]}\n"
         "nat64: {prefix: \"64:ff9b::/96\"}\nallocation: {method: deterministic}\n",
         "line 1, column 10: inside[0]: `2001:db8::/29`: with method deterministic: expected 1 to "
         "2^32 whole subscribers of /64"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        compile(table[i].yaml, table[i].want);
    }
}

static void test_forwards_are_told_with_line_column_key_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *want;
    } table[] = {
        {PLAIN "forwards: [{protocol: sctp, outside: \"192.0.2.1:1\", inside: \"10.0.0.1:1\"}]\n",
         "line 3, column 23: forwards[0].protocol: `sctp`: expected tcp or udp"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1\", inside: \"10.0.0.1:1\"}]\n",
         "line 3, column 37: forwards[0].outside: `192.0.2.1`: expected an IPv4 address with "
         "ports"},
        {PLAIN "forwards: [{outside: \"192.0.2.7:80\", inside: 10.0.0.1}]\n",
         "line 3, column 22: forwards[0].outside: `192.0.2.7:80`: expected an IPv4 address; for "
         "ports say a protocol"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1\", inside: \"10.0.0.1\"}]\n",
         "line 3, column 60: forwards[0].inside: `10.0.0.1`: expected an address with ports"},
        {PLAIN "forwards: [{outside: 192.0.2.7, inside: here}]\n",
         "line 3, column 41: forwards[0].inside: `here`: expected an address"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1-2\", inside: \"10.0.0.1:1\"}]\n",
         "line 3, column 62: forwards[0].inside: `10.0.0.1:1`: expected as many ports as outside "
         "(2)"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.9:1\", inside: \"10.0.0.1:1\"}]\n",
         "line 3, column 37: forwards[0].outside: `192.0.2.9:1`: is none of outside.addresses"},
        {PLAIN "forwards: [{outside: 192.0.2.1, inside: 10.0.0.1}]\n",
         "line 3, column 22: forwards[0].outside: `192.0.2.1`: is one of outside.addresses"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1\", inside: \"11.0.0.1:1\"}]\n",
         "line 3, column 60: forwards[0].inside: `11.0.0.1:1`: is in none of the prefixes of "
         "`inside`"},
        {FORWARD "- {protocol: tcp, outside: \"192.0.2.1:5\", inside: \"10.0.0.1:9\"}\n",
         "line 5, column 28: forwards[1].outside: `192.0.2.1:5`: is forwarded already, by number 1 "
         "of the list"},
        {FORWARD "- {protocol: tcp, outside: \"192.0.2.1:9\", inside: \"10.0.0.1:3\"}\n",
         "line 5, column 51: forwards[1].inside: `10.0.0.1:3`: is led to already, by number 1 of "
         "the list"},
        {PLAIN "forwards:\n- {outside: 192.0.2.7, inside: 10.0.0.1}\n"
               "- {outside: 192.0.2.8, inside: 10.0.0.1}\n",
         "line 5, column 32: forwards[1].inside: `10.0.0.1`: is led to already, by number 1"},
        {PLAIN "forwards:\n- {outside: 192.0.2.7, inside: 10.0.0.1}\n"
               "- {outside: 192.0.2.7, inside: 10.0.0.2}\n",
         "line 5, column 13: forwards[1].outside: `192.0.2.7`: is forwarded already, by number 1"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        compile(table[i].yaml, table[i].want);
    }
}

/* What libcyaml finds: it has words of its own for it, with the same in them. */
static void test_form_is_told_with_line_and_word(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *line, *word;
    } table[] = {
        {PLAIN "mapping: symmetric\n", "line: 3, column: 10", "symmetric"},
        {PLAIN "allocation: {method: random}\n", "line: 3, column: 22", "random"},
        {PLAIN "hairpinning: perhaps\n", "line: 3, column: 14", "perhaps"},
        {PLAIN "limits: {mappings: many}\n", "line: 3, column: 20", "many"},
        {PLAIN "limits: {mappings: -1}\n", "line: 3, column: 20", "-1"},
        {PLAIN "limits: {sessions_per_mapping: -1}\n", "line: 3, column: 32", "-1"},
        {PLAIN "limits: {tcp_mappings_per_subscriber: many}\n", "line: 3, column: 39", "many"},
        {PLAIN "identification: mine\n", "line: 3, column: 17", "mine"},
        {PLAIN "subscriber: {ipv4: wide}\n", "line: 3, column: 20", "wide"},
        {PLAIN "colour: red\n", "line: 3, column: 1", "colour"},
        {PLAIN "nat64: {mtu: 1500, colour: red}\n", "line: 3, column: 20", "colour"},
        {PLAIN "ttl: keep\nttl: keep\n", "line: 4, column: 1", "ttl"},
        {"outside: {addresses: [192.0.2.1]}\n", "inside", "inside"},
        {INSIDE, "outside", "outside"},
        {INSIDE "outside: {addresses: []}\n", "line: 2", "addresses"},
        {PLAIN "forwards: [{protocol: tcp, outside: \"192.0.2.1:1\"}]\n", "line: 3", "inside"},
        {PLAIN "mapping: {\n", "line", ""},
        {"", "empty", ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        compile(table[i].yaml, table[i].line);
        compile(table[i].yaml, table[i].word);
    }
}

/* ---- compiled bytes ---- */

/* Offsets in what `compiled` becomes: nat/format.h. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_FLAGS = 6,
    AT_MAPPING = 8,
    AT_FILTERING = 9,
    AT_ALLOCATION = 10,
    AT_PREFIX_BITS = 11,
    AT_PREFIX = 12,
    AT_PORTS = 28,
    AT_BLOCK_SIZE = 32,
    AT_BLOCKS = 36,
    AT_MAPPINGS = 52,
    AT_SUBSCRIBERS = 56,
    AT_UDP = 64,
    AT_ICMP = 76,
    AT_MTU = 80,
    AT_BITS4 = 82,
    AT_BITS6 = 83,
    AT_INSIDES = 84, /* count; two of 17 bytes */
    AT_INSIDE1 = AT_INSIDES + 2 + 17,
    AT_OUTSIDES = AT_INSIDE1 + 17, /* count; two of 8 */
    AT_OUTSIDE1 = AT_OUTSIDES + 2 + 8,
    AT_FORWARDS = AT_OUTSIDE1 + 8, /* count; two of 27 */
    AT_FORWARD1 = AT_FORWARDS + 2 + 27,
    COMPILED = AT_FORWARD1 + 27,
};

static const char *const compiled =
    "inside: [10.0.0.0/16, 10.2.0.0/16]\n"
    "outside: {addresses: [192.0.2.0/31, 192.0.2.8/31]}\n"
    "allocation: {method: port_block}\n"
    "forwards:\n"
    "- {protocol: tcp, outside: \"192.0.2.1:80\", inside: \"10.0.0.5:8080\"}\n"
    "- {protocol: tcp, outside: \"192.0.2.1:90\", inside: \"10.0.0.5:8090\"}\n";

static void test_compiled_faults_name_what_they_are_about(void **state)
{
    (void)state;
    static const struct {
        uint32_t at, size;
        uint64_t value;
        sl_rc rc;
        const char *want;
    } table[] = {
        {AT_MAGIC, 4, 0x12345678, SL_MALFORMED, "starts with 12345678, expected \"SLNT\""},
        {AT_FORMAT, 2, 9, SL_UNSUPPORTED, "format 9, this image reads 2"},
        {AT_FLAGS, 2, 0x8000, SL_UNSUPPORTED, "flags 8000"},
        {AT_MAPPING, 1, 3, SL_UNSUPPORTED, "mapping 3"},
        {AT_FILTERING, 1, 3, SL_UNSUPPORTED, "filtering 3"},
        {AT_ALLOCATION, 1, 3, SL_UNSUPPORTED, "allocation 3"},
        {AT_PREFIX_BITS, 1, 33, SL_RANGE, "NAT64 prefix of 33 bits"},
        {AT_PREFIX + 8, 1, 1, SL_RANGE, "NAT64 prefix of 0 bits"},
        {AT_PORTS, 2, 0, SL_RANGE, "ports 0-65535: expected 1 to 65535"},
        {AT_PORTS, 4, 0x04000001, SL_RANGE, "ports 1024-1: expected 1 to 65535"},
        {AT_BLOCK_SIZE, 4, 15, SL_RANGE, "port blocks of 15: expected 16 to 32768"},
        {AT_BLOCK_SIZE, 4, 32769, SL_RANGE, "port blocks of 32769"},
        {AT_PORTS, 4, 0x04000410, SL_RANGE,
         "port blocks of 512: expected 16 to 32768, and no more "
         "than the 17 ports"},
        {AT_BLOCKS, 4, 0, SL_RANGE, "0 port blocks per subscriber: expected 1 to 8"},
        {AT_BLOCKS, 4, 9, SL_RANGE, "9 port blocks per subscriber"},
        {AT_MAPPINGS, 4, 0, SL_RANGE, "room for 0 mappings"},
        {AT_SUBSCRIBERS, 4, UINT32_MAX, SL_RANGE, "of 4294967295 subscribers"},
        {AT_UDP, 4, 999, SL_RANGE, "timeout of 999 ms: expected 1 s to 7 days"},
        {AT_ICMP, 4, 604800001, SL_RANGE, "timeout of 604800001 ms"},
        {AT_MTU, 2, 1279, SL_RANGE, "MTU 1279"},
        {AT_BITS4, 1, 33, SL_RANGE, "subscriber prefixes of 33"},
        {AT_BITS6, 1, 129, SL_RANGE, "129 bits: out of range"},
        {AT_INSIDES, 2, 0, SL_RANGE, "0 inside prefixes: expected 1 to 256"},
        {AT_INSIDES, 2, 257, SL_RANGE, "257 inside prefixes"},
        {AT_INSIDE1, 1, 129, SL_MALFORMED, "inside prefix 1: expected ascending, disjoint"},
        {AT_INSIDE1 + 14, 1, 0, SL_MALFORMED, "inside prefix 1: expected ascending, disjoint"},
        {AT_INSIDE1 + 16, 1, 1, SL_MALFORMED, "inside prefix 1: expected ascending, disjoint"},
        {AT_INSIDE1 + 1, 1, 1, SL_MALFORMED, "inside prefix 1 is IPv6 and there is no NAT64"},
        {AT_OUTSIDES, 2, 0, SL_RANGE, "0 outside ranges: expected 1 to 256"},
        {AT_OUTSIDES, 2, 257, SL_RANGE, "257 outside ranges"},
        {AT_OUTSIDE1, 4, 0xc0000209 + 1, SL_MALFORMED, "outside range 1: expected ascending"},
        {AT_OUTSIDE1, 4, 0xc0000201, SL_MALFORMED, "outside range 1: expected ascending"},
        {AT_OUTSIDE1 + 4, 4, 0xc0000400, SL_RANGE, "more than 256 outside addresses"},
        {AT_ALLOCATION, 1, 2, SL_RANGE,
         "deterministic: 131072 subscribers and room for 504 (126 "
         "on each outside address)"},
        {AT_FORWARDS, 2, 4097, SL_RANGE, "4097 forwards: expected at most 4096"},
        {AT_FORWARD1, 1, 1, SL_MALFORMED, "forward 1: expected TCP or UDP ports"},
        {AT_FORWARD1 + 1, 4, 0xc0000209, SL_OK, NULL},
        {AT_FORWARD1 + 1, 4, 0xc0000202, SL_MALFORMED, "forward 1: expected TCP or UDP ports"},
        {AT_FORWARD1 + 7, 2, 0, SL_MALFORMED, "forward 1: expected TCP or UDP ports"},
        {AT_FORWARD1 + 5, 2, 80, SL_MALFORMED, "forward 1: expected ascending, disjoint"},
        {AT_FORWARD1 + 25, 2, 8080, SL_MALFORMED, "two forwards lead to one inside endpoint"},
    };
    static uint8_t bytes[NAT_BED_POLICY_MAX];
    struct nat_policy p;
    assert_int_equal(nat_bed_compile(compiled, bytes, sizeof(bytes)), COMPILED);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint8_t changed[COMPILED];
        char reason[200] = "";
        memcpy(changed, bytes, COMPILED);
        for (uint32_t k = 0; k < table[i].size; k++) {
            changed[table[i].at + k] = (uint8_t)(table[i].value >> 8 * (table[i].size - 1 - k));
        }
        sl_rc rc = nat_policy_read(changed, COMPILED, &p, reason, sizeof(reason));
        if (rc == SL_OK) {
            nat_policy_done(&p);
        }
        if (rc != table[i].rc || (rc != SL_OK && strstr(reason, table[i].want) == NULL)) {
            fail_msg("%zu: %s: \"%s\" has no \"%s\"", i, sl_rc_text(rc), reason, table[i].want);
        }
    }
}

/* Cut anywhere: in which part, and after how many bytes. */
static void test_compiled_policy_that_is_cut_says_where(void **state)
{
    (void)state;
    static const struct {
        uint32_t size;
        const char *part;
    } table[] = {{0, "header"},
                 {AT_PORTS + 3, "header"},
                 {AT_MTU, "header"},
                 {AT_INSIDES + 1, "inside prefixes"},
                 {AT_INSIDE1 + 3, "inside prefixes"},
                 {AT_OUTSIDES + 1, "outside ranges"},
                 {AT_OUTSIDE1 + 7, "outside ranges"},
                 {AT_FORWARDS + 1, "forwards"},
                 {AT_FORWARD1, "forwards"}};
    static uint8_t bytes[NAT_BED_POLICY_MAX];
    struct nat_policy p;
    char reason[200];
    assert_int_equal(nat_bed_compile(compiled, bytes, sizeof(bytes)), COMPILED);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_rc(nat_policy_read(bytes, table[i].size, &p, reason, sizeof(reason)), SL_TRUNCATED);
        if (strncmp(reason, table[i].part, strlen(table[i].part)) != 0 ||
            strstr(reason, " at byte ") == NULL) {
            fail_msg("%u bytes: \"%s\" is not about \"%s\"", table[i].size, reason, table[i].part);
        }
    }
    bytes[COMPILED] = 0;
    assert_rc(nat_policy_read(bytes, COMPILED + 1, &p, reason, sizeof(reason)), SL_MALFORMED);
    assert_string_equal(reason, "1 bytes after the last forward");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_told_with_line_column_key_and_word),
        cmocka_unit_test(test_contradictions_are_told_with_line_column_key_and_word),
        cmocka_unit_test(test_forwards_are_told_with_line_column_key_and_word),
        cmocka_unit_test(test_form_is_told_with_line_and_word),
        cmocka_unit_test(test_compiled_faults_name_what_they_are_about),
        cmocka_unit_test(test_compiled_policy_that_is_cut_says_where),
    };
    return cmocka_run_group_tests_name("nat/policy_faults", tests, NULL, NULL);
}
