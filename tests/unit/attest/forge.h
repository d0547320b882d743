/* SPDX-License-Identifier: Apache-2.0 */
/* Makes SGX and TDX evidence with all its collateral under a root of its own, right in every rule
 * until a test bends one. */
#ifndef SL_TESTS_ATTEST_FORGE_H
#define SL_TESTS_ATTEST_FORGE_H

#include "pki.h"
#include "safelib/attest.h"

enum { FORGE_LEVELS_MAX = 6, FORGE_MODULES_MAX = 2 };

struct forge_level {
    uint8_t sgx[16], tdx[16];
    uint16_t pce_svn;
    const char *date, *status, *advisories; /* advisories: JSON array, or NULL */
};

struct forge_isv_level {
    uint16_t svn;
    const char *status;
};

struct forge_module {
    const char *id;
    struct forge_isv_level levels[2];
    size_t level_count;
    uint8_t mrsigner_first; /* first byte of MRSIGNER, rest zero */
};

struct forge_spec {
    bool is_tdx;
    uint16_t version;
    bool is_td15; /* version 5 */
    /* names of the certificates */
    const char *root_name, *ca_name, *pck_name, *signing_name;
    /* PCK extension */
    uint8_t components[16];
    uint16_t pce_svn;
    uint8_t fmspc[6], pce_id[2];
    bool is_platform; /* with instance id and configuration */
    /* what the quote says */
    uint8_t vendor[16];
    uint8_t attributes[16], mrenclave[32], mrsigner[32], report_data[64];
    uint16_t isv_prod_id, isv_svn;
    uint8_t tee_tcb_svn[16], tee_tcb_svn2[16], mrsignerseam[48], seam_attributes[8];
    uint8_t td_attributes[8], mrtd[48], rtmr[4][48], mrservicetd[48];
    /* quoting enclave */
    uint8_t qe_misc[4], qe_attributes[16], qe_mrsigner[32];
    uint16_t qe_prod_id, qe_svn;
    /* certification data: 5 chain, 4 leaf, 1 platform's id */
    uint16_t cert_type;
    size_t trailing_size;
    /* TCB info */
    uint32_t info_version;
    const char *info_id;
    uint8_t info_fmspc[6], info_pce_id[2];
    uint32_t tcb_type, evaluation;
    const char *info_issue, *info_next;
    struct forge_level levels[FORGE_LEVELS_MAX];
    size_t level_count;
    struct forge_module modules[FORGE_MODULES_MAX];
    size_t module_count;
    /* QE identity */
    const char *identity_id, *identity_issue, *identity_next;
    uint8_t identity_attributes[16], identity_mask[16], identity_mrsigner[32];
    uint16_t identity_prod_id;
    struct forge_isv_level qe_levels[3];
    size_t qe_level_count;
    uint32_t identity_evaluation;
    /* faults */
    bool is_quote_signed_by_other, is_qe_signed_by_other, is_binding_wrong, is_binding_tail_set;
    bool is_info_changed, is_identity_changed; /* one byte, after it was signed */
    bool is_ca_revoked, is_pck_revoked, is_signing_revoked;
    bool is_signing_root_other; /* TCB signing under another root of the same name */
    int64_t leaf_until_s, crl_until_s, crl_from_s;
    bool is_extension_absent, is_order_odd, is_crl_chain_absent;
};

struct forge {
    struct sl_blob evidence;
    struct sl_attest_collateral collateral;
    struct sl_blob root_pem;
};

/* An UpToDate SGX platform with a version 3 quote, or a TDX one with version 4; time PKI_NOW. */
struct forge_spec forge_default(bool is_tdx);
/* Keys are made once and kept. Aborts where OpenSSL fails. */
void forge_make(const struct forge_spec *spec, struct forge *ret_forge);
void forge_done(struct forge *forge);

#endif
