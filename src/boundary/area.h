/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The shared area: the one piece of memory that the image and the untrusted host both touch.
 *
 * Its layout is a pure function of a small geometry. The host writes the geometry at the start of
 * the area; the image copies it in once, checks it, computes every offset itself and never looks at
 * the geometry again. All shared words are little-endian (x86-64 only).
 *
 *   [0]        struct sl_area_header   (4096 bytes: magic, geometry, thread doorbells)
 *   [4096]     start parameters        (SL_AREA_PARAMS_SIZE bytes: argv strings, cpuid table)
 *   [..]       log ring                (byte ring, image -> host)
 *   [..]       control ring in         (byte ring, host -> image)
 *   [..]       control ring out        (byte ring, image -> host)
 *   [..]       one struct sl_area_queue per (shard, port): rx ring, rx data, tx ring, tx data
 *   [..]       spill memory per shard   (where it keeps, encrypted, what enclave memory cannot
 * hold)
 */
#ifndef SL_BOUNDARY_AREA_H
#define SL_BOUNDARY_AREA_H

#include <stdint.h>

#include "safelib/rc.h"

#define SL_AREA_MAGIC 0x3141414c41454653ull /* "SFEALAA1" */

enum {
    SL_AREA_ALIGN = 4096,
    SL_AREA_PARAMS_SIZE = 32768,
    SL_AREA_SHARDS_MAX = 16,
    SL_AREA_THREADS_MAX = 32,
    SL_AREA_PORTS = 2,
    /* ranges of the geometry's members */
    SL_AREA_RING_MIN = 64,
    SL_AREA_RING_MAX = 65536,
    SL_AREA_DATA_MIN = 64 << 10,
    SL_AREA_DATA_MAX = 64 << 20,
    SL_AREA_CONTROL_MIN = 16 << 10,
    SL_AREA_CONTROL_MAX = 16 << 20,
    SL_AREA_LOG_MIN = 4 << 10,
    SL_AREA_LOG_MAX = 1 << 20,
    SL_AREA_SPILL_MIB_MAX = 64 << 10,
    SL_AREA_SPILL_ALIGN = 2 << 20, /**< so that huge pages fit */
};

/** Sizes fixed at start. Counts and sizes are powers of two. */
struct sl_area_geometry {
    uint32_t shard_count;  /**< 1..SL_AREA_SHARDS_MAX (need not be a power of two) */
    uint32_t ring_count;   /**< descriptors per packet ring: 64..65536 */
    uint32_t data_size;    /**< bytes of packet data per ring: 64 KiB..64 MiB */
    uint32_t control_size; /**< bytes of each control ring: 16 KiB..16 MiB */
    uint32_t log_size;     /**< bytes of the log ring: 4 KiB..1 MiB */
    uint32_t spill_mib;    /**< MiB of spill memory per shard: 0..65536 (need not be a power of
                              two); the host never looks at it again */
};

/** First page of the area. */
struct sl_area_header {
    uint64_t magic;
    struct sl_area_geometry geometry;
    uint32_t params_size; /**< bytes used at offset 4096 */
    uint32_t reserved;
    uint64_t host_time_ns; /**< CLOCK_REALTIME as the host claims it; a hint, never trusted */
    /** Thread doorbells, futex words: the waker increments, then wakes. */
    uint32_t doorbell[SL_AREA_THREADS_MAX];
};

enum {
    /** Most datagrams in a run: what one UDP_SEGMENT send may hold on every kernel, and what
     * UDP_GRO delivers at most; also one burst. */
    SL_RUN_SEGMENTS_MAX = 64,
    /** Most bytes in a run on rx: what fits a 16-bit length. */
    SL_RUN_SIZE_MAX = 65535,
    /** Most bytes in a run on tx: a UDP payload over IPv4 or IPv6 whose whole length fits 16 bits.
     */
    SL_RUN_TX_SIZE_MAX = 65535 - 40 - 8,
};

/** One packet descriptor: a run of equal-size datagrams in the ring's data region.
 * Datagram i is bytes [offset + i*segment_size, ...) of the region, the last may be shorter. */
struct sl_area_desc {
    uint32_t offset;       /**< bytes from the start of the ring's data region */
    uint32_t size;         /**< bytes of the whole run, 1..SL_RUN_SIZE_MAX */
    uint16_t segment_size; /**< bytes of each datagram but the last; 1..size, and so that there
                              are at most SL_RUN_SEGMENTS_MAX datagrams */
    uint16_t peer;  /**< host's tag for the outer address; the image echoes the tag of the last
                       authenticated packet */
    uint32_t flags; /**< SL_DESC_* */
};
_Static_assert(sizeof(struct sl_area_desc) == 16, "shared layout");

enum {
    SL_DESC_ECN_MASK = 0x3, /**< outer ECN bits of the run (RFC 3168) */
    SL_DESC_DSCP_SHIFT = 2, /**< outer DSCP, 6 bits */
    SL_DESC_DSCP_MASK = 0xfc,
    SL_DESC_MAY_FRAGMENT = 1 << 8, /**< tx: clear DF on the outer packet */
    SL_DESC_SINGLE = 1 << 9,       /**< tx: send the datagrams one by one, not as a train */
    SL_DESC_FLAGS_MASK = 0x3ff,    /**< the other bits are ignored */
};

/** Index words of one ring, each on its own cache line pair. Free-running 32-bit counters. */
struct sl_area_index {
    uint32_t producer;
    uint8_t pad0[124];
    uint32_t consumer;
    uint8_t pad1[124];
};
_Static_assert(sizeof(struct sl_area_index) == 256, "shared layout");

/** Offsets of one ring from the area's base. */
struct sl_area_ring_off {
    uint64_t index; /**< struct sl_area_index */
    uint64_t slots; /**< struct sl_area_desc[ring_count]; or the bytes of a byte ring */
    uint64_t data;  /**< data region; 0 for byte rings */
};

struct sl_area_queue_off {
    struct sl_area_ring_off rx; /**< host -> image */
    struct sl_area_ring_off tx; /**< image -> host */
};

struct sl_area_layout {
    uint64_t size; /**< of the whole area, a multiple of SL_AREA_ALIGN */
    uint64_t params;
    struct sl_area_ring_off log;
    struct sl_area_ring_off control_in;
    struct sl_area_ring_off control_out;
    struct sl_area_queue_off queue[SL_AREA_SHARDS_MAX][SL_AREA_PORTS];
    uint64_t
        spill[SL_AREA_SHARDS_MAX]; /**< a multiple of SL_AREA_SPILL_ALIGN, where there is any */
    uint64_t spill_size;           /**< bytes of each; 0: none */
};

/** Checks a geometry and computes the layout.
 * @retval SL_OK     @p ret_layout filled
 * @retval SL_RANGE  a member is outside its range or not a power of two
 * @context any; pure */
sl_rc sl_area_layout(const struct sl_area_geometry *geometry,
                     struct sl_area_layout *ret_layout) SL_MUST_CHECK;

/** The host's side: writes magic and geometry at the start of zeroed, page-aligned memory.
 * @param[in] size  bytes at @p area
 * @retval SL_OK        header written, @p ret_layout filled
 * @retval SL_RANGE     as sl_area_layout
 * @retval SL_NO_SPACE  @p size is below the layout's
 * @context host, before the image starts */
sl_rc sl_area_format(uint8_t *area, uint64_t size, const struct sl_area_geometry *geometry,
                     struct sl_area_layout *ret_layout) SL_MUST_CHECK;

/** The image's side: the one look at the header. Checks that [area, area + size) lies wholly
 * outside [private_base, private_base + private_size), fetches the geometry once, checks it.
 * @param[in] area          address as the host claims it
 * @param[in] size          bytes as the host claims them
 * @param[in] private_base  the enclave's range
 * @retval SL_OK         outputs filled; layout.size <= @p size
 * @retval SL_INVALID    NULL, not page-aligned, or smaller than the header's page
 * @retval SL_VIOLATION  overlaps the private range or wraps around the address space
 * @retval SL_MALFORMED  wrong magic
 * @retval SL_RANGE      geometry out of range
 * @retval SL_TRUNCATED  the geometry needs more than @p size
 * @context image, once at start; outputs must be private memory */
sl_rc sl_area_adopt(const uint8_t *area, uint64_t size, uint64_t private_base,
                    uint64_t private_size, struct sl_area_geometry *ret_geometry,
                    struct sl_area_layout *ret_layout) SL_MUST_CHECK;

#endif
