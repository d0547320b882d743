/* SPDX-License-Identifier: Apache-2.0 */
/* Wycheproof's AEAD vectors through the function that ESP uses. */
#include "unit.h"

#include <jansson.h>

#include "base/bytes.h"
#include "esp/aead.h"

static size_t hex_get(const json_t *object, const char *name, uint8_t *out, size_t room)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    size_t size = strlen(text) / 2;
    assert_true(size <= room);
    assert_ok(sl_hex_decode(text, out, size));
    return size;
}

struct totals {
    int valid, invalid, skipped;
};

static void vector_run(const json_t *test, enum sl_esp_alg alg, enum sl_aead_level level,
                       struct totals *totals)
{
    static uint8_t msg[65536];
    static uint8_t ct[65536];
    static uint8_t out[65536];
    uint8_t key[32];
    uint8_t iv[64];
    uint8_t aad[4096];
    uint8_t tag[16];
    uint8_t computed[16];
    size_t key_size = hex_get(test, "key", key, sizeof(key));
    const uint32_t aad_size = (uint32_t)hex_get(test, "aad", aad, sizeof(aad));
    const uint32_t size = (uint32_t)hex_get(test, "msg", msg, sizeof(msg));
    bool is_valid = strcmp(json_string_value(json_object_get(test, "result")), "invalid") != 0;
    struct sl_aead aead;
    if (hex_get(test, "iv", iv, sizeof(iv)) != 12 || hex_get(test, "ct", ct, sizeof(ct)) == 0) {
        totals->skipped++; /* ESP's text is never empty: the trailer */
        return;
    }
    assert_int_equal(hex_get(test, "tag", tag, sizeof(tag)), 16);
    assert_int_equal(key_size, sl_aead_key_size(alg));
    assert_ok(sl_aead_init(&aead, alg, key, level));
    bool is_opened = sl_aead_decrypt(&aead, iv, aad, aad_size, ct, size, out, tag);
    if (is_opened != is_valid) {
        fail_msg("tcId %lld", json_integer_value(json_object_get(test, "tcId")));
    }
    if (is_valid) {
        assert_memory_equal(out, msg, size);
        sl_aead_encrypt(&aead, iv, aad, aad_size, msg, size, out, computed);
        assert_memory_equal(out, ct, size);
        assert_memory_equal(computed, tag, 16);
        sl_aead_encrypt(&aead, iv, aad, aad_size, msg, size, msg, computed); /* in place */
        assert_memory_equal(msg, ct, size);
        totals->valid++;
    } else {
        totals->invalid++;
    }
    sl_aead_done(&aead);
}

static void file_run(const char *name, enum sl_esp_alg alg, json_int_t key_bits)
{
    char path[512];
    vector_path(name, path, sizeof(path));
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    for (int level = SL_AEAD_LEVEL_AUTO; level <= SL_AEAD_LEVEL_SSE; level++) {
        struct totals totals = {0};
        size_t i;
        json_t *group;
        json_array_foreach(json_object_get(root, "testGroups"), i, group)
        {
            size_t j;
            json_t *test;
            if (json_integer_value(json_object_get(group, "ivSize")) != 96 ||
                json_integer_value(json_object_get(group, "keySize")) != key_bits ||
                json_integer_value(json_object_get(group, "tagSize")) != 128) {
                continue;
            }
            json_array_foreach(json_object_get(group, "tests"), j, test)
            {
                vector_run(test, alg, (enum sl_aead_level)level, &totals);
            }
        }
        print_message("%s, %d bits: %d valid, %d invalid, %d skipped (empty text)\n", name,
                      (int)key_bits, totals.valid, totals.invalid, totals.skipped);
        assert_true(totals.valid > 20 && totals.invalid > 10);
    }
    json_decref(root);
}

#define WYCHEPROOF "crypto/wycheproof/testvectors_v1/"

static void test_aead_wycheproof_aes_128_gcm(void **state)
{
    (void)state;
    file_run(WYCHEPROOF "aes_gcm_test.json", SL_ESP_AES_128_GCM_16, 128);
}

static void test_aead_wycheproof_aes_256_gcm(void **state)
{
    (void)state;
    file_run(WYCHEPROOF "aes_gcm_test.json", SL_ESP_AES_256_GCM_16, 256);
}

static void test_aead_wycheproof_chacha20_poly1305(void **state)
{
    (void)state;
    file_run(WYCHEPROOF "chacha20_poly1305_test.json", SL_ESP_CHACHA20_POLY1305, 256);
}

static void test_aead_init_unknown_refused(void **state)
{
    (void)state;
    struct sl_aead aead;
    const uint8_t key[32] = {0};
    assert_rc(sl_aead_init(&aead, (enum sl_esp_alg)9, key, SL_AEAD_LEVEL_AUTO), SL_UNSUPPORTED);
    assert_int_equal(sl_aead_key_size((enum sl_esp_alg)0), 0);
}

/* Only traced code may read shared memory. */
static void test_aead_single_fetch_is_claimed_for_avx2_gcm_only(void **state)
{
    (void)state;
    const uint8_t key[32] = {0};
    struct sl_aead aead;
    for (int alg = 1; alg <= 3; alg++) {
        assert_ok(sl_aead_init(&aead, (enum sl_esp_alg)alg, key, SL_AEAD_LEVEL_SSE));
        assert_false(aead.is_single_fetch);
    }
    assert_ok(sl_aead_init(&aead, SL_ESP_CHACHA20_POLY1305, key, SL_AEAD_LEVEL_AUTO));
    assert_false(aead.is_single_fetch);
    if (sl_aead_init(&aead, SL_ESP_AES_128_GCM_16, key, SL_AEAD_LEVEL_AVX2) == SL_OK) {
        assert_true(aead.is_single_fetch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aead_wycheproof_aes_128_gcm),
        cmocka_unit_test(test_aead_wycheproof_aes_256_gcm),
        cmocka_unit_test(test_aead_wycheproof_chacha20_poly1305),
        cmocka_unit_test(test_aead_init_unknown_refused),
        cmocka_unit_test(test_aead_single_fetch_is_claimed_for_avx2_gcm_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
