/* SPDX-License-Identifier: Apache-2.0 */
/* Records in untrusted memory: encrypted, authenticated, and only the newest write of a slot. */
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "flow/store_private.h"

enum {
    LINE = SL_FLOW_OUTSIDE_ALIGN,
    KEY_SIZE = 32,
    STRIDE_MAX = (SL_FLOW_RECORD_MAX + SL_AEAD_TAG_SIZE + LINE - 1) / LINE * LINE,
};

uint32_t store_stride(uint32_t record_size)
{
    return (record_size + SL_AEAD_TAG_SIZE + LINE - 1) / LINE * LINE;
}

sl_rc store_outside_init(struct sl_flow_store *store)
{
    uint8_t key[KEY_SIZE];
    if (getentropy(key, sizeof(key)) != 0) {
        return SL_CRYPTO;
    }
    sl_rc rc = sl_aead_init(&store->aead, SL_ESP_AES_256_GCM_16, key, SL_AEAD_LEVEL_AUTO);
    sl_wipe(key, sizeof(key));
    return rc;
}

void store_outside_done(struct sl_flow_store *store)
{
    sl_aead_done(&store->aead);
}

/* The number alone is never used twice under the key. The slot's place in the nonce says that a
 * write is one of its slot even to who does not trust our bookkeeping. */
static void make_nonce(uint32_t slot, uint64_t number, uint8_t ret_nonce[SL_AEAD_NONCE_SIZE])
{
    sl_be32_put(ret_nonce, slot);
    sl_be64_put(ret_nonce + 4, number);
}

/* Whole lines, without a call. */
static inline void copy_lines(uint8_t *to, const uint8_t *from, uint32_t size)
{
    for (uint32_t off = 0; off < size; off += LINE) {
        memcpy(to + off, from + off, LINE);
    }
}

uint64_t store_outside_write(struct sl_flow_store *store, uint32_t slot, const uint8_t *record)
{
    alignas(LINE) uint8_t sealed[STRIDE_MAX];
    uint8_t nonce[SL_AEAD_NONCE_SIZE];
    uint32_t size = store->record_size;
    if (store->write_number >= SLOT_NUMBER_MASK) {
        return 0;
    }
    uint64_t number = ++store->write_number;
    make_nonce(slot, number, nonce);
    sl_aead_encrypt(&store->aead, nonce, NULL, 0, record, size, sealed, sealed + size);
    memset(sealed + size + SL_AEAD_TAG_SIZE, 0, store->stride - size - SL_AEAD_TAG_SIZE);
    copy_lines(slot_outside(store, slot), sealed, store->stride); /* and never read back */
    store_count(&store->counters.writes, 1);
    return number;
}

sl_rc store_outside_read(struct sl_flow_store *store, uint32_t slot, uint64_t number,
                         uint8_t *ret_record)
{
    alignas(LINE) uint8_t sealed[STRIDE_MAX];
    uint8_t nonce[SL_AEAD_NONCE_SIZE];
    uint32_t size = store->record_size;
    /* Fetched once: what is opened is this copy, whatever the host writes meanwhile. The barrier
     * keeps the compiler from looking at the original again. */
    copy_lines(sealed, slot_outside(store, slot), store->stride);
    __asm__ volatile("" : : "r"(sealed) : "memory");
    make_nonce(slot, number, nonce);
    if (!sl_aead_decrypt(&store->aead, nonce, NULL, 0, sealed, size, ret_record, sealed + size)) {
        sl_wipe(ret_record, size);
        store_count(&store->counters.damaged, 1);
        return SL_AUTH;
    }
    store_count(&store->counters.fetches, 1);
    return SL_OK;
}
