/* SPDX-License-Identifier: Apache-2.0 */
/* Making and ending an SA. */
#include "esp/sa.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

enum { SPI_RESERVED_MAX = 255 }; /* RFC 4303 2.1: IANA keeps 1 to 255, 0 is local */

static sl_rc params_check(const struct sl_esp_params *params)
{
    if (sl_aead_key_size(params->alg) == 0) {
        return SL_UNSUPPORTED;
    }
    if (params->spi <= SPI_RESERVED_MAX) {
        return SL_RANGE;
    }
    if (!params->is_esn && params->seq_start > UINT32_MAX) {
        return SL_RANGE;
    }
    if (params->is_inbound &&
        (params->window < SL_ESP_WINDOW_MIN || params->window > SL_ESP_WINDOW_MAX ||
         (params->window & (params->window - 1)) != 0)) {
        return SL_RANGE;
    }
    return SL_OK;
}

sl_rc sl_esp_sa_create_level(const struct sl_esp_params *params, enum sl_aead_level level,
                             struct sl_esp_sa **ret_sa)
{
    sl_rc rc = params_check(params);
    if (rc != SL_OK) {
        return rc;
    }
    struct sl_esp_sa *sa = aligned_alloc(_Alignof(struct sl_esp_sa), sizeof(*sa));
    if (sa == NULL) {
        return SL_NO_MEMORY;
    }
    memset(sa, 0, sizeof(*sa));
    sa->spi = params->spi;
    sa->is_esn = params->is_esn;
    sa->is_inbound = params->is_inbound;
    memcpy(sa->salt, params->salt, sizeof(sa->salt));
    sa->seq = params->seq_start;
    sa->seq_max = params->is_esn ? UINT64_MAX : UINT32_MAX;
    if (params->is_inbound) {
        sl_replay_init(&sa->replay, params->window, params->seq_start);
    }
    rc = sl_aead_init(&sa->aead, params->alg, params->key, level);
    if (rc != SL_OK) {
        sl_esp_sa_free(sa);
        return rc;
    }
    *ret_sa = sa;
    return SL_OK;
}

sl_rc sl_esp_sa_create(const struct sl_esp_params *params, struct sl_esp_sa **ret_sa)
{
    return sl_esp_sa_create_level(params, SL_AEAD_LEVEL_AUTO, ret_sa);
}

void sl_esp_sa_free(struct sl_esp_sa *sa)
{
    if (sa != NULL) {
        sl_wipe(sa, sizeof(*sa));
        free(sa);
    }
}

uint32_t sl_esp_sa_spi(const struct sl_esp_sa *sa)
{
    return sa->spi;
}

uint64_t sl_esp_sa_seq(const struct sl_esp_sa *sa)
{
    return __atomic_load_n(sa->is_inbound ? &sa->replay.top : &sa->seq, __ATOMIC_RELAXED);
}

const struct sl_esp_counters *sl_esp_sa_counters(const struct sl_esp_sa *sa)
{
    return &sa->counters;
}

uint32_t sl_esp_aad_write(const struct sl_esp_sa *sa, uint64_t seq, uint8_t out[SL_ESP_AAD_MAX])
{
    sl_be32_put(out, sa->spi);
    if (sa->is_esn) {
        sl_be64_put(out + 4, seq);
        return 12;
    }
    sl_be32_put(out + 4, (uint32_t)seq);
    return 8;
}
