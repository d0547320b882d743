/* SPDX-License-Identifier: Apache-2.0 */
/* The image's side of the shared area, run natively: one worker per shard bounces every datagram to
 * the other port with its first payload byte (offset 24) incremented; one control thread echoes
 * connections. Waits as a real image does, through the node. */
#ifndef SL_TESTS_HOST_FAKE_IMAGE_H
#define SL_TESTS_HOST_FAKE_IMAGE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "boundary/ring.h"
#include "control/message.h"
#include "host/node.h"

enum { FAKE_ROUNDS_IDLE = 2000 };

struct fake_shard {
    struct fake_image *image;
    uint32_t shard;
    pthread_t thread;
    struct sl_boundary_counters counters;
    struct sl_rx rx[2];
    struct sl_tx tx[2];
    uint64_t *run_end[2];
    atomic_ulong waits;
};

struct fake_image {
    uint8_t *area;
    struct sl_area_layout layout;
    struct sl_node *node;
    struct fake_shard shards[4];
    uint32_t shard_count;
    struct sl_boundary_counters control_counters;
    struct sl_byte_ring in, out;
    pthread_t control;
    atomic_bool is_flooding;     /* the control thread writes frames without end, never waits */
    atomic_bool is_deaf;         /* the control thread neither reads nor writes */
    atomic_uint opened, closed;  /* frames seen */
    atomic_bool is_closing_on_x; /* an 'x' from the peer makes the image close first */
};

static inline uint8_t *fake_area(const struct sl_area_geometry *geometry,
                                 struct sl_area_layout *ret_layout)
{
    if (sl_area_layout(geometry, ret_layout) != SL_OK) {
        abort();
    }
    uint8_t *area =
        mmap(NULL, ret_layout->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED ||
        sl_area_format(area, ret_layout->size, geometry, ret_layout) != SL_OK) {
        abort();
    }
    return area;
}

static inline uint32_t fake_bounce(struct fake_shard *s)
{
    uint32_t total = 0;
    for (uint32_t port = 0; port < 2; port++) {
        struct sl_run runs[16];
        uint32_t count = sl_rx_take(&s->rx[port], runs, 16);
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t off = 0; off < runs[i].size; off += runs[i].segment_size) {
                uint32_t left = runs[i].size - off;
                uint32_t size = left < runs[i].segment_size ? left : runs[i].segment_size;
                uint8_t *out = sl_tx_reserve(&s->tx[1 - port], size, runs[i].peer, runs[i].flags);
                if (out != NULL) {
                    memcpy(out, runs[i].data + off, size);
                    out[24] = (uint8_t)(runs[i].data[off + 24] + 1);
                    sl_tx_commit(&s->tx[1 - port], size);
                }
            }
        }
        total += count;
        sl_rx_release(&s->rx[port]);
    }
    sl_tx_flush(&s->tx[0]);
    sl_tx_flush(&s->tx[1]);
    return total;
}

static inline void *fake_shard_main(void *ctx)
{
    struct fake_shard *s = ctx;
    bool is_polling = s->image->node->settings->is_polling;
    uint32_t idle = 0;
    for (;;) {
        uint32_t count = fake_bounce(s);
        idle = count > 0 ? 0 : idle + 1;
        if (!is_polling || idle > FAKE_ROUNDS_IDLE) {
            idle = 0;
            atomic_fetch_add(&s->waits, 1);
            if (!sl_node_wait(s->image->node, s->shard + 1, SL_RT_WAIT_SHARD, s->shard, 0)) {
                return NULL;
            }
        } else if (count == 0) {
            (void)sched_yield();
        }
    }
}

static inline void fake_put(struct fake_image *image, const uint8_t *data, uint32_t size)
{
    while (size > 0) {
        uint32_t written = sl_byte_ring_write(&image->out, data, size);
        data += written;
        size -= written;
        if (size > 0 && !sl_node_wait(image->node, 0, SL_RT_WAIT_CONTROL, 0, 100000000)) {
            return;
        }
    }
}

static inline bool fake_get(struct fake_image *image, uint8_t *data, uint32_t size)
{
    while (size > 0) {
        uint32_t got = sl_byte_ring_read(&image->in, data, size);
        data += got;
        size -= got;
        if (size > 0 && !sl_node_wait(image->node, 0, SL_RT_WAIT_CONTROL, 0, 0)) {
            return false;
        }
    }
    return true;
}

/* Small frames for nobody, written faster than they can be read. */
static inline void fake_flood(struct fake_image *image)
{
    enum { FRAME = 9, COUNT = 512 };
    static uint8_t frames[FRAME * COUNT];
    uint32_t off = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        sl_be32_put(frames + i * FRAME, 0xffffffff);
        sl_be16_put(frames + i * FRAME + 4, SL_FRAME_DATA);
        sl_be16_put(frames + i * FRAME + 6, 1);
    }
    while (!atomic_load(&image->node->is_stopping)) {
        off += sl_byte_ring_write(&image->out, frames + off, sizeof(frames) - off);
        off = off == sizeof(frames) ? 0 : off;
    }
}

static inline void *fake_control_main(void *ctx)
{
    struct fake_image *image = ctx;
    uint8_t frame[8 + SL_CONTROL_FRAME_MAX];
    for (;;) {
        if (atomic_load(&image->is_flooding)) {
            fake_flood(image);
            return NULL;
        }
        while (atomic_load(&image->is_deaf)) {
            if (!sl_node_wait(image->node, 0, SL_RT_WAIT_CONTROL, 0, 10000000)) {
                return NULL;
            }
        }
        if (!fake_get(image, frame, 8)) {
            return NULL;
        }
        uint32_t kind = sl_be16_get(frame + 4);
        uint32_t size = sl_be16_get(frame + 6);
        if (!fake_get(image, frame + 8, size)) {
            return NULL;
        }
        atomic_fetch_add(&image->opened, kind == SL_FRAME_OPEN);
        atomic_fetch_add(&image->closed, kind == SL_FRAME_CLOSE);
        bool is_x = kind == SL_FRAME_DATA && atomic_load(&image->is_closing_on_x) &&
                    memchr(frame + 8, 'x', size) != NULL;
        if (kind != SL_FRAME_OPEN) {
            fake_put(image, frame, 8 + size);
        }
        if (is_x) {
            sl_be16_put(frame + 4, SL_FRAME_CLOSE);
            sl_be16_put(frame + 6, 0);
            fake_put(image, frame, 8);
        }
    }
}

static inline void fake_start(struct fake_image *image, struct sl_node *node, uint8_t *area,
                              const struct sl_area_layout *layout)
{
    const struct sl_area_geometry *g = &node->settings->geometry;
    memset(image, 0, sizeof(*image));
    image->node = node;
    image->area = area;
    image->layout = *layout;
    image->shard_count = g->shard_count;
    sl_byte_ring_init(&image->in, area, &layout->control_in, g->control_size,
                      &image->control_counters);
    sl_byte_ring_init(&image->out, area, &layout->control_out, g->control_size,
                      &image->control_counters);
    for (uint32_t i = 0; i < g->shard_count; i++) {
        struct fake_shard *s = &image->shards[i];
        s->image = image;
        s->shard = i;
        for (uint32_t port = 0; port < 2; port++) {
            const struct sl_area_queue_off *q = &layout->queue[i][port];
            s->run_end[port] = calloc(g->ring_count, sizeof(uint64_t));
            sl_rx_init(&s->rx[port], area, &q->rx, g, &s->counters);
            sl_tx_init(&s->tx[port], area, &q->tx, g, s->run_end[port], &s->counters);
        }
        (void)pthread_create(&s->thread, NULL, fake_shard_main, s);
    }
    (void)pthread_create(&image->control, NULL, fake_control_main, image);
}

/* The node must be stopping. */
static inline void fake_join(struct fake_image *image)
{
    for (uint32_t i = 0; i < image->shard_count; i++) {
        (void)pthread_join(image->shards[i].thread, NULL);
        free(image->shards[i].run_end[0]);
        free(image->shards[i].run_end[1]);
    }
    (void)pthread_join(image->control, NULL);
}

#endif
