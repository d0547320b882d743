/* SPDX-License-Identifier: Apache-2.0 */
/* Making a SIGSTRUCT, and the author's key. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/secret.h"
#include "device/measure.h"
#include "device/sigstruct.h"
#include "device/sigstruct_form.h"

/* AVX and AVX-512 state: which of them exist is the machine's business (ECREATE refuses XFRM bits
   that XCR0 lacks), so a signature leaves them open. */
#define XFRM_OPEN 0xe4ull

sl_rc sl_sigstruct_params_of(const struct sl_image *image, struct sl_sigstruct_params *ret_params,
                             struct sl_err *err)
{
    struct sl_sigstruct_params p = {
        .misc_select = image->misc_select,
        .misc_mask = UINT32_MAX,
        .attributes = image->attributes,
        .attributes_mask = {.flags = ~SL_ATTR_INIT, .xfrm = ~XFRM_OPEN},
        .isv_prod_id = image->wants.isv_prod_id,
        .isv_svn = image->wants.isv_svn,
    };
    p.attributes.flags &= ~(SL_ATTR_INIT | SL_ATTR_DEBUG);
    sl_rc rc = sl_image_measure(image, p.mrenclave, err);
    if (rc == SL_OK) {
        *ret_params = p;
    }
    return rc;
}

sl_rc sl_sigstruct_date_parse(const char *text, uint32_t *ret_date)
{
    static const uint8_t days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t bcd = 0;
    unsigned month = 0;
    unsigned day = 0;
    for (size_t i = 0; i < 8; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return SL_MALFORMED;
        }
        unsigned digit = (unsigned)(text[i] - '0');
        bcd = (bcd << 4) | digit;
        if (i == 4 || i == 5) {
            month = month * 10 + digit;
        } else if (i > 5) {
            day = day * 10 + digit;
        }
    }
    if (text[8] != '\0') {
        return SL_MALFORMED;
    }
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1]) {
        return SL_RANGE;
    }
    *ret_date = bcd;
    return SL_OK;
}

sl_rc sl_sign_key_new(EVP_PKEY **ret_key, struct sl_err *err)
{
    EVP_PKEY *key = NULL;
    BIGNUM *three = BN_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    sl_rc rc = SL_OK;
    if (three == NULL || ctx == NULL || BN_set_word(three, 3) != 1 ||
        EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SL_RSA3072_SIZE * 8) != 1 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three) != 1 || EVP_PKEY_keygen(ctx, &key) != 1) {
        rc = sl_err_set(err, SL_CRYPTO, "OpenSSL could not make an RSA-3072 key with e = 3");
        goto out;
    }
    *ret_key = key;
out:
    EVP_PKEY_CTX_free(ctx);
    BN_free(three);
    return rc;
}

/* SL_OK where SGX can use the key. */
static sl_rc key_check(EVP_PKEY *key, struct sl_err *err)
{
    BIGNUM *e = NULL;
    bool is_three = EVP_PKEY_is_a(key, "RSA") == 1 &&
                    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_word(e, 3);
    BN_free(e);
    if (!is_three || EVP_PKEY_get_bits(key) != SL_RSA3072_SIZE * 8) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "SGX takes only RSA keys of 3072 bits with e = 3; make one with `safelib "
                          "image sign --new-key`, or `openssl genrsa -3 3072`");
    }
    return SL_OK;
}

sl_rc sl_sign_key_load(const char *path, EVP_PKEY **ret_key, struct sl_err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (key == NULL) {
        return sl_err_set(err, SL_MALFORMED, "%s: no PEM private key in it, or a wrong passphrase",
                          path);
    }
    sl_rc rc = key_check(key, err);
    if (rc != SL_OK) {
        EVP_PKEY_free(key);
        sl_err_prefix(err, "%s", path);
        return rc;
    }
    *ret_key = key;
    return SL_OK;
}

sl_rc sl_sign_key_save(const char *path, EVP_PKEY *key, struct sl_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST
                   ? sl_err_set(err, SL_EXISTS,
                                "%s: exists already; a signing key is never overwritten", path)
                   : sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    FILE *file = fdopen(fd, "w");
    if (file == NULL) {
        (void)close(fd);
        return sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno));
    }
    bool is_written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    bool is_closed = fclose(file) == 0;
    if (!is_written || !is_closed) {
        (void)unlink(path);
        return is_written ? sl_err_set(err, SL_IO, "%s: %s", path, strerror(errno))
                          : sl_err_set(err, SL_CRYPTO, "%s: the key could not be written", path);
    }
    return SL_OK;
}

static bool rsa_sign(EVP_PKEY *key, const uint8_t digest[32], uint8_t ret_signature[])
{
    size_t size = SL_RSA3072_SIZE;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool is_ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
                 EVP_PKEY_sign(ctx, ret_signature, &size, digest, 32) == 1 &&
                 size == SL_RSA3072_SIZE;
    EVP_PKEY_CTX_free(ctx);
    return is_ok;
}

/* Modulus, signature, Q1 and Q2 into the structure, little-endian. */
static bool numbers_write(EVP_PKEY *key, const uint8_t *signature, struct sl_sigstruct *sig)
{
    BIGNUM *m = NULL;
    BN_CTX *ctx = BN_CTX_new();
    if (ctx == NULL || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &m) != 1) {
        BN_CTX_free(ctx);
        return false;
    }
    BN_CTX_start(ctx);
    BIGNUM *s = BN_CTX_get(ctx);
    BIGNUM *q1 = BN_CTX_get(ctx);
    BIGNUM *q2 = BN_CTX_get(ctx);
    BIGNUM *cube = BN_CTX_get(ctx);
    bool is_ok = cube != NULL && BN_bin2bn(signature, SL_RSA3072_SIZE, s) != NULL &&
                 sl_sigstruct_quotients(s, m, q1, q2, cube, ctx) &&
                 BN_bn2lebinpad(m, sig->modulus, SL_RSA3072_SIZE) == SL_RSA3072_SIZE &&
                 BN_bn2lebinpad(s, sig->signature, SL_RSA3072_SIZE) == SL_RSA3072_SIZE &&
                 BN_bn2lebinpad(q1, sig->q1, SL_RSA3072_SIZE) == SL_RSA3072_SIZE &&
                 BN_bn2lebinpad(q2, sig->q2, SL_RSA3072_SIZE) == SL_RSA3072_SIZE;
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    BN_free(m);
    return is_ok;
}

sl_rc sl_sigstruct_sign(const struct sl_sigstruct_params *params, EVP_PKEY *key,
                        struct sl_sigstruct *ret_sig, struct sl_err *err)
{
    uint8_t digest[32];
    uint8_t signature[SL_RSA3072_SIZE];
    struct sl_sigstruct sig = {
        .date = params->date != 0 ? params->date : SL_SIGSTRUCT_DATE_NONE,
        .sw_defined = params->sw_defined,
        .exponent = 3,
        .misc_select = params->misc_select,
        .misc_mask = params->misc_mask,
        .attributes = params->attributes,
        .attributes_mask = params->attributes_mask,
        .isv_prod_id = params->isv_prod_id,
        .isv_svn = params->isv_svn,
    };
    memcpy(sig.header, sl_sigstruct_header, sizeof(sig.header));
    memcpy(sig.header2, sl_sigstruct_header2, sizeof(sig.header2));
    memcpy(sig.mrenclave, params->mrenclave, sizeof(sig.mrenclave));
    memcpy(sig.isv_family_id, params->isv_family_id, sizeof(sig.isv_family_id));
    memcpy(sig.isv_ext_prod_id, params->isv_ext_prod_id, sizeof(sig.isv_ext_prod_id));

    sl_rc rc = key_check(key, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (!sl_sigstruct_digest(&sig, digest) || !rsa_sign(key, digest, signature) ||
        !numbers_write(key, signature, &sig)) {
        return sl_err_set(err, SL_CRYPTO, "OpenSSL could not sign with this key");
    }
    rc = sl_sigstruct_check(&sig, NULL, err);
    if (rc != SL_OK) {
        /* A fault while signing would give a file that only the target machine refuses. */
        return sl_err_prefix(err, "the new signature does not check");
    }
    *ret_sig = sig;
    return SL_OK;
}
