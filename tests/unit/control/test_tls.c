/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <malloc.h>
#include <openssl/ssl.h>

static void test_connects_carries_and_closes(void **state)
{
    (void)state;
    struct pair p;
    char buf[16];
    size_t size = 0;
    pair_init(&p);
    assert_rc(sl_tls_read(p.client, buf, sizeof(buf), &size, NULL), SL_STATE);
    assert_rc(sl_tls_write(p.client, "x", 1, NULL), SL_STATE);
    assert_rc(sl_tls_export(p.client, SL_TLS_EXPORTER_LABEL, (uint8_t *)buf, 16), SL_STATE);
    pair_connect(&p);
    assert_memory_equal(sl_tls_peer(p.server)->spki_hash, p.tenant->spki_hash, 32);
    assert_memory_equal(sl_tls_peer(p.client)->spki_hash, p.image->spki_hash, 32);
    assert_rc(sl_tls_read(p.server, buf, sizeof(buf), &size, NULL), SL_AGAIN);
    assert_ok(sl_tls_write(p.client, "hello", 5, NULL));
    (void)pair_carry(p.client, p.server);
    assert_ok(sl_tls_read(p.server, buf, sizeof(buf), &size, NULL));
    assert_int_equal(size, 5);
    assert_memory_equal(buf, "hello", 5);
    sl_tls_close(p.client);
    (void)pair_carry(p.client, p.server);
    assert_rc(sl_tls_read(p.server, buf, sizeof(buf), &size, NULL), SL_CLOSED);
    pair_done(&p);
}

static void test_exporter_is_the_same_at_both_ends_and_new_per_connection(void **state)
{
    (void)state;
    struct pair p;
    uint8_t a[32];
    uint8_t b[32];
    uint8_t c[32];
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_tls_export(p.client, SL_TLS_EXPORTER_LABEL, a, sizeof(a)));
    assert_ok(sl_tls_export(p.server, SL_TLS_EXPORTER_LABEL, b, sizeof(b)));
    assert_memory_equal(a, b, sizeof(a));
    pair_done(&p);
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_tls_export(p.client, SL_TLS_EXPORTER_LABEL, c, sizeof(c)));
    assert_memory_not_equal(a, c, sizeof(a));
    pair_done(&p);
}

static void test_other_tenant_key_is_refused(void **state)
{
    (void)state;
    struct pair p;
    struct sl_err err = {0};
    sl_rc server;
    sl_rc client;
    char buf[4];
    size_t size;
    pair_init(&p);
    p.expected_by_server[0] ^= 1;
    pair_handshake(&p, &server, &client);
    assert_rc(server, SL_AUTH);
    assert_ok(client); /* in TLS 1.3 the client learns it with the first read */
    assert_rc(sl_tls_read(p.client, buf, sizeof(buf), &size, &err), SL_DENIED);
    assert_non_null(strstr(err.text, "does not accept our key"));
    assert_false(sl_tls_is_ready(p.server));
    assert_null(sl_tls_peer(p.server));
    pair_done(&p);
}

static void test_other_image_key_is_refused_before_anything_is_said(void **state)
{
    (void)state;
    struct pair p;
    sl_rc server;
    sl_rc client;
    pair_init(&p);
    p.expected_by_client[31] ^= 1;
    pair_handshake(&p, &server, &client);
    assert_rc(client, SL_AUTH);
    assert_int_not_equal(server, SL_OK);
    assert_rc(sl_tls_write(p.client, "x", 1, NULL), SL_STATE);
    pair_done(&p);
}

/* A foreign client built on OpenSSL alone, as an attacker would. */
static sl_rc foreign_client(struct pair *p, int max_version, bool has_key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, max_version), 1);
    if (has_key) {
        assert_int_equal(SSL_CTX_use_certificate(ctx, p->tenant->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(ctx, p->tenant->key), 1);
    }
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    sl_rc rc = SL_AGAIN;
    for (int i = 0; i < 6; i++) {
        uint8_t buf[16384];
        const uint8_t *data;
        (void)SSL_do_handshake(ssl);
        int got = BIO_read(out, buf, sizeof(buf));
        if (got > 0) {
            assert_ok(sl_tls_feed(p->server, buf, (size_t)got));
        }
        rc = rc == SL_AGAIN ? sl_tls_handshake(p->server, NULL) : rc;
        size_t size = sl_tls_out(p->server, &data);
        if (size > 0) {
            (void)BIO_write(in, data, (int)size);
            sl_tls_out_take(p->server, size);
        }
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return rc;
}

static void test_tls12_client_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p);
    assert_rc(foreign_client(&p, TLS1_2_VERSION, true), SL_UNSUPPORTED);
    pair_done(&p);
}

/* Whoever answers in the image's place and knows no TLS 1.3 gets nothing but our first message:
 * there is no exporter (RFC 9266) that evidence could be bound to. */
static void test_tls12_server_is_refused(void **state)
{
    (void)state;
    struct pair p;
    struct sl_err err = {0};
    pair_init(&p);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_use_certificate(ctx, p.image->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, p.image->key), 1);
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    sl_rc rc = SL_AGAIN;
    for (int i = 0; i < 6 && rc == SL_AGAIN; i++) {
        uint8_t buf[16384];
        const uint8_t *data;
        rc = sl_tls_handshake(p.client, &err);
        size_t size = sl_tls_out(p.client, &data);
        if (size > 0) {
            (void)BIO_write(in, data, (int)size);
            sl_tls_out_take(p.client, size);
        }
        (void)SSL_do_handshake(ssl);
        int got = BIO_read(out, buf, sizeof(buf));
        if (got > 0) {
            assert_ok(sl_tls_feed(p.client, buf, (size_t)got));
        }
    }
    assert_true(rc == SL_UNSUPPORTED || rc == SL_MALFORMED); /* its alert: protocol version */
    assert_false(sl_tls_is_ready(p.client));
    uint8_t exported[32];
    assert_rc(sl_tls_export(p.client, SL_TLS_EXPORTER_LABEL, exported, sizeof(exported)), SL_STATE);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    pair_done(&p);
}

static void test_client_without_key_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p);
    assert_rc(foreign_client(&p, TLS1_3_VERSION, false), SL_AUTH);
    pair_done(&p);
}

static void test_foreign_client_with_the_key_is_accepted(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p);
    assert_ok(foreign_client(&p, TLS1_3_VERSION, true));
    pair_done(&p);
}

static void test_garbage_is_malformed(void **state)
{
    (void)state;
    struct pair p;
    uint8_t garbage[256];
    memset(garbage, 'A', sizeof(garbage));
    pair_init(&p);
    assert_ok(sl_tls_feed(p.server, garbage, sizeof(garbage)));
    sl_rc rc = sl_tls_handshake(p.server, NULL);
    assert_true(rc == SL_MALFORMED || rc == SL_UNSUPPORTED);
    pair_done(&p);
}

static void test_flipped_record_is_malformed(void **state)
{
    (void)state;
    struct pair p;
    const uint8_t *data;
    uint8_t copy[256];
    char buf[16];
    size_t got = 0;
    pair_init(&p);
    pair_connect(&p);
    assert_ok(sl_tls_write(p.client, "hello", 5, NULL));
    size_t size = sl_tls_out(p.client, &data);
    assert_in_range(size, 1, sizeof(copy));
    memcpy(copy, data, size);
    copy[size - 1] ^= 1;
    assert_ok(sl_tls_feed(p.server, copy, size));
    assert_rc(sl_tls_read(p.server, buf, sizeof(buf), &got, NULL), SL_MALFORMED);
    pair_done(&p);
}

/* OpenSSL's memory, looked through as it is given back. Allocations go by the name that a system's
 * malloc has anyway. */
static const uint8_t secret[16] = "an SA key: 7f3a!";
static unsigned secrets_freed;
static bool is_watching;

static void *watched_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(size);
}

static void watched_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    if (is_watching && data != NULL &&
        memmem(data, malloc_usable_size(data), secret, sizeof(secret)) != NULL) {
        secrets_freed++;
    }
    free(data);
}

static void *watched_realloc(void *data, size_t size, const char *file, int line)
{
    size_t have = data != NULL ? malloc_usable_size(data) : 0;
    void *fresh = malloc(size);
    if (fresh != NULL && data != NULL) {
        memcpy(fresh, data, have < size ? have : size);
        watched_free(data, file, line);
    }
    return fresh;
}

static void test_plaintext_does_not_stay_in_buffers(void **state)
{
    (void)state;
    struct pair p;
    uint8_t buf[sizeof(secret)];
    size_t size = 0;
    pair_init(&p);
    pair_connect(&p);
    is_watching = true;
    assert_ok(sl_tls_write(p.client, secret, sizeof(secret), NULL));
    (void)pair_carry(p.client, p.server);
    assert_ok(sl_tls_read(p.server, buf, sizeof(buf), &size, NULL));
    assert_memory_equal(buf, secret, sizeof(secret));
    assert_rc(sl_tls_read(p.server, buf, sizeof(buf), &size, NULL), SL_AGAIN);
    pair_done(&p);
    is_watching = false;
    assert_int_equal(secrets_freed, 0);
    /* the watch sees what is not wiped */
    is_watching = true;
    uint8_t *probe = OPENSSL_malloc(64);
    assert_non_null(probe);
    memcpy(probe, secret, sizeof(secret));
    OPENSSL_free(probe);
    is_watching = false;
    assert_int_equal(secrets_freed, 1);
}

static void test_feed_is_bounded(void **state)
{
    (void)state;
    struct pair p;
    static uint8_t bytes[SL_TLS_IN_MAX];
    pair_init(&p);
    assert_ok(sl_tls_feed(p.server, bytes, sizeof(bytes)));
    assert_rc(sl_tls_feed(p.server, bytes, 1), SL_NO_SPACE);
    pair_done(&p);
}

static void test_no_session_ticket_is_sent(void **state)
{
    (void)state;
    struct pair p;
    const uint8_t *data;
    char buf[4];
    size_t size;
    pair_init(&p);
    pair_connect(&p);
    assert_rc(sl_tls_read(p.client, buf, sizeof(buf), &size, NULL), SL_AGAIN);
    assert_int_equal(sl_tls_out(p.server, &data), 0);
    pair_done(&p);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(watched_malloc, watched_realloc, watched_free) != 1) {
        return 1; /* something of OpenSSL ran before */
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connects_carries_and_closes),
        cmocka_unit_test(test_exporter_is_the_same_at_both_ends_and_new_per_connection),
        cmocka_unit_test(test_other_tenant_key_is_refused),
        cmocka_unit_test(test_other_image_key_is_refused_before_anything_is_said),
        cmocka_unit_test(test_tls12_client_is_refused),
        cmocka_unit_test(test_tls12_server_is_refused),
        cmocka_unit_test(test_client_without_key_is_refused),
        cmocka_unit_test(test_foreign_client_with_the_key_is_accepted),
        cmocka_unit_test(test_garbage_is_malformed),
        cmocka_unit_test(test_flipped_record_is_malformed),
        cmocka_unit_test(test_plaintext_does_not_stay_in_buffers),
        cmocka_unit_test(test_feed_is_bounded),
        cmocka_unit_test(test_no_session_ticket_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
