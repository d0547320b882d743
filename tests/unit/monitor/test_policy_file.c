/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of node classes: a whole one, and every way to get one wrong. */
#include "../unit.h"

#include "monitor/policy_file.h"

#define BOOT "pcrs:\n  - bank: sha256\n    required: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14]\n"
#define HEX  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char GOOD[] =
    "class: nfv-host\n"
    "ek: {insecure_any: true, require_crl: true}\n" BOOT "    expected:\n"
    "      - {pcr: 4, values: [" HEX "]}\n"
    "bootlog: required\n"
    "ima:\n"
    "  sets: [debian, kernel]\n"
    "  violations: degraded\n"
    "  exclude:\n"
    "    - {path: /var/log/*, why: logs are not executed}\n"
    "slots:\n"
    "  - {pcr: 11, uid_first: 100000, sets: [web]}\n"
    "images:\n"
    "  - {image: '*/cache:*', sets: [cache]}\n"
    "events: {pcr: 14, sets: [safelib], measured: ['*/safelib-agent', /etc/a]}\n"
    "lease: 2m\n"
    "interval: 20s\n";

static void test_whole_policy_is_read(void **state)
{
    struct sl_monitor_policy *policy = NULL;
    struct sl_err err = {0};

    if (sl_monitor_policy_read(GOOD, sizeof(GOOD) - 1, &policy, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(policy->name, "nfv-host");
    assert_true(policy->insecure_any_ek);
    assert_true(policy->is_ek_crl_required);
    assert_int_equal(policy->pcrs.banks[0].mask, 0x4fff);
    assert_int_equal(policy->expected_count, 1);
    assert_int_equal(policy->expected[0].values[0][1], 0x11);
    assert_true(policy->is_bootlog_required && policy->has_ima);
    assert_string_equal(policy->host_sets.names[1], "kernel");
    assert_int_equal(policy->unknown_verdict, SL_VERDICT_UNTRUSTED);
    assert_int_equal(policy->violation_verdict, SL_VERDICT_DEGRADED);
    assert_string_equal(policy->exclusions[0].why, "logs are not executed");
    assert_int_equal(policy->slots[0].uid_first, 100000);
    assert_string_equal(policy->images[0].sets.names[0], "cache");
    assert_int_equal(policy->events.pcr, 14);
    assert_string_equal(policy->events.sets.names[0], "safelib");
    assert_string_equal(policy->events.measured[1], "/etc/a");
    assert_int_equal(policy->lease_ms, 120000);
    assert_int_equal(policy->interval_ms, 20000);
    assert_int_equal(policy->max_wait_s, 300);
    sl_monitor_policy_free(policy);
}

static void test_boots_add_values_to_pcrs(void **state)
{
    struct sl_monitor_policy *policy = NULL;
    struct sl_err err = {0};
    char text[8192], other[sizeof(HEX)];
    size_t used;

    (void)snprintf(text, sizeof(text),
                   "class: x\n" BOOT "    expected: [{pcr: 4, values: [" HEX "]}]\n"
                   "boot:\n  - {name: a, bank: sha256, pcrs: [{pcr: 4, value: " HEX
                   "}, {pcr: 5, value: " HEX "}]}\n  - {name: b, bank: sha256, pcrs: [{pcr: 4, "
                   "value: ff%s}]}\n",
                   &HEX[2]);
    assert_ok(sl_monitor_policy_read(text, strlen(text), &policy, &err));
    assert_int_equal(policy->expected_count, 2);
    assert_int_equal(policy->expected[0].pcr, 4);
    assert_int_equal(policy->expected[0].value_count, 2); /* one was there already */
    assert_int_equal(policy->expected[0].values[1][0], 0xff);
    assert_int_equal(policy->expected[1].pcr, 5);
    assert_int_equal(policy->expected[1].value_count, 1);
    sl_monitor_policy_free(policy);
    /* more values than a PCR may have: 15 boots beside three values */
    used = (size_t)snprintf(text, sizeof(text),
                            "class: x\n" BOOT "    expected: [{pcr: 4, values: [" HEX ", ee%s]}]\n"
                            "boot:\n",
                            &HEX[2]);
    for (int i = 0; i < SL_POLICY_BOOTS_MAX; i++) {
        (void)snprintf(other, sizeof(other), "%02x%s", 0x20 + i, &HEX[2]);
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used,
                             "  - {name: a, bank: sha256, pcrs: [{pcr: 4, value: %s}]}\n", other);
    }
    assert_rc(sl_monitor_policy_read(text, used, &policy, &err), SL_INVALID);
    assert_non_null(strstr(err.text, "more than 16 values for PCR 4"));
}

static void test_what_cannot_be_meant_is_refused_by_name(void **state)
{
    static const struct {
        const char *text;
        sl_rc rc;
        const char *names;
    } ROWS[] = {
        {"class: x\n", SL_INVALID, "pcrs"},
        {BOOT, SL_MALFORMED, "class"},
        {"class: x\nclas: y\n", SL_MALFORMED, "clas (line: 2"},
        {"class: x\npcrs: [{bank: md5, required: [0]}]\n", SL_INVALID, "pcrs[0].bank"},
        {"class: x\npcrs: [{bank: sha256, required: [24]}]\n", SL_INVALID, "pcrs[0].required[0]"},
        {"class: x\npcrs: [{bank: sha256, required: [10]}]\n", SL_INVALID, "accept_any_boot"},
        {"class: x\naccept_any_boot: y\npcrs: [{bank: sha1, required: [10]}]\nima: {sets: [a]}\n",
         SL_INVALID, "PCR 10"},
        {"class: x\n" BOOT "    expected: [{pcr: 12, values: [" HEX "]}]\n", SL_INVALID,
         "pcrs[0].expected[0].pcr"},
        {"class: x\n" BOOT "    expected: [{pcr: 1, values: [00]}]\n", SL_INVALID, "values[0]"},
        {"class: x\n" BOOT "boot: [{name: a, bank: md5, pcrs: [{pcr: 1, value: " HEX "}]}]\n",
         SL_INVALID, "boot[0].pcrs[0]"},
        {"class: x\n" BOOT "boot: [{name: a, bank: sha256, pcrs: [{pcr: 12, value: " HEX "}]}]\n",
         SL_INVALID, "boot[0].pcrs[0]"},
        {"class: x\n" BOOT "boot: [{name: a, bank: sha256, pcrs: [{pcr: 99, value: " HEX "}]}]\n",
         SL_INVALID, "boot[0].pcrs[0]"},
        {"class: x\n" BOOT "boot: [{name: a, bank: sha256, pcrs: [{pcr: 1, value: 00}]}]\n",
         SL_INVALID, "boot[0].pcrs[0].value"},
        {"class: x\n" BOOT "slots: [{pcr: 11, uid_first: 1, sets: [a]}]\n", SL_INVALID, "ima"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 12, uid_first: 1, sets: [a]}]\n",
         SL_INVALID, "slots[0].pcr"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 10, uid_first: 1, sets: [a]}]\n",
         SL_INVALID, "slots[0].pcr"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 16, uid_first: 1, sets: [a]}]\n",
         SL_INVALID, "16 and 23 can be reset by anybody"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 11, sets: [a]}]\n", SL_INVALID,
         "container or uid_first"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 11, uid_first: 0, sets: [a]}]\n",
         SL_INVALID, "uid_first"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 11, uid_first: 5}]\n", SL_INVALID,
         "slots[0].sets"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nimages: [{image: a}]\n", SL_INVALID,
         "images[0].sets"},
        {"class: x\n" BOOT "ima: {exclude: [{path: /*, why: y}]}\n", SL_INVALID, "exclude[0].path"},
        {"class: x\n" BOOT "ima: {exclude: [{path: /a}]}\n", SL_MALFORMED, "why"},
        {"class: x\n" BOOT "lease: 5\n", SL_INVALID, "lease"},
        {"class: x\n" BOOT "lease: 20s\n", SL_INVALID, "longer than interval"},
        {"class: x\n" BOOT "events: {sets: [a], measured: [/a]}\n", SL_INVALID, "ima"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nevents: {pcr: 15, sets: [a], measured: [/a]}\n",
         SL_INVALID, "15 is not in pcrs.required"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nevents: {pcr: 23, sets: [a], measured: [/a]}\n",
         SL_INVALID, "reset by anybody"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nevents: {pcr: 11, measured: [/a]}\n", SL_INVALID,
         "sets and measured"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nevents: {pcr: 11, sets: [a]}\n", SL_INVALID,
         "sets and measured"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nevents: {pcr: 11, sets: [a], measured: ['/*']}\n",
         SL_INVALID, "any file"},
        {"class: x\n" BOOT "ima: {sets: [a]}\nslots: [{pcr: 11, uid_first: 5, sets: [a]}]\n"
         "events: {pcr: 11, sets: [a], measured: [/a]}\n",
         SL_INVALID, "slot's"},
        {"class: x\ntee: {}\n", SL_INVALID, "tee.references"},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct sl_monitor_policy *policy = NULL;
        struct sl_err err = {0};
        const sl_rc rc = sl_monitor_policy_read(ROWS[i].text, strlen(ROWS[i].text), &policy, &err);

        if (rc != ROWS[i].rc || strstr(err.text, ROWS[i].names) == NULL) {
            fail_msg("row %zu: %s %s", i, sl_rc_name(rc), err.text);
        }
        assert_null(policy);
    }
}

static void test_policy_too_long_or_absent_is_refused(void **state)
{
    struct sl_monitor_policy *policy = NULL;
    struct sl_err err = {0};

    assert_rc(sl_monitor_policy_read("", SL_POLICY_SIZE_MAX + 1, &policy, &err), SL_RANGE);
    assert_rc(sl_monitor_policy_load("/nonexistent/policy.yaml", &policy, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/policy.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_policy_is_read),
        cmocka_unit_test(test_boots_add_values_to_pcrs),
        cmocka_unit_test(test_what_cannot_be_meant_is_refused_by_name),
        cmocka_unit_test(test_policy_too_long_or_absent_is_refused),
    };
    return cmocka_run_group_tests_name("monitor/policy_file", tests, NULL, NULL);
}
