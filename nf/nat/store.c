/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings and subscribers: chained hash maps over arrays that never grow. */
#include "nat/store.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_TABLE = 65536 / SL_NAT_BLOCK_MIN };

struct inside_key {
    struct nat_addr addr;
    uint32_t remote;
    uint16_t port, remote_port;
    uint32_t space;
};
_Static_assert(sizeof(struct inside_key) == 28, "hashed as bytes");

static uint32_t inside_bucket(const struct nat_store *store, const struct sl_flow_table *table,
                              const struct nat_inside *inside)
{
    struct inside_key key = {.addr = inside->addr,
                             .remote = inside->remote,
                             .port = inside->port,
                             .remote_port = inside->remote_port,
                             .space = inside->space};
    return (uint32_t)sl_flow_hash(table, &key, sizeof(key)) & store->bucket_mask;
}

static uint32_t outside_bucket(const struct nat_store *store, const struct sl_flow_table *table,
                               uint8_t space, uint32_t outside, uint16_t port)
{
    uint64_t key = (uint64_t)outside << 32 | (uint64_t)space << 16 | port;
    return (uint32_t)sl_flow_hash(table, &key, sizeof(key)) & store->bucket_mask;
}

static struct nat_inside inside_of(const struct nat_mapping *mapping)
{
    return (struct nat_inside){.addr = mapping->inside,
                               .port = mapping->inside_port,
                               .space = mapping->space,
                               .remote = mapping->remote,
                               .remote_port = mapping->remote_port};
}

static uint32_t power_above(uint32_t count)
{
    uint32_t power = 16;
    while (power < count) {
        power *= 2;
    }
    return power;
}

static uint32_t *buckets_create(uint32_t count)
{
    uint32_t *buckets = malloc(count * sizeof(*buckets));
    if (buckets != NULL) {
        memset(buckets, 0xff, count * sizeof(*buckets)); /* NAT_NONE */
    }
    return buckets;
}

static void address_done(struct nat_address *address)
{
    free(address->taken);
    free(address->block_owners);
}

void nat_store_free(struct nat_store *store)
{
    if (store == NULL) {
        return;
    }
    for (uint32_t i = 0; store->addresses != NULL && i < store->address_count; i++) {
        address_done(&store->addresses[i]);
    }
    free(store->addresses);
    free(store->mappings);
    free(store->by_inside);
    free(store->by_outside);
    free(store->subscribers);
    free(store->by_subscriber);
    free(store->permissions);
    free(store->by_permission);
    free(store->log);
    free(store);
}

static sl_rc addresses_create(struct nat_store *store)
{
    uint32_t count = store->policy->address_count;
    store->addresses = calloc(count + 1, sizeof(*store->addresses));
    if (store->addresses == NULL) {
        return SL_NO_MEMORY;
    }
    store->address_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct nat_address *address = &store->addresses[i];
        address->outside = nat_policy_address(store->policy, i);
        address->taken = calloc(NAT_SPACE_COUNT, sizeof(*address->taken));
        address->block_owners = store->policy->allocation == SL_NAT_BLOCK
                                    ? calloc(BLOCK_TABLE, sizeof(*address->block_owners))
                                    : NULL;
        bool is_whole = address->taken != NULL && (store->policy->allocation != SL_NAT_BLOCK ||
                                                   address->block_owners != NULL);
        if (!is_whole) {
            return SL_NO_MEMORY;
        }
    }
    return SL_OK;
}

static sl_rc tables_create(struct nat_store *store)
{
    uint32_t buckets = power_above(store->capacity);
    uint32_t subscriber_buckets = power_above(store->subscriber_capacity);
    store->bucket_mask = buckets - 1;
    store->subscriber_mask = subscriber_buckets - 1;
    store->mappings = calloc(store->capacity, sizeof(*store->mappings));
    store->by_inside = buckets_create(buckets);
    store->by_outside = buckets_create(buckets);
    store->permissions = calloc(store->capacity, sizeof(*store->permissions));
    store->by_permission = buckets_create(buckets);
    store->subscribers = calloc(store->subscriber_capacity, sizeof(*store->subscribers));
    store->by_subscriber = buckets_create(subscriber_buckets);
    if (store->mappings == NULL || store->by_inside == NULL || store->by_outside == NULL ||
        store->permissions == NULL || store->by_permission == NULL || store->subscribers == NULL ||
        store->by_subscriber == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < store->capacity; i++) {
        store->mappings[i].next_inside = i + 1 < store->capacity ? i + 1 : NAT_NONE;
        store->permissions[i].next = i + 1 < store->capacity ? i + 1 : NAT_NONE;
        store->permissions[i].mapping = NAT_NONE;
    }
    for (uint32_t i = 0; i < store->subscriber_capacity; i++) {
        store->subscribers[i].next = i + 1 < store->subscriber_capacity ? i + 1 : NAT_NONE;
    }
    return SL_OK;
}

sl_rc nat_store_create(const struct nat_policy *policy, struct nat_store **ret_store)
{
    struct nat_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return SL_NO_MEMORY;
    }
    store->policy = policy;
    store->shard_count = 1;
    store->capacity = policy->mappings;
    store->subscriber_capacity = policy->subscribers;
    sl_rc rc = tables_create(store);
    rc = rc == SL_OK ? addresses_create(store) : rc;
    if (rc == SL_OK && policy->allocation == SL_NAT_BLOCK) {
        store->log = calloc(1, sizeof(*store->log));
        rc = store->log != NULL ? SL_OK : SL_NO_MEMORY;
    }
    if (rc != SL_OK) {
        nat_store_free(store);
        return rc;
    }
    *ret_store = store;
    return SL_OK;
}

/* ---- subscribers ---- */

static uint32_t subscriber_bucket(const struct nat_store *store, const struct sl_flow_table *table,
                                  const struct nat_addr *addr)
{
    return (uint32_t)sl_flow_hash(table, addr, sizeof(*addr)) & store->subscriber_mask;
}

static uint32_t subscriber_find(const struct nat_store *store, const struct sl_flow_table *table,
                                const struct nat_addr *addr)
{
    uint32_t number = store->by_subscriber[subscriber_bucket(store, table, addr)];
    while (number != NAT_NONE &&
           memcmp(&store->subscribers[number].addr, addr, sizeof(*addr)) != 0) {
        number = store->subscribers[number].next;
    }
    return number;
}

static uint32_t subscriber_make(struct nat_store *store, const struct sl_flow_table *table,
                                const struct nat_addr *addr)
{
    uint32_t number = store->free_subscriber;
    if (number == NAT_NONE || store->counters.subscribers >= store->policy->subscribers) {
        return NAT_NONE;
    }
    struct nat_subscriber_entry *entry = &store->subscribers[number];
    store->free_subscriber = entry->next;
    uint32_t *bucket = &store->by_subscriber[subscriber_bucket(store, table, addr)];
    *entry = (struct nat_subscriber_entry){.addr = *addr, .next = *bucket};
    *bucket = number;
    store->counters.subscribers++;
    return number;
}

static void subscriber_end(struct nat_store *store, const struct sl_flow_table *table,
                           uint32_t number)
{
    struct nat_subscriber_entry *entry = &store->subscribers[number];
    nat_blocks_give(store, entry);
    uint32_t *link = &store->by_subscriber[subscriber_bucket(store, table, &entry->addr)];
    while (*link != number) {
        link = &store->subscribers[*link].next;
    }
    *link = entry->next;
    entry->next = store->free_subscriber;
    store->free_subscriber = number;
    store->counters.subscribers--;
}

/* ---- mappings ---- */

static bool is_same_inside(const struct nat_mapping *mapping, const struct nat_inside *inside)
{
    return mapping->inside_port == inside->port && mapping->space == inside->space &&
           mapping->remote == inside->remote && mapping->remote_port == inside->remote_port &&
           memcmp(&mapping->inside, &inside->addr, sizeof(inside->addr)) == 0;
}

static uint32_t find_inside(const struct nat_store *store, const struct sl_flow_table *table,
                            const struct nat_inside *inside)
{
    uint32_t number = store->by_inside[inside_bucket(store, table, inside)];
    while (number != NAT_NONE && !is_same_inside(&store->mappings[number], inside)) {
        number = store->mappings[number].next_inside;
    }
    return number;
}

uint32_t nat_store_find_outside(const struct nat_store *store, const struct sl_flow_table *table,
                                uint8_t space, uint32_t outside, uint16_t port)
{
    uint32_t number = store->by_outside[outside_bucket(store, table, space, outside, port)];
    while (number != NAT_NONE) {
        const struct nat_mapping *mapping = &store->mappings[number];
        if (mapping->outside == outside && mapping->outside_port == port &&
            mapping->space == space) {
            break;
        }
        number = mapping->next_outside;
    }
    return number;
}

/* Makes a mapping in a free slot; the caller knows that there is one and that the port is free. */
static uint32_t mapping_make(struct nat_store *store, const struct sl_flow_table *table,
                             const struct nat_inside *inside, struct nat_address *address,
                             uint16_t port, uint32_t subscriber, uint32_t now_s)
{
    uint32_t number = store->free_mapping;
    struct nat_mapping *mapping = &store->mappings[number];
    uint32_t *in = &store->by_inside[inside_bucket(store, table, inside)];
    uint32_t *out =
        &store->by_outside[outside_bucket(store, table, inside->space, address->outside, port)];
    store->free_mapping = mapping->next_inside;
    *mapping = (struct nat_mapping){.inside = inside->addr,
                                    .inside_port = inside->port,
                                    .remote = inside->remote,
                                    .remote_port = inside->remote_port,
                                    .space = inside->space,
                                    .outside = address->outside,
                                    .outside_port = port,
                                    .subscriber = subscriber,
                                    .generation = ++store->generation,
                                    .last_out_s = now_s,
                                    .epoch = store->epoch,
                                    .is_used = 1,
                                    .next_inside = *in,
                                    .next_outside = *out};
    *in = number;
    *out = number;
    nat_port_take(address, inside->space, port);
    struct nat_subscriber_entry *entry = &store->subscribers[subscriber];
    entry->mappings++;
    entry->counts[inside->space]++;
    store->counters.mappings++;
    store->counters.made++;
    store->counters.preserved += port == inside->port;
    return number;
}

void nat_store_end(struct nat_store *store, const struct sl_flow_table *table, uint32_t number)
{
    struct nat_mapping *mapping = &store->mappings[number];
    struct nat_inside inside = inside_of(mapping);
    uint32_t *link = &store->by_inside[inside_bucket(store, table, &inside)];
    while (*link != number) {
        link = &store->mappings[*link].next_inside;
    }
    *link = mapping->next_inside;
    link = &store->by_outside[outside_bucket(store, table, mapping->space, mapping->outside,
                                             mapping->outside_port)];
    while (*link != number) {
        link = &store->mappings[*link].next_outside;
    }
    *link = mapping->next_outside;
    struct nat_address *address = nat_address_of(store, mapping->outside);
    if (address != NULL) {
        nat_port_give(address, mapping->space, mapping->outside_port);
    }
    struct nat_subscriber_entry *entry = &store->subscribers[mapping->subscriber];
    entry->counts[mapping->space]--;
    if (--entry->mappings == 0) {
        subscriber_end(store, table, mapping->subscriber);
    }
    mapping->is_used = 0;
    mapping->references = 0;
    mapping->next_inside = store->free_mapping;
    store->free_mapping = number;
    store->counters.mappings--;
    store->counters.ended++;
}

void nat_store_ref(struct nat_store *store, uint32_t mapping)
{
    store->mappings[mapping].references++;
}

void nat_store_unref(struct nat_store *store, const struct sl_flow_table *table, uint32_t number)
{
    struct nat_mapping *mapping = &store->mappings[number];
    if (mapping->references > 0) {
        mapping->references--;
    }
    if (mapping->references == 0) {
        nat_store_end(store, table, number);
    }
}

/* A subscriber's first outside address: the first from a hashed one on that has a port. Later ones:
 * the same (RFC 4787 REQ-2, "Paired"), and another only where the policy says so. */
static enum nat_want map_dynamic(struct nat_store *store, const struct sl_flow_table *table,
                                 const struct nat_inside *inside, uint32_t subscriber,
                                 struct nat_address **ret_address, uint16_t *ret_port)
{
    struct nat_subscriber_entry *entry = &store->subscribers[subscriber];
    uint32_t count = store->address_count;
    bool is_first = entry->mappings == 0;
    uint32_t start = (uint32_t)(sl_flow_hash(table, &entry->addr, sizeof(entry->addr)) >> 32);
    struct nat_address *own = is_first ? NULL : nat_address_of(store, entry->outside);
    bool is_bound = own != NULL && ((store->policy->flags & SL_NAT_PAIRED) != 0 ||
                                    store->policy->allocation == SL_NAT_BLOCK);
    for (uint32_t i = 0; i < (is_bound ? 1 : count); i++) {
        struct nat_address *address =
            own != NULL && i == 0 ? own : &store->addresses[(start + i) % count];
        uint16_t port = nat_ports_pick(store, table, address, subscriber, inside);
        if (port != 0) {
            entry->outside = own == NULL ? address->outside : entry->outside;
            *ret_address = address;
            *ret_port = port;
            return NAT_WANT_OK;
        }
    }
    return NAT_WANT_PORT;
}

static enum nat_want map_deterministic(struct nat_store *store, const struct sl_flow_table *table,
                                       const struct nat_inside *inside, uint32_t subscriber,
                                       struct nat_address **ret_address, uint16_t *ret_port)
{
    uint32_t outside;
    uint16_t first;
    struct nat_address *address = nat_deterministic(store->policy, &inside->addr, &outside, &first)
                                      ? nat_address_of(store, outside)
                                      : NULL;
    if (address == NULL) {
        return NAT_WANT_PORT;
    }
    store->subscribers[subscriber].outside = outside;
    *ret_address = address;
    *ret_port = nat_ports_pick(store, table, address, subscriber, inside);
    return *ret_port != 0 ? NAT_WANT_OK : NAT_WANT_PORT;
}

enum nat_want nat_store_map(struct nat_store *store, struct sl_flow_table *table,
                            const struct nat_inside *inside, uint32_t now_s, uint32_t *ret_mapping)
{
    uint32_t number = find_inside(store, table, inside);
    if (number != NAT_NONE && nat_store_valid(store, number)) {
        *ret_mapping = number;
        return NAT_WANT_OK;
    }
    if (number != NAT_NONE) {
        nat_store_end(store, table, number);
    }
    if (store->free_mapping == NAT_NONE || store->counters.mappings >= store->policy->mappings) {
        return NAT_WANT_MAPPING;
    }
    struct nat_addr addr = nat_subscriber(store->policy, &inside->addr);
    uint32_t subscriber = subscriber_find(store, table, &addr);
    if (subscriber == NAT_NONE) {
        subscriber = subscriber_make(store, table, &addr);
    }
    if (subscriber == NAT_NONE) {
        return NAT_WANT_SUBSCRIBER;
    }
    struct nat_address *address = NULL;
    uint16_t port = 0;
    uint32_t limit = store->policy->mappings_per_subscriber[inside->space];
    enum nat_want want = NAT_WANT_LIMIT;
    if (limit == 0 || store->subscribers[subscriber].counts[inside->space] < limit) {
        want = store->policy->allocation == SL_NAT_DETERMINISTIC
                   ? map_deterministic(store, table, inside, subscriber, &address, &port)
                   : map_dynamic(store, table, inside, subscriber, &address, &port);
    }
    if (want != NAT_WANT_OK) {
        if (store->subscribers[subscriber].mappings == 0) {
            subscriber_end(store, table, subscriber);
        }
        return want;
    }
    *ret_mapping = mapping_make(store, table, inside, address, port, subscriber, now_s);
    return NAT_WANT_OK;
}

/* True where the policy could have given this port to this inside address, here. */
static bool is_allowed(const struct nat_store *store, const struct nat_inside *inside,
                       uint32_t outside, uint16_t port)
{
    static const uint8_t protos[NAT_SPACE_COUNT] = {[NAT_TCP] = 6, [NAT_UDP] = 17, [NAT_ICMP] = 1};
    const struct nat_policy *policy = store->policy;
    uint8_t proto = protos[inside->space];
    if (!nat_policy_inside(policy, &inside->addr) || nat_address_of(store, outside) == NULL ||
        port < policy->port_first || port > policy->port_last ||
        nat_forward_outside(policy, proto, outside, port) != NULL ||
        nat_forward_inside(policy, proto, &inside->addr, inside->port) != NULL) {
        return false;
    }
    if (policy->allocation != SL_NAT_DYNAMIC &&
        nat_block_of(policy, port) >= policy->slots_per_address) {
        return false;
    }
    if (policy->allocation == SL_NAT_DETERMINISTIC) {
        uint32_t own;
        uint16_t first;
        return nat_deterministic(policy, &inside->addr, &own, &first) && own == outside &&
               port >= first && port - first < (int)policy->block_size;
    }
    return (nat_block_of(policy, port) + outside) % store->shard_count == store->shard;
}

bool nat_store_valid(struct nat_store *store, uint32_t number)
{
    struct nat_mapping *mapping = &store->mappings[number];
    if (mapping->epoch != store->epoch) {
        struct nat_inside inside = inside_of(mapping);
        if (!is_allowed(store, &inside, mapping->outside, mapping->outside_port)) {
            return false;
        }
        mapping->epoch = store->epoch;
    }
    return true;
}

sl_rc nat_store_restore(struct nat_store *store, struct sl_flow_table *table,
                        const struct nat_inside *inside, uint32_t outside, uint16_t outside_port,
                        uint32_t now_s, uint32_t *ret_mapping)
{
    uint32_t number = find_inside(store, table, inside);
    if (number != NAT_NONE) {
        const struct nat_mapping *mapping = &store->mappings[number];
        *ret_mapping = number;
        return mapping->outside == outside && mapping->outside_port == outside_port ? SL_OK
                                                                                    : SL_EXISTS;
    }
    if (!is_allowed(store, inside, outside, outside_port)) {
        return SL_DENIED;
    }
    struct nat_address *address = nat_address_of(store, outside);
    if (nat_port_is_taken(address, inside->space, outside_port)) {
        return SL_EXISTS;
    }
    struct nat_addr addr = nat_subscriber(store->policy, &inside->addr);
    uint32_t subscriber = subscriber_find(store, table, &addr);
    if (subscriber == NAT_NONE && store->free_mapping != NAT_NONE) {
        subscriber = subscriber_make(store, table, &addr);
        if (subscriber != NAT_NONE) {
            store->subscribers[subscriber].outside = outside;
        }
    }
    if (subscriber == NAT_NONE || store->free_mapping == NAT_NONE) {
        return SL_NO_SPACE;
    }
    if (store->policy->allocation == SL_NAT_BLOCK &&
        (store->subscribers[subscriber].outside != outside ||
         !nat_block_claim(store, address, subscriber, outside_port))) {
        if (store->subscribers[subscriber].mappings == 0) {
            subscriber_end(store, table, subscriber);
        }
        return SL_EXISTS;
    }
    *ret_mapping = mapping_make(store, table, inside, address, outside_port, subscriber, now_s);
    return SL_OK;
}

/* After so long without a packet out no flow of the mapping can be alive. */
static uint32_t forgotten_s(const struct nat_policy *policy, uint8_t space)
{
    const uint32_t most_ms = space == NAT_TCP   ? policy->tcp_established_ms
                             : space == NAT_UDP ? policy->udp_ms
                                                : policy->icmp_ms;
    return 2 * (most_ms / 1000) + 60;
}

void nat_store_sweep(struct nat_store *store, const struct sl_flow_table *table, uint32_t now_s,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count && i < store->capacity; i++) {
        uint32_t number = store->sweep;
        store->sweep = number + 1 < store->capacity ? number + 1 : 0;
        const struct nat_mapping *mapping = &store->mappings[number];
        nat_permission_sweep(store, table, number);
        if (!mapping->is_used) {
            continue;
        }
        bool is_forgotten =
            now_s > mapping->last_out_s &&
            now_s - mapping->last_out_s > forgotten_s(store->policy, mapping->space);
        if (is_forgotten || !nat_store_valid(store, number)) {
            nat_store_end(store, table, number);
        }
    }
}

/* Addresses that both have keep their ports: the new store gets them, the old one the empty ones.
 */
static void addresses_adopt(struct nat_store *store, struct nat_store *old)
{
    for (uint32_t i = 0; i < store->address_count; i++) {
        struct nat_address *now = &store->addresses[i];
        struct nat_address *before = nat_address_of(old, now->outside);
        if (before != NULL) {
            struct nat_address kept = *before;
            *before = *now;
            *now = kept;
        }
    }
}

bool nat_store_adopt(struct nat_store *store, struct nat_store *old)
{
    const struct nat_policy *now = store->policy;
    const struct nat_policy *before = old->policy;
    if (now->mapping != before->mapping || now->allocation != before->allocation ||
        now->block_size != before->block_size ||
        now->subscriber4_bits != before->subscriber4_bits ||
        now->subscriber6_bits != before->subscriber6_bits ||
        (now->allocation == SL_NAT_BLOCK &&
         (now->port_first != before->port_first || now->port_last != before->port_last))) {
        /* flows come along, with numbers and generations of mappings that are not here */
        store->epoch = old->epoch + 1;
        store->generation = old->generation;
        store->counters.made = old->counters.made;
        store->counters.ended = old->counters.ended + old->counters.mappings;
        store->unix_ahead_ms = old->unix_ahead_ms;
        if (store->log != NULL && old->log != NULL) { /* what was is told all the same */
            struct nat_log *log = store->log;
            store->log = old->log;
            old->log = log;
        }
        return false;
    }
    addresses_adopt(store, old);
    /* everything but the policy and the addresses changes hands */
    struct nat_store kept = *old;
    kept.policy = store->policy;
    kept.shard = store->shard;
    kept.shard_count = store->shard_count;
    kept.addresses = store->addresses;
    kept.address_count = store->address_count;
    kept.epoch = old->epoch + 1;
    struct nat_store empty = *store;
    empty.policy = old->policy;
    empty.addresses = old->addresses;
    empty.address_count = old->address_count;
    *store = kept;
    *old = empty;
    return true;
}
