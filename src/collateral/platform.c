/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of platforms, from evidence and from collateral. */
#include "collateral/platform.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <string.h>

#include "attest/snp_report.h"
#include "attest/x509.h"
#include "collateral/expiry.h"
#include "collateral/extension.h"
#include "safelib/bytes.h"

/* AMD 56860 (SEV-SNP ABI) table 23, ATTESTATION_REPORT. */
enum {
    SNP_REPORT_SIZE = 1184,
    SNP_SIGNING_KEY_OFF = 0x48,
    SNP_REPORTED_TCB_OFF = 0x180,
    SNP_FAMILY_OFF = 0x188,
    SNP_MODEL_OFF = 0x189,
    SNP_CHIP_ID_OFF = 0x1a0,
    SNP_VERSION_WITH_CPUID = 3,
    SNP_SIGNING_VLEK = 1,
    TURIN_CHIP_ID_SIZE = 8,
};
enum { QUOTE_HEADER_SIZE = 48, QUOTE_TEE_SGX = 0, QUOTE_TEE_TDX = 0x81 };

static const char *const product_names[SL_SNP_PRODUCT_COUNT] = {
    [SL_SNP_MILAN] = "milan",
    [SL_SNP_GENOA] = "genoa",
    [SL_SNP_TURIN] = "turin",
};

enum sl_attest_type sl_platform_guess(struct sl_blob evidence)
{
    if (evidence.size < QUOTE_HEADER_SIZE) {
        return 0;
    }
    /* Quotes have a u16 version and a u16 key type, reports a u32 version (so 0 behind it). */
    unsigned version = sl_le16_get(evidence.data);
    unsigned key_type = sl_le16_get(evidence.data + 2);
    uint32_t tee = sl_le32_get(evidence.data + 4);
    if (key_type == 0) {
        return version >= 2 && evidence.size >= SNP_REPORT_SIZE ? SL_ATTEST_SNP : 0;
    }
    if (version == 3 || (version > 3 && tee == QUOTE_TEE_SGX)) {
        return SL_ATTEST_SGX;
    }
    return version > 3 && tee == QUOTE_TEE_TDX ? SL_ATTEST_TDX : 0;
}

static void intel_key(enum sl_attest_type type, const uint8_t fmspc[SL_FMSPC_SIZE], const char *ca,
                      char ret_key[SL_PLATFORM_KEY_SIZE])
{
    char hex[2 * SL_FMSPC_SIZE + 1];
    sl_hex_encode(fmspc, SL_FMSPC_SIZE, hex);
    (void)snprintf(ret_key, SL_PLATFORM_KEY_SIZE, "%s-%s-%s", type == SL_ATTEST_SGX ? "sgx" : "tdx",
                   hex, ca);
}

static void snp_key(const struct sl_extension_snp *snp, char ret_key[SL_PLATFORM_KEY_SIZE])
{
    char chip[2 * SL_CHIP_ID_SIZE + 1] = "vlek";
    char fmc[8] = "";
    const struct sl_snp_tcb *tcb = &snp->tcb;
    bool is_turin = snp->product == SL_SNP_TURIN;
    if (!snp->is_vlek) {
        sl_hex_encode(snp->chip_id, is_turin ? TURIN_CHIP_ID_SIZE : SL_CHIP_ID_SIZE, chip);
    }
    if (is_turin) {
        (void)snprintf(fmc, sizeof(fmc), "%u.", tcb->fmc);
    }
    (void)snprintf(ret_key, SL_PLATFORM_KEY_SIZE, "snp-%s-%s-%s%u.%u.%u.%u",
                   product_names[snp->product], chip, fmc, tcb->bootloader, tcb->tee, tcb->snp,
                   tcb->microcode);
}

/* Family and model as CPUID(1) gives them, extended parts added (AMD 56860 table 23). */
static bool product_from_cpuid(unsigned family, unsigned model, enum sl_snp_product *ret_product)
{
    if (family == 0x19 && model <= 0x0f) {
        *ret_product = SL_SNP_MILAN;
    } else if (family == 0x19 &&
               ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf))) {
        *ret_product = SL_SNP_GENOA;
    } else if (family == 0x1a && model <= 0x1f) {
        *ret_product = SL_SNP_TURIN;
    } else {
        return false;
    }
    return true;
}

static sl_rc snp_keys(struct sl_blob report, struct sl_platform_keys *ret_keys, struct sl_err *err)
{
    if (report.size < SNP_REPORT_SIZE) {
        return sl_err_set(err, SL_TRUNCATED, "an SEV-SNP report has %d bytes, not %zu",
                          SNP_REPORT_SIZE, report.size);
    }
    struct sl_extension_snp snp = {0};
    const uint8_t *tcb = report.data + SNP_REPORTED_TCB_OFF;
    unsigned signing = sl_le32_get(report.data + SNP_SIGNING_KEY_OFF) >> 2 & 7;
    bool has_cpuid = sl_le32_get(report.data) >= SNP_VERSION_WITH_CPUID;
    snp.is_vlek = signing == SNP_SIGNING_VLEK;
    memcpy(snp.chip_id, report.data + SNP_CHIP_ID_OFF, sizeof(snp.chip_id));
    if (has_cpuid && !product_from_cpuid(report.data[SNP_FAMILY_OFF], report.data[SNP_MODEL_OFF],
                                         &snp.product)) {
        return sl_err_set(err, SL_NOT_FOUND, "family 0x%x, model 0x%x is no product that is known",
                          report.data[SNP_FAMILY_OFF], report.data[SNP_MODEL_OFF]);
    }
    snp.tcb = sl_snp_tcb_read(snp.product, tcb);
    ret_keys->count = has_cpuid ? 1 : 2;
    snp_key(&snp, ret_keys->key[0]);
    snp.product = SL_SNP_GENOA;
    snp_key(&snp, ret_keys->key[1]);
    return SL_OK;
}

/* The first PEM certificate behind a quote that is a PCK certificate. */
static sl_rc quote_keys(enum sl_attest_type type, struct sl_blob quote,
                        struct sl_platform_keys *ret_keys, struct sl_err *err)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    if (quote.size < QUOTE_HEADER_SIZE) {
        return sl_err_set(err, SL_TRUNCATED, "%zu bytes are no quote", quote.size);
    }
    const uint8_t *pem = memmem(quote.data, quote.size, begin, sizeof(begin) - 1);
    size_t left = pem != NULL ? quote.size - (size_t)(pem - quote.data) : 0;
    if (pem == NULL || left > SL_COLLATERAL_FILE_MAX) {
        return sl_err_set(err, SL_NOT_FOUND, "the quote carries no PCK certificate");
    }
    BIO *bio = BIO_new_mem_buf(pem, (int)left);
    bool is_found = false;
    for (unsigned i = 0; bio != NULL && i < SL_X509_CHAIN_MAX && !is_found; i++) {
        uint8_t fmspc[SL_FMSPC_SIZE];
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (cert == NULL) {
            break;
        }
        const char *ca = sl_extension_pck_ca(X509_get_issuer_name(cert));
        is_found = ca != NULL && sl_extension_fmspc(cert, fmspc);
        if (is_found) {
            intel_key(type, fmspc, ca, ret_keys->key[0]);
        }
        X509_free(cert);
    }
    BIO_free(bio);
    ret_keys->count = is_found;
    return is_found ? SL_OK
                    : sl_err_set(err, SL_NOT_FOUND,
                                 "the quote carries no PCK certificate with an "
                                 "FMSPC");
}

sl_rc sl_platform_of_evidence(enum sl_attest_type type, struct sl_blob evidence,
                              struct sl_platform_keys *ret_keys, struct sl_err *err)
{
    ret_keys->count = 0;
    return type == SL_ATTEST_SNP ? snp_keys(evidence, ret_keys, err)
                                 : quote_keys(type, evidence, ret_keys, err);
}

/* tcbInfo.id and tcbInfo.fmspc. Version 2 has no id: it knows SGX only. */
static sl_rc tcb_info_platform(struct sl_blob text, enum sl_attest_type *ret_type,
                               uint8_t ret_fmspc[SL_FMSPC_SIZE], struct sl_err *err)
{
    json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    json_t *info = json_object_get(root, "tcbInfo");
    const char *id = json_string_value(json_object_get(info, "id"));
    const char *fmspc = json_string_value(json_object_get(info, "fmspc"));
    id = id != NULL ? id : "SGX";
    bool is_good = fmspc != NULL && sl_hex_decode(fmspc, ret_fmspc, SL_FMSPC_SIZE) == SL_OK &&
                   (strcmp(id, "SGX") == 0 || strcmp(id, "TDX") == 0);
    *ret_type = strcmp(id, "TDX") == 0 ? SL_ATTEST_TDX : SL_ATTEST_SGX;
    json_decref(root);
    return is_good ? SL_OK
                   : sl_err_set(err, SL_MALFORMED,
                                "tcb_info: expected tcbInfo.id SGX or TDX and tcbInfo.fmspc of 12 "
                                "hex digits");
}

/* Who issues the PCK certificates: the issuer of their CRL. */
static sl_rc crl_ca(struct sl_blob crl, const char **ret_ca, struct sl_err *err)
{
    X509_CRL *read = NULL;
    if (sl_x509_crl_read(crl, &read) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "pck_crl: no CRL");
    }
    *ret_ca = sl_extension_pck_ca(X509_CRL_get_issuer(read));
    X509_CRL_free(read);
    return *ret_ca != NULL ? SL_OK
                           : sl_err_set(err, SL_MALFORMED,
                                        "pck_crl: issued by neither a PCK Platform CA nor a PCK "
                                        "Processor CA");
}

static sl_rc intel_platform(const struct sl_attest_collateral *parts,
                            char ret_key[SL_PLATFORM_KEY_SIZE], struct sl_err *err)
{
    enum sl_attest_type type = SL_ATTEST_SGX;
    uint8_t fmspc[SL_FMSPC_SIZE] = {0};
    const char *ca = NULL;
    if (parts->tcb_info.data == NULL || parts->pck_crl.data == NULL) {
        return sl_err_set(err, SL_INVALID, "%s is missing: it tells which %s the collateral is for",
                          parts->tcb_info.data == NULL ? "tcb_info.json" : "pck_crl.der",
                          parts->tcb_info.data == NULL ? "FMSPC" : "PCK CA (platform, processor)");
    }
    sl_rc rc = tcb_info_platform(parts->tcb_info, &type, fmspc, err);
    rc = rc == SL_OK ? crl_ca(parts->pck_crl, &ca, err) : rc;
    if (rc == SL_OK) {
        intel_key(type, fmspc, ca, ret_key);
    }
    return rc;
}

static sl_rc amd_platform(const struct sl_attest_collateral *parts,
                          char ret_key[SL_PLATFORM_KEY_SIZE], struct sl_err *err)
{
    bool is_vcek = parts->vcek.data != NULL;
    struct sl_blob blob = is_vcek ? parts->vcek : parts->vlek;
    const char *name = is_vcek ? "vcek" : "vlek";
    struct sl_x509_list list = {0};
    struct sl_extension_snp snp = {0};
    if (blob.data == NULL) {
        return sl_err_set(err, SL_INVALID,
                          "vcek.der or vlek.der is missing: it tells which chip and TCB the "
                          "collateral is for");
    }
    if (sl_x509_list_read(blob, &list) != SL_OK) {
        return sl_err_set(err, SL_MALFORMED, "%s: no certificate", name);
    }
    bool is_good = list.count >= 1 && sl_extension_snp(list.certs[0], &snp);
    sl_x509_list_done(&list);
    if (!is_good) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s: lacks the extensions that name product, TCB and chip", name);
    }
    snp_key(&snp, ret_key);
    return SL_OK;
}

sl_rc sl_platform_of_set(const struct sl_collateral_set *set, char ret_key[SL_PLATFORM_KEY_SIZE],
                         struct sl_err *err)
{
    const struct sl_attest_collateral *parts = &set->parts;
    struct sl_expiry ignored;
    sl_rc rc = sl_expiry_of(set, &ignored, err);
    if (rc != SL_OK) {
        return rc;
    }
    bool is_amd = false;
    bool is_intel = false;
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT; i++) {
        if (sl_collateral_part(set, i).data != NULL) {
            is_amd |= i >= SL_COLLATERAL_vcek;
            is_intel |= i < SL_COLLATERAL_vcek;
        }
    }
    if (is_amd && is_intel) {
        return sl_err_set(err, SL_INVALID,
                          "Intel's and AMD's collateral together: expected those "
                          "of one platform");
    }
    return is_amd ? amd_platform(parts, ret_key, err) : intel_platform(parts, ret_key, err);
}
