/* SPDX-License-Identifier: Apache-2.0 */
/* The attestation policy: libcyaml's schema, then the checks that a schema cannot say. */
#include "policy/attest_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/files.h"
#include "files/yaml_file.h"
#include "safelib/bytes.h"

enum { HEX_TEXT_MAX = 256, AGE_TEXT_MAX = 24, VMPL_MAX = 3 };
#define AGE_MAX_S (100ull * 366 * 24 * 3600)

#define OPTIONAL (CYAML_FLAG_OPTIONAL)
#define TEXT     (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

/* REVOKED, NO_MATCHING_LEVEL and UNKNOWN are no words here: they are never acceptable. */
static const cyaml_strval_t status_names[] = {
    {"UpToDate", 1 << SL_TCB_UP_TO_DATE},
    {"SWHardeningNeeded", 1 << SL_TCB_SW_HARDENING_NEEDED},
    {"ConfigurationNeeded", 1 << SL_TCB_CONFIGURATION_NEEDED},
    {"ConfigurationAndSWHardeningNeeded", 1 << SL_TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED},
    {"OutOfDate", 1 << SL_TCB_OUT_OF_DATE},
    {"OutOfDateConfigurationNeeded", 1 << SL_TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
};
enum { STATUS_COUNT = sizeof(status_names) / sizeof(status_names[0]) };

#define HEX_FIELD(name)                                                                            \
    CYAML_FIELD_STRING_PTR(#name, TEXT, struct sl_attest_yaml_reference, name, 0, HEX_TEXT_MAX)

static const cyaml_schema_field_t reference_fields[] = {
    HEX_FIELD(mrenclave),
    HEX_FIELD(mrsigner),
    CYAML_FIELD_UINT_PTR("isv_prod_id", OPTIONAL, struct sl_attest_yaml_reference, isv_prod_id),
    CYAML_FIELD_UINT("min_isv_svn", OPTIONAL, struct sl_attest_yaml_reference, min_isv_svn),
    HEX_FIELD(mrtd),
    HEX_FIELD(rtmr0),
    HEX_FIELD(rtmr1),
    HEX_FIELD(rtmr2),
    HEX_FIELD(rtmr3),
    HEX_FIELD(measurement),
    HEX_FIELD(host_data),
    HEX_FIELD(id_key_digest),
    CYAML_FIELD_UINT("min_guest_svn", OPTIONAL, struct sl_attest_yaml_reference, min_guest_svn),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t reference_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sl_attest_yaml_reference, reference_fields),
};

static const cyaml_schema_field_t snp_fields[] = {
    CYAML_FIELD_UINT("bootloader", OPTIONAL, struct sl_snp_tcb, bootloader),
    CYAML_FIELD_UINT("tee", OPTIONAL, struct sl_snp_tcb, tee),
    CYAML_FIELD_UINT("snp", OPTIONAL, struct sl_snp_tcb, snp),
    CYAML_FIELD_UINT("microcode", OPTIONAL, struct sl_snp_tcb, microcode),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t turin_fields[] = {
    CYAML_FIELD_UINT("fmc", OPTIONAL, struct sl_snp_tcb, fmc),
    CYAML_FIELD_UINT("bootloader", OPTIONAL, struct sl_snp_tcb, bootloader),
    CYAML_FIELD_UINT("tee", OPTIONAL, struct sl_snp_tcb, tee),
    CYAML_FIELD_UINT("snp", OPTIONAL, struct sl_snp_tcb, snp),
    CYAML_FIELD_UINT("microcode", OPTIONAL, struct sl_snp_tcb, microcode),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t product_fields[] = {
    CYAML_FIELD_MAPPING("milan", OPTIONAL, struct sl_attest_yaml_snp, milan, snp_fields),
    CYAML_FIELD_MAPPING("genoa", OPTIONAL, struct sl_attest_yaml_snp, genoa, snp_fields),
    CYAML_FIELD_MAPPING("turin", OPTIONAL, struct sl_attest_yaml_snp, turin, turin_fields),
    CYAML_FIELD_END,
};

#define BOOL_FIELD(name)                                                                           \
    CYAML_FIELD_ENUM(#name, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct sl_attest_yaml, name,  \
                     sl_yaml_bools, 2)

const cyaml_schema_field_t sl_attest_file_fields[] = {
    CYAML_FIELD_SEQUENCE("references", TEXT, struct sl_attest_yaml, references, &reference_schema,
                         0, SL_ATTEST_REFERENCES_MAX),
    CYAML_FIELD_FLAGS("tcb_status", CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct sl_attest_yaml,
                      tcb_status, status_names, STATUS_COUNT),
    CYAML_FIELD_UINT("min_tcb_evaluation", OPTIONAL, struct sl_attest_yaml, min_tcb_evaluation),
    CYAML_FIELD_STRING_PTR("max_collateral_age", TEXT, struct sl_attest_yaml, max_collateral_age, 0,
                           AGE_TEXT_MAX),
    CYAML_FIELD_MAPPING("min_snp_tcb", OPTIONAL, struct sl_attest_yaml, min_snp_tcb,
                        product_fields),
    CYAML_FIELD_UINT("max_vmpl", OPTIONAL, struct sl_attest_yaml, max_vmpl),
    BOOL_FIELD(refuse_smt),
    BOOL_FIELD(refuse_migration),
    BOOL_FIELD(require_amd_crl),
    BOOL_FIELD(insecure_any_identity),
    BOOL_FIELD(insecure_allow_emulated),
    BOOL_FIELD(insecure_allow_debug),
    CYAML_FIELD_STRING_PTR("roots", TEXT, struct sl_attest_yaml, roots, 1,
                           SL_ATTEST_FILE_PATH_MAX - 1),
    CYAML_FIELD_STRING_PTR("collateral", TEXT, struct sl_attest_yaml, collateral, 1,
                           SL_ATTEST_FILE_PATH_MAX - 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sl_attest_yaml, sl_attest_file_fields),
};

/* One digest of a reference; absent is good. */
static sl_rc digest_set(const char *where, const char *key, const char *text, size_t size,
                        uint8_t *out, bool *ret_has, struct sl_err *err)
{
    if (text == NULL) {
        return SL_OK;
    }
    size_t length = strlen(text);
    if (length != 2 * size) {
        return sl_err_set(err, SL_INVALID, "%s.%s: expected %zu hex digits, not %zu characters",
                          where, key, 2 * size, length);
    }
    if (sl_hex_decode(text, out, size) != SL_OK) {
        return sl_err_set(err, SL_INVALID, "%s.%s: \"%s\" is not hexadecimal", where, key, text);
    }
    *ret_has = true;
    return SL_OK;
}

static sl_rc digests_set(const struct sl_attest_yaml_reference *y, const char *where,
                         struct sl_attest_reference *out, struct sl_err *err)
{
    const struct {
        const char *key, *text;
        size_t size;
        uint8_t *out;
        bool *has;
    } digests[] = {
        {"mrenclave", y->mrenclave, 32, out->mrenclave, &out->has_mrenclave},
        {"mrsigner", y->mrsigner, 32, out->mrsigner, &out->has_mrsigner},
        {"mrtd", y->mrtd, 48, out->mrtd, &out->has_mrtd},
        {"rtmr0", y->rtmr0, 48, out->rtmr[0], &out->has_rtmr[0]},
        {"rtmr1", y->rtmr1, 48, out->rtmr[1], &out->has_rtmr[1]},
        {"rtmr2", y->rtmr2, 48, out->rtmr[2], &out->has_rtmr[2]},
        {"rtmr3", y->rtmr3, 48, out->rtmr[3], &out->has_rtmr[3]},
        {"measurement", y->measurement, 48, out->measurement, &out->has_measurement},
        {"host_data", y->host_data, 32, out->host_data, &out->has_host_data},
        {"id_key_digest", y->id_key_digest, 48, out->id_key_digest, &out->has_id_key_digest},
    };
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        sl_rc rc = digest_set(where, digests[i].key, digests[i].text, digests[i].size,
                              digests[i].out, digests[i].has, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

/* Of how many kinds of machines its keys speak. */
static int kinds_count(const struct sl_attest_reference *r)
{
    bool has_rtmr = r->has_rtmr[0] || r->has_rtmr[1] || r->has_rtmr[2] || r->has_rtmr[3];
    bool is_sgx = r->has_mrenclave || r->has_mrsigner || r->has_isv_prod_id || r->min_isv_svn != 0;
    bool is_tdx = r->has_mrtd || has_rtmr;
    bool is_snp =
        r->has_measurement || r->has_host_data || r->has_id_key_digest || r->min_guest_svn != 0;
    return is_sgx + is_tdx + is_snp;
}

/* A reference speaks of one kind of machine, and says which code: what only narrows an identity
 * down is no identity. */
static sl_rc reference_check(const struct sl_attest_reference *r, const char *where,
                             struct sl_err *err)
{
    if (kinds_count(r) > 1) {
        return sl_err_set(err, SL_INVALID,
                          "%s: mixes keys of SGX, TDX and SEV-SNP, so nothing could match; write "
                          "one reference for each",
                          where);
    }
    if (!r->has_mrenclave && !r->has_mrsigner && !r->has_mrtd && !r->has_measurement) {
        return sl_err_set(err, SL_INVALID,
                          "%s: names no code; expected mrenclave or mrsigner (SGX), mrtd (TDX) or "
                          "measurement (SEV-SNP)",
                          where);
    }
    if (r->has_mrsigner && !r->has_mrenclave && !r->has_isv_prod_id) {
        return sl_err_set(err, SL_INVALID,
                          "%s.isv_prod_id: expected beside mrsigner: everything that this signer "
                          "ever signs would be accepted",
                          where);
    }
    return SL_OK;
}

static sl_rc references_set(const struct sl_attest_yaml *y, const char *prefix,
                            struct sl_attest_policy *out, struct sl_err *err)
{
    for (uint32_t i = 0; i < y->references_count; i++) {
        const struct sl_attest_yaml_reference *from = &y->references[i];
        struct sl_attest_reference *to = &out->references[i];
        char where[64];
        (void)snprintf(where, sizeof(where), "%sreferences[%u]", prefix, i);
        to->has_isv_prod_id = from->isv_prod_id != NULL;
        to->isv_prod_id = to->has_isv_prod_id ? *from->isv_prod_id : 0;
        to->min_isv_svn = from->min_isv_svn;
        to->min_guest_svn = from->min_guest_svn;
        sl_rc rc = digests_set(from, where, to, err);
        rc = rc == SL_OK ? reference_check(to, where, err) : rc;
        if (rc != SL_OK) {
            return rc;
        }
    }
    out->reference_count = y->references_count;
    out->is_any_identity = y->insecure_any_identity == SL_YAML_TRUE;
    if (out->is_any_identity && out->reference_count > 0) {
        return sl_err_set(err, SL_INVALID,
                          "%sinsecure_any_identity: true makes the references beside it "
                          "meaningless; expected one or the other",
                          prefix);
    }
    if (!out->is_any_identity && out->reference_count == 0) {
        return sl_err_set(err, SL_INVALID,
                          "%sreferences: expected at least one identity to accept (or "
                          "insecure_any_identity: true, which takes any code on a good platform)",
                          prefix);
    }
    return SL_OK;
}

/* "90", "90s", "15m", "12h", "30d". */
static sl_rc age_set(const char *prefix, const char *text, uint64_t *ret_s, struct sl_err *err)
{
    static const char units[] = "smhd";
    static const uint64_t unit_s[] = {1, 60, 3600, 86400};
    if (text == NULL) {
        *ret_s = 0;
        return SL_OK;
    }
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    uint64_t scale = 1;
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (unit != NULL) {
        scale = unit_s[unit - units];
        end++;
    }
    if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' || value == 0 ||
        value > AGE_MAX_S / scale) {
        return sl_err_set(err, SL_INVALID,
                          "%smax_collateral_age: expected a time such as 30d, 12h, 90m or 3600s, "
                          "not \"%s\"",
                          prefix, text);
    }
    *ret_s = value * scale;
    return SL_OK;
}

sl_rc sl_attest_file_check(const struct sl_attest_yaml *yaml, const char *prefix,
                           struct sl_attest_file *ret_file, struct sl_err *err)
{
    struct sl_attest_file out = {0};
    struct sl_attest_policy *policy = &out.policy;
    sl_rc rc = references_set(yaml, prefix, policy, err);
    rc = rc == SL_OK ? age_set(prefix, yaml->max_collateral_age, &policy->max_collateral_age_s, err)
                     : rc;
    if (rc != SL_OK) {
        return rc;
    }
    if (yaml->max_vmpl > VMPL_MAX) {
        return sl_err_set(err, SL_INVALID, "%smax_vmpl: expected 0 to %d, not %u", prefix, VMPL_MAX,
                          yaml->max_vmpl);
    }
    policy->tcb_accepted = yaml->tcb_status | 1u << SL_TCB_UP_TO_DATE;
    policy->min_tcb_evaluation = yaml->min_tcb_evaluation;
    policy->min_snp_tcb[SL_SNP_MILAN] = yaml->min_snp_tcb.milan;
    policy->min_snp_tcb[SL_SNP_GENOA] = yaml->min_snp_tcb.genoa;
    policy->min_snp_tcb[SL_SNP_TURIN] = yaml->min_snp_tcb.turin;
    policy->max_vmpl = yaml->max_vmpl;
    policy->is_smt_refused = yaml->refuse_smt == SL_YAML_TRUE;
    /* Who binds a migration agent or service TD decides where the guest's memory goes; that is the
     * host. Only one who says so takes that. */
    policy->is_migration_refused = yaml->refuse_migration != SL_YAML_FALSE;
    policy->is_amd_crl_required = yaml->require_amd_crl == SL_YAML_TRUE;
    policy->insecure_allow_emulated = yaml->insecure_allow_emulated == SL_YAML_TRUE;
    policy->insecure_allow_debug = yaml->insecure_allow_debug == SL_YAML_TRUE;
    (void)snprintf(out.roots, sizeof(out.roots), "%s", yaml->roots != NULL ? yaml->roots : "");
    (void)snprintf(out.collateral, sizeof(out.collateral), "%s",
                   yaml->collateral != NULL ? yaml->collateral : "");
    *ret_file = out;
    return SL_OK;
}

sl_rc sl_attest_file_read(const char *text, size_t size, struct sl_attest_file *ret_file,
                          struct sl_err *err)
{
    void *root = NULL;
    if (size > SL_ATTEST_FILE_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "longer than %d bytes", SL_ATTEST_FILE_SIZE_MAX);
    }
    sl_rc rc = sl_yaml_read(text, size, &file_schema, "man safelib-attest", &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_attest_file_check(root, "", ret_file, err);
    sl_yaml_free(&file_schema, root);
    return rc;
}

sl_rc sl_attest_file_load(const char *path, struct sl_attest_file *ret_file, struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc = sl_file_read(path, SL_ATTEST_FILE_SIZE_MAX, &data, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_attest_file_read((const char *)data, size, ret_file, err);
    free(data);
    if (rc != SL_OK && err != NULL) {
        return sl_err_prefix(err, "%s", path);
    }
    return rc;
}
