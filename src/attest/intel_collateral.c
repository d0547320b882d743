/* SPDX-License-Identifier: Apache-2.0 */
/* Whether TCB info and QE identity are Intel's, current, and about this platform. */
#include "attest/intel.h"

#include <stdio.h>

#include "base/bytes.h"

/* The envelope and its signature. false: the object cannot be read. */
static bool open_envelope(struct sl_intel *v, struct sl_blob in, const char *file,
                          const char *member, struct sl_signed_json *ret_signed, sl_rc *ret_rc)
{
    char why[SL_JSON_WHY_SIZE];
    *ret_rc = SL_OK;
    if (in.data == NULL) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISSING,
                       "%s is missing: fetch it from Intel's provisioning service (API version 4) "
                       "for this platform",
                       file);
        return false;
    }
    if (sl_signed_json_read(in, member, ret_signed, why) != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT, "%s: %s", file, why);
        return false;
    }
    if (v->signing_leaf == NULL) {
        return true; /* a finding on the chain says why nobody can tell */
    }
    sl_rc rc = sl_intel_verify(v, member, v->signing_leaf->point, ret_signed->object,
                               ret_signed->signature);
    if (rc == SL_NO_MEMORY) {
        *ret_rc = rc;
        return false;
    }
    if (rc != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_SIGNATURE,
                       "%s: its signature is not by the TCB signing certificate over \"%s\" as "
                       "received: it was changed, formatted anew, or belongs to another chain",
                       file, member);
    }
    return true;
}

static void check_dates(struct sl_intel *v, const char *file, int64_t issue_s, int64_t next_s)
{
    char now[SL_TIME_TEXT_SIZE];
    char issue[SL_TIME_TEXT_SIZE];
    char next[SL_TIME_TEXT_SIZE];
    int64_t time_s = v->input->time_s;
    uint64_t age_max_s = v->input->policy->max_collateral_age_s;
    sl_time_text(time_s, now);
    sl_time_text(issue_s, issue);
    sl_time_text(next_s, next);
    if (time_s < issue_s) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_NOT_YET,
                       "%s was issued at %s, the time is %s: check the clock", file, issue, now);
    } else if (time_s > next_s) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_EXPIRED,
                       "%s was to be renewed by %s, the time is %s: fetch it again", file, next,
                       now);
    } else if (age_max_s != 0 && (uint64_t)(time_s - issue_s) > age_max_s) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_TOO_OLD,
                       "%s was issued at %s, the policy allows %llu s and the time is %s: fetch it "
                       "again",
                       file, issue, (unsigned long long)age_max_s, now);
    }
    sl_result_validity_narrow(v->result, issue_s, next_s);
}

static void check_evaluation(struct sl_intel *v, const char *file, uint32_t evaluation)
{
    uint32_t min = v->input->policy->min_tcb_evaluation;
    if (evaluation < min) {
        sl_finding_add(v->findings, SL_CHECK_TCB_EVALUATION,
                       "%s is of TCB evaluation %u, the policy needs %u: fetch it again (option "
                       "update=early), or lower min_tcb_evaluation",
                       file, evaluation, min);
    }
}

/* Is this TCB info about this kind of TEE, and this platform? */
static void check_addressee(struct sl_intel *v)
{
    const struct sl_tcb_info *info = &v->info;
    bool is_tdx = v->quote.tee == SL_QUOTE_TEE_TDX;
    char found[13];
    char expected[13];
    if (info->version == 1) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT,
                       "tcb_info has version 1, which Intel withdrew: fetch it again (API "
                       "version 4)");
    }
    if (info->is_tdx != is_tdx) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "tcb_info is about %s, the quote is of %s", info->is_tdx ? "TDX" : "SGX",
                       is_tdx ? "TDX" : "SGX");
    }
    if (info->tcb_type != 0) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT,
                       "tcb_info has tcbType %u, whose composition is not known; 0 is expected",
                       info->tcb_type);
    }
    if (!v->has_pck) {
        return;
    }
    if (memcmp(info->fmspc, v->pck.fmspc, sizeof(info->fmspc)) != 0) {
        sl_hex_encode(info->fmspc, sizeof(info->fmspc), found);
        sl_hex_encode(v->pck.fmspc, sizeof(v->pck.fmspc), expected);
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "tcb_info is about FMSPC %s, the PCK certificate says %s: fetch that one",
                       found, expected);
    }
    if (info->version > 1 && memcmp(info->pce_id, v->pck.pce_id, sizeof(info->pce_id)) != 0) {
        sl_hex_encode(info->pce_id, sizeof(info->pce_id), found);
        sl_hex_encode(v->pck.pce_id, sizeof(v->pck.pce_id), expected);
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "tcb_info is about PCE-ID %s, the PCK certificate says %s", found, expected);
    }
}

static sl_rc check_tcb_info(struct sl_intel *v)
{
    struct sl_signed_json envelope;
    char why[SL_JSON_WHY_SIZE];
    sl_rc rc;
    if (!open_envelope(v, v->collateral->tcb_info, "tcb_info", "tcbInfo", &envelope, &rc)) {
        return rc;
    }
    if (sl_tcb_info_read(envelope.object, &v->info, why) != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT, "tcb_info: %s", why);
        return SL_OK;
    }
    v->has_info = true;
    check_addressee(v);
    check_dates(v, "tcb_info", v->info.issue_s, v->info.next_update_s);
    if (v->info.version > 1) {
        check_evaluation(v, "tcb_info", v->info.evaluation);
    }
    return SL_OK;
}

static sl_rc check_qe_identity(struct sl_intel *v)
{
    static const char *const NAMES[] = {
        [SL_QE_SGX] = "QE", [SL_QE_TDX] = "TD_QE", [SL_QE_QVE] = "QVE"};
    struct sl_signed_json envelope;
    char why[SL_JSON_WHY_SIZE];
    sl_rc rc;
    if (!open_envelope(v, v->collateral->qe_identity, "qe_identity", "enclaveIdentity", &envelope,
                       &rc)) {
        return rc;
    }
    if (sl_qe_identity_read(envelope.object, &v->qe_identity, why) != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT, "qe_identity: %s", why);
        return SL_OK;
    }
    v->has_qe_identity = true;
    enum sl_qe_id expected = v->quote.tee == SL_QUOTE_TEE_TDX ? SL_QE_TDX : SL_QE_SGX;
    if (v->qe_identity.id != expected) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "qe_identity is of \"%s\", this quote needs \"%s\"",
                       NAMES[v->qe_identity.id], NAMES[expected]);
    }
    check_dates(v, "qe_identity", v->qe_identity.issue_s, v->qe_identity.next_update_s);
    check_evaluation(v, "qe_identity", v->qe_identity.evaluation);
    return SL_OK;
}

sl_rc sl_intel_check_collateral(struct sl_intel *v)
{
    sl_rc rc = check_tcb_info(v);
    return rc == SL_OK ? check_qe_identity(v) : rc;
}
