/* SPDX-License-Identifier: Apache-2.0 */
/* What ESP costs beyond the cipher: sl_esp_seal and sl_esp_open against the bare call of ipsec-mb
 * on the same bytes, interleaved. Usage: bench-esp [--rounds N] [OUT.json] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp/sa.h"
#include "measure.h"

enum {
    PACKETS = 64, /* all four buffers fit the second-level cache */
    ROOM = 1536,
    KEPT = 16, /* passes over the packets in one window */
};

static const uint32_t sizes[] = {64, 256, 576, 1024, 1420};
static const struct {
    enum sl_esp_alg alg;
    const char *name;
} algs[] = {
    {SL_ESP_AES_128_GCM_16, "aes-128-gcm"},
    {SL_ESP_AES_256_GCM_16, "aes-256-gcm"},
    {SL_ESP_CHACHA20_POLY1305, "chacha20-poly1305"},
};

/* Everything that one (algorithm, size) needs. */
struct work {
    struct sl_esp_sa *out;
    struct sl_esp_sa *in;
    uint32_t size;
    uint8_t (*plain)[ROOM];
    uint8_t (*sealed)[ROOM];
    uint8_t (*text)[ROOM];
    uint8_t (*scratch)[ROOM];
};

static void work_init(struct work *work, enum sl_esp_alg alg, uint32_t size)
{
    struct sl_esp_params params = {
        .alg = alg, .spi = 0x1000, .window = 1024, .key = {1}, .is_esn = true};
    work->size = size;
    work->plain = aligned_alloc(4096, (size_t)4 * PACKETS * ROOM);
    if (work->plain == NULL || sl_esp_sa_create(&params, &work->out) != SL_OK) {
        bench_die("cannot make the SAs");
    }
    params.is_inbound = true;
    if (sl_esp_sa_create(&params, &work->in) != SL_OK) {
        bench_die("cannot make the SAs");
    }
    work->sealed = work->plain + PACKETS;
    work->text = work->sealed + PACKETS;
    work->scratch = work->text + PACKETS;
    memset(work->plain, 0, (size_t)4 * PACKETS * ROOM);
    for (unsigned i = 0; i < PACKETS; i++) {
        uint8_t *packet = work->plain[i];
        uint32_t sealed;
        packet[0] = 0x45;
        packet[2] = (uint8_t)(size >> 8);
        packet[3] = (uint8_t)size;
        if (sl_esp_seal(work->out, packet, size, 4, 0, work->sealed[i], ROOM, &sealed) != SL_OK) {
            bench_die("cannot seal");
        }
    }
}

static void work_done(struct work *work)
{
    sl_esp_sa_free(work->out);
    sl_esp_sa_free(work->in);
    free(work->plain);
}

static uint64_t run_raw_encrypt(void *ctx, uint64_t count)
{
    struct work *w = ctx;
    const uint8_t nonce[12] = {1};
    const uint8_t aad[12] = {2};
    uint8_t tag[16];
    uint32_t text_size = sl_esp_sealed_size(w->size, 0) - 32;
    for (uint64_t i = 0; i < count; i++) {
        sl_aead_encrypt(&w->out->aead, nonce, aad, 12, w->plain[i % PACKETS], text_size,
                        w->scratch[i % PACKETS] + 16, tag);
    }
    return 0;
}

static uint64_t run_seal(void *ctx, uint64_t count)
{
    struct work *w = ctx;
    uint32_t sealed;
    for (uint64_t i = 0; i < count; i++) {
        if (sl_esp_seal(w->out, w->plain[i % PACKETS], w->size, 4, 0, w->scratch[i % PACKETS], ROOM,
                        &sealed) != SL_OK) {
            bench_die("seal failed");
        }
    }
    return 0;
}

static uint64_t run_raw_decrypt(void *ctx, uint64_t count)
{
    struct work *w = ctx;
    const uint8_t nonce[12] = {1};
    const uint8_t aad[12] = {2};
    uint32_t text_size = sl_esp_sealed_size(w->size, 0) - 32;
    uint64_t good = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *packet = w->sealed[i % PACKETS];
        sl_esp_prefetch(w->sealed[(i + 2) % PACKETS], text_size + 32);
        good += sl_aead_decrypt(&w->in->aead, nonce, aad, 12, packet + 16, text_size,
                                w->text[i % PACKETS], packet + 16 + text_size);
    }
    if (good != 0) {
        bench_die("a wrong nonce authenticated");
    }
    return 0;
}

static uint64_t run_open(void *ctx, uint64_t count)
{
    struct work *w = ctx;
    struct sl_esp_inner inner;
    uint32_t sealed = sl_esp_sealed_size(w->size, 0);
    for (uint64_t i = 0; i < count; i++) {
        if (i % PACKETS == 0) {
            sl_replay_init(&w->in->replay, w->in->replay.window, 0);
        }
        sl_esp_prefetch(w->sealed[(i + 2) % PACKETS], sealed);
        if (sl_esp_open(w->in, w->sealed[i % PACKETS], sealed, w->text[i % PACKETS], ROOM,
                        &inner) != SL_OK) {
            bench_die("open failed");
        }
    }
    return 0;
}

static json_t *row_run(size_t alg, uint32_t size, unsigned rounds)
{
    struct work work;
    struct bench_stat stats[5];
    work_init(&work, algs[alg].alg, size);
    const struct bench_case cases[] = {
        {"raw encrypt", run_raw_encrypt, &work, KEPT * PACKETS, 0},
        {"seal", run_seal, &work, KEPT * PACKETS, 0},
        {"raw decrypt", run_raw_decrypt, &work, KEPT * PACKETS, 2},
        {"open", run_open, &work, KEPT * PACKETS, 2},
        bench_calibration_case(),
    };
    bench_interleave(cases, 5, rounds, stats);
    work_done(&work);
    printf("%-18s %5u  seal %6.1f (x %.3f, +%5.1f)  open %6.1f (x %.3f, +%5.1f)  p10 %6.1f %6.1f  "
           "calibration %5.1f\n",
           algs[alg].name, size, stats[1].min, stats[1].ratio,
           (stats[1].ratio - 1) * stats[0].median, stats[3].min, stats[3].ratio,
           (stats[3].ratio - 1) * stats[2].median, stats[1].p10, stats[3].p10, stats[4].min);
    return json_pack("{s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "algorithm", algs[alg].name, "inner_bytes",
                     (json_int_t)size, "raw_encrypt", bench_stat_json(&stats[0]), "seal",
                     bench_stat_json(&stats[1]), "raw_decrypt", bench_stat_json(&stats[2]), "open",
                     bench_stat_json(&stats[3]), "calibration", bench_stat_json(&stats[4]));
}

int main(int argc, char **argv)
{
    unsigned rounds = 200;
    const char *path = NULL;
    bench_args(argc, argv, &rounds, &path);
    if (rounds == 0) {
        bench_die("--rounds N: a number above 0");
    }
    printf("ns per packet, minimum of %u windows; x and + are what ESP adds to the cipher, from "
           "windows "
           "side by side\n",
           rounds);
    json_t *rows = json_array();
    for (size_t alg = 0; alg < sizeof(algs) / sizeof(algs[0]); alg++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            (void)json_array_append_new(rows, row_run(alg, sizes[i], rounds));
        }
    }
    if (path != NULL) {
        bench_result_write(path, "esp", json_pack("{s:o}", "rows", rows));
    } else {
        json_decref(rows);
    }
    return 0;
}
