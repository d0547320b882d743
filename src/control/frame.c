/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on the control rings. */
#include "control/frame.h"

/* Reads until `*have` is `want`; false where the ring runs dry first. */
static bool collect(struct sl_byte_ring *ring, uint8_t *out, uint32_t want, uint32_t *have)
{
    while (*have < want) {
        uint32_t got = sl_byte_ring_read(ring, out + *have, want - *have);
        if (got == 0) {
            return false;
        }
        *have += got;
    }
    return true;
}

/* Like collect, for bytes that nobody wants. */
static bool discard(struct sl_frame_reader *reader, struct sl_byte_ring *ring, uint32_t want)
{
    while (reader->payload_have < want) {
        uint32_t left = want - reader->payload_have;
        uint32_t step = left < sizeof(reader->payload) ? left : (uint32_t)sizeof(reader->payload);
        uint32_t got = sl_byte_ring_read(ring, reader->payload, step);
        if (got == 0) {
            return false;
        }
        reader->payload_have += got;
    }
    return true;
}

static bool is_good(uint16_t kind, uint16_t size)
{
    switch (kind) {
    case SL_FRAME_DATA:
    case SL_FRAME_EVIDENCE:
    case SL_FRAME_SNAPSHOT:
        return size > 0 && size <= SL_CONTROL_FRAME_MAX;
    case SL_FRAME_OPEN:
    case SL_FRAME_CLOSE:
        return size == 0;
    default:
        return false;
    }
}

sl_rc sl_frame_read(struct sl_frame_reader *reader, struct sl_byte_ring *ring,
                    struct sl_frame *ret_frame)
{
    if (!collect(ring, reader->header, SL_FRAME_HEADER_SIZE, &reader->header_have)) {
        return SL_AGAIN;
    }
    uint32_t connection = sl_be32_get(reader->header);
    uint16_t kind = sl_be16_get(reader->header + 4);
    uint16_t size = sl_be16_get(reader->header + 6);
    bool good = is_good(kind, size);
    bool whole = good ? collect(ring, reader->payload, size, &reader->payload_have)
                      : discard(reader, ring, size);
    if (!whole) {
        return SL_AGAIN;
    }
    reader->header_have = 0;
    reader->payload_have = 0;
    if (!good) {
        return SL_MALFORMED;
    }
    ret_frame->connection = connection;
    ret_frame->kind = kind;
    ret_frame->size = size;
    ret_frame->data = reader->payload;
    return SL_OK;
}

/* Room was checked: both writes are whole. The reader at the other end takes frames piecemeal. */
static void put(struct sl_byte_ring *ring, uint32_t connection, uint16_t kind, const uint8_t *data,
                uint16_t size)
{
    uint8_t header[SL_FRAME_HEADER_SIZE];
    sl_be32_put(header, connection);
    sl_be16_put(header + 4, kind);
    sl_be16_put(header + 6, size);
    (void)sl_byte_ring_write(ring, header, sizeof(header));
    if (size > 0) {
        (void)sl_byte_ring_write(ring, data, size);
    }
}

sl_rc sl_frame_write_data(struct sl_byte_ring *ring, uint32_t connection, const uint8_t *data,
                          size_t size, size_t *ret_taken)
{
    uint32_t room = sl_byte_ring_writable(ring);
    if (size == 0 || room <= SL_FRAME_HEADER_SIZE) {
        return SL_AGAIN;
    }
    size_t take = room - SL_FRAME_HEADER_SIZE;
    take = take < size ? take : size;
    take = take < SL_CONTROL_FRAME_MAX ? take : SL_CONTROL_FRAME_MAX;
    put(ring, connection, SL_FRAME_DATA, data, (uint16_t)take);
    *ret_taken = take;
    return SL_OK;
}

sl_rc sl_frame_write_evidence(struct sl_byte_ring *ring, uint32_t request, const uint8_t *data,
                              uint16_t size)
{
    if (size == 0 || size > SL_CONTROL_FRAME_MAX) {
        return SL_RANGE;
    }
    if (sl_byte_ring_writable(ring) < (uint32_t)SL_FRAME_HEADER_SIZE + size) {
        return SL_AGAIN;
    }
    put(ring, request, SL_FRAME_EVIDENCE, data, size);
    return SL_OK;
}

sl_rc sl_frame_write_sealed(struct sl_byte_ring *ring, const uint8_t *data, uint16_t size)
{
    if (size == 0 || size > SL_SEALED_MAX) {
        return SL_RANGE;
    }
    if (sl_byte_ring_writable(ring) < (uint32_t)SL_FRAME_HEADER_SIZE + size) {
        return SL_AGAIN;
    }
    put(ring, 0, SL_FRAME_SEALED, data, size);
    return SL_OK;
}

sl_rc sl_frame_write_snapshot(struct sl_byte_ring *ring, enum sl_snapshot_frame what,
                              uint32_t index, const uint8_t *data, size_t size)
{
    uint8_t frame[SL_SNAPSHOT_FRAME_HEADER + SL_SNAPSHOT_CHUNK_MAX];
    if (size > SL_SNAPSHOT_CHUNK_MAX) {
        return SL_RANGE;
    }
    size_t whole = SL_SNAPSHOT_FRAME_HEADER + size;
    if (sl_byte_ring_writable(ring) < SL_FRAME_HEADER_SIZE + whole) {
        return SL_AGAIN;
    }
    frame[0] = (uint8_t)what;
    sl_be32_put(frame + 1, index);
    if (size > 0) {
        memcpy(frame + SL_SNAPSHOT_FRAME_HEADER, data, size);
    }
    put(ring, 0, SL_FRAME_SNAPSHOT, frame, (uint16_t)whole);
    return SL_OK;
}

sl_rc sl_frame_write_event(struct sl_byte_ring *ring, uint32_t connection,
                           enum sl_control_frame_kind kind)
{
    if (sl_byte_ring_writable(ring) < SL_FRAME_HEADER_SIZE) {
        return SL_AGAIN;
    }
    put(ring, connection, (uint16_t)kind, NULL, 0);
    return SL_OK;
}
