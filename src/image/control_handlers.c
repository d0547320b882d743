/* SPDX-License-Identifier: Apache-2.0 */
/* What the image answers, one function per request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "control/sa_key.h"
#include "image/control_eval.h"
#include "image/control_server.h"
#include "image/status.h"
#include "runtime/runtime.h"

enum {
    PING_MAX = 1024,
};

/* A body for the reply; false where memory is short. */
static bool make_body(struct sl_msg *reply, size_t size)
{
    reply->body = malloc(size > 0 ? size : 1);
    reply->size = reply->room = reply->body != NULL ? size : 0;
    return reply->body != NULL;
}

static sl_rc copy_body(struct sl_msg *reply, const void *data, size_t size, struct sl_err *err)
{
    if (!make_body(reply, size)) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a reply of %zu bytes", size);
    }
    if (size > 0) {
        memcpy(reply->body, data, size);
    }
    return SL_OK;
}

static sl_rc expect_empty(const struct sl_msg *request, bool *ret_is_fatal, struct sl_err *err)
{
    if (request->size != 0) {
        *ret_is_fatal = true;
        return sl_err_set(err, SL_MALFORMED, "request %u has a body of %zu bytes; expected none",
                          request->type, request->size);
    }
    return SL_OK;
}

static sl_rc on_hello(struct sl_control_server *server, const struct sl_msg *request,
                      struct sl_msg *reply, bool *ret_is_fatal, struct sl_err *err)
{
    char version[32];
    uint8_t body[1024];
    struct sl_msg_hello hello = {0};
    struct sl_reader r;
    struct sl_writer w;
    sl_reader_init(&r, request->body, request->size);
    sl_reader_string(&r, version, sizeof(version));
    sl_rc rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        *ret_is_fatal = true;
        return sl_err_set(err, rc, "hello: %s", sl_rc_text(rc));
    }
    (void)snprintf(hello.version, sizeof(hello.version), "%s", SL_VERSION);
    (void)snprintf(hello.device, sizeof(hello.device), "%s", server->params.device);
    hello.shard_count = server->params.provision->shard_count;
    hello.nf_count = sl_nf_registered_count();
    hello.nf_count = hello.nf_count < 16 ? hello.nf_count : 16;
    for (uint32_t i = 0; i < hello.nf_count; i++) {
        (void)snprintf(hello.nf_names[i], sizeof(hello.nf_names[i]), "%s",
                       sl_nf_registered(i)->name);
    }
    sl_writer_init(&w, body, sizeof(body));
    sl_msg_hello_write(&w, &hello);
    return w.rc == SL_OK ? copy_body(reply, body, w.off, err) : sl_err_set(err, w.rc, "hello");
}

/* Keys do not travel: both ends derive them from the channel that they have in common. */
static sl_rc on_sa_set(struct sl_control_server *server, struct sl_connection *connection,
                       const struct sl_msg *request, uint64_t now_ns, bool *ret_is_fatal,
                       struct sl_err *err)
{
    struct sl_msg_sa sa = {0};
    struct sl_reader r;
    if (server->snapshot.told.state == SL_MSG_SNAPSHOT_IS_RESTORING) {
        return sl_err_set(err, SL_AGAIN, "flows are coming back from a snapshot: SAs after that");
    }
    sl_reader_init(&r, request->body, request->size);
    sl_rc rc = sl_msg_sa_read(&r, &sa);
    if (rc != SL_OK) {
        *ret_is_fatal = rc == SL_TRUNCATED || rc == SL_MALFORMED;
        return sl_err_set(err, rc, "SA: %s", sl_rc_text(rc));
    }
    rc = sl_sa_key_derive(connection->tls, &sa);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "cannot derive the SA's key: %s", sl_rc_text(rc));
    }
    rc = sl_provision_sa_set(server->params.provision, &sa, now_ns, err);
    sl_wipe(&sa, sizeof(sa));
    return rc;
}

static sl_rc on_chain_set(struct sl_control_server *server, const struct sl_msg *request,
                          struct sl_msg *reply, struct sl_err *err)
{
    struct sl_provision *provision = server->params.provision;
    uint8_t body[8 + SL_PROVISION_HASH_SIZE];
    sl_rc rc = sl_provision_chain_set(provision, request->body, request->size, err);
    rc = rc == SL_OK ? sl_life_seal(server->params.life, provision, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    sl_be64_put(body, provision->version);
    memcpy(body + 8, provision->hash, SL_PROVISION_HASH_SIZE);
    return copy_body(reply, body, sizeof(body), err);
}

static sl_rc on_status(struct sl_control_server *server, uint64_t now_ns, struct sl_msg *reply,
                       struct sl_err *err)
{
    struct sl_json json = {0};
    sl_status_write(server, now_ns, &json);
    if (json.rc != SL_OK) {
        sl_rc rc = json.rc;
        sl_json_done(&json);
        return sl_err_set(err, rc, "cannot write the status: %s", sl_rc_text(rc));
    }
    reply->body = (uint8_t *)json.text;
    reply->size = json.size;
    reply->room = json.room;
    return SL_OK;
}

static sl_rc on_ping(const struct sl_msg *request, struct sl_msg *reply, bool *ret_is_fatal,
                     struct sl_err *err)
{
    if (request->size > PING_MAX) {
        *ret_is_fatal = true;
        return sl_err_set(err, SL_RANGE, "ping of %zu bytes; at most %d", request->size, PING_MAX);
    }
    return copy_body(reply, request->body, request->size, err);
}

static sl_rc on_time(struct sl_control_server *server, const struct sl_msg *request,
                     uint64_t now_ns, bool *ret_is_fatal, struct sl_err *err)
{
    if (request->size != 8) {
        *ret_is_fatal = true;
        return sl_err_set(err, SL_MALFORMED, "time of %zu bytes; expected 8", request->size);
    }
    (void)sl_life_time(server->params.life, sl_be64_get(request->body), now_ns);
    sl_rt_time_set(sl_be64_get(request->body));
    server->time_offset_ns = sl_be64_get(request->body) - now_ns;
    server->has_time = true;
    return SL_OK;
}

/* ---- who the image is, and its log ---- */

static sl_rc on_instance(struct sl_control_server *server, struct sl_msg *reply, struct sl_err *err)
{
    uint8_t body[256];
    struct sl_writer w;
    struct sl_msg_instance told;
    sl_life_tell(server->params.life, server->params.provision, &told);
    sl_writer_init(&w, body, sizeof(body));
    sl_msg_instance_write(&w, &told);
    return w.rc == SL_OK ? copy_body(reply, body, w.off, err) : sl_err_set(err, w.rc, "instance");
}

static sl_rc on_epoch(struct sl_control_server *server, const struct sl_msg *request,
                      uint64_t now_ns, bool *ret_is_fatal, struct sl_err *err)
{
    struct sl_reader r;
    uint8_t instance[SL_INSTANCE_SIZE];
    sl_reader_init(&r, request->body, request->size);
    sl_reader_copy(&r, instance, sizeof(instance));
    uint64_t epoch = sl_reader_be64(&r);
    sl_rc rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        *ret_is_fatal = true;
        return sl_err_set(err, rc, "epoch: %s", sl_rc_text(rc));
    }
    return sl_life_epoch_set(server->params.life, server->params.provision, instance, epoch, now_ns,
                             err);
}

static sl_rc on_log(struct sl_control_server *server, const struct sl_msg *request,
                    struct sl_msg *reply, bool *ret_is_fatal, struct sl_err *err)
{
    struct sl_writer w;
    const size_t room = 2 + (size_t)SL_LIFE_LOG_COUNT * (2 + SL_IMAGE_LOG_RECORD_MAX);
    if (request->size != 8) {
        *ret_is_fatal = true;
        return sl_err_set(err, SL_MALFORMED, "log: %zu bytes; expected 8", request->size);
    }
    if (!make_body(reply, room)) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a reply of %zu bytes", room);
    }
    sl_writer_init(&w, reply->body, room);
    sl_life_log_write(server->params.life, sl_be64_get(request->body), &w);
    reply->size = w.off;
    return w.rc == SL_OK ? SL_OK : sl_err_set(err, w.rc, "log: %s", sl_rc_text(w.rc));
}

static sl_rc on_snapshot(struct sl_control_server *server, const struct sl_msg *request,
                         uint64_t now_ns, struct sl_msg *reply, bool *ret_is_fatal,
                         struct sl_err *err)
{
    uint8_t body[SL_MSG_SNAPSHOT_SIZE_MAX];
    struct sl_writer w;
    if (request->size != 1 + 8) {
        *ret_is_fatal = true;
        return sl_err_set(err, SL_MALFORMED, "snapshot: %zu bytes; expected 9", request->size);
    }
    uint8_t what = request->body[0];
    sl_rc rc = what == SL_MSG_SNAPSHOT_PROGRESS
                   ? SL_OK
                   : sl_snapshot_request(server, (enum sl_msg_snapshot_what)what,
                                         sl_be64_get(request->body + 1), now_ns, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_writer_init(&w, body, sizeof(body));
    sl_msg_snapshot_write(&w, &server->snapshot.told);
    return w.rc == SL_OK ? copy_body(reply, body, w.off, err) : sl_err_set(err, w.rc, "snapshot");
}

static sl_rc on_nf(struct sl_control_server *server, const struct sl_msg *request,
                   struct sl_msg *reply, bool *ret_is_fatal, struct sl_err *err)
{
    struct sl_reader r;
    struct sl_writer w;
    char nf[SL_NF_NAME_MAX];
    char line[SL_NF_LINE_MAX];
    char answer[SL_NF_ANSWER_MAX] = "";
    uint8_t body[2 + SL_NF_ANSWER_MAX];
    sl_reader_init(&r, request->body, request->size);
    sl_reader_string(&r, nf, sizeof(nf));
    sl_reader_string(&r, line, sizeof(line));
    sl_rc rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        *ret_is_fatal = true;
        return sl_err_set(err, rc, "nf: %s", sl_rc_text(rc));
    }
    rc = sl_provision_nf_command(server->params.provision, nf, line, answer, sizeof(answer));
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "%s", answer);
    }
    sl_writer_init(&w, body, sizeof(body));
    sl_writer_string(&w, answer);
    return w.rc == SL_OK ? copy_body(reply, body, w.off, err) : sl_err_set(err, w.rc, "nf");
}

static sl_rc on_steering(struct sl_control_server *server, struct sl_msg *reply, struct sl_err *err)
{
    const struct sl_provision *provision = server->params.provision;
    struct sl_msg_steering steering = {.format = SL_STEERING_FORMAT,
                                       .shard_count = (uint16_t)provision->shard_count};
    struct sl_writer w;
    if (!provision->has_chain) {
        return sl_err_set(err, SL_STATE, "no chain is loaded: nothing is steered");
    }
    if (server->snapshot.told.state == SL_MSG_SNAPSHOT_IS_RESTORING) {
        return sl_err_set(err, SL_AGAIN, "flows are coming back, and their steering with them");
    }
    if (!make_body(reply, SL_STEERING_REPLY_SIZE)) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a reply");
    }
    sl_chain_steer_key_get(sl_provision_config(provision, 0)->chain, steering.key);
    sl_writer_init(&w, reply->body, SL_STEERING_REPLY_SIZE);
    sl_msg_steering_write(&w, &steering);
    sl_wipe(&steering, sizeof(steering));
    return w.rc == SL_OK ? SL_OK : sl_err_set(err, w.rc, "steering");
}
_Static_assert((int)SL_CHAIN_STEER_KEY_SIZE == (int)SL_STEERING_KEY_SIZE, "the whole key");

static sl_rc on_path(struct sl_control_server *server, const struct sl_msg *request,
                     bool *ret_is_fatal, struct sl_err *err)
{
    struct sl_reader r;
    sl_reader_init(&r, request->body, request->size);
    uint16_t mtu = sl_reader_be16(&r);
    uint8_t is_single = sl_reader_u8(&r);
    sl_rc rc = sl_reader_end(&r);
    if (rc == SL_OK && is_single > 1) {
        rc = SL_RANGE;
    }
    if (rc != SL_OK) {
        *ret_is_fatal = true;
        return sl_err_set(err, rc, "path: %s", sl_rc_text(rc));
    }
    return sl_provision_path_set(server->params.provision, mtu, is_single == 1, err);
}

static sl_rc on_lease(struct sl_control_server *server, const struct sl_msg *request,
                      bool *ret_is_fatal, struct sl_err *err)
{
    if (request->size != 4) {
        *ret_is_fatal = true;
        return sl_err_set(err, SL_MALFORMED, "lease of %zu bytes; expected 4", request->size);
    }
    uint32_t seconds = sl_be32_get(request->body);
    if (seconds == 0 || seconds > SL_LEASE_SECONDS_MAX) {
        return sl_err_set(err, SL_RANGE, "lease of %u seconds; expected 1 to %d", seconds,
                          SL_LEASE_SECONDS_MAX);
    }
    server->lease_ns = seconds * 1000000000ull;
    return SL_OK;
}

sl_rc sl_control_handle(struct sl_control_server *server, struct sl_connection *connection,
                        const struct sl_msg *request, uint64_t now_ns, struct sl_msg *reply,
                        bool *ret_is_fatal, struct sl_err *err)
{
    sl_rc rc;
    switch (request->type) {
    case SL_MSG_HELLO:
        return on_hello(server, request, reply, ret_is_fatal, err);
    case SL_MSG_SA_SET:
        return on_sa_set(server, connection, request, now_ns, ret_is_fatal, err);
    case SL_MSG_SA_CLEAR:
        rc = expect_empty(request, ret_is_fatal, err);
        return rc == SL_OK ? sl_provision_sa_clear(server->params.provision, err) : rc;
    case SL_MSG_CHAIN_SET:
        return on_chain_set(server, request, reply, err);
    case SL_MSG_STATUS:
        rc = expect_empty(request, ret_is_fatal, err);
        return rc == SL_OK ? on_status(server, now_ns, reply, err) : rc;
    case SL_MSG_PING:
        return on_ping(request, reply, ret_is_fatal, err);
    case SL_MSG_EVAL:
        return sl_control_eval(server->params.provision, request, reply, ret_is_fatal, err);
    case SL_MSG_TIME:
        return on_time(server, request, now_ns, ret_is_fatal, err);
    case SL_MSG_PATH:
        return on_path(server, request, ret_is_fatal, err);
    case SL_MSG_INSTANCE:
        rc = expect_empty(request, ret_is_fatal, err);
        return rc == SL_OK ? on_instance(server, reply, err) : rc;
    case SL_MSG_EPOCH:
        return on_epoch(server, request, now_ns, ret_is_fatal, err);
    case SL_MSG_LOG:
        return on_log(server, request, reply, ret_is_fatal, err);
    case SL_MSG_SNAPSHOT:
        return on_snapshot(server, request, now_ns, reply, ret_is_fatal, err);
    case SL_MSG_NF:
        return on_nf(server, request, reply, ret_is_fatal, err);
    case SL_MSG_STEERING:
        rc = expect_empty(request, ret_is_fatal, err);
        return rc == SL_OK ? on_steering(server, reply, err) : rc;
    case SL_MSG_LEASE:
        return on_lease(server, request, ret_is_fatal, err);
    default:
        *ret_is_fatal = true;
        return sl_err_set(err, SL_UNSUPPORTED, "request of unknown type %u", request->type);
    }
}
