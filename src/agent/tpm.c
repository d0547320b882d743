/* SPDX-License-Identifier: Apache-2.0 */
/* One TPM: opening, the endorsement key and its certificate, sessions that open it. */
#include "agent/tpm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "agent/tpm_internal.h"

enum {
    NV_EK_RSA = 0x01c00002, /* profile 2.2.1.4: L-1 and L-2 */
    NV_EK_ECC = 0x01c0000a,
    NV_CHUNK = 512,
    TRIES = 20,
    WAIT_NS = 100000000,
};

/* PolicySecret(TPM_RH_ENDORSEMENT), profile B.6.2 */
static const uint8_t policy_a[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

bool sl_agent_tpm_is_busy(TSS2_RC rc, unsigned *tries)
{
    const struct timespec wait = {0, WAIT_NS};
    TSS2_RC code = rc & ~(TSS2_RC)TSS2_RC_LAYER_MASK;
    if (code != TPM2_RC_RETRY && code != TPM2_RC_YIELDED && code != TPM2_RC_TESTING &&
        code != TSS2_BASE_RC_TRY_AGAIN) {
        return false;
    }
    if (++*tries > TRIES) {
        return false;
    }
    (void)nanosleep(&wait, NULL);
    return true;
}

sl_rc sl_agent_tpm_fail(TSS2_RC rc, const char *what, struct sl_err *err)
{
    return sl_err_set(err, SL_IO, "TPM: %s: %s (0x%x)", what, Tss2_RC_Decode(rc), rc);
}

static void template_ek(bool is_ecc, TPM2B_PUBLIC *out)
{
    TPMT_PUBLIC *area = &out->publicArea;
    memset(out, 0, sizeof(*out));
    area->nameAlg = TPM2_ALG_SHA256;
    area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                             TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
                             TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    area->authPolicy.size = sizeof(policy_a);
    memcpy(area->authPolicy.buffer, policy_a, sizeof(policy_a));
    TPMT_SYM_DEF_OBJECT aes = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    if (is_ecc) {
        area->type = TPM2_ALG_ECC;
        area->parameters.eccDetail.symmetric = aes;
        area->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
        area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
        area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
        area->unique.ecc.x.size = area->unique.ecc.y.size = 32;
    } else {
        area->type = TPM2_ALG_RSA;
        area->parameters.rsaDetail.symmetric = aes;
        area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
        area->parameters.rsaDetail.keyBits = 2048;
        area->unique.rsa.size = 256;
    }
}

static sl_rc ek_create(struct sl_agent_tpm *tpm, struct sl_err *err)
{
    TPM2B_PUBLIC template, *public = NULL;
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION none = {0};
    unsigned tries = 0;
    TSS2_RC rc;
    template_ek(tpm->is_ecc, &template);
    do {
        rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE, &sensitive, &template, &outside, &none, &tpm->ek,
                                &public, NULL, NULL, NULL);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    if (rc != TSS2_RC_SUCCESS) {
        tpm->ek = ESYS_TR_NONE;
        return sl_agent_tpm_fail(rc, "creating the EK", err);
    }
    tpm->ek_public.size = 0;
    rc = Tss2_MU_TPM2B_PUBLIC_Marshal(public, tpm->ek_public.data, SL_AGENT_BLOB_MAX,
                                      &tpm->ek_public.size);
    Esys_Free(public);
    return rc == TSS2_RC_SUCCESS ? SL_OK : sl_agent_tpm_fail(rc, "EK", err);
}

/* What the loader of TCTIs would call an "IO failure". A device without resource manager
 * (/dev/tpm0) is one client's at a time: waits for it. */
static sl_rc device_check(const char *tcti, struct sl_err *err)
{
    const struct timespec wait = {0, WAIT_NS};
    const char *path = strncmp(tcti, "device:", 7) == 0 ? tcti + 7 : NULL;
    int fd = -1;
    if (path == NULL) {
        return SL_OK;
    }
    for (unsigned i = 0; i < TRIES && (fd = open(path, O_RDWR | O_CLOEXEC)) < 0 && errno == EBUSY;
         i++) {
        (void)nanosleep(&wait, NULL);
    }
    if (fd >= 0) {
        (void)close(fd);
        return SL_OK;
    }
    return sl_err_set(err, SL_IO, "TPM: %s: %s%s", path, strerror(errno),
                      errno == ENOENT   ? ": no TPM 2.0, or no driver for it"
                      : errno == EACCES ? ": the agent's user must be in its group (tss)"
                      : errno == EBUSY  ? ": another program has it; use /dev/tpmrm0"
                                        : "");
}

sl_rc sl_agent_tpm_open(const char *tcti, bool is_ecc, struct sl_agent_tpm *ret_tpm,
                        struct sl_err *err)
{
    memset(ret_tpm, 0, sizeof(*ret_tpm));
    ret_tpm->ek = ret_tpm->ak = ESYS_TR_NONE;
    ret_tpm->is_ecc = is_ecc;
    sl_rc checked = device_check(tcti, err);
    if (checked != SL_OK) {
        return checked;
    }
    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &ret_tpm->tcti);
    if (rc != TSS2_RC_SUCCESS) {
        ret_tpm->tcti = NULL;
        return sl_agent_tpm_fail(rc, tcti, err);
    }
    rc = Esys_Initialize(&ret_tpm->esys, ret_tpm->tcti, NULL);
    if (rc != TSS2_RC_SUCCESS) {
        ret_tpm->esys = NULL;
        return sl_agent_tpm_fail(rc, tcti, err);
    }
    return ek_create(ret_tpm, err);
}

void sl_agent_tpm_close(struct sl_agent_tpm *tpm)
{
    if (tpm->esys != NULL) {
        if (tpm->ak != ESYS_TR_NONE) {
            (void)Esys_FlushContext(tpm->esys, tpm->ak);
        }
        if (tpm->ek != ESYS_TR_NONE) {
            (void)Esys_FlushContext(tpm->esys, tpm->ek);
        }
        Esys_Finalize(&tpm->esys);
    }
    if (tpm->tcti != NULL) {
        Tss2_TctiLdr_Finalize(&tpm->tcti);
    }
    tpm->ek = tpm->ak = ESYS_TR_NONE;
}

sl_rc sl_agent_tpm_ek_session(struct sl_agent_tpm *tpm, ESYS_TR *ret_session, struct sl_err *err)
{
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    unsigned tries = 0;
    TSS2_RC rc;
    do {
        rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                   ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none,
                                   TPM2_ALG_SHA256, ret_session);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    if (rc != TSS2_RC_SUCCESS) {
        *ret_session = ESYS_TR_NONE;
        return sl_agent_tpm_fail(rc, "starting a session", err);
    }
    do {
        rc = Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, *ret_session, ESYS_TR_PASSWORD,
                               ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    if (rc != TSS2_RC_SUCCESS) {
        (void)Esys_FlushContext(tpm->esys, *ret_session);
        return sl_agent_tpm_fail(rc, "authorising the EK (endorsement password set?)", err);
    }
    return SL_OK;
}

/* NV space is often larger than the certificate in it: the DER header says how long it is. */
static sl_rc der_cut(const uint8_t *data, size_t size, size_t *ret_size, struct sl_err *err)
{
    if (size >= 4 && data[0] == 0x30 && data[1] == 0x82) {
        size_t length = 4 + ((size_t)data[2] << 8 | data[3]);
        if (length <= size) {
            *ret_size = length;
            return SL_OK;
        }
    }
    return sl_err_set(err, SL_MALFORMED, "TPM: the EK certificate in NV is no DER sequence");
}

static sl_rc nv_read(struct sl_agent_tpm *tpm, ESYS_TR nv, uint8_t *out, size_t size,
                     struct sl_err *err)
{
    for (size_t off = 0; off < size;) {
        TPM2B_MAX_NV_BUFFER *chunk = NULL;
        uint16_t want = (uint16_t)(size - off < NV_CHUNK ? size - off : NV_CHUNK);
        unsigned tries = 0;
        TSS2_RC rc;
        do {
            rc = Esys_NV_Read(tpm->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, want,
                              (uint16_t)off, &chunk);
        } while (sl_agent_tpm_is_busy(rc, &tries));
        if (rc != TSS2_RC_SUCCESS) {
            return sl_agent_tpm_fail(rc, "reading the EK certificate", err);
        }
        size_t got = chunk->size;
        if (got == 0 || got > want) {
            Esys_Free(chunk);
            return sl_err_set(err, SL_IO, "TPM: NV read gave %zu bytes of %u", got, want);
        }
        memcpy(out + off, chunk->buffer, got);
        off += got;
        Esys_Free(chunk);
    }
    return SL_OK;
}

sl_rc sl_agent_tpm_ek_cert(struct sl_agent_tpm *tpm, uint8_t *out, size_t size_max,
                           size_t *ret_size, struct sl_err *err)
{
    const TPM2_HANDLE index = tpm->is_ecc ? NV_EK_ECC : NV_EK_RSA;
    TPM2B_NV_PUBLIC *public = NULL;
    ESYS_TR nv = ESYS_TR_NONE;
    TSS2_RC tss =
        Esys_TR_FromTPMPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv);
    if (tss != TSS2_RC_SUCCESS) {
        return sl_err_set(err, SL_NOT_FOUND, "TPM: no EK certificate at NV index 0x%x", index);
    }
    tss =
        Esys_NV_ReadPublic(tpm->esys, nv, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public, NULL);
    sl_rc rc;
    if (tss != TSS2_RC_SUCCESS) {
        rc = sl_agent_tpm_fail(tss, "EK certificate", err);
    } else {
        size_t size = public->nvPublic.dataSize;
        rc = size <= size_max ? nv_read(tpm, nv, out, size, err)
                              : sl_err_set(err, SL_RANGE,
                                           "TPM: EK certificate of %zu bytes, expected at most %zu",
                                           size, size_max);
        rc = rc == SL_OK ? der_cut(out, size, ret_size, err) : rc;
        Esys_Free(public);
    }
    (void)Esys_TR_Close(tpm->esys, &nv);
    return rc;
}

sl_rc sl_agent_tpm_pcr_read(struct sl_agent_tpm *tpm, uint32_t pcr, uint8_t ret_value[32],
                            struct sl_err *err)
{
    TPML_PCR_SELECTION selection = {
        .count = 1, .pcrSelections = {{.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}}};
    TPML_DIGEST *values = NULL;
    unsigned tries = 0;
    TSS2_RC rc;
    selection.pcrSelections[0].pcrSelect[pcr / 8] = (uint8_t)(1u << pcr % 8);
    do {
        rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &selection, NULL,
                           NULL, &values);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    if (rc != TSS2_RC_SUCCESS) {
        return sl_agent_tpm_fail(rc, "reading a PCR", err);
    }
    const bool is_there = values->count == 1 && values->digests[0].size == 32;
    if (is_there) {
        memcpy(ret_value, values->digests[0].buffer, 32);
    }
    Esys_Free(values);
    return is_there ? SL_OK : sl_err_set(err, SL_NOT_FOUND, "TPM: PCR %u has no bank sha256", pcr);
}

sl_rc sl_agent_tpm_pcr_event(struct sl_agent_tpm *tpm, uint32_t pcr, const void *data, size_t size,
                             struct sl_err *err)
{
    TPM2B_EVENT event = {.size = (uint16_t)size};
    TPML_DIGEST_VALUES *digests = NULL;
    unsigned tries = 0;
    TSS2_RC rc;
    if (size > sizeof(event.buffer)) {
        return sl_err_set(err, SL_RANGE, "an event of %zu bytes", size);
    }
    memcpy(event.buffer, data, size);
    do {
        rc = Esys_PCR_Event(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                            ESYS_TR_NONE, &event, &digests);
    } while (sl_agent_tpm_is_busy(rc, &tries));
    if (rc != TSS2_RC_SUCCESS) {
        return sl_agent_tpm_fail(rc, "extending a PCR", err);
    }
    Esys_Free(digests);
    return SL_OK;
}
