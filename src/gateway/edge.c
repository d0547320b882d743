/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and ends the data path. */
#include "gateway/edge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TUN_MTU = 9000 }; /* ours is the MTU that counts: what is too big is answered by us */

static sl_rc thread_start(struct sl_edge *edge, uint32_t index, void *(*run)(void *),
                          pthread_t *ret_thread, struct sl_err *err)
{
    struct sl_edge_thread *arg = malloc(sizeof(*arg));
    if (arg == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a thread");
    }
    *arg = (struct sl_edge_thread){edge, index};
    int failed = pthread_create(ret_thread, NULL, run, arg);
    if (failed != 0) {
        free(arg);
        return sl_err_set(err, SL_IO, "cannot start a thread: %s", strerror(failed));
    }
    return SL_OK;
}

static sl_rc threads_start(struct sl_edge *edge, struct sl_err *err)
{
    sl_rc rc = SL_OK;
    for (uint32_t i = 0; i < edge->rx_count && rc == SL_OK; i++) {
        rc = thread_start(edge, i, sl_edge_rx_run, &edge->rx_threads[i], err);
        edge->rx_started += rc == SL_OK;
    }
    for (uint32_t i = 0; i < edge->queue_count && rc == SL_OK; i++) {
        rc = thread_start(edge, i, sl_edge_tx_run, &edge->tx_threads[i], err);
        edge->tx_started += rc == SL_OK;
    }
    return rc;
}

sl_rc sl_edge_start(const struct sl_gw_config *config, struct sl_tunnel *tunnel,
                    struct sl_edge *edge, struct sl_err *err)
{
    edge->tunnel = tunnel;
    edge->queue_count = config->queues;
    bool is_native = config->framing == SL_ESP_FRAMING_NATIVE;
    edge->rx_count = is_native || config->queues > config->shards ? 1 : config->queues;
    edge->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (edge->stop_fd < 0) {
        return sl_err_set(err, SL_IO, "eventfd: %s", strerror(errno));
    }
    sl_rc rc = SL_OK;
    for (int port = 0; port < SL_PORT_COUNT && rc == SL_OK; port++) {
        struct sl_tun_params params = {
            .mtu = TUN_MTU, .queue_count = config->queues, .is_offload = config->is_offload};
        memcpy(params.name, config->side[port].tun, sizeof(params.name));
        rc = sl_tun_open(&params, &edge->tun[port], err);
    }
    if (rc == SL_OK) {
        rc = threads_start(edge, err);
    }
    if (rc != SL_OK) {
        sl_edge_stop(edge);
    }
    return rc;
}

void sl_edge_stop(struct sl_edge *edge)
{
    const uint64_t one = 1;
    if (edge->stop_fd >= 0 && write(edge->stop_fd, &one, sizeof(one)) < 0) {
        atomic_store(&edge->is_broken, true);
    }
    for (uint32_t i = 0; i < edge->tx_started; i++) {
        (void)pthread_join(edge->tx_threads[i], NULL);
    }
    for (uint32_t i = 0; i < edge->rx_started; i++) {
        (void)pthread_join(edge->rx_threads[i], NULL);
    }
    edge->tx_started = 0;
    edge->rx_started = 0;
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        sl_tun_close(&edge->tun[port]);
    }
    if (edge->stop_fd >= 0) {
        (void)close(edge->stop_fd);
        edge->stop_fd = -1;
    }
}
