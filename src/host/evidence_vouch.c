/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence for a trust monitor: its nonce goes to the image, what comes back to the quoting
 * enclave, and both as JSON to whoever asked. Nothing of it is secret, and nothing of it is
 * believed here. */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control/message.h"
#include "control/monitor_binding.h"
#include "host/evidence_server.h"

enum { SEND_SECONDS = 2 };

char *sl_evidence_vouch_error(const char *text)
{
    json_t *json = json_pack("{s:s}", "error", text);
    char *out = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return out;
}

sl_rc sl_evidence_vouch_ask(const struct sl_evidence_vouch *vouch,
                            const struct sl_evidence_producer *producer,
                            struct sl_evidence_answer *ret_answer, struct sl_err *err)
{
    uint8_t target[SL_EVIDENCE_TARGET_SIZE];
    sl_rc rc = producer->target_info(producer->ctx, target, err);
    const size_t size = sizeof(vouch->nonce) + (rc == SL_OK ? sizeof(target) : 0);
    if (rc != SL_OK && rc != SL_UNSUPPORTED) {
        return rc;
    }
    *ret_answer = (struct sl_evidence_answer){.request = vouch->number,
                                              .what = SL_EVIDENCE_VOUCH,
                                              .bytes = malloc(size),
                                              .size = (uint32_t)size};
    if (ret_answer->bytes == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "out of memory");
    }
    memcpy(ret_answer->bytes, vouch->nonce, sizeof(vouch->nonce));
    memcpy(ret_answer->bytes + sizeof(vouch->nonce), target, size - sizeof(vouch->nonce));
    return SL_OK;
}

static const char *type_text(enum sl_attest_type type)
{
    return type == SL_ATTEST_SGX ? "sgx" : type == SL_ATTEST_TDX ? "tdx" : "sev-snp";
}

static char *answer_text(const struct sl_monitor_binding *binding,
                         const struct sl_evidence *evidence)
{
    uint8_t *bundle = malloc(SL_EVIDENCE_SIZE_MAX);
    char *text = malloc(4 * ((SL_EVIDENCE_SIZE_MAX + 2) / 3) + 1), *out = NULL;
    char image[2 * SL_SPKI_HASH_SIZE + 1], tenant[2 * SL_SPKI_HASH_SIZE + 1];
    struct sl_writer w;
    sl_writer_init(&w, bundle, SL_EVIDENCE_SIZE_MAX);
    if (bundle != NULL && text != NULL) {
        sl_evidence_write(evidence, &w);
        (void)EVP_EncodeBlock((unsigned char *)text, bundle, (int)w.off);
        sl_hex_encode(binding->image_key, sizeof(binding->image_key), image);
        sl_hex_encode(binding->tenant_key, sizeof(binding->tenant_key), tenant);
        json_t *json = json_pack("{s:s, s:s, s:{s:s, s:s, s:I}}", "type", type_text(evidence->type),
                                 "bundle", text, "claims", "image_key", image, "tenant_key", tenant,
                                 "policy_version", (json_int_t)binding->policy_version);
        out = json != NULL && w.rc == SL_OK ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
    }
    free(bundle);
    free(text);
    return out;
}

char *sl_evidence_vouch_text(const struct sl_evidence_vouch *vouch,
                             const struct sl_evidence_producer *producer, const uint8_t *data,
                             size_t size)
{
    struct sl_monitor_binding binding = {0};
    struct sl_evidence evidence;
    struct sl_err err = {0};
    uint8_t report_data[SL_BINDING_DATA_SIZE];
    const bool has_report = size == SL_EVIDENCE_VOUCH_SIZE + SL_EVIDENCE_REPORT_SIZE;
    struct sl_reader r;
    sl_reader_init(&r, data, size);
    (void)sl_reader_u8(&r);
    if (sl_reader_be16(&r) != SL_OK || (size != SL_EVIDENCE_VOUCH_SIZE && !has_report)) {
        return sl_evidence_vouch_error("the image does not vouch for itself");
    }
    sl_reader_copy(&r, binding.image_key, sizeof(binding.image_key));
    sl_reader_copy(&r, binding.tenant_key, sizeof(binding.tenant_key));
    binding.policy_version = sl_reader_be64(&r);
    memcpy(binding.nonce, vouch->nonce, sizeof(binding.nonce));
    sl_rc rc = sl_monitor_binding_report_data(&binding, report_data);
    rc = rc == SL_OK
             ? producer->produce(producer->ctx, report_data,
                                 has_report ? data + SL_EVIDENCE_VOUCH_SIZE : NULL, &evidence, &err)
             : rc;
    if (rc != SL_OK) {
        return sl_evidence_vouch_error(err.text[0] != '\0' ? err.text : sl_rc_text(rc));
    }
    char *text = answer_text(&binding, &evidence);
    sl_evidence_done(&evidence);
    return text;
}

void sl_evidence_vouch_end(struct sl_evidence_vouch *vouch, char *text)
{
    const struct timeval limit = {.tv_sec = SEND_SECONDS};
    size_t size = text != NULL ? strlen(text) : 0, off = 0;
    (void)setsockopt(vouch->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    while (off < size) {
        ssize_t sent = send(vouch->fd, text + off, size - off, MSG_NOSIGNAL);
        if (sent <= 0) {
            break; /* whoever asked is gone */
        }
        off += (size_t)sent;
    }
    (void)close(vouch->fd);
    vouch->fd = -1;
    free(text);
}
