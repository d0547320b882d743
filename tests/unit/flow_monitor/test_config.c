/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "flow_monitor/config.h"
#include "flow_monitor/format.h"
#include "safelib/bytes.h"

/* Places in the format (flow_monitor/format.h). */
enum {
    AT_FORMAT = 4,
    AT_VERSION = 6,
    AT_PORT = 7,
    AT_EXPORTER = 8,
    AT_SOURCE_PORT = 40,
    AT_ACTIVE = 48,
    AT_PACKET = 60,
    AT_TALKERS = 62,
    AT_ZERO = 63
};

static void good_policy(uint8_t out[SL_FM_SIZE])
{
    memset(out, 0, SL_FM_SIZE);
    sl_be32_put(out, SL_FM_MAGIC);
    sl_be16_put(out + AT_FORMAT, SL_FM_FORMAT);
    out[AT_VERSION] = 4;
    memcpy(out + AT_EXPORTER, (uint8_t[]){10, 0, 0, 1}, 4);
    memcpy(out + AT_EXPORTER + 16, (uint8_t[]){192, 0, 2, 1}, 4);
    sl_be16_put(out + AT_SOURCE_PORT, 4739);
    sl_be16_put(out + AT_SOURCE_PORT + 2, 4740);
    sl_be32_put(out + 44, 7);
    sl_be32_put(out + AT_ACTIVE, 60000);
    sl_be32_put(out + AT_ACTIVE + 4, 15000);
    sl_be32_put(out + AT_ACTIVE + 8, 30000);
    sl_be16_put(out + AT_PACKET, 1280);
    out[AT_TALKERS] = 10;
}

static void test_config_is_read_whole(void **state)
{
    (void)state;
    uint8_t policy[SL_FM_SIZE];
    char reason[128] = "";
    struct fm_config config;
    good_policy(policy);
    assert_ok(fm_config_read(policy, sizeof(policy), &config, reason, sizeof(reason)));
    assert_int_equal(config.source_port, 4739);
    assert_int_equal(config.collector_port, 4740);
    assert_int_equal(config.domain, 7);
    assert_int_equal(config.active_ms, 60000);
    assert_int_equal(config.idle_ms, 15000);
    assert_int_equal(config.template_ms, 30000);
    assert_int_equal(config.packet_max, 1280);
    assert_int_equal(config.talkers, 10);
    assert_int_equal(config.collector[0], 192);
}

static void test_config_every_cut_is_truncated(void **state)
{
    (void)state;
    uint8_t policy[SL_FM_SIZE + 1] = {0};
    char reason[128] = "";
    struct fm_config config;
    good_policy(policy);
    for (size_t size = 0; size < SL_FM_SIZE; size++) {
        assert_rc(fm_config_read(policy, size, &config, reason, sizeof(reason)), SL_TRUNCATED);
    }
    assert_rc(fm_config_read(policy, SL_FM_SIZE + 1, &config, reason, sizeof(reason)),
              SL_MALFORMED);
}

static void test_config_bad_values_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        uint32_t at, size;
        uint64_t value;
        sl_rc rc;
        const char *reason;
    } cases[] = {
        {0, 4, 0x12345678, SL_MALFORMED, "not a compiled"},
        {AT_FORMAT, 2, 9, SL_UNSUPPORTED, "format"},
        {AT_VERSION, 1, 5, SL_MALFORMED, "addresses"},
        {AT_EXPORTER + 9, 1, 1, SL_MALFORMED, "addresses"},
        {AT_EXPORTER + 20, 1, 1, SL_MALFORMED, "addresses"},
        {AT_PORT, 1, 2, SL_RANGE, "ports"},
        {AT_SOURCE_PORT, 2, 0, SL_RANGE, "ports"},
        {AT_SOURCE_PORT + 2, 2, 0, SL_RANGE, "ports"},
        {AT_ACTIVE, 4, SL_FM_TIMEOUT_MIN_MS - 1, SL_RANGE, "timeout"},
        {AT_ACTIVE + 4, 4, SL_FM_TIMEOUT_MAX_MS + 1, SL_RANGE, "timeout"},
        {AT_ACTIVE + 8, 4, 0, SL_RANGE, "timeout"},
        {AT_PACKET, 2, SL_FM_PACKET_MIN - 1, SL_RANGE, "packet"},
        {AT_PACKET, 2, SL_FM_PACKET_MAX + 1, SL_RANGE, "packet"},
        {AT_TALKERS, 1, SL_FM_TALKERS_MAX + 1, SL_RANGE, "talkers"},
        {AT_ZERO, 1, 1, SL_MALFORMED, "policy"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t policy[SL_FM_SIZE];
        char reason[128] = "";
        struct fm_config config;
        good_policy(policy);
        for (uint32_t k = 0; k < cases[i].size; k++) {
            policy[cases[i].at + k] = (uint8_t)(cases[i].value >> (8 * (cases[i].size - 1 - k)));
        }
        sl_rc rc = fm_config_read(policy, sizeof(policy), &config, reason, sizeof(reason));
        if (rc != cases[i].rc || strstr(reason, cases[i].reason) == NULL) {
            fail_msg("case %zu: %s: %s", i, sl_rc_name(rc), reason);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_is_read_whole),
        cmocka_unit_test(test_config_every_cut_is_truncated),
        cmocka_unit_test(test_config_bad_values_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
