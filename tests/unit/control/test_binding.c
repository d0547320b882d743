/* SPDX-License-Identifier: Apache-2.0 */
/* What evidence vouches for: the stated bytes in the stated order, and every one of them counts. */
#include "unit.h"

#include <openssl/evp.h>

#include "control/monitor_binding.h"

static struct sl_binding sample(void)
{
    struct sl_binding binding = {.policy_version = 0x0102030405060708};
    memset(binding.exporter, 0xa1, sizeof(binding.exporter));
    memset(binding.image_key, 0xb2, sizeof(binding.image_key));
    memset(binding.tenant_key, 0xc3, sizeof(binding.tenant_key));
    memset(binding.policy_hash, 0xd4, sizeof(binding.policy_hash));
    memset(binding.nonce, 0xe5, sizeof(binding.nonce));
    return binding;
}

static void test_report_data_is_the_stated_hash(void **state)
{
    (void)state;
    uint8_t input[27 + 32 + 32 + 32 + 8 + 32 + 32];
    uint8_t want[64];
    uint8_t data[64];
    uint8_t *at = input;
    memcpy(at, "SafeLib attested channel 1", 27); /* with its zero */
    at += 27;
    const uint8_t fills[] = {0xa1, 0xb2, 0xc3};
    for (size_t i = 0; i < sizeof(fills); i++) {
        memset(at, fills[i], 32);
        at += 32;
    }
    for (uint8_t i = 1; i <= 8; i++) {
        *at++ = i;
    }
    memset(at, 0xd4, 32);
    memset(at + 32, 0xe5, 32);
    assert_int_equal(EVP_Digest(input, sizeof(input), want, NULL, EVP_sha512(), NULL), 1);
    struct sl_binding binding = sample();
    assert_ok(sl_binding_report_data(&binding, data));
    assert_memory_equal(data, want, sizeof(want));
}

static void test_monitor_binding_is_the_stated_hash_and_no_channels(void **state)
{
    (void)state;
    uint8_t input[27 + 32 + 32 + 8 + 32], want[64], data[64], channel[64];
    struct sl_monitor_binding binding = {.policy_version = 0x0102030405060708};
    struct sl_binding other = sample();
    memcpy(input, "SafeLib monitor evidence 1", 27); /* with its zero */
    memset(input + 27, 0xb2, 32);
    memset(input + 59, 0xc3, 32);
    for (uint8_t i = 1; i <= 8; i++) {
        input[90 + i] = i;
    }
    memset(input + 99, 0xe5, 32);
    assert_int_equal(EVP_Digest(input, sizeof(input), want, NULL, EVP_sha512(), NULL), 1);
    memcpy(binding.image_key, other.image_key, sizeof(binding.image_key));
    memcpy(binding.tenant_key, other.tenant_key, sizeof(binding.tenant_key));
    memcpy(binding.nonce, other.nonce, sizeof(binding.nonce));
    assert_ok(sl_monitor_binding_report_data(&binding, data));
    assert_memory_equal(data, want, sizeof(want));
    assert_ok(sl_binding_report_data(&other, channel));
    assert_memory_not_equal(data, channel, sizeof(data));
}

static void test_every_field_changes_it(void **state)
{
    (void)state;
    uint8_t first[64];
    uint8_t other[64];
    const struct sl_binding base = sample();
    assert_ok(sl_binding_report_data(&base, first));
    const size_t fields[] = {
        offsetof(struct sl_binding, exporter),       offsetof(struct sl_binding, exporter) + 31,
        offsetof(struct sl_binding, image_key),      offsetof(struct sl_binding, image_key) + 31,
        offsetof(struct sl_binding, tenant_key),     offsetof(struct sl_binding, tenant_key) + 31,
        offsetof(struct sl_binding, policy_hash),    offsetof(struct sl_binding, policy_hash) + 31,
        offsetof(struct sl_binding, nonce),          offsetof(struct sl_binding, nonce) + 31,
        offsetof(struct sl_binding, policy_version),
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct sl_binding changed = base;
        ((uint8_t *)&changed)[fields[i]] ^= 1;
        assert_ok(sl_binding_report_data(&changed, other));
        assert_memory_not_equal(first, other, sizeof(first));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_data_is_the_stated_hash),
        cmocka_unit_test(test_monitor_binding_is_the_stated_hash_and_no_channels),
        cmocka_unit_test(test_every_field_changes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
