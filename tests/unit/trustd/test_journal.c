/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs by their hashes, bounded; heads. */
#include "folder.h"

#include <unistd.h>

#include "trustd/journal.h"

static void test_journal_blob_put_and_get(void **state)
{
    char folder[40];
    char path[200];
    char name[SL_BLOB_NAME_SIZE];
    char *text = NULL;
    size_t size = 0;
    struct sl_journal *journal = NULL;
    struct sl_err err = {0};
    folder_make(folder, sizeof(folder));
    assert_ok(sl_journal_open(folder, NULL, 1 << 20, &journal, &err));
    assert_ok(sl_journal_blob_put(journal, "abc", 3, name, &err));
    assert_string_equal(name, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(sl_journal_blob_put(journal, "abc", 3, name, &err));
    assert_ok(sl_journal_blob_get(folder, name, &text, &size, &err));
    assert_string_equal(text, "abc");
    free(text);
    (void)snprintf(path, sizeof(path), "%s/blobs/%s", folder, name);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    (void)fputc('x', file);
    (void)fclose(file);
    assert_rc(sl_journal_blob_get(folder, name, &text, &size, &err), SL_MISMATCH);
    assert_int_equal(unlink(path), 0);
    assert_rc(sl_journal_blob_get(folder, name, &text, &size, &err), SL_NOT_FOUND);
    assert_rc(sl_journal_blob_get(folder, "../journal.log", &text, &size, &err), SL_NOT_FOUND);
    assert_rc(sl_journal_blob_get(folder, NULL, &text, &size, &err), SL_NOT_FOUND);
    sl_journal_close(journal);
    folder_remove(folder);
}

static void test_journal_blobs_stay_bounded(void **state)
{
    char folder[40];
    char first[SL_BLOB_NAME_SIZE];
    char name[SL_BLOB_NAME_SIZE];
    char *text = NULL;
    size_t size = 0;
    struct sl_journal *journal = NULL;
    struct sl_err err = {0};
    char data[1000] = "0";
    folder_make(folder, sizeof(folder));
    assert_ok(sl_journal_open(folder, NULL, 10000, &journal, &err));
    assert_ok(sl_journal_blob_put(journal, data, sizeof(data), first, &err));
    for (int i = 1; i < 40; i++) {
        (void)usleep(2000);
        (void)snprintf(data, sizeof(data), "%d", i);
        assert_ok(sl_journal_blob_put(journal, data, sizeof(data), name, &err));
    }
    assert_rc(sl_journal_blob_get(folder, first, &text, &size, &err), SL_NOT_FOUND);
    assert_ok(sl_journal_blob_get(folder, name, &text, &size, &err));
    free(text);
    sl_journal_close(journal);
    folder_remove(folder);
}

static void test_journal_head_round_trip(void **state)
{
    char text[SL_HEAD_TEXT_SIZE];
    struct sl_audit_head head = {.seq = 77, .hash = {1, 2, 3}};
    struct sl_audit_head again;
    sl_journal_head_write(&head, text);
    assert_ok(sl_journal_head_read(text, &again));
    assert_int_equal(again.seq, 77);
    assert_memory_equal(again.hash, head.hash, sizeof(head.hash));
    assert_rc(sl_journal_head_read("", &again), SL_MALFORMED);
    assert_rc(sl_journal_head_read("7", &again), SL_MALFORMED);
    assert_rc(sl_journal_head_read("7:00", &again), SL_MALFORMED);
}

static void test_journal_open_cut_log_refused(void **state)
{
    char folder[40];
    struct sl_journal *journal = NULL;
    struct sl_err err = {0};
    struct sl_audit_head head;
    char **paths;
    size_t count;
    folder_make(folder, sizeof(folder));
    assert_rc(sl_journal_files(folder, &paths, &count, &err), SL_NOT_FOUND);
    assert_ok(sl_journal_open(folder, NULL, 1 << 20, &journal, &err));
    sl_journal_head(journal, &head);
    sl_journal_close(journal);
    head.seq += 5;
    assert_rc(sl_journal_open(folder, &head, 1 << 20, &journal, &err), SL_MISMATCH);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_blob_put_and_get),
        cmocka_unit_test(test_journal_blobs_stay_bounded),
        cmocka_unit_test(test_journal_head_round_trip),
        cmocka_unit_test(test_journal_open_cut_log_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
