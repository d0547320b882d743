/* SPDX-License-Identifier: Apache-2.0 */
/* What a fragment's headers say: its place, and the name of its datagram. */
#include <string.h>

#include "base/bytes.h"
#include "flow/fragments_private.h"

enum {
    IP6_SIZE = 40,
    FRAGMENT_SIZE = 8,
    PROTO_FRAGMENT = 44,
    PROTO_AH = 51,
    DATAGRAM_MAX = 65535,
};

uint32_t fragments_header6(const struct sl_packet *packet, uint32_t *ret_named_at)
{
    const uint8_t *data = packet->data;
    uint32_t named_at = 6;
    uint32_t off = IP6_SIZE;
    /* sl_packet_parse found one, so all before it are whole */
    while (data[named_at] != PROTO_FRAGMENT && off + FRAGMENT_SIZE <= packet->size) {
        uint32_t size =
            data[named_at] == PROTO_AH ? (data[off + 1] + 2u) * 4 : (data[off + 1] + 1u) * 8;
        named_at = off;
        off += size;
    }
    *ret_named_at = named_at;
    return off;
}

bool sl_fragments_place_of(const struct sl_packet *packet, struct sl_fragments_place *ret_place)
{
    struct sl_fragments_place place = {0};
    uint32_t header; /* bytes that count against 65535 beside the fragmentable part */
    if (packet->ip_version == 4) {
        uint16_t field = sl_be16_get(packet->data + 6);
        place.id = sl_be16_get(packet->data + 4);
        place.payload = (uint32_t)(packet->data[0] & 0xf) * 4;
        place.begin = (uint32_t)(field & 0x1fff) * 8;
        place.is_more = (field & 0x2000) != 0;
        header = place.payload;
    } else {
        uint32_t named_at;
        uint32_t off = fragments_header6(packet, &named_at);
        if (off + FRAGMENT_SIZE > packet->size) {
            return false;
        }
        uint16_t field = sl_be16_get(packet->data + off + 2);
        place.id = sl_be32_get(packet->data + off + 4);
        place.payload = off + FRAGMENT_SIZE;
        place.begin = field & 0xfff8u;
        place.is_more = (field & 1) != 0;
        header = off - IP6_SIZE;
    }
    uint32_t size = packet->size - place.payload;
    place.end = place.begin + size;
    *ret_place = place;
    return size > 0 && (!place.is_more || size % 8 == 0) && header + place.end <= DATAGRAM_MAX;
}

uint32_t sl_fragments_key(const struct sl_packet *packet, uint8_t ret_key[SL_FRAGMENTS_KEY])
{
    if (packet->ip_version == 4) {
        memcpy(ret_key, packet->src, 4);
        memcpy(ret_key + 4, packet->dst, 4);
        memcpy(ret_key + 8, packet->data + 4, 2);
        ret_key[10] = packet->data[9];
        ret_key[11] = packet->port_in;
        return 12;
    }
    uint32_t named_at;
    uint32_t off = fragments_header6(packet, &named_at);
    memset(ret_key, 0, SL_FRAGMENTS_KEY);
    memcpy(ret_key, packet->src, 16);
    memcpy(ret_key + 16, packet->dst, 16);
    if (off + FRAGMENT_SIZE <= packet->size) {
        memcpy(ret_key + 32, packet->data + off + 4, 4);
    }
    ret_key[36] = packet->port_in;
    return SL_FRAGMENTS_KEY;
}
