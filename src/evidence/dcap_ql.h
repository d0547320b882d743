/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Intel's DCAP quoting library (libsgx_dcap_ql), where a machine has it and no AESM: loaded at run
 * time, so that nothing depends on it. Never run on hardware.
 */
#ifndef SL_EVIDENCE_DCAP_QL_H
#define SL_EVIDENCE_DCAP_QL_H

#include "base/err.h"
#include "evidence/evidence.h"

struct sl_dcap_ql {
    void *handle;
    uint32_t (*target_info)(void *ret_target);
    uint32_t (*quote_size)(uint32_t *ret_size);
    uint32_t (*quote)(const void *report, uint32_t size, uint8_t *ret_quote);
};

/** @retval SL_OK, SL_NOT_FOUND (no such library, or without its functions) */
sl_rc sl_dcap_ql_open(const char *name, struct sl_dcap_ql *ret_ql,
                      struct sl_err *err) SL_MUST_CHECK;
void sl_dcap_ql_close(struct sl_dcap_ql *ql);
/** @retval SL_OK, SL_IO (the library's error code) */
sl_rc sl_dcap_ql_target_info(const struct sl_dcap_ql *ql, uint8_t ret_target[512],
                             struct sl_err *err) SL_MUST_CHECK;
/** @param[in,out] io_size  room in @p ret_quote; then the quote's size
 * @retval SL_OK, SL_IO, SL_AUTH (SGX_QL_INVALID_REPORT) */
sl_rc sl_dcap_ql_quote(const struct sl_dcap_ql *ql, const uint8_t report[432], uint8_t *ret_quote,
                       size_t *io_size, struct sl_err *err) SL_MUST_CHECK;

#endif
