/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an image does with packets, for those who only ask: fragments wait until their datagram is
 * whole, the chain decides, nothing is forwarded. One shard. The image answers EVAL with it,
 * `safelib explain` and the comparisons of the tests run captures through it.
 */
#ifndef SL_NF_EVAL_H
#define SL_NF_EVAL_H

#include "flow/fragments.h"
#include "nf/chain.h"

enum { SL_EVAL_GROWTH = 128 /**< bytes by which NFs may make a packet larger, as in the image */ };

enum sl_eval_fate {
    SL_EVAL_DECIDED = 0, /**< the chain did: see the packet's verdict */
    SL_EVAL_MALFORMED,   /**< dropped before any NF */
    SL_EVAL_WAITS,       /**< a fragment: another result follows once its fate is known */
    SL_EVAL_GONE,        /**< a fragment that no NF will see: dropped, or JOINED */
};

/** One packet to be asked about. */
struct sl_eval_packet {
    const uint8_t *data;
    uint32_t size; /**< at most SL_PACKET_MAX */
    uint8_t port;  /**< enum sl_port: by which it comes in */
    uint32_t tag;  /**< the caller's name for it */
};

/** What became of one. */
struct sl_eval_result {
    uint32_t tag;
    uint8_t fate;                      /**< enum sl_eval_fate */
    uint8_t fragment;                  /**< WAITS, GONE: enum sl_fragments_fate */
    const struct sl_eval_packet *from; /**< as it was given; NULL: in an earlier call */
    struct sl_packet *packet; /**< DECIDED; and, of a fragment of this call that WAITS or is GONE,
                                   as parsed; else NULL; valid until told is over */
    const struct sl_chain_trace *trace; /**< DECIDED, where asked for; else NULL */
};
typedef void sl_eval_told(void *ctx, const struct sl_eval_result *result);

struct sl_eval;

/** @param chain      becomes the evaluation's on SL_OK
 * @param is_traced  results come with the steps of every NF
 * @retval SL_OK  @retval SL_NO_MEMORY  @retval SL_CRYPTO  no randomness
 * @owner caller frees  @context control thread */
sl_rc sl_eval_create(struct sl_chain *chain, bool is_traced,
                     struct sl_eval **ret_eval) SL_MUST_CHECK;
void sl_eval_free(struct sl_eval *eval);
struct sl_chain *sl_eval_chain(struct sl_eval *eval);
/** Where fragments wait; NULL: they pass as they come, as no NF of the chain keeps flows. */
const struct sl_fragments *sl_eval_fragments(const struct sl_eval *eval);

/** To whom results are told, from within the calls below; NULL: to nobody. */
void sl_eval_listen(struct sl_eval *eval, sl_eval_told *told, void *ctx);
/** The clock; idle time is caught up with in as many ticks as flows need to end. Never back. Tells
 * of fragments whose time is over. */
void sl_eval_set_now(struct sl_eval *eval, uint64_t now_ms);
/** Runs packets, any number of them, in their order. Each has one result, but those that WAIT: of
 * them others follow, in this or a later call. */
void sl_eval_run(struct sl_eval *eval, const struct sl_eval_packet *packets, uint32_t count);
/** Drops the fragments that wait. */
void sl_eval_forget(struct sl_eval *eval);

#endif
