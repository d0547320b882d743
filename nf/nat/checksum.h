/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sums of 16-bit words in one's complement (RFC 1071), and the incremental update of a checksum
 * (RFC 1624) by one difference that serves several fields. Words are taken as they lie in memory.
 */
#ifndef SL_NF_NAT_CHECKSUM_H
#define SL_NF_NAT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Running sum; not folded. */
typedef uint64_t nat_sum;

static inline nat_sum nat_sum_add(nat_sum sum, const void *data, size_t size)
{
    const uint8_t *p = data;
    for (; size >= 4; p += 4, size -= 4) {
        uint32_t word;
        memcpy(&word, p, sizeof(word));
        sum += word;
    }
    if (size >= 2) {
        uint16_t word;
        memcpy(&word, p, sizeof(word));
        sum += word;
        p += 2;
        size -= 2;
    }
    if (size == 1) { /* RFC 1071: the odd byte is the first of its word */
        uint8_t pair[2] = {*p, 0};
        uint16_t word;
        memcpy(&word, pair, sizeof(word));
        sum += word;
    }
    return sum;
}

static inline uint16_t nat_sum_fold(nat_sum sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/** Takes bytes out of a sum: adds their complement. @p size even. */
static inline nat_sum nat_sum_take(nat_sum sum, const void *data, size_t size)
{
    return sum + (uint16_t)~nat_sum_fold(nat_sum_add(0, data, size));
}

/** The word of a value, as it lies in memory. */
static inline uint16_t nat_sum_word(uint16_t value)
{
    return (uint16_t)(value << 8 | value >> 8);
}

/** RFC 1624 eqn. 3, HC' = ~(~HC + ~m + m'): the checksum at @p field, after the sum of what it
 * covers has changed by @p delta. */
static inline void nat_checksum_change(uint8_t *field, nat_sum delta)
{
    uint16_t check;
    memcpy(&check, field, sizeof(check));
    check = (uint16_t)~nat_sum_fold((uint16_t)~check + delta);
    memcpy(field, &check, sizeof(check));
}

/** The same for UDP, where 0 says "none" (RFC 768): it stays none, and none comes about. */
static inline void nat_checksum_change_udp(uint8_t *field, nat_sum delta)
{
    if (field[0] == 0 && field[1] == 0) {
        return;
    }
    nat_checksum_change(field, delta);
    if (field[0] == 0 && field[1] == 0) {
        field[0] = 0xff;
        field[1] = 0xff;
    }
}

/** Writes the checksum of a sum. */
static inline void nat_checksum_put(uint8_t *field, nat_sum sum)
{
    uint16_t check = (uint16_t)~nat_sum_fold(sum);
    memcpy(field, &check, sizeof(check));
}

#endif
