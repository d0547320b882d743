/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What every packet of a flow table goes through, inline: key, hash, checksum of common packets.
 * Private to src/flow; tuple.h has the same as functions.
 */
#ifndef SL_FLOW_TUPLE_INLINE_H
#define SL_FLOW_TUPLE_INLINE_H

#include <smmintrin.h>
#include <string.h>
#include <wmmintrin.h>

#include "base/bytes.h"
#include "flow/record.h"
#include "flow/tuple.h"
#include "safelib/checksum.h"

/* Every program that has ESP has AES instructions (esp/aead.c refuses to start without). */
#define SL_FLOW_USES_AES __attribute__((target("aes,sse4.1")))

enum { SL_FLOW_CHECKED_SHORT = 128 /* longer ones are worth a call of the wide sum */ };

/* ---- tuple ---- */

/* Of two addresses of IPv4 and two ports. */
static inline struct sl_flow_key4 key4_make(const uint8_t *src, uint16_t sport, const uint8_t *dst,
                                            uint16_t dport, uint8_t proto)
{
    return (struct sl_flow_key4){.addrs = sl_le32_get(src) | (uint64_t)sl_le32_get(dst) << 32,
                                 .ports = sport | (uint32_t)dport << 16,
                                 .proto = proto};
}

/* ---- hash ---- */

SL_FLOW_USES_AES static inline __m128i round_key(const struct sl_flow_hash_key *key, uint32_t round)
{
    return _mm_loadu_si128((const __m128i *)(const void *)key->rounds[round]);
}

SL_FLOW_USES_AES static inline __m128i four_rounds(const struct sl_flow_hash_key *key,
                                                   __m128i block)
{
    block = _mm_aesenc_si128(block, round_key(key, 1));
    block = _mm_aesenc_si128(block, round_key(key, 2));
    block = _mm_aesenc_si128(block, round_key(key, 3));
    return _mm_aesenc_si128(block, round_key(key, 4));
}

/* @param type  what else there is to hash: of an ICMP query */
SL_FLOW_USES_AES static inline uint64_t key4_hash(const struct sl_flow_hash_key *key,
                                                  const struct sl_flow_key4 *of, uint8_t type)
{
    /* both ends in the order of their numbers: no branch, as it would be guessed wrong */
    uint64_t a = of->addrs << 32 >> 16 | (uint16_t)of->ports;
    uint64_t b = of->addrs >> 32 << 16 | of->ports >> 16;
    uint64_t low = a < b ? a : b;
    uint64_t high = a < b ? b : a;
    uint64_t upper = (uint64_t)of->proto << 48 | (uint64_t)type << 56;
    __m128i block = _mm_set_epi64x((long long)high, (long long)(low | upper));
    block = four_rounds(key, _mm_xor_si128(round_key(key, 0), block));
    return (uint64_t)_mm_cvtsi128_si64(block);
}

/* ---- checksum ---- */

static inline uint64_t add_around(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

/* Few bytes, eight at a time as they lie there: whether a sum of native words folds to zero does
 * not depend on the byte order (RFC 1071 2 B). */
static inline uint64_t sum_short(const uint8_t *at, uint32_t size)
{
    uint64_t sum = 0;
    for (; size >= 16; at += 16, size -= 16) {
        sum = add_around(add_around(sum, sl_le64_get(at)), sl_le64_get(at + 8));
    }
    if ((size & 8) != 0) {
        sum = add_around(sum, sl_le64_get(at));
        at += 8;
    }
    if ((size & 4) != 0) {
        sum = add_around(sum, sl_le32_get(at));
        at += 4;
    }
    if ((size & 3) != 0) {
        uint32_t last = at[0];
        last |= (size & 2) != 0 ? (uint32_t)at[1] << 8 : 0;
        last |= (size & 3) == 3 ? (uint32_t)at[2] << 16 : 0;
        sum = add_around(sum, last);
    }
    return sum;
}

/* As sl_flow_checksum_is_good: that of short packets of TCP and UDP over IPv4 here. */
static inline bool checksum_is_good(struct sl_packet *packet)
{
    const uint16_t bits = SL_PKT_HAS_PORTS | SL_PKT_FRAGMENT | SL_FLOW_PKT_CHECKED;
    const uint8_t *l4 = packet->data + packet->l4_off;
    uint32_t size = packet->size - packet->l4_off;
    bool is_common = (packet->has & bits) == SL_PKT_HAS_PORTS && packet->ip_version == 4 &&
                     size <= SL_FLOW_CHECKED_SHORT;
    if (!is_common ||
        !(packet->proto == SL_FLOW_TCP ||
          (packet->proto == SL_FLOW_UDP && sl_be16_get(l4 + 4) == size && (l4[6] | l4[7]) != 0))) {
        return sl_flow_checksum_is_good(packet);
    }
    uint64_t pseudo = (uint64_t)sl_le32_get(packet->src) + sl_le32_get(packet->dst) +
                      __builtin_bswap16(packet->proto) + __builtin_bswap16((uint16_t)size);
    uint64_t sum = add_around(sum_short(l4, size), pseudo);
    bool is_good = sl_checksum_fold(sum) == 0;
    packet->has |= is_good ? SL_FLOW_PKT_CHECKED : SL_FLOW_PKT_CHECKED | SL_FLOW_PKT_BAD_CHECKSUM;
    return is_good;
}

#endif
