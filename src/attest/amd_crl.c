/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation, RFC 5280 6.3.3, for complete CRLs by the certificate's own issuer. Delta, indirect
 * and partitioned CRLs have critical extensions and are refused. */
#include "attest/amd_path.h"
#include "attest/dates.h"
#include "attest/result.h"

/* RFC 5280 5.1.2.4 and 5.1.2.5: this update, next update; and the age that the policy allows. */
static void dates_check(const struct sl_amd_path *path, const struct sl_crl *crl,
                        const char *issuer, struct sl_findings *findings)
{
    const struct sl_dates dates = {.path = path->name,
                                   .name = issuer,
                                   .from_s = crl->this_update_s,
                                   .until_s = crl->next_update_s,
                                   .time_s = path->time_s,
                                   .max_age_s = path->max_crl_age_s};
    sl_crl_dates_check(&dates, findings);
}

static bool crl_is_signed(const struct sl_amd_path *path, struct sl_amd_keys *keys,
                          const struct sl_cert *issuer)
{
    const struct sl_crl *crl = path->crl;
    return sl_amd_key_id_fits(crl->authority_key_id, &crl->amd, issuer) &&
           sl_amd_is_signed(keys, "amd-crl", issuer, crl->tbs, crl->amd.signature);
}

void sl_amd_revocation_check(const struct sl_amd_path *path, struct sl_amd_keys *keys,
                             const struct sl_cert *issuer, const struct sl_cert *subject,
                             struct sl_findings *findings)
{
    const struct sl_crl *crl = path->crl;
    char when[SL_TIME_TEXT_SIZE];
    int64_t when_s;
    if (crl == NULL || !sl_blob_equal(crl->issuer, issuer->subject)) {
        return;
    }
    if (crl->amd.fault != NULL) {
        sl_finding_add(findings, SL_CHECK_CERT_FORMAT, "%s: the CRL of \"%s\" is refused: %s",
                       path->name, issuer->name, crl->amd.fault);
        return;
    }
    if (issuer->has_key_usage && (issuer->key_usage & SL_CERT_USE_CRL_SIGN) == 0) {
        sl_finding_add(findings, SL_CHECK_CERT_USAGE,
                       "%s: \"%s\" issued a CRL and its key usage lacks cRLSign", path->name,
                       issuer->name);
        return;
    }
    if (!crl_is_signed(path, keys, issuer)) {
        sl_finding_add(findings, SL_CHECK_CRL_SIGNATURE,
                       "%s: the signature of the CRL is not by \"%s\", which it names: it was "
                       "changed or forged",
                       path->name, issuer->name);
        return;
    }
    if (!crl->has_number) {
        sl_finding_add_as(findings, SL_ATTEST_WARNING, SL_CHECK_CERT_FORMAT,
                          "%s: the CRL of \"%s\" has no number (RFC 5280 5.2.3)", path->name,
                          issuer->name);
    }
    dates_check(path, crl, issuer->name, findings);
    if (sl_crl_holds(crl, subject->serial, &when_s)) {
        sl_time_text(when_s, when);
        sl_finding_add(
            findings, SL_CHECK_CERT_REVOKED,
            "%s: certificate \"%s\" was revoked by \"%s\" at %s: do not trust what it signed",
            path->name, subject->name, issuer->name, when);
    }
}
