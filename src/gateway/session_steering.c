/* SPDX-License-Identifier: Apache-2.0 */
/* Learns from the image which shard it runs a packet on. */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "gateway/session.h"

static void note(struct sl_session *session, const char *reason)
{
    (void)pthread_mutex_lock(&session->lock);
    bool is_new = strcmp(session->steering_reason, reason) != 0;
    (void)snprintf(session->steering_reason, sizeof(session->steering_reason), "%s", reason);
    (void)pthread_mutex_unlock(&session->lock);
    if (is_new && reason[0] != '\0') {
        char line[sizeof(session->steering_reason) + 64];
        (void)snprintf(line, sizeof(line), "steering: by plain hash: %s", reason);
        session->log(line);
    }
}

sl_rc sl_session_steering_learn(struct sl_session *session, struct sl_err *err)
{
    struct sl_steering *steering = &session->tunnel->steering;
    struct sl_msg_steering told = {0};
    struct sl_err own = {0};
    if (session->tunnel->shard_count < 2) {
        return SL_OK;
    }
    if (session->config->is_steering_plain) {
        sl_steering_clear(steering);
        note(session, "tunnel.steering says so");
        return SL_OK;
    }
    sl_rc rc = sl_client_steering(session->client, SL_SESSION_TIMEOUT_MS, &told, &own);
    if (sl_client_is_dead(session->client)) {
        return sl_err_set(err, rc, "%s", own.text);
    }
    if (rc == SL_OK) {
        rc = sl_steering_set(steering, session->policy.bundle, session->policy.size, &told, &own);
        sl_wipe(&told, sizeof(told));
    } else {
        sl_steering_clear(steering); /* that of an image before */
    }
    note(session, rc == SL_OK ? "" : own.text);
    return SL_OK;
}

json_t *sl_session_steering_status(struct sl_session *session)
{
    bool is_set = sl_steering_is_set(&session->tunnel->steering);
    json_t *out = json_pack("{s:s}", "by", is_set ? "image" : "plain");
    if (session->steering_reason[0] != '\0') {
        (void)json_object_set_new(out, "reason", json_string(session->steering_reason));
    }
    return out;
}
