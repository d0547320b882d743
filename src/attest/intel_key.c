/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of one appraisal: each key is made once, what verified before is taken from the
 * cache. */
#include "attest/cache.h"
#include "attest/intel.h"

#include <string.h>

static sl_rc key_find(struct sl_intel *v, const uint8_t point[64], struct sl_p256_key **ret_key)
{
    for (size_t i = 0; i < v->signer_count; i++) {
        if (memcmp(v->signers[i].point, point, 64) == 0) {
            *ret_key = v->signers[i].key;
            return SL_OK;
        }
    }
    if (v->curve == NULL) {
        v->curve = sl_p256_create();
    }
    if (v->curve == NULL || v->signer_count == SL_INTEL_KEYS_MAX) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_p256_key_create(v->curve, point, ret_key);
    if (rc == SL_OK) {
        memcpy(v->signers[v->signer_count].point, point, 64);
        v->signers[v->signer_count++].key = *ret_key;
    }
    return rc;
}

sl_rc sl_intel_verify(struct sl_intel *v, const char *kind, const uint8_t point[64],
                      struct sl_blob data, const uint8_t signature[64])
{
    uint8_t known[SL_CACHE_KEY_SIZE];
    struct sl_p256_key *key;
    bool is_cached = kind != NULL && v->input->cache != NULL;
    if (is_cached) {
        sl_attest_cache_key(kind, (struct sl_blob){point, 64}, data,
                            (struct sl_blob){signature, 64}, known);
        if (sl_attest_cache_has(v->input->cache, known)) {
            return SL_OK;
        }
    }
    sl_rc rc = key_find(v, point, &key);
    if (rc == SL_OK) {
        rc = sl_p256_verify(key, signature, data);
    }
    if (rc == SL_OK && is_cached) {
        sl_attest_cache_put(v->input->cache, known);
    }
    return rc;
}

void sl_intel_keys_done(struct sl_intel *v)
{
    for (size_t i = 0; i < v->signer_count; i++) {
        sl_p256_key_free(v->signers[i].key);
    }
    sl_p256_free(v->curve);
}
