/* SPDX-License-Identifier: Apache-2.0 */
/* The client's requests, one function each. */
#include "control/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/secret.h"
#include "control/sa_key.h"

enum { PING_MAX = 1024, SA_BODY_MAX = 128 };

/* A request whose reply has no body. */
static sl_rc call_empty(struct sl_client *client, enum sl_msg_type type, const void *body,
                        size_t size, int timeout_ms, struct sl_err *err)
{
    struct sl_msg reply = {0};
    sl_rc rc = sl_client_call(client, type, body, size, timeout_ms, &reply, err);
    if (rc == SL_OK && reply.size != 0) {
        rc = sl_err_set(err, SL_MALFORMED, "the image's reply has bytes that it should not have");
    }
    sl_msg_done(&reply);
    return rc;
}

sl_rc sl_client_path(struct sl_client *client, int timeout_ms, uint16_t mtu, bool is_single,
                     struct sl_err *err)
{
    uint8_t body[3];
    sl_be16_put(body, mtu);
    body[2] = is_single;
    return call_empty(client, SL_MSG_PATH, body, sizeof(body), timeout_ms, err);
}

sl_rc sl_client_hello(struct sl_client *client, int timeout_ms, struct sl_msg_hello *ret_hello,
                      struct sl_err *err)
{
    uint8_t body[64];
    struct sl_writer w;
    struct sl_reader r;
    struct sl_msg reply = {0};
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_string(&w, SL_VERSION);
    sl_rc rc = sl_client_call(client, SL_MSG_HELLO, body, w.off, timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, reply.body, reply.size);
    rc = sl_msg_hello_read(&r, ret_hello);
    sl_msg_done(&reply);
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "the image's hello: %s", sl_rc_text(rc));
}

sl_rc sl_client_sa_make(struct sl_client *client, struct sl_msg_sa *sa, struct sl_err *err)
{
    if (getrandom(sa->seed, sizeof(sa->seed), 0) != (ssize_t)sizeof(sa->seed)) {
        return sl_err_set(err, SL_CRYPTO, "no randomness for an SA's seed");
    }
    sl_rc rc = sl_sa_key_derive(sl_client_tls(client), sa);
    return rc == SL_OK ? rc : sl_err_set(err, rc, "cannot derive an SA's key: %s", sl_rc_text(rc));
}

sl_rc sl_client_attest(struct sl_client *client, int timeout_ms,
                       const uint8_t nonce[SL_BINDING_NONCE_SIZE],
                       struct sl_client_evidence *ret_evidence, struct sl_err *err)
{
    struct sl_client_evidence evidence = {0};
    struct sl_reader r;
    sl_rc rc = sl_client_call(client, SL_MSG_ATTEST, nonce, SL_BINDING_NONCE_SIZE, timeout_ms,
                              &evidence.reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, evidence.reply.body, evidence.reply.size);
    evidence.policy_version = sl_reader_be64(&r);
    sl_reader_copy(&r, evidence.policy_hash, sizeof(evidence.policy_hash));
    evidence.bundle_size = sl_reader_left(&r);
    evidence.bundle = sl_reader_bytes(&r, evidence.bundle_size);
    rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        sl_msg_done(&evidence.reply);
        return sl_err_set(err, SL_MALFORMED, "the image's evidence: %s", sl_rc_text(rc));
    }
    *ret_evidence = evidence;
    return SL_OK;
}

sl_rc sl_client_insecure_unattested(struct sl_client *client, int timeout_ms, struct sl_err *err)
{
    static const uint8_t nonce[SL_BINDING_NONCE_SIZE]; /* nobody looks at what comes of it */
    struct sl_client_evidence evidence = {0};
    sl_rc rc = sl_client_attest(client, timeout_ms, nonce, &evidence, err);
    sl_msg_done(&evidence.reply);
    return rc == SL_UNSUPPORTED ? SL_OK : rc;
}

sl_rc sl_client_sa_set(struct sl_client *client, int timeout_ms, const struct sl_msg_sa *sa,
                       struct sl_err *err)
{
    uint8_t body[SA_BODY_MAX];
    struct sl_writer w;
    sl_writer_init(&w, body, sizeof(body));
    sl_msg_sa_write(&w, sa);
    sl_rc rc = w.rc;
    if (rc == SL_OK) {
        rc = call_empty(client, SL_MSG_SA_SET, body, w.off, timeout_ms, err);
    }
    return rc;
}

sl_rc sl_client_sa_clear(struct sl_client *client, int timeout_ms, struct sl_err *err)
{
    return call_empty(client, SL_MSG_SA_CLEAR, NULL, 0, timeout_ms, err);
}

sl_rc sl_client_chain_set(struct sl_client *client, int timeout_ms, const void *bundle, size_t size,
                          uint64_t *ret_version, uint8_t ret_hash[32], struct sl_err *err)
{
    struct sl_reader r;
    uint8_t hash[32];
    struct sl_msg reply = {0};
    sl_rc rc = sl_client_call(client, SL_MSG_CHAIN_SET, bundle, size, timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, reply.body, reply.size);
    uint64_t version = sl_reader_be64(&r);
    sl_reader_copy(&r, hash, sizeof(hash));
    rc = sl_reader_end(&r);
    sl_msg_done(&reply);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "the image's reply to a chain: %s", sl_rc_text(rc));
    }
    *ret_version = version;
    memcpy(ret_hash, hash, sizeof(hash));
    return SL_OK;
}

sl_rc sl_client_status(struct sl_client *client, int timeout_ms, char **ret_json,
                       struct sl_err *err)
{
    struct sl_msg reply = {0};
    sl_rc rc = sl_client_call(client, SL_MSG_STATUS, NULL, 0, timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    char *text = malloc(reply.size + 1);
    if (text == NULL) {
        sl_msg_done(&reply);
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a status of %zu bytes", reply.size);
    }
    if (reply.size > 0) {
        memcpy(text, reply.body, reply.size);
    }
    text[reply.size] = '\0';
    sl_msg_done(&reply);
    *ret_json = text;
    return SL_OK;
}

sl_rc sl_client_lease(struct sl_client *client, int timeout_ms, uint32_t seconds,
                      struct sl_err *err)
{
    uint8_t body[4];
    sl_be32_put(body, seconds);
    return call_empty(client, SL_MSG_LEASE, body, sizeof(body), timeout_ms, err);
}

sl_rc sl_client_nf(struct sl_client *client, int timeout_ms, const char *nf, const char *line,
                   char *ret_answer, size_t answer_size, struct sl_err *err)
{
    uint8_t body[2 * SL_NF_LINE_MAX];
    struct sl_msg reply = {0};
    struct sl_writer w;
    struct sl_reader r;
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_string(&w, nf);
    sl_writer_string(&w, line);
    if (w.rc != SL_OK) {
        return sl_err_set(err, SL_RANGE, "a line for an NF has at most %d characters",
                          SL_NF_LINE_MAX - 1);
    }
    sl_rc rc = sl_client_call(client, SL_MSG_NF, body, w.off, timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, reply.body, reply.size);
    sl_reader_string(&r, ret_answer, answer_size);
    rc = sl_reader_end(&r);
    sl_msg_done(&reply);
    return rc == SL_OK ? rc : sl_err_set(err, rc, "the NF's answer: %s", sl_rc_text(rc));
}

sl_rc sl_client_steering(struct sl_client *client, int timeout_ms,
                         struct sl_msg_steering *ret_steering, struct sl_err *err)
{
    struct sl_msg reply = {0};
    struct sl_reader r;
    sl_rc rc = sl_client_call(client, SL_MSG_STEERING, NULL, 0, timeout_ms, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_reader_init(&r, reply.body, reply.size);
    rc = sl_msg_steering_read(&r, ret_steering);
    sl_wipe(reply.body, reply.size);
    sl_msg_done(&reply);
    return rc == SL_OK ? rc : sl_err_set(err, rc, "the image's steering: %s", sl_rc_text(rc));
}

sl_rc sl_client_time(struct sl_client *client, int timeout_ms, struct sl_err *err)
{
    struct timespec ts;
    uint8_t body[8];
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    sl_be64_put(body, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
    return call_empty(client, SL_MSG_TIME, body, sizeof(body), timeout_ms, err);
}

sl_rc sl_client_ping(struct sl_client *client, int timeout_ms, uint32_t size,
                     uint64_t *ret_round_trip_ns, struct sl_err *err)
{
    uint8_t body[PING_MAX];
    struct timespec a;
    struct timespec b;
    struct sl_msg reply = {0};
    if (size > sizeof(body)) {
        return sl_err_set(err, SL_RANGE, "a ping carries at most %d bytes", PING_MAX);
    }
    for (uint32_t i = 0; i < size; i++) {
        body[i] = (uint8_t)i;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    sl_rc rc = sl_client_call(client, SL_MSG_PING, body, size, timeout_ms, &reply, err);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_same = reply.size == size && (size == 0 || memcmp(reply.body, body, size) == 0);
    sl_msg_done(&reply);
    if (!is_same) {
        return sl_err_set(err, SL_MISMATCH, "the image's echo differs from what was sent");
    }
    *ret_round_trip_ns = (uint64_t)((b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec);
    return SL_OK;
}
