/* SPDX-License-Identifier: Apache-2.0 */
/* Container events: what the agent says it saw of containers, in a PCR of its own. The quote proves
 * that it said so; that it is the agent who says it, IMA must have measured before
 * (docs/trust-protocol.md). Where it did not, nothing here counts. */
#include <fnmatch.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/node_event.h"
#include "monitor/json_bytes.h"
#include "monitor/tpm_ima.h"

static const char HOST[] = "host"; /* no container's process: see the protocol */

/* ---- reading ---- */

/* PCR := H(PCR || H(record)), in each bank that is quoted. */
static sl_rc pcr_extend(struct sl_tpm_round *round, const struct sl_node_event *event)
{
    const uint32_t pcr = round->policy->events.pcr;

    for (uint32_t i = 0; i < round->pcrs.count; i++) {
        const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(round->pcrs.banks[i].alg);
        const uint8_t *value = hash != NULL ? sl_tpm_pcrs_find(&round->pcrs, hash->alg, pcr) : NULL;
        uint8_t both[2 * SL_TPM_DIGEST_MAX];
        if (value == NULL) {
            continue;
        }
        memcpy(both, value, hash->size);
        if (hash->openssl == NULL ||
            EVP_Q_digest(NULL, hash->openssl, NULL, event->record, event->record_size,
                         both + hash->size, NULL) != 1 ||
            EVP_Q_digest(NULL, hash->openssl, NULL, both, 2 * hash->size, both, NULL) != 1 ||
            sl_tpm_pcrs_put(&round->pcrs, hash->alg, pcr, both) != SL_OK) {
            return SL_CRYPTO;
        }
    }
    return SL_OK;
}

static void agent_add(struct sl_tpm_events_round *events, const struct sl_node_event *event)
{
    if (events->agent_count == SL_TPM_AGENTS_MAX) {
        events->has_too_many = true;
        return;
    }
    events->agents[events->agent_count].ima_count = event->ima_count;
    memcpy(events->agents[events->agent_count++].pcr, event->ima_pcr, sizeof(event->ima_pcr));
}

static sl_rc log_read(struct sl_tpm_round *round, uint64_t from, uint64_t judged, bool *ret_is_good)
{
    struct sl_tpm_events_round *events = &round->events;
    struct sl_node_event event;
    struct sl_err err = {0};
    uint64_t number = from;
    size_t off = 0;
    sl_rc rc = SL_OK, read;

    events->off = from == judged ? 0 : SIZE_MAX;
    while ((read = sl_node_event_read(events->data, events->size, &off, &event, &err)) == SL_OK &&
           rc == SL_OK) {
        if (event.number != ++number) {
            read = sl_err_set(&err, SL_MALFORMED, "event %llu follows event %llu",
                              (unsigned long long)event.number, (unsigned long long)number - 1);
            break;
        }
        if (number == judged) { /* the whole log again: what was judged is passed over */
            events->off = off;
        }
        if (number > judged) {
            rc = pcr_extend(round, &event);
            if (event.type == SL_NODE_AGENT) {
                agent_add(events, &event);
            }
        }
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (read != SL_CLOSED || events->off == SIZE_MAX) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "events-malformed", NULL,
                          "the container events cannot be read: %s",
                          read != SL_CLOSED ? err.text : "they end before what was judged already");
        *ret_is_good = false;
    }
    events->count = number;
    return SL_OK;
}

sl_rc sl_tpm_events_take(struct sl_tpm_round *round, bool *ret_is_good)
{
    const json_t *part = json_object_get(round->input->evidence, "events");
    const json_t *text = json_object_get(part, "data");
    const json_int_t from = json_integer_value(json_object_get(part, "from"));
    struct sl_tpm_events_round *events = &round->events;
    const uint64_t judged = round->is_fresh ? 0 : round->state->events.count;
    struct sl_err err = {0};
    sl_rc rc = SL_OK;

    events->count = judged;
    if (!round->is_fresh) {
        events->measured = round->state->events.measured;
        events->complete = round->state->events.complete;
    }
    if (round->policy->events.pcr == 0 || part == NULL) {
        return SL_OK; /* none: then the PCR must have its old value */
    }
    if (from < 0 || (from != 0 && (uint64_t)from != judged)) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "events-discontinuous", NULL,
                          "the container events begin behind event %lld, and were asked from %llu",
                          (long long)from, (unsigned long long)judged);
        *ret_is_good = false;
        return SL_OK;
    }
    if (json_string_length(text) > 0) {
        rc = sl_json_bytes_of(text, "events.data", SL_TPM_EVENTS_SIZE_MAX, &events->data,
                              &events->size, &err);
    }
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK || !json_is_string(text)) {
        sl_subject_reason(round->host, SL_VERDICT_UNTRUSTED, "events-malformed", NULL,
                          "the container events cannot be read: %s",
                          rc != SL_OK ? err.text : "expected {from, data}");
        *ret_is_good = false;
        return SL_OK;
    }
    return log_read(round, (uint64_t)from, judged, ret_is_good);
}

/* ---- the measurement list passes by ---- */

static void measured_look(struct sl_tpm_round *round, const struct sl_ima_entry *entry)
{
    const struct sl_policy_events *policy = &round->policy->events;
    struct sl_tpm_events_round *events = &round->events;
    const char *alg = entry->digest.name[0] != '\0' ? entry->digest.name : "sha1";
    const uint32_t all = (1u << policy->measured_count) - 1;

    for (uint32_t i = 0; i < policy->measured_count; i++) {
        if (fnmatch(policy->measured[i], entry->path, 0) != 0) {
            continue;
        }
        if (entry->is_violation || entry->pcr != SL_PCR_IMA ||
            strcmp(entry->digest.type, "verity") == 0 ||
            !sl_tpm_is_in_sets(round, &policy->sets, alg, entry->digest.data, entry->digest.size)) {
            /* a container's own file of that path is not the agent, where a slot tells it apart */
            events->is_changed = events->is_changed || entry->pcr == SL_PCR_IMA;
            continue;
        }
        events->measured |= 1u << i;
    }
    if (events->measured == all && events->complete == 0) {
        events->complete = entry->number;
    }
}

void sl_tpm_events_walk(struct sl_tpm_round *round, uint64_t number, const uint8_t *pcr,
                        const struct sl_ima_entry *entry)
{
    struct sl_tpm_events_round *events = &round->events;

    if (entry != NULL) {
        measured_look(round, entry);
    }
    for (; events->agent_at < events->agent_count &&
           events->agents[events->agent_at].ima_count <= number;
         events->agent_at++) {
        const uint32_t at = events->agent_at;

        events->agents[at].is_met =
            events->agents[at].ima_count == number && pcr != NULL &&
            memcmp(events->agents[at].pcr, pcr, sizeof(events->agents[at].pcr)) == 0;
    }
}

/* ---- whom an event is about ---- */

static sl_rc tag_make(const char *id, uint8_t tag[SL_EVENT_TAG_SIZE])
{
    uint8_t digest[32];

    if (EVP_Digest(id, strlen(id), digest, NULL, EVP_sha256(), NULL) != 1) {
        return SL_CRYPTO;
    }
    memcpy(tag, digest, SL_EVENT_TAG_SIZE);
    return SL_OK;
}

static int container_find(const struct sl_tpm_events *events, const char *id)
{
    uint8_t tag[SL_EVENT_TAG_SIZE];

    if (tag_make(id, tag) == SL_OK) {
        for (uint32_t i = 0; i < events->container_count; i++) {
            /* forbidden: waived, a tag is no secret */
            if (memcmp(events->containers[i].tag, tag, sizeof(tag)) == 0) {
                return (int)i;
            }
        }
    }
    return -1;
}

static const struct sl_policy_sets *sets_of(const struct sl_monitor_policy *policy, int slot,
                                            int image_rule)
{
    if (slot >= 0 && (uint32_t)slot < policy->slot_count && policy->slots[slot].sets.count > 0) {
        return &policy->slots[slot].sets;
    }
    return image_rule >= 0 && (uint32_t)image_rule < policy->image_count
               ? &policy->images[image_rule].sets
               : NULL;
}

const struct sl_policy_sets *sl_tpm_events_sets(const struct sl_tpm_round *round, const char *id)
{
    const struct sl_tpm_events *events = &round->state->events;
    const int row = container_find(events, id);

    return row >= 0 ? sets_of(round->policy, events->containers[row].slot,
                              events->containers[row].image_rule)
                    : NULL;
}

static void gaps_set(struct sl_tpm_events *events)
{
    for (uint32_t i = 0; i < events->container_count; i++) {
        events->containers[i].has_gap = true;
    }
}

/* ---- judging ---- */

static sl_rc start_judge(struct sl_tpm_round *round, const struct sl_node_event *event)
{
    struct sl_tpm_events *events = &round->state->events;
    struct sl_tpm_container said = {.uid_first = (uint32_t)event->uid_first,
                                    .uid_count = (uint32_t)event->uid_count};
    const int row = container_find(events, event->id);
    struct sl_tpm_event_container *container =
        row >= 0 ? &events->containers[row] : sl_tpm_state_container(round->state);

    if (container == NULL) {
        return SL_OK; /* the state says that it is full */
    }
    (void)snprintf(said.id, sizeof(said.id), "%s", event->id);
    (void)snprintf(said.image, sizeof(said.image), "%s", event->image);
    sl_tpm_container_rows(round->policy, &said);
    (void)snprintf(container->name, sizeof(container->name), "%.12s", event->id);
    container->start = (uint32_t)event->number;
    container->has_gap = (event->flags & SL_NODE_LATE) != 0;
    container->slot = (int8_t)said.slot;
    container->image_rule = (int8_t)said.image_rule;
    return tag_make(event->id, container->tag);
}

static void stop_judge(struct sl_tpm_events *events, const struct sl_node_event *event)
{
    const int row = container_find(events, event->id);

    if (row >= 0) { /* what it did badly is in the records */
        events->containers[row] = events->containers[--events->container_count];
    }
}

static bool is_same(const struct sl_tpm_record *record, const struct sl_node_event *event)
{
    return record->by == SL_BY_EVENTS && strcmp(record->id, event->id) == 0 &&
           record->digest_size == sizeof(event->digest) &&
           memcmp(record->digest, event->digest, sizeof(event->digest)) == 0 &&
           strncmp(record->path, event->path, SL_RECORD_PATH_MAX - 1) == 0;
}

static bool is_host_good(const struct sl_tpm_round *round, const struct sl_node_event *event)
{
    const struct sl_monitor_policy *policy = round->policy;
    bool is_good = sl_tpm_is_in_sets(round, &policy->host_sets, "sha256", event->digest,
                                     sizeof(event->digest));

    for (uint32_t i = 0; i < policy->image_count && !is_good; i++) {
        is_good = sl_tpm_is_in_sets(round, &policy->images[i].sets, "sha256", event->digest,
                                    sizeof(event->digest));
    }
    for (uint32_t i = 0; i < policy->slot_count && !is_good; i++) {
        is_good = sl_tpm_is_in_sets(round, &policy->slots[i].sets, "sha256", event->digest,
                                    sizeof(event->digest));
    }
    return is_good;
}

static void exec_judge(struct sl_tpm_round *round, const struct sl_node_event *event)
{
    static const uint8_t none[sizeof(event->digest)];
    const bool is_host = strcmp(event->id, HOST) == 0;
    const struct sl_policy_sets *sets = is_host ? NULL : sl_tpm_events_sets(round, event->id);
    struct sl_tpm_record record = {
        .kind = is_host ? SL_SUBJECT_HOST : SL_SUBJECT_CONTAINER,
        .why =
            memcmp(event->digest, none, sizeof(none)) == 0 ? SL_RECORD_NO_DIGEST : SL_RECORD_DIGEST,
        .by = SL_BY_EVENTS,
        .entry = event->number,
        .pcr = round->policy->events.pcr,
        .alg = "sha256",
        .digest_size = sizeof(event->digest),
        .is_path_cut =
            strlen(event->path) >= SL_RECORD_PATH_MAX || (event->flags & SL_NODE_PATH_CUT) != 0,
    };

    if (record.why == SL_RECORD_DIGEST &&
        (is_host
             ? is_host_good(round, event)
             : sl_tpm_is_in_sets(round, sets, "sha256", event->digest, sizeof(event->digest)))) {
        return;
    }
    for (uint32_t i = 0; i < round->state->record_count; i++) {
        if (is_same(&round->state->records[i], event)) {
            return;
        }
    }
    (void)snprintf(record.id, sizeof(record.id), "%s", event->id);
    (void)snprintf(record.path, sizeof(record.path), "%.*s", SL_RECORD_PATH_MAX - 1, event->path);
    memcpy(record.digest, event->digest, sizeof(event->digest));
    sl_tpm_state_record(round->state, &record);
}

/* An agent has begun: is it the one that IMA measured? */
static enum sl_distrust agent_judge(struct sl_tpm_round *round, uint32_t at)
{
    const struct sl_tpm_events_round *events = &round->events;

    if (events->has_too_many || at >= events->agent_count || !events->agents[at].is_met) {
        return SL_DISTRUST_UNMET;
    }
    if (events->complete == 0 || events->complete > events->agents[at].ima_count) {
        return SL_DISTRUST_UNMEASURED;
    }
    if (round->state->events.has_agent) { /* nobody looked between the two */
        gaps_set(&round->state->events);
    }
    round->state->events.has_agent = true;
    return SL_DISTRUST_NONE;
}

static sl_rc event_judge(struct sl_tpm_round *round, const struct sl_node_event *event)
{
    struct sl_tpm_events *events = &round->state->events;

    if (!events->has_agent) {
        events->distrust = SL_DISTRUST_NO_AGENT;
        return SL_OK;
    }
    switch (event->type) {
    case SL_NODE_START:
        return start_judge(round, event);
    case SL_NODE_STOP:
        stop_judge(events, event);
        return SL_OK;
    case SL_NODE_EXEC:
        exec_judge(round, event);
        return SL_OK;
    case SL_NODE_LOST:
    case SL_NODE_AGENT:
    default:
        gaps_set(events);
        return SL_OK;
    }
}

sl_rc sl_tpm_events_judge(struct sl_tpm_round *round)
{
    struct sl_tpm_events *events = &round->state->events;
    struct sl_node_event event;
    size_t off = round->events.off;
    uint32_t agents = 0;
    sl_rc rc = SL_OK;

    if (round->is_fresh) {
        memset(events, 0, sizeof(*events));
    }
    if (round->policy->events.pcr == 0) {
        return SL_OK;
    }
    events->measured = round->events.measured;
    events->complete = round->events.complete;
    if (round->events.is_changed) {
        events->distrust = SL_DISTRUST_CHANGED;
    }
    while (rc == SL_OK && events->distrust == SL_DISTRUST_NONE &&
           sl_node_event_read(round->events.data, round->events.size, &off, &event, NULL) ==
               SL_OK) {
        if (event.type == SL_NODE_AGENT) {
            events->distrust = agent_judge(round, agents++);
        } else {
            rc = event_judge(round, &event);
        }
    }
    events->count = round->events.count;
    round->events.is_judged = true;
    if (events->distrust != SL_DISTRUST_NONE) {
        sl_subject_reason(round->host, SL_VERDICT_TRUSTED, "events-unbelieved",
                          json_pack("{s:i}", "pcr", (int)round->policy->events.pcr),
                          "its container events are proven but not believed: %s",
                          sl_distrust_text(events->distrust));
    }
    return rc;
}

static bool are_believed(const struct sl_tpm_round *round)
{
    return round->events.is_judged && round->policy->events.pcr != 0 &&
           round->state->events.has_agent && round->state->events.distrust == SL_DISTRUST_NONE;
}

bool sl_tpm_events_is_known(const struct sl_tpm_round *round, const struct sl_ima_entry *entry)
{
    if (!are_believed(round) || strcmp(entry->digest.name, "sha256") != 0) {
        return false;
    }
    for (uint32_t i = 0; i < round->state->record_count; i++) {
        const struct sl_tpm_record *record = &round->state->records[i];

        if (record->by == SL_BY_EVENTS && record->kind == SL_SUBJECT_CONTAINER &&
            record->why == SL_RECORD_DIGEST && !record->is_path_cut &&
            record->digest_size == entry->digest.size &&
            memcmp(record->digest, entry->digest.data, entry->digest.size) == 0 &&
            strcmp(record->path, entry->path) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the agent's list against its events ---- */

static bool is_running(const struct sl_tpm_container *container)
{
    return strcmp(container->state, "stopped") != 0 && strcmp(container->state, "exited") != 0;
}

static sl_rc unlisted_tell(struct sl_tpm_round *round, const struct sl_tpm_event_container *missing)
{
    struct sl_subject *subject =
        sl_appraisal_subject(round->appraisal, SL_SUBJECT_CONTAINER, missing->name);

    if (subject == NULL) {
        return SL_NO_MEMORY;
    }
    sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, "container-unlisted",
                      json_pack("{s:i, s:s}", "event", (int)missing->start, "confidence", "events"),
                      "it started (event %u), never stopped, and the agent does not list it",
                      missing->start);
    sl_subject_reason(round->host, SL_VERDICT_DEGRADED, "container-unlisted",
                      json_pack("{s:i, s:s}", "event", (int)missing->start, "remedy",
                                "find out why the agent's list leaves it out"),
                      "the agent's list of containers leaves out %s, which started in event %u",
                      missing->name, missing->start);
    return SL_OK;
}

/* A container of the list that cannot be what the events say. */
static void lie_tell(struct sl_tpm_round *round, struct sl_subject *subject, const char *code,
                     const char *text)
{
    sl_subject_reason(subject, SL_VERDICT_UNTRUSTED, code,
                      json_pack("{s:s}", "confidence", "events"), "%s", text);
    sl_subject_reason(
        round->host, SL_VERDICT_DEGRADED, code,
        json_pack("{s:s}", "remedy", "find out why the agent's list and events differ"),
        "container %s: %s", subject->id, text);
}

void sl_tpm_events_listed(struct sl_tpm_round *round, struct sl_subject *subject,
                          const struct sl_tpm_container *container)
{
    const struct sl_tpm_events *events = &round->state->events;
    const struct sl_tpm_event_container *started;

    if (!are_believed(round)) {
        return;
    }
    if (container->event < 0) {
        if (is_running(container) && !events->is_full) {
            lie_tell(round, subject, "container-unstarted",
                     "the agent lists it as running, and no event says that it started");
        }
        return;
    }
    started = &events->containers[container->event];
    if (!is_running(container)) {
        lie_tell(round, subject, "container-state",
                 "the agent lists it as stopped, and no event says so");
    } else if (started->image_rule != container->image_rule || started->slot != container->slot) {
        lie_tell(round, subject, "container-conflict",
                 "the agent lists it with another image or user range than it started with");
    }
}

sl_rc sl_tpm_events_containers(struct sl_tpm_round *round)
{
    const struct sl_tpm_events *events = &round->state->events;
    bool is_listed[SL_EVENT_CONTAINERS_MAX] = {false};
    sl_rc rc = SL_OK;

    if (!are_believed(round)) {
        return SL_OK;
    }
    for (size_t i = 0; rc == SL_OK && i < round->container_count; i++) {
        struct sl_tpm_container *container = &round->containers[i];

        container->event = container_find(events, container->id);
        if (container->event >= 0) {
            is_listed[container->event] = true;
        }
    }
    for (uint32_t i = 0; rc == SL_OK && i < events->container_count; i++) {
        rc = is_listed[i] ? SL_OK : unlisted_tell(round, &events->containers[i]);
    }
    return rc;
}

bool sl_tpm_events_tell(const struct sl_tpm_round *round, struct sl_subject *subject,
                        const struct sl_tpm_container *container)
{
    const struct sl_tpm_events *events = &round->state->events;
    const struct sl_tpm_event_container *started;

    if (!are_believed(round) || container->event < 0) {
        return false;
    }
    started = &events->containers[container->event];
    if (started->has_gap) {
        sl_subject_reason(subject, SL_VERDICT_DEGRADED, "container-gap",
                          json_pack("{s:s, s:s}", "confidence", "events", "remedy",
                                    "start it anew while the agent runs"),
                          "for some time nobody looked at what it executes: it was running before "
                          "the agent, or events were lost");
        return true;
    }
    sl_subject_reason(subject, SL_VERDICT_TRUSTED, "attribution",
                      json_pack("{s:i, s:s}", "event", (int)started->start, "confidence", "events"),
                      "the agent saw it start (event %u) and every program that it executed since; "
                      "IMA measured the agent before",
                      started->start);
    return true;
}
