/* SPDX-License-Identifier: Apache-2.0 */
/* Byte rings (control, log): one end writes, the other reads; the same code on both sides, each
 * checking the other's index against the ring's size. */
#include "boundary/ring.h"
#include "boundary/shared.h"

void sl_byte_ring_init(struct sl_byte_ring *ring, uint8_t *area, const struct sl_area_ring_off *off,
                       uint32_t size, struct sl_boundary_counters *counters)
{
    *ring = (struct sl_byte_ring){
        .index = (struct sl_area_index *)(void *)(area + off->index),
        .bytes = area + off->slots,
        .size = size,
        .counters = counters,
    };
}

/* Fetches the peer's index once, and believes it where it moved by at most `most`. */
static void refresh(struct sl_byte_ring *ring, const uint32_t *word, uint32_t most)
{
    uint32_t now = fetch_index(word);
    if (now - ring->peer <= most) {
        ring->peer = now;
    } else if (ring->counters != NULL) {
        ring->counters->violation_control++;
    }
}

uint32_t sl_byte_ring_readable(struct sl_byte_ring *ring)
{
    /* The writer may fill what is not yet filled. */
    refresh(ring, &ring->index->producer, ring->size - (ring->peer - ring->local));
    return ring->peer - ring->local;
}

uint32_t sl_byte_ring_writable(struct sl_byte_ring *ring)
{
    /* The reader may take what was written. */
    refresh(ring, &ring->index->consumer, ring->local - ring->peer);
    return ring->size - (ring->local - ring->peer);
}

uint32_t sl_byte_ring_write(struct sl_byte_ring *ring, const void *data, uint32_t size)
{
    uint32_t room = sl_byte_ring_writable(ring);
    uint32_t count = size < room ? size : room;
    uint32_t place = ring->local & (ring->size - 1);
    uint32_t first = count < ring->size - place ? count : ring->size - place;
    if (count == 0) {
        return 0;
    }
    memcpy(ring->bytes + place, data, first);
    memcpy(ring->bytes, (const uint8_t *)data + first, count - first);
    ring->local += count;
    publish_index(&ring->index->producer, ring->local);
    return count;
}

uint32_t sl_byte_ring_read(struct sl_byte_ring *ring, void *data, uint32_t size)
{
    uint32_t ready = sl_byte_ring_readable(ring);
    uint32_t count = size < ready ? size : ready;
    uint32_t place = ring->local & (ring->size - 1);
    uint32_t first = count < ring->size - place ? count : ring->size - place;
    if (count == 0) {
        return 0;
    }
    memcpy(data, ring->bytes + place, first);
    memcpy((uint8_t *)data + first, ring->bytes, count - first);
    ring->local += count;
    publish_index(&ring->index->consumer, ring->local);
    return count;
}
