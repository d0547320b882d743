/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Packet rings over the shared area: single producer, single consumer, power of two. The image's
 * ends keep private indices and trust nothing; the host's ends are plain.
 */
#ifndef SL_BOUNDARY_RING_H
#define SL_BOUNDARY_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "boundary/area.h"
#include "safelib/rc.h"

#define SL_BOUNDARY_COUNTER_TABLE(X)                                                               \
    X(violation_index, "peer index moved by more than the ring holds")                             \
    X(violation_desc, "descriptor outside the data region, or with impossible sizes")              \
    X(violation_control, "control ring index out of bounds")                                       \
    X(rx_runs, "runs taken from the host")                                                         \
    X(rx_datagrams, "datagrams taken from the host")                                               \
    X(tx_runs, "runs given to the host")                                                           \
    X(tx_datagrams, "datagrams given to the host")                                                 \
    X(tx_full, "datagrams dropped: the host does not drain the tx ring")                           \
    X(tx_oversize, "datagrams dropped: larger than a run may be")

struct sl_boundary_counters {
#define SL_BOUNDARY_COUNTER(name, text) uint64_t name;
    SL_BOUNDARY_COUNTER_TABLE(SL_BOUNDARY_COUNTER)
#undef SL_BOUNDARY_COUNTER
};

/* ---- image side (trusted; everything read from shared memory is hostile) ---- */

/** A run as checked and copied in: every byte of [data, data + size) lies in the data region. The
 * bytes themselves stay shared and may change at any time: read each once. */
struct sl_run {
    const uint8_t *data;
    uint32_t size;
    uint32_t segment_size;
    uint16_t peer;
    uint32_t flags;
};

/** Consumer of host -> image runs. Private memory. */
struct sl_rx {
    struct sl_area_index *index;
    const struct sl_area_desc *slots;
    const uint8_t *data;
    uint32_t mask;
    uint32_t data_size;
    uint32_t consumer; /**< private: next descriptor to take; the shared word is only written */
    uint32_t released; /**< private: what the shared word was last set to */
    struct sl_boundary_counters *counters;
};

void sl_rx_init(struct sl_rx *rx, uint8_t *area, const struct sl_area_ring_off *off,
                const struct sl_area_geometry *geometry, struct sl_boundary_counters *counters);
/** Takes up to @p max checked runs; bad descriptors are counted and skipped. Taken runs stay valid
 * memory (not constant!) until sl_rx_release.
 * @return number of runs in @p ret_runs */
uint32_t sl_rx_take(struct sl_rx *rx, struct sl_run *ret_runs, uint32_t max);
/** Gives every taken run back to the host. */
void sl_rx_release(struct sl_rx *rx);

/** Producer of image -> host runs; packs equal-size datagrams into runs. Private memory. */
struct sl_tx {
    struct sl_area_index *index;
    struct sl_area_desc *slots;
    uint8_t *data;
    uint32_t mask;
    uint32_t data_size;
    uint32_t producer;  /**< private: next slot; ahead of `published` until sl_tx_flush */
    uint32_t published; /**< private: what the shared word was last set to */
    uint32_t released;  /**< private: consumer as last believed */
    uint64_t write_off; /**< private, free-running byte position in the data region */
    uint64_t free_off;  /**< private, free-running: bytes before it were given back */
    uint64_t *run_end;  /**< private: free-running end position per slot, ring_count entries */
    struct sl_area_desc open; /**< private: the run being filled; size 0 = none */
    struct sl_area_desc next; /**< private: the run that the reserved datagram starts or joins */
    uint64_t reserve_off;     /**< private, free-running: where it is */
    uint32_t reserve_size;    /**< private: 0 = nothing reserved */
    struct sl_boundary_counters *counters;
};

/** @param run_end caller's array of geometry->ring_count words, private memory */
void sl_tx_init(struct sl_tx *tx, uint8_t *area, const struct sl_area_ring_off *off,
                const struct sl_area_geometry *geometry, uint64_t *run_end,
                struct sl_boundary_counters *counters);
/** Room for one datagram of @p size bytes, contiguous to the open run where it fits one. Write the
 * bytes (never read them back), then sl_tx_commit. A reservation that is not committed is simply
 * replaced by the next.
 * @return pointer into shared memory, or NULL (counted) where the ring is full or @p size is 0 or
 * above SL_RUN_TX_SIZE_MAX
 * @context packet path; never blocks */
uint8_t *sl_tx_reserve(struct sl_tx *tx, uint32_t size, uint16_t peer, uint32_t flags);
/** Adds the reserved datagram, cut to @p size (1..reserved), to the open run; closes and starts
 * runs as sizes and flags demand. Without a reservation, or beyond it: nothing. */
void sl_tx_commit(struct sl_tx *tx, uint32_t size);
/** Publishes everything committed. Nothing is seen by the host before this or sl_tx_publish. */
void sl_tx_flush(struct sl_tx *tx);
/** Publishes the closed runs and leaves the open one to grow: for a caller that is sure to commit
 * or flush soon. */
void sl_tx_publish(struct sl_tx *tx);

/* ---- host side (untrusted; trusts the image no more than needed to not crash) ---- */

struct sl_host_ring {
    struct sl_area_index *index;
    struct sl_area_desc *slots;
    uint8_t *data;
    uint32_t mask;
    uint32_t data_size;
    uint32_t local;      /**< own index: producer of rx, consumer of tx */
    uint32_t released;   /**< rx: the image's index as last believed */
    uint64_t write_off;  /**< rx: free-running byte position: end of the last run */
    uint64_t free_off;   /**< rx */
    uint64_t at_off;     /**< rx: where the reservation goes on */
    uint64_t at_end;     /**< rx: where it ends */
    uint64_t *run_end;   /**< rx: ring_count entries, owned */
    uint64_t violations; /**< descriptors or indices of the image that cannot be */
};

/** @retval SL_OK         ready; free with sl_host_ring_done
 * @retval SL_NO_MEMORY  no room for the private array */
sl_rc sl_host_ring_init(struct sl_host_ring *ring, uint8_t *area,
                        const struct sl_area_ring_off *off,
                        const struct sl_area_geometry *geometry) SL_MUST_CHECK;
void sl_host_ring_done(struct sl_host_ring *ring);
/** Contiguous room for up to @p size bytes (<= data_size), to receive one or several runs into
 * directly; NULL where full. An unused reservation is simply replaced by the next. */
uint8_t *sl_host_rx_reserve(struct sl_host_ring *ring, uint32_t size);
/** Publishes the next @p size bytes of the reservation as one run; may be called several times for
 * one reservation, and goes on behind what was committed or skipped.
 * @return false where the ring has no slot left, or the run does not fit the reservation or the
 * rules of a descriptor: dropped, and the bytes skipped */
bool sl_host_rx_commit(struct sl_host_ring *ring, uint32_t size, uint32_t segment_size,
                       uint16_t peer, uint32_t flags);
/** Leaves out the next @p size bytes of the reservation. */
void sl_host_rx_skip(struct sl_host_ring *ring, uint32_t size);
/** True where the image has not yet released everything committed; from any thread. */
bool sl_host_rx_is_pending(const struct sl_host_ring *ring);
/** Looks at up to @p max pending tx runs, checked against the geometry: one that cannot be has
 * size 0 and is to be skipped. Release after sending. */
uint32_t sl_host_tx_peek(struct sl_host_ring *ring, struct sl_run *ret_runs, uint32_t max);
void sl_host_tx_release(struct sl_host_ring *ring, uint32_t count);
/** True where the host has not yet released everything published; from any thread. */
bool sl_host_tx_is_pending(const struct sl_host_ring *ring);

/* ---- byte rings: control and log ---- */

/** One end of a byte ring. `local` is this end's index; the peer's is read once per call and
 * believed only where it moved forward by no more than it can have. An end either writes or reads.
 */
struct sl_byte_ring {
    struct sl_area_index *index;
    uint8_t *bytes;
    uint32_t size;                         /**< power of two */
    uint32_t local;                        /**< own free-running index */
    uint32_t peer;                         /**< the other end's index as last believed */
    struct sl_boundary_counters *counters; /**< NULL on the host's side */
};
void sl_byte_ring_init(struct sl_byte_ring *ring, uint8_t *area, const struct sl_area_ring_off *off,
                       uint32_t size, struct sl_boundary_counters *counters);
/** Writes as many bytes as fit. @return bytes written */
uint32_t sl_byte_ring_write(struct sl_byte_ring *ring, const void *data, uint32_t size);
/** Reads as many bytes as are there, at most @p size. @return bytes read */
uint32_t sl_byte_ring_read(struct sl_byte_ring *ring, void *data, uint32_t size);
/** Bytes that a read (write) would yield (take) at least; after a violation as last believed. Only
 * for the reading (writing) end. */
uint32_t sl_byte_ring_readable(struct sl_byte_ring *ring);
uint32_t sl_byte_ring_writable(struct sl_byte_ring *ring);

#endif
