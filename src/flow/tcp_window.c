/* SPDX-License-Identifier: Apache-2.0 */
/* TCP's windows, seen from the middle: what either side may send and acknowledge. The method is
 * Guido van Rooij's "Real Stateful TCP Packet Filtering in IP Filter" (2000); where it leaves a
 * choice, Linux's conntrack is followed, so that both call the same segments INVALID. */
#include "flow/tcp.h"

#include <string.h>

#include "base/bytes.h"
#include "flow/tcp_window_inline.h"

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_SCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    SCALE_MAX = 14, /* RFC 7323 2.3 */
};

/* The next option from *at on. @return its kind, OPTION_END at the end or where it breaks */
static uint8_t next_option(const struct sl_flow_segment *segment, uint32_t *at,
                           const uint8_t **ret_data, uint32_t *ret_size)
{
    while (*at < segment->option_size && segment->options[*at] == OPTION_NOP) {
        (*at)++;
    }
    if (*at + 2 > segment->option_size || segment->options[*at] == OPTION_END) {
        return OPTION_END;
    }
    uint32_t size = segment->options[*at + 1];
    if (size < 2 || size > segment->option_size - *at) {
        return OPTION_END;
    }
    const uint8_t *option = segment->options + *at;
    *ret_data = option + 2;
    *ret_size = size - 2;
    *at += size;
    return option[0];
}

/* What a SYN says of its sender. @return whether it says anything */
static bool read_syn_options(const struct sl_flow_segment *segment, uint8_t *bits)
{
    const uint8_t *data = NULL;
    uint32_t size = 0;
    uint32_t at = 0;
    if (segment->option_size == 0) {
        return false;
    }
    *bits &= SL_FLOW_SIDE_LIBERAL;
    for (uint8_t kind; (kind = next_option(segment, &at, &data, &size)) != OPTION_END;) {
        if (kind == OPTION_SACK_PERMITTED && size == 0) {
            *bits |= SL_FLOW_SIDE_SACKS;
        } else if (kind == OPTION_SCALE && size == 1) {
            *bits &= (uint8_t)~SL_FLOW_SIDE_SCALE;
            *bits |= data[0] < SCALE_MAX ? data[0] : SCALE_MAX;
            *bits |= SL_FLOW_SIDE_SCALES;
        }
    }
    return true;
}

/* The highest byte that the segment acknowledges, out of order too (RFC 2018). */
static uint32_t highest_ack(const struct sl_flow_segment *segment)
{
    const uint8_t *data = NULL;
    uint32_t size = 0;
    uint32_t at = 0;
    uint32_t highest = segment->ack;
    for (uint8_t kind; (kind = next_option(segment, &at, &data, &size)) != OPTION_END;) {
        if (kind != OPTION_SACK || size < 8 || size % 8 != 0) {
            continue;
        }
        for (uint32_t i = 0; i < size; i += 8) {
            uint32_t edge = sl_be32_get(data + i + 4);
            highest = is_after(edge, highest) ? edge : highest;
        }
        break;
    }
    return highest;
}

/* A side begins with its SYN. RFC 7323 2.2: scaling is in force where both sent the option. */
static void begin_side(struct sl_flow_tcp_windows *windows, const struct sl_flow_segment *segment)
{
    struct sl_flow_tcp_side *sender = &windows->sides[segment->direction];
    uint8_t *bits = windows->side_bits;
    sender->end = segment->end;
    sender->max_end = segment->end;
    sender->max_window = at_least_one(segment->window);
    if (read_syn_options(segment, &bits[segment->direction])) {
        windows->bits &= (uint8_t)~waits_bit(segment->direction);
    }
    if (segment->direction == SL_FLOW_REPLY && (bits[0] & bits[1] & SL_FLOW_SIDE_SCALES) == 0) {
        bits[0] &= (uint8_t)~SL_FLOW_SIDE_SCALE;
        bits[1] &= (uint8_t)~SL_FLOW_SIDE_SCALE;
    }
}

void sl_flow_window_begin(struct sl_flow_tcp_windows *windows,
                          const struct sl_flow_segment *segment, bool is_syn)
{
    struct sl_flow_tcp_side *sender = &windows->sides[SL_FLOW_ORIGINAL];
    memset(windows, 0, sizeof(*windows));
    sender->end = segment->end;
    sender->max_window = at_least_one(segment->window);
    sender->max_end = segment->end;
    if (is_syn) {
        (void)read_syn_options(segment, &windows->side_bits[SL_FLOW_ORIGINAL]);
        return;
    }
    sender->max_end += sender->max_window;
    windows->side_bits[SL_FLOW_ORIGINAL] = SL_FLOW_SIDE_SACKS | SL_FLOW_SIDE_LIBERAL;
    windows->side_bits[SL_FLOW_REPLY] = windows->side_bits[SL_FLOW_ORIGINAL];
}

void sl_flow_window_note(struct sl_flow_tcp_windows *windows, const struct sl_flow_segment *segment)
{
    note_window(windows, segment->window);
    windows->last = segment->kind == SL_FLOW_KIND_ACK ? segment->ack : segment->window;
    if (segment->kind == SL_FLOW_KIND_SYN && segment->direction == SL_FLOW_ORIGINAL) {
        windows->noted = 0;
        (void)read_syn_options(segment, &windows->noted);
    }
}

void sl_flow_window_resync(struct sl_flow_tcp_windows *windows, struct sl_flow_head *head,
                           const struct sl_flow_segment *segment)
{
    uint8_t way = (head->tcp_last & SL_FLOW_LAST_REPLY) != 0 ? SL_FLOW_REPLY : SL_FLOW_ORIGINAL;
    struct sl_flow_tcp_side *noted = &windows->sides[way];
    *noted = (struct sl_flow_tcp_side){.end = head->word,
                                       .max_end = head->word,
                                       .max_window = at_least_one(windows->last),
                                       .max_ack = noted->max_ack};
    windows->side_bits[way] = windows->noted;
    windows->sides[segment->direction] = (struct sl_flow_tcp_side){0};
    windows->side_bits[segment->direction] &= SL_FLOW_SIDE_LIBERAL;
    windows->bits &= SL_FLOW_WINDOW_OPEN;
}

/* The first segment of a side that is no SYN: the flow was picked up in its middle. */
static void pick_up(struct sl_flow_tcp_windows *windows, const struct sl_flow_segment *segment,
                    uint32_t highest)
{
    struct sl_flow_tcp_side *sender = &windows->sides[segment->direction];
    struct sl_flow_tcp_side *receiver = &windows->sides[segment->direction ^ 1];
    uint8_t scale = windows->side_bits[segment->direction] & SL_FLOW_SIDE_SCALE;
    sender->end = segment->end;
    sender->max_window = at_least_one((uint32_t)segment->window << scale);
    sender->max_end = segment->end + sender->max_window;
    if (receiver->max_window == 0) {
        /* nothing of the other side yet: what is acknowledged now, it has sent */
        receiver->end = highest;
        receiver->max_end = highest;
    } else if (highest == receiver->end + 1) {
        receiver->end++; /* likely the answer to a keep-alive */
    }
}

/* What a side's first segments mean. @return whether that is all there is to say: accepted */
static bool meet(struct sl_flow_tcp_windows *windows, const struct sl_flow_head *head,
                 const struct sl_flow_segment *segment, uint32_t highest)
{
    const struct sl_flow_tcp_side *sender = &windows->sides[segment->direction];
    bool is_syn = (segment->flags & SL_TCP_SYN) != 0;
    bool is_opening =
        head->upper == SL_FLOW_TCP_SYN_SENT || head->upper == SL_FLOW_TCP_SYN_RECEIVED;
    bool is_bare = (segment->flags & SL_TCP_ACK) == 0;
    if (sender->max_window != 0) {
        if (!is_syn || !is_opening || !is_after(segment->end, sender->end)) {
            return false;
        }
        /* RFC 9293 3.4.1: who begins anew uses sequence numbers beyond the old ones */
        begin_side(windows, segment);
        return segment->direction == SL_FLOW_REPLY && is_bare;
    }
    if (!is_syn) {
        pick_up(windows, segment, highest);
        return false;
    }
    begin_side(windows, segment);
    return is_bare; /* simultaneous open */
}

static struct view view_of(const struct sl_flow_tcp_windows *windows,
                           const struct sl_flow_head *head, const struct sl_flow_segment *segment,
                           uint32_t highest)
{
    struct view view = {
        .seq = segment->seq, .end = segment->end, .ack = segment->ack, .highest = highest};
    bool is_reset = (segment->flags & SL_TCP_RST) != 0;
    if ((segment->flags & SL_TCP_ACK) == 0 ||
        (is_reset && segment->ack == 0)) { /* some stacks send such resets */
        view.ack = windows->sides[segment->direction ^ 1].end;
        view.highest = view.ack;
    }
    if (is_reset && segment->seq == 0 && head->upper == SL_FLOW_TCP_SYN_SENT) {
        /* RFC 9293 3.10.7.1: the answer to a SYN nobody listens for */
        view.seq = windows->sides[segment->direction].end;
        view.end = view.seq;
    }
    return view;
}

enum sl_flow_tcp_result sl_flow_window_check(struct sl_flow_tcp_windows *windows,
                                             struct sl_flow_head *head,
                                             const struct sl_flow_segment *segment, bool is_liberal)
{
    const uint8_t *bits = windows->side_bits;
    uint32_t highest = (bits[segment->direction ^ 1] & SL_FLOW_SIDE_SACKS) != 0
                           ? highest_ack(segment)
                           : segment->ack;
    if (meet(windows, head, segment, highest)) {
        return SL_FLOW_TCP_ACCEPT;
    }
    struct view view = view_of(windows, head, segment, highest);
    enum sl_flow_tcp_result result = judge(windows, segment->direction, &view);
    if (result == SL_FLOW_TCP_ACCEPT) {
        move_on(windows, head, segment, &view);
    }
    is_liberal = is_liberal || (bits[segment->direction] & SL_FLOW_SIDE_LIBERAL) != 0;
    return is_liberal ? SL_FLOW_TCP_ACCEPT : result;
}
