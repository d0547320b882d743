/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: defaults, and every value that is refused names its key. */
#include "folder.h"

#include "trustd/config.h"

static sl_rc load(const char *text, struct sl_trustd_config *config, struct sl_err *err)
{
    char folder[40];
    char path[60];
    folder_make(folder, sizeof(folder));
    (void)snprintf(path, sizeof(path), "%s/c.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
    sl_rc rc = sl_trustd_config_load(path, config, err);
    folder_remove(folder);
    return rc;
}

static void test_config_load_defaults(void **state)
{
    struct sl_trustd_config config;
    struct sl_err err = {0};
    assert_ok(load("{certificate: a, key: b}", &config, &err));
    assert_string_equal(config.listen, "[::]:8443");
    assert_string_equal(config.client_ca, "");
    assert_int_equal(config.nonce_seconds, 60);
    assert_int_equal(config.body_bytes_max, 16 << 20);
    assert_false(config.is_pausing);
    assert_rc(sl_trustd_config_load("/nowhere/c.yaml", &config, &err), SL_NOT_FOUND);
}

static void test_config_load_refused(void **state)
{
    static const struct {
        const char *text;
        sl_rc rc;
        const char *names;
    } table[] = {
        {"{certificate: a}", SL_MALFORMED, "key"},
        {"{certificate: a, key: b, nonsense: 1}", SL_MALFORMED, "nonsense"},
        {"{certificate: a, key: b, pause_untrusted_containers: maybe}", SL_MALFORMED, "pause"},
        {"{certificate: a, key: b, nonce_seconds: 4000}", SL_RANGE, "nonce_seconds"},
        {"{certificate: a, key: b, limits: {connections: 1000000}}", SL_RANGE,
         "limits.connections"},
        {"{certificate: a, key: b, limits: {bodies_bytes: 5000}}", SL_RANGE, "limits.bodies_bytes"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sl_trustd_config config;
        struct sl_err err = {0};
        assert_rc(load(table[i].text, &config, &err), table[i].rc);
        if (strstr(err.text, table[i].names) == NULL) {
            fail_msg("%s: %s", table[i].text, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_load_defaults),
        cmocka_unit_test(test_config_load_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
