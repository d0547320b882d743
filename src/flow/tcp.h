/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * TCP as it goes by: which state a connection is in, and whether a segment belongs to it. The
 * answers are those of Linux's conntrack, which the firewall's operators know and the tests compare
 * with.
 */
#ifndef SL_FLOW_TCP_STATE_H
#define SL_FLOW_TCP_STATE_H

#include "flow/options.h"
#include "flow/record.h"

/** What a segment does to its flow. */
enum sl_flow_tcp_result {
    SL_FLOW_TCP_ACCEPT = 0,
    SL_FLOW_TCP_IGNORE,     /**< belongs to the flow and changes nothing: the timeout stays */
    SL_FLOW_TCP_INVALID,    /**< belongs to no flow */
    SL_FLOW_TCP_REOPEN,     /**< the flow is over, and the segment begins another one */
    SL_FLOW_TCP_END,        /**< accepted, and the flow is over */
    SL_FLOW_TCP_OUT_OF_STEP /**< the flow is over, and the segment INVALID */
};

/** One side's window, as its segments tell. */
struct sl_flow_tcp_side {
    uint32_t end;     /**< highest sequence number sent, plus one */
    uint32_t max_end; /**< highest that the other side allows */
    uint32_t max_window;
    uint32_t max_ack; /**< highest acknowledgement sent */
    uint8_t scale;
    uint8_t bits;
    uint16_t zero;
};

/** Kept per flow where windows are followed. */
struct sl_flow_tcp_windows {
    struct sl_flow_tcp_side sides[2]; /**< by direction */
    uint32_t last_seq, last_ack;
    uint16_t last_window;
    uint8_t last_scale; /**< of an ignored SYN */
    uint8_t last_bits;
};

/** Bytes per flow that a mode needs beyond the head. */
uint32_t sl_flow_tcp_size(uint32_t mode);

/** The first segment of a flow.
 * @param windows  NULL where they are not followed
 * @return false where it cannot begin a flow */
bool sl_flow_tcp_begin(const struct sl_flow_options *options, struct sl_flow_head *head,
                       struct sl_flow_tcp_windows *windows, const struct sl_packet *packet);

/** A segment of a flow, its first one too, after sl_flow_tcp_begin.
 * @param[out] ret_timeout_s  seconds from now; written with ACCEPT */
enum sl_flow_tcp_result sl_flow_tcp_next(const struct sl_flow_options *options,
                                         struct sl_flow_head *head,
                                         struct sl_flow_tcp_windows *windows,
                                         const struct sl_packet *packet, uint8_t direction,
                                         uint32_t *ret_timeout_s);

/** Whether the flags are a combination that some TCP sends. */
bool sl_flow_tcp_flags_are_valid(uint8_t flags);

#endif
