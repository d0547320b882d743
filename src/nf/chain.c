/* SPDX-License-Identifier: Apache-2.0 */
/* Chains: run over bursts, told the time, asked for counters. */
#include "nf/chain.h"

#include <stdio.h>
#include <string.h>

#include "flow/fragments.h"
#include "flow/steer.h"
#include "nf/emit.h"
#include "nf/private.h"

enum { DUE_PER_TICK = 1024 /* flows ended in a tick at most */ };

uint64_t sl_chain_version(const struct sl_chain *chain)
{
    return chain->version;
}

uint32_t sl_chain_nf_count(const struct sl_chain *chain)
{
    return chain->count;
}

const char *sl_chain_nf_name(const struct sl_chain *chain, uint32_t index)
{
    return index < chain->count ? chain->entries[index].nf->name : NULL;
}

/* Written by the shard's thread, read by the control thread: may lag, never tears. */
static void add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
                     __ATOMIC_RELAXED);
}

/* A flow NF decides; without its table (which is still to be adopted) everything stays dropped. */
static void decide_flows(struct sl_chain *chain, struct chain_entry *entry, struct sl_packet **live,
                         uint32_t count)
{
    struct sl_flow_table *table = chain_table(entry);
    while (table != NULL && count > 0) {
        uint32_t part = sl_flow_table_begin(table, live, chain->flows, count);
        entry->flow->burst(entry->state, table, live, chain->flows, part);
        if (chain->traces != NULL) {
            chain_trace_flows(chain, table, live, part);
        }
        sl_flow_table_end(table, live, chain->flows, part);
        live += part;
        count -= part;
    }
}

/* Packets that NFs turned around. */
struct turned {
    struct sl_packet *packets[SL_BURST_MAX];
    uint32_t count;
};

/* RFC 4787 6, hairpinning: it goes on as though it had come in by the other port. Once. */
static bool turn(struct sl_packet *packet, struct turned *turned)
{
    if ((packet->has & SL_FLOW_PKT_TURNED) != 0) {
        return false;
    }
    packet->has |= SL_FLOW_PKT_TURNED;
    packet->port_in ^= 1u;
    turned->packets[turned->count++] = packet;
    return true;
}

/* One NF over the live packets; returns how many stay in `live`, moved to its front. */
static uint32_t run_entry(struct sl_chain *chain, uint32_t index, struct sl_packet **live,
                          uint32_t count, struct turned *turned)
{
    struct chain_entry *entry = &chain->entries[index];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        live[i]->verdict = SL_VERDICT_DROP;
        live[i]->rule = SL_RULE_DEFAULT;
        live[i]->nf_index = (uint8_t)index;
        bytes += live[i]->size;
    }
    if (chain->traces != NULL) {
        chain_trace_begin(chain, index, live, count);
    }
    if (entry->flow != NULL) {
        decide_flows(chain, entry, live, count);
    } else {
        entry->nf->burst(entry->state, live, count);
    }
    if (chain->traces != NULL) {
        chain_trace_end(chain, live, count);
    }
    uint32_t kept = 0;
    uint32_t replied = 0;
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = live[i];
        if (packet->verdict == SL_VERDICT_PASS) {
            live[kept++] = packet;
        } else if (packet->verdict == SL_VERDICT_REPLY) {
            replied++;
        } else if (packet->verdict != SL_VERDICT_TURN || !turn(packet, turned)) {
            packet->verdict = SL_VERDICT_DROP;
            dropped++;
        }
    }
    add(&entry->totals.packets, count);
    add(&entry->totals.bytes, bytes);
    add(&entry->totals.replied, replied);
    add(&entry->totals.dropped, dropped);
    return kept;
}

/* Packets of one port from NF `from` on, in the order of that port. */
static void run_from(struct sl_chain *chain, struct sl_packet **live, uint32_t count, uint8_t port,
                     uint32_t from, struct turned *turned)
{
    uint32_t step = port == SL_PORT_LAN ? 1 : UINT32_MAX;
    for (uint32_t i = from; i < chain->count && count > 0; i += step) {
        count = run_entry(chain, i, live, count, turned);
    }
}

/* Those that were turned at NF `at`, as far as they belong to this shard. */
static void resume_at(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count,
                      uint8_t port, uint32_t at)
{
    struct sl_packet *live[SL_BURST_MAX];
    struct turned never = {.count = 0}; /* a second turn is a drop */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = packets[i];
        if (packet->verdict == SL_VERDICT_TURN && packet->nf_index == at &&
            packet->port_in == port) {
            uint32_t shard = sl_chain_steer(chain, packet);
            if (shard == SL_STEER_ANY || shard == chain->shard) {
                live[kept++] = packet;
            }
        }
    }
    run_from(chain, live, kept, port, at, &never);
}

void sl_chain_resume(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count)
{
    for (uint32_t at = 0; at < chain->count; at++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            resume_at(chain, packets, count, (uint8_t)port, at);
        }
    }
}

/* The packets that came in by `port`; `live` is at liberty. */
static void run_port(struct sl_chain *chain, struct sl_packet **live, uint32_t count, uint8_t port)
{
    struct turned turned;
    turned.count = 0;
    run_from(chain, live, count, port, port == SL_PORT_LAN ? 0 : chain->count - 1, &turned);
    if (turned.count > 0) {
        sl_chain_resume(chain, turned.packets, turned.count);
    }
}

/* At most a burst, of both ports perhaps. */
static void run_burst(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count)
{
    struct sl_packet *live[SL_PORT_COUNT][SL_BURST_MAX];
    uint32_t wan = 0;
    for (uint32_t i = 0; i < count; i++) {
        wan += packets[i]->port_in == SL_PORT_WAN;
    }
    if (wan == 0 || wan == count) {
        memcpy(live[0], packets, count * sizeof(packets[0]));
        run_port(chain, live[0], count, wan == 0 ? SL_PORT_LAN : SL_PORT_WAN);
        return;
    }
    /* sorted first: those that are turned change their port */
    uint32_t counts[SL_PORT_COUNT] = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t port = packets[i]->port_in == SL_PORT_WAN ? SL_PORT_WAN : SL_PORT_LAN;
        live[port][counts[port]++] = packets[i];
    }
    run_port(chain, live[SL_PORT_LAN], counts[SL_PORT_LAN], SL_PORT_LAN);
    run_port(chain, live[SL_PORT_WAN], counts[SL_PORT_WAN], SL_PORT_WAN);
}

void sl_chain_run(struct sl_chain *chain, struct sl_packet *const *packets, uint32_t count)
{
    while (count > 0) {
        uint32_t part = count < SL_BURST_MAX ? count : SL_BURST_MAX;
        run_burst(chain, packets, part);
        packets += part;
        count -= part;
    }
}

/* ---- time ---- */

bool sl_chain_wants_time(const struct sl_chain *chain)
{
    return chain->wants_time;
}

void sl_chain_set_now(struct sl_chain *chain, uint64_t now_ms)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        struct sl_flow_table *table = chain_table(&chain->entries[i]);
        if (table != NULL) {
            sl_flow_table_set_now(table, now_ms);
        }
    }
}

void sl_chain_tick(struct sl_chain *chain, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_entry *entry = &chain->entries[i];
        struct sl_flow_table *table = chain_table(entry);
        if (table != NULL) {
            sl_flow_table_set_now(table, now_ms);
            sl_flow_table_advance(table, DUE_PER_TICK);
        }
        if (entry->nf->tick != NULL) {
            entry->nf->tick(entry->state, now_ms, unix_ms, emit);
        }
        if (table != NULL) {
            sl_flow_table_settle(table);
        }
    }
}

sl_rc sl_emit_packet(struct sl_emit *emit, enum sl_port port, const void *data, uint32_t size)
{
    const uint8_t *bytes = data;
    if (size < 20 || size > SL_PACKET_MAX || (bytes[0] >> 4 != 4 && bytes[0] >> 4 != 6) ||
        port >= SL_PORT_COUNT) {
        return SL_RANGE;
    }
    return emit->send(emit->ctx, port, data, size);
}

/* ---- commands ---- */

sl_rc sl_chain_command(struct sl_chain *chain, const char *nf, const char *text, char *ret_answer,
                       size_t answer_size)
{
    sl_rc rc = SL_NOT_FOUND;
    (void)snprintf(ret_answer, answer_size, "this chain has no NF \"%s\"", nf);
    for (uint32_t i = 0; i < chain->count; i++) {
        struct chain_entry *entry = &chain->entries[i];
        if (strcmp(entry->nf->name, nf) != 0) {
            continue;
        }
        if (entry->nf->command == NULL) {
            (void)snprintf(ret_answer, answer_size, "\"%s\" takes no commands", nf);
            return SL_UNSUPPORTED;
        }
        rc = entry->nf->command(entry->state, text, ret_answer, answer_size);
        if (rc != SL_OK) {
            return rc;
        }
    }
    return rc;
}

/* ---- shards ---- */

bool sl_chain_is_steered(const struct sl_chain *chain)
{
    for (uint32_t i = 0; chain->shard_count > 1 && i < chain->count; i++) {
        if (chain->entries[i].flow != NULL || chain->entries[i].nf->steer != NULL) {
            return true;
        }
    }
    return false;
}

uint32_t sl_chain_steer(const struct sl_chain *chain, const struct sl_packet *packet)
{
    uint32_t shards = chain->shard_count;
    bool is_lan = packet->port_in == SL_PORT_LAN;
    uint32_t at = is_lan ? 0 : chain->count - 1;
    if ((packet->has & SL_FLOW_PKT_TURNED) != 0) {
        at = packet->nf_index;
    }
    if (shards < 2) {
        return SL_STEER_ANY;
    }
    if (sl_fragments_wants(packet) && sl_chain_has_flows(chain)) {
        return sl_flow_steer(&chain->steer_key, packet, shards);
    }
    for (; at < chain->count; at += is_lan ? 1 : UINT32_MAX) {
        const struct chain_entry *entry = &chain->entries[at];
        uint32_t shard = entry->nf->steer != NULL ? entry->nf->steer(entry->state, packet, shards)
                                                  : SL_STEER_ANY;
        if (shard != SL_STEER_ANY) {
            return shard < shards ? shard : 0;
        }
    }
    return sl_flow_steer(&chain->steer_key, packet, shards);
}

_Static_assert(sizeof(struct sl_flow_hash_key) == SL_CHAIN_STEER_KEY_SIZE, "no padding");

void sl_chain_steer_key_get(const struct sl_chain *chain, uint8_t ret_key[SL_CHAIN_STEER_KEY_SIZE])
{
    memcpy(ret_key, &chain->steer_key, SL_CHAIN_STEER_KEY_SIZE);
}

void sl_chain_steer_key_set(struct sl_chain *chain, const uint8_t key[SL_CHAIN_STEER_KEY_SIZE])
{
    memcpy(&chain->steer_key, key, SL_CHAIN_STEER_KEY_SIZE);
}

/* ---- counters ---- */

void sl_chain_nf_totals(const struct sl_chain *chain, uint32_t index,
                        struct sl_chain_nf_totals *ret_totals)
{
    if (index >= chain->count) {
        *ret_totals = (struct sl_chain_nf_totals){0};
        return;
    }
    const struct sl_chain_nf_totals *totals = &chain->entries[index].totals;
    ret_totals->packets = __atomic_load_n(&totals->packets, __ATOMIC_RELAXED);
    ret_totals->bytes = __atomic_load_n(&totals->bytes, __ATOMIC_RELAXED);
    ret_totals->dropped = __atomic_load_n(&totals->dropped, __ATOMIC_RELAXED);
    ret_totals->replied = __atomic_load_n(&totals->replied, __ATOMIC_RELAXED);
}

static const char *const table_counter_names[] = {
#define NAME(name, text) "flow table: " #name,
    SL_FLOW_COUNTER_TABLE(NAME) SL_FLOW_STORE_COUNTER_TABLE(NAME)
#undef NAME
};
enum { TABLE_COUNTERS = sizeof(table_counter_names) / sizeof(table_counter_names[0]) };

static uint32_t own_counters(const struct chain_entry *entry)
{
    return entry->nf->counter_count != NULL && entry->nf->counter_get != NULL
               ? entry->nf->counter_count(entry->state)
               : 0;
}

uint32_t sl_chain_nf_counter_count(const struct sl_chain *chain, uint32_t index)
{
    if (index >= chain->count) {
        return 0;
    }
    const struct chain_entry *entry = &chain->entries[index];
    return own_counters(entry) + (entry->flow != NULL ? TABLE_COUNTERS : 0);
}

static uint64_t table_counter(const struct sl_flow_table *table, uint32_t index)
{
    struct {
        struct sl_flow_counters flows;
        struct sl_flow_store_counters store;
    } all = {0};
    if (table != NULL) {
        sl_flow_table_counters(table, &all.flows);
        sl_flow_table_store_counters(table, &all.store);
    }
    uint64_t values[TABLE_COUNTERS];
    _Static_assert(sizeof(values) == sizeof(all), "counters are what they are made of");
    memcpy(values, &all, sizeof(values));
    return values[index];
}

void sl_chain_nf_counter_get(const struct sl_chain *chain, uint32_t index, uint32_t counter,
                             struct sl_nf_counter *ret_counter)
{
    *ret_counter = (struct sl_nf_counter){0};
    if (counter >= sl_chain_nf_counter_count(chain, index)) {
        return;
    }
    const struct chain_entry *entry = &chain->entries[index];
    uint32_t own = own_counters(entry);
    if (counter < own) {
        entry->nf->counter_get(entry->state, counter, ret_counter);
        return;
    }
    (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s",
                   table_counter_names[counter - own]);
    ret_counter->value = table_counter(chain_table(entry), counter - own);
}
