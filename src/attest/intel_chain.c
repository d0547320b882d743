/* SPDX-License-Identifier: Apache-2.0 */
/* The two certificate paths of a quote: PCK certificate to root, TCB signing certificate to root,
 * each with revocation. What a certificate may do here is read from its name, as Intel's
 * verification library does: nothing else tells a PCK certificate from a TCB signing one. */
#include <string.h>

#include "attest/emulated_root.h"
#include "attest/intel.h"
#include "attest/x509_internal.h"
#include "base/bytes.h"

/* Reads one list of certificates; a list that breaks its form is a finding, and stays empty. */
static sl_rc read_list(struct sl_intel *v, struct sl_blob in, enum sl_attest_check check,
                       const char *name, struct sl_x509_list *ret_list)
{
    sl_rc rc = sl_x509_list_read(in, ret_list);
    if (rc == SL_OK || rc == SL_NO_MEMORY) {
        return rc;
    }
    sl_finding_add(v->findings, check,
                   "%s: %s; one to %d certificates in PEM or DER are expected, at most %d bytes",
                   name, sl_rc_text(rc), SL_X509_CHAIN_MAX, SL_X509_SIZE_MAX);
    return SL_OK;
}

static void list_move(struct sl_x509_list *to, struct sl_x509_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        bool is_known = to->count == SL_X509_CHAIN_MAX;
        for (size_t j = 0; j < to->count && !is_known; j++) {
            is_known = X509_cmp(to->certs[j], from->certs[i]) == 0;
        }
        if (is_known) {
            X509_free(from->certs[i]);
        } else {
            to->certs[to->count++] = from->certs[i];
        }
        from->certs[i] = NULL;
    }
    from->count = 0;
}

/* Without roots of the caller's: Intel's, and the emulator's, which check_emulated() refuses. */
static sl_rc read_roots(struct sl_intel *v)
{
    const struct sl_attest_roots *given = v->input->roots;
    if (given != NULL && given->pem.data != NULL) {
        return read_list(v, given->pem, SL_CHECK_CERT_FORMAT, "the trusted roots", &v->roots);
    }
    struct sl_x509_list emulated;
    sl_rc rc = sl_x509_list_read(sl_intel_root(), &v->roots);
    if (rc == SL_OK) {
        rc = sl_x509_list_read(sl_attest_emulated_root(), &emulated);
    }
    if (rc == SL_OK) {
        list_move(&v->roots, &emulated);
    }
    return rc;
}

static sl_rc read_crl(struct sl_intel *v, struct sl_blob in, const char *name)
{
    X509_CRL *crl = NULL;
    if (in.data == NULL) {
        sl_finding_add(v->findings, SL_CHECK_CRL_MISSING,
                       "%s is missing: without it nobody knows what was revoked; fetch it from "
                       "Intel's provisioning service",
                       name);
        return SL_OK;
    }
    sl_rc rc = sl_x509_crl_read(in, &crl);
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_FORMAT,
                       "%s: %s; a CRL in DER or PEM is expected", name, sl_rc_text(rc));
        return SL_OK;
    }
    v->crls[v->crl_count++] = crl;
    int64_t issued_s;
    int64_t next_s;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    if (next != NULL && sl_x509_time_read(X509_CRL_get0_lastUpdate(crl), &issued_s) &&
        sl_x509_time_read(next, &next_s)) {
        sl_result_validity_narrow(v->result, issued_s, next_s);
    }
    return SL_OK;
}

/* The PCK chain from the quote, or from the collateral where the quote only names the platform. */
static sl_rc read_pck_certs(struct sl_intel *v)
{
    /* `cert_chain` is what a folder calls its certificates where it holds one platform's only */
    const struct sl_blob given = v->collateral->pck_chain.data != NULL ? v->collateral->pck_chain
                                                                       : v->collateral->cert_chain;
    struct sl_x509_list more = {0};
    sl_rc rc = SL_OK;
    bool is_in_quote = v->quote.cert_type == SL_QUOTE_CERT_PCK_CHAIN ||
                       v->quote.cert_type == SL_QUOTE_CERT_PCK_LEAF;
    if (is_in_quote) {
        struct sl_blob data = v->quote.cert_data;
        /* Quoting libraries count the terminator of their string. */
        while (data.size > 0 && data.data[data.size - 1] == '\0' && data.data[0] == '-') {
            data.size--;
        }
        rc = read_list(v, data, SL_CHECK_CERT_FORMAT, "the quote's PCK chain", &v->pck_certs);
    } else if (given.data == NULL) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISSING,
                       "pck_chain is missing: the quote names its platform (certification data of "
                       "type %u) and carries no PCK certificate",
                       v->quote.cert_type);
    }
    if (rc == SL_OK && v->quote.cert_type != SL_QUOTE_CERT_PCK_CHAIN && given.data != NULL) {
        rc = read_list(v, given, SL_CHECK_COLLATERAL_FORMAT, "pck_chain", &more);
        list_move(&v->pck_certs, &more);
    }
    if (rc == SL_OK && v->collateral->pck_crl_issuer_chain.data != NULL) {
        rc = read_list(v, v->collateral->pck_crl_issuer_chain, SL_CHECK_COLLATERAL_FORMAT,
                       "pck_crl_issuer_chain", &more);
        list_move(&v->pck_certs, &more);
    }
    return rc;
}

static bool name_has(X509 *cert, const char *phrase)
{
    char name[SL_X509_NAME_SIZE];
    sl_x509_name_text(X509_get_subject_name(cert), name);
    return strstr(name, phrase) != NULL;
}

static void expect_name(struct sl_intel *v, const char *chain, X509 *cert, const char *phrase,
                        const char *other)
{
    char name[SL_X509_NAME_SIZE];
    if (name_has(cert, phrase) || (other != NULL && name_has(cert, other))) {
        return;
    }
    sl_x509_name_text(X509_get_subject_name(cert), name);
    sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                   "%s: \"%s\" stands where \"%s\"%s%s%s is expected", chain, name, phrase,
                   other != NULL ? " or \"" : "", other != NULL ? other : "",
                   other != NULL ? "\"" : "");
}

static bool is_emulated(X509 *root)
{
    return name_has(root, SL_EMULATED_ROOT_NAME);
}

/* Whoever signed, a chain of the emulator is one that anybody can make. */
static void check_emulated(struct sl_intel *v)
{
    if ((v->pck_root == NULL || !is_emulated(v->pck_root)) &&
        (v->signing_root == NULL || !is_emulated(v->signing_root))) {
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

static struct sl_x509_path path_of(struct sl_intel *v, const char *name,
                                   const struct sl_x509_list *certs)
{
    return (struct sl_x509_path){
        .name = name,
        .certs = certs,
        .roots = &v->roots,
        .role = SL_X509_SIGNER,
        .crls = v->crls,
        .crl_count = v->crl_count,
        .is_crl_required = true,
        .time_s = v->input->time_s,
        .max_crl_age_s = v->input->policy->max_collateral_age_s,
        .cache = v->input->cache,
    };
}

/* The certificate with the SGX extension, wherever it stands. */
static X509 *find_pck(const struct sl_x509_list *certs, struct sl_pck *ret_pck,
                      char why[SL_PCK_WHY_SIZE], sl_rc *ret_rc)
{
    *ret_rc = SL_NOT_FOUND;
    for (size_t i = 0; i < certs->count; i++) {
        *ret_rc = sl_pck_read(certs->certs[i], ret_pck, why);
        if (*ret_rc != SL_NOT_FOUND) {
            return certs->certs[i];
        }
    }
    return NULL;
}

static void check_pck_chain(struct sl_intel *v)
{
    char why[SL_PCK_WHY_SIZE];
    sl_rc rc;
    struct sl_x509_chain chain;
    if (v->pck_certs.count == 0) {
        return; /* a finding says why */
    }
    v->pck_leaf = find_pck(&v->pck_certs, &v->pck, why, &rc);
    v->has_pck = rc == SL_OK;
    if (!v->has_pck) {
        sl_finding_add(v->findings, SL_CHECK_CERT_FORMAT, "PCK chain: %s", why);
    }
    struct sl_x509_path path = path_of(v, "PCK chain", &v->pck_certs);
    (void)sl_x509_path_find(&path, v->findings, &chain);
    if (chain.count == 0) {
        return;
    }
    v->pck_root = chain.certs[chain.count - 1];
    if (v->pck_leaf != chain.certs[0]) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "PCK chain: its last certificate is not the one of the platform");
    }
    /* PCK certificate profile 1.3.5: leaf, Processor or Platform CA, root. */
    if (chain.count != 3) {
        sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                       "PCK chain: %zu certificates lead to the root, 3 are expected", chain.count);
    }
    expect_name(v, "PCK chain", chain.certs[0], "SGX PCK Certificate", NULL);
    if (chain.count > 2) {
        expect_name(v, "PCK chain", chain.certs[1], "SGX PCK Processor CA", "SGX PCK Platform CA");
    }
}

static void check_signing_chain(struct sl_intel *v)
{
    struct sl_x509_chain chain;
    if (v->signing_certs.count == 0) {
        return;
    }
    struct sl_x509_path path = path_of(v, "TCB signing chain", &v->signing_certs);
    X509 *leaf = sl_x509_path_find(&path, v->findings, &chain);
    v->signing_leaf = leaf != NULL ? leaf : (chain.count > 0 ? chain.certs[0] : NULL);
    for (size_t i = 0; v->signing_leaf == NULL && i < v->signing_certs.count; i++) {
        if (name_has(v->signing_certs.certs[i], "SGX TCB Signing")) {
            v->signing_leaf = v->signing_certs.certs[i];
        }
    }
    if (chain.count == 0) {
        return;
    }
    v->signing_root = chain.certs[chain.count - 1];
    if (chain.count != 2) {
        sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                       "TCB signing chain: %zu certificates lead to the root, 2 are expected",
                       chain.count);
    }
    expect_name(v, "TCB signing chain", chain.certs[0], "SGX TCB Signing", NULL);
}

static void narrow_validity(struct sl_intel *v, const struct sl_x509_list *list)
{
    int64_t from_s = INT64_MIN;
    int64_t until_s = INT64_MAX;
    sl_x509_validity(list, &from_s, &until_s);
    sl_result_validity_narrow(v->result, from_s, until_s);
}

sl_rc sl_intel_check_chains(struct sl_intel *v)
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
    if (rc == SL_OK && v->collateral->tcb_signing_chain.data == NULL) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISSING,
                       "tcb_signing_chain is missing: nobody vouches for TCB info and QE identity");
    } else if (rc == SL_OK) {
        rc = read_list(v, v->collateral->tcb_signing_chain, SL_CHECK_COLLATERAL_FORMAT,
                       "tcb_signing_chain", &v->signing_certs);
    }
    if (rc != SL_OK) {
        return rc;
    }
    check_pck_chain(v);
    check_signing_chain(v);
    narrow_validity(v, &v->pck_certs);
    narrow_validity(v, &v->signing_certs);
    if (v->pck_root != NULL && v->signing_root != NULL &&
        X509_cmp(v->pck_root, v->signing_root) != 0) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "PCK chain and TCB signing chain end in different roots");
    }
    check_emulated(v);
    return SL_OK;
}

void sl_intel_chains_done(struct sl_intel *v)
{
    sl_x509_list_done(&v->roots);
    sl_x509_list_done(&v->pck_certs);
    sl_x509_list_done(&v->signing_certs);
    for (size_t i = 0; i < v->crl_count; i++) {
        X509_CRL_free(v->crls[i]);
    }
}
