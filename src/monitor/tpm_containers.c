/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: what the agent says of them, what the TPM's evidence says, and one verdict each. The
 * agent names them, but cannot make one better than its PCR: what was measured in a slot falls on
 * whoever holds the slot, and on the slot itself where nobody is named. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/tpm_ima.h"

static bool text_copy(const json_t *object, const char *key, bool is_needed, char *out, size_t size,
                      struct sl_err *err)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    out[0] = '\0';
    if (value == NULL && !is_needed) {
        return true;
    }
    if (text == NULL || strlen(text) != json_string_length(value) || strlen(text) >= size ||
        (is_needed && text[0] == '\0')) {
        (void)sl_err_set(err, SL_MALFORMED, "containers: \"%s\" must be a text below %zu bytes",
                         key, size);
        return false;
    }
    (void)snprintf(out, size, "%s", text);
    return true;
}

static bool u32_copy(const json_t *object, const char *key, uint32_t *out, struct sl_err *err)
{
    const json_t *value = json_object_get(object, key);
    const json_int_t number = json_integer_value(value);

    *out = 0;
    if (value == NULL) {
        return true;
    }
    if (!json_is_integer(value) || number < 0 || number > UINT32_MAX) {
        (void)sl_err_set(err, SL_MALFORMED, "containers: \"%s\" must be a number of 32 bits", key);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool is_id(const char *id)
{
    for (const char *c = id; *c != '\0'; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c > 0x7e) {
            return false;
        }
    }
    return strcmp(id, "host") != 0 && strncmp(id, "slot-", 5) != 0;
}

static bool is_slot_of(const struct sl_policy_slot *slot, const struct sl_tpm_container *container)
{
    if (slot->container[0] != '\0' && fnmatch(slot->container, container->id, 0) != 0) {
        return false;
    }
    return !slot->has_uid || (container->uid_count > 0 && container->uid_first == slot->uid_first);
}

void sl_tpm_container_rows(const struct sl_monitor_policy *policy,
                           struct sl_tpm_container *container)
{
    container->event = -1;
    container->slot = -1;
    container->image_rule = -1;
    for (uint32_t i = policy->slot_count; i-- > 0;) {
        container->slot = is_slot_of(&policy->slots[i], container) ? (int)i : container->slot;
    }
    for (uint32_t i = policy->image_count; i-- > 0 && container->image[0] != '\0';) {
        if (fnmatch(policy->images[i].image, container->image, 0) == 0) {
            container->image_rule = (int)i;
        }
    }
}

static sl_rc container_read(const struct sl_monitor_policy *policy, const json_t *from,
                            struct sl_tpm_container *container, struct sl_err *err)
{
    if (!text_copy(from, "id", true, container->id, sizeof(container->id), err) ||
        !text_copy(from, "image", false, container->image, sizeof(container->image), err) ||
        !text_copy(from, "cgroup", false, container->cgroup, sizeof(container->cgroup), err) ||
        !text_copy(from, "root_device", false, container->root_device,
                   sizeof(container->root_device), err) ||
        !text_copy(from, "state", false, container->state, sizeof(container->state), err) ||
        !u32_copy(from, "uid_first", &container->uid_first, err) ||
        !u32_copy(from, "uid_count", &container->uid_count, err)) {
        return SL_MALFORMED;
    }
    if (!is_id(container->id)) {
        return sl_err_set(err, SL_MALFORMED, "containers: \"%.64s\" cannot be a container's id",
                          container->id);
    }
    sl_tpm_container_rows(policy, container);
    return SL_OK;
}

static bool is_running(const struct sl_tpm_container *container)
{
    return strcmp(container->state, "stopped") != 0 && strcmp(container->state, "exited") != 0;
}

/* Two that cannot both be true. */
static bool is_conflict(const struct sl_tpm_container *a, const struct sl_tpm_container *b)
{
    const uint64_t a_end = (uint64_t)a->uid_first + a->uid_count;
    const uint64_t b_end = (uint64_t)b->uid_first + b->uid_count;

    if (strcmp(a->id, b->id) == 0) {
        return true;
    }
    if (!is_running(a) || !is_running(b)) {
        return false;
    }
    if (a->cgroup[0] != '\0' && strcmp(a->cgroup, b->cgroup) == 0) {
        return true;
    }
    return a->uid_first != 0 && b->uid_first != 0 && a->uid_first < b_end && b->uid_first < a_end;
}

sl_rc sl_tpm_containers_read(struct sl_tpm_round *round, struct sl_err *err)
{
    const json_t *list = json_object_get(round->input->evidence, "containers");
    const size_t count = json_array_size(list);

    if (list == NULL) {
        return SL_OK;
    }
    if (!json_is_array(list) || count > SL_TPM_CONTAINERS_MAX) {
        return sl_err_set(err, SL_MALFORMED, "containers: expected an array of at most %d",
                          SL_TPM_CONTAINERS_MAX);
    }
    round->containers = calloc(count + 1, sizeof(*round->containers));
    if (round->containers == NULL) {
        return SL_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct sl_tpm_container *container = &round->containers[i];
        sl_rc rc = container_read(round->policy, json_array_get(list, i), container, err);

        if (rc != SL_OK) {
            round->container_count = 0;
            return rc;
        }
        round->container_count = i + 1;
        for (size_t j = 0; j < i; j++) {
            if (is_conflict(&round->containers[j], container)) {
                container->conflict = round->containers[j].id;
                round->containers[j].conflict = container->id;
            }
        }
    }
    return SL_OK;
}

/* ---- verdicts ---- */

static bool concerns(const struct sl_tpm_round *round, const struct sl_tpm_record *record,
                     const struct sl_tpm_container *container)
{
    if (record->kind != SL_SUBJECT_CONTAINER) {
        return false;
    }
    if (strcmp(record->id, container->id) == 0) {
        return true;
    }
    /* The kernel lists a file once for each PCR, so a container that came after the bad one can
     * run the same file unseen: what a slot holds, all of its containers hold. */
    return container->slot >= 0 && record->by != SL_BY_TEMPLATE &&
           round->policy->slots[container->slot].pcr == record->pcr;
}

static void attribution_tell(const struct sl_tpm_round *round, struct sl_subject *subject,
                             const struct sl_tpm_container *container)
{
    const struct sl_tpm_state *state = round->state;

    if (container->slot >= 0) {
        const uint32_t pcr = round->policy->slots[container->slot].pcr;
        const bool is_measured = (state->touched >> pcr & 1) != 0;

        sl_subject_reason(subject, is_measured ? SL_VERDICT_TRUSTED : SL_VERDICT_UNKNOWN,
                          is_measured ? "attribution" : "container-unmeasured",
                          json_pack("{s:i, s:s, s:s*}", "pcr", (int)pcr, "confidence", "slot",
                                    "remedy",
                                    is_measured ? NULL
                                                : "load the policy of `safelib agent ima-policy` "
                                                  "before containers start"),
                          is_measured ? "its files are measured into PCR %u, which is its own"
                                      : "PCR %u is its own, and nothing was measured into it yet",
                          pcr);
    } else if (sl_tpm_state_has_template(state, container->id)) {
        sl_subject_reason(subject, SL_VERDICT_TRUSTED, "attribution",
                          json_pack("{s:s}", "confidence", "template"),
                          "the kernel says in each entry that it is this container's");
    } else if (sl_tpm_events_tell(round, subject, container)) {
        return;
    } else if (container->image_rule >= 0 &&
               (state->images_seen >> container->image_rule & 1) != 0) {
        sl_subject_reason(subject, SL_VERDICT_TRUSTED, "attribution",
                          json_pack("{s:s}", "confidence", "image-set"),
                          "files of its image were measured with the host's; an unknown file would "
                          "condemn the host, because nobody could tell whose it is");
    } else {
        sl_subject_reason(subject, SL_VERDICT_UNKNOWN, "container-unattributed",
                          json_pack("{s:s}", "remedy",
                                    "give it a slot (policy: slots) or name its image (policy: "
                                    "images), and let it run something"),
                          "nothing in the evidence is known to be of this container");
    }
}

static sl_rc container_judge(struct sl_tpm_round *round, const struct sl_tpm_container *container)
{
    const struct sl_tpm_state *state = round->state;
    struct sl_subject *subject =
        sl_appraisal_subject(round->appraisal, SL_SUBJECT_CONTAINER, container->id);

    if (subject == NULL) {
        return SL_NO_MEMORY;
    }
    if (container->conflict != NULL) {
        sl_subject_reason(
            subject, SL_VERDICT_UNTRUSTED, "container-conflict", NULL,
            "the agent names it and %s with the same id, control group or user range: "
            "one of them is a lie",
            container->conflict);
    }
    if (container->image_rule < 0 && container->image[0] != '\0' && container->slot < 0) {
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "container-image",
                          json_pack("{s:s}", "remedy", "name the image in the policy's images"),
                          "its image %.160s is none that the policy allows", container->image);
    }
    if (state->is_full) {
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "history-full",
                          json_pack("{s:s}", "remedy", "reboot the node"),
                          "more bad entries than can be remembered: no container of this node is "
                          "trusted until it boots");
    }
    sl_tpm_events_listed(round, subject, container);
    for (uint32_t i = 0; i < state->record_count; i++) {
        if (concerns(round, &state->records[i], container)) {
            sl_tpm_record_tell(round, subject, &state->records[i]);
        }
    }
    if (subject->verdict > SL_VERDICT_UNTRUSTED) { /* known to be bad is more than unknown */
        attribution_tell(round, subject, container);
    }
    return SL_OK;
}

static struct sl_subject *subject_find(const struct sl_tpm_round *round, const char *id)
{
    for (size_t i = 0; i < round->appraisal->subject_count; i++) {
        struct sl_subject *subject = &round->appraisal->subjects[i];

        if (subject->kind == SL_SUBJECT_CONTAINER && strcmp(subject->id, id) == 0) {
            return subject;
        }
    }
    return NULL;
}

/* What stopped, or was never named, and did something bad. */
static sl_rc forgotten_judge(struct sl_tpm_round *round)
{
    const size_t named = round->appraisal->subject_count;

    for (uint32_t i = 0; i < round->state->record_count; i++) {
        const struct sl_tpm_record *record = &round->state->records[i];
        struct sl_subject *subject;

        if (record->kind != SL_SUBJECT_CONTAINER) {
            continue;
        }
        subject = subject_find(round, record->id);
        if (subject == NULL) {
            subject = sl_appraisal_subject(round->appraisal, SL_SUBJECT_CONTAINER, record->id);
        } else if ((size_t)(subject - round->appraisal->subjects) < named) {
            continue; /* has been told */
        }
        if (subject == NULL) {
            return SL_NO_MEMORY;
        }
        sl_tpm_record_tell(round, subject, record);
    }
    return SL_OK;
}

/* A slot that was used, and no container is named that holds it. */
static sl_rc unlisted_judge(struct sl_tpm_round *round)
{
    for (uint32_t i = 0; i < round->policy->slot_count; i++) {
        const uint32_t pcr = round->policy->slots[i].pcr;
        bool is_named = false;
        char id[32];
        struct sl_subject *subject;

        for (size_t j = 0; j < round->container_count; j++) {
            is_named = is_named || round->containers[j].slot == (int)i;
        }
        if (is_named) {
            round->state->named |= 1u << pcr;
            continue;
        }
        /* what was named once may have stopped; what never was is kept from us */
        if (((round->slots_new | (round->state->touched & ~round->state->named)) >> pcr & 1) == 0) {
            continue;
        }
        (void)snprintf(id, sizeof(id), "slot-%u", pcr);
        subject = subject_find(round, id);
        subject = subject != NULL
                      ? subject
                      : sl_appraisal_subject(round->appraisal, SL_SUBJECT_CONTAINER, id);
        if (subject == NULL) {
            return SL_NO_MEMORY;
        }
        sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "container-unlisted",
                          json_pack("{s:i}", "pcr", (int)pcr),
                          "something ran in the slot of PCR %u, and the agent names no container "
                          "there",
                          pcr);
        sl_subject_reason(round->host, SL_VERDICT_DEGRADED, "container-unlisted",
                          json_pack("{s:i, s:s}", "pcr", (int)pcr, "remedy",
                                    "see on the node what the agent finds: `safelib agent "
                                    "containers`"),
                          "the agent's list of containers leaves out one that was measured in PCR "
                          "%u",
                          pcr);
    }
    return SL_OK;
}

static void host_fall(struct sl_tpm_round *round)
{
    const char *code = "host-untrusted";

    for (size_t i = 0; i < json_array_size(round->host->reasons); i++) {
        const json_t *reason = json_array_get(round->host->reasons, i);
        const char *verdict = json_string_value(json_object_get(reason, "verdict"));

        if (verdict != NULL && strcmp(verdict, sl_verdict_text(round->host->verdict)) == 0) {
            code = json_string_value(json_object_get(reason, "text"));
            break;
        }
    }
    for (size_t i = 0; i < round->appraisal->subject_count; i++) {
        struct sl_subject *subject = &round->appraisal->subjects[i];

        const enum sl_verdict was = subject->verdict;

        if (subject->kind != SL_SUBJECT_CONTAINER) {
            continue;
        }
        sl_subject_reason(subject, round->host->verdict, "host", NULL,
                          "its host is %s, root cause: %s", sl_verdict_text(round->host->verdict),
                          code);
        if (was == SL_VERDICT_UNTRUSTED || round->host->verdict == SL_VERDICT_UNTRUSTED) {
            subject->verdict = SL_VERDICT_UNTRUSTED;
        }
    }
}

sl_rc sl_tpm_containers_judge(struct sl_tpm_round *round)
{
    sl_rc rc = sl_tpm_events_containers(round);

    for (size_t i = 0; rc == SL_OK && i < round->container_count; i++) {
        /* one subject for each id, however often it is named */
        if (subject_find(round, round->containers[i].id) == NULL) {
            rc = container_judge(round, &round->containers[i]);
        }
    }
    rc = rc == SL_OK ? forgotten_judge(round) : rc;
    rc = rc == SL_OK ? unlisted_judge(round) : rc;
    if (rc == SL_OK && round->host->verdict <= SL_VERDICT_UNTRUSTED) {
        host_fall(round);
    }
    return rc;
}
