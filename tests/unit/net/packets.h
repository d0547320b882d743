/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and checks IP packets the slow, obvious way, independent of src/net. */
#ifndef SL_TESTS_NET_PACKETS_H
#define SL_TESTS_NET_PACKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static uint32_t random_state = 1;
static inline uint32_t random_next(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static inline void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline uint32_t get16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}
static inline uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

/* Ones' complement sum, word by word (RFC 1071). */
static inline uint32_t slow_sum(uint32_t sum, const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        sum += (i & 1) != 0 ? data[i] : (uint32_t)data[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static inline uint32_t slow_pseudo(const uint8_t *packet, uint32_t l4_off, uint32_t size)
{
    bool is_v4 = packet[0] >> 4 == 4;
    uint32_t sum = is_v4 ? slow_sum(0, packet + 12, 8) : slow_sum(0, packet + 8, 32);
    sum += is_v4 ? packet[9] : packet[6];
    sum += size - l4_off;
    return (sum & 0xffff) + (sum >> 16);
}

static inline bool slow_l4_right(const uint8_t *packet, uint32_t l4_off, uint32_t size)
{
    return slow_sum(slow_pseudo(packet, l4_off, size), packet + l4_off, size - l4_off) == 0xffff;
}

struct shape {
    int version;
    bool is_udp;
    uint32_t option_size; /* TCP options, multiple of 4 */
    uint32_t payload;
    uint16_t id;
    uint32_t seq;
    uint8_t flags;
    uint8_t tos;
    uint16_t sport;
};

/* A packet with right lengths and checksums. @return size; *l4_off, *header set */
static inline uint32_t packet_make(uint8_t *p, const struct shape *s, uint32_t *l4_off,
                                   uint32_t *header)
{
    *l4_off = s->version == 4 ? 20 : 40;
    *header = *l4_off + (s->is_udp ? 8 : 20 + s->option_size);
    uint32_t size = *header + s->payload;
    memset(p, 0, *header);
    if (s->version == 4) {
        p[0] = 0x45;
        p[1] = s->tos;
        put16(p + 2, size);
        put16(p + 4, s->id);
        p[6] = 0x40;
        p[8] = 64;
        p[9] = s->is_udp ? 17 : 6;
        memcpy(p + 12, "\x0a\0\0\5\xc0\0\2\1", 8);
        put16(p + 10, 0xffff & ~slow_sum(0, p, 20));
    } else {
        p[0] = (uint8_t)(0x60 | s->tos >> 4);
        p[1] = (uint8_t)(s->tos << 4);
        put16(p + 4, size - 40);
        p[6] = s->is_udp ? 17 : 6;
        p[7] = 64;
        memcpy(p + 8, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
               32);
    }
    uint8_t *l4 = p + *l4_off;
    put16(l4, s->sport);
    put16(l4 + 2, 443);
    for (uint32_t i = 0; i < s->payload; i++) {
        p[*header + i] = (uint8_t)random_next();
    }
    if (s->is_udp) {
        put16(l4 + 4, size - *l4_off);
        put16(l4 + 6, 0xffff & ~slow_sum(slow_pseudo(p, *l4_off, size), l4, size - *l4_off));
        if (get16(l4 + 6) == 0) {
            put16(l4 + 6, 0xffff);
        }
    } else {
        put16(l4 + 4, s->seq >> 16);
        put16(l4 + 6, s->seq);
        put16(l4 + 8, 7);
        l4[12] = (uint8_t)((20 + s->option_size) / 4 << 4);
        l4[13] = s->flags;
        put16(l4 + 14, 500);
        memset(l4 + 20, 1, s->option_size);
        put16(l4 + 16, 0xffff & ~slow_sum(slow_pseudo(p, *l4_off, size), l4, size - *l4_off));
    }
    return size;
}

/* Makes the checksum field what a device with NEEDS_CSUM expects. */
static inline void packet_make_partial(uint8_t *p, uint32_t l4_off, uint32_t size, bool is_udp)
{
    put16(p + l4_off + (is_udp ? 6 : 16), slow_pseudo(p, l4_off, size));
}

#endif
