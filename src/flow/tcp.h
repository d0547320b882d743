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
#include "safelib/packet.h"

/** What a segment does to its flow. */
enum sl_flow_tcp_result {
    SL_FLOW_TCP_ACCEPT = 0,
    SL_FLOW_TCP_IGNORE,  /**< belongs to the flow and changes nothing: the timeout stays */
    SL_FLOW_TCP_INVALID, /**< belongs to no flow */
    SL_FLOW_TCP_REOPEN,  /**< the flow is over, and the segment begins another one */
    SL_FLOW_TCP_END,     /**< accepted, and the flow is over */
};

/** One side's window, as its segments tell. */
struct sl_flow_tcp_side {
    uint32_t end;        /**< highest sequence number sent, plus one */
    uint32_t max_end;    /**< highest that the other side has room for */
    uint32_t max_window; /**< largest window that it offered; 0: nothing of it was seen */
    uint32_t max_ack;    /**< highest acknowledgement that it sent */
};

/** What else there is to a side. */
enum {
    SL_FLOW_SIDE_SCALE = 0x0f,      /**< RFC 7323 2.2: how far its windows are shifted */
    SL_FLOW_SIDE_SCALES = 1u << 4,  /**< sent the window scale option */
    SL_FLOW_SIDE_SACKS = 1u << 5,   /**< sent the SACK permitted option */
    SL_FLOW_SIDE_LIBERAL = 1u << 6, /**< picked up in the middle: scales are not known */
    SL_FLOW_SIDE_ACKED = 1u << 7,   /**< max_ack is valid */
};

/** struct sl_flow_tcp_windows, bits. */
enum {
    SL_FLOW_WINDOW_WAITS = 1u << 0, /**< and the next bit, by direction: sent data that nobody
                                         acknowledged yet */
    SL_FLOW_WINDOW_OPEN = 1u << 2,  /**< the last segment offered some room */
};

/** Kept per flow where windows are followed. With head and addresses of IPv4 one cache line. */
struct sl_flow_tcp_windows {
    struct sl_flow_tcp_side sides[2]; /**< by direction */
    /** Of the last segment, whose end is in the head. An acknowledgement that was accepted: a sum
     * of its numbers, that shows the same one again (and another one once in 2^32). One that was
     * ignored: its number. A SYN that was ignored: its window. */
    uint32_t last;
    uint8_t side_bits[2]; /**< SL_FLOW_SIDE_* by direction */
    uint8_t noted;        /**< SL_FLOW_SIDE_* of a SYN that was ignored: what the connection is once
                               it is answered */
    uint8_t bits;         /**< SL_FLOW_WINDOW_* */
};
_Static_assert(sizeof(struct sl_flow_tcp_windows) == 40, "no padding");

/** A segment's header, read once. */
struct sl_flow_segment {
    uint32_t seq, ack;
    uint32_t end; /**< sequence number after it */
    uint16_t window;
    uint8_t flags;
    uint8_t kind; /**< enum sl_flow_segment_kind */
    uint8_t direction;
    uint8_t option_size;
    const uint8_t *options;
};

enum sl_flow_segment_kind {
    SL_FLOW_KIND_SYN,
    SL_FLOW_KIND_SYNACK,
    SL_FLOW_KIND_FIN,
    SL_FLOW_KIND_ACK,
    SL_FLOW_KIND_RST,
    SL_FLOW_KIND_NONE,
    SL_FLOW_KIND_COUNT,
};

/* Of the windows (tcp_window.c): */

/** The first side of a flow that begins. @param is_syn  else it is picked up in the middle */
void sl_flow_window_begin(struct sl_flow_tcp_windows *windows,
                          const struct sl_flow_segment *segment, bool is_syn);
/** Whether the segment fits; then the windows move on.
 * @param state         of the connection before it
 * @param[in,out] more  struct sl_flow_head, tcp_more
 * @return ACCEPT, IGNORE, INVALID */
enum sl_flow_tcp_result sl_flow_window_check(struct sl_flow_tcp_windows *windows,
                                             struct sl_flow_head *head,
                                             const struct sl_flow_segment *segment,
                                             bool is_liberal);
/** A SYN (or what looks like one) is let through without belief: what it says is noted. */
void sl_flow_window_note(struct sl_flow_tcp_windows *windows,
                         const struct sl_flow_segment *segment);
/** That SYN was answered by @p segment: the connection is what it said. */
void sl_flow_window_resync(struct sl_flow_tcp_windows *windows, struct sl_flow_head *head,
                           const struct sl_flow_segment *segment);

/** struct sl_flow_head, tcp_last: kind of the last segment, and its way. */
enum { SL_FLOW_LAST_KIND = 7, SL_FLOW_LAST_REPLY = 8 };
/** struct sl_flow_head, tcp_more. */
enum {
    SL_FLOW_MORE_RETRANSMITTED = 7,   /**< times that the last segment came again, up to 7 */
    SL_FLOW_MORE_CLOSING = 1u << 3,   /**< a FIN was seen */
    SL_FLOW_MORE_CHALLENGE = 1u << 4, /**< RFC 5961 4: the next ACK may answer a SYN we ignored */
    SL_FLOW_MORE_SIMULTANEOUS = 1u << 5,
};

static inline uint8_t sl_flow_last_of(const struct sl_flow_segment *segment)
{
    return (uint8_t)(segment->kind |
                     (segment->direction == SL_FLOW_REPLY ? SL_FLOW_LAST_REPLY : 0));
}

/** Bytes per flow that a mode needs beyond the head. */
uint32_t sl_flow_tcp_size(uint32_t mode);

/** Whether a flow may begin with the segment. */
bool sl_flow_tcp_may_begin(const struct sl_flow_options *options, const struct sl_packet *packet);

/** The first segment of a flow, one that may be. @p head is of a new record, but for its tuple.
 * @param mode     enum sl_flow_tcp_mode, not DEFAULT
 * @param windows  NULL where they are not followed
 * @param[out] ret_timeout_s  seconds from now; written with ACCEPT */
enum sl_flow_tcp_result sl_flow_tcp_first(const struct sl_flow_options *options, uint32_t mode,
                                          struct sl_flow_head *head,
                                          struct sl_flow_tcp_windows *windows,
                                          const struct sl_packet *packet, uint32_t *ret_timeout_s);

/** The short way of most segments: data and acknowledgements of an established connection that
 * fit. sl_flow_tcp_next comes to the same.
 * @return false: it is something else, nothing was changed */
bool sl_flow_tcp_pass(const struct sl_flow_options *options, struct sl_flow_head *head,
                      struct sl_flow_tcp_windows *windows, const struct sl_packet *packet,
                      uint8_t direction, uint32_t *ret_timeout_s);

/** Any other segment of a flow: parameters as sl_flow_tcp_first's. */
enum sl_flow_tcp_result sl_flow_tcp_next(const struct sl_flow_options *options, uint32_t mode,
                                         struct sl_flow_head *head,
                                         struct sl_flow_tcp_windows *windows,
                                         const struct sl_packet *packet, uint8_t direction,
                                         uint32_t *ret_timeout_s);

/** Whether the flags are a combination that some TCP sends. PSH, ECE and CWR mean nothing. */
static inline bool sl_flow_tcp_flags_are_valid(uint8_t flags)
{
    enum {
        FIN = SL_TCP_FIN,
        SYN = SL_TCP_SYN,
        RST = SL_TCP_RST,
        ACK = SL_TCP_ACK,
        URG = SL_TCP_URG,
    };
    const uint64_t valid = 1ull << SYN | 1ull << (SYN | URG) | 1ull << (SYN | ACK) | 1ull << RST |
                           1ull << (RST | ACK) | 1ull << (FIN | ACK) | 1ull << (FIN | ACK | URG) |
                           1ull << ACK | 1ull << (ACK | URG);
    return (valid >> (flags & (FIN | SYN | RST | ACK | URG)) & 1) != 0;
}

#endif
