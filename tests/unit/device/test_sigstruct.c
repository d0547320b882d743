/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "device/sigstruct.h"

struct fixture {
    EVP_PKEY *key;
    struct sl_sigstruct sig;
    struct sl_secs secs;
    uint8_t mrenclave[32];
};
static struct fixture fixture;

static struct sl_sigstruct_params some_params(void)
{
    struct sl_sigstruct_params params = {
        .date = 0x20260102,
        .misc_mask = UINT32_MAX,
        .attributes = {.flags = SL_ATTR_MODE64BIT, .xfrm = 0x7},
        .attributes_mask = {.flags = ~SL_ATTR_INIT, .xfrm = ~0xe4ull},
        .isv_prod_id = 7,
        .isv_svn = 3,
    };
    memset(params.mrenclave, 0x5a, sizeof(params.mrenclave));
    return params;
}

static int setup(void **state)
{
    struct sl_err err = {0};
    struct sl_sigstruct_params params = some_params();
    memset(fixture.mrenclave, 0x5a, sizeof(fixture.mrenclave));
    fixture.secs.attributes = (struct sl_attributes){.flags = SL_ATTR_MODE64BIT, .xfrm = 0xe7};
    *state = &fixture;
    return sl_sign_key_new(&fixture.key, &err) == SL_OK &&
                   sl_sigstruct_sign(&params, fixture.key, &fixture.sig, &err) == SL_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(fixture.key);
    return 0;
}

static void test_einit_good_signature_is_accepted(void **state)
{
    struct fixture *f = *state;
    struct sl_err err = {0};
    uint32_t error = 99;
    assert_ok(sl_sigstruct_einit(&f->sig, &f->secs, f->mrenclave, &error, &err));
    assert_int_equal(error, SL_SGX_SUCCESS);
    assert_ok(sl_sigstruct_einit(&f->sig, &f->secs, f->mrenclave, NULL, NULL));
}

static void test_sign_twice_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct sl_err err = {0};
    struct sl_sigstruct again;
    struct sl_sigstruct_params params = some_params();
    assert_ok(sl_sigstruct_sign(&params, f->key, &again, &err));
    assert_memory_equal(&again, &f->sig, sizeof(again));
    params.date = 0;
    assert_ok(sl_sigstruct_sign(&params, f->key, &again, &err));
    assert_int_equal(again.date, SL_SIGSTRUCT_DATE_NONE);
}

/* Every byte of the structure is either fixed or covered by the signature. */
static void test_check_each_flipped_byte_is_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(f->sig); i++) {
        struct sl_sigstruct sig = f->sig;
        struct sl_err err = {0};
        uint32_t error = 99;
        ((uint8_t *)&sig)[i] ^= 0x40;
        sl_rc rc = sl_sigstruct_check(&sig, &error, &err);
        assert_true(rc == SL_MALFORMED || rc == SL_AUTH);
        assert_int_equal(error,
                         rc == SL_AUTH ? SL_SGX_INVALID_SIGNATURE : SL_SGX_INVALID_SIG_STRUCT);
        assert_non_null(strstr(err.text, sl_sgx_error_name(error)));
    }
}

static void test_check_each_form_fault_has_its_sentence(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t off;
        sl_rc rc;
        const char *text;
    } cases[] = {
        {0, SL_MALFORMED, "HEADER is"},
        {offsetof(struct sl_sigstruct, vendor), SL_MALFORMED, "VENDOR"},
        {offsetof(struct sl_sigstruct, header2), SL_MALFORMED, "HEADER2"},
        {offsetof(struct sl_sigstruct, reserved1) + 83, SL_MALFORMED, "84 reserved"},
        {offsetof(struct sl_sigstruct, exponent), SL_MALFORMED, "EXPONENT"},
        {offsetof(struct sl_sigstruct, reserved2), SL_MALFORMED, "2 reserved"},
        {offsetof(struct sl_sigstruct, reserved3), SL_MALFORMED, "16 reserved"},
        {offsetof(struct sl_sigstruct, reserved4), SL_MALFORMED, "12 reserved"},
        {offsetof(struct sl_sigstruct, mrenclave), SL_AUTH, "does not verify"},
        {offsetof(struct sl_sigstruct, date), SL_AUTH, "does not verify"},
        {offsetof(struct sl_sigstruct, modulus), SL_AUTH, "odd number"},
        {offsetof(struct sl_sigstruct, q1), SL_AUTH, "Q1"},
        {offsetof(struct sl_sigstruct, q2), SL_AUTH, "Q2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_sigstruct sig = f->sig;
        struct sl_err err = {0};
        ((uint8_t *)&sig)[cases[i].off] ^= 1;
        assert_rc(sl_sigstruct_check(&sig, NULL, &err), cases[i].rc);
        assert_non_null(strstr(err.text, cases[i].text));
    }
    struct sl_err err = {0};
    struct sl_sigstruct sig = f->sig;
    memset(sig.signature, 0xff, sizeof(sig.signature));
    assert_rc(sl_sigstruct_check(&sig, NULL, &err), SL_AUTH);
    assert_non_null(strstr(err.text, "not below the modulus"));
    memset(sig.signature, 0, sizeof(sig.signature));
    assert_rc(sl_sigstruct_check(&sig, NULL, &err), SL_AUTH);
    sig = f->sig;
    sig.vendor = 0x8086; /* allowed, but it is signed */
    assert_rc(sl_sigstruct_check(&sig, NULL, &err), SL_AUTH);
}

static void test_einit_each_mismatch_has_its_error(void **state)
{
    struct fixture *f = *state;
    uint8_t other[32] = {1};
    struct sl_err err = {0};
    uint32_t error = 0;
    assert_rc(sl_sigstruct_einit(&f->sig, &f->secs, other, &error, &err), SL_MISMATCH);
    assert_int_equal(error, SL_SGX_INVALID_MEASUREMENT);

    static const struct {
        uint64_t flags, xfrm;
        uint32_t misc;
        sl_rc rc;
        const char *text;
    } cases[] = {
        {SL_ATTR_MODE64BIT | SL_ATTR_DEBUG, 7, 0, SL_MISMATCH, "forbids DEBUG"},
        {SL_ATTR_MODE64BIT | SL_ATTR_PROVISIONKEY, 7, 0, SL_MISMATCH, "flags"},
        {0, 7, 0, SL_MISMATCH, "flags"},
        {SL_ATTR_MODE64BIT, 0x1f, 0, SL_MISMATCH, "XFRM"},
        {SL_ATTR_MODE64BIT, 7, 1, SL_MISMATCH, "MISCSELECT"},
        {SL_ATTR_MODE64BIT | SL_ATTR_EINITTOKENKEY, 7, 0, SL_DENIED, "EINITTOKEN_KEY"},
        {SL_ATTR_MODE64BIT | SL_ATTR_INIT, 7, 0, SL_DENIED, "already"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_secs secs = {
            .attributes = {.flags = cases[i].flags, .xfrm = cases[i].xfrm},
            .misc_select = cases[i].misc,
        };
        assert_rc(sl_sigstruct_einit(&f->sig, &secs, f->mrenclave, &error, &err), cases[i].rc);
        assert_int_equal(error, SL_SGX_INVALID_ATTRIBUTE);
        assert_non_null(strstr(err.text, cases[i].text));
    }
    struct sl_sigstruct broken = f->sig;
    broken.exponent = 65537;
    assert_rc(sl_sigstruct_einit(&broken, &f->secs, f->mrenclave, &error, &err), SL_MALFORMED);
}

/* A signature by somebody else over the same fields is authentic, with another MRSIGNER. */
static void test_mrsigner_names_the_key(void **state)
{
    struct fixture *f = *state;
    struct sl_err err = {0};
    struct sl_sigstruct_params params = some_params();
    struct sl_sigstruct other;
    EVP_PKEY *key = NULL;
    uint8_t mine[32];
    uint8_t theirs[32];
    assert_ok(sl_sign_key_new(&key, &err));
    assert_ok(sl_sigstruct_sign(&params, key, &other, &err));
    assert_ok(sl_sigstruct_check(&other, NULL, &err));
    assert_ok(sl_sigstruct_mrsigner(&f->sig, mine));
    assert_ok(sl_sigstruct_mrsigner(&other, theirs));
    assert_memory_not_equal(mine, theirs, 32);
    EVP_PKEY_free(key);
}

static void test_sign_other_kinds_of_key_are_unsupported(void **state)
{
    (void)state;
    struct sl_sigstruct_params params = some_params();
    struct sl_sigstruct sig;
    struct sl_err err = {0};
    EVP_PKEY *keys[] = {EVP_RSA_gen(3072), EVP_RSA_gen(2048), EVP_EC_gen("P-256")};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_rc(sl_sigstruct_sign(&params, keys[i], &sig, &err), SL_UNSUPPORTED);
        EVP_PKEY_free(keys[i]);
    }
}

static void test_key_save_and_load(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/sl-sigstruct-XXXXXX";
    char path[64];
    struct sl_err err = {0};
    EVP_PKEY *key = NULL;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/k.pem", dir);
    assert_rc(sl_sign_key_load(path, &key, &err), SL_IO);
    assert_ok(sl_sign_key_save(path, f->key, &err));
    assert_rc(sl_sign_key_save(path, f->key, &err), SL_EXISTS);
    assert_ok(sl_sign_key_load(path, &key, &err));
    assert_int_equal(EVP_PKEY_eq(key, f->key), 1);
    EVP_PKEY_free(key);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("not a key\n", file);
    (void)fclose(file);
    assert_rc(sl_sign_key_load(path, &key, &err), SL_MALFORMED);
    (void)unlink(path);
    assert_rc(sl_sign_key_save("/nonexistent/k.pem", f->key, &err), SL_IO);
    EVP_PKEY *small = EVP_RSA_gen(2048);
    assert_ok(sl_sign_key_save(path, small, &err));
    EVP_PKEY_free(small);
    assert_rc(sl_sign_key_load(path, &key, &err), SL_UNSUPPORTED);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void test_load_sizes(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/sl-sigstruct-XXXXXX";
    char path[64];
    struct sl_err err = {0};
    struct sl_sigstruct sig;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/i.sig", dir);
    assert_rc(sl_sigstruct_load(path, &sig, &err), SL_NOT_FOUND);
    assert_rc(sl_sigstruct_load(dir, &sig, &err), SL_IO);
    for (int extra = -1; extra <= 1; extra++) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        (void)fwrite(&f->sig, 1, sizeof(f->sig) - (extra < 0), file);
        (void)fwrite("x", 1, extra > 0, file);
        (void)fclose(file);
        assert_rc(sl_sigstruct_load(path, &sig, &err), extra == 0 ? SL_OK : SL_MALFORMED);
    }
    assert_memory_equal(&sig, &f->sig, sizeof(sig));
    (void)unlink(path);
    (void)rmdir(dir);
}

static void test_date_parse(void **state)
{
    (void)state;
    uint32_t date = 0;
    assert_ok(sl_sigstruct_date_parse("20261231", &date));
    assert_int_equal(date, 0x20261231);
    static const struct {
        const char *text;
        sl_rc rc;
    } cases[] = {
        {"", SL_MALFORMED},         {"2026123", SL_MALFORMED}, {"202612310", SL_MALFORMED},
        {"2026-12-", SL_MALFORMED}, {"20261301", SL_RANGE},    {"20260001", SL_RANGE},
        {"20260431", SL_RANGE},     {"20260400", SL_RANGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_rc(sl_sigstruct_date_parse(cases[i].text, &date), cases[i].rc);
    }
    assert_int_equal(date, 0x20261231);
}

static void test_error_name(void **state)
{
    (void)state;
    assert_string_equal(sl_sgx_error_name(SL_SGX_INVALID_ISVSVN), "SGX_INVALID_ISVSVN");
    assert_string_equal(sl_sgx_error_name(77), "unknown SGX error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_einit_good_signature_is_accepted),
        cmocka_unit_test(test_sign_twice_same_bytes),
        cmocka_unit_test(test_check_each_flipped_byte_is_refused),
        cmocka_unit_test(test_check_each_form_fault_has_its_sentence),
        cmocka_unit_test(test_einit_each_mismatch_has_its_error),
        cmocka_unit_test(test_mrsigner_names_the_key),
        cmocka_unit_test(test_sign_other_kinds_of_key_are_unsupported),
        cmocka_unit_test(test_key_save_and_load),
        cmocka_unit_test(test_load_sizes),
        cmocka_unit_test(test_date_parse),
        cmocka_unit_test(test_error_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
