/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of a quote and of a PCK certificate's extension, as JSON for people and for claims.
 */
#include <stdio.h>

#include "attest/intel.h"
#include "base/bytes.h"

static void put_hex(json_t *object, const char *key, const uint8_t *data, size_t size, sl_rc *io_rc)
{
    sl_json_put(object, key, sl_json_hex(data, size), io_rc);
}

static void put_uint(json_t *object, const char *key, uint32_t value, sl_rc *io_rc)
{
    sl_json_put(object, key, json_integer(value), io_rc);
}

/* SDM 3D 38.7.1 */
static json_t *sgx_flags_json(uint64_t flags)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } BITS[] = {
        {1U << 0, "INIT"},         {1U << 1, "DEBUG"},         {1U << 2, "MODE64BIT"},
        {1U << 4, "PROVISIONKEY"}, {1U << 5, "EINITTOKENKEY"}, {1U << 6, "CET"},
        {1U << 7, "KSS"},          {1U << 10, "AEXNOTIFY"},
    };
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof(BITS) / sizeof(BITS[0]) && array != NULL; i++) {
        if ((flags & BITS[i].bit) != 0) {
            (void)json_array_append_new(array, json_string(BITS[i].name));
        }
    }
    return array;
}

static json_t *td_flags_json(uint64_t attributes)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } BITS[] = {
        {1ULL << 0, "DEBUG"},       {1ULL << 27, "LASS"},    {1ULL << 28, "SEPT_VE_DISABLE"},
        {1ULL << 29, "MIGRATABLE"}, {1ULL << 30, "PKS"},     {1ULL << 31, "KL"},
        {1ULL << 62, "TPA"},        {1ULL << 63, "PERFMON"},
    };
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof(BITS) / sizeof(BITS[0]) && array != NULL; i++) {
        if ((attributes & BITS[i].bit) != 0) {
            (void)json_array_append_new(array, json_string(BITS[i].name));
        }
    }
    return array;
}

static json_t *enclave_json(const struct sl_enclave_report *report, sl_rc *io_rc)
{
    json_t *object = json_object();
    put_hex(object, "cpu_svn", report->cpu_svn, 16, io_rc);
    put_hex(object, "misc_select", report->misc_select, 4, io_rc);
    put_hex(object, "isv_ext_prod_id", report->isv_ext_prod_id, 16, io_rc);
    put_hex(object, "attributes", report->attributes, 16, io_rc);
    sl_json_put(object, "attributes_set", sgx_flags_json(sl_le64_get(report->attributes)), io_rc);
    put_hex(object, "mrenclave", report->mrenclave, 32, io_rc);
    put_hex(object, "mrsigner", report->mrsigner, 32, io_rc);
    put_hex(object, "config_id", report->config_id, 64, io_rc);
    put_uint(object, "isv_prod_id", report->isv_prod_id, io_rc);
    put_uint(object, "isv_svn", report->isv_svn, io_rc);
    put_uint(object, "config_svn", report->config_svn, io_rc);
    put_hex(object, "isv_family_id", report->isv_family_id, 16, io_rc);
    put_hex(object, "report_data", report->report_data, 64, io_rc);
    return object;
}

static json_t *td_json(const struct sl_td_report *td, sl_rc *io_rc)
{
    json_t *object = json_object();
    sl_json_put(object, "version", json_string(td->is_15 ? "1.5" : "1.0"), io_rc);
    put_hex(object, "tee_tcb_svn", td->tee_tcb_svn, 16, io_rc);
    put_hex(object, "mrseam", td->mrseam, 48, io_rc);
    put_hex(object, "mrsignerseam", td->mrsignerseam, 48, io_rc);
    put_hex(object, "seam_attributes", td->seam_attributes, 8, io_rc);
    put_hex(object, "td_attributes", td->td_attributes, 8, io_rc);
    sl_json_put(object, "td_attributes_set", td_flags_json(sl_le64_get(td->td_attributes)), io_rc);
    put_hex(object, "xfam", td->xfam, 8, io_rc);
    put_hex(object, "mrtd", td->mrtd, 48, io_rc);
    put_hex(object, "mrconfigid", td->mrconfigid, 48, io_rc);
    put_hex(object, "mrowner", td->mrowner, 48, io_rc);
    put_hex(object, "mrownerconfig", td->mrownerconfig, 48, io_rc);
    for (size_t i = 0; i < 4; i++) {
        char key[8];
        (void)snprintf(key, sizeof(key), "rtmr%zu", i);
        put_hex(object, key, td->rtmr[i], 48, io_rc);
    }
    put_hex(object, "report_data", td->report_data, 64, io_rc);
    if (td->is_15) {
        put_hex(object, "tee_tcb_svn2", td->tee_tcb_svn2, 16, io_rc);
        put_hex(object, "mrservicetd", td->mrservicetd, 48, io_rc);
    }
    return object;
}

static const char *cert_type_text(uint16_t type)
{
    static const char *const TEXTS[] = {
        [SL_QUOTE_CERT_PPID_CLEAR] = "PPID in the clear, CPUSVN, PCESVN, PCE-ID",
        [SL_QUOTE_CERT_PPID_RSA_2048] = "PPID encrypted with RSA-2048, CPUSVN, PCESVN, PCE-ID",
        [SL_QUOTE_CERT_PPID_RSA_3072] = "PPID encrypted with RSA-3072, CPUSVN, PCESVN, PCE-ID",
        [SL_QUOTE_CERT_PCK_LEAF] = "PCK certificate",
        [SL_QUOTE_CERT_PCK_CHAIN] = "PCK certificate chain",
        [SL_QUOTE_CERT_QE_REPORT] = "QE report certification data",
        [SL_QUOTE_CERT_PLATFORM_MANIFEST] = "platform manifest",
    };
    return type >= 1 && type <= SL_QUOTE_CERT_PLATFORM_MANIFEST ? TEXTS[type] : "unknown";
}

static json_t *header_json(const struct sl_quote *quote, sl_rc *io_rc)
{
    json_t *object = json_object();
    put_uint(object, "version", quote->version, io_rc);
    put_uint(object, "attestation_key_type", quote->key_type, io_rc);
    put_uint(object, "tee_type", quote->tee, io_rc);
    put_uint(object, "qe_svn", quote->qe_svn, io_rc);
    put_uint(object, "pce_svn", quote->pce_svn, io_rc);
    put_hex(object, "qe_vendor_id", quote->qe_vendor_id, 16, io_rc);
    put_hex(object, "user_data", quote->user_data, 20, io_rc);
    put_uint(object, "body_type", quote->body_type, io_rc);
    return object;
}

static json_t *signature_json(const struct sl_quote *quote, sl_rc *io_rc)
{
    json_t *object = json_object();
    put_hex(object, "quote_signature", quote->signature, SL_ECDSA_P256_SIZE, io_rc);
    put_hex(object, "attestation_key", quote->attestation_key, SL_ECDSA_P256_SIZE, io_rc);
    sl_json_put(object, "qe_report", enclave_json(&quote->qe_report, io_rc), io_rc);
    put_hex(object, "qe_report_signature", quote->qe_report_signature, SL_ECDSA_P256_SIZE, io_rc);
    put_hex(object, "qe_authentication_data", quote->auth_data.data, quote->auth_data.size, io_rc);
    put_uint(object, "certification_data_type", quote->cert_type, io_rc);
    sl_json_put(object, "certification_data_type_text",
                json_string(cert_type_text(quote->cert_type)), io_rc);
    put_uint(object, "certification_data_size", (uint32_t)quote->cert_data.size, io_rc);
    return object;
}

sl_rc sl_quote_to_json(const struct sl_quote *quote, json_t *object)
{
    sl_rc rc = SL_OK;
    sl_json_put(object, "header", header_json(quote, &rc), &rc);
    if (quote->tee == SL_QUOTE_TEE_TDX) {
        sl_json_put(object, "td_report", td_json(&quote->body.td, &rc), &rc);
    } else {
        sl_json_put(object, "enclave_report", enclave_json(&quote->body.enclave, &rc), &rc);
    }
    sl_json_put(object, "signature_data", signature_json(quote, &rc), &rc);
    put_uint(object, "trailing_bytes", (uint32_t)quote->trailing_size, &rc);
    return rc;
}

static void put_known(json_t *object, const char *key, bool has, bool is, sl_rc *io_rc)
{
    if (has) {
        sl_json_put(object, key, json_boolean(is), io_rc);
    }
}

json_t *sl_pck_to_json(const struct sl_pck *pck)
{
    sl_rc rc = SL_OK;
    json_t *object = json_object();
    json_t *components = json_array();
    for (size_t i = 0; i < SL_PCK_COMPONENTS && components != NULL; i++) {
        (void)json_array_append_new(components, json_integer(pck->components[i]));
    }
    put_hex(object, "ppid", pck->ppid, sizeof(pck->ppid), &rc);
    put_hex(object, "fmspc", pck->fmspc, sizeof(pck->fmspc), &rc);
    put_hex(object, "pce_id", pck->pce_id, sizeof(pck->pce_id), &rc);
    put_uint(object, "pce_svn", pck->pce_svn, &rc);
    put_hex(object, "cpu_svn", pck->cpu_svn, sizeof(pck->cpu_svn), &rc);
    sl_json_put(object, "tcb_components", components, &rc);
    sl_json_put(object, "sgx_type", json_string(sl_pck_sgx_type_text(pck->sgx_type)), &rc);
    if (pck->has_platform_instance_id) {
        put_hex(object, "platform_instance_id", pck->platform_instance_id,
                sizeof(pck->platform_instance_id), &rc);
    }
    put_known(object, "dynamic_platform", pck->has_dynamic_platform, pck->is_dynamic_platform, &rc);
    put_known(object, "cached_keys", pck->has_cached_keys, pck->is_cached_keys, &rc);
    put_known(object, "smt_enabled", pck->has_smt_enabled, pck->is_smt_enabled, &rc);
    if (rc != SL_OK) {
        json_decref(object);
        return NULL;
    }
    return object;
}
