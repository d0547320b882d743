/* SPDX-License-Identifier: Apache-2.0 */
/* Several workers of one image. */
#include "shards_bed.h"

#include "unit.h"

#include "base/bytes.h"
#include "safelib/flow.h"

/* ---- the NF ---- */

enum { COUNTERS = 6 };

struct counting {
    uint64_t counters[COUNTERS];
};

/* What it keeps of a flow: the number in the last packet of each direction, and one. */
struct kept {
    uint32_t last[2];
};

static void add(struct counting *s, uint32_t counter)
{
    __atomic_store_n(&s->counters[counter],
                     __atomic_load_n(&s->counters[counter], __ATOMIC_RELAXED) + 1,
                     __ATOMIC_RELAXED);
}

static sl_rc count_load(const void *policy, size_t size, void **ret_state, char *reason,
                        size_t reason_size)
{
    (void)policy;
    (void)size;
    (void)reason;
    (void)reason_size;
    *ret_state = calloc(1, sizeof(struct counting));
    return *ret_state != NULL ? SL_OK : SL_NO_MEMORY;
}

static void count_burst(void *state, struct sl_flow_table *table, struct sl_packet *const *packets,
                        struct sl_flow *flows, uint32_t count)
{
    struct counting *s = state;
    (void)table;
    for (uint32_t i = 0; i < count; i++) {
        struct sl_packet *packet = packets[i];
        packet->verdict = SL_VERDICT_PASS;
        add(s, 0);
        if (flows[i].handle == SL_FLOW_NONE) {
            add(s, 4);
            continue;
        }
        if (flows[i].is_first != 0) {
            add(s, 1);
        }
        if (flows[i].direction == SL_FLOW_REPLY) {
            add(s, 2);
        }
        if (flows[i].relation == SL_FLOW_RELATED) {
            add(s, 3);
            continue;
        }
        if ((packet->has & SL_PKT_MORE_FRAGMENTS) != 0) {
            continue; /* the number is at the datagram's end */
        }
        struct kept *kept = flows[i].state;
        uint32_t number = sl_be32_get(packet->data + packet->size - 4) + 1;
        if (number < kept->last[flows[i].direction]) {
            add(s, 5);
        }
        kept->last[flows[i].direction] = number;
    }
}

static uint32_t counter_count(const void *state)
{
    (void)state;
    return COUNTERS;
}

static void counter_get(const void *state, uint32_t index, struct sl_nf_counter *ret_counter)
{
    const struct counting *s = state;
    ret_counter->value = __atomic_load_n(&s->counters[index], __ATOMIC_RELAXED);
}

static const struct sl_flow_spec count_flow = {
    .state_size = sizeof(struct kept), .version = 1, .burst = count_burst};
static const struct sl_nf count_nf = {.name = "count",
                                      .load = count_load,
                                      .flow = &count_flow,
                                      .unload = free,
                                      .counter_count = counter_count,
                                      .counter_get = counter_get};
SL_NF_REGISTER(count_nf);

/* ---- the bed ---- */

static void set_sas(struct shards_bed *bed, uint32_t shard, uint32_t port)
{
    for (uint32_t is_inbound = 0; is_inbound < 2; is_inbound++) {
        struct sl_msg_sa sa = {
            .shard = (uint16_t)shard, .port = (uint8_t)port, .is_inbound = is_inbound};
        sa.params.alg = SL_ESP_AES_128_GCM_16;
        sa.params.spi = 0x1000 + shard * 16 + port * 2 + is_inbound;
        sa.params.is_esn = true;
        sa.params.is_inbound = is_inbound;
        sa.params.window = 1024;
        sl_be32_put(sa.params.key, sa.params.spi);
        assert_ok(sl_provision_sa_set(&bed->provision, &sa, 1, NULL));
        if (is_inbound) {
            sa.params.is_inbound = false;
            assert_ok(sl_esp_sa_create(&sa.params, &bed->to_image[shard][port]));
        }
    }
}

static void set_chain(struct shards_bed *bed)
{
    uint8_t bundle[64];
    struct sl_writer w;
    struct sl_err err = {0};
    sl_writer_init(&w, bundle, sizeof(bundle));
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, SL_CHAIN_FORMAT_PLAIN);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, "count");
    sl_writer_be32(&w, 0);
    assert_ok(w.rc);
    if (sl_provision_chain_set(&bed->provision, bundle, w.off, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
}

void shards_bed_init(struct shards_bed *bed, uint32_t count)
{
    memset(bed, 0, sizeof(*bed));
    bed->count = count;
    bed->geometry = (struct sl_area_geometry){.shard_count = count,
                                              .ring_count = 1024,
                                              .data_size = 1 << 20,
                                              .control_size = 65536,
                                              .log_size = 4096};
    assert_ok(sl_area_layout(&bed->geometry, &bed->layout));
    bed->area = aligned_alloc(SL_AREA_ALIGN, bed->layout.size);
    assert_non_null(bed->area);
    memset(bed->area, 0, bed->layout.size);
    bed->workers = aligned_alloc(_Alignof(struct sl_worker), count * sizeof(*bed->workers));
    assert_non_null(bed->workers);
    for (uint32_t i = 0; i < count; i++) {
        assert_ok(sl_worker_init(&bed->workers[i], i, bed->area, &bed->geometry, &bed->layout));
    }
    assert_ok(sl_workers_connect(bed->workers, count));
    assert_ok(sl_provision_init(&bed->provision, bed->workers, count));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            assert_ok(sl_host_ring_init(&bed->rx[i][port], bed->area,
                                        &bed->layout.queue[i][port].rx, &bed->geometry));
            assert_ok(sl_host_ring_init(&bed->tx[i][port], bed->area,
                                        &bed->layout.queue[i][port].tx, &bed->geometry));
            set_sas(bed, i, port);
        }
    }
    set_chain(bed);
}

void shards_bed_done(struct shards_bed *bed)
{
    for (uint32_t i = 0; i < bed->count; i++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            sl_host_ring_done(&bed->rx[i][port]);
            sl_host_ring_done(&bed->tx[i][port]);
            sl_esp_sa_free(bed->to_image[i][port]);
        }
    }
    sl_provision_done(&bed->provision);
    for (uint32_t i = 0; i < bed->count; i++) {
        sl_worker_done(&bed->workers[i]);
    }
    free(bed->workers);
    free(bed->area);
}

bool shards_bed_send(struct shards_bed *bed, uint32_t sa, uint32_t ring, uint32_t port,
                     const uint8_t *inner, uint32_t size)
{
    uint8_t in[4096];
    uint32_t sealed = sl_esp_sealed_size(size, 0);
    uint8_t next = inner[0] >> 4 == 4 ? SL_ESP_NEXT_IPV4 : SL_ESP_NEXT_IPV6;
    uint8_t *at = sl_host_rx_reserve(&bed->rx[ring][port], sealed + 64);
    if (at == NULL) {
        return false;
    }
    memcpy(in, inner, size);
    assert_ok(sl_esp_seal(bed->to_image[sa][port], in, size, next, 0, at, sealed + 64, &sealed));
    return sl_host_rx_commit(&bed->rx[ring][port], sealed, sealed, 65, 0);
}

void shards_bed_drain(struct shards_bed *bed)
{
    struct sl_run run;
    for (uint32_t i = 0; i < bed->count; i++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            while (sl_host_tx_peek(&bed->tx[i][port], &run, 1) != 0) {
                bed->sent += (run.size + run.segment_size - 1) / run.segment_size;
                sl_host_tx_release(&bed->tx[i][port], 1);
            }
        }
    }
}

void shards_bed_settle(struct shards_bed *bed)
{
    uint32_t idle = 0;
    while (idle < 2) {
        uint32_t done = 0;
        for (uint32_t i = 0; i < bed->count; i++) {
            done += sl_worker_pass(&bed->workers[i]);
        }
        shards_bed_drain(bed);
        idle = done == 0 ? idle + 1 : 0;
    }
}

struct shards_seen shards_bed_seen(struct shards_bed *bed)
{
    uint64_t sums[COUNTERS] = {0};
    struct shards_seen seen = {0};
    for (uint32_t i = 0; i < bed->count; i++) {
        const struct sl_chain *chain = sl_provision_config(&bed->provision, i)->chain;
        for (uint32_t k = 0; k < COUNTERS; k++) {
            struct sl_nf_counter counter;
            sl_chain_nf_counter_get(chain, 0, k, &counter);
            sums[k] += counter.value;
            seen.after[i] = k == 1 ? counter.value : seen.after[i];
        }
    }
    seen.packets = sums[0];
    seen.created = sums[1];
    seen.replies = sums[2];
    seen.related = sums[3];
    seen.invalid = sums[4];
    seen.disordered = sums[5];
    return seen;
}

uint64_t shards_bed_sum(const struct shards_bed *bed, size_t off)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < bed->count; i++) {
        for (uint32_t port = 0; port < SL_PORT_COUNT; port++) {
            const uint8_t *at = (const uint8_t *)&bed->workers[i].lanes[port].counters + off;
            sum += *(const uint64_t *)(const void *)at;
        }
    }
    return sum;
}
