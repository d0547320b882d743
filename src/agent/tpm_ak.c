/* SPDX-License-Identifier: Apache-2.0 */
/* The attestation key: made below the EK, loaded, proven to be there, and what it signs. */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "agent/tpm_internal.h"

enum { NONCE_MAX = 64 };

static void template_ak(TPM2B_PUBLIC *out)
{
    TPMT_PUBLIC *area = &out->publicArea;
    memset(out, 0, sizeof(*out));
    area->type = TPM2_ALG_ECC;
    area->nameAlg = TPM2_ALG_SHA256;
    area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                             TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                             TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_NODA;
    area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
    area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
    area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
}

sl_rc sl_agent_tpm_ak_create(struct sl_agent_tpm *tpm, struct sl_agent_blob *ret_public,
                             struct sl_agent_blob *ret_private, struct sl_err *err)
{
    TPM2B_PUBLIC template, *public = NULL;
    TPM2B_PRIVATE *private = NULL;
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION none = {0};
    ESYS_TR session;
    unsigned tries = 0;
    TSS2_RC rc;
    sl_rc result = sl_agent_tpm_ek_session(tpm, &session, err);
    if (result != SL_OK) {
        return result;
    }
    template_ak(&template);
    do {
        rc = Esys_Create(tpm->esys, tpm->ek, session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                         &template, &outside, &none, &private, &public, NULL, NULL, NULL);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    (void)Esys_FlushContext(tpm->esys, session);
    if (rc == TSS2_RC_SUCCESS) {
        ret_public->size = ret_private->size = 0;
        rc = Tss2_MU_TPM2B_PUBLIC_Marshal(public, ret_public->data, SL_AGENT_BLOB_MAX,
                                          &ret_public->size);
        rc = rc != TSS2_RC_SUCCESS
                 ? rc
                 : Tss2_MU_TPM2B_PRIVATE_Marshal(private, ret_private->data, SL_AGENT_BLOB_MAX,
                                                 &ret_private->size);
    }
    Esys_Free(public);
    Esys_Free(private);
    return rc == TSS2_RC_SUCCESS ? SL_OK : sl_agent_tpm_fail(rc, "creating the AK", err);
}

sl_rc sl_agent_tpm_ak_load(struct sl_agent_tpm *tpm, const struct sl_agent_blob *public,
                           const struct sl_agent_blob *private, struct sl_err *err)
{
    TPM2B_PUBLIC in_public = {0};
    TPM2B_PRIVATE in_private = {0};
    size_t at = 0;
    ESYS_TR session;
    unsigned tries = 0;
    TSS2_RC rc = Tss2_MU_TPM2B_PUBLIC_Unmarshal(public->data, public->size, &at, &in_public);
    at = 0;
    if (rc != TSS2_RC_SUCCESS || Tss2_MU_TPM2B_PRIVATE_Unmarshal(private->data, private->size, &at,
                                                                 &in_private) != TSS2_RC_SUCCESS) {
        return sl_err_set(err, SL_MALFORMED, "the stored AK is not two TPM structures");
    }
    sl_rc result = sl_agent_tpm_ek_session(tpm, &session, err);
    if (result != SL_OK) {
        return result;
    }
    if (tpm->ak != ESYS_TR_NONE) {
        (void)Esys_FlushContext(tpm->esys, tpm->ak);
    }
    do {
        rc = Esys_Load(tpm->esys, tpm->ek, session, ESYS_TR_NONE, ESYS_TR_NONE, &in_private,
                       &in_public, &tpm->ak);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    (void)Esys_FlushContext(tpm->esys, session);
    if (rc != TSS2_RC_SUCCESS) {
        tpm->ak = ESYS_TR_NONE;
        return sl_agent_tpm_fail(rc, "loading the AK", err);
    }
    return SL_OK;
}

sl_rc sl_agent_tpm_activate(struct sl_agent_tpm *tpm, const struct sl_agent_blob *blob,
                            const struct sl_agent_blob *wrapped, struct sl_agent_blob *ret_secret,
                            struct sl_err *err)
{
    TPM2B_ID_OBJECT id = {0};
    TPM2B_ENCRYPTED_SECRET secret = {0};
    TPM2B_DIGEST *out = NULL;
    size_t at = 0;
    ESYS_TR session;
    unsigned tries = 0;
    TSS2_RC rc = Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob->data, blob->size, &at, &id);
    at = 0;
    if (rc != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(wrapped->data, wrapped->size, &at, &secret) !=
            TSS2_RC_SUCCESS) {
        return sl_err_set(err, SL_MALFORMED,
                          "credential: expected TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET");
    }
    sl_rc result = sl_agent_tpm_ek_session(tpm, &session, err);
    if (result != SL_OK) {
        return result;
    }
    do {
        rc = Esys_ActivateCredential(tpm->esys, tpm->ak, tpm->ek, ESYS_TR_PASSWORD, session,
                                     ESYS_TR_NONE, &id, &secret, &out);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    (void)Esys_FlushContext(tpm->esys, session);
    if (rc != TSS2_RC_SUCCESS) {
        return sl_agent_tpm_fail(rc, "activating the credential", err);
    }
    ret_secret->size = out->size;
    memcpy(ret_secret->data, out->buffer, out->size);
    Esys_Free(out);
    return SL_OK;
}

sl_rc sl_agent_tpm_quote(struct sl_agent_tpm *tpm, const uint8_t *nonce, size_t nonce_size,
                         const struct sl_agent_selection *selections, size_t count,
                         struct sl_agent_blob *ret_quote, struct sl_agent_blob *ret_signature,
                         struct sl_err *err)
{
    TPMT_SIG_SCHEME own;
    TPML_PCR_SELECTION pcrs = {.count = (uint32_t)count};
    TPM2B_DATA data = {.size = (uint16_t)nonce_size};
    TPM2B_ATTEST *quoted = NULL;
    TPMT_SIGNATURE *signature = NULL;
    unsigned tries = 0;
    TSS2_RC rc;
    if (nonce_size > NONCE_MAX || count == 0 || count > SL_AGENT_SELECTIONS_MAX) {
        return sl_err_set(err, SL_RANGE, "quote: a nonce of %zu bytes over %zu banks", nonce_size,
                          count);
    }
    memset(&own, 0, sizeof(own));
    own.scheme = TPM2_ALG_NULL; /* the key's */
    memcpy(data.buffer, nonce, nonce_size);
    for (size_t i = 0; i < count; i++) {
        pcrs.pcrSelections[i].hash = selections[i].alg;
        pcrs.pcrSelections[i].sizeofSelect = 3;
        for (unsigned byte = 0; byte < 3; byte++) {
            pcrs.pcrSelections[i].pcrSelect[byte] = (uint8_t)(selections[i].mask >> (8 * byte));
        }
    }
    do {
        rc = Esys_Quote(tpm->esys, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
                        &own, &pcrs, &quoted, &signature);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    if (rc != TSS2_RC_SUCCESS) {
        return sl_agent_tpm_fail(rc, "quote", err);
    }
    ret_quote->size = quoted->size;
    memcpy(ret_quote->data, quoted->attestationData, quoted->size);
    ret_signature->size = 0;
    rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, ret_signature->data, SL_AGENT_BLOB_MAX,
                                        &ret_signature->size);
    Esys_Free(quoted);
    Esys_Free(signature);
    return rc == TSS2_RC_SUCCESS ? SL_OK : sl_agent_tpm_fail(rc, "signature", err);
}
