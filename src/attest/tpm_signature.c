/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of a TPM: TPMT_SIGNATURE (part 2, 11.3.4), or as OpenSSL writes them. */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/p256.h"
#include "attest/tpm_quote.h"
#include "attest/tpm_wire.h"

enum { TPM_ALG_RSASSA = 0x0014, TPM_ALG_RSAPSS = 0x0016, TPM_ALG_ECDSA = 0x0018 };
enum { DER_MAX = 160 };

struct signature {
    uint16_t scheme;
    uint16_t alg;
    struct sl_blob rsa;
    struct sl_blob r, s;  /* ECDSA, as a TPM writes it */
    uint8_t der[DER_MAX]; /* ECDSA-Sig-Value */
    size_t der_size;
};

static sl_rc ecdsa_der(struct signature *signature)
{
    const struct sl_blob r = signature->r, s = signature->s;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r_bn = BN_bin2bn(r.data, (int)r.size, NULL),
           *s_bn = BN_bin2bn(s.data, (int)s.size, NULL);
    uint8_t *der = NULL;
    int size = -1;

    if (sig != NULL && r_bn != NULL && s_bn != NULL && ECDSA_SIG_set0(sig, r_bn, s_bn) == 1) {
        r_bn = s_bn = NULL; /* sig's now */
        size = i2d_ECDSA_SIG(sig, &der);
    }
    if (size > 0 && size <= DER_MAX) {
        memcpy(signature->der, der, (size_t)size);
        signature->der_size = (size_t)size;
    }
    OPENSSL_free(der);
    BN_free(r_bn);
    BN_free(s_bn);
    ECDSA_SIG_free(sig);
    return signature->der_size > 0 ? SL_OK : SL_NO_MEMORY;
}

static sl_rc tpmt_read(struct sl_blob in, struct signature *signature)
{
    struct sl_reader reader;

    sl_reader_init(&reader, in.data, in.size);
    signature->scheme = sl_reader_be16(&reader);
    signature->alg = sl_reader_be16(&reader);
    switch (signature->scheme) {
    case TPM_ALG_RSASSA:
    case TPM_ALG_RSAPSS:
        signature->rsa = sl_tpm_blob_read(&reader);
        return sl_reader_end(&reader);
    case TPM_ALG_ECDSA:
        signature->r = sl_tpm_blob_read(&reader);
        signature->s = sl_tpm_blob_read(&reader);
        if (sl_reader_end(&reader) != SL_OK || signature->r.size == 0 || signature->s.size == 0 ||
            signature->r.size > 66 || signature->s.size > 66) {
            return SL_MALFORMED;
        }
        return SL_OK;
    default:
        return reader.rc != SL_OK ? reader.rc : SL_UNSUPPORTED;
    }
}

/* A plain signature has the size of its RSA key, or is the SEQUENCE of an ECDSA one. */
static bool plain_read(EVP_PKEY *ak, struct sl_blob in, struct signature *signature)
{
    memset(signature, 0, sizeof(*signature));
    if (EVP_PKEY_get_base_id(ak) == EVP_PKEY_RSA && in.size == (size_t)EVP_PKEY_get_size(ak)) {
        signature->scheme = TPM_ALG_RSASSA;
        signature->rsa = in;
        return true;
    }
    if (EVP_PKEY_get_base_id(ak) == EVP_PKEY_EC && in.size > 8 && in.size <= DER_MAX &&
        in.data[0] == 0x30 &&
        (in.data[1] == in.size - 2 || (in.data[1] == 0x81 && in.data[2] == in.size - 3))) {
        signature->scheme = TPM_ALG_ECDSA;
        memcpy(signature->der, in.data, in.size);
        signature->der_size = in.size;
        return true;
    }
    return false;
}

static bool is_padding_set(EVP_PKEY_CTX *ctx, uint16_t scheme)
{
    if (scheme == TPM_ALG_RSASSA) {
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    }
    /* part 1, B.7: the salt is as long as it can be, or as the hash is (FIPS); both are in use */
    return scheme != TPM_ALG_RSAPSS ||
           (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1);
}

static sl_rc evp_verify(EVP_PKEY *ak, struct signature *signature, struct sl_blob attest,
                        const struct sl_tpm_hash *hash)
{
    const bool is_rsa = signature->scheme != TPM_ALG_ECDSA;
    EVP_MD_CTX *ctx = NULL;
    EVP_PKEY_CTX *key_ctx = NULL;
    sl_rc rc = SL_AUTH;

    if ((!is_rsa && signature->der_size == 0 && ecdsa_der(signature) != SL_OK) ||
        (ctx = EVP_MD_CTX_new()) == NULL) {
        return SL_NO_MEMORY;
    }
    if (EVP_DigestVerifyInit_ex(ctx, &key_ctx, hash->openssl, NULL, NULL, ak, NULL) == 1 &&
        is_padding_set(key_ctx, signature->scheme) &&
        EVP_DigestVerify(ctx, is_rsa ? signature->rsa.data : signature->der,
                         is_rsa ? signature->rsa.size : signature->der_size, attest.data,
                         attest.size) == 1) {
        rc = SL_OK;
    }
    EVP_MD_CTX_free(ctx);
    return rc;
}

static sl_rc verify(EVP_PKEY *ak, struct signature *signature, struct sl_blob attest,
                    const struct sl_tpm_hash *hash, struct sl_err *err)
{
    sl_rc rc = SL_UNSUPPORTED;

    if (signature->r.size > 0 && hash->alg == SL_TPM_ALG_SHA256) {
        rc = sl_p256_pkey_verify(ak, signature->r, signature->s, attest);
    }
    if (rc == SL_UNSUPPORTED) {
        rc = evp_verify(ak, signature, attest, hash);
    }
    if (rc == SL_NO_MEMORY) {
        return sl_err_set(err, rc, "no memory to check a signature");
    }
    return rc == SL_OK
               ? SL_OK
               : sl_err_set(err, SL_AUTH, "the AK did not sign this quote: its signature is wrong");
}

/* A plain signature does not say its hash, nor an RSA one its padding. */
static sl_rc plain_verify(EVP_PKEY *ak, struct signature *signature, struct sl_blob attest,
                          uint16_t *ret_alg, struct sl_err *err)
{
    static const uint16_t ALGS[] = {SL_TPM_ALG_SHA256, SL_TPM_ALG_SHA384, SL_TPM_ALG_SHA512};
    const bool is_rsa = signature->scheme != TPM_ALG_ECDSA;
    sl_rc rc = SL_AUTH;

    for (size_t i = 0; rc == SL_AUTH && i < sizeof(ALGS) / sizeof(ALGS[0]); i++) {
        for (int pss = 0; rc == SL_AUTH && pss < (is_rsa ? 2 : 1); pss++) {
            if (is_rsa) {
                signature->scheme = pss ? TPM_ALG_RSAPSS : TPM_ALG_RSASSA;
            }
            rc = verify(ak, signature, attest, sl_tpm_hash_by_alg(ALGS[i]), err);
            *ret_alg = rc == SL_OK ? ALGS[i] : *ret_alg;
        }
    }
    return rc;
}

sl_rc sl_tpm_signature_verify(EVP_PKEY *ak, struct sl_blob attest, struct sl_blob in,
                              uint16_t *ret_alg, struct sl_err *err)
{
    struct signature signature = {0};
    const struct sl_tpm_hash *hash;
    sl_rc rc = tpmt_read(in, &signature);

    if (rc == SL_NO_MEMORY) {
        return sl_err_set(err, rc, "no memory to read a signature");
    }
    if (rc != SL_OK && !plain_read(ak, in, &signature)) {
        return sl_err_set(err, rc,
                          "a signature of %zu bytes is neither TPMT_SIGNATURE (RSASSA, RSAPSS, "
                          "ECDSA) nor a plain one of this AK",
                          in.size);
    }
    if ((EVP_PKEY_get_base_id(ak) == EVP_PKEY_RSA) != (signature.scheme != TPM_ALG_ECDSA)) {
        return sl_err_set(err, SL_MISMATCH, "signature scheme %04x, and the AK is of another kind",
                          signature.scheme);
    }
    if (signature.alg == 0) {
        return plain_verify(ak, &signature, attest, ret_alg, err);
    }
    hash = sl_tpm_hash_by_alg(signature.alg);
    if (hash == NULL || hash->openssl == NULL || hash->alg == SL_TPM_ALG_SHA1) {
        return sl_err_set(err, SL_UNSUPPORTED,
                          "signed over hash %04x: SHA-256, 384, 512, SHA-3 and SM3 are taken",
                          signature.alg);
    }
    rc = verify(ak, &signature, attest, hash, err);
    if (rc == SL_OK) {
        *ret_alg = hash->alg;
    }
    return rc;
}
