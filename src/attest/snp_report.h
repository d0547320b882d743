/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SEV-SNP attestation reports, versions 2 to 5 (AMD 56860 "SEV Secure Nested Paging Firmware ABI
 * Specification", table "ATTESTATION_REPORT Structure"). Little-endian throughout. Only parses and
 * shows; snp.c judges.
 */
#ifndef SL_ATTEST_SNP_REPORT_H
#define SL_ATTEST_SNP_REPORT_H

#include <jansson.h>

#include "attest/findings.h"
#include "safelib/attest.h"

enum {
    SL_SNP_REPORT_SIZE = 1184,
    SL_SNP_SIGNED_SIZE = 672, /**< what the signature is over */
    SL_SNP_TCB_SIZE = 8,
    SL_SNP_CHIP_ID_SIZE = 64,
    SL_SNP_TURIN_CHIP_ID_SIZE = 8, /**< on Turin; the rest of the field is zero */
    SL_SNP_COORD_SIZE = 48,        /**< of a P-384 signature */
};

/** GUEST_POLICY. Bits 0 to 7 and 8 to 15 are ABI_MINOR and ABI_MAJOR. */
#define SL_SNP_POLICY_SMT               (1ULL << 16)
#define SL_SNP_POLICY_RESERVED_ONE      (1ULL << 17)
#define SL_SNP_POLICY_MIGRATE_MA        (1ULL << 18)
#define SL_SNP_POLICY_DEBUG             (1ULL << 19)
#define SL_SNP_POLICY_SINGLE_SOCKET     (1ULL << 20)
#define SL_SNP_POLICY_CXL_ALLOW         (1ULL << 21)
#define SL_SNP_POLICY_MEM_AES_256_XTS   (1ULL << 22)
#define SL_SNP_POLICY_RAPL_DIS          (1ULL << 23)
#define SL_SNP_POLICY_CIPHERTEXT_HIDING (1ULL << 24)
#define SL_SNP_POLICY_PAGE_SWAP_DISABLE (1ULL << 25)
#define SL_SNP_POLICY_RESERVED_ZERO     (~0ULL << 26)

/** PLATFORM_INFO. */
#define SL_SNP_PLATFORM_SMT_EN               (1ULL << 0)
#define SL_SNP_PLATFORM_TSME_EN              (1ULL << 1)
#define SL_SNP_PLATFORM_ECC_EN               (1ULL << 2)
#define SL_SNP_PLATFORM_RAPL_DIS             (1ULL << 3)
#define SL_SNP_PLATFORM_CIPHERTEXT_HIDING_EN (1ULL << 4)
#define SL_SNP_PLATFORM_ALIAS_CHECK_COMPLETE (1ULL << 5)
#define SL_SNP_PLATFORM_TIO_EN               (1ULL << 7)
#define SL_SNP_PLATFORM_RESERVED_ZERO        (~0xbfULL)

/** SIGNING_KEY. */
enum sl_snp_signer { SL_SNP_SIGNER_VCEK = 0, SL_SNP_SIGNER_VLEK = 1, SL_SNP_SIGNER_NONE = 7 };

/** VMPL of a report that the host asked for, not the guest. */
#define SL_SNP_VMPL_HOST UINT32_MAX

struct sl_snp_version {
    uint8_t major, minor, build;
};

/** Pointers lead into the report's bytes. */
struct sl_snp_report {
    const uint8_t *bytes; /**< SL_SNP_REPORT_SIZE of them */
    uint32_t version, guest_svn;
    uint64_t policy, platform_info;
    uint32_t vmpl, signature_algo, key_info;
    bool is_author_key, is_chip_key_masked;
    uint8_t signer;                                   /**< enum sl_snp_signer or a reserved value */
    const uint8_t *family_id, *image_id;              /**< 16 */
    const uint8_t *report_data;                       /**< 64 */
    const uint8_t *measurement;                       /**< 48 */
    const uint8_t *host_data;                         /**< 32 */
    const uint8_t *id_key_digest, *author_key_digest; /**< 48 */
    const uint8_t *report_id, *report_id_ma;          /**< 32 */
    const uint8_t *current_tcb, *reported_tcb, *committed_tcb, *launch_tcb; /**< SL_SNP_TCB_SIZE */
    bool has_cpuid; /**< version 3 and later */
    uint8_t cpuid_family, cpuid_model, cpuid_stepping;
    const uint8_t *chip_id; /**< SL_SNP_CHIP_ID_SIZE */
    struct sl_snp_version current, committed;
    bool has_mitigations; /**< version 5 */
    uint64_t launch_mitigations, current_mitigations;
    uint8_t signature[2 * SL_SNP_COORD_SIZE]; /**< r, s; big-endian */
};

/** @param[out] ret_report  points into @p evidence, which must live as long
 * @retval SL_OK           reserved fields are not looked at: sl_snp_report_check
 * @retval SL_TRUNCATED    shorter than SL_SNP_REPORT_SIZE
 * @retval SL_UNSUPPORTED  version below 2 or above 5; only ret_report->version is set */
sl_rc sl_snp_report_parse(struct sl_blob evidence, struct sl_snp_report *ret_report) SL_MUST_CHECK;

/** What the format demands of every report: reserved fields zero, known values in the others. */
void sl_snp_report_check(const struct sl_snp_report *report, struct sl_findings *findings);

/** The product by CPUID (version 3 and later). @return false: not told, or not known */
bool sl_snp_report_product(const struct sl_snp_report *report, enum sl_snp_product *ret_product);

/** "Milan", "Genoa", "Turin" */
const char *sl_snp_product_text(enum sl_snp_product product);

/** Name of byte @p index of a TCB_VERSION of that product; "spl5" and the like are reserved. */
const char *sl_snp_tcb_name(enum sl_snp_product product, size_t index);
/** Components of a TCB_VERSION. */
struct sl_snp_tcb sl_snp_tcb_read(enum sl_snp_product product, const uint8_t tcb[SL_SNP_TCB_SIZE]);

/** Every field; TCBs by component where the product is known (@p product not NULL), else as bytes.
 * @return new reference, NULL: out of memory */
json_t *sl_snp_report_json(const struct sl_snp_report *report, const enum sl_snp_product *product);

bool sl_snp_is_zero(const uint8_t *data, size_t size);

#endif
