/* SPDX-License-Identifier: Apache-2.0 */
/* One end of the control channel: TLS 1.3 between memory buffers, by OpenSSL. */
#include "control/tls.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
    CERT_LIST_MAX = 8192, /* one self-signed certificate is below 1 KiB */
};

struct sl_tls {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;  /* owned by ssl */
    BIO *out; /* owned by ssl */
    struct sl_tls_options options;
    struct sl_tls_peer peer;
    bool has_peer;
    bool is_ready;
    const struct sl_key_exchange_group *group; /* once ready */
    struct sl_err verify_err;
};

static int verify_peer(X509_STORE_CTX *store, void *arg)
{
    struct sl_tls *tls = arg;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    uint8_t *der = NULL;
    sl_rc rc = SL_AUTH;
    if (key == NULL) {
        (void)sl_err_set(&tls->verify_err, SL_AUTH, "the peer's certificate holds no usable key");
    } else if (sl_spki_hash(key, tls->peer.spki_hash, &der, &tls->peer.spki_size) != SL_OK) {
        (void)sl_err_set(&tls->verify_err, SL_CRYPTO, "cannot hash the peer's key");
    } else {
        tls->peer.spki = der;
        rc = tls->options.verify(tls->options.verify_ctx, &tls->peer, &tls->verify_err);
        tls->peer.spki = NULL;
        tls->has_peer = rc == SL_OK;
    }
    OPENSSL_free(der);
    X509_STORE_CTX_set_error(store, rc == SL_OK ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return rc == SL_OK ? 1 : 0;
}

static bool configure(struct sl_tls *tls, const char *groups)
{
    SSL_CTX *ctx = tls->ctx;
    const struct sl_identity *identity = tls->options.identity;
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       /* what was decrypted does not stay in its buffer */
                                       SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_peer, tls);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, SL_SUITE_TLS_CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, SL_SUITE_TLS_SIGALGS) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
           SSL_CTX_use_certificate(ctx, identity->certificate) == 1 &&
           SSL_CTX_use_PrivateKey(ctx, identity->key) == 1;
}

static bool attach(struct sl_tls *tls)
{
    tls->ssl = SSL_new(tls->ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        return false;
    }
    (void)BIO_set_mem_eof_return(in, -1); /* empty is "not yet", never "end" */
    SSL_set_bio(tls->ssl, in, out);
    tls->in = in;
    tls->out = out;
    if (tls->options.is_server) {
        SSL_set_accept_state(tls->ssl);
    } else {
        SSL_set_connect_state(tls->ssl);
    }
    return true;
}

sl_rc sl_tls_create(const struct sl_tls_options *options, struct sl_tls **ret_tls,
                    struct sl_err *err)
{
    char groups[SL_KEY_EXCHANGE_LIST_MAX];
    sl_rc rc = SL_OK;
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
        return sl_err_set(err, SL_CRYPTO, "OpenSSL does not start");
    }
    struct sl_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a TLS endpoint");
    }
    tls->options = *options;
    tls->ctx = SSL_CTX_new(TLS_method());
    if (tls->ctx != NULL) {
        rc = sl_key_exchange_list(options->key_exchange, sl_key_exchange_is_offered, tls->ctx,
                                  groups, err);
    }
    if (rc != SL_OK) {
        sl_tls_free(tls);
        return rc;
    }
    if (tls->ctx == NULL || !configure(tls, groups) || !attach(tls)) {
        sl_tls_free(tls);
        return sl_err_set(err, SL_CRYPTO, "OpenSSL cannot set up TLS 1.3");
    }
    *ret_tls = tls;
    return SL_OK;
}

void sl_tls_free(struct sl_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

sl_rc sl_tls_feed(struct sl_tls *tls, const uint8_t *data, size_t size)
{
    size_t waiting = BIO_ctrl_pending(tls->in);
    if (size > SL_TLS_IN_MAX || waiting > SL_TLS_IN_MAX - size) {
        return SL_NO_SPACE;
    }
    if (size > 0 && BIO_write(tls->in, data, (int)size) != (int)size) {
        return SL_NO_MEMORY;
    }
    return SL_OK;
}

size_t sl_tls_out(struct sl_tls *tls, const uint8_t **ret_data)
{
    char *data = NULL;
    long size = BIO_get_mem_data(tls->out, &data);
    *ret_data = (const uint8_t *)data;
    return size > 0 ? (size_t)size : 0;
}

void sl_tls_out_take(struct sl_tls *tls, size_t size)
{
    uint8_t sink[4096];
    while (size > 0) {
        int step = size < sizeof(sink) ? (int)size : (int)sizeof(sink);
        int got = BIO_read(tls->out, sink, step);
        if (got <= 0) {
            return;
        }
        size -= (size_t)got;
    }
}

/* Alerts of the other end that mean "I do not accept you" (RFC 8446 6.2). */
static bool is_refusal(int alert)
{
    switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}

/* No common group: said by our own library, or by the other end's alert (RFC 8446 4.1.1: the
 * server "MUST abort the handshake with either a "handshake_failure" or "insufficient_security"
 * fatal alert"). */
static bool is_group_failure(unsigned long code)
{
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    return reason == SSL_R_NO_SUITABLE_KEY_SHARE || reason == SSL_R_NO_SUITABLE_GROUPS ||
           reason == SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE ||
           reason == SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY;
}

static sl_rc explain_library(struct sl_err *err)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    const char *text = ERR_reason_error_string(code);
    text = text != NULL ? text : "no detail";
    if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
        return sl_err_set(err, SL_MALFORMED, "TLS failed: %s", text);
    }
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
        int alert = reason - SSL_AD_REASON_OFFSET;
        return is_refusal(alert)
                   ? sl_err_set(err, SL_DENIED, "the other end does not accept our key (%s)",
                                SSL_alert_desc_string_long(alert))
                   : sl_err_set(err, SL_MALFORMED, "the other end gave up the connection (%s)",
                                SSL_alert_desc_string_long(alert));
    }
    switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return sl_err_set(err, SL_AUTH, "the peer showed no key");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return sl_err_set(err, SL_UNSUPPORTED, "no common TLS 1.3 parameters: %s", text);
    default:
        return sl_err_set(err, SL_MALFORMED, "TLS failed: %s", text);
    }
}

/* Turns the outcome of an SSL call into one of our codes; empties OpenSSL's queue. */
static sl_rc explain(struct sl_tls *tls, int result, struct sl_err *err)
{
    sl_rc rc;
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return SL_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return sl_err_set(err, SL_CLOSED, "the other end closed the connection");
    default:
        break;
    }
    if (tls->verify_err.rc == SL_OK && tls->options.key_exchange == SL_KEY_EXCHANGE_HYBRID &&
        is_group_failure(ERR_peek_error())) {
        rc = sl_err_set(err, SL_UNSUPPORTED,
                        "key_exchange: hybrid is demanded, but the other end has no %s: its "
                        "SafeLib needs OpenSSL 3.5 or later",
                        sl_key_exchange_groups[0].name);
    } else if (tls->verify_err.rc != SL_OK) {
        rc = sl_err_set(err, SL_AUTH, "the peer's key was refused: %s", tls->verify_err.text);
    } else {
        rc = explain_library(err);
    }
    ERR_clear_error();
    return rc;
}

/* The group in use, by the name that the library gives it. */
static const struct sl_key_exchange_group *negotiated(const struct sl_tls *tls)
{
    return sl_key_exchange_find(
        SSL_group_to_name(tls->ssl, (int)SSL_get_negotiated_group(tls->ssl)));
}

sl_rc sl_tls_handshake(struct sl_tls *tls, struct sl_err *err)
{
    if (tls->is_ready) {
        return SL_OK;
    }
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1) {
        return explain(tls, result, err);
    }
    /* No path through TLS 1.3 with SSL_VERIFY_PEER leads here without the callback's consent; if
     * one ever did, it must not pass. */
    if (!tls->has_peer) {
        return sl_err_set(err, SL_AUTH, "the peer's key was not verified");
    }
    const struct sl_key_exchange_group *group = negotiated(tls);
    if (group == NULL ||
        (tls->options.key_exchange == SL_KEY_EXCHANGE_HYBRID && !group->is_hybrid)) {
        char text[SL_KEY_EXCHANGE_TEXT_MAX];
        sl_key_exchange_text(group, text);
        return sl_err_set(err, SL_UNSUPPORTED,
                          "the channel's key exchange is %s, which the policy does not allow",
                          text);
    }
    tls->group = group;
    tls->is_ready = true;
    return SL_OK;
}

bool sl_tls_is_ready(const struct sl_tls *tls)
{
    return tls->is_ready;
}

sl_rc sl_tls_read(struct sl_tls *tls, void *out, size_t size, size_t *ret_size, struct sl_err *err)
{
    if (!tls->is_ready) {
        return sl_err_set(err, SL_STATE, "TLS handshake not done");
    }
    ERR_clear_error();
    size_t got = 0;
    int result = SSL_read_ex(tls->ssl, out, size, &got);
    if (result != 1) {
        return explain(tls, result, err);
    }
    *ret_size = got;
    return SL_OK;
}

sl_rc sl_tls_write(struct sl_tls *tls, const void *data, size_t size, struct sl_err *err)
{
    if (!tls->is_ready) {
        return sl_err_set(err, SL_STATE, "TLS handshake not done");
    }
    size_t done = 0;
    ERR_clear_error();
    if (size == 0) {
        return SL_OK;
    }
    if (SSL_write_ex(tls->ssl, data, size, &done) != 1 || done != size) {
        ERR_clear_error();
        return sl_err_set(err, SL_CRYPTO, "TLS cannot write %zu bytes", size);
    }
    return SL_OK;
}

void sl_tls_close(struct sl_tls *tls)
{
    if (tls->is_ready) {
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
    }
}

const struct sl_key_exchange_group *sl_tls_group(const struct sl_tls *tls)
{
    return tls->group;
}

const struct sl_tls_peer *sl_tls_peer(const struct sl_tls *tls)
{
    return tls->has_peer ? &tls->peer : NULL;
}

sl_rc sl_tls_export(struct sl_tls *tls, const char *label, uint8_t *out, size_t size)
{
    if (!tls->is_ready) {
        return SL_STATE;
    }
    /* RFC 9266 2: "Context value: Zero-length string." In TLS 1.3 absent and empty are one.
     */
    int result = SSL_export_keying_material(tls->ssl, out, size, label, strlen(label), NULL, 0, 1);
    return result == 1 ? SL_OK : SL_CRYPTO;
}
