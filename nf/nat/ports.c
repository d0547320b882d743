/* SPDX-License-Identifier: Apache-2.0 */
/* Which outside port: preserved where it can be, else of the same range and parity, else random
 * (RFC 4787 4.2, RFC 6056); within what belongs to the shard, and to the subscriber. */
#include "nat/store.h"

#include <stdlib.h>

enum { WORD_BITS = 64, WELL_KNOWN_END = 1024, PROTO_TCP = 6, PROTO_UDP = 17 };

#define EVEN_PORTS 0x5555555555555555ull

struct span {
    uint16_t lo, hi; /* inclusive; hi < lo: empty */
    bool is_dealt;   /* dealt out among shards by 64 */
};

struct nat_address *nat_address_of(const struct nat_store *store, uint32_t outside)
{
    uint32_t lo = 0;
    uint32_t hi = store->address_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (store->addresses[mid].outside < outside) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < store->address_count && store->addresses[lo].outside == outside
               ? &store->addresses[lo]
               : NULL;
}

bool nat_port_is_taken(const struct nat_address *address, uint8_t space, uint16_t port)
{
    return (address->taken[space][port / WORD_BITS] >> (port % WORD_BITS) & 1) != 0;
}

void nat_port_take(struct nat_address *address, uint8_t space, uint16_t port)
{
    address->taken[space][port / WORD_BITS] |= 1ull << (port % WORD_BITS);
    address->used[space]++;
}

void nat_port_give(struct nat_address *address, uint8_t space, uint16_t port)
{
    if (nat_port_is_taken(address, space, port)) {
        address->taken[space][port / WORD_BITS] &= ~(1ull << (port % WORD_BITS));
        address->used[space]--;
        address->full[space] &= NAT_FULL_BLOCKS;
    }
}

static uint64_t random_next(struct nat_store *store, const struct sl_flow_table *table)
{
    store->random_count++;
    return sl_flow_hash(table, &store->random_count, sizeof(store->random_count));
}

static bool is_forwarded(const struct nat_store *store, uint8_t space, uint32_t outside,
                         uint16_t port)
{
    if (space == NAT_ICMP || store->policy->forward_count == 0) {
        return false;
    }
    uint8_t proto = space == NAT_TCP ? PROTO_TCP : PROTO_UDP;
    return nat_forward_outside(store->policy, proto, outside, port) != NULL;
}

static bool is_own_block(const struct nat_store *store, const struct nat_address *address,
                         uint32_t block)
{
    return (block + address->outside) % store->shard_count == store->shard;
}

static bool is_free(const struct nat_store *store, const struct nat_address *address, uint8_t space,
                    const struct span *span, uint16_t port)
{
    return port >= span->lo && port <= span->hi && !nat_port_is_taken(address, space, port) &&
           (!span->is_dealt || is_own_block(store, address, port / WORD_BITS)) &&
           !is_forwarded(store, space, address->outside, port);
}

/* Free ports of one word of the span. */
static uint64_t word_free(const struct nat_store *store, const struct nat_address *address,
                          uint8_t space, const struct span *span, uint32_t word)
{
    if (span->is_dealt && !is_own_block(store, address, word)) {
        return 0;
    }
    uint64_t free_bits = ~address->taken[space][word];
    if (word == span->lo / WORD_BITS) {
        free_bits &= ~0ull << (span->lo % WORD_BITS);
    }
    if (word == span->hi / WORD_BITS) {
        free_bits &= ~0ull >> (WORD_BITS - 1 - span->hi % WORD_BITS);
    }
    return free_bits;
}

/* The first free port from a random one on, going around. */
static uint16_t span_pick(struct nat_store *store, const struct nat_address *address, uint8_t space,
                          const struct span *span, uint64_t parity, uint64_t seed)
{
    if (span->hi < span->lo) {
        return 0;
    }
    uint32_t first = span->lo / WORD_BITS;
    uint32_t words = span->hi / WORD_BITS - first + 1;
    uint32_t start = (uint32_t)(seed >> 32) % words;
    uint32_t turn = (uint32_t)seed % WORD_BITS;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t word = first + (start + i) % words;
        uint64_t bits = word_free(store, address, space, span, word) & parity;
        while (bits != 0) {
            uint64_t above = bits & (~0ull << turn);
            uint32_t bit = (uint32_t)__builtin_ctzll(above != 0 ? above : bits);
            uint16_t port = (uint16_t)(word * WORD_BITS + bit);
            if (!is_forwarded(store, space, address->outside, port)) {
                return port;
            }
            bits &= ~(1ull << bit);
        }
    }
    return 0;
}

/* RFC 4787 4.2.2: an even port gets an even one, as RTP's are, an odd port an odd one; a wish. */
static uint16_t span_pick_parity(struct nat_store *store, const struct sl_flow_table *table,
                                 const struct nat_address *address, const struct span *span,
                                 const struct nat_inside *inside)
{
    uint64_t seed = random_next(store, table);
    if (inside->space == NAT_UDP && (store->policy->flags & SL_NAT_PORT_PARITY) != 0) {
        uint64_t parity = inside->port % 2 == 0 ? EVEN_PORTS : ~EVEN_PORTS;
        uint16_t port = span_pick(store, address, inside->space, span, parity, seed);
        if (port != 0) {
            return port;
        }
    }
    return span_pick(store, address, inside->space, span, ~0ull, seed);
}

/* RFC 4787 REQ-3: a port of 0 to 1023 stays there, one above stays above. */
static struct span dynamic_span(const struct nat_policy *policy, const struct nat_inside *inside)
{
    struct span span = {.lo = policy->port_first, .hi = policy->port_last, .is_dealt = true};
    if (inside->space == NAT_ICMP || (policy->flags & SL_NAT_PORT_RANGE) == 0) {
        return span;
    }
    if (inside->port < WELL_KNOWN_END && span.lo < WELL_KNOWN_END) {
        span.hi = span.hi < WELL_KNOWN_END ? span.hi : WELL_KNOWN_END - 1;
    } else if (span.hi >= WELL_KNOWN_END) {
        span.lo = span.lo > WELL_KNOWN_END ? span.lo : WELL_KNOWN_END;
    }
    return span;
}

static uint16_t pick_from(struct nat_store *store, const struct sl_flow_table *table,
                          const struct nat_address *address, const struct span *span,
                          const struct nat_inside *inside)
{
    if ((store->policy->flags & SL_NAT_PORT_PRESERVATION) != 0 && !inside->is_any_port &&
        is_free(store, address, inside->space, span, inside->port)) {
        return inside->port;
    }
    return span_pick_parity(store, table, address, span, inside);
}

/* From all ports of an address that are this shard's. That there is none is remembered: what is
 * exhausted must not cost a search for every packet that wants more. */
static uint16_t pick_dynamic(struct nat_store *store, const struct sl_flow_table *table,
                             struct nat_address *address, const struct nat_inside *inside)
{
    struct span span = dynamic_span(store->policy, inside);
    uint8_t part = span.hi < WELL_KNOWN_END ? NAT_FULL_LOW : NAT_FULL_HIGH;
    if ((address->full[inside->space] & part) != 0) {
        return 0;
    }
    uint16_t port = pick_from(store, table, address, &span, inside);
    address->full[inside->space] |= port == 0 ? part : 0;
    return port;
}

static struct span block_span(const struct nat_policy *policy, uint32_t block)
{
    uint32_t lo = policy->port_first + block * policy->block_size;
    return (struct span){.lo = (uint16_t)lo, .hi = (uint16_t)(lo + policy->block_size - 1)};
}

static void block_tell(const struct nat_store *store, const struct nat_subscriber_entry *subscriber,
                       uint32_t outside, uint32_t block, bool is_taken)
{
    struct span span = block_span(store->policy, block);
    const struct nat_log_event event = {
        .unix_ms = store->unix_ahead_ms != 0 ? store->now_ms + store->unix_ahead_ms : 0,
        .subscriber = subscriber->addr,
        .outside = outside,
        .first = span.lo,
        .last = span.hi,
        .is_taken = is_taken};
    nat_log_add(store->log, &event);
}

static bool block_take(struct nat_store *store, const struct sl_flow_table *table,
                       struct nat_address *address, uint32_t number)
{
    struct nat_subscriber_entry *subscriber = &store->subscribers[number];
    if ((address->full[0] & NAT_FULL_BLOCKS) != 0) {
        return false;
    }
    uint32_t count = store->policy->slots_per_address;
    uint32_t start = (uint32_t)(random_next(store, table) >> 32) % count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t block = (start + i) % count;
        if (address->block_owners[block] == 0 && is_own_block(store, address, block)) {
            address->block_owners[block] = number + 1;
            subscriber->blocks[subscriber->block_count++] = (uint16_t)block;
            store->counters.blocks++;
            store->counters.blocks_taken++;
            block_tell(store, subscriber, address->outside, block, true);
            return true;
        }
    }
    address->full[0] |= NAT_FULL_BLOCKS;
    return false;
}

static uint16_t pick_in_blocks(struct nat_store *store, const struct sl_flow_table *table,
                               struct nat_address *address, uint32_t number,
                               const struct nat_inside *inside)
{
    struct nat_subscriber_entry *subscriber = &store->subscribers[number];
    if (subscriber->outside != address->outside) { /* the one that it had left the pool */
        nat_blocks_give(store, subscriber);
        subscriber->outside = address->outside;
    }
    for (uint32_t i = 0; i < store->policy->blocks_per_subscriber; i++) {
        if (i == subscriber->block_count && !block_take(store, table, address, number)) {
            return 0;
        }
        struct span span = block_span(store->policy, subscriber->blocks[i]);
        uint16_t port = pick_from(store, table, address, &span, inside);
        if (port != 0) {
            return port;
        }
    }
    return 0;
}

uint16_t nat_ports_pick(struct nat_store *store, const struct sl_flow_table *table,
                        struct nat_address *address, uint32_t subscriber,
                        const struct nat_inside *inside)
{
    const struct nat_policy *policy = store->policy;
    if (policy->allocation == SL_NAT_BLOCK) {
        return pick_in_blocks(store, table, address, subscriber, inside);
    }
    if (policy->allocation == SL_NAT_DYNAMIC) {
        return pick_dynamic(store, table, address, inside);
    }
    uint32_t outside;
    uint16_t first;
    if (!nat_deterministic(policy, &inside->addr, &outside, &first)) {
        return 0;
    }
    struct span span = {.lo = first, .hi = (uint16_t)(first + policy->block_size - 1)};
    return pick_from(store, table, address, &span, inside);
}

void nat_blocks_give(struct nat_store *store, struct nat_subscriber_entry *subscriber)
{
    struct nat_address *address = nat_address_of(store, subscriber->outside);
    for (uint32_t i = 0; i < subscriber->block_count; i++) {
        if (address != NULL) {
            address->block_owners[subscriber->blocks[i]] = 0;
            address->full[0] &= (uint8_t)~NAT_FULL_BLOCKS;
        }
        store->counters.blocks--;
        store->counters.blocks_given++;
        block_tell(store, subscriber, subscriber->outside, subscriber->blocks[i], false);
    }
    subscriber->block_count = 0;
}

bool nat_block_claim(struct nat_store *store, struct nat_address *address, uint32_t number,
                     uint16_t port)
{
    struct nat_subscriber_entry *subscriber = &store->subscribers[number];
    uint32_t block = nat_block_of(store->policy, port);
    uint32_t owner = address->block_owners[block];
    if (owner != 0 || subscriber->block_count == store->policy->blocks_per_subscriber) {
        return owner == number + 1;
    }
    address->block_owners[block] = number + 1;
    subscriber->blocks[subscriber->block_count++] = (uint16_t)block;
    store->counters.blocks++;
    store->counters.blocks_taken++;
    block_tell(store, subscriber, address->outside, block, true);
    return true;
}
