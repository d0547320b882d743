/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A chain: the NFs that a packet visits, in order, with the policies of one version. One chain
 * object per shard; replaced as a whole, but for what its NFs have learned: flow tables move to the
 * next version.
 */
#ifndef SL_NF_CHAIN_H
#define SL_NF_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "flow/save.h"
#include "safelib/packet.h"

enum {
    SL_CHAIN_NF_MAX = 16,
    SL_NF_NAME_MAX = 32,
    SL_CHAIN_TICK_MS = 100, /**< sl_chain_tick is called so often */
};

/** Bundle on the wire (control channel) and on disk (`safelib policy compile` output), big-endian:
 *   "SLCB" u16 format=1 u16 nf_count, u64 version; then per NF: string name, u32 size, policy
 * bytes. A policy compiled for one NF is a bundle of one.
 *   Format 2 has per NF: string name, u32 size, options of its flow table (flow/options.h), u32
 * size, policy bytes. */
#define SL_CHAIN_MAGIC 0x534c4342u
enum { SL_CHAIN_FORMAT_PLAIN = 1, SL_CHAIN_FORMAT_OPTIONS = 2 };

struct sl_chain;
struct sl_flow_spill;

/** Builds a chain for one shard from a bundle (hostile input). NFs are found among those linked in.
 * An empty bundle (0 NFs) is refused: a chain that filters nothing must say so with an NF.
 * @retval SL_OK, SL_TRUNCATED, SL_MALFORMED, SL_RANGE, SL_NOT_FOUND (no such NF), or the NF's own
 * code;
 * @retval SL_INVALID  an NF is not whole: what its author forgot is named
 *         @p err says which NF and why
 * @owner caller frees */
sl_rc sl_chain_create(const void *bundle, size_t size, struct sl_chain **ret_chain,
                      struct sl_err *err) SL_MUST_CHECK;
/** Where a chain will run. Zero: alone, with tables of its own, all inside. */
struct sl_chain_place {
    /** the chain of another shard, from the same bundle; it may be running. What its NFs can share
     * (struct sl_nf, share), the new one's share; the counters are its own. Freed in any order, by
     * one thread. Or NULL */
    const struct sl_chain *first;
    /** the shard's chain now, which the new one will adopt from for certain: tables that it will
     * hand over are not made twice; or NULL */
    const struct sl_chain *before;
    /** without `first`: any chain of the image so far, flows keep to the shards where it steers
     * them; or NULL */
    const struct sl_chain *keys_of;
    /** the shard's untrusted memory for flows; outlives the chain. NULL: all are kept inside */
    struct sl_flow_spill *spill;
    uint32_t shard, shard_count; /**< 0, 0: the only one */
    uint32_t flows_max;          /**< tables are no larger; 0: as their options say */
    /** elsewhere than in the image: the chain is to answer sl_chain_steer, and cannot be run. No
     * tables; NFs that are not linked in are left out, and steer like one that has no `steer` */
    bool is_steering_only;
};
/** The same, at its place.
 * @retval as sl_chain_create
 * @owner caller frees
 * @context control thread */
sl_rc sl_chain_create_at(const void *bundle, size_t size, const struct sl_chain_place *place,
                         struct sl_chain **ret_chain, struct sl_err *err) SL_MUST_CHECK;

/** Frees it, and ends the flows in tables that nobody took over.
 * @context control thread; the shard's thread does not use it any more */
void sl_chain_free(struct sl_chain *chain);
uint64_t sl_chain_version(const struct sl_chain *chain);
uint32_t sl_chain_nf_count(const struct sl_chain *chain);
const char *sl_chain_nf_name(const struct sl_chain *chain, uint32_t index);

/** Runs a burst of parsed packets (sl_packet_parse) through the chain: those from the LAN from the
 * first NF to the last, those from the WAN from the last to the first. On return every packet has
 * verdict, nf_index and rule. SL_VERDICT_TURN is left only in packets that belong to another shard
 * now; port_in of those that were turned is the other port. Counters per NF are kept.
 * @context packet path; count <= SL_BURST_MAX */
void sl_chain_run(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count);

/** Goes on with packets that sl_chain_run left with SL_VERDICT_TURN: on their shard
 * (sl_chain_steer), where they wait for this call. Those of another shard are left as they are.
 * @context packet path; count <= SL_BURST_MAX */
void sl_chain_resume(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count);

/** What one NF did with one packet; for people (`safelib explain`). */
struct sl_chain_step {
    uint32_t nf;     /**< index */
    uint8_t port;    /**< enum sl_port, as the NF saw it */
    uint8_t verdict; /**< enum sl_verdict */
    bool has_flow_table;
    uint32_t rule;
    struct sl_flow flow; /**< has_flow_table: its class, direction, TCP state; state is NULL */
    struct sl_flow_tuple original, reply; /**< of a flow, as the NF leaves it */
    struct sl_flow_tuple before, after;   /**< of the packet; ip_version 0: it has none */
};
enum { SL_CHAIN_STEPS_MAX = 2 * SL_CHAIN_NF_MAX /* a turned packet goes back */ };
struct sl_chain_trace {
    const struct sl_packet *packet; /**< whose it is */
    uint32_t count;
    struct sl_chain_step steps[SL_CHAIN_STEPS_MAX];
};
/** sl_chain_run that writes down every NF's step with every packet: the same code decides.
 * @param[out] ret_traces  one for each packet
 * @context never the packet path of a running image */
void sl_chain_run_traced(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count,
                         struct sl_chain_trace *ret_traces);

/** Whether some NF keeps time: only then the next two are worth a call. */
bool sl_chain_wants_time(const struct sl_chain *chain);
/** The shard's clock, before a burst. Never runs back. @context packet path */
void sl_chain_set_now(struct sl_chain *chain, uint64_t now_ms);
/** What is due now and then; every SL_CHAIN_TICK_MS.
 * @param unix_ms  attested time of day, 0: not known  @context packet path, between bursts */
void sl_chain_tick(struct sl_chain *chain, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit);
/** Takes over from the chain that ran on this shard until now: flow tables, and what NFs adopt.
 * @context packet path, between bursts; bounded work */
void sl_chain_adopt(struct sl_chain *chain, struct sl_chain *old);
/** Hands a line to every NF of that name (struct sl_nf, command).
 * @param[out] ret_answer  what the last of them said, or a sentence of the chain's own
 * @retval SL_OK  @retval SL_NOT_FOUND  the chain has no such NF  @retval SL_UNSUPPORTED  it takes
 * no commands  @retval as the NF says
 * @context control thread */
sl_rc sl_chain_command(struct sl_chain *chain, const char *nf, const char *text, char *ret_answer,
                       size_t answer_size) SL_MUST_CHECK;
/** Whether it matters on which shard packets run: some NF keeps flows or steers. */
bool sl_chain_is_steered(const struct sl_chain *chain);
/** The shard that a parsed packet belongs to, or SL_STEER_ANY: any. A fragment belongs to where its
 * datagram is made whole, if the chain keeps flows, and once it is, to where its flow belongs.
 * @context packet path of any shard */
uint32_t sl_chain_steer(const struct sl_chain *chain, const struct sl_packet *packet);

/** What the answers of sl_chain_steer depend on beside the bundle and the number of shards. Whoever
 * has it can choose flows that fall on one shard; tables have keys of their own.
 * @context control thread; for set: no packet is steered meanwhile */
enum { SL_CHAIN_STEER_KEY_SIZE = 96 };
void sl_chain_steer_key_get(const struct sl_chain *chain, uint8_t ret_key[SL_CHAIN_STEER_KEY_SIZE]);
void sl_chain_steer_key_set(struct sl_chain *chain, const uint8_t key[SL_CHAIN_STEER_KEY_SIZE]);

/** How far sl_chain_save has come. Zero: begins. */
struct sl_chain_cursor {
    bool is_begun;
    uint32_t nf;
    struct sl_flow_cursor flow;
    bool is_end;
};
/** Writes the next flows of the chain's tables: a block of at most @p looks slots' flows.
 * @param[out] ret_flows  how many
 * @retval SL_OK
 * @retval SL_NO_SPACE  @p w has no room for the next: begin another
 * @context packet path, between bursts */
sl_rc sl_chain_save(struct sl_chain *chain, struct sl_chain_cursor *cursor, uint32_t looks,
                    struct sl_writer *w, uint32_t *ret_flows) SL_MUST_CHECK;
/** Puts the flows of blocks back that are this shard's; skips those of other shards.
 * @param[in,out] sum  is added to
 * @retval SL_OK
 * @retval SL_MISMATCH  saved by an image with another number of shards
 * @retval SL_TRUNCATED, SL_MALFORMED  not blocks
 * @context packet path, before the first burst */
sl_rc sl_chain_restore(struct sl_chain *chain, const void *blocks, size_t size,
                       struct sl_flow_restored *sum) SL_MUST_CHECK;
/** Ends all flows again: some of their snapshot was bad.
 * @context packet path, before the first burst */
void sl_chain_flows_end(struct sl_chain *chain);
/** Whether there is any flow table. */
bool sl_chain_has_flows(const struct sl_chain *chain);

/** Per-NF totals. */
struct sl_chain_nf_totals {
    uint64_t packets, bytes, dropped, replied;
};
void sl_chain_nf_totals(const struct sl_chain *chain, uint32_t index,
                        struct sl_chain_nf_totals *ret_totals);
/** The NF's own counters (per rule), then those of its flow table ("flow table: ..."). */
uint32_t sl_chain_nf_counter_count(const struct sl_chain *chain, uint32_t index);
void sl_chain_nf_counter_get(const struct sl_chain *chain, uint32_t index, uint32_t counter,
                             struct sl_nf_counter *ret_counter);

/** NFs linked into this program. */
uint32_t sl_nf_registered_count(void);
const struct sl_nf *sl_nf_registered(uint32_t index);

#endif
