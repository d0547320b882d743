/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Every algorithm SafeLib uses between its own ends, in this one place. ESP's are numbered suites:
 * the number stands in the tenant's configuration and on the wire, and is never given a second
 * meaning; what is new gets a new number. The channel's are lists in order of preference, from
 * which TLS 1.3 takes the first that both ends have.
 */
#ifndef SL_CONTROL_SUITES_H
#define SL_CONTROL_SUITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "esp/esp.h"

/* ---- ESP ---- */

/** number, name in configurations, key bytes, specification */
#define SL_SUITE_TABLE(X)                                                                          \
    X(SL_ESP_AES_128_GCM_16, "aes-128-gcm", 16, "RFC 4106")                                        \
    X(SL_ESP_AES_256_GCM_16, "aes-256-gcm", 32, "RFC 4106")                                        \
    X(SL_ESP_CHACHA20_POLY1305, "chacha20-poly1305", 32, "RFC 7634")

struct sl_suite {
    enum sl_esp_alg number;
    const char *name;
    uint32_t key_size; /**< bytes; the salt's SL_ESP_SALT_SIZE come besides */
    const char *spec;
};

enum { SL_SUITE_COUNT = 3 };
extern const struct sl_suite sl_suites[SL_SUITE_COUNT];

/** The suite of a number as it came in; NULL where there is none. */
const struct sl_suite *sl_suite_find(unsigned number);

/* ---- hashes and signatures ---- */

#define SL_SUITE_KDF_HASH       "SHA2-384" /**< SA keys: control/sa_key.h */
#define SL_SUITE_POLICY_HASH    "SHA2-256" /**< of policy bundles and of public keys */
#define SL_SUITE_BINDING_HASH   "SHA2-512" /**< report_data: control/binding.h */
#define SL_SUITE_IDENTITY_CURVE "P-256"    /**< keys of image and tenant */

/* ---- TLS 1.3 ---- */

#define SL_SUITE_TLS_CIPHERS                                                                       \
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
#define SL_SUITE_TLS_SIGALGS "ECDSA+SHA256:ECDSA+SHA384:ed25519"

/** A way to agree on the channel's key. Hybrid: safe for as long as either of its two parts is, so
 * that what is recorded today stays closed to a quantum computer of tomorrow. */
struct sl_key_exchange_group {
    const char *name;  /**< as OpenSSL takes it in a list */
    const char *alias; /**< another name it may report */
    bool is_hybrid;
};

/** What a policy demands of it. */
enum sl_key_exchange {
    SL_KEY_EXCHANGE_CLASSICAL, /**< hybrid where both ends can, classical otherwise */
    SL_KEY_EXCHANGE_HYBRID,    /**< hybrid or nothing */
};

enum { SL_KEY_EXCHANGE_GROUPS = 4, SL_KEY_EXCHANGE_LIST_MAX = 80, SL_KEY_EXCHANGE_TEXT_MAX = 48 };
/** In order of preference. */
extern const struct sl_key_exchange_group sl_key_exchange_groups[SL_KEY_EXCHANGE_GROUPS];

/** The groups to offer, as a list for OpenSSL: those of the table that the library has, hybrid
 * first, hybrid alone where it is demanded.
 * @param is_offered  whether the library has the group of that name
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  none is left; @p err says what was demanded and what would help */
sl_rc sl_key_exchange_list(enum sl_key_exchange demand,
                           bool (*is_offered)(void *ctx, const char *name), void *ctx,
                           char ret_list[SL_KEY_EXCHANGE_LIST_MAX],
                           struct sl_err *err) SL_MUST_CHECK;

/** For sl_key_exchange_list: asks the OpenSSL of this program; @p ctx is an SSL_CTX, whose list it
 * changes. */
bool sl_key_exchange_is_offered(void *ctx, const char *name);

/** The group that a TLS library reports by that name (any case); NULL where it is none of ours. */
const struct sl_key_exchange_group *sl_key_exchange_find(const char *name);

/** "hybrid (X25519MLKEM768)", "classical (X25519)"; "none" for NULL. */
void sl_key_exchange_text(const struct sl_key_exchange_group *group,
                          char ret_text[SL_KEY_EXCHANGE_TEXT_MAX]);

/** Whether the OpenSSL linked into this program can do what is demanded; as sl_key_exchange_list.
 */
sl_rc sl_key_exchange_check(enum sl_key_exchange demand, struct sl_err *err) SL_MUST_CHECK;

/** The best that the OpenSSL linked into this program has; NULL where it has none at all. */
const struct sl_key_exchange_group *sl_key_exchange_best(void);

#endif
