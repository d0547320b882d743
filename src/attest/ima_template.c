/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of the IMA measurement list, by name or by their list of fields. */
#include "attest/ima_template.h"

#include <string.h>

static const struct {
    const char *id;
    enum sl_ima_form form;
} FIELDS[] = {
#define FIELD_ROW(id, name, form, text) {id, SL_IMA_FORM_##form},
    SL_IMA_FIELD_TABLE(FIELD_ROW)
#undef FIELD_ROW
};

/* Linux security/integrity/ima/ima_template.c: builtin_templates[] */
static const struct {
    const char *name;
    const char *format;
} TEMPLATES[] = {
    {"ima", "d|n"},
    {"ima-ng", "d-ng|n-ng"},
    {"ima-sig", "d-ng|n-ng|sig"},
    {"ima-ngv2", "d-ngv2|n-ng"},
    {"ima-sigv2", "d-ngv2|n-ng|sig"},
    {"ima-buf", "d-ng|n-ng|buf"},
    {"ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig"},
    {"evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"},
    /* container patches give their templates names of their own */
    {"ima-dep-cgn", "dep|cgn|d-ng|n-ng"},
    {"ima-cgpath", "dep|cg-path|d-ng|n-ng"},
    {"ima-dep-cgpath", "dep|cg-path|d-ng|n-ng"},
};

const char *sl_ima_field_name(enum sl_ima_field_id id)
{
    return (unsigned)id < SL_IMA_FIELD_COUNT ? FIELDS[id].id : "unknown";
}

enum sl_ima_form sl_ima_field_form(enum sl_ima_field_id id)
{
    return (unsigned)id < SL_IMA_FIELD_COUNT ? FIELDS[id].form : SL_IMA_FORM_HEX;
}

static sl_rc field_add(struct sl_ima_template *template, const char *id, size_t size,
                       struct sl_err *err)
{
    if (template->field_count >= SL_IMA_FIELDS_MAX) {
        return sl_err_set(err, SL_RANGE, "template \"%s\" has more than %d fields", template->name,
                          SL_IMA_FIELDS_MAX);
    }
    for (unsigned i = 0; i < SL_IMA_FIELD_COUNT; i++) {
        if (strlen(FIELDS[i].id) == size && memcmp(FIELDS[i].id, id, size) == 0) {
            template->fields[template->field_count++] = (enum sl_ima_field_id)i;
            return SL_OK;
        }
    }
    return sl_err_set(err, SL_UNSUPPORTED, "template \"%s\": field \"%.*s\" is not known",
                      template->name, (int)size, id);
}

static const char *format_of(const char *name)
{
    for (size_t i = 0; i < sizeof(TEMPLATES) / sizeof(TEMPLATES[0]); i++) {
        if (strcmp(TEMPLATES[i].name, name) == 0) {
            return TEMPLATES[i].format;
        }
    }
    return name;
}

sl_rc sl_ima_template_find(const char *name, size_t size, struct sl_ima_template *ret_template,
                           struct sl_err *err)
{
    struct sl_ima_template found = {0};
    const char *at;
    size_t length;
    sl_rc rc;

    if (size == 0 || size > SL_IMA_TEMPLATE_NAME_MAX || memchr(name, 0, size) != NULL) {
        return sl_err_set(err, SL_RANGE, "a template's name of %zu bytes, 1 to %d are possible",
                          size, SL_IMA_TEMPLATE_NAME_MAX);
    }
    memcpy(found.name, name, size);
    found.is_ima = strcmp(found.name, "ima") == 0;
    for (at = format_of(found.name);; at += length + 1) {
        length = strcspn(at, "|");
        rc = field_add(&found, at, length, err);
        if (rc != SL_OK) {
            return rc;
        }
        if (at[length] == '\0') {
            break;
        }
    }
    *ret_template = found;
    return SL_OK;
}
