/* SPDX-License-Identifier: Apache-2.0 */
/* One round. The quote is taken before the list is read: so the list holds at least the entries
 * that the quoted PCR 10 was extended with, and what came behind waits for the next round. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/tee.h"
#include "files/files.h"

enum { CONTAINER_TEXT = 2048, BOOTLOG_MAX = 4 << 20, RETRIES = 3, NEXT_MAX_MS = 3600000 };

/* After a reboot the checkpoint that the monitor asks for is of another boot. */
static bool is_new_boot(const struct sl_agent *agent)
{
    return strcmp(agent->state.boot_id, agent->boot_id) != 0;
}

static sl_rc bootlog_add(struct sl_agent *agent, json_t *part, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(agent->config.boot, BOOTLOG_MAX, &data, &size, err);
    if (rc == SL_NOT_FOUND) { /* a firmware that keeps none: the monitor's policy decides */
        agent->log(err->text);
        return SL_OK;
    }
    if (rc == SL_OK && json_object_set_new(part, "bootlog", sl_agent_base64(data, size)) != 0) {
        rc = sl_err_set(err, SL_NO_MEMORY, "boot log: no memory");
    }
    free(data);
    return rc;
}

/* Bytes of the list for which a message has room beside the rest of it. */
static size_t list_room(const struct sl_agent_challenge *c, const json_t *part)
{
    const size_t reserve = c->body_size_max / 8;
    size_t used = json_string_length(json_object_get(part, "bootlog")) +
                  json_string_length(json_object_get(json_object_get(part, "events"), "data")) +
                  json_array_size(json_object_get(part, "containers")) * CONTAINER_TEXT + reserve;
    return used < c->body_size_max ? (c->body_size_max - used) / 4 * 3 : 0;
}

static sl_rc ima_add(struct sl_agent *agent, const struct sl_agent_challenge *c, uint64_t from,
                     json_t *part, struct sl_err *err)
{
    size_t size = 0;
    bool had_gap = agent->ima.has_gap;
    sl_rc rc = sl_agent_ima_poll(&agent->ima, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (agent->ima.has_gap && !had_gap) {
        agent->log("the kernel's measurement list does not continue our archive: entries are lost");
    }
    if (from > agent->ima.count) {
        agent->log("the monitor asks for entries that this boot never had: sending all");
        from = 0;
    }
    const uint8_t *data = sl_agent_ima_from(&agent->ima, from, &size);
    const size_t piece = sl_agent_ima_piece(&agent->ima, from, list_room(c, part));
    json_t *ima =
        json_pack("{s:I, s:o}", "from", (json_int_t)from, "data", sl_agent_base64(data, piece));
    if (ima != NULL && piece < size) { /* the rest comes in the next rounds */
        (void)json_object_set_new(ima, "more", json_true());
    }
    return ima != NULL && json_object_set_new(part, "ima", ima) == 0
               ? SL_OK
               : sl_err_set(err, SL_NO_MEMORY, "measurement list: no memory");
}

static sl_rc events_add(struct sl_agent *agent, uint64_t from, json_t *part, struct sl_err *err)
{
    size_t size = 0;
    const struct sl_agent_events *events = &agent->observer.events;
    if (from > events->count) {
        agent->log("the monitor asks for events that this boot never had: sending all");
        from = 0;
    }
    const uint8_t *data = sl_agent_events_from(events, from, &size);
    json_t *json =
        json_pack("{s:I, s:o}", "from", (json_int_t)from, "data", sl_agent_base64(data, size));
    return json != NULL && json_object_set_new(part, "events", json) == 0
               ? SL_OK
               : sl_err_set(err, SL_NO_MEMORY, "container events: no memory");
}

/* Quote, events and the list of containers are of one moment. */
static sl_rc moment_take(struct sl_agent *agent, const struct sl_agent_challenge *c, json_t *part,
                         struct sl_err *err)
{
    struct sl_agent_blob quote, signature;
    sl_agent_observer_hold(&agent->observer);
    sl_rc rc = sl_agent_tpm_quote(&agent->tpm, c->nonce, c->nonce_size, c->selections,
                                  c->selection_count, &quote, &signature, err);
    if (rc == SL_OK && c->are_events_wanted) {
        rc = events_add(agent, is_new_boot(agent) ? 0 : c->events_from, part, err);
    }
    json_t *containers = rc == SL_OK ? sl_agent_observer_list(&agent->observer) : NULL;
    sl_agent_observer_release(&agent->observer);
    if (rc != SL_OK) {
        return rc;
    }
    (void)json_object_set_new(part, "quote", sl_agent_base64(quote.data, quote.size));
    (void)json_object_set_new(part, "signature", sl_agent_base64(signature.data, signature.size));
    return containers != NULL && json_object_set_new(part, "containers", containers) == 0
               ? SL_OK
               : sl_err_set(err, SL_NO_MEMORY, "containers: no memory, or a name is not UTF-8");
}

/* After a boot that the monitor has not heard of, everything. */
static uint64_t list_from(const struct sl_agent *agent, const struct sl_agent_challenge *c)
{
    return is_new_boot(agent) ? 0 : c->ima_from;
}

static sl_rc part_make(struct sl_agent *agent, const struct sl_agent_challenge *c, json_t *part,
                       struct sl_err *err)
{
    bool is_fresh = is_new_boot(agent);
    sl_rc rc = moment_take(agent, c, part, err);
    if (rc == SL_OK && (c->is_bootlog_wanted || is_fresh)) {
        rc = bootlog_add(agent, part, err);
    }
    return rc == SL_OK ? ima_add(agent, c, list_from(agent, c), part, err) : rc;
}

static void action_run(struct sl_agent *agent, const json_t *action)
{
    const char *name = json_string_value(json_object_get(action, "do"));
    const char *id = json_string_value(json_object_get(action, "container"));
    struct sl_agent_container found;
    const struct sl_agent_container *c =
        id != NULL && sl_agent_observer_find(&agent->observer, id, &found) ? &found : NULL;
    unsigned bit = name != NULL ? sl_agent_action_find(name) : 0;
    struct sl_err err = {0};
    char line[512];
    if (c == NULL || bit == 0) {
        agent->log("the monitor asks for an action that we do not know, or on no container here");
        return;
    }
    bool is_done_before = (bit == SL_AGENT_PAUSE && strcmp(c->state, "running") != 0) ||
                          (bit == SL_AGENT_RESUME && strcmp(c->state, "paused") != 0);
    if (is_done_before) {
        return;
    }
    unsigned runtime = (unsigned)(c->runtime - agent->config.runtimes);
    if (sl_agent_actor_do(&agent->actor, runtime, bit, id, &err) != SL_OK) {
        agent->log(err.text);
        return;
    }
    (void)snprintf(line, sizeof(line), "as the monitor asked: %s container %s", name, id);
    agent->log(line);
}

static void answer_take(struct sl_agent *agent, const json_t *answer,
                        struct sl_agent_outcome *outcome, struct sl_err *err)
{
    json_int_t next = json_integer_value(json_object_get(answer, "next_ms"));
    json_t *action;
    size_t i;
    outcome->next_ms = next > 0 && next <= NEXT_MAX_MS ? (uint32_t)next : 0;
    outcome->verdicts = json_incref(json_object_get(answer, "verdicts"));
    json_array_foreach(json_object_get(answer, "actions"), i, action)
    {
        action_run(agent, action);
    }
    sl_agent_observer_told(&agent->observer);
    if (is_new_boot(agent)) {
        (void)snprintf(agent->state.boot_id, sizeof(agent->state.boot_id), "%s", agent->boot_id);
        if (sl_agent_state_save(agent->config.state_dir, &agent->state, err) != SL_OK) {
            agent->log(err->text); /* costs a whole list after the next start, no more */
        }
    }
}

/* A message that got lost is sent again as it is, while its nonce lives; no more is kept. */
static sl_rc evidence_send(struct sl_agent *agent, const json_t *message, json_t **ret_answer,
                           struct sl_err *err)
{
    const struct timespec wait = {0, 300000000};
    char path[SL_AGENT_NODE_MAX + 64];
    sl_rc rc = SL_AGAIN;
    long status = 0;
    (void)snprintf(path, sizeof(path), "/v1/nodes/%s/evidence", agent->state.node);
    for (unsigned i = 0; i < RETRIES && rc == SL_AGAIN && status == 0; i++) {
        if (i > 0) {
            (void)nanosleep(&wait, NULL);
        }
        rc = sl_agent_http_post(agent->http, path, agent->state.token, message, ret_answer, &status,
                                err);
    }
    return rc;
}

sl_rc sl_agent_round(struct sl_agent *agent, struct sl_agent_outcome *ret_outcome,
                     struct sl_err *err)
{
    char path[SL_AGENT_NODE_MAX + 64];
    struct sl_agent_challenge challenge;
    json_t *empty = json_pack("{s:o}", "tee", sl_agent_tee_ids(&agent->config)), *message = NULL,
           *answer = NULL, *asked = NULL;
    long status;
    memset(ret_outcome, 0, sizeof(*ret_outcome));
    (void)snprintf(path, sizeof(path), "/v1/nodes/%s/challenge", agent->state.node);
    sl_rc rc =
        sl_agent_http_post(agent->http, path, agent->state.token, empty, &asked, &status, err);
    rc = rc == SL_OK ? sl_agent_challenge_read(asked, &challenge, err) : rc;
    if (rc != SL_OK) {
        goto out;
    }
    message = json_pack("{s:O, s:s, s:{}}", "nonce", json_object_get(asked, "nonce"), "boot_id",
                        agent->boot_id, "tpm-ima");
    rc = message != NULL ? part_make(agent, &challenge, json_object_get(message, "tpm-ima"), err)
                         : sl_err_set(err, SL_NO_MEMORY, "evidence: no memory");
    if (rc == SL_OK && agent->config.tee_count > 0 &&
        json_object_set_new(
            message, "tee",
            sl_agent_tee_collect(&agent->config, json_object_get(asked, "tee"), agent->log)) != 0) {
        rc = sl_err_set(err, SL_NO_MEMORY, "evidence of images: no memory");
    }
    rc = rc == SL_OK ? evidence_send(agent, message, &answer, err) : rc;
    if (rc == SL_OK) {
        answer_take(agent, answer, ret_outcome, err);
    }
out:
    json_decref(empty);
    json_decref(asked);
    json_decref(message);
    json_decref(answer);
    return rc;
}
