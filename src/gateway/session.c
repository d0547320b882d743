/* SPDX-License-Identifier: Apache-2.0 */
/* Connects to the image, provisions it, and keeps at it. */
#include "gateway/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

#define MS     1000000ull
#define SECOND 1000000000ull

enum {
    CONNECT_TIMEOUT_MS = 3000,
    STATUS_EVERY_MS = 500,
    TIME_EVERY_S = 60,
    LOG_EVERY_S = 5,
    BACKOFF_MIN_MS = 200,
    BACKOFF_MAX_MS = 5000,
    TICK_MS = 100,
    NOBODY_POLLS = 4,
};

const char *sl_gw_state_text(enum sl_gw_state state)
{
    static const char *const text[] = {"connecting", "provisioning", "running", "degraded",
                                       "stopped"};
    return (unsigned)state < 5 ? text[state] : "unknown";
}

/* One line in the log per change, not per attempt. */
static void state_set(struct sl_session *session, enum sl_gw_state state, const char *reason)
{
    char line[600];
    (void)pthread_mutex_lock(&session->lock);
    bool is_new = session->state != state || strcmp(session->reason, reason) != 0;
    session->state = state;
    (void)snprintf(session->reason, sizeof(session->reason), "%s", reason);
    (void)pthread_mutex_unlock(&session->lock);
    if (is_new) {
        (void)snprintf(line, sizeof(line), "%s%s%s", sl_gw_state_text(state),
                       reason[0] != '\0' ? ": " : "", reason);
        session->log(line);
    }
}

/* ---- connecting ---- */

/* Any key may come as far as this: what counts is the evidence about it, which is asked for before
 * anything else on the connection. */
static sl_rc image_verify(void *ctx, const struct sl_tls_peer *peer, struct sl_err *err)
{
    struct sl_session *session = ctx;
    (void)err;
    memcpy(session->peer_key, peer->spki_hash, sizeof(session->peer_key));
    return SL_OK;
}

static sl_rc session_connect(struct sl_session *session, struct sl_err *err)
{
    char port[8];
    struct sl_client_params params = {.identity = session->identity,
                                      .verify = image_verify,
                                      .verify_ctx = session,
                                      .key_exchange = session->config->key_exchange};
    (void)snprintf(port, sizeof(port), "%u", session->config->control_port);
    sl_rc rc =
        sl_client_tcp(session->config->host, port, CONNECT_TIMEOUT_MS, &params.transport, err);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_client *client = NULL;
    rc = sl_client_create(&params, &client, err);
    if (rc != SL_OK) {
        params.transport.close(params.transport.ctx);
        return rc;
    }
    rc = sl_client_connect(client, SL_SESSION_TIMEOUT_MS, err);
    if (rc != SL_OK) {
        sl_client_free(client);
        return rc;
    }
    session->client = client;
    (void)pthread_mutex_lock(&session->lock);
    session->key_exchange = sl_tls_group(sl_client_tls(client));
    (void)pthread_mutex_unlock(&session->lock);
    return SL_OK;
}

/* ---- provisioning ---- */

static sl_rc hello(struct sl_session *session, struct sl_err *err)
{
    struct sl_msg_hello hello;
    sl_rc rc = sl_client_hello(session->client, SL_SESSION_TIMEOUT_MS, &hello, err);
    if (rc != SL_OK) {
        return rc;
    }
    /* fewer would do for a chain without flows; where it keeps them, those of the other shards
     * would have no SA to leave by */
    if (hello.shard_count != session->config->shards) {
        return sl_err_set(err, SL_MISMATCH,
                          "shards: %u are configured, the image has %u (safelib-host --shards)",
                          session->config->shards, hello.shard_count);
    }
    (void)pthread_mutex_lock(&session->lock);
    /* forbidden: waived, hashes of public keys */
    bool is_other = session->has_hello &&
                    memcmp(session->image_key, session->peer_key, sizeof(session->image_key)) != 0;
    session->restarts += is_other;
    memcpy(session->image_key, session->peer_key, sizeof(session->image_key));
    session->hello = hello;
    session->has_hello = true;
    session->connects++;
    (void)pthread_mutex_unlock(&session->lock);
    if (is_other) {
        session->log("the image has a new key: it was restarted; all SAs are replaced");
    }
    return SL_OK;
}

/* Before the first packet: flows that come back, then the steering that they bring with them. */
static sl_rc flows_learn(struct sl_session *session, bool is_resumed, struct sl_err *err)
{
    sl_rc rc = SL_OK;
    if (!is_resumed) {
        sl_tunnel_clear(session->tunnel);
        rc = sl_session_snapshot_restore(session, err);
    }
    return rc == SL_OK ? sl_session_steering_learn(session, err) : rc;
}

static sl_rc provision(struct sl_session *session, struct sl_err *err)
{
    sl_rc rc = sl_session_attest(session, err); /* before one byte of anything */
    rc = rc == SL_OK ? hello(session, err) : rc;
    rc = rc == SL_OK ? sl_session_instance_check(session, err) : rc;
    /* an image that still has our SAs keeps them until each has its successor: nothing is lost */
    bool is_resumed = false;
    rc = rc == SL_OK ? sl_session_resume_check(session, &is_resumed, err) : rc;
    /* first: where our policy is refused, whoever has set SAs there goes on */
    rc = rc == SL_OK ? sl_session_policy_give(session, &session->policy, err) : rc;
    /* else whatever it may hold is not ours */
    if (rc == SL_OK && !is_resumed) {
        rc = sl_client_sa_clear(session->client, SL_SESSION_TIMEOUT_MS, err);
    }
    rc = rc == SL_OK ? sl_client_time(session->client, SL_SESSION_TIMEOUT_MS, err) : rc;
    rc = rc == SL_OK ? sl_client_lease(session->client, SL_SESSION_TIMEOUT_MS,
                                       session->config->lease_seconds, err)
                     : rc;
    rc = rc == SL_OK ? flows_learn(session, is_resumed, err) : rc;
    for (uint32_t i = 0; i < session->tunnel->shard_count * SL_PORT_COUNT && rc == SL_OK; i++) {
        rc = sl_session_slot_key(session, &session->tunnel->slots[i / 2][i % 2], err);
    }
    rc = rc == SL_OK ? sl_session_provisioned(session, is_resumed, err) : rc;
    if (rc == SL_OK) {
        (void)pthread_mutex_lock(&session->lock);
        session->provisions++;
        session->resumes += is_resumed;
        (void)pthread_mutex_unlock(&session->lock);
        session->is_keyed = true;
        memcpy(session->keyed_key, session->peer_key, sizeof(session->keyed_key));
        session->answered_ns = sl_gw_now_ns();
        session->nobody_count = 0;
        session->is_taken = false;
        session->is_path_told = false;
        session->time_due_ns = sl_gw_now_ns() + TIME_EVERY_S * SECOND;
        sl_watch_rekeyed(session->watch, !is_resumed); /* the path is the same */
    }
    return rc;
}

/* ---- losing ---- */

static void keys_drop(struct sl_session *session)
{
    if (session->is_keyed) {
        sl_session_audit_note(session, SL_AUDIT_KEYS, SL_AUDIT_LOST, NULL);
    }
    sl_tunnel_clear(session->tunnel);
    session->is_keyed = false;
}

/* The image is not to be reached, or refuses us. Decides what happens to the SAs meanwhile. */
static void trouble(struct sl_session *session, sl_rc rc, const struct sl_err *err)
{
    char text[512];
    uint64_t now_ns = sl_gw_now_ns();
    sl_client_free(session->client);
    session->client = NULL;
    session->failures++;
    if (session->lost_ns == 0) { /* the image counts from our last request as well */
        session->lost_ns = session->is_keyed ? session->answered_ns : now_ns;
    }
    uint64_t lost_s = (now_ns - session->lost_ns) / SECOND;
    if (session->is_refused) {
        session->is_refused = false;
        keys_drop(session);
        (void)snprintf(text, sizeof(text), "attestation: %.480s", err->text);
        state_set(session, SL_GW_STOPPED, text);
    } else if (rc == SL_DENIED || rc == SL_AUTH) {
        keys_drop(session);
        char hex[2 * SL_SPKI_HASH_SIZE + 1];
        sl_hex_encode(session->identity->spki_hash, SL_SPKI_HASH_SIZE, hex);
        (void)snprintf(text, sizeof(text),
                       "%.280s; our tenant key is %s: the host must give it to the image "
                       "(safelib-host --tenant-key-sha256)",
                       err->text, hex);
        state_set(session, SL_GW_STOPPED, text);
    } else if (session->is_keyed && lost_s < session->config->lease_seconds) {
        (void)snprintf(text, sizeof(text), "control channel lost: %.300s; SAs live for %u s",
                       err->text, session->config->lease_seconds);
        state_set(session, SL_GW_DEGRADED, text);
    } else {
        bool was_keyed = session->is_keyed;
        keys_drop(session);
        if (was_keyed) {
            session->log("lease over: SAs deleted, nothing passes");
        }
        bool is_network = rc == SL_IO || rc == SL_TIMEOUT || rc == SL_CLOSED || rc == SL_NOT_FOUND;
        state_set(session, is_network ? SL_GW_CONNECTING : SL_GW_STOPPED, err->text);
    }
}

/* ---- running ---- */

static sl_rc status_poll(struct sl_session *session, enum sl_session_holder *ret_holder,
                         struct sl_err *err)
{
    char *text = NULL;
    uint64_t lease_ms = session->config->lease_seconds * 1000ull;
    int wait_ms = lease_ms < SL_SESSION_TIMEOUT_MS ? (int)lease_ms : SL_SESSION_TIMEOUT_MS;
    uint64_t sent_ns = sl_gw_now_ns();
    sl_rc rc = sl_client_status(session->client, wait_ms, &text, err);
    if (rc == SL_OK) {
        session->answered_ns = sl_gw_now_ns();
        sl_session_image_learn(session, text, ret_holder);
        free(text);
        rc = sl_session_clock_check(session, sent_ns, session->answered_ns, err);
    }
    return rc;
}

/* Another gateway with our key came after us. Two that fight over one image would take turns in
 * breaking each other's tunnel: the later one has it, and we wait until it lets go. */
static void taken_over(struct sl_session *session)
{
    if (!session->is_taken) {
        keys_drop(session);
        session->is_taken = true;
    }
    state_set(session, SL_GW_STOPPED,
              "another gateway with the same tenant key has taken the image over; this one goes on "
              "when that one ends, or when it is restarted");
}

/* The image holds no SAs though we believed it did: our lease was over there, or the gateway that
 * had taken it over has ended. */
static sl_rc keys_again(struct sl_session *session, struct sl_err *err)
{
    keys_drop(session);
    if (session->is_taken) {
        session->is_taken = false;
        sl_rc rc = sl_session_policy_load(session, err); /* later than the other's */
        if (rc != SL_OK) {
            session->log(err->text); /* the last good one stays */
        }
    }
    session->log("the image holds no SAs: new ones are set");
    return provision(session, err);
}

/* What is said about a tunnel that has its keys. */
static void running_state(struct sl_session *session)
{
    struct sl_watch *watch = session->watch;
    (void)pthread_mutex_lock(&watch->lock);
    enum sl_pmtu_state path = watch->pmtu.state;
    bool is_offload_hurt =
        watch->offload_rx.state == SL_OFFLOAD_OFF || watch->offload_tx.state == SL_OFFLOAD_OFF;
    uint32_t mtu = watch->pmtu.mtu;
    (void)pthread_mutex_unlock(&watch->lock);
    char text[200] = "";
    if (path == SL_PMTU_SILENT) {
        state_set(session, SL_GW_DEGRADED,
                  "the control channel works, but nothing sent into the tunnel comes back: is UDP "
                  "filtered between here and the host?");
        return;
    }
    char clock[200];
    if (sl_session_clock_reason(session, clock, sizeof(clock))) {
        state_set(session, SL_GW_DEGRADED, clock);
        return;
    }
    if (path == SL_PMTU_ERROR || (path == SL_PMTU_COMPLETE && mtu < 1280)) {
        (void)snprintf(text, sizeof(text),
                       "the path carries %u bytes inside the tunnel, less than IPv6 needs: outer "
                       "packets of up to 1280 inner bytes are fragmented",
                       mtu);
    } else if (is_offload_hurt) {
        (void)snprintf(text, sizeof(text), "offload is off: this path or a kernel damages trains");
    }
    state_set(session, SL_GW_RUNNING, text);
}

static void request_serve(struct sl_session *session)
{
    (void)pthread_mutex_lock(&session->lock);
    bool is_due = session->is_request_open && !session->is_request_done;
    json_t *request = is_due ? json_incref(session->request) : NULL;
    uint64_t number = session->request_number;
    (void)pthread_mutex_unlock(&session->lock);
    if (request == NULL) {
        return;
    }
    json_t *response = sl_session_handle(session, request);
    (void)pthread_mutex_lock(&session->lock);
    json_decref(request);
    if (session->is_request_open && session->request_number == number) {
        session->response = response;
        session->is_request_done = true;
        (void)pthread_cond_broadcast(&session->changed);
    } else {
        json_decref(response); /* who asked has given up */
    }
    (void)pthread_mutex_unlock(&session->lock);
}

/* Tells the image what it must know about the path: the way back is its to send. */
static sl_rc path_tell(struct sl_session *session, struct sl_err *err)
{
    struct sl_watch *watch = session->watch;
    (void)pthread_mutex_lock(&watch->lock);
    uint16_t mtu = (uint16_t)atomic_load(&session->tunnel->df_max);
    bool is_found = watch->pmtu.state == SL_PMTU_COMPLETE || watch->pmtu.state == SL_PMTU_ERROR;
    bool is_single = !sl_offload_is_on(&watch->offload_rx);
    (void)pthread_mutex_unlock(&watch->lock);
    bool is_same = session->is_path_told && (mtu == session->path_mtu || !is_found) &&
                   is_single == session->path_is_single;
    if (is_same) {
        return SL_OK;
    }
    sl_rc rc = sl_client_path(session->client, SL_SESSION_TIMEOUT_MS, mtu, is_single, err);
    if (rc == SL_OK) {
        session->is_path_told = true;
        session->path_mtu = mtu;
        session->path_is_single = is_single;
    }
    return rc;
}

/* What is done from time to time with an image that is ours. */
static sl_rc routine(struct sl_session *session, bool is_attest_due, uint64_t now_ns,
                     struct sl_err *err)
{
    sl_rc rc = SL_OK;
    if (now_ns >= session->time_due_ns) {
        rc = sl_client_time(session->client, SL_SESSION_TIMEOUT_MS, err);
        session->time_due_ns = now_ns + TIME_EVERY_S * SECOND;
    }
    rc = rc == SL_OK && is_attest_due ? sl_session_reattest(session, err) : rc;
    rc = rc == SL_OK ? sl_session_rekey_due(session, err) : rc;
    rc = rc == SL_OK ? path_tell(session, err) : rc;
    rc = rc == SL_OK ? sl_session_health_tell(session, err) : rc;
    if (rc == SL_OK && now_ns >= session->log_due_ns) {
        rc = sl_session_log_fetch(session, err);
        session->log_due_ns = now_ns + LOG_EVERY_S * SECOND;
    }
    if (rc == SL_OK) {
        running_state(session);
    }
    return rc;
}

static sl_rc connected_tick(struct sl_session *session, struct sl_err *err)
{
    uint64_t now_ns = sl_gw_now_ns();
    sl_rc rc = SL_OK;
    enum sl_session_holder holder = SL_HOLDER_US;
    bool is_attest_due = now_ns >= session->attest_due_ns;
    bool is_polled = now_ns >= session->status_due_ns || is_attest_due;
    if (is_polled) {
        rc = status_poll(session, &holder, err);
        session->status_due_ns = now_ns + STATUS_EVERY_MS * MS;
    }
    /* more than once: another gateway may just be about to set its own */
    session->nobody_count = holder == SL_HOLDER_NOBODY ? session->nobody_count + 1
                            : is_polled                ? 0
                                                       : session->nobody_count;
    if (rc == SL_OK && session->nobody_count >= NOBODY_POLLS) {
        return keys_again(session, err);
    }
    if (holder == SL_HOLDER_NOBODY) {
        return rc;
    }
    if (rc == SL_OK && (session->is_taken || holder == SL_HOLDER_OTHER)) {
        taken_over(session);
        return SL_OK;
    }
    return rc == SL_OK ? routine(session, is_attest_due, now_ns, err) : rc;
}

static sl_rc session_step(struct sl_session *session, struct sl_err *err)
{
    if (session->client != NULL) {
        if (session->is_refused) { /* on demand: the reason waits to be acted on */
            return sl_err_set(err, SL_DENIED, "%s", session->attest.reason);
        }
        if (sl_client_is_dead(session->client)) {
            return sl_err_set(err, SL_CLOSED, "connection lost");
        }
        return connected_tick(session, err);
    }
    sl_rc rc = session_connect(session, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (!session->is_keyed) {
        state_set(session, SL_GW_PROVISIONING, "");
    }
    rc = provision(session, err);
    if (rc == SL_OK) {
        session->failures = 0;
        session->lost_ns = 0;
        session->status_due_ns = 0;
    }
    return rc;
}

/* Waits for the time to pass, or for a request. */
static void session_wait(struct sl_session *session, uint64_t wait_ms)
{
    uint64_t end = sl_gw_now_ns() + wait_ms * MS;
    const struct timespec until = {(time_t)(end / SECOND), (long)(end % SECOND)};
    (void)pthread_mutex_lock(&session->lock);
    if (!session->is_request_open || session->is_request_done) {
        (void)pthread_cond_timedwait(&session->changed, &session->lock, &until);
    }
    (void)pthread_mutex_unlock(&session->lock);
}

static void *session_run(void *arg)
{
    struct sl_session *session = arg;
    uint64_t retry_ns = 0;
    while (!atomic_load(&session->is_stopping)) {
        struct sl_err err = {0};
        sl_rc rc = SL_OK;
        uint64_t now_ns = sl_gw_now_ns();
        if (session->client != NULL || now_ns >= retry_ns) {
            rc = session_step(session, &err);
        } else if (session->is_keyed && session->lost_ns != 0 &&
                   now_ns - session->lost_ns >= session->config->lease_seconds * SECOND) {
            keys_drop(session);
            state_set(session, SL_GW_STOPPED, "lease over without a control channel: SAs deleted");
        }
        if (rc != SL_OK) {
            trouble(session, rc, &err);
            uint32_t shift = session->failures > 6 ? 6 : session->failures;
            uint64_t wait = (uint64_t)BACKOFF_MIN_MS << shift;
            retry_ns = sl_gw_now_ns() + (wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait) * MS;
        }
        request_serve(session);
        session_wait(session, TICK_MS);
    }
    return NULL;
}

sl_rc sl_session_start(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                       struct sl_watch *watch, const struct sl_identity *identity,
                       void (*log)(const char *line), struct sl_session *session,
                       struct sl_err *err)
{
    struct sl_health *health = session->health;
    memset(session, 0, sizeof(*session));
    session->health = health;
    session->config = config;
    session->tunnel = tunnel;
    session->watch = watch;
    session->identity = identity;
    session->log = log;
    sl_rc rc = sl_session_life_open(session, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_session_policy_load(session, err);
    if (rc != SL_OK) {
        sl_session_policy_refused(session, err);
        sl_session_life_close(session);
        return rc;
    }
    rc = sl_gw_attest_init(&session->attest, &config->attestation, identity->spki_hash, err);
    if (rc != SL_OK) {
        sl_policy_done(&session->policy);
        sl_session_life_close(session);
        return rc;
    }
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&session->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&session->lock, NULL);
    (void)pthread_mutex_init(&session->request_lock, NULL);
    int failed = pthread_create(&session->thread, NULL, session_run, session);
    if (failed != 0) {
        sl_gw_attest_done(&session->attest);
        sl_policy_done(&session->policy);
        sl_session_life_close(session);
        return sl_err_set(err, SL_IO, "cannot start a thread: %s", strerror(failed));
    }
    session->is_started = true;
    return SL_OK;
}

void sl_session_stop(struct sl_session *session)
{
    if (!session->is_started) {
        return;
    }
    struct sl_err err = {0};
    atomic_store(&session->is_stopping, true);
    (void)pthread_join(session->thread, NULL);
    if (session->client != NULL && !sl_client_is_dead(session->client) && !session->is_taken) {
        sl_rc rc = sl_client_sa_clear(session->client, 1000, &err);
        (void)rc; /* our own SAs go in any case */
    }
    keys_drop(session);
    sl_client_free(session->client);
    sl_gw_attest_done(&session->attest);
    sl_policy_done(&session->policy);
    sl_session_life_close(session);
    json_decref(session->image_status);
    json_decref(session->rules);
    (void)pthread_mutex_destroy(&session->lock);
    (void)pthread_mutex_destroy(&session->request_lock);
    (void)pthread_cond_destroy(&session->changed);
    session->is_started = false;
}

json_t *sl_session_request(struct sl_session *session, json_t *request, uint32_t timeout_ms)
{
    uint64_t end = sl_gw_now_ns() + timeout_ms * MS;
    const struct timespec until = {(time_t)(end / SECOND), (long)(end % SECOND)};
    int waited = 0;
    (void)pthread_mutex_lock(&session->request_lock);
    (void)pthread_mutex_lock(&session->lock);
    session->request = json_incref(request);
    session->request_number++;
    session->response = NULL;
    session->is_request_open = true;
    session->is_request_done = false;
    (void)pthread_cond_broadcast(&session->changed);
    while (!session->is_request_done && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&session->changed, &session->lock, &until);
    }
    json_t *response = session->response;
    json_decref(session->request);
    session->request = NULL;
    session->is_request_open = false;
    session->response = NULL;
    (void)pthread_mutex_unlock(&session->lock);
    (void)pthread_mutex_unlock(&session->request_lock);
    return response != NULL ? response
                            : json_pack("{s:s, s:s}", "error", "TIMEOUT", "text",
                                        "the session is busy connecting; try again");
}
