/* SPDX-License-Identifier: Apache-2.0 */
/* The two certificate chains of a quote: PCK certificate to root, TCB signing certificate to root.
 * What a certificate may do here is read from its name, as Intel's verification library does:
 * nothing else tells a PCK certificate from a TCB signing one. */
#include <string.h>

#include "attest/emulated_root.h"
#include "attest/intel.h"
#include "base/bytes.h"

/* Adds to a list of certificates; what breaks its form is a finding. */
static sl_rc read_list(struct sl_intel *v, struct sl_blob in, enum sl_attest_check check,
                       const char *name, struct sl_cert_list *list)
{
    char why[SL_CERT_WHY_SIZE];
    sl_rc rc = sl_cert_list_add(list, in, false, why);
    if (rc == SL_OK || rc == SL_NO_MEMORY) {
        return rc;
    }
    sl_finding_add(v->findings, check, "%s: %s", name, why);
    return SL_OK;
}

/* Without roots of the caller's: Intel's, and the emulator's, which check_emulated() refuses. */
static sl_rc read_roots(struct sl_intel *v)
{
    const struct sl_attest_roots *given = v->input->roots;
    char why[SL_CERT_WHY_SIZE];
    sl_rc rc;
    if (given != NULL && given->pem.data != NULL) {
        rc = sl_cert_list_add(&v->roots, given->pem, true, why);
        if (rc != SL_OK && rc != SL_NO_MEMORY) {
            sl_finding_add(v->findings, SL_CHECK_CERT_FORMAT, "the trusted roots: %s", why);
            rc = SL_OK;
        }
        return rc;
    }
    rc = sl_cert_list_add(&v->roots, sl_intel_root(), false, why);
    if (rc == SL_OK) {
        rc = sl_cert_list_add(&v->roots, sl_attest_emulated_root(), false, why);
    }
    return rc;
}

static sl_rc read_crl(struct sl_intel *v, struct sl_blob in, const char *name)
{
    char why[SL_CERT_WHY_SIZE];
    if (in.data == NULL) {
        return SL_OK; /* the certificates that need it tell (intel_path.c) */
    }
    sl_rc rc = sl_crl_read(in, &v->crls[v->crl_count].crl, why);
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT, "%s: %s", name, why);
        return SL_OK;
    }
    v->crl_count++;
    return SL_OK;
}

/* The PCK chain from the quote, or from the collateral where the quote only names the platform. */
static sl_rc read_pck_certs(struct sl_intel *v)
{
    const struct sl_attest_collateral *collateral = v->collateral;
    struct sl_cert_list *certs = &v->pck_certs;
    sl_rc rc = SL_OK;
    bool is_in_quote = v->quote.cert_type == SL_QUOTE_CERT_PCK_CHAIN ||
                       v->quote.cert_type == SL_QUOTE_CERT_PCK_LEAF;
    if (is_in_quote) {
        rc = read_list(v, v->quote.cert_data, SL_CHECK_CERT_FORMAT, "the quote's PCK chain", certs);
    } else if (collateral->pck_chain.data == NULL) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISSING,
                       "pck_chain is missing: the quote names its platform (certification data of "
                       "type %u) and carries no PCK certificate",
                       v->quote.cert_type);
        return SL_OK; /* judging the CRL's issuer in its place would tell of faults that are none */
    }
    if (rc == SL_OK && v->quote.cert_type != SL_QUOTE_CERT_PCK_CHAIN &&
        collateral->pck_chain.data != NULL) {
        rc = read_list(v, collateral->pck_chain, SL_CHECK_COLLATERAL_FORMAT, "pck_chain", certs);
    }
    if (rc == SL_OK && collateral->pck_crl_issuer_chain.data != NULL) {
        rc = read_list(v, collateral->pck_crl_issuer_chain, SL_CHECK_COLLATERAL_FORMAT,
                       "pck_crl_issuer_chain", certs);
    }
    return rc;
}

static void expect_name(struct sl_intel *v, const char *chain, const struct sl_cert *cert,
                        const char *phrase, const char *other)
{
    if (strstr(cert->name, phrase) != NULL ||
        (other != NULL && strstr(cert->name, other) != NULL)) {
        return;
    }
    sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                   "%s: \"%s\" stands where \"%s\"%s%s%s is expected", chain, cert->name, phrase,
                   other != NULL ? " or \"" : "", other != NULL ? other : "",
                   other != NULL ? "\"" : "");
}

static bool is_emulated(const struct sl_cert *root)
{
    return root != NULL && strstr(root->name, SL_EMULATED_ROOT_NAME) != NULL;
}

/* Whoever signed, a chain of the emulator is one that anybody can make. */
static void check_emulated(struct sl_intel *v)
{
    if (!is_emulated(v->pck_root) && !is_emulated(v->signing_root)) {
        return;
    }
    v->result->is_emulated = true;
    bool is_allowed = v->input->policy->insecure_allow_emulated;
    sl_finding_add_as(v->findings, is_allowed ? SL_ATTEST_WARNING : SL_ATTEST_FAILURE,
                      SL_CHECK_EMULATED,
                      "signed under \"" SL_EMULATED_ROOT_NAME "\", whose key is public: anybody "
                      "can make this evidence, and the host reads and changes what it wants; %s",
                      is_allowed ? "accepted because of insecure_allow_emulated"
                                 : "run on SGX hardware, or, for a test, set "
                                   "insecure_allow_emulated");
}

/* The certificate with the SGX extension, wherever it stands. */
static const struct sl_cert *find_pck(const struct sl_cert_list *certs)
{
    for (size_t i = 0; i < certs->count; i++) {
        if (certs->certs[i].sgx_extension.data != NULL) {
            return &certs->certs[i];
        }
    }
    return NULL;
}

/* The first that is no CA; among CAs, the first that another issued: its role is refused later. */
static const struct sl_cert *find_end(const struct sl_cert_list *certs)
{
    const struct sl_cert *end = &certs->certs[0];
    for (size_t i = certs->count; i-- > 0;) {
        const struct sl_cert *cert = &certs->certs[i];
        if (!cert->is_ca) {
            end = cert;
        } else if (end->is_ca && !sl_blob_equal(cert->issuer, cert->subject)) {
            end = cert;
        }
    }
    return end;
}

static sl_rc check_pck_chain(struct sl_intel *v)
{
    static const char NAME[] = "PCK chain";
    char why[SL_PCK_WHY_SIZE];
    struct sl_intel_chain chain;
    if (v->pck_certs.count == 0) {
        return SL_OK; /* a finding says why */
    }
    v->pck_leaf = find_pck(&v->pck_certs);
    if (v->pck_leaf == NULL) {
        sl_finding_add(v->findings, SL_CHECK_CERT_FORMAT,
                       "%s: no certificate has the SGX extension (1.2.840.113741.1.13.1)", NAME);
        v->pck_leaf = find_end(&v->pck_certs);
    } else if (sl_pck_parse(v->pck_leaf->sgx_extension, &v->pck, why) != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_CERT_FORMAT, "%s: %s", NAME, why);
    } else {
        v->has_pck = true;
    }
    sl_rc rc = sl_intel_check_path(v, NAME, v->pck_leaf, &v->pck_certs, &chain);
    if (rc != SL_OK || chain.count == 0) {
        return rc;
    }
    v->pck_root = chain.certs[chain.count - 1];
    /* PCK certificate profile 1.3.5: leaf, Processor or Platform CA, root. */
    if (chain.count != 3) {
        sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                       "%s: %zu certificates lead to the root, 3 are expected", NAME, chain.count);
    }
    expect_name(v, NAME, chain.certs[0], "SGX PCK Certificate", NULL);
    if (chain.count > 2) {
        expect_name(v, NAME, chain.certs[1], "SGX PCK Processor CA", "SGX PCK Platform CA");
    }
    return SL_OK;
}

static sl_rc check_signing_chain(struct sl_intel *v)
{
    static const char NAME[] = "TCB signing chain";
    struct sl_intel_chain chain;
    if (v->signing_certs.count == 0) {
        return SL_OK;
    }
    v->signing_leaf = find_end(&v->signing_certs);
    sl_rc rc = sl_intel_check_path(v, NAME, v->signing_leaf, &v->signing_certs, &chain);
    if (rc != SL_OK || chain.count == 0) {
        return rc;
    }
    v->signing_root = chain.certs[chain.count - 1];
    if (chain.count != 2) {
        sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                       "%s: %zu certificates lead to the root, 2 are expected", NAME, chain.count);
    }
    expect_name(v, NAME, chain.certs[0], "SGX TCB Signing", NULL);
    return SL_OK;
}

static sl_rc read_all(struct sl_intel *v)
{
    sl_rc rc = read_roots(v);
    if (rc == SL_OK) {
        rc = read_crl(v, v->collateral->root_crl, "root_crl");
    }
    if (rc == SL_OK) {
        rc = read_crl(v, v->collateral->pck_crl, "pck_crl");
    }
    if (rc == SL_OK) {
        rc = read_pck_certs(v);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (v->collateral->tcb_signing_chain.data == NULL) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISSING,
                       "tcb_signing_chain is missing: nobody vouches for TCB info and QE identity");
        return SL_OK;
    }
    return read_list(v, v->collateral->tcb_signing_chain, SL_CHECK_COLLATERAL_FORMAT,
                     "tcb_signing_chain", &v->signing_certs);
}

sl_rc sl_intel_check_chains(struct sl_intel *v)
{
    sl_rc rc = read_all(v);
    if (rc == SL_OK) {
        rc = check_pck_chain(v);
    }
    if (rc == SL_OK) {
        rc = check_signing_chain(v);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (v->pck_root != NULL && v->signing_root != NULL &&
        memcmp(v->pck_root->point, v->signing_root->point, 64) != 0) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "PCK chain and TCB signing chain end in different roots");
    }
    check_emulated(v);
    return SL_OK;
}

void sl_intel_chains_done(struct sl_intel *v)
{
    sl_cert_list_done(&v->roots);
    sl_cert_list_done(&v->pck_certs);
    sl_cert_list_done(&v->signing_certs);
    for (size_t i = 0; i < v->crl_count; i++) {
        sl_crl_done(&v->crls[i].crl);
    }
}
