/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnel to TUN: checks where it came from, opens in place, joins. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "esp/encap.h"
#include "gateway/edge.h"

enum {
    RUNS_PER_CALL = 4,
    RUN_ROOM = SL_UDP_RUN_MAX + 1,
    OPEN_FRONT = SL_ESP_HEADER_SIZE + SL_ESP_IV_SIZE,
    PASSES_MAX = 4, /* receive calls on one socket before the others get their turn */
    SPI_SIZE = 4,
};

struct rx {
    struct sl_edge *edge;
    uint32_t index;
    uint8_t *buffers;
    struct sl_udp_rx runs[RUNS_PER_CALL];
    struct sl_coalesce join[SL_PORT_COUNT];
    struct rx_out {
        struct rx *rx;
        struct sl_gw_slot *slot;
        int fd;
    } out[SL_PORT_COUNT];
};

static void tun_emit(void *ctx, const struct sl_vnet *vnet, const struct iovec *slices,
                     uint32_t count, uint32_t size)
{
    struct rx_out *out = ctx;
    (void)size;
    if (sl_tun_write(out->fd, vnet, slices, count) != SL_OK && out->slot != NULL) {
        out->slot->rx.drop_tun++;
    }
}

static struct sl_esp_sa *sa_choose(const struct sl_gw_slot *slot, uint32_t spi)
{
    if (slot->in != NULL && sl_esp_sa_spi(slot->in) == spi) {
        return slot->in;
    }
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX && slot->in_previous[i] != NULL; i++) {
        if (sl_esp_sa_spi(slot->in_previous[i]) == spi) {
            return slot->in_previous[i];
        }
    }
    return NULL;
}

static void refusal_count(struct sl_gw_slot *slot, sl_rc rc)
{
    switch (rc) {
    case SL_REPLAY:
        slot->rx.drop_replay++;
        break;
    case SL_AUTH:
        slot->rx.drop_auth++;
        break;
    case SL_AGAIN:
        slot->rx.drop_dummy++;
        break;
    default:
        slot->rx.drop_inner++;
        break;
    }
}

static void probe_take(struct rx *rx, struct sl_gw_slot *slot, const uint8_t *payload,
                       uint32_t size)
{
    struct sl_probe probe;
    if (sl_probe_read(payload, size, &probe) == SL_OK && probe.kind == SL_PROBE_REPLY &&
        probe.size == size) {
        slot->rx.probe_replies++;
        rx->edge->on_probe(rx->edge->on_probe_ctx, slot, &probe);
    } else {
        slot->rx.drop_dummy++;
    }
}

/* One datagram of `slot`, whose rx_lock is held. */
static void datagram_open(struct rx *rx, struct sl_gw_slot *slot, uint8_t *data, uint32_t size,
                          uint8_t tos)
{
    struct sl_esp_inner inner;
    if (size < SPI_SIZE || sl_udp_payload_classify(data, size) != SL_UDP_PAYLOAD_ESP) {
        slot->rx.drop_spi++;
        return;
    }
    struct sl_esp_sa *sa = sa_choose(slot, sl_be32_get(data));
    if (sa == NULL) {
        slot->rx.drop_spi++;
        return;
    }
    sl_rc rc = sl_esp_open(sa, data, size, data + OPEN_FRONT, size, &inner);
    if (rc != SL_OK) {
        refusal_count(slot, rc);
        return;
    }
    uint8_t *packet = data + OPEN_FRONT + inner.off;
    if (inner.next_header == SL_ESP_NEXT_NONE) {
        probe_take(rx, slot, packet, inner.size);
        return;
    }
    if ((tos & 3) != 0 && sl_tunnel_ecn_in(tos & 3, packet, inner.size) != SL_OK) {
        slot->rx.drop_ecn++;
        return;
    }
    slot->rx.opened++;
    slot->rx.opened_bytes += inner.size;
    rx->out[slot->port].slot = slot;
    sl_coalesce_add(&rx->join[slot->port], packet, inner.size);
}

/* Native framing: one socket for all slots, told apart by the SPI's lowest byte. */
static struct sl_gw_slot *slot_of(struct rx *rx, struct sl_gw_slot *slot, const uint8_t *data,
                                  uint32_t size)
{
    struct sl_tunnel *tunnel = rx->edge->tunnel;
    if (tunnel->framing != SL_ESP_FRAMING_NATIVE || size < SPI_SIZE) {
        return slot;
    }
    uint32_t queue = data[SPI_SIZE - 1];
    return queue < tunnel->shard_count * SL_PORT_COUNT ? &tunnel->slots[queue / 2][queue % 2]
                                                       : slot;
}

static void run_open(struct rx *rx, struct sl_gw_slot *socket_slot, struct sl_udp_rx *run)
{
    if (run->size == 0) {
        return;
    }
    struct sl_gw_slot *slot = slot_of(rx, socket_slot, run->data, run->size);
    (void)pthread_mutex_lock(&slot->rx_lock);
    if (!sl_net_addr_equal(&run->from, &rx->edge->tunnel->peer)) {
        slot->rx.drop_source += (run->size + run->segment_size - 1) / run->segment_size;
    } else {
        for (uint32_t off = 0; off < run->size; off += run->segment_size) {
            uint32_t left = run->size - off;
            uint32_t size = left < run->segment_size ? left : run->segment_size;
            datagram_open(rx, slot, run->data + off, size, run->tos);
        }
    }
    (void)pthread_mutex_unlock(&slot->rx_lock);
}

/* For status, which reads on another thread. */
static void joined_tell(struct rx *rx, int port)
{
    struct sl_coalesce_counters *out = &rx->edge->joined[rx->index][port];
#define TELL(name, text)                                                                           \
    __atomic_store_n(&out->name, rx->join[port].counters.name, __ATOMIC_RELAXED);
    SL_COALESCE_COUNTER_TABLE(TELL)
#undef TELL
}

static void socket_drain(struct rx *rx, struct sl_gw_slot *slot)
{
    for (int pass = 0; pass < PASSES_MAX; pass++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < RUNS_PER_CALL; i++) {
            rx->runs[i] =
                (struct sl_udp_rx){.data = rx->buffers + i * RUN_ROOM, .room = SL_UDP_RUN_MAX};
        }
        if (sl_udp_recv(slot->udp, rx->runs, RUNS_PER_CALL, &count) != SL_OK) {
            return;
        }
        for (uint32_t i = 0; i < count; i++) {
            run_open(rx, slot, &rx->runs[i]);
        }
        for (int port = 0; port < SL_PORT_COUNT; port++) {
            sl_coalesce_flush(&rx->join[port]);
            joined_tell(rx, port);
        }
        if (count < RUNS_PER_CALL) {
            return;
        }
    }
}

static bool rx_init(struct rx *rx, const struct sl_edge_thread *thread)
{
    *rx = (struct rx){.edge = thread->edge, .index = thread->index};
    rx->buffers = aligned_alloc(64, RUNS_PER_CALL * RUN_ROOM);
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        const struct sl_tun *tun = &rx->edge->tun[port];
        rx->out[port] = (struct rx_out){rx, NULL, tun->fds[rx->index % tun->queue_count]};
        sl_coalesce_init(&rx->join[port], tun->has_tso, tun->has_uso, tun_emit, &rx->out[port]);
    }
    return rx->buffers != NULL;
}

/* This thread's sockets: those of every shard with shard % rx_count == index. */
static uint32_t sockets_list(const struct rx *rx, struct pollfd *fds, struct sl_gw_slot **slots)
{
    struct sl_tunnel *tunnel = rx->edge->tunnel;
    uint32_t count = 0;
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
        bool is_mine = tunnel->framing == SL_ESP_FRAMING_NATIVE
                           ? i == 0
                           : slot->shard % rx->edge->rx_count == rx->index;
        if (is_mine) {
            slots[count] = slot;
            fds[count++] = (struct pollfd){.fd = sl_udp_fd(slot->udp), .events = POLLIN};
        }
    }
    return count;
}

void *sl_edge_rx_run(void *thread)
{
    struct sl_edge *edge = ((struct sl_edge_thread *)thread)->edge;
    struct rx *rx = malloc(sizeof(*rx));
    struct pollfd fds[SL_GW_SHARDS_MAX * SL_PORT_COUNT + 1];
    struct sl_gw_slot *slots[SL_GW_SHARDS_MAX * SL_PORT_COUNT];
    bool is_alive = rx != NULL && rx_init(rx, thread);
    free(thread);
    uint32_t count = is_alive ? sockets_list(rx, fds, slots) : 0;
    fds[count] = (struct pollfd){.fd = edge->stop_fd, .events = POLLIN};
    while (is_alive) {
        if (poll(fds, count + 1, -1) < 0) {
            continue;
        }
        if (fds[count].revents != 0) {
            break;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (fds[i].revents != 0) {
                socket_drain(rx, slots[i]);
            }
        }
    }
    if (!is_alive) {
        atomic_store(&edge->is_broken, true);
    }
    if (rx != NULL) {
        free(rx->buffers);
    }
    free(rx);
    return NULL;
}
