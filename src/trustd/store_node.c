/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: pending, active, removed; their tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "trustd/store_private.h"

#define NODE_COLUMNS                                                                               \
    "id, name, class, driver, active, created_ms, expires_ms, round, judged_ms, lease_end_ms, "    \
    "last_seen_ms, boot_id, registration, state, policy"

void sl_store_node_done(struct sl_store_node *node)
{
    json_decref(node->registration);
    free(node->state);
    *node = (struct sl_store_node){0};
}

static sl_rc node_read(sqlite3_stmt *row, struct sl_store_node *node)
{
    *node = (struct sl_store_node){0};
    sl_store_text(row, 0, node->id, sizeof(node->id));
    sl_store_text(row, 1, node->name, sizeof(node->name));
    sl_store_text(row, 2, node->class_name, sizeof(node->class_name));
    sl_store_text(row, 3, node->driver, sizeof(node->driver));
    node->is_active = sqlite3_column_int(row, 4) != 0;
    node->created_ms = sqlite3_column_int64(row, 5);
    node->expires_ms = sqlite3_column_int64(row, 6);
    node->round = (uint64_t)sqlite3_column_int64(row, 7);
    node->judged_ms = sqlite3_column_int64(row, 8);
    node->lease_end_ms = sqlite3_column_int64(row, 9);
    node->last_seen_ms = sqlite3_column_int64(row, 10);
    sl_store_text(row, 11, node->boot_id, sizeof(node->boot_id));
    sl_store_text(row, 14, node->policy, sizeof(node->policy));
    node->registration = json_loads((const char *)sqlite3_column_text(row, 12), 0, NULL);
    node->state_size = (size_t)sqlite3_column_bytes(row, 13);
    if (node->state_size > 0) {
        node->state = malloc(node->state_size);
        if (node->state != NULL) {
            memcpy(node->state, sqlite3_column_blob(row, 13), node->state_size);
        }
    }
    if (node->registration == NULL || (node->state_size > 0 && node->state == NULL)) {
        sl_store_node_done(node);
        return SL_NO_MEMORY;
    }
    return SL_OK;
}

static int64_t count_of(struct sl_store *store, const char *sql)
{
    sqlite3_stmt *statement = sl_store_prepare(store, NULL, sql, "");
    int64_t count = statement != NULL && sqlite3_step(statement) == SQLITE_ROW
                        ? sqlite3_column_int64(statement, 0)
                        : -1;
    (void)sqlite3_finalize(statement);
    return count;
}

sl_rc sl_store_node_add(struct sl_store *store, const struct sl_store_node *node,
                        const uint8_t secret_hash[SL_TOKEN_HASH_SIZE], uint32_t pending_max,
                        int64_t now_ms, struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store,
        sl_store_prepare(store, err, "DELETE FROM node WHERE active = 0 AND expires_ms <= ?", "i",
                         now_ms),
        err);
    int64_t pending = count_of(store, "SELECT count(*) FROM node WHERE active = 0");
    if (rc == SL_OK && (pending < 0 || pending >= (int64_t)pending_max)) {
        return sl_err_set(err, SL_NO_SPACE, "%u enrolments wait for their activation", pending_max);
    }
    char *text = json_dumps(node->registration, JSON_COMPACT | JSON_SORT_KEYS);
    rc = rc == SL_OK && text == NULL ? sl_err_set(err, SL_NO_MEMORY, "no memory") : rc;
    if (rc == SL_OK) {
        rc = sl_store_run(
            store,
            sl_store_prepare(store, err,
                             "INSERT INTO node(id, name, class, driver, active, created_ms, "
                             "expires_ms, secret_hash, registration, ek) "
                             "VALUES(?,?,?,?,0,?,?,?,?,?)",
                             "ttttiibtb", node->id, node->name, node->class_name, node->driver,
                             now_ms, node->expires_ms, secret_hash, (size_t)SL_TOKEN_HASH_SIZE,
                             text, node->has_ek ? node->ek : NULL, (size_t)SL_TOKEN_HASH_SIZE),
            err);
    }
    free(text);
    return rc;
}

/* @return whether column @p column holds exactly @p hash */
static bool hash_is(sqlite3_stmt *row, int column, const uint8_t hash[SL_TOKEN_HASH_SIZE])
{
    return sqlite3_column_bytes(row, column) == SL_TOKEN_HASH_SIZE &&
           sl_equal_ct(sqlite3_column_blob(row, column), hash, SL_TOKEN_HASH_SIZE);
}

static sl_rc secret_check(struct sl_store *store, const char *id, const uint8_t *secret_hash,
                          int64_t now_ms, struct sl_err *err)
{
    sqlite3_stmt *row = sl_store_prepare(
        store, err, "SELECT active, expires_ms, secret_hash FROM node WHERE id = ?", "t", id);
    if (row == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(row);
    sl_rc rc = SL_OK;
    if (code == SQLITE_DONE || (code == SQLITE_ROW && sqlite3_column_int(row, 0) == 0 &&
                                sqlite3_column_int64(row, 1) <= now_ms)) {
        rc = sl_err_set(err, SL_NOT_FOUND, "no enrolment of this id waits; enrol again");
    } else if (code != SQLITE_ROW) {
        rc = sl_store_fail(store, err);
    } else if (sqlite3_column_int(row, 0) != 0) {
        rc = sl_err_set(err, SL_STATE, "the node is active already");
    } else if (!hash_is(row, 2, secret_hash)) {
        rc = sl_err_set(err, SL_AUTH, "not the secret that the TPM was given; enrol again");
    }
    (void)sqlite3_finalize(row);
    return rc;
}

sl_rc sl_store_ek_find(struct sl_store *store, const uint8_t ek[SL_TOKEN_HASH_SIZE],
                       char ret_id[SL_NODE_ID_SIZE], bool *ret_is_allowed)
{
    sqlite3_stmt *row = sl_store_prepare(store, NULL, "SELECT node, allowed FROM ek WHERE hash = ?",
                                         "b", ek, (size_t)SL_TOKEN_HASH_SIZE);
    if (row == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        sl_store_text(row, 0, ret_id, SL_NODE_ID_SIZE);
        *ret_is_allowed = sqlite3_column_int(row, 1) != 0;
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_ROW ? SL_OK : code == SQLITE_DONE ? SL_NOT_FOUND : SL_IO;
}

sl_rc sl_store_ek_allow(struct sl_store *store, const char *id, struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store, sl_store_prepare(store, err, "UPDATE ek SET allowed = 1 WHERE node = ?", "t", id),
        err);
    if (rc == SL_OK && sqlite3_changes(store->db) == 0) {
        return sl_err_set(err, SL_NOT_FOUND, "no TPM has enrolled as this node");
    }
    return rc;
}

static sl_rc ek_of(struct sl_store *store, const char *id, uint8_t ret_ek[SL_TOKEN_HASH_SIZE])
{
    sqlite3_stmt *row = sl_store_prepare(
        store, NULL, "SELECT ek FROM node WHERE id = ? AND ek IS NOT NULL", "t", id);
    if (row == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW && sqlite3_column_bytes(row, 0) == SL_TOKEN_HASH_SIZE) {
        memcpy(ret_ek, sqlite3_column_blob(row, 0), SL_TOKEN_HASH_SIZE);
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_ROW ? SL_OK : code == SQLITE_DONE ? SL_NOT_FOUND : SL_IO;
}

/* The TPM is this node's from now on; the node that it was goes. */
static sl_rc ek_claim(struct sl_store *store, const char *id, struct sl_err *err)
{
    uint8_t ek[SL_TOKEN_HASH_SIZE];
    char before[SL_NODE_ID_SIZE] = "";
    bool is_allowed = false;
    sl_rc rc = ek_of(store, id, ek);
    if (rc == SL_NOT_FOUND) {
        return SL_OK; /* a node without a TPM */
    }
    rc = rc == SL_OK ? sl_store_ek_find(store, ek, before, &is_allowed) : rc;
    if (rc == SL_OK && !is_allowed) {
        return sl_err_set(err, SL_EXISTS,
                          "its TPM has enrolled as node %s; an operator must allow it again: POST "
                          "/v1/nodes/%s/reenroll",
                          before, before);
    }
    if (rc == SL_OK) {
        rc = sl_store_node_remove(store, before, NULL);
        rc = rc == SL_NOT_FOUND ? SL_OK : rc;
    }
    if (rc != SL_OK && rc != SL_NOT_FOUND) {
        return sl_store_fail(store, err);
    }
    return sl_store_run(store,
                        sl_store_prepare(store, err,
                                         "INSERT INTO ek VALUES(?,?,0) ON CONFLICT(hash) DO UPDATE "
                                         "SET node = excluded.node, allowed = 0",
                                         "bt", ek, (size_t)SL_TOKEN_HASH_SIZE, id),
                        err);
}

sl_rc sl_store_node_activate(struct sl_store *store, const char *id,
                             const uint8_t secret_hash[SL_TOKEN_HASH_SIZE],
                             const uint8_t token_hash[SL_TOKEN_HASH_SIZE], int64_t now_ms,
                             struct sl_err *err)
{
    sl_rc rc = secret_check(store, id, secret_hash, now_ms, err);
    if (rc == SL_AUTH) { /* one guess */
        sl_rc removed = sl_store_node_remove(store, id, NULL);
        return removed == SL_OK ? rc : removed;
    }
    if (rc != SL_OK) {
        return rc;
    }
    rc = ek_claim(store, id, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_store_run(store,
                      sl_store_prepare(store, err,
                                       "UPDATE node SET active = 1, secret_hash = NULL, "
                                       "token_hash = ?, expires_ms = 0 WHERE id = ?",
                                       "bt", token_hash, (size_t)SL_TOKEN_HASH_SIZE, id),
                      err);
    if (rc == SL_EXISTS) {
        return sl_err_set(err, SL_EXISTS, "an active node has this name; remove it first");
    }
    return rc;
}

sl_rc sl_store_node_get(struct sl_store *store, const char *id, struct sl_store_node *ret_node,
                        struct sl_err *err)
{
    sqlite3_stmt *row =
        sl_store_prepare(store, err, "SELECT " NODE_COLUMNS " FROM node WHERE id = ?", "t", id);
    if (row == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(row);
    sl_rc rc = code == SQLITE_ROW    ? node_read(row, ret_node)
               : code == SQLITE_DONE ? sl_err_set(err, SL_NOT_FOUND, "no such node")
                                     : sl_store_fail(store, err);
    (void)sqlite3_finalize(row);
    return rc;
}

sl_rc sl_store_node_name_find(struct sl_store *store, const char *name,
                              char ret_id[SL_NODE_ID_SIZE])
{
    sqlite3_stmt *row = sl_store_prepare(
        store, NULL, "SELECT id FROM node WHERE active = 1 AND name = ?", "t", name);
    int code = row != NULL ? sqlite3_step(row) : SQLITE_ERROR;
    ret_id[0] = '\0';
    if (code == SQLITE_ROW) {
        sl_store_text(row, 0, ret_id, SL_NODE_ID_SIZE);
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SL_OK : SL_IO;
}

sl_rc sl_store_node_each(struct sl_store *store, const char *after, uint32_t count,
                         void (*each)(void *ctx, const struct sl_store_node *node), void *ctx,
                         struct sl_err *err)
{
    sqlite3_stmt *row = sl_store_prepare(store, err,
                                         "SELECT " NODE_COLUMNS " FROM node WHERE active = 1 AND "
                                         "id > ? ORDER BY id LIMIT ?",
                                         "ti", after, (int64_t)count);
    if (row == NULL) {
        return SL_IO;
    }
    sl_rc rc = SL_OK;
    int code;
    while (rc == SL_OK && (code = sqlite3_step(row)) != SQLITE_DONE) {
        struct sl_store_node node;
        rc = code == SQLITE_ROW ? node_read(row, &node) : sl_store_fail(store, err);
        if (rc == SL_OK) {
            each(ctx, &node);
            sl_store_node_done(&node);
        }
    }
    (void)sqlite3_finalize(row);
    return rc;
}

sl_rc sl_store_node_remove(struct sl_store *store, const char *id, struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store, sl_store_prepare(store, err, "DELETE FROM node WHERE id = ?", "t", id), err);
    if (rc == SL_OK && sqlite3_changes(store->db) == 0) {
        return sl_err_set(err, SL_NOT_FOUND, "no such node");
    }
    return rc;
}

bool sl_store_node_token(struct sl_store *store, const char *id,
                         const uint8_t token_hash[SL_TOKEN_HASH_SIZE])
{
    sqlite3_stmt *row = sl_store_prepare(
        store, NULL, "SELECT token_hash FROM node WHERE id = ? AND active = 1", "t", id);
    bool is_right = row != NULL && sqlite3_step(row) == SQLITE_ROW && hash_is(row, 0, token_hash);
    (void)sqlite3_finalize(row);
    return is_right;
}

uint64_t sl_store_node_count(struct sl_store *store)
{
    int64_t count = count_of(store, "SELECT count(*) FROM node WHERE active = 1");
    return count > 0 ? (uint64_t)count : 0;
}
