/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What AMD says in a VCEK or VLEK certificate: the extensions under 1.3.6.1.4.1.3704.1 (AMD 57230
 * "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification", table 8;
 * VLEK: AMD 58369).
 */
#ifndef SL_ATTEST_SNP_CERT_H
#define SL_ATTEST_SNP_CERT_H

#include "attest/cert.h"
#include "attest/snp_report.h"

enum { SL_SNP_TEXT_SIZE = 64 };

struct sl_snp_cert {
    uint8_t struct_version;
    char product_name[SL_SNP_TEXT_SIZE]; /**< "Milan-B0"; a VLEK's has no stepping */
    enum sl_snp_product product;
    uint8_t tcb[SL_SNP_TCB_SIZE]; /**< in the order of the product's TCB_VERSION */
    uint8_t hwid[SL_SNP_CHIP_ID_SIZE];
    size_t hwid_size;              /**< 64, 8 on Turin, 0 in a VLEK */
    char csp_id[SL_SNP_TEXT_SIZE]; /**< VLEK: the cloud provider; else empty */
};

/** @param certificate  of AMD's profile
 * @param[out] ret_why  static text on failure
 * @retval SL_OK
 * @retval SL_MALFORMED    an extension is absent, twice there or not in its form
 * @retval SL_UNSUPPORTED  product unknown */
sl_rc sl_snp_cert_read(const struct sl_cert *certificate, enum sl_snp_signer kind,
                       struct sl_snp_cert *ret_cert, const char **ret_why) SL_MUST_CHECK;

#endif
