/* SPDX-License-Identifier: Apache-2.0 */
/* A worker with a host and a gateway around it. */
#include "rig.h"

#include "unit.h"

#include "base/bytes.h"
#include "safelib/checksum.h"

/* ---- the test NF: one verdict for all, or the first payload byte's ---- */

struct test_state {
    uint8_t verdict;
    uint64_t packets;
};

static sl_rc test_load(const void *policy, size_t size, void **ret_state, char *reason,
                       size_t reason_size)
{
    if (size != 1) {
        (void)snprintf(reason, reason_size, "one byte expected, not %zu", size);
        return SL_MALFORMED;
    }
    struct test_state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return SL_NO_MEMORY;
    }
    s->verdict = *(const uint8_t *)policy;
    *ret_state = s;
    return SL_OK;
}

static void test_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    struct test_state *s = state;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t first = packets[i]->size > 28 ? packets[i]->data[28] : 0;
        packets[i]->verdict = s->verdict == 0xff ? first : s->verdict;
        if (packets[i]->verdict == SL_VERDICT_PASS && first == 'z') {
            packets[i]->data[0] = 0; /* an NF that leaves no IP packet */
        }
        packets[i]->rule = first;
    }
    __atomic_store_n(&s->packets, s->packets + count, __ATOMIC_RELAXED);
}

static void test_unload(void *state)
{
    free(state);
}

static uint32_t test_counter_count(const void *state)
{
    (void)state;
    return 2;
}

static void test_counter_get(const void *state, uint32_t index, struct sl_nf_counter *ret_counter)
{
    const struct test_state *s = state;
    (void)snprintf(ret_counter->name, sizeof(ret_counter->name), index == 0 ? "all" : "none");
    ret_counter->value = index == 0 ? __atomic_load_n(&s->packets, __ATOMIC_RELAXED) : 0;
}

static const struct sl_nf test_nf = {.name = "test",
                                     .load = test_load,
                                     .burst = test_burst,
                                     .unload = test_unload,
                                     .counter_count = test_counter_count,
                                     .counter_get = test_counter_get};
SL_NF_REGISTER(test_nf);

/* ---- the rig ---- */

void rig_init(struct rig *rig, uint32_t ring_count, uint32_t data_size)
{
    memset(rig, 0, sizeof(*rig));
    rig->geometry = (struct sl_area_geometry){.shard_count = 1,
                                              .ring_count = ring_count,
                                              .data_size = data_size,
                                              .control_size = 65536,
                                              .log_size = 4096};
    assert_ok(sl_area_layout(&rig->geometry, &rig->layout));
    rig->area = aligned_alloc(SL_AREA_ALIGN, rig->layout.size);
    assert_non_null(rig->area);
    memset(rig->area, 0, rig->layout.size);
    rig->worker = aligned_alloc(_Alignof(struct sl_worker), sizeof(*rig->worker));
    assert_non_null(rig->worker);
    assert_ok(sl_worker_init(rig->worker, 0, rig->area, &rig->geometry, &rig->layout));
    assert_ok(sl_provision_init(&rig->provision, rig->worker, 1));
    for (uint32_t port = 0; port < 2; port++) {
        assert_ok(sl_host_ring_init(&rig->rx[port], rig->area, &rig->layout.queue[0][port].rx,
                                    &rig->geometry));
        assert_ok(sl_host_ring_init(&rig->tx[port], rig->area, &rig->layout.queue[0][port].tx,
                                    &rig->geometry));
    }
    rig->next_spi = 0x100;
}

void rig_done(struct rig *rig)
{
    for (uint32_t port = 0; port < 2; port++) {
        sl_host_ring_done(&rig->rx[port]);
        sl_host_ring_done(&rig->tx[port]);
        sl_esp_sa_free(rig->to_image[port]);
        sl_esp_sa_free(rig->from_image[port]);
    }
    sl_provision_done(&rig->provision);
    sl_worker_done(rig->worker);
    free(rig->worker);
    free(rig->area);
}

struct sl_msg_sa rig_sa(struct rig *rig, uint8_t port, bool is_inbound)
{
    struct sl_msg_sa sa = {.port = port, .is_inbound = is_inbound};
    rig->next_spi += 0x100;
    sa.params.alg = SL_ESP_AES_128_GCM_16;
    sa.params.spi = rig->next_spi | port;
    sa.params.is_esn = true;
    sa.params.is_inbound = is_inbound;
    sa.params.window = 1024;
    sl_be32_put(sa.params.key, rig->next_spi);
    sa.params.key[15] = 0x5a;
    return sa;
}

void rig_set_sa(struct rig *rig, uint8_t port, bool is_inbound)
{
    struct sl_msg_sa sa = rig_sa(rig, port, is_inbound);
    assert_ok(sl_provision_sa_set(&rig->provision, &sa, 1, NULL));
    struct sl_esp_sa **end = is_inbound ? &rig->to_image[port] : &rig->from_image[port];
    sl_esp_sa_free(*end);
    sa.params.is_inbound = !is_inbound;
    assert_ok(sl_esp_sa_create(&sa.params, end));
}

void rig_set_all_sas(struct rig *rig)
{
    for (uint8_t port = 0; port < 2; port++) {
        rig_set_sa(rig, port, true);
        rig_set_sa(rig, port, false);
    }
}

size_t rig_bundle(uint64_t version, uint8_t verdict, uint8_t *out, size_t size)
{
    struct sl_writer w;
    sl_writer_init(&w, out, size);
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, version);
    sl_writer_string(&w, "test");
    sl_writer_be32(&w, 1);
    sl_writer_u8(&w, verdict);
    assert_ok(w.rc);
    return w.off;
}

sl_rc rig_set_chain(struct rig *rig, uint64_t version, uint8_t verdict)
{
    uint8_t bundle[64];
    size_t size = rig_bundle(version, verdict, bundle, sizeof(bundle));
    return sl_provision_chain_set(&rig->provision, bundle, size, NULL);
}

void rig_packet(uint8_t *out, uint32_t size, uint8_t tos, uint8_t fill)
{
    memset(out, fill, size);
    memset(out, 0, 28);
    out[0] = 0x45;
    out[1] = tos;
    sl_be16_put(out + 2, (uint16_t)size);
    out[8] = 64;
    out[9] = 17;
    sl_be32_put(out + 12, 0x0a000001);
    sl_be32_put(out + 16, 0xc0000201);
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, 20)));
    sl_be16_put(out + 20, 1234);
    sl_be16_put(out + 22, 443);
    sl_be16_put(out + 24, (uint16_t)(size - 20));
}

void rig_send_raw(struct rig *rig, uint8_t port, const uint8_t *data, uint32_t size,
                  uint32_t segment_size, uint16_t peer, uint32_t flags)
{
    uint8_t *at = sl_host_rx_reserve(&rig->rx[port], size);
    assert_non_null(at);
    memcpy(at, data, size);
    assert_true(sl_host_rx_commit(&rig->rx[port], size, segment_size, peer, flags));
}

void rig_send(struct rig *rig, uint8_t port, const uint8_t *inner, uint32_t size, uint8_t next,
              uint16_t peer, uint32_t flags)
{
    static uint8_t in[16384];
    static uint8_t out[16384];
    uint32_t sealed = sl_esp_sealed_size(size, 0);
    memcpy(in, inner, size);
    assert_ok(sl_esp_seal(rig->to_image[port], in, size, next, 0, out, sizeof(out), &sealed));
    rig_send_raw(rig, port, out, sealed, sealed, peer, flags);
}

uint32_t rig_receive(struct rig *rig, uint8_t port, struct sl_esp_sa *sa, uint8_t *inner,
                     struct sl_esp_inner *ret_inner, struct sl_run *ret_run)
{
    struct sl_run run;
    uint32_t opened = 0;
    if (sl_host_tx_peek(&rig->tx[port], &run, 1) == 0) {
        return 0;
    }
    for (uint32_t off = 0; off < run.size; off += run.segment_size) {
        uint32_t size = run.size - off < run.segment_size ? run.size - off : run.segment_size;
        struct sl_esp_inner got;
        if (sl_esp_open(sa, run.data + off, size, inner, 16384, &got) == SL_OK) {
            opened++;
            if (ret_inner != NULL) {
                *ret_inner = got;
            }
        }
    }
    if (ret_run != NULL) {
        *ret_run = run;
    }
    sl_host_tx_release(&rig->tx[port], 1);
    return opened;
}

struct sl_worker_counters *rig_counters(struct rig *rig, uint8_t port)
{
    return &rig->worker->lanes[port].counters;
}
