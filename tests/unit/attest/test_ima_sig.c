/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of keys and the signatures that they vouch for. Signatures by other programs, and every
 * template: tests/system/ima_sig. */
#include "../unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "attest/ima_sig.h"
#include "safelib/bytes.h"

enum { SIG_MAX = 600, HEADER = 9 };

struct text {
    char *pem;
    size_t size;
};

static void key_append(EVP_PKEY *key, bool is_pem, struct text *text)
{
    uint8_t *der = NULL;
    const int der_size = i2d_PUBKEY(key, &der);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    long pem_size;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    pem_size = BIO_get_mem_data(bio, &pem);
    assert_ok(sl_ima_keys_append(is_pem ? (struct sl_blob){(const uint8_t *)pem, (size_t)pem_size}
                                        : (struct sl_blob){der, (size_t)der_size},
                                 &text->pem, &text->size, NULL));
    BIO_free(bio);
    OPENSSL_free(der);
}

static struct sl_ima_keyring *ring_of(EVP_PKEY *key, bool is_pem)
{
    struct text text = {0};
    struct sl_ima_keyring *ring = NULL;

    key_append(key, is_pem, &text);
    assert_ok(
        sl_ima_keyring_create((struct sl_blob){(const uint8_t *)text.pem, text.size}, &ring, NULL));
    free(text.pem);
    return ring;
}

/* A version 2 signature of a SHA-256 digest. */
static size_t sign(EVP_PKEY *key, const uint8_t digest[32], uint8_t out[SIG_MAX])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    X509_PUBKEY *spki = NULL;
    const unsigned char *bits;
    uint8_t id[SHA_DIGEST_LENGTH];
    size_t size = SIG_MAX - HEADER;
    int bits_size;

    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    }
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, out + HEADER, &size, digest, 32), 1);
    assert_int_equal(X509_PUBKEY_set(&spki, key), 1);
    X509_PUBKEY_get0_param(NULL, &bits, &bits_size, NULL, spki);
    SHA1(bits, (size_t)bits_size, id);
    out[0] = 3;
    out[1] = 2;
    out[2] = 4;
    memcpy(out + 3, id + 16, 4);
    sl_be16_put(out + 7, (uint16_t)size);
    X509_PUBKEY_free(spki);
    EVP_PKEY_CTX_free(ctx);
    return HEADER + size;
}

static enum sl_ima_sig_state check(const struct sl_ima_keyring *ring, const uint8_t digest[32],
                                   const uint8_t *sig, size_t size)
{
    static struct sl_ima_entry entry;
    struct sl_err why = {0};
    enum sl_ima_sig_state state;

    memset(&entry, 0, sizeof(entry));
    assert_ok(sl_ima_template_find("ima-sig", 7, &entry.template, NULL));
    entry.values[2] = (struct sl_ima_value){SL_IMA_SIG, sig, size};
    entry.digest = (struct sl_ima_digest){
        .name = "sha256", .hash = sl_tpm_hash_by_name("sha256", 6), .data = digest, .size = 32};
    state = sl_ima_sig_check(ring, &entry, &why);
    assert_int_equal(why.text[0] != '\0', state == SL_IMA_SIG_BAD || state == SL_IMA_SIG_UNKNOWN);
    return state;
}

static void test_changed_or_cut_signatures_are_never_good(void **state)
{
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-256")};
    uint8_t digest[32] = {1, 2, 3}, sig[SIG_MAX];

    for (size_t k = 0; k < 2; k++) {
        struct sl_ima_keyring *ring = ring_of(keys[k], k == 0);
        const size_t size = sign(keys[k], digest, sig);

        assert_int_equal(check(ring, digest, sig, size), SL_IMA_SIG_GOOD);
        assert_int_equal(check(ring, digest, sig, 0), SL_IMA_SIG_NONE);
        for (size_t cut = 1; cut < size; cut++) {
            assert_int_not_equal(check(ring, digest, sig, cut), SL_IMA_SIG_GOOD);
        }
        for (size_t at = 0; at < size; at++) {
            sig[at] ^= 1;
            assert_int_not_equal(check(ring, digest, sig, size), SL_IMA_SIG_GOOD);
            sig[at] ^= 1;
        }
        digest[31] ^= 1;
        assert_int_equal(check(ring, digest, sig, size), SL_IMA_SIG_BAD);
        digest[31] ^= 1;
        sig[3] ^= 1;
        assert_int_equal(check(ring, digest, sig, size), SL_IMA_SIG_UNKNOWN);
        sl_ima_keyring_free(ring);
        EVP_PKEY_free(keys[k]);
    }
}

static void test_files_that_are_no_keys_are_refused(void **state)
{
    static const char CUT[] = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
    static const char OTHER[] = "-----BEGIN THING-----\nMFkw\n-----END THING-----\n";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct text text = {0};
    uint8_t *der = NULL, two[512] = {0};
    const int size = i2d_PUBKEY(key, &der);
    char *large = calloc(1, SL_IMA_KEYS_SIZE_MAX + 1);
    struct sl_err err = {0};

    const struct {
        const void *data;
        size_t size;
        sl_rc rc;
    } ROWS[] = {
        {"", 0, SL_TRUNCATED},
        {"text", 4, SL_TRUNCATED},
        {OTHER, sizeof(OTHER) - 1, SL_TRUNCATED},
        {CUT, sizeof(CUT) - 1, SL_MALFORMED},
        {der, (size_t)size - 1, SL_MALFORMED},
        {two, (size_t)size + 1, SL_MALFORMED},
        {large, SL_IMA_KEYS_SIZE_MAX + 1, SL_RANGE},
    };

    memcpy(two, der, (size_t)size);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        assert_rc(sl_ima_keys_append((struct sl_blob){ROWS[i].data, ROWS[i].size}, &text.pem,
                                     &text.size, &err),
                  ROWS[i].rc);
        assert_true(err.text[0] != '\0');
        free(text.pem);
        text = (struct text){0};
    }
    free(large);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void ring_refused(struct text *text, sl_rc rc)
{
    struct sl_ima_keyring *ring;
    struct sl_err err = {0};

    assert_rc(sl_ima_keyring_create((struct sl_blob){(const uint8_t *)text->pem, text->size}, &ring,
                                    &err),
              rc);
    assert_null(ring);
    assert_true(err.text[0] != '\0');
    free(text->pem);
    *text = (struct text){0};
}

static void test_rings_that_are_none_are_refused(void **state)
{
    static char bad[] = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
    EVP_PKEY *weak[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct text text = {0};

    ring_refused(&text, SL_TRUNCATED);
    for (size_t i = 0; i < 3; i++) {
        key_append(weak[i], true, &text);
        ring_refused(&text, SL_UNSUPPORTED);
        EVP_PKEY_free(weak[i]);
    }
    text = (struct text){strdup(bad), sizeof(bad) - 1};
    ring_refused(&text, SL_MALFORMED);
    for (int i = 0; i <= SL_IMA_KEYS_MAX; i++) {
        key_append(key, false, &text);
    }
    ring_refused(&text, SL_RANGE);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_or_cut_signatures_are_never_good),
        cmocka_unit_test(test_files_that_are_no_keys_are_refused),
        cmocka_unit_test(test_rings_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
