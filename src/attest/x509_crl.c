/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation, RFC 5280 6.3.3, for complete CRLs by the certificate's own issuer. Delta, indirect
 * and partitioned CRLs have critical extensions and are refused. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "attest/dates.h"
#include "attest/x509_internal.h"

static bool has_critical_entry(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(revoked); i++) {
        const X509_REVOKED *entry = sk_X509_REVOKED_value(revoked, i);
        for (int j = 0; j < X509_REVOKED_get_ext_count(entry); j++) {
            if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, j))) {
                return true;
            }
        }
    }
    return false;
}

static bool has_critical(X509_CRL *crl)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i))) {
            return true;
        }
    }
    return has_critical_entry(crl);
}

/* RFC 5280 5.2.3: every CRL has a number, not negative, of at most 20 octets. An absent one is told
 * apart: validation (6.3.3) does not need it. */
static bool number_is_sound(X509_CRL *crl, bool *ret_has_number)
{
    int critical = 0;
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, &critical, NULL);
    *ret_has_number = number != NULL;
    if (number == NULL) {
        return critical == -1;
    }
    bool is_sound = ASN1_STRING_type(number) == V_ASN1_INTEGER && ASN1_STRING_length(number) <= 20;
    ASN1_INTEGER_free(number);
    return is_sound;
}

static bool key_id_fits(X509_CRL *crl, X509 *issuer)
{
    int critical = 0;
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, &critical, NULL);
    if (id == NULL) {
        return critical == -1; /* absent is fine, malformed or doubled is not */
    }
    (void)X509_check_purpose(issuer, -1, 0); /* reads its extensions: the comparison needs them */
    bool is_fit = X509_check_akid(issuer, id) == X509_V_OK;
    AUTHORITY_KEYID_free(id);
    return is_fit;
}

static const char *format_fault(X509_CRL *crl, bool *ret_has_number)
{
    int64_t time_s;
    if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2) {
        return "it is not of version 2";
    }
    if (!sl_x509_time_read(X509_CRL_get0_lastUpdate(crl), &time_s) ||
        !sl_x509_time_read(X509_CRL_get0_nextUpdate(crl), &time_s)) {
        return "its dates are absent or not in the form of RFC 5280 5.1.2";
    }
    if (!number_is_sound(crl, ret_has_number)) {
        return "its CRL number breaks its format";
    }
    return has_critical(crl) ? "it has a critical extension that is not known here" : NULL;
}

/* RFC 5280 5.1.2.4 and 5.1.2.5: this update, next update; and the age that the policy allows. */
static void dates_check(const struct sl_x509_path *path, X509_CRL *crl, const char *issuer,
                        struct sl_findings *findings)
{
    int64_t from_s = 0, until_s = 0;
    if (!sl_x509_time_read(X509_CRL_get0_lastUpdate(crl), &from_s) ||
        !sl_x509_time_read(X509_CRL_get0_nextUpdate(crl), &until_s)) {
        return;
    }
    const struct sl_dates dates = {.path = path->name,
                                   .name = issuer,
                                   .from_s = from_s,
                                   .until_s = until_s,
                                   .time_s = path->time_s,
                                   .max_age_s = path->max_crl_age_s};
    sl_crl_dates_check(&dates, findings);
}

static void revoked_check(const struct sl_x509_path *path, X509_CRL *crl, X509 *subject,
                          const char *issuer, struct sl_findings *findings)
{
    X509_REVOKED *entry = NULL;
    if (X509_CRL_get0_by_cert(crl, &entry, subject) == 0) {
        return;
    }
    char name[SL_X509_NAME_SIZE], when[SL_TIME_TEXT_SIZE] = "(unknown date)";
    sl_x509_name_text(X509_get_subject_name(subject), name);
    int64_t time_s = 0;
    if (entry != NULL && sl_x509_time_read(X509_REVOKED_get0_revocationDate(entry), &time_s)) {
        sl_time_text(time_s, when);
    }
    sl_finding_add(
        findings, SL_CHECK_CERT_REVOKED,
        "%s: certificate \"%s\" was revoked by \"%s\" at %s: do not trust what it signed",
        path->name, name, issuer, when);
}

static void crl_check(const struct sl_x509_path *path, struct sl_x509_keys *keys, X509_CRL *crl,
                      X509 *issuer, X509 *subject, const char *issuer_name,
                      struct sl_findings *findings)
{
    bool has_number = true;
    const char *fault = format_fault(crl, &has_number);
    if (fault != NULL) {
        sl_finding_add(findings, SL_CHECK_CERT_FORMAT, "%s: the CRL of \"%s\" is refused: %s",
                       path->name, issuer_name, fault);
        return;
    }
    if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0) {
        sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                       "%s: \"%s\" issued a CRL and its key usage lacks cRLSign", path->name,
                       issuer_name);
        return;
    }
    if (!key_id_fits(crl, issuer) || !sl_x509_crl_is_signed(path->cache, keys, crl, issuer)) {
        sl_finding_add(findings, SL_CHECK_CRL_SIGNATURE,
                       "%s: the signature of the CRL is not by \"%s\", which it names: it was "
                       "changed or forged",
                       path->name, issuer_name);
        return;
    }
    if (!has_number) {
        sl_finding_add_as(findings, SL_ATTEST_WARNING, SL_CHECK_CERT_FORMAT,
                          "%s: the CRL of \"%s\" has no number (RFC 5280 5.2.3)", path->name,
                          issuer_name);
    }
    dates_check(path, crl, issuer_name, findings);
    revoked_check(path, crl, subject, issuer_name, findings);
}

void sl_x509_revocation_check(const struct sl_x509_path *path, struct sl_x509_keys *keys,
                              X509 *issuer, X509 *subject, struct sl_findings *findings)
{
    char name[SL_X509_NAME_SIZE], issuer_name[SL_X509_NAME_SIZE];
    sl_x509_name_text(X509_get_subject_name(subject), name);
    sl_x509_name_text(X509_get_subject_name(issuer), issuer_name);
    bool is_found = false;
    for (size_t i = 0; i < path->crl_count; i++) {
        X509_CRL *crl = path->crls[i];
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) == 0) {
            is_found = true;
            crl_check(path, keys, crl, issuer, subject, issuer_name, findings);
        }
    }
    if (!is_found && path->is_crl_required) {
        sl_finding_add(
            findings, SL_CHECK_CRL_MISSING,
            "%s: no CRL of \"%s\" was given, so that \"%s\" may have been revoked: get it "
            "from the vendor",
            path->name, issuer_name, name);
    }
}
