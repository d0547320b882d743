/* SPDX-License-Identifier: Apache-2.0 */
/* Packet backend over net/udp: one socket per shard on one address, senders as tags. */
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "host/io.h"
#include "host/peer.h"

enum {
    ROOM_SINGLE = 10240, /**< without GRO: a jumbo frame's datagram */
};

struct io_udp {
    struct sl_io io;
    struct sl_udp *udp;
    struct sl_peers peers;
};

static uint32_t udp_receive(struct sl_io *io, struct sl_io_rx *bufs, uint32_t count)
{
    struct io_udp *self = (struct io_udp *)io;
    struct sl_udp_rx rx[SL_IO_BURST_MAX];
    uint32_t filled = 0;
    count = count > SL_IO_BURST_MAX ? SL_IO_BURST_MAX : count;
    for (uint32_t i = 0; i < count; i++) {
        rx[i].data = bufs[i].data;
        rx[i].room = bufs[i].room;
    }
    if (sl_udp_recv(self->udp, rx, count, &filled) != SL_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < filled; i++) {
        bufs[i].size = rx[i].size;
        bufs[i].segment_size = rx[i].segment_size;
        bufs[i].tos = rx[i].tos;
        bufs[i].peer = rx[i].size != 0 ? sl_peers_tag(&self->peers, &rx[i].from) : 0;
    }
    return filled;
}

static void udp_send(struct sl_io *io, const struct sl_run *runs, uint32_t count,
                     struct sl_host_counters *counters)
{
    struct io_udp *self = (struct io_udp *)io;
    struct sl_udp_tx tx[SL_IO_BURST_MAX];
    uint32_t filled = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct sl_net_addr *to = sl_peers_answer(&self->peers, runs[i].peer);
        if (to == NULL) {
            counters->tx_no_peer++;
            continue;
        }
        tx[filled++] = (struct sl_udp_tx){
            .data = runs[i].data,
            .size = runs[i].size,
            .segment_size = runs[i].segment_size,
            .tos = (uint8_t)(runs[i].flags & (SL_DESC_DSCP_MASK | SL_DESC_ECN_MASK)),
            .is_fragmentable = (runs[i].flags & SL_DESC_MAY_FRAGMENT) != 0,
            .is_single = (runs[i].flags & SL_DESC_SINGLE) != 0,
            .to = *to,
        };
        if (filled == SL_IO_BURST_MAX) {
            (void)sl_udp_send(self->udp, tx, filled); /* losses are in its counters */
            filled = 0;
        }
    }
    (void)sl_udp_send(self->udp, tx, filled);
}

static void udp_close(struct sl_io *io)
{
    struct io_udp *self = (struct io_udp *)io;
    sl_udp_close(self->udp);
    free(self);
}

static const struct sl_io_ops udp_ops = {
    .name = "udp", .receive = udp_receive, .send = udp_send, .close = udp_close};

const struct sl_udp *sl_io_udp_socket(const struct sl_io *io)
{
    return io->ops == &udp_ops ? ((const struct io_udp *)(const void *)io)->udp : NULL;
}

/* Classic BPF over the UDP payload: shard = low byte of the SPI (offset 3) / 2. Sockets count in
 * the order in which they were bound. Where the number is no socket's, the kernel spreads by hash,
 * and the demultiplexer drops. */
static sl_rc steer(int fd, struct sl_err *err)
{
    struct sock_filter code[] = {
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, 3},
        {BPF_ALU | BPF_RSH | BPF_K, 0, 0, 1},
        {BPF_RET | BPF_A, 0, 0, 0},
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) != 0) {
        return sl_err_set(err, SL_IO, "cannot steer packets to shards: %s", strerror(errno));
    }
    return SL_OK;
}

static sl_rc open_one(const struct sl_udp_params *params, struct sl_io **ret_io, struct sl_err *err)
{
    struct io_udp *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return sl_err_set(err, SL_NO_MEMORY, "no memory for a peer table");
    }
    sl_rc rc = sl_udp_open(params, &self->udp, err);
    if (rc != SL_OK) {
        free(self);
        return rc;
    }
    sl_peers_init(&self->peers);
    self->io = (struct sl_io){.ops = &udp_ops,
                              .fd = sl_udp_fd(self->udp),
                              .room = params->is_gro ? SL_UDP_RUN_MAX : ROOM_SINGLE};
    *ret_io = &self->io;
    return SL_OK;
}

sl_rc sl_io_udp_open(const struct sl_net_addr *local, bool is_native, bool is_offload,
                     uint32_t shard_count, struct sl_io **ret_ios, struct sl_err *err)
{
    struct sl_udp_params params = {
        .local = *local,
        .is_native = is_native,
        .is_reuse_port = shard_count > 1,
        .is_gso = is_offload && !is_native,
        .is_gro = is_offload && !is_native,
    };
    uint32_t opened = 0;
    sl_rc rc = SL_OK;
    if (is_native && shard_count > 1) {
        return sl_err_set(err, SL_INVALID, "framing native: expected one shard");
    }
    while (rc == SL_OK && opened < shard_count) {
        rc = open_one(&params, &ret_ios[opened], err);
        if (rc == SL_OK) {
            params.local.port = sl_udp_local(sl_io_udp_socket(ret_ios[opened]))->port;
            opened++;
        }
    }
    if (rc == SL_OK && shard_count > 1) {
        rc = steer(ret_ios[0]->fd, err);
    }
    for (uint32_t i = 0; rc != SL_OK && i < opened; i++) {
        udp_close(ret_ios[i]);
    }
    return rc;
}
