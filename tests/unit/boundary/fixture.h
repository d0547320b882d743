/* SPDX-License-Identifier: Apache-2.0 */
/* A shared area between two unreadable pages, so that one byte outside is a fault. */
#ifndef SL_TESTS_BOUNDARY_FIXTURE_H
#define SL_TESTS_BOUNDARY_FIXTURE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "boundary/area.h"
#include "boundary/ring.h"

#define FIXTURE_GEOMETRY                                                                           \
    {                                                                                              \
        .shard_count = 1, .ring_count = 64, .data_size = 64 << 10, .control_size = 16 << 10,       \
        .log_size = 4 << 10                                                                        \
    }

struct fixture {
    uint8_t *map; /* guard page, area, guard page */
    uint8_t *area;
    struct sl_area_geometry geometry;
    struct sl_area_layout layout;
    struct sl_boundary_counters counters;
};

static inline void fixture_init(struct fixture *f, const struct sl_area_geometry *geometry)
{
    *f = (struct fixture){.geometry = *geometry};
    if (sl_area_layout(geometry, &f->layout) != SL_OK) {
        abort();
    }
    size_t size = f->layout.size + 2 * SL_AREA_ALIGN;
    f->map = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->map == MAP_FAILED) {
        abort();
    }
    f->area = f->map + SL_AREA_ALIGN;
    if (mprotect(f->area, f->layout.size, PROT_READ | PROT_WRITE) != 0 ||
        sl_area_format(f->area, f->layout.size, geometry, &f->layout) != SL_OK) {
        abort();
    }
}

static inline void fixture_done(struct fixture *f)
{
    (void)munmap(f->map, f->layout.size + 2 * SL_AREA_ALIGN);
}

static inline struct sl_area_index *index_at(struct fixture *f, const struct sl_area_ring_off *off)
{
    return (struct sl_area_index *)(void *)(f->area + off->index);
}

static inline struct sl_area_desc *slots_at(struct fixture *f, const struct sl_area_ring_off *off)
{
    return (struct sl_area_desc *)(void *)(f->area + off->slots);
}

#endif
