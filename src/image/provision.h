/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the tenant has given to the image: SAs and the chain. Lives on the control thread, owns
 * every SA and chain, publishes configurations to the workers and frees what no worker can still be
 * using.
 */
#ifndef SL_IMAGE_PROVISION_H
#define SL_IMAGE_PROVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "control/message.h"
#include "flow/spill.h"
#include "image/worker.h"
#include "nf/eval.h"

enum {
    SL_PROVISION_HASH_SIZE = 32,
    /** Keys remembered so that none is taken twice; the oldest is forgotten first. */
    SL_PROVISION_KEYS_MAX = 4096,
};

/** The old inbound SA stays valid for so long after a rekey, and until its sender has used a newer
 * one: a sender that does not know whether its request was heard goes on with the old one. */
#define SL_PROVISION_OVERLAP_NS 30000000000ull

struct sl_provision_config; /* a worker's configuration and what dies with it */

struct sl_provision {
    struct sl_worker *workers; /**< not owned */
    /** Untrusted memory of each shard, for flow tables; as large as the host was told. */
    struct sl_flow_spill spill[SL_AREA_SHARDS_MAX];
    /** Where each shard's fragments wait; made with the first chain that keeps flows, then kept. */
    struct sl_fragments *fragments[SL_AREA_SHARDS_MAX];
    uint32_t shard_count;
    struct sl_provision_config *current[SL_AREA_SHARDS_MAX]; /**< NULL: nothing published yet */
    struct sl_provision_config *retired; /**< list: waits for its worker's epoch */
    /** of each previous inbound SA; it ends then, or when a newer one is used, whichever is later
     */
    uint64_t overlap_end_ns[SL_AREA_SHARDS_MAX][SL_PORT_COUNT][SL_SA_PREVIOUS_MAX];
    /** the highest version ever taken, over restarts (image/life.h) */
    bool has_floor;
    uint64_t floor_version;
    uint8_t floor_hash[SL_PROVISION_HASH_SIZE];
    bool has_chain;
    uint64_t version;
    uint8_t hash[SL_PROVISION_HASH_SIZE]; /**< SHA-256 of the bundle */
    uint8_t *bundle;                      /**< for the evaluation chain */
    size_t bundle_size;
    struct sl_eval *eval; /**< the same chain for EVAL, built when first asked for */
    uint8_t (*keys)[16];  /**< SHA-256, cut, of every SA key ever set */
    uint32_t key_count;
    uint64_t sa_sets;
    uint64_t chain_sets;
};

/** @retval SL_OK, SL_NO_MEMORY
 * @owner @p workers stay the caller's and must outlive this */
sl_rc sl_provision_init(struct sl_provision *provision, struct sl_worker *workers,
                        uint32_t shard_count) SL_MUST_CHECK;
/** Frees everything; the workers must have stopped. */
void sl_provision_done(struct sl_provision *provision);

/** Puts an SA into its slot. An inbound one leaves its predecessors valid for the overlap, at most
 * SL_SA_PREVIOUS_MAX of them.
 * @retval SL_OK
 * @retval SL_RANGE   no such shard
 * @retval SL_EXISTS  key was set before, or SPI is that of the slot's present or previous SA: a
 *                    counter would start again under the same key, and GCM would be broken
 * @retval SL_NO_MEMORY, SL_CRYPTO, SL_UNSUPPORTED
 * On any failure nothing has changed. */
sl_rc sl_provision_sa_set(struct sl_provision *provision, const struct sl_msg_sa *sa,
                          uint64_t now_ns, struct sl_err *err) SL_MUST_CHECK;

/** Whether any SA is in place, on any shard. */
bool sl_provision_has_sa(const struct sl_provision *provision);

/** Sets what SL_MSG_PATH says, on every port that has an SA or will get one before the next clear.
 * @retval SL_OK, SL_NO_MEMORY (nothing changed) */
sl_rc sl_provision_path_set(struct sl_provision *provision, uint16_t mtu, bool is_single,
                            struct sl_err *err) SL_MUST_CHECK;

/** Deletes every SA: from the next pass of each worker on, nothing passes.
 * @retval SL_OK, SL_NO_MEMORY (nothing changed) */
sl_rc sl_provision_sa_clear(struct sl_provision *provision, struct sl_err *err) SL_MUST_CHECK;

/** Replaces the chain of every shard.
 * @retval SL_OK
 * @retval SL_STALE  version below the highest ever taken, or the same version with other contents
 * @retval other     of sl_chain_create; the old chain stays */
sl_rc sl_provision_chain_set(struct sl_provision *provision, const void *bundle, size_t size,
                             struct sl_err *err) SL_MUST_CHECK;

/** Hands a line to an NF of the chain of every shard (nf/chain.h).
 * @retval SL_OK, SL_STATE (no chain set), or as sl_chain_command; @p ret_answer is a sentence */
sl_rc sl_provision_nf_command(struct sl_provision *provision, const char *nf, const char *line,
                              char *ret_answer, size_t answer_size) SL_MUST_CHECK;

/** The chain for EVAL, with flows and fragments of its own; never used by a worker.
 * @retval SL_OK, SL_STATE (no chain set), or as sl_chain_create, sl_eval_create */
sl_rc sl_provision_eval(struct sl_provision *provision, struct sl_eval **ret_eval,
                        struct sl_err *err) SL_MUST_CHECK;

/** Ends overlaps that are over, and frees what no worker uses any more. Call now and then. */
void sl_provision_poll(struct sl_provision *provision, uint64_t now_ns);

/** The chain and the ports that a shard has now; for status, on the control thread. */
const struct sl_worker_config *sl_provision_config(const struct sl_provision *provision,
                                                   uint32_t shard);

#endif
