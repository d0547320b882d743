/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The packet level of the NF interface: stateless functions over bursts of IP packets. The lowest
 * of the three levels; an NF uses the lowest that serves it.
 *
 * An NF is one `const struct sl_nf`, registered with SL_NF_REGISTER. The runtime hands it inner
 * packets in bursts of at most SL_BURST_MAX, already authenticated, decrypted and parsed; the NF
 * writes a verdict into each. NFs run in the order of the chain; one that drops ends the packet.
 */
#ifndef SAFELIB_PACKET_H
#define SAFELIB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safelib/rc.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SL_BURST_MAX = 64,
    /** Largest inner packet, bytes: a 9000-byte jumbo frame and room to grow. */
    SL_PACKET_MAX = 9216,
    /** `rule` of a packet that no rule matched: the default policy decided. */
    SL_RULE_DEFAULT = 0xffffffff,
};

/** Port a packet came in by, or goes out of. */
enum sl_port {
    SL_PORT_LAN = 0,
    SL_PORT_WAN = 1,
    SL_PORT_COUNT = 2,
};

/** What becomes of a packet. DROP is 0, so that a forgotten verdict fails closed. */
enum sl_verdict {
    SL_VERDICT_DROP = 0,
    /** on to the next NF, and after the last one out of the other port */
    SL_VERDICT_PASS = 1,
    /** rewritten by the NF into an answer (ICMP error, TCP RST): out of the port it came in by */
    SL_VERDICT_REPLY = 2,
    /** rewritten by the NF into a packet that belongs back where it came from (hairpinning): goes
     * on as though it had come in by the other port, steered anew, from this NF on and through
     * those that it came through, out of the port it came in by. Once: turned a second time, it is
     * dropped. */
    SL_VERDICT_TURN = 3,
};

/** Parts of a packet that were present and well-formed. */
enum {
    SL_PKT_HAS_PORTS =
        1u
        << 0, /**< sport, dport valid: TCP, UDP, SCTP, UDP-Lite or DCCP, first or only fragment */
    SL_PKT_HAS_TCP = 1u << 1,         /**< tcp_flags valid */
    SL_PKT_HAS_ICMP = 1u << 2,        /**< icmp_type, icmp_code valid (ICMP or ICMPv6 by `proto`) */
    SL_PKT_FRAGMENT = 1u << 3,        /**< part of a fragmented datagram */
    SL_PKT_LATER_FRAGMENT = 1u << 4,  /**< fragment with offset > 0: no L4 header in it */
    SL_PKT_MORE_FRAGMENTS = 1u << 5,  /**< the more-fragments flag is set */
    SL_PKT_FRAGMENT_HEADER = 1u << 6, /**< IPv6 fragment header present; alone: RFC 6946 atomic */
    SL_PKT_CUT = 1u << 7,    /**< [out] IPv6 with a fragment header right behind its own: leaves in
                                  fragments of at most 1280 bytes (RFC 7915 4, RFC 8200 4.5) */
    SL_PKT_RUNTIME = 0xf000, /**< bits that the runtime keeps for itself: an NF that parses a packet
                                  anew puts them back */
};

/** Control bits of a TCP header (RFC 9293 3.1, RFC 3168 6.1), as in `tcp_flags`. */
enum {
    SL_TCP_FIN = 0x01,
    SL_TCP_SYN = 0x02,
    SL_TCP_RST = 0x04,
    SL_TCP_PSH = 0x08,
    SL_TCP_ACK = 0x10,
    SL_TCP_URG = 0x20,
    SL_TCP_ECE = 0x40,
    SL_TCP_CWR = 0x80,
};

/** One IP packet in enclave memory. Fields marked [in] are the runtime's; an NF reads them. One
 * that rewrites headers of what it passes keeps them true, for those that come after it. */
struct sl_packet {
    uint8_t *data; /**< [in] first byte of the IPv4 or IPv6 header */
    uint32_t
        size; /**< [in,out] bytes, as in the IP header; an NF that resizes keeps size <= room */
    uint32_t room;      /**< [in] bytes that may be used from `data` on */
    uint8_t port_in;    /**< [in] enum sl_port */
    uint8_t ip_version; /**< [in] 4 or 6 */
    uint8_t proto;      /**< [in] upper-layer protocol, after IPv6 extension headers */
    uint8_t tcp_flags;  /**< [in] byte 13 of the TCP header */
    uint16_t l4_off;    /**< [in] offset of the upper-layer header; == size where there is none */
    uint16_t has;       /**< [in] SL_PKT_* */
    uint16_t sport;     /**< [in] host order */
    uint16_t dport;     /**< [in] host order */
    uint8_t icmp_type;  /**< [in] */
    uint8_t icmp_code;  /**< [in] */
    uint8_t verdict;    /**< [out] enum sl_verdict; SL_VERDICT_DROP on entry */
    uint8_t nf_index;   /**< set by the chain: the NF that decided */
    uint32_t rule;      /**< [out] number of the deciding rule, or SL_RULE_DEFAULT */
    uint16_t more;      /**< [in] first fragment of a datagram that is whole: bytes of it that are
                             in the others; else 0 */
    uint16_t more_sum;  /**< [in] and where that is UDP without a checksum: their sum (RFC 1071) */
    const uint8_t *src; /**< [in] source address in the header: 4 or 16 bytes, network order */
    const uint8_t *dst; /**< [in] destination address */
};

/** One named counter of an NF. */
struct sl_nf_counter {
    char name[48];
    uint64_t value;
};

struct sl_flow_spec;

/** Where an NF puts packets that no packet caused: reports, probes. */
struct sl_emit;

/** Sends a packet of the NF's own out of @p port, past the other NFs of the chain.
 * @param data  a whole IPv4 or IPv6 packet, checksums filled; copied
 * @retval SL_OK
 * @retval SL_RANGE  larger than SL_PACKET_MAX, or no IP packet
 * @retval SL_AGAIN  no room now, or no SA on that port: the packet is not taken
 * @context packet path, in `tick` */
sl_rc sl_emit_packet(struct sl_emit *emit, enum sl_port port, const void *data,
                     uint32_t size) SL_MUST_CHECK;

/** `steer`: this NF does not care which shard. */
#define SL_STEER_ANY 0xffffffffu

/** A network function. `name`, `load`, `unload` and one of `burst` and `flow` are required. */
struct sl_nf {
    /** lower-case, unique in the image: the name used in chains, e.g. "firewall" */
    const char *name;

    /** Checks a compiled policy and builds the state of one shard from it. Hostile input: bounded
     * parsing, nothing kept of @p policy after return.
     * @param[out] ret_state  the shard's state; written only on SL_OK
     * @param[out] reason     a sentence on refusal, at most @p reason_size bytes with terminator
     * @retval SL_OK, SL_MALFORMED, SL_TRUNCATED, SL_RANGE, SL_UNSUPPORTED, SL_NO_MEMORY
     * @context control thread; may allocate */
    sl_rc (*load)(const void *policy, size_t size, void **ret_state, char *reason,
                  size_t reason_size);

    /** Makes the state of a further shard from one that load built: same policy, counters of its
     * own from zero, large tables that nobody writes shared. The states are unloaded in any order.
     * Without it load runs once per shard. A state is told which shard it is by `place`.
     * @retval SL_OK, SL_NO_MEMORY
     * @context control thread; burst may be running on @p state */
    sl_rc (*share)(void *state, void **ret_state);

    /** Tells a state its place, once, before its first burst. Optional: for what is dealt out among
     * shards (ports of an address).
     * @context control thread */
    void (*place)(void *state, uint32_t shard, uint32_t shard_count);

    /** Decides every packet of a burst.
     * @context packet path: no allocation, no log, no system call; one thread per state */
    void (*burst)(void *state, struct sl_packet *const *packets, uint32_t count);

    /** The flow level (safelib/flow.h), in the place of `burst`. */
    const struct sl_flow_spec *flow;

    /** With both `burst` and `flow`: does this policy need flows? Without it, `flow` is used where
     * there is one.
     * @context control thread */
    bool (*is_stateful)(const void *state);

    /** Takes over from the state that it replaces in a new version of the chain, what it learned
     * (bindings, buckets); flow tables move by themselves. Without it learned state starts anew.
     * Bounded work: moves pointers, and leaves @p old fit for unload only.
     * @context packet path, between two bursts; both states are this shard's */
    void (*adopt)(void *state, void *old);

    /** Called some times a second, whether packets come or not.
     * @param now_ms   the shard's clock, monotonic; virtual in tests
     * @param unix_ms  time of day as the gateway attests it; 0: not known
     * @context packet path, between two bursts */
    void (*tick)(void *state, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit);

    /** Which shard a packet belongs to, as it enters the chain. Without it, and for SL_STEER_ANY,
     * the hash of its flow decides, the same for both directions. The first NF on the packet's way
     * that does not say SL_STEER_ANY decides for all, so one that rewrites addresses says it for
     * the packets on both of its sides.
     * @param shard_count  >= 2
     * @return less than @p shard_count, or SL_STEER_ANY
     * @context packet path of any shard: reads what load built, changes nothing */
    uint32_t (*steer)(const void *state, const struct sl_packet *packet, uint32_t shard_count);

    /** Carries out a line of the operator's or of the gateway's health checks, in words of the NF's
     * own ("backend web/a down"). Called for each shard's state, in turn. Optional.
     * @param[out] ret_answer  a sentence, at most @p answer_size bytes with terminator; an empty
     * one leaves the answer to the other shards
     * @retval SL_OK
     * @retval SL_INVALID    no such command
     * @retval SL_NOT_FOUND  of something that is not there
     * @context control thread; burst may be running on @p state: changes only what can be changed
     * atomically, in bounded time */
    sl_rc (*command)(void *state, const char *text, char *ret_answer, size_t answer_size);

    /** Frees what load or share built.
     * @context control thread */
    void (*unload)(void *state);

    /** Per-rule (or other) counters of one shard's state; read while burst may be running: values
     * may lag, never tear. */
    uint32_t (*counter_count)(const void *state);
    void (*counter_get)(const void *state, uint32_t index, struct sl_nf_counter *ret_counter);
};

/** Makes an NF known to the image it is linked into. */
#define SL_NF_REGISTER(nf)                                                                         \
    __attribute__((used, retain,                                                                   \
                   section("sl_nf_table"))) static const struct sl_nf *const nf##_entry = &(nf)

/** Parses @p packet->data[0 .. size) and fills every [in] field but data, size, room and port_in.
 * @retval SL_OK         fields valid; size cut to the IP header's total length (Ethernet padding)
 * @retval SL_TRUNCATED  headers or the datagram end past `size`
 * @retval SL_MALFORMED  version, header length, IPv4 header checksum excluded, extension chain
 * @context packet path */
sl_rc sl_packet_parse(struct sl_packet *packet) SL_MUST_CHECK;

/** Bytes of an IPv6 extension header that sl_packet_parse goes behind.
 * @param kind  as the header before it names it
 * @param at    two bytes of it at least
 * @return 0: @p kind is an upper layer, or none that it knows
 * @context packet path
 * @spec    RFC 8200 4.3 to 4.6, RFC 4302 2.2 */
uint32_t sl_packet_extension_size(uint8_t kind, const uint8_t *at);

#ifdef __cplusplus
}
#endif
#endif
