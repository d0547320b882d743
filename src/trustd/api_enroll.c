/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment: what a node says of itself is checked, and its TPM must unwrap a secret. */
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "attest/tpm_public.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "monitor/json_bytes.h"
#include "trustd/api_private.h"

enum { PUBLIC_MAX = 4096, CREDENTIAL_MAX = 1024, SECRET_SIZE = 32, CHAIN_MAX = 8 };

static sl_rc public_read(struct sl_call *call, const char *field, struct sl_tpm_public *ret_public,
                         struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_json_bytes(call->body, field, PUBLIC_MAX, &data, &size, err);
    if (rc == SL_OK) {
        rc = sl_tpm_public_read((struct sl_blob){data, size}, ret_public, err);
        free(data);
    }
    if (rc != SL_OK) {
        sl_answer_problem(call->answer, 400, field, "%s",
                          err->text[0] != '\0' ? err->text : sl_rc_text(rc));
    }
    return rc;
}

/* By the key itself: its public area could be written in several ways. */
static sl_rc ek_hash(const struct sl_tpm_public *ek, uint8_t ret_hash[SL_TOKEN_HASH_SIZE])
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(ek->key, &der);
    sl_rc rc = size > 0 ? sl_trustd_sha256(der, (size_t)size, ret_hash) : SL_CRYPTO;
    OPENSSL_free(der);
    return rc;
}

/* A TPM enrols once, a name is one node's. @return false: answered */
static bool place_check(struct sl_call *call, const struct sl_store_node *node)
{
    char before[SL_NODE_ID_SIZE] = "";
    char named[SL_NODE_ID_SIZE] = "";
    bool is_allowed = false;
    struct sl_err err = {0};
    sl_rc rc = node->has_ek ? sl_store_ek_find(call->trustd->store, node->ek, before, &is_allowed)
                            : SL_NOT_FOUND;
    if (rc == SL_OK && !is_allowed) {
        sl_answer_problem(call->answer, 409, "ek_public",
                          "this TPM has enrolled as node %s; an operator must allow it again: POST "
                          "/v1/nodes/%s/reenroll",
                          before, before);
        return false;
    }
    rc = rc == SL_NOT_FOUND || rc == SL_OK
             ? sl_store_node_name_find(call->trustd->store, node->name, named)
             : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
        return false;
    }
    if (named[0] != '\0' && strcmp(named, before) != 0) {
        sl_answer_problem(call->answer, 409, "name",
                          "a node of this name is active; an operator must remove it first");
        return false;
    }
    return true;
}

/* MakeCredential over @p secret for the keys that the node names. @return NULL: answered */
static json_t *credential_make(struct sl_call *call, const uint8_t secret[SECRET_SIZE],
                               struct sl_store_node *node)
{
    struct sl_err err = {0};
    struct sl_tpm_public ek = {0};
    struct sl_tpm_public ak = {0};
    uint8_t blob[CREDENTIAL_MAX];
    uint8_t wrapped[CREDENTIAL_MAX];
    size_t blob_size = sizeof(blob);
    size_t wrapped_size = sizeof(wrapped);
    json_t *credential = NULL;
    if (public_read(call, "ek_public", &ek, &err) != SL_OK ||
        public_read(call, "ak_public", &ak, &err) != SL_OK) {
        goto out;
    }
    if (!sl_tpm_public_is_ek(&ek, &err)) {
        sl_answer_problem(call->answer, 422, "ek_public", "%s", err.text);
        goto out;
    }
    if (!sl_tpm_public_is_ak(&ak, &err)) {
        sl_answer_problem(call->answer, 422, "ak_public", "%s", err.text);
        goto out;
    }
    sl_rc rc = ek_hash(&ek, node->ek);
    node->has_ek = rc == SL_OK;
    if (rc == SL_OK && !place_check(call, node)) {
        goto out;
    }
    rc = rc != SL_OK
             ? rc
             : sl_tpm_credential_make(&ek, (struct sl_blob){ak.name, ak.name_size}, secret,
                                      SECRET_SIZE, blob, &blob_size, wrapped, &wrapped_size, &err);
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, "ek_public", &err);
        goto out;
    }
    credential = json_pack("{s:o, s:o}", "blob", sl_json_bytes_new(blob, blob_size), "secret",
                           sl_json_bytes_new(wrapped, wrapped_size));
    if (credential == NULL) {
        sl_answer_problem(call->answer, 500, NULL, "no memory");
    }
out:
    sl_tpm_public_done(&ek);
    sl_tpm_public_done(&ak);
    return credential;
}

/* The driver's own look at the registration. @return false: answered */
static bool registration_check(struct sl_call *call, const struct sl_driver *driver,
                               const char *class_name, const char *name)
{
    struct sl_err err = {0};
    if (driver == NULL) {
        sl_answer_problem(call->answer, 422, "driver", "no driver \"%s\" is built in", name);
        return false;
    }
    const struct sl_material_class *class = sl_material_find(call->material, class_name);
    if (class == NULL) {
        sl_answer_problem(call->answer, 422, "class", "the class \"%s\" has no policy", class_name);
        return false;
    }
    sl_rc rc = driver->register_node(call->body, class->policy, call->now_ms / 1000, &err);
    if (rc != SL_OK) {
        size_t size = strcspn(err.text, ":");
        char field[64];
        (void)snprintf(field, sizeof(field), "%.*s", (int)(size < 63 ? size : 63), err.text);
        sl_answer_problem(call->answer, rc == SL_AUTH ? 403 : 422,
                          sl_is_name(field, sizeof(field) - 1) ? field : NULL, "%s", err.text);
    }
    return rc == SL_OK;
}

/* Within a transaction that the caller commits. */
static sl_rc node_add(struct sl_call *call, const struct sl_store_node *node,
                      const uint8_t secret[SECRET_SIZE], struct sl_err *err)
{
    uint8_t hash[SL_TOKEN_HASH_SIZE];
    sl_rc rc = sl_trustd_sha256(secret, SECRET_SIZE, hash);
    rc = rc == SL_OK ? sl_store_begin(call->trustd->store, err) : rc;
    rc = rc == SL_OK ? sl_store_node_add(call->trustd->store, node, hash,
                                         call->trustd->config.pending_max, call->now_ms, err)
                     : rc;
    rc = rc == SL_OK ? sl_call_journal(call, SL_AUDIT_ENROLL, SL_AUDIT_DONE,
                                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O?}", "step",
                                                 "asked", "node", node->id, "name", node->name,
                                                 "class", node->class_name, "driver", node->driver,
                                                 "by", call->caller.name, "ak_public",
                                                 json_object_get(call->body, "ak_public")),
                                       err)
                     : rc;
    return rc;
}

/* A node without a TPM has nothing to unwrap a secret with: its token is handed to the enroller. */
static void tokened_enroll(struct sl_call *call, struct sl_store_node *node,
                           const uint8_t secret[SECRET_SIZE])
{
    struct sl_err err = {0};
    struct sl_store *store = call->trustd->store;
    uint8_t secret_hash[SL_TOKEN_HASH_SIZE];
    uint8_t token_hash[SL_TOKEN_HASH_SIZE];
    char token[SL_TOKEN_TEXT_SIZE] = "";
    if (!place_check(call, node)) {
        return;
    }
    sl_rc rc = node_add(call, node, secret, &err);
    rc = rc == SL_OK ? sl_trustd_sha256(secret, SECRET_SIZE, secret_hash) : rc;
    rc = rc == SL_OK ? sl_token_make(token, token_hash) : rc;
    rc = rc == SL_OK
             ? sl_store_node_activate(store, node->id, secret_hash, token_hash, call->now_ms, &err)
             : rc;
    rc = rc == SL_OK
             ? sl_call_journal(call, SL_AUDIT_ENROLL, SL_AUDIT_DONE,
                               json_pack("{s:s, s:s}", "step", "without-tpm", "node", node->id),
                               &err)
             : rc;
    rc = rc == SL_OK ? sl_store_commit(store, &err) : rc;
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, NULL, &err);
    } else {
        sl_answer_json(call->answer, 201,
                       json_pack("{s:s, s:s}", "node", node->id, "token", token));
    }
    sl_wipe(token, sizeof(token));
}

static void credential_enroll(struct sl_call *call, struct sl_store_node *node,
                              const uint8_t secret[SECRET_SIZE])
{
    struct sl_err err = {0};
    char when[32];
    json_t *credential = credential_make(call, secret, node);
    if (credential == NULL) {
        return;
    }
    sl_rc rc = node_add(call, node, secret, &err);
    rc = rc == SL_OK ? sl_store_commit(call->trustd->store, &err) : rc;
    if (rc != SL_OK) {
        json_decref(credential);
        sl_answer_rc(call, rc, NULL, &err);
        return;
    }
    sl_when_text(node->expires_ms, when);
    sl_answer_json(
        call->answer, 201,
        json_pack("{s:s, s:o, s:s}", "node", node->id, "credential", credential, "expires", when));
}

void sl_api_enroll(struct sl_call *call)
{
    struct sl_store_node node = {0};
    uint8_t random[8];
    uint8_t secret[SECRET_SIZE];
    const char *name = sl_call_name(call, "name", SL_NODE_NAME_SIZE - 1);
    const char *class_name = name != NULL ? sl_call_name(call, "class", SL_NAME_SIZE - 1) : NULL;
    const char *kind = class_name != NULL ? sl_call_name(call, "driver", SL_NAME_SIZE - 1) : NULL;
    const struct sl_driver *driver = kind != NULL ? call->trustd->backend->driver_find(kind) : NULL;
    if (kind == NULL || !registration_check(call, driver, class_name, kind)) {
        return;
    }
    if (RAND_bytes(random, sizeof(random)) != 1 || RAND_bytes(secret, sizeof(secret)) != 1) {
        sl_answer_problem(call->answer, 500, NULL, "no random bytes");
        return;
    }
    sl_hex_encode(random, sizeof(random), node.id);
    (void)snprintf(node.name, sizeof(node.name), "%s", name);
    (void)snprintf(node.class_name, sizeof(node.class_name), "%s", class_name);
    (void)snprintf(node.driver, sizeof(node.driver), "%s", kind);
    node.expires_ms = call->now_ms + (int64_t)call->trustd->config.enroll_seconds * 1000;
    node.registration = call->body;
    if (driver->has_no_tpm && json_object_get(call->body, "ek_public") == NULL) {
        tokened_enroll(call, &node, secret);
    } else {
        credential_enroll(call, &node, secret);
    }
    sl_wipe(secret, sizeof(secret));
}

void sl_api_activate(struct sl_call *call)
{
    struct sl_err err = {0};
    uint8_t *secret = NULL;
    size_t size = 0;
    uint8_t secret_hash[SL_TOKEN_HASH_SIZE];
    uint8_t token_hash[SL_TOKEN_HASH_SIZE];
    char token[SL_TOKEN_TEXT_SIZE];
    const char *node = call->part[0];
    struct sl_store *store = call->trustd->store;
    sl_rc rc = sl_json_bytes(call->body, "secret", 64, &secret, &size, &err);
    if (rc != SL_OK) {
        sl_answer_problem(call->answer, 400, "secret", "%s",
                          err.text[0] != '\0' ? err.text : sl_rc_text(rc));
        return;
    }
    rc = sl_trustd_sha256(secret, size, secret_hash);
    sl_wipe(secret, size);
    free(secret);
    rc = rc == SL_OK ? sl_token_make(token, token_hash) : rc;
    rc = rc == SL_OK ? sl_store_begin(store, &err) : rc;
    if (rc == SL_OK) {
        rc = sl_store_node_activate(store, node, secret_hash, token_hash, call->now_ms, &err);
        if (rc == SL_OK || rc == SL_AUTH) {
            struct sl_err late = {0};
            sl_rc written = sl_call_journal(
                call, SL_AUDIT_ENROLL, rc == SL_OK ? SL_AUDIT_DONE : SL_AUDIT_REFUSED,
                json_pack("{s:s, s:s}", "step", "activated", "node", node), &late);
            written = written == SL_OK ? sl_store_commit(store, &late) : written;
            if (written != SL_OK) {
                rc = written;
                err = late;
            }
        }
    }
    if (rc != SL_OK) {
        sl_answer_rc(call, rc, rc == SL_AUTH ? "secret" : NULL, &err);
    } else {
        sl_answer_json(call->answer, 200, json_pack("{s:s, s:s}", "node", node, "token", token));
    }
    sl_wipe(token, sizeof(token));
}

void sl_api_node_reenroll(struct sl_call *call)
{
    sl_call_node_change(call, sl_store_ek_allow, SL_AUDIT_DONE, "reenroll-allowed", "allowed");
}
