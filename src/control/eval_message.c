/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of SL_MSG_EVAL. */
#include "control/eval_message.h"

#include "safelib/packet.h"

enum {
    HAS_TIME = 0x80, /* of a packet's port: its time follows */
    GROWN_MAX = SL_PACKET_MAX + 1024,
    FATE_LAST = 3,
};

void sl_eval_ask_write(struct sl_writer *w, const struct sl_eval_ask *ask)
{
    sl_writer_u8(w, (uint8_t)(ask->port | (ask->time_ms != 0 ? HAS_TIME : 0)));
    if (ask->time_ms != 0) {
        sl_writer_be64(w, ask->time_ms);
    }
    sl_writer_be32(w, ask->tag);
    sl_writer_be32(w, ask->size);
    sl_writer_bytes(w, ask->data, ask->size);
}

sl_rc sl_eval_ask_read(struct sl_reader *r, struct sl_eval_ask *ret_ask)
{
    struct sl_eval_ask ask = {0};
    uint8_t port = sl_reader_u8(r);
    ask.time_ms = (port & HAS_TIME) != 0 ? sl_reader_be64(r) : 0;
    ask.port = port & (uint8_t)~HAS_TIME;
    ask.tag = sl_reader_be32(r);
    ask.size = sl_reader_be32(r);
    if (r->rc == SL_OK && (ask.port >= SL_PORT_COUNT || ask.size > SL_PACKET_MAX)) {
        sl_reader_fail(r, SL_RANGE);
    }
    ask.data = sl_reader_bytes(r, ask.size);
    if (r->rc == SL_OK) {
        *ret_ask = ask;
    }
    return r->rc;
}

void sl_eval_answer_write(struct sl_writer *w, const struct sl_eval_answer *answer)
{
    sl_writer_be32(w, answer->tag);
    sl_writer_u8(w, answer->fate);
    sl_writer_u8(w, answer->fragment);
    sl_writer_u8(w, answer->verdict);
    sl_writer_u8(w, answer->nf);
    sl_writer_be32(w, answer->rule);
    sl_writer_be32(w, answer->size);
    sl_writer_bytes(w, answer->data, answer->size);
}

sl_rc sl_eval_answer_read(struct sl_reader *r, struct sl_eval_answer *ret_answer)
{
    struct sl_eval_answer answer = {0};
    answer.tag = sl_reader_be32(r);
    answer.fate = sl_reader_u8(r);
    answer.fragment = sl_reader_u8(r);
    answer.verdict = sl_reader_u8(r);
    answer.nf = sl_reader_u8(r);
    answer.rule = sl_reader_be32(r);
    answer.size = sl_reader_be32(r);
    if (r->rc == SL_OK &&
        (answer.fate > FATE_LAST || answer.verdict > SL_VERDICT_REPLY || answer.size > GROWN_MAX)) {
        sl_reader_fail(r, SL_RANGE);
    }
    answer.data = sl_reader_bytes(r, answer.size);
    if (r->rc == SL_OK) {
        *ret_answer = answer;
    }
    return r->rc;
}
