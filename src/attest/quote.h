/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Takes Intel's ECDSA quotes apart: SGX (versions 3, 4, 5) and TDX (versions 4, 5), little-endian.
 * Only form is judged here; every pointer goes into the caller's bytes.
 *
 * Spec: Intel SGX ECDSA Quote Library Reference, appendix A.4 (version 3); Intel TDX DCAP Quoting
 * Library API, appendix A.3 (versions 4 and 5).
 */
#ifndef SL_ATTEST_QUOTE_H
#define SL_ATTEST_QUOTE_H

#include "safelib/attest.h"

enum {
    SL_QUOTE_SIZE_MAX = 1 << 20, /**< with what trails it */
    SL_ENCLAVE_REPORT_SIZE = 384,
    SL_TD_REPORT_10_SIZE = 584,
    SL_TD_REPORT_15_SIZE = 648,
    SL_ECDSA_P256_SIZE = 64,
    SL_QUOTE_WHY_SIZE = 160,
};

/** What the certification data holds (appendix A.4, table 9). */
enum sl_quote_cert_type {
    SL_QUOTE_CERT_PPID_CLEAR = 1,
    SL_QUOTE_CERT_PPID_RSA_2048 = 2,
    SL_QUOTE_CERT_PPID_RSA_3072 = 3,
    SL_QUOTE_CERT_PCK_LEAF = 4,
    SL_QUOTE_CERT_PCK_CHAIN = 5,
    SL_QUOTE_CERT_QE_REPORT = 6, /**< version 4 on: wraps one of the others */
    SL_QUOTE_CERT_PLATFORM_MANIFEST = 7,
};

enum sl_quote_key_type { SL_QUOTE_KEY_ECDSA_P256 = 2, SL_QUOTE_KEY_ECDSA_P384 = 3 };
enum sl_quote_tee { SL_QUOTE_TEE_SGX = 0x00, SL_QUOTE_TEE_TDX = 0x81 };

/** REPORT body of an enclave. */
struct sl_enclave_report {
    const uint8_t *raw;             /**< SL_ENCLAVE_REPORT_SIZE bytes, as signed */
    const uint8_t *cpu_svn;         /**< 16 */
    const uint8_t *misc_select;     /**< 4 */
    const uint8_t *isv_ext_prod_id; /**< 16 */
    const uint8_t *attributes;      /**< 16: flags, XFRM */
    const uint8_t *mrenclave;       /**< 32 */
    const uint8_t *mrsigner;        /**< 32 */
    const uint8_t *config_id;       /**< 64 */
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    const uint8_t *isv_family_id; /**< 16 */
    const uint8_t *report_data;   /**< 64 */
};

/** TD report, 1.0 or 1.5. */
struct sl_td_report {
    bool is_15;
    const uint8_t *tee_tcb_svn;     /**< 16 */
    const uint8_t *mrseam;          /**< 48 */
    const uint8_t *mrsignerseam;    /**< 48 */
    const uint8_t *seam_attributes; /**< 8 */
    const uint8_t *td_attributes;   /**< 8 */
    const uint8_t *xfam;            /**< 8 */
    const uint8_t *mrtd;            /**< 48 */
    const uint8_t *mrconfigid;      /**< 48 */
    const uint8_t *mrowner;         /**< 48 */
    const uint8_t *mrownerconfig;   /**< 48 */
    const uint8_t *rtmr[4];         /**< 48 each */
    const uint8_t *report_data;     /**< 64 */
    const uint8_t *tee_tcb_svn2;    /**< 16; 1.5 */
    const uint8_t *mrservicetd;     /**< 48; 1.5 */
};

struct sl_quote {
    uint16_t version;
    uint16_t key_type; /**< enum sl_quote_key_type */
    uint32_t tee;      /**< enum sl_quote_tee */
    uint16_t qe_svn;
    uint16_t pce_svn;
    const uint8_t *qe_vendor_id; /**< 16 */
    const uint8_t *user_data;    /**< 20 */
    uint16_t body_type;          /**< version 5: as written; else what it would be */
    union {
        struct sl_enclave_report enclave; /**< tee SL_QUOTE_TEE_SGX */
        struct sl_td_report td;           /**< tee SL_QUOTE_TEE_TDX */
    } body;
    struct sl_blob signed_part;         /**< header to end of body */
    const uint8_t *signature;           /**< 64 */
    const uint8_t *attestation_key;     /**< 64 */
    struct sl_enclave_report qe_report; /**< report of the quoting enclave */
    const uint8_t *qe_report_signature; /**< 64 */
    struct sl_blob auth_data;
    uint16_t cert_type; /**< the innermost one */
    struct sl_blob cert_data;
    size_t trailing_size; /**< bytes behind the quote; not signed, not looked at */
};

/** @param[out] ret_why  what is wrong and where, for a person; "" on success
 * @retval SL_OK
 * @retval SL_TRUNCATED    ends before the field that @p ret_why names
 * @retval SL_MALFORMED    a length or constant contradicts the format
 * @retval SL_UNSUPPORTED  version, key type, TEE type, body type or certification type */
sl_rc sl_quote_parse(struct sl_blob in, struct sl_quote *ret_quote,
                     char ret_why[SL_QUOTE_WHY_SIZE]) SL_MUST_CHECK;

/** Intel's quoting enclaves carry this vendor id. */
extern const uint8_t SL_QUOTE_VENDOR_INTEL[16];

#endif
