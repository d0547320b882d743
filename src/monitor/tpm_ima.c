/* SPDX-License-Identifier: Apache-2.0 */
/* The driver "tpm-ima": one TPM attests a host and its containers. One round: the quote by itself,
 * the boot log, the measurement list up to the entry that the quote proves, its new entries, the
 * containers. Whatever is missing or does not fit ends in a verdict that is not "trusted". */
#include "monitor/tpm_ima.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tpm_public.h"
#include "base/secret.h"
#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "safelib/bytes.h"

/* Must the list come from entry 0? */
static bool is_restart_due(const struct sl_tpm_state *state, const struct sl_monitor_policy *policy)
{
    /* forbidden: waived, the tag of a policy is public */
    return !state->has_quote || state->is_restart || state->entries == 0 ||
           !sl_equal_ct(state->policy_tag, policy->tag, sizeof(policy->tag));
}

/* ---- challenge ---- */

static json_t *selection_json(const struct sl_tpm_selection *selection)
{
    json_t *pcrs = json_object();

    for (uint32_t i = 0; pcrs != NULL && i < selection->count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(selection->banks[i].alg);
        json_t *list = json_array();

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            if ((selection->banks[i].mask >> pcr & 1) != 0) {
                (void)json_array_append_new(list, json_integer(pcr));
            }
        }
        (void)json_object_set_new(pcrs, hash != NULL ? hash->name : "unknown", list);
    }
    return pcrs;
}

/* Pieces that came are worth something under the policy that they were judged by. */
static bool has_pieces(const struct sl_tpm_state *state, const struct sl_monitor_policy *policy)
{
    /* forbidden: waived, the tag of a policy is public */
    return state->pending != 0 && policy->has_ima &&
           sl_equal_ct(state->policy_tag, policy->tag, sizeof(policy->tag));
}

static json_t *list_json(const struct sl_tpm_state *state, bool is_restart)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(SL_TPM_ALG_SHA256);
    const uint8_t *value = sl_tpm_pcrs_find(&state->pcrs, hash->alg, SL_PCR_IMA);
    char hex[2 * SL_TPM_DIGEST_MAX + 1];

    if (is_restart || value == NULL) {
        return json_pack("{s:I}", "from", (json_int_t)(is_restart ? 0 : state->entries));
    }
    sl_hex_encode(value, hash->size, hex);
    return json_pack("{s:I, s:s}", "from", (json_int_t)state->entries, "sha256", hex);
}

static json_t *challenge(const json_t *registration, const uint8_t *state, size_t state_size,
                         const struct sl_monitor_policy *policy)
{
    struct sl_tpm_state *last = malloc(sizeof(*last));
    json_t *json = NULL;
    bool is_restart;

    (void)registration;
    if (last == NULL || policy == NULL) {
        free(last);
        return policy == NULL ? json_object() : NULL;
    }
    if (sl_tpm_state_read(state, state_size, last) != SL_OK) {
        memset(last, 0, sizeof(*last)); /* appraise refuses it */
    }
    is_restart = is_restart_due(last, policy);
    json = json_pack("{s:o, s:b}", "pcrs", selection_json(&policy->pcrs), "bootlog",
                     is_restart && !has_pieces(last, policy) ? 1 : 0);
    if (json != NULL && policy->has_ima &&
        json_object_set_new(json, "ima",
                            has_pieces(last, policy)
                                ? json_pack("{s:I}", "from", (json_int_t)last->pending)
                                : list_json(last, is_restart)) != 0) {
        json_decref(json);
        json = NULL;
    }
    if (json != NULL && policy->events.pcr != 0 &&
        json_object_set_new(
            json, "events",
            json_pack("{s:I}", "from", (json_int_t)(is_restart ? 0 : last->events.count))) != 0) {
        json_decref(json);
        json = NULL;
    }
    free(last);
    return json;
}

/* ---- what is proven ---- */

static json_t *values_json(const struct sl_tpm_pcrs *pcrs)
{
    json_t *banks = json_object();

    for (uint32_t i = 0; banks != NULL && i < pcrs->count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(pcrs->banks[i].alg);
        json_t *values = json_object();

        for (uint32_t pcr = 0; hash != NULL && pcr < SL_TPM_PCR_COUNT; pcr++) {
            const uint8_t *value = sl_tpm_pcrs_find(pcrs, hash->alg, pcr);
            char hex[2 * SL_TPM_DIGEST_MAX + 1], name[4];

            if (value != NULL) {
                sl_hex_encode(value, hash->size, hex);
                (void)snprintf(name, sizeof(name), "%u", pcr);
                (void)json_object_set_new(values, name, json_string(hex));
            }
        }
        (void)json_object_set_new(banks, hash != NULL ? hash->name : "unknown", values);
    }
    return banks;
}

static json_t *describe(const uint8_t *data, size_t size)
{
    struct sl_tpm_state *state = malloc(sizeof(*state));
    char bootlog[2 * sizeof(state->bootlog_digest) + 1], firmware[17];
    json_t *json = NULL;

    if (state != NULL && data != NULL && sl_tpm_state_read(data, size, state) == SL_OK) {
        sl_hex_encode(state->bootlog_digest, sizeof(state->bootlog_digest), bootlog);
        (void)snprintf(firmware, sizeof(firmware), "%016llx", (unsigned long long)state->firmware);
        json = json_pack("{s:o, s:I, s:I, s:I, s:s, s:s?}", "pcrs", values_json(&state->pcrs),
                         "entries", (json_int_t)state->entries, "reset_count",
                         (json_int_t)state->clock.reset_count, "restart_count",
                         (json_int_t)state->clock.restart_count, "firmware", firmware,
                         "bootlog_sha256", state->has_bootlog ? bootlog : NULL);
    }
    free(state);
    return json;
}

/* ---- the quote ---- */

static bool is_selection_asked(const struct sl_tpm_selection *quoted,
                               const struct sl_tpm_selection *asked)
{
    if (quoted->count > SL_POLICY_BANKS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < quoted->count; i++) {
        uint32_t mask = 0;

        for (uint32_t j = 0; j < asked->count; j++) {
            mask |= asked->banks[j].alg == quoted->banks[i].alg ? asked->banks[j].mask : 0;
        }
        for (uint32_t j = 0; j < i; j++) {
            mask = quoted->banks[j].alg == quoted->banks[i].alg ? 0 : mask;
        }
        if ((quoted->banks[i].mask & ~mask) != 0) {
            return false;
        }
    }
    return true;
}

static uint16_t alg_of_size(size_t size)
{
    static const uint16_t ALGS[] = {SL_TPM_ALG_SHA256, SL_TPM_ALG_SHA384, SL_TPM_ALG_SHA512,
                                    SL_TPM_ALG_SHA1};

    for (size_t i = 0; i < sizeof(ALGS) / sizeof(ALGS[0]); i++) {
        if (sl_tpm_hash_by_alg(ALGS[i])->size == size) {
            return ALGS[i];
        }
    }
    return 0;
}

static sl_rc quote_judge(struct sl_tpm_round *round, EVP_PKEY *ak, struct sl_blob quote,
                         struct sl_blob signature, bool *ret_is_good)
{
    const struct sl_tpm_state *state = round->state;
    const struct sl_tpm_expectation expected = {
        .nonce = {round->input->nonce, SL_MONITOR_NONCE_SIZE},
        .required = round->policy->pcrs,
        .has_previous = state->has_quote,
        .previous = state->clock,
        .previous_firmware = state->firmware,
    };
    struct sl_findings *findings = calloc(1, sizeof(*findings));
    sl_rc rc = findings != NULL ? SL_OK : SL_NO_MEMORY;

    if (rc == SL_OK) {
        rc = sl_tpm_quote_check(ak, quote, signature, &expected, findings, &round->quote,
                                &round->is_reboot);
    }
    for (size_t i = 0; rc == SL_OK && i < findings->count; i++) {
        sl_subject_reason(round->host,
                          findings->list[i].severity == SL_ATTEST_FAILURE ? SL_VERDICT_UNTRUSTED
                                                                          : SL_VERDICT_DEGRADED,
                          findings->list[i].code, NULL, "%s", findings->list[i].text);
    }
    *ret_is_good = rc == SL_OK && findings->failure_count == 0;
    if (*ret_is_good && !is_selection_asked(&round->quote.selection, &round->policy->pcrs)) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "tpm-selection", NULL,
                          "the quote selects PCRs that were not asked for");
        *ret_is_good = false;
    }
    free(findings);
    return rc;
}

static sl_rc quote_take(struct sl_tpm_round *round, EVP_PKEY *ak, uint8_t **ret_quote,
                        bool *ret_is_good)
{
    const json_t *evidence = round->input->evidence;
    struct sl_err err = {0};
    uint8_t *signature = NULL;
    size_t quote_size = 0, signature_size = 0;
    sl_rc rc;

    *ret_is_good = false;
    rc = sl_json_bytes(evidence, "quote", SL_TPM_QUOTE_MAX, ret_quote, &quote_size, &err);
    if (rc == SL_OK) {
        rc = sl_json_bytes(evidence, "signature", SL_TPM_QUOTE_MAX, &signature, &signature_size,
                           &err);
    }
    if (rc == SL_NOT_FOUND) {
        sl_subject_reason(round->host, SL_VERDICT_UNKNOWN, "evidence-missing", NULL, "%s",
                          err.text);
    } else if (rc != SL_OK && rc != SL_NO_MEMORY) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "evidence-malformed", NULL, "%s",
                          err.text);
    } else if (rc == SL_OK) {
        rc = quote_judge(round, ak, (struct sl_blob){*ret_quote, quote_size},
                         (struct sl_blob){signature, signature_size}, ret_is_good);
        round->quote_alg = alg_of_size(round->quote.pcr_digest.size);
        free(signature);
        return rc;
    }
    free(signature);
    return rc == SL_NO_MEMORY ? rc : SL_OK;
}

/* ---- one round ---- */

/* A genuine quote moves the clock, whatever becomes of the rest; a reboot ends what was proven. */
static void clock_take(struct sl_tpm_round *round)
{
    struct sl_tpm_state *state = round->state;

    state->has_quote = true;
    state->clock = round->quote.clock;
    state->firmware = round->quote.firmware_version;
    if (round->is_reboot) {
        state->is_restart = true;
        state->entries = 0;
        state->pending = 0;
        state->named = 0;
        state->seen = 0;
        state->behind_since_s = 0;
        memset(&state->pcrs, 0, sizeof(state->pcrs));
    }
}

/* Does the list go on behind the pieces of it that came? If not, they are forgotten. */
static void piece_look(struct sl_tpm_round *round)
{
    const json_t *ima = json_object_get(round->input->evidence, "ima");
    const json_int_t from = json_integer_value(json_object_get(ima, "from"));

    round->is_piece = has_pieces(round->state, round->policy) && from > 0 &&
                      (uint64_t)from == round->state->pending;
    if (!round->is_piece) {
        round->state->pending = 0;
    }
}

static sl_rc round_judge(struct sl_tpm_round *round)
{
    bool is_good = false;
    sl_rc rc;

    round->is_fresh = round->is_reboot || is_restart_due(round->state, round->policy);
    clock_take(round);
    piece_look(round);
    rc = sl_tpm_boot_values(round, &is_good);
    if (rc == SL_OK && is_good) {
        rc = sl_tpm_events_take(round, &is_good);
    }
    if (rc == SL_OK && is_good) {
        rc = sl_tpm_list_judge(round, &is_good);
    }
    if (rc != SL_OK || !is_good) {
        return rc;
    }
    round->state->is_restart = false;
    memcpy(round->state->policy_tag, round->policy->tag, sizeof(round->policy->tag));
    sl_tpm_boot_expected(round);
    return SL_OK;
}

static sl_rc evidence_judge(struct sl_tpm_round *round)
{
    struct sl_tpm_public ak = {0};
    struct sl_err err = {0};
    uint8_t *quote = NULL;
    bool is_good = false;
    sl_rc rc = sl_tpm_ak_read(round->input->registration, &ak, &err);

    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "registration", NULL,
                          "the node's registration is not usable: %s", err.text);
        return SL_OK;
    }
    rc = quote_take(round, ak.key, &quote, &is_good);
    if (rc == SL_OK && is_good) {
        rc = round_judge(round); /* the quote's fields lie in `quote` */
    }
    free(quote);
    sl_tpm_public_done(&ak);
    return rc;
}

/* Bad entries of the host, of this round and of earlier ones. */
static void host_judge(struct sl_tpm_round *round)
{
    sl_tpm_records_review(round);
    for (uint32_t i = 0; i < round->state->record_count; i++) {
        if (round->state->records[i].kind == SL_SUBJECT_HOST) {
            sl_tpm_record_tell(round, round->host, &round->state->records[i]);
        }
    }
}

static sl_rc state_put(struct sl_tpm_state *state, struct sl_appraisal *appraisal)
{
    sl_rc rc;

    appraisal->state = malloc(SL_NODE_STATE_MAX);
    if (appraisal->state == NULL) {
        return SL_NO_MEMORY;
    }
    rc = sl_tpm_state_write(state, appraisal->state, SL_NODE_STATE_MAX, &appraisal->state_size);
    if (rc == SL_NO_SPACE && state->pending != 0) { /* then the list begins anew */
        state->pending = 0;
        rc = sl_tpm_state_write(state, appraisal->state, SL_NODE_STATE_MAX, &appraisal->state_size);
    }
    return rc == SL_OK ? SL_OK : SL_INTERNAL;
}

static sl_rc round_run(struct sl_tpm_round *round)
{
    struct sl_err err = {0};
    sl_rc rc;

    if (round->policy == NULL) {
        sl_subject_reason(round->host, SL_VERDICT_UNKNOWN, "policy-missing",
                          json_pack("{s:s}", "remedy", "write a policy for the node's class"),
                          "there is no policy for this class of nodes, so nothing is trusted");
        return SL_OK;
    }
    rc = sl_tpm_containers_read(round, &err);
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "containers-malformed", NULL, "%s",
                          err.text);
    }
    rc = evidence_judge(round);
    if (rc == SL_OK) {
        host_judge(round);
        rc = sl_tpm_containers_judge(round);
    }
    return rc;
}

static sl_rc appraise(const struct sl_appraisal_input *input, struct sl_appraisal *ret_appraisal)
{
    struct sl_tpm_round *round = calloc(1, sizeof(*round));
    sl_rc rc = SL_NO_MEMORY;

    memset(ret_appraisal, 0, sizeof(*ret_appraisal));
    if (round == NULL) {
        return SL_NO_MEMORY;
    }
    round->input = input;
    round->policy = input->policy;
    round->appraisal = ret_appraisal;
    round->state = malloc(sizeof(*round->state));
    round->host = sl_appraisal_subject(ret_appraisal, SL_SUBJECT_HOST, "host");
    if (round->state != NULL && round->host != NULL) {
        rc = sl_tpm_state_read(input->state, input->state_size, round->state) == SL_OK
                 ? round_run(round)
                 : SL_INTERNAL;
        rc = rc == SL_OK ? state_put(round->state, ret_appraisal) : rc;
        ret_appraisal->is_reboot = round->is_reboot;
    }
    free(round->containers);
    free(round->events.data);
    free(round->state);
    free(round);
    if (rc != SL_OK) {
        sl_appraisal_done(ret_appraisal);
    }
    return rc;
}

const struct sl_driver sl_driver_tpm_ima = {
    .name = "tpm-ima",
    .register_node = sl_tpm_register,
    .challenge = challenge,
    .appraise = appraise,
    .describe = describe,
};
