/* SPDX-License-Identifier: Apache-2.0 */
/* Parser of SGX and TDX quotes: forward only, every length checked before it is used. */
#include "attest/quote.h"

#include <stdio.h>

#include "base/bytes.h"

const uint8_t SL_QUOTE_VENDOR_INTEL[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                           0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

enum { BODY_ENCLAVE = 1, BODY_TD_10 = 2, BODY_TD_15 = 3 };

struct parser {
    struct sl_reader r;
    char *why;
};

static uint16_t le16(struct sl_reader *r)
{
    const uint8_t *p = sl_reader_bytes(r, 2);
    return p != NULL ? sl_le16_get(p) : 0;
}

static uint32_t le32(struct sl_reader *r)
{
    const uint8_t *p = sl_reader_bytes(r, 4);
    return p != NULL ? sl_le32_get(p) : 0;
}

/* Says where the input ended, once. */
static sl_rc check(struct parser *p, const char *what)
{
    if (p->r.rc != SL_OK && p->why[0] == '\0') {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE, "ends at byte %zu, within the %s", p->r.size,
                       what);
    }
    return p->r.rc;
}

static void read_enclave_report(struct sl_reader *r, struct sl_enclave_report *report)
{
    report->raw = r->rc == SL_OK ? r->data + r->off : NULL;
    report->cpu_svn = sl_reader_bytes(r, 16);
    report->misc_select = sl_reader_bytes(r, 4);
    (void)sl_reader_bytes(r, 12);
    report->isv_ext_prod_id = sl_reader_bytes(r, 16);
    report->attributes = sl_reader_bytes(r, 16);
    report->mrenclave = sl_reader_bytes(r, 32);
    (void)sl_reader_bytes(r, 32);
    report->mrsigner = sl_reader_bytes(r, 32);
    (void)sl_reader_bytes(r, 32);
    report->config_id = sl_reader_bytes(r, 64);
    report->isv_prod_id = le16(r);
    report->isv_svn = le16(r);
    report->config_svn = le16(r);
    (void)sl_reader_bytes(r, 42);
    report->isv_family_id = sl_reader_bytes(r, 16);
    report->report_data = sl_reader_bytes(r, 64);
}

static void read_td_report(struct sl_reader *r, bool is_15, struct sl_td_report *td)
{
    td->is_15 = is_15;
    td->tee_tcb_svn = sl_reader_bytes(r, 16);
    td->mrseam = sl_reader_bytes(r, 48);
    td->mrsignerseam = sl_reader_bytes(r, 48);
    td->seam_attributes = sl_reader_bytes(r, 8);
    td->td_attributes = sl_reader_bytes(r, 8);
    td->xfam = sl_reader_bytes(r, 8);
    td->mrtd = sl_reader_bytes(r, 48);
    td->mrconfigid = sl_reader_bytes(r, 48);
    td->mrowner = sl_reader_bytes(r, 48);
    td->mrownerconfig = sl_reader_bytes(r, 48);
    for (size_t i = 0; i < 4; i++) {
        td->rtmr[i] = sl_reader_bytes(r, 48);
    }
    td->report_data = sl_reader_bytes(r, 64);
    td->tee_tcb_svn2 = is_15 ? sl_reader_bytes(r, 16) : NULL;
    td->mrservicetd = is_15 ? sl_reader_bytes(r, 48) : NULL;
}

static sl_rc read_header(struct parser *p, struct sl_quote *quote)
{
    struct sl_reader *r = &p->r;
    quote->version = le16(r);
    quote->key_type = le16(r);
    quote->tee = le32(r);
    quote->qe_svn = le16(r);
    quote->pce_svn = le16(r);
    quote->qe_vendor_id = sl_reader_bytes(r, 16);
    quote->user_data = sl_reader_bytes(r, 20);
    if (check(p, "header (48 bytes)") != SL_OK) {
        return r->rc;
    }
    if (quote->version < 3 || quote->version > 5) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE, "version is %u, supported are 3, 4 and 5",
                       quote->version);
        return SL_UNSUPPORTED;
    }
    if (quote->key_type != SL_QUOTE_KEY_ECDSA_P256) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "attestation key type is %u, supported is 2 (ECDSA P-256)", quote->key_type);
        return SL_UNSUPPORTED;
    }
    /* Version 3 has four reserved bytes there, which are those of SGX. */
    if (quote->tee != SL_QUOTE_TEE_SGX && !(quote->tee == SL_QUOTE_TEE_TDX && quote->version > 3)) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "TEE type is 0x%x in version %u, supported are 0 (SGX) and, from version 4 "
                       "on, 0x81 (TDX)",
                       quote->tee, quote->version);
        return SL_UNSUPPORTED;
    }
    return SL_OK;
}

/* Version 5 says what follows; the versions before imply it. */
static sl_rc read_body_type(struct parser *p, struct sl_quote *quote)
{
    static const uint32_t SIZES[] = {[BODY_ENCLAVE] = SL_ENCLAVE_REPORT_SIZE,
                                     [BODY_TD_10] = SL_TD_REPORT_10_SIZE,
                                     [BODY_TD_15] = SL_TD_REPORT_15_SIZE};
    if (quote->version < 5) {
        quote->body_type = quote->tee == SL_QUOTE_TEE_SGX ? BODY_ENCLAVE : BODY_TD_10;
        return SL_OK;
    }
    quote->body_type = le16(&p->r);
    uint32_t size = le32(&p->r);
    if (check(p, "body descriptor") != SL_OK) {
        return p->r.rc;
    }
    bool is_sgx_body = quote->body_type == BODY_ENCLAVE;
    if (quote->body_type < BODY_ENCLAVE || quote->body_type > BODY_TD_15 ||
        is_sgx_body != (quote->tee == SL_QUOTE_TEE_SGX)) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "body type is %u with TEE type 0x%x, expected 1 (SGX), 2 or 3 (TDX)",
                       quote->body_type, quote->tee);
        return SL_UNSUPPORTED;
    }
    if (size != SIZES[quote->body_type]) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "body of type %u has a size of %u bytes, expected %u", quote->body_type,
                       size, SIZES[quote->body_type]);
        return SL_MALFORMED;
    }
    return SL_OK;
}

static sl_rc leftover(struct parser *p, const struct sl_reader *inner, const char *what)
{
    (void)snprintf(p->why, SL_QUOTE_WHY_SIZE, "the %s is %zu bytes longer than what is in it", what,
                   sl_reader_left(inner));
    return SL_MALFORMED;
}

/* QE report, its signature, authentication data, certification data: to the end of @p r. */
static sl_rc read_qe_part(struct parser *p, struct sl_quote *quote)
{
    struct sl_reader *r = &p->r;
    read_enclave_report(r, &quote->qe_report);
    quote->qe_report_signature = sl_reader_bytes(r, SL_ECDSA_P256_SIZE);
    if (check(p, "quoting enclave's report") != SL_OK) {
        return r->rc;
    }
    quote->auth_data.size = le16(r);
    quote->auth_data.data = sl_reader_bytes(r, quote->auth_data.size);
    if (check(p, "QE authentication data") != SL_OK) {
        return r->rc;
    }
    quote->cert_type = le16(r);
    quote->cert_data.size = le32(r);
    quote->cert_data.data = sl_reader_bytes(r, quote->cert_data.size);
    if (check(p, "certification data") != SL_OK) {
        return r->rc;
    }
    if (quote->cert_type < SL_QUOTE_CERT_PPID_CLEAR ||
        quote->cert_type > SL_QUOTE_CERT_PLATFORM_MANIFEST ||
        quote->cert_type == SL_QUOTE_CERT_QE_REPORT) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "certification data has type %u, supported are 1 to 5 and 7",
                       quote->cert_type);
        return SL_UNSUPPORTED;
    }
    return sl_reader_left(r) == 0 ? SL_OK : leftover(p, r, "signature data");
}

static sl_rc read_signature_data(struct parser *p, struct sl_quote *quote)
{
    struct sl_reader *r = &p->r;
    quote->signature = sl_reader_bytes(r, SL_ECDSA_P256_SIZE);
    quote->attestation_key = sl_reader_bytes(r, SL_ECDSA_P256_SIZE);
    if (check(p, "signature and attestation key") != SL_OK) {
        return r->rc;
    }
    if (quote->version == 3) {
        return read_qe_part(p, quote);
    }
    uint16_t type = le16(r);
    uint32_t size = le32(r);
    if (check(p, "QE report certification data") != SL_OK) {
        return r->rc;
    }
    if (type != SL_QUOTE_CERT_QE_REPORT) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "certification data has type %u, version %u needs 6 (QE report)", type,
                       quote->version);
        return SL_UNSUPPORTED;
    }
    if (size != sl_reader_left(r)) {
        (void)snprintf(p->why, SL_QUOTE_WHY_SIZE,
                       "QE report certification data is %u bytes, %zu are there", size,
                       sl_reader_left(r));
        return size > sl_reader_left(r) ? SL_TRUNCATED : SL_MALFORMED;
    }
    return read_qe_part(p, quote);
}

sl_rc sl_quote_parse(struct sl_blob in, struct sl_quote *ret_quote, char ret_why[SL_QUOTE_WHY_SIZE])
{
    struct parser p = {.why = ret_why};
    struct sl_quote quote = {0};
    ret_why[0] = '\0';
    if (in.size > SL_QUOTE_SIZE_MAX) {
        (void)snprintf(ret_why, SL_QUOTE_WHY_SIZE, "%zu bytes, at most %d are looked at", in.size,
                       SL_QUOTE_SIZE_MAX);
        return SL_MALFORMED;
    }
    sl_reader_init(&p.r, in.data, in.size);
    sl_rc rc = read_header(&p, &quote);
    if (rc != SL_OK) {
        return rc;
    }
    rc = read_body_type(&p, &quote);
    if (rc != SL_OK) {
        return rc;
    }
    if (quote.body_type == BODY_ENCLAVE) {
        read_enclave_report(&p.r, &quote.body.enclave);
    } else {
        read_td_report(&p.r, quote.body_type == BODY_TD_15, &quote.body.td);
    }
    if (check(&p, "body") != SL_OK) {
        return p.r.rc;
    }
    quote.signed_part = (struct sl_blob){.data = in.data, .size = p.r.off};
    uint32_t size = le32(&p.r);
    const uint8_t *signature_data = sl_reader_bytes(&p.r, size);
    if (check(&p, "signature data") != SL_OK) {
        return p.r.rc;
    }
    quote.trailing_size = sl_reader_left(&p.r);
    sl_reader_init(&p.r, signature_data, size);
    rc = read_signature_data(&p, &quote);
    if (rc == SL_OK) {
        *ret_quote = quote;
    }
    return rc;
}
