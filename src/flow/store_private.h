/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A store's insides: slots, frames of the cache, and what is outside. Private to src/flow.
 *
 * A slot is where a record belongs, a frame is a place for one in the enclave. Where not all
 * records are inside, 8 bytes per slot say where its record is, and for one outside which write is
 * its newest; each frame has 17 bytes beside the record, and one in 16 frames another 4 or 8.
 */
#ifndef SL_FLOW_STORE_PRIVATE_H
#define SL_FLOW_STORE_PRIVATE_H

#include <stdalign.h>

#include "esp/aead.h"
#include "flow/store.h"

/* A slot's word: two bits of state, the rest depends on it. */
#define SLOT_STATE_SHIFT 62
#define SLOT_VALUE_MASK  ((1ull << SLOT_STATE_SHIFT) - 1)
/* Of a slot outside: 12 bits of the store's clock, 50 bits of a number. */
#define SLOT_WENT_SHIFT  50
#define SLOT_WENT_MASK   0xfffu
#define SLOT_NUMBER_MASK ((1ull << SLOT_WENT_SHIFT) - 1)
enum slot_state {
    SLOT_FREE = 0,    /* the next free slot, or NONE */
    SLOT_CACHED = 1,  /* its frame */
    SLOT_OUTSIDE = 2, /* when it went, and the number of its newest write */
    SLOT_LOST = 3,    /* the host damaged it */
};

enum {
    NONE = UINT32_MAX,
    /* a frame's byte */
    FRAME_PINNED = 0x80,   /* stays where it is */
    FRAME_EMPTY = 0x40,    /* no record in it; pinned: its record was given back meanwhile */
    FRAME_DIRTY = 0x20,    /* the copy outside, if there is one, is older */
    FRAME_ON_TRIAL = 0x10, /* goes first, unless it is used again soon */
    FRAME_USES = 0x07,     /* hits since it came, or since the hand came by; stays at the most */
};

struct frame {
    uint32_t slot; /* of an empty one: the next empty one */
    uint32_t zero;
    uint64_t number; /* of the write that made the copy outside; 0: there is none */
};

/* Frames on trial, oldest first. An entry whose frame is on trial no more is skipped. */
struct trial {
    uint32_t *frames;
    uint32_t mask; /* entries - 1 */
    uint32_t head; /* free-running */
    uint32_t tail;
    uint32_t count; /* frames on trial: entries that are not to be skipped */
    uint32_t most;  /* of them, before the oldest go */
};

struct sl_flow_store {
    uint32_t record_size;
    uint32_t count;
    uint32_t frame_count;
    uint32_t stride;    /* bytes per slot outside */
    bool is_all_inside; /* slot and frame are one; no words, no frames */
    uint8_t *records;   /* of the frames */
    uint64_t *words;    /* of the slots */
    struct frame *frames;
    uint8_t *uses; /* per frame: FRAME_* */
    struct trial trial;
    uint32_t slot_free;  /* list of slots that were given back */
    uint32_t slot_fresh; /* slots from here on were never taken */
    uint32_t frame_free; /* list of empty frames */
    uint32_t frame_free_count;
    uint32_t frame_fresh; /* frames from here on were never used */
    uint32_t hand;
    uint32_t pinned_count;
    uint32_t pinned[SL_FLOW_PIN_MAX];
    uint8_t *outside;
    uint64_t write_number; /* of the last write outside; the nonce, so never used twice */
    uint32_t tick;         /* the store's clock: evictions */
    uint32_t tick_left;    /* evictions until the next */
    struct sl_flow_store_counters counters;
    alignas(64) struct sl_aead aead;
};

/* Written by the store's thread, read by any: may lag, never tears. */
static inline void store_count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

static inline uint64_t slot_word(enum slot_state state, uint64_t value)
{
    return ((uint64_t)state << SLOT_STATE_SHIFT) | value;
}

static inline uint8_t *frame_record(const struct sl_flow_store *store, uint32_t frame)
{
    return store->records + (size_t)frame * store->record_size;
}

static inline uint8_t *slot_outside(const struct sl_flow_store *store, uint32_t slot)
{
    return store->outside + (size_t)slot * store->stride;
}

/* What mostly is to be done, without a call: a record that the cache holds, where not all are
 * inside.
 * @return false: it is not so, or no more may be pinned */
static inline bool store_pin_cached(struct sl_flow_store *store, uint32_t slot, bool will_write,
                                    void **ret_record)
{
    uint64_t word = store->words[slot];
    if (word >> SLOT_STATE_SHIFT != SLOT_CACHED) {
        return false;
    }
    uint32_t frame = (uint32_t)(word & SLOT_VALUE_MASK);
    uint32_t uses = store->uses[frame];
    if ((uses & FRAME_PINNED) == 0) {
        if (store->pinned_count == SL_FLOW_PIN_MAX) {
            return false;
        }
        store->pinned[store->pinned_count++] = frame;
    }
    uses += (uses & FRAME_USES) < FRAME_USES;
    store->uses[frame] = (uint8_t)(uses | FRAME_PINNED | (will_write ? FRAME_DIRTY : 0));
    store_count(&store->counters.hits, 1);
    *ret_record = frame_record(store, frame);
    return true;
}

/** Bytes of a slot outside: record and tag, in whole cache lines. */
uint32_t store_stride(uint32_t record_size);

/** Makes the key.
 * @retval SL_OK, SL_UNSUPPORTED (processor), SL_CRYPTO */
sl_rc store_outside_init(struct sl_flow_store *store) SL_MUST_CHECK;
void store_outside_done(struct sl_flow_store *store);
/** Writes a slot's record outside, under a number that was never used.
 * @return that number; 0 where numbers have run out: nothing was written
 * @context packet path */
uint64_t store_outside_write(struct sl_flow_store *store, uint32_t slot, const uint8_t *record);
/** Reads what write @p number of a slot wrote.
 * @retval SL_OK
 * @retval SL_AUTH  it is not that; @p ret_record is zero
 * @context packet path */
sl_rc store_outside_read(struct sl_flow_store *store, uint32_t slot, uint64_t number,
                         uint8_t *ret_record) SL_MUST_CHECK;

#endif
