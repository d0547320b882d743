/* SPDX-License-Identifier: Apache-2.0 */
/* The negotiation of a hybrid key exchange, also where this machine's OpenSSL has none: P-384 then
 * plays X25519MLKEM768. It shows who offers, accepts and refuses what, and nothing about ML-KEM. */
#include "pair.h"

#include <openssl/ssl.h>

static bool is_modern; /* the library that the next end is made with has hybrid groups */

long __wrap_SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long number, void *parg);
long __real_SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long number, void *parg);
const char *__wrap_SSL_group_to_name(SSL *ssl, int id);
const char *__real_SSL_group_to_name(SSL *ssl, int id);

/* Calls of src/control come here (--wrap). */
long __wrap_SSL_CTX_ctrl(SSL_CTX *ctx, int cmd, long number, void *parg)
{
    char list[128] = "";
    char copy[128];
    if (cmd != SSL_CTRL_SET_GROUPS_LIST) {
        return __real_SSL_CTX_ctrl(ctx, cmd, number, parg);
    }
    (void)snprintf(copy, sizeof(copy), "%s", (const char *)parg);
    char *at = NULL;
    for (char *name = strtok_r(copy, ":", &at); name != NULL; name = strtok_r(NULL, ":", &at)) {
        bool is_hybrid = strcmp(name, "X25519MLKEM768") == 0;
        if ((is_hybrid && !is_modern) || strcmp(name, "SecP256r1MLKEM768") == 0) {
            return 0;
        }
        size_t used = strlen(list);
        (void)snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ":" : "",
                       is_hybrid ? "P-384" : name);
    }
    return __real_SSL_CTX_ctrl(ctx, cmd, number, list);
}

const char *__wrap_SSL_group_to_name(SSL *ssl, int id)
{
    const char *name = __real_SSL_group_to_name(ssl, id);
    return name != NULL && strcmp(name, "secp384r1") == 0 ? "X25519MLKEM768" : name;
}

struct outcome {
    sl_rc server, client;
    struct sl_err server_err, client_err;
    const struct sl_key_exchange_group *group;
};

static void run(bool is_server_modern, bool is_client_modern, enum sl_key_exchange demand,
                struct outcome *ret_outcome)
{
    struct pair p = {0};
    struct outcome o = {.server = SL_AGAIN, .client = SL_AGAIN};
    assert_ok(sl_identity_generate("image", &p.image));
    assert_ok(sl_identity_generate("tenant", &p.tenant));
    memcpy(p.expected_by_server, p.tenant->spki_hash, SL_SPKI_HASH_SIZE);
    memcpy(p.expected_by_client, p.image->spki_hash, SL_SPKI_HASH_SIZE);
    struct sl_tls_options server = {true, p.image, pair_verify, p.expected_by_server,
                                    SL_KEY_EXCHANGE_CLASSICAL};
    struct sl_tls_options client = {false, p.tenant, pair_verify, p.expected_by_client, demand};
    is_modern = is_server_modern;
    assert_ok(sl_tls_create(&server, &p.server, NULL));
    is_modern = is_client_modern;
    o.client = sl_tls_create(&client, &p.client, &o.client_err);
    if (o.client == SL_OK) {
        o.client = SL_AGAIN;
        for (int i = 0; i < 10; i++) {
            o.client = o.client == SL_AGAIN ? sl_tls_handshake(p.client, &o.client_err) : o.client;
            (void)pair_carry(p.client, p.server);
            o.server = o.server == SL_AGAIN ? sl_tls_handshake(p.server, &o.server_err) : o.server;
            (void)pair_carry(p.server, p.client);
        }
        o.group = sl_tls_group(p.client);
        assert_true(o.client != SL_OK || sl_tls_group(p.server) == o.group);
    }
    pair_done(&p);
    *ret_outcome = o;
}

static void test_who_gets_what(void **state)
{
    (void)state;
    const struct {
        bool is_server_modern, is_client_modern;
        enum sl_key_exchange demand;
        const char *group; /* NULL: refused */
        const char *sentence;
    } rows[] = {
        {true, true, SL_KEY_EXCHANGE_CLASSICAL, "X25519MLKEM768", NULL},
        {true, true, SL_KEY_EXCHANGE_HYBRID, "X25519MLKEM768", NULL},
        {false, true, SL_KEY_EXCHANGE_CLASSICAL, "X25519", NULL},
        {true, false, SL_KEY_EXCHANGE_CLASSICAL, "X25519", NULL},
        {false, false, SL_KEY_EXCHANGE_CLASSICAL, "X25519", NULL},
        {false, true, SL_KEY_EXCHANGE_HYBRID, NULL, "the other end has no X25519MLKEM768"},
        {true, false, SL_KEY_EXCHANGE_HYBRID, NULL,
         "key_exchange: hybrid is demanded, but OpenSSL"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct outcome o;
        run(rows[i].is_server_modern, rows[i].is_client_modern, rows[i].demand, &o);
        if (rows[i].group != NULL) {
            assert_ok(o.client);
            assert_ok(o.server);
            assert_string_equal(o.group->name, rows[i].group);
        } else {
            assert_rc(o.client, SL_UNSUPPORTED);
            assert_int_not_equal(o.server, SL_OK);
            assert_non_null(strstr(o.client_err.text, rows[i].sentence));
            assert_null(o.group);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_gets_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
