/* SPDX-License-Identifier: Apache-2.0 */
/* Reads quotes of real hardware through our structures: the offsets are right where the fields that
 * others state (Intel's published QE identity, the hash of the attestation key) are found there. */
#include "unit.h"

#include <jansson.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "device/sgx_arch.h"

/* Quote v3: header 48, report body 384, size 4, then ECDSA signature 64, attestation key 64, the
 * QE's report body 384, its signature 64, be-sized authentication data. */
enum {
    BODY_OFF = 48,
    KEY_OFF = 48 + 384 + 4 + 64,
    QE_BODY_OFF = KEY_OFF + 64,
    AUTH_OFF = QE_BODY_OFF + 384 + 64,
};

static size_t quote_read(const char *name, uint8_t *data, size_t size)
{
    char path[1024];
    vector_path(name, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t got = fread(data, 1, size, file);
    (void)fclose(file);
    assert_true(got > AUTH_OFF + 2);
    return got;
}

static void qe_identity(const char *name, uint8_t mrsigner[32], struct sl_attributes *value,
                        struct sl_attributes *mask, json_int_t *product)
{
    char path[1024];
    vector_path(name, path, sizeof(path));
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    json_t *text = json_object_get(root, "qe_identity");
    json_t *parsed = text != NULL ? json_loads(json_string_value(text), 0, &error) : NULL;
    json_t *id = parsed != NULL ? parsed : json_object_get(root, "enclaveIdentity");
    const char *signer = NULL;
    const char *attributes = NULL;
    const char *attributes_mask = NULL;
    assert_ok(json_unpack(id, "{s:s, s:s, s:s, s:I}", "mrsigner", &signer, "attributes",
                          &attributes, "attributesMask", &attributes_mask, "isvprodid", product));
    assert_ok(sl_hex_decode(signer, mrsigner, 32));
    assert_ok(sl_hex_decode(attributes, (uint8_t *)value, sizeof(*value)));
    assert_ok(sl_hex_decode(attributes_mask, (uint8_t *)mask, sizeof(*mask)));
    json_decref(parsed);
    json_decref(root);
}

static void check_quote(const char *quote_name, const char *identity_name)
{
    static uint8_t quote[32768];
    size_t size = quote_read(quote_name, quote, sizeof(quote));
    struct sl_report_body qe;
    struct sl_report_body app;
    memcpy(&qe, quote + QE_BODY_OFF, sizeof(qe));
    memcpy(&app, quote + BODY_OFF, sizeof(app));

    uint8_t mrsigner[32];
    struct sl_attributes value;
    struct sl_attributes mask;
    json_int_t product = 0;
    qe_identity(identity_name, mrsigner, &value, &mask, &product);
    assert_memory_equal(qe.mrsigner, mrsigner, 32);
    assert_int_equal(qe.isv_prod_id, product);
    assert_true((qe.attributes.flags & mask.flags) == value.flags);
    assert_true((qe.attributes.xfrm & mask.xfrm) == value.xfrm);
    assert_int_equal(qe.misc_select, 0);

    /* The QE's report data is SHA-256(attestation key || authentication data), then zeros. */
    uint8_t hashed[64 + 1024];
    uint8_t digest[32];
    size_t auth_size = sl_le16_get(quote + AUTH_OFF);
    assert_true(auth_size <= 1024 && size > AUTH_OFF + 2 + auth_size);
    memcpy(hashed, quote + KEY_OFF, 64);
    memcpy(hashed + 64, quote + AUTH_OFF + 2, auth_size);
    (void)SHA256(hashed, 64 + auth_size, digest);
    assert_memory_equal(qe.report_data, digest, 32);
    assert_memory_equal(qe.report_data + 32, (uint8_t[32]){0}, 32);

    /* Of the application enclave, what every initialised 64-bit enclave has. */
    const uint64_t flags = SL_ATTR_INIT | SL_ATTR_MODE64BIT;
    assert_true((app.attributes.flags & flags) == flags);
    assert_true((app.attributes.xfrm & 3) == 3);
    assert_memory_equal(app.cpu_svn, qe.cpu_svn, sizeof(app.cpu_svn));
    assert_memory_equal(app.reserved2, (uint8_t[32]){0}, 32);
    assert_memory_equal(app.reserved3, (uint8_t[32]){0}, 32);
    assert_memory_equal(app.reserved4, (uint8_t[42]){0}, 42);
}

static void test_report_body_of_real_quote_phala(void **state)
{
    (void)state;
    check_quote("sgx/phala-dcap-qvl/sample/sgx_quote",
                "sgx/phala-dcap-qvl/sample/sgx_quote_collateral.json");
}

static void test_report_body_of_real_quote_oasis(void **state)
{
    (void)state;
    check_quote("sgx/oasis-core/quote_v3_ecdsa_p256_pck_chain.bin",
                "sgx/oasis-core/qe_identity_v2.json");
}

/* Offsets that the SDM's tables give. */
static void test_offsets_are_the_sdms(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct sl_secs, attributes), 48);
    assert_int_equal(offsetof(struct sl_secs, mrenclave), 64);
    assert_int_equal(offsetof(struct sl_secs, mrsigner), 128);
    assert_int_equal(offsetof(struct sl_secs, config_id), 192);
    assert_int_equal(offsetof(struct sl_secs, isv_prod_id), 256);
    assert_int_equal(offsetof(struct sl_sigstruct, sw_defined), 40);
    assert_int_equal(offsetof(struct sl_sigstruct, modulus), 128);
    assert_int_equal(offsetof(struct sl_sigstruct, exponent), 512);
    assert_int_equal(offsetof(struct sl_sigstruct, signature), 516);
    assert_int_equal(offsetof(struct sl_sigstruct, misc_select), 900);
    assert_int_equal(offsetof(struct sl_sigstruct, isv_family_id), 912);
    assert_int_equal(offsetof(struct sl_sigstruct, attributes), 928);
    assert_int_equal(offsetof(struct sl_sigstruct, mrenclave), 960);
    assert_int_equal(offsetof(struct sl_sigstruct, isv_ext_prod_id), 1008);
    assert_int_equal(offsetof(struct sl_sigstruct, isv_prod_id), 1024);
    assert_int_equal(offsetof(struct sl_sigstruct, q1), 1040);
    assert_int_equal(offsetof(struct sl_sigstruct, q2), 1424);
    assert_int_equal(offsetof(struct sl_tcs, ossa), 16);
    assert_int_equal(offsetof(struct sl_tcs, cssa), 24);
    assert_int_equal(offsetof(struct sl_tcs, oentry), 32);
    assert_int_equal(offsetof(struct sl_tcs, ofs_base), 48);
    assert_int_equal(offsetof(struct sl_tcs, fs_limit), 64);
    assert_int_equal(offsetof(struct sl_ssa_gpr, rflags), 128);
    assert_int_equal(offsetof(struct sl_ssa_gpr, ursp), 144);
    assert_int_equal(offsetof(struct sl_ssa_gpr, exit_info), 160);
    assert_int_equal(offsetof(struct sl_ssa_gpr, fs_base), 168);
    assert_int_equal(offsetof(struct sl_report, key_id), 384);
    assert_int_equal(offsetof(struct sl_report, mac), 416);
    assert_int_equal(offsetof(struct sl_key_request, cpu_svn), 8);
    assert_int_equal(offsetof(struct sl_key_request, attribute_mask), 24);
    assert_int_equal(offsetof(struct sl_key_request, key_id), 40);
    assert_int_equal(offsetof(struct sl_key_request, misc_mask), 72);
    assert_int_equal(offsetof(struct sl_key_request, config_svn), 76);
    assert_int_equal(offsetof(struct sl_target_info, config_svn), 50);
    assert_int_equal(offsetof(struct sl_target_info, misc_select), 52);
    assert_int_equal(offsetof(struct sl_target_info, config_id), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report_body_of_real_quote_phala),
        cmocka_unit_test(test_report_body_of_real_quote_oasis),
        cmocka_unit_test(test_offsets_are_the_sdms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
