/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule for SGX and TDX evidence, by forged evidence that is right but for one thing. */
#include "unit.h"

#include "forge.h"
#include "safelib/attest_checks.h"

struct setup {
    struct forge_spec spec;
    struct sl_attest_policy policy;
    int64_t time_s;
    enum sl_attest_type type;
    bool is_root_pinned; /* the vendors' roots in place of the forged one */
    struct sl_blob report_data, nonce, ccel;
    void (*collateral)(struct sl_attest_collateral *collateral);
    void (*evidence)(struct sl_blob *evidence);
};

static struct setup setup_default(bool is_tdx)
{
    struct setup s = {.spec = forge_default(is_tdx),
                      .policy = {.is_any_identity = true},
                      .time_s = PKI_NOW,
                      .type = is_tdx ? SL_ATTEST_TDX : SL_ATTEST_SGX};
    return s;
}

static struct sl_attest_result *judge(struct setup *s, struct sl_attest_cache *cache)
{
    struct forge forge;
    struct sl_attest_result *result = NULL;
    forge_make(&s->spec, &forge);
    struct sl_attest_collateral collateral = forge.collateral;
    struct sl_blob evidence = forge.evidence;
    if (s->collateral != NULL) {
        s->collateral(&collateral);
    }
    if (s->evidence != NULL) {
        s->evidence(&evidence);
    }
    struct sl_attest_roots roots = {.pem = forge.root_pem};
    struct sl_attest_input input = {.type = s->type,
                                    .evidence = evidence,
                                    .collateral = &collateral,
                                    .roots = s->is_root_pinned ? NULL : &roots,
                                    .policy = &s->policy,
                                    .time_s = s->time_s,
                                    .report_data = s->report_data,
                                    .nonce = s->nonce,
                                    .ccel = s->ccel,
                                    .cache = cache};
    assert_ok(sl_attest_verify(&input, &result));
    forge_done(&forge);
    return result;
}

static void print_findings(const struct sl_attest_result *result)
{
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *finding = sl_attest_result_finding(result, i);
        print_message("  %d %s: %s\n", (int)finding->severity, finding->code, finding->text);
    }
}

/* -- the rules ------------------------------------------------------------------------------ */

struct rule {
    const char *name;
    bool is_tdx;
    void (*bend)(struct setup *s);
    const char *code; /* of the only check that fails; NULL: none does */
    enum sl_attest_severity severity;
    enum sl_tcb_status tcb;
    const char *text; /* in the finding; NULL: any */
};

#define BEND(name, ...)                                                                            \
    static void name(struct setup *s)                                                              \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }

BEND(nothing, (void)s)
BEND(version_4, s->spec.version = 4)
BEND(version_5, s->spec.version = 5)
BEND(version_5_td15, s->spec.version = 5; s->spec.is_td15 = true)
BEND(odd_order, s->spec.is_order_odd = true)
BEND(cert_type_1, s->spec.cert_type = 1)
BEND(cert_type_4, s->spec.cert_type = 4)
BEND(info_v2, s->spec.info_version = 2)
BEND(trailing, s->spec.trailing_size = 70)
BEND(issuer_chain_absent, s->spec.is_crl_chain_absent = true)
BEND(processor_ca, s->spec.is_platform = false; s->spec.ca_name = "Test SGX PCK Processor CA")

BEND(other_vendor, s->spec.vendor[0] ^= 1)
BEND(quote_signature, s->spec.is_quote_signed_by_other = true)
BEND(qe_signature, s->spec.is_qe_signed_by_other = true)
BEND(qe_binding, s->spec.is_binding_wrong = true)
BEND(qe_binding_tail, s->spec.is_binding_tail_set = true)
BEND(type_asked_tdx, s->type = SL_ATTEST_TDX)
BEND(type_asked_sgx, s->type = SL_ATTEST_SGX)

static void no_tcb_info(struct sl_attest_collateral *c)
{
    c->tcb_info = (struct sl_blob){0};
}
static void no_qe_identity(struct sl_attest_collateral *c)
{
    c->qe_identity = (struct sl_blob){0};
}
static void no_signing_chain(struct sl_attest_collateral *c)
{
    c->tcb_signing_chain = (struct sl_blob){0};
}
static void no_pck_chain(struct sl_attest_collateral *c)
{
    c->pck_chain = c->pck_crl_issuer_chain = (struct sl_blob){0};
}
static void no_pck_crl(struct sl_attest_collateral *c)
{
    c->pck_crl = (struct sl_blob){0};
}
static void no_root_crl(struct sl_attest_collateral *c)
{
    c->root_crl = (struct sl_blob){0};
}
static void crl_is_text(struct sl_attest_collateral *c)
{
    c->pck_crl = c->tcb_info;
}
static void info_is_identity(struct sl_attest_collateral *c)
{
    c->tcb_info = c->qe_identity;
}
static void signing_is_pck(struct sl_attest_collateral *c)
{
    c->tcb_signing_chain = c->pck_chain;
}

/* From here to the tables each line is a function of its own: one thing wrong with good evidence.
 */
BEND(lacks_info, s->collateral = no_tcb_info)
BEND(lacks_identity, s->collateral = no_qe_identity)
BEND(lacks_signing, s->collateral = no_signing_chain)
BEND(lacks_pck, s->spec.cert_type = 1; s->collateral = no_pck_chain)
BEND(lacks_pck_crl, s->collateral = no_pck_crl)
BEND(lacks_root_crl, s->collateral = no_root_crl)
BEND(bad_crl, s->collateral = crl_is_text)
BEND(bad_info, s->collateral = info_is_identity)
BEND(signed_by_pck, s->collateral = signing_is_pck)
BEND(pinned_root, s->is_root_pinned = true)
BEND(pck_name, s->spec.pck_name = "Test SGX TCB Signing")
BEND(ca_name, s->spec.ca_name = "Test SGX CA")
BEND(signing_name, s->spec.signing_name = "Test SGX PCK Certificate")
BEND(other_signing_root, s->spec.is_signing_root_other = true)
BEND(extension_absent, s->spec.is_extension_absent = true)
BEND(leaf_expired, s->spec.leaf_until_s = PKI_NOW - 1)
BEND(crl_expired, s->spec.crl_until_s = PKI_NOW - 1)
BEND(crl_future, s->spec.crl_from_s = PKI_NOW + 1)
BEND(ca_revoked, s->spec.is_ca_revoked = true)
BEND(pck_revoked, s->spec.is_pck_revoked = true)
BEND(signing_revoked, s->spec.is_signing_revoked = true)

BEND(info_changed, s->spec.is_info_changed = true)
BEND(identity_changed, s->spec.is_identity_changed = true)
BEND(info_expired, s->spec.info_next = "2023-11-14T22:13:19Z")
BEND(info_ends_now, s->spec.info_next = "2023-11-14T22:13:20Z")
BEND(info_future, s->spec.info_issue = "2023-11-14T22:13:21Z")
BEND(identity_expired, s->spec.identity_next = "2023-11-14T22:13:19Z")
BEND(identity_future, s->spec.identity_issue = "2023-11-14T22:13:21Z")
BEND(info_too_old, s->spec.identity_issue = "2023-11-14T00:00:00Z";
     s->spec.crl_from_s = PKI_NOW - 60; s->policy.max_collateral_age_s = 86400)
BEND(info_young, s->policy.max_collateral_age_s = 30 * 86400)
BEND(evaluation_low, s->spec.evaluation = 16; s->policy.min_tcb_evaluation = 17)
BEND(identity_evaluation_low, s->spec.identity_evaluation = 16; s->policy.min_tcb_evaluation = 17)
BEND(evaluation_equal, s->policy.min_tcb_evaluation = 17)
BEND(info_of_tdx, s->spec.info_id = "TDX")
BEND(info_of_sgx, s->spec.info_id = "SGX")
BEND(info_v1, s->spec.info_version = 1)
BEND(other_fmspc, s->spec.info_fmspc[5] ^= 1)
BEND(other_pce_id, s->spec.info_pce_id[1] ^= 1)
BEND(other_tcb_type, s->spec.tcb_type = 1)
BEND(identity_other, s->spec.identity_id = "QVE")
BEND(identity_swapped, s->spec.identity_id = s->spec.is_tdx ? "QE" : "TD_QE")

BEND(qe_misc, s->spec.qe_misc[0] = 1)
BEND(qe_debug, s->spec.qe_attributes[0] |= 2)
BEND(qe_masked, s->spec.qe_attributes[8] = 0xff)
BEND(qe_signer, s->spec.qe_mrsigner[0] ^= 1)
BEND(qe_product, s->spec.qe_prod_id++)
BEND(qe_old, s->spec.qe_svn = 7)
BEND(qe_old_accepted, s->spec.qe_svn = 7; s->policy.tcb_accepted = 1U << SL_TCB_OUT_OF_DATE)
BEND(qe_revoked, s->spec.qe_svn = 5)
BEND(qe_below, s->spec.qe_svn = 4)
BEND(qe_newer, s->spec.qe_svn = 9)

BEND(component_low, s->spec.components[6] = 0)
BEND(component_high, s->spec.components[6] = 200; s->spec.pce_svn = 500)
BEND(pce_low, s->spec.pce_svn = 12)
BEND(no_level, s->spec.components[0] = 5)
BEND(no_levels, s->spec.level_count = 0)
BEND(accepts_all, s->spec.components[0] = 5; s->policy.tcb_accepted = UINT32_MAX)
BEND(revoked, s->spec.levels[0].status = "Revoked")
BEND(revoked_accepted, s->spec.levels[0].status = "Revoked"; s->policy.tcb_accepted = UINT32_MAX)
BEND(unknown, s->spec.levels[0].status = "Splendid"; s->policy.tcb_accepted = UINT32_MAX)
BEND(hardening, s->spec.levels[0].status = "SWHardeningNeeded")
BEND(hardening_accepted, s->spec.levels[0].status = "SWHardeningNeeded";
     s->policy.tcb_accepted = 1U << SL_TCB_SW_HARDENING_NEEDED)
BEND(configuration, s->spec.levels[0].status = "ConfigurationNeeded")
BEND(both, s->spec.levels[0].status = "ConfigurationAndSWHardeningNeeded";
     s->spec.levels[0].advisories = "[\"INTEL-SA-00289\"]")
BEND(configuration_old, s->spec.levels[0].status = "OutOfDateConfigurationNeeded")
BEND(other_accepted, s->spec.levels[0].status = "ConfigurationNeeded";
     s->policy.tcb_accepted = 1U << SL_TCB_SW_HARDENING_NEEDED)
BEND(qe_old_configuration, s->spec.qe_svn = 7; s->spec.levels[0].status = "ConfigurationNeeded")
BEND(qe_old_hardening, s->spec.qe_svn = 7; s->spec.levels[0].status = "SWHardeningNeeded")

BEND(debug, s->spec.attributes[0] |= 2)
BEND(debug_allowed, s->spec.attributes[0] |= 2; s->policy.insecure_allow_debug = true)
BEND(td_debug, s->spec.td_attributes[0] = 1)
BEND(td_under_debug, s->spec.td_attributes[0] = 0x80)
BEND(migratable, s->spec.td_attributes[3] |= 0x20; s->policy.is_migration_refused = true)
BEND(migratable_allowed, s->spec.td_attributes[3] |= 0x20)
BEND(service_td, s->spec.version = 5; s->spec.is_td15 = true; s->spec.mrservicetd[0] = 1;
     s->policy.is_migration_refused = true)

BEND(tdx_component_low, s->spec.tee_tcb_svn[2] = 2)
BEND(tdx_module_old, s->spec.tee_tcb_svn[0] = 3)
BEND(tdx_module_below, s->spec.tee_tcb_svn[0] = 2)
BEND(tdx_module_unknown, s->spec.tee_tcb_svn[1] = 2)
BEND(tdx_module_03, s->spec.tee_tcb_svn[1] = 3; s->spec.tee_tcb_svn[0] = 3)
BEND(tdx_module_lower_case, s->spec.modules[0].id = "tdx_01")
BEND(tdx_module_longer, s->spec.modules[0].id = "TDX_011")
BEND(tdx_module_0, s->spec.tee_tcb_svn[1] = 0; s->spec.levels[0].tdx[1] = 0;
     s->spec.module_count = 0)
BEND(tdx_module_0_old, s->spec.tee_tcb_svn[1] = 0; s->spec.tee_tcb_svn[0] = 4;
     s->spec.levels[0].tdx[1] = 0; s->spec.levels[1].tdx[1] = 0)
BEND(tdx_module_revoked, s->spec.modules[0].levels[0].status = "Revoked")
BEND(tdx_module_configuration, s->spec.tee_tcb_svn[0] = 3;
     s->spec.levels[0].status = "ConfigurationNeeded")
BEND(seam_signer, s->spec.mrsignerseam[0] = 1)
BEND(module_signer, s->spec.modules[0].mrsigner_first = 1)
BEND(seam_attributes, s->spec.seam_attributes[0] = 1)
BEND(relaunch, s->spec.version = 5; s->spec.is_td15 = true; s->spec.tee_tcb_svn[0] = 3)
BEND(relaunch_useless, s->spec.version = 5; s->spec.is_td15 = true; s->spec.tee_tcb_svn[0] = 3;
     s->spec.tee_tcb_svn2[0] = 4)

BEND(policy_empty, s->policy.is_any_identity = false)

static const uint8_t DATA_RIGHT[64] = {0xcc, 3};
static const uint8_t DATA_WRONG[64] = {0xcc, 4};
static const uint8_t CCEL[16];

BEND(data_right, s->report_data = ((struct sl_blob){DATA_RIGHT, 64}))
BEND(data_wrong, s->report_data = ((struct sl_blob){DATA_WRONG, 64}))
BEND(nonce_right, s->nonce = ((struct sl_blob){DATA_RIGHT, 2}))
BEND(nonce_short, s->nonce = ((struct sl_blob){DATA_RIGHT, 1}))
BEND(nonce_wrong, s->nonce = ((struct sl_blob){DATA_WRONG, 2}))
BEND(ccel_for_sgx, s->ccel = ((struct sl_blob){CCEL, sizeof(CCEL)}))
BEND(emulated_name, s->spec.root_name = "SafeLib emulated SGX, no protection")
BEND(emulated_allowed, s->spec.root_name = "SafeLib emulated SGX, no protection";
     s->policy.insecure_allow_emulated = true)

static struct sl_attest_reference *add_reference(struct setup *s)
{
    s->policy.is_any_identity = false;
    return &s->policy.references[s->policy.reference_count++];
}

static void reference_mrenclave(struct setup *s)
{
    struct sl_attest_reference *reference = add_reference(s);
    reference->has_mrenclave = true;
    memcpy(reference->mrenclave, s->spec.mrenclave, 32);
}
static void reference_mrenclave_other(struct setup *s)
{
    reference_mrenclave(s);
    s->policy.references[0].mrenclave[31] ^= 1;
}
static void reference_second(struct setup *s)
{
    reference_mrenclave_other(s);
    struct sl_attest_reference *reference = add_reference(s);
    reference->has_mrenclave = true;
    memcpy(reference->mrenclave, s->spec.mrenclave, 32);
}
static void reference_signer(struct setup *s)
{
    struct sl_attest_reference *reference = add_reference(s);
    reference->has_mrsigner = reference->has_isv_prod_id = true;
    memcpy(reference->mrsigner, s->spec.mrsigner, 32);
    reference->isv_prod_id = s->spec.isv_prod_id;
    reference->min_isv_svn = s->spec.isv_svn;
}
static void reference_signer_other(struct setup *s)
{
    reference_signer(s);
    s->policy.references[0].mrsigner[0] ^= 1;
}
static void reference_product_other(struct setup *s)
{
    reference_signer(s);
    s->policy.references[0].isv_prod_id++;
}
static void reference_svn_higher(struct setup *s)
{
    reference_signer(s);
    s->policy.references[0].min_isv_svn++;
}
static void reference_any_too(struct setup *s)
{
    reference_mrenclave_other(s);
    s->policy.is_any_identity = true;
}
static void reference_empty(struct setup *s)
{
    (void)add_reference(s);
}
static void reference_mixed(struct setup *s)
{
    reference_mrenclave(s);
    s->policy.references[0].has_measurement = true;
}
static void reference_mrtd(struct setup *s)
{
    struct sl_attest_reference *reference = add_reference(s);
    reference->has_mrtd = reference->has_rtmr[2] = true;
    memcpy(reference->mrtd, s->spec.mrtd, 48);
    memcpy(reference->rtmr[2], s->spec.rtmr[2], 48);
}
static void reference_mrtd_other(struct setup *s)
{
    reference_mrtd(s);
    s->policy.references[0].mrtd[47] ^= 1;
}
static void reference_rtmr_other(struct setup *s)
{
    reference_mrtd(s);
    s->policy.references[0].rtmr[2][0] ^= 1;
}
static void reference_td_of_enclave(struct setup *s)
{
    reference_mrenclave(s);
}

#define N   SL_ATTEST_NOTE
#define W   SL_ATTEST_WARNING
#define F   SL_ATTEST_FAILURE
#define SGX false
#define TDX true

static const struct rule RULES[] = {
    /* what must be accepted */
    {"sgx", SGX, nothing, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"sgx v4", SGX, version_4, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"sgx v5", SGX, version_5, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"tdx", TDX, nothing, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"tdx v5", TDX, version_5, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"tdx v5 1.5", TDX, version_5_td15, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"root, CA, leaf", SGX, odd_order, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"platform by PPID", SGX, cert_type_1, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"PCK leaf only", SGX, cert_type_4, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"TCB info 2", SGX, info_v2, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"processor CA", SGX, processor_ca, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"no issuer chain of the CRL", SGX, issuer_chain_absent, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"trailing bytes", SGX, trailing, "evidence-trailing-bytes", N, SL_TCB_UP_TO_DATE, "70 bytes"},
    {"info ends now", SGX, info_ends_now, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"info young enough", SGX, info_young, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"evaluation equal", SGX, evaluation_equal, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"higher than the highest", SGX, component_high, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"QE newer", SGX, qe_newer, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"QE bits outside the mask", SGX, qe_masked, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    /* form */
    {"vendor", SGX, other_vendor, "evidence-version", F, SL_TCB_UP_TO_DATE, "vendor"},
    {"SGX for TDX", SGX, type_asked_tdx, "evidence-version", F, SL_TCB_UNKNOWN, "of SGX"},
    {"TDX for SGX", TDX, type_asked_sgx, "evidence-version", F, SL_TCB_UNKNOWN, "of TDX"},
    /* signatures */
    {"quote signature", SGX, quote_signature, "signature", F, SL_TCB_UP_TO_DATE, NULL},
    {"QE signature", TDX, qe_signature, "qe-report", F, SL_TCB_UP_TO_DATE, "PCK key"},
    {"QE binding", SGX, qe_binding, "qe-report", F, SL_TCB_UP_TO_DATE, "another attestation key"},
    {"QE binding's zeros", SGX, qe_binding_tail, "qe-report", F, SL_TCB_UP_TO_DATE, NULL},
    /* collateral */
    {"no TCB info", SGX, lacks_info, "collateral-missing", F, SL_TCB_UNKNOWN, "tcb_info"},
    {"no QE identity", TDX, lacks_identity, "collateral-missing", F, SL_TCB_UNKNOWN, "qe_identity"},
    {"no signing chain", SGX, lacks_signing, "collateral-missing", F, SL_TCB_UP_TO_DATE,
     "tcb_signing_chain"},
    {"no PCK chain", SGX, lacks_pck, "collateral-missing", F, SL_TCB_UNKNOWN, "pck_chain"},
    {"no PCK CRL", SGX, lacks_pck_crl, "crl-missing", F, SL_TCB_UP_TO_DATE, "pck_crl"},
    {"no root CRL", TDX, lacks_root_crl, "crl-missing", F, SL_TCB_UP_TO_DATE, "root_crl"},
    {"TCB info is none", SGX, bad_info, "collateral-format", F, SL_TCB_UNKNOWN, "tcbInfo"},
    {"info changed", SGX, info_changed, "collateral-signature", F, SL_TCB_UP_TO_DATE, "tcb_info"},
    {"identity changed", TDX, identity_changed, "collateral-signature", F, SL_TCB_UP_TO_DATE,
     "qe_identity"},
    {"info expired", SGX, info_expired, "collateral-expired", F, SL_TCB_UP_TO_DATE, "tcb_info"},
    {"info future", SGX, info_future, "collateral-not-yet-valid", F, SL_TCB_UP_TO_DATE, "clock"},
    {"identity expired", TDX, identity_expired, "collateral-expired", F, SL_TCB_UP_TO_DATE,
     "qe_identity"},
    {"identity future", SGX, identity_future, "collateral-not-yet-valid", F, SL_TCB_UP_TO_DATE,
     "qe_identity"},
    {"info too old", SGX, info_too_old, "collateral-too-old", F, SL_TCB_UP_TO_DATE, "tcb_info"},
    {"evaluation", SGX, evaluation_low, "tcb-evaluation-number", F, SL_TCB_UP_TO_DATE, "16"},
    {"identity's evaluation", SGX, identity_evaluation_low, "tcb-evaluation-number", F,
     SL_TCB_UP_TO_DATE, "qe_identity"},
    {"info of TDX", SGX, info_of_tdx, "collateral-mismatch", F, SL_TCB_UNKNOWN, "TDX"},
    {"info of SGX", TDX, info_of_sgx, "collateral-mismatch", F, SL_TCB_UNKNOWN, "SGX"},
    {"info 1", SGX, info_v1, "collateral-format", F, SL_TCB_UNKNOWN, "version 1"},
    {"FMSPC", SGX, other_fmspc, "collateral-mismatch", F, SL_TCB_UP_TO_DATE, "FMSPC"},
    {"PCE-ID", TDX, other_pce_id, "collateral-mismatch", F, SL_TCB_UP_TO_DATE, "PCE-ID"},
    {"TCB type", SGX, other_tcb_type, "collateral-format", F, SL_TCB_UP_TO_DATE, "tcbType"},
    {"identity of the QvE", SGX, identity_other, "collateral-mismatch", F, SL_TCB_UP_TO_DATE,
     "QVE"},
    {"identity of the TD QE", SGX, identity_swapped, "collateral-mismatch", F, SL_TCB_UP_TO_DATE,
     "TD_QE"},
    {"identity of the SGX QE", TDX, identity_swapped, "collateral-mismatch", F, SL_TCB_UP_TO_DATE,
     "\"QE\""},
    /* certificates */
    {"root not trusted", SGX, pinned_root, "cert-path", F, SL_TCB_UP_TO_DATE, "root"},
    {"PCK by another name", SGX, pck_name, "cert-usage", F, SL_TCB_UP_TO_DATE, "PCK Certificate"},
    {"CA by another name", SGX, ca_name, "cert-usage", F, SL_TCB_UP_TO_DATE, "Processor CA"},
    {"signing by another name", SGX, signing_name, "cert-usage", F, SL_TCB_UP_TO_DATE,
     "TCB Signing"},
    {"TCB signing under another root", SGX, other_signing_root, "cert-path", F, SL_TCB_UP_TO_DATE,
     "TCB signing chain"},
    {"no SGX extension", SGX, extension_absent, "cert-format", F, SL_TCB_UNKNOWN, "extension"},
    {"leaf expired", SGX, leaf_expired, "cert-expired", F, SL_TCB_UP_TO_DATE, "PCK"},
    {"CRLs expired", SGX, crl_expired, "crl-expired", F, SL_TCB_UP_TO_DATE, NULL},
    {"CRLs future", TDX, crl_future, "crl-not-yet-valid", F, SL_TCB_UP_TO_DATE, NULL},
    {"CA revoked", SGX, ca_revoked, "cert-revoked", F, SL_TCB_UP_TO_DATE, "Platform CA"},
    {"PCK revoked", TDX, pck_revoked, "cert-revoked", F, SL_TCB_UP_TO_DATE, "PCK Certificate"},
    {"TCB signing revoked", SGX, signing_revoked, "cert-revoked", F, SL_TCB_UP_TO_DATE,
     "TCB Signing"},
    {"emulated", SGX, emulated_name, "emulated", F, SL_TCB_UP_TO_DATE, "public"},
    {"emulated, allowed", SGX, emulated_allowed, "emulated", W, SL_TCB_UP_TO_DATE, "insecure"},
    /* quoting enclave */
    {"QE MISCSELECT", SGX, qe_misc, "qe-identity", F, SL_TCB_UP_TO_DATE, "MISCSELECT"},
    {"QE debug", SGX, qe_debug, "qe-identity", F, SL_TCB_UP_TO_DATE, "ATTRIBUTES"},
    {"QE signer", TDX, qe_signer, "qe-identity", F, SL_TCB_UP_TO_DATE, "MRSIGNER"},
    {"QE product", SGX, qe_product, "qe-identity", F, SL_TCB_UP_TO_DATE, "product"},
};

static const struct rule TCB_RULES[] = {
    {"component low", SGX, component_low, "tcb-status", F, SL_TCB_OUT_OF_DATE,
     "TCB component 7 is 0, level of 2023-08-09 needs 1: update microcode"},
    {"PCE low", SGX, pce_low, "tcb-no-matching-level", F, SL_TCB_NO_MATCHING_LEVEL,
     "PCESVN is 12, level of 2022-08-10 needs 13: update the SGX platform software"},
    {"no level", TDX, no_level, "tcb-no-matching-level", F, SL_TCB_NO_MATCHING_LEVEL,
     "TCB component 1 (BIOS, Early Microcode Update) is 5"},
    {"no levels at all", SGX, no_levels, "tcb-no-matching-level", F, SL_TCB_NO_MATCHING_LEVEL,
     NULL},
    {"no level, all accepted", SGX, accepts_all, "tcb-no-matching-level", F,
     SL_TCB_NO_MATCHING_LEVEL, NULL},
    {"revoked", SGX, revoked, "tcb-revoked", F, SL_TCB_REVOKED, NULL},
    {"revoked, all accepted", SGX, revoked_accepted, "tcb-revoked", F, SL_TCB_REVOKED, NULL},
    {"unknown word", SGX, unknown, "tcb-status", F, SL_TCB_UNKNOWN, NULL},
    {"hardening", SGX, hardening, "tcb-status", F, SL_TCB_SW_HARDENING_NEEDED, "mitigations"},
    {"hardening accepted", SGX, hardening_accepted, "tcb-status", W, SL_TCB_SW_HARDENING_NEEDED,
     NULL},
    {"configuration", TDX, configuration, "tcb-status", F, SL_TCB_CONFIGURATION_NEEDED, "BIOS"},
    {"both", SGX, both, "tcb-status", F, SL_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
     "INTEL-SA-00289"},
    {"out of date, configuration", SGX, configuration_old, "tcb-status", F,
     SL_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, NULL},
    {"another status accepted", SGX, other_accepted, "tcb-status", F, SL_TCB_CONFIGURATION_NEEDED,
     NULL},
    {"QE old", SGX, qe_old, "qe-tcb", F, SL_TCB_OUT_OF_DATE, "SVN 7"},
    {"QE old, accepted", SGX, qe_old_accepted, "qe-tcb", W, SL_TCB_OUT_OF_DATE, NULL},
    {"QE old, configuration", SGX, qe_old_configuration, "qe-tcb", F,
     SL_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, NULL},
    {"QE old, hardening", SGX, qe_old_hardening, "qe-tcb", F, SL_TCB_OUT_OF_DATE, NULL},
    {"QE revoked", TDX, qe_revoked, "qe-tcb", F, SL_TCB_REVOKED, NULL},
    {"QE below", SGX, qe_below, "qe-tcb", F, SL_TCB_NO_MATCHING_LEVEL, NULL},
    {"TDX component low", TDX, tdx_component_low, "tcb-no-matching-level", F,
     SL_TCB_NO_MATCHING_LEVEL, "TDX TCB component 3 is 2"},
    {"TDX module old", TDX, tdx_module_old, "tdx-module", F, SL_TCB_OUT_OF_DATE, "SVN 3"},
    {"TDX module below", TDX, tdx_module_below, "tdx-module", F, SL_TCB_NO_MATCHING_LEVEL, NULL},
    {"TDX module unknown", TDX, tdx_module_unknown, "tdx-module", F, SL_TCB_NO_MATCHING_LEVEL,
     "TDX_02"},
    {"TDX module 3", TDX, tdx_module_03, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"TDX module in small letters", TDX, tdx_module_lower_case, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"TDX module with a longer id", TDX, tdx_module_longer, "tdx-module", F,
     SL_TCB_NO_MATCHING_LEVEL, NULL},
    {"TDX module 0", TDX, tdx_module_0, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"TDX module 0 old", TDX, tdx_module_0_old, "tcb-status", F, SL_TCB_OUT_OF_DATE,
     "TDX TCB component 1 (OS/VMM, TDX Module) is 4, level of 2023-08-09 needs 5: update the TDX "
     "module"},
    {"TDX module revoked", TDX, tdx_module_revoked, "tdx-module", F, SL_TCB_REVOKED, NULL},
    {"TDX module old, configuration", TDX, tdx_module_configuration, "tdx-module", F,
     SL_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, NULL},
    {"MRSIGNERSEAM", TDX, seam_signer, "tdx-module", F, SL_TCB_UP_TO_DATE, "MRSIGNERSEAM"},
    {"module's MRSIGNER", TDX, module_signer, "tdx-module", F, SL_TCB_UP_TO_DATE, "MRSIGNERSEAM"},
    {"SEAMATTRIBUTES", TDX, seam_attributes, "tdx-module", F, SL_TCB_UP_TO_DATE, "SEAMATTRIBUTES"},
    {"relaunch is enough", TDX, relaunch, "tdx-module", F, SL_TCB_OUT_OF_DATE, NULL},
    {"relaunch is not enough", TDX, relaunch_useless, "tdx-module", F, SL_TCB_OUT_OF_DATE, NULL},
};

static const struct rule POLICY_RULES[] = {
    {"debug", SGX, debug, "debug", F, SL_TCB_UP_TO_DATE, "production"},
    {"debug allowed", SGX, debug_allowed, "debug", W, SL_TCB_UP_TO_DATE, "insecure_allow_debug"},
    {"TD debug", TDX, td_debug, "debug", F, SL_TCB_UP_TO_DATE, "0x01"},
    {"TD under debug", TDX, td_under_debug, "debug", F, SL_TCB_UP_TO_DATE, "0x80"},
    {"migratable", TDX, migratable, "attributes", F, SL_TCB_UP_TO_DATE, "MIGRATABLE"},
    {"migratable, allowed", TDX, migratable_allowed, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"service TD", TDX, service_td, "attributes", F, SL_TCB_UP_TO_DATE, "service TD"},
    {"no identity", SGX, policy_empty, "policy-empty", F, SL_TCB_UP_TO_DATE, NULL},
    {"no identity of a TD", TDX, policy_empty, "policy-empty", F, SL_TCB_UP_TO_DATE, NULL},
    {"report_data", SGX, data_right, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"report_data of another", TDX, data_wrong, "report-data", F, SL_TCB_UP_TO_DATE, NULL},
    {"nonce", TDX, nonce_right, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"nonce with a tail", SGX, nonce_short, "report-data", F, SL_TCB_UP_TO_DATE, "nonce"},
    {"nonce of another", SGX, nonce_wrong, "report-data", F, SL_TCB_UP_TO_DATE, "nonce"},
    {"event log for SGX", SGX, ccel_for_sgx, "ccel-format", F, SL_TCB_UP_TO_DATE, NULL},
    {"MRENCLAVE", SGX, reference_mrenclave, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"MRENCLAVE of another", SGX, reference_mrenclave_other, "identity", F, SL_TCB_UP_TO_DATE,
     "aa01"},
    {"second reference", SGX, reference_second, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"signer", SGX, reference_signer, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"signer of another", SGX, reference_signer_other, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"product of another", SGX, reference_product_other, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"ISVSVN", SGX, reference_svn_higher, "svn", F, SL_TCB_UP_TO_DATE, "needs 6"},
    {"references bind", SGX, reference_any_too, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"empty reference", SGX, reference_empty, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"empty reference of a TD", TDX, reference_empty, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"reference of two kinds", SGX, reference_mixed, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"MRTD", TDX, reference_mrtd, NULL, N, SL_TCB_UP_TO_DATE, NULL},
    {"MRTD of another", TDX, reference_mrtd_other, "identity", F, SL_TCB_UP_TO_DATE, "MRTD"},
    {"RTMR of another", TDX, reference_rtmr_other, "identity", F, SL_TCB_UP_TO_DATE, NULL},
    {"an enclave's reference for a TD", TDX, reference_td_of_enclave, "identity", F,
     SL_TCB_UP_TO_DATE, NULL},
};

/* Whether the findings are exactly what the rule says. */
static bool holds(const struct rule *rule, const struct sl_attest_result *result)
{
    bool is_found = rule->code == NULL;
    bool has_text = rule->text == NULL;
    enum sl_attest_severity worst = SL_ATTEST_NOTE;
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *finding = sl_attest_result_finding(result, i);
        worst = finding->severity > worst ? finding->severity : worst;
        if (rule->code != NULL && strcmp(finding->code, rule->code) == 0 &&
            finding->severity == rule->severity) {
            is_found = true;
            has_text = has_text || strstr(finding->text, rule->text) != NULL;
        }
    }
    enum sl_attest_status status = rule->severity == SL_ATTEST_FAILURE   ? SL_ATTEST_CONTRAINDICATED
                                   : rule->severity == SL_ATTEST_WARNING ? SL_ATTEST_WARNED
                                                                         : SL_ATTEST_AFFIRMING;
    return is_found && has_text && worst == rule->severity &&
           sl_attest_result_status(result) == status &&
           sl_attest_result_is_accepted(result) == (rule->severity != SL_ATTEST_FAILURE) &&
           sl_attest_result_tcb_status(result) == rule->tcb;
}

static void run_rules(const struct rule *rules, size_t count)
{
    size_t broken = 0;
    for (size_t i = 0; i < count; i++) {
        struct setup s = setup_default(rules[i].is_tdx);
        rules[i].bend(&s);
        struct sl_attest_result *result = judge(&s, NULL);
        if (!holds(&rules[i], result)) {
            print_message("%s: status %s, tcb %s\n", rules[i].name,
                          sl_attest_status_text(sl_attest_result_status(result)),
                          sl_tcb_status_text(sl_attest_result_tcb_status(result)));
            print_findings(result);
            broken++;
        }
        sl_attest_result_free(result);
    }
    assert_int_equal(broken, 0);
}

static void test_evidence_and_collateral_rules(void **state)
{
    run_rules(RULES, sizeof(RULES) / sizeof(RULES[0]));
}

static void test_tcb_rules(void **state)
{
    run_rules(TCB_RULES, sizeof(TCB_RULES) / sizeof(TCB_RULES[0]));
}

static void test_policy_rules(void **state)
{
    run_rules(POLICY_RULES, sizeof(POLICY_RULES) / sizeof(POLICY_RULES[0]));
}

/* Several failures: all are told. */
static void test_many_faults_all_reported(void **state)
{
    static const char *const CODES[] = {"signature",           "qe-report",          "qe-identity",
                                        "tcb-status",          "collateral-expired", "debug",
                                        "cert-revoked",        "report-data",        "identity",
                                        "collateral-mismatch", "crl-expired"};
    struct setup s = setup_default(false);
    quote_signature(&s);
    qe_binding(&s);
    qe_signer(&s);
    component_low(&s);
    info_expired(&s);
    debug(&s);
    pck_revoked(&s);
    data_wrong(&s);
    reference_mrenclave_other(&s);
    other_fmspc(&s);
    crl_expired(&s);
    struct sl_attest_result *result = judge(&s, NULL);
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        bool is_found = false;
        for (size_t k = 0; k < sl_attest_result_finding_count(result); k++) {
            is_found = is_found || strcmp(sl_attest_result_finding(result, k)->code, CODES[i]) == 0;
        }
        if (!is_found) {
            print_findings(result);
            fail_msg("%s is not told", CODES[i]);
        }
    }
    assert_false(sl_attest_result_is_accepted(result));
    sl_attest_result_free(result);
}

/* What is missing is one failure: nothing is said of a certificate that nobody has seen. */
static void test_missing_pck_chain_draws_no_other_failure(void **state)
{
    (void)state;
    struct setup s = setup_default(false);
    lacks_pck(&s);
    struct sl_attest_result *result = judge(&s, NULL);
    for (size_t i = 0; i < sl_attest_result_finding_count(result); i++) {
        const struct sl_attest_finding *finding = sl_attest_result_finding(result, i);
        if (finding->severity == SL_ATTEST_FAILURE) {
            assert_string_equal(finding->code, "collateral-missing");
        }
    }
    assert_false(sl_attest_result_is_accepted(result));
    sl_attest_result_free(result);
}

/* Faults that draw others with them: refused, and for the right reason first. */
static void test_chain_faults_refused(void **state)
{
    void (*const bends[])(struct setup *) = {bad_crl, signed_by_pck};
    static const char *const codes[] = {"collateral-format", "cert-usage"};
    for (size_t i = 0; i < 2; i++) {
        struct setup s = setup_default(false);
        bool is_found = false;
        bends[i](&s);
        struct sl_attest_result *result = judge(&s, NULL);
        for (size_t k = 0; k < sl_attest_result_finding_count(result); k++) {
            is_found = is_found || strcmp(sl_attest_result_finding(result, k)->code, codes[i]) == 0;
        }
        assert_true(is_found);
        assert_false(sl_attest_result_is_accepted(result));
        sl_attest_result_free(result);
    }
}

/* AR4SI: what was checked and held is affirmed, what was not checked is no claim. */
static void test_vector_of_good_and_bad(void **state)
{
    struct setup s = setup_default(true);
    struct sl_attest_result *result = judge(&s, NULL);
    struct sl_attest_vector vector = sl_attest_result_vector(result);
    assert_int_equal(vector.hardware, 2);
    assert_int_equal(vector.instance_identity, 2);
    assert_int_equal(vector.configuration, 2);
    assert_int_equal(vector.runtime_opaque, 2);
    assert_int_equal(vector.executables, 0);
    assert_int_equal(vector.sourced_data, 0);
    sl_attest_result_free(result);

    reference_mrtd(&s);
    data_right(&s);
    result = judge(&s, NULL);
    vector = sl_attest_result_vector(result);
    assert_int_equal(vector.executables, 2);
    assert_int_equal(vector.sourced_data, 2);
    sl_attest_result_free(result);

    td_debug(&s);
    quote_signature(&s);
    result = judge(&s, NULL);
    vector = sl_attest_result_vector(result);
    assert_int_equal(vector.configuration, 96);
    assert_int_equal(vector.hardware, 99);
    assert_int_equal(vector.runtime_opaque, 0);
    sl_attest_result_free(result);

    s = setup_default(false);
    hardening_accepted(&s);
    result = judge(&s, NULL);
    assert_int_equal(sl_attest_result_vector(result).hardware, 32);
    sl_attest_result_free(result);
}

/* With a cache the verdict is the same: what was good may fail by time and revocation. */
static void test_cache_keeps_signatures_only(void **state)
{
    struct sl_attest_cache *cache;
    assert_ok(sl_attest_cache_create(64, &cache));
    struct setup s = setup_default(true);
    for (int i = 0; i < 2; i++) {
        struct sl_attest_result *result = judge(&s, cache);
        assert_true(sl_attest_result_is_accepted(result));
        sl_attest_result_free(result);
    }
    void (*const bends[])(struct setup *) = {pck_revoked,  crl_expired,     leaf_expired,
                                             info_expired, quote_signature, qe_signature,
                                             info_changed, identity_changed};
    for (size_t i = 0; i < sizeof(bends) / sizeof(bends[0]); i++) {
        s = setup_default(true);
        bends[i](&s);
        for (int k = 0; k < 2; k++) {
            struct sl_attest_result *result = judge(&s, cache);
            assert_false(sl_attest_result_is_accepted(result));
            sl_attest_result_free(result);
        }
    }
    sl_attest_cache_free(cache);
}

static bool is_accepted(const struct forge *forge, enum sl_attest_type type,
                        struct sl_blob evidence, struct sl_attest_cache *cache)
{
    static const struct sl_attest_policy POLICY = {.is_any_identity = true};
    struct sl_attest_roots roots = {.pem = forge->root_pem};
    struct sl_attest_input input = {.type = type,
                                    .evidence = evidence,
                                    .collateral = &forge->collateral,
                                    .roots = &roots,
                                    .policy = &POLICY,
                                    .time_s = PKI_NOW,
                                    .cache = cache};
    struct sl_attest_result *result;
    assert_ok(sl_attest_verify(&input, &result));
    bool is = sl_attest_result_is_accepted(result);
    sl_attest_result_free(result);
    return is;
}

/* Cut anywhere or one bit flipped anywhere before the certificates' text: refused. The cache makes
 * it quick, and must not make it lenient. */
static void test_every_cut_and_flip_refused(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct forge_spec spec = forge_default(i == 1);
        struct forge forge;
        struct sl_attest_cache *cache;
        enum sl_attest_type type = i == 1 ? SL_ATTEST_TDX : SL_ATTEST_SGX;
        spec.version = i == 1 ? 5 : 3;
        spec.is_td15 = true;
        assert_ok(sl_attest_cache_create(64, &cache));
        forge_make(&spec, &forge);
        size_t size = forge.evidence.size;
        uint8_t *bytes = malloc(size);
        assert_non_null(bytes);
        memcpy(bytes, forge.evidence.data, size);
        assert_true(is_accepted(&forge, type, (struct sl_blob){bytes, size}, cache));
        const uint8_t *pem = memmem(bytes, size, "-----BEGIN", 10);
        assert_non_null(pem);
        for (size_t cut = 0; cut < size; cut += bytes + cut < pem ? 1 : 29) {
            assert_false(is_accepted(&forge, type, (struct sl_blob){bytes, cut}, cache));
        }
        for (size_t off = 0; off < (size_t)(pem - bytes); off++) {
            uint8_t bit = (uint8_t)(1U << (off % 8));
            bytes[off] ^= bit;
            bool is = is_accepted(&forge, type, (struct sl_blob){bytes, size}, cache);
            bytes[off] ^= bit;
            if (is) {
                fail_msg("bit 0x%02x of byte %zu of %zu makes no difference", bit, off, size);
            }
        }
        free(bytes);
        forge_done(&forge);
        sl_attest_cache_free(cache);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evidence_and_collateral_rules),
        cmocka_unit_test(test_tcb_rules),
        cmocka_unit_test(test_policy_rules),
        cmocka_unit_test(test_many_faults_all_reported),
        cmocka_unit_test(test_missing_pck_chain_draws_no_other_failure),
        cmocka_unit_test(test_chain_faults_refused),
        cmocka_unit_test(test_vector_of_good_and_bad),
        cmocka_unit_test(test_cache_keeps_signatures_only),
        cmocka_unit_test(test_every_cut_and_flip_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
