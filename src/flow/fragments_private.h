/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The inside of a pool of fragments: between fragments.c (in), fragment_out.c (whole datagrams out)
 * and fragment_place.c.
 */
#ifndef SL_FLOW_FRAGMENTS_PRIVATE_H
#define SL_FLOW_FRAGMENTS_PRIVATE_H

#include "flow/fragments.h"
#include "flow/hash.h"

enum {
    FRAGMENTS_NONE = 0xffff,
    FRAGMENTS_SOURCES = 1024, /* counters of blocks, by a hash of the source */
    FRAGMENTS_FRAGMENT_HEADER = 8,
};

enum fragments_state { FREE = 0, OPEN, POISONED, READY };

/* One fragment: its packet as it was parsed, its place in the datagram, its bytes in blocks. */
struct fragment {
    struct sl_packet packet;
    uint16_t begin, end; /* within the datagram's fragmentable part */
    uint16_t payload;    /* where that begins in the packet */
    uint16_t block;      /* the first */
    uint16_t next;       /* by begin; or the next free one */
    uint32_t tag;        /* the caller's name for it */
};

struct datagram {
    uint8_t key[SL_FRAGMENTS_KEY];
    uint64_t expires_ms;
    uint32_t total; /* bytes of the fragmentable part; UINT32_MAX: not known yet */
    uint32_t have;
    uint32_t blocks;
    uint16_t source;
    uint16_t count;
    uint16_t first, last; /* fragments; last: of those that came, valid while it is open */
    uint16_t chain;       /* next of the same hash, or the next free one */
    uint16_t bucket;
    uint16_t older, newer; /* of the same IP version, or of those that are ready */
    uint8_t key_size;
    uint8_t state;
    uint8_t version; /* 0: IPv4, 1: IPv6 */
    bool is_joined;  /* leaves as one packet */
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
    uint32_t sources[FRAGMENTS_SOURCES];
    uint64_t dropped[SL_PORT_COUNT];
    struct sl_fragments_counters counters;
    sl_fragments_watcher *watcher;
    void *watcher_ctx;
};

void fragments_count(uint64_t *counter, uint64_t amount);

/* The next bytes of a fragment that lie together. */
struct fragments_part {
    const uint8_t *bytes;
    uint32_t size;
};

/* Goes through a fragment's bytes, which lie in blocks: from @p off on, @p limit at most. */
struct fragments_walk {
    const struct sl_fragments *pool;
    uint32_t off, left;
    uint16_t block;
};

static inline struct fragments_walk fragments_walk(const struct sl_fragments *pool,
                                                   const struct fragment *fragment, uint32_t off,
                                                   uint32_t limit)
{
    uint32_t left = fragment->packet.size - off;
    struct fragments_walk walk = {.pool = pool, .off = off, .block = fragment->block};
    walk.left = left < limit ? left : limit;
    for (; walk.off >= SL_FRAGMENTS_BLOCK; walk.off -= SL_FRAGMENTS_BLOCK) {
        walk.block = pool->block_next[walk.block];
    }
    return walk;
}

/* @return false: there are no more */
static inline bool fragments_walk_next(struct fragments_walk *walk, struct fragments_part *ret_part)
{
    const struct sl_fragments *pool = walk->pool;
    uint32_t room = SL_FRAGMENTS_BLOCK - walk->off;
    if (walk->left == 0) {
        return false;
    }
    ret_part->bytes = pool->blocks + (size_t)walk->block * SL_FRAGMENTS_BLOCK + walk->off;
    ret_part->size = walk->left < room ? walk->left : room;
    walk->left -= ret_part->size;
    walk->block = pool->block_next[walk->block];
    walk->off = 0;
    return true;
}

/* Tells who watches. */
void fragments_tell(const struct sl_fragments *pool, uint32_t tag, enum sl_fragments_fate fate);

/* Out of the list of those of its IP version. */
void fragments_dequeue(struct sl_fragments *pool, struct queue *queue, uint16_t index);
void fragments_enqueue(struct sl_fragments *pool, struct queue *queue, uint16_t index);
/* Out of the buckets: no further fragment finds it. */
void fragments_unhash(struct sl_fragments *pool, uint16_t index);
/* Gives a fragment's, a datagram's memory back. */
void fragments_give(struct sl_fragments *pool, struct datagram *datagram, uint16_t index);
void fragments_give_datagram(struct sl_fragments *pool, uint16_t index);

/* All of a datagram's fragments are there: it is ready, and each knows what the first one says.
 * @return false where it is to be dropped: a long ICMP error */
bool fragments_complete(struct sl_fragments *pool, uint16_t index);

/* Offset of an IPv6 packet's fragment header, and of the byte that names it as the next one. */
uint32_t fragments_header6(const struct sl_packet *packet, uint32_t *ret_named_at);

#endif
