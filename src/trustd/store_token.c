/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of people and programs: only their hashes are here. */
#include "trustd/store_private.h"

sl_rc sl_store_token_add(struct sl_store *store, const struct sl_store_token *token,
                         const uint8_t hash[SL_TOKEN_HASH_SIZE], struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store,
        sl_store_prepare(store, err,
                         "INSERT INTO token(name, role, hash, created_ms, expires_ms) "
                         "VALUES(?,?,?,?,?)",
                         "ttbii", token->name, sl_role_text(token->role), hash,
                         (size_t)SL_TOKEN_HASH_SIZE, token->created_ms, token->expires_ms),
        err);
    if (rc == SL_EXISTS) {
        return sl_err_set(err, SL_EXISTS, "a token of the name \"%s\" is there already",
                          token->name);
    }
    return rc;
}

static void token_read(sqlite3_stmt *row, struct sl_store_token *token)
{
    token->id = sqlite3_column_int64(row, 0);
    sl_store_text(row, 1, token->name, sizeof(token->name));
    token->role = sl_role_find((const char *)sqlite3_column_text(row, 2));
    token->created_ms = sqlite3_column_int64(row, 3);
    token->expires_ms = sqlite3_column_int64(row, 4);
}

sl_rc sl_store_token_find(struct sl_store *store, const uint8_t hash[SL_TOKEN_HASH_SIZE],
                          int64_t now_ms, struct sl_store_token *ret_token)
{
    sqlite3_stmt *row = sl_store_prepare(
        store, NULL,
        "SELECT id, name, role, created_ms, expires_ms FROM token WHERE hash = ? AND "
        "(expires_ms = 0 OR expires_ms > ?)",
        "bi", hash, (size_t)SL_TOKEN_HASH_SIZE, now_ms);
    if (row == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        token_read(row, ret_token);
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_ROW ? SL_OK : code == SQLITE_DONE ? SL_NOT_FOUND : SL_IO;
}

sl_rc sl_store_token_revoke(struct sl_store *store, int64_t id, struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store, sl_store_prepare(store, err, "DELETE FROM token WHERE id = ?", "i", id), err);
    if (rc == SL_OK && sqlite3_changes(store->db) == 0) {
        return sl_err_set(err, SL_NOT_FOUND, "no token %lld", (long long)id);
    }
    return rc;
}

sl_rc sl_store_token_each(struct sl_store *store,
                          void (*each)(void *ctx, const struct sl_store_token *token), void *ctx,
                          struct sl_err *err)
{
    sqlite3_stmt *row = sl_store_prepare(
        store, err, "SELECT id, name, role, created_ms, expires_ms FROM token ORDER BY id", "");
    if (row == NULL) {
        return SL_IO;
    }
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        struct sl_store_token token;
        token_read(row, &token);
        each(ctx, &token);
    }
    (void)sqlite3_finalize(row);
    return code == SQLITE_DONE ? SL_OK : sl_store_fail(store, err);
}
