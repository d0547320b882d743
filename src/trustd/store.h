/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the monitor must not forget, in SQLite (WAL, synchronous FULL: a committed transaction
 * survives a crash of the machine). One thread per handle; other processes (the token commands)
 * have handles of their own.
 *
 * Rows never say more than what was judged: whether a verdict still holds is lease.h's question.
 */
#ifndef SL_TRUSTD_STORE_H
#define SL_TRUSTD_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "trustd/token.h"

enum { SL_NODE_ID_SIZE = 16 + 1, SL_NODE_NAME_SIZE = 64 + 1, SL_NAME_SIZE = 32 + 1 };
enum { SL_STORE_SECRET_SIZE = 32, SL_BLOB_HASH_TEXT = 64 + 1 };

struct sl_store;

/** Opens or makes the database (mode 0600) and its tables.
 * @retval SL_OK, SL_IO (cannot be opened), SL_UNSUPPORTED (made by a newer version), SL_NO_MEMORY
 * @owner caller calls sl_store_close */
sl_rc sl_store_open(const char *path, struct sl_store **ret_store,
                    struct sl_err *err) SL_MUST_CHECK;
void sl_store_close(struct sl_store *store);

/** One transaction at a time. What is not committed never happened.
 * @retval SL_OK, SL_IO (disk full, locked for too long) */
sl_rc sl_store_begin(struct sl_store *store, struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_store_commit(struct sl_store *store, struct sl_err *err) SL_MUST_CHECK;
void sl_store_rollback(struct sl_store *store);

/* ---- nodes ---- */

/** A node as enrolled. `registration` is the caller's to json_decref. */
struct sl_store_node {
    char id[SL_NODE_ID_SIZE];
    char name[SL_NODE_NAME_SIZE];
    char class_name[SL_NAME_SIZE];
    char driver[SL_NAME_SIZE];
    bool is_active; /**< false: its credential was not activated yet */
    int64_t created_ms, expires_ms;
    uint64_t round; /**< last one; 0: none */
    int64_t judged_ms, lease_end_ms, last_seen_ms;
    char boot_id[SL_NODE_NAME_SIZE];
    char policy[SL_BLOB_HASH_TEXT]; /**< hash of what the last round was judged by; "": none */
    bool has_ek;
    uint8_t ek[SL_TOKEN_HASH_SIZE]; /**< SHA-256 of the endorsement key; only with has_ek */
    json_t *registration;
    uint8_t *state; /**< of the driver, free(); NULL: none */
    size_t state_size;
};
void sl_store_node_done(struct sl_store_node *node);

/** Adds a node that waits for its secret. Pending ones that expired are removed first.
 * @param[in] secret_hash  SHA-256 of what the TPM must unwrap
 * @retval SL_OK, SL_NO_SPACE (more than @p pending_max wait), SL_IO */
sl_rc sl_store_node_add(struct sl_store *store, const struct sl_store_node *node,
                        const uint8_t secret_hash[SL_TOKEN_HASH_SIZE], uint32_t pending_max,
                        int64_t now_ms, struct sl_err *err) SL_MUST_CHECK;
/** Makes a pending node active where @p secret_hash is right, and gives it a token.
 * @retval SL_OK
 * @retval SL_NOT_FOUND no such node, or its time is over  @retval SL_STATE active already
 * @retval SL_AUTH      wrong secret: the pending node is removed
 * @retval SL_EXISTS    an active node has its name, or its TPM has enrolled before and no operator
 * allowed it again
 * @retval SL_IO */
sl_rc sl_store_node_activate(struct sl_store *store, const char *id,
                             const uint8_t secret_hash[SL_TOKEN_HASH_SIZE],
                             const uint8_t token_hash[SL_TOKEN_HASH_SIZE], int64_t now_ms,
                             struct sl_err *err) SL_MUST_CHECK;
/** @retval SL_OK, SL_NOT_FOUND, SL_IO, SL_NO_MEMORY */
sl_rc sl_store_node_get(struct sl_store *store, const char *id, struct sl_store_node *ret_node,
                        struct sl_err *err) SL_MUST_CHECK;
/** Which active node has this name; "": none. @retval SL_OK, SL_IO */
sl_rc sl_store_node_name_find(struct sl_store *store, const char *name,
                              char ret_id[SL_NODE_ID_SIZE]) SL_MUST_CHECK;
/** Which node a TPM was, also where that node is removed by now.
 * @param[out] ret_is_allowed  an operator has allowed it to enrol once more
 * @retval SL_OK, SL_NOT_FOUND (never enrolled), SL_IO */
sl_rc sl_store_ek_find(struct sl_store *store, const uint8_t ek[SL_TOKEN_HASH_SIZE],
                       char ret_id[SL_NODE_ID_SIZE], bool *ret_is_allowed) SL_MUST_CHECK;
/** Lets the TPM of a node, active or removed, enrol once more; the new node replaces the old one.
 * @retval SL_OK, SL_NOT_FOUND, SL_IO */
sl_rc sl_store_ek_allow(struct sl_store *store, const char *id, struct sl_err *err) SL_MUST_CHECK;
/** Active nodes with an id above @p after, at most @p count, in order; ret of each call is the
 * callback's only for its time. @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_store_node_each(struct sl_store *store, const char *after, uint32_t count,
                         void (*each)(void *ctx, const struct sl_store_node *node), void *ctx,
                         struct sl_err *err) SL_MUST_CHECK;
/** Takes a node away with all that hangs on it. @retval SL_OK, SL_NOT_FOUND, SL_IO */
sl_rc sl_store_node_remove(struct sl_store *store, const char *id,
                           struct sl_err *err) SL_MUST_CHECK;
/** Whether @p token_hash is that of active node @p id. */
bool sl_store_node_token(struct sl_store *store, const char *id,
                         const uint8_t token_hash[SL_TOKEN_HASH_SIZE]);
uint64_t sl_store_node_count(struct sl_store *store);

/* ---- nonces ---- */

/** @retval SL_OK, SL_IO; expired nonces of the node and all but its last three are dropped */
sl_rc sl_store_nonce_add(struct sl_store *store, const char *node, const uint8_t nonce[32],
                         int64_t expires_ms, int64_t now_ms, struct sl_err *err) SL_MUST_CHECK;
/** Takes it: the same nonce is never found twice once the transaction is committed.
 * @retval SL_OK, SL_NOT_FOUND (never given to this node, or used), SL_STALE (too late), SL_IO */
sl_rc sl_store_nonce_take(struct sl_store *store, const char *node, const uint8_t nonce[32],
                          int64_t now_ms, struct sl_err *err) SL_MUST_CHECK;

/* ---- verdicts ---- */

/** Stores a subject's verdict. Subjects that a round does not name keep their old verdict and its
 * end. @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_store_verdict_set(struct sl_store *store, const char *node, uint64_t round,
                           int64_t judged_ms, int64_t lease_end_ms, const json_t *subject,
                           struct sl_err *err) SL_MUST_CHECK;
struct sl_store_verdict {
    const char *kind, *id, *verdict;
    uint64_t round;
    int64_t judged_ms, lease_end_ms;
    json_t *reasons;
};
/** @param[in] node  NULL: of all nodes. @retval SL_OK, SL_IO, SL_NO_MEMORY */
sl_rc sl_store_verdict_each(struct sl_store *store, const char *node,
                            void (*each)(void *ctx, const char *node,
                                         const struct sl_store_verdict *verdict),
                            void *ctx, struct sl_err *err) SL_MUST_CHECK;
/** What a round did not name is not trusted any more: trusted and degraded verdicts of an earlier
 * round become unknown; untrusted ones stay. @retval SL_OK, SL_IO */
sl_rc sl_store_verdicts_lapse(struct sl_store *store, const char *node, uint64_t round,
                              struct sl_err *err) SL_MUST_CHECK;
/** Ends a round: state, times, boot, policy. @retval SL_OK, SL_IO, SL_STATE (the node was removed
 * meanwhile) */
sl_rc sl_store_round_set(struct sl_store *store, const struct sl_store_node *node,
                         struct sl_err *err) SL_MUST_CHECK;

/* ---- actions that wait for the agent ---- */

sl_rc sl_store_action_add(struct sl_store *store, const char *node, const char *what,
                          const char *container, struct sl_err *err) SL_MUST_CHECK;
/** Takes all of a node's, in order. @return new array, or NULL: no memory, or disk */
json_t *sl_store_action_take(struct sl_store *store, const char *node);

/* ---- single values: the journal's head and the like ---- */

/** @retval SL_OK, SL_NOT_FOUND, SL_IO, SL_RANGE (does not fit) */
sl_rc sl_store_value_get(struct sl_store *store, const char *name, char *ret_text,
                         size_t size) SL_MUST_CHECK;
sl_rc sl_store_value_set(struct sl_store *store, const char *name, const char *text,
                         struct sl_err *err) SL_MUST_CHECK;

/* ---- tokens ---- */

struct sl_store_token {
    int64_t id;
    char name[SL_NODE_NAME_SIZE];
    enum sl_role role;
    int64_t created_ms, expires_ms; /**< 0: never */
};
/** @retval SL_OK, SL_EXISTS (its name), SL_IO */
sl_rc sl_store_token_add(struct sl_store *store, const struct sl_store_token *token,
                         const uint8_t hash[SL_TOKEN_HASH_SIZE], struct sl_err *err) SL_MUST_CHECK;
/** @retval SL_OK, SL_NOT_FOUND (unknown, revoked or expired), SL_IO */
sl_rc sl_store_token_find(struct sl_store *store, const uint8_t hash[SL_TOKEN_HASH_SIZE],
                          int64_t now_ms, struct sl_store_token *ret_token) SL_MUST_CHECK;
/** @retval SL_OK, SL_NOT_FOUND, SL_IO */
sl_rc sl_store_token_revoke(struct sl_store *store, int64_t id, struct sl_err *err) SL_MUST_CHECK;
sl_rc sl_store_token_each(struct sl_store *store,
                          void (*each)(void *ctx, const struct sl_store_token *token), void *ctx,
                          struct sl_err *err) SL_MUST_CHECK;

#endif
