/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What every packet of a flow table goes through, inline: tuple, hash, checksum of common packets.
 * Private to src/flow; tuple.h has the same as functions.
 */
#ifndef SL_FLOW_TUPLE_INLINE_H
#define SL_FLOW_TUPLE_INLINE_H

#include <smmintrin.h>
#include <string.h>
#include <wmmintrin.h>

#include "base/bytes.h"
#include "flow/tuple.h"
#include "safelib/checksum.h"

/* Every program that has ESP has AES instructions (esp/aead.c refuses to start without). */
#define SL_FLOW_USES_AES __attribute__((target("aes,sse4.1")))

enum { SL_FLOW_CHECKED_SHORT = 128 /* longer ones are worth a call of the wide sum */ };

/* ---- tuple ---- */

/* Of a packet that has ports. @return false: of another one, nothing was written */
static inline bool tuple_of_ports(const struct sl_packet *packet, struct sl_flow_tuple *tuple)
{
    if ((packet->has & SL_PKT_HAS_PORTS) == 0) {
        return false;
    }
    /* built where it belongs: a copy would wait for its own small writes */
    *tuple = (struct sl_flow_tuple){.sport = packet->sport,
                                    .dport = packet->dport,
                                    .proto = packet->proto,
                                    .ip_version = packet->ip_version};
    if (packet->ip_version == 4) {
        memcpy(tuple->src, packet->src, 4);
        memcpy(tuple->dst, packet->dst, 4);
    } else {
        memcpy(tuple->src, packet->src, 16);
        memcpy(tuple->dst, packet->dst, 16);
    }
    return true;
}

/* ---- hash ---- */

static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

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

/* @param upper  what else there is to hash, beside 48 bits of one end */
SL_FLOW_USES_AES static inline uint64_t hash_ends4(const struct sl_flow_hash_key *key,
                                                   const uint8_t *src, uint16_t sport,
                                                   const uint8_t *dst, uint16_t dport,
                                                   uint64_t upper)
{
    /* both ends in the order of their numbers: no branch, as it would be guessed wrong */
    uint64_t a = (uint64_t)load32(src) << 16 | sport;
    uint64_t b = (uint64_t)load32(dst) << 16 | dport;
    uint64_t low = a < b ? a : b;
    uint64_t high = a < b ? b : a;
    __m128i block = _mm_set_epi64x((long long)high, (long long)(low | upper));
    block = four_rounds(key, _mm_xor_si128(round_key(key, 0), block));
    return (uint64_t)_mm_cvtsi128_si64(block);
}

/* As sl_flow_tuple_hash. */
SL_FLOW_USES_AES static inline uint64_t tuple_hash(const struct sl_flow_hash_key *key,
                                                   const struct sl_flow_tuple *tuple)
{
    return tuple->ip_version == 4 && tuple->proto != SL_FLOW_ICMP && tuple->proto != SL_FLOW_ICMP6
               ? hash_ends4(key, tuple->src, tuple->sport, tuple->dst, tuple->dport,
                            (uint64_t)tuple->proto << 48)
               : sl_flow_tuple_hash(key, tuple);
}

/* ---- checksum ---- */

/* Few bytes, four at a time, as they lie there: whether a sum of native words folds to zero does
 * not depend on the byte order (RFC 1071 2 B). */
static inline uint64_t sum_short(const uint8_t *at, uint32_t size)
{
    uint64_t sum = 0;
    for (; size >= 8; at += 8, size -= 8) {
        sum += (uint64_t)load32(at) + load32(at + 4);
    }
    if (size >= 4) {
        sum += load32(at);
        at += 4;
        size -= 4;
    }
    if (size != 0) {
        uint32_t last = at[0];
        last |= size > 1 ? (uint32_t)at[1] << 8 : 0;
        last |= size > 2 ? (uint32_t)at[2] << 16 : 0;
        sum += last;
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
    uint64_t sum = sum_short(l4, size) + load32(packet->src) + load32(packet->dst);
    sum += __builtin_bswap16(packet->proto) + (uint64_t)__builtin_bswap16((uint16_t)size);
    bool is_good = sl_checksum_fold(sum) == 0;
    packet->has |= is_good ? SL_FLOW_PKT_CHECKED : SL_FLOW_PKT_CHECKED | SL_FLOW_PKT_BAD_CHECKSUM;
    return is_good;
}

#endif
