/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What tcp_window.c does to every segment that fits, inline for the short way of most of them.
 * Private to src/flow.
 */
#ifndef SL_FLOW_TCP_WINDOW_INLINE_H
#define SL_FLOW_TCP_WINDOW_INLINE_H

#include "base/bytes.h"
#include "flow/tcp.h"

enum {
    /* how far behind an acknowledgement may be: a window of 64 KiB and what was on its way */
    ACK_WINDOW_MIN = 66000,
    TIMESTAMPS_SIZE = 12,
};

static inline bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool is_after(uint32_t a, uint32_t b)
{
    return is_before(b, a);
}

/* The bit that says that a side waits. */
static inline uint8_t waits_bit(uint8_t direction)
{
    return (uint8_t)(SL_FLOW_WINDOW_WAITS << direction);
}

static inline uint32_t at_least_one(uint32_t window)
{
    return window != 0 ? window : 1;
}

/* A segment's numbers as the windows take them. */
struct view {
    uint32_t seq, end;
    uint32_t ack, highest; /* in order, and of all */
};

static inline void note_window(struct sl_flow_tcp_windows *windows, uint16_t window)
{
    windows->bits &= (uint8_t)~SL_FLOW_WINDOW_OPEN;
    windows->bits |= window != 0 ? SL_FLOW_WINDOW_OPEN : 0;
}

/* The same acknowledgement again and again: the other side may be gone. */
static inline void count_retransmissions(struct sl_flow_tcp_windows *windows,
                                         struct sl_flow_head *head,
                                         const struct sl_flow_segment *segment,
                                         const struct view *view)
{
    const uint32_t sum = view->seq * 0x9e3779b1u ^ view->ack * 0x85ebca77u ^ segment->window;
    bool is_same_way =
        ((head->tcp_last & SL_FLOW_LAST_REPLY) != 0) == (segment->direction == SL_FLOW_REPLY);
    note_window(windows, segment->window);
    if (is_same_way && windows->last == sum && head->word == view->end) {
        bool is_most = (head->tcp_more & SL_FLOW_MORE_RETRANSMITTED) == SL_FLOW_MORE_RETRANSMITTED;
        head->tcp_more = (uint16_t)(head->tcp_more + !is_most);
        return;
    }
    windows->last = sum;
    head->word = view->end;
    head->tcp_more &= (uint16_t)~SL_FLOW_MORE_RETRANSMITTED;
}

/* Moves both windows on after a segment that fits. */
static inline void move_on(struct sl_flow_tcp_windows *windows, struct sl_flow_head *head,
                           const struct sl_flow_segment *segment, const struct view *view)
{
    const uint32_t end = view->end;
    const uint32_t ack = view->ack;
    const uint32_t highest = view->highest;
    struct sl_flow_tcp_side *sender = &windows->sides[segment->direction];
    struct sl_flow_tcp_side *receiver = &windows->sides[segment->direction ^ 1];
    uint8_t *sender_bits = &windows->side_bits[segment->direction];
    uint32_t window = segment->window;
    /* RFC 7323 2.2: "The window field in a segment where the SYN bit is set ... MUST NOT be scaled"
     */
    window <<= (segment->flags & SL_TCP_SYN) == 0 ? *sender_bits & SL_FLOW_SIDE_SCALE : 0;
    uint32_t offered = window + (highest - ack);
    sender->max_window = offered > sender->max_window ? offered : sender->max_window;
    if (is_after(end, sender->end)) {
        sender->end = end;
        windows->bits |= waits_bit(segment->direction);
    }
    if ((segment->flags & SL_TCP_ACK) != 0 &&
        ((*sender_bits & SL_FLOW_SIDE_ACKED) == 0 || is_after(ack, sender->max_ack))) {
        sender->max_ack = ack;
        *sender_bits |= SL_FLOW_SIDE_ACKED;
    }
    if (receiver->max_window != 0 && is_after(end, sender->max_end)) {
        receiver->max_window += end - sender->max_end;
    }
    if (is_after(highest + window, receiver->max_end - 1)) {
        receiver->max_end = highest + at_least_one(window);
    }
    if (ack == receiver->end) {
        windows->bits &= (uint8_t)~waits_bit(segment->direction ^ 1);
    }
    if (segment->kind == SL_FLOW_KIND_ACK) {
        count_retransmissions(windows, head, segment, view);
    }
}

/* What sl_flow_window_check comes to for the SYN that a flow began with. */
static inline void window_first(struct sl_flow_tcp_windows *windows,
                                const struct sl_flow_segment *segment)
{
    windows->sides[SL_FLOW_REPLY].max_end = at_least_one(segment->window);
}

/* How far behind what the other side has sent an acknowledgement of this one may be. */
static inline uint32_t ack_window_of(const struct sl_flow_tcp_side *side)
{
    return side->max_window > ACK_WINDOW_MIN ? side->max_window : (uint32_t)ACK_WINDOW_MIN;
}

/* The four bounds of van Rooij's method. @param way  of the segment */
static inline enum sl_flow_tcp_result judge(struct sl_flow_tcp_windows *windows, uint8_t way,
                                            const struct view *view)
{
    struct sl_flow_tcp_side *sender = &windows->sides[way];
    const struct sl_flow_tcp_side *receiver = &windows->sides[way ^ 1];
    const uint32_t ack_window = ack_window_of(sender);
    bool is_ack_low = !is_after(view->highest, receiver->end - ack_window - 1);
    bool is_ack_high = !is_before(view->highest, receiver->end + 1);
    bool is_seq_low =
        receiver->max_window != 0 && !is_after(view->end, sender->end - receiver->max_window - 1);
    if (!is_before(view->seq, sender->max_end + 1)) {
        uint32_t beyond = view->end - sender->max_end + 1;
        if (receiver->max_window == 0 || is_seq_low || is_ack_low || is_ack_high ||
            beyond > receiver->max_window) {
            return SL_FLOW_TCP_INVALID;
        }
        /* more than there was room for, as some TCPs do; its acknowledgement will come */
        sender->end = view->end;
        windows->bits |= waits_bit(way);
        return SL_FLOW_TCP_IGNORE;
    }
    if (is_ack_high) {
        return SL_FLOW_TCP_INVALID;
    }
    return is_seq_low || is_ack_low ? SL_FLOW_TCP_IGNORE /* late, and of the flow */
                                    : SL_FLOW_TCP_ACCEPT;
}

/* RFC 7323 appendix A: the options of most segments are two NOPs and the timestamps. */
static inline bool has_no_sack(const struct sl_flow_segment *segment)
{
    static const uint32_t timestamps = 0x0101080a;
    return segment->option_size == 0 ||
           (segment->option_size == TIMESTAMPS_SIZE && sl_be32_get(segment->options) == timestamps);
}

/* judge's answer is ACCEPT, where both sides were seen: the signs of its four differences at once.
 */
static inline bool fits(const struct sl_flow_tcp_side *sender,
                        const struct sl_flow_tcp_side *receiver, const struct view *view)
{
    const uint32_t ack_window = ack_window_of(sender);
    uint32_t signs = (view->seq - sender->max_end - 1) & (view->highest - receiver->end - 1);
    signs &= sender->end - receiver->max_window - 1 - view->end;
    signs &= receiver->end - ack_window - 1 - view->highest;
    return (int32_t)signs < 0;
}

/* The short way of most segments, to the same end: one with ACK and none of SYN, FIN and RST.
 * @return true: it fits, and the windows have moved on; false: sl_flow_window_check is to be asked,
 * and nothing was changed */
static inline bool window_pass(struct sl_flow_tcp_windows *windows, struct sl_flow_head *head,
                               const struct sl_flow_segment *segment)
{
    const struct sl_flow_tcp_side *sender = &windows->sides[segment->direction];
    const struct sl_flow_tcp_side *receiver = &windows->sides[segment->direction ^ 1];
    const struct view view = {
        .seq = segment->seq, .end = segment->end, .ack = segment->ack, .highest = segment->ack};
    if (sender->max_window == 0 || receiver->max_window == 0 || !has_no_sack(segment) ||
        !fits(sender, receiver, &view)) {
        return false;
    }
    move_on(windows, head, segment, &view);
    return true;
}

#endif
