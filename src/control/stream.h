/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Whole messages over a TLS endpoint, both ways, without blocking and with bounded memory.
 */
#ifndef SL_CONTROL_STREAM_H
#define SL_CONTROL_STREAM_H

#include "base/err.h"
#include "control/message.h"
#include "control/tls.h"

/** Memory that several readers and writers share. */
struct sl_msg_budget {
    size_t left; /**< bytes */
};

/** One message. Owned by whoever it was given to; sl_msg_done wipes and frees. Zero-initialise. */
struct sl_msg {
    uint16_t type; /**< enum sl_msg_type, unchecked */
    uint16_t id;
    uint8_t *body;
    size_t size;
    size_t room;                  /**< bytes allocated, for the budget */
    struct sl_msg_budget *budget; /**< NULL: not accounted */
};
void sl_msg_done(struct sl_msg *msg);

/** Puts a message together as bytes arrive: memory grows with what came, not with what was
 * announced. Zero-initialise but for `budget` (may be NULL) and `size_max` (body bytes). */
struct sl_msg_reader {
    struct sl_msg_budget *budget;
    size_t size_max;
    uint8_t header[SL_MSG_HEADER_SIZE];
    uint32_t header_have;
    struct sl_msg msg; /**< being filled; `size` bytes are there */
    size_t body_size;  /**< announced */
};
void sl_msg_reader_done(struct sl_msg_reader *reader);
/** True where a message has begun and is not whole: the peer is holding us up. */
bool sl_msg_reader_is_partial(const struct sl_msg_reader *reader);

/** Reads on.
 * @retval SL_OK         a whole message in @p ret_msg, which the caller now owns
 * @retval SL_AGAIN      not whole yet
 * @retval SL_MALFORMED  the size cannot be that of a message, or TLS broke
 * @retval SL_RANGE      larger than `size_max`
 * @retval SL_NO_MEMORY  allocation failed, or the budget is used up
 * @retval SL_CLOSED, SL_DENIED, SL_STATE  as sl_tls_read */
sl_rc sl_msg_reader_pull(struct sl_msg_reader *reader, struct sl_tls *tls, struct sl_msg *ret_msg,
                         struct sl_err *err) SL_MUST_CHECK;

/** Sends one message at a time, in pieces that keep TLS's buffer small. Zero-initialise. */
struct sl_msg_writer {
    struct sl_msg msg;
    size_t off; /**< body bytes handed to TLS */
    bool is_busy;
};
void sl_msg_writer_done(struct sl_msg_writer *writer);
/** Starts a message; takes over @p msg (its body may be NULL where size is 0).
 * @retval SL_OK, SL_STATE (another is under way), SL_RANGE (too large), SL_CRYPTO: @p msg then
 * stays the caller's */
sl_rc sl_msg_writer_start(struct sl_msg_writer *writer, struct sl_tls *tls, struct sl_msg *msg,
                          struct sl_err *err) SL_MUST_CHECK;
/** Hands more of the body to TLS, until its outgoing buffer holds 32 KiB or the message is through.
 * @retval SL_OK     nothing left of the message
 * @retval SL_AGAIN  more to come: take from sl_tls_out, call again
 * @retval SL_CRYPTO */
sl_rc sl_msg_writer_push(struct sl_msg_writer *writer, struct sl_tls *tls,
                         struct sl_err *err) SL_MUST_CHECK;

#endif
