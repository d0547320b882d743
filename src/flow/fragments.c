/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments that wait for the rest of their datagram. */
#include "flow/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "flow/fragments_private.h"
#include "flow/hash.h"
#include "flow/tuple.h"
#include "safelib/checksum.h"

enum {
    NONE = FRAGMENTS_NONE,
    SOURCES = 1024, /* counters of blocks, by a hash of the source */
    DATAGRAM_MAX = 65535,
    TIMEOUT4_MS = 30000,
    TIMEOUT6_MS = 60000,
    SHARE_OF_POOL = 8,
    DEFAULT_BLOCKS = 4096,
    DEFAULT_DATAGRAMS = 1024,
};

enum state { FREE = 0, OPEN, POISONED, READY };

/* One fragment: its packet as it was parsed, its place in the datagram, its bytes in blocks. */
struct fragment {
    struct sl_packet packet;
    uint16_t begin, end; /* within the datagram's fragmentable part */
    uint16_t payload;    /* where that begins in the packet */
    uint16_t block;      /* the first */
    uint16_t next;       /* by begin; or the next free one */
};

struct datagram {
    uint8_t key[SL_FRAGMENTS_KEY];
    uint64_t expires_ms;
    uint32_t total; /* bytes of the fragmentable part; UINT32_MAX: not known yet */
    uint32_t have;
    uint32_t blocks;
    uint16_t source;
    uint16_t count;
    uint16_t first; /* fragment */
    uint16_t chain; /* next of the same hash, or the next free one */
    uint16_t bucket;
    uint16_t older, newer; /* of the same IP version, or of those that are ready */
    uint8_t key_size;
    uint8_t state;
    uint8_t version; /* 0: IPv4, 1: IPv6 */
};

struct queue {
    uint16_t oldest, newest;
};

struct sl_fragments {
    struct sl_fragments_limits limits;
    struct sl_flow_hash_key hash_key;
    uint64_t now_ms;
    struct queue waiting[2]; /* by IP version: timeouts differ */
    struct queue ready;
    uint16_t free_fragment, free_datagram, free_block;
    uint32_t free_blocks;
    uint32_t bucket_mask;
    uint16_t *buckets;
    struct datagram *datagrams;
    struct fragment *fragments;
    uint16_t *block_next;
    uint8_t *blocks;
    size_t bytes;
    uint32_t sources[SOURCES];
    uint64_t dropped[SL_PORT_COUNT];
    struct sl_fragments_counters counters;
};

static void count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

/* ---- life ---- */

struct sl_fragments_limits sl_fragments_limits_default(void)
{
    return (struct sl_fragments_limits){.blocks = DEFAULT_BLOCKS, .datagrams = DEFAULT_DATAGRAMS};
}

static void *take(uint8_t **at, size_t size)
{
    void *taken = *at;
    *at += (size + 63) & ~(size_t)63;
    return taken;
}

/* Lays the arrays out behind @p at. @return the end */
static uint8_t *lay_out(struct sl_fragments *pool, uint8_t *at)
{
    pool->buckets = take(&at, (pool->bucket_mask + 1) * sizeof(*pool->buckets));
    pool->datagrams = take(&at, pool->limits.datagrams * sizeof(*pool->datagrams));
    pool->fragments = take(&at, pool->limits.blocks * sizeof(*pool->fragments));
    pool->block_next = take(&at, pool->limits.blocks * sizeof(*pool->block_next));
    pool->blocks = take(&at, (size_t)pool->limits.blocks * SL_FRAGMENTS_BLOCK);
    return at;
}

static void link_free(struct sl_fragments *pool)
{
    uint32_t blocks = pool->limits.blocks;
    uint32_t datagrams = pool->limits.datagrams;
    memset(pool->buckets, 0xff, (pool->bucket_mask + 1) * sizeof(*pool->buckets));
    for (uint32_t i = 0; i < blocks; i++) {
        uint16_t next = (uint16_t)(i + 1 < blocks ? i + 1 : NONE);
        pool->block_next[i] = next;
        pool->fragments[i].next = next;
    }
    for (uint32_t i = 0; i < datagrams; i++) {
        pool->datagrams[i].chain = (uint16_t)(i + 1 < datagrams ? i + 1 : NONE);
    }
    pool->free_blocks = blocks;
    pool->waiting[0] = pool->waiting[1] = pool->ready = (struct queue){NONE, NONE};
}

sl_rc sl_fragments_create(const struct sl_fragments_limits *limits,
                          struct sl_fragments **ret_fragments)
{
    struct sl_fragments sizes = {.limits = *limits};
    if (limits->blocks < 64 || limits->blocks >= NONE || limits->datagrams == 0 ||
        limits->datagrams >= NONE) {
        return SL_RANGE;
    }
    while (sizes.bucket_mask + 1 < limits->datagrams) {
        sizes.bucket_mask = sizes.bucket_mask * 2 + 1;
    }
    uint8_t *base = NULL;
    size_t bytes = sizeof(sizes) + 64 + (size_t)(lay_out(&sizes, base) - base);
    struct sl_fragments *pool = calloc(1, bytes);
    if (pool == NULL) {
        return SL_NO_MEMORY;
    }
    *pool = sizes;
    pool->bytes = bytes;
    uintptr_t after = ((uintptr_t)(pool + 1) + 63) & ~(uintptr_t)63;
    (void)lay_out(pool, (uint8_t *)after);
    link_free(pool);
    struct sl_fragments_limits *bounds = &pool->limits;
    bounds->source_share =
        bounds->source_share != 0 ? bounds->source_share : bounds->blocks / SHARE_OF_POOL;
    bounds->timeout4_ms = bounds->timeout4_ms != 0 ? bounds->timeout4_ms : TIMEOUT4_MS;
    bounds->timeout6_ms = bounds->timeout6_ms != 0 ? bounds->timeout6_ms : TIMEOUT6_MS;
    if (sl_flow_hash_key_make(&pool->hash_key) != SL_OK) {
        free(pool);
        return SL_CRYPTO;
    }
    *ret_fragments = pool;
    return SL_OK;
}

void sl_fragments_free(struct sl_fragments *fragments)
{
    free(fragments);
}

size_t sl_fragments_bytes(const struct sl_fragments *fragments)
{
    return fragments->bytes;
}

/* ---- queues of datagrams ---- */

static void enqueue(struct sl_fragments *pool, struct queue *queue, uint16_t index)
{
    struct datagram *datagram = &pool->datagrams[index];
    datagram->older = queue->newest;
    datagram->newer = NONE;
    if (queue->newest != NONE) {
        pool->datagrams[queue->newest].newer = index;
    } else {
        queue->oldest = index;
    }
    queue->newest = index;
}

static void dequeue(struct sl_fragments *pool, struct queue *queue, uint16_t index)
{
    const struct datagram *datagram = &pool->datagrams[index];
    if (datagram->older != NONE) {
        pool->datagrams[datagram->older].newer = datagram->newer;
    } else {
        queue->oldest = datagram->newer;
    }
    if (datagram->newer != NONE) {
        pool->datagrams[datagram->newer].older = datagram->older;
    } else {
        queue->newest = datagram->older;
    }
}

/* ---- memory ---- */

static uint32_t blocks_of(uint32_t size)
{
    return (size + SL_FRAGMENTS_BLOCK - 1) / SL_FRAGMENTS_BLOCK;
}

static void give_fragment(struct sl_fragments *pool, struct datagram *datagram, uint16_t index)
{
    struct fragment *fragment = &pool->fragments[index];
    uint32_t freed = blocks_of(fragment->packet.size);
    uint16_t last = fragment->block;
    for (uint32_t i = 1; i < freed; i++) {
        last = pool->block_next[last];
    }
    pool->block_next[last] = pool->free_block;
    pool->free_block = fragment->block;
    pool->free_blocks += freed;
    pool->sources[datagram->source] -= freed;
    datagram->blocks -= freed;
    datagram->count--;
    fragment->next = pool->free_fragment;
    pool->free_fragment = index;
    count(&pool->counters.held, UINT64_MAX);
}

/* Gives a datagram's fragments back. */
static void empty(struct sl_fragments *pool, struct datagram *datagram)
{
    count(&pool->counters.dropped, datagram->count);
    while (datagram->first != NONE) {
        uint16_t index = datagram->first;
        pool->dropped[pool->fragments[index].packet.port_in & 1]++;
        datagram->first = pool->fragments[index].next;
        give_fragment(pool, datagram, index);
    }
}

/* Out of the buckets: no further fragment finds it. */
static void unhash(struct sl_fragments *pool, uint16_t index)
{
    uint16_t *at = &pool->buckets[pool->datagrams[index].bucket];
    while (*at != index) {
        at = &pool->datagrams[*at].chain;
    }
    *at = pool->datagrams[index].chain;
}

static void give_datagram(struct sl_fragments *pool, uint16_t index)
{
    struct datagram *datagram = &pool->datagrams[index];
    datagram->state = FREE;
    datagram->chain = pool->free_datagram;
    pool->free_datagram = index;
}

static void forget(struct sl_fragments *pool, uint16_t index)
{
    struct datagram *datagram = &pool->datagrams[index];
    empty(pool, datagram);
    dequeue(pool, &pool->waiting[datagram->version], index);
    unhash(pool, index);
    give_datagram(pool, index);
}

/* The datagram is dropped, and what follows of it until its time is over. */
static void poison(struct sl_fragments *pool, struct datagram *datagram, uint64_t *why)
{
    empty(pool, datagram);
    datagram->state = POISONED;
    count(why, 1);
}

/* Ends the oldest that waits; @p except stays. Those that are ready are not touched. */
static bool evict(struct sl_fragments *pool, uint16_t except)
{
    uint16_t oldest = NONE;
    for (uint32_t i = 0; i < 2; i++) {
        uint16_t at = pool->waiting[i].oldest;
        if (at != NONE && at == except) {
            at = pool->datagrams[at].newer;
        }
        uint32_t timeout = i == 0 ? pool->limits.timeout4_ms : pool->limits.timeout6_ms;
        if (at != NONE &&
            (oldest == NONE || pool->datagrams[at].expires_ms - timeout <
                                   pool->datagrams[oldest].expires_ms - pool->limits.timeout4_ms)) {
            oldest = at;
        }
    }
    if (oldest == NONE) {
        return false;
    }
    count(&pool->counters.evicted, pool->datagrams[oldest].state == OPEN);
    forget(pool, oldest);
    return true;
}

void sl_fragments_set_now(struct sl_fragments *fragments, uint64_t now_ms)
{
    fragments->now_ms = now_ms > fragments->now_ms ? now_ms : fragments->now_ms;
    for (uint32_t i = 0; i < 2; i++) {
        uint16_t at;
        while ((at = fragments->waiting[i].oldest) != NONE &&
               fragments->datagrams[at].expires_ms <= fragments->now_ms) {
            count(&fragments->counters.timeout, fragments->datagrams[at].state == OPEN);
            forget(fragments, at);
        }
    }
}

/* ---- in ---- */

static uint16_t find(const struct sl_fragments *pool, const uint8_t *key, uint32_t size,
                     uint32_t bucket)
{
    for (uint16_t at = pool->buckets[bucket]; at != NONE; at = pool->datagrams[at].chain) {
        const struct datagram *datagram = &pool->datagrams[at];
        /* forbidden: waived, addresses and identification from the packet */
        if (datagram->key_size == size && memcmp(datagram->key, key, size) == 0) {
            return at;
        }
    }
    return NONE;
}

/* The fragment's datagram, found or begun; NONE where there is no room. */
static uint16_t datagram_of(struct sl_fragments *pool, const struct sl_packet *packet)
{
    uint8_t key[SL_FRAGMENTS_KEY];
    uint32_t size = sl_fragments_key(packet, key);
    uint64_t hash = sl_flow_hash_bytes(&pool->hash_key, key, size);
    uint16_t bucket = (uint16_t)(hash & pool->bucket_mask);
    uint16_t index = find(pool, key, size, bucket);
    if (index != NONE) {
        return index;
    }
    if (pool->free_datagram == NONE && !evict(pool, NONE)) {
        return NONE;
    }
    index = pool->free_datagram;
    struct datagram *datagram = &pool->datagrams[index];
    pool->free_datagram = datagram->chain;
    bool is_v6 = packet->ip_version == 6;
    uint32_t timeout_ms = is_v6 ? pool->limits.timeout6_ms : pool->limits.timeout4_ms;
    uint64_t source =
        sl_flow_hash_bytes(&pool->hash_key, packet->src, packet->ip_version == 4 ? 4 : 16);
    *datagram = (struct datagram){.expires_ms = pool->now_ms + timeout_ms,
                                  .total = UINT32_MAX,
                                  .source = (uint16_t)(source % SOURCES),
                                  .first = NONE,
                                  .chain = pool->buckets[bucket],
                                  .bucket = bucket,
                                  .key_size = (uint8_t)size,
                                  .state = OPEN,
                                  .version = is_v6};
    memcpy(datagram->key, key, size);
    pool->buckets[bucket] = index;
    enqueue(pool, &pool->waiting[is_v6], index);
    return index;
}

static void copy_in(struct sl_fragments *pool, uint16_t block, const uint8_t *data, uint32_t size)
{
    for (; size > 0; block = pool->block_next[block]) {
        uint32_t part = size < SL_FRAGMENTS_BLOCK ? size : SL_FRAGMENTS_BLOCK;
        memcpy(pool->blocks + (size_t)block * SL_FRAGMENTS_BLOCK, data, part);
        data += part;
        size -= part;
    }
}

/* Whether the fragment's payload is the same as one of the same place. */
static bool is_equal(const struct sl_fragments *pool, const struct fragment *fragment,
                     const uint8_t *data, const struct fragments_place *place)
{
    uint32_t left = place->end - place->begin;
    uint32_t off = fragment->payload;
    uint16_t block = fragment->block;
    for (; off >= SL_FRAGMENTS_BLOCK; off -= SL_FRAGMENTS_BLOCK) {
        block = pool->block_next[block];
    }
    for (data += place->payload; left > 0; block = pool->block_next[block], off = 0) {
        uint32_t part = left < SL_FRAGMENTS_BLOCK - off ? left : SL_FRAGMENTS_BLOCK - off;
        if (memcmp(pool->blocks + (size_t)block * SL_FRAGMENTS_BLOCK + off, data, part) != 0) {
            return false;
        }
        data += part;
        left -= part;
    }
    return true;
}

/* Where the fragment goes among those that are there.
 * @param[out] ret_at  the link to it
 * @retval SL_OK, SL_EXISTS (exact duplicate), SL_STATE (overlaps, contradicts) */
static sl_rc find_place(struct sl_fragments *pool, struct datagram *datagram,
                        const struct sl_packet *packet, const struct fragments_place *place,
                        uint16_t **ret_at)
{
    uint16_t *at = &datagram->first;
    uint32_t before_end = 0;
    while (*at != NONE && pool->fragments[*at].begin < place->begin) {
        before_end = pool->fragments[*at].end;
        at = &pool->fragments[*at].next;
    }
    *ret_at = at;
    if (*at != NONE) {
        const struct fragment *after = &pool->fragments[*at];
        bool is_more = (after->packet.has & SL_PKT_MORE_FRAGMENTS) != 0;
        if (after->begin == place->begin && after->end == place->end && is_more == place->is_more &&
            is_equal(pool, after, packet->data, place)) {
            return SL_EXISTS;
        }
        if (after->begin < place->end || !place->is_more) {
            return SL_STATE;
        }
    }
    bool is_past = place->end > datagram->total;
    bool is_second_end = !place->is_more && datagram->total != UINT32_MAX;
    return before_end > place->begin || is_past || is_second_end ? SL_STATE : SL_OK;
}

/* Blocks for a fragment, at others' cost where need be. */
static bool make_room(struct sl_fragments *pool, const struct datagram *datagram, uint16_t index,
                      uint32_t size)
{
    uint32_t wanted = blocks_of(size);
    if (pool->sources[datagram->source] + wanted > pool->limits.source_share) {
        count(&pool->counters.share, 1);
        return false;
    }
    while (pool->free_blocks < wanted) {
        if (!evict(pool, index)) {
            return false;
        }
    }
    return true;
}

static void insert(struct sl_fragments *pool, struct datagram *datagram,
                   const struct sl_packet *packet, const struct fragments_place *place,
                   uint16_t *at)
{
    uint16_t index = pool->free_fragment; /* as many as blocks: there is one */
    uint32_t wanted = blocks_of(packet->size);
    struct fragment *fragment = &pool->fragments[index];
    pool->free_fragment = fragment->next;
    *fragment = (struct fragment){.packet = *packet,
                                  .begin = (uint16_t)place->begin,
                                  .end = (uint16_t)place->end,
                                  .payload = (uint16_t)place->payload,
                                  .block = pool->free_block,
                                  .next = *at};
    *at = index;
    copy_in(pool, fragment->block, packet->data, packet->size);
    uint16_t last = fragment->block;
    for (uint32_t i = 1; i < wanted; i++) {
        last = pool->block_next[last];
    }
    pool->free_block = pool->block_next[last];
    pool->free_blocks -= wanted;
    pool->sources[datagram->source] += wanted;
    datagram->blocks += wanted;
    datagram->count++;
    datagram->have += place->end - place->begin;
    if (!place->is_more) {
        datagram->total = place->end;
    }
    count(&pool->counters.held, 1);
}

/* ---- a whole datagram ---- */

static const uint8_t *block_at(const struct sl_fragments *pool, const struct fragment *fragment)
{
    return pool->blocks + (size_t)fragment->block * SL_FRAGMENTS_BLOCK;
}

/* Adds up to @p limit bytes of a fragment from @p off on to a checksum. */
static uint64_t sum_fragment(const struct sl_fragments *pool, const struct fragment *fragment,
                             uint32_t off, uint32_t limit, uint64_t sum)
{
    uint16_t block = fragment->block;
    uint32_t left = fragment->packet.size - off;
    left = left < limit ? left : limit;
    for (; off >= SL_FRAGMENTS_BLOCK; off -= SL_FRAGMENTS_BLOCK) {
        block = pool->block_next[block];
    }
    for (; left > 0; block = pool->block_next[block], off = 0) {
        uint32_t part = left < SL_FRAGMENTS_BLOCK - off ? left : SL_FRAGMENTS_BLOCK - off;
        sum = sl_checksum_add(sum, pool->blocks + (size_t)block * SL_FRAGMENTS_BLOCK + off, part);
        left -= part;
    }
    return sum;
}

/* What of @p size bytes of upper layer has to sum up: all, or as many as UDP says.
 * @retval SL_OK         to be checked
 * @retval SL_NOT_FOUND  there is no checksum, or none that is known here
 * @retval SL_MALFORMED  UDP's length is not that of the datagram */
static sl_rc summed_size(uint8_t proto, const uint8_t *l4, uint32_t size, uint32_t *ret_size)
{
    switch (proto) {
    case SL_FLOW_UDP: {
        uint32_t length = sl_be16_get(l4 + 4);
        if (length < 8 || length > size) {
            return SL_MALFORMED;
        }
        *ret_size = length;
        return sl_be16_get(l4 + 6) == 0 ? SL_NOT_FOUND : SL_OK;
    }
    case SL_FLOW_TCP:
    case SL_FLOW_ICMP:
    case SL_FLOW_ICMP6:
        *ret_size = size;
        return SL_OK;
    default:
        return SL_NOT_FOUND;
    }
}

/* Whether checksum and lengths of the whole are right, as sl_flow_checksum_is_good says of packets.
 * @param l4  the first fragment's upper layer: 8 bytes at least */
static bool is_sum_good(const struct sl_fragments *pool, const struct datagram *datagram,
                        const uint8_t *l4, uint32_t skipped)
{
    const struct fragment *first = &pool->fragments[datagram->first];
    const struct sl_packet *packet = &first->packet;
    uint32_t size;
    sl_rc rc = summed_size(packet->proto, l4, datagram->total - skipped, &size);
    if (rc != SL_OK) {
        return rc == SL_NOT_FOUND;
    }
    const uint8_t *head = block_at(pool, first);
    bool is_v6 = packet->ip_version == 6;
    uint64_t sum = 0;
    if (packet->proto != SL_FLOW_ICMP) {
        sum = sl_checksum_pseudo(head + (is_v6 ? 8 : 12), head + (is_v6 ? 24 : 16), is_v6 ? 16 : 4,
                                 packet->proto, size);
    }
    uint32_t off = packet->l4_off;
    for (uint16_t at = datagram->first; at != NONE && size > 0; at = pool->fragments[at].next) {
        const struct fragment *fragment = &pool->fragments[at];
        off = at == datagram->first ? off : fragment->payload;
        uint32_t part = fragment->packet.size - off;
        sum = sum_fragment(pool, fragment, off, size, sum);
        size -= part < size ? part : size;
    }
    return sl_checksum_fold(sum) == 0;
}

/* The first 8 bytes of the upper layer of a first fragment, which may lie on two blocks. */
static void read_l4(const struct sl_fragments *pool, const struct fragment *first, uint8_t *ret_l4)
{
    uint32_t off = first->packet.l4_off;
    uint16_t block = first->block;
    for (; off >= SL_FRAGMENTS_BLOCK; off -= SL_FRAGMENTS_BLOCK) {
        block = pool->block_next[block];
    }
    for (uint32_t i = 0; i < 8 && first->packet.l4_off + i < first->packet.size; i++, off++) {
        if (off == SL_FRAGMENTS_BLOCK) {
            block = pool->block_next[block];
            off = 0;
        }
        ret_l4[i] = pool->blocks[(size_t)block * SL_FRAGMENTS_BLOCK + off];
    }
}

/* Every fragment learns what the first one's upper-layer header says. */
static void complete(struct sl_fragments *pool, uint16_t index)
{
    struct datagram *datagram = &pool->datagrams[index];
    struct sl_packet *first = &pool->fragments[datagram->first].packet;
    uint8_t l4[8] = {0};
    uint32_t skipped = first->l4_off - (uint32_t)pool->fragments[datagram->first].payload;
    read_l4(pool, &pool->fragments[datagram->first], l4);
    uint16_t bits = SL_FLOW_PKT_WHOLE | SL_FLOW_PKT_CHECKED;
    bits |= is_sum_good(pool, datagram, l4, skipped) ? 0 : SL_FLOW_PKT_BAD_CHECKSUM;
    first->has |= bits;
    first->more = (uint16_t)(datagram->total - pool->fragments[datagram->first].end);
    bool is_icmp = (first->has & SL_PKT_HAS_ICMP) != 0;
    uint16_t id = is_icmp ? sl_be16_get(l4 + 4) : 0;
    uint16_t told = bits | (first->has & (SL_PKT_HAS_PORTS | SL_PKT_HAS_ICMP | SL_PKT_HAS_TCP));
    for (uint16_t at = pool->fragments[datagram->first].next; at != NONE;
         at = pool->fragments[at].next) {
        struct sl_packet *packet = &pool->fragments[at].packet;
        packet->proto = first->proto; /* RFC 8200 4.5: only that of the first is used */
        packet->sport = is_icmp ? id : first->sport;
        packet->dport = is_icmp ? id : first->dport;
        packet->tcp_flags = first->tcp_flags;
        packet->icmp_type = first->icmp_type;
        packet->icmp_code = first->icmp_code;
        packet->has |= told;
    }
    dequeue(pool, &pool->waiting[datagram->version], index);
    unhash(pool, index);
    datagram->state = READY;
    enqueue(pool, &pool->ready, index);
    count(&pool->counters.datagrams, 1);
}

static sl_rc refuse(struct sl_fragments *pool, const struct sl_packet *packet, uint64_t *why,
                    sl_rc rc)
{
    pool->dropped[packet->port_in & 1]++;
    count(&pool->counters.dropped, 1);
    if (why != NULL) {
        count(why, 1);
    }
    return rc;
}

sl_rc sl_fragments_add(struct sl_fragments *fragments, const struct sl_packet *packet)
{
    struct sl_fragments_counters *counters = &fragments->counters;
    struct fragments_place place;
    count(&counters->fragments, 1);
    if (!fragments_place_of(packet, &place)) {
        return refuse(fragments, packet, &counters->malformed, SL_MALFORMED);
    }
    uint16_t index = datagram_of(fragments, packet);
    if (index == NONE) {
        return refuse(fragments, packet, NULL, SL_NO_SPACE);
    }
    struct datagram *datagram = &fragments->datagrams[index];
    if (datagram->state == POISONED) {
        return refuse(fragments, packet, &counters->poisoned, SL_STATE);
    }
    uint16_t *at = NULL;
    sl_rc rc = find_place(fragments, datagram, packet, &place, &at);
    if (rc == SL_EXISTS) {
        return refuse(fragments, packet, &counters->duplicate, SL_EXISTS);
    }
    if (rc != SL_OK) {
        poison(fragments, datagram, &counters->overlap);
        return refuse(fragments, packet, NULL, SL_STATE);
    }
    if (datagram->count == SL_FRAGMENTS_OF_DATAGRAM) {
        poison(fragments, datagram, &counters->too_many);
        return refuse(fragments, packet, NULL, SL_STATE);
    }
    if (!make_room(fragments, datagram, index, packet->size)) {
        if (datagram->count == 0) { /* begun for nothing */
            forget(fragments, index);
        }
        return refuse(fragments, packet, NULL, SL_NO_SPACE);
    }
    insert(fragments, datagram, packet, &place, at);
    if (datagram->have == datagram->total) {
        complete(fragments, index);
    }
    return SL_OK;
}

/* ---- out ---- */

bool sl_fragments_is_ready(const struct sl_fragments *fragments)
{
    return fragments->ready.oldest != NONE;
}

static void copy_out(const struct sl_fragments *pool, const struct fragment *fragment, uint8_t *out)
{
    uint16_t block = fragment->block;
    for (uint32_t left = fragment->packet.size; left > 0; block = pool->block_next[block]) {
        uint32_t part = left < SL_FRAGMENTS_BLOCK ? left : SL_FRAGMENTS_BLOCK;
        memcpy(out, pool->blocks + (size_t)block * SL_FRAGMENTS_BLOCK, part);
        out += part;
        left -= part;
    }
}

sl_rc sl_fragments_take(struct sl_fragments *fragments, uint8_t *out, uint32_t room,
                        struct sl_packet *ret_packet)
{
    uint16_t index = fragments->ready.oldest;
    if (index == NONE) {
        return SL_NOT_FOUND;
    }
    struct datagram *datagram = &fragments->datagrams[index];
    uint16_t at = datagram->first;
    const struct fragment *fragment = &fragments->fragments[at];
    if (fragment->packet.size > room) {
        return SL_NO_SPACE;
    }
    copy_out(fragments, fragment, out);
    struct sl_packet packet = fragment->packet;
    bool is_v6 = packet.ip_version == 6;
    packet.data = out;
    packet.room = room;
    packet.src = out + (is_v6 ? 8 : 12);
    packet.dst = out + (is_v6 ? 24 : 16);
    packet.verdict = SL_VERDICT_DROP;
    packet.nf_index = 0;
    packet.rule = SL_RULE_DEFAULT;
    *ret_packet = packet;
    datagram->first = fragment->next;
    give_fragment(fragments, datagram, at);
    count(&fragments->counters.released, 1);
    if (datagram->first == NONE) {
        dequeue(fragments, &fragments->ready, index);
        give_datagram(fragments, index);
    }
    return SL_OK;
}

uint64_t sl_fragments_dropped(const struct sl_fragments *fragments, uint32_t port)
{
    return fragments->dropped[port & 1];
}

void sl_fragments_counters(const struct sl_fragments *fragments,
                           struct sl_fragments_counters *ret_counters)
{
#define COPY(name, text)                                                                           \
    ret_counters->name = __atomic_load_n(&fragments->counters.name, __ATOMIC_RELAXED);
    SL_FRAGMENTS_COUNTER_TABLE(COPY)
#undef COPY
}
