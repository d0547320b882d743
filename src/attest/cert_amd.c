/* SPDX-License-Identifier: Apache-2.0 */
/* What AMD's profile of certificates (AMD 57230) has of its own: RSA-PSS, RSA and P-384 keys. What
 * the path must tell of a certificate that can be read is kept as its fault. */
#include "attest/cert.h"
#include "attest/der.h"

/* AlgorithmIdentifier of SHA-384; RFC 4055 2.1: "All implementations MUST accept both NULL and
 * absent parameters". */
static const uint8_t SHA384_NULL[] = {0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00};
static const uint8_t SHA384_BARE[] = {0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                                      0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
/* id-RSASSA-PSS and id-mgf1 (RFC 8017 A.2.3). */
static const uint8_t PSS[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
static const uint8_t MGF1[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
/* AlgorithmIdentifiers of keys: rsaEncryption with NULL (RFC 3279 2.3.1), named curves (RFC 5480).
 */
static const uint8_t KEY_RSA[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t KEY_P384[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                   0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t KEY_P521[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                   0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};
static const uint8_t KEY_P256[] = {0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                   0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

enum { TAG_VERSION = 0xa0, TAG_EXTENSIONS = 0xa3 };
enum { TAG_HASH = 0xa0, TAG_MASK = 0xa1, TAG_SALT = 0xa2, TAG_TRAILER = 0xa3 };
enum { TAG_KEY_ID = 0x80, TAG_ISSUER = 0xa1, TAG_SERIAL = 0x82, TAG_DIRECTORY_NAME = 0xa4 };
enum { SALT_SIZE = 48, RSA_BYTES_MIN = 256, RSA_BYTES_MAX = 1024, EXPONENT_BYTES_MAX = 4 };
enum { P384_POINT_SIZE = 97, POINT_UNCOMPRESSED = 0x04 };

#define IS(blob, constant) sl_blob_equal(blob, (struct sl_blob){constant, sizeof(constant)})

void sl_cert_amd_fault(struct sl_cert_amd *amd, const char *why)
{
    if (amd->fault == NULL) {
        amd->fault = why;
    }
}

static bool read_sha384(struct sl_reader *r)
{
    struct sl_reader content;
    struct sl_blob algorithm = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    return (IS(algorithm, SHA384_NULL) || IS(algorithm, SHA384_BARE)) && sl_reader_end(r) == SL_OK;
}

static bool read_number(struct sl_reader *params, uint8_t tag, uint32_t expected)
{
    struct sl_reader field;
    sl_der_read(params, tag, &field);
    return sl_der_read_uint(&field, SL_DER_INTEGER, expected) == expected &&
           sl_reader_end(&field) == SL_OK;
}

/* RSASSA-PSS-params (RFC 4055 3.1): SHA-384 twice and a salt of its size; the trailer, which AMD
 * writes though it is the default. */
static bool is_pss(struct sl_blob algorithm)
{
    struct sl_reader r, content, params, hash, mask, generator;
    sl_reader_init(&r, algorithm.data, algorithm.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &content);
    sl_der_read_exact(&content, PSS, sizeof(PSS));
    sl_der_read(&content, SL_DER_SEQUENCE, &params);
    sl_der_read(&params, TAG_HASH, &hash);
    bool is_good = read_sha384(&hash);
    sl_der_read(&params, TAG_MASK, &mask);
    sl_der_read(&mask, SL_DER_SEQUENCE, &generator);
    sl_der_read_exact(&generator, MGF1, sizeof(MGF1));
    is_good = read_sha384(&generator) && sl_reader_end(&mask) == SL_OK && is_good;
    is_good = read_number(&params, TAG_SALT, SALT_SIZE) && is_good;
    if (sl_der_peek(&params) == TAG_TRAILER) {
        is_good = read_number(&params, TAG_TRAILER, 1) && is_good;
    }
    return is_good && sl_reader_end(&params) == SL_OK && sl_reader_end(&content) == SL_OK &&
           sl_reader_end(&r) == SL_OK;
}

/* A positive INTEGER without its sign octet. */
static struct sl_blob read_positive(struct sl_reader *r)
{
    struct sl_reader content;
    sl_der_read(r, SL_DER_INTEGER, &content);
    size_t size = sl_reader_left(&content);
    const uint8_t *p = content.data;
    if (r->rc != SL_OK || size == 0 || p[0] >= 0x80 || (size > 1 && p[0] == 0 && p[1] < 0x80)) {
        sl_reader_fail(r, SL_MALFORMED);
        return (struct sl_blob){0};
    }
    return p[0] == 0 ? (struct sl_blob){p + 1, size - 1} : (struct sl_blob){p, size};
}

/* RSAPublicKey (RFC 8017 A.1.1). An exponent of more than 32 bits only serves to make verification
 * slow. */
static bool read_rsa(struct sl_cert_amd *amd)
{
    struct sl_reader r, content;
    sl_reader_init(&r, amd->key.data, amd->key.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &content);
    struct sl_blob n = read_positive(&content), e = read_positive(&content);
    if (sl_reader_end(&content) != SL_OK || sl_reader_end(&r) != SL_OK || n.size < RSA_BYTES_MIN ||
        n.size > RSA_BYTES_MAX || n.data[0] < 0x80 || (n.data[n.size - 1] & 1) == 0 || e.size < 1 ||
        e.size > EXPONENT_BYTES_MAX || (e.data[e.size - 1] & 1) == 0 ||
        (e.size == 1 && e.data[0] == 1)) {
        return false;
    }
    amd->modulus = n;
    amd->exponent = e;
    return true;
}

static enum sl_cert_key key_kind(struct sl_blob algorithm, struct sl_cert_amd *amd)
{
    if (IS(algorithm, KEY_RSA)) {
        return read_rsa(amd) ? SL_CERT_KEY_RSA : SL_CERT_KEY_NONE;
    }
    if (IS(algorithm, KEY_P384)) {
        bool is_point = amd->key.size == P384_POINT_SIZE && amd->key.data[0] == POINT_UNCOMPRESSED;
        return is_point ? SL_CERT_KEY_P384 : SL_CERT_KEY_NONE;
    }
    return IS(algorithm, KEY_P256) || IS(algorithm, KEY_P521) ? SL_CERT_KEY_OTHER
                                                              : SL_CERT_KEY_NONE;
}

/* Octets of a BIT STRING without unused bits. */
static struct sl_blob read_octets(struct sl_reader *r)
{
    struct sl_reader bits;
    sl_der_read(r, SL_DER_BIT_STRING, &bits);
    if (sl_reader_u8(&bits) != 0 || bits.rc != SL_OK) {
        sl_reader_fail(r, SL_MALFORMED);
        return (struct sl_blob){0};
    }
    return (struct sl_blob){bits.data + 1, bits.size - 1};
}

static void read_key(struct sl_reader *r, struct sl_cert_amd *amd)
{
    struct sl_reader spki, content;
    sl_der_read(r, SL_DER_SEQUENCE, &spki);
    struct sl_blob algorithm = sl_der_read_raw(&spki, SL_DER_SEQUENCE, &content);
    amd->key = read_octets(&spki);
    sl_reader_fail(r, sl_reader_end(&spki));
    if (r->rc != SL_OK) {
        return;
    }
    amd->key_kind = key_kind(algorithm, amd);
    if (amd->key_kind == SL_CERT_KEY_NONE) {
        sl_cert_amd_fault(amd, "its key is not RSA of 2048 to 8192 bits nor EC on a NIST curve");
    }
}

/* DEFAULT v1; only 3 is good. */
static void read_version(struct sl_reader *r, struct sl_cert_amd *amd)
{
    struct sl_reader field;
    uint32_t version = 0;
    if (sl_der_peek(r) == TAG_VERSION) {
        sl_der_read(r, TAG_VERSION, &field);
        version = sl_der_read_uint(&field, SL_DER_INTEGER, 2);
        sl_reader_fail(r, sl_reader_end(&field));
    }
    amd->is_version_1 = version == 0;
    if (version != 2) {
        sl_cert_amd_fault(amd, "it is not of X.509 version 3");
    }
}

const char *sl_cert_amd_read_tbs(struct sl_reader *r, struct sl_cert *cert)
{
    struct sl_reader content;
    read_version(r, &cert->amd);
    cert->serial = sl_der_read_serial(r);
    cert->amd.algorithm = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    if (r->rc != SL_OK) {
        return "version, serial number or signature algorithm";
    }
    const char *what = sl_cert_read_names(r, cert);
    if (what != NULL) {
        return what;
    }
    read_key(r, &cert->amd);
    if (r->rc != SL_OK) {
        return "public key";
    }
    if (sl_der_peek(r) == TAG_EXTENSIONS) {
        sl_cert_read_extensions(r, cert);
    }
    sl_reader_fail(r, sl_reader_end(r));
    return r->rc != SL_OK ? "extensions" : NULL;
}

/* A signature by another algorithm is left out, and so is by nobody. */
void sl_cert_amd_read_signature(struct sl_reader *r, struct sl_cert_amd *amd)
{
    struct sl_reader content;
    struct sl_blob algorithm = sl_der_read_raw(r, SL_DER_SEQUENCE, &content);
    struct sl_blob signature = read_octets(r);
    if (r->rc == SL_OK && sl_blob_equal(algorithm, amd->algorithm) && is_pss(algorithm)) {
        amd->signature = signature;
    }
}

/* AuthorityKeyIdentifier (RFC 5280 4.2.1.1); of the issuer's names the first directory name. */
void sl_cert_amd_read_authority(struct sl_blob value, struct sl_cert_amd *amd,
                                struct sl_blob *ret_key_id, struct sl_reader *io_errors)
{
    struct sl_reader r, content, field;
    sl_reader_init(&r, value.data, value.size);
    sl_der_read(&r, SL_DER_SEQUENCE, &content);
    if (sl_der_peek(&content) == TAG_KEY_ID) {
        sl_der_read(&content, TAG_KEY_ID, &field);
        *ret_key_id = (struct sl_blob){field.data, field.size};
    }
    if (sl_der_peek(&content) == TAG_ISSUER) {
        struct sl_reader names;
        sl_der_read(&content, TAG_ISSUER, &names);
        for (int tag = sl_der_peek(&names); tag >= 0 && names.rc == SL_OK;
             tag = sl_der_peek(&names)) {
            sl_der_read(&names, (uint8_t)tag, &field);
            if (tag == TAG_DIRECTORY_NAME && amd->authority_issuer.data == NULL) {
                amd->authority_issuer = (struct sl_blob){field.data, field.size};
            }
        }
        sl_reader_fail(&content, names.rc);
    }
    if (sl_der_peek(&content) == TAG_SERIAL) {
        sl_der_read(&content, TAG_SERIAL, &field);
        amd->authority_serial = (struct sl_blob){field.data, field.size};
    }
    if (sl_reader_end(&content) != SL_OK || sl_reader_end(&r) != SL_OK) {
        sl_reader_fail(io_errors, SL_MALFORMED);
    }
}
