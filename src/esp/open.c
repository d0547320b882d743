/* SPDX-License-Identifier: Apache-2.0 */
/* Inbound ESP: replay check, authentication and decryption, padding, inner header. */
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "esp/probe.h"
#include "esp/sa.h"

enum {
    FRONT_SIZE = SL_ESP_HEADER_SIZE + SL_ESP_IV_SIZE,
    TRAILER_SIZE = 2,  /* pad length, next header */
    TEXT_SIZE_MIN = 4, /* the trailer, aligned as RFC 4303 2.4 wants it */
    IPV4_SIZE_MIN = 20,
    IPV6_SIZE_MIN = 40,
};

static sl_rc refuse(uint64_t *counter, sl_rc rc)
{
    (*counter)++;
    return rc;
}

/* RFC 4303 2.4: "The Padding bytes are initialized with a series of (unsigned, 1-byte) integer
 * values. The first padding byte appended to the plaintext is numbered 1", and receivers SHOULD
 * inspect it. */
static bool padding_is_good(const uint8_t *text, uint32_t size, uint32_t *ret_payload_size)
{
    uint32_t pad = text[size - 2];
    if (pad + TRAILER_SIZE > size) {
        return false;
    }
    const uint8_t *at = text + size - TRAILER_SIZE - pad;
    for (uint32_t i = 0; i < pad; i++) {
        if (at[i] != i + 1) {
            return false;
        }
    }
    *ret_payload_size = size - TRAILER_SIZE - pad;
    return true;
}

/* Size that the inner header claims, which cuts TFC padding (RFC 4303 2.7); 0 where it disagrees
 * with the next header or with what is there. */
static uint32_t inner_size(const uint8_t *payload, uint32_t size, uint8_t next_header)
{
    uint32_t claimed = 0;
    if (next_header == SL_ESP_NEXT_IPV4) {
        if (size < IPV4_SIZE_MIN || payload[0] >> 4 != 4) {
            return 0;
        }
        uint32_t header = (payload[0] & 0xfu) * 4;
        claimed = sl_be16_get(payload + 2);
        if (header < IPV4_SIZE_MIN || claimed < header) {
            return 0;
        }
    } else if (next_header == SL_ESP_NEXT_IPV6) {
        if (size < IPV6_SIZE_MIN || payload[0] >> 4 != 6) {
            return 0;
        }
        claimed = IPV6_SIZE_MIN + sl_be16_get(payload + 4);
    }
    return claimed <= size ? claimed : 0;
}

/* What is left to decide once the packet is authentic. */
static sl_rc payload_check(struct sl_esp_sa *sa, const uint8_t *text, uint32_t text_size,
                           struct sl_esp_inner *ret_inner)
{
    uint32_t payload_size;
    uint8_t next_header = text[text_size - 1];
    if (!padding_is_good(text, text_size, &payload_size)) {
        return refuse(&sa->counters.bad_padding, SL_MALFORMED);
    }
    if (next_header == SL_ESP_NEXT_NONE) {
        struct sl_probe probe;
        if (sl_probe_read(text, payload_size, &probe) != SL_OK) {
            /* RFC 4303 2.6: "a receiver MUST be prepared to discard such packets" */
            return refuse(&sa->counters.dummy, SL_AGAIN);
        }
        sa->counters.probe++;
        ret_inner->size = payload_size;
    } else {
        uint32_t size = inner_size(text, payload_size, next_header);
        if (size == 0) {
            return refuse(&sa->counters.bad_inner, SL_MALFORMED);
        }
        sa->counters.ok++;
        sa->counters.bytes += size;
        ret_inner->size = size;
    }
    ret_inner->off = 0;
    ret_inner->next_header = next_header;
    return SL_OK;
}

static bool seq_find(const struct sl_esp_sa *sa, uint32_t seq_low, uint64_t *ret_seq)
{
    *ret_seq = seq_low;
    if (sa->is_esn && !sl_replay_infer(&sa->replay, seq_low, ret_seq)) {
        return false;
    }
    return sl_replay_is_fresh(&sa->replay, *ret_seq);
}

sl_rc sl_esp_open(struct sl_esp_sa *sa, const uint8_t *in, uint32_t in_size, uint8_t *out,
                  uint32_t out_size, struct sl_esp_inner *ret_inner)
{
    if (in_size < FRONT_SIZE + TEXT_SIZE_MIN + SL_ESP_ICV_SIZE || in_size % 4 != 0) {
        return refuse(&sa->counters.truncated, SL_TRUNCATED);
    }
    uint32_t text_size = in_size - FRONT_SIZE - SL_ESP_ICV_SIZE;
    if (out_size < text_size) {
        return refuse(&sa->counters.too_big, SL_NO_SPACE);
    }
    /* Single fetch: header, IV and ICV are copied in once; what is checked is what is used. */
    uint8_t front[FRONT_SIZE];
    uint8_t icv[SL_ESP_ICV_SIZE];
    memcpy(front, in, sizeof(front));
    memcpy(icv, in + FRONT_SIZE + text_size, sizeof(icv));
    __asm__ volatile("" ::: "memory");

    uint64_t seq;
    if (sl_be32_get(front) != sa->spi) {
        return refuse(&sa->counters.bad_spi, SL_NOT_FOUND);
    }
    if (!seq_find(sa, sl_be32_get(front + 4), &seq)) {
        return refuse(&sa->counters.replay, SL_REPLAY);
    }
    uint8_t nonce[SL_AEAD_NONCE_SIZE];
    memcpy(nonce, sa->salt, SL_ESP_SALT_SIZE);
    memcpy(nonce + SL_ESP_SALT_SIZE, front + SL_ESP_HEADER_SIZE, SL_ESP_IV_SIZE);
    uint8_t aad[SL_ESP_AAD_MAX];
    uint32_t aad_size = sl_esp_aad_write(sa, seq, aad);

    const uint8_t *text = in + FRONT_SIZE;
    if (!sa->aead.is_single_fetch) {
        memmove(out, text, text_size);
        text = out;
    }
    sl_rc rc;
    if (!sl_aead_decrypt(&sa->aead, nonce, aad, aad_size, text, text_size, out, icv)) {
        rc = refuse(&sa->counters.bad_icv, SL_AUTH);
    } else {
        sa->counters.seq_gap += sl_replay_accept(&sa->replay, seq);
        rc = payload_check(sa, out, text_size, ret_inner);
    }
    if (rc != SL_OK) {
        sl_wipe(out, text_size);
        return rc;
    }
    ret_inner->seq = seq;
    return SL_OK;
}
