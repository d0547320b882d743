/* SPDX-License-Identifier: Apache-2.0 */
/* PCR values after each entry of a measurement list. */
#include "attest/ima_replay.h"

#include <string.h>

sl_rc sl_ima_replay_init(struct sl_ima_replay *replay, const uint16_t *algs, uint32_t count,
                         enum sl_ima_extend extend)
{
    memset(replay, 0, sizeof(*replay));
    if (count == 0 || count > SL_IMA_BANKS_MAX) {
        return SL_RANGE;
    }
    replay->extend = extend;
    for (uint32_t i = 0; i < count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(algs[i]);
        uint8_t probe[SL_TPM_DIGEST_MAX];

        if (hash == NULL || sl_tpm_hash_two(hash, NULL, 0, NULL, 0, probe) != SL_OK) {
            replay->bank_count = 0;
            return SL_UNSUPPORTED;
        }
        replay->banks[i].hash = hash;
        replay->bank_count++;
    }
    return SL_OK;
}

/* What the kernel extended this bank with (ima_queue.c, ima_pcr_extend; ima_add_template_entry:
 * "if (violation) ... memset(digests[i].digest, 0xff, ...)"). */
static sl_rc event_digest(const struct sl_ima_replay *replay, const struct sl_ima_bank *bank,
                          const struct sl_ima_entry *entry, uint8_t out[SL_TPM_DIGEST_MAX])
{
    if (entry->is_violation) {
        memset(out, 0xff, bank->hash->size);
        return SL_OK;
    }
    if (replay->extend == SL_IMA_EXTEND_PADDED && bank->hash->alg != SL_TPM_ALG_SHA1) {
        memset(out, 0, bank->hash->size);
        memcpy(out, entry->template_hash,
               entry->template_hash_size < bank->hash->size ? entry->template_hash_size
                                                            : bank->hash->size);
        return SL_OK;
    }
    return sl_tpm_hash_two(bank->hash, entry->data, entry->data_size, NULL, 0, out);
}

static bool is_own_hash(const struct sl_ima_bank *bank, const struct sl_ima_entry *entry)
{
    return bank->hash->size == entry->template_hash_size;
}

sl_rc sl_ima_replay_add(struct sl_ima_replay *replay, const struct sl_ima_entry *entry,
                        bool *ret_is_hash_good)
{
    uint8_t event[SL_TPM_DIGEST_MAX];
    bool is_checked = entry->is_violation, is_good = entry->is_violation;
    sl_rc rc;

    for (uint32_t i = 0; i < replay->bank_count; i++) {
        struct sl_ima_bank *bank = &replay->banks[i];
        uint8_t *pcr = bank->pcr[entry->pcr];

        rc = event_digest(replay, bank, entry, event);
        if (rc != SL_OK) {
            return rc;
        }
        if (!is_checked && is_own_hash(bank, entry) && replay->extend == SL_IMA_EXTEND_HASH) {
            is_good = memcmp(event, entry->template_hash, bank->hash->size) == 0;
            is_checked = is_good; /* 32 bytes may be SHA-256 or SM3 */
        }
        rc = sl_tpm_hash_two(bank->hash, pcr, bank->hash->size, event, bank->hash->size, pcr);
        if (rc != SL_OK) {
            return rc;
        }
    }
    if (!is_checked) {
        is_good = sl_ima_entry_is_hash_good(entry);
    }
    replay->touched |= 1u << entry->pcr;
    replay->entries++;
    replay->violations += entry->is_violation ? 1 : 0;
    replay->bad_hashes += is_good ? 0 : 1;
    if (ret_is_hash_good != NULL) {
        *ret_is_hash_good = is_good;
    }
    return SL_OK;
}

static struct sl_ima_bank *bank_find(const struct sl_ima_replay *replay, uint16_t alg)
{
    for (uint32_t i = 0; i < replay->bank_count; i++) {
        if (replay->banks[i].hash->alg == alg) {
            return (struct sl_ima_bank *)(uintptr_t)&replay->banks[i];
        }
    }
    return NULL;
}

const uint8_t *sl_ima_replay_pcr(const struct sl_ima_replay *replay, uint16_t alg, uint32_t pcr)
{
    const struct sl_ima_bank *bank = bank_find(replay, alg);

    return bank != NULL && pcr < SL_TPM_PCR_COUNT ? bank->pcr[pcr] : NULL;
}

sl_rc sl_ima_replay_pcr_set(struct sl_ima_replay *replay, uint16_t alg, uint32_t pcr,
                            const uint8_t *value)
{
    struct sl_ima_bank *bank = bank_find(replay, alg);

    if (bank == NULL || pcr >= SL_TPM_PCR_COUNT) {
        return SL_NOT_FOUND;
    }
    memcpy(bank->pcr[pcr], value, bank->hash->size);
    return SL_OK;
}

bool sl_ima_entry_is_hash_good(const struct sl_ima_entry *entry)
{
    const struct sl_tpm_hash *hash;
    uint8_t out[SL_TPM_DIGEST_MAX];

    for (size_t i = 0; (hash = sl_tpm_hash_at(i)) != NULL; i++) {
        if (hash->alg != 0 && hash->size == entry->template_hash_size &&
            sl_tpm_hash_two(hash, entry->data, entry->data_size, NULL, 0, out) == SL_OK &&
            memcmp(out, entry->template_hash, hash->size) == 0) {
            return true;
        }
    }
    return false;
}
