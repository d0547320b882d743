/* SPDX-License-Identifier: Apache-2.0 */
/* Packet backend without a network: the caller's functions make and take the runs. */
#include <stdlib.h>

#include "host/io.h"

struct io_memory {
    struct sl_io io;
    bool (*source)(void *ctx, struct sl_io_rx *buf);
    void (*sink)(void *ctx, const struct sl_run *run);
    void *ctx;
};

static uint32_t memory_receive(struct sl_io *io, struct sl_io_rx *bufs, uint32_t count)
{
    struct io_memory *memory = (struct io_memory *)io;
    uint32_t filled = 0;
    while (filled < count && memory->source(memory->ctx, &bufs[filled])) {
        filled++;
    }
    return filled;
}

static void memory_send(struct sl_io *io, const struct sl_run *runs, uint32_t count,
                        struct sl_host_counters *counters)
{
    struct io_memory *memory = (struct io_memory *)io;
    (void)counters;
    for (uint32_t i = 0; i < count && memory->sink != NULL; i++) {
        memory->sink(memory->ctx, &runs[i]);
    }
}

static void memory_close(struct sl_io *io)
{
    free(io);
}

sl_rc sl_io_memory_open(bool (*source)(void *ctx, struct sl_io_rx *buf),
                        void (*sink)(void *ctx, const struct sl_run *run), void *ctx, uint32_t room,
                        struct sl_io **ret_io)
{
    static const struct sl_io_ops ops = {
        .name = "memory", .receive = memory_receive, .send = memory_send, .close = memory_close};
    struct io_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        return SL_NO_MEMORY;
    }
    *memory = (struct io_memory){
        .io = {.ops = &ops, .fd = -1, .room = room}, .source = source, .sink = sink, .ctx = ctx};
    *ret_io = &memory->io;
    return SL_OK;
}
