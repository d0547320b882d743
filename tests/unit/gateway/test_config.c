/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal of the configuration names what is wrong. */
#include "unit.h"

#include <unistd.h>

#include "gateway/config.h"

#define HEX16 "00112233445566778899aabbccddeeff"
#define HEX32 HEX16 HEX16

static const char good[] = "host: {address: 192.0.2.10}\n"
                           "tenant_key: /k.pem\n"
                           "attestation: {references: [{mrenclave: " HEX32 "}]}\n"
                           "policy: /p.nft\n";

static sl_rc load(const char *text, struct sl_gw_config *config, struct sl_err *err)
{
    char path[] = "/tmp/sl-gw-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    *err = (struct sl_err){0};
    sl_rc rc = sl_gw_config_load(path, config, err);
    (void)unlink(path);
    return rc;
}

static void test_config_least_has_documented_defaults(void **state)
{
    (void)state;
    struct sl_gw_config c;
    struct sl_err err;
    assert_ok(load(good, &c, &err));
    assert_int_equal(c.udp_port, 4500);
    assert_int_equal(c.control_port, 4433);
    assert_string_equal(c.side[SL_PORT_LAN].tun, "sl-lan");
    assert_int_equal(c.side[SL_PORT_WAN].table, 4501);
    assert_int_equal(c.alg, SL_ESP_AES_128_GCM_16);
    assert_int_equal(c.key_exchange, SL_KEY_EXCHANGE_CLASSICAL);
    assert_true(c.is_esn && c.is_dscp_copied && c.is_offload);
    assert_int_equal(c.window, 2048);
    assert_int_equal(c.mtu, 0);
    assert_int_equal(c.reattest_seconds, 300);
    assert_int_equal(c.attestation.policy.reference_count, 1);
    assert_true(c.attestation.policy.references[0].has_mrenclave);
    assert_int_equal(c.attestation.policy.references[0].mrenclave[31], 0xff);
    assert_int_equal(c.attestation.policy.tcb_accepted, 1 << SL_TCB_UP_TO_DATE);
    assert_false(c.attestation.policy.insecure_allow_emulated);
    assert_string_equal(c.status_socket, "/run/safelib/gateway.sock");
}

static void test_config_refusals_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *more, *expected;
        sl_rc rc;
    } cases[] = {
        {"hots: 1\n", "hots", SL_MALFORMED},
        {"shards: many\n", "shards", SL_MALFORMED},
        {"shards: 17\n", "expected 1 to 16", SL_RANGE},
        {"tunnel: {mtu: 1279}\n", "1279 is under 1280", SL_RANGE},
        {"tunnel: {mtu: huge}\n", "tunnel.mtu", SL_RANGE},
        {"tunnel: {replay_window: 100}\n", "power of two", SL_RANGE},
        {"tunnel: {rekey_packets: 10}\n", "rekey_packets", SL_RANGE},
        {"tunnel: {rekey_bytes: 65535}\n", "rekey_bytes", SL_RANGE},
        {"tunnel: {on_clock_warp: never}\n", "never", SL_MALFORMED},
        {"tunnel: {rekey_seconds: 1}\n", "rekey_seconds", SL_RANGE},
        {"tunnel: {lease_seconds: 86401}\n", "lease_seconds", SL_RANGE},
        {"tunnel: {reattest_seconds: 86401}\n", "reattest_seconds", SL_RANGE},
        {"tunnel: {suite: 4}\n", "suite", SL_MALFORMED},
        {"tunnel: {suite: des}\n", "suite", SL_MALFORMED},
        {"key_exchange: quantum\n", "key_exchange", SL_MALFORMED},
        {"tunnel: {esn: perhaps}\n", "perhaps", SL_MALFORMED},
        {"lan: {tun: x}\nwan: {tun: x}\n", "two different tuns", SL_INVALID},
        {"lan: {interface: e}\nwan: {interface: e}\n", "two different interfaces", SL_INVALID},
        {"lan: {table: 254}\n", "lan.table", SL_RANGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        struct sl_gw_config c;
        struct sl_err err;
        (void)snprintf(text, sizeof(text), "%s%s", good, cases[i].more);
        assert_rc(load(text, &c, &err), cases[i].rc);
        assert_non_null(strstr(err.text, cases[i].expected));
    }
}

/* Every way to an image that nobody has looked at is closed, and says what to do instead. */
static void test_config_attestation_cannot_be_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *attestation, *expected;
        sl_rc rc;
    } cases[] = {
        {"", "attestation.references: expected at least one", SL_INVALID},
        {"insecure_skip_attestation: true\n", "insecure_skip_attestation: is gone", SL_DENIED},
        {"insecure_skip_attestation: false\n", "safelib image measure", SL_DENIED},
        {"attestation: {references: [{mrenclave: 00}]}\n", "attestation.references[0].mrenclave",
         SL_INVALID},
        {"attestation: {references: [{mrsigner: " HEX32 "}]}\n", "isv_prod_id", SL_INVALID},
        {"attestation: {insecure_any_identity: true}\n", "attestation.insecure_any_identity",
         SL_DENIED},
        {"attestation: {references: [{mrenclave: " HEX32 "}], insecure_allow_debug: true}\n",
         "attestation.insecure_allow_debug", SL_DENIED},
        {"attestation: {references: [{mrenclave: " HEX32 "}], insecure_allow_emulated: yes}\n",
         "yes", SL_MALFORMED},
        {"attestation: {references: [{mrenclave: " HEX32 "}], tcb_status: [Revoked]}\n",
         "tcb_status", SL_MALFORMED},
        {"attestation: {surprise: 1}\n", "surprise", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        struct sl_gw_config c;
        struct sl_err err;
        (void)snprintf(text, sizeof(text), "host: {address: h}\ntenant_key: k\npolicy: p\n%s",
                       cases[i].attestation);
        assert_rc(load(text, &c, &err), cases[i].rc);
        assert_non_null(strstr(err.text, cases[i].expected));
    }
}

static void test_config_suite_by_number_or_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SL_SUITE_COUNT; i++) {
        char text[1024];
        struct sl_gw_config c;
        struct sl_err err;
        (void)snprintf(text, sizeof(text), "%stunnel: {suite: %u}\n", good, i + 1);
        assert_ok(load(text, &c, &err));
        assert_int_equal(c.alg, sl_suites[i].number);
        (void)snprintf(text, sizeof(text), "%stunnel: {suite: %s}\n", good, sl_suites[i].name);
        assert_ok(load(text, &c, &err));
        assert_int_equal(c.alg, sl_suites[i].number);
    }
}

/* Demanded and not to be had: refused at the start, with the library's version. */
static void test_config_hybrid_needs_a_library_that_has_it(void **state)
{
    (void)state;
    char text[1024];
    struct sl_gw_config c;
    struct sl_err err;
    (void)snprintf(text, sizeof(text), "%skey_exchange: hybrid\n", good);
    sl_rc rc = load(text, &c, &err);
    if (sl_key_exchange_best()->is_hybrid) {
        assert_ok(rc);
        assert_int_equal(c.key_exchange, SL_KEY_EXCHANGE_HYBRID);
    } else {
        assert_rc(rc, SL_UNSUPPORTED);
        assert_non_null(strstr(err.text, "key_exchange: hybrid is demanded, but OpenSSL"));
    }
}

static void test_config_empty_file_is_refused(void **state)
{
    (void)state;
    struct sl_gw_config c;
    struct sl_err err;
    static const char *const texts[] = {"", "# only a comment\n", "---\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_rc(load(texts[i], &c, &err), SL_MALFORMED);
    }
}

static void test_config_absent_file_is_told(void **state)
{
    (void)state;
    struct sl_gw_config c;
    struct sl_err err;
    assert_rc(sl_gw_config_load("/nowhere/at/all", &c, &err), SL_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_least_has_documented_defaults),
        cmocka_unit_test(test_config_attestation_cannot_be_left_out),
        cmocka_unit_test(test_config_refusals_name_the_place),
        cmocka_unit_test(test_config_suite_by_number_or_name),
        cmocka_unit_test(test_config_hybrid_needs_a_library_that_has_it),
        cmocka_unit_test(test_config_empty_file_is_refused),
        cmocka_unit_test(test_config_absent_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
