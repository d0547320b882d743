/* SPDX-License-Identifier: Apache-2.0 */
/* The tenant's end of the control channel. */
#include "control/client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"

enum { RECEIVE_SIZE = 16384 };

struct sl_client {
    struct sl_client_transport transport;
    struct sl_tls *tls;
    struct sl_msg_reader reader;
    struct sl_msg_writer writer;
    struct sl_msg request; /* waits for the end of the handshake */
    bool has_request;
    bool is_waiting; /* for the reply to `id` */
    bool is_dead;
    uint16_t id;
    uint16_t type;
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

sl_rc sl_client_create(const struct sl_client_params *params, struct sl_client **ret_client,
                       struct sl_err *err)
{
    if (params->verify == NULL || params->identity == NULL) {
        return sl_err_set(err, SL_INVALID, "a control client needs a key and a verify callback");
    }
    struct sl_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a control client");
    }
    struct sl_tls_options options = {.is_server = false,
                                     .identity = params->identity,
                                     .verify = params->verify,
                                     .verify_ctx = params->verify_ctx,
                                     .key_exchange = params->key_exchange};
    sl_rc rc = sl_tls_create(&options, &client->tls, err);
    if (rc != SL_OK) {
        free(client);
        return rc;
    }
    client->transport = params->transport;
    client->reader.size_max = SL_MSG_SIZE_MAX;
    *ret_client = client;
    return SL_OK;
}

/* Sends what TLS has to send.
 * @retval SL_OK all of it, SL_AGAIN some is left */
static sl_rc flush(struct sl_client *client)
{
    const uint8_t *data;
    size_t size;
    while ((size = sl_tls_out(client->tls, &data)) > 0) {
        size_t sent = 0;
        sl_rc rc = client->transport.send(client->transport.ctx, data, size, &sent);
        if (rc != SL_OK) {
            return rc;
        }
        sl_tls_out_take(client->tls, sent);
    }
    return SL_OK;
}

void sl_client_free(struct sl_client *client)
{
    if (client == NULL) {
        return;
    }
    if (!client->is_dead) {
        sl_tls_close(client->tls);
    }
    (void)!flush(client); /* an alert or a close_notify; the other end may be gone */
    client->transport.close(client->transport.ctx);
    sl_msg_done(&client->request);
    sl_msg_reader_done(&client->reader);
    sl_msg_writer_done(&client->writer);
    sl_tls_free(client->tls);
    free(client);
}

int sl_client_fd(const struct sl_client *client)
{
    return client->transport.fd;
}

bool sl_client_wants_write(const struct sl_client *client)
{
    const uint8_t *data;
    return sl_tls_out(client->tls, &data) > 0;
}

struct sl_tls *sl_client_tls(struct sl_client *client)
{
    return client->tls;
}

bool sl_client_is_dead(const struct sl_client *client)
{
    return client->is_dead;
}

/* Takes one chunk from the transport.
 * @retval SL_OK something came, SL_AGAIN nothing */
static sl_rc receive(struct sl_client *client)
{
    uint8_t chunk[RECEIVE_SIZE];
    size_t got = 0;
    sl_rc rc = client->transport.receive(client->transport.ctx, chunk, sizeof(chunk), &got);
    return rc == SL_OK ? sl_tls_feed(client->tls, chunk, got) : rc;
}

/* Starts the waiting request once TLS stands, and pushes what is being sent. */
static sl_rc push(struct sl_client *client, struct sl_err *err)
{
    if (!sl_tls_is_ready(client->tls)) {
        return SL_OK;
    }
    if (client->has_request) {
        sl_rc rc = sl_msg_writer_start(&client->writer, client->tls, &client->request, err);
        if (rc != SL_OK) {
            return rc;
        }
        client->has_request = false;
    }
    for (;;) {
        sl_rc rc = sl_msg_writer_push(&client->writer, client->tls, err);
        if (rc != SL_OK && rc != SL_AGAIN) {
            return rc;
        }
        sl_rc flushed = flush(client);
        if (flushed != SL_OK || rc == SL_OK) {
            /* What stays unsent is sent by the next call; a peer that is gone shows in receive,
             * after whatever it said last (such as why it refused us). */
            return SL_OK;
        }
    }
}

static sl_rc take_reply(struct sl_client *client, struct sl_msg *ret_reply, struct sl_err *err)
{
    struct sl_msg msg = {0};
    sl_rc rc = sl_msg_reader_pull(&client->reader, client->tls, &msg, err);
    if (rc != SL_OK) {
        return rc;
    }
    /* An error may come unasked, before the image closes: it is the reason, so it is shown. */
    bool is_ours = client->is_waiting && msg.id == client->id && msg.type == client->type;
    if (!is_ours && msg.type != SL_MSG_ERROR) {
        rc = sl_err_set(err, SL_MISMATCH, "the image answered type %u id %u to type %u id %u",
                        msg.type, msg.id, client->type, client->id);
        sl_msg_done(&msg);
        return rc;
    }
    client->is_waiting = false;
    *ret_reply = msg;
    return SL_OK;
}

static sl_rc step(struct sl_client *client, struct sl_msg *ret_reply, struct sl_err *err)
{
    for (;;) {
        sl_rc rc = sl_tls_handshake(client->tls, err);
        if (rc == SL_OK) {
            rc = push(client, err);
        }
        if (rc == SL_OK) {
            rc = take_reply(client, ret_reply, err);
        }
        if (rc != SL_AGAIN) {
            return rc;
        }
        (void)!flush(client);
        rc = receive(client);
        if (rc == SL_AGAIN) {
            return SL_AGAIN;
        }
        if (rc != SL_OK) {
            return sl_err_set(err, rc,
                              rc == SL_CLOSED ? "the image's end of the control channel is gone"
                                              : "the control connection failed");
        }
    }
}

sl_rc sl_client_poll(struct sl_client *client, struct sl_msg *ret_reply, struct sl_err *err)
{
    if (client->is_dead) {
        return sl_err_set(err, SL_CLOSED, "the control connection has failed before");
    }
    sl_rc rc = step(client, ret_reply, err);
    if (rc != SL_OK && rc != SL_AGAIN) {
        client->is_dead = true;
    }
    return rc;
}

sl_rc sl_client_request(struct sl_client *client, enum sl_msg_type type, const void *body,
                        size_t size, struct sl_err *err)
{
    if (client->is_dead || client->is_waiting) {
        return sl_err_set(err, SL_STATE,
                          client->is_dead ? "the control connection has failed"
                                          : "a request is under way");
    }
    if (size > SL_MSG_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "request of %zu bytes; at most %d can be sent", size,
                          SL_MSG_SIZE_MAX);
    }
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a request of %zu bytes", size);
    }
    if (size > 0) {
        memcpy(copy, body, size);
    }
    client->id++;
    client->type = (uint16_t)type;
    client->request = (struct sl_msg){
        .type = (uint16_t)type, .id = client->id, .body = copy, .size = size, .room = size};
    client->has_request = true;
    client->is_waiting = true;
    return SL_OK;
}

sl_rc sl_client_error(const struct sl_msg *reply, struct sl_err *err)
{
    struct sl_reader r;
    char text[400];
    if (reply->type != SL_MSG_ERROR) {
        return sl_err_set(err, SL_MALFORMED, "not an error reply");
    }
    sl_reader_init(&r, reply->body, reply->size);
    uint16_t code = sl_reader_be16(&r);
    sl_reader_string(&r, text, sizeof(text));
    if (sl_reader_end(&r) != SL_OK || code == SL_OK || code >= SL_RC_COUNT) {
        return sl_err_set(err, SL_MALFORMED, "the image's error reply is malformed");
    }
    return sl_err_set(err, (sl_rc)code, "%s", text);
}

/* Milliseconds left until `end_ns`, at least 0. */
static int left_ms(uint64_t end_ns)
{
    uint64_t now = now_ns();
    return now >= end_ns ? 0 : (int)((end_ns - now + 999999) / 1000000);
}

static sl_rc timed_out(struct sl_client *client, int timeout_ms, struct sl_err *err)
{
    client->is_dead = true;
    return sl_err_set(err, SL_TIMEOUT, "the image did not answer within %d ms", timeout_ms);
}

sl_rc sl_client_connect(struct sl_client *client, int timeout_ms, struct sl_err *err)
{
    uint64_t end_ns = now_ns() + (uint64_t)timeout_ms * 1000000u;
    while (!sl_tls_is_ready(client->tls) || sl_client_wants_write(client)) {
        struct sl_msg msg = {0};
        sl_rc rc = sl_client_poll(client, &msg, err);
        if (rc == SL_OK) { /* nothing was asked: only an error can come */
            rc = sl_client_error(&msg, err);
            sl_msg_done(&msg);
            client->is_dead = true;
            return rc;
        }
        if (rc != SL_AGAIN) {
            return rc;
        }
        if (sl_tls_is_ready(client->tls) && !sl_client_wants_write(client)) {
            break;
        }
        if (left_ms(end_ns) == 0) {
            return timed_out(client, timeout_ms, err);
        }
        client->transport.wait(client->transport.ctx, sl_client_wants_write(client),
                               left_ms(end_ns));
    }
    return SL_OK;
}

sl_rc sl_client_call(struct sl_client *client, enum sl_msg_type type, const void *body, size_t size,
                     int timeout_ms, struct sl_msg *ret_reply, struct sl_err *err)
{
    uint64_t end_ns = now_ns() + (uint64_t)timeout_ms * 1000000u;
    struct sl_msg reply = {0};
    sl_rc rc = sl_client_request(client, type, body, size, err);
    if (rc != SL_OK) {
        return rc;
    }
    while ((rc = sl_client_poll(client, &reply, err)) == SL_AGAIN) {
        if (left_ms(end_ns) == 0) {
            return timed_out(client, timeout_ms, err);
        }
        client->transport.wait(client->transport.ctx, sl_client_wants_write(client),
                               left_ms(end_ns));
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (reply.type == SL_MSG_ERROR) {
        rc = sl_client_error(&reply, err);
        sl_msg_done(&reply);
        return rc;
    }
    *ret_reply = reply;
    return SL_OK;
}
