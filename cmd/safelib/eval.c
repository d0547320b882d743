/* SPDX-License-Identifier: Apache-2.0 */
/* An image in this process, with nothing to do but evaluate packets. */
#include "eval.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/client.h"
#include "host/enclave.h"
#include "nf/chain.h"
#include "policy/kinds.h"

enum {
    TIMEOUT_MS = 60000,
    LOOK_MS = 20,
    IDLE_NS = 20000000,
    LOG_SIZE = 400,
    REQUEST_MAX = 2 + EVAL_BATCH_MAX * (SL_PACKET_MAX + SL_EVAL_REQUEST_EXTRA),
};

struct eval {
    struct sl_host *host;
    struct sl_client *client;
    struct sl_client_transport ring; /* under the client's */
    pthread_t thread;
    bool is_running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;
    bool has_ended;
    uint32_t rings; /* of the doorbell, so that none is missed */
    struct sl_host_result result;
    char last_log[LOG_SIZE];
    uint32_t nf_count;
    char nf_names[SL_CHAIN_NF_MAX][SL_NF_NAME_MAX];
    uint8_t *request;
    struct sl_msg reply;
};

static const struct sl_area_geometry geometry = {.shard_count = 1,
                                                 .ring_count = 64,
                                                 .data_size = 256 << 10,
                                                 .control_size = 1 << 20,
                                                 .log_size = 64 << 10};

/* The image waits: until the doorbell, or for the time it asked for. Its rings are in memory that
 * this process writes, so a short wait is all that a missed bell could cost. */
static bool on_wait(void *ctx, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                    uint64_t timeout_ns)
{
    struct eval *eval = ctx;
    (void)thread;
    (void)arg;
    (void)pthread_mutex_lock(&eval->lock);
    if (!eval->is_stopping && (kind == SL_RT_WAIT_SHARD || eval->rings == 0)) {
        uint64_t wait_ns = kind == SL_RT_WAIT_SHARD || timeout_ns > IDLE_NS ? IDLE_NS : timeout_ns;
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += (long)wait_ns;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&eval->changed, &eval->lock, &until);
    }
    if (kind == SL_RT_WAIT_CONTROL) {
        eval->rings = 0;
    }
    bool goes_on = !eval->is_stopping;
    (void)pthread_mutex_unlock(&eval->lock);
    return goes_on;
}

static void on_log(void *ctx, const char *line)
{
    struct eval *eval = ctx;
    (void)snprintf(eval->last_log, sizeof(eval->last_log), "%s", line);
}

static void doorbell(void *ctx)
{
    struct eval *eval = ctx;
    (void)pthread_mutex_lock(&eval->lock);
    eval->rings++;
    (void)pthread_cond_broadcast(&eval->changed);
    (void)pthread_mutex_unlock(&eval->lock);
}

static void *host_main(void *arg)
{
    struct eval *eval = arg;
    sl_rc rc = sl_host_run(eval->host, &eval->result);
    (void)pthread_mutex_lock(&eval->lock);
    eval->has_ended = true;
    if (rc != SL_OK && eval->result.err.text[0] == '\0') {
        (void)sl_err_set(&eval->result.err, rc, "%s", sl_rc_text(rc));
    }
    (void)pthread_mutex_unlock(&eval->lock);
    return NULL;
}

/* ---- the control rings, whose other end may have died ---- */

static bool has_ended(struct eval *eval)
{
    (void)pthread_mutex_lock(&eval->lock);
    bool is_so = eval->has_ended;
    (void)pthread_mutex_unlock(&eval->lock);
    return is_so;
}

static sl_rc ring_send(void *ctx, const uint8_t *data, size_t size, size_t *ret_size)
{
    struct eval *eval = ctx;
    sl_rc rc = eval->ring.send(eval->ring.ctx, data, size, ret_size);
    return rc == SL_AGAIN && has_ended(eval) ? SL_CLOSED : rc;
}

static sl_rc ring_receive(void *ctx, uint8_t *out, size_t size, size_t *ret_size)
{
    struct eval *eval = ctx;
    bool is_over = has_ended(eval); /* looked at first: its last words are still read */
    sl_rc rc = eval->ring.receive(eval->ring.ctx, out, size, ret_size);
    return rc == SL_AGAIN && is_over ? SL_CLOSED : rc;
}

static void ring_wait(void *ctx, bool is_write, int timeout_ms)
{
    struct eval *eval = ctx;
    eval->ring.wait(eval->ring.ctx, is_write, timeout_ms < LOOK_MS ? timeout_ms : LOOK_MS);
}

static void ring_close(void *ctx)
{
    struct eval *eval = ctx;
    eval->ring.close(eval->ring.ctx);
}

/* Where the image has ended, that is the reason, whatever failed for it. */
static sl_rc ended_or(struct eval *eval, sl_rc rc, struct sl_err *err)
{
    if (!has_ended(eval)) {
        return rc;
    }
    const struct sl_host_result *result = &eval->result; /* its thread is done with it */
    if (result->end == SL_HOST_END_EXIT && result->err.text[0] == '\0') {
        return sl_err_set(err, SL_CLOSED, "the image ended by itself with exit code %d",
                          result->exit_code);
    }
    return sl_err_set(err, SL_CLOSED, "the image died: %s", result->err.text);
}

/* This process started the image itself: nobody else can sit at the other end of the rings. */
static sl_rc accept_own(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    (void)ctx;
    (void)peer;
    (void)err;
    return SL_OK;
}

/* Where the image lies when nobody says: beside this program, or in the build's own folder. */
static bool find_image(char *out, size_t size)
{
    static const char *const places[] = {"safelib-nf", "../safelib-nf/safelib-nf",
                                         "../lib/safelib/safelib-nf"};
    char self[2048];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(out, size, "%s/%s", self, places[i]);
        if (access(out, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

static sl_rc load(struct eval *eval, const char *image, const char *device_name,
                  const struct sl_identity *identity, struct sl_err *err)
{
    char found[4096];
    if (image == NULL && !find_image(found, sizeof(found))) {
        return sl_err_set(err, SL_IO,
                          "no image safelib-nf beside this program: name one with "
                          "--image");
    }
    char hash[2 * SL_SPKI_HASH_SIZE + 1];
    sl_hex_encode(identity->spki_hash, SL_SPKI_HASH_SIZE, hash);
    const char *const argv[] = {"image", "--tenant-key-sha256", hash, "--device", device_name};
    const struct sl_host_params params = {
        .image_path = image != NULL ? image : found,
        .device = {.device = device_name},
        .geometry = geometry,
        .argc = 5,
        .argv = argv,
        .callbacks = {.ctx = eval, .wait = on_wait, .log = on_log},
    };
    sl_rc rc = sl_host_create(&params, &eval->host, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (pthread_create(&eval->thread, NULL, host_main, eval) != 0) {
        return sl_err_set(err, SL_NO_MEMORY, "cannot start a thread for the image");
    }
    eval->is_running = true;
    return SL_OK;
}

static sl_rc provision(struct eval *eval, const struct sl_identity *identity,
                       const struct sl_policy *policy, struct sl_err *err)
{
    struct sl_client_params params = {.identity = identity, .verify = accept_own};
    sl_rc rc = sl_client_ring_transport(sl_host_area(eval->host), sl_host_geometry(eval->host),
                                        sl_host_layout(eval->host), 1, doorbell, eval, &eval->ring);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "control rings: %s", sl_rc_text(rc));
    }
    params.transport = (struct sl_client_transport){.ctx = eval,
                                                    .send = ring_send,
                                                    .receive = ring_receive,
                                                    .wait = ring_wait,
                                                    .close = ring_close,
                                                    .fd = -1};
    rc = sl_client_create(&params, &eval->client, err);
    if (rc != SL_OK) {
        params.transport.close(params.transport.ctx);
        return rc;
    }
    uint64_t version;
    uint8_t digest[32];
    rc = sl_client_connect(eval->client, TIMEOUT_MS, err);
    if (rc == SL_OK) { /* it runs in this very process */
        rc = sl_client_insecure_unattested(eval->client, TIMEOUT_MS, err);
    }
    if (rc == SL_OK) {
        rc = sl_client_chain_set(eval->client, TIMEOUT_MS, policy->bundle, policy->size, &version,
                                 digest, err);
    }
    return rc == SL_OK ? rc : ended_or(eval, rc, err);
}

static void read_names(struct eval *eval, const struct sl_policy *policy)
{
    for (uint32_t i = 0; i < SL_CHAIN_NF_MAX; i++) {
        sl_policy_nf_name(policy, i, eval->nf_names[i]);
        if (eval->nf_names[i][0] == '\0') {
            break;
        }
        eval->nf_count = i + 1;
    }
}

sl_rc eval_start(const char *image, const char *device, const struct sl_policy *policy,
                 struct eval **ret_eval, struct sl_err *err)
{
    struct sl_identity *identity = NULL;
    struct eval *eval = calloc(1, sizeof(*eval));
    if (eval == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    (void)pthread_mutex_init(&eval->lock, NULL);
    (void)pthread_cond_init(&eval->changed, NULL);
    eval->request = malloc(REQUEST_MAX);
    sl_rc rc =
        eval->request != NULL ? sl_identity_generate("safelib eval", &identity) : SL_NO_MEMORY;
    if (rc != SL_OK) {
        (void)sl_err_set(err, rc, "cannot make a key: %s", sl_rc_text(rc));
    } else {
        rc = load(eval, image, device, identity, err);
    }
    if (rc == SL_OK) {
        rc = provision(eval, identity, policy, err);
        if (rc != SL_OK && eval->last_log[0] != '\0') {
            char log[LOG_SIZE];
            (void)snprintf(log, sizeof(log), "%s", eval->last_log);
            (void)sl_err_prefix(err, "the image (its last line: %s)", log);
        }
    }
    if (rc != SL_OK) {
        eval_stop(eval);
        sl_identity_free(identity);
        return rc;
    }
    sl_identity_free(identity);
    read_names(eval, policy);
    *ret_eval = eval;
    return SL_OK;
}

static sl_rc read_reply(const struct eval *eval, eval_told *told, void *ctx, struct sl_err *err)
{
    struct sl_reader r;
    struct sl_eval_answer answer;
    sl_reader_init(&r, eval->reply.body, eval->reply.size);
    uint32_t count = sl_reader_be16(&r);
    for (uint32_t i = 0; i < count && sl_eval_answer_read(&r, &answer) == SL_OK; i++) {
        told(ctx, &answer);
    }
    sl_rc rc = sl_reader_end(&r);
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "the image's answer cannot be read");
}

sl_rc eval_run(struct eval *eval, const struct sl_eval_ask *packets, uint32_t count,
               eval_told *told, void *ctx, struct sl_err *err)
{
    struct sl_writer w;
    sl_msg_done(&eval->reply);
    if (count > EVAL_BATCH_MAX) {
        return sl_err_set(err, SL_RANGE, "%u packets at once, at most %d", count, EVAL_BATCH_MAX);
    }
    sl_writer_init(&w, eval->request, REQUEST_MAX);
    sl_writer_be16(&w, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        sl_eval_ask_write(&w, &packets[i]);
    }
    if (w.rc != SL_OK) {
        return sl_err_set(err, w.rc, "packets are longer than %d bytes", SL_PACKET_MAX);
    }
    sl_rc rc = sl_client_call(eval->client, SL_MSG_EVAL, eval->request, w.off, TIMEOUT_MS,
                              &eval->reply, err);
    return rc == SL_OK ? read_reply(eval, told, ctx, err) : ended_or(eval, rc, err);
}

const char *eval_nf_name(const struct eval *eval, uint8_t nf)
{
    return nf < eval->nf_count ? eval->nf_names[nf] : "-";
}

const char *eval_protection(const struct eval *eval)
{
    return sl_host_enclave(eval->host)->ops->protection;
}

void eval_measurement(const struct eval *eval, char ret_hex[65])
{
    sl_hex_encode(sl_host_mrenclave(eval->host), 32, ret_hex);
}

void eval_stop(struct eval *eval)
{
    if (eval == NULL) {
        return;
    }
    sl_msg_done(&eval->reply);
    sl_client_free(eval->client);
    (void)pthread_mutex_lock(&eval->lock);
    eval->is_stopping = true;
    (void)pthread_cond_broadcast(&eval->changed);
    (void)pthread_mutex_unlock(&eval->lock);
    if (eval->is_running) {
        sl_host_stop(eval->host);
        (void)pthread_join(eval->thread, NULL);
    }
    sl_host_free(eval->host);
    free(eval->request);
    (void)pthread_cond_destroy(&eval->changed);
    (void)pthread_mutex_destroy(&eval->lock);
    free(eval);
}

sl_rc eval_policy(const char *path, struct sl_policy *ret_policy, struct sl_err *err)
{
    bool is_compiled;
    return sl_policy_load(path, ret_policy, &is_compiled, err);
}

sl_rc eval_here(const char *path, struct sl_policy *ret_policy, struct sl_eval **ret_eval,
                struct sl_err *err)
{
    struct sl_policy policy = {0};
    struct sl_chain *chain = NULL;
    sl_rc rc = eval_policy(path, &policy, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_chain_create(policy.bundle, policy.size, &chain, err);
    if (rc == SL_OK) {
        rc = sl_eval_create(chain, true, ret_eval);
        if (rc != SL_OK) {
            (void)sl_err_set(err, rc, "%s", sl_rc_text(rc));
        }
    }
    if (rc != SL_OK) {
        sl_chain_free(chain);
        sl_policy_done(&policy);
        return rc;
    }
    *ret_policy = policy;
    return SL_OK;
}
