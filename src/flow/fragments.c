/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments that wait for the rest of their datagram. */
#include "flow/fragments_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "flow/tuple.h"

enum {
    NONE = FRAGMENTS_NONE,
    TIMEOUT4_MS = 30000,
    TIMEOUT6_MS = 60000,
    SHARE_OF_POOL = 8,
    DEFAULT_BLOCKS = 4096,
    DEFAULT_DATAGRAMS = 1024,
};

static const struct {
    const char *word, *text;
} fates[] = {
#define FATE(name, word, text) {word, text},
    SL_FRAGMENTS_FATE_TABLE(FATE)
#undef FATE
};

const char *sl_fragments_fate_word(uint32_t fate)
{
    return fate < SL_FRAGMENT_FATES ? fates[fate].word : "?";
}

const char *sl_fragments_fate_text(uint32_t fate)
{
    return fate < SL_FRAGMENT_FATES ? fates[fate].text : "?";
}

void fragments_count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

void fragments_tell(const struct sl_fragments *pool, uint32_t tag, enum sl_fragments_fate fate)
{
    if (pool->watcher != NULL) {
        pool->watcher(pool->watcher_ctx, tag, fate);
    }
}

void sl_fragments_watch(struct sl_fragments *fragments, sl_fragments_watcher *watcher, void *ctx)
{
    fragments->watcher = watcher;
    fragments->watcher_ctx = ctx;
}

/* ---- life ---- */

struct sl_fragments_limits sl_fragments_limits_default(void)
{
    return (struct sl_fragments_limits){.blocks = DEFAULT_BLOCKS, .datagrams = DEFAULT_DATAGRAMS};
}

static void *take(uint8_t *base, size_t *off, size_t size)
{
    void *taken = base != NULL ? base + *off : NULL;
    *off += (size + 63) & ~(size_t)63;
    return taken;
}

/* Lays the arrays out behind @p base, where that is not NULL. @return their bytes */
static size_t lay_out(struct sl_fragments *pool, uint8_t *base)
{
    size_t off = 0;
    pool->buckets = take(base, &off, (pool->bucket_mask + 1) * sizeof(*pool->buckets));
    pool->datagrams = take(base, &off, pool->limits.datagrams * sizeof(*pool->datagrams));
    pool->fragments = take(base, &off, pool->limits.blocks * sizeof(*pool->fragments));
    pool->block_next = take(base, &off, pool->limits.blocks * sizeof(*pool->block_next));
    pool->blocks = take(base, &off, (size_t)pool->limits.blocks * SL_FRAGMENTS_BLOCK);
    return off;
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
    size_t bytes = sizeof(sizes) + 64 + lay_out(&sizes, NULL);
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

void fragments_enqueue(struct sl_fragments *pool, struct queue *queue, uint16_t index)
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

void fragments_dequeue(struct sl_fragments *pool, struct queue *queue, uint16_t index)
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

void fragments_give(struct sl_fragments *pool, struct datagram *datagram, uint16_t index)
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
    fragments_count(&pool->counters.held, UINT64_MAX);
}

/* Drops a datagram's fragments. */
static void empty(struct sl_fragments *pool, struct datagram *datagram, enum sl_fragments_fate fate)
{
    fragments_count(&pool->counters.dropped, datagram->count);
    while (datagram->first != NONE) {
        uint16_t index = datagram->first;
        pool->dropped[pool->fragments[index].packet.port_in & 1]++;
        datagram->first = pool->fragments[index].next;
        fragments_tell(pool, pool->fragments[index].tag, fate);
        fragments_give(pool, datagram, index);
    }
}

void fragments_unhash(struct sl_fragments *pool, uint16_t index)
{
    uint16_t *at = &pool->buckets[pool->datagrams[index].bucket];
    while (*at != index) {
        at = &pool->datagrams[*at].chain;
    }
    *at = pool->datagrams[index].chain;
}

void fragments_give_datagram(struct sl_fragments *pool, uint16_t index)
{
    struct datagram *datagram = &pool->datagrams[index];
    datagram->state = FREE;
    datagram->chain = pool->free_datagram;
    pool->free_datagram = index;
}

static void forget(struct sl_fragments *pool, uint16_t index, enum sl_fragments_fate fate)
{
    struct datagram *datagram = &pool->datagrams[index];
    empty(pool, datagram, fate);
    fragments_dequeue(pool, &pool->waiting[datagram->version], index);
    fragments_unhash(pool, index);
    fragments_give_datagram(pool, index);
}

/* The datagram is dropped, and what follows of it until its time is over. */
static void poison(struct sl_fragments *pool, struct datagram *datagram, uint64_t *why,
                   enum sl_fragments_fate fate)
{
    empty(pool, datagram, fate);
    datagram->state = POISONED;
    fragments_count(why, 1);
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
    fragments_count(&pool->counters.evicted, pool->datagrams[oldest].state == OPEN);
    forget(pool, oldest, SL_FRAGMENT_EVICTED);
    return true;
}

void sl_fragments_set_now(struct sl_fragments *fragments, uint64_t now_ms)
{
    fragments->now_ms = now_ms > fragments->now_ms ? now_ms : fragments->now_ms;
    for (uint32_t i = 0; i < 2; i++) {
        uint16_t at;
        while ((at = fragments->waiting[i].oldest) != NONE &&
               fragments->datagrams[at].expires_ms <= fragments->now_ms) {
            fragments_count(&fragments->counters.timeout, fragments->datagrams[at].state == OPEN);
            forget(fragments, at, SL_FRAGMENT_TIMEOUT);
        }
    }
}

void sl_fragments_clear(struct sl_fragments *fragments)
{
    while (evict(fragments, NONE)) {
    }
}

/* ---- in ---- */

/* What names a fragment's datagram. */
struct name {
    uint8_t key[SL_FRAGMENTS_KEY];
    uint32_t size;
    uint16_t bucket;
};

static uint16_t find(const struct sl_fragments *pool, const struct sl_packet *packet,
                     struct name *ret_name)
{
    ret_name->size = sl_fragments_key(packet, ret_name->key);
    uint64_t hash = sl_flow_hash_bytes(&pool->hash_key, ret_name->key, ret_name->size);
    ret_name->bucket = (uint16_t)(hash & pool->bucket_mask);
    uint16_t at = pool->buckets[ret_name->bucket];
    for (; at != NONE; at = pool->datagrams[at].chain) {
        const struct datagram *datagram = &pool->datagrams[at];
        /* forbidden: waived, addresses and identification from the packet */
        if (datagram->key_size == ret_name->size &&
            memcmp(datagram->key, ret_name->key, ret_name->size) == 0) {
            break;
        }
    }
    return at;
}

/* The fragment's datagram, found or begun; NONE where there is no room. */
static uint16_t datagram_of(struct sl_fragments *pool, const struct sl_packet *packet)
{
    struct name name;
    uint16_t index = find(pool, packet, &name);
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
                                  .source = (uint16_t)(source % FRAGMENTS_SOURCES),
                                  .first = NONE,
                                  .last = NONE,
                                  .chain = pool->buckets[name.bucket],
                                  .bucket = name.bucket,
                                  .key_size = (uint8_t)name.size,
                                  .state = OPEN,
                                  .version = is_v6};
    memcpy(datagram->key, name.key, name.size);
    pool->buckets[name.bucket] = index;
    fragments_enqueue(pool, &pool->waiting[is_v6], index);
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
                     const uint8_t *data, const struct sl_fragments_place *place)
{
    struct fragments_walk walk =
        fragments_walk(pool, fragment, fragment->payload, place->end - place->begin);
    struct fragments_part part;
    data += place->payload;
    while (fragments_walk_next(&walk, &part)) {
        if (memcmp(part.bytes, data, part.size) != 0) {
            return false;
        }
        data += part.size;
    }
    return true;
}

/* The link where a fragment goes that begins there, and where the one before it ends. */
static uint16_t *find_link(struct sl_fragments *pool, struct datagram *datagram, uint32_t begin,
                           uint32_t *ret_before_end)
{
    uint16_t *at = &datagram->first;
    *ret_before_end = 0;
    if (datagram->last != NONE && pool->fragments[datagram->last].begin < begin) {
        *ret_before_end = pool->fragments[datagram->last].end; /* in order, as most come */
        return &pool->fragments[datagram->last].next;
    }
    while (*at != NONE && pool->fragments[*at].begin < begin) {
        *ret_before_end = pool->fragments[*at].end;
        at = &pool->fragments[*at].next;
    }
    return at;
}

/* Where the fragment goes among those that are there.
 * @param[out] ret_at  the link to it
 * @retval SL_OK, SL_EXISTS (exact duplicate), SL_STATE (overlaps, contradicts) */
static sl_rc find_place(struct sl_fragments *pool, struct datagram *datagram,
                        const struct sl_packet *packet, const struct sl_fragments_place *place,
                        uint16_t **ret_at)
{
    uint32_t before_end;
    uint16_t *at = find_link(pool, datagram, place->begin, &before_end);
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
static enum sl_fragments_fate make_room(struct sl_fragments *pool, const struct datagram *datagram,
                                        uint16_t index, uint32_t size)
{
    uint32_t wanted = blocks_of(size);
    if (pool->sources[datagram->source] + wanted > pool->limits.source_share) {
        return SL_FRAGMENT_SHARE;
    }
    while (pool->free_blocks < wanted) {
        if (!evict(pool, index)) {
            return SL_FRAGMENT_NO_ROOM;
        }
    }
    return SL_FRAGMENT_WAITS;
}

static void insert(struct sl_fragments *pool, struct datagram *datagram,
                   const struct sl_packet *packet, const struct sl_fragments_place *place,
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
    datagram->last = fragment->next == NONE ? index : datagram->last;
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
    fragments_count(&pool->counters.held, 1);
}

/* What becomes of a fragment that is not kept: counted, told; @return what the caller hears */
static sl_rc refuse(struct sl_fragments *pool, const struct sl_packet *packet, uint32_t tag,
                    enum sl_fragments_fate fate, sl_rc rc)
{
    struct sl_fragments_counters *counters = &pool->counters;
    uint64_t *const why[SL_FRAGMENT_FATES] = {[SL_FRAGMENT_DUPLICATE] = &counters->duplicate,
                                              [SL_FRAGMENT_POISONED] = &counters->poisoned,
                                              [SL_FRAGMENT_MALFORMED] = &counters->malformed,
                                              [SL_FRAGMENT_SHARE] = &counters->share};
    pool->dropped[packet->port_in & 1]++;
    fragments_count(&counters->dropped, 1);
    if (why[fate] != NULL) { /* of others, the datagrams are counted */
        fragments_count(why[fate], 1);
    }
    fragments_tell(pool, tag, fate);
    return rc;
}

sl_rc sl_fragments_add(struct sl_fragments *fragments, const struct sl_packet *packet, uint32_t tag)
{
    struct sl_fragments_place place;
    fragments_count(&fragments->counters.fragments, 1);
    if (!sl_fragments_place_of(packet, &place)) {
        return refuse(fragments, packet, tag, SL_FRAGMENT_MALFORMED, SL_MALFORMED);
    }
    uint16_t index = datagram_of(fragments, packet);
    if (index == NONE) {
        return refuse(fragments, packet, tag, SL_FRAGMENT_NO_ROOM, SL_NO_SPACE);
    }
    struct datagram *datagram = &fragments->datagrams[index];
    if (datagram->state == POISONED) {
        return refuse(fragments, packet, tag, SL_FRAGMENT_POISONED, SL_STATE);
    }
    uint16_t *at = NULL;
    sl_rc rc = find_place(fragments, datagram, packet, &place, &at);
    if (rc == SL_EXISTS) {
        return refuse(fragments, packet, tag, SL_FRAGMENT_DUPLICATE, SL_EXISTS);
    }
    if (rc != SL_OK) {
        rc = refuse(fragments, packet, tag, SL_FRAGMENT_OVERLAP, SL_STATE);
        poison(fragments, datagram, &fragments->counters.overlap, SL_FRAGMENT_OVERLAP);
        return rc;
    }
    if (datagram->count == SL_FRAGMENTS_OF_DATAGRAM) {
        rc = refuse(fragments, packet, tag, SL_FRAGMENT_TOO_MANY, SL_STATE);
        poison(fragments, datagram, &fragments->counters.too_many, SL_FRAGMENT_TOO_MANY);
        return rc;
    }
    enum sl_fragments_fate fate = make_room(fragments, datagram, index, packet->size);
    if (fate != SL_FRAGMENT_WAITS) {
        if (datagram->count == 0) { /* begun for nothing */
            forget(fragments, index, fate);
        }
        return refuse(fragments, packet, tag, fate, SL_NO_SPACE);
    }
    insert(fragments, datagram, packet, &place, at);
    fragments->fragments[*at].tag = tag;
    if (datagram->have == datagram->total && !fragments_complete(fragments, index)) {
        poison(fragments, datagram, &fragments->counters.long_error, SL_FRAGMENT_LONG_ERROR);
        return SL_STATE;
    }
    return SL_OK;
}

sl_rc sl_fragments_progress(const struct sl_fragments *fragments, const struct sl_packet *packet,
                            struct sl_fragments_progress *ret_progress)
{
    struct name name;
    uint16_t index = find(fragments, packet, &name);
    if (index == NONE) {
        return SL_NOT_FOUND;
    }
    const struct datagram *datagram = &fragments->datagrams[index];
    struct sl_fragments_progress progress = {.fragments = datagram->count};
    uint32_t end = 0;
    for (uint16_t at = datagram->first; at != NONE; at = fragments->fragments[at].next) {
        progress.holes += fragments->fragments[at].begin > end;
        end = fragments->fragments[at].end;
    }
    progress.holes += end < datagram->total;
    *ret_progress = progress;
    return datagram->state == POISONED ? SL_STATE : SL_OK;
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
