/* SPDX-License-Identifier: Apache-2.0 */
/* Which image was attested, its next epoch, and its log. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "gateway/instance.h"
#include "gateway/session.h"

#define SECOND 1000000000ull

static const char *const origins[] = {"fresh", "restored", "refused", "unsealable"};

static json_t *detail_make(const struct sl_msg_instance *told, enum sl_instance_verdict verdict,
                           const struct sl_durable *durable)
{
    char id[2 * SL_INSTANCE_SIZE + 1];
    char before[2 * SL_INSTANCE_SIZE + 1];
    sl_hex_encode(told->instance, SL_INSTANCE_SIZE, id);
    sl_hex_encode(durable->instance, SL_INSTANCE_SIZE, before);
    json_t *detail =
        json_pack("{s:s, s:s, s:I, s:s, s:I}", "verdict", sl_instance_verdict_word(verdict),
                  "instance", id, "epoch", (json_int_t)told->epoch, "origin", origins[told->origin],
                  "epoch_known", (json_int_t)durable->epoch);
    if (detail != NULL && durable->has_instance) {
        (void)json_object_set_new(detail, "instance_known", json_string(before));
    }
    return detail;
}

/* Whether the image that has our SAs is another one than this, and may still be running. */
static bool other_is_alive(const struct sl_session *session)
{
    uint64_t quiet_ns = sl_gw_now_ns() - session->answered_ns;
    /* forbidden: waived, hashes of public keys */
    return session->answered_ns != 0 && quiet_ns < session->config->lease_seconds * SECOND &&
           memcmp(session->keyed_key, session->peer_key, sizeof(session->keyed_key)) != 0;
}

static sl_rc refuse(struct sl_session *session, const struct sl_msg_instance *told,
                    enum sl_instance_verdict verdict, struct sl_err *err)
{
    static const char *const sentences[] = {
        [SL_INSTANCE_ROLLED_BACK] =
            "the image's sealed state is of epoch %llu, it was provisioned up to %llu: the host "
            "handed it an old one (start it without, as a new instance: remove its state file)",
        [SL_INSTANCE_FORK] =
            "fork: this image claims the identity of one that may still be alive (epoch %llu, ours "
            "%llu): two run from one state, or its host handed it an old one; it gets nothing",
        [SL_INSTANCE_SUPERSEDED] =
            "this image was provisioned at epoch %llu, another instance took its place at %llu: "
            "start it anew",
    };
    char text[400];
    /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): one of the three above */
    (void)snprintf(text, sizeof(text), sentences[verdict], (unsigned long long)told->epoch,
                   (unsigned long long)session->durable.epoch);
    session->is_refused = true;
    sl_session_audit_note(session, SL_AUDIT_INSTANCE, SL_AUDIT_REFUSED,
                          detail_make(told, verdict, &session->durable));
    return sl_err_set(err, SL_DENIED, "%s", text);
}

/* The new epoch is on the disk before the image can have it. */
static sl_rc epoch_give(struct sl_session *session, const struct sl_msg_instance *told,
                        struct sl_err *err)
{
    struct sl_durable *durable = &session->durable;
    durable->epoch_done = told->epoch;
    durable->epoch = (told->epoch > durable->epoch ? told->epoch : durable->epoch) + 1;
    durable->has_instance = true;
    memcpy(durable->instance, told->instance, sizeof(durable->instance));
    sl_rc rc = sl_session_durable_save(session, err);
    rc = rc == SL_OK ? sl_client_epoch(session->client, SL_SESSION_TIMEOUT_MS, told->instance,
                                       durable->epoch, err)
                     : rc;
    if (rc == SL_OK) {
        durable->epoch_done = durable->epoch;
        rc = sl_session_durable_save(session, err);
    }
    return rc;
}

sl_rc sl_session_instance_check(struct sl_session *session, struct sl_err *err)
{
    struct sl_msg_instance told;
    sl_rc rc = sl_client_instance(session->client, SL_SESSION_TIMEOUT_MS, &told, err);
    if (rc != SL_OK) {
        return rc;
    }
    enum sl_instance_verdict verdict =
        sl_instance_judge(&session->durable, &told, other_is_alive(session));
    (void)pthread_mutex_lock(&session->lock);
    session->instance = told;
    session->instance_verdict = sl_instance_verdict_word(verdict);
    session->forks += verdict == SL_INSTANCE_FORK;
    session->rollbacks += verdict == SL_INSTANCE_ROLLED_BACK || verdict == SL_INSTANCE_SUPERSEDED;
    (void)pthread_mutex_unlock(&session->lock);
    if (!sl_instance_is_taken(verdict)) {
        return refuse(session, &told, verdict, err);
    }
    /* written before the state changes: both instances are named */
    rc = sl_session_audit(session, SL_AUDIT_INSTANCE, SL_AUDIT_DONE,
                          detail_make(&told, verdict, &session->durable), err);
    return rc == SL_OK ? epoch_give(session, &told, err) : rc;
}

void sl_session_instance_status(const struct sl_session *session, json_t *image)
{
    char id[2 * SL_INSTANCE_SIZE + 1];
    char hash[65];
    const struct sl_msg_instance *told = &session->instance;
    if (session->instance_verdict == NULL) {
        return;
    }
    sl_hex_encode(told->instance, SL_INSTANCE_SIZE, id);
    sl_hex_encode(told->policy_hash, sizeof(told->policy_hash), hash);
    json_t *out =
        json_pack("{s:s, s:I, s:s, s:s, s:I, s:I}", "id", id, "epoch_told", (json_int_t)told->epoch,
                  "origin", origins[told->origin], "verdict", session->instance_verdict, "forks",
                  (json_int_t)session->forks, "rollbacks", (json_int_t)session->rollbacks);
    (void)json_object_set_new(image, "instance", out);
}

/* ---- the image's log ---- */

static json_t *record_json(const struct sl_image_record *record, const char *instance,
                           const char *hex)
{
    return json_pack("{s:s, s:I, s:I, s:b, s:s, s:s, s:I, s:s, s:s}", "instance", instance, "seq",
                     (json_int_t)record->seq, "time_ns", (json_int_t)record->time_ns,
                     "is_time_authentic", record->is_time_authentic, "event",
                     sl_image_event_word(record->event), "code", sl_rc_name((sl_rc)record->rc),
                     "number", (json_int_t)record->number, "text", record->text, "record", hex);
}

/* One record: into our log, and onto the chain that we compute ourselves. */
static sl_rc record_take(struct sl_session *session, struct sl_reader *r, const char *instance,
                         struct sl_err *err)
{
    struct sl_image_record record;
    struct sl_reader one;
    char hex[2 * SL_IMAGE_LOG_RECORD_MAX + 1];
    uint16_t size = sl_reader_be16(r);
    const uint8_t *bytes = sl_reader_bytes(r, size);
    if (r->rc != SL_OK || size > SL_IMAGE_LOG_RECORD_MAX) {
        return sl_err_set(err, SL_MALFORMED, "the image's log cannot be read");
    }
    sl_reader_init(&one, bytes, size);
    sl_rc rc = sl_image_record_read(&one, &record);
    if (rc != SL_OK || record.seq <= session->log_seq) {
        return sl_err_set(err, SL_MALFORMED, "a record of the image's log cannot be read");
    }
    if (record.seq != session->log_seq + 1) { /* its ring was too small for what happened */
        sl_session_audit_note(session, SL_AUDIT_IMAGE_LOG, SL_AUDIT_LOST,
                              json_pack("{s:s, s:I, s:I}", "instance", instance, "from",
                                        (json_int_t)session->log_seq + 1, "to",
                                        (json_int_t)record.seq - 1));
        session->is_log_whole = false;
    }
    if (session->is_log_whole) {
        rc = sl_image_record_hash(session->log_hash, bytes, size, session->log_hash);
    }
    session->log_seq = record.seq;
    sl_hex_encode(bytes, size, hex);
    sl_session_audit_note(session, SL_AUDIT_IMAGE,
                          record.rc == SL_OK ? SL_AUDIT_DONE : SL_AUDIT_REFUSED,
                          record_json(&record, instance, hex));
    return rc;
}

static sl_rc log_take(struct sl_session *session, const struct sl_msg *reply, uint16_t *ret_count,
                      struct sl_err *err)
{
    char instance[2 * SL_INSTANCE_SIZE + 1];
    struct sl_reader r;
    sl_hex_encode(session->instance.instance, SL_INSTANCE_SIZE, instance);
    sl_reader_init(&r, reply->body, reply->size);
    uint16_t count = sl_reader_be16(&r);
    sl_rc rc = r.rc;
    for (uint16_t i = 0; i < count && rc == SL_OK; i++) {
        rc = record_take(session, &r, instance, err);
    }
    *ret_count = count;
    rc = rc == SL_OK ? sl_reader_end(&r) : rc;
    return rc == SL_OK ? rc : sl_err_set(err, rc, "the image's log cannot be read");
}

/* The head is told by the image itself over the attested channel: what we were given must lead to
 * it, or records were kept from us. */
static void head_check(struct sl_session *session, const struct sl_msg_instance *told)
{
    if (!session->is_log_whole || told->log_seq != session->log_seq) {
        return;
    }
    bool is_good = memcmp(told->log_hash, session->log_hash, sizeof(session->log_hash)) == 0;
    if (!is_good) {
        session->is_log_whole = false;
        sl_session_audit_note(session, SL_AUDIT_IMAGE_LOG, SL_AUDIT_LOST,
                              json_pack("{s:I, s:s}", "seq", (json_int_t)told->log_seq, "reason",
                                        "the records do not lead to the head that it tells"));
    }
}

sl_rc sl_session_log_fetch(struct sl_session *session, struct sl_err *err)
{
    struct sl_msg_instance told;
    struct sl_msg reply = {0};
    uint16_t count = 0;
    /* forbidden: waived, hashes of public keys */
    if (memcmp(session->log_key, session->peer_key, sizeof(session->log_key)) != 0) {
        memcpy(session->log_key, session->peer_key, sizeof(session->log_key));
        session->log_seq = 0; /* another run of an image: another log */
        session->is_log_whole = true;
        memset(session->log_hash, 0, sizeof(session->log_hash));
    }
    sl_rc rc = sl_client_log(session->client, SL_SESSION_TIMEOUT_MS, session->log_seq, &reply, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = log_take(session, &reply, &count, err);
    sl_msg_done(&reply);
    rc = rc == SL_OK ? sl_client_instance(session->client, SL_SESSION_TIMEOUT_MS, &told, err) : rc;
    if (rc == SL_OK) {
        head_check(session, &told);
    }
    return rc;
}
