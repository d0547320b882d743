/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says of its platform, by the verifier's own parsers. */
#include "collateral/extension.h"

#include <string.h>

#include "attest/cert.h"
#include "attest/pck.h"
#include "attest/snp_cert.h"

#define OID_SGX "1.2.840.113741.1.13.1"

bool sl_extension_fmspc(const X509 *cert, uint8_t ret_fmspc[SL_FMSPC_SIZE])
{
    struct sl_pck pck;
    char why[SL_PCK_WHY_SIZE];
    ASN1_OBJECT *object = OBJ_txt2obj(OID_SGX, 1);
    int at = object != NULL ? X509_get_ext_by_OBJ(cert, object, -1) : -1;
    ASN1_OBJECT_free(object);
    if (at < 0) {
        return false;
    }
    const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(X509_get_ext(cert, at));
    struct sl_blob der = {ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)};
    if (sl_pck_parse(der, &pck, why) != SL_OK) {
        return false;
    }
    memcpy(ret_fmspc, pck.fmspc, SL_FMSPC_SIZE);
    return true;
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

/* By the reader of AMD's profile. */
static bool snp_read(struct sl_blob der, struct sl_snp_cert *ret_read, bool *ret_is_vlek)
{
    struct sl_cert_list list = {.profile = SL_CERT_AMD};
    char text[SL_CERT_WHY_SIZE];
    const char *why = NULL;
    bool is_read = sl_cert_list_add(&list, der, false, text) == SL_OK && list.count == 1;
    if (is_read && sl_snp_cert_read(&list.certs[0], SL_SNP_SIGNER_VCEK, ret_read, &why) != SL_OK) {
        *ret_is_vlek = true;
        is_read = sl_snp_cert_read(&list.certs[0], SL_SNP_SIGNER_VLEK, ret_read, &why) == SL_OK;
    }
    sl_cert_list_done(&list);
    return is_read;
}

bool sl_extension_snp(X509 *cert, struct sl_extension_snp *ret_snp)
{
    struct sl_snp_cert read;
    bool is_vlek = false;
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    bool is_read = size > 0 && snp_read((struct sl_blob){der, (size_t)size}, &read, &is_vlek);
    OPENSSL_free(der);
    if (!is_read) {
        return false;
    }
    *ret_snp = (struct sl_extension_snp){.product = read.product,
                                         .tcb = sl_snp_tcb_read(read.product, read.tcb),
                                         .is_vlek = is_vlek};
    if (!is_vlek) {
        memcpy(ret_snp->chip_id, read.hwid, read.hwid_size);
    }
    return true;
}
