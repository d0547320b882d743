/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Whether certificates and CRLs are valid at the given time: one rule and one sentence for every
 * vendor's path.
 */
#ifndef SL_ATTEST_DATES_H
#define SL_ATTEST_DATES_H

#include "attest/findings.h"

struct sl_dates {
    const char *path;        /**< in sentences: "PCK chain" */
    const char *name;        /**< of the certificate, or of the CRL's issuer */
    int64_t from_s, until_s; /**< notBefore and notAfter; thisUpdate and nextUpdate */
    int64_t time_s;          /**< at which it must be valid */
    uint64_t max_age_s;      /**< of a CRL; 0: until nextUpdate */
};

/** RFC 5280 4.1.2.5: both ends belong to the validity. */
void sl_cert_dates_check(const struct sl_dates *dates, struct sl_findings *findings);
/** RFC 5280 5.1.2.4 and 5.1.2.5, and the age that the policy allows. */
void sl_crl_dates_check(const struct sl_dates *dates, struct sl_findings *findings);

#endif
