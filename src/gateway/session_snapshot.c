/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of the image's flows: ordered, watched, and brought back after a restart. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/session.h"

enum {
    POLL_FIRST_MS = 2,
    POLL_MAX_MS = 50,
};
#define RESTORE_LIMIT_NS 60000000000ull

static json_t *told_json(const struct sl_msg_snapshot *told)
{
    json_t *out =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:f}", "state",
                  sl_msg_snapshot_state_word(told->state), "epoch", (json_int_t)told->epoch,
                  "flows", (json_int_t)told->flows, "refused", (json_int_t)told->refused, "chunks",
                  (json_int_t)told->chunks, "took_ms", (double)told->took_ns / 1e6);
    if (out != NULL && told->state == SL_MSG_SNAPSHOT_IS_FAILED) {
        (void)json_object_set_new(out, "code", json_string(sl_rc_name((sl_rc)told->rc)));
        (void)json_object_set_new(out, "reason", json_string(told->sentence));
    }
    return out;
}

static void remember(struct sl_session *session, const struct sl_msg_snapshot *told)
{
    (void)pthread_mutex_lock(&session->lock);
    session->snapshot = *told;
    (void)pthread_mutex_unlock(&session->lock);
}

json_t *sl_session_snapshot_status(const struct sl_session *session)
{
    json_t *out = told_json(&session->snapshot);
    (void)json_object_set_new(out, "epoch_kept",
                              json_integer((json_int_t)session->durable.snapshot_epoch));
    return out;
}

/* ---- ordered ---- */

/* The epoch is on the disk before the image can have it: from then on an older snapshot is none. */
static sl_rc order(struct sl_session *session, struct sl_msg_snapshot *ret_told, struct sl_err *err)
{
    struct sl_durable *durable = &session->durable;
    durable->epoch++;
    durable->snapshot_epoch = durable->epoch;
    sl_rc rc = sl_session_durable_save(session, err);
    rc = rc == SL_OK ? sl_client_epoch(session->client, SL_SESSION_TIMEOUT_MS, durable->instance,
                                       durable->epoch, err)
                     : rc;
    if (rc == SL_OK) {
        durable->epoch_done = durable->epoch;
        rc = sl_session_durable_save(session, err);
    }
    return rc == SL_OK ? sl_client_snapshot(session->client, SL_SESSION_TIMEOUT_MS,
                                            SL_MSG_SNAPSHOT_SAVE, durable->epoch, ret_told, err)
                       : rc;
}

static sl_rc progress(struct sl_session *session, struct sl_msg_snapshot *ret_told,
                      struct sl_err *err)
{
    uint8_t before = session->snapshot.state;
    sl_rc rc = sl_client_snapshot(session->client, SL_SESSION_TIMEOUT_MS, SL_MSG_SNAPSHOT_PROGRESS,
                                  0, ret_told, err);
    if (rc == SL_OK && before == SL_MSG_SNAPSHOT_IS_SAVING && ret_told->state != before) {
        sl_session_audit_note(session, SL_AUDIT_SNAPSHOT,
                              ret_told->state == SL_MSG_SNAPSHOT_IS_SAVED ? SL_AUDIT_DONE
                                                                          : SL_AUDIT_REFUSED,
                              told_json(ret_told));
    }
    return rc;
}

json_t *sl_session_snapshot_request(struct sl_session *session, bool is_order)
{
    struct sl_err err = {0};
    struct sl_msg_snapshot told = {0};
    if (session->client == NULL || session->is_taken || !session->is_keyed) {
        return json_pack("{s:s, s:s}", "error", sl_rc_name(SL_STATE), "text",
                         "the image cannot be reached, or has no keys yet");
    }
    sl_rc rc = progress(session, &told, &err);
    if (rc == SL_OK && is_order && told.state == SL_MSG_SNAPSHOT_IS_SAVING) {
        rc = sl_err_set(&err, SL_AGAIN, "a snapshot is under way");
    } else if (rc == SL_OK && is_order) {
        rc = order(session, &told, &err);
        sl_session_audit_note(
            session, SL_AUDIT_SNAPSHOT, rc == SL_OK ? SL_AUDIT_DONE : SL_AUDIT_REFUSED,
            rc == SL_OK ? told_json(&told) : json_pack("{s:s}", "reason", err.text));
    }
    if (rc != SL_OK) {
        return json_pack("{s:s, s:s}", "error", sl_rc_name(rc), "text", err.text);
    }
    remember(session, &told);
    return told_json(&told);
}

/* ---- brought back ---- */

static sl_rc restore_wait(struct sl_session *session, struct sl_msg_snapshot *told,
                          struct sl_err *err)
{
    uint64_t end_ns = sl_gw_now_ns() + RESTORE_LIMIT_NS;
    long pause_ms = POLL_FIRST_MS;
    sl_rc rc = SL_OK;
    while (rc == SL_OK && told->state == SL_MSG_SNAPSHOT_IS_RESTORING &&
           !atomic_load(&session->is_stopping)) {
        const struct timespec pause = {.tv_nsec = pause_ms * 1000000};
        (void)nanosleep(&pause, NULL);
        pause_ms = pause_ms * 2 < POLL_MAX_MS ? pause_ms * 2 : POLL_MAX_MS;
        rc = sl_client_snapshot(session->client, SL_SESSION_TIMEOUT_MS, SL_MSG_SNAPSHOT_PROGRESS, 0,
                                told, err);
        if (rc == SL_OK && sl_gw_now_ns() > end_ns) {
            rc = sl_err_set(err, SL_TIMEOUT, "flows have been coming back for a minute");
        }
        session->answered_ns = rc == SL_OK ? sl_gw_now_ns() : session->answered_ns;
    }
    return rc;
}

static void tell(struct sl_session *session, const struct sl_msg_snapshot *told)
{
    char line[sizeof(told->sentence) + 128];
    bool is_good = told->state == SL_MSG_SNAPSHOT_IS_RESTORED;
    if (is_good) {
        (void)snprintf(line, sizeof(line), "snapshot: %llu flows are back, %llu could not be",
                       (unsigned long long)told->flows, (unsigned long long)told->refused);
    } else {
        (void)snprintf(line, sizeof(line), "snapshot: refused, flows begin anew: %s",
                       told->sentence);
    }
    session->log(line);
    sl_session_audit_note(session, SL_AUDIT_SNAPSHOT, is_good ? SL_AUDIT_DONE : SL_AUDIT_REFUSED,
                          told_json(told));
    remember(session, told);
}

sl_rc sl_session_snapshot_restore(struct sl_session *session, struct sl_err *err)
{
    struct sl_msg_snapshot told = {0};
    struct sl_durable *durable = &session->durable;
    if (durable->snapshot_epoch == 0) {
        remember(session, &told); /* what was told of the image before is over */
        return SL_OK;
    }
    sl_rc rc = sl_client_snapshot(session->client, SL_SESSION_TIMEOUT_MS, SL_MSG_SNAPSHOT_RESTORE,
                                  durable->snapshot_epoch, &told, err);
    if (rc == SL_STATE && !sl_client_is_dead(session->client)) {
        return SL_OK; /* it has been running all the time: its flows are newer */
    }
    rc = rc == SL_OK ? restore_wait(session, &told, err) : rc;
    if (sl_client_is_dead(session->client) || atomic_load(&session->is_stopping)) {
        return rc != SL_OK ? rc : sl_err_set(err, SL_CLOSED, "stopped");
    }
    if (rc != SL_OK) { /* the image's own word: there is none to be had */
        told.state = SL_MSG_SNAPSHOT_IS_FAILED;
        told.epoch = durable->snapshot_epoch;
        told.rc = (uint16_t)rc;
        (void)snprintf(told.sentence, sizeof(told.sentence), "%.190s", err->text);
    }
    tell(session, &told);
    /* never twice: what these flows become from here on is newer */
    durable->snapshot_epoch = 0;
    return rc == SL_TIMEOUT ? rc : sl_session_durable_save(session, err);
}
