/* SPDX-License-Identifier: Apache-2.0 */
/* EAR tokens taken apart by hand and verified; tests/interop/ear_verify.py does it with a program
 * that is not ours. */
#include "unit.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "attest/p256.h"
#include "attest/result.h"
#include "safelib/attest.h"
#include "snp_rig.h"

static size_t base64url_decode(const char *text, size_t size, uint8_t *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned int count = 0;
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        const char *at = strchr(alphabet, text[i]);
        assert_true(text[i] != '\0' && at != NULL);
        bits = (bits << 6) | (uint32_t)(at - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (uint8_t)(bits >> count);
        }
    }
    return used;
}

static json_t *part_decode(const char *text, size_t size)
{
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    json_error_t error;
    json_t *json = json_loadb((const char *)bytes, base64url_decode(text, size, bytes), 0, &error);
    assert_non_null(json);
    free(bytes);
    return json;
}

static struct sl_blob key_pem(EVP_PKEY *key, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key,
                                                   password != NULL ? EVP_aes_128_cbc() : NULL,
                                                   password, password != NULL ? 4 : 0, NULL, NULL),
                     1);
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    uint8_t *copy = malloc((size_t)size);
    assert_non_null(copy);
    memcpy(copy, text, (size_t)size);
    BIO_free(bio);
    return (struct sl_blob){copy, (size_t)size};
}

static struct sl_attest_result *judge(struct snp_rig *rig, struct sl_blob report_data,
                                      bool is_any_identity)
{
    struct sl_attest_policy policy = {.is_any_identity = is_any_identity};
    struct sl_attest_collateral collateral = {.vcek = rig->leaf_der, .cert_chain = rig->chain_pem};
    struct sl_attest_roots roots = {.pem = rig->root_pem};
    struct sl_attest_input input = {.type = SL_ATTEST_SNP,
                                    .evidence = {rig->report, SL_SNP_REPORT_SIZE},
                                    .collateral = &collateral,
                                    .roots = &roots,
                                    .policy = &policy,
                                    .report_data = report_data,
                                    .time_s = PKI_NOW};
    struct sl_attest_result *result = NULL;
    assert_ok(sl_attest_verify(&input, &result));
    return result;
}

static const char *string_of(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    assert_non_null(text);
    return text;
}

static void assert_header(json_t *header, EVP_PKEY *key)
{
    assert_string_equal(string_of(header, "alg"), "ES256");
    json_t *jwk = json_object_get(header, "jwk");
    assert_string_equal(string_of(jwk, "kty"), "EC");
    assert_string_equal(string_of(jwk, "crv"), "P-256");
    assert_null(json_object_get(jwk, "d")); /* the private part stays at home */
    uint8_t point[65], xy[80];
    size_t size = 0;
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, 65, &size), 1);
    const char *x = string_of(jwk, "x"), *y = string_of(jwk, "y");
    assert_int_equal(base64url_decode(x, strlen(x), xy), 32);
    assert_int_equal(base64url_decode(y, strlen(y), xy + 32), 32);
    assert_memory_equal(xy, point + 1, 64);
    char canonical[256];
    uint8_t hash[32], kid[40];
    (void)snprintf(canonical, sizeof(canonical),
                   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    SHA256((const unsigned char *)canonical, strlen(canonical), hash);
    const char *text = string_of(header, "kid");
    assert_int_equal(base64url_decode(text, strlen(text), kid), 32);
    assert_memory_equal(kid, hash, 32);
}

static void assert_signature(const char *jwt, EVP_PKEY *key)
{
    const char *last = strrchr(jwt, '.');
    uint8_t signature[80];
    assert_int_equal(base64url_decode(last + 1, strlen(last + 1), signature), 64);
    uint8_t point[65];
    size_t size = 0;
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &size),
        1);
    struct sl_p256 *curve = sl_p256_create();
    struct sl_p256_key *public = NULL;
    assert_ok(sl_p256_key_create(curve, point + 1, &public));
    assert_ok(sl_p256_verify(public, signature,
                             (struct sl_blob){(const uint8_t *)jwt, (size_t)(last - jwt)}));
    sl_p256_key_free(public);
    sl_p256_free(curve);
}

static json_t *payload_of(const char *jwt)
{
    const char *first = strchr(jwt, '.');
    const char *last = strrchr(jwt, '.');
    assert_true(first != NULL && last > first);
    return part_decode(first + 1, (size_t)(last - first - 1));
}

static void test_result_ear_accepted(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct snp_rig *rig = snp_rig_make(&spec);
    struct sl_attest_result *result = judge(rig, (struct sl_blob){rig->report + 0x50, 64}, true);
    EVP_PKEY *key = pki_key_make(PKI_P256);
    struct sl_blob pem = key_pem(key, NULL);
    char *jwt = NULL;
    assert_ok(sl_attest_result_ear(result, pem, &jwt));
    assert_signature(jwt, key);
    json_t *header = part_decode(jwt, strcspn(jwt, "."));
    assert_header(header, key);
    json_t *payload = payload_of(jwt);
    assert_string_equal(string_of(payload, "eat_profile"), "tag:github.com,2023:veraison/ear");
    assert_int_equal(json_integer_value(json_object_get(payload, "iat")), PKI_NOW);
    assert_int_equal(json_integer_value(json_object_get(payload, "exp")), PKI_NOW + 365 * PKI_DAY);
    const char *nonce = string_of(payload, "eat_nonce");
    uint8_t bytes[80];
    assert_int_equal(base64url_decode(nonce, strlen(nonce), bytes), 64);
    assert_memory_equal(bytes, rig->report + 0x50, 64);
    json_t *submod = json_object_get(json_object_get(payload, "submods"), "sev-snp");
    assert_string_equal(string_of(submod, "ear.status"), "affirming");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(submod, "ear.trustworthiness-vector"), "hardware")),
                     2);
    assert_int_equal(
        strncmp(string_of(submod, "ear.appraisal-policy-id"), "urn:safelib:policy:", 19), 0);
    uint8_t hash[32];
    SHA256(rig->report, SL_SNP_REPORT_SIZE, hash);
    const char *evidence = string_of(submod, "safelib.evidence-sha256");
    assert_int_equal(base64url_decode(evidence, strlen(evidence), bytes), 32);
    assert_memory_equal(bytes, hash, 32);
    json_decref(header);
    json_decref(payload);
    free(jwt);
    pki_blob_free(pem);
    EVP_PKEY_free(key);
    sl_attest_result_free(result);
    snp_rig_free(rig);
}

static void test_result_ear_rejected_says_so(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct snp_rig *rig = snp_rig_make(&spec);
    struct sl_attest_result *result = judge(rig, (struct sl_blob){NULL, 0}, false);
    EVP_PKEY *key = pki_key_make(PKI_P256);
    struct sl_blob pem = key_pem(key, NULL);
    char *jwt = NULL;
    assert_ok(sl_attest_result_ear(result, pem, &jwt));
    assert_signature(jwt, key);
    json_t *payload = payload_of(jwt);
    assert_null(json_object_get(payload, "exp"));
    assert_null(json_object_get(payload, "eat_nonce"));
    json_t *submod = json_object_get(json_object_get(payload, "submods"), "sev-snp");
    assert_string_equal(string_of(submod, "ear.status"), "contraindicated");
    json_t *findings = json_object_get(submod, "safelib.findings");
    assert_int_equal(json_array_size(findings), 1);
    assert_string_equal(json_string_value(json_array_get(findings, 0)), "policy-empty");
    json_decref(payload);
    free(jwt);
    pki_blob_free(pem);
    EVP_PKEY_free(key);
    sl_attest_result_free(result);
    snp_rig_free(rig);
}

static void test_result_ear_other_keys_are_invalid(void **state)
{
    struct snp_spec spec = snp_spec_make(SL_SNP_MILAN, false);
    struct snp_rig *rig = snp_rig_make(&spec);
    struct sl_attest_result *result = judge(rig, (struct sl_blob){NULL, 0}, true);
    EVP_PKEY *p256 = pki_key_make(PKI_P256), *p384 = pki_key_make(PKI_P384);
    struct sl_blob encrypted = key_pem(p256, "word"), other = key_pem(p384, NULL);
    char *jwt = NULL;
    assert_rc(sl_attest_result_ear(result, (struct sl_blob){NULL, 0}, &jwt), SL_INVALID);
    assert_rc(sl_attest_result_ear(result, encrypted, &jwt), SL_INVALID);
    assert_rc(sl_attest_result_ear(result, other, &jwt), SL_INVALID);
    assert_rc(sl_attest_result_ear(result, rig->chain_pem, &jwt), SL_INVALID);
    pki_blob_free(encrypted);
    pki_blob_free(other);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    sl_attest_result_free(result);
    snp_rig_free(rig);
}

static void test_policy_id_differs_for_each_field(void **state)
{
    struct sl_attest_policy policy = {.reference_count = 1};
    char base[SL_POLICY_ID_SIZE], id[SL_POLICY_ID_SIZE];
    sl_policy_id(&policy, base);
    sl_policy_id(&policy, id);
    assert_string_equal(base, id);
    size_t changed = 0;
    uint8_t *bytes = (uint8_t *)&policy;
    const size_t first = offsetof(struct sl_attest_policy, references[0]);
    const size_t second = offsetof(struct sl_attest_policy, references[1]);
    for (size_t i = first; i < second; i++) {
        bytes[i] ^= 1;
        sl_policy_id(&policy, id);
        changed += strcmp(base, id) != 0;
        bytes[i] ^= 1;
    }
    assert_true(changed >= 14); /* each `has_` and each number; digests count where they are set */
    struct sl_attest_policy all[] = {policy, policy, policy, policy, policy, policy,
                                     policy, policy, policy, policy, policy};
    all[0].reference_count = 2;
    all[1].is_any_identity = true;
    all[2].tcb_accepted = 2;
    all[3].min_tcb_evaluation = 1;
    all[4].max_collateral_age_s = 1;
    all[5].min_snp_tcb[SL_SNP_TURIN].fmc = 1;
    all[6].max_vmpl = 1;
    all[7].is_smt_refused = true;
    all[8].insecure_allow_debug = true;
    all[9].is_migration_refused = true;
    all[10].is_amd_crl_required = true;
    char ids[11][SL_POLICY_ID_SIZE];
    for (size_t i = 0; i < 11; i++) {
        sl_policy_id(&all[i], ids[i]);
        assert_string_not_equal(ids[i], base);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(ids[i], ids[j]);
        }
    }
}

static int teardown(void **state)
{
    snp_keys_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_ear_accepted),
        cmocka_unit_test(test_result_ear_rejected_says_so),
        cmocka_unit_test(test_result_ear_other_keys_are_invalid),
        cmocka_unit_test(test_policy_id_differs_for_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
