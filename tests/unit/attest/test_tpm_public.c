/* SPDX-License-Identifier: Apache-2.0 */
/* Public areas, attributes, names; credentials are opened here with the EK's private half. The same
 * against a software TPM: tests/interop/tpm. */
#include "../unit.h"

#include <openssl/rsa.h>

#include "attest/tpm_public.h"
#include "safelib/bytes.h"

static size_t file_read(const char *vector, uint8_t *out, size_t size)
{
    char path[512];
    FILE *file;

    vector_path(vector, path, sizeof(path));
    file = fopen(path, "rb");
    assert_non_null(file);
    size = fread(out, 1, size, file);
    (void)fclose(file);
    return size;
}

static void test_published_ak_has_its_name_and_attributes(void **state)
{
    uint8_t area[1024], name[128];
    const size_t size = file_read("tpm/keylime/ak.pub", area, sizeof(area));
    const size_t name_size = file_read("tpm/keylime/ak.name", name, sizeof(name));
    struct sl_tpm_public ak;
    struct sl_err err = {0};

    assert_ok(sl_tpm_public_read((struct sl_blob){area, size}, &ak, &err));
    assert_int_equal(ak.name_size, name_size);
    assert_memory_equal(ak.name, name, name_size);
    assert_true(sl_tpm_public_is_ak(&ak, &err));
    assert_false(sl_tpm_public_is_ek(&ak, &err));
    assert_non_null(strstr(err.text, "attribute sign is set"));
    sl_tpm_public_done(&ak);
}

static void test_published_ek_is_one(void **state)
{
    uint8_t area[1024];
    const size_t size = file_read("tpm/keylime/ek.pub", area, sizeof(area));
    struct sl_tpm_public ek;
    struct sl_err err = {0};

    assert_ok(sl_tpm_public_read((struct sl_blob){area, size}, &ek, &err));
    assert_true(sl_tpm_public_is_ek(&ek, &err));
    assert_false(sl_tpm_public_is_ak(&ek, &err));
    assert_int_equal(ek.symmetric_bits, 128);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        struct sl_tpm_public short_one;

        memcpy(copy, area, cut);
        assert_true(sl_tpm_public_read((struct sl_blob){copy, cut}, &short_one, NULL) != SL_OK);
        free(copy);
    }
    sl_tpm_public_done(&ek);
}

static void test_ak_lacking_an_attribute_is_named(void **state)
{
    static const struct {
        uint32_t flip;
        const char *name;
    } ROWS[] = {
        {SL_TPMA_FIXED_TPM, "fixedTPM"},    {SL_TPMA_FIXED_PARENT, "fixedParent"},
        {SL_TPMA_RESTRICTED, "restricted"}, {SL_TPMA_SIGN, "sign"},
        {SL_TPMA_DECRYPT, "decrypt"},       {SL_TPMA_SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin"},
    };
    const struct sl_tpm_public good = {.attributes = 0x00050072};

    assert_true(sl_tpm_public_is_ak(&good, NULL));
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct sl_tpm_public bad = good;
        struct sl_err err = {0};

        bad.attributes ^= ROWS[i].flip;
        assert_false(sl_tpm_public_is_ak(&bad, &err));
        assert_non_null(strstr(err.text, ROWS[i].name));
    }
}

static void test_areas_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *hex;
        sl_rc rc;
    } ROWS[] = {
        {"0025000b0005007200000010001000000000", SL_UNSUPPORTED}, /* symmetric object */
        {"0001000b00050072000000100010040000000000"
         "0001ff",
         SL_UNSUPPORTED}, /* 1024 bits */
        {"0023000b0005007200000010001000030010"
         "000101"
         "000101",
         SL_MALFORMED}, /* no point */
        {"0023000b0005007200000010001000990010"
         "000101"
         "000101",
         SL_UNSUPPORTED}, /* curve */
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        uint8_t area[64];
        const size_t size = strlen(ROWS[i].hex) / 2;
        struct sl_tpm_public public;

        assert_ok(sl_hex_decode(ROWS[i].hex, area, size));
        assert_rc(sl_tpm_public_read((struct sl_blob){area, size}, &public, NULL), ROWS[i].rc);
    }
}

static void test_credential_refuses_what_it_cannot_wrap(void **state)
{
    uint8_t blob[256], wrapped[512], name[4] = {0, 11, 1, 2};
    size_t blob_size = sizeof(blob), wrapped_size = sizeof(wrapped);
    struct sl_tpm_public ek = {
        .type = 1, .name_alg = SL_TPM_ALG_SHA256, .symmetric = 6, .symmetric_bits = 128};
    const uint8_t secret[SL_TPM_SECRET_MAX + 1] = {1};

    ek.key = EVP_RSA_gen(2048);
    assert_rc(sl_tpm_credential_make(&ek, (struct sl_blob){name, 4}, secret, 0, blob, &blob_size,
                                     wrapped, &wrapped_size, NULL),
              SL_RANGE);
    assert_rc(sl_tpm_credential_make(&ek, (struct sl_blob){name, 4}, secret, sizeof(secret), blob,
                                     &blob_size, wrapped, &wrapped_size, NULL),
              SL_RANGE);
    wrapped_size = 16;
    assert_rc(sl_tpm_credential_make(&ek, (struct sl_blob){name, 4}, secret, 16, blob, &blob_size,
                                     wrapped, &wrapped_size, NULL),
              SL_NO_SPACE);
    ek.symmetric = 0x10;
    assert_rc(sl_tpm_credential_make(&ek, (struct sl_blob){name, 4}, secret, 16, blob, &blob_size,
                                     wrapped, &wrapped_size, NULL),
              SL_UNSUPPORTED);
    sl_tpm_public_done(&ek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_ak_has_its_name_and_attributes),
        cmocka_unit_test(test_published_ek_is_one),
        cmocka_unit_test(test_ak_lacking_an_attribute_is_named),
        cmocka_unit_test(test_areas_that_cannot_be_are_refused),
        cmocka_unit_test(test_credential_refuses_what_it_cannot_wrap),
    };
    return cmocka_run_group_tests_name("attest/tpm_public", tests, NULL, NULL);
}
