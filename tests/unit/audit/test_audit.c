/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: order, repeats, rotation, what a crash leaves, full disks. */
#include "log_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void test_audit_write_appends_over_restarts(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    struct stat stat_of;
    rig_make(&rig);
    struct sl_audit *audit = rig_open(&rig);
    rig_event(audit, 1);
    sl_audit_close(audit);
    audit = rig_open(&rig);
    rig_event(audit, 2);
    sl_audit_close(audit);
    assert_int_equal(rig_walk(&rig, NULL, &walk).count, 0);
    assert_int_equal(walk.lines, 4);
    assert_int_equal(stat(rig.path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    rig_remove(&rig);
}

static void test_audit_open_second_writer_refused(void **state)
{
    struct rig rig;
    struct sl_audit *second = NULL;
    struct sl_err err = {0};
    rig_make(&rig);
    const struct sl_audit_options options = {.path = rig.path};
    struct sl_audit *audit = rig_open(&rig);
    assert_rc(sl_audit_open(&options, &second, &err), SL_EXISTS);
    sl_audit_close(audit);
    rig_remove(&rig);
}

static void test_audit_write_repeats_are_counted(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    struct sl_audit *audit = rig_open(&rig);
    for (int i = 0; i < 1000; i++) {
        rig_event(audit, 1);
    }
    rig_event(audit, 2);
    rig_event(audit, 2);
    sl_audit_close(audit);
    rig_read(&rig);
    assert_int_equal(rig.count, 5); /* open, 1, repeated 999, 2, repeated 1 */
    assert_non_null(strstr(rig.line[2], "\"count\":999"));
    assert_non_null(strstr(rig.line[4], "\"count\":1"));
    assert_int_equal(rig_walk(&rig, NULL, &walk).count, 0);
    rig_remove(&rig);
}

/* For each place where a crash can cut the last line. */
static void test_audit_open_torn_line_is_told(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    char copy[RIG_TEXT];
    rig_make(&rig);
    struct sl_audit *audit = rig_open(&rig);
    rig_event(audit, 1);
    rig_event(audit, 2);
    sl_audit_close(audit);
    rig_read(&rig);
    size_t size = rig.size;
    size_t last = (size_t)(rig.line[2] - rig.text);
    for (uint32_t i = 0; i < rig.count; i++) {
        rig.line[i][strlen(rig.line[i])] = '\n';
    }
    memcpy(copy, rig.text, size);
    for (size_t cut = last + 1; cut < size; cut += 37) {
        rig_put(&rig, copy, cut);
        audit = rig_open(&rig);
        rig_event(audit, 3);
        sl_audit_close(audit);
        rig_read(&rig);
        assert_int_equal(rig.count, 5); /* open, 1, torn, open, 3 */
        assert_non_null(strstr(rig.line[2], "\"event\":\"log_torn\",\"outcome\":\"lost\""));
        assert_int_equal(rig_walk(&rig, NULL, &walk).count, 0);
    }
    rig_remove(&rig);
}

static void test_audit_open_changed_log_refused(void **state)
{
    static const uint32_t without[] = {0, 2};
    struct rig rig;
    struct sl_audit *audit = rig_open((rig_make(&rig), &rig));
    struct sl_err err = {0};
    const struct sl_audit_options options = {.path = rig.path};
    rig_event(audit, 1);
    rig_event(audit, 2);
    sl_audit_close(audit);
    rig_read(&rig);
    rig_write(&rig, without, 2);
    assert_rc(sl_audit_open(&options, &audit, &err), SL_MISMATCH);
    assert_non_null(strstr(err.text, "line 2"));
    assert_non_null(strstr(err.text, "safelib audit verify"));
    rig_remove(&rig);
}

static void test_audit_open_known_head(void **state)
{
    static const uint32_t most[] = {0, 1};
    struct rig rig;
    struct sl_audit_head head;
    struct sl_audit_walk walk;
    struct sl_err err = {0};
    rig_make(&rig);
    struct sl_audit *audit = rig_open(&rig);
    rig_event(audit, 1);
    rig_event(audit, 2);
    sl_audit_head(audit, &head);
    sl_audit_close(audit);
    const struct sl_audit_options options = {.path = rig.path, .known = &head};
    assert_ok(sl_audit_open(&options, &audit, &err));
    sl_audit_close(audit);
    rig_read(&rig);
    rig_write(&rig, most, 2);
    assert_rc(sl_audit_open(&options, &audit, &err), SL_MISMATCH); /* the end was cut off */
    assert_int_equal(unlink(rig.path), 0);
    assert_ok(sl_audit_open(&options, &audit, &err)); /* all is gone: the next one says so */
    rig_event(audit, 3);
    sl_audit_close(audit);
    assert_int_equal(rig_walk(&rig, &head, &walk).count, 1); /* the known line is not there */
    assert_int_equal(walk.start.seq, head.seq);
    assert_memory_equal(walk.start.hash, head.hash, sizeof(head.hash));
    rig_remove(&rig);
}

static void test_audit_write_rotation_keeps_the_chain(void **state)
{
    struct rig rig;
    struct sl_err err = {0};
    struct sl_audit *audit = NULL;
    rig_make(&rig);
    const struct sl_audit_options options = {.path = rig.path, .size_max = 2000};
    assert_ok(sl_audit_open(&options, &audit, &err));
    for (int i = 0; i < 40; i++) {
        rig_event(audit, i);
    }
    struct sl_audit_head head;
    sl_audit_head(audit, &head);
    sl_audit_close(audit);
    /* the shell sorts them by their numbers: each goes on where the one before ends */
    char command[200];
    char path[100];
    (void)snprintf(command, sizeof(command), "ls %s.* %s", rig.path, rig.path);
    FILE *list = popen(command, "r");
    struct sl_audit_walk walk = {.known = &head};
    uint32_t files = 0;
    while (fgets(path, sizeof(path), list) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        if (strcmp(path, rig.path) == 0) {
            continue; /* ls puts it first */
        }
        FILE *file = fopen(path, "r");
        assert_ok(sl_audit_walk_file(&walk, file, path, &err));
        (void)fclose(file);
        files++;
    }
    (void)pclose(list);
    FILE *file = fopen(rig.path, "r");
    assert_ok(sl_audit_walk_file(&walk, file, rig.path, &err));
    (void)fclose(file);
    sl_audit_walk_end(&walk, rig.path);
    assert_int_equal(walk.faults, 0);
    assert_int_equal(walk.start.seq, 0);
    assert_int_equal(walk.head.seq, head.seq);
    assert_true(files >= 3);
    /* a crash between renaming and making the new file */
    assert_int_equal(unlink(rig.path), 0);
    assert_ok(sl_audit_open(&options, &audit, &err));
    sl_audit_close(audit);
    rig_read(&rig);
    assert_non_null(strstr(rig.line[0], "continues_after_seq"));
    rig_remove(&rig);
}

static void test_audit_write_full_disk_is_told_and_leaves_no_half_line(void **state)
{
    struct rig rig;
    struct sl_err err = {0};
    struct sl_audit_walk walk;
    struct rlimit old;
    rig_make(&rig);
    struct sl_audit *audit = rig_open(&rig);
    rig_event(audit, 1);
    struct stat before;
    assert_int_equal(stat(rig.path, &before), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct rlimit narrow = {(rlim_t)before.st_size + 100, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    assert_rc(
        sl_audit_write(audit, SL_AUDIT_POLICY, SL_AUDIT_DONE, json_pack("{s:i}", "v", 2), &err),
        SL_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(sl_audit_failures(audit), 1);
    rig_event(audit, 3);
    sl_audit_close(audit);
    struct rig_faults faults = rig_walk(&rig, NULL, &walk);
    assert_int_equal(faults.count, 0);
    assert_int_equal(walk.lines, 3);
    assert_int_equal(walk.torn_size, 0);
    rig_remove(&rig);
}

/* A writer that is killed at any moment leaves a log that opens and verifies. */
static void test_audit_open_after_kill(void **state)
{
    struct rig rig;
    struct sl_audit_walk walk;
    rig_make(&rig);
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct sl_audit *audit = rig_open(&rig);
            for (int i = 0;; i++) {
                rig_event(audit, i);
            }
        }
        (void)usleep((useconds_t)(2000 + 1700 * round));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        sl_audit_close(rig_open(&rig));
        assert_int_equal(rig_walk(&rig, NULL, &walk).count, 0);
        assert_int_equal(walk.torn_size, 0);
    }
    rig_remove(&rig);
}

static void test_audit_write_bad_arguments(void **state)
{
    struct rig rig;
    struct sl_err err = {0};
    struct sl_audit_head head;
    struct sl_audit *audit = NULL;
    rig_make(&rig);
    assert_ok(sl_audit_write(NULL, SL_AUDIT_POLICY, SL_AUDIT_DONE, json_object(), &err));
    sl_audit_head(NULL, &head);
    assert_int_equal(head.seq, 0);
    assert_int_equal(sl_audit_failures(NULL), 0);
    sl_audit_close(NULL);
    audit = rig_open(&rig);
    assert_rc(sl_audit_write(audit, SL_AUDIT_POLICY, SL_AUDIT_DONE, json_array(), &err),
              SL_INVALID);
    assert_ok(sl_audit_write(audit, SL_AUDIT_KEYS, SL_AUDIT_DONE, NULL, &err));
    sl_audit_close(audit);
    const struct sl_audit_options folder = {.path = rig.folder};
    assert_rc(sl_audit_open(&folder, &audit, &err), SL_IO);
    const struct sl_audit_options nowhere = {.path = "/nowhere/audit.log"};
    assert_rc(sl_audit_open(&nowhere, &audit, &err), SL_IO);
    assert_non_null(strstr(err.text, "/nowhere/audit.log"));
    rig_remove(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_write_appends_over_restarts),
        cmocka_unit_test(test_audit_open_second_writer_refused),
        cmocka_unit_test(test_audit_write_repeats_are_counted),
        cmocka_unit_test(test_audit_open_torn_line_is_told),
        cmocka_unit_test(test_audit_open_changed_log_refused),
        cmocka_unit_test(test_audit_open_known_head),
        cmocka_unit_test(test_audit_write_rotation_keeps_the_chain),
        cmocka_unit_test(test_audit_write_full_disk_is_told_and_leaves_no_half_line),
        cmocka_unit_test(test_audit_open_after_kill),
        cmocka_unit_test(test_audit_write_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
