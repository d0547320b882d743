/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of PCK certificates (Intel SGX PCK Certificate and CRL profile 1.3.5) and of VCEKs
 * (AMD 57230, VCEK and KDS interface specification 3). */
#include "collateral/extension.h"

#include <openssl/asn1t.h>
#include <string.h>
#include <strings.h>

#define OID_SGX     "1.2.840.113741.1.13.1"
#define OID_FMSPC   "1.2.840.113741.1.13.1.4"
#define OID_PRODUCT "1.3.6.1.4.1.3704.1.2"
#define OID_BL_SPL  "1.3.6.1.4.1.3704.1.3.1"
#define OID_TEE_SPL "1.3.6.1.4.1.3704.1.3.2"
#define OID_SNP_SPL "1.3.6.1.4.1.3704.1.3.3"
#define OID_UCODE   "1.3.6.1.4.1.3704.1.3.8"
#define OID_FMC_SPL "1.3.6.1.4.1.3704.1.3.9"
#define OID_HWID    "1.3.6.1.4.1.3704.1.4"
#define OID_CSP_ID  "1.3.6.1.4.1.3704.1.5"

enum { TURIN_CHIP_ID_SIZE = 8, OID_TEXT_MAX = 64 };

/* The extension's content, or NULL. */
static const ASN1_OCTET_STRING *extension(const X509 *cert, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object != NULL ? X509_get_ext_by_OBJ(cert, object, -1) : -1;
    ASN1_OBJECT_free(object);
    return at >= 0 ? X509_EXTENSION_get_data(X509_get_ext(cert, at)) : NULL;
}

static bool oid_is(const ASN1_OBJECT *object, const char *oid)
{
    char text[OID_TEXT_MAX];
    int length = OBJ_obj2txt(text, sizeof(text), object, 1);
    return length > 0 && length < (int)sizeof(text) && strcmp(text, oid) == 0;
}

/* One {OID, value} of the SGX extension's sequence. */
static bool fmspc_from(const ASN1_TYPE *item, uint8_t ret_fmspc[SL_FMSPC_SIZE])
{
    if (item->type != V_ASN1_SEQUENCE) {
        return false;
    }
    const uint8_t *at = item->value.sequence->data;
    ASN1_SEQUENCE_ANY *pair = d2i_ASN1_SEQUENCE_ANY(NULL, &at, item->value.sequence->length);
    bool is_found = false;
    if (pair != NULL && sk_ASN1_TYPE_num(pair) == 2) {
        const ASN1_TYPE *id = sk_ASN1_TYPE_value(pair, 0);
        const ASN1_TYPE *value = sk_ASN1_TYPE_value(pair, 1);
        is_found = id->type == V_ASN1_OBJECT && oid_is(id->value.object, OID_FMSPC) &&
                   value->type == V_ASN1_OCTET_STRING &&
                   value->value.octet_string->length == SL_FMSPC_SIZE;
        if (is_found) {
            memcpy(ret_fmspc, value->value.octet_string->data, SL_FMSPC_SIZE);
        }
    }
    sk_ASN1_TYPE_pop_free(pair, ASN1_TYPE_free);
    return is_found;
}

bool sl_extension_fmspc(const X509 *cert, uint8_t ret_fmspc[SL_FMSPC_SIZE])
{
    const ASN1_OCTET_STRING *data = extension(cert, OID_SGX);
    if (data == NULL) {
        return false;
    }
    const uint8_t *at = ASN1_STRING_get0_data(data);
    ASN1_SEQUENCE_ANY *list = d2i_ASN1_SEQUENCE_ANY(NULL, &at, ASN1_STRING_length(data));
    bool is_found = false;
    for (int i = 0; list != NULL && i < sk_ASN1_TYPE_num(list) && !is_found; i++) {
        is_found = fmspc_from(sk_ASN1_TYPE_value(list, i), ret_fmspc);
    }
    sk_ASN1_TYPE_pop_free(list, ASN1_TYPE_free);
    return is_found;
}

const char *sl_extension_pck_ca(const X509_NAME *name)
{
    char text[128];
    if (X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, NID_commonName, text,
                                  sizeof(text)) < 0) {
        return NULL;
    }
    return strstr(text, "PCK Platform CA") != NULL    ? "platform"
           : strstr(text, "PCK Processor CA") != NULL ? "processor"
                                                      : NULL;
}

static bool spl_of(const X509 *cert, const char *oid, uint8_t *ret_spl)
{
    const ASN1_OCTET_STRING *data = extension(cert, oid);
    if (data == NULL) {
        return false;
    }
    const uint8_t *at = ASN1_STRING_get0_data(data);
    ASN1_INTEGER *value = d2i_ASN1_INTEGER(NULL, &at, ASN1_STRING_length(data));
    int64_t number = -1;
    bool is_good = value != NULL && ASN1_INTEGER_get_int64(&number, value) == 1 && number >= 0 &&
                   number <= UINT8_MAX;
    ASN1_INTEGER_free(value);
    *ret_spl = is_good ? (uint8_t)number : 0;
    return is_good;
}

/* "Milan-B0"; some tools' certificates have the bare name. */
static bool product_of(const X509 *cert, enum sl_snp_product *ret_product)
{
    static const struct {
        const char *name;
        enum sl_snp_product product;
    } products[] = {
        {"Milan", SL_SNP_MILAN}, {"Genoa", SL_SNP_GENOA}, {"Bergamo", SL_SNP_GENOA},
        {"Siena", SL_SNP_GENOA}, {"Turin", SL_SNP_TURIN},
    };
    const ASN1_OCTET_STRING *data = extension(cert, OID_PRODUCT);
    if (data == NULL) {
        return false;
    }
    const uint8_t *at = ASN1_STRING_get0_data(data);
    ASN1_IA5STRING *name = d2i_ASN1_IA5STRING(NULL, &at, ASN1_STRING_length(data));
    bool is_found = false;
    for (size_t i = 0; name != NULL && i < sizeof(products) / sizeof(products[0]); i++) {
        size_t length = strlen(products[i].name);
        if ((size_t)ASN1_STRING_length(name) >= length &&
            strncasecmp((const char *)ASN1_STRING_get0_data(name), products[i].name, length) == 0) {
            *ret_product = products[i].product;
            is_found = true;
        }
    }
    ASN1_IA5STRING_free(name);
    return is_found;
}

bool sl_extension_snp(const X509 *cert, struct sl_extension_snp *ret_snp)
{
    struct sl_extension_snp out = {0};
    struct sl_snp_tcb *tcb = &out.tcb;
    if (!product_of(cert, &out.product) || !spl_of(cert, OID_BL_SPL, &tcb->bootloader) ||
        !spl_of(cert, OID_TEE_SPL, &tcb->tee) || !spl_of(cert, OID_SNP_SPL, &tcb->snp) ||
        !spl_of(cert, OID_UCODE, &tcb->microcode)) {
        return false;
    }
    if (out.product == SL_SNP_TURIN && !spl_of(cert, OID_FMC_SPL, &tcb->fmc)) {
        return false;
    }
    const ASN1_OCTET_STRING *chip = extension(cert, OID_HWID);
    out.is_vlek = chip == NULL && extension(cert, OID_CSP_ID) != NULL;
    if (chip != NULL) {
        int size = ASN1_STRING_length(chip);
        if (size != SL_CHIP_ID_SIZE && size != TURIN_CHIP_ID_SIZE) {
            return false;
        }
        memcpy(out.chip_id, ASN1_STRING_get0_data(chip), (size_t)size);
    } else if (!out.is_vlek) {
        return false;
    }
    *ret_snp = out;
    return true;
}
