/* SPDX-License-Identifier: Apache-2.0 */
/* From a nonce to a verdict on the image at the other end. */
#include "gateway/attest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "evidence/evidence.h"
#include "files/files.h"
#include "gateway/attest_collateral.h"
#include "gateway/tunnel.h"

enum {
    ROOTS_SIZE_MAX = 1 << 20,
    CACHE_ENTRIES = 64,
};
_Static_assert((int)SL_EVIDENCE_BUNDLE_MAX == (int)SL_EVIDENCE_SIZE_MAX, "one bound for a bundle");
_Static_assert((int)SL_BINDING_DATA_SIZE == (int)SL_EVIDENCE_DATA_SIZE, "one report_data");

sl_rc sl_gw_attest_init(struct sl_gw_attest *attest, const struct sl_attest_file *policy,
                        const uint8_t tenant_key[SL_SPKI_HASH_SIZE], struct sl_err *err)
{
    memset(attest, 0, sizeof(*attest));
    attest->policy = policy;
    memcpy(attest->tenant_key, tenant_key, SL_SPKI_HASH_SIZE);
    if (policy->collateral[0] != '\0' && access(policy->collateral, R_OK | X_OK) != 0) {
        return sl_err_set(err, SL_NOT_FOUND,
                          "attestation.collateral: the folder %s cannot be read: make it, and fill "
                          "it by `safelib attest collateral`",
                          policy->collateral);
    }
    if (policy->roots[0] != '\0') {
        sl_rc rc =
            sl_file_read(policy->roots, ROOTS_SIZE_MAX, &attest->roots, &attest->roots_size, err);
        if (rc != SL_OK) {
            return sl_err_prefix(err, "attestation.roots");
        }
    }
    if (sl_attest_cache_create(CACHE_ENTRIES, &attest->cache) != SL_OK) {
        free(attest->roots);
        attest->roots = NULL;
        return sl_err_set(err, SL_NO_MEMORY, "no memory for the attestation cache");
    }
    (void)pthread_mutex_init(&attest->lock, NULL);
    return SL_OK;
}

void sl_gw_attest_done(struct sl_gw_attest *attest)
{
    if (attest->cache != NULL) {
        sl_attest_cache_free(attest->cache);
        (void)pthread_mutex_destroy(&attest->lock);
    }
    free(attest->roots);
    json_decref(attest->result);
    attest->cache = NULL;
    attest->roots = NULL;
    attest->result = NULL;
}

/* ---- the verdict ---- */

/* The first failure as a sentence, the others by their codes. */
static void failures_tell(const struct sl_attest_result *result, struct sl_err *err)
{
    char others[130] = "";
    size_t used = 0;
    const struct sl_attest_finding *first = NULL;
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *finding = sl_attest_result_finding(result, i);
        if (finding->severity != SL_ATTEST_FAILURE) {
            continue;
        }
        if (first == NULL) {
            first = finding;
        } else if (used < sizeof(others)) {
            int put = snprintf(others + used, sizeof(others) - used, "%s%s",
                               used == 0 ? "; besides: " : ", ", finding->code);
            used += put > 0 ? (size_t)put : 0;
        }
    }
    (void)sl_err_set(err, SL_DENIED, "%s: %.300s%s", first != NULL ? first->code : "not accepted",
                     first != NULL ? first->text
                                   : sl_attest_status_text(sl_attest_result_status(result)),
                     others);
}

static void result_keep(struct sl_gw_attest *attest, const struct sl_attest_result *result)
{
    char *text = NULL;
    json_t *json = sl_attest_result_json(result, &text) == SL_OK ? json_loads(text, 0, NULL) : NULL;
    free(text);
    (void)pthread_mutex_lock(&attest->lock);
    json_decref(attest->result);
    attest->result = json;
    (void)pthread_mutex_unlock(&attest->lock);
}

static void result_forget(struct sl_gw_attest *attest)
{
    (void)pthread_mutex_lock(&attest->lock);
    json_decref(attest->result);
    attest->result = NULL;
    (void)pthread_mutex_unlock(&attest->lock);
}

static sl_rc verify(struct sl_gw_attest *attest, const struct sl_evidence *evidence,
                    const uint8_t report_data[SL_BINDING_DATA_SIZE], int64_t time_s,
                    struct sl_err *err)
{
    struct sl_gw_collateral collateral = {0};
    const struct sl_attest_roots roots = {.pem = {attest->roots, attest->roots_size}};
    struct sl_attest_result *result = NULL;
    sl_rc rc = sl_gw_collateral_find(attest->policy->collateral, evidence, &collateral, err);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_attest_input input = {
        .type = evidence->type,
        .evidence = evidence->evidence,
        .collateral = &collateral.parts,
        .roots = attest->roots != NULL ? &roots : NULL,
        .policy = &attest->policy->policy,
        .time_s = time_s,
        .report_data = {report_data, SL_BINDING_DATA_SIZE},
        .cache = attest->cache,
    };
    rc = sl_attest_verify(&input, &result);
    if (rc != SL_OK) {
        (void)sl_err_set(err, rc, "the evidence cannot be judged: %s", sl_rc_text(rc));
        goto out;
    }
    result_keep(attest, result);
    if (!sl_attest_result_is_accepted(result)) {
        failures_tell(result, err);
        rc = SL_DENIED;
    }
out:
    sl_attest_result_free(result);
    sl_gw_collateral_done(&collateral);
    return rc;
}

/* The binding that clouds without a report_data of their own would use has no verifier yet. */
static bool is_vtpm(const uint8_t *bundle, size_t size)
{
    struct sl_reader r;
    sl_reader_init(&r, bundle, size);
    (void)sl_reader_be16(&r);
    return sl_reader_be16(&r) == SL_BINDING_VTPM && r.rc == SL_OK;
}

sl_rc sl_gw_attest_judge(struct sl_gw_attest *attest, const struct sl_binding *binding,
                         const uint8_t *bundle, size_t size, int64_t time_s, struct sl_err *err)
{
    struct sl_evidence evidence;
    uint8_t report_data[SL_BINDING_DATA_SIZE];
    result_forget(attest);
    sl_rc rc = sl_binding_report_data(binding, report_data);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "cannot compute what the evidence has to vouch for");
    }
    if (is_vtpm(bundle, size)) {
        return sl_err_set(err, SL_DENIED,
                          "evidence-version: bound by a virtual TPM's quote, which this version "
                          "cannot verify: only evidence whose own report data is bound is taken");
    }
    rc = sl_evidence_read(bundle, size, &evidence);
    if (rc != SL_OK) {
        return sl_err_set(err, SL_DENIED, "evidence-format: the evidence bundle is of no use: %s",
                          sl_rc_text(rc));
    }
    rc = verify(attest, &evidence, report_data, time_s, err);
    sl_evidence_done(&evidence);
    return rc;
}

/* ---- asking ---- */

static void outcome_note(struct sl_gw_attest *attest, sl_rc rc, const struct sl_err *err,
                         uint64_t since_ns)
{
    (void)pthread_mutex_lock(&attest->lock);
    attest->judged_s = (int64_t)time(NULL);
    attest->judged_ns = sl_gw_now_ns();
    attest->took_ns = attest->judged_ns - since_ns;
    attest->state = rc == SL_OK ? SL_GW_ATTEST_VERIFIED : SL_GW_ATTEST_REFUSED;
    attest->verified += rc == SL_OK;
    attest->refused += rc != SL_OK;
    (void)snprintf(attest->reason, sizeof(attest->reason), "%s", rc == SL_OK ? "" : err->text);
    (void)pthread_mutex_unlock(&attest->lock);
}

/* Everything but the nonce that the image says comes from this side. */
static sl_rc binding_make(const struct sl_gw_attest *attest, struct sl_client *client,
                          const uint8_t nonce[SL_BINDING_NONCE_SIZE],
                          const struct sl_client_evidence *evidence, struct sl_binding *ret_binding,
                          struct sl_err *err)
{
    struct sl_tls *tls = sl_client_tls(client);
    const struct sl_tls_peer *peer = sl_tls_peer(tls);
    struct sl_binding binding = {.policy_version = evidence->policy_version};
    if (peer == NULL || sl_tls_export(tls, SL_TLS_EXPORTER_LABEL, binding.exporter,
                                      sizeof(binding.exporter)) != SL_OK) {
        return sl_err_set(err, SL_CRYPTO, "the TLS connection gives no channel binding");
    }
    memcpy(binding.image_key, peer->spki_hash, sizeof(binding.image_key));
    memcpy(binding.tenant_key, attest->tenant_key, sizeof(binding.tenant_key));
    memcpy(binding.policy_hash, evidence->policy_hash, sizeof(binding.policy_hash));
    memcpy(binding.nonce, nonce, sizeof(binding.nonce));
    *ret_binding = binding;
    return SL_OK;
}

/* The image vouches for the policy it says it has; it has to be the one it was given. */
static sl_rc expected_check(const struct sl_gw_attest_expected *expected,
                            const struct sl_client_evidence *evidence, struct sl_err *err)
{
    if (expected == NULL) {
        return SL_OK;
    }
    /* forbidden: waived, public hashes */
    if (evidence->policy_version != expected->policy_version ||
        memcmp(evidence->policy_hash, expected->policy_hash, sizeof(evidence->policy_hash)) != 0) {
        return sl_err_set(err, SL_DENIED,
                          "policy: the image vouches for policy version %llu, and was given %llu: "
                          "another gateway with the same tenant key, or an older image",
                          (unsigned long long)evidence->policy_version,
                          (unsigned long long)expected->policy_version);
    }
    return SL_OK;
}

static sl_rc ask_and_judge(struct sl_gw_attest *attest, struct sl_client *client,
                           const struct sl_gw_attest_expected *expected, int timeout_ms,
                           struct sl_err *err)
{
    uint8_t nonce[SL_BINDING_NONCE_SIZE];
    struct sl_client_evidence evidence = {0};
    struct sl_binding binding;
    if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce)) {
        return sl_err_set(err, SL_CRYPTO, "no randomness for a nonce");
    }
    sl_rc rc = sl_client_attest(client, timeout_ms, nonce, &evidence, err);
    if (rc != SL_OK) {
        result_forget(attest);
        return rc;
    }
    rc = binding_make(attest, client, nonce, &evidence, &binding, err);
    rc = rc == SL_OK ? sl_gw_attest_judge(attest, &binding, evidence.bundle, evidence.bundle_size,
                                          (int64_t)time(NULL), err)
                     : rc;
    rc = rc == SL_OK ? expected_check(expected, &evidence, err) : rc;
    sl_msg_done(&evidence.reply);
    return rc;
}

sl_rc sl_gw_attest_image(struct sl_gw_attest *attest, struct sl_client *client,
                         const struct sl_gw_attest_expected *expected, int timeout_ms,
                         struct sl_err *err)
{
    struct sl_err why = {0};
    uint64_t since_ns = sl_gw_now_ns();
    sl_rc rc = ask_and_judge(attest, client, expected, timeout_ms, &why);
    outcome_note(attest, rc, &why, since_ns);
    if (rc != SL_OK) {
        (void)sl_err_set(err, rc, "%s", why.text);
    }
    return rc;
}

/* ---- telling ---- */

/* A claim by its name, wherever the verifier of that type of evidence puts it. */
static const char *claim(const json_t *result, const char *name)
{
    const char *key;
    json_t *value;
    json_t *claims = json_object_get(result, "claims");
    const char *text = json_string_value(json_object_get(claims, name));
    json_object_foreach(claims, key, value)
    {
        text = text == NULL ? json_string_value(json_object_get(value, name)) : text;
    }
    return text;
}

static const char *claim_of(const json_t *result, const char *const *names)
{
    const char *text = NULL;
    for (size_t i = 0; names[i] != NULL && text == NULL; i++) {
        text = claim(result, names[i]);
    }
    return text;
}

/* What a person wants to see first. */
static void summary_add(json_t *out, const json_t *result)
{
    static const char *const measurements[] = {"mrenclave", "mrtd", "measurement", NULL};
    static const char *const signers[] = {"mrsigner", "mrsignerseam", "id_key_digest", NULL};
    const char *measurement = claim_of(result, measurements);
    const char *signer = claim_of(result, signers);
    json_t *more =
        json_pack("{s:O?, s:O?, s:O?, s:s?, s:s?}", "type", json_object_get(result, "type"),
                  "emulated", json_object_get(result, "emulated"), "tcb",
                  json_object_get(json_object_get(result, "tcb"), "status"), "measurement",
                  measurement, "signer", signer);
    if (more != NULL) {
        (void)json_object_update(out, more);
    }
    json_decref(more);
}

json_t *sl_gw_attest_status(struct sl_gw_attest *attest)
{
    static const char *const states[] = {"none", "verified", "refused"};
    (void)pthread_mutex_lock(&attest->lock);
    json_t *out =
        json_pack("{s:s, s:s, s:I, s:f, s:I, s:I, s:b, s:O?}", "state", states[attest->state],
                  "reason", attest->reason, "at", (json_int_t)attest->judged_s, "took_ms",
                  (double)attest->took_ns / 1e6, "verified", (json_int_t)attest->verified,
                  "refused", (json_int_t)attest->refused, "insecure_allow_emulated",
                  (int)attest->policy->policy.insecure_allow_emulated, "result", attest->result);
    if (out != NULL && attest->result != NULL) {
        summary_add(out, attest->result);
    }
    if (out != NULL && attest->judged_s != 0) {
        (void)json_object_set_new(
            out, "age_s",
            json_integer((json_int_t)((sl_gw_now_ns() - attest->judged_ns) / 1000000000u)));
    }
    (void)pthread_mutex_unlock(&attest->lock);
    return out != NULL ? out : json_object();
}

void sl_gw_attest_explain(struct sl_gw_attest *attest, void (*line)(const char *text))
{
    json_t *finding;
    size_t i;
    (void)pthread_mutex_lock(&attest->lock);
    json_t *result = attest->result != NULL ? json_incref(attest->result) : NULL;
    (void)pthread_mutex_unlock(&attest->lock);
    json_array_foreach(json_object_get(result, "findings"), i, finding)
    {
        char text[700];
        const char *severity = json_string_value(json_object_get(finding, "severity"));
        const char *code = json_string_value(json_object_get(finding, "code"));
        const char *sentence = json_string_value(json_object_get(finding, "text"));
        if (severity != NULL && strcmp(severity, "failure") == 0) {
            (void)snprintf(text, sizeof(text), "  %s: %s", code != NULL ? code : "?",
                           sentence != NULL ? sentence : "?");
            line(text);
        }
    }
    json_decref(result);
}
