/* SPDX-License-Identifier: Apache-2.0 */
/* A class's policy: libcyaml's schema, then what a schema cannot say. */
#include "monitor/policy_file.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/node_event.h"
#include "files/files.h"
#include "files/yaml_file.h"
#include "policy/attest_file.h"
#include "safelib/bytes.h"

enum {
    TIME_TEXT_MAX = 24,
    PCRS_BOOT = 0x3ff,
    LEASE_DEFAULT_S = 90,
    INTERVAL_DEFAULT_S = 30,
    WAIT_DEFAULT_S = 300,
    PATH_TEXT_MAX = 1024,
};

struct yaml_expected {
    uint32_t pcr;
    char **values;
    uint32_t values_count;
};
struct yaml_bank {
    char *bank;
    uint32_t *required;
    uint32_t required_count;
    struct yaml_expected *expected;
    uint32_t expected_count;
};
struct yaml_value {
    uint32_t pcr;
    char *value;
};
struct yaml_boot {
    char *name, *bank;
    struct yaml_value *pcrs;
    uint32_t pcrs_count;
};
struct yaml_exclusion {
    char *path, *why;
};
struct yaml_slot {
    uint32_t pcr;
    char *container;
    uint32_t *uid_first;
    char **sets;
    uint32_t sets_count;
};
struct yaml_image {
    char *image;
    char **sets;
    uint32_t sets_count;
};
struct yaml_events {
    uint32_t *pcr;
    char **sets;
    uint32_t sets_count;
    char **measured;
    uint32_t measured_count;
};
struct yaml_ek {
    char *roots;
    int insecure_any;
    int require_crl;
};
struct yaml_ima {
    char **sets;
    uint32_t sets_count;
    int extend, unknown, violations;
    char *keys;
    struct yaml_exclusion *exclude;
    uint32_t exclude_count;
};
struct yaml_root {
    char *class;
    struct yaml_ek ek;
    struct yaml_bank *pcrs;
    uint32_t pcrs_count;
    int bootlog;
    struct yaml_boot *boot;
    uint32_t boot_count;
    char *accept_any_boot;
    struct yaml_ima *ima;
    struct yaml_slot *slots;
    uint32_t slots_count;
    struct yaml_image *images;
    uint32_t images_count;
    struct yaml_events *events;
    struct sl_attest_yaml *tee;
    char *lease, *interval, *max_wait;
};

enum { WORD_FIRST = 1, WORD_SECOND = 2 };
static const cyaml_strval_t bootlog_words[] = {{"required", WORD_FIRST}, {"optional", WORD_SECOND}};
static const cyaml_strval_t extend_words[] = {{"hash", WORD_FIRST}, {"padded", WORD_SECOND}};
static const cyaml_strval_t verdict_words[] = {{"untrusted", WORD_FIRST},
                                               {"degraded", WORD_SECOND}};

#define TEXT   (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define STRICT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)

static const cyaml_schema_value_t name_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, SL_POLICY_NAME_MAX - 1)};
static const cyaml_schema_value_t hex_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 2 * SL_TPM_DIGEST_MAX)};
static const cyaml_schema_value_t number_schema = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t)};

#define SETS_FIELD(type)                                                                           \
    CYAML_FIELD_SEQUENCE("sets", TEXT, type, sets, &name_schema, 0, SL_POLICY_SETS_MAX)

static const cyaml_schema_field_t expected_fields[] = {
    CYAML_FIELD_UINT("pcr", CYAML_FLAG_DEFAULT, struct yaml_expected, pcr),
    CYAML_FIELD_SEQUENCE("values", CYAML_FLAG_POINTER, struct yaml_expected, values, &hex_schema, 1,
                         SL_POLICY_VALUES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t expected_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_expected, expected_fields)};
static const cyaml_schema_field_t bank_fields[] = {
    CYAML_FIELD_STRING_PTR("bank", CYAML_FLAG_POINTER, struct yaml_bank, bank, 1, 16),
    CYAML_FIELD_SEQUENCE("required", CYAML_FLAG_POINTER, struct yaml_bank, required, &number_schema,
                         1, SL_TPM_PCR_COUNT),
    CYAML_FIELD_SEQUENCE("expected", TEXT, struct yaml_bank, expected, &expected_schema, 0,
                         SL_TPM_PCR_COUNT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t bank_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_bank, bank_fields)};
static const cyaml_schema_field_t value_fields[] = {
    CYAML_FIELD_UINT("pcr", CYAML_FLAG_DEFAULT, struct yaml_value, pcr),
    CYAML_FIELD_STRING_PTR("value", CYAML_FLAG_POINTER, struct yaml_value, value, 1,
                           2 * SL_TPM_DIGEST_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t value_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_value, value_fields)};
static const cyaml_schema_field_t boot_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_boot, name, 1,
                           SL_POLICY_TEXT_MAX - 1),
    CYAML_FIELD_STRING_PTR("bank", CYAML_FLAG_POINTER, struct yaml_boot, bank, 1, 16),
    CYAML_FIELD_SEQUENCE("pcrs", CYAML_FLAG_POINTER, struct yaml_boot, pcrs, &value_schema, 1,
                         SL_TPM_PCR_COUNT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t boot_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_boot, boot_fields)};
static const cyaml_schema_field_t exclusion_fields[] = {
    CYAML_FIELD_STRING_PTR("path", CYAML_FLAG_POINTER, struct yaml_exclusion, path, 1,
                           SL_POLICY_TEXT_MAX - 1),
    CYAML_FIELD_STRING_PTR("why", CYAML_FLAG_POINTER, struct yaml_exclusion, why, 1,
                           SL_POLICY_TEXT_MAX - 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t exclusion_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_exclusion, exclusion_fields)};
static const cyaml_schema_field_t slot_fields[] = {
    CYAML_FIELD_UINT("pcr", CYAML_FLAG_DEFAULT, struct yaml_slot, pcr),
    CYAML_FIELD_STRING_PTR("container", TEXT, struct yaml_slot, container, 1,
                           SL_SUBJECT_ID_MAX - 1),
    CYAML_FIELD_UINT_PTR("uid_first", TEXT, struct yaml_slot, uid_first),
    SETS_FIELD(struct yaml_slot),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t slot_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_slot, slot_fields)};
static const cyaml_schema_field_t image_fields[] = {
    CYAML_FIELD_STRING_PTR("image", CYAML_FLAG_POINTER, struct yaml_image, image, 1,
                           SL_POLICY_TEXT_MAX - 1),
    SETS_FIELD(struct yaml_image),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t image_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_image, image_fields)};
static const cyaml_schema_value_t path_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, SL_POLICY_TEXT_MAX - 1)};
static const cyaml_schema_field_t events_fields[] = {
    CYAML_FIELD_UINT_PTR("pcr", TEXT, struct yaml_events, pcr),
    SETS_FIELD(struct yaml_events),
    CYAML_FIELD_SEQUENCE("measured", TEXT, struct yaml_events, measured, &path_schema, 0,
                         SL_POLICY_MEASURED_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t ek_fields[] = {
    CYAML_FIELD_STRING_PTR("roots", TEXT, struct yaml_ek, roots, 1, SL_POLICY_TEXT_MAX - 1),
    CYAML_FIELD_ENUM("insecure_any", STRICT, struct yaml_ek, insecure_any, sl_yaml_bools, 2),
    CYAML_FIELD_ENUM("require_crl", STRICT, struct yaml_ek, require_crl, sl_yaml_bools, 2),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t ima_fields[] = {
    SETS_FIELD(struct yaml_ima),
    CYAML_FIELD_ENUM("extend", STRICT, struct yaml_ima, extend, extend_words, 2),
    CYAML_FIELD_ENUM("unknown", STRICT, struct yaml_ima, unknown, verdict_words, 2),
    CYAML_FIELD_ENUM("violations", STRICT, struct yaml_ima, violations, verdict_words, 2),
    CYAML_FIELD_STRING_PTR("keys", TEXT, struct yaml_ima, keys, 1, SL_POLICY_TEXT_MAX - 1),
    CYAML_FIELD_SEQUENCE("exclude", TEXT, struct yaml_ima, exclude, &exclusion_schema, 0,
                         SL_POLICY_EXCLUSIONS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t root_fields[] = {
    CYAML_FIELD_STRING_PTR("class", CYAML_FLAG_POINTER, struct yaml_root, class, 1,
                           SL_POLICY_NAME_MAX - 1),
    CYAML_FIELD_MAPPING("ek", CYAML_FLAG_OPTIONAL, struct yaml_root, ek, ek_fields),
    CYAML_FIELD_SEQUENCE("pcrs", TEXT, struct yaml_root, pcrs, &bank_schema, 0,
                         SL_POLICY_BANKS_MAX),
    CYAML_FIELD_ENUM("bootlog", STRICT, struct yaml_root, bootlog, bootlog_words, 2),
    CYAML_FIELD_SEQUENCE("boot", TEXT, struct yaml_root, boot, &boot_schema, 0,
                         SL_POLICY_BOOTS_MAX),
    CYAML_FIELD_STRING_PTR("accept_any_boot", TEXT, struct yaml_root, accept_any_boot, 1,
                           SL_POLICY_TEXT_MAX - 1),
    CYAML_FIELD_MAPPING_PTR("ima", TEXT, struct yaml_root, ima, ima_fields),
    CYAML_FIELD_SEQUENCE("slots", TEXT, struct yaml_root, slots, &slot_schema, 0,
                         SL_POLICY_SLOTS_MAX),
    CYAML_FIELD_SEQUENCE("images", TEXT, struct yaml_root, images, &image_schema, 0,
                         SL_POLICY_IMAGES_MAX),
    CYAML_FIELD_MAPPING_PTR("events", TEXT, struct yaml_root, events, events_fields),
    CYAML_FIELD_MAPPING_PTR("tee", TEXT, struct yaml_root, tee, sl_attest_file_fields),
    CYAML_FIELD_STRING_PTR("lease", TEXT, struct yaml_root, lease, 1, TIME_TEXT_MAX),
    CYAML_FIELD_STRING_PTR("interval", TEXT, struct yaml_root, interval, 1, TIME_TEXT_MAX),
    CYAML_FIELD_STRING_PTR("max_wait", TEXT, struct yaml_root, max_wait, 1, TIME_TEXT_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_root, root_fields)};

/* ---- checks ---- */

static sl_rc sets_take(char *const *names, uint32_t count, struct sl_policy_sets *sets)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(sets->texts[i], sizeof(sets->texts[i]), "%s", names[i]);
        sets->names[i] = sets->texts[i];
    }
    sets->count = count;
    return SL_OK;
}

static sl_rc time_take(const char *key, const char *text, int64_t usual_s, int64_t *ret_s,
                       struct sl_err *err)
{
    static const char units[] = "smhd";
    static const int64_t unit_s[] = {1, 60, 3600, 86400};
    char *end = NULL;
    unsigned long value;
    const char *unit;

    *ret_s = usual_s;
    if (text == NULL) {
        return SL_OK;
    }
    errno = 0;
    value = strtoul(text, &end, 10);
    unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (errno != 0 || !isdigit((unsigned char)text[0]) || unit == NULL || end[1] != '\0' ||
        value == 0 || value > 366ul * 86400) {
        return sl_err_set(err, SL_INVALID, "%s: expected a time such as 90s, 5m or 1h, not \"%s\"",
                          key, text);
    }
    *ret_s = (int64_t)value * unit_s[unit - units];
    return SL_OK;
}

static sl_rc expected_take(const struct yaml_expected *from, const char *where, uint16_t alg,
                           struct sl_monitor_policy *policy, struct sl_err *err)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_alg(alg);
    struct sl_policy_expected *to = &policy->expected[policy->expected_count];

    if (from->pcr >= SL_TPM_PCR_COUNT || policy->expected_count >= SL_POLICY_EXPECTED_MAX) {
        return sl_err_set(err, SL_INVALID, "%s.pcr: %u, expected 0 to 23, %d in all", where,
                          from->pcr, SL_POLICY_EXPECTED_MAX);
    }
    to->alg = alg;
    to->pcr = from->pcr;
    to->value_count = from->values_count;
    for (uint32_t i = 0; i < from->values_count; i++) {
        if (strlen(from->values[i]) != 2 * hash->size ||
            sl_hex_decode(from->values[i], to->values[i], hash->size) != SL_OK) {
            return sl_err_set(err, SL_INVALID, "%s.values[%u]: expected %zu hex digits, not \"%s\"",
                              where, i, 2 * hash->size, from->values[i]);
        }
    }
    policy->expected_count++;
    return SL_OK;
}

static sl_rc bank_take(const struct yaml_bank *bank, uint32_t index,
                       struct sl_monitor_policy *policy, struct sl_err *err)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_name(bank->bank, strlen(bank->bank));
    char where[64];

    if (hash == NULL || hash->alg == 0 || hash->openssl == NULL) {
        return sl_err_set(err, SL_INVALID,
                          "pcrs[%u].bank: expected sha256, sha384, sha512 or sha1, not \"%s\"",
                          index, bank->bank);
    }
    for (uint32_t i = 0; i < index; i++) {
        if (policy->pcrs.banks[i].alg == hash->alg) {
            return sl_err_set(err, SL_INVALID, "pcrs[%u].bank: %s is given twice", index,
                              bank->bank);
        }
    }
    policy->pcrs.banks[index].alg = hash->alg;
    policy->pcrs.count = index + 1;
    for (uint32_t i = 0; i < bank->required_count; i++) {
        if (bank->required[i] >= SL_TPM_PCR_COUNT) {
            return sl_err_set(err, SL_INVALID, "pcrs[%u].required[%u]: %u, expected 0 to 23", index,
                              i, bank->required[i]);
        }
        policy->pcrs.banks[index].mask |= 1u << bank->required[i];
    }
    for (uint32_t i = 0; i < bank->expected_count; i++) {
        (void)snprintf(where, sizeof(where), "pcrs[%u].expected[%u]", index, i);
        if (bank->expected[i].pcr >= SL_TPM_PCR_COUNT ||
            (policy->pcrs.banks[index].mask >> bank->expected[i].pcr & 1) == 0) {
            return sl_err_set(err, SL_INVALID, "%s.pcr: %u is not among the required", where,
                              bank->expected[i].pcr);
        }
        sl_rc rc = expected_take(&bank->expected[i], where, hash->alg, policy, err);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return SL_OK;
}

static struct sl_policy_expected *expected_of(struct sl_monitor_policy *policy, uint16_t alg,
                                              uint32_t pcr)
{
    for (uint32_t i = 0; i < policy->expected_count; i++) {
        if (policy->expected[i].alg == alg && policy->expected[i].pcr == pcr) {
            return &policy->expected[i];
        }
    }
    if (policy->expected_count == SL_POLICY_EXPECTED_MAX) {
        return NULL;
    }
    policy->expected[policy->expected_count].alg = alg;
    policy->expected[policy->expected_count].pcr = pcr;
    return &policy->expected[policy->expected_count++];
}

static bool is_required(const struct sl_monitor_policy *policy, uint16_t alg, uint32_t pcr)
{
    for (uint32_t i = 0; i < policy->pcrs.count; i++) {
        if (policy->pcrs.banks[i].alg == alg && pcr < SL_TPM_PCR_COUNT) {
            return (policy->pcrs.banks[i].mask >> pcr & 1) != 0;
        }
    }
    return false;
}

/* A boot that was accepted adds its values to those that its PCRs may have. */
static sl_rc accepted_take(const struct yaml_boot *boot, uint32_t index,
                           struct sl_monitor_policy *policy, struct sl_err *err)
{
    const struct sl_tpm_hash *hash = sl_tpm_hash_by_name(boot->bank, strlen(boot->bank));

    for (uint32_t i = 0; i < boot->pcrs_count; i++) {
        const struct yaml_value *value = &boot->pcrs[i];
        uint8_t digest[SL_TPM_DIGEST_MAX];
        struct sl_policy_expected *to;
        uint32_t at = 0;

        if (hash == NULL || !is_required(policy, hash->alg, value->pcr)) {
            return sl_err_set(err, SL_INVALID,
                              "boot[%u].pcrs[%u]: PCR %u of bank \"%s\" is not among the required",
                              index, i, value->pcr, boot->bank);
        }
        if (strlen(value->value) != 2 * hash->size ||
            sl_hex_decode(value->value, digest, hash->size) != SL_OK) {
            return sl_err_set(err, SL_INVALID,
                              "boot[%u].pcrs[%u].value: expected %zu hex digits, not \"%s\"", index,
                              i, 2 * hash->size, value->value);
        }
        to = expected_of(policy, hash->alg, value->pcr);
        while (to != NULL && at < to->value_count &&
               memcmp(to->values[at], digest, hash->size) != 0) {
            at++;
        }
        if (to == NULL || at == SL_POLICY_VALUES_MAX) {
            return sl_err_set(err, SL_INVALID,
                              "boot[%u].pcrs[%u]: more than %d values for PCR %u: drop boots that "
                              "no node has any more",
                              index, i, SL_POLICY_VALUES_MAX, value->pcr);
        }
        if (at == to->value_count) {
            memcpy(to->values[to->value_count++], digest, hash->size);
        }
    }
    return SL_OK;
}

/* PCRs in any bank but SHA-1's. */
static uint32_t strong_mask(const struct sl_monitor_policy *policy)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < policy->pcrs.count; i++) {
        mask |= policy->pcrs.banks[i].alg != SL_TPM_ALG_SHA1 ? policy->pcrs.banks[i].mask : 0;
    }
    return mask;
}

static sl_rc boot_take(const struct yaml_root *yaml, struct sl_monitor_policy *policy,
                       struct sl_err *err)
{
    sl_rc rc = SL_OK;

    for (uint32_t i = 0; rc == SL_OK && i < yaml->pcrs_count; i++) {
        rc = bank_take(&yaml->pcrs[i], i, policy, err);
    }
    for (uint32_t i = 0; rc == SL_OK && i < yaml->boot_count; i++) {
        rc = accepted_take(&yaml->boot[i], i, policy, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    policy->is_bootlog_required = yaml->bootlog != WORD_SECOND;
    (void)snprintf(policy->any_boot_why, sizeof(policy->any_boot_why), "%s",
                   yaml->accept_any_boot != NULL ? yaml->accept_any_boot : "");
    if (yaml->pcrs_count == 0 && yaml->tee == NULL) {
        return sl_err_set(err, SL_INVALID, "pcrs: expected at least one bank (or tee)");
    }
    if (yaml->pcrs_count > 0 && policy->any_boot_why[0] == '\0' &&
        (strong_mask(policy) & PCRS_BOOT) != PCRS_BOOT) {
        return sl_err_set(
            err, SL_INVALID,
            "pcrs.required: PCRs 0 to 9 say what booted and must be required in a bank "
            "other than sha1, or accept_any_boot must say why not");
    }
    return SL_OK;
}

static sl_rc ima_take(const struct yaml_root *yaml, struct sl_monitor_policy *policy,
                      struct sl_err *err)
{
    const struct yaml_ima *ima = yaml->ima;

    policy->ima_pcr = 10;
    policy->unknown_verdict = SL_VERDICT_UNTRUSTED;
    policy->violation_verdict = SL_VERDICT_UNTRUSTED;
    if (ima == NULL) {
        return yaml->slots_count + yaml->images_count == 0
                   ? SL_OK
                   : sl_err_set(err, SL_INVALID,
                                "ima: expected, because slots or images are given");
    }
    policy->has_ima = true;
    if ((strong_mask(policy) >> policy->ima_pcr & 1) == 0) {
        return sl_err_set(
            err, SL_INVALID,
            "pcrs.required: PCR 10 proves the measurement list and must be required in "
            "a bank other than sha1");
    }
    policy->extend = ima->extend == WORD_SECOND ? SL_IMA_EXTEND_PADDED : SL_IMA_EXTEND_HASH;
    policy->unknown_verdict =
        ima->unknown == WORD_SECOND ? SL_VERDICT_DEGRADED : SL_VERDICT_UNTRUSTED;
    policy->violation_verdict =
        ima->violations == WORD_SECOND ? SL_VERDICT_DEGRADED : SL_VERDICT_UNTRUSTED;
    (void)snprintf(policy->ima_keys_path, sizeof(policy->ima_keys_path), "%s",
                   ima->keys != NULL ? ima->keys : "");
    for (uint32_t i = 0; i < ima->exclude_count; i++) {
        struct sl_policy_exclusion *to = &policy->exclusions[i];
        const char *path = ima->exclude[i].path;

        if (path[strspn(path, "*/?")] == '\0') {
            return sl_err_set(
                err, SL_INVALID,
                "ima.exclude[%u].path: \"%s\" excludes everything, and then nothing is "
                "judged",
                i, path);
        }
        (void)snprintf(to->path, sizeof(to->path), "%s", path);
        (void)snprintf(to->why, sizeof(to->why), "%s", ima->exclude[i].why);
    }
    policy->exclusion_count = ima->exclude_count;
    return sets_take(ima->sets, ima->sets_count, &policy->host_sets);
}

static sl_rc slot_take(const struct yaml_slot *slot, uint32_t index, bool has_images,
                       struct sl_monitor_policy *policy, struct sl_err *err)
{
    struct sl_policy_slot *to = &policy->slots[index];

    if (slot->pcr <= policy->ima_pcr || slot->pcr >= 16) {
        return sl_err_set(err, SL_INVALID,
                          "slots[%u].pcr: %u, expected 11 to 15: 16 and 23 can be reset by anybody",
                          index, slot->pcr);
    }
    if ((strong_mask(policy) >> slot->pcr & 1) == 0) {
        return sl_err_set(err, SL_INVALID, "slots[%u].pcr: %u is not in pcrs.required", index,
                          slot->pcr);
    }
    for (uint32_t i = 0; i < index; i++) {
        if (policy->slots[i].pcr == slot->pcr) {
            return sl_err_set(err, SL_INVALID, "slots[%u].pcr: %u is slots[%u]'s", index, slot->pcr,
                              i);
        }
    }
    if (slot->container == NULL && slot->uid_first == NULL) {
        return sl_err_set(err, SL_INVALID,
                          "slots[%u]: expected container or uid_first, to say whose it is", index);
    }
    if (slot->uid_first != NULL && *slot->uid_first == 0) {
        return sl_err_set(err, SL_INVALID,
                          "slots[%u].uid_first: 0 is the host's own root, not a container's",
                          index);
    }
    if (slot->sets_count == 0 && !has_images) {
        return sl_err_set(err, SL_INVALID,
                          "slots[%u].sets: expected at least one, or images that say what may run",
                          index);
    }
    to->pcr = slot->pcr;
    (void)snprintf(to->container, sizeof(to->container), "%s",
                   slot->container != NULL ? slot->container : "");
    to->has_uid = slot->uid_first != NULL;
    to->uid_first = to->has_uid ? *slot->uid_first : 0;
    return sets_take(slot->sets, slot->sets_count, &to->sets);
}

static sl_rc containers_take(const struct yaml_root *yaml, struct sl_monitor_policy *policy,
                             struct sl_err *err)
{
    sl_rc rc = SL_OK;

    for (uint32_t i = 0; rc == SL_OK && i < yaml->slots_count; i++) {
        rc = slot_take(&yaml->slots[i], i, yaml->images_count > 0, policy, err);
        policy->slot_count = i + 1;
    }
    for (uint32_t i = 0; rc == SL_OK && i < yaml->images_count; i++) {
        (void)snprintf(policy->images[i].image, sizeof(policy->images[i].image), "%s",
                       yaml->images[i].image);
        rc = yaml->images[i].sets_count > 0
                 ? sets_take(yaml->images[i].sets, yaml->images[i].sets_count,
                             &policy->images[i].sets)
                 : sl_err_set(err, SL_INVALID, "images[%u].sets: expected at least one", i);
        policy->image_count = i + 1;
    }
    return rc;
}

static bool is_slot_pcr(const struct sl_monitor_policy *policy, uint32_t pcr)
{
    for (uint32_t i = 0; i < policy->slot_count; i++) {
        if (policy->slots[i].pcr == pcr) {
            return true;
        }
    }
    for (uint32_t i = 0; i < policy->expected_count; i++) {
        if (policy->expected[i].pcr == pcr) {
            return true; /* a value that stands still, and a PCR that moves */
        }
    }
    return false;
}

static sl_rc events_take(const struct yaml_events *yaml, struct sl_monitor_policy *policy,
                         struct sl_err *err)
{
    struct sl_policy_events *to = &policy->events;
    uint32_t pcr;

    if (yaml == NULL) {
        return SL_OK;
    }
    pcr = yaml->pcr != NULL ? *yaml->pcr : SL_NODE_EVENT_PCR;
    if (!policy->has_ima) {
        return sl_err_set(err, SL_INVALID,
                          "ima: expected, because events are believed by what IMA measured");
    }
    if (pcr <= policy->ima_pcr || pcr >= 16) {
        return sl_err_set(err, SL_INVALID,
                          "events.pcr: %u, expected 11 to 15: 16 and 23 can be reset by anybody",
                          pcr);
    }
    if ((strong_mask(policy) >> pcr & 1) == 0) {
        return sl_err_set(err, SL_INVALID, "events.pcr: %u is not in pcrs.required", pcr);
    }
    if (is_slot_pcr(policy, pcr)) {
        return sl_err_set(err, SL_INVALID, "events.pcr: %u is a slot's or has an expected value",
                          pcr);
    }
    if (yaml->sets_count == 0 || yaml->measured_count == 0) {
        return sl_err_set(err, SL_INVALID,
                          "events: expected sets and measured, or any program could be the agent");
    }
    for (uint32_t i = 0; i < yaml->measured_count; i++) {
        if (yaml->measured[i][strspn(yaml->measured[i], "*/?")] == '\0') {
            return sl_err_set(err, SL_INVALID, "events.measured[%u]: \"%s\" is any file", i,
                              yaml->measured[i]);
        }
        (void)snprintf(to->measured[i], sizeof(to->measured[i]), "%s", yaml->measured[i]);
    }
    to->measured_count = yaml->measured_count;
    to->pcr = pcr;
    return sets_take(yaml->sets, yaml->sets_count, &to->sets);
}

static sl_rc tee_take(const struct yaml_root *yaml, struct sl_monitor_policy *policy,
                      struct sl_err *err)
{
    struct sl_attest_file *file;
    sl_rc rc;

    if (yaml->tee == NULL) {
        return SL_OK;
    }
    file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return SL_NO_MEMORY;
    }
    rc = sl_attest_file_check(yaml->tee, "tee.", file, err);
    if (rc == SL_OK) {
        policy->has_tee = true;
        policy->tee = file->policy;
        (void)snprintf(policy->tee_roots_path, sizeof(policy->tee_roots_path), "%s", file->roots);
    }
    free(file);
    return rc;
}

static sl_rc times_take(const struct yaml_root *yaml, struct sl_monitor_policy *policy,
                        struct sl_err *err)
{
    int64_t lease_s = 0, interval_s = 0;
    sl_rc rc = time_take("lease", yaml->lease, LEASE_DEFAULT_S, &lease_s, err);

    rc = rc == SL_OK ? time_take("interval", yaml->interval, INTERVAL_DEFAULT_S, &interval_s, err)
                     : rc;
    rc = rc == SL_OK
             ? time_take("max_wait", yaml->max_wait, WAIT_DEFAULT_S, &policy->max_wait_s, err)
             : rc;
    if (rc == SL_OK && lease_s <= interval_s) {
        rc = sl_err_set(
            err, SL_INVALID,
            "lease: %lld s must be longer than interval, %lld s, or every verdict lapses "
            "before the next",
            (long long)lease_s, (long long)interval_s);
    }
    policy->lease_ms = lease_s * 1000;
    policy->interval_ms = interval_s * 1000;
    return rc;
}

static sl_rc policy_take(const struct yaml_root *yaml, struct sl_monitor_policy *policy,
                         struct sl_err *err)
{
    sl_rc rc;

    (void)snprintf(policy->name, sizeof(policy->name), "%s", yaml->class);
    (void)snprintf(policy->ek_roots_path, sizeof(policy->ek_roots_path), "%s",
                   yaml->ek.roots != NULL ? yaml->ek.roots : "");
    policy->insecure_any_ek = yaml->ek.insecure_any == SL_YAML_TRUE;
    policy->is_ek_crl_required = yaml->ek.require_crl == SL_YAML_TRUE;
    rc = boot_take(yaml, policy, err);
    rc = rc == SL_OK ? ima_take(yaml, policy, err) : rc;
    rc = rc == SL_OK ? containers_take(yaml, policy, err) : rc;
    rc = rc == SL_OK ? events_take(yaml->events, policy, err) : rc;
    rc = rc == SL_OK ? tee_take(yaml, policy, err) : rc;
    return rc == SL_OK ? times_take(yaml, policy, err) : rc;
}

sl_rc sl_monitor_policy_read(const char *text, size_t size, struct sl_monitor_policy **ret_policy,
                             struct sl_err *err)
{
    struct sl_monitor_policy *policy;
    uint8_t digest[32];
    void *root = NULL;
    sl_rc rc;

    *ret_policy = NULL;
    if (size > SL_POLICY_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "longer than %d bytes", SL_POLICY_SIZE_MAX);
    }
    rc = sl_yaml_read(text, size, &root_schema, "docs/monitor-policy.md", &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    policy = calloc(1, sizeof(*policy));
    if (policy == NULL || EVP_Digest(text, size, digest, NULL, EVP_sha256(), NULL) != 1) {
        rc = policy == NULL ? SL_NO_MEMORY : SL_CRYPTO;
    } else {
        memcpy(policy->tag, digest, sizeof(policy->tag));
        rc = policy_take(root, policy, err);
    }
    sl_yaml_free(&root_schema, root);
    if (rc != SL_OK) {
        sl_monitor_policy_free(policy);
        return rc;
    }
    *ret_policy = policy;
    return SL_OK;
}

/* ---- files ---- */

/* What a policy names lies beside it. */
static sl_rc path_join(const char *policy_path, const char *name, char out[PATH_TEXT_MAX],
                       struct sl_err *err)
{
    const char *slash = strrchr(policy_path, '/');
    const int size = name[0] == '/' || slash == NULL
                         ? snprintf(out, PATH_TEXT_MAX, "%s", name)
                         : snprintf(out, PATH_TEXT_MAX, "%.*s/%s", (int)(slash - policy_path),
                                    policy_path, name);

    return size >= 0 && size < PATH_TEXT_MAX
               ? SL_OK
               : sl_err_set(err, SL_RANGE, "the path of %s is too long", name);
}

static sl_rc roots_load(const char *policy_path, const char *name, uint8_t **ret_data,
                        size_t *ret_size, struct sl_err *err)
{
    char path[PATH_TEXT_MAX];
    sl_rc rc = SL_OK;

    if (name[0] != '\0') {
        rc = path_join(policy_path, name, path, err);
        rc = rc == SL_OK ? sl_file_read(path, SL_POLICY_ROOTS_SIZE_MAX, ret_data, ret_size, err)
                         : rc;
    }
    return rc;
}

static sl_rc keys_load(const char *policy_path, struct sl_monitor_policy *policy,
                       struct sl_err *err)
{
    char path[PATH_TEXT_MAX];
    uint8_t *pem = NULL;
    size_t size = 0;
    sl_rc rc;

    if (policy->ima_keys_path[0] == '\0') {
        return SL_OK;
    }
    rc = path_join(policy_path, policy->ima_keys_path, path, err);
    rc = rc == SL_OK ? sl_monitor_keys_read(path, &pem, &size, err) : rc;
    return rc == SL_OK ? sl_monitor_policy_keys_set(policy, pem, size, err) : rc;
}

sl_rc sl_monitor_policy_load(const char *path, struct sl_monitor_policy **ret_policy,
                             struct sl_err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    sl_rc rc;

    *ret_policy = NULL;
    rc = sl_file_read(path, SL_POLICY_SIZE_MAX, &data, &size, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_monitor_policy_read((const char *)data, size, ret_policy, err);
    free(data);
    if (rc == SL_OK) {
        struct sl_monitor_policy *policy = *ret_policy;

        rc =
            roots_load(path, policy->ek_roots_path, &policy->ek_roots, &policy->ek_roots_size, err);
        if (rc == SL_OK) {
            rc = roots_load(path, policy->tee_roots_path, &policy->tee_roots,
                            &policy->tee_roots_size, err);
        }
        rc = rc == SL_OK ? keys_load(path, policy, err) : rc;
        if (rc != SL_OK) {
            sl_monitor_policy_free(policy);
            *ret_policy = NULL;
        }
    }
    return rc != SL_OK && err != NULL ? sl_err_prefix(err, "%s", path) : rc;
}

void sl_monitor_policy_free(struct sl_monitor_policy *policy)
{
    if (policy != NULL) {
        sl_monitor_policy_done(policy);
        free(policy);
    }
}
