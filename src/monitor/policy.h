/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the monitor asks of one class of nodes. policy_file.h reads it from YAML; zeroed, it trusts
 * nothing.
 */
#ifndef SL_MONITOR_POLICY_H
#define SL_MONITOR_POLICY_H

#include "attest/ima_replay.h"
#include "attest/ima_sig.h"
#include "attest/tpm_quote.h"
#include "monitor/driver.h"
#include "safelib/attest.h"

enum {
    SL_POLICY_NAME_MAX = 64,
    SL_POLICY_TEXT_MAX = 256,
    SL_POLICY_BANKS_MAX = 3,
    SL_POLICY_EXPECTED_MAX = 48,
    SL_POLICY_VALUES_MAX = 16,
    SL_POLICY_BOOTS_MAX = 16,
    SL_POLICY_SETS_MAX = 32,
    SL_POLICY_EXCLUSIONS_MAX = 64,
    SL_POLICY_SLOTS_MAX = 16,
    SL_POLICY_IMAGES_MAX = 32,
    SL_POLICY_TAG_SIZE = 16,
    SL_POLICY_MEASURED_MAX = 8,
};

/** Names of sets of reference digests. */
struct sl_policy_sets {
    uint32_t count;
    const char *names[SL_POLICY_SETS_MAX]; /**< into the policy's own texts */
    char texts[SL_POLICY_SETS_MAX][SL_POLICY_NAME_MAX];
};

/** One PCR may have any of these values. */
struct sl_policy_expected {
    uint16_t alg;
    uint32_t pcr;
    uint32_t value_count;
    uint8_t values[SL_POLICY_VALUES_MAX][SL_TPM_DIGEST_MAX];
};

/** Paths that are not judged by their digest. */
struct sl_policy_exclusion {
    char path[SL_POLICY_TEXT_MAX]; /**< fnmatch(3) without flags: "*" matches "/" too */
    char why[SL_POLICY_TEXT_MAX];
};

/** A PCR of its own for a container: the node's IMA policy measures it there. */
struct sl_policy_slot {
    uint32_t pcr;
    char container[SL_SUBJECT_ID_MAX]; /**< fnmatch of the id; "": by user range alone */
    bool has_uid;
    uint32_t uid_first; /**< the container's range must begin here */
    struct sl_policy_sets sets;
};

/** Container events: when the agent's word on containers counts (docs/trust-protocol.md). */
struct sl_policy_events {
    uint32_t pcr; /**< 0: events are not used */
    struct sl_policy_sets sets;
    uint32_t measured_count;
    /** fnmatch of paths: IMA must have measured each with a digest of `sets` before the first event
     */
    char measured[SL_POLICY_MEASURED_MAX][SL_POLICY_TEXT_MAX];
};

/** What an image may execute. */
struct sl_policy_image {
    char image[SL_POLICY_TEXT_MAX]; /**< fnmatch of the image as the runtime names it */
    struct sl_policy_sets sets;
};

struct sl_monitor_policy {
    char name[SL_POLICY_NAME_MAX];   /**< of the class */
    uint8_t tag[SL_POLICY_TAG_SIZE]; /**< of its source: another policy judges from entry 0 again */

    /* enrolment */
    char ek_roots_path[SL_POLICY_TEXT_MAX]; /**< "": none */
    uint8_t *ek_roots; /**< PEM of the acceptable EK CAs, and of CRLs of theirs and of those below
                            them; sl_monitor_policy_done frees it */
    size_t ek_roots_size;
    bool is_ek_crl_required; /**< every certificate but the root needs its issuer's CRL there */
    bool insecure_any_ek;    /**< enrol TPMs without a certificate: any program can be one */

    /* boot */
    struct sl_tpm_selection pcrs; /**< required; SL_POLICY_BANKS_MAX banks at most */
    uint32_t expected_count;
    struct sl_policy_expected expected[SL_POLICY_EXPECTED_MAX];
    bool is_bootlog_required;
    char any_boot_why[SL_POLICY_TEXT_MAX]; /**< not "": what booted is not compared, and why */

    /* measurement list */
    bool has_ima;
    uint32_t ima_pcr; /**< of the host: 10 */
    enum sl_ima_extend extend;
    struct sl_policy_sets host_sets;
    uint32_t exclusion_count;
    struct sl_policy_exclusion exclusions[SL_POLICY_EXCLUSIONS_MAX];
    char ima_keys_path[SL_POLICY_TEXT_MAX]; /**< "": signatures count for nothing */
    uint8_t *ima_keys;                      /**< PEM: keys whose signature accepts a host's file */
    size_t ima_keys_size;
    struct sl_ima_keyring *ima_keyring; /**< of ima_keys; NULL: none */
    enum sl_verdict unknown_verdict;    /**< of a host with an unknown digest */
    enum sl_verdict violation_verdict;  /**< of a subject with a violation */

    /* containers */
    uint32_t slot_count;
    struct sl_policy_slot slots[SL_POLICY_SLOTS_MAX];
    uint32_t image_count;
    struct sl_policy_image images[SL_POLICY_IMAGES_MAX];
    struct sl_policy_events events;

    /* TEEs */
    bool has_tee;
    struct sl_attest_policy tee;
    char tee_roots_path[SL_POLICY_TEXT_MAX];
    uint8_t *tee_roots; /**< PEM in place of the vendors', or NULL */
    size_t tee_roots_size;

    /* times */
    int64_t lease_ms;    /**< how long a verdict holds */
    int64_t interval_ms; /**< between rounds */
    int64_t max_wait_s;  /**< how long seen entries may stay unquoted */
};
void sl_monitor_policy_done(struct sl_monitor_policy *policy);

/** Reads what `ima.keys` names: a file of keys, or every file of a folder, by name.
 * @param[out] ret_pem  NULL unless SL_OK; text that sl_monitor_policy_keys_set takes
 * @retval SL_OK
 * @retval SL_NOT_FOUND   no such file or folder
 * @retval SL_IO          not readable
 * @retval SL_TRUNCATED, SL_MALFORMED  a file without keys, or with something else: @p err names it
 * @retval SL_RANGE       too long
 * @retval SL_NO_MEMORY
 * @owner caller frees @p ret_pem by free() */
sl_rc sl_monitor_keys_read(const char *path, uint8_t **ret_pem, size_t *ret_size,
                           struct sl_err *err) SL_MUST_CHECK;
/** Gives a policy the keys that it names. They become part of its tag: other keys judge a node's
 * list from entry 0 again.
 * @retval SL_OK
 * @retval SL_TRUNCATED, SL_MALFORMED, SL_UNSUPPORTED, SL_RANGE, SL_NO_MEMORY  as
 *         sl_ima_keyring_create
 * @retval SL_CRYPTO
 * @owner  takes @p pem (from malloc) over, whatever comes back */
sl_rc sl_monitor_policy_keys_set(struct sl_monitor_policy *policy, uint8_t *pem, size_t size,
                                 struct sl_err *err) SL_MUST_CHECK;

#endif
