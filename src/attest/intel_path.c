/* SPDX-License-Identifier: Apache-2.0 */
/* Path building and validation for Intel's chains, RFC 5280 6.1. Building follows names, key
 * identifiers *and* signatures, so that a look-alike never displaces the right certificate. */
#include "attest/dates.h"
#include "attest/intel.h"

static bool list_holds(const struct sl_cert_list *list, const struct sl_cert *cert)
{
    for (size_t i = 0; i < list->count; i++) {
        if (sl_blob_equal(list->certs[i].der, cert->der)) {
            return true;
        }
    }
    return false;
}

static bool chain_holds(const struct sl_intel_chain *chain, const struct sl_cert *cert)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (sl_blob_equal(chain->certs[i]->der, cert->der)) {
            return true;
        }
    }
    return false;
}

/* RFC 5280 4.2.1.1: key identifiers, where both have one, must fit. */
static bool key_id_fits(struct sl_blob authority_key_id, const struct sl_cert *issuer)
{
    return authority_key_id.data == NULL || issuer->subject_key_id.data == NULL ||
           sl_blob_equal(authority_key_id, issuer->subject_key_id);
}

/* -- building ------------------------------------------------------------------------------- */

/* The certificate of @p list that issued @p subject, or NULL; tells whether any had its name. */
static sl_rc issuer_find(struct sl_intel *v, const struct sl_cert_list *list,
                         const struct sl_intel_chain *chain, const struct sl_cert *subject,
                         const struct sl_cert **ret_issuer, bool *io_is_named)
{
    *ret_issuer = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct sl_cert *issuer = &list->certs[i];
        if (chain_holds(chain, issuer) || !sl_blob_equal(issuer->subject, subject->issuer) ||
            !key_id_fits(subject->authority_key_id, issuer)) {
            continue;
        }
        sl_rc rc = sl_intel_verify(v, "cert", issuer->point, subject->tbs, subject->signature);
        if (rc == SL_OK) {
            *ret_issuer = issuer;
            return SL_OK;
        }
        if (rc == SL_NO_MEMORY) {
            return rc;
        }
        *io_is_named = true;
    }
    return SL_OK;
}

static void issuer_missing(struct sl_intel *v, const char *name, const struct sl_cert *subject,
                           bool is_named)
{
    if (sl_blob_equal(subject->issuer, subject->subject)) {
        sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                       "%s: it ends at root \"%s\", which is not one of the %zu trusted roots",
                       name, subject->name, v->roots.count);
    } else if (is_named) {
        sl_finding_add(v->findings, SL_CHECK_CERT_SIGNATURE,
                       "%s: the signature of certificate \"%s\" is not by the issuer that it "
                       "names: it was changed or forged",
                       name, subject->name);
    } else {
        sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                       "%s: the issuer of certificate \"%s\" is neither in the chain nor a trusted "
                       "root: complete the chain",
                       name, subject->name);
    }
}

/* From the leaf to an anchor; anchors come first, so that the path is the shortest. */
static sl_rc path_build(struct sl_intel *v, const char *name, const struct sl_cert_list *certs,
                        struct sl_intel_chain *chain, bool *ret_is_found)
{
    *ret_is_found = false;
    while (chain->count < SL_INTEL_CHAIN_MAX) {
        const struct sl_cert *subject = chain->certs[chain->count - 1];
        const struct sl_cert *issuer;
        bool is_named = false;
        sl_rc rc = issuer_find(v, &v->roots, chain, subject, &issuer, &is_named);
        bool is_anchor = issuer != NULL;
        if (rc == SL_OK && !is_anchor) {
            rc = issuer_find(v, certs, chain, subject, &issuer, &is_named);
        }
        if (rc != SL_OK) {
            return rc;
        }
        if (issuer == NULL) {
            issuer_missing(v, name, subject, is_named);
            return SL_OK;
        }
        chain->certs[chain->count++] = issuer;
        if (is_anchor) {
            *ret_is_found = true;
            return SL_OK;
        }
    }
    sl_finding_add(v->findings, SL_CHECK_CERT_PATH, "%s: longer than %d certificates", name,
                   SL_INTEL_CHAIN_MAX);
    return SL_OK;
}

/* -- validation ----------------------------------------------------------------------------- */

static void check_validity(struct sl_intel *v, const char *name, const struct sl_cert *cert)
{
    const struct sl_dates dates = {.path = name,
                                   .name = cert->name,
                                   .from_s = cert->not_before_s,
                                   .until_s = cert->not_after_s,
                                   .time_s = v->input->time_s};
    sl_result_validity_narrow(v->result, cert->not_before_s, cert->not_after_s);
    sl_cert_dates_check(&dates, v->findings);
}

/* RFC 5280 6.1.4 (k) to (n). */
static void check_issuer(struct sl_intel *v, const char *name, const struct sl_cert *cert,
                         int below)
{
    if (!cert->is_ca) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "%s: certificate \"%s\" issued another and may not: it is not a CA", name,
                       cert->name);
    } else if (cert->has_key_usage && (cert->key_usage & SL_CERT_USE_CERT_SIGN) == 0) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "%s: certificate \"%s\" issued another and may not: its key usage lacks "
                       "keyCertSign",
                       name, cert->name);
    } else if (cert->path_length >= 0 && below > cert->path_length) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "%s: %d certificates follow \"%s\", whose path length allows %d", name,
                       below, cert->name, cert->path_length);
    }
}

static void check_leaf(struct sl_intel *v, const char *name, const struct sl_cert *cert)
{
    if (cert->is_ca) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "%s: certificate \"%s\" is a CA, and a signer of evidence is none", name,
                       cert->name);
    } else if (cert->has_key_usage && (cert->key_usage & SL_CERT_USE_SIGN) == 0) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "%s: certificate \"%s\" signs, and its key usage lacks digitalSignature",
                       name, cert->name);
    }
}

/* -- revocation ----------------------------------------------------------------------------- */

static void check_crl_dates(struct sl_intel *v, const char *name, const struct sl_crl *crl,
                            const struct sl_cert *issuer)
{
    const struct sl_dates dates = {.path = name,
                                   .name = issuer->name,
                                   .from_s = crl->this_update_s,
                                   .until_s = crl->next_update_s,
                                   .time_s = v->input->time_s,
                                   .max_age_s = v->input->policy->max_collateral_age_s};
    sl_result_validity_narrow(v->result, crl->this_update_s, crl->next_update_s);
    sl_crl_dates_check(&dates, v->findings);
}

/* Signature and dates; once for each CRL, however many certificates it is asked for. */
static sl_rc check_crl(struct sl_intel *v, const char *name, struct sl_intel_crl *entry,
                       const struct sl_cert *issuer)
{
    const struct sl_crl *crl = &entry->crl;
    if (entry->is_checked) {
        return SL_OK;
    }
    sl_rc rc = key_id_fits(crl->authority_key_id, issuer)
                   ? sl_intel_verify(v, "crl", issuer->point, crl->tbs, crl->signature)
                   : SL_AUTH;
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    entry->is_checked = true;
    if (issuer->has_key_usage && (issuer->key_usage & SL_CERT_USE_CRL_SIGN) == 0) {
        sl_finding_add(v->findings, SL_CHECK_CERT_USAGE,
                       "%s: \"%s\" issued a CRL and its key usage lacks cRLSign", name,
                       issuer->name);
    } else if (rc != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_CRL_SIGNATURE,
                       "%s: the signature of the CRL is not by \"%s\", which it names: it was "
                       "changed or forged",
                       name, issuer->name);
    } else {
        entry->is_good = true;
        check_crl_dates(v, name, crl, issuer);
    }
    return SL_OK;
}

static sl_rc check_revocation(struct sl_intel *v, const char *name, const struct sl_cert *issuer,
                              const struct sl_cert *subject)
{
    bool is_found = false;
    for (size_t i = 0; i < v->crl_count; i++) {
        struct sl_intel_crl *entry = &v->crls[i];
        char when[SL_TIME_TEXT_SIZE];
        int64_t when_s;
        if (!sl_blob_equal(entry->crl.issuer, issuer->subject)) {
            continue;
        }
        is_found = true;
        sl_rc rc = check_crl(v, name, entry, issuer);
        if (rc != SL_OK) {
            return rc;
        }
        if (entry->is_good && sl_crl_holds(&entry->crl, subject->serial, &when_s)) {
            sl_time_text(when_s, when);
            sl_finding_add(v->findings, SL_CHECK_CERT_REVOKED,
                           "%s: certificate \"%s\" was revoked by \"%s\" at %s: do not trust what "
                           "it signed",
                           name, subject->name, issuer->name, when);
        }
    }
    if (!is_found) {
        bool is_root = sl_blob_equal(issuer->issuer, issuer->subject);
        const struct sl_blob *given = is_root ? &v->collateral->root_crl : &v->collateral->pck_crl;
        sl_finding_add(v->findings, SL_CHECK_CRL_MISSING,
                       "%s: %s is %s \"%s\", so that \"%s\" may have been revoked: fetch it from "
                       "Intel's provisioning service",
                       name, is_root ? "root_crl" : "pck_crl",
                       given->data != NULL ? "not the CRL of" : "missing, the CRL of", issuer->name,
                       subject->name);
    }
    return SL_OK;
}

/* What came with the chain must be the chain: a second, different "root" is a sign of tampering,
 * unless it is trusted itself (Intel issued its root twice for one key). */
static void check_rest(struct sl_intel *v, const char *name, const struct sl_cert_list *certs,
                       const struct sl_intel_chain *chain)
{
    for (size_t i = 0; i < certs->count; i++) {
        const struct sl_cert *cert = &certs->certs[i];
        if (!chain_holds(chain, cert) && !list_holds(&v->roots, cert)) {
            sl_finding_add(v->findings, SL_CHECK_CERT_PATH,
                           "%s: certificate \"%s\" is no part of the path to a trusted root, or "
                           "differs from the one that is: remove it",
                           name, cert->name);
        }
    }
}

sl_rc sl_intel_check_path(struct sl_intel *v, const char *name, const struct sl_cert *leaf,
                          const struct sl_cert_list *certs, struct sl_intel_chain *ret_chain)
{
    struct sl_intel_chain chain = {.certs = {leaf}, .count = 1};
    bool is_found;
    ret_chain->count = 0;
    sl_rc rc = path_build(v, name, certs, &chain, &is_found);
    if (rc != SL_OK) {
        return rc;
    }
    if (!is_found) {
        check_validity(v, name, leaf);
        return SL_OK;
    }
    int below = 0;
    check_rest(v, name, certs, &chain);
    for (size_t i = 0; i < chain.count && rc == SL_OK; i++) {
        const struct sl_cert *cert = chain.certs[i];
        check_validity(v, name, cert);
        if (i == 0) {
            check_leaf(v, name, cert);
        } else {
            check_issuer(v, name, cert, below);
            below += sl_blob_equal(cert->issuer, cert->subject) ? 0 : 1;
        }
        if (i + 1 < chain.count) {
            rc = check_revocation(v, name, chain.certs[i + 1], cert);
        }
    }
    *ret_chain = chain;
    return rc;
}
