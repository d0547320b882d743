/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The Internet checksum (RFC 1071), and its incremental update (RFC 1624).
 */
#ifndef SAFELIB_CHECKSUM_H
#define SAFELIB_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

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
uint16_t sl_checksum_fold(uint64_t sum);
/** RFC 1624 eqn. 3: checksum after one 16-bit word changed from @p old to @p now. */
uint16_t sl_checksum_update16(uint16_t checksum, uint16_t old, uint16_t now);

#ifdef __cplusplus
}
#endif
#endif
