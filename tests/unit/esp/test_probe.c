/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "esp/probe.h"

static void test_probe_written_reads_back(void **state)
{
    (void)state;
    for (uint16_t size = SL_PROBE_SIZE_MIN; size < 200; size++) {
        uint8_t data[256];
        struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = size, .id = UINT64_MAX - size};
        struct sl_probe back = {0};
        memset(data, 0xee, sizeof(data));
        assert_ok(sl_probe_write(&probe, size, data, sizeof(data)));
        assert_int_equal(data[size], 0xee);
        assert_ok(sl_probe_read(data, size, &back));
        assert_int_equal(back.kind, probe.kind);
        assert_int_equal(back.size, size);
        assert_int_equal(back.id, probe.id);
    }
}

static void test_probe_reply_is_short_and_names_the_size(void **state)
{
    (void)state;
    uint8_t data[SL_PROBE_SIZE_MIN];
    const struct sl_probe probe = {.kind = SL_PROBE_REPLY, .size = 9000, .id = 5};
    struct sl_probe back = {0};
    assert_ok(sl_probe_write(&probe, sizeof(data), data, sizeof(data)));
    assert_ok(sl_probe_read(data, sizeof(data), &back));
    assert_int_equal(back.size, 9000);
}

static void test_probe_write_without_room_refused(void **state)
{
    (void)state;
    uint8_t data[32];
    const struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = 32, .id = 1};
    assert_rc(sl_probe_write(&probe, 15, data, sizeof(data)), SL_NO_SPACE);
    assert_rc(sl_probe_write(&probe, 33, data, sizeof(data)), SL_NO_SPACE);
}

static void test_probe_read_hostile_refused(void **state)
{
    (void)state;
    uint8_t good[64];
    const struct sl_probe probe = {.kind = SL_PROBE_REQUEST, .size = 64, .id = 1};
    assert_ok(sl_probe_write(&probe, 64, good, sizeof(good)));
    const struct {
        uint32_t at;
        uint8_t value;
        uint32_t size;
        sl_rc want;
    } rows[] = {
        {0, 'S', 64, SL_OK},        {0, 'T', 64, SL_NOT_FOUND}, {3, 0, 64, SL_NOT_FOUND},
        {4, 0, 64, SL_MALFORMED},   {4, 3, 64, SL_MALFORMED},   {5, 1, 64, SL_MALFORMED},
        {7, 15, 64, SL_MALFORMED},  {7, 65, 64, SL_TRUNCATED},  {6, 0xff, 64, SL_TRUNCATED},
        {0, 'S', 63, SL_TRUNCATED}, {0, 'S', 15, SL_NOT_FOUND}, {0, 'S', 0, SL_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[64];
        struct sl_probe back;
        memcpy(data, good, sizeof(data));
        data[rows[i].at] = rows[i].value;
        sl_rc rc = sl_probe_read(data, rows[i].size, &back);
        if (rc != rows[i].want) {
            fail_msg("row %zu: %s", i + 1, sl_rc_name(rc));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_written_reads_back),
        cmocka_unit_test(test_probe_reply_is_short_and_names_the_size),
        cmocka_unit_test(test_probe_write_without_room_refused),
        cmocka_unit_test(test_probe_read_hostile_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
