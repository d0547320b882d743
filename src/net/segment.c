/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts super-packets into ordinary ones. */
#include "net/segment.h"

#include <string.h>

#include "base/bytes.h"
#include "safelib/checksum.h"

enum {
    TCP_SEQ = 4,
    TCP_FLAGS = 13,
    TCP_CSUM = 16,
    UDP_LENGTH = 4,
    UDP_CSUM = 6,
};

/* Bytes of the L4 header of what is to be cut, or 0 where the packet is not what vnet says. */
static uint32_t split_l4_header(const struct sl_segmenter *seg, uint8_t type)
{
    bool is_tcp = type != SL_VNET_GSO_UDP_L4;
    uint8_t version = type == SL_VNET_GSO_TCPV4 ? 4 : 6;
    if (seg->ip.is_fragment || (is_tcp && seg->ip.version != version) ||
        seg->ip.proto != (is_tcp ? SL_IP_PROTO_TCP : SL_IP_PROTO_UDP)) {
        return 0;
    }
    uint32_t l4 = is_tcp ? sl_ip_tcp_header(seg->packet, &seg->ip) : SL_UDP_HEADER;
    return seg->ip.size - seg->ip.l4_off < l4 ? 0 : l4;
}

static sl_rc plan_split(struct sl_segmenter *seg, const struct sl_vnet *vnet, uint32_t mtu)
{
    uint8_t type = vnet->gso_type & (uint8_t)~SL_VNET_GSO_ECN;
    bool is_tcp = type == SL_VNET_GSO_TCPV4 || type == SL_VNET_GSO_TCPV6;
    if (!is_tcp && type != SL_VNET_GSO_UDP_L4) {
        return SL_UNSUPPORTED;
    }
    uint32_t l4 = split_l4_header(seg, type);
    if (l4 == 0 || vnet->gso_size == 0) {
        return SL_MALFORMED;
    }
    seg->header_size = seg->ip.l4_off + l4;
    seg->payload_size = vnet->gso_size;
    if (is_tcp && mtu > seg->header_size && seg->payload_size > mtu - seg->header_size) {
        seg->payload_size = mtu - seg->header_size;
    }
    seg->is_split = true;
    seg->needs_csum = true;
    seg->csum_start = seg->ip.l4_off;
    seg->csum_field = (uint16_t)(seg->ip.l4_off + (is_tcp ? TCP_CSUM : UDP_CSUM));
    return SL_OK;
}

static sl_rc plan_csum(struct sl_segmenter *seg, const struct sl_vnet *vnet)
{
    uint32_t field = (uint32_t)vnet->csum_start + vnet->csum_offset;
    if (vnet->csum_start < seg->ip.l4_off || field + 2 > seg->ip.size) {
        return SL_MALFORMED;
    }
    seg->needs_csum = true;
    seg->csum_start = vnet->csum_start;
    seg->csum_field = (uint16_t)field;
    return SL_OK;
}

sl_rc sl_segmenter_init(struct sl_segmenter *seg, const struct sl_vnet *vnet, const uint8_t *packet,
                        uint32_t size, uint32_t mtu)
{
    struct sl_segmenter made = {.packet = packet};
    sl_rc rc = sl_ip_parse(packet, size, &made.ip);
    if (rc != SL_OK) {
        return rc;
    }
    made.header_size = made.ip.l4_off;
    made.payload_size = made.ip.size - made.ip.l4_off;
    if (vnet->gso_type != SL_VNET_GSO_NONE) {
        rc = plan_split(&made, vnet, mtu);
    } else if ((vnet->flags & SL_VNET_NEEDS_CSUM) != 0) {
        rc = plan_csum(&made, vnet);
    }
    if (rc != SL_OK) {
        return rc;
    }
    *seg = made;
    return SL_OK;
}

uint32_t sl_segmenter_size_max(const struct sl_segmenter *seg)
{
    uint32_t left = seg->ip.size - seg->header_size;
    return seg->header_size + (left < seg->payload_size ? left : seg->payload_size);
}

/* RFC 1071 over what csum_start covers. The device's contract: the field holds the sum of the
 * pseudo-header; for segments, whose length differs, it is made anew. */
static void checksum_complete(const struct sl_segmenter *seg, uint8_t *out, uint32_t size)
{
    if (seg->is_split) {
        uint64_t sum =
            sl_checksum_pseudo(out + seg->ip.addr_off, out + seg->ip.addr_off + seg->ip.addr_size,
                               seg->ip.addr_size, seg->ip.proto, size - seg->csum_start);
        sl_be16_put(out + seg->csum_field, (uint16_t)~sl_checksum_fold(sum));
    }
    /* chain only at even offsets: csum_start is even for every L4 header; an odd one is legal in
     * the vnet header and summed from its own start all the same */
    uint64_t sum = sl_checksum_add(0, out + seg->csum_start, size - seg->csum_start);
    uint16_t checksum = sl_checksum_fold(sum);
    bool is_udp = seg->ip.proto == SL_IP_PROTO_UDP;
    /* RFC 768: zero means "no checksum"; a sum of zero is sent as ffff */
    sl_be16_put(out + seg->csum_field, is_udp && checksum == 0 ? 0xffff : checksum);
}

static void headers_fix(const struct sl_segmenter *seg, uint8_t *out, uint32_t size, bool is_last)
{
    uint8_t *l4 = out + seg->ip.l4_off;
    if (seg->ip.version == 4) {
        sl_be16_put(out + 2, (uint16_t)size);
        sl_be16_put(out + 4, (uint16_t)(sl_be16_get(out + 4) + seg->index));
        sl_ip4_checksum_set(out, (uint32_t)(out[0] & 0x0f) * 4);
    } else {
        sl_be16_put(out + 4, (uint16_t)(size - SL_IP6_HEADER));
    }
    if (seg->ip.proto == SL_IP_PROTO_UDP) {
        sl_be16_put(l4 + UDP_LENGTH, (uint16_t)(size - seg->ip.l4_off));
        return;
    }
    sl_be32_put(l4 + TCP_SEQ, sl_be32_get(l4 + TCP_SEQ) + seg->off);
    if (!is_last) {
        l4[TCP_FLAGS] &= (uint8_t) ~(SL_TCP_FIN | SL_TCP_PSH);
    }
    if (seg->index > 0) {
        l4[TCP_FLAGS] &= (uint8_t)~SL_TCP_CWR; /* RFC 3168 6.1.2: once */
    }
}

sl_rc sl_segmenter_next(struct sl_segmenter *seg, uint8_t *out, uint32_t room, uint32_t *ret_size)
{
    uint32_t total = seg->ip.size - seg->header_size;
    if (seg->index > 0 && seg->off >= total) {
        return SL_NOT_FOUND;
    }
    uint32_t payload = total - seg->off < seg->payload_size ? total - seg->off : seg->payload_size;
    uint32_t size = seg->header_size + payload;
    if (size > room) {
        return SL_NO_SPACE;
    }
    memcpy(out, seg->packet, seg->header_size);
    memcpy(out + seg->header_size, seg->packet + seg->header_size + seg->off, payload);
    if (seg->is_split) {
        headers_fix(seg, out, size, seg->off + payload >= total);
    }
    if (seg->needs_csum) {
        checksum_complete(seg, out, size);
    }
    seg->off += payload;
    seg->index++;
    *ret_size = size;
    return SL_OK;
}
