/* SPDX-License-Identifier: Apache-2.0 */
/* TCB info v3 and QE identity v2 of the emulator, signed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/emulated_root.h"
#include "base/bytes.h"
#include "evidence/emu_pki.h"

enum {
    TEXT_MAX = 4096,
    TIME_SIZE = 32,
    ISSUED_BEFORE_S = 3600, /* a verifier's clock may be behind */
    VALID_S = 30 * 86400,
};

/* The text grows at its end; what does not fit makes the document fail. */
struct text {
    char bytes[TEXT_MAX];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list args;
    if (text->size >= sizeof(text->bytes)) {
        return;
    }
    va_start(args, format);
    int count = vsnprintf(text->bytes + text->size, sizeof(text->bytes) - text->size, format, args);
    va_end(args);
    text->size = count < 0 ? sizeof(text->bytes) : text->size + (size_t)count;
}

static void add_time(struct text *text, const char *key, int64_t time_s)
{
    char out[TIME_SIZE];
    struct tm tm;
    const time_t t = (time_t)time_s;
    (void)gmtime_r(&t, &tm);
    (void)strftime(out, sizeof(out), "%Y-%m-%dT%H:%M:%SZ", &tm);
    add(text, "\"%s\":\"%s\",", key, out);
}

static void add_dates(struct text *text, int64_t now_s)
{
    add_time(text, "issueDate", now_s - ISSUED_BEFORE_S);
    add_time(text, "nextUpdate", now_s + VALID_S);
}

/* One level of TCB info. @p svns NULL: all 0 */
static void add_level(struct text *text, const uint8_t *svns, unsigned pce_svn, const char *date,
                      const char *status)
{
    add(text, "{\"tcb\":{\"sgxtcbcomponents\":[");
    for (unsigned i = 0; i < 16; i++) {
        add(text, "%s{\"svn\":%u}", i == 0 ? "" : ",", svns != NULL ? svns[i] : 0u);
    }
    add(text, "],\"pcesvn\":%u},\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"}", pce_svn, date, status);
}

static void tcb_info_body(const struct sl_machine *machine, int64_t now_s, struct text *text)
{
    add(text, "{\"id\":\"SGX\",\"version\":3,");
    add_dates(text, now_s);
    add(text, "\"fmspc\":\"" SL_EMULATED_FMSPC "\",\"pceId\":\"0000\",\"tcbType\":0,"
              "\"tcbEvaluationDataNumber\":1,\"tcbLevels\":[");
    add_level(text, machine->cpu_svn, SL_EMU_PCE_SVN, "2026-01-01T00:00:00Z", "UpToDate");
    add(text, ",");
    add_level(text, NULL, 0, "2024-01-01T00:00:00Z", "OutOfDate");
    add(text, "]}");
}

static void qe_identity_body(const struct sl_secs *qe, int64_t now_s, struct text *text)
{
    char signer[65];
    sl_hex_encode(qe->mrsigner, 32, signer);
    add(text, "{\"id\":\"QE\",\"version\":2,");
    add_dates(text, now_s);
    /* MODE64BIT is masked out, and XFRM, as in Intel's own */
    add(text,
        "\"tcbEvaluationDataNumber\":1,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
        "\"attributes\":\"11000000000000000000000000000000\","
        "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%s\","
        "\"isvprodid\":%d,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":%d},"
        "\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]}",
        signer, SL_EMU_QE_ISV_PROD_ID, SL_EMU_QE_ISV_SVN);
}

/* {"NAME":BODY,"signature":"hex"}: the signature is over the bytes of BODY. */
static sl_rc document(const char *name, const struct text *body, EVP_PKEY *key,
                      struct sl_blob *ret_document)
{
    uint8_t signature[64];
    char hex[129];
    size_t size = body->size + strlen(name) + sizeof(hex) + 32;
    char *out = body->size < sizeof(body->bytes) ? malloc(size) : NULL;
    if (out == NULL || sl_emu_sign(key, body->bytes, body->size, signature) != SL_OK) {
        free(out);
        return SL_CRYPTO;
    }
    sl_hex_encode(signature, sizeof(signature), hex);
    int count = snprintf(out, size, "{\"%s\":%s,\"signature\":\"%s\"}", name, body->bytes, hex);
    *ret_document = (struct sl_blob){(const uint8_t *)out, (size_t)count};
    return SL_OK;
}

sl_rc sl_emu_collateral_make(const struct sl_machine *machine, const struct sl_secs *qe,
                             EVP_PKEY *tcb_key, int64_t now_s, struct sl_emu_pki *pki)
{
    struct text text = {.size = 0};
    tcb_info_body(machine, now_s, &text);
    sl_rc rc = document("tcbInfo", &text, tcb_key, &pki->documents[SL_EMU_TCB_INFO]);
    if (rc == SL_OK) {
        text.size = 0;
        qe_identity_body(qe, now_s, &text);
        rc = document("enclaveIdentity", &text, tcb_key, &pki->documents[SL_EMU_QE_IDENTITY]);
    }
    return rc;
}
