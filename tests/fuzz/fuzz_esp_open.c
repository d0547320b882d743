/* SPDX-License-Identifier: Apache-2.0 */
/* Opens hostile ESP: bytes as they came, or as the text of a packet that authenticates.
 * Input: flags (bit 0: ESN, bits 1-2: algorithm, bit 3: authentic), then the packet or its text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "esp/sa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_IN = 4096, SPI = 0x1000 };

static void check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

/* Encrypts the text as it is, trailer included. */
static uint32_t authentic_make(struct sl_esp_sa *sa, const uint8_t *text, uint32_t size,
                               uint8_t *out)
{
    const uint64_t seq = 1;
    uint8_t nonce[SL_AEAD_NONCE_SIZE] = {0};
    uint8_t aad[SL_ESP_AAD_MAX];
    sl_be32_put(out, SPI);
    sl_be32_put(out + 4, (uint32_t)seq);
    sl_be64_put(out + 8, seq);
    memcpy(nonce + 4, out + 8, 8);
    sl_aead_encrypt(&sa->aead, nonce, aad, sl_esp_aad_write(sa, seq, aad), text, size, out + 16,
                    out + 16 + size);
    return size + 32;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t wire[SIZE_MAX_IN + 64];
    if (size < 2 || size > SIZE_MAX_IN) {
        return 0;
    }
    uint8_t flags = data[0];
    data++;
    size--;
    struct sl_esp_params params = {.spi = SPI, .window = 64, .is_inbound = true};
    params.is_esn = (flags & 1) != 0;
    params.alg = (enum sl_esp_alg)(1 + (flags >> 1 & 3) % 3);
    struct sl_esp_sa *sa = NULL;
    check(sl_esp_sa_create(&params, &sa) == SL_OK);
    uint32_t wire_size = (uint32_t)size;
    if ((flags & 8) != 0) {
        size &= ~(size_t)3;
        wire_size = size >= 4 ? authentic_make(sa, data, (uint32_t)size, wire) : 0;
    } else {
        memcpy(wire, data, size);
    }
    uint8_t *in = malloc(wire_size + 1); /* exact sizes, so that ASan sees a step outside */
    uint8_t *out = malloc(wire_size + 1);
    check(in != NULL && out != NULL);
    memcpy(in, wire, wire_size);
    memset(out, 0, wire_size);
    struct sl_esp_inner inner;
    sl_rc rc = sl_esp_open(sa, in, wire_size, out, wire_size, &inner);
    if (rc == SL_OK) {
        check(inner.off + inner.size <= wire_size - 32 && inner.size != 0 && inner.seq == 1);
        check(sl_esp_open(sa, in, wire_size, out, wire_size, &inner) == SL_REPLAY);
    } else {
        for (uint32_t i = 0; i < wire_size; i++) {
            check(out[i] == 0);
        }
    }
    free(in);
    free(out);
    sl_esp_sa_free(sa);
    return 0;
}
