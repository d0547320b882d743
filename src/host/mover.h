/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Moves the packets of one shard between its backend and its rings, and lets the shard's worker
 * wait. Two schedulings, one mover:
 *
 *   batch    the worker's own host thread moves packets whenever the worker waits:
 *            send what it made, receive a burst, enter again
 *   polling  the worker stays inside; a thread of the host moves packets on another core, and
 *            rings the worker's doorbell where it sleeps
 *
 * Nobody sleeps without announcing it first and looking once more after (store, fence, load), so
 * that no wake-up is lost; nobody spins for longer than SL_MOVER_SPIN_NS without work.
 */
#ifndef SL_HOST_MOVER_H
#define SL_HOST_MOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "boundary/ring.h"
#include "host/counters.h"
#include "host/demux.h"
#include "host/io.h"

enum {
    SL_MOVER_SPIN_NS = 50000,
    /** Longest sleep, whatever was asked for: bounds the harm of a wake-up that never comes. */
    SL_MOVER_SLEEP_MAX_MS = 250,
};

struct sl_mover {
    struct sl_io *io; /**< owned by the caller */
    struct sl_area_header *header;
    struct sl_host_ring in[SL_AREA_PORTS];
    struct sl_host_ring out[SL_AREA_PORTS];
    struct sl_demux demux;
    struct sl_host_counters counters;
    int event_fd;                   /**< wakes who sleeps in poll */
    atomic_bool is_mover_asleep;    /**< the thread that moves packets is, or goes, to sleep */
    atomic_bool is_worker_asleep;   /**< polling: the worker waits on its doorbell */
    atomic_uint worker;             /**< its thread number, for the doorbell */
    uint32_t seen;                  /**< the doorbell's value when its wait last returned */
    const atomic_bool *is_stopping; /**< set once by the program */
};

/** @param[in] is_stopping  outlives the mover; after setting it call sl_mover_wake
 * @retval SL_OK, SL_NO_MEMORY, SL_IO (no event descriptor) */
sl_rc sl_mover_init(struct sl_mover *mover, uint8_t *area, const struct sl_area_layout *layout,
                    const struct sl_area_geometry *geometry, uint32_t shard, struct sl_io *io,
                    const atomic_bool *is_stopping) SL_MUST_CHECK;
void sl_mover_done(struct sl_mover *mover);

/** Sends every pending run. @return runs taken from the image */
uint32_t sl_mover_flush(struct sl_mover *mover);
/** Receives one burst. @return runs given to the image
 * @param[out] ret_full  the ring had no room: the image must run first */
uint32_t sl_mover_receive(struct sl_mover *mover, bool *ret_full);

/** What callbacks.wait does for a worker.
 * @param[in] timeout_ns  0: until there are packets
 * @return false where the program stops */
bool sl_mover_wait_batch(struct sl_mover *mover, uint32_t thread, uint64_t timeout_ns);
bool sl_mover_wait_polling(struct sl_mover *mover, uint32_t thread, uint64_t timeout_ns);
/** Moves the packets of @p count shards until the program stops: the polling thread. */
void sl_mover_poll(struct sl_mover *movers, uint32_t count);

/** Wakes whoever sleeps here, from any thread. */
void sl_mover_wake(struct sl_mover *mover);

/** Waits on a thread's doorbell: returns when it moved on from @p seen, or the time is over. */
void sl_doorbell_wait(struct sl_area_header *header, uint32_t thread, uint32_t seen,
                      uint64_t timeout_ns);
uint32_t sl_doorbell_get(const struct sl_area_header *header, uint32_t thread);
void sl_doorbell_ring(struct sl_area_header *header, uint32_t thread);

#endif
