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
    SL_TPM_CONTAINERS_MAX = 512, /**< as many as an agent tells */
    SL_PCR_IMA = 10,
    SL_TPM_EVENTS_SIZE_MAX = 16 << 20,
    SL_TPM_AGENTS_MAX = 16, /**< starts of the agent between two rounds */
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
    int event;            /**< row of the state's containers, or -1 */
    const char *conflict; /**< id of another that claims the same, or NULL */
};

/** Container events of a round. What is found on the way counts only where the quote is met. */
struct sl_tpm_events_round {
    uint8_t *data;
    size_t size, off; /**< off: of the first that is new */
    uint64_t count;   /**< after the last */
    struct {
        uint64_t ima_count;
        uint8_t pcr[32];
        bool is_met;
    } agents[SL_TPM_AGENTS_MAX];
    uint32_t agent_count, agent_at;
    bool has_too_many; /**< starts of the agent */
    uint32_t measured;
    uint64_t complete;
    bool is_changed;
    bool is_judged; /**< the quote was met */
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
    bool is_piece;           /**< goes on behind pieces of a list that came before */
    bool is_fresh;           /**< the list is judged from entry 0 */
    struct sl_tpm_pcrs pcrs; /**< known values: boot first, then those after the proven prefix */
    uint64_t from;           /**< entry that the list which came begins behind */
    uint64_t proven;         /**< entries whose replay meets the quote */
    uint64_t behind;         /**< entries after those */
    uint32_t slots_new;      /**< bit per PCR that an entry of this round extended */
    struct sl_tpm_events_round events;
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

/** Reads the container events and extends their PCR's known value by them.
 * @param[out] ret_is_good  false: they are no log that goes on; the host has the reason
 * @retval SL_OK, SL_NO_MEMORY, SL_CRYPTO */
sl_rc sl_tpm_events_take(struct sl_tpm_round *round, bool *ret_is_good) SL_MUST_CHECK;
/** The list has come to entry @p number with @p pcr in PCR 10 (SHA-256; NULL: not replayed).
 * @param entry  NULL: where the list begins */
void sl_tpm_events_walk(struct sl_tpm_round *round, uint64_t number, const uint8_t *pcr,
                        const struct sl_ima_entry *entry);
/** The quote is met: believes the events or says why not, and records what is bad.
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_tpm_events_judge(struct sl_tpm_round *round) SL_MUST_CHECK;
/** Has a container executed this unknown file, and does the container carry it already? */
bool sl_tpm_events_is_known(const struct sl_tpm_round *round, const struct sl_ima_entry *entry);
/** What a container may execute, by its events. @return NULL: nothing */
const struct sl_policy_sets *sl_tpm_events_sets(const struct sl_tpm_round *round, const char *id);
/** Finds each container of the list in the events, and what the list leaves out.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_tpm_events_containers(struct sl_tpm_round *round) SL_MUST_CHECK;
/** Compares a container of the list with its events. */
void sl_tpm_events_listed(struct sl_tpm_round *round, struct sl_subject *subject,
                          const struct sl_tpm_container *container);
/** What events say of a container's attribution. @return false: nothing */
bool sl_tpm_events_tell(const struct sl_tpm_round *round, struct sl_subject *subject,
                        const struct sl_tpm_container *container);

/** Whether a digest is in one of the sets. */
bool sl_tpm_is_in_sets(const struct sl_tpm_round *round, const struct sl_policy_sets *sets,
                       const char *alg, const uint8_t *digest, size_t size);
/** Slot and image of a container, by what is said of it: rows of the policy, or -1. */
void sl_tpm_container_rows(const struct sl_monitor_policy *policy,
                           struct sl_tpm_container *container);

/** Reads the key of the registration. @retval SL_OK, SL_MALFORMED, SL_AUTH, SL_NO_MEMORY... */
struct sl_tpm_public;
sl_rc sl_tpm_ak_read(const json_t *registration, struct sl_tpm_public *ret_ak,
                     struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_tpm_register(const json_t *registration, const struct sl_monitor_policy *policy,
                      int64_t time_s, struct sl_err *err) SL_MUST_CHECK;

#endif
