/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that waits for quotes, so that nobody else has to. */
#include "host/evidence_server.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/message.h"
#include "evidence/producers.h"

enum { JOIN_MAX_S = 2, VOUCH_MS = 10000 };

struct request {
    uint32_t number;
    size_t size;
    uint8_t data[SL_EVIDENCE_REQUEST_MAX];
};

struct sl_evidence_server {
    struct sl_evidence_producer producer;
    void (*ready)(void *ctx);
    void *ready_ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    bool is_stopping;
    bool has_ended, is_abandoned; /* who comes last frees */
    struct request requests[SL_EVIDENCE_QUEUE_MAX];
    uint32_t request_first, request_count;
    struct sl_evidence_answer answers[SL_EVIDENCE_QUEUE_MAX];
    uint32_t answer_first, answer_count;
    struct sl_evidence_counters counters;
    struct sl_evidence_vouch vouch; /* fd: set under the lock, by the thread that finds -1 there */
};

/* Waits for a request and for room for its answer. @return false at the end */
static bool request_take(struct sl_evidence_server *server, struct request *ret_request)
{
    (void)pthread_mutex_lock(&server->lock);
    while (!server->is_stopping &&
           (server->request_count == 0 || server->answer_count == SL_EVIDENCE_QUEUE_MAX)) {
        (void)pthread_cond_wait(&server->changed, &server->lock);
    }
    bool is_taken = !server->is_stopping;
    if (is_taken) {
        *ret_request = server->requests[server->request_first];
        server->request_first = (server->request_first + 1) % SL_EVIDENCE_QUEUE_MAX;
        server->request_count--;
    }
    (void)pthread_mutex_unlock(&server->lock);
    return is_taken;
}

static void answer_put(struct sl_evidence_server *server, const struct sl_evidence_answer *answer)
{
    (void)pthread_mutex_lock(&server->lock);
    uint32_t at = (server->answer_first + server->answer_count) % SL_EVIDENCE_QUEUE_MAX;
    server->answers[at] = *answer;
    server->answer_count++;
    server->counters.answered += answer->rc == SL_OK;
    server->counters.refused += answer->rc != SL_OK;
    bool is_stopping = server->is_stopping;
    (void)pthread_mutex_unlock(&server->lock);
    if (!is_stopping) {
        server->ready(server->ready_ctx);
    }
}

static void vouch_end(struct sl_evidence_server *server, const struct sl_evidence_vouch *now,
                      char *text)
{
    struct sl_evidence_vouch mine = *now;
    (void)pthread_mutex_lock(&server->lock);
    bool is_mine = server->vouch.fd == now->fd && server->vouch.number == now->number;
    server->vouch.fd = is_mine ? -1 : server->vouch.fd;
    (void)pthread_mutex_unlock(&server->lock);
    if (is_mine) {
        sl_evidence_vouch_end(&mine, text);
    } else {
        free(text);
    }
}

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void sl_evidence_server_vouch(struct sl_evidence_server *server, int fd,
                              const uint8_t nonce[SL_BINDING_NONCE_SIZE])
{
    const uint8_t start = SL_EVIDENCE_VOUCH;
    struct sl_evidence_vouch late = {.fd = -1}, busy = {.fd = fd};
    uint32_t number = 0;
    (void)pthread_mutex_lock(&server->lock);
    if (server->vouch.fd >= 0 && now_ms() >= server->vouch.deadline_ms) {
        late = server->vouch;
        server->vouch.fd = -1;
    }
    bool is_free = server->vouch.fd < 0;
    if (is_free) {
        server->vouch.fd = fd;
        server->vouch.deadline_ms = now_ms() + VOUCH_MS;
        memcpy(server->vouch.nonce, nonce, SL_BINDING_NONCE_SIZE);
        number = ++server->vouch.number;
    }
    (void)pthread_mutex_unlock(&server->lock);
    if (late.fd >= 0) {
        sl_evidence_vouch_end(&late, sl_evidence_vouch_error("the image did not answer in time"));
    }
    if (is_free) {
        sl_evidence_server_ask(server, number, &start, 1);
    } else {
        sl_evidence_vouch_end(&busy, sl_evidence_vouch_error("busy with another request"));
    }
}

static void server_free(struct sl_evidence_server *server)
{
    for (uint32_t i = 0; i < server->answer_count; i++) {
        uint32_t at = (server->answer_first + i) % SL_EVIDENCE_QUEUE_MAX;
        sl_evidence_answer_done(&server->answers[at]);
    }
    if (server->vouch.fd >= 0) {
        (void)close(server->vouch.fd);
    }
    sl_evidence_producer_done(&server->producer);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

/* An empty one is the start; one with a body comes from the image. */
static void vouch_step(struct sl_evidence_server *server, const struct request *request)
{
    struct sl_evidence_vouch *vouch = &server->vouch;
    struct sl_evidence_answer answer;
    struct sl_err err = {0};
    (void)pthread_mutex_lock(&server->lock);
    struct sl_evidence_vouch now = *vouch;
    (void)pthread_mutex_unlock(&server->lock);
    if (now.fd < 0 || request->number != now.number) {
        return; /* late, or the image's invention */
    }
    if (request->size == 1) {
        if (sl_evidence_vouch_ask(&now, &server->producer, &answer, &err) == SL_OK) {
            answer_put(server, &answer);
            return;
        }
        vouch_end(server, &now, sl_evidence_vouch_error(err.text));
        return;
    }
    vouch_end(server, &now,
              sl_evidence_vouch_text(&now, &server->producer, request->data, request->size));
}

static void *serve(void *ctx)
{
    struct sl_evidence_server *server = ctx;
    struct request request;
    while (request_take(server, &request)) {
        struct sl_evidence_answer answer;
        if (request.size > 0 && request.data[0] == SL_EVIDENCE_VOUCH) {
            vouch_step(server, &request);
            continue;
        }
        sl_evidence_answer_make(&server->producer, request.number, request.data, request.size,
                                &answer);
        answer_put(server, &answer);
    }
    (void)pthread_mutex_lock(&server->lock);
    server->has_ended = true;
    bool is_abandoned = server->is_abandoned;
    (void)pthread_mutex_unlock(&server->lock);
    if (is_abandoned) {
        server_free(server);
    }
    return NULL;
}

sl_rc sl_evidence_server_create(const struct sl_evidence_producer *producer,
                                void (*ready)(void *ctx), void *ready_ctx,
                                struct sl_evidence_server **ret_server)
{
    struct sl_evidence_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return SL_NO_MEMORY;
    }
    server->producer = *producer;
    server->vouch.fd = -1;
    server->ready = ready;
    server->ready_ctx = ready_ctx;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_cond_init(&server->changed, NULL);
    if (pthread_create(&server->thread, NULL, serve, server) != 0) {
        (void)pthread_cond_destroy(&server->changed);
        (void)pthread_mutex_destroy(&server->lock);
        free(server);
        return SL_NO_MEMORY;
    }
    *ret_server = server;
    return SL_OK;
}

void sl_evidence_server_ask(struct sl_evidence_server *server, uint32_t request,
                            const uint8_t *data, size_t size)
{
    (void)pthread_mutex_lock(&server->lock);
    server->counters.asked++;
    if (server->request_count == SL_EVIDENCE_QUEUE_MAX || size > SL_EVIDENCE_REQUEST_MAX) {
        server->counters.dropped++;
    } else {
        uint32_t at = (server->request_first + server->request_count) % SL_EVIDENCE_QUEUE_MAX;
        server->requests[at].number = request;
        server->requests[at].size = size;
        memcpy(server->requests[at].data, data, size);
        server->request_count++;
        (void)pthread_cond_signal(&server->changed);
    }
    (void)pthread_mutex_unlock(&server->lock);
}

bool sl_evidence_server_pump(struct sl_evidence_server *server, struct sl_byte_ring *to_image)
{
    uint32_t before = to_image->local;
    (void)pthread_mutex_lock(&server->lock);
    while (server->answer_count > 0 &&
           sl_evidence_answer_write(&server->answers[server->answer_first], to_image)) {
        sl_evidence_answer_done(&server->answers[server->answer_first]);
        server->answer_first = (server->answer_first + 1) % SL_EVIDENCE_QUEUE_MAX;
        server->answer_count--;
        (void)pthread_cond_signal(&server->changed);
    }
    (void)pthread_mutex_unlock(&server->lock);
    return to_image->local != before;
}

bool sl_evidence_server_is_pending(struct sl_evidence_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    bool is_pending = server->answer_count > 0;
    (void)pthread_mutex_unlock(&server->lock);
    return is_pending;
}

void sl_evidence_server_counters(struct sl_evidence_server *server,
                                 struct sl_evidence_counters *ret_counters)
{
    (void)pthread_mutex_lock(&server->lock);
    *ret_counters = server->counters;
    (void)pthread_mutex_unlock(&server->lock);
}

void sl_evidence_server_free(struct sl_evidence_server *server)
{
    struct timespec until;
    if (server == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    (void)pthread_cond_signal(&server->changed);
    (void)pthread_mutex_unlock(&server->lock);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_MAX_S;
    if (pthread_timedjoin_np(server->thread, NULL, &until) == 0) {
        server_free(server);
        return;
    }
    (void)pthread_mutex_lock(&server->lock);
    bool has_ended = server->has_ended; /* just now */
    server->is_abandoned = !has_ended;
    pthread_t thread = server->thread;
    (void)pthread_mutex_unlock(&server->lock);
    if (has_ended) {
        (void)pthread_join(thread, NULL);
        server_free(server);
    } else {
        (void)pthread_detach(thread); /* it hangs in a device, and frees when it comes back */
    }
}
