/* SPDX-License-Identifier: Apache-2.0 */
/* From the VCEK or VLEK by ASK or ASVK to the product's ARK, and what the certificate says. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "attest/amd_roots.h"
#include "attest/snp_case.h"
#include "attest/verify.h"
#include "attest/x509_internal.h"

struct chain_files {
    struct sl_x509_list leaf, issuers, roots;
    X509_CRL *crl;
};

const char *sl_snp_signer_text(const struct sl_snp_case *c)
{
    return c->report.signer == SL_SNP_SIGNER_VLEK ? "VLEK" : "VCEK";
}

static sl_rc list_read(struct sl_snp_case *c, struct sl_blob blob, const char *file,
                       struct sl_x509_list *ret_list)
{
    if (blob.data == NULL || blob.size == 0) {
        sl_finding_add(c->findings, SL_CHECK_COLLATERAL_MISSING,
                       "the report is signed by a %s, and %s was not given: get it from AMD's key "
                       "distribution service or from the host",
                       sl_snp_signer_text(c), file);
        return SL_OK;
    }
    sl_rc rc = sl_x509_list_read(blob, ret_list);
    if (rc != SL_OK && rc != SL_NO_MEMORY) {
        sl_finding_add(c->findings, SL_CHECK_CERT_FORMAT,
                       "%s: %s (expected: certificates, PEM or "
                       "DER, at most %d)",
                       file, sl_rc_text(rc), SL_X509_CHAIN_MAX);
    }
    return rc == SL_NO_MEMORY ? rc : SL_OK;
}

/* A file of the VCEK may hold its chain as well: the leaf is the one that is no CA. */
static void leaf_find(struct sl_snp_case *c, const struct sl_x509_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (X509_check_ca(list->certs[i]) == 0) {
            c->leaf = list->certs[i];
            X509_up_ref(c->leaf);
            return;
        }
    }
    if (list->count != 0) {
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

static sl_rc roots_read(struct sl_snp_case *c, struct sl_x509_list *ret_roots)
{
    const struct sl_attest_roots *given = c->input->roots;
    bool is_given = given != NULL && given->pem.data != NULL;
    if (!is_given && !c->has_product) {
        return SL_OK; /* which one is not known: the certificate's finding has told */
    }
    sl_rc rc = sl_x509_list_read(is_given ? given->pem : sl_amd_root(c->product), ret_roots);
    if (rc != SL_OK && rc != SL_NO_MEMORY) {
        sl_finding_add(c->findings, SL_CHECK_CERT_PATH, "the given root cannot be read: %s",
                       sl_rc_text(rc));
        rc = SL_OK;
    }
    return rc;
}

static sl_rc crl_read(struct sl_snp_case *c, const struct sl_attest_collateral *collateral,
                      X509_CRL **ret_crl)
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
    sl_rc rc = sl_x509_crl_read(collateral->amd_crl, ret_crl);
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
static void roles_check(struct sl_snp_case *c, const struct sl_x509_chain *chain)
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
    char expected[3][SL_X509_NAME_SIZE];
    (void)snprintf(expected[0], sizeof(expected[0]), "SEV-%s", sl_snp_signer_text(c));
    (void)snprintf(expected[1], sizeof(expected[1]), "SEV-%s%s", is_vlek ? "VLEK-" : "", product);
    (void)snprintf(expected[2], sizeof(expected[2]), "ARK-%s", product);
    for (size_t i = 0; i < 3; i++) {
        char name[SL_X509_NAME_SIZE];
        sl_x509_name_text(X509_get_subject_name(chain->certs[i]), name);
        if (strcmp(name, expected[i]) != 0) {
            sl_finding_add(
                c->findings, SL_CHECK_CERT_USAGE,
                "%s chain: certificate %zu is \"%s\", and for %s it must be \"%s\": give "
                "the chain of this product and key",
                sl_snp_signer_text(c), i, name, c->cert.product_name, expected[i]);
        }
    }
}

static void validity_narrow(struct sl_snp_case *c, const struct sl_x509_chain *chain,
                            const X509_CRL *crl)
{
    struct sl_x509_list list = {.count = 0};
    for (size_t i = 0; i < chain->count && i < SL_X509_CHAIN_MAX; i++) {
        list.certs[list.count++] = chain->certs[i];
    }
    int64_t from_s = INT64_MIN, until_s = INT64_MAX, time_s = 0;
    sl_x509_validity(&list, &from_s, &until_s);
    sl_result_validity_narrow(c->result, from_s, until_s);
    if (crl != NULL && sl_x509_time_read(X509_CRL_get0_lastUpdate(crl), &time_s)) {
        sl_result_validity_narrow(c->result, time_s, INT64_MAX);
    }
    if (crl != NULL && sl_x509_time_read(X509_CRL_get0_nextUpdate(crl), &time_s)) {
        sl_result_validity_narrow(c->result, INT64_MIN, time_s);
    }
}

static void path_judge(struct sl_snp_case *c, const struct chain_files *files)
{
    struct sl_x509_list certs = files->issuers;
    for (size_t i = 0; i < files->leaf.count; i++) {
        if (certs.count == SL_X509_CHAIN_MAX) {
            sl_finding_add(c->findings, SL_CHECK_CERT_PATH, "%s chain: more than %d certificates",
                           sl_snp_signer_text(c), SL_X509_CHAIN_MAX);
            return;
        }
        certs.certs[certs.count++] = files->leaf.certs[i];
    }
    char name[16];
    (void)snprintf(name, sizeof(name), "%s chain", sl_snp_signer_text(c));
    X509_CRL *const crls[] = {files->crl};
    struct sl_x509_path path = {.name = name,
                                .certs = &certs,
                                .roots = &files->roots,
                                .leaf = c->leaf,
                                .role = SL_X509_SIGNER,
                                .crls = crls,
                                .crl_count = files->crl != NULL ? 1 : 0,
                                .time_s = c->input->time_s,
                                .max_crl_age_s = c->input->policy->max_collateral_age_s,
                                .cache = c->input->cache};
    struct sl_x509_chain chain;
    if (sl_x509_path_find(&path, c->findings, &chain) != NULL) {
        c->result->vector.instance_identity = SL_AR4SI_AFFIRMING;
    }
    if (chain.count != 0) {
        roles_check(c, &chain);
        validity_narrow(c, &chain, files->crl);
    }
}

sl_rc sl_snp_chain_check(struct sl_snp_case *c)
{
    static const struct sl_attest_collateral nothing = {.vcek = {NULL, 0}};
    const struct sl_attest_collateral *given =
        c->input->collateral != NULL ? c->input->collateral : &nothing;
    bool is_vlek = c->report.signer == SL_SNP_SIGNER_VLEK;
    struct chain_files files = {.crl = NULL};
    sl_rc rc =
        list_read(c, is_vlek ? given->vlek : given->vcek, is_vlek ? "vlek" : "vcek", &files.leaf);
    if (rc == SL_OK) {
        rc = list_read(c, given->cert_chain, "cert_chain", &files.issuers);
    }
    if (rc != SL_OK) {
        goto out;
    }
    leaf_find(c, &files.leaf);
    if (c->leaf == NULL) {
        goto out;
    }
    cert_read(c);
    rc = roots_read(c, &files.roots);
    if (rc == SL_OK) {
        rc = crl_read(c, given, &files.crl);
    }
    if (rc == SL_OK) {
        path_judge(c, &files);
    }
out:
    sl_x509_list_done(&files.leaf);
    sl_x509_list_done(&files.issuers);
    sl_x509_list_done(&files.roots);
    X509_CRL_free(files.crl);
    return rc;
}
