/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Where a flow table keeps its records: all of them in the enclave, or a bounded cache of them
 * there and the rest in untrusted memory, encrypted, authenticated and fresh. Who calls cannot tell
 * the difference but by the time it takes, and by SL_AUTH where the host did damage.
 *
 * Outside, a slot holds AES-256-GCM of its record under a key made at start that never leaves. The
 * nonce is a count that no two writes of the store share. What says that a slot's newest write is
 * what came back (its nonce) stays inside, per slot; the slot's number is authenticated with it.
 * Tampered, swapped, replayed or deleted by the host: the record is lost, counted, never believed.
 * Fetched once: ciphertext is copied in before it is opened.
 *
 * One thread per store. Packet path but for create and free.
 */
#ifndef SL_FLOW_STORE_H
#define SL_FLOW_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SL_FLOW_RECORD_MAX = 320,
    /** Records that may be pinned at once: those of a burst, with their second looks. */
    SL_FLOW_PIN_MAX = 256,
    /** The smallest cache; fewer are made this many. */
    SL_FLOW_INSIDE_MIN = 4 * SL_FLOW_PIN_MAX,
    /** Outside, each slot begins at a multiple of this. */
    SL_FLOW_OUTSIDE_ALIGN = 64,
};

#define SL_FLOW_STORE_COUNTER_TABLE(X)                                                             \
    X(hits, "records found in the enclave")                                                        \
    X(fetches, "records fetched from untrusted memory")                                            \
    X(writes, "records written to untrusted memory")                                               \
    X(damaged, "records that came back changed, swapped, old or not at all")

struct sl_flow_store_counters {
#define SL_FLOW_STORE_COUNTER(name, text) uint64_t name;
    SL_FLOW_STORE_COUNTER_TABLE(SL_FLOW_STORE_COUNTER)
#undef SL_FLOW_STORE_COUNTER
};

struct sl_flow_store;

struct sl_flow_store_params {
    uint32_t record_size;  /**< bytes, a multiple of 8, <= SL_FLOW_RECORD_MAX */
    uint32_t count;        /**< slots */
    uint32_t inside_count; /**< records in the enclave, SL_FLOW_INSIDE_MIN at least; >= count:
                              nothing is ever outside */
    uint8_t *outside;      /**< untrusted memory, SL_FLOW_OUTSIDE_ALIGN-aligned, checked to lie
                              outside the enclave; or NULL */
    size_t outside_size;   /**< bytes; sl_flow_store_outside_size at least, where needed */
};

/** Bytes of untrusted memory that a store wants; 0 where all fits inside. */
size_t sl_flow_store_outside_size(const struct sl_flow_store_params *params);
/** Bytes of enclave memory that a store takes: by the cache, and per slot beside it. */
size_t sl_flow_store_inside_size(const struct sl_flow_store_params *params);

/** @retval SL_OK, SL_RANGE (params), SL_NO_SPACE (outside), SL_NO_MEMORY, SL_CRYPTO
 * @context control thread  @owner caller frees */
sl_rc sl_flow_store_create(const struct sl_flow_store_params *params,
                           struct sl_flow_store **ret_store, struct sl_err *err) SL_MUST_CHECK;
void sl_flow_store_free(struct sl_flow_store *store);

/** A free slot, its record zero, pinned and to be written.
 * @retval SL_OK
 * @retval SL_NO_SPACE  all slots are taken, or SL_FLOW_PIN_MAX are pinned */
sl_rc sl_flow_store_take(struct sl_flow_store *store, uint32_t *ret_slot,
                         void **ret_record) SL_MUST_CHECK;
/** A slot's record, in the enclave and staying where it is until unpin. A slot pinned twice is the
 * same record.
 * @param will_write  what the caller writes into the record is kept
 * @retval SL_OK
 * @retval SL_AUTH      the host damaged it: counted once, and lost: the slot stays taken, has no
 * record, and is SL_AUTH from now on; give it back
 * @retval SL_NO_SPACE  SL_FLOW_PIN_MAX are pinned */
sl_rc sl_flow_store_pin(struct sl_flow_store *store, uint32_t slot, bool will_write,
                        void **ret_record) SL_MUST_CHECK;
/** A pinned record was written to, though that was not said when it was pinned. */
void sl_flow_store_dirty(struct sl_flow_store *store, uint32_t slot);
/** Lets go of every pinned record: at the end of a burst. */
void sl_flow_store_unpin(struct sl_flow_store *store);
/** Gives a slot back; pinned or not. Its record is wiped from the enclave. */
void sl_flow_store_give(struct sl_flow_store *store, uint32_t slot);
/** A slot's record will be pinned soon. The first step starts the load of what says where it is,
 * the second that of its first @p size bytes, from the enclave or from outside. The first for all
 * slots of a burst, then the second: so they run together. A slot out of range or free is no harm.
 */
void sl_flow_store_prefetch_place(const struct sl_flow_store *store, uint32_t slot);
void sl_flow_store_prefetch(const struct sl_flow_store *store, uint32_t slot, uint32_t size);
/** The first record where all of them are inside, one every record_size bytes; else NULL. Who reads
 * them there in the place of pinning counts that with sl_flow_store_hit. */
uint8_t *sl_flow_store_inside(const struct sl_flow_store *store);
/** Counts @p count hits. */
void sl_flow_store_hit(struct sl_flow_store *store, uint32_t count);
/** Copies a record out, for who looks at all of them (snapshot): not pinned, and what the cache
 * holds does not change.
 * @param[out] ret_record  record_size bytes; zero unless SL_OK
 * @retval SL_OK
 * @retval SL_AUTH  as sl_flow_store_pin */
sl_rc sl_flow_store_peek(struct sl_flow_store *store, uint32_t slot,
                         void *ret_record) SL_MUST_CHECK;

/** @context any thread: read without a lock, may be a burst old */
void sl_flow_store_counters(const struct sl_flow_store *store,
                            struct sl_flow_store_counters *ret_counters);

#endif
