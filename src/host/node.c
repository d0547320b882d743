/* SPDX-License-Identifier: Apache-2.0 */
/* What surrounds a running image, put together. */
#include "host/node.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "evidence/producers.h"

static void status_ready(void *ctx)
{
    struct sl_node *node = ctx;
    sl_status_serve(&node->status, node);
}

static sl_rc sockets_open(struct sl_node *node, struct sl_io *const *ios, struct sl_err *err)
{
    const struct sl_host_settings *s = node->settings;
    if (ios != NULL) {
        memcpy(node->ios, ios, s->geometry.shard_count * sizeof(node->ios[0]));
        node->shard_count = s->geometry.shard_count;
        return SL_OK;
    }
    sl_rc rc = sl_io_udp_open(&s->listen, s->is_native, s->is_offload, s->geometry.shard_count,
                              node->ios, err);
    if (rc == SL_OK) {
        node->shard_count = s->geometry.shard_count;
        node->listen = *sl_udp_local(sl_io_udp_socket(node->ios[0]));
    }
    return rc;
}

/* Whoever asks gets evidence of the image over a nonce of 32 bytes, which comes at once or never.
 */
static void vouch_ready(void *ctx)
{
    struct sl_node *node = ctx;
    const struct timeval patience = {.tv_usec = 200000};
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
    int fd = accept4(node->vouch.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (recv(fd, nonce, sizeof(nonce), MSG_WAITALL) != (ssize_t)sizeof(nonce)) {
        (void)close(fd);
        return;
    }
    sl_evidence_server_vouch(node->evidence, fd, nonce);
}

static sl_rc vouch_init(struct sl_node *node, struct sl_err *err)
{
    const char *path = node->settings->config->evidence_socket;
    if (path[0] == '\0') {
        return SL_OK;
    }
    sl_rc rc = sl_status_open(path, &node->vouch, err);
    return rc != SL_OK ? rc : sl_relay_watch(&node->relay, node->vouch.fd, vouch_ready, node);
}

static sl_rc status_init(struct sl_node *node, struct sl_err *err)
{
    const char *path = node->settings->config->status;
    if (path[0] == '\0') {
        return SL_OK;
    }
    sl_rc rc = sl_status_open(path, &node->status, err);
    return rc != SL_OK ? rc : sl_relay_watch(&node->relay, node->status.fd, status_ready, node);
}

sl_rc sl_node_init(struct sl_node *node, const struct sl_host_settings *settings,
                   const struct sl_node_device *device, uint8_t *area,
                   const struct sl_area_layout *layout, struct sl_io *const *ios,
                   struct sl_err *err)
{
    memset(node, 0, sizeof(*node));
    node->settings = settings;
    node->device = *device;
    node->header = (struct sl_area_header *)(void *)area;
    sl_status_init(&node->status);
    sl_status_init(&node->vouch);
    (void)clock_gettime(CLOCK_MONOTONIC, &node->started);
    sl_rc rc = sockets_open(node, ios, err);
    while (rc == SL_OK && node->mover_count < node->shard_count) {
        rc = sl_mover_init(&node->movers[node->mover_count], area, layout, &settings->geometry,
                           node->mover_count, node->ios[node->mover_count], &node->is_stopping);
        if (rc != SL_OK) {
            (void)sl_err_set(err, rc, "shard %u: cannot set up its rings", node->mover_count);
        } else {
            node->mover_count++;
        }
    }
    if (rc == SL_OK) {
        rc = sl_relay_init(&node->relay, area, layout, &settings->geometry, &settings->control,
                           &node->is_stopping, err);
        node->is_relay_ready = rc == SL_OK;
    }
    rc = rc != SL_OK ? rc : status_init(node, err);
    rc = rc != SL_OK ? rc : vouch_init(node, err);
    if (rc != SL_OK) {
        sl_node_done(node);
    }
    return rc;
}

static void *relay_main(void *ctx)
{
    struct sl_node *node = ctx;
    sl_relay_run(&node->relay);
    return NULL;
}

static void *poll_main(void *ctx)
{
    struct sl_node *node = ctx;
    sl_mover_poll(node->movers, node->mover_count);
    return NULL;
}

static void evidence_ready(void *ctx)
{
    struct sl_node *node = ctx;
    sl_relay_wake(&node->relay);
}

sl_rc sl_node_evidence(struct sl_node *node, const struct sl_evidence_producer *producer,
                       struct sl_err *err)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    sl_rc rc = sl_evidence_server_create(producer, evidence_ready, node, &node->evidence);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "evidence: cannot start its thread");
    }
    node->evidence_name = producer->name;
    sl_relay_evidence(&node->relay, node->evidence);
    return SL_OK;
}

static sl_rc evidence_none(struct sl_node *node, struct sl_err *err)
{
    struct sl_evidence_producer none;
    sl_evidence_none_open("this host was started without a source of it", &none);
    return sl_node_evidence(node, &none, err);
}

sl_rc sl_node_start(struct sl_node *node, struct sl_err *err)
{
    sigset_t all, before;
    sl_rc rc = node->evidence != NULL ? SL_OK : evidence_none(node, err);
    if (rc != SL_OK) {
        return rc;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the program's threads */
    node->is_relay_running = pthread_create(&node->relay_thread, NULL, relay_main, node) == 0;
    bool is_ok = node->is_relay_running;
    if (is_ok && node->settings->is_polling) {
        node->is_poll_running = pthread_create(&node->poll_thread, NULL, poll_main, node) == 0;
        is_ok = node->is_poll_running;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_ok ? SL_OK : sl_err_set(err, SL_NO_MEMORY, "cannot start a thread");
}

void sl_node_stop(struct sl_node *node)
{
    atomic_store(&node->is_stopping, true);
    for (uint32_t i = 0; i < node->mover_count; i++) {
        sl_mover_wake(&node->movers[i]);
    }
    if (node->is_relay_ready) {
        sl_relay_wake(&node->relay);
    }
    for (uint32_t i = 0; i < SL_AREA_THREADS_MAX; i++) {
        sl_doorbell_ring(node->header, i);
    }
}

void sl_node_done(struct sl_node *node)
{
    sl_node_stop(node);
    if (node->is_relay_running) {
        (void)pthread_join(node->relay_thread, NULL);
    }
    if (node->is_poll_running) {
        (void)pthread_join(node->poll_thread, NULL);
    }
    sl_evidence_server_free(node->evidence);
    node->evidence = NULL;
    if (node->is_relay_ready) {
        sl_relay_done(&node->relay);
    }
    for (uint32_t i = 0; i < node->mover_count; i++) {
        sl_mover_done(&node->movers[i]);
    }
    for (uint32_t i = 0; i < node->shard_count; i++) {
        node->ios[i]->ops->close(node->ios[i]);
    }
    sl_status_close(&node->status, node->settings->config->status);
    sl_status_close(&node->vouch, node->settings->config->evidence_socket);
    node->mover_count = node->shard_count = 0;
    node->is_relay_running = node->is_poll_running = node->is_relay_ready = false;
}

/* A wait for a shard or a kind that is not there: an image that is wrong must not make the host
 * spin. */
static bool other_wait(struct sl_node *node, uint32_t thread, uint64_t timeout_ns)
{
    uint32_t now = sl_doorbell_get(node->header, thread);
    atomic_uint *seen = &node->other_seen[thread % SL_AREA_THREADS_MAX];
    if (atomic_exchange(seen, now) == now && !atomic_load(&node->is_stopping)) {
        sl_doorbell_wait(node->header, thread, now, timeout_ns);
    }
    return !atomic_load(&node->is_stopping);
}

bool sl_node_wait(struct sl_node *node, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                  uint64_t timeout_ns)
{
    bool is_shard = kind == SL_RT_WAIT_SHARD && arg < node->mover_count;
    bool is_control = kind == SL_RT_WAIT_CONTROL;
    atomic_bool *taken = is_shard ? &node->is_shard_taken[arg] : &node->is_control_taken;
    if ((!is_shard && !is_control) || atomic_exchange(taken, true)) {
        return other_wait(node, thread, timeout_ns);
    }
    bool goes_on = false;
    if (is_control) {
        goes_on = sl_relay_wait(&node->relay, thread, timeout_ns);
    } else if (node->settings->is_polling) {
        goes_on = sl_mover_wait_polling(&node->movers[arg], thread, timeout_ns);
    } else {
        goes_on = sl_mover_wait_batch(&node->movers[arg], thread, timeout_ns);
    }
    atomic_store(taken, false);
    return goes_on;
}

void sl_node_wake(struct sl_node *node, uint32_t thread)
{
    for (uint32_t i = 0; i < node->mover_count; i++) {
        if (atomic_load(&node->movers[i].worker) == thread) {
            uint64_t one = 1;
            (void)!write(node->movers[i].event_fd, &one, sizeof(one));
        }
    }
}
