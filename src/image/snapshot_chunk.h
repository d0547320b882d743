/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A snapshot as the host keeps it: chunks in order, each opened by this image only, in its place
 * only, of this snapshot only.
 *
 *   chunk 0   sealed (image/seal.h, "flow snapshot"): u8 format, instance, u64 epoch, 32-byte key
 *   chunk i   AES-256-GCM under that key, nonce i: u8 kind, bytes; then the tag
 *   the last  of kind END: u64 flows
 *
 * The key is made for one snapshot, so that a chunk of another one, or out of its place, does not
 * open; one that is missing is noticed by its number, the last by its kind. Which snapshot is the
 * newest says the epoch, which the gateway remembers.
 */
#ifndef SL_IMAGE_SNAPSHOT_CHUNK_H
#define SL_IMAGE_SNAPSHOT_CHUNK_H

#include "control/message.h"
#include "image/seal.h"

enum sl_chunk_kind {
    SL_CHUNK_FLOWS = 1,
    SL_CHUNK_END = 2,
};

enum {
    /** Most bytes in a chunk beside its kind. */
    SL_CHUNK_DATA_MAX = SL_SNAPSHOT_CHUNK_MAX - 16 - 1,
};

struct sl_aead;

/** One snapshot being written or read. Zero-initialise; done wipes and frees. */
struct sl_chunks {
    struct sl_aead *aead;
    uint32_t next; /**< number of the next chunk; 0: not begun */
    bool is_ended;
};

/** Makes the key and the first chunk.
 * @param[out] out  SL_SNAPSHOT_CHUNK_MAX bytes
 * @retval SL_OK, SL_CRYPTO, SL_NO_MEMORY, or of sl_seal */
sl_rc sl_chunks_begin(struct sl_chunks *chunks, enum sl_seal_policy policy,
                      const uint8_t instance[SL_INSTANCE_SIZE], uint64_t epoch, uint8_t *out,
                      size_t *ret_size, struct sl_err *err) SL_MUST_CHECK;
/** Makes the next chunk of @p size <= SL_CHUNK_DATA_MAX bytes, of any kind but END.
 * @retval SL_OK, SL_RANGE (size, or SL_SNAPSHOT_CHUNKS_MAX), SL_STATE (not begun, or ended) */
sl_rc sl_chunks_write(struct sl_chunks *chunks, const uint8_t *data, size_t size, uint8_t *out,
                      size_t *ret_size) SL_MUST_CHECK;
/** Makes the last chunk. @retval as sl_chunks_write */
sl_rc sl_chunks_end(struct sl_chunks *chunks, uint64_t flows, uint8_t *out,
                    size_t *ret_size) SL_MUST_CHECK;

/** Opens the first chunk (hostile input); sealed by either policy, as the image's own state.
 * @retval SL_OK
 * @retval SL_STALE     of another epoch: older, or never ended
 * @retval SL_MISMATCH  of another instance, or not a snapshot at all
 * @retval SL_UNSUPPORTED  of another format
 * @retval other        of sl_unseal */
sl_rc sl_chunks_open(struct sl_chunks *chunks, const uint8_t instance[SL_INSTANCE_SIZE],
                     uint64_t epoch, const uint8_t *chunk, size_t size,
                     struct sl_err *err) SL_MUST_CHECK;
/** Opens the next chunk (hostile input).
 * @param[out] out        SL_CHUNK_DATA_MAX bytes; zero unless SL_OK
 * @param[out] ret_kind   SL_CHUNK_END: @p out holds u64 flows
 * @retval SL_OK
 * @retval SL_TRUNCATED  too short to be a chunk
 * @retval SL_RANGE      too long
 * @retval SL_AUTH       changed, of another snapshot, or of another place in it
 * @retval SL_STATE      not opened, or ended */
sl_rc sl_chunks_read(struct sl_chunks *chunks, const uint8_t *chunk, size_t size, uint8_t *out,
                     enum sl_chunk_kind *ret_kind, size_t *ret_size) SL_MUST_CHECK;
void sl_chunks_done(struct sl_chunks *chunks);

#endif
