/* SPDX-License-Identifier: Apache-2.0 */
/* The SEV-SNP verifier: reads like AMD's list of rules, and every step adds what it finds. */
#include "attest/amd_key.h"
#include "attest/snp_case.h"
#include "attest/verify.h"

static void signature_check(struct sl_snp_case *c)
{
    const struct sl_snp_report *r = &c->report;
    _Static_assert(sizeof(r->signature) == SL_P384_SIGNATURE_SIZE, "r and s");
    sl_rc rc =
        sl_amd_p384_verify(c->leaf, r->signature, (struct sl_blob){r->bytes, SL_SNP_SIGNED_SIZE});
    if (rc == SL_OK) {
        c->result->vector.hardware = SL_AR4SI_AFFIRMING;
        c->result->vector.runtime_opaque = SL_AR4SI_AFFIRMING;
    } else if (rc == SL_MALFORMED) {
        sl_finding_add(c->findings, SL_CHECK_CERT_FORMAT,
                       "the %s's key is not on P-384, with which reports are signed",
                       sl_snp_signer_text(c));
    } else if (rc == SL_AUTH) {
        sl_finding_add(c->findings, SL_CHECK_SIGNATURE,
                       "the report's signature is not by this %s: the report was changed, or the "
                       "certificate is another chip's or another TCB's",
                       sl_snp_signer_text(c));
    } else {
        sl_finding_add(c->findings, SL_CHECK_INTERNAL, "the report's signature: %s",
                       sl_rc_text(rc));
    }
}

/* Who signed decides which certificate is needed. */
static sl_rc origin_check(struct sl_snp_case *c)
{
    if (c->report.signer == SL_SNP_SIGNER_NONE) {
        sl_finding_add(c->findings, SL_CHECK_SIGNATURE,
                       "the report is not signed (SIGNING_KEY is none): the host masks the chip's "
                       "key; it proves nothing");
        return SL_OK;
    }
    if (c->report.signer > SL_SNP_SIGNER_VLEK) {
        sl_finding_add(c->findings, SL_CHECK_EVIDENCE_FORMAT,
                       "report: SIGNING_KEY is %u; 0 (VCEK), 1 (VLEK) and 7 (none) are defined",
                       c->report.signer);
        return SL_OK;
    }
    sl_rc rc = sl_snp_chain_check(c);
    if (rc == SL_OK && c->leaf != NULL) {
        signature_check(c);
        sl_snp_cert_check(c);
    }
    return rc;
}

static sl_rc claims_set(struct sl_snp_case *c)
{
    sl_rc rc = SL_OK;
    json_t *claims = sl_snp_report_json(&c->report, c->has_product ? &c->product : NULL);
    if (claims == NULL) {
        return SL_NO_MEMORY;
    }
    json_decref(c->result->claims);
    c->result->claims = claims;
    json_t *appraised = c->result->appraised;
    if (c->has_product) {
        sl_json_put(appraised, "product", json_string(sl_snp_product_text(c->product)), &rc);
    }
    if (c->has_cert) {
        sl_json_put(appraised, "signed_by", json_string(sl_snp_signer_text(c)), &rc);
        sl_json_put(appraised, "product_name", json_string(c->cert.product_name), &rc);
        sl_json_put(appraised, "certified_tcb", sl_json_hex(c->cert.tcb, SL_SNP_TCB_SIZE), &rc);
        if (c->cert.hwid_size != 0) {
            sl_json_put(appraised, "hwid", sl_json_hex(c->cert.hwid, c->cert.hwid_size), &rc);
        }
        if (c->cert.csp_id[0] != '\0') {
            sl_json_put(appraised, "csp_id", json_string(c->cert.csp_id), &rc);
        }
    }
    return rc;
}

static bool report_read(struct sl_snp_case *c)
{
    struct sl_blob evidence = c->input->evidence;
    sl_rc rc = sl_snp_report_parse(evidence, &c->report);
    if (rc == SL_TRUNCATED) {
        sl_finding_add(c->findings, SL_CHECK_EVIDENCE_FORMAT,
                       "report: %zu bytes, and a SEV-SNP report has %d", evidence.size,
                       SL_SNP_REPORT_SIZE);
    } else if (rc != SL_OK) {
        sl_finding_add(c->findings, SL_CHECK_EVIDENCE_VERSION,
                       "report: version %u; 2 to 5 are known to this verifier", c->report.version);
    }
    if (rc == SL_OK && evidence.size > SL_SNP_REPORT_SIZE) {
        sl_finding_add_as(c->findings, SL_ATTEST_NOTE, SL_CHECK_EVIDENCE_TRAILING,
                          "%zu bytes behind the report were not looked at",
                          evidence.size - SL_SNP_REPORT_SIZE);
    }
    return rc == SL_OK;
}

sl_rc sl_attest_snp_verify(const struct sl_attest_input *input, struct sl_attest_result *result)
{
    struct sl_snp_case c = {.input = input, .result = result, .findings = &result->findings};
    if (!report_read(&c)) {
        return SL_OK;
    }
    sl_snp_report_check(&c.report, c.findings);
    c.has_product = sl_snp_report_product(&c.report, &c.product);
    if (c.report.has_cpuid && !c.has_product) {
        sl_finding_add(c.findings, SL_CHECK_EVIDENCE_VERSION,
                       "report: CPUID family 0x%x model 0x%x is no product of AMD's that this "
                       "verifier knows (Milan, Genoa, Turin)",
                       c.report.cpuid_family, c.report.cpuid_model);
    }
    result->vector.configuration = SL_AR4SI_AFFIRMING;
    sl_rc rc = origin_check(&c);
    if (rc == SL_OK) {
        sl_snp_tcb_check(&c);
        sl_snp_policy_check(&c);
        sl_snp_identity_check(&c);
        sl_result_check_report_data(result, input, c.report.report_data);
        rc = claims_set(&c);
    }
    sl_snp_chain_done(&c);
    return rc;
}
