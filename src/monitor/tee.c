/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers "sgx", "tdx" and "sev-snp": hardware evidence of the NF images on a node, judged by
 * sl_attest_verify. The evidence must be over the nonce of the round. */
#include <stdlib.h>
#include <string.h>

#include "control/monitor_binding.h"
#include "evidence/evidence.h"
#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "monitor/policy.h"
#include "safelib/bytes.h"

enum { TEES_MAX = 64 };

static const char *type_name(enum sl_attest_type type)
{
    return type == SL_ATTEST_SGX ? "sgx" : type == SL_ATTEST_TDX ? "tdx" : "sev-snp";
}

static bool is_id(const json_t *id)
{
    const char *text = json_string_value(id);

    return text != NULL && text[0] != '\0' && strlen(text) == json_string_length(id) &&
           strlen(text) < SL_SUBJECT_ID_MAX;
}

/* Registered TEEs of a type: {"tee": [{"id", "type"}]}. */
static bool is_of_type(const json_t *tee, enum sl_attest_type type)
{
    const char *name = json_string_value(json_object_get(tee, "type"));

    return name != NULL && strcmp(name, type_name(type)) == 0;
}

static sl_rc tee_register(const json_t *registration, const struct sl_monitor_policy *policy,
                          enum sl_attest_type type, struct sl_err *err)
{
    const json_t *list = json_object_get(registration, "tee");
    size_t count = 0;

    if (policy == NULL || !policy->has_tee) {
        return sl_err_set(err, SL_AUTH,
                          "class: its policy has no \"tee\", so no TEE is acceptable");
    }
    if (!json_is_array(list) || json_array_size(list) > TEES_MAX) {
        return sl_err_set(err, SL_MALFORMED, "tee: expected an array of at most %d", TEES_MAX);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tee = json_array_get(list, i);

        if (!is_id(json_object_get(tee, "id"))) {
            return sl_err_set(err, SL_MALFORMED, "tee[%zu].id: expected a text below %d characters",
                              i, SL_SUBJECT_ID_MAX);
        }
        count += is_of_type(tee, type) ? 1 : 0;
    }
    return count > 0 ? SL_OK
                     : sl_err_set(err, SL_MALFORMED, "tee: none of type %s", type_name(type));
}

static json_t *tee_challenge(const json_t *registration, enum sl_attest_type type)
{
    const json_t *list = json_object_get(registration, "tee");
    json_t *asked = json_array();

    for (size_t i = 0; asked != NULL && i < json_array_size(list); i++) {
        const json_t *tee = json_array_get(list, i);

        if (is_of_type(tee, type)) {
            (void)json_array_append_new(
                asked,
                json_pack("{s:O, s:s}", "id", json_object_get(tee, "id"), "type", type_name(type)));
        }
    }
    return asked;
}

/* What the bundle lacks comes from the monitor's own collateral: all of it is signed. */
static struct sl_attest_collateral collateral_join(const struct sl_attest_collateral *from,
                                                   const struct sl_attest_collateral *more)
{
    struct sl_attest_collateral out = *from;
    const struct {
        struct sl_blob *to;
        const struct sl_blob *other;
    } rows[] = {
        {&out.tcb_info, &more->tcb_info},
        {&out.qe_identity, &more->qe_identity},
        {&out.tcb_signing_chain, &more->tcb_signing_chain},
        {&out.pck_chain, &more->pck_chain},
        {&out.pck_crl, &more->pck_crl},
        {&out.pck_crl_issuer_chain, &more->pck_crl_issuer_chain},
        {&out.root_crl, &more->root_crl},
        {&out.vcek, &more->vcek},
        {&out.vlek, &more->vlek},
        {&out.cert_chain, &more->cert_chain},
        {&out.amd_crl, &more->amd_crl},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].to->data == NULL) {
            *rows[i].to = *rows[i].other;
        }
    }
    return out;
}

static void result_tell(const struct sl_attest_result *result, struct sl_subject *subject)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *finding = sl_attest_result_finding(result, i);
        const enum sl_verdict verdict =
            finding->severity == SL_ATTEST_FAILURE   ? SL_VERDICT_UNTRUSTED
            : finding->severity == SL_ATTEST_WARNING ? SL_VERDICT_DEGRADED
                                                     : SL_VERDICT_TRUSTED;

        sl_subject_reason(subject, verdict, finding->code, NULL, "%s", finding->text);
    }
    if (!sl_attest_result_is_accepted(result) && subject->verdict > SL_VERDICT_UNTRUSTED) {
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "tee-refused", NULL,
                          "the evidence was refused");
    }
}

static bool hash_read(const json_t *claims, const char *key, uint8_t ret_hash[SL_SPKI_HASH_SIZE])
{
    const json_t *text = json_object_get(claims, key);

    return json_string_length(text) == 2 * SL_SPKI_HASH_SIZE &&
           sl_hex_decode(json_string_value(text), ret_hash, SL_SPKI_HASH_SIZE) == SL_OK;
}

/* What an image says of itself, tied to the nonce; without it, the nonce alone is expected. */
static sl_rc claims_read(const struct sl_appraisal_input *input, const json_t *claims,
                         uint8_t ret_data[SL_BINDING_DATA_SIZE])
{
    const json_t *version = json_object_get(claims, "policy_version");
    struct sl_monitor_binding binding = {.policy_version = (uint64_t)json_integer_value(version)};

    if (!json_is_integer(version) || json_integer_value(version) < 0 ||
        !hash_read(claims, "image_key", binding.image_key) ||
        !hash_read(claims, "tenant_key", binding.tenant_key)) {
        return SL_MALFORMED;
    }
    memcpy(binding.nonce, input->nonce, sizeof(binding.nonce));
    return sl_monitor_binding_report_data(&binding, ret_data);
}

/* The nonce, in the one form or the other. @return false: the subject has the reason */
static bool freshness_expect(const struct sl_appraisal_input *input, const json_t *claims,
                             uint8_t data[SL_BINDING_DATA_SIZE], struct sl_attest_input *attest,
                             struct sl_subject *subject)
{
    if (claims == NULL) {
        attest->nonce = (struct sl_blob){input->nonce, SL_MONITOR_NONCE_SIZE};
        return true;
    }
    if (claims_read(input, claims, data) != SL_OK) {
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "evidence-malformed", NULL,
                          "claims: expected image_key and tenant_key, 64 hex digits, and "
                          "policy_version");
        return false;
    }
    attest->report_data = (struct sl_blob){data, SL_BINDING_DATA_SIZE};
    return true;
}

static sl_rc bundle_judge(const struct sl_appraisal_input *input, enum sl_attest_type type,
                          struct sl_blob bundle, const json_t *claims, struct sl_subject *subject)
{
    uint8_t report_data[SL_BINDING_DATA_SIZE];
    const struct sl_attest_roots roots = {
        {input->policy->tee_roots, input->policy->tee_roots_size}};
    static const struct sl_attest_collateral none;
    struct sl_attest_collateral collateral;
    struct sl_attest_result *result = NULL;
    struct sl_evidence evidence;
    sl_rc rc = sl_evidence_read(bundle.data, bundle.size, &evidence);

    if (rc != SL_OK || evidence.type != type || evidence.binding != SL_BINDING_REPORT_DATA) {
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "evidence-malformed", NULL,
                          "the bundle is not evidence of type %s bound by report data: %s",
                          type_name(type), sl_rc_text(rc));
        return SL_OK;
    }
    collateral = collateral_join(&evidence.collateral,
                                 input->collateral != NULL ? input->collateral : &none);
    struct sl_attest_input attest = {
        .type = type,
        .evidence = evidence.evidence,
        .collateral = &collateral,
        .roots = input->policy->tee_roots != NULL ? &roots : NULL,
        .policy = &input->policy->tee,
        .time_s = input->time_s,
    };
    if (!freshness_expect(input, claims, report_data, &attest, subject)) {
        return SL_OK;
    }
    rc = sl_attest_verify(&attest, &result);
    if (rc == SL_OK) {
        result_tell(result, subject);
        sl_attest_result_free(result);
    }
    return rc;
}

static const json_t *evidence_find(const json_t *evidence, const json_t *id,
                                   enum sl_attest_type type)
{
    if (json_is_object(evidence)) {
        return is_of_type(evidence, type) ? evidence : NULL;
    }
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        const json_t *row = json_array_get(evidence, i);

        if (json_equal(json_object_get(row, "id"), id) && is_of_type(row, type)) {
            return row;
        }
    }
    return NULL;
}

static sl_rc tee_judge(const struct sl_appraisal_input *input, enum sl_attest_type type,
                       const json_t *id, struct sl_appraisal *appraisal)
{
    struct sl_subject *subject =
        sl_appraisal_subject(appraisal, SL_SUBJECT_TEE, json_string_value(id));
    const json_t *row = evidence_find(input->evidence, id, type);
    struct sl_err err = {0};
    uint8_t *bundle = NULL;
    size_t size = 0;
    sl_rc rc;

    if (subject == NULL) {
        return SL_NO_MEMORY;
    }
    if (input->policy == NULL || !input->policy->has_tee) {
        sl_subject_reason(subject, SL_VERDICT_UNKNOWN, "policy-missing", NULL,
                          "no policy says what this TEE may be, so it is not trusted");
        return SL_OK;
    }
    if (row == NULL) {
        sl_subject_reason(subject, SL_VERDICT_UNKNOWN, "evidence-missing", NULL,
                          "no evidence of this TEE came");
        return SL_OK;
    }
    rc = sl_json_bytes(row, "bundle", SL_EVIDENCE_SIZE_MAX, &bundle, &size, &err);
    if (rc == SL_OK) {
        rc = bundle_judge(input, type, (struct sl_blob){bundle, size},
                          json_object_get(row, "claims"), subject);
    } else if (rc != SL_NO_MEMORY) {
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "evidence-malformed", NULL, "%s",
                          err.text);
        rc = SL_OK;
    }
    free(bundle);
    return rc;
}

static sl_rc tee_appraise(const struct sl_appraisal_input *input, enum sl_attest_type type,
                          struct sl_appraisal *ret_appraisal)
{
    const json_t *list = json_object_get(input->registration, "tee");
    sl_rc rc = SL_OK;

    memset(ret_appraisal, 0, sizeof(*ret_appraisal));
    const json_t *one = json_object_get(input->evidence, "id");
    const bool is_one = is_id(one); /* of one TEE on a node of another driver */

    if (is_one) {
        rc = tee_judge(input, type, one, ret_appraisal);
    }
    /* those that enrolled; what else sends evidence is nobody */
    for (size_t i = 0; rc == SL_OK && !is_one && i < json_array_size(list); i++) {
        const json_t *tee = json_array_get(list, i);

        if (is_of_type(tee, type) && is_id(json_object_get(tee, "id"))) {
            rc = tee_judge(input, type, json_object_get(tee, "id"), ret_appraisal);
        }
    }
    if (rc != SL_OK) {
        sl_appraisal_done(ret_appraisal);
        rc = rc == SL_INVALID ? SL_INTERNAL : rc;
    }
    return rc;
}

#define TEE_DRIVER(suffix, text, type)                                                             \
    static sl_rc suffix##_register(const json_t *registration,                                     \
                                   const struct sl_monitor_policy *policy, int64_t time_s,         \
                                   struct sl_err *err)                                             \
    {                                                                                              \
        (void)time_s;                                                                              \
        return tee_register(registration, policy, type, err);                                      \
    }                                                                                              \
    static json_t *suffix##_challenge(const json_t *registration, const uint8_t *state,            \
                                      size_t state_size, const struct sl_monitor_policy *policy)   \
    {                                                                                              \
        (void)state;                                                                               \
        (void)state_size;                                                                          \
        (void)policy;                                                                              \
        return tee_challenge(registration, type);                                                  \
    }                                                                                              \
    static sl_rc suffix##_appraise(const struct sl_appraisal_input *input,                         \
                                   struct sl_appraisal *ret_appraisal)                             \
    {                                                                                              \
        return tee_appraise(input, type, ret_appraisal);                                           \
    }                                                                                              \
    const struct sl_driver sl_driver_##suffix = {                                                  \
        .name = text,                                                                              \
        .has_no_tpm = true,                                                                        \
        .register_node = suffix##_register,                                                        \
        .challenge = suffix##_challenge,                                                           \
        .appraise = suffix##_appraise,                                                             \
    }

TEE_DRIVER(sgx, "sgx", SL_ATTEST_SGX);
TEE_DRIVER(tdx, "tdx", SL_ATTEST_TDX);
TEE_DRIVER(sev_snp, "sev-snp", SL_ATTEST_SNP);
