/* SPDX-License-Identifier: Apache-2.0 */
/* Internet checksum. */
#include "base/checksum.h"

#include "base/bytes.h"

uint64_t sl_checksum_add(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *at = data;
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

uint16_t sl_checksum_fold(uint64_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

uint16_t sl_checksum_update16(uint16_t checksum, uint16_t old, uint16_t now)
{
    uint32_t sum = (uint32_t)(uint16_t)~checksum + (uint16_t)~old + now;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
