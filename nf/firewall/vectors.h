/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Bit vectors over rules, stored once each: a vector is a row of chunk numbers, equal chunks and
 * equal rows are shared. Two neighbouring values of a dimension differ by a few rules, so by a few
 * chunks: memory grows with the number of changes, not with values times rules (ADR 0005).
 */
#ifndef SL_NF_FIREWALL_VECTORS_H
#define SL_NF_FIREWALL_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "firewall/format.h"
#include "safelib/rc.h"

enum {
    FW_CHUNK_BITS = 128,
    FW_CHUNK_WORDS = FW_CHUNK_BITS / 64,
    FW_CHUNKS_MAX = SL_FW_RULES_MAX / FW_CHUNK_BITS,
    FW_LIVE_WORDS_MAX = (FW_CHUNKS_MAX + 63) / 64,
    /** What the table of one address family may take, bytes; the image as a whole has 64 MiB. */
    FW_MEMORY_MAX = 24 << 20,
};

struct fw_chunk {
    uint64_t words[FW_CHUNK_WORDS];
};

/** Where a row starts, in 64-bit words: live_words words of which bit c is set where chunk c is not
 * empty, then the chunk numbers as uint32_t. */
typedef uint32_t fw_row;

/** Finds an equal element that is there already. */
struct fw_hash {
    uint32_t *slots; /**< number + 1, or 0 */
    uint32_t size;   /**< power of two */
    uint32_t used;
};

struct fw_vectors {
    uint32_t chunks_per_row;
    uint32_t live_words;
    uint32_t row_words;
    struct fw_chunk *chunks; /**< chunk 0 is empty */
    uint32_t chunk_count, chunk_room;
    uint64_t *rows;
    uint32_t row_count, row_room; /**< in rows */
    struct fw_hash chunk_hash, row_hash;
};

/** @retval SL_OK, SL_NO_MEMORY */
sl_rc fw_vectors_init(struct fw_vectors *vectors, uint32_t bit_count) SL_MUST_CHECK;
/** Number of the chunk with these bits. */
sl_rc fw_vectors_chunk(struct fw_vectors *vectors, const struct fw_chunk *chunk,
                       uint32_t *ret_number) SL_MUST_CHECK;
/** Row with these chunk numbers (chunks_per_row of them). */
sl_rc fw_vectors_row(struct fw_vectors *vectors, const uint32_t *numbers,
                     fw_row *ret_row) SL_MUST_CHECK;
/** Frees what only building needs. */
void fw_vectors_seal(struct fw_vectors *vectors);
size_t fw_vectors_bytes(const struct fw_vectors *vectors);
void fw_vectors_done(struct fw_vectors *vectors);

#endif
