/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile agent sends to the monitor: JSON of any kind, measurement lists of any kind, and
 * states and policies that were tampered with. Nothing that a key here did not sign may make the
 * host trusted. The first byte picks. */
#include <stdlib.h>
#include <string.h>

#include "attest/node_event.h"
#include "monitor/drivers.h"
#include "monitor/json_bytes.h"
#include "monitor/json_load.h"
#include "monitor/offline.h"
#include "monitor/policy_file.h"
#include "monitor/tpm_ima.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVIDENCE, STATE, LIST, POLICY, REGISTRATION, EVENTS, KINDS };

static const char POLICY_TEXT[] =
    "class: fuzz\naccept_any_boot: a test\nek: {insecure_any: true}\n"
    "pcrs: [{bank: sha256, required: [10, 11, 14]}]\nbootlog: optional\nima: {sets: [host]}\n"
    "slots: [{pcr: 11, uid_first: 100000, sets: [web]}]\nimages: [{image: 'x*', sets: [x]}]\n"
    "events: {sets: [a], measured: ['*/agent']}\n"
    "tee: {insecure_any_identity: true}\n";
/* An ECC P-256 AK; the key is the curve's generator, whose private key is 1. */
static const char AK[] =
    "AFgAIwALAAUAcgAAABAAGAALAAMAEAAgaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpYAIE/jQuL+Gn+bjue"
    "rSnwPnhYrzjNXazFezsu2QGg3v1H1";

static const char *none_find(void *ctx, const char *alg, const uint8_t *digest, size_t size,
                             const char *const *sets, size_t set_count)
{
    (void)ctx, (void)alg, (void)digest, (void)size, (void)sets, (void)set_count;
    return NULL;
}

static const struct sl_monitor_policy *policy_get(void)
{
    static struct sl_monitor_policy *policy;

    if (policy == NULL &&
        sl_monitor_policy_read(POLICY_TEXT, sizeof(POLICY_TEXT) - 1, &policy, NULL) != SL_OK) {
        abort();
    }
    return policy;
}

static void judge(const json_t *evidence, const uint8_t *state, size_t state_size)
{
    static const char *const DRIVERS[] = {"tpm-ima", "sgx", "tdx", "sev-snp"};
    static const uint8_t nonce[SL_MONITOR_NONCE_SIZE];
    const struct sl_refvals refvals = {NULL, none_find};
    json_t *registration =
        json_pack("{s:s, s:[{s:s, s:s}]}", "ak_public", AK, "tee", "id", "t", "type", "sgx");

    for (size_t i = 0; i < sizeof(DRIVERS) / sizeof(DRIVERS[0]); i++) {
        const struct sl_appraisal_input input = {
            .registration = registration,
            .state = state,
            .state_size = state_size,
            .nonce = nonce,
            .evidence = evidence,
            .policy = policy_get(),
            .refvals = &refvals,
            .time_s = 1700000000,
        };
        struct sl_appraisal appraisal;

        if (sl_driver_find(DRIVERS[i])->appraise(&input, &appraisal) != SL_OK) {
            continue;
        }
        for (size_t j = 0; j < appraisal.subject_count; j++) {
            if (appraisal.subjects[j].verdict == SL_VERDICT_TRUSTED ||
                json_array_size(appraisal.subjects[j].reasons) == 0) {
                abort();
            }
        }
        if (appraisal.state_size > SL_NODE_STATE_MAX) {
            abort();
        }
        sl_appraisal_done(&appraisal);
    }
    json_decref(registration);
}

static void fuzz_state(const uint8_t *data, size_t size)
{
    static struct sl_tpm_state state;
    static uint8_t out[1 << 20];
    size_t out_size = 0;
    json_t *challenge = sl_driver_find("tpm-ima")->challenge(NULL, data, size, policy_get());

    json_decref(challenge);
    if (sl_tpm_state_read(data, size, &state) == SL_OK &&
        (sl_tpm_state_write(&state, out, sizeof(out), &out_size) != SL_OK ||
         out_size > size + 32)) {
        abort();
    }
}

/* The events of a node whose quote is taken as met; what is read has one form. */
static void fuzz_events(const uint8_t *data, size_t size)
{
    static struct sl_tpm_state state;
    static uint8_t again[SL_NODE_EVENT_SIZE_MAX];
    const struct sl_refvals refvals = {NULL, none_find};
    struct sl_appraisal appraisal = {0};
    struct sl_node_event event;
    size_t off = 0, out = 0;
    bool is_good = true;
    json_t *evidence =
        json_pack("{s:{s:i, s:o}}", "events", "from", 0, "data", sl_json_bytes_new(data, size));
    const struct sl_appraisal_input input = {
        .policy = policy_get(), .refvals = &refvals, .evidence = evidence};
    struct sl_tpm_round round = {.input = &input,
                                 .policy = policy_get(),
                                 .appraisal = &appraisal,
                                 .state = &state,
                                 .is_fresh = true};
    static const uint8_t zero[SL_TPM_DIGEST_MAX];

    while (sl_node_event_read(data, size, &off, &event, NULL) == SL_OK) {
        if (sl_node_event_write(&event, again, sizeof(again), &out) != SL_OK ||
            out != event.record_size || memcmp(again, event.record, out) != 0) {
            abort();
        }
    }
    memset(&state, 0, sizeof(state));
    round.host = sl_appraisal_subject(&appraisal, SL_SUBJECT_HOST, "host");
    if (round.host != NULL && sl_tpm_pcrs_put(&round.pcrs, SL_TPM_ALG_SHA256, 14, zero) == SL_OK &&
        sl_tpm_events_take(&round, &is_good) == SL_OK && is_good) {
        round.events.complete = 1; /* as if IMA had measured the agent */
        sl_tpm_events_walk(&round, 1, zero, NULL);
        for (uint32_t i = 0; i < round.events.agent_count; i++) {
            round.events.agents[i].is_met = true;
        }
        if (sl_tpm_events_judge(&round) != SL_OK || sl_tpm_events_containers(&round) != SL_OK) {
            abort();
        }
    }
    free(round.events.data);
    sl_appraisal_done(&appraisal);
    json_decref(evidence);
}

static void fuzz_list(const uint8_t *data, size_t size)
{
    static struct sl_ima_entry entry;
    const struct sl_refvals refvals = {NULL, none_find};
    struct sl_offline *offline = sl_offline_create(policy_get(), &refvals);
    struct sl_appraisal appraisal;
    struct sl_ima_log log;

    if (offline != NULL &&
        sl_ima_log_init(&log, (struct sl_blob){data, size}, SL_IMA_BINARY, NULL) == SL_OK) {
        while (sl_ima_log_next(&log, &entry, NULL) == SL_OK) {
            sl_offline_entry(offline, &entry, true);
        }
        sl_ima_log_done(&log);
        if (sl_offline_finish(offline, &appraisal) == SL_OK) {
            sl_appraisal_done(&appraisal);
        }
    }
    sl_offline_free(offline);
}

/* As the daemon reads what came; jansson's own reader must make the same of it. */
static json_t *text_read(const uint8_t *data, size_t size)
{
    json_t *same = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *json = NULL;
    const sl_rc rc = sl_json_load((const char *)data, size, &json, NULL);

    if (rc != SL_RANGE &&
        ((rc == SL_OK) != (same != NULL) || (rc == SL_OK && !json_equal(json, same)))) {
        abort();
    }
    json_decref(same);
    return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_monitor_policy *policy = NULL;
    json_t *json;

    if (size < 1) {
        return 0;
    }
    switch (data[0] % KINDS) {
    case EVIDENCE:
        json = text_read(data + 1, size - 1);
        judge(json, NULL, 0);
        json_decref(json);
        break;
    case STATE:
        fuzz_state(data + 1, size - 1);
        judge(NULL, data + 1, size - 1);
        break;
    case LIST:
        fuzz_list(data + 1, size - 1);
        break;
    case EVENTS:
        fuzz_events(data + 1, size - 1);
        break;
    case POLICY:
        if (sl_monitor_policy_read((const char *)data + 1, size - 1, &policy, NULL) == SL_OK) {
            sl_monitor_policy_free(policy);
        }
        break;
    case REGISTRATION:
    default:
        json = text_read(data + 1, size - 1);
        if (sl_driver_find("tpm-ima")->register_node(json, policy_get(), 0, NULL) == SL_OK &&
            json_object_get(json, "ak_public") == NULL) {
            abort();
        }
        json_decref(json);
        break;
    }
    return 0;
}
