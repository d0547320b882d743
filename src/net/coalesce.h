/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Joins consecutive TCP segments and equal UDP datagrams of a flow into super-packets for a TUN
 * with offloads, under the rules of the kernel's own GRO, so that cutting them again gives the same
 * packets. One object per thread; packets stay where they are, a super-packet is a list of slices.
 */
#ifndef SL_NET_COALESCE_H
#define SL_NET_COALESCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "net/segment.h"

enum {
    SL_COALESCE_FLOWS = 16,
    SL_COALESCE_SLICES_MAX = 64,
    SL_COALESCE_SIZE_MAX = 65535,
};

#define SL_COALESCE_COUNTER_TABLE(X)                                                               \
    X(packets, "packets given")                                                                    \
    X(super_packets, "super-packets made of two or more")                                          \
    X(joined, "packets that went into super-packets")                                              \
    X(bad_checksum, "packets passed alone because their L4 checksum is wrong")

struct sl_coalesce_counters {
#define SL_COALESCE_COUNTER(name, text) uint64_t name;
    SL_COALESCE_COUNTER_TABLE(SL_COALESCE_COUNTER)
#undef SL_COALESCE_COUNTER
};

/** Takes a packet or super-packet; slices are valid during the call.
 * @param size  bytes of all slices together */
typedef void (*sl_coalesce_emit)(void *ctx, const struct sl_vnet *vnet, const struct iovec *slices,
                                 uint32_t count, uint32_t size);

struct sl_coalesce_flow {
    uint8_t *head; /**< first packet; its headers become the super-packet's */
    struct sl_ip ip;
    uint32_t header_size;
    uint32_t payload_size; /**< of every segment but the last */
    uint32_t size;         /**< of the super-packet so far */
    uint32_t next_seq;     /**< TCP */
    uint16_t next_id;      /**< IPv4 */
    bool is_id_fixed;      /**< IPv4 with DF: the second packet repeated the identification */
    bool is_closed;        /**< nothing may follow: short segment, PSH or FIN */
    uint8_t last_flags;    /**< TCP PSH and FIN of the last one */
    uint32_t hash;
    uint32_t count; /**< slices; 0: slot is free */
    struct iovec slices[SL_COALESCE_SLICES_MAX];
};

struct sl_coalesce {
    sl_coalesce_emit emit;
    void *ctx;
    bool is_tcp, is_udp;
    uint32_t victim;
    struct sl_coalesce_counters counters;
    struct sl_coalesce_flow flows[SL_COALESCE_FLOWS];
};

/** @param is_tcp, is_udp  what the TUN takes (struct sl_tun) */
void sl_coalesce_init(struct sl_coalesce *c, bool is_tcp, bool is_udp, sl_coalesce_emit emit,
                      void *ctx);
/** Adds a packet, which must stay in place and unread by others until the next flush; its headers
 * may be rewritten. Order within a flow is kept; emits what cannot be held.
 * @context packet path */
void sl_coalesce_add(struct sl_coalesce *c, uint8_t *packet, uint32_t size);
/** Emits everything held. */
void sl_coalesce_flush(struct sl_coalesce *c);

#endif
