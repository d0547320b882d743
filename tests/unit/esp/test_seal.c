/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static uint8_t wire[4096];
static uint8_t inner[4096];

static void test_seal_writes_rfc4303_layout(void **state)
{
    (void)state;
    for (uint32_t size = 20; size < 40; size++) {
        struct pair pair;
        pair_create(&pair, &pair_params);
        uint32_t sealed;
        inner_make(inner, 4, size);
        assert_ok(sl_esp_seal(pair.out, inner, size, 4, 0, wire, sizeof(wire), &sealed));
        /* the plaintext, opened by hand with the AEAD alone */
        uint8_t nonce[12];
        uint8_t text[128];
        memcpy(nonce, pair_params.salt, 4);
        memcpy(nonce + 4, wire + 8, 8);
        assert_true(sl_aead_decrypt(&pair.in->aead, nonce, wire, 8, wire + 16, sealed - 32, text,
                                    wire + sealed - 16));
        uint32_t pad = text[sealed - 34];
        assert_true(pad < 4);
        for (uint32_t i = 0; i < pad; i++) {
            assert_int_equal(text[size + i], i + 1);
        }
        assert_int_equal(text[sealed - 33], 4);
        assert_int_equal(size + pad + 2, sealed - 32);
        pair_free(&pair);
    }
}

static void test_seal_iv_never_repeats(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    for (uint64_t i = 1; i <= 1000; i++) {
        (void)pair_seal(&pair, 64, wire, sizeof(wire));
        assert_int_equal(sl_be64_get(wire + 8), i);
        assert_int_equal(sl_be32_get(wire + 4), i);
    }
    pair_free(&pair);
}

static void test_seal_without_room_uses_no_number(void **state)
{
    (void)state;
    struct pair pair;
    pair_create(&pair, &pair_params);
    uint32_t sealed = 77;
    inner_make(inner, 4, 100);
    uint32_t need = sl_esp_sealed_size(100, 0);
    assert_rc(sl_esp_seal(pair.out, inner, 100, 4, 0, wire, need - 1, &sealed), SL_NO_SPACE);
    assert_rc(sl_esp_seal(pair.out, inner, SL_ESP_INNER_MAX + 1, 4, 0, wire, UINT32_MAX, &sealed),
              SL_NO_SPACE);
    assert_rc(sl_esp_seal(pair.out, inner, 100, 4, UINT32_MAX - 90, wire, sizeof(wire), &sealed),
              SL_NO_SPACE);
    assert_int_equal(sealed, 77);
    assert_int_equal(sl_esp_sa_seq(pair.out), 0);
    assert_int_equal(sl_esp_sa_counters(pair.out)->too_big, 3);
    assert_ok(sl_esp_seal(pair.out, inner, 100, 4, 0, wire, need, &sealed));
    assert_int_equal(sealed, need);
    pair_free(&pair);
}

static void overflow_check(bool is_esn, uint64_t last)
{
    struct sl_esp_params params = pair_params;
    params.is_esn = is_esn;
    params.seq_start = last - 2;
    struct pair pair;
    pair_create(&pair, &params);
    uint8_t text[256];
    struct sl_esp_inner got;
    for (int i = 0; i < 2; i++) {
        uint32_t sealed = pair_seal(&pair, 64, wire, sizeof(wire));
        assert_ok(sl_esp_open(pair.in, wire, sealed, text, sizeof(text), &got));
    }
    assert_int_equal(got.seq, last);
    for (int i = 0; i < 3; i++) {
        uint32_t sealed = 77;
        memset(wire, 0xee, sizeof(wire));
        assert_rc(sl_esp_seal(pair.out, inner, 64, 4, 0, wire, sizeof(wire), &sealed), SL_OVERFLOW);
        assert_int_equal(sealed, 77);
        assert_int_equal(wire[0], 0xee);
    }
    assert_int_equal(sl_esp_sa_counters(pair.out)->seq_overflow, 3);
    assert_int_equal(sl_esp_sa_seq(pair.out), last);
    pair_free(&pair);
}

static void test_seal_exhausted_sequence_refused_for_good(void **state)
{
    (void)state;
    overflow_check(false, UINT32_MAX);
    overflow_check(true, UINT64_MAX);
}

/* Every byte around what seal may touch stays as it was. */
static void test_seal_touches_only_its_bytes(void **state)
{
    (void)state;
    for (int level = SL_AEAD_LEVEL_AUTO; level <= SL_AEAD_LEVEL_SSE; level++) {
        struct pair pair;
        pair_create_level(&pair, &pair_params, (enum sl_aead_level)level);
        for (uint32_t size = 20; size < 300; size++) {
            uint32_t sealed;
            memset(wire, 0xee, sizeof(wire));
            memset(inner, 0xdd, sizeof(inner));
            inner_make(inner + 64, 4, size);
            assert_ok(sl_esp_seal(pair.out, inner + 64, size, 4, 0, wire + 64, 512, &sealed));
            for (uint32_t i = 0; i < 64; i++) {
                assert_int_equal(wire[i], 0xee);
                assert_int_equal(wire[64 + sealed + i], 0xee);
                assert_int_equal(inner[i], 0xdd);
                assert_int_equal(inner[64 + size + 5 + i], 0xdd);
            }
        }
        pair_free(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_writes_rfc4303_layout),
        cmocka_unit_test(test_seal_iv_never_repeats),
        cmocka_unit_test(test_seal_without_room_uses_no_number),
        cmocka_unit_test(test_seal_exhausted_sequence_refused_for_good),
        cmocka_unit_test(test_seal_touches_only_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
