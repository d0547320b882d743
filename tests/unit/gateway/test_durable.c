/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway must not forget: kept, and never taken for new where it is damaged or gone. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gateway/durable.h"

static char folder[64];

static int setup(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/sl-durable-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : 1;
}

static int teardown(void **state)
{
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static struct sl_durable sample(void)
{
    struct sl_durable d;
    struct sl_err err = {0};
    assert_ok(sl_durable_open(folder, &d, &err));
    d.has_policy = d.has_instance = true;
    d.policy_version = 1763791200123;
    d.epoch = 41;
    memset(d.policy_hash, 0xab, sizeof(d.policy_hash));
    memset(d.instance, 0xcd, sizeof(d.instance));
    d.audit.seq = 17;
    memset(d.audit.hash, 0xef, sizeof(d.audit.hash));
    assert_ok(sl_durable_save(&d, &err));
    sl_durable_close(&d);
    return d;
}

static void test_durable_open_first_start_is_empty(void **state)
{
    struct sl_durable d;
    struct sl_err err = {0};
    char inner[80];
    (void)snprintf(inner, sizeof(inner), "%s/new", folder);
    assert_ok(sl_durable_look(inner, &d, &err));
    assert_false(d.has_policy);
    assert_int_equal(access(inner, F_OK), -1); /* a look makes nothing */
    assert_ok(sl_durable_open(inner, &d, &err));
    assert_false(d.has_policy);
    assert_false(d.has_instance);
    assert_int_equal(d.epoch, 0);
    sl_durable_close(&d);
}

static void test_durable_save_is_read_back(void **state)
{
    struct sl_durable d;
    struct sl_err err = {0};
    struct stat stat_of;
    struct sl_durable saved = sample();
    assert_ok(sl_durable_open(folder, &d, &err));
    assert_true(d.has_policy && d.has_instance);
    assert_int_equal(d.policy_version, saved.policy_version);
    assert_int_equal(d.epoch, 41);
    assert_memory_equal(d.policy_hash, saved.policy_hash, sizeof(d.policy_hash));
    assert_memory_equal(d.instance, saved.instance, sizeof(d.instance));
    assert_int_equal(d.audit.seq, 17);
    assert_memory_equal(d.audit.hash, saved.audit.hash, sizeof(d.audit.hash));
    assert_int_equal(stat(d.path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    sl_durable_close(&d);
}

static void test_durable_open_locked_refused(void **state)
{
    struct sl_durable first;
    struct sl_durable second;
    struct sl_err err = {0};
    assert_ok(sl_durable_open(folder, &first, &err));
    assert_rc(sl_durable_open(folder, &second, &err), SL_EXISTS);
    sl_durable_close(&first);
    assert_ok(sl_durable_open(folder, &second, &err));
    sl_durable_close(&second);
}

/* Cut at every length, each bit flipped: refused, never new. */
static void test_durable_open_damaged_refused(void **state)
{
    struct sl_durable d = sample();
    struct sl_err err = {0};
    char text[4096];
    FILE *file = fopen(d.path, "r");
    size_t size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    uint32_t harmless = 0;
    for (size_t i = 0; i < size + 8 * size; i++) {
        bool is_cut = i >= 8 * size;
        size_t put = is_cut ? 9 * size - 1 - i : size; /* the flips first: no cut before them */
        size_t bit = is_cut ? 0 : i;
        text[bit / 8] = (char)(text[bit / 8] ^ (is_cut ? 0 : 1 << bit % 8));
        file = fopen(d.path, "r+");
        assert_int_equal(fwrite(text, 1, put, file), put);
        (void)fclose(file);
        assert_int_equal(truncate(d.path, (off_t)put), 0);
        text[bit / 8] = (char)(text[bit / 8] ^ (is_cut ? 0 : 1 << bit % 8));
        struct sl_durable read;
        sl_rc rc = sl_durable_look(folder, &read, &err);
        if (rc == SL_OK) { /* white space that became other white space; nothing is changed */
            harmless++;
            assert_int_equal(read.epoch, d.epoch);
            assert_int_equal(read.policy_version, d.policy_version);
            assert_memory_equal(read.instance, d.instance, sizeof(d.instance));
        } else {
            assert_int_equal(rc, SL_MALFORMED);
            assert_non_null(strstr(err.text, "damaged"));
        }
    }
    assert_true(harmless < 200);
    char zeros[8192] = {0};
    file = fopen(d.path, "w");
    assert_int_equal(fwrite(zeros, 1, sizeof(zeros), file), sizeof(zeros));
    (void)fclose(file);
    assert_rc(sl_durable_look(folder, &d, &err), SL_MALFORMED);
}

static void test_durable_open_gone_beside_its_log_refused(void **state)
{
    struct sl_durable d = sample();
    struct sl_err err = {0};
    FILE *log = fopen(d.audit_path, "w");
    (void)fclose(log);
    assert_int_equal(unlink(d.path), 0);
    assert_rc(sl_durable_open(folder, &d, &err), SL_NOT_FOUND);
    assert_non_null(strstr(err.text, "is gone"));
}

static void test_durable_open_bad_file_refused(void **state)
{
    struct sl_durable d = sample();
    struct sl_err err = {0};
    char deep[100];
    assert_int_equal(chmod(d.path, 0644), 0);
    assert_rc(sl_durable_open(folder, &d, &err), SL_IO);
    assert_int_equal(unlink(d.path), 0);
    assert_int_equal(symlink("/dev/null", d.path), 0);
    assert_rc(sl_durable_open(folder, &d, &err), SL_IO);
    (void)snprintf(deep, sizeof(deep), "%s/a/b", folder);
    assert_rc(sl_durable_open(deep, &d, &err), SL_IO);
}

static void test_durable_save_nowhere_fails(void **state)
{
    struct sl_durable d = sample();
    struct sl_err err = {0};
    (void)snprintf(d.path, sizeof(d.path), "/nowhere/x");
    assert_rc(sl_durable_save(&d, &err), SL_IO);
}

static void test_durable_policy_check_only_forward(void **state)
{
    static const struct {
        uint64_t version;
        uint8_t hash;
        sl_rc rc;
    } table[] = {
        {11, 1, SL_OK}, {10, 9, SL_OK}, {10, 1, SL_STALE}, {9, 9, SL_STALE}, {0, 9, SL_STALE},
    };
    struct sl_durable d = {.has_policy = true, .policy_version = 10};
    struct sl_err err = {0};
    uint8_t hash[SL_DURABLE_HASH_SIZE];
    memset(d.policy_hash, 9, sizeof(d.policy_hash));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        memset(hash, table[i].hash, sizeof(hash));
        assert_rc(sl_durable_policy_check(&d, "p.slp", table[i].version, hash, &err), table[i].rc);
        if (table[i].rc != SL_OK) {
            assert_non_null(strstr(err.text, "safelib policy renew p.slp"));
        }
    }
    d.has_policy = false;
    assert_ok(sl_durable_policy_check(&d, "p.slp", 0, hash, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_durable_open_first_start_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durable_save_is_read_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durable_open_locked_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durable_open_damaged_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durable_open_gone_beside_its_log_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_durable_open_bad_file_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durable_save_nowhere_fails, setup, teardown),
        cmocka_unit_test(test_durable_policy_check_only_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
