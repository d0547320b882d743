/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of an attestation report, and what the format says about each. */
#include "attest/snp_report.h"

#include <string.h>

#include "base/bytes.h"

/* AMD 56860, table ATTESTATION_REPORT: byte offsets. */
enum {
    OFF_VERSION = 0x000,
    OFF_GUEST_SVN = 0x004,
    OFF_POLICY = 0x008,
    OFF_FAMILY_ID = 0x010,
    OFF_IMAGE_ID = 0x020,
    OFF_VMPL = 0x030,
    OFF_SIGNATURE_ALGO = 0x034,
    OFF_CURRENT_TCB = 0x038,
    OFF_PLATFORM_INFO = 0x040,
    OFF_KEY_INFO = 0x048,
    OFF_RESERVED_1 = 0x04c,
    OFF_REPORT_DATA = 0x050,
    OFF_MEASUREMENT = 0x090,
    OFF_HOST_DATA = 0x0c0,
    OFF_ID_KEY_DIGEST = 0x0e0,
    OFF_AUTHOR_KEY_DIGEST = 0x110,
    OFF_REPORT_ID = 0x140,
    OFF_REPORT_ID_MA = 0x160,
    OFF_REPORTED_TCB = 0x180,
    OFF_CPUID = 0x188, /* version 3: family, model, stepping; before: reserved */
    OFF_RESERVED_2 = 0x18b,
    OFF_CHIP_ID = 0x1a0,
    OFF_COMMITTED_TCB = 0x1e0,
    OFF_CURRENT_VERSION = 0x1e8, /* build, minor, major, reserved */
    OFF_COMMITTED_VERSION = 0x1ec,
    OFF_LAUNCH_TCB = 0x1f0,
    OFF_MITIGATIONS = 0x1f8, /* version 5: launch, current; before: reserved */
    OFF_RESERVED_3 = 0x208,
    OFF_SIGNATURE = 0x2a0, /* r, s: 72 bytes each, little-endian; the rest is reserved */
    SIGNATURE_FIELD = 72,
    SIGNATURE_ECDSA_P384_SHA384 = 1,
    VERSION_MIN = 2,
    VERSION_CPUID = 3,
    VERSION_MITIGATIONS = 5,
    VERSION_MAX = 5,
};

bool sl_snp_is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static struct sl_snp_version version_read(const uint8_t *p)
{
    return (struct sl_snp_version){.build = p[0], .minor = p[1], .major = p[2]};
}

static void signature_read(const uint8_t *p, uint8_t out[2 * SL_SNP_COORD_SIZE])
{
    for (size_t i = 0; i < SL_SNP_COORD_SIZE; i++) {
        out[i] = p[SL_SNP_COORD_SIZE - 1 - i];
        out[SL_SNP_COORD_SIZE + i] = p[SIGNATURE_FIELD + SL_SNP_COORD_SIZE - 1 - i];
    }
}

static void numbers_read(const uint8_t *p, struct sl_snp_report *report)
{
    report->guest_svn = sl_le32_get(p + OFF_GUEST_SVN);
    report->policy = sl_le64_get(p + OFF_POLICY);
    report->vmpl = sl_le32_get(p + OFF_VMPL);
    report->signature_algo = sl_le32_get(p + OFF_SIGNATURE_ALGO);
    report->platform_info = sl_le64_get(p + OFF_PLATFORM_INFO);
    report->key_info = sl_le32_get(p + OFF_KEY_INFO);
    report->is_author_key = (report->key_info & 1) != 0;
    report->is_chip_key_masked = (report->key_info & 2) != 0;
    report->signer = (uint8_t)((report->key_info >> 2) & 7);
    report->current = version_read(p + OFF_CURRENT_VERSION);
    report->committed = version_read(p + OFF_COMMITTED_VERSION);
    if (report->version >= VERSION_CPUID) {
        report->has_cpuid = true;
        report->cpuid_family = p[OFF_CPUID];
        report->cpuid_model = p[OFF_CPUID + 1];
        report->cpuid_stepping = p[OFF_CPUID + 2];
    }
    if (report->version >= VERSION_MITIGATIONS) {
        report->has_mitigations = true;
        report->launch_mitigations = sl_le64_get(p + OFF_MITIGATIONS);
        report->current_mitigations = sl_le64_get(p + OFF_MITIGATIONS + 8);
    }
}

sl_rc sl_snp_report_parse(struct sl_blob evidence, struct sl_snp_report *ret_report)
{
    *ret_report = (struct sl_snp_report){.version = 0};
    if (evidence.data == NULL || evidence.size < SL_SNP_REPORT_SIZE) {
        return SL_TRUNCATED;
    }
    const uint8_t *p = evidence.data;
    ret_report->version = sl_le32_get(p + OFF_VERSION);
    if (ret_report->version < VERSION_MIN || ret_report->version > VERSION_MAX) {
        return SL_UNSUPPORTED;
    }
    struct sl_snp_report report = {
        .bytes = p,
        .version = ret_report->version,
        .family_id = p + OFF_FAMILY_ID,
        .image_id = p + OFF_IMAGE_ID,
        .report_data = p + OFF_REPORT_DATA,
        .measurement = p + OFF_MEASUREMENT,
        .host_data = p + OFF_HOST_DATA,
        .id_key_digest = p + OFF_ID_KEY_DIGEST,
        .author_key_digest = p + OFF_AUTHOR_KEY_DIGEST,
        .report_id = p + OFF_REPORT_ID,
        .report_id_ma = p + OFF_REPORT_ID_MA,
        .current_tcb = p + OFF_CURRENT_TCB,
        .reported_tcb = p + OFF_REPORTED_TCB,
        .committed_tcb = p + OFF_COMMITTED_TCB,
        .launch_tcb = p + OFF_LAUNCH_TCB,
        .chip_id = p + OFF_CHIP_ID,
    };
    numbers_read(p, &report);
    signature_read(p + OFF_SIGNATURE, report.signature);
    *ret_report = report;
    return SL_OK;
}

static void reserved_check(const struct sl_snp_report *report, size_t from, size_t until,
                           struct sl_findings *findings)
{
    for (size_t off = from; off < until; off++) {
        if (report->bytes[off] != 0) {
            sl_finding_add(
                findings, SL_CHECK_EVIDENCE_FORMAT,
                "report: byte 0x%zx is 0x%02x, and a report of version %u reserves bytes "
                "0x%zx to 0x%zx as zero: the report was changed, or is of a later "
                "format than this verifier knows",
                off, report->bytes[off], report->version, from, until - 1);
            return;
        }
    }
}

static void bits_check(const struct sl_snp_report *report, struct sl_findings *findings)
{
    const struct {
        const char *field;
        uint64_t value, zero, one;
    } rows[] = {
        {"guest policy", report->policy, SL_SNP_POLICY_RESERVED_ZERO, SL_SNP_POLICY_RESERVED_ONE},
        {"platform info", report->platform_info, SL_SNP_PLATFORM_RESERVED_ZERO, 0},
        {"key info", report->key_info, ~0x1fULL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((rows[i].value & rows[i].zero) != 0 || (rows[i].value & rows[i].one) != rows[i].one) {
            sl_finding_add(findings, SL_CHECK_EVIDENCE_FORMAT,
                           "report: %s is 0x%llx; bits 0x%llx must be 0 and 0x%llx must be 1: the "
                           "report is of a later format than this verifier knows",
                           rows[i].field, (unsigned long long)rows[i].value,
                           (unsigned long long)rows[i].zero, (unsigned long long)rows[i].one);
        }
    }
}

void sl_snp_report_check(const struct sl_snp_report *report, struct sl_findings *findings)
{
    reserved_check(report, OFF_RESERVED_1, OFF_REPORT_DATA, findings);
    reserved_check(report, report->has_cpuid ? OFF_RESERVED_2 : OFF_CPUID, OFF_CHIP_ID, findings);
    reserved_check(report, OFF_CURRENT_VERSION + 3, OFF_COMMITTED_VERSION, findings);
    reserved_check(report, OFF_COMMITTED_VERSION + 3, OFF_LAUNCH_TCB, findings);
    reserved_check(report, report->has_mitigations ? OFF_RESERVED_3 : OFF_MITIGATIONS,
                   OFF_SIGNATURE, findings);
    reserved_check(report, OFF_SIGNATURE + SL_SNP_COORD_SIZE, OFF_SIGNATURE + SIGNATURE_FIELD,
                   findings);
    reserved_check(report, OFF_SIGNATURE + SIGNATURE_FIELD + SL_SNP_COORD_SIZE, SL_SNP_REPORT_SIZE,
                   findings);
    bits_check(report, findings);
    if (report->signature_algo != SIGNATURE_ECDSA_P384_SHA384) {
        sl_finding_add(
            findings, SL_CHECK_EVIDENCE_FORMAT,
            "report: signature algorithm is %u, and only 1 (ECDSA P-384 with SHA-384) is "
            "defined",
            report->signature_algo);
    }
    if (!report->is_author_key && !sl_snp_is_zero(report->author_key_digest, 48)) {
        sl_finding_add(findings, SL_CHECK_EVIDENCE_FORMAT,
                       "report: there is a digest of an author key, and AUTHOR_KEY_EN is 0");
    }
    if (report->is_author_key && sl_snp_is_zero(report->id_key_digest, 48)) {
        sl_finding_add(findings, SL_CHECK_EVIDENCE_FORMAT,
                       "report: AUTHOR_KEY_EN is 1, and there is no ID key that an author could "
                       "have signed");
    }
}

bool sl_snp_report_product(const struct sl_snp_report *report, enum sl_snp_product *ret_product)
{
    /* Family and model as CPUID Fn0000_0001_EAX combines them. Genoa's keys serve Bergamo and Siena
     * (19h, A0h to AFh); Turin's serve Turin Dense (1Ah, 10h to 1Fh). */
    static const struct {
        uint8_t family, model_min, model_max;
        enum sl_snp_product product;
    } rows[] = {
        {0x19, 0x00, 0x0f, SL_SNP_MILAN},
        {0x19, 0x10, 0x1f, SL_SNP_GENOA},
        {0x19, 0xa0, 0xaf, SL_SNP_GENOA},
        {0x1a, 0x00, 0x1f, SL_SNP_TURIN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && report->has_cpuid; i++) {
        if (report->cpuid_family == rows[i].family && report->cpuid_model >= rows[i].model_min &&
            report->cpuid_model <= rows[i].model_max) {
            *ret_product = rows[i].product;
            return true;
        }
    }
    return false;
}

const char *sl_snp_product_text(enum sl_snp_product product)
{
    switch (product) {
    case SL_SNP_MILAN:
        return "Milan";
    case SL_SNP_GENOA:
        return "Genoa";
    case SL_SNP_TURIN:
        return "Turin";
    case SL_SNP_PRODUCT_COUNT:
        break;
    }
    return "unknown";
}

const char *sl_snp_tcb_name(enum sl_snp_product product, size_t index)
{
    static const char *const names[SL_SNP_TCB_SIZE] = {"bootloader", "tee",  "spl4", "spl5",
                                                       "spl6",       "spl7", "snp",  "microcode"};
    static const char *const turin[SL_SNP_TCB_SIZE] = {"fmc",  "bootloader", "tee",  "snp",
                                                       "spl5", "spl6",       "spl7", "microcode"};
    return product == SL_SNP_TURIN ? turin[index] : names[index];
}

struct sl_snp_tcb sl_snp_tcb_read(enum sl_snp_product product, const uint8_t tcb[SL_SNP_TCB_SIZE])
{
    if (product == SL_SNP_TURIN) {
        return (struct sl_snp_tcb){
            .fmc = tcb[0], .bootloader = tcb[1], .tee = tcb[2], .snp = tcb[3], .microcode = tcb[7]};
    }
    return (struct sl_snp_tcb){
        .bootloader = tcb[0], .tee = tcb[1], .snp = tcb[6], .microcode = tcb[7]};
}
