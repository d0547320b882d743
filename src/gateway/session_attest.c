/* SPDX-License-Identifier: Apache-2.0 */
/* When the image is attested, and what happens where it fails: nothing is given, and what was given
 * is taken back. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "gateway/session.h"

enum {
    /* The image waits 10 s for its host's evidence, and tells us so. */
    ATTEST_TIMEOUT_MS = 12000,
    CLEAR_TIMEOUT_MS = 1000,
};
#define SECOND 1000000000ull

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "?";
}

/* One line when an image is accepted that was not accepted before. */
static void accepted_log(struct sl_session *session)
{
    char line[500];
    json_t *status = sl_gw_attest_status(&session->attest);
    bool is_emulated = json_is_true(json_object_get(status, "emulated"));
    (void)snprintf(line, sizeof(line), "image attested: %s, measurement %.96s, TCB %s%s",
                   text_of(status, "type"), text_of(status, "measurement"), text_of(status, "tcb"),
                   is_emulated ? "; EMULATED: nothing is protected" : "");
    session->log(line);
    json_decref(status);
}

/* For the audit log: what was seen, and what came of it. */
static void audit_note(struct sl_session *session, bool is_again, sl_rc rc,
                       const struct sl_err *err)
{
    char hex[2 * SL_SPKI_HASH_SIZE + 1];
    json_t *status = sl_gw_attest_status(&session->attest);
    sl_hex_encode(session->peer_key, SL_SPKI_HASH_SIZE, hex);
    json_t *detail = json_pack("{s:s, s:s}", "image_key", hex, "code", sl_rc_name(rc));
    static const char *const members[] = {"type", "measurement", "signer", "tcb", "emulated"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *value = json_object_get(status, members[i]);
        if (detail != NULL && value != NULL) {
            (void)json_object_set(detail, members[i], value);
        }
    }
    if (rc != SL_OK && detail != NULL) {
        (void)json_object_set_new(detail, "reason", json_string(err->text));
    }
    sl_session_audit_note(session, is_again ? SL_AUDIT_REATTEST : SL_AUDIT_ATTEST,
                          rc == SL_OK ? SL_AUDIT_DONE : SL_AUDIT_REFUSED, detail);
    json_decref(status);
}

static sl_rc attest(struct sl_session *session, const struct sl_gw_attest_expected *expected,
                    struct sl_err *err)
{
    enum sl_gw_attest_state before = session->attest.state; /* written by this thread only */
    uint64_t lease_ms = session->config->lease_seconds * 1000ull;
    /* longer than the lease there is nothing to wait for: the SAs are gone by then */
    int wait_ms =
        session->is_keyed && lease_ms < ATTEST_TIMEOUT_MS ? (int)lease_ms : ATTEST_TIMEOUT_MS;
    char reason[sizeof(session->attest.reason)];
    (void)snprintf(reason, sizeof(reason), "%s", session->attest.reason);
    sl_rc rc = sl_gw_attest_image(&session->attest, session->client, expected, wait_ms, err);
    session->attest_due_ns = sl_gw_now_ns() + session->config->reattest_seconds * SECOND;
    audit_note(session, expected != NULL, rc, err);
    if (rc == SL_OK) {
        if (before != SL_GW_ATTEST_VERIFIED) {
            accepted_log(session);
        }
        return rc;
    }
    if (sl_client_is_dead(session->client) && rc != SL_TIMEOUT) {
        return rc; /* the connection failed, or our key was refused: no verdict on the image */
    }
    if (before != SL_GW_ATTEST_REFUSED || strcmp(reason, session->attest.reason) != 0) {
        sl_gw_attest_explain(&session->attest, session->log);
    }
    session->is_refused = true;
    if (session->is_keyed && !sl_client_is_dead(session->client)) {
        struct sl_err ignored = {0}; /* where it does not answer, its lease ends them */
        (void)!sl_client_sa_clear(session->client, CLEAR_TIMEOUT_MS, &ignored);
    }
    return rc;
}

sl_rc sl_session_attest(struct sl_session *session, struct sl_err *err)
{
    return attest(session, NULL, err);
}

sl_rc sl_session_reattest(struct sl_session *session, struct sl_err *err)
{
    const struct sl_gw_attest_expected expected = {session->policy_version, session->policy_hash};
    return attest(session, &expected, err);
}

json_t *sl_session_reattest_request(struct sl_session *session)
{
    struct sl_err err = {0};
    if (session->client == NULL || session->is_taken || !session->is_keyed) {
        return json_pack("{s:s, s:s}", "error", sl_rc_name(SL_STATE), "text",
                         "there is no image at present that this gateway has keyed");
    }
    sl_rc rc = sl_session_reattest(session, &err);
    if (rc != SL_OK) {
        return json_pack("{s:s, s:s}", "error", sl_rc_name(rc), "text", err.text);
    }
    return sl_gw_attest_status(&session->attest);
}
