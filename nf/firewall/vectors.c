/* SPDX-License-Identifier: Apache-2.0 */
/* Shared storage of bit vectors. */
#include "firewall/vectors.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t hash_words(const uint64_t *words, uint32_t count)
{
    uint64_t hash = count;
    for (uint32_t i = 0; i < count; i++) {
        hash = mix(hash, words[i]);
    }
    return mix(hash, hash >> 32);
}

/* Doubles an array of `size`-byte elements within FW_MEMORY_MAX. */
static sl_rc grow(void **array, uint32_t *room, size_t size)
{
    uint64_t now = (uint64_t)*room * 2;
    if (now * size > FW_MEMORY_MAX) {
        now = FW_MEMORY_MAX / size;
        if (now <= *room) {
            return SL_NO_MEMORY;
        }
    }
    void *moved = realloc(*array, (size_t)now * size);
    if (moved == NULL) {
        return SL_NO_MEMORY;
    }
    *array = moved;
    *room = (uint32_t)now;
    return SL_OK;
}

/* The element `number` as words: chunks or rows. */
static const uint64_t *element(const void *base, uint32_t words, uint32_t number)
{
    return (const uint64_t *)base + (size_t)words * number;
}

static sl_rc rehash(struct fw_hash *hash, const void *base, uint32_t words)
{
    uint32_t size = hash->size * 2;
    uint32_t *slots = calloc(size, sizeof(*slots));
    if (slots == NULL) {
        return SL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < hash->size; i++) {
        if (hash->slots[i] == 0) {
            continue;
        }
        uint64_t at = hash_words(element(base, words, hash->slots[i] - 1), words);
        while (slots[at & (size - 1)] != 0) {
            at++;
        }
        slots[at & (size - 1)] = hash->slots[i];
    }
    free(hash->slots);
    hash->slots = slots;
    hash->size = size;
    return SL_OK;
}

/* Slot of the element equal to `words`, or the free slot where it belongs. */
static uint32_t *find(const struct fw_hash *hash, const void *base, const uint64_t *words,
                      uint32_t count)
{
    uint64_t at = hash_words(words, count);
    for (;; at++) {
        uint32_t *slot = &hash->slots[at & (hash->size - 1)];
        if (*slot == 0 ||
            memcmp(element(base, count, *slot - 1), words, count * sizeof(*words)) == 0) {
            return slot;
        }
    }
}

/* Number of the element equal to `words`, added where it is new. */
static sl_rc intern(struct fw_hash *hash, void **base, uint32_t *count, uint32_t *room,
                    const uint64_t *words, uint32_t word_count, uint32_t *ret_number)
{
    uint32_t *slot = find(hash, *base, words, word_count);
    if (*slot != 0) {
        *ret_number = *slot - 1;
        return SL_OK;
    }
    if (*count == *room) {
        sl_rc rc = grow(base, room, word_count * sizeof(*words));
        if (rc != SL_OK) {
            return rc;
        }
    }
    memcpy((uint64_t *)*base + (size_t)word_count * *count, words, word_count * sizeof(*words));
    *slot = *count + 1;
    *ret_number = *count;
    (*count)++;
    hash->used++;
    return hash->used * 2 > hash->size ? rehash(hash, *base, word_count) : SL_OK;
}

sl_rc fw_vectors_init(struct fw_vectors *vectors, uint32_t bit_count)
{
    /* an empty table has one empty chunk: no special case later */
    uint32_t chunks = bit_count == 0 ? 1 : (bit_count + FW_CHUNK_BITS - 1) / FW_CHUNK_BITS;
    *vectors = (struct fw_vectors){
        .chunks_per_row = chunks,
        .live_words = (chunks + 63) / 64,
        .row_words = (chunks + 63) / 64 + (chunks + 1) / 2,
        .chunk_room = 64,
        .row_room = 64,
        .chunk_hash = {.size = 256},
        .row_hash = {.size = 256},
    };
    vectors->chunks = calloc(vectors->chunk_room, sizeof(*vectors->chunks));
    vectors->rows = calloc((size_t)vectors->row_room * vectors->row_words, sizeof(uint64_t));
    vectors->chunk_hash.slots = calloc(vectors->chunk_hash.size, sizeof(uint32_t));
    vectors->row_hash.slots = calloc(vectors->row_hash.size, sizeof(uint32_t));
    if (vectors->chunks == NULL || vectors->rows == NULL || vectors->chunk_hash.slots == NULL ||
        vectors->row_hash.slots == NULL) {
        fw_vectors_done(vectors);
        return SL_NO_MEMORY;
    }
    static const struct fw_chunk empty;
    uint32_t zero;
    return fw_vectors_chunk(vectors, &empty, &zero);
}

sl_rc fw_vectors_chunk(struct fw_vectors *vectors, const struct fw_chunk *chunk,
                       uint32_t *ret_number)
{
    void *base = vectors->chunks;
    sl_rc rc = intern(&vectors->chunk_hash, &base, &vectors->chunk_count, &vectors->chunk_room,
                      chunk->words, FW_CHUNK_WORDS, ret_number);
    vectors->chunks = base;
    return rc;
}

sl_rc fw_vectors_row(struct fw_vectors *vectors, const uint32_t *numbers, fw_row *ret_row)
{
    uint64_t words[FW_LIVE_WORDS_MAX + FW_CHUNKS_MAX / 2] = {0};
    for (uint32_t i = 0; i < vectors->chunks_per_row; i++) {
        words[i / 64] |= (uint64_t)(numbers[i] != 0) << i % 64;
    }
    memcpy(words + vectors->live_words, numbers, vectors->chunks_per_row * sizeof(*numbers));
    void *base = vectors->rows;
    uint32_t number = 0;
    sl_rc rc = intern(&vectors->row_hash, &base, &vectors->row_count, &vectors->row_room, words,
                      vectors->row_words, &number);
    vectors->rows = base;
    *ret_row = number * vectors->row_words;
    return rc;
}

/* Gives back what doubling reserved; failing to is harmless. */
static void shrink(void **array, size_t size)
{
    void *moved = size != 0 ? realloc(*array, size) : NULL;
    if (moved != NULL) {
        *array = moved;
    }
}

void fw_vectors_seal(struct fw_vectors *vectors)
{
    free(vectors->chunk_hash.slots);
    free(vectors->row_hash.slots);
    vectors->chunk_hash = (struct fw_hash){0};
    vectors->row_hash = (struct fw_hash){0};
    shrink((void **)&vectors->chunks, vectors->chunk_count * sizeof(*vectors->chunks));
    shrink((void **)&vectors->rows,
           (size_t)vectors->row_count * vectors->row_words * sizeof(*vectors->rows));
}

size_t fw_vectors_bytes(const struct fw_vectors *vectors)
{
    return vectors->chunk_count * sizeof(*vectors->chunks) +
           (size_t)vectors->row_count * vectors->row_words * sizeof(uint64_t);
}

void fw_vectors_done(struct fw_vectors *vectors)
{
    free(vectors->chunks);
    free(vectors->rows);
    free(vectors->chunk_hash.slots);
    free(vectors->row_hash.slots);
    *vectors = (struct fw_vectors){0};
}
