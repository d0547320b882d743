/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Whether a verdict still holds. Nothing that is stored is trusted by itself: only what was judged
 * in the past, and whose lease lasts still.
 */
#ifndef SL_TRUSTD_LEASE_H
#define SL_TRUSTD_LEASE_H

#include "monitor/driver.h"

/** The verdict as of @p now_ms.
 * @param[in]  verdict  as stored; a word that is none is UNKNOWN
 * @param[out] ret_why  NULL where it is as it was judged; else a code: "never-judged",
 * "lease-expired", "clock-went-back" */
enum sl_verdict sl_lease_verdict(const char *verdict, int64_t judged_ms, int64_t lease_end_ms,
                                 int64_t now_ms, const char **ret_why);
/** By its word; UNKNOWN where there is none. */
enum sl_verdict sl_verdict_find(const char *text);

#endif
