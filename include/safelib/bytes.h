/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The one way to take outside bytes apart and to put wire bytes together: bounded, with a sticky
 * error, so that a parser reads forward and checks once at its end.
 */
#ifndef SAFELIB_BYTES_H
#define SAFELIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "safelib/rc.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Wire integers, big-endian, any alignment. */
static inline uint16_t sl_be16_get(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}
static inline uint32_t sl_be32_get(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return __builtin_bswap32(v);
}
static inline uint64_t sl_be64_get(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return __builtin_bswap64(v);
}
static inline void sl_be16_put(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void sl_be32_put(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof(v));
}
static inline void sl_be64_put(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof(v));
}
static inline uint16_t sl_le16_get(const uint8_t *p)
{
    return (uint16_t)((p[1] << 8) | p[0]);
}
static inline uint32_t sl_le32_get(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint64_t sl_le64_get(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/** Bounded reader. After the first failed read every further read yields 0/NULL and `rc` stays. */
struct sl_reader {
    const uint8_t *data;
    size_t size;
    size_t off;
    sl_rc rc;
};

void sl_reader_init(struct sl_reader *r, const void *data, size_t size);
size_t sl_reader_left(const struct sl_reader *r);
uint8_t sl_reader_u8(struct sl_reader *r);
uint16_t sl_reader_be16(struct sl_reader *r);
uint32_t sl_reader_be32(struct sl_reader *r);
uint64_t sl_reader_be64(struct sl_reader *r);
/** Pointer into the input, or NULL (rc = SL_TRUNCATED) where fewer than @p size bytes are left. */
const uint8_t *sl_reader_bytes(struct sl_reader *r, size_t size);
/** Copies out; zeroes @p out on failure. */
void sl_reader_copy(struct sl_reader *r, void *out, size_t size);
/** be16 length, then that many bytes into @p out with a terminator; SL_RANGE where they do not fit,
 * SL_MALFORMED on an embedded NUL. */
void sl_reader_string(struct sl_reader *r, char *out, size_t out_size);
/** Records @p rc unless an error is there already. */
void sl_reader_fail(struct sl_reader *r, sl_rc rc);
/** SL_OK only where nothing failed and nothing is left (else SL_MALFORMED). */
sl_rc sl_reader_end(const struct sl_reader *r) SL_MUST_CHECK;

/** Bounded writer with the same stickiness; nothing is written past `size`. */
struct sl_writer {
    uint8_t *data;
    size_t size;
    size_t off;
    sl_rc rc;
};

void sl_writer_init(struct sl_writer *w, void *data, size_t size);
void sl_writer_u8(struct sl_writer *w, uint8_t v);
void sl_writer_be16(struct sl_writer *w, uint16_t v);
void sl_writer_be32(struct sl_writer *w, uint32_t v);
void sl_writer_be64(struct sl_writer *w, uint64_t v);
void sl_writer_bytes(struct sl_writer *w, const void *data, size_t size);
/** be16 length, then the bytes of @p text without its terminator. */
void sl_writer_string(struct sl_writer *w, const char *text);
/** Reserves @p size bytes and returns them, or NULL (rc = SL_NO_SPACE). */
uint8_t *sl_writer_reserve(struct sl_writer *w, size_t size);

/** Hex without separators. @p size bytes need 2 * size + 1 characters in @p out. */
void sl_hex_encode(const uint8_t *data, size_t size, char *out);
/** Exactly @p size bytes from 2 * size hex digits; SL_MALFORMED otherwise, @p out then unchanged in
 * meaning (may be partly written). */
sl_rc sl_hex_decode(const char *text, uint8_t *out, size_t size) SL_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
