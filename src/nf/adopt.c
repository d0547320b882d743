/* SPDX-License-Identifier: Apache-2.0 */
/* A chain takes over from the version before it. */
#include "nf/private.h"

/* How many entries before `index` are of the same NF. */
static uint32_t occurrence(const struct sl_chain *chain, uint32_t index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < index; i++) {
        count += chain->entries[i].nf == chain->entries[index].nf;
    }
    return count;
}

struct chain_entry *chain_counterpart(struct sl_chain *chain, const struct sl_chain *of,
                                      uint32_t index)
{
    uint32_t before = occurrence(of, index);
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->entries[i].nf == of->entries[index].nf && occurrence(chain, i) == before) {
            return &chain->entries[i];
        }
    }
    return NULL;
}

/* The table as it is, with the new version's timeouts; or what its flows can become in another. */
static void adopt_table(struct chain_entry *entry, struct chain_entry *old)
{
    struct sl_flow_table *own = chain_table(entry);
    struct sl_flow_table *table = chain_table(old);
    if (table == NULL) {
        return;
    }
    if (sl_flow_table_is_same_shape(table, entry->flow, &entry->options)) {
        sl_flow_table_retune(table, entry->flow, &entry->options);
        sl_flow_table_bind(table, entry->state);
        chain_table_set(entry, table);
        chain_table_set(old, own); /* empty; freed with the old chain */
    } else if (own != NULL && sl_flow_table_take_over(own, table)) {
        chain_table_set(old, NULL);
    }
}

void sl_chain_adopt(struct sl_chain *chain, struct sl_chain *old)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_entry *entry = &chain->entries[i];
        struct chain_entry *before = chain_counterpart(old, chain, i);
        if (before == NULL) {
            continue;
        }
        if (entry->nf->adopt != NULL) {
            entry->nf->adopt(entry->state, before->state);
        }
        if (entry->flow != NULL) {
            adopt_table(entry, before);
        }
    }
}
