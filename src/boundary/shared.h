/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What both ends of the rings need: single fetches, the check of a descriptor, and the placing of
 * runs in a data region. Private to src/boundary.
 */
#ifndef SL_BOUNDARY_SHARED_H
#define SL_BOUNDARY_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "boundary/area.h"
#include "boundary/ring.h"

enum { RUN_ALIGN = 64 };

/* The peer's index: read once, then everything before its store is visible. */
static inline uint32_t fetch_index(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Publishes an index: everything written before is visible to who fetches it. */
static inline void publish_index(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Copies a descriptor in by two loads that the compiler may neither repeat nor split. The peer may
 * change it between them: nothing is believed before desc_check(). */
static inline struct sl_area_desc fetch_desc(const struct sl_area_desc *slot)
{
    const uint64_t *words = (const uint64_t *)(const void *)slot;
    uint64_t copy[2] = {__atomic_load_n(&words[0], __ATOMIC_RELAXED),
                        __atomic_load_n(&words[1], __ATOMIC_RELAXED)};
    struct sl_area_desc desc;
    memcpy(&desc, copy, sizeof(desc));
    return desc;
}

static inline void store_desc(struct sl_area_desc *slot, const struct sl_area_desc *desc)
{
    uint64_t copy[2];
    memcpy(copy, desc, sizeof(copy));
    uint64_t *words = (uint64_t *)(void *)slot;
    __atomic_store_n(&words[0], copy[0], __ATOMIC_RELAXED);
    __atomic_store_n(&words[1], copy[1], __ATOMIC_RELAXED);
}

static inline uint32_t segments_of(uint32_t size, uint32_t segment_size)
{
    return (size + segment_size - 1) / segment_size;
}

/* Whether every byte lies in the data region and the sizes make sense. */
static inline bool desc_is_sound(const struct sl_area_desc *desc, uint32_t data_size)
{
    if (desc->size == 0 || desc->size > SL_RUN_SIZE_MAX || desc->segment_size == 0 ||
        desc->segment_size > desc->size) {
        return false;
    }
    if (desc->offset > data_size || desc->size > data_size - desc->offset) {
        return false;
    }
    return desc->size <= (uint32_t)desc->segment_size * SL_RUN_SEGMENTS_MAX;
}

static inline void run_from_desc(struct sl_run *run, const uint8_t *data,
                                 const struct sl_area_desc *desc)
{
    run->data = data + desc->offset;
    run->size = desc->size;
    run->segment_size = desc->segment_size;
    run->peer = desc->peer;
    run->flags = desc->flags & SL_DESC_FLAGS_MASK;
}

/* Finds contiguous room for `size` bytes at or after `write_off`, cache-line aligned, in a region
 * whose bytes before `*free_off` were given back. Positions run freely; the place in the region is
 * the position modulo its size. */
static inline bool space_place(uint64_t write_off, uint64_t *free_off, bool is_empty,
                               uint32_t data_size, uint32_t size, uint64_t *ret_start)
{
    uint64_t start = (write_off + RUN_ALIGN - 1) & ~(uint64_t)(RUN_ALIGN - 1);
    uint64_t place = start & (data_size - 1);
    if (place + size > data_size) {
        start += data_size - place;
    }
    if (is_empty) {
        *free_off = start;
    }
    if (start + size - *free_off > data_size) {
        return false;
    }
    *ret_start = start;
    return true;
}

#endif
