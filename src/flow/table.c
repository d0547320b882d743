/* SPDX-License-Identifier: Apache-2.0 */
/* The life of flow tables and of their flows: made, ended, evicted, moved. */
#include "flow/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "flow/move.h"
#include "flow/tuple.h"

enum {
    ADVANCE_SLOTS = 16384,
};

/* ---- made and freed ---- */

static uint32_t tcp_mode(const struct sl_flow_spec *spec, const struct sl_flow_options *options)
{
    if (options->tcp_mode != SL_FLOW_TCP_DEFAULT) {
        return options->tcp_mode;
    }
    return (spec->flags & SL_FLOW_SPEC_TCP_STRICT) != 0 ? SL_FLOW_TCP_STRICT : SL_FLOW_TCP_COMPACT;
}

static uint32_t plane_count(const struct sl_flow_options *options, uint32_t plane)
{
    if (plane == 0) {
        return options->flows;
    }
    return options->flows6 == UINT32_MAX ? (options->flows + 3) / 4 : options->flows6;
}

static void store_params(const struct sl_flow_spec *spec, const struct sl_flow_options *options,
                         uint32_t plane, struct sl_flow_layout *ret_layout,
                         struct sl_flow_store_params *ret_params)
{
    uint64_t total = (uint64_t)plane_count(options, 0) + plane_count(options, 1);
    uint32_t count = plane_count(options, plane);
    sl_flow_layout_make(ret_layout, plane == 0 ? 4 : 6, sl_flow_tcp_size(tcp_mode(spec, options)),
                        spec->flags, spec->state_size);
    *ret_params = (struct sl_flow_store_params){.record_size = ret_layout->size, .count = count};
    /* what is kept inside is shared as the flows are */
    uint64_t inside = (uint64_t)options->inside * count / (total != 0 ? total : 1);
    inside = inside < SL_FLOW_PIN_MAX ? SL_FLOW_PIN_MAX : inside;
    ret_params->inside_count = inside < count ? (uint32_t)inside : count;
}

/* Untrusted memory for a store that wants some; without a spill all records are inside. */
static sl_rc find_outside(struct sl_flow_table *table, struct flow_plane *plane,
                          struct sl_flow_store_params *params, struct sl_err *err)
{
    size_t size = sl_flow_store_outside_size(params);
    if (size == 0) {
        return SL_OK;
    }
    if (table->spill == NULL) {
        params->inside_count = params->count;
        return SL_OK;
    }
    plane->outside = sl_flow_spill_take(table->spill, size);
    if (plane->outside == NULL) {
        return sl_err_set(err, SL_NO_SPACE,
                          "flow table: %u flows with %u inside want %zu MiB outside the enclave, "
                          "%zu MiB are left: start the host with a larger --spill (`safelib policy "
                          "chain` says how much), or keep more inside",
                          params->count, params->inside_count, (size + (1 << 20) - 1) >> 20,
                          sl_flow_spill_left(table->spill) >> 20);
    }
    params->outside = plane->outside;
    params->outside_size = size;
    return SL_OK;
}

static sl_rc plane_create(struct sl_flow_table *table, uint32_t index, uint64_t *ret_keys,
                          struct sl_err *err)
{
    struct flow_plane *plane = &table->planes[index];
    struct sl_flow_store_params params;
    store_params(table->spec, &table->options, index, &plane->layout, &params);
    if (params.count == 0) {
        return SL_OK;
    }
    sl_rc rc = find_outside(table, plane, &params, err);
    rc = rc == SL_OK ? sl_flow_store_create(&params, &plane->store, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    plane->slots = calloc(params.count, sizeof(*plane->slots));
    if (plane->slots == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "flow table: no memory for %u flows", params.count);
    }
    memset(plane->slots, 0, params.count * sizeof(*plane->slots)); /* pages are touched now */
    plane->count = params.count;
    plane->inside = sl_flow_store_inside(plane->store);
    plane->is_plain = plane->layout.reply_off == 0 && plane->layout.state_off == plane->layout.size;
    plane->inside_size = sl_flow_store_inside_size(&params);
    *ret_keys += params.count;
    return SL_OK;
}

sl_rc sl_flow_table_create(const struct sl_flow_table_params *params,
                           struct sl_flow_table **ret_table, struct sl_err *err)
{
    if (params->spec->state_size > SL_FLOW_STATE_MAX) {
        return sl_err_set(err, SL_RANGE, "flow table: %u bytes of state, at most %d",
                          params->spec->state_size, SL_FLOW_STATE_MAX);
    }
    struct sl_flow_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "flow table: out of memory");
    }
    table->spec = params->spec;
    table->options = params->options;
    table->spill = params->spill;
    table->tcp_mode = tcp_mode(params->spec, &params->options);
    uint64_t keys = 0;
    sl_rc rc = sl_flow_hash_key_make(&table->key);
    if (rc != SL_OK) {
        rc = sl_err_set(err, rc, "flow table: no randomness");
    }
    for (uint32_t i = 0; rc == SL_OK && i < FLOW_PLANES; i++) {
        rc = plane_create(table, i, &keys, err);
    }
    keys *= (table->spec->flags & SL_FLOW_SPEC_REKEYS) != 0 ? 2 : 1;
    if (rc == SL_OK) {
        rc = sl_flow_index_init(&table->index, keys);
        rc = rc == SL_OK ? rc : sl_err_set(err, rc, "flow table: no memory for an index");
    }
    if (rc != SL_OK) {
        sl_flow_table_free(table);
        return rc;
    }
    *ret_table = table;
    return SL_OK;
}

void sl_flow_table_free(struct sl_flow_table *table)
{
    if (table == NULL) {
        return;
    }
    sl_flow_table_free(table->from);
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        sl_flow_store_free(table->planes[i].store);
        sl_flow_spill_give(table->spill, table->planes[i].outside);
        free(table->planes[i].slots);
    }
    sl_flow_index_done(&table->index);
    sl_wipe(&table->key, sizeof(table->key));
    free(table);
}

void sl_flow_table_bind(struct sl_flow_table *table, void *nf_state)
{
    for (; table != NULL; table = table->from) {
        table->nf_state = nf_state;
    }
}

bool sl_flow_table_is_same_shape(const struct sl_flow_table *table, const struct sl_flow_spec *spec,
                                 const struct sl_flow_options *options)
{
    const uint32_t mask = SL_FLOW_SPEC_REKEYS;
    return table->spec->state_size == spec->state_size && table->spec->version == spec->version &&
           (table->spec->flags & mask) == (spec->flags & mask) &&
           table->tcp_mode == tcp_mode(spec, options) && table->options.flows == options->flows &&
           plane_count(&table->options, 1) == plane_count(options, 1) &&
           table->options.inside == options->inside;
}

void sl_flow_table_retune(struct sl_flow_table *table, const struct sl_flow_spec *spec,
                          const struct sl_flow_options *options)
{
    table->spec = spec;
    table->options = *options;
}

size_t sl_flow_table_inside_bytes(const struct sl_flow_table *table)
{
    size_t size = sizeof(*table) + sl_flow_index_bytes(&table->index);
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        const struct flow_plane *plane = &table->planes[i];
        if (plane->store != NULL) {
            size += plane->inside_size + plane->count * sizeof(*plane->slots);
        }
    }
    return size;
}

/* ---- flows end ---- */

/* The key of the replies, where it is one of its own. */
static void remove_reply(struct sl_flow_table *table, uint32_t id, const void *record)
{
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    sl_flow_record_read(record, &flow_plane_of(table, id)->layout, &original, &reply);
    (void)sl_flow_index_remove(&table->index, sl_flow_tuple_hash(&table->key, &reply), id);
}

/* @param hash  of its original key */
static void release(struct sl_flow_table *table, uint32_t id, const void *record, uint64_t hash)
{
    const struct sl_flow_head *head = record;
    struct flow_plane *plane = flow_plane_of(table, id);
    struct sl_flow_slot *slot = flow_slot_of(table, id);
    (void)sl_flow_index_remove(&table->index, hash, id);
    if ((head->bits & SL_FLOW_BIT_REKEYED) != 0) {
        remove_reply(table, id, record);
    }
    slot->generation++;
    slot->due = 0;
    if (slot->generation != 0) { /* all handles used up: the slot is never taken again */
        sl_flow_store_give(plane->store, id >> 1);
    }
    flow_count(&table->counters.flows, UINT64_MAX);
}

void flow_release(struct sl_flow_table *table, uint32_t id, const void *record)
{
    struct sl_flow_tuple original;
    sl_flow_record_original(record, &flow_plane_of(table, id)->layout, &original);
    release(table, id, record, sl_flow_tuple_hash(&table->key, &original));
}

static void count_end(struct sl_flow_table *table, enum sl_flow_end end)
{
    switch (end) {
    case SL_FLOW_END_CLOSED:
        flow_count(&table->counters.ended_closed, 1);
        break;
    case SL_FLOW_END_EVICTED:
        flow_count(&table->counters.ended_evicted, 1);
        break;
    case SL_FLOW_END_LOST:
        flow_count(&table->counters.ended_lost, 1);
        break;
    default:
        flow_count(&table->counters.ended_idle, end == SL_FLOW_END_IDLE);
        break;
    }
}

void flow_finish(struct sl_flow_table *table, uint32_t id, void *record, enum sl_flow_end end)
{
    const struct sl_flow_layout *layout = &flow_plane_of(table, id)->layout;
    const struct sl_flow_head *head = record;
    if (end == SL_FLOW_END_IDLE && head->proto == SL_FLOW_TCP &&
        (head->upper == SL_FLOW_TCP_TIME_WAIT || head->upper == SL_FLOW_TCP_CLOSE)) {
        end = SL_FLOW_END_CLOSED;
    }
    count_end(table, end);
    if (table->spec->ended != NULL) {
        struct sl_flow_tuple original;
        struct sl_flow_tuple reply;
        sl_flow_record_read(record, layout, &original, &reply);
        table->spec->ended(table->nf_state, table, &original, &reply,
                           (uint8_t *)record + layout->state_off, end);
    }
    flow_release(table, id, record);
}

void flow_forget(struct sl_flow_table *table, uint32_t id, const void *record, uint64_t hash)
{
    flow_count(&table->counters.forgotten, 1);
    release(table, id, record, hash);
}

void flow_lose(struct sl_flow_table *table, uint32_t id)
{
    const struct sl_flow_tuple unknown = {0};
    uint64_t zero[SL_FLOW_STATE_MAX / 8] = {0};
    struct flow_plane *plane = flow_plane_of(table, id);
    struct sl_flow_slot *slot = flow_slot_of(table, id);
    count_end(table, SL_FLOW_END_LOST);
    if (table->spec->ended != NULL) {
        table->spec->ended(table->nf_state, table, &unknown, &unknown, zero, SL_FLOW_END_LOST);
    }
    slot->generation++;
    slot->due = 0;
    if (slot->generation != 0) {
        sl_flow_store_give(plane->store, id >> 1);
    }
    flow_count(&table->counters.flows, UINT64_MAX);
}

void flow_end_slot(struct sl_flow_table *table, uint32_t id, enum sl_flow_end end)
{
    void *record;
    sl_rc rc = sl_flow_store_pin(flow_plane_of(table, id)->store, id >> 1, true, &record);
    if (rc == SL_OK) {
        flow_finish(table, id, record, end);
    } else if (rc == SL_AUTH) {
        flow_lose(table, id);
    }
}

/* ---- time ---- */

void sl_flow_table_set_now(struct sl_flow_table *table, uint64_t now_ms)
{
    if (now_ms > table->now_ms) {
        table->now_ms = now_ms;
        table->tick = sl_flow_tick(now_ms);
    }
}

static uint32_t advance_plane(struct sl_flow_table *table, uint32_t index, uint32_t limit)
{
    struct flow_plane *plane = &table->planes[index];
    struct sl_flow_wheel *wheel = &plane->wheel;
    uint32_t ended = 0;
    uint32_t slots = sl_flow_wheel_turn(wheel, table->now_ms, plane->count, ADVANCE_SLOTS);
    while (slots > 0) {
        uint32_t left = plane->count - wheel->at;
        uint32_t end = wheel->at + (slots < left ? slots : left);
        uint32_t at = sl_flow_wheel_next(plane->slots, wheel->at, end, table->tick);
        slots -= at - wheel->at;
        wheel->at = at < plane->count ? at : 0;
        if (at == end) {
            continue;
        }
        if (ended == limit) {
            wheel->owed += (uint64_t)slots * SL_FLOW_TURN_MS; /* goes on here */
            break;
        }
        flow_end_slot(table, flow_id(index, at), SL_FLOW_END_IDLE);
        if (++ended % SL_FLOW_PIN_MAX == 0) {
            sl_flow_store_unpin(plane->store);
        }
    }
    if (ended != 0) {
        sl_flow_store_unpin(plane->store);
    }
    return ended;
}

void sl_flow_table_advance(struct sl_flow_table *table, uint32_t limit)
{
    if (table->from != NULL) {
        limit -= flow_move_some(table, limit / 2);
        sl_flow_table_settle(table); /* lets go of records */
    }
    for (uint32_t i = 0; i < FLOW_PLANES && limit > 0; i++) {
        if (table->planes[i].count != 0) {
            limit -= advance_plane(table, i, limit);
        }
    }
}

/* ---- between chains ---- */

void sl_flow_table_unload(struct sl_flow_table *table)
{
    if (table->from != NULL) {
        sl_flow_table_unload(table->from);
    }
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        struct flow_plane *plane = &table->planes[i];
        for (uint32_t at = 0; at < plane->count; at++) {
            if (sl_flow_is_live(&plane->slots[at])) {
                flow_end_slot(table, flow_id(i, at), SL_FLOW_END_UNLOAD);
                sl_flow_store_unpin(plane->store);
            }
        }
    }
}

void sl_flow_table_counters(const struct sl_flow_table *table,
                            struct sl_flow_counters *ret_counters)
{
#define COPY(name, text)                                                                           \
    ret_counters->name = __atomic_load_n(&table->counters.name, __ATOMIC_RELAXED);
    SL_FLOW_COUNTER_TABLE(COPY)
#undef COPY
}

void sl_flow_table_store_counters(const struct sl_flow_table *table,
                                  struct sl_flow_store_counters *ret_counters)
{
    *ret_counters = (struct sl_flow_store_counters){0};
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        struct sl_flow_store_counters one;
        if (table->planes[i].store == NULL) {
            continue;
        }
        sl_flow_store_counters(table->planes[i].store, &one);
#define ADD(name, text) ret_counters->name += one.name;
        SL_FLOW_STORE_COUNTER_TABLE(ADD)
#undef ADD
    }
}
