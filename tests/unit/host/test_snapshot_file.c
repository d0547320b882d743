/* SPDX-License-Identifier: Apache-2.0 */
/* The host's file of a snapshot: kept whole or not at all, given back as it was. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/snapshot_file.h"

static char folder[] = "/tmp/sl-snapshot-XXXXXX";
static char state_path[64];
static uint8_t frame[SL_SNAPSHOT_FRAME_HEADER + SL_SNAPSHOT_CHUNK_MAX];
static uint8_t answer[SL_SNAPSHOT_FRAME_HEADER + SL_SNAPSHOT_CHUNK_MAX];
static uint32_t complaints;

static void log_line(const char *line)
{
    assert_non_null(strstr(line, "was not kept"));
    complaints++;
}

static uint32_t ask(struct sl_snapshot_file *file, uint8_t what, uint32_t index, uint8_t fill,
                    uint32_t size)
{
    frame[0] = what;
    sl_be32_put(frame + 1, index);
    memset(frame + SL_SNAPSHOT_FRAME_HEADER, fill, size);
    memset(answer, 0xaa, sizeof(answer));
    return sl_snapshot_file_serve(file, frame, SL_SNAPSHOT_FRAME_HEADER + size, answer);
}

static sl_rc end(struct sl_snapshot_file *file, uint32_t count)
{
    assert_int_equal(ask(file, SL_SNAPSHOT_END, count, 0, 0), SL_SNAPSHOT_FRAME_HEADER + 2);
    return (sl_rc)sl_be16_get(answer + SL_SNAPSHOT_FRAME_HEADER);
}

static void expect_chunk(struct sl_snapshot_file *file, uint32_t index, uint8_t fill, uint32_t size)
{
    assert_int_equal(ask(file, SL_SNAPSHOT_GET, index, 0, 0), SL_SNAPSHOT_FRAME_HEADER + size);
    assert_int_equal(sl_be32_get(answer + 1), index);
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(answer[SL_SNAPSHOT_FRAME_HEADER + i], fill);
    }
}

static int setup(void **state)
{
    assert_non_null(mkdtemp(folder));
    (void)snprintf(state_path, sizeof(state_path), "%s/state", folder);
    return 0;
}

static int teardown(void **state)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s.flows", state_path);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s.flows.new", state_path);
    (void)unlink(path);
    return rmdir(folder);
}

static void test_snapshot_is_given_back(void **state)
{
    struct sl_snapshot_file file;
    struct stat stat_of;
    assert_ok(sl_snapshot_file_init(&file, state_path, log_line));
    assert_int_equal(ask(&file, SL_SNAPSHOT_GET, 0, 0, 0), SL_SNAPSHOT_FRAME_HEADER); /* none */
    assert_int_equal(ask(&file, SL_SNAPSHOT_BEGIN, 0, 1, 100), 0);
    assert_int_equal(ask(&file, SL_SNAPSHOT_PUT, 1, 2, SL_SNAPSHOT_CHUNK_MAX), 0);
    assert_int_equal(ask(&file, SL_SNAPSHOT_PUT, 2, 3, 1), 0);
    assert_ok(end(&file, 3));
    assert_int_equal(stat(file.path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    expect_chunk(&file, 0, 1, 100);
    expect_chunk(&file, 1, 2, SL_SNAPSHOT_CHUNK_MAX);
    expect_chunk(&file, 2, 3, 1);
    assert_int_equal(ask(&file, SL_SNAPSHOT_GET, 3, 0, 0), SL_SNAPSHOT_FRAME_HEADER);
    sl_snapshot_file_done(&file);
    assert_ok(sl_snapshot_file_init(&file, state_path, log_line)); /* the next start */
    expect_chunk(&file, 1, 2, SL_SNAPSHOT_CHUNK_MAX);
    sl_snapshot_file_done(&file);
    assert_int_equal(complaints, 0);
}

static void test_unfinished_snapshot_leaves_the_old_one(void **state)
{
    struct sl_snapshot_file file;
    assert_ok(sl_snapshot_file_init(&file, state_path, log_line));
    assert_int_equal(ask(&file, SL_SNAPSHOT_BEGIN, 0, 9, 10), 0);
    assert_int_equal(ask(&file, SL_SNAPSHOT_PUT, 1, 9, 10), 0);
    sl_snapshot_file_done(&file);
    assert_ok(sl_snapshot_file_init(&file, state_path, log_line));
    expect_chunk(&file, 0, 1, 100);
    sl_snapshot_file_done(&file);
}

static void test_gaps_are_not_kept(void **state)
{
    struct sl_snapshot_file file;
    assert_ok(sl_snapshot_file_init(&file, state_path, log_line));
    complaints = 0;
    assert_int_equal(ask(&file, SL_SNAPSHOT_BEGIN, 0, 9, 10), 0);
    assert_int_equal(ask(&file, SL_SNAPSHOT_PUT, 2, 9, 10), 0);
    assert_rc(end(&file, 2), SL_IO);
    assert_int_equal(complaints, 1);
    assert_int_equal(ask(&file, SL_SNAPSHOT_PUT, 0, 9, 10), 0); /* not begun */
    assert_rc(end(&file, 1), SL_IO);
    assert_int_equal(ask(&file, SL_SNAPSHOT_BEGIN, 0, 9, 10), 0);
    assert_rc(end(&file, 5), SL_IO); /* another number than came */
    expect_chunk(&file, 0, 1, 100);
    sl_snapshot_file_done(&file);
}

static void test_without_a_file_the_image_is_told(void **state)
{
    assert_int_equal(ask(NULL, SL_SNAPSHOT_BEGIN, 0, 9, 10), 0);
    assert_rc(end(NULL, 1), SL_UNSUPPORTED);
    assert_int_equal(ask(NULL, SL_SNAPSHOT_GET, 0, 0, 0), SL_SNAPSHOT_FRAME_HEADER);
    assert_int_equal(ask(NULL, 77, 0, 0, 0), 0);
}

static void test_path_too_long_refused(void **state)
{
    char path[SL_SNAPSHOT_PATH_MAX];
    struct sl_snapshot_file file;
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_rc(sl_snapshot_file_init(&file, path, NULL), SL_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_is_given_back),
        cmocka_unit_test(test_unfinished_snapshot_leaves_the_old_one),
        cmocka_unit_test(test_gaps_are_not_kept),
        cmocka_unit_test(test_without_a_file_the_image_is_told),
        cmocka_unit_test(test_path_too_long_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
