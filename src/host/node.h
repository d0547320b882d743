/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Everything around a running image: the movers of its shards, the relay of its control channel,
 * the status socket, the threads that serve them. Knows the shared area, not how it is loaded.
 */
#ifndef SL_HOST_NODE_H
#define SL_HOST_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "host/config.h"
#include "host/io.h"
#include "host/mover.h"
#include "host/relay.h"
#include "host/status.h"
#include "runtime/runtime.h" /* enum sl_rt_wait_kind only */

/** What the status page says about the device. Pointers outlive the node. */
struct sl_node_device {
    const char *name;
    const char *protection;
    const char *const *unenforced; /**< NULL-terminated; or NULL */
    const uint8_t *mrenclave;      /**< 32 bytes; or NULL */
    uint64_t (*entry_count)(void *ctx);
    void *ctx;
};

struct sl_node {
    const struct sl_host_settings *settings;
    struct sl_node_device device;
    struct sl_mover movers[SL_AREA_SHARDS_MAX];
    struct sl_io *ios[SL_AREA_SHARDS_MAX];
    uint32_t shard_count;
    uint32_t mover_count; /**< movers that were initialised */
    struct sl_relay relay;
    bool is_relay_ready;
    struct sl_evidence_server *evidence;
    const char *evidence_name; /**< of the producer */
    struct sl_net_addr listen; /**< with the port that was chosen */
    struct sl_status_socket status;
    struct sl_status_socket vouch; /**< of a trust monitor's agent */
    struct timespec started;
    atomic_bool is_stopping;
    pthread_t relay_thread, poll_thread;
    bool is_relay_running, is_poll_running;
    /* one waiter at a time for each: an image that sends two is wrong */
    atomic_bool is_shard_taken[SL_AREA_SHARDS_MAX];
    atomic_bool is_control_taken;
    /* threads that wait for nothing this knows */
    atomic_uint other_seen[SL_AREA_THREADS_MAX];
    struct sl_area_header *header;
};

/** Opens sockets and rings; nothing runs yet.
 * @param[in] ios  backends to use, one per shard, which become the node's; NULL: sockets as
 *                 configured
 * @retval SL_OK        to be ended by sl_node_done
 * @retval SL_IO, SL_NO_MEMORY, SL_RANGE, SL_EXISTS, SL_INVALID  @p err says what and where */
sl_rc sl_node_init(struct sl_node *node, const struct sl_host_settings *settings,
                   const struct sl_node_device *device, uint8_t *area,
                   const struct sl_area_layout *layout, struct sl_io *const *ios,
                   struct sl_err *err) SL_MUST_CHECK;
/** Says where evidence comes from; between init and start. Without it there is none, and the image
 * is told so.
 * @param[in] producer  taken over on SL_OK
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_node_evidence(struct sl_node *node, const struct sl_evidence_producer *producer,
                       struct sl_err *err) SL_MUST_CHECK;
/** Starts the threads. @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_node_start(struct sl_node *node, struct sl_err *err) SL_MUST_CHECK;
/** Asks everything to end, from any thread. */
void sl_node_stop(struct sl_node *node);
/** Stops, joins, closes. */
void sl_node_done(struct sl_node *node);

/** callbacks.wait of the image. */
bool sl_node_wait(struct sl_node *node, uint32_t thread, enum sl_rt_wait_kind kind, uint32_t arg,
                  uint64_t timeout_ns);
/** callbacks.wake of the image. */
void sl_node_wake(struct sl_node *node, uint32_t thread);

#endif
