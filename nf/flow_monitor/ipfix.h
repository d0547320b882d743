/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * An IPFIX exporting process (RFC 7011) over UDP: records wait in rings, and leave in messages that
 * are whole IP packets, templates among them. One per shard, one thread.
 */
#ifndef SL_NF_FLOW_MONITOR_IPFIX_H
#define SL_NF_FLOW_MONITOR_IPFIX_H

#include "flow_monitor/config.h"
#include "safelib/packet.h"

enum {
    FM_QUEUE_COUNT = 4096, /**< records of one family that may wait */
    FM_MESSAGES_PER_TICK = 512,
};

/** RFC 5102 5.11.3: flowEndReason (136). */
enum fm_end {
    FM_END_IDLE = 1,
    FM_END_ACTIVE = 2,
    FM_END_DETECTED = 3, /**< the protocol ended it */
    FM_END_FORCED = 4,
    FM_END_RESOURCES = 5,
};

/** One direction of a flow, for the time since its last record. */
struct fm_record {
    uint64_t start_ms; /**< shard's clock */
    uint64_t end_ms;
    uint64_t packets;
    uint64_t bytes;
    uint64_t flow_id;
    uint8_t src[16];
    uint8_t dst[16];
    uint16_t sport;
    uint16_t dport;
    uint16_t icmp; /**< type and code */
    uint8_t proto;
    uint8_t tos;
    uint8_t tcp_flags;
    uint8_t port_in; /**< enum sl_port */
    uint8_t end;     /**< enum fm_end */
};

struct fm_queue {
    struct fm_record *records; /**< FM_QUEUE_COUNT */
    uint32_t first, count;
};

#define FM_EXPORT_COUNTER_TABLE(X)                                                                 \
    X(records, "flow records sent")                                                                \
    X(messages, "IPFIX messages sent")                                                             \
    X(lost, "flow records that found no room to wait")                                             \
    X(waiting, "flow records that wait")

struct fm_exporter {
    const struct fm_config *config;
    uint32_t domain;
    uint32_t sequence; /**< data records sent before (RFC 7011 3.1) */
    uint64_t templates_due_ms;
    struct fm_queue queues[2]; /**< IPv4, IPv6 */
#define FM_EXPORT_COUNTER(name, text) uint64_t name;
    FM_EXPORT_COUNTER_TABLE(FM_EXPORT_COUNTER)
#undef FM_EXPORT_COUNTER
};

/** @p config stays the caller's and must outlive it.
 * @retval SL_OK, SL_NO_MEMORY */
sl_rc fm_exporter_init(struct fm_exporter *exporter, const struct fm_config *config) SL_MUST_CHECK;
void fm_exporter_done(struct fm_exporter *exporter);

/** Lets a record wait to be sent; where there is no room it is counted as lost.
 * @context packet path */
void fm_exporter_put(struct fm_exporter *exporter, uint8_t ip_version,
                     const struct fm_record *record);
/** Sends what waits. Nothing is sent before the time of day is known.
 * @param now_ms, unix_ms  the same moment on the shard's clock and on the wall's
 * @context packet path, in tick */
void fm_exporter_send(struct fm_exporter *exporter, uint64_t now_ms, uint64_t unix_ms,
                      struct sl_emit *emit);

#endif
