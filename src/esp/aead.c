/* SPDX-License-Identifier: Apache-2.0 */
/* AES-GCM-16 and ChaCha20-Poly1305 by the direct API of intel-ipsec-mb. */
#include "esp/aead.h"

#include <pthread.h>
#include <string.h>

#include "base/secret.h"

/* A manager is 52 KiB of function pointers and job queues; the direct API uses its pointers only,
 * so one per level serves every SA and every thread. */
static struct {
    pthread_once_t once;
    IMB_MGR *sse;
    IMB_MGR *avx2;
} managers = {.once = PTHREAD_ONCE_INIT};

static IMB_MGR *manager_create(void (*init)(IMB_MGR *))
{
    IMB_MGR *mgr = alloc_mb_mgr(0);
    if (mgr == NULL) {
        return NULL;
    }
    init(mgr);
    if (imb_get_errno(mgr) != 0 || (mgr->features & IMB_FEATURE_SELF_TEST_PASS) == 0) {
        free_mb_mgr(mgr);
        return NULL;
    }
    return mgr;
}

static void managers_init(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul") ||
        !__builtin_cpu_supports("sse4.2")) {
        return;
    }
    managers.sse = manager_create(init_mb_mgr_sse);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
        managers.avx2 = manager_create(init_mb_mgr_avx2);
    }
}

static IMB_MGR *manager_get(enum sl_aead_level level)
{
    (void)pthread_once(&managers.once, managers_init);
    switch (level) {
    case SL_AEAD_LEVEL_SSE:
        return managers.sse;
    case SL_AEAD_LEVEL_AVX2:
        return managers.avx2;
    case SL_AEAD_LEVEL_AUTO:
    default:
        return managers.avx2 != NULL ? managers.avx2 : managers.sse;
    }
}

uint32_t sl_aead_key_size(enum sl_esp_alg alg)
{
    switch (alg) {
    case SL_ESP_AES_128_GCM_16:
        return 16;
    case SL_ESP_AES_256_GCM_16:
    case SL_ESP_CHACHA20_POLY1305:
        return 32;
    default:
        return 0;
    }
}

sl_rc sl_aead_init(struct sl_aead *aead, enum sl_esp_alg alg, const uint8_t *key,
                   enum sl_aead_level level)
{
    if (sl_aead_key_size(alg) == 0) {
        return SL_UNSUPPORTED;
    }
    IMB_MGR *mgr = manager_get(level);
    if (mgr == NULL) {
        return SL_UNSUPPORTED;
    }
    memset(aead, 0, sizeof(*aead));
    switch (alg) {
    case SL_ESP_AES_128_GCM_16:
        aead->gcm_encrypt = mgr->gcm128_enc;
        aead->gcm_decrypt = mgr->gcm128_dec;
        IMB_AES128_GCM_PRE(mgr, key, &aead->gcm);
        break;
    case SL_ESP_AES_256_GCM_16:
        aead->gcm_encrypt = mgr->gcm256_enc;
        aead->gcm_decrypt = mgr->gcm256_dec;
        IMB_AES256_GCM_PRE(mgr, key, &aead->gcm);
        break;
    case SL_ESP_CHACHA20_POLY1305:
        /* Poly1305 and ChaCha20 are two passes over the text: never straight on shared memory. */
        aead->mgr = mgr;
        memcpy(aead->chacha_key, key, sizeof(aead->chacha_key));
        return SL_OK;
    }
    aead->is_single_fetch = mgr == managers.avx2;
    return imb_get_errno(mgr) == 0 ? SL_OK : SL_CRYPTO;
}

void sl_aead_done(struct sl_aead *aead)
{
    sl_wipe(aead, sizeof(*aead));
}

void sl_aead_chacha_encrypt(struct sl_aead *aead, const uint8_t nonce[SL_AEAD_NONCE_SIZE],
                            const uint8_t *aad, uint32_t aad_size, const uint8_t *in, uint32_t size,
                            uint8_t *out, uint8_t ret_tag[SL_AEAD_TAG_SIZE])
{
    struct chacha20_poly1305_context_data *ctx = &aead->ctx.chacha;
    IMB_CHACHA20_POLY1305_INIT(aead->mgr, aead->chacha_key, ctx, nonce, aad, aad_size);
    IMB_CHACHA20_POLY1305_ENC_UPDATE(aead->mgr, aead->chacha_key, ctx, out, in, size);
    IMB_CHACHA20_POLY1305_ENC_FINALIZE(aead->mgr, ctx, ret_tag, SL_AEAD_TAG_SIZE);
}

void sl_aead_chacha_decrypt(struct sl_aead *aead, const uint8_t nonce[SL_AEAD_NONCE_SIZE],
                            const uint8_t *aad, uint32_t aad_size, const uint8_t *in, uint32_t size,
                            uint8_t *out, uint8_t ret_tag[SL_AEAD_TAG_SIZE])
{
    struct chacha20_poly1305_context_data *ctx = &aead->ctx.chacha;
    IMB_CHACHA20_POLY1305_INIT(aead->mgr, aead->chacha_key, ctx, nonce, aad, aad_size);
    IMB_CHACHA20_POLY1305_DEC_UPDATE(aead->mgr, aead->chacha_key, ctx, out, in, size);
    IMB_CHACHA20_POLY1305_DEC_FINALIZE(aead->mgr, ctx, ret_tag, SL_AEAD_TAG_SIZE);
}
