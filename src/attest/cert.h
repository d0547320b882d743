/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Certificates and CRLs of Intel's profile, read without OpenSSL's X.509 (see p256.h for why):
 * version 3, ECDSA P-256 with SHA-256 all through, one form of everything. What is outside of the
 * profile is refused, so that the reader stays small. AMD's chains go through attest/x509.h.
 *
 * Spec: RFC 5280; Intel SGX PCK Certificate and CRL Profile Specification 2.1.
 */
#ifndef SL_ATTEST_CERT_H
#define SL_ATTEST_CERT_H

#include "safelib/attest.h"

enum { SL_CERT_LIST_MAX = 8, SL_CERT_NAME_SIZE = 64, SL_CERT_WHY_SIZE = 128 };

/** Bits of the key usage extension, as in its first octet and a half (RFC 5280 4.2.1.3). */
enum {
    SL_CERT_USE_SIGN = 0x8000,      /**< digitalSignature */
    SL_CERT_USE_CERT_SIGN = 0x0400, /**< keyCertSign */
    SL_CERT_USE_CRL_SIGN = 0x0200,  /**< cRLSign */
};

struct sl_cert {
    struct sl_blob der, tbs;        /**< as they came */
    struct sl_blob serial;          /**< content of the INTEGER */
    struct sl_blob issuer, subject; /**< Name, DER */
    char name[SL_CERT_NAME_SIZE];   /**< common name of the subject, printable; "(no name)" */
    int64_t not_before_s, not_after_s;
    uint8_t point[64];     /**< public key */
    uint8_t signature[64]; /**< r, s */
    bool has_basic_constraints, is_ca;
    int path_length; /**< -1: no bound */
    bool has_key_usage;
    uint16_t key_usage;
    struct sl_blob authority_key_id, subject_key_id; /**< absent: data NULL */
    struct sl_blob sgx_extension; /**< value of 1.2.840.113741.1.13.1, or absent */
};

struct sl_cert_list {
    struct sl_cert certs[SL_CERT_LIST_MAX];
    size_t count;
    uint8_t *memory[SL_CERT_LIST_MAX]; /**< what the blobs point into, of PEM */
    size_t memory_count;
};

/** PEM (nothing but white space between, and a terminator behind; @p is_text_allowed: any text) or
 * DER (one, or several in a row). Appends; a certificate that the list holds already is left out.
 * @retval SL_OK
 * @retval SL_TRUNCATED    nothing in it
 * @retval SL_MALFORMED    not of this form
 * @retval SL_UNSUPPORTED  outside of the profile
 * @retval SL_RANGE        too many
 * @retval SL_NO_MEMORY
 * @owner  DER: @p in must outlive the list; caller frees by sl_cert_list_done */
sl_rc sl_cert_list_add(struct sl_cert_list *list, struct sl_blob in, bool is_text_allowed,
                       char ret_why[SL_CERT_WHY_SIZE]) SL_MUST_CHECK;
void sl_cert_list_done(struct sl_cert_list *list);
/** One certificate, DER, nothing behind it. @retval SL_OK, SL_TRUNCATED, SL_MALFORMED,
 * SL_UNSUPPORTED */
sl_rc sl_cert_parse(struct sl_blob der, struct sl_cert *ret_cert,
                    char ret_why[SL_CERT_WHY_SIZE]) SL_MUST_CHECK;

struct sl_crl {
    struct sl_blob tbs, issuer;
    int64_t this_update_s, next_update_s;
    struct sl_blob revoked; /**< entries in a row, or absent; form is checked */
    struct sl_blob authority_key_id;
    uint8_t signature[64];
    uint8_t *memory; /**< of PEM */
};

/** One CRL of version 2, PEM or DER. @retval as sl_cert_list_add; caller calls sl_crl_done */
sl_rc sl_crl_read(struct sl_blob in, struct sl_crl *ret_crl,
                  char ret_why[SL_CERT_WHY_SIZE]) SL_MUST_CHECK;
void sl_crl_done(struct sl_crl *crl);
/** @param[out] ret_when_s  revocation date; written only where true */
bool sl_crl_holds(const struct sl_crl *crl, struct sl_blob serial, int64_t *ret_when_s);

bool sl_blob_equal(struct sl_blob a, struct sl_blob b);

/* Shared by cert.c, cert_pem.c and crl.c. */

struct sl_reader;
/** The one algorithm: ecdsa-with-SHA256, without parameters. */
void sl_cert_read_algorithm(struct sl_reader *r);
/** One extension: its OID's content, its value. @return whether it is critical */
bool sl_cert_read_extension(struct sl_reader *list, struct sl_blob *ret_oid,
                            struct sl_blob *ret_value);
/** keyIdentifier of an authority key identifier's value; absent where it has none. */
struct sl_blob sl_cert_key_id(struct sl_blob value, struct sl_reader *io_errors);
/** Decodes the next block of @p label from @p io_in.
 * @retval SL_OK, SL_NOT_FOUND (no more), SL_MALFORMED, SL_NO_MEMORY; ret_der.data is malloc'ed */
sl_rc sl_pem_next(struct sl_blob *io_in, const char *label, bool is_text_allowed,
                  struct sl_blob *ret_der) SL_MUST_CHECK;

#endif
