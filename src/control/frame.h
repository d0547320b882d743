/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Frames on the control rings: which bytes belong to which TCP connection. Used by the image, by
 * the host's relay and by an in-process client; every side treats the other as hostile.
 *
 *   u32 connection | u16 kind | u16 size | bytes      (big-endian)
 *
 * A frame of unknown kind or larger than SL_CONTROL_FRAME_MAX is skipped by its size, so that one
 * bad frame does not end the channel.
 */
#ifndef SL_CONTROL_FRAME_H
#define SL_CONTROL_FRAME_H

#include "boundary/ring.h"
#include "control/message.h"

enum { SL_FRAME_HEADER_SIZE = 8 };

/** One frame; `data` points into the reader and lasts until its next call. */
struct sl_frame {
    uint32_t connection;
    enum sl_control_frame_kind kind;
    uint32_t size;
    const uint8_t *data;
};

/** Collects frames from a ring. Zero-initialise; private memory. */
struct sl_frame_reader {
    uint8_t header[SL_FRAME_HEADER_SIZE];
    uint32_t header_have;
    uint32_t payload_have;
    uint8_t payload[SL_CONTROL_FRAME_MAX];
};

/** Takes the next whole frame.
 * @retval SL_OK         @p ret_frame filled
 * @retval SL_AGAIN      no whole frame yet
 * @retval SL_MALFORMED  one frame of unknown kind, or too large, or an open or close that carries
 *                       bytes, was skipped; call again */
sl_rc sl_frame_read(struct sl_frame_reader *reader, struct sl_byte_ring *ring,
                    struct sl_frame *ret_frame) SL_MUST_CHECK;

/** Writes data of a connection as one frame of as many bytes as fit now.
 * @retval SL_OK     @p ret_taken > 0 bytes of @p data are in the ring
 * @retval SL_AGAIN  the ring has no room; nothing written */
sl_rc sl_frame_write_data(struct sl_byte_ring *ring, uint32_t connection, const uint8_t *data,
                          size_t size, size_t *ret_taken) SL_MUST_CHECK;

/** Writes one SL_FRAME_EVIDENCE, whole or not at all.
 * @param request  the image's number of its request
 * @retval SL_OK
 * @retval SL_AGAIN  the ring has no room; nothing written
 * @retval SL_RANGE  no bytes, or more than SL_CONTROL_FRAME_MAX */
sl_rc sl_frame_write_evidence(struct sl_byte_ring *ring, uint32_t request, const uint8_t *data,
                              uint16_t size) SL_MUST_CHECK;

/** Writes one SL_FRAME_SEALED, whole or not at all.
 * @retval SL_OK
 * @retval SL_AGAIN  the ring has no room; nothing written
 * @retval SL_RANGE  no bytes, or more than SL_SEALED_MAX */
sl_rc sl_frame_write_sealed(struct sl_byte_ring *ring, const uint8_t *data,
                            uint16_t size) SL_MUST_CHECK;

/** Writes one SL_FRAME_SNAPSHOT, whole or not at all.
 * @retval SL_OK
 * @retval SL_AGAIN  the ring has no room; nothing written
 * @retval SL_RANGE  more than SL_SNAPSHOT_CHUNK_MAX bytes */
sl_rc sl_frame_write_snapshot(struct sl_byte_ring *ring, enum sl_snapshot_frame what,
                              uint32_t index, const uint8_t *data, size_t size) SL_MUST_CHECK;

/** Writes an open or a close.
 * @retval SL_OK
 * @retval SL_AGAIN  the ring has no room; nothing written */
sl_rc sl_frame_write_event(struct sl_byte_ring *ring, uint32_t connection,
                           enum sl_control_frame_kind kind) SL_MUST_CHECK;

#endif
