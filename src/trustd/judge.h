/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * One appraisal as text in, text out. A job holds everything that a driver is given, so the same
 * job gives the same result, bit for bit, in the daemon, in its verifier process, and years later
 * in `safelib journal replay`.
 *
 *   job     {"driver", "id"?, "registration", "state": base64 | null, "nonce": hex, "evidence",
 *            "policy": YAML | null, "files": {name: text}, "collateral": bundle | null,
 *            "refvals": digest | null, "time_s", "refused"?: why today's policy would not enrol it}
 *   result  {"subjects": [{"kind", "id", "verdict", "reasons"}], "state": base64 | null, "reboot",
 *            "lease_ms", "next_ms"} or {"failed": why}
 *
 * or, to learn which collateral evidence needs, without judging anything:
 *
 *   job     {"find": "collateral", "driver", "evidence"}
 *   result  {"platforms": [key, ...]} or {"failed": why}
 *
 * All are compact, with sorted keys. `files` are those that the policy names and that judging
 * needs: nothing is read from the disk but the reference digests, which their own digest names.
 */
#ifndef SL_TRUSTD_JUDGE_H
#define SL_TRUSTD_JUDGE_H

#include "monitor/driver.h"

enum { SL_JOB_SIZE_MAX = 48 << 20, SL_RESULT_SIZE_MAX = 16 << 20 };

/** Where drivers, policies and reference digests come from: the product's in backend.c, a test's
 * own in a test. */
struct sl_monitor_backend {
    const struct sl_driver *(*driver_find)(const char *name);
    /** A policy as it is on the disk, with every file that it names.
     * @param[in] folder  where those files are
     * @param[out] ret_files  {name: text} of those that judging needs, for policy_read
     * @param[out] ret_roots  {name: text} of those that only enrolment needs
     * @retval SL_OK, SL_MALFORMED and others with @p err */
    sl_rc (*policy_open)(const char *text, size_t size, const char *folder,
                         struct sl_monitor_policy **ret_policy, json_t **ret_files,
                         json_t **ret_roots, struct sl_err *err);
    /** A policy as a job has it. @param[in] files  of policy_open; NULL: none */
    sl_rc (*policy_read)(const char *text, size_t size, const json_t *files,
                         struct sl_monitor_policy **ret_policy, struct sl_err *err);
    void (*policy_free)(struct sl_monitor_policy *policy);
    void (*policy_times)(const struct sl_monitor_policy *policy, int64_t *ret_lease_ms,
                         int64_t *ret_next_ms);
    /** Loads reference digests for this process. @param[out] ret_digest over all of them */
    sl_rc (*refvals_open)(const char *path, struct sl_refvals *ret_refvals, char ret_digest[65],
                          struct sl_err *err);
    void (*refvals_close)(struct sl_refvals *refvals);
};

/** Reference digests that are loaded; `digest` "" where there are none. */
struct sl_loaded_refvals {
    struct sl_refvals refvals;
    char digest[65];
};

/** Judges. Whatever goes wrong is a result too: {"failed": ...}, or subjects that are UNKNOWN.
 * @retval SL_OK, SL_NO_MEMORY
 * @owner caller frees @p ret_result */
sl_rc sl_job_judge(const struct sl_monitor_backend *backend,
                   const struct sl_loaded_refvals *refvals, const json_t *job,
                   char **ret_result) SL_MUST_CHECK;

/** {"failed": text}, allocated; NULL: no memory. */
char *sl_result_failed(const char *text);

/** The product's drivers, policy files and reference values. */
extern const struct sl_monitor_backend sl_monitor_backend_product;

#endif
