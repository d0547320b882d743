/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the list that somebody signed, judged by a policy's keys. */
#include "../unit.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "monitor/tpm_state.h"
#include "rig.h"
#include "safelib/bytes.h"

static size_t signature_make(EVP_PKEY *key, const uint8_t digest[32], uint8_t out[9 + 80])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    X509_PUBKEY *spki = NULL;
    const unsigned char *bits;
    uint8_t id[SHA_DIGEST_LENGTH];
    size_t size = 80;
    int bits_size;

    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, out + 9, &size, digest, 32), 1);
    assert_int_equal(X509_PUBKEY_set(&spki, key), 1);
    X509_PUBKEY_get0_param(NULL, &bits, &bits_size, NULL, spki);
    SHA1(bits, (size_t)bits_size, id);
    memcpy(out, "\x03\x02\x04", 3);
    memcpy(out + 3, id + 16, 4);
    sl_be16_put(out + 7, (uint16_t)size);
    X509_PUBKEY_free(spki);
    EVP_PKEY_CTX_free(ctx);
    return 9 + size;
}

static void field_put(struct sl_writer *w, const void *a, size_t a_size, const void *b,
                      size_t b_size)
{
    const uint32_t size = (uint32_t)(a_size + b_size);

    sl_writer_bytes(w, &size, 4); /* little-endian, as this machine */
    sl_writer_bytes(w, a, a_size);
    sl_writer_bytes(w, b, b_size);
}

/* The digest of a file is the SHA-256 of its path; a bad signature is that of another. */
static void measure_signed(struct rig *rig, uint32_t pcr, const char *path, EVP_PKEY *key,
                           bool is_good)
{
    uint8_t digest[32], sig[9 + 80], data[512];
    size_t sig_size;
    struct sl_writer w;

    SHA256((const uint8_t *)path, strlen(path), digest);
    digest[0] = (uint8_t)(digest[0] ^ !is_good);
    sig_size = signature_make(key, digest, sig);
    digest[0] = (uint8_t)(digest[0] ^ !is_good);
    sl_writer_init(&w, data, sizeof(data));
    field_put(&w, "sha256:", 8, digest, sizeof(digest));
    field_put(&w, path, strlen(path) + 1, "", 0);
    field_put(&w, sig, sig_size, "", 0);
    assert_ok(w.rc);
    rig_list_add(rig, pcr, "ima-sig", data, w.off, false);
}

static void keys_give(struct rig *rig, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    uint8_t *text, *copy;
    long size;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    size = BIO_get_mem_data(bio, &text);
    copy = malloc((size_t)size);
    assert_non_null(copy);
    memcpy(copy, text, (size_t)size);
    assert_ok(sl_monitor_policy_keys_set(rig->policy, copy, (size_t)size, NULL));
    BIO_free(bio);
}

static void expect(struct rig *rig, enum sl_subject_kind kind, const char *id,
                   enum sl_verdict verdict, const char *code)
{
    struct sl_appraisal appraisal;
    const struct sl_subject *subject;

    rig_round(rig, &appraisal);
    subject = rig_subject(&appraisal, kind, id);
    if (subject->verdict != verdict || (code != NULL && rig_reason(subject, code) == NULL)) {
        rig_show(&appraisal);
        fail_msg("%s is %s, expected %s by %s", id, sl_verdict_text(subject->verdict),
                 sl_verdict_text(verdict), code);
    }
    sl_appraisal_done(&appraisal);
}

static void expect_host(struct rig *rig, enum sl_verdict verdict, const char *code)
{
    expect(rig, SL_SUBJECT_HOST, "host", verdict, code);
}

static void test_signed_file_needs_no_reference_digest(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct rig *rig = rig_make();

    measure_signed(rig, 10, "/opt/signed", key, true);
    expect_host(rig, SL_VERDICT_UNTRUSTED, "digest-unknown"); /* the policy has no keys */
    keys_give(rig, key); /* another tag: judged from entry 0 again */
    expect_host(rig, SL_VERDICT_TRUSTED, NULL);
    rig_measure(rig, 10, "/opt/unsigned");
    expect_host(rig, SL_VERDICT_UNTRUSTED, "digest-unknown");
    rig_free(rig);
    EVP_PKEY_free(key);
}

static void test_unknown_signer_is_named_until_the_digest_is_imported(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    struct rig *rig = rig_make();

    keys_give(rig, key);
    measure_signed(rig, 10, "/opt/foreign", other, true);
    expect_host(rig, SL_VERDICT_UNTRUSTED, "signature-unknown");
    rig->known[rig->known_count++] = "host:/opt/foreign";
    expect_host(rig, SL_VERDICT_TRUSTED, NULL);
    rig->policy->unknown_verdict = SL_VERDICT_DEGRADED;
    measure_signed(rig, 10, "/opt/foreign2", other, true);
    expect_host(rig, SL_VERDICT_DEGRADED, "signature-unknown");
    rig_free(rig);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void test_bad_signature_counts_even_of_a_known_file(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct rig *rig = rig_make();

    keys_give(rig, key);
    rig->known[rig->known_count++] = "host:/opt/known";
    rig->policy->unknown_verdict = SL_VERDICT_DEGRADED;
    measure_signed(rig, 10, "/opt/known", key, false);
    expect_host(rig, SL_VERDICT_UNTRUSTED, "signature-bad");
    expect_host(rig, SL_VERDICT_UNTRUSTED, "signature-bad");
    rig_free(rig);
    EVP_PKEY_free(key);
}

static void test_signature_accepts_nothing_of_a_container(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct rig *rig = rig_make();

    keys_give(rig, key);
    rig_container(rig, "web-1", "registry/web:1", 100000, "running");
    measure_signed(rig, 11, "/opt/signed", key, true);
    expect(rig, SL_SUBJECT_CONTAINER, "web-1", SL_VERDICT_UNTRUSTED, "digest-unknown");
    rig_free(rig);
    EVP_PKEY_free(key);
}

static void test_keys_that_are_none_leave_the_policy_as_it_was(void **state)
{
    struct rig *rig = rig_make();
    uint8_t tag[SL_POLICY_TAG_SIZE];
    uint8_t *pem = (uint8_t *)strdup("no key");
    size_t size = 0;
    struct sl_err err = {0};

    memcpy(tag, rig->policy->tag, sizeof(tag));
    assert_rc(sl_monitor_policy_keys_set(rig->policy, pem, 6, &err), SL_TRUNCATED);
    assert_non_null(strstr(err.text, "ima.keys"));
    assert_null(rig->policy->ima_keyring);
    assert_memory_equal(rig->policy->tag, tag, sizeof(tag));
    assert_rc(sl_monitor_keys_read("/nonexistent/keys", &pem, &size, &err), SL_NOT_FOUND);
    assert_rc(sl_monitor_keys_read("/etc/hostname", &pem, &size, &err), SL_TRUNCATED);
    assert_null(pem);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_file_needs_no_reference_digest),
        cmocka_unit_test(test_unknown_signer_is_named_until_the_digest_is_imported),
        cmocka_unit_test(test_bad_signature_counts_even_of_a_known_file),
        cmocka_unit_test(test_signature_accepts_nothing_of_a_container),
        cmocka_unit_test(test_keys_that_are_none_leave_the_policy_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
