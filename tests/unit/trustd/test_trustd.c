/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and reloading: what was never told is voided, what is loaded is whole or not loaded. */
#include "folder.h"

#include "audit/walk.h"
#include "trustd/api.h"
#include "trustd_backend.h"

static char folder[40];
static struct sl_trustd_config config;
static struct sl_err err;

static void file_put(const char *name, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    char command[100];
    folder_make(folder, sizeof(folder));
    (void)snprintf(command, sizeof(command), "mkdir %s/policies", folder);
    assert_int_equal(system(command), 0);
    config = (struct sl_trustd_config){.verifier_seconds = 1,
                                       .rate_per_minute = 60,
                                       .pending_max = 4,
                                       .workers = 2,
                                       .journal_bytes_max = 1 << 20};
    (void)snprintf(config.state_dir, sizeof(config.state_dir), "%s/state", folder);
    (void)snprintf(config.policy_dir, sizeof(config.policy_dir), "%s/policies", folder);
    file_put("policies/worker.yaml", "lease_ms: 900");
    return 0;
}

static int teardown(void **state)
{
    folder_remove(folder);
    return 0;
}

static void count_event(void *ctx, const char *file, uint64_t number, const json_t *root)
{
    const char **wanted = ctx;
    const json_t *detail = json_object_get(root, "detail");
    if (strcmp(json_string_value(json_object_get(root, "event")), wanted[0]) == 0) {
        json_t *round = json_object_get(detail, "round");
        wanted[1] = json_integer_value(round) == 7 ? "7" : "other";
    }
}

/* The last round of the last line of an event; NULL: no such line. */
static const char *event_find(const char *event)
{
    char path[200];
    const char *wanted[2] = {event, NULL};
    struct sl_audit_walk walk = {.ctx = (void *)wanted, .on_line = count_event};
    (void)snprintf(path, sizeof(path), "%s/state/journal/journal.log", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_ok(sl_audit_walk_file(&walk, file, path, &err));
    (void)fclose(file);
    return wanted[1];
}

/* The crash between both writes, at its exact place: a verdict's line that no commit followed. */
static void test_trustd_open_untold_verdict_is_voided(void **state)
{
    static struct sl_trustd trustd;
    assert_ok(sl_trustd_open(&config, &test_backend, &trustd, &err));
    assert_null(event_find("verdict_void"));
    assert_ok(sl_journal_write(
        trustd.journal, SL_AUDIT_VERDICT, SL_AUDIT_DONE,
        json_pack("{s:s, s:i, s:s}", "node", "0123456789abcdef", "round", 7, "verdict", "trusted"),
        &err));
    sl_trustd_close(&trustd);
    assert_ok(sl_trustd_open(&config, &test_backend, &trustd, &err));
    assert_string_equal(event_find("verdict_void"), "7");
    sl_trustd_close(&trustd);
    /* once: the store knows the journal's end again */
    char path[200];
    char line[4096];
    unsigned voids = 0;
    assert_ok(sl_trustd_open(&config, &test_backend, &trustd, &err));
    sl_trustd_close(&trustd);
    (void)snprintf(path, sizeof(path), "%s/state/journal/journal.log", folder);
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof(line), file) != NULL) {
        voids += strstr(line, "verdict_void") != NULL;
    }
    (void)fclose(file);
    assert_int_equal(voids, 1);
}

static void test_trustd_open_bad_policy_is_refused(void **state)
{
    static struct sl_trustd trustd;
    file_put("policies/bad.yaml", "nonsense");
    assert_rc(sl_trustd_open(&config, &test_backend, &trustd, &err), SL_MALFORMED);
    assert_non_null(strstr(err.text, "bad.yaml"));
    file_put("policies/bad.yaml", "lease_ms: 900");
    file_put("policies/a name.yaml", "lease_ms: 900");
    assert_rc(sl_trustd_open(&config, &test_backend, &trustd, &err), SL_INVALID);
}

static void test_trustd_reload_whole_or_not_at_all(void **state)
{
    static struct sl_trustd trustd;
    json_t *changes = NULL;
    bool is_refvals = true;
    assert_ok(sl_trustd_open(&config, &test_backend, &trustd, &err));
    struct sl_material *first = trustd.material;
    assert_null(sl_material_find(first, "new"));
    assert_ok(sl_trustd_reload(&trustd, "a test", &changes, &is_refvals, &err));
    assert_int_equal(json_array_size(changes), 0);
    assert_false(is_refvals);
    json_decref(changes);
    struct sl_material *second = sl_material_ref(trustd.material);
    file_put("policies/new.yaml", "lease_ms: 1");
    file_put("policies/worker.yaml", "nonsense");
    assert_rc(sl_trustd_reload(&trustd, "a test", &changes, &is_refvals, &err), SL_MALFORMED);
    assert_ptr_equal(trustd.material, second);
    assert_null(sl_material_find(trustd.material, "new"));
    file_put("policies/worker.yaml", "lease_ms: 800");
    assert_ok(sl_trustd_reload(&trustd, "a test", &changes, &is_refvals, &err));
    assert_int_equal(json_array_size(changes), 2);
    json_decref(changes);
    assert_non_null(sl_material_find(trustd.material, "new"));
    /* a round that began before still has what it began with */
    assert_string_equal(sl_material_find(second, "worker")->text, "lease_ms: 900");
    sl_material_unref(second);
    trustd.is_reloading = true;
    assert_rc(sl_trustd_reload(&trustd, "a test", NULL, &is_refvals, &err), SL_EXISTS);
    sl_trustd_close(&trustd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trustd_open_untold_verdict_is_voided, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trustd_open_bad_policy_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trustd_reload_whole_or_not_at_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
