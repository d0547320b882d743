/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Certificates and CRLs of Intel's and AMD's profiles, read without OpenSSL's X.509 (see p256.h for
 * why): version 3, one form of everything. Intel: ECDSA P-256 with SHA-256 all through. AMD: signed
 * by RSA-PSS with SHA-384, keys RSA and, of who signs reports, P-384. What is outside of the
 * profile is refused, so that the reader stays small.
 *
 * Spec: RFC 5280, RFC 4055; Intel SGX PCK Certificate and CRL Profile Specification 2.1; AMD 57230.
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

enum sl_cert_profile { SL_CERT_INTEL = 0, SL_CERT_AMD = 1 };

enum sl_cert_key {
    SL_CERT_KEY_NONE = 0, /**< of a kind that may sign nothing here */
    SL_CERT_KEY_RSA,      /**< of 2048 to 8192 bits */
    SL_CERT_KEY_P384,     /**< uncompressed point */
    SL_CERT_KEY_OTHER,    /**< EC on another NIST curve: sound, and no key of AMD's */
};

/** What AMD's profile has in place of point and signature. */
struct sl_cert_amd {
    const char *fault; /**< read, but to be refused: static text; or NULL */
    bool is_version_1;
    enum sl_cert_key key_kind;
    struct sl_blob key;               /**< content of subjectPublicKey */
    struct sl_blob modulus, exponent; /**< RSA: big-endian, without leading zeros */
    struct sl_blob extensions;        /**< the Extension elements in a row, or absent */
    /** Of the issuer, in the authority key identifier: Name and serial number, or absent. */
    struct sl_blob authority_issuer, authority_serial;
    struct sl_blob algorithm; /**< of the signature: AlgorithmIdentifier, DER, as it was signed */
    struct sl_blob signature; /**< RSA-PSS; absent where signed by another algorithm */
};

struct sl_cert {
    enum sl_cert_profile profile;
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
    struct sl_cert_amd amd;       /**< AMD's profile */
};

struct sl_cert_list {
    enum sl_cert_profile profile; /**< set before the first certificate is added */
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
    enum sl_cert_profile profile;
    struct sl_blob tbs, issuer;
    int64_t this_update_s, next_update_s;
    struct sl_blob revoked; /**< entries in a row, or absent; form is checked */
    struct sl_blob authority_key_id;
    uint8_t signature[64];
    struct sl_cert_amd amd; /**< AMD's profile: fault, authority key identifier, signature */
    bool has_number;        /**< Intel's always have one */
    uint8_t *memory;        /**< of PEM */
};

/** One CRL of version 2, PEM or DER. @retval as sl_cert_list_add; caller calls sl_crl_done */
sl_rc sl_crl_read(struct sl_blob in, struct sl_crl *ret_crl,
                  char ret_why[SL_CERT_WHY_SIZE]) SL_MUST_CHECK;
/** The same of AMD's profile; text around PEM is allowed. */
sl_rc sl_crl_read_amd(struct sl_blob in, struct sl_crl *ret_crl,
                      char ret_why[SL_CERT_WHY_SIZE]) SL_MUST_CHECK;
void sl_crl_done(struct sl_crl *crl);
/** @param[out] ret_when_s  revocation date; written only where true */
bool sl_crl_holds(const struct sl_crl *crl, struct sl_blob serial, int64_t *ret_when_s);

bool sl_blob_equal(struct sl_blob a, struct sl_blob b);

/* Shared by cert.c, cert_amd.c, cert_pem.c and crl.c. */

struct sl_reader;
/** The one algorithm: ecdsa-with-SHA256, without parameters. */
void sl_cert_read_algorithm(struct sl_reader *r);
/** One extension: its OID's content, its value. @return whether it is critical */
bool sl_cert_read_extension(struct sl_reader *list, struct sl_blob *ret_oid,
                            struct sl_blob *ret_value);
/** All extensions of a certificate. */
void sl_cert_read_extensions(struct sl_reader *tbs, struct sl_cert *cert);
/** Content of a Name, of printable ASCII alone; @p out: its last common name.
 * @retval SL_OK, SL_MALFORMED, SL_TRUNCATED */
sl_rc sl_cert_read_name(struct sl_reader names, char out[SL_CERT_NAME_SIZE]) SL_MUST_CHECK;
/** Issuer, validity and subject of a TBSCertificate, which every profile has alike.
 * @return what is wrong, @p r failed; NULL: nothing */
const char *sl_cert_read_names(struct sl_reader *r, struct sl_cert *cert);
/** AMD's profile: what is signed (@return what is wrong, or NULL), algorithm and signature behind
 * it, an authority key identifier. */
const char *sl_cert_amd_read_tbs(struct sl_reader *r, struct sl_cert *cert);
void sl_cert_amd_read_signature(struct sl_reader *r, struct sl_cert_amd *amd);
void sl_cert_amd_read_authority(struct sl_blob value, struct sl_cert_amd *amd,
                                struct sl_blob *ret_key_id, struct sl_reader *io_errors);
/** Remembers the first fault. */
void sl_cert_amd_fault(struct sl_cert_amd *amd, const char *why);
/** keyIdentifier of an authority key identifier's value; absent where it has none. */
struct sl_blob sl_cert_key_id(struct sl_blob value, struct sl_reader *io_errors);
/** Decodes the next block of @p label from @p io_in.
 * @retval SL_OK, SL_NOT_FOUND (no more), SL_MALFORMED, SL_NO_MEMORY; ret_der.data is malloc'ed */
sl_rc sl_pem_next(struct sl_blob *io_in, const char *label, bool is_text_allowed,
                  struct sl_blob *ret_der) SL_MUST_CHECK;

#endif
