/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * How one kind of evidence is judged by the monitor. A driver is one file and one row in
 * src/monitor/drivers.c; docs/driver-guide.md has a whole one.
 *
 * A driver is a pure function of its input: it keeps nothing, opens nothing, reads no clock. What
 * it must remember between rounds is the state that it returns, which the monitor makes durable
 * before any verdict is told. The journal holds every input, so that each verdict can be computed
 * again, bit for bit.
 */
#ifndef SL_MONITOR_DRIVER_H
#define SL_MONITOR_DRIVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "safelib/attest.h"

/** What is known of a subject. The order is that of trust; what was never judged is UNKNOWN. */
enum sl_verdict {
    SL_VERDICT_UNKNOWN = 0, /**< no evidence, or none in time: never trusted */
    SL_VERDICT_UNTRUSTED,
    SL_VERDICT_DEGRADED, /**< good but for what the policy calls tolerable; reasons say what */
    SL_VERDICT_TRUSTED,
};
const char *sl_verdict_text(enum sl_verdict verdict);

enum sl_subject_kind { SL_SUBJECT_HOST, SL_SUBJECT_CONTAINER, SL_SUBJECT_TEE };
const char *sl_subject_kind_text(enum sl_subject_kind kind);

enum { SL_SUBJECT_ID_MAX = 128, SL_MONITOR_NONCE_SIZE = 32, SL_NODE_STATE_MAX = 8 << 10 };

/** A verdict on one subject. */
struct sl_subject {
    enum sl_subject_kind kind;
    char id[SL_SUBJECT_ID_MAX]; /**< "host", a container's id, a TEE's id */
    enum sl_verdict verdict;
    /** Array of {"code", "text", "remedy"} and, where they apply, "entry" (number in the
     * measurement list), "pcr", "path", "digest", "confidence". Never empty unless TRUSTED. */
    json_t *reasons;
};

/** Reference digests, by whoever holds them. */
struct sl_refvals {
    void *ctx;
    /** Whether @p digest (of @p alg, the kernel's name) is in one of @p sets.
     * @return name of the set, or NULL */
    const char *(*find)(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                        const char *const *sets, size_t set_count);
};

/** What the monitor gives to a driver for one round. */
struct sl_appraisal_input {
    const json_t *registration; /**< as `enroll` accepted it */
    const uint8_t *state;       /**< of the last round; NULL: first */
    size_t state_size;
    const uint8_t *nonce;   /**< SL_MONITOR_NONCE_SIZE bytes, asked for and not used before */
    const json_t *evidence; /**< the driver's part of the message, checked for nothing yet */
    const struct sl_monitor_policy *policy; /**< of the node's class; NULL: none, hence UNKNOWN */
    const struct sl_refvals *refvals;
    const struct sl_attest_collateral *collateral; /**< for TEEs; NULL: none */
    int64_t time_s;
};

enum { SL_SUBJECTS_MAX = 1024 };

struct sl_appraisal {
    struct sl_subject *subjects; /**< at most SL_SUBJECTS_MAX */
    size_t subject_count;
    uint8_t *state; /**< for the next round, at most SL_NODE_STATE_MAX */
    size_t state_size;
    bool is_reboot; /**< the node has booted since the last round */
};
void sl_appraisal_done(struct sl_appraisal *appraisal);
/** Adds a subject with an empty list of reasons; NULL: no memory, or too many. */
struct sl_subject *sl_appraisal_subject(struct sl_appraisal *appraisal, enum sl_subject_kind kind,
                                        const char *id);
/** Adds a reason and lowers the verdict to @p verdict where it is higher. */
void sl_subject_reason(struct sl_subject *subject, enum sl_verdict verdict, const char *code,
                       json_t *details, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

struct sl_driver {
    const char *name; /**< "tpm-ima", "sgx", "tdx", "sev-snp" */
    bool has_no_tpm;  /**< its nodes may enrol without the keys of a TPM, hence without credential
                           activation: whoever may enrol nodes vouches for them */
    /** Checks what a node says of itself at enrolment.
     * @retval SL_OK, SL_MALFORMED, SL_AUTH (key or certificate not acceptable); @p err names the
     * field */
    sl_rc (*register_node)(const json_t *registration, const struct sl_monitor_policy *policy,
                           int64_t time_s, struct sl_err *err);
    /** What the node must send: an object that the agent gets beside the nonce.
     * @return new reference; NULL: no memory */
    json_t *(*challenge)(const json_t *registration, const uint8_t *state, size_t state_size,
                         const struct sl_monitor_policy *policy);
    /** Judges. A failure of the evidence is a verdict, not a result code.
     * @retval SL_OK  @p ret_appraisal is the caller's to sl_appraisal_done
     * @retval SL_NO_MEMORY, SL_CRYPTO, SL_INTERNAL  not judged: every subject becomes UNKNOWN */
    sl_rc (*appraise)(const struct sl_appraisal_input *input, struct sl_appraisal *ret_appraisal);
    /** What a state says has been proven, for people: an object. NULL: the driver has nothing to
     * tell. @return new reference; NULL: no memory, or not a state of this driver */
    json_t *(*describe)(const uint8_t *state, size_t state_size);
};

/** By name; NULL: unknown, and what an unknown driver would judge is UNKNOWN. */
const struct sl_driver *sl_driver_find(const char *name);

#endif
