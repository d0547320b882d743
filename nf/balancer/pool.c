/* SPDX-License-Identifier: Apache-2.0 */
/* Services, backends, and which of them gets a flow. */
#include "balancer/pool_index.h"

#include <stdlib.h>
#include <string.h>

enum { CHOOSE_TRIES = 32 };

/* An entry of the set of addresses; version 0: free. */
struct lb_known {
    struct lb_addr addr;
    uint8_t what;
};

/* ---- hash ---- */

static uint64_t rotate(uint64_t value, uint32_t bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein): strangers choose addresses and ports, and shall not so
 * choose the backend. */
uint64_t lb_pool_hash(const struct lb_pool *pool, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t key[2];
    memcpy(key, pool->key, sizeof(key));
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
                     key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
    size_t left = size;
    for (; left >= 8; left -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)bytes[i] << (8 * i);
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- addresses ---- */

static uint32_t known_slot(const struct lb_pool *pool, uint8_t version, const uint8_t *addr)
{
    uint32_t size = version == 4 ? 4 : 16;
    uint32_t at = (uint32_t)lb_pool_hash(pool, addr, size) & pool->known_mask;
    for (;;) {
        const struct lb_known *known = &pool->known[at];
        if (known->addr.version == 0 ||
            (known->addr.version == version && memcmp(known->addr.bytes, addr, size) == 0)) {
            return at;
        }
        at = (at + 1) & pool->known_mask;
    }
}

uint8_t lb_pool_what(const struct lb_pool *pool, uint8_t version, const uint8_t *addr)
{
    return pool->known[known_slot(pool, version, addr)].what;
}

/* At most half of the slots are ever taken. */
static void know(struct lb_pool *pool, const struct lb_addr *addr, uint8_t what)
{
    struct lb_known *known = &pool->known[known_slot(pool, addr->version, addr->bytes)];
    known->addr = *addr;
    known->what |= what;
}

static int compare_ids(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Backends ascending by id. */
static sl_rc index_ids(struct lb_pool *pool)
{
    uint64_t *ids = calloc((size_t)pool->backend_count + 1, sizeof(*ids));
    pool->by_id = calloc((size_t)pool->backend_count + 1, sizeof(*pool->by_id));
    if (ids == NULL || pool->by_id == NULL) {
        free(ids);
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < pool->backend_count; i++) {
        ids[i] = (uint64_t)pool->backends[i].id << 32 | i;
    }
    if (pool->backend_count != 0) {
        qsort(ids, pool->backend_count, sizeof(*ids), compare_ids);
    }
    for (uint32_t i = 0; i < pool->backend_count; i++) {
        pool->by_id[i] = (uint16_t)ids[i];
    }
    free(ids);
    return SL_OK;
}

/* What every address is. */
static sl_rc index_addresses(struct lb_pool *pool)
{
    uint32_t wanted = pool->service_count * (1 + SL_LB_SOURCES_MAX) + pool->backend_count;
    uint32_t room = 64;
    while (room < 2 * wanted) {
        room *= 2;
    }
    pool->known_mask = room - 1;
    pool->known = calloc(room, sizeof(*pool->known));
    if (pool->known == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < pool->backend_count; i++) {
        know(pool, &pool->backends[i].addr, LB_IS_BACKEND);
    }
    for (uint32_t i = 0; i < pool->service_count; i++) {
        const struct lb_service *service = &pool->services[i];
        know(pool, &service->addr, LB_IS_VIP);
        for (uint32_t k = 0; k < service->source_count; k++) {
            know(pool, &service->sources[k], LB_IS_SOURCE);
        }
    }
    return SL_OK;
}

static sl_rc fill_table(const struct lb_pool *pool, struct lb_service *service)
{
    struct lb_member *members = calloc((size_t)service->backend_count + 1, sizeof(*members));
    service->table = malloc(LB_TABLE_SIZE * sizeof(*service->table));
    sl_rc rc = members != NULL && service->table != NULL ? SL_OK : SL_NO_MEMORY;
    for (uint32_t i = 0; i < service->backend_count && rc == SL_OK; i++) {
        const struct lb_backend *backend = &pool->backends[service->backend_first + i];
        members[i] = (struct lb_member){
            .key = backend->key,
            .weight = backend->state == SL_LB_READY ? backend->weight : 0,
            .index = (uint16_t)(service->backend_first + i),
        };
    }
    rc = rc == SL_OK ? lb_maglev_fill(members, service->backend_count, service->table) : rc;
    free(members);
    return rc;
}

sl_rc lb_pool_index(struct lb_pool *pool)
{
    sl_rc rc = index_ids(pool);
    rc = rc == SL_OK ? index_addresses(pool) : rc;
    for (uint32_t i = 0; i < pool->service_count && rc == SL_OK; i++) {
        rc = fill_table(pool, &pool->services[i]);
    }
    return rc;
}

uint16_t lb_pool_find(const struct lb_pool *pool, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = pool->backend_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (pool->backends[pool->by_id[middle]].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_found = low < pool->backend_count && pool->backends[pool->by_id[low]].id == id;
    return is_found ? pool->by_id[low] : LB_NOBODY;
}

/* ---- services ---- */

const struct lb_service *lb_pool_service(const struct lb_pool *pool,
                                         const struct sl_flow_tuple *tuple)
{
    const struct lb_service *best = NULL;
    if ((lb_pool_what(pool, tuple->ip_version, tuple->dst) & LB_IS_VIP) == 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < pool->service_count; i++) { /* once per flow, of few */
        const struct lb_service *service = &pool->services[i];
        bool is_here = service->addr.version == tuple->ip_version &&
                       memcmp(service->addr.bytes, tuple->dst, sizeof(tuple->dst)) == 0 &&
                       (service->proto == 0 || service->proto == tuple->proto) &&
                       (service->port == 0 || service->port == tuple->dport);
        bool is_better = best == NULL || (service->port != 0 && best->port == 0) ||
                         (service->port == best->port && service->proto != 0 && best->proto == 0);
        best = is_here && is_better ? service : best;
    }
    return best;
}

static bool takes_new(const struct lb_backend *backend)
{
    return backend->state == SL_LB_READY && backend->weight != 0 && lb_backend_marks(backend) == 0;
}

/* Every table entry missed: one of those that take flows, by weight. */
static uint16_t choose_any(const struct lb_pool *pool, const struct lb_service *service,
                           uint64_t hash)
{
    uint64_t sum = 0;
    uint32_t end = (uint32_t)service->backend_first + service->backend_count;
    for (uint32_t i = service->backend_first; i < end; i++) {
        sum += takes_new(&pool->backends[i]) ? pool->backends[i].weight : 0;
    }
    uint64_t left = sum != 0 ? hash % sum : 0;
    for (uint32_t i = service->backend_first; i < end; i++) {
        const struct lb_backend *backend = &pool->backends[i];
        /* a mark may have changed since the sum: the first that takes flows is as good */
        if (takes_new(backend) && (left < backend->weight)) {
            return (uint16_t)i;
        }
        left -= takes_new(backend) ? backend->weight : 0;
    }
    return LB_NOBODY;
}

uint16_t lb_pool_choose(const struct lb_pool *pool, const struct lb_service *service,
                        const struct sl_flow_tuple *tuple)
{
    uint64_t hash = service->hash == SL_LB_HASH_SOURCE
                        ? lb_pool_hash(pool, tuple->src, sizeof(tuple->src))
                        : lb_pool_hash(pool, tuple, sizeof(*tuple));
    /* As IPVS' mh-fallback: a backend that is out hands its entries to the others by hashing again,
     * and no other flow changes its place. */
    for (uint32_t i = 0; i < CHOOSE_TRIES; i++) {
        uint16_t index = service->table[hash % LB_TABLE_SIZE];
        if (index == LB_NOBODY) {
            return LB_NOBODY;
        }
        if (takes_new(&pool->backends[index])) {
            return index;
        }
        hash = lb_mix(hash);
    }
    return choose_any(pool, service, hash);
}
