/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of the shared area: from a geometry to offsets, and the image's one look at the header. */
#include "boundary/area.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_pow2_in(uint32_t value, uint32_t min, uint32_t max)
{
    return value >= min && value <= max && (value & (value - 1)) == 0;
}

/* Takes `size` bytes from the running offset, rounded up so that the next part is page-aligned:
 * no part shares a cache line, or the adjacent line that the prefetcher pulls, with another. */
static uint64_t take(uint64_t *off, uint64_t size)
{
    uint64_t at = *off;
    *off += (size + SL_AREA_ALIGN - 1) & ~(uint64_t)(SL_AREA_ALIGN - 1);
    return at;
}

static struct sl_area_ring_off take_byte_ring(uint64_t *off, uint32_t size)
{
    struct sl_area_ring_off ring = {0};
    ring.index = take(off, sizeof(struct sl_area_index));
    ring.slots = take(off, size);
    return ring;
}

static struct sl_area_ring_off take_packet_ring(uint64_t *off, const struct sl_area_geometry *g)
{
    struct sl_area_ring_off ring = {0};
    ring.index = take(off, sizeof(struct sl_area_index));
    ring.slots = take(off, (uint64_t)g->ring_count * sizeof(struct sl_area_desc));
    ring.data = take(off, g->data_size);
    return ring;
}

sl_rc sl_area_layout(const struct sl_area_geometry *geometry, struct sl_area_layout *ret_layout)
{
    const struct sl_area_geometry *g = geometry;
    if (g->shard_count < 1 || g->shard_count > SL_AREA_SHARDS_MAX ||
        !is_pow2_in(g->ring_count, SL_AREA_RING_MIN, SL_AREA_RING_MAX) ||
        !is_pow2_in(g->data_size, SL_AREA_DATA_MIN, SL_AREA_DATA_MAX) ||
        !is_pow2_in(g->control_size, SL_AREA_CONTROL_MIN, SL_AREA_CONTROL_MAX) ||
        !is_pow2_in(g->log_size, SL_AREA_LOG_MIN, SL_AREA_LOG_MAX) ||
        g->spill_mib > SL_AREA_SPILL_MIB_MAX) {
        return SL_RANGE;
    }
    struct sl_area_layout layout = {0};
    uint64_t off = 0;
    (void)take(&off, sizeof(struct sl_area_header));
    layout.params = take(&off, SL_AREA_PARAMS_SIZE);
    layout.log = take_byte_ring(&off, g->log_size);
    layout.control_in = take_byte_ring(&off, g->control_size);
    layout.control_out = take_byte_ring(&off, g->control_size);
    for (uint32_t shard = 0; shard < g->shard_count; shard++) {
        for (uint32_t port = 0; port < SL_AREA_PORTS; port++) {
            layout.queue[shard][port].rx = take_packet_ring(&off, g);
            layout.queue[shard][port].tx = take_packet_ring(&off, g);
        }
    }
    layout.spill_size = (uint64_t)g->spill_mib << 20;
    for (uint32_t shard = 0; shard < g->shard_count && layout.spill_size > 0; shard++) {
        off = (off + SL_AREA_SPILL_ALIGN - 1) & ~(uint64_t)(SL_AREA_SPILL_ALIGN - 1);
        layout.spill[shard] = take(&off, layout.spill_size);
    }
    layout.size = off;
    *ret_layout = layout;
    return SL_OK;
}

sl_rc sl_area_format(uint8_t *area, uint64_t size, const struct sl_area_geometry *geometry,
                     struct sl_area_layout *ret_layout)
{
    struct sl_area_layout layout;
    sl_rc rc = sl_area_layout(geometry, &layout);
    if (rc != SL_OK) {
        return rc;
    }
    if (size < layout.size) {
        return SL_NO_SPACE;
    }
    struct sl_area_header *header = (struct sl_area_header *)(void *)area;
    memset(header, 0, sizeof(*header));
    header->magic = SL_AREA_MAGIC;
    header->geometry = *geometry;
    *ret_layout = layout;
    return SL_OK;
}

/* One read per word, whatever the compiler would like to do: the host may be writing. */
static uint32_t fetch32(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

sl_rc sl_area_adopt(const uint8_t *area, uint64_t size, uint64_t private_base,
                    uint64_t private_size, struct sl_area_geometry *ret_geometry,
                    struct sl_area_layout *ret_layout)
{
    uint64_t base = (uint64_t)(uintptr_t)area;
    uint64_t end = 0;
    uint64_t private_end = 0;
    if (area == NULL || base % SL_AREA_ALIGN != 0 || size < SL_AREA_ALIGN) {
        return SL_INVALID;
    }
    if (__builtin_add_overflow(base, size, &end) ||
        __builtin_add_overflow(private_base, private_size, &private_end)) {
        return SL_VIOLATION;
    }
    if (base < private_end && private_base < end) {
        return SL_VIOLATION;
    }
    const struct sl_area_header *header = (const struct sl_area_header *)(const void *)area;
    if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != SL_AREA_MAGIC) {
        return SL_MALFORMED;
    }
    struct sl_area_geometry geometry = {
        .shard_count = fetch32(&header->geometry.shard_count),
        .ring_count = fetch32(&header->geometry.ring_count),
        .data_size = fetch32(&header->geometry.data_size),
        .control_size = fetch32(&header->geometry.control_size),
        .log_size = fetch32(&header->geometry.log_size),
        .spill_mib = fetch32(&header->geometry.spill_mib),
    };
    struct sl_area_layout layout;
    sl_rc rc = sl_area_layout(&geometry, &layout);
    if (rc != SL_OK) {
        return rc;
    }
    if (layout.size > size) {
        return SL_TRUNCATED;
    }
    *ret_geometry = geometry;
    *ret_layout = layout;
    return SL_OK;
}
