/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The SGX extension of a PCK certificate: which platform it is, and at which TCB it was certified.
 *
 * Spec: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification 1.3.5.
 */
#ifndef SL_ATTEST_PCK_H
#define SL_ATTEST_PCK_H

#include "safelib/attest.h"

enum { SL_PCK_COMPONENTS = 16, SL_PCK_WHY_SIZE = 128 };

enum sl_pck_sgx_type {
    SL_PCK_SGX_STANDARD = 0,
    SL_PCK_SGX_SCALABLE = 1,
    SL_PCK_SGX_SCALABLE_WITH_INTEGRITY = 2,
};

struct sl_pck {
    uint8_t ppid[16];
    uint8_t components[SL_PCK_COMPONENTS]; /**< TCB component SVNs 1 to 16 */
    uint16_t pce_svn;
    uint8_t cpu_svn[16];
    uint8_t pce_id[2];
    uint8_t fmspc[6];
    uint8_t sgx_type; /**< enum sl_pck_sgx_type */
    bool has_platform_instance_id;
    uint8_t platform_instance_id[16];
    bool has_configuration; /**< Platform CA only; each member may be absent (= unknown) */
    bool has_dynamic_platform, is_dynamic_platform;
    bool has_cached_keys, is_cached_keys;
    bool has_smt_enabled, is_smt_enabled;
};

/** @param der  value of the extension
 * @param[out] ret_why  what is wrong; "" on success
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE */
sl_rc sl_pck_parse(struct sl_blob der, struct sl_pck *ret_pck,
                   char ret_why[SL_PCK_WHY_SIZE]) SL_MUST_CHECK;

const char *sl_pck_sgx_type_text(uint8_t type);

#endif
