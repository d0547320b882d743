/* SPDX-License-Identifier: Apache-2.0 */
/* The states of TCP, seen from the middle. */
#include "flow/tcp.h"

#include "base/bytes.h"

enum {
    FIN = 0x01,
    SYN = 0x02,
    RST = 0x04,
    PSH = 0x08,
    ACK = 0x10,
    URG = 0x20,
};

/* What a segment is, by the flag that counts. */
enum kind { KIND_SYN, KIND_SYNACK, KIND_FIN, KIND_ACK, KIND_RST, KIND_NONE, KIND_COUNT };

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
static const uint8_t next_state[2][KIND_COUNT][SL_FLOW_TCP_COUNT] =
    {
        [SL_FLOW_ORIGINAL] =
            {
                /*               NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
                [KIND_SYN] = {SS, SS, IG, IG, IG, IG, IG, SS, SS, S2},
                [KIND_SYNACK] = {IV, IV, SR, IV, IV, IV, IV, IV, IV, SR},
                [KIND_FIN] = {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
                [KIND_ACK] = {ES, IV, ES, ES, CW, CW, TW, TW, CL, IV},
                [KIND_RST] = {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL},
                [KIND_NONE] = {IV, IV, IV, IV, IV, IV, IV, IV, IV, IV},
            },
        [SL_FLOW_REPLY] =
            {
                /*               NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
                [KIND_SYN] = {IV, S2, IV, IV, IV, IV, IV, SS, IV, S2},
                [KIND_SYNACK] = {IV, SR, IG, IG, IG, IG, IG, IG, IG, SR},
                [KIND_FIN] = {IV, IV, FW, FW, LA, LA, LA, TW, CL, IV},
                [KIND_ACK] = {IV, IG, SR, ES, CW, CW, TW, TW, CL, IG},
                [KIND_RST] = {IV, CL, CL, CL, CL, CL, CL, CL, CL, CL},
                [KIND_NONE] = {IV, IV, IV, IV, IV, IV, IV, IV, IV, IV},
            },
};

/* struct sl_flow_head, tcp_last: the last segment's kind in the low three bits, then its way */
enum { LAST_KIND = 7, LAST_REPLY = 8, CLOSE_BEGUN_SHIFT = 4 };

static enum kind kind_of(uint8_t flags)
{
    if ((flags & RST) != 0) {
        return KIND_RST;
    }
    if ((flags & SYN) != 0) {
        return (flags & ACK) != 0 ? KIND_SYNACK : KIND_SYN;
    }
    if ((flags & FIN) != 0) {
        return KIND_FIN;
    }
    return (flags & ACK) != 0 ? KIND_ACK : KIND_NONE;
}

bool sl_flow_tcp_flags_are_valid(uint8_t flags)
{
    switch (flags & (FIN | SYN | RST | ACK | URG)) {
    case SYN:
    case SYN | URG:
    case SYN | ACK:
    case RST:
    case RST | ACK:
    case FIN | ACK:
    case FIN | ACK | URG:
    case ACK:
    case ACK | URG:
        return true;
    default:
        return false;
    }
}

uint32_t sl_flow_tcp_size(uint32_t mode)
{
    return mode == SL_FLOW_TCP_COMPACT ? 0 : (uint32_t)sizeof(struct sl_flow_tcp_windows);
}

static uint32_t seq_of(const struct sl_packet *packet)
{
    return sl_be32_get(packet->data + packet->l4_off + 4);
}

static uint32_t ack_of(const struct sl_packet *packet)
{
    return sl_be32_get(packet->data + packet->l4_off + 8);
}

/* Sequence number after the segment. */
static uint32_t end_of(const struct sl_packet *packet)
{
    uint32_t header = (uint32_t)(packet->data[packet->l4_off + 12] >> 4) * 4;
    uint32_t payload = packet->size - packet->l4_off - header;
    uint8_t flags = packet->tcp_flags;
    return seq_of(packet) + payload + ((flags & SYN) != 0) + ((flags & FIN) != 0);
}

bool sl_flow_tcp_begin(const struct sl_flow_options *options, struct sl_flow_head *head,
                       struct sl_flow_tcp_windows *windows, const struct sl_packet *packet)
{
    (void)windows;
    uint8_t state = next_state[SL_FLOW_ORIGINAL][kind_of(packet->tcp_flags)][NO];
    head->upper = NO;
    head->tcp_last = KIND_NONE;
    return state != IV && (state == SS || options->tcp_loose != 0);
}

static uint32_t timeout_of(const struct sl_flow_options *options, uint8_t state)
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

static uint8_t last_of(enum kind kind, uint8_t direction)
{
    return (uint8_t)(kind | (direction == SL_FLOW_REPLY ? LAST_REPLY : 0));
}

enum sl_flow_tcp_result sl_flow_tcp_next(const struct sl_flow_options *options,
                                         struct sl_flow_head *head,
                                         struct sl_flow_tcp_windows *windows,
                                         const struct sl_packet *packet, uint8_t direction,
                                         uint32_t *ret_timeout_s)
{
    (void)windows;
    enum kind kind = kind_of(packet->tcp_flags);
    uint8_t old = head->upper;
    uint8_t state = next_state[direction][kind][old];
    uint8_t last = last_of(kind, direction);
    uint8_t begun = head->tcp_last & (3u << CLOSE_BEGUN_SHIFT);
    uint8_t other = (uint8_t)(1u << (CLOSE_BEGUN_SHIFT + (direction ^ 1)));
    if (state == IV) {
        return SL_FLOW_TCP_INVALID;
    }
    if (state == SS && (old == TW || old == CL)) {
        if ((begun & other) != 0 || (head->tcp_last & 0xf) == last_of(KIND_RST, direction)) {
            return SL_FLOW_TCP_REOPEN;
        }
        state = IG;
    }
    if (state == IG) {
        bool is_answer = kind == KIND_SYNACK && (head->tcp_last & LAST_KIND) == KIND_SYN &&
                         ((head->tcp_last & LAST_REPLY) != 0) != (direction == SL_FLOW_REPLY);
        if (is_answer && ack_of(packet) == head->word) {
            return SL_FLOW_TCP_OUT_OF_STEP;
        }
        head->tcp_last = begun | last;
        head->word = end_of(packet);
        return SL_FLOW_TCP_IGNORE;
    }
    if (old != state && (state == FW || state == CL)) {
        begun |= (uint8_t)(1u << (CLOSE_BEGUN_SHIFT + direction));
    }
    head->tcp_last = begun | last;
    head->upper = state;
    if ((head->bits & SL_FLOW_BIT_SEEN_REPLY) == 0 && direction == SL_FLOW_ORIGINAL) {
        if (kind == KIND_RST) {
            return SL_FLOW_TCP_END;
        }
    } else if ((old == SR || old == ES) && state == ES) {
        head->bits |= SL_FLOW_BIT_ASSURED;
    }
    *ret_timeout_s = timeout_of(options, state);
    return SL_FLOW_TCP_ACCEPT;
}
