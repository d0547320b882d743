/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Replays a measurement list: what the PCRs hold after each entry, in every bank. A quote is taken
 * while the list grows, so a quoted value is looked for after every entry: it proves the prefix
 * that ends there. The state is small and can be kept as a checkpoint from which to go on.
 */
#ifndef SL_ATTEST_IMA_REPLAY_H
#define SL_ATTEST_IMA_REPLAY_H

#include "attest/ima_log.h"

enum { SL_IMA_BANKS_MAX = 6 };

/** How a bank other than SHA-1 was extended. */
enum sl_ima_extend {
    SL_IMA_EXTEND_HASH = 0,   /**< its own hash of the entry (Linux 5.8 and later) */
    SL_IMA_EXTEND_PADDED = 1, /**< the SHA-1 template hash with zeros behind it (earlier) */
};

struct sl_ima_bank {
    const struct sl_tpm_hash *hash;
    uint8_t pcr[SL_TPM_PCR_COUNT][SL_TPM_DIGEST_MAX];
};

struct sl_ima_replay {
    struct sl_ima_bank banks[SL_IMA_BANKS_MAX];
    uint32_t bank_count;
    enum sl_ima_extend extend;
    uint32_t touched; /**< bit per PCR that an entry extended */
    uint64_t entries;
    uint64_t bad_hashes; /**< template hashes that do not fit their entry */
    uint64_t violations;
};

/** Starts with PCRs of zeros. The structure is plain memory: a copy is a checkpoint.
 * @param algs  TPM_ALG_ID of the banks, at most SL_IMA_BANKS_MAX
 * @retval SL_OK, SL_RANGE, SL_UNSUPPORTED (no such hash in the library) */
sl_rc sl_ima_replay_init(struct sl_ima_replay *replay, const uint16_t *algs, uint32_t count,
                         enum sl_ima_extend extend) SL_MUST_CHECK;

/** Adds one entry to every bank. An entry whose template hash is wrong is counted and extended by
 * its data all the same: a bank of its own hash does not depend on it.
 * @param[out] ret_is_hash_good  of the template hash; true for a violation (may be NULL)
 * @retval SL_OK, SL_CRYPTO */
sl_rc sl_ima_replay_add(struct sl_ima_replay *replay, const struct sl_ima_entry *entry,
                        bool *ret_is_hash_good) SL_MUST_CHECK;

/** @return value of a PCR, hash->size bytes; NULL: no such bank or PCR */
const uint8_t *sl_ima_replay_pcr(const struct sl_ima_replay *replay, uint16_t alg, uint32_t pcr);
/** Sets a PCR, to go on from a checkpoint. @retval SL_OK, SL_NOT_FOUND */
sl_rc sl_ima_replay_pcr_set(struct sl_ima_replay *replay, uint16_t alg, uint32_t pcr,
                            const uint8_t *value) SL_MUST_CHECK;

/** Whether the template hash is that of the entry's data. False for a violation's zeros. */
bool sl_ima_entry_is_hash_good(const struct sl_ima_entry *entry);

#endif
