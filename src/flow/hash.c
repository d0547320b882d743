/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3 over bytes, and its keys. */
#include "flow/hash.h"

#include <sys/random.h>

uint64_t sl_flow_hash_bytes(const struct sl_flow_hash_key *key, const void *data, size_t size)
{
    const uint8_t *at = data;
    struct sl_flow_sip s = sl_flow_sip_start(key);
    size_t left = size;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        sl_flow_sip_word(&s, word);
    }
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)at[i] << (8 * i);
    }
    sl_flow_sip_word(&s, last);
    return sl_flow_sip_end(&s);
}

sl_rc sl_flow_hash_key_make(struct sl_flow_hash_key *ret_key)
{
    struct sl_flow_hash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        return SL_CRYPTO;
    }
    *ret_key = key;
    return SL_OK;
}
