/* SPDX-License-Identifier: Apache-2.0 */
/* The image's status as JSON. */
#include "image/status.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "runtime/runtime.h"

/* A counter that a worker may be incrementing: aligned words do not tear on x86-64, and a value one
 * burst old is what a status shows anyway. The workers count by plain increments, so that the
 * packet path pays nothing; this is the one place that looks on. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
__attribute__((no_sanitize("thread"), noinline))
#endif
#elif defined(__SANITIZE_THREAD__)
__attribute__((no_sanitize_thread, noinline))
#endif
static uint64_t
look(const uint64_t *counter)
{
    return *(const volatile uint64_t *)counter;
}

static void write_runtime(struct sl_json *json)
{
    struct sl_rt_counters counters;
    sl_rt_counters(&counters);
    sl_json_open(json, "runtime", '{');
#define WRITE(name, text) sl_json_u64(json, #name, counters.name);
    SL_RT_COUNTER_TABLE(WRITE)
#undef WRITE
    sl_json_close(json, '}');
}

static void write_boundary(struct sl_json *json, const char *key,
                           const struct sl_boundary_counters *counters)
{
    sl_json_open(json, key, '{');
#define WRITE(name, text) sl_json_u64(json, #name, look(&counters->name));
    SL_BOUNDARY_COUNTER_TABLE(WRITE)
#undef WRITE
    sl_json_close(json, '}');
}

static void write_control(struct sl_json *json, const struct sl_control_server *server)
{
    uint64_t ready = 0;
    for (uint32_t i = 0; i < SL_CONTROL_CONNECTIONS_MAX; i++) {
        ready += server->connections[i].state == SL_CONNECTION_READY;
    }
    sl_json_open(json, "control", '{');
    sl_json_u64(json, "connections", ready);
    sl_json_u64(json, "lease_s", server->lease_ns / 1000000000u);
#define WRITE(name, text) sl_json_u64(json, #name, server->counters.name);
    SL_CONTROL_COUNTER_TABLE(WRITE)
#undef WRITE
    sl_json_u64(json, "sa_sets", server->params.provision->sa_sets);
    sl_json_u64(json, "chain_sets", server->params.provision->chain_sets);
    write_boundary(json, "boundary", server->params.boundary);
    sl_json_close(json, '}');
}

static void write_life(struct sl_json *json, const struct sl_life *life)
{
    static const char *const origins[] = {"fresh", "restored", "refused", "unsealable"};
    char hex[2 * SL_IMAGE_LOG_HASH_SIZE + 1];
    sl_hex_encode(life->instance, sizeof(life->instance), hex);
    sl_json_open(json, "instance", '{');
    sl_json_string(json, "id", hex);
    sl_json_u64(json, "epoch", life->epoch);
    sl_json_string(json, "origin", origins[life->origin]);
    sl_json_u64(json, "seals", life->seals);
    sl_json_close(json, '}');
    sl_hex_encode(life->log.hash, sizeof(life->log.hash), hex);
    sl_json_open(json, "log", '{');
    sl_json_u64(json, "seq", life->log.seq);
    sl_json_string(json, "sha256", hex);
    sl_json_close(json, '}');
    sl_json_open(json, "clock", '{');
    sl_json_u64(json, "checks", life->clock_checks);
    sl_json_u64(json, "warps", life->clock_warps);
    sl_json_u64(json, "worst_ms", (uint64_t)llabs(life->clock_worst_ns) / 1000000u);
    sl_json_close(json, '}');
}

static void write_snapshot(struct sl_json *json, const struct sl_msg_snapshot *told)
{
    sl_json_open(json, "snapshot", '{');
    sl_json_string(json, "state", sl_msg_snapshot_state_word(told->state));
    if (told->state != SL_MSG_SNAPSHOT_IS_NONE) {
        sl_json_u64(json, "epoch", told->epoch);
        sl_json_u64(json, "flows", told->flows);
        sl_json_u64(json, "refused", told->refused);
        sl_json_u64(json, "chunks", told->chunks);
        sl_json_u64(json, "took_ms", told->took_ns / 1000000u);
    }
    if (told->state == SL_MSG_SNAPSHOT_IS_FAILED) {
        sl_json_string(json, "code", sl_rc_name((sl_rc)told->rc));
        sl_json_string(json, "reason", told->sentence);
    }
    sl_json_close(json, '}');
}

/* Untrusted memory that the host gave for flow tables, over all shards. */
static void write_spill(struct sl_json *json, const struct sl_provision *provision)
{
    uint64_t size = 0;
    uint64_t used = 0;
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        const struct sl_flow_spill *spill = &provision->spill[shard];
        size += spill->size;
        for (uint32_t i = 0; i < spill->count; i++) {
            used += spill->parts[i].size;
        }
    }
    sl_json_open(json, "spill", '{');
    sl_json_u64(json, "bytes", size);
    sl_json_u64(json, "used", used);
    sl_json_close(json, '}');
}

static void write_policy(struct sl_json *json, const struct sl_provision *provision)
{
    char hex[2 * SL_PROVISION_HASH_SIZE + 1];
    if (!provision->has_chain) {
        sl_json_null(json, "policy");
        return;
    }
    sl_hex_encode(provision->hash, SL_PROVISION_HASH_SIZE, hex);
    sl_json_open(json, "policy", '{');
    sl_json_u64(json, "version", provision->version);
    sl_json_string(json, "sha256", hex);
    sl_json_u64(json, "size", provision->bundle_size);
    sl_json_close(json, '}');
}

/* One NF of the chain, summed over the shards; rules that no packet met are left out. */
static void write_nf(struct sl_json *json, const struct sl_provision *provision, uint32_t nf)
{
    const struct sl_chain *first = sl_provision_config(provision, 0)->chain;
    struct sl_chain_nf_totals sum = {0};
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        struct sl_chain_nf_totals one = {0};
        sl_chain_nf_totals(sl_provision_config(provision, shard)->chain, nf, &one);
        sum.packets += one.packets;
        sum.bytes += one.bytes;
        sum.dropped += one.dropped;
        sum.replied += one.replied;
    }
    sl_json_open(json, NULL, '{');
    sl_json_string(json, "nf", sl_chain_nf_name(first, nf));
    sl_json_u64(json, "packets", sum.packets);
    sl_json_u64(json, "bytes", sum.bytes);
    sl_json_u64(json, "dropped", sum.dropped);
    sl_json_u64(json, "replied", sum.replied);
    sl_json_open(json, "counters", '{');
    uint32_t count = sl_chain_nf_counter_count(first, nf);
    for (uint32_t i = 0; i < count; i++) {
        struct sl_nf_counter counter = {0};
        uint64_t value = 0;
        for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
            sl_chain_nf_counter_get(sl_provision_config(provision, shard)->chain, nf, i, &counter);
            value += counter.value;
        }
        if (value > 0) {
            sl_json_u64(json, counter.name, value);
        }
    }
    sl_json_close(json, '}');
    sl_json_close(json, '}');
}

static void write_chain(struct sl_json *json, const struct sl_provision *provision)
{
    const struct sl_chain *chain = sl_provision_config(provision, 0)->chain;
    sl_json_open(json, "chain", '[');
    for (uint32_t nf = 0; chain != NULL && nf < sl_chain_nf_count(chain); nf++) {
        write_nf(json, provision, nf);
    }
    sl_json_close(json, ']');
}

static void write_sa(struct sl_json *json, const char *key, const struct sl_esp_sa *sa)
{
    if (sa == NULL) {
        sl_json_null(json, key);
        return;
    }
    const struct sl_esp_counters *counters = sl_esp_sa_counters(sa);
    sl_json_open(json, key, '{');
    sl_json_u64(json, "spi", sl_esp_sa_spi(sa));
    sl_json_u64(json, "seq", sl_esp_sa_seq(sa));
#define WRITE(name, text) sl_json_u64(json, #name, look(&counters->name));
    SL_ESP_COUNTER_TABLE(WRITE)
#undef WRITE
    sl_json_close(json, '}');
}

static void write_port(struct sl_json *json, const struct sl_worker *worker,
                       const struct sl_worker_config *config, uint32_t port)
{
    const struct sl_worker_counters *counters = &worker->lanes[port].counters;
    sl_json_open(json, port == SL_PORT_LAN ? "lan" : "wan", '{');
#define WRITE(name, text) sl_json_u64(json, #name, look(&counters->name));
    SL_WORKER_COUNTER_TABLE(WRITE)
#undef WRITE
    write_sa(json, "sa_in", config->ports[port].in);
    write_sa(json, "sa_in_previous", config->ports[port].in_previous[0]);
    write_sa(json, "sa_out", config->ports[port].out);
    sl_json_close(json, '}');
}

/* Nothing where fragments do not wait: the chain keeps no flows. */
static void write_fragments(struct sl_json *json, const struct sl_fragments *fragments)
{
    struct sl_fragments_counters counters;
    if (fragments == NULL) {
        return;
    }
    sl_fragments_counters(fragments, &counters);
    sl_json_open(json, "fragments", '{');
#define WRITE(name, text) sl_json_u64(json, #name, counters.name);
    SL_FRAGMENTS_COUNTER_TABLE(WRITE)
#undef WRITE
    sl_json_close(json, '}');
}

static void write_shards(struct sl_json *json, const struct sl_provision *provision)
{
    sl_json_open(json, "shards", '[');
    for (uint32_t shard = 0; shard < provision->shard_count; shard++) {
        const struct sl_worker *worker = &provision->workers[shard];
        const struct sl_worker_config *config = sl_provision_config(provision, shard);
        sl_json_open(json, NULL, '{');
        sl_json_u64(json, "shard", shard);
        sl_json_u64(json, "waits", look(&worker->waits));
        sl_json_u64(json, "wakes", look(&worker->wakes));
        write_fragments(json, config->fragments);
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            write_port(json, worker, config, port);
        }
        write_boundary(json, "boundary", &worker->boundary);
        sl_json_close(json, '}');
    }
    sl_json_close(json, ']');
}

void sl_status_write(const struct sl_control_server *server, uint64_t now_ns, struct sl_json *json)
{
    sl_json_open(json, NULL, '{');
    sl_json_string(json, "version", SL_VERSION);
    sl_json_string(json, "device", server->params.device);
    sl_json_string(json, "scheduling", server->params.is_polling ? "polling" : "batch");
    sl_json_u64(json, "uptime_ms", (now_ns - server->started_ns) / 1000000u);
    if (server->has_time) {
        sl_json_u64(json, "time_ms", (server->time_offset_ns + now_ns) / 1000000u);
    } else {
        sl_json_null(json, "time_ms");
    }
    write_life(json, server->params.life);
    write_policy(json, server->params.provision);
    write_chain(json, server->params.provision);
    write_snapshot(json, &server->snapshot.told);
    write_spill(json, server->params.provision);
    write_shards(json, server->params.provision);
    write_control(json, server);
    write_runtime(json);
    sl_json_close(json, '}');
}
