/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what an appraisal found. */
#include "attest/findings.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const CODES[SL_ATTEST_CHECK_COUNT] = {
#define CODE_ROW(name, code, claim, text) [SL_CHECK_##name] = code,
    SL_ATTEST_CHECK_TABLE(CODE_ROW)
#undef CODE_ROW
};

static void add(struct sl_findings *findings, enum sl_attest_severity severity,
                enum sl_attest_check check, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

static void add(struct sl_findings *findings, enum sl_attest_severity severity,
                enum sl_attest_check check, const char *format, va_list args)
{
    if (severity == SL_ATTEST_FAILURE) {
        findings->failure_count++;
    }
    if (findings->count == SL_FINDINGS_MAX) {
        findings->lost++;
        return;
    }
    struct sl_attest_finding *finding = &findings->list[findings->count];
    finding->code = CODES[check];
    finding->severity = severity;
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args);
    findings->checks[findings->count] = check;
    findings->count++;
}

void sl_finding_add(struct sl_findings *findings, enum sl_attest_check check, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    add(findings, SL_ATTEST_FAILURE, check, format, args);
    va_end(args);
}

void sl_finding_add_as(struct sl_findings *findings, enum sl_attest_severity severity,
                       enum sl_attest_check check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(findings, severity, check, format, args);
    va_end(args);
}

bool sl_findings_has(const struct sl_findings *findings, enum sl_attest_check check)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->checks[i] == check) {
            return true;
        }
    }
    return false;
}
