/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of signatures inside a quote: the PCK key signs the quoting enclave's report, which
 * vouches for the attestation key, which signs the quote; and the quoting enclave is Intel's. */
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "attest/digest.h"
#include "attest/intel.h"
#include "base/bytes.h"

static sl_rc check_signature(struct sl_intel *v)
{
    const struct sl_quote *quote = &v->quote;
    sl_rc rc =
        sl_intel_verify(v, NULL, quote->attestation_key, quote->signed_part, quote->signature);
    if (rc == SL_MALFORMED) {
        sl_finding_add(v->findings, SL_CHECK_SIGNATURE,
                       "the attestation key is no point of P-256: the quote was changed");
        return SL_OK;
    }
    if (rc == SL_NO_MEMORY) {
        return rc;
    }
    if (rc != SL_OK) {
        sl_finding_add(v->findings, SL_CHECK_SIGNATURE,
                       "the quote's signature is not by its attestation key over its first %zu "
                       "bytes: the quote was changed",
                       quote->signed_part.size);
    }
    return SL_OK;
}

static sl_rc check_qe_report(struct sl_intel *v)
{
    const struct sl_quote *quote = &v->quote;
    struct sl_blob report = {quote->qe_report.raw, SL_ENCLAVE_REPORT_SIZE};
    if (v->pck_leaf != NULL) {
        sl_rc rc =
            sl_intel_verify(v, "qe-report", v->pck_leaf->point, report, quote->qe_report_signature);
        if (rc == SL_NO_MEMORY) {
            return rc;
        }
        if (rc != SL_OK) {
            sl_finding_add(v->findings, SL_CHECK_QE_REPORT,
                           "the quoting enclave's report is not signed by the platform's PCK key: "
                           "it was changed, or the certificate is of another platform or TCB");
        }
    }
    /* Appendix A.4, table 4: "SHA256(ECDSA Attestation Key || QE Authentication Data) || 32 -
     * 0x00's"
     */
    uint8_t expected[64] = {0};
    uint8_t *bound = OPENSSL_malloc(SL_ECDSA_P256_SIZE + quote->auth_data.size);
    if (bound == NULL) {
        return SL_NO_MEMORY;
    }
    memcpy(bound, quote->attestation_key, SL_ECDSA_P256_SIZE);
    if (quote->auth_data.size > 0) {
        memcpy(bound + SL_ECDSA_P256_SIZE, quote->auth_data.data, quote->auth_data.size);
    }
    sl_sha256((struct sl_blob){bound, SL_ECDSA_P256_SIZE + quote->auth_data.size}, expected);
    OPENSSL_free(bound);
    if (CRYPTO_memcmp(expected, quote->qe_report.report_data, sizeof(expected)) != 0) {
        sl_finding_add(v->findings, SL_CHECK_QE_REPORT,
                       "the quoting enclave's report vouches for another attestation key: its "
                       "report_data is not SHA-256(key, authentication data)");
    }
    return SL_OK;
}

/* Certification data of types 1 to 3 names the platform: what is readable must be the PCK's. */
static void check_platform_id(struct sl_intel *v)
{
    const struct sl_blob *data = &v->quote.cert_data;
    size_t ppid_size;
    switch (v->quote.cert_type) {
    case SL_QUOTE_CERT_PPID_CLEAR:
        ppid_size = 16;
        break;
    case SL_QUOTE_CERT_PPID_RSA_2048:
        ppid_size = 256;
        break;
    case SL_QUOTE_CERT_PPID_RSA_3072:
        ppid_size = 384;
        break;
    default:
        return;
    }
    /* PPID | CPUSVN (16) | PCESVN (2) | PCE-ID (2); early quoting enclaves left the last out. */
    if (data->size != ppid_size + 18 && data->size != ppid_size + 20) {
        sl_finding_add(v->findings, SL_CHECK_EVIDENCE_FORMAT,
                       "certification data of type %u has %zu bytes, %zu are expected",
                       v->quote.cert_type, data->size, ppid_size + 20);
        return;
    }
    if (!v->has_pck) {
        return;
    }
    const uint8_t *p = data->data + ppid_size;
    const char *other = NULL;
    if (ppid_size == sizeof(v->pck.ppid) && memcmp(data->data, v->pck.ppid, ppid_size) != 0) {
        other = "PPID";
    } else if (memcmp(p, v->pck.cpu_svn, 16) != 0) {
        other = "CPUSVN";
    } else if (sl_le16_get(p + 16) != v->pck.pce_svn) {
        other = "PCESVN";
    } else if (data->size == ppid_size + 20 && memcmp(p + 18, v->pck.pce_id, 2) != 0) {
        other = "PCE-ID";
    }
    if (other != NULL) {
        sl_finding_add(v->findings, SL_CHECK_COLLATERAL_MISMATCH,
                       "the quote's certification data and the PCK certificate disagree about the "
                       "%s: fetch the certificate of this platform and TCB",
                       other);
    }
}

static bool is_masked_equal(const uint8_t *value, const uint8_t *mask, const uint8_t *expected,
                            size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((value[i] & mask[i]) != expected[i]) {
            return false;
        }
    }
    return true;
}

static void refuse_qe(struct sl_intel *v, const char *field, const uint8_t *found,
                      const uint8_t *expected, const uint8_t *mask, size_t size)
{
    char found_hex[65];
    char expected_hex[65];
    char mask_hex[65] = "";
    sl_hex_encode(found, size, found_hex);
    sl_hex_encode(expected, size, expected_hex);
    if (mask != NULL) {
        sl_hex_encode(mask, size, mask_hex);
    }
    sl_finding_add(v->findings, SL_CHECK_QE_IDENTITY,
                   "the quoting enclave's %s is %s, Intel's has %s%s%s: it is not Intel's quoting "
                   "enclave",
                   field, found_hex, expected_hex, mask != NULL ? " under mask " : "", mask_hex);
}

static void check_qe_identity(struct sl_intel *v)
{
    const struct sl_qe_identity *identity = &v->qe_identity;
    const struct sl_enclave_report *qe = &v->quote.qe_report;
    if (!v->has_qe_identity) {
        return;
    }
    if (!is_masked_equal(qe->misc_select, identity->misc_select_mask, identity->misc_select, 4)) {
        refuse_qe(v, "MISCSELECT", qe->misc_select, identity->misc_select,
                  identity->misc_select_mask, 4);
    }
    if (!is_masked_equal(qe->attributes, identity->attributes_mask, identity->attributes, 16)) {
        refuse_qe(v, "ATTRIBUTES", qe->attributes, identity->attributes, identity->attributes_mask,
                  16);
    }
    if (memcmp(qe->mrsigner, identity->mrsigner, 32) != 0) {
        refuse_qe(v, "MRSIGNER", qe->mrsigner, identity->mrsigner, NULL, 32);
    }
    if (qe->isv_prod_id != identity->isv_prod_id) {
        sl_finding_add(v->findings, SL_CHECK_QE_IDENTITY,
                       "the quoting enclave's product is %u, Intel's has %u: it is not Intel's "
                       "quoting enclave",
                       qe->isv_prod_id, identity->isv_prod_id);
    }
}

sl_rc sl_intel_check_quote(struct sl_intel *v)
{
    sl_rc rc = check_signature(v);
    if (rc == SL_OK) {
        rc = check_qe_report(v);
    }
    if (rc == SL_OK) {
        check_platform_id(v);
        check_qe_identity(v);
    }
    return rc;
}
