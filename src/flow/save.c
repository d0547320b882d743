/* SPDX-License-Identifier: Apache-2.0 */
/* Flows out of a table and back into one. */
#include "flow/save.h"

#include <string.h>

#include "flow/private.h"
#include "flow/tuple.h"

enum {
    FORMAT = 2,
    HEAD_SIZE = 2 + 4 + 4 + 1 + 2 + 2 + 2,
    COUNT_OFF = HEAD_SIZE - 2,
    FLOW_SIZE = 4 + 1, /* beside the record */
};

/* What a block says of its flows. */
struct block {
    uint32_t version;
    uint32_t state_size;
    uint8_t plane;
    uint16_t record_size;
    uint16_t state_off;
    uint16_t count;
};

/* ---- out ---- */

static void head_write(const struct sl_flow_table *table, uint32_t plane, struct sl_writer *w)
{
    const struct sl_flow_layout *layout = &table->planes[plane].layout;
    sl_writer_be16(w, FORMAT);
    sl_writer_be32(w, table->spec->version);
    sl_writer_be32(w, table->spec->state_size);
    sl_writer_u8(w, (uint8_t)plane);
    sl_writer_be16(w, layout->size);
    sl_writer_be16(w, layout->state_off);
    sl_writer_be16(w, 0); /* count */
}

/* UDP's word is a tick of this table's clock. */
static bool has_tick(const struct sl_flow_head *head)
{
    return head->proto == SL_FLOW_UDP || head->proto == SL_FLOW_UDPLITE;
}

static bool flow_write(const struct sl_flow_table *table, uint32_t plane, uint32_t slot,
                       struct sl_writer *w)
{
    uint64_t record[SL_FLOW_RECORD_MAX / 8] = {0};
    const struct flow_plane *of = &table->planes[plane];
    struct sl_flow_head *head = (struct sl_flow_head *)record;
    if (sl_flow_store_peek(of->store, slot, record) != SL_OK) {
        return false;
    }
    uint32_t ticks = ((of->slots[slot].due >> 1) - table->tick) & 0x7fffffffu;
    if (has_tick(head)) {
        head->word -= table->tick;
    }
    uint64_t ms = (uint64_t)ticks * SL_FLOW_TICK_MS;
    sl_writer_be32(w, ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX);
    sl_writer_u8(w, sl_flow_is_assured(&of->slots[slot]) ? 1 : 0);
    sl_writer_bytes(w, record, of->layout.size);
    return true;
}

static void cursor_next_plane(struct sl_flow_cursor *cursor)
{
    cursor->slot = 0;
    cursor->plane++;
    cursor->is_end = cursor->plane == FLOW_PLANES;
}

sl_rc sl_flow_table_save(struct sl_flow_table *table, struct sl_flow_cursor *cursor, uint32_t looks,
                         struct sl_writer *w, uint32_t *ret_flows)
{
    *ret_flows = 0;
    while (cursor->plane < FLOW_PLANES && cursor->slot >= table->planes[cursor->plane].count) {
        cursor_next_plane(cursor);
    }
    if (cursor->plane >= FLOW_PLANES) {
        cursor->is_end = true;
        return SL_OK;
    }
    const struct flow_plane *plane = &table->planes[cursor->plane];
    size_t begin = w->off;
    size_t each = FLOW_SIZE + plane->layout.size;
    if (w->size - w->off < HEAD_SIZE + each) {
        return SL_NO_SPACE;
    }
    uint16_t count = 0;
    head_write(table, cursor->plane, w);
    for (; looks > 0 && cursor->slot < plane->count; looks--, cursor->slot++) {
        const struct sl_flow_slot *slot = &plane->slots[cursor->slot];
        if (!sl_flow_is_live(slot) || sl_flow_is_due(slot, table->tick)) {
            continue;
        }
        if (w->size - w->off < each || count == UINT16_MAX) {
            break;
        }
        count += flow_write(table, cursor->plane, cursor->slot, w);
    }
    if (count > 0) {
        sl_be16_put(w->data + begin + COUNT_OFF, count);
    } else {
        w->off = begin;
    }
    if (cursor->slot >= plane->count) {
        cursor_next_plane(cursor);
    }
    *ret_flows = count;
    return SL_OK;
}

/* ---- back ---- */

static sl_rc head_read(struct sl_reader *r, struct block *ret_block)
{
    struct block block = {0};
    uint16_t format = sl_reader_be16(r);
    block.version = sl_reader_be32(r);
    block.state_size = sl_reader_be32(r);
    block.plane = sl_reader_u8(r);
    block.record_size = sl_reader_be16(r);
    block.state_off = sl_reader_be16(r);
    block.count = sl_reader_be16(r);
    if (r->rc == SL_OK && (format != FORMAT || block.plane >= FLOW_PLANES || block.count == 0 ||
                           block.record_size < sizeof(struct sl_flow_head) ||
                           block.record_size > SL_FLOW_RECORD_MAX)) {
        sl_reader_fail(r, SL_MALFORMED);
    }
    *ret_block = block;
    return r->rc;
}

/* Whether flows of the block lie as those of the table do. */
static bool is_same(const struct sl_flow_table *table, const struct block *block)
{
    const struct flow_plane *plane = &table->planes[block->plane];
    return plane->count > 0 && block->version == table->spec->version &&
           block->state_size == table->spec->state_size &&
           block->record_size == plane->layout.size && block->state_off == plane->layout.state_off;
}

static bool keys_insert(struct sl_flow_table *table, uint32_t id,
                        const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                        bool is_rekeyed)
{
    uint64_t hash = sl_flow_tuple_hash(&table->key, original);
    if (sl_flow_index_insert(&table->index, hash, id) != SL_OK) {
        return false;
    }
    if (is_rekeyed &&
        sl_flow_index_insert(&table->index, sl_flow_tuple_hash(&table->key, reply), id) != SL_OK) {
        (void)sl_flow_index_remove(&table->index, hash, id);
        return false;
    }
    return true;
}

static bool is_known(struct sl_flow_table *table, const struct sl_flow_tuple *tuple)
{
    void *record;
    uint8_t direction;
    return flow_find(table, tuple, sl_flow_tuple_hash(&table->key, tuple), false, &record,
                     &direction) != UINT32_MAX;
}

/* One flow; `saved` is its record, times relative. */
static bool flow_put(struct sl_flow_table *table, uint32_t index, const void *saved, uint32_t ms,
                     bool is_assured)
{
    struct flow_plane *plane = &table->planes[index];
    struct sl_flow_tuple original;
    struct sl_flow_tuple reply;
    uint32_t slot;
    void *record;
    sl_flow_record_read(saved, &plane->layout, &original, &reply);
    if (is_known(table, &original) || is_known(table, &reply) ||
        sl_flow_store_take(plane->store, &slot, &record) != SL_OK) {
        return false;
    }
    uint32_t id = flow_id(index, slot);
    struct sl_flow_head *head = record;
    memcpy(record, saved, plane->layout.size);
    if (!keys_insert(table, id, &original, &reply, (head->bits & SL_FLOW_BIT_REKEYED) != 0)) {
        sl_flow_store_give(plane->store, slot);
        return false;
    }
    if (has_tick(head)) {
        head->word += table->tick;
    }
    plane->slots[slot].generation++;
    sl_flow_set_due(&plane->slots[slot], table->tick + sl_flow_ticks_of_ms(ms), is_assured);
    flow_count(&table->counters.flows, 1);
    if (table->spec->restored != NULL &&
        table->spec->restored(table->nf_state, table, &original, &reply,
                              (uint8_t *)record + plane->layout.state_off) != SL_OK) {
        flow_forget(table, id, record, sl_flow_tuple_hash(&table->key, &original));
        return false;
    }
    flow_count(&table->counters.restored, 1);
    return true;
}

static void records_let_go(struct sl_flow_table *table)
{
    for (uint32_t i = 0; i < FLOW_PLANES; i++) {
        if (table->planes[i].store != NULL) {
            sl_flow_store_unpin(table->planes[i].store);
        }
    }
}

static sl_rc block_read(struct sl_flow_table *table, struct sl_reader *r,
                        struct sl_flow_restored *sum)
{
    struct block block;
    sl_rc rc = head_read(r, &block);
    bool is_wanted = rc == SL_OK && table != NULL && is_same(table, &block);
    for (uint32_t i = 0; rc == SL_OK && i < block.count; i++) {
        uint64_t record[SL_FLOW_RECORD_MAX / 8];
        uint32_t ms = sl_reader_be32(r);
        uint8_t is_assured = sl_reader_u8(r);
        sl_reader_copy(r, record, block.record_size);
        if (r->rc == SL_OK && is_assured > 1) {
            sl_reader_fail(r, SL_MALFORMED);
        }
        rc = r->rc;
        bool is_good =
            rc == SL_OK && is_wanted && flow_put(table, block.plane, record, ms, is_assured == 1);
        sum->flows += is_good;
        sum->refused += rc == SL_OK && !is_good;
        if (is_wanted) {
            records_let_go(table);
        }
    }
    return rc;
}

sl_rc sl_flow_table_restore(struct sl_flow_table *table, struct sl_reader *r,
                            struct sl_flow_restored *sum)
{
    return block_read(table, r, sum);
}

sl_rc sl_flow_block_skip(struct sl_reader *r, struct sl_flow_restored *sum)
{
    return block_read(NULL, r, sum);
}
