/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for the tests' driver. */
#ifndef SL_TESTS_TRUSTD_JOBS_H
#define SL_TESTS_TRUSTD_JOBS_H

#include <jansson.h>

static inline json_t *job_make(const char *driver, const char *what, const char *policy)
{
    return json_pack("{s:s, s:{}, s:n, s:s, s:{s:s}, s:s?, s:n, s:i}", "driver", driver,
                     "registration", "state", "nonce",
                     "0000000000000000000000000000000000000000000000000000000000000001", "evidence",
                     "do", what, "policy", policy, "refvals", "time_s", 1700000000);
}

#endif
