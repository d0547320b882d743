/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a log by hand is found, and named. */
#include "log_rig.h"

static struct sl_audit_head rig_fill(struct rig *rig)
{
    struct sl_audit_head head;
    struct sl_audit *audit = rig_open(rig);
    for (int i = 1; i <= 6; i++) {
        rig_event(audit, i);
    }
    sl_audit_head(audit, &head);
    sl_audit_close(audit);
    rig_read(rig);
    assert_int_equal(rig->count, 7);
    return head;
}

static void test_audit_walk_file_whole_log_is_good(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    struct sl_audit_head head = rig_fill(&rig);
    struct rig_faults faults = rig_walk(&rig, &head, &walk);
    assert_int_equal(faults.count, 0);
    assert_int_equal(faults.lines, 7);
    assert_true(walk.is_known_met);
    assert_int_equal(walk.start.seq, 0);
    rig_remove(&rig);
}

static void test_audit_walk_file_changes_found(void **state)
{
    static const struct {
        const char *what;
        uint32_t indices[8];
        uint32_t count;
        uint32_t faults;
        enum sl_audit_fault fault;
        uint64_t number;
    } table[] = {
        {"line 3 removed", {0, 1, 3, 4, 5, 6}, 6, 1, SL_AUDIT_GAP, 3},
        {"three removed", {0, 4, 5, 6}, 4, 1, SL_AUDIT_GAP, 2},
        {"repeated", {0, 1, 2, 2, 3, 4, 5, 6}, 8, 1, SL_AUDIT_ORDER, 4},
        {"end cut", {0, 1, 2, 3, 4, 5}, 6, 1, SL_AUDIT_CUT, 0},
        {"two exchanged", {0, 1, 3, 2, 4, 5, 6}, 7, 3, SL_AUDIT_GAP, 3},
        {"all gone", {0}, 0, 1, SL_AUDIT_CUT, 0},
    };
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    struct sl_audit_head head = rig_fill(&rig);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        rig_write(&rig, table[i].indices, table[i].count);
        struct rig_faults faults = rig_walk(&rig, &head, &walk);
        if (faults.count != table[i].faults || faults.fault[0] != table[i].fault ||
            faults.number[0] != table[i].number) {
            fail_msg("%s: %u faults, first %s in line %llu", table[i].what, faults.count,
                     sl_audit_fault_name(faults.fault[0]), (unsigned long long)faults.number[0]);
        }
    }
    rig_remove(&rig);
}

static void test_audit_walk_file_beginning_removed_shows_in_start(void **state)
{
    static const uint32_t indices[] = {2, 3, 4, 5, 6};
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    struct sl_audit_head head = rig_fill(&rig);
    rig_write(&rig, indices, 5);
    assert_int_equal(rig_walk(&rig, &head, &walk).count, 0);
    assert_int_equal(walk.start.seq, 2); /* the caller says whether he has that file */
    rig_remove(&rig);
}

static void test_audit_walk_file_edited_line_found(void **state)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6};
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    struct sl_audit_head head = rig_fill(&rig);
    char *at = strstr(rig.line[3], "\"version\":3");
    assert_non_null(at);
    at[10] = '9';
    rig_write(&rig, all, 7);
    struct rig_faults faults = rig_walk(&rig, &head, &walk);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.fault[0], SL_AUDIT_EDITED);
    assert_int_equal(faults.number[0], 4);
    rig_remove(&rig);
}

/* Whoever can write the file can make a new chain; not one that ends in the known head. */
static void test_audit_walk_file_new_chain_is_not_the_known_one(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    struct sl_audit_head head = rig_fill(&rig);
    assert_int_equal(unlink(rig.path), 0);
    (void)rig_fill(&rig);
    struct rig_faults faults = rig_walk(&rig, &head, &walk);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.fault[0], SL_AUDIT_REWRITTEN);
    rig_remove(&rig);
}

static void test_audit_walk_file_foreign_bytes_found(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    char *text = malloc(3 * SL_AUDIT_LINE_MAX);
    assert_non_null(text);
    rig_make(&rig);
    memset(text, 'x', 3 * SL_AUDIT_LINE_MAX);
    text[2 * SL_AUDIT_LINE_MAX] = '\n';
    text[2 * SL_AUDIT_LINE_MAX + 5] = '\0';
    text[2 * SL_AUDIT_LINE_MAX + 9] = '\n';
    rig_put(&rig, text, 3 * SL_AUDIT_LINE_MAX);
    free(text);
    struct rig_faults faults = rig_walk(&rig, NULL, &walk);
    assert_int_equal(faults.count, 2);
    assert_int_equal(faults.fault[0], SL_AUDIT_BROKEN);
    assert_int_equal(faults.fault[1], SL_AUDIT_BROKEN);
    assert_int_equal(walk.torn_size, SL_AUDIT_LINE_MAX - 10);
    rig_remove(&rig);
}

static void test_audit_walk_file_directory_is_an_error(void **state)
{
    struct sl_audit_walk walk = {0};
    struct sl_err err = {0};
    FILE *file = fopen("/tmp", "r");
    assert_non_null(file);
    assert_rc(sl_audit_walk_file(&walk, file, "/tmp", &err), SL_IO);
    (void)fclose(file);
}

static void test_audit_fault_name_bad_value(void **state)
{
    assert_string_equal(sl_audit_fault_name(SL_AUDIT_GAP), "GAP");
    assert_string_equal(sl_audit_fault_name((enum sl_audit_fault)99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_walk_file_whole_log_is_good),
        cmocka_unit_test(test_audit_walk_file_changes_found),
        cmocka_unit_test(test_audit_walk_file_beginning_removed_shows_in_start),
        cmocka_unit_test(test_audit_walk_file_edited_line_found),
        cmocka_unit_test(test_audit_walk_file_new_chain_is_not_the_known_one),
        cmocka_unit_test(test_audit_walk_file_foreign_bytes_found),
        cmocka_unit_test(test_audit_walk_file_directory_is_an_error),
        cmocka_unit_test(test_audit_fault_name_bad_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
