/* SPDX-License-Identifier: Apache-2.0 */
/* A host that breaks every rule it can reach, driven by bytes: shared by the unit test and the fuzz
 * target. The image's ends bounce datagrams and echo control bytes meanwhile; the area lies between
 * unreadable pages, and a violation of any invariant aborts. */
#ifndef SL_TESTS_BOUNDARY_HOSTILE_H
#define SL_TESTS_BOUNDARY_HOSTILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>

#include "fixture.h"

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if (!(expr)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #expr);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { HOSTILE_DATAGRAM_MAX = 9300, HOSTILE_SECRET_SIZE = 32 };

struct hostile {
    struct fixture f;
    /* the image */
    struct sl_rx rx[2];
    struct sl_tx tx[2];
    uint64_t run_end[2][64];
    struct sl_byte_ring control_in, control_out, log;
    uint8_t secret[HOSTILE_SECRET_SIZE]; /* stands for keys and plain text */
    uint8_t packet[HOSTILE_DATAGRAM_MAX];
    /* the host, where it keeps the rules */
    struct sl_host_ring in[2], out[2];
    struct sl_byte_ring host_control_in, host_control_out, host_log;
    /* what takes the place of the bouncing image and of the host's honest acts */
    void (*step)(struct hostile *h, uint32_t how);
    void (*put)(struct hostile *h);
    void (*drain)(struct hostile *h);
    /* its program */
    const uint8_t *code;
    size_t size;
    size_t off;
};

static inline uint32_t hostile_arg(struct hostile *h, uint32_t bytes)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        value = value << 8 | (h->off < h->size ? h->code[h->off++] : 0);
    }
    return value;
}

static inline void hostile_init(struct hostile *h)
{
    const struct sl_area_geometry g = FIXTURE_GEOMETRY;
    memset(h, 0, sizeof(*h));
    fixture_init(&h->f, &g);
    /* Another one for each program: a fuzzer learns constants that are compared with its input. */
    MUST(getrandom(h->secret, sizeof(h->secret), 0) == (ssize_t)sizeof(h->secret));
    for (uint32_t port = 0; port < 2; port++) {
        const struct sl_area_queue_off *q = &h->f.layout.queue[0][port];
        sl_rx_init(&h->rx[port], h->f.area, &q->rx, &g, &h->f.counters);
        sl_tx_init(&h->tx[port], h->f.area, &q->tx, &g, h->run_end[port], &h->f.counters);
        MUST(sl_host_ring_init(&h->in[port], h->f.area, &q->rx, &g) == SL_OK);
        MUST(sl_host_ring_init(&h->out[port], h->f.area, &q->tx, &g) == SL_OK);
    }
    const struct sl_area_layout *l = &h->f.layout;
    sl_byte_ring_init(&h->control_in, h->f.area, &l->control_in, g.control_size, &h->f.counters);
    sl_byte_ring_init(&h->control_out, h->f.area, &l->control_out, g.control_size, &h->f.counters);
    sl_byte_ring_init(&h->log, h->f.area, &l->log, g.log_size, &h->f.counters);
    sl_byte_ring_init(&h->host_control_in, h->f.area, &l->control_in, g.control_size, NULL);
    sl_byte_ring_init(&h->host_control_out, h->f.area, &l->control_out, g.control_size, NULL);
    sl_byte_ring_init(&h->host_log, h->f.area, &l->log, g.log_size, NULL);
}

static inline void hostile_done(struct hostile *h)
{
    for (uint32_t port = 0; port < 2; port++) {
        sl_host_ring_done(&h->in[port]);
        sl_host_ring_done(&h->out[port]);
    }
    fixture_done(&h->f);
}

/* ---- the image, which checks itself ---- */

static inline void hostile_check_run(struct hostile *h, uint32_t port, const struct sl_run *run)
{
    const uint8_t *region = h->f.area + h->f.layout.queue[0][port].rx.data;
    MUST(run->data >= region && run->data <= region + h->f.geometry.data_size);
    MUST(run->size >= 1 && run->size <= SL_RUN_SIZE_MAX);
    MUST(run->size <= (size_t)(region + h->f.geometry.data_size - run->data));
    MUST(run->segment_size >= 1 && run->segment_size <= run->size);
    MUST((run->size + run->segment_size - 1) / run->segment_size <= SL_RUN_SEGMENTS_MAX);
    MUST((run->flags & ~(uint32_t)SL_DESC_FLAGS_MASK) == 0);
}

static inline void hostile_check_ends(struct hostile *h)
{
    for (uint32_t port = 0; port < 2; port++) {
        const struct sl_rx *rx = &h->rx[port];
        const struct sl_tx *tx = &h->tx[port];
        MUST(rx->consumer - rx->released <= h->f.geometry.ring_count);
        MUST(tx->producer - tx->released <= h->f.geometry.ring_count);
        MUST(tx->published - tx->released <= tx->producer - tx->released);
        MUST(tx->write_off - tx->free_off <= h->f.geometry.data_size ||
             tx->free_off - tx->write_off <= h->f.geometry.data_size);
    }
}

/* Bounces one datagram as the worker would: read once, kept private, written out masked. */
static inline void hostile_bounce(struct hostile *h, uint32_t port, const struct sl_run *run,
                                  uint32_t off, uint32_t size)
{
    const uint8_t *region = h->f.area + h->f.layout.queue[0][1 - port].tx.data;
    if (size > HOSTILE_DATAGRAM_MAX) {
        return;
    }
    memcpy(h->packet, run->data + off, size);
    uint8_t *out = sl_tx_reserve(&h->tx[1 - port], size, run->peer, run->flags);
    if (out == NULL) {
        return;
    }
    MUST(out >= region && size <= h->f.geometry.data_size &&
         out <= region + h->f.geometry.data_size - size);
    for (uint32_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(h->packet[i] ^ (h->secret[i % HOSTILE_SECRET_SIZE] * 167 + i));
    }
    sl_tx_commit(&h->tx[1 - port], size);
}

static inline void hostile_image_step(struct hostile *h, uint32_t how)
{
    struct sl_run runs[16];
    uint8_t bytes[512];
    for (uint32_t port = 0; port < 2; port++) {
        uint32_t count = sl_rx_take(&h->rx[port], runs, 1 + how % 16);
        MUST(count <= 1 + how % 16);
        for (uint32_t i = 0; i < count; i++) {
            hostile_check_run(h, port, &runs[i]);
            for (uint32_t off = 0; off < runs[i].size; off += runs[i].segment_size) {
                uint32_t left = runs[i].size - off;
                hostile_bounce(h, port, &runs[i], off,
                               left < runs[i].segment_size ? left : runs[i].segment_size);
            }
        }
        if ((how & 0x10) == 0) {
            sl_rx_release(&h->rx[port]);
        }
        if ((how & 0x20) == 0) {
            sl_tx_flush(&h->tx[port]);
        }
    }
    uint32_t size = sl_byte_ring_read(&h->control_in, bytes, sizeof(bytes));
    MUST(size <= sizeof(bytes));
    MUST(sl_byte_ring_write(&h->control_out, bytes, size) <= size);
    MUST(sl_byte_ring_write(&h->log, "line\n", 5) <= 5);
    hostile_check_ends(h);
}

/* ---- the host ---- */

static inline void hostile_poke(void *at, uint32_t value)
{
    __atomic_store_n((uint32_t *)at, value, __ATOMIC_RELAXED);
}

/* One of the fourteen index words. */
static inline uint32_t *hostile_index_word(struct hostile *h, uint32_t which)
{
    const struct sl_area_layout *l = &h->f.layout;
    const struct sl_area_ring_off *rings[] = {&l->queue[0][0].rx,
                                              &l->queue[0][0].tx,
                                              &l->queue[0][1].rx,
                                              &l->queue[0][1].tx,
                                              &l->control_in,
                                              &l->control_out,
                                              &l->log};
    struct sl_area_index *index = index_at(&h->f, rings[(which >> 1) % 7]);
    return (which & 1) != 0 ? &index->producer : &index->consumer;
}

static inline void hostile_index(struct hostile *h)
{
    uint32_t *word = hostile_index_word(h, hostile_arg(h, 1));
    uint32_t how = hostile_arg(h, 1);
    uint32_t now = __atomic_load_n(word, __ATOMIC_RELAXED);
    uint32_t step = hostile_arg(h, 1);
    switch (how % 6) {
    case 0:
        hostile_poke(word, now + step);
        break;
    case 1:
        hostile_poke(word, now - step);
        break;
    case 2:
        hostile_poke(word, hostile_arg(h, 4));
        break;
    case 3:
        hostile_poke(word, now + h->f.geometry.ring_count + step % 3 - 1);
        break;
    case 4:
        hostile_poke(word, now ^ 0x80000000u);
        break;
    default:
        hostile_poke(word, 0);
        break;
    }
}

static inline void hostile_descriptor(struct hostile *h)
{
    uint32_t which = hostile_arg(h, 1);
    const struct sl_area_queue_off *q = &h->f.layout.queue[0][which & 1];
    struct sl_area_desc *slots = slots_at(&h->f, (which & 2) != 0 ? &q->tx : &q->rx);
    struct sl_area_desc *slot = &slots[hostile_arg(h, 1) % h->f.geometry.ring_count];
    uint32_t field = hostile_arg(h, 1) % 6;
    uint32_t value = hostile_arg(h, 4);
    uint32_t *words = (uint32_t *)(void *)slot;
    if (field < 4) {
        hostile_poke(&words[field], value);
    } else if (field == 4) { /* nearly sound: at the region's end */
        hostile_poke(&words[0], h->f.geometry.data_size - (value & 0xff));
        hostile_poke(&words[1], value >> 8 & 0x1ff);
    } else { /* another slot's: reordered, replayed */
        *slot = slots[value % h->f.geometry.ring_count];
    }
}

static inline void hostile_put(struct hostile *h)
{
    uint32_t port = hostile_arg(h, 1) & 1;
    uint32_t size = hostile_arg(h, 2);
    uint32_t segment = hostile_arg(h, 2);
    uint8_t *place = sl_host_rx_reserve(&h->in[port], size);
    if (place != NULL) {
        memset(place, (int)(size & 0xff), size);
        (void)sl_host_rx_commit(&h->in[port], size, segment == 0 ? size : segment, 1, segment);
    }
}

static inline void hostile_drain(struct hostile *h)
{
    struct sl_run runs[16];
    uint8_t bytes[256];
    uint32_t port = hostile_arg(h, 1) & 1;
    uint32_t count = sl_host_tx_peek(&h->out[port], runs, 16);
    const uint8_t *region = h->f.area + h->f.layout.queue[0][port].tx.data;
    for (uint32_t i = 0; i < count; i++) {
        MUST(runs[i].size == 0 ||
             (runs[i].data >= region &&
              runs[i].size <= (size_t)(region + h->f.geometry.data_size - runs[i].data)));
    }
    sl_host_tx_release(&h->out[port], count);
    MUST(sl_byte_ring_read(&h->host_control_out, bytes, sizeof(bytes)) <= sizeof(bytes));
    MUST(sl_byte_ring_read(&h->host_log, bytes, sizeof(bytes)) <= sizeof(bytes));
}

static inline void hostile_bytes(struct hostile *h)
{
    uint64_t off = hostile_arg(h, 4) % h->f.layout.size;
    uint32_t count = hostile_arg(h, 1);
    for (uint32_t i = 0; i < count && off + i < h->f.layout.size; i++) {
        h->f.area[off + i] = (uint8_t)hostile_arg(h, 1);
    }
}

/* Runs a program to its end. */
static inline void hostile_interpret(struct hostile *h, const uint8_t *code, size_t size)
{
    h->code = code;
    h->size = size;
    h->off = 0;
    while (h->off < h->size) {
        uint8_t byte;
        switch (hostile_arg(h, 1) % 9) {
        case 0:
        case 1:
            h->put(h);
            break;
        case 2:
        case 3:
            h->step(h, hostile_arg(h, 1));
            break;
        case 4:
            h->drain(h);
            break;
        case 5:
            hostile_index(h);
            break;
        case 6:
            hostile_descriptor(h);
            break;
        case 7:
            hostile_bytes(h);
            break;
        default:
            byte = (uint8_t)hostile_arg(h, 1);
            (void)sl_byte_ring_write(&h->host_control_in, &byte, 1);
            break;
        }
    }
    h->step(h, 0);
    h->drain(h);
}

/* The same with the bouncing image. */
static inline void hostile_run(struct hostile *h, const uint8_t *code, size_t size)
{
    h->step = hostile_image_step;
    h->put = hostile_put;
    h->drain = hostile_drain;
    hostile_interpret(h, code, size);
    MUST(memmem(h->f.area, h->f.layout.size, h->secret, HOSTILE_SECRET_SIZE / 2) == NULL);
}

#endif
