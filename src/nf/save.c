/* SPDX-License-Identifier: Apache-2.0 */
/* A chain's flows as a snapshot holds them.
 *
 *   u8 HEAD | u16 shard | u16 shards | steering key      first of each shard
 *   u8 FLOWS | u16 shard | string NF | u8 how many of that NF come before | block (flow/save.h) */
#include <string.h>

#include "nf/private.h"

enum tag {
    TAG_HEAD = 1,
    TAG_FLOWS = 2,
};

enum { FLOWS_HEAD_MAX = 1 + 2 + 2 + SL_NF_NAME_MAX + 1 };

static uint8_t occurrence(const struct sl_chain *chain, uint32_t index)
{
    uint8_t count = 0;
    for (uint32_t i = 0; i < index; i++) {
        count = (uint8_t)(count + (chain->entries[i].nf == chain->entries[index].nf));
    }
    return count;
}

bool sl_chain_has_flows(const struct sl_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->entries[i].flow != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- out ---- */

static sl_rc head_write(const struct sl_chain *chain, struct sl_writer *w)
{
    if (w->size - w->off < 5 + sizeof(chain->steer_key)) {
        return SL_NO_SPACE;
    }
    sl_writer_u8(w, TAG_HEAD);
    sl_writer_be16(w, (uint16_t)chain->shard);
    sl_writer_be16(w, (uint16_t)chain->shard_count);
    sl_writer_bytes(w, &chain->steer_key, sizeof(chain->steer_key));
    return SL_OK;
}

static sl_rc flows_write(struct sl_chain *chain, struct sl_chain_cursor *cursor, uint32_t looks,
                         struct sl_writer *w, uint32_t *ret_flows)
{
    const struct chain_entry *entry = &chain->entries[cursor->nf];
    size_t begin = w->off;
    if (w->size - w->off < FLOWS_HEAD_MAX) {
        return SL_NO_SPACE;
    }
    sl_writer_u8(w, TAG_FLOWS);
    sl_writer_be16(w, (uint16_t)chain->shard);
    sl_writer_string(w, entry->nf->name);
    sl_writer_u8(w, occurrence(chain, cursor->nf));
    sl_rc rc = sl_flow_table_save(chain_table(entry), &cursor->flow, looks, w, ret_flows);
    if (rc != SL_OK || *ret_flows == 0) {
        w->off = begin;
    }
    return rc;
}

sl_rc sl_chain_save(struct sl_chain *chain, struct sl_chain_cursor *cursor, uint32_t looks,
                    struct sl_writer *w, uint32_t *ret_flows)
{
    sl_rc rc = SL_OK;
    *ret_flows = 0;
    if (!cursor->is_begun) {
        rc = head_write(chain, w);
        cursor->is_begun = rc == SL_OK;
        return rc;
    }
    while (cursor->nf < chain->count && chain_table(&chain->entries[cursor->nf]) == NULL) {
        cursor->nf++;
    }
    if (cursor->nf < chain->count) {
        rc = flows_write(chain, cursor, looks, w, ret_flows);
        if (cursor->flow.is_end) {
            cursor->nf++;
            cursor->flow = (struct sl_flow_cursor){0};
        }
    }
    cursor->is_end = cursor->nf >= chain->count;
    return rc;
}

/* ---- back ---- */

static sl_rc head_read(struct sl_chain *chain, struct sl_reader *r)
{
    struct sl_flow_hash_key key;
    uint16_t shard = sl_reader_be16(r);
    uint16_t shards = sl_reader_be16(r);
    sl_reader_copy(r, &key, sizeof(key));
    if (r->rc != SL_OK) {
        return r->rc;
    }
    if (shards != chain->shard_count || shard >= shards) {
        return SL_MISMATCH;
    }
    chain->steer_key = key; /* flows come back to the shards that they are steered to */
    return SL_OK;
}

static struct sl_flow_table *find_table(const struct sl_chain *chain, const char *name,
                                        uint8_t before)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        if (strcmp(chain->entries[i].nf->name, name) == 0 && occurrence(chain, i) == before) {
            return chain_table(&chain->entries[i]);
        }
    }
    return NULL;
}

static sl_rc flows_read(struct sl_chain *chain, struct sl_reader *r, struct sl_flow_restored *sum)
{
    char name[SL_NF_NAME_MAX];
    struct sl_flow_restored others = {0};
    uint16_t shard = sl_reader_be16(r);
    sl_reader_string(r, name, sizeof(name));
    uint8_t before = sl_reader_u8(r);
    if (r->rc != SL_OK) {
        return r->rc;
    }
    if (shard != chain->shard) {
        return sl_flow_block_skip(r, &others);
    }
    struct sl_flow_table *table = find_table(chain, name, before);
    return table != NULL ? sl_flow_table_restore(table, r, sum) : sl_flow_block_skip(r, sum);
}

sl_rc sl_chain_restore(struct sl_chain *chain, const void *blocks, size_t size,
                       struct sl_flow_restored *sum)
{
    struct sl_reader r;
    sl_rc rc = SL_OK;
    sl_reader_init(&r, blocks, size);
    while (rc == SL_OK && sl_reader_left(&r) > 0) {
        switch (sl_reader_u8(&r)) {
        case TAG_HEAD:
            rc = head_read(chain, &r);
            break;
        case TAG_FLOWS:
            rc = flows_read(chain, &r, sum);
            break;
        default:
            rc = SL_MALFORMED;
            break;
        }
    }
    return rc;
}

void sl_chain_flows_end(struct sl_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        struct sl_flow_table *table = chain_table(&chain->entries[i]);
        if (table != NULL) {
            sl_flow_table_unload(table);
        }
    }
}
