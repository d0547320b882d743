/* SPDX-License-Identifier: Apache-2.0 */
/* From the gateway's nonce to the evidence over it. */
#include "image/attest.h"

#include <stdlib.h>
#include <string.h>

#include "control/frame.h"
#include "control/monitor_binding.h"
#include "image/control_server.h"
#include "runtime/runtime.h"

sl_rc sl_image_attest_gate(const struct sl_connection *connection, uint16_t type,
                           struct sl_err *err)
{
    switch (type) {
    case SL_MSG_HELLO:
    case SL_MSG_STATUS:
    case SL_MSG_PING:
    case SL_MSG_ATTEST:
    case SL_MSG_SA_CLEAR: /* takes away, gives nothing */
        return SL_OK;
    default:
        return connection->attest.is_answered
                   ? SL_OK
                   : sl_err_set(err, SL_STATE,
                                "request %u before attestation: ask ATTEST on this connection and "
                                "judge the evidence first",
                                type);
    }
}

uint32_t sl_control_evidence_number(struct sl_control_server *server)
{
    server->evidence_number++;
    if (server->evidence_number == 0) {
        server->evidence_number = 1;
    }
    return server->evidence_number;
}

sl_rc sl_image_attest_start(struct sl_control_server *server, struct sl_connection *connection,
                            const struct sl_msg *request, uint64_t now_ns, struct sl_err *err)
{
    struct sl_attest_state *attest = &connection->attest;
    const struct sl_provision *provision = server->params.provision;
    struct sl_binding binding = {0};
    uint8_t report_data[SL_BINDING_DATA_SIZE];
    if (request->size != SL_BINDING_NONCE_SIZE) {
        return sl_err_set(err, SL_MALFORMED, "attest: nonce of %zu bytes; expected %d",
                          request->size, SL_BINDING_NONCE_SIZE);
    }
    memcpy(binding.nonce, request->body, sizeof(binding.nonce));
    memcpy(binding.image_key, server->params.identity->spki_hash, sizeof(binding.image_key));
    memcpy(binding.tenant_key, server->params.tenant_hash, sizeof(binding.tenant_key));
    if (provision->has_chain) {
        binding.policy_version = provision->version;
        memcpy(binding.policy_hash, provision->hash, sizeof(binding.policy_hash));
    }
    sl_rc rc = sl_tls_export(connection->tls, SL_TLS_EXPORTER_LABEL, binding.exporter,
                             sizeof(binding.exporter));
    rc = rc == SL_OK ? sl_binding_report_data(&binding, report_data) : rc;
    if (rc != SL_OK) {
        return sl_err_set(err, SL_CRYPTO, "attest: cannot compute the report data");
    }
    attest->is_answered = false;
    attest->id = request->id;
    attest->policy_version = binding.policy_version;
    memcpy(attest->policy_hash, binding.policy_hash, sizeof(attest->policy_hash));
    sl_evidence_ask_start(&attest->ask, sl_control_evidence_number(server), report_data, now_ns);
    return SL_OK;
}

static sl_rc make_reply(const struct sl_attest_state *attest, struct sl_msg *ret_reply,
                        struct sl_err *err)
{
    struct sl_writer w;
    size_t size = 8 + sizeof(attest->policy_hash) + attest->ask.have;
    uint8_t *body = malloc(size);
    if (body == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a reply of %zu bytes", size);
    }
    sl_writer_init(&w, body, size);
    sl_writer_be64(&w, attest->policy_version);
    sl_writer_bytes(&w, attest->policy_hash, sizeof(attest->policy_hash));
    sl_writer_bytes(&w, attest->ask.bytes, attest->ask.have);
    *ret_reply = (struct sl_msg){
        .type = SL_MSG_ATTEST, .id = attest->id, .body = body, .size = size, .room = size};
    return SL_OK;
}

sl_rc sl_image_attest_poll(struct sl_control_server *server, struct sl_connection *connection,
                           uint64_t now_ns, struct sl_msg *ret_reply, uint64_t *ret_at_ns,
                           struct sl_err *err)
{
    struct sl_attest_state *attest = &connection->attest;
    *ret_at_ns = sl_evidence_ask_move(&attest->ask, &server->params.out, now_ns);
    if (attest->ask.state != SL_ASK_DONE) {
        return SL_AGAIN;
    }
    sl_rc rc = attest->ask.err.rc;
    if (rc == SL_OK) {
        rc = make_reply(attest, ret_reply, err);
    } else {
        (void)sl_err_set(err, rc, "%s", attest->ask.err.text);
    }
    attest->is_answered = rc == SL_OK || rc == SL_UNSUPPORTED;
    sl_evidence_ask_reset(&attest->ask);
    return rc;
}

/* For a trust monitor, which reaches us through the host only. No secret goes out, nothing is kept,
 * and what comes back can stand for no channel. */
static bool vouch(struct sl_control_server *server, uint32_t request, const uint8_t *data,
                  size_t size)
{
    const size_t short_size = SL_EVIDENCE_PIECE_HEADER + SL_BINDING_NONCE_SIZE;
    const bool has_target = size == short_size + SL_EVIDENCE_TARGET_SIZE;
    uint8_t out[SL_EVIDENCE_VOUCH_SIZE + SL_EVIDENCE_REPORT_SIZE];
    uint8_t target[SL_EVIDENCE_TARGET_SIZE], report[SL_EVIDENCE_REPORT_SIZE];
    uint8_t report_data[SL_BINDING_DATA_SIZE];
    struct sl_monitor_binding binding = {.policy_version = server->params.provision->has_chain
                                                               ? server->params.provision->version
                                                               : 0};
    struct sl_writer w;
    if (size != short_size && !has_target) {
        return false;
    }
    memcpy(binding.nonce, data + SL_EVIDENCE_PIECE_HEADER, sizeof(binding.nonce));
    memcpy(binding.image_key, server->params.identity->spki_hash, sizeof(binding.image_key));
    memcpy(binding.tenant_key, server->params.tenant_hash, sizeof(binding.tenant_key));
    sl_rc rc = sl_monitor_binding_report_data(&binding, report_data);
    if (rc == SL_OK && has_target) {
        memcpy(target, data + short_size, sizeof(target));
        rc = sl_rt_report(target, report_data, report);
    }
    sl_writer_init(&w, out, sizeof(out));
    sl_writer_u8(&w, SL_EVIDENCE_VOUCH);
    sl_writer_be16(&w, (uint16_t)rc);
    if (rc == SL_OK) {
        sl_writer_bytes(&w, binding.image_key, sizeof(binding.image_key));
        sl_writer_bytes(&w, binding.tenant_key, sizeof(binding.tenant_key));
        sl_writer_be64(&w, binding.policy_version);
        sl_writer_bytes(&w, report, has_target ? sizeof(report) : 0);
    }
    return sl_frame_write_evidence(&server->params.out, request, out, (uint16_t)w.off) == SL_OK;
}

bool sl_image_attest_frame(struct sl_control_server *server, uint32_t request, const uint8_t *data,
                           size_t size)
{
    if (size > 0 && data[0] == SL_EVIDENCE_VOUCH) {
        return vouch(server, request, data, size);
    }
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        struct sl_evidence_ask *ask = &server->connections[i].attest.ask;
        if (sl_evidence_ask_is_active(ask) && ask->number == request) {
            return sl_evidence_ask_take(ask, data, size);
        }
    }
    if (server->dice.ask.number == request) {
        return sl_evidence_ask_take(&server->dice.ask, data, size);
    }
    return false;
}
