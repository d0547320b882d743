/* SPDX-License-Identifier: Apache-2.0 */
/* One appraisal: a job is taken apart, its driver asked, the answer put into one form. */
#include "trustd/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "collateral/platform.h"
#include "evidence/evidence.h"
#include "monitor/json_bytes.h"

enum { LEASE_MS_DEFAULT = 60000, NEXT_MS_DEFAULT = 10000 };

static char *dump(json_t *value)
{
    char *text =
        value != NULL ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII) : NULL;
    json_decref(value);
    return text;
}

char *sl_result_failed(const char *text)
{
    return dump(json_pack("{s:s}", "failed", text));
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Whom a job that could not be judged is about. */
static enum sl_subject_kind kind_of(const json_t *job)
{
    return string_of(job, "id") != NULL ? SL_SUBJECT_TEE : SL_SUBJECT_HOST;
}

static json_t *subject_json(const struct sl_subject *subject)
{
    return json_pack("{s:s, s:s, s:s, s:O}", "kind", sl_subject_kind_text(subject->kind), "id",
                     subject->id, "verdict", sl_verdict_text(subject->verdict), "reasons",
                     subject->reasons);
}

/* Nothing here may come out as trust: no policy, no driver, no subject. */
static char *unknown_result(const json_t *job, const char *code, const char *text,
                            const char *remedy)
{
    const char *id = string_of(job, "id");
    return dump(json_pack("{s:[{s:s, s:s, s:s, s:[{s:s, s:s, s:s}]}], s:n, s:b, s:i, s:i}",
                          "subjects", "kind", sl_subject_kind_text(kind_of(job)), "id",
                          id != NULL ? id : "host", "verdict", "unknown", "reasons", "code", code,
                          "text", text, "remedy", remedy, "state", "reboot", 0, "lease_ms",
                          LEASE_MS_DEFAULT, "next_ms", NEXT_MS_DEFAULT));
}

static char *appraisal_result(const struct sl_appraisal *appraisal, int64_t lease_ms,
                              int64_t next_ms)
{
    json_t *subjects = json_array();
    for (size_t i = 0; i < appraisal->subject_count; i++) {
        if (json_array_append_new(subjects, subject_json(&appraisal->subjects[i])) != 0) {
            json_decref(subjects);
            return sl_result_failed("a subject cannot be written: its text is no UTF-8");
        }
    }
    json_t *state = appraisal->state_size > 0
                        ? sl_json_bytes_new(appraisal->state, appraisal->state_size)
                        : json_null();
    return dump(json_pack("{s:o, s:o, s:b, s:I, s:I}", "subjects", subjects, "state", state,
                          "reboot", appraisal->is_reboot, "lease_ms", (json_int_t)lease_ms,
                          "next_ms", (json_int_t)next_ms));
}

/* A driver's answer is judged before it is believed. */
static const char *appraisal_fault(const struct sl_appraisal *appraisal)
{
    if (appraisal->subject_count == 0) {
        return "the driver judged nothing";
    }
    if (appraisal->state_size > SL_NODE_STATE_MAX) {
        return "the driver's state is larger than it may be";
    }
    for (size_t i = 0; i < appraisal->subject_count; i++) {
        const struct sl_subject *subject = &appraisal->subjects[i];
        if (subject->verdict != SL_VERDICT_TRUSTED && json_array_size(subject->reasons) == 0) {
            return "the driver gave no reason for a verdict";
        }
    }
    return NULL;
}

/* A node that would not be enrolled today: nothing that its TPM says makes it good. */
static void refused_tell(const struct sl_appraisal *appraisal, const char *refused)
{
    for (size_t i = 0; refused != NULL && i < appraisal->subject_count; i++) {
        sl_subject_reason(&appraisal->subjects[i], SL_VERDICT_UNTRUSTED, "registration",
                          json_pack("{s:s}", "remedy",
                                    "if the policy is what you want: replace the TPM or its "
                                    "certificates, and enrol the node again"),
                          "by the policy and roots of today the node would not be enrolled: %s",
                          refused);
    }
}

static char *driver_run(const struct sl_monitor_backend *backend, const struct sl_driver *driver,
                        struct sl_appraisal_input *input, const char *refused)
{
    struct sl_appraisal appraisal = {0};
    int64_t lease_ms = LEASE_MS_DEFAULT;
    int64_t next_ms = NEXT_MS_DEFAULT;
    sl_rc rc = driver->appraise(input, &appraisal);
    const char *fault = rc == SL_OK ? appraisal_fault(&appraisal) : sl_rc_text(rc);
    if (rc == SL_OK) {
        refused_tell(&appraisal, refused);
    }
    backend->policy_times(input->policy, &lease_ms, &next_ms);
    char *result =
        fault == NULL ? appraisal_result(&appraisal, lease_ms, next_ms) : sl_result_failed(fault);
    if (rc == SL_OK) {
        sl_appraisal_done(&appraisal);
    }
    return result;
}

/* ---- collateral ---- */

static sl_rc collateral_read(const json_t *job, struct sl_collateral_set *set, struct sl_err *err)
{
    const json_t *bundle = json_object_get(job, "collateral");
    if (!json_is_object(bundle)) {
        return SL_OK; /* none: what needs it is not trusted */
    }
    char *text = json_dumps(bundle, JSON_COMPACT);
    sl_rc rc = text != NULL ? sl_collateral_bundle_read(text, strlen(text), set, err)
                            : sl_err_set(err, SL_NO_MEMORY, "no memory");
    free(text);
    return rc;
}

/* The bundle of a TEE's evidence: the evidence itself, or the first of a list. */
static const json_t *tee_row(const json_t *evidence)
{
    return json_is_array(evidence) ? json_array_get(evidence, 0) : evidence;
}

static char *platforms_find(const json_t *job)
{
    struct sl_err err = {0};
    struct sl_evidence evidence = {0};
    struct sl_platform_keys keys = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    json_t *list = json_array();
    sl_rc rc = sl_json_bytes(tee_row(json_object_get(job, "evidence")), "bundle",
                             SL_EVIDENCE_SIZE_MAX, &data, &size, &err);
    rc = rc == SL_OK ? sl_evidence_read(data, size, &evidence) : rc;
    rc = rc == SL_OK ? sl_platform_of_evidence(evidence.type, evidence.evidence, &keys, &err) : rc;
    for (unsigned i = 0; rc == SL_OK && i < keys.count; i++) {
        (void)json_array_append_new(list, json_string(keys.key[i]));
    }
    free(data);
    return dump(json_pack("{s:o}", "platforms", list)); /* empty: the evidence does not say */
}

/* ---- judging ---- */

static char *job_run(const struct sl_monitor_backend *backend,
                     const struct sl_loaded_refvals *refvals, const struct sl_driver *driver,
                     const struct sl_monitor_policy *policy, const json_t *job)
{
    uint8_t nonce[SL_MONITOR_NONCE_SIZE];
    struct sl_collateral_set collateral = {0};
    struct sl_err err = {0};
    uint8_t *state = NULL;
    size_t state_size = 0;
    const char *hex = string_of(job, "nonce");
    if (hex == NULL || strlen(hex) != 2 * sizeof(nonce) ||
        sl_hex_decode(hex, nonce, sizeof(nonce)) != SL_OK) {
        return sl_result_failed("nonce: not 64 hex digits");
    }
    if (!json_is_null(json_object_get(job, "state")) &&
        sl_json_bytes(job, "state", SL_NODE_STATE_MAX, &state, &state_size, &err) != SL_OK) {
        return sl_result_failed(err.text);
    }
    if (collateral_read(job, &collateral, &err) != SL_OK) {
        sl_collateral_done(&collateral);
        free(state);
        return sl_result_failed(err.text);
    }
    struct sl_appraisal_input input = {
        .registration = json_object_get(job, "registration"),
        .state = state,
        .state_size = state_size,
        .nonce = nonce,
        .evidence = json_object_get(job, "evidence"),
        .policy = policy,
        .refvals = refvals != NULL && refvals->digest[0] != '\0' ? &refvals->refvals : NULL,
        .collateral = sl_collateral_is_empty(&collateral) ? NULL : &collateral.parts,
        .time_s = json_integer_value(json_object_get(job, "time_s")),
    };
    char *result = driver_run(backend, driver, &input, string_of(job, "refused"));
    sl_collateral_done(&collateral);
    free(state);
    return result;
}

static char *job_judge(const struct sl_monitor_backend *backend,
                       const struct sl_loaded_refvals *refvals, const json_t *job)
{
    struct sl_err err = {0};
    struct sl_monitor_policy *policy = NULL;
    const struct sl_driver *driver = backend->driver_find(string_of(job, "driver"));
    const char *text = string_of(job, "policy");
    const char *wanted = string_of(job, "refvals");
    const char *loaded = refvals != NULL ? refvals->digest : "";
    if (string_of(job, "find") != NULL) {
        return platforms_find(job);
    }
    if (driver == NULL) {
        return unknown_result(job, "driver-unknown", "no driver of this name is built in",
                              "enrol the node with a driver of this version");
    }
    if (text == NULL) {
        return unknown_result(job, "policy-missing", "the node's class has no policy",
                              "write its policy file into the folder policies");
    }
    if (strcmp(wanted != NULL ? wanted : "", loaded) != 0) {
        return sl_result_failed("refvals: not the reference digests that this job names");
    }
    if (backend->policy_read(text, strlen(text), json_object_get(job, "files"), &policy, &err) !=
        SL_OK) {
        return unknown_result(job, "policy-unreadable", err.text, "correct the policy file");
    }
    char *result = job_run(backend, refvals, driver, policy, job);
    backend->policy_free(policy);
    return result;
}

sl_rc sl_job_judge(const struct sl_monitor_backend *backend,
                   const struct sl_loaded_refvals *refvals, const json_t *job, char **ret_result)
{
    char *result = job_judge(backend, refvals, job);
    if (result == NULL) {
        return SL_NO_MEMORY;
    }
    *ret_result = result;
    return SL_OK;
}
