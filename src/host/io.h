/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where the packets of a shard come from and go to: a backend behind two calls. Backends: a UDP or
 * raw ESP socket (io_udp.c), memory (io_memory.c). The backend receives straight into the ring.
 */
#ifndef SL_HOST_IO_H
#define SL_HOST_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "boundary/ring.h"
#include "host/counters.h"
#include "net/udp.h"

enum { SL_IO_BURST_MAX = 32 };

/** One receive buffer and what came into it. */
struct sl_io_rx {
    uint8_t *data;         /**< [in] */
    uint32_t room;         /**< [in] bytes */
    uint32_t size;         /**< [out] bytes of the run; 0: skip */
    uint32_t segment_size; /**< [out] 1..size */
    uint16_t peer;         /**< [out] tag of the sender */
    uint8_t tos;           /**< [out] outer TOS or traffic class */
};

struct sl_io;

struct sl_io_ops {
    const char *name;
    /** Fills at most @p count buffers without blocking. @return buffers filled */
    uint32_t (*receive)(struct sl_io *io, struct sl_io_rx *bufs, uint32_t count);
    /** Sends runs without waiting for long; what cannot go is dropped and counted. Their bytes may
     * be changed by the image meanwhile: they are handed on, never interpreted. */
    void (*send)(struct sl_io *io, const struct sl_run *runs, uint32_t count,
                 struct sl_host_counters *counters);
    void (*close)(struct sl_io *io);
};

/** One per shard; one thread at a time. Backends embed it. */
struct sl_io {
    const struct sl_io_ops *ops;
    int fd;        /**< readable when there is something to receive; -1: never told */
    uint32_t room; /**< bytes a receive buffer must have */
};

/** Sockets of all shards on one address; where there are several shards, the kernel gives each
 * socket the packets whose SPI names its shard.
 * @param[in]  is_offload  use UDP_SEGMENT and UDP_GRO
 * @param[out] ret_ios     @p shard_count backends
 * @retval SL_OK, SL_IO, SL_NO_MEMORY, SL_INVALID
 * @owner caller closes each by ops->close */
sl_rc sl_io_udp_open(const struct sl_net_addr *local, bool is_native, bool is_offload,
                     uint32_t shard_count, struct sl_io **ret_ios,
                     struct sl_err *err) SL_MUST_CHECK;
/** The socket inside, for status; NULL for another backend. */
const struct sl_udp *sl_io_udp_socket(const struct sl_io *io);

/** Packets from and to functions: for tests and benchmarks.
 * @param[in] source  fills one buffer; false where there is nothing now
 * @param[in] sink    gets every run sent; may be NULL
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc sl_io_memory_open(bool (*source)(void *ctx, struct sl_io_rx *buf),
                        void (*sink)(void *ctx, const struct sl_run *run), void *ctx, uint32_t room,
                        struct sl_io **ret_io) SL_MUST_CHECK;

#endif
