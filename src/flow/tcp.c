/* SPDX-License-Identifier: Apache-2.0 */
/* The states of TCP, seen from the middle. */
#include "flow/tcp.h"

#include "base/bytes.h"
#include "flow/tcp_window_inline.h"

enum {
    FIN = SL_TCP_FIN,
    SYN = SL_TCP_SYN,
    RST = SL_TCP_RST,
    ACK = SL_TCP_ACK,
    RETRANSMISSIONS = 3, /* the same segment so often again: the other side is likely gone */
};

/* Beside the states of enum sl_flow_tcp: the segment is let through and changes nothing; it belongs
 * to no connection. */
enum { IG = 14, IV = 15 };

enum {
    NO = SL_FLOW_TCP_NONE,
    SS = SL_FLOW_TCP_SYN_SENT,
    SR = SL_FLOW_TCP_SYN_RECEIVED,
    ES = SL_FLOW_TCP_ESTABLISHED,
    FW = SL_FLOW_TCP_FIN_WAIT,
    CW = SL_FLOW_TCP_CLOSE_WAIT,
    LA = SL_FLOW_TCP_LAST_ACK,
    TW = SL_FLOW_TCP_TIME_WAIT,
    CL = SL_FLOW_TCP_CLOSE,
    S2 = SL_FLOW_TCP_SYN_SENT2,
};

/* By direction, kind and state: RFC 9293 3.3.2 as far as somebody in the middle can tell. The rows
 * follow what Linux's conntrack answers to the same segments, so that rules mean the same. */
static const uint8_t next_state[2][SL_FLOW_KIND_COUNT][SL_FLOW_TCP_COUNT] =
    {
        [SL_FLOW_ORIGINAL] =
            {
                /*               NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
                [SL_FLOW_KIND_SYN] = {SS, SS, IG, IG, IG, IG, IG, SS, SS, S2},
                [SL_FLOW_KIND_SYNACK] = {IV, IV, SR, IV, IV, IV, IV, IV, IV, SR},
                [SL_FLOW_KIND_FIN] = {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
                [SL_FLOW_KIND_ACK] = {ES, IV, ES, ES, CW, CW, TW, TW, CL, IV},
                [SL_FLOW_KIND_RST] = {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL},
                [SL_FLOW_KIND_NONE] = {IV, IV, IV, IV, IV, IV, IV, IV, IV, IV},
            },
        [SL_FLOW_REPLY] =
            {
                /*               NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
                [SL_FLOW_KIND_SYN] = {IV, S2, IV, IV, IV, IV, IV, SS, IV, S2},
                [SL_FLOW_KIND_SYNACK] = {IV, SR, IG, IG, IG, IG, IG, IG, IG, SR},
                [SL_FLOW_KIND_FIN] = {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
                [SL_FLOW_KIND_ACK] = {IV, IG, SR, ES, CW, CW, TW, TW, CL, IG},
                [SL_FLOW_KIND_RST] = {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL},
                [SL_FLOW_KIND_NONE] = {IV, IV, IV, IV, IV, IV, IV, IV, IV, IV},
            },
};

static inline uint8_t kind_of(uint8_t flags)
{
    if ((flags & RST) != 0) {
        return SL_FLOW_KIND_RST;
    }
    if ((flags & SYN) != 0) {
        return (flags & ACK) != 0 ? SL_FLOW_KIND_SYNACK : SL_FLOW_KIND_SYN;
    }
    if ((flags & FIN) != 0) {
        return SL_FLOW_KIND_FIN;
    }
    return (flags & ACK) != 0 ? SL_FLOW_KIND_ACK : SL_FLOW_KIND_NONE;
}

uint32_t sl_flow_tcp_size(uint32_t mode)
{
    return mode == SL_FLOW_TCP_COMPACT ? 0 : (uint32_t)sizeof(struct sl_flow_tcp_windows);
}

static inline void segment_read(const struct sl_packet *packet, uint8_t direction, uint8_t flags,
                                struct sl_flow_segment *ret_segment)
{
    const uint8_t *tcp = packet->data + packet->l4_off;
    uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
    uint32_t seq = sl_be32_get(tcp + 4);
    *ret_segment = (struct sl_flow_segment){
        .seq = seq,
        .ack = sl_be32_get(tcp + 8),
        .end = seq + (packet->size - packet->l4_off - header) + packet->more +
               ((flags & SYN) != 0) + ((flags & FIN) != 0),
        .window = sl_be16_get(tcp + 14),
        .flags = flags,
        .kind = kind_of(flags),
        .direction = direction,
        .options = tcp + 20,
        .option_size = (uint8_t)(header - 20),
    };
}

bool sl_flow_tcp_may_begin(const struct sl_flow_options *options, const struct sl_packet *packet)
{
    uint8_t state = next_state[SL_FLOW_ORIGINAL][kind_of(packet->tcp_flags)][NO];
    return state == SS || (state != IV && options->tcp_loose != 0);
}

/* ---- steps of sl_flow_tcp_next ---- */

static bool is_last(const struct sl_flow_head *head, uint8_t kind)
{
    return (head->tcp_last & SL_FLOW_LAST_KIND) == kind;
}

/* The last segment went the same way. */
static bool is_same_way(const struct sl_flow_head *head, const struct sl_flow_segment *segment)
{
    return ((head->tcp_last & SL_FLOW_LAST_REPLY) != 0) == (segment->direction == SL_FLOW_REPLY);
}

/* A SYN for a connection that is over: RFC 9293 3.6.1 lets it begin another one. */
static bool may_reopen(const struct sl_flow_head *head, const struct sl_flow_segment *segment)
{
    return (head->tcp_more & SL_FLOW_MORE_CLOSING) != 0 ||
           (is_last(head, SL_FLOW_KIND_RST) && is_same_way(head, segment));
}

/* The segment may be of a connection that began unseen where this one is believed to be. It is let
 * through, and noted: an answer to it will show. @return whether it is that answer: both ends are
 * in step, and now so is the flow */
static bool ignore(struct sl_flow_head *head, struct sl_flow_tcp_windows *windows,
                   const struct sl_flow_segment *segment)
{
    if (segment->kind == SL_FLOW_KIND_SYNACK && is_last(head, SL_FLOW_KIND_SYN) &&
        !is_same_way(head, segment) && segment->ack == head->word) {
        if (windows != NULL) {
            sl_flow_window_resync(windows, head, segment);
        }
        head->tcp_more &= (uint16_t) ~(SL_FLOW_MORE_CHALLENGE | SL_FLOW_MORE_CLOSING);
        return true;
    }
    head->tcp_last = sl_flow_last_of(segment);
    head->word = segment->end;
    if (windows != NULL) {
        sl_flow_window_note(windows, segment);
    }
    if (segment->kind == SL_FLOW_KIND_SYN && segment->direction == SL_FLOW_ORIGINAL) {
        head->tcp_more &= (uint16_t) ~(SL_FLOW_MORE_SIMULTANEOUS | SL_FLOW_MORE_CHALLENGE);
        if (head->upper == LA) {
            head->tcp_more |= SL_FLOW_MORE_CHALLENGE;
        }
    }
    return false;
}

/* RFC 5961 4.2: a SYN out of place is answered by a "challenge ACK". It does not acknowledge the
 * last FIN. */
static bool is_challenge_ack(struct sl_flow_head *head, const struct sl_flow_segment *segment)
{
    if (head->upper != LA || segment->kind != SL_FLOW_KIND_ACK || is_same_way(head, segment) ||
        !is_last(head, SL_FLOW_KIND_SYN) || (head->tcp_more & SL_FLOW_MORE_CHALLENGE) == 0) {
        return false;
    }
    head->tcp_more &= (uint16_t)~SL_FLOW_MORE_CHALLENGE;
    return true;
}

static bool is_established(const struct sl_flow_head *head)
{
    return head->upper == ES && (head->bits & SL_FLOW_BIT_ASSURED) != 0;
}

enum reset { RESET_INVALID, RESET_CHECK, RESET_GOES, RESET_KEEPS };

/* RFC 5961 3.2: a reset counts where its sequence number is exactly the one that is expected; one
 * that is merely near may bring a challenge ACK, so the connection stays until its owner says so
 * too. */
static enum reset judge_sequence(const struct sl_flow_head *head,
                                 const struct sl_flow_tcp_side *other,
                                 const struct sl_flow_segment *segment)
{
    if (segment->seq == 0 && !is_established(head)) {
        return RESET_CHECK; /* it may answer a SYN that was let through */
    }
    if ((int32_t)(segment->seq - other->max_ack) < 0) {
        return RESET_INVALID;
    }
    bool is_exact = segment->seq == other->max_ack ||
                    (is_last(head, SL_FLOW_KIND_ACK) && is_same_way(head, segment) &&
                     segment->seq == head->word);
    return !is_established(head) || is_exact ? RESET_CHECK : RESET_KEEPS;
}

/* It may acknowledge what was let through without belief: no window knows. */
static bool answers_ignored(const struct sl_flow_head *head,
                            const struct sl_flow_tcp_windows *windows,
                            const struct sl_flow_segment *segment)
{
    bool is_after_ack = is_last(head, SL_FLOW_KIND_ACK);
    bool is_after_syn = is_last(head, SL_FLOW_KIND_SYN) && !is_same_way(head, segment);
    bool may_be = ((head->bits & SL_FLOW_BIT_SEEN_REPLY) != 0 && is_after_syn) ||
                  ((head->bits & SL_FLOW_BIT_ASSURED) == 0 && is_after_ack);
    if (may_be && segment->ack == head->word) {
        return true;
    }
    /* the answer to a challenge ACK */
    return head->upper == SS && is_after_ack && (head->tcp_last & SL_FLOW_LAST_REPLY) != 0 &&
           windows != NULL && segment->seq == windows->last;
}

static enum reset judge_reset(const struct sl_flow_head *head,
                              const struct sl_flow_tcp_windows *windows,
                              const struct sl_flow_segment *segment)
{
    if (head->upper >= FW && head->upper <= CL) {
        return RESET_GOES; /* closing: the tuple may be in use again already */
    }
    const struct sl_flow_tcp_side *other =
        windows != NULL ? &windows->sides[segment->direction ^ 1] : NULL;
    if (other != NULL && (windows->side_bits[segment->direction ^ 1] & SL_FLOW_SIDE_ACKED) != 0 &&
        !is_last(head, SL_FLOW_KIND_SYN)) {
        return judge_sequence(head, other, segment);
    }
    return answers_ignored(head, windows, segment) ? RESET_GOES : RESET_CHECK;
}

static inline uint32_t timeout_of_state(const struct sl_flow_options *options, uint8_t state)
{
    switch (state) {
    case SS:
    case S2:
        return options->tcp_syn_sent;
    case SR:
        return options->tcp_syn_received;
    case ES:
        return options->tcp_established;
    case FW:
        return options->tcp_fin_wait;
    case CW:
        return options->tcp_close_wait;
    case LA:
        return options->tcp_last_ack;
    case TW:
        return options->tcp_time_wait;
    default:
        return options->tcp_close;
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t timeout_of(const struct sl_flow_options *options,
                                  const struct sl_flow_head *head,
                                  const struct sl_flow_tcp_windows *windows, uint8_t kind,
                                  uint8_t state)
{
    uint32_t timeout_s = timeout_of_state(options, state);
    bool waits = windows != NULL && (windows->bits & (3u * SL_FLOW_WINDOW_WAITS)) != 0;
    if ((head->tcp_more & SL_FLOW_MORE_RETRANSMITTED) >= RETRANSMISSIONS &&
        timeout_s > options->tcp_retransmission) {
        return options->tcp_retransmission;
    }
    if (kind == SL_FLOW_KIND_RST) {
        return options->tcp_close;
    }
    if (waits && timeout_s > options->tcp_unacknowledged) {
        return options->tcp_unacknowledged;
    }
    if (windows != NULL && (windows->bits & SL_FLOW_WINDOW_OPEN) == 0) {
        timeout_s = least(timeout_s, options->tcp_retransmission);
    }
    if ((head->bits & SL_FLOW_BIT_SEEN_REPLY) == 0 && state == ES) {
        timeout_s = least(timeout_s, options->tcp_unacknowledged);
    }
    return timeout_s;
}

/* What the table of states leaves to be decided.
 * @param[in,out] state     where the segment leads
 * @param[out] ret_is_over  @p ret_result is the answer
 * @return whether the windows are still to be asked */
static bool decide(struct sl_flow_head *head, struct sl_flow_tcp_windows *windows,
                   const struct sl_flow_segment *segment, uint8_t *state,
                   enum sl_flow_tcp_result *ret_result)
{
    *ret_result = SL_FLOW_TCP_ACCEPT;
    if (*state == SS && (head->upper == TW || head->upper == CL)) {
        if (may_reopen(head, segment)) {
            *ret_result = SL_FLOW_TCP_REOPEN;
            return false;
        }
        *state = IG;
    }
    switch (*state) {
    case IV:
        *ret_result = SL_FLOW_TCP_INVALID;
        return false;
    case IG:
        if (!ignore(head, windows, segment)) {
            *ret_result = SL_FLOW_TCP_IGNORE;
            return false;
        }
        head->upper = SS;
        *state = SR;
        return true;
    case TW:
        if (is_challenge_ack(head, segment)) {
            *ret_result = SL_FLOW_TCP_IGNORE;
            return false;
        }
        return true;
    case S2:
        head->tcp_more |= SL_FLOW_MORE_SIMULTANEOUS;
        return true;
    case SR:
        if (segment->direction == SL_FLOW_REPLY && segment->kind == SL_FLOW_KIND_ACK &&
            (head->tcp_more & SL_FLOW_MORE_SIMULTANEOUS) != 0) {
            *state = ES;
        }
        return true;
    case CL:
        if (segment->kind == SL_FLOW_KIND_RST) {
            enum reset reset = judge_reset(head, windows, segment);
            *ret_result = reset == RESET_INVALID ? SL_FLOW_TCP_INVALID : SL_FLOW_TCP_ACCEPT;
            *state = reset == RESET_KEEPS ? head->upper : CL;
            return reset == RESET_CHECK || reset == RESET_KEEPS;
        }
        return true;
    default:
        return true;
    }
}

/* A close that is out of the windows: the next one of the other side is a hint, too. */
static void note_invalid_close(struct sl_flow_head *head, const struct sl_flow_segment *segment)
{
    bool is_close = segment->kind == SL_FLOW_KIND_RST || segment->kind == SL_FLOW_KIND_FIN;
    bool was_close = is_last(head, SL_FLOW_KIND_RST) || is_last(head, SL_FLOW_KIND_FIN);
    if ((head->bits & SL_FLOW_BIT_ASSURED) != 0 && is_close &&
        !(was_close && !is_same_way(head, segment))) {
        head->tcp_last = sl_flow_last_of(segment);
    }
}

bool sl_flow_tcp_pass(const struct sl_flow_options *options, struct sl_flow_head *head,
                      struct sl_flow_tcp_windows *windows, const struct sl_packet *packet,
                      uint8_t direction, uint32_t *ret_timeout_s)
{
    if (head->upper != ES || (packet->tcp_flags & (RST | SYN | FIN | ACK)) != ACK) {
        return false;
    }
    struct sl_flow_segment segment;
    segment_read(packet, direction, ACK, &segment); /* the others mean nothing here */
    if (windows == NULL) {
        head->word = segment.end;
    } else if (!window_pass(windows, head, &segment)) {
        return false;
    }
    head->tcp_last = sl_flow_last_of(&segment);
    head->bits |= (head->bits & SL_FLOW_BIT_SEEN_REPLY) != 0 ? SL_FLOW_BIT_ASSURED : 0;
    *ret_timeout_s = timeout_of(options, head, windows, SL_FLOW_KIND_ACK, ES);
    return true;
}

/* The connection goes on to a state. @return whether it is over */
static bool step(struct sl_flow_head *head, const struct sl_flow_tcp_windows *windows,
                 const struct sl_flow_segment *segment, uint8_t state)
{
    uint8_t old = head->upper;
    head->tcp_last = sl_flow_last_of(segment);
    head->upper = state;
    if (windows == NULL) {
        head->word = segment->end;
    }
    if (old != state && state == FW) {
        head->tcp_more |= SL_FLOW_MORE_CLOSING;
    }
    if ((head->bits & SL_FLOW_BIT_SEEN_REPLY) == 0) {
        return segment->kind == SL_FLOW_KIND_RST; /* all that was ever answered is a refusal */
    }
    if ((old == SR || old == ES) && state == ES) {
        head->bits |= SL_FLOW_BIT_ASSURED;
    }
    return false;
}

static enum sl_flow_tcp_result next(const struct sl_flow_options *options, uint32_t mode,
                                    struct sl_flow_head *head, struct sl_flow_tcp_windows *windows,
                                    const struct sl_flow_segment *segment, uint32_t *ret_timeout_s)
{
    enum sl_flow_tcp_result result;
    uint8_t state = next_state[segment->direction][segment->kind][head->upper];
    bool is_checked = decide(head, windows, segment, &state, &result);
    if (result != SL_FLOW_TCP_ACCEPT) {
        return result;
    }
    if (is_checked && windows != NULL) {
        result = sl_flow_window_check(windows, head, segment, mode == SL_FLOW_TCP_LIBERAL);
        if (result != SL_FLOW_TCP_ACCEPT) {
            if (result == SL_FLOW_TCP_INVALID) {
                note_invalid_close(head, segment);
            }
            return result;
        }
    }
    if (step(head, windows, segment, state)) {
        return SL_FLOW_TCP_END;
    }
    *ret_timeout_s = timeout_of(options, head, windows, segment->kind, state);
    return SL_FLOW_TCP_ACCEPT;
}

enum sl_flow_tcp_result sl_flow_tcp_next(const struct sl_flow_options *options, uint32_t mode,
                                         struct sl_flow_head *head,
                                         struct sl_flow_tcp_windows *windows,
                                         const struct sl_packet *packet, uint8_t direction,
                                         uint32_t *ret_timeout_s)
{
    struct sl_flow_segment segment;
    segment_read(packet, direction, packet->tcp_flags, &segment);
    return next(options, mode, head, windows, &segment, ret_timeout_s);
}

enum sl_flow_tcp_result sl_flow_tcp_first(const struct sl_flow_options *options, uint32_t mode,
                                          struct sl_flow_head *head,
                                          struct sl_flow_tcp_windows *windows,
                                          const struct sl_packet *packet, uint32_t *ret_timeout_s)
{
    struct sl_flow_segment segment;
    segment_read(packet, SL_FLOW_ORIGINAL, packet->tcp_flags, &segment);
    const bool is_syn = segment.kind == SL_FLOW_KIND_SYN;
    if (windows != NULL) {
        sl_flow_window_begin(windows, &segment, is_syn);
    }
    if (!is_syn) {
        head->upper = NO;
        head->tcp_last = SL_FLOW_KIND_NONE;
        return next(options, mode, head, windows, &segment, ret_timeout_s);
    }
    /* of a SYN the answers to all that would be asked are known */
    head->tcp_last = sl_flow_last_of(&segment);
    head->upper = SS;
    if (windows != NULL) {
        window_first(windows, &segment);
    } else {
        head->word = segment.end;
    }
    *ret_timeout_s = timeout_of(options, head, windows, SL_FLOW_KIND_SYN, SS);
    return SL_FLOW_TCP_ACCEPT;
}
