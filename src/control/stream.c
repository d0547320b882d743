/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages over a TLS endpoint. */
#include "control/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum {
    BODY_FIRST = 4096,        /* first allocation of a body */
    HEADER_AFTER_SIZE = 4,    /* type and id are counted in the size field */
    PIECE_MAX = 16384,        /* one TLS record */
    OUT_HIGH_WATER = 32 << 10 /* encrypted bytes that may wait */
};

void sl_msg_done(struct sl_msg *msg)
{
    if (msg->body != NULL) {
        sl_wipe(msg->body, msg->room);
        free(msg->body);
    }
    if (msg->budget != NULL) {
        msg->budget->left += msg->room;
    }
    *msg = (struct sl_msg){0};
}

void sl_msg_reader_done(struct sl_msg_reader *reader)
{
    sl_msg_done(&reader->msg);
    reader->header_have = 0;
    reader->body_size = 0;
}

bool sl_msg_reader_is_partial(const struct sl_msg_reader *reader)
{
    return reader->header_have > 0;
}

/* Makes room for more bytes than there are now: doubles, at most to the announced size. */
static sl_rc grow(struct sl_msg_reader *reader)
{
    struct sl_msg *msg = &reader->msg;
    size_t room = msg->room == 0 ? BODY_FIRST : msg->room * 2;
    room = room < reader->body_size ? room : reader->body_size;
    size_t more = room - msg->room;
    if (reader->budget != NULL && reader->budget->left < more) {
        return SL_NO_MEMORY;
    }
    uint8_t *body = malloc(room);
    if (body == NULL) {
        return SL_NO_MEMORY;
    }
    if (msg->body != NULL) {
        memcpy(body, msg->body, msg->size);
        sl_wipe(msg->body, msg->room); /* it may hold keys */
        free(msg->body);
    }
    msg->body = body;
    msg->room = room;
    msg->budget = reader->budget;
    if (reader->budget != NULL) {
        reader->budget->left -= more;
    }
    return SL_OK;
}

static sl_rc read_header(struct sl_msg_reader *reader, struct sl_tls *tls, struct sl_err *err)
{
    while (reader->header_have < SL_MSG_HEADER_SIZE) {
        size_t got = 0;
        sl_rc rc = sl_tls_read(tls, reader->header + reader->header_have,
                               SL_MSG_HEADER_SIZE - reader->header_have, &got, err);
        if (rc != SL_OK) {
            return rc;
        }
        reader->header_have += (uint32_t)got;
    }
    uint32_t size = sl_be32_get(reader->header);
    if (size < HEADER_AFTER_SIZE) {
        return sl_err_set(err, SL_MALFORMED, "message of %u bytes is shorter than its header",
                          size);
    }
    if (size - HEADER_AFTER_SIZE > reader->size_max) {
        return sl_err_set(err, SL_RANGE, "message of %u bytes; at most %zu are taken", size,
                          reader->size_max);
    }
    reader->body_size = size - HEADER_AFTER_SIZE;
    reader->msg.type = sl_be16_get(reader->header + 4);
    reader->msg.id = sl_be16_get(reader->header + 6);
    return SL_OK;
}

sl_rc sl_msg_reader_pull(struct sl_msg_reader *reader, struct sl_tls *tls, struct sl_msg *ret_msg,
                         struct sl_err *err)
{
    struct sl_msg *msg = &reader->msg;
    sl_rc rc = read_header(reader, tls, err);
    while (rc == SL_OK && msg->size < reader->body_size) {
        if (msg->size == msg->room && grow(reader) != SL_OK) {
            return sl_err_set(err, SL_NO_MEMORY, "no memory for a message of %zu bytes",
                              reader->body_size);
        }
        size_t got = 0;
        rc = sl_tls_read(tls, msg->body + msg->size, msg->room - msg->size, &got, err);
        msg->size += got;
    }
    if (rc != SL_OK) {
        return rc;
    }
    *ret_msg = *msg;
    *msg = (struct sl_msg){0};
    reader->header_have = 0;
    reader->body_size = 0;
    return SL_OK;
}

void sl_msg_writer_done(struct sl_msg_writer *writer)
{
    sl_msg_done(&writer->msg);
    writer->off = 0;
    writer->is_busy = false;
}

sl_rc sl_msg_writer_start(struct sl_msg_writer *writer, struct sl_tls *tls, struct sl_msg *msg,
                          struct sl_err *err)
{
    uint8_t header[SL_MSG_HEADER_SIZE];
    if (writer->is_busy) {
        return sl_err_set(err, SL_STATE, "another message is on its way");
    }
    if (msg->size > SL_MSG_SIZE_MAX) {
        return sl_err_set(err, SL_RANGE, "message of %zu bytes; at most %d can be sent", msg->size,
                          SL_MSG_SIZE_MAX);
    }
    sl_be32_put(header, (uint32_t)msg->size + HEADER_AFTER_SIZE);
    sl_be16_put(header + 4, msg->type);
    sl_be16_put(header + 6, msg->id);
    sl_rc rc = sl_tls_write(tls, header, sizeof(header), err);
    if (rc != SL_OK) {
        return rc;
    }
    writer->msg = *msg;
    writer->off = 0;
    writer->is_busy = true;
    *msg = (struct sl_msg){0};
    return SL_OK;
}

sl_rc sl_msg_writer_push(struct sl_msg_writer *writer, struct sl_tls *tls, struct sl_err *err)
{
    const uint8_t *out;
    while (writer->is_busy && writer->off < writer->msg.size) {
        if (sl_tls_out(tls, &out) >= OUT_HIGH_WATER) {
            return SL_AGAIN;
        }
        size_t piece = writer->msg.size - writer->off;
        piece = piece < PIECE_MAX ? piece : PIECE_MAX;
        sl_rc rc = sl_tls_write(tls, writer->msg.body + writer->off, piece, err);
        if (rc != SL_OK) {
            return rc;
        }
        writer->off += piece;
    }
    sl_msg_writer_done(writer);
    return SL_OK;
}
