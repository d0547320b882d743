/* SPDX-License-Identifier: Apache-2.0 */
/* What the relying party demands of the enclave or TD itself: no debugging, attributes, and one of
 * the identities it knows. */
#include <stdio.h>

#include "attest/intel.h"
#include "base/bytes.h"

/* SDM 3D 38.7.1: ATTRIBUTES. */
enum { SGX_INIT = 1U << 0, SGX_DEBUG = 1U << 1, SGX_PROVISION_KEY = 1U << 4 };

/* TDX module base architecture specification, "TD attributes": byte 0 is TUD (TD under debug), and
 * none of its bits may be set on a production TD. */
enum { TD_SEPT_VE_DISABLE = 1U << 28, TD_MIGRATABLE = 1U << 29 };

static void refuse_debug(struct sl_intel *v, const char *what)
{
    bool is_allowed = v->input->policy->insecure_allow_debug;
    sl_finding_add_as(
        v->findings, is_allowed ? SL_ATTEST_WARNING : SL_ATTEST_FAILURE, SL_CHECK_DEBUG,
        "%s: the host can read and change everything inside; %s", what,
        is_allowed ? "accepted because of insecure_allow_debug" : "use the production build");
}

static void check_sgx_attributes(struct sl_intel *v)
{
    const struct sl_enclave_report *report = &v->quote.body.enclave;
    uint64_t flags = sl_le64_get(report->attributes);
    if ((flags & SGX_DEBUG) != 0) {
        refuse_debug(v, "the enclave runs with ATTRIBUTES.DEBUG");
    }
    if ((flags & SGX_INIT) == 0) {
        /* Not one of Intel's rules, and in its published samples: no reason to refuse. */
        sl_finding_add_as(v->findings, SL_ATTEST_NOTE, SL_CHECK_ATTRIBUTES,
                          "ATTRIBUTES.INIT is clear, which no processor reports: a sample");
    }
    if ((flags & SGX_PROVISION_KEY) != 0) {
        sl_finding_add_as(v->findings, SL_ATTEST_NOTE, SL_CHECK_ATTRIBUTES,
                          "the enclave may use the provisioning key, by which it can recognise "
                          "the platform");
    }
}

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static void check_td_attributes(struct sl_intel *v)
{
    const struct sl_td_report *td = &v->quote.body.td;
    uint64_t attributes = sl_le64_get(td->td_attributes);
    char what[96];
    if ((attributes & 0xff) != 0) {
        (void)snprintf(what, sizeof(what), "TDATTRIBUTES.TUD is 0x%02x: the TD is under debug",
                       (unsigned int)(attributes & 0xff));
        refuse_debug(v, what);
    }
    if ((attributes & TD_SEPT_VE_DISABLE) == 0) {
        sl_finding_add_as(
            v->findings, SL_ATTEST_NOTE, SL_CHECK_ATTRIBUTES,
            "TDATTRIBUTES.SEPT_VE_DISABLE is clear: the host can inject #VE by taking "
            "pages away; the guest's kernel must cope with that");
    }
    bool is_migratable = (attributes & TD_MIGRATABLE) != 0;
    bool has_service_td = td->is_15 && !is_zero(td->mrservicetd, 48);
    if (v->input->policy->is_migration_refused && (is_migratable || has_service_td)) {
        sl_finding_add(v->findings, SL_CHECK_ATTRIBUTES,
                       "%s: a service TD can move this TD elsewhere, and the policy refuses "
                       "migration",
                       is_migratable ? "TDATTRIBUTES.MIGRATABLE is set" : "a service TD is bound");
    }
}

/* What of a reference does not fit. */
enum { MISMATCH_IDENTITY = 1, MISMATCH_SVN = 2 };

static bool names_snp(const struct sl_attest_reference *reference)
{
    return reference->has_measurement || reference->has_host_data || reference->has_id_key_digest ||
           reference->min_guest_svn > 0;
}

static bool names_td(const struct sl_attest_reference *reference)
{
    return reference->has_mrtd || reference->has_rtmr[0] || reference->has_rtmr[1] ||
           reference->has_rtmr[2] || reference->has_rtmr[3];
}

static bool names_enclave(const struct sl_attest_reference *reference)
{
    return reference->has_mrenclave || reference->has_mrsigner || reference->has_isv_prod_id ||
           reference->min_isv_svn > 0;
}

static unsigned int match_enclave(const struct sl_enclave_report *report,
                                  const struct sl_attest_reference *reference)
{
    if ((!reference->has_mrenclave && !reference->has_mrsigner) || names_td(reference) ||
        names_snp(reference)) {
        return MISMATCH_IDENTITY;
    }
    if ((reference->has_mrenclave && memcmp(reference->mrenclave, report->mrenclave, 32) != 0) ||
        (reference->has_mrsigner && memcmp(reference->mrsigner, report->mrsigner, 32) != 0) ||
        (reference->has_isv_prod_id && reference->isv_prod_id != report->isv_prod_id)) {
        return MISMATCH_IDENTITY;
    }
    return report->isv_svn < reference->min_isv_svn ? MISMATCH_SVN : 0;
}

static unsigned int match_td(const struct sl_td_report *td,
                             const struct sl_attest_reference *reference)
{
    if (!reference->has_mrtd || names_enclave(reference) || names_snp(reference) ||
        memcmp(reference->mrtd, td->mrtd, 48) != 0) {
        return MISMATCH_IDENTITY;
    }
    for (size_t i = 0; i < 4; i++) {
        if (reference->has_rtmr[i] && memcmp(reference->rtmr[i], td->rtmr[i], 48) != 0) {
            return MISMATCH_IDENTITY;
        }
    }
    return 0;
}

static void refuse_identity(struct sl_intel *v, uint32_t svn_needed, bool is_svn_only)
{
    char a[97];
    char b[97];
    if (v->quote.tee == SL_QUOTE_TEE_TDX) {
        sl_hex_encode(v->quote.body.td.mrtd, 48, a);
        sl_hex_encode(v->quote.body.td.rtmr[0], 48, b);
        sl_finding_add(v->findings, SL_CHECK_IDENTITY,
                       "MRTD is %s (RTMR0 %s): none of the policy's %u references fits MRTD and "
                       "RTMRs",
                       a, b, v->input->policy->reference_count);
        return;
    }
    const struct sl_enclave_report *report = &v->quote.body.enclave;
    if (is_svn_only) {
        sl_finding_add(v->findings, SL_CHECK_SVN,
                       "ISVSVN is %u, the policy needs %u: run the newer image", report->isv_svn,
                       svn_needed);
        return;
    }
    sl_hex_encode(report->mrenclave, 32, a);
    sl_hex_encode(report->mrsigner, 32, b);
    sl_finding_add(v->findings, SL_CHECK_IDENTITY,
                   "MRENCLAVE is %s, MRSIGNER %s, product %u: none of the policy's %u references "
                   "fits; another image runs there, or the policy is not of this one",
                   a, b, report->isv_prod_id, v->input->policy->reference_count);
}

static void check_references(struct sl_intel *v)
{
    const struct sl_attest_policy *policy = v->input->policy;
    bool is_svn_only = false;
    uint32_t svn_needed = 0;
    if (policy->reference_count == 0) {
        if (!policy->is_any_identity) {
            sl_finding_add(v->findings, SL_CHECK_POLICY_EMPTY,
                           "the policy names no acceptable identity: add the measurement that this "
                           "evidence should have");
        }
        return;
    }
    v->result->vector.executables = SL_AR4SI_AFFIRMING;
    for (uint32_t i = 0; i < policy->reference_count; i++) {
        const struct sl_attest_reference *reference = &policy->references[i];
        unsigned int mismatch = v->quote.tee == SL_QUOTE_TEE_TDX
                                    ? match_td(&v->quote.body.td, reference)
                                    : match_enclave(&v->quote.body.enclave, reference);
        if (mismatch == 0) {
            return;
        }
        if (mismatch == MISMATCH_SVN && (!is_svn_only || reference->min_isv_svn < svn_needed)) {
            is_svn_only = true;
            svn_needed = reference->min_isv_svn;
        }
    }
    refuse_identity(v, svn_needed, is_svn_only);
}

void sl_intel_check_policy(struct sl_intel *v)
{
    if (v->quote.tee == SL_QUOTE_TEE_TDX) {
        check_td_attributes(v);
    } else {
        check_sgx_attributes(v);
    }
    check_references(v);
}
