/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a verdict still holds. */
#include "trustd/lease.h"

#include <string.h>

/* Clocks are corrected by a little now and then. */
enum { CLOCK_BACK_MS = 2000 };

enum sl_verdict sl_verdict_find(const char *text)
{
    for (int v = SL_VERDICT_UNTRUSTED; text != NULL && v <= SL_VERDICT_TRUSTED; v++) {
        if (strcmp(text, sl_verdict_text((enum sl_verdict)v)) == 0) {
            return (enum sl_verdict)v;
        }
    }
    return SL_VERDICT_UNKNOWN;
}

enum sl_verdict sl_lease_verdict(const char *verdict, int64_t judged_ms, int64_t lease_end_ms,
                                 int64_t now_ms, const char **ret_why)
{
    if (judged_ms <= 0) {
        *ret_why = "never-judged";
    } else if (now_ms < judged_ms - CLOCK_BACK_MS) {
        *ret_why = "clock-went-back";
    } else if (now_ms >= lease_end_ms) {
        *ret_why = "lease-expired";
    } else {
        *ret_why = NULL;
        return sl_verdict_find(verdict);
    }
    return SL_VERDICT_UNKNOWN;
}
