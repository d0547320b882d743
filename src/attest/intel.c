/* SPDX-License-Identifier: Apache-2.0 */
/* Verifier of SGX and TDX quotes: the steps of Intel's quote verification in its order (Intel SGX
 * ECDSA Quote Verification Library, "verification flow"), none of which stops the next. */
#include "attest/intel.h"

#include <stdlib.h>

#include "attest/tcg_log.h"
#include "base/bytes.h"

static bool is_tdx(const struct sl_intel *v)
{
    return v->quote.tee == SL_QUOTE_TEE_TDX;
}

/* The quote's form. false: nothing more can be judged. */
static bool check_format(struct sl_intel *v)
{
    char why[SL_QUOTE_WHY_SIZE];
    enum { WANT_SGX = SL_ATTEST_SGX };
    sl_rc rc = sl_quote_parse(v->input->evidence, &v->quote, why);
    if (rc != SL_OK) {
        sl_finding_add(v->findings,
                       rc == SL_UNSUPPORTED ? SL_CHECK_EVIDENCE_VERSION : SL_CHECK_EVIDENCE_FORMAT,
                       "the quote: %s", why);
        return false;
    }
    if (is_tdx(v) == (v->input->type == (enum sl_attest_type)WANT_SGX)) {
        sl_finding_add(v->findings, SL_CHECK_EVIDENCE_VERSION,
                       "this is a quote of %s, one of %s was asked for", is_tdx(v) ? "TDX" : "SGX",
                       is_tdx(v) ? "SGX" : "TDX");
        return false;
    }
    if (memcmp(v->quote.qe_vendor_id, SL_QUOTE_VENDOR_INTEL, 16) != 0) {
        char hex[33];
        sl_hex_encode(v->quote.qe_vendor_id, 16, hex);
        sl_finding_add(v->findings, SL_CHECK_EVIDENCE_VERSION,
                       "the quoting enclave's vendor is %s, only Intel's "
                       "(939a7233f79c4ca9940a0db3957f0607) is known",
                       hex);
    }
    if (v->quote.trailing_size > 0) {
        sl_finding_add_as(v->findings, SL_ATTEST_NOTE, SL_CHECK_EVIDENCE_TRAILING,
                          "%zu bytes follow the quote; they are not signed and were not looked at",
                          v->quote.trailing_size);
    }
    return true;
}

static const uint8_t *report_data(const struct sl_intel *v)
{
    return is_tdx(v) ? v->quote.body.td.report_data : v->quote.body.enclave.report_data;
}

static void check_rtmr(struct sl_intel *v, size_t index, const uint8_t *replayed, uint32_t count)
{
    const uint8_t *quoted = v->quote.body.td.rtmr[index];
    if (memcmp(replayed, quoted, SL_TCG_RTMR_SIZE) == 0) {
        return;
    }
    if (index == SL_TCG_RTMR_COUNT - 1 && count == 0) {
        /* RTMR3 belongs to the running system, which keeps a log of its own. */
        sl_finding_add_as(v->findings, SL_ATTEST_NOTE, SL_CHECK_CCEL_REPLAY,
                          "the event log ends before RTMR3 was extended: it does not explain it");
        return;
    }
    char found[2 * SL_TCG_RTMR_SIZE + 1];
    char expected[2 * SL_TCG_RTMR_SIZE + 1];
    sl_hex_encode(replayed, SL_TCG_RTMR_SIZE, found);
    sl_hex_encode(quoted, SL_TCG_RTMR_SIZE, expected);
    sl_finding_add(
        v->findings, SL_CHECK_CCEL_REPLAY,
        "%u events of the log lead RTMR%zu to %s, the quote has %s: the log was changed, "
        "or is of another boot",
        count, index, found, expected);
}

/* CCEL: the log must lead to the RTMRs that the quote signs. */
static void check_event_log(struct sl_intel *v)
{
    if (v->input->ccel.data == NULL) {
        return;
    }
    if (!is_tdx(v)) {
        sl_finding_add(v->findings, SL_CHECK_CCEL_FORMAT,
                       "an event log was given, and an SGX quote has no registers to replay it to");
        return;
    }
    uint8_t rtmr[SL_TCG_RTMR_COUNT][SL_TCG_RTMR_SIZE];
    uint32_t count[SL_TCG_RTMR_COUNT];
    struct sl_err err = {.rc = SL_OK};
    if (sl_ccel_replay(v->input->ccel, rtmr, count, &err) != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_CCEL_FORMAT, "%s", err.text);
        return;
    }
    for (size_t i = 0; i < SL_TCG_RTMR_COUNT; i++) {
        check_rtmr(v, i, rtmr[i], count[i]);
    }
}

static void affirm(struct sl_intel *v)
{
    struct sl_attest_vector *vector = &v->result->vector;
    vector->instance_identity = SL_AR4SI_AFFIRMING;
    vector->hardware = SL_AR4SI_AFFIRMING;
    vector->configuration = SL_AR4SI_AFFIRMING;
    /* AR4SI 2.3.5: memory is encrypted and opaque to the operating system and the hypervisor. */
    vector->runtime_opaque = SL_AR4SI_AFFIRMING;
}

static sl_rc judge(struct sl_intel *v)
{
    sl_rc rc = sl_quote_to_json(&v->quote, v->result->claims);
    if (rc == SL_OK) {
        rc = sl_intel_check_chains(v);
    }
    if (rc == SL_OK) {
        rc = sl_intel_check_collateral(v);
    }
    if (rc == SL_OK) {
        rc = sl_intel_check_quote(v);
    }
    if (rc == SL_OK) {
        rc = sl_intel_check_tcb(v);
    }
    if (rc != SL_OK) {
        return rc;
    }
    sl_intel_check_policy(v);
    sl_result_check_report_data(v->result, v->input, report_data(v));
    check_event_log(v);
    return SL_OK;
}

static sl_rc verify(const struct sl_attest_input *input, struct sl_attest_result *result)
{
    static const struct sl_attest_collateral none;
    struct sl_intel *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return SL_NO_MEMORY;
    }
    v->input = input;
    v->collateral = input->collateral != NULL ? input->collateral : &none;
    v->result = result;
    v->findings = &result->findings;
    v->platform_status = v->qe_status = v->module_status = SL_TCB_UNKNOWN;
    affirm(v);
    sl_rc rc = check_format(v) ? judge(v) : SL_OK;
    sl_intel_chains_done(v);
    sl_intel_keys_done(v);
    free(v);
    return rc;
}

sl_rc sl_attest_sgx_verify(const struct sl_attest_input *input, struct sl_attest_result *result)
{
    return verify(input, result);
}

sl_rc sl_attest_tdx_verify(const struct sl_attest_input *input, struct sl_attest_result *result)
{
    return verify(input, result);
}

static sl_rc inspect(struct sl_blob evidence, uint32_t tee, json_t **ret_json)
{
    struct sl_quote quote;
    char why[SL_QUOTE_WHY_SIZE];
    sl_rc rc = sl_quote_parse(evidence, &quote, why);
    if (rc != SL_OK) {
        return rc;
    }
    if (quote.tee != tee) {
        return SL_UNSUPPORTED;
    }
    json_t *object = json_object();
    rc = object != NULL ? sl_quote_to_json(&quote, object) : SL_NO_MEMORY;
    if (rc != SL_OK) {
        json_decref(object);
        return rc;
    }
    *ret_json = object;
    return SL_OK;
}

sl_rc sl_attest_sgx_inspect(struct sl_blob evidence, json_t **ret_json)
{
    return inspect(evidence, SL_QUOTE_TEE_SGX, ret_json);
}

sl_rc sl_attest_tdx_inspect(struct sl_blob evidence, json_t **ret_json)
{
    return inspect(evidence, SL_QUOTE_TEE_TDX, ret_json);
}
