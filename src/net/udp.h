/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A datagram socket for ESP: UDP encapsulation with UDP_SEGMENT and UDP_GRO, so that a run of equal
 * datagrams costs one system call, or native ESP (IP protocol 50) on a raw socket behind the same
 * calls. Where the kernel refuses a train, the run goes out one datagram at a time and trains are
 * tried again later.
 */
#ifndef SL_NET_UDP_H
#define SL_NET_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/addr.h"
#include "safelib/rc.h"

enum {
    SL_UDP_BURST_MAX = 32,       /**< buffers or runs per call */
    SL_UDP_RUN_MAX = 65535,      /**< bytes of a run received; give buffers at least this room */
    SL_UDP_RUN_SEND_MAX = 65507, /**< bytes of a run sent in one train; longer runs are cut */
    SL_UDP_SEGMENTS_MAX = 64,    /**< datagrams per train sent (UDP_MAX_SEGMENTS) */
};

#define SL_UDP_COUNTER_TABLE(X)                                                                    \
    X(rx_runs, "runs received")                                                                    \
    X(rx_datagrams, "datagrams received")                                                          \
    X(rx_bytes, "bytes received")                                                                  \
    X(rx_truncated, "runs dropped: larger than the buffer")                                        \
    X(rx_calls, "receive calls")                                                                   \
    X(tx_runs, "runs sent")                                                                        \
    X(tx_datagrams, "datagrams sent")                                                              \
    X(tx_bytes, "bytes sent")                                                                      \
    X(tx_calls, "send calls")                                                                      \
    X(tx_too_big, "datagrams larger than the interface's MTU with DF set: dropped")                \
    X(tx_full, "datagrams dropped: socket buffer full")                                            \
    X(tx_failed, "datagrams dropped: other errors (no route, network down)")                       \
    X(gso_refused, "trains the kernel refused (EIO, EINVAL, EMSGSIZE)")                            \
    X(gso_trains, "trains sent by UDP_SEGMENT")

struct sl_udp_counters {
#define SL_UDP_COUNTER(name, text) uint64_t name;
    SL_UDP_COUNTER_TABLE(SL_UDP_COUNTER)
#undef SL_UDP_COUNTER
};

struct sl_udp_params {
    struct sl_net_addr local; /**< ip_version required; ip all zero = any; port 0 = chosen by the
                                 kernel */
    bool is_native;           /**< IP protocol 50 on a raw socket; ports are ignored */
    bool is_reuse_port;   /**< several sockets on one port: the kernel spreads peers over them */
    uint32_t buffer_size; /**< bytes of socket buffer each way; 0 = 8 MiB */
    bool is_gso;          /**< may send trains */
    bool is_gro;          /**< may receive runs */
};

/** Opaque; one thread at a time per direction (a sender and a receiver may run together). */
struct sl_udp;

/** @retval SL_OK, SL_IO (@p err: what failed, on which address), SL_NO_MEMORY, SL_INVALID
 * @owner caller closes */
sl_rc sl_udp_open(const struct sl_udp_params *params, struct sl_udp **ret_udp,
                  struct sl_err *err) SL_MUST_CHECK;
void sl_udp_close(struct sl_udp *udp);
int sl_udp_fd(const struct sl_udp *udp);
/** Address bound to, with the port that the kernel chose. */
const struct sl_net_addr *sl_udp_local(const struct sl_udp *udp);
const struct sl_udp_counters *sl_udp_counters(const struct sl_udp *udp);

/** One receive buffer: a run of datagrams of `segment_size`, the last may be shorter. */
struct sl_udp_rx {
    uint8_t *data;           /**< [in] */
    uint32_t room;           /**< [in] bytes; SL_UDP_RUN_MAX so that nothing is cut */
    uint32_t size;           /**< [out] bytes of the run; 0: dropped (truncated), skip it */
    uint32_t segment_size;   /**< [out] 1..size */
    uint8_t tos;             /**< [out] outer TOS or traffic class byte */
    struct sl_net_addr from; /**< [out] port 0 where native */
};
/** Receives up to @p count runs (at most SL_UDP_BURST_MAX) without blocking.
 * @param[out] ret_count  buffers filled, from the first on
 * @retval SL_OK, SL_AGAIN (none there; also after a transient error such as ECONNREFUSED), SL_IO
 * @context packet path of the untrusted side: one recvmmsg */
sl_rc sl_udp_recv(struct sl_udp *udp, struct sl_udp_rx *bufs, uint32_t count,
                  uint32_t *ret_count) SL_MUST_CHECK;

/** One run to send: datagrams of `segment_size`, the last may be shorter. */
struct sl_udp_tx {
    const uint8_t *data;
    uint32_t size;
    uint32_t segment_size;
    uint8_t tos;
    bool is_fragmentable;  /**< clear DF and let the kernel fragment: sent one at a time */
    bool is_single;        /**< not as a train, whatever the kernel can do */
    struct sl_net_addr to; /**< of the socket's IP version */
};
/** Sends @p count runs (any number). What the kernel refuses is dropped and counted: datagrams may
 * be lost, and the caller could not do better.
 * @return datagrams handed to the kernel
 * @context packet path of the untrusted side */
uint32_t sl_udp_send(struct sl_udp *udp, const struct sl_udp_tx *runs, uint32_t count);
/** Sends one datagram with DF set and tells its fate: for path probes.
 * @retval SL_OK, SL_RANGE (larger than the interface's MTU), SL_IO */
sl_rc sl_udp_send_probe(struct sl_udp *udp, const struct sl_udp_tx *datagram) SL_MUST_CHECK;

/** How trains fare. */
struct sl_udp_offload {
    bool is_gso_allowed; /**< by params or sl_udp_offload_set */
    bool is_gso_active;  /**< allowed, and not backed off after a refusal */
    bool is_gro_active;
    int gso_errno;     /**< last refusal; 0 = none */
    uint64_t retry_ns; /**< CLOCK_MONOTONIC when trains are tried again; 0 = not backed off */
};
void sl_udp_offload_get(const struct sl_udp *udp, struct sl_udp_offload *ret_offload);
/** Allows or forbids trains, from any thread; takes effect with the next call. */
void sl_udp_offload_set(struct sl_udp *udp, bool is_gso, bool is_gro);

#endif
