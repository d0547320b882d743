/* SPDX-License-Identifier: Apache-2.0 */
/* A report for a person or a relying party: every field, by the names of AMD's specification. */
#include <stdio.h>
#include <string.h>

#include "attest/result.h"
#include "attest/snp_report.h"
#include "attest/verify.h"

static json_t *bits_json(uint64_t value, const char *const *names, size_t first, size_t count)
{
    json_t *json = json_object();
    sl_rc rc = SL_OK;
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL) {
            sl_json_put(json, names[i], json_boolean((value >> (first + i)) & 1), &rc);
        }
    }
    char text[19];
    (void)snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)value);
    sl_json_put(json, "value", json_string(text), &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *policy_json(uint64_t policy)
{
    static const char *const names[] = {"smt",
                                        "reserved_must_be_1",
                                        "migrate_ma",
                                        "debug",
                                        "single_socket",
                                        "cxl_allow",
                                        "mem_aes_256_xts",
                                        "rapl_dis",
                                        "ciphertext_hiding_dram",
                                        "page_swap_disable"};
    json_t *json = bits_json(policy, names, 16, sizeof(names) / sizeof(names[0]));
    sl_rc rc = SL_OK;
    sl_json_put(json, "abi_minor", json_integer((json_int_t)(policy & 0xff)), &rc);
    sl_json_put(json, "abi_major", json_integer((json_int_t)((policy >> 8) & 0xff)), &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *platform_json(uint64_t info)
{
    static const char *const names[] = {"smt_en",
                                        "tsme_en",
                                        "ecc_en",
                                        "rapl_dis",
                                        "ciphertext_hiding_dram_en",
                                        "alias_check_complete",
                                        NULL,
                                        "tio_en"};
    return bits_json(info, names, 0, sizeof(names) / sizeof(names[0]));
}

static json_t *tcb_json(const enum sl_snp_product *product, const uint8_t tcb[SL_SNP_TCB_SIZE])
{
    json_t *json = json_object();
    sl_rc rc = SL_OK;
    for (size_t i = 0; i < SL_SNP_TCB_SIZE && product != NULL; i++) {
        sl_json_put(json, sl_snp_tcb_name(*product, i), json_integer(tcb[i]), &rc);
    }
    sl_json_put(json, "value", sl_json_hex(tcb, SL_SNP_TCB_SIZE), &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *version_json(const struct sl_snp_version *version)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u.%u.%u", version->major, version->minor, version->build);
    return json_string(text);
}

static json_t *signer_json(uint8_t signer)
{
    switch (signer) {
    case SL_SNP_SIGNER_VCEK:
        return json_string("vcek");
    case SL_SNP_SIGNER_VLEK:
        return json_string("vlek");
    case SL_SNP_SIGNER_NONE:
        return json_string("none");
    default:
        return json_integer(signer);
    }
}

static json_t *cpuid_json(const struct sl_snp_report *report)
{
    json_t *json = json_object();
    sl_rc rc = SL_OK;
    sl_json_put(json, "family", json_integer(report->cpuid_family), &rc);
    sl_json_put(json, "model", json_integer(report->cpuid_model), &rc);
    sl_json_put(json, "stepping", json_integer(report->cpuid_stepping), &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static void identity_put(const struct sl_snp_report *report, json_t *json, sl_rc *io_rc)
{
    const struct {
        const char *name;
        const uint8_t *data;
        size_t size;
    } rows[] = {
        {"family_id", report->family_id, 16},
        {"image_id", report->image_id, 16},
        {"report_data", report->report_data, 64},
        {"measurement", report->measurement, 48},
        {"host_data", report->host_data, 32},
        {"id_key_digest", report->id_key_digest, 48},
        {"author_key_digest", report->author_key_digest, 48},
        {"report_id", report->report_id, 32},
        {"report_id_ma", report->report_id_ma, 32},
        {"chip_id", report->chip_id, SL_SNP_CHIP_ID_SIZE},
        {"signature", report->signature, sizeof(report->signature)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_json_put(json, rows[i].name, sl_json_hex(rows[i].data, rows[i].size), io_rc);
    }
}

json_t *sl_snp_report_json(const struct sl_snp_report *report, const enum sl_snp_product *product)
{
    json_t *json = json_object();
    sl_rc rc = SL_OK;
    sl_json_put(json, "version", json_integer(report->version), &rc);
    sl_json_put(json, "guest_svn", json_integer(report->guest_svn), &rc);
    sl_json_put(json, "policy", policy_json(report->policy), &rc);
    sl_json_put(json, "vmpl", json_integer(report->vmpl), &rc);
    sl_json_put(json, "signature_algo", json_integer(report->signature_algo), &rc);
    sl_json_put(json, "platform_info", platform_json(report->platform_info), &rc);
    sl_json_put(json, "author_key_en", json_boolean(report->is_author_key), &rc);
    sl_json_put(json, "mask_chip_key", json_boolean(report->is_chip_key_masked), &rc);
    sl_json_put(json, "signing_key", signer_json(report->signer), &rc);
    if (product != NULL) {
        sl_json_put(json, "product", json_string(sl_snp_product_text(*product)), &rc);
    }
    if (report->has_cpuid) {
        sl_json_put(json, "cpuid", cpuid_json(report), &rc);
    }
    sl_json_put(json, "current_tcb", tcb_json(product, report->current_tcb), &rc);
    sl_json_put(json, "reported_tcb", tcb_json(product, report->reported_tcb), &rc);
    sl_json_put(json, "committed_tcb", tcb_json(product, report->committed_tcb), &rc);
    sl_json_put(json, "launch_tcb", tcb_json(product, report->launch_tcb), &rc);
    sl_json_put(json, "current_version", version_json(&report->current), &rc);
    sl_json_put(json, "committed_version", version_json(&report->committed), &rc);
    if (report->has_mitigations) {
        sl_json_put(json, "launch_mit_vector", bits_json(report->launch_mitigations, NULL, 0, 0),
                    &rc);
        sl_json_put(json, "current_mit_vector", bits_json(report->current_mitigations, NULL, 0, 0),
                    &rc);
    }
    identity_put(report, json, &rc);
    if (rc != SL_OK) {
        json_decref(json);
        return NULL;
    }
    return json;
}

sl_rc sl_attest_snp_inspect(struct sl_blob evidence, json_t **ret_json)
{
    struct sl_snp_report report;
    sl_rc rc = sl_snp_report_parse(evidence, &report);
    if (rc != SL_OK) {
        return rc;
    }
    enum sl_snp_product product;
    bool is_known = sl_snp_report_product(&report, &product);
    json_t *json = sl_snp_report_json(&report, is_known ? &product : NULL);
    if (json == NULL) {
        return SL_NO_MEMORY;
    }
    *ret_json = json;
    return SL_OK;
}
