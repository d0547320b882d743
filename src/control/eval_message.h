/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bodies of SL_MSG_EVAL: packets to be asked about, and what became of them.
 */
#ifndef SL_CONTROL_EVAL_MESSAGE_H
#define SL_CONTROL_EVAL_MESSAGE_H

#include "base/bytes.h"

enum {
    SL_EVAL_COUNT_MAX = 4096, /**< packets of one request */
    SL_EVAL_REQUEST_EXTRA = 1 + 8 + 4 + 4,
    SL_EVAL_RESULT_EXTRA = 4 + 1 + 1 + 1 + 1 + 4 + 4,
    SL_EVAL_NO_NF = 255, /**< nf of a packet that no NF decided */
};

/** Request: u16 count, then count of these. */
struct sl_eval_ask {
    uint8_t port;     /**< enum sl_port */
    uint64_t time_ms; /**< the chain's clock, not before that of the packets before; 0: it stands */
    uint32_t tag;     /**< the caller's name for it */
    uint32_t size;
    const uint8_t *data; /**< lies in the message */
};

/** Reply: u16 count, then count of these. */
struct sl_eval_answer {
    uint32_t tag;
    uint8_t fate;     /**< enum sl_eval_fate (nf/eval.h) */
    uint8_t fragment; /**< WAITS, GONE: enum sl_fragments_fate */
    uint8_t verdict;  /**< enum sl_verdict: drop, pass, reply */
    uint8_t nf;
    uint32_t rule;
    uint32_t size;       /**< 0: dropped, or as it came */
    const uint8_t *data; /**< lies in the message */
};

void sl_eval_ask_write(struct sl_writer *w, const struct sl_eval_ask *ask);
/** @retval SL_OK  @retval SL_TRUNCATED  @retval SL_RANGE  port, or larger than SL_PACKET_MAX */
sl_rc sl_eval_ask_read(struct sl_reader *r, struct sl_eval_ask *ret_ask) SL_MUST_CHECK;
void sl_eval_answer_write(struct sl_writer *w, const struct sl_eval_answer *answer);
/** @retval SL_OK  @retval SL_TRUNCATED  @retval SL_RANGE  fate, verdict, size */
sl_rc sl_eval_answer_read(struct sl_reader *r, struct sl_eval_answer *ret_answer) SL_MUST_CHECK;

#endif
