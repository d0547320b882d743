/* SPDX-License-Identifier: Apache-2.0 */
/* A round: a nonce goes out, evidence comes in, is judged, made durable, journaled, and told. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "collateral/cache.h"
#include "monitor/json_bytes.h"
#include "trustd/api_private.h"
#include "trustd/lease.h"

enum { TEES_MAX = 64, NONCE_SIZE = SL_MONITOR_NONCE_SIZE, NEXT_MS = 10000, LEASE_MS = 60000 };

/* Each TEE has a nonce of its own, so that one's evidence is never another's. */
static sl_rc tee_nonce(const uint8_t nonce[NONCE_SIZE], const char *id, char ret_hex[65])
{
    static const char domain[] = "SafeLib TEE nonce";
    uint8_t data[sizeof(domain) + NONCE_SIZE + SL_SUBJECT_ID_MAX];
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    size_t size = strlen(id);
    if (size >= SL_SUBJECT_ID_MAX) {
        return SL_RANGE;
    }
    memcpy(data, domain, sizeof(domain));
    memcpy(data + sizeof(domain), nonce, NONCE_SIZE);
    for (size_t i = 0; i < size; i++) { /* without its terminator */
        data[sizeof(domain) + NONCE_SIZE + i] = (uint8_t)id[i];
    }
    sl_rc rc = sl_trustd_sha256(data, sizeof(domain) + NONCE_SIZE + size, hash);
    if (rc == SL_OK) {
        sl_hex_encode(hash, sizeof(hash), ret_hex);
    }
    return rc;
}

/* ---- challenge ---- */

struct tee_list {
    json_t *list;
    const uint8_t *nonce;
};

static void tee_add(struct tee_list *tees, const char *id)
{
    char hex[65];
    size_t i;
    json_t *known;
    json_array_foreach(tees->list, i, known)
    {
        if (strcmp(json_string_value(json_object_get(known, "id")), id) == 0) {
            return;
        }
    }
    if (json_array_size(tees->list) < TEES_MAX && tee_nonce(tees->nonce, id, hex) == SL_OK) {
        (void)json_array_append_new(tees->list, json_pack("{s:s, s:s}", "id", id, "nonce", hex));
    }
}

static void tee_known(void *ctx, const char *node, const struct sl_store_verdict *verdict)
{
    if (strcmp(verdict->kind, sl_subject_kind_text(SL_SUBJECT_TEE)) == 0) {
        tee_add(ctx, verdict->id);
    }
}

/* TEEs that were judged before, and those that the agent names: {"tee": ["id", ...]}. */
static json_t *tees_list(struct sl_call *call, const uint8_t nonce[NONCE_SIZE])
{
    struct tee_list tees = {.list = json_array(), .nonce = nonce};
    size_t i;
    json_t *id;
    (void)!sl_store_verdict_each(call->trustd->store, call->caller.node, tee_known, &tees, NULL);
    json_array_foreach(json_object_get(call->body, "tee"), i, id)
    {
        if (sl_is_name(json_string_value(id), SL_SUBJECT_ID_MAX - 1)) {
            tee_add(&tees, json_string_value(id));
        }
    }
    return tees.list;
}

/* What the driver wants to be sent. @return NULL: answered */
static json_t *driver_challenge(struct sl_call *call, const struct sl_store_node *node)
{
    const struct sl_driver *driver = call->trustd->backend->driver_find(node->driver);
    const struct sl_material_class *class = sl_material_find(call->material, node->class_name);
    if (driver == NULL) {
        sl_answer_problem(call->answer, 409, "driver",
                          "this version has no driver \"%s\": the node stays unknown",
                          node->driver);
        return NULL;
    }
    if (class == NULL) {
        sl_answer_problem(call->answer, 409, "class",
                          "the class \"%s\" has no policy: the node stays unknown",
                          node->class_name);
        return NULL;
    }
    json_t *wanted =
        driver->challenge(node->registration, node->state, node->state_size, class->policy);
    if (wanted == NULL) {
        sl_answer_problem(call->answer, 500, NULL, "no memory");
    }
    return wanted;
}

static sl_rc nonce_give(struct sl_call *call, const uint8_t nonce[NONCE_SIZE], const char *hex,
                        int64_t expires_ms, struct sl_err *err)
{
    struct sl_store *store = call->trustd->store;
    sl_rc rc = sl_store_begin(store, err);
    rc = rc == SL_OK
             ? sl_store_nonce_add(store, call->caller.node, nonce, expires_ms, call->now_ms, err)
             : rc;
    rc = rc == SL_OK
             ? sl_call_journal(call, SL_AUDIT_CHALLENGE, SL_AUDIT_DONE,
                               json_pack("{s:s, s:s, s:I}", "node", call->caller.node, "nonce", hex,
                                         "expires_ms", (json_int_t)expires_ms),
                               err)
             : rc;
    return rc == SL_OK ? sl_store_commit(store, err) : rc;
}

void sl_api_challenge(struct sl_call *call)
{
    struct sl_err err = {0};
    struct sl_store_node node;
    uint8_t nonce[NONCE_SIZE];
    char hex[2 * NONCE_SIZE + 1];
    int64_t lasts_ms = (int64_t)call->trustd->config.nonce_seconds * 1000;
    sl_rc rc = sl_store_node_get(call->trustd->store, call->caller.node, &node, &err);
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
        return;
    }
    json_t *wanted = driver_challenge(call, &node);
    if (wanted == NULL) {
        sl_store_node_done(&node);
        return;
    }
    rc = RAND_bytes(nonce, sizeof(nonce)) == 1 ? SL_OK : SL_CRYPTO;
    sl_hex_encode(nonce, sizeof(nonce), hex);
    rc = rc == SL_OK ? nonce_give(call, nonce, hex, call->now_ms + lasts_ms, &err) : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
        json_decref(wanted);
    } else {
        json_t *answer = json_pack(
            "{s:s, s:I, s:I, s:o}", "nonce", hex, "expires_ms", (json_int_t)lasts_ms, "body_bytes",
            (json_int_t)call->trustd->config.body_bytes_max, "tee", tees_list(call, nonce));
        (void)json_object_set_new(answer, node.driver, wanted);
        sl_answer_json(call->answer, 200, answer);
    }
    sl_store_node_done(&node);
}

/* ---- evidence ---- */

/* One driver's part of a round. */
struct part {
    char *job, *result;
    char job_blob[SL_BLOB_NAME_SIZE], result_blob[SL_BLOB_NAME_SIZE];
    json_t *said; /**< the result, read */
    const char *driver, *id;
};
struct round {
    struct sl_call *call;
    struct sl_store_node node;
    uint8_t nonce[NONCE_SIZE];
    const char *nonce_hex;
    const struct sl_material_class *class; /* NULL: no policy */
    char refvals[65];
    char evidence_hash[65];
    struct part parts[1 + TEES_MAX];
    size_t part_count, failed;
    int64_t lease_ms, next_ms;
    char refused[512]; /* why the policy of today would not enrol the node; "": it would */
};

static void parts_drop(struct round *round)
{
    for (size_t i = 0; i < round->part_count; i++) {
        free(round->parts[i].job);
        free(round->parts[i].result);
        json_decref(round->parts[i].said);
    }
    memset(round->parts, 0, sizeof(round->parts));
    round->part_count = round->failed = 0;
}

static void round_done(struct round *round)
{
    parts_drop(round);
    sl_store_node_done(&round->node);
}

static sl_rc hash_text(const char *text, size_t size, char ret_hex[65])
{
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    sl_rc rc = sl_trustd_sha256(text, size, hash);
    if (rc == SL_OK) {
        sl_hex_encode(hash, sizeof(hash), ret_hex);
    }
    return rc;
}

static char *job_dump(json_t *job)
{
    char *text =
        job != NULL ? json_dumps(job, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII) : NULL;
    json_decref(job);
    return text;
}

static bool is_tee_evidence(const json_t *evidence)
{
    const json_t *row = json_is_array(evidence) ? json_array_get(evidence, 0) : evidence;
    return json_is_string(json_object_get(row, "bundle"));
}

static json_t *collateral_load(const char *folder, const char *key)
{
    struct sl_collateral_set set = {0};
    struct sl_err err = {0};
    char found[SL_PLATFORM_KEY_SIZE];
    char *text = NULL;
    json_t *bundle = NULL;
    if (sl_collateral_cache_get(folder, key, &set, found, &err) == SL_OK &&
        sl_collateral_bundle_write(&set, found, &text) == SL_OK) {
        bundle = json_loads(text, 0, NULL);
    }
    free(text);
    sl_collateral_done(&set);
    return bundle;
}

/* What the vendor says of the evidence's platform, as the cache has it now. Which platform that is,
 * the verifier reads out of the evidence. Without it, judging says what is missing. */
static json_t *collateral_find(struct round *round, const char *driver, const json_t *evidence)
{
    const char *folder = round->call->trustd->config.collateral;
    size_t i;
    json_t *key;
    char *result = NULL;
    json_t *bundle = NULL;
    if (folder[0] == '\0' || !is_tee_evidence(evidence)) {
        return NULL;
    }
    char *job = job_dump(
        json_pack("{s:s, s:s, s:O}", "find", "collateral", "driver", driver, "evidence", evidence));
    if (job != NULL &&
        sl_verifier_judge(&round->call->trustd->verifier, job, strlen(job), &result) == SL_OK) {
        json_t *said = json_loads(result, 0, NULL);
        json_array_foreach(json_object_get(said, "platforms"), i, key)
        {
            bundle = bundle == NULL && sl_is_name(json_string_value(key), SL_PLATFORM_KEY_SIZE - 1)
                         ? collateral_load(folder, json_string_value(key))
                         : bundle;
        }
        json_decref(said);
    }
    free(result);
    free(job);
    return bundle;
}

/* Would the node be enrolled by the policy of today? Asked where policy or roots are others than
 * those of its last verdict, and again until they would: a vendor's root that was withdrawn, or an
 * EK that was revoked since. */
static void registration_recheck(struct round *round)
{
    const struct sl_material_class *class = round->class;
    const struct sl_driver *driver = round->call->trustd->backend->driver_find(round->node.driver);
    struct sl_err err = {0};
    round->refused[0] = '\0';
    if (class == NULL || driver == NULL || strcmp(round->node.policy, class->hash) == 0) {
        return;
    }
    sl_rc rc = driver->register_node(round->node.registration, class->policy,
                                     round->call->now_ms / 1000, &err);
    if (rc != SL_OK) {
        (void)snprintf(round->refused, sizeof(round->refused), "%s",
                       err.text[0] != '\0' ? err.text : sl_rc_text(rc));
    }
}

static char *job_text(struct round *round, const char *driver, const char *id,
                      const char *nonce_hex, const json_t *evidence)
{
    const struct sl_store_node *node = &round->node;
    const char *refvals = round->refvals;
    json_t *state = id == NULL && node->state != NULL
                        ? sl_json_bytes_new(node->state, node->state_size)
                        : json_null();
    json_t *collateral = collateral_find(round, driver, evidence);
    json_t *job = json_pack(
        "{s:s, s:O, s:o, s:s, s:O?, s:s?, s:O?, s:o?, s:s?, s:I}", "driver", driver, "registration",
        node->registration, "state", state, "nonce", nonce_hex, "evidence", evidence, "policy",
        round->class != NULL ? round->class->text : NULL, "files",
        round->class != NULL ? round->class->files : NULL, "collateral", collateral, "refvals",
        refvals[0] != '\0' ? refvals : NULL, "time_s", (json_int_t)(round->call->now_ms / 1000));
    if (job != NULL && id != NULL) {
        (void)json_object_set_new(job, "id", json_string(id));
    } else if (job != NULL && round->refused[0] != '\0') {
        (void)json_object_set_new(job, "refused", json_string(round->refused));
    }
    return job_dump(job);
}

/* What a verifier that failed leaves: the subject is UNKNOWN, and says why. */
static json_t *failed_said(const char *id, const char *why)
{
    return json_pack("{s:[{s:s, s:s, s:s, s:[{s:s, s:s, s:s}]}], s:I, s:I}", "subjects", "kind",
                     id != NULL ? "tee" : "host", "id", id != NULL ? id : "host", "verdict",
                     "unknown", "reasons", "code", "verifier-failed", "text", why, "remedy",
                     "the next round may succeed; the journal keeps the input", "lease_ms",
                     (json_int_t)LEASE_MS, "next_ms", (json_int_t)NEXT_MS);
}

static bool is_subject(const json_t *subject)
{
    return json_is_string(json_object_get(subject, "kind")) &&
           json_is_string(json_object_get(subject, "id")) &&
           json_is_string(json_object_get(subject, "verdict")) &&
           json_is_array(json_object_get(subject, "reasons"));
}

/* The verifier read hostile bytes: what it says is looked at as well. */
static json_t *result_read(struct round *round, struct part *part)
{
    json_t *said = json_loads(part->result, JSON_REJECT_DUPLICATES, NULL);
    const char *failed = json_string_value(json_object_get(said, "failed"));
    json_t *subjects = json_object_get(said, "subjects");
    size_t i;
    json_t *subject;
    bool is_good = failed == NULL && json_array_size(subjects) > 0 &&
                   json_array_size(subjects) <= SL_SUBJECTS_MAX;
    json_array_foreach(subjects, i, subject)
    {
        is_good = is_good && is_subject(subject);
    }
    if (is_good) {
        return said;
    }
    round->failed++;
    json_t *instead = failed_said(part->id, failed != NULL ? failed : "the result has no form");
    json_decref(said);
    return instead;
}

static sl_rc part_judge(struct round *round, const char *driver, const char *id,
                        const char *nonce_hex, const json_t *evidence)
{
    struct part *part = &round->parts[round->part_count++];
    part->driver = driver;
    part->id = id;
    part->job = job_text(round, driver, id, nonce_hex, evidence);
    if (part->job == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_verifier_judge(&round->call->trustd->verifier, part->job, strlen(part->job),
                                 &part->result);
    part->said = rc == SL_OK ? result_read(round, part) : NULL;
    return rc == SL_OK && part->said == NULL ? SL_NO_MEMORY : rc;
}

static sl_rc tees_judge(struct round *round)
{
    size_t i;
    json_t *tee;
    char hex[65];
    sl_rc rc = SL_OK;
    json_array_foreach(json_object_get(round->call->body, "tee"), i, tee)
    {
        const char *id = json_string_value(json_object_get(tee, "id"));
        const char *type = json_string_value(json_object_get(tee, "type"));
        rc = rc == SL_OK ? tee_nonce(round->nonce, id, hex) : rc;
        rc = rc == SL_OK ? part_judge(round, type, id, hex, tee) : rc;
    }
    return rc;
}

/* Everything that can be wrong with the message before anybody judges it. @return false: answered
 */
static bool message_check(struct round *round)
{
    struct sl_call *call = round->call;
    size_t i;
    json_t *tee;
    const char *boot = json_string_value(json_object_get(call->body, "boot_id"));
    json_t *tees = json_object_get(call->body, "tee");
    round->nonce_hex = json_string_value(json_object_get(call->body, "nonce"));
    if (round->nonce_hex == NULL || strlen(round->nonce_hex) != 2 * NONCE_SIZE ||
        sl_hex_decode(round->nonce_hex, round->nonce, NONCE_SIZE) != SL_OK) {
        sl_answer_problem(call->answer, 400, "nonce", "expected 64 hex digits of the challenge");
        return false;
    }
    if (!sl_is_name(boot, SL_NODE_NAME_SIZE - 1)) {
        sl_answer_problem(call->answer, 400, "boot_id", "expected the kernel's boot id");
        return false;
    }
    const json_t *evidence = json_object_get(call->body, round->node.driver);
    if (!json_is_object(evidence) && !json_is_array(evidence)) {
        sl_answer_problem(call->answer, 400, round->node.driver,
                          "expected an object or array of evidence");
        return false;
    }
    if (tees != NULL && (!json_is_array(tees) || json_array_size(tees) > TEES_MAX)) {
        sl_answer_problem(call->answer, 400, "tee", "expected an array of at most %d", TEES_MAX);
        return false;
    }
    json_array_foreach(tees, i, tee)
    {
        if (!sl_is_name(json_string_value(json_object_get(tee, "id")), SL_SUBJECT_ID_MAX - 1) ||
            !sl_is_name(json_string_value(json_object_get(tee, "type")), SL_NAME_SIZE - 1)) {
            sl_answer_problem(call->answer, 400, "tee", "element %zu: expected id and type", i);
            return false;
        }
    }
    (void)snprintf(round->node.boot_id, sizeof(round->node.boot_id), "%s", boot);
    return true;
}

/* Looks whether the nonce would serve; it is taken when the verdict is written. */
static bool nonce_check(struct round *round)
{
    struct sl_call *call = round->call;
    struct sl_err err = {0};
    sl_rc rc = sl_store_begin(call->trustd->store, &err);
    rc = rc == SL_OK ? sl_store_nonce_take(call->trustd->store, round->node.id, round->nonce,
                                           call->now_ms, &err)
                     : rc;
    sl_store_rollback(call->trustd->store);
    if (rc == SL_OK) {
        return true;
    }
    struct sl_err late = {0};
    call->trustd->counters.refused++;
    sl_rc written = sl_journal_write(call->trustd->journal, SL_AUDIT_EVIDENCE, SL_AUDIT_REFUSED,
                                     json_pack("{s:s, s:s, s:s, s:s}", "node", round->node.id,
                                               "nonce", round->nonce_hex, "evidence",
                                               round->evidence_hash, "why", err.text),
                                     &late);
    if (written != SL_OK) {
        call->trustd->is_broken = true;
    }
    rc = rc == SL_NOT_FOUND ? SL_REPLAY : rc; /* 409: not a path that is missing */
    sl_answer_rc(call, rc, "nonce", &err);
    return false;
}

/* Before the lock: a blob that no line names harms nobody. */
static sl_rc parts_keep(struct round *round, struct sl_err *err)
{
    struct sl_journal *journal = round->call->trustd->journal;
    sl_rc rc = SL_OK;
    for (size_t i = 0; rc == SL_OK && i < round->part_count; i++) {
        struct part *part = &round->parts[i];
        rc = sl_journal_blob_put(journal, part->job, strlen(part->job), part->job_blob, err);
        rc = rc == SL_OK ? sl_journal_blob_put(journal, part->result, strlen(part->result),
                                               part->result_blob, err)
                         : rc;
    }
    return rc;
}

static sl_rc part_journal(struct round *round, struct part *part, struct sl_err *err)
{
    const json_t *first = json_array_get(json_object_get(part->said, "subjects"), 0);
    json_t *detail =
        json_pack("{s:s, s:I, s:s, s:s?, s:s, s:s, s:s?, s:s?, s:s, s:s, s:O, s:i, s:b}", "node",
                  round->node.id, "round", (json_int_t)round->node.round, "driver", part->driver,
                  "tee", part->id, "nonce", round->nonce_hex, "evidence", round->evidence_hash,
                  "policy", round->class != NULL ? round->class->hash : NULL, "refvals",
                  round->refvals[0] != '\0' ? round->refvals : NULL, "job", part->job_blob,
                  "result", part->result_blob, "verdict", json_object_get(first, "verdict"),
                  "subjects", (int)json_array_size(json_object_get(part->said, "subjects")),
                  "reboot", json_is_true(json_object_get(part->said, "reboot")));
    return sl_call_journal(round->call, SL_AUDIT_VERDICT, SL_AUDIT_DONE, detail, err);
}

static sl_rc part_store(struct round *round, const struct part *part, struct sl_err *err)
{
    size_t i;
    json_t *subject;
    sl_rc rc = SL_OK;
    int64_t lease_ms = json_integer_value(json_object_get(part->said, "lease_ms"));
    int64_t next_ms = json_integer_value(json_object_get(part->said, "next_ms"));
    json_t *state = json_object_get(part->said, "state");
    if (part == round->parts) {
        round->lease_ms = lease_ms > 0 ? lease_ms : LEASE_MS;
        round->next_ms = next_ms > 0 ? next_ms : NEXT_MS;
    }
    json_array_foreach(json_object_get(part->said, "subjects"), i, subject)
    {
        rc = rc == SL_OK ? sl_store_verdict_set(round->call->trustd->store, round->node.id,
                                                round->node.round, round->call->now_ms,
                                                round->call->now_ms + round->lease_ms, subject, err)
                         : rc;
    }
    if (rc == SL_OK && part->id == NULL && json_is_string(state)) {
        uint8_t *data = NULL;
        size_t size = 0;
        rc = sl_json_bytes_of(state, "state", SL_NODE_STATE_MAX, &data, &size, err);
        if (rc == SL_OK) {
            free(round->node.state);
            round->node.state = data;
            round->node.state_size = size;
        }
    } /* without a new state the old one stays: what was seen is not forgotten */
    return rc;
}

/* Whether the agent says that a container does not run (any more): then there is nothing to pause.
 * An agent that lies here would not pause it either. */
static bool is_idle(const struct round *round, const char *id)
{
    const json_t *part = json_object_get(round->call->body, round->node.driver);
    const json_t *list = json_object_get(part, "containers");
    size_t i;
    json_t *container;
    json_array_foreach(list, i, container)
    {
        const char *own = json_string_value(json_object_get(container, "id"));
        const char *state = json_string_value(json_object_get(container, "state"));
        if (own != NULL && strcmp(own, id) == 0) {
            return state != NULL && strcmp(state, "running") != 0;
        }
    }
    return json_is_array(list);
}

/* A container that is untrusted and runs is told to pause, each time until it is. */
static sl_rc reactions(struct round *round, struct sl_err *err)
{
    size_t i;
    json_t *subject;
    sl_rc rc = SL_OK;
    json_array_foreach(json_object_get(round->parts[0].said, "subjects"), i, subject)
    {
        const char *kind = json_string_value(json_object_get(subject, "kind"));
        const char *verdict = json_string_value(json_object_get(subject, "verdict"));
        const char *id = json_string_value(json_object_get(subject, "id"));
        if (round->call->trustd->config.is_pausing && strcmp(kind, "container") == 0 &&
            strcmp(verdict, "untrusted") == 0 && rc == SL_OK && !is_idle(round, id)) {
            rc = sl_store_action_add(round->call->trustd->store, round->node.id, "pause", id, err);
        }
    }
    return rc;
}

/* All or nothing: the nonce is used, the verdicts are there, the journal knows. */
static sl_rc round_commit(struct round *round, json_t **ret_actions, struct sl_err *err)
{
    struct sl_trustd *trustd = round->call->trustd;
    json_t *actions = NULL;
    sl_rc rc = sl_store_begin(trustd->store, err);
    rc = rc == SL_OK ? sl_store_nonce_take(trustd->store, round->node.id, round->nonce,
                                           round->call->now_ms, err)
                     : rc;
    round->node.round++;
    for (size_t i = 0; i < round->part_count; i++) {
        rc = rc == SL_OK ? part_store(round, &round->parts[i], err) : rc;
    }
    rc = rc == SL_OK
             ? sl_store_verdicts_lapse(trustd->store, round->node.id, round->node.round, err)
             : rc;
    round->node.judged_ms = round->node.last_seen_ms = round->call->now_ms;
    round->node.lease_end_ms = round->call->now_ms + round->lease_ms;
    (void)snprintf(round->node.policy, sizeof(round->node.policy), "%s",
                   round->class != NULL && round->refused[0] == '\0' ? round->class->hash : "");
    rc = rc == SL_OK ? sl_store_round_set(trustd->store, &round->node, err) : rc;
    rc = rc == SL_OK ? reactions(round, err) : rc;
    if (rc == SL_OK) {
        actions = sl_store_action_take(trustd->store, round->node.id);
        rc = actions != NULL ? SL_OK : sl_err_set(err, SL_IO, "actions cannot be read");
    }
    for (size_t i = 0; i < round->part_count; i++) {
        rc = rc == SL_OK ? part_journal(round, &round->parts[i], err) : rc;
    }
    rc = rc == SL_OK ? sl_store_commit(trustd->store, err) : rc;
    if (rc != SL_OK) {
        sl_store_rollback(trustd->store);
        json_decref(actions);
        return rc;
    }
    *ret_actions = actions;
    trustd->is_broken = false; /* disk and verifier have just done what they are for */
    trustd->journal_failures = sl_journal_failures(trustd->journal);
    return SL_OK;
}

static json_t *round_answer(const struct round *round, json_t *actions)
{
    json_t *verdicts = json_array();
    for (size_t i = 0; i < round->part_count; i++) {
        (void)json_array_extend(verdicts, json_object_get(round->parts[i].said, "subjects"));
    }
    return json_pack("{s:I, s:o, s:I, s:I, s:o}", "round", (json_int_t)round->node.round,
                     "verdicts", verdicts, "lease_ms", (json_int_t)round->lease_ms, "next_ms",
                     (json_int_t)round->next_ms, "actions", actions);
}

/* All that takes long: no lock is held. */
static sl_rc parts_judge(struct round *round, struct sl_err *err)
{
    struct sl_call *call = round->call;
    sl_call_unlock(call);
    registration_recheck(round);
    sl_rc rc = part_judge(round, round->node.driver, NULL, round->nonce_hex,
                          json_object_get(call->body, round->node.driver));
    rc = rc == SL_OK ? tees_judge(round) : rc;
    rc = rc == SL_OK ? parts_keep(round, err) : rc;
    sl_call_lock(call);
    return rc;
}

/* One generation of policies and reference values judges all of a round: where they were loaded
 * anew meanwhile, the round is judged again. */
static sl_rc round_judge(struct round *round, struct sl_err *err)
{
    struct sl_trustd *trustd = round->call->trustd;
    sl_rc rc;
    do {
        parts_drop(round);
        sl_material_unref(round->call->material);
        round->call->material = sl_material_ref(trustd->material);
        round->class = sl_material_find(round->call->material, round->node.class_name);
        (void)snprintf(round->refvals, sizeof(round->refvals), "%s", trustd->verifier.refvals);
        rc = parts_judge(round, err);
    } while (rc == SL_OK && round->call->material != trustd->material);
    trustd->counters.failed += round->failed;
    return rc;
}

void sl_api_evidence(struct sl_call *call)
{
    struct sl_err err = {0};
    struct round *round = calloc(1, sizeof(*round));
    json_t *actions = NULL;
    if (round == NULL) {
        sl_answer_problem(call->answer, 500, NULL, "no memory");
        return;
    }
    round->call = call;
    sl_call_unlock(call);
    sl_rc rc = hash_text(call->request->body, call->request->body_size, round->evidence_hash);
    sl_call_lock(call);
    rc = rc == SL_OK ? sl_store_node_get(call->trustd->store, call->caller.node, &round->node, &err)
                     : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
        goto out;
    }
    if (!message_check(round) || !nonce_check(round)) {
        goto out;
    }
    rc = round_judge(round, &err);
    rc = rc == SL_OK ? round_commit(round, &actions, &err) : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
        goto out;
    }
    call->trustd->counters.rounds++;
    call->trustd->counters.round_us += (uint64_t)(sl_now_ms() - call->now_ms) * 1000;
    sl_answer_json(call->answer, 200, round_answer(round, actions));
out:
    round_done(round);
    free(round);
}
