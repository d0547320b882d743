/* SPDX-License-Identifier: Apache-2.0 */
/* From the VCEK or VLEK by ASK or ASVK to the product's ARK, and what the certificate says. */
#include <stdio.h>
#include <string.h>

#include "attest/amd_path.h"
#include "attest/amd_roots.h"
#include "attest/snp_case.h"
#include "attest/verify.h"

enum { LIST_SIZE_MAX = 64 << 10, CRL_SIZE_MAX = 8 << 20 };

const char *sl_snp_signer_text(const struct sl_snp_case *c)
{
    return c->report.signer == SL_SNP_SIGNER_VLEK ? "VLEK" : "VCEK";
}

static sl_rc list_parse(struct sl_blob blob, struct sl_cert_list *ret_list)
{
    char why[SL_CERT_WHY_SIZE];
    ret_list->profile = SL_CERT_AMD;
    sl_rc rc = blob.size > LIST_SIZE_MAX ? SL_RANGE : sl_cert_list_add(ret_list, blob, true, why);
    if (rc != SL_OK) {
        sl_cert_list_done(ret_list); /* all or none */
    }
    return rc;
}

static sl_rc list_read(struct sl_snp_case *c, struct sl_blob blob, const char *file,
                       struct sl_cert_list *ret_list)
{
    if (blob.data == NULL || blob.size == 0) {
        sl_finding_add(c->findings, SL_CHECK_COLLATERAL_MISSING,
                       "the report is signed by a %s, and %s was not given: get it from AMD's key "
                       "distribution service or from the host",
                       sl_snp_signer_text(c), file);
        return SL_OK;
    }
    sl_rc rc = list_parse(blob, ret_list);
    if (rc != SL_OK && rc != SL_NO_MEMORY) {
        sl_finding_add(c->findings, SL_CHECK_CERT_FORMAT,
                       "%s: %s (expected: certificates, PEM or "
                       "DER, at most %d)",
                       file, sl_rc_text(rc), SL_CERT_LIST_MAX);
    }
    return rc == SL_NO_MEMORY ? rc : SL_OK;
}

/* RFC 5280 4.2.1.3, 4.2.1.9: what may not issue certificates. Of version 1, nothing says so. */
static bool is_end(const struct sl_cert *cert)
{
    bool may_sign = cert->has_key_usage && (cert->key_usage & SL_CERT_USE_CERT_SIGN) != 0;
    if (cert->has_key_usage && !may_sign) {
        return true;
    }
    if (cert->has_basic_constraints) {
        return !cert->is_ca;
    }
    return !may_sign && !(cert->amd.is_version_1 && sl_blob_equal(cert->subject, cert->issuer));
}

/* A file of the VCEK may hold its chain as well: the leaf is the one that is no CA. */
static void leaf_find(struct sl_snp_case *c)
{
    for (size_t i = 0; i < c->leaf_certs.count; i++) {
        if (is_end(&c->leaf_certs.certs[i])) {
            c->leaf = &c->leaf_certs.certs[i];
            return;
        }
    }
    if (c->leaf_certs.count != 0) {
        sl_finding_add(c->findings, SL_CHECK_CERT_USAGE,
                       "no certificate in the file of the %s may sign reports: all are CAs",
                       sl_snp_signer_text(c));
    }
}

static void cert_read(struct sl_snp_case *c)
{
    const char *why = NULL;
    sl_rc rc = sl_snp_cert_read(c->leaf, c->report.signer, &c->cert, &why);
    if (rc != SL_OK) {
        sl_finding_add(c->findings, SL_CHECK_CERT_FORMAT, "%s certificate is refused: %s",
                       sl_snp_signer_text(c), why);
        return;
    }
    c->has_cert = true;
    if (!c->has_product) {
        c->product = c->cert.product;
        c->has_product = true;
    }
}

static sl_rc roots_read(struct sl_snp_case *c)
{
    const struct sl_attest_roots *given = c->input->roots;
    bool is_given = given != NULL && given->pem.data != NULL;
    if (!is_given && !c->has_product) {
        return SL_OK; /* which one is not known: the certificate's finding has told */
    }
    sl_rc rc = list_parse(is_given ? given->pem : sl_amd_root(c->product), &c->roots);
    if (rc != SL_OK && rc != SL_NO_MEMORY) {
        sl_finding_add(c->findings, SL_CHECK_CERT_PATH, "the given root cannot be read: %s",
                       sl_rc_text(rc));
        rc = SL_OK;
    }
    return rc;
}

static sl_rc crl_read(struct sl_snp_case *c, const struct sl_attest_collateral *collateral,
                      struct sl_crl *ret_crl, bool *ret_has_crl)
{
    if (collateral == NULL || collateral->amd_crl.data == NULL) {
        bool is_required = c->input->policy->is_amd_crl_required;
        sl_finding_add_as(c->findings, is_required ? SL_ATTEST_FAILURE : SL_ATTEST_NOTE,
                          SL_CHECK_CRL_MISSING,
                          "no CRL of the ARK was given: whether AMD revoked the %s's issuer is not "
                          "known%s",
                          sl_snp_signer_text(c),
                          is_required ? "; the policy has require_amd_crl: give amd_crl.der" : "");
        return SL_OK;
    }
    char why[SL_CERT_WHY_SIZE];
    sl_rc rc = collateral->amd_crl.size > CRL_SIZE_MAX
                   ? SL_RANGE
                   : sl_crl_read_amd(collateral->amd_crl, ret_crl, why);
    *ret_has_crl = rc == SL_OK;
    if (rc != SL_OK && rc != SL_NO_MEMORY) {
        sl_finding_add(c->findings, SL_CHECK_COLLATERAL_FORMAT, "CRL of the ARK: %s",
                       sl_rc_text(rc));
        rc = SL_OK;
    }
    return rc;
}

/* AMD 57230 and 58369: who has which name. The ASK signs VCEKs, the ASVK signs VLEKs, both under
 * the ARK of their product: a VLEK under an ASK, or a VCEK of another product, is a forgery or a
 * mix-up. */
static void roles_check(struct sl_snp_case *c, const struct sl_amd_chain *chain)
{
    if (chain->count != 3) {
        sl_finding_add(c->findings, SL_CHECK_CERT_PATH,
                       "%s chain: %zu certificates from leaf to root, AMD's have 3",
                       sl_snp_signer_text(c), chain->count);
        return;
    }
    if (!c->has_cert) {
        return;
    }
    bool is_vlek = c->report.signer == SL_SNP_SIGNER_VLEK;
    const char *product = sl_snp_product_text(c->cert.product);
    char expected[3][SL_CERT_NAME_SIZE];
    (void)snprintf(expected[0], sizeof(expected[0]), "SEV-%s", sl_snp_signer_text(c));
    (void)snprintf(expected[1], sizeof(expected[1]), "SEV-%s%s", is_vlek ? "VLEK-" : "", product);
    (void)snprintf(expected[2], sizeof(expected[2]), "ARK-%s", product);
    for (size_t i = 0; i < 3; i++) {
        const char *name = chain->certs[i]->name;
        if (strcmp(name, expected[i]) != 0) {
            sl_finding_add(
                c->findings, SL_CHECK_CERT_USAGE,
                "%s chain: certificate %zu is \"%s\", and for %s it must be \"%s\": give "
                "the chain of this product and key",
                sl_snp_signer_text(c), i, name, c->cert.product_name, expected[i]);
        }
    }
}

static void validity_narrow(struct sl_snp_case *c, const struct sl_amd_chain *chain,
                            const struct sl_crl *crl)
{
    for (size_t i = 0; i < chain->count; i++) {
        sl_result_validity_narrow(c->result, chain->certs[i]->not_before_s,
                                  chain->certs[i]->not_after_s);
    }
    if (crl != NULL) {
        sl_result_validity_narrow(c->result, crl->this_update_s, crl->next_update_s);
    }
}

/* The ARK's CRL says whether the ASK was revoked; one of somebody else says nothing about it. */
static void crl_issuer_check(struct sl_snp_case *c, const struct sl_amd_chain *chain,
                             const struct sl_crl *crl)
{
    bool is_required = c->input->policy->is_amd_crl_required;
    const struct sl_cert *ark = chain->certs[chain->count - 1];
    if (crl != NULL && !sl_blob_equal(crl->issuer, ark->subject)) {
        sl_finding_add_as(c->findings, is_required ? SL_ATTEST_FAILURE : SL_ATTEST_WARNING,
                          SL_CHECK_CRL_MISSING,
                          "the CRL given was not issued by \"%s\": whether AMD revoked the %s's "
                          "issuer is not known; give the CRL of this product's ARK",
                          ark->name, sl_snp_signer_text(c));
    }
}

static void path_judge(struct sl_snp_case *c, const struct sl_crl *crl)
{
    if (c->issuers.count + c->leaf_certs.count > SL_CERT_LIST_MAX) {
        sl_finding_add(c->findings, SL_CHECK_CERT_PATH, "%s chain: more than %d certificates",
                       sl_snp_signer_text(c), SL_CERT_LIST_MAX);
        return;
    }
    char name[16];
    (void)snprintf(name, sizeof(name), "%s chain", sl_snp_signer_text(c));
    struct sl_amd_path path = {.name = name,
                               .lists = {&c->issuers, &c->leaf_certs},
                               .roots = &c->roots,
                               .leaf = c->leaf,
                               .crl = crl,
                               .time_s = c->input->time_s,
                               .max_crl_age_s = c->input->policy->max_collateral_age_s,
                               .cache = c->input->cache};
    struct sl_amd_chain chain;
    if (sl_amd_path_find(&path, c->findings, &chain)) {
        c->result->vector.instance_identity = SL_AR4SI_AFFIRMING;
    }
    if (chain.count != 0) {
        roles_check(c, &chain);
        crl_issuer_check(c, &chain, crl);
        validity_narrow(c, &chain, crl);
    }
}

sl_rc sl_snp_chain_check(struct sl_snp_case *c)
{
    static const struct sl_attest_collateral nothing = {.vcek = {NULL, 0}};
    const struct sl_attest_collateral *given =
        c->input->collateral != NULL ? c->input->collateral : &nothing;
    bool is_vlek = c->report.signer == SL_SNP_SIGNER_VLEK;
    struct sl_crl crl;
    bool has_crl = false;
    sl_rc rc = list_read(c, is_vlek ? given->vlek : given->vcek, is_vlek ? "vlek" : "vcek",
                         &c->leaf_certs);
    if (rc == SL_OK) {
        rc = list_read(c, given->cert_chain, "cert_chain", &c->issuers);
    }
    if (rc == SL_OK) {
        leaf_find(c);
    }
    if (rc != SL_OK || c->leaf == NULL) {
        return rc;
    }
    cert_read(c);
    rc = roots_read(c);
    if (rc == SL_OK) {
        rc = crl_read(c, given, &crl, &has_crl);
    }
    if (rc == SL_OK) {
        path_judge(c, has_crl ? &crl : NULL);
    }
    if (has_crl) {
        sl_crl_done(&crl);
    }
    return rc;
}

void sl_snp_chain_done(struct sl_snp_case *c)
{
    sl_cert_list_done(&c->leaf_certs);
    sl_cert_list_done(&c->issuers);
    sl_cert_list_done(&c->roots);
}
