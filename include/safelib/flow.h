/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The flow level of the NF interface: packets with their flows. The second of the three levels.
 *
 * A flow NF says in `struct sl_flow_spec` how many bytes it keeps per flow. The runtime gives each
 * shard a table of its own for each such NF, finds or makes the flow of every packet of a burst,
 * follows TCP's states, ends what was idle for too long, keeps what does not fit into the enclave
 * encrypted and fresh outside, saves and restores it, and hands it to the next version of the
 * policy. The NF only decides.
 *
 * One entry holds both directions. A new flow whose packets of its first burst the NF all drops is
 * forgotten with that burst; one that it answers (SL_VERDICT_REPLY) is kept unless it closes it.
 * Packets of one flow always come to one shard (struct sl_nf, steer). Fragments come once their
 * datagram is whole, one after another, with the ports of the first in all of them (ICMP queries:
 * its type, and the identifier in both ports). Datagrams whose fragments overlap never come.
 * Packets from the LAN visit a chain's NFs from first to last, those from the WAN from last to
 * first, so that each NF sees one side of its neighbours.
 */
#ifndef SAFELIB_FLOW_H
#define SAFELIB_FLOW_H

#include "safelib/packet.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SL_FLOW_STATE_MAX = 192, /**< bytes an NF may keep per flow */
    SL_FLOW_NONE = 0,        /**< the handle of no flow */
};

/** Both ends of a packet. Unused bytes are zero, so that tuples compare as bytes. */
struct sl_flow_tuple {
    uint8_t src[16]; /**< network order; IPv4 in the first 4 */
    uint8_t dst[16];
    uint16_t sport; /**< host order; ICMP queries: identifier in both; 0 where there are none */
    uint16_t dport;
    uint8_t proto;      /**< upper-layer protocol */
    uint8_t ip_version; /**< 4 or 6 */
    uint8_t icmp_type;  /**< ICMP queries: as in the packet (echo: 8 one way, 0 the other); turning
                             a tuple turns it too. Other protocols: 0 */
    uint8_t zero;
};
#ifndef __cplusplus
_Static_assert(sizeof(struct sl_flow_tuple) == 40, "no padding");
#endif

/** What a packet is to its flow; the words are those of conntrack. */
enum sl_flow_class {
    SL_FLOW_INVALID = 0,     /**< no packet of any flow: bad TCP state, error about no flow */
    SL_FLOW_NEW = 1,         /**< only the original direction has been seen */
    SL_FLOW_ESTABLISHED = 2, /**< both directions have */
    SL_FLOW_RELATED = 3,     /**< an ICMP error about a packet of the flow */
    SL_FLOW_UNTRACKED = 4,   /**< has no flow by its nature: neighbour discovery, multicast */
    SL_FLOW_FULL = 5,        /**< would be NEW, but the table has no room */
};

enum sl_flow_direction {
    SL_FLOW_ORIGINAL = 0, /**< the way of the first packet */
    SL_FLOW_REPLY = 1,
};

/** TCP states as the flow goes by (RFC 9293 3.3.2, seen from the middle). */
enum sl_flow_tcp {
    SL_FLOW_TCP_NONE = 0, /**< not TCP, or nothing seen */
    SL_FLOW_TCP_SYN_SENT,
    SL_FLOW_TCP_SYN_RECEIVED,
    SL_FLOW_TCP_ESTABLISHED,
    SL_FLOW_TCP_FIN_WAIT,
    SL_FLOW_TCP_CLOSE_WAIT,
    SL_FLOW_TCP_LAST_ACK,
    SL_FLOW_TCP_TIME_WAIT,
    SL_FLOW_TCP_CLOSE,
    SL_FLOW_TCP_SYN_SENT2, /**< simultaneous open */
    SL_FLOW_TCP_COUNT,
};

enum sl_flow_end {
    SL_FLOW_END_IDLE = 0,
    SL_FLOW_END_CLOSED,  /**< TCP is over, or an NF ended it */
    SL_FLOW_END_EVICTED, /**< an unanswered flow gave way to another one */
    SL_FLOW_END_LOST,    /**< the untrusted side damaged what it kept: tuples, state are zero */
    SL_FLOW_END_UNLOAD,  /**< the NF left the chain */
};

/** Opaque, counted: the handle of a flow that is over is never that of another one. */
typedef uint64_t sl_flow_handle;

/** A flow as an NF sees it during one burst. */
struct sl_flow {
    sl_flow_handle handle; /**< SL_FLOW_NONE: INVALID, UNTRACKED, FULL */
    /** [in,out] the NF's bytes, 8-aligned, all zero in a new flow; valid until the burst returns.
     * NULL where handle is SL_FLOW_NONE. Packets of one flow in a burst share it. */
    void *state;
    uint8_t relation;  /**< enum sl_flow_class */
    uint8_t direction; /**< enum sl_flow_direction; of RELATED: of the packet the error is about,
                            turned, so it is the way the error goes */
    uint8_t tcp;       /**< enum sl_flow_tcp, after this packet */
    uint8_t is_first;  /**< this packet made the flow */
};

struct sl_flow_table;

/** What an NF wants of its table beyond the usual; struct sl_flow_spec, flags. */
enum {
    /** Calls sl_flow_set_reply: every record has room for a second key (IPv4 16 bytes, IPv6 40). */
    SL_FLOW_SPEC_REKEYS = 1u << 0,
    /** Follows TCP's windows unless the table's options say otherwise (56 bytes per flow). */
    SL_FLOW_SPEC_TCP_STRICT = 1u << 1,
    /** Replies may be of the other IP version both ways (NAT64): with SL_FLOW_SPEC_REKEYS, 40 bytes
     * in every record. */
    SL_FLOW_SPEC_REKEYS_46 = 1u << 2,
};

/** The flow level's part of an NF; constant. */
struct sl_flow_spec {
    uint32_t state_size; /**< bytes per flow, 0..SL_FLOW_STATE_MAX */
    uint32_t version;    /**< of the state's layout: saved flows of another one are not restored */
    uint32_t flags;      /**< SL_FLOW_SPEC_* */

    /** Decides every packet of a burst; in the place of struct sl_nf, burst.
     * @param flows  one for each packet
     * @context packet path: no allocation, no log, no system call; one thread per state */
    void (*burst)(void *state, struct sl_flow_table *table, struct sl_packet *const *packets,
                  struct sl_flow *flows, uint32_t count);

    /** A flow is over; once for each that was kept. Optional.
     * @param original, reply  its tuples
     * @param flow_state       the NF's bytes, for the last time
     * @param end              enum sl_flow_end
     * @context packet path, between bursts */
    void (*ended)(void *state, struct sl_flow_table *table, const struct sl_flow_tuple *original,
                  const struct sl_flow_tuple *reply, void *flow_state, uint32_t end);

    /** A flow came back from a snapshot: rebuild what hangs on it (a port that is taken). Optional.
     * @retval SL_OK; anything else: the flow is not kept
     * @context the shard's thread, after `place`, before the state's first burst */
    sl_rc (*restored)(void *state, struct sl_flow_table *table,
                      const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                      void *flow_state);
};

/* ---- for the NF during its burst, tick or ended callback; context: packet path ---- */

/** Milliseconds of the shard's clock, monotonic; virtual in tests. Constant during a burst. */
uint64_t sl_flow_now_ms(const struct sl_flow_table *table);

/** The tuples of a flow.
 * @retval SL_OK
 * @retval SL_STALE  the handle's flow is over */
sl_rc sl_flow_tuples(struct sl_flow_table *table, sl_flow_handle handle,
                     struct sl_flow_tuple *ret_original,
                     struct sl_flow_tuple *ret_reply) SL_MUST_CHECK;

/** Says how the flow's other direction looks where it is not the original turned (NAT, balancing).
 * Only for a flow whose first packet is in this burst (is_first), by an NF with
 * SL_FLOW_SPEC_REKEYS. The reply of an IPv4 flow is IPv4 (either, with SL_FLOW_SPEC_REKEYS_46);
 * that of an IPv6 flow may be either.
 * @retval SL_OK
 * @retval SL_EXISTS    another flow has that tuple: choose another
 * @retval SL_STALE     the handle's flow is over
 * @retval SL_STATE     not a flow of this burst
 * @retval SL_NO_SPACE  no room for a second key: not asked for, IPv6 where there is room for IPv4
 *                      only, or the index is full */
sl_rc sl_flow_set_reply(struct sl_flow_table *table, sl_flow_handle handle,
                        const struct sl_flow_tuple *reply) SL_MUST_CHECK;

/** True where a flow has this tuple in either direction. */
bool sl_flow_has(struct sl_flow_table *table, const struct sl_flow_tuple *tuple);

/** Ends the flow idle for @p idle_ms from now on, in the place of the table's own timeouts; 0: the
 * table's own again.
 * @retval SL_OK, SL_STALE */
sl_rc sl_flow_set_timeout(struct sl_flow_table *table, sl_flow_handle handle,
                          uint32_t idle_ms) SL_MUST_CHECK;

/** Ends a flow after this burst: one that began in it is forgotten without a call of `ended`.
 * @retval SL_OK, SL_STALE */
sl_rc sl_flow_close(struct sl_flow_table *table, sl_flow_handle handle) SL_MUST_CHECK;

/** Keyed hash, with the table's own secret key: for maps of the NF's own that strangers fill. The
 * key goes with the flows into the next version of the policy. */
uint64_t sl_flow_hash(const struct sl_flow_table *table, const void *data, size_t size);

/** The tuple of a parsed packet; of an ICMP error that of the packet inside, turned.
 * @param[out] ret_is_error  it is an ICMP error
 * @retval SL_OK
 * @retval SL_UNSUPPORTED  has no flow by its nature
 * @retval SL_TRUNCATED, SL_MALFORMED  an ICMP error with too little in it */
sl_rc sl_flow_tuple_of(const struct sl_packet *packet, struct sl_flow_tuple *ret_tuple,
                       bool *ret_is_error) SL_MUST_CHECK;
/** Turns a tuple: the other direction's. */
struct sl_flow_tuple sl_flow_turn(const struct sl_flow_tuple *tuple);

#ifdef __cplusplus
}
#endif
#endif
