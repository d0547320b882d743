/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed blobs under EGETKEY as the emulator has it: who can open which, and nobody a changed one.
 */
#include "unit.h"

#include "image/seal.h"
#include "machine_runtime.h"

static const char text[] = "what the host must not read or change";
enum { TEXT_SIZE = sizeof(text), BLOB_SIZE = TEXT_SIZE + SL_SEAL_OVERHEAD };

static void seal_text(enum sl_seal_policy policy, uint8_t *blob)
{
    struct sl_err err = {0};
    size_t size = 0;
    if (sl_seal(policy, "test", text, TEXT_SIZE, blob, BLOB_SIZE, &size, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(size, BLOB_SIZE);
}

static sl_rc unseal_text(enum sl_seal_policy policy, const uint8_t *blob, size_t blob_size)
{
    uint8_t out[TEXT_SIZE];
    size_t size = 0;
    struct sl_err err = {0};
    memset(out, 0x55, sizeof(out));
    sl_rc rc = sl_unseal(policy, "test", blob, blob_size, out, sizeof(out), &size, &err);
    if (rc == SL_OK) {
        assert_int_equal(size, TEXT_SIZE);
        assert_memory_equal(out, text, TEXT_SIZE);
    } else {
        assert_true(strlen(err.text) > 10);
        assert_memory_not_equal(out, text, TEXT_SIZE);
    }
    return rc;
}

static int setup(void **state)
{
    machine_bare(false);
    machine_new();
    machine_cpu_svn(4);
    machine_enclave(1, 2, 10, 3);
    return 0;
}

static void test_seal_opens_again(void **state)
{
    uint8_t blob[BLOB_SIZE];
    uint8_t other[BLOB_SIZE];
    seal_text(SL_SEAL_MRENCLAVE, blob);
    seal_text(SL_SEAL_MRENCLAVE, other);
    assert_ok(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE));
    /* KEYID, nonce and ciphertext are new each time */
    assert_memory_not_equal(blob + 24, other + 24, 32);
    assert_memory_not_equal(blob + 76, other + 76, 12);
    assert_memory_not_equal(blob + 92, other + 92, TEXT_SIZE);
}

static void test_unseal_who_can(void **state)
{
    static const struct {
        const char *what;
        uint8_t mrenclave, mrsigner;
        uint16_t prod_id, svn;
        sl_rc by_enclave, by_signer;
    } table[] = {
        {"the same", 1, 2, 10, 3, SL_OK, SL_OK},
        {"another image of the signer", 7, 2, 10, 3, SL_AUTH, SL_OK},
        {"a newer one of the signer", 7, 2, 10, 4, SL_AUTH, SL_OK},
        {"an older one of the signer", 7, 2, 10, 2, SL_DENIED, SL_DENIED},
        {"another product", 7, 2, 11, 3, SL_AUTH, SL_AUTH},
        {"another signer", 7, 9, 10, 3, SL_AUTH, SL_AUTH},
    };
    uint8_t by_enclave[BLOB_SIZE];
    uint8_t by_signer[BLOB_SIZE];
    seal_text(SL_SEAL_MRENCLAVE, by_enclave);
    seal_text(SL_SEAL_MRSIGNER, by_signer);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        machine_enclave(table[i].mrenclave, table[i].mrsigner, table[i].prod_id, table[i].svn);
        sl_rc a = unseal_text(SL_SEAL_MRENCLAVE, by_enclave, BLOB_SIZE);
        sl_rc b = unseal_text(SL_SEAL_MRSIGNER, by_signer, BLOB_SIZE);
        if (a != table[i].by_enclave || b != table[i].by_signer) {
            fail_msg("%s: %s, %s", table[i].what, sl_rc_name(a), sl_rc_name(b));
        }
    }
    machine_enclave(1, 2, 10, 3);
    machine_debug();
    assert_rc(unseal_text(SL_SEAL_MRENCLAVE, by_enclave, BLOB_SIZE), SL_AUTH);
    machine_enclave(1, 2, 10, 3);
    assert_rc(unseal_text(SL_SEAL_MRSIGNER, by_enclave, BLOB_SIZE), SL_MISMATCH);
    machine_new(); /* another processor */
    machine_cpu_svn(4);
    assert_rc(unseal_text(SL_SEAL_MRENCLAVE, by_enclave, BLOB_SIZE), SL_AUTH);
}

static void test_unseal_after_updates_of_the_processor(void **state)
{
    uint8_t blob[BLOB_SIZE];
    seal_text(SL_SEAL_MRENCLAVE, blob);
    machine_cpu_svn(6);
    assert_ok(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE)); /* what is older can be opened */
    seal_text(SL_SEAL_MRENCLAVE, blob);
    machine_cpu_svn(5);
    assert_rc(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE), SL_DENIED); /* not what is newer */
}

static void test_unseal_every_cut_and_flip_refused(void **state)
{
    uint8_t blob[BLOB_SIZE + 1] = {0};
    seal_text(SL_SEAL_MRENCLAVE, blob);
    for (size_t size = 0; size < BLOB_SIZE; size++) {
        sl_rc rc = unseal_text(SL_SEAL_MRENCLAVE, blob, size);
        assert_true(rc == SL_TRUNCATED || rc == SL_MALFORMED);
    }
    assert_rc(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE + 1), SL_MALFORMED);
    for (size_t bit = 0; bit < 8ul * BLOB_SIZE; bit++) {
        blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE), SL_OK);
        blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_ok(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE));
}

static void test_unseal_other_purpose_refused(void **state)
{
    uint8_t blob[BLOB_SIZE];
    uint8_t out[TEXT_SIZE];
    size_t size = 0;
    struct sl_err err = {0};
    seal_text(SL_SEAL_MRENCLAVE, blob);
    assert_rc(sl_unseal(SL_SEAL_MRENCLAVE, "else", blob, BLOB_SIZE, out, sizeof(out), &size, &err),
              SL_MISMATCH);
    assert_rc(
        sl_unseal(SL_SEAL_MRENCLAVE, "test", blob, BLOB_SIZE, out, TEXT_SIZE - 1, &size, &err),
        SL_NO_SPACE);
}

static void test_seal_bounds(void **state)
{
    uint8_t blob[BLOB_SIZE];
    size_t size = 0;
    struct sl_err err = {0};
    assert_rc(sl_seal(SL_SEAL_MRENCLAVE, "test", text, TEXT_SIZE, blob, BLOB_SIZE - 1, &size, &err),
              SL_RANGE);
    assert_rc(sl_seal(SL_SEAL_MRENCLAVE, "sixteen letters!", text, 1, blob, BLOB_SIZE, &size, &err),
              SL_RANGE);
    assert_rc(
        sl_seal(SL_SEAL_MRENCLAVE, "test", text, SL_SEAL_DATA_MAX + 1, blob, SIZE_MAX, &size, &err),
        SL_RANGE);
    assert_ok(sl_seal(SL_SEAL_MRENCLAVE, "test", text, 0, blob, BLOB_SIZE, &size, &err));
    uint8_t none[1];
    size_t none_size = 9;
    assert_ok(sl_unseal(SL_SEAL_MRENCLAVE, "test", blob, size, none, 1, &none_size, &err));
    assert_int_equal(none_size, 0);
}

static void test_seal_bare_refused(void **state)
{
    uint8_t blob[BLOB_SIZE];
    size_t size = 0;
    struct sl_err err = {0};
    seal_text(SL_SEAL_MRENCLAVE, blob);
    machine_bare(true);
    assert_rc(unseal_text(SL_SEAL_MRENCLAVE, blob, BLOB_SIZE), SL_UNSUPPORTED);
    assert_rc(sl_seal(SL_SEAL_MRENCLAVE, "test", text, TEXT_SIZE, blob, BLOB_SIZE, &size, &err),
              SL_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_seal_opens_again, setup),
        cmocka_unit_test_setup(test_unseal_who_can, setup),
        cmocka_unit_test_setup(test_unseal_after_updates_of_the_processor, setup),
        cmocka_unit_test_setup(test_unseal_every_cut_and_flip_refused, setup),
        cmocka_unit_test_setup(test_unseal_other_purpose_refused, setup),
        cmocka_unit_test_setup(test_seal_bounds, setup),
        cmocka_unit_test_setup(test_seal_bare_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
