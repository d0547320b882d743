/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The AEADs of ESP behind one call each way: AES-GCM-16 and ChaCha20-Poly1305 by intel-ipsec-mb's
 * direct API, keys expanded once. Internal to src/esp (tests use it for published AEAD vectors).
 */
#ifndef SL_ESP_AEAD_H
#define SL_ESP_AEAD_H

#include <intel-ipsec-mb.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "esp/esp.h"

enum {
    SL_AEAD_NONCE_SIZE = 12,
    SL_AEAD_TAG_SIZE = 16,
};

/** Which code of ipsec-mb runs. AVX2 is the one whose loads and stores are traced: it reads each
 * source byte once and never reads its destination, so it may work straight on shared memory.
 * AVX-512 is never chosen: valgrind 3.19 cannot trace it and it is not faster here. */
enum sl_aead_level {
    SL_AEAD_LEVEL_AUTO = 0,
    SL_AEAD_LEVEL_SSE = 1,
    SL_AEAD_LEVEL_AVX2 = 2,
};

/** One key. Wiped by sl_aead_done. */
struct sl_aead {
    aes_gcm_enc_dec_t gcm_encrypt; /**< NULL for ChaCha20-Poly1305 */
    aes_gcm_enc_dec_t gcm_decrypt;
    IMB_MGR *mgr;         /**< ChaCha20-Poly1305 only */
    bool is_single_fetch; /**< source may be shared memory; else the caller must copy first */
    union {
        struct gcm_context_data gcm;
        struct chacha20_poly1305_context_data chacha;
    } ctx;
    struct gcm_key_data gcm __attribute__((aligned(64)));
    uint8_t chacha_key[32];
};

/** @retval SL_OK, SL_UNSUPPORTED (algorithm, or the processor lacks AES-NI, PCLMULQDQ or the level
 * asked for), SL_CRYPTO (ipsec-mb's self-test)
 * @context control thread */
sl_rc sl_aead_init(struct sl_aead *aead, enum sl_esp_alg alg, const uint8_t *key,
                   enum sl_aead_level level) SL_MUST_CHECK;
void sl_aead_done(struct sl_aead *aead);
/** 16 or 32; 0 for an unknown algorithm. */
uint32_t sl_aead_key_size(enum sl_esp_alg alg);

/** The slower paths of the two calls below. */
void sl_aead_chacha_encrypt(struct sl_aead *aead, const uint8_t nonce[SL_AEAD_NONCE_SIZE],
                            const uint8_t *aad, uint32_t aad_size, const uint8_t *in, uint32_t size,
                            uint8_t *out, uint8_t ret_tag[SL_AEAD_TAG_SIZE]);
void sl_aead_chacha_decrypt(struct sl_aead *aead, const uint8_t nonce[SL_AEAD_NONCE_SIZE],
                            const uint8_t *aad, uint32_t aad_size, const uint8_t *in, uint32_t size,
                            uint8_t *out, uint8_t ret_tag[SL_AEAD_TAG_SIZE]);

/** Encrypts @p size > 0 bytes; @p out may equal @p in, or lie apart.
 * @context packet path */
static inline void sl_aead_encrypt(struct sl_aead *aead, const uint8_t nonce[SL_AEAD_NONCE_SIZE],
                                   const uint8_t *aad, uint32_t aad_size, const uint8_t *in,
                                   uint32_t size, uint8_t *out, uint8_t ret_tag[SL_AEAD_TAG_SIZE])
{
    if (__builtin_expect(aead->gcm_encrypt != NULL, 1)) {
        aead->gcm_encrypt(&aead->gcm, &aead->ctx.gcm, out, in, size, nonce, aad, aad_size, ret_tag,
                          SL_AEAD_TAG_SIZE);
    } else {
        sl_aead_chacha_encrypt(aead, nonce, aad, aad_size, in, size, out, ret_tag);
    }
}

/** Decrypts and compares the tag in constant time. On false @p out holds garbage: wipe it.
 * @context packet path */
SL_MUST_CHECK static inline bool sl_aead_decrypt(struct sl_aead *aead,
                                                 const uint8_t nonce[SL_AEAD_NONCE_SIZE],
                                                 const uint8_t *aad, uint32_t aad_size,
                                                 const uint8_t *in, uint32_t size, uint8_t *out,
                                                 const uint8_t tag[SL_AEAD_TAG_SIZE])
{
    uint64_t computed[2];
    uint64_t expected[2];
    if (__builtin_expect(aead->gcm_decrypt != NULL, 1)) {
        aead->gcm_decrypt(&aead->gcm, &aead->ctx.gcm, out, in, size, nonce, aad, aad_size,
                          (uint8_t *)computed, SL_AEAD_TAG_SIZE);
    } else {
        sl_aead_chacha_decrypt(aead, nonce, aad, aad_size, in, size, out, (uint8_t *)computed);
    }
    memcpy(expected, tag, sizeof(expected));
    /* no branch before all 16 bytes are in */
    return ((computed[0] ^ expected[0]) | (computed[1] ^ expected[1])) == 0;
}

#endif
