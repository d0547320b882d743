/* SPDX-License-Identifier: Apache-2.0 */
/* Which algorithms are offered and accepted. Libraries of other versions are played by a list of
 * the groups they would have; what this one really negotiates is tested with it. */
#include "pair.h"

#include "esp/aead.h"

/* `ctx`: the groups of a library, each between blanks. */
static bool fake_offers(void *ctx, const char *name)
{
    char padded[64];
    (void)snprintf(padded, sizeof(padded), " %s ", name);
    return strstr(ctx, padded) != NULL;
}

static char openssl_30[] = " X25519 P-256 P-384 X448 ffdhe2048 ";
static char openssl_35[] = " X25519MLKEM768 SecP256r1MLKEM768 X25519 P-256 MLKEM768 ";
static char hybrid_nist_only[] = " SecP256r1MLKEM768 P-256 ";
static char foreign[] = " brainpoolP256r1tls13 X448 ";

static void test_list_by_library_and_demand(void **state)
{
    (void)state;
    const struct {
        char *library;
        enum sl_key_exchange demand;
        sl_rc rc;
        const char *want; /* list, or part of the sentence */
    } rows[] = {
        {openssl_30, SL_KEY_EXCHANGE_CLASSICAL, SL_OK, "X25519:P-256"},
        {openssl_35, SL_KEY_EXCHANGE_CLASSICAL, SL_OK,
         "X25519MLKEM768:SecP256r1MLKEM768:X25519:P-256"},
        {openssl_35, SL_KEY_EXCHANGE_HYBRID, SL_OK, "X25519MLKEM768:SecP256r1MLKEM768"},
        {hybrid_nist_only, SL_KEY_EXCHANGE_HYBRID, SL_OK, "SecP256r1MLKEM768"},
        {openssl_30, SL_KEY_EXCHANGE_HYBRID, SL_UNSUPPORTED, "OpenSSL 3.5 or later"},
        {foreign, SL_KEY_EXCHANGE_CLASSICAL, SL_UNSUPPORTED, "none of our key exchange groups"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char list[SL_KEY_EXCHANGE_LIST_MAX];
        struct sl_err err = {0};
        assert_rc(sl_key_exchange_list(rows[i].demand, fake_offers, rows[i].library, list, &err),
                  rows[i].rc);
        if (rows[i].rc == SL_OK) {
            assert_string_equal(list, rows[i].want);
        } else {
            assert_non_null(strstr(err.text, rows[i].want));
        }
    }
}

static void test_find_and_text(void **state)
{
    (void)state;
    char text[SL_KEY_EXCHANGE_TEXT_MAX];
    sl_key_exchange_text(sl_key_exchange_find("x25519"), text); /* as OpenSSL 3.0 reports it */
    assert_string_equal(text, "classical (X25519)");
    sl_key_exchange_text(sl_key_exchange_find("secp256r1"), text);
    assert_string_equal(text, "classical (P-256)");
    sl_key_exchange_text(sl_key_exchange_find("X25519MLKEM768"), text);
    assert_string_equal(text, "hybrid (X25519MLKEM768)");
    assert_null(sl_key_exchange_find("secp384r1"));
    assert_null(sl_key_exchange_find(NULL));
    sl_key_exchange_text(NULL, text);
    assert_string_equal(text, "none");
}

static void test_suites_are_numbered_once_and_fit_esp(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < SL_SUITE_COUNT; i++) {
        assert_ptr_equal(sl_suite_find(sl_suites[i].number), &sl_suites[i]);
        assert_int_equal(sl_suites[i].number, i + 1); /* on the wire and in configurations */
        assert_int_equal(sl_suites[i].key_size, sl_aead_key_size(sl_suites[i].number));
        assert_true(sl_suites[i].key_size <= SL_ESP_KEY_MAX);
    }
    assert_null(sl_suite_find(0));
    assert_null(sl_suite_find(SL_SUITE_COUNT + 1));
}

/* The best both have is what is used, whatever this library's version. */
static void test_handshake_takes_the_best(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p);
    assert_null(sl_tls_group(p.client));
    pair_connect(&p);
    assert_non_null(sl_key_exchange_best());
    assert_ptr_equal(sl_tls_group(p.client), sl_key_exchange_best());
    assert_ptr_equal(sl_tls_group(p.server), sl_key_exchange_best());
    pair_done(&p);
}

static void test_hybrid_demanded_is_had_or_refused(void **state)
{
    (void)state;
    struct pair p;
    struct sl_err err = {0};
    struct sl_tls *tls = NULL;
    pair_init(&p);
    struct sl_tls_options options = {false, p.tenant, pair_verify, p.expected_by_client,
                                     SL_KEY_EXCHANGE_HYBRID};
    sl_rc rc = sl_tls_create(&options, &tls, &err);
    if (sl_key_exchange_best()->is_hybrid) {
        assert_ok(rc);
        sl_tls_free(p.client);
        p.client = tls;
        pair_connect(&p);
        assert_true(sl_tls_group(p.client)->is_hybrid);
    } else {
        assert_rc(rc, SL_UNSUPPORTED);
        assert_null(tls);
        assert_non_null(strstr(err.text, "key_exchange: hybrid is demanded"));
        assert_non_null(strstr(err.text, "OpenSSL 3."));
    }
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_by_library_and_demand),
        cmocka_unit_test(test_find_and_text),
        cmocka_unit_test(test_suites_are_numbered_once_and_fit_esp),
        cmocka_unit_test(test_handshake_takes_the_best),
        cmocka_unit_test(test_hybrid_demanded_is_had_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
