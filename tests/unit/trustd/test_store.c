/* SPDX-License-Identifier: Apache-2.0 */
/* The store: nodes, nonces, tokens; what is not committed never happened. */
#include "folder.h"

#include "trustd/store.h"

static char folder[40];
static struct sl_store *store;
static struct sl_err err;

static int setup(void **state)
{
    char path[60];
    folder_make(folder, sizeof(folder));
    (void)snprintf(path, sizeof(path), "%s/a.db", folder);
    assert_ok(sl_store_open(path, &store, &err));
    return 0;
}

static int teardown(void **state)
{
    sl_store_close(store);
    folder_remove(folder);
    return 0;
}

static sl_rc node_add(const char *id, const char *name, uint32_t pending_max, int64_t now_ms)
{
    uint8_t secret[SL_TOKEN_HASH_SIZE] = {7};
    struct sl_store_node node = {.expires_ms = now_ms + 1000};
    (void)snprintf(node.id, sizeof(node.id), "%s", id);
    (void)snprintf(node.name, sizeof(node.name), "%s", name);
    node.registration = json_pack("{s:s}", "name", name);
    sl_rc rc = sl_store_node_add(store, &node, secret, pending_max, now_ms, &err);
    json_decref(node.registration);
    return rc;
}

static void test_store_node_life(void **state)
{
    const uint8_t right[SL_TOKEN_HASH_SIZE] = {7};
    const uint8_t wrong[SL_TOKEN_HASH_SIZE] = {8};
    const uint8_t token[SL_TOKEN_HASH_SIZE] = {9};
    struct sl_store_node node;
    assert_ok(node_add("a", "first", 3, 1000));
    assert_ok(node_add("b", "first", 3, 1000));
    assert_ok(node_add("c", "third", 3, 1000));
    assert_rc(node_add("d", "fourth", 3, 1000), SL_NO_SPACE);
    assert_int_equal(sl_store_node_count(store), 0);
    assert_ok(sl_store_node_activate(store, "a", right, token, 1500, &err));
    assert_rc(sl_store_node_activate(store, "a", right, token, 1500, &err), SL_STATE);
    assert_rc(sl_store_node_activate(store, "b", right, wrong, 1500, &err), SL_EXISTS);
    assert_rc(sl_store_node_activate(store, "c", wrong, token, 1500, &err), SL_AUTH);
    assert_rc(sl_store_node_activate(store, "c", right, token, 1500, &err), SL_NOT_FOUND);
    assert_rc(sl_store_node_activate(store, "b", right, token, 2000, &err), SL_NOT_FOUND);
    assert_true(sl_store_node_token(store, "a", token));
    assert_false(sl_store_node_token(store, "a", wrong));
    assert_false(sl_store_node_token(store, "b", token));
    char named[SL_NODE_ID_SIZE];
    assert_ok(sl_store_node_name_find(store, "first", named));
    assert_string_equal(named, "a");
    assert_ok(sl_store_node_get(store, "a", &node, &err));
    assert_true(node.is_active);
    assert_int_equal(node.judged_ms, 0);
    sl_store_node_done(&node);
    assert_ok(sl_store_node_remove(store, "a", &err));
    assert_rc(sl_store_node_remove(store, "a", &err), SL_NOT_FOUND);
    assert_rc(sl_store_node_get(store, "a", &node, &err), SL_NOT_FOUND);
}

static void test_store_nonce_serves_once(void **state)
{
    uint8_t nonce[32] = {1};
    assert_ok(node_add("a", "first", 3, 1000));
    assert_ok(node_add("b", "second", 3, 1000));
    assert_ok(sl_store_nonce_add(store, "a", nonce, 2000, 1000, &err));
    assert_rc(sl_store_nonce_take(store, "b", nonce, 1000, &err), SL_NOT_FOUND);
    assert_ok(sl_store_begin(store, &err));
    assert_ok(sl_store_nonce_take(store, "a", nonce, 1000, &err));
    sl_store_rollback(store);
    assert_ok(sl_store_nonce_take(store, "a", nonce, 1000, &err));
    assert_rc(sl_store_nonce_take(store, "a", nonce, 1000, &err), SL_NOT_FOUND);
    assert_ok(sl_store_nonce_add(store, "a", nonce, 2000, 1000, &err));
    assert_rc(sl_store_nonce_take(store, "a", nonce, 2000, &err), SL_STALE);
    for (uint8_t i = 10; i < 20; i++) {
        nonce[0] = i;
        assert_ok(sl_store_nonce_add(store, "a", nonce, 3000 + i, 1000, &err));
    }
    nonce[0] = 10; /* only the last three are kept */
    assert_rc(sl_store_nonce_take(store, "a", nonce, 1000, &err), SL_NOT_FOUND);
    nonce[0] = 17;
    assert_ok(sl_store_nonce_take(store, "a", nonce, 1000, &err));
}

static void test_store_tokens(void **state)
{
    const uint8_t hash[SL_TOKEN_HASH_SIZE] = {1};
    struct sl_store_token token = {.name = "me", .role = SL_ROLE_VIEWER, .expires_ms = 500};
    struct sl_store_token found;
    assert_ok(sl_store_token_add(store, &token, hash, &err));
    assert_rc(sl_store_token_add(store, &token, hash, &err), SL_EXISTS);
    assert_ok(sl_store_token_find(store, hash, 499, &found));
    assert_int_equal(found.role, SL_ROLE_VIEWER);
    assert_rc(sl_store_token_find(store, hash, 500, &found), SL_NOT_FOUND);
    assert_ok(sl_store_token_revoke(store, found.id, &err));
    assert_rc(sl_store_token_revoke(store, found.id, &err), SL_NOT_FOUND);
    assert_rc(sl_store_token_find(store, hash, 0, &found), SL_NOT_FOUND);
}

static void test_store_values(void **state)
{
    char text[8];
    assert_rc(sl_store_value_get(store, "a", text, sizeof(text)), SL_NOT_FOUND);
    assert_ok(sl_store_value_set(store, "a", "1", &err));
    assert_ok(sl_store_value_set(store, "a", "2", &err));
    assert_ok(sl_store_value_get(store, "a", text, sizeof(text)));
    assert_string_equal(text, "2");
    assert_ok(sl_store_value_set(store, "a", "12345678", &err));
    assert_rc(sl_store_value_get(store, "a", text, sizeof(text)), SL_RANGE);
}

static void test_store_open_refused(void **state)
{
    struct sl_store *other = NULL;
    char command[200];
    char path[60];
    assert_rc(sl_store_open("/nowhere/a.db", &other, &err), SL_IO);
    (void)snprintf(path, sizeof(path), "%s/a.db", folder);
    sl_store_close(store);
    (void)snprintf(command, sizeof(command),
                   "python3 -c \"import sqlite3; c = sqlite3.connect('%s')"
                   "; c.execute('PRAGMA user_version = 99')\"",
                   path);
    assert_int_equal(system(command), 0);
    store = NULL;
    assert_rc(sl_store_open(path, &other, &err), SL_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_node_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_nonce_serves_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_open_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
