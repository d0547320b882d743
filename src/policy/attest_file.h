/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The attestation policy as people write it: one YAML mapping (JSON is a subset), for the command's
 * --policy FILE and, with the same keys, for `attestation:` in the gateway's configuration.
 *
 *     references:                  # any of these is acceptable
 *       - mrsigner: 64 hex digits
 *         isv_prod_id: 1
 *         min_isv_svn: 2
 *       - mrenclave: ...
 *       - mrtd: 96 hex digits      # rtmr0 to rtmr3 besides
 *       - measurement: ...         # host_data, id_key_digest, min_guest_svn besides
 *     tcb_status: [UpToDate, SWHardeningNeeded]
 *     min_tcb_evaluation: 17
 *     max_collateral_age: 30d
 *     min_snp_tcb: {genoa: {snp: 14, microcode: 72}}
 *     max_vmpl: 0
 *     refuse_smt: true
 *     refuse_migration: true       # the default: a migration agent is the host's choice
 *     require_amd_crl: true        # SEV-SNP: no CRL of the ARK, no trust
 *     roots: roots.pem             # in place of the vendors'
 *     collateral: /var/lib/safelib/collateral
 *     insecure_any_identity, insecure_allow_emulated, insecure_allow_debug: false
 */
#ifndef SL_POLICY_ATTEST_FILE_H
#define SL_POLICY_ATTEST_FILE_H

#include <cyaml/cyaml.h>

#include "base/err.h"
#include "safelib/attest.h"

enum { SL_ATTEST_FILE_PATH_MAX = 256, SL_ATTEST_FILE_SIZE_MAX = 64 << 10 };

/** A policy and the files it names ("": none). */
struct sl_attest_file {
    struct sl_attest_policy policy;
    char roots[SL_ATTEST_FILE_PATH_MAX];
    char collateral[SL_ATTEST_FILE_PATH_MAX];
};

/** Reads and checks a policy.
 * @param[in] text  need not be terminated
 * @retval SL_OK
 * @retval SL_MALFORMED not YAML, an unknown or missing key, a value of the wrong kind: @p err names
 *                      the key, line and column
 * @retval SL_INVALID   a value or a combination that cannot be meant: @p err names it and says what
 *                      was expected
 * @retval SL_RANGE     longer than SL_ATTEST_FILE_SIZE_MAX
 * @retval SL_NO_MEMORY */
sl_rc sl_attest_file_read(const char *text, size_t size, struct sl_attest_file *ret_file,
                          struct sl_err *err) SL_MUST_CHECK;
/** The same from a file; err begins with its path.
 * @retval SL_NOT_FOUND, SL_IO besides */
sl_rc sl_attest_file_load(const char *path, struct sl_attest_file *ret_file,
                          struct sl_err *err) SL_MUST_CHECK;

/* For a configuration that holds a policy as one of its keys:
 *     struct yaml_root { ...; struct sl_attest_yaml attestation; };
 *     CYAML_FIELD_MAPPING("attestation", CYAML_FLAG_DEFAULT, struct yaml_root, attestation,
 *                         sl_attest_file_fields),
 * and, once loaded, sl_attest_file_check(&root->attestation, "attestation.", &out, err). */

struct sl_attest_yaml_reference {
    char *mrenclave, *mrsigner;
    uint16_t *isv_prod_id;
    uint16_t min_isv_svn;
    char *mrtd, *rtmr0, *rtmr1, *rtmr2, *rtmr3;
    char *measurement, *host_data, *id_key_digest;
    uint32_t min_guest_svn;
};

struct sl_attest_yaml_snp {
    struct sl_snp_tcb milan, genoa, turin;
};

/** What libcyaml fills; zero: nothing given. */
struct sl_attest_yaml {
    struct sl_attest_yaml_reference *references;
    uint32_t references_count;
    uint32_t tcb_status; /**< bits 1 << enum sl_tcb_status */
    uint32_t min_tcb_evaluation;
    char *max_collateral_age;
    struct sl_attest_yaml_snp min_snp_tcb;
    uint8_t max_vmpl;
    int refuse_smt, refuse_migration, require_amd_crl;
    int insecure_any_identity, insecure_allow_emulated, insecure_allow_debug;
    char *roots, *collateral;
};

extern const cyaml_schema_field_t sl_attest_file_fields[];

/** The checks that a schema cannot say.
 * @param[in] prefix  in front of a key's name in @p err
 * @retval SL_OK, SL_INVALID; @p ret_file unchanged unless SL_OK */
sl_rc sl_attest_file_check(const struct sl_attest_yaml *yaml, const char *prefix,
                           struct sl_attest_file *ret_file, struct sl_err *err) SL_MUST_CHECK;

#endif
