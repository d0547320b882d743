/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes of Intel's own quoting enclave, through AESM where it runs, else by the DCAP library. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "device/sgx_arch.h"
#include "evidence/aesm.h"
#include "evidence/dcap_ql.h"
#include "evidence/producers.h"

enum {
    CALL_TIMEOUT_MS = 4000, /* two or three calls make an answer; the image waits ten seconds */
    QUOTE_HEAD_SIZE = 48 + 384 + 4,
    QUOTE_BODY_OFF = 48,
    QUOTE_SIGNATURE_SIZE_OFF = 432,
};

struct sgx {
    struct sl_aesm aesm;
    char library[256];
    uint8_t quote[SL_AESM_QUOTE_MAX];
};

static bool has_aesm(const struct sgx *sgx)
{
    return access(sgx->aesm.path, F_OK) == 0;
}

static sl_rc library_open(const struct sgx *sgx, struct sl_dcap_ql *ret_ql, struct sl_err *err)
{
    sl_rc rc = sl_dcap_ql_open(sgx->library, ret_ql, err);
    if (rc != SL_OK) {
        return sl_err_set(err, SL_IO,
                          "no quoting enclave to ask: AESM's socket %s is not there, nor is the "
                          "library %s: install Intel's SGX platform software",
                          sgx->aesm.path, sgx->library);
    }
    return SL_OK;
}

static sl_rc target_info(void *ctx, uint8_t ret_target[512], struct sl_err *err)
{
    struct sgx *sgx = ctx;
    struct sl_dcap_ql ql;
    if (has_aesm(sgx)) {
        return sl_aesm_target_info(&sgx->aesm, ret_target, err);
    }
    sl_rc rc = library_open(sgx, &ql, err);
    if (rc == SL_OK) {
        rc = sl_dcap_ql_target_info(&ql, ret_target, err);
        sl_dcap_ql_close(&ql);
    }
    return rc;
}

/* The services fill a buffer of the size they first named: what follows the signature is padding.
 */
static sl_rc quote_trim(const struct sgx *sgx, const struct sl_report *report, size_t size,
                        size_t *ret_size, struct sl_err *err)
{
    if (size < QUOTE_HEAD_SIZE) {
        return sl_err_set(err, SL_MALFORMED, "sgx: a quote of %zu bytes, expected %d at least",
                          size, QUOTE_HEAD_SIZE);
    }
    size_t signature = sl_le32_get(sgx->quote + QUOTE_SIGNATURE_SIZE_OFF);
    if (signature > size - QUOTE_HEAD_SIZE) {
        return sl_err_set(err, SL_MALFORMED,
                          "sgx: a quote whose signature has %zu bytes, and %zu are there",
                          signature, size - QUOTE_HEAD_SIZE);
    }
    if (memcmp(sgx->quote + QUOTE_BODY_OFF, &report->body, sizeof(report->body)) != 0) {
        return sl_err_set(err, SL_MALFORMED, "sgx: the quote is of another report");
    }
    *ret_size = QUOTE_HEAD_SIZE + signature;
    return SL_OK;
}

static sl_rc produce(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                     const uint8_t *report, struct sl_evidence *ret_evidence, struct sl_err *err)
{
    struct sgx *sgx = ctx;
    struct sl_report in;
    struct sl_dcap_ql ql;
    size_t size = sizeof(sgx->quote);
    if (report == NULL) {
        return sl_err_set(err, SL_INVALID, "sgx: expected a REPORT made by EREPORT");
    }
    memcpy(&in, report, sizeof(in));
    if (memcmp(in.body.report_data, report_data, SL_EVIDENCE_DATA_SIZE) != 0) {
        return sl_err_set(err, SL_INVALID, "sgx: the report is over other report_data");
    }
    sl_rc rc = SL_OK;
    if (has_aesm(sgx)) {
        rc = sl_aesm_quote(&sgx->aesm, report, sgx->quote, &size, err);
    } else if ((rc = library_open(sgx, &ql, err)) == SL_OK) {
        rc = sl_dcap_ql_quote(&ql, report, sgx->quote, &size, err);
        sl_dcap_ql_close(&ql);
    }
    rc = rc != SL_OK ? rc : quote_trim(sgx, &in, size, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    /* TCB info and the rest come from the vendor: the verifier's own cache has them */
    const struct sl_evidence evidence = {
        .type = SL_ATTEST_SGX, .binding = SL_BINDING_REPORT_DATA, .evidence = {sgx->quote, size}};
    rc = sl_evidence_copy(&evidence, ret_evidence);
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "sgx: %s", sl_rc_text(rc));
}

sl_rc sl_evidence_sgx_open(const char *aesm_socket, const char *library,
                           struct sl_evidence_producer *ret_producer, struct sl_err *err)
{
    const char *path = aesm_socket != NULL && aesm_socket[0] != '\0' ? aesm_socket : SL_AESM_SOCKET;
    const char *name = library != NULL && library[0] != '\0' ? library : SL_DCAP_LIBRARY;
    struct sgx *sgx = calloc(1, sizeof(*sgx));
    if (sgx == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "sgx: out of memory");
    }
    if (strlen(path) >= sizeof(sgx->aesm.path) || strlen(name) >= sizeof(sgx->library)) {
        free(sgx);
        return sl_err_set(err, SL_INVALID, "sgx: %s: the path is too long", path);
    }
    (void)snprintf(sgx->aesm.path, sizeof(sgx->aesm.path), "%s", path);
    (void)snprintf(sgx->library, sizeof(sgx->library), "%s", name);
    sgx->aesm.timeout_ms = CALL_TIMEOUT_MS;
    *ret_producer = (struct sl_evidence_producer){
        .name = "sgx", .ctx = sgx, .target_info = target_info, .produce = produce, .free = free};
    return SL_OK;
}
