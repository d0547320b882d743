/* SPDX-License-Identifier: Apache-2.0 */
/* Drivers that do what their evidence says, so that the monitor around them can be tested. */
#include "trustd_backend.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

struct sl_monitor_policy {
    int64_t lease_ms;
};

/* A policy is a line "lease_ms: N". */
static sl_rc policy_read(const char *text, size_t size, const json_t *files,
                         struct sl_monitor_policy **ret_policy, struct sl_err *err)
{
    if (size < 10 || strncmp(text, "lease_ms: ", 10) != 0) {
        return sl_err_set(err, SL_MALFORMED, "expected lease_ms");
    }
    struct sl_monitor_policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL) {
        return SL_NO_MEMORY;
    }
    policy->lease_ms = strtoll(text + 10, NULL, 10);
    *ret_policy = policy;
    return SL_OK;
}

static sl_rc policy_open(const char *text, size_t size, const char *folder,
                         struct sl_monitor_policy **ret_policy, json_t **ret_files,
                         json_t **ret_roots, struct sl_err *err)
{
    sl_rc rc = policy_read(text, size, NULL, ret_policy, err);
    if (rc == SL_OK) {
        *ret_files = json_object();
        *ret_roots = json_object();
    }
    return rc;
}

static void policy_free(struct sl_monitor_policy *policy)
{
    free(policy);
}

static void policy_times(const struct sl_monitor_policy *policy, int64_t *ret_lease_ms,
                         int64_t *ret_next_ms)
{
    *ret_lease_ms = policy->lease_ms;
    *ret_next_ms = policy->lease_ms / 3;
}

static sl_rc test_register(const json_t *registration, const struct sl_monitor_policy *policy,
                           int64_t time_s, struct sl_err *err)
{
    const char *ek = json_string_value(json_object_get(registration, "ek_certificate"));
    if (ek == NULL) {
        return sl_err_set(err, SL_MALFORMED, "ek_certificate: expected base64");
    }
    return strcmp(ek, "Zm9yZ2Vk") == 0
               ? sl_err_set(err, SL_AUTH, "ek_certificate: no root vouches for it")
               : SL_OK;
}

static json_t *test_challenge(const json_t *registration, const uint8_t *state, size_t state_size,
                              const struct sl_monitor_policy *policy)
{
    return json_pack("{s:i}", "from", state_size == 1 ? state[0] : 0);
}

static void containers_add(const json_t *evidence, struct sl_appraisal *appraisal)
{
    const char *id;
    json_t *verdict;
    json_object_foreach(json_object_get(evidence, "containers"), id, verdict)
    {
        struct sl_subject *subject = sl_appraisal_subject(appraisal, SL_SUBJECT_CONTAINER, id);
        if (subject != NULL && strcmp(json_string_value(verdict), "trusted") != 0) {
            sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "unknown-digest", NULL, "as it says");
        }
    }
}

/* The state counts rounds. */
static sl_rc host_judge(const struct sl_appraisal_input *input, const char *what,
                        struct sl_appraisal *appraisal)
{
    struct sl_subject *host = sl_appraisal_subject(appraisal, SL_SUBJECT_HOST, "host");
    char hex[65];
    sl_hex_encode(input->nonce, SL_MONITOR_NONCE_SIZE, hex);
    if (strcmp(what, "bad") == 0) {
        sl_subject_reason(host, SL_VERDICT_UNTRUSTED, "bad", NULL, "nonce %s, at %lld", hex,
                          (long long)input->time_s);
    } else if (strcmp(what, "silent") == 0) {
        host->verdict = SL_VERDICT_UNTRUSTED; /* without a reason: not acceptable */
    }
    appraisal->state = malloc(1);
    appraisal->state[0] = (uint8_t)(input->state_size == 1 ? input->state[0] + 1 : 1);
    appraisal->state_size = 1;
    containers_add(input->evidence, appraisal);
    return SL_OK;
}

static sl_rc test_appraise(const struct sl_appraisal_input *input,
                           struct sl_appraisal *ret_appraisal)
{
    const char *what = json_string_value(json_object_get(input->evidence, "do"));
    what = what != NULL ? what : "";
    if (strcmp(what, "crash") == 0) {
        (void)raise(SIGKILL); /* as a memory fault would, beside the sanitizers' reports */
    } else if (strcmp(what, "loop") == 0) {
        (void)sleep(60);
    } else if (strcmp(what, "fail") == 0) {
        return SL_CRYPTO;
    } else if (strcmp(what, "nothing") == 0) {
        return SL_OK;
    }
    return host_judge(input, what, ret_appraisal);
}

static const struct sl_driver test_driver = {
    .name = "tpm-ima",
    .register_node = test_register,
    .challenge = test_challenge,
    .appraise = test_appraise,
};

static sl_rc tee_appraise(const struct sl_appraisal_input *input,
                          struct sl_appraisal *ret_appraisal)
{
    const char *id = json_string_value(json_object_get(input->evidence, "id"));
    const char *nonce = json_string_value(json_object_get(input->evidence, "bundle"));
    char hex[65];
    sl_hex_encode(input->nonce, SL_MONITOR_NONCE_SIZE, hex);
    struct sl_subject *tee = sl_appraisal_subject(ret_appraisal, SL_SUBJECT_TEE, id);
    if (nonce == NULL || strcmp(nonce, hex) != 0) {
        sl_subject_reason(tee, SL_VERDICT_UNTRUSTED, "nonce", NULL, "not its own nonce");
    }
    return SL_OK;
}

static const struct sl_driver tee_driver = {.name = "sgx", .appraise = tee_appraise};

static const struct sl_driver *driver_find(const char *name)
{
    bool is_vanishing = name != NULL && strcmp(name, "vanishing") == 0;
    if (is_vanishing && getenv("TRUSTD_TEST_VANISHING") != NULL) {
        return &test_driver;
    }
    if (name != NULL && strcmp(name, tee_driver.name) == 0) {
        return &tee_driver;
    }
    return name != NULL && strcmp(name, test_driver.name) == 0 ? &test_driver : NULL;
}

const struct sl_monitor_backend test_backend = {
    .driver_find = driver_find,
    .policy_open = policy_open,
    .policy_read = policy_read,
    .policy_free = policy_free,
    .policy_times = policy_times,
};
