/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The keyed hashes of the flow level, so that strangers who choose addresses and ports cannot
 * choose where flows fall: four rounds of AES under five secret round keys for tuples, which are
 * hashed for every packet; SipHash-1-3 for bytes of any size. docs/adr/0030-flow-tables.md compares
 * them.
 */
#ifndef SL_FLOW_HASH_H
#define SL_FLOW_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

enum { SL_FLOW_HASH_ROUNDS = 4 };

struct sl_flow_hash_key {
    uint64_t k0, k1;                             /**< SipHash */
    uint8_t rounds[SL_FLOW_HASH_ROUNDS + 1][16]; /**< AES; the first whitens */
};

struct sl_flow_sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t sl_flow_rotl(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sl_flow_sip_round(struct sl_flow_sip *s)
{
    s->v0 += s->v1;
    s->v1 = sl_flow_rotl(s->v1, 13) ^ s->v0;
    s->v0 = sl_flow_rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = sl_flow_rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = sl_flow_rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = sl_flow_rotl(s->v1, 17) ^ s->v2;
    s->v2 = sl_flow_rotl(s->v2, 32);
}

static inline struct sl_flow_sip sl_flow_sip_start(const struct sl_flow_hash_key *key)
{
    return (struct sl_flow_sip){key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
                                key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
}

static inline void sl_flow_sip_word(struct sl_flow_sip *s, uint64_t word)
{
    s->v3 ^= word;
    sl_flow_sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t sl_flow_sip_end(struct sl_flow_sip *s)
{
    s->v2 ^= 0xff;
    sl_flow_sip_round(s);
    sl_flow_sip_round(s);
    sl_flow_sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/** Any bytes; the words are read little-endian as SipHash says. */
uint64_t sl_flow_hash_bytes(const struct sl_flow_hash_key *key, const void *data, size_t size);

/** A new random key. @retval SL_OK, SL_CRYPTO (no randomness) */
sl_rc sl_flow_hash_key_make(struct sl_flow_hash_key *ret_key) SL_MUST_CHECK;

#endif
