/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The inside of a flow table, shared by table.c (its life), burst.c (packets) and calls.c (what NFs
 * ask).
 */
#ifndef SL_FLOW_PRIVATE_H
#define SL_FLOW_PRIVATE_H

#include "flow/hash.h"
#include "flow/index.h"
#include "flow/record.h"
#include "flow/store_private.h"
#include "flow/table.h"
#include "flow/tcp.h"
#include "flow/tuple.h"
#include "flow/wheel.h"

enum {
    FLOW_PLANES = 2, /* 0: IPv4 originals, 1: IPv6 */
    /* a burst may close this many flows that are not its own before they just fall due */
    FLOW_CLOSED_MAX = 2 * SL_BURST_MAX,
    /* Flows that give way to new ones of a burst. A flood then costs the others of its bursts
     * little, and what is half open lives longer than if each SYN had its way. */
    FLOW_EVICT_MAX = 8,
};

/* The flows of one IP version. */
struct flow_plane {
    struct sl_flow_store *store;
    struct sl_flow_slot *slots;
    uint32_t count;
    struct sl_flow_layout layout;
    struct sl_flow_wheel wheel;
    size_t inside_size;
    bool is_plain;   /* nothing is kept per flow but the head, addresses, and TCP's windows */
    uint8_t *inside; /* the records, where all of them are inside; else NULL */
    uint32_t hits;   /* of records there, that the store was not told of yet */
    uint8_t *outside;
    /* evict.c: where the search for one to give way goes on, and those found for this burst */
    uint32_t evict_at, evict_near;
    uint32_t newest; /* slot */
    uint32_t victims[FLOW_EVICT_MAX];
    uint32_t victim_count, victim_at;
    uint32_t evicted; /* by the burst under way */
    bool is_victim_sought;
};

/* Of the hashes of flows that a burst made. What the index did not know before the burst, and is
 * not here, has no flow. */
struct flow_made {
    uint64_t bits[8];
};
static inline void flow_made_add(struct flow_made *made, uint64_t hash)
{
    made->bits[hash >> 61] |= 1ull << (hash >> 55 & 63);
}
static inline bool flow_made_has(const struct flow_made *made, uint64_t hash)
{
    return (made->bits[hash >> 61] >> (hash >> 55 & 63) & 1) != 0;
}

struct sl_flow_table {
    const struct sl_flow_spec *spec;
    void *nf_state;
    struct sl_flow_spill *spill;
    struct sl_flow_table *from; /* whose flows come over (move.c); owned */
    uint32_t move_at;           /* next slot of this one to come over: slot times 2, plane */
    struct sl_flow_options options;
    uint32_t tcp_mode; /* resolved */
    struct sl_flow_hash_key key;
    struct sl_flow_index index;
    struct flow_plane planes[FLOW_PLANES];
    uint64_t now_ms;
    uint32_t tick;
    /* the burst under way */
    uint32_t touched[SL_BURST_MAX]; /* ids that must not be evicted */
    uint32_t touched_count;
    struct flow_fresh {
        uint64_t hash; /* of its key */
        uint32_t id;
        uint8_t at; /* the packet that made it */
    } fresh[SL_BURST_MAX];
    uint32_t fresh_count;
    struct flow_made made;
    /* the last first fragment, and whether it was of no flow */
    struct sl_flow_tuple first;
    bool is_first_refused;
    sl_flow_handle closed[FLOW_CLOSED_MAX];
    uint32_t closed_count;
    struct sl_flow_counters counters;
};

/* Ids: slot and plane in one number. */
static inline uint32_t flow_id(uint32_t plane, uint32_t slot)
{
    return slot << 1 | plane;
}

static inline struct flow_plane *flow_plane_of(struct sl_flow_table *table, uint32_t id)
{
    return &table->planes[id & 1];
}

static inline struct sl_flow_slot *flow_slot_of(struct sl_flow_table *table, uint32_t id)
{
    return &flow_plane_of(table, id)->slots[id >> 1];
}

static inline sl_flow_handle flow_handle(const struct sl_flow_slot *slot, uint32_t id)
{
    return (sl_flow_handle)slot->generation << 32 | (id + 1);
}

static inline void flow_count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

/* Whether a packet of a known flow looks at no more than the head and the addresses, and writes
 * nothing but bits of the head. */
static inline bool flow_is_plain(const struct flow_plane *plane, uint8_t proto)
{
    return proto != SL_FLOW_TCP && plane->is_plain;
}

/* As sl_flow_store_pin; without a call where all records are inside.
 * @return the record, NULL where it cannot be had */
static inline void *flow_pin(struct flow_plane *plane, uint32_t slot, bool will_write)
{
    void *record;
    if (plane->inside != NULL) {
        plane->hits++;
        return plane->inside + (size_t)slot * plane->layout.size;
    }
    bool is_pinned = store_pin_cached(plane->store, slot, will_write, &record) ||
                     sl_flow_store_pin(plane->store, slot, will_write, &record) == SL_OK;
    return is_pinned ? record : NULL;
}

static inline void flow_unpin(struct flow_plane *plane)
{
    sl_flow_store_hit(plane->store, plane->hits);
    plane->hits = 0;
    sl_flow_store_unpin(plane->store);
}

/* What a record keeps of TCP's windows; NULL where nothing. */
static inline struct sl_flow_tcp_windows *flow_windows(const struct sl_flow_layout *layout,
                                                       void *record)
{
    return layout->tcp_off == 0
               ? NULL
               : (struct sl_flow_tcp_windows *)(void *)((uint8_t *)record + layout->tcp_off);
}

/* The live flow with that tuple.
 * @param is_between  between two bursts of the NF: what is due ends here and now. An NF that asks
 * in its burst is not to hear of ends meanwhile.
 * @return its id, its record pinned (between bursts: for writing); UINT32_MAX: none */
uint32_t flow_find(struct sl_flow_table *table, const struct sl_flow_tuple *tuple, uint64_t hash,
                   bool is_between, void **ret_record, uint8_t *ret_direction);

/* A flow's keys and slot go, without a word to anybody. */
void flow_release(struct sl_flow_table *table, uint32_t id, const void *record);
/* Ends a flow whose record is pinned: its keys, its slot, and tells the NF. */
void flow_finish(struct sl_flow_table *table, uint32_t id, void *record, enum sl_flow_end end);
/* The same without a word: the flow was never kept. @param hash  of its original key */
void flow_forget(struct sl_flow_table *table, uint32_t id, const void *record, uint64_t hash);
/* Its record could not be had. */
void flow_lose(struct sl_flow_table *table, uint32_t id);

/* Ends a flow of which only the slot is at hand. */
void flow_end_slot(struct sl_flow_table *table, uint32_t id, enum sl_flow_end end);

/* Whether the burst under way holds the flow. */
bool flow_is_touched(const struct sl_flow_table *table, uint32_t id);

/* Another burst: up to FLOW_EVICT_MAX flows may give way to its new ones. */
void flow_evict_start(struct sl_flow_table *table);
/* Makes room by ending a due flow or an unanswered one. @return false where none was found */
bool flow_evict(struct sl_flow_table *table, uint32_t plane);

#endif
