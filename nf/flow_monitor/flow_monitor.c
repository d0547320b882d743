/* SPDX-License-Identifier: Apache-2.0 */
/* The flow monitor: passes everything, counts it per flow and direction, and tells the tenant's
 * collector by IPFIX. docs/policy-monitor.md is its operator's side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_monitor/config.h"
#include "flow_monitor/ipfix.h"
#include "flow_monitor/talkers.h"
#include "safelib/flow.h"

enum {
    STATE_VERSION = 1,
    CLOSED_MS = 1000, /* a connection that is over is told so soon */
    SORT_MS = 1000,
    ADDRESS_TEXT = 40,
};

/* Per flow: what its next two records will say. */
struct fm_flow {
    uint64_t id;
    uint64_t first_ms[2], last_ms[2]; /* by direction */
    uint64_t packets[2], bytes[2];
    uint16_t icmp[2];
    uint8_t tcp_flags[2], tos[2];
    uint8_t port_in; /* of the original direction */
    uint8_t is_closing;
};

struct monitor {
    struct fm_config config;
    struct fm_exporter exporter;
    struct fm_talkers talkers;
    uint64_t sort_due_ms;
    uint64_t unseen; /* packets without a flow, and errors about one: passed, in no record */
};

static sl_rc monitor_over(const struct fm_config *config, void **ret_state)
{
    struct monitor *monitor = calloc(1, sizeof(*monitor));
    if (monitor == NULL) {
        return SL_NO_MEMORY;
    }
    monitor->config = *config;
    sl_rc rc = fm_exporter_init(&monitor->exporter, &monitor->config);
    if (rc != SL_OK) {
        free(monitor);
        return rc;
    }
    *ret_state = monitor;
    return SL_OK;
}

static sl_rc monitor_load(const void *policy, size_t size, void **ret_state, char *reason,
                          size_t reason_size)
{
    struct fm_config config;
    sl_rc rc = fm_config_read(policy, size, &config, reason, reason_size);
    return rc == SL_OK ? monitor_over(&config, ret_state) : rc;
}

static sl_rc monitor_share(void *state, void **ret_state)
{
    return monitor_over(&((struct monitor *)state)->config, ret_state);
}

/* Each shard counts its own records: an observation domain of its own (RFC 7011 3.1). */
static void monitor_place(void *state, uint32_t shard, uint32_t shard_count)
{
    struct monitor *monitor = state;
    (void)shard_count;
    monitor->exporter.domain = monitor->config.domain + shard;
}

static void monitor_unload(void *state)
{
    struct monitor *monitor = state;
    if (monitor != NULL) {
        fm_exporter_done(&monitor->exporter);
        free(monitor);
    }
}

/* What waits goes on waiting for the new collector, and records stay in sequence. */
static void monitor_adopt(void *state, void *old_state)
{
    struct monitor *monitor = state;
    struct monitor *old = old_state;
    struct fm_exporter own = monitor->exporter;
    monitor->exporter = old->exporter;
    monitor->exporter.config = &monitor->config;
    monitor->exporter.domain = own.domain;
    monitor->exporter.templates_due_ms = 0;
    old->exporter = own;
    monitor->talkers = old->talkers;
    monitor->unseen = old->unseen;
}

/* ---- records ---- */

/* The record of one direction since the last one; then counts anew. */
static void put_direction(struct monitor *monitor, const struct sl_flow_tuple *tuple,
                          struct fm_flow *flow, uint32_t direction, enum fm_end end)
{
    if (flow->packets[direction] == 0) {
        return;
    }
    struct fm_record record = {
        .start_ms = flow->first_ms[direction],
        .end_ms = flow->last_ms[direction],
        .packets = flow->packets[direction],
        .bytes = flow->bytes[direction],
        .flow_id = flow->id,
        .sport = tuple->icmp_type != 0 ? 0 : tuple->sport,
        .dport = tuple->icmp_type != 0 ? 0 : tuple->dport,
        .icmp = flow->icmp[direction],
        .proto = tuple->proto,
        .tos = flow->tos[direction],
        .tcp_flags = flow->tcp_flags[direction],
        .port_in = direction == SL_FLOW_ORIGINAL ? flow->port_in
                                                 : (uint8_t)(SL_PORT_COUNT - 1 - flow->port_in),
        .end = (uint8_t)end,
    };
    memcpy(record.src, tuple->src, sizeof(record.src));
    memcpy(record.dst, tuple->dst, sizeof(record.dst));
    fm_exporter_put(&monitor->exporter, tuple->ip_version, &record);
    flow->packets[direction] = 0;
    flow->bytes[direction] = 0;
    flow->tcp_flags[direction] = 0;
}

static void monitor_ended(void *state, struct sl_flow_table *table,
                          const struct sl_flow_tuple *original, const struct sl_flow_tuple *reply,
                          void *flow_state, uint32_t end)
{
    static const uint8_t reasons[] = {
        [SL_FLOW_END_IDLE] = FM_END_IDLE,         [SL_FLOW_END_CLOSED] = FM_END_DETECTED,
        [SL_FLOW_END_EVICTED] = FM_END_RESOURCES, [SL_FLOW_END_LOST] = FM_END_RESOURCES,
        [SL_FLOW_END_UNLOAD] = FM_END_FORCED,
    };
    struct fm_flow *flow = flow_state;
    uint8_t reason = end < sizeof(reasons) ? reasons[end] : FM_END_FORCED;
    (void)table;
    if (reason == FM_END_IDLE && flow->is_closing) {
        reason = FM_END_DETECTED;
    }
    put_direction(state, original, flow, SL_FLOW_ORIGINAL, reason);
    put_direction(state, reply, flow, SL_FLOW_REPLY, reason);
}

/* Times of another run mean nothing on this one's clock. */
static sl_rc monitor_restored(void *state, struct sl_flow_table *table,
                              const struct sl_flow_tuple *original,
                              const struct sl_flow_tuple *reply, void *flow_state)
{
    struct fm_flow *flow = flow_state;
    uint64_t now_ms = sl_flow_now_ms(table);
    (void)state;
    (void)original;
    (void)reply;
    for (int i = 0; i < 2; i++) {
        flow->first_ms[i] = flow->last_ms[i] = now_ms;
    }
    return flow->port_in < SL_PORT_COUNT ? SL_OK : SL_MALFORMED;
}

/* ---- packets ---- */

static uint8_t tos_of(const struct sl_packet *packet)
{
    return packet->ip_version == 4 ? packet->data[1]
                                   : (uint8_t)(packet->data[0] << 4 | packet->data[1] >> 4);
}

static void count_packet(struct monitor *monitor, struct sl_flow_table *table,
                         const struct sl_packet *packet, struct sl_flow *seen, uint64_t now_ms)
{
    struct fm_flow *flow = seen->state;
    uint32_t direction = seen->direction;
    if (seen->is_first) {
        flow->id = seen->handle;
        flow->port_in = packet->port_in;
        (void)!sl_flow_set_timeout(table, seen->handle, monitor->config.idle_ms);
    }
    if (flow->packets[direction] == 0) {
        flow->first_ms[direction] = now_ms;
        flow->tos[direction] = tos_of(packet);
        flow->icmp[direction] = (packet->has & SL_PKT_HAS_ICMP) != 0
                                    ? (uint16_t)(packet->icmp_type << 8 | packet->icmp_code)
                                    : 0;
    }
    flow->last_ms[direction] = now_ms;
    flow->packets[direction]++;
    flow->bytes[direction] += packet->size;
    flow->tcp_flags[direction] |= (packet->has & SL_PKT_HAS_TCP) != 0 ? packet->tcp_flags : 0;
    bool is_over = seen->tcp == SL_FLOW_TCP_TIME_WAIT || seen->tcp == SL_FLOW_TCP_CLOSE;
    if (is_over != flow->is_closing) {
        flow->is_closing = is_over;
        (void)!sl_flow_set_timeout(table, seen->handle,
                                   is_over ? CLOSED_MS : monitor->config.idle_ms);
    }
}

/* RFC 5470 5.1.1: a flow that goes on is told of from time to time. */
static void put_active(struct monitor *monitor, struct sl_flow_table *table, struct sl_flow *seen,
                       uint64_t now_ms)
{
    struct fm_flow *flow = seen->state;
    struct sl_flow_tuple tuples[2];
    bool is_due = false;
    for (int i = 0; i < 2; i++) {
        is_due |= flow->packets[i] > 0 && now_ms - flow->first_ms[i] >= monitor->config.active_ms;
    }
    if (is_due && sl_flow_tuples(table, seen->handle, &tuples[0], &tuples[1]) == SL_OK) {
        put_direction(monitor, &tuples[0], flow, SL_FLOW_ORIGINAL, FM_END_ACTIVE);
        put_direction(monitor, &tuples[1], flow, SL_FLOW_REPLY, FM_END_ACTIVE);
    }
}

static void monitor_burst(void *state, struct sl_flow_table *table,
                          struct sl_packet *const *packets, struct sl_flow *flows, uint32_t count)
{
    struct monitor *monitor = state;
    uint64_t now_ms = sl_flow_now_ms(table);
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = packets[i];
        uint32_t width = packet->ip_version == 4 ? 4 : 16;
        packet->verdict = SL_VERDICT_PASS;
        if (monitor->config.talkers > 0) {
            fm_talkers_add(&monitor->talkers, sl_flow_hash(table, packet->src, width), packet->src,
                           packet->ip_version, packet->size);
        }
        if (flows[i].handle == SL_FLOW_NONE || flows[i].relation == SL_FLOW_RELATED) {
            __atomic_store_n(&monitor->unseen, monitor->unseen + 1, __ATOMIC_RELAXED);
            continue;
        }
        count_packet(monitor, table, packet, &flows[i], now_ms);
        put_active(monitor, table, &flows[i], now_ms);
    }
}

static void monitor_tick(void *state, uint64_t now_ms, uint64_t unix_ms, struct sl_emit *emit)
{
    struct monitor *monitor = state;
    fm_exporter_send(&monitor->exporter, now_ms, unix_ms, emit);
    if (now_ms >= monitor->sort_due_ms) {
        monitor->sort_due_ms = now_ms + SORT_MS;
        fm_talkers_sort(&monitor->talkers, monitor->config.talkers);
    }
}

/* ---- counters: the exporter's, packets without a flow, the top talkers ---- */

static const char *const export_names[] = {
#define FM_EXPORT_NAME(name, text) "ipfix." #name,
    FM_EXPORT_COUNTER_TABLE(FM_EXPORT_NAME)
#undef FM_EXPORT_NAME
};
enum { EXPORT_COUNT = sizeof(export_names) / sizeof(export_names[0]), UNSEEN_INDEX = EXPORT_COUNT };

static uint32_t monitor_counter_count(const void *state)
{
    const struct monitor *monitor = state;
    return UNSEEN_INDEX + 1 + monitor->config.talkers;
}

static void address_text(const struct fm_talker *talker, char text[ADDRESS_TEXT])
{
    const uint8_t *a = talker->address;
    if (talker->ip_version == 4) {
        (void)snprintf(text, ADDRESS_TEXT, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
        return;
    }
    size_t used = 0;
    for (uint32_t i = 0; i < 16; i += 2) { /* in full: short forms are for readers of one address */
        int more =
            snprintf(text + used, ADDRESS_TEXT - used, i == 0 ? "%x" : ":%x", a[i] << 8 | a[i + 1]);
        used += more > 0 ? (size_t)more : 0;
    }
}

static void monitor_counter_get(const void *state, uint32_t index,
                                struct sl_nf_counter *ret_counter)
{
    const struct monitor *monitor = state;
    const struct fm_exporter *exporter = &monitor->exporter;
    const uint64_t *const exports[] = {
#define FM_EXPORT_VALUE(name, text) &exporter->name,
        FM_EXPORT_COUNTER_TABLE(FM_EXPORT_VALUE)
#undef FM_EXPORT_VALUE
    };
    if (index < EXPORT_COUNT) {
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "%s", export_names[index]);
        ret_counter->value = __atomic_load_n(exports[index], __ATOMIC_RELAXED);
        return;
    }
    if (index == UNSEEN_INDEX) {
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "no_flow.packets");
        ret_counter->value = __atomic_load_n(&monitor->unseen, __ATOMIC_RELAXED);
        return;
    }
    struct fm_talker talker;
    char text[ADDRESS_TEXT];
    if (fm_talkers_get(&monitor->talkers, index - UNSEEN_INDEX - 1, &talker)) {
        address_text(&talker, text);
        (void)snprintf(ret_counter->name, sizeof(ret_counter->name), "top.%s", text);
        ret_counter->value = talker.bytes;
    }
}

static const struct sl_flow_spec monitor_flow = {
    .state_size = sizeof(struct fm_flow),
    .version = STATE_VERSION,
    .burst = monitor_burst,
    .ended = monitor_ended,
    .restored = monitor_restored,
};

static const struct sl_nf flow_monitor_nf = {
    .name = "flow_monitor",
    .load = monitor_load,
    .share = monitor_share,
    .place = monitor_place,
    .flow = &monitor_flow,
    .adopt = monitor_adopt,
    .tick = monitor_tick,
    .unload = monitor_unload,
    .counter_count = monitor_counter_count,
    .counter_get = monitor_counter_get,
};
SL_NF_REGISTER(flow_monitor_nf);
