/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's certificate extensions. Integers and strings are DER in the extension's octets; the
 * hardware id is bare bytes there (and an OCTET STRING in some tools' certificates). */
#include "attest/snp_cert.h"

#include <string.h>

#include "attest/der.h"

/* 1.3.6.1.4.1.3704.1 as OBJECT IDENTIFIER content. */
static const uint8_t AMD_ARC[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01};

enum {
    TAG_INTEGER = 0x02,
    TAG_OCTETS = 0x04,
    TAG_UTF8 = 0x0c,
    TAG_IA5 = 0x16,
    ARC_STRUCT_VERSION = 1,
    ARC_PRODUCT_NAME = 2,
    ARC_SPL = 3,
    ARC_HWID = 4,
    ARC_CSP_ID = 5,
    SPL_MAX = 9,
};

struct fields {
    bool has_version, has_product, has_hwid, has_csp_id, has_spl[SPL_MAX + 1];
    uint8_t spl[SPL_MAX + 1];
};

/* INTEGER from 0 to 255 in DER: 02 01 xx below 128, 02 02 00 xx from there. */
static bool read_byte(const uint8_t *p, size_t size, uint8_t *ret_value)
{
    if (size == 3 && p[0] == TAG_INTEGER && p[1] == 1 && p[2] < 0x80) {
        *ret_value = p[2];
        return true;
    }
    if (size == 4 && p[0] == TAG_INTEGER && p[1] == 2 && p[2] == 0 && p[3] >= 0x80) {
        *ret_value = p[3];
        return true;
    }
    return false;
}

static bool read_text(const uint8_t *p, size_t size, char out[SL_SNP_TEXT_SIZE])
{
    if (size < 3 || (p[0] != TAG_IA5 && p[0] != TAG_UTF8) || p[1] != size - 2 ||
        size - 2 >= SL_SNP_TEXT_SIZE) {
        return false;
    }
    for (size_t i = 0; i < size - 2; i++) {
        if (p[2 + i] <= 0x20 || p[2 + i] >= 0x7f) {
            return false;
        }
        out[i] = (char)p[2 + i];
    }
    out[size - 2] = '\0';
    return true;
}

static bool read_hwid(const uint8_t *p, size_t size, struct sl_snp_cert *cert)
{
    if (size >= 2 && p[0] == TAG_OCTETS && p[1] == size - 2 &&
        (size - 2 == SL_SNP_CHIP_ID_SIZE || size - 2 == SL_SNP_TURIN_CHIP_ID_SIZE)) {
        p += 2;
        size -= 2;
    }
    if (size != SL_SNP_CHIP_ID_SIZE && size != SL_SNP_TURIN_CHIP_ID_SIZE) {
        return false;
    }
    memcpy(cert->hwid, p, size);
    cert->hwid_size = size;
    return true;
}

static bool read_spl(const uint8_t *arc, size_t arc_size, const uint8_t *p, size_t size,
                     struct fields *fields)
{
    if (arc_size != 2 || arc[1] < 1 || arc[1] > SPL_MAX) {
        return true; /* of a later specification, and not critical */
    }
    if (fields->has_spl[arc[1]]) {
        return false;
    }
    fields->has_spl[arc[1]] = true;
    return read_byte(p, size, &fields->spl[arc[1]]);
}

/* @p arc: what follows AMD's arc in the object identifier. */
static bool read_extension(const uint8_t *arc, size_t arc_size, const uint8_t *p, size_t size,
                           struct fields *fields, struct sl_snp_cert *cert)
{
    if (arc[0] == ARC_SPL) {
        return read_spl(arc, arc_size, p, size, fields);
    }
    bool *has = NULL;
    bool is_read = false;
    switch (arc_size == 1 ? arc[0] : 0) {
    case ARC_STRUCT_VERSION:
        has = &fields->has_version;
        is_read = read_byte(p, size, &cert->struct_version);
        break;
    case ARC_PRODUCT_NAME:
        has = &fields->has_product;
        is_read = read_text(p, size, cert->product_name);
        break;
    case ARC_HWID:
        has = &fields->has_hwid;
        is_read = read_hwid(p, size, cert);
        break;
    case ARC_CSP_ID:
        has = &fields->has_csp_id;
        is_read = read_text(p, size, cert->csp_id);
        break;
    default:
        return true;
    }
    if (*has) {
        return false;
    }
    *has = true;
    return is_read;
}

static bool read_extensions(struct sl_blob extensions, struct fields *fields,
                            struct sl_snp_cert *cert)
{
    struct sl_reader list;
    sl_reader_init(&list, extensions.data, extensions.size);
    while (list.rc == SL_OK && sl_reader_left(&list) > 0) {
        struct sl_blob oid, value;
        (void)sl_cert_read_extension(&list, &oid, &value);
        if (oid.size <= sizeof(AMD_ARC) || memcmp(oid.data, AMD_ARC, sizeof(AMD_ARC)) != 0) {
            continue;
        }
        if (!read_extension(oid.data + sizeof(AMD_ARC), oid.size - sizeof(AMD_ARC), value.data,
                            value.size, fields, cert)) {
            return false;
        }
    }
    return list.rc == SL_OK;
}

static bool product_read(const char *name, enum sl_snp_product *ret_product)
{
    size_t size = strcspn(name, "-"); /* the stepping follows */
    for (enum sl_snp_product p = SL_SNP_MILAN; p < SL_SNP_PRODUCT_COUNT; p++) {
        const char *text = sl_snp_product_text(p);
        if (strlen(text) == size && strncmp(name, text, size) == 0) {
            *ret_product = p;
            return true;
        }
    }
    return false;
}

/* Which SPL is byte i of the product's TCB_VERSION. */
static const uint8_t *spl_order(enum sl_snp_product product)
{
    static const uint8_t order[SL_SNP_TCB_SIZE] = {1, 2, 4, 5, 6, 7, 3, 8};
    static const uint8_t turin[SL_SNP_TCB_SIZE] = {9, 1, 2, 3, 5, 6, 7, 8};
    return product == SL_SNP_TURIN ? turin : order;
}

static const char *fault_find(enum sl_snp_signer kind, const struct fields *fields,
                              const struct sl_snp_cert *cert)
{
    const uint8_t *order = spl_order(cert->product);
    for (size_t i = 0; i < SL_SNP_TCB_SIZE; i++) {
        if (!fields->has_spl[order[i]]) {
            return "it lacks a component of its product's TCB version";
        }
    }
    if (kind == SL_SNP_SIGNER_VLEK) {
        if (fields->has_hwid) {
            return "it names a chip, and a VLEK is no chip's";
        }
        return fields->has_csp_id ? NULL : "it does not name the cloud provider, as a VLEK does";
    }
    if (!fields->has_hwid || fields->has_csp_id) {
        return "it does not name a chip, as a VCEK does";
    }
    size_t size = cert->product == SL_SNP_TURIN ? (size_t)SL_SNP_TURIN_CHIP_ID_SIZE
                                                : (size_t)SL_SNP_CHIP_ID_SIZE;
    return cert->hwid_size == size ? NULL : "its chip id is not of its product's size";
}

sl_rc sl_snp_cert_read(const struct sl_cert *certificate, enum sl_snp_signer kind,
                       struct sl_snp_cert *ret_cert, const char **ret_why)
{
    struct fields fields = {.has_version = false};
    struct sl_snp_cert cert = {.struct_version = 0};
    if (!read_extensions(certificate->amd.extensions, &fields, &cert)) {
        *ret_why = "an extension of AMD's is there twice or not in its form";
        return SL_MALFORMED;
    }
    if (!fields.has_version || !fields.has_product) {
        *ret_why = "it does not name its structure's version and the product";
        return SL_MALFORMED;
    }
    if (!product_read(cert.product_name, &cert.product)) {
        *ret_why = "its product is not Milan, Genoa or Turin";
        return SL_UNSUPPORTED;
    }
    *ret_why = fault_find(kind, &fields, &cert);
    if (*ret_why != NULL) {
        return SL_MALFORMED;
    }
    const uint8_t *order = spl_order(cert.product);
    for (size_t i = 0; i < SL_SNP_TCB_SIZE; i++) {
        cert.tcb[i] = fields.spl[order[i]];
    }
    *ret_cert = cert;
    return SL_OK;
}
