/* SPDX-License-Identifier: Apache-2.0 */
/* Address-dependent filtering (RFC 4787 5): who a mapping has sent to may send to it, from any
 * port. One entry for a mapping and an address, counted by the flows that lead there. */
#include "nat/store.h"

static uint32_t bucket_of(const struct nat_store *store, const struct sl_flow_table *table,
                          uint32_t mapping, uint32_t generation, uint32_t remote)
{
    uint32_t key[3] = {mapping, generation, remote};
    return (uint32_t)sl_flow_hash(table, key, sizeof(key)) & store->bucket_mask;
}

static uint32_t find(const struct nat_store *store, const struct sl_flow_table *table,
                     uint32_t mapping, uint32_t remote)
{
    uint32_t generation = store->mappings[mapping].generation;
    uint32_t number = store->by_permission[bucket_of(store, table, mapping, generation, remote)];
    while (number != NAT_NONE && (store->permissions[number].mapping != mapping ||
                                  store->permissions[number].generation != generation ||
                                  store->permissions[number].remote != remote)) {
        number = store->permissions[number].next;
    }
    return number;
}

bool nat_permission_has(const struct nat_store *store, const struct sl_flow_table *table,
                        uint32_t mapping, uint32_t remote)
{
    return find(store, table, mapping, remote) != NAT_NONE;
}

uint32_t nat_permission_add(struct nat_store *store, const struct sl_flow_table *table,
                            uint32_t mapping, uint32_t remote)
{
    uint32_t number = find(store, table, mapping, remote);
    if (number != NAT_NONE) {
        store->permissions[number].references++;
        return number;
    }
    number = store->free_permission;
    if (number == NAT_NONE) {
        store->counters.no_permission++;
        return NAT_NONE;
    }
    struct nat_permission *permission = &store->permissions[number];
    uint32_t generation = store->mappings[mapping].generation;
    uint32_t *bucket = &store->by_permission[bucket_of(store, table, mapping, generation, remote)];
    store->free_permission = permission->next;
    *permission = (struct nat_permission){.mapping = mapping,
                                          .generation = generation,
                                          .remote = remote,
                                          .references = 1,
                                          .next = *bucket};
    *bucket = number;
    store->counters.permissions++;
    return number;
}

static void end(struct nat_store *store, const struct sl_flow_table *table, uint32_t number)
{
    struct nat_permission *permission = &store->permissions[number];
    uint32_t *link = &store->by_permission[bucket_of(store, table, permission->mapping,
                                                     permission->generation, permission->remote)];
    while (*link != number) {
        link = &store->permissions[*link].next;
    }
    *link = permission->next;
    permission->mapping = NAT_NONE;
    permission->next = store->free_permission;
    store->free_permission = number;
    store->counters.permissions--;
}

void nat_permission_drop(struct nat_store *store, const struct sl_flow_table *table,
                         uint32_t number, uint32_t mapping, uint32_t generation)
{
    struct nat_permission *permission = &store->permissions[number];
    if (number < store->capacity && permission->mapping == mapping &&
        permission->generation == generation && --permission->references == 0) {
        end(store, table, number);
    }
}

void nat_permission_sweep(struct nat_store *store, const struct sl_flow_table *table,
                          uint32_t number)
{
    const struct nat_permission *permission = &store->permissions[number];
    if (permission->mapping != NAT_NONE &&
        !nat_store_is(store, permission->mapping, permission->generation)) {
        end(store, table, number);
    }
}
