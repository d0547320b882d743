/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Virtual reassembly: fragments wait here until their datagram is whole, then leave as the packets
 * that they were, the first fragment first, each with what only the first one's upper-layer header
 * says. Nobody gets a datagram that could be read in two ways.
 *
 * RFC 791 and RFC 815 (IPv4: source, destination, protocol, identification), RFC 8200 4.5 (IPv6:
 * source, destination, identification). Where fragments overlap, the datagram is dropped, and what
 * follows of it (RFC 8200 4.5, RFC 5722; the same for IPv4); exact duplicates are dropped alone.
 * Tiny first fragments (RFC 1858, RFC 7112) are refused by sl_packet_parse. Atomic fragments (RFC
 * 6946) are no fragments. Nothing is answered: no ICMP time exceeded is sent.
 *
 * ICMP errors leave as one packet, as what they quote may lie across fragments: they have at most
 * 1280 bytes (RFC 4443 2.4 (c); RFC 1812 4.3.2.3: 576), longer ones are dropped.
 *
 * All memory is taken at creation; one pool per shard, one thread.
 */
#ifndef SL_FLOW_FRAGMENTS_H
#define SL_FLOW_FRAGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/tuple.h"
#include "safelib/packet.h"

enum {
    SL_FRAGMENTS_BLOCK = 256, /**< bytes of a pool's unit of memory */
    /** Fragments of one datagram at most: 64 KiB in packets of 576 bytes are 119. */
    SL_FRAGMENTS_OF_DATAGRAM = 128,
    SL_FRAGMENTS_ERROR_MAX = 1280, /**< bytes of an ICMP error that came in fragments */
};

#define SL_FRAGMENTS_COUNTER_TABLE(X)                                                              \
    X(fragments, "fragments taken in")                                                             \
    X(datagrams, "datagrams that were whole")                                                      \
    X(released, "fragments of whole datagrams")                                                    \
    X(held, "fragments waiting now")                                                               \
    X(duplicate, "exact duplicates, dropped")                                                      \
    X(overlap, "datagrams dropped: fragments overlap or contradict each other")                    \
    X(poisoned, "fragments dropped: of a datagram that was dropped before")                        \
    X(malformed, "fragments dropped: a length no fragment has, or past 65535 bytes")               \
    X(timeout, "datagrams dropped: not whole in time")                                             \
    X(evicted, "datagrams dropped: the oldest, to make room")                                      \
    X(share, "fragments dropped: their source holds its share already")                            \
    X(too_many, "datagrams dropped: more fragments than any datagram needs")                       \
    X(long_error, "datagrams dropped: ICMP errors longer than any may be")                         \
    X(dropped, "fragments dropped, for any of these reasons")

struct sl_fragments_counters {
#define SL_FRAGMENTS_COUNTER(name, text) uint64_t name;
    SL_FRAGMENTS_COUNTER_TABLE(SL_FRAGMENTS_COUNTER)
#undef SL_FRAGMENTS_COUNTER
};

/** What becomes of a fragment other than to leave as it came; with a word, and a sentence on it. */
#define SL_FRAGMENTS_FATE_TABLE(X)                                                                 \
    X(WAITS, "waits", "waits for the rest of its datagram")                                        \
    X(DUPLICATE, "duplicate", "the same as one that waits: dropped alone")                         \
    X(OVERLAP, "overlap", "overlaps or contradicts another one: the datagram is dropped")          \
    X(POISONED, "poisoned", "of a datagram that was dropped before")                               \
    X(MALFORMED, "malformed", "no datagram has such a fragment: its length, or where it ends")     \
    X(TIMEOUT, "timeout", "its datagram was not whole in time")                                    \
    X(EVICTED, "evicted", "its datagram was the oldest, and gave way to others")                   \
    X(SHARE, "share", "its source holds its share of the memory for fragments")                    \
    X(TOO_MANY, "too-many", "more fragments than any datagram needs: the datagram is dropped")     \
    X(LONG_ERROR, "long-error", "an ICMP error longer than any may be: dropped")                   \
    X(NO_ROOM, "no-room", "larger than the memory for fragments")                                  \
    X(JOINED, "joined", "left in one packet with the first fragment")

enum sl_fragments_fate {
#define SL_FRAGMENTS_FATE(name, word, text) SL_FRAGMENT_##name,
    SL_FRAGMENTS_FATE_TABLE(SL_FRAGMENTS_FATE)
#undef SL_FRAGMENTS_FATE
        SL_FRAGMENT_FATES
};
/** A fate's word, the end of a sentence on it; "?" for a number that is none. */
const char *sl_fragments_fate_word(uint32_t fate);
const char *sl_fragments_fate_text(uint32_t fate);

/** Is told of each fragment that will not leave: all but WAITS. */
typedef void sl_fragments_watcher(void *ctx, uint32_t tag, enum sl_fragments_fate fate);

/** Bounds of a pool. */
struct sl_fragments_limits {
    uint32_t blocks;       /**< memory for fragments, in SL_FRAGMENTS_BLOCK; 64..65535 */
    uint32_t datagrams;    /**< 1..65535 */
    uint32_t source_share; /**< blocks that one source address may hold; 0: an eighth */
    uint32_t timeout4_ms;  /**< from the first fragment on; 0: 30 s */
    uint32_t timeout6_ms;  /**< 0: 60 s (RFC 8200 4.5) */
};

struct sl_fragments;

/** @retval SL_OK  @retval SL_RANGE  limits out of bounds  @retval SL_NO_MEMORY
 * @retval SL_CRYPTO  no randomness for its hash
 * @context control thread  @owner caller frees */
sl_rc sl_fragments_create(const struct sl_fragments_limits *limits,
                          struct sl_fragments **ret_fragments) SL_MUST_CHECK;
/** The limits of a shard: 1 MiB, 1024 datagrams. */
struct sl_fragments_limits sl_fragments_limits_default(void);
void sl_fragments_free(struct sl_fragments *fragments);
/** Bytes of memory, all of it taken at creation. */
size_t sl_fragments_bytes(const struct sl_fragments *fragments);

/** The clock, never back; drops what is over time.
 * @context packet path */
void sl_fragments_set_now(struct sl_fragments *fragments, uint64_t now_ms);

/** Drops what waits, as if to make room; what is ready stays. */
void sl_fragments_clear(struct sl_fragments *fragments);

/** Whether a parsed packet is to be reassembled: a fragment that has not been yet. */
static inline bool sl_fragments_wants(const struct sl_packet *packet)
{
    return (packet->has & (SL_PKT_FRAGMENT | SL_FLOW_PKT_WHOLE)) == SL_PKT_FRAGMENT;
}

/** Takes in a copy of a fragment that sl_fragments_wants. @p packet is the caller's again on
 * return.
 * @param tag  the caller's name for it
 * @retval SL_OK         it waits
 * @retval SL_EXISTS     an exact duplicate: dropped
 * @retval SL_STATE      of a datagram that was dropped, now or before: dropped
 * @retval SL_MALFORMED  no fragment of any datagram: dropped
 * @retval SL_NO_SPACE   its source holds its share, or it is larger than the pool: dropped
 * @context packet path: no allocation */
sl_rc sl_fragments_add(struct sl_fragments *fragments, const struct sl_packet *packet,
                       uint32_t tag) SL_MUST_CHECK;

/** The rule of the packet path: a fragment goes to its datagram and does not go on.
 * @param fragments  NULL: fragments pass as they come
 * @return false where @p packet is to go on
 * @context packet path */
static inline bool sl_fragments_hold(struct sl_fragments *fragments, const struct sl_packet *packet,
                                     uint32_t tag)
{
    if (fragments == NULL || !sl_fragments_wants(packet)) {
        return false;
    }
    (void)!sl_fragments_add(fragments, packet, tag);
    return true;
}

/** Has fragments' fates told to @p watcher, from within the calls that decide them. NULL: to
 * nobody.
 */
void sl_fragments_watch(struct sl_fragments *fragments, sl_fragments_watcher *watcher, void *ctx);

/** Where a fragment lies. */
struct sl_fragments_place {
    uint32_t begin, end; /**< within the datagram's fragmentable part */
    uint32_t payload;    /**< where it begins in the packet */
    uint32_t id;         /**< the datagram's identification */
    bool is_more;
};
/** @return false where no datagram has such a fragment: a length that is no multiple of 8 but at
 * the end, nothing in it, or an end past 65535 bytes (RFC 8200 4.5) */
bool sl_fragments_place_of(const struct sl_packet *packet, struct sl_fragments_place *ret_place);

/** How far a datagram is. */
struct sl_fragments_progress {
    uint32_t fragments; /**< that wait */
    uint32_t holes;     /**< RFC 815; that behind the last one, where the end is not known, too */
};
/** @param packet  any of its fragments
 * @retval SL_OK
 * @retval SL_NOT_FOUND  nothing of it waits: not seen, whole, or over
 * @retval SL_STATE      it was dropped, and so will be what follows of it */
sl_rc sl_fragments_progress(const struct sl_fragments *fragments, const struct sl_packet *packet,
                            struct sl_fragments_progress *ret_progress) SL_MUST_CHECK;

/** Whether fragments of whole datagrams wait to be taken. */
bool sl_fragments_is_ready(const struct sl_fragments *fragments);

/** Takes the next fragment of a whole datagram out, in the datagram's order. It has the ports of
 * the first one, or the identifier in both ports, type and code of an ICMP message; and the verdict
 * DROP. An ICMP error is taken out as one packet.
 * @param[out] out     its bytes
 * @param      room    bytes that may be used; becomes the packet's room
 * @param[out] ret_tag  as it was given; of one packet made of several, that of the first
 * @retval SL_OK
 * @retval SL_NOT_FOUND  none is ready
 * @retval SL_NO_SPACE   @p room is less than the fragment has
 * @context packet path */
sl_rc sl_fragments_take(struct sl_fragments *fragments, uint8_t *out, uint32_t room,
                        struct sl_packet *ret_packet, uint32_t *ret_tag) SL_MUST_CHECK;

/** @context any thread: values may lag, never tear */
void sl_fragments_counters(const struct sl_fragments *fragments,
                           struct sl_fragments_counters *ret_counters);

/** Fragments that came in by that port and were dropped; rises only.
 * @context the pool's thread */
uint64_t sl_fragments_dropped(const struct sl_fragments *fragments, uint32_t port);

/** What names a datagram: the same bytes for all of its fragments; @return how many.
 * @param[out] ret_key  at least SL_FRAGMENTS_KEY bytes */
enum { SL_FRAGMENTS_KEY = 40 };
uint32_t sl_fragments_key(const struct sl_packet *packet, uint8_t ret_key[SL_FRAGMENTS_KEY]);

#endif
