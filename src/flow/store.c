/* SPDX-License-Identifier: Apache-2.0 */
/* A flow table's records: a bounded cache of them in the enclave, the rest outside. */
#include "flow/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "flow/store_private.h"

enum {
    FRESH_AHEAD = 4, /* slots that were never taken are loaded so many before it is their turn */
    /* Steps of the hand for one victim, after which the least used frame on its way has to go. */
    HAND_STEPS = 64,
    /* One in so many frames is on trial. */
    TRIAL_SHARE = 200,
    /* The store's clock ticks as often in as many evictions as there are frames. */
    TICKS = 16,
    LINE = 64,
};

/* ---- making one ---- */

static bool is_all_inside(const struct sl_flow_store_params *params)
{
    return params->inside_count >= params->count || params->count <= SL_FLOW_INSIDE_MIN;
}

static uint32_t frames_of(const struct sl_flow_store_params *params)
{
    if (is_all_inside(params)) {
        return params->count;
    }
    return params->inside_count > SL_FLOW_INSIDE_MIN ? params->inside_count : SL_FLOW_INSIDE_MIN;
}

size_t sl_flow_store_outside_size(const struct sl_flow_store_params *params)
{
    return is_all_inside(params) ? 0 : (size_t)params->count * store_stride(params->record_size);
}

/* What the three arrays want, each in whole lines. */
static size_t lines(size_t size)
{
    return (size + LINE - 1) / LINE * LINE;
}

/* A power of two, twice as many as are on trial before any has to go, and a burst. */
static size_t trial_entries(uint32_t frame_count)
{
    size_t entries = SL_FLOW_PIN_MAX;
    while (entries < 2 * (size_t)(frame_count / TRIAL_SHARE) + SL_FLOW_PIN_MAX) {
        entries *= 2;
    }
    return entries;
}

size_t sl_flow_store_inside_size(const struct sl_flow_store_params *params)
{
    size_t frames = frames_of(params);
    size_t size = sizeof(struct sl_flow_store) + lines(frames * params->record_size);
    if (!is_all_inside(params)) {
        size += lines((size_t)params->count * sizeof(uint64_t)) +
                lines(frames * sizeof(struct frame)) + lines(frames) +
                lines(trial_entries((uint32_t)frames) * sizeof(uint32_t));
    }
    return size;
}

static sl_rc params_check(const struct sl_flow_store_params *params, struct sl_err *err)
{
    if (params->record_size == 0 || params->record_size > SL_FLOW_RECORD_MAX ||
        params->record_size % 8 != 0 || params->count == 0 || params->count == NONE) {
        return sl_err_set(err, SL_RANGE,
                          "flow store of %u records of %u bytes; expected 8 to %d bytes, a "
                          "multiple of 8, and at least one record",
                          params->count, params->record_size, SL_FLOW_RECORD_MAX);
    }
    size_t wanted = sl_flow_store_outside_size(params);
    if (wanted == 0) {
        return SL_OK;
    }
    if (params->outside == NULL || params->outside_size < wanted) {
        return sl_err_set(err, SL_NO_SPACE,
                          "%u flows, %u of them in the enclave, want %zu MiB of untrusted memory; "
                          "the host has %zu MiB left for this shard: raise its --spill, or keep "
                          "more inside",
                          params->count, params->inside_count, (wanted + (1 << 20) - 1) >> 20,
                          params->outside_size >> 20);
    }
    if ((uintptr_t)params->outside % SL_FLOW_OUTSIDE_ALIGN != 0) {
        return sl_err_set(err, SL_RANGE, "flow store: untrusted memory is not aligned to %d",
                          SL_FLOW_OUTSIDE_ALIGN);
    }
    return SL_OK;
}

/* Touched now: the first touch of a page is dear, and not the packet path's to pay. */
static void *make_array(size_t size)
{
    void *array = aligned_alloc(LINE, lines(size));
    if (array != NULL) {
        memset(array, 0, lines(size));
    }
    return array;
}

static sl_rc make_arrays(struct sl_flow_store *store)
{
    store->records = make_array((size_t)store->frame_count * store->record_size);
    if (store->is_all_inside) {
        return store->records != NULL ? SL_OK : SL_NO_MEMORY;
    }
    store->words = make_array((size_t)store->count * sizeof(*store->words));
    store->frames = make_array((size_t)store->frame_count * sizeof(*store->frames));
    store->uses = make_array(store->frame_count);
    store->trial.frames = make_array(trial_entries(store->frame_count) * sizeof(uint32_t));
    if (store->records == NULL || store->words == NULL || store->frames == NULL ||
        store->uses == NULL || store->trial.frames == NULL) {
        return SL_NO_MEMORY;
    }
    memset(store->uses, FRAME_EMPTY, store->frame_count);
    store->trial.most = store->frame_count / TRIAL_SHARE;
    store->trial.mask = (uint32_t)trial_entries(store->frame_count) - 1;
    return store_outside_init(store);
}

sl_rc sl_flow_store_create(const struct sl_flow_store_params *params,
                           struct sl_flow_store **ret_store, struct sl_err *err)
{
    sl_rc rc = params_check(params, err);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_flow_store *store = make_array(sizeof(*store));
    if (store != NULL) {
        store->record_size = params->record_size;
        store->count = params->count;
        store->frame_count = frames_of(params);
        store->stride = store_stride(params->record_size);
        store->is_all_inside = is_all_inside(params);
        store->outside = params->outside;
        store->slot_free = NONE;
        store->frame_free = NONE;
        rc = make_arrays(store);
    } else {
        rc = SL_NO_MEMORY;
    }
    if (rc != SL_OK) {
        sl_flow_store_free(store);
        return sl_err_set(
            err, rc, "flow store of %u records, %u of them inside: %zu KiB of enclave memory: %s",
            params->count, frames_of(params), sl_flow_store_inside_size(params) >> 10,
            sl_rc_text(rc));
    }
    *ret_store = store;
    return SL_OK;
}

void sl_flow_store_free(struct sl_flow_store *store)
{
    if (store == NULL) {
        return;
    }
    if (!store->is_all_inside) {
        store_outside_done(store);
    }
    if (store->records != NULL) {
        sl_wipe(store->records, (size_t)store->frame_count * store->record_size);
    }
    free(store->records);
    free(store->words);
    free(store->frames);
    free(store->uses);
    free(store->trial.frames);
    free(store);
}

/* ---- slots ---- */

static enum slot_state slot_state(const struct sl_flow_store *store, uint32_t slot)
{
    return (enum slot_state)(store->words[slot] >> SLOT_STATE_SHIFT);
}

/* Where all is inside, a free slot's record begins with the number of the next one. */
static uint32_t free_next(const struct sl_flow_store *store, uint32_t slot)
{
    uint32_t next = 0;
    if (!store->is_all_inside) {
        return (uint32_t)(store->words[slot] & SLOT_VALUE_MASK);
    }
    memcpy(&next, frame_record(store, slot), sizeof(next));
    return next;
}

static uint32_t slot_take(struct sl_flow_store *store)
{
    uint32_t slot = store->slot_free;
    if (slot != NONE) {
        store->slot_free = free_next(store, slot);
    } else if (store->slot_fresh < store->count) {
        slot = store->slot_fresh++;
    }
    return slot;
}

static void slot_give(struct sl_flow_store *store, uint32_t slot)
{
    if (store->is_all_inside) {
        memcpy(frame_record(store, slot), &store->slot_free, sizeof(store->slot_free));
    } else {
        store->words[slot] = slot_word(SLOT_FREE, store->slot_free);
    }
    store->slot_free = slot;
}

/* ---- frames ---- */

static uint32_t frames_empty(const struct sl_flow_store *store)
{
    return store->frame_free_count + store->frame_count - store->frame_fresh;
}

/* There always is one: unpin leaves as many as may be pinned before the next. */
static uint32_t frame_take(struct sl_flow_store *store)
{
    uint32_t frame = store->frame_free;
    if (frame != NONE) {
        store->frame_free = store->frames[frame].slot;
        store->frame_free_count--;
    } else {
        assert(store->frame_fresh < store->frame_count);
        frame = store->frame_fresh++;
    }
    return frame;
}

static void frame_pin(struct sl_flow_store *store, uint32_t frame)
{
    store->uses[frame] |= FRAME_PINNED;
    store->pinned[store->pinned_count++] = frame;
}

static void prefetch_lines(const uint8_t *at, uint32_t size)
{
    for (uint32_t off = 0; off < size; off += LINE) {
        __builtin_prefetch(at + off);
    }
    __builtin_prefetch(at + size - 1);
}

static void prefetch_to_write(const uint8_t *at, uint32_t size)
{
    for (uint32_t off = 0; off < size; off += LINE) {
        __builtin_prefetch(at + off, 1);
    }
}

/* ---- which record goes ----
 *
 * What was looked at once in a long time must not push out what is looked at all the time: half of
 * all fetches are such. A record that comes in is on trial among a few; if it is hit meanwhile it
 * stays, else it goes as soon as others come. One that was outside for a short time only (its word
 * tells when it went) was thrown out too early, and is not tried again. The
 * others live under CLOCK with up to FRAME_USES lives. (After S3-FIFO, Yang et al., SOSP 2023.) */

static void trial_end(struct sl_flow_store *store, uint32_t frame)
{
    if ((store->uses[frame] & FRAME_ON_TRIAL) != 0) {
        store->uses[frame] &= (uint8_t)~FRAME_ON_TRIAL;
        store->trial.count--;
    }
}

/* The oldest on trial; NONE where there is none. */
static uint32_t trial_pop(struct sl_flow_store *store)
{
    struct trial *trial = &store->trial;
    while (trial->head != trial->tail) {
        uint32_t frame = trial->frames[trial->head++ & trial->mask];
        if ((store->uses[frame] & FRAME_ON_TRIAL) != 0) {
            trial_end(store, frame);
            return frame;
        }
    }
    return NONE;
}

static void trial_start(struct sl_flow_store *store, uint32_t frame)
{
    struct trial *trial = &store->trial;
    if (trial->tail - trial->head > trial->mask) {
        (void)trial_pop(store); /* as long as nothing has to go, the oldest may stay */
    }
    trial->frames[trial->tail++ & trial->mask] = frame;
    trial->count++;
    store->uses[frame] |= FRAME_ON_TRIAL;
}

/* After HAND_STEPS frames that might go the least used of them does, so that a packet never pays
 * for a whole round. */
static uint32_t hand_find(struct sl_flow_store *store)
{
    uint32_t best = NONE;
    uint32_t tried = 0;
    for (uint32_t step = 0; step < store->frame_count && tried < HAND_STEPS; step++) {
        uint32_t frame = store->hand;
        store->hand = frame + 1 < store->frame_count ? frame + 1 : 0;
        uint8_t uses = store->uses[frame];
        if ((uses & (FRAME_PINNED | FRAME_EMPTY | FRAME_ON_TRIAL)) != 0) {
            continue;
        }
        if ((uses & FRAME_USES) == 0) {
            return frame;
        }
        tried++;
        store->uses[frame] = --uses;
        if (best == NONE || (uses & FRAME_USES) < (store->uses[best] & FRAME_USES)) {
            best = frame;
        }
    }
    return best;
}

static uint32_t victim_find(struct sl_flow_store *store)
{
    while (store->trial.count > store->trial.most) {
        uint32_t frame = trial_pop(store);
        if (frame == NONE || (store->uses[frame] & FRAME_USES) == 0) {
            return frame;
        }
        store->uses[frame] &= (uint8_t)~FRAME_USES; /* passed */
    }
    uint32_t frame = hand_find(store);
    return frame != NONE ? frame : trial_pop(store);
}

static void frame_give(struct sl_flow_store *store, uint32_t frame)
{
    trial_end(store, frame);
    store->uses[frame] = FRAME_EMPTY;
    store->frames[frame] = (struct frame){.slot = store->frame_free};
    store->frame_free = frame;
    store->frame_free_count++;
}

static void evict(struct sl_flow_store *store, uint32_t at)
{
    struct frame *frame = &store->frames[at];
    uint64_t number = frame->number;
    if ((store->uses[at] & FRAME_DIRTY) != 0) {
        number = store_outside_write(store, frame->slot, frame_record(store, at));
    }
    /* a store that has used up 2^50 numbers loses what it cannot keep */
    uint64_t went = (uint64_t)(store->tick & SLOT_WENT_MASK) << SLOT_WENT_SHIFT;
    store->words[frame->slot] =
        number != 0 ? slot_word(SLOT_OUTSIDE, went | number) : slot_word(SLOT_LOST, 0);
    if (store->tick_left-- == 0) {
        store->tick_left = store->frame_count / TICKS;
        store->tick++;
    }
    frame_give(store, at);
}

/* Makes room for the next burst, all victims first, so that their loads run together. */
static void make_room(struct sl_flow_store *store)
{
    uint32_t victims[SL_FLOW_PIN_MAX];
    uint32_t count = 0;
    uint32_t empty = frames_empty(store);
    for (; empty + count < SL_FLOW_PIN_MAX; count++) {
        uint32_t frame = victim_find(store);
        if (frame == NONE) {
            break;
        }
        victims[count] = frame;
        store->uses[frame] |= FRAME_PINNED; /* chosen */
        __builtin_prefetch(&store->frames[frame], 1);
        prefetch_lines(frame_record(store, frame), store->record_size);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = store->frames[victims[i]].slot;
        __builtin_prefetch(&store->words[slot], 1);
        if ((store->uses[victims[i]] & FRAME_DIRTY) != 0) {
            prefetch_to_write(slot_outside(store, slot), store->stride);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        evict(store, victims[i]);
    }
}

/* ---- what the table calls ---- */

/* Starts the load of a record that will be taken soon: nobody else has asked for it. */
static void prefetch_next(const struct sl_flow_store *store)
{
    uint32_t fresh = store->slot_fresh + FRESH_AHEAD;
    uint32_t next = store->slot_free != NONE ? store->slot_free : fresh;
    if (next < store->count) {
        prefetch_to_write(frame_record(store, next), store->record_size);
    }
}

sl_rc sl_flow_store_take(struct sl_flow_store *store, uint32_t *ret_slot, void **ret_record)
{
    if (!store->is_all_inside && store->pinned_count == SL_FLOW_PIN_MAX) {
        return SL_NO_SPACE;
    }
    uint32_t slot = slot_take(store);
    if (slot == NONE) {
        return SL_NO_SPACE;
    }
    uint32_t frame = slot;
    if (!store->is_all_inside) {
        frame = frame_take(store);
        store->frames[frame] = (struct frame){.slot = slot};
        store->uses[frame] = FRAME_DIRTY;
        store->words[slot] = slot_word(SLOT_CACHED, frame);
        trial_start(store, frame);
        frame_pin(store, frame);
    } else {
        prefetch_next(store);
    }
    void *record = frame_record(store, frame);
    memset(record, 0, store->record_size);
    *ret_slot = slot;
    *ret_record = record;
    return SL_OK;
}

/* Brings a slot's record in. */
static sl_rc fetch(struct sl_flow_store *store, uint32_t slot, uint32_t *ret_frame)
{
    uint64_t number = store->words[slot] & SLOT_NUMBER_MASK;
    uint32_t went = (uint32_t)(store->words[slot] >> SLOT_WENT_SHIFT) & SLOT_WENT_MASK;
    uint32_t frame = frame_take(store);
    sl_rc rc = store_outside_read(store, slot, number, frame_record(store, frame));
    if (rc != SL_OK) {
        frame_give(store, frame);
        store->words[slot] = slot_word(SLOT_LOST, 0);
        return rc;
    }
    store->frames[frame] = (struct frame){.slot = slot, .number = number};
    store->uses[frame] = 0;
    store->words[slot] = slot_word(SLOT_CACHED, frame);
    if (((store->tick - went) & SLOT_WENT_MASK) > TICKS / 2) {
        trial_start(store, frame);
    }
    *ret_frame = frame;
    return SL_OK;
}

sl_rc sl_flow_store_pin(struct sl_flow_store *store, uint32_t slot, bool will_write,
                        void **ret_record)
{
    assert(slot < store->count);
    if (store->is_all_inside) {
        store_count(&store->counters.hits, 1);
        *ret_record = frame_record(store, slot);
        return SL_OK;
    }
    enum slot_state state = slot_state(store, slot);
    assert(state != SLOT_FREE);
    if (state == SLOT_LOST) {
        return SL_AUTH;
    }
    if (store_pin_cached(store, slot, will_write, ret_record)) {
        return SL_OK;
    }
    if (store->pinned_count == SL_FLOW_PIN_MAX) {
        return SL_NO_SPACE;
    }
    uint32_t frame;
    sl_rc rc = fetch(store, slot, &frame);
    if (rc != SL_OK) {
        return rc;
    }
    frame_pin(store, frame);
    store->uses[frame] |= will_write ? FRAME_DIRTY : 0;
    *ret_record = frame_record(store, frame);
    return SL_OK;
}

void sl_flow_store_dirty(struct sl_flow_store *store, uint32_t slot)
{
    assert(slot < store->count);
    if (!store->is_all_inside && slot_state(store, slot) == SLOT_CACHED) {
        store->uses[store->words[slot] & SLOT_VALUE_MASK] |= FRAME_DIRTY;
    }
}

void sl_flow_store_unpin(struct sl_flow_store *store)
{
    for (uint32_t i = 0; i < store->pinned_count; i++) {
        uint32_t frame = store->pinned[i];
        store->uses[frame] &= (uint8_t)~FRAME_PINNED;
        if ((store->uses[frame] & FRAME_EMPTY) != 0) {
            frame_give(store, frame);
        }
    }
    store->pinned_count = 0;
    if (!store->is_all_inside && frames_empty(store) < SL_FLOW_PIN_MAX) {
        make_room(store);
    }
}

void sl_flow_store_give(struct sl_flow_store *store, uint32_t slot)
{
    assert(slot < store->count);
    if (store->is_all_inside) {
        sl_wipe(frame_record(store, slot), store->record_size);
        slot_give(store, slot);
        return;
    }
    enum slot_state state = slot_state(store, slot);
    assert(state != SLOT_FREE);
    if (state == SLOT_CACHED) {
        uint32_t frame = (uint32_t)(store->words[slot] & SLOT_VALUE_MASK);
        sl_wipe(frame_record(store, frame), store->record_size);
        if ((store->uses[frame] & FRAME_PINNED) != 0) {
            store->uses[frame] |= FRAME_EMPTY; /* unpin gives the frame back */
        } else {
            frame_give(store, frame);
        }
    }
    slot_give(store, slot);
}

void sl_flow_store_prefetch_place(const struct sl_flow_store *store, uint32_t slot)
{
    if (slot < store->count && !store->is_all_inside) {
        __builtin_prefetch(&store->words[slot], 1);
    }
}

void sl_flow_store_prefetch(const struct sl_flow_store *store, uint32_t slot, uint32_t size)
{
    if (slot >= store->count) {
        return;
    }
    if (store->is_all_inside) {
        prefetch_lines(frame_record(store, slot), size);
        return;
    }
    uint32_t frame = (uint32_t)(store->words[slot] & SLOT_VALUE_MASK);
    switch (slot_state(store, slot)) {
    case SLOT_CACHED:
        __builtin_prefetch(&store->uses[frame], 1);
        prefetch_lines(frame_record(store, frame), size);
        break;
    case SLOT_OUTSIDE:
        prefetch_lines(slot_outside(store, slot), store->stride);
        break;
    case SLOT_FREE:
    case SLOT_LOST:
        break;
    }
}

uint8_t *sl_flow_store_inside(const struct sl_flow_store *store)
{
    return store->is_all_inside ? store->records : NULL;
}

void sl_flow_store_hit(struct sl_flow_store *store, uint32_t count)
{
    store_count(&store->counters.hits, count);
}

sl_rc sl_flow_store_peek(struct sl_flow_store *store, uint32_t slot, void *ret_record)
{
    assert(slot < store->count);
    if (store->is_all_inside) {
        memcpy(ret_record, frame_record(store, slot), store->record_size);
        return SL_OK;
    }
    uint64_t value = store->words[slot] & SLOT_VALUE_MASK;
    sl_rc rc = SL_AUTH;
    switch (slot_state(store, slot)) {
    case SLOT_CACHED:
        memcpy(ret_record, frame_record(store, (uint32_t)value), store->record_size);
        return SL_OK;
    case SLOT_OUTSIDE:
        rc = store_outside_read(store, slot, value & SLOT_NUMBER_MASK, ret_record);
        break;
    case SLOT_FREE:
        assert(false);
        break;
    case SLOT_LOST:
        break;
    }
    if (rc != SL_OK) {
        memset(ret_record, 0, store->record_size);
        store->words[slot] = slot_word(SLOT_LOST, 0);
    }
    return rc;
}

void sl_flow_store_counters(const struct sl_flow_store *store,
                            struct sl_flow_store_counters *ret_counters)
{
#define COPY(name, text)                                                                           \
    ret_counters->name = __atomic_load_n(&store->counters.name, __ATOMIC_RELAXED);
    SL_FLOW_STORE_COUNTER_TABLE(COPY)
#undef COPY
}
