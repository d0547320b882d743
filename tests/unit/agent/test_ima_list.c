/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "agent/ima_list.h"

enum { ENTRY = 4 + 20 + 4 + 6 + 4 + 4 + 40 + 4 + 2 };
#define BOOT "00000000-0000-0000-0000-000000000001"

static uint8_t all[64 * ENTRY];

static void le32_put(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Entries of template ima-ng that differ in their digest. */
static void entries_make(void)
{
    for (unsigned i = 0; i < 64; i++) {
        uint8_t *at = all + i * ENTRY;
        le32_put(at, 10);
        at[4] = (uint8_t)(i + 1); /* nobody checks the template hash here */
        le32_put(at + 24, 6);
        memcpy(at + 28, "ima-ng", 6);
        le32_put(at + 34, ENTRY - 38);
        le32_put(at + 38, 40);
        memcpy(at + 42, "sha256:", 8);
        at[50] = (uint8_t)i;
        le32_put(at + 82, 2);
        memcpy(at + 86, "p", 2);
    }
}

static void list_open(struct sl_agent_ima *list)
{
    char source[256];
    (void)snprintf(source, sizeof(source), "%s", scratch_path("list"));
    assert_ok(sl_agent_ima_open(source, scratch, BOOT, list, NULL));
}

static void list_is(struct sl_agent_ima *list, size_t count)
{
    size_t size;
    struct sl_err err = {0};
    assert_ok(sl_agent_ima_poll(list, &err));
    assert_int_equal(list->count, count);
    const uint8_t *data = sl_agent_ima_from(list, 0, &size);
    assert_int_equal(size, count * ENTRY);
    assert_memory_equal(data, all, size);
}

static void append(size_t from, size_t size)
{
    FILE *file = fopen(scratch_path("list"), "a");
    assert_non_null(file);
    assert_int_equal(fwrite(all + from, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_grows_and_is_found_again(void **state)
{
    struct sl_agent_ima list;
    size_t size;
    (void)state;
    (void)scratch_put("list", all, 3 * ENTRY);
    (void)scratch_text("ima-of-an-older-boot", "x");
    list_open(&list);
    assert_int_not_equal(access(scratch_path("ima-of-an-older-boot"), F_OK), 0);
    list_is(&list, 3);
    append((size_t)3 * ENTRY, ENTRY + 5); /* the fifth is not whole yet */
    list_is(&list, 4);
    append((size_t)4 * ENTRY + 5, ENTRY - 5);
    list_is(&list, 5);
    assert_memory_equal(sl_agent_ima_from(&list, 4, &size), all + 4 * ENTRY, ENTRY);
    assert_int_equal(size, ENTRY);
    assert_non_null(sl_agent_ima_from(&list, 5, &size));
    assert_int_equal(size, 0);
    assert_null(sl_agent_ima_from(&list, 6, &size));
    sl_agent_ima_close(&list);
    list_open(&list); /* a restart */
    assert_int_equal(list.count, 5);
    list_is(&list, 5);
    assert_false(list.has_gap);
    sl_agent_ima_close(&list);
}

static void test_pieces_are_whole_entries(void **state)
{
    struct sl_agent_ima list;
    (void)state;
    (void)scratch_put("list", all, (size_t)8 * ENTRY);
    list_open(&list);
    list_is(&list, 8);
    assert_int_equal(sl_agent_ima_piece(&list, 0, 8 * ENTRY), 8 * ENTRY);
    assert_int_equal(sl_agent_ima_piece(&list, 0, SIZE_MAX), 8 * ENTRY);
    assert_int_equal(sl_agent_ima_piece(&list, 0, 8 * ENTRY - 1), 7 * ENTRY);
    assert_int_equal(sl_agent_ima_piece(&list, 3, 2 * ENTRY), 2 * ENTRY);
    assert_int_equal(sl_agent_ima_piece(&list, 3, 2 * ENTRY + 1), 2 * ENTRY);
    assert_int_equal(sl_agent_ima_piece(&list, 7, 1), ENTRY); /* one at least: else no end */
    assert_int_equal(sl_agent_ima_piece(&list, 8, SIZE_MAX), 0);
    sl_agent_ima_close(&list);
}

static void test_trimmed(void **state)
{
    struct sl_agent_ima list;
    (void)state;
    (void)scratch_put("list", all, (size_t)8 * ENTRY);
    list_open(&list);
    list_is(&list, 8);
    (void)scratch_put("list", all + 6 * ENTRY, (size_t)3 * ENTRY); /* while open, then grows */
    list_is(&list, 9);
    assert_false(list.has_gap);
    append((size_t)9 * ENTRY, ENTRY);
    list_is(&list, 10);
    sl_agent_ima_close(&list);
    (void)scratch_put("list", all + 9 * ENTRY, (size_t)4 * ENTRY); /* while we were away */
    list_open(&list);
    list_is(&list, 13);
    assert_false(list.has_gap);
    sl_agent_ima_close(&list);
}

static void test_gap_is_seen(void **state)
{
    struct sl_agent_ima list;
    (void)state;
    (void)scratch_put("list", all, (size_t)2 * ENTRY);
    list_open(&list);
    assert_ok(sl_agent_ima_poll(&list, NULL));
    sl_agent_ima_close(&list);
    (void)scratch_put("list", all + 30 * ENTRY, (size_t)2 * ENTRY);
    list_open(&list);
    assert_ok(sl_agent_ima_poll(&list, NULL));
    assert_true(list.has_gap);
    sl_agent_ima_close(&list);
}

static void test_failures(void **state)
{
    struct sl_agent_ima list;
    struct sl_err err = {0};
    uint8_t bad[64];
    (void)state;
    assert_rc(sl_agent_ima_open("/nowhere", "/nowhere", BOOT, &list, &err), SL_IO);
    sl_agent_ima_close(&list);
    assert_ok(sl_agent_ima_open("/nowhere", scratch, BOOT, &list, &err));
    assert_rc(sl_agent_ima_poll(&list, &err), SL_IO);
    sl_agent_ima_close(&list);
    memset(bad, 0xff, sizeof(bad));
    (void)scratch_put("list", bad, sizeof(bad));
    list_open(&list);
    assert_rc(sl_agent_ima_poll(&list, &err), SL_MALFORMED);
    sl_agent_ima_close(&list);
}

static int fresh(void **state)
{
    entries_make();
    return scratch_make(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_grows_and_is_found_again, fresh, scratch_remove),
        cmocka_unit_test_setup_teardown(test_pieces_are_whole_entries, fresh, scratch_remove),
        cmocka_unit_test_setup_teardown(test_trimmed, fresh, scratch_remove),
        cmocka_unit_test_setup_teardown(test_gap_is_seen, fresh, scratch_remove),
        cmocka_unit_test_setup_teardown(test_failures, fresh, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
