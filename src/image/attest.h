/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * SL_MSG_ATTEST: what the image does between the gateway's nonce and its evidence, and what a
 * connection may ask before. For control_server.c; runs on the control thread and never waits.
 */
#ifndef SL_IMAGE_ATTEST_H
#define SL_IMAGE_ATTEST_H

#include "image/evidence.h"

struct sl_control_server;
struct sl_connection;
struct sl_msg;

/** What a connection knows of its attestation. Zero-initialised: nothing. */
struct sl_attest_state {
    struct sl_evidence_ask ask;
    uint16_t id; /**< of the request under way */
    uint64_t policy_version;
    uint8_t policy_hash[32];
    bool is_answered; /**< by evidence, or by the sentence that there is none */
};

/** Whether a request of @p type may be served now.
 * @retval SL_OK
 * @retval SL_STATE  ATTEST was not answered on this connection */
sl_rc sl_image_attest_gate(const struct sl_connection *connection, uint16_t type,
                           struct sl_err *err) SL_MUST_CHECK;

/** Takes an ATTEST request; the reply comes by sl_image_attest_poll.
 * @retval SL_OK
 * @retval SL_MALFORMED  the nonce is not of 32 bytes: fatal to the connection
 * @retval SL_CRYPTO */
sl_rc sl_image_attest_start(struct sl_control_server *server, struct sl_connection *connection,
                            const struct sl_msg *request, uint64_t now_ns,
                            struct sl_err *err) SL_MUST_CHECK;

/** Moves a connection's request on.
 * @param[out] ret_reply  SL_OK: the reply, the caller's to send or sl_msg_done
 * @param[out] ret_at_ns  when it wants to be called again; always set
 * @retval SL_OK     evidence came
 * @retval SL_AGAIN  nothing asked, or not there yet
 * @retval other     how it failed, @p err says why; the request is over */
sl_rc sl_image_attest_poll(struct sl_control_server *server, struct sl_connection *connection,
                           uint64_t now_ns, struct sl_msg *ret_reply, uint64_t *ret_at_ns,
                           struct sl_err *err) SL_MUST_CHECK;

/** Hands an SL_FRAME_EVIDENCE to the request that it answers.
 * @return false where there is none: late, or the host's invention */
bool sl_image_attest_frame(struct sl_control_server *server, uint32_t request, const uint8_t *data,
                           size_t size);

#endif
