/* SPDX-License-Identifier: Apache-2.0 */
/* The result of an appraisal: how findings become a status and a vector, and its JSON. */
#include "attest/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "attest/verify.h"
#include "base/bytes.h"

/* draft-ietf-rats-ar4si 2.3.4: values common to all claims, and the tiers. */
enum {
    AR4SI_VERIFIER_MALFUNCTION = -1,
    AR4SI_WARNING = 32,
    AR4SI_CONTRAINDICATED = 96,
    AR4SI_CRYPTO_FAILED = 99,
};

static const size_t CLAIM_OFFSETS[SL_ATTEST_CHECK_COUNT] = {
#define CLAIM_ROW(name, code, claim, text)                                                         \
    [SL_CHECK_##name] = offsetof(struct sl_attest_vector, claim),
    SL_ATTEST_CHECK_TABLE(CLAIM_ROW)
#undef CLAIM_ROW
};

const char *sl_tcb_status_text(enum sl_tcb_status status)
{
    static const char *const TEXTS[] = {
#define TEXT_ROW(name, text) text,
        SL_TCB_STATUS_TABLE(TEXT_ROW)
#undef TEXT_ROW
    };
    return (unsigned int)status < SL_TCB_STATUS_COUNT ? TEXTS[status] : "Unknown";
}

const char *sl_attest_status_text(enum sl_attest_status status)
{
    switch (status) {
    case SL_ATTEST_AFFIRMING:
        return "affirming";
    case SL_ATTEST_WARNED:
        return "warning";
    case SL_ATTEST_CONTRAINDICATED:
        return "contraindicated";
    case SL_ATTEST_NONE:
        break;
    }
    return "none";
}

struct sl_attest_result *sl_result_create(const struct sl_attest_input *input)
{
    struct sl_attest_result *result = calloc(1, sizeof(*result));
    if (result == NULL) {
        return NULL;
    }
    result->type = input->type;
    result->tcb_status = SL_TCB_UNKNOWN;
    result->time_s = input->time_s;
    result->not_before_s = INT64_MIN;
    result->not_after_s = INT64_MAX;
    const struct sl_blob *nonce = input->nonce.data != NULL ? &input->nonce : &input->report_data;
    if (nonce->data != NULL && nonce->size <= sizeof(result->nonce)) {
        memcpy(result->nonce, nonce->data, nonce->size);
        result->nonce_size = nonce->size;
    }
    sl_policy_id(input->policy, result->policy_id);
    result->tcb = json_object();
    result->claims = json_object();
    result->appraised = json_object();
    result->evidence = malloc(input->evidence.size + 1);
    if (result->evidence != NULL && input->evidence.size > 0) {
        memcpy(result->evidence, input->evidence.data, input->evidence.size);
    }
    result->evidence_size = input->evidence.size;
    if (result->tcb == NULL || result->claims == NULL || result->appraised == NULL ||
        result->evidence == NULL) {
        sl_attest_result_free(result);
        return NULL;
    }
    return result;
}

void sl_attest_result_free(struct sl_attest_result *result)
{
    if (result == NULL) {
        return;
    }
    json_decref(result->tcb);
    json_decref(result->claims);
    json_decref(result->appraised);
    free(result->evidence);
    free(result);
}

void sl_result_validity_narrow(struct sl_attest_result *result, int64_t not_before_s,
                               int64_t not_after_s)
{
    if (not_before_s > result->not_before_s) {
        result->not_before_s = not_before_s;
    }
    if (not_after_s < result->not_after_s) {
        result->not_after_s = not_after_s;
    }
}

static int8_t claim_value(enum sl_attest_check check, enum sl_attest_severity severity)
{
    if (severity == SL_ATTEST_WARNING) {
        return AR4SI_WARNING;
    }
    switch (check) {
    case SL_CHECK_INTERNAL:
        return AR4SI_VERIFIER_MALFUNCTION;
    case SL_CHECK_SIGNATURE:
    case SL_CHECK_COLLATERAL_SIGNATURE:
    case SL_CHECK_CERT_SIGNATURE:
    case SL_CHECK_CRL_SIGNATURE:
    case SL_CHECK_QE_REPORT:
        return AR4SI_CRYPTO_FAILED;
    default:
        return AR4SI_CONTRAINDICATED;
    }
}

static int8_t worse(int8_t a, int8_t b)
{
    /* A malfunction says nothing about the attester: a contraindication is worse. */
    return a > b ? a : b;
}

void sl_result_conclude(struct sl_attest_result *result)
{
    const struct sl_findings *findings = &result->findings;
    bool has_warning = false;
    for (size_t i = 0; i < findings->count; i++) {
        enum sl_attest_severity severity = findings->list[i].severity;
        if (severity == SL_ATTEST_NOTE) {
            continue;
        }
        has_warning = has_warning || severity == SL_ATTEST_WARNING;
        enum sl_attest_check check = findings->checks[i];
        int8_t *claim = (int8_t *)&result->vector + CLAIM_OFFSETS[check];
        int8_t value = claim_value(check, severity);
        *claim = value < 0 && *claim < AR4SI_WARNING ? value : worse(*claim, value);
    }
    if (findings->failure_count > 0 || findings->lost > 0) {
        result->status = SL_ATTEST_CONTRAINDICATED;
        if (result->vector.runtime_opaque == SL_AR4SI_AFFIRMING) {
            result->vector.runtime_opaque = 0;
        }
    } else {
        result->status = has_warning ? SL_ATTEST_WARNED : SL_ATTEST_AFFIRMING;
    }
}

enum sl_attest_status sl_attest_result_status(const struct sl_attest_result *result)
{
    return result != NULL ? result->status : SL_ATTEST_NONE;
}

bool sl_attest_result_is_accepted(const struct sl_attest_result *result)
{
    return result != NULL && result->findings.failure_count == 0 && result->findings.lost == 0 &&
           (result->status == SL_ATTEST_AFFIRMING || result->status == SL_ATTEST_WARNED);
}

struct sl_attest_vector sl_attest_result_vector(const struct sl_attest_result *result)
{
    return result->vector;
}

enum sl_tcb_status sl_attest_result_tcb_status(const struct sl_attest_result *result)
{
    return result->tcb_status;
}

size_t sl_attest_result_finding_count(const struct sl_attest_result *result)
{
    return result->findings.count;
}

const struct sl_attest_finding *sl_attest_result_finding(const struct sl_attest_result *result,
                                                         size_t index)
{
    return index < result->findings.count ? &result->findings.list[index] : NULL;
}

void sl_result_check_report_data(struct sl_attest_result *result,
                                 const struct sl_attest_input *input, const uint8_t report_data[64])
{
    uint8_t expected[64] = {0};
    memcpy(result->report_data, report_data, sizeof(result->report_data));
    result->has_report_data = true;
    const struct sl_blob *from = &input->report_data;
    const char *what = "report_data";
    if (from->data == NULL) {
        from = &input->nonce;
        what = "nonce";
    }
    if (from->data == NULL) {
        return;
    }
    memcpy(expected, from->data, from->size);
    result->vector.sourced_data = SL_AR4SI_AFFIRMING;
    if (CRYPTO_memcmp(expected, report_data, sizeof(expected)) != 0) {
        char found_hex[129];
        char expected_hex[129];
        sl_hex_encode(report_data, 64, found_hex);
        sl_hex_encode(expected, 64, expected_hex);
        sl_finding_add(&result->findings, SL_CHECK_REPORT_DATA,
                       "report_data is %s, the %s given needs %s: this evidence was made for "
                       "another request or connection; ask for it again",
                       found_hex, what, expected_hex);
    }
}
