/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile host against the whole packet path: ESP, chain, ESP. An NF in the chain looks at
 * every packet that got in, a gateway opens everything that came out; both know what was sent. The
 * shared area must never hold plain text or a key. */
#ifndef SL_TESTS_BOUNDARY_HOSTILE_WORKER_H
#define SL_TESTS_BOUNDARY_HOSTILE_WORKER_H

#include "base/bytes.h"
#include "esp/esp.h"
#include "hostile.h"
#include "image/worker.h"
#include "nf/chain.h"

enum {
    MARK_SIZE = 32,
    IP_SIZE = 28, /* IPv4 and UDP headers */
    INNER_MIN = IP_SIZE + MARK_SIZE + 4,
    INNER_MAX = 1400,
    NUMBERS = 1 << 16,
    RECORDED = 16,
};

struct hostile_worker {
    struct hostile h; /* first: the hooks get its address */
    struct sl_worker *worker;
    struct sl_worker_config config;
    struct sl_esp_sa *to_image[2], *from_image[2]; /* the gateway's */
    uint8_t keys[4][16];
    uint32_t next_number;
    /* valid datagrams, for replays */
    uint8_t recorded[RECORDED][INNER_MAX + SL_ESP_OVERHEAD_MAX];
    uint32_t recorded_size[RECORDED];
    uint32_t record;
    uint64_t seen_inside, came_back, refused_back;
};

/* What the NF knows; one program at a time. */
static uint8_t hostile_mark[MARK_SIZE];
static uint8_t hostile_seen_in[NUMBERS / 8], hostile_seen_out[NUMBERS / 8];
static uint64_t hostile_inside;

static inline uint32_t inner_build(uint8_t *out, uint32_t size, uint32_t number)
{
    memset(out, 0, IP_SIZE);
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)size);
    out[8] = 64;
    out[9] = 17;
    sl_be16_put(out + 24, (uint16_t)(size - 20));
    memcpy(out + IP_SIZE, hostile_mark, MARK_SIZE);
    sl_be32_put(out + IP_SIZE + MARK_SIZE, number);
    for (uint32_t i = INNER_MIN; i < size; i++) {
        out[i] = (uint8_t)(number * 31 + i);
    }
    return size;
}

/* What left ESP is exactly something that was sent, and for the first time. */
static inline void inner_check(const uint8_t *at, uint32_t size, uint8_t *seen)
{
    uint8_t expected[INNER_MAX];
    MUST(size >= INNER_MIN && size <= INNER_MAX);
    uint32_t number = sl_be32_get(at + IP_SIZE + MARK_SIZE);
    MUST(memcmp(expected, at, inner_build(expected, size, number)) == 0);
    number %= NUMBERS;
    MUST((seen[number / 8] & 1 << number % 8) == 0);
    seen[number / 8] |= (uint8_t)(1 << number % 8);
}

static inline sl_rc witness_load(const void *policy, size_t size, void **ret_state, char *reason,
                                 size_t reason_size)
{
    (void)policy;
    (void)size;
    (void)reason;
    (void)reason_size;
    *ret_state = &hostile_inside;
    return SL_OK;
}

static inline void witness_burst(void *state, struct sl_packet *const *packets, uint32_t count)
{
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        inner_check(packets[i]->data, packets[i]->size, hostile_seen_in);
        packets[i]->verdict = SL_VERDICT_PASS;
        hostile_inside++;
    }
}

static inline void witness_unload(void *state)
{
    (void)state;
}

static const struct sl_nf witness = {
    .name = "witness", .load = witness_load, .burst = witness_burst, .unload = witness_unload};
SL_NF_REGISTER(witness);

/* ---- the hooks ---- */

static inline uint32_t datagram_make(struct hostile_worker *w, uint32_t port, uint32_t size,
                                     uint8_t *out)
{
    uint8_t inner[INNER_MAX + SL_ESP_OVERHEAD_MAX];
    uint32_t sealed = 0;
    (void)inner_build(inner, size, w->next_number++);
    MUST(sl_esp_seal(w->to_image[port], inner, size, SL_ESP_NEXT_IPV4, 0, out,
                     INNER_MAX + SL_ESP_OVERHEAD_MAX, &sealed) == SL_OK);
    uint32_t slot = w->record++ % RECORDED;
    memcpy(w->recorded[slot], out, sealed);
    w->recorded_size[slot] = sealed;
    return sealed;
}

/* A run of valid datagrams; or some are spoilt, replayed or truncated. */
static inline void worker_put(struct hostile *h)
{
    struct hostile_worker *w = (struct hostile_worker *)h;
    uint8_t datagram[INNER_MAX + SL_ESP_OVERHEAD_MAX];
    uint32_t how = hostile_arg(h, 1);
    uint32_t port = how & 1;
    uint32_t count = 1 + (how >> 1 & 7);
    uint32_t inner = INNER_MIN + hostile_arg(h, 2) % (INNER_MAX - INNER_MIN + 1);
    uint32_t segment = sl_esp_sealed_size(inner, 0);
    uint8_t *place = sl_host_rx_reserve(&h->in[port], segment * count);
    if (place == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = datagram_make(w, port, inner, datagram);
        if ((how & 0x30) == 0x10) { /* replay one of before */
            uint32_t slot = hostile_arg(h, 1) % RECORDED;
            if (w->recorded_size[slot] == size) {
                memcpy(datagram, w->recorded[slot], size);
            }
        } else if ((how & 0x30) == 0x20) { /* spoil a byte */
            datagram[hostile_arg(h, 2) % size] ^= (uint8_t)(1 + hostile_arg(h, 1) % 255);
        }
        memcpy(place + i * segment, datagram, size);
    }
    uint32_t cut = (how & 0xc0) == 0xc0 ? hostile_arg(h, 1) % segment : 0;
    (void)sl_host_rx_commit(&h->in[port], segment * count - cut,
                            count == 1 ? segment - cut : segment, (uint16_t)port, how & 3);
}

static inline void worker_step(struct hostile *h, uint32_t how)
{
    struct hostile_worker *w = (struct hostile_worker *)h;
    for (uint32_t i = 0; i < 1 + how % 4; i++) {
        (void)sl_worker_pass(w->worker);
    }
    w->seen_inside = hostile_inside;
}

static inline void worker_drain(struct hostile *h)
{
    struct hostile_worker *w = (struct hostile_worker *)h;
    static uint8_t datagram[SL_RUN_SIZE_MAX], inner[SL_RUN_SIZE_MAX];
    for (uint32_t port = 0; port < 2; port++) {
        struct sl_run runs[8];
        uint32_t count = sl_host_tx_peek(&h->out[port], runs, 8);
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t off = 0; off < runs[i].size; off += runs[i].segment_size) {
                uint32_t left = runs[i].size - off;
                uint32_t size = left < runs[i].segment_size ? left : runs[i].segment_size;
                struct sl_esp_inner found;
                memcpy(datagram, runs[i].data + off, size);
                if (sl_esp_open(w->from_image[port], datagram, size, inner, sizeof(inner),
                                &found) == SL_OK) {
                    inner_check(inner + found.off, found.size, hostile_seen_out);
                    w->came_back++;
                } else {
                    w->refused_back++;
                }
            }
        }
        sl_host_tx_release(&h->out[port], count);
    }
}

/* ---- the rig ---- */

static inline struct sl_esp_sa *hostile_sa(const uint8_t key[16], uint32_t spi, bool is_inbound)
{
    struct sl_esp_params params = {.alg = SL_ESP_AES_128_GCM_16,
                                   .spi = spi,
                                   .is_esn = true,
                                   .is_inbound = is_inbound,
                                   .window = 1024,
                                   .salt = {1, 2, 3, 4}};
    struct sl_esp_sa *sa = NULL;
    memcpy(params.key, key, 16);
    MUST(sl_esp_sa_create(&params, &sa) == SL_OK);
    return sa;
}

static inline void hostile_worker_init(struct hostile_worker *w)
{
    uint8_t bundle[64];
    struct sl_writer bundle_writer;
    struct sl_err err = {0};
    memset(w, 0, sizeof(*w));
    hostile_init(&w->h);
    w->h.step = worker_step;
    w->h.put = worker_put;
    w->h.drain = worker_drain;
    memset(hostile_seen_in, 0, sizeof(hostile_seen_in));
    memset(hostile_seen_out, 0, sizeof(hostile_seen_out));
    hostile_inside = 0;
    MUST(getrandom(hostile_mark, sizeof(hostile_mark), 0) == (ssize_t)sizeof(hostile_mark));
    MUST(getrandom(w->keys, sizeof(w->keys), 0) == (ssize_t)sizeof(w->keys));
    w->worker = aligned_alloc(_Alignof(struct sl_worker), sizeof(*w->worker));
    MUST(w->worker != NULL);
    MUST(sl_worker_init(w->worker, 0, w->h.f.area, &w->h.f.geometry, &w->h.f.layout) == SL_OK);
    for (uint32_t port = 0; port < 2; port++) {
        w->config.ports[port].in = hostile_sa(w->keys[port], 0x1000 + port, true);
        w->config.ports[port].out = hostile_sa(w->keys[2 + port], 0x2000 + port, false);
        w->to_image[port] = hostile_sa(w->keys[port], 0x1000 + port, false);
        w->from_image[port] = hostile_sa(w->keys[2 + port], 0x2000 + port, true);
    }
    sl_writer_init(&bundle_writer, bundle, sizeof(bundle));
    sl_writer_be32(&bundle_writer, SL_CHAIN_MAGIC);
    sl_writer_be16(&bundle_writer, 1);
    sl_writer_be16(&bundle_writer, 1);
    sl_writer_be64(&bundle_writer, 1);
    sl_writer_string(&bundle_writer, "witness");
    sl_writer_be32(&bundle_writer, 0);
    if (sl_chain_create(bundle, bundle_writer.off, &w->config.chain, &err) != SL_OK) {
        (void)fprintf(stderr, "chain: %s\n", err.text);
        abort();
    }
    atomic_store(&w->worker->config, &w->config);
}

/* Nothing secret is outside, whatever happened. */
static inline void hostile_worker_check(const struct hostile_worker *w)
{
    const uint8_t *area = w->h.f.area;
    uint64_t size = w->h.f.layout.size;
    MUST(memmem(area, size, hostile_mark, MARK_SIZE / 2) == NULL);
    MUST(memmem(area, size, hostile_mark + MARK_SIZE / 2, MARK_SIZE / 2) == NULL);
    for (uint32_t i = 0; i < 4; i++) {
        MUST(memmem(area, size, w->keys[i], 12) == NULL);
    }
}

static inline void hostile_worker_done(struct hostile_worker *w)
{
    for (uint32_t port = 0; port < 2; port++) {
        sl_esp_sa_free(w->config.ports[port].in);
        sl_esp_sa_free(w->config.ports[port].out);
        sl_esp_sa_free(w->to_image[port]);
        sl_esp_sa_free(w->from_image[port]);
    }
    sl_chain_free(w->config.chain);
    sl_worker_done(w->worker);
    free(w->worker);
    hostile_done(&w->h);
}

#endif
