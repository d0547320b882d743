/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Puts received runs into the rx rings of one shard, by the low byte of the SPI. Runs land in the
 * ring where the last one belonged, so that the usual case copies nothing; a train in which SPIs
 * are mixed (the kernel coalesces by addresses alone) is split.
 */
#ifndef SL_HOST_DEMUX_H
#define SL_HOST_DEMUX_H

#include <stdint.h>

#include "boundary/ring.h"
#include "host/counters.h"
#include "host/io.h"

struct sl_demux {
    struct sl_host_ring *rings; /**< SL_AREA_PORTS of them, by port */
    uint32_t shard;
    uint32_t guess;                 /**< port of the ring to receive into */
    uint32_t recent[SL_AREA_PORTS]; /**< bytes per port, fading: where the next are expected */
    struct sl_host_counters *counters;
};

/** Cuts one reservation of the guessed ring into buffers.
 * @param[in] room  bytes per buffer
 * @return buffers made, at most @p max; 0 where the ring is full */
uint32_t sl_demux_buffers(struct sl_demux *demux, struct sl_io_rx *bufs, uint32_t max,
                          uint32_t room);
/** Commits what was received into buffers of sl_demux_buffers, of which the first @p count were
 * filled.
 * @return runs committed to either ring */
uint32_t sl_demux_commit(struct sl_demux *demux, const struct sl_io_rx *bufs, uint32_t count);

#endif
