/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of docs/driver-guide.md, compiled out of that page and found by its row in the table
 * of drivers. */
#include "../unit.h"

#include <openssl/evp.h>

#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "monitor/policy.h"
#include "safelib/bytes.h"

struct device {
    EVP_PKEY *key;
    json_t *registration;
    uint8_t nonce[SL_MONITOR_NONCE_SIZE], firmware[32], known[32];
    struct sl_monitor_policy policy;
    struct sl_refvals refvals;
    uint8_t state[SL_NODE_STATE_MAX];
    size_t state_size;
};

static const char *known_find(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                              const char *const *sets, size_t set_count)
{
    const struct device *device = ctx;

    return strcmp(alg, "sha256") == 0 && size == 32 && set_count > 0 &&
                   memcmp(digest, device->known, 32) == 0
               ? sets[0]
               : NULL;
}

static int device_make(void **state)
{
    struct device *device = calloc(1, sizeof(*device));
    uint8_t public[32];
    size_t size = sizeof(public);

    assert_non_null(device);
    device->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_int_equal(EVP_PKEY_get_raw_public_key(device->key, public, &size), 1);
    device->registration = json_pack("{s:o}", "device_key", sl_json_bytes_new(public, size));
    memset(device->nonce, 0x5a, sizeof(device->nonce));
    memset(device->firmware, 0x11, sizeof(device->firmware));
    memcpy(device->known, device->firmware, sizeof(device->known));
    device->policy.insecure_any_ek = true;
    device->policy.host_sets.count = 1;
    device->policy.host_sets.names[0] = "firmware";
    device->refvals = (struct sl_refvals){device, known_find};
    *state = device;
    return 0;
}

static int device_free(void **state)
{
    struct device *device = *state;

    EVP_PKEY_free(device->key);
    json_decref(device->registration);
    free(device);
    return 0;
}

static json_t *evidence_make(const struct device *device, uint64_t counter)
{
    static const char domain[] = "safelib device-key v1";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t text[256], signature[64];
    size_t size = sizeof(signature);
    struct sl_writer w;

    sl_writer_init(&w, text, sizeof(text));
    sl_writer_bytes(&w, domain, sizeof(domain));
    sl_writer_bytes(&w, device->nonce, sizeof(device->nonce));
    sl_writer_be64(&w, counter);
    sl_writer_bytes(&w, device->firmware, sizeof(device->firmware));
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, device->key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &size, text, w.off), 1);
    EVP_MD_CTX_free(ctx);
    return json_pack("{s:I, s:o, s:o}", "counter", (json_int_t)counter, "firmware",
                     sl_json_bytes_new(device->firmware, 32), "signature",
                     sl_json_bytes_new(signature, sizeof(signature)));
}

static const struct sl_driver *driver(void)
{
    const struct sl_driver *found = sl_driver_find("device-key");

    assert_non_null(found);
    return found;
}

static struct sl_appraisal_input input_of(const struct device *device, const json_t *evidence)
{
    return (struct sl_appraisal_input){
        .registration = device->registration,
        .state = device->state_size > 0 ? device->state : NULL,
        .state_size = device->state_size,
        .nonce = device->nonce,
        .evidence = evidence,
        .policy = &device->policy,
        .refvals = &device->refvals,
    };
}

/* Judges and frees the evidence. @return code of the first reason; "" where trusted */
static const char *judge(const struct device *device, json_t *evidence, enum sl_verdict verdict)
{
    static char code[64];
    const struct sl_appraisal_input input = input_of(device, evidence);
    struct sl_appraisal appraisal;
    const char *found;

    assert_ok(driver()->appraise(&input, &appraisal));
    assert_int_equal(appraisal.subject_count, 1);
    found = json_string_value(
        json_object_get(json_array_get(appraisal.subjects[0].reasons, 0), "code"));
    (void)snprintf(code, sizeof(code), "%s", found != NULL ? found : "");
    if (appraisal.subjects[0].verdict != verdict) {
        fail_msg("verdict %s, reason \"%s\"", sl_verdict_text(appraisal.subjects[0].verdict), code);
    }
    sl_appraisal_done(&appraisal);
    json_decref(evidence);
    return code;
}

static void test_driver_guide_genuine_device_is_trusted(void **state)
{
    struct device *device = *state;
    json_t *evidence = evidence_make(device, 7), *asked;
    const struct sl_appraisal_input input = input_of(device, evidence);
    struct sl_appraisal appraisal;
    struct sl_err err = {0};

    assert_ok(driver()->register_node(device->registration, &device->policy, 0, &err));
    asked = driver()->challenge(device->registration, NULL, 0, &device->policy);
    assert_string_equal(json_string_value(json_object_get(asked, "sign")), "safelib device-key v1");
    json_decref(asked);
    assert_ok(driver()->appraise(&input, &appraisal));
    assert_int_equal(appraisal.subjects[0].verdict, SL_VERDICT_TRUSTED);
    memcpy(device->state, appraisal.state, appraisal.state_size);
    device->state_size = appraisal.state_size;
    sl_appraisal_done(&appraisal);
    json_decref(evidence);

    assert_string_equal(judge(device, evidence_make(device, 8), SL_VERDICT_TRUSTED), "");
    assert_string_equal(judge(device, evidence_make(device, 7), SL_VERDICT_UNTRUSTED), "counter");
    for (size_t cut = 1; cut < device->state_size; cut++) {
        struct sl_appraisal_input broken = input_of(device, NULL);

        broken.state_size = cut;
        assert_rc(driver()->appraise(&broken, &appraisal), SL_INTERNAL);
    }
}

static void test_driver_guide_registration_names_the_field(void **state)
{
    struct device *device = *state;
    struct sl_err err = {0};
    json_t *none = json_object(), *small = json_pack("{s:s}", "device_key", "AAAA");

    assert_rc(driver()->register_node(none, &device->policy, 0, &err), SL_MALFORMED);
    assert_non_null(strstr(err.text, "device_key"));
    assert_rc(driver()->register_node(small, &device->policy, 0, &err), SL_MALFORMED);
    assert_rc(driver()->register_node(device->registration, NULL, 0, &err), SL_AUTH);
    json_decref(none);
    json_decref(small);
}

static void test_driver_guide_nothing_is_trusted_by_default(void **state)
{
    struct device *device = *state;
    struct sl_appraisal_input input = input_of(device, NULL);
    struct sl_appraisal appraisal;
    json_t *evidence;

    assert_string_equal(judge(device, json_object(), SL_VERDICT_UNKNOWN), "evidence-missing");
    input.policy = NULL;
    assert_ok(driver()->appraise(&input, &appraisal));
    assert_int_equal(appraisal.subjects[0].verdict, SL_VERDICT_UNKNOWN);
    sl_appraisal_done(&appraisal);
    device->known[0] ^= 1;
    assert_string_equal(judge(device, evidence_make(device, 1), SL_VERDICT_UNTRUSTED),
                        "firmware-unknown");
    device->known[0] ^= 1;
    device->policy.host_sets.count = 0;
    assert_string_equal(judge(device, evidence_make(device, 1), SL_VERDICT_UNTRUSTED),
                        "firmware-unknown");
    device->policy.host_sets.count = 1;
    evidence = evidence_make(device, 1);
    device->nonce[0] ^= 1;
    assert_string_equal(judge(device, evidence, SL_VERDICT_UNTRUSTED), "signature");
    device->nonce[0] ^= 1;
}

static void test_driver_guide_changed_field_is_refused(void **state)
{
    static const char *const FIELDS[] = {"counter", "firmware", "signature"};
    struct device *device = *state;

    for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
        json_t *evidence = evidence_make(device, 1);

        (void)json_object_set_new(evidence, FIELDS[i], json_string("AAAA"));
        assert_string_equal(judge(device, evidence, SL_VERDICT_UNTRUSTED), "evidence-malformed");
    }
    for (size_t at = 0; at < 64; at++) {
        json_t *evidence = evidence_make(device, 1);
        uint8_t *bytes = NULL;
        size_t size = 0;

        assert_ok(sl_json_bytes(evidence, "signature", 64, &bytes, &size, NULL));
        bytes[at] ^= 1;
        (void)json_object_set_new(evidence, "signature", sl_json_bytes_new(bytes, size));
        free(bytes);
        assert_string_equal(judge(device, evidence, SL_VERDICT_UNTRUSTED), "signature");
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, device_make, device_free)
    const struct CMUnitTest tests[] = {
        TEST(test_driver_guide_genuine_device_is_trusted),
        TEST(test_driver_guide_registration_names_the_field),
        TEST(test_driver_guide_nothing_is_trusted_by_default),
        TEST(test_driver_guide_changed_field_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
