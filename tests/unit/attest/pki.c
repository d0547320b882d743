/* SPDX-License-Identifier: Apache-2.0 */
/* A small certification authority for tests, built on OpenSSL. */
#include "pki.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "attest/x509.h"

static void must(bool is_ok)
{
    if (!is_ok) {
        ERR_print_errors_fp(stderr);
        abort();
    }
}

EVP_PKEY *pki_key_make(enum pki_key kind)
{
    EVP_PKEY *key = NULL;
    switch (kind) {
    case PKI_P256:
        key = EVP_EC_gen("prime256v1");
        break;
    case PKI_P384:
        key = EVP_EC_gen("secp384r1");
        break;
    case PKI_RSA2048:
        key = EVP_RSA_gen(2048);
        break;
    case PKI_RSA1024:
        key = EVP_RSA_gen(1024);
        break;
    }
    must(key != NULL);
    return key;
}

static EVP_MD_CTX *sign_context(EVP_PKEY *key, const char *digest, bool is_plain_rsa)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_ctx = NULL;
    if (digest == NULL) {
        digest = EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) == 256 ? "SHA256" : "SHA384";
    }
    must(ctx != NULL &&
         EVP_DigestSignInit(ctx, &key_ctx, EVP_get_digestbyname(digest), NULL, key) == 1);
    if (EVP_PKEY_is_a(key, "RSA") && !is_plain_rsa) {
        must(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    return ctx;
}

static void extension_add(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    must(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static X509_EXTENSION *raw_extension(const struct pki_extension *raw)
{
    ASN1_OBJECT *object = OBJ_txt2obj(raw->oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    must(object != NULL && octets != NULL &&
         ASN1_OCTET_STRING_set(octets, raw->value, (int)raw->size) == 1);
    X509_EXTENSION *ext =
        X509_EXTENSION_create_by_OBJ(NULL, object, raw->is_critical ? 1 : 0, octets);
    must(ext != NULL);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return ext;
}

static void extensions_add(X509 *cert, const struct pki_spec *spec, X509 *issuer)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    if (spec->is_ca) {
        char text[64];
        int used = snprintf(text, sizeof(text), "critical,CA:TRUE");
        if (spec->has_path_length) {
            (void)snprintf(text + used, sizeof(text) - (size_t)used, ",pathlen:%ld",
                           spec->path_length);
        }
        extension_add(cert, &ctx, NID_basic_constraints, text);
        extension_add(cert, &ctx, NID_subject_key_identifier, "hash");
    }
    if (spec->usage != NULL) {
        char text[128];
        (void)snprintf(text, sizeof(text), "critical,%s", spec->usage);
        extension_add(cert, &ctx, NID_key_usage, text);
    }
    if (issuer != cert && X509_get_ext_by_NID(issuer, NID_subject_key_identifier, -1) >= 0) {
        extension_add(cert, &ctx, NID_authority_key_identifier, "keyid");
    }
    for (size_t i = 0; i < PKI_EXTENSIONS_MAX && spec->extensions[i].oid != NULL; i++) {
        X509_EXTENSION *ext = raw_extension(&spec->extensions[i]);
        must(X509_add_ext(cert, ext, -1) == 1);
        X509_EXTENSION_free(ext);
    }
}

X509 *pki_cert_make(const struct pki_spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_NAME_new();
    must(cert != NULL && name != NULL &&
         X509_set_version(cert, spec->is_version_1 ? X509_VERSION_1 : X509_VERSION_3) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(cert), spec->serial) == 1);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->name,
                                    -1, -1, 0) == 1);
    must(X509_set_subject_name(cert, name) == 1);
    if (spec->issuer != NULL) {
        X509_NAME *other = X509_NAME_new();
        must(X509_NAME_add_entry_by_txt(other, "CN", MBSTRING_UTF8,
                                        (const unsigned char *)spec->issuer, -1, -1, 0) == 1 &&
             X509_set_issuer_name(cert, other) == 1);
        X509_NAME_free(other);
    } else {
        must(X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : name));
    }
    must(ASN1_TIME_set(X509_getm_notBefore(cert),
                       spec->from_s != 0 ? spec->from_s : PKI_NOW - PKI_DAY) != NULL);
    must(ASN1_TIME_set(X509_getm_notAfter(cert),
                       spec->until_s != 0 ? spec->until_s : PKI_NOW + 365 * PKI_DAY) != NULL);
    must(X509_set_pubkey(cert, key) == 1);
    if (!spec->is_version_1) {
        extensions_add(cert, spec, issuer != NULL ? issuer : cert);
    }
    EVP_MD_CTX *ctx =
        sign_context(issuer != NULL ? issuer_key : key, spec->digest, spec->is_plain_rsa);
    must(X509_sign_ctx(cert, ctx) > 0);
    EVP_MD_CTX_free(ctx);
    X509_NAME_free(name);
    /* Read it again: what is tested is what a reader sees. */
    struct sl_blob der = pki_certs_der(&cert, 1);
    struct sl_x509_list list;
    must(sl_x509_list_read(der, &list) == SL_OK && list.count == 1);
    X509 *again = list.certs[0];
    pki_blob_free(der);
    X509_free(cert);
    return again;
}

static void crl_extend(X509_CRL *crl, const struct pki_crl_spec *spec, X509 *issuer)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid");
    must(ext != NULL && X509_CRL_add_ext(crl, ext, -1) == 1);
    X509_EXTENSION_free(ext);
    if (!spec->is_without_number) {
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        must(number != NULL && ASN1_INTEGER_set(number, 7) == 1 &&
             X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1);
        ASN1_INTEGER_free(number);
    }
    if (spec->has_critical) {
        const uint8_t null[] = {5, 0};
        ext = raw_extension(&(struct pki_extension){"1.2.3.4", null, sizeof(null), true});
        must(X509_CRL_add_ext(crl, ext, -1) == 1);
        X509_EXTENSION_free(ext);
    }
}

X509_CRL *pki_crl_make(const struct pki_crl_spec *spec, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();
    must(crl != NULL && time != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
         X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1);
    must(ASN1_TIME_set(time, spec->from_s != 0 ? spec->from_s : PKI_NOW - PKI_DAY) != NULL &&
         X509_CRL_set1_lastUpdate(crl, time) == 1);
    if (!spec->is_without_next) {
        must(ASN1_TIME_set(time, spec->until_s != 0 ? spec->until_s : PKI_NOW + 30 * PKI_DAY) !=
                 NULL &&
             X509_CRL_set1_nextUpdate(crl, time) == 1);
    }
    crl_extend(crl, spec, issuer);
    if (spec->revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        must(entry != NULL && ASN1_TIME_set(time, PKI_NOW - 2 * PKI_DAY) != NULL &&
             X509_REVOKED_set_revocationDate(entry, time) == 1 &&
             X509_REVOKED_set_serialNumber(
                 entry, X509_get_serialNumber((X509 *)(uintptr_t)spec->revoked)) == 1);
        if (spec->has_critical_entry) {
            const uint8_t null[] = {5, 0};
            X509_EXTENSION *ext =
                raw_extension(&(struct pki_extension){"1.2.3.4", null, sizeof(null), true});
            must(X509_REVOKED_add_ext(entry, ext, -1) == 1);
            X509_EXTENSION_free(ext);
        }
        must(X509_CRL_add0_revoked(crl, entry) == 1);
    }
    EVP_MD_CTX *ctx = sign_context(issuer_key, NULL, false);
    must(X509_CRL_sort(crl) == 1 && X509_CRL_sign_ctx(crl, ctx) > 0);
    EVP_MD_CTX_free(ctx);
    ASN1_TIME_free(time);
    struct sl_blob der = pki_crl_der(crl);
    const unsigned char *p = der.data;
    X509_CRL *again = d2i_X509_CRL(NULL, &p, (long)der.size);
    must(again != NULL);
    pki_blob_free(der);
    X509_CRL_free(crl);
    return again;
}

struct sl_blob pki_certs_der(X509 *const *certs, size_t count)
{
    uint8_t *all = NULL;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char *der = NULL;
        int used = i2d_X509(certs[i], &der);
        must(used > 0);
        all = realloc(all, size + (size_t)used);
        must(all != NULL);
        memcpy(all + size, der, (size_t)used);
        size += (size_t)used;
        OPENSSL_free(der);
    }
    return (struct sl_blob){all, size};
}

struct sl_blob pki_certs_pem(X509 *const *certs, size_t count)
{
    BIO *bio = BIO_new(BIO_s_mem());
    for (size_t i = 0; i < count; i++) {
        must(PEM_write_bio_X509(bio, certs[i]) == 1);
    }
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    uint8_t *copy = malloc((size_t)size + 1);
    must(copy != NULL);
    memcpy(copy, text, (size_t)size);
    copy[size] = '\0';
    BIO_free(bio);
    return (struct sl_blob){copy, (size_t)size};
}

struct sl_blob pki_crl_der(X509_CRL *crl)
{
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    must(size > 0);
    uint8_t *copy = malloc((size_t)size);
    must(copy != NULL);
    memcpy(copy, der, (size_t)size);
    OPENSSL_free(der);
    return (struct sl_blob){copy, (size_t)size};
}

void pki_blob_free(struct sl_blob blob)
{
    free((void *)(uintptr_t)blob.data);
}
