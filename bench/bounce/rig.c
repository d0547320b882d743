/* SPDX-License-Identifier: Apache-2.0 */
/* The outside of a bounced packet. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "attack.h"
#include "base/bytes.h"
#include "firewall/format.h"
#include "flows.h"
#include "measure.h"
#include "nf/chain.h"
#include "safelib/checksum.h"

enum { ROOM = 1600, POOL_BYTES = 128 << 20, DATAGRAM_MAX = 1500 };

struct sl_area_geometry rig_geometry(uint32_t spill_mib)
{
    return (struct sl_area_geometry){.shard_count = 1,
                                     .ring_count = 1024,
                                     .data_size = 512 << 10,
                                     .control_size = 1 << 20,
                                     .log_size = 64 << 10,
                                     .spill_mib = spill_mib};
}

static struct sl_msg_sa sa_make(uint8_t port, bool is_inbound)
{
    struct sl_msg_sa sa = {.port = port, .is_inbound = is_inbound};
    sa.params.alg = SL_ESP_AES_128_GCM_16;
    sa.params.is_esn = true;
    sa.params.window = 1024;
    sa.params.is_inbound = is_inbound;
    uint32_t spi = 0;
    if (getrandom(&spi, sizeof(spi), 0) != sizeof(spi) || getrandom(sa.params.key, 16, 0) != 16 ||
        getrandom(sa.params.salt, 4, 0) != 4) {
        bench_die("getrandom failed");
    }
    sa.params.spi = (spi & 0xffffff00u) | 0x01000000u | port;
    return sa;
}

static struct sl_esp_sa *other_end(const struct sl_msg_sa *sa)
{
    struct sl_esp_params params = sa->params;
    struct sl_esp_sa *end = NULL;
    params.is_inbound = !params.is_inbound;
    if (sl_esp_sa_create(&params, &end) != SL_OK) {
        bench_die("cannot make an SA");
    }
    return end;
}

void rig_keys_set(struct rig *rig)
{
    for (uint32_t side = 0; side < 2; side++) {
        sl_esp_sa_free(rig->seal[side]);
        sl_esp_sa_free(rig->open[side]);
        rig->seal[side] = other_end(&rig->inbound[side]);
        rig->open[side] = other_end(&rig->outbound[side]);
    }
}

void rig_init(struct rig *rig, const struct sl_area_geometry *geometry, uint8_t *area)
{
    memset(rig, 0, sizeof(*rig));
    rig->geometry = *geometry;
    rig->area = area;
    for (uint8_t side = 0; side < 2; side++) {
        rig->inbound[side] = sa_make(side, true);
        rig->outbound[side] = sa_make(1 - side, false);
    }
    rig_keys_set(rig);
    rig->pool = aligned_alloc(4096, POOL_BYTES);
    rig->offs = calloc(RIG_POOL + 1, sizeof(*rig->offs));
    rig->sizes = calloc(RIG_POOL, sizeof(*rig->sizes));
    if (rig->pool == NULL || rig->offs == NULL || rig->sizes == NULL ||
        sl_area_layout(&rig->geometry, &rig->layout) != SL_OK) {
        bench_die("out of memory");
    }
    for (uint32_t side = 0; side < 2; side++) {
        const struct sl_area_ring_off *rx = &rig->layout.queue[0][side].rx;
        const struct sl_area_ring_off *tx = &rig->layout.queue[0][1 - side].tx;
        if (sl_host_ring_init(&rig->rx[side], area, rx, &rig->geometry) != SL_OK ||
            sl_host_ring_init(&rig->tx[side], area, tx, &rig->geometry) != SL_OK) {
            bench_die("cannot attach to the rings");
        }
    }
}

void rig_done(struct rig *rig)
{
    for (uint32_t side = 0; side < 2; side++) {
        sl_host_ring_done(&rig->rx[side]);
        sl_host_ring_done(&rig->tx[side]);
        sl_esp_sa_free(rig->seal[side]);
        sl_esp_sa_free(rig->open[side]);
    }
    free(rig->pool);
    free(rig->offs);
    free(rig->sizes);
}

/* UDP packet of flow i % RIG_FLOWS. */
static void inner_make(uint32_t i, uint32_t size, uint8_t *out)
{
    uint32_t flow = i % RIG_FLOWS;
    memset(out, 0, 28);
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)size);
    sl_be16_put(out + 4, (uint16_t)i);
    out[8] = 64;
    out[9] = 17;
    sl_be32_put(out + 12, 0x0a000000u + flow * 37);
    sl_be32_put(out + 16, 0xc0000200u + flow % 200);
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, 20)));
    sl_be16_put(out + 20, (uint16_t)(1024 + flow));
    sl_be16_put(out + 22, 443);
    sl_be16_put(out + 24, (uint16_t)(size - 20));
}

static void seal_next(struct rig *rig, uint8_t *inner, uint32_t size)
{
    uint32_t off = rig->offs[rig->count];
    uint32_t sealed = sl_esp_sealed_size(size, 0);
    if (off + sealed > POOL_BYTES) {
        bench_die("the pool is full");
    }
    if (sl_esp_seal(rig->seal[rig->side], inner, size, SL_ESP_NEXT_IPV4, 0, rig->pool + off, sealed,
                    &sealed) != SL_OK) {
        bench_die("cannot seal");
    }
    rig->sizes[rig->count] = size;
    rig->offs[++rig->count] = off + sealed;
}

static void fill(struct rig *rig, uint32_t size, uint32_t count, enum attack_kind kind)
{
    static const uint16_t imix[12] = {64, 576, 64, 64, 576, 64, 1420, 64, 576, 64, 64, 576};
    static uint8_t inner[ROOM];
    if (count > RIG_POOL) {
        bench_die("a job has at most %d packets", RIG_POOL);
    }
    rig->count = rig->due = rig->fed = rig->drained = 0;
    rig->due_size = kind > ATTACK_ORDINARY ? sl_esp_sealed_size(size, 0) : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t now = size == RIG_IMIX ? imix[i % 12] : size;
        bool is_turn = kind != ATTACK_NONE && attack_is_turn(rig->attack, i);
        if (is_turn && kind != ATTACK_ORDINARY) {
            seal_next(rig, inner, attack_make(rig->attack, inner));
            continue;
        }
        now = is_turn ? ATTACK_SIZE : now;
        if (rig->flows != NULL) {
            now = flows_make(rig->flows, i, now, inner);
        } else {
            inner_make(i, now, inner);
        }
        seal_next(rig, inner, now);
        rig->due++;
    }
}

void rig_fill(struct rig *rig, uint32_t size, uint32_t count)
{
    fill(rig, size, count, ATTACK_NONE);
}

void rig_fill_attacked(struct rig *rig, uint32_t size, uint32_t count)
{
    fill(rig, size, count, rig->attack != NULL ? attack_kind(rig->attack) : ATTACK_NONE);
}

uint32_t rig_waiting(const struct rig *rig)
{
    const struct sl_host_ring *rx = &rig->rx[rig->side];
    if (rig->attack == NULL) {
        return rig->fed - rig->drained;
    }
    return (rx->local - __atomic_load_n(&rx->index->consumer, __ATOMIC_ACQUIRE)) * RIG_RUN_MAX;
}

void rig_settle(struct rig *rig)
{
    while (sl_host_rx_is_pending(&rig->rx[rig->side])) {
        (void)rig_drain(rig, false);
    }
    (void)rig_drain(rig, false);
}

uint32_t rig_feed(struct rig *rig, uint32_t most)
{
    uint32_t given = 0;
    while (given < most && rig->fed < rig->count) {
        /* a run: packets of one size, as GRO would hand them over */
        uint32_t first = rig->fed;
        uint32_t last = first + 1;
        uint32_t limit = most - given < RIG_RUN_MAX ? most - given : RIG_RUN_MAX;
        while (last < rig->count && last - first < limit && rig->sizes[last] == rig->sizes[first]) {
            last++;
        }
        uint32_t size = rig->offs[last] - rig->offs[first];
        uint8_t *to = sl_host_rx_reserve(&rig->rx[rig->side], size);
        if (to == NULL) {
            break;
        }
        memcpy(to, rig->pool + rig->offs[first], size);
        if (!sl_host_rx_commit(&rig->rx[rig->side], size, rig->offs[first + 1] - rig->offs[first],
                               1, 0)) {
            break;
        }
        given += last - first;
        rig->fed = last;
    }
    return given;
}

static void sample_check(struct rig *rig, const uint8_t *data, uint32_t size, uint32_t index)
{
    uint8_t text[ROOM];
    uint8_t want[ROOM];
    struct sl_esp_inner inner;
    if (size > DATAGRAM_MAX ||
        sl_esp_open(rig->open[rig->side], data, size, text, sizeof(text), &inner) != SL_OK) {
        rig->wrong++;
        return;
    }
    if (rig->flows != NULL) {
        rig->wrong += !flows_see(rig->flows, text + inner.off, inner.size);
        return;
    }
    memset(want, 0, sizeof(want));
    inner_make(index, rig->sizes[index % rig->count], want);
    if (inner.size != rig->sizes[index % rig->count] || memcmp(text + inner.off, want, 28) != 0) {
        rig->wrong++;
    }
}

/* Datagrams of a run; of that size where it is not 0. */
static uint32_t datagrams_of(const struct sl_run *run, uint32_t size)
{
    if (run->size == 0) {
        return 0;
    }
    uint32_t whole = run->size / run->segment_size;
    uint32_t rest = run->size % run->segment_size;
    if (size == 0) {
        return whole + (rest != 0);
    }
    return (run->segment_size == size ? whole : 0) + (rest == size);
}

uint32_t rig_drain(struct rig *rig, bool is_checked)
{
    struct sl_run runs[64];
    uint32_t taken = 0;
    uint32_t count;
    while ((count = sl_host_tx_peek(&rig->tx[rig->side], runs, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t off = 0; is_checked && off < runs[i].size; off += runs[i].segment_size) {
                uint32_t left = runs[i].size - off;
                sample_check(rig, runs[i].data + off,
                             left < runs[i].segment_size ? left : runs[i].segment_size,
                             rig->drained + taken + off / runs[i].segment_size);
            }
            taken += datagrams_of(&runs[i], rig->due_size);
        }
        sl_host_tx_release(&rig->tx[rig->side], count);
    }
    rig->drained += taken;
    return taken;
}

/* One rule: the given source prefix and destination ports; the last one accepts all UDP. */
static void rule_write(struct sl_writer *w, uint32_t i, bool is_last)
{
    sl_writer_u8(w, is_last ? SL_FW_ACCEPT : SL_FW_DROP);
    sl_writer_u8(w, 0);
    sl_writer_u8(w, 0);
    sl_writer_u8(w, SL_FW_IP4);
    sl_writer_be32(w, 0);
    sl_writer_u8(w, is_last ? 1 : 3);
    if (!is_last) {
        uint32_t base =
            0x0a000000u + i * 64; /* within the traffic's sources: all must be looked at */
        sl_writer_u8(w, SL_FW_DIM_SRC4);
        sl_writer_be32(w, 1);
        sl_writer_be32(w, base);
        sl_writer_be32(w, base + 63);
        sl_writer_u8(w, SL_FW_DIM_DPORT);
        sl_writer_be32(w, 1);
        sl_writer_be16(w, (uint16_t)(1000 + i * 7 % 60000));
        sl_writer_be16(w, (uint16_t)(1000 + i * 7 % 60000 + 3));
    }
    sl_writer_u8(w, SL_FW_DIM_PROTO);
    sl_writer_be32(w, 1);
    sl_writer_u8(w, is_last ? 17 : 6);
    sl_writer_u8(w, is_last ? 17 : 6);
}

size_t rig_chain(uint32_t rules, uint8_t **ret_bundle)
{
    size_t room = 256 + (size_t)rules * 64;
    uint8_t *bundle = calloc(1, room);
    struct sl_writer w;
    if (bundle == NULL) {
        bench_die("out of memory");
    }
    sl_writer_init(&w, bundle, room);
    sl_writer_be32(&w, SL_CHAIN_MAGIC);
    sl_writer_be16(&w, 1);
    sl_writer_be16(&w, 1);
    sl_writer_be64(&w, 1);
    sl_writer_string(&w, "firewall");
    uint8_t *size_at = sl_writer_reserve(&w, 4);
    size_t start = w.off;
    sl_writer_be32(&w, SL_FW_MAGIC);
    sl_writer_be16(&w, SL_FW_FORMAT);
    sl_writer_u8(&w, SL_FW_DROP);
    sl_writer_u8(&w, 0);
    sl_writer_be32(&w, rules);
    for (uint32_t i = 0; i < rules; i++) {
        rule_write(&w, i, i + 1 == rules);
    }
    if (w.rc != SL_OK) {
        bench_die("cannot write the policy");
    }
    sl_be32_put(size_at, (uint32_t)(w.off - start));
    *ret_bundle = bundle;
    return w.off;
}
