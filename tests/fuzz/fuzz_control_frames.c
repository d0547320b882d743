/* SPDX-License-Identifier: Apache-2.0 */
/* The control server under a hostile host: ring bytes, time and the ring's indices are the input's.
 *
 * Input: a sequence of steps. u8 kind: 0-1 write (u8 size, bytes), 2 poll, 3 pass time (u8 tenths
 * of a second), 4 overwrite a shared index (u8 which, u32 value), 5 drain the outgoing ring, 6 one
 * frame (u8 connection, u8 kind, u8 size, bytes). */
#include <stdlib.h>
#include <string.h>

#include "image/control_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_area_geometry geometry = {.shard_count = 1,
                                           .ring_count = 64,
                                           .data_size = 65536,
                                           .control_size = 16384,
                                           .log_size = 4096};
static struct sl_area_layout layout;
static uint8_t *area;
static struct sl_worker *worker;
static struct sl_identity *identity;
static struct sl_boundary_counters boundary;

static void once(void)
{
    if (area != NULL) {
        return;
    }
    if (sl_area_layout(&geometry, &layout) != SL_OK) {
        abort();
    }
    area = aligned_alloc(SL_AREA_ALIGN, layout.size);
    worker = aligned_alloc(_Alignof(struct sl_worker), sizeof(*worker));
    if (area == NULL || worker == NULL ||
        sl_worker_init(worker, 0, area, &geometry, &layout) != SL_OK ||
        sl_identity_generate("fuzz", &identity) != SL_OK) {
        abort();
    }
}

static void write_frame(struct sl_byte_ring *host, struct sl_reader *r)
{
    uint8_t header[SL_FRAME_HEADER_SIZE] = {0};
    header[3] = sl_reader_u8(r);
    header[5] = sl_reader_u8(r);
    header[7] = sl_reader_u8(r);
    const uint8_t *bytes = sl_reader_bytes(r, header[7]);
    if (bytes != NULL) {
        (void)sl_byte_ring_write(host, header, sizeof(header));
        (void)sl_byte_ring_write(host, bytes, header[7]);
    }
}

static void overwrite_index(struct sl_reader *r)
{
    uint8_t which = sl_reader_u8(r);
    uint64_t off = which & 1u ? layout.control_in.index : layout.control_out.index;
    struct sl_area_index *index = (struct sl_area_index *)(void *)(area + off);
    uint32_t value = sl_reader_be32(r);
    if (which & 2u) {
        index->producer = value;
    } else {
        index->consumer = value;
    }
}

static void drain(struct sl_byte_ring *host)
{
    static uint8_t sink[16384];
    while (sl_byte_ring_read(host, sink, sizeof(sink)) > 0) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_control_server server;
    struct sl_provision provision;
    struct sl_byte_ring to_image;
    struct sl_byte_ring from_image;
    struct sl_reader r;
    uint64_t now_ns = 1;
    once();
    memset(area, 0, layout.size);
    static struct sl_life life;
    struct sl_control_params params = {.identity = identity,
                                       .certify = identity,
                                       .provision = &provision,
                                       .life = &life,
                                       .boundary = &boundary,
                                       .device = "fuzz"};
    sl_byte_ring_init(&params.in, area, &layout.control_in, geometry.control_size, &boundary);
    sl_byte_ring_init(&params.out, area, &layout.control_out, geometry.control_size, &boundary);
    sl_byte_ring_init(&to_image, area, &layout.control_in, geometry.control_size, NULL);
    sl_byte_ring_init(&from_image, area, &layout.control_out, geometry.control_size, NULL);
    if (sl_provision_init(&provision, worker, 1) != SL_OK ||
        sl_life_init(&life, NULL, 0, SL_SEAL_MRENCLAVE, &provision, now_ns) != SL_OK) {
        abort();
    }
    sl_control_server_init(&server, &params, now_ns);
    sl_reader_init(&r, data, size);
    while (r.rc == SL_OK && sl_reader_left(&r) > 0) {
        uint8_t count;
        const uint8_t *bytes;
        switch (sl_reader_u8(&r) % 7) {
        case 0:
        case 1:
            count = sl_reader_u8(&r);
            bytes = sl_reader_bytes(&r, count);
            if (bytes != NULL) {
                (void)sl_byte_ring_write(&to_image, bytes, count);
            }
            break;
        case 2:
            (void)sl_control_server_poll(&server, now_ns);
            break;
        case 3:
            now_ns += sl_reader_u8(&r) * 100000000ull;
            break;
        case 4:
            overwrite_index(&r);
            break;
        case 5:
            drain(&from_image);
            break;
        default:
            write_frame(&to_image, &r);
            break;
        }
    }
    (void)sl_control_server_poll(&server, now_ns);
    /* Nobody here holds the tenant's key. */
    if (server.counters.authenticated != 0 || server.counters.requests != 0) {
        abort();
    }
    sl_control_server_done(&server);
    if (server.budget.left != SL_CONTROL_BUDGET) {
        abort();
    }
    sl_provision_done(&provision);
    return 0;
}
