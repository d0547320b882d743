/* SPDX-License-Identifier: Apache-2.0 */
/* What a round leaves behind: nonces used, verdicts, the driver's state, actions. */
#include <stdlib.h>

#include "trustd/store_private.h"

enum { NONCES_KEPT = 3, NONCE_SIZE = 32 };

sl_rc sl_store_nonce_add(struct sl_store *store, const char *node, const uint8_t nonce[32],
                         int64_t expires_ms, int64_t now_ms, struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store,
        sl_store_prepare(store, err,
                         "DELETE FROM nonce WHERE node = ?1 AND (expires_ms <= ?2 OR nonce NOT IN "
                         "(SELECT nonce FROM nonce WHERE node = ?1 ORDER BY expires_ms DESC LIMIT "
                         "?3))",
                         "tii", node, now_ms, (int64_t)NONCES_KEPT - 1),
        err);
    return rc != SL_OK
               ? rc
               : sl_store_run(store,
                              sl_store_prepare(store, err, "INSERT INTO nonce VALUES(?, ?, ?)",
                                               "bti", nonce, (size_t)NONCE_SIZE, node, expires_ms),
                              err);
}

sl_rc sl_store_nonce_take(struct sl_store *store, const char *node, const uint8_t nonce[32],
                          int64_t now_ms, struct sl_err *err)
{
    sqlite3_stmt *row = sl_store_prepare(
        store, err, "DELETE FROM nonce WHERE nonce = ? AND node = ? RETURNING expires_ms", "bt",
        nonce, (size_t)NONCE_SIZE, node);
    if (row == NULL) {
        return SL_IO;
    }
    int code = sqlite3_step(row);
    sl_rc rc = SL_OK;
    if (code == SQLITE_DONE) {
        rc = sl_err_set(err, SL_NOT_FOUND, "was never given to this node, or is used");
    } else if (code != SQLITE_ROW) {
        rc = sl_store_fail(store, err);
    } else if (sqlite3_column_int64(row, 0) <= now_ms) {
        rc = sl_err_set(err, SL_STALE, "is too old; ask for another");
    }
    while (code == SQLITE_ROW) {
        code = sqlite3_step(row);
    }
    if (sqlite3_finalize(row) != SQLITE_OK && rc == SL_OK) {
        rc = sl_store_fail(store, err);
    }
    return rc;
}

sl_rc sl_store_verdict_set(struct sl_store *store, const char *node, uint64_t round,
                           int64_t judged_ms, int64_t lease_end_ms, const json_t *subject,
                           struct sl_err *err)
{
    char *reasons = json_dumps(json_object_get(subject, "reasons"), JSON_COMPACT | JSON_SORT_KEYS);
    if (reasons == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory");
    }
    sl_rc rc = sl_store_run(
        store,
        sl_store_prepare(store, err,
                         "INSERT INTO verdict VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(node, kind, id) "
                         "DO UPDATE SET verdict = excluded.verdict, round = excluded.round, "
                         "judged_ms = excluded.judged_ms, lease_end_ms = excluded.lease_end_ms, "
                         "reasons = excluded.reasons",
                         "ttttiiit", node, json_string_value(json_object_get(subject, "kind")),
                         json_string_value(json_object_get(subject, "id")),
                         json_string_value(json_object_get(subject, "verdict")), (int64_t)round,
                         judged_ms, lease_end_ms, reasons),
        err);
    free(reasons);
    return rc;
}

sl_rc sl_store_verdict_each(struct sl_store *store, const char *node,
                            void (*each)(void *ctx, const char *node,
                                         const struct sl_store_verdict *verdict),
                            void *ctx, struct sl_err *err)
{
    sqlite3_stmt *row = sl_store_prepare(
        store, err,
        "SELECT node, kind, id, verdict, round, judged_ms, lease_end_ms, reasons FROM verdict "
        "WHERE ?1 IS NULL OR node = ?1 ORDER BY node, kind DESC, id",
        "t", node);
    if (row == NULL) {
        return SL_IO;
    }
    sl_rc rc = SL_OK;
    int code;
    while (rc == SL_OK && (code = sqlite3_step(row)) != SQLITE_DONE) {
        if (code != SQLITE_ROW) {
            rc = sl_store_fail(store, err);
            break;
        }
        struct sl_store_verdict verdict = {
            .kind = (const char *)sqlite3_column_text(row, 1),
            .id = (const char *)sqlite3_column_text(row, 2),
            .verdict = (const char *)sqlite3_column_text(row, 3),
            .round = (uint64_t)sqlite3_column_int64(row, 4),
            .judged_ms = sqlite3_column_int64(row, 5),
            .lease_end_ms = sqlite3_column_int64(row, 6),
            .reasons = json_loads((const char *)sqlite3_column_text(row, 7), 0, NULL),
        };
        if (verdict.reasons == NULL) {
            rc = sl_err_set(err, SL_NO_MEMORY, "no memory");
        } else {
            each(ctx, (const char *)sqlite3_column_text(row, 0), &verdict);
        }
        json_decref(verdict.reasons);
    }
    (void)sqlite3_finalize(row);
    return rc;
}

sl_rc sl_store_verdicts_lapse(struct sl_store *store, const char *node, uint64_t round,
                              struct sl_err *err)
{
    return sl_store_run(
        store,
        sl_store_prepare(store, err,
                         "UPDATE verdict SET verdict = 'unknown', reasons = "
                         "'[{\"code\":\"not-in-evidence\",\"remedy\":\"none where it has stopped\","
                         "\"text\":\"the last evidence does not name it\"}]' WHERE node = ? AND "
                         "round < ? AND verdict IN ('trusted', 'degraded')",
                         "ti", node, (int64_t)round),
        err);
}

sl_rc sl_store_round_set(struct sl_store *store, const struct sl_store_node *node,
                         struct sl_err *err)
{
    sl_rc rc = sl_store_run(
        store,
        sl_store_prepare(store, err,
                         "UPDATE node SET state = ?, round = ?, judged_ms = ?, lease_end_ms = ?, "
                         "last_seen_ms = ?, boot_id = ?, policy = ? WHERE id = ?",
                         "biiiittt", node->state, node->state_size, (int64_t)node->round,
                         node->judged_ms, node->lease_end_ms, node->last_seen_ms, node->boot_id,
                         node->policy, node->id),
        err);
    if (rc == SL_OK && sqlite3_changes(store->db) == 0) {
        return sl_err_set(err, SL_STATE, "the node was removed while its evidence was judged");
    }
    return rc;
}

sl_rc sl_store_action_add(struct sl_store *store, const char *node, const char *what,
                          const char *container, struct sl_err *err)
{
    return sl_store_run(store,
                        sl_store_prepare(store, err,
                                         "INSERT INTO action(node, what, container) SELECT ?1, ?2, "
                                         "?3 WHERE NOT EXISTS (SELECT 1 FROM action WHERE node = "
                                         "?1 AND what = ?2 AND container = ?3)",
                                         "ttt", node, what, container),
                        err);
}

json_t *sl_store_action_take(struct sl_store *store, const char *node)
{
    sqlite3_stmt *row = sl_store_prepare(
        store, NULL, "SELECT what, container FROM action WHERE node = ? ORDER BY number", "t",
        node);
    json_t *list = row != NULL ? json_array() : NULL;
    while (list != NULL && sqlite3_step(row) == SQLITE_ROW) {
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "do", (const char *)sqlite3_column_text(row, 0),
                            "container", (const char *)sqlite3_column_text(row, 1)));
    }
    (void)sqlite3_finalize(row);
    if (list != NULL && json_array_size(list) > 0 &&
        sl_store_run(store,
                     sl_store_prepare(store, NULL, "DELETE FROM action WHERE node = ?", "t", node),
                     NULL) != SL_OK) {
        json_decref(list);
        return NULL;
    }
    return list;
}
