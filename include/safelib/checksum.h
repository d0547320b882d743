/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The Internet checksum (RFC 1071), and its incremental update (RFC 1624).
 */
#ifndef SAFELIB_CHECKSUM_H
#define SAFELIB_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "safelib/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Adds @p size bytes to a running, unfolded sum. Chain calls only at even offsets.
 * @units sum in host order of big-endian 16-bit words */
uint64_t sl_checksum_add(uint64_t sum, const void *data, size_t size);
/** Pseudo-header of IPv4 or IPv6 (RFC 768, RFC 8200 8.1): addresses point into the IP header. */
uint64_t sl_checksum_pseudo(const uint8_t *src, const uint8_t *dst, size_t addr_size, uint8_t proto,
                            uint32_t l4_size);
/** Folds and complements; the value to store big-endian. */
static inline uint16_t sl_checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
/** RFC 1624 eqn. 3: checksum after one 16-bit word changed from @p old to @p now. */
uint16_t sl_checksum_update16(uint16_t checksum, uint16_t old, uint16_t now);

/* ---- one difference for several fields: a NAT changes addresses and ports, and three checksums
 * may cover them ---- */

/** Takes bytes out of a running sum: adds their complement. Even sizes, at even offsets. */
static inline uint64_t sl_checksum_take(uint64_t sum, const void *data, size_t size)
{
    return sum + sl_checksum_fold(sl_checksum_add(0, data, size));
}
/** Writes @p size bytes over those at @p at, and adds to @p delta what that changes. Even sizes, at
 * even offsets of what is summed. */
static inline void sl_checksum_replace(uint64_t *delta, uint8_t *at, const void *with, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)with;
    size_t i = 0;
    for (; i + 4 <= size; i += 4) { /* two words at once: their carries are folded later */
        *delta += (uint32_t)~sl_be32_get(at + i);
        *delta += sl_be32_get(bytes + i);
    }
    if (i < size) {
        *delta += (uint16_t)~sl_be16_get(at + i);
        *delta += sl_be16_get(bytes + i);
    }
    memcpy(at, with, size);
}
/** RFC 1624 eqn. 3, HC' = ~(~HC + ~m + m'): the checksum at @p field, after the sum of what it
 * covers has changed by @p delta. */
static inline void sl_checksum_change(uint8_t *field, uint64_t delta)
{
    sl_be16_put(field, sl_checksum_fold((uint16_t)~sl_be16_get(field) + delta));
}
/** The same for UDP, where 0 says "none" (RFC 768): it stays none, and none comes about. */
static inline void sl_checksum_change_udp(uint8_t *field, uint64_t delta)
{
    if (sl_be16_get(field) != 0) {
        sl_checksum_change(field, delta);
        if (sl_be16_get(field) == 0) {
            sl_be16_put(field, 0xffff);
        }
    }
}
/** Where in its header a protocol with ports keeps the checksum over them and the addresses: TCP,
 * UDP, UDP-Lite, DCCP. 0 for all others; SCTP's CRC32c covers ports, but is none of these. */
uint32_t sl_checksum_off(uint8_t proto);

#ifdef __cplusplus
}
#endif
#endif
