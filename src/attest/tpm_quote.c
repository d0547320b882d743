/* SPDX-License-Identifier: Apache-2.0 */
/* TPM 2.0 quotes: reading and judging. */
#include "attest/tpm_quote.h"

#include <openssl/crypto.h>
#include <string.h>

#include "attest/tpm_wire.h"
#include "safelib/bytes.h"

enum {
    TPM_GENERATED_VALUE = 0xff544347, /* part 2, 6.2 */
    TPM_ST_ATTEST_QUOTE = 0x8018,     /* part 2, 6.9 */
};

static void selection_read(struct sl_reader *r, struct sl_tpm_selection *selection)
{
    const uint32_t count = sl_reader_be32(r);

    if (r->rc == SL_OK && count > SL_TPM_BANKS_MAX) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    for (uint32_t i = 0; r->rc == SL_OK && i < count; i++) {
        const uint16_t alg = sl_reader_be16(r);
        const uint8_t size = sl_reader_u8(r);
        const uint8_t *select = sl_reader_bytes(r, size);

        selection->banks[i].alg = alg;
        for (uint8_t at = 0; select != NULL && at < size; at++) {
            if (at >= SL_TPM_PCR_COUNT / 8 && select[at] != 0) {
                sl_reader_fail(r, SL_MALFORMED); /* a PCR that no PC client TPM has */
            } else if (at < SL_TPM_PCR_COUNT / 8) {
                selection->banks[i].mask |= (uint32_t)select[at] << (8 * at);
            }
        }
        selection->count = i + 1;
    }
}

sl_rc sl_tpm_quote_read(struct sl_blob attest, struct sl_tpm_quote *ret_quote, struct sl_err *err)
{
    struct sl_tpm_quote quote = {0};
    struct sl_reader r;
    uint32_t magic;
    uint16_t type;
    sl_rc rc;

    memset(ret_quote, 0, sizeof(*ret_quote));
    sl_reader_init(&r, attest.data, attest.size);
    magic = sl_reader_be32(&r);
    type = sl_reader_be16(&r);
    if (r.rc == SL_OK && magic != TPM_GENERATED_VALUE) {
        return sl_err_set(err, SL_MALFORMED,
                          "magic is %08x, a TPM writes ff544347: this was not made by a TPM",
                          magic);
    }
    if (r.rc == SL_OK && type != TPM_ST_ATTEST_QUOTE) {
        return sl_err_set(err, SL_UNSUPPORTED, "attestation of type %04x, a quote is 8018", type);
    }
    quote.signer = sl_tpm_blob_read(&r);
    quote.nonce = sl_tpm_blob_read(&r);
    quote.clock.clock_ms = sl_reader_be64(&r);
    quote.clock.reset_count = sl_reader_be32(&r);
    quote.clock.restart_count = sl_reader_be32(&r);
    quote.clock.is_safe = sl_reader_u8(&r) != 0;
    quote.firmware_version = sl_reader_be64(&r);
    selection_read(&r, &quote.selection);
    quote.pcr_digest = sl_tpm_blob_read(&r);
    rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "a quote of %zu bytes: %s after %zu", attest.size,
                          sl_rc_text(rc), r.off);
    }
    *ret_quote = quote;
    return SL_OK;
}

const uint8_t *sl_tpm_pcrs_find(const struct sl_tpm_pcrs *pcrs, uint16_t alg, uint32_t pcr)
{
    for (uint32_t i = 0; i < pcrs->count && pcr < SL_TPM_PCR_COUNT; i++) {
        if (pcrs->banks[i].alg == alg && (pcrs->banks[i].mask >> pcr & 1) != 0) {
            return pcrs->banks[i].value[pcr];
        }
    }
    return NULL;
}

sl_rc sl_tpm_pcrs_put(struct sl_tpm_pcrs *pcrs, uint16_t alg, uint32_t pcr, const uint8_t *value)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(alg);
    uint32_t i = 0;

    if (hash == NULL) {
        return SL_UNSUPPORTED;
    }
    while (i < pcrs->count && pcrs->banks[i].alg != alg) {
        i++;
    }
    if (pcr >= SL_TPM_PCR_COUNT || i >= SL_TPM_BANKS_MAX) {
        return SL_RANGE;
    }
    if (i == pcrs->count) {
        memset(&pcrs->banks[i], 0, sizeof(pcrs->banks[i]));
        pcrs->banks[i].alg = alg;
        pcrs->count++;
    }
    pcrs->banks[i].mask |= 1u << pcr;
    memcpy(pcrs->banks[i].value[pcr], value, hash->size);
    return SL_OK;
}

/* Part 3, 18.4.1: "a hash of the concatenation of the PCR selected in ... selection" */
static sl_rc selected_hash(EVP_MD_CTX *ctx, const struct sl_tpm_selection *selection,
                           const struct sl_tpm_pcrs *pcrs)
{
    for (uint32_t i = 0; i < selection->count; i++) {
        const struct sl_tpm_hash *bank = sl_tpm_hash_by_alg(selection->banks[i].alg);

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint8_t *value;

            if ((selection->banks[i].mask >> pcr & 1) == 0) {
                continue;
            }
            value = sl_tpm_pcrs_find(pcrs, selection->banks[i].alg, pcr);
            if (bank == NULL || value == NULL) {
                return SL_NOT_FOUND;
            }
            if (EVP_DigestUpdate(ctx, value, bank->size) != 1) {
                return SL_CRYPTO;
            }
        }
    }
    return SL_OK;
}

sl_rc sl_tpm_pcr_digest(const struct sl_tpm_selection *selection, const struct sl_tpm_pcrs *pcrs,
                        uint16_t alg, uint8_t out[SL_TPM_DIGEST_MAX], size_t *ret_size)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(alg);
    EVP_MD *md =
        hash != NULL && hash->openssl != NULL ? EVP_MD_fetch(NULL, hash->openssl, NULL) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    sl_rc rc = SL_CRYPTO;

    if (md == NULL) {
        rc = SL_UNSUPPORTED;
    } else if (ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1) {
        rc = selected_hash(ctx, selection, pcrs);
    }
    if (rc == SL_OK) {
        rc = EVP_DigestFinal_ex(ctx, out, NULL) == 1 ? SL_OK : SL_CRYPTO;
        *ret_size = hash->size;
    }
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return rc;
}

static void nonce_check(const struct sl_tpm_quote *quote, struct sl_blob nonce,
                        struct sl_findings *findings)
{
    if (nonce.data == NULL) {
        return;
    }
    if (quote->nonce.size != nonce.size ||
        CRYPTO_memcmp(quote->nonce.data, nonce.data, nonce.size) != 0) {
        sl_finding_add(findings, SL_CHECK_TPM_NONCE,
                       "the quote answers another challenge: its extraData of %zu bytes is not the "
                       "nonce of %zu bytes; ask for a fresh quote",
                       quote->nonce.size, nonce.size);
    }
}

static uint32_t mask_of(const struct sl_tpm_selection *selection, uint16_t alg)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < selection->count; i++) {
        mask |= selection->banks[i].alg == alg ? selection->banks[i].mask : 0;
    }
    return mask;
}

static void selection_check(const struct sl_tpm_selection *quoted,
                            const struct sl_tpm_selection *required, struct sl_findings *findings)
{
    uint32_t any = 0;

    for (uint32_t i = 0; i < quoted->count; i++) {
        any |= quoted->banks[i].mask;
    }
    if (any == 0) {
        sl_finding_add(findings, SL_CHECK_TPM_SELECTION,
                       "the quote selects no PCR: it says nothing about the machine");
    }
    for (uint32_t i = 0; i < required->count; i++) {
        const uint16_t alg = required->banks[i].alg;
        const uint32_t missing = required->banks[i].mask & ~mask_of(quoted, alg);
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(alg);

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            if ((missing >> pcr & 1) != 0) {
                sl_finding_add(findings, SL_CHECK_TPM_SELECTION,
                               "PCR %u of bank %s is required and not quoted", pcr,
                               hash != NULL ? hash->name : "unknown");
            }
        }
    }
}

/* Part 1, 36: clock never goes back; resetCount and restartCount only grow, restartCount starts
 * again with a reset. */
static void clock_check(const struct sl_tpm_clock *now, const struct sl_tpm_clock *previous,
                        struct sl_findings *findings)
{
    if (now->reset_count < previous->reset_count) {
        sl_finding_add(findings, SL_CHECK_TPM_CLOCK,
                       "resetCount is %u, and was %u: an old quote, or another TPM",
                       now->reset_count, previous->reset_count);
        return;
    }
    if (now->reset_count == previous->reset_count && now->restart_count < previous->restart_count) {
        sl_finding_add(findings, SL_CHECK_TPM_CLOCK,
                       "restartCount is %u, and was %u without a reset between: an old quote",
                       now->restart_count, previous->restart_count);
    }
    if (now->reset_count == previous->reset_count && now->clock_ms <= previous->clock_ms) {
        sl_finding_add(findings, SL_CHECK_TPM_CLOCK,
                       "clock is %llu ms, and was %llu ms without a reset between: an old quote",
                       (unsigned long long)now->clock_ms, (unsigned long long)previous->clock_ms);
    }
}

static void pcrs_check(const struct sl_tpm_quote *quote, const struct sl_tpm_pcrs *pcrs,
                       uint16_t alg, struct sl_findings *findings)
{
    uint8_t digest[SL_TPM_DIGEST_MAX];
    size_t size = 0;
    sl_rc rc = sl_tpm_pcr_digest(&quote->selection, pcrs, alg, digest, &size);

    if (rc == SL_NOT_FOUND) {
        sl_finding_add(findings, SL_CHECK_TPM_PCRS,
                       "a quoted PCR has no value among those given: give all of the selection");
    } else if (rc != SL_OK) {
        sl_finding_add(findings, SL_CHECK_TPM_PCRS, "the PCR digest cannot be computed: %s",
                       sl_rc_text(rc));
    } else if (size != quote->pcr_digest.size ||
               CRYPTO_memcmp(digest, quote->pcr_digest.data, size) != 0) {
        sl_finding_add(findings, SL_CHECK_TPM_PCRS,
                       "the PCR values given do not hash to the quoted digest");
    }
}

sl_rc sl_tpm_quote_check(EVP_PKEY *ak, struct sl_blob attest, struct sl_blob signature,
                         const struct sl_tpm_expectation *expected, struct sl_findings *findings,
                         struct sl_tpm_quote *ret_quote, bool *ret_is_reboot)
{
    struct sl_err err = {0};
    uint16_t alg = 0;
    sl_rc rc;

    *ret_is_reboot = false;
    rc = sl_tpm_signature_verify(ak, attest, signature, &alg, &err);
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_finding_add(findings, SL_CHECK_SIGNATURE, "%s", err.text);
    }
    if (sl_tpm_quote_read(attest, ret_quote, &err) != SL_OK) {
        sl_finding_add(findings, SL_CHECK_EVIDENCE_FORMAT, "%s", err.text);
        return SL_OK;
    }
    nonce_check(ret_quote, expected->nonce, findings);
    selection_check(&ret_quote->selection, &expected->required, findings);
    if (expected->has_previous) {
        clock_check(&ret_quote->clock, &expected->previous, findings);
        *ret_is_reboot = ret_quote->clock.reset_count > expected->previous.reset_count;
        if (ret_quote->firmware_version != expected->previous_firmware && !*ret_is_reboot) {
            sl_finding_add(findings, SL_CHECK_TPM_FIRMWARE,
                           "firmware version is %016llx, and was %016llx without a reset between",
                           (unsigned long long)ret_quote->firmware_version,
                           (unsigned long long)expected->previous_firmware);
        }
    }
    if (expected->pcrs != NULL && alg != 0) {
        pcrs_check(ret_quote, expected->pcrs, alg, findings);
    }
    return SL_OK;
}
