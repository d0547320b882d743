/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of safelib-host from YAML and options. */
#include "unit.h"

#include <unistd.h>

#include "host/config.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static sl_rc load_text(const char *text, struct sl_host_config *config, struct sl_err *err)
{
    char path[] = "/tmp/sl-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    sl_rc rc = sl_host_config_load(path, config, err);
    (void)unlink(path);
    return rc;
}

static void test_config_load_reads_yaml(void **state)
{
    struct sl_host_config c = {0};
    struct sl_err err = {0};
    assert_ok(load_text(
        "image: /x/nf\ndevice: emu\nentry_cost_ns: 0\nshards: 3\nlisten: '[::1]:99'\n", &c, &err));
    assert_string_equal(c.image, "/x/nf");
    assert_string_equal(c.device, "emu");
    assert_string_equal(c.entry_cost_ns, "0");
    assert_string_equal(c.listen, "[::1]:99");
    assert_int_equal(c.shards, 3);
}

static void test_config_load_bad_file_refused(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } table[] = {
        {"image: x\nimag: x\n", "Unexpected key: imag (line: 2, column: 1)"},
        {"image: x\nimage: y\n", "Key given twice: image (line: 2, column: 1)"},
        {"shards: many\n", "many"},
        {"image: [a, b]\n", "image"},
        {"image: x\nimage: [\n", ""},
        {"device: far-too-long-a-word\n", "device"},
        {"- a\n- b\n", ""},
        {"\x01\xff", ""},
    };
    struct sl_host_config c = {0};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sl_err err = {0};
        if (load_text(table[i].text, &c, &err) != SL_MALFORMED ||
            strstr(err.text, table[i].said) == NULL) {
            fail_msg("%zu: %s", i, err.text);
        }
    }
    struct sl_err err = {0};
    assert_rc(sl_host_config_load("/nowhere/x.yaml", &c, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/x.yaml: "));
}

static void test_config_set_by_option(void **state)
{
    struct sl_host_config c = {0};
    struct sl_err err = {0};
    char longer[SL_HOST_PATH_MAX + 1];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_ok(sl_host_config_set(&c, "shards", "16", &err));
    assert_ok(sl_host_config_set(&c, "status", "/run/x", &err));
    assert_int_equal(c.shards, 16);
    assert_string_equal(c.status, "/run/x");
    assert_rc(sl_host_config_set(&c, "nothing", "1", &err), SL_NOT_FOUND);
    assert_rc(sl_host_config_set(&c, "image", longer, &err), SL_RANGE);
    const char *const bad[] = {"", "x", "1x", "-1", "4294967296", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_rc(sl_host_config_set(&c, "ring_count", bad[i], &err), SL_RANGE);
    }
}

static void test_config_check_fills_defaults(void **state)
{
    struct sl_host_config c = {.image = "x", .tenant_key_sha256 = HASH, .device = "bare"};
    struct sl_host_settings s;
    struct sl_err err = {0};
    assert_ok(sl_host_config_check(&c, &s, &err));
    assert_string_equal(s.device, "bare");
    assert_false(s.is_trap || s.is_polling || s.is_native);
    assert_true(s.is_offload);
    assert_int_equal(s.entry_cost_ns, 3500);
    assert_int_equal(s.geometry.shard_count, 1);
    assert_int_equal(s.listen.port, 4500);
    assert_int_equal(s.control.port, 4433);
}

static void test_config_check_addresses(void **state)
{
    static const struct {
        const char *text;
        sl_rc rc;
        uint8_t version;
        uint16_t port;
    } table[] = {
        {"127.0.0.1", SL_OK, 4, 4500},
        {"127.0.0.1:1", SL_OK, 4, 1},
        {":77", SL_OK, 4, 77},
        {"::1", SL_OK, 6, 4500},
        {"[::1]", SL_OK, 6, 4500},
        {"[::1]:65535", SL_OK, 6, 65535},
        {"127.0.0.1:0", SL_INVALID, 0, 0},
        {"127.0.0.1:65536", SL_INVALID, 0, 0},
        {"127.0.0.1:x", SL_INVALID, 0, 0},
        {"[::1", SL_INVALID, 0, 0},
        {"[::1]x", SL_INVALID, 0, 0},
        {"[::1]:", SL_INVALID, 0, 0},
        {"no.such.invalid", SL_NOT_FOUND, 0, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sl_host_config c = {.image = "x", .tenant_key_sha256 = HASH, .device = "bare"};
        struct sl_host_settings s;
        struct sl_err err = {0};
        (void)snprintf(c.listen, sizeof(c.listen), "%s", table[i].text);
        sl_rc rc = sl_host_config_check(&c, &s, &err);
        if (rc != table[i].rc) {
            fail_msg("%s: %s (%s)", table[i].text, sl_rc_name(rc), err.text);
        }
        if (rc == SL_OK) {
            assert_int_equal(s.listen.ip_version, table[i].version);
            assert_int_equal(s.listen.port, table[i].port);
        }
    }
}

static void test_config_check_names_all_that_is_wrong(void **state)
{
    struct sl_host_config c = {
        .speed = "fast", .framing = "tcp", .entry_cost_ns = "x", .shards = 99};
    static const char *const said[] = {"image: expected", "tenant_key_sha256: expected",
                                       "'fast' is neither", "'tcp' is neither",
                                       "entry_cost_ns: 'x'"};
    struct sl_host_settings s;
    struct sl_err err = {0};
    assert_rc(sl_host_config_check(&c, &s, &err), SL_INVALID);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        if (strstr(err.text, said[i]) == NULL) {
            fail_msg("`%s` is not in: %s", said[i], err.text);
        }
    }
}

static void test_config_check_bad_values_named(void **state)
{
    static const struct {
        const char *key, *value, *said;
        sl_rc rc;
    } table[] = {
        {"image", "", "image: expected", SL_INVALID},
        {"tenant_key_sha256", "00", "64 hexadecimal", SL_INVALID},
        {"tenant_key_sha256", HASH, "", SL_OK},
        {"device", "tdx", "'tdx' is none of", SL_INVALID},
        {"speed", "fast", "neither direct nor trap", SL_INVALID},
        {"scheduling", "poll", "neither batch nor polling", SL_INVALID},
        {"framing", "gre", "neither udp nor native", SL_INVALID},
        {"offload", "on", "neither auto nor off", SL_INVALID},
        {"evidence", "tpm", "'tpm' is none of auto, emu, sgx, tsm, none", SL_INVALID},
        {"entry_cost_ns", "much", "'much' is not a number", SL_RANGE},
        {"shards", "17", "shards 1..16", SL_RANGE},
        {"ring_count", "100", "powers of two", SL_RANGE},
        {"speed", "trap", "", SL_OK},
        {"scheduling", "polling", "", SL_OK},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct sl_host_config c = {.image = "x", .tenant_key_sha256 = HASH, .device = "bare"};
        struct sl_host_settings s;
        struct sl_err err = {0};
        assert_ok(sl_host_config_set(&c, table[i].key, table[i].value, &err));
        sl_rc rc = sl_host_config_check(&c, &s, &err);
        if (rc != table[i].rc || strstr(err.text, table[i].said) == NULL) {
            fail_msg("%s %s: %s (%s)", table[i].key, table[i].value, sl_rc_name(rc), err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_load_reads_yaml),
        cmocka_unit_test(test_config_load_bad_file_refused),
        cmocka_unit_test(test_config_set_by_option),
        cmocka_unit_test(test_config_check_fills_defaults),
        cmocka_unit_test(test_config_check_addresses),
        cmocka_unit_test(test_config_check_bad_values_named),
        cmocka_unit_test(test_config_check_names_all_that_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
