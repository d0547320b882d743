/* SPDX-License-Identifier: Apache-2.0 */
/* Public areas of TPM objects: keys, attributes, names. */
#include "attest/tpm_public.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "attest/p256.h"
#include "attest/tpm_wire.h"

enum { TPM_ALG_RSA = 0x0001, TPM_ALG_NULL = 0x0010, TPM_ALG_ECC = 0x0023 };
enum { TPM_ALG_ECDAA = 0x001a };

static const struct {
    uint16_t id; /* TPM_ECC_CURVE */
    const char *name;
    size_t size;
} CURVES[] = {{0x0003, "P-256", 32}, {0x0004, "P-384", 48}, {0x0005, "P-521", 66}};

static EVP_PKEY *key_build(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(struct sl_blob modulus, uint32_t exponent)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.size, NULL), *e = BN_new();
    EVP_PKEY *key = NULL;

    /* part 2, 12.2.3.5: "when zero, indicates that the exponent is the default of 2^16 + 1" */
    if (build != NULL && n != NULL && e != NULL &&
        BN_set_word(e, exponent == 0 ? 65537 : exponent) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        key = key_build("RSA", build);
    }
    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *ec_key(const char *curve, size_t size, struct sl_blob x, struct sl_blob y)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    uint8_t point[1 + 2 * 66] = {4};
    EVP_PKEY *key = NULL;

    memcpy(point + 1 + size - x.size, x.data, x.size);
    memcpy(point + 1 + 2 * size - y.size, y.data, y.size);
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) ==
            1) {
        key = key_build("EC", build);
    }
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* What nearly every TPM has for an AK, in a twentieth of the time. It verifies and nothing else:
 * OpenSSL gives such a key's point in another form. */
static EVP_PKEY *signing_key(struct sl_blob x, struct sl_blob y)
{
    uint8_t xy[64] = {0};

    memcpy(xy + 32 - x.size, x.data, x.size);
    memcpy(xy + 64 - y.size, y.data, y.size);
    return sl_p256_pkey_create(xy);
}

static sl_rc rsa_read(struct sl_reader *r, struct sl_tpm_public *public, struct sl_err *err)
{
    const uint16_t bits = sl_reader_be16(r);
    const uint32_t exponent = sl_reader_be32(r);
    const struct sl_blob modulus = sl_tpm_blob_read(r);
    sl_rc rc = sl_reader_end(r);

    if (rc == SL_OK && (bits < 2048 || bits > 4096 || modulus.size * 8 != bits ||
                        (exponent != 0 && exponent < 65537))) {
        rc = SL_UNSUPPORTED;
    }
    if (rc != SL_OK) {
        return sl_err_set(err, rc,
                          "an RSA key of %u bits, exponent %u, in %zu bytes: 2048 to 4096 "
                          "bits and 65537 are expected",
                          bits, exponent, modulus.size);
    }
    public->key = rsa_key(modulus, exponent);
    return public->key != NULL ? SL_OK
                               : sl_err_set(err, SL_MALFORMED, "the RSA key cannot be used");
}

static sl_rc ec_read(struct sl_reader *r, struct sl_tpm_public *public, struct sl_err *err)
{
    const uint16_t curve = sl_reader_be16(r);
    const uint16_t kdf = sl_reader_be16(r);
    const bool is_signing = (public->attributes & (SL_TPMA_SIGN | SL_TPMA_DECRYPT)) == SL_TPMA_SIGN;
    struct sl_blob x, y;
    sl_rc rc;

    if (kdf != TPM_ALG_NULL) {
        (void)sl_reader_be16(r); /* its hash */
    }
    x = sl_tpm_blob_read(r);
    y = sl_tpm_blob_read(r);
    rc = sl_reader_end(r);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "the public area of an ECC key: %s", sl_rc_text(rc));
    }
    for (size_t i = 0; i < sizeof(CURVES) / sizeof(CURVES[0]); i++) {
        if (CURVES[i].id == curve && x.size <= CURVES[i].size && y.size <= CURVES[i].size) {
            public->key = is_signing && CURVES[i].size == 32
                              ? signing_key(x, y)
                              : ec_key(CURVES[i].name, CURVES[i].size, x, y);
            return public->key != NULL
                       ? SL_OK
                       : sl_err_set(err, SL_MALFORMED, "the point is not on %s", CURVES[i].name);
        }
    }
    return sl_err_set(err, SL_UNSUPPORTED, "curve %04x: P-256, P-384 and P-521 are known", curve);
}

static sl_rc name_make(struct sl_blob area, struct sl_tpm_public *public, struct sl_err *err)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(public->name_alg);

    /* part 1, 16: nameAlg, then its hash over the public area */
    if (hash == NULL ||
        sl_tpm_hash_two(hash, area.data, area.size, NULL, 0, public->name + 2) != SL_OK) {
        return sl_err_set(err, SL_UNSUPPORTED, "name algorithm %04x", public->name_alg);
    }
    sl_be16_put(public->name, public->name_alg);
    public->name_size = 2 + hash->size;
    return SL_OK;
}

static sl_rc area_read(struct sl_blob area, struct sl_tpm_public *public, struct sl_err *err)
{
    struct sl_reader r;

    sl_reader_init(&r, area.data, area.size);
    public->type = sl_reader_be16(&r);
    public->name_alg = sl_reader_be16(&r);
    public->attributes = sl_reader_be32(&r);
    (void)sl_tpm_blob_read(&r); /* authPolicy */
    public->symmetric = sl_reader_be16(&r);
    if (public->symmetric != TPM_ALG_NULL) {
        public->symmetric_bits = sl_reader_be16(&r);
        (void)sl_reader_be16(&r); /* mode */
    }
    public->scheme = sl_reader_be16(&r);
    if (public->scheme != TPM_ALG_NULL) {
        public->scheme_hash = sl_reader_be16(&r);
    }
    if (public->scheme == TPM_ALG_ECDAA) {
        (void)sl_reader_be16(&r); /* count */
    }
    if (r.rc != SL_OK) {
        return sl_err_set(err, r.rc, "a public area of %zu bytes ends too early", area.size);
    }
    switch (public->type) {
    case TPM_ALG_RSA:
        return rsa_read(&r, public, err);
    case TPM_ALG_ECC:
        return ec_read(&r, public, err);
    default:
        return sl_err_set(err, SL_UNSUPPORTED, "an object of type %04x: RSA and ECC are known",
                          public->type);
    }
}

sl_rc sl_tpm_public_read(struct sl_blob in, struct sl_tpm_public *ret_public, struct sl_err *err)
{
    struct sl_tpm_public public = {0};
    struct sl_blob area = in;
    sl_rc rc;

    memset(ret_public, 0, sizeof(*ret_public));
    if (in.size >= 2 && sl_be16_get(in.data) == in.size - 2) { /* TPM2B_PUBLIC */
        area = (struct sl_blob){in.data + 2, in.size - 2};
    }
    rc = area_read(area, &public, err);
    if (rc == SL_OK) {
        rc = name_make(area, &public, err);
    }
    if (rc != SL_OK) {
        sl_tpm_public_done(&public);
        return rc;
    }
    *ret_public = public;
    return SL_OK;
}

void sl_tpm_public_done(struct sl_tpm_public *public)
{
    EVP_PKEY_free(public->key);
    public->key = NULL;
}

static bool is_shaped(const struct sl_tpm_public *public, uint32_t set, uint32_t clear,
                      const char *what, struct sl_err *err)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } NAMES[] = {
        {SL_TPMA_FIXED_TPM, "fixedTPM"},
        {SL_TPMA_FIXED_PARENT, "fixedParent"},
        {SL_TPMA_SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin"},
        {SL_TPMA_RESTRICTED, "restricted"},
        {SL_TPMA_SIGN, "sign"},
        {SL_TPMA_DECRYPT, "decrypt"},
    };

    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        const bool is_set = (public->attributes & NAMES[i].bit) != 0;

        if (((set & NAMES[i].bit) != 0 && !is_set) || ((clear & NAMES[i].bit) != 0 && is_set)) {
            sl_err_record(err, SL_DENIED, "the key is no %s: attribute %s is %s (attributes %08x)",
                          what, NAMES[i].name, is_set ? "set" : "clear", public->attributes);
            return false;
        }
    }
    return true;
}

bool sl_tpm_public_is_ak(const struct sl_tpm_public *public, struct sl_err *err)
{
    return is_shaped(public,
                     SL_TPMA_FIXED_TPM | SL_TPMA_FIXED_PARENT | SL_TPMA_SENSITIVE_DATA_ORIGIN |
                         SL_TPMA_RESTRICTED | SL_TPMA_SIGN,
                     SL_TPMA_DECRYPT, "attestation key", err);
}

bool sl_tpm_public_is_ek(const struct sl_tpm_public *public, struct sl_err *err)
{
    return is_shaped(public,
                     SL_TPMA_FIXED_TPM | SL_TPMA_FIXED_PARENT | SL_TPMA_SENSITIVE_DATA_ORIGIN |
                         SL_TPMA_RESTRICTED | SL_TPMA_DECRYPT,
                     SL_TPMA_SIGN, "endorsement key", err);
}
