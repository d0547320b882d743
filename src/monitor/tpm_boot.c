/* SPDX-License-Identifier: Apache-2.0 */
/* What booted: PCR values from the boot log, compared with the policy's. The log is believed only
 * where its replay meets the quote, which the search for the list's prefix decides. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tcg_log.h"
#include "monitor/json_bytes.h"
#include "monitor/tpm_ima.h"
#include "safelib/bytes.h"

static const struct sl_policy_expected *expected_find(const struct sl_monitor_policy *policy,
                                                      uint16_t alg, uint32_t pcr)
{
    for (uint32_t i = 0; i < policy->expected_count; i++) {
        if (policy->expected[i].alg == alg && policy->expected[i].pcr == pcr) {
            return &policy->expected[i];
        }
    }
    return NULL;
}

static sl_rc log_replay(struct sl_tpm_round *round, struct sl_blob log, bool *ret_is_good)
{
    const struct sl_tpm_selection *quoted = &round->quote.selection;
    struct sl_tcg_replay *replay = malloc(sizeof(*replay));
    struct sl_err err = {0};
    sl_rc rc = replay != NULL ? SL_OK : SL_NO_MEMORY;

    for (uint32_t i = 0; rc == SL_OK && i < quoted->count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(quoted->banks[i].alg);

        if (quoted->banks[i].mask == 0) {
            continue;
        }
        rc = hash != NULL ? sl_tcg_log_replay(log, hash, replay, &err)
                          : sl_err_set(&err, SL_UNSUPPORTED, "a bank that is not known");
        if (rc != SL_OK && rc != SL_NO_MEMORY && rc != SL_CRYPTO) {
            sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "bootlog-malformed",
                              json_pack("{s:s}", "remedy",
                                        "see what `safelib bootlog replay` says of "
                                        "binary_bios_measurements on that node"),
                              "the boot log cannot be replayed: %s", err.text);
            *ret_is_good = false;
            rc = SL_OK;
            break;
        }
        for (uint32_t pcr = 0; rc == SL_OK && pcr < SL_TPM_PCR_COUNT; pcr++) {
            rc = sl_tpm_pcrs_put(&round->pcrs, hash->alg, pcr, replay->mr[pcr]);
        }
    }
    free(replay);
    return rc;
}

/* No log: a PCR whose one value the policy knows has that one, or the quote is refused. */
static void values_expect(struct sl_tpm_round *round, bool *ret_is_good)
{
    const struct sl_tpm_selection *quoted = &round->quote.selection;

    for (uint32_t i = 0; i < quoted->count; i++) {
        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint16_t alg = quoted->banks[i].alg;
            const struct sl_policy_expected *expected = expected_find(round->policy, alg, pcr);
            static const uint8_t zero[SL_TPM_DIGEST_MAX];

            if ((quoted->banks[i].mask >> pcr & 1) == 0) {
                continue;
            }
            if (expected == NULL && pcr < SL_PCR_IMA) {
                sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "pcr-unexplained",
                                  json_pack("{s:i, s:s}", "pcr", (int)pcr, "remedy",
                                            "let the policy demand the boot log, or name the "
                                            "PCR's value"),
                                  "PCR %u is quoted, and neither a boot log nor the policy says "
                                  "what it should hold",
                                  pcr);
                *ret_is_good = false;
                continue;
            }
            if (sl_tpm_pcrs_put(&round->pcrs, alg, pcr,
                                expected != NULL ? expected->values[0] : zero) != SL_OK) {
                *ret_is_good = false;
            }
        }
    }
}

sl_rc sl_tpm_boot_values(struct sl_tpm_round *round, bool *ret_is_good)
{
    const json_t *log = json_object_get(round->input->evidence, "bootlog");
    struct sl_tpm_state *state = round->state;
    struct sl_err err = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc;

    *ret_is_good = true;
    memset(&round->pcrs, 0, sizeof(round->pcrs));
    if (round->is_piece) {
        round->pcrs = state->pending_pcrs;
        return SL_OK;
    }
    if (!round->is_fresh) {
        round->pcrs = state->pcrs;
        return SL_OK;
    }
    state->has_bootlog = false;
    if (log == NULL || json_is_null(log)) {
        if (round->policy->is_bootlog_required) {
            sl_subject_reason(round->host,
                              round->is_reboot ? SL_VERDICT_UNKNOWN : SL_VERDICT_UNTRUSTED,
                              "bootlog-missing",
                              json_pack("{s:s}", "remedy",
                                        "the agent must send "
                                        "/sys/kernel/security/tpm0/binary_bios_measurements"),
                              "the policy demands a boot log after a start, and none came");
            *ret_is_good = false;
            return SL_OK;
        }
        values_expect(round, ret_is_good);
        return SL_OK;
    }
    rc = sl_json_bytes_of(log, "bootlog", SL_TPM_BOOTLOG_MAX, &data, &size, &err);
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "bootlog-malformed", NULL, "%s",
                          err.text);
        *ret_is_good = false;
        return SL_OK;
    }
    rc = log_replay(round, (struct sl_blob){data, size}, ret_is_good);
    if (rc == SL_OK &&
        EVP_Digest(data, size, state->bootlog_digest, NULL, EVP_sha256(), NULL) != 1) {
        rc = SL_CRYPTO;
    }
    state->has_bootlog = rc == SL_OK && *ret_is_good;
    free(data);
    return rc;
}

static bool is_one_of(const struct sl_policy_expected *expected, const uint8_t *value, size_t size)
{
    for (uint32_t i = 0; i < expected->value_count; i++) {
        if (memcmp(expected->values[i], value, size) == 0) {
            return true;
        }
    }
    return false;
}

static void mismatch_tell(struct sl_tpm_round *round, const struct sl_policy_expected *expected,
                          const struct sl_tpm_hash *hash, const uint8_t *value)
{
    char hex[2 * SL_TPM_DIGEST_MAX + 1], wanted[2 * SL_TPM_DIGEST_MAX + 1];

    sl_hex_encode(value, hash->size, hex);
    sl_hex_encode(expected->values[0], hash->size, wanted);
    sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "pcr-value",
                      json_pack("{s:i, s:s, s:s}", "pcr", (int)expected->pcr, "digest", hex,
                                "remedy",
                                "if firmware, boot loader or kernel was changed on purpose: check "
                                "`safelib bootlog show`, then `safelib node boot --accept`"),
                      "PCR %u of bank %s is %s, and the policy expects %s%s", expected->pcr,
                      hash->name, hex, wanted, expected->value_count > 1 ? " or another" : "");
}

void sl_tpm_boot_expected(struct sl_tpm_round *round)
{
    const struct sl_monitor_policy *policy = round->policy;
    bool is_boot_compared = false;

    for (uint32_t i = 0; i < policy->expected_count; i++) {
        const struct sl_policy_expected *expected = &policy->expected[i];
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(expected->alg);
        const uint8_t *value = sl_tpm_pcrs_find(&round->pcrs, expected->alg, expected->pcr);
        uint32_t quoted = 0;

        for (uint32_t j = 0; j < round->quote.selection.count; j++) {
            quoted |= round->quote.selection.banks[j].alg == expected->alg
                          ? round->quote.selection.banks[j].mask
                          : 0;
        }
        if (hash == NULL || value == NULL || (quoted >> expected->pcr & 1) == 0) {
            sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "pcr-unquoted",
                              json_pack("{s:i}", "pcr", (int)expected->pcr),
                              "the policy knows values of PCR %u, which is not quoted",
                              expected->pcr);
        } else if (!is_one_of(expected, value, hash->size)) {
            mismatch_tell(round, expected, hash, value);
        }
        is_boot_compared = is_boot_compared || expected->pcr < SL_PCR_IMA;
    }
    if (!is_boot_compared && policy->any_boot_why[0] == '\0') {
        sl_subject_reason(
            round->host, SL_VERDICT_DEGRADED, "boot-unreferenced",
            json_pack("{s:s}", "remedy",
                      "look at `safelib node boot NODE`, then accept it (--accept POLICY); "
                      "or say in accept_any_boot why it does not matter"),
            "what booted is not compared with anything: the policy expects no value "
            "of PCRs 0 to 9");
    }
}
