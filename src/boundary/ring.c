/* SPDX-License-Identifier: Apache-2.0 */
/* The image's ends of the packet rings. Everything read from shared memory is hostile: it is read
 * once into private memory, checked there, and used from there. */
#include "boundary/ring.h"

#include "boundary/shared.h"

void sl_rx_init(struct sl_rx *rx, uint8_t *area, const struct sl_area_ring_off *off,
                const struct sl_area_geometry *geometry, struct sl_boundary_counters *counters)
{
    *rx = (struct sl_rx){
        .index = (struct sl_area_index *)(void *)(area + off->index),
        .slots = (const struct sl_area_desc *)(const void *)(area + off->slots),
        .data = area + off->data,
        .mask = geometry->ring_count - 1,
        .data_size = geometry->data_size,
        .counters = counters,
    };
}

uint32_t sl_rx_take(struct sl_rx *rx, struct sl_run *ret_runs, uint32_t max)
{
    uint32_t producer = fetch_index(&rx->index->producer);
    uint32_t ready = producer - rx->consumer;
    if (ready == 0) {
        return 0;
    }
    /* The host may fill no more slots than it was given back. */
    uint32_t held = rx->consumer - rx->released;
    if (ready > rx->mask + 1 - held) {
        rx->counters->violation_index++;
        return 0;
    }
    uint32_t count = 0;
    while (ready > 0 && count < max) {
        struct sl_area_desc desc = fetch_desc(&rx->slots[rx->consumer & rx->mask]);
        rx->consumer++;
        ready--;
        if (!desc_is_sound(&desc, rx->data_size)) {
            rx->counters->violation_desc++;
            continue;
        }
        run_from_desc(&ret_runs[count++], rx->data, &desc);
        rx->counters->rx_datagrams += segments_of(desc.size, desc.segment_size);
    }
    rx->counters->rx_runs += count;
    return count;
}

void sl_rx_release(struct sl_rx *rx)
{
    if (rx->released != rx->consumer) {
        rx->released = rx->consumer;
        publish_index(&rx->index->consumer, rx->consumer);
    }
}

void sl_tx_init(struct sl_tx *tx, uint8_t *area, const struct sl_area_ring_off *off,
                const struct sl_area_geometry *geometry, uint64_t *run_end,
                struct sl_boundary_counters *counters)
{
    *tx = (struct sl_tx){
        .index = (struct sl_area_index *)(void *)(area + off->index),
        .slots = (struct sl_area_desc *)(void *)(area + off->slots),
        .data = area + off->data,
        .mask = geometry->ring_count - 1,
        .data_size = geometry->data_size,
        .run_end = run_end,
        .counters = counters,
    };
}

/* Believes the host's consumer index only where it lies between what it gave back before and what
 * it was given. Its value decides when space is used again, never where. */
static void tx_refresh(struct sl_tx *tx)
{
    uint32_t consumer = fetch_index(&tx->index->consumer);
    uint32_t moved = consumer - tx->released;
    if (moved > tx->published - tx->released) {
        tx->counters->violation_index++;
        return;
    }
    if (moved > 0) {
        tx->released = consumer;
        tx->free_off = tx->run_end[(consumer - 1) & tx->mask];
    }
}

/* Moves the open run into its slot. There is room: it was checked when the run was started. */
static void tx_close(struct sl_tx *tx)
{
    if (tx->open.size == 0) {
        return;
    }
    uint32_t slot = tx->producer & tx->mask;
    tx->run_end[slot] = tx->write_off;
    store_desc(&tx->slots[slot], &tx->open);
    tx->producer++;
    tx->open.size = 0;
    tx->counters->tx_runs++;
}

/* Whether a datagram may go on the open run: UDP_SEGMENT wants equal sizes but for the last. */
static bool tx_joins(const struct sl_tx *tx, uint32_t size, uint16_t peer, uint32_t flags)
{
    const struct sl_area_desc *open = &tx->open;
    if (open->size == 0 || open->peer != peer || open->flags != flags ||
        size > open->segment_size || open->size + size > SL_RUN_TX_SIZE_MAX) {
        return false;
    }
    if (open->size >= (uint32_t)open->segment_size * SL_RUN_SEGMENTS_MAX) {
        return false;
    }
    return (uint64_t)open->offset + open->size + size <= tx->data_size;
}

static bool tx_place(struct sl_tx *tx, uint32_t size, uint64_t *ret_start)
{
    if (tx->producer - tx->released > tx->mask) {
        return false;
    }
    return space_place(tx->write_off, &tx->free_off, tx->producer == tx->released, tx->data_size,
                       size, ret_start);
}

uint8_t *sl_tx_reserve(struct sl_tx *tx, uint32_t size, uint16_t peer, uint32_t flags)
{
    tx->reserve_size = 0;
    if (size == 0 || size > SL_RUN_TX_SIZE_MAX) {
        tx->counters->tx_oversize++;
        return NULL;
    }
    if (tx_joins(tx, size, peer, flags)) {
        if (tx->write_off + size - tx->free_off > tx->data_size) {
            tx_refresh(tx);
        }
        if (tx->write_off + size - tx->free_off <= tx->data_size) {
            tx->next = tx->open;
            tx->reserve_off = tx->write_off;
            tx->reserve_size = size;
            return tx->data + (tx->reserve_off & (tx->data_size - 1));
        }
        tx->counters->tx_full++;
        return NULL;
    }
    tx_close(tx);
    uint64_t start = 0;
    if (!tx_place(tx, size, &start)) {
        tx_refresh(tx);
        if (!tx_place(tx, size, &start)) {
            tx->counters->tx_full++;
            return NULL;
        }
    }
    tx->next = (struct sl_area_desc){
        .offset = (uint32_t)(start & (tx->data_size - 1)), .peer = peer, .flags = flags};
    tx->reserve_off = start;
    tx->reserve_size = size;
    return tx->data + tx->next.offset;
}

void sl_tx_commit(struct sl_tx *tx, uint32_t size)
{
    if (size == 0 || size > tx->reserve_size) {
        return;
    }
    tx->reserve_size = 0;
    tx->open = tx->next;
    if (tx->open.size == 0) {
        tx->open.segment_size = (uint16_t)size;
    }
    tx->open.size += size;
    tx->write_off = tx->reserve_off + size;
    tx->counters->tx_datagrams++;
    if (size != tx->open.segment_size) {
        tx_close(tx); /* a shorter datagram can only be the last */
    }
}

void sl_tx_flush(struct sl_tx *tx)
{
    tx_close(tx);
    sl_tx_publish(tx);
}

void sl_tx_publish(struct sl_tx *tx)
{
    tx->reserve_size = 0;
    if (tx->published != tx->producer) {
        tx->published = tx->producer;
        publish_index(&tx->index->producer, tx->producer);
    }
}
