/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives a session: durable state and audit log, opened, kept in step, closed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "gateway/session.h"

sl_rc sl_session_life_open(struct sl_session *session, struct sl_err *err)
{
    sl_rc rc = sl_durable_open(session->config->state_dir, &session->durable, err);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_audit_options options = {.path = session->durable.audit_path,
                                             .known = &session->durable.audit};
    rc = sl_audit_open(&options, &session->audit, err);
    if (rc != SL_OK) {
        sl_durable_close(&session->durable);
        return rc;
    }
    session->has_life = true;
    /* from the first start on the state is there: gone means removed */
    rc = sl_session_durable_save(session, err);
    if (rc != SL_OK) {
        sl_session_life_close(session);
    }
    return rc;
}

void sl_session_life_close(struct sl_session *session)
{
    if (session->has_life) {
        struct sl_err err = {0};
        if (sl_session_durable_save(session, &err) != SL_OK) {
            session->log(err.text);
        }
        sl_audit_close(session->audit);
        session->audit = NULL;
        sl_durable_close(&session->durable);
        session->has_life = false;
    }
}

sl_rc sl_session_durable_save(struct sl_session *session, struct sl_err *err)
{
    sl_audit_head(session->audit, &session->durable.audit);
    return sl_durable_save(&session->durable, err);
}

sl_rc sl_session_audit(struct sl_session *session, enum sl_audit_event event,
                       enum sl_audit_outcome outcome, json_t *detail, struct sl_err *err)
{
    struct sl_err own = {0};
    sl_rc rc = sl_audit_write(session->audit, event, outcome, detail, &own);
    if (rc != SL_OK) {
        session->log(own.text);
        rc = sl_err_set(err, rc, "%s", own.text);
    }
    return rc;
}

void sl_session_audit_note(struct sl_session *session, enum sl_audit_event event,
                           enum sl_audit_outcome outcome, json_t *detail)
{
    sl_rc rc = sl_session_audit(session, event, outcome, detail, NULL);
    (void)rc; /* logged and counted; what happened has happened */
}

/* ---- policies ---- */

static sl_rc policy_hash(const struct sl_policy *policy, uint8_t ret_hash[32], struct sl_err *err)
{
    return EVP_Digest(policy->bundle, policy->size, ret_hash, NULL, EVP_sha256(), NULL) == 1
               ? SL_OK
               : sl_err_set(err, SL_CRYPTO, "cannot hash the policy");
}

/* Rules that are compiled here get their number here: the time in ms, or the next one where this
 * machine's clock is behind. A compiled policy brings its own. */
sl_rc sl_session_policy_admit(const struct sl_durable *durable, const char *path,
                              struct sl_policy *policy, bool is_compiled_here, struct sl_err *err)
{
    uint8_t hash[32];
    if (is_compiled_here && durable->has_policy && policy->version <= durable->policy_version) {
        sl_policy_version_set(policy, durable->policy_version + 1);
    }
    sl_rc rc = policy_hash(policy, hash, err);
    return rc == SL_OK ? sl_durable_policy_check(durable, path, policy->version, hash, err) : rc;
}

static json_t *policy_detail(const struct sl_session *session, const struct sl_policy *policy,
                             const uint8_t hash[32], const char *reason)
{
    char hex[65];
    sl_hex_encode(hash, 32, hex);
    json_t *detail = json_pack("{s:s, s:I, s:s}", "path", session->config->policy, "version",
                               (json_int_t)policy->version, "sha256", hex);
    if (reason != NULL && detail != NULL) {
        (void)json_object_set_new(detail, "reason", json_string(reason));
    }
    return detail;
}

/* The number is on the disk before an image can have it. */
static sl_rc version_note(struct sl_session *session, const struct sl_policy *policy,
                          const uint8_t hash[32], struct sl_err *err)
{
    struct sl_durable *durable = &session->durable;
    sl_rc rc =
        sl_durable_policy_check(durable, session->config->policy, policy->version, hash, err);
    if (rc != SL_OK || (durable->has_policy && durable->policy_version == policy->version)) {
        return rc;
    }
    durable->has_policy = true;
    durable->policy_version = policy->version;
    memcpy(durable->policy_hash, hash, 32);
    return sl_session_durable_save(session, err);
}

sl_rc sl_session_policy_give(struct sl_session *session, const struct sl_policy *policy,
                             struct sl_err *err)
{
    uint64_t version = 0;
    uint8_t hash[32];
    uint8_t told[32];
    sl_rc rc = policy_hash(policy, hash, err);
    rc = rc == SL_OK ? version_note(session, policy, hash, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_client_chain_set(session->client, SL_SESSION_TIMEOUT_MS, policy->bundle, policy->size,
                             &version, told, err);
    /* forbidden: waived, hashes of policies */
    if (rc == SL_OK && (version != policy->version || memcmp(told, hash, sizeof(hash)) != 0)) {
        rc =
            sl_err_set(err, SL_MISMATCH, "the image says it took another policy than it was given");
    }
    if (rc != SL_OK) {
        sl_session_audit_note(session, SL_AUDIT_POLICY, SL_AUDIT_REFUSED,
                              policy_detail(session, policy, hash, err->text));
        return rc;
    }
    if (session->health != NULL) {
        sl_health_forget(session->health);
    }
    (void)pthread_mutex_lock(&session->lock);
    bool is_new = session->policy_version != version ||
                  /* forbidden: waived, hashes of policies */
                  memcmp(session->policy_hash, hash, sizeof(hash)) != 0;
    session->policy_version = version;
    memcpy(session->policy_hash, hash, sizeof(hash));
    (void)pthread_mutex_unlock(&session->lock);
    return is_new ? sl_session_audit(session, SL_AUDIT_POLICY, SL_AUDIT_DONE,
                                     policy_detail(session, policy, hash, NULL), err)
                  : SL_OK;
}

void sl_session_policy_refused(struct sl_session *session, const struct sl_err *err)
{
    sl_session_audit_note(
        session, SL_AUDIT_POLICY, SL_AUDIT_REFUSED,
        json_pack("{s:s, s:s}", "path", session->config->policy, "reason", err->text));
}

sl_rc sl_session_provisioned(struct sl_session *session, bool is_resumed, struct sl_err *err)
{
    char key[2 * SL_SPKI_HASH_SIZE + 1];
    sl_hex_encode(session->peer_key, SL_SPKI_HASH_SIZE, key);
    return sl_session_audit(session, SL_AUDIT_PROVISION, SL_AUDIT_DONE,
                            json_pack("{s:s, s:I, s:I, s:b, s:I}", "image_key", key, "epoch",
                                      (json_int_t)session->durable.epoch, "policy_version",
                                      (json_int_t)session->policy_version, "resumed", is_resumed,
                                      "lease_seconds", (json_int_t)session->config->lease_seconds),
                            err);
}
