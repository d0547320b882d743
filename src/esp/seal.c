/* SPDX-License-Identifier: Apache-2.0 */
/* Outbound ESP: trailer, IV, encryption. */
#include <string.h>

#include "base/bytes.h"
#include "esp/sa.h"

enum {
    FRONT_SIZE = SL_ESP_HEADER_SIZE + SL_ESP_IV_SIZE,
    TRAILER_SIZE = 2,
};

static uint32_t pad_size(uint32_t payload_size)
{
    return (0u - (payload_size + TRAILER_SIZE)) & 3u; /* RFC 4303 2.4: align to 4 */
}

uint32_t sl_esp_sealed_size(uint32_t inner_size, uint32_t tfc_size)
{
    uint32_t payload_size = inner_size + tfc_size;
    return FRONT_SIZE + payload_size + pad_size(payload_size) + TRAILER_SIZE + SL_ESP_ICV_SIZE;
}

/* TFC padding, padding 1, 2, 3, pad length, next header; returns the size of all that is encrypted.
 */
static uint32_t trailer_write(uint8_t *in, uint32_t in_size, uint32_t tfc_size, uint8_t next_header)
{
    uint8_t *at = in + in_size;
    if (tfc_size != 0) {
        memset(at, 0, tfc_size);
        at += tfc_size;
    }
    uint32_t pad = pad_size(in_size + tfc_size);
    for (uint32_t i = 0; i < pad; i++) {
        at[i] = (uint8_t)(i + 1);
    }
    at[pad] = (uint8_t)pad;
    at[pad + 1] = next_header;
    return in_size + tfc_size + pad + TRAILER_SIZE;
}

sl_rc sl_esp_seal(struct sl_esp_sa *sa, uint8_t *in, uint32_t in_size, uint8_t next_header,
                  uint32_t tfc_size, uint8_t *out, uint32_t out_size, uint32_t *ret_size)
{
    if (in_size > SL_ESP_INNER_MAX || tfc_size > SL_ESP_INNER_MAX ||
        out_size < sl_esp_sealed_size(in_size, tfc_size)) {
        sa->counters.too_big++;
        return SL_NO_SPACE;
    }
    if (sa->seq >= sa->seq_max) {
        sa->counters.seq_overflow++;
        return SL_OVERFLOW;
    }
    uint64_t seq = sa->seq + 1;
    __atomic_store_n(&sa->seq, seq, __ATOMIC_RELAXED); /* status reads it */
    uint32_t text_size = trailer_write(in, in_size, tfc_size, next_header);

    /* The IV is the 64-bit sequence number, as RFC 8750 derives it: it never repeats under one key,
     * because a number is used up before anything is encrypted with it, the counter stops before it
     * wraps, and keys are never stored, shared between SAs or used again after a restart. A random
     * IV would repeat with probability 2^-33 after 2^16 packets, and would need a generator here.
     */
    uint8_t front[FRONT_SIZE];
    sl_be32_put(front, sa->spi);
    sl_be32_put(front + 4, (uint32_t)seq);
    sl_be64_put(front + SL_ESP_HEADER_SIZE, seq);
    uint8_t nonce[SL_AEAD_NONCE_SIZE];
    memcpy(nonce, sa->salt, SL_ESP_SALT_SIZE);
    memcpy(nonce + SL_ESP_SALT_SIZE, front + SL_ESP_HEADER_SIZE, SL_ESP_IV_SIZE);
    uint8_t aad[SL_ESP_AAD_MAX];
    uint32_t aad_size = sl_esp_aad_write(sa, seq, aad);

    uint8_t icv[SL_ESP_ICV_SIZE];
    if (sa->aead.is_single_fetch) {
        sl_aead_encrypt(&sa->aead, nonce, aad, aad_size, in, text_size, out + FRONT_SIZE, icv);
    } else {
        /* code that may read its output back works in private memory only */
        sl_aead_encrypt(&sa->aead, nonce, aad, aad_size, in, text_size, in, icv);
        memmove(out + FRONT_SIZE, in, text_size);
    }
    memcpy(out, front, sizeof(front));
    memcpy(out + FRONT_SIZE + text_size, icv, sizeof(icv));
    sa->counters.ok++;
    sa->counters.bytes += in_size;
    *ret_size = FRONT_SIZE + text_size + SL_ESP_ICV_SIZE;
    return SL_OK;
}
