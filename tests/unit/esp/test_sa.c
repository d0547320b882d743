/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

static void test_sa_create_bad_params_refused(void **state)
{
    (void)state;
    const struct {
        struct sl_esp_params params;
        sl_rc want;
    } rows[] = {
        {{.alg = 1, .spi = 256, .window = 64, .is_inbound = true}, SL_OK},
        {{.alg = 1, .spi = 256, .window = 4096, .is_inbound = true}, SL_OK},
        {{.alg = 1, .spi = 256, .window = 0, .is_inbound = false}, SL_OK},
        {{.alg = 1, .spi = 256, .seq_start = UINT32_MAX}, SL_OK},
        {{.alg = 1, .spi = 256, .seq_start = UINT64_MAX, .is_esn = true}, SL_OK},
        {{.alg = 1, .spi = 255, .window = 64, .is_inbound = true}, SL_RANGE},
        {{.alg = 1, .spi = 0, .window = 64, .is_inbound = true}, SL_RANGE},
        {{.alg = 1, .spi = 256, .window = 0, .is_inbound = true}, SL_RANGE},
        {{.alg = 1, .spi = 256, .window = 32, .is_inbound = true}, SL_RANGE},
        {{.alg = 1, .spi = 256, .window = 100, .is_inbound = true}, SL_RANGE},
        {{.alg = 1, .spi = 256, .window = 8192, .is_inbound = true}, SL_RANGE},
        {{.alg = 1, .spi = 256, .seq_start = UINT64_C(1) << 32}, SL_RANGE},
        {{.alg = 0, .spi = 256}, SL_UNSUPPORTED},
        {{.alg = 4, .spi = 256}, SL_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_esp_sa *sa = NULL;
        sl_rc rc = sl_esp_sa_create(&rows[i].params, &sa);
        if (rc != rows[i].want) {
            fail_msg("row %zu: %s", i + 1, sl_rc_name(rc));
        }
        assert_int_equal(sa != NULL, rc == SL_OK);
        sl_esp_sa_free(sa);
    }
}

static void test_sa_reports_spi_and_sequence(void **state)
{
    (void)state;
    struct sl_esp_params params = pair_params;
    params.seq_start = 41;
    struct pair pair;
    pair_create(&pair, &params);
    assert_int_equal(sl_esp_sa_spi(pair.out), PAIR_SPI);
    assert_int_equal(sl_esp_sa_seq(pair.out), 41);
    assert_int_equal(sl_esp_sa_seq(pair.in), 41);
    assert_int_equal((uintptr_t)pair.in % 64, 0);
    pair_free(&pair);
}

/* free() of the SA is preceded by a wipe: what sl_aead_done and sl_wipe leave is zero. */
static void test_sa_aead_done_leaves_no_key(void **state)
{
    (void)state;
    struct sl_aead aead;
    for (int alg = 1; alg <= 3; alg++) {
        assert_ok(sl_aead_init(&aead, (enum sl_esp_alg)alg, pair_params.key, SL_AEAD_LEVEL_AUTO));
        uint8_t out[32];
        uint8_t tag[16];
        const uint8_t nonce[12] = {0};
        sl_aead_encrypt(&aead, nonce, nonce, 8, pair_params.key, 32, out, tag);
        sl_aead_done(&aead);
        for (size_t i = 0; i < sizeof(aead); i++) {
            assert_int_equal(((const uint8_t *)&aead)[i], 0);
        }
    }
}

static void test_sa_free_null_does_nothing(void **state)
{
    (void)state;
    sl_esp_sa_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sa_create_bad_params_refused),
        cmocka_unit_test(test_sa_reports_spi_and_sequence),
        cmocka_unit_test(test_sa_aead_done_leaves_no_key),
        cmocka_unit_test(test_sa_free_null_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
