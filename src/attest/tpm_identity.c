/* SPDX-License-Identifier: Apache-2.0 */
/* TPM manufacturer, model and version from the alternative name of an EK certificate. */
#include "attest/tpm_identity.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "safelib/bytes.h"

static void text_take(const X509_NAME *name, const char *oid, char out[SL_TPM_IDENTITY_TEXT_MAX])
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const int at = object != NULL ? X509_NAME_get_index_by_OBJ(name, object, -1) : -1;
    const ASN1_STRING *value =
        at >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)) : NULL;
    const int size = value != NULL ? ASN1_STRING_length(value) : 0;

    ASN1_OBJECT_free(object);
    for (int i = 0; i < size && i < SL_TPM_IDENTITY_TEXT_MAX - 1; i++) {
        const uint8_t c = ASN1_STRING_get0_data(value)[i];

        out[i] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
        out[i + 1] = '\0';
    }
}

/* "id:494E5443" is hex of the vendor's four letters, padded with NULs or spaces. */
static void vendor_decode(char manufacturer[SL_TPM_IDENTITY_TEXT_MAX])
{
    char text[SL_TPM_IDENTITY_TEXT_MAX];
    uint8_t letters[5] = {0};

    if (strlen(manufacturer) != 11 || strncmp(manufacturer, "id:", 3) != 0 ||
        sl_hex_decode(manufacturer + 3, letters, 4) != SL_OK) {
        return;
    }
    for (int i = 3; i >= 0 && (letters[i] == 0 || letters[i] == ' '); i--) {
        letters[i] = 0;
    }
    for (int i = 0; letters[i] != 0; i++) {
        if (letters[i] < 0x21 || letters[i] > 0x7e) {
            return;
        }
    }
    if (letters[0] != 0) {
        (void)snprintf(text, sizeof(text), "%s (%.11s)", (const char *)letters, manufacturer);
        memcpy(manufacturer, text, sizeof(text));
    }
}

sl_rc sl_tpm_identity_read(struct sl_blob der, struct sl_tpm_identity *ret_identity)
{
    const unsigned char *at = der.data;
    X509 *cert = der.size <= INT32_MAX ? d2i_X509(NULL, &at, (long)der.size) : NULL;
    GENERAL_NAMES *names =
        cert != NULL ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) : NULL;
    struct sl_tpm_identity identity = {0};
    sl_rc rc = cert != NULL ? SL_NOT_FOUND : SL_MALFORMED;

    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DIRNAME) {
            text_take(name->d.directoryName, "2.23.133.2.1", identity.manufacturer);
            text_take(name->d.directoryName, "2.23.133.2.2", identity.model);
            text_take(name->d.directoryName, "2.23.133.2.3", identity.version);
        }
    }
    if (identity.manufacturer[0] != '\0' || identity.model[0] != '\0' ||
        identity.version[0] != '\0') {
        vendor_decode(identity.manufacturer);
        *ret_identity = identity;
        rc = SL_OK;
    }
    GENERAL_NAMES_free(names);
    X509_free(cert);
    return rc;
}
