/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says, against its certificate, against itself and against the policy. */
#include <stdio.h>
#include <string.h>

#include "attest/snp_case.h"
#include "attest/verify.h"
#include "base/bytes.h"

enum { LIST_SIZE = 256, HEX_48_SIZE = 97 };

static void list_add(char list[LIST_SIZE], const char *name, unsigned int a, const char *relation,
                     unsigned int b)
{
    size_t used = strlen(list);
    (void)snprintf(list + used, LIST_SIZE - used, "%s%s %u %s %u", used != 0 ? ", " : "", name, a,
                   relation, b);
}

/* --- certificate and report --- */

static void cert_tcb_check(struct sl_snp_case *c)
{
    char list[LIST_SIZE] = "";
    for (size_t i = 0; i < SL_SNP_TCB_SIZE; i++) {
        if (c->cert.tcb[i] != c->report.reported_tcb[i]) {
            list_add(list, sl_snp_tcb_name(c->cert.product, i), c->report.reported_tcb[i],
                     "in the report and in the certificate", c->cert.tcb[i]);
        }
    }
    if (list[0] != '\0') {
        sl_finding_add(c->findings, SL_CHECK_VCEK_TCB,
                       "the %s certificate is of another TCB: %s; get the certificate for the "
                       "reported TCB",
                       sl_snp_signer_text(c), list);
    }
}

static void chip_check(struct sl_snp_case *c)
{
    const uint8_t *chip = c->report.chip_id;
    if (sl_snp_is_zero(chip, SL_SNP_CHIP_ID_SIZE)) {
        sl_finding_add_as(
            c->findings, SL_ATTEST_NOTE, SL_CHECK_CHIP_ID,
            "the host masks the chip's id; the VCEK's signature vouches for the chip");
        return;
    }
    if (memcmp(chip, c->cert.hwid, c->cert.hwid_size) == 0 &&
        sl_snp_is_zero(chip + c->cert.hwid_size, SL_SNP_CHIP_ID_SIZE - c->cert.hwid_size)) {
        return;
    }
    char found[2 * SL_SNP_CHIP_ID_SIZE + 1], expected[2 * SL_SNP_CHIP_ID_SIZE + 1];
    sl_hex_encode(chip, SL_SNP_CHIP_ID_SIZE, found);
    sl_hex_encode(c->cert.hwid, c->cert.hwid_size, expected);
    sl_finding_add(c->findings, SL_CHECK_CHIP_ID,
                   "the report is of chip %s, the certificate of chip %s: give the certificate of "
                   "the report's chip",
                   found, expected);
}

void sl_snp_cert_check(struct sl_snp_case *c)
{
    if (!c->has_cert) {
        return;
    }
    if (c->product != c->cert.product) {
        sl_finding_add(c->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "the report is of a %s (CPUID family %u model %u), the %s certificate of a "
                       "%s: give the certificate of the report's chip",
                       sl_snp_product_text(c->product), c->report.cpuid_family,
                       c->report.cpuid_model, sl_snp_signer_text(c), c->cert.product_name);
        return; /* their TCBs cannot be compared */
    }
    cert_tcb_check(c);
    if (c->report.signer == SL_SNP_SIGNER_VCEK) {
        chip_check(c);
    }
}

/* --- TCB --- */

static void order_check(struct sl_snp_case *c, const char *low_name, const uint8_t *low,
                        const char *high_name, const uint8_t *high)
{
    char list[LIST_SIZE] = "";
    for (size_t i = 0; i < SL_SNP_TCB_SIZE; i++) {
        if (low[i] > high[i]) {
            list_add(list, sl_snp_tcb_name(c->product, i), low[i], "above", high[i]);
        }
    }
    if (list[0] != '\0') {
        sl_finding_add(c->findings, SL_CHECK_SNP_TCB_ORDER,
                       "the %s TCB is above the %s TCB, which firmware never reports: %s", low_name,
                       high_name, list);
    }
}

static uint32_t version_number(const struct sl_snp_version *version)
{
    return ((uint32_t)version->major << 16) | ((uint32_t)version->minor << 8) | version->build;
}

static bool minimum_check(struct sl_snp_case *c, const char *name, const uint8_t *tcb,
                          enum sl_attest_severity severity)
{
    const struct sl_snp_tcb min = c->input->policy->min_snp_tcb[c->product];
    const struct sl_snp_tcb found = sl_snp_tcb_read(c->product, tcb);
    const struct {
        const char *name;
        uint8_t found, min;
    } rows[] = {
        {"fmc", found.fmc, min.fmc},
        {"bootloader", found.bootloader, min.bootloader},
        {"tee", found.tee, min.tee},
        {"snp", found.snp, min.snp},
        {"microcode", found.microcode, min.microcode},
    };
    char list[LIST_SIZE] = "";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].found < rows[i].min) {
            list_add(list, rows[i].name, rows[i].found, "below", rows[i].min);
        }
    }
    if (list[0] == '\0') {
        return true;
    }
    sl_finding_add_as(
        c->findings, severity, SL_CHECK_SNP_TCB,
        "the %s TCB of this %s is below the policy's minimum: %s; update firmware and "
        "microcode, then start the guest again",
        name, sl_snp_product_text(c->product), list);
    return false;
}

static bool has_minimum(const struct sl_snp_tcb *min)
{
    return (min->fmc | min->bootloader | min->tee | min->snp | min->microcode) != 0;
}

void sl_snp_tcb_check(struct sl_snp_case *c)
{
    if (!c->has_product) {
        return; /* what the bytes mean is not known: its finding has told */
    }
    const struct sl_snp_report *r = &c->report;
    order_check(c, "reported", r->reported_tcb, "committed", r->committed_tcb);
    order_check(c, "committed", r->committed_tcb, "current", r->current_tcb);
    if (version_number(&r->committed) > version_number(&r->current)) {
        sl_finding_add(c->findings, SL_CHECK_SNP_TCB_ORDER,
                       "firmware %u.%u.%u is committed and %u.%u.%u, an older one, runs, which "
                       "firmware never reports",
                       r->committed.major, r->committed.minor, r->committed.build, r->current.major,
                       r->current.minor, r->current.build);
    }
    if (memcmp(r->committed_tcb, r->current_tcb, SL_SNP_TCB_SIZE) != 0) {
        sl_finding_add_as(c->findings, SL_ATTEST_NOTE, SL_CHECK_SNP_TCB,
                          "the running firmware is not committed: the host may go back to the "
                          "committed one, which is what the report's TCB counts");
    }
    bool is_accepted = (c->input->policy->tcb_accepted & (1U << SL_TCB_OUT_OF_DATE)) != 0;
    enum sl_attest_severity severity = is_accepted ? SL_ATTEST_WARNING : SL_ATTEST_FAILURE;
    bool is_new = minimum_check(c, "reported", r->reported_tcb, severity);
    is_new = minimum_check(c, "launch", r->launch_tcb, severity) && is_new;
    if (!has_minimum(&c->input->policy->min_snp_tcb[c->product])) {
        sl_finding_add_as(c->findings, SL_ATTEST_NOTE, SL_CHECK_SNP_TCB,
                          "the policy has no minimum TCB for %s: any version is taken",
                          sl_snp_product_text(c->product));
    }
    c->result->tcb_status = is_new ? SL_TCB_UP_TO_DATE : SL_TCB_OUT_OF_DATE;
}

/* --- guest policy --- */

static void refusals_check(struct sl_snp_case *c)
{
    const struct sl_attest_policy *ours = c->input->policy;
    uint64_t policy = c->report.policy;
    if ((policy & SL_SNP_POLICY_DEBUG) != 0) {
        sl_finding_add_as(c->findings,
                          ours->insecure_allow_debug ? SL_ATTEST_WARNING : SL_ATTEST_FAILURE,
                          SL_CHECK_DEBUG,
                          "the guest policy 0x%llx allows debugging: the host can decrypt the "
                          "guest's memory; launch it without bit 19",
                          (unsigned long long)policy);
    }
    if ((policy & SL_SNP_POLICY_SMT) != 0 && ours->is_smt_refused) {
        sl_finding_add(c->findings, SL_CHECK_SNP_POLICY,
                       "the guest policy 0x%llx allows SMT, ours refuses it: launch the guest "
                       "without bit 16, on a host without SMT",
                       (unsigned long long)policy);
    }
    if ((policy & SL_SNP_POLICY_MIGRATE_MA) != 0 && ours->is_migration_refused) {
        sl_finding_add(c->findings, SL_CHECK_SNP_POLICY,
                       "the guest policy 0x%llx allows a migration agent, ours refuses it: launch "
                       "the guest without bit 18",
                       (unsigned long long)policy);
    }
}

/* What the firmware enforces at launch cannot be otherwise in a report of it. */
static void contradictions_check(struct sl_snp_case *c)
{
    const struct sl_snp_report *r = &c->report;
    uint32_t abi = (uint32_t)(r->policy & 0xffff);
    uint32_t runs = ((uint32_t)r->current.major << 8) | r->current.minor;
    const struct {
        bool is_wrong;
        const char *text;
    } rows[] = {
        {abi > runs, "demands a later firmware interface than the one that runs"},
        {(r->policy & SL_SNP_POLICY_SMT) == 0 && (r->platform_info & SL_SNP_PLATFORM_SMT_EN) != 0,
         "forbids SMT, and the platform has it on"},
        {(r->policy & SL_SNP_POLICY_RAPL_DIS) != 0 &&
             (r->platform_info & SL_SNP_PLATFORM_RAPL_DIS) == 0,
         "demands that RAPL be off, and the platform has it on"},
        {(r->policy & SL_SNP_POLICY_CIPHERTEXT_HIDING) != 0 &&
             (r->platform_info & SL_SNP_PLATFORM_CIPHERTEXT_HIDING_EN) == 0,
         "demands ciphertext hiding, and the platform has it off"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].is_wrong) {
            sl_finding_add(c->findings, SL_CHECK_SNP_POLICY,
                           "the guest policy 0x%llx %s (platform info 0x%llx, firmware %u.%u)",
                           (unsigned long long)r->policy, rows[i].text,
                           (unsigned long long)r->platform_info, r->current.major,
                           r->current.minor);
        }
    }
}

void sl_snp_policy_check(struct sl_snp_case *c)
{
    refusals_check(c);
    contradictions_check(c);
    uint32_t vmpl = c->report.vmpl;
    if (vmpl == SL_SNP_VMPL_HOST) {
        sl_finding_add(c->findings, SL_CHECK_VMPL,
                       "the host asked for this report, not the guest: its report_data is the "
                       "host's");
    } else if (vmpl > 3) {
        sl_finding_add(c->findings, SL_CHECK_EVIDENCE_FORMAT, "report: VMPL is %u, 0 to 3 exist",
                       vmpl);
    } else if (vmpl > c->input->policy->max_vmpl) {
        sl_finding_add(c->findings, SL_CHECK_VMPL,
                       "the report was asked for at VMPL %u, the policy allows up to %u: software "
                       "above may control what asked",
                       vmpl, c->input->policy->max_vmpl);
    }
}

/* --- identity --- */

static bool fits(bool is_asked, const uint8_t *expected, const uint8_t *found, size_t size)
{
    return !is_asked || memcmp(expected, found, size) == 0;
}

/* Whether a reference asks for what only SGX or TDX has. */
static bool names_other(const struct sl_attest_reference *ref)
{
    return ref->has_mrenclave || ref->has_mrsigner || ref->has_isv_prod_id ||
           ref->min_isv_svn > 0 || ref->has_mrtd || ref->has_rtmr[0] || ref->has_rtmr[1] ||
           ref->has_rtmr[2] || ref->has_rtmr[3];
}

static bool reference_matches(const struct sl_attest_reference *ref,
                              const struct sl_snp_report *report)
{
    return fits(ref->has_measurement, ref->measurement, report->measurement, 48) &&
           fits(ref->has_host_data, ref->host_data, report->host_data, 32) &&
           fits(ref->has_id_key_digest, ref->id_key_digest, report->id_key_digest, 48) &&
           /* zeros: launched without an ID block, so nobody's key vouches for it */
           !(ref->has_id_key_digest && sl_snp_is_zero(report->id_key_digest, 48));
}

void sl_snp_identity_check(struct sl_snp_case *c)
{
    const struct sl_attest_policy *policy = c->input->policy;
    if (policy->is_any_identity) {
        return;
    }
    size_t candidates = 0;
    const struct sl_attest_reference *old = NULL;
    for (uint32_t i = 0; i < policy->reference_count; i++) {
        const struct sl_attest_reference *ref = &policy->references[i];
        if ((!ref->has_measurement && !ref->has_id_key_digest) || names_other(ref)) {
            continue; /* of another technology */
        }
        candidates++;
        if (!reference_matches(ref, &c->report)) {
            continue;
        }
        if (c->report.guest_svn >= ref->min_guest_svn) {
            c->result->vector.executables = SL_AR4SI_AFFIRMING;
            return;
        }
        old = ref;
    }
    if (candidates == 0) {
        sl_finding_add(c->findings, SL_CHECK_POLICY_EMPTY,
                       "none of the policy's %u references names a SEV-SNP measurement or ID key: "
                       "add what you trust",
                       policy->reference_count);
    } else if (old != NULL) {
        sl_finding_add(c->findings, SL_CHECK_SVN,
                       "the guest's SVN is %u, the policy needs %u: launch a newer image",
                       c->report.guest_svn, old->min_guest_svn);
    } else {
        char measurement[HEX_48_SIZE], id_key[HEX_48_SIZE];
        sl_hex_encode(c->report.measurement, 48, measurement);
        sl_hex_encode(c->report.id_key_digest, 48, id_key);
        sl_finding_add(
            c->findings, SL_CHECK_IDENTITY,
            "measurement %s, ID key %s: none of %zu accepted identities matches; if this "
            "image is right, add it to the policy",
            measurement, id_key, candidates);
    }
}
