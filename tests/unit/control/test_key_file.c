/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "control/key_file.h"

static char folder[64];
static char path[128];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/sl-key-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s/tenant.pem", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void test_create_then_load_is_the_same_key(void **state)
{
    (void)state;
    struct sl_identity *a = NULL;
    struct sl_identity *b = NULL;
    struct stat st;
    assert_ok(sl_key_file_create(path, &a, NULL));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(sl_key_file_load(path, &b, NULL));
    assert_memory_equal(a->spki_hash, b->spki_hash, SL_SPKI_HASH_SIZE);
    sl_identity_free(b);
    b = NULL;
    assert_rc(sl_key_file_create(path, &b, NULL), SL_EXISTS);
    sl_identity_free(a);
}

static void test_load_others_may_read_is_denied(void **state)
{
    (void)state;
    struct sl_identity *a = NULL;
    struct sl_err err = {0};
    assert_ok(sl_key_file_create(path, &a, NULL));
    sl_identity_free(a);
    assert_int_equal(chmod(path, 0640), 0);
    assert_rc(sl_key_file_load(path, &a, &err), SL_DENIED);
    assert_non_null(strstr(err.text, "chmod 600"));
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_load_refusals(void **state)
{
    (void)state;
    struct sl_identity *a = NULL;
    assert_rc(sl_key_file_load(path, &a, NULL), SL_NOT_FOUND);
    assert_rc(sl_key_file_load(folder, &a, NULL), SL_IO);
    write_file("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert_rc(sl_key_file_load(path, &a, NULL), SL_MALFORMED);
    EVP_PKEY *key = EVP_EC_gen("P-521");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
    EVP_PKEY_free(key);
    assert_rc(sl_key_file_load(path, &a, NULL), SL_UNSUPPORTED);
    assert_rc(sl_key_file_create("/nonexistent/x", &a, NULL), SL_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_then_load_is_the_same_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_others_may_read_is_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
