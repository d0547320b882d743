/* SPDX-License-Identifier: Apache-2.0 */
/* TUN to tunnel: cuts, chooses the slot, seals in place, packs runs. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "esp/encap.h"
#include "gateway/edge.h"
#include "net/rewrite.h"

enum {
    READS_PER_PASS = 32, /* TUN packets taken before runs go out */
    PACKER_SIZE = 160 << 10,
    PACKER_RUNS = 64,
    RUN_DATAGRAMS = SL_UDP_SEGMENTS_MAX,
    SEAL_FRONT = SL_ESP_HEADER_SIZE + SL_ESP_IV_SIZE,
    TOO_BIG_PER_SECOND = 200,
    LINE = 64,
};

/* Sealed datagrams of one slot on their way to the socket. */
struct packer {
    uint8_t *data;
    uint32_t used;
    uint32_t run_count;
    uint32_t datagrams; /* in the last run */
    bool is_short;      /* the last run ended with a short datagram */
    struct sl_udp_tx runs[PACKER_RUNS];
};

struct tx {
    struct sl_edge *edge;
    uint32_t index;
    uint32_t mtu;
    uint32_t df_max;
    struct packer *packers; /* [shard * 2 + port] */
    uint8_t *tun_buffer;
    uint8_t *scratch; /* one packet on the slow path */
    uint8_t *piece;   /* one fragment, or an ICMP message */
    uint64_t too_big_second;
    uint32_t too_big_count;
};

static void packer_flush(struct sl_gw_slot *slot, struct packer *packer)
{
    if (packer->run_count > 0) {
        (void)sl_udp_send(slot->udp, packer->runs, packer->run_count);
    }
    packer->run_count = 0;
    packer->used = 0;
    packer->datagrams = 0;
}

/* Room to write a plain packet of up to `size` bytes, where sl_esp_seal can seal it in place. */
static uint8_t *packer_room(struct sl_gw_slot *slot, struct packer *packer, uint32_t size)
{
    if (packer->used + size + 2 * SL_ESP_OVERHEAD_MAX > PACKER_SIZE ||
        packer->run_count == PACKER_RUNS) {
        packer_flush(slot, packer);
    }
    return packer->data + packer->used + SEAL_FRONT;
}

static void packer_commit(struct packer *packer, const struct sl_net_addr *to, uint32_t size,
                          uint8_t tos, bool is_fragmentable)
{
    struct sl_udp_tx *run = packer->run_count > 0 ? &packer->runs[packer->run_count - 1] : NULL;
    bool is_joined = run != NULL && !packer->is_short && packer->datagrams < RUN_DATAGRAMS &&
                     run->tos == tos && run->is_fragmentable == is_fragmentable &&
                     size <= run->segment_size && run->size + size <= SL_UDP_RUN_SEND_MAX;
    if (is_joined) {
        packer->is_short = size < run->segment_size;
        packer->datagrams++;
        run->size += size;
    } else {
        packer->runs[packer->run_count++] = (struct sl_udp_tx){
            .data = packer->data + packer->used,
            .size = size,
            .segment_size = size,
            .tos = tos,
            .is_fragmentable = is_fragmentable,
            .to = *to,
        };
        packer->is_short = false;
        packer->datagrams = 1;
    }
    packer->used += size;
}

/* Seals the plain packet that lies at packer_room(); the slot's tx_lock is held. */
static void seal_one(struct tx *tx, struct sl_gw_slot *slot, struct packer *packer, uint32_t size,
                     bool is_fragmentable)
{
    uint8_t *plain = packer->data + packer->used + SEAL_FRONT;
    /* tx_init allocated it, or the thread did not start */
    bool is_v4 = plain[0] >> 4 == 4; /* NOLINT(clang-analyzer-*) */
    uint8_t tos = sl_tunnel_tos_out(sl_tunnel_inner_tos(plain), tx->edge->tunnel->is_dscp_copied);
    uint32_t sealed = 0;
    sl_rc rc = sl_esp_seal(slot->out, plain, size, is_v4 ? SL_ESP_NEXT_IPV4 : SL_ESP_NEXT_IPV6, 0,
                           packer->data + packer->used, PACKER_SIZE - packer->used, &sealed);
    if (rc != SL_OK) {
        slot->tx.drop_seal++;
        return;
    }
    packer_commit(packer, &tx->edge->tunnel->peer, sealed, tos,
                  is_fragmentable || size > tx->df_max);
    slot->tx.sealed++;
    slot->tx.sealed_bytes += size;
}

static void too_big_answer(struct tx *tx, struct sl_gw_slot *slot, const uint8_t *packet,
                           const struct sl_ip *ip)
{
    uint64_t second = sl_gw_now_ns() / 1000000000u;
    uint32_t mtu = tx->mtu;
    uint32_t size = 0;
    tx->too_big_count = second == tx->too_big_second ? tx->too_big_count + 1 : 1;
    tx->too_big_second = second;
    if (ip->version == 6 && mtu < SL_IP6_MTU_MIN) {
        mtu = SL_IP6_MTU_MIN;
    }
    if (tx->too_big_count > TOO_BIG_PER_SECOND ||
        sl_too_big_write(packet, ip, mtu, tx->piece, &size) != SL_OK) {
        slot->tx.drop_too_big++;
        return;
    }
    const struct sl_vnet vnet = {0};
    const struct iovec slice = {tx->piece, size};
    int fd = tx->edge->tun[slot->port].fds[tx->index];
    if (sl_tun_write(fd, &vnet, &slice, 1) == SL_OK) {
        slot->tx.too_big++;
    } else {
        slot->tx.drop_too_big++;
    }
}

/* A packet larger than the tunnel's MTU, in tx->scratch. */
static void oversize_send(struct tx *tx, struct sl_gw_slot *slot, struct packer *packer,
                          uint32_t size)
{
    struct sl_ip ip;
    uint32_t off = 0;
    uint32_t piece = 0;
    if (sl_ip_parse(tx->scratch, size, &ip) != SL_OK) {
        slot->tx.drop_malformed++;
        return;
    }
    if (ip.version == 6 && size <= SL_IP6_MTU_MIN) {
        /* RFC 8200 5: 1280 must pass; the path is narrower, so the outer packet may be cut */
        memcpy(packer_room(slot, packer, size), tx->scratch, size);
        seal_one(tx, slot, packer, size, true);
        slot->tx.fragmentable++;
        return;
    }
    if (ip.is_df) {
        too_big_answer(tx, slot, tx->scratch, &ip);
        return;
    }
    while (sl_ip4_fragment_next(tx->scratch, &ip, tx->mtu, &off, tx->piece, &piece) == SL_OK) {
        memcpy(packer_room(slot, packer, piece), tx->piece, piece);
        seal_one(tx, slot, packer, piece, false);
        slot->tx.fragments++;
    }
}

static void segments_send(struct tx *tx, struct sl_gw_slot *slot, struct packer *packer,
                          struct sl_segmenter *seg)
{
    bool is_fitting = sl_segmenter_size_max(seg) <= tx->mtu;
    uint32_t size = 0;
    for (;;) {
        uint8_t *out = is_fitting ? packer_room(slot, packer, tx->mtu) : tx->scratch;
        uint32_t room = is_fitting ? tx->mtu : SL_TUN_PACKET_MAX;
        if (sl_segmenter_next(seg, out, room, &size) != SL_OK) {
            return;
        }
        if (!seg->is_split && seg->ip.proto == SL_IP_PROTO_TCP) {
            slot->tx.mss_clamped += sl_mss_clamp(out, &seg->ip, tx->mtu);
        }
        if (is_fitting) {
            seal_one(tx, slot, packer, size, false);
        } else if (size <= tx->mtu) {
            memcpy(packer_room(slot, packer, size), out, size);
            seal_one(tx, slot, packer, size, false);
        } else {
            oversize_send(tx, slot, packer, size);
        }
    }
}

static void packet_send(struct tx *tx, enum sl_port port, const struct sl_vnet *vnet, uint32_t size)
{
    struct sl_tunnel *tunnel = tx->edge->tunnel;
    struct sl_segmenter seg;
    sl_rc rc = sl_segmenter_init(&seg, vnet, tx->tun_buffer, size, tx->mtu);
    uint32_t shard = 0;
    if (rc == SL_OK) {
        bool is_cut = !seg.is_split && size > tx->mtu && !seg.ip.is_df;
        shard = sl_steering_shard(&tunnel->steering, port, tx->tun_buffer, size, &seg.ip, is_cut,
                                  tunnel->shard_count);
    }
    struct sl_gw_slot *slot = &tunnel->slots[shard][port];
    (void)pthread_mutex_lock(&slot->tx_lock);
    slot->tx.tun_packets++;
    if (rc != SL_OK) {
        slot->tx.drop_malformed++;
    } else if (slot->out == NULL) {
        slot->tx.drop_no_sa++;
    } else {
        segments_send(tx, slot, &tx->packers[shard * SL_PORT_COUNT + port], &seg);
    }
    (void)pthread_mutex_unlock(&slot->tx_lock);
}

/* Returns false where the TUN is gone. */
static bool tun_drain(struct tx *tx, enum sl_port port)
{
    int fd = tx->edge->tun[port].fds[tx->index];
    struct sl_vnet vnet;
    uint32_t size = 0;
    for (int i = 0; i < READS_PER_PASS; i++) {
        sl_rc rc = sl_tun_read(fd, &vnet, tx->tun_buffer, SL_TUN_PACKET_MAX, &size);
        if (rc == SL_AGAIN) {
            return true;
        }
        if (rc == SL_CLOSED) {
            return false;
        }
        if (rc == SL_OK) {
            packet_send(tx, port, &vnet, size);
        }
    }
    return true;
}

static void packers_flush(struct tx *tx)
{
    struct sl_tunnel *tunnel = tx->edge->tunnel;
    for (uint32_t i = 0; i < tunnel->shard_count * SL_PORT_COUNT; i++) {
        struct packer *packer = &tx->packers[i];
        if (packer->run_count > 0) {
            struct sl_gw_slot *slot = &tunnel->slots[i / 2][i % 2];
            (void)pthread_mutex_lock(&slot->tx_lock);
            packer_flush(slot, packer);
            (void)pthread_mutex_unlock(&slot->tx_lock);
        }
    }
}

static bool tx_init(struct tx *tx, const struct sl_edge_thread *thread)
{
    uint32_t slots = thread->edge->tunnel->shard_count * SL_PORT_COUNT;
    *tx = (struct tx){.edge = thread->edge, .index = thread->index};
    tx->packers = calloc(slots, sizeof(*tx->packers));
    tx->tun_buffer = aligned_alloc(LINE, 2 * (64 << 10));
    tx->scratch = aligned_alloc(LINE, 2 * (64 << 10));
    tx->piece = aligned_alloc(LINE, 64 << 10);
    bool is_done =
        tx->packers != NULL && tx->tun_buffer != NULL && tx->scratch != NULL && tx->piece != NULL;
    for (uint32_t i = 0; is_done && i < slots; i++) {
        tx->packers[i].data = aligned_alloc(LINE, PACKER_SIZE);
        is_done = tx->packers[i].data != NULL;
    }
    return is_done;
}

static void tx_done(struct tx *tx)
{
    for (uint32_t i = 0; tx->packers != NULL && i < tx->edge->tunnel->shard_count * SL_PORT_COUNT;
         i++) {
        free(tx->packers[i].data);
    }
    free(tx->packers);
    free(tx->tun_buffer);
    free(tx->scratch);
    free(tx->piece);
}

void *sl_edge_tx_run(void *thread)
{
    struct tx tx;
    struct sl_edge *edge = ((struct sl_edge_thread *)thread)->edge;
    bool is_alive = tx_init(&tx, thread);
    free(thread);
    struct pollfd fds[SL_PORT_COUNT + 1] = {{.fd = edge->stop_fd, .events = POLLIN}};
    for (int port = 0; port < SL_PORT_COUNT; port++) {
        fds[port + 1] = (struct pollfd){.fd = edge->tun[port].fds[tx.index], .events = POLLIN};
    }
    while (is_alive) {
        if (poll(fds, SL_PORT_COUNT + 1, -1) < 0) {
            continue;
        }
        if (fds[0].revents != 0) {
            break;
        }
        tx.mtu = atomic_load_explicit(&edge->tunnel->mtu, memory_order_relaxed);
        tx.df_max = atomic_load_explicit(&edge->tunnel->df_max, memory_order_relaxed);
        for (int port = 0; port < SL_PORT_COUNT && is_alive; port++) {
            if (fds[port + 1].revents != 0) {
                is_alive = tun_drain(&tx, (enum sl_port)port);
            }
        }
        packers_flush(&tx);
    }
    if (!is_alive) {
        atomic_store(&edge->is_broken, true);
    }
    tx_done(&tx);
    return NULL;
}
