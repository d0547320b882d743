/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between shards, and fragments that wait. */
#include "image/exchange.h"

#include <stdlib.h>

#include "runtime/runtime.h"

enum {
    LINE = 64,
    RINGS_SIZE = 1 << 20, /* of all rings to one shard, about */
    RING_SIZE_MIN = 1 << 16,
    RING_SIZE_MAX = 1 << 18,
};

/* ---- rings ---- */

static sl_rc connect_pair(struct sl_worker *from, struct sl_worker *to, uint64_t size)
{
    struct sl_handover *ring = aligned_alloc(_Alignof(struct sl_handover), sizeof(*ring));
    if (ring == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_handover_init(ring, size);
    if (rc != SL_OK) {
        free(ring);
        return rc;
    }
    from->to[to->shard] = ring;
    from->peers[to->shard] = to;
    to->from[from->shard] = ring;
    return SL_OK;
}

sl_rc sl_workers_connect(struct sl_worker *workers, uint32_t count)
{
    uint64_t size = RING_SIZE_MAX;
    while (size > RING_SIZE_MIN && size * count > RINGS_SIZE) {
        size /= 2;
    }
    for (uint32_t i = 0; i < count; i++) {
        workers[i].shard_count = count;
        for (uint32_t k = 0; k < count; k++) {
            sl_rc rc = i != k ? connect_pair(&workers[i], &workers[k], size) : SL_OK;
            if (rc != SL_OK) {
                return rc;
            }
        }
    }
    return SL_OK;
}

void sl_exchange_hand(struct sl_worker *worker, uint32_t shard, const struct sl_packet *packet,
                      uint8_t origin)
{
    struct sl_worker_counters *counters = &worker->lanes[origin].counters;
    struct sl_handover *ring = shard < SL_AREA_SHARDS_MAX ? worker->to[shard] : NULL;
    if (ring == NULL || sl_handover_put(ring, packet, origin) != SL_OK) {
        counters->drop_handover++;
    } else {
        counters->handed++;
    }
}

/* The store of what was put and the look at the mark are sequentially consistent, as are the other
 * worker's mark and its look at the rings (sl_worker_rest_begin): one of the two sees the other. */
void sl_exchange_publish(struct sl_worker *worker)
{
    for (uint32_t i = 0; worker->shard_count > 1 && i < worker->shard_count; i++) {
        struct sl_worker *peer = worker->peers[i];
        if (peer != NULL && sl_handover_publish(worker->to[i]) && atomic_load(&peer->is_resting) &&
            atomic_exchange(&peer->is_resting, false)) {
            worker->wakes++;
            sl_rt_wake(peer->thread);
        }
    }
}

bool sl_worker_rest_begin(struct sl_worker *worker)
{
    atomic_store(&worker->is_resting, true);
    for (uint32_t i = 0; i < worker->shard_count; i++) {
        if (worker->from[i] != NULL && sl_handover_is_waiting(worker->from[i])) {
            sl_worker_rest_end(worker);
            return false;
        }
    }
    return true;
}

void sl_worker_rest_end(struct sl_worker *worker)
{
    atomic_store_explicit(&worker->is_resting, false, memory_order_relaxed);
}

/* ---- out of a burst ---- */

/* Where a packet belongs. */
static uint32_t shard_of(const struct sl_worker *worker, const struct sl_worker_config *config,
                         const struct sl_packet *packet)
{
    uint32_t shard =
        config->is_steered ? sl_chain_steer(config->chain, packet) : (uint32_t)SL_STEER_ANY;
    return shard == SL_STEER_ANY ? worker->shard : shard;
}

uint32_t sl_exchange_sort(struct sl_worker *worker, const struct sl_worker_config *config,
                          uint32_t count)
{
    uint32_t kept = 0;
    if (!config->is_steered && config->fragments == NULL) {
        return count;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = worker->burst[i];
        /* most go nowhere else, and wait for nothing */
        if (!config->is_steered && !sl_fragments_wants(packet)) {
            worker->origin[kept] = worker->origin[i];
            worker->burst[kept++] = packet;
            continue;
        }
        uint32_t shard = shard_of(worker, config, packet);
        if (shard != worker->shard) {
            sl_exchange_hand(worker, shard, packet, worker->origin[i]);
        } else if (!sl_fragments_hold(config->fragments, packet, 0)) {
            worker->origin[kept] = worker->origin[i];
            worker->burst[kept++] = packet;
        }
    }
    return kept;
}

/* ---- into a burst ---- */

uint32_t sl_exchange_take(struct sl_worker *worker, const struct sl_worker_config *config,
                          uint32_t *ret_taken, uint32_t *ret_resumed)
{
    struct sl_packet *turned[SL_BURST_MAX];
    uint8_t turned_origin[SL_BURST_MAX];
    uint32_t turned_count = 0;
    uint32_t count = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < worker->shard_count; i++) {
        struct sl_handover *ring = worker->from[(worker->take_first + i) % worker->shard_count];
        struct sl_handed *handed;
        while (ring != NULL && taken < SL_BURST_MAX && (handed = sl_handover_peek(ring)) != NULL) {
            struct sl_packet *packet = &handed->packet;
            taken++;
            worker->lanes[handed->origin].counters.taken++;
            if (packet->verdict == SL_VERDICT_TURN) {
                turned[turned_count] = packet;
                turned_origin[turned_count++] = handed->origin;
            } else if (!sl_fragments_hold(config->fragments, packet, 0)) {
                worker->origin[count] = handed->origin;
                worker->burst[count++] = packet;
            }
        }
    }
    worker->take_first++; /* no shard's ring goes before the others for long */
    for (uint32_t i = 0; i < turned_count; i++) {
        worker->origin[count + i] = turned_origin[i];
        worker->burst[count + i] = turned[i];
    }
    *ret_taken = taken;
    *ret_resumed = turned_count;
    return count + turned_count;
}

void sl_exchange_release(struct sl_worker *worker)
{
    for (uint32_t i = 0; i < worker->shard_count; i++) {
        if (worker->from[i] != NULL) {
            sl_handover_release(worker->from[i]);
        }
    }
}

uint32_t sl_exchange_whole(struct sl_worker *worker, const struct sl_worker_config *config)
{
    uint32_t count = 0;
    uint32_t used = 0;
    uint32_t tag;
    while (count < SL_BURST_MAX && used < SL_WORKER_BURST_BYTES) {
        struct sl_packet *packet = &worker->packets[count];
        if (sl_fragments_take(config->fragments, worker->arena + used, SL_WORKER_DATAGRAM_MAX,
                              packet, &tag) != SL_OK) {
            break;
        }
        packet->room = packet->size + SL_WORKER_GROWTH;
        worker->origin[count] = packet->port_in;
        worker->burst[count++] = packet;
        used += (packet->size + SL_WORKER_GROWTH + SL_ESP_OVERHEAD_MAX + LINE - 1) & ~(LINE - 1u);
    }
    return count;
}
