/* SPDX-License-Identifier: Apache-2.0 */
/* What people and programs read: nodes, verdicts, health; and what operators do to a node. */
#include <stdlib.h>
#include <string.h>

#include "attest/result.h"
#include "attest/tpm_identity.h"
#include "monitor/json_bytes.h"
#include "trustd/api_private.h"
#include "trustd/ear.h"
#include "trustd/lease.h"

enum { PAGE_MAX = 500, CERT_MAX = 16 << 10 };

/* The host's own verdict as of now, by the times in its row. */
static json_t *verdict_json(const struct sl_store_verdict *v, int64_t now_ms)
{
    const char *why = NULL;
    char judged[32];
    char ends[32];
    enum sl_verdict verdict =
        sl_lease_verdict(v->verdict, v->judged_ms, v->lease_end_ms, now_ms, &why);
    json_t *reasons = json_copy(v->reasons);
    if (why != NULL) {
        (void)json_array_insert_new(
            reasons, 0,
            json_pack("{s:s, s:s, s:s}", "code", why, "text",
                      "the verdict below is of the past and holds no more", "remedy",
                      "the agent must send evidence: is it running, and is the clock right?"));
    }
    sl_when_text(v->judged_ms, judged);
    sl_when_text(v->lease_end_ms, ends);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "kind", v->kind, "id", v->id,
                     "verdict", sl_verdict_text(verdict), "judged_verdict", v->verdict, "round",
                     (json_int_t)v->round, "judged", judged, "lease_end", ends, "reasons", reasons);
}

struct verdict_list {
    json_t *list;
    int64_t now_ms;
    bool has_node; /**< each names its node */
};

static void verdict_add(void *ctx, const char *node, const struct sl_store_verdict *verdict)
{
    struct verdict_list *verdicts = ctx;
    json_t *value = verdict_json(verdict, verdicts->now_ms);
    if (value != NULL && verdicts->has_node) {
        (void)json_object_set_new(value, "node", json_string(node));
    }
    (void)json_array_append_new(verdicts->list, value);
}

static json_t *verdicts_of(struct sl_call *call, const char *node, struct sl_err *err)
{
    struct verdict_list verdicts = {
        .list = json_array(), .now_ms = call->now_ms, .has_node = node == NULL};
    if (sl_store_verdict_each(call->trustd->store, node, verdict_add, &verdicts, err) != SL_OK) {
        json_decref(verdicts.list);
        return NULL;
    }
    return verdicts.list;
}

static void host_find(void *ctx, const char *node, const struct sl_store_verdict *verdict)
{
    json_t **host = ctx;
    if (strcmp(verdict->kind, "host") == 0 && *host == NULL) {
        *host = verdict_json(verdict, sl_now_ms());
    }
}

/* What it was judged by, and whether that is what would judge it now. */
static void policy_tell(const struct sl_call *call, const struct sl_store_node *node, json_t *value)
{
    const struct sl_material_class *class = sl_material_find(call->material, node->class_name);
    bool is_current = class != NULL && strcmp(class->hash, node->policy) == 0;
    (void)json_object_set_new(value, "policy",
                              node->policy[0] != '\0' ? json_string(node->policy) : json_null());
    (void)json_object_set_new(value, "policy_is_current", json_boolean(is_current));
}

static json_t *node_json(struct sl_call *call, const struct sl_store_node *node)
{
    char created[32];
    char seen[32];
    json_t *host = NULL;
    (void)!sl_store_verdict_each(call->trustd->store, node->id, host_find, &host, NULL);
    const char *verdict = json_string_value(json_object_get(host, "verdict"));
    sl_when_text(node->created_ms, created);
    sl_when_text(node->last_seen_ms, seen);
    json_t *value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:I}", "node", node->id,
                              "name", node->name, "class", node->class_name, "driver", node->driver,
                              "verdict", verdict != NULL ? verdict : "unknown", "created", created,
                              "last_seen", node->last_seen_ms > 0 ? seen : NULL, "boot_id",
                              node->boot_id, "round", (json_int_t)node->round);
    policy_tell(call, node, value);
    json_decref(host);
    return value;
}

struct node_list {
    struct sl_call *call;
    json_t *list;
};

static void node_add(void *ctx, const struct sl_store_node *node)
{
    struct node_list *nodes = ctx;
    (void)json_array_append_new(nodes->list, node_json(nodes->call, node));
}

void sl_api_nodes(struct sl_call *call)
{
    struct sl_err err = {0};
    const char *after = call->request->query != NULL
                            ? call->request->query(call->request->query_ctx, "after")
                            : NULL;
    struct node_list nodes = {.call = call, .list = json_array()};
    sl_rc rc = sl_store_node_each(call->trustd->store, after != NULL ? after : "", PAGE_MAX,
                                  node_add, &nodes, &err);
    if (rc != SL_OK) {
        json_decref(nodes.list);
        sl_answer_rc(call, rc, NULL, &err);
        return;
    }
    sl_answer_json(call->answer, 200,
                   json_pack("{s:o, s:I}", "nodes", nodes.list, "count",
                             (json_int_t)sl_store_node_count(call->trustd->store)));
}

/* @return false: answered */
static bool node_get(struct sl_call *call, struct sl_store_node *ret_node)
{
    struct sl_err err = {0};
    sl_rc rc = sl_store_node_get(call->trustd->store, call->part[0], ret_node, &err);
    if (rc == SL_OK && !ret_node->is_active) {
        sl_store_node_done(ret_node);
        rc = sl_err_set(&err, SL_NOT_FOUND, "no such node");
    }
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, "node", &err);
    }
    return rc == SL_OK;
}

/* What the EK certificate says of the TPM. */
static json_t *tpm_json(const json_t *registration)
{
    struct sl_tpm_identity identity;
    uint8_t *data = NULL;
    size_t size = 0;
    json_t *value = NULL;
    if (sl_json_bytes(registration, "ek_certificate", CERT_MAX, &data, &size, NULL) == SL_OK &&
        sl_tpm_identity_read((struct sl_blob){data, size}, &identity) == SL_OK) {
        value = json_pack("{s:s, s:s, s:s}", "manufacturer", identity.manufacturer, "model",
                          identity.model, "version", identity.version);
    }
    free(data);
    return value != NULL ? value : json_null();
}

/* What the node's driver says has been proven. */
static json_t *proven_json(struct sl_call *call, const struct sl_store_node *node)
{
    const struct sl_driver *driver = call->trustd->backend->driver_find(node->driver);
    json_t *proven = driver != NULL && driver->describe != NULL && node->state != NULL
                         ? driver->describe(node->state, node->state_size)
                         : NULL;
    return proven != NULL ? proven : json_null();
}

void sl_api_node(struct sl_call *call)
{
    struct sl_err err = {0};
    struct sl_store_node node;
    if (!node_get(call, &node)) {
        return;
    }
    json_t *value = node_json(call, &node);
    json_t *verdicts = verdicts_of(call, node.id, &err);
    if (value != NULL && verdicts != NULL) {
        (void)json_object_set(value, "registration", node.registration);
        (void)json_object_set(value, "verdicts", verdicts);
        (void)json_object_set_new(value, "tpm", tpm_json(node.registration));
        (void)json_object_set_new(value, "proven", proven_json(call, &node));
        (void)json_object_set_new(value, "state_bytes", json_integer((json_int_t)node.state_size));
    }
    json_decref(verdicts);
    sl_answer_json(call->answer, 200, value);
    sl_store_node_done(&node);
}

/* ---- EAR ---- */

static bool is_nonce(const char *nonce)
{
    const size_t size = strlen(nonce);
    if (size < SL_EAR_NONCE_MIN || size > SL_EAR_NONCE_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (nonce[i] <= ' ' || nonce[i] > '~') {
            return false;
        }
    }
    return true;
}

/* Valid for as long as the host's lease; where that is over, it was never valid. */
static int64_t lease_end_s(struct sl_call *call, const struct sl_store_node *node)
{
    const int64_t end_ms = node->lease_end_ms > call->now_ms ? node->lease_end_ms : call->now_ms;
    return end_ms / 1000;
}

static json_t *ear_claims(struct sl_call *call, const struct sl_store_node *node,
                          const json_t *verdicts, const char *nonce)
{
    json_t *claims = sl_ear_claims(call->now_ms / 1000);
    json_t *submods = json_object();
    sl_rc rc = claims != NULL && submods != NULL ? SL_OK : SL_NO_MEMORY;
    size_t i;
    json_t *subject;
    json_array_foreach(verdicts, i, subject)
    {
        rc = rc == SL_OK ? sl_ear_submod_add(submods, subject, node->policy) : rc;
    }
    sl_json_put(claims, "exp", json_integer((json_int_t)lease_end_s(call, node)), &rc);
    sl_json_put(claims, "safelib.node", json_string(node->id), &rc);
    sl_json_put(claims, "safelib.name", json_string(node->name), &rc);
    sl_json_put(claims, "safelib.class", json_string(node->class_name), &rc);
    if (nonce != NULL) {
        sl_json_put(claims, "eat_nonce", json_string(nonce), &rc);
    }
    sl_json_put(claims, "submods", submods, &rc);
    if (rc != SL_OK) {
        json_decref(claims);
        return NULL;
    }
    return claims;
}

void sl_api_node_ear(struct sl_call *call)
{
    struct sl_err err = {0};
    struct sl_store_node node;
    const struct sl_blob key = {(const uint8_t *)call->trustd->ear_key,
                                strlen(call->trustd->ear_key)};
    const char *nonce = call->request->query != NULL
                            ? call->request->query(call->request->query_ctx, "nonce")
                            : NULL;
    char *jwt = NULL;
    if (nonce != NULL && !is_nonce(nonce)) {
        sl_answer_problem(call->answer, 400, "nonce", "expected %d to %d printable characters",
                          SL_EAR_NONCE_MIN, SL_EAR_NONCE_MAX);
        return;
    }
    if (!node_get(call, &node)) {
        return;
    }
    json_t *verdicts = verdicts_of(call, node.id, &err);
    json_t *claims = verdicts != NULL ? ear_claims(call, &node, verdicts, nonce) : NULL;
    if (claims == NULL || sl_ear_sign(claims, key, &jwt) != SL_OK) {
        sl_answer_problem(call->answer, 500, NULL, "no memory, or the key cannot sign");
    } else {
        call->answer->body = jwt;
        call->answer->size = strlen(jwt);
        call->answer->status = 200;
        call->answer->type = "application/eat+jwt";
    }
    json_decref(claims);
    json_decref(verdicts);
    sl_store_node_done(&node);
}

void sl_api_keys(struct sl_call *call)
{
    const struct sl_blob key = {(const uint8_t *)call->trustd->ear_key,
                                strlen(call->trustd->ear_key)};
    json_t *jwk = NULL;
    sl_answer_json(call->answer, 200,
                   sl_ear_jwk(key, &jwk) == SL_OK ? json_pack("{s:[o]}", "keys", jwk) : NULL);
}

void sl_api_node_verdicts(struct sl_call *call)
{
    struct sl_err err = {0};
    struct sl_store_node node;
    if (!node_get(call, &node)) {
        return;
    }
    json_t *verdicts = verdicts_of(call, node.id, &err);
    if (verdicts == NULL) {
        sl_answer_rc(call, SL_IO, NULL, &err);
    } else {
        sl_answer_json(call->answer, 200,
                       json_pack("{s:s, s:o}", "node", node.id, "verdicts", verdicts));
    }
    sl_store_node_done(&node);
}

void sl_api_verdicts(struct sl_call *call)
{
    struct sl_err err = {0};
    json_t *verdicts = verdicts_of(call, NULL, &err);
    if (verdicts == NULL) {
        sl_answer_rc(call, SL_IO, NULL, &err);
    } else {
        sl_answer_json(call->answer, 200, json_pack("{s:o}", "verdicts", verdicts));
    }
}

void sl_api_node_remove(struct sl_call *call)
{
    sl_call_node_change(call, sl_store_node_remove, SL_AUDIT_LOST, "removed", "removed");
}

void sl_api_action(struct sl_call *call)
{
    static const char *const known[] = {"pause", "resume", "kill"};
    struct sl_err err = {0};
    struct sl_store_node node;
    struct sl_store *store = call->trustd->store;
    const char *what = json_string_value(json_object_get(call->body, "do"));
    bool is_known = false;
    for (size_t i = 0; what != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        is_known = is_known || strcmp(what, known[i]) == 0;
    }
    if (!is_known) {
        sl_answer_problem(call->answer, 400, "do", "expected pause, resume or kill");
        return;
    }
    const char *container = sl_call_name(call, "container", SL_SUBJECT_ID_MAX - 1);
    if (container == NULL || !node_get(call, &node)) {
        return;
    }
    sl_store_node_done(&node);
    sl_rc rc = sl_store_begin(store, &err);
    rc = rc == SL_OK ? sl_store_action_add(store, call->part[0], what, container, &err) : rc;
    rc = rc == SL_OK
             ? sl_call_journal(call, SL_AUDIT_ACTION, SL_AUDIT_DONE,
                               json_pack("{s:s, s:s, s:s, s:s}", "node", call->part[0], "do", what,
                                         "container", container, "by", call->caller.name),
                               &err)
             : rc;
    rc = rc == SL_OK ? sl_store_commit(store, &err) : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
    } else {
        sl_answer_json(call->answer, 202, json_pack("{s:b}", "accepted", 1));
    }
}
