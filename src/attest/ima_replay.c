/* SPDX-License-Identifier: Apache-2.0 */
/* PCR values after each entry of a measurement list. */
#include "attest/ima_replay.h"

#include <openssl/crypto.h>
#include <string.h>

static bool digest(EVP_MD_CTX *ctx, const EVP_MD *md, const uint8_t *a, size_t a_size,
                   const uint8_t *b, size_t b_size, uint8_t *out)
{
    return EVP_DigestInit_ex2(ctx, md, NULL) == 1 && EVP_DigestUpdate(ctx, a, a_size) == 1 &&
           EVP_DigestUpdate(ctx, b, b_size) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

sl_rc sl_ima_replay_init(struct sl_ima_replay *replay, const uint16_t *algs, uint32_t count,
                         enum sl_ima_extend extend)
{
    memset(replay, 0, sizeof(*replay));
    if (count == 0 || count > SL_IMA_BANKS_MAX) {
        return SL_RANGE;
    }
    replay->extend = extend;
    replay->ctx = EVP_MD_CTX_new();
    if (replay->ctx == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct sl_ima_bank *bank = &replay->banks[i];

        bank->hash = sl_tpm_hash_by_alg(algs[i]);
        bank->md = bank->hash != NULL && bank->hash->openssl != NULL
                       ? EVP_MD_fetch(NULL, bank->hash->openssl, NULL)
                       : NULL;
        if (bank->md == NULL) {
            sl_ima_replay_done(replay);
            return SL_UNSUPPORTED;
        }
        replay->bank_count++;
    }
    return SL_OK;
}

void sl_ima_replay_done(struct sl_ima_replay *replay)
{
    for (uint32_t i = 0; i < replay->bank_count; i++) {
        EVP_MD_free(replay->banks[i].md);
    }
    replay->bank_count = 0;
    EVP_MD_CTX_free(replay->ctx);
    replay->ctx = NULL;
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
    return digest(replay->ctx, bank->md, entry->data, entry->data_size, NULL, 0, out) ? SL_OK
                                                                                      : SL_CRYPTO;
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
            is_good = CRYPTO_memcmp(event, entry->template_hash, bank->hash->size) == 0;
            is_checked = is_good; /* 32 bytes may be SHA-256 or SM3 */
        }
        if (!digest(replay->ctx, bank->md, pcr, bank->hash->size, event, bank->hash->size, pcr)) {
            return SL_CRYPTO;
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
    unsigned size;

    for (size_t i = 0; (hash = sl_tpm_hash_at(i)) != NULL; i++) {
        const EVP_MD *md;

        if (hash->alg == 0 || hash->openssl == NULL || hash->size != entry->template_hash_size) {
            continue;
        }
        md = EVP_get_digestbyname(hash->openssl);
        if (md != NULL && EVP_Digest(entry->data, entry->data_size, out, &size, md, NULL) == 1 &&
            CRYPTO_memcmp(out, entry->template_hash, hash->size) == 0) {
            return true;
        }
    }
    return false;
}
