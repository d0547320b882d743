/* SPDX-License-Identifier: Apache-2.0 */
/* From a VCEK or VLEK to AMD's root. Building follows names, key identifiers *and* signatures, so
 * that a look-alike certificate never displaces the right one. */
#include "attest/amd_path.h"
#include "attest/dates.h"

#include "attest/der.h"
#include "attest/result.h"

static bool list_holds(const struct sl_cert_list *list, const struct sl_cert *cert)
{
    for (size_t i = 0; i < list->count; i++) {
        if (sl_blob_equal(list->certs[i].der, cert->der)) {
            return true;
        }
    }
    return false;
}

static bool chain_holds(const struct sl_amd_chain *chain, const struct sl_cert *cert)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (sl_blob_equal(chain->certs[i]->der, cert->der)) {
            return true;
        }
    }
    return false;
}

static bool is_self_issued(const struct sl_cert *cert)
{
    return sl_blob_equal(cert->subject, cert->issuer);
}

/* RFC 5280 4.2.1.1: what is said of the issuer's key must fit. */
bool sl_amd_key_id_fits(struct sl_blob key_id, const struct sl_cert_amd *authority,
                        const struct sl_cert *issuer)
{
    return (key_id.data == NULL || issuer->subject_key_id.data == NULL ||
            sl_blob_equal(key_id, issuer->subject_key_id)) &&
           (authority->authority_serial.data == NULL ||
            sl_blob_equal(authority->authority_serial, issuer->serial)) &&
           (authority->authority_issuer.data == NULL ||
            sl_blob_equal(authority->authority_issuer, issuer->issuer));
}

/* Names and key identifiers fit (RFC 5280 6.1.3 (a)(4)). */
static bool may_issue(const struct sl_cert *issuer, const struct sl_cert *subject)
{
    return sl_blob_equal(issuer->subject, subject->issuer) &&
           sl_amd_key_id_fits(subject->authority_key_id, &subject->amd, issuer);
}

static bool is_signed(struct sl_amd_keys *keys, const struct sl_cert *subject,
                      const struct sl_cert *issuer)
{
    return sl_amd_is_signed(keys, "amd-cert", issuer, subject->tbs, subject->amd.signature);
}

/* -- the certificate by itself -------------------------------------------------------------- */

static bool format_check(const struct sl_amd_path *path, const struct sl_cert *cert,
                         struct sl_findings *findings)
{
    if (cert->amd.fault == NULL) {
        return true;
    }
    sl_finding_add(findings, SL_CHECK_CERT_FORMAT,
                   "%s: certificate \"%s\" is refused: %s; get the chain again from the vendor",
                   path->name, cert->name, cert->amd.fault);
    return false;
}

static void validity_check(const struct sl_amd_path *path, const struct sl_cert *cert,
                           struct sl_findings *findings)
{
    const struct sl_dates dates = {.path = path->name,
                                   .name = cert->name,
                                   .from_s = cert->not_before_s,
                                   .until_s = cert->not_after_s,
                                   .time_s = path->time_s};
    sl_cert_dates_check(&dates, findings);
}

/* RFC 5280 6.1.4 (k) to (n). @p below counts the certificates between it and the leaf that are not
 * self-issued. */
static bool issuer_check(const struct sl_amd_path *path, const struct sl_cert *cert, int below,
                         struct sl_findings *findings)
{
    bool may_sign = !cert->has_key_usage || (cert->key_usage & SL_CERT_USE_CERT_SIGN) != 0;
    if (!cert->is_ca || !may_sign) {
        sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                       "%s: certificate \"%s\" issued another and may not: %s", path->name,
                       cert->name,
                       cert->is_ca ? "its key usage lacks keyCertSign" : "it is not a CA");
        return false;
    }
    if (cert->path_length >= 0 && below > cert->path_length) {
        sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                       "%s: %d certificates follow \"%s\", whose path length allows %d", path->name,
                       below, cert->name, cert->path_length);
        return false;
    }
    return true;
}

static bool leaf_check(const struct sl_amd_path *path, const struct sl_cert *cert,
                       struct sl_findings *findings)
{
    const char *why = NULL;
    if (cert->is_ca) {
        why = "it is a CA, and a signer of evidence is none";
    } else if (cert->has_key_usage && (cert->key_usage & SL_CERT_USE_SIGN) == 0) {
        why = "its key usage lacks digitalSignature";
    } else {
        return true;
    }
    sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                   "%s: certificate \"%s\" cannot have this role: %s", path->name, cert->name, why);
    return false;
}

/* -- building ------------------------------------------------------------------------------- */

/* The certificate of @p list that issued @p subject; tells whether any had its name. */
static const struct sl_cert *issuer_find(const struct sl_cert_list *list, struct sl_amd_keys *keys,
                                         const struct sl_amd_chain *chain,
                                         const struct sl_cert *subject, bool *io_is_named)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sl_cert *issuer = &list->certs[i];
        if (chain_holds(chain, issuer) || !may_issue(issuer, subject)) {
            continue;
        }
        if (is_signed(keys, subject, issuer)) {
            return issuer;
        }
        *io_is_named = true;
    }
    return NULL;
}

static void issuer_missing(const struct sl_amd_path *path, const struct sl_cert *subject,
                           bool is_named, struct sl_findings *findings)
{
    char issuer[SL_CERT_NAME_SIZE];
    struct sl_reader r, content;
    sl_reader_init(&r, subject->issuer.data, subject->issuer.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &content);
    if (sl_cert_read_name(content, issuer) != SL_OK) {
        return; /* it was read before */
    }
    if (is_self_issued(subject)) {
        sl_finding_add(findings, SL_CHECK_CERT_PATH,
                       "%s: it ends at root \"%s\", which is not one of the %zu trusted roots",
                       path->name, subject->name, path->roots->count);
    } else if (is_named) {
        sl_finding_add(findings, SL_CHECK_CERT_SIGNATURE,
                       "%s: the signature of certificate \"%s\" is not by \"%s\", which it names: "
                       "it was changed or forged",
                       path->name, subject->name, issuer);
    } else {
        sl_finding_add(findings, SL_CHECK_CERT_PATH,
                       "%s: the issuer \"%s\" of certificate \"%s\" is neither in the chain nor a "
                       "trusted root: complete the chain",
                       path->name, issuer, subject->name);
    }
}

/* From the leaf to an anchor; anchors come first, so that the path is the shortest. */
static bool path_build(const struct sl_amd_path *path, struct sl_amd_keys *keys,
                       struct sl_amd_chain *chain, struct sl_findings *findings)
{
    *chain = (struct sl_amd_chain){.certs = {path->leaf}, .count = 1};
    while (chain->count <= SL_CERT_LIST_MAX) {
        const struct sl_cert *subject = chain->certs[chain->count - 1];
        bool is_named = false;
        const struct sl_cert *anchor = issuer_find(path->roots, keys, chain, subject, &is_named);
        const struct sl_cert *issuer = anchor;
        for (size_t i = 0; i < 2 && issuer == NULL; i++) {
            issuer = issuer_find(path->lists[i], keys, chain, subject, &is_named);
        }
        if (issuer == NULL) {
            issuer_missing(path, subject, is_named, findings);
            return false;
        }
        chain->certs[chain->count++] = issuer;
        if (anchor != NULL) {
            return true;
        }
    }
    sl_finding_add(findings, SL_CHECK_CERT_PATH, "%s: longer than %d certificates", path->name,
                   SL_CERT_LIST_MAX);
    return false;
}

/* Beside the path only what the path's own issuers signed. */
static bool is_sibling(struct sl_amd_keys *keys, const struct sl_amd_chain *chain,
                       const struct sl_cert *cert)
{
    for (size_t i = 1; i < chain->count; i++) {
        if (may_issue(chain->certs[i], cert) && is_signed(keys, cert, chain->certs[i])) {
            return true;
        }
    }
    return false;
}

/* What came with the chain must belong to it: a second, different "root" is a sign of tampering. */
static bool rest_check(const struct sl_amd_path *path, const struct sl_cert_list *list,
                       struct sl_amd_keys *keys, const struct sl_amd_chain *chain,
                       struct sl_findings *findings)
{
    bool is_ok = true;
    for (size_t i = 0; i < list->count; i++) {
        const struct sl_cert *cert = &list->certs[i];
        if (!chain_holds(chain, cert) && !list_holds(path->roots, cert) &&
            !is_sibling(keys, chain, cert)) {
            sl_finding_add(findings, SL_CHECK_CERT_PATH,
                           "%s: certificate \"%s\" is no part of the path to a trusted root, or "
                           "differs from the one that is: remove it",
                           path->name, cert->name);
            is_ok = false;
        }
    }
    return is_ok;
}

static bool path_validate(const struct sl_amd_path *path, struct sl_amd_keys *keys,
                          const struct sl_amd_chain *chain, struct sl_findings *findings)
{
    bool is_ok = true;
    int below = 0;
    for (size_t i = 0; i < chain->count; i++) {
        const struct sl_cert *cert = chain->certs[i];
        is_ok = format_check(path, cert, findings) && is_ok;
        validity_check(path, cert, findings);
        if (i == 0) {
            is_ok = leaf_check(path, cert, findings) && is_ok;
        } else {
            is_ok = issuer_check(path, cert, below, findings) && is_ok;
            below += is_self_issued(cert) ? 0 : 1;
        }
        if (i + 1 < chain->count) {
            sl_amd_revocation_check(path, keys, chain->certs[i + 1], cert, findings);
        }
    }
    return is_ok;
}

bool sl_amd_path_find(const struct sl_amd_path *path, struct sl_findings *findings,
                      struct sl_amd_chain *ret_chain)
{
    struct sl_amd_chain chain = {.count = 0};
    struct sl_amd_keys keys = {.count = 0, .cache = path->cache};
    ret_chain->count = 0;
    bool is_ok = path_build(path, &keys, &chain, findings);
    if (is_ok) {
        *ret_chain = chain;
        for (size_t i = 0; i < 2; i++) {
            is_ok = rest_check(path, path->lists[i], &keys, &chain, findings) && is_ok;
        }
        is_ok = path_validate(path, &keys, &chain, findings) && is_ok;
    } else {
        validity_check(path, path->leaf, findings);
    }
    sl_amd_keys_done(&keys);
    return is_ok;
}
