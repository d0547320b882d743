/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of a table that is made differently (more of them, windows followed) come over: each when
 * its next packet comes, the others a few at a time. */
#include "flow/move.h"

#include <string.h>

#include "flow/tuple.h"

bool sl_flow_table_take_over(struct sl_flow_table *table, struct sl_flow_table *from)
{
    bool is_fit = table->spec->state_size == from->spec->state_size &&
                  table->spec->version == from->spec->version && table->from == NULL;
    if (table->counters.flows == 0) {
        table->key = from->key; /* what NFs have filed by sl_flow_hash is found under it still */
    }
    if (!is_fit) {
        flow_count(&table->counters.not_moved, from->counters.flows);
        return false;
    }
    sl_flow_table_bind(from, table->nf_state);
    table->from = from;
    return true;
}

static bool has_any(const struct sl_flow_table *from)
{
    return from != NULL && (from->counters.flows != 0 || has_any(from->from));
}

/* What a flow knew of TCP's windows; where the old table followed none, it is picked up anew. */
static void copy_windows(void *record, const struct sl_flow_layout *layout, void *old,
                         const struct sl_flow_layout *old_layout)
{
    struct sl_flow_tcp_windows *windows = flow_windows(layout, record);
    const struct sl_flow_tcp_windows *known = flow_windows(old_layout, old);
    if (windows == NULL) {
        return;
    }
    if (known != NULL) {
        memcpy(windows, known, sizeof(*windows));
        return;
    }
    windows->side_bits[0] = SL_FLOW_SIDE_SACKS | SL_FLOW_SIDE_LIBERAL;
    windows->side_bits[1] = windows->side_bits[0];
}

static void copy_record(struct sl_flow_table *table, uint32_t id, void *record, void *old,
                        const struct sl_flow_layout *old_layout,
                        const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply)
{
    const struct sl_flow_layout *layout = &flow_plane_of(table, id)->layout;
    struct sl_flow_head *head = record;
    sl_flow_record_write(record, layout, original);
    *head = *(const struct sl_flow_head *)old;
    head->bits &= (uint8_t)~SL_FLOW_BIT_REKEYED;
    if ((((const struct sl_flow_head *)old)->bits & SL_FLOW_BIT_REKEYED) != 0) {
        sl_flow_record_rekey(record, layout, reply);
    }
    copy_windows(record, layout, old, old_layout);
    memcpy((uint8_t *)record + layout->state_off, (const uint8_t *)old + old_layout->state_off,
           table->spec->state_size);
}

/* Puts one flow into the new table. @return its id; UINT32_MAX: no room */
static uint32_t insert(struct sl_flow_table *table, uint32_t index, void *old,
                       const struct sl_flow_layout *old_layout, void **ret_record)
{
    struct flow_plane *plane = &table->planes[index];
    bool is_rekeyed = (((const struct sl_flow_head *)old)->bits & SL_FLOW_BIT_REKEYED) != 0;
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    uint32_t slot;
    sl_flow_record_read(old, old_layout, &original, &reply);
    if (plane->count == 0 || (is_rekeyed && !sl_flow_record_fits(&plane->layout, &reply))) {
        return UINT32_MAX;
    }
    flow_evict_start(table); /* what comes over is not the burst's */
    sl_rc rc = sl_flow_store_take(plane->store, &slot, ret_record);
    if (rc == SL_NO_SPACE && flow_evict(table, index)) {
        rc = sl_flow_store_take(plane->store, &slot, ret_record);
    }
    if (rc != SL_OK) {
        return UINT32_MAX;
    }
    uint32_t id = flow_id(index, slot);
    uint64_t hash = sl_flow_tuple_hash(&table->key, &original);
    rc = sl_flow_index_insert(&table->index, hash, id);
    if (rc == SL_OK && is_rekeyed &&
        sl_flow_index_insert(&table->index, sl_flow_tuple_hash(&table->key, &reply), id) != SL_OK) {
        (void)sl_flow_index_remove(&table->index, hash, id);
        rc = SL_NO_SPACE;
    }
    if (rc != SL_OK) {
        sl_flow_store_give(plane->store, slot);
        return UINT32_MAX;
    }
    copy_record(table, id, *ret_record, old, old_layout, &original, &reply);
    return id;
}

/* One flow, whose record in the old table is pinned. */
static uint32_t move_one(struct sl_flow_table *table, uint32_t old_id, void *old, void **ret_record)
{
    struct sl_flow_table *from = table->from;
    const struct sl_flow_slot *old_slot = flow_slot_of(from, old_id);
    uint32_t id = insert(table, old_id & 1, old, &flow_plane_of(from, old_id)->layout, ret_record);
    if (id == UINT32_MAX) {
        flow_count(&table->counters.not_moved, 1);
        flow_finish(from, old_id, old, SL_FLOW_END_EVICTED);
        return UINT32_MAX;
    }
    struct sl_flow_slot *slot = flow_slot_of(table, id);
    slot->generation++;
    slot->due = old_slot->due;
    flow_count(&table->counters.flows, 1);
    flow_count(&table->counters.moved, 1);
    flow_release(from, old_id, old);
    return id;
}

uint32_t flow_find_before(struct sl_flow_table *table, const struct sl_flow_tuple *tuple,
                          bool is_between, void **ret_record, uint8_t *ret_direction)
{
    struct sl_flow_table *from = table->from;
    void *record;
    if (!has_any(from)) {
        return UINT32_MAX;
    }
    sl_flow_table_set_now(from, table->now_ms);
    uint32_t id = flow_find(from, tuple, sl_flow_tuple_hash(&from->key, tuple), is_between, &record,
                            ret_direction);
    if (id == UINT32_MAX || !is_between) {
        return id == UINT32_MAX ? id : FLOW_ELSEWHERE;
    }
    return move_one(table, id, record, ret_record);
}

uint32_t flow_move_some(struct sl_flow_table *table, uint32_t limit)
{
    struct sl_flow_table *from = table->from;
    uint32_t moved = 0;
    if (!has_any(from)) {
        return 0;
    }
    sl_flow_table_set_now(from, table->now_ms);
    moved += flow_move_some(from, limit); /* of the one before that */
    for (uint32_t looks = 0; looks < FLOW_MOVE_LOOKS && moved < limit; looks++) {
        uint32_t plane = from->move_at & 1;
        uint32_t slot = from->move_at >> 1;
        if (slot >= from->planes[0].count && slot >= from->planes[1].count) {
            from->move_at = 0;
            break;
        }
        uint32_t id = from->move_at++;
        void *record;
        void *copy;
        if (slot >= from->planes[plane].count || !sl_flow_is_live(flow_slot_of(from, id)) ||
            sl_flow_store_pin(from->planes[plane].store, slot, true, &record) != SL_OK) {
            continue;
        }
        if (sl_flow_is_due(flow_slot_of(from, id), from->tick)) {
            flow_finish(from, id, record, SL_FLOW_END_IDLE);
        } else {
            (void)move_one(table, id, record, &copy);
        }
        moved++;
    }
    return moved;
}
