/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Collects what the checks of one appraisal found. Never fails: past its bound it counts what it
 * could not keep, and a lost failure is still a failure.
 */
#ifndef SL_ATTEST_FINDINGS_H
#define SL_ATTEST_FINDINGS_H

#include "safelib/attest.h"
#include "safelib/attest_checks.h"

enum { SL_FINDINGS_MAX = 64 };

struct sl_findings {
    struct sl_attest_finding list[SL_FINDINGS_MAX];
    size_t count;
    size_t lost;          /**< did not fit */
    size_t failure_count; /**< including lost ones */
    enum sl_attest_check checks[SL_FINDINGS_MAX];
};

/** The severity is that of the check's row in safelib/attest_checks.h. */
void sl_finding_add(struct sl_findings *findings, enum sl_attest_check check, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));
/** The same with a severity that the policy decided. */
void sl_finding_add_as(struct sl_findings *findings, enum sl_attest_severity severity,
                       enum sl_attest_check check, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool sl_findings_has(const struct sl_findings *findings, enum sl_attest_check check);

#endif
