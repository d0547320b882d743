/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What an SA holds. Internal to src/esp.
 */
#ifndef SL_ESP_SA_H
#define SL_ESP_SA_H

#include "esp/aead.h"
#include "esp/esp.h"
#include "esp/replay.h"

enum {
    /** SPI, high and low half of the sequence number */
    SL_ESP_AAD_MAX = 12,
};

/** One SA: what every packet touches comes first. */
struct sl_esp_sa {
    uint32_t spi;
    bool is_esn;
    bool is_inbound;
    uint8_t salt[SL_ESP_SALT_SIZE];
    uint64_t seq;     /**< outbound: last number used */
    uint64_t seq_max; /**< outbound: last number that may be used */
    struct sl_esp_counters counters;
    struct sl_aead aead;
    struct sl_replay replay; /**< inbound */
} __attribute__((aligned(64)));

/** As sl_esp_sa_create, with the code of ipsec-mb chosen (tests of the paths that copy). */
sl_rc sl_esp_sa_create_level(const struct sl_esp_params *params, enum sl_aead_level level,
                             struct sl_esp_sa **ret_sa) SL_MUST_CHECK;

/** RFC 4106 5, RFC 7634 2.1: AAD is SPI and sequence number, all 64 bits of it with ESN.
 * @return its size, 8 or 12 */
uint32_t sl_esp_aad_write(const struct sl_esp_sa *sa, uint64_t seq, uint8_t out[SL_ESP_AAD_MAX]);

#endif
