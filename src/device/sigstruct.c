/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCT: EINIT's checks, each with its own sentence. Signing is in sign.c. */
#include "device/sigstruct.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "device/measure.h"
#include "device/sigstruct_form.h"

enum { VENDOR_INTEL = 0x8086, DIGEST_INFO_SIZE = 19 };

const uint8_t sl_sigstruct_header[16] = {0x06, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1};
const uint8_t sl_sigstruct_header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1};

const char *sl_sgx_error_name(uint32_t error)
{
    switch (error) {
    case SL_SGX_SUCCESS:
        return "success";
    case SL_SGX_INVALID_SIG_STRUCT:
        return "SGX_INVALID_SIG_STRUCT";
    case SL_SGX_INVALID_ATTRIBUTE:
        return "SGX_INVALID_ATTRIBUTE";
    case SL_SGX_INVALID_MEASUREMENT:
        return "SGX_INVALID_MEASUREMENT";
    case SL_SGX_INVALID_SIGNATURE:
        return "SGX_INVALID_SIGNATURE";
    case SL_SGX_INVALID_EINITTOKEN:
        return "SGX_INVALID_EINITTOKEN";
    case SL_SGX_INVALID_CPUSVN:
        return "SGX_INVALID_CPUSVN";
    case SL_SGX_INVALID_ISVSVN:
        return "SGX_INVALID_ISVSVN";
    case SL_SGX_UNMASKED_EVENT:
        return "SGX_UNMASKED_EVENT";
    case SL_SGX_INVALID_KEYNAME:
        return "SGX_INVALID_KEYNAME";
    default:
        return "unknown SGX error";
    }
}

static bool is_zero(const uint8_t *data, size_t size)
{
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all |= data[i];
    }
    return all == 0;
}

static const char *form_fault(const struct sl_sigstruct *sig)
{
    if (memcmp(sig->header, sl_sigstruct_header, sizeof(sig->header)) != 0) {
        return "SIGSTRUCT.HEADER is not 06000000E10000000000010000000000";
    }
    if (sig->vendor != 0 && sig->vendor != VENDOR_INTEL) {
        return "SIGSTRUCT.VENDOR is neither 0 nor 8086h";
    }
    if (memcmp(sig->header2, sl_sigstruct_header2, sizeof(sig->header2)) != 0) {
        return "SIGSTRUCT.HEADER2 is not 01010000600000006000000001000000";
    }
    if (sig->exponent != 3) {
        return "SIGSTRUCT.EXPONENT is not 3";
    }
    if (!is_zero(sig->reserved1, sizeof(sig->reserved1))) {
        return "SIGSTRUCT: the 84 reserved bytes at offset 44 are not zero";
    }
    if (!is_zero(sig->reserved2, sizeof(sig->reserved2))) {
        return "SIGSTRUCT: the 2 reserved bytes at offset 910 are not zero";
    }
    if (!is_zero(sig->reserved3, sizeof(sig->reserved3))) {
        return "SIGSTRUCT: the 16 reserved bytes at offset 992 are not zero";
    }
    if (!is_zero(sig->reserved4, sizeof(sig->reserved4))) {
        return "SIGSTRUCT: the 12 reserved bytes at offset 1028 are not zero";
    }
    return NULL;
}

bool sl_sigstruct_digest(const struct sl_sigstruct *sig, uint8_t ret_digest[SHA256_DIGEST_LENGTH])
{
    /* SDM, SIGSTRUCT: the signature covers bytes 0..127 and 900..1027. */
    uint8_t area[2 * SL_SIGSTRUCT_AREA_SIZE];
    const uint8_t *bytes = (const uint8_t *)sig;
    memcpy(area, bytes, SL_SIGSTRUCT_AREA_SIZE);
    memcpy(area + SL_SIGSTRUCT_AREA_SIZE, bytes + SL_SIGSTRUCT_AREA2_OFF, SL_SIGSTRUCT_AREA_SIZE);
    return SHA256(area, sizeof(area), ret_digest) != NULL;
}

/* EMSA-PKCS1-v1_5 (RFC 8017 9.2) of the signed areas, big-endian. */
static bool encoded_message(const struct sl_sigstruct *sig, uint8_t ret_em[SL_RSA3072_SIZE])
{
    static const uint8_t digest_info[DIGEST_INFO_SIZE] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                          0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                          0x01, 0x05, 0x00, 0x04, 0x20};
    const size_t tail = DIGEST_INFO_SIZE + SHA256_DIGEST_LENGTH;
    memset(ret_em, 0xff, SL_RSA3072_SIZE);
    ret_em[0] = 0;
    ret_em[1] = 1;
    ret_em[SL_RSA3072_SIZE - tail - 1] = 0;
    memcpy(ret_em + SL_RSA3072_SIZE - tail, digest_info, DIGEST_INFO_SIZE);
    return sl_sigstruct_digest(sig, ret_em + SL_RSA3072_SIZE - SHA256_DIGEST_LENGTH);
}

bool sl_sigstruct_quotients(const BIGNUM *s, const BIGNUM *m, BIGNUM *q1, BIGNUM *q2, BIGNUM *cube,
                            BN_CTX *ctx)
{
    /* SDM EINIT: "q1 = floor(Signature^2 / Modulus); q2 = floor((Signature^3 - q1 * Signature *
       Modulus) / Modulus)". The rest of the second division is Signature^3 mod Modulus. */
    BN_CTX_start(ctx);
    BIGNUM *t = BN_CTX_get(ctx);
    BIGNUM *rest = BN_CTX_get(ctx);
    bool is_ok = rest != NULL && BN_sqr(t, s, ctx) == 1 && BN_div(q1, rest, t, m, ctx) == 1 &&
                 BN_mul(t, rest, s, ctx) == 1 && BN_div(q2, cube, t, m, ctx) == 1;
    BN_CTX_end(ctx);
    return is_ok;
}

struct numbers {
    BIGNUM *m, *s, *q1, *q2, *want_q1, *want_q2, *cube, *em;
};

static bool numbers_read(const struct sl_sigstruct *sig, struct numbers *n, BN_CTX *ctx)
{
    uint8_t em[SL_RSA3072_SIZE];
    n->m = BN_CTX_get(ctx);
    n->s = BN_CTX_get(ctx);
    n->q1 = BN_CTX_get(ctx);
    n->q2 = BN_CTX_get(ctx);
    n->want_q1 = BN_CTX_get(ctx);
    n->want_q2 = BN_CTX_get(ctx);
    n->cube = BN_CTX_get(ctx);
    n->em = BN_CTX_get(ctx);
    return n->em != NULL && BN_lebin2bn(sig->modulus, SL_RSA3072_SIZE, n->m) != NULL &&
           BN_lebin2bn(sig->signature, SL_RSA3072_SIZE, n->s) != NULL &&
           BN_lebin2bn(sig->q1, SL_RSA3072_SIZE, n->q1) != NULL &&
           BN_lebin2bn(sig->q2, SL_RSA3072_SIZE, n->q2) != NULL && encoded_message(sig, em) &&
           BN_bin2bn(em, sizeof(em), n->em) != NULL;
}

/* SL_OK, SL_AUTH with its sentence, or SL_CRYPTO. */
static sl_rc signature_check(const struct sl_sigstruct *sig, const char **ret_why)
{
    BN_CTX *ctx = BN_CTX_new();
    if (ctx == NULL) {
        return SL_CRYPTO;
    }
    struct numbers n;
    sl_rc rc = SL_AUTH;
    BN_CTX_start(ctx);
    if (!numbers_read(sig, &n, ctx)) {
        rc = SL_CRYPTO;
    } else if (BN_num_bits(n.m) != SL_RSA3072_SIZE * 8 || !BN_is_odd(n.m)) {
        *ret_why = "the modulus is not an odd number of 3072 bits";
    } else if (BN_is_zero(n.s) || BN_cmp(n.s, n.m) >= 0) {
        *ret_why = "the signature is zero or not below the modulus";
    } else if (!sl_sigstruct_quotients(n.s, n.m, n.want_q1, n.want_q2, n.cube, ctx)) {
        rc = SL_CRYPTO;
    } else if (BN_cmp(n.cube, n.em) != 0) {
        *ret_why = "the signature does not verify: a signed byte was changed, or another key "
                   "signed it";
    } else if (BN_cmp(n.q1, n.want_q1) != 0) {
        *ret_why = "Q1 is not floor(signature^2 / modulus)";
    } else if (BN_cmp(n.q2, n.want_q2) != 0) {
        *ret_why = "Q2 is not floor((signature^3 - Q1 * signature * modulus) / modulus)";
    } else {
        rc = SL_OK;
    }
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return rc;
}

sl_rc sl_sigstruct_check(const struct sl_sigstruct *sig, uint32_t *ret_error, struct sl_err *err)
{
    uint32_t unused = 0;
    ret_error = ret_error != NULL ? ret_error : &unused;
    *ret_error = SL_SGX_INVALID_SIG_STRUCT;
    const char *why = form_fault(sig);
    if (why != NULL) {
        return sl_err_set(err, SL_MALFORMED, "SGX_INVALID_SIG_STRUCT: %s", why);
    }
    *ret_error = SL_SGX_INVALID_SIGNATURE;
    why = "";
    sl_rc rc = signature_check(sig, &why);
    if (rc == SL_CRYPTO) {
        return sl_err_set(err, rc, "SIGSTRUCT: OpenSSL could not compute with these numbers");
    }
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "SGX_INVALID_SIGNATURE: %s", why);
    }
    *ret_error = SL_SGX_SUCCESS;
    return SL_OK;
}

static sl_rc measurement_check(const struct sl_sigstruct *sig, const uint8_t mrenclave[32],
                               struct sl_err *err)
{
    if (memcmp(sig->mrenclave, mrenclave, sizeof(sig->mrenclave)) == 0) {
        return SL_OK;
    }
    char is[65];
    char want[65];
    sl_hex_encode(mrenclave, 32, is);
    sl_hex_encode(sig->mrenclave, 32, want);
    return sl_err_set(err, SL_MISMATCH,
                      "SGX_INVALID_MEASUREMENT: the enclave measures %s, its signature is for %s: "
                      "the image was changed after signing, or this is another image's signature",
                      is, want);
}

static sl_rc attributes_check(const struct sl_sigstruct *sig, const struct sl_secs *secs,
                              struct sl_err *err)
{
    const struct sl_attributes *a = &secs->attributes;
    const struct sl_attributes *mask = &sig->attributes_mask;
    if (a->flags & SL_ATTR_INIT) {
        return sl_err_set(err, SL_DENIED, "EINIT: the enclave is initialised already");
    }
    /* SDM EINIT: "if controlled ATTRIBUTES are set, SIGSTRUCT must be signed using an authorized
       key". No key is authorised here: launch enclaves have no use on Linux. */
    if (a->flags & SL_ATTR_EINITTOKENKEY) {
        return sl_err_set(err, SL_DENIED,
                          "SGX_INVALID_ATTRIBUTE: EINITTOKEN_KEY is only for the launch enclave");
    }
    if ((a->flags & mask->flags) != (sig->attributes.flags & mask->flags)) {
        return sl_err_set(err, SL_MISMATCH,
                          "SGX_INVALID_ATTRIBUTE: flags 0x%llx do not match the signed 0x%llx "
                          "under mask 0x%llx%s",
                          (unsigned long long)a->flags, (unsigned long long)sig->attributes.flags,
                          (unsigned long long)mask->flags,
                          (a->flags & ~sig->attributes.flags & mask->flags & SL_ATTR_DEBUG)
                              ? " (the signature forbids DEBUG)"
                              : "");
    }
    if ((a->xfrm & mask->xfrm) != (sig->attributes.xfrm & mask->xfrm)) {
        return sl_err_set(err, SL_MISMATCH,
                          "SGX_INVALID_ATTRIBUTE: XFRM 0x%llx does not match the signed 0x%llx "
                          "under mask 0x%llx",
                          (unsigned long long)a->xfrm, (unsigned long long)sig->attributes.xfrm,
                          (unsigned long long)mask->xfrm);
    }
    if ((secs->misc_select & sig->misc_mask) != (sig->misc_select & sig->misc_mask)) {
        return sl_err_set(err, SL_MISMATCH,
                          "SGX_INVALID_ATTRIBUTE: MISCSELECT 0x%x does not match the signed 0x%x "
                          "under mask 0x%x",
                          secs->misc_select, sig->misc_select, sig->misc_mask);
    }
    /* The SECS here has CET off (its CET_ATTRIBUTES byte lies in reserved1). */
    if ((sig->cet_attributes & sig->cet_attributes_mask) != 0) {
        return sl_err_set(err, SL_MISMATCH,
                          "SGX_INVALID_ATTRIBUTE: the signature demands CET (0x%x), which the "
                          "enclave does not have",
                          sig->cet_attributes & sig->cet_attributes_mask);
    }
    return SL_OK;
}

sl_rc sl_sigstruct_einit(const struct sl_sigstruct *sig, const struct sl_secs *secs,
                         const uint8_t mrenclave[32], uint32_t *ret_error, struct sl_err *err)
{
    uint32_t unused = 0;
    ret_error = ret_error != NULL ? ret_error : &unused;
    sl_rc rc = sl_sigstruct_check(sig, ret_error, err);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_error = SL_SGX_INVALID_MEASUREMENT;
    rc = measurement_check(sig, mrenclave, err);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_error = SL_SGX_INVALID_ATTRIBUTE;
    rc = attributes_check(sig, secs, err);
    if (rc != SL_OK) {
        return rc;
    }
    *ret_error = SL_SGX_SUCCESS;
    return SL_OK;
}

sl_rc sl_sigstruct_mrsigner(const struct sl_sigstruct *sig, uint8_t ret_mrsigner[32])
{
    return SHA256(sig->modulus, sizeof(sig->modulus), ret_mrsigner) != NULL ? SL_OK : SL_CRYPTO;
}

sl_rc sl_sigstruct_load(const char *path, struct sl_sigstruct *ret_sig, struct sl_err *err)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return sl_err_set(err, errno == ENOENT ? SL_NOT_FOUND : SL_IO, "%s: %s", path,
                          strerror(errno));
    }
    uint8_t data[sizeof(*ret_sig) + 1];
    size_t size = fread(data, 1, sizeof(data), file);
    bool is_bad = ferror(file) != 0;
    (void)fclose(file);
    if (is_bad) {
        return sl_err_set(err, SL_IO, "%s: cannot be read", path);
    }
    if (size != sizeof(*ret_sig)) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s: a SIGSTRUCT has exactly %zu bytes, this has %s%zu", path,
                          sizeof(*ret_sig), size > sizeof(*ret_sig) ? "at least " : "", size);
    }
    memcpy(ret_sig, data, sizeof(*ret_sig));
    return SL_OK;
}
