/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams cut into fragments, for tests and fuzzing of what puts them together. */
#ifndef SL_TESTS_FLOW_CUTS_H
#define SL_TESTS_FLOW_CUTS_H

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "safelib/checksum.h"
#include "safelib/packet.h"

struct cut {
    uint8_t data[2048];
    struct sl_packet packet;
};

/* The header of a fragment of `size` payload bytes at `begin`; between hosts numbered 1 and 2. */
static inline uint32_t cut_header(uint8_t *out, bool is_v6, uint32_t id, uint8_t proto,
                                  uint32_t begin, uint32_t size, bool is_more)
{
    memset(out, 0, 48);
    if (is_v6) {
        out[0] = 0x60;
        sl_be16_put(out + 4, (uint16_t)(size + 8));
        out[6] = 44;
        out[7] = 64;
        out[8] = out[24] = 0x20;
        out[23] = 1;
        out[39] = 2;
        out[40] = proto;
        sl_be16_put(out + 42, (uint16_t)(begin | is_more));
        sl_be32_put(out + 44, id);
        return 48;
    }
    out[0] = 0x45;
    sl_be16_put(out + 2, (uint16_t)(size + 20));
    sl_be16_put(out + 4, (uint16_t)id);
    sl_be16_put(out + 6, (uint16_t)(begin / 8 | (is_more ? 0x2000u : 0)));
    out[8] = 64;
    out[9] = proto;
    out[12] = out[16] = 10;
    out[15] = 1;
    out[19] = 2;
    sl_be16_put(out + 10, sl_checksum_fold(sl_checksum_add(0, out, 20)));
    return 20;
}

/* A fragment with bytes [begin, end) of `payload`. @return what the parser says */
static inline sl_rc cut_make(struct cut *cut, bool is_v6, uint32_t id, uint8_t proto,
                             const uint8_t *payload, uint32_t begin, uint32_t end, bool is_more)
{
    uint32_t header = cut_header(cut->data, is_v6, id, proto, begin, end - begin, is_more);
    memcpy(cut->data + header, payload + begin, end - begin);
    cut->packet = (struct sl_packet){
        .data = cut->data, .size = header + end - begin, .room = sizeof(cut->data)};
    return sl_packet_parse(&cut->packet);
}

/* A datagram's upper layer: UDP from port 1000 to 2000, or an ICMP echo request with identifier
 * 1000, or a TCP segment from 1000 to 2000; checksum right. */
static inline void cut_payload(uint8_t *out, uint32_t size, bool is_v6, uint8_t proto)
{
    uint8_t head[48];
    uint32_t at = proto == 17 ? 6 : proto == 6 ? 16 : 2;
    for (uint32_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(i * 7 + i / 256);
    }
    memset(out, 0, proto == 6 ? 20 : 8);
    sl_be16_put(out, 1000);
    sl_be16_put(out + 2, 2000);
    if (proto == 17) {
        sl_be16_put(out + 4, (uint16_t)size);
    } else if (proto == 6) {
        sl_be32_put(out + 4, 1);
        out[12] = 0x50;
        out[13] = 0x02;
        sl_be16_put(out + 14, 8192);
    } else {
        sl_be16_put(out, is_v6 ? 128 << 8 : 8 << 8);
        sl_be16_put(out + 2, 0);
        sl_be16_put(out + 4, 1000);
    }
    (void)cut_header(head, is_v6, 0, proto, 0, 8, false);
    uint64_t sum = proto == 1
                       ? 0
                       : sl_checksum_pseudo(head + (is_v6 ? 8 : 12), head + (is_v6 ? 24 : 16),
                                            is_v6 ? 16 : 4, proto, size);
    sl_be16_put(out + at, sl_checksum_fold(sl_checksum_add(sum, out, size)));
}

#endif
