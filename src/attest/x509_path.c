/* SPDX-License-Identifier: Apache-2.0 */
/* Path building and validation, RFC 5280 6.1. Building follows names, key identifiers *and*
 * signatures, so that a look-alike certificate never displaces the right one. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "attest/dates.h"
#include "attest/x509_internal.h"

enum { EXTENSIONS_MAX = 64 };

static bool list_holds(const struct sl_x509_list *list, const X509 *cert)
{
    for (size_t i = 0; i < list->count; i++) {
        if (sl_x509_is_same(list->certs[i], cert)) {
            return true;
        }
    }
    return false;
}

/* Names and key identifiers fit (RFC 5280 6.1.3 (a)(4), 4.2.1.1). */
static bool may_issue(X509 *issuer, X509 *subject)
{
    if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(subject)) != 0) {
        return false;
    }
    int critical = 0;
    AUTHORITY_KEYID *id = X509_get_ext_d2i(subject, NID_authority_key_identifier, &critical, NULL);
    if (id == NULL) {
        return critical == -1; /* absent is fine, malformed or doubled is not */
    }
    (void)X509_check_purpose(issuer, -1, 0); /* reads its extensions: the comparison needs them */
    bool is_fit = X509_check_akid(issuer, id) == X509_V_OK;
    AUTHORITY_KEYID_free(id);
    return is_fit;
}

/* --- the certificate by itself --- */

/* RFC 5280 4.2: "A certificate MUST NOT include more than one instance of a particular extension",
 * and one that is critical and not processed here must lead to refusal. Policies, which TPM vendors
 * mark critical, are processed where any is acceptable and none is demanded (6.1.1 (c), (e)):
 * policy constraints, which could demand one, are always critical and are refused. */
static bool extensions_are_sound(const struct sl_x509_path *path, X509 *cert, const char **ret_why)
{
    int count = X509_get_ext_count(cert);
    if (count > EXTENSIONS_MAX) {
        *ret_why = "it has more extensions than any vendor's";
        return false;
    }
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *ext = X509_get_ext(cert, i);
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(ext);
        int nid = OBJ_obj2nid(object);
        const bool is_known = nid == NID_basic_constraints || nid == NID_key_usage ||
                              (path->role == SL_X509_DECRYPTOR &&
                               (nid == NID_subject_alt_name || nid == NID_ext_key_usage ||
                                nid == NID_certificate_policies));
        if (X509_EXTENSION_get_critical(ext) && !is_known) {
            *ret_why = "it has a critical extension that is not known here (RFC 5280 4.2)";
            return false;
        }
        if (X509_get_ext_by_OBJ(cert, object, i) >= 0) {
            *ret_why = "it has one extension twice (RFC 5280 4.2)";
            return false;
        }
    }
    return true;
}

static bool format_check(const struct sl_x509_path *path, X509 *cert, const char *name,
                         struct sl_findings *findings)
{
    const char *why = NULL;
    int64_t time_s;
    if (X509_get_version(cert) != X509_VERSION_3) {
        why = "it is not of X.509 version 3";
    } else if ((X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0) {
        why = "an extension breaks its format";
    } else if (!sl_x509_time_read(X509_get0_notBefore(cert), &time_s) ||
               !sl_x509_time_read(X509_get0_notAfter(cert), &time_s)) {
        why = "its validity is not in the form of RFC 5280 4.1.2.5";
    } else if (!sl_x509_key_is_sound(cert)) {
        why = "its key is not RSA of 2048 to 8192 bits nor EC on a NIST curve";
    } else if (extensions_are_sound(path, cert, &why)) {
        return true;
    }
    sl_finding_add(findings, SL_CHECK_CERT_FORMAT,
                   "%s: certificate \"%s\" is refused: %s; get the chain again from the vendor",
                   path->name, name, why);
    return false;
}

static void validity_check(const struct sl_x509_path *path, X509 *cert, const char *name,
                           struct sl_findings *findings)
{
    int64_t from_s = 0, until_s = 0;
    if (!sl_x509_time_read(X509_get0_notBefore(cert), &from_s) ||
        !sl_x509_time_read(X509_get0_notAfter(cert), &until_s)) {
        return; /* format_check has told */
    }
    const struct sl_dates dates = {.path = path->name,
                                   .name = name,
                                   .from_s = from_s,
                                   .until_s = until_s,
                                   .time_s = path->time_s};
    sl_cert_dates_check(&dates, findings);
}

/* RFC 5280 6.1.4 (k) to (n); RFC 5280 4.2.1.3 and 4.2.1.9: key usage, basic constraints. @p below
 * counts the certificates between it and the leaf that are not self-issued. */
static bool issuer_check(const struct sl_x509_path *path, X509 *cert, const char *name, long below,
                         struct sl_findings *findings)
{
    uint32_t flags = X509_get_extension_flags(cert);
    bool is_ca = (flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_CA) != 0;
    bool may_sign = (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) != 0; /* absent: all bits */
    long length_max = X509_get_pathlen(cert);
    if (is_ca && may_sign && (length_max < 0 || below <= length_max)) {
        return true;
    }
    if (!is_ca || !may_sign) {
        sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                       "%s: certificate \"%s\" issued another and may not: %s", path->name, name,
                       is_ca ? "its key usage lacks keyCertSign" : "it is not a CA");
    } else {
        sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                       "%s: %ld certificates follow \"%s\", whose path length allows %ld",
                       path->name, below, name, length_max);
    }
    return false;
}

static bool leaf_check(const struct sl_x509_path *path, X509 *cert, const char *name,
                       struct sl_findings *findings)
{
    uint32_t flags = X509_get_extension_flags(cert);
    uint32_t usage = X509_get_key_usage(cert);
    const char *why = NULL;
    if (path->role == SL_X509_CA) {
        if ((flags & EXFLAG_CA) == 0) {
            why = "it is not a CA";
        }
    } else if ((flags & EXFLAG_CA) != 0) {
        why = "it is a CA, and a signer of evidence is none";
    } else if (path->role == SL_X509_DECRYPTOR) {
        if ((usage & (KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)) == 0) {
            why = "its key usage lacks keyEncipherment and keyAgreement";
        }
    } else if ((usage & KU_DIGITAL_SIGNATURE) == 0) {
        why = "its key usage lacks digitalSignature";
    }
    if (why == NULL) {
        return true;
    }
    sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                   "%s: certificate \"%s\" cannot have this role: %s", path->name, name, why);
    return false;
}

/* --- building --- */

/* The one that issued no other; duplicates count once. */
static X509 *leaf_find(const struct sl_x509_path *path, struct sl_findings *findings)
{
    const struct sl_x509_list *list = path->certs;
    X509 *leaf = NULL;
    for (size_t i = 0; i < list->count; i++) {
        bool is_issuer = false;
        for (size_t j = 0; j < list->count && !is_issuer; j++) {
            is_issuer = !sl_x509_is_same(list->certs[i], list->certs[j]) &&
                        may_issue(list->certs[i], list->certs[j]);
        }
        if (is_issuer || (leaf != NULL && sl_x509_is_same(leaf, list->certs[i]))) {
            continue;
        }
        if (leaf != NULL) {
            sl_finding_add(findings, SL_CHECK_CERT_PATH,
                           "%s: more than one of its %zu certificates issued no other: it must be "
                           "one chain",
                           path->name, list->count);
            return NULL;
        }
        leaf = list->certs[i];
    }
    if (leaf == NULL) {
        sl_finding_add(findings, SL_CHECK_CERT_PATH, "%s: %s", path->name,
                       list->count == 0 ? "there is no certificate in it"
                                        : "its certificates issue each other in a circle");
    }
    return leaf;
}

static bool chain_holds(const struct sl_x509_chain *chain, const X509 *cert)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (sl_x509_is_same(chain->certs[i], cert)) {
            return true;
        }
    }
    return false;
}

/* The certificate of @p list that issued @p subject; tells whether any had its name. */
static X509 *issuer_find(const struct sl_x509_path *path, const struct sl_x509_list *list,
                         struct sl_x509_keys *keys, const struct sl_x509_chain *chain,
                         X509 *subject, bool *io_is_named)
{
    for (size_t i = 0; i < list->count; i++) {
        X509 *issuer = list->certs[i];
        if (chain_holds(chain, issuer) || !may_issue(issuer, subject)) {
            continue;
        }
        if (sl_x509_cert_is_signed(path->cache, keys, subject, issuer)) {
            return issuer;
        }
        *io_is_named = true;
    }
    return NULL;
}

static void issuer_missing(const struct sl_x509_path *path, X509 *subject, bool is_named,
                           struct sl_findings *findings)
{
    char name[SL_X509_NAME_SIZE], issuer[SL_X509_NAME_SIZE];
    sl_x509_name_text(X509_get_subject_name(subject), name);
    sl_x509_name_text(X509_get_issuer_name(subject), issuer);
    if (X509_NAME_cmp(X509_get_subject_name(subject), X509_get_issuer_name(subject)) == 0) {
        sl_finding_add(findings, SL_CHECK_CERT_PATH,
                       "%s: it ends at root \"%s\", which is not one of the %zu trusted roots",
                       path->name, name, path->roots->count);
    } else if (is_named) {
        sl_finding_add(findings, SL_CHECK_CERT_SIGNATURE,
                       "%s: the signature of certificate \"%s\" is not by \"%s\", which it names: "
                       "it was changed or forged",
                       path->name, name, issuer);
    } else {
        sl_finding_add(findings, SL_CHECK_CERT_PATH,
                       "%s: the issuer \"%s\" of certificate \"%s\" is neither in the chain nor a "
                       "trusted root: complete the chain",
                       path->name, issuer, name);
    }
}

/* From the leaf to an anchor; anchors come first, so that the path is the shortest. */
static bool path_build(const struct sl_x509_path *path, X509 *leaf, struct sl_x509_keys *keys,
                       struct sl_x509_chain *chain, struct sl_findings *findings)
{
    *chain = (struct sl_x509_chain){.certs = {leaf}, .count = 1};
    if (path->role == SL_X509_CA && list_holds(path->roots, leaf)) {
        return true;
    }
    while (chain->count <= SL_X509_CHAIN_MAX) {
        X509 *subject = chain->certs[chain->count - 1];
        bool is_named = false;
        X509 *anchor = issuer_find(path, path->roots, keys, chain, subject, &is_named);
        X509 *issuer = anchor != NULL
                           ? anchor
                           : issuer_find(path, path->certs, keys, chain, subject, &is_named);
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
                   SL_X509_CHAIN_MAX);
    return false;
}

/* Beside the path only what the path's own issuers signed, and only where the caller named the
 * leaf: AMD's ASVK beside its ASK. */
static bool is_sibling(const struct sl_x509_path *path, struct sl_x509_keys *keys,
                       const struct sl_x509_chain *chain, X509 *cert)
{
    for (size_t i = 1; i < chain->count && path->leaf != NULL; i++) {
        if (may_issue(chain->certs[i], cert) &&
            sl_x509_cert_is_signed(path->cache, keys, cert, chain->certs[i])) {
            return true;
        }
    }
    return false;
}

/* What came with the chain must belong to it: a second, different "root" is a sign of tampering,
 * unless it is trusted itself (Intel issued its root twice for one key). */
static bool rest_check(const struct sl_x509_path *path, struct sl_x509_keys *keys,
                       const struct sl_x509_chain *chain, struct sl_findings *findings)
{
    bool is_ok = true;
    for (size_t i = 0; i < path->certs->count; i++) {
        X509 *cert = path->certs->certs[i];
        if (!chain_holds(chain, cert) && !list_holds(path->roots, cert) &&
            !is_sibling(path, keys, chain, cert)) {
            char name[SL_X509_NAME_SIZE];
            sl_x509_name_text(X509_get_subject_name(cert), name);
            sl_finding_add(findings, SL_CHECK_CERT_PATH,
                           "%s: certificate \"%s\" is no part of the path to a trusted root, or "
                           "differs from the one that is: remove it",
                           path->name, name);
            is_ok = false;
        }
    }
    return is_ok;
}

static bool is_self_issued(X509 *cert)
{
    return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
}

static bool path_validate(const struct sl_x509_path *path, struct sl_x509_keys *keys,
                          const struct sl_x509_chain *chain, struct sl_findings *findings)
{
    bool is_ok = true;
    long below = 0;
    for (size_t i = 0; i < chain->count; i++) {
        X509 *cert = chain->certs[i];
        char name[SL_X509_NAME_SIZE];
        sl_x509_name_text(X509_get_subject_name(cert), name);
        if (!format_check(path, cert, name, findings)) {
            is_ok = false;
        }
        validity_check(path, cert, name, findings);
        if (i == 0) {
            is_ok = leaf_check(path, cert, name, findings) && is_ok;
        } else {
            is_ok = issuer_check(path, cert, name, below, findings) && is_ok;
            below += is_self_issued(cert) ? 0 : 1;
        }
        if (i + 1 < chain->count) {
            sl_x509_revocation_check(path, keys, chain->certs[i + 1], cert, findings);
        }
    }
    return is_ok;
}

X509 *sl_x509_path_find(const struct sl_x509_path *path, struct sl_findings *findings,
                        struct sl_x509_chain *ret_chain)
{
    struct sl_x509_chain chain = {.count = 0};
    struct sl_x509_keys keys = {.count = 0};
    *ret_chain = chain;
    ERR_set_mark();
    X509 *leaf = path->leaf != NULL ? path->leaf : leaf_find(path, findings);
    bool is_ok = leaf != NULL && path_build(path, leaf, &keys, &chain, findings);
    if (is_ok) {
        *ret_chain = chain;
        is_ok = rest_check(path, &keys, &chain, findings);
        is_ok = path_validate(path, &keys, &chain, findings) && is_ok;
    } else if (leaf != NULL) {
        char name[SL_X509_NAME_SIZE];
        sl_x509_name_text(X509_get_subject_name(leaf), name);
        validity_check(path, leaf, name, findings);
    }
    sl_x509_keys_done(&keys);
    ERR_pop_to_mark();
    return is_ok ? leaf : NULL;
}

X509 *sl_x509_path_check(const struct sl_x509_path *path, struct sl_findings *findings)
{
    struct sl_x509_chain chain;
    return sl_x509_path_find(path, findings, &chain);
}
