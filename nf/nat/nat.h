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

/** What the NAT keeps per flow: all that translating takes, so that only new flows, and one packet
 * a second, look at the mapping. Also all that it takes to rebuild the mapping. */
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
    uint32_t last_out_s;
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
    uint64_t now_ms;
};

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
