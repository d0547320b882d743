/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: bounds, faults, and that a failed write leaves what was there. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "files/files.h"

static char g_folder[32];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(g_folder, sizeof(g_folder), "/tmp/sl-files-XXXXXX");
    return mkdtemp(g_folder) != NULL ? 0 : -1;
}

static const char *in_folder(const char *name)
{
    static char path[64];
    (void)snprintf(path, sizeof(path), "%s/%s", g_folder, name);
    return path;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(in_folder("a"));
    return rmdir(g_folder);
}

static void test_file_read_gives_what_write_put(void **state)
{
    (void)state;
    static uint8_t out[200000];
    uint8_t *in = NULL;
    size_t size = 0;
    struct stat st;
    struct sl_err err = {0};
    for (size_t i = 0; i < sizeof(out); i++) {
        out[i] = (uint8_t)(i * 7 + i / 251);
    }
    assert_ok(sl_file_write(in_folder("a"), 0600, "old", 3, &err));
    assert_ok(sl_file_write(in_folder("a"), 0600, out, sizeof(out), &err));
    assert_int_equal(stat(in_folder("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_ok(sl_file_read(in_folder("a"), sizeof(out), &in, &size, &err));
    assert_int_equal(size, sizeof(out));
    assert_memory_equal(in, out, size);
    assert_int_equal(in[size], 0);
    free(in);
}

static void test_file_read_longer_is_refused(void **state)
{
    (void)state;
    uint8_t *in = NULL;
    size_t size = 0;
    struct sl_err err = {0};
    assert_ok(sl_file_write(in_folder("a"), 0600, "12345", 5, &err));
    assert_rc(sl_file_read(in_folder("a"), 4, &in, &size, &err), SL_RANGE);
    assert_non_null(strstr(err.text, "longer than the 4 bytes"));
    assert_null(in);
}

static void test_file_read_names_the_path_it_cannot_read(void **state)
{
    (void)state;
    uint8_t *in = NULL;
    size_t size = 0;
    struct sl_err err = {0};
    assert_rc(sl_file_read(in_folder("none"), 4, &in, &size, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "/none: No such file"));
    assert_rc(sl_file_read(g_folder, 4, &in, &size, &err), SL_IO);
    assert_non_null(strstr(err.text, g_folder));
}

static void test_file_write_failed_leaves_the_old(void **state)
{
    (void)state;
    char path[5000];
    struct sl_err err = {0};
    assert_rc(sl_file_write(in_folder("none/a"), 0600, "x", 1, &err), SL_IO);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_rc(sl_file_write(path, 0600, "x", 1, &err), SL_RANGE);
    /* a folder stands in the way of the rename: the temporary file goes away again */
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    assert_rc(sl_file_write(in_folder("d"), 0600, "x", 1, &err), SL_IO);
    assert_int_equal(rmdir(in_folder("d")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_read_gives_what_write_put),
        cmocka_unit_test(test_file_read_longer_is_refused),
        cmocka_unit_test(test_file_read_names_the_path_it_cannot_read),
        cmocka_unit_test(test_file_write_failed_leaves_the_old),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
