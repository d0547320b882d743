/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the gateway looks after by the clock, on a thread of its own: path MTU, signs of life on
 * every slot, the watch over offload, ends of SA overlaps; and pings through the enclave.
 */
#ifndef SL_GATEWAY_WATCH_H
#define SL_GATEWAY_WATCH_H

#include "gateway/tunnel.h"
#include "net/offload.h"
#include "net/pmtu.h"

enum { SL_WATCH_PINGS_MAX = 16, SL_WATCH_ANSWERS_MAX = 64 };

struct sl_watch_ping {
    uint64_t id; /**< 0: free */
    uint64_t sent_ns;
    uint64_t rtt_ns; /**< 0: not answered yet */
};

/** An answer to a path probe, until the clockwork looks at it. */
struct sl_watch_answer {
    uint64_t id;
    uint64_t at_ns;
    uint32_t size;
};

struct sl_watch {
    struct sl_tunnel *tunnel;
    uint32_t mtu_fixed; /**< 0: searched */
    bool is_offload_allowed;
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;
    /** Guards pings and answers; taken last: its holder takes no other lock. */
    pthread_mutex_t answer_lock;
    pthread_cond_t answered;
    struct sl_watch_ping pings[SL_WATCH_PINGS_MAX];
    struct sl_watch_answer answers[SL_WATCH_ANSWERS_MAX];
    uint32_t answer_count;
    _Atomic uint64_t next_id;
    pthread_mutex_t lock; /**< guards everything below; taken before a slot's locks */
    bool is_path_started;
    struct sl_pmtu pmtu;
    struct sl_offload offload_rx;   /**< image to gateway: seen by our own SAs */
    struct sl_offload offload_tx;   /**< gateway to image: told by the image's counters */
    struct sl_offload_sample image; /**< totals of the image's inbound SAs */
    uint64_t too_big_seen;
    uint64_t keepalive_ns;
};

/** @retval SL_OK, SL_IO, SL_CRYPTO (no randomness) */
sl_rc sl_watch_start(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                     struct sl_watch *watch, struct sl_err *err) SL_MUST_CHECK;
void sl_watch_stop(struct sl_watch *watch);
/** SAs are new: greets the image on every slot, so that it learns where we are, and searches the
 * path anew. */
void sl_watch_rekeyed(struct sl_watch *watch, bool is_new_path);
/** For sl_edge's on_probe; ctx is the watch. */
void sl_watch_answer(void *watch, struct sl_gw_slot *slot, const struct sl_probe *probe);
/** Totals of the image's inbound SAs, from its status. */
void sl_watch_image_totals(struct sl_watch *watch, const struct sl_offload_sample *totals);
/** Sends an authenticated probe through the enclave and waits for its answer.
 * @retval SL_OK  @p ret_rtt_ns  @retval SL_TIMEOUT  @retval SL_STATE (no SA)
 * @retval SL_RANGE (size)  @retval SL_AGAIN (too many at once) */
sl_rc sl_watch_ping(struct sl_watch *watch, uint32_t shard, enum sl_port port, uint32_t size,
                    uint32_t timeout_ms, uint64_t *ret_rtt_ns) SL_MUST_CHECK;

#endif
