/* SPDX-License-Identifier: Apache-2.0 */
/* Algorithms, and which of them this library and the other end have. */
#include "control/suites.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define SUITE(number, name, key_size, spec) {number, name, key_size, spec},
const struct sl_suite sl_suites[SL_SUITE_COUNT] = {SL_SUITE_TABLE(SUITE)};
#undef SUITE

const struct sl_key_exchange_group sl_key_exchange_groups[SL_KEY_EXCHANGE_GROUPS] = {
    {"X25519MLKEM768", "X25519MLKEM768", true},
    {"SecP256r1MLKEM768", "SecP256r1MLKEM768", true},
    {"X25519", "x25519", false},
    {"P-256", "secp256r1", false},
};

const struct sl_suite *sl_suite_find(unsigned number)
{
    for (uint32_t i = 0; i < SL_SUITE_COUNT; i++) {
        if ((unsigned)sl_suites[i].number == number) {
            return &sl_suites[i];
        }
    }
    return NULL;
}

sl_rc sl_key_exchange_list(enum sl_key_exchange demand,
                           bool (*is_offered)(void *ctx, const char *name), void *ctx,
                           char ret_list[SL_KEY_EXCHANGE_LIST_MAX], struct sl_err *err)
{
    size_t used = 0;
    ret_list[0] = '\0';
    for (uint32_t i = 0; i < SL_KEY_EXCHANGE_GROUPS; i++) {
        const struct sl_key_exchange_group *group = &sl_key_exchange_groups[i];
        if ((demand == SL_KEY_EXCHANGE_HYBRID && !group->is_hybrid) ||
            !is_offered(ctx, group->name)) {
            continue;
        }
        int put = snprintf(ret_list + used, SL_KEY_EXCHANGE_LIST_MAX - used, "%s%s",
                           used > 0 ? ":" : "", group->name);
        if (put < 0 || (size_t)put >= SL_KEY_EXCHANGE_LIST_MAX - used) {
            return sl_err_set(err, SL_NO_SPACE, "the list of key exchange groups is too long");
        }
        used += (size_t)put;
    }
    if (used > 0) {
        return SL_OK;
    }
    return demand == SL_KEY_EXCHANGE_HYBRID
               ? sl_err_set(err, SL_UNSUPPORTED,
                            "key_exchange: hybrid is demanded, but %s has no %s: OpenSSL 3.5 or "
                            "later is needed at both ends",
                            OpenSSL_version(OPENSSL_VERSION), sl_key_exchange_groups[0].name)
               : sl_err_set(err, SL_UNSUPPORTED, "%s has none of our key exchange groups",
                            OpenSSL_version(OPENSSL_VERSION));
}

const struct sl_key_exchange_group *sl_key_exchange_find(const char *name)
{
    for (uint32_t i = 0; name != NULL && i < SL_KEY_EXCHANGE_GROUPS; i++) {
        const struct sl_key_exchange_group *group = &sl_key_exchange_groups[i];
        if (strcasecmp(name, group->name) == 0 || strcasecmp(name, group->alias) == 0) {
            return group;
        }
    }
    return NULL;
}

void sl_key_exchange_text(const struct sl_key_exchange_group *group,
                          char ret_text[SL_KEY_EXCHANGE_TEXT_MAX])
{
    if (group == NULL) {
        (void)snprintf(ret_text, SL_KEY_EXCHANGE_TEXT_MAX, "none");
        return;
    }
    (void)snprintf(ret_text, SL_KEY_EXCHANGE_TEXT_MAX, "%s (%s)",
                   group->is_hybrid ? "hybrid" : "classical", group->name);
}

bool sl_key_exchange_is_offered(void *ctx, const char *name)
{
    bool is_offered = SSL_CTX_set1_groups_list(ctx, name) == 1;
    ERR_clear_error(); /* it says "unknown group", which is the answer */
    return is_offered;
}

sl_rc sl_key_exchange_check(enum sl_key_exchange demand, struct sl_err *err)
{
    char list[SL_KEY_EXCHANGE_LIST_MAX];
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    sl_rc rc = ctx != NULL
                   ? sl_key_exchange_list(demand, sl_key_exchange_is_offered, ctx, list, err)
                   : sl_err_set(err, SL_NO_MEMORY, "OpenSSL does not start");
    SSL_CTX_free(ctx);
    return rc;
}

const struct sl_key_exchange_group *sl_key_exchange_best(void)
{
    const struct sl_key_exchange_group *best = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    for (uint32_t i = 0; ctx != NULL && best == NULL && i < SL_KEY_EXCHANGE_GROUPS; i++) {
        if (sl_key_exchange_is_offered(ctx, sl_key_exchange_groups[i].name)) {
            best = &sl_key_exchange_groups[i];
        }
    }
    SSL_CTX_free(ctx);
    return best;
}
