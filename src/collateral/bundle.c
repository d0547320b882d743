/* SPDX-License-Identifier: Apache-2.0 */
/* Collateral as one JSON object, ours and that of other tools. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collateral/set.h"
#include "safelib/bytes.h"

#define FORMAT "safelib-collateral-1"

/* What sgx_ql_qve_collateral and dcap-qvl call it. */
static const struct {
    const char *name;
    enum sl_collateral_part part;
} aliases[] = {
    {"root_ca_crl", SL_COLLATERAL_root_crl},
    {"pck_certificate_chain", SL_COLLATERAL_pck_chain},
    {"tcb_info_issuer_chain", SL_COLLATERAL_tcb_signing_chain},
};

static bool is_text(struct sl_blob blob)
{
    for (size_t i = 0; i < blob.size; i++) {
        if (blob.data[i] == 0 || blob.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Text as it is; what is wholly hex is DER. */
static sl_rc put_string(struct sl_collateral_set *set, enum sl_collateral_part part,
                        const char *text, size_t size, struct sl_err *err)
{
    if (size > 2 * (size_t)SL_COLLATERAL_FILE_MAX) {
        return sl_err_set(err, SL_MALFORMED, "%s: too large", sl_collateral_name(part));
    }
    if (size < 2 || size % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != size) {
        return sl_collateral_put(set, part, text, size);
    }
    uint8_t *data = malloc(size / 2);
    if (data == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_hex_decode(text, data, size / 2);
    rc = rc == SL_OK ? sl_collateral_put(set, part, data, size / 2) : rc;
    free(data);
    return rc;
}

/* {"tcbInfo":TEXT,"signature":"..."}: the text was signed as it stands and stays so. */
static sl_rc put_signed(struct sl_collateral_set *set, enum sl_collateral_part part,
                        const char *member, const char *text, const char *signature)
{
    char *joined = NULL;
    int size = asprintf(&joined, "{\"%s\":%s,\"signature\":\"%s\"}", member, text, signature);
    if (size < 0) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_collateral_put(set, part, joined, (size_t)size);
    free(joined);
    return rc;
}

static sl_rc read_signed(json_t *root, struct sl_collateral_set *set, enum sl_collateral_part part,
                         const char *member, const char *signature_key, struct sl_err *err)
{
    const char *name = sl_collateral_name(part);
    json_t *value = json_object_get(root, name);
    const char *signature = json_string_value(json_object_get(root, signature_key));
    if (value == NULL) {
        return SL_OK;
    }
    if (!json_is_string(value)) {
        return sl_err_set(err, SL_MALFORMED,
                          "%s: expected a string that holds the exact text, which the signature "
                          "is over",
                          name);
    }
    if (signature == NULL) {
        return put_string(set, part, json_string_value(value), json_string_length(value), err);
    }
    return put_signed(set, part, member, json_string_value(value), signature);
}

static sl_rc read_string(json_t *root, const char *name, enum sl_collateral_part part,
                         struct sl_collateral_set *set, struct sl_err *err)
{
    json_t *value = json_object_get(root, name);
    if (value == NULL) {
        return SL_OK;
    }
    if (!json_is_string(value)) {
        return sl_err_set(err, SL_MALFORMED, "%s: expected a string (PEM, or DER in hex)", name);
    }
    return put_string(set, part, json_string_value(value), json_string_length(value), err);
}

/* dcap-qvl keeps the chain of the QE identity apart; where it is another one, both are needed. */
static sl_rc read_second_chain(json_t *root, struct sl_collateral_set *set)
{
    const char *chain = json_string_value(json_object_get(root, "qe_identity_issuer_chain"));
    struct sl_blob have = set->parts.tcb_signing_chain;
    if (chain == NULL || (have.data != NULL && have.size == strlen(chain) &&
                          memcmp(have.data, chain, have.size) == 0)) {
        return SL_OK;
    }
    char *joined = NULL;
    int size = asprintf(&joined, "%.*s%s%s", (int)have.size,
                        have.data != NULL ? (const char *)have.data : "",
                        have.data != NULL ? "\n" : "", chain);
    if (size < 0) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_collateral_put(set, SL_COLLATERAL_tcb_signing_chain, joined, (size_t)size);
    free(joined);
    return rc;
}

static sl_rc read_object(json_t *root, struct sl_collateral_set *set, struct sl_err *err)
{
    sl_rc rc = read_signed(root, set, SL_COLLATERAL_tcb_info, "tcbInfo", "tcb_info_signature", err);
    if (rc == SL_OK) {
        rc = read_signed(root, set, SL_COLLATERAL_qe_identity, "enclaveIdentity",
                         "qe_identity_signature", err);
    }
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT && rc == SL_OK; i++) {
        if (sl_collateral_kind(i) != SL_COLLATERAL_JSON) {
            rc = read_string(root, sl_collateral_name(i), i, set, err);
        }
    }
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]) && rc == SL_OK; i++) {
        rc = read_string(root, aliases[i].name, aliases[i].part, set, err);
    }
    return rc == SL_OK ? read_second_chain(root, set) : rc;
}

sl_rc sl_collateral_bundle_read(const char *text, size_t size, struct sl_collateral_set *io_set,
                                struct sl_err *err)
{
    json_error_t fault;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_object(root)) {
        json_decref(root);
        return sl_err_set(err, SL_MALFORMED,
                          "no collateral bundle: %s at line %d (a single part needs its own name, "
                          "such as tcb_info.json)",
                          fault.text[0] != '\0' ? fault.text : "expected a JSON object",
                          fault.line);
    }
    const char *format = json_string_value(json_object_get(root, "format"));
    if (format != NULL && strcmp(format, FORMAT) != 0) {
        json_decref(root);
        return sl_err_set(err, SL_MALFORMED, "format: expected \"%s\"", FORMAT);
    }
    sl_rc rc = read_object(root, io_set, err);
    json_decref(root);
    if (rc == SL_OK && sl_collateral_is_empty(io_set)) {
        return sl_err_set(err, SL_MALFORMED,
                          "holds no collateral; expected tcb_info, pck_crl, vcek and the like");
    }
    if (rc == SL_NO_MEMORY) {
        return sl_err_set(err, rc, "out of memory");
    }
    return rc;
}

static json_t *part_json(struct sl_blob blob)
{
    if (is_text(blob)) {
        return json_stringn((const char *)blob.data, blob.size);
    }
    char *hex = malloc(2 * blob.size + 1);
    if (hex == NULL) {
        return NULL;
    }
    sl_hex_encode(blob.data, blob.size, hex);
    json_t *value = json_string(hex);
    free(hex);
    return value;
}

sl_rc sl_collateral_bundle_write(const struct sl_collateral_set *set, const char *key,
                                 char **ret_text)
{
    json_t *root = json_pack("{s:s}", "format", FORMAT);
    bool is_good =
        root != NULL && (key == NULL || json_object_set_new(root, "key", json_string(key)) == 0);
    for (unsigned i = 0; i < SL_COLLATERAL_PART_COUNT && is_good; i++) {
        struct sl_blob blob = sl_collateral_part(set, i);
        is_good = blob.data == NULL ||
                  json_object_set_new(root, sl_collateral_name(i), part_json(blob)) == 0;
    }
    char *text = is_good ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (text == NULL) {
        return SL_NO_MEMORY;
    }
    *ret_text = text;
    return SL_OK;
}
