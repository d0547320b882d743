/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of a snapshot: sealed, numbered, opened in order or not at all. */
#include "image/snapshot_chunk.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "esp/aead.h"

_Static_assert((int)SL_CHUNK_DATA_MAX == (int)SL_SNAPSHOT_CHUNK_MAX - (int)SL_AEAD_TAG_SIZE - 1,
               "kind, data, tag");

static const char purpose[] = "flow snapshot";

enum {
    FORMAT = 1,
    KEY_SIZE = 32,
    HEAD_SIZE = 1 + SL_INSTANCE_SIZE + 8 + KEY_SIZE,
    END_SIZE = 8,
};

static sl_rc key_set(struct sl_chunks *chunks, const uint8_t key[KEY_SIZE])
{
    sl_chunks_done(chunks);
    chunks->aead = aligned_alloc(_Alignof(struct sl_aead), sizeof(*chunks->aead));
    if (chunks->aead == NULL) {
        return SL_NO_MEMORY;
    }
    sl_rc rc = sl_aead_init(chunks->aead, SL_ESP_AES_256_GCM_16, key, SL_AEAD_LEVEL_AUTO);
    chunks->next = rc == SL_OK ? 1 : 0;
    return rc;
}

static void make_nonce(uint32_t number, uint8_t ret_nonce[SL_AEAD_NONCE_SIZE])
{
    memset(ret_nonce, 0, SL_AEAD_NONCE_SIZE);
    sl_be32_put(ret_nonce + SL_AEAD_NONCE_SIZE - 4, number);
}

sl_rc sl_chunks_begin(struct sl_chunks *chunks, enum sl_seal_policy policy,
                      const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch, uint8_t *out,
                      size_t *ret_size, struct sl_err *err)
{
    uint8_t head[HEAD_SIZE];
    uint8_t key[KEY_SIZE];
    struct sl_writer w;
    if (RAND_bytes(key, sizeof(key)) != 1) {
        return sl_err_set(err, SL_CRYPTO, "snapshot: no randomness");
    }
    sl_writer_init(&w, head, sizeof(head));
    sl_writer_u8(&w, FORMAT);
    sl_writer_bytes(&w, instance, SL_INSTANCE_SIZE);
    sl_writer_be64(&w, epoch);
    sl_writer_bytes(&w, key, sizeof(key));
    sl_rc rc = sl_seal(policy, purpose, head, w.off, out, SL_SNAPSHOT_CHUNK_MAX, ret_size, err);
    if (rc == SL_OK && key_set(chunks, key) != SL_OK) {
        rc = sl_err_set(err, SL_CRYPTO, "snapshot: no cipher");
    }
    sl_wipe(head, sizeof(head));
    sl_wipe(key, sizeof(key));
    return rc;
}

static sl_rc chunk_make(struct sl_chunks *chunks, enum sl_chunk_kind kind, const uint8_t *data,
                        size_t size, uint8_t *out, size_t *ret_size)
{
    uint8_t nonce[SL_AEAD_NONCE_SIZE];
    if (chunks->next == 0 || chunks->is_ended) {
        return SL_STATE;
    }
    if (size > SL_CHUNK_DATA_MAX || chunks->next >= SL_SNAPSHOT_CHUNKS_MAX) {
        return SL_RANGE;
    }
    out[0] = (uint8_t)kind;
    memcpy(out + 1, data, size);
    make_nonce(chunks->next++, nonce);
    sl_aead_encrypt(chunks->aead, nonce, NULL, 0, out, (uint32_t)size + 1, out, out + 1 + size);
    *ret_size = 1 + size + SL_AEAD_TAG_SIZE;
    return SL_OK;
}

sl_rc sl_chunks_write(struct sl_chunks *chunks, const uint8_t *data, size_t size, uint8_t *out,
                      size_t *ret_size)
{
    return chunk_make(chunks, SL_CHUNK_FLOWS, data, size, out, ret_size);
}

sl_rc sl_chunks_end(struct sl_chunks *chunks, uint64_t flows, uint8_t *out, size_t *ret_size)
{
    uint8_t data[END_SIZE];
    sl_be64_put(data, flows);
    sl_rc rc = chunk_make(chunks, SL_CHUNK_END, data, sizeof(data), out, ret_size);
    chunks->is_ended = chunks->is_ended || rc == SL_OK;
    return rc;
}

static sl_rc head_read(struct sl_chunks *chunks, const uint8_t *head, size_t size,
                       const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch, struct sl_err *err)
{
    struct sl_reader r;
    uint8_t of_instance[SL_INSTANCE_SIZE];
    uint8_t key[KEY_SIZE];
    sl_reader_init(&r, head, size);
    uint8_t format = sl_reader_u8(&r);
    if (r.rc == SL_OK && format != FORMAT) {
        return sl_err_set(err, SL_UNSUPPORTED, "snapshot: format %u; this image reads %d", format,
                          FORMAT);
    }
    sl_reader_copy(&r, of_instance, sizeof(of_instance));
    uint64_t of_epoch = sl_reader_be64(&r);
    sl_reader_copy(&r, key, sizeof(key));
    sl_rc rc = sl_reader_end(&r);
    if (rc != SL_OK) {
        rc = sl_err_set(err, rc, "snapshot: its head cannot be read: %s", sl_rc_text(rc));
    } else if (memcmp(of_instance, instance, sizeof(of_instance)) != 0) {
        rc = sl_err_set(err, SL_MISMATCH, "snapshot: of another instance of this image");
    } else if (of_epoch != epoch) {
        rc = sl_err_set(err, SL_STALE,
                        "snapshot: of epoch %llu, the newest is of %llu: the host handed back an "
                        "old one, or lost the newest",
                        (unsigned long long)of_epoch, (unsigned long long)epoch);
    } else if (key_set(chunks, key) != SL_OK) {
        rc = sl_err_set(err, SL_CRYPTO, "snapshot: no cipher");
    }
    sl_wipe(key, sizeof(key));
    return rc;
}

sl_rc sl_chunks_open(struct sl_chunks *chunks, const uint8_t instance[SL_INSTANCE_SIZE],
                     uint64_t epoch, const uint8_t *chunk, size_t size, struct sl_err *err)
{
    uint8_t head[HEAD_SIZE];
    size_t head_size = 0;
    sl_rc rc =
        sl_unseal(SL_SEAL_MRENCLAVE, purpose, chunk, size, head, sizeof(head), &head_size, err);
    if (rc == SL_MISMATCH) {
        rc = sl_unseal(SL_SEAL_MRSIGNER, purpose, chunk, size, head, sizeof(head), &head_size, err);
    }
    if (rc == SL_OK) {
        rc = head_read(chunks, head, head_size, instance, epoch, err);
    } else {
        (void)sl_err_prefix(err, "snapshot");
    }
    sl_wipe(head, sizeof(head));
    return rc;
}

sl_rc sl_chunks_read(struct sl_chunks *chunks, const uint8_t *chunk, size_t size, uint8_t *out,
                     enum sl_chunk_kind *ret_kind, size_t *ret_size)
{
    uint8_t nonce[SL_AEAD_NONCE_SIZE];
    uint8_t plain[SL_SNAPSHOT_CHUNK_MAX];
    memset(out, 0, SL_CHUNK_DATA_MAX);
    if (chunks->next == 0 || chunks->is_ended) {
        return SL_STATE;
    }
    if (size < 1 + SL_AEAD_TAG_SIZE) {
        return SL_TRUNCATED;
    }
    if (size > SL_SNAPSHOT_CHUNK_MAX || chunks->next >= SL_SNAPSHOT_CHUNKS_MAX) {
        return SL_RANGE;
    }
    size_t body = size - SL_AEAD_TAG_SIZE;
    make_nonce(chunks->next, nonce);
    bool is_good =
        sl_aead_decrypt(chunks->aead, nonce, NULL, 0, chunk, (uint32_t)body, plain, chunk + body);
    bool is_end = plain[0] == SL_CHUNK_END;
    if (is_good && (is_end ? body == 1 + END_SIZE : plain[0] == SL_CHUNK_FLOWS)) {
        memcpy(out, plain + 1, body - 1);
        *ret_kind = (enum sl_chunk_kind)plain[0];
        *ret_size = body - 1;
        chunks->next++;
        chunks->is_ended = is_end;
    } else {
        is_good = false;
    }
    sl_wipe(plain, body);
    return is_good ? SL_OK : SL_AUTH;
}

void sl_chunks_done(struct sl_chunks *chunks)
{
    if (chunks->aead != NULL) {
        sl_aead_done(chunks->aead);
    }
    free(chunks->aead);
    *chunks = (struct sl_chunks){0};
}
