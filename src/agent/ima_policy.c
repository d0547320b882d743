/* SPDX-License-Identifier: Apache-2.0 */
/* In the kernel the first rule that fits decides (ima_match_policy), and a rule takes one condition
 * on the user: so ranges are laid out from the highest user down, gaps included. */
#include "agent/ima_policy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/yaml_file.h"

struct yaml_slot {
    char *name, *uids, *fsuuid;
    uint32_t pcr;
};
struct yaml_slots {
    struct yaml_slot *containers;
    uint32_t containers_count;
};

#define MAYBE (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
static const cyaml_schema_field_t slot_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct yaml_slot, name, 1, 63),
    CYAML_FIELD_STRING_PTR("uids", MAYBE, struct yaml_slot, uids, 1, 32),
    CYAML_FIELD_STRING_PTR("fsuuid", MAYBE, struct yaml_slot, fsuuid, 36, 36),
    CYAML_FIELD_UINT("pcr", CYAML_FLAG_DEFAULT, struct yaml_slot, pcr),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t slot_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_slot, slot_fields),
};
static const cyaml_schema_field_t slots_fields[] = {
    CYAML_FIELD_SEQUENCE("containers", CYAML_FLAG_POINTER, struct yaml_slots, containers,
                         &slot_schema, 1, SL_AGENT_SLOTS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t slots_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_slots, slots_fields),
};

static sl_rc uids_read(const char *text, struct sl_agent_slot *slot, struct sl_err *err)
{
    char *dash = NULL, *end = NULL;
    unsigned long first = strtoul(text, &dash, 10);
    unsigned long last = *dash == '-' ? strtoul(dash + 1, &end, 10) : 0;
    bool is_range = strspn(text, "0123456789-") == strlen(text) && end != NULL && *end == '\0';
    if (!is_range || text[0] == '-' || dash[1] == '-' || first == 0 || last < first ||
        last >= UINT32_MAX) {
        return sl_err_set(err, SL_RANGE, "%s.uids: expected FIRST-LAST above user 0, not \"%s\"",
                          slot->name, text);
    }
    slot->uid_first = (uint32_t)first;
    slot->uid_count = (uint32_t)(last - first + 1);
    return SL_OK;
}

static sl_rc slot_read(const struct yaml_slot *y, struct sl_agent_slot *slot, struct sl_err *err)
{
    memset(slot, 0, sizeof(*slot));
    (void)snprintf(slot->name, sizeof(slot->name), "%s", y->name);
    slot->pcr = y->pcr;
    if (strchr(slot->name, '\n') != NULL) {
        return sl_err_set(err, SL_RANGE, "name: expected one line");
    }
    if (y->pcr < SL_AGENT_SLOT_PCR_MIN || y->pcr > SL_AGENT_SLOT_PCR_MAX) {
        return sl_err_set(err, SL_RANGE, "%s.pcr: expected %d to %d, not %u", slot->name,
                          SL_AGENT_SLOT_PCR_MIN, SL_AGENT_SLOT_PCR_MAX, y->pcr);
    }
    if ((y->uids != NULL) == (y->fsuuid != NULL)) {
        return sl_err_set(err, SL_RANGE, "%s: expected uids or fsuuid", slot->name);
    }
    if (y->uids != NULL) {
        return uids_read(y->uids, slot, err);
    }
    if (strspn(y->fsuuid, "0123456789abcdefABCDEF-") != 36) {
        return sl_err_set(err, SL_RANGE, "%s.fsuuid: expected a UUID", slot->name);
    }
    (void)snprintf(slot->fsuuid, sizeof(slot->fsuuid), "%s", y->fsuuid);
    return SL_OK;
}

static int slot_order(const void *a, const void *b) /* by users, the highest first */
{
    const struct sl_agent_slot *x = a, *y = b;
    return x->uid_first < y->uid_first ? 1 : x->uid_first > y->uid_first ? -1 : 0;
}

sl_rc sl_agent_slots_load(const char *path, struct sl_agent_slot *ret_slots, size_t *ret_count,
                          struct sl_err *err)
{
    void *root = NULL;
    sl_rc rc = sl_yaml_load(path, &slots_schema, "man safelib-agent", &root, err);
    if (rc != SL_OK) {
        return rc;
    }
    const struct yaml_slots *y = root;
    *ret_count = y->containers_count;
    for (uint32_t i = 0; rc == SL_OK && i < y->containers_count; i++) {
        rc = slot_read(&y->containers[i], &ret_slots[i], err);
    }
    if (rc == SL_OK) {
        qsort(ret_slots, *ret_count, sizeof(*ret_slots), slot_order);
    }
    for (size_t i = 0; rc == SL_OK && i + 1 < *ret_count; i++) {
        const struct sl_agent_slot *high = &ret_slots[i], *low = &ret_slots[i + 1];
        if (low->uid_count > 0 && low->uid_first + low->uid_count > high->uid_first) {
            rc = sl_err_set(err, SL_INVALID, "users of %s and %s overlap", low->name, high->name);
        }
    }
    sl_yaml_free(&slots_schema, root);
    return rc;
}

struct text {
    char *at;
    size_t left;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text->at, text->left, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= text->left) {
        text->left = 0;
        return;
    }
    text->at += length;
    text->left -= (size_t)length;
}

/* The kernel's own: what holds no programs (ima_policy.c, dont_measure_rules; magic.h). tmpfs is
 * not among them: programs run from it. */
static const char rules_skip[] = "dont_measure fsmagic=0x9fa0\n"
                                 "dont_measure fsmagic=0x62656572\n"
                                 "dont_measure fsmagic=0x64626720\n"
                                 "dont_measure fsmagic=0x1cd1\n"
                                 "dont_measure fsmagic=0x42494e4d\n"
                                 "dont_measure fsmagic=0x73636673\n"
                                 "dont_measure fsmagic=0xf97cff8c\n"
                                 "dont_measure fsmagic=0x43415d53\n"
                                 "dont_measure fsmagic=0x27e0eb\n"
                                 "dont_measure fsmagic=0x63677270\n"
                                 "dont_measure fsmagic=0x6e736673\n"
                                 "dont_measure fsmagic=0xde5e81e4\n";
static const char rules_host[] = "measure func=MMAP_CHECK mask=MAY_EXEC\n"
                                 "measure func=BPRM_CHECK mask=MAY_EXEC\n"
                                 "measure func=MODULE_CHECK\n"
                                 "measure func=FIRMWARE_CHECK\n"
                                 "measure func=POLICY_CHECK\n"
                                 "measure func=KEXEC_KERNEL_CHECK\n"
                                 "measure func=KEXEC_INITRAMFS_CHECK\n";

static void put_checks(struct text *text, const char *condition, const char *pcr)
{
    put(text, "measure func=BPRM_CHECK mask=MAY_EXEC %s%s\n", condition, pcr);
    put(text, "measure func=MMAP_CHECK mask=MAY_EXEC %s%s\n", condition, pcr);
}

sl_rc sl_agent_ima_policy_write(struct sl_agent_slot *slots, size_t count, char *out, size_t size,
                                struct sl_err *err)
{
    struct text text = {out, size};
    char condition[64], pcr[16];
    uint32_t above = UINT32_MAX - 1; /* the highest user that no rule above has taken */
    qsort(slots, count, sizeof(*slots), slot_order);
    put(&text, "%s", rules_skip);
    for (size_t i = 0; i < count; i++) {
        if (slots[i].fsuuid[0] != '\0') {
            (void)snprintf(condition, sizeof(condition), "fsuuid=%s", slots[i].fsuuid);
            (void)snprintf(pcr, sizeof(pcr), " pcr=%u", slots[i].pcr);
            put_checks(&text, condition, pcr);
        }
    }
    for (size_t i = 0; i < count && slots[i].uid_count > 0; i++) {
        uint32_t last = slots[i].uid_first + slots[i].uid_count - 1;
        if (last < above) { /* a gap: the host's */
            (void)snprintf(condition, sizeof(condition), "uid>%u", last);
            put_checks(&text, condition, "");
        }
        (void)snprintf(condition, sizeof(condition), "uid>%u", slots[i].uid_first - 1);
        (void)snprintf(pcr, sizeof(pcr), " pcr=%u", slots[i].pcr);
        put_checks(&text, condition, pcr);
        above = slots[i].uid_first - 1;
    }
    put(&text, "%s", rules_host);
    return text.left > 0 ? SL_OK
                         : sl_err_set(err, SL_NO_SPACE, "policy: longer than %zu bytes", size);
}
