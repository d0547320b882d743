/* SPDX-License-Identifier: Apache-2.0 */
/* What NFs ask of their table: safelib/flow.h. */
#include "flow/private.h"

#include "flow/tuple.h"

/* A live flow's id, or UINT32_MAX. */
static uint32_t id_of(struct sl_flow_table *table, sl_flow_handle handle)
{
    uint32_t id = (uint32_t)handle - 1;
    if ((uint32_t)handle == 0 || (id >> 1) >= flow_plane_of(table, id)->count) {
        return UINT32_MAX;
    }
    const struct sl_flow_slot *slot = flow_slot_of(table, id);
    return sl_flow_is_live(slot) && slot->generation == (uint32_t)(handle >> 32) ? id : UINT32_MAX;
}

static sl_rc record_of(struct sl_flow_table *table, sl_flow_handle handle, bool will_write,
                       uint32_t *ret_id, void **ret_record)
{
    uint32_t id = id_of(table, handle);
    if (id == UINT32_MAX) {
        return SL_STALE;
    }
    if (sl_flow_store_pin(flow_plane_of(table, id)->store, id >> 1, will_write, ret_record) !=
        SL_OK) {
        return SL_STALE; /* damaged: its end is told between bursts */
    }
    *ret_id = id;
    return SL_OK;
}

uint64_t sl_flow_now_ms(const struct sl_flow_table *table)
{
    return table->now_ms;
}

sl_rc sl_flow_tuples(struct sl_flow_table *table, sl_flow_handle handle,
                     struct sl_flow_tuple *ret_original, struct sl_flow_tuple *ret_reply)
{
    uint32_t id;
    void *record;
    sl_rc rc = record_of(table, handle, false, &id, &record);
    if (rc == SL_OK) {
        sl_flow_record_read(record, &flow_plane_of(table, id)->layout, ret_original, ret_reply);
    }
    return rc;
}

static bool is_fresh(const struct sl_flow_table *table, uint32_t id)
{
    for (uint32_t i = 0; i < table->fresh_count; i++) {
        if (table->fresh[i].id == id) {
            return true;
        }
    }
    return false;
}

sl_rc sl_flow_set_reply(struct sl_flow_table *table, sl_flow_handle handle,
                        const struct sl_flow_tuple *reply)
{
    uint32_t id;
    void *record;
    void *other;
    uint8_t direction;
    sl_rc rc = record_of(table, handle, true, &id, &record);
    if (rc != SL_OK) {
        return rc;
    }
    const struct sl_flow_layout *layout = &flow_plane_of(table, id)->layout;
    if (!is_fresh(table, id)) {
        return SL_STATE;
    }
    if (!sl_flow_record_fits(layout, reply)) {
        return SL_NO_SPACE;
    }
    struct sl_flow_tuple original;
    struct sl_flow_tuple before;
    sl_flow_record_read(record, layout, &original, &before);
    uint64_t hash = sl_flow_tuple_hash(&table->key, reply);
    uint32_t holder = flow_find(table, reply, hash, false, &other, &direction);
    if (holder == id && direction == SL_FLOW_REPLY) {
        return SL_OK; /* as it is */
    }
    if (holder != UINT32_MAX) {
        return SL_EXISTS;
    }
    rc = sl_flow_index_insert(&table->index, hash, id);
    if (rc != SL_OK) {
        return rc;
    }
    if ((((const struct sl_flow_head *)record)->bits & SL_FLOW_BIT_REKEYED) != 0) {
        (void)sl_flow_index_remove(&table->index, sl_flow_tuple_hash(&table->key, &before), id);
    }
    sl_flow_record_rekey(record, layout, reply);
    return SL_OK;
}

bool sl_flow_has(struct sl_flow_table *table, const struct sl_flow_tuple *tuple)
{
    void *record;
    uint8_t direction;
    uint64_t hash = sl_flow_tuple_hash(&table->key, tuple);
    return flow_find(table, tuple, hash, false, &record, &direction) != UINT32_MAX;
}

sl_rc sl_flow_set_timeout(struct sl_flow_table *table, sl_flow_handle handle, uint32_t idle_ms)
{
    uint32_t id;
    void *record;
    sl_rc rc = record_of(table, handle, true, &id, &record);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_flow_head *head = record;
    if (idle_ms == 0) {
        head->bits &= (uint8_t)~SL_FLOW_BIT_IDLE_SET; /* from its next packet on */
        return SL_OK;
    }
    head->bits |= SL_FLOW_BIT_IDLE_SET;
    /* one tick more, as the present one has begun */
    head->idle = sl_flow_idle_pack(sl_flow_ticks_of_ms(idle_ms) + 1);
    sl_flow_set_due(flow_slot_of(table, id), table->tick + sl_flow_idle_unpack(head->idle),
                    (head->bits & SL_FLOW_BIT_ASSURED) != 0);
    return SL_OK;
}

sl_rc sl_flow_close(struct sl_flow_table *table, sl_flow_handle handle)
{
    uint32_t id = id_of(table, handle);
    if (id == UINT32_MAX) {
        return SL_STALE;
    }
    if (table->closed_count < FLOW_CLOSED_MAX) {
        table->closed[table->closed_count++] = handle;
    } else {
        sl_flow_set_due(flow_slot_of(table, id), table->tick, false);
    }
    return SL_OK;
}

uint64_t sl_flow_hash(const struct sl_flow_table *table, const void *data, size_t size)
{
    return sl_flow_hash_bytes(&table->key, data, size);
}
