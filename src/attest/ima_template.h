/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Templates of the IMA measurement list: which fields an entry has (Linux
 * security/integrity/ima/ima_template.c; Documentation/security/IMA-templates.rst). A template that
 * is not known by name is read by its list of fields, as `ima_template_fmt=` and container patches
 * make it.
 */
#ifndef SL_ATTEST_IMA_TEMPLATE_H
#define SL_ATTEST_IMA_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SL_IMA_FIELDS_MAX = 16, SL_IMA_TEMPLATE_NAME_MAX = 255 };

/** How a field looks in the ASCII list. */
enum sl_ima_form {
    SL_IMA_FORM_DIGEST,      /**< hex */
    SL_IMA_FORM_ALG_DIGEST,  /**< "sha256:hex"; binary "sha256:" NUL bytes */
    SL_IMA_FORM_TYPE_DIGEST, /**< "verity:sha256:hex" */
    SL_IMA_FORM_STRING,
    SL_IMA_FORM_HEX,
    SL_IMA_FORM_UINT16,
    SL_IMA_FORM_UINT32,
};

/** id as in the template's format, enum name, form, what it holds */
#define SL_IMA_FIELD_TABLE(X)                                                                      \
    X("d", D, DIGEST, "SHA-1 or MD5 of the file")                                                  \
    X("n", N, STRING, "name, cut at 255 characters")                                               \
    X("d-ng", D_NG, ALG_DIGEST, "algorithm and digest of the file")                                \
    X("d-ngv2", D_NGV2, TYPE_DIGEST, "kind of digest (ima, verity), algorithm, digest")            \
    X("n-ng", N_NG, STRING, "path")                                                                \
    X("sig", SIG, HEX, "signature of the file")                                                    \
    X("buf", BUF, HEX, "the measured bytes themselves")                                            \
    X("d-modsig", D_MODSIG, ALG_DIGEST, "digest without the appended signature")                   \
    X("modsig", MODSIG, HEX, "appended signature")                                                 \
    X("evmsig", EVMSIG, HEX, "EVM portable signature")                                             \
    X("iuid", IUID, UINT32, "owner of the inode")                                                  \
    X("igid", IGID, UINT32, "group of the inode")                                                  \
    X("imode", IMODE, UINT16, "mode of the inode")                                                 \
    X("xattrnames", XATTRNAMES, STRING, "extended attributes that EVM covers")                     \
    X("xattrlengths", XATTRLENGTHS, HEX, "their lengths")                                          \
    X("xattrvalues", XATTRVALUES, HEX, "their values")                                             \
    X("dep", DEP, STRING, "chain of executables that led here (container patches)")                \
    X("cgn", CGN, STRING, "control group (container patches)")                                     \
    X("cg-path", CG_PATH, STRING, "control group's path (container patches)")                      \
    X("dev-id", DEV_ID, STRING, "device of the root filesystem (container patches)")

enum sl_ima_field_id {
#define SL_IMA_FIELD_ENUM(id, name, form, text) SL_IMA_##name,
    SL_IMA_FIELD_TABLE(SL_IMA_FIELD_ENUM)
#undef SL_IMA_FIELD_ENUM
        SL_IMA_FIELD_COUNT
};

const char *sl_ima_field_name(enum sl_ima_field_id id);
enum sl_ima_form sl_ima_field_form(enum sl_ima_field_id id);

struct sl_ima_template {
    char name[SL_IMA_TEMPLATE_NAME_MAX + 1]; /**< as the log names it */
    bool is_ima; /**< the original "ima" template: no length of its fields, name padded when hashed
                  */
    uint32_t field_count;
    enum sl_ima_field_id fields[SL_IMA_FIELDS_MAX];
};

/** Finds a template by its name or its list of fields ("d-ng|n-ng|sig").
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  a field that nobody knows: @p err names it
 * @retval SL_RANGE        too many fields, name empty or too long */
sl_rc sl_ima_template_find(const char *name, size_t size, struct sl_ima_template *ret_template,
                           struct sl_err *err) SL_MUST_CHECK;

#endif
