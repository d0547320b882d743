/* SPDX-License-Identifier: Apache-2.0 */
/* The packet path of one shard. */
#include "image/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "esp/encap.h"
#include "esp/probe.h"
#include "image/exchange.h"
#include "nf/cut.h"
#include "nf/emit.h"
#include "runtime/runtime.h"

enum {
    LINE = 64,
    TRUNCATED_SIZE = 8, /* shorter: not even an SPI and a sequence number */
    NS_PER_MS = 1000000,
    PREFETCH_LINES = 2,
};

/* Stands until the first configuration is published, so that the packet path tests no pointer. */
static struct sl_worker_config no_config;

sl_rc sl_worker_init(struct sl_worker *worker, uint32_t shard, uint8_t *area,
                     const struct sl_area_geometry *geometry, const struct sl_area_layout *layout)
{
    if (shard >= geometry->shard_count) {
        return SL_RANGE;
    }
    memset(worker, 0, sizeof(*worker));
    worker->shard = shard;
    worker->shard_count = 1;
    worker->arena = aligned_alloc(LINE, (SL_WORKER_ARENA_SIZE + LINE - 1) / LINE * LINE);
    if (worker->arena == NULL) {
        return SL_NO_MEMORY;
    }
    memset(worker->arena, 0, SL_WORKER_ARENA_SIZE); /* touch every page now */
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        struct sl_worker_lane *lane = &worker->lanes[port];
        lane->run_end = calloc(geometry->ring_count, sizeof(*lane->run_end));
        if (lane->run_end == NULL) {
            sl_worker_done(worker);
            return SL_NO_MEMORY;
        }
        sl_rx_init(&lane->rx, area, &layout->queue[shard][port].rx, geometry, &worker->boundary);
        sl_tx_init(&lane->tx, area, &layout->queue[shard][port].tx, geometry, lane->run_end,
                   &worker->boundary);
    }
    atomic_init(&worker->config, &no_config);
    return SL_OK;
}

void sl_worker_done(struct sl_worker *worker)
{
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        free(worker->lanes[port].run_end);
        worker->lanes[port].run_end = NULL;
    }
    for (uint32_t shard = 0; shard < SL_AREA_SHARDS_MAX; shard++) {
        if (worker->from[shard] != NULL) {
            sl_handover_done(worker->from[shard]);
            free(worker->from[shard]);
            worker->from[shard] = NULL;
        }
    }
    free(worker->arena);
    worker->arena = NULL;
}

/* The next datagram of a lane, in shared memory; false where the ring is empty. Runs go back to the
 * host when the last of those taken has been read. */
static bool lane_next(struct sl_worker_lane *lane, const struct sl_run **ret_run,
                      const uint8_t **ret_data, uint32_t *ret_size)
{
    if (lane->run_index == lane->run_count) {
        sl_rx_release(&lane->rx);
        lane->run_index = 0;
        lane->run_off = 0;
        lane->run_count = sl_rx_take(&lane->rx, lane->runs, SL_WORKER_RUNS);
        if (lane->run_count == 0) {
            return false;
        }
    }
    const struct sl_run *run = &lane->runs[lane->run_index];
    uint32_t left = run->size - lane->run_off;
    uint32_t size = left < run->segment_size ? left : run->segment_size;
    const uint8_t *data = run->data + lane->run_off;
    lane->run_off += size;
    if (size == left) {
        lane->run_index++;
        lane->run_off = 0;
    } else {
        for (uint32_t i = 0; i < PREFETCH_LINES; i++) {
            __builtin_prefetch(data + size + i * LINE);
        }
    }
    *ret_run = run;
    *ret_data = data;
    *ret_size = size;
    return true;
}

/* Which of the port's SAs a datagram says it is for. Only a hint from shared memory: sl_esp_open
 * reads the SPI again and decides. */
static struct sl_esp_sa *choose_sa(const struct sl_worker_port *port, const uint8_t *data)
{
    uint32_t spi = sl_be32_get(data);
    if (spi == sl_esp_sa_spi(port->in)) {
        return port->in;
    }
    for (uint32_t i = 0; i < SL_SA_PREVIOUS_MAX && port->in_previous[i] != NULL; i++) {
        if (spi == sl_esp_sa_spi(port->in_previous[i])) {
            return port->in_previous[i];
        }
    }
    return NULL;
}

/* Answers a path probe out of the port it came in by, at its own size. `payload` is private memory
 * with room for an ESP trailer behind it. */
static void answer_probe(struct sl_worker_lane *lane, const struct sl_worker_port *port,
                         uint8_t *payload, uint32_t size)
{
    struct sl_probe probe;
    if (sl_probe_read(payload, size, &probe) != SL_OK || probe.kind != SL_PROBE_REQUEST) {
        lane->counters.drop_dummy++;
        return;
    }
    if (port->out == NULL) {
        lane->counters.drop_no_sa_out++;
        return;
    }
    probe.kind = SL_PROBE_REPLY;
    uint32_t sealed = sl_esp_sealed_size(size, 0);
    uint8_t *out = sl_tx_reserve(&lane->tx, sealed, lane->peer, 0);
    if (out == NULL) {
        lane->counters.drop_tx_full++;
        return;
    }
    if (sl_probe_write(&probe, size, payload, size) != SL_OK ||
        sl_esp_seal(port->out, payload, size, SL_ESP_NEXT_NONE, 0, out, sealed, &sealed) != SL_OK) {
        lane->counters.drop_seal++;
        return;
    }
    sl_tx_commit(&lane->tx, sealed);
    lane->counters.probe_answered++;
}

/* Opens one datagram into private memory at `at`. True where `packet` is then ready for the chain;
 * everything else has been counted. */
static bool open_one(struct sl_worker_lane *lane, const struct sl_worker_port *port,
                     const struct sl_run *run, const uint8_t *data, uint32_t size, uint8_t *at,
                     struct sl_packet *packet)
{
    struct sl_worker_counters *counters = &lane->counters;
    struct sl_esp_inner inner;
    if (port->in == NULL) {
        counters->drop_no_sa++;
        return false;
    }
    if (size < TRUNCATED_SIZE) {
        counters->drop_esp++;
        return false;
    }
    struct sl_esp_sa *sa = choose_sa(port, data);
    if (sa == NULL) {
        counters->drop_spi++;
        return false;
    }
    sl_rc rc = sl_esp_open(sa, data, size, at, size, &inner);
    if (rc != SL_OK) {
        if (rc == SL_AGAIN) {
            counters->drop_dummy++;
        } else {
            counters->drop_esp++;
        }
        return false;
    }
    lane->peer = run->peer;
    if (inner.next_header == SL_ESP_NEXT_NONE) {
        answer_probe(lane, port, at + inner.off, inner.size);
        return false;
    }
    uint8_t ecn = run->flags & SL_DESC_ECN_MASK;
    /* RFC 6040 figure 4: an outer Not-ECT changes nothing. */
    if (ecn != 0 && sl_tunnel_ecn_in(ecn, at + inner.off, inner.size) != SL_OK) {
        counters->drop_ecn++;
        return false;
    }
    packet->data = at + inner.off;
    packet->size = inner.size;
    packet->room = size - inner.off + SL_WORKER_GROWTH;
    if (sl_packet_parse(packet) != SL_OK) {
        counters->drop_parse++;
        return false;
    }
    return true;
}

/* Fills the worker's burst from one port. @return packets in it */
static uint32_t open_burst(struct sl_worker *worker, const struct sl_worker_config *config,
                           uint32_t port, uint32_t *ret_taken)
{
    struct sl_worker_lane *lane = &worker->lanes[port];
    uint32_t used = 0;
    uint32_t count = 0;
    uint32_t taken = 0;
    while (count < SL_BURST_MAX && taken < SL_BURST_MAX && used < SL_WORKER_BURST_BYTES) {
        const struct sl_run *run;
        const uint8_t *data;
        uint32_t size;
        if (!lane_next(lane, &run, &data, &size)) {
            break;
        }
        taken++;
        if (size > SL_WORKER_DATAGRAM_MAX) {
            lane->counters.drop_too_big++;
            continue;
        }
        struct sl_packet *packet = &worker->packets[count];
        packet->port_in = (uint8_t)port;
        packet->verdict = SL_VERDICT_DROP;
        packet->nf_index = 0;
        packet->rule = SL_RULE_DEFAULT;
        if (open_one(lane, &config->ports[port], run, data, size, worker->arena + used, packet)) {
            worker->origin[count] = (uint8_t)port;
            worker->burst[count++] = packet;
            used += (size + SL_WORKER_GROWTH + SL_ESP_OVERHEAD_MAX + LINE - 1) & ~(LINE - 1u);
        }
    }
    lane->counters.received += taken;
    *ret_taken = taken;
    return count;
}

/* ESP next header of what an NF left; 0 where it is no IP packet. */
static uint8_t next_header_of(const struct sl_packet *packet)
{
    if (packet->size < 20 || packet->size > packet->room) {
        return 0;
    }
    switch (packet->data[0] >> 4) {
    case 4:
        return SL_ESP_NEXT_IPV4;
    case 6:
        return SL_ESP_NEXT_IPV6;
    default:
        return 0;
    }
}

/* Seals one packet straight into the tx ring of `lane`. `counters` are those of the port it came in
 * by. @return true where it is on its way */
static bool send_one(struct sl_worker_lane *lane, const struct sl_worker_port *port,
                     const struct sl_packet *packet, struct sl_worker_counters *counters)
{
    uint8_t next_header = next_header_of(packet);
    if (next_header == 0) {
        counters->drop_seal++;
        return false;
    }
    if (port->out == NULL) {
        counters->drop_no_sa_out++;
        return false;
    }
    /* The descriptor's ECN and DSCP bits lie as in the TOS byte. */
    uint32_t flags = sl_tunnel_tos_out(sl_tunnel_inner_tos(packet->data), port->is_dscp_copied);
    flags |= port->mtu != 0 && packet->size > port->mtu ? (uint32_t)SL_DESC_MAY_FRAGMENT : 0;
    flags |= port->is_single ? (uint32_t)SL_DESC_SINGLE : 0;
    uint32_t sealed = sl_esp_sealed_size(packet->size, 0);
    uint8_t *out = sl_tx_reserve(&lane->tx, sealed, lane->peer, flags);
    if (out == NULL) {
        counters->drop_tx_full++;
        return false;
    }
    if (sl_esp_seal(port->out, packet->data, packet->size, next_header, 0, out, sealed, &sealed) !=
        SL_OK) {
        counters->drop_seal++;
        return false;
    }
    sl_tx_commit(&lane->tx, sealed);
    return true;
}
_Static_assert(SL_DESC_DSCP_SHIFT == 2 && SL_DESC_ECN_MASK == 3, "laid out as the TOS byte");

_Static_assert((int)SL_CUT_BEHIND >= (int)SL_ESP_OVERHEAD_MAX, "sealing writes behind a packet");

/* What an NF asked to be cut leaves in fragments. @return true where all of it is on its way */
static bool send_passed(struct sl_worker_lane *lane, const struct sl_worker_port *port,
                        struct sl_packet *packet, struct sl_worker_counters *counters)
{
    struct sl_cut cut;
    if ((packet->has & SL_PKT_CUT) == 0 || !sl_cut_begin(packet, &cut)) {
        return send_one(lane, port, packet, counters);
    }
    bool is_sent = true;
    while (is_sent && sl_cut_next(&cut, packet)) {
        is_sent = send_one(lane, port, packet, counters);
    }
    return is_sent;
}

/* Sends, hands over or drops every packet of the burst by its verdict. */
static void close_burst(struct sl_worker *worker, const struct sl_worker_config *config,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = worker->burst[i];
        uint32_t port = worker->origin[i];
        struct sl_worker_counters *counters = &worker->lanes[port].counters;
        if (packet->verdict == SL_VERDICT_PASS) {
            uint32_t to = packet->port_in ^ 1u; /* also of one that was turned around */
            counters->passed +=
                send_passed(&worker->lanes[to], &config->ports[to], packet, counters);
        } else if (packet->verdict == SL_VERDICT_REPLY) {
            counters->replied +=
                send_one(&worker->lanes[port], &config->ports[port], packet, counters);
        } else if (packet->verdict == SL_VERDICT_TURN && config->is_steered) {
            sl_exchange_hand(worker, sl_chain_steer(config->chain, packet), packet, (uint8_t)port);
        } else {
            counters->drop_verdict++;
        }
    }
}

/* Through the chain and out. The last `resumed` of the burst have been turned around before. */
static void run_burst(struct sl_worker *worker, const struct sl_worker_config *config,
                      uint32_t count, uint32_t resumed)
{
    if (config->chain == NULL) {
        for (uint32_t i = 0; i < count; i++) {
            worker->lanes[worker->origin[i]].counters.drop_no_chain++;
        }
        return;
    }
    if (count > resumed) {
        sl_chain_run(config->chain, worker->burst, count - resumed);
    }
    if (resumed > 0) {
        sl_chain_resume(config->chain, worker->burst + (count - resumed), resumed);
    }
    close_burst(worker, config, count);
}

/* Fragments of datagrams that have become whole; the datagrams may belong to another shard. */
static void run_whole(struct sl_worker *worker, const struct sl_worker_config *config)
{
    while (config->fragments != NULL && sl_fragments_is_ready(config->fragments)) {
        uint32_t count = sl_exchange_whole(worker, config);
        count = sl_exchange_sort(worker, config, count);
        if (count > 0) {
            run_burst(worker, config, count, 0);
        }
    }
}

static uint32_t run_port(struct sl_worker *worker, const struct sl_worker_config *config,
                         uint32_t port)
{
    uint32_t taken = 0;
    uint32_t count = open_burst(worker, config, port, &taken);
    count = sl_exchange_sort(worker, config, count);
    if (count > 0) {
        run_burst(worker, config, count, 0);
    }
    run_whole(worker, config);
    return taken;
}

/* What other shards handed over. */
static uint32_t run_handed(struct sl_worker *worker, const struct sl_worker_config *config)
{
    uint32_t taken = 0;
    uint32_t resumed = 0;
    uint32_t count = sl_exchange_take(worker, config, &taken, &resumed);
    if (taken > 0) {
        if (count > 0) {
            run_burst(worker, config, count, resumed);
        }
        sl_exchange_release(worker);
        run_whole(worker, config);
    }
    return taken;
}

/* Shows the host what was sealed. A run is left open, to become a long train, only while runs are
 * at hand that it has not released: the next pass is certain, the host sees them as pending. */
static void answers_publish(struct sl_worker *worker)
{
    bool is_more = false;
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        is_more |= worker->lanes[port].run_index < worker->lanes[port].run_count;
    }
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        if (is_more) {
            sl_tx_publish(&worker->lanes[port].tx);
        } else {
            sl_tx_flush(&worker->lanes[port].tx);
        }
    }
}

/* ---- time ---- */

struct emitter {
    struct sl_worker *worker;
    const struct sl_worker_config *config;
};

/* A packet of an NF's own leaves as those that it passes do. */
static sl_rc emit_one(void *ctx, enum sl_port port, const void *data, uint32_t size)
{
    const struct emitter *emitter = ctx;
    struct sl_worker *worker = emitter->worker;
    const struct sl_worker_port *to = &emitter->config->ports[port];
    if (to->out == NULL) {
        return SL_AGAIN;
    }
    /* the arena is free between bursts; sealing wants room behind the packet */
    memcpy(worker->arena, data, size);
    const struct sl_packet packet = {.data = worker->arena, .size = size, .room = size};
    struct sl_worker_counters unused = {0};
    if (!send_one(&worker->lanes[port], to, &packet, &unused)) {
        return SL_AGAIN;
    }
    worker->emitted++;
    return SL_OK;
}

/* What the chain wants beside packets: the time, and what the one before it knew.
 * @return whether anything may have been sent */
static bool keep_time(struct sl_worker *worker, const struct sl_worker_config *config)
{
    struct sl_chain *chain = config->chain;
    struct sl_chain *before = atomic_load_explicit(&worker->chain_now, memory_order_relaxed);
    if (chain == NULL) {
        return false;
    }
    if (chain != before) {
        if (before != NULL) {
            sl_chain_adopt(chain, before);
        }
        atomic_store(&worker->chain_now, chain);
    }
    if (!sl_chain_wants_time(chain)) {
        return false;
    }
    uint64_t now_ms = sl_rt_now_ns() / NS_PER_MS;
    sl_chain_set_now(chain, now_ms);
    if (config->fragments != NULL) {
        sl_fragments_set_now(config->fragments, now_ms);
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            worker->lanes[port].counters.drop_fragment =
                sl_fragments_dropped(config->fragments, port);
        }
    }
    if (now_ms - worker->ticked_ms < SL_CHAIN_TICK_MS) {
        return false;
    }
    worker->ticked_ms = now_ms;
    uint64_t unix_ms = sl_rt_is_time_authenticated() ? sl_rt_unix_ns() / NS_PER_MS : 0;
    uint64_t emitted = worker->emitted;
    struct emitter emitter = {.worker = worker, .config = config};
    struct sl_emit emit = {.ctx = &emitter, .send = emit_one};
    sl_chain_tick(chain, now_ms, unix_ms, &emit);
    return worker->emitted != emitted;
}

uint32_t sl_worker_pass(struct sl_worker *worker)
{
    /* Sequentially consistent with the publisher's swap and its look at the epoch: either this pass
     * sees the new configuration, or the publisher sees the odd epoch. */
    uint64_t epoch = atomic_load_explicit(&worker->epoch, memory_order_relaxed);
    atomic_store(&worker->epoch, epoch + 1);
    const struct sl_worker_config *config = atomic_load(&worker->config);
    uint32_t taken = 0;
    bool has_emitted = keep_time(worker, config);
    if (worker->shard_count > 1) {
        taken += run_handed(worker, config);
    }
    for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
        taken += run_port(worker, config, port);
    }
    if (taken > 0 || has_emitted) {
        answers_publish(worker);
    }
    sl_exchange_publish(worker);
    taken += sl_snapshot_job_step(&worker->job, config->chain, taken > 0);
    atomic_store_explicit(&worker->epoch, epoch + 2, memory_order_release);
    return taken;
}
