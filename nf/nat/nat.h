/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The NAT's parts that its files share: one shard's state, what it keeps per flow, and every
 * reason that a packet can have.
 */
#ifndef SL_NF_NAT_NAT_H
#define SL_NF_NAT_NAT_H

#include "nat/reason.h"
#include "nat/rewrite.h"
#include "nat/store.h"

enum nat_reason {
#define NAT_REASON_ENUM(name, text) NAT_##name,
    NAT_REASON_TABLE(NAT_REASON_ENUM)
#undef NAT_REASON_ENUM
        NAT_REASON_COUNT
};

enum nat_session_kind { NAT_SESSION_NONE = 0, NAT_SESSION_OUT = 1, NAT_SESSION_IN = 2 };

enum { NAT_SESSION_VERSION = 1 };

/** What the NAT keeps per flow: all that translating takes, so that only new flows, and a
 * packet now and then, look at the mapping. Also all that it takes to rebuild the mapping. */
struct nat_session {
    uint8_t kind;  /* made from inside or from outside */
    uint8_t space; /* enum nat_space; NAT_SPACE_COUNT: 1:1 of another protocol */
    uint8_t is_hairpin;
    uint8_t timeout; /* which one is set */
    uint16_t inside_port, outside_port;
    uint32_t outside;
    uint32_t remote;
    uint32_t mapping; /* NAT_NONE: a forward's */
    uint32_t generation;
    uint32_t permission;
    uint32_t epoch;
    uint32_t last_out_s; /* up to nat_look_s - 1 before it was */
    uint32_t seen_s;
    struct nat_addr inside;
};
_Static_assert(sizeof(struct nat_session) == 56, "part of saved flows");

/** What all shards share. */
struct nat_program {
    uint32_t references; /* counted on the control thread only */
    struct nat_policy policy;
};

/** One shard. */
struct nat {
    struct nat_program *program;
    struct nat_store *store;
    struct sl_flow_table *table; /* of the last burst; NULL before the first */
    uint32_t answer_tokens;      /* ICMP errors that may be sent now (RFC 1812 4.3.2.8) */
    uint64_t answer_ms;
    uint16_t fragment_id; /* of packets that IPv6 had none for */
    struct {              /* the IPv4 datagram whose fragments are on their way out */
        sl_flow_handle flow;
        uint32_t count; /* of all that there were */
        uint16_t before, now;
    } datagram;
    uint64_t counters[NAT_REASON_COUNT];
};

/** One packet on its way through. */
struct nat_work {
    struct nat *nat;
    struct sl_flow_table *table;
    struct sl_packet *packet;
    struct sl_flow *flow;
    struct nat_session *session;
    uint32_t now_s;
    uint32_t look_s[2]; /* nat_look_s: of ICMP's sessions, at 1 */
    uint64_t now_ms;
};

enum nat_timeout {
    NAT_TIMEOUT_UNSET = 0,
    NAT_TIMEOUT_UDP,
    NAT_TIMEOUT_TCP,
    NAT_TIMEOUT_TRANSITORY,
    NAT_TIMEOUT_ICMP,
    NAT_TIMEOUT_RESET,   /* transitory: an established connection was reset */
    NAT_TIMEOUT_REFUSED, /* transitory: another one was */
};

/* RFC 5382 REQ-5: established connections, and those "partially open or closing". A connection that
 * one side has closed may go on for long (RFC 6146 3.5.2.2): it is closing when both have. */
static inline enum nat_timeout nat_timeout_of(const struct nat_session *session, uint8_t tcp,
                                              bool is_reset)
{
    if (session->space == NAT_ICMP) {
        return NAT_TIMEOUT_ICMP;
    }
    if (session->space != NAT_TCP) {
        return NAT_TIMEOUT_UDP;
    }
    if (tcp == SL_FLOW_TCP_ESTABLISHED || tcp == SL_FLOW_TCP_FIN_WAIT ||
        tcp == SL_FLOW_TCP_CLOSE_WAIT) {
        return NAT_TIMEOUT_TCP;
    }
    if (tcp != SL_FLOW_TCP_CLOSE) {
        return NAT_TIMEOUT_TRANSITORY;
    }
    /* RFC 7857 2.2: four minutes after a reset, also where the table would end the flow at once;
     * RFC 6146 3.5.2.2: "If a packet other than a RST packet is received", the reset was not the
     * ends'
     */
    bool was_established =
        session->timeout == NAT_TIMEOUT_TCP || session->timeout == NAT_TIMEOUT_RESET;
    if (is_reset) {
        return was_established ? NAT_TIMEOUT_RESET : NAT_TIMEOUT_REFUSED;
    }
    return was_established ? NAT_TIMEOUT_TCP : NAT_TIMEOUT_TRANSITORY;
}

static inline bool nat_is_reset(const struct sl_packet *packet)
{
    return (packet->has & SL_PKT_HAS_TCP) != 0 && (packet->tcp_flags & SL_TCP_RST) != 0;
}

/** Seconds between two looks at a session's mapping, and between two notes of what goes out: a 64th
 * of what a mapping lasts. */
static inline uint32_t nat_look_s(const struct nat_policy *policy, uint8_t space)
{
    enum { PART_MS = 64 * 1000, LOOK_MAX = 16 };
    uint32_t ms = space == NAT_ICMP ? policy->icmp_ms : policy->udp_ms;
    uint32_t look_s = ms / PART_MS;
    return look_s < 1 ? 1 : look_s < LOOK_MAX ? look_s : (uint32_t)LOOK_MAX;
}

/** The same of a session, reckoned once a burst. */
static inline uint32_t nat_session_look_s(const struct nat_work *work,
                                          const struct nat_session *session)
{
    return work->look_s[session->space == NAT_ICMP];
}

/** True where nat_session_check would find the session as it was left and change nothing, as for
 * most packets: it was looked at just before under this policy, and so was what goes out. */
static inline bool nat_session_is_settled(const struct nat_work *work)
{
    const struct nat_session *session = work->session;
    bool is_out = work->packet->port_in == SL_PORT_LAN;
    bool is_original = work->flow->direction == SL_FLOW_ORIGINAL;
    if (work->flow->relation == SL_FLOW_RELATED || session->kind == NAT_SESSION_NONE ||
        is_original != (is_out == (session->kind == NAT_SESSION_OUT)) ||
        session->epoch != work->nat->store->epoch ||
        session->timeout != nat_timeout_of(session, work->flow->tcp, nat_is_reset(work->packet))) {
        return false;
    }
    uint32_t look_s = nat_session_look_s(work, session);
    return work->now_s - session->seen_s < look_s && work->now_s - session->last_out_s < look_s &&
           (!is_out || work->nat->program->policy.filtering != SL_NAT_ADDRESS_DEPENDENT ||
            session->mapping == NAT_NONE || session->permission != NAT_NONE);
}

/* ---- session.c: making, checking and ending what is kept per flow ---- */

/** Makes the session of a packet from inside (from outside): mapping, reply tuple, permission.
 * @retval NAT_translated_out, NAT_translated_in  made
 * @return else why not; nothing was made */
enum nat_reason nat_session_open_out(struct nat_work *work);
enum nat_reason nat_session_open_in(struct nat_work *work);
/** Undoes an open whose packet could not pass after all. */
void nat_session_undo(struct nat_work *work);
/** Whether an open session still stands, and how long from now on.
 * @retval NAT_translated_out, NAT_translated_in  it does */
enum nat_reason nat_session_check(struct nat_work *work);
void nat_session_ended(void *state, struct sl_flow_table *table,
                       const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                       void *flow_state, uint32_t end);
sl_rc nat_session_restored(void *state, struct sl_flow_table *table,
                           const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                           void *flow_state);

#endif
