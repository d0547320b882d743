/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from shard to shard. */
#include "image/handover.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    SIZE_MIN = 65536,
};

/* A record: its size with everything, then the packet, then its bytes. */
struct record {
    uint64_t size;
    uint64_t is_skip; /* nothing in it: the rest of the ring up to its end */
    struct sl_handed handed;
};

enum { HEAD = (sizeof(struct record) + LINE - 1) / LINE * LINE };

sl_rc sl_handover_init(struct sl_handover *ring, uint64_t size)
{
    if (size < SIZE_MIN || (size & (size - 1)) != 0) {
        return SL_RANGE;
    }
    memset(ring, 0, sizeof(*ring));
    ring->data = aligned_alloc(LINE, size);
    if (ring->data == NULL) {
        return SL_NO_MEMORY;
    }
    memset(ring->data, 0, size); /* touch every page now */
    ring->size = size;
    return SL_OK;
}

void sl_handover_done(struct sl_handover *ring)
{
    free(ring->data);
    ring->data = NULL;
}

static struct record *record_at(const struct sl_handover *ring, uint64_t at)
{
    return (struct record *)(void *)(ring->data + (at & (ring->size - 1)));
}

static bool has_room(struct sl_handover *ring, uint64_t head, uint64_t wanted)
{
    if (head + wanted - ring->tail_seen <= ring->size) {
        return true;
    }
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return head + wanted - ring->tail_seen <= ring->size;
}

sl_rc sl_handover_put(struct sl_handover *ring, const struct sl_packet *packet, uint8_t origin)
{
    uint64_t head = ring->next;
    uint64_t size = (HEAD + (uint64_t)packet->size + SL_HANDOVER_SPARE + LINE - 1) & ~(LINE - 1ull);
    uint64_t to_end = ring->size - (head & (ring->size - 1));
    uint64_t skipped = to_end < size ? to_end : 0;
    if (!has_room(ring, head, skipped + size)) {
        return SL_AGAIN;
    }
    if (skipped > 0) {
        struct record *skip = record_at(ring, head); /* whole lines: its first fields fit */
        skip->size = skipped;
        skip->is_skip = 1;
        head += skipped;
    }
    struct record *record = record_at(ring, head);
    uint8_t *data = (uint8_t *)record + HEAD;
    record->size = size;
    record->is_skip = 0;
    record->handed.packet = *packet;
    record->handed.packet.data = data;
    record->handed.packet.room = packet->size + SL_HANDOVER_SPARE / 2;
    bool is_v6 = packet->ip_version == 6;
    record->handed.packet.src = data + (is_v6 ? 8 : 12);
    record->handed.packet.dst = data + (is_v6 ? 24 : 16);
    record->handed.origin = origin;
    memcpy(data, packet->data, packet->size);
    ring->next = head + size;
    return SL_OK;
}

bool sl_handover_publish(struct sl_handover *ring)
{
    if (ring->next == atomic_load_explicit(&ring->head, memory_order_relaxed)) {
        return false;
    }
    atomic_store(&ring->head, ring->next);
    return true;
}

bool sl_handover_is_waiting(const struct sl_handover *ring)
{
    return atomic_load(&ring->head) != ring->at;
}

struct sl_handed *sl_handover_peek(struct sl_handover *ring)
{
    for (;;) {
        if (ring->at == ring->head_seen) {
            ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
            if (ring->at == ring->head_seen) {
                return NULL;
            }
        }
        struct record *record = record_at(ring, ring->at);
        ring->at += record->size;
        if (record->is_skip == 0) {
            return &record->handed;
        }
    }
}

void sl_handover_release(struct sl_handover *ring)
{
    atomic_store_explicit(&ring->tail, ring->at, memory_order_release);
}
