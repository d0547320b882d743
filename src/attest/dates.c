/* SPDX-License-Identifier: Apache-2.0 */
/* Validity of certificates and CRLs at a given time. */
#include "attest/dates.h"

#include "attest/result.h"

void sl_cert_dates_check(const struct sl_dates *d, struct sl_findings *findings)
{
    char now[SL_TIME_TEXT_SIZE], bound[SL_TIME_TEXT_SIZE];
    if (d->time_s >= d->from_s && d->time_s <= d->until_s) {
        return;
    }
    sl_time_text(d->time_s, now);
    if (d->time_s < d->from_s) {
        sl_time_text(d->from_s, bound);
        sl_finding_add(findings, SL_CHECK_CERT_NOT_YET,
                       "%s: certificate \"%s\" is valid from %s, the time is %s: check the clock",
                       d->path, d->name, bound, now);
    } else {
        sl_time_text(d->until_s, bound);
        sl_finding_add(findings, SL_CHECK_CERT_EXPIRED,
                       "%s: certificate \"%s\" expired at %s, the time is %s: get the chain again "
                       "from the vendor",
                       d->path, d->name, bound, now);
    }
}

void sl_crl_dates_check(const struct sl_dates *d, struct sl_findings *findings)
{
    char now[SL_TIME_TEXT_SIZE], bound[SL_TIME_TEXT_SIZE];
    sl_time_text(d->time_s, now);
    if (d->time_s < d->from_s) {
        sl_time_text(d->from_s, bound);
        sl_finding_add(findings, SL_CHECK_CRL_NOT_YET,
                       "%s: the CRL of \"%s\" was issued at %s, the time is %s: check the clock",
                       d->path, d->name, bound, now);
    } else if (d->time_s > d->until_s) {
        sl_time_text(d->until_s, bound);
        sl_finding_add(findings, SL_CHECK_CRL_EXPIRED,
                       "%s: the CRL of \"%s\" was to be renewed by %s, the time is %s: get the "
                       "current one",
                       d->path, d->name, bound, now);
    } else if (d->max_age_s != 0 && (uint64_t)(d->time_s - d->from_s) > d->max_age_s) {
        sl_time_text(d->from_s, bound);
        sl_finding_add(findings, SL_CHECK_COLLATERAL_TOO_OLD,
                       "%s: the CRL of \"%s\" is of %s, the policy allows %llu s and the time is "
                       "%s: get the current one",
                       d->path, d->name, bound, (unsigned long long)d->max_age_s, now);
    }
}
