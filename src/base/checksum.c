/* SPDX-License-Identifier: Apache-2.0 */
/* Internet checksum. */
#include "safelib/checksum.h"

#include "base/bytes.h"

/* Two or four 64-bit lanes; may_alias and aligned(1): any bytes, anywhere. */
typedef uint64_t lanes __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t lanes4 __attribute__((vector_size(32), aligned(1), may_alias));

enum { WIDE_MIN = 128 }; /* shorter ones do not pay for the wide loop's end */

/* The sum of little-endian words is the byte-swapped sum of the big-endian ones (RFC 1071 2 B), so
 * whole lanes are added as they lie, halves of 32 bits apart so that no carry is lost: good for
 * 2^32 rounds. */
static uint64_t add_lanes(const uint8_t *at, size_t count)
{
    const lanes low = {0xffffffff, 0xffffffff};
    lanes a = {0, 0};
    lanes b = {0, 0};
    for (size_t i = 0; i < count; i++) {
        lanes word = *(const lanes *)(const void *)(at + i * sizeof(lanes));
        a += word & low;
        b += word >> 32;
    }
    uint64_t sums[4] = {a[0], a[1], b[0], b[1]};
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (sums[i] & 0xffffffff) + (sums[i] >> 32);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return __builtin_bswap16((uint16_t)sum);
}

/* The same in steps of 64 bytes, as every packet's payload is summed once on each side. */
__attribute__((target("avx2"))) static uint64_t add_lanes4(const uint8_t *at, size_t count)
{
    const lanes4 low = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
    lanes4 a = {0, 0, 0, 0};
    lanes4 b = {0, 0, 0, 0};
    lanes4 c = {0, 0, 0, 0};
    lanes4 d = {0, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        lanes4 first = *(const lanes4 *)(const void *)(at + i * 2 * sizeof(lanes4));
        lanes4 second = *(const lanes4 *)(const void *)(at + (i * 2 + 1) * sizeof(lanes4));
        a += first & low;
        b += first >> 32;
        c += second & low;
        d += second >> 32;
    }
    a += c;
    b += d;
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (a[i] & 0xffffffff) + (a[i] >> 32) + (b[i] & 0xffffffff) + (b[i] >> 32);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return __builtin_bswap16((uint16_t)sum);
}

uint64_t sl_checksum_add(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *at = data;
    if (size >= WIDE_MIN && __builtin_cpu_supports("avx2")) {
        size_t wide = size / (2 * sizeof(lanes4));
        sum += add_lanes4(at, wide);
        at += wide * 2 * sizeof(lanes4);
        size -= wide * 2 * sizeof(lanes4);
    }
    size_t whole = size / sizeof(lanes);
    if (whole > 2) {
        sum += add_lanes(at, whole);
        at += whole * sizeof(lanes);
        size -= whole * sizeof(lanes);
    }
    while (size >= 4) {
        sum += sl_be32_get(at);
        at += 4;
        size -= 4;
    }
    if (size >= 2) {
        sum += sl_be16_get(at);
        at += 2;
        size -= 2;
    }
    if (size == 1) {
        sum += (uint64_t)*at << 8;
    }
    return sum;
}

uint64_t sl_checksum_pseudo(const uint8_t *src, const uint8_t *dst, size_t addr_size, uint8_t proto,
                            uint32_t l4_size)
{
    uint64_t sum = sl_checksum_add(0, src, addr_size);
    sum = sl_checksum_add(sum, dst, addr_size);
    return sum + proto + l4_size;
}

uint16_t sl_checksum_update16(uint16_t checksum, uint16_t old, uint16_t now)
{
    uint32_t sum = (uint32_t)(uint16_t)~checksum + (uint16_t)~old + now;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint32_t sl_checksum_off(uint8_t proto)
{
    enum { TCP = 6, UDP = 17, DCCP = 33, UDPLITE = 136 };
    switch (proto) {
    case TCP:
        return 16;
    case UDP:
    case UDPLITE:
    case DCCP:
        return 6;
    default:
        return 0;
    }
}
