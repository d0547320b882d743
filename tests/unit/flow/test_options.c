/* SPDX-License-Identifier: Apache-2.0 */
/* Options of flow tables: by name, on the wire, refused. */
#include "flow/options.h"
#include "unit.h"

static void test_options_there_and_back(void **state)
{
    (void)state;
    struct sl_flow_options options;
    struct sl_flow_options read;
    uint8_t wire[SL_FLOW_OPTIONS_MAX];
    size_t size = 99;
    sl_flow_options_default(&options);
    assert_int_equal(options.udp, 30);
    assert_int_equal(options.tcp_established, 432000);
    assert_ok(sl_flow_options_write(&options, wire, sizeof(wire), &size));
    assert_int_equal(size, 0); /* the defaults need no bytes */
    assert_ok(sl_flow_options_set(&options, "flows", 2000000, NULL));
    assert_ok(sl_flow_options_set(&options, "inside", 100000, NULL));
    assert_ok(sl_flow_options_set(&options, "tcp_mode", 2, NULL));
    assert_ok(sl_flow_options_write(&options, wire, sizeof(wire), &size));
    assert_int_equal(size, 18);
    sl_flow_options_default(&read);
    assert_ok(sl_flow_options_read(&read, wire, size, NULL));
    assert_memory_equal(&read, &options, sizeof(read));
    assert_rc(sl_flow_options_write(&options, wire, 17, &size), SL_NO_SPACE);
    for (size_t cut = 1; cut < 18; cut++) {
        sl_flow_options_default(&read);
        sl_rc rc = sl_flow_options_read(&read, wire, cut, NULL);
        assert_rc(rc, cut % 6 == 0 ? SL_OK : SL_TRUNCATED);
        assert_int_equal(read.flows, cut % 6 == 0 ? 2000000 : 65536); /* all or nothing */
    }
}

static void test_options_bad_ones_are_refused(void **state)
{
    (void)state;
    struct sl_flow_options options;
    struct sl_err err = {0};
    sl_flow_options_default(&options);
    assert_rc(sl_flow_options_set(&options, "flaws", 1, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "\"flaws\""));
    assert_rc(sl_flow_options_set(&options, "flows", 0, &err), SL_RANGE);
    assert_non_null(strstr(err.text, "1 to 16777216"));
    assert_rc(sl_flow_options_set(&options, "tcp_mode", 4, &err), SL_RANGE);
    assert_rc(sl_flow_options_set(&options, "udp", 1ull << 40, &err), SL_RANGE);
    assert_rc(sl_flow_options_read(&options, "\0\x63\0\0\0\1", 6, &err), SL_UNSUPPORTED);
    assert_rc(sl_flow_options_read(&options, "\0\1\0\0\0\0", 6, &err), SL_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_there_and_back),
        cmocka_unit_test(test_options_bad_ones_are_refused),
    };
    return cmocka_run_group_tests_name("flow/options", tests, NULL, NULL);
}
