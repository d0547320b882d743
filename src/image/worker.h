/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The packet path of one shard: from the rx rings of both ports through ESP, the chain and ESP
 * again into the tx rings. One worker, one thread; nothing mutable is shared with another shard.
 *
 * What a worker uses (SAs, chain) it takes from one pointer, read once per pass, to a configuration
 * that never changes after it was published. Publishing swaps the pointer; the old configuration is
 * freed once the worker's epoch shows that no pass can still be using it. No lock on the packet
 * path, and no packet sees half a policy.
 */
#ifndef SL_IMAGE_WORKER_H
#define SL_IMAGE_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "boundary/ring.h"
#include "control/message.h"
#include "esp/esp.h"
#include "flow/fragments.h"
#include "image/handover.h"
#include "image/snapshot_job.h"
#include "nf/chain.h"

/** Per port by which the packet came in. Every datagram received or taken ends in exactly one of
 * passed, replied, probe_answered, handed and the drops; fragments may wait for their
 * datagram, or leave in one packet with the first. */
#define SL_WORKER_COUNTER_TABLE(X)                                                                 \
    X(received, "datagrams taken from the host")                                                   \
    X(passed, "packets sent out of the other port")                                                \
    X(replied, "packets answered out of the port they came in by")                                 \
    X(probe_answered, "path probes answered")                                                      \
    X(drop_too_big, "datagrams larger than any packet may be")                                     \
    X(drop_no_sa, "no inbound SA on this port")                                                    \
    X(drop_spi, "SPI of neither the port's SA nor its predecessor")                                \
    X(drop_esp, "refused by ESP: the SA's counters say why")                                       \
    X(drop_dummy, "authentic packets that carry nothing")                                          \
    X(drop_ecn, "congestion mark on a packet whose sender cannot hear it (RFC 6040 4.2)")          \
    X(drop_parse, "inner packet malformed")                                                        \
    X(handed, "packets handed over to the shard that they belong to")                              \
    X(taken, "packets taken over from other shards; they add to received")                         \
    X(drop_handover, "the shard that it belongs to does not keep up")                              \
    X(drop_fragment, "fragments of what was not whole in time, or could be read in two ways")      \
    X(drop_no_chain, "no chain loaded")                                                            \
    X(drop_verdict, "dropped by the chain")                                                        \
    X(drop_no_sa_out, "no outbound SA on the port it should leave by")                             \
    X(drop_tx_full, "the host does not drain the tx ring")                                         \
    X(drop_seal, "outbound ESP refused: sequence numbers exhausted, or the NF left no IP packet")

struct sl_worker_counters {
#define SL_WORKER_COUNTER(name, text) uint64_t name;
    SL_WORKER_COUNTER_TABLE(SL_WORKER_COUNTER)
#undef SL_WORKER_COUNTER
};

/** What a port of a shard may use. NULL: nothing passes. */
struct sl_worker_port {
    struct sl_esp_sa *in;
    struct sl_esp_sa *in_previous[SL_SA_PREVIOUS_MAX]; /**< newest first, then NULL; for overlaps */
    struct sl_esp_sa *out;
    bool is_dscp_copied;
    bool is_single; /**< SL_MSG_PATH: no trains */
    uint16_t mtu;   /**< SL_MSG_PATH: larger inner packets may be fragmented outside; 0: none */
};

/** Constant once published; the SAs and the chain it points to are the worker's to change. */
struct sl_worker_config {
    struct sl_worker_port ports[SL_PORT_COUNT];
    struct sl_chain *chain; /**< NULL: nothing passes */
    /** where fragments wait; NULL: they pass as they come, as no NF of the chain keeps flows */
    struct sl_fragments *fragments;
    bool is_steered; /**< sl_chain_is_steered */
};

enum {
    SL_WORKER_RUNS = 32, /**< runs taken from a ring at once */
    /** A burst ends when it holds this many bytes, so that packets stay in the first-level cache
     * between decryption, NFs and encryption. */
    SL_WORKER_BURST_BYTES = 20 << 10,
    /** Bytes that a packet may grow by in an NF (an ICMP error around it). */
    SL_WORKER_GROWTH = 128,
    SL_WORKER_DATAGRAM_MAX = SL_PACKET_MAX + SL_ESP_OVERHEAD_MAX,
    SL_WORKER_ARENA_SIZE = SL_WORKER_BURST_BYTES + SL_WORKER_DATAGRAM_MAX + SL_WORKER_GROWTH +
                           SL_ESP_OVERHEAD_MAX + 64,
};

/** One port's rings and where the worker is in them. */
struct sl_worker_lane {
    struct sl_rx rx;
    struct sl_tx tx;
    struct sl_run runs[SL_WORKER_RUNS];
    uint32_t run_count;
    uint32_t run_index;
    uint32_t run_off; /**< bytes of the current run already taken */
    uint16_t peer;    /**< host's tag of the last authenticated packet: where answers go */
    uint64_t *run_end;
    struct sl_worker_counters counters;
};

struct sl_worker {
    /** Odd while a pass is under way. Written by the worker only. */
    _Alignas(SL_HANDOVER_ALIGN) _Atomic uint64_t epoch;
    /** Published by the control thread. Never NULL after sl_worker_init. */
    _Alignas(64) _Atomic(struct sl_worker_config *) config;
    _Atomic bool is_stopped;
    uint32_t shard;
    struct sl_boundary_counters boundary;
    struct sl_worker_lane lanes[SL_PORT_COUNT];
    struct sl_packet packets[SL_BURST_MAX];
    struct sl_packet *burst[SL_BURST_MAX];
    uint8_t origin[SL_BURST_MAX]; /**< the port by which each of the burst came to the image */
    /** Rings from and to each other shard; NULL where there is none. */
    struct sl_handover *from[SL_AREA_SHARDS_MAX];
    struct sl_handover *to[SL_AREA_SHARDS_MAX];
    uint32_t take_first;  /**< from which the next pass takes first */
    uint32_t shard_count; /**< that are connected; 1: alone */
    /** The other workers; NULL where there is none. */
    struct sl_worker *peers[SL_AREA_SHARDS_MAX];
    uint32_t thread; /**< its number in the runtime, for who wants to wake it */
    /** The worker is about to wait, or waits, outside. Whoever hands it something takes the mark
     * away and wakes it: nothing lies until its time is over. */
    _Atomic bool is_resting;
    uint64_t waits; /**< times the worker gave the processor back */
    uint64_t wakes; /**< other workers that it woke */
    /** The chain that ran last: what the next one adopts from. Written by the worker only; the
     * publisher frees no chain that is in here. */
    _Atomic(struct sl_chain *) chain_now;
    uint64_t ticked_ms; /**< last sl_chain_tick */
    uint64_t emitted;   /**< packets that NFs made themselves */
    struct sl_snapshot_job job;
    uint8_t *arena; /**< private packet memory, SL_WORKER_ARENA_SIZE */
};

/** Prepares a worker over the rings of one shard. Its configuration is empty: all drops.
 * @param area  base of the shared area, in layout @p layout
 * @retval SL_OK, SL_RANGE (shard), SL_NO_MEMORY
 * @context control thread, before the worker runs */
sl_rc sl_worker_init(struct sl_worker *worker, uint32_t shard, uint8_t *area,
                     const struct sl_area_geometry *geometry,
                     const struct sl_area_layout *layout) SL_MUST_CHECK;
/** Connects workers, so that each can hand packets over to each other one. Of one: nothing.
 * @param workers  in the order of their shards; at most SL_AREA_SHARDS_MAX
 * @retval SL_OK, SL_NO_MEMORY
 * @context control thread, before any of them runs */
sl_rc sl_workers_connect(struct sl_worker *workers, uint32_t count) SL_MUST_CHECK;
/** Frees what init and connect made (the rings to this worker); the configuration is the
 * publisher's affair. */
void sl_worker_done(struct sl_worker *worker);

/** One burst from each port, and what is due by the clock.
 * @return datagrams taken, and steps of a snapshot; 0 = nothing to do
 * @context packet path: no allocation, no log, no system call */
uint32_t sl_worker_pass(struct sl_worker *worker);

/** Says that the worker is about to rest. @return false where something was handed to it meanwhile:
 * it must not.
 * @context the worker's thread, before sl_rt_wait; sl_worker_rest_end after it */
bool sl_worker_rest_begin(struct sl_worker *worker);
void sl_worker_rest_end(struct sl_worker *worker);

/** Works until `is_stopped`: bursts, and between them gives the processor back as the scheduling
 * (batch or polling) wants. */
void sl_worker_run(struct sl_worker *worker, bool is_polling);

#endif
