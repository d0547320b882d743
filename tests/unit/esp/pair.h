/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of SAs with one key, and inner packets to send through them. */
#ifndef SL_TESTS_ESP_PAIR_H
#define SL_TESTS_ESP_PAIR_H

#include "unit.h"

#include "base/bytes.h"
#include "esp/sa.h"
#include "safelib/checksum.h"

enum { PAIR_SPI = 0x1000a501 };

static const struct sl_esp_params pair_params = {
    .alg = SL_ESP_AES_128_GCM_16,
    .spi = PAIR_SPI,
    .window = 64,
    .key = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
    .salt = {0xca, 0xfe, 0xba, 0xbe},
};

struct pair {
    struct sl_esp_sa *out;
    struct sl_esp_sa *in;
};

static inline void pair_create_level(struct pair *pair, const struct sl_esp_params *from,
                                     enum sl_aead_level level)
{
    struct sl_esp_params params = *from;
    params.is_inbound = false;
    assert_ok(sl_esp_sa_create_level(&params, level, &pair->out));
    params.is_inbound = true;
    assert_ok(sl_esp_sa_create_level(&params, level, &pair->in));
}

static inline void pair_create(struct pair *pair, const struct sl_esp_params *from)
{
    pair_create_level(pair, from, SL_AEAD_LEVEL_AUTO);
}

static inline void pair_free(struct pair *pair)
{
    sl_esp_sa_free(pair->out);
    sl_esp_sa_free(pair->in);
}

/* A UDP packet of `size` bytes (version 4 or 6) whose payload counts up. */
static inline void inner_make(uint8_t *out, uint8_t version, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(i * 7 + 3);
    }
    if (version == 4) {
        memset(out, 0, 20);
        out[0] = 0x45;
        sl_be16_put(out + 2, (uint16_t)size);
        out[8] = 64;
        out[9] = 17;
        sl_be32_put(out + 12, 0x0a000001);
        sl_be32_put(out + 16, 0xc0000201);
        sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, 20)));
    } else {
        memset(out, 0, 40);
        out[0] = 0x60;
        sl_be16_put(out + 4, (uint16_t)(size - 40));
        out[6] = 17;
        out[7] = 64;
        out[23] = 1;
        out[39] = 2;
    }
}

/* Seals one IPv4 packet of `size` bytes into `out`; returns the ESP packet's size. */
static inline uint32_t pair_seal(struct pair *pair, uint32_t size, uint8_t *out, uint32_t out_size)
{
    static uint8_t inner[SL_ESP_INNER_MAX + SL_ESP_OVERHEAD_MAX];
    uint32_t sealed = 0;
    inner_make(inner, 4, size);
    assert_ok(sl_esp_seal(pair->out, inner, size, SL_ESP_NEXT_IPV4, 0, out, out_size, &sealed));
    return sealed;
}

#endif
