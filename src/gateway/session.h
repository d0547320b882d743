/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The gateway's side of the control channel, on a thread of its own: connects, provisions (policy,
 * time, SAs with fresh keys), polls, rekeys, and starts over when the image is gone. Every SA key
 * follows from the channel and a seed made here, is used for one SA and forgotten.
 */
#ifndef SL_GATEWAY_SESSION_H
#define SL_GATEWAY_SESSION_H

#include <jansson.h>

#include "audit/audit.h"
#include "control/client.h"
#include "control/identity.h"
#include "control/image_log.h"
#include "gateway/attest.h"
#include "gateway/clock.h"
#include "gateway/durable.h"
#include "gateway/health.h"
#include "gateway/watch.h"
#include "policy/policy.h"

enum sl_gw_state {
    SL_GW_CONNECTING,   /**< no control channel yet; nothing passes */
    SL_GW_PROVISIONING, /**< channel is there; policy and keys are on their way; nothing passes */
    SL_GW_RUNNING,
    SL_GW_DEGRADED, /**< traffic passes, or would, but something is wrong: `reason` says what */
    SL_GW_STOPPED,  /**< nothing passes: the image refuses us, or the lease is over; tried again */
};
const char *sl_gw_state_text(enum sl_gw_state state);

struct sl_session {
    const struct sl_gw_config *config;
    struct sl_tunnel *tunnel;
    struct sl_watch *watch;
    const struct sl_identity *identity;
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;
    void (*log)(const char *line);
    struct sl_health *health; /**< whose news the image is told; NULL: nobody's. Not owned */

    pthread_mutex_t request_lock; /**< one who asks at a time; taken before lock */
    pthread_mutex_t lock;         /**< guards everything below */
    pthread_cond_t changed;
    enum sl_gw_state state;
    char reason[512];
    struct sl_msg_hello hello;
    bool has_hello;
    const struct sl_key_exchange_group *key_exchange; /**< of the channel; NULL: none yet */
    uint8_t image_key[SL_SPKI_HASH_SIZE];
    json_t *image_status; /**< as the image sent it last */
    json_t *rules;        /**< those that most packets met, with their text */
    uint64_t policy_version;
    uint8_t policy_hash[32];
    uint64_t connects, provisions, resumes, rekeys, restarts;
    /* one request at a time, carried out by the session's thread */
    bool is_request_open, is_request_done;
    uint64_t request_number;
    json_t *request;
    json_t *response; /**< new reference */

    struct sl_gw_attest attest; /**< has a lock of its own */

    /* the thread's own */
    struct sl_client *client;
    bool is_refused; /**< the last attestation: this connection is of no more use */
    uint64_t attest_due_ns;
    struct sl_policy policy; /**< the session thread's, once it runs */
    uint64_t lost_ns;        /**< when the image was heard last; 0: not lost */
    uint64_t answered_ns;    /**< when it answered last */
    uint32_t nobody_count;   /**< polls in a row that found no SAs in the image */
    bool is_keyed;
    bool is_taken; /**< the image serves another gateway with our key */
    uint64_t status_due_ns, time_due_ns;
    uint32_t failures;
    uint16_t path_mtu; /**< as told to the image */
    bool path_is_single;
    bool is_path_told;
    uint8_t peer_key[SL_SPKI_HASH_SIZE];
    uint8_t keyed_key[SL_SPKI_HASH_SIZE]; /**< of the image that got our SAs */

    /* session_clock.c: guarded by lock */
    struct sl_gw_clock clock;
    uint8_t clock_key[SL_SPKI_HASH_SIZE]; /**< of the image whose clock it is */
    uint64_t clock_bad_ns;                /**< when it was seen bent last; 0: never */
    int64_t clock_off_ns;

    /* session_instance.c: guarded by lock */
    struct sl_msg_instance instance; /**< as the image told it last */
    const char *instance_verdict;    /**< NULL: none was asked yet */
    uint64_t forks, rollbacks;
    /* session_steering.c: guarded by lock */
    char steering_reason[200]; /**< why it is not the image's; "": it is, or there is one shard */
    /* session_snapshot.c: guarded by lock */
    struct sl_msg_snapshot snapshot; /**< as the image told of it last */
    /* the image's log as far as it was fetched; the thread's own */
    uint8_t log_key[SL_SPKI_HASH_SIZE]; /**< of the image whose log it is */
    uint64_t log_seq;
    uint8_t log_hash[SL_IMAGE_LOG_HASH_SIZE];
    bool is_log_whole;
    uint64_t log_due_ns;

    /* session_life.c; the thread's own, but for the audit log, which any thread may write */
    struct sl_durable durable;
    struct sl_audit *audit; /**< NULL: none (--check) */
    bool has_life;
};

/** Reads the policy, so that a bad one is told at once, and starts the thread. `health` of
 * @p session is taken as it is, all else set anew.
 * @retval SL_OK, SL_IO, or of reading the policy */
sl_rc sl_session_start(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                       struct sl_watch *watch, const struct sl_identity *identity,
                       void (*log)(const char *line), struct sl_session *session,
                       struct sl_err *err) SL_MUST_CHECK;
/** Deletes the SAs at both ends where the image can be reached, and ends the thread. */
void sl_session_stop(struct sl_session *session);
/** Has the session's thread carry out {"cmd":"eval"|"reload"}. @return response, a new reference */
json_t *sl_session_request(struct sl_session *session, json_t *request, uint32_t timeout_ms);
/** Adds what the session knows to a status object. */
void sl_session_status(struct sl_session *session, json_t *out);

/* internal: session_keys.c */
sl_rc sl_session_slot_key(struct sl_session *session, struct sl_gw_slot *slot,
                          struct sl_err *err) SL_MUST_CHECK;
/** Rekeys what is due. @retval SL_OK, or of the control channel */
sl_rc sl_session_rekey_due(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** Whether the image at the end of a new connection is the one that has our SAs, and still has
 * them: then they stay, and are rekeyed make before break.
 * @retval SL_OK, or of the control channel */
sl_rc sl_session_resume_check(struct sl_session *session, bool *ret_is_resumed,
                              struct sl_err *err) SL_MUST_CHECK;
/* internal: session_attest.c */
/** Attests the image before it is given anything. A refusal sets `is_refused`, and takes back what
 * the image was given.
 * @retval SL_OK, or of sl_gw_attest_image */
sl_rc sl_session_attest(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** The same while it serves us: it has to hold the policy that we gave it. */
sl_rc sl_session_reattest(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** {"cmd":"reattest"}. */
json_t *sl_session_reattest_request(struct sl_session *session);
/* internal: session_health.c */
/** Tells the image what it does not know of its backends yet.
 * @retval SL_OK  also where it will not hear it: that is shown
 * @retval other  the channel is gone */
sl_rc sl_session_health_tell(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/* internal: session_status.c */
enum sl_session_holder {
    SL_HOLDER_US,     /**< the image has our SAs */
    SL_HOLDER_NOBODY, /**< it has none, and should have ours */
    SL_HOLDER_OTHER,  /**< it has somebody else's */
};
/** Takes in what the image says of itself: counters, whose SAs it has, rules. */
void sl_session_image_learn(struct sl_session *session, const char *text,
                            enum sl_session_holder *ret_holder);
/* internal: session_requests.c */
json_t *sl_session_handle(struct sl_session *session, json_t *request);
sl_rc sl_session_policy_load(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;

/* internal: session_clock.c */
/** Compares the clock in the image's last status with ours.
 * @retval SL_OK      in pace, or bent and told (on_clock_warp: degrade)
 * @retval SL_DENIED  bent: session->is_refused is set (on_clock_warp: stop) */
sl_rc sl_session_clock_check(struct sl_session *session, uint64_t sent_ns, uint64_t heard_ns,
                             struct sl_err *err) SL_MUST_CHECK;
/** What to say of a clock that was bent a moment ago. @return false where there is nothing */
bool sl_session_clock_reason(struct sl_session *session, char *text, size_t size);
/** The lock is held. */
json_t *sl_session_clock_status(const struct sl_session *session);
/* internal: session_instance.c */
/** Asks the image who it is, judges, and gives it the next epoch.
 * @retval SL_OK
 * @retval SL_DENIED  rolled back, forked, superseded: session->is_refused is set, it gets nothing
 * @retval other      of the control channel, state_dir, audit log */
sl_rc sl_session_instance_check(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** Adds what is known of the instance; the lock is held. */
void sl_session_instance_status(const struct sl_session *session, json_t *image);
/** Fetches what is new in the image's log into the audit log. @retval SL_OK, SL_MALFORMED, or of
 * the control channel */
sl_rc sl_session_log_fetch(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/* internal: session_snapshot.c */
/** {"cmd":"snapshot"}: orders one, or asks how it goes on. */
json_t *sl_session_snapshot_request(struct sl_session *session, bool is_order);
/** Has an image that has just started take its flows back, where there is a snapshot. That none
 * came back is no failure: it is said, and traffic begins without.
 * @retval SL_OK, or of the channel, state_dir */
sl_rc sl_session_snapshot_restore(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** The lock is held. */
json_t *sl_session_snapshot_status(const struct sl_session *session);
/* internal: session_steering.c */
/** Asks the image for its steering, once its chain and its flows are there. That it has none for us
 * is no failure: it is said, and packets go by plain hash.
 * @retval SL_OK, or of the channel where it is gone */
sl_rc sl_session_steering_learn(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** The lock is held. */
json_t *sl_session_steering_status(struct sl_session *session);
/* internal: session_life.c */
/** Opens state_dir: durable state and audit log. @retval of sl_durable_open and sl_audit_open */
sl_rc sl_session_life_open(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
void sl_session_life_close(struct sl_session *session);
sl_rc sl_session_durable_save(struct sl_session *session, struct sl_err *err) SL_MUST_CHECK;
/** Appends to the audit log; a failure is logged as well. @p detail is taken over. */
sl_rc sl_session_audit(struct sl_session *session, enum sl_audit_event event,
                       enum sl_audit_outcome outcome, json_t *detail,
                       struct sl_err *err) SL_MUST_CHECK;
/** The same where nothing depends on it. */
void sl_session_audit_note(struct sl_session *session, enum sl_audit_event event,
                           enum sl_audit_outcome outcome, json_t *detail);
/** Gives a policy just compiled its number, and refuses one that goes back.
 * @retval SL_OK, SL_STALE (sl_durable_policy_check), SL_CRYPTO */
sl_rc sl_session_policy_admit(const struct sl_durable *durable, const char *path,
                              struct sl_policy *policy, bool is_compiled_here,
                              struct sl_err *err) SL_MUST_CHECK;
/** Notes the version for good, then gives the policy to the image.
 * @retval SL_OK, SL_STALE, SL_MISMATCH (the image took another), SL_IO (state_dir), or of the
 * channel */
sl_rc sl_session_policy_give(struct sl_session *session, const struct sl_policy *policy,
                             struct sl_err *err) SL_MUST_CHECK;
/** An image has everything: into the audit log, without which it is not provisioned.
 * @retval SL_OK, SL_IO */
sl_rc sl_session_provisioned(struct sl_session *session, bool is_resumed,
                             struct sl_err *err) SL_MUST_CHECK;
/** A policy that was not even given: into the audit log. */
void sl_session_policy_refused(struct sl_session *session, const struct sl_err *err);

enum { SL_SESSION_TIMEOUT_MS = 5000 };

#endif
