/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Intel's statements about a platform and its quoting enclave: TCB info (versions 2 and 3; version
 * 1 is read so that it can be refused by name) and enclave identity (version 2). Form only; the
 * blobs point into the caller's bytes.
 *
 * Spec: Intel SGX and TDX Provisioning Certification Service API, version 4, appendices "TCB Info"
 * and "Enclave Identity".
 */
#ifndef SL_ATTEST_TCB_INFO_H
#define SL_ATTEST_TCB_INFO_H

#include "attest/json_read.h"

enum {
    SL_TCB_COMPONENTS = 16,
    SL_TCB_LEVELS_MAX = 64,
    SL_TDX_MODULES_MAX = 16,
    SL_ISV_LEVELS_MAX = 32,
    SL_TDX_MODULE_ID_SIZE = 16,
};

/** What every kind of level says. */
struct sl_level_verdict {
    int64_t date_s;
    enum sl_tcb_status status; /**< SL_TCB_UNKNOWN: a word this code does not know */
    struct sl_blob advisories; /**< JSON array of strings, or absent */
};

struct sl_tcb_level {
    uint8_t sgx[SL_TCB_COMPONENTS];
    uint8_t tdx[SL_TCB_COMPONENTS];
    bool has_tdx;
    uint16_t pce_svn;
    struct sl_blob sgx_span, tdx_span; /**< the components' arrays (version 3), for their names */
    struct sl_level_verdict verdict;
};

struct sl_isv_level {
    uint16_t isv_svn;
    struct sl_level_verdict verdict;
};

struct sl_tdx_module {
    char id[SL_TDX_MODULE_ID_SIZE]; /**< "TDX_03"; "" for the member tdxModule */
    uint8_t mrsigner[48];
    uint8_t attributes[8];
    uint8_t attributes_mask[8];
    size_t level_count;
    struct sl_isv_level levels[SL_ISV_LEVELS_MAX];
};

struct sl_tcb_info {
    uint32_t version;
    bool is_tdx;
    int64_t issue_s, next_update_s;
    uint8_t fmspc[6];
    uint8_t pce_id[2];
    uint32_t tcb_type;
    uint32_t evaluation;
    size_t level_count;
    struct sl_tcb_level levels[SL_TCB_LEVELS_MAX];
    bool has_tdx_module;
    struct sl_tdx_module tdx_module;
    size_t module_count;
    struct sl_tdx_module modules[SL_TDX_MODULES_MAX];
};

enum sl_qe_id { SL_QE_SGX, SL_QE_TDX, SL_QE_QVE };

struct sl_qe_identity {
    enum sl_qe_id id;
    int64_t issue_s, next_update_s;
    uint32_t evaluation;
    uint8_t misc_select[4], misc_select_mask[4]; /**< in the order of the report's bytes */
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isv_prod_id;
    size_t level_count;
    struct sl_isv_level levels[SL_ISV_LEVELS_MAX];
};

/** @param in  the signed object (struct sl_signed_json)
 * @retval SL_OK, SL_MALFORMED, SL_RANGE, SL_UNSUPPORTED (version, id); @p ret_why says what */
sl_rc sl_tcb_info_read(struct sl_blob in, struct sl_tcb_info *ret_info,
                       char ret_why[SL_JSON_WHY_SIZE]) SL_MUST_CHECK;
sl_rc sl_qe_identity_read(struct sl_blob in, struct sl_qe_identity *ret_identity,
                          char ret_why[SL_JSON_WHY_SIZE]) SL_MUST_CHECK;

/** "category, type" of component @p index in an array of components; "" where it has no name. */
void sl_tcb_component_name(struct sl_blob components, size_t index, char *out, size_t out_size);
/** The advisories of a level, "INTEL-SA-1, INTEL-SA-2"; "" where there are none. */
void sl_advisories_text(struct sl_blob advisories, char *out, size_t out_size);

/* Shared by the two readers; `seen` has one bit for each member, in the order of the table. */

struct sl_json_member {
    const char *name;
    void (*read)(struct sl_json_reader *r, void *target);
    bool is_optional;
};
/** Reads one object by a table of members: unknown ones are skipped, a known one that comes twice
 * or a mandatory one that is missing is a failure. @return which were there */
uint32_t sl_json_read_members(struct sl_json_reader *r, const struct sl_json_member *members,
                              size_t count, void *target);

void sl_level_read_date(struct sl_json_reader *r, void *verdict);
void sl_level_read_status(struct sl_json_reader *r, void *verdict);
void sl_level_read_advisories(struct sl_json_reader *r, void *verdict);
/** {"tcb":{"isvsvn":N},"tcbDate":..,"tcbStatus":..} times n. */
void sl_isv_levels_read(struct sl_json_reader *r, struct sl_isv_level *levels, size_t *ret_count);

#endif
