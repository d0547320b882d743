/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Between the files of the driver "tpm-ima": one round, from the quote to the verdicts.
 */
#ifndef SL_MONITOR_TPM_IMA_H
#define SL_MONITOR_TPM_IMA_H

#include "attest/ima_replay.h"
#include "monitor/tpm_state.h"

enum {
    SL_TPM_QUOTE_MAX = 4 << 10,
    SL_TPM_BOOTLOG_MAX = 4 << 20,
    SL_TPM_LIST_MAX = 64 << 20,
    SL_TPM_CONTAINERS_MAX = 256,
    SL_PCR_IMA = 10,
};

/** A container as the agent names it: believed for what the TPM's evidence does not contradict. */
struct sl_tpm_container {
    char id[SL_SUBJECT_ID_MAX];
    char image[SL_POLICY_TEXT_MAX];
    char cgroup[SL_POLICY_TEXT_MAX];
    char root_device[64];
    char state[16];
    uint32_t uid_first, uid_count;
    int slot, image_rule; /**< row of the policy, or -1 */
    bool is_template_seen;
    const char *conflict; /**< id of another that claims the same, or NULL */
};

/** One round. */
struct sl_tpm_round {
    const struct sl_appraisal_input *input;
    const struct sl_monitor_policy *policy;
    struct sl_appraisal *appraisal;
    struct sl_subject *host;
    struct sl_tpm_state *state; /**< of the last round; becomes that of this one */
    struct sl_tpm_quote quote;
    uint16_t quote_alg; /**< of the quoted digest */
    bool is_reboot;
    bool is_fresh;           /**< the list is judged from entry 0 */
    struct sl_tpm_pcrs pcrs; /**< known values: boot first, then those after the proven prefix */
    uint64_t from;           /**< entry that the list which came begins behind */
    uint64_t proven;         /**< entries whose replay meets the quote */
    uint64_t behind;         /**< entries after those */
    uint32_t slots_new;      /**< bit per PCR that an entry of this round extended */
    struct sl_tpm_container *containers;
    size_t container_count;
};

/** Reads and compares what the agent says of containers. @retval SL_OK  @retval SL_NO_MEMORY
 * @retval SL_MALFORMED  the list is none; err */
sl_rc sl_tpm_containers_read(struct sl_tpm_round *round, struct sl_err *err) SL_MUST_CHECK;
/** Verdicts of all containers. @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_tpm_containers_judge(struct sl_tpm_round *round) SL_MUST_CHECK;

/** Values that PCRs have before the first entry: from the boot log, from the last round, from the
 * policy. What is wrong becomes a reason of the host.
 * @param[out] ret_is_good  false: there is nothing to go on with
 * @retval SL_OK, SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_tpm_boot_values(struct sl_tpm_round *round, bool *ret_is_good) SL_MUST_CHECK;
/** Compares quoted PCRs with the policy's values. */
void sl_tpm_boot_expected(struct sl_tpm_round *round);

/** Finds the prefix that the quote proves, and judges its new entries.
 * @param[out] ret_is_good  false: no prefix, nothing was judged
 * @retval SL_OK, SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_tpm_list_judge(struct sl_tpm_round *round, bool *ret_is_good) SL_MUST_CHECK;

/** Judges one proven entry; what is bad is recorded in the state. */
void sl_tpm_entry_judge(struct sl_tpm_round *round, const struct sl_ima_entry *entry,
                        bool is_hash_good);
/** Looks again at what was unknown: reference digests may have been imported since. */
void sl_tpm_records_review(struct sl_tpm_round *round);
/** A record as a reason of a subject. */
void sl_tpm_record_tell(const struct sl_tpm_round *round, struct sl_subject *subject,
                        const struct sl_tpm_record *record);
enum sl_verdict sl_tpm_record_verdict(const struct sl_tpm_round *round,
                                      const struct sl_tpm_record *record);

/** Reads the key of the registration. @retval SL_OK, SL_MALFORMED, SL_AUTH, SL_NO_MEMORY... */
struct sl_tpm_public;
sl_rc sl_tpm_ak_read(const json_t *registration, struct sl_tpm_public *ret_ak,
                     struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_tpm_register(const json_t *registration, const struct sl_monitor_policy *policy,
                      int64_t time_s, struct sl_err *err) SL_MUST_CHECK;

#endif
