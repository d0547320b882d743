/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter where the network does not take what it has; the records themselves are read back by
 * other programs in interop/ipfix. */
#include "unit.h"

#include <string.h>

#include "flow_monitor/format.h"
#include "flow_monitor/ipfix.h"
#include "safelib/bytes.h"

/* In the place of the chain's own. */
struct sl_emit {
    uint32_t taken, refused, take_max;
    uint32_t last_size;
    uint8_t last[SL_FM_PACKET_MAX];
};

sl_rc sl_emit_packet(struct sl_emit *emit, enum sl_port port, const void *data, uint32_t size)
{
    assert_int_equal(port, SL_PORT_LAN);
    if (emit->taken == emit->take_max) {
        emit->refused++;
        return SL_AGAIN;
    }
    emit->taken++;
    emit->last_size = size;
    memcpy(emit->last, data, size);
    return SL_OK;
}

enum { IPFIX_AT = 28, BOOT_UNIX_MS = 1000000 };

static const struct fm_config config = {.ip_version = 4,
                                        .port = SL_PORT_LAN,
                                        .exporter = {10, 0, 0, 1},
                                        .collector = {192, 0, 2, 1},
                                        .source_port = 4739,
                                        .collector_port = 4739,
                                        .domain = 7,
                                        .active_ms = 60000,
                                        .idle_ms = 15000,
                                        .template_ms = 60000,
                                        .packet_max = 1280};

static void put(struct fm_exporter *exporter, uint8_t ip_version, uint32_t count)
{
    const struct fm_record record = {.packets = 1, .bytes = 100, .proto = 17};
    for (uint32_t i = 0; i < count; i++) {
        fm_exporter_put(exporter, ip_version, &record);
    }
}

static void test_exporter_waits_for_the_time_of_day(void **state)
{
    (void)state;
    struct fm_exporter exporter;
    struct sl_emit emit = {.take_max = 100};
    assert_ok(fm_exporter_init(&exporter, &config));
    put(&exporter, 4, 1);
    fm_exporter_send(&exporter, 5000, 0, &emit);
    assert_int_equal(emit.taken, 0);
    assert_int_equal(exporter.waiting, 1);
    fm_exporter_send(&exporter, 5000, BOOT_UNIX_MS + 5000, &emit);
    assert_int_equal(emit.taken, 2); /* templates, then the record */
    assert_int_equal(exporter.waiting, 0);
    fm_exporter_done(&exporter);
}

static void test_exporter_keeps_what_is_not_taken(void **state)
{
    (void)state;
    struct fm_exporter exporter;
    struct sl_emit emit = {.take_max = 0};
    assert_ok(fm_exporter_init(&exporter, &config));
    put(&exporter, 4, 3);
    fm_exporter_send(&exporter, 1000, BOOT_UNIX_MS, &emit); /* not even the templates go */
    assert_int_equal(emit.refused, 1);
    emit.take_max = 1;
    fm_exporter_send(&exporter, 1100, BOOT_UNIX_MS, &emit); /* the templates go, the records not */
    assert_int_equal(exporter.waiting, 3);
    assert_int_equal(exporter.sequence, 0);
    emit.take_max = 2;
    fm_exporter_send(&exporter, 1200, BOOT_UNIX_MS, &emit);
    assert_int_equal(exporter.waiting, 0);
    assert_int_equal(exporter.records, 3);
    assert_int_equal(exporter.sequence, 3);
    fm_exporter_done(&exporter);
}

static void test_exporter_full_queue_counts_what_is_lost(void **state)
{
    (void)state;
    struct fm_exporter exporter;
    struct sl_emit emit = {.take_max = 100000};
    assert_ok(fm_exporter_init(&exporter, &config));
    put(&exporter, 4, FM_QUEUE_COUNT + 10);
    put(&exporter, 6, FM_QUEUE_COUNT);
    assert_int_equal(exporter.lost, 10);
    for (uint32_t i = 0; i < 100; i++) {
        fm_exporter_send(&exporter, 1000 + i, BOOT_UNIX_MS, &emit);
    }
    assert_int_equal(exporter.records, 2 * FM_QUEUE_COUNT);
    assert_int_equal(exporter.lost, 10);
    fm_exporter_done(&exporter);
}

static void test_exporter_messages_keep_to_their_size_and_count_records(void **state)
{
    (void)state;
    struct fm_exporter exporter;
    struct sl_emit emit = {.take_max = 2};
    assert_ok(fm_exporter_init(&exporter, &config));
    put(&exporter, 6, 1000);
    fm_exporter_send(&exporter, 1000, BOOT_UNIX_MS, &emit);
    uint32_t sent = 0;
    for (uint32_t i = 0; i < 1000 && exporter.waiting > 0; i++) {
        emit.take_max = emit.taken + 1;
        fm_exporter_send(&exporter, 1000, BOOT_UNIX_MS, &emit);
        assert_true(emit.last_size <= config.packet_max);
        assert_int_equal(sl_be16_get(emit.last + 2), emit.last_size);
        assert_int_equal(sl_be16_get(emit.last + IPFIX_AT), 10);
        assert_int_equal(sl_be16_get(emit.last + IPFIX_AT + 2), emit.last_size - IPFIX_AT);
        assert_true(sl_be32_get(emit.last + IPFIX_AT + 8) >= sent);
        sent = sl_be32_get(emit.last + IPFIX_AT + 8);
        assert_int_equal(sl_be32_get(emit.last + IPFIX_AT + 12), 7);
    }
    assert_int_equal(exporter.sequence, 1000);
    fm_exporter_done(&exporter);
}

static void test_exporter_repeats_its_templates(void **state)
{
    (void)state;
    struct fm_exporter exporter;
    struct sl_emit emit = {.take_max = 100};
    assert_ok(fm_exporter_init(&exporter, &config));
    for (uint64_t now_ms = 1000; now_ms < 1000 + 3 * config.template_ms; now_ms += 1000) {
        fm_exporter_send(&exporter, now_ms, BOOT_UNIX_MS + now_ms, &emit);
    }
    assert_int_equal(emit.taken, 3);
    assert_int_equal(sl_be16_get(emit.last + IPFIX_AT + 16), 2); /* RFC 7011 3.3.2 */
    fm_exporter_done(&exporter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exporter_waits_for_the_time_of_day),
        cmocka_unit_test(test_exporter_keeps_what_is_not_taken),
        cmocka_unit_test(test_exporter_full_queue_counts_what_is_lost),
        cmocka_unit_test(test_exporter_messages_keep_to_their_size_and_count_records),
        cmocka_unit_test(test_exporter_repeats_its_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
