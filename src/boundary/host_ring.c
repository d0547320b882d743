/* SPDX-License-Identifier: Apache-2.0 */
/* The host's ends of the packet rings. The host trusts the image no more than it must to not
 * crash: a broken image costs its packets, not the process. */
#include <stdlib.h>

#include "boundary/ring.h"
#include "boundary/shared.h"

sl_rc sl_host_ring_init(struct sl_host_ring *ring, uint8_t *area,
                        const struct sl_area_ring_off *off, const struct sl_area_geometry *geometry)
{
    uint64_t *run_end = calloc(geometry->ring_count, sizeof(*run_end));
    if (run_end == NULL) {
        return SL_NO_MEMORY;
    }
    *ring = (struct sl_host_ring){
        .index = (struct sl_area_index *)(void *)(area + off->index),
        .slots = (struct sl_area_desc *)(void *)(area + off->slots),
        .data = area + off->data,
        .mask = geometry->ring_count - 1,
        .data_size = geometry->data_size,
        .run_end = run_end,
    };
    return SL_OK;
}

void sl_host_ring_done(struct sl_host_ring *ring)
{
    free(ring->run_end);
    *ring = (struct sl_host_ring){0};
}

static void rx_refresh(struct sl_host_ring *ring)
{
    uint32_t consumer = fetch_index(&ring->index->consumer);
    uint32_t moved = consumer - ring->released;
    if (moved > ring->local - ring->released) {
        ring->violations++;
        return;
    }
    if (moved > 0) {
        ring->released = consumer;
        ring->free_off = ring->run_end[(consumer - 1) & ring->mask];
    }
}

static bool rx_place(struct sl_host_ring *ring, uint32_t size, uint64_t *ret_start)
{
    if (ring->local - ring->released > ring->mask) {
        return false;
    }
    return space_place(ring->write_off, &ring->free_off, ring->local == ring->released,
                       ring->data_size, size, ret_start);
}

uint8_t *sl_host_rx_reserve(struct sl_host_ring *ring, uint32_t size)
{
    uint64_t start = 0;
    ring->at_off = ring->at_end = 0;
    if (size == 0 || size > ring->data_size) {
        return NULL;
    }
    if (!rx_place(ring, size, &start)) {
        rx_refresh(ring);
        if (!rx_place(ring, size, &start)) {
            return NULL;
        }
    }
    ring->at_off = start;
    ring->at_end = start + size;
    return ring->data + (start & (ring->data_size - 1));
}

void sl_host_rx_skip(struct sl_host_ring *ring, uint32_t size)
{
    uint64_t left = ring->at_end - ring->at_off;
    ring->at_off += size < left ? size : left;
}

bool sl_host_rx_commit(struct sl_host_ring *ring, uint32_t size, uint32_t segment_size,
                       uint16_t peer, uint32_t flags)
{
    struct sl_area_desc desc = {
        .offset = (uint32_t)(ring->at_off & (ring->data_size - 1)),
        .size = size,
        .segment_size = (uint16_t)segment_size,
        .peer = peer,
        .flags = flags,
    };
    bool is_sound = size <= ring->at_end - ring->at_off && segment_size <= size &&
                    desc_is_sound(&desc, ring->data_size);
    if (is_sound && ring->local - ring->released > ring->mask) {
        rx_refresh(ring);
    }
    if (!is_sound || ring->local - ring->released > ring->mask) {
        sl_host_rx_skip(ring, size);
        return false;
    }
    uint32_t slot = ring->local & ring->mask;
    store_desc(&ring->slots[slot], &desc);
    ring->at_off += size;
    ring->write_off = ring->at_off;
    ring->run_end[slot] = ring->at_off;
    ring->local++;
    publish_index(&ring->index->producer, ring->local);
    return true;
}

bool sl_host_rx_is_pending(const struct sl_host_ring *ring)
{
    return fetch_index(&ring->index->consumer) != fetch_index(&ring->index->producer);
}

uint32_t sl_host_tx_peek(struct sl_host_ring *ring, struct sl_run *ret_runs, uint32_t max)
{
    uint32_t ready = fetch_index(&ring->index->producer) - ring->local;
    if (ready > ring->mask + 1) {
        ring->violations++;
        return 0;
    }
    uint32_t count = ready < max ? ready : max;
    for (uint32_t i = 0; i < count; i++) {
        struct sl_area_desc desc = fetch_desc(&ring->slots[(ring->local + i) & ring->mask]);
        if (desc_is_sound(&desc, ring->data_size)) {
            run_from_desc(&ret_runs[i], ring->data, &desc);
        } else {
            ring->violations++;
            ret_runs[i] = (struct sl_run){0};
        }
    }
    return count;
}

void sl_host_tx_release(struct sl_host_ring *ring, uint32_t count)
{
    ring->local += count;
    publish_index(&ring->index->consumer, ring->local);
}

bool sl_host_tx_is_pending(const struct sl_host_ring *ring)
{
    return fetch_index(&ring->index->producer) != fetch_index(&ring->index->consumer);
}
