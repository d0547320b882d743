/* SPDX-License-Identifier: Apache-2.0 */
/* TPM quotes: published ones of a software TPM and of Google's vTPM, and what must be refused. */
#include "../unit.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "attest/tpm_public.h"
#include "attest/tpm_quote.h"
#include "safelib/bytes.h"

struct file {
    uint8_t data[65536];
    size_t size;
};

static struct file *file_read(const char *vector)
{
    char path[512];
    struct file *read;
    FILE *file;

    vector_path(vector, path, sizeof(path));
    file = fopen(path, "rb");
    assert_non_null(file);
    read = calloc(1, sizeof(*read));
    assert_non_null(read);
    read->size = fread(read->data, 1, sizeof(read->data), file);
    (void)fclose(file);
    return read;
}

static struct sl_blob blob_of(const struct file *file)
{
    return (struct sl_blob){file->data, file->size};
}

/* The published quote of keylime's test data, whose nonce and PCRs are known. */
struct published {
    struct file *attest, *signature, *pem;
    EVP_PKEY *ak;
    struct sl_tpm_pcrs pcrs;
    struct sl_tpm_expectation expected;
};

static const uint8_t KEYLIME_NONCE[20] = {0xdb, 0x1d, 0xb2, 0x98, 0xdb, 0x6d, 0x60,
                                          0xe6, 0x38, 0x5b, 0x72, 0x31, 0x74, 0x3e,
                                          0x9c, 0x30, 0x56, 0xa1, 0x80, 0x03};

static void pcrs_read(struct sl_tpm_pcrs *pcrs)
{
    /* tpm2-tools writes its structures as they lie in memory: selection at 0, digests at 136 */
    static const uint32_t PCRS[] = {15, 16, 22};
    struct file *file = file_read("tpm/keylime/quotepcr.out");

    assert_int_equal(file->size, 668);
    for (uint32_t i = 0; i < 3; i++) {
        assert_ok(sl_tpm_pcrs_put(pcrs, SL_TPM_ALG_SHA256, PCRS[i], file->data + 142 + 66 * i));
    }
    free(file);
}

static struct published *published_read(void)
{
    struct published *p;
    struct file *attest = file_read("tpm/keylime/quote.out");
    BIO *bio;

    p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->attest = attest;
    p->signature = file_read("tpm/keylime/quotesig.out");
    p->pem = file_read("tpm/keylime/akpub.pem");
    bio = BIO_new_mem_buf(p->pem->data, (int)p->pem->size);
    p->ak = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(p->ak);
    pcrs_read(&p->pcrs);
    p->expected.nonce = (struct sl_blob){KEYLIME_NONCE, sizeof(KEYLIME_NONCE)};
    p->expected.pcrs = &p->pcrs;
    p->expected.required.count = 1;
    p->expected.required.banks[0].alg = SL_TPM_ALG_SHA256;
    p->expected.required.banks[0].mask = 1u << 15 | 1u << 16 | 1u << 22;
    return p;
}

static void published_free(struct published *p)
{
    EVP_PKEY_free(p->ak);
    free(p->attest);
    free(p->signature);
    free(p->pem);
    free(p);
}

static void judge(struct published *p, struct sl_findings *findings)
{
    struct sl_tpm_quote quote;
    bool is_reboot;

    memset(findings, 0, sizeof(*findings));
    assert_ok(sl_tpm_quote_check(p->ak, blob_of(p->attest), blob_of(p->signature), &p->expected,
                                 findings, &quote, &is_reboot));
}

static void assert_only(const struct sl_findings *findings, enum sl_attest_check check)
{
    assert_int_equal(findings->failure_count, 1);
    assert_int_equal(findings->checks[0], check);
}

static void test_published_quote_is_good(void **state)
{
    struct published *p = published_read();
    struct sl_findings findings;
    struct sl_tpm_quote quote;

    judge(p, &findings);
    assert_int_equal(findings.count, 0);
    assert_ok(sl_tpm_quote_read(blob_of(p->attest), &quote, NULL));
    assert_int_equal(quote.clock.clock_ms, 0x176a);
    assert_int_equal(quote.selection.banks[0].mask, p->expected.required.banks[0].mask);
    published_free(p);
}

static void test_quote_with_any_bit_flipped_is_refused(void **state)
{
    struct published *p = published_read();
    struct sl_findings findings;

    for (size_t bit = 0; bit < 8 * p->attest->size; bit++) {
        p->attest->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge(p, &findings);
        assert_true(findings.failure_count > 0);
        p->attest->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * p->signature->size; bit++) {
        p->signature->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge(p, &findings);
        assert_true(findings.failure_count > 0);
        p->signature->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    published_free(p);
}

static void test_quote_cut_anywhere_is_refused(void **state)
{
    struct published *p = published_read();
    const size_t size = p->attest->size;
    struct sl_tpm_quote quote;

    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1);

        memcpy(copy, p->attest->data, cut);
        assert_true(sl_tpm_quote_read((struct sl_blob){copy, cut}, &quote, NULL) != SL_OK);
        free(copy);
    }
    p->attest->size++;
    assert_rc(sl_tpm_quote_read(blob_of(p->attest), &quote, NULL), SL_MALFORMED);
    published_free(p);
}

static void test_what_was_not_asked_for_is_refused(void **state)
{
    struct published *p = published_read();
    struct sl_findings findings;
    const uint8_t other[20] = {0};

    p->expected.nonce.data = other;
    judge(p, &findings);
    assert_only(&findings, SL_CHECK_TPM_NONCE);
    p->expected.nonce = (struct sl_blob){KEYLIME_NONCE, 19};
    judge(p, &findings);
    assert_only(&findings, SL_CHECK_TPM_NONCE);
    p->expected.nonce.data = NULL;

    p->expected.required.banks[0].mask |= 1u << 10;
    judge(p, &findings);
    assert_only(&findings, SL_CHECK_TPM_SELECTION);
    assert_non_null(strstr(findings.list[0].text, "PCR 10 of bank sha256"));
    p->expected.required.count = 0;

    p->pcrs.banks[0].value[16][0] ^= 1;
    judge(p, &findings);
    assert_only(&findings, SL_CHECK_TPM_PCRS);
    p->pcrs.banks[0].mask &= ~(1u << 22);
    judge(p, &findings);
    assert_only(&findings, SL_CHECK_TPM_PCRS);
    published_free(p);
}

static void test_clock_that_goes_back_is_refused(void **state)
{
    static const struct {
        struct sl_tpm_clock previous;
        uint64_t firmware;
        enum sl_attest_check check; /* SL_CHECK_INTERNAL: none */
        bool is_reboot;
    } ROWS[] = {
        {{0x1769, 0, 0, true}, 0x2016051100162800, SL_CHECK_INTERNAL, false},
        {{0x176a, 0, 0, true}, 0x2016051100162800, SL_CHECK_TPM_CLOCK, false},
        {{0x176b, 0, 0, true}, 0x2016051100162800, SL_CHECK_TPM_CLOCK, false},
        {{0x1000, 1, 0, true}, 0x2016051100162800, SL_CHECK_TPM_CLOCK, false},
        {{0x1000, 0, 1, true}, 0x2016051100162800, SL_CHECK_TPM_CLOCK, false},
        {{0x1000, 0, 0, true}, 1, SL_CHECK_TPM_FIRMWARE, false},
    };
    struct published *p = published_read();

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct sl_findings findings = {0};
        struct sl_tpm_quote quote;
        bool is_reboot = true;

        p->expected.has_previous = true;
        p->expected.previous = ROWS[i].previous;
        p->expected.previous_firmware = ROWS[i].firmware;
        assert_ok(sl_tpm_quote_check(p->ak, blob_of(p->attest), blob_of(p->signature), &p->expected,
                                     &findings, &quote, &is_reboot));
        assert_int_equal(is_reboot, ROWS[i].is_reboot);
        if (ROWS[i].check == SL_CHECK_INTERNAL) {
            assert_int_equal(findings.count, 0);
        } else {
            assert_only(&findings, ROWS[i].check);
        }
    }
    published_free(p);
}

/* ---- made here: every scheme, and quotes that no honest verifier asks for ---- */

struct made {
    uint8_t attest[256];
    size_t attest_size;
    uint8_t signature[1024];
    size_t signature_size;
};

static void quote_make(struct made *made, uint32_t mask, uint32_t resets, uint64_t clock)
{
    struct sl_writer w;

    sl_writer_init(&w, made->attest, sizeof(made->attest));
    sl_writer_be32(&w, 0xff544347);
    sl_writer_be16(&w, 0x8018);
    sl_writer_be16(&w, 0);
    sl_writer_be16(&w, 4);
    sl_writer_bytes(&w, "once", 4);
    sl_writer_be64(&w, clock);
    sl_writer_be32(&w, resets);
    sl_writer_be32(&w, 0);
    sl_writer_u8(&w, 1);
    sl_writer_be64(&w, 7);
    sl_writer_be32(&w, 1);
    sl_writer_be16(&w, SL_TPM_ALG_SHA256);
    sl_writer_u8(&w, 3);
    sl_writer_u8(&w, (uint8_t)mask);
    sl_writer_u8(&w, (uint8_t)(mask >> 8));
    sl_writer_u8(&w, (uint8_t)(mask >> 16));
    sl_writer_be16(&w, 0);
    assert_ok(w.rc);
    made->attest_size = w.off;
}

static int g_salt = RSA_PSS_SALTLEN_MAX; /* of RSAPSS signatures that quote_sign makes */

static void quote_sign(struct made *made, EVP_PKEY *key, uint16_t scheme, const char *hash,
                       uint16_t alg, bool is_plain)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_ctx;
    uint8_t raw[512];
    size_t size = sizeof(raw);
    struct sl_writer w;

    assert_int_equal(EVP_DigestSignInit_ex(ctx, &key_ctx, hash, NULL, NULL, key, NULL), 1);
    if (scheme == 0x0016) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, g_salt), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, raw, &size, made->attest, made->attest_size), 1);
    EVP_MD_CTX_free(ctx);
    sl_writer_init(&w, made->signature, sizeof(made->signature));
    if (!is_plain) {
        sl_writer_be16(&w, scheme);
        sl_writer_be16(&w, alg);
    }
    if (is_plain) {
        sl_writer_bytes(&w, raw, size);
    } else if (scheme != 0x0018) {
        sl_writer_be16(&w, (uint16_t)size);
        sl_writer_bytes(&w, raw, size);
    } else {
        const uint8_t *at = raw;
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)size);
        uint8_t number[66];

        assert_non_null(sig);
        for (int i = 0; i < 2; i++) {
            const BIGNUM *bn = i == 0 ? ECDSA_SIG_get0_r(sig) : ECDSA_SIG_get0_s(sig);
            const int bytes = BN_bn2bin(bn, number);

            sl_writer_be16(&w, (uint16_t)bytes);
            sl_writer_bytes(&w, number, (size_t)bytes);
        }
        ECDSA_SIG_free(sig);
    }
    assert_ok(w.rc);
    made->signature_size = w.off;
}

static sl_rc made_verify(const struct made *made, EVP_PKEY *key, uint16_t *ret_alg)
{
    return sl_tpm_signature_verify(key, (struct sl_blob){made->attest, made->attest_size},
                                   (struct sl_blob){made->signature, made->signature_size}, ret_alg,
                                   NULL);
}

static void test_every_scheme_verifies_and_no_other_key_does(void **state)
{
    static const struct {
        bool is_ec, is_plain;
        uint16_t scheme;
        const char *hash;
        uint16_t alg;
        sl_rc rc;
    } ROWS[] = {
        {false, false, 0x0014, "SHA2-256", 0x000b, SL_OK},
        {false, false, 0x0014, "SHA2-384", 0x000c, SL_OK},
        {false, false, 0x0016, "SHA2-256", 0x000b, SL_OK},
        {true, false, 0x0018, "SHA2-256", 0x000b, SL_OK},
        {true, false, 0x0018, "SHA2-512", 0x000d, SL_OK},
        {false, true, 0x0014, "SHA2-256", 0x000b, SL_OK},
        {true, true, 0x0018, "SHA2-256", 0x000b, SL_OK},
        {false, false, 0x0014, "SHA1", 0x0004, SL_UNSUPPORTED},
        {true, false, 0x0018, "SHA2-256", 0x000c, SL_AUTH},
    };
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    struct made made;

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        EVP_PKEY *key = ROWS[i].is_ec ? ec : rsa;
        uint16_t alg = 0;

        quote_make(&made, 1, 0, 1);
        quote_sign(&made, key, ROWS[i].scheme, ROWS[i].hash, ROWS[i].alg, ROWS[i].is_plain);
        assert_rc(made_verify(&made, key, &alg), ROWS[i].rc);
        if (ROWS[i].rc == SL_OK) {
            assert_int_equal(alg, ROWS[i].alg);
            assert_true(made_verify(&made, ROWS[i].is_ec ? rsa : other, &alg) != SL_OK);
            made.attest[20] ^= 1;
            assert_rc(made_verify(&made, key, &alg), SL_AUTH);
        }
    }
    made.signature_size = 3;
    assert_true(made_verify(&made, ec, &(uint16_t){0}) != SL_OK);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(other);
}

/* Keys that TPMs have, with each hash, both lengths of salt, and the plain form, which does not say
 * its hash. */
static void test_every_key_hash_and_salt_verifies(void **state)
{
    static const struct {
        const char *name;
        uint16_t alg;
    } HASHES[] = {{"SHA2-256", 0x000b}, {"SHA2-384", 0x000c}, {"SHA2-512", 0x000d}};
    static const int SALTS[] = {RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX};
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048),   EVP_RSA_gen(3072),   EVP_RSA_gen(4096),
                        EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521")};
    struct made made;

    quote_make(&made, 1, 0, 1);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const bool is_rsa = EVP_PKEY_get_base_id(keys[i]) == EVP_PKEY_RSA;

        for (size_t j = 0; j < 3 * 2 * 2 * 2; j++) {
            const bool is_plain = (j & 1) != 0, is_pss = (j & 2) != 0;
            const size_t hash = j / 8;
            uint16_t alg = 0;

            g_salt = SALTS[j / 4 % 2];
            quote_sign(&made, keys[i],
                       !is_rsa  ? 0x0018
                       : is_pss ? 0x0016
                                : 0x0014,
                       HASHES[hash].name, HASHES[hash].alg, is_plain);
            assert_ok(made_verify(&made, keys[i], &alg));
            assert_int_equal(alg, HASHES[hash].alg);
            made.attest[30] ^= 1;
            assert_rc(made_verify(&made, keys[i], &alg), SL_AUTH);
            made.attest[30] ^= 1;
        }
        EVP_PKEY_free(keys[i]);
    }
    g_salt = RSA_PSS_SALTLEN_MAX;
}

static void test_quote_of_no_pcr_is_refused_and_reboot_is_seen(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    struct sl_tpm_expectation expected = {.has_previous = true, .previous_firmware = 6};
    struct sl_findings findings = {0};
    struct sl_tpm_quote quote;
    struct made made;
    bool is_reboot = false;

    quote_make(&made, 0, 3, 1);
    quote_sign(&made, ec, 0x0018, "SHA2-256", 0x000b, false);
    expected.previous = (struct sl_tpm_clock){.clock_ms = 1000, .reset_count = 2};
    assert_ok(sl_tpm_quote_check(ec, (struct sl_blob){made.attest, made.attest_size},
                                 (struct sl_blob){made.signature, made.signature_size}, &expected,
                                 &findings, &quote, &is_reboot));
    assert_only(&findings, SL_CHECK_TPM_SELECTION);
    assert_true(is_reboot);
    EVP_PKEY_free(ec);
}

static void test_attestation_that_is_no_quote_is_refused(void **state)
{
    struct sl_tpm_quote quote;
    struct made made;

    quote_make(&made, 1, 0, 1);
    made.attest[5] = 0x17; /* TPM_ST_ATTEST_CERTIFY */
    assert_rc(sl_tpm_quote_read((struct sl_blob){made.attest, made.attest_size}, &quote, NULL),
              SL_UNSUPPORTED);
    made.attest[0] = 0;
    assert_rc(sl_tpm_quote_read((struct sl_blob){made.attest, made.attest_size}, &quote, NULL),
              SL_MALFORMED);
}

/* ---- Google's attestation: three banks, nonce 9009 ---- */

static size_t varint(const uint8_t *data, size_t size, size_t *off)
{
    size_t value = 0;

    for (unsigned shift = 0; *off < size; shift += 7) {
        const uint8_t byte = data[(*off)++];

        value |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            break;
        }
    }
    return value;
}

/* The next field of a protobuf message; false at its end. */
static bool field_next(struct sl_blob message, size_t *off, unsigned *ret_number, size_t *ret_value,
                       struct sl_blob *ret_bytes)
{
    size_t key;

    if (*off >= message.size) {
        return false;
    }
    key = varint(message.data, message.size, off);
    *ret_number = (unsigned)(key >> 3);
    *ret_value = varint(message.data, message.size, off);
    if ((key & 7) == 2) {
        *ret_bytes = (struct sl_blob){message.data + *off, *ret_value};
        *off += *ret_value;
    }
    return true;
}

static void google_pcrs_read(struct sl_blob message, struct sl_tpm_pcrs *pcrs)
{
    size_t off = 0, value;
    unsigned number;
    struct sl_blob bytes;
    uint16_t alg = 0;

    while (field_next(message, &off, &number, &value, &bytes)) {
        if (number == 1) {
            alg = (uint16_t)value;
        } else if (number == 2) {
            size_t at = 0, pcr = 0;
            struct sl_blob digest = {0}, entry = bytes;

            while (field_next(entry, &at, &number, &value, &bytes)) {
                if (number == 1) {
                    pcr = value;
                } else {
                    digest = bytes;
                }
            }
            assert_int_equal(digest.size, sl_tpm_hash_by_alg(alg)->size);
            assert_ok(sl_tpm_pcrs_put(pcrs, alg, (uint32_t)pcr, digest.data));
        }
    }
}

static void test_google_quotes_in_three_banks_are_good(void **state)
{
    struct file *file = file_read("tpm/go-tpm-tools/gce-cos-85-nonce9009.pb");
    static const uint8_t NONCE[] = {0x90, 0x09};
    const struct sl_blob message = blob_of(file);
    size_t off = 0, value;
    unsigned number, quotes = 0;
    struct sl_blob bytes;
    struct sl_tpm_public ak = {0};

    while (field_next(message, &off, &number, &value, &bytes)) {
        if (number == 1) {
            assert_ok(sl_tpm_public_read(bytes, &ak, NULL));
            assert_true(sl_tpm_public_is_ak(&ak, NULL));
        } else if (number == 2) {
            struct sl_tpm_pcrs pcrs = {0};
            struct sl_tpm_expectation expected = {.pcrs = &pcrs, .nonce = {NONCE, 2}};
            struct sl_findings findings = {0};
            struct sl_blob attest = {0}, signature = {0}, quote_message = bytes;
            struct sl_tpm_quote quote;
            bool is_reboot;
            size_t at = 0;

            while (field_next(quote_message, &at, &number, &value, &bytes)) {
                if (number == 1) {
                    attest = bytes;
                } else if (number == 2) {
                    signature = bytes;
                } else {
                    google_pcrs_read(bytes, &pcrs);
                }
            }
            assert_ok(sl_tpm_quote_check(ak.key, attest, signature, &expected, &findings, &quote,
                                         &is_reboot));
            if (findings.count > 0) {
                fail_msg("%s", findings.list[0].text);
            }
            assert_int_equal(quote.selection.banks[0].mask, 0xffffff);
            quotes++;
        }
    }
    assert_int_equal(quotes, 3);
    sl_tpm_public_done(&ak);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_quote_is_good),
        cmocka_unit_test(test_quote_with_any_bit_flipped_is_refused),
        cmocka_unit_test(test_quote_cut_anywhere_is_refused),
        cmocka_unit_test(test_what_was_not_asked_for_is_refused),
        cmocka_unit_test(test_clock_that_goes_back_is_refused),
        cmocka_unit_test(test_every_scheme_verifies_and_no_other_key_does),
        cmocka_unit_test(test_every_key_hash_and_salt_verifies),
        cmocka_unit_test(test_quote_of_no_pcr_is_refused_and_reboot_is_seen),
        cmocka_unit_test(test_attestation_that_is_no_quote_is_refused),
        cmocka_unit_test(test_google_quotes_in_three_banks_are_good),
    };
    return cmocka_run_group_tests_name("attest/tpm_quote", tests, NULL, NULL);
}
