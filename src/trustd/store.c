/* SPDX-License-Identifier: Apache-2.0 */
/* The database: opened, its tables made, transactions, single values. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trustd/store_private.h"

enum { SCHEMA_VERSION = 2, BUSY_MS = 5000 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS node(id TEXT PRIMARY KEY, name TEXT NOT NULL, class TEXT NOT NULL,"
    " driver TEXT NOT NULL, active INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL, secret_hash BLOB, token_hash BLOB,"
    " registration TEXT NOT NULL, state BLOB, round INTEGER NOT NULL DEFAULT 0,"
    " judged_ms INTEGER NOT NULL DEFAULT 0, lease_end_ms INTEGER NOT NULL DEFAULT 0,"
    " last_seen_ms INTEGER NOT NULL DEFAULT 0, boot_id TEXT, policy TEXT, ek BLOB) WITHOUT ROWID;"
    /* outlives its node: a TPM enrols once, and again only where an operator says so */
    "CREATE TABLE IF NOT EXISTS ek(hash BLOB PRIMARY KEY, node TEXT NOT NULL, allowed INTEGER NOT"
    " NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS ek_node ON ek(node);"
    "CREATE UNIQUE INDEX IF NOT EXISTS node_name ON node(name) WHERE active = 1;"
    "CREATE TABLE IF NOT EXISTS nonce(nonce BLOB PRIMARY KEY, node TEXT NOT NULL REFERENCES node"
    " ON DELETE CASCADE, expires_ms INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS nonce_node ON nonce(node);"
    "CREATE TABLE IF NOT EXISTS verdict(node TEXT NOT NULL REFERENCES node ON DELETE CASCADE,"
    " kind TEXT NOT NULL, id TEXT NOT NULL, verdict TEXT NOT NULL, round INTEGER NOT NULL,"
    " judged_ms INTEGER NOT NULL, lease_end_ms INTEGER NOT NULL, reasons TEXT NOT NULL,"
    " PRIMARY KEY(node, kind, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS action(number INTEGER PRIMARY KEY, node TEXT NOT NULL REFERENCES"
    " node ON DELETE CASCADE, what TEXT NOT NULL, container TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS value(name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS token(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL"
    " UNIQUE, role TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, created_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL);"
    "PRAGMA user_version = 2;";

sl_rc sl_store_fail(struct sl_store *store, struct sl_err *err)
{
    return sl_err_set(err, SL_IO, "database: %s", sqlite3_errmsg(store->db));
}

sqlite3_stmt *sl_store_prepare(struct sl_store *store, struct sl_err *err, const char *sql,
                               const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        sl_err_record(err, SL_IO, "database: %s", sqlite3_errmsg(store->db));
        return NULL;
    }
    va_list args;
    va_start(args, format);
    for (int at = 1; *format != '\0'; format++, at++) {
        if (*format == 't') {
            (void)sqlite3_bind_text(statement, at, va_arg(args, const char *), -1,
                                    SQLITE_TRANSIENT);
        } else if (*format == 'i') {
            (void)sqlite3_bind_int64(statement, at, va_arg(args, int64_t));
        } else {
            const void *data = va_arg(args, const void *);
            size_t size = va_arg(args, size_t);
            (void)sqlite3_bind_blob64(statement, at, data, size, SQLITE_TRANSIENT);
        }
    }
    va_end(args);
    return statement;
}

sl_rc sl_store_run(struct sl_store *store, sqlite3_stmt *statement, struct sl_err *err)
{
    if (statement == NULL) {
        return SL_IO; /* told by sl_store_prepare */
    }
    int code = sqlite3_step(statement);
    while (code == SQLITE_ROW) {
        code = sqlite3_step(statement);
    }
    sl_rc rc = SL_OK;
    if (code == SQLITE_CONSTRAINT) {
        rc = sl_err_set(err, SL_EXISTS, "is there already");
    } else if (code != SQLITE_DONE) {
        rc = sl_store_fail(store, err);
    }
    (void)sqlite3_finalize(statement);
    return rc;
}

void sl_store_text(sqlite3_stmt *statement, int column, char *out, size_t size)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    (void)snprintf(out, size, "%s", text != NULL ? (const char *)text : "");
}

static sl_rc execute(struct sl_store *store, const char *sql, struct sl_err *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SL_OK
                                                                       : sl_store_fail(store, err);
}

/* What a database of an older version lacks. */
static sl_rc version_raise(struct sl_store *store, int version, struct sl_err *err)
{
    return version != 1 ? SL_OK
                        : execute(store,
                                  "BEGIN IMMEDIATE; ALTER TABLE node ADD COLUMN policy TEXT;"
                                  "ALTER TABLE node ADD COLUMN ek BLOB;"
                                  "PRAGMA user_version = 2; COMMIT;",
                                  err);
}

static sl_rc version_check(struct sl_store *store, struct sl_err *err)
{
    sqlite3_stmt *statement = sl_store_prepare(store, err, "PRAGMA user_version", "");
    if (statement == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(statement);
    int version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
    sl_rc rc = version >= 0 ? SL_OK : sl_store_fail(store, err);
    if (version > SCHEMA_VERSION) {
        rc = sl_err_set(err, SL_UNSUPPORTED, "database: has version %d; this program knows %d",
                        version, SCHEMA_VERSION);
    }
    (void)sqlite3_finalize(statement);
    return rc == SL_OK ? version_raise(store, version, err) : rc;
}

sl_rc sl_store_open(const char *path, struct sl_store **ret_store, struct sl_err *err)
{
    struct sl_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    mode_t old = umask(077);
    int code = sqlite3_open_v2(
        path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);
    sl_rc rc = code == SQLITE_OK
                   ? SL_OK
                   : sl_err_set(err, SL_IO, "database %s: %s", path, sqlite3_errstr(code));
    if (rc == SL_OK) {
        (void)sqlite3_busy_timeout(store->db, BUSY_MS);
        rc = version_check(store, err);
    }
    rc = rc == SL_OK ? execute(store,
                               "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
                               err)
                     : rc;
    rc = rc == SL_OK ? execute(store, schema, err) : rc;
    (void)umask(old);
    if (rc != SL_OK) {
        sl_store_close(store);
        return rc;
    }
    *ret_store = store;
    return SL_OK;
}

void sl_store_close(struct sl_store *store)
{
    if (store != NULL) {
        (void)sqlite3_close_v2(store->db);
        free(store);
    }
}

sl_rc sl_store_begin(struct sl_store *store, struct sl_err *err)
{
    return execute(store, "BEGIN IMMEDIATE", err);
}

sl_rc sl_store_commit(struct sl_store *store, struct sl_err *err)
{
    sl_rc rc = execute(store, "COMMIT", err);
    if (rc != SL_OK) {
        sl_store_rollback(store);
    }
    return rc;
}

void sl_store_rollback(struct sl_store *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

sl_rc sl_store_value_get(struct sl_store *store, const char *name, char *ret_text, size_t size)
{
    sqlite3_stmt *statement =
        sl_store_prepare(store, NULL, "SELECT text FROM value WHERE name = ?", "t", name);
    if (statement == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(statement);
    sl_rc rc = code == SQLITE_ROW ? SL_OK : code == SQLITE_DONE ? SL_NOT_FOUND : SL_IO;
    if (rc == SL_OK && (size_t)sqlite3_column_bytes(statement, 0) >= size) {
        rc = SL_RANGE;
    }
    if (rc == SL_OK) {
        sl_store_text(statement, 0, ret_text, size);
    }
    (void)sqlite3_finalize(statement);
    return rc;
}

sl_rc sl_store_value_set(struct sl_store *store, const char *name, const char *text,
                         struct sl_err *err)
{
    return sl_store_run(store,
                        sl_store_prepare(store, err,
                                         "INSERT INTO value(name, text) VALUES(?, ?) ON CONFLICT"
                                         "(name) DO UPDATE SET text = excluded.text",
                                         "tt", name, text),
                        err);
}
