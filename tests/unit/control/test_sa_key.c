/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "base/bytes.h"
#include "control/sa_key.h"

static struct sl_msg_sa sample(enum sl_esp_alg alg)
{
    struct sl_msg_sa sa = {.shard = 1, .port = 1, .is_inbound = true};
    sa.params.alg = alg;
    sa.params.spi = 0xabcdef03;
    sa.params.is_esn = true;
    for (uint8_t i = 0; i < SL_SA_SEED_SIZE; i++) {
        sa.seed[i] = (uint8_t)(100 + i);
    }
    return sa;
}

static void make_secret(uint8_t secret[SL_SA_EXPORTER_SIZE])
{
    for (uint8_t i = 0; i < SL_SA_EXPORTER_SIZE; i++) {
        secret[i] = i;
    }
}

/* Computed by another implementation of RFC 5869 (Python's hmac and hashlib): key, then salt. */
static void test_expand_known_answers(void **state)
{
    (void)state;
    const struct {
        enum sl_esp_alg alg;
        const char *want;
    } rows[] = {
        {SL_ESP_AES_128_GCM_16, "1a8a4133606bc3ecae9963f70bf2cb6210c7494f"},
        {SL_ESP_AES_256_GCM_16,
         "ec6d46db54db5e31b4bfd53ce37ae94b703ce2d597d43439e2e47a66d0923b3d871145b0"},
        {SL_ESP_CHACHA20_POLY1305,
         "32e1dd0c8e4a1ce3904b5faa3d67d8289e1f59d01ef4711443b55f747b6f593ecb633456"},
    };
    uint8_t secret[SL_SA_EXPORTER_SIZE];
    make_secret(secret);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char hex[2 * (SL_ESP_KEY_MAX + SL_ESP_SALT_SIZE) + 1];
        struct sl_msg_sa sa = sample(rows[i].alg);
        uint32_t key_size = sl_suite_find(rows[i].alg)->key_size;
        memset(sa.params.key, 0xff, sizeof(sa.params.key));
        assert_ok(sl_sa_key_expand(secret, &sa));
        sl_hex_encode(sa.params.key, key_size, hex);
        sl_hex_encode(sa.params.salt, SL_ESP_SALT_SIZE, hex + 2 * (size_t)key_size);
        assert_string_equal(hex, rows[i].want);
        for (uint32_t k = key_size; k < SL_ESP_KEY_MAX; k++) {
            assert_int_equal(sa.params.key[k], 0);
        }
    }
}

/* Whatever differs between two SAs separates their keys. */
static void test_expand_every_coordinate_changes_the_key(void **state)
{
    (void)state;
    enum { CHANGES = 9 };
    uint8_t keys[CHANGES + 1][SL_ESP_KEY_MAX];
    uint8_t secret[SL_SA_EXPORTER_SIZE];
    for (uint32_t change = 0; change <= CHANGES; change++) {
        struct sl_msg_sa sa = sample(SL_ESP_AES_256_GCM_16);
        make_secret(secret);
        switch (change) {
        case 1:
            sa.shard = 2;
            break;
        case 2:
            sa.port = 0;
            break;
        case 3:
            sa.is_inbound = false;
            break;
        case 4:
            sa.params.is_esn = false;
            break;
        case 5:
            sa.params.alg = SL_ESP_CHACHA20_POLY1305;
            break;
        case 6:
            sa.params.spi ^= 0x100;
            break;
        case 7:
            sa.seed[31] ^= 1;
            break;
        case 8:
            secret[47] ^= 1;
            break;
        case 9:
            secret[0] ^= 0x80;
            break;
        default:
            break;
        }
        assert_ok(sl_sa_key_expand(secret, &sa));
        memcpy(keys[change], sa.params.key, SL_ESP_KEY_MAX);
        for (uint32_t k = 0; k < change; k++) {
            assert_memory_not_equal(keys[k], keys[change], SL_ESP_KEY_MAX);
        }
    }
}

static void test_expand_unknown_suite_is_refused(void **state)
{
    (void)state;
    uint8_t secret[SL_SA_EXPORTER_SIZE];
    make_secret(secret);
    struct sl_msg_sa sa = sample(77);
    assert_rc(sl_sa_key_expand(secret, &sa), SL_UNSUPPORTED);
}

static void test_derive_is_of_the_connection(void **state)
{
    (void)state;
    struct pair p;
    struct sl_msg_sa client = sample(SL_ESP_AES_128_GCM_16);
    struct sl_msg_sa server = client;
    struct sl_msg_sa later = client;
    pair_init(&p);
    assert_rc(sl_sa_key_derive(p.client, &client), SL_STATE);
    pair_connect(&p);
    assert_ok(sl_sa_key_derive(p.client, &client));
    assert_ok(sl_sa_key_derive(p.server, &server));
    assert_memory_equal(client.params.key, server.params.key, SL_ESP_KEY_MAX);
    assert_memory_equal(client.params.salt, server.params.salt, SL_ESP_SALT_SIZE);
    /* the public channel binding (RFC 9266) is not what keys come from */
    uint8_t binding[SL_SA_EXPORTER_SIZE];
    struct sl_msg_sa other = sample(SL_ESP_AES_128_GCM_16);
    assert_ok(sl_tls_export(p.client, SL_TLS_EXPORTER_LABEL, binding, sizeof(binding)));
    assert_ok(sl_sa_key_expand(binding, &other));
    assert_memory_not_equal(other.params.key, client.params.key, 16);
    pair_done(&p);
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_sa_key_derive(p.client, &later));
    assert_memory_not_equal(later.params.key, client.params.key, 16);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_known_answers),
        cmocka_unit_test(test_expand_every_coordinate_changes_the_key),
        cmocka_unit_test(test_expand_unknown_suite_is_refused),
        cmocka_unit_test(test_derive_is_of_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
