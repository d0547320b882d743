/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The data path: threads that take packets from the TUNs into the tunnel (edge_tx.c) and back
 * (edge_rx.c).
 *
 *   TUN read -> cut super-packet -> slot by steering.h -> seal in place -> run -> UDP_SEGMENT
 *   UDP_GRO -> check source -> open in place -> ECN -> join -> TUN of the slot's port
 */
#ifndef SL_GATEWAY_EDGE_H
#define SL_GATEWAY_EDGE_H

#include "gateway/tunnel.h"
#include "net/coalesce.h"
#include "net/tun.h"

struct sl_edge {
    struct sl_tunnel *tunnel;
    struct sl_tun tun[SL_PORT_COUNT];
    uint32_t queue_count;
    uint32_t rx_count;
    int stop_fd; /**< eventfd: readable when all should end */
    /** An answer to a path probe; on the receiving thread. */
    void (*on_probe)(void *ctx, struct sl_gw_slot *slot, const struct sl_probe *probe);
    void *on_probe_ctx;
    pthread_t tx_threads[SL_GW_SHARDS_MAX];
    pthread_t rx_threads[SL_GW_SHARDS_MAX];
    uint32_t tx_started, rx_started;
    atomic_bool is_broken; /**< a TUN is gone: the gateway must end */
    struct sl_coalesce_counters joined[SL_GW_SHARDS_MAX][SL_PORT_COUNT];
};

/** Creates the TUNs and starts the threads.
 * @retval SL_OK, or of sl_tun_open; SL_NO_MEMORY, SL_IO */
sl_rc sl_edge_start(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                    struct sl_edge *edge, struct sl_err *err) SL_MUST_CHECK;
/** Ends the threads and removes the TUNs. */
void sl_edge_stop(struct sl_edge *edge);

/* internal: thread bodies; argument is struct sl_edge_thread */
struct sl_edge_thread {
    struct sl_edge *edge;
    uint32_t index;
};
void *sl_edge_tx_run(void *thread);
void *sl_edge_rx_run(void *thread);

#endif
