/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that verified before. A small table searched from front to back: a verification asks
 * about ten times, and comparing a few hundred keys costs far less than one signature. */
#include "attest/cache.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "attest/digest.h"
#include "base/bytes.h"

struct entry {
    uint8_t key[SL_CACHE_KEY_SIZE];
    uint64_t used; /* tick of the last use; 0: empty */
};

struct sl_attest_cache {
    size_t entries_max;
    uint64_t tick;
    struct entry entries[];
};

enum { CACHE_ENTRIES_LIMIT = 65536 };

sl_rc sl_attest_cache_create(size_t entries_max, struct sl_attest_cache **ret_cache)
{
    if (entries_max == 0 || entries_max > CACHE_ENTRIES_LIMIT) {
        return SL_RANGE;
    }
    struct sl_attest_cache *cache = calloc(1, sizeof(*cache) + entries_max * sizeof(struct entry));
    if (cache == NULL) {
        return SL_NO_MEMORY;
    }
    cache->entries_max = entries_max;
    *ret_cache = cache;
    return SL_OK;
}

void sl_attest_cache_free(struct sl_attest_cache *cache)
{
    free(cache);
}

void sl_attest_cache_key(const char *kind, struct sl_blob signer, struct sl_blob data,
                         struct sl_blob signature, uint8_t ret_key[SL_CACHE_KEY_SIZE])
{
    const struct sl_blob parts[] = {{(const uint8_t *)kind, strlen(kind)}, signer, data, signature};
    enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };
    uint8_t hashes[PART_COUNT][SHA256_DIGEST_LENGTH];
    /* Hashes of a fixed size in a row: no two splits of the same bytes give the same key. */
    for (size_t i = 0; i < PART_COUNT; i++) {
        sl_sha256(parts[i], hashes[i]);
    }
    sl_sha256((struct sl_blob){hashes[0], sizeof(hashes)}, ret_key);
}

bool sl_attest_cache_has(struct sl_attest_cache *cache, const uint8_t key[SL_CACHE_KEY_SIZE])
{
    if (cache == NULL) {
        return false;
    }
    for (size_t i = 0; i < cache->entries_max; i++) {
        struct entry *entry = &cache->entries[i];
        /* forbidden: waived, the hash of public bytes */
        if (entry->used != 0 && memcmp(entry->key, key, SL_CACHE_KEY_SIZE) == 0) {
            entry->used = ++cache->tick;
            return true;
        }
    }
    return false;
}

void sl_attest_cache_put(struct sl_attest_cache *cache, const uint8_t key[SL_CACHE_KEY_SIZE])
{
    if (cache == NULL || sl_attest_cache_has(cache, key)) {
        return;
    }
    struct entry *oldest = &cache->entries[0];
    for (size_t i = 1; i < cache->entries_max; i++) {
        if (cache->entries[i].used < oldest->used) {
            oldest = &cache->entries[i];
        }
    }
    memcpy(oldest->key, key, SL_CACHE_KEY_SIZE);
    oldest->used = ++cache->tick;
}
