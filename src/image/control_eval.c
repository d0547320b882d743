/* SPDX-License-Identifier: Apache-2.0 */
/* What became of packets that were asked about. */
#include "image/control_eval.h"

#include <stdlib.h>
#include <string.h>

#include "control/eval_message.h"
#include "nf/eval.h"

_Static_assert((int)SL_EVAL_GROWTH == (int)SL_WORKER_GROWTH, "as in the image");

struct evaluation {
    struct sl_eval *eval;
    struct sl_writer w;
    uint32_t answers;
    uint64_t now_ms; /* of the last packet; 0: they have none */
};

/* One that waited in an earlier request comes back with its bytes: nobody has kept them. */
static bool is_as_it_came(const struct sl_eval_result *result)
{
    const struct sl_packet *packet = result->packet;
    return result->from != NULL && packet->size == result->from->size &&
           memcmp(packet->data, result->from->data, packet->size) == 0;
}

static void on_result(void *ctx, const struct sl_eval_result *result)
{
    struct evaluation *in = ctx;
    const struct sl_packet *packet = result->packet;
    struct sl_eval_answer answer = {.tag = result->tag,
                                    .fate = result->fate,
                                    .fragment = result->fragment,
                                    .verdict = SL_VERDICT_DROP,
                                    .nf = SL_EVAL_NO_NF,
                                    .rule = SL_RULE_DEFAULT};
    if (result->fate == SL_EVAL_DECIDED) {
        answer.verdict = packet->verdict <= SL_VERDICT_REPLY ? packet->verdict : SL_VERDICT_DROP;
        answer.nf = packet->nf_index;
        answer.rule = packet->rule;
        if (answer.verdict != SL_VERDICT_DROP && packet->size <= packet->room &&
            !is_as_it_came(result)) {
            answer.size = packet->size;
            answer.data = packet->data;
        }
    }
    in->answers++;
    sl_eval_answer_write(&in->w, &answer);
}

static sl_rc run(struct evaluation *in, struct sl_reader *r, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sl_eval_ask ask;
        sl_rc rc = sl_eval_ask_read(r, &ask);
        if (rc != SL_OK) {
            return rc;
        }
        if (ask.time_ms != 0 && ask.time_ms != in->now_ms) {
            sl_eval_set_now(in->eval, ask.time_ms);
        }
        in->now_ms = ask.time_ms;
        const struct sl_eval_packet packet = {
            .data = ask.data, .size = ask.size, .port = ask.port, .tag = ask.tag};
        sl_eval_run(in->eval, &packet, 1);
    }
    if (in->now_ms == 0) { /* without a clock nothing would end what waits */
        sl_eval_listen(in->eval, NULL, NULL);
        sl_eval_forget(in->eval);
    }
    return sl_reader_end(r);
}

/* Room for an answer to each packet, twice for what waits first, and for those that wait now. */
static size_t room_of(const struct sl_eval *eval, uint32_t count, size_t asked)
{
    const struct sl_fragments *fragments = sl_eval_fragments(eval);
    struct sl_fragments_counters held = {0};
    if (fragments != NULL) {
        sl_fragments_counters(fragments, &held);
    }
    return 2 + (2 * (size_t)count + held.held) * (SL_EVAL_RESULT_EXTRA + SL_EVAL_GROWTH) + asked +
           (held.held > 0 ? sl_fragments_bytes(fragments) : 0);
}

sl_rc sl_control_eval(struct sl_provision *provision, const struct sl_msg *request,
                      struct sl_msg *reply, bool *ret_is_fatal, struct sl_err *err)
{
    struct sl_reader r;
    struct evaluation in = {0};
    sl_reader_init(&r, request->body, request->size);
    uint16_t count = sl_reader_be16(&r);
    if (r.rc != SL_OK || count > SL_EVAL_COUNT_MAX) {
        *ret_is_fatal = true;
        return sl_err_set(err, r.rc != SL_OK ? r.rc : SL_RANGE,
                          "eval of %u packets; at most %d at once", count, SL_EVAL_COUNT_MAX);
    }
    sl_rc rc = sl_provision_eval(provision, &in.eval, err);
    if (rc != SL_OK) {
        return rc;
    }
    size_t room = room_of(in.eval, count, request->size);
    reply->body = malloc(room);
    if (reply->body == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory to evaluate %u packets", count);
    }
    reply->room = room;
    sl_writer_init(&in.w, reply->body, room);
    sl_writer_be16(&in.w, 0);
    sl_eval_listen(in.eval, on_result, &in);
    rc = run(&in, &r, count);
    sl_eval_listen(in.eval, NULL, NULL);
    rc = rc != SL_OK ? rc : in.w.rc;
    reply->size = in.w.off;
    sl_be16_put(reply->body, (uint16_t)in.answers);
    if (rc != SL_OK) {
        *ret_is_fatal = rc == SL_TRUNCATED || rc == SL_MALFORMED;
        return sl_err_set(err, rc, "eval: %s", sl_rc_text(rc));
    }
    return SL_OK;
}
