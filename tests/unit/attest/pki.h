/* SPDX-License-Identifier: Apache-2.0 */
/* A small certification authority for tests: certificates and CRLs with any fault one asks for. */
#ifndef SL_TESTS_ATTEST_PKI_H
#define SL_TESTS_ATTEST_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safelib/attest.h"

enum { PKI_EXTENSIONS_MAX = 16, PKI_NOW = 1700000000 /* 2023-11-14T22:13:20Z */, PKI_DAY = 86400 };

enum pki_key { PKI_P256, PKI_P384, PKI_RSA2048, PKI_RSA1024 };

/* An extension as given: `value` is the DER in the OCTET STRING. */
struct pki_extension {
    const char *oid;
    const uint8_t *value;
    size_t size;
    bool is_critical;
};

/* What to put into a certificate. Zeroed: an end entity without key usage, valid around PKI_NOW. */
struct pki_spec {
    const char *name;   /* common name */
    const char *issuer; /* NULL: the issuer's subject, or its own for a root */
    long serial;
    int64_t from_s, until_s; /* 0: a day before, a year after PKI_NOW */
    bool is_ca;
    bool has_path_length;
    long path_length;
    const char *usage;  /* "keyCertSign, cRLSign" */
    const char *digest; /* NULL: SHA256 for P-256, else SHA384 */
    bool is_plain_rsa;  /* PKCS #1 v1.5 in place of PSS */
    bool is_version_1;
    struct pki_extension extensions[PKI_EXTENSIONS_MAX];
};

struct pki_crl_spec {
    int64_t from_s, until_s; /* 0: a day before, 30 days after PKI_NOW */
    bool is_without_next, is_without_number, has_critical, has_critical_entry;
    const X509 *revoked; /* NULL: none */
};

EVP_PKEY *pki_key_make(enum pki_key kind);
/* issuer NULL: self-signed by @p key. Never NULL: aborts where OpenSSL fails. */
X509 *pki_cert_make(const struct pki_spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key);
X509_CRL *pki_crl_make(const struct pki_crl_spec *spec, X509 *issuer, EVP_PKEY *issuer_key);
/* DER or PEM of certificates in a row; the caller frees .data. */
struct sl_blob pki_certs_der(X509 *const *certs, size_t count);
struct sl_blob pki_certs_pem(X509 *const *certs, size_t count);
struct sl_blob pki_crl_der(X509_CRL *crl);
void pki_blob_free(struct sl_blob blob);

#endif
