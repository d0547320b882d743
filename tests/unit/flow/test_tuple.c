/* SPDX-License-Identifier: Apache-2.0 */
/* Tuples of packets and of what ICMP errors are about; hashes; checksums. */
#include "base/bytes.h"
#include "flow/steer.h"
#include "flow/tuple.h"
#include "rig.h"
#include "safelib/checksum.h"
#include "unit.h"

static uint8_t buffer[FLOW_RIG_ROOM];
static struct sl_packet packet;

static sl_rc tuple_of(const struct flow_spec *spec, struct sl_flow_tuple *tuple, bool *is_error)
{
    flow_packet_make(spec, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
    return sl_flow_tuple_of(&packet, tuple, is_error);
}

static const struct flow_spec specs[] = {
    {.src = "10.0.0.1", .sport = 4000, .dst = "192.0.2.1", .dport = 53, .proto = 17, .payload = 9},
    {.src = "10.0.0.1",
     .sport = 4000,
     .dst = "192.0.2.1",
     .dport = 80,
     .proto = 6,
     .flags = FLOW_SYN},
    {.src = "10.0.0.1", .sport = 77, .dst = "192.0.2.1", .proto = 1, .icmp_type = 8, .payload = 20},
    {.src = "10.0.0.1", .sport = 77, .dst = "192.0.2.1", .proto = 1, .icmp_type = 13},
    {.src = "10.0.0.1", .dst = "192.0.2.1", .proto = 47, .payload = 20},
    {.src = "2001:db8::1", .sport = 4000, .dst = "2001:db8::2", .dport = 53, .proto = 17},
    {.src = "2001:db8::1", .sport = 4000, .dst = "2001:db8::2", .dport = 443, .proto = 6},
    {.src = "2001:db8::1", .sport = 9, .dst = "2001:db8::2", .proto = 58, .icmp_type = 128},
    {.src = "2001:db8::2", .sport = 9, .dst = "2001:db8::2", .proto = 58, .icmp_type = 128},
    {.src = "10.0.0.1", .sport = 5, .dst = "10.0.0.1", .dport = 5, .proto = 17},
};
enum { SPECS = sizeof(specs) / sizeof(specs[0]) };

/* Steering hashes IPv4 packets with ports without a tuple. */
static void test_steering_hashes_the_tuple(void **state)
{
    (void)state;
    struct sl_flow_hash_key key;
    assert_ok(sl_flow_hash_key_make(&key));
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t addresses[8];
        for (uint32_t k = 0; k < sizeof(addresses); k++) {
            addresses[k] = (uint8_t)(i * 37 + k * 11 * i);
        }
        const struct sl_packet one = {.ip_version = 4,
                                      .proto = i % 2 == 0 ? 6 : 17,
                                      .has = SL_PKT_HAS_PORTS,
                                      .sport = (uint16_t)(i * 7919),
                                      .dport = (uint16_t)(i * 104729),
                                      .src = addresses,
                                      .dst = addresses + 4};
        struct sl_flow_tuple tuple;
        bool is_error;
        assert_ok(sl_flow_tuple_of(&one, &tuple, &is_error));
        uint64_t hash = sl_flow_tuple_hash(&key, &tuple);
        assert_int_equal(sl_flow_steer(&key, &one, 0x10000), hash >> 48);
    }
}

static void test_tuple_other_direction_is_turned_and_hashes_alike(void **state)
{
    (void)state;
    struct sl_flow_hash_key key;
    assert_ok(sl_flow_hash_key_make(&key));
    uint64_t hashes[SPECS];
    for (uint32_t i = 0; i < SPECS; i++) {
        struct sl_flow_tuple there;
        struct sl_flow_tuple back;
        struct flow_spec turned = flow_spec_turn(&specs[i]);
        bool is_error = true;
        assert_ok(tuple_of(&specs[i], &there, &is_error));
        assert_false(is_error);
        assert_ok(tuple_of(&turned, &back, &is_error));
        struct sl_flow_tuple again = sl_flow_turn(&there);
        assert_memory_equal(&again, &back, sizeof(back));
        again = sl_flow_turn(&again);
        assert_memory_equal(&again, &there, sizeof(there));
        hashes[i] = sl_flow_tuple_hash(&key, &there);
        assert_true(hashes[i] == sl_flow_tuple_hash(&key, &back));
        for (uint32_t k = 0; k < i; k++) {
            assert_true(hashes[k] != hashes[i]);
        }
    }
}

static void test_tuple_fields_are_those_of_the_packet(void **state)
{
    (void)state;
    struct sl_flow_tuple tuple;
    bool is_error;
    assert_ok(tuple_of(&specs[0], &tuple, &is_error));
    assert_int_equal(tuple.sport, 4000);
    assert_int_equal(tuple.dport, 53);
    assert_int_equal(tuple.proto, 17);
    assert_int_equal(tuple.ip_version, 4);
    assert_memory_equal(tuple.src, "\x0a\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_ok(tuple_of(&specs[7], &tuple, &is_error));
    assert_int_equal(tuple.sport, 9);
    assert_int_equal(tuple.dport, 9);
    assert_int_equal(tuple.icmp_type, 128);
    struct sl_flow_tuple turned = sl_flow_turn(&tuple);
    assert_int_equal(turned.icmp_type, 129);
}

static void test_tuple_of_error_is_of_the_packet_inside_turned(void **state)
{
    (void)state;
    static const uint8_t types4[] = {3, 4, 5, 11, 12};
    static const uint8_t types6[] = {1, 2, 3, 4};
    for (uint32_t i = 0; i < SPECS; i++) {
        bool is_6 = strchr(specs[i].src, ':') != NULL;
        struct flow_spec about = specs[i];
        about.payload = about.payload < 8 ? 8 : about.payload;
        for (uint32_t k = 0; k < (is_6 ? sizeof(types6) : sizeof(types4)); k++) {
            const struct flow_spec error = {.src = is_6 ? "2001:db8::99" : "192.0.2.99",
                                            .dst = specs[i].src,
                                            .proto = is_6 ? 58 : 1,
                                            .icmp_type = is_6 ? types6[k] : types4[k],
                                            .about = &about};
            struct sl_flow_tuple inner;
            struct sl_flow_tuple tuple;
            bool is_error = false;
            assert_ok(tuple_of(&about, &inner, &is_error));
            assert_ok(tuple_of(&error, &tuple, &is_error));
            assert_true(is_error);
            struct sl_flow_tuple turned = sl_flow_turn(&inner);
            assert_memory_equal(&tuple, &turned, sizeof(turned));
        }
    }
}

static void test_tuple_of_error_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        const struct flow_spec *about = &specs[i == 0 ? 0 : 5];
        const struct flow_spec error = {.src = i == 0 ? "192.0.2.99" : "2001:db8::99",
                                        .dst = about->src,
                                        .proto = i == 0 ? 1 : 58,
                                        .icmp_type = i == 0 ? 3 : 1,
                                        .about = about};
        struct sl_flow_tuple tuple;
        bool is_error;
        assert_ok(tuple_of(&error, &tuple, &is_error));
        uint32_t header = packet.l4_off;
        uint32_t needed = header + 8 + (i == 0 ? 20 : 40) + 8;
        for (uint32_t size = header + 8; size < needed; size++) {
            packet.size = size;
            assert_rc(sl_flow_tuple_of(&packet, &tuple, &is_error), SL_TRUNCATED);
            assert_true(is_error);
        }
        packet.size = needed;
        assert_ok(sl_flow_tuple_of(&packet, &tuple, &is_error));
    }
}

static void test_tuple_of_what_was_made_up_is_refused(void **state)
{
    (void)state;
    struct sl_flow_tuple tuple;
    bool is_error;
    struct flow_spec error = {
        .src = "192.0.2.99", .dst = "10.0.0.2", .proto = 1, .icmp_type = 3, .about = &specs[0]};
    /* not to the sender of what it is about */
    assert_rc(tuple_of(&error, &tuple, &is_error), SL_MALFORMED);
    /* an error about an error */
    error.dst = "10.0.0.1";
    struct flow_spec second = {
        .src = "192.0.2.98", .dst = "192.0.2.99", .proto = 1, .icmp_type = 3, .about = &error};
    assert_rc(tuple_of(&second, &tuple, &is_error), SL_MALFORMED);
    /* about a later fragment */
    assert_ok(tuple_of(&error, &tuple, &is_error));
    sl_be16_put(packet.data + 28 + 6, 1);
    assert_rc(sl_flow_tuple_of(&packet, &tuple, &is_error), SL_MALFORMED);
    /* a version inside that is not that outside */
    packet.data[28] = 0x65;
    assert_rc(sl_flow_tuple_of(&packet, &tuple, &is_error), SL_MALFORMED);
}

static void test_tuple_of_neighbours_and_listeners_is_none(void **state)
{
    (void)state;
    static const uint8_t types[] = {130, 131, 132, 133, 134, 135, 136, 143};
    for (uint32_t i = 0; i < sizeof(types); i++) {
        const struct flow_spec spec = {
            .src = "fe80::1", .dst = "ff02::1", .proto = 58, .icmp_type = types[i]};
        struct sl_flow_tuple tuple;
        bool is_error;
        assert_rc(tuple_of(&spec, &tuple, &is_error), SL_UNSUPPORTED);
    }
    const struct flow_spec odd = {
        .src = "10.0.0.1", .dst = "192.0.2.1", .proto = 1, .icmp_type = 9};
    struct sl_flow_tuple tuple;
    bool is_error;
    assert_rc(tuple_of(&odd, &tuple, &is_error), SL_MALFORMED);
}

static void test_checksum_good_and_bad(void **state)
{
    (void)state;
    static const uint32_t payloads[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 100, 127, 128, 129, 500, 1400};
    for (uint32_t i = 0; i < SPECS; i++) {
        for (uint32_t k = 0; k < sizeof(payloads) / sizeof(payloads[0]); k++) {
            struct flow_spec spec = specs[i];
            spec.payload = payloads[k];
            flow_packet_make(&spec, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
            assert_true(sl_flow_checksum_is_good(&packet));
            assert_true(sl_flow_checksum_is_good(&packet)); /* remembered */
            if (spec.proto == 47) {
                continue;
            }
            spec.is_checksum_bad = true;
            flow_packet_make(&spec, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
            assert_false(sl_flow_checksum_is_good(&packet));
            assert_false(sl_flow_checksum_is_good(&packet));
        }
    }
    struct flow_spec none = specs[0];
    none.has_no_checksum = true;
    flow_packet_make(&none, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
    assert_true(sl_flow_checksum_is_good(&packet));
    flow_packet_make(&none, SL_PORT_LAN, buffer, sizeof(buffer), &packet);
    sl_be16_put(packet.data + packet.l4_off + 4, 7); /* UDP length below its header */
    assert_false(sl_flow_checksum_is_good(&packet));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tuple_other_direction_is_turned_and_hashes_alike),
        cmocka_unit_test(test_steering_hashes_the_tuple),
        cmocka_unit_test(test_tuple_fields_are_those_of_the_packet),
        cmocka_unit_test(test_tuple_of_error_is_of_the_packet_inside_turned),
        cmocka_unit_test(test_tuple_of_error_cut_anywhere_is_refused),
        cmocka_unit_test(test_tuple_of_what_was_made_up_is_refused),
        cmocka_unit_test(test_tuple_of_neighbours_and_listeners_is_none),
        cmocka_unit_test(test_checksum_good_and_bad),
    };
    return cmocka_run_group_tests_name("flow/tuple", tests, NULL, NULL);
}
