/* SPDX-License-Identifier: Apache-2.0 */
/* The quoting enclave of the emulator: checks a REPORT's MAC as a real one does and signs a quote
 * under the emulator's root. Protects nothing: key and root are anybody's. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "device/keys.h"
#include "evidence/emu_pki.h"
#include "evidence/producers.h"

enum {
    QUOTE_MAX = 16 << 10,
    AUTH_DATA_SIZE = 32,
    REMAKE_AFTER_S = 3600, /* collateral of a process that runs for months stays fresh */
    QUOTE_VERSION = 3,
    KEY_TYPE_ECDSA_P256 = 2,
    CERTIFICATION_PCK_CHAIN = 5,
};

/* Names the format and who defined it: Intel's ECDSA quote. What is not Intel's is the root. */
static const uint8_t qe_vendor_id[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                         0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

/* Intel SGX ECDSA QuoteLibReference, A.4: all little-endian */
struct quote_header {
    uint16_t version;
    uint16_t key_type;
    uint32_t reserved;
    uint16_t qe_svn;
    uint16_t pce_svn;
    uint8_t qe_vendor_id[16];
    uint8_t user_data[20]; /* the first 16: identifies the quoting enclave */
} __attribute__((packed));
_Static_assert(sizeof(struct quote_header) == 48, "quote v3 header");

struct emu {
    struct sl_machine machine;
    struct sl_secs qe; /* what the quoting enclave would be measured as */
    struct sl_emu_pki pki;
    EVP_PKEY *attestation_key;
    uint8_t attestation_point[64];
    uint8_t auth_data[AUTH_DATA_SIZE];
    uint8_t qe_id[16];
};

static void little16(struct sl_writer *w, uint16_t v)
{
    sl_writer_u8(w, (uint8_t)v);
    sl_writer_u8(w, (uint8_t)(v >> 8));
}

static void little32(struct sl_writer *w, uint32_t v)
{
    little16(w, (uint16_t)v);
    little16(w, (uint16_t)(v >> 16));
}

static bool name_hash(const char *name, uint8_t ret_hash[32])
{
    return EVP_Digest(name, strlen(name), ret_hash, NULL, EVP_sha256(), NULL) == 1;
}

/* There is no code of it to measure: names stand for the measurement and the signer. */
static bool qe_init(struct sl_secs *qe)
{
    qe->attributes.flags = SL_ATTR_INIT | SL_ATTR_MODE64BIT | SL_ATTR_PROVISIONKEY;
    qe->attributes.xfrm = 3;
    qe->isv_prod_id = SL_EMU_QE_ISV_PROD_ID;
    qe->isv_svn = SL_EMU_QE_ISV_SVN;
    return name_hash("SafeLib emulated quoting enclave", qe->mrenclave) &&
           name_hash("SafeLib emulated quoting enclave's signer", qe->mrsigner);
}

static bool attestation_key_init(struct emu *emu)
{
    uint8_t point[65];
    size_t size = 0;
    emu->attestation_key = EVP_EC_gen("P-256");
    bool is_ok = emu->attestation_key != NULL &&
                 EVP_PKEY_get_octet_string_param(emu->attestation_key, OSSL_PKEY_PARAM_PUB_KEY,
                                                 point, sizeof(point), &size) == 1 &&
                 size == sizeof(point) && RAND_bytes(emu->auth_data, AUTH_DATA_SIZE) == 1 &&
                 RAND_bytes(emu->qe_id, sizeof(emu->qe_id)) == 1;
    if (is_ok) {
        memcpy(emu->attestation_point, point + 1, sizeof(emu->attestation_point));
    }
    return is_ok;
}

static sl_rc pki_refresh(struct emu *emu)
{
    struct sl_emu_pki pki;
    int64_t now_s = (int64_t)time(NULL);
    int64_t age_s = now_s - emu->pki.made_s;
    if (emu->pki.pck_key != NULL && age_s >= 0 && age_s < REMAKE_AFTER_S) {
        return SL_OK;
    }
    sl_rc rc = sl_emu_pki_make(&emu->machine, &emu->qe, now_s, &pki);
    if (rc == SL_OK) {
        sl_emu_pki_done(&emu->pki);
        emu->pki = pki;
    }
    return rc;
}

static sl_rc target_info(void *ctx, uint8_t ret_target[512], struct sl_err *err)
{
    const struct emu *emu = ctx;
    struct sl_target_info target = {.attributes = emu->qe.attributes};
    (void)err;
    memcpy(target.mrenclave, emu->qe.mrenclave, sizeof(target.mrenclave));
    memcpy(ret_target, &target, sizeof(target));
    return SL_OK;
}

/* What the quoting enclave does first: EGETKEY for its report key, then the MAC. */
static sl_rc report_check(const struct emu *emu, const struct sl_report *report, struct sl_err *err)
{
    const struct sl_identity identity = {.secs = &emu->qe};
    struct sl_key_request request = {.key_name = SL_KEYNAME_REPORT};
    uint8_t key[SL_KEY_SIZE];
    uint32_t error = 0;
    memcpy(request.key_id, report->key_id, sizeof(request.key_id));
    sl_rc rc = sl_machine_egetkey(&emu->machine, &identity, &request, key, &error);
    if (rc != SL_OK) {
        return sl_err_set(err, SL_CRYPTO, "emulated quoting enclave: no report key (%s)",
                          sl_rc_name(rc));
    }
    rc = sl_report_verify(report, key);
    sl_wipe(key, sizeof(key));
    if (rc == SL_AUTH) {
        return sl_err_set(err, SL_AUTH,
                          "emulated quoting enclave: the report's MAC is wrong; it was not made on "
                          "this emulated machine for this quoting enclave's TARGETINFO");
    }
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "emulated quoting enclave: OpenSSL failed");
}

/* The report that ties the attestation key to the quoting enclave, signed with the PCK. */
static sl_rc qe_report_write(const struct emu *emu, struct sl_writer *w)
{
    const struct sl_identity identity = {.secs = &emu->qe};
    struct sl_target_info nobody = {.mrenclave = {0}};
    uint8_t bound[sizeof(emu->attestation_point) + AUTH_DATA_SIZE];
    uint8_t data[64] = {0};
    uint8_t signature[64];
    struct sl_report report;
    memcpy(bound, emu->attestation_point, sizeof(emu->attestation_point));
    memcpy(bound + sizeof(emu->attestation_point), emu->auth_data, AUTH_DATA_SIZE);
    if (EVP_Digest(bound, sizeof(bound), data, NULL, EVP_sha256(), NULL) != 1 ||
        sl_machine_ereport(&emu->machine, &identity, &nobody, data, &report) != SL_OK ||
        sl_emu_sign(emu->pki.pck_key, &report.body, sizeof(report.body), signature) != SL_OK) {
        return SL_CRYPTO;
    }
    sl_writer_bytes(w, &report.body, sizeof(report.body));
    sl_writer_bytes(w, signature, sizeof(signature));
    return w->rc;
}

/* Intel SGX ECDSA QuoteLibReference, A.4 */
static sl_rc quote_write(const struct emu *emu, const struct sl_report *report, struct sl_writer *w)
{
    const struct sl_blob *chain = &emu->pki.documents[SL_EMU_PCK_CHAIN];
    struct quote_header header = {.version = QUOTE_VERSION,
                                  .key_type = KEY_TYPE_ECDSA_P256,
                                  .qe_svn = SL_EMU_QE_ISV_SVN,
                                  .pce_svn = SL_EMU_PCE_SVN};
    uint8_t signature[64];
    memcpy(header.qe_vendor_id, qe_vendor_id, sizeof(qe_vendor_id));
    memcpy(header.user_data, emu->qe_id, sizeof(emu->qe_id));
    sl_writer_bytes(w, &header, sizeof(header));
    sl_writer_bytes(w, &report->body, sizeof(report->body));
    if (w->rc != SL_OK || sl_emu_sign(emu->attestation_key, w->data, w->off, signature) != SL_OK) {
        return SL_CRYPTO;
    }
    size_t signed_size = sizeof(signature) + sizeof(emu->attestation_point) +
                         sizeof(struct sl_report_body) + sizeof(signature) + 2 + AUTH_DATA_SIZE +
                         2 + 4 + chain->size;
    little32(w, (uint32_t)signed_size);
    sl_writer_bytes(w, signature, sizeof(signature));
    sl_writer_bytes(w, emu->attestation_point, sizeof(emu->attestation_point));
    sl_rc rc = qe_report_write(emu, w);
    if (rc != SL_OK) {
        return rc;
    }
    little16(w, AUTH_DATA_SIZE);
    sl_writer_bytes(w, emu->auth_data, AUTH_DATA_SIZE);
    little16(w, CERTIFICATION_PCK_CHAIN);
    little32(w, (uint32_t)chain->size);
    sl_writer_bytes(w, chain->data, chain->size);
    return w->rc;
}

static sl_rc evidence_make(const struct emu *emu, const struct sl_report *report,
                           struct sl_evidence *ret_evidence)
{
    uint8_t quote[QUOTE_MAX];
    struct sl_writer w;
    const struct sl_blob *d = emu->pki.documents;
    sl_writer_init(&w, quote, sizeof(quote));
    sl_rc rc = quote_write(emu, report, &w);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_evidence evidence = {
        .type = SL_ATTEST_SGX,
        .binding = SL_BINDING_REPORT_DATA,
        .evidence = {quote, w.off},
        .collateral = {.tcb_info = d[SL_EMU_TCB_INFO],
                       .qe_identity = d[SL_EMU_QE_IDENTITY],
                       .tcb_signing_chain = d[SL_EMU_TCB_CHAIN],
                       .pck_crl = d[SL_EMU_PCK_CRL],
                       .pck_crl_issuer_chain = d[SL_EMU_PCK_CRL_CHAIN],
                       .root_crl = d[SL_EMU_ROOT_CRL]},
    };
    return sl_evidence_copy(&evidence, ret_evidence);
}

static sl_rc produce(void *ctx, const uint8_t report_data[SL_EVIDENCE_DATA_SIZE],
                     const uint8_t *report, struct sl_evidence *ret_evidence, struct sl_err *err)
{
    struct emu *emu = ctx;
    struct sl_report in;
    if (report == NULL) {
        return sl_err_set(err, SL_INVALID,
                          "emulated quoting enclave: expected a REPORT made by EREPORT");
    }
    memcpy(&in, report, sizeof(in));
    if (memcmp(in.body.report_data, report_data, SL_EVIDENCE_DATA_SIZE) != 0) {
        return sl_err_set(err, SL_INVALID,
                          "emulated quoting enclave: the report is over other report_data");
    }
    sl_rc rc = report_check(emu, &in, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = pki_refresh(emu);
    rc = rc != SL_OK ? rc : evidence_make(emu, &in, ret_evidence);
    return rc == SL_OK
               ? SL_OK
               : sl_err_set(err, rc, "emulated quoting enclave: no quote: %s", sl_rc_text(rc));
}

static void emu_free(void *ctx)
{
    struct emu *emu = ctx;
    sl_emu_pki_done(&emu->pki);
    EVP_PKEY_free(emu->attestation_key);
    sl_machine_done(&emu->machine);
    free(emu);
}

sl_rc sl_evidence_emu_open(const struct sl_machine *machine,
                           struct sl_evidence_producer *ret_producer, struct sl_err *err)
{
    struct emu *emu = calloc(1, sizeof(*emu));
    if (emu == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "emulated quoting enclave: out of memory");
    }
    emu->machine = *machine;
    if (!qe_init(&emu->qe) || !attestation_key_init(emu) || pki_refresh(emu) != SL_OK) {
        emu_free(emu);
        return sl_err_set(err, SL_CRYPTO, "emulated quoting enclave: OpenSSL failed");
    }
    *ret_producer = (struct sl_evidence_producer){.name = "emu",
                                                  .ctx = emu,
                                                  .target_info = target_info,
                                                  .produce = produce,
                                                  .free = emu_free};
    return SL_OK;
}
